"""Units that are probably wrong: whole columns whose median is far from anything usual, and single values.

For most analytes "far" is a factor beyond the typical range of single values. Where two units of daily use
differ by less, `data/usual_medians.csv` states the range of medians itself; where there are too few values
for a median, each is asked whether the same number is typical in the other unit. Single values have the range
of `data/usual_values.csv`, wide enough for the very ill. Nothing is changed or left out here.
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

__all__ = [
    "find_anc_above_wbc",
    "find_unusual_value",
    "list_anc_above_wbc",
    "load_usual_medians",
    "load_usual_values",
    "suspect_units",
    "suspect_value",
]

SUSPECT_ROWS = 5
SUSPECT_FACTOR = 5
_SHOWN_UNITS = 6


def suspect_units(rows: pl.DataFrame) -> list[Finding]:
    """Return a finding for each analyte and printed unit whose median is far from anything usual.

    Where the median is not, or there are fewer than five judged rows, the single values that are unusual are
    the finding; of an analyte with a range of medians of its own, such as CRP, with fewer than five rows also
    those that are typical in another unit only. `rows` has `analyte`, `printed` (unit), `value` (canonical),
    `invalid` and `source_row`.
    """
    groups = (
        rows.select("analyte", "printed", "value")
        .filter(rows["invalid"].is_null())
        .group_by("analyte", "printed")
        .agg(
            n=pl.len(),
            median=pl.col("value").median(),
            low=pl.col("value").filter(pl.col("value") > 0).min(),
            high=pl.col("value").max(),
        )
        .sort("analyte", "printed")
    )
    findings: list[Finding] = []
    for analyte, printed, n, median, *ends in groups.iter_rows():
        told = _describe_suspicion(analyte, printed, median) if n >= SUSPECT_ROWS else ""
        usual = load_usual_values()[analyte]
        if n < SUSPECT_ROWS and analyte in load_usual_medians():
            findings += _suspect_single(rows, analyte, printed)
        if not told and all(end is None or usual[0] <= end <= usual[1] for end in ends):
            continue
        concerned = rows.filter(
            pl.col("invalid").is_null() & (pl.col("analyte") == analyte) & (pl.col("printed") == printed)
        )
        rule = "suspected_unit"
        if not told:
            rule, told = "unusual_value", _describe_range(analyte, printed, usual)
            concerned = concerned.filter(_is_unusual(usual))
        findings += note_rows("labs", rule, told, rows=concerned["source_row"], total=rows.height)
    return findings


def _suspect_single(rows: pl.DataFrame, analyte: str, printed: str) -> list[Finding]:
    """The finding on values that another unit would make typical."""
    own = rows.filter(
        pl.col("invalid").is_null() & (pl.col("analyte") == analyte) & (pl.col("printed") == printed)
    )
    told = [
        (row, doubt)
        for value, row in own.select("value", "source_row").iter_rows()
        if (doubt := suspect_value(analyte, value, printed))
    ]
    return [
        finding
        for doubt in dict.fromkeys(words for _, words in told)
        for finding in note_rows(
            "labs",
            "suspected_unit",
            doubt,
            rows=pl.Series([row for row, words in told if words == doubt], dtype=pl.UInt32),
            total=rows.height,
        )
    ]


def suspect_value(analyte: str, value: float, printed: str) -> str:
    """Return in words that one value is typical in another listed unit only; "" if not.

    Parameters
    ----------
    analyte : str
    value : float
        In the canonical unit. Zero is zero in every unit, and says nothing about it.
    printed : str
        The unit that was printed.

    Examples
    --------
    >>> suspect_value("crp", 420.0, "mg/dL")
    'crp: outside the typical 0.05 to 25 mg/dL; in mg/L or ug/mL the same number would be typical'
    >>> suspect_value("crp", 300.0, "mg/L")
    ''
    """
    row = load_analytes()[analyte]
    typical = (row.typical_low, row.typical_high)
    if value == 0 or typical[0] <= value <= typical[1]:
        return ""
    fitting = _list_fitting_units(analyte, printed, value, typical)[:_SHOWN_UNITS]
    if not fitting:
        return ""
    unit = match_unit(analyte, printed)
    low, high = typical if unit is None else map(unit.express, typical)
    return (
        f"{analyte}: outside the typical {low:.4g} to {high:.4g} {printed}; in {' or '.join(fitting)} the"
        " same number would be typical"
    )


def find_unusual_value(analyte: str, value: float, printed: str) -> str:
    """Return in words that one value is unusual in its unit; "" if it is not, or zero.

    `value` is in the canonical unit, `printed` the unit that was printed.

    Examples
    --------
    >>> find_unusual_value("crp", 5000.0, "mg/L")
    "a value of crp lies outside the usual 0.01 to 800 in 'mg/L'"
    """
    usual = load_usual_values()[analyte]
    return "" if value == 0 or usual[0] <= value <= usual[1] else _describe_range(analyte, printed, usual)


def find_anc_above_wbc(labs: pl.DataFrame, *, moment: tuple[str, ...], total: int) -> list[Finding]:
    """Return the finding on neutrophils above white cells of the same patient and moment.

    `moment` names the columns that tell a draw, all but the last of which (the time) must not all be empty.
    Only exact numbers are compared, and only rows that say whose they are.
    """
    rows = list_anc_above_wbc(labs, moment=moment)["source_row"]
    return note_rows("labs", "anc_above_wbc", "ANC is above WBC of the same draw", rows=rows, total=total)


def list_anc_above_wbc(labs: pl.DataFrame, *, moment: tuple[str, ...]) -> pl.DataFrame:
    """Return the neutrophils above the white cells of the same patient and moment, as rows of `labs`.

    `wbc` is the highest white cell count of the moment, `wbc_row` its row of the file; see
    `find_anc_above_wbc`.
    """
    placed = pl.any_horizontal(pl.col(name).is_not_null() for name in moment[:-1])
    judged = labs.filter(
        pl.col("analyte").is_in(["anc", "wbc"]),
        pl.col("invalid").is_null(),
        pl.col("comparator") == "=",
        pl.col("patient_id") != "",
        placed,
    )
    key = ["patient_id", *moment]
    whites = (
        judged.filter(pl.col("analyte") == "wbc")
        .group_by(key)
        .agg(wbc=pl.col("value").max(), wbc_row=pl.col("source_row").sort_by("value").last())
    )
    both = judged.filter(pl.col("analyte") == "anc").join(whites, on=key, nulls_equal=True)
    return both.filter(pl.col("value") > pl.col("wbc"))


@lru_cache(maxsize=1)
def load_usual_medians() -> Mapping[str, tuple[float, float]]:
    """Return the range of medians, in canonical units, of the analytes that have one of their own.

    Examples
    --------
    >>> list(load_usual_medians())
    ['crp']
    """
    return _read_ranges("usual_medians.csv")


@lru_cache(maxsize=1)
def load_usual_values() -> Mapping[str, tuple[float, float]]:
    """Return the range of single values, in canonical units, outside which the unit is worth a look.

    Examples
    --------
    >>> load_usual_values()["hemoglobin"]
    (30.0, 220.0)
    """
    return _read_ranges("usual_values.csv")


def _read_ranges(name: str) -> Mapping[str, tuple[float, float]]:
    text = files("cytopenia").joinpath("data", name).read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType({row["analyte"]: (float(row["low"]), float(row["high"])) for row in rows})


def _is_unusual(usual: tuple[float, float]) -> pl.Expr:
    """Zero is zero in every unit, and says nothing about it."""
    return ~pl.col("value").is_between(*usual) & (pl.col("value") != 0)


def _describe_range(analyte: str, printed: str, usual: tuple[float, float]) -> str:
    unit = match_unit(analyte, printed)
    low, high = usual if unit is None else map(unit.express, usual)
    return f"a value of {analyte} lies outside the usual {low:,.6g} to {high:,.6g} in '{printed}'"


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
    fitting = [f"'{unit}'" for unit in _list_fitting_units(analyte, printed, median, own)]
    hint = f"; if the values were in {' or '.join(fitting)} it would not" if fitting else ""
    return (
        f"the median of {analyte} in '{printed}' lies {side} the usual {low:g} to {high:g} {row.unit}{hint}"
    )


def _list_fitting_units(analyte: str, printed: str, value: float, usual: tuple[float, float]) -> list[str]:
    """Listed units in which the same printed number would lie in the usual range."""
    given = match_unit(analyte, printed)
    number = value if given is None else given.express(value)
    return [
        unit
        for unit in list_units(analyte)
        if usual[0] < convert_value(number, unit, analyte=analyte) < usual[1]
    ]
