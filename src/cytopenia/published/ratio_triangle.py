"""Estimate, interval and P value of a ratio: what any two of them say about the third.

A Wald interval is symmetrical on the logarithmic scale, and its P value is that of estimate over standard
error; printed digits leave each number a little room. Other methods (profile likelihood, exact) keep neither
rule to the digit, so that what breaks them is an error only if the paper names Wald, or beyond what any
method gives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from cytopenia.published.printed_bounds import bound_number

__all__ = [
    "Range",
    "RatioTriangle",
    "can_be_p",
    "find_p",
    "find_quantile",
    "read_triangle",
    "show_range",
    "widen",
    "widen_p",
]

_LOSS = 1e-9


class Range(NamedTuple):
    """Every number from `low` to `high`."""

    low: float
    high: float

    def meets(self, other: Range) -> bool:
        """Return whether the two have a number in common.

        Examples
        --------
        >>> Range(1, 2).meets(Range(2, 3)), Range(1, 2).meets(Range(2.5, 3))
        (True, False)
        """
        slack = _LOSS * max(1.0, *(abs(end) for end in (*self, *other) if math.isfinite(end)))
        return self.low <= other.high + slack and other.low <= self.high + slack


@dataclass(frozen=True)
class RatioTriangle:
    """The ranges that printed digits leave: of the ratio, both limits and P; `quantile` is 1.96 for 95%."""

    estimate: Range | None
    low: Range | None
    high: Range | None
    p: Range | None
    quantile: float

    @property
    def middle(self) -> Range | None:
        """The estimate that a symmetrical interval has: the root of the product of its limits."""
        if self.low is None or self.high is None:
            return None
        return Range(math.sqrt(self.low.low * self.high.low), math.sqrt(self.low.high * self.high.high))

    @property
    def wald_p(self) -> Range | None:
        """The P values of estimate over standard error, the latter from the interval."""
        middle = self.estimate or self.middle
        if middle is None or self.low is None or self.high is None:
            return None
        if self.low.low <= 0 or middle.low <= 0:
            return Range(0.0, 1.0)
        shortest = math.log(self.high.low / self.low.high) if self.high.low > 0 else 0.0
        width = Range(max(shortest, 0.0), math.log(self.high.high / self.low.low))
        logs = (math.log(middle.low), math.log(middle.high))
        farthest = max(map(abs, logs))
        nearest = 0.0 if logs[0] <= 0 <= logs[1] else min(map(abs, logs))
        widest_z = math.inf if width.low == 0 else 2 * self.quantile * farthest / width.low
        smallest_z = 2 * self.quantile * nearest / width.high if width.high > 0 else 0.0
        return Range(find_p(widest_z), find_p(smallest_z))


def read_triangle(
    estimate: str | None, limits: tuple[str, str] | None, p: str | None, *, confidence: str = "95"
) -> RatioTriangle:
    """Return the ranges that printed texts leave, rounded or cut off.

    Examples
    --------
    >>> triangle = read_triangle("14.834", ("2.391", "92.051"), "0.004")
    >>> [round(end, 3) for end in triangle.middle]
    [14.834, 14.839]
    >>> [round(end, 4) for end in triangle.wald_p]
    [0.0038, 0.0038]
    """
    low, high = limits or (None, None)
    return RatioTriangle(
        estimate=_widen_ratio(estimate),
        low=_widen_ratio(low),
        high=_widen_ratio(high),
        p=None if p is None else widen_p(p),
        quantile=find_quantile(1 - float(confidence) / 100),
    )


def widen(text: str) -> Range:
    """Return from the lowest to the highest number that prints so by rounding or by truncation.

    Examples
    --------
    >>> widen("2.5"), widen("-2.5")
    (Range(low=2.45, high=2.6), Range(low=-2.6, high=-2.45))
    """
    bounds = [bound_number(text, "rounded"), bound_number(text, "truncated")]
    return Range(float(min(bound.low for bound in bounds)), float(max(bound.high for bound in bounds)))


def widen_p(text: str) -> Range:
    """Return the P values that print so; 0.000 and 1.00 stand for what rounds to them.

    Examples
    --------
    >>> widen_p("<0.001"), widen_p("1.00")
    (Range(low=0.0, high=0.001), Range(low=0.995, high=1.0))
    """
    found = widen(text)
    return Range(max(found.low, 0.0), min(found.high, 1.0))


def can_be_p(text: str) -> bool:
    """Return whether a printed P value lies between 0 and 1.

    Examples
    --------
    >>> can_be_p("<0.001"), can_be_p("1.2"), can_be_p("-0.02")
    (True, False, False)
    """
    found = widen(text)
    return found.low < 1 and found.high > 0


def show_range(numbers: Range, digits: int = 4) -> str:
    """Return both ends in words, or the one number that they are.

    Examples
    --------
    >>> show_range(Range(0.0244, 0.031)), show_range(Range(2.0, 2.0))
    ('0.0244 to 0.031', '2')
    """
    low, high = (f"{end:.{digits}g}" for end in numbers)
    return low if low == high else f"{low} to {high}"


def _widen_ratio(text: str | None) -> Range | None:
    if text is None:
        return None
    found = widen(text)
    return Range(max(found.low, 0.0), found.high)


def find_p(z: float) -> float:
    """Return the two-sided P of a normal quantile.

    Examples
    --------
    >>> round(find_p(1.959963984540054), 12)
    0.05
    """
    from scipy.special import ndtr

    return 2 * float(ndtr(-abs(z)))


def find_quantile(p: float) -> float:
    """Return the normal quantile of a two-sided P; that of 0 is large and finite.

    Examples
    --------
    >>> round(find_quantile(0.05), 6)
    1.959964
    """
    from scipy.special import ndtri

    return float(-ndtri(max(p, 1e-300) / 2))
