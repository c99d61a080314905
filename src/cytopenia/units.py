"""The closed, reviewed tables of analytes and units, and the conversion of values to the canonical unit.

The tables are `data/analytes.csv` and `data/units.csv`. Names and units are matched exactly after folding of
spelling only (blanks, micro signs, powers of ten); nothing is matched by similarity and nothing is guessed.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

import polars as pl

from cytopenia.errors import UnitError, suggest_name

__all__ = [
    "Analyte",
    "Unit",
    "convert_units",
    "convert_value",
    "express_conversion",
    "fold_name",
    "is_usual_limit",
    "list_units",
    "load_analytes",
    "load_units",
    "match_unit",
    "mentions_analyte",
    "resolve_analyte",
    "show_unit",
]

SIGNIFICANT_DIGITS = 15
MENTION_LETTERS = 3

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


@dataclass(frozen=True)
class Analyte:
    """One analyte of `data/analytes.csv`.

    `unit` is the canonical unit. A value outside `plausible_low` to `plausible_high` is not judged. A column
    whose median lies far outside `typical_low` to `typical_high` probably carries another unit than it says.
    """

    name: str
    title: str
    unit: str
    direction_of_harm: str
    plausible_low: float
    plausible_high: float
    typical_low: float
    typical_high: float
    loinc: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def is_count(self) -> bool:
        """True for cell counts, which share one list of units."""
        return self.unit == "1e9/L"

    @property
    def limit_range(self) -> tuple[float, float]:
        """The range of lower limits of normal that laboratories print, in canonical units.

        Where low values do harm this is the typical range: a limit outside it is in another unit than it
        says. Elsewhere (CRP) a printed lower limit is often 0, and any plausible number will do.
        """
        if self.direction_of_harm == "low":
            return self.typical_low, self.typical_high
        return self.plausible_low, self.plausible_high

    @property
    def limit_text(self) -> str:
        """The range of lower limits of normal, as a message says it."""
        low, high = self.limit_range
        return f"{low:g} to {high:g} {self.unit}"


@dataclass(frozen=True)
class Unit:
    """One row of `data/units.csv`: canonical value = (value + offset) x multiply / divide."""

    applies_to: str
    text: str
    multiply: float
    divide: float
    offset: float
    exact_case: bool
    source: str

    @property
    def is_canonical(self) -> bool:
        """True where a value needs no conversion."""
        return (self.multiply, self.divide, self.offset) == (1.0, 1.0, 0.0)

    def express(self, canonical: float) -> float:
        """Return a canonical number in this unit, unrounded."""
        return canonical * self.divide / self.multiply - self.offset


@lru_cache(maxsize=1)
def load_analytes() -> Mapping[str, Analyte]:
    """Return the analytes by canonical name, in the order of the reviewed table.

    Examples
    --------
    >>> load_analytes()["hemoglobin"].unit
    'g/L'
    """
    numbers = ("plausible_low", "plausible_high", "typical_low", "typical_high")
    analytes: dict[str, Analyte] = {}
    for row in _read_table("analytes.csv"):
        low, high, typical_low, typical_high = (float(row[name]) for name in numbers)
        analytes[row["analyte"]] = Analyte(
            name=row["analyte"],
            title=row["title"],
            unit=row["unit"],
            direction_of_harm=row["direction_of_harm"],
            plausible_low=low,
            plausible_high=high,
            typical_low=typical_low,
            typical_high=typical_high,
            loinc=tuple(row["loinc"].split("|")),
            names=tuple(row["names"].split("|")),
        )
    return MappingProxyType(analytes)


@lru_cache(maxsize=1)
def load_units() -> Sequence[Unit]:
    """Return every row of the reviewed unit table; `applies_to` is an analyte or "count".

    Examples
    --------
    >>> [unit.text for unit in load_units() if unit.applies_to == "il6"]
    ['pg/mL', 'ng/L']
    """
    return tuple(
        Unit(
            applies_to=row["applies_to"],
            text=row["unit"],
            multiply=float(row["multiply"]),
            divide=float(row["divide"]),
            offset=float(row["offset"]),
            exact_case=row["exact_case"] == "true",
            source=row["source"],
        )
        for row in _read_table("units.csv")
    )


def fold_name(text: str) -> str:
    """Return a name without case, blanks, underscores, hyphens, dots and commas; "%" and "#" stay.

    Examples
    --------
    >>> fold_name("Neutrophils, abs.")
    'neutrophilsabs'
    """
    return re.sub(r"[\s_\-.,]+", "", unicodedata.normalize("NFKC", text)).casefold()


def resolve_analyte(name: str) -> str | None:
    """Return the canonical analyte of a printed name, or None when the reviewed table does not list the name.

    Examples
    --------
    >>> resolve_analyte("Haemoglobin"), resolve_analyte("Neutrophils (%)")
    ('hemoglobin', None)
    """
    return _names().get(fold_name(name))


def mentions_analyte(name: str) -> bool:
    """Return True where a listed name of three letters or more stands in the text as a word of its own.

    Examples
    --------
    >>> mentions_analyte("Neutrophils (%)"), mentions_analyte("Sodium")
    (True, False)
    """
    return _mention().search(unicodedata.normalize("NFKC", name)) is not None


def is_usual_limit(limit: float, *, analyte: str) -> bool:
    """Return True where a lower limit of normal, in canonical units, is one that laboratories print.

    Any other limit is most likely in another unit, and would turn normal values into toxicities or hide them.

    Examples
    --------
    >>> is_usual_limit(2.0, analyte="anc"), is_usual_limit(0.002, analyte="anc")
    (True, False)
    """
    low, high = load_analytes()[analyte].limit_range
    return low <= limit <= high


def list_units(analyte: str) -> list[str]:
    """Return the listed units of an analyte, the canonical unit first.

    Raises
    ------
    UnitError
        The analyte is unknown.

    Examples
    --------
    >>> list_units("crp")
    ['mg/L', 'ug/mL', 'mg/dL']
    """
    group = _require_analyte(analyte)
    return [unit.text for unit in load_units() if unit.applies_to == group]


def match_unit(analyte: str, text: str | None) -> Unit | None:
    """Return the row of the unit table for a printed unit, or None when it is blank or not listed.

    Spelling is folded (blanks, micro signs, "mcL", powers of ten, a leading "x"); upper and lower case only
    where no other meaning exists: "g/L" is grams and never giga.

    Raises
    ------
    UnitError
        The analyte is unknown.

    Examples
    --------
    >>> match_unit("anc", "cells / µL").divide, match_unit("anc", "g/L")
    (1000.0, None)
    """
    group = _require_analyte(analyte)
    if text is None:
        return None
    normal = _normalize_unit(text)
    exact, folded = _unit_index()
    return exact.get((group, normal)) or folded.get((group, normal.casefold()))


def convert_value(value: float, unit: str, *, analyte: str) -> float:
    """Return one value in the canonical unit of its analyte, rounded to 15 significant digits.

    Raises
    ------
    UnitError
        The analyte is unknown, or the unit is not listed for it.

    Examples
    --------
    >>> convert_value(499, "cells/uL", analyte="anc"), convert_value(7.9, "g/dL", analyte="hemoglobin")
    (0.499, 79.0)
    """
    row = match_unit(analyte, unit)
    if row is None:
        raise UnitError(
            f"'{unit}' is not a listed unit of {analyte}; allowed: {', '.join(list_units(analyte))}"
        )
    if row.is_canonical:
        return float(value)
    return float(f"{(value + row.offset) * row.multiply / row.divide:.{SIGNIFICANT_DIGITS}g}")


def convert_units(labs: pl.DataFrame, *, columns: Sequence[str] = ("value", "lln", "uln")) -> pl.DataFrame:
    """Return the rows with their numbers and `unit` in canonical units, same rows in the same order.

    Each distinct pair of analyte and unit is looked up once, and value and limits of a row get the same
    factor.

    Parameters
    ----------
    labs : DataFrame, one row per measurement
        `analyte` str (canonical name or null), `unit` str or null as printed, and float `columns`; absent
        ones are skipped.
    columns
        The columns that carry the row's unit.

    Returns
    -------
    DataFrame
        The same columns. A row whose analyte is null or whose unit is missing or not listed is left as it
        was. Converted numbers are rounded to 15 significant digits, so that 499 /uL is 0.499 and nothing
        beside it.

    Examples
    --------
    >>> convert_units(
    ...     pl.DataFrame({"analyte": ["anc"], "unit": ["/uL"], "value": [499.0], "lln": [2000.0]})
    ... ).row(0)
    ('anc', '1e9/L', 0.499, 2.0)
    """
    present = [name for name in columns if name in labs.columns]
    factors = {name: pl.col(name) for name in present}
    units = pl.col("unit")
    for analyte, text in labs.select("analyte", "unit").unique().iter_rows():
        if analyte is None or (unit := match_unit(analyte, text)) is None:
            continue
        where = (pl.col("analyte") == analyte) & (pl.col("unit") == text)
        units = pl.when(where).then(pl.lit(load_analytes()[analyte].unit)).otherwise(units)
        if not unit.is_canonical:
            factors = {
                name: pl.when(where).then(express_conversion(name, unit)).otherwise(old)
                for name, old in factors.items()
            }
    return labs.with_columns(unit=units, **factors)


def express_conversion(column: str, unit: Unit) -> pl.Expr:
    """Return the expression that converts a column of numbers from a listed unit to the canonical one.

    The result is rounded to 15 significant digits, so that no noise of binary fractions enters with a
    conversion.

    Examples
    --------
    >>> pl.DataFrame({"hb": [11.45]}).select(
    ...     express_conversion("hb", match_unit("hemoglobin", "g/dL"))
    ... ).item()
    114.5
    """
    moved = pl.col(column) + unit.offset if unit.offset else pl.col(column)
    return (moved * unit.multiply / unit.divide).round_sig_figs(SIGNIFICANT_DIGITS)


def _read_table(name: str) -> list[dict[str, str]]:
    text = files("cytopenia").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _require_analyte(analyte: str) -> str:
    """The key of the unit table for this analyte: its own name, or "count"."""
    row = load_analytes().get(analyte)
    if row is None:
        raise UnitError(
            f"analyte '{analyte}' is unknown{suggest_name(analyte, load_analytes())}; "
            f"allowed: {', '.join(load_analytes())}"
        )
    return "count" if row.is_count else row.name


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    names: dict[str, str] = {}
    for analyte in load_analytes().values():
        for name in (analyte.name, *analyte.names):
            if names.setdefault(fold_name(name), analyte.name) != analyte.name:
                raise UnitError(f"data/analytes.csv lists the name '{name}' for two analytes")
    return MappingProxyType(names)


@lru_cache(maxsize=1)
def _mention() -> re.Pattern[str]:
    """Every listed name of three letters or more, as a word."""
    listed = {name for row in load_analytes().values() for name in (row.name, *row.names)}
    long = sorted(re.escape(name) for name in listed if sum(map(str.isalpha, name)) >= MENTION_LETTERS)
    return re.compile(rf"(?<!\w)(?:{'|'.join(long)})(?!\w)", re.IGNORECASE)


@lru_cache(maxsize=1)
def _unit_index() -> tuple[Mapping[tuple[str, str], Unit], Mapping[tuple[str, str], Unit]]:
    """Units by exact text, and by folded text for those whose case carries no meaning."""
    exact = {(unit.applies_to, _normalize_unit(unit.text)): unit for unit in reversed(load_units())}
    folded = {(group, text.casefold()): unit for (group, text), unit in exact.items() if not unit.exact_case}
    return MappingProxyType(exact), MappingProxyType(folded)


@lru_cache(maxsize=4096)
def _normalize_unit(text: str) -> str:
    """One spelling for one unit: "× 10⁹ / µl" and "x10*9/ul" both become "10^9/ul"."""
    text = re.sub(r"[⁰¹²³⁴-⁹]+", lambda found: "^" + found.group().translate(_SUPERSCRIPTS), text)
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).replace("μ", "u")
    text = re.sub(r"^[x×*](?=1)", "", text, flags=re.IGNORECASE)
    text = re.sub(r"^(?:10(?:\^|\*\*?|e)|1e)\+?0?(\d)(?=\D)", r"10^\1", text, flags=re.IGNORECASE)
    text = re.sub(r"mc(?=l\b|g\b|g/|mol|kat)", "u", text, flags=re.IGNORECASE)
    text = re.sub(r"mm\^3|cu\.?mm|cmm", "mm3", text, flags=re.IGNORECASE)
    return re.sub(r"^(?:°|deg\.?|degrees?)(?=[cf]$)", "deg", text, flags=re.IGNORECASE)


_SHOWN_UNITS = {"1e9/L": "×10⁹/L", "ug/L": "µg/L", "umol/L": "µmol/L", "degC": "°C"}


def show_unit(unit: str) -> str:
    """Return a unit as a reader expects it.

    Examples
    --------
    >>> show_unit("1e9/L")
    '×10⁹/L'
    """
    return _SHOWN_UNITS.get(unit, unit)
