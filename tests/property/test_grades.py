"""Grades of rows and of courses, and nadirs, against the twin."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twin
from cytopenia.definition_forms import Condition, GradeRule, GradesPart, LimitOfNormal, MultipleOfBaseline
from cytopenia.grading.day_grid import lay_out_courses
from cytopenia.grading.grades import grade_labs
from cytopenia.grading.half_lines import Baselines
from cytopenia.study.derived import judge_threshold
from kernel import find_cohort_nadirs, grade_cohort, make_labs, make_tables
from strategies import VALUES, cohorts, parts, share_of_examples

WINDOW = (0, 12)
DAYS = (-10, 22)
PARTS = parts()
COMPARED = (
    "policy",
    "best",
    "worst",
    "decided",
    "evidence",
    "first_day",
    "last_day",
    "days_measured",
    "days_open",
)

every_part = pytest.mark.parametrize("name", PARTS)
some, twice_as_many = share_of_examples(0.4), share_of_examples(0.8)
MOST = 16
terms = st.sampled_from(sorted(PARTS))
analytes = st.sampled_from(sorted(VALUES))


# The baseline of each patient in turn; the kernel must not mix them up.
BASELINES = [None, 3.0, 0.9, 2.0]


def rules_of(part: GradesPart, baseline: float | None = None) -> list[twin.Row]:
    return [
        {
            "grade": rule.grade,
            **cut_of(rule, baseline),
            "only_if": rule.only_if and cut_of(rule.only_if, baseline),
        }
        for rule in part.lab_rules
    ]


def cut_of(rule: GradeRule | Condition, baseline: float | None) -> twin.Row:
    """The cut as the twin reads it: a multiple of the baseline is a number, or missing."""
    if isinstance(rule.cut, LimitOfNormal):
        return {"comparator": rule.comparator, "cut": "lln", "times": rule.cut.lln}
    cut = rule.cut
    if isinstance(cut, MultipleOfBaseline):
        cut = None if baseline is None else twin.exact(baseline) * twin.exact(cut.baseline)
    return {"comparator": rule.comparator, "cut": cut}


def check_grades(cohort: list[twin.Row], part: GradesPart, *, cap: bool) -> None:
    baselines = {p["patient_id"]: BASELINES[place % len(BASELINES)] for place, p in enumerate(cohort)}
    tables = make_tables(cohort)
    known = np.array([baselines[name] for name in lay_out_courses(tables).patient_id], dtype=np.float64)
    graded = grade_cohort(tables, part, window=WINDOW, cap=cap, baseline=Baselines(known, known))
    rows = {row["patient_id"]: row for row in graded.iter_rows(named=True)}
    for p in cohort:
        rules = rules_of(part, baselines[p["patient_id"]])
        expected = twin.grade_course(p["labs"], p, rules, analyte=part.analyte, window=WINDOW, cap=cap)
        found = rows[p["patient_id"]]
        assert {name: found[name] for name in COMPARED} == {name: expected[name] for name in COMPARED}
        assert (found["reason"] != "") == (not expected["decided"])


def check_nadirs(cohort: list[twin.Row], analyte: str, *, cap: bool) -> None:
    found = find_cohort_nadirs(make_tables(cohort), analyte, window=WINDOW, cap=cap)
    rows = {row["patient_id"]: row for row in found.iter_rows(named=True)}
    for p in cohort:
        expected = twin.find_nadir(p["labs"], p, analyte=analyte, window=WINDOW, cap=cap)
        row = rows[p["patient_id"]]
        assert row["first_day"] == expected["day"]
        for name in ("policy", "best", "worst"):
            exact = expected[name]
            assert row[name] == (None if exact is None else pytest.approx(float(exact), rel=1e-11))


@every_part
@some
@given(data=st.data())
def test_courses_are_graded_as_by_the_twin(name, data):
    cohort = data.draw(cohorts(PARTS[name].analyte, days=DAYS, most=MOST))
    check_grades(cohort, PARTS[name], cap=False)


@twice_as_many
@given(name=terms, data=st.data(), least=st.sampled_from([3, 2, 1, 4]), cap=st.booleans())
def test_whether_a_grade_is_reached_is_answered_as_by_the_twin(name, data, least, cap):
    part = PARTS[name]
    cap = cap and part.analyte == "anc"
    # A grade that no rule gives is refused before anything is graded.
    least = min(least, part.lab_rules[-1].grade)
    cohort = data.draw(cohorts(*{part.analyte, *(["wbc"] if cap else [])}, days=DAYS, most=MOST))
    if data.draw(st.booleans()):
        cohort = without_low_values(cohort, part)
    graded = grade_cohort(make_tables(cohort), part, window=WINDOW, cap=cap, min_grade=least)
    rows = {row["patient_id"]: row for row in judge_threshold(graded, least).iter_rows(named=True)}
    for p in cohort:
        where = {"analyte": part.analyte, "window": WINDOW, "cap": cap}
        expected = twin.answer_at_least(p["labs"], p, rules_of(part), least, **where)
        row = rows[p["patient_id"]]
        found = row["policy"], row["best"], row["worst"]
        assert found == expected
        if None not in expected:
            assert row["best"] <= row["policy"] <= row["worst"]
            assert (row["reason"] != "lower limit of normal missing") or row["best"] == row["worst"]


def without_low_values(cohort: list[twin.Row], part: GradesPart) -> list[twin.Row]:
    """Only values that no fixed cut of the part grades, and no limit: all of them are grade 0 or 1."""
    cut = max((rule.cut for rule in part.lab_rules if isinstance(rule.cut, float)), default=0)
    cut *= 10 if part.unit == "g/dL" else 1
    kept = [
        [{**r, "lln": None} for r in p["labs"] if r["value"] >= cut or r["analyte"] == "wbc"] for p in cohort
    ]
    return [{**p, "labs": rows} for p, rows in zip(cohort, kept, strict=True)]


def with_limit(cohort: list[twin.Row], limit: float) -> list[twin.Row]:
    """The cohort with a limit of normal in every row that has none, and every value as a plain number."""
    return [
        {
            **p,
            "labs": [
                {**r, "lln": limit if r["lln"] is None else r["lln"], "comparator": "="} for r in p["labs"]
            ],
        }
        for p in cohort
    ]


def plain(cohort: list[twin.Row]) -> list[twin.Row]:
    return [{**p, "labs": [{**row, "comparator": "="} for row in p["labs"]]} for p in cohort]


@twice_as_many
@given(
    name=st.sampled_from(
        sorted(name for name, part in PARTS.items() if part.needs_limit and not part.needs_baseline)
    ),
    data=st.data(),
    least=st.sampled_from([3, 2, 1, 4]),
)
def test_a_missing_limit_leaves_open_only_what_a_limit_would_decide(name, data, least):
    """Without a limit the answer is the one that every limit would give; open where two limits disagree."""
    part = PARTS[name]
    cohort = without_low_values(data.draw(cohorts(part.analyte, days=DAYS, most=MOST)), part)

    def answer(patients: list[twin.Row]) -> list[float | None]:
        graded = grade_cohort(make_tables(patients), part, window=WINDOW)
        return judge_threshold(graded.sort("patient_id"), least)["policy"].to_list()

    without, lowest, highest = (
        answer(plain(cohort)),
        answer(with_limit(cohort, 0)),
        answer(with_limit(cohort, 1e6)),
    )
    for found, low, high in zip(without, lowest, highest, strict=True):
        if low == high:
            assert found == low
        elif found is None:
            assert (low, high) == (0, 1)


@pytest.mark.parametrize("name", ["ctcae_v4.neutrophil_count_decreased", "at_most"])
@some
@given(cohort=cohorts("anc", "wbc", days=DAYS, most=MOST))
def test_courses_capped_by_white_cells_are_graded_as_by_the_twin(name, cohort):
    check_grades(cohort, PARTS[name], cap=True)


@twice_as_many
@given(name=terms, data=st.data(), baseline=st.sampled_from(BASELINES))
def test_rows_are_graded_as_by_the_twin(name, data, baseline):
    part = PARTS[name]
    cohort = data.draw(cohorts(part.analyte, days=DAYS, most=MOST))
    labs = make_labs(cohort).with_columns(baseline=pl.lit(baseline, dtype=pl.Float64))
    graded = grade_labs(labs, {name: part})
    rules = rules_of(part, baseline)
    expected = [twin.grade_row(row, rules) for p in cohort for row in p["labs"]]
    assert graded["grade"].to_list() == expected
    assert graded["grade_reason"].null_count() == 0


@twice_as_many
@given(analyte=analytes, data=st.data())
def test_nadirs_are_found_as_by_the_twin(analyte, data):
    check_nadirs(data.draw(cohorts(analyte, days=DAYS, most=MOST)), analyte, cap=False)


@some
@given(cohorts("anc", "wbc", days=DAYS, most=MOST))
def test_nadirs_capped_by_white_cells_are_found_as_by_the_twin(cohort):
    check_nadirs(cohort, "anc", cap=True)


@pytest.mark.parametrize("comparator", [">", ">="])
def test_white_cells_known_only_from_below_bound_no_nadir(comparator: str) -> None:
    row = {"analyte": "wbc", "day": 0, "value": 2.25, "comparator": comparator, "lln": None, "invalid": None}
    patient = {"patient_id": "P0", "labs": [row], "support": [], "second_infusion": None, "death": None}
    found = find_cohort_nadirs(make_tables([patient]), "anc", window=WINDOW, cap=True)
    assert found.select("policy", "best", "worst").row(0) == (None, None, None)
    check_nadirs([patient], "anc", cap=True)


@twice_as_many
@given(name=terms, data=st.data(), cap=st.booleans())
def test_best_policy_and_worst_grade_are_in_order(name, data, cap):
    part = PARTS[name]
    tables = make_tables(data.draw(cohorts(*{part.analyte, "wbc"}, days=DAYS, most=MOST)))
    for row in grade_cohort(tables, part, window=WINDOW, cap=cap).iter_rows(named=True):
        policy = row["best"] if row["policy"] is None else row["policy"]
        assert row["best"] <= policy <= row["worst"]


@some
@given(analyte=analytes, data=st.data())
def test_best_policy_and_worst_nadir_are_in_order(analyte, data):
    cohort = data.draw(cohorts(analyte, days=DAYS, most=MOST))
    for row in find_cohort_nadirs(make_tables(cohort), analyte, window=WINDOW).iter_rows(named=True):
        if row["policy"] is not None:
            assert row["worst"] <= row["policy"]
            assert row["best"] is None or row["policy"] <= row["best"]


@pytest.mark.long
@every_part
@settings(max_examples=400)
@given(data=st.data())
def test_larger_cohorts_are_graded_as_by_the_twin(name, data):
    part = PARTS[name]
    cap = part.analyte == "anc"
    drawn = ("anc", "wbc") if cap else (part.analyte,)
    check_grades(data.draw(cohorts(*drawn, days=DAYS, most=12)), part, cap=cap)
