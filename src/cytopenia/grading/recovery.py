"""Recovery of all lineages at a landmark, cell by cell: lineage by day, three states, three scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cytopenia.definition_forms import Criterion, RecoveryDefinition
from cytopenia.grading.cuts import is_met
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.outcome_rows import NO_DAY, EvidenceRows, OutcomeRows, count_days
from cytopenia.grading.runs import (
    any_marked,
    every_marked,
    first_marked,
    first_run,
    last_marked,
    nearest_marked,
    run_lengths,
)
from cytopenia.units import convert_value

__all__ = [
    "CELL_ROLES",
    "CELL_STATES",
    "FAILED",
    "MET",
    "RECOVERY_LABELS",
    "RECOVERY_REASONS",
    "UNDER_SUPPORT",
    "UNKNOWN",
    "Cells",
    "collect_cell_evidence",
    "count_cells",
    "days_needed",
    "derive_recovery",
    "judge_cells",
    "sum_days",
]

Marks = NDArray[np.bool_]
States = NDArray[np.int8]

FAILED, UNDER_SUPPORT, UNKNOWN, MET = range(4)
CELL_STATES = ("failed", "under support", "unknown", "met")
CELL_ROLES = ("decides", "would settle")
RECOVERY_LABELS = ("recovered", "never below", "not recovered", "not evaluable", "died before landmark")
RECOVERED, NEVER_BELOW, NOT_RECOVERED, NOT_EVALUABLE, DIED = range(5)
RECOVERY_REASONS = (
    "",
    "died on or before the landmark",
    "under support",
    "unmeasured days around the landmark",
    "a day near the landmark could have been different",
    "the course was censored before the landmark",
    "support without a recorded stop may have lasted",
    "no neutrophil count around the landmark: white cells alone show only days that fail",
)
_DIED, _SUPPORT, _UNMEASURED, _COULD_DIFFER, _CENSORED, _OPEN_STOP, _ONLY_CAPS = range(1, 8)


@dataclass(frozen=True, kw_only=True)
class Cells:
    """State of one lineage on each day of the grid, in three scenarios.

    `policy` holds FAILED, UNDER_SUPPORT, UNKNOWN or MET; `best` and `worst` say whether the cell is met, and
    `worst_if_stopped` whether it is in the worst case, had support without a recorded stop ended at once.
    """

    policy: States
    best: Marks
    worst: Marks
    worst_if_stopped: Marks
    grid: ScenarioGrid

    def window(self, first_day: int, last_day: int) -> Cells:
        """Return the cells of the days `first_day` to `last_day`, both included."""
        days = slice(first_day - self.grid.first_day, last_day - self.grid.first_day + 1)
        return Cells(
            policy=self.policy[:, days],
            best=self.best[:, days],
            worst=self.worst[:, days],
            worst_if_stopped=self.worst_if_stopped[:, days],
            grid=self.grid.window(first_day, last_day),
        )


def days_needed(definition: RecoveryDefinition) -> tuple[int, int]:
    """Return the first and last day whose state a landmark looks at."""
    day, length = definition.landmark.day, definition.run.length
    match definition.landmark.run:
        case "ends_on":
            return day - length + 1, day
        case "contains":
            return day - length + 1, day + length - 1
        case "reached_by":
            return 0, day


def judge_cells(
    criterion: Criterion,
    grid: ScenarioGrid,
    support: Mapping[str, Marks],
    *,
    bracket_days: int,
    carry_days: int,
) -> Cells:
    """Judge one lineage on every day of the grid.

    Parameters
    ----------
    criterion : Criterion
    grid : ScenarioGrid
        Every day that may bracket: before the days that count, and up to the look-ahead after them. Who has
        no measured value on any of them has no day filled: a cap decides its own day alone.
    support : mapping of "known" and "possible" to (patients, days) bool
        Days under support: for certain, and if an unknown stop means "never stopped".
    bracket_days : int
        Two decided days at most this far apart give the days between their state if they agree.
    carry_days : int
        Without a later decided day the last state holds this many days.
    """
    cut = convert_value(criterion.cut, analyte=criterion.analyte, unit=criterion.unit)
    low_met = is_met(grid.low, criterion.comparator, cut)
    high_met = is_met(grid.high, criterion.comparator, cut)
    is_met_measured = grid.measured & low_met
    fails_by_cap = np.zeros_like(low_met)
    if grid.cap is not None:
        fails_by_cap = grid.capped & ~is_met(grid.cap, criterion.comparator, cut)
    is_failed_measured = (grid.measured & ~high_met) | fails_by_cap
    count = _fill_states(
        is_met_measured, is_failed_measured, bracket_days=bracket_days, carry_days=carry_days
    )
    # A cap vouches for its own day; for the days beside it only together with what was measured.
    is_counted = any_marked(grid.measured)[:, None]
    count = np.where(is_counted, count, np.where(fails_by_cap, FAILED, UNKNOWN))
    count = np.where(grid.at_risk, count, np.where(grid.dead, FAILED, UNKNOWN))
    # Whatever was counted under support, or would have been, cannot make the day a met one.
    is_supported = support["known"] & grid.at_risk
    policy = np.where((count >= UNKNOWN) & is_supported, UNDER_SUPPORT, count).astype(np.int8)
    return Cells(
        policy=policy,
        best=high_met & ~fails_by_cap & ~is_supported & ~grid.dead,
        worst=low_met & ~(support["possible"] & grid.at_risk),
        worst_if_stopped=low_met & ~is_supported,
        grid=grid,
    )


def _fill_states(met: Marks, failed: Marks, *, bracket_days: int, carry_days: int) -> States:
    """Met and failed days as they are; the others by the decided days around them."""
    decided = met | failed
    before, after = nearest_marked(decided)
    width = decided.shape[-1]
    has_before, has_after = before >= 0, after < width
    left = np.take_along_axis(met, np.maximum(before, 0), axis=1)
    right = np.take_along_axis(met, np.minimum(after, width - 1), axis=1)
    place = np.arange(width, dtype=np.int32)
    is_bracketed = has_before & has_after & (after - before <= bracket_days) & (left == right)
    is_carried = has_before & ~has_after & (place - before <= carry_days)
    filled = np.where(left, np.int8(MET), np.int8(FAILED))
    return np.where(decided | is_bracketed | is_carried, filled, np.int8(UNKNOWN))


def derive_recovery(
    definition: RecoveryDefinition,
    cells: Mapping[str, Cells],
    *,
    died_before: Marks,
    censored_before: Marks,
) -> OutcomeRows:
    """Return the recovery of each patient at the landmark.

    Parameters
    ----------
    definition : RecoveryDefinition
    cells : mapping of analyte to Cells
        One entry for each criterion, all on the same days.
    died_before, censored_before : (patients,) bool
        Death on or before the landmark; a second infusion on or before it.

    Returns
    -------
    OutcomeRows
        0 is recovered or never below, 1 is not recovered. Not evaluable has no policy value; it is never "not
        recovered". After death before the landmark there is none of the three values.
    """
    first, last = days_needed(definition)
    window = {name: cell.window(first, last) for name, cell in cells.items()}
    judge = {"ends_on": _judge_ends_on, "contains": _judge_contains, "reached_by": _judge_reached_by}
    judged = judge[definition.landmark.run](definition, window)
    label = np.where(died_before, DIED, judged.label).astype(np.int8)
    is_bad = np.where(label == NOT_RECOVERED, 1.0, 0.0)
    policy = np.where(np.isin(label, (NOT_EVALUABLE, DIED)), np.nan, is_bad)
    best = np.where(died_before, np.nan, np.where(judged.best, 0.0, 1.0))
    worst = np.where(died_before, np.nan, np.where(judged.worst, 0.0, 1.0))
    has_support = _is_failed_by_support(window)
    stopped = {name: replace(cell, worst=cell.worst_if_stopped) for name, cell in window.items()}
    hangs_on_stop = (best != worst) & (
        judged.best == judge[definition.landmark.run](definition, stopped).worst
    )
    is_null = label == NOT_EVALUABLE
    reason = np.select(
        [
            died_before,
            is_null & censored_before,
            is_null & _has_only_caps(cells),
            is_null,
            hangs_on_stop,
            best != worst,
        ],
        [_DIED, _CENSORED, _ONLY_CAPS, _UNMEASURED, _OPEN_STOP, _COULD_DIFFER],
        np.where((label == NOT_RECOVERED) & has_support, _SUPPORT, 0),
    )
    grids = [cell.grid for cell in window.values()]
    none = np.full(label.size, -1, dtype=np.int8)
    return OutcomeRows(
        policy=policy,
        best=best,
        worst=worst,
        evidence=np.where(hangs_on_stop, 2, _classify_cells(judged, window)).astype(np.int8),
        reason=reason.astype(np.int8),
        rule=none,
        label=label,
        first_day=np.where(judged.first >= 0, judged.first + first, NO_DAY).astype(np.int32),
        last_day=np.where(judged.last >= 0, judged.last + first, NO_DAY).astype(np.int32),
        days=sum_days(grids),
    )


@dataclass(frozen=True)
class _Judged:
    """Label of the policy; whether best and worst are good; the run that decided, -1 if none."""

    label: NDArray[np.int8]
    best: Marks
    worst: Marks
    first: NDArray[np.int32]
    last: NDArray[np.int32]


def _all_lineages(window: Mapping[str, Cells]) -> tuple[Marks, Marks, Marks, Marks]:
    """Days met for certain, days that may be met, and the days met in best and worst."""
    certain = np.logical_and.reduce([cell.policy == MET for cell in window.values()])
    possible = np.logical_and.reduce([cell.policy >= UNKNOWN for cell in window.values()])
    best = np.logical_and.reduce([cell.best for cell in window.values()])
    worst = np.logical_and.reduce([cell.worst for cell in window.values()])
    return certain, possible, best, worst


def _judge_ends_on(definition: RecoveryDefinition, window: Mapping[str, Cells]) -> _Judged:
    del definition
    certain, possible, best, worst = _all_lineages(window)
    is_met_all, may_be_met = every_marked(certain), every_marked(possible)
    last = np.full(certain.shape[0], certain.shape[1] - 1, dtype=np.int32)
    is_known = is_met_all | ~may_be_met
    return _Judged(
        _label(is_met_all, may_be_met),
        every_marked(best),
        every_marked(worst),
        np.where(is_known, 0, -1).astype(np.int32),
        np.where(is_known, last, -1),
    )


def _judge_contains(definition: RecoveryDefinition, window: Mapping[str, Cells]) -> _Judged:
    length = definition.run.length
    certain, possible, best, worst = _all_lineages(window)
    first, last = first_run(certain, length)
    found = [_has_run(marks, length) for marks in (certain, possible, best, worst)]
    return _Judged(_label(found[0], found[1]), found[2], found[3], first, last)


def _judge_reached_by(definition: RecoveryDefinition, window: Mapping[str, Cells]) -> _Judged:
    """Good is a run after the first failing day, or no failing day; see `docs/decisions.md`.

    An unknown day may be the first failing day, which then opens the way to a recovery, so "unknown is met"
    is not always the kinder reading: good and bad are each judged with the first failing day that suits them.
    """
    length = definition.run.length
    certain, possible, best, worst = _all_lineages(window)
    may_be_good, may_be_bad = _judge_after_first_failing_day(certain, possible, length)
    best_good, worst_bad = _judge_after_first_failing_day(worst, best, length)
    first_failed = first_marked(~possible, otherwise=certain.shape[1])
    has_failed = first_failed < certain.shape[1]
    good = np.where(has_failed, RECOVERED, NEVER_BELOW)
    label = np.where(may_be_good & may_be_bad, NOT_EVALUABLE, np.where(may_be_bad, NOT_RECOVERED, good))
    first, last = first_run(certain & _days_after(first_failed, certain.shape[1]), length)
    return _Judged(label.astype(np.int8), best_good, ~worst_bad, first, last)


def _judge_after_first_failing_day(certain: Marks, possible: Marks, length: int) -> tuple[Marks, Marks]:
    """Whether the days between `certain` and `possible` can make the course good, and whether bad."""
    width = certain.shape[1]
    has_doubt, has_failed = any_marked(~certain), any_marked(~possible)
    first_doubt = first_marked(~certain, otherwise=width)
    last_doubt = last_marked(~certain, otherwise=width)
    latest_start = np.where(has_failed, first_marked(~possible, otherwise=width), last_doubt)
    may_be_good = ~has_failed | _has_run_after(possible, first_doubt, length)
    may_be_bad = has_doubt & ~_has_run_after(certain, latest_start, length)
    return may_be_good, may_be_bad


def _has_run(met: Marks, length: int) -> Marks:
    return any_marked(run_lengths(met) >= length)


def _has_run_after(met: Marks, start: NDArray[np.int32], length: int) -> Marks:
    return _has_run(met & _days_after(start, met.shape[1]), length)


def _days_after(start: NDArray[np.int32], width: int) -> Marks:
    days = np.arange(width, dtype=np.int32)
    return np.greater(days[None, :], start[:, None])


def _label(is_good: Marks, may_be_good: Marks) -> NDArray[np.int8]:
    return np.where(is_good, RECOVERED, np.where(may_be_good, NOT_EVALUABLE, NOT_RECOVERED)).astype(np.int8)


def _has_only_caps(cells: Mapping[str, Cells]) -> Marks:
    """Whether a lineage is known by caps alone on all days that may bracket."""
    grids = [cell.grid for cell in cells.values()]
    return np.logical_or.reduce([any_marked(grid.capped) & ~any_marked(grid.measured) for grid in grids])


def _is_failed_by_support(window: Mapping[str, Cells]) -> Marks:
    """Whether support alone kept the patient from recovery: no cell fails by its count."""
    fails = np.logical_or.reduce([any_marked(cell.policy == FAILED) for cell in window.values()])
    supported = np.logical_or.reduce([any_marked(cell.policy == UNDER_SUPPORT) for cell in window.values()])
    return supported & ~fails


def _classify_cells(judged: _Judged, window: Mapping[str, Cells]) -> NDArray[np.int8]:
    """0 measured, 1 bracketed, 2 open: by the days that the judgment rests on."""
    has_gap = np.logical_or.reduce([any_marked(cell.grid.short_gap) for cell in window.values()])
    has_open = np.logical_or.reduce([any_marked(cell.grid.open_day) for cell in window.values()])
    is_decided = judged.best == judged.worst
    fails_measured = np.logical_or.reduce(
        [any_marked((cell.policy <= UNDER_SUPPORT) & cell.grid.measured) for cell in window.values()]
    )
    off = np.logical_or.reduce(
        [any_marked(~(cell.grid.at_risk | cell.grid.dead)) for cell in window.values()]
    )
    fails = is_decided & fails_measured & (judged.label == NOT_RECOVERED)
    is_measured = ~(has_gap | has_open | off) | fails
    return np.where(is_measured, 0, np.where((has_open | off) & ~is_decided, 2, 1)).astype(np.int8)


def sum_days(grids: list[ScenarioGrid]) -> dict[str, NDArray[np.int32]]:
    """Day account over all lineages: counts add up, the gap is the longest, the last day is the earliest."""
    accounts = [count_days(grid) for grid in grids]
    combine = {
        "days_measured": np.add,
        "days_short_gap": np.add,
        "days_open": np.add,
        "days_filled": np.add,
        "days_bridged": np.add,
        "longest_gap_days": np.maximum,
        "last_measured_day": np.minimum,
    }
    return {
        name: np.asarray(combined.reduce([account[name] for account in accounts]), dtype=np.int32)
        for name, combined in combine.items()
    }


def collect_cell_evidence(
    cells: Cells, rows: Marks, undecided: Marks, *, first_day: int, last_day: int
) -> EvidenceRows:
    """Return every cell of one lineage on the given days, for the patients marked in `rows`.

    A cell that is unknown, or met in best but not in worst, "would settle" the outcome of a patient marked in
    `undecided`; the others "decide". The verdict of each row is the state of its cell.
    """
    window = cells.window(first_day, last_day)
    grid = window.grid
    patient, place = np.nonzero(grid.at_risk & rows[:, None])
    is_open_question = (window.policy == UNKNOWN) | (window.best != window.worst)
    is_open_question &= undecided[:, None]
    state = np.select([grid.measured, grid.capped, grid.short_gap], [0, 1, 2], 3)
    return EvidenceRows(
        patient=patient,
        day=(place + first_day).astype(np.int32),
        role=np.where(is_open_question, 1, 0)[patient, place].astype(np.int8),
        state=state[patient, place].astype(np.int8),
        low=grid.low[patient, place],
        high=grid.high[patient, place],
        source_row=grid.source_row[patient, place],
        verdict=window.policy[patient, place],
    )


def count_cells(cells: Cells, day: int, rows: Marks) -> NDArray[np.int64]:
    """Return how many of the marked patients have each of `CELL_STATES` on a day."""
    states = cells.policy[rows, day - cells.grid.first_day]
    return np.bincount(states, minlength=len(CELL_STATES)).astype(np.int64)
