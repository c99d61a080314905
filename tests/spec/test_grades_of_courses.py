"""The grade of a course is the highest rule met on any day of the window, with the bounds of what was not
seen.

`policy` uses measured days. `best` and `worst` add the unmeasured days between two measurements at most 8
days apart: a neutrophil count there lies between the lower of the two divided by 1.5 and the higher times
1.5. Days farther from a measurement are open: they are counted, and enter neither bound.
"""

from __future__ import annotations

import pytest

from scenario import bounds, grade_of, patient, reaches

ANC = "neutrophil_count_decreased"


def test_the_lowest_of_two_draws_on_one_day_counts():
    """0.4 is below 0.5: grade 4. The later draw of 0.6 and the mean of 0.5 would both be grade 3."""
    who = patient("day anc\n3 0.4/0.6", lln=2.0)
    assert bounds(grade_of(who, ANC, window=(3, 3))) == (4, 4, 4)


@pytest.mark.parametrize(
    ("last", "expected", "evidence"),
    [(7, (3, 3, 4), "bracketed"), (8, (3, 3, 4), "bracketed"), (9, (3, 3, 3), "open")],
)
def test_measurements_up_to_8_days_apart_vouch_for_the_days_between(last, expected, evidence):
    """Two days apart the slack of neutrophils is 1.1; it is multiplied by 1.15 for each further day. Seven
    days apart: 1.1 x 1.15^5 = 2.21, and 0.6 / 2.21 = 0.27 is below 0.5, so a day between could have been
    grade 4; 0.6 itself is grade 3.

    At 7 and 8 days apart the days between are bounded. At 9 days apart they are open and only counted.
    """
    who = patient(f"day anc\n0 0.6\n{last} 0.6", lln=2.0)
    graded = grade_of(who, ANC, window=(0, last))
    assert bounds(graded) == expected
    assert graded["evidence"] == evidence
    assert graded["days_open"] == (8 if last == 9 else 0)


def test_a_bound_exactly_at_a_cut_does_not_meet_it():
    """0.55 / 1.1 = 0.5, which is not below 0.5: the worst grade stays 3, and the course is decided."""
    who = patient("day anc\n0 0.55\n2 0.55", lln=2.0)
    graded = grade_of(who, ANC, window=(0, 2))
    assert (*bounds(graded), graded["decided"]) == (3, 3, 3, True)


def test_a_wide_pair_narrows_what_a_close_pair_leaves_open():
    """Hemoglobin: days 1 to 3 lie between 110 and 84, four days apart (slack 1.15 x 1.03^2 = 1.22: at least
    68.9), but also between 110 and 110 on days 0 and 8 (1.15 x 1.03^6 = 1.373: at least 80.1), and so do days
    5 to 7: no grade 3. Without day 8 only 68.9 is known, and grade 3 stays possible.
    """
    with_day_8 = patient("day hemoglobin\n0 110\n4 84\n8 110", lln=120)
    without = patient("day hemoglobin\n0 110\n4 84", lln=120)
    assert bounds(grade_of(with_day_8, "anemia", window=(0, 8))) == (2, 2, 2)
    assert bounds(grade_of(without, "anemia", window=(0, 4))) == (2, 2, 3)


def test_a_low_count_between_two_high_ones_refutes_what_they_claim():
    """3.0 on days 0 and 8 would say that no day between was below 3.0 / 2.54 = 1.18. Day 4 was 0.6, so they
    say nothing, neither about day 4 nor about the days beside it. Those lie between 3.0 and 0.6, four days
    apart (slack 1.1 x 1.15^2 = 1.45): at least 0.6 / 1.45 = 0.41, and grade 4 is possible.
    """
    who = patient("day anc\n0 3.0\n4 0.6\n8 3.0", lln=2.0)
    assert bounds(grade_of(who, ANC, window=(0, 8))) == (3, 3, 4)


def test_measurements_outside_the_window_bound_days_inside():
    """0.7 on day -2 is no grade of the window, but with 0.7 on day 5 it bounds days 0 to 4: 0.7 / 2.21 =
    0.32.
    """
    who = patient("day anc\n-2 0.7\n5 0.7", lln=2.0)
    assert bounds(grade_of(who, ANC, window=(0, 5))) == (3, 3, 4)
    only_inside = patient("day anc\n5 0.7", lln=2.0)
    assert bounds(grade_of(only_inside, ANC, window=(0, 5))) == (3, 3, 3)


def test_without_a_limit_of_normal_a_normal_count_is_not_judged():
    """2.5 is not below 1.5, so at worst grade 1; whether it is below the limit nobody can say."""
    graded = grade_of(patient("day anc\n0 2.5"), ANC, window=(0, 0))
    assert bounds(graded) == (None, 0, 1)
    assert graded["reason"] == "lower limit of normal missing"


