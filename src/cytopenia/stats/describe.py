"""Counts and quantiles of plain arrays. Knows no patients and no units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Proportion", "Summary", "describe_numbers", "estimate_proportion"]


@dataclass(frozen=True)
class Summary:
    """Five numbers of a sample; None where the sample is empty.

    Attributes
    ----------
    n, missing : int
        Numbers and missing values.
    median, minimum, maximum, q1, q3 : float or None
        Quartiles are those of R type 7 (linear interpolation), as in NumPy.
    """

    n: int
    missing: int
    median: float | None
    minimum: float | None
    maximum: float | None
    q1: float | None
    q3: float | None


@dataclass(frozen=True)
class Proportion:
    """A count of a denominator; the percentage is None where the denominator is 0."""

    count: int
    denominator: int
    percent: float | None


def describe_numbers(values: ArrayLike) -> Summary:
    """Return count, median, range and quartiles; NaN counts as missing.

    Examples
    --------
    >>> summary = describe_numbers([1.0, 2.0, float("nan"), 4.0])
    >>> summary.n, summary.missing, summary.median, summary.maximum
    (3, 1, 2.0, 4.0)
    """
    sample = np.asarray(values, dtype=np.float64)
    known = sample[~np.isnan(sample)]
    missing = int(sample.size - known.size)
    if known.size == 0:
        return Summary(0, missing, None, None, None, None, None)
    low, q1, median, q3, high = (float(x) for x in np.quantile(known, [0, 0.25, 0.5, 0.75, 1]))
    return Summary(int(known.size), missing, median, low, high, q1, q3)


def estimate_proportion(count: int, denominator: int) -> Proportion:
    """Return the count with its percentage.

    Examples
    --------
    >>> round(estimate_proportion(48, 63).percent, 2)
    76.19
    >>> estimate_proportion(0, 0).percent is None
    True
    """
    percent = 100.0 * count / denominator if denominator else None
    return Proportion(count, denominator, percent)
