"""Grades relative to the patient's own baseline: fibrinogen of CTCAE, in courses and in rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from cytopenia import grade_labs
from cytopenia.contract import prepare_tables
from cytopenia.definitions import load_library
from cytopenia.grading.half_lines import Baselines
from cytopenia.study.outcomes import derive_outcomes
from cytopenia.study.plan import GradePlan
from cytopenia.study.single_plans import plan_grades
from kernel import grade_cohort, make_tables
from scenario import patient

NAME = "fibrinogen_decreased"


def grade_course(
    table: str, *, version: str, low: float | None, high: float | None, lln: float | None
) -> Any:
    part = load_library().find_parts(f"{version}.{NAME}")[f"{version}.{NAME}"]
    ends = (np.array([end], dtype=np.float64) for end in (low, high))
    tables = make_tables([patient(table, lln=lln)])
    return grade_cohort(tables, part, window=(0, 5), baseline=Baselines(*ends)).row(0, named=True)


TABLE = """
day  fibrinogen
0    3.0
1    2.2
2    2.0
3    3.0
4    3.0
5    3.0
"""


@pytest.mark.parametrize(
    ("version", "baseline", "lln", "expected", "reason"),
    [
        ("ctcae_v4", 4.0, 2.0, 3, ""),  # exactly half of the baseline
        ("ctcae_v5", 4.0, 2.0, 0, ""),  # and not below the limit of normal
        ("ctcae_v5", 4.0, 2.1, 3, ""),
        ("ctcae_v4", None, 2.0, None, "baseline value missing"),
        ("ctcae_v5", None, 2.0, 0, ""),
        ("ctcae_v4", None, None, None, "lower limit of normal and baseline value missing"),
        ("ctcae_v5", 4.0, None, None, "lower limit of normal missing"),
        ("ctcae_v4", 4.1, None, 3, ""),
    ],
)
def test_a_course(
    version: str, baseline: float | None, lln: float | None, expected: Any, reason: str
) -> None:
    graded = grade_course(TABLE, version=version, low=baseline, high=baseline, lln=lln)
    assert graded["policy"] == expected
    assert graded["reason"] == reason or expected is not None


def test_a_baseline_that_is_an_interval_decides_only_what_holds_for_all_of_it() -> None:
    """A baseline printed as "<4" can be 4 at most: half of it is not reached for certain by 2.0."""
    graded = grade_course(TABLE, version="ctcae_v4", low=0.0, high=4.0, lln=2.0)
    assert (graded["policy"], graded["worst"]) == (None, 3)
    graded = grade_course(TABLE, version="ctcae_v4", low=4.0, high=np.inf, lln=2.0)
    assert graded["policy"] == 3


def test_the_days_of_a_grade_are_those_of_all_its_rules() -> None:
    """Day 1 meets grade 2 by the baseline alone, day 2 by the limit of normal alone as well."""
    table = "day fibrinogen\n0 3.0\n1 2.9\n2 2.2\n3 3.2\n4 3.2\n5 3.2"
    graded = grade_course(table, version="ctcae_v4", low=3.8, high=3.8, lln=3.0)
    assert (graded["policy"], graded["first_day"], graded["last_day"]) == (2, 2, 2)
    graded = grade_course(table, version="ctcae_v4", low=3.9, high=3.9, lln=3.0)
    assert (graded["policy"], graded["first_day"], graded["last_day"]) == (2, 1, 2)


def test_the_baseline_of_a_study_is_the_last_value_before_lymphodepletion() -> None:
    labs = pl.DataFrame(
        {
            "patient_id": ["A"] * 4 + ["B"] * 2,
            "day": [-10, -6, 0, 1, 0, 1],
            "analyte": ["fibrinogen"] * 6,
            "value": ["9", "4", "3", "2", "3", "2"],
            "unit": ["g/L"] * 6,
            "lln": [2.0] * 6,
        }
    )
    infusions = pl.DataFrame({"patient_id": ["A", "B"], "day": [0, 0], "lymphodepletion_day": [-5, -5]})
    library = load_library()
    address = f"ctcae_v4.{NAME}"
    plan = plan_grades(
        (GradePlan(address, library.find_parts(address)[address], (0, 1), ("x",)),), library.bounds
    )
    tables = prepare_tables({"labs": labs, "infusions": infusions})
    found = derive_outcomes(tables, plan, bounds=library.bounds, baseline=library.baseline).outcomes
    by_id = {row["patient_id"]: row for row in found.iter_rows(named=True)}
    assert by_id["A"]["policy"] == 3
    assert (by_id["B"]["policy"], by_id["B"]["reason"]) == (None, "baseline value missing")


def test_rows_take_the_baseline_of_their_column() -> None:
    labs = pl.DataFrame(
        {
            "analyte": ["fibrinogen"] * 3,
            "value": [200, 200, 200],
            "unit": ["mg/dL"] * 3,
            "lln": [200, 210, 210],
            "baseline": [400, 400, None],
        }
    )
    assert grade_labs(labs, f"ctcae_v5.{NAME}")["grade"].to_list() == [0, 3, 1]
    assert grade_labs(labs.drop("baseline"), f"ctcae_v4.{NAME}")["grade"].to_list() == [None, 1, 1]
