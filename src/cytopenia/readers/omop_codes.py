"""Concepts of OMOP become our analytes, units, comparators and words.

The tables are `data/omop_concepts.csv` (id and LOINC code; what a code means stands in `analyte_codes.csv`)
and `data/omop_units.csv`. Ids of concepts never change their meaning, so both hold for every release.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

__all__ = [
    "COMPARATORS",
    "OMOP",
    "SEXES",
    "UnitConcept",
    "list_support_concepts",
    "load_omop_concepts",
    "load_omop_units",
]

OMOP = "OMOP"
COMPARATORS: Mapping[int, str] = MappingProxyType(
    {4171754: "<=", 4171755: ">=", 4171756: "<", 4172703: "", 4172704: ">"}
)
SEXES: Mapping[int, str] = MappingProxyType({8507: "male", 8532: "female"})


@dataclass(frozen=True)
class UnitConcept:
    """One unit concept: its UCUM code, and the same unit as our table of units spells it."""

    ucum: str
    unit: str


@lru_cache(maxsize=1)
def load_omop_concepts() -> Mapping[int, str]:
    """Return the LOINC code of each reviewed measurement concept.

    Examples
    --------
    >>> load_omop_concepts()[3013650]
    '751-8'
    """
    return MappingProxyType(
        {int(row["concept_id"]): row["loinc"] for row in _read_table("omop_concepts.csv")}
    )


@lru_cache(maxsize=1)
def load_omop_units() -> Mapping[int, UnitConcept]:
    """Return the reviewed unit concepts.

    Examples
    --------
    >>> load_omop_units()[8848].unit
    '10*3/uL'
    """
    return MappingProxyType(
        {
            int(row["concept_id"]): UnitConcept(row["ucum"], row["unit"])
            for row in _read_table("omop_units.csv")
        }
    )


@lru_cache(maxsize=1)
def list_support_concepts() -> Mapping[int, tuple[str, str]]:
    """Return kind and agent of each drug (ingredient) that supports the blood counts.

    Examples
    --------
    >>> list_support_concepts()[1304850]
    ('gcsf', 'filgrastim')
    """
    rows = [row for row in _read_table("support_codes.csv") if row["system"] == OMOP]
    return MappingProxyType({int(row["code"]): (row["kind"], row["agent"]) for row in rows})


def _read_table(name: str) -> list[dict[str, str]]:
    text = files("cytopenia").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
