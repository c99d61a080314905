"""Pooling, steps and distribution of results as by mice of R; made by make_imputation.R."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cytopenia.stats.imputation import Imputations, impute_chained
from cytopenia.stats.imputation_steps import (
    augment_rows,
    fit_levels,
    fit_linear,
    match_donors,
)
from cytopenia.stats.pooling import pool_estimates
from parity_files import check_r_again, read_results, read_rows

NEAR = 1e-8
# nnet's optimizer stops a little before the top.
NEAR_NNET = 1e-4
# Standard errors of chance by which two simulations of 1,000 imputations may differ.
CHANCE = 4.0
MANY = 1000
CODES = {"": np.nan, "CD19": 0.0, "BCMA": 1.0, "dual": 2.0}


def read_columns() -> dict[str, NDArray[np.float64]]:
    rows = read_rows("incomplete.csv")
    names = ("event", "age", "anc", "crp", "bridging")
    found = {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}
    return found | {"target": np.array([CODES[row["target"]] for row in rows])}


R = read_results("imputation_results.csv")
DATA = read_columns()


def numbers(case: str, prefix: str) -> NDArray[np.float64]:
    found = {
        int(name.rpartition("_")[2]): value for name, value in R[case].items() if name.startswith(prefix)
    }
    return np.array([found[place] for place in sorted(found)])


@pytest.mark.parametrize("case", [name for name in R if name.startswith("pool_")])
def test_pool_of_mice(case: str) -> None:
    _, _, freedom, _ = case.split("_")
    found = pool_estimates(
        numbers(case, "estimate_"), numbers(case, "error_"), complete_freedom=float(freedom)
    )
    assert found.standard_error is not None
    got = {
        "estimate": found.estimate,
        "ubar": found.within,
        "b": found.between,
        "t": found.standard_error**2,
        "df": found.degrees_of_freedom,
        "riv": found.relative_increase,
        "lambda": found.share_of_variance,
        "fmi": found.fraction_missing,
        "low": found.low,
        "high": found.high,
        "p": found.p_value,
    }
    assert got == pytest.approx({name: R[case][name] for name in got}, rel=NEAR)


@pytest.mark.parametrize(
    ("case", "estimates", "variances", "freedom"),
    [("scalar_same", [0.7] * 5, [0.04] * 5, 61), ("scalar_two", [0.2, 0.4], [1.0, 1.2], math.inf)],
)
def test_pool_of_mice_at_its_edges(
    case: str, estimates: list[float], variances: list[float], freedom: float
) -> None:
    found = pool_estimates(estimates, np.sqrt(variances), complete_freedom=freedom)
    assert found.standard_error is not None
    got = {
        "t": found.standard_error**2,
        "df": found.degrees_of_freedom,
        "fmi": found.fraction_missing,
        "riv": found.relative_increase,
    }
    assert got == pytest.approx(R[case], rel=NEAR, abs=1e-12)


def test_fit_of_estimice() -> None:
    names = ("event", "age", "anc")
    is_known = ~np.isnan([*(DATA[name] for name in names), DATA["crp"]]).any(axis=0)
    rows = np.column_stack([np.ones(is_known.sum()), *(DATA[name][is_known] for name in names)])
    values = DATA["crp"][is_known]
    fit = fit_linear((rows.T @ rows)[np.newaxis], (rows.T @ values)[np.newaxis])
    assert fit.coefficients[0] == pytest.approx(numbers("estimice", "coefficient_"), rel=NEAR)
    triangle = np.array(np.linalg.inv(fit.factor[0]), dtype=np.float64)
    assert (triangle.T @ triangle).ravel() == pytest.approx(numbers("estimice", "variance_"), rel=NEAR)
    rest = values - rows @ fit.coefficients[0]
    assert rest @ rest == pytest.approx(R["estimice"]["squares"], rel=NEAR)
    assert len(values) - rows.shape[1] == R["estimice"]["df"]


def test_donors_of_matchindex() -> None:
    """In 4,000 draws every donor is drawn; among equal predictions any of them is."""
    known = np.array([-5, 5, 0, 10, 12, 0, 0, 3.5, 7, -1])
    wanted = np.array([-6, -4, 0, 2, 4, -2, 6, 30, 8.5])
    rng = np.random.default_rng(1)
    drawn = match_donors(np.tile(known, (4000, 1)), np.tile(wanted, (4000, 1)), donors=3, rng=rng)
    got = [sorted({place + 1 for place in column.tolist()}) for column in drawn.T]
    expected = [numbers(f"donors_3_{place}", "donor_").tolist() for place in range(1, 10)]
    assert got == expected


def test_nearest_donor_of_matchindex() -> None:
    known, wanted = np.array([[-5, 5, 0, 10, 12, 3.5, 7, -1]]), np.array([[-6, -4, 0, 2, 4, -2, 6, 30.0]])
    drawn = match_donors(known, wanted, donors=1, rng=np.random.default_rng(1))
    assert (drawn[0] + 1).tolist() == numbers("donors_1", "donor_").tolist()


def augmented(target: str) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64], int]:
    filled = {"anc": np.nan_to_num(DATA["anc"], nan=2.5), "crp": np.nan_to_num(DATA["crp"], nan=12.0)}
    columns = np.stack([DATA["event"], DATA["age"], filled["anc"], filled["crp"]])[np.newaxis]
    known = ~np.isnan(DATA[target])
    found, level = np.unique(DATA[target][known], return_inverse=True)
    made, more, weight = augment_rows(columns, found.size)
    rows = np.concatenate([columns[:, :, known], made], axis=2)
    rows = np.concatenate([np.ones((1, 1, rows.shape[2])), rows], axis=1)
    weights = np.concatenate([np.ones(level.size), np.full(more.size, weight)])
    return rows, np.concatenate([level, more]), weights, found.size


def test_fit_of_logreg() -> None:
    rows, level, weights, count = augmented("bridging")
    fit = fit_levels(rows, level, weights=weights, levels=count)
    triangle = np.array(np.linalg.inv(fit.factor[0]), dtype=np.float64)
    assert fit.coefficients[0, 0] == pytest.approx(numbers("logreg", "coefficient_"), rel=1e-6)
    assert (triangle.T @ triangle).ravel() == pytest.approx(numbers("logreg", "variance_"), rel=1e-6)


def test_fit_of_polyreg() -> None:
    rows, level, weights, count = augmented("target")
    rows[:, 2] = (rows[:, 2] - 60) / 10
    rows[:, 4] /= 10
    fit = fit_levels(rows, level, weights=weights, levels=count)
    bcma, dual = fit.coefficients[0]
    # mice puts the levels in the order of the alphabet, so that BCMA is compared with.
    got = np.concatenate([-bcma, dual - bcma])
    assert got == pytest.approx(numbers("polyreg", "coefficient_"), abs=NEAR_NNET)


@pytest.fixture(scope="module")
def many() -> dict[str, Imputations]:
    """As many imputations as mice made."""
    chosen = {"numbers": ["event", "age", "anc", "crp"], "levels": ["event", "age", "crp", "bridging"]}
    found = dict[str, Imputations]()
    for name, columns in chosen.items():
        levels = [2 if column in ("event", "bridging") else 0 for column in columns]
        table = np.column_stack([DATA[column] for column in columns])
        found[name] = impute_chained(table, levels=levels, names=columns, seed=1, imputations=MANY)
    return found


@pytest.mark.parametrize("name", ["numbers", "levels"])
def test_distribution_of_pooled_results(many: dict[str, Imputations], name: str) -> None:
    """Estimate, variance within and variance between the imputations agree within chance."""
    values = many[name].values
    rows = np.concatenate([np.ones((*values.shape[:2], 1)), values[:, :, 1:]], axis=2)
    # All the models of maximum likelihood at once.
    fit = fit_levels(
        np.swapaxes(rows, 1, 2), DATA["event"].astype(int), weights=np.ones(DATA["event"].size), levels=2
    )
    triangles = np.linalg.inv(fit.factor)
    errors = np.sqrt((triangles**2).sum(axis=1))
    for place in range(rows.shape[2]):
        found = pool_estimates(fit.coefficients[:, 0, place], errors[:, place], complete_freedom=59)
        expected = R[f"many_{name}_{place + 1}"]
        by_chance = CHANCE * math.sqrt(2 * expected["b"] / MANY)
        assert found.estimate == pytest.approx(expected["estimate"], abs=by_chance)
        # The estimates have heavier tails than the normal distribution, hence twice its standard error.
        assert found.between == pytest.approx(expected["b"], rel=2 * CHANCE * math.sqrt(4 / MANY))
        assert found.within == pytest.approx(expected["ubar"], rel=0.05)


def test_distribution_of_means(many: dict[str, Imputations]) -> None:
    values = many["numbers"].values
    for place, name in enumerate(["anc", "crp"], start=2):
        means, variance = values[:, :, place].mean(axis=1), R["many_means"][f"{name}_variance"]
        assert means.mean() == pytest.approx(
            R["many_means"][name], abs=CHANCE * math.sqrt(2 * variance / MANY)
        )
        assert means.var(ddof=1) == pytest.approx(variance, rel=2 * CHANCE * math.sqrt(4 / MANY))


@pytest.mark.rare
def test_r_gives_the_stored_numbers_of_imputation(find_program: Callable[[str], str], tmp_path: Path) -> None:
    check_r_again(find_program, "make_imputation.R", "imputation_results.csv", tmp_path, rel=1e-6, floor=1e-9)
