"""Recovery at day 28 (Qiu 2023): neutrophils at least 1.0, hemoglobin at least 80, platelets at least 50
on days 26, 27 and 28, without support. Nine cells: one that fails means not recovered, all nine met
means recovered, anything else is not evaluable. 0 is recovered, 1 is not recovered.
"""

from __future__ import annotations

import pytest

from scenario import bounds, patient, recovery_of

RECOVERED, NOT_RECOVERED, UNDECIDED = (0, 0, 0), (1, 1, 1), (None, 0, 1)

PASSING = """
    day    anc  hemoglobin  platelets
    26-28  3.0  110         90
"""


def test_counts_exactly_at_the_cuts_pass():
    who = patient("day anc hemoglobin platelets\n26-28 1.0 80 50")
    outcome = recovery_of(who)
    assert (*bounds(outcome), outcome["label"]) == (*RECOVERED, "recovered")


@pytest.mark.parametrize("counts", ["0.99 80 50", "1.0 79.9 50", "1.0 80 49"])
def test_one_lineage_just_below_its_cut_fails(counts):
    who = patient(f"day anc hemoglobin platelets\n26-28 {counts}")
    assert bounds(recovery_of(who)) == NOT_RECOVERED


def test_the_lowest_draw_of_a_day_decides():
    """Platelets of 52 and 48 on day 27: the lower one fails."""
    table = """
        day  anc  hemoglobin  platelets
        26   3.0  110         90
        27   3.0  110         52/48
        28   3.0  110         90
    """
    assert bounds(recovery_of(patient(table))) == NOT_RECOVERED


@pytest.mark.parametrize(("next_day", "expected"), [(34, RECOVERED), (35, RECOVERED), (36, UNDECIDED)])
def test_a_value_after_day_28_brackets_it(next_day, expected):
    """Day 28 lies between days 27 and 34 or 35, at most 8 days apart and both met. Day 36 is 9 days from
    day 27.

    Worst counts between, eight days apart (slack 1.1 x 1.15^6 = 2.54, 1.15 x 1.03^6 = 1.373, 1.1 x 1.2^6
    = 3.28): 3.0 / 2.54 = 1.18, 110 / 1.373 = 80.1, 200 / 3.28 = 60.9, all met.
    """
    table = f"""
        day         anc  hemoglobin  platelets
        26-27       3.0  110         200
        {next_day}  3.0  110         200
    """
    assert bounds(recovery_of(patient(table))) == expected


@pytest.mark.parametrize(
    ("first", "last", "expected"), [(24, 31, RECOVERED), (23, 31, RECOVERED), (22, 31, UNDECIDED)]
)
def test_gaps_of_7_8_and_9_days_around_the_landmark(first, last, expected):
    """All nine cells lie in one gap. At 9 days apart every one of them is open, so nothing is known. (8 days:
    3.0 / 2.54 = 1.18, 110 / 1.373 = 80.1, 200 / 3.28 = 60.9.)
    """
    table = f"""
        day      anc  hemoglobin  platelets
        {first}  3.0  110         200
        {last}   3.0  110         200
    """
    assert bounds(recovery_of(patient(table))) == expected


@pytest.mark.parametrize(("last", "expected"), [(25, (0, 0, 1)), (24, UNDECIDED)])
def test_the_last_state_is_carried_for_3_days(last, expected):
    """From day 25 the state reaches day 28; from day 24 it reaches day 27 only. A carried day stays open
    for worst.
    """
    who = patient(f"day anc hemoglobin platelets\n{last} 3.0 110 90")
    assert bounds(recovery_of(who)) == expected


def test_neighbors_that_disagree_leave_the_cell_unknown():
    """0.8 on day 24 fails and 1.2 on day 30 passes. Between, six days apart (slack 1.1 x 1.15^4 = 1.92):
    at most 1.2 x 1.92 = 2.31, at least 0.8 / 1.92 = 0.42.
    """
    table = """
        day    anc  hemoglobin  platelets
        24     0.8  110         90
        26-28  .    110         90
        30     1.2  110         90
    """
    outcome = recovery_of(patient(table))
    assert (*bounds(outcome), outcome["label"]) == (*UNDECIDED, "not evaluable")


