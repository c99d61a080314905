"""What a column of a foreign table is, by its heading and by what stands in it; a guess, never a reading."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import polars as pl

from cytopenia.contract import TextFormat
from cytopenia.contract.days import read_moments
from cytopenia.readers.codes import load_analyte_codes
from cytopenia.readers.column_names import ANY, NamedColumn, find_columns, find_kind
from cytopenia.readers.heading_parts import (
    HeadingParts,
    is_share,
    list_scales,
    read_day,
    read_heading,
    share_units,
)
from cytopenia.units import load_analytes, match_unit, resolve_analyte
from cytopenia.values import AMBIGUOUS, NEGATIVE, is_missing_text, is_number_text, parse_values

__all__ = [
    "ColumnGuess",
    "Content",
    "count_usual",
    "describe_content",
    "guess_column",
    "name_analyte",
    "quotable",
    "understand_word",
]

_MOST = 0.5
_NEARLY_ALL = 0.8
_MOST_WORDS = 500
_DOUBTFUL = r"^\s*[1-9]\d{0,2}\.\d{3}\s*$"
_SHORT_YEARS = r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{2}(?:\s|T|$)"
_TIME = r"^([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"
_SEXES = frozenset({"m", "f", "w", "male", "female", "männlich", "weiblich", "man", "woman", "h", "v"})
# What laboratories add to a name without changing what was measured.
_HARMLESS = frozenset(
    {
        *("blood", "serum", "plasma", "whole blood", "venous blood", "blut", "vollblut"),
        *("chemistry", "hematology", "haematology"),
    }
)
_DATES = ("date", "infusion_date", "lymphodepletion_date", "start_date", "stop_date")


@dataclass(frozen=True)
class Content:
    """How many cells of a column are what; `words` are its distinct texts, the most frequent first.

    `order` says what is doubtful about its dates: "ambiguous" (day or month first), "mixed", or nothing.
    """

    rows: int
    filled: int
    distinct: int
    numbers: int
    whole: int
    dates: int
    times: int
    doubtful: int
    order: str
    words: tuple[str, ...]

    def is_mostly(self, count: int, share: float = _MOST) -> bool:
        """Return True where so many of the filled cells are it; False for a blank column."""
        return self.filled > 0 and count >= share * self.filled

    @property
    def has_short_years(self) -> bool:
        """True where its dates end with a year of two digits."""
        return any(re.search(_SHORT_YEARS, word) for word in self.words)

    def say_texts(self) -> str:
        """How many different texts there are, as a reason says it."""
        texts = "text" if self.distinct == 1 else "different texts"
        return f"{self.distinct:,} {texts} in {self.filled:,} {'cell' if self.filled == 1 else 'cells'}"


@dataclass(frozen=True)
class ColumnGuess:
    """A column with what its heading says (an analyte, a day, columns of ours) and what stands in it."""

    heading: str
    cells: pl.Series
    content: Content
    parts: HeadingParts | None
    day: tuple[str, int] | None
    roles: tuple[NamedColumn, ...]

    def role(self, column: str, *tables: str) -> NamedColumn | None:
        """The role of that name, in one of the tables."""
        allowed = {*tables, ANY}
        return next((one for one in self.roles if one.column == column and one.table in allowed), None)

    @property
    def is_constant(self) -> bool:
        """True where every filled cell says the same."""
        return self.content.distinct == 1 and self.content.filled > 1

    @property
    def is_wide(self) -> bool:
        """True for a column of values of one analyte, of whatever day."""
        content = self.content
        return self.parts is not None and (content.filled == 0 or content.is_mostly(content.numbers))

    @cached_property
    def analytes(self) -> Mapping[str, str]:
        """The words of the column that name analytes of ours."""
        found = ((word, understand_word(word)) for word in self.content.words)
        return {word: analyte for word, analyte in found if analyte is not None}

    def kinds(self, table: str) -> dict[str, str]:
        """The words of the column that name kinds of that table."""
        found = ((word, find_kind(table, word)) for word in self.content.words)
        return {word: kind for word, kind in found if kind is not None}


def describe_content(cells: pl.Series) -> Content:
    """Return what stands in a column of texts."""
    filled = cells.filter(~is_missing_text(cells))
    counts = filled.value_counts(sort=True)
    content = Content(
        rows=len(cells),
        filled=len(filled),
        distinct=counts.height,
        numbers=0,
        whole=0,
        dates=0,
        times=0,
        doubtful=0,
        order="",
        words=tuple(word.strip() for word in counts.to_series(0).head(_MOST_WORDS)),
    )
    plain = filled.cast(pl.Float64, strict=False)
    # Nine in ten columns of a wide table hold plain numbers, which are neither dates nor doubtful.
    if (
        len(plain)
        and plain.is_finite().all()
        and not plain.is_null().any()
        and not filled.str.contains(_DOUBTFUL).any()
    ):
        return replace(content, numbers=len(plain), whole=int((plain == plain.floor()).sum()))
    return _describe_texts(content, filled)


def _describe_texts(content: Content, filled: pl.Series) -> Content:
    parsed = parse_values(filled)
    rows = pl.int_range(0, len(filled), dtype=pl.UInt32, eager=True)
    frame = pl.DataFrame({"date": filled, "source_row": rows})
    moments, findings = read_moments(frame, "labs", day="day", date="date", text=TextFormat())
    doubtful = [found for found in findings if found.rule == "ambiguous_date"]
    # A negative number is no count, but may be a day; 1,234 is a number, whichever it is.
    numbers = parsed["invalid"].fill_null("").is_in(["", NEGATIVE, AMBIGUOUS])
    return replace(
        content,
        numbers=int(numbers.sum()),
        whole=int((numbers & (parsed["value"] == parsed["value"].floor())).sum()),
        dates=int(moments.date.is_not_null().sum()) + sum(found.rows for found in doubtful),
        times=int(filled.str.contains(_TIME).sum()),
        doubtful=int((parsed["invalid"] == AMBIGUOUS).sum()),
        order=_name_order(doubtful[0].message) if doubtful else "",
    )


def _name_order(message: str) -> str:
    return "mixed" if "both orders" in message else "ambiguous"


def guess_column(heading: str, cells: pl.Series) -> ColumnGuess:
    """Return what a column may be: what its heading says, as far as its cells allow it."""
    content = describe_content(cells)
    roles = [role for role in find_columns(heading) if _allows(content, role)]
    guess = ColumnGuess(heading, cells, content, read_heading(heading), read_day(heading), tuple(roles))
    return ColumnGuess(heading, cells, content, guess.parts, guess.day, (*roles, *_read_words(guess)))


def name_analyte(word: str) -> str | None:
    """Return the analyte that a word of a column of analytes stands for: a listed name, or a LOINC code.

    Examples
    --------
    >>> name_analyte("Leukozyten"), name_analyte("718-7"), name_analyte("4548-4")
    ('wbc', 'hemoglobin', None)
    """
    code = load_analyte_codes().get(word.removeprefix("http://loinc.org|"))
    if code is not None:
        return code.analyte if code.use == "yes" else None
    return resolve_analyte(word)


@lru_cache(maxsize=8192)
def understand_word(word: str) -> str | None:
    """Return the analyte of a word that also holds a unit, or what laboratories add to every name.

    Examples
    --------
    >>> understand_word("Ferritin|Blood|Chemistry"), understand_word("Hemoglobin|Blood|Blood Gas")
    ('ferritin', None)
    """
    analyte = name_analyte(word)
    if analyte is not None or is_share(word):
        return analyte
    first, *rest = (piece.strip() for piece in word.replace(";", "|").split("|"))
    if rest and all(piece.casefold() in _HARMLESS for piece in rest):
        return name_analyte(first)
    parts = read_heading(word)
    return parts.analyte if parts is not None and parts.day is None else None


def count_usual(cells: pl.Series, analyte: str) -> dict[str, int]:
    """Return, per scale of units, how many values of a column would be usual in a patient, the most first.

    Examples
    --------
    >>> count_usual(pl.Series(["9.1", "10.4", "12.0"]), "hemoglobin")
    {'g/dL': 3, 'mmol/L': 2, 'g/L': 0}
    """
    values = parse_values(cells)["value"].drop_nulls()
    row = load_analytes()[analyte]
    counts: dict[str, int] = {}
    for text in list_scales(analyte):
        unit = match_unit(analyte, text)
        if unit is not None:
            low, high = unit.express(row.typical_low), unit.express(row.typical_high)
            counts[text] = int(values.is_between(low, high).sum())
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _allows(content: Content, role: NamedColumn) -> bool:
    """Return False where the cells contradict the heading; a blank column contradicts nothing."""
    if content.filled == 0:
        return True
    column = role.column
    if column in _DATES:
        return content.is_mostly(content.dates)
    if column in {"day", "lymphodepletion_day"}:
        return content.is_mostly(content.numbers, _NEARLY_ALL) and not content.is_mostly(content.dates)
    if column == "time":
        return content.is_mostly(content.times) or (role.certain and content.dates == 0)
    if column in {"value", "lln", "uln", "age_years", "grade", "dose_1e6_per_kg"}:
        return content.is_mostly(content.numbers)
    if column == "patient_id":
        fractions = content.numbers - content.whole
        return not content.is_mostly(content.dates) and not content.is_mostly(fractions, 1 - _NEARLY_ALL)
    if column == "unit":
        return not content.is_mostly(content.numbers)
    return not (column in {"analyte", "kind", "agent"} and content.is_mostly(content.numbers))


def _read_words(guess: ColumnGuess) -> list[NamedColumn]:
    """Roles that the words of a column give it, whatever its heading is."""
    content, named = guess.content, {(role.table, role.column) for role in guess.roles}
    is_text = (
        content.filled and not content.is_mostly(content.numbers) and not content.is_mostly(content.dates)
    )
    if not is_text and not any(word in load_analyte_codes() for word in content.words):
        return []
    found: list[NamedColumn] = []
    if len(guess.analytes) > 1 and ("labs", "analyte") not in named and not guess.roles:
        found.append(NamedColumn("labs", "analyte", certain=True, by_words=True))
    units = [word for word in content.words if share_units(word)]
    if len(units) >= max(1, _MOST * len(content.words)) and ("labs", "unit") not in named:
        found.append(NamedColumn("labs", "unit", certain=len(units) > 1, by_words=True))
    for table, column in (("support", "kind"), ("events", "kind"), ("responses", "response")):
        words = content.words
        if (table, column) not in named and len(guess.kinds(table)) >= max(1, _MOST * len(words)):
            found.append(NamedColumn(table, column, certain=True, by_words=True))
    return found


def quotable(words: tuple[str, ...]) -> list[str]:
    """Return the words that are no numbers, which could be values of a patient."""
    texts = pl.Series(words, dtype=pl.String)
    return texts.filter(~is_number_text(texts)).to_list() if words else []
