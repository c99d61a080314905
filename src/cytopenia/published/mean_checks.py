"""Means with their spread: whole numbers behind them, their range, their interval, and tests of two means."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from cytopenia.published.check_model import CANNOT_BE_CHECKED, CONSISTENT, INCONSISTENT, Check
from cytopenia.published.printed_bounds import can_be_at_most
from cytopenia.published.ratio_triangle import Range, find_p, find_quantile, show_range, widen, widen_p
from cytopenia.published.share_checks import judge_print
from cytopenia.published.share_limits import check_inside

__all__ = ["PrintedMean", "TwoMeans", "check_means", "check_spread", "check_subtraction", "find_t_p"]

_MOST_SUMS = 2000
_LOSS = 1e-7
_FEWEST_VALUES = 3  # with fewer a difference has no degree of freedom
_NEAR = (0.6, 1.6)  # how far the width of an interval by another method lies from that by the normal one
_MOST_SMD_ROOM = 0.2


class PrintedMean(NamedTuple):
    """The printed texts of one mean; what is not printed is None."""

    mean: str
    sd: str | None = None
    se: str | None = None
    limits: tuple[str, str] | None = None
    minimum: str | None = None
    maximum: str | None = None
    confidence: str = "95"


class TwoMeans(NamedTuple):
    """The printed texts of two groups and of their difference."""

    means: tuple[str, str]
    spreads: tuple[str, str]
    sizes: tuple[int, int]
    is_se: bool = False
    difference: str | None = None
    smd: str | None = None
    p: str | None = None
    limits: tuple[str, str] | None = None
    confidence: str = "95"
    test: str | None = None


def check_spread(
    claim: str, printed: PrintedMean, of: int | None, *, is_whole: bool = False, items: int = 1
) -> list[Check]:
    """Return what the spread, the range and the interval of a mean say about each other.

    Parameters
    ----------
    claim : str
    printed : PrintedMean
    of : int or None
        How many values the mean is of.
    is_whole : bool
        Whether every value is a mean of `items` whole numbers.
    items : int

    References
    ----------
    Anaya J. The GRIMMER test. PeerJ Preprints 2016;4:e2400v1. DOI 10.7287/peerj.preprints.2400v1.

    Examples
    --------
    >>> found = check_spread("points", PrintedMean("3.5", "2.56"), 10, is_whole=True)
    >>> [(check.check, check.verdict) for check in found]
    [('a standard deviation of whole numbers', 'inconsistent')]
    """
    checks: list[Check] = []
    if printed.sd is not None and widen(printed.sd).high < 0:
        made = f"{printed.sd} is below 0"
        checks.append(Check(claim, "standard deviation", INCONSISTENT, made, "minor"))
    elif printed.sd is not None and of is not None and of > 1:
        if is_whole:
            checks += _check_whole_spread(claim, printed.mean, printed.sd, (of, items))
        checks += _check_standard_error(claim, printed, of)
    checks += _check_range(claim, printed, of)
    if printed.limits is not None:
        checks.append(check_inside(claim, estimate=printed.mean, limits=printed.limits))
        if checks[-1].verdict == CONSISTENT and of is not None and of > 1:
            checks += _check_width(claim, printed, of)
    return checks


def check_means(claim: str, printed: TwoMeans) -> list[Check]:
    """Return whether the P value, the difference and its interval are those of two printed means.

    Examples
    --------
    >>> found = check_means("age", TwoMeans(("60.1", "55.0"), ("10.2", "9.8"), (40, 38), p="0.027"))
    >>> found[0].verdict, found[0].arithmetic
    ('consistent', 'Student t 2.162 to 2.328, P 0.0226 to 0.0338; printed 0.027')
    """
    errors = _list_errors(printed)
    apart = _subtract(*(widen(text) for text in printed.means))
    checks: list[Check] = []
    if printed.difference is not None:
        checks.append(check_subtraction(claim, printed.difference, printed.means))
    if not errors:
        why = "a group with fewer than two patients has no spread"
        return [*checks, Check(claim, "P of two means", CANNOT_BE_CHECKED, why)]
    if printed.p is not None:
        checks.append(_check_p(claim, printed, apart, errors))
    if printed.limits is not None:
        checks.append(check_inside(claim, estimate=printed.difference, limits=printed.limits))
        if checks[-1].verdict == CONSISTENT:
            checks.append(_check_difference_width(claim, printed, errors))
    if printed.smd is not None and not printed.is_se:
        checks.append(_check_smd(claim, printed, apart))
    return checks


def check_subtraction(claim: str, difference: str, of: tuple[str, str]) -> Check:
    """Return whether a difference is that of two printed numbers, in either order.

    Examples
    --------
    >>> (
    ...     check_subtraction("a", "5.1", ("60.1", "55.0")).verdict,
    ...     check_subtraction("a", "6.1", ("60.0", "55.0")).verdict,
    ... )
    ('consistent', 'inconsistent')
    """
    name = "difference of two numbers"
    apart = _subtract(*(widen(text) for text in of))
    made = f"{of[0]} - {of[1]} = {show_range(apart)}; printed {difference}"
    given = widen(difference)
    if given.meets(apart):
        return Check(claim, name, CONSISTENT, made)
    if given.meets(Range(-apart.high, -apart.low)):
        return Check(claim, name, CONSISTENT, f"{made}: the second less the first")
    exact = abs(Decimal(of[0].lstrip("<>= ")) - Decimal(of[1].lstrip("<>= ")))
    return Check(claim, name, INCONSISTENT, made, "major", f"{exact:f} for {difference.lstrip('-')}")


def _check_whole_spread(claim: str, mean: str, sd: str, size: tuple[int, int]) -> Iterator[Check]:
    """Sums of squares are whole numbers, and odd where the sum is odd (the GRIMMER test)."""
    n, items = size
    name = "a standard deviation of whole numbers"
    means, spread = widen(mean), widen(sd)
    near = range(math.floor(means.low * n * items), math.ceil(means.high * n * items) + 1)
    if len(near) > _MOST_SUMS:
        return
    sums = [total for total in near if judge_print(mean, Decimal(total) / (n * items)) != INCONSISTENT]
    if not sums:
        return  # told by the mean itself
    low, high = max(spread.low, 0.0) * items, spread.high * items
    for divisor in (n - 1, n):
        for total in sums:
            least, most = (total * total / n + divisor * end * end for end in (low, high))
            whole, left = divmod(total, n)
            smallest = (n - left) * whole * whole + left * (whole + 1) ** 2
            first = max(math.ceil(least - _LOSS), smallest)
            first += (first - total) % 2
            if first <= most + _LOSS:
                made = f"sum {total} and sum of squares {first} of {n} numbers; printed {mean} ({sd})"
                if divisor == n:
                    words = f"{made}: only if it is divided by n, and not by n - 1"
                    yield Check(claim, name, CANNOT_BE_CHECKED, words)
                else:
                    yield Check(claim, name, CONSISTENT, made)
                return
    made = f"no {n} whole numbers with the mean {mean} have the standard deviation {sd}"
    yield Check(claim, name, INCONSISTENT, made, "minor")


def _check_standard_error(claim: str, printed: PrintedMean, of: int) -> Iterator[Check]:
    if printed.se is None or printed.sd is None:
        return
    name = "standard error of the mean"
    made = Range(*(end / math.sqrt(of) for end in widen(printed.sd)))
    words = f"{printed.sd} / root of {of} = {show_range(made)}; printed {printed.se}"
    verdict = CONSISTENT if made.meets(widen(printed.se)) else INCONSISTENT
    yield Check(claim, name, verdict, words, "" if verdict == CONSISTENT else "minor")


def _check_range(claim: str, printed: PrintedMean, of: int | None) -> Iterator[Check]:
    low, high = printed.minimum, printed.maximum
    ends = [text for text in (low, printed.mean, high) if text is not None]
    if len(ends) < 2:
        return
    name = "mean inside its range"
    words = " <= ".join(ends)
    if not all(can_be_at_most(one, other) for one, other in pairwise(ends)):
        yield Check(claim, name, INCONSISTENT, f"{words} does not hold", "major")
        return
    yield Check(claim, name, CONSISTENT, words)
    if printed.sd is None or low is None or high is None or of is None or of < 2:
        return
    mean, least, most = widen(printed.mean), widen(low), widen(high)
    # The spread is largest where every value lies at one end of the range.
    width = max((most.high - center) * (center - least.low) for center in _list_centers(mean, least, most))
    largest = math.sqrt(max(width, 0.0) * of / (of - 1))
    smallest = max(most.low - least.high, 0.0) / math.sqrt(2 * (of - 1))
    spread = widen(printed.sd)
    made = f"{of} values from {low} to {high}: standard deviation {smallest:.4g} to {largest:.4g}"
    fits = spread.meets(Range(smallest, largest))
    words = f"{made}; printed {printed.sd}"
    name = "standard deviation that the range allows"
    yield Check(claim, name, CONSISTENT if fits else INCONSISTENT, words, "" if fits else "major")


def _list_centers(mean: Range, least: Range, most: Range) -> tuple[float, float, float]:
    middle = min(max((least.low + most.high) / 2, mean.low), mean.high)
    return mean.low, middle, mean.high


def _check_width(claim: str, printed: PrintedMean, of: int) -> Iterator[Check]:
    """The interval of a mean against its standard error."""
    if printed.limits is None or (printed.sd is None and printed.se is None):
        return
    name = "interval of the mean"
    errors = (
        widen(printed.se)
        if printed.se is not None
        else Range(*(end / math.sqrt(of) for end in widen(printed.sd or "")))
    )
    half = _half(printed.limits)
    quantiles = _list_quantiles(printed.confidence, of - 1)
    made = Range(min(quantiles) * errors.low, max(quantiles) * errors.high)
    words = f"{show_range(made)} on either side of {printed.mean}; printed {' to '.join(printed.limits)}"
    middle = Range(*(sum(pair) / 2 for pair in zip(*map(widen, printed.limits), strict=True)))
    if half.meets(made) and middle.meets(widen(printed.mean)):
        yield Check(claim, name, CONSISTENT, words)
    elif half.meets(Range(made.low * _NEAR[0], made.high * _NEAR[1])):
        made_of = f"{words}: no interval of the normal or the t distribution, but another method may give it"
        yield Check(claim, name, CANNOT_BE_CHECKED, made_of)
    else:
        repair = _name_spread(printed, half, quantiles)
        yield Check(claim, name, INCONSISTENT, words, "major", repair)


def _name_spread(printed: PrintedMean, half: Range, quantiles: tuple[float, float]) -> str:
    """What is printed as a standard deviation may be the standard error, or the interval that of values."""
    if printed.sd is None:
        return ""
    spread = widen(printed.sd)
    fits = half.meets(Range(min(quantiles) * spread.low, max(quantiles) * spread.high))
    if not fits:
        return ""
    return f"{printed.sd} is the standard error, or the limits are those of single values and not of the mean"


def _list_errors(printed: TwoMeans) -> dict[str, tuple[Range, float]]:
    """The standard error of the difference and its degrees of freedom, by Student and by Welch."""
    n, m = printed.sizes
    if min(n, m) < 2:
        return {}
    spreads = [Range(max(found.low, 0.0), found.high) for found in map(widen, printed.spreads)]
    if printed.is_se:
        spreads = [
            Range(*(end * math.sqrt(size) for end in spread))
            for spread, size in zip(spreads, (n, m), strict=True)
        ]
    one, two = spreads

    def pool(first: float, second: float) -> float:
        return math.sqrt(((n - 1) * first**2 + (m - 1) * second**2) / (n + m - 2) * (1 / n + 1 / m))

    def add(first: float, second: float) -> float:
        return math.sqrt(first**2 / n + second**2 / m)

    middle = (sum(one) / 2, sum(two) / 2)
    shares = (middle[0] ** 2 / n, middle[1] ** 2 / m)
    under = shares[0] ** 2 / (n - 1) + shares[1] ** 2 / (m - 1)
    degrees = sum(shares) ** 2 / under if under else n + m - 2
    return {
        "Student": (Range(pool(one.low, two.low), pool(one.high, two.high)), float(n + m - 2)),
        "Welch": (Range(add(one.low, two.low), add(one.high, two.high)), degrees),
    }


def _check_p(claim: str, printed: TwoMeans, apart: Range, errors: dict[str, tuple[Range, float]]) -> Check:
    name = "P of two means"
    p = printed.p or ""
    far, near = max(abs(apart.low), abs(apart.high)), 0.0
    if apart.low > 0 or apart.high < 0:
        near = min(abs(apart.low), abs(apart.high))
    said: dict[str, str] = {}
    for word, (error, degrees) in errors.items():
        t = Range(near / error.high if error.high else 0.0, far / error.low if error.low else math.inf)
        found = Range(find_t_p(t.high, degrees), find_t_p(t.low, degrees))
        said[word] = f"{word} t {show_range(t)}, P {show_range(found, 3)}"
        wanted = {"student": "Student", "welch": "Welch"}.get(printed.test or "", word)
        if word == wanted and (widen_p(p).meets(found) or widen_p(p).meets(Range(*map(find_p, t[::-1])))):
            return Check(claim, name, CONSISTENT, f"{said[word]}; printed {p}")
    words = f"{'; '.join(said.values())}; printed {p}"
    if printed.test in ("t", "student", "welch"):
        return Check(claim, name, INCONSISTENT, words, "major")
    why = "a paired test is of the pairs" if printed.test == "paired" else "another test may give it"
    return Check(claim, name, CANNOT_BE_CHECKED, f"{words}: {why}")


def _check_difference_width(claim: str, printed: TwoMeans, errors: dict[str, tuple[Range, float]]) -> Check:
    name = "interval of the difference"
    half = _half(printed.limits or ("0", "0"))
    made: list[Range] = []
    for error, degrees in errors.values():
        quantiles = _list_quantiles(printed.confidence, degrees)
        made.append(Range(min(quantiles) * error.low, max(quantiles) * error.high))
    student, welch = map(show_range, made)
    words = f"{student} (Student) or {welch} (Welch) on either side; printed {show_range(half)}"
    if any(half.meets(width) for width in made):
        return Check(claim, name, CONSISTENT, words)
    return Check(claim, name, CANNOT_BE_CHECKED, f"{words}: an adjusted or a paired difference may have it")


def _check_smd(claim: str, printed: TwoMeans, apart: Range) -> Check:
    name = "standardized difference of means"
    n, m = printed.sizes
    one, two = (Range(max(found.low, 0.0), found.high) for found in map(widen, printed.spreads))

    def pool(first: float, second: float) -> float:
        return math.sqrt(((n - 1) * first**2 + (m - 1) * second**2) / (n + m - 2))

    scales = [
        Range(pool(one.low, two.low), pool(one.high, two.high)),
        Range(*(math.sqrt((first**2 + second**2) / 2) for first, second in zip(one, two, strict=True))),
        *(one, two),
    ]
    known = [_divide(apart, scale) for scale in scales]
    shrunk = 1 - 3 / (4 * (n + m) - 9) if n + m > _FEWEST_VALUES else 1.0
    known.append(Range(*sorted(end * shrunk for end in known[0])))
    given = widen(printed.smd or "")
    known += [Range(-found.high, -found.low) for found in known]
    words = f"difference over the pooled spread {show_range(known[0])}; printed {printed.smd}"
    if any(given.meets(found) for found in known):
        return Check(claim, name, CONSISTENT, words)
    room = (1 - _MOST_SMD_ROOM, 1 + _MOST_SMD_ROOM)
    wide = [Range(*sorted(end * share for share in room)) for found in known for end in found]
    if any(given.meets(found) for found in wide):
        return Check(claim, name, CANNOT_BE_CHECKED, f"{words}: another kind of spread may give it")
    return Check(claim, name, INCONSISTENT, words, "major")


def _divide(apart: Range, scale: Range) -> Range:
    ends = [top / under if under else math.copysign(math.inf, top) for top in apart for under in scale]
    return Range(min(ends), max(ends))


def find_t_p(t: float, degrees: float) -> float:
    """Return the two-sided P of Student's t.

    Examples
    --------
    >>> round(find_t_p(2.0, 10), 5)
    0.07339
    """
    from scipy.special import stdtr

    return 2 * float(stdtr(degrees, -abs(t))) if math.isfinite(t) else 0.0


def _list_quantiles(confidence: str, degrees: float) -> tuple[float, float]:
    """The quantile of the normal distribution, and that of t."""
    from scipy.special import stdtrit

    alpha = 1 - float(confidence) / 100
    return find_quantile(alpha), float(stdtrit(degrees, 1 - alpha / 2))


def _half(limits: tuple[str, str]) -> Range:
    low, high = map(widen, limits)
    return Range(max((high.low - low.high) / 2, 0.0), (high.high - low.low) / 2)


def _subtract(first: Range, second: Range) -> Range:
    return Range(first.low - second.high, first.high - second.low)
