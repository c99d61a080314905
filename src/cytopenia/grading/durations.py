"""Grades that count days: how long a count stayed beyond a cut, in three scenarios, with the days behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.definition_forms import Confirm, Counting, GradeRule, GradesPart
from cytopenia.grading.duration_readings import (
    ANY,
    BEST,
    CLOSED,
    POLICY,
    SURE,
    WORST,
    CountedCourses,
    Graded,
    grade_reading,
    judge_days,
    read_courses,
)
from cytopenia.grading.episodes import Exposure
from cytopenia.grading.follow_up import FollowUp
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.outcome_rows import EvidenceRows, OutcomeRows, count_days, span_days
from cytopenia.grading.runs import any_marked

__all__ = ["DURATION_REASONS", "DURATION_STATES", "DURATION_VERDICTS", "grade_durations"]

Grid = NDArray[np.float64]
Marks = NDArray[np.bool_]
Rules = NDArray[np.int8]

DURATION_REASONS = (
    "",
    "no measurement in the window",
    "not at risk in the window",
    "the reported values do not decide the grade",
    "a single low measurement, not confirmed by a second",
    "unmeasured days could have been lower or higher than their neighbors",
    "days far from any measurement could have been low",
    "counted as lasting to the end of follow-up, which came before the end of the window",
    "a reported value could stand for another grade",
    "no neutrophil count in the window: white cells alone show only the least grade it can be",
)
_NO_MEASUREMENT, _NOT_AT_RISK, _UNDECIDED, _UNCONFIRMED, _GAP, _OPEN, _LOST, _VALUE, _ONLY_CAPS = range(1, 10)

DURATION_STATES = ("measured", "wbc_bound", "short_gap", "open", "filled", "bridged")
DURATION_VERDICTS = ("meets the rule", "could change the grade", "inside the episode")
_MEASURED, _CAPPED, _SHORT_GAP, _OPEN_DAY, _FILLED, _BRIDGED = range(6)


def grade_durations(
    part: GradesPart, grid: ScenarioGrid, follow_up: FollowUp, *, min_grade: int | None = None
) -> tuple[OutcomeRows, EvidenceRows]:
    """Grade each course by how long its counts stayed beyond a cut.

    Parameters
    ----------
    part : GradesPart
        With `counting`; rules with and without `days`.
    grid : ScenarioGrid
        The patients of one part on the days of the window.
    follow_up : FollowUp
        The last day at risk of each patient, from `follow_courses` with the censoring of the definition.
    min_grade : int, optional
        The question is whether this grade is reached: the class of the evidence, the reason and the days that
        would settle it are those of this question. The three grades stay the same.

    Returns
    -------
    OutcomeRows, EvidenceRows
        `policy` fills and counts as the definition says. In `best` every unmeasured day is as healthy, in
        `worst` as sick, as the measurements within eight days allow; days farther from any measurement are
        healthy in `best` and sick in `worst`. Without a measurement there is a policy grade only where caps
        leave no other. A course that ended before the window has none of the three.

    Notes
    -----
    The bounds always include the policy: a definition may take a value for an unmeasured day that lies
    outside what its neighbors allow. Rules without `days` look at measured days, and at short gaps in
    `best` and `worst`. Whoever is graded as "lasting to the end" but left follow-up early, alive, has the
    grade by duration as `best`.
    """
    given = read_courses(part, grid.until(follow_up.last_day), follow_up, min_grade=min_grade)
    policy, best, worst = (grade_reading(given, reading) for reading in (POLICY, BEST, WORST))
    confirmed = _confirm(given)
    healthiest = np.where(confirmed.stands, best.grade, 0.0)
    sickest = np.where(confirmed.may_stand, worst.grade, 0.0)
    has_measurement = any_marked(given.grid.measured)
    is_proven = (policy.grade > 0) & (policy.grade == healthiest) & (healthiest == sickest)
    is_judged = (has_measurement | is_proven) & confirmed.is_judged
    is_judged &= ~(_is_undecided(given, policy) & confirmed.stands)
    is_at_risk = any_marked(given.grid.at_risk)
    known = np.where(is_judged & is_at_risk, np.where(confirmed.stands, policy.grade, 0.0), np.nan)
    low = np.where(is_at_risk, np.fmin(healthiest, known), np.nan)
    high = np.where(is_at_risk, np.fmax(sickest, known), np.nan)
    is_answered = np.zeros_like(is_judged) if min_grade is None else np.fmin(low, policy.grade) >= min_grade
    decider = np.where((known > 0) | is_answered, policy.rule, -1).astype(np.int8)
    deciding = _deciding_days(given, policy, decider)
    evidence, needs_open = _classify(given, confirmed, healthiest, sickest)
    answers = (given.answer(known), given.answer(low), given.answer(high))
    reason = _explain(given, answers, confirmed.lacks_second, needs_open)
    first, last = span_days(deciding, given.grid.first_day)
    outcome = OutcomeRows(
        policy=known,
        best=low,
        worst=high,
        evidence=evidence,
        reason=reason,
        rule=decider,
        label=np.full(known.size, -1, dtype=np.int8),
        first_day=first,
        last_day=last,
        days=_count_days(given, deciding, decider),
        is_asked=min_grade is not None,
    )
    settling = _settling_days(given, (best, worst), low, high)
    return outcome, _collect(given, deciding, decider, settling)


@dataclass(frozen=True)
class _Confirmed:
    """Whether grades stand after the second measurement was asked for.

    `stands` holds for policy and best, `may_stand` for worst, `could_stand` if an unmeasured day could be
    anything. `lacks_second` is a single low measurement that the definition does not accept.
    """

    stands: Marks
    may_stand: Marks
    could_stand: Marks
    is_judged: Marks
    lacks_second: Marks


def _confirm(given: CountedCourses) -> _Confirmed:
    """Grades stand where enough measured days meet the confirming cut; see `docs/definitions.md`."""
    confirm = given.part.confirm
    if confirm is None:
        everybody = np.ones(given.grid.measured.shape[0], dtype=np.bool_)
        return _Confirmed(everybody, everybody, everybody, everybody, ~everybody)
    certain, possible, in_reach, anyhow = _count_confirming(given, confirm)
    is_single = given.grid.measured.sum(axis=1) < confirm.measurements
    accepts = confirm.otherwise == "accept_single"
    stands = np.where(is_single, (certain > 0) & accepts, certain >= confirm.measurements)
    is_zero = np.where(is_single, possible == 0, possible < confirm.measurements)
    return _Confirmed(
        stands=stands,
        may_stand=is_single | (in_reach >= confirm.measurements),
        could_stand=is_single | (anyhow >= confirm.measurements),
        is_judged=(stands | is_zero) & any_marked(given.grid.measured),
        lacks_second=is_single & (certain > 0) & (not accepts),
    )


def _count_confirming(given: CountedCourses, confirm: Confirm) -> tuple[NDArray[np.int64], ...]:
    """Measured days that meet the cut for certain, and that may; with those between them; with all others."""
    marks = judge_days((confirm.comparator, confirm.cut), given.part, grid=given.grid, values=given.values)
    measured = given.grid.measured
    counted = (marks.sure & measured, marks.any & measured, marks.closed, marks.any)
    return tuple(days.sum(axis=1) for days in counted)


def _is_undecided(given: CountedCourses, policy: Graded) -> Marks:
    """Whether grade 0 rests on a reported value that may meet a rule ("<0.6" where 0.5 is asked)."""
    doubts = np.zeros(policy.grade.size, dtype=np.bool_)
    for marks in {id(marks): marks for marks in given.marks}.values():
        doubts |= any_marked(given.grid.measured & marks.any & ~marks.sure)
    return doubts & (policy.grade == 0)


def _deciding_days(given: CountedCourses, policy: Graded, decider: Rules) -> Marks:
    """The days on which the policy grade rests: of the longest episode, of all, or of the one that lasts."""
    days = np.zeros_like(given.grid.measured)
    place_of_day = np.arange(days.shape[1], dtype=np.int32)[None, :]
    for place, rule in enumerate(given.rules):
        rows = decider == place
        if not rows.any():
            continue
        if rule.days is None:
            days[rows] = given.marks[place].sure[rows]
            continue
        exposure = policy.exposures[place]
        first, last = exposure.first, exposure.last
        if rule.days == "all":
            first, last = exposure.lasts_from, given.last_place
        spans = (place_of_day >= first[rows, None]) & (place_of_day <= last[rows, None])
        days[rows] = exposure.inside[rows] & spans
    return days


def _classify(
    given: CountedCourses, confirmed: _Confirmed, best: Grid, worst: Grid
) -> tuple[NDArray[np.int8], Marks]:
    """0 measured, 1 bracketed, 2 open; and whether open days alone can lift the grade to the worst."""
    healthiest, sickest = given.answer(best), given.answer(worst)
    is_undecided = healthiest != sickest
    needs_open = is_undecided.copy()
    rows = np.flatnonzero(is_undecided)
    closed = np.where(confirmed.may_stand[rows], grade_reading(given, CLOSED, rows).grade, 0.0)
    needs_open[rows] = given.answer(closed) != sickest[rows]
    # Where the bounds differ, the wider bounds differ too: only what is decided can have been measured.
    rows = np.flatnonzero(~is_undecided)
    sure = np.where(confirmed.stands[rows], grade_reading(given, SURE, rows).grade, 0.0)
    anyhow = np.where(confirmed.could_stand[rows], grade_reading(given, ANY, rows).grade, 0.0)
    is_measured = np.zeros_like(is_undecided)
    is_measured[rows] = given.answer(sure) == given.answer(anyhow)
    is_open = needs_open
    if any(rule.days is None for rule in given.rules):
        # Such rules never look at open days, which are counted beside the grade.
        is_open = needs_open | any_marked(given.grid.open_day)
    return np.where(is_measured, 0, np.where(is_open, 2, 1)).astype(np.int8), needs_open


def _explain(
    given: CountedCourses, grades: tuple[Grid, Grid, Grid], lacks_second: Marks, needs_open: Marks
) -> NDArray[np.int8]:
    policy, best, worst = grades
    is_null, is_undecided = np.isnan(policy), best != worst
    is_lost = ~given.follow_up.is_complete & (best < policy)
    conditions = [
        ~any_marked(given.grid.at_risk),
        is_null & ~any_marked(given.grid.measured) & any_marked(given.grid.capped),
        is_null & ~any_marked(given.grid.measured),
        is_null & lacks_second,
        is_null,
        is_undecided & is_lost & (policy == worst),
        is_undecided & needs_open,
        is_undecided & any_marked(given.grid.short_gap),
        is_undecided,
    ]
    codes = [_NOT_AT_RISK, _ONLY_CAPS, _NO_MEASUREMENT, _UNCONFIRMED, _UNDECIDED, _LOST, _OPEN, _GAP, _VALUE]
    return np.select(conditions, codes, 0).astype(np.int8)


def _count_days(given: CountedCourses, deciding: Marks, decider: Rules) -> dict[str, NDArray[np.int32]]:
    """The day account, with the days that the definition filled, and those it bridged for the grade."""
    filled = ~np.isnan(given.values.filled) & given.grid.at_risk
    return {
        **count_days(given.grid),
        "days_filled": filled.sum(axis=1, dtype=np.int32),
        "days_bridged": (deciding & ~_marked_by_decider(given, decider)).sum(axis=1, dtype=np.int32),
    }


def _marked_by_decider(given: CountedCourses, decider: Rules) -> Marks:
    """Days that meet the cut of each patient's deciding rule, as `policy` reads them."""
    marked = np.zeros_like(given.grid.measured)
    for place, marks in enumerate(given.marks):
        rows = decider == place
        marked[rows] = marks.policy[rows]
    return marked


