"""What `cytopenia grade` prints of grades that are lower bounds, and of baselines that the file lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from cytopenia.definition_forms import GradesPart

__all__ = ["count_lower_bounds", "name_missing_baselines"]


def count_lower_bounds(table: pl.DataFrame) -> list[str]:
    """Return how many of each grade are "at least" that grade; nothing where none is.

    `table` has `grade` and `grade_worst`.

    Examples
    --------
    >>> count_lower_bounds(pl.DataFrame({"grade": [3, 3, None], "grade_worst": [4, 3, 2]}))
    ['  at least this grade, it could be higher (grade_worst): grade 3: 1']
    """
    bounds = table.filter(pl.col("grade_worst") > pl.col("grade"))
    counts = bounds.group_by("grade").len().sort("grade")
    words = ", ".join(f"grade {grade}: {n}" for grade, n in counts.iter_rows())
    return [f"  at least this grade, it could be higher (grade_worst): {words}"] if words else []


def name_missing_baselines(graded: pl.DataFrame, parts: Mapping[str, GradesPart]) -> Iterator[str]:
    """Yield for each part that looks at a baseline how many of its rows have none.

    `graded` has `analyte`, `invalid` and, where the file has one, `baseline`.
    """
    for address, part in parts.items():
        rows = graded.filter(pl.col("analyte") == part.analyte, pl.col("invalid").is_null())
        known = (rows["baseline"] > 0).sum() if "baseline" in rows.columns else 0
        if part.needs_baseline and known < rows.height:
            yield (
                f"  {rows.height - known} of {rows.height} {part.analyte} rows have no baseline, which"
                f" {address} looks at: give it in a column 'baseline', in the unit of the row"
            )
