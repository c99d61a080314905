"""Units that a mapping chose where the file states none, and that the values do not tell from another."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

from cytopenia.contract import Finding, note
from cytopenia.readers.labs_mapping import LabsTable
from cytopenia.units import convert_value, list_units, load_analytes, match_unit
from cytopenia.values import is_missing_text

__all__ = ["ABOUT_AS_MANY", "doubt_chosen_units"]

# So large a share of the usual values of one unit makes another about as likely.
ABOUT_AS_MANY = 0.75
_ENOUGH_VALUES = 5
_IN_BRACKETS = re.compile(r"[\(\[].+[\)\]]\s*$")


def doubt_chosen_units(labs: pl.DataFrame, mapping: LabsTable, source: pl.DataFrame) -> list[Finding]:
    """Return a finding for each analyte whose chosen unit fits its values no better than another.

    Parameters
    ----------
    labs
        Prepared rows, with `analyte` and `value` in the canonical unit.
    mapping
        Its default units, and units of columns whose heading states none, were chosen.
    source
        As the file has it.
    """
    chosen = {} if _states_units(source, mapping) else dict(mapping.default_units)
    for analyte, column in mapping.wide.items():
        if not _IN_BRACKETS.search(column.column) and column.unit not in column.column:
            chosen[analyte] = column.unit
    for pattern, column in mapping.days.items():
        if column.unit is not None and column.analyte is not None and column.unit not in pattern:
            chosen[column.analyte] = column.unit
    return [
        finding
        for analyte, unit in sorted(chosen.items())
        if analyte in load_analytes() and match_unit(analyte, unit) is not None
        for finding in _doubt(analyte, unit, labs.filter(pl.col("analyte") == analyte)["value"].drop_nulls())
    ]


def _states_units(source: pl.DataFrame, mapping: LabsTable) -> bool:
    """True where most rows of the file print a unit, which then is no choice."""
    heading = mapping.columns.get("unit", "unit")
    given = source[heading] if heading in source.columns else None
    return given is not None and 2 * int(is_missing_text(given.cast(pl.String)).sum()) < len(given)


def _doubt(analyte: str, unit: str, values: pl.Series) -> Iterable[Finding]:
    row = load_analytes()[analyte]
    own = convert_value(1.0, unit, analyte=analyte)
    if len(values) < _ENOUGH_VALUES:
        return
    factors = {convert_value(1.0, text, analyte=analyte): text for text in reversed(list_units(analyte))}
    usual = {size: _count_usual(values / own * size, row.typical_low, row.typical_high) for size in factors}
    others = [size for size, n in usual.items() if size != own and n and n >= ABOUT_AS_MANY * usual[own]]
    if not others:
        return
    other = max(others, key=lambda size: usual[size])
    medians = (_show_median(values / own * size) for size in (own, other))
    own_median, other_median = medians
    what = (
        f"the file states no unit of {analyte}; {unit} was chosen, and {factors[other]} is as likely: usual "
        f"would be {usual[own]:,} and {usual[other]:,} of {len(values):,} values, and the medians would be "
        f"{own_median} and {other_median} {row.unit}"
    )
    yield note("labs", "chosen_unit_not_certain", what, rows=len(values))


def _count_usual(values: pl.Series, low: float, high: float) -> int:
    return int(values.is_between(low, high).sum())


def _show_median(values: pl.Series) -> str:
    return f"{pl.Series([values.median()], dtype=pl.Float64).round_sig_figs(3).item():g}"
