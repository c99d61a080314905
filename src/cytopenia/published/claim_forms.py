"""What a paper prints, one form per kind of claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, get_args

from pydantic import Field

from cytopenia.definition_forms.checking import check
from cytopenia.published.accuracy_forms import AccuracyClaim, AreaClaim
from cytopenia.published.claim_parts import (
    AddressChange,
    Confidence,
    CountOrId,
    PrintedClaim,
    PrintedCount,
    PrintedLabel,
    PrintedNumber,
    PrintedP,
    PrintedShare,
    UnreadClaim,
    bracket,
    miss_limit,
)
from cytopenia.published.effect_forms import (
    CorrelationClaim,
    DifferenceClaim,
    EstimateClaim,
    MeanTestClaim,
    ProbabilityClaim,
    RateClaim,
    StatisticClaim,
)

__all__ = [
    "CLAIM_FORMS",
    "AccuracyClaim",
    "AreaClaim",
    "Claim",
    "CountClaim",
    "CountPercentClaim",
    "CutClaim",
    "DirectionAndSignificanceClaim",
    "DirectionClaim",
    "Interval",
    "LabelClaim",
    "MeanClaim",
    "MedianRangeClaim",
    "OddsRatioClaim",
    "RangeClaim",
    "RatioClaim",
    "RatioTest",
    "SignificanceClaim",
    "SumClaim",
    "TestClaim",
]


class CountClaim(PrintedClaim):
    """A number of patients; the counts of the rows in `plus` are added."""

    kind: Literal["count"]
    count: PrintedCount
    plus: tuple[AddressChange, ...] = ()
    part_names: ClassVar[tuple[str, ...]] = ("count",)


class SumClaim(PrintedClaim):
    """Several printed numbers that add up to one count."""

    kind: Literal["sum"]
    terms: tuple[PrintedNumber, ...] = Field(min_length=2)

    @property
    def parts(self) -> dict[str, str]:
        """The printed terms, numbered from 1."""
        return {f"term {place}": term for place, term in enumerate(self.terms, start=1)}

    def write(self, parts: Mapping[str, str]) -> str:
        """Return the terms joined by plus signs."""
        return " + ".join(parts.values())


ShareInterval = Literal["wald", "wilson", "exact", "agresti-coull", "jeffreys"]


class CountPercentClaim(PrintedClaim):
    """A number of patients with its percentage; the counts of the rows in `plus` are added.

    `of` is the number of patients that the percentage is of, or the id of the claim that prints it; `low` and
    `high` are limits of the percentage, by `interval` if the paper names it.
    """

    kind: Literal["count_percent"]
    count: PrintedCount | None = None
    percent: PrintedShare | None = None
    of: CountOrId | None = None
    low: PrintedNumber | None = None
    high: PrintedNumber | None = None
    confidence: Confidence = "95"
    interval: ShareInterval | None = None
    reference_names: ClassVar[tuple[str, ...]] = ("of",)
    plus: tuple[AddressChange, ...] = ()
    part_names: ClassVar[tuple[str, ...]] = ("count", "percent", "low", "high")

    @check
    def _has_both_limits(self) -> Iterator[str]:
        yield from miss_limit(self, self.low, self.high)

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "45 (71.42%)", or "45 (71.42%; 59.30-81.10%)" with its limits."""
        ends = "-".join(parts[name] for name in ("low", "high") if name in parts)
        percents = (f"{text}%" for text in (parts.get("percent", ""), ends) if text)
        return bracket(parts.get("count", ""), "; ".join(percents))


