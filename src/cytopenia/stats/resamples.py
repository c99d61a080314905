"""Bootstrap samples as row numbers and as how often each row was drawn. Knows no patients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError

__all__ = ["count_rows", "draw_resamples"]

Counts = NDArray[np.int64]


def draw_resamples(rows: int, *, count: int, seed: int) -> Counts:
    """Return the row numbers of bootstrap samples, each as large as the data.

    Parameters
    ----------
    rows : int
        Rows of the data, from 1.
    count : int
        How many samples, from 1.
    seed : int
        The first samples of a longer drawing are those of a shorter one.

    Returns
    -------
    (count, rows) array of int

    Raises
    ------
    DataError
        A number is below 1, or the seed is negative.

    Examples
    --------
    >>> draw_resamples(5, count=3, seed=1).shape
    (3, 5)
    """
    wrong = [
        f"{name}: {got}; must be at least 1" for name, got in (("rows", rows), ("count", count)) if got < 1
    ]
    wrong += [f"seed: {seed}; must be at least 0"] if seed < 0 else []
    if wrong:
        raise DataError("; ".join(wrong))
    return np.random.default_rng(seed).integers(0, rows, size=(count, rows))


def count_rows(resamples: ArrayLike, rows: int) -> Counts:
    """Return how often each row stands in each sample, samples by rows.

    Examples
    --------
    >>> count_rows([[0, 0, 2], [1, 1, 1]], 3)
    array([[2, 0, 1],
           [0, 3, 0]])
    """
    drawn = np.asarray(resamples, dtype=np.int64)
    count = drawn.shape[0]
    places = drawn + rows * np.arange(count, dtype=np.int64)[:, np.newaxis]
    return np.bincount(places.ravel(), minlength=count * rows).reshape(count, rows)
