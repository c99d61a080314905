"""What a mapping is chosen with: a control with its options, the one that stands now, and the evidence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cytopenia.contract.near_names import NEUTROPHIL_SHARE, list_measure_units
from cytopenia.readers.mapping_draft import Slot
from cytopenia.units import load_analytes

__all__ = [
    "AS_IT_IS",
    "OPEN",
    "Choice",
    "ColumnChoice",
    "Control",
    "TableChoices",
    "list_measures",
    "list_unit_choices",
    "name_control",
]

# What stands for "nothing is said in the mapping", and for "the question stays".
AS_IT_IS, OPEN = "", "?"


@dataclass(frozen=True)
class Choice:
    """One option: `key` is that of the text that says it, `label` words of the file or of this package."""

    value: str
    key: str
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Control:
    """What may be chosen for one thing, and what stands now.

    `path` is where the answer is written below [data], `slot` what an open line about it is called.
    """

    name: str
    subject: str
    options: tuple[Choice, ...]
    chosen: str
    slot: Slot
    path: tuple[str, ...]
    why: str = ""

    @property
    def is_open(self) -> bool:
        """Whether a question about it stays."""
        return self.chosen == OPEN

    @property
    def is_listed(self) -> bool:
        """Whether what stands now is one of the options."""
        return any(one.value == self.chosen for one in self.options)


@dataclass(frozen=True, kw_only=True)
class ColumnChoice:
    """A column of the file, or a pattern of columns: what it becomes and, of values, in which unit.

    `implied` is what the column is without a line, by its heading; `printed` the unit that stands in brackets
    in it.
    """

    subject: str
    becomes: Control
    unit: Control | None
    why: str
    implied: str = AS_IT_IS
    printed: str = ""
    is_pattern: bool = False

    @property
    def is_open(self) -> bool:
        """Whether a question about it stays."""
        return self.becomes.is_open or (self.unit is not None and self.unit.is_open)


@dataclass(frozen=True, kw_only=True)
class TableChoices:
    """Everything that may be chosen for one table."""

    table: str
    origin: str
    columns: tuple[ColumnChoice, ...]
    settings: tuple[Control, ...]
    words: tuple[Control, ...]
    units: tuple[Control, ...]
    file: str = ""

    @property
    def controls(self) -> tuple[Control, ...]:
        """All that are no columns."""
        return (*self.settings, *self.words, *self.units)


def name_control(kind: str, slot: Slot) -> str:
    r"""Return the name of a field of a form; a heading may hold anything, also a line break.

    Examples
    --------
    >>> name_control("unit", ("labs", "wide", "Hb\n[g/dl]"))
    'unit ["labs", "wide", "Hb\\n[g/dl]"]'
    """
    return f"{kind} {json.dumps(slot)}"


def list_measures() -> list[str]:
    """Return what a column of values may hold: the analytes, and the share of neutrophils."""
    return [*load_analytes(), NEUTROPHIL_SHARE]


def list_unit_choices(measures: Iterable[str], *, first: Sequence[Choice]) -> tuple[Choice, ...]:
    """Return the listed units of some measures, each once, behind what else may be chosen.

    Examples
    --------
    >>> [one.value for one in list_unit_choices(["crp"], first=[])]
    ['mg/L', 'ug/mL', 'mg/dL']
    """
    units = dict.fromkeys(unit for measure in measures for unit in list_measure_units(measure))
    return (*first, *(Choice(unit, "as_named", unit) for unit in units))