@pytest.mark.parametrize(("count", "expected"), [(0.9, (1, 0, 1)), (0.5, (1, 1, 1))])
def test_neighbors_that_both_fail_fail_the_cell(count, expected):
    """0.9 x 1.92 = 1.73 could have passed between, 0.5 x 1.92 = 0.96 could not: only the second is
    decided.
    """
    table = f"""
        day    anc      hemoglobin  platelets
        24     {count}  110         90
        26-28  .        110         90
        30     {count}  110         90
    """
    outcome = recovery_of(patient(table))
    assert bounds(outcome) == expected
    assert outcome["decided"] == (expected == NOT_RECOVERED)


def test_a_value_that_does_not_decide_is_no_measurement_for_the_policy():
    """A "<1.5" on day 27 may or may not reach 1.0. Days 26 and 28 pass, so the policy brackets day 27;
    worst fails it.
    """
    table = """
        day  anc   hemoglobin  platelets
        26   3.0   110         90
        27   <1.5  110         90
        28   3.0   110         90
    """
    assert bounds(recovery_of(patient(table))) == (0, 0, 1)


def test_a_lineage_never_measured_is_not_evaluable_and_not_failed():
    who = patient("day anc hemoglobin\n26-28 3.0 110")
    outcome = recovery_of(who)
    assert (*bounds(outcome), outcome["label"]) == (*UNDECIDED, "not evaluable")
    assert outcome["reason"] == "unmeasured days around the landmark"


def test_one_failing_cell_decides_whatever_is_missing():
    """Platelets of 20 on day 27 fail, although hemoglobin was never measured."""
    who = patient("day anc platelets\n26 3.0 90\n27 3.0 20\n28 3.0 90")
    assert bounds(recovery_of(who)) == NOT_RECOVERED


@pytest.mark.parametrize(
    ("kind", "day", "expected"),
    [
        ("gcsf", 27, NOT_RECOVERED),
        ("rbc_transfusion", 26, NOT_RECOVERED),
        ("platelet_transfusion", 28, NOT_RECOVERED),
        ("gcsf", 25, RECOVERED),
        ("gcsf", 29, RECOVERED),
        ("tpo_ra", 27, RECOVERED),
    ],
)
def test_a_count_under_support_on_its_day_fails(kind, day, expected):
    """Growth factor concerns neutrophils, red cells hemoglobin, platelets platelets; only the same day
    counts.
    """
    outcome = recovery_of(patient(PASSING, support=f"kind start\n{kind} {day}"))
    assert bounds(outcome) == expected
    assert (outcome["reason"] == "under support") == (expected == NOT_RECOVERED)


def test_support_does_not_hide_a_count_that_fails_by_itself():
    who = patient("day anc hemoglobin platelets\n26-28 0.5 110 90", support="kind start\ngcsf 27")
    outcome = recovery_of(who)
    assert bounds(outcome) == NOT_RECOVERED
    assert outcome["reason"] != "under support"


def test_an_unknown_stop_of_support_is_a_bound():
    """Growth factor from day 20, stop not recorded: one day in policy and best, never stopped in worst."""
    who = patient(PASSING, support="kind start stop\ngcsf 20 .")
    assert bounds(recovery_of(who)) == (0, 0, 1)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("gcsf 20 filgrastim", NOT_RECOVERED),
        ("gcsf 19 filgrastim", RECOVERED),
        ("gcsf 13 pegfilgrastim", NOT_RECOVERED),
        ("gcsf 12 pegfilgrastim", RECOVERED),
        ("gcsf 13 .", NOT_RECOVERED),
        ("rbc_transfusion 20 .", NOT_RECOVERED),
        ("rbc_transfusion 19 .", RECOVERED),
    ],
)
def test_washout_counts_the_days_since_the_last_support(row, expected):
    """Day 26 - 20 = 6 days, fewer than 7; 26 - 19 = 7. Pegylated or unrecorded agents: 26 - 13 = 13,
    fewer than 14.
    """
    who = patient(PASSING, support=f"kind start agent\n{row}")
    assert bounds(recovery_of(who, "washout")) == expected


@pytest.mark.parametrize(("death", "label"), [(28, "died before landmark"), (29, "recovered")])
def test_death_on_or_before_day_28_is_its_own_outcome(death, label):
    """It is neither recovered nor not recovered: there is no value, and the three readings are made later."""
    outcome = recovery_of(patient(PASSING, death=death))
    assert outcome["label"] == label
    assert bounds(outcome) == (RECOVERED if death == 29 else (None, None, None))


