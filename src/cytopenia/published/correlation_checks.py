"""A printed correlation: between -1 and 1, and its P value and interval those of so many pairs."""

from __future__ import annotations

import math

from cytopenia.published.additive_checks import PrintedEffect
from cytopenia.published.check_model import CANNOT_BE_CHECKED, CONSISTENT, INCONSISTENT, Check
from cytopenia.published.mean_checks import find_t_p
from cytopenia.published.ratio_triangle import Range, find_p, find_quantile, show_range, widen, widen_p
from cytopenia.published.share_limits import check_inside

__all__ = ["check_correlation"]

_FEWEST_PAIRS = 4
# Ranks with ties, or one more variable held: a part of a normal quantile, and a share of it.
_RANK_ROOM = (0.6, 0.3)


def check_correlation(
    claim: str,
    printed: PrintedEffect,
    *,
    of: int | None,
    method: str | None = None,
    r_squared: str | None = None,
) -> list[Check]:
    """Return whether a coefficient is one, and whether its P value and interval are those of so many pairs.

    Examples
    --------
    >>> [check.verdict for check in check_correlation("a", PrintedEffect("0.31", None, "0.013"), of=63)]
    ['consistent', 'consistent']
    >>> [check.verdict for check in check_correlation("a", PrintedEffect("0.31", None, "0.31"), of=63)]
    ['consistent', 'inconsistent']
    """
    name = "coefficient between -1 and 1"
    r = widen(printed.estimate)
    if r.low > 1 or r.high < -1:
        return [Check(claim, name, INCONSISTENT, f"{printed.estimate} is no correlation", "major")]
    checks = [Check(claim, name, CONSISTENT, printed.estimate)]
    r = Range(max(r.low, -1.0), min(r.high, 1.0))
    if r_squared is not None:
        made = _square(r)
        fits = widen(r_squared).meets(made)
        words = f"square of {printed.estimate} {show_range(made)}; printed {r_squared}"
        checks.append(
            Check(claim, "square of r", CONSISTENT if fits else INCONSISTENT, words, "" if fits else "minor")
        )
    if printed.limits is not None:
        checks.append(check_inside(claim, estimate=printed.estimate, limits=printed.limits))
    if of is None or of < _FEWEST_PAIRS:
        return checks
    if printed.p is not None:
        checks.append(_check_correlation_p(claim, printed.p, r, (of, method)))
    if printed.limits is not None and checks[-1].verdict != INCONSISTENT:
        checks.append(_check_correlation_limits(claim, printed, of))
    return checks


def _check_correlation_p(claim: str, p: str, r: Range, size: tuple[int, str | None]) -> Check:
    of, method = size
    name = "P of the correlation"
    far = max(abs(r.low), abs(r.high))
    near = 0.0 if r.low <= 0 <= r.high else min(abs(r.low), abs(r.high))
    kendall = 3 * math.sqrt(of * (of - 1) / (2 * (2 * of + 5)))

    def find_students(size: float) -> float:
        return find_t_p(size * math.sqrt((of - 2) / (1 - size**2)), of - 2) if size < 1 else 0.0

    known = {
        "t": Range(find_students(far), find_students(near)),
        "Fisher z": Range(
            *(find_p(math.atanh(end) * math.sqrt(of - 3)) if end < 1 else 0.0 for end in (far, near))
        ),
        "normal": Range(*(find_p(end * math.sqrt(of - 1)) for end in (far, near))),
        "Kendall": Range(find_p(far * kendall), find_p(near * kendall)),
    }
    words = {"pearson": ("t", "Fisher z"), "kendall": ("Kendall",)}.get(method or "", tuple(known))
    if method == "spearman":
        words = ("t", "Fisher z", "normal")
    given = widen_p(p)
    shown = "; ".join(f"{word} P {show_range(known[word])}" for word in words[:1])
    fitting = [word for word in words if given.meets(known[word])]
    if fitting:
        return Check(claim, name, CONSISTENT, f"{fitting[0]} P {show_range(known[fitting[0]])}; printed {p}")
    low = min(find_quantile(known[word].high) for word in words)
    high = max(find_quantile(known[word].low) for word in words)
    room = Range(low * (1 - _RANK_ROOM[1]) - _RANK_ROOM[0], high * (1 + _RANK_ROOM[1]) + _RANK_ROOM[0])
    made = f"{of} pairs: {shown}; printed {p}"
    if method != "pearson" and Range(find_quantile(given.high), find_quantile(given.low)).meets(room):
        return Check(claim, name, CANNOT_BE_CHECKED, f"{made}: ranks with ties may give it")
    return Check(claim, name, INCONSISTENT, made, "major")


def _check_correlation_limits(claim: str, printed: PrintedEffect, of: int) -> Check:
    name = "interval of the correlation"
    r = widen(printed.estimate)
    quantile = find_quantile(1 - float(printed.confidence) / 100) / math.sqrt(of - 3)
    ends = [math.atanh(min(max(end, -0.999999), 0.999999)) for end in r]
    known = [
        [Range(*(math.tanh(end + side * quantile * factor) for end in ends)) for side in (-1, 1)]
        for factor in (1.0, math.sqrt(1.06), math.sqrt(1 + float(printed.estimate) ** 2 / 2))
    ]
    low, high = map(widen, printed.limits or ("0", "0"))
    fisher = Range(known[0][0].low, known[0][1].high)
    rest = f"printed {' to '.join(printed.limits or ())}"
    words = f"{of} pairs: {show_range(fisher)} by Fisher; {rest}"
    if any(low.meets(one) and high.meets(two) for one, two in known):
        return Check(claim, name, CONSISTENT, words)
    return Check(claim, name, CANNOT_BE_CHECKED, f"{words}: another method may give it")


def _square(r: Range) -> Range:
    far = max(abs(r.low), abs(r.high))
    near = 0.0 if r.low <= 0 <= r.high else min(abs(r.low), abs(r.high))
    return Range(near**2, far**2)
