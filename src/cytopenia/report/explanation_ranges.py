"""Ranges of values with their answers as they are printed: merged, in few digits, true to the last digit."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from cytopenia.grading.explain import Answer, AnswerRange

__all__ = ["PrintedRange", "print_ranges"]

# What was measured, and cuts, are printed in full; what was computed from them with three digits.
_FULL, _SHORT = 12, 3


@dataclass(frozen=True, kw_only=True)
class PrintedRange:
    """Values with the same answer in words; the ends are as printed (`high` None: no upper end)."""

    low: float
    high: float | None
    includes_low: bool
    includes_high: bool
    words: str


def print_ranges(
    ranges: Sequence[AnswerRange], say: Callable[[Answer], str], *, given: Collection[float]
) -> list[PrintedRange]:
    """Return ranges as they are printed; each holds only values of the range it stands for.

    Parameters
    ----------
    ranges : sequence of AnswerRange
        Lowest first.
    say : callable
        The words of an answer. Adjacent ranges with the same words become one.
    given : collection of float
        Ends that nobody computed; they stay as they are.

    Notes
    -----
    A computed end is rounded to three digits into its range, so values between two printed ends may be left
    out, and so may a range that holds no number of three digits.

    Examples
    --------
    >>> answer = Answer(policy=4, best=4, worst=4, label=None, possible_labels=None, decided=True)
    >>> low = AnswerRange(low=0, high=0.33061, includes_low=True, includes_high=False, answer=answer)
    >>> (printed,) = print_ranges([low], lambda answer: f"grade {answer.policy}", given=())
    >>> printed.high, printed.includes_high, printed.words
    (0.33, True, 'grade 4')
    """
    merged = _merge([_name(one, say(one.answer)) for one in ranges])
    return [rounded for one in merged if _holds_any(rounded := _round(one, given))]


def _name(one: AnswerRange, words: str) -> PrintedRange:
    return PrintedRange(
        low=one.low,
        high=one.high,
        includes_low=one.includes_low,
        includes_high=one.includes_high,
        words=words,
    )


def _merge(ranges: Sequence[PrintedRange]) -> Iterator[PrintedRange]:
    """Ranges in a row with the same words as one, unless a value between them belongs to neither."""
    held: PrintedRange | None = None
    for one in ranges:
        if held is not None and held.words == one.words and _touches(held, one):
            held = replace(held, high=one.high, includes_high=one.includes_high)
            continue
        if held is not None:
            yield held
        held = one
    if held is not None:
        yield held


def _touches(lower: PrintedRange, upper: PrintedRange) -> bool:
    return lower.high == upper.low and (lower.includes_high or upper.includes_low)


def _round(one: PrintedRange, given: Collection[float]) -> PrintedRange:
    low, includes_low = _round_end(one.low, ROUND_CEILING, one.includes_low, given)
    if one.high is None:
        return replace(one, low=low, includes_low=includes_low)
    high, includes_high = _round_end(one.high, ROUND_FLOOR, one.includes_high, given)
    return replace(one, low=low, includes_low=includes_low, high=high, includes_high=includes_high)


def _round_end(end: float, direction: str, includes: bool, given: Collection[float]) -> tuple[float, bool]:
    """An end and whether it belongs to the range: a number that was moved into the range does."""
    full = float(f"{end:.{_FULL}g}")
    is_full = math.isclose(full, end, rel_tol=1e-14, abs_tol=0.0)
    if is_full and (end in given or full == float(f"{full:.{_SHORT}g}")):
        return full, includes
    number = Decimal(repr(end))
    digit = Decimal(1).scaleb(number.adjusted() - _SHORT + 1)
    return float(number.quantize(digit, rounding=direction)), True


def _holds_any(one: PrintedRange) -> bool:
    if one.high is None or one.low < one.high:
        return True
    return one.low == one.high and one.includes_low and one.includes_high