def test_a_second_infusion_censors():
    """From day 27 on the counts belong to the second infusion: six of nine cells are unknown."""
    outcome = recovery_of(patient(PASSING, second_infusion=27))
    assert bounds(outcome) == UNDECIDED
    assert outcome["reason"] == "the course was censored before the landmark"


def test_a_cell_that_failed_before_a_second_infusion_still_decides():
    who = patient("day anc hemoglobin platelets\n26-28 0.5 110 90", second_infusion=27)
    assert bounds(recovery_of(who)) == NOT_RECOVERED


def test_white_cells_below_the_cut_fail_the_neutrophils():
    """White cells of 0.8 on day 27: neutrophils cannot reach 1.0. Unbounded, days 26 and 28 would bracket
    day 27.
    """
    table = """
        day  anc  wbc  hemoglobin  platelets
        26   3.0  .    110         90
        27   .    0.8  110         90
        28   3.0  .    110         90
    """
    assert bounds(recovery_of(patient(table), cap=True)) == NOT_RECOVERED
    assert bounds(recovery_of(patient(table))) == RECOVERED


def test_white_cells_that_do_not_decide_leave_the_day_to_its_neighbors():
    """White cells of 2.8 on day 27 allow 1.0 and less. Between 3.0 and 3.0 (3.0 / 1.1 = 2.73): 2.73 to 2.8,
    which passes.
    """
    table = """
        day  anc  wbc  hemoglobin  platelets
        26   3.0  .    110         90
        27   .    2.8  110         90
        28   3.0  .    110         90
    """
    assert bounds(recovery_of(patient(table), cap=True)) == RECOVERED


def test_days_between_two_that_white_cells_fail_are_not_met_in_worst():
    """White cells of 0.5 on days 25 and 29 fail both, so the policy fails days 26 to 28 between them.

    Neutrophils of 3.0 on days 24 and 31 would say at least 3.0 / 2.21 = 1.36 in between, but the white cells
    have shown that a day between was lower: in worst the days fail as well. In best they may have risen to
    3.0 x 2.21.
    """
    table = """
        day    anc  wbc  hemoglobin  platelets
        24     3.0  .    110         90
        25     .    0.5  110         90
        26-28  .    .    110         90
        29     .    0.5  110         90
        31     3.0  .    110         90
    """
    assert bounds(recovery_of(patient(table), cap=True)) == (1, 0, 1)


@pytest.mark.parametrize(
    ("first", "last", "expected"), [(25, 29, UNDECIDED), (28, 28, NOT_RECOVERED), (27, 30, NOT_RECOVERED)]
)
def test_without_a_neutrophil_count_white_cells_fail_only_their_own_days(first, last, expected):
    """White cells of 0.5 on days 25 and 29, and no neutrophil count from day 18 to 36: nobody knows whether
    days 26 to 28 failed. On one of these days they decide.
    """
    table = f"""
        day      anc  wbc  hemoglobin  platelets
        10       3.0  .    110         90
        {first}  .    0.5  110         90
        {last}   .    0.5  110         90
        26-28    .    .    110         90
        37       3.0  .    110         90
    """
    outcome = recovery_of(patient(table), cap=True)
    assert bounds(outcome) == expected
    only_white_cells = "no neutrophil count around the landmark: white cells alone show only days that fail"
    assert outcome["reason"] == (only_white_cells if expected == UNDECIDED else "")


@pytest.mark.parametrize("day", [25, 29])
def test_white_cells_on_either_side_refute_the_days_around_the_landmark(day):
    """Neutrophils of 3.0 on days 24 and 31 claim at least 2.0 in between; white cells of 0.5 show that it
    is wrong.

    The policy has one neighbor that passes and one that fails: unknown. In worst the days may have
    failed.
    """
    table = f"""
        day    anc  wbc  hemoglobin  platelets
        24     3.0  .    110         90
        {day}  .    0.5  110         90
        26-28  .    .    110         90
        31     3.0  .    110         90
    """
    assert bounds(recovery_of(patient(table), cap=True)) == UNDECIDED
    assert bounds(recovery_of(patient(table))) == RECOVERED
