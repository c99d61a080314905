"""What an unmeasured day can have been.

Two measurements at most `longest` days apart vouch for the days between them: none of those lies lower than
the lower of the two divided by the slack, or higher than the higher times the slack, unless one was measured
beyond that. Every such pair counts, not only the two nearest, because only then can a further measurement
never widen what was known (`docs/decisions.md`, "Bounds of an unmeasured day").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cytopenia.grading.cuts import is_met
from cytopenia.grading.day_grid import DayGrid
from cytopenia.grading.runs import inside_short_gap

__all__ = ["ScenarioGrid", "bound_gaps", "derive_scenarios"]

Grid = NDArray[np.float64]
Marks = NDArray[np.bool_]

# So many patients that the claims of all distances stay in the cache: three times as fast as thousands.
_ROWS_AT_ONCE = 96


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


def derive_scenarios(grid: DayGrid, *, slack: float, longest: int) -> ScenarioGrid:
    """Return the best and worst plausible value of every day at risk.

    Parameters
    ----------
    grid : DayGrid
        The patients of one part; it should reach `longest` days beyond the window on both sides.
    slack : float
        At least 1; the factor by which a day between two measurements may lie beyond them.
    longest : int
        The greatest distance, in days, between two measurements that vouch for the days between.
    """
    measured = grid.measured
    at_risk = grid.at_risk
    short_gap = inside_short_gap(measured, longest) & at_risk
    open_day = at_risk & ~measured & ~short_gap
    capped = np.zeros_like(measured) if grid.cap is None else ~measured & at_risk & ~np.isnan(grid.cap)
    cap = None if grid.cap is None else np.where(capped, grid.cap, np.inf)
    low, high = bound_gaps(grid.low, grid.high, measured, slack=slack, longest=longest, cap=cap)
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
    low: Grid, high: Grid, measured: Marks, *, slack: float, longest: int, cap: Grid | None = None
) -> tuple[Grid, Grid]:
    """Return `low` and `high` with every unmeasured day bounded by the measurements around it.

    Parameters
    ----------
    low, high : (patients, days) float
        The measured intervals; ignored where `measured` is False.
    measured : (patients, days) bool
    slack : float
        At least 1.
    longest : int
        Two measurements at most this many days apart bound the days between them.
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
    the claim of a pair is min(low_i / slack, low_j / slack, every low measured between). The greatest value
    mirrors it. The claim splits into a part of each side, so seven steps per side do the work of all pairs.

    Examples
    --------
    >>> values = np.array([[1.2, np.nan, 1.2]])
    >>> low, high = bound_gaps(values, values, ~np.isnan(values), slack=1.5, longest=8)
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([[1.2, 0.8, 1.2]], [[1.2, 1.8, 1.2]])
    """
    in_gap = inside_short_gap(measured, longest)
    bounded_low = np.where(measured, low, 0.0)
    bounded_high = np.where(measured, high, np.inf)
    for start in range(0, measured.shape[0], _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        if not in_gap[rows].any():
            continue
        least, greatest = _claim_gaps(
            np.where(measured[rows], low[rows], np.inf),
            np.where(measured[rows], -high[rows], np.inf),
            None if cap is None else cap[rows],
            slack=slack,
            longest=longest,
        )
        np.copyto(bounded_low[rows], least, where=in_gap[rows])
        np.copyto(bounded_high[rows], greatest, where=in_gap[rows])
    if cap is not None:
        bounded_high = np.where(measured, bounded_high, np.minimum(bounded_high, cap))
    return bounded_low, bounded_high


def _claim_gaps(
    floors: Grid, ceilings: Grid, cap: Grid | None, *, slack: float, longest: int
) -> tuple[Grid, Grid]:
    """Least and greatest value of every day of a gap; mirrored at zero, the ceilings are floors."""
    line = _Line(floors.shape, longest)
    if cap is None:
        least = _greatest_claim(line.lay(floors), line, 1.0 / slack)
    else:
        least = _greatest_claim_under(line.lay(floors), line.lay(cap), line, 1.0 / slack)
    return line.grid(least), -line.grid(_greatest_claim(line.lay(ceilings), line, slack))


class _Line:
    """A grid laid out as one line, row after row, with room between the rows.

    The days around all days at once are then the same line, read from a few places further on.
    """

    def __init__(self, shape: tuple[int, ...], longest: int) -> None:
        self.longest = longest
        self.room = longest - 1
        self.shape = shape
        self.size = shape[0] * (shape[1] + self.room)

    def lay(self, values: Grid) -> Grid:
        """Return the line of a grid, infinity in the room before, between and after the rows."""
        line = np.full(self.size + 2 * self.room, np.inf)
        rows = line[self.room : self.room + self.size].reshape(self.shape[0], self.shape[1] + self.room)
        rows[:, : self.shape[1]] = values
        return line

    def around(self, line: Grid, days: int) -> Grid:
        """Return, for each place, what stands that many days later; the line itself for 0."""
        return line[self.room + days : self.room + days + self.size]

    def grid(self, found: Grid) -> Grid:
        """Return what was found for each place as a grid."""
        return found.reshape(self.shape[0], self.shape[1] + self.room)[:, : self.shape[1]]


def _greatest_claim(values: Grid, line: _Line, factor: float) -> Grid:
    """For each day the greatest claim over all pairs; unmeasured days of `values` hold infinity."""
    reach = line.longest
    after = _claims_of_side(values, line, factor, 1)
    # The best claim within each distance after the day, built up in place.
    for nearer, farther in pairwise(after):
        np.maximum(nearer, farther, out=farther)
    greatest = np.full(line.size, -np.inf)
    for distance, claim in enumerate(_claims_of_side(values, line, factor, -1), start=1):
        np.minimum(claim, after[reach - distance - 1], out=claim)
        np.maximum(greatest, claim, out=greatest)
    return greatest


def _greatest_claim_under(values: Grid, caps: Grid, line: _Line, factor: float) -> Grid:
    """The same where caps refute claims: pair by pair, because a refuted pair must not hide a lesser one."""
    before, after = (_claims_of_side(values, line, factor, side) for side in (-1, 1))
    caps_before, caps_after = (_caps_of_side(caps, line, side) for side in (-1, 1))
    greatest = np.zeros(line.size)
    for left, (claim_before, cap_before) in enumerate(zip(before, caps_before, strict=True), start=1):
        for claim_after, cap_after in zip(after[: line.longest - left], caps_after, strict=False):
            claim = np.minimum(claim_before, claim_after)
            claim[is_met(np.minimum(cap_before, cap_after), "below", claim)] = 0.0
            np.maximum(greatest, claim, out=greatest)
    return greatest


def _caps_of_side(caps: Grid, line: _Line, side: int) -> list[Grid]:
    """Least cap of the gap day and of the days between it and the measurement at each distance."""
    least = line.around(caps, 0)
    found: list[Grid] = []
    for distance in range(1, line.longest):
        found.append(least)
        least = np.minimum(least, line.around(caps, side * distance))
    return found


def _claims_of_side(values: Grid, line: _Line, factor: float, side: int) -> list[Grid]:
    """Claim of the measurement at each distance to one side; minus infinity where nothing was measured."""
    moved = np.where(values == np.inf, -np.inf, values * factor)
    nearer = np.full(line.size, np.inf)
    claims: list[Grid] = []
    for distance in range(1, line.longest):
        claims.append(np.minimum(line.around(moved, side * distance), nearer))
        np.minimum(nearer, line.around(values, side * distance), out=nearer)
    return claims
