"""Effect sizes of a table of two by two: risk difference, risk ratio and odds ratio."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.compare import require_counts, require_one_of
from cytopenia.stats.shift import Effect, refuse_effect, require_level

__all__ = ["estimate_odds_ratio", "estimate_risk", "estimate_risk_difference", "estimate_risk_ratio"]

Counts = NDArray[np.int64]
NEWCOMBE, KOOPMAN, WILSON = "newcombe", "koopman", "wilson"
LIMITS = ("exact", "mid_p")
NO_EVENT_BELOW = "nobody in the second group has the event: the ratio has no upper end"
# Accuracy of limits on the log scale, and how far from 1 they are looked for.
ACCURACY = 1e-13
FARTHEST = 700.0


def estimate_risk_difference(table: ArrayLike, *, level: float = 0.95) -> Effect:
    """Return the risk of the first group minus that of the second, with Newcombe's hybrid score interval.

    Parameters
    ----------
    table : array of int, two by two
        Rows are the groups; columns those with and without the event.
    level : float
        Of the interval.

    Returns
    -------
    Effect
        From -1 to 1; `method` is `newcombe`. Not estimable: a group without patients. Zero cells need no
        care.

    Raises
    ------
    DataError
        The table is not one of whole numbers in two by two, or the level is not between 0 and 1.

    Notes
    -----
    Method 10: the square-and-add of two Wilson intervals, without continuity correction. In R it is made from
    two calls of `prop.test(x, n, correct = FALSE)$conf.int`, to 1e-9; the R package contingencytables has it
    as `Newcombe_hybrid_score_CI_2x2`.

    References
    ----------
    Newcombe, Statistics in Medicine 1998;17:873-890.

    Examples
    --------
    >>> found = estimate_risk_difference([[56, 14], [48, 32]])
    >>> [round(number, 4) for number in (found.value, found.low, found.high)]
    [0.2, 0.0524, 0.3339]
    """
    require_level(level)
    counts = _require_two_by_two(table)
    sizes, n = counts.sum(axis=1), int(counts.sum())
    if not sizes.all():
        return refuse_effect(NEWCOMBE, n, "a group has no patient")
    (first, below_first, above_first), (second, below_second, above_second) = (
        _limit_risk(int(events), int(size), level) for events, size in zip(counts[:, 0], sizes, strict=True)
    )
    value = first - second
    low = value - math.hypot(first - below_first, above_second - second)
    high = value + math.hypot(above_first - first, second - below_second)
    return Effect(NEWCOMBE, value, max(-1.0, low), min(1.0, high), n, "ok", "")


def _limit_risk(events: int, size: int, level: float) -> tuple[float, float, float]:
    """A risk with Wilson's limits."""
    from scipy.stats import binomtest

    limits = binomtest(events, size).proportion_ci(level, method="wilson")
    low = 0.0 if events == 0 else float(limits.low)
    return events / size, low, 1.0 if events == size else float(limits.high)


def estimate_risk(events: int, size: int, *, level: float = 0.95) -> Effect:
    """Return the share of a group that has the event, with Wilson's interval.

    Parameters
    ----------
    events, size : int
        Patients with the event, and all patients of the group.
    level : float
        Of the interval.

    Returns
    -------
    Effect
        From 0 to 1; `method` is `wilson`, without continuity correction. Not estimable: a group without
        patients.

    Raises
    ------
    DataError
        The counts are impossible, or the level is not between 0 and 1.

    Notes
    -----
    As R's `prop.test(x, n, correct = FALSE)$conf.int`, to 1e-9.

    References
    ----------
    Wilson, Journal of the American Statistical Association 1927;22:209-212.

    Examples
    --------
    >>> found = estimate_risk(21, 60)
    >>> [round(number, 4) for number in (found.value, found.low, found.high)]
    [0.35, 0.2417, 0.4764]
    """
    require_level(level)
    if not (int(events) == events and int(size) == size and 0 <= events <= size):
        raise DataError(f"{events} events of {size} patients; allowed: whole numbers, 0 to all patients")
    if not size:
        return refuse_effect(WILSON, 0, "the group has no patient")
    return Effect(WILSON, *_limit_risk(int(events), int(size), level), int(size), "ok", "")


