"""Firth's Cox regression against R: the penalized likelihood of coxphf, written out in make_firth_cox.R.

The script maximizes by optim and finds the ends by uniroot, and checks likelihood and information against
survival::coxph; what it gives is stored, so that these tests need no R.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cytopenia.stats.cox import fit_cox
from cytopenia.stats.hazards import HazardFit
from parity_files import PARITY, check_r_again, read_results

# optim stops some digits before the top; an end of an interval inherits that from three tops.
NEAR = {"coefficient": 2e-6, "standard_error": 1e-6, "low": 2e-6, "high": 2e-6, "p_value": 2e-6}
MONOTONE = (
    [2, 3, 5, 7, 8, 9, 11, 12, 14, 15],
    [1, 1, 1, 0, 1, 0, 0, 0, 0, 0],
    {"x": [1, 1, 1, 0, 1, 0, 1, 0, 0, 1]},
)
THREE = (
    [4, 9, 20, *[28] * 9],
    [1, 1, 1, *[0] * 9],
    {
        "x": [1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0],
        "y": [3.1, 2.2, 4.0, 2.9, 1.8, 3.6, 2.4, 3.3, 2.1, 3.9, 2.0, 2.7],
    },
)


R = read_results("firth_cox_results.csv")


@cache
def fit_case(name: str) -> HazardFit:
    """The fit of a typed sample, or of "sample|columns"."""
    if name in ("monotone", "three"):
        time, event, columns = MONOTONE if name == "monotone" else THREE
    else:
        sample, _, chosen = name.partition("|")
        with (PARITY / "times_to_event.csv").open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["sample"] == sample]
        time, event = [float(row["time"]) for row in rows], [int(row["event"] == "1") for row in rows]
        columns = {x: [float(row[x]) for row in rows] for x in chosen.split(" ")}
    design = np.column_stack([np.array(values, dtype=float) for values in columns.values()])
    return fit_cox(time, event, design, names=list(columns), method="firth")


@pytest.mark.parametrize("case", R)
def test_terms_of_firths_cox_model(case: str) -> None:
    name, _, term = case.rpartition("|")
    found = next(one for one in fit_case(name).terms if one.name == term)
    for key, expected in R[case].items():
        assert getattr(found, key) == pytest.approx(expected, rel=NEAR[key], abs=2e-7), (case, key)


def test_the_cases_are_those_that_matter() -> None:
    """Ties, none, two columns, a monotone likelihood, three deaths: every end of every interval is there."""
    assert len(R) == 18
    assert all(set(numbers) == set(NEAR) for numbers in R.values())
    versions = (PARITY / "firth_cox_versions.txt").read_text("utf-8")
    assert versions.startswith("R version 4.2.2")
    assert "survival 3.5" in versions


def test_maximum_likelihood_has_no_answer_where_firths_method_has_one() -> None:
    time, event, columns = MONOTONE
    design = np.array([columns["x"]], dtype=float).T
    plain = fit_cox(time, event, design, names=["x"])
    assert plain.status == "not_estimable"
    assert fit_case("monotone").status == "ok"


@pytest.mark.rare
def test_r_gives_the_stored_numbers_of_firth_cox(find_program: Callable[[str], str], tmp_path: Path) -> None:
    check_r_again(find_program, "make_firth_cox.R", "firth_cox_results.csv", tmp_path, rel=1e-6, floor=1e-9)
