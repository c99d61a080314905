"""What became of every day of a window: each patient's days add up to its length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.grading.day_grid import Courses
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.runs import first_marked, last_marked

__all__ = ["ACCOUNT_SCHEMA", "DAY_STATES", "account_days", "frame_account"]

DAY_STATES = (
    "measured",
    "wbc_bounded",
    "bracketed",
    "long_gap",
    "before_first",
    "after_last",
    "discharged",
    "lost",
    "after_death",
    "next_course",
)

ACCOUNT_SCHEMA: dict[str, type[pl.DataType]] = {
    "patient_id": pl.String,
    "analyte": pl.String,
    "window_first": pl.Int32,
    "window_last": pl.Int32,
    **dict.fromkeys(DAY_STATES, pl.Int32),
}

Account = Mapping[str, NDArray[np.int32]]


def account_days(grid: ScenarioGrid, courses: Courses, *, window: tuple[int, int]) -> Account:
    """Return how many days of a window were what, by the names of `DAY_STATES`.

    Parameters
    ----------
    grid : ScenarioGrid
        The patients of one part with room around the window: what was measured outside it tells a long gap
        from the days before the first and after the last measurement.
    courses : Courses
        Of the same patients.
    window : (first day, last day)

    Notes
    -----
    Every day is one of these, the first that fits: after death; after a second infusion began; measured;
    bounded by white cells; bracketed by two measurements at most eight days apart; in a longer gap between
    measurements; before the first of them; and, after the last, lost (after the last contact), discharged
    (after the first discharge), or merely not measured.
    """
    days = np.arange(window[0], window[1] + 1, dtype=np.float64)[None, :]
    first = first_marked(grid.measured, otherwise=grid.measured.shape[1]) + grid.first_day
    last = last_marked(grid.measured, otherwise=-1) + grid.first_day
    has_before, has_after = np.greater_equal(days, first[:, None]), np.less_equal(days, last[:, None])
    part = grid.window(*window)
    lost, discharged = (
        np.greater(days, day[:, None]) for day in (courses.last_contact_day, courses.discharge_day)
    )
    conditions = {
        "after_death": part.dead,
        "next_course": ~part.at_risk,
        "measured": part.measured,
        "wbc_bounded": part.capped,
        "bracketed": part.short_gap,
        "long_gap": has_before & has_after,
        "before_first": has_after,
        "lost": lost,
        "discharged": discharged,
    }
    left = np.ones_like(part.measured)
    counts: dict[str, NDArray[np.int32]] = {}
    for name, condition in conditions.items():
        counts[name] = (left & condition).sum(axis=1, dtype=np.int32)
        left &= ~condition
    return counts | {"after_last": left.sum(axis=1, dtype=np.int32)}


def frame_account(
    parts: Sequence[Account], patient_id: pl.Series, *, analyte: str, window: tuple[int, int]
) -> pl.DataFrame:
    """Return the account of one analyte and window, one row per patient."""
    if not parts:
        return pl.DataFrame(schema=ACCOUNT_SCHEMA)
    counts = {name: np.concatenate([part[name] for part in parts]) for name in DAY_STATES}
    frame = pl.DataFrame({"patient_id": patient_id, **counts}).with_columns(
        pl.lit(analyte).alias("analyte"),
        pl.lit(window[0]).alias("window_first"),
        pl.lit(window[1]).alias("window_last"),
    )
    return frame.select(pl.col(name).cast(dtype) for name, dtype in ACCOUNT_SCHEMA.items())
