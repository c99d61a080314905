"""Pooled proportions against a slow twin: the likelihood of each cohort summed over a fine grid."""

from __future__ import annotations

from itertools import pairwise
from math import lgamma

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cytopenia.stats.pooled_proportions import pool_proportions

GRID = np.linspace(-9, 9, 3001)
WEIGHTS = np.exp(-(GRID**2) / 2) * (GRID[1] - GRID[0]) / np.sqrt(2 * np.pi)
COHORTS = st.lists(
    st.integers(3, 60).flatmap(lambda size: st.tuples(st.integers(0, size), st.just(size))),
    min_size=3,
    max_size=7,
)


def twin(cohorts: list[tuple[int, int]], mean: float, deviation: float) -> float:
    """The log-likelihood, each cohort as a plain sum."""
    total = 0.0
    for events, size in cohorts:
        logit = mean + deviation * GRID
        ways = lgamma(size + 1) - lgamma(events + 1) - lgamma(size - events + 1)
        logs = ways + events * logit - size * np.logaddexp(0, logit)
        total += float(np.log((np.exp(logs) * WEIGHTS).sum()))
    return total


def can_be_pooled(cohorts: list[tuple[int, int]]) -> bool:
    return any(0 < events < size for events, size in cohorts)


@settings(max_examples=40)
@given(COHORTS)
def test_nothing_near_is_more_likely(cohorts):
    assume(can_be_pooled(cohorts))
    found = pool_proportions(*zip(*cohorts, strict=True))
    assume(found.status == "ok" and found.tau_squared < 16)
    deviation = found.tau_squared**0.5
    best = twin(cohorts, found.mean_logit, deviation)
    for shift in (-0.05, 0.05):
        assert twin(cohorts, found.mean_logit + shift, deviation) <= best + 1e-7
        assert twin(cohorts, found.mean_logit, abs(deviation + shift)) <= best + 1e-7


@settings(max_examples=40)
@given(COHORTS)
def test_the_intervals_lie_in_each_other(cohorts):
    found = pool_proportions(*zip(*cohorts, strict=True))
    assume(found.status == "ok")
    ends = [found.prediction_low, found.low, found.proportion, found.high, found.prediction_high]
    assert all(one <= other for one, other in pairwise(ends))
    assert 0 <= found.i_squared < 100


@settings(max_examples=40)
@given(COHORTS, st.randoms())
def test_the_order_of_cohorts_does_not_matter(cohorts, random):
    found = pool_proportions(*zip(*cohorts, strict=True))
    shuffled = random.sample(cohorts, len(cohorts))
    again = pool_proportions(*zip(*shuffled, strict=True))
    assert (again.status, again.note) == (found.status, found.note)
    assume(found.status == "ok")
    assert again.mean_logit == pytest.approx(found.mean_logit, abs=1e-5)
    assert again.tau_squared == pytest.approx(found.tau_squared, rel=1e-4, abs=1e-6)
