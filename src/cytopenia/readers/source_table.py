"""A table as a source has it, before anything in it is understood."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from cytopenia.contract import Finding

__all__ = ["SourceTable"]


@dataclass(frozen=True)
class SourceTable:
    """A table as it was read, where it came from ("labs.xlsx, sheet Labs"), and what was found on the way."""

    frame: pl.DataFrame
    origin: str
    findings: tuple[Finding, ...] = ()
