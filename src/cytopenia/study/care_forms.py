"""The key `read_with_care` of a protocol: what must be said before the careful numbers are seen."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cytopenia.definition_forms import Whole
from cytopenia.study.factor_forms import Form, Name

__all__ = ["FEWEST_RESAMPLES", "MOST_RESAMPLES", "CareBaseline", "ReadWithCare", "Resamples"]

# With fewer the ends of a 95% interval rest on a handful of resamples; more change no printed digit.
FEWEST_RESAMPLES, MOST_RESAMPLES = 200, 20_000
MOST_DEFINITIONS = 8
Resamples = Annotated[Whole, Field(ge=FEWEST_RESAMPLES, le=MOST_RESAMPLES)]


class CareBaseline(Form):
    """Who had the cytopenia before treatment: a grade at baseline of a lineage that the outcome judges."""

    definition: str
    min_grade: Whole = Field(ge=1, le=5)


class ReadWithCare(Form):
    """The six panels beside the published numbers of an analysis of risk factors."""

    terms: tuple[str, ...] = Field(min_length=1)
    resamples: Resamples
    baseline: CareBaseline | None = None
    definitions: tuple[Name, ...] = Field(default=(), max_length=MOST_DEFINITIONS)
