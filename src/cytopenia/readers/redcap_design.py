"""How a longitudinal project is built, as its server tells it: events, their instruments, what repeats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cytopenia.contract import Finding, note
from cytopenia.contract.texts import shorten
from cytopenia.errors import ReaderError, suggest_name
from cytopenia.readers.redcap_dictionary import Dictionary
from cytopenia.readers.redcap_mapping import RedcapMapping, RedcapPart
from cytopenia.readers.redcap_rows import name_event

__all__ = ["Design", "check_design", "make_design"]


@dataclass(frozen=True)
class Design:
    """The unique names of the events, and which instruments are designated to which of them."""

    events: tuple[str, ...]
    designated: frozenset[tuple[str, str]]
    repeating: frozenset[str]


def make_design(
    events: Iterable[Mapping[str, Any]],
    designated: Iterable[Mapping[str, Any]],
    repeating: Iterable[Mapping[str, Any]],
) -> Design:
    """Return the design from what the API says about events, their instruments and what repeats."""
    return Design(
        tuple(str(row["unique_event_name"]) for row in events),
        frozenset((str(row["unique_event_name"]), str(row["form"])) for row in designated),
        frozenset(str(row["form_name"]) for row in repeating if row.get("form_name")),
    )


def check_design(design: Design, dictionary: Dictionary, mapping: RedcapMapping) -> list[Finding]:
    """Return where an event has no instrument of the part that names it.

    Raises
    ------
    ReaderError
        An event of the mapping is none of the project; all are named.
    """
    unknown: list[str] = []
    findings: list[Finding] = []
    forms = {column.name: column.form for column in dictionary.list_columns()}
    for table, part in mapping.parts:
        own = {forms[name] for name in part.names if name in forms and name != dictionary.record_id}
        for key in _list_events(part):
            name = key if key in design.events else name_event(key)
            if name not in design.events:
                unknown.append(f"'{shorten(key)}' of {table}{suggest_name(key, design.events)}")
            elif own and not any((name, form) in design.designated for form in own):
                what = f"event {name} has none of the instruments {', '.join(sorted(own))}"
                findings.append(note(table, "instrument_not_in_event", what))
    if unknown and design.events:
        raise ReaderError(
            f"[data.redcap]: {', '.join(unknown)}: no such event; the project has "
            f"{', '.join(design.events)}. Correct the names in the mapping."
        )
    return findings


def _list_events(part: RedcapPart) -> list[str]:
    return list(dict.fromkeys([*part.events, *getattr(part, "days", {})]))
