"""Units that are not stated, not listed, or hardly the right ones: what the values say, and what is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from cytopenia.contract.near_names import NEUTROPHIL_SHARE
from cytopenia.readers.chosen_units import ABOUT_AS_MANY
from cytopenia.readers.column_guesses import count_usual
from cytopenia.readers.heading_parts import list_scales
from cytopenia.readers.proposal_parts import EMPTY, Line, Part, ask, map_to, quote, show
from cytopenia.units import list_units, load_analytes, match_unit
from cytopenia.values import parse_values

__all__ = [
    "ask_default_unit",
    "ask_unit_text",
    "ask_units",
    "count_plausible",
    "doubt_unit",
    "find_better_unit",
    "say_usual",
    "weigh_units",
]

_SHOWN_SCALES = 2
_ENOUGH_VALUES = 5
_FEW, _MOST = 0.2, 0.6


def weigh_units(analyte: str, cells: pl.Series) -> tuple[str, str]:
    """Return the choice of units with how many values would be usual in which, and the likeliest unit."""
    counts = count_usual(cells, analyte)
    total = int(parse_values(cells)["value"].is_not_null().sum())
    hint = f" {say_usual(counts, total)}" if total else ""
    scales = list_scales(analyte)
    choice = ", ".join(scales) if len(scales) > 1 else " = ".join(list_units(analyte))
    # Of units that fit about equally the first that is listed stands in the line: it is the more common.
    alike = _list_alike(counts)
    return f"{choice}?{hint}", next((one for one in scales if one in alike), next(iter(counts)))


def say_usual(counts: Mapping[str, int], total: int) -> str:
    """Return in which units values would be usual, or that they do not tell.

    Examples
    --------
    >>> say_usual({"mmol/L": 45, "g/dL": 40, "g/L": 0}, 48)
    'Cannot be told from the values: mmol/L and g/dL are both possible (usual would be 45 and 40 of 48)'
    >>> say_usual({"g/dL": 3, "mmol/L": 1, "g/L": 0}, 3)
    'Usual would be, of 3 values: 3 in g/dL, 1 in mmol/L'
    """
    alike = _list_alike(counts)
    if len(alike) > 1:
        which = f"{' and '.join(alike)} are {'both' if len(alike) == _SHOWN_SCALES else 'all'} possible"
        usual = " and ".join(f"{counts[text]:,}" for text in alike)
        return f"Cannot be told from the values: {which} (usual would be {usual} of {total:,})"
    best = [f"{count:,} in {text}" for text, count in counts.items() if count][:_SHOWN_SCALES]
    return f"Usual would be, of {total:,} values: {', '.join(best) or 'none in any'}"


def _list_alike(counts: Mapping[str, int]) -> list[str]:
    """The units in which about as many values would be usual as in the likeliest."""
    most = max(counts.values(), default=0)
    return [text for text, count in counts.items() if most and count >= ABOUT_AS_MANY * most]


def ask_units(names: Sequence[str], section: str, origin: str, *, lines: Iterable[Line] = ()) -> Part:
    """Return one question for all units that are not stated; the line of each says more."""
    listed = ", ".join(names)
    one = len(names) == 1
    what = f"the unit of {listed} is not stated" if one else f"{len(names)} units are not stated: {listed}"
    where = f"{'this line' if one else 'these lines'} under [data.labs.{section}]"
    open_lines = [line for line in lines if line.section == section and line.is_open]
    return ask(f"labs: {what} ({origin}). Take the # from {where}, with the right unit.", open_lines)


def ask_default_unit(analyte: str, cells: pl.Series, origin: str) -> Part:
    """Return the open line for values of a long table that have no unit."""
    choice, likely = weigh_units(analyte, cells)
    count = f"of {len(cells):,} values " if len(cells) else ""
    why = f"the unit {count}is not stated: {choice}"
    line = Line("default_units", analyte, likely, why, is_open=True)
    return map_to(line, origin=origin, column=f"unit of {analyte}", becomes="?")


def ask_unit_text(analyte: str, text: str, *, rows: int, origin: str) -> Part:
    """Return the open line for a text that is no listed unit of its analyte."""
    column = f"{analyte} in {quote(text)}"
    if text.strip() == "%" and analyte == "anc":
        why = f"{rows:,} values are read as the percentage of neutrophils"
        return show(origin, column, NEUTROPHIL_SHARE, why=why, state="sure")
    if text.strip() == "%":
        return show(origin, column, "", why=f"{rows:,} values are a share of cells", state="not used")
    allowed = ", ".join(list_scales(analyte))
    why = f"unit of {rows:,} values, not listed; which of these is it: {allowed}?"
    line = Line("units", text, list_units(analyte)[0], why, is_open=True)
    question = f"labs: unit {quote(text)} of {rows:,} values of {analyte} is not listed ({origin}). "
    advice = f"Which of these is it: {allowed}? Write it under [data.labs.units]."
    return map_to(line, origin=origin, column=column, becomes="?") + ask(question + advice, [line])


def doubt_unit(analyte: str, text: str, cells: pl.Series, *, origin: str) -> Part:
    """Return a question where the values are usual in another unit than the one that is stated."""
    other = find_better_unit(analyte, text, cells)
    if other is None:
        return EMPTY
    why = f"the file says {text}, but nearly all values would be usual in {other}"
    question = f"labs: {analyte}: {why} ({origin}). Check it against a printout of the laboratory."
    return show(origin, f"{analyte} in {quote(text)}", analyte, why=why, state="ask") + ask(question)


def find_better_unit(analyte: str, text: str, cells: pl.Series) -> str | None:
    """Return a unit in which most values would be usual, if hardly any are in the stated one.

    Examples
    --------
    >>> find_better_unit("hemoglobin", "g/dL", pl.Series(["101", "98", "120", "87", "92"]))
    'g/L'
    """
    stated = match_unit(analyte, text)
    values = parse_values(cells)["value"].drop_nulls()
    if stated is None or len(values) < _ENOUGH_VALUES:
        return None
    row = load_analytes()[analyte]
    low, high = stated.express(row.typical_low), stated.express(row.typical_high)
    if int(values.is_between(low, high).sum()) > _FEW * len(values):
        return None
    other, count = next(iter(count_usual(cells, analyte).items()))
    return other if count >= _MOST * len(values) else None


def count_plausible(analyte: str, text: str, cells: pl.Series) -> int:
    """Return how many values of a column are possible in a unit."""
    row, unit = load_analytes()[analyte], match_unit(analyte, text)
    values = parse_values(cells)["value"].drop_nulls()
    if unit is None:
        return 0
    return int(values.is_between(unit.express(row.plausible_low), unit.express(row.plausible_high)).sum())
