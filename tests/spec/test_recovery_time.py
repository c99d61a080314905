"""The day of recovery, clause by clause; the first two are the worked examples of the CIBMTR manual."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from cytopenia.definition_forms import RecoveryTimeDefinition
from scenario import bounds, patient, time_of

NEUTROPHILS = "cibmtr_neutrophil_recovery"
PLATELETS = "cibmtr_platelet_recovery_20"
BRUDNO = "brudno_2022_recovery"
T_ICAHT = "t_icaht_platelet_recovery_2025"
NEVER, NONE = -inf, inf

# f2100-q13-18: last transfusion on day 0; 20 is reached on day 7 (day 6 is too close to it), 50 on day 9.
MANUAL = patient(
    """
    day platelets
    0   10
    1   30
    2   25
    3   10
    4   15
    5   19
    6   23
    7   25
    8   40
    9   50
    10  56
    11  65
    12  72
    """,
    support="kind start\nplatelet_transfusion 0",
)
# q12-14, the same with other counts: day 7 again. Two days follow in which the run is seen through.
OTHER_EXAMPLE = patient(
    """
    day platelets
    0   10
    1   35
    2   30
    3   25
    4   10
    5   15
    6   19
    7   23
    8   25
    9   40
    10  50
    """,
    support="kind start\nplatelet_transfusion 0",
)


def anc(text: str, **course: Any) -> dict[str, Any]:
    """Neutrophil recovery from "day value" pairs; last contact on day 100 unless something else ends it."""
    rows = "\n".join(pair.strip().replace(" ", "  ") for pair in text.split(";"))
    if not course:
        course = {"last_contact": 100}
    return time_of(patient(f"day anc\n{rows}", **course), NEUTROPHILS)


@pytest.mark.parametrize(("cut", "day"), [(20, 7), (50, 9)])
def test_the_worked_example_of_the_manual(cut, day):
    outcome = time_of(MANUAL, f"cibmtr_platelet_recovery_{cut}")
    assert (outcome["label"], outcome["first_day"]) == ("recovered", day)
    assert bounds(outcome) == (day, day, day)


def test_the_other_example_of_the_manual():
    assert bounds(time_of(OTHER_EXAMPLE, PLATELETS)) == (7, 7, 7)


def test_three_values_on_different_days_need_not_lie_on_consecutive_days():
    assert bounds(anc("0 2.0; 5 0.1; 9 0.5; 13 0.6; 19 0.5; 24 0.2; 30 0.2")) == (9, 9, 9)


def test_the_cut_itself_is_reached():
    assert anc("5 0.1; 6 0.5; 7 0.5; 8 0.5")["policy"] == 6
    assert anc("5 0.1; 6 0.49; 7 0.5; 8 0.5; 9 0.5")["policy"] == 7


def test_a_failing_value_in_between_ends_the_run():
    assert anc("5 0.1; 8 0.6; 9 0.7; 10 0.4; 12 0.8; 13 0.9; 15 1.0")["policy"] == 12


def test_of_two_values_on_one_day_the_lowest_counts_and_they_are_one_value():
    """Day 10 has 0.4 and so fails; three values on two days are no run."""
    assert anc("5 0.1; 8 0.6; 9 0.7; 10 0.9/0.4; 12 0.8; 13 0.9; 15 1.0")["policy"] == 12
    assert anc("5 0.1; 8 0.6/0.7; 9 0.7", last_contact=10)["label"] == "censored"


def test_two_values_are_no_run():
    outcome = anc("5 0.1; 8 0.6; 9 0.7", last_contact=9)
    assert (outcome["label"], outcome["policy"], outcome["last_day"]) == ("censored", NONE, 9)


def test_values_before_the_nadir_do_not_count():
    """0.4 on day 1 has failed, and 0.6 to 0.8 follow; but the lowest value is that of day 6."""
    assert anc("1 0.4; 2 0.6; 3 0.7; 4 0.8; 6 0.1; 9 0.6; 10 0.7; 11 0.9")["policy"] == 9


def test_the_nadir_is_the_first_of_equal_values():
    assert anc("4 0.6; 5 0.1; 6 0.6; 7 0.7; 8 0.8; 10 0.1; 12 3.0; 13 3.0; 14 3.0")["policy"] == 6


def test_a_nadir_of_two_equal_limits_may_be_either():
    """Both days read "<0.1": the lower of them is not known, and the days follow from one or the other."""
    text = "0 2.0; 5 <0.1; 6 0.6; 7 0.7; 8 0.8; 10 <0.1; 12 3.0; 13 3.0; 14 3.0; 22 3.0; 29 3.0"
    assert bounds(anc(text)) == (6, 6, 12)


def test_a_late_second_fall_does_not_undo_the_first_recovery():
    """The nadir is looked for until day 28; day 60 is lower still."""
    text = (
        "0 2.0; 5 0.2; 12 0.8; 13 0.9; 14 1.0; 22 2.0; 30 2.0; 38 2.0; 46 1.5; 54 0.6; 60 0.0; 66 0.9; 70 1.0"
    )
    assert bounds(anc(text)) == (12, 12, 12)


def test_who_falls_below_only_after_the_nadir_recovers_after_that_fall():
    """The nadir of days 0 to 28 is 1.2 and no failing value; the first one is that of day 40."""
    text = "0 3.0; 8 1.2; 16 2.0; 24 2.0; 32 2.0; 40 0.3; 43 0.9; 45 0.9; 47 0.9"
    assert anc(text)["policy"] == 43


def test_never_below_is_a_category_of_its_own_and_no_day():
    outcome = anc("0 3.0; 7 0.5; 14 0.9; 21 2.0", last_contact=21)
    assert (outcome["label"], *bounds(outcome), outcome["first_day"]) == (
        "never below",
        NEVER,
        NEVER,
        NEVER,
        None,
    )
    assert outcome["decided"]


def test_never_below_is_open_where_nothing_was_measured_for_weeks():
    outcome = anc("0 3.0; 7 1.9", last_contact=60)
    assert (outcome["label"], *bounds(outcome)) == ("never below", NEVER, NEVER, NONE)


def test_platelets_are_not_never_below_after_a_transfusion():
    """The manual: not applicable only if never below 20 and never transfused. Day 9 is the first free day."""
    table = "day platelets\n0 60\n4 60\n8 70\n9 80\n12 80\n15 90"
    assert time_of(patient(table), PLATELETS)["label"] == "never below"
    transfused = patient(table, support="kind start\nplatelet_transfusion 2")
    outcome = time_of(transfused, PLATELETS)
    assert (outcome["label"], outcome["policy"]) == ("recovered", 9)


def test_a_transfusion_within_the_run_ends_it_even_if_nothing_was_measured_that_day():
    table = "day platelets\n3 10\n10 25\n12 30\n16 35\n21 40\n23 40\n25 50"
    assert time_of(patient(table), PLATELETS)["policy"] == 10
    transfused = patient(table, support="kind start\nplatelet_transfusion 14")
    assert time_of(transfused, PLATELETS)["policy"] == 21


def test_other_support_does_not_matter_to_platelets_or_neutrophils():
    support = "kind start stop\ngcsf 0 30\nrbc_transfusion 10 10"
    who = patient("day platelets anc\n3 10 0.1\n10 25 0.6\n12 30 0.6\n16 35 0.6", support=support)
    assert [time_of(who, name)["policy"] for name in (PLATELETS, NEUTROPHILS)] == [10, 10]


def test_support_without_a_stop_may_have_gone_on():
    """The transfusion began on day 2; if it never stopped, no later day is free."""
    support = "kind start stop\nplatelet_transfusion 2 ."
    who = patient("day platelets\n1 10\n9 25\n12 30\n16 35", support=support)
    assert bounds(time_of(who, PLATELETS)) == (9, 9, NONE)


def test_a_value_given_as_a_limit_is_passed_over_and_may_be_either():
    """The "<1.0" of day 9 may pass, and the run begins on day 8; or fail, and it begins on day 11."""
    text = "0 2.0; 5 0.1; 8 0.7; 9 <1.0; 11 0.8; 12 0.9; 14 0.9; 22 0.9; 29 0.9"
    assert bounds(anc(text)) == (8, 8, 11)


def test_an_unmeasured_day_in_a_short_gap_is_not_looked_at_but_a_long_gap_is_open():
    """Values 8 days apart are decided. A gap of 9 may hide met days, an earlier run; or one that fails.

    In the third line the worst case ends the run in the gap before day 27.
    """
    assert bounds(anc("0 2.0; 2 0.1; 10 0.6; 18 0.6; 26 0.6; 30 0.6")) == (10, 10, 10)
    assert bounds(anc("0 2.0; 2 0.0; 11 0.6; 19 0.6; 27 0.6; 30 0.6")) == (11, 3, 11)
    text = "0 2.0; 2 0.1; 10 0.6; 18 0.6; 27 0.6; 28 0.6; 29 0.6"
    assert bounds(anc(text)) == (10, 10, 27)


def test_days_after_the_last_value_may_have_held_a_recovery():
    outcome = anc("2 0.1; 9 0.3; 12 0.3", last_contact=40)
    assert (outcome["label"], *bounds(outcome)) == ("censored", NONE, 13, NONE)
    assert (outcome["last_day"], outcome["evidence"]) == (40, "open")


def test_death_before_recovery():
    outcome = anc("2 0.1; 9 0.6; 12 0.6", death=12)
    assert (outcome["label"], *bounds(outcome), outcome["last_day"]) == ("died", NONE, NONE, NONE, 12)
    assert outcome["reason"] == "died before recovery"


def test_death_after_recovery_is_no_matter():
    assert anc("2 0.1; 9 0.6; 12 0.6; 13 0.6", death=13)["label"] == "recovered"


def test_a_second_infusion_ends_the_course_on_the_day_before_it():
    """The third value is that of the day of the second infusion and belongs to no course."""
    outcome = anc("2 0.1; 9 0.6; 12 0.6; 14 0.6", second_infusion=14)
    assert (outcome["label"], outcome["policy"], outcome["last_day"]) == ("censored", NONE, 13)
    assert anc("2 0.1; 9 0.6; 12 0.6; 13 0.6", second_infusion=14)["policy"] == 9


def test_a_value_proves_contact_and_without_any_other_day_it_ends_the_follow_up():
    """Last contact is recorded on day 9 and there are values until day 20; then it is not recorded at all."""
    for course in ({"last_contact": 9}, {"death": None}):
        assert anc("2 0.1; 9 0.3; 20 0.3", **course)["last_day"] == 20


def test_not_recovered_is_who_was_followed_to_the_end():
    outcome = anc("; ".join(f"{day} 0.3" for day in range(0, 105, 8)))
    assert (outcome["label"], *bounds(outcome), outcome["last_day"]) == (
        "not recovered",
        NONE,
        NONE,
        NONE,
        100,
    )


def test_the_run_must_be_complete_by_the_last_day():
    before = "; ".join(f"{day} 0.3" for day in range(0, 96, 8))
    assert anc(f"{before}; 97 0.6; 98 0.6; 100 0.6; 101 0.6")["policy"] == 97
    assert anc(f"{before}; 97 0.6; 98 0.6; 101 0.6")["label"] == "not recovered"


def test_without_any_value_there_is_no_answer():
    outcome = time_of(patient("day wbc\n3 0.2", last_contact=100), NEUTROPHILS)
    assert (outcome["label"], *bounds(outcome)) == ("not evaluable", None, NEVER, NONE)
    assert (outcome["reason"], outcome["decided"]) == ("no day could be judged", False)


def test_without_a_neutrophil_count_white_cells_show_only_days_that_fail():
    """White cells of 0.2 on day 3: neutrophils were below 0.5 once. When they recovered nobody knows."""
    who = patient("day wbc\n3 0.2\n9 4.0", last_contact=100)
    outcome = time_of(who, NEUTROPHILS, cap=True)
    assert (outcome["label"], *bounds(outcome)) == ("not evaluable", None, 4, NONE)
    assert outcome["reason"] == "no count of a lineage: white cells alone show only days that fail"


def test_white_cells_that_fail_every_day_decide_without_a_neutrophil_count():
    who = patient("day wbc\n0-12 0.2", death=12)
    outcome = time_of(who, NEUTROPHILS, cap=True)
    assert (outcome["label"], *bounds(outcome)) == ("died", NONE, NONE, NONE)


# -- all lineages at once --------------------------------------------------------------------------


BEFORE = "day anc hemoglobin platelets\n2 0.1 70 15"


@pytest.mark.parametrize(
    ("row", "day"),
    [
        ("10 1.0 80 50", 10),
        ("10 0.9 80 50", 20),
        ("10 1.0 79 50", 20),
        ("10 1.0 80 49", 20),
        ("10 . 80 50", 20),
    ],
)
def test_brudno_needs_all_three_lineages_on_one_day(row, day):
    who = patient(f"{BEFORE}\n{row}\n20 1.5 90 80")
    assert time_of(who, BRUDNO)["policy"] == day


@pytest.mark.parametrize(("agent", "day"), [("Filgrastim", 15), ("pegfilgrastim", 22), (".", 22)])
def test_brudno_waits_seven_days_for_a_daily_growth_factor_and_fourteen_for_others(agent, day):
    """The last dose on day 8: day 15 is the first free day, or day 22."""
    rows = "\n".join(f"{day} 2.0 100 90" for day in (9, 14, 15, 18, 21, 22))
    who = patient(f"{BEFORE}\n{rows}", support=f"kind start agent\ngcsf 8 {agent}")
    assert time_of(who, BRUDNO)["policy"] == day


@pytest.mark.parametrize("kind", ["rbc_transfusion", "platelet_transfusion", "tpo_ra"])
def test_brudno_waits_seven_days_after_other_support(kind):
    rows = "\n".join(f"{day} 2.0 100 90" for day in (9, 14, 15))
    assert time_of(patient(f"{BEFORE}\n{rows}", support=f"kind start\n{kind} 8"), BRUDNO)["policy"] == 15


# -- a run of days ----------------------------------------------------------------------------------


def test_three_consecutive_days_may_lie_between_two_values():
    """Days 12 and 18 are met, and so are the days between them; the first of three is day 12."""
    outcome = time_of(patient("day platelets\n10 15\n12 30\n18 40\n24 50"), T_ICAHT)
    assert outcome["policy"] == 12


def test_a_gap_between_values_that_disagree_ends_a_run_of_days():
    """Day 12 passes, days 10 and 14 fail: days 11 and 13 are unknown. At best both pass as well."""
    who = patient("day platelets\n0-10 15\n12 30\n14 15\n16 30\n17 30\n18 30")
    assert bounds(time_of(who, T_ICAHT)) == (16, 11, 16)


def test_t_icaht_waits_seven_days_after_a_transfusion():
    who = patient("day platelets\n0-10 15\n12-24 40", support="kind start\nplatelet_transfusion 11")
    assert bounds(time_of(who, T_ICAHT)) == (18, 18, 18)


def test_two_days_that_pass_are_not_stable():
    assert time_of(patient("day platelets\n10 15\n11-12 30\n13 15\n14-16 30"), T_ICAHT)["policy"] == 14


def test_a_search_that_begins_later_looks_at_no_earlier_day():
    form = {
        "id": "late",
        "kind": "recovery",
        "title": "Late",
        "version": "1",
        "status": "assumed",
        "citation": {"text": "made up"},
        "all_of": [{"analyte": "anc", "unit": "1e9/L", "above": 0.5}],
        "run": {"length": 2, "of": "measurements"},
        "reached": {"from": 30, "until": 60, "after": "first_failing", "status": "assumed"},
    }
    definition = RecoveryTimeDefinition.model_validate(form)
    who = patient("day anc\n5 0.1\n8 3.0\n9 3.0\n30 0.5\n35 0.6\n40 0.7", last_contact=60)
    assert time_of(who, definition)["policy"] == 35
    healthy = patient("day anc\n5 0.1\n30 2.0\n37 2.0\n45 2.0", last_contact=45)
    assert time_of(healthy, definition)["label"] == "never below"
