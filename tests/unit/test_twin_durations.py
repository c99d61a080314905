"""The twin of the duration grades against grades counted by hand from the published rules.

Each course is written as days and values; the docstring works out what the rules say.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from scenario import read_days, read_table
from twin_durations import (
    ICAHT_CUMULATIVE,
    ICAHT_EARLY,
    ICAHT_LATE,
    LIANG_EARLY,
    LIANG_LATE,
    T_ICAHT_EARLY,
    T_ICAHT_LATE,
    fill_days,
    find_episodes,
    grade_durations,
    round_number,
)

PARTED = {**LIANG_EARLY, "counting": {**LIANG_EARLY["counting"], "joins_end": False}}


def grade(definition: dict[str, Any], table: str, *, cap: bool = False, **course: int) -> dict[str, Any]:
    """Grade a table of day and value ("." is no value); a second column is white cells."""
    labs = []
    for line in read_table(f"day {definition['analyte']}{' wbc' if cap else ''}\n{table}"):
        for day in read_days(line.pop("day")):
            for analyte, cell in line.items():
                sign = cell.rstrip("0123456789.")
                if cell != ".":
                    value = float(cell.removeprefix(sign))
                    labs.append({"day": day, "analyte": analyte, "value": value, "comparator": sign or "="})
    return grade_durations(labs, course, definition, cap=cap)


def bounds(found: dict[str, Any]) -> tuple[int | None, int | None, int | None]:
    return found["policy"], found["best"], found["worst"]


def days(found: dict[str, Any]) -> tuple[int, int, int]:
    return found["days_measured"], found["days_filled"], found["days_bridged"]


# -- how long --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (6, 1), (7, 2), (13, 2), (14, 3), (20, 3)], ids=str)
def test_days_at_500_are_counted(count, expected):
    """From day 4 on (so that "never above" cannot apply): 1-6 days are grade 1, 7-13 grade 2, 14 grade 3."""
    found = grade(ICAHT_EARLY, f"0-3 2.0\n4-{3 + count} 0.5\n{4 + count}-30 0.6")
    assert bounds(found) == (expected, expected, expected)
    assert (found["evidence"], days(found)) == ("measured", (31, 0, 0))


@pytest.mark.parametrize(("last", "expected"), [(9, 1), (10, 3), (16, 3), (17, 4)])
def test_days_at_100_are_counted(last, expected):
    """6 days at or below 100 are grade 1 (by the 500 row), 7 are grade 3, 14 are grade 4."""
    found = grade(ICAHT_EARLY, f"0-3 2.0\n4-{last} 0.1\n{last + 1}-30 0.6")
    assert bounds(found) == (expected, expected, expected)


@pytest.mark.parametrize("definition", [ICAHT_EARLY, LIANG_EARLY])
def test_every_day_above_500_is_grade_0(definition):
    found = grade(definition, "0-30 0.51")
    assert bounds(found) == (0, 0, 0)
    assert (found["decided"], found["evidence"]) == (True, "measured")


def test_two_days_above_are_bridged_and_counted():
    """Below on days 4-7 and 10-12, above on 8 and 9: one episode of 9 days, two of them bridged."""
    found = grade(ICAHT_EARLY, "0-3 2.0\n4-7 0.4\n8-9 0.9\n10-12 0.4\n13-30 2.0")
    assert bounds(found) == (2, 2, 2)
    assert days(found) == (31, 0, 2)


def test_three_days_above_end_an_episode():
    """Below on days 4-7 and 11-13: 4 and 3 days. The longest is 4; added up they are 7."""
    table = "0-3 2.0\n4-7 0.4\n8-10 0.9\n11-13 0.4\n14-30 2.0"
    assert bounds(grade(ICAHT_EARLY, table)) == (1, 1, 1)
    assert bounds(grade(ICAHT_CUMULATIVE, table)) == (2, 2, 2)


def test_bridged_days_count_in_the_sum():
    """Episodes 4-6 (day 5 bridged) and 10-13: 3 + 4 = 7 days, 6 of them at or below 500."""
    found = grade(ICAHT_CUMULATIVE, "0-3 2.0\n4 0.4\n5 0.9\n6 0.4\n7-9 0.9\n10-13 0.4\n14-30 2.0")
    assert (bounds(found), days(found)) == ((2, 2, 2), (31, 0, 1))


def test_episodes_begin_and_end_below():
    counting = PARTED["counting"]
    below = [False, True, False, False, True, False, False, False, True, False]
    assert find_episodes(below, counting) == [(1, 4), (8, 8)]
    assert find_episodes(below, LIANG_EARLY["counting"]) == [(1, 4), (8, 9)]


# -- unmeasured days -------------------------------------------------------------------------------


def test_weekly_draws_are_interpolated():
    """480, 520, 490, 530 on days 0, 7, 14, 21.

    Exactly: at or below 500 on days 0-3 (480 + 40/7 a day), 12-13 (520 - 30/7 a day), 14 and 15. Days 4-11
    lie above, days 22-30 are nine and stay missing. The longest episode is 4 days. Rounded to 10/uL, 504.3
    is 500 and 505.7 is 510: days 0-4 and 11-16, the longest 6. Bounds: only days 0 and 14 are below for
    certain; days 1-6, 8-13 and 15-20 may be, day 21 is bridged, days 22-30 are open: 31 days in the worst.
    """
    table = "0 0.48\n7 0.52\n14 0.49\n21 0.53"
    exactly, rounded = grade(ICAHT_EARLY, table), grade(LIANG_EARLY, table)
    assert bounds(exactly) == bounds(rounded) == (1, 1, 4)
    assert days(exactly) == days(rounded) == (4, 18, 0)
    assert exactly["evidence"] == rounded["evidence"] == "open"


def test_weekly_draws_in_three_weeks_tell_rounding():
    """504, 504, 504 on days 4, 11, 18, day 25 at 2000: rounded to 500 they are days 0-18 (0-3 extended).

    Day 19 is 504 + 213.7 = 717.7. 19 days, begun by day 3, but not to the end: grade 3. Unrounded: grade 0.
    """
    table = "4 0.504\n11 0.504\n18 0.504\n25 2.0"
    assert grade(LIANG_EARLY, table)["policy"] == 3
    assert grade(ICAHT_EARLY, table)["policy"] == 0


def test_a_gap_of_eight_days_stays_missing():
    """Days 5 and 13: seven days between, filled: 9 days. Days 5 and 14: eight between, two episodes."""
    seven = grade(ICAHT_EARLY, "4 2.0\n5 0.3\n13 0.3\n14 2.0")
    eight = grade(ICAHT_EARLY, "4 2.0\n5 0.3\n14 0.3\n15 2.0")
    assert (seven["policy"], days(seven)) == (2, (4, 7 + 4, 0))
    assert (eight["policy"], days(eight)) == (1, (4, 4, 0))


def test_two_values_far_apart():
    """0.1 on day 5 and on day 20, nothing between: 14 days stay missing, and the ten after day 20 too.

    Days 0-4 take the value of day 5. Episodes 0-5 (6 days) and 20 (1 day): the longest gives grade 1. Added
    up they are 7 days at or below 100: grade 3. In the best case one day each; in the worst all 31.
    """
    found, summed = (grade(d, "5 0.1\n20 0.1") for d in (ICAHT_EARLY, ICAHT_CUMULATIVE))
    assert (bounds(found), days(found)) == ((1, 1, 4), (2, 5, 0))
    assert (bounds(summed), days(summed)) == ((3, 1, 4), (2, 5, 0))
    assert found["evidence"] == summed["evidence"] == "open"


def test_the_ends_take_the_nearest_value_for_seven_days():
    """From day 7 the seven days before are filled; from day 8 eight days stay missing."""
    first_at_7 = grade(ICAHT_EARLY, "7 0.4\n8 2.0\n30 2.0")
    first_at_8 = grade(ICAHT_EARLY, "8 0.4\n9 2.0\n30 2.0")
    assert (first_at_7["policy"], first_at_7["days_filled"]) == (2, 7)
    assert (first_at_8["policy"], first_at_8["days_filled"]) == (1, 0)
    assert grade(ICAHT_EARLY, "0 2.0\n22 2.0\n23 0.4")["days_filled"] == 7
    assert grade(ICAHT_EARLY, "0 2.0\n21 2.0\n22 0.4")["days_filled"] == 0


def test_a_single_value_is_not_extended():
    """One day at 300: grade 1, whatever surrounds it. All other days are open."""
    found = grade(ICAHT_EARLY, "3 0.3")
    assert (bounds(found), days(found), found["evidence"]) == ((1, 1, 4), (1, 0, 0), "open")


def test_values_before_and_after_the_window_bound_but_do_not_fill():
    """Days -2 and 2 bracket days 0 and 1 (at most 0.45), days 29 and 31 bracket day 30 (at least 1.33).

    Policy: days 0 and 1 take 0.3 from day 2: 7 days. Best: days 0-6 are at most 0.45: 7 days as well. Of
    the measured days alone five are low.
    """
    found = grade(ICAHT_EARLY, "-2 0.3\n2-6 0.3\n7-29 2.0\n31 2.0")
    assert (bounds(found), days(found)) == ((2, 2, 2), (28, 3, 0))
    assert found["evidence"] == "bracketed"


def test_between_two_low_values_a_gap_is_low_in_every_reading():
    """0.3 and 0.3 four days apart (slack 1.1 x 1.15^2 = 1.45): at most 0.44 between, at least 0.21. Days
    4-12, and 2.0 on both sides.
    """
    found = grade(ICAHT_EARLY, "0-3 2.0\n4 0.3\n8 0.3\n12 0.3\n13-30 2.0")
    assert (bounds(found), days(found)) == ((2, 2, 2), (25, 6, 0))
    assert (found["decided"], found["evidence"]) == (True, "bracketed")


def test_a_gap_that_may_be_low_is_low_in_the_worst_case_only():
    """0.6 and 0.6 seven days apart: 0.6 / 2.21 = 0.27 may lie between, on six days; not 0.1."""
    found = grade(ICAHT_EARLY, "0-3 2.0\n4 0.6\n11 0.6\n12-30 2.0")
    assert (bounds(found), found["evidence"]) == ((0, 0, 1), "bracketed")


def test_without_a_measurement_nothing_is_judged():
    found = grade(ICAHT_EARLY, "40 0.3")
    assert (bounds(found), days(found), found["evidence"]) == ((None, 0, 4), (0, 0, 0), "open")
    assert not found["decided"]


def test_bracketed_from_both_sides_without_a_measurement():
    """A window of days 10-16, measured on days 9 and 17 at 0.05: at most 0.075 throughout, to its end."""
    definition = {**ICAHT_EARLY, "window": (10, 16)}
    found = grade(definition, "9 0.05\n17 0.05")
    assert (bounds(found), found["evidence"]) == ((None, 4, 4), "bracketed")


# -- never above -----------------------------------------------------------------------------------


def test_never_above_until_death():
    """11 days at 300 and death on day 10: 11 days alone are grade 2, never above is grade 4."""
    found = grade(ICAHT_EARLY, "0-10 0.3", death=10)
    assert (bounds(found), days(found), found["evidence"]) == ((4, 4, 4), (11, 0, 0), "measured")


def test_lost_to_follow_up_is_not_certain_to_stay_low():
    """6 days at 300, last seen on day 5: grade 4 by the published rule, grade 1 by what was seen."""
    found = grade(ICAHT_EARLY, "0-5 0.3", last_contact=5)
    assert (bounds(found), found["decided"], found["evidence"]) == ((4, 1, 4), False, "bracketed")


def test_an_unmeasured_end_is_extended_to_the_last_contact():
    """0.3 on days 0-5, last seen on day 9: days 6-9 take 0.3, so it lasts to the end; seen are 6 days."""
    found = grade(ICAHT_EARLY, "0-5 0.3", last_contact=9)
    assert (bounds(found), days(found), found["evidence"]) == ((4, 1, 4), (6, 4, 0), "open")


@pytest.mark.parametrize(("start", "expected"), [(3, 4), (4, 3)])
def test_never_above_begins_by_day_3(start, expected):
    found = grade(ICAHT_EARLY, f"0-{start - 1} 2.0\n{start}-30 0.4")
    assert bounds(found) == (expected, expected, expected)


@pytest.mark.parametrize("above", [1, 2, 3])
def test_recovery_at_the_very_end(above):
    """Below until the last one to three days. No day below follows, so nothing is bridged: grade 3.

    Where the end is joined, as in the published program, one or two days above are no recovery: grade 4.
    """
    table = f"0-{30 - above} 0.4\n{31 - above}-30 2.0"
    assert bounds(grade(PARTED, table)) == (3, 3, 3)
    joined = 4 if above <= 2 else 3
    found = grade(LIANG_EARLY, table)
    assert bounds(found) == (joined, joined, joined)
    assert found["days_bridged"] == (above if above <= 2 else 0)


def test_the_first_days_are_never_joined():
    """Above on days 0 and 1, then low for 6 days: 6 days also where the end is joined."""
    table = "0-1 2.0\n2-7 0.4\n8-30 2.0"
    assert grade(LIANG_EARLY, table)["policy"] == grade(PARTED, table)["policy"] == 1


# -- what ends a course ----------------------------------------------------------------------------


def test_a_second_infusion_ends_the_course_the_day_before():
    """Days 0-11 are at risk; 12 days at 300 to the last of them. Not certain: the rest is unknown."""
    found = grade(ICAHT_EARLY, "0-30 0.3", second_infusion=12)
    assert (bounds(found), found["days_measured"]) == ((4, 2, 4), 12)


def test_progression_ends_thrombocytopenia_but_not_early_neutropenia():
    """Low on days 4-12. Progression on day 8 leaves 5 days (4-8) to count, its own day included."""
    table = "0-3 200\n4-12 30\n13-30 200"
    assert bounds(grade(T_ICAHT_EARLY, table, progression=8)) == (1, 1, 1)
    assert bounds(grade(T_ICAHT_EARLY, table, next_therapy=10)) == (2, 2, 2)
    assert bounds(grade(T_ICAHT_EARLY, table, next_therapy=9)) == (1, 1, 1)
    assert bounds(grade(T_ICAHT_EARLY, table, last_contact=8)) == (1, 1, 1)
    neutrophils = "0-3 2.0\n4-12 0.3\n13-30 2.0"
    assert bounds(grade(ICAHT_EARLY, neutrophils, progression=8, next_therapy=8)) == (2, 2, 2)


def test_death_is_the_last_contact_if_it_is_later():
    """Last seen on day 5, died on day 10: at risk to day 10."""
    found = grade(LIANG_EARLY, "0-10 0.3", last_contact=5, death=10)
    assert (bounds(found), found["days_measured"]) == ((4, 4, 4), 11)


def test_a_course_that_ends_before_the_window_is_not_judged():
    for course in ({"last_contact": 30}, {"death": 12}, {"second_infusion": 31}, {"progression": 20}):
        found = grade(ICAHT_LATE, "40 0.3\n41 0.3", **course)
        assert (bounds(found), days(found), found["decided"]) == ((None, None, None), (0, 0, 0), False)


# -- printed values --------------------------------------------------------------------------------


def test_505_is_rounded_to_500():
    """Ties go to the even ten: 505 is 500, 515 is 520. Seven days of each."""
    assert bounds(grade(LIANG_EARLY, "0-3 2.0\n4-10 0.505\n11-30 2.0")) == (2, 2, 2)
    assert bounds(grade(LIANG_EARLY, "0-3 2.0\n4-10 0.506\n11-30 2.0")) == (0, 0, 0)
    assert bounds(grade(LIANG_EARLY, "0-3 2.0\n4-10 0.515\n11-30 2.0")) == (0, 0, 0)
    assert bounds(grade(ICAHT_EARLY, "0-3 2.0\n4-10 0.505\n11-30 2.0")) == (0, 0, 0)
    assert bounds(grade(LIANG_EARLY, "0-3 2.0\n4-10 0.105\n11-30 2.0")) == (3, 3, 3)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("0.505", "0.5"),
        ("0.515", "0.52"),
        ("0.5049999999", "0.5"),
        ("0.5050000001", "0.5"),
        ("0.50501", "0.51"),
    ],
)
def test_rounding_cleans_first_and_takes_ties_to_even(number, expected):
    assert round_number(Fraction(number), Fraction("0.01")) == Fraction(expected)


def test_below_a_limit_counts_where_the_whole_interval_does():
    """ "<0.1" for 14 days is below 100 for certain: grade 4. "<0.2" is below 500, may be below 100."""
    assert bounds(grade(ICAHT_EARLY, "0-3 2.0\n4-17 <0.1\n18-30 2.0")) == (4, 4, 4)
    assert bounds(grade(ICAHT_EARLY, "0-3 2.0\n4-17 <0.2\n18-30 2.0")) == (3, 3, 4)


def test_a_limit_that_may_hide_a_low_value_is_not_judged():
    """ "<0.6" on one day, else above: grade 0 or 1, and 0 means judged and normal."""
    found = grade(ICAHT_EARLY, "0-3 2.0\n4 <0.6\n5-30 2.0")
    assert (bounds(found), found["decided"]) == ((None, 0, 1), False)
    assert found["evidence"] == "bracketed"


def test_a_limit_is_interpolated_from_its_printed_number():
    """Between "<0.4" on day 4 and ">0.4" on day 8 lies 0.4. Day 8 itself is not low for certain."""
    values = {4: Fraction("0.4"), 8: Fraction("0.4")}
    assert fill_days(values, 4, 8, ICAHT_EARLY["counting"]) == dict.fromkeys((5, 6, 7), Fraction("0.4"))
    found = grade(ICAHT_EARLY, "0-3 2.0\n4 <0.4\n8 >0.4\n9-30 2.0")
    assert (found["policy"], days(found)) == (1, (28, 3, 0))


def test_the_lowest_of_a_day_counts():
    table = "0-3 2.0\n4-10 0.4\n4-10 3.0\n11-30 2.0"
    assert bounds(grade(ICAHT_EARLY, table)) == (2, 2, 2)


def test_white_cells_cap_the_neutrophils():
    """White cells 0.3 on days 4-10 without a differential: at most 0.3 neutrophils for 7 days, maybe 0.1."""
    table = "0-3 2.0 .\n4-10 . 0.3\n11-30 2.0 ."
    found = grade(ICAHT_EARLY, table, cap=True)
    assert (bounds(found), days(found), found["evidence"]) == ((2, 2, 3), (24, 7, 0), "bracketed")
    alone = grade(ICAHT_EARLY, "4-10 . 0.3", cap=True)
    # Nobody counted neutrophils: at least grade 2, but which one is not known.
    assert (bounds(alone), days(alone)) == ((None, 2, 4), (0, 0, 0))


# -- late ------------------------------------------------------------------------------------------


def test_the_two_lowest_late_values():
    """The lower one grades, the other must be at or below 1500. Days before 31 do not count."""
    assert grade(ICAHT_LATE, "30 0.05\n40 0.4\n60 1.2\n90 3.0")["policy"] == 3
    assert grade(ICAHT_LATE, "40 0.4\n60 1.5\n90 3.0")["policy"] == 3
    assert grade(ICAHT_LATE, "40 0.4\n60 1.51\n90 3.0")["policy"] == 0
    assert grade(ICAHT_LATE, "100 0.1\n31 0.9")["policy"] == 4
    assert grade(ICAHT_LATE, "40 1.01\n60 1.5")["policy"] == 1
    assert grade(ICAHT_LATE, "40 1.0\n60 1.5")["policy"] == 2


def test_open_days_do_not_enter_late_grades():
    """0.4 on day 40 and 1.2 on day 60: grade 3 in every reading, and nothing is known of other days.

    Open days enter no bound of such a grade, so it is decided; they are counted beside it, so it is "open".
    """
    found = grade(ICAHT_LATE, "40 0.4\n60 1.2")
    assert (bounds(found), days(found)) == ((3, 3, 3), (2, 0, 0))
    assert (found["decided"], found["evidence"]) == (True, "open")


def test_a_short_gap_may_hide_a_worse_late_grade():
    """0.6 and 0.6 three days apart: 0.4 may lie between."""
    assert bounds(grade(ICAHT_LATE, "40 0.6\n43 0.6")) == (2, 2, 3)


def test_one_late_value():
    """The consensus wants two time points; the published program takes one."""
    assert bounds(grade(ICAHT_LATE, "40 0.4")) == (None, 0, 3)
    assert bounds(grade(LIANG_LATE, "40 0.4")) == (3, 3, 3)
    assert bounds(grade(ICAHT_LATE, "40 1.6")) == (0, 0, 0)
    assert bounds(grade(LIANG_LATE, "40 1.6")) == (0, 0, 0)
    assert bounds(grade(ICAHT_LATE, "40 <2")) == (None, 0, 4)


def test_no_late_value():
    found = grade(LIANG_LATE, "20 0.4")
    assert (bounds(found), found["evidence"]) == ((None, 0, 4), "open")


def test_late_limits_that_decide_the_confirmation():
    """ "<2" may or may not be a second value at or below 1500."""
    assert bounds(grade(ICAHT_LATE, "40 0.4\n60 <2")) == (None, 0, 4)
    assert bounds(grade(ICAHT_LATE, "40 0.4\n60 1.2\n90 <2")) == (3, 3, 4)
    assert bounds(grade(ICAHT_LATE, "40 3.0\n60 3.0\n90 <2")) == (0, 0, 0)


def test_late_values_after_progression_do_not_count():
    table = "40 0.4\n60 1.2\n70 0.1"
    assert grade(LIANG_LATE, table, progression=60)["policy"] == 3
    assert grade(LIANG_LATE, table, progression=59)["policy"] == 3
    assert grade(ICAHT_LATE, table, progression=59)["policy"] is None
    assert grade(ICAHT_LATE, table, next_therapy=70)["policy"] == 4
    assert grade(ICAHT_LATE, table, last_contact=69)["policy"] == 3


# -- platelets -------------------------------------------------------------------------------------


def test_one_day_below_20_within_twenty_below_50_is_grade_3():
    found = grade(T_ICAHT_EARLY, "0-4 60\n5-9 45\n10 15\n11-24 45\n25-30 60")
    assert (bounds(found), found["evidence"], days(found)) == ((3, 3, 3), "measured", (31, 0, 0))


def test_platelet_cuts_are_open():
    """50 is not below 50, 20 is not below 20."""
    assert bounds(grade(T_ICAHT_EARLY, "0-30 50")) == (0, 0, 0)
    assert bounds(grade(T_ICAHT_EARLY, "0-30 20")) == (2, 2, 2)


@pytest.mark.parametrize(("last", "expected"), [(9, 1), (10, 2)])
def test_days_below_50_are_counted(last, expected):
    assert bounds(grade(T_ICAHT_EARLY, f"0-3 60\n4-{last} 49\n{last + 1}-30 60")) == (expected,) * 3


def test_platelet_days_add_up_over_episodes():
    """Below 20 on days 2-8 and 20-26: 7 + 7 = 14 days, grade 4. With 6 in the second: 13 days, grade 3."""
    assert bounds(grade(T_ICAHT_EARLY, "0-1 60\n2-8 19\n9-19 60\n20-26 19\n27-30 60")) == (4, 4, 4)
    assert bounds(grade(T_ICAHT_EARLY, "0-1 60\n2-8 19\n9-19 60\n20-25 19\n26-30 60")) == (3, 3, 3)


def test_an_unstable_recovery_of_platelets_is_counted():
    """Below 20 on days 2-7 and 10-15 with two days above between: 14 days. With three: 12 days."""
    found = grade(T_ICAHT_EARLY, "0-1 60\n2-7 19\n8-9 60\n10-15 19\n16-30 60")
    assert (bounds(found), days(found)) == ((4, 4, 4), (31, 0, 2))
    assert bounds(grade(T_ICAHT_EARLY, "0-1 60\n2-7 19\n8-10 60\n11-16 19\n17-30 60")) == (3, 3, 3)


def test_late_platelets():
    """Values below 100 and 50 grade by one day; below 20 by days, of which 13 are grade 3, 14 grade 4."""
    assert grade(T_ICAHT_LATE, "40 99\n60 99")["policy"] == 1
    assert grade(T_ICAHT_LATE, "40 49\n60 99")["policy"] == 2
    assert grade(T_ICAHT_LATE, "40 49\n60 100")["policy"] == 0
    assert grade(T_ICAHT_LATE, "40 19\n60 99")["policy"] == 3
    assert grade(T_ICAHT_LATE, "40 19\n46 19\n52 19")["policy"] == 3
    assert grade(T_ICAHT_LATE, "40 19\n46 19\n53 19")["policy"] == 4
    assert grade(T_ICAHT_LATE, "40 19")["policy"] is None


def test_late_platelets_are_not_extended():
    """Days 40 and 46 with the five between: filled. Nothing before day 40 or after day 46."""
    assert days(grade(T_ICAHT_LATE, "40 19\n46 19")) == (2, 5, 0)
