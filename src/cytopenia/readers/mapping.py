"""The data section of a study file, also a mapping file: which file, column, name and unit is which."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from cytopenia.bedside_inputs import load_bedside_inputs
from cytopenia.contract import EVENT_KINDS, RESPONSES, SUPPORT_KINDS, TABLES
from cytopenia.contract.bedside import BEDSIDE_COLUMNS, BEDSIDE_UNITS
from cytopenia.errors import ProtocolError, join_problems
from cytopenia.forms import parse_toml, read_form
from cytopenia.readers.cdisc_mapping import CdiscMapping
from cytopenia.readers.labs_mapping import LabsMapping
from cytopenia.readers.mapping_forms import (
    IGNORE,
    MappingForm,
    TableMapping,
    Words,
    name_unlisted,
    raise_all,
    require_known_columns,
    require_words,
)
from cytopenia.readers.paths import name_outside
from cytopenia.units import load_analytes

__all__ = [
    "INFUSION",
    "BedsideMapping",
    "DataSection",
    "EventsMapping",
    "FhirMapping",
    "InfusionsMapping",
    "PatientsMapping",
    "ResponsesMapping",
    "SupportMapping",
    "read_mapping",
]

INFUSION = "infusion"


class PatientsMapping(TableMapping):
    """How the patients are read; any further column may be named."""


class InfusionsMapping(TableMapping):
    """How the infusions are read."""

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: Words) -> Words:
        return require_known_columns("infusions", columns)


class SupportMapping(TableMapping):
    """How support is read; `kinds` maps their words to ours, or to "ignore"."""

    kinds: Words = Field(default_factory=dict)

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: Words) -> Words:
        return require_known_columns("support", columns)

    @field_validator("kinds")
    @classmethod
    def _check_kinds(cls, kinds: Words) -> Words:
        return require_words(kinds, (IGNORE, *SUPPORT_KINDS), "is not known")


class EventsMapping(TableMapping):
    """How events are read; `kinds` maps their words to ours, or to "ignore"."""

    kinds: Words = Field(default_factory=dict)

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: Words) -> Words:
        return require_known_columns("events", columns)

    @field_validator("kinds")
    @classmethod
    def _check_kinds(cls, kinds: Words) -> Words:
        return require_words(kinds, (IGNORE, *EVENT_KINDS), "is not known")


class ResponsesMapping(TableMapping):
    """How responses are read; `kinds` maps their words to ours, or to "ignore"."""

    kinds: Words = Field(default_factory=dict)

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: Words) -> Words:
        return require_known_columns("responses", columns)

    @field_validator("kinds")
    @classmethod
    def _check_kinds(cls, kinds: Words) -> Words:
        return require_words(kinds, (IGNORE, *RESPONSES), "is not known")


class BedsideMapping(TableMapping):
    """How a table of bedside findings is read.

    `words` maps, per input, their words to ours; `units` states the unit of a number: degF, or % of oxygen.
    """

    words: dict[str, Words] = Field(default_factory=dict)
    units: Words = Field(default_factory=dict)

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: Words) -> Words:
        return raise_all(columns, name_unlisted(columns, BEDSIDE_COLUMNS, "is no column of bedside"))

    @field_validator("units")
    @classmethod
    def _check_units(cls, units: Words) -> Words:
        problems = name_unlisted(units, BEDSIDE_UNITS, "is no input with a choice of units")
        problems += [
            f"'{unit}' is no unit of {name}; allowed: {', '.join(BEDSIDE_UNITS[name])}"
            for name, unit in units.items()
            if name in BEDSIDE_UNITS and unit not in BEDSIDE_UNITS[name]
        ]
        return raise_all(units, problems)

    @field_validator("words")
    @classmethod
    def _check_words(cls, words: dict[str, Words]) -> dict[str, Words]:
        inputs = {name: item.words for name, item in load_bedside_inputs().items() if item.words}
        problems = name_unlisted(words, inputs, "is no input with words")
        for name in set(words) & set(inputs):
            problems += name_unlisted(words[name].values(), inputs[name], f"is no word of {name}")
        return raise_all(words, problems)


class FhirMapping(MappingForm):
    """Where FHIR resources are, and what codes mean that are not ours: "system|code" = one of our words.

    `identifier` is the system of the patient's number that becomes `patient_id`, instead of the technical id.
    """

    path: str | None = None
    identifier: str | None = None
    codes: Words = Field(default_factory=dict)

    @field_validator("path")
    @classmethod
    def _check_path(cls, path: str | None) -> str | None:
        return path if path is None else raise_all(path, name_outside(path))

    @field_validator("codes")
    @classmethod
    def _check_codes(cls, codes: Words) -> Words:
        plain = [
            f"'{key}' has no code system; write it as 'http://loinc.org|718-7'"
            for key in codes
            if "|" not in key
        ]
        raise_all(codes, plain)
        allowed = (IGNORE, INFUSION, *load_analytes(), *SUPPORT_KINDS, *EVENT_KINDS)
        return require_words(codes, allowed, "is not known")


class DataSection(MappingForm):
    """Where the six tables are and how they are read: `[data]` of a study file, or a mapping file."""

    folder: str = "."
    day_zero: Literal["infusion", "first"] = "infusion"
    patients: PatientsMapping = Field(default_factory=PatientsMapping)
    infusions: InfusionsMapping = Field(default_factory=InfusionsMapping)
    labs: LabsMapping = Field(default_factory=LabsMapping)
    support: SupportMapping = Field(default_factory=SupportMapping)
    events: EventsMapping = Field(default_factory=EventsMapping)
    responses: ResponsesMapping = Field(default_factory=ResponsesMapping)
    bedside: BedsideMapping = Field(default_factory=BedsideMapping)
    fhir: FhirMapping = Field(default_factory=FhirMapping)
    cdisc: CdiscMapping = Field(default_factory=CdiscMapping)

    @property
    def tables(self) -> Mapping[str, TableMapping]:
        """The mapping of each table by its name."""
        return {name: getattr(self, name) for name in TABLES}


def read_mapping(path: Path | str) -> DataSection:
    """Return the mapping of a TOML file: the keys of `[data]`, with or without that heading.

    Raises
    ------
    ProtocolError
        The file cannot be read, or keys or values are wrong; every problem is named.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as cause:
        reason = (
            "no such file" if isinstance(cause, FileNotFoundError) else f"cannot be read ({cause.strerror})"
        )
        raise ProtocolError(f"{path}: {reason}. Check the path of the mapping file.") from cause
    content = parse_toml(data, name=path.name, error=ProtocolError)
    content = content["data"] if set(content) == {"data"} else content
    mapping, problems = read_form(DataSection, content, where=path.name)
    if mapping is None:
        title = f"{path.name}: {len(problems)} problems" if len(problems) > 1 else f"{path.name}: a problem"
        raise ProtocolError(join_problems(title, problems))
    return mapping
