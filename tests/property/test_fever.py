"""Febrile neutropenia equals its slow twin, whatever the order of rows."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fever_factory import judge
from twin_fever import fever_of_patient

WINDOW = (1, 3)
TEMPERATURES = [36.8, 37.9, 37.99, 38.0, 38.1, 38.3, 38.31, 39.0]
MINUTES = [None, 0, 30, 60, 61, 90, 91, 700, 721, 1380, 1410, 1439]
COUNTS = [0.4, 0.99, 1.0, 1.01, 2.0]
SIGNS = ["="] * 6 + ["<", "<=", ">", ">="]

TEMPERATURE = st.fixed_dictionaries(
    {
        "analyte": st.just("temperature"),
        "day": st.integers(0, 4),
        "minute": st.sampled_from(MINUTES),
        "value": st.sampled_from(TEMPERATURES),
        "comparator": st.sampled_from(SIGNS),
    }
)
COUNT = st.fixed_dictionaries(
    {
        "analyte": st.just("anc"),
        "day": st.integers(0, 4),
        "minute": st.just(None),
        "value": st.sampled_from(COUNTS),
        "comparator": st.sampled_from(SIGNS),
    }
)
ROWS = st.tuples(st.lists(TEMPERATURE, max_size=9), st.lists(COUNT, max_size=5)).map(
    lambda two: [*two[0], *two[1]]
)
PATIENTS = st.lists(st.tuples(ROWS, st.sampled_from([None, None, None, 0, 2, 3])), min_size=1, max_size=3)


def as_cohort(members: list[tuple[list[dict[str, Any]], int | None]]) -> list[dict[str, Any]]:
    return [
        {
            "patient_id": f"P{place}",
            "labs": [{**row, "lln": None, "invalid": None} for row in rows],
            "support": [],
            "second_infusion": None,
            "death": death,
        }
        for place, (rows, death) in enumerate(members)
    ]


def judged(cohort: list[dict[str, Any]]) -> list[tuple[Any, Any, Any]]:
    outcomes = judge(cohort, window=WINDOW).outcomes
    return outcomes.select("policy", "best", "worst").rows()


@given(PATIENTS)
def test_it_equals_the_slow_twin(members):
    expected = []
    for rows, death in members:
        last = 99 if death is None else death
        expected.append(fever_of_patient([row for row in rows if row["day"] <= last], WINDOW, last))
    assert judged(as_cohort(members)) == expected


@settings(max_examples=40)
@given(PATIENTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(members, random):
    shuffled = [(random.sample(rows, len(rows)), death) for rows, death in members]
    assert judged(as_cohort(members)) == judged(as_cohort(shuffled))


@settings(max_examples=40)
@given(ROWS)
def test_every_outcome_lies_between_its_bounds(rows):
    ((policy, best, worst),) = judged(as_cohort([(rows, None)]))
    assert best <= worst
    assert policy is None or best <= policy <= worst
