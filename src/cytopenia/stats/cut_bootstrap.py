"""Youden's cut told honestly: how much it moves from resample to resample, and what it does in others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.accuracy import MEASURES, Measure, divide_counts, estimate_accuracy
from cytopenia.stats.cut_resamples import (
    CutBatch,
    Draws,
    SortedRows,
    find_batch_cuts,
    join_batches,
    plan_draws,
    sort_rows,
)
from cytopenia.stats.resamples import count_rows
from cytopenia.stats.roc import RocCurve, estimate_roc, require_complete

__all__ = ["Corrected", "CutBootstrap", "Resampling", "bootstrap_cut"]

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]
Progress = Callable[[int, int], None]

# Rows x resamples of one block; about ten arrays of eight bytes each are held at once.
CELLS_AT_ONCE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Resampling:
    """How to resample.

    Attributes
    ----------
    resamples, seed : int
        From 1 on. The same seed gives the same numbers, whatever `cells` is.
    again : int
        Resamples drawn of each resample, for the intervals of the corrected numbers; with 0 there are none.
    is_stratified : bool
        Draw as many events and others as there are. Without it the number of events varies, as it does from
        cohort to cohort; resamples with one class only are counted and left out.
    level : float
        Of all intervals.
    cells : int
        Rows times resamples held at once.
    """

    resamples: int
    seed: int
    again: int = 30
    is_stratified: bool = False
    level: float = 0.95
    cells: int = CELLS_AT_ONCE

    def __post_init__(self) -> None:
        least = {"resamples": 1, "seed": 0, "again": 0, "cells": 1}
        given = {name: int(getattr(self, name)) for name in least}
        wrong = [f"{name}: {given[name]} is below {low}" for name, low in least.items() if given[name] < low]
        if not 0 < self.level < 1:
            wrong.append(f"level: {self.level:g} is not between 0 and 1")
        if wrong:
            raise DataError("; ".join(wrong))


@dataclass(frozen=True)
class Corrected:
    """One number corrected for the choice of the cut; None where not estimable.

    Attributes
    ----------
    value : float or None
    low, high : float or None
        Limits that know that the cut was chosen; None for out-of-bag means, and if no resamples of resamples
        were asked for.
    resamples : int
        Resamples in which the number exists outside.
    status, note : str
        `ok` or `not_estimable`; why.
    """

    value: float | None
    low: float | None
    high: float | None
    resamples: int
    status: str
    note: str


@dataclass(frozen=True, eq=False)
class CutBootstrap:
    """The bootstrap of a cut; None and empty where not estimable.

    Attributes
    ----------
    curve : RocCurve
        The curve of all rows with its cut.
    apparent : mapping of str to Measure
        Sensitivity, specificity, predictive values and Youden's index in the rows that chose the cut, with
        intervals by Wilson that take the cut as given.
    outside : mapping of str to Corrected
        Out-of-bag means: the same numbers at the resamples' cuts, among the rows that were not drawn.
    corrected : mapping of str to Corrected
        The same numbers at the cut of all rows, with the Youden index of `outside`.
    cut_low, cut_median, cut_high : float or None
        Percentiles (R type 7) of the cuts found in the resamples.
    cuts, times : array of float, array of int
        Each cut that was found, ascending, and in how many resamples.
    resamples, one_class, without_cut : int
        Resamples drawn; of these, with one class only; of the others, with no cut better than chance.
    is_stratified : bool
    level : float
        Of all intervals.
    status, note : str
        `ok` or `not_estimable`; why.
    """

    curve: RocCurve
    apparent: Mapping[str, Measure]
    outside: Mapping[str, Corrected]
    corrected: Mapping[str, Corrected]
    cut_low: float | None
    cut_median: float | None
    cut_high: float | None
    cuts: Numbers
    times: Counts
    resamples: int
    one_class: int
    without_cut: int
    is_stratified: bool
    level: float
    status: str
    note: str


@dataclass
class _Collected:
    """What the blocks found: the resamples, and the errors of the corrected numbers in each of them."""

    batches: list[CutBatch] = field(default_factory=list[CutBatch])
    errors: list[Numbers] = field(default_factory=list[Numbers])


def bootstrap_cut(
    values: ArrayLike,
    event: ArrayLike,
    *,
    high_means_event: bool,
    how: Resampling,
    progress: Progress | None = None,
) -> CutBootstrap:
    """Return the distribution of Youden's cut over resamples, and its performance outside of them.

    Parameters
    ----------
    values : array of float
    event : array of 0 and 1
        NaN in either is missing; the row is left out and counted.
    high_means_event : bool
        The direction, as in `estimate_roc`; never chosen from the data.
    how : Resampling
    progress : callable, optional
        Called with the resamples done and all resamples.

    Returns
    -------
    CutBootstrap
        Not estimable: no curve, no cut better than chance, or no resample with a cut. A resample's cut is
        found by the rule of `estimate_roc`; those without a cut take no part in the numbers.

    Raises
    ------
    DataError
        As `estimate_roc`.

    Notes
    -----
    The corrected Youden index is the mean over resamples of that among the rows not drawn (out of bag): in
    binormal data of 60 rows, 21 with the event, it is within 0.012 of the true one of the cut, where the
    optimism bootstrap is 0.04 to 0.05 and the .632+ rule 0.01 to 0.03 too high. Out-of-bag sensitivity and
    specificity are those of cuts chosen anew, which lie elsewhere; the corrected ones stay at the cut of all
    rows: what the Youden index is too high is taken from both, in parts as the inverse of the sizes of the
    classes. Intervals: every resample is taken for the data, its corrected numbers come from `again`
    resamples of it (a row is outside if no copy of it was drawn), its true ones from all rows; the spread of
    the differences is laid about the corrected numbers. Cuts and out-of-bag numbers are those of cutpointr
    1.1 (`maximize_metric`, `youden`, `use_midpoints = TRUE`, ties by `c`) for the same resamples.

    References
    ----------
    Efron and Tibshirani, Journal of the American Statistical Association 1997;92:548-560.
    Thiele and Hirschfeld, Journal of Statistical Software 2021;98(11). DOI 10.18637/jss.v098.i11.

    Examples
    --------
    >>> found = bootstrap_cut(
    ...     range(40),
    ...     [0] * 15 + [1, 0] * 5 + [1] * 15,
    ...     high_means_event=True,
    ...     how=Resampling(resamples=500, seed=1),
    ... )
    >>> found.curve.cut, found.cut_low <= found.curve.cut <= found.cut_high
    (14.5, True)
    >>> found.corrected["youden"].value < found.apparent["youden"].value
    True
    """
    curve = estimate_roc(values, event, high_means_event=high_means_event, level=how.level)
    number, has_event, _ = require_complete(values, event)
    found = _start(curve, how)
    if curve.status != "ok" or curve.cut is None:
        return replace(found, note=curve.note)
    rows = sort_rows(number, has_event, high_means_event=high_means_event)
    collected = _collect(rows, how, progress)
    batch = join_batches(collected.batches)
    found = replace(
        found, apparent=estimate_accuracy(_count_at_cut(curve), level=how.level), **_count_failures(batch)
    )
    known = batch.cut[~np.isnan(batch.cut)]
    if not known.size:
        return replace(found, note="no resample has a cut that does better than chance")
    tail = (1 - how.level) / 2
    low, median, high = (float(q) for q in np.quantile(known, [tail, 0.5, 1 - tail]))
    cuts, times = np.unique(known, return_counts=True)
    return replace(
        found,
        cut_low=low,
        cut_median=median,
        cut_high=high,
        cuts=_freeze(cuts),
        times=_freeze(times),
        **_correct(batch, collected.errors, found),
        status="ok",
    )


def _start(curve: RocCurve, how: Resampling) -> CutBootstrap:
    """The bootstrap before it is done."""
    return CutBootstrap(
        curve=curve,
        apparent={},
        outside={},
        corrected={},
        cut_low=None,
        cut_median=None,
        cut_high=None,
        cuts=_freeze(np.empty(0)),
        times=_freeze(np.empty(0, dtype=np.int64)),
        resamples=how.resamples,
        one_class=0,
        without_cut=0,
        is_stratified=how.is_stratified,
        level=how.level,
        status="not_estimable",
        note="",
    )


def _collect(rows: SortedRows, how: Resampling, progress: Progress | None) -> _Collected:
    draws = plan_draws(rows, seed=how.seed, is_stratified=how.is_stratified)
    collected = _Collected()
    for done, size in _list_blocks(how, rows.values.size):
        drawn = draws.draw(size)
        batch = find_batch_cuts(rows, drawn)
        collected.batches.append(batch)
        if how.again:
            youden = _average(_repeat(rows, draws, drawn, how))[0][:, -1]
            placed = _place_at_cut(batch.inside, youden)
            collected.errors.append(placed - divide_counts(batch.whole))
        if progress is not None:
            progress(done + size, how.resamples)
    return collected


def _repeat(rows: SortedRows, draws: Draws, drawn: Counts, how: Resampling) -> Numbers:
    """The numbers outside of resamples of each resample: again by resamples by numbers."""
    times = count_rows(drawn, rows.values.size)
    at_once = max(1, how.cells // drawn.size)
    found: list[Numbers] = []
    for start in range(0, how.again, at_once):
        count = min(at_once, how.again - start)
        weights = np.repeat(times, count, axis=0)
        inner = find_batch_cuts(rows, draws.draw_again(drawn, count), weights=weights)
        found.append(divide_counts(inner.outside).reshape(drawn.shape[0], count, len(MEASURES)))
    return np.concatenate(found, axis=1).transpose(1, 0, 2)


def _list_blocks(how: Resampling, n: int) -> Iterator[tuple[int, int]]:
    """Resamples done before each block, and its size."""
    size = max(1, how.cells // (n * max(1, how.again)))
    for start in range(0, how.resamples, size):
        yield start, min(size, how.resamples - start)


def _count_at_cut(curve: RocCurve) -> Counts:
    hits = round((curve.cut_sensitivity or 0.0) * curve.events)
    refusals = round((curve.cut_specificity or 0.0) * curve.non_events)
    return np.array([hits, curve.events - hits, refusals, curve.non_events - refusals], dtype=np.int64)


def _count_failures(batch: CutBatch) -> dict[str, int]:
    one_class = int(batch.has_one_class.sum())
    return {"one_class": one_class, "without_cut": int(np.isnan(batch.cut).sum()) - one_class}


def _correct(
    batch: CutBatch, errors: list[Numbers], found: CutBootstrap
) -> dict[str, Mapping[str, Corrected]]:
    """Out-of-bag means, and the numbers at the cut of all rows."""
    means, counts = _average(divide_counts(batch.outside))
    outside = {
        name: _limit(float(means[place]), int(counts[place]), np.empty(0), _Range(name, found.level))
        for place, name in enumerate(MEASURES)
    }
    placed = _place_at_cut(_count_at_cut(found.curve), means[-1])
    spread = np.concatenate(errors) if errors else np.empty((0, len(MEASURES)))
    corrected = {
        name: _limit(float(placed[place]), int(counts[-1]), spread[:, place], _Range(name, found.level))
        for place, name in enumerate(MEASURES)
    }
    return {"outside": outside, "corrected": corrected}


def _place_at_cut(counts: Counts, youden: Numbers) -> Numbers:
    """The five numbers of each table, after what its Youden index is too high has been taken from it.

    The smaller of both classes has the larger part of the optimism: its share varies more. Each part is as
    the inverse of the size of the class.
    """
    events, others = counts[..., 0] + counts[..., 1], counts[..., 2] + counts[..., 3]
    everybody = np.maximum(events + others, 1)
    apparent = divide_counts(counts)
    excess = apparent[..., -1] - youden
    sensitivity = np.clip(apparent[..., 0] - excess * others / everybody, 0, 1)
    specificity = np.clip(apparent[..., 1] - excess * events / everybody, 0, 1)
    shares = (
        events * sensitivity,
        events * (1 - sensitivity),
        others * specificity,
        others * (1 - specificity),
    )
    placed = divide_counts(np.stack(shares, axis=-1))
    placed[..., -1] = youden
    return placed


def _average(numbers: Numbers) -> tuple[Numbers, Counts]:
    """Mean over the first axis of what is known, NaN where nothing is, and how many are known."""
    is_known = ~np.isnan(numbers)
    counts = np.asarray(is_known.sum(axis=0), dtype=np.int64)
    sums = np.sum(np.where(is_known, numbers, 0.0), axis=0, dtype=np.float64)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan), counts


@dataclass(frozen=True)
class _Range:
    """What limits of a number there can be."""

    name: str
    level: float

    @property
    def least(self) -> float:
        return -1.0 if self.name == "youden" else 0.0


def _limit(value: float, resamples: int, errors: Numbers, within: _Range) -> Corrected:
    """The corrected number with the spread of its errors laid about it."""
    if not resamples or np.isnan(value):
        note = "no resample leaves out the patients that it needs"
        return Corrected(None, None, None, resamples, "not_estimable", note)
    known = errors[~np.isnan(errors)]
    if not known.size:
        return Corrected(value, None, None, resamples, "ok", "")
    tail = (1 - within.level) / 2
    # An error that the resamples have on average is no property of the data: only the spread is used.
    below, above = np.quantile(known, [1 - tail, tail]) - known.mean()
    low, high = max(within.least, value - float(below)), min(1.0, value - float(above))
    return Corrected(value, low, high, resamples, "ok", "")


def _freeze(numbers: Any) -> Any:
    numbers.setflags(write=False)
    return numbers
