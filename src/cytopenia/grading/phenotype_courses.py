"""Falls, recoveries, second dips and aplastic stretches of each course, as the policy sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cytopenia.definition_forms import PhenotypeDefinition
from cytopenia.grading.cuts import Comparator
from cytopenia.grading.episodes import RoundedGrid, judge_cut, measure_exposure, round_grid
from cytopenia.grading.follow_up import FollowUp
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.phenotype_sets import Levels, build_levels
from cytopenia.grading.runs import first_marked, first_run, nearest_marked
from cytopenia.units import convert_value

__all__ = ["PhenotypeCourse", "read_course"]

Marks = NDArray[np.bool_]
LevelGrid = NDArray[np.int8]
Places = NDArray[np.int32]


@dataclass(frozen=True)
class PhenotypeCourse:
    """What the policy sees on the followed days of some patients; places count from the first day, -1: none.

    Attributes
    ----------
    policy : (patients, days) int
        The level of each followed day; the middle where the policy takes no value.
    is_dead, is_lost : (patients,) bool
        Whose course ended before the window did: with death, or unseen.
    unseen : (patients, days) bool
        Days after the end of follow-up.
    fall : (patients,) int
        Place of the first low day.
    recovery, dip : pairs of (patients,) int
        First and last place of the run that is the recovery, and of the whole second dip.
    dip_days, aplasia_days : (patients, days) bool
        The days of the second dip, and of the longest severe stretch if it is long enough.
    """

    definition: PhenotypeDefinition
    levels: Levels
    grid: ScenarioGrid
    values: RoundedGrid
    policy: LevelGrid
    is_dead: Marks
    is_lost: Marks
    unseen: Marks
    fall: Places
    recovery: tuple[Places, Places]
    dip: tuple[Places, Places]
    dip_days: Marks
    aplasia_days: Marks


def read_course(definition: PhenotypeDefinition, grid: ScenarioGrid, follow_up: FollowUp) -> PhenotypeCourse:
    """Return the fall, the recovery, the second dip and the aplasia of each course, as the policy sees them.

    Parameters
    ----------
    definition : PhenotypeDefinition
    grid : ScenarioGrid
        On the days of the window, cut to the follow-up.
    follow_up : FollowUp
    """
    values = round_grid(grid, definition.counting, is_sick_below=True)
    # A line drawn between two measurements cannot lie above the white cells of the day.
    values = replace(values, filled=np.minimum(values.filled, values.cap))
    levels = build_levels(definition)
    policy = _place_by_policy(definition, grid, values)
    days = np.arange(grid.first_day, grid.first_day + policy.shape[1], dtype=np.int32)
    place = np.arange(days.size, dtype=np.int32)[None, :]
    fall = first_marked(policy <= levels.fall, otherwise=days.size)
    rule, dip = definition.recovery, definition.second_dip
    is_up = (policy == levels.up) & (days >= rule.from_day) & (place > fall[:, None])
    recovery = first_run(is_up, rule.days)
    after = (recovery[1] >= 0)[:, None] & (place > recovery[1][:, None])
    is_low = (policy <= levels.dip) & after
    counted = first_run(is_low & (days >= dip.from_day), dip.days)
    dip_span, dip_days = _whole_run(is_low, counted[0])
    is_severe = policy <= levels.severe
    exposure = measure_exposure(is_severe, follow_up.last_day - np.int32(grid.first_day), definition.counting)
    needed = np.iinfo(np.int32).max if definition.aplastic is None else definition.aplastic.days
    longest = (place >= exposure.first[:, None]) & (place <= exposure.last[:, None])
    is_short = follow_up.last_day < definition.window[1]
    return PhenotypeCourse(
        definition=definition,
        levels=levels,
        grid=grid,
        values=values,
        policy=policy,
        is_dead=is_short & follow_up.is_complete,
        is_lost=is_short & ~follow_up.is_complete,
        unseen=np.greater(days[None, :], follow_up.last_day[:, None]),
        fall=np.where(fall < days.size, fall, -1).astype(np.int32),
        recovery=recovery,
        dip=dip_span,
        dip_days=dip_days,
        aplasia_days=longest & (exposure.days >= needed)[:, None],
    )


def _place_by_policy(definition: PhenotypeDefinition, grid: ScenarioGrid, values: RoundedGrid) -> LevelGrid:
    """The level of each followed day as the definition fills and reads it; the middle where it takes none."""
    levels = build_levels(definition)
    convert = {"analyte": definition.analyte, "unit": definition.unit}
    found = np.full(grid.low.shape, levels.middle, dtype=np.int8)
    recovery = definition.recovery
    lines: list[tuple[Comparator, float]] = [*definition.low_lines, (recovery.comparator, recovery.cut)]
    # The lowest cut is written last, over those that it implies.
    places = [*range(len(definition.low_lines)), levels.up]
    for (comparator, cut), level in reversed([*zip(lines, places, strict=True)]):
        marks = judge_cut(grid, values, comparator=comparator, cut=convert_value(cut, **convert))
        found[marks.policy] = level
    return found


def _whole_run(marked: Marks, inside: Places) -> tuple[tuple[Places, Places], Marks]:
    """First and last place, and all days, of the run of marked days around one place; -1 and none without."""
    before, after = nearest_marked(~marked)
    at = np.maximum(inside, 0)[:, None]
    first = np.take_along_axis(before, at, axis=1)[:, 0] + 1
    last = np.take_along_axis(after, at, axis=1)[:, 0] - 1
    is_found = inside >= 0
    place = np.arange(marked.shape[1], dtype=np.int32)[None, :]
    days = is_found[:, None] & (place >= first[:, None]) & (place <= last[:, None])
    span = (
        np.where(is_found, first, -1).astype(np.int32),
        np.where(is_found, last, -1).astype(np.int32),
    )
    return span, days
