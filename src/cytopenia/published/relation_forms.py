"""What must hold between printed numbers, one form per kind of relation."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field

from cytopenia.published.claim_parts import ClaimId, CountOrId, PrintedCount, PrintedNumber, ReferringForm

__all__ = [
    "RELATION_FORMS",
    "ComparisonRelation",
    "DirectionRelation",
    "MedianCountRelation",
    "PartitionRelation",
    "Relation",
    "SameRelation",
    "SignificanceRelation",
    "SubsetRelation",
]

# A claim and one of its parts, "table2_anc.median"; without a part, the first one that it prints.
PartAddress = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_ ]+)?$")]


class _Relation(ReferringForm):
    id: ClaimId
    where: str = Field(min_length=1)
    about: str = Field(min_length=1)
    note: str = ""


class PartitionRelation(_Relation):
    """Counts that add up to a whole; `missing` is at most how many are in none of the parts."""

    kind: Literal["partition"]
    parts: tuple[CountOrId, ...] = Field(min_length=2)
    whole: CountOrId
    missing: PrintedCount = "0"
    reference_names: ClassVar[tuple[str, ...]] = ("parts", "whole")


class SubsetRelation(_Relation):
    """A count of patients who are all among others."""

    kind: Literal["subset"]
    part: CountOrId
    whole: CountOrId
    reference_names: ClassVar[tuple[str, ...]] = ("part", "whole")


class SameRelation(_Relation):
    """One number that is printed at several places."""

    kind: Literal["same"]
    numbers: tuple[PartAddress, ...] = Field(min_length=2)
    reference_names: ClassVar[tuple[str, ...]] = ("numbers",)


class ComparisonRelation(_Relation):
    """One number is said to be higher, or lower, than another."""

    kind: Literal["comparison"]
    first: PartAddress
    second: PartAddress
    stated: Literal["higher", "lower"]
    reference_names: ClassVar[tuple[str, ...]] = ("first", "second")


class DirectionRelation(_Relation):
    """What the text says of the odds (or hazard) at the printed side of a ratio: higher, or lower."""

    kind: Literal["direction"]
    ratio: ClaimId
    stated: Literal["higher", "lower"]
    reference_names: ClassVar[tuple[str, ...]] = ("ratio",)


class SignificanceRelation(_Relation):
    """A factor is said to be associated, or not, and its P value is printed."""

    kind: Literal["significance"]
    p: ClaimId
    stated: Literal["associated", "not associated"]
    reference_names: ClassVar[tuple[str, ...]] = ("p",)


class MedianCountRelation(_Relation):
    """A median beside the number of patients below, or above, a limit.

    Both are of the same patients, whose number is the `of` of the count. Without `limit`, what the two
    numbers say about the limit that was used is told.
    """

    kind: Literal["median_count"]
    median: ClaimId
    count: ClaimId
    side: Literal["below", "at or below", "above", "at or above"]
    limit: PrintedNumber | None = None
    reference_names: ClassVar[tuple[str, ...]] = ("median", "count")


Relation = (
    PartitionRelation
    | SubsetRelation
    | SameRelation
    | ComparisonRelation
    | DirectionRelation
    | SignificanceRelation
    | MedianCountRelation
)

RELATION_FORMS: dict[str, type[Any]] = {
    get_args(form.model_fields["kind"].annotation)[0]: form for form in get_args(Relation)
}
