"""Phenotypes name the shape of a neutrophil recovery: quick, intermittent, aplastic.

`rejeski_2021_phenotypes` looks at days 0 to 60. Below 1.0 a patient has fallen; above 1.0 on three days in a
row the patient has recovered; below 1.0 again, from day 22 on, is a second dip; below 0.5 on 14 days without
interruption is aplastic. Aplastic goes before intermittent, intermittent before quick.

Phenotypes have no order, so there is no best and no worst one: `possible_labels` names every phenotype that
the course can have had.
"""

from __future__ import annotations

import pytest

from scenario import dip_of, patient, phenotype_of

QUICK = "day anc\n0-4 3.0\n5-14 0.3\n15-60 2.0"


def labels(outcome):
    return outcome["label"], outcome["possible_labels"]


def test_a_recovery_that_lasts_is_quick():
    """Ten days below 0.5, then 2.0 to the end: quick, from the first day of the recovery, and decided."""
    outcome = phenotype_of(patient(QUICK))
    assert labels(outcome) == ("quick", "quick")
    assert (outcome["decided"], outcome["evidence"]) == (True, "measured")
    assert (outcome["first_day"], outcome["last_day"]) == (15, 17)


def test_a_phenotype_has_no_best_and_no_worst():
    outcome = phenotype_of(patient(QUICK))
    assert (outcome["policy"], outcome["best"], outcome["worst"]) == (None, None, None)


def test_a_second_dip_after_day_21_is_intermittent():
    """Recovered on day 10, below 1.0 again on days 30 to 33; the days named are those of the dip."""
    outcome = phenotype_of(patient("day anc\n0-7 0.4\n8-29 2.0\n30-33 0.8\n34-60 2.0"))
    assert labels(outcome) == ("intermittent", "intermittent")
    assert (outcome["first_day"], outcome["last_day"]) == (30, 33)


@pytest.mark.parametrize(("day", "label"), [(21, "quick"), (22, "intermittent")])
def test_a_dip_counts_from_day_22_on(day, label):
    """After day 21: a single day below 1.0 on day 21 is part of the first fall, on day 22 a second dip."""
    who = patient(f"day anc\n0-7 0.6\n8-{day - 1} 2.0\n{day} 0.9\n{day + 1}-60 2.0")
    assert labels(phenotype_of(who)) == (label, label)


@pytest.mark.parametrize(("value", "label"), [("0.99", "intermittent"), ("1.0", "quick")])
def test_a_count_at_the_cut_is_no_dip(value, label):
    who = patient(f"day anc\n0-7 0.6\n8-29 2.0\n30 {value}\n31-60 2.0")
    assert phenotype_of(who)["label"] == label


@pytest.mark.parametrize(("last", "label"), [(17, "quick"), (18, "aplastic")])
def test_fourteen_days_below_half_are_aplastic(last, label):
    """Days 5 to 17 are thirteen days, days 5 to 18 fourteen; both recover afterwards without a dip."""
    who = patient(f"day anc\n0-4 3.0\n5-{last} 0.4\n{last + 1}-60 2.0")
    assert labels(phenotype_of(who)) == (label, label)


def test_one_day_at_half_interrupts_an_aplastic_stretch():
    """0.5 is not below 0.5: ten days and nine days do not add up."""
    who = patient("day anc\n0-9 0.4\n10 0.5\n11-19 0.4\n20-60 2.0")
    assert phenotype_of(who)["label"] == "quick"


def test_aplastic_goes_before_intermittent():
    """Fourteen days below 0.5, a recovery, and a second dip on day 40: aplastic; the dip is told apart."""
    who = patient("day anc\n0-13 0.4\n14-39 2.0\n40-42 0.7\n43-60 2.0")
    assert phenotype_of(who)["label"] == "aplastic"
    assert dip_of(who)["policy"] == 1


def test_who_never_fell_below_the_cut_has_a_label_of_its_own():
    """1.0 itself is not below 1.0."""
    assert labels(phenotype_of(patient("day anc\n0-60 1.0"))) == ("never below", "never below")


