"""Youden's cut in many resamples at once: which cut each finds, and how it does inside and outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.stats.resamples import count_rows

__all__ = [
    "CutBatch",
    "Draws",
    "SortedRows",
    "divide_rows",
    "find_batch_cuts",
    "find_counted_cuts",
    "join_batches",
    "plan_draws",
    "sort_rows",
]

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]
Marks = NDArray[np.bool_]

# The middle of two printed numbers may miss a third printed number by its last bits.
LAST_BITS = 4.0


@dataclass(frozen=True, eq=False)
class SortedRows:
    """Complete rows in ascending order of their values, and where each distinct value ends."""

    values: Numbers
    has_event: Marks
    ends: Counts
    high_means_event: bool


@dataclass(frozen=True, eq=False)
class CutBatch:
    """What each resample found; one row per resample.

    Attributes
    ----------
    cut : array of float
        NaN where no cut does better than chance or only one class was drawn.
    has_one_class : array of bool
    inside, outside, whole : array of int, resamples by 4
        True positives, false negatives, true negatives, false positives at the resample's own cut: among the
        rows drawn, as often as drawn; among the rows not drawn; and among all rows. Zeros where there is no
        cut.
    """

    cut: Numbers
    has_one_class: Marks
    inside: Counts
    outside: Counts
    whole: Counts


@dataclass(frozen=True, eq=False)
class _Found:
    """The cut of each resample, and the sums below each threshold that it was chosen by."""

    cut: Numbers
    has_one_class: Marks
    place: Counts
    yes: Counts
    no: Counts


def sort_rows(values: Numbers, has_event: Marks, *, high_means_event: bool) -> SortedRows:
    """Return complete rows in the order of their values."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), ordered.size - 1)
    return SortedRows(ordered, has_event[order], ends, high_means_event)


@dataclass(frozen=True, eq=False)
class Draws:
    """Draws rows with replacement, and again from what was drawn; the size of a block changes no draw.

    Attributes
    ----------
    pool : array of int
        Rows, those of one class after those of the other where draws are stratified.
    sizes : tuple of int
        How many of the pool belong together.
    first, second : tuple of Generator
        Of the draws from the rows and of those from resamples; one for each size.
    """

    pool: Counts
    sizes: tuple[int, ...]
    first: tuple[np.random.Generator, ...]
    second: tuple[np.random.Generator, ...]

    def draw(self, resamples: int) -> Counts:
        """Return resamples by rows: places in the sorted rows."""
        return self.pool[self._pick(self.first, (resamples,))]

    def draw_again(self, drawn: Counts, times: int) -> Counts:
        """Return each resample drawn from so many times: (resamples x times) by rows."""
        places = self._pick(self.second, (drawn.shape[0], times))
        again = np.take_along_axis(drawn[:, np.newaxis, :], places, axis=2)
        return again.reshape(-1, drawn.shape[1])

    def _pick(self, generators: tuple[np.random.Generator, ...], shape: tuple[int, ...]) -> Counts:
        starts = np.cumsum((0, *self.sizes))
        parts = [
            start + generator.integers(0, size, size=(*shape, size))
            for start, size, generator in zip(starts, self.sizes, generators, strict=False)
        ]
        return np.concatenate(parts, axis=-1)


def plan_draws(rows: SortedRows, *, seed: int, is_stratified: bool) -> Draws:
    """Return how rows are drawn: from all, or as many events and others as there are."""
    events, others = np.flatnonzero(rows.has_event), np.flatnonzero(~rows.has_event)
    pools = (events, others) if is_stratified else (np.arange(rows.values.size),)
    stages = np.random.SeedSequence(seed).spawn(2)
    first, second = (tuple(map(np.random.default_rng, stage.spawn(len(pools)))) for stage in stages)
    return Draws(np.concatenate(pools), tuple(pool.size for pool in pools), first, second)


def find_batch_cuts(rows: SortedRows, drawn: Counts, *, weights: Counts | None = None) -> CutBatch:
    """Return the cut of each resample by the rule of `estimate_roc`, and the counts at it.

    Parameters
    ----------
    rows : SortedRows
    drawn : array of int, resamples by draws
        Places in `rows`.
    weights : array of int, resamples by rows, optional
        How often each row counts outside and in the whole; once if not given.

    Returns
    -------
    CutBatch
    """
    times = count_rows(drawn, rows.values.size)
    found = _find_cuts(rows, times)
    has_cut = ~np.isnan(found.cut)
    inside = _count_at(found.yes, found.no, found.place, rows.high_means_event)
    everybody = np.ones_like(times) if weights is None else weights
    # A row that was not drawn may lie between the two values whose middle is the cut.
    edge = np.where(has_cut, found.cut, rows.values[0])
    below = np.searchsorted(rows.values, _lower(edge), side="left")
    outside = _count_sides(rows, everybody * (times == 0), below)
    whole = _count_sides(rows, everybody, below)
    for counts in (inside, outside, whole):
        counts[~has_cut] = 0
    return CutBatch(found.cut, found.has_one_class, inside, outside, whole)


