"""The table of ADaM data sets: parameters, variables with label, type and origin, codelists."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["AdamDataset", "AdamParameter", "AdamTable", "AdamVariable", "Codelist", "load_adam_table"]


@dataclass(frozen=True, kw_only=True)
class AdamParameter:
    """How one analyte is named in CDISC data: `code` of LBTESTCD, `name` of the test, `unit`."""

    code: str
    name: str
    unit: str

    @property
    def text(self) -> str:
        """PARAM: the name with the unit in brackets."""
        return f"{self.name} ({self.unit})"


@dataclass(frozen=True, kw_only=True)
class AdamVariable:
    """One variable.

    Attributes
    ----------
    name, label : str
    type : str
        text, integer, float, date or datetime.
    origin : str
        Assigned, Derived or Predecessor, as Define-XML has it.
    how : str
        Where it comes from, in a sentence.
    codelist : str
        Name of its codelist; empty for none.
    keep : bool
        Written even if no row has a value.
    own : bool
        No standard variable of ADaM.
    """

    name: str
    label: str
    type: str
    origin: str
    how: str
    codelist: str = ""
    keep: bool = False
    own: bool = False


@dataclass(frozen=True, kw_only=True)
class AdamDataset:
    """One data set: its words for Define-XML, its keys and its variables in order."""

    name: str
    label: str
    dataset_class: str
    subclass: str
    structure: str
    keys: tuple[str, ...]
    variables: tuple[AdamVariable, ...]


@dataclass(frozen=True)
class Codelist:
    """Allowed values and what each means."""

    title: str
    terms: Mapping[str, str]


@dataclass(frozen=True)
class AdamTable:
    """Everything of `data/adam.toml`."""

    parameters: Mapping[str, AdamParameter]
    sex: Mapping[str, str]
    codelists: Mapping[str, Codelist]
    datasets: Mapping[str, AdamDataset]


@cache
def load_adam_table() -> AdamTable:
    """Return the table.

    Examples
    --------
    >>> load_adam_table().parameters["anc"].text
    'Neutrophils (10^9/L)'
    """
    read = tomllib.loads(files("cytopenia").joinpath("data", "adam.toml").read_text("utf-8"))
    return AdamTable(
        parameters={name: AdamParameter(**words) for name, words in read["parameters"].items()},
        sex=read["sex"],
        codelists={name: Codelist(one["title"], one["terms"]) for name, one in read["codelists"].items()},
        datasets={name: _read_dataset(name, one) for name, one in read["datasets"].items()},
    )


def _read_dataset(name: str, words: Mapping[str, Any]) -> AdamDataset:
    return AdamDataset(
        name=name,
        label=words["label"],
        dataset_class=words["class"],
        subclass=words.get("subclass", ""),
        structure=words["structure"],
        keys=tuple(words["keys"]),
        variables=tuple(AdamVariable(**one) for one in words["variables"]),
    )