def test_two_days_above_are_no_recovery():
    """Above 1.0 on two days in a row at a time, below 0.5 never for long: not recovered."""
    who = patient("day anc\n0-19 0.7\n20-21 2.0\n22-39 0.7\n40-41 2.0\n42-60 0.7")
    assert labels(phenotype_of(who)) == ("not recovered", "not recovered")


def test_a_count_at_the_cut_ends_a_run_of_recovery():
    """The rule is above 1.0: 2.0, 1.0, 2.0 is no run of three days."""
    who = patient("day anc\n0-19 0.7\n20 2.0\n21 1.0\n22 2.0\n23-60 0.7")
    assert phenotype_of(who)["label"] == "not recovered"


def test_an_unmeasured_day_leaves_more_than_one_label():
    """Day 30 lies between 1.05 and 1.05: 1.05 / 1.1 = 0.95 is below 1.0, so a dip was possible. The line
    between the two says 1.05: quick.
    """
    outcome = phenotype_of(patient("day anc\n0-7 0.6\n8-20 2.0\n21-29 1.05\n31-60 1.05"))
    assert labels(outcome) == ("quick", "quick|intermittent")
    assert (outcome["decided"], outcome["evidence"]) == (False, "bracketed")
    assert outcome["reason"] == "unmeasured days could have been lower or higher than their neighbors"


def test_an_unmeasured_day_well_above_the_cut_leaves_one_label():
    """Between 2.0 and 2.0 no day lies below 2.0 / 1.1 = 1.82."""
    outcome = phenotype_of(patient("day anc\n0-7 0.6\n8-29 2.0\n31-60 2.0"))
    assert (*labels(outcome), outcome["evidence"]) == ("quick", "quick", "bracketed")


def test_days_far_from_any_measurement_could_have_been_anything():
    """Measured to day 30: thirty days are left, enough for a dip and for fourteen days below 0.5."""
    outcome = phenotype_of(patient("day anc\n0-7 0.6\n8-30 2.0"))
    assert labels(outcome) == ("quick", "quick|intermittent|aplastic")
    assert (outcome["evidence"], outcome["reason"]) == (
        "open",
        "days far from any measurement could have been different",
    )


def test_too_few_days_left_rule_out_an_aplastic_course():
    """Measured to day 47: thirteen days are left, one too few."""
    outcome = phenotype_of(patient("day anc\n0-7 0.6\n8-47 2.0"))
    assert labels(outcome) == ("quick", "quick|intermittent")


def test_what_did_not_happen_needs_a_measurement_after_day_21():
    """Last measured on day 21: nobody can know whether a second dip followed. No label, but possible ones."""
    outcome = phenotype_of(patient("day anc\n0-7 0.6\n8-21 2.0"))
    assert labels(outcome) == (None, "quick|intermittent|aplastic")
    assert outcome["reason"] == "not measured late enough to know what did not happen"


def test_what_did_happen_stands_without_a_later_measurement():
    """Fourteen days below 0.5 are aplastic whatever followed."""
    outcome = phenotype_of(patient("day anc\n0-13 0.4"))
    assert (*labels(outcome), outcome["decided"]) == ("aplastic", "aplastic", True)


def test_who_was_lost_to_follow_up_could_have_gone_on_in_any_way():
    """Last contact on day 40, recovered until then; twenty days are unseen."""
    outcome = phenotype_of(patient("day anc\n0-7 0.6\n8-40 2.0") | {"last_contact": 40})
    assert labels(outcome) == ("quick", "quick|intermittent|aplastic")
    assert outcome["reason"] == "follow-up ended before the end of the window"


def test_who_died_early_keeps_only_what_had_happened():
    """Dead on day 40: a recovery that held so far is no phenotype, fourteen days below 0.5 are."""
    recovered = patient("day anc\n0-7 0.6\n8-40 2.0", death=40)
    aplastic = patient("day anc\n0-13 0.4\n14-40 2.0", death=40)
    assert labels(phenotype_of(recovered)) == ("died early", "died early")
    assert labels(phenotype_of(aplastic)) == ("aplastic", "aplastic")


