"""How a table of laboratory values is read: names, units, limits, columns of a wide table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from cytopenia.contract.near_names import NEUTROPHIL_SHARE, is_listed_unit, list_measure_units
from cytopenia.definition_forms import Number
from cytopenia.errors import suggest_name
from cytopenia.readers.mapping_forms import (
    IGNORE,
    MappingForm,
    TableMapping,
    Words,
    raise_all,
    require_known_columns,
    require_words,
)
from cytopenia.units import convert_value, is_usual_limit, load_analytes

__all__ = ["DAY", "DayColumn", "LabsMapping", "LabsTable", "Limit", "MoreLabs", "WideColumn"]

DAY = "{day}"


class Limit(MappingForm):
    """A limit of normal with its unit."""

    value: Annotated[Number, Field(ge=0)]
    unit: str


class WideColumn(MappingForm):
    """One column of a wide table: its header, and the unit of its cells."""

    column: str
    unit: str


class DayColumn(MappingForm):
    """What the columns of a pattern hold; without an analyte or a unit the table has a column of it."""

    analyte: str | None = None
    unit: str | None = None


class LabsTable(TableMapping):
    """How the laboratory values of one file are read.

    `analytes` maps their names to ours (or to "ignore"), `units` their texts to listed units,
    `default_units` gives the unit of blank cells per analyte, `lln` a lower limit where the file has none,
    `wide` the columns of a wide table, `days` patterns of columns that hold one day each ("ANC_d{day}");
    `system` names the system of the file in findings.
    """

    analytes: Words = Field(default_factory=dict)
    units: Words = Field(default_factory=dict)
    default_units: Words = Field(default_factory=dict)
    lln: dict[str, Limit] = Field(default_factory=dict)
    wide: dict[str, WideColumn] = Field(default_factory=dict)
    days: dict[str, DayColumn] = Field(default_factory=dict)
    system: str | None = None

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
        return require_known_columns("labs", columns)

    @field_validator("analytes")
    @classmethod
    def _check_analytes(cls, analytes: Words) -> Words:
        return require_words(analytes, (IGNORE, *load_analytes(), NEUTROPHIL_SHARE), "is no analyte")

    @field_validator("units")
    @classmethod
    def _check_units(cls, units: Words) -> Words:
        listed = [
            text
            for text in units.values()
            if not any(is_listed_unit(measure, text) for measure in (*load_analytes(), NEUTROPHIL_SHARE))
        ]
        return raise_all(
            units,
            [f"'{text}' is no listed unit; see 'allowed' in the finding on the unit" for text in listed],
        )

    @field_validator("default_units")
    @classmethod
    def _check_default_units(cls, units: Words) -> Words:
        return raise_all(units, _check_pairs(units))

    @field_validator("lln")
    @classmethod
    def _check_limits(cls, limits: dict[str, Limit]) -> dict[str, Limit]:
        problems = [f"'{NEUTROPHIL_SHARE}' has no lower limit"] if NEUTROPHIL_SHARE in limits else []
        problems += _check_pairs({analyte: limit.unit for analyte, limit in limits.items()})
        return raise_all(limits, problems or _check_sizes(limits))

    @field_validator("wide")
    @classmethod
    def _check_wide(cls, wide: dict[str, WideColumn]) -> dict[str, WideColumn]:
        return raise_all(wide, _check_pairs({analyte: column.unit for analyte, column in wide.items()}))

    @field_validator("days")
    @classmethod
    def _check_days(cls, days: dict[str, DayColumn]) -> dict[str, DayColumn]:
        problems = [
            f"'{pattern}' has {{day}} {pattern.count(DAY)} times; write it once, as in 'ANC_d{{day}}'"
            for pattern in days
            if pattern.count(DAY) != 1
        ]
        for pattern, column in days.items():
            problems += [f"'{pattern}': {problem}" for problem in _check_day_column(column)]
        return raise_all(days, problems)

    @model_validator(mode="after")
    def _check_shape(self) -> LabsTable:
        if not self.days:
            return self
        doubled = [name for name in ("value", "day", "date") if name in self.columns]
        problems = [f"'{name}' is both a column and in day columns ('days'); give one" for name in doubled]
        if self.wide:
            problems.append("give one of wide and days")
        return raise_all(self, problems)


def _check_day_column(column: DayColumn) -> list[str]:
    if column.analyte is not None:
        if column.unit is None:
            return _check_analyte(column.analyte)
        return _check_pairs({column.analyte: column.unit})
    measures = (*load_analytes(), NEUTROPHIL_SHARE)
    if column.unit is not None and not any(is_listed_unit(measure, column.unit) for measure in measures):
        return [f"'{column.unit}' is no listed unit"]
    return []


def _check_analyte(analyte: str) -> list[str]:
    if analyte in load_analytes() or analyte == NEUTROPHIL_SHARE:
        return []
    return [
        f"'{analyte}' is no analyte{suggest_name(analyte, load_analytes())}; "
        f"allowed: {', '.join(load_analytes())}"
    ]


class MoreLabs(LabsTable):
    """A further file of laboratory values: its own names, units and decimal mark."""

    @model_validator(mode="after")
    def _check_part(self) -> MoreLabs:
        told = [f"'{name}' is needed" for name in ("file", "system") if getattr(self, name) is None]
        told += ["'lln' stands in [data.labs] only, and holds for all files"] if self.lln else []
        return raise_all(self, told)


class LabsMapping(LabsTable):
    """How the laboratory values are read; `also` are files of other systems, each with its own mapping."""

    also: tuple[MoreLabs, ...] = ()


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
        if analyte not in load_analytes() and analyte != NEUTROPHIL_SHARE:
            problems += _check_analyte(analyte)
        elif not is_listed_unit(analyte, unit):
            listed = ", ".join(list_measure_units(analyte))
            problems.append(f"'{unit}' is not a listed unit of {analyte}; allowed: {listed}")
    return problems
