"""Pooled groups, tests and validation as by mice of R on the same tables; made by make_pooling.R."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cytopenia.stats.imputed_performance import pool_performance
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.pooled_groups import (
    average_summary,
    pool_means,
    pool_means_apart,
    pool_shares_apart,
)
from cytopenia.stats.pooled_tests import pool_wald
from cytopenia.stats.pooling import PooledEstimate, PooledShare, pool_areas, pool_proportions
from cytopenia.stats.roc import estimate_roc
from parity_files import PARITY, check_r_again, read_results

NEAR = 1e-6
CODES = {"CD19": 0.0, "BCMA": 1.0, "dual": 2.0}
Numbers = NDArray[np.float64]


def read_tables() -> dict[str, Numbers]:
    """Every column as tables by rows."""
    with (PARITY / "pooling_tables.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    count = max(int(row["imputation"]) for row in rows)
    names = ("event", "age", "anc", "crp", "bridging")
    found = {name: np.array([float(row[name]) for row in rows]).reshape(count, -1) for name in names}
    return found | {"target": np.array([CODES[row["target"]] for row in rows]).reshape(count, -1)}


R = read_results("pooling_results.csv")
TABLES = read_tables()
EVENT = TABLES["event"][0]


def compare(found: PooledEstimate | PooledShare, case: str, *, names: tuple[str, ...] = ()) -> None:
    got = {
        "estimate": found.estimate,
        "low": found.low,
        "high": found.high,
        "df": found.degrees_of_freedom,
        "fmi": found.fraction_missing,
        "p": found.p_value,
    }
    wanted = {name: value for name, value in R[case].items() if not names or name in names}
    assert {name: got[name] for name in wanted} == pytest.approx(wanted, rel=NEAR), case


@pytest.mark.parametrize("name", ["anc", "crp"])
@pytest.mark.parametrize("side", [1, 0])
def test_means_of_a_side(name: str, side: int) -> None:
    own = TABLES[name][:, side == EVENT]
    compare(pool_means(own), f"mean_{name}_{side}")
    found = average_summary(own)
    got = {"sd": found.sd, "median": found.median, "q1": found.q1, "q3": found.q3}
    assert got == pytest.approx(R[f"spread_{name}_{side}"], rel=NEAR)


@pytest.mark.parametrize("side", [1, 0])
def test_shares_of_a_side(side: int) -> None:
    own = TABLES["bridging"][:, side == EVENT]
    compare(pool_proportions(own.sum(axis=1), own.shape[1]), f"share_bridging_{side}")


def test_difference_of_means() -> None:
    compare(pool_means_apart(TABLES["crp"], EVENT), "difference_crp")


def test_difference_of_shares() -> None:
    compare(pool_shares_apart(TABLES["bridging"] == 1, EVENT), "difference_bridging")


@pytest.mark.parametrize(
    ("case", "tables", "freedom"), [("d1", 6, 60), ("d1_large", 6, np.inf), ("d1_two", 2, np.inf)]
)
def test_all_levels_at_once(case: str, tables: int, freedom: float) -> None:
    estimates, covariances = list[Numbers](), list[Numbers]()
    for column in TABLES["target"][:tables]:
        levels = np.column_stack([column == 1, column == 2]).astype(float)
        fit = fit_logistic(levels, EVENT, names=["BCMA", "dual"])
        errors = np.array([term.standard_error for term in fit.terms], dtype=float)
        assert fit.correlation is not None
        estimates.append(np.array([term.coefficient for term in fit.terms], dtype=float))
        covariances.append(fit.correlation[1:, 1:] * np.outer(errors, errors))
    found = pool_wald(estimates, covariances, complete_freedom=freedom)
    got = {
        "f": found.statistic,
        "df1": found.degrees,
        "df2": found.denominator,
        "p": found.p_value,
        "riv": found.relative_increase,
    }
    assert got == pytest.approx(R[case], rel=NEAR)


@pytest.mark.parametrize("name", ["anc", "crp"])
def test_areas(name: str) -> None:
    curves = [estimate_roc(one, EVENT, high_means_event=name == "crp") for one in TABLES[name]]
    areas = np.array([one.auc for one in curves], dtype=float)
    errors = np.array([one.standard_error for one in curves], dtype=float)
    compare(pool_areas(areas, errors, n=EVENT.size), f"area_{name}")


def score() -> Numbers:
    return -0.8 - 0.25 * TABLES["anc"] + 0.012 * TABLES["crp"] + 0.5 * TABLES["bridging"]


@pytest.mark.parametrize("name", ["c_statistic", "intercept", "slope", "in_the_large", "brier"])
def test_performance_of_a_published_model(name: str) -> None:
    found = pool_performance(1 / (1 + np.exp(-score())), EVENT)
    compare(getattr(found, name), name)


def test_observed_by_expected() -> None:
    found = pool_performance(1 / (1 + np.exp(-score())), EVENT)
    # A ratio is judged against 1, so its P is that of its logarithm.
    compare(found.observed_by_expected, "observed_by_expected")


def test_shares_of_sizes_that_differ() -> None:
    is_above = score() >= -1
    counts = (is_above & (EVENT == 1)).sum(axis=1)
    compare(pool_proportions(counts, is_above.sum(axis=1)), "share_above")


@pytest.mark.long
def test_r_gives_the_stored_numbers_of_pooling(find_program: Callable[[str], str], tmp_path: Path) -> None:
    check_r_again(find_program, "make_pooling.R", "pooling_results.csv", tmp_path, rel=1e-6, floor=1e-9)