class MedianRangeClaim(PrintedClaim):
    """A median with the smallest and the largest value, the quartiles, or both."""

    kind: Literal["median_range"]
    median: PrintedNumber | None = None
    first_quartile: PrintedNumber | None = None
    third_quartile: PrintedNumber | None = None
    minimum: PrintedNumber | None = None
    maximum: PrintedNumber | None = None
    of: CountOrId | None = None
    reference_names: ClassVar[tuple[str, ...]] = ("of",)
    part_names: ClassVar[tuple[str, ...]] = (
        "median",
        "first_quartile",
        "third_quartile",
        "minimum",
        "maximum",
    )

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "46 (21-72)", or "46 (33-58; 21-72)" with the quartiles before the range."""
        pairs = (("first_quartile", "third_quartile"), ("minimum", "maximum"))
        ends = ("-".join(parts[name] for name in pair if name in parts) for pair in pairs)
        return bracket(parts.get("median", ""), "; ".join(filter(None, ends)))


class MeanClaim(PrintedClaim):
    """A mean with its standard deviation.

    `is_of_whole_numbers` says that every value behind it is one, such as days or points; `items` of how many
    whole numbers each value is itself a mean. `low` and `high` are limits of the mean.
    """

    kind: Literal["mean_sd"]
    mean: PrintedNumber
    sd: PrintedNumber | None = None
    se: PrintedNumber | None = None
    low: PrintedNumber | None = None
    high: PrintedNumber | None = None
    confidence: Confidence = "95"
    minimum: PrintedNumber | None = None
    maximum: PrintedNumber | None = None
    of: CountOrId | None = None
    is_of_whole_numbers: bool = False
    items: PrintedCount = "1"
    reference_names: ClassVar[tuple[str, ...]] = ("of",)
    part_names: ClassVar[tuple[str, ...]] = ("mean", "sd", "se", "low", "high", "minimum", "maximum")

    @check
    def _has_both_limits(self) -> Iterator[str]:
        yield from miss_limit(self, self.low, self.high)

    @check
    def _has_items(self) -> Iterator[str]:
        if not int(self.items):
            yield "'items' is 0; allowed: 1 or more"

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "46.2 (12.1; 44.0-48.4)"."""
        pairs = (("sd",), ("se",), ("low", "high"), ("minimum", "maximum"))
        inside = ("-".join(parts[name] for name in pair if name in parts) for pair in pairs)
        return bracket(parts.get("mean", ""), "; ".join(filter(None, inside)))


class RatioClaim(PrintedClaim):
    """One count to another, as "2.5:1"; `of` names the two counts, or the claims that print them."""

    kind: Literal["ratio"]
    ratio: PrintedNumber
    of: tuple[CountOrId, CountOrId] | None = None
    to: AddressChange = AddressChange()
    reference_names: ClassVar[tuple[str, ...]] = ("of",)
    part_names: ClassVar[tuple[str, ...]] = ("ratio",)

    @check
    def _says_to_what(self) -> Iterator[str]:
        if self.at and self.to == AddressChange():
            yield "'to' is missing: what differs in the address of the second count"

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "2.5:1"."""
        return f"{parts['ratio']}:1"


class SignificanceClaim(PrintedClaim):
    """A factor is said to be associated, or not, at the paper's level of significance."""

    kind: Literal["significance"]
    association: Literal["associated", "not associated"]
    part_names: ClassVar[tuple[str, ...]] = ("association",)


Measure = Literal["odds ratio", "hazard ratio", "risk ratio"]
Interval = Literal["wald", "profile", "exact", "score"]
RatioTest = Literal["wald", "likelihood ratio", "score", "fisher", "log-rank"]


CountTest = Literal["fisher", "chi-squared", "chi-squared with continuity correction", "likelihood ratio"]


