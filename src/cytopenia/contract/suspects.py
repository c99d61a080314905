"""Units that are probably wrong: whole columns whose median is far from anything usual.

For most analytes "far" is a factor beyond the typical range of single values. Where two units of daily use
differ by less, `data/usual_medians.csv` states the range of medians itself.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

import polars as pl

from cytopenia.contract.findings import Finding, note_rows
from cytopenia.units import convert_value, list_units, load_analytes, match_unit

__all__ = ["load_usual_medians", "suspect_units"]

SUSPECT_ROWS = 5
SUSPECT_FACTOR = 5


def suspect_units(rows: pl.DataFrame) -> list[Finding]:
    """Return a finding for each analyte and printed unit whose median is far from anything usual.

    `rows` has `analyte`, `printed` (unit), `value` (canonical), `invalid` and `source_row`; groups of fewer
    than five judged rows are not looked at.
    """
    groups = (
        rows.select("analyte", "printed", "value")
        .filter(rows["invalid"].is_null())
        .group_by("analyte", "printed")
        .agg(n=pl.len(), median=pl.col("value").median())
        .filter(pl.col("n") >= SUSPECT_ROWS)
        .sort("analyte", "printed")
    )
    findings: list[Finding] = []
    for analyte, printed, _, median in groups.iter_rows():
        told = _describe_suspicion(analyte, printed, median)
        if not told:
            continue
        concerned = (
            pl.col("invalid").is_null() & (pl.col("analyte") == analyte) & (pl.col("printed") == printed)
        )
        findings += note_rows(
            "labs", "suspected_unit", told, rows=rows.filter(concerned)["source_row"], total=rows.height
        )
    return findings


@lru_cache(maxsize=1)
def load_usual_medians() -> Mapping[str, tuple[float, float]]:
    """Return the range of medians, in canonical units, of the analytes that have one of their own.

    Examples
    --------
    >>> list(load_usual_medians())
    ['crp']
    """
    text = files("cytopenia").joinpath("data", "usual_medians.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType({row["analyte"]: (float(row["low"]), float(row["high"])) for row in rows})


def _describe_suspicion(analyte: str, printed: str, median: float) -> str:
    """What is unusual about a median, with the units in which it would be usual; "" if nothing is."""
    row = load_analytes()[analyte]
    own = load_usual_medians().get(analyte)
    low, high = own or (row.typical_low / SUSPECT_FACTOR, row.typical_high * SUSPECT_FACTOR)
    if low < median < high:
        return ""
    side = "below" if median <= low else "above"
    if own is None:
        usual = f"{row.typical_low:g} to {row.typical_high:g} {row.unit}"
        return f"the median of {analyte} in '{printed}' lies far {side} the usual {usual}"
    fitting = [f"'{unit}'" for unit in _find_fitting(analyte, printed, median, own)]
    hint = f"; if the values were in {' or '.join(fitting)} it would not" if fitting else ""
    return (
        f"the median of {analyte} in '{printed}' lies {side} the usual {low:g} to {high:g} {row.unit}{hint}"
    )


def _find_fitting(analyte: str, printed: str, median: float, usual: tuple[float, float]) -> list[str]:
    """Listed units in which the same printed numbers would have a usual median."""
    given = match_unit(analyte, printed)
    number = median if given is None else given.express(median)
    return [
        unit
        for unit in list_units(analyte)
        if usual[0] < convert_value(number, unit, analyte=analyte) < usual[1]
    ]
