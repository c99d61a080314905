"""Proportions of several cohorts together: by hand where there is a formula, and what cannot be estimated."""

from __future__ import annotations

from math import log, sqrt

import pytest

from cytopenia.errors import DataError
from cytopenia.stats.count_effects import estimate_risk
from cytopenia.stats.pooled_proportions import pool_proportions


def test_cohorts_that_differ_no_more_than_chance_are_one_binomial() -> None:
    """60 of 297: logit log(60/237), standard error sqrt(1/60 + 1/237), nothing between the cohorts."""
    found = pool_proportions([10, 13, 8, 20, 9], [50, 60, 41, 100, 46])
    assert found.tau_squared == 0
    assert found.i_squared == 0
    assert found.mean_logit == pytest.approx(log(60 / 237), abs=1e-9)
    assert found.standard_error == pytest.approx(sqrt(1 / 60 + 1 / 237), abs=1e-9)
    assert found.proportion == pytest.approx(60 / 297)
    assert (found.cohorts, found.n, found.status) == (5, 297, "ok")


def test_the_prediction_interval_is_wider_than_that_of_the_mean() -> None:
    found = pool_proportions([29, 17, 77, 83, 6], [103, 112, 454, 156, 61])
    assert 0 < found.prediction_low < found.low < found.proportion < found.high < found.prediction_high < 1
    assert (found.degrees_of_mean, found.degrees_of_prediction) == (4, 3)


def test_turning_events_into_non_events_turns_the_numbers() -> None:
    found = pool_proportions([0, 1, 3, 0, 10, 5], [20, 25, 30, 15, 40, 22])
    turned = pool_proportions([20, 24, 27, 15, 30, 17], [20, 25, 30, 15, 40, 22])
    assert turned.proportion == pytest.approx(1 - found.proportion, abs=1e-9)
    assert turned.tau_squared == pytest.approx(found.tau_squared, rel=1e-6)
    assert turned.prediction_low == pytest.approx(1 - found.prediction_high, abs=1e-9)


@pytest.mark.parametrize(
    ("events", "sizes", "why"),
    [
        ([3, 5], [10, 20], "2 cohorts; at least 3 are needed"),
        ([], [], "0 cohorts; at least 3 are needed"),
        ([0, 0, 0], [10, 20, 30], "nobody in any cohort has the event"),
        ([10, 20, 30], [10, 20, 30], "everybody in every cohort has the event"),
        ([0, 20, 30, 0], [10, 20, 30, 40], "every cohort has all of its patients with the event, or none"),
    ],
)
def test_what_cannot_be_estimated_has_a_reason_and_no_number(events, sizes, why) -> None:
    found = pool_proportions(events, sizes)
    assert (found.status, found.note) == ("not_estimable", why)
    numbers = ("proportion", "low", "high", "prediction_low", "prediction_high", "tau_squared", "i_squared")
    assert [getattr(found, name) for name in numbers] == [None] * 7


def test_few_cohorts_say_so() -> None:
    found = pool_proportions([5, 12, 30], [40, 38, 55])
    assert found.note == "from 3 cohorts only: the variance between cohorts is hardly known"
    assert pool_proportions([10, 13, 8, 20, 9], [50, 60, 41, 100, 46]).note == ""


@pytest.mark.parametrize(
    ("events", "sizes", "words"),
    [
        ([1, 2, 3], [4, 5], "3 counts of events and 2 of patients"),
        ([1, 2, 9], [4, 5, 6], "cohort 3: 9 events of 6 patients"),
        ([1, -1, 3], [4, 5, 6], "cohort 2: -1 events of 5 patients"),
        ([1, 2, 0], [4, 5, 0], "cohort 3: 0 events of 0 patients"),
        ([1, 2.5, 0], [4, 5, 6], r"cohort 2: 2\.5 events of 5 patients"),
    ],
)
def test_wrong_counts_are_refused(events, sizes, words) -> None:
    with pytest.raises(DataError, match=words):
        pool_proportions(events, sizes)


def test_wrong_counts_are_told_all_at_once() -> None:
    with pytest.raises(DataError, match=r"cohort 1: 7 events of 4 patients.*\n.*cohort 2: 6 events of 5"):
        pool_proportions([7, 6, 1], [4, 5, 6])


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_between_0_and_1(level) -> None:
    with pytest.raises(DataError, match=r"level"):
        pool_proportions([1, 2, 3], [10, 10, 10], level=level)


def test_the_interval_of_nobody_is_none() -> None:
    found = estimate_risk(0, 0)
    assert (found.value, found.low, found.high, found.status) == (None, None, None, "not_estimable")


def test_wilsons_interval_by_hand() -> None:
    """21 of 60: center (21 + z²/2) / (60 + z²), half width z sqrt(21·39/60 + z²/4) / (60 + z²)."""
    z = 1.959963984540054
    center = (21 + z * z / 2) / (60 + z * z)
    half = z * sqrt(21 * 39 / 60 + z * z / 4) / (60 + z * z)
    found = estimate_risk(21, 60)
    assert (found.value, found.low, found.high) == pytest.approx((0.35, center - half, center + half))


@pytest.mark.parametrize(("events", "size"), [(-1, 5), (6, 5), (1.5, 5)])
def test_impossible_counts_of_one_proportion(events, size) -> None:
    with pytest.raises(DataError, match=r"events of"):
        estimate_risk(events, size)
