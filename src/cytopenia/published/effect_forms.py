"""What a paper prints of means, differences, correlations, probabilities and rates, one form per kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from cytopenia.definition_forms.checking import check
from cytopenia.published.claim_parts import (
    Confidence,
    CountOrId,
    PartAddress,
    PrintedClaim,
    PrintedCount,
    PrintedNumber,
    PrintedP,
    bracket,
    miss_limit,
)

__all__ = [
    "CorrelationClaim",
    "DifferenceClaim",
    "EstimateClaim",
    "MeanTestClaim",
    "ProbabilityClaim",
    "RateClaim",
    "StatisticClaim",
]

MeansTest = Literal["t", "student", "welch", "paired", "mann-whitney"]
Correlation = Literal["pearson", "spearman", "kendall"]


class _WithInterval(PrintedClaim):
    """A number with its limits and its P value, as far as they are printed."""

    low: PrintedNumber | None = None
    high: PrintedNumber | None = None
    p: PrintedP | None = None
    confidence: Confidence = "95"

    @check
    def _has_both_limits(self) -> Iterator[str]:
        yield from miss_limit(self, self.low, self.high)

    @property
    def limits(self) -> tuple[str, str] | None:
        """Both limits, if they are printed as numbers."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "46.2 (33.1 to 58.0), P 0.003", whatever is printed of it."""
        rest = {name: text for name, text in parts.items() if name not in ("low", "high", "p")}
        ends = " to ".join(parts[name] for name in ("low", "high") if name in parts)
        p_value = f"P {parts['p']}" if "p" in parts else ""
        return ", ".join(filter(None, (bracket(", ".join(rest.values()), ends), p_value)))


class EstimateClaim(_WithInterval):
    """Any number with limits, such as a median survival; only their order can be checked."""

    kind: Literal["estimate"]
    value: PrintedNumber | None = None
    part_names: ClassVar[tuple[str, ...]] = ("value", "low", "high", "p")


class ProbabilityClaim(_WithInterval):
    """A probability at a time, by Kaplan-Meier or as a cumulative incidence, as printed: 62.4, or 0.624.

    `of` is how many patients the curve starts with. Its interval cannot be narrower than that of a share of
    as many patients.
    """

    kind: Literal["probability"]
    probability: PrintedNumber
    time: str = ""
    of: CountOrId | None = None
    reference_names: ClassVar[tuple[str, ...]] = ("of",)
    part_names: ClassVar[tuple[str, ...]] = ("probability", "low", "high", "p")


class RateClaim(_WithInterval):
    """Events over the time at risk, times `per`: 12 events in 340 patient-years are 3.5 per 100."""

    kind: Literal["rate"]
    events: PrintedCount | None = None
    person_time: PrintedNumber | None = None
    rate: PrintedNumber
    per: PrintedNumber = "1"
    part_names: ClassVar[tuple[str, ...]] = ("events", "person_time", "rate", "low", "high", "p")


class DifferenceClaim(_WithInterval):
    """A difference of two numbers.

    `of` are the two numbers, each with its claim: ["response_a.percent", "response_b.percent"]; or `counts`
    those of two shares, with and without the event in the first group, then in the second.
    """

    kind: Literal["difference"]
    difference: PrintedNumber
    of: tuple[PartAddress, PartAddress] | None = None
    counts: tuple[PrintedCount, PrintedCount, PrintedCount, PrintedCount] | None = None
    test: Literal["wald", "t"] | None = None
    reference_names: ClassVar[tuple[str, ...]] = ("of",)
    part_names: ClassVar[tuple[str, ...]] = ("difference", "low", "high", "p")


class CorrelationClaim(_WithInterval):
    """A coefficient of correlation; `of` is the number of pairs."""

    kind: Literal["correlation"]
    r: PrintedNumber
    r_squared: PrintedNumber | None = None
    of: CountOrId | None = None
    method: Correlation | None = None
    reference_names: ClassVar[tuple[str, ...]] = ("of",)
    part_names: ClassVar[tuple[str, ...]] = ("r", "r_squared", "low", "high", "p")


class MeanTestClaim(_WithInterval):
    """Means of two groups with what is printed of their difference.

    `spreads` are standard deviations, or standard errors if `spread` says so. The interval, if there is one,
    is that of the difference. `smd` is a standardized difference of means.
    """

    kind: Literal["mean_test"]
    means: tuple[PrintedNumber, PrintedNumber]
    spreads: tuple[PrintedNumber, PrintedNumber]
    spread: Literal["sd", "se"] = "sd"
    of: tuple[CountOrId, CountOrId]
    difference: PrintedNumber | None = None
    smd: PrintedNumber | None = None
    test: MeansTest | None = None
    reference_names: ClassVar[tuple[str, ...]] = ("of",)
    part_names: ClassVar[tuple[str, ...]] = ("difference", "smd", "low", "high", "p")

    @property
    def parts(self) -> dict[str, str]:
        """The printed texts: both means and their spreads first."""
        pairs = zip(self.means, self.spreads, ("first", "second"), strict=True)
        means = {
            f"{word} {name}": text
            for mean, spread, word in pairs
            for name, text in (("mean", mean), (self.spread, spread))
        }
        return {**means, **super().parts}

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "12.1 (3.0), 10.3 (2.8): 1.8, P 0.003"."""
        sides = [
            bracket(parts[f"{word} mean"], parts[f"{word} {self.spread}"]) for word in ("first", "second")
        ]
        rest = super().write({name: text for name, text in parts.items() if name in self.part_names})
        return ": ".join(filter(None, (", ".join(sides), rest)))


class StatisticClaim(PrintedClaim):
    """A test statistic with its degrees of freedom and its P value, as in "t(48) = 2.10, P = 0.041"."""

    kind: Literal["statistic"]
    statistic: Literal["t", "z", "f", "chi-squared"]
    value: PrintedNumber
    df: tuple[PrintedNumber, ...] = Field(default=(), max_length=2)
    p: PrintedP
    part_names: ClassVar[tuple[str, ...]] = ("value", "p")

    @check
    def _has_degrees(self) -> Iterator[str]:
        needed = {"t": 1, "z": 0, "f": 2, "chi-squared": 1}[self.statistic]
        if len(self.df) != needed:
            words = {0: "no degrees of freedom", 1: 'one number: df = ["48"]', 2: 'two: df = ["2", "57"]'}
            yield f"'df' has {len(self.df)} numbers; {self.statistic} needs {words[needed]}"
        if any(float(number) <= 0 for number in self.df):
            yield f"'df' is {', '.join(self.df)}; degrees of freedom are above 0"

    def write(self, parts: Mapping[str, str]) -> str:
        """Return "t(48) 2.10, P 0.041"."""
        degrees = f"({', '.join(self.df)})" if self.df else ""
        return f"{self.statistic}{degrees} {parts['value']}, P {parts['p']}"
