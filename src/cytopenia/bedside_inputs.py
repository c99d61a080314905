"""The closed, reviewed list of bedside findings: their words, their ranges, and what they mean.

The table is `data/bedside_inputs.csv`. A definition of a bedside scale and a table of bedside rows speak
these words; nothing is matched by similarity and nothing is guessed.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

__all__ = ["BedsideInput", "load_bedside_inputs"]


@dataclass(frozen=True)
class BedsideInput:
    """One input: a closed list of `words`, or a number between `low` and `high`."""

    name: str
    title: str
    unit: str
    low: float
    high: float
    whole: bool
    words: tuple[str, ...]

    @property
    def is_number(self) -> bool:
        """Whether it is a number and no word."""
        return not self.words

    @property
    def allowed(self) -> str:
        """What a cell may hold, as a message says it."""
        if self.words:
            return ", ".join(self.words)
        whole = "whole numbers " if self.whole else ""
        return f"{whole}{self.low:g} to {self.high:g} ({self.unit})"


@lru_cache(maxsize=1)
def load_bedside_inputs() -> Mapping[str, BedsideInput]:
    """Return the inputs by name, in the order of the reviewed table.

    Examples
    --------
    >>> load_bedside_inputs()["seizure"].words
    ('none', 'brief', 'eeg_resolving', 'prolonged', 'repetitive')
    """
    text = files("cytopenia").joinpath("data", "bedside_inputs.csv").read_text(encoding="utf-8")
    return MappingProxyType(
        {
            row["input"]: BedsideInput(
                name=row["input"],
                title=row["title"],
                unit=row["unit"],
                low=float(row["low"] or "nan"),
                high=float(row["high"] or "nan"),
                whole=row["whole"] == "true",
                words=tuple(row["words"].split("|")) if row["words"] else (),
            )
            for row in csv.DictReader(text.splitlines())
        }
    )
