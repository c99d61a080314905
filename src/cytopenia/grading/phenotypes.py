"""Phenotypes of recovery and the second dip: the label by the policy, and every label that was possible."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytopenia.definition_forms import PhenotypeDefinition
from cytopenia.grading.follow_up import FollowUp
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.outcome_rows import NO_DAY, EvidenceRows, OutcomeRows, count_days
from cytopenia.grading.phenotype_courses import PhenotypeCourse, read_course
from cytopenia.grading.phenotype_sets import (
    ABSENCE_LABELS,
    PHENOTYPE_LABELS,
    ReachedStates,
    name_label,
    place_counts,
    reach_states,
)
from cytopenia.grading.runs import any_marked, first_marked

__all__ = [
    "DIP_LABELS",
    "PHENOTYPE_REASONS",
    "PHENOTYPE_STATES",
    "PHENOTYPE_VERDICTS",
    "derive_phenotypes",
    "derive_second_dips",
]

Grid = NDArray[np.float64]
Marks = NDArray[np.bool_]
LevelGrid = NDArray[np.int8]
Places = NDArray[np.int32]

PHENOTYPE_REASONS = (
    "",
    "no measurement in the window",
    "not at risk in the window",
    "the reported values do not decide the label",
    "not measured late enough to know what did not happen",
    "follow-up ended before the end of the window",
    "days far from any measurement could have been different",
    "unmeasured days could have been lower or higher than their neighbors",
    "a reported value could stand for another label",
    "no neutrophil count in the window: white cells alone leave more than one label open",
)
_NO_MEASUREMENT, _NOT_AT_RISK, _UNDECIDED, _TOO_EARLY, _LOST, _OPEN, _GAP, _VALUE, _ONLY_CAPS = range(1, 10)

PHENOTYPE_STATES = ("measured", "wbc_bound", "short_gap", "open", "filled", "bridged")
_MEASURED, _CAPPED, _SHORT_GAP, _OPEN_DAY, _FILLED, _BRIDGED = range(6)
PHENOTYPE_VERDICTS = ("first fall", "recovery", "second dip", "aplasia", "could change the label")
_FALL, _RECOVERY, _DIP, _APLASIA, _COULD_CHANGE = range(5)
DIP_LABELS = ("no", "yes")


def derive_phenotypes(
    definition: PhenotypeDefinition, grid: ScenarioGrid, follow_up: FollowUp
) -> tuple[OutcomeRows, EvidenceRows]:
    """Name the phenotype of each course, and every phenotype that it can have had.

    Parameters
    ----------
    definition : PhenotypeDefinition
    grid : ScenarioGrid
        The patients of one part on the days of the window.
    follow_up : FollowUp
        From `follow_courses` with the window and the censoring of the definition.

    Returns
    -------
    OutcomeRows, EvidenceRows
        `label` is the phenotype by the policy (places in `PHENOTYPE_LABELS`); `policy`, `best` and `worst`
        are missing, because phenotypes have no order. `possible` marks the labels of every course that the
        measurements allow: each unmeasured day anywhere within its bounds, each day far from a measurement or
        after the end of follow-up anything, each day by itself. The policy's own label is always among them.

    Notes
    -----
    A label that rests on what did not happen needs a measurement late enough, unless the patient has died;
    where a reported value such as ">0.4" leaves it open, or without any measurement, there is none, unless
    caps alone leave no other. A course that ended before the window has no label and no possible ones.
    """
    course = read_course(definition, grid.until(follow_up.last_day), follow_up)
    bounded = _reach(course, *_bounded_levels(course))
    label = _name_by_policy(course)
    is_at_risk = any_marked(course.grid.at_risk)
    is_single = bounded.labels.sum(axis=1) == 1
    why_not = _why_unjudged(course, _rests_on_absence(course, label))
    is_own = bounded.labels[np.arange(label.size), label]
    is_proven = is_single & ((why_not == _TOO_EARLY) | ((why_not == _ONLY_CAPS) & is_own))
    judged = np.where(is_proven, 0, why_not)
    known = np.where(is_at_risk & (judged == 0), label, -1).astype(np.int8)
    possible = bounded.labels & is_at_risk[:, None]
    rows = np.flatnonzero(known >= 0)
    possible[rows, known[rows]] = True
    is_open = possible.sum(axis=1) > 1
    deciding = _deciding_days(course, known)
    first, last = _span_of_label(course, known)
    no_number = np.full(known.size, np.nan)
    outcome = OutcomeRows(
        policy=no_number,
        best=no_number,
        worst=no_number,
        evidence=_classify(course, possible, is_open, "labels"),
        reason=_explain(course, known < 0, is_open, judged),
        rule=known,
        label=known,
        first_day=first,
        last_day=last,
        days=_count_days(course),
        possible=possible,
    )
    may_be_aplastic = possible[:, PHENOTYPE_LABELS.index("aplastic")]
    return outcome, _collect(course, deciding, is_open & is_at_risk, may_be_aplastic)


def derive_second_dips(
    definition: PhenotypeDefinition, grid: ScenarioGrid, follow_up: FollowUp
) -> tuple[OutcomeRows, EvidenceRows]:
    """Say of each course whether a second dip followed the recovery: 1 yes, 0 no.

    The parameters are those of `derive_phenotypes`. `best` is 0 where the second dip can have been absent,
    `worst` 1 where it can have happened, as the days of the window allow. `first_day` and `last_day` are
    those of the dip by the policy. Whoever never recovered had no second dip.
    """
    course = read_course(definition, grid.until(follow_up.last_day), follow_up)
    bounded = _reach(course, *_bounded_levels(course))
    has_dip = course.dip[0] >= 0
    is_at_risk = any_marked(course.grid.at_risk)
    why_not = _why_unjudged(course, ~has_dip)
    is_settled = bounded.dipped != bounded.not_dipped
    is_own = np.where(has_dip, bounded.dipped, bounded.not_dipped)
    is_proven = is_settled & ((why_not == _TOO_EARLY) | ((why_not == _ONLY_CAPS) & is_own))
    judged = np.where(is_proven, 0, why_not)
    is_known = is_at_risk & (judged == 0)
    known = np.where(is_known, has_dip, np.nan).astype(np.float64)
    best = np.where(is_at_risk, np.fmin(np.where(bounded.not_dipped, 0.0, 1.0), known), np.nan)
    worst = np.where(is_at_risk, np.fmax(np.where(bounded.dipped, 1.0, 0.0), known), np.nan)
    is_open = best < worst
    sides = np.stack([best == 0, worst == 1], axis=1) & is_at_risk[:, None]
    label = np.where(is_known, has_dip, -1).astype(np.int8)
    rows = is_known & has_dip
    deciding = np.where(course.dip_days & rows[:, None], _DIP, -1)
    first, last = (_as_day(course, np.where(rows, place, -1)) for place in course.dip)
    outcome = OutcomeRows(
        policy=known,
        best=best,
        worst=worst,
        evidence=_classify(course, sides, is_open, "dips"),
        reason=_explain(course, ~is_known, is_open, judged),
        rule=np.where(rows, 0, -1).astype(np.int8),
        label=label,
        first_day=first,
        last_day=last,
        days=_count_days(course),
    )
    return outcome, _collect(course, deciding.astype(np.int8), is_open, np.zeros_like(is_open))


def _name_by_policy(course: PhenotypeCourse) -> NDArray[np.int8]:
    """The label that the days of the policy give, whether or not it can be judged."""
    facts = np.stack(
        [
            course.fall >= 0,
            course.recovery[0] >= 0,
            course.dip[0] >= 0,
            any_marked(course.aplasia_days),
            course.is_dead,
        ],
        axis=1,
    )
    kinds, which = np.unique(facts, axis=0, return_inverse=True)
    names = [
        name_label(course.definition, phase=(fell, rose, dipped), is_aplastic=aplastic, is_dead=dead)
        for fell, rose, dipped, aplastic, dead in kinds.tolist()
    ]
    labels = np.array([PHENOTYPE_LABELS.index(name) for name in names], dtype=np.int8)
    return labels[which.reshape(-1)] if labels.size else np.empty(0, dtype=np.int8)


def _rests_on_absence(course: PhenotypeCourse, label: NDArray[np.int8]) -> Marks:
    """Labels that a later day could have refuted; "aplastic" only where no stretch of days stands for it."""
    absent = np.isin(label, [PHENOTYPE_LABELS.index(name) for name in ABSENCE_LABELS])
    is_aplastic = label == PHENOTYPE_LABELS.index("aplastic")
    return absent | (is_aplastic & ~any_marked(course.aplasia_days))


def _why_unjudged(course: PhenotypeCourse, rests_on_absence: Marks) -> NDArray[np.int8]:
    """The reason why the policy names nothing, 0 where it does."""
    grid = course.grid
    days = np.arange(grid.measured.shape[1], dtype=np.int32) + np.int32(grid.first_day)
    is_late = days >= course.definition.judging.seen_until_day
    is_seen = any_marked(grid.measured & is_late[None, :]) | course.is_dead
    conditions = [
        ~any_marked(grid.at_risk),
        ~any_marked(grid.measured) & any_marked(grid.capped),
        ~any_marked(grid.measured),
        rests_on_absence & _is_vague(course),
        rests_on_absence & ~is_seen,
    ]
    codes = [_NOT_AT_RISK, _ONLY_CAPS, _NO_MEASUREMENT, _UNDECIDED, _TOO_EARLY]
    return np.select(conditions, codes, 0).astype(np.int8)


def _is_vague(course: PhenotypeCourse) -> Marks:
    """Whether reported values alone, such as "<0.6", leave more than one label open."""
    lowest, highest = _bounded_levels(course)
    is_vague = course.grid.measured & (lowest != highest)
    if not is_vague.any():
        return np.zeros(course.fall.shape, dtype=np.bool_)
    low, high = (np.where(is_vague, level, course.policy) for level in (lowest, highest))
    found = reach_states(course.definition, low, high, lasts=course.grid.at_risk, is_dead=course.is_dead)
    return found.labels.sum(axis=1) > 1


def _bounded_levels(course: PhenotypeCourse) -> tuple[LevelGrid, LevelGrid]:
    """Least and greatest level of each day: bounds where there are some, anything where there are none."""
    grid, levels = course.grid, course.levels
    lowest = np.where(grid.at_risk, place_counts(grid.low, course.definition), 0)
    highest = np.where(grid.at_risk, place_counts(grid.high, course.definition), levels.up)
    return lowest.astype(np.int8), highest.astype(np.int8)


def _reach(course: PhenotypeCourse, lowest: LevelGrid, highest: LevelGrid) -> ReachedStates:
    """The labels of every course between two levels; a course that was lost goes on unseen."""
    lasts = course.grid.at_risk | (course.unseen & course.is_lost[:, None])
    return reach_states(course.definition, lowest, highest, lasts=lasts, is_dead=course.is_dead)


def _classify(course: PhenotypeCourse, found: Marks, is_open: Marks, what: str) -> NDArray[np.int8]:
    """0 measured, 1 bracketed, 2 open."""
    grid = course.grid
    lowest, highest = _bounded_levels(course)
    unmeasured = ~grid.measured
    ceiling = np.where(grid.capped, highest, course.levels.up).astype(np.int8)
    anything = _sides(
        _reach(course, np.where(unmeasured, 0, lowest), np.where(unmeasured, ceiling, highest)), what
    )
    far = grid.open_day | course.unseen
    closed = _sides(
        _reach(course, np.where(far, course.policy, lowest), np.where(far, course.policy, highest)),
        what,
    )
    is_measured = (anything.sum(axis=1) == 1) & ~is_open
    rests_on_far = is_open & (closed != found).any(axis=1) & any_marked(far)
    return np.where(is_measured, 0, np.where(rests_on_far, 2, 1)).astype(np.int8)


def _sides(states: ReachedStates, what: str) -> Marks:
    if what == "labels":
        return states.labels
    return np.stack([states.not_dipped, states.dipped], axis=1)


def _explain(
    course: PhenotypeCourse, is_null: Marks, is_open: Marks, judged: NDArray[np.int8]
) -> NDArray[np.int8]:
    grid = course.grid
    conditions = [
        is_null,
        is_open & course.is_lost,
        is_open & any_marked(grid.open_day),
        is_open & any_marked(grid.short_gap),
        is_open,
    ]
    return np.select(conditions, [judged, _LOST, _OPEN, _GAP, _VALUE], 0).astype(np.int8)


def _deciding_days(course: PhenotypeCourse, known: NDArray[np.int8]) -> NDArray[np.int8]:
    """For each day what it is to the label: a place in `PHENOTYPE_VERDICTS`, -1 for nothing."""
    names = np.array(PHENOTYPE_LABELS)[np.maximum(known, 0)]
    place = np.arange(course.policy.shape[1], dtype=np.int32)[None, :]
    first, last = course.recovery
    is_recovery = (first[:, None] >= 0) & (place >= first[:, None]) & (place <= last[:, None])
    is_fall = (course.fall[:, None] >= 0) & (place == course.fall[:, None])
    is_known = (known >= 0)[:, None]
    shows_rise = (is_known & np.isin(names, ("quick", "intermittent"))[:, None]) & is_recovery
    shows_dip = (is_known & (names == "intermittent")[:, None]) & course.dip_days
    shows_aplasia = (is_known & (names == "aplastic")[:, None]) & course.aplasia_days
    return np.select(
        [shows_aplasia, shows_dip, shows_rise, is_known & is_fall],
        [_APLASIA, _DIP, _RECOVERY, _FALL],
        -1,
    ).astype(np.int8)


def _span_of_label(course: PhenotypeCourse, known: NDArray[np.int8]) -> tuple[Places, Places]:
    """First and last day of the recovery of a quick, the dip of an intermittent, the aplasia of an aplastic
    course.
    """
    names = np.array(PHENOTYPE_LABELS)[np.maximum(known, 0)]
    aplasia = (
        first_marked(course.aplasia_days, otherwise=-1),
        first_marked(course.aplasia_days, otherwise=-1) + course.aplasia_days.sum(axis=1, dtype=np.int32) - 1,
    )
    places: list[Places] = []
    for end in (0, 1):
        chosen = np.select(
            [(known >= 0) & (names == name) for name in ("quick", "intermittent", "aplastic")],
            [course.recovery[end], course.dip[end], aplasia[end]],
            -1,
        )
        places.append(_as_day(course, chosen))
    return places[0], places[1]


def _as_day(course: PhenotypeCourse, place: NDArray[np.integer]) -> Places:
    return np.where(place < 0, NO_DAY, place + course.grid.first_day).astype(np.int32)


def _count_days(course: PhenotypeCourse) -> dict[str, Places]:
    """The day account, with the days that the definition filled, and those it bridged within an aplasia."""
    filled = ~np.isnan(course.values.filled) & course.grid.at_risk
    bridged = course.aplasia_days & (course.policy > course.levels.severe)
    return {
        **count_days(course.grid),
        "days_filled": filled.sum(axis=1, dtype=np.int32),
        "days_bridged": bridged.sum(axis=1, dtype=np.int32),
    }


def _collect(
    course: PhenotypeCourse, deciding: NDArray[np.int8], is_open: Marks, may_be_aplastic: Marks
) -> EvidenceRows:
    """The days on which the label rests, and those that could change it; one can be both, and stands twice.

    Where no stretch can have been an aplastic one, nothing hangs on how deep a low count was.
    """
    grid, levels = course.grid, course.levels
    lowest, highest = _bounded_levels(course)
    if 0 <= levels.severe < min(levels.fall, levels.dip):
        least = np.where(may_be_aplastic, 0, levels.severe + 1).astype(np.int8)[:, None]
        lowest, highest = np.maximum(lowest, least), np.maximum(highest, least)
    settling = is_open[:, None] & grid.at_risk & (lowest != highest)
    counted = deciding >= 0
    decides = np.concatenate([np.ones(int(counted.sum()), bool), np.zeros(int(settling.sum()), bool)])
    patient, place = np.concatenate([np.nonzero(counted), np.nonzero(settling)], axis=1)
    order = np.lexsort((~decides, place, patient))
    patient, place, decides = patient[order], place[order], decides[order]
    is_filled = ~np.isnan(course.values.filled)
    is_bridged = (deciding == _APLASIA) & (course.policy > levels.severe)
    other = np.select([grid.measured, grid.short_gap], [_MEASURED, _SHORT_GAP], _OPEN_DAY)
    named = np.select(
        [is_bridged, grid.measured, grid.capped, is_filled], [_BRIDGED, _MEASURED, _CAPPED, _FILLED], other
    )
    state = np.where(decides, named[patient, place], other[patient, place])
    is_cap = state == _CAPPED
    return EvidenceRows(
        patient=patient,
        day=(place + grid.first_day).astype(np.int32),
        role=np.where(decides, 0, 1).astype(np.int8),
        state=state.astype(np.int8),
        low=np.where(is_cap, 0.0, grid.low[patient, place]),
        high=np.where(is_cap, course.values.cap[patient, place], grid.high[patient, place]),
        source_row=grid.source_row[patient, place],
        verdict=np.where(decides, deciding[patient, place], _COULD_CHANGE).astype(np.int8),
    )
