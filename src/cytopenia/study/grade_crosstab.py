"""Two grades of the same patients, crossed: which combinations occur, and who is graded lower or higher."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

__all__ = ["GradeCrosstab", "cross_grades"]


@dataclass(frozen=True, kw_only=True)
class GradeCrosstab:
    """The patients by their two grades.

    Attributes
    ----------
    cells : DataFrame
        `first`, `second` (null where there is no grade), `patients`: every combination that occurs, in the
        order of the grades, those without a grade last.
    same, lower, higher : int
        Patients with both grades, by how the second lies to the first.
    graded_by_one, graded_by_none : int
        Patients who lack one grade, or both.
    """

    cells: pl.DataFrame
    same: int
    lower: int
    higher: int
    graded_by_one: int
    graded_by_none: int


def cross_grades(first: pl.Series, second: pl.Series) -> GradeCrosstab:
    """Return the cross table of two grades; a missing grade is neither lower nor higher than any other.

    Parameters
    ----------
    first, second : Series of numbers
        One grade per patient, in the same order; null where the patient is not judged.

    Examples
    --------
    >>> found = cross_grades(pl.Series([3, 3, None]), pl.Series([3, 2, 4]))
    >>> (found.same, found.lower, found.higher, found.graded_by_one)
    (1, 1, 0, 1)
    """
    both = pl.DataFrame({"first": first, "second": second})
    one, other = both["first"], both["second"]
    cells = both.group_by("first", "second").agg(pl.len().cast(pl.Int64).alias("patients"))
    return GradeCrosstab(
        cells=cells.sort("first", "second", nulls_last=True),
        same=_count(one == other),
        lower=_count(other < one),
        higher=_count(other > one),
        graded_by_one=_count(one.is_null() != other.is_null()),
        graded_by_none=_count(one.is_null() & other.is_null()),
    )


def _count(marks: pl.Series) -> int:
    return int(marks.sum())