def estimate_risk_ratio(table: ArrayLike, *, level: float = 0.95) -> Effect:
    """Return the risk of the first group divided by that of the second, with Koopman's score interval.

    Parameters
    ----------
    table : array of int, two by two
        Rows are the groups; columns those with and without the event.
    level : float
        Of the interval.

    Returns
    -------
    Effect
        `method` is `koopman`. Nobody in the first group with the event: ratio and lower limit are 0, the
        upper limit is finite. Not estimable: a group without patients, nobody with the event, or nobody in
        the second group with the event; then there is a lower limit only.

    Raises
    ------
    DataError
        The table is not one of whole numbers in two by two, or the level is not between 0 and 1.

    Notes
    -----
    Limits are the ratios that the score test without continuity correction does not reject; the R package
    contingencytables has them as `Koopman_asymptotic_score_CI_2x2`. They are searched here because the score
    interval of statsmodels 0.15 goes wrong where a whole group has the event: 5 of 5 against 3 of 9 gets a
    lower limit of 1.75 there, and 1.29 by the equation.

    References
    ----------
    Koopman, Biometrics 1984;40:513-517. DOI 10.2307/2531405.

    Examples
    --------
    >>> found = estimate_risk_ratio([[36, 4], [16, 64]])
    >>> [round(number, 4) for number in (found.value, found.low, found.high)]
    [4.5, 2.9396, 7.1522]
    >>> estimate_risk_ratio([[3, 4], [0, 9]]).value is None
    True
    """
    require_level(level)
    counts = _require_two_by_two(table)
    sizes, events, n = counts.sum(axis=1), counts[:, 0], int(counts.sum())
    if not sizes.all():
        return refuse_effect(KOOPMAN, n, "a group has no patient")
    if not events.any():
        return refuse_effect(KOOPMAN, n, "nobody has the event")
    z = _quantile(level)
    pairs = ((int(events[0]), int(sizes[0])), (int(events[1]), int(sizes[1])))
    low = _find_limit(lambda log_ratio: _score(math.exp(log_ratio), *pairs) - z) if events[0] else 0.0
    if not events[1]:
        return Effect(KOOPMAN, None, low, None, n, "not_estimable", NO_EVENT_BELOW)
    high = _find_limit(lambda log_ratio: _score(math.exp(log_ratio), *pairs) + z)
    value = float(events[0] * sizes[1] / (events[1] * sizes[0]))
    return Effect(KOOPMAN, value, low, high, n, "ok", "")


def _score(ratio: float, first: tuple[int, int], second: tuple[int, int]) -> float:
    """Standardized distance of two risks from a ratio, with the variance they have if the ratio is true."""
    (events, size), (other_events, other_size) = first, second
    total, everybody = events + other_events, size + other_size
    half = (size * ratio + events + other_size + other_events * ratio) / 2
    root = math.sqrt(max(0.0, half**2 - everybody * ratio * total))
    # The smaller root in the form that does not cancel: the risk of the second group.
    risk = min(total / (half + root), 1.0, 1 / ratio)
    own = ratio * risk
    variance = own * (1 - own) / size + ratio**2 * risk * (1 - risk) / other_size
    distance = events / size - ratio * other_events / other_size
    return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)


