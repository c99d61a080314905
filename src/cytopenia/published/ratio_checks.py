"""A printed ratio: its interval, its P value, and the counts that are said to stand behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from cytopenia.published.check_model import CANNOT_BE_CHECKED, CONSISTENT, INCONSISTENT, Check
from cytopenia.published.printed_bounds import can_be_at_most
from cytopenia.published.ratio_triangle import Range, RatioTriangle, find_quantile, read_triangle
from cytopenia.published.repairs import find_repairs

__all__ = ["PrintedTriangle", "check_ratio"]

# What other methods than Wald give for the same counts, found in random tables of two by two and widened:
# the longer over the shorter arm of an interval on the logarithmic scale, and by how much the normal quantile
# of P may lie below and above that of the interval, which grows with the standard error and the quantile.
_LONGEST_ARM = 2.5
_BELOW = (0.4, 1.4, 0.1)
_ABOVE = (0.5, 0.5, 0.5)
# With few events the tests lie far apart.
_WIDE_ERROR = 0.8
_MOST_QUANTILE = (1.2, 2.7)
# Above it every P value is printed as below a limit.
_LARGE_QUANTILE = 4.5


class PrintedTriangle(NamedTuple):
    """The printed texts of a ratio; what is not printed is None.

    `is_wald` says that the paper names Wald intervals, `has_wald_p` that it names Wald tests.
    """

    estimate: str | None
    low: str | None
    high: str | None
    p: str | None
    confidence: str = "95"
    is_wald: bool = False
    has_wald_p: bool = False

    @property
    def limits(self) -> tuple[str, str] | None:
        """Both limits, if they are printed."""
        return None if self.low is None or self.high is None else (self.low, self.high)


def check_ratio(claim: str, printed: PrintedTriangle) -> list[Check]:
    """Return what estimate, interval and P value say about each other.

    Checked are the order of the limits, the estimate inside them, their symmetry on the logarithmic scale
    and P against them; each as far as the parts are printed. A Wald interval and its P value must agree
    within the digits if the paper names Wald; otherwise only what no method gives is inconsistent.

    Examples
    --------
    >>> checks = check_ratio("il6", PrintedTriangle("0.091", "0.100", "0.802", "0.031"))
    >>> [check.check for check in checks if check.verdict == "inconsistent"]
    ['estimate inside its interval']
    >>> next(check.repair for check in checks if check.repair)
    '0.010 for 0.100 (low) repairs estimate, interval and P together'
    """
    below = [text for text in printed[:3] if text is not None and text.startswith("-") and float(text)]
    if below:
        words = f"{', '.join(below)}: no ratio is below 0; a difference or a logarithm may be"
        return [Check(claim, "ratio above 0", INCONSISTENT, words, "major")]
    triangle = read_triangle(printed.estimate, printed.limits, printed.p, confidence=printed.confidence)
    checks = [
        *_check_limits(claim, printed),
        *_check_symmetry(claim, printed, triangle),
        *_check_p(claim, printed, triangle),
    ]
    if all(check.verdict != INCONSISTENT for check in checks):
        return checks
    repair = _repair(printed)
    return [_with_repair(check, repair) if check.verdict == INCONSISTENT else check for check in checks]


def _with_repair(check: Check, repair: str) -> Check:
    return Check(check.claim, check.check, check.verdict, check.arithmetic, check.severity, repair)


def _check_limits(claim: str, printed: PrintedTriangle) -> list[Check]:
    if printed.limits is None:
        return []
    name = "limits in order"
    words = f"{printed.low} to {printed.high}"
    if not can_be_at_most(*printed.limits):
        return [Check(claim, name, INCONSISTENT, f"{words}: the lower limit is the larger", "major")]
    checks = [Check(claim, name, CONSISTENT, words)]
    if printed.estimate is None:
        return checks
    name = "estimate inside its interval"
    if _is_inside(printed):
        return [*checks, Check(claim, name, CONSISTENT, f"{printed.estimate} lies in {words}")]
    side = "above" if can_be_at_most(printed.limits[0], printed.estimate) else "below"
    arithmetic = f"{printed.estimate} lies {side} {words}, whatever was rounded"
    return [*checks, Check(claim, name, INCONSISTENT, arithmetic, "major")]


def _check_symmetry(claim: str, printed: PrintedTriangle, triangle: RatioTriangle) -> list[Check]:
    middle = triangle.middle
    if middle is None or triangle.estimate is None:
        return []
    name = "interval symmetrical on the logarithmic scale"
    made = (
        f"root of {printed.low} x {printed.high} = {_show(middle)}, with the digits' room; "
        f"printed {printed.estimate}"
    )
    if triangle.estimate.meets(middle):
        return [Check(claim, name, CONSISTENT, made)]
    if not _is_inside(printed):
        return []  # told already
    if printed.is_wald:
        return [Check(claim, name, INCONSISTENT, f"{made}: no Wald interval", "major")]
    longest = _longest_arm(triangle)
    if longest > _LONGEST_ARM:
        arithmetic = f"{made}: one arm is at least {longest:.1f} times the other, more than any method gives"
        return [Check(claim, name, INCONSISTENT, arithmetic, "major")]
    arithmetic = f"{made}: no Wald interval; profile likelihood or an exact method may give it"
    return [Check(claim, name, CANNOT_BE_CHECKED, arithmetic)]


def _check_p(claim: str, printed: PrintedTriangle, triangle: RatioTriangle) -> list[Check]:
    wald = triangle.wald_p
    if triangle.p is None or wald is None or not _is_inside(printed):
        return []
    name = "P against the interval"
    made = f"estimate over standard error gives P {_show_p(wald)}; printed {printed.p}"
    if triangle.p.meets(wald):
        return [Check(claim, name, CONSISTENT, made)]
    if printed.is_wald and printed.has_wald_p:
        return [Check(claim, name, INCONSISTENT, made, "major")]
    allowed = _allow_quantiles(triangle, Range(find_quantile(wald.high), find_quantile(wald.low)))
    if Range(find_quantile(triangle.p.high), find_quantile(triangle.p.low)).meets(allowed):
        return [Check(claim, name, CANNOT_BE_CHECKED, f"{made}: another test than Wald's may give it")]
    return [Check(claim, name, INCONSISTENT, f"{made}: farther apart than two tests lie", "major")]


def _allow_quantiles(triangle: RatioTriangle, expected: Range) -> Range:
    """The normal quantiles of P that another test may have, beside that of the interval."""
    error = math.inf
    if triangle.low is not None and triangle.high is not None and triangle.low.low > 0:
        error = math.log(triangle.high.high / triangle.low.low) / (2 * triangle.quantile)
    below = _BELOW[0] + _BELOW[1] * error + _BELOW[2] * expected.low
    above = _ABOVE[0] + error * (_ABOVE[1] + _ABOVE[2] * expected.high**2)
    most = expected.high + above
    if error > _WIDE_ERROR:
        most = max(most, _MOST_QUANTILE[0] + _MOST_QUANTILE[1] * expected.high)
    return Range(min(expected.low - below, _LARGE_QUANTILE), most)


def _is_inside(printed: PrintedTriangle) -> bool:
    if printed.limits is None or not can_be_at_most(*printed.limits):
        return False
    low, high = printed.limits
    inside = printed.estimate
    return inside is None or (can_be_at_most(low, inside) and can_be_at_most(inside, high))


def _longest_arm(triangle: RatioTriangle) -> float:
    """How many times the longer arm is as long as the shorter one, at least, with every digit's room."""
    if triangle.estimate is None or triangle.low is None or triangle.high is None:
        return 1.0
    if triangle.low.low <= 0 or triangle.estimate.low <= 0:
        return 1.0
    arms: list[float] = []
    for estimate in triangle.estimate:
        down = Range(_log(estimate / triangle.low.high), _log(estimate / triangle.low.low))
        up = Range(_log(triangle.high.low / estimate), _log(triangle.high.high / estimate))
        arms.append(
            max(1.0, *(one.low / other.high for one, other in ((down, up), (up, down)) if other.high > 0))
        )
    return min(arms)


