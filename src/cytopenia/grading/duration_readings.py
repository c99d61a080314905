"""The readings of a course whose days are counted: which days are marked, and the grade that they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.definition_forms import Counting, CutName, GradeRule, GradesPart
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
from cytopenia.grading.runs import any_marked
from cytopenia.units import convert_value

__all__ = [
    "ANY",
    "BEST",
    "CLOSED",
    "POLICY",
    "SURE",
    "WORST",
    "CountedCourses",
    "Graded",
    "Reading",
    "grade_reading",
    "judge_days",
    "read_courses",
]

Grid = NDArray[np.float64]
Marks = NDArray[np.bool_]
Rules = NDArray[np.int8]
Chosen = slice | NDArray[np.intp]


@dataclass(frozen=True)
class CountedCourses:
    """One part of a definition over the followed days of some patients; `marks` has the days of each rule."""

    part: GradesPart
    counting: Counting
    rules: tuple[GradeRule, ...]
    grid: ScenarioGrid
    follow_up: FollowUp
    values: RoundedGrid
    marks: tuple[DayMarks, ...]
    min_grade: int | None

    def answer(self, grade: Grid) -> Grid:
        """Return the grade, or 1 and 0 for whether it reaches the one that is asked for."""
        if self.min_grade is None:
            return grade
        return np.where(np.isnan(grade), np.nan, np.where(grade >= self.min_grade, 1.0, 0.0))

    @property
    def last_place(self) -> NDArray[np.int32]:
        """Place of the last day of each patient."""
        return self.follow_up.last_day - np.int32(self.grid.first_day)

    def unseen(self, marks: DayMarks) -> Marks:
        """Return open days of courses without any measurement: there even rules of measured days are open."""
        return marks.any & self.grid.open_day & ~any_marked(self.grid.measured)[:, None]


@dataclass(frozen=True)
class Reading:
    """One scenario: which days are marked, which marked days count for a rule without `days`, and whether
    an episode that lasts to an early end of follow-up lasts to the end.
    """

    days: Callable[[DayMarks], Marks]
    single_days: Callable[[DayMarks], Marks]
    needs_complete_end: bool


POLICY = Reading(lambda m: m.policy, lambda m: m.sure, needs_complete_end=False)
BEST = Reading(lambda m: m.best, lambda m: m.best, needs_complete_end=True)
WORST = Reading(lambda m: m.worst, lambda m: m.closed, needs_complete_end=False)
CLOSED = Reading(lambda m: m.closed, lambda m: m.closed, needs_complete_end=False)
SURE = Reading(lambda m: m.sure, lambda m: m.sure, needs_complete_end=True)
ANY = Reading(lambda m: m.any, lambda m: m.any, needs_complete_end=False)


@dataclass(frozen=True)
class Graded:
    """Grades of one scenario; `rule` is the place of the rule that gave it, -1 for grade 0."""

    grade: Grid
    rule: Rules
    exposures: Mapping[int, Exposure]


def read_courses(
    part: GradesPart, grid: ScenarioGrid, follow_up: FollowUp, *, min_grade: int | None
) -> CountedCourses:
    """Return the days at risk of some courses, with those that meet each rule of a part in every scenario."""
    rules = part.lab_rules
    counting = part.counting or Counting(status="assumed")
    values = round_grid(grid, counting, is_sick_below=rules[0].is_sick_below)
    marks_of = {
        cut: judge_days(cut, part, grid=grid, values=values) for cut in dict.fromkeys(map(_cut_of, rules))
    }
    marks = tuple(marks_of[_cut_of(rule)] for rule in rules)
    return CountedCourses(part, counting, rules, grid, follow_up, values, marks, min_grade)


def _cut_of(rule: GradeRule) -> tuple[CutName, float]:
    return rule.comparator, float(rule.cut)  # type: ignore[arg-type]


def judge_days(
    cut: tuple[CutName, float], part: GradesPart, *, grid: ScenarioGrid, values: RoundedGrid
) -> DayMarks:
    """Return the days that meet a cut, given in the unit of the part."""
    number = convert_value(cut[1], analyte=part.analyte, unit=part.unit)
    return judge_cut(grid, values, comparator=cut[0], cut=number)


def grade_reading(given: CountedCourses, reading: Reading, rows: Chosen = slice(None)) -> Graded:
    """Return the highest rule that the marked days of a scenario meet; the first of equal grades."""
    last_place, is_complete = given.last_place[rows], given.follow_up.is_complete[rows]
    grade = np.zeros(last_place.size)
    decider = np.full(grade.size, -1, dtype=np.int8)
    exposures: dict[int, Exposure] = {}
    counted: dict[int, Exposure] = {}
    for place, (rule, marks) in enumerate(zip(given.rules, given.marks, strict=True)):
        if rule.days is None:
            is_met = any_marked(reading.single_days(marks)[rows])
            if reading is WORST:
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
    return Graded(grade, decider, exposures)


def _is_reached(rule: GradeRule, exposure: Exposure, counting: Counting) -> Marks:
    if rule.days == "all":
        return exposure.lasts_from <= int(counting.all_days_from or 0)
    return exposure.days >= int(rule.days or 1)
