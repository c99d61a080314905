"""Blood counts of one synthetic patient, day by day, through the values of the plan.

Counts are whole numbers (neutrophils and white cells in 0.01 x 10^9/L). Only addition, multiplication,
division and square roots are used, which every machine rounds alike, and random numbers come from the raw
stream of the bit generator, which no release changes: the same seed gives the same files everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

FIRST_DAY, LAST_DAY = -20, 62
# So low a hemoglobin is a bleed of two days, not a slow fall.
_BLEED_BELOW = 45
Course = dict[int, int]
Knots = list[tuple[int, float]]
T = TypeVar("T")


class Draws:
    """Whole random numbers from the raw stream of a seeded bit generator."""

    def __init__(self, *seed: int) -> None:
        self._stream = np.random.PCG64(seed)

    def integers(self, low: int, high: int) -> int:
        """A whole number from `low` to `high` - 1."""
        return low + int(self._stream.random_raw()) % (high - low)

    def is_below(self, percent: int) -> bool:
        """True in `percent` of 100 draws."""
        return self.integers(0, 100) < percent

    def pick(self, *options: T) -> T:
        """One of the options."""
        return options[self.integers(0, len(options))]


@dataclass(frozen=True)
class Lineage:
    """What the plan fixes of one lineage: the last value before treatment, the nadir, the level at day 28."""

    baseline: int
    nadir: int
    nadir_day: int
    landmark: int
    fails: bool


@dataclass(frozen=True)
class Transfusion:
    """A ward's habit: the count below which it transfuses, days until the next, and what one unit does.

    For `quiet` days before the planned nadir none is given.
    """

    below: int
    pause: int
    gain: tuple[int, int]
    kept_per_day: float
    quiet: int
    cut: int


@dataclass(frozen=True)
class Setting:
    """What the courses of one patient share."""

    baseline_day: int
    is_under_gcsf: bool
    dies: bool
    is_severe: bool
    rng: Draws


def join_geometrically(knots: Knots, day: int) -> float:
    """Value on a day, on straight lines between the knots of the logarithm; square roots instead of exp."""
    left, right = _enclose(knots, day)
    low, high, (first, before), (last, after) = 0.0, 1.0, left, right
    if last == first:
        return before
    share = (day - first) / (last - first)
    # Halving the interval twelve times is finer than the rounding of any count.
    for _ in range(12):
        middle, value = (low + high) / 2, math.sqrt(before * after)
        if share < middle:
            high, after = middle, value
        else:
            low, before = middle, value
    return before


def join_straight(knots: Knots, day: int) -> float:
    """Value on a day, on straight lines between the knots."""
    (first, before), (last, after) = _enclose(knots, day)
    return before if last == first else before + (after - before) * (day - first) / (last - first)


def _enclose(knots: Knots, day: int) -> tuple[tuple[int, float], tuple[int, float]]:
    before = [knot for knot in knots if knot[0] <= day]
    after = [knot for knot in knots if knot[0] >= day]
    return (before[-1] if before else knots[0]), (after[0] if after else knots[-1])


def draw_neutrophils(plan: Lineage, setting: Setting) -> Course:
    """Fall after lymphodepletion, nadir, growth factor and recovery; some fall a second time."""
    rng, nadir, level = setting.rng, plan.nadir, plan.landmark
    knots: Knots = [(setting.baseline_day, plan.baseline), (-4, plan.baseline * 0.95)]
    if plan.nadir_day >= 15:
        first_dip = max(nadir * 1.35, float(rng.integers(45, 75)))
        knots += [(4, first_dip), (6, first_dip * 1.15), (11, float(rng.integers(115, 190)))]
    elif plan.nadir_day > 8:
        knots += [(5, max(nadir * 1.9, 40.0))]
    knots += [(plan.nadir_day, nadir)]
    if plan.nadir_day < 15:
        knots += _neutrophil_return(plan, rng)
    knots = [knot for knot in knots if knot[0] <= plan.nadir_day or knot[0] < 24]
    if setting.is_under_gcsf:
        knots += [(23, 62.0), (26, level * 0.95), (29, level * 1.05), (31, level * 0.9), (35, 75.0)]
    else:
        knots += [(day, float(level)) for day in (25, 29) if day > plan.nadir_day + 1]
    end = min(520.0, max(110.0 + rng.integers(0, 60), plan.baseline * rng.integers(55, 95) / 100))
    knots += [(LAST_DAY, max(end, level * 0.8))]
    rough = {day: _stir(join_geometrically(knots, day), 9, rng) for day in _days()}
    # Under growth factor the count passes and the patient does not: no side of the cut is imposed.
    cut = None if setting.is_under_gcsf or setting.dies else 100
    return _settle(rough, plan, window=(0, 28), margin=1 + nadir // 25, cut=cut)


def _neutrophil_return(plan: Lineage, rng: Draws) -> Knots:
    """Days until the neutrophils are back: longer after a deeper nadir."""
    nadir, day = plan.nadir, plan.nadir_day
    if nadir >= 100:
        return [(day + 4, nadir * 1.18), (day + 9, nadir * 1.3), (21, max(nadir * 1.35, plan.landmark * 0.9))]
    wait = 6 if nadir < 12 else 4 if nadir < 35 else 2
    peak = float(rng.integers(105, 150)) if plan.fails else max(150.0, float(rng.integers(150, 330)))
    low = max(nadir * 1.6, 48.0)
    knots = [(day + 1, nadir * 1.15), (day + wait, low), (day + wait + 3, peak)]
    if day + wait + 3 < 17:
        knots += [(20, peak * 0.62 if plan.fails else max(120.0, (peak + plan.landmark) / 2.2))]
    return knots


def draw_platelets(plan: Lineage, setting: Setting) -> Course:
    """Slow fall, slow return."""
    rng, nadir, day = setting.rng, plan.nadir, plan.nadir_day
    knots: Knots = [(setting.baseline_day, plan.baseline), (-4, plan.baseline * 0.97)]
    if day >= 15:
        first = nadir * 1.9 if plan.fails else min(nadir * 1.2, max(nadir * 1.06, plan.baseline * 0.9))
        knots += [(9, min(first, plan.baseline * 0.9)), (12, min(first, plan.baseline * 0.9))]
    knots += [(day, nadir)]
    if day < 20:
        knots += [(day + 5, min(nadir * 1.35 + 2, float(plan.landmark)))] if day + 5 < 24 else []
        knots += [(25, float(plan.landmark)), (29, float(plan.landmark))]
    else:
        knots += [(day + 7, max(nadir * 1.12, plan.landmark * 1.05))]
    goal = min(plan.baseline * 0.92, 260.0) if not plan.fails else min(plan.baseline * 0.8, 95.0)
    knots += [(LAST_DAY, max(goal, plan.landmark * 1.1))]
    rough = {day: _stir(join_geometrically(knots, day), 5, rng) for day in _days()}
    return _settle(rough, plan, window=(0, 28), margin=1 + nadir // 50, cut=None if setting.dies else 50)


def draw_hemoglobin(plan: Lineage, setting: Setting) -> Course:
    """A fall of days, a return of weeks; after a severe nadir the transfusions lift the value."""
    rng, nadir, day = setting.rng, plan.nadir, plan.nadir_day
    knots: Knots = [(setting.baseline_day, plan.baseline)]
    if day > -4:
        knots += [(-4, max(nadir + 1.0, plan.baseline - 1.0))]
    if day >= 15:
        middle = nadir + max(3.0, (plan.baseline - nadir) * 0.35)
        knots += [(7, middle), (12, middle)]
    if nadir < _BLEED_BELOW:
        knots += [(4, 84.0), (day - 2, 76.0)]
    knots += [(day, nadir)] if day != setting.baseline_day else []
    if setting.is_severe:
        # Two units within a day or two of the nadir.
        lift = min(12.0, (plan.landmark - nadir) * 0.6)
        knots += [(day + 1, nadir + lift / 2), (day + 3, nadir + lift)]
    if day < 20:
        knots += [(25, float(plan.landmark)), (29, float(plan.landmark))]
    else:
        knots += [(day + 8, float(max(plan.landmark, nadir + 3)))]
    knots += [(LAST_DAY, max(plan.landmark + 4.0, min(132.0, (plan.baseline + plan.landmark) / 2)))]
    rough = {day: round(join_straight(knots, day)) + rng.integers(-2, 3) for day in _days()}
    return _settle(rough, plan, window=(-5, 28), margin=1, cut=None if setting.dies else 80)


def draw_white_cells(neutrophils: Course, setting: Setting) -> Course:
    """Neutrophils and the other white cells, which lymphodepletion almost removes."""
    rng = setting.rng
    before, back = float(rng.integers(70, 190)), float(rng.integers(50, 140))
    least = float(rng.integers(6, 13))
    knots: Knots = [
        (-5, before),
        (-2, least * 1.6),
        (1, least),
        (7, least * 1.8),
        (14, back * 0.5),
        (40, back),
    ]
    return {
        day: count + max(4, _stir(join_geometrically(knots, day), 20, rng))
        for day, count in neutrophils.items()
    }


def _days() -> range:
    return range(FIRST_DAY, LAST_DAY + 1)


def _stir(value: float, percent: int, rng: Draws) -> int:
    return round(value * (100 + rng.integers(-percent, percent + 1)) / 100)


def _settle(rough: Course, plan: Lineage, *, window: tuple[int, int], margin: int, cut: int | None) -> Course:
    """The planned nadir on its day and nowhere else, and the planned side of the cut from day 20 on."""
    course: Course = {}
    for day, value in rough.items():
        kept = max(value, 2)
        if cut is not None and plan.fails and 25 <= day <= 29:
            kept = min(kept, cut - 3)
        if cut is not None and not plan.fails and day >= 20:
            kept = max(kept, cut + 4)
        if window[0] <= day <= window[1]:
            kept = max(kept, plan.nadir + margin)
        course[day] = kept
    course[plan.nadir_day] = plan.nadir
    return course


def transfuse(
    course: Course, plan: Lineage, habit: Transfusion, *, last: int, rng: Draws
) -> tuple[Course, list[int]]:
    """Return the course with what the transfusions add, and their days.

    Each lifts the next day's count and fades. The nadir stays where the plan has it.
    """
    lifted, given, carried = dict(course), list[int](), 0.0
    for day in range(-5, last + 1):
        value = course[day] + round(carried)
        if day == plan.nadir_day:
            value, carried = plan.nadir, 0.0
        if plan.fails and 25 <= day <= 29:
            value = min(value, habit.cut - 3)
        lifted[day] = value
        # What was transfused is gone by the nadir, not on its morning.
        carried *= habit.kept_per_day * (0.55 if 0 < plan.nadir_day - day <= 3 else 1.0)
        is_due = value < habit.below and (not given or day - given[-1] >= habit.pause)
        if is_due and not 0 < plan.nadir_day - day <= habit.quiet:
            given.append(day)
            carried += rng.integers(*habit.gain)
    return lifted, given
