"""The key `read_with_care` of a protocol: what must be said before the careful numbers are seen."""

from __future__ import annotations

from pydantic import Field

from cytopenia.definition_forms import Form, Whole
from cytopenia.study.analysis_parts import Resamples
from cytopenia.study.factor_forms import Name

__all__ = ["CareBaseline", "ReadWithCare"]

MOST_DEFINITIONS = 8


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
