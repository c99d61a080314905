"""Pooled groups and tests at their edges, by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from cytopenia.errors import DataError
from cytopenia.stats.imputed_performance import pool_performance
from cytopenia.stats.pooled_groups import average_summary, pool_means, pool_means_apart, pool_shares_apart
from cytopenia.stats.pooled_tests import pool_wald
from cytopenia.stats.pooling import pool_proportions, pool_ratios

EVENT = [0, 0, 1, 1]


def test_tables_that_agree_have_the_degrees_of_freedom_of_one() -> None:
    each, spread = np.tile([1.0, 2.0], (5, 1)), np.tile(np.diag([4.0, 1.0]), (5, 1, 1))
    found = pool_wald(each, spread, complete_freedom=20)
    # (1/4 + 4/1) / 2, and 21/23 of 20 as mitml has it.
    assert (found.statistic, found.relative_increase) == (2.125, 0.0)
    assert found.denominator == pytest.approx(21 / 23 * 20)
    assert pool_wald(each, spread).denominator == math.inf
    # The chi-squared distribution with two degrees of freedom: exp(-x / 2).
    assert pool_wald(each, spread).p_value == pytest.approx(math.exp(-2 * 2.125 / 2))


def test_two_tables_have_no_more_degrees_of_freedom_than_one_complete_table() -> None:
    each, spread = [[1.0, 2.0], [1.01, 2.0]], np.tile(np.eye(2), (2, 1, 1))
    assert pool_wald(each, spread, complete_freedom=20).denominator == pytest.approx(21 / 23 * 20)


def test_much_missing_leaves_few_but_positive_degrees_of_freedom() -> None:
    each = np.array([[-9.0, 4.0], [8.0, -7.0], [1.0, 9.0], [-6.0, -8.0], [5.0, 0.0]])
    found = pool_wald(each, np.tile(np.eye(2), (5, 1, 1)), complete_freedom=20)
    assert found.denominator is not None
    # Li et al. with t = 8: 4 + 4 (1 + 0.75 / r)^2.
    assert found.denominator == pytest.approx(4 + 4 * (1 + 0.75 / (found.relative_increase or 0)) ** 2)


@pytest.mark.parametrize(
    ("each", "spread", "note"),
    [
        ([[1.0, 2.0]], np.eye(2)[np.newaxis], "two imputations"),
        ([[1.0, np.nan], [1.0, 2.0]], np.tile(np.eye(2), (2, 1, 1)), "in 1 of 2"),
        ([[1.0, 2.0], [1.0, 2.0]], np.ones((2, 2, 2)), "repeat each other"),
        (np.empty((2, 0)), np.empty((2, 0, 0)), "no coefficient"),
    ],
)
def test_tests_that_are_not_estimable(each: list[list[float]], spread: np.ndarray, note: str) -> None:
    found = pool_wald(each, spread)
    assert (found.status, found.p_value) == ("not_estimable", None)
    assert note in found.note


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: pool_wald([1.0], [[1.0]]), "a square for each table"),
        (lambda: pool_wald([[1.0]], [[[1.0]]], complete_freedom=0), "is not above 0"),
        (lambda: pool_means([1.0, 2.0]), "give tables by rows"),
        (lambda: pool_means([[1.0, np.nan]]), "give completed tables"),
        (lambda: pool_means_apart([[1.0, 2.0]], [0, 2]), "one 0 or 1 for each row"),
        (lambda: pool_performance([0.1, 0.2], [0, 1]), "give tables by rows"),
    ],
)
def test_wrong_use_is_refused(wrong: Callable[[], object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        wrong()


def test_too_few_rows_are_not_pooled() -> None:
    assert pool_means([[1.0], [2.0]]).status == "not_estimable"
    assert pool_means_apart([[1.0, 2.0], [1.0, 3.0]], [1, 1]).status == "not_estimable"
    assert pool_shares_apart([[1, 0], [1, 1]], [0, 0]).status == "not_estimable"
    assert average_summary(np.empty((2, 0))).median is None
    one = average_summary([[1.0], [3.0]])
    assert (one.sd, one.median) == (None, 2.0)


def test_shares_without_any_variance_are_not_pooled() -> None:
    found = pool_shares_apart([[0, 0, 1, 1], [0, 0, 1, 1]], EVENT)
    assert (found.status, found.note) == ("not_estimable", "no standard error is above 0")


def test_a_table_without_anybody_has_no_logit() -> None:
    assert pool_proportions([0, 0], [0, 3]).status == "not_estimable"
    assert pool_ratios([0.0, 1.0], [1.0, 1.0], n=9).note == "an imputed table has a ratio of 0"


def test_one_side_only_has_no_performance_but_a_brier_score() -> None:
    found = pool_performance([[0.2, 0.4], [0.2, 0.6]], [0, 0])
    assert found.c_statistic.status == found.slope.status == "not_estimable"
    # The means of the squares are 0.1 and 0.2.
    assert found.brier.estimate == pytest.approx(0.15)
