"""What must hold between printed numbers, one form per kind of relation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, get_args

from pydantic import Field

from cytopenia.definition_forms.checking import check
from cytopenia.published.claim_parts import (
    ClaimId,
    CountOrId,
    PartAddress,
    PrintedCount,
    PrintedNumber,
    ReferringForm,
)

__all__ = [
    "RELATION_FORMS",
    "ComparisonRelation",
    "DirectionRelation",
    "MedianCountRelation",
    "OrderRelation",
    "PartitionRelation",
    "PercentSumRelation",
    "PooledRelation",
    "Relation",
    "SameRelation",
    "SignificanceRelation",
    "SubsetRelation",
]


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


class PercentSumRelation(_Relation):
    """Percentages that add up to `whole`, each of them rounded or cut off by itself."""

    kind: Literal["percent_sum"]
    parts: tuple[PartAddress, ...] = Field(min_length=2)
    whole: PrintedNumber = "100"
    reference_names: ClassVar[tuple[str, ...]] = ("parts",)


class OrderRelation(_Relation):
    """Numbers that cannot rise, such as survival at later times, or cannot fall, such as incidences."""

    kind: Literal["order"]
    numbers: tuple[PartAddress, ...] = Field(min_length=2)
    stated: Literal["falling", "rising"]
    reference_names: ClassVar[tuple[str, ...]] = ("numbers",)


class PooledRelation(_Relation):
    """Means, or percentages, of groups that make up a whole; weighted with `of` they give its own."""

    kind: Literal["pooled"]
    parts: tuple[PartAddress, ...] = Field(min_length=2)
    of: tuple[CountOrId, ...] = Field(min_length=2)
    whole: PartAddress
    reference_names: ClassVar[tuple[str, ...]] = ("parts", "of", "whole")

    @check
    def _has_a_size_for_each(self) -> Iterator[str]:
        if len(self.parts) != len(self.of):
            yield f"'parts' has {len(self.parts)} entries and 'of' {len(self.of)}; one size for each part"


class MedianCountRelation(_Relation):
    """A median beside the number of patients below, or above, a limit.

    Both are of the same patients, whose number is the `of` of the count. Without `limit`, what the two
    numbers say about the limit that was used is told; relations with the same `limit_name` speak of one
    limit, and what all of them leave of it is told once more.
    """

    kind: Literal["median_count"]
    median: ClaimId
    count: ClaimId
    side: Literal["below", "at or below", "above", "at or above"]
    limit: PrintedNumber | None = None
    limit_name: str = ""
    reference_names: ClassVar[tuple[str, ...]] = ("median", "count")


Relation = (
    PartitionRelation
    | SubsetRelation
    | SameRelation
    | ComparisonRelation
    | DirectionRelation
    | SignificanceRelation
    | PercentSumRelation
    | OrderRelation
    | PooledRelation
    | MedianCountRelation
)

RELATION_FORMS: dict[str, type[Any]] = {
    get_args(form.model_fields["kind"].annotation)[0]: form for form in get_args(Relation)
}
