"""Settings that hold for a whole run: bounds of unmeasured days, baseline, gates of models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator

from cytopenia.definition_forms.base import Form, Head, Number, Whole
from cytopenia.definition_forms.checking import check

__all__ = [
    "BaselineDefinition",
    "BoundsDefinition",
    "Calibration",
    "GatesDefinition",
    "NotDefinable",
    "NotDefinableEntry",
]


Factor = Annotated[Number, Field(ge=1)]
Percent = Annotated[Number, Field(ge=0, le=100)]


class Calibration(Form):
    """How often true outcomes of one analyte lay inside its bounds, and who stands behind the figure.

    `inside_percent` is the lowest of all outcomes and schedules in the simulated patients, `schedule` where
    it was found, `decided_percent` the mean of all; `real_inside_percent` is the lowest of all schedules, the
    outcomes taken together, in the real patients, whom `people` names.
    """

    status: Literal["calibrated", "assumed"]
    simulated_patients: Whole = Field(ge=1)
    inside_percent: Percent
    schedule: str = Field(min_length=1)
    decided_percent: Percent
    real_patients: Whole = Field(ge=0)
    real_inside_percent: Percent | None = None
    people: str | None = None


class BoundsDefinition(Head):
    """How far an unmeasured day can lie from the measurements around it.

    `slack` holds where two measurements are two days apart; with each further day between them it is
    multiplied by `growth`, which is 1 where it is not given. With fewer than `least_real_patients` behind it
    a slack stays assumed.
    """

    kind: Literal["bounds"]
    longest_days: Whole = Field(ge=2, le=60)
    slack: dict[str, Factor] = Field(min_length=1)
    growth: dict[str, Factor] = Field(default_factory=dict)
    cap: dict[str, str] = Field(default_factory=dict)
    least_real_patients: Whole = Field(default=1, ge=1)
    calibration: dict[str, Calibration] = Field(default_factory=dict)

    @check
    def _calibrates_what_has_a_slack(self) -> Iterator[str]:
        for name in self.calibration:
            if name not in self.slack:
                yield f"calibration.{name}: has no slack"

    @check
    def _is_calibrated_on_enough(self) -> Iterator[str]:
        for name, one in self.calibration.items():
            if one.status == "calibrated" and one.real_patients < self.least_real_patients:
                yield (
                    f"calibration.{name}: {one.real_patients} real patients are fewer than"
                    f" {self.least_real_patients}; its status is 'assumed'"
                )

    def slack_of(self, analyte: str) -> float:
        """Slack of an analyte; the widest of all where the definition does not name it."""
        return self.slack.get(analyte, max(self.slack.values()))

    def growth_of(self, analyte: str) -> float:
        """Growth of an analyte's slack; the fastest of all where the definition does not name its slack."""
        if analyte in self.slack:
            return self.growth.get(analyte, 1.0)
        return max(self.growth.values(), default=1.0)

    @property
    def has_neighbors(self) -> bool:
        """Whether any measurement vouches for another day."""
        return self.longest_days > 0

    def without_neighbors(self) -> BoundsDefinition:
        """Return the bounds under which no measurement vouches for another day: it could be anything."""
        return self.model_copy(update={"longest_days": 0})

    @property
    def analyte_units(self) -> tuple[tuple[str, str], ...]:
        """Every analyte with a slack or a cap, without a unit."""
        names = dict.fromkeys([*self.slack, *self.growth, *self.cap, *self.cap.values()])
        return tuple((name, "") for name in names)


class BaselineDefinition(Head):
    """Which value before treatment stands for the patient's own state."""

    kind: Literal["baseline"]
    days_before: Whole = Field(ge=0, le=365)
    peak_window: tuple[Whole, Whole]

    @field_validator("peak_window")
    @classmethod
    def _begins_before_it_ends(cls, window: tuple[int, int]) -> tuple[int, int]:
        if window[0] > window[1]:
            raise ValueError(f"{list(window)} must begin before it ends")
        return window


class GatesDefinition(Head):
    """How many events a model needs; the smaller of events and non-events counts.

    Curves of calibration and decision, a nomogram and points need `prediction_from`; none where it
    is not given. From `collinear_from_inflation` (of one term) and `collinear_from_condition` on,
    collinearity is remarked on; never where they are not given.
    """

    kind: Literal["gates"]
    univariable_from: Whole = Field(ge=1, le=1000)
    multivariable_from: Whole = Field(ge=1, le=1000)
    per_term: Whole = Field(ge=1, le=1000)
    prediction_from: Whole | None = Field(default=None, ge=1, le=100_000)
    collinear_from_inflation: Number | None = Field(default=None, ge=1)
    collinear_from_condition: Number | None = Field(default=None, ge=1)


class NotDefinableEntry(Form):
    """One published wording that states no complete rule."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    source: str = Field(min_length=1)
    says: str = Field(min_length=1)
    reason: str = Field(min_length=1)


class NotDefinable(Head):
    """Wordings that are known and cannot be computed, each with the reason."""

    kind: Literal["not_definable"]
    entries: tuple[NotDefinableEntry, ...] = Field(min_length=1)
