"""The time to recovery in both forms, against the twin."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytopenia.definition_forms import RecoveryTimeDefinition
from cytopenia.definitions import load_definition
from kernel import make_tables, time_cohort
from strategies import cohorts, share_of_examples
from twin_recovery import FAILED, MET, Row
from twin_recovery_time import SKIPPED, enumerate_runs, find_bounds, find_recovery_time

LINEAGES = ("anc", "hemoglobin", "platelets")
NAMES = (
    "brudno_2022_recovery",
    "cibmtr_neutrophil_recovery",
    "cibmtr_platelet_recovery_20",
    "cibmtr_platelet_recovery_50",
    "t_icaht_platelet_recovery_2025",
)
SUPPORT = {
    "brudno_2022_recovery": (("gcsf",), ("rbc_transfusion",), ("platelet_transfusion", "tpo_ra")),
    "cibmtr_neutrophil_recovery": ((),),
}
UNTIL = 30
DAYS = (-10, UNTIL + 10)
some, twice_as_many = share_of_examples(0.4), share_of_examples(0.8)
every_name = pytest.mark.parametrize("name", NAMES)


def washout(row: Row) -> int:
    return 14 if row["kind"] == "gcsf" and row["agent"] != "Filgrastim" else 7


def shorten(name: str, **changes: object) -> RecoveryTimeDefinition:
    """A definition of the package that ends on day 30, so that a small cohort sees its end."""
    definition = load_definition(name)
    assert isinstance(definition, RecoveryTimeDefinition)
    reached = definition.reached.model_copy(update={"until": UNTIL, **changes})
    return definition.model_copy(update={"reached": reached})


def for_twin(definition: RecoveryTimeDefinition) -> Row:
    kinds = SUPPORT.get(definition.id, (("platelet_transfusion",),))
    cuts = {"g/dL": 10}
    return {
        "all_of": [
            {
                "analyte": item.analyte,
                "comparator": item.comparator,
                "cut": item.cut * cuts.get(item.unit, 1),
                "support": support,
            }
            for item, support in zip(definition.all_of, kinds, strict=True)
        ],
        "form": definition.run.of,
        "length": definition.run.length,
        "first": definition.reached.first_day,
        "until": definition.reached.until,
        "after": definition.reached.after,
        "nadir_until": definition.reached.nadir_until,
        "washout": washout,
    }


@st.composite
def followed_cohorts(draw: st.DrawFn, *, most: int = 8) -> list[Row]:
    """Cohorts in which many counts pass, some with a day of last contact."""
    cohort = draw(cohorts(*LINEAGES, "wbc", days=DAYS, most=most, support=True))
    healthy = {"anc": 3.0, "hemoglobin": 110, "platelets": 112.5}
    every = draw(st.integers(2, 6))
    for p in cohort:
        p["last_contact"] = draw(st.sampled_from([None, UNTIL + 20, UNTIL, 17, 0]))
        for place, row in enumerate(p["labs"]):
            if row["analyte"] in healthy and place % every:
                row |= {"value": healthy[row["analyte"]], "comparator": "="}
    return cohort


def check_times(cohort: list[Row], definition: RecoveryTimeDefinition, *, cap: bool) -> None:
    found = time_cohort(make_tables(cohort), definition, cap=cap)
    rows = {row["patient_id"]: row for row in found.iter_rows(named=True)}
    for p in cohort:
        expected = find_recovery_time(p["labs"], p["support"], p, for_twin(definition), cap=cap)
        row = rows[p["patient_id"]]
        assert {key: row[key] for key in expected} == expected
        assert (row["reason"] != "") or row["decided"]


@every_name
@some
@given(cohort=followed_cohorts(), cap=st.booleans(), first=st.sampled_from([0, 0, 5]))
def test_the_time_is_that_of_the_twin(name, cohort, cap, first):
    check_times(cohort, shorten(name, first_day=first), cap=cap)


@pytest.mark.long
@every_name
@settings(max_examples=150)
@given(cohort=followed_cohorts(most=8), cap=st.booleans(), first=st.sampled_from([0, 0, 5]))
def test_the_times_of_larger_cohorts_are_those_of_the_twin(name, cohort, cap, first):
    check_times(cohort, shorten(name, first_day=first), cap=cap)


@twice_as_many
@given(name=st.sampled_from(NAMES), cohort=followed_cohorts(), cap=st.booleans())
def test_best_policy_and_worst_day_are_in_order(name, cohort, cap):
    for row in time_cohort(make_tables(cohort), shorten(name), cap=cap).iter_rows(named=True):
        policy = row["best"] if row["policy"] is None else row["policy"]
        assert row["best"] <= policy <= row["worst"]
        assert (row["label"] == "recovered") == (row["policy"] is not None and abs(row["policy"]) != inf)


@twice_as_many
@given(name=st.sampled_from(NAMES), cohort=followed_cohorts(), part_size=st.integers(1, 4))
def test_the_size_of_the_parts_does_not_matter(name, cohort, part_size):
    tables = make_tables(cohort)
    whole = time_cohort(tables, shorten(name))
    assert time_cohort(tables, shorten(name), part_size=part_size).equals(whole)


DAY_SETS = [
    frozenset(states)
    for states in (
        {MET},
        {FAILED},
        {SKIPPED},
        {MET, FAILED},
        {FAILED, SKIPPED},
        {MET, FAILED, SKIPPED},
    )
]


@given(st.lists(st.sampled_from([*DAY_SETS, DAY_SETS[0], DAY_SETS[0]]), max_size=9), st.integers(1, 3))
def test_the_bounds_are_the_extremes_of_every_reading(days, length):
    """The rule that both twin and kernel follow, against each way to read the undecided days."""
    answers = enumerate_runs(days, length)
    assert find_bounds(days, length) == (min(answers), max(answers))
