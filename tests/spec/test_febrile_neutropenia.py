"""Febrile neutropenia: neutrophils below 1.0 and a single temperature above 38.3 degC, or 38.0 degC or more
for more than one hour.

Grade 3 is certain, excluded (0), or not judged: one reading of 38.0 to 38.3 may or may not have lasted.
"""

from __future__ import annotations

import pytest

from fever_factory import evidence_of, fever_of
from scenario import bounds

YES, NO, OPEN = (3, 3, 3), (0, 0, 0), (None, 0, 3)
VERSIONS = [f"ctcae_v{version}_febrile_neutropenia" for version in (4, 5, 6)]


@pytest.mark.parametrize("name", VERSIONS)
@pytest.mark.parametrize(
    ("anc", "temperature", "expected"),
    [
        ("0.99", "38.4", YES),
        ("0.99", "38.31", YES),
        ("0.99", "38.3", OPEN),  # exactly 38.3 is not above 38.3, and may have lasted
        ("0.99", "38.0", OPEN),
        ("0.99", "37.9", NO),
        ("0.99", "37.99", NO),
        ("1.0", "38.4", NO),  # 1.0 is not below 1.0
        ("1.0", "39.9", NO),
        ("0", "38.4", YES),
    ],
)
def test_one_reading_and_one_count_of_the_day(name, anc, temperature, expected):
    graded = fever_of(f"day time temperature anc\n3 08:00 {temperature} {anc}", name=name)
    assert bounds(graded) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("08:00 38.0", "09:01 38.0", YES),
        ("08:00 38.0", "09:00 38.0", OPEN),  # exactly one hour is not more than one hour
        ("08:00 38.3", "20:30 38.1", YES),
        ("08:00 37.9", "09:30 38.0", OPEN),
        ("08:00 38.0", "09:30 37.9", OPEN),
        (". 38.0", "09:30 38.0", OPEN),  # without a time nobody knows how far apart they are
        (". 38.0", ". 38.2", OPEN),
        (". 38.4", ". 37.0", YES),
        (". 37.0", ". 37.9", NO),
    ],
)
def test_two_readings_of_a_day(first, second, expected):
    graded = fever_of(f"day time temperature anc\n3 {first} 0.5\n3 {second} .")
    assert bounds(graded) == expected


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        ("10:00 38.0", YES),
        ("10:00 37.9", OPEN),
        (". 37.9", OPEN),  # a lower reading of unknown time may lie between
        (". 38.2", YES),
        ("12:30 37.0", YES),  # lower, but after both
    ],
)
def test_a_lower_reading_between_two_breaks_what_lasted(between, expected):
    graded = fever_of(
        f"day time temperature anc\n3 08:00 38.1 0.5\n3 {between} .\n3 12:00 38.1 .", window=(3, 3)
    )
    assert bounds(graded) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [("07:30", "08:30", NO), ("07:30", "08:31", OPEN), ("06:00", "08:10", OPEN)],
)
def test_lower_readings_an_hour_apart_or_less_show_that_it_did_not_last(before, after, expected):
    graded = fever_of(
        f"day time temperature anc\n3 {before} 37.5 0.5\n3 08:00 38.2 .\n3 {after} 37.5 .", window=(3, 3)
    )
    assert bounds(graded) == expected


@pytest.mark.parametrize(
    ("evening", "morning", "expected"),
    [("23:30", "00:45", YES), ("20:00", "08:00", YES), ("20:00", "08:01", OPEN), ("23:50", "00:50", OPEN)],
)
def test_a_temperature_may_last_over_midnight(evening, morning, expected):
    """At most 12 hours of a night lie between two readings that belong together; the later day has it."""
    table = f"day time temperature anc\n3 {evening} 38.1 0.5\n4 {morning} 38.1 0.5"
    graded = fever_of(table, window=(4, 4))
    assert bounds(graded) == expected
    assert graded["first_day"] == (4 if expected == YES else None)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ("2 0.5", YES),  # no count on day 3: that of the day before
        ("1 0.5", OPEN),  # two days before is too far
        ("4 0.5", OPEN),  # the day after is no day before
        ("2 1.2", NO),
        ("2 0.5\n3 . . 1.2", NO),  # the count of the same day goes before
        ("2 1.2\n3 . . 0.5", YES),
        ("3 0.5\n3 . . 1.5", YES),  # the lowest of a day
        ("3 <0.1", YES),
        ("3 <1.5", OPEN),
        ("3 >2.0", NO),
    ],
)
def test_the_count_of_the_same_day_or_of_the_day_before(counts, expected):
    first, *others = counts.splitlines()
    day, value = first.split()
    lines = [f"{day} . . {value}", *others, "3 08:00 38.4 ."]
    graded = fever_of("day time temperature anc\n" + "\n".join(lines))
    assert bounds(graded) == expected


def test_fever_without_a_count_says_so():
    graded = fever_of("day time temperature anc\n3 08:00 38.4 .")
    assert bounds(graded) == OPEN
    assert graded["reason"] == "fever without a neutrophil count on the day or before it"


def test_one_reading_that_may_have_lasted_says_so():
    graded = fever_of("day time temperature anc\n3 08:00 38.1 0.4")
    assert graded["reason"] == "a temperature that may have lasted, without the readings that decide"


@pytest.mark.parametrize(
    ("wbc", "cap", "expected"), [("0.9", True, YES), ("1.0", True, OPEN), ("0.9", False, OPEN)]
)
def test_white_cells_below_the_cut_stand_in_for_the_count(wbc, cap, expected):
    """Neutrophils cannot outnumber white cells: 0.9 decides, 1.0 says nothing."""
    graded = fever_of(f"day time temperature wbc\n3 08:00 38.4 {wbc}", cap=cap)
    assert bounds(graded) == expected


