"""The numbers of a run by the address that a claim gives them in the result table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from cytopenia.published.claim_parts import ANY_LEVEL, Address
from cytopenia.published.printed_numbers import read_decimal

__all__ = ["Found", "FoundRow", "RunResults"]


class FoundRow(NamedTuple):
    """One row of the result table, as far as it is read; `level` is its `variable_level`."""

    level: str
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    status: str
    note: str

    def take(self, value: float | None) -> Found:
        """Return one of the numbers of the row, or why it holds none."""
        number = None if value is None else read_decimal(value)
        if self.status == "ok" and number is not None and number.is_finite():
            return Found(number, self)
        reason = "" if self.status == "ok" else self.note
        return Found(None, self, reason or f"the run gives no number (status {self.status})")


@dataclass(frozen=True)
class Found:
    """A recomputed number with its row, or the reason why there is none."""

    value: Decimal | None
    row: FoundRow | None = None
    why: str = ""

    @property
    def level(self) -> str:
        """The level of the row."""
        return "" if self.row is None else self.row.level


class RunResults:
    """The rows of a result table by their key."""

    def __init__(self, results: pl.DataFrame) -> None:
        key = ("analysis_id", "group", "stratum", "variable", "scenario")
        read = ("estimate", "variable_level", "value", "low", "high", "n", "status", "note")
        self._rows: dict[tuple[str, ...], dict[str, list[FoundRow]]] = {}
        for row in results.select(*key, *read).iter_rows():
            by_estimate = self._rows.setdefault(row[: len(key)], {})
            by_estimate.setdefault(row[len(key)], []).append(FoundRow(*row[len(key) + 1 :]))

    def find(self, at: Address, usual: str) -> Found:
        """Return the number at an address; `usual` is the estimate if the address names none.

        Where several rows stand there, none of them is taken.
        """
        estimate = at.estimate or usual
        key = (at.analysis, at.group, at.stratum, at.variable, at.scenario)
        by_estimate = self._rows.get(key, {})
        rows = _at_level(by_estimate.get(estimate, []), at.level)
        if len(rows) == 1:
            return rows[0].take(rows[0].value)
        place = " / ".join(filter(None, (*key[:4], at.level, at.scenario, estimate)))
        if rows:
            return Found(None, why=f"{len(rows)} rows {place}")
        # What was not modeled has one row that says why, and no others.
        others = (row for found in by_estimate.values() for row in _at_level(found, at.level))
        reason = next((row.note for row in others if row.status != "ok" and row.note), "")
        return Found(None, why=reason or f"no row {place}")


def _at_level(rows: Iterable[FoundRow], level: str) -> list[FoundRow]:
    return [row for row in rows if level in (row.level, ANY_LEVEL)]
