"""Recovery: counts that must hold for a run of days, without support."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from cytopenia.definition_forms.base import CutName, Form, Head, Number, Status

__all__ = [
    "Criterion",
    "Landmark",
    "RecoveryCounting",
    "RecoveryDefinition",
    "Run",
    "SupportKind",
    "Washout",
]


class Washout(Form):
    """How many days must have passed since the last day of support."""

    days: int = Field(ge=0, le=365)
    agents: dict[str, Annotated[int, Field(ge=0, le=365)]] = Field(default_factory=dict)

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

    @model_validator(mode="after")
    def _has_one_cut(self) -> Self:
        if (self.at_least is None) == (self.above is None):
            raise ValueError(f"{self.analyte}: needs exactly one of at_least, above")
        return self

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

    length: int = Field(ge=1, le=60)
    of: Literal["days"] = "days"


class Landmark(Form):
    """The day on which recovery is judged, and how the run must lie to it."""

    day: int = Field(ge=1, le=3650)
    run: Literal["ends_on", "contains", "reached_by"]
    status: Status


class RecoveryCounting(Form):
    """What the source does not say about unmeasured days."""

    status: Status
    bracket_days: int = Field(ge=1, le=60)
    carry_days: int = Field(ge=0, le=60)
    look_ahead_days: int = Field(ge=0, le=60)


class RecoveryDefinition(Head):
    """Recovery of all lineages at a landmark."""

    kind: Literal["recovery"]
    all_of: tuple[Criterion, ...] = Field(min_length=1)
    run: Run
    landmark: Landmark
    counting: RecoveryCounting
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
