"""What every part of a mapping is made of: the form, the file of one table, and checks of names."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Literal, Self, TypeVar, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from cytopenia.contract import TABLES, TextFormat
from cytopenia.definition_forms import Whole
from cytopenia.errors import suggest_name
from cytopenia.readers.paths import name_outside

__all__ = [
    "IGNORE",
    "MappingForm",
    "TableMapping",
    "Words",
    "name_unlisted",
    "raise_all",
    "require_known_columns",
    "require_words",
]

IGNORE = "ignore"

Words = dict[str, str]
Value = TypeVar("Value")
# A tab is a blank, and the one text around which blanks count.
Separator = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1, max_length=1)]
RowNumber = Annotated[Whole, Field(ge=1)]


def _as_list(given: object) -> object:
    """One row is written as a number, several as a list."""
    return cast("object", given) if isinstance(given, list | tuple) else (given,)


class MappingForm(BaseModel):
    """Unknown keys are errors, and blanks around texts do not count."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, defer_build=True)


class TableMapping(MappingForm):
    """How the file of one table is read."""

    file: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    separator: Separator | None = None
    decimal: Literal["auto", ".", ","] = "auto"
    date_format: str | None = None
    columns: Words = Field(default_factory=dict)
    keep_codes: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    sheet_is: Literal["patient_id", "analyte"] | None = None
    header: Annotated[tuple[RowNumber, ...], BeforeValidator(_as_list)] = ()
    unit_row: RowNumber | None = None
    last_row: RowNumber | None = None
    fill_down: tuple[str, ...] = ()

    @property
    def text(self) -> TextFormat:
        """The decimal mark and date format as the contract takes them."""
        return TextFormat(decimal=self.decimal, date_format=self.date_format)

    @property
    def is_laid_out(self) -> bool:
        """Whether it says where in the sheet the table stands."""
        return bool(self.header or self.last_row)

    @property
    def is_mapped(self) -> bool:
        """Whether it says which columns of the file count, so that the others deserve a word."""
        return bool(self.model_fields_set & {"columns", "days", "wide", "header", "sheet", "sheets"})

    @model_validator(mode="after")
    def _check_layout(self) -> Self:
        return raise_all(self, _name_layout_faults(self))

    @field_validator("file")
    @classmethod
    def _check_file(cls, file: str | None) -> str | None:
        return file if file is None else raise_all(file, name_outside(file))


def _name_layout_faults(mapping: TableMapping) -> Iterable[str]:
    """What contradicts itself about where the table stands."""
    header, unit_row, last_row = mapping.header, mapping.unit_row, mapping.last_row
    if mapping.sheet is not None and mapping.sheets:
        yield "give one of sheet and sheets"
    if len(set(mapping.sheets)) < len(mapping.sheets) or ("*" in mapping.sheets and len(mapping.sheets) > 1):
        yield "'sheets' names a sheet twice; [\"*\"] alone is all sheets"
    if any(lower <= upper for upper, lower in pairwise(header)):
        yield "the rows of 'header' go from top to bottom, as in [3, 4]"
    if unit_row is not None and not header:
        yield f"'unit_row' is {unit_row}, and 'header' is missing; name the row of the headings as well"
    elif unit_row is not None and unit_row != header[-1] + 1:
        yield f"'unit_row' is {unit_row}; the row of units is directly under the headings: {header[-1] + 1}"
    if last_row is not None and last_row <= max((*header, unit_row or 0, 1)):
        yield f"'last_row' is {last_row}; it is the last row of data, below the headings"
    if mapping.sheet_is is not None and mapping.sheet_is in mapping.columns:
        yield f"'{mapping.sheet_is}' is both a column and the name of the sheet ('sheet_is'); give one"
    doubled = sorted({name for name in mapping.fill_down if mapping.fill_down.count(name) > 1})
    if doubled:
        yield f"'fill_down' names {', '.join(doubled)} twice"


def raise_all(value: Value, problems: Iterable[str]) -> Value:
    """Return the value, or raise `ValueError` with all problems."""
    listed = list(problems)
    if listed:
        raise ValueError("; ".join(listed))
    return value


def name_unlisted(given: Iterable[str], allowed: Iterable[str], what: str) -> list[str]:
    """Return one sentence per given word that is not allowed."""
    listed = list(allowed)
    return [
        f"'{word}' {what}{suggest_name(word, listed)}; allowed: {', '.join(listed)}"
        for word in given
        if word not in listed
    ]


def require_known_columns(table: str, columns: Words) -> Words:
    """Return the columns, or raise `ValueError` for names that the table does not have."""
    allowed = TABLES[table].inputs
    return raise_all(
        columns,
        [
            f"'{name}' is no column of {table}{suggest_name(name, allowed)}; allowed: {', '.join(allowed)}"
            for name in columns
            if name not in allowed
        ],
    )


def require_words(words: Words, allowed: tuple[str, ...], what: str) -> Words:
    """Return the words, or raise `ValueError` for those that stand for nothing allowed."""
    return raise_all(
        words,
        [
            f"'{word}' {what}{suggest_name(word, allowed)}; allowed: {', '.join(allowed)}"
            for word in words.values()
            if word not in allowed
        ],
    )
