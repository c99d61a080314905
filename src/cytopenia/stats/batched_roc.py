"""The area under many ROC curves at once. Knows no patients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["measure_auc_batch"]

Numbers = NDArray[np.float64]

# Numbers of one block.
BLOCK = 4_000_000


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
        areas[part] = _measure_block(
            values[part], counts[part] * marks[part], counts[part] * (1.0 - marks[part])
        )
    return areas


def _measure_block(values: Numbers, yes: Numbers, no: Numbers) -> Numbers:
    order = np.argsort(values, axis=1, kind="stable")
    values, yes, no = (np.take_along_axis(table, order, axis=1) for table in (values, yes, no))
    after = np.cumsum(no, axis=1)
    is_first = np.ones(values.shape, dtype=bool)
    is_first[:, 1:] = values[:, 1:] != values[:, :-1]
    is_last = np.ones(values.shape, dtype=bool)
    is_last[:, :-1] = is_first[:, 1:]
    # Running counts never fall, so the nearest marked one is the largest before or the smallest after.
    below = np.maximum.accumulate(np.where(is_first, after - no, 0.0), axis=1)
    up_to = np.minimum.accumulate(np.where(is_last, after, np.inf)[:, ::-1], axis=1)[:, ::-1]
    pairs = yes.sum(axis=1) * no.sum(axis=1)
    won = (yes * (below + up_to) / 2.0).sum(axis=1)
    is_measured = (pairs > 0) & ~np.isnan(values).any(axis=1)
    return np.where(is_measured, won / np.where(pairs > 0, pairs, 1.0), np.nan)
