"""One door for every way of grading a course: by its worst value, by counted days, at a landmark."""

from __future__ import annotations

from collections.abc import Sequence

from cytopenia.definition_forms import GradesPart
from cytopenia.grading.durations import (
    DURATION_REASONS,
    DURATION_STATES,
    DURATION_VERDICTS,
    grade_durations,
)
from cytopenia.grading.follow_up import FollowUp
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.grades import GRADE_REASONS, STATES, VERDICTS, grade_courses
from cytopenia.grading.half_lines import Baselines
from cytopenia.grading.landmarks import LANDMARK_REASONS, grade_landmark
from cytopenia.grading.outcome_rows import EvidenceRows, OutcomeRows

__all__ = ["censoring_of", "grade_part", "reasons_of", "states_of", "verdicts_of"]


def grade_part(
    part: GradesPart,
    grid: ScenarioGrid,
    follow_up: FollowUp,
    *,
    min_grade: int | None = None,
    baseline: Baselines | None = None,
) -> tuple[OutcomeRows, EvidenceRows]:
    """Grade each course as its part of a definition asks for.

    Parameters
    ----------
    part : GradesPart
    grid : ScenarioGrid
        The patients of one part on the days of the window.
    follow_up : FollowUp
        From `follow_courses` with `censoring_of(part)`.
    min_grade : int, optional
        See `grade_courses` and `grade_durations`; a grade at a landmark has no use for it.
    baseline : Baselines, optional
        See `grade_courses`.
    """
    if part.landmark is not None:
        return grade_landmark(part, grid, follow_up)
    if part.counting is not None:
        return grade_durations(part, grid, follow_up, min_grade=min_grade)
    return grade_courses(part, grid, min_grade=min_grade, baseline=baseline)


def censoring_of(part: GradesPart) -> tuple[str, ...]:
    """Return the events that end the days of a part."""
    if part.landmark is not None:
        return part.landmark.censor_at
    return () if part.counting is None else part.counting.censor_at


def reasons_of(part: GradesPart) -> Sequence[str]:
    """Return the sentences that the reasons of a part stand for."""
    if part.landmark is not None:
        return LANDMARK_REASONS
    return GRADE_REASONS if part.counting is None else DURATION_REASONS


def states_of(part: GradesPart) -> Sequence[str]:
    """Return the names of the states of evidence days."""
    return STATES if part.counting is None else DURATION_STATES


def verdicts_of(part: GradesPart) -> Sequence[str]:
    """Return the names of the verdicts of evidence days."""
    return VERDICTS if part.counting is None else DURATION_VERDICTS
