"""The day of recovery: the first run of met days or measurements, in the policy and between its bounds.

Each day is judged three times: for certain met or failed, and possibly so. A run "of measurements" looks at
measured days only: an unmeasured day in a short gap neither counts nor breaks a run, and one in a longer gap,
or after the last measurement, may have been anything. A run "of days" looks at every day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import RecoveryTimeDefinition
from cytopenia.grading.day_grid import Courses
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.outcome_rows import NO_DAY, EvidenceRows, OutcomeRows
from cytopenia.grading.recovery import MET, UNDER_SUPPORT, Cells, sum_days
from cytopenia.grading.runs import any_marked, first_marked, first_run, last_marked

__all__ = [
    "RECOVERY_TIME_LABELS",
    "RECOVERY_TIME_REASONS",
    "FollowUp",
    "collect_run_evidence",
    "derive_recovery_time",
    "find_follow_up",
    "find_last_lab_days",
]

Marks = NDArray[np.bool_]
Places = NDArray[np.int32]
Days = NDArray[np.float64]

RECOVERY_TIME_LABELS = ("recovered", "never below", "not recovered", "censored", "died", "not evaluable")
_RECOVERED, _NEVER_BELOW, _NOT_RECOVERED, _CENSORED, _DIED, _NOT_EVALUABLE = range(6)
RECOVERY_TIME_REASONS = (
    "",
    "no day could be judged",
    "an unmeasured day, a value given as a limit or support without a stop leaves the day open",
    "died before recovery",
    "second infusion before recovery",
    "last contact before recovery",
    "no count of a lineage: white cells alone show only days that fail",
    "no count of a lineage",
)
_UNJUDGED, _OPEN, _BY_DEATH, _BY_INFUSION, _BY_CONTACT, _ONLY_CAPS, _UNCOUNTED = range(1, 8)


@dataclass(frozen=True)
class FollowUp:
    """Until which day each patient is followed, and what ended it.

    Attributes
    ----------
    last_day : (patients,) int
        At most the last day that the definition looks at.
    is_dead, is_infused : (patients,) bool
        Death on that day; a second infusion on the day after it.
    """

    last_day: Places
    is_dead: Marks
    is_infused: Marks


def find_last_lab_days(labs: Mapping[str, pl.DataFrame], courses: Courses) -> Days:
    """Return the day of the last valid laboratory value of each patient, of whatever analyte; NaN if none."""
    found = np.full(len(courses), -np.inf)
    for rows in labs.values():
        np.maximum.at(found, rows["patient"].to_numpy(), rows["day"].cast(pl.Float64).to_numpy())
    return np.where(np.isneginf(found), np.nan, found)


def find_follow_up(courses: Courses, last_lab_days: Days, until: int) -> FollowUp:
    """Return the end of follow-up: death, the day before a second infusion, last contact, or `until`.

    A laboratory value proves contact; where none of these days is known, the last value ends the follow-up.
    """
    contact = np.fmax(courses.last_contact_day, last_lab_days)
    is_closed = ~(np.isnan(courses.death_day) & np.isnan(courses.second_infusion_day))
    known = np.where(is_closed, courses.last_day_at_risk.astype(np.float64), np.nan_to_num(contact, nan=-1))
    last = np.minimum(known, until).astype(np.int32)
    is_infused = (last + 1 == courses.second_infusion_day) & (last < until)
    return FollowUp(last, last == courses.death_day, is_infused & (last != courses.death_day))


@dataclass(frozen=True)
class _DayStates:
    """What all lineages together say of each day that is looked at.

    `met` and `failed` by the policy, `must_*` for certain, `may_*` possibly. `breaks_*` are the days that
    end a run in the policy, in the best and in the worst case; in a run of measurements a day can do neither.
    """

    met: Marks
    failed: Marks
    may_be_met: Marks
    must_be_met: Marks
    may_fail: Marks
    must_fail: Marks
    breaks: Marks
    breaks_best: Marks
    breaks_worst: Marks


def derive_recovery_time(
    definition: RecoveryTimeDefinition, cells: Mapping[str, Cells], follow_up: FollowUp
) -> OutcomeRows:
    """Return the day of recovery of each patient.

    Parameters
    ----------
    definition : RecoveryTimeDefinition
    cells : mapping of analyte to Cells
        One entry for each criterion, all on the same days, which include those of `reached`.
    follow_up : FollowUp

    Returns
    -------
    OutcomeRows
        `policy` is the first day of the first run; infinity if there is none while the patient is followed,
        minus infinity if no day fails ("never below"), NaN if no day can be judged. `best` and `worst` are
        the earliest and the latest plausible day, the same way. Where a lineage was never measured while the
        patient was followed, there is a `policy` only if both are the same. `first_day` is the first day of
        the run and `last_day` the last day of follow-up.
    """
    first, until = definition.reached.first_day, definition.reached.until
    window = {name: cell.window(first, until) for name, cell in cells.items()}
    width = until - first + 1
    followed = np.arange(width, dtype=np.int32)[None, :] <= (follow_up.last_day - first)[:, None]
    is_of_days = definition.run.of == "days"
    states = _join_days(window, followed) if is_of_days else _join_measurements(window, followed)
    nadirs = _find_nadirs(definition, window, followed)
    policy, best, worst = _find_days(states, nadirs, definition)
    is_judged = any_marked(states.met | states.failed)
    is_counted = _all(any_marked(cell.grid.measured & followed) for cell in window.values())
    policy = np.where(is_counted, policy, np.where(best == worst, best, np.nan))
    policy = np.where(is_judged, policy, np.nan)
    # The bounds hold the policy, also where a definition fills more or less than neighbors vouch for.
    best = np.where(is_judged, np.fmin(best, policy), -np.inf)
    worst = np.where(is_judged, np.fmax(worst, policy), np.inf)
    label = _name_labels(policy, follow_up, until)
    has_only_caps = _any(any_marked(cell.grid.capped & followed) for cell in window.values())
    uncounted = np.where(is_judged & ~is_counted, np.where(has_only_caps, _ONLY_CAPS, _UNCOUNTED), _UNJUDGED)
    return OutcomeRows(
        policy=policy + first,
        best=best + first,
        worst=worst + first,
        evidence=_classify_days(window, followed, best == worst, is_of_days=is_of_days),
        reason=_find_reasons(label, best == worst, follow_up, uncounted.astype(np.int8)),
        rule=np.full(label.size, -1, dtype=np.int8),
        label=label,
        first_day=np.where(
            np.isfinite(policy), np.nan_to_num(policy, posinf=0, neginf=0) + first, NO_DAY
        ).astype(np.int32),
        last_day=np.where(follow_up.last_day >= first, follow_up.last_day, NO_DAY).astype(np.int32),
        days=sum_days([cell.grid for cell in window.values()]),
    )


def _all(marks: Iterator[Marks]) -> Marks:
    return np.logical_and.reduce(list(marks))


def _any(marks: Iterator[Marks]) -> Marks:
    return np.logical_or.reduce(list(marks))


def _join_days(window: Mapping[str, Cells], followed: Marks) -> _DayStates:
    """Every day is met or failed, though it may be unknown which."""
    cells = window.values()
    met = _all(cell.policy == MET for cell in cells) & followed
    may_be_met = _all(cell.best for cell in cells) & followed
    must_be_met = _all(cell.worst for cell in cells) & followed
    return _DayStates(
        met=met,
        failed=_any(cell.policy <= UNDER_SUPPORT for cell in cells) & followed,
        may_be_met=may_be_met,
        must_be_met=must_be_met,
        may_fail=~must_be_met & followed,
        must_fail=~may_be_met & followed,
        breaks=~met,
        breaks_best=~may_be_met,
        breaks_worst=~must_be_met,
    )


def _join_measurements(window: Mapping[str, Cells], followed: Marks) -> _DayStates:
    """A day counts if every lineage is measured, or one of them fails; any other is passed over."""
    cells = window.values()
    failed = _any(cell.policy <= UNDER_SUPPORT for cell in cells) & followed
    may_fail = _any(_looks_at(cell.grid) & ~cell.worst for cell in cells) & followed
    return _DayStates(
        met=_all(cell.policy == MET for cell in cells) & followed,
        failed=failed,
        may_be_met=_all(_looks_at(cell.grid) & cell.best for cell in cells) & followed,
        must_be_met=_all(cell.grid.measured & cell.worst for cell in cells) & followed,
        may_fail=may_fail | failed,
        must_fail=failed,
        breaks=failed,
        breaks_best=failed,
        breaks_worst=may_fail | failed,
    )


def _looks_at(grid: ScenarioGrid) -> Marks:
    """Measured days, and days so far from any measurement that one could have been there."""
    return grid.measured | grid.open_day


def _find_days(
    states: _DayStates, nadirs: tuple[Places, Places, Places], definition: RecoveryTimeDefinition
) -> tuple[Days, Days, Days]:
    """Place of the run in the policy, in the best and in the worst case.

    An undecided day may be the first failing one, which opens the way to a recovery. The earliest run follows
    the first day that may fail, all later ones being met if they can. The latest follows the first day that
    must fail, all others before it being met; if none must, the last that may, which alone then fails.
    """
    length = definition.run.length
    earliest, printed, latest = nadirs
    is_below, may_be_below = any_marked(states.failed), any_marked(states.may_fail)
    must_be_below = any_marked(states.must_fail)
    first_failed = first_marked(states.failed, otherwise=0)
    first_doubt = first_marked(states.may_fail, otherwise=0)
    last_start = np.where(
        must_be_below,
        first_marked(states.must_fail, otherwise=0),
        last_marked(states.may_fail, otherwise=0),
    )
    policy = _run_after(np.maximum(first_failed, printed), states.met, states.breaks, length)
    best = _run_after(np.maximum(first_doubt, earliest), states.may_be_met, states.breaks_best, length)
    worst = _run_after(np.maximum(last_start, latest), states.must_be_met, states.breaks_worst, length)
    return (
        np.where(is_below, policy, -np.inf),
        np.where(must_be_below, best, -np.inf),
        np.where(may_be_below, worst, -np.inf),
    )


def _run_after(start: Places, met: Marks, breaks: Marks, length: int) -> Days:
    """Place of the first day of the first run after a day, infinity if there is none."""
    after = np.arange(met.shape[1], dtype=np.int32)[None, :] > start[:, None]
    place, _ = first_run(~breaks & after, length, met)
    return np.where(place >= 0, place, np.inf)


def _find_nadirs(
    definition: RecoveryTimeDefinition, window: Mapping[str, Cells], followed: Marks
) -> tuple[Places, Places, Places]:
    """Place of the nadir: the earliest possible, the printed one, the latest possible; -1 where none is."""
    none = np.full(followed.shape[0], -1, dtype=np.int32)
    nadir_until = definition.reached.nadir_until
    if nadir_until is None:
        return none, none, none
    (cell,) = window.values()
    days = np.arange(followed.shape[1], dtype=np.int32) <= nadir_until - definition.reached.first_day
    measured = cell.grid.measured & followed & days
    looked_at = _looks_at(cell.grid) & followed & days
    high = np.where(measured, cell.grid.high, np.inf)
    low = np.where(cell.grid.measured, cell.grid.low, 0.0)
    has_limit = np.isfinite(high).any(axis=1, keepdims=True)
    rank = np.where(measured, np.where(has_limit, high, low), np.inf)
    printed = first_marked(measured & (rank == rank.min(axis=1, keepdims=True)), otherwise=-1)
    # A day can hold the first lowest value if it can lie below all before it and not above any after it.
    never = np.full((high.shape[0], 1), np.inf)
    before = np.concatenate([never, np.minimum.accumulate(high, axis=1)[:, :-1]], axis=1)
    backward = np.minimum.accumulate(high[:, ::-1], axis=1)[:, ::-1]
    after = np.concatenate([backward[:, 1:], never], axis=1)
    possible = looked_at & (low < before) & (low <= after) & any_marked(measured)[:, None]
    return first_marked(possible, otherwise=-1), printed, last_marked(possible, otherwise=-1)


def _name_labels(policy: Days, follow_up: FollowUp, until: int) -> NDArray[np.int8]:
    return np.select(
        [
            np.isnan(policy),
            np.isneginf(policy),
            np.isfinite(policy),
            follow_up.is_dead,
            follow_up.last_day < until,
        ],
        [_NOT_EVALUABLE, _NEVER_BELOW, _RECOVERED, _DIED, _CENSORED],
        _NOT_RECOVERED,
    ).astype(np.int8)


def _find_reasons(
    label: NDArray[np.int8], is_decided: Marks, follow_up: FollowUp, unjudged: NDArray[np.int8]
) -> NDArray[np.int8]:
    """What leaves the day open comes before what ended the follow-up."""
    is_censored = label == _CENSORED
    return np.select(
        [
            label == _NOT_EVALUABLE,
            ~is_decided,
            label == _DIED,
            is_censored & follow_up.is_infused,
            is_censored,
        ],
        [unjudged, _OPEN, _BY_DEATH, _BY_INFUSION, _BY_CONTACT],
        0,
    ).astype(np.int8)


def _classify_days(
    window: Mapping[str, Cells], followed: Marks, is_decided: Marks, *, is_of_days: bool
) -> NDArray[np.int8]:
    """0 measured, 1 bracketed, 2 open: by the days that the judgment rests on."""
    has_gap = any_marked(_any(cell.grid.short_gap for cell in window.values()) & followed)
    has_open = any_marked(_any(cell.grid.open_day for cell in window.values()) & followed)
    rests_on_gaps = is_of_days & (has_gap | has_open)
    return np.where(has_open & ~is_decided, 2, np.where(rests_on_gaps, 1, 0)).astype(np.int8)


def collect_run_evidence(
    definition: RecoveryTimeDefinition, cells: Mapping[str, Cells], rows: OutcomeRows
) -> dict[str, EvidenceRows]:
    """Return the days behind the outcome, by lineage: the run, and the days that leave it open.

    The days of the run "decide". A day that is looked at, met in the best case and not in the worst, "would
    settle" an outcome that is not decided; one of the run can be both, and stands twice.
    """
    first, until = definition.reached.first_day, definition.reached.until
    window = {name: cell.window(first, until) for name, cell in cells.items()}
    day = np.arange(first, until + 1, dtype=np.int32)[None, :]
    has_run = rows.first_day != NO_DAY
    is_run = _all(cell.policy == MET for cell in window.values()) & has_run[:, None]
    is_run &= day >= rows.first_day[:, None]
    is_run &= np.cumsum(is_run, axis=1) <= definition.run.length
    # The latest run is met for certain: nothing hangs on what came after its first day.
    is_undecided = (rows.best != rows.worst)[:, None] & (day <= rows.last_day[:, None])
    is_undecided &= day < rows.worst[:, None]
    is_of_days = definition.run.of == "days"
    found: dict[str, EvidenceRows] = {}
    for name, cell in window.items():
        looked_at = cell.grid.at_risk if is_of_days else _looks_at(cell.grid)
        settling = looked_at & (cell.best != cell.worst) & is_undecided
        found[name] = _collect_lineage(cell, is_run, settling, first)
    return found


def _collect_lineage(cell: Cells, is_run: Marks, settling: Marks, first_day: int) -> EvidenceRows:
    grid = cell.grid
    decides = np.concatenate([np.ones(int(is_run.sum()), bool), np.zeros(int(settling.sum()), bool)])
    patient, place = np.concatenate([np.nonzero(is_run), np.nonzero(settling)], axis=1)
    order = np.lexsort((~decides, place, patient))
    patient, place, decides = patient[order], place[order], decides[order]
    state = np.select([grid.measured, grid.capped, grid.short_gap], [0, 1, 2], 3)
    return EvidenceRows(
        patient=patient,
        day=(place + first_day).astype(np.int32),
        role=np.where(decides, 0, 1).astype(np.int8),
        state=state[patient, place].astype(np.int8),
        low=grid.low[patient, place],
        high=grid.high[patient, place],
        source_row=grid.source_row[patient, place],
        verdict=cell.policy[patient, place],
    )
