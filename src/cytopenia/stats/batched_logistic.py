"""Many logistic regressions at once: one model on many resamples. Knows no patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError, suggest_name
from cytopenia.stats.batched_climb import FitBlock, find_start, fit_block, measure_errors
from cytopenia.stats.batched_designs import BatchedDesign, SharedDesign, StackedDesign, merge_rows

__all__ = ["BatchFit", "fit_lines_batch", "fit_logistic_batch", "predict_batch"]

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]

METHODS = ("maximum_likelihood", "firth")
# Numbers of one block; more do not stay in the processor's own memory.
BLOCK = 250_000


@dataclass(frozen=True, eq=False)
class BatchFit:
    """Logistic regressions of one event on the same columns, one for each resample.

    Attributes
    ----------
    coefficients : (resamples, 1 + columns) array of float
        The intercept first, per unit of the column; 0 for a column that was not chosen. All NaN where there
        is no fit.
    standard_errors : (resamples, columns) array of float
        Without the intercept; NaN for a column that was not chosen.
    is_fitted : (resamples,) array of bool
        False: nobody or everybody with the event, chosen columns that are constant or repeat each other,
        or no finite estimate (separation).
    """

    coefficients: Numbers
    standard_errors: Numbers
    is_fitted: Marks


def fit_logistic_batch(
    design: ArrayLike,
    event: ArrayLike,
    times: ArrayLike,
    *,
    method: str,
    chosen: ArrayLike | None = None,
    include_errors: bool = True,
) -> BatchFit:
    """Return the logistic regression of an event on columns in many resamples; intercepts are added.

    Parameters
    ----------
    design : (rows, columns) or (resamples, rows, columns) array of float
        Complete; the second form where the columns differ from resample to resample.
    event : (rows,) or (resamples, rows) array of 0 and 1
    times : (resamples, rows) array of int
        How often each row stands in each resample; 0 is left out.
    method : {"maximum_likelihood", "firth"}
    chosen : (resamples, columns) array of bool, optional
        Which columns a resample's model has; all if None.
    include_errors : bool
        False: all standard errors are NaN, for speed.

    Returns
    -------
    BatchFit

    Raises
    ------
    DataError
        Shapes do not fit, a number is missing or infinite, the event is not 0 or 1, a count is negative, or
        the method is unknown.

    Notes
    -----
    Newton's method with step halving, all resamples in one go; equal to `fit_logistic` on the rows of each
    resample to 1e-7. Firth's leverages are those of the repeated rows, and the second derivatives are those
    of the penalized likelihood.

    Examples
    --------
    >>> design, event = np.array([[1.0], [2.0], [3.0], [4.0], [5.0]]), np.array([0, 1, 0, 1, 1])
    >>> fit = fit_logistic_batch(design, event, np.array([[1, 1, 1, 1, 1], [2, 0, 0, 1, 2]]), method="firth")
    >>> fit.coefficients.round(3)
    array([[-1.452,  0.602],
           [-2.525,  0.96 ]])
    """
    columns, marks, counts, mask = _require_batch(design, event, times, method, chosen)
    center, spread = _measure_columns(columns)
    merged = merge_rows(columns, marks, counts)
    if merged is not None:
        columns, marks, counts = merged.columns[np.newaxis], merged.event[np.newaxis], merged.times
    inside = np.concatenate([np.ones((counts.shape[0], 1)), mask], axis=1)
    whole = FitBlock(_make_design(columns, center, spread), marks, counts, inside, method == "firth")
    weights, errors = _fit_blocks(whole, find_start(whole), include_errors=include_errors)
    weights = _unscale(weights, center, spread)
    return BatchFit(weights, errors[:, 1:] / spread, np.asarray(np.isfinite(weights).all(axis=1)))


def fit_lines_batch(scores: ArrayLike, event: ArrayLike, times: ArrayLike) -> Numbers:
    """Return the line of calibration of every sample: logistic regression on its log odds.

    Parameters
    ----------
    scores : (samples, rows) array of float
        Log odds.
    event : (rows,) array of 0 and 1
    times : (samples, rows) array of int

    Returns
    -------
    (samples, 2) array of float
        Intercept and slope by maximum likelihood; NaN where there is no finite estimate.

    Examples
    --------
    >>> lines = fit_lines_batch([[-1.0, -1.0, 1.0, 1.0]], [0, 1, 0, 1], np.array([[3, 1, 1, 3]]))
    >>> bool(abs(lines[0, 1] - np.log(3)) < 1e-9)
    True
    """
    columns = np.asarray(scores, dtype=np.float64)[:, :, np.newaxis]
    columns, marks, counts, _ = _require_batch(columns, event, times, METHODS[0], None)
    found = np.full((len(counts), 2), np.nan)
    center, spread = _measure_columns(columns)
    own = np.flatnonzero(_overlap(columns[:, :, 0], marks, counts))
    # Most lines lie near the one that changes nothing.
    start = np.array([center[0], spread[0]])
    size = max(1, BLOCK // max(1, 2 * columns.shape[1]))
    for first in range(0, own.size, size):
        part = own[first : first + size]
        design = StackedDesign(_standardize(columns[part], center, spread))
        block = FitBlock(design, marks, counts[part], np.ones((part.size, 2)), is_penalized=False)
        found[part] = fit_block(block, np.tile(start, (part.size, 1)))
    return _unscale(found, center, spread)


def _overlap(scores: Numbers, marks: Numbers, counts: Numbers) -> Marks:
    """Whether the scores of neither side all lie beyond, or at the end of, those of the other."""
    sides = [(marks == side) & (counts > 0) for side in (0.0, 1.0)]
    lowest = [np.where(side, scores, np.inf).min(axis=1, initial=np.inf) for side in sides]
    highest = [np.where(side, scores, -np.inf).max(axis=1, initial=-np.inf) for side in sides]
    return (lowest[1] < highest[0]) & (lowest[0] < highest[1])


def _fit_blocks(whole: FitBlock, start: Numbers, *, include_errors: bool) -> tuple[Numbers, Numbers]:
    weights, errors = np.full_like(start, np.nan), np.full_like(start, np.nan)
    (count, k), rows = start.shape, whole.times.shape[1]
    layers = k if isinstance(whole.design, StackedDesign) else 1
    size = max(1, BLOCK // max(1, rows * layers))
    for first in range(0, count, size):
        part = np.arange(first, min(first + size, count))
        block = whole.take(part)
        weights[part] = fit_block(block, start[part])
        if include_errors:
            errors[part] = measure_errors(block, weights[part])
    return weights, errors


def _unscale(weights: Numbers, center: Numbers, spread: Numbers) -> Numbers:
    """Coefficients per unit of the column, from those of standardized columns."""
    slopes = weights[:, 1:] / spread
    return np.concatenate([weights[:, :1] - (slopes @ center)[:, np.newaxis], slopes], axis=1)


def _make_design(columns: Numbers, center: Numbers, spread: Numbers) -> BatchedDesign:
    scaled = _standardize(columns, center, spread)
    return SharedDesign(np.ascontiguousarray(scaled[0].T)) if len(scaled) == 1 else StackedDesign(scaled)


def _standardize(columns: Numbers, center: Numbers, spread: Numbers) -> Numbers:
    """The standardized columns behind one of ones, rows last."""
    scaled = np.ones((columns.shape[0], 1 + columns.shape[2], columns.shape[1]))
    scaled[:, 1:] = ((columns - center) / spread).transpose(0, 2, 1)
    return scaled


def predict_batch(fit: BatchFit, design: ArrayLike) -> Numbers:
    """Return the log odds of rows under every fit, resamples by rows; NaN where there is no fit.

    Parameters
    ----------
    fit : BatchFit
    design : (rows, columns) or (resamples, rows, columns) array of float

    Examples
    --------
    >>> times = np.ones((2, 4), dtype=int)
    >>> fit = fit_logistic_batch([[0.0], [0.0], [1.0], [1.0]], [0, 1, 0, 1], times, method="firth")
    >>> (predict_batch(fit, [[0.0], [5.0]]) + 0.0).round(6)
    array([[0., 0.],
           [0., 0.]])
    """
    columns = np.asarray(design, dtype=np.float64)
    if columns.ndim == 2:
        return fit.coefficients[:, 1:] @ columns.T + fit.coefficients[:, :1]
    return np.einsum("bnk,bk->bn", columns, fit.coefficients[:, 1:]) + fit.coefficients[:, :1]


def _require_batch(
    design: ArrayLike, event: ArrayLike, times: ArrayLike, method: str, chosen: ArrayLike | None
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    if method not in METHODS:
        raise DataError(
            f"method: unknown '{method}'{suggest_name(method, METHODS)}; allowed: {', '.join(METHODS)}"
        )
    columns = np.asarray(design, dtype=np.float64)
    columns = columns[np.newaxis] if columns.ndim == 2 else columns
    counts = np.asarray(times, dtype=np.float64)
    marks = np.atleast_2d(np.asarray(event, dtype=np.float64))
    if columns.ndim != 3 or counts.ndim != 2 or marks.ndim != 2:
        raise DataError("design, event, times: give (rows, columns), (rows,) and (resamples, rows)")
    count, n = counts.shape
    mask = np.ones((count, columns.shape[2])) if chosen is None else np.asarray(chosen, dtype=np.float64)
    fits = {
        "design": columns.shape[1] == n and columns.shape[0] in (1, count),
        "event": marks.shape[1] == n and marks.shape[0] in (1, count),
        "chosen": mask.shape == (count, columns.shape[2]),
    }
    wrong = [name for name, is_fine in fits.items() if not is_fine]
    if wrong:
        raise DataError(f"{', '.join(wrong)}: the shape does not fit times, {count} resamples by {n} rows")
    if not np.isfinite(columns).all():
        raise DataError("design: a number is missing or infinite; impute or leave out incomplete rows first")
    if not np.isin(marks, (0.0, 1.0)).all():
        raise DataError("event: must be 0 or 1")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise DataError("times: must be counts from 0")
    return columns, marks, counts, mask


def _measure_columns(columns: Numbers) -> tuple[Numbers, Numbers]:
    """One center and one spread for each column, over all rows of all designs."""
    rows = columns.reshape(-1, columns.shape[2])
    center = rows.mean(axis=0) if rows.size else np.zeros(columns.shape[2])
    spread = np.abs(rows - center).max(axis=0, initial=0.0)
    safe = np.where(spread > 0, spread, 1.0)
    spread = safe * np.sqrt((((rows - center) / safe) ** 2).mean(axis=0)) if rows.size else safe
    return center, np.where(spread > 0, spread, 1.0)
