"""Two other readings of "three consecutive days at day 28": a run that contains day 28, and a run reached
by day 28.
"""

from __future__ import annotations

import pytest

from scenario import bounds, patient, recovery_of


def daily(anc: str) -> str:
    """Neutrophils by day; hemoglobin and platelets pass on every day."""
    return (
        anc.replace("anc", "anc hemoglobin platelets")
        .replace(";", " 110 90\n")
        .replace("platelets 110 90", "platelets")
    )


RISING = daily("day anc; 25-26 0.8; 27-29 1.5;")
RELAPSING = daily("day anc; 0-4 3.0; 5-9 0.2; 10-12 1.5; 13-28 0.8;")


@pytest.mark.parametrize(("form", "expected"), [("contains", 0), ("", 1)])
def test_a_run_from_day_27_to_29_contains_the_landmark(form, expected):
    """Day 26 fails, days 27 to 29 pass and contain day 28. The run that ends on day 28 would need day 26."""
    assert recovery_of(patient(RISING), form)["policy"] == expected


@pytest.mark.parametrize("last", [30, 29])
def test_the_run_from_day_28_needs_day_30(last):
    """Day 27 fails, so only days 28 to 30 are left: met until day 30, or not (day 30 at 0.8)."""
    who = patient(daily(f"day anc; 26-27 0.8; 28-{last} 1.5; {last + 1} 0.8;"))
    assert bounds(recovery_of(who, "contains")) == ((0, 0, 0) if last == 30 else (1, 1, 1))


@pytest.mark.parametrize(
    ("form", "label"), [("reached_by", "recovered"), ("", "not recovered"), ("contains", "not recovered")]
)
def test_a_recovery_that_is_lost_again_was_reached(form, label):
    """Below on days 5 to 9, three days at 1.5 on days 10 to 12, below again until day 28."""
    assert recovery_of(patient(RELAPSING), form)["label"] == label


def test_a_patient_who_never_failed_is_never_below():
    outcome = recovery_of(patient(daily("day anc; 0-28 1.0;")), "reached_by")
    assert (*bounds(outcome), outcome["label"]) == (0, 0, 0, "never below")


def test_a_run_before_the_first_failing_day_does_not_count():
    who = patient(daily("day anc; 0-10 3.0; 11-28 0.4;"))
    assert bounds(recovery_of(who, "reached_by")) == (1, 1, 1)


@pytest.mark.parametrize(("first", "expected"), [(26, (0, 0, 0)), (27, (1, 1, 1))])
def test_the_run_must_be_complete_by_day_28(first, expected):
    who = patient(daily(f"day anc; 0-{first - 1} 0.4; {first}-31 3.0;"))
    assert bounds(recovery_of(who, "reached_by")) == expected


def test_an_open_stretch_may_hide_the_fall_that_opens_the_way_to_a_recovery():
    """Every measured day passes but day 28. Days 4 to 12 are open: the measurements are 10 days apart.

    If one of them failed, days 13 to 27 are a recovery; if none did, the first failing day is day 28 and
    no run of three days is left. Both are possible: not evaluable, best recovered, worst not recovered.
    """
    who = patient(daily("day anc; 0-3 3.0; 13-27 3.0; 28 0.4;"))
    outcome = recovery_of(who, "reached_by")
    assert (*bounds(outcome), outcome["label"]) == (None, 0, 1, "not evaluable")


@pytest.mark.parametrize(("last", "expected"), [(6, (1, 1, 1)), (7, (1, 0, 1))])
def test_the_first_failing_day_is_not_part_of_the_recovery(last, expected):
    """A "<1.5" on day 4 may have failed. Then days 5 to 7 would be a recovery, but days 5 and 6 would not."""
    who = patient(daily(f"day anc; 0-3 3.0; 4 <1.5; 5-{last} 3.0; {last + 1}-28 0.4;"))
    assert bounds(recovery_of(who, "reached_by")) == expected
