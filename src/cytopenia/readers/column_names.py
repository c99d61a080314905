"""The reviewed lists of headings and words for columns, kinds and tables of ours, in six languages.

The lists are `data/column_names.csv`, `data/kind_names.csv` and `data/table_names.csv`. They serve proposals
only: what is read is what the mapping says.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from cytopenia.readers.codes import load_support_codes

__all__ = [
    "ANY",
    "NamedColumn",
    "find_columns",
    "find_kind",
    "find_table",
    "fold_heading",
    "is_birth",
    "is_ours",
]

ANY = "any"
_BIRTH = re.compile(
    r"birth|geburt|\bdob\b|\bgeb\b|\bgeb[\s._-]*dat|nacimiento|naissance|nascita|geboorte", re.IGNORECASE
)


@dataclass(frozen=True)
class NamedColumn:
    """A column of ours that a heading may stand for; `certain` is False where it has other meanings.

    `by_words` is True where not the heading but the words of the column say so.
    """

    table: str
    column: str
    certain: bool
    by_words: bool = False


def fold_heading(text: str) -> str:
    """Return a heading without case, accents, blanks and most marks.

    Examples
    --------
    >>> fold_heading("Pat.-Nr."), fold_heading("Fecha de infusión")
    ('patnr', 'fechadeinfusion')
    """
    plain = unicodedata.normalize("NFKD", re.sub(r"[°º]", "", text.casefold()))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return re.sub(r"[\s_\-.,:;'’´`*?|/]+", "", plain)


def is_ours(heading: str, column: str) -> bool:
    """Return True where the reader takes a heading for this column without a mapping.

    Examples
    --------
    >>> is_ours("Patient ID", "patient_id"), is_ours("Pat.-Nr.", "patient_id")
    (True, False)
    """
    return re.sub(r"[\s\-]+", "_", heading.strip()).lower() == column


def is_birth(heading: str) -> bool:
    """Return True where a heading names the date or year of birth.

    Examples
    --------
    >>> is_birth("Geb.-Datum"), is_birth("DOB"), is_birth("Gebiet")
    (True, True, False)
    """
    return _BIRTH.search(heading) is not None


def find_columns(heading: str) -> tuple[NamedColumn, ...]:
    """Return the columns that a heading may stand for.

    Examples
    --------
    >>> [(found.table, found.column) for found in find_columns("Infusionsdatum")]
    [('infusions', 'infusion_date')]
    """
    without_unit = re.sub(r"\s*[\(\[][^\(\)\[\]]*[\)\]]$", "", heading)
    return _columns().get(fold_heading(heading)) or _columns().get(fold_heading(without_unit), ())


def find_kind(table: str, word: str) -> str | None:
    """Return the kind that a word of support, events or responses stands for.

    Examples
    --------
    >>> find_kind("support", "Pegfilgrastim"), find_kind("events", "Headache")
    ('gcsf', None)
    """
    return _kinds().get((table, fold_heading(word)))


def find_table(name: str) -> str | None:
    """Return the table that the name of a sheet or file stands for.

    Examples
    --------
    >>> find_table("Laborwerte"), find_table("Sheet1")
    ('labs', None)
    """
    return _tables().get(fold_heading(name))


@lru_cache(maxsize=1)
def _columns() -> Mapping[str, tuple[NamedColumn, ...]]:
    found: dict[str, tuple[NamedColumn, ...]] = {}
    for row in _read_list("column_names.csv"):
        named = NamedColumn(row["table"], row["column"], row["certain"] == "yes")
        for name in (row["column"], *row["names"].split("|")):
            folded = fold_heading(name)
            known = found.get(folded, ())
            if not any((one.table, one.column) == (named.table, named.column) for one in known):
                found[folded] = (*known, named)
    return MappingProxyType(found)


@lru_cache(maxsize=1)
def _kinds() -> Mapping[tuple[str, str], str]:
    kinds = {
        (row["table"], fold_heading(name)): row["kind"]
        for row in _read_list("kind_names.csv")
        for name in (row["kind"], *row["names"].split("|"))
    }
    agents = {("support", fold_heading(code.agent)): code.kind for code in load_support_codes().values()}
    return MappingProxyType({**agents, **kinds})


@lru_cache(maxsize=1)
def _tables() -> Mapping[str, str]:
    return MappingProxyType(
        {
            fold_heading(name): row["table"]
            for row in _read_list("table_names.csv")
            for name in row["names"].split("|")
        }
    )


def _read_list(name: str) -> list[dict[str, str]]:
    text = files("cytopenia").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
