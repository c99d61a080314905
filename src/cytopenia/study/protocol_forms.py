"""The protocol as typed data: one TOML file that is the study."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from cytopenia.definition_forms import Whole
from cytopenia.readers.mapping import DataSection
from cytopenia.study.analysis_forms import Analysis, Day, Factor, Form, Name

__all__ = ["Cohort", "OutcomeSpec", "Printed", "Protocol", "StudySection"]


class StudySection(Form):
    """What holds for the whole study."""

    title: str = Field(min_length=1)
    seed: Whole = Field(ge=0)
    lymphodepletion_day: Day | None = Field(default=None, le=0)
    support_complete: bool = False
    bound_anc_by_wbc: bool = False
    synthetic: bool = False


class Cohort(Form):
    """Who is in the study: columns of the tables that must be known."""

    require: tuple[str, ...] = ()


class OutcomeSpec(Form):
    """One outcome: a definition with its window, or a combination of other outcomes."""

    title: str | None = None
    definition: str | None = None
    min_grade: Whole | None = Field(default=None, ge=1, le=5)
    window: tuple[Day, Day] | None = None
    treatment_emergent: bool = False
    any_of: tuple[Name, ...] = ()
    died_before_landmark: Literal["exclude", "not_recovered", "competing_event"] | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.definition is None) == (not self.any_of):
            raise ValueError("needs exactly one of definition, any_of")
        beside = [
            name
            for name in ("min_grade", "window", "died_before_landmark")
            if getattr(self, name) is not None
        ]
        beside += ["treatment_emergent"] if self.treatment_emergent else []
        if self.any_of and beside:
            raise ValueError(
                f"any_of takes everything from the outcomes it names; remove {', '.join(beside)}"
            )
        if self.window is not None and self.window[0] > self.window[1]:
            raise ValueError(f"window {list(self.window)} must begin before it ends")
        return self


class Printed(Form):
    """The published paper whose printed numbers stand beside the recomputed ones."""

    paper: str = Field(min_length=1)


class Protocol(Form):
    """The study file as typed data."""

    study: StudySection
    data: DataSection
    cohort: Cohort = Cohort()
    outcomes: dict[Name, OutcomeSpec] = Field(default_factory=dict)
    factors: dict[Name, Factor] = Field(default_factory=dict)
    analyses: tuple[Analysis, ...] = Field(min_length=1)
    printed: Printed | None = None
