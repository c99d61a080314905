"""The area under many ROC curves at once. Knows no patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["SortedScores", "measure_auc_batch", "sort_scores"]

Numbers = NDArray[np.float64]
Places = NDArray[np.intp]
Marks = NDArray[np.bool_]

# Numbers of one block.
BLOCK = 250_000


@dataclass(frozen=True, eq=False)
class SortedScores:
    """Scores in ascending order, for areas among several countings of the same rows.

    Attributes
    ----------
    order : (samples, rows) array of int
    is_first : (samples, rows) array of bool
        In that order: whether the score is above the one before.
    has_ties : (samples,) array of bool
    is_complete : (samples,) array of bool
        Whether no score is NaN.
    """

    order: Places
    is_first: Marks
    has_ties: Marks
    is_complete: Marks

    def measure_areas(self, event: Numbers, times: Numbers) -> Numbers:
        """Return the area of each sample, as `measure_auc_batch`."""
        yes, no = (self._arrange(times * side) for side in (event, 1.0 - event))
        after = np.cumsum(no, axis=1)
        won = np.einsum("bn,bn->b", yes, after)
        tied = np.flatnonzero(self.has_ties)
        if tied.size:
            won[tied] = _count_won(yes[tied], no[tied], after[tied], self.is_first[tied])
        # Whole numbers: the running count ends at the sum of all.
        pairs = yes.sum(axis=1) * after[:, -1]
        areas = np.full(len(won), np.nan)
        own = self.is_complete & (pairs > 0)
        areas[own] = won[own] / pairs[own]
        return areas

    def _arrange(self, table: Numbers) -> Numbers:
        if table.ndim == 1:
            return np.take(table, self.order)
        starts = self.order.shape[1] * np.arange(len(self.order), dtype=np.intp)
        places: Places = self.order + starts[:, np.newaxis]
        return np.take(table, places)


def sort_scores(scores: ArrayLike, *, tie: float = 0.0) -> SortedScores:
    """Return the order of the scores of every sample.

    Parameters
    ----------
    scores : (samples, rows) array of float
    tie : float
        Scores that follow each other by no more are a tie.

    Examples
    --------
    >>> sort_scores([[0.3, 0.1, 0.1]]).is_first
    array([[ True, False,  True]])
    """
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(values, axis=1)
    is_first = np.ones(values.shape, dtype=bool)
    ordered = np.take_along_axis(values, order, axis=1)
    # Infinite scores have no distance.
    is_first[:, 1:] = ordered[:, 1:] > ordered[:, :-1] + tie
    is_complete = ~np.isnan(ordered[:, -1]) if values.shape[1] else np.zeros(len(values), dtype=bool)
    return SortedScores(order, is_first, np.array(~is_first.all(axis=1)), np.array(is_complete))


def measure_auc_batch(scores: ArrayLike, event: ArrayLike, times: ArrayLike) -> Numbers:
    """Return the area under the ROC curve of each resample: pairs in which the event has the higher score.

    Parameters
    ----------
    scores : (resamples, rows) array of float
        Higher means the event. A resample with a NaN has no area.
    event : (rows,) or (resamples, rows) array of 0 and 1
    times : (rows,) or (resamples, rows) array of int
        How often each row stands in each resample.

    Returns
    -------
    (resamples,) array of float
        Ties count half. NaN where nobody or everybody has the event.

    Notes
    -----
    Equal to `estimate_roc(...).auc` on the rows of each resample, and to `C` of R's `Hmisc::somers2`.

    Examples
    --------
    >>> measure_auc_batch([[0.1, 0.4, 0.4, 0.8]], [0, 0, 1, 1], [1, 1, 1, 1])
    array([0.875])
    """
    values = np.asarray(scores, dtype=np.float64)
    marks = np.broadcast_to(np.asarray(event, dtype=np.float64), values.shape)
    counts = np.broadcast_to(np.asarray(times, dtype=np.float64), values.shape)
    areas = np.full(values.shape[0], np.nan)
    size = max(1, BLOCK // max(1, values.shape[1]))
    for start in range(0, values.shape[0], size):
        part = slice(start, start + size)
        areas[part] = sort_scores(values[part]).measure_areas(marks[part], counts[part])
    return areas


def _count_won(yes: Numbers, no: Numbers, after: Numbers, is_first: Marks) -> Numbers:
    """Pairs won where scores tie: those with lower scores, and half of those with the same."""
    is_last = np.ones(is_first.shape, dtype=bool)
    is_last[:, :-1] = is_first[:, 1:]
    # Running counts never fall, so the nearest marked one is the largest before or the smallest after.
    below = np.maximum.accumulate(np.where(is_first, after - no, 0.0), axis=1)
    up_to = np.minimum.accumulate(np.where(is_last, after, np.inf)[:, ::-1], axis=1)[:, ::-1]
    return (yes * (below + up_to) / 2.0).sum(axis=1)
