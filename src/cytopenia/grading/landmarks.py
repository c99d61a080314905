"""The grade at a landmark: of the measured value nearest to a day, and what that day itself can have been."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cytopenia.definition_forms import GradesPart
from cytopenia.grading.follow_up import FollowUp
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.grades import grade_courses
from cytopenia.grading.outcome_rows import EvidenceRows, OutcomeRows
from cytopenia.grading.runs import any_marked

__all__ = ["LANDMARK_REASONS", "grade_landmark"]

LANDMARK_REASONS = (
    "",
    "no measurement near the landmark",
    "not at risk at the landmark",
    "the reported value does not decide the grade",
    "the day of the landmark was not measured and could have been different",
    "no neutrophil count near the landmark: white cells alone show only the least grade it can be",
)
_NO_MEASUREMENT, _NOT_AT_RISK, _UNDECIDED, _COULD_DIFFER, _ONLY_CAPS = range(1, 6)


def grade_landmark(
    part: GradesPart, grid: ScenarioGrid, follow_up: FollowUp
) -> tuple[OutcomeRows, EvidenceRows]:
    """Grade each course by the measured value nearest to the landmark; of equally near ones the earlier.

    Parameters
    ----------
    part : GradesPart
        With `landmark`.
    grid : ScenarioGrid
        The patients of one part on the days around the landmark on which a value counts.
    follow_up : FollowUp
        Who is not followed to the landmark is not at risk there.

    Returns
    -------
    OutcomeRows, EvidenceRows
        `policy` is the grade of the nearest value. `best` and `worst` are those of the landmark day itself:
        as measured, within its bounds in a short gap, below its cap, otherwise anything. All three are
        missing for whoever is not at risk on that day. The bounds always include the policy. Without a
        measured value there is a policy only where the cap of that day leaves one grade.
    """
    if part.landmark is None:
        raise ValueError("a part without a landmark is graded by grade_courses or grade_durations")
    at = part.landmark.day - grid.first_day
    chosen = _nearest_measured(grid.measured, at)
    nearest, evidence = grade_courses(part, _keep_days(grid, chosen))
    day = _day_of_landmark(grid, at)
    there, _ = grade_courses(part, day)
    is_at_risk = grid.at_risk[:, at] & np.greater_equal(follow_up.last_day, part.landmark.day)
    has_measurement = any_marked(grid.measured)
    is_proven = ~has_measurement & grid.capped[:, at] & (there.best == there.worst)
    policy = np.where(is_at_risk, np.where(is_proven, there.best, nearest.policy), np.nan)
    # Where the nearest value leaves the grade open, it still says how high it can be.
    highest = np.where(np.isnan(policy), nearest.highest_policy, policy)
    best = np.where(is_at_risk, np.fmin(there.best, policy), np.nan)
    worst = np.where(is_at_risk, np.fmax(there.worst, policy), np.nan)
    state = np.where(grid.measured[:, at], 0, np.where(grid.short_gap[:, at], 1, 2))
    conditions = [
        ~is_at_risk,
        np.isnan(policy) & ~has_measurement & any_marked(grid.capped),
        np.isnan(policy) & ~has_measurement,
        np.isnan(policy),
        best != worst,
    ]
    codes = [_NOT_AT_RISK, _ONLY_CAPS, _NO_MEASUREMENT, _UNDECIDED, _COULD_DIFFER]
    outcome = replace(
        nearest,
        policy=policy,
        best=best,
        worst=worst,
        policy_worst=np.where(is_at_risk, highest, np.nan),
        evidence=state.astype(np.int8),
        reason=np.select(conditions, codes, 0).astype(np.int8),
    )
    kept = is_at_risk[evidence.patient]
    return outcome, _pick_rows(evidence, kept)


def _nearest_measured(measured: NDArray[np.bool_], at: int) -> NDArray[np.bool_]:
    days = np.arange(measured.shape[1], dtype=np.int32)
    # A whole day apart counts two, and a later day one more: of equally near days the earlier is nearer.
    distance = (2 * np.abs(days - np.int32(at)) + (days > at)).astype(np.int32)
    ranked = np.where(measured, distance, np.iinfo(np.int32).max)
    return measured & (ranked == ranked.min(axis=1, keepdims=True))


def _keep_days(grid: ScenarioGrid, kept: NDArray[np.bool_]) -> ScenarioGrid:
    """The same days with only the chosen ones at risk."""
    none = np.zeros_like(kept)
    return replace(grid, measured=kept, short_gap=none, open_day=none, capped=none)


def _day_of_landmark(grid: ScenarioGrid, at: int) -> ScenarioGrid:
    """The landmark day alone, its bounds taken as if they had been reported."""
    day = grid.window(grid.first_day + at, grid.first_day + at)
    bounded = day.measured | day.short_gap | day.capped
    return replace(day, measured=bounded, short_gap=np.zeros_like(bounded), capped=np.zeros_like(bounded))


def _pick_rows(rows: EvidenceRows, kept: NDArray[np.bool_]) -> EvidenceRows:
    names = ("patient", "day", "role", "state", "low", "high", "source_row", "verdict")
    return EvidenceRows(**{name: getattr(rows, name)[kept] for name in names})
