"""Codes of laboratories and pharmacies become our analytes, units and kinds of support.

The tables are `data/analyte_codes.csv` (LOINC) and `data/support_codes.csv` (ATC). A code counts only as they
say; a name beside the code is never read.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

__all__ = [
    "LOINC",
    "UCUM",
    "AnalyteCode",
    "SupportCode",
    "load_analyte_codes",
    "load_support_codes",
    "read_ucum",
]

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"


@dataclass(frozen=True)
class AnalyteCode:
    """One LOINC code.

    `use` is "yes" (the code is the analyte), "percent" (neutrophils as a share of the white cells) or "apart"
    (near to the analyte, but not to be mixed with it, for the reason in `remark`).
    """

    loinc: str
    analyte: str
    use: str
    specimen: str
    remark: str
    source: str

    @property
    def nearness(self) -> str:
        """What a code is that is kept apart, as a finding says it."""
        return f"near to {self.analyte} ({self.specimen}; {self.remark})"


@dataclass(frozen=True)
class SupportCode:
    """One code of a drug that supports the blood counts."""

    system: str
    code: str
    kind: str
    agent: str
    source: str


@lru_cache(maxsize=1)
def load_analyte_codes() -> Mapping[str, AnalyteCode]:
    """Return the LOINC codes of the reviewed table.

    Examples
    --------
    >>> load_analyte_codes()["718-7"].use, load_analyte_codes()["30313-1"].use
    ('yes', 'apart')
    """
    return MappingProxyType({row["loinc"]: AnalyteCode(**row) for row in _read_table("analyte_codes.csv")})


@lru_cache(maxsize=1)
def load_support_codes() -> Mapping[tuple[str, str], SupportCode]:
    """Return the drugs of the reviewed table by code system and code.

    Examples
    --------
    >>> load_support_codes()["http://www.whocc.no/atc", "L03AA02"].agent
    'filgrastim'
    """
    rows = [SupportCode(**row) for row in _read_table("support_codes.csv")]
    return MappingProxyType({(row.system, row.code): row for row in rows})


def read_ucum(code: str) -> str:
    """Return a UCUM code without its annotations, which carry no meaning in UCUM.

    Examples
    --------
    >>> read_ucum("10*3{cells}/uL"), read_ucum("{cells}/uL"), read_ucum("%{WBC}")
    ('10*3/uL', '/uL', '%')
    """
    return re.sub(r"\{[^{}]*\}", "", code).strip()


def _read_table(name: str) -> list[dict[str, str]]:
    text = files("cytopenia").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