def estimate_odds_ratio(table: ArrayLike, *, limits: str = "exact", level: float = 0.95) -> Effect:
    """Return the odds ratio of a table of two by two as fisher.test estimates it, with exact limits.

    Parameters
    ----------
    table : array of int, two by two
        Rows are the groups; columns those with and without the event.
    limits : {"exact", "mid_p"}
        "exact" are those of fisher.test. "mid_p" counts the observed table half: shorter, and closer to the
        level on average.
    level : float
        Of the limits.

    Returns
    -------
    Effect
        `method` is `conditional_exact` or `conditional_mid_p`. Where no table with these margins has a
        smaller first cell, odds ratio and lower limit are 0. Not estimable: an empty row or column, or no
        table with a larger first cell; then there is a lower limit only, where R prints Inf.

    Raises
    ------
    DataError
        The table is not one of whole numbers in two by two, or an option is unknown.

    Notes
    -----
    The estimate is the conditional maximum likelihood estimate: not a d / (b c), but what has the observed
    cell as its mean. The same equations as `fisher.test` of R 4.2, whose search ends after four digits (on
    the inverse of a ratio above 1): equal to its printed numbers to about 1e-3, and to the solutions of its
    equations to 1e-8. Limits and two-sided P are not made from the same tails, there as here, and may
    disagree.

    References
    ----------
    Cornfield, Proceedings of the Third Berkeley Symposium 1956;4:135-148.
    Lancaster, Journal of the American Statistical Association 1961;56:223-234.

    Examples
    --------
    >>> found = estimate_odds_ratio([[3, 1], [1, 3]])
    >>> [round(number, 4) for number in (found.value, found.low, found.high)]
    [6.4083, 0.2117, 626.2435]
    """
    require_one_of("limits", limits, LIMITS)
    require_level(level)
    counts = _require_two_by_two(table)
    n, method = int(counts.sum()), f"conditional_{limits}"
    if not counts.sum(axis=0).all() or not counts.sum(axis=1).all():
        return refuse_effect(method, n, "a row or a column of the table is empty")
    cells = _Cells(counts)
    tail, weight = (1 - level) / 2, 1.0 if limits == "exact" else 0.5
    low = 0.0 if cells.is_least else _find_limit(lambda odds: tail - cells.sum_above(odds, weight))
    if cells.is_most:
        note = "no table with these margins has more events in the first group: the ratio has no upper end"
        return Effect(method, None, low, None, n, "not_estimable", note)
    high = _find_limit(lambda odds: cells.sum_below(odds, weight) - tail)
    value = 0.0 if cells.is_least else _find_limit(lambda odds: cells.seen - cells.average(odds))
    return Effect(method, value, low, high, n, "ok", "")


class _Cells:
    """The first cell of all tables with the same margins, and its chances under the log of an odds ratio."""

    def __init__(self, counts: Counts) -> None:
        from scipy.stats import hypergeom

        total, column, row = (int(part) for part in (counts.sum(), counts[:, 0].sum(), counts[0].sum()))
        self.values = np.arange(max(0, row + column - total), min(row, column) + 1, dtype=np.float64)
        self.seen = float(counts[0, 0])
        self.is_least = self.seen == self.values[0]
        self.is_most = self.seen == self.values[-1]
        self._logs = np.asarray(hypergeom.logpmf(self.values, total, column, row), dtype=np.float64)

    def _chances(self, odds: float) -> NDArray[np.float64]:
        logs = self._logs + odds * self.values
        weights = np.exp(logs - logs.max())
        return weights / weights.sum()

    def average(self, odds: float) -> float:
        return float(self._chances(odds) @ self.values)

    def sum_above(self, odds: float, weight: float) -> float:
        """Chance of a larger cell, and of the observed one by its weight."""
        chances = self._chances(odds)
        return float(
            chances[self.values > self.seen].sum() + weight * chances[self.values == self.seen].sum()
        )

    def sum_below(self, odds: float, weight: float) -> float:
        """Chance of a smaller cell, and of the observed one by its weight."""
        chances = self._chances(odds)
        return float(
            chances[self.values < self.seen].sum() + weight * chances[self.values == self.seen].sum()
        )


def _find_limit(f: Callable[[float], float]) -> float:
    """The ratio at whose log a falling function is 0."""
    from scipy.optimize import brentq

    reach = 1.0
    while (f(-reach) < 0 or f(reach) > 0) and reach < FARTHEST:
        reach = min(2 * reach, FARTHEST)
    return math.exp(float(np.asarray(brentq(f, -reach, reach, xtol=ACCURACY))))


def _quantile(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))


def _require_two_by_two(table: ArrayLike) -> Counts:
    counts = require_counts(table)
    if counts.shape != (2, 2):
        rows, columns = counts.shape
        raise DataError(f"table: {rows} by {columns}; give two groups in rows, with and without the event")
    return counts
