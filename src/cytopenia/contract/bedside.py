"""Bedside rows as charted become words and numbers of a closed list; anything else is a finding."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cytopenia.bedside_inputs import BedsideInput, load_bedside_inputs
from cytopenia.contract.columns import add_basics, match_words, read_text
from cytopenia.contract.days import read_moments, read_times
from cytopenia.contract.findings import Finding, note, note_rows
from cytopenia.contract.schemas import TextFormat
from cytopenia.contract.texts import Wording, note_texts
from cytopenia.errors import DataError, MissingColumnError, suggest_name
from cytopenia.units import convert_value
from cytopenia.values import is_missing_text, parse_values, settle_decimal

__all__ = ["BEDSIDE_COLUMNS", "BEDSIDE_UNITS", "WITH_UNIT", "prepare_bedside"]

_TABLE = "bedside"
_KEYS = ("patient_id", "day", "date", "time", "minute", "source_row")
# A column of this name states the unit of the input: (input, unit).
WITH_UNIT = {"temperature_f": ("temperature", "degF"), "fio2_percent": ("fio2", "%")}
BEDSIDE_UNITS: Mapping[str, tuple[str, ...]] = {"temperature": ("degC", "degF"), "fio2": ("fraction", "%")}
_PERCENT = 100.0
_YES_NO = ("no", "yes")
_PLAIN = {
    **dict.fromkeys(("1", "1.0", "true", "y"), "yes"),
    **dict.fromkeys(("0", "0.0", "false", "n"), "no"),
}
BEDSIDE_COLUMNS: tuple[str, ...] = (*_KEYS, *load_bedside_inputs(), *WITH_UNIT)


def prepare_bedside(
    raw: pl.DataFrame, *, text: TextFormat | None = None, wanted: tuple[str, ...] = ()
) -> tuple[pl.DataFrame, list[Finding]]:
    """Return one row per row: who, when, and every input as a word or a number of the closed list.

    Parameters
    ----------
    raw : DataFrame
        Columns of `BEDSIDE_COLUMNS`; all but one input may be absent. `temperature` is in degC and `fio2` a
        fraction; the names `temperature_f` and `fio2_percent` state the other units.
    text : TextFormat, optional
    wanted : tuple of str
        The inputs that matter; a finding names those that have no column. All of them by default.

    Returns
    -------
    DataFrame, findings
        `patient_id`, `day`, `date`, `minute`, `source_row` and every input; null where it is unknown. Rows
        keep their order.

    Raises
    ------
    MissingColumnError
        No column is one of the inputs.
    DataError
        An input stands in two columns of different units.
    """
    text = text or TextFormat()
    table, findings = add_basics(_use_units(raw), _TABLE)
    known = load_bedside_inputs()
    wanted = wanted or tuple(known)
    present = [name for name in known if name in table.columns]
    if not set(present) & set(wanted):
        shown = ", ".join(name for name in raw.columns if name != "source_row")
        raise MissingColumnError(
            f"bedside: no column is an input of the scale; found: {shown}; needed: {', '.join(wanted)}. Name"
            " the columns so, or map them in columns = { temperature = 'their column' }."
        )
    moments, found = read_moments(table, _TABLE, day="day", date="date", text=text)
    findings += [*found, *_name_columns(table, wanted)]
    decimal = text.decimal
    if decimal == "auto":
        decimal = settle_decimal(table[name] for name in present if known[name].is_number)
    columns: list[pl.Series] = []
    for name, item in known.items():
        if name not in table.columns:
            kind = pl.Float64 if item.is_number else pl.String
            columns.append(pl.repeat(None, table.height, dtype=kind, eager=True).alias(name))
            continue
        values, found = _read_number(table, item, decimal) if item.is_number else _read_words(table, item)
        columns.append(values)
        # The age decides whether a line holds at all.
        findings += found if name in (*wanted, "age_years") else []
    minute = _read_minutes(table, moments.minute)
    rows = table.select("patient_id", moments.day, moments.date, minute, "source_row")
    return rows.with_columns(columns), findings


def _use_units(raw: pl.DataFrame) -> pl.DataFrame:
    """Columns that name another unit, converted and under the name of their input."""
    for name, (ours, unit) in WITH_UNIT.items():
        if name not in raw.columns:
            continue
        if ours in raw.columns:
            raise DataError(
                f"bedside: '{ours}' and '{name}' are the same input; keep one of the two columns."
            )
        number = parse_values(raw[name])
        plain = number["invalid"].is_null() & (number["comparator"] == "=")
        converted = [
            None if value is None else _convert(value, unit, ours)
            for value in number["value"].set(~plain, None)
        ]
        cells = raw[name].cast(pl.String)
        # What is no number stays as it is, so that the finding on it is the same as without a unit.
        kept = pl.Series(ours, [f"{value:.15g}" if value is not None else None for value in converted])
        raw = raw.with_columns(kept.zip_with(plain, cells).alias(ours)).drop(name)
    return raw


def _convert(value: float, unit: str, name: str) -> float:
    return float(f"{value / _PERCENT:.15g}") if unit == "%" else convert_value(value, unit, analyte=name)


def _name_columns(table: pl.DataFrame, wanted: tuple[str, ...]) -> list[Finding]:
    """Inputs without a column, and columns that look like one but are none."""
    findings: list[Finding] = []
    absent = [name for name in wanted if name not in table.columns]
    for name in table.columns:
        near = "" if name in BEDSIDE_COLUMNS else suggest_name(name.lower(), BEDSIDE_COLUMNS)
        if near:
            findings.append(note(f"{_TABLE}.{name}", "bedside_column", f"column '{name}' is not read{near}"))
    if absent:
        what = f"there is no column {', '.join(absent)}"
        findings.append(note(f"{_TABLE}.{absent[0]}", "bedside_input_absent", what))
    return findings


def _read_words(table: pl.DataFrame, item: BedsideInput) -> tuple[pl.Series, list[Finding]]:
    given = table[item.name]
    if given.dtype == pl.Boolean:
        given = given.replace_strict({True: "yes", False: "no"}, return_dtype=pl.String)
    cells = read_text(table.with_columns(given.cast(pl.String)), item.name)
    if item.words == _YES_NO:
        cells = cells.str.to_lowercase().replace(_PLAIN)
    # "none" is a word here and no missing value.
    words = match_words(cells, item.words)
    blank = words.is_null() & is_missing_text(cells)
    unknown = words.is_null() & ~blank
    wording = Wording(
        noun="word",
        owner=item.name,
        verdict="is not known",
        verdict_many="are not known",
        allowed=item.allowed,
        hint=lambda word: suggest_name(_fold_word(word), item.words),
    )
    findings = note_texts(
        f"{_TABLE}.{item.name}",
        "bedside_word",
        cells.filter(unknown),
        wording=wording,
        rows=table["source_row"].filter(unknown),
        total=table.height,
    )
    return words.alias(item.name), findings


def _fold_word(word: str) -> str:
    """A word as the closed lists spell words: small letters, "_" between parts."""
    return "_".join(word.replace("-", " ").lower().split())


def _read_number(table: pl.DataFrame, item: BedsideInput, decimal: str) -> tuple[pl.Series, list[Finding]]:
    cells = table[item.name]
    parsed = parse_values(cells, decimal=decimal)
    missing = _is_blank(cells)
    value = parsed["value"].set(parsed["invalid"].is_not_null() | (parsed["comparator"] != "="), None)
    odd = value.is_null() & ~missing
    outside = (value.is_not_null() & ~value.is_between(item.low, item.high)).fill_null(value=False)
    if item.whole:
        outside |= (value.is_not_null() & (value != value.floor())).fill_null(value=False)
    where, rows, total = f"{_TABLE}.{item.name}", table["source_row"], table.height
    said: Mapping[str, pl.Series] = {
        f"{item.name} is not a plain number": odd,
        f"{item.name} is outside what it can be": outside,
    }
    findings = [
        finding
        for what, marks in said.items()
        for finding in note_rows(
            where, "bedside_value", what, rows=rows.filter(marks), total=total, allowed=item.allowed
        )
    ]
    return value.set(outside, None).alias(item.name), findings


def _is_blank(cells: pl.Series) -> pl.Series:
    return is_missing_text(cells) if cells.dtype == pl.String else cells.is_null()


def _read_minutes(table: pl.DataFrame, minutes: pl.Series) -> pl.Series:
    if "time" in table.columns:
        minutes = minutes.zip_with(minutes.is_not_null(), read_times(table["time"]))
    return minutes.rename("minute")
