"""Grades that count days: how long a count stayed beyond a cut, in three scenarios, with the days behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.definition_forms import Confirm, Counting, CutName, GradeRule, GradesPart
from cytopenia.grading.episodes import (
    DayMarks,
    Exposure,
    RoundedGrid,
    judge_cut,
    measure_exposure,
    round_grid,
)
from cytopenia.grading.follow_up import FollowUp
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.outcome_rows import EvidenceRows, OutcomeRows, count_days, span_days
from cytopenia.grading.runs import any_marked
from cytopenia.units import convert_value

__all__ = ["DURATION_REASONS", "DURATION_STATES", "DURATION_VERDICTS", "grade_durations"]

Grid = NDArray[np.float64]
Marks = NDArray[np.bool_]
Rules = NDArray[np.int8]
Chosen = slice | NDArray[np.intp]

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


@dataclass(frozen=True)
class _Part:
    """One part of a definition over the followed days of some patients."""

    part: GradesPart
    counting: Counting
    rules: tuple[GradeRule, ...]
    grid: ScenarioGrid
    follow_up: FollowUp
    values: RoundedGrid
    marks: tuple[DayMarks, ...]

    @property
    def last_place(self) -> NDArray[np.int32]:
        return self.follow_up.last_day - np.int32(self.grid.first_day)

    def unseen(self, marks: DayMarks) -> Marks:
        """Open days of courses without any measurement: even a rule for measured days alone is open there."""
        return marks.any & self.grid.open_day & ~any_marked(self.grid.measured)[:, None]


@dataclass(frozen=True)
class _Reading:
    """One scenario: which days are marked, which marked days count for a rule without `days`, and whether
    an episode that lasts to an early end of follow-up lasts to the end.
    """

    days: Callable[[DayMarks], Marks]
    single_days: Callable[[DayMarks], Marks]
    needs_complete_end: bool


_POLICY = _Reading(lambda m: m.policy, lambda m: m.sure, needs_complete_end=False)
_BEST = _Reading(lambda m: m.best, lambda m: m.best, needs_complete_end=True)
_WORST = _Reading(lambda m: m.worst, lambda m: m.closed, needs_complete_end=False)
_CLOSED = _Reading(lambda m: m.closed, lambda m: m.closed, needs_complete_end=False)
_SURE = _Reading(lambda m: m.sure, lambda m: m.sure, needs_complete_end=True)
_ANY = _Reading(lambda m: m.any, lambda m: m.any, needs_complete_end=False)


@dataclass(frozen=True)
class _Graded:
    """Grades of one scenario; `rule` is the place of the rule that gave it, -1 for grade 0."""

    grade: Grid
    rule: Rules
    exposures: Mapping[int, Exposure]


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
        What proves that it is reached is evidence also where the grade itself is not judged.

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
    given = _prepare(part, grid.until(follow_up.last_day), follow_up)
    policy, best, worst = (_grade(given, reading) for reading in (_POLICY, _BEST, _WORST))
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
    reason = _explain(given, (known, low, high), confirmed.lacks_second, needs_open)
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
    )
    settling = _settling_days(given, worst, low, high)
    return outcome, _collect(given, deciding, decider, settling)


def _prepare(part: GradesPart, grid: ScenarioGrid, follow_up: FollowUp) -> _Part:
    rules = part.lab_rules
    counting = part.counting or Counting(status="assumed")
    values = round_grid(grid, counting, is_sick_below=rules[0].is_sick_below)
    marks_of = {cut: _judge(cut, part, grid, values) for cut in dict.fromkeys(map(_cut_of, rules))}
    marks = tuple(marks_of[_cut_of(rule)] for rule in rules)
    return _Part(part, counting, rules, grid, follow_up, values, marks)


def _cut_of(rule: GradeRule) -> tuple[CutName, float]:
    return rule.comparator, float(rule.cut)  # type: ignore[arg-type]


def _judge(cut: tuple[CutName, float], part: GradesPart, grid: ScenarioGrid, values: RoundedGrid) -> DayMarks:
    number = convert_value(cut[1], part.unit, analyte=part.analyte)
    return judge_cut(grid, values, comparator=cut[0], cut=number)


def _grade(given: _Part, reading: _Reading, rows: Chosen = slice(None)) -> _Graded:
    """The highest rule that the marked days of a scenario meet; the first of equal grades."""
    last_place, is_complete = given.last_place[rows], given.follow_up.is_complete[rows]
    grade = np.zeros(last_place.size)
    decider = np.full(grade.size, -1, dtype=np.int8)
    exposures: dict[int, Exposure] = {}
    counted: dict[int, Exposure] = {}
    for place, (rule, marks) in enumerate(zip(given.rules, given.marks, strict=True)):
        if rule.days is None:
            is_met = any_marked(reading.single_days(marks)[rows])
            if reading is _WORST:
                is_met = is_met | any_marked(given.unseen(marks))
        else:
            if id(marks) not in counted:
                counted[id(marks)] = measure_exposure(reading.days(marks)[rows], last_place, given.counting)
            exposures[place] = counted[id(marks)]
            is_met = _is_reached(rule, exposures[place], given.counting)
            if rule.days == "all" and reading.needs_complete_end:
                is_met = is_met & is_complete
        is_higher = is_met & (rule.grade > grade)
        grade = np.where(is_higher, float(rule.grade), grade)
        decider = np.where(is_higher, np.int8(place), decider)
    return _Graded(grade, decider, exposures)


def _is_reached(rule: GradeRule, exposure: Exposure, counting: Counting) -> Marks:
    if rule.days == "all":
        return exposure.lasts_from <= int(counting.all_days_from or 0)
    return exposure.days >= int(rule.days or 1)


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


def _confirm(given: _Part) -> _Confirmed:
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


def _count_confirming(given: _Part, confirm: Confirm) -> tuple[NDArray[np.int64], ...]:
    """Measured days that meet the cut for certain, and that may; with those between them; with all others."""
    marks = _judge((confirm.comparator, confirm.cut), given.part, given.grid, given.values)
    measured = given.grid.measured
    counted = (marks.sure & measured, marks.any & measured, marks.closed, marks.any)
    return tuple(days.sum(axis=1) for days in counted)


def _is_undecided(given: _Part, policy: _Graded) -> Marks:
    """Whether grade 0 rests on a reported value that may meet a rule ("<0.6" where 0.5 is asked)."""
    doubts = np.zeros(policy.grade.size, dtype=np.bool_)
    for marks in {id(marks): marks for marks in given.marks}.values():
        doubts |= any_marked(given.grid.measured & marks.any & ~marks.sure)
    return doubts & (policy.grade == 0)


def _deciding_days(given: _Part, policy: _Graded, decider: Rules) -> Marks:
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


def _classify(given: _Part, confirmed: _Confirmed, best: Grid, worst: Grid) -> tuple[NDArray[np.int8], Marks]:
    """0 measured, 1 bracketed, 2 open; and whether open days alone can lift the grade to the worst."""
    is_undecided = best != worst
    needs_open = is_undecided.copy()
    rows = np.flatnonzero(is_undecided)
    closed = np.where(confirmed.may_stand[rows], _grade(given, _CLOSED, rows).grade, 0.0)
    needs_open[rows] = closed != worst[rows]
    # Where the bounds differ, the wider bounds differ too: only what is decided can have been measured.
    rows = np.flatnonzero(~is_undecided)
    sure = np.where(confirmed.stands[rows], _grade(given, _SURE, rows).grade, 0.0)
    anyhow = np.where(confirmed.could_stand[rows], _grade(given, _ANY, rows).grade, 0.0)
    is_measured = np.zeros_like(is_undecided)
    is_measured[rows] = sure == anyhow
    is_open = needs_open
    if any(rule.days is None for rule in given.rules):
        # Such rules never look at open days, which are counted beside the grade.
        is_open = needs_open | any_marked(given.grid.open_day)
    return np.where(is_measured, 0, np.where(is_open, 2, 1)).astype(np.int8), needs_open


def _explain(
    given: _Part, grades: tuple[Grid, Grid, Grid], lacks_second: Marks, needs_open: Marks
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


def _count_days(given: _Part, deciding: Marks, decider: Rules) -> dict[str, NDArray[np.int32]]:
    """The day account, with the days that the definition filled, and those it bridged for the grade."""
    filled = ~np.isnan(given.values.filled) & given.grid.at_risk
    return {
        **count_days(given.grid),
        "days_filled": filled.sum(axis=1, dtype=np.int32),
        "days_bridged": (deciding & ~_marked_by_decider(given, decider)).sum(axis=1, dtype=np.int32),
    }


def _marked_by_decider(given: _Part, decider: Rules) -> Marks:
    """Days that meet the cut of each patient's deciding rule, as `policy` reads them."""
    marked = np.zeros_like(given.grid.measured)
    for place, marks in enumerate(given.marks):
        rows = decider == place
        marked[rows] = marks.policy[rows]
    return marked


