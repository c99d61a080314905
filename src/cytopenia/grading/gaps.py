"""What an unmeasured day can have been.

Two measurements at most `longest` days apart vouch for the days between them: none of those lies lower than
the lower of the two divided by the slack, or higher than the higher times the slack. The slack may grow
with the distance between the two. A pair with a measurement beyond its claim between its days is refuted and
vouches for nothing: two high counts a week apart say nothing about the days beside a low one between them.
Every other pair counts, not only the two nearest, because only then can a further measurement inside its
bounds never widen what was known (`docs/decisions.md`, "Bounds of an unmeasured day").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cytopenia.definition_forms import BoundsDefinition
from cytopenia.grading.cuts import is_met
from cytopenia.grading.day_grid import DayGrid
from cytopenia.grading.runs import inside_short_gap

__all__ = ["GapRule", "ScenarioGrid", "bound_gaps", "derive_scenarios"]

Grid = NDArray[np.float64]
Marks = NDArray[np.bool_]


# Measured numbers and claims that agree to 12 digits are equal: no rounding error refutes a pair.
_CLEAR = 1e-12
# So many patients at a time that the arrays of one step stay in the cache.
_ROWS = 128


@dataclass(frozen=True, kw_only=True)
class GapRule:
    """How far a day between two measurements may lie beyond them.

    Attributes
    ----------
    slack : float
        At least 1; the factor where the two measurements are two days apart.
    longest : int
        Two measurements at most this many days apart bound the days between them.
    growth : float
        At least 1; by how much the slack grows with each further day between them.
    """

    slack: float
    longest: int
    growth: float = 1.0

    @classmethod
    def of_analyte(cls, bounds: BoundsDefinition, analyte: str) -> GapRule:
        """Return the rule of one analyte."""
        return cls(
            slack=bounds.slack_of(analyte), longest=bounds.longest_days, growth=bounds.growth_of(analyte)
        )

    def slack_over(self, distance: int) -> float:
        """Slack of two measurements so many days apart."""
        return self.slack * self.growth ** (distance - 2)


@dataclass(frozen=True, kw_only=True)
class ScenarioGrid:
    """One analyte, the patients of one part, every day of the grid: what is known and what can have been.

    Attributes
    ----------
    low, high : (patients, days)
        The least and the greatest plausible value of each day at risk, in the canonical unit. Measured days
        hold the measured interval, short gaps their bounds, open days 0 and infinity (or the cap).
    measured, short_gap, open_day, capped : (patients, days)
        The states. `capped` days are unmeasured days with a cap (white cells without a differential); they
        are a short gap or open as well. A day not at risk is in none of the states.
    source_row : (patients, days)
        Row of the file behind a measured or a capped day, -1 elsewhere.
    dead : (patients, days)
        Days after death.
    """

    analyte: str
    first_day: int
    low: Grid
    high: Grid
    measured: Marks
    short_gap: Marks
    open_day: Marks
    capped: Marks
    cap: Grid | None
    lln: Grid | None
    source_row: NDArray[np.int32]
    dead: Marks

    def window(self, first_day: int, last_day: int) -> ScenarioGrid:
        """Return the same patients on the days `first_day` to `last_day`, both included."""
        days = slice(first_day - self.first_day, last_day - self.first_day + 1)
        return ScenarioGrid(
            analyte=self.analyte,
            first_day=first_day,
            low=self.low[:, days],
            high=self.high[:, days],
            measured=self.measured[:, days],
            short_gap=self.short_gap[:, days],
            open_day=self.open_day[:, days],
            capped=self.capped[:, days],
            cap=None if self.cap is None else self.cap[:, days],
            lln=None if self.lln is None else self.lln[:, days],
            source_row=self.source_row[:, days],
            dead=self.dead[:, days],
        )

    def until(self, last_day: NDArray[np.int32]) -> ScenarioGrid:
        """Return the same days without those after each patient's last day: they are not at risk."""
        days = np.arange(self.low.shape[1], dtype=np.int32) + np.int32(self.first_day)
        is_kept = np.less_equal(days[None, :], last_day[:, None])
        if is_kept.all():
            return self
        marks = ("measured", "short_gap", "open_day", "capped")
        return replace(self, **{name: getattr(self, name) & is_kept for name in marks})

    def judge_open_days(self) -> ScenarioGrid:
        """Return the same days with the open ones judged like those of short gaps, between no bounds."""
        nothing = np.zeros_like(self.open_day)
        return replace(self, short_gap=self.short_gap | self.open_day, open_day=nothing)

    @property
    def at_risk(self) -> Marks:
        """Days on which the patient is alive and in the course."""
        return self.measured | self.short_gap | self.open_day


