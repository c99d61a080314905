"""The lowest value of a course and the day on which it was first reached."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytopenia.grading.cuts import decode_ends
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.outcome_rows import NO_DAY, OutcomeRows, count_days
from cytopenia.grading.runs import any_marked, first_marked, last_marked

__all__ = ["NADIR_REASONS", "derive_nadirs"]

# Wider than what printing with 12 digits can move.
_NEXT_TO = 1.0 + 1e-9

NADIR_REASONS = (
    "",
    "no measurement in the window",
    "an unmeasured day between measurements could have been lower",
    "the lowest value is reported as a limit",
    "no neutrophil count in the window: white cells alone show only the most it can be",
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
        `policy` is the least printed value of the measured days ("<0.1" counts as 0.1; ">0.4" only if there
        is nothing else), in the canonical unit; a day on which only a cap is known counts with the cap.
        `first_day` is the first day on which it occurred, `last_day` the last. `best` is the highest value
        that the nadir can have had (NaN if there is no upper end), `worst` the lowest, over measured days and
        short gaps. Without a measurement all are NaN; but the lowest cap is the most that the nadir can have
        been, any day can have been the lowest, and a cap of 0 leaves nothing open.
    """
    has_measurement = any_marked(grid.measured)
    has_only_caps = ~has_measurement & any_marked(grid.capped)
    printed, reaches = _printed_values(grid)
    lowest = decode_ends(printed.min(axis=1, initial=np.inf))
    is_nadir = reaches & _is_printed_as(printed, lowest)
    first = first_marked(is_nadir, otherwise=0) + grid.first_day
    last = last_marked(is_nadir, otherwise=0) + grid.first_day
    known_high = np.where(grid.measured, grid.high, np.inf)
    if grid.cap is not None:
        known_high = np.where(grid.capped, grid.cap, known_high)
    highest_possible = known_high.min(axis=1, initial=np.inf)
    in_reach = grid.measured | grid.short_gap | (grid.open_day & has_only_caps[:, None])
    lowest_possible = np.where(in_reach, grid.low, np.inf).min(axis=1, initial=np.inf)
    lowest_measured = np.where(grid.measured, grid.low, np.inf).min(axis=1, initial=np.inf)
    is_judged = has_measurement | (has_only_caps & (lowest == 0))
    policy = np.where(is_judged, lowest, np.nan)
    best = np.where(np.isfinite(highest_possible), decode_ends(highest_possible), np.nan)
    best = np.where(has_measurement | has_only_caps, best, np.nan)
    worst = np.where(has_measurement | has_only_caps, decode_ends(lowest_possible), np.nan)
    worst = np.fmin(worst, policy)
    has_gap = any_marked(grid.short_gap)
    has_open = any_marked(grid.open_day)
    none = np.full(policy.size, -1, dtype=np.int8)
    return OutcomeRows(
        policy=policy,
        best=best,
        worst=worst,
        evidence=np.where(has_open, 2, np.where(has_gap, 1, 0)).astype(np.int8),
        reason=np.select(
            [
                has_only_caps & ~is_judged,
                ~is_judged,
                has_measurement & (lowest_possible < lowest_measured),
                best != worst,
            ],
            [4, 1, 2, 3],
            0,
        ).astype(np.int8),
        rule=none,
        label=none,
        first_day=np.where(is_judged, first, NO_DAY).astype(np.int32),
        last_day=np.where(is_judged, last, NO_DAY).astype(np.int32),
        days=count_days(grid),
    )


def _printed_values(grid: ScenarioGrid) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What each day counts with, infinity where nothing is known, and which days count at all."""
    has_upper_end = grid.measured & np.isfinite(grid.high)
    printed = np.where(has_upper_end, grid.high, np.inf)
    reaches = has_upper_end
    if grid.cap is not None:
        printed = np.where(grid.capped, grid.cap, printed)
        reaches = has_upper_end | grid.capped
    is_lower_end_only = ~any_marked(reaches)
    only = grid.measured & is_lower_end_only[:, None]
    return np.where(only, grid.low, printed), reaches | only


def _is_printed_as(values: NDArray[np.float64], lowest: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a value is printed as the lowest of its row; only those next to it are turned into print."""
    patient, place = np.nonzero(values <= lowest[:, None] * _NEXT_TO)
    is_same = np.zeros(values.shape, dtype=np.bool_)
    is_same[patient, place] = decode_ends(values[patient, place]) == lowest[patient]
    return is_same
