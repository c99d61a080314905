"""The nadir is the lowest measured value of the window and the first day on which it occurred."""

from __future__ import annotations

import pytest

from scenario import bounds, nadir_of, patient


def test_the_first_of_equal_days_is_the_day_of_the_nadir():
    nadir = nadir_of(patient("day anc\n2 0.3\n5 0.1\n9 0.1"), "anc", window=(0, 12))
    assert (nadir["policy"], nadir["first_day"], nadir["last_day"]) == (0.1, 5, 9)


def test_a_censored_value_counts_as_its_printed_number():
    """A "<0.1" is printed 0.1, at best just below 0.1 and at worst 0."""
    nadir = nadir_of(patient("day anc\n2 0.3\n5 <0.1"), "anc", window=(0, 5))
    assert bounds(nadir) == (0.1, 0.1, 0)


def test_a_short_gap_may_hide_a_lower_value():
    """Two days apart. Neutrophils: 0.66 / 1.1 = 0.6. Hemoglobin: 92 / 1.15 = 80. Three days apart the slack
    of neutrophils is 1.1 x 1.15 = 1.265: 0.506 / 1.265 = 0.4.
    """
    who = patient("day anc hemoglobin\n0 0.66 92\n2 0.9 99")
    assert bounds(nadir_of(who, "anc", window=(0, 2))) == pytest.approx((0.66, 0.66, 0.6))
    assert bounds(nadir_of(who, "hemoglobin", window=(0, 2))) == pytest.approx((92, 92, 80))
    wider = patient("day anc\n0 0.506\n3 0.9")
    assert bounds(nadir_of(wider, "anc", window=(0, 3))) == pytest.approx((0.506, 0.506, 0.4))


def test_open_days_do_not_enter_the_bounds():
    """9 days apart: the days between are open, and the nadir is what was measured."""
    nadir = nadir_of(patient("day anc\n0 0.6\n9 0.9"), "anc", window=(0, 9))
    assert bounds(nadir) == (0.6, 0.6, 0.6)
    assert nadir["evidence"] == "open"


def test_without_a_measurement_there_is_no_nadir():
    nadir = nadir_of(patient("day anc\n40 1.0"), "anc", window=(0, 12))
    assert bounds(nadir) == (None, None, None)
    assert nadir["reason"] == "no measurement in the window"


def test_white_cells_alone_can_hold_the_nadir():
    """0.3 white cells without a differential on day 6: at most 0.3 neutrophils, whatever the 3.0 beside."""
    nadir = nadir_of(patient("day anc wbc\n5 3.0 .\n6 . 0.3\n7 3.0 ."), "anc", window=(5, 7), cap=True)
    assert (nadir["policy"], nadir["best"], nadir["worst"], nadir["first_day"]) == (0.3, 0.3, 0.0, 6)


def test_without_a_neutrophil_count_the_nadir_was_at_most_the_lowest_white_cells():
    """At most 0.9 on day 7; how much lower nobody knows. White cells of 0 leave nothing open."""
    nadir = nadir_of(patient("day wbc\n5 2.0\n7 0.9"), "anc", window=(0, 12), cap=True)
    assert (*bounds(nadir), nadir["first_day"]) == (None, 0.9, 0, None)
    assert (
        nadir["reason"] == "no neutrophil count in the window: white cells alone show only the most it can be"
    )
    empty = nadir_of(patient("day wbc\n5 2.0\n7 0"), "anc", window=(0, 12), cap=True)
    assert (*bounds(empty), empty["first_day"], empty["decided"]) == (0, 0, 0, 7, True)


def test_a_value_above_a_limit_is_no_low_value():
    """ ">0.4" may be anything above: "<0.5" on the other day is the nadir. Alone, it has no upper end."""
    nadir = nadir_of(patient("day anc\n5 <0.5\n7 >0.4"), "anc", window=(5, 7))
    assert (nadir["policy"], nadir["first_day"]) == (0.5, 5)
    alone = nadir_of(patient("day anc\n7 >0.4"), "anc", window=(5, 7))
    assert bounds(alone) == (0.4, None, 0.4)


def test_the_reason_tells_a_limit_from_a_gap():
    """Measured on both days of the window: only the printed limit leaves the value open."""
    nadir = nadir_of(patient("day anc\n5 <0.1\n6 0.4"), "anc", window=(5, 6))
    assert nadir["reason"] == "the lowest value is reported as a limit"