def derive_scenarios(grid: DayGrid, rule: GapRule) -> ScenarioGrid:
    """Return the best and worst plausible value of every day at risk.

    Parameters
    ----------
    grid : DayGrid
        The patients of one part; it should reach `rule.longest` days beyond the window on both sides.
    rule : GapRule
        Of the analyte of the grid.
    """
    measured = grid.measured
    at_risk = grid.at_risk
    short_gap = inside_short_gap(measured, rule.longest) & at_risk
    open_day = at_risk & ~measured & ~short_gap
    capped = np.zeros_like(measured) if grid.cap is None else ~measured & at_risk & ~np.isnan(grid.cap)
    cap = None if grid.cap is None else np.where(capped, grid.cap, np.inf)
    low, high = bound_gaps(grid.low, grid.high, measured, rule=rule, cap=cap)
    return ScenarioGrid(
        analyte=grid.analyte,
        first_day=grid.first_day,
        low=low,
        high=high,
        measured=measured,
        short_gap=short_gap,
        open_day=open_day,
        capped=capped,
        cap=grid.cap,
        lln=grid.lln,
        source_row=grid.source_row
        if grid.cap_row is None
        else np.where(capped, grid.cap_row, grid.source_row).astype(np.int32),
        dead=grid.dead,
    )


def bound_gaps(
    low: Grid, high: Grid, measured: Marks, *, rule: GapRule, cap: Grid | None = None
) -> tuple[Grid, Grid]:
    """Return `low` and `high` with every unmeasured day bounded by the measurements around it.

    Parameters
    ----------
    low, high : (patients, days) float
        The measured intervals; ignored where `measured` is False.
    measured : (patients, days) bool
    rule : GapRule
    cap : (patients, days) float, optional
        The most that an unmeasured day can have been, infinity where nothing is known. A pair whose claim
        lies above the cap of a day between is refuted and claims nothing.

    Returns
    -------
    low, high : (patients, days) float
        Unchanged on measured days; 0 and infinity on days that no pair bounds.

    Notes
    -----
    The least value of a day is the greatest claim of all pairs (i before, j after, j - i <= longest), where
    the claim of a pair is min(low_i, low_j) / slack, if nothing measured between lies lower. The greatest
    value mirrors it.

    Examples
    --------
    >>> values = np.array([[1.2, np.nan, 1.2]])
    >>> rule = GapRule(slack=1.5, longest=8)
    >>> low, high = bound_gaps(values, values, ~np.isnan(values), rule=rule)
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([[1.2, 0.8, 1.2]], [[1.2, 1.8, 1.2]])
    """
    shrink = [1.0 / rule.slack_over(distance) for distance in range(rule.longest + 1)]
    stretch = [rule.slack_over(distance) for distance in range(rule.longest + 1)]
    floors, ceilings = np.where(measured, low, np.inf), np.where(measured, -high, np.inf)
    for start in range(0, len(measured), _ROWS):
        rows = slice(start, start + _ROWS)
        caps = None if cap is None else cap[rows]
        bounded = measured[rows]
        floor = np.maximum(_find_greatest(floors[rows], shrink, caps), 0.0)
        # Mirrored at zero, the ceilings are floors, and one function serves both.
        ceiling = -_find_greatest(ceilings[rows], stretch)
        if caps is not None:
            ceiling = np.minimum(ceiling, caps)
        floors[rows] = np.where(bounded, low[rows], floor)
        ceilings[rows] = np.where(bounded, high[rows], ceiling)
    return floors, ceilings


def _find_greatest(values: Grid, factors: Sequence[float], caps: Grid | None = None) -> Grid:
    """For each day the greatest claim of all pairs around it; minus infinity where there is none.

    Unmeasured cells of `values` hold infinity. A claim holds for all days of its pair, so what a pair of days
    says is handed down to the two pairs one day closer that make up its days.
    """
    width = values.shape[1]
    held = _find_claims(values, factors, caps)
    for distance in range(len(held) + 1, 2, -1):
        wide, close = held[distance - 2], held[distance - 3]
        np.maximum(close[:, :-1], wide, out=close[:, :-1])
        np.maximum(close[:, 1:], wide, out=close[:, 1:])
    greatest = np.full(values.shape, -np.inf)
    if held:
        greatest[:, 1 : width - 1] = held[0]
    return greatest


def _find_claims(values: Grid, factors: Sequence[float], caps: Grid | None) -> list[Grid]:
    """Claim of the pairs two, three and more days apart, by the first day; minus infinity without one."""
    width = values.shape[1]
    ends = np.where(values == np.inf, -np.inf, values)
    least = least_cap = np.full_like(values, np.inf)
    found: list[Grid] = []
    for distance in range(2, min(len(factors), width)):
        claim = np.minimum(ends[:, :-distance], ends[:, distance:])
        claim *= factors[distance]
        inner = slice(distance - 1, width - 1)
        least = np.minimum(least[:, : width - distance], values[:, inner])
        is_refuted = np.less(least, claim - _CLEAR * np.abs(claim))
        if caps is not None:
            least_cap = np.minimum(least_cap[:, : width - distance], caps[:, inner])
            is_refuted |= is_met(least_cap, "below", claim)
        claim[is_refuted] = -np.inf
        found.append(claim)
    return found
