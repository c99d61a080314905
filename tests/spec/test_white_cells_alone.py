"""White cells without a neutrophil count: an answer only where they prove it."""

from __future__ import annotations

from typing import Any

import pytest

from cytopenia.definitions import load_library
from kernel import Patient, grade_durations_cohort, make_tables
from scenario import bounds, dip_of, patient, phenotype_of

LEAST = "white cells alone show only the least grade it can be"


def grade_by(who: Patient, address: str) -> dict[str, Any]:
    part = load_library().find_parts(address)[address]
    return grade_durations_cohort(make_tables([who]), part, cap=True).row(0, named=True)


def test_seven_days_below_500_are_at_least_grade_2_of_icaht():
    """White cells of 0.4 on days 5 to 11: neutrophils were at most 0.5 on seven days; on how many more, and
    whether at most 0.1, nobody knows.
    """
    graded = grade_by(patient("day wbc\n0-4 3.0\n5-11 0.4\n12-30 3.0"), "icaht_2023.early")
    assert (*bounds(graded), graded["rule"]) == (None, 2, 4, None)
    assert graded["reason"] == f"no neutrophil count in the window: {LEAST}"


def test_fourteen_days_below_100_are_grade_4_of_icaht_without_a_neutrophil_count():
    graded = grade_by(patient("day wbc\n0-4 3.0\n5-18 0.05"), "icaht_2023.early")
    assert (*bounds(graded), graded["decided"], graded["reason"]) == (4, 4, 4, True, "")
    assert (graded["first_day"], graded["last_day"]) == (5, 18)


def test_white_cells_confirm_no_late_icaht():
    """Two measured counts are asked for, and there is none: anything from 0 to 4."""
    graded = grade_by(patient("day wbc\n31-60 0.05"), "icaht_2023.late")
    assert bounds(graded) == (None, 0, 4)


@pytest.mark.parametrize(("day", "expected"), [(28, (1, 1, 1)), (27, (None, 0, 1))])
def test_at_a_landmark_white_cells_below_the_cut_decide_their_own_day(day, expected):
    """Prolonged neutropenia of Wang 2021: below 0.5 on day 28, one grade. White cells of 0.4 prove it."""
    graded = grade_by(patient(f"day wbc\n{day} 0.4"), "wang_2021_prolonged.neutropenia")
    assert bounds(graded) == expected
    missing = f"no neutrophil count near the landmark: {LEAST}"
    assert graded["reason"] == ("" if day == 28 else missing)


def test_white_cells_of_the_landmark_do_not_replace_the_nearest_count():
    """Counted 1.2 on day 26, white cells of 0.4 on day 28: the rule takes the count, and worst is 1."""
    graded = grade_by(patient("day anc wbc\n26 1.2 .\n28 . 0.4"), "wang_2021_prolonged.neutropenia")
    assert bounds(graded) == (0, 0, 1)


def test_a_long_stretch_of_low_white_cells_is_aplastic():
    """White cells of 0.3 on all days from 0 to 60: no other phenotype is possible, and no second dip."""
    outcome = phenotype_of(patient("day wbc\n0-60 0.3"), cap=True)
    assert (outcome["label"], outcome["decided"]) == ("aplastic", True)
    assert bounds(dip_of(patient("day wbc\n0-60 0.3"), cap=True)) == (0, 0, 0)


def test_white_cells_that_leave_several_phenotypes_open_name_none():
    outcome = phenotype_of(patient("day wbc\n0-60 4.0"), cap=True)
    assert (outcome["label"], outcome["decided"]) == (None, False)
    only = "no neutrophil count in the window: white cells alone leave more than one label open"
    assert outcome["reason"] == only