def find_counted_cuts(rows: SortedRows, times: Counts) -> Numbers:
    """Return the cut of each resample of which is known how often each row was drawn.

    Parameters
    ----------
    rows : SortedRows
    times : array of int, resamples by rows
        In the order of `rows`.

    Returns
    -------
    array of float
        As `find_batch_cuts`: NaN where no cut does better than chance or only one class was drawn.

    Examples
    --------
    >>> rows = sort_rows(np.array([1.0, 2.0, 3.0]), np.array([False, True, True]), high_means_event=True)
    >>> find_counted_cuts(rows, np.array([[1, 1, 1], [1, 0, 2], [0, 1, 2]]))
    array([1.5, 2. , nan])
    """
    return _find_cuts(rows, times).cut


def divide_rows(values: Numbers, cut: Numbers) -> Marks:
    """Return which values lie at or above each cut, cuts by values; nobody where there is no cut.

    Examples
    --------
    >>> divide_rows(np.array([1.0, 1.5, 3.0]), np.array([1.5, np.nan]))
    array([[False,  True,  True],
           [False, False, False]])
    """
    return values >= _lower(cut)[:, np.newaxis]


def _lower(cut: Numbers) -> Numbers:
    return cut - LAST_BITS * np.spacing(np.abs(cut))


def _find_cuts(rows: SortedRows, times: Counts) -> _Found:
    yes = _accumulate(times * rows.has_event, rows.ends)
    no = _accumulate(times * ~rows.has_event, rows.ends)
    place, is_better = _choose_places(yes, no, rows.high_means_event)
    has_one_class = (yes[:, -1] == 0) | (no[:, -1] == 0)
    lower, upper = _find_neighbors(_accumulate(times, rows.ends), place)
    distinct = rows.values[rows.ends]
    middle = distinct[lower] / 2 + distinct[upper] / 2
    return _Found(np.where(is_better & ~has_one_class, middle, np.nan), has_one_class, place, yes, no)


def join_batches(batches: list[CutBatch]) -> CutBatch:
    """Return blocks of resamples as one."""
    return CutBatch(
        np.concatenate([batch.cut for batch in batches]),
        np.concatenate([batch.has_one_class for batch in batches]),
        np.concatenate([batch.inside for batch in batches]),
        np.concatenate([batch.outside for batch in batches]),
        np.concatenate([batch.whole for batch in batches]),
    )


def _accumulate(counts: NDArray[np.integer] | Marks, ends: Counts) -> Counts:
    """Sums below each threshold: none below the first, everything below the last."""
    sums = np.zeros((counts.shape[0], ends.size + 1), dtype=np.int64)
    if ends.size == counts.shape[1]:
        np.cumsum(counts, axis=1, out=sums[:, 1:])
    else:
        sums[:, 1:] = np.cumsum(counts, axis=1, dtype=np.int64)[:, ends]
    return sums


def _choose_places(yes: Counts, no: Counts, high_means_event: bool) -> tuple[Counts, Marks]:
    """The threshold with the largest Youden index; of several the one with the highest sensitivity.

    Sensitivity falls along the thresholds where high values mean the event, so the first of several is it,
    and else the last. Places between two values of which neither was drawn repeat their neighbor's counts.
    """
    gain = yes[:, -1:] * no - yes * no[:, -1:]
    if high_means_event:
        place = np.argmax(gain, axis=1)
    else:
        gain = -gain
        place = gain.shape[1] - 1 - np.argmax(gain[:, ::-1], axis=1)
    return place, np.take_along_axis(gain, place[:, np.newaxis], axis=1)[:, 0] > 0


def _find_neighbors(drawn_below: Counts, place: Counts) -> tuple[Counts, Counts]:
    """The distinct values, among those drawn, next below and above a threshold."""
    at = np.take_along_axis(drawn_below, place[:, np.newaxis], axis=1)
    # Sums first reach what lies below the threshold at the value below it, and first exceed it above.
    reached = np.argmax(drawn_below >= at, axis=1) - 1
    exceeded = np.argmax(drawn_below > at, axis=1) - 1
    return np.maximum(reached, 0), np.maximum(exceeded, 0)


def _count_sides(rows: SortedRows, weights: Counts, below: Counts) -> Counts:
    """The four counts of weighted rows at the threshold above the first `below` of them."""
    every = np.arange(rows.values.size)
    yes, no = _accumulate(weights * rows.has_event, every), _accumulate(weights * ~rows.has_event, every)
    return _count_at(yes, no, below, rows.high_means_event)


def _count_at(yes: Counts, no: Counts, place: Counts, high_means_event: bool) -> Counts:
    """True positives, false negatives, true negatives, false positives at one threshold of each resample."""
    at = place[:, np.newaxis]
    yes_below = np.take_along_axis(yes, at, axis=1)[:, 0]
    no_below = np.take_along_axis(no, at, axis=1)[:, 0]
    yes_above, no_above = yes[:, -1] - yes_below, no[:, -1] - no_below
    sides = (yes_above, yes_below, no_below, no_above)
    return np.stack(sides if high_means_event else (yes_below, yes_above, no_above, no_below), axis=1)
