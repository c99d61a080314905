"""When each patient's time begins and ends: from the infusion or a landmark to death or the last contact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.grading.day_grid import Courses
from cytopenia.study.analysis_forms import Survival

__all__ = ["SurvivalTimes", "find_survival_times"]

Days = NDArray[np.float64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class SurvivalTimes:
    """Time and event of the patients, in the order of the courses.

    Attributes
    ----------
    time : (patients,) float
        Days from the infusion, or from the landmark; NaN for who is left out.
    is_event : (patients,) bool
    left_out : mapping of str to int
        Why patients are left out, with their number; the order in which they left.
    censored_by_infusion : int
        Of those in, how many are followed to a second infusion only.
    """

    time: Days
    is_event: Marks
    left_out: Mapping[str, int]
    censored_by_infusion: int

    @property
    def is_in(self) -> Marks:
        """Who is in the analysis."""
        return ~np.isnan(self.time)


def find_survival_times(courses: Courses, analysis: Survival) -> SurvivalTimes:
    """Return the time of each patient and whether it ended with death.

    Parameters
    ----------
    courses : Courses
    analysis : Survival
        With a landmark, who died or whose follow-up ended on or before its day is left out, and time runs
        from it. A second infusion ends the follow-up on the day before it, or is ignored.

    Notes
    -----
    The end is the day of death, else the last contact; a second infusion is a contact. A patient without any
    of them has no follow-up and is left out: laboratory values are no record that somebody was alive at the
    end.
    """
    contact = np.fmax(courses.last_contact_day, courses.second_infusion_day)
    is_dead = ~np.isnan(courses.death_day)
    end = np.where(is_dead, courses.death_day, contact)
    is_cut = np.zeros(len(courses), dtype=np.bool_)
    if analysis.second_infusion == "censor":
        before = courses.second_infusion_day - 1
        is_cut = ~np.isnan(before) & (np.isnan(end) | (before < end))
        end, is_dead = np.where(is_cut, before, end), is_dead & ~is_cut
    start = analysis.landmark or 0
    left_out: dict[str, int] = {}
    kept = ~np.isnan(end)
    left_out["neither death nor last contact recorded"] = int((~kept).sum())
    # On the day of the infusion itself somebody may die; on the day of a landmark the state is not yet known.
    is_early = end <= start if analysis.landmark else end < 0
    where = f"on or before day {start}" if analysis.landmark else "before the infusion"
    left_out[f"died {where}"] = int((kept & is_early & is_dead).sum())
    left_out[f"follow-up ended {where}"] = int((kept & is_early & ~is_dead).sum())
    kept &= ~is_early
    time = np.where(kept, end - start, np.nan)
    reasons = {why: count for why, count in left_out.items() if count}
    return SurvivalTimes(time, is_dead & kept, reasons, int((is_cut & kept).sum()))
