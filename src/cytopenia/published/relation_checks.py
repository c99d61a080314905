"""What must hold between printed numbers: sums, subgroups, repeats, directions, medians beside counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from cytopenia.published.check_model import (
    CANNOT_BE_CHECKED,
    CONSISTENT,
    INCONSISTENT,
    ROUNDING_CONVENTION,
    Check,
)
from cytopenia.published.claim_forms import CountPercentClaim, DirectionAndSignificanceClaim, OddsRatioClaim
from cytopenia.published.group_relations import check_order_of_numbers, check_percent_sum, check_pooled
from cytopenia.published.paper_index import PaperIndex
from cytopenia.published.printed_bounds import bound_number, count_decimals
from cytopenia.published.printed_numbers import flip_side, is_significant
from cytopenia.published.relation_forms import (
    ComparisonRelation,
    DirectionRelation,
    MedianCountRelation,
    OrderRelation,
    PartitionRelation,
    PercentSumRelation,
    PooledRelation,
    Relation,
    SameRelation,
    SignificanceRelation,
    SubsetRelation,
)
from cytopenia.published.share_checks import judge_print
from cytopenia.published.spread_checks import check_median_beside_count

__all__ = ["check_relation"]


def check_relation(relation: Relation, index: PaperIndex, level: Decimal) -> Check:
    """Return whether a relation between claims holds.

    Parameters
    ----------
    relation : Relation
    index : PaperIndex
        The claims of the paper.
    level : Decimal
        Of significance.

    Examples
    --------
    >>> from cytopenia.published.relation_forms import PartitionRelation
    >>> relation = PartitionRelation(
    ...     id="sexes", where="Results", about="Sex", kind="partition", parts=("45", "18"), whole="63"
    ... )
    >>> check_relation(relation, PaperIndex([]), Decimal("0.05")).arithmetic
    '45 + 18 = 63; whole 63'
    """
    return _CHECKS[type(relation)](relation, index, level)


def _refuse(relation: Relation, name: str, why: str) -> Check:
    return Check(relation.id, name, CANNOT_BE_CHECKED, why)


def _check_partition(relation: PartitionRelation, index: PaperIndex, _: Decimal) -> Check:
    name = "parts of a whole"
    counts = [index.count(part) for part in relation.parts]
    whole = index.count(relation.whole)
    if whole is None or None in counts:
        return _refuse(relation, name, "not every part is printed as a count")
    known = [count for count in counts if count is not None]
    total = sum(known)
    made = f"{' + '.join(map(str, known))} = {total}; whole {whole}"
    missing = int(relation.missing)
    if 0 <= whole - total <= missing:
        rest = f", {whole - total} in none of them" if whole > total else ""
        return Check(relation.id, name, CONSISTENT, f"{made}{rest}")
    repairs = [
        f"{whole - total + count} for {count}" for count in dict.fromkeys(known) if whole - total + count >= 0
    ]
    repair = " or ".join([*repairs, f"{total} for {whole} (whole)"])
    return Check(relation.id, name, INCONSISTENT, made, "major", repair)


def _check_subset(relation: SubsetRelation, index: PaperIndex, _: Decimal) -> Check:
    name = "part within a whole"
    part, whole = index.count(relation.part), index.count(relation.whole)
    if part is None or whole is None:
        return _refuse(relation, name, "both need a printed count")
    made = f"{part} of {whole}"
    if part <= whole:
        return Check(relation.id, name, CONSISTENT, made)
    return Check(relation.id, name, INCONSISTENT, f"{made}: more than the whole", "major")


def _check_same(relation: SameRelation, index: PaperIndex, _: Decimal) -> Check:
    name = "the same number in several places"
    texts = {address: index.part(address) for address in relation.numbers}
    if None in texts.values():
        return _refuse(relation, name, "not every number is printed")
    printed = [text for text in texts.values() if text is not None]
    made = ", ".join(f"{text} ({address})" for address, text in texts.items())
    finest = max(printed, key=count_decimals)
    verdicts = {judge_print(text, Decimal(finest.lstrip("<>= "))) for text in printed}
    if verdicts == {CONSISTENT}:
        return Check(relation.id, name, CONSISTENT, made)
    if INCONSISTENT not in verdicts:
        return Check(relation.id, name, ROUNDING_CONVENTION, f"{made}: cut off, not rounded")
    return Check(relation.id, name, INCONSISTENT, made, "minor")


def _check_comparison(relation: ComparisonRelation, index: PaperIndex, _: Decimal) -> Check:
    name = "which number is higher"
    first, second = index.part(relation.first), index.part(relation.second)
    if first is None or second is None:
        return _refuse(relation, name, "both numbers must be printed")
    one, other = bound_number(first), bound_number(second)
    made = f"{first} is said to be {relation.stated} than {second}"
    if relation.stated == "lower":
        one, other = other, one
    if one.high > other.low:
        return Check(relation.id, name, CONSISTENT, made)
    return Check(relation.id, name, INCONSISTENT, made, "major", "exchange the groups, or the word")


def _check_direction(relation: DirectionRelation, index: PaperIndex, _: Decimal) -> Check:
    name = "direction of the ratio"
    claim = index.find(relation.ratio)
    if not isinstance(claim, OddsRatioClaim | DirectionAndSignificanceClaim) or claim.odds_ratio is None:
        return _refuse(relation, name, "the claim prints no ratio")
    bound = bound_number(claim.odds_ratio)
    label = f" at {claim.label}" if claim.label else ""
    made = f"{claim.measure} {claim.odds_ratio}{label}; the text says {relation.stated}"
    if bound.low < 1 < bound.high:
        return Check(relation.id, name, CANNOT_BE_CHECKED, f"{made}: the printed ratio is 1")
    word = "higher" if bound.low >= 1 else "lower"
    if word == relation.stated:
        return Check(relation.id, name, CONSISTENT, made)
    other = flip_side(claim.label) if claim.label else ""
    repair = (
        f"{other} for {claim.label}, or the reciprocal of the ratio"
        if other
        else "the reciprocal of the ratio"
    )
    return Check(relation.id, name, INCONSISTENT, made, "major", repair)


def _check_significance(relation: SignificanceRelation, index: PaperIndex, level: Decimal) -> Check:
    name = "P value against the text"
    p = index.part(f"{relation.p}.p")
    if p is None:
        return _refuse(relation, name, "the claim prints no P value")
    said = "associated" if is_significant(p, level) else "not associated"
    made = f"P {p} at the level {level}; the text says {relation.stated}"
    if said == relation.stated:
        return Check(relation.id, name, CONSISTENT, made)
    return Check(relation.id, name, INCONSISTENT, made, "major")


def _check_median_count(relation: MedianCountRelation, index: PaperIndex, _: Decimal) -> Check:
    median = index.part(f"{relation.median}.median")
    claim = index.find(relation.count)
    count = index.count(relation.count)
    of = index.count(claim.of) if isinstance(claim, CountPercentClaim) else None
    if median is None or count is None or of is None:
        why = "the median, the count and what it is of must be printed"
        return _refuse(relation, "count beside the median", why)
    return check_median_beside_count(
        relation.id, median=median, count=count, of=of, side=relation.side, limit=relation.limit
    )


_CHECKS: Mapping[type[Any], Callable[[Any, PaperIndex, Decimal], Check]] = {
    PartitionRelation: _check_partition,
    SubsetRelation: _check_subset,
    SameRelation: _check_same,
    ComparisonRelation: _check_comparison,
    DirectionRelation: _check_direction,
    SignificanceRelation: _check_significance,
    MedianCountRelation: _check_median_count,
    PercentSumRelation: lambda relation, index, _: check_percent_sum(relation, index),
    OrderRelation: lambda relation, index, _: check_order_of_numbers(relation, index),
    PooledRelation: lambda relation, index, _: check_pooled(relation, index),
}
