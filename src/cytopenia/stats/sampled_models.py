"""The models of all patients and of every resample of them, made once for all that is asked of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.model_recipes import MadeModels, ModelRecipe, Progress, make_models
from cytopenia.stats.resamples import count_rows

__all__ = ["SampledModels", "make_sampled_models", "require_complete"]

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SampledModels:
    """A recipe followed on all patients and on every resample.

    Attributes
    ----------
    event : (rows,) array of 0 and 1
    resamples : (resamples, rows) array of int
        Row numbers.
    times : (1 + resamples, rows) array of float
        How often each row stands in each sample; the first sample is all patients once.
    recipe : ModelRecipe
    models : MadeModels
        Of each sample, in the order of `times`.
    """

    event: Numbers
    resamples: Counts
    times: Numbers
    recipe: ModelRecipe
    models: MadeModels


def make_sampled_models(
    design: ArrayLike,
    event: ArrayLike,
    resamples: ArrayLike,
    *,
    recipe: ModelRecipe,
    progress: Progress | None = None,
) -> SampledModels:
    """Return the models of all patients and of every resample.

    Parameters
    ----------
    design : (rows, columns) array of float
        Complete.
    event : (rows,) array of 0 and 1
    resamples : (resamples, rows) array of int
        Row numbers, from `draw_resamples`.
    recipe : ModelRecipe
        Cuts, selection and fit; each resample divides, selects and fits anew.
    progress : callable, optional
        Called with the samples done and all samples.

    Returns
    -------
    SampledModels
        For `validate_sampled` and `correct_curves`.

    Raises
    ------
    DataError
        A number is missing or infinite, the event is not 0 or 1, shapes or the recipe do not fit, or the
        method is unknown.

    Examples
    --------
    >>> design, event = [[1.0], [2.0], [3.0], [4.0]], [0, 1, 0, 1]
    >>> recipe = ModelRecipe("firth", (0,))
    >>> make_sampled_models(design, event, [[0, 1, 2, 3], [0, 0, 1, 3]], recipe=recipe).times
    array([[1., 1., 1., 1.],
           [1., 1., 1., 1.],
           [2., 1., 0., 1.]])
    """
    columns, marks = require_complete(design, event)
    drawn = _require_drawn(resamples, marks.size)
    times = np.concatenate([np.ones((1, marks.size)), count_rows(drawn, marks.size).astype(np.float64)])
    models = make_models(columns, marks, times, recipe=recipe, progress=progress)
    return SampledModels(marks, drawn, times, recipe, models)


def require_complete(design: ArrayLike, event: ArrayLike) -> tuple[Numbers, Numbers]:
    """Return design and event as arrays, or raise what is wrong with them."""
    columns = np.asarray(design, dtype=np.float64)
    marks = np.asarray(event, dtype=np.float64)
    if columns.ndim != 2 or marks.shape != columns.shape[:1]:
        raise DataError("design, event: give rows by columns, and one 0 or 1 for each row")
    if not np.isfinite(columns).all():
        raise DataError("design: a number is missing or infinite; impute or leave out incomplete rows first")
    if not np.isin(marks, (0.0, 1.0)).all():
        raise DataError("event: must be 0 or 1")
    return columns, marks


def _require_drawn(resamples: ArrayLike, rows: int) -> Counts:
    drawn = np.asarray(resamples)
    if drawn.ndim != 2 or not np.issubdtype(drawn.dtype, np.integer) or not drawn.size:
        raise DataError("resamples: give row numbers, resamples by rows, from draw_resamples")
    if drawn.min() < 0 or drawn.max() >= rows:
        raise DataError(f"resamples: row numbers must lie between 0 and {rows - 1}")
    return drawn.astype(np.int64)
