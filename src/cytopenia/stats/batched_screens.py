"""The test of one factor in many samples at once: ranks, means, counts, trend. Knows no patients."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.stats.compare import (
    EXACT_BELOW,
    PARITIES,
    Comparison,
    compare_counts,
    compare_ranks,
    require_one_of,
)
from cytopenia.stats.trend import compare_ordered_counts

__all__ = ["FactorScreen", "screen_factor"]

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]

MANN_WHITNEY, WELCH, TREND = "mann_whitney", "welch_t", "trend"
OF_COUNTS = ("auto", "chi_squared", "fisher_exact", "fisher_mid_p")
TESTS = (MANN_WHITNEY, WELCH, TREND, *OF_COUNTS)
# A standard deviation needs two values.
FEWEST_FOR_SPREAD = 2


@dataclass(frozen=True, eq=False)
class FactorScreen:
    """The test by which a factor is screened.

    Attributes
    ----------
    test : {"mann_whitney", "welch_t", "trend", "auto", "chi_squared", "fisher_exact", "fisher_mid_p"}
        The last five are of levels; "auto" is chi-squared, or Fisher's test if an expected count is below 5.
    values : (rows,) array of float or None
        Numbers, or the place of each row's level from 0. None where the sides of a cut are the levels.
    parity : {"default", "r", "spss"}
        As in `compare_distributions` and `compare_counts`.
    levels : int
        How many levels there are; 0 of a number.
    seed : int
        Used only where Fisher's P must be estimated by chance.
    """

    test: str
    values: Numbers | None
    parity: str = "default"
    levels: int = 0
    seed: int = 0


def screen_factor(
    screen: FactorScreen, marks: Numbers, times: Numbers, *, sides: Numbers | None = None
) -> Numbers:
    """Return the P of the test of one factor in every sample; NaN where it is not estimable.

    Parameters
    ----------
    screen : FactorScreen
    marks : (rows,) array of 0 and 1
    times : (samples, rows) array
        How often each row stands in each sample.
    sides : (samples, rows) array of 0 and 1, optional
        Of a factor that is divided anew in each sample.

    Raises
    ------
    DataError
        An unknown test or parity.

    Notes
    -----
    Equal to `compare_distributions`, `compare_means`, `compare_counts` and `compare_ordered_counts` on the
    rows of each sample to 1e-9. The same table, or the same U without ties, is tested once.

    Examples
    --------
    >>> marks = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    >>> screen = FactorScreen("mann_whitney", np.array([1.1, 2.2, 3.3, 4.4, 5.5, 6.6]))
    >>> screen_factor(screen, marks, np.ones((1, 6)))
    array([0.1])
    """
    require_one_of("test", screen.test, TESTS)
    require_one_of("parity", screen.parity, PARITIES)
    if screen.levels:
        return _test_tables(_count_levels(screen, marks, times, sides), screen)
    assert screen.values is not None  # noqa: S101 - a number has its values
    if screen.test == WELCH:
        return _test_means(screen.values, marks, times)
    return _test_ranks(screen.values, marks, times, parity=screen.parity)


def _count_levels(screen: FactorScreen, marks: Numbers, times: Numbers, sides: Numbers | None) -> Counts:
    """Tables of samples by level by event, no event."""
    codes = screen.values if sides is None else sides
    with_event, without = times * marks, times * (1.0 - marks)
    cells = [
        np.stack([(part * (codes == level)).sum(axis=1) for part in (with_event, without)], axis=1)
        for level in range(screen.levels)
    ]
    return np.stack(cells, axis=1).astype(np.int64)


def _test_tables(tables: Counts, screen: FactorScreen) -> Numbers:
    found, places = np.unique(tables, axis=0, return_inverse=True)

    def test(table: Counts) -> Comparison:
        if screen.test == TREND:
            return compare_ordered_counts(table)
        return compare_counts(table, parity=screen.parity, method=screen.test, seed=screen.seed)

    return _take_p(test, found)[places.reshape(-1)]


def _take_p(test: Callable[[Counts], Comparison], given: Counts) -> Numbers:
    p_values = (test(one).p_value for one in given)
    return np.array([np.nan if p is None else p for p in p_values], dtype=np.float64)


def _test_means(values: Numbers, marks: Numbers, times: Numbers) -> Numbers:
    """Welch's test from the moments of both sides; centered first, so that nothing cancels."""
    from scipy.stats import ttest_ind_from_stats

    centered = values - values.mean()
    moments: list[Numbers] = []
    for side in (times * marks, times * (1.0 - marks)):
        n = side.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = side @ centered / n
            gaps = (side * (centered - mean[:, np.newaxis]) ** 2).sum(axis=1)
            spread = np.sqrt(gaps / np.where(n >= FEWEST_FOR_SPREAD, n - 1, np.nan))
        moments += [mean, spread, n]
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.asarray(ttest_ind_from_stats(*moments, equal_var=False)[1], dtype=np.float64)
    return np.where((moments[1] > 0) | (moments[4] > 0), p, np.nan)


def _test_ranks(values: Numbers, marks: Numbers, times: Numbers, *, parity: str) -> Numbers:
    """The Mann-Whitney test by its normal approximation; exact where the parity has it so."""
    from scipy.special import ndtr

    _, places = np.unique(values, return_inverse=True)
    marked = np.eye(places.max() + 1)[places]
    one, two = (times * marks) @ marked, (times * (1.0 - marks)) @ marked
    tied, first, second = one + two, one.sum(axis=1), two.sum(axis=1)
    u = (one * (two.cumsum(axis=1) - two / 2)).sum(axis=1)
    n, middle = first + second, first * second / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = (tied**3 - tied).sum(axis=1) / (n * (n - 1))
        spread = np.sqrt(first * second / 12 * (n + 1 - lost))
        z = (np.abs(u - middle) - (0.0 if parity == "spss" else 0.5)) / spread
    p = np.minimum(2.0 * ndtr(-z), 1.0)
    p[(first == 0) | (second == 0) | (tied.max(axis=1) == n)] = np.nan
    is_exact = (tied.max(axis=1) <= 1) & (np.maximum(first, second) < EXACT_BELOW) & ~np.isnan(p)
    if parity != "spss" and is_exact.any():
        p[is_exact] = _count_exactly(np.column_stack([u, first, second])[is_exact].astype(np.int64))
    return p


def _count_exactly(wanted: Counts) -> Numbers:
    """The exact P of each U without ties; it depends on nothing but U and the two sizes."""
    found, places = np.unique(wanted, axis=0, return_inverse=True)
    return _take_p(_compare_arranged, found)[places.reshape(-1)]


def _compare_arranged(given: Counts) -> Comparison:
    """The test of two samples of these sizes that have this U."""
    u, first, second = given.tolist()
    whole, rest = divmod(u, second)
    # Of the first sample `whole` values lie over all of the second, one over `rest` of them, the rest below.
    numbers = [second + 1.0 + place for place in range(whole)]
    numbers = [*numbers, rest - 0.25, *(-1.0 - place for place in range(first))][:first]
    return compare_ranks(np.array(numbers), np.arange(second, dtype=np.float64), "mann_whitney_exact")
