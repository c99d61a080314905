"""Two grades of the same patients, crossed; counted by hand."""

from __future__ import annotations

import polars as pl
import pytest

from cytopenia.study.grade_crosstab import cross_grades

#                                    P1 P2 P3  P4    P5    P6 P7
FIRST = pl.Series("a", [0, 3, 3, None, 2, None, 3], dtype=pl.Float64)
SECOND = pl.Series("b", [0, 4, 2, 1, None, None, 4], dtype=pl.Float64)


def test_every_combination_is_counted_and_unknown_grades_come_last():
    found = cross_grades(FIRST, SECOND)
    assert found.cells.columns == ["first", "second", "patients"]
    assert found.cells.rows() == [
        (0, 0, 1),
        (2, None, 1),
        (3, 2, 1),
        (3, 4, 2),
        (None, 1, 1),
        (None, None, 1),
    ]


def test_a_grade_of_one_side_only_is_neither_lower_nor_higher():
    found = cross_grades(FIRST, SECOND)
    assert (found.same, found.lower, found.higher) == (1, 1, 2)
    assert (found.graded_by_one, found.graded_by_none) == (2, 1)


def test_nobody_gives_zeros_and_no_cell():
    empty = pl.Series("a", [], dtype=pl.Float64)
    found = cross_grades(empty, empty)
    assert (found.same, found.lower, found.higher, found.graded_by_one, found.graded_by_none) == (0,) * 5
    assert found.cells.rows() == []


def test_grades_of_different_patients_are_refused():
    with pytest.raises(pl.exceptions.ShapeError, match=r"height|length"):
        cross_grades(FIRST, SECOND.head(3))
