"""What every part of a mapping is made of: the form, the file of one table, and checks of names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cytopenia.contract import TABLES, TextFormat
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


class MappingForm(BaseModel):
    """Unknown keys are errors, and blanks around texts do not count."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class TableMapping(MappingForm):
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

    @field_validator("file")
    @classmethod
    def _check_file(cls, file: str | None) -> str | None:
        return file if file is None else raise_all(file, name_outside(file))


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
