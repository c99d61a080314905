"""The data section of a study file, also a mapping file: which file, column, name and unit is which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cytopenia.bedside_inputs import load_bedside_inputs
from cytopenia.contract import EVENT_KINDS, RESPONSES, SUPPORT_KINDS, TABLES, TextFormat
from cytopenia.contract.bedside import BEDSIDE_COLUMNS, BEDSIDE_UNITS
from cytopenia.definition_forms import Number
from cytopenia.errors import ProtocolError, join_problems, suggest_name
from cytopenia.forms import parse_toml, read_form
from cytopenia.readers.cdisc_mapping import CdiscMapping
from cytopenia.units import convert_value, is_usual_limit, list_units, load_analytes, match_unit

__all__ = [
    "IGNORE",
    "INFUSION",
    "BedsideMapping",
    "DataSection",
    "EventsMapping",
    "FhirMapping",
    "InfusionsMapping",
    "LabsMapping",
    "Limit",
    "PatientsMapping",
    "ResponsesMapping",
    "SupportMapping",
    "TableMapping",
    "WideColumn",
    "read_mapping",
]

IGNORE = "ignore"
INFUSION = "infusion"

Words = dict[str, str]
Value = TypeVar("Value")


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Limit(_Form):
    """A limit of normal with its unit."""

    value: Annotated[Number, Field(ge=0)]
    unit: str


class WideColumn(_Form):
    """One column of a wide table: its header, and the unit of its cells."""

    column: str
    unit: str


class TableMapping(_Form):
    """How the file of one table is read."""

    file: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = Field(default=None)
    decimal: Literal["auto", ".", ","] = "auto"
    date_format: str | None = None
    columns: Words = Field(default_factory=dict)
    keep_codes: tuple[str, ...] = ()

    @property
    def text(self) -> TextFormat:
        """The decimal mark and date format as the contract takes them."""
        return TextFormat(decimal=self.decimal, date_format=self.date_format)


class PatientsMapping(TableMapping):
    """How the patients are read; any further column may be named."""


class InfusionsMapping(TableMapping):
    """How the infusions are read."""

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: Words) -> Words:
        return _require_columns("infusions", columns)


class LabsMapping(TableMapping):
    """How the laboratory values are read.

    `analytes` maps their names to ours (or to "ignore"), `units` their texts to listed units,
    `default_units` gives the unit of blank cells per analyte, `lln` a lower limit where the file has none,
    `wide` the columns of a wide table.
    """

    analytes: Words = Field(default_factory=dict)
    units: Words = Field(default_factory=dict)
    default_units: Words = Field(default_factory=dict)
    lln: dict[str, Limit] = Field(default_factory=dict)
    wide: dict[str, WideColumn] = Field(default_factory=dict)

    @property
    def lower_limits(self) -> dict[str, float]:
        """The stated lower limits in canonical units."""
        return {
            analyte: convert_value(limit.value, limit.unit, analyte=analyte)
            for analyte, limit in self.lln.items()
        }

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: Words) -> Words:
        return _require_columns("labs", columns)

    @field_validator("analytes")
    @classmethod
    def _check_analytes(cls, analytes: Words) -> Words:
        return _require_words(analytes, (IGNORE, *load_analytes()), "is no analyte")

    @field_validator("units")
    @classmethod
    def _check_units(cls, units: Words) -> Words:
        listed = [
            text
            for text in units.values()
            if not any(match_unit(analyte, text) for analyte in load_analytes())
        ]
        return _raise_all(
            units,
            [f"'{text}' is no listed unit; see 'allowed' in the finding on the unit" for text in listed],
        )

    @field_validator("default_units")
    @classmethod
    def _check_default_units(cls, units: Words) -> Words:
        return _raise_all(units, _check_pairs(units))

    @field_validator("lln")
    @classmethod
    def _check_limits(cls, limits: dict[str, Limit]) -> dict[str, Limit]:
        problems = _check_pairs({analyte: limit.unit for analyte, limit in limits.items()})
        return _raise_all(limits, problems or _check_sizes(limits))

    @field_validator("wide")
    @classmethod
    def _check_wide(cls, wide: dict[str, WideColumn]) -> dict[str, WideColumn]:
        return _raise_all(wide, _check_pairs({analyte: column.unit for analyte, column in wide.items()}))


class SupportMapping(TableMapping):
    """How support is read; `kinds` maps their words to ours, or to "ignore"."""

    kinds: Words = Field(default_factory=dict)

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: Words) -> Words:
        return _require_columns("support", columns)

    @field_validator("kinds")
    @classmethod
    def _check_kinds(cls, kinds: Words) -> Words:
        return _require_words(kinds, (IGNORE, *SUPPORT_KINDS), "is not known")


class EventsMapping(TableMapping):
    """How events are read; `kinds` maps their words to ours, or to "ignore"."""

    kinds: Words = Field(default_factory=dict)

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: Words) -> Words:
        return _require_columns("events", columns)

    @field_validator("kinds")
    @classmethod
    def _check_kinds(cls, kinds: Words) -> Words:
        return _require_words(kinds, (IGNORE, *EVENT_KINDS), "is not known")


class ResponsesMapping(TableMapping):
    """How responses are read; `kinds` maps their words to ours, or to "ignore"."""

    kinds: Words = Field(default_factory=dict)

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: Words) -> Words:
        return _require_columns("responses", columns)

    @field_validator("kinds")
    @classmethod
    def _check_kinds(cls, kinds: Words) -> Words:
        return _require_words(kinds, (IGNORE, *RESPONSES), "is not known")


class BedsideMapping(TableMapping):
    """How a table of bedside findings is read.

    `words` maps, per input, their words to ours; `units` states the unit of a number: degF, or % of oxygen.
    """

    words: dict[str, Words] = Field(default_factory=dict)
    units: Words = Field(default_factory=dict)

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, columns: Words) -> Words:
        return _raise_all(columns, _name_unlisted(columns, BEDSIDE_COLUMNS, "is no column of bedside"))

    @field_validator("units")
    @classmethod
    def _check_units(cls, units: Words) -> Words:
        problems = _name_unlisted(units, BEDSIDE_UNITS, "is no input with a choice of units")
        problems += [
            f"'{unit}' is no unit of {name}; allowed: {', '.join(BEDSIDE_UNITS[name])}"
            for name, unit in units.items()
            if name in BEDSIDE_UNITS and unit not in BEDSIDE_UNITS[name]
        ]
        return _raise_all(units, problems)

    @field_validator("words")
    @classmethod
    def _check_words(cls, words: dict[str, Words]) -> dict[str, Words]:
        inputs = {name: item.words for name, item in load_bedside_inputs().items() if item.words}
        problems = _name_unlisted(words, inputs, "is no input with words")
        for name in set(words) & set(inputs):
            problems += _name_unlisted(words[name].values(), inputs[name], f"is no word of {name}")
        return _raise_all(words, problems)


def _name_unlisted(given: Iterable[str], allowed: Iterable[str], what: str) -> list[str]:
    listed = list(allowed)
    return [
        f"'{word}' {what}{suggest_name(word, listed)}; allowed: {', '.join(listed)}"
        for word in given
        if word not in listed
    ]


class FhirMapping(_Form):
    """Where FHIR resources are, and what codes mean that are not ours: "system|code" = one of our words.

    `identifier` is the system of the patient's number that becomes `patient_id`, instead of the technical id.
    """

    path: str | None = None
    identifier: str | None = None
    codes: Words = Field(default_factory=dict)

    @field_validator("codes")
    @classmethod
    def _check_codes(cls, codes: Words) -> Words:
        plain = [
            f"'{key}' has no code system; write it as 'http://loinc.org|718-7'"
            for key in codes
            if "|" not in key
        ]
        _raise_all(codes, plain)
        allowed = (IGNORE, INFUSION, *load_analytes(), *SUPPORT_KINDS, *EVENT_KINDS)
        return _require_words(codes, allowed, "is not known")


class DataSection(_Form):
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


def _raise_all(value: Value, problems: Iterable[str]) -> Value:
    listed = list(problems)
    if listed:
        raise ValueError("; ".join(listed))
    return value


def _require_columns(table: str, columns: Words) -> Words:
    allowed = TABLES[table].inputs
    return _raise_all(
        columns,
        [
            f"'{name}' is no column of {table}{suggest_name(name, allowed)}; allowed: {', '.join(allowed)}"
            for name in columns
            if name not in allowed
        ],
    )


def _require_words(words: Words, allowed: tuple[str, ...], what: str) -> Words:
    return _raise_all(
        words,
        [
            f"'{word}' {what}{suggest_name(word, allowed)}; allowed: {', '.join(allowed)}"
            for word in words.values()
            if word not in allowed
        ],
    )


def _check_sizes(limits: Mapping[str, Limit]) -> list[str]:
    """Lower limits that no laboratory prints; they are most likely in another unit."""
    return [
        f"{limit.value:g} {limit.unit} of {analyte} lies outside the usual "
        f"{load_analytes()[analyte].limit_text}"
        for analyte, limit in limits.items()
        if not is_usual_limit(convert_value(limit.value, limit.unit, analyte=analyte), analyte=analyte)
    ]


def _check_pairs(units: Words) -> list[str]:
    problems: list[str] = []
    for analyte, unit in units.items():
        if analyte not in load_analytes():
            problems.append(
                f"'{analyte}' is no analyte{suggest_name(analyte, load_analytes())}; "
                f"allowed: {', '.join(load_analytes())}"
            )
        elif match_unit(analyte, unit) is None:
            problems.append(
                f"'{unit}' is not a listed unit of {analyte}; allowed: {', '.join(list_units(analyte))}"
            )
    return problems