def _collect(given: _Part, deciding: Marks, decider: Rules, settling: Marks) -> EvidenceRows:
    """Days that decide, and unmeasured days that could change the grade."""
    grid = given.grid
    patient, place = np.nonzero(deciding | settling)
    decides = deciding[patient, place]
    state = _name_states(given, deciding, decider)[patient, place]
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


def _settling_days(given: _Part, sickest: _Graded, low: Grid, high: Grid) -> Marks:
    """Unmeasured days that could lift the grade above `low`: of an episode long enough for such a rule."""
    settling = np.zeros_like(given.grid.measured)
    for place, (rule, marks) in enumerate(zip(given.rules, given.marks, strict=True)):
        rows = np.flatnonzero((rule.grade > low) & (rule.grade <= high))
        if rule.days is None:
            settling[rows] |= (marks.closed | given.unseen(marks))[rows] & ~marks.best[rows]
            continue
        exposure = sickest.exposures[place]
        days = marks.worst & ~marks.best
        settling[rows] |= (days & _episodes_of(rule, exposure, given.counting))[rows]
    return settling & ~given.grid.measured


def _episodes_of(rule: GradeRule, exposure: Exposure, counting: Counting) -> Marks:
    """Days of the episodes by which a rule is met."""
    runs = exposure.runs
    if rule.days == "all":
        return runs.mark(runs.first == exposure.lasts_from[runs.patient])
    if counting.days == "cumulative":
        return exposure.inside
    return runs.mark(runs.length >= int(rule.days or 1))


def _name_states(given: _Part, deciding: Marks, decider: Rules) -> NDArray[np.int8]:
    """State of every day: how it came to count, or what it is where it does not."""
    grid = given.grid
    below = _marked_by_decider(given, decider)
    is_bridged = deciding & ~below
    is_filled = deciding & below & ~grid.measured & ~np.isnan(given.values.filled)
    return np.select(
        [is_bridged, grid.measured, is_filled, grid.capped & deciding, grid.short_gap],
        [_BRIDGED, _MEASURED, _FILLED, _CAPPED, _SHORT_GAP],
        _OPEN_DAY,
    ).astype(np.int8)
