"""Outcomes made of graded outcomes: hand-typed grades in, emergent, yes/no and combined outcomes out."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from cytopenia.definitions import load_library
from cytopenia.errors import DataError
from cytopenia.grading.day_grid import Courses
from cytopenia.grading.outcome_rows import OUTCOME_SCHEMA
from cytopenia.study.care_patients import find_had_before
from cytopenia.study.derived import derive_all, grade_baseline, judge_threshold
from cytopenia.study.outcomes import CohortOutcomes
from cytopenia.study.plan import GradePlan, Plan
from cytopenia.study.protocol_forms import OutcomeSpec

ANC = "ctcae_v4.neutrophil_count_decreased"
HB = "ctcae_v4.anemia"
WINDOW = (0, 28)
LAB_SCHEMA = {
    "patient": pl.UInt32,
    "day": pl.Int32,
    "minute": pl.Int32,
    "value": pl.Float64,
    "comparator": pl.String,
    "lln": pl.Float64,
    "source_row": pl.UInt32,
}
Row = dict[str, Any]


def rows_of(outcome: str, *rows: Row) -> pl.DataFrame:
    """One patient a row (P0, P1, ...); what a row does not say is decided, measured and without days."""
    base = {
        "label": None,
        "evidence": "measured",
        "reason": "",
        "rule": None,
        "first_day": None,
        "last_day": None,
    }
    days = dict.fromkeys(
        ("days_measured", "days_short_gap", "days_open", "longest_gap_days", "last_measured_day"), 1
    )
    made = [
        {**base, **days, "outcome": outcome, "patient_id": f"P{place}", **row}
        for place, row in enumerate(rows)
    ]
    for row in made:
        row.setdefault("decided", row["policy"] is not None and row["best"] == row["worst"])
    return pl.DataFrame(made, schema=OUTCOME_SCHEMA)


def grade(policy: float | None, best: float | None = None, worst: float | None = None, **others: Any) -> Row:
    """A grade with its bounds; without bounds it is decided."""
    return {
        "policy": policy,
        "best": policy if best is None else best,
        "worst": policy if worst is None else worst,
        **others,
    }


def cohort_of(
    *outcomes: pl.DataFrame, labs: list[Row] | None = None, patients: int | None = None
) -> CohortOutcomes:
    count = outcomes[0].height if patients is None else patients
    nothing = np.full(count, np.nan)
    courses = Courses(
        patient_id=pl.Series([f"P{place}" for place in range(count)], dtype=pl.String),
        last_day_at_risk=np.full(count, 100, dtype=np.int32),
        death_day=nothing,
        lymphodepletion_day=np.full(count, -5.0),
        last_contact_day=nothing,
        second_infusion_day=nothing,
        progression_day=nothing,
        next_therapy_day=nothing,
        discharge_day=nothing,
    )
    empty = pl.DataFrame()
    frame = pl.DataFrame(labs or [], schema=LAB_SCHEMA)
    return CohortOutcomes(courses, {"anc": frame}, {}, pl.concat(outcomes), empty, empty, empty)


def plan_of(specs: dict[str, OutcomeSpec]) -> Plan:
    """A plan of outcomes only: each address is graded once over the window."""
    library = load_library()
    names: dict[str, tuple[str, ...]] = {}
    for name, spec in specs.items():
        if spec.definition is not None:
            names[spec.definition] = (*names.get(spec.definition, ()), name)
    grades = tuple(GradePlan(at, library.find_parts(at)[at], WINDOW, given) for at, given in names.items())
    combinations = tuple(name for name, spec in specs.items() if spec.any_of)
    return Plan(grades=grades, nadirs=(), recoveries=(), combinations=combinations, specs=specs, days={})


def spec(definition: str = ANC, **others: Any) -> OutcomeSpec:
    return OutcomeSpec(definition=definition, window=WINDOW, **others)


def derive(
    specs: dict[str, OutcomeSpec], *frames: pl.DataFrame, labs: list[Row] | None = None
) -> pl.DataFrame:
    return derive_all(cohort_of(*frames, labs=labs), plan_of(specs), load_library().baseline)


def bounds(frame: pl.DataFrame, outcome: str) -> list[tuple[object, ...]]:
    return frame.filter(pl.col("outcome") == outcome).select("policy", "best", "worst").rows()


def take(frame: pl.DataFrame, outcome: str, *names: str) -> list[tuple[object, ...]]:
    return frame.filter(pl.col("outcome") == outcome).select(names).rows()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((3, 3, 3), (1, 1, 1)),
        ((4, 3, 4), (1, 1, 1)),
        ((2, 2, 2), (0, 0, 0)),
        ((2, 2, 3), (0, 0, 1)),
        ((3, 2, 3), (1, 0, 1)),
        ((0, 0, 0), (0, 0, 0)),
        ((None, 0, 4), (None, 0, 1)),
        ((None, 3, 4), (1, 1, 1)),  # whatever the grade is, it is at least 3
        ((None, 0, 2), (0, 0, 0)),  # whatever the grade is, it is not 3
    ],
)
def test_at_least_grade_3(given: tuple[float | None, ...], expected: tuple[float | None, ...]) -> None:
    frame = pl.DataFrame([given], schema=dict.fromkeys(("policy", "best", "worst"), pl.Float64), orient="row")
    assert judge_threshold(frame, 3).row(0) == expected


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        (1, (None, 0, 1)),  # the values can be grade 0 or 1
        (2, (0, 0, 1)),  # no value can be grade 2; an unmeasured day can
        (3, (0, 0, 1)),
        (4, (0, 0, 0)),
    ],
)
def test_a_grade_that_no_value_can_have_is_a_no(least: int, expected: tuple[float | None, ...]) -> None:
    frame = rows_of("any", grade(None, 0, 3, policy_worst=1))
    assert judge_threshold(frame, least).select("policy", "best", "worst").row(0) == expected


def test_a_value_that_can_be_on_both_sides_is_not_judged() -> None:
    """ ">1" of a cut at 1.5: grade 0 to 2, and which one decides "grade 2 or higher"."""
    frame = rows_of("any", grade(None, 0, 2, policy_worst=2))
    assert judge_threshold(frame, 2).select("policy", "best", "worst").row(0) == (None, 0, 1)


def test_the_best_case_is_no_worse_than_the_answer() -> None:
    """The nearest value before a landmark is grade 0 or 1; the day itself was at least 3."""
    frame = rows_of("any", grade(None, 3, 4, policy_worst=1))
    assert judge_threshold(frame, 3).select("policy", "best", "worst").row(0) == (0, 0, 1)


def test_a_no_is_undecided_for_what_could_have_been_seen_not_for_a_limit() -> None:
    between = "an unmeasured day between measurements could have been worse"
    frame = rows_of("severe", grade(None, 0, 3, policy_worst=1, reason=between))
    found = derive({"severe": spec(min_grade=3)}, frame)
    assert take(found, "severe", "label", "decided", "reason", "evidence") == [
        ("no", False, between, "bracketed")
    ]


def test_an_emergent_grade_is_a_no_where_no_value_can_have_it() -> None:
    """Baselines of grade 0, 2, 0 or 1, and none; the course is grade 0 or 1, on an unmeasured day up to 3."""
    between = "an unmeasured day between measurements could have been worse"
    given = grade(None, 0, 3, policy_worst=1, reason=between)
    specs = {"severe": spec(treatment_emergent=True, min_grade=3)}
    found = derive(specs, rows_of("severe", *[given] * 4), labs=BASELINE)
    assert bounds(found, "severe") == [(0, 0, 1)] * 4
    assert take(found, "severe", "reason", "label") == [(between, "no")] * 4


def test_a_grade_without_baseline_is_below_the_one_asked_for() -> None:
    """Grade 2, with or without the same before; only an unmeasured day could have been grade 3."""
    between = "an unmeasured day between measurements could have been worse"
    specs = {"severe": spec(treatment_emergent=True, min_grade=3)}
    found = derive(specs, rows_of("severe", grade(2, 2, 3, policy_worst=2, reason=between)), labs=[])
    assert take(found, "severe", "label", "decided", "reason") == [("no", False, between)]


def test_nothing_emerged_where_the_values_reach_no_more_than_before() -> None:
    """Grade 2 before, and 0 or 1 after, whatever the limit is; a day between may have been grade 3."""
    given = grade(None, 0, 3, policy_worst=1, reason="lower limit of normal missing")
    found = derive({"new": spec(treatment_emergent=True)}, rows_of("new", *[given] * 2), labs=BASELINE)
    between = "an unmeasured day between measurements could have been worse"
    assert take(found, "new", "policy", "best", "worst", "reason") == [
        (None, 0, 3, "lower limit of normal missing"),
        (0, 0, 3, between),
    ]


def test_a_combination_of_answers_that_need_no_limit_is_judged() -> None:
    """Neither of two lineages can have had grade 3 on a measured day."""
    open_grade = grade(None, 0, 1, policy_worst=1, reason="lower limit of normal missing")
    specs = {"a": spec(min_grade=3), "b": spec(HB, min_grade=3), "either": OutcomeSpec(any_of=("a", "b"))}
    found = derive(specs, rows_of("a", open_grade), rows_of("b", open_grade))
    assert take(found, "either", "label", "decided", "reason") == [("no", True, "")]


def test_a_least_grade_makes_yes_and_no() -> None:
    frame = rows_of("severe", grade(4), grade(2), grade(None, 0, 4, reason="no measurement in the window"))
    found = derive({"severe": spec(min_grade=3)}, frame)
    assert take(found, "severe", "label", "decided", "reason") == [
        ("yes", True, ""),
        ("no", True, ""),
        (None, False, "no measurement in the window"),
    ]


def test_what_did_not_happen_has_no_day_and_no_rule() -> None:
    days = {"first_day": 5, "last_day": 9, "rule": "grade 2: <1.5"}
    found = derive({"severe": spec(min_grade=3)}, rows_of("severe", grade(2, **days), grade(3, **days)))
    assert take(found, "severe", "first_day", "last_day", "rule") == [
        (None, None, None),
        (5, 9, "grade 2: <1.5"),
    ]


def test_one_measured_day_is_enough_for_a_yes() -> None:
    open_days = {"evidence": "open", "first_day": 7, "last_day": 7}
    found = derive(
        {"severe": spec(min_grade=3)},
        rows_of("severe", grade(3, 3, 4, **open_days), grade(1, 1, 2, **open_days)),
    )
    assert take(found, "severe", "label", "evidence") == [("yes", "measured"), ("no", "open")]


def test_the_grade_beside_it_stays_a_grade() -> None:
    specs = {"any": spec(), "severe": spec(min_grade=3)}
    found = derive(specs, rows_of("any", grade(2)), rows_of("severe", grade(2)))
    assert (bounds(found, "any"), bounds(found, "severe")) == ([(2, 2, 2)], [(0, 0, 0)])


# Kleene OR of two outcomes: yes, no, not judged. Both bounds are the OR of the bounds.
YES, NO, OPEN = grade(1), grade(0), grade(None, 0, 1)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (YES, YES, (1, 1, 1)),
        (YES, NO, (1, 1, 1)),
        (YES, OPEN, (1, 1, 1)),
        (NO, NO, (0, 0, 0)),
        (NO, OPEN, (None, 0, 1)),
        (OPEN, OPEN, (None, 0, 1)),
        (grade(0, 0, 1), NO, (0, 0, 1)),
        (grade(1, 0, 1), NO, (1, 0, 1)),
    ],
)
@pytest.mark.parametrize("swap", [False, True])
def test_any_of_is_a_kleene_or(one: Row, other: Row, expected: tuple[object, ...], swap: bool) -> None:
    first, second = (other, one) if swap else (one, other)
    found = combine(first, second)
    assert bounds(found, "either") == [expected]
    assert take(found, "either", "label") == [({1: "yes", 0: "no", None: None}[expected[0]],)]


def combine(first: Row, second: Row) -> pl.DataFrame:
    """Either of two outcomes whose grades are 0, 3, or open."""
    thrice = [
        {**row, **{k: row[k] and 3 * row[k] for k in ("policy", "best", "worst")}} for row in (first, second)
    ]
    specs = {"a": spec(min_grade=3), "b": spec(HB, min_grade=3), "either": OutcomeSpec(any_of=("a", "b"))}
    return derive(specs, rows_of("a", thrice[0]), rows_of("b", thrice[1]))


def test_a_combination_says_why_it_is_not_judged() -> None:
    could = grade(0, 0, 1, reason="an unmeasured day between measurements could have been worse")
    absent = grade(None, 0, 1, reason="no measurement in the window")
    assert take(combine(could, absent), "either", "reason") == [("no measurement in the window",)]


def test_a_combination_that_is_decided_has_no_reason() -> None:
    absent = grade(None, 0, 1, reason="no measurement in the window")
    assert take(combine(YES, absent), "either", "decided", "reason") == [(True, "")]


def test_a_combination_begins_with_the_first_and_ends_with_the_last() -> None:
    found = combine(grade(1, first_day=7, last_day=9, rule="a"), grade(1, first_day=3, last_day=8, rule="b"))
    assert take(found, "either", "first_day", "last_day") == [(3, 9)]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (grade(1, evidence="open", first_day=1, last_day=1), NO, "measured"),
        (grade(0, evidence="bracketed"), grade(0, evidence="open"), "open"),
        (NO, NO, "measured"),
    ],
)
def test_the_evidence_of_a_combination(one: Row, other: Row, expected: str) -> None:
    assert take(combine(one, other), "either", "evidence") == [(expected,)]


def lab(patient: int, value: float, day: int = -6, lln: float | None = 2.0, comparator: str = "=") -> Row:
    return {
        "patient": patient,
        "day": day,
        "value": value,
        "comparator": comparator,
        "lln": lln,
        "source_row": 2,
    }


# Patient 0 had ANC 3.1 (grade 0), 1 had 1.2 (2), 2 had 1.7 without a limit of normal (0 or 1), 3 nothing.
BASELINE = [lab(0, 3.1), lab(1, 1.2), lab(2, 1.7, lln=None)]


def test_grades_at_baseline() -> None:
    cohort = cohort_of(rows_of("any", *[grade(0)] * 4), labs=BASELINE)
    found = grade_baseline(cohort, plan_of({"any": spec()}).grades[0], load_library().baseline)
    assert found.select("patient_id", "value", "policy", "best", "worst", "reason").rows() == [
        ("P0", 3.1, 0, 0, 0, "judged"),
        ("P1", 1.2, 2, 2, 2, "judged"),
        ("P2", 1.7, None, 0, 1, "lower limit of normal missing"),
        ("P3", None, None, 0, 4, "no baseline value"),
    ]


@pytest.mark.parametrize(("least", "had", "unknown"), [(3, [], [3]), (2, [1], [3]), (1, [1], [2, 3])])
def test_a_severe_grade_before_treatment_is_a_no_without_a_limit(
    least: int, had: list[int], unknown: list[int]
) -> None:
    """Grade 0, 2, 0 or 1, and no value: only "grade 1 or higher" is unknown of the third."""
    cohort = cohort_of(rows_of("any", *[grade(0)] * 4), labs=BASELINE)
    cohort = replace(cohort, grids={"anc": SimpleNamespace()})
    rule = SimpleNamespace(definition="ctcae_v4", min_grade=least)
    analysis = SimpleNamespace(read_with_care=SimpleNamespace(baseline=rule), outcome="any")
    found = find_had_before(analysis, plan_of({"any": spec()}), cohort=cohort, library=load_library())
    assert found is not None
    assert (np.flatnonzero(found.had).tolist(), np.flatnonzero(found.is_unknown).tolist()) == (had, unknown)


@pytest.mark.parametrize("day", [-20, -4, 0])
def test_values_outside_the_baseline_window_are_none(day: int) -> None:
    cohort = cohort_of(rows_of("any", grade(0)), labs=[lab(0, 3.1, day)])
    found = grade_baseline(cohort, plan_of({"any": spec()}).grades[0], load_library().baseline)
    assert found["reason"].to_list() == ["no baseline value"]


@pytest.mark.parametrize("day", [-19, -5])
def test_the_first_and_last_day_of_the_baseline_window(day: int) -> None:
    cohort = cohort_of(rows_of("any", grade(0)), labs=[lab(0, 3.1, day)])
    found = grade_baseline(cohort, plan_of({"any": spec()}).grades[0], load_library().baseline)
    assert found["value"].to_list() == [3.1]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (grade(4), [(4, 4, 4), (4, 4, 4), (4, 4, 4), (None, 0, 4)]),
        (grade(2), [(2, 2, 2), (0, 0, 0), (2, 2, 2), (None, 0, 2)]),
        (grade(1), [(1, 1, 1), (0, 0, 0), (None, 0, 1), (None, 0, 1)]),
        (grade(0), [(0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0)]),
        (grade(2, 2, 3), [(2, 2, 3), (0, 0, 3), (2, 2, 3), (None, 0, 3)]),
        (grade(None, 0, 4), [(None, 0, 4), (None, 0, 4), (None, 0, 4), (None, 0, 4)]),
        (grade(None, 0, 2), [(None, 0, 2), (0, 0, 0), (None, 0, 2), (None, 0, 2)]),
    ],
)
def test_only_grades_above_the_baseline_are_emergent(given: Row, expected: list[tuple[object, ...]]) -> None:
    found = derive({"new": spec(treatment_emergent=True)}, rows_of("new", *[given] * 4), labs=BASELINE)
    assert bounds(found, "new") == expected


def test_who_was_not_at_risk_is_not_free_of_an_emergent_grade() -> None:
    """Without a grade and without bounds nothing is known to have been normal."""
    found = derive({"new": spec(treatment_emergent=True)}, rows_of("new", *[grade(None)] * 4), labs=BASELINE)
    assert bounds(found, "new") == [(None, None, None)] * 4


def test_a_grade_that_was_there_before_has_no_day() -> None:
    days = {"first_day": 3, "last_day": 8, "rule": "grade 2"}
    found = derive(
        {"new": spec(treatment_emergent=True)}, rows_of("new", *[grade(2, **days)] * 2), labs=BASELINE[:2]
    )
    assert take(found, "new", "policy", "first_day", "rule") == [(2, 3, "grade 2"), (0, None, None)]


def test_an_emergent_grade_without_baseline_says_so() -> None:
    found = derive({"new": spec(treatment_emergent=True)}, rows_of("new", grade(3)), labs=[])
    assert take(found, "new", "policy", "reason", "decided") == [(None, "no baseline grade", False)]


def test_a_severe_emergent_grade_needs_no_exact_baseline() -> None:
    # 1.7 without a limit is grade 0 or 1; grade 3 is above both.
    frame = rows_of("new", *[grade(3)] * 3)
    found = derive({"new": spec(treatment_emergent=True, min_grade=3)}, frame, labs=BASELINE)
    assert take(found, "new", "label", "decided") == [("yes", True)] * 3


def test_outcomes_come_in_the_order_of_the_protocol() -> None:
    specs = {"either": OutcomeSpec(any_of=("b", "a")), "b": spec(HB, min_grade=1), "a": spec(min_grade=1)}
    found = derive(specs, rows_of("a", grade(0)), rows_of("b", grade(1)))
    assert found["outcome"].to_list() == ["either", "b", "a"]
    assert dict(found.schema) == {name: dtype() for name, dtype in OUTCOME_SCHEMA.items()}


def test_a_cohort_of_nobody_is_refused() -> None:
    cohort = cohort_of(rows_of("any", grade(0)).clear(), patients=0)
    with pytest.raises(DataError, match="No patient is left"):
        derive_all(cohort, plan_of({"any": spec()}), load_library().baseline)
