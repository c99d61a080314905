"""The forms of analyses that make a prediction model, and that ask one about other patients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator

from cytopenia.definition_forms import Form, Number
from cytopenia.definition_forms.checking import check
from cytopenia.study.analysis_parts import Association, Directions, Missing, Resamples
from cytopenia.study.factor_forms import Parity

__all__ = ["ExternalValidation", "Prediction", "PredictionCuts", "PredictionSelection"]


class PredictionSelection(Form):
    """Which candidates enter the model: those whose univariable P lies below a limit."""

    p_below: Number = Field(gt=0, le=1)


class PredictionCuts(Directions):
    """Numbers that are divided at their Youden cut, by the direction that is declared."""


class Prediction(Association):
    """A model that predicts an outcome: how large it may be, what it is worth, and its card.

    Selection and cuts are part of the model: they are done again in every resample.
    """

    kind: Literal["prediction"]
    parity: Parity = "default"
    factors: tuple[str, ...] = Field(min_length=1)
    method: Literal["maximum_likelihood", "firth"] | None = None
    select: PredictionSelection | None = None
    cuts: PredictionCuts | None = None
    expected_r2: Number | None = Field(default=None, gt=0, lt=1)
    expected_c: Number | None = Field(default=None, gt=0.5, lt=1)
    resamples: Resamples
    thresholds: tuple[Annotated[Number, Field(gt=0, lt=1)], ...] = Field(default=(), max_length=99)
    missing: Missing = Missing()

    @field_validator("thresholds")
    @classmethod
    def _rises(cls, thresholds: tuple[float, ...]) -> tuple[float, ...]:
        if list(thresholds) != sorted(set(thresholds)):
            raise ValueError(f"{list(thresholds)} must rise, such as [0.1, 0.2, 0.3]")
        return thresholds

    @check
    def _says_what_is_expected(self) -> Iterator[str]:
        if (self.expected_r2 is None) == (self.expected_c is None):
            yield (
                "needs exactly one of expected_r2 (Nagelkerke) and expected_c: what earlier studies let"
                " you expect of the model; the size that it needs rests on it"
            )

    @check
    def _divides_its_candidates(self) -> Iterator[str]:
        unknown = [name for name in self.divided if name not in self.factors]
        if unknown:
            yield f"cuts names {', '.join(unknown)}, not among the factors"

    @check
    def _keeps_complete_cases(self) -> Iterator[str]:
        if self.missing.is_imputed:
            yield (
                "missing = multiple_imputation is not offered for prediction: the imputation would have to be"
                " done anew in every resample; leave it out, the model is made from complete cases"
            )

    @property
    def divided(self) -> tuple[str, ...]:
        """The factors that are divided at a cut."""
        return () if self.cuts is None else self.cuts.factors

    @property
    def fitted_by(self) -> Literal["maximum_likelihood", "firth"]:
        """The method: as named, else Firth's, and of a published way maximum likelihood."""
        if self.method is not None:
            return self.method
        return "firth" if self.parity == "default" else "maximum_likelihood"


class ExternalValidation(Association):
    """A score or a model asked about patients that it was not made from.

    `score` names a factor that is a score; `card` the card of a model, in the folder of the study.
    """

    kind: Literal["validation"]
    score: str | None = None
    card: str | None = None
    parity: Parity = "default"

    @check
    def _names_one(self) -> Iterator[str]:
        if (self.score is None) == (self.card is None):
            yield "needs exactly one of score (a factor that is a score) and card (a file)"
