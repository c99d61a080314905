"""Printed percentages and quotients against the counts they are of."""

from __future__ import annotations

from decimal import Context, Decimal

from cytopenia.published.category_counts import find_category_counts
from cytopenia.published.check_model import (
    CANNOT_BE_CHECKED,
    CONSISTENT,
    INCONSISTENT,
    ROUNDING_CONVENTION,
    Check,
    CheckVerdict,
)
from cytopenia.published.printed_bounds import bound_number, count_decimals

__all__ = ["check_impossible_percent", "check_percent", "check_quotient", "judge_print"]

_WIDE = Context(prec=60)
_HUNDRED = Decimal(100)
_MOST_MISSING = 5  # a repair that needs more patients without a value is no longer a small one


def judge_print(printed: str, number: Decimal) -> CheckVerdict:
    """Return how a number gives a print: rounded, cut off there, or not at all.

    Examples
    --------
    >>> judge_print("76.19", Decimal(4800) / 63), judge_print("25.39", Decimal(1600) / 63)
    ('consistent', 'rounding convention')
    >>> judge_print("25.41", Decimal(1600) / 63)
    'inconsistent'
    """
    if bound_number(printed, "rounded").holds(number):
        return CONSISTENT
    return ROUNDING_CONVENTION if bound_number(printed, "truncated").holds(number) else INCONSISTENT


def check_percent(claim: str, *, count: int, of: int, percent: str) -> Check:
    """Return whether a printed percentage is that of a count.

    Examples
    --------
    >>> check_percent("males", count=45, of=63, percent="71.42").arithmetic
    '100 x 45 / 63 = 71.4286; printed 71.42: cut off, not rounded (71.43)'
    """
    name = "percentage of the count"
    if of == 0:
        return Check(claim, name, INCONSISTENT, f"{count} of 0 patients have no percentage", "minor")
    if count > of:
        return Check(claim, name, INCONSISTENT, f"{count} of {of} patients: more than there are", "major")
    exact = _WIDE.divide(_HUNDRED * count, Decimal(of))
    verdict = judge_print(percent, exact)
    made = f"100 x {count} / {of} = {_show(exact)}; printed {percent}"
    rounded = _round_like(exact, percent)
    if verdict == CONSISTENT:
        return Check(claim, name, verdict, made)
    if verdict == ROUNDING_CONVENTION:
        return Check(claim, name, verdict, f"{made}: cut off, not rounded ({rounded})")
    if percent.startswith(("<", ">")):
        return Check(claim, name, verdict, made, "minor")
    repairs = [f"{rounded} for {percent}", *_other_counts(count, of, percent)]
    return Check(claim, name, verdict, made, "minor", "; or ".join(repairs))


def check_impossible_percent(claim: str, *, of: int, percent: str) -> Check:
    """Return whether any count of so many patients has a printed percentage.

    Examples
    --------
    >>> check_impossible_percent("a", of=60, percent="2.5").verdict
    'inconsistent'
    """
    name = "a count with this percentage"
    if percent.startswith(("<", ">")):
        return Check(claim, name, CANNOT_BE_CHECKED, f"{percent}% of {of} patients is no one percentage")
    if of == 0 or not _is_percent(percent):
        words = "0 patients have no percentage" if of == 0 else f"{percent} is no percentage"
        return Check(claim, name, INCONSISTENT, words, "minor")
    found = find_category_counts([percent], of, is_complete=False)
    if not found.count:
        near = _nearest_count(percent, of)
        around = " and ".join(f"{count}/{of} = {_show(_share(count, of))}" for count in near)
        arithmetic = f"no count of {of} patients prints {percent}%: {around}"
        return Check(claim, name, INCONSISTENT, arithmetic, "minor")
    counts = [str(group.counts[0]) for group in found.found]
    shown = counts[0] if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    verdict = CONSISTENT if found.convention == "rounded" else ROUNDING_CONVENTION
    return Check(claim, name, verdict, f"{shown} of {of} patients print {percent}%")


def check_quotient(claim: str, *, first: int, second: int, ratio: str) -> Check:
    """Return whether one count to another is as printed, such as 2.5 to 1.

    Examples
    --------
    >>> check_quotient("males_to_females", first=45, second=18, ratio="2.5").verdict
    'consistent'
    """
    name = "ratio of two counts"
    if second == 0:
        return Check(claim, name, CANNOT_BE_CHECKED, f"{first} to 0 has no quotient")
    exact = _WIDE.divide(Decimal(first), Decimal(second))
    verdict = judge_print(ratio, exact)
    made = f"{first} / {second} = {_show(exact)}; printed {ratio}"
    if verdict == INCONSISTENT:
        return Check(claim, name, verdict, made, "minor", f"{_round_like(exact, ratio)} for {ratio}")
    return Check(claim, name, verdict, made)


def _other_counts(count: int, of: int, percent: str) -> list[str]:
    """Repairs that leave the percentage: another count of the same patients, or patients without a value."""
    repairs: list[str] = []
    if not _is_percent(percent):
        return repairs
    found = find_category_counts([percent], of, is_complete=False)
    if found.count == 1:
        repairs.append(f"{found.found[0].counts[0]} for {count}")
    for lost in range(1, _MOST_MISSING + 1):
        if count <= of - lost and judge_print(percent, _share(count, of - lost)) == CONSISTENT:
            repairs.append(f"right of {of - lost} patients ({lost} without a value)")
            break
    return repairs


def _is_percent(text: str) -> bool:
    bound = bound_number(text)
    return bound.high > 0 and bound.low <= _HUNDRED


def _share(count: int, of: int) -> Decimal:
    return _WIDE.divide(_HUNDRED * count, Decimal(of))


def _nearest_count(percent: str, of: int) -> list[int]:
    middle = int(Decimal(percent) * of / _HUNDRED)
    return [count for count in (middle, middle + 1) if 0 <= count <= of]


def _round_like(exact: Decimal, printed: str) -> str:
    return format(exact.quantize(Decimal(1).scaleb(-count_decimals(printed)), context=_WIDE), "f")


def _show(exact: Decimal) -> str:
    return f"{exact:.6g}"