def _log(ratio: float) -> float:
    return max(math.log(ratio), 0.0) if ratio > 0 else 0.0


def _repair(printed: PrintedTriangle) -> str:
    parts = {
        name: text
        for name, text in zip(("estimate", "low", "high", "p"), printed[:4], strict=True)
        if text is not None
    }

    def is_right(changed: Mapping[str, str]) -> bool:
        return _fits(printed._replace(**changed))

    found = find_repairs(parts, is_right)
    what = "estimate, interval and P together" if "p" in parts else "estimate and interval together"
    return f"{', or '.join(found)} repairs {what}" if found else ""


def _fits(printed: PrintedTriangle) -> bool:
    """Whether all printed parts are those of one Wald interval."""
    if not _is_inside(printed):
        return False
    triangle = read_triangle(printed.estimate, printed.limits, printed.p, confidence=printed.confidence)
    middle, wald = triangle.middle, triangle.wald_p
    if triangle.estimate is not None and (middle is None or not triangle.estimate.meets(middle)):
        return False
    return triangle.p is None or (wald is not None and triangle.p.meets(wald))


def _show(numbers: Range) -> str:
    low, high = (f"{end:.5g}" for end in numbers)
    return low if low == high else f"{low} to {high}"


def _show_p(numbers: Range) -> str:
    low, high = (f"{end:.2g}" for end in numbers)
    return low if low == high else f"{low} to {high}"
