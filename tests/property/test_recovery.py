"""Recovery in its three landmark forms, with support, against the twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytopenia.definitions import load_definition
from cytopenia.grading import recovery as kernel_states
from cytopenia.grading.day_grid import lay_out_courses
from cytopenia.grading.outcome_rows import OutcomeRows
from cytopenia.grading.recovery import RECOVERY_LABELS
from kernel import lay_out_parts, make_tables, recover_cohort
from strategies import cohorts, share_of_examples
from twin_recovery import (
    FAILED,
    MET,
    UNKNOWN,
    Row,
    enumerate_reached,
    find_recovery,
    judge_days,
    judge_reached_unknown,
    reached_outlook,
)

LINEAGES = ("anc", "hemoglobin", "platelets")
CRITERIA = [
    {"analyte": "anc", "comparator": "at_least", "cut": 1.0, "support": "gcsf"},
    {"analyte": "hemoglobin", "comparator": "at_least", "cut": 80, "support": "rbc_transfusion"},
    {"analyte": "platelets", "comparator": "at_least", "cut": 50, "support": "platelet_transfusion"},
]
FORMS = {
    "qiu2023_recovery": "ends_on",
    "qiu2023_recovery_contains": "contains",
    "qiu2023_recovery_reached_by": "reached_by",
    "qiu2023_recovery_washout": "ends_on",
}
DAYS = (-10, 40)
every_form = pytest.mark.parametrize("name", FORMS)
some, twice_as_many = share_of_examples(0.4), share_of_examples(0.8)


def same_day(row: Row) -> int:
    return 1


def long_washout(row: Row) -> int:
    return 14 if row["kind"] == "gcsf" and row["agent"] != "Filgrastim" else 7


def definition(name: str) -> Row:
    washout = long_washout if name.endswith("washout") else same_day
    return {"all_of": CRITERIA, "landmark": 28, "form": FORMS[name], "washout": washout}


def check_recovery(cohort: list[Row], name: str, *, cap: bool) -> None:
    found = recover_cohort(make_tables(cohort), name, cap=cap)
    rows = {row["patient_id"]: row for row in found.iter_rows(named=True)}
    for p in cohort:
        expected = find_recovery(p["labs"], p["support"], p, definition(name), cap=cap)
        row = rows[p["patient_id"]]
        assert {key: row[key] for key in expected} == expected
        assert (row["reason"] != "") or row["decided"]


@st.composite
def healthy_cohorts(draw: st.DrawFn, *, most: int = 8) -> list[Row]:
    """Cohorts in which many counts pass, so that recovery is not out of reach."""
    cohort = draw(cohorts(*LINEAGES, "wbc", days=DAYS, most=most, support=True))
    lifted = draw(st.sets(st.sampled_from(LINEAGES)))
    healthy = {"anc": 3.0, "hemoglobin": 110, "platelets": 112.5}
    for p in cohort:
        for place, row in enumerate(p["labs"]):
            if row["analyte"] in lifted and place % 4:
                row |= {"value": healthy[row["analyte"]], "comparator": "="}
    return cohort


@every_form
@some
@given(cohort=healthy_cohorts(), cap=st.booleans())
def test_recovery_is_judged_as_by_the_twin(name, cohort, cap):
    check_recovery(cohort, name, cap=cap)


@twice_as_many
@given(name=st.sampled_from(sorted(FORMS)), cohort=healthy_cohorts(), cap=st.booleans())
def test_best_policy_and_worst_recovery_are_in_order(name, cohort, cap):
    for row in recover_cohort(make_tables(cohort), name, cap=cap).iter_rows(named=True):
        if row["best"] is not None:
            policy = row["best"] if row["policy"] is None else row["policy"]
            assert row["best"] <= policy <= row["worst"]


@given(st.lists(st.sampled_from([MET, MET, FAILED, UNKNOWN]), min_size=4, max_size=11))
def test_three_valued_reading_of_reached_by_agrees_with_every_filling(states):
    labels = enumerate_reached(states)
    assert reached_outlook(states) == (labels != {"not recovered"}, "not recovered" in labels)
    if len(labels) == 1:
        assert {judge_reached_unknown(states)} == labels


@st.composite
def state_runs(draw: st.DrawFn) -> list[str]:
    """States of days -8 to 36 in stretches, with few unknown days from day 0 to 28."""
    stretch = st.tuples(st.sampled_from([MET, FAILED, MET, UNKNOWN]), st.integers(1, 6))
    states = [MET] * 8
    for state, length in draw(st.lists(stretch, min_size=4, max_size=12)):
        states += [state] * (min(length, 2) if state == UNKNOWN else length)
    return [*states, *[FAILED] * 45][:45]


@every_form
@some
@given(courses=st.lists(state_runs(), min_size=1, max_size=6))
def test_any_order_of_day_states_is_judged_as_by_the_twin(name, courses):
    judged = judge_states(courses, name)
    for place, states in enumerate(courses):
        by_day = dict(zip(range(-8, 37), states, strict=True))
        label = judge_days(by_day, 28, FORMS[name])
        good, bad = label in ("recovered", "never below"), label == "not recovered"
        assert RECOVERY_LABELS[judged.label[place]] == label
        assert (judged.best[place], judged.worst[place]) == (float(bad), float(not good))


def judge_states(courses: list[list[str]], name: str) -> OutcomeRows:
    """The kernel's judgment if neutrophils have these states and the other lineages are met."""
    codes = {MET: kernel_states.MET, FAILED: kernel_states.FAILED, UNKNOWN: kernel_states.UNKNOWN}
    form = load_definition(name)
    nothing = {"labs": [], "support": [], "second_infusion": None, "death": None}
    tables = make_tables([{"patient_id": f"P{place}", **nothing} for place in range(len(courses))])
    cells = {}
    for analyte in LINEAGES:
        ((_, grid),) = lay_out_parts(tables, lay_out_courses(tables), analyte=analyte, days=(0, 28))
        rows = [states if analyte == "anc" else [MET] * len(states) for states in courses]
        policy = np.array([[codes[state] for state in row] for row in rows], dtype=np.int8)
        best, worst = policy != kernel_states.FAILED, policy == kernel_states.MET
        cells[analyte] = kernel_states.Cells(
            policy=policy, best=best, worst=worst, worst_if_stopped=worst, grid=grid
        )
    alive = np.zeros(len(courses), dtype=np.bool_)
    return kernel_states.derive_recovery(form, cells, died_before=alive, censored_before=alive)


@pytest.mark.long
@every_form
@settings(max_examples=300)
@given(cohort=healthy_cohorts(most=8), cap=st.booleans())
def test_recovery_of_larger_cohorts_is_judged_as_by_the_twin(name, cohort, cap):
    check_recovery(cohort, name, cap=cap)
