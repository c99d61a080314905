"""What the forms of several kinds of analysis have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cytopenia.definition_forms import Form, Whole
from cytopenia.definition_forms.checking import check
from cytopenia.study.factor_forms import Event, Name

__all__ = ["AnalysisForm", "Association", "Directions", "Missing", "Resamples"]

# With fewer the ends of a 95% interval rest on a handful of resamples; more change no printed digit.
FEWEST_RESAMPLES, MOST_RESAMPLES = 200, 20_000
Resamples = Annotated[Whole, Field(ge=FEWEST_RESAMPLES, le=MOST_RESAMPLES)]


class AnalysisForm(Form):
    """The keys of every analysis."""

    id: Name
    title: str | None = None
    label: str = Field(default="", max_length=40)


class Association(AnalysisForm):
    """An analysis of one side of an outcome against the other."""

    outcome: Name
    event: Event


class Directions(Form):
    """Numbers with the direction in which they mean the event; it is declared, never read from the data."""

    higher_means_event: tuple[str, ...] = ()
    lower_means_event: tuple[str, ...] = ()

    @check
    def _names_each_once(self) -> Iterator[str]:
        if not self.factors:
            yield "needs factors in higher_means_event or lower_means_event"
        both = set(self.higher_means_event) & set(self.lower_means_event)
        if both:
            yield f"{', '.join(sorted(both))} stands in both directions; remove one"

    @property
    def factors(self) -> tuple[str, ...]:
        """All factors, those that rise with the event first."""
        return (*self.higher_means_event, *self.lower_means_event)


class Missing(Form):
    """What models do with missing factors; the outcome is never imputed."""

    method: Literal["complete_case", "multiple_imputation"] = "complete_case"
    imputations: Whole = Field(default=20, ge=2, le=1000)
    iterations: Whole = Field(default=10, ge=1, le=200)

    @model_validator(mode="before")
    @classmethod
    def _may_be_a_word(cls, given: object) -> object:
        return {"method": given} if isinstance(given, str) else given

    @check
    def _says_how_often_only_where_it_imputes(self) -> Iterator[str]:
        beside = sorted(self.model_fields_set - {"method"})
        if beside and self.method == "complete_case":
            yield f"'{', '.join(beside)}' goes with method = \"multiple_imputation\"; remove it"

    @property
    def is_imputed(self) -> bool:
        """Whether models on imputed values stand beside those on complete cases."""
        return self.method == "multiple_imputation"
