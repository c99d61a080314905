"""Cumulative incidence by hand: ties, the end of the curve, and samples without an answer."""

from __future__ import annotations

import pytest

from cytopenia.stats.survival import estimate_cumulative_incidence


def test_a_curve_by_hand():
    """Four of five have an event: recovery on day 2, death on day 4, nobody known after day 6, recovery on 8.

    Day 2: 1/5. Day 4: still 1/5, free of events 4/5 * 3/4 = 3/5. Day 8: two left, 1/5 + 3/5 * 1/2 = 1/2.
    """
    curve = estimate_cumulative_incidence([2, 4, 6, 8, 9], [1, 2, 0, 1, 0], kind=1)
    assert curve.estimate.tolist() == pytest.approx([0.2, 0.2, 0.2, 0.5, 0.5])
    assert curve.at_risk.tolist() == [5, 4, 3, 2, 1]
    assert curve.median == 8


def test_kinds_of_events_and_the_event_free_sum_to_one():
    time, event = [1, 2, 2, 5, 7, 7, 9], [1, 2, 1, 0, 2, 1, 0]
    recovery, death = (estimate_cumulative_incidence(time, event, kind=kind) for kind in (1, 2))
    everything = estimate_cumulative_incidence(time, [min(code, 1) for code in event], kind=1)
    assert (recovery.estimate + death.estimate).tolist() == pytest.approx(everything.estimate.tolist())


def test_an_event_comes_before_the_end_of_follow_up_of_the_same_day():
    assert estimate_cumulative_incidence([5, 5], [1, 0], kind=1).at(5).estimate == 0.5


def test_the_curve_before_its_first_step_is_zero_with_everybody_at_risk():
    point = estimate_cumulative_incidence([5, 6], [1, 0], kind=1).at(3)
    assert (point.estimate, point.low, point.at_risk, point.events) == (0, None, 2, 0)


@pytest.mark.parametrize(("last", "expected"), [(0, None), (1, 1.0), (2, 0.5)])
def test_beyond_the_last_follow_up_only_a_complete_curve_is_known(last, expected):
    """The last patient is lost, recovers, or dies; on day 10 nobody is followed any more."""
    point = estimate_cumulative_incidence([5, 6], [1, last], kind=1).at(10)
    assert (point.estimate, point.at_risk, point.events) == (expected, 0, 1 + (last == 1))


def test_a_median_that_is_exactly_a_half_is_reached():
    """Three of six steps of 1/6 are summed to a little less than a half."""
    assert estimate_cumulative_incidence([1, 2, 3, 9, 9, 9], [1, 1, 1, 0, 0, 0], kind=1).median == 3
    assert estimate_cumulative_incidence([1, 2, 9, 9, 9, 9], [1, 1, 0, 0, 0, 0], kind=1).median is None


def test_a_curve_that_everybody_has_reached_is_one():
    """Seven steps of 1/7 are summed to a little less than one."""
    curve = estimate_cumulative_incidence([1, 2, 3, 4, 5, 6, 7], [1] * 7, kind=1)
    assert (curve.estimate[-1], curve.at(7).low) == (1, None)


def test_nobody_has_no_curve():
    curve = estimate_cumulative_incidence([], [], kind=1)
    assert (curve.n, curve.median, curve.at(5).estimate) == (0, None, None)


@pytest.mark.parametrize(
    ("time", "event", "kind", "words"),
    [
        ([1.0], [1, 2], 1, "two lists of one length"),
        ([-1.0], [1], 1, "from 0 on"),
        ([float("nan")], [1], 1, "from 0 on"),
        ([1.0], [1], 0, "end of follow-up"),
    ],
)
def test_a_sample_that_is_none_is_refused(time, event, kind, words):
    with pytest.raises(ValueError, match=words):
        estimate_cumulative_incidence(time, event, kind=kind)
