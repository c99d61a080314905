"""Outcomes to numbers: small frames typed by hand, counts worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl
import pytest

from cytopenia.results import ResultRow
from cytopenia.study.factors import FactorColumn
from cytopenia.study.summaries import (
    summarize_baseline,
    summarize_cells,
    summarize_characteristics,
    summarize_nadirs,
    summarize_occurrence,
    summarize_recovery,
)

SCENARIOS = ("policy", "best", "worst")
NO_LABS = "no measurement in the window"
COULD = "an unmeasured day between measurements could have been worse"

# policy, best, worst, reason: six patients.
GRADES = [
    (4, 4, 4, ""),
    (3, 2, 3, COULD),
    (2, 2, 4, COULD),
    (0, 0, 0, ""),
    (0, 0, 1, COULD),
    (None, 0, 4, NO_LABS),
]


def frame_of(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    schema = {**dict.fromkeys(SCENARIOS, pl.Float64), "reason": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(
        policy_worst=pl.col("policy"),
        patient_id=pl.Series([f"P{place}" for place in range(frame.height)], dtype=pl.String),
    )


def numbers(rows: Iterable[ResultRow], **key: str) -> list[float | None]:
    """The values of the rows that have all the names."""
    return [row.value for row in rows if all(getattr(row, name) == value for name, value in key.items())]


def counts(rows: Iterable[ResultRow], level: str, **key: str) -> list[float | None]:
    """Count of a level by policy, best, worst."""
    return numbers(list(rows), variable_level=level, estimate="count", **key)


@pytest.fixture
def graded() -> list[ResultRow]:
    return list(summarize_occurrence("a", "neutropenia", frame_of(GRADES), is_graded=True))


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("any grade", [3, 3, 5]),
        ("grade >= 3", [2, 1, 4]),
        # For certain, and possibly: the second may have 2 or 3, the third 2 to 4, the last anything.
        ("grade 4", [1, 1, 3]),
        ("grade 3", [1, 0, 3]),
        ("grade 2", [1, 0, 3]),
        ("grade 1", [0, 0, 2]),
        ("grade 0", [2, 3, 1]),
    ],
)
def test_counts_of_grades_with_their_bounds(
    level: str, expected: list[float], graded: list[ResultRow]
) -> None:
    assert counts(graded, level) == expected


def test_every_count_is_of_all_patients(graded: list[ResultRow]) -> None:
    assert {row.value for row in graded if row.estimate == "denominator"} == {6}


def test_a_percentage(graded: list[ResultRow]) -> None:
    assert numbers(graded, variable_level="any grade", estimate="percent") == [
        50.0,
        50.0,
        pytest.approx(83.3333, abs=1e-4),
    ]


def test_not_judged_is_apart_from_grade_0(graded: list[ResultRow]) -> None:
    assert counts(graded, "not judged") == [1]
    assert counts(graded, "grade 0")[0] == 2


def test_why_patients_are_not_judged(graded: list[ResultRow]) -> None:
    found = [(row.variable_level, row.value, row.n) for row in graded if row.group == "not_judged"]
    assert found == [(NO_LABS, 1, 6)]


def test_the_policy_lies_between_its_bounds(graded: list[ResultRow]) -> None:
    for level in {row.variable_level for row in graded if row.scenario == "worst"}:
        policy, best, worst = counts(graded, level)
        assert min(best, worst) <= policy <= max(best, worst), level


def test_a_yes_no_outcome() -> None:
    rows = list(
        summarize_occurrence(
            "a", "severe", frame_of([(1, 1, 1, ""), (0, 0, 1, ""), (None, 0, 1, NO_LABS)]), is_graded=False
        )
    )
    assert counts(rows, "yes") == [1, 1, 3]
    assert counts(rows, "not judged") == [1]
    assert not counts(rows, "any grade")


def test_a_grade_that_no_value_can_have_is_judged_without_a_limit() -> None:
    """Grade 0 or 1 for want of a limit of normal, an unmeasured day up to 3; a second patient has grade 3."""
    lacking = (None, 0, 3, "lower limit of normal missing")
    frame = frame_of([lacking, (3, 3, 3, "")]).with_columns(policy_worst=pl.Series([1.0, 3.0]))
    rows = list(summarize_occurrence("a", "severe", frame, is_graded=True))
    assert counts(rows, "grade >= 3") == [1, 1, 2]
    unjudged = {row.variable_level: row.value for row in rows if row.estimate == "not_judged"}
    assert unjudged == {
        "any grade": 1,
        "grade >= 3": 0,
        "grade 0": 1,
        "grade 1": 1,
        "grade 2": 0,
        "grade 3": 0,
        "grade 4": 0,
    }
    assert counts(rows, "not judged") == [1]


def test_nobody_can_be_judged() -> None:
    rows = list(summarize_occurrence("a", "severe", frame_of([(None, 0, 4, NO_LABS)]), is_graded=True))
    assert counts(rows, "any grade") == [0, 0, 1]
    assert counts(rows, "not judged") == [1]
    assert counts(rows, "grade 0") == [0, 1, 0]


def test_nobody_at_all_is_not_estimable() -> None:
    rows = list(summarize_occurrence("a", "severe", frame_of([]), is_graded=True))
    percents = [row for row in rows if row.estimate == "percent"]
    assert {(row.value, row.status) for row in percents} == {(None, "not_estimable")}
    assert all(row.note for row in percents)


LABELS = ["recovered", "recovered", "never below", "not recovered", "not evaluable", "died before landmark"]
RECOVERY = [
    (0, 0, 0, ""),
    (0, 0, 1, ""),
    (0, 0, 0, ""),
    (1, 1, 1, ""),
    (None, 0, 1, ""),
    (None, None, None, ""),
]
READINGS = ["left out", "as not recovered", "as competing event"]


@pytest.fixture
def recovered() -> list[ResultRow]:
    frame = frame_of(RECOVERY).with_columns(label=pl.Series(LABELS))
    return list(summarize_recovery("r", "recovery", frame))


@pytest.mark.parametrize(
    ("reading", "label", "count", "denominator"),
    [
        ("left out", "recovered", 2, 5),
        ("left out", "never below", 1, 5),
        ("left out", "not recovered", 1, 5),
        ("left out", "not evaluable", 1, 5),
        ("left out", "died before landmark", 0, 5),
        ("left out", "recovered or never below", 3, 5),
        ("as not recovered", "recovered", 2, 6),
        ("as not recovered", "not recovered", 2, 6),
        ("as not recovered", "died before landmark", 0, 6),
        ("as competing event", "recovered", 2, 6),
        ("as competing event", "not recovered", 1, 6),
        ("as competing event", "died before landmark", 1, 6),
        ("as competing event", "not evaluable", 1, 6),
    ],
)
def test_the_three_readings_of_early_deaths(
    reading: str, label: str, count: float, denominator: float, recovered: list[ResultRow]
) -> None:
    key = {"stratum": reading, "variable_level": label, "scenario": "policy"}
    assert numbers(recovered, estimate="count", **key) == [count]
    assert numbers(recovered, estimate="denominator", **key) == [denominator]


@pytest.mark.parametrize(
    ("reading", "good", "bad"),
    [
        ("left out", (4, 2), (1, 3)),
        ("as not recovered", (4, 2), (2, 4)),
        ("as competing event", (4, 2), (1, 3)),
    ],
)
def test_bounds_of_recovery(
    reading: str, good: tuple[float, float], bad: tuple[float, float], recovered: list[ResultRow]
) -> None:
    for label, expected in (("recovered or never below", good), ("not recovered", bad)):
        found = [
            numbers(recovered, stratum=reading, variable_level=label, scenario=scenario, estimate="count")
            for scenario in ("best", "worst")
        ]
        assert found == [[expected[0]], [expected[1]]]


def test_not_evaluable_is_never_not_recovered(recovered: list[ResultRow]) -> None:
    key = {"stratum": "left out", "scenario": "policy", "estimate": "count"}
    assert numbers(recovered, variable_level="not recovered", **key) == [1]


@pytest.mark.parametrize(
    ("headline", "first"),
    [
        ("exclude", "left out"),
        ("not_recovered", "as not recovered"),
        ("competing_event", "as competing event"),
    ],
)
def test_the_headline_comes_first(headline: str, first: str) -> None:
    frame = frame_of(RECOVERY).with_columns(label=pl.Series(LABELS))
    rows = summarize_recovery("r", "recovery", frame, headline=headline)
    strata = list(dict.fromkeys(row.stratum for row in rows))
    assert strata[0] == first
    assert sorted(strata) == sorted(READINGS)


def test_every_number_of_recovery_has_one_name(recovered: list[ResultRow]) -> None:
    keys = [(row.stratum, row.variable_level, row.scenario, row.estimate) for row in recovered]
    assert len(keys) == len(set(keys))


def test_cytopenia_at_baseline() -> None:
    neutrophils = frame_of([(2, 2, 2, ""), (0, 0, 0, ""), (None, 0, 1, "lower limit of normal missing")])
    platelets = frame_of([(0, 0, 0, ""), (1, 1, 1, ""), (0, 0, 0, "")])
    graded = [
        ("anc", neutrophils.with_columns(value=pl.Series([1.2, 3.0, 1.7]))),
        ("platelets", platelets.with_columns(value=pl.Series([200.0, 90.0, None]))),
    ]
    rows = list(summarize_baseline("c", graded))
    found = {
        name: counts(rows, "", variable=name, group="baseline_cytopenia")
        for name in ("anc", "platelets", "any")
    }
    assert found == {"anc": [1, 1, 2], "platelets": [1, 1, 1], "any": [2, 2, 3]}
    assert counts(rows, "not judged", variable="anc") == [1]
    assert counts(rows, "not judged", variable="any") == [1]
    assert numbers(rows, group="baseline_value", variable="platelets", estimate="n") == [2]
    assert numbers(rows, group="baseline_value", variable="platelets", estimate="median") == [145.0]


def test_one_lineage_at_baseline_has_no_any() -> None:
    frame = frame_of([(0, 0, 0, "")]).with_columns(value=pl.Series([3.0]))
    assert not [row for row in summarize_baseline("c", [("anc", frame)]) if row.variable == "any"]


def test_a_number_is_described_by_its_median() -> None:
    factor = FactorColumn("age_years", "Age, years", pl.Series([61, 48, None, 70]))
    rows = list(summarize_characteristics("c", [factor]))
    assert {row.estimate: row.value for row in rows} == {
        "n": 3, "missing": 1, "median": 61, "minimum": 48, "maximum": 70, "q1": 54.5, "q3": 65.5,
    }  # fmt: skip
    assert rows[0].text == "Age, years"


def test_words_are_counted() -> None:
    factor = FactorColumn("sex", "Sex", pl.Series(["male", "female", None, "male"]))
    rows = list(summarize_characteristics("c", [factor]))
    assert counts(rows, "male") == [2]
    assert counts(rows, "female") == [1]
    assert numbers(rows, variable_level="male", estimate="percent") == [pytest.approx(200 / 3)]
    assert numbers(rows, estimate="missing") == [1]


def test_a_factor_without_any_value() -> None:
    rows = list(
        summarize_characteristics(
            "c", [FactorColumn("crp", "CRP", pl.Series([None, None], dtype=pl.Float64))]
        )
    )
    median = next(row for row in rows if row.estimate == "median")
    assert (median.value, median.status, median.note) == (None, "not_estimable", "no value")


def test_nadirs_have_a_value_and_a_day() -> None:
    frame = pl.DataFrame(
        {
            "policy": [0.3, 0.1, None],
            "best": [0.3, 0.1, None],
            "worst": [0.2, 0.0, None],
            "first_day": [7, 9, None],
        }
    )
    rows = list(summarize_nadirs("o", "anc", frame))
    assert numbers(rows, group="nadir", estimate="median") == [0.2, 0.2, 0.1]
    assert numbers(rows, group="nadir_day", estimate="median") == [8]
    assert numbers(rows, group="nadir", estimate="missing") == [1]


def test_a_nadir_without_an_upper_end_lies_above_every_other() -> None:
    """ ">4", 0.3 and 2.0: the middle of the highest possible values is 2.0, not that of 0.3 and 2.0."""
    frame = pl.DataFrame(
        {
            "policy": [4.0, 0.3, 2.0],
            "best": [None, 0.3, 2.0],
            "worst": [4.0, 0.3, 2.0],
            "first_day": [1, 1, 1],
        }
    )
    rows = list(summarize_nadirs("o", "anc", frame))
    assert numbers(rows, group="nadir", estimate="median") == [2.0, 2.0, 2.0]


def test_cells_are_counted_by_lineage_and_day() -> None:
    states = {"failed": 2, "under support": 1, "unknown": 0, "met": 4}
    cells = pl.DataFrame(
        {
            "outcome": ["recovery", "other"],
            "analyte": ["anc"] * 2,
            "day": [26] * 2,
            **{k: [v] * 2 for k, v in states.items()},
        }
    )
    rows = list(summarize_cells("r", "recovery", cells))
    assert {row.variable_level for row in rows} == {"anc|26"}
    assert {row.estimate: row.value for row in rows} == states