def _collect(given: CountedCourses, deciding: Marks, decider: Rules, settling: Marks) -> EvidenceRows:
    """Days that decide, and days that could change the grade; a filled day can be both, and stands twice."""
    grid = given.grid
    decides = np.concatenate([np.ones(int(deciding.sum()), bool), np.zeros(int(settling.sum()), bool)])
    patient, place = np.concatenate([np.nonzero(deciding), np.nonzero(settling)], axis=1)
    order = np.lexsort((~decides, place, patient))
    patient, place, decides = patient[order], place[order], decides[order]
    counted, other = _name_states(given, deciding, decider)
    state = np.where(decides, counted[patient, place], other[patient, place])
    is_cap = state == _CAPPED
    return EvidenceRows(
        patient=patient,
        day=(place + grid.first_day).astype(np.int32),
        role=np.where(decides, 0, 1).astype(np.int8),
        state=state,
        low=np.where(is_cap, 0.0, grid.low[patient, place]),
        high=np.where(is_cap, given.values.cap[patient, place], grid.high[patient, place]),
        source_row=grid.source_row[patient, place],
        verdict=np.where(~decides, 1, np.where(state == _BRIDGED, 2, 0)).astype(np.int8),
    )


def _settling_days(given: CountedCourses, bounds: tuple[Graded, Graded], low: Grid, high: Grid) -> Marks:
    """Days that could lift the grade above `low`: of an episode long enough for such a rule.

    A day that lies in an episode even in the best case, being bridged there, changes nothing.
    """
    healthiest, sickest = bounds
    settling = np.zeros_like(given.grid.measured)
    is_open = given.answer(low) < given.answer(high)
    for place, (rule, marks) in enumerate(zip(given.rules, given.marks, strict=True)):
        if given.min_grade is not None and rule.grade < given.min_grade:
            continue
        rows = np.flatnonzero(is_open & (rule.grade > low) & (rule.grade <= high))
        if rule.days is None:
            settling[rows] |= (marks.closed | given.unseen(marks))[rows] & ~marks.best[rows]
            continue
        days = marks.worst & ~healthiest.exposures[place].inside
        episodes = _episodes_of(rule, sickest.exposures[place], given.counting)
        settling[rows] |= (days & episodes)[rows]
    return settling


def _episodes_of(rule: GradeRule, exposure: Exposure, counting: Counting) -> Marks:
    """Days of the episodes by which a rule is met."""
    runs = exposure.runs
    if rule.days == "all":
        return runs.mark(runs.first == exposure.lasts_from[runs.patient])
    if counting.days == "cumulative":
        return exposure.inside
    return runs.mark(runs.length >= int(rule.days or 1))


def _name_states(
    given: CountedCourses, deciding: Marks, decider: Rules
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """State of every day: how it came to count, and what it is where it does not."""
    grid = given.grid
    below = _marked_by_decider(given, decider)
    is_bridged = deciding & ~below
    is_filled = deciding & below & ~grid.measured & ~np.isnan(given.values.filled)
    other = np.select([grid.measured, grid.short_gap], [_MEASURED, _SHORT_GAP], _OPEN_DAY).astype(np.int8)
    conditions = [is_bridged, grid.measured, is_filled, grid.capped & deciding]
    counted = np.select(conditions, [_BRIDGED, _MEASURED, _FILLED, _CAPPED], other)
    return counted.astype(np.int8), other
