"""Medians, means, quartiles and ranges: their order, and what whole numbers and counts say of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise

from cytopenia.published.check_model import (
    CANNOT_BE_CHECKED,
    CONSISTENT,
    INCONSISTENT,
    ROUNDING_CONVENTION,
    Check,
)
from cytopenia.published.printed_bounds import bound_number, can_be_at_most
from cytopenia.published.repairs import find_repairs
from cytopenia.published.share_checks import judge_print

__all__ = ["check_mean", "check_median_beside_count", "check_order"]

_IN_ORDER = ("minimum", "first_quartile", "median", "third_quartile", "maximum")


def check_order(claim: str, parts: Mapping[str, str]) -> Check:
    """Return whether minimum, quartiles, median and maximum rise.

    Examples
    --------
    >>> check_order("age", {"median": "46", "minimum": "21", "maximum": "72"}).verdict
    'consistent'
    >>> check_order("age", {"median": "46", "minimum": "51", "maximum": "72"}).repair
    '15 for 51 (minimum), or 64 for 46 (median)'
    """
    name = "median inside its range"
    given = {part: parts[part] for part in _IN_ORDER if part in parts}
    made = " <= ".join(f"{part.replace('_', ' ')} {text}" for part, text in given.items())
    if len(given) < 2:
        return Check(claim, name, CANNOT_BE_CHECKED, f"{made} alone")
    if _rises(given):
        return Check(claim, name, CONSISTENT, made)
    repairs = find_repairs(given, _rises)
    return Check(claim, name, INCONSISTENT, f"{made} does not hold", "major", ", or ".join(repairs))


def check_mean(claim: str, *, mean: str, of: int, items: int = 1) -> Check:
    """Return whether whole numbers of so many patients can have a printed mean (the GRIM test).

    Each patient's number may itself be the mean of several `items`.

    References
    ----------
    Brown NJL, Heathers JAJ. The GRIM test. Soc Psychol Personal Sci 2017;8:363. DOI 10.1177/1948550616673876.

    Examples
    --------
    >>> check_mean("days", mean="5.19", of=28).verdict
    'inconsistent'
    >>> check_mean("days", mean="5.18", of=28).arithmetic
    '145 / 28 = 5.17857; printed 5.18'
    """
    name = "a mean of whole numbers"
    if of == 0:
        return Check(claim, name, INCONSISTENT, "0 patients have no mean", "minor")
    size = of * items
    middle = Decimal(mean) * size
    sums = sorted(range(math.floor(middle) - 1, math.ceil(middle) + 2), key=lambda near: abs(near - middle))
    for verdict in (CONSISTENT, ROUNDING_CONVENTION):
        for total in sums:
            exact = Decimal(total) / size
            if judge_print(mean, exact) == verdict:
                cut = ": cut off, not rounded" if verdict == ROUNDING_CONVENTION else ""
                return Check(claim, name, verdict, f"{total} / {size} = {exact:.6g}; printed {mean}{cut}")
    ends = (math.floor(middle), math.ceil(middle))
    near = " and ".join(f"{total} / {size} = {Decimal(total) / size:.6g}" for total in ends)
    return Check(claim, name, INCONSISTENT, f"no sum of {size} whole numbers prints {mean}: {near}", "minor")


def check_median_beside_count(
    claim: str, *, median: str, count: int, of: int, side: str, limit: str | None
) -> Check:
    """Return whether a median fits the number of patients on one side of a limit.

    More than half of the patients below a limit have a median below it, fewer than half one that is not.
    Without a limit, what the two say about it is told: it is a limit that the paper used and does not print.

    Parameters
    ----------
    median : str
    count, of : int
        Patients on that side of the limit, and all of whom the median is.
    side : {"below", "at or below", "above", "at or above"}
    limit : str or None

    Examples
    --------
    >>> found = check_median_beside_count("hb", median="114", count=22, of=63, side="below", limit=None)
    >>> found.arithmetic
    '22 of 63 below, fewer than half: the limit is at most the median, 114'
    >>> check_median_beside_count("anc", median="1.2", count=48, of=63, side="below", limit="1.0").verdict
    'inconsistent'
    """
    name = "count beside the median"
    is_low = side in ("below", "at or below")
    half = Decimal(of) / 2
    fewer, more = count < half, count > half
    # With exactly half on one side, an even number of patients has its median between two values.
    share = "fewer than half" if fewer else "more than half" if more else "half"
    is_limit_below = fewer == is_low
    made = f"{count} of {of} {side}, {share}"
    if not fewer and not more:
        return Check(claim, name, CANNOT_BE_CHECKED, f"{made}: the median lies at the limit")
    word = "at most" if is_limit_below else "at least"
    if limit is None:
        return Check(claim, name, CONSISTENT, f"{made}: the limit is {word} the median, {median}")
    bound = bound_number(median)
    fits = bound.high >= Decimal(limit) if is_limit_below else bound.low <= Decimal(limit)
    arithmetic = (
        f"{made}: the median is {'at least' if is_limit_below else 'at most'} {limit}; printed {median}"
    )
    if fits:
        return Check(claim, name, CONSISTENT, arithmetic)
    return Check(claim, name, INCONSISTENT, arithmetic, "major")


def _rises(parts: Mapping[str, str]) -> bool:
    texts = [parts[part] for part in _IN_ORDER if part in parts]
    return all(can_be_at_most(lower, upper) for lower, upper in pairwise(texts))
