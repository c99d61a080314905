"""The Hodges-Lehmann shift: by how much the values of one sample lie above those of another."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.compare import PARITIES, drop_missing, name_rank_method, rank_values, require_one_of

__all__ = ["Effect", "estimate_shift", "refuse_effect", "require_level"]

Numbers = NDArray[np.float64]

EXACT, ASYMPTOTIC = "mann_whitney_exact", "mann_whitney_asymptotic"
NAMES = {
    EXACT: "hodges_lehmann_exact",
    "mann_whitney_continuity": "hodges_lehmann_continuity",
    ASYMPTOTIC: "hodges_lehmann_asymptotic",
}
# Pairs of values whose differences are held at once; beyond, they are searched without being listed.
MOST_PAIRS = 4_000_000
# Accuracy that wilcox.test asks of uniroot.
R_TOLERANCE = 1e-4
# Slack of qwilcox for probabilities that should be equal.
QUANTILE_SLACK = 10 * float(np.finfo(np.float64).eps)
CONTINUITY = 0.5


@dataclass(frozen=True)
class Effect:
    """The size of a difference with its confidence limits; None where there is none.

    Attributes
    ----------
    method : str
        How estimate and limits were made.
    value, low, high : float or None
        A ratio without an upper end has no value and no `high`, but keeps its lower limit.
    n : int
        Values or patients that took part.
    status : str
        `ok` or `not_estimable`.
    note : str
        Why not estimable, or what a reader must know of the limits.
    """

    method: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    status: str
    note: str


def estimate_shift(
    first: ArrayLike, second: ArrayLike, *, parity: str = "default", level: float = 0.95
) -> Effect:
    """Return the Hodges-Lehmann shift of the first sample against the second; NaN is missing.

    The median of all differences between a value of the first and a value of the second sample, in the unit
    of the values; above 0 where the first lies higher. Its limits are the shifts that the Mann-Whitney test
    of the same parity would not reject.

    Parameters
    ----------
    first, second : array of float
    parity : {"default", "r", "spss"}
        "default" and "r": exact limits if both samples have fewer than 50 values and no value occurs twice,
        else those of the normal approximation with ties in the variance and a continuity correction of 1/2.
        "spss": always normal, without continuity correction, as its P. Away from exact limits "r" repeats the
        search of `wilcox.test` step by step and so gives its digits; "default" and "spss" give the end points
        that this search looks for.
    level : float
        Of the limits.

    Returns
    -------
    Effect
        `method` is `hodges_lehmann_exact`, `hodges_lehmann_continuity` or `hodges_lehmann_asymptotic`.
        Without limits where the values of each group are all equal. Not estimable: an empty sample, or an
        infinite value.

    Raises
    ------
    DataError
        An unknown parity, or a level that is not between 0 and 1.

    Notes
    -----
    Same as `wilcox.test(first, second, conf.int = TRUE)` of R 4.2: exact limits to 1e-12; with `parity = "r"`
    all numbers to 1e-9, by default to the 1e-4 to which R's search goes, and to 1e-9 if R is given
    `tol.root = 1e-13`. "spss" is `wilcox.test(..., exact = FALSE, correct = FALSE)`. One case differs: where
    the two middle differences are not equal and R does not count exactly, R returns some number between them,
    and this their mean, the median.

    References
    ----------
    Hodges and Lehmann, Annals of Mathematical Statistics 1963;34:598-611. DOI 10.1214/aoms/1177704172.
    Bauer, Journal of the American Statistical Association 1972;67:687-690.

    Examples
    --------
    >>> found = estimate_shift([1.1, 2.2, 3.3, 9.7], [4.4, 5.5, 6.6, 7.7, 8.8])
    >>> [round(number, 6) for number in (found.value, found.low, found.high)]
    [-3.3, -6.6, 4.2]
    """
    require_one_of("parity", parity, PARITIES)
    require_level(level)
    one, two = drop_missing(first), drop_missing(second)
    n = one.size + two.size
    rank_method = name_rank_method(one, two, parity)
    method = NAMES[rank_method]
    if not one.size or not two.size:
        return refuse_effect(method, n, "a group has no value")
    if not np.all(np.isfinite(np.concatenate([one, two]))):
        return refuse_effect(method, n, "a value is infinite")
    differences = _Differences(np.sort(one), np.sort(two))
    value = differences.median
    if np.ptp(one) == 0 and np.ptp(two) == 0:
        return Effect(
            method, value, None, None, n, "ok", "no interval: the values of each group are all equal"
        )
    correction = CONTINUITY if rank_method != ASYMPTOTIC else 0.0
    if rank_method == EXACT:
        place, note = _place_exactly(one.size, two.size, level)
    else:
        place, note = _place_by_variance(one, two, correction, level)
    low, high = differences.pick(place), differences.pick(differences.size - 1 - place)
    if parity == "r" and rank_method != EXACT:
        value, low, high = _search_as_r(one, two, correction, level)
    return Effect(method, value, low, high, n, "ok", note)


def require_level(level: float) -> None:
    """Raise DataError unless a confidence level is between 0 and 1."""
    if not 0 < level < 1:
        raise DataError(f"level: {level:g} is not between 0 and 1")


def refuse_effect(method: str, n: int, note: str) -> Effect:
    """Return an effect that cannot be estimated, with the reason."""
    return Effect(method, None, None, None, int(n), "not_estimable", note)


class _Differences:
    """All differences between two sorted samples, in ascending order, without a list if there are many."""

    def __init__(self, one: Numbers, two: Numbers) -> None:
        self.size = one.size * two.size
        self._one, self._two = one, two
        is_listed = self.size <= MOST_PAIRS
        self._listed = np.sort(np.subtract.outer(one, two), axis=None) if is_listed else None

    @property
    def median(self) -> float:
        lower, upper = self.pick((self.size - 1) // 2), self.pick(self.size // 2)
        return lower + (upper - lower) / 2

    def pick(self, place: int) -> float:
        """The difference at a place counted from 0."""
        if self._listed is not None:
            return float(self._listed[place])
        low = float(np.nextafter(self._one[0] - self._two[-1], -math.inf))
        high = float(self._one[-1] - self._two[0])
        while low < (middle := low + (high - low) / 2) < high:
            if self._count_up_to(middle) > place:
                high = middle
            else:
                low = middle
        return high

    def _count_up_to(self, limit: float) -> int:
        below = np.searchsorted(self._two, self._one - limit, side="left")
        return int(self.size - below.sum())


def _place_exactly(first: int, second: int, level: float) -> tuple[int, str]:
    """Place of the lower limit among the differences by the exact distribution of U, as qwilcox counts it."""
    ways = _count_arrangements(first, second)
    total, tail, place = sum(ways), (1 - level) / 2, 0
    reached = ways[0]
    while reached / total <= tail - QUANTILE_SLACK:
        place += 1
        reached += ways[place]
    place = max(place, 1)
    missed = 2 * sum(ways[:place]) / total
    held = f"{100 * (1 - missed):.1f}%"
    note = f"too few values for {100 * level:g}%: the limits are the extreme differences, which hold {held}"
    return place - 1, note if missed > 1 - level + QUANTILE_SLACK else ""


def _count_arrangements(first: int, second: int) -> list[int]:
    """Arrangements of two samples without ties by their U from 0: the Gaussian binomial coefficients."""
    ways = [1] + [0] * (first * second)
    for size in range(1, first + 1):
        step = second + size
        for place in range(len(ways) - 1, step - 1, -1):
            ways[place] -= ways[place - step]
        for place in range(size, len(ways)):
            ways[place] += ways[place - size]
    return ways


def _place_by_variance(one: Numbers, two: Numbers, correction: float, level: float) -> tuple[int, str]:
    """Place of the lower limit by the normal approximation: the first shift that is not rejected.

    Between two neighboring differences no value of one sample equals one of the other, so the variance has
    the ties within the samples only.
    """
    pairs = one.size * two.size
    spread = _spread(one.size, two.size, _count_ties(one) + _count_ties(two))
    # Differences above the shift, less half of all, as a number of standard deviations.
    most = pairs / 2 + correction + _quantile(level) * spread
    # Just above the difference at place i, pairs - 1 - i lie higher: the first i with fewer than `most`.
    place = max(0, math.floor(pairs - 1 - most) + 1)
    place = min(place, (pairs - 1) // 2)
    note = f"too few values for {100 * level:g}%: the limits are the extreme differences"
    return place, "" if place else note


def _count_ties(values: Numbers) -> float:
    _, times = np.unique(values, return_counts=True)
    return float(np.sum(times.astype(np.float64) ** 3 - times))


def _spread(first: int, second: int, ties: float) -> float:
    """Standard deviation of U, with ties in it."""
    n = first + second
    return math.sqrt(first * second / 12 * (n + 1 - ties / (n * (n - 1))))


def _quantile(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))


def _search_as_r(one: Numbers, two: Numbers, correction: float, level: float) -> tuple[float, float, float]:
    """Shift and limits as wilcox.test finds them: roots of the standardized U by R's uniroot."""
    least, most = float(one.min() - two.max()), float(one.max() - two.min())

    def standardize(shift: float, correction: float = correction) -> float:
        ranks = rank_values(np.concatenate([one - shift, two]))
        far = float(ranks[: one.size].sum()) - one.size * (one.size + 1) / 2 - one.size * two.size / 2
        corrected = far - correction * ((far > 0) - (far < 0))
        return corrected / _spread(one.size, two.size, _count_ties(ranks))

    def find(aim: float) -> float:
        if standardize(least) <= aim:
            return least
        if standardize(most) >= aim:
            return most
        return _find_root(lambda shift: standardize(shift) - aim, least, most)

    z = _quantile(level)
    value = _find_root(lambda shift: standardize(shift, 0.0), least, most)
    return value, find(z), find(-z)


