"""Febrile neutropenia equals its slow twin, whatever the order of rows."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fever_factory import judge
from strategies import draw_picks, share_of_examples
from twin_fever import fever_of_patient

WINDOW = (1, 3)
TEMPERATURES = [36.8, 37.9, 37.99, 38.0, 38.1, 38.3, 38.31, 39.0]
MINUTES = [None, 0, 30, 60, 61, 90, 91, 700, 721, 1380, 1410, 1439]
COUNTS = [0.4, 0.99, 1.0, 1.01, 2.0]
SIGNS = ["="] * 6 + ["<", "<=", ">", ">="]

KEYS = ("day", "minute", "value", "comparator")


@st.composite
def readings(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to nine temperatures and five counts of one patient."""
    rows: list[dict[str, Any]] = []
    for analyte, most, minutes, values in (
        ("temperature", 9, MINUTES, TEMPERATURES),
        ("anc", 5, [None], COUNTS),
    ):
        choices: list[list[Any]] = [[*range(5)], minutes, values, SIGNS]
        picks = draw_picks(draw, choices, draw(st.integers(0, most)))
        rows += [{"analyte": analyte, **dict(zip(KEYS, picked, strict=True))} for _, picked in picks]
    return rows


PATIENTS = st.lists(
    st.tuples(readings(), st.sampled_from([None, None, None, 0, 2, 3])), min_size=1, max_size=10
)


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


@share_of_examples(0.6)
@given(PATIENTS)
def test_it_equals_the_slow_twin(members):
    expected = []
    for rows, death in members:
        last = 99 if death is None else death
        expected.append(fever_of_patient([row for row in rows if row["day"] <= last], WINDOW, last))
    assert judged(as_cohort(members)) == expected


@share_of_examples(0.6)
@given(PATIENTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(members, random):
    shuffled = [(random.sample(rows, len(rows)), death) for rows, death in members]
    assert judged(as_cohort(members)) == judged(as_cohort(shuffled))


@share_of_examples(0.6)
@given(st.lists(readings(), min_size=1, max_size=10))
def test_every_outcome_lies_between_its_bounds(members):
    for policy, best, worst in judged(as_cohort([(rows, None) for rows in members])):
        assert best <= worst
        assert policy is None or best <= policy <= worst