def test_death_on_the_last_day_of_the_window_is_not_early():
    assert labels(phenotype_of(patient(QUICK, death=60))) == ("quick", "quick")


def test_without_a_measurement_there_is_no_label():
    outcome = phenotype_of(patient("day anc\n70 2.0"))
    every = "quick|intermittent|aplastic|not recovered|never below"
    assert (*labels(outcome), outcome["reason"]) == (None, every, "no measurement in the window")


def test_a_course_that_ended_before_the_window_has_no_possible_label():
    """Last contact on the day before the infusion: no day of the window was followed."""
    outcome = phenotype_of(patient("day anc\n-3 2.0") | {"last_contact": -1})
    assert (*labels(outcome), outcome["reason"]) == (None, None, "not at risk in the window")


def test_a_value_below_a_limit_counts_as_low_for_certain():
    """ "<0.6" is below 1.0, and may be below 0.5 on fourteen days: intermittent never, aplastic perhaps."""
    outcome = phenotype_of(patient("day anc\n0-13 <0.6\n14-60 2.0"))
    assert labels(outcome) == (None, "quick|aplastic")
    assert outcome["reason"] == "the reported values do not decide the label"


def test_the_day_56_variant_calls_who_has_not_recovered_aplastic():
    """BCMA variant: grade 3-4 maintained to day 56; 1.0 is grade 2 and is a recovery there."""
    low = patient("day anc\n0-60 0.8")
    at_grade_2 = patient("day anc\n0-19 0.8\n20-60 1.0")
    assert labels(phenotype_of(low, "bcma_phenotypes_day56")) == ("aplastic", "aplastic")
    assert labels(phenotype_of(at_grade_2, "bcma_phenotypes_day56")) == ("quick", "quick")
    assert phenotype_of(at_grade_2)["label"] == "not recovered"


def test_the_day_56_variant_knows_second_drops_before_day_22():
    who = patient("day anc\n0-7 0.6\n8-14 2.0\n15-16 0.9\n17-60 2.0")
    assert phenotype_of(who, "bcma_phenotypes_day56")["label"] == "intermittent"
    assert phenotype_of(who)["label"] == "quick"


def test_the_day_56_variant_does_not_call_an_early_death_aplastic():
    who = patient("day anc\n0-10 0.2", death=10)
    assert labels(phenotype_of(who, "bcma_phenotypes_day56")) == ("died early", "died early")


# -- the second dip as a yes/no outcome -------------------------------------------------------------


def test_a_second_dip_has_its_first_and_last_day():
    outcome = dip_of(patient("day anc\n0-7 0.4\n8-29 2.0\n30-33 0.8\n34-60 2.0"))
    assert (outcome["policy"], outcome["best"], outcome["worst"], outcome["label"]) == (1, 1, 1, "yes")
    assert (outcome["first_day"], outcome["last_day"], outcome["decided"]) == (30, 33, True)


def test_a_dip_that_began_before_day_22_is_shown_whole():
    """Below 1.0 on days 20 to 24: days 22 to 24 count, and the dip began on day 20."""
    outcome = dip_of(patient("day anc\n0-7 0.4\n8-19 2.0\n20-24 0.8\n25-60 2.0"))
    assert (outcome["policy"], outcome["first_day"], outcome["last_day"]) == (1, 20, 24)


def test_no_dip_is_0_and_an_open_one_has_bounds():
    assert dip_of(patient(QUICK))["policy"] == 0
    unmeasured = dip_of(patient("day anc\n0-7 0.6\n8-20 2.0\n21-29 1.05\n31-60 1.05"))
    assert (unmeasured["policy"], unmeasured["best"], unmeasured["worst"]) == (0, 0, 1)


def test_who_never_recovered_had_no_second_dip():
    outcome = dip_of(patient("day anc\n0-60 0.8"))
    assert (outcome["policy"], outcome["best"], outcome["worst"]) == (0, 0, 0)
