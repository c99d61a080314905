"""Days below a cut, in three scenarios, and the episodes they form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.definition_forms import Counting
from cytopenia.grading.cuts import Comparator, is_met
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.runs import (
    Runs,
    find_runs,
    first_marked,
    inside_short_gap,
    last_marked,
    nearest_marked,
)

__all__ = [
    "DayMarks",
    "Exposure",
    "RoundedGrid",
    "fill_days",
    "judge_cut",
    "measure_exposure",
    "round_grid",
]

Grid = NDArray[np.float64]
Marks = NDArray[np.bool_]
Places = NDArray[np.int32]

_CLEAN_DECIMALS = 9


@dataclass(frozen=True)
class RoundedGrid:
    """The values that are compared with cuts, rounded where a definition asks for it.

    Attributes
    ----------
    low, high, cap : (patients, days) float
        As in `ScenarioGrid`; `cap` is infinite where there is none.
    filled : (patients, days) float
        What `policy` takes for an unmeasured day; NaN where it takes nothing.
    """

    low: Grid
    high: Grid
    cap: Grid
    filled: Grid


@dataclass(frozen=True)
class DayMarks:
    """Days at risk that meet a cut.

    `policy`, `best` and `worst` are the three scenarios; `sure` and `any` bound them where an unmeasured day
    could be anything, and `closed` is `worst` with open days healthy.
    """

    policy: Marks
    best: Marks
    worst: Marks
    sure: Marks
    any: Marks
    closed: Marks


@dataclass(frozen=True)
class Exposure:
    """The days of one scenario that meet a cut, counted as a definition counts them.

    Attributes
    ----------
    inside : (patients, days) bool
        The days of the episodes, bridged days included.
    runs : Runs
        The episodes.
    days : (patients,) int
        Length of the longest episode, or of all together.
    first, last : (patients,) int
        Places of the first and last day that were counted; -1 if none.
    lasts_from : (patients,) int
        Place where the episode begins that holds the last day at risk; the number of days if there is none.
    """

    inside: Marks
    runs: Runs
    days: Places
    first: Places
    last: Places
    lasts_from: Places


def round_grid(grid: ScenarioGrid, counting: Counting, *, is_sick_below: bool) -> RoundedGrid:
    """Return the values that are compared: filled, then rounded as the definition says."""
    cap = np.full(grid.low.shape, np.inf)
    if grid.cap is not None:
        cap = np.where(grid.capped, grid.cap, np.inf)
    healthy, sick = (grid.high, grid.low) if is_sick_below else (grid.low, grid.high)
    filled = fill_days(np.where(np.isfinite(healthy), healthy, sick), grid, counting)
    step = counting.round_to
    arrays = (grid.low, grid.high, cap, filled)
    return RoundedGrid(*(array if step is None else _round_to(array, step) for array in arrays))


def _round_to(values: Grid, step: float) -> Grid:
    """Round half to even, after the noise of arithmetic is cut off."""
    return np.rint(np.round(np.round(values, _CLEAN_DECIMALS) / step, _CLEAN_DECIMALS)) * step


def fill_days(values: Grid, grid: ScenarioGrid, counting: Counting) -> Grid:
    """Return the value that `policy` takes for each unmeasured day at risk; NaN where it takes none.

    Parameters
    ----------
    values : (patients, days) float
        The measured values; ignored elsewhere.
    grid : ScenarioGrid
        Cut to the window and to the follow-up: only measurements in it are neighbors.
    counting : Counting

    Notes
    -----
    Between two measurements the straight line, if not too many days are missing. Before the first and after
    the last measurement the nearest value, if there are at least two measurements: the published program
    leaves a single value alone.
    """
    none = np.full(values.shape, np.nan)
    if counting.fill is None:
        return none
    measured = grid.measured
    width = values.shape[1]
    before, after = nearest_marked(measured)
    left = np.take_along_axis(values, np.maximum(before, 0), axis=1)
    right = np.take_along_axis(values, np.minimum(after, width - 1), axis=1)
    has_left, has_right = before >= 0, after < width
    place = np.arange(width, dtype=np.int32)
    is_between = has_left & has_right & (after - before - 1 <= counting.fill.max_gap_days)
    with np.errstate(invalid="ignore"):
        line = left + (right - left) * ((place - before) / np.maximum(after - before, 1))
    lead, trail = _edge_lengths(before, after, grid.at_risk)
    can_extend = (measured.sum(axis=1) > 1)[:, None]
    is_led = ~has_left & has_right & can_extend & (lead <= counting.fill.extend_days)
    is_trailed = has_left & ~has_right & can_extend & (trail <= counting.fill.extend_days)
    filled = np.select([is_between, is_led, is_trailed], [line, right, left], np.nan)
    # The line is cut to nine decimals, so that half way between 0.4 and 0.6 is 0.5.
    return np.where(grid.at_risk & ~measured, np.round(filled, _CLEAN_DECIMALS), np.nan)


def _edge_lengths(before: Places, after: Places, at_risk: Marks) -> tuple[Places, Places]:
    """Days at risk before the first and after the last measurement, as columns."""
    lead = (at_risk & (before < 0)).sum(axis=1, dtype=np.int32)
    trail = (at_risk & (after >= at_risk.shape[1])).sum(axis=1, dtype=np.int32)
    return lead[:, None], trail[:, None]


def judge_cut(grid: ScenarioGrid, values: RoundedGrid, *, comparator: Comparator, cut: float) -> DayMarks:
    """Return the days at risk on which a cut is met, scenario by scenario."""
    is_sick_below = comparator in ("below", "at_most")
    healthy, sick = (values.high, values.low) if is_sick_below else (values.low, values.high)
    at_risk, bounded = grid.at_risk, grid.measured | grid.short_gap
    is_certain, is_possible = is_met(healthy, comparator, cut), is_met(sick, comparator, cut)
    by_cap = at_risk & ~grid.measured & is_met(values.cap, comparator, cut)
    if not is_sick_below:
        by_cap = np.zeros_like(at_risk)
    measured = grid.measured & is_certain
    return DayMarks(
        policy=measured | by_cap | (at_risk & is_met(values.filled, comparator, cut)),
        best=(bounded & is_certain) | by_cap,
        worst=at_risk & is_possible,
        sure=measured | by_cap,
        any=(grid.measured & is_possible) | (at_risk & ~grid.measured),
        closed=(bounded & is_possible) | by_cap,
    )


def measure_exposure(marks: Marks, last_place: Places, counting: Counting) -> Exposure:
    """Return the episodes that the marked days form, and their length.

    An episode goes on over at most `bridge_days` days that are not marked; these count in its length.
    """
    inside = marks | inside_short_gap(marks, counting.bridge_days + 1)
    if counting.joins_end:
        inside |= _days_to_the_end(marks, last_place, counting.bridge_days)
    runs = find_runs(inside)
    longest, first, last = runs.find_longest()
    days = longest
    if counting.days == "cumulative":
        days = inside.sum(axis=1, dtype=np.int32)
        first, last = first_marked(inside, otherwise=-1), last_marked(inside, otherwise=-1)
    return Exposure(inside, runs, days, first, last, runs.find_start_of(last_place))


def _days_to_the_end(marks: Marks, last_place: Places, longest: int) -> Marks:
    """The days after the last marked one, if at most `longest` of them remain at risk."""
    place = np.arange(marks.shape[1], dtype=np.int32)[None, :]
    latest = last_marked(marks, otherwise=marks.shape[1])
    is_short = (last_place - latest <= longest)[:, None]
    return is_short & (place > latest[:, None]) & (place <= last_place[:, None])
