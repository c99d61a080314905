"""What a study says about its CDISC data that the standard leaves open: the infusion, support, events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cytopenia.contract import EVENT_KINDS, SUPPORT_KINDS
from cytopenia.definition_forms import Whole
from cytopenia.errors import suggest_name

__all__ = ["CdiscMapping"]

_Names = dict[str, tuple[str, ...]]


class CdiscMapping(BaseModel):
    """Names of treatments, medications and events in SDTM or ADaM data; nothing of it is guessed.

    One of `infusion` (names in EX or PR), `infusion_date` (a column of DM or ADSL) and `infusion_day` (the
    study day of every infusion; day 1 is the reference day, and there is no day 0).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, defer_build=True)

    infusion: tuple[str, ...] = ()
    infusion_date: str | None = None
    infusion_day: Whole | None = None
    lymphodepletion: tuple[str, ...] = ()
    support: _Names = Field(default_factory=dict)
    events: _Names = Field(default_factory=dict)
    last_contact: str | None = None

    @field_validator("infusion_day")
    @classmethod
    def _check_day(cls, day: int | None) -> int | None:
        if day == 0:
            raise ValueError("study days have no day 0; the reference day is 1, the day before it is -1")
        return day

    @field_validator("support")
    @classmethod
    def _check_support(cls, names: _Names) -> _Names:
        return _require_kinds(names, SUPPORT_KINDS)

    @field_validator("events")
    @classmethod
    def _check_events(cls, names: _Names) -> _Names:
        return _require_kinds(names, EVENT_KINDS)

    @model_validator(mode="after")
    def _check_infusion(self) -> CdiscMapping:
        given = [bool(self.infusion), self.infusion_date is not None, self.infusion_day is not None]
        if sum(given) > 1:
            raise ValueError("give one of infusion, infusion_date and infusion_day")
        return self

    @property
    def says_infusion(self) -> bool:
        """True where the mapping tells what the infusion is."""
        return bool(self.infusion) or self.infusion_date is not None or self.infusion_day is not None


def _require_kinds(names: _Names, allowed: Iterable[str]) -> _Names:
    listed = list(allowed)
    problems = [
        f"'{kind}' is not known{suggest_name(kind, listed)}; allowed: {', '.join(listed)}"
        for kind in names
        if kind not in listed
    ]
    problems += [f"'{name}' is named for {' and '.join(kinds)}" for name, kinds in _find_doubled(names)]
    if problems:
        raise ValueError("; ".join(problems))
    return names


def _find_doubled(names: Mapping[str, Iterable[str]]) -> list[tuple[str, list[str]]]:
    kinds: dict[str, list[str]] = {}
    for kind, words in names.items():
        for word in words:
            kinds.setdefault(word.casefold(), []).append(kind)
    return [(word, found) for word, found in kinds.items() if len(found) > 1]