def test_a_grade_that_no_value_can_have_was_not_reached():
    """Platelets of 94 on days 0 and 8 are grade 0 or 1, whatever the limit of normal is: the grade is not
    judged, and "grade 2 or higher" and "grade 3 or higher" are answered with no.

    In worst a day between may have been lower: slack 1.1 x 1.2^6 = 3.28, and 94 / 3.28 = 28.6 is below 50,
    but not below 25.
    """
    graded = grade_of(patient("day platelets\n0 94\n8 94"), "platelet_count_decreased", window=(0, 8))
    assert bounds(graded) == (None, 0, 3)
    assert reaches(graded, 1) == (None, 0, 1)
    assert reaches(graded, 2) == (0, 0, 1)
    assert reaches(graded, 3) == (0, 0, 1)
    assert reaches(graded, 4) == (0, 0, 0)


def test_white_cells_bound_the_neutrophils_of_a_day_without_a_differential():
    """Neutrophils cannot exceed 0.4 on day 5: grade 4 for certain. Days 3 and 7 alone say 0.9 / 1.45
    = 0.62: grade 3.
    """
    who = patient("day anc wbc\n3 0.9 .\n5 . 0.4\n7 0.9 .", lln=2.0)
    assert bounds(grade_of(who, ANC, window=(3, 7), cap=True)) == (4, 4, 4)
    assert bounds(grade_of(who, ANC, window=(3, 7))) == (3, 3, 3)


ONLY_WHITE_CELLS = "no neutrophil count in the window: white cells alone show only the least grade it can be"


def test_without_a_neutrophil_count_white_cells_show_the_least_grade():
    """Neutrophils of at most 1.2 are below 1.5 (grade 2) and perhaps below 0.5 (grade 4): not judged."""
    graded = grade_of(patient("day wbc\n5 1.2", lln=2.0), ANC, window=(5, 5), cap=True)
    assert bounds(graded) == (None, 2, 4)
    assert graded["reason"] == ONLY_WHITE_CELLS
    assert (graded["rule"], graded["first_day"], graded["evidence"]) == (None, None, "open")
    assert graded["days_measured"] == 0


def test_white_cells_that_meet_no_cut_show_nothing():
    """At most 6.0 on every day: any grade from 0 to 4."""
    graded = grade_of(patient("day wbc\n0-28 6.0", lln=2.0), ANC, window=(0, 28), cap=True)
    assert (*bounds(graded), graded["reason"]) == (None, 0, 4, ONLY_WHITE_CELLS)
    ignored = grade_of(patient("day wbc\n0-28 6.0", lln=2.0), ANC, window=(0, 28))
    assert (*bounds(ignored), ignored["reason"]) == (None, 0, 4, "no measurement in the window")


def test_white_cells_below_every_cut_decide_without_a_neutrophil_count():
    """At most 0.4 on day 9 is below 0.5 whatever the neutrophils were, and nothing is worse than grade 4."""
    graded = grade_of(patient("day wbc\n3 1.2\n9 0.4\n12 0.9"), ANC, window=(0, 28), cap=True)
    assert (*bounds(graded), graded["decided"], graded["reason"]) == (4, 4, 4, True, "")
    assert (graded["first_day"], graded["last_day"]) == (9, 9)


def test_a_day_that_white_cells_alone_grade_may_have_been_worse():
    """Day 20 is far from the count of day 0, and at most 1.4: grade 2 for certain, and perhaps 4. White cells
    of 3.0 on day 24 meet no cut: that day is as open as those without any value.
    """
    who = patient("day anc wbc\n0 4.0 .\n20 . 1.4\n24 . 3.0", lln=2.0)
    graded = grade_of(who, ANC, window=(0, 28), cap=True)
    assert bounds(graded) == (2, 2, 4)
    assert graded["reason"] == "a day known by its white cells alone could have been worse"
    healthy = patient("day anc wbc\n0 4.0 .\n24 . 3.0", lln=2.0)
    assert bounds(grade_of(healthy, ANC, window=(0, 28), cap=True)) == (0, 0, 0)


def test_white_cells_refute_what_two_neutrophil_counts_claim():
    """Counts of 6.0 on days 0 and 8 claim at least 6.0 / 2.54 = 2.36 in between: grade 0.

    White cells of 0.9 on day 4 show that the claim is wrong: grade 3 on that day for certain, and the days
    around it could have been anything.
    """
    who = patient("day anc wbc\n0 6.0 .\n4 . 0.9\n8 6.0 .", lln=2.0)
    assert bounds(grade_of(who, ANC, window=(0, 8))) == (0, 0, 0)
    assert bounds(grade_of(who, ANC, window=(0, 8), cap=True)) == (3, 3, 4)


@pytest.mark.parametrize(("anc", "wbc"), [(0.55, 0.5), (0.9009, 0.819)])
def test_white_cells_exactly_at_the_claim_do_not_refute_it(anc, wbc):
    """0.55 / 1.1 = 0.5 and 0.9009 / 1.1 = 0.819: white cells of that count agree with the claim.

    So no day was below 0.5, and the white cells themselves are below 1.0: grade 3.
    """
    who = patient(f"day anc wbc\n0 {anc} .\n1 . {wbc}\n2 {anc} .", lln=2.0)
    assert bounds(grade_of(who, ANC, window=(0, 2), cap=True)) == (3, 3, 3)


