"""Differences, probabilities and test statistics: interval, P value and size against each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from cytopenia.published.check_model import (
    CANNOT_BE_CHECKED,
    CONSISTENT,
    INCONSISTENT,
    ROUNDING_CONVENTION,
    Check,
)
from cytopenia.published.mean_checks import check_subtraction, find_t_p
from cytopenia.published.printed_bounds import count_decimals
from cytopenia.published.ratio_triangle import Range, find_p, find_quantile, show_range, widen, widen_p
from cytopenia.published.share_limits import check_inside, list_share_limits

__all__ = [
    "PrintedEffect",
    "check_difference",
    "check_effect",
    "check_probability",
    "check_statistic",
]

# Another test, or t of few degrees of freedom, beside the normal distribution: normal quantiles.
_LEAST_QUANTILE = 1.2
_MOST_QUANTILE = (0.8, 1.3)
_FEWEST_DEGREES = 3
# A share of so many patients has the narrowest interval that a curve of them can have.
_NARROWEST = 0.6


class PrintedEffect(NamedTuple):
    """The printed texts of a number that is 0 without an effect; what is not printed is None."""

    estimate: str
    limits: tuple[str, str] | None = None
    p: str | None = None
    confidence: str = "95"
    is_normal: bool = False


def check_effect(claim: str, printed: PrintedEffect) -> list[Check]:
    """Return what an estimate, its interval and its P value say about each other, 0 being no effect.

    Examples
    --------
    >>> found = check_effect("a", PrintedEffect("5.0", ("1.0", "9.0"), "0.62"))
    >>> [check.verdict for check in found]
    ['consistent', 'consistent', 'inconsistent']
    """
    if printed.limits is None:
        return []
    checks = [check_inside(claim, estimate=printed.estimate, limits=printed.limits)]
    if checks[0].verdict == INCONSISTENT:
        return checks
    low, high = map(widen, printed.limits)
    estimate = widen(printed.estimate)
    middle = Range((low.low + high.low) / 2, (low.high + high.high) / 2)
    name = "interval symmetrical"
    made = f"middle of {' and '.join(printed.limits)} {show_range(middle)}; printed {printed.estimate}"
    if middle.meets(estimate):
        checks.append(Check(claim, name, CONSISTENT, made))
    elif printed.is_normal:
        checks.append(Check(claim, name, INCONSISTENT, made, "major"))
    else:
        checks.append(Check(claim, name, CANNOT_BE_CHECKED, f"{made}: a method without symmetry may give it"))
    if printed.p is not None:
        checks += _check_p(claim, printed)
    return checks


def check_difference(
    claim: str,
    printed: PrintedEffect,
    *,
    of: tuple[str, str] | None = None,
    counts: tuple[int, int, int, int] | None = None,
) -> list[Check]:
    """Return whether a difference is that of two printed numbers or of two shares, with its interval and P.

    Examples
    --------
    >>> printed = PrintedEffect("52.5", ("29.2", "75.8"))
    >>> [check.verdict for check in check_difference("a", printed, counts=(33, 7, 6, 14))]
    ['consistent', 'consistent', 'consistent', 'consistent']
    """
    checks = [] if of is None else [check_subtraction(claim, printed.estimate, of)]
    if counts is not None:
        checks += _check_shares(claim, printed, counts)
        # P is that of the counts; in small groups it lies far from that of an interval.
        printed = printed._replace(p=None)
    return [*checks, *check_effect(claim, printed)]


def check_probability(
    claim: str, probability: str, limits: tuple[str, str] | None, *, of: int | None = None, confidence: str
) -> list[Check]:
    """Return whether a probability lies between none and all, inside limits that so many patients can have.

    Examples
    --------
    >>> found = check_probability("os", "62.4", ("61.9", "62.9"), of=40, confidence="95")
    >>> [check.verdict for check in found]
    ['consistent', 'consistent', 'inconsistent']
    """
    texts = (probability, *(limits or ()))
    scale = 100.0 if any(float(text) > 1 for text in texts) else 1.0
    name = "probability between none and all"
    outside = [text for text in texts if widen(text).high < 0 or widen(text).low > scale]
    if outside:
        return [Check(claim, name, INCONSISTENT, f"{', '.join(outside)} is no probability", "major")]
    checks = [Check(claim, name, CONSISTENT, probability)]
    if limits is None:
        return checks
    checks.append(check_inside(claim, estimate=probability, limits=limits))
    if checks[-1].verdict == INCONSISTENT or not of:
        return checks
    name = "interval that so many patients can have"
    low, high = map(widen, limits)
    width = (high.high - low.low) / scale
    count = round(float(probability) / scale * of)
    known = list_share_limits(min(max(count, 0), of), of, confidence)
    narrowest = _NARROWEST * min(ends.high - ends.low for ends in known.values())
    wilson = Range(*(end * scale for end in known["wilson"]))
    words = (
        f"{of} patients without any censoring: {show_range(wilson)} by Wilson; printed {' to '.join(limits)}"
    )
    fits = width >= narrowest
    return [*checks, Check(claim, name, CONSISTENT if fits else INCONSISTENT, words, "" if fits else "major")]


def check_statistic(
    claim: str, *, statistic: str, value: str, df: tuple[float, ...], p: str, level: float = 0.05
) -> Check:
    """Return whether a P value is that of a test statistic with its degrees of freedom.

    Examples
    --------
    >>> check_statistic("a", statistic="chi-squared", value="7.30", df=(2,), p="0.026").verdict
    'consistent'
    >>> check_statistic("a", statistic="t", value="2.10", df=(48,), p="0.41").arithmetic
    't(48) 2.10 gives P 0.0401 to 0.04147; printed 0.41'
    """
    name = "P of the statistic"
    found = widen(value)
    if found.high < 0 and statistic in ("f", "chi-squared"):
        return Check(claim, name, INCONSISTENT, f"{statistic} {value} is below 0", "major")
    sizes = [abs(end) for end in found]
    largest, smallest = max(sizes), 0.0 if found.low <= 0 <= found.high else min(sizes)
    made = Range(_find_tail(statistic, largest, df), _find_tail(statistic, smallest, df))
    degrees = f"({', '.join(f'{number:g}' for number in df)})" if df else ""
    words = f"{statistic}{degrees} {value} gives P {show_range(made)}; printed {p}"
    given = widen_p(p)
    if given.meets(made):
        return Check(claim, name, CONSISTENT, words)
    if statistic in ("t", "z") and given.meets(Range(made.low / 2, made.high / 2)):
        return Check(claim, name, CANNOT_BE_CHECKED, f"{words}: that of one tail")
    crosses = (given.low >= level) != (made.low >= level) and (given.high < level) != (made.high < level)
    return Check(claim, name, INCONSISTENT, words, "major" if crosses else "minor")


def _check_p(claim: str, printed: PrintedEffect) -> Iterator[Check]:
    low, high = map(widen, printed.limits or ("0", "0"))
    estimate, quantile = widen(printed.estimate), find_quantile(1 - float(printed.confidence) / 100)
    width = Range(max(high.low - low.high, 0.0) / 2, (high.high - low.low) / 2)
    if width.high <= 0:
        return
    far = max(abs(estimate.low), abs(estimate.high))
    near = 0.0 if estimate.low <= 0 <= estimate.high else min(abs(estimate.low), abs(estimate.high))
    z = Range(quantile * near / width.high, quantile * far / width.low if width.low else math.inf)
    made = Range(find_p(z.high) if math.isfinite(z.high) else 0.0, find_p(z.low))
    name, given = "P against the interval", widen_p(printed.p or "")
    words = f"estimate over standard error gives P {show_range(made, 2)}; printed {printed.p}"
    if given.meets(made):
        yield Check(claim, name, CONSISTENT, words)
        return
    if printed.is_normal:
        yield Check(claim, name, INCONSISTENT, words, "major")
        return
    # With few degrees of freedom the quantile of t is larger, and its P value too.
    few = find_t_p(z.low / quantile * _find_t_quantile(printed.confidence), _FEWEST_DEGREES)
    least = min(z.low, find_quantile(max(few, 1e-300))) - _LEAST_QUANTILE
    allowed = Range(least, _MOST_QUANTILE[0] + _MOST_QUANTILE[1] * z.high)
    if Range(find_quantile(given.high), find_quantile(given.low)).meets(allowed):
        yield Check(claim, name, CANNOT_BE_CHECKED, f"{words}: another test may give it")
        return
    yield Check(claim, name, INCONSISTENT, f"{words}: farther apart than two tests lie", "major")


def _check_shares(claim: str, printed: PrintedEffect, counts: tuple[int, int, int, int]) -> Iterator[Check]:
    a, b, c, d = counts
    name = "difference of two shares"
    n, m = a + b, c + d
    if not n or not m:
        yield Check(claim, name, CANNOT_BE_CHECKED, "a group of 0 patients has no share")
        return
    share, other = a / n, c / m
    given = widen(printed.estimate)
    exact = share - other
    for scale in (100.0, 1.0):
        made = f"{a}/{n} - {c}/{m} = {scale * exact:.5g}; printed {printed.estimate}"
        if any(given.meets(Range(end, end)) for end in (scale * exact, -scale * exact)):
            yield Check(claim, name, CONSISTENT, made)
            yield from _check_share_width(claim, printed, counts, scale)
            return
    scale = 100.0 if max(abs(given.low), abs(given.high)) > 1 else 1.0
    # Two percentages that are rounded first may be apart by one more of the last digit.
    last = 10.0 ** -count_decimals(printed.estimate)
    if any(given.meets(Range(end - last / 2, end + last / 2)) for end in (scale * exact, -scale * exact)):
        made = f"{a}/{n} - {c}/{m} = {scale * exact:.5g}; printed {printed.estimate}: of rounded percentages"
        yield Check(claim, name, ROUNDING_CONVENTION, made)
        return
    made = f"{a}/{n} - {c}/{m} = {scale * exact:.5g}; printed {printed.estimate}"
    yield Check(claim, name, INCONSISTENT, made, "major", f"{scale * abs(exact):.4g} for {printed.estimate}")


def _check_share_width(
    claim: str, printed: PrintedEffect, counts: tuple[int, int, int, int], scale: float
) -> Iterator[Check]:
    if printed.limits is None:
        return
    a, b, c, d = counts
    n, m = a + b, c + d
    share, other = a / n, c / m
    z = find_quantile(1 - float(printed.confidence) / 100)
    width = z * math.sqrt(share * (1 - share) / n + other * (1 - other) / m)
    corrected = width + (1 / n + 1 / m) / 2
    one = list_share_limits(a, n, printed.confidence)["wilson"]
    two = list_share_limits(c, m, printed.confidence)["wilson"]
    apart = share - other
    known = {
        "Wald": Range(apart - width, apart + width),
        "Wald with continuity correction": Range(apart - corrected, apart + corrected),
        "Newcombe": Range(
            apart - math.hypot(share - one.low, two.high - other),
            apart + math.hypot(one.high - share, other - two.low),
        ),
    }
    low, high = map(widen, printed.limits)
    name = "interval of the difference"
    rest = f"printed {' to '.join(printed.limits)}"
    for word, ends in known.items():
        for made in (ends, Range(-ends.high, -ends.low)):
            scaled = Range(made.low * scale, made.high * scale)
            if low.meets(Range(scaled.low, scaled.low)) and high.meets(Range(scaled.high, scaled.high)):
                yield Check(claim, name, CONSISTENT, f"{word} {_show_ends(scaled)}; {rest}")
                return
    wald = known["Wald"]
    words = f"Wald {_show_ends(Range(wald.low * scale, wald.high * scale))}; {rest}"
    yield Check(claim, name, CANNOT_BE_CHECKED, f"{words}: another method may give it")


def _find_tail(statistic: str, size: float, df: tuple[float, ...]) -> float:
    from scipy.special import chdtrc, fdtrc

    if statistic == "z":
        return find_p(size)
    if statistic == "t":
        return find_t_p(size, df[0])
    return float(chdtrc(df[0], size)) if statistic == "chi-squared" else float(fdtrc(df[0], df[1], size))


def _find_t_quantile(confidence: str) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(_FEWEST_DEGREES, 1 - (1 - float(confidence) / 100) / 2))


def _show_ends(numbers: Range) -> str:
    return f"{numbers.low:.4g} to {numbers.high:.4g}"
