"""Counts and quantiles, checked against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cytopenia.stats.describe import Proportion, Summary, describe_numbers, estimate_proportion


def test_an_even_sample() -> None:
    # Type 7 of R: position 1 + (n - 1) p; for n = 4 the quartiles lie at 1.75 and 3.25.
    assert describe_numbers([4.0, 1.0, 3.0, 2.0]) == Summary(4, 0, 2.5, 1.0, 4.0, 1.75, 3.25)


def test_an_odd_sample() -> None:
    assert describe_numbers([5, 1, 3, 2, 4]) == Summary(5, 0, 3.0, 1.0, 5.0, 2.0, 4.0)


def test_one_number_is_all_of_them() -> None:
    assert describe_numbers([7.0]) == Summary(1, 0, 7.0, 7.0, 7.0, 7.0, 7.0)


def test_missing_numbers_are_counted_apart() -> None:
    assert describe_numbers([math.nan, 2.0, math.nan, 4.0]) == Summary(2, 2, 3.0, 2.0, 4.0, 2.5, 3.5)


@pytest.mark.parametrize(("values", "missing"), [([], 0), ([math.nan], 1)])
def test_nothing_gives_no_number(values: list[float], missing: int) -> None:
    assert describe_numbers(values) == Summary(0, missing, None, None, None, None, None)


def test_zero_is_a_number() -> None:
    assert describe_numbers([0.0, 0.0]).median == 0.0


def test_the_numbers_are_plain() -> None:
    summary = describe_numbers(np.array([1, 2, 3], dtype=np.int32))
    assert {type(value) for value in vars(summary).values()} == {int, float}


@pytest.mark.parametrize(("count", "percent"), [(0, 0.0), (1, 25.0), (4, 100.0)])
def test_a_proportion(count: int, percent: float) -> None:
    assert estimate_proportion(count, 4) == Proportion(count, 4, percent)


def test_nobody_has_no_percentage() -> None:
    assert estimate_proportion(0, 0) == Proportion(0, 0, None)
