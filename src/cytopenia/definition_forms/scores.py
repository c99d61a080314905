"""Scores: points of items, ratios of values, and models whose coefficients come from a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal, cast

from pydantic import BeforeValidator, Field, field_validator, model_validator

from cytopenia.definition_forms.base import Form, Head, Number, PlainCut, Status, Whole
from cytopenia.definition_forms.checking import check

__all__ = [
    "Coefficients",
    "ModelDefinition",
    "ModelInput",
    "PointsDefinition",
    "PointsItem",
    "PointsRule",
    "RatioDefinition",
    "Scaling",
    "ScoreDefinition",
    "ScoreGroup",
    "ScoreInput",
    "Ties",
]

Day = Annotated[Whole, Field(ge=-3650, le=3650)]


@dataclass(frozen=True)
class ScoreInput:
    """What a score needs to know: an analyte in its unit, at baseline (`day` is None) or on one day."""

    analyte: str
    unit: str
    day: int | None = None


class PointsRule(PlainCut):
    """One half-line: every value beyond the cut has at least these points."""

    points: Whole = Field(ge=1, le=100)
    text: str = Field(min_length=1)

    @property
    def said_before(self) -> str:
        """Which rule a message is about."""
        return f"{self.points} points: "


class PointsItem(Form):
    """The points of one analyte; a value that meets no rule has 0 points and the sentence `otherwise`."""

    unit: str
    rules: tuple[PointsRule, ...] = Field(min_length=1)
    otherwise: str = Field(min_length=1)

    @field_validator("rules")
    @classmethod
    def _gets_harder_with_points(cls, rules: tuple[PointsRule, ...]) -> tuple[PointsRule, ...]:
        ordered = tuple(sorted(rules, key=lambda rule: rule.points))
        if len({rule.is_sick_below for rule in ordered}) > 1:
            raise ValueError("all rules must point the same way: below/at_most, or above/at_least")
        for fewer, more in pairwise(ordered):
            is_harder = more.cut < fewer.cut if fewer.is_sick_below else more.cut > fewer.cut
            if more.points == fewer.points or not is_harder:
                raise ValueError(
                    f"{more.points} points ({more.comparator} {more.cut:g}) must be harder to reach than"
                    f" {fewer.points} ({fewer.comparator} {fewer.cut:g})"
                )
        return ordered

    @property
    def most_points(self) -> int:
        """Points of the sickest value."""
        return max(rule.points for rule in self.rules)


class ScoreGroup(Form):
    """A risk group: every sum of at least so many points, up to the next group."""

    name: str = Field(min_length=1)
    at_least: Whole = Field(ge=0)


class Ties(Form):
    """What happens to a value that the printed table puts on no side, by analyte."""

    status: Status
    choices: dict[str, str] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _gather_choices(cls, content: object) -> object:
        """In a file each analyte is a key of its own beside the status."""
        if not isinstance(content, Mapping) or "choices" in content:
            return cast("object", content)
        keys = cast("Mapping[str, object]", content)
        choices = {key: text for key, text in keys.items() if key != "status"}
        return {"status": keys.get("status"), "choices": choices}


class _Score(Head):
    """What every score states: what it predicts, and in whom that was tested."""

    predicts: str = Field(min_length=1)
    population: str = Field(min_length=1)
    assumptions: tuple[str, ...] = ()


class PointsDefinition(_Score):
    """A sum of points, with risk groups."""

    kind: Literal["points"]
    items: dict[str, PointsItem] = Field(min_length=1)
    groups: tuple[ScoreGroup, ...] = ()
    ties: Ties | None = None
    day: Day | None = None

    @property
    def inputs_needed(self) -> tuple[ScoreInput, ...]:
        """One analyte per item."""
        return tuple(ScoreInput(name, item.unit, self.day) for name, item in self.items.items())

    @property
    def analyte_units(self) -> tuple[tuple[str, str], ...]:
        """Analyte and unit of each input."""
        return tuple((item.analyte, item.unit) for item in self.inputs_needed)

    @property
    def most_points(self) -> int:
        """Points of a patient who is sickest in every item."""
        return sum(item.most_points for item in self.items.values())

    @check
    def _groups_cover_every_sum_once(self) -> Iterator[str]:
        starts = [group.at_least for group in self.groups]
        if starts and (starts[0] != 0 or starts != sorted(set(starts)) or max(starts) > self.most_points):
            yield (
                f"groups begin at {starts}; the first must begin at 0, each at more points than the one"
                f" before, none beyond the {self.most_points} points of the score"
            )

    @check
    def _names_each_group_once(self) -> Iterator[str]:
        if len({group.name for group in self.groups}) < len(self.groups):
            yield "groups: two groups have the same name"

    @check
    def _ties_name_items(self) -> Iterator[str]:
        unknown = sorted(set(self.ties.choices) - set(self.items)) if self.ties else []
        if unknown:
            yield f"ties: {', '.join(unknown)} is no item; items: {', '.join(self.items)}"


class RatioDefinition(_Score):
    """A product of values over a product of values, or its logarithm to base 2."""

    kind: Literal["ratio"]
    numerator: dict[str, str] = Field(min_length=1)
    denominator: dict[str, str] = Field(min_length=1)
    transform: Literal["none", "log2"] = "none"
    day: Day | None = None

    @property
    def inputs_needed(self) -> tuple[ScoreInput, ...]:
        """The numerator, then the denominator."""
        pairs = [*self.numerator.items(), *self.denominator.items()]
        return tuple(ScoreInput(name, unit, self.day) for name, unit in pairs)

    @property
    def analyte_units(self) -> tuple[tuple[str, str], ...]:
        """Analyte and unit of each input."""
        return tuple((item.analyte, item.unit) for item in self.inputs_needed)

    @check
    def _names_each_analyte_once(self) -> Iterator[str]:
        both = sorted(set(self.numerator) & set(self.denominator))
        if both:
            yield f"{', '.join(both)} stands in numerator and denominator; remove one"


class ModelInput(Form):
    """One laboratory value of a model: its unit, its day, and the range the model was made for."""

    unit: str
    day: Day | None = None
    allowed: tuple[Number, Number]

    @field_validator("allowed")
    @classmethod
    def _rises(cls, allowed: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= allowed[0] < allowed[1]:
            raise ValueError(f"{list(allowed)} must begin at 0 or above, and before it ends")
        return allowed


class ModelDefinition(_Score):
    """A logistic model on log10 of laboratory values and on categories; its coefficients stand elsewhere."""

    kind: Literal["model"]
    inputs: dict[str, ModelInput] = Field(min_length=1)
    categories: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    zero_as: Number = Field(gt=0)

    @property
    def inputs_needed(self) -> tuple[ScoreInput, ...]:
        """The laboratory values."""
        return tuple(ScoreInput(name, item.unit, item.day) for name, item in self.inputs.items())

    @property
    def analyte_units(self) -> tuple[tuple[str, str], ...]:
        """Analyte and unit of each input."""
        return tuple((item.analyte, item.unit) for item in self.inputs_needed)

    @check
    def _has_no_name_twice(self) -> Iterator[str]:
        both = sorted(set(self.inputs) & set(self.categories))
        if both:
            yield f"{', '.join(both)} stands in inputs and categories; rename one"


ScoreDefinition = PointsDefinition | RatioDefinition | ModelDefinition


class Scaling(Form):
    """Mean and standard deviation that a model subtracts and divides by, after log10."""

    mean: Number
    sd: Number = Field(gt=0)


def _read_none(value: object) -> object:
    return None if value == "none" else value


class Coefficients(Form):
    """The coefficients of a model, in a file of the user's own.

    `normalization` must be said: "none", or mean and sd of every laboratory value after log10.
    """

    id: str = Field(min_length=1)
    model: str = Field(min_length=1)
    source: str = Field(min_length=1)
    intercept: Number
    coefficients: dict[str, Number] = Field(min_length=1)
    normalization: Annotated[dict[str, Scaling] | None, BeforeValidator(_read_none)]
    categories: dict[str, dict[str, Number]] = Field(default_factory=dict)
