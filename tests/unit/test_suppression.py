"""Small counts of a public table: whatever is hidden cannot be worked out. The twin tries every table."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cytopenia.study.suppression import HIDDEN, SHOWN, SMALL, HiddenTable, find_possible, hide_counts

Counts = NDArray[np.int64]


def list_tables(table: HiddenTable, smallest: int) -> list[Counts]:
    """The twin: every table of counts that agrees with what is printed, by trying each combination."""
    counts, marks = table.counts, table.marks
    rows, columns = counts.shape
    sums = counts.sum(axis=0)

    def choices(row: int, column: int) -> list[int]:
        if marks[row, column] == SHOWN:
            return [int(counts[row, column])]
        top = int(sums[column])
        if marks[row, column] == SMALL:
            return list(range(min(smallest - 1, top) + 1))
        return list(range(smallest, top + 1))

    possible_rows = [
        [
            np.array([*parts, sum(parts)])
            for parts in product(*(choices(row, column) for column in range(columns - 1)))
            if sum(parts) in choices(row, columns - 1)
        ]
        for row in range(rows)
    ]
    found: list[Counts] = []
    for chosen in product(*possible_rows):
        stacked = np.array(chosen)
        if (stacked.sum(axis=0) == sums).all():
            found.append(stacked)
    return found


small_tables = st.integers(2, 3).flatmap(
    lambda rows: st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=2), min_size=rows, max_size=rows)
)


@pytest.mark.long
@settings(max_examples=60)
@given(small_tables, st.integers(2, 4))
def test_no_hidden_count_can_be_worked_out(groups: list[list[int]], smallest: int) -> None:
    require_hidden(groups, smallest)


@pytest.mark.parametrize("groups", [[[6, 2], [4, 8]], [[0, 3], [9, 1]], [[9, 9], [2, 9], [9, 8]]])
def test_hidden_counts_of_three_tables_cannot_be_worked_out(groups: list[list[int]]) -> None:
    require_hidden(groups, 4)


def require_hidden(groups: list[list[int]], smallest: int) -> None:
    table = hide_counts(np.array(groups), smallest=smallest)
    tables = list_tables(table, smallest)
    assert any((one == table.counts).all() for one in tables)
    for row, column in np.argwhere(table.marks != SHOWN).tolist():
        values = {int(one[row, column]) for one in tables}
        low, high = find_possible(table.counts, table.marks, (row, column), smallest=smallest)
        assert (min(values), max(values)) == (low, high)
        assert values == set(range(low, high + 1))
        assert not table.is_safe or len(values) >= 2


@pytest.mark.long
@settings(max_examples=60)
@given(small_tables, st.integers(2, 5))
def test_every_small_count_is_hidden_and_no_other_is_called_small(
    groups: list[list[int]], smallest: int
) -> None:
    table = hide_counts(np.array(groups), smallest=smallest)
    assert ((table.marks == SMALL) == (table.counts < smallest)).all()


@pytest.mark.long
@settings(max_examples=60)
@given(
    st.lists(st.lists(st.integers(0, 60), min_size=2, max_size=2), min_size=2, max_size=8), st.integers(2, 11)
)
def test_larger_tables_are_safe_or_not_given(groups: list[list[int]], smallest: int) -> None:
    table = hide_counts(np.array(groups), smallest=smallest)
    ends = [
        find_possible(table.counts, table.marks, (row, column), smallest=smallest)
        for row, column in np.argwhere(table.marks != SHOWN).tolist()
    ]
    assert table.is_safe == all(high > low for low, high in ends)


def test_without_small_counts_nothing_is_hidden() -> None:
    table = hide_counts(np.array([[20, 30], [40, 50]]), smallest=5)
    assert (table.marks == SHOWN).all()
    assert table.is_safe


def test_one_small_count_takes_a_partner_in_its_column_and_its_row() -> None:
    """2 of 13: 11 would give it away by the sum of the column, and the first row's 16 by that of the row.

    By hand: with 16 and 18 shown, 18 - 16 = 2; with 11 shown, 13 - 11 = 2.
    """
    table = hide_counts(np.array([[16, 2], [34, 11]]), smallest=5)
    assert table.marks.tolist() == [[HIDDEN, SMALL, SHOWN], [HIDDEN, HIDDEN, SHOWN]]
    assert find_possible(table.counts, table.marks, (0, 1), smallest=5) == (0, 4)


def test_a_zero_is_small() -> None:
    table = hide_counts(np.array([[10, 0], [20, 30], [15, 25]]), smallest=5)
    assert table.marks[0, 1] == SMALL


def test_a_table_that_cannot_be_hidden_is_not_safe() -> None:
    """One row alone is its column sums, whatever is hidden."""
    assert not hide_counts(np.array([[3, 30]]), smallest=5).is_safe