def _find_root(f: Callable[[float], float], low: float, high: float) -> float:
    """Root between two ends by Brent's zeroin, to the tolerance that wilcox.test asks for.

    SciPy's brentq is another variant of Brent's method: on a step function it stops at another point.
    Brent, Algorithms for Minimization without Derivatives, 1973, chapter 4.
    """
    previous, best = low, high
    f_previous, f_best = f(low), f(high)
    if f_previous == 0:
        return previous
    other, f_other = previous, f_previous
    while f_best != 0:
        if abs(f_other) < abs(f_best):
            previous, best, other = best, other, best
            f_previous, f_best, f_other = f_best, f_other, f_best
        tolerance = 2 * float(np.finfo(np.float64).eps) * abs(best) + R_TOLERANCE / 2
        step = (other - best) / 2
        if abs(step) <= tolerance:
            break
        last = best - previous
        if abs(last) >= tolerance and abs(f_previous) > abs(f_best):
            step = _interpolate((previous, best, other), (f_previous, f_best, f_other), tolerance, last)
        if abs(step) < tolerance:
            step = math.copysign(tolerance, step) if step else -tolerance
        previous, f_previous = best, f_best
        best += step
        f_best = f(best)
        if f_best * f_other > 0:
            other, f_other = previous, f_previous
    return best


def _interpolate(
    places: tuple[float, float, float], values: tuple[float, float, float], tolerance: float, last: float
) -> float:
    """Step by linear or inverse quadratic interpolation, or half the interval where that leads too far."""
    previous, best, other = places
    f_previous, f_best, f_other = values
    width = other - best
    ratio = f_best / f_previous
    if previous == other:
        p, q = width * ratio, 1 - ratio
    else:
        q, r = f_previous / f_other, f_best / f_other
        p = ratio * (width * q * (q - r) - (best - previous) * (r - 1))
        q = (q - 1) * (r - 1) * (ratio - 1)
    p, q = (p, -q) if p > 0 else (-p, q)
    is_near = p < 0.75 * width * q - abs(tolerance * q) / 2 and p < abs(last * q / 2)
    return p / q if is_near else width / 2
