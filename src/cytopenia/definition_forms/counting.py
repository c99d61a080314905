"""How days are counted: filling, bridging, censoring, confirming, and the value nearest to a landmark."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cytopenia.definition_forms.base import Flag, Form, Number, PlainCut, Status, Whole

__all__ = ["CENSORING", "Confirm", "Counting", "Fill", "Landing"]

Days = Annotated[Whole, Field(ge=0, le=365)]
Censor = Literal["last_contact", "death", "progression", "next_therapy"]
CENSORING: tuple[Censor, ...] = ("last_contact", "death", "progression", "next_therapy")


class Fill(Form):
    """What `policy` takes for a day that nobody measured: the line between the two measurements around it."""

    method: Literal["linear"]
    max_gap_days: Days
    extend_days: Days = 0
    status: Status | None = None


class Counting(Form):
    """What a definition of durations says, or what had to be assumed, about counting days.

    Days beyond the cut are bridged between two days that meet it; with `joins_end` also between the last of
    these and the last day at risk: an episode that has not ended for good has not ended.
    """

    status: Status
    days: Literal["longest_episode", "cumulative"] | None = None
    bridge_days: Days = 0
    joins_end: Flag = False
    all_days_from: Days | None = None
    round_to: Annotated[Number, Field(gt=0)] | None = None
    fill: Fill | None = None
    censor_at: tuple[Censor, ...] = ()


class Confirm(PlainCut):
    """How many measured days must meet a cut before any grade is given."""

    measurements: Whole = Field(ge=2, le=10)
    otherwise: Literal["not_judged", "accept_single"]
    text: str = Field(min_length=1)


class Landing(Form):
    """A landmark, and the days around it on which a value still stands for it; the nearest counts."""

    day: Whole = Field(ge=0, le=3650)
    days_before: Days
    days_after: Days
    censor_at: tuple[Censor, ...] = ()
    status: Status

    @property
    def window(self) -> tuple[int, int]:
        """First and last day on which a value counts."""
        return self.day - self.days_before, self.day + self.days_after