class _OddsRatio(PrintedClaim):
    """The ratio is printed under `odds_ratio` whatever its measure.

    `interval` and `test` are given where the paper names them. `counts` are those behind it: with and without
    the event at the side of the cut, then with and without it at the other side. Where they are not printed,
    `groups` are the patients with and without the event, and `missing` at most how many have no value.
    `coefficient` is the logarithm of the ratio, `standard_error` its own, and `wald_statistic` the square of
    their quotient, as SPSS prints them.
    """

    label: PrintedLabel | None = None
    odds_ratio: PrintedNumber | None = None
    low: PrintedNumber | None = None
    high: PrintedNumber | None = None
    p: PrintedP | None = None
    measure: Measure = "odds ratio"
    interval: Interval | None = None
    test: RatioTest | None = None
    confidence: Confidence = "95"
    coefficient: PrintedNumber | None = None
    standard_error: PrintedNumber | None = None
    wald_statistic: PrintedNumber | None = None
    counts: tuple[PrintedCount, PrintedCount, PrintedCount, PrintedCount] | None = None
    groups: tuple[CountOrId, CountOrId] | None = None
    missing: PrintedCount = "0"
    reference_names: ClassVar[tuple[str, ...]] = ("groups",)
    part_names: ClassVar[tuple[str, ...]] = (
        *("label", "odds_ratio", "low", "high", "p"),
        *("coefficient", "standard_error", "wald_statistic"),
    )

    @check
    def _has_both_limits(self) -> Iterator[str]:
        yield from miss_limit(self, self.low, self.high)

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "<2.29: 11 (3.130-38.660), P <0.001"."""
        ends = f"{parts['low']}-{parts['high']}" if "low" in parts else ""
        p_value = f"P {parts['p']}" if "p" in parts else ""
        numbers = bracket(parts.get("odds_ratio", ""), ends)
        return ": ".join(filter(None, (parts.get("label"), ", ".join(filter(None, (numbers, p_value))))))


class OddsRatioClaim(_OddsRatio):
    """An odds ratio with its limits, its P value and the side of the cut that it is printed for."""

    kind: Literal["odds_ratio"]


class DirectionAndSignificanceClaim(_OddsRatio):
    """An odds ratio of which only the side of 1, the significance and the side of the cut are compared."""

    kind: Literal["direction_and_significance"]


class TestClaim(PrintedClaim):
    """Counts with the P value of a test of them, or with what the text says of it.

    One row per category, one column per group.
    """

    kind: Literal["test"]
    counts: tuple[tuple[PrintedCount, ...], ...] = Field(min_length=2)
    p: PrintedP | None = None
    stated: Literal["associated", "not associated"] | None = None
    test: CountTest | None = None
    part_names: ClassVar[tuple[str, ...]] = ("p", "stated")

    @check
    def _is_rectangular(self) -> Iterator[str]:
        widths = {len(row) for row in self.counts}
        if len(widths) != 1 or min(widths) < 2:
            yield "each row of counts needs as many numbers as there are groups, at least two"

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "33/7, 6/14: P <0.001"."""
        p_value = f"P {parts['p']}" if "p" in parts else ""
        words = ", ".join(filter(None, (p_value, parts.get("stated", ""))))
        return f"{', '.join('/'.join(row) for row in self.counts)}: {words}"


class CutClaim(PrintedClaim):
    """The cut of a numeric factor."""

    kind: Literal["cut"]
    cut: PrintedNumber
    part_names: ClassVar[tuple[str, ...]] = ("cut",)


class RangeClaim(PrintedClaim):
    """A number that is said to lie in a range, both ends included."""

    kind: Literal["range"]
    low: PrintedNumber
    high: PrintedNumber
    part_names: ClassVar[tuple[str, ...]] = ("low", "high")

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "0.7-0.9"."""
        return f"{parts['low']}-{parts['high']}"


class LabelClaim(PrintedClaim):
    """The side of a cut that is said to go with the event, or with its absence.

    The address is that of an odds ratio whose level is a side of the cut.
    """

    kind: Literal["label"]
    label: PrintedLabel
    goes_with: Literal["event", "no event"]
    part_names: ClassVar[tuple[str, ...]] = ("label",)


class DirectionClaim(PrintedClaim):
    """One number is said to be higher, or lower, than another."""

    kind: Literal["direction"]
    stated: Literal["higher", "lower"]
    than: AddressChange = AddressChange()
    part_names: ClassVar[tuple[str, ...]] = ("stated",)

    @check
    def _says_than_what(self) -> Iterator[str]:
        if self.at and self.than == AddressChange():
            yield "'than' is missing: what differs in the address of the second number"


Claim = (
    CountClaim
    | EstimateClaim
    | ProbabilityClaim
    | RateClaim
    | DifferenceClaim
    | CorrelationClaim
    | MeanTestClaim
    | StatisticClaim
    | SumClaim
    | CountPercentClaim
    | MedianRangeClaim
    | MeanClaim
    | RatioClaim
    | SignificanceClaim
    | OddsRatioClaim
    | DirectionAndSignificanceClaim
    | TestClaim
    | AreaClaim
    | AccuracyClaim
    | CutClaim
    | RangeClaim
    | LabelClaim
    | DirectionClaim
    | UnreadClaim
)

CLAIM_FORMS: dict[str, type[Any]] = {
    get_args(form.model_fields["kind"].annotation)[0]: form
    for form in get_args(Claim)
    if form is not UnreadClaim
}
