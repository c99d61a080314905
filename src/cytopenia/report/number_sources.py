"""The rows of the result table that a cell was made from: noted as they are looked up, taken by the cell."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["FIRST_ROW", "ROW", "note_row", "patients_anchor", "row_anchor", "take_rows", "watch_rows"]

# As a spreadsheet numbers the rows of results.csv: the header is row 1.
FIRST_ROW = 2
ROW, PATIENTS = "row-", "patients-"

# None while nobody asks, so that a table made for Word or a test costs nothing more.
_noted: ContextVar[dict[int, None] | None] = ContextVar("noted rows", default=None)


@contextmanager
def watch_rows() -> Generator[None]:
    """Within this block every number that is looked up is noted until a cell takes it.

    Examples
    --------
    >>> with watch_rows():
    ...     note_row(7)
    ...     note_row(7)
    ...     note_row(9)
    ...     take_rows(), take_rows()
    ((7, 9), ())
    >>> note_row(7)
    >>> take_rows()
    ()
    """
    token = _noted.set({})
    try:
        yield
    finally:
        _noted.reset(token)


def note_row(number: int) -> None:
    """Note a row of the result table as read; 0 is a row that nobody numbered."""
    noted = _noted.get()
    if noted is not None and number:
        noted[number] = None


def take_rows() -> tuple[int, ...]:
    """Return the rows read since the last cell or row of a table took them, in the order they were read."""
    noted = _noted.get()
    if not noted:
        return ()
    rows = tuple(noted)
    noted.clear()
    return rows


def row_anchor(number: int) -> str:
    """Return the anchor of a row of the result table.

    Examples
    --------
    >>> row_anchor(7)
    'row-7'
    """
    return f"{ROW}{number}"


def patients_anchor(outcome: str) -> str:
    """Return the anchor of the patients behind an outcome.

    Examples
    --------
    >>> patients_anchor("recovery")
    'patients-recovery'
    """
    return f"{PATIENTS}{outcome}"