def test_white_cells_that_do_not_decide_leave_the_count_of_the_day_before():
    table = "day time temperature anc wbc\n2 . . 0.5 .\n3 08:00 38.4 . 2.0"
    assert bounds(fever_of(table, cap=True)) == YES


def test_a_day_without_a_temperature_is_not_judged():
    table = "day time temperature anc\n3 08:00 37.0 0.5\n4 . . 0.5"
    graded = fever_of(table, window=(3, 4))
    assert bounds(graded) == OPEN
    assert (graded["reason"], graded["days_open"]) == ("days without a temperature", 1)


def test_a_day_without_a_temperature_cannot_have_it_while_neutrophils_are_up():
    table = "day time temperature anc\n3 08:00 37.0 0.5\n4 . . 2.0"
    assert bounds(fever_of(table, window=(3, 4))) == NO


def test_days_without_a_temperature_and_without_a_count_enter_nothing_and_are_counted_beside():
    """As for grades of a course: what was looked at decides. The count of day 5 still holds on day 6."""
    graded = fever_of("day time temperature anc\n5 10:00 39.5 1.0", window=(0, 28))
    assert bounds(graded) == NO
    assert (graded["days_measured"], graded["days_open"], graded["longest_gap_days"]) == (1, 27, 23)


@pytest.mark.parametrize(("next_day", "expected"), [("", OPEN), ("\n10 08:00 37.0 .", NO)])
def test_a_low_count_asks_for_a_temperature_on_its_day_and_on_the_next(next_day, expected):
    table = "day time temperature anc\n3 08:00 37.0 2.0\n9 08:00 37.0 0.5"
    graded = fever_of(table + next_day, window=(0, 28))
    assert bounds(graded) == expected
    assert graded["reason"] == ("days without a temperature" if expected == OPEN else "")


@pytest.mark.parametrize(("window", "expected"), [((3, 4), NO), ((3, 5), OPEN)])
def test_without_any_temperature_only_counts_on_every_day_exclude_it(window, expected):
    """A count of 2.0 holds on days 3 and 4; one open day leaves the patient not judged."""
    graded = fever_of("day anc\n3 2.0", window=window)
    assert bounds(graded) == expected
    assert expected == NO or graded["reason"] == "no temperature in the window"


def test_one_certain_day_is_enough_and_the_others_may_stay_open():
    table = "day time temperature anc\n3 08:00 38.0 0.5\n5 08:00 38.6 0.5\n9 08:00 39.0 0.5"
    graded = fever_of(table, window=(0, 12))
    assert bounds(graded) == YES
    assert (graded["first_day"], graded["last_day"]) == (5, 9)
    assert graded["rule"] == "ctcae_v5_febrile_neutropenia: a single temperature"


def test_without_any_temperature_nobody_is_judged():
    graded = fever_of("day anc\n3 0.5", window=(0, 5))
    assert bounds(graded) == OPEN
    assert graded["reason"] == "no temperature in the window"


def test_days_after_death_do_not_ask_for_a_temperature():
    table = "day time temperature anc\n3 08:00 37.0 0.5\n4 08:00 37.0 0.5"
    assert bounds(fever_of(table, window=(3, 9), death=4)) == NO
    assert bounds(fever_of(table, window=(3, 9), death=5)) == OPEN


def test_who_died_before_the_window_has_neither_a_grade_nor_bounds():
    table = "day time temperature anc\n3 08:00 37.0 0.5"
    assert bounds(fever_of(table, window=(5, 9), death=4)) == (None, None, None)


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [(">38.3", YES), (">=38.3", OPEN), ("<38.0", NO), ("<=38.0", OPEN), ("<39", OPEN)],
)
def test_censored_readings_count_only_for_what_they_say(temperature, expected):
    assert bounds(fever_of(f"day time temperature anc\n3 08:00 {temperature} 0.5")) == expected


def test_evidence_names_the_readings_and_the_count():
    table = "day time temperature anc\n2 . . 0.5\n3 08:00 38.1 .\n3 08:30 38.2 .\n3 09:30 38.0 ."
    rows = evidence_of(table).select("analyte", "day", "role", "state", "low", "source_row").rows()
    assert rows == [
        ("temperature", 3, "decides", "measured", 38.1, 3),
        ("temperature", 3, "decides", "measured", 38.0, 5),
        ("anc", 2, "decides", "measured", 0.5, 2),
    ]


def test_evidence_names_the_reading_that_asks_for_a_second_one():
    rows = evidence_of("day time temperature anc\n3 08:00 38.1 0.5").select("analyte", "role", "source_row")
    assert rows.rows() == [("temperature", "would settle", 2)]


def test_a_certain_day_leaves_no_reading_to_settle():
    table = "day time temperature anc\n3 08:00 38.1 0.5\n5 08:00 38.6 0.5"
    rows = evidence_of(table, window=(3, 5)).select("analyte", "day", "role").rows()
    assert rows == [("temperature", 5, "decides"), ("anc", 5, "decides")]


def test_evidence_says_where_white_cells_stood_in():
    rows = evidence_of("day time temperature wbc\n3 08:00 38.5 0.9", cap=True)
    assert rows.select("analyte", "state", "high", "source_row").rows() == [
        ("temperature", "measured", 38.5, 2),
        ("anc", "wbc_bound", 0.9, 3),
    ]
