"""P of the best of all cuts: how often arrangements by chance have one that divides as well."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError, suggest_name
from cytopenia.stats.roc import require_complete

__all__ = ["MaximalCut", "assess_maximal_cut"]

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]

STATISTICS = ("youden", "chi_squared")
METHODS = ("auto", "exact", "permutation")
# Steps of the exact count that take about a second.
MOST_STEPS = 200_000_000
CELLS_AT_ONCE = 1_000_000
# Two arrangements have the same statistic if it differs by less, relative to its size.
SAME = 1e-10


@dataclass(frozen=True)
class MaximalCut:
    """The largest statistic over all cuts, and its P; None where not estimable.

    Attributes
    ----------
    statistic : str
        `youden` or `chi_squared`.
    value : float or None
        The largest absolute Youden index; or the root of the largest chi-squared times (n - 1) / n.
    p_value : float or None
        Probability of a value at least as large if the event has nothing to do with the number.
    low, high : float or None
        95% limits (Clopper-Pearson) of a P that was estimated by chance; None where all were counted.
    resamples : int
        Arrangements drawn by chance; 0 where all were counted.
    n, missing : int
    status, note : str
        `ok` or `not_estimable`; why.
    """

    statistic: str
    value: float | None
    p_value: float | None
    low: float | None
    high: float | None
    resamples: int
    n: int
    missing: int
    status: str
    note: str


def assess_maximal_cut(
    values: ArrayLike,
    event: ArrayLike,
    *,
    statistic: str = "youden",
    method: str = "auto",
    resamples: int = 10_000,
    seed: int = 0,
) -> MaximalCut:
    """Return the best of all cuts' statistic with the P that knows that it is the best of all.

    Parameters
    ----------
    values : array of float
    event : array of 0 and 1
        NaN in either is missing; the row is left out and counted.
    statistic : {"youden", "chi_squared"}
        What is largest at the best cut. "youden" is the absolute Youden index, which is the statistic of the
        two-sample Kolmogorov-Smirnov test. "chi_squared" is the maximally selected chi-squared statistic, in
        the form of a standardized rank sum. Both directions count: the P is two-sided.
    method : {"auto", "exact", "permutation"}
        "exact" counts all arrangements of the events over the values, "permutation" draws `resamples` of
        them. "auto" is "exact" unless that would take more than about a second.
    resamples, seed : int
        Used by "permutation" only.

    Returns
    -------
    MaximalCut
        Not estimable: no complete row, one class only, or all values equal.

    Raises
    ------
    DataError
        Shapes differ, the event is not 0 or 1, a value is infinite, an option is unknown, or `resamples` is
        below 1.

    Notes
    -----
    The cuts are all those of `estimate_roc`; no share of the patients is kept out at either end. The exact P
    follows every arrangement through the ordered values by its number of events so far, and adds up what
    first reaches the observed value. With "permutation" P is (1 + hits) / (1 + resamples). "youden" is the
    same as `ks.test(x, y, exact = TRUE)` of R 4.2, ties included, to 1e-9; the value of "chi_squared" is
    that of `maxstat.test(event ~ value, minprop = 0, maxprop = 1)`.

    References
    ----------
    Miller and Siegmund, Biometrics 1982;38:1011-1016. DOI 10.2307/2529881.
    Lausen and Schumacher, Biometrics 1992;48:73-85. DOI 10.2307/2532740.
    Schroeer and Trenkler, Computational Statistics and Data Analysis 1995;20:185-202.

    Examples
    --------
    >>> round(assess_maximal_cut([1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 1, 1]).p_value, 12)
    0.1
    """
    _require_one_of("statistic", statistic, STATISTICS)
    _require_one_of("method", method, METHODS)
    if resamples < 1:
        raise DataError(f"resamples: {resamples} is below 1")
    number, has_event, missing = require_complete(values, event)
    n, events = int(has_event.size), int(has_event.sum())
    found = MaximalCut(statistic, None, None, None, None, 0, n, missing, "not_estimable", "")
    reason = _find_reason(number, events)
    if reason:
        return replace(found, note=reason)
    order = np.argsort(number, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(number[order])) + 1, n)
    marks = has_event[order]
    gauge = _Gauge(statistic, n, events)
    observed = float(gauge.measure(np.cumsum(marks, dtype=np.int64)[ends - 1], ends).max())
    found = replace(found, value=gauge.name_value(observed), status="ok")
    if method == "permutation" or (method == "auto" and n * min(events, n - events) > MOST_STEPS):
        return _estimate_by_chance(found, marks, ends, _Draw(gauge, observed, resamples, seed))
    return replace(found, p_value=_count_arrangements(gauge, ends, observed))


@dataclass(frozen=True)
class _Gauge:
    """Measures a cut by the events and rows below it."""

    statistic: str
    n: int
    events: int

    def measure(self, events_below: Counts, below: Counts | int) -> Numbers:
        """Square of the statistic, in a scale of its own; 0 at a cut that divides nobody."""
        gain = (self.n * events_below - self.events * np.asarray(below)).astype(np.float64)
        if self.statistic == "youden":
            return gain**2
        spread = np.asarray(below, dtype=np.float64) * (self.n - np.asarray(below, dtype=np.float64))
        return np.divide(gain**2, spread, out=np.zeros_like(gain), where=spread > 0)

    def name_value(self, square: float) -> float:
        """The statistic in the scale in which it is reported."""
        pairs = self.events * (self.n - self.events)
        if self.statistic == "youden":
            return math.sqrt(square) / pairs
        return math.sqrt(square * (self.n - 1) / pairs)


@dataclass(frozen=True)
class _Draw:
    gauge: _Gauge
    observed: float
    resamples: int
    seed: int


def _require_one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise DataError(
            f"{name}: unknown '{value}'{suggest_name(value, allowed)}; allowed: {', '.join(allowed)}"
        )


def _find_reason(number: Numbers, events: int) -> str:
    if number.size == 0:
        return "no complete row"
    if events in (0, number.size):
        return "nobody has the event" if events == 0 else "everybody has the event"
    return "all values are equal" if np.ptp(number) == 0 else ""


def _count_arrangements(gauge: _Gauge, ends: Counts, observed: float) -> float:
    """Probability that an arrangement reaches the observed value at the end of some distinct value.

    After each row the arrangements are known by their number of events so far; those that reach the value
    are added up and followed no further.
    """
    # Who is called the event changes no absolute gain; the smaller class has fewer states.
    fewer = min(gauge.events, gauge.n - gauge.events)
    gauge = replace(gauge, events=fewer)
    so_far = np.arange(fewer + 1)
    share = np.zeros(fewer + 1)
    share[0] = 1.0
    is_end = np.zeros(gauge.n + 1, dtype=np.bool_)
    is_end[ends] = True
    reached = 0.0
    for row in range(1, gauge.n):
        goes_up = share * ((fewer - so_far) / (gauge.n - row + 1))
        share = share - goes_up
        share[1:] += goes_up[:-1]
        if is_end[row]:
            is_there = gauge.measure(so_far, row) >= observed * (1 - SAME)
            reached += float(share[is_there].sum())
            share[is_there] = 0.0
    return min(1.0, reached)


def _estimate_by_chance(found: MaximalCut, marks: NDArray[np.bool_], ends: Counts, draw: _Draw) -> MaximalCut:
    from scipy.stats import binomtest

    generator = np.random.default_rng(draw.seed)
    hits, left = 0, draw.resamples
    while left:
        size = min(left, max(1, CELLS_AT_ONCE // marks.size))
        shuffled = generator.permuted(np.tile(marks, (size, 1)), axis=1)
        below = np.cumsum(shuffled, axis=1, dtype=np.int64)[:, ends - 1]
        largest = draw.gauge.measure(below, np.broadcast_to(ends, below.shape)).max(axis=1)
        hits += int(np.sum(largest >= draw.observed * (1 - SAME)))
        left -= size
    limits = binomtest(hits, draw.resamples).proportion_ci(0.95, method="exact")
    return replace(
        found,
        p_value=(1 + hits) / (1 + draw.resamples),
        low=float(limits.low),
        high=float(limits.high),
        resamples=draw.resamples,
    )
