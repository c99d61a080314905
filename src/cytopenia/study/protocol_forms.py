"""The protocol as typed data: one TOML file that is the study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from cytopenia.definition_forms import Flag, Form, Whole
from cytopenia.definition_forms.checking import check
from cytopenia.readers.mapping import DataSection
from cytopenia.study.analysis_forms import Analysis, Day, Factor, Name

__all__ = ["Cohort", "OutcomeSpec", "Printed", "Protocol", "ReportSection", "StudySection"]


class StudySection(Form):
    """What holds for the whole study."""

    title: str = Field(min_length=1)
    seed: Whole = Field(ge=0)
    lymphodepletion_day: Day | None = Field(default=None, le=0)
    support_complete: Flag = False
    bound_anc_by_wbc: Flag = False
    synthetic: Flag = False


class Cohort(Form):
    """Who is in the study: columns of the tables that must be known."""

    require: tuple[str, ...] = ()


class OutcomeSpec(Form):
    """One outcome: a definition with its window, or a combination of other outcomes."""

    title: str | None = None
    definition: str | None = None
    min_grade: Whole | None = Field(default=None, ge=1, le=5)
    window: tuple[Day, Day] | None = None
    treatment_emergent: Flag = False
    any_of: tuple[Name, ...] = ()
    died_before_landmark: Literal["exclude", "not_recovered", "competing_event"] | None = None

    @check
    def _has_one_source(self) -> Iterator[str]:
        if (self.definition is None) == (not self.any_of):
            yield "needs exactly one of definition, any_of"

    @check
    def _has_nothing_beside_a_combination(self) -> Iterator[str]:
        keys = ("min_grade", "window", "died_before_landmark", "treatment_emergent")
        # A key that is wrong is told by itself, and is not asked for here.
        beside = [name for name in keys if self.__dict__.get(name) not in (None, False)]
        if self.any_of and beside:
            yield f"any_of takes everything from the outcomes it names; remove {', '.join(beside)}"

    @check
    def _begins_before_it_ends(self) -> Iterator[str]:
        if self.window is not None and self.window[0] > self.window[1]:
            yield f"window {list(self.window)} must begin before it ends"


class Printed(Form):
    """The published paper whose printed numbers stand beside the recomputed ones."""

    paper: str = Field(min_length=1)


class ReportSection(Form):
    """How the report is written."""

    style: Literal["default", "ash", "lancet", "nejm", "spandidos"] = "default"
    figures: tuple[Literal["tiff", "png"], ...] = ()
    trajectories_by: Name | None = None


class Protocol(Form):
    """The study file as typed data."""

    study: StudySection
    data: DataSection
    cohort: Cohort = Cohort()
    outcomes: dict[Name, OutcomeSpec] = Field(default_factory=dict)
    factors: dict[Name, Factor] = Field(default_factory=dict)
    analyses: tuple[Analysis, ...] = Field(min_length=1)
    printed: Printed | None = None
    report: ReportSection = ReportSection()
