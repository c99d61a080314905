"""How long each course is followed within a window: to its end, or to what a definition censors at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.grading.day_grid import Courses

__all__ = ["FollowUp", "follow_courses"]


@dataclass(frozen=True)
class FollowUp:
    """The last day at risk of each patient.

    Attributes
    ----------
    last_day : (patients,) int
        The last day that counts; before the first day of the window where none does.
    is_complete : (patients,) bool
        The course ends with the window or with death: nothing that could still have happened is unseen.
    """

    last_day: NDArray[np.int32]
    is_complete: NDArray[np.bool_]


def follow_courses(courses: Courses, window: tuple[int, int], censor_at: Sequence[str]) -> FollowUp:
    """Return how long each course is followed in a window; the day of an event itself still counts.

    Parameters
    ----------
    courses : Courses
        Death, and the day before a second infusion, end every course.
    window : (first day, last day)
    censor_at : sequence of {"last_contact", "death", "progression", "next_therapy"}
        "last_contact" is the later of last contact and death, if either is known.
    """
    days = {
        "last_contact": np.fmax(courses.last_contact_day, courses.death_day),
        "death": courses.death_day,
        "progression": courses.progression_day,
        "next_therapy": courses.next_therapy_day,
    }
    last = np.minimum(courses.last_day_at_risk, window[1]).astype(np.float64)
    for name in censor_at:
        last = np.fmin(last, days[name])
    is_complete = (last == window[1]) | (last == courses.death_day)
    return FollowUp(np.maximum(last, window[0] - 1).astype(np.int32), is_complete)
