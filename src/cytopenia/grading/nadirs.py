"""The lowest value of a course and the day on which it was first reached."""

from __future__ import annotations

import numpy as np

from cytopenia.grading.cuts import decode_ends
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.outcome_rows import NO_DAY, OutcomeRows, count_days
from cytopenia.grading.runs import any_marked, first_marked, last_marked

__all__ = ["NADIR_REASONS", "derive_nadirs"]

NADIR_REASONS = (
    "",
    "no measurement in the window",
    "an unmeasured day between measurements could have been lower",
)


def derive_nadirs(grid: ScenarioGrid) -> OutcomeRows:
    """Return the nadir of each course over the days of the grid.

    Parameters
    ----------
    grid : ScenarioGrid
        The patients of one part on the days of the window, one per lineage.

    Returns
    -------
    OutcomeRows
        `policy` is the least printed value of the measured days ("<0.1" counts as 0.1), in the canonical
        unit, `first_day` the first day on which it occurred, `last_day` the last. `best` is the highest value
        that the nadir can have had, `worst` the lowest, over measured days and short gaps. NaN without a
        measurement.
    """
    has_measurement = any_marked(grid.measured)
    printed = decode_ends(np.where(np.isfinite(grid.high), grid.high, grid.low))
    measured = np.where(grid.measured, printed, np.inf)
    lowest = measured.min(axis=1, initial=np.inf)
    is_nadir = grid.measured & (measured == lowest[:, None])
    first = first_marked(is_nadir, otherwise=0) + grid.first_day
    last = last_marked(is_nadir, otherwise=0) + grid.first_day
    highest_possible = np.where(grid.measured, grid.high, np.inf).min(axis=1, initial=np.inf)
    in_reach = grid.measured | grid.short_gap
    lowest_possible = np.where(in_reach, grid.low, np.inf).min(axis=1, initial=np.inf)
    policy = np.where(has_measurement, lowest, np.nan)
    best = np.where(has_measurement, decode_ends(highest_possible), np.nan)
    worst = np.where(has_measurement, decode_ends(lowest_possible), np.nan)
    has_gap = any_marked(grid.short_gap)
    has_open = any_marked(grid.open_day)
    none = np.full(policy.size, -1, dtype=np.int8)
    return OutcomeRows(
        policy=policy,
        best=best,
        worst=worst,
        evidence=np.where(has_open, 2, np.where(has_gap, 1, 0)).astype(np.int8),
        reason=np.select([~has_measurement, best != worst], [1, 2], 0).astype(np.int8),
        rule=none,
        label=none,
        first_day=np.where(has_measurement, first, NO_DAY).astype(np.int32),
        last_day=np.where(has_measurement, last, NO_DAY).astype(np.int32),
        days=count_days(grid),
    )
