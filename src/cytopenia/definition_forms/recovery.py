"""Recovery: counts that must hold for a run without support, at a landmark or at any time from a day on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, cast

from pydantic import BeforeValidator, Field, field_validator

from cytopenia.definition_forms.base import CutName, Form, Head, Number, Status, Whole, find_idle_cut
from cytopenia.definition_forms.checking import check

__all__ = [
    "Criterion",
    "Landmark",
    "Reached",
    "RecoveryCounting",
    "RecoveryDefinition",
    "RecoveryTimeDefinition",
    "Run",
    "SupportKind",
    "TimeRun",
    "Washout",
]


class Washout(Form):
    """How many days must have passed since the last day of support."""

    days: Whole = Field(ge=0, le=365)
    agents: dict[str, Annotated[Whole, Field(ge=0, le=365)]] = Field(default_factory=dict)

    def as_free_days(self) -> dict[str, int]:
        """Days by agent; "" stands for any agent that is not named or not recorded."""
        return {"": self.days, **{agent.casefold(): days for agent, days in self.agents.items()}}


def _read_washout(value: object) -> object:
    return {"days": value} if isinstance(value, int) else value


# The kinds of support that a table may hold; the contract has the same list.
SupportKind = Literal["gcsf", "rbc_transfusion", "platelet_transfusion", "tpo_ra", "stem_cell_boost"]


class Criterion(Form):
    """One lineage of a recovery: the count it needs, and the support that must be absent."""

    analyte: str
    unit: str
    at_least: Number | None = None
    above: Number | None = None
    support_free_days: dict[SupportKind, Annotated[Washout, BeforeValidator(_read_washout)]] = Field(
        default_factory=dict
    )

    @check
    def _has_one_cut(self) -> Iterator[str]:
        if (self.at_least is None) == (self.above is None):
            yield f"{self.analyte}: needs exactly one of at_least, above"

    @check
    def _has_a_cut_that_divides(self) -> Iterator[str]:
        cuts: tuple[tuple[CutName, float | None], ...] = (("at_least", self.at_least), ("above", self.above))
        for name, cut in cuts:
            if cut is not None:
                yield from (f"{self.analyte}: {fault}" for fault in find_idle_cut(name, cut))

    @property
    def comparator(self) -> CutName:
        """The one comparator of the criterion."""
        return "above" if self.at_least is None else "at_least"

    @property
    def cut(self) -> float:
        """The cut in the unit of the criterion."""
        return float(getattr(self, self.comparator))


class Run(Form):
    """How long all criteria must hold."""

    length: Whole = Field(ge=1, le=60)
    of: Literal["days"] = "days"


class Landmark(Form):
    """The day on which recovery is judged, and how the run must lie to it."""

    day: Whole = Field(ge=1, le=3650)
    run: Literal["ends_on", "contains", "reached_by"]
    status: Status


class RecoveryCounting(Form):
    """What the source does not say about unmeasured days."""

    status: Status
    bracket_days: Whole = Field(ge=1, le=60)
    carry_days: Whole = Field(ge=0, le=60)
    look_ahead_days: Whole = Field(ge=0, le=60)


class TimeRun(Form):
    """How many days, or how many measurements on different days, all criteria must hold."""

    length: Whole = Field(ge=1, le=60)
    of: Literal["days", "measurements"]


class Reached(Form):
    """The days that are searched for the first run, and where the search begins."""

    first_day: Whole = Field(alias="from", ge=0, le=3650)
    until: Whole = Field(ge=1, le=3650)
    after: Literal["first_failing", "nadir"]
    nadir_until: Whole | None = Field(default=None, ge=0, le=3650)
    status: Status

    @check
    def _has_days(self) -> Iterator[str]:
        if self.first_day >= self.until:
            yield f"from is {self.first_day} and until {self.until}; from must be the earlier day"
        elif self.nadir_until is not None and not self.first_day <= self.nadir_until <= self.until:
            yield f"nadir_until is {self.nadir_until}; it must lie between from and until"

    @check
    def _names_the_days_of_the_nadir(self) -> Iterator[str]:
        if (self.after == "nadir") != (self.nadir_until is not None):
            yield (
                'after = "nadir" and nadir_until (the last day on which the nadir is looked for) go together'
            )


class _Lineages(Head):
    """What both forms of recovery have: the lineages, and what had to be assumed."""

    kind: Literal["recovery"]
    all_of: tuple[Criterion, ...] = Field(min_length=1)
    assumptions: tuple[str, ...] = ()

    @field_validator("all_of")
    @classmethod
    def _names_each_analyte_once(cls, criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
        names = [criterion.analyte for criterion in criteria]
        if len(set(names)) < len(names):
            raise ValueError("all_of names an analyte twice")
        return criteria

    @property
    def analyte_units(self) -> tuple[tuple[str, str], ...]:
        """Analyte and unit of each lineage."""
        return tuple((criterion.analyte, criterion.unit) for criterion in self.all_of)

    @property
    def looks_at_support(self) -> bool:
        """Whether a lineage must be free of support."""
        return any(criterion.support_free_days for criterion in self.all_of)


class RecoveryDefinition(_Lineages):
    """Recovery of all lineages at a landmark."""

    run: Run
    landmark: Landmark = cast("Landmark", Field(default=None, validate_default=True))
    counting: RecoveryCounting

    @field_validator("landmark", mode="before")
    @classmethod
    def _asks_one_question(cls, landmark: object) -> object:
        if landmark is None:
            raise ValueError(
                "needs exactly one of landmark (had the patient recovered on a day?) and reached (when did"
                ' the patient recover?), such as reached = { from = 0, until = 100, after = "first_failing",'
                ' status = "assumed" }'
            )
        return landmark


class RecoveryTimeDefinition(_Lineages):
    """The day on which all lineages have recovered."""

    run: TimeRun
    reached: Reached
    counting: RecoveryCounting | None = None
    # Only so that the file is told which of the two questions to drop.
    landmark: None = Field(default=None, exclude=True, repr=False)

    @field_validator("landmark", mode="before")
    @classmethod
    def _asks_one_question(cls, landmark: object) -> None:
        if landmark is not None:
            raise ValueError("has landmark and reached; keep one of them")

    @check
    def _counts_as_the_run_needs(self) -> Iterator[str]:
        if (self.run.of == "days") != (self.counting is not None):
            yield (
                'run of = "days" needs counting (what an unmeasured day is taken for); a run of'
                ' "measurements" looks at measured days only and has none'
            )

    @check
    def _has_one_nadir(self) -> Iterator[str]:
        if self.reached.after == "nadir" and len(self.all_of) > 1:
            yield 'after = "nadir" needs one lineage; with several write after = "first_failing"'

    @property
    def bracket_days(self) -> int:
        """Greatest distance of two days that vouch for those between; 0 if only measured days count."""
        return 0 if self.counting is None else self.counting.bracket_days

    @property
    def carry_days(self) -> int:
        """How long the last state holds; 0 if only measured days count."""
        return 0 if self.counting is None else self.counting.carry_days

    @property
    def look_ahead_days(self) -> int:
        """How far after the last day a measurement may vouch for it; 0 if only measured days count."""
        return 0 if self.counting is None else self.counting.look_ahead_days