@pytest.mark.parametrize(("limits", "expected"), [((105, 100), (0, 0, 1)), ((100, 105), (0, 0, 0))])
def test_an_unmeasured_day_has_the_limit_of_normal_of_the_measured_day_before(limits, expected):
    """Hemoglobin of 116 on days 0 and 2: at least 116 / 1.15 = 100.9 in between.

    That is below a limit of 105, but not below a limit of 100.
    """
    who = patient("day hemoglobin\n0 116\n2 116", lln={0: limits[0], 2: limits[1]})
    assert bounds(grade_of(who, "anemia", window=(0, 2))) == expected


@pytest.mark.parametrize("limits", [(100, 105), (105, 100)])
def test_of_equal_draws_the_higher_limit_of_normal_counts(limits):
    """Hemoglobin of 103 twice on one day, with limits of 100 and 105: below 105, so grade 1."""
    who = patient("day hemoglobin\n3 103/103")
    who["labs"] = [{**row, "lln": limit} for row, limit in zip(who["labs"], limits, strict=True)]
    assert bounds(grade_of(who, "anemia", window=(3, 3))) == (1, 1, 1)


def test_the_limit_of_normal_is_that_of_the_lowest_draw():
    """A printed "<=110" reaches lower than 110, so its limit of 105 counts and not 130: 110 is not below 105.

    Whether the count was below 105, 100 or 80 is not known: not judged, at worst grade 3.
    """
    who = patient("day hemoglobin\n3 110/<=110")
    who["labs"] = [{**row, "lln": limit} for row, limit in zip(who["labs"], (130, 105), strict=True)]
    assert bounds(grade_of(who, "anemia", window=(3, 3))) == (None, 0, 3)


def test_the_limit_of_normal_comes_from_the_window():
    """Day -1 has no grade in the window, so its limit of 135 does not judge day 0; that of day 1 does, and
    116 / 1.15 = 100.9 is not below 100.

    Otherwise 116 x 1.15 = 133.4 would be below 135 for certain, and best would be worse than what was
    measured.
    """
    who = patient("day hemoglobin\n-1 116\n1 116", lln={-1: 135, 1: 100})
    assert bounds(grade_of(who, "anemia", window=(0, 1))) == (0, 0, 0)


def test_a_second_infusion_ends_the_course():
    """0.1 on day 8 belongs to the second infusion on day 6. Days 4 and 5 follow the last measurement and
    are open.
    """
    who = patient("day anc\n0 0.8\n3 0.8\n8 0.1", lln=2.0, second_infusion=6)
    graded = grade_of(who, ANC, window=(0, 12))
    assert bounds(graded) == (3, 3, 3)
    assert (graded["days_measured"], graded["days_open"]) == (2, 2)


def test_days_after_death_are_not_open():
    """Death on day 3: four days at risk, all measured. A count dated after death is not used."""
    who = patient("day anc\n0-3 0.8\n5 0.1", lln=2.0, death=3)
    graded = grade_of(who, ANC, window=(0, 12))
    assert (*bounds(graded), graded["evidence"], graded["days_open"]) == (3, 3, 3, "measured", 0)


def test_a_row_marked_invalid_is_not_judged():
    """A clumped platelet count of 5 is no grade 4; the valid count of 60 is grade 2."""
    who = patient("day platelets\n2 5clumping\n3 60", lln=150)
    assert bounds(grade_of(who, "platelet_count_decreased", window=(2, 3))) == (2, 2, 2)


def test_a_course_without_a_measurement_has_no_grade():
    graded = grade_of(patient("day anc\n40 1.0"), ANC, window=(0, 28))
    assert bounds(graded) == (None, 0, 4)
    assert graded["reason"] == "no measurement in the window"


def test_the_highest_grade_is_measured_even_if_days_are_open():
    """Nothing can be worse than grade 4: open days cannot change it."""
    graded = grade_of(patient("day anc\n4 0.2\n20 3.0", lln=2.0), ANC, window=(0, 28))
    assert (*bounds(graded), graded["evidence"]) == (4, 4, 4, "measured")
    assert (graded["first_day"], graded["last_day"]) == (4, 4)


@pytest.mark.parametrize("end", [{"death": 20}, {"second_infusion": 31}])
def test_a_course_that_ended_before_the_window_has_no_grade_and_no_bounds(end):
    """Who died on day 20 can have no neutropenia after day 30: not judged, and not "grade 4 at worst"."""
    graded = grade_of(patient("day anc\n10 0.3\n20 0.3", lln=2.0, **end), ANC, window=(31, 100))
    assert bounds(graded) == (None, None, None)
    assert graded["reason"] == "not at risk in the window"
