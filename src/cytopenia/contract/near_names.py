"""Names that are near to an analyte and no name of it: shares of neutrophils, hemoglobin of blood gases.

The table is `data/analyte_names_near.csv`. Names are matched as those of analytes are, exactly after folding
of spelling. What the file of a study maps itself never gets here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

import polars as pl

from cytopenia.contract.findings import Finding, note_rows
from cytopenia.contract.texts import shorten
from cytopenia.units import fold_name, list_units, load_analytes, match_unit, resolve_analyte

__all__ = [
    "NEUTROPHIL_SHARE",
    "SHARE_UNITS",
    "NearName",
    "is_listed_unit",
    "list_measure_units",
    "load_near_names",
    "match_near_name",
    "name_apart",
    "resolve_measure",
]

NEUTROPHIL_SHARE = "neutrophil_percent"

# What one of each is in percent.
SHARE_UNITS: Mapping[str, float] = MappingProxyType({"%": 1.0, "1": 100.0})


@dataclass(frozen=True)
class NearName:
    """One name of the reviewed table.

    `use` is "percent" (neutrophils in % of the white cells), "share" (the same, but the name does not state
    the unit) or "apart" (not to be mixed with the analyte, for the reason in `remark`).
    """

    name: str
    analyte: str
    use: str
    remark: str

    @property
    def states_percent(self) -> bool:
        """True where the name itself is the unit."""
        return self.use == "percent"


@lru_cache(maxsize=1)
def load_near_names() -> Mapping[str, NearName]:
    """Return the names of the reviewed table by their folded spelling.

    Examples
    --------
    >>> load_near_names()["neut%"].use
    'percent'
    """
    text = files("cytopenia").joinpath("data", "analyte_names_near.csv").read_text(encoding="utf-8")
    rows = [NearName(**row) for row in csv.DictReader(text.splitlines())]
    ours = NearName(NEUTROPHIL_SHARE, "anc", "share", "share of the white cells")
    return MappingProxyType({fold_name(row.name): row for row in (*rows, ours)})


def match_near_name(name: str) -> NearName | None:
    """Return the row of the reviewed table for a printed name, or None.

    Examples
    --------
    >>> match_near_name("Hb (BGA)").remark, match_near_name("Hb")
    ('measured by a blood-gas analyzer', None)
    """
    return load_near_names().get(fold_name(name))


def resolve_measure(name: str) -> str | None:
    """Return the analyte of a printed name, "neutrophil_percent" for a share of neutrophils, or None.

    Examples
    --------
    >>> resolve_measure("NEUT"), resolve_measure("NEUT%"), resolve_measure("Segs %")
    ('anc', 'neutrophil_percent', None)
    """
    near = match_near_name(name)
    if near is not None:
        return None if near.use == "apart" else NEUTROPHIL_SHARE
    return resolve_analyte(name)


def is_listed_unit(measure: str, text: str) -> bool:
    """Return True where the text is a unit of an analyte, or of the share of neutrophils.

    Examples
    --------
    >>> is_listed_unit("neutrophil_percent", "%"), is_listed_unit("anc", "%")
    (True, False)
    """
    if measure == NEUTROPHIL_SHARE:
        return text.strip() in SHARE_UNITS
    return measure in load_analytes() and match_unit(measure, text) is not None


def list_measure_units(measure: str) -> list[str]:
    """Return the listed units of an analyte, or of the share of neutrophils.

    Examples
    --------
    >>> list_measure_units("neutrophil_percent")
    ['%', '1']
    """
    return [*SHARE_UNITS] if measure == NEUTROPHIL_SHARE else list_units(measure)


def name_apart(names: pl.Series, apart: Iterable[str], *, rows: pl.Series, total: int) -> list[Finding]:
    """Return one finding per name that is kept apart; `names` as printed, `rows` their rows of the file."""
    findings: list[Finding] = []
    for name in sorted(apart):
        near = load_near_names()[fold_name(name)]
        what = f"'{shorten(name)}' is near to {near.analyte} ({near.remark})"
        where = (names == name).fill_null(value=False)
        findings += note_rows("labs", "name_apart", what, rows=rows.filter(where), total=total)
    return findings
