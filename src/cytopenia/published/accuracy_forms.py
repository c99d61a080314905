"""What a paper prints of a ROC curve and of a cut, one form per kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from cytopenia.definition_forms.checking import check
from cytopenia.published.claim_parts import (
    ClaimId,
    Confidence,
    CountOrId,
    PrintedClaim,
    PrintedCount,
    PrintedNumber,
    PrintedP,
    bracket,
    miss_limit,
)

__all__ = ["AccuracyClaim", "AreaClaim"]


class AreaClaim(PrintedClaim):
    """The area under a ROC curve; `events` and `others` are the patients of the two groups."""

    kind: Literal["area"]
    area: PrintedNumber
    low: PrintedNumber | None = None
    high: PrintedNumber | None = None
    p: PrintedP | None = None
    confidence: Confidence = "95"
    events: CountOrId | None = None
    others: CountOrId | None = None
    reference_names: ClassVar[tuple[str, ...]] = ("events", "others")
    part_names: ClassVar[tuple[str, ...]] = ("area", "low", "high", "p")

    @check
    def _has_both_limits(self) -> Iterator[str]:
        yield from miss_limit(self, self.low, self.high)

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "0.781 (0.652-0.910), P 0.002"."""
        ends = "-".join(parts[name] for name in ("low", "high") if name in parts)
        p_value = f"P {parts['p']}" if "p" in parts else ""
        return ", ".join(filter(None, (bracket(parts["area"], ends), p_value)))


class AccuracyClaim(PrintedClaim):
    """How a cut or a test separates: each share as a percentage or as a number up to 1, as printed.

    `events` and `others` are the patients with and without the event; `counts` those with the event on the
    side of the cut and on the other, then those without. `prevalence` is given where the predictive values
    are of another share of events than that. `area` is the claim of the curve that the cut lies on,
    `is_best_cut` whether the paper says that no other cut has a higher Youden index.
    """

    kind: Literal["accuracy"]
    sensitivity: PrintedNumber | None = None
    specificity: PrintedNumber | None = None
    ppv: PrintedNumber | None = None
    npv: PrintedNumber | None = None
    accuracy: PrintedNumber | None = None
    youden: PrintedNumber | None = None
    positive_likelihood_ratio: PrintedNumber | None = None
    negative_likelihood_ratio: PrintedNumber | None = None
    events: CountOrId | None = None
    others: CountOrId | None = None
    counts: tuple[PrintedCount, PrintedCount, PrintedCount, PrintedCount] | None = None
    prevalence: PrintedNumber | None = None
    area: ClaimId | None = None
    is_best_cut: bool = False
    reference_names: ClassVar[tuple[str, ...]] = ("events", "others", "area")
    part_names: ClassVar[tuple[str, ...]] = (
        *("sensitivity", "specificity", "ppv", "npv", "accuracy", "youden"),
        *("positive_likelihood_ratio", "negative_likelihood_ratio"),
    )

    @property
    def shares(self) -> dict[str, str]:
        """The printed parts that are shares of patients."""
        names = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
        return {name: text for name, text in self.parts.items() if name in names}
