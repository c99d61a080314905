"""What must hold of several printed numbers together: percentages of a whole, an order, a weighted mean."""

from __future__ import annotations

from itertools import pairwise

from cytopenia.published.check_model import CANNOT_BE_CHECKED, CONSISTENT, INCONSISTENT, Check
from cytopenia.published.paper_index import PaperIndex
from cytopenia.published.printed_bounds import can_be_at_most
from cytopenia.published.ratio_triangle import Range, show_range, widen
from cytopenia.published.relation_forms import OrderRelation, PercentSumRelation, PooledRelation

__all__ = ["check_order_of_numbers", "check_percent_sum", "check_pooled"]


def check_percent_sum(relation: PercentSumRelation, index: PaperIndex) -> Check:
    """Return whether percentages, each rounded or cut off by itself, add up to their whole.

    Examples
    --------
    >>> relation = PercentSumRelation(
    ...     id="a", where="T", about="A", kind="percent_sum", parts=("b.percent", "c.percent")
    ... )
    >>> check_percent_sum(relation, PaperIndex([])).verdict
    'cannot be checked'
    """
    name = "percentages of a whole"
    texts = _read(relation.parts, index)
    if texts is None:
        return Check(relation.id, name, CANNOT_BE_CHECKED, "not every percentage is printed")
    ranges = [widen(text) for text in texts]
    total = Range(sum(found.low for found in ranges), sum(found.high for found in ranges))
    made = f"{' + '.join(texts)} = {sum(float(text.lstrip('<>= ')) for text in texts):.6g}"
    words = f"{made}, with the digits' room {show_range(total)}; whole {relation.whole}"
    whole = float(relation.whole)
    if total.meets(Range(whole, whole)):
        return Check(relation.id, name, CONSISTENT, words)
    return Check(relation.id, name, INCONSISTENT, words, "minor")


def check_order_of_numbers(relation: OrderRelation, index: PaperIndex) -> Check:
    """Return whether numbers fall, or rise, as they must."""
    name = "numbers in their order"
    texts = _read(relation.numbers, index)
    if texts is None:
        return Check(relation.id, name, CANNOT_BE_CHECKED, "not every number is printed")
    rising = texts if relation.stated == "rising" else texts[::-1]
    for lower, upper in pairwise(rising):
        if not can_be_at_most(lower, upper):
            first, second = (lower, upper) if relation.stated == "rising" else (upper, lower)
            words = f"{', '.join(texts)}: {second} after {first} is not {relation.stated}"
            return Check(relation.id, name, INCONSISTENT, words, "major")
    return Check(relation.id, name, CONSISTENT, f"{', '.join(texts)}: {relation.stated}")


def check_pooled(relation: PooledRelation, index: PaperIndex) -> Check:
    """Return whether the numbers of groups, weighted with their sizes, give that of the whole."""
    name = "weighted mean of the groups"
    texts = _read((*relation.parts, relation.whole), index)
    sizes = [index.count(size) for size in relation.of]
    known = [size for size in sizes if size is not None]
    if texts is None or len(known) < len(sizes) or not sum(known):
        return Check(relation.id, name, CANNOT_BE_CHECKED, "not every number and size is printed")
    *parts, whole = texts
    ranges = [widen(text) for text in parts]
    n = sum(known)
    made = Range(
        sum(found.low * size for found, size in zip(ranges, known, strict=True)) / n,
        sum(found.high * size for found, size in zip(ranges, known, strict=True)) / n,
    )
    terms = " + ".join(f"{size} x {text}" for text, size in zip(parts, known, strict=True))
    words = f"({terms}) / {n} = {show_range(made)}; printed {whole}"
    if widen(whole).meets(made):
        return Check(relation.id, name, CONSISTENT, words)
    ends = [end for found in ranges for end in found]
    is_between = widen(whole).meets(Range(min(ends), max(ends)))
    if is_between:
        return Check(relation.id, name, INCONSISTENT, words, "minor")
    return Check(relation.id, name, INCONSISTENT, f"{words}: outside the groups", "major")


def _read(addresses: tuple[str, ...], index: PaperIndex) -> list[str] | None:
    found = [index.part(address) for address in addresses]
    texts = [text for text in found if text is not None]
    return texts if len(texts) == len(found) else None
