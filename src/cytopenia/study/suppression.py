"""Small counts hidden, and as many others as it takes that no hidden one can be worked out from the sums."""

# The types of SciPy leave the arguments of a linear program open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["HIDDEN", "SHOWN", "SMALL", "HiddenTable", "find_possible", "hide_counts"]

SHOWN, SMALL, HIDDEN = range(3)

Counts = NDArray[np.int64]
Marks = NDArray[np.int8]

# A hidden count with one possible value is no hidden count.
_FEWEST_POSSIBLE = 2
# Of an end that arithmetic left beside a whole number.
_CLOSE = 1e-6


@dataclass(frozen=True)
class HiddenTable:
    """A table of counts and what of it may be shown.

    Attributes
    ----------
    counts : (rows, groups + 1) int
        One row per level, one column per group, and last the sum of each row.
    marks : (rows, groups + 1) int
        SHOWN, SMALL (printed as below the smallest count) or HIDDEN (printed as hidden).
    is_safe : bool
        Every count that is not shown has at least two possible values. Where even a table without any shown
        count has none, the table cannot be given.
    """

    counts: Counts
    marks: Marks
    is_safe: bool


def hide_counts(groups: Counts, *, smallest: int) -> HiddenTable:
    """Return a table of levels by groups with its row sums, and which of its counts may be shown.

    Parameters
    ----------
    groups : (rows, groups) int
        Patients of each level in each group; the sum of each column is shown beside the table.
    smallest : int
        Every count below it is small, 0 included.

    Notes
    -----
    Small counts come first. Then, while a count that is not shown has a single possible value, one more is
    hidden: the smallest in the same column, else in the same row, else of the whole table.

    Examples
    --------
    >>> table = hide_counts(np.array([[16, 2], [34, 11]]), smallest=5)
    >>> table.marks.tolist(), table.is_safe
    ([[2, 1, 0], [2, 2, 0]], True)
    """
    counts = np.column_stack([groups, groups.sum(axis=1)]).astype(np.int64)
    marks = np.where(counts < smallest, SMALL, SHOWN).astype(np.int8)
    # Hiding one more only adds to what is possible: a cell with two possible values keeps them.
    settled = marks == SHOWN
    while (known := _find_known(counts, marks, settled, smallest=smallest)) is not None:
        chosen = _choose_next(counts, marks, known)
        if chosen is None:
            return HiddenTable(counts, marks, is_safe=False)
        marks[chosen], settled[chosen] = HIDDEN, False
    return HiddenTable(counts, marks, is_safe=True)


def find_possible(counts: Counts, marks: Marks, cell: tuple[int, int], *, smallest: int) -> tuple[int, int]:
    """Return the lowest and the highest count that a cell can have for who sees the printed table.

    The reader knows every shown count, the sum of each column, that each row adds up, that a small count is
    below `smallest` and that a hidden one is not. Every whole number between both ends is possible: such
    tables form a network, whose ends are whole and without holes.
    """
    from scipy.optimize import linprog

    rows, columns = counts.shape
    places = np.reshape(np.arange(rows * columns), (rows, columns))
    down = np.zeros((columns, rows * columns))
    across = np.zeros((rows, rows * columns))
    for column in range(columns):
        down[column, places[:, column]] = 1
    for row in range(rows):
        across[row, places[row, :-1]] = 1
        across[row, places[row, -1]] = -1
    sums = np.concatenate([counts.sum(axis=0), np.zeros(rows)])
    limits = [
        (count, count) if mark == SHOWN else (0, smallest - 1) if mark == SMALL else (smallest, None)
        for count, mark in zip(counts.ravel().tolist(), marks.ravel().tolist(), strict=True)
    ]
    ends: list[float] = []
    for sign in (1.0, -1.0):
        aim = np.zeros(rows * columns)
        aim[places[cell]] = sign
        found: Any = linprog(aim, A_eq=np.vstack([down, across]), b_eq=sums, bounds=limits, method="highs")
        ends.append(sign * float(found.fun))
    return math.ceil(ends[0] - _CLOSE), math.floor(ends[1] + _CLOSE)


def _find_known(
    counts: Counts, marks: Marks, settled: NDArray[np.bool_], *, smallest: int
) -> tuple[int, int] | None:
    """The first cell that is not shown and can be worked out all the same; the others become settled."""
    for row, column in np.argwhere(~settled).tolist():
        low, high = find_possible(counts, marks, (row, column), smallest=smallest)
        if high - low + 1 < _FEWEST_POSSIBLE:
            return row, column
        settled[row, column] = True
    return None


def _choose_next(counts: Counts, marks: Marks, cell: tuple[int, int]) -> tuple[int, int] | None:
    """The shown cell to hide next: near the one that is known, and with few patients."""
    shown = np.argwhere(marks == SHOWN).tolist()
    if not shown:
        return None

    def rank(place: list[int]) -> tuple[int, int, int, int]:
        row, column = place
        distance = 0 if column == cell[1] else 1 if row == cell[0] else 2
        return distance, int(counts[row, column]), row, column

    row, column = min(shown, key=rank)
    return row, column
