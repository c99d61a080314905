"""One rule of a grade on values that may be intervals, with limits that may be missing.

A rule is met for certain, possible, or not met. Where the limit of normal or the baseline that it needs is
missing, it is possible and never certain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.definition_forms import Condition, GradeRule, GradesPart, LimitOfNormal, MultipleOfBaseline
from cytopenia.grading.cuts import is_met
from cytopenia.units import convert_value

__all__ = ["Baselines", "RowLimits", "Verdicts", "judge_rule"]

Grid = NDArray[np.float64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class Baselines:
    """The least and the greatest value that each patient's baseline can stand for; NaN where there is none.

    A baseline of zero is none: nothing can have decreased from it.
    """

    low: Grid
    high: Grid

    def part(self, patients: slice) -> Baselines:
        """Return the baselines of some of the patients."""
        return Baselines(self.low[patients], self.high[patients])

    @classmethod
    def missing(cls, shape: tuple[int, ...]) -> Baselines:
        """Return baselines that nobody has."""
        nothing = np.full(shape, np.nan)
        return cls(nothing, nothing)


@dataclass(frozen=True)
class RowLimits:
    """What relative cuts refer to, in canonical units; both broadcast against the values."""

    lln: Grid
    baseline: Baselines


@dataclass(frozen=True)
class Verdicts:
    """Where a rule is met for certain, where it is possible, and where that rests on what is missing."""

    certain: Marks
    possible: Marks
    lacks_limit: Marks
    lacks_baseline: Marks


def judge_rule(rule: GradeRule, part: GradesPart, *, low: Grid, high: Grid, limits: RowLimits) -> Verdicts:
    """Judge one rule on values known to lie between `low` and `high`, in the canonical unit.

    Parameters
    ----------
    rule : GradeRule
    part : GradesPart
        Names the analyte and the unit of the cuts.
    low, high : arrays of float
        NaN meets nothing.
    limits : RowLimits

    Returns
    -------
    Verdicts
        A rule with a condition needs both. `lacks_limit` and `lacks_baseline` mark values that a missing
        limit or baseline leaves possible.
    """
    verdicts = _judge_half_line(rule, part, low, high, limits)
    if rule.only_if is None:
        return verdicts
    condition = _judge_half_line(rule.only_if, part, low, high, limits)
    open_question = (verdicts.possible & condition.possible) & ~(verdicts.certain & condition.certain)
    return Verdicts(
        certain=verdicts.certain & condition.certain,
        possible=verdicts.possible & condition.possible,
        lacks_limit=(verdicts.lacks_limit | condition.lacks_limit) & open_question,
        lacks_baseline=(verdicts.lacks_baseline | condition.lacks_baseline) & open_question,
    )


def _judge_half_line(
    half_line: GradeRule | Condition, part: GradesPart, low: Grid, high: Grid, limits: RowLimits
) -> Verdicts:
    sick, healthy = (low, high) if half_line.is_sick_below else (high, low)
    hard, easy = _find_cuts(half_line, part, limits)
    nowhere = np.broadcast_to(np.False_, low.shape)
    certain, possible = is_met(healthy, half_line.comparator, hard), is_met(sick, half_line.comparator, easy)
    if isinstance(half_line.cut, float):
        return Verdicts(certain, possible, nowhere, nowhere)
    is_missing = np.broadcast_to(np.isnan(hard), low.shape)
    needs_limit = isinstance(half_line.cut, LimitOfNormal)
    return Verdicts(
        certain=certain,
        possible=possible | is_missing,
        lacks_limit=is_missing if needs_limit else nowhere,
        lacks_baseline=nowhere if needs_limit else is_missing,
    )


def _find_cuts(half_line: GradeRule | Condition, part: GradesPart, limits: RowLimits) -> tuple[Grid, Grid]:
    """The cut that is hardest to meet, and the one that is easiest; they differ for an interval only."""
    cut = half_line.cut
    if isinstance(cut, LimitOfNormal):
        return limits.lln * cut.lln, limits.lln * cut.lln
    if isinstance(cut, MultipleOfBaseline):
        is_known = is_met(limits.baseline.high, "above", 0.0)
        least, greatest = (
            np.where(is_known, end, np.nan) * cut.baseline
            for end in (limits.baseline.low, limits.baseline.high)
        )
        return (least, greatest) if half_line.is_sick_below else (greatest, least)
    fixed = np.asarray(convert_value(cut, analyte=part.analyte, unit=part.unit))
    return fixed, fixed
