"""The twin of the duration grades against the published ICAHT program, step by step (`oracle_liang`).

Whole numbers per uL, no limits ("<100"), no white cells, no second infusion: what the program can read.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle_liang import approximate, assign_early, find_exceedances, grade_early, grade_late, round_to_ten
from strategies import EVENTS, Row, episode_rows, patients
from twin_durations import LIANG_EARLY, LIANG_LATE, grade_durations

twice = settings(max_examples=2 * settings.default.max_examples)
early_patients = patients(("anc",), (-4, 38), stretches=True, events=EVENTS)
late_patients = patients(("anc",), (20, 110), stretches=True, events=EVENTS)
PARTED = {**LIANG_EARLY, "counting": {**LIANG_EARLY["counting"], "joins_end": False}}


def course_of(patient: Row) -> Row:
    return {**patient, "second_infusion": None}


def last_follow_up(patient: Row) -> int | None:
    """What a center enters: the day of death, or the last contact of the living."""
    return patient["last_contact"] if patient["death"] is None else patient["death"]


def printed(patient: Row) -> tuple[list[Row], list[dict[str, int]]]:
    """The same values in 1e9/L for the twin, and per uL for the program."""
    labs = [{**row, "comparator": "="} for row in patient["labs"]]
    return labs, [{"day": row["day"], "anc": round(row["value"] * 1000)} for row in labs]


# -- the steps -------------------------------------------------------------------------------------


def test_runs_of_at_most_seven_are_interpolated():
    series = [None] * 2 + [Fraction(100)] + [None] * 7 + [Fraction(900)] + [None] * 8 + [Fraction(50)]
    filled = approximate(series)
    assert filled[:11] == [100, 100, 100, 200, 300, 400, 500, 600, 700, 800, 900]
    assert filled[11:] == [None] * 8 + [50]
    assert approximate([None, Fraction(5), None]) == [None, 5, None]


def test_ties_are_rounded_to_the_even_ten():
    assert [round_to_ten(Fraction(n)) for n in (504, 505, 506, 515, 95)] == [500, 500, 510, 520, 100]


def test_gaps_of_two_rows_are_joined_also_at_the_end():
    series = [Fraction(n) for n in (900, 100, 900, 900, 100, 900, 900, 900, 100, 900, 900)]
    assert find_exceedances(series, 501) == [(1, 4), (8, 10)]
    assert find_exceedances(series, 501, joins_end=False) == [(1, 4), (8, 8)]
    assert find_exceedances([*series, Fraction(900)], 501) == [(1, 4), (8, 8)]
    assert find_exceedances([None, Fraction(501)], 501) == []


def test_every_pair_of_durations_has_a_grade():
    grades = {(d, e): assign_early(d, e) for d in range(32) for e in range(d + 1)}
    assert None not in grades.values()
    assert [grades[pair] for pair in ((6, 6), (7, 6), (13, 0), (14, 6), (7, 7), (30, 13), (14, 14))] == [
        *(1, 2, 2, 3),
        *(3, 3, 4),
    ]


def test_early_grade_of_a_short_follow_up():
    rows = [{"day": day, "anc": 300} for day in range(6)]
    assert grade_early(rows, 5) == 4
    assert grade_early(rows, 12) == 4
    assert grade_early(rows, 13) == 1
    assert grade_early(rows, None) == 1
    assert grade_early([], None) is None


def test_late_grade_by_the_two_lowest():
    assert grade_late([{"day": 40, "anc": 400}], None, None, None) == 3
    assert grade_late([{"day": 40, "anc": 400}, {"day": 50, "anc": 1501}], None, None, None) == 0
    assert grade_late([{"day": 40, "anc": 400}, {"day": 50, "anc": 1500}], None, 49, None) == 3
    assert grade_late([{"day": 30, "anc": 400}], None, None, None) is None


# -- twin and program ------------------------------------------------------------------------------


@twice
@given(patient=early_patients, joins_end=st.booleans())
def test_early_grades_of_twin_and_program_are_equal(patient, joins_end):
    labs, rows = printed(patient)
    twin = grade_durations(labs, course_of(patient), LIANG_EARLY if joins_end else PARTED)
    assert twin["policy"] == grade_early(rows, last_follow_up(patient), joins_end=joins_end)


@twice
@given(
    labs=episode_rows("anc", (0, 30)),
    last_contact=st.sampled_from([None, 30, 21, 10, 29]),
    joins_end=st.booleans(),
)
def test_episodes_at_the_limits_are_graded_alike_by_twin_and_program(labs, last_contact, joins_end):
    patient = {"labs": labs, "death": None, "last_contact": last_contact}
    labs, rows = printed(patient)
    twin = grade_durations(labs, course_of(patient), LIANG_EARLY if joins_end else PARTED)
    assert twin["policy"] == grade_early(rows, last_contact, joins_end=joins_end)


@given(patient=late_patients)
def test_late_grades_of_twin_and_program_are_equal(patient):
    labs, rows = printed(patient)
    twin = grade_durations(labs, course_of(patient), LIANG_LATE)
    events = (last_follow_up(patient), patient["progression"], patient["next_therapy"])
    assert twin["policy"] == grade_late(rows, *events)


@pytest.mark.long
@given(patient=early_patients, joins_end=st.booleans())
def test_many_early_grades_of_twin_and_program_are_equal(patient, joins_end):
    test_early_grades_of_twin_and_program_are_equal.hypothesis.inner_test(patient, joins_end)


@pytest.mark.long
@settings(max_examples=500)
@given(patient=late_patients)
def test_many_late_grades_of_twin_and_program_are_equal(patient):
    test_late_grades_of_twin_and_program_are_equal.hypothesis.inner_test(patient)
