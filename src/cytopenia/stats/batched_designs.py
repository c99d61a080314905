"""Designs of many regressions at once, shared by all of them or one for each, and their small matrices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["BatchedDesign", "MergedRows", "SharedDesign", "StackedDesign", "invert_batch", "merge_rows"]

Numbers = NDArray[np.float64]
Places = NDArray[np.intp]

# A remainder of so small a share of what it is left of is rounding.
LEAST_REMAINDER = 1e-14
# Columns of 0 and 1 whose patterns are counted, and the patterns for each row up to which that pays.
MOST_COLUMNS = 8
MOST_PATTERNS = 4


class BatchedDesign(Protocol):
    """Rows by columns of many samples; weights are samples by rows, coefficients samples by columns."""

    def take(self, samples: Places) -> BatchedDesign:
        """Return the design of some samples."""
        ...

    def predict(self, coefficients: Numbers) -> Numbers:
        """Return the sum over columns of every row, samples by rows."""
        ...

    def sum_columns(self, weights: Numbers) -> Numbers:
        """Return the weighted sum over rows of each column, samples by columns."""
        ...

    def sum_pairs(self, weights: Numbers) -> Numbers:
        """Return the weighted sum over rows of the products of two columns, samples by columns twice."""
        ...

    def sum_triples(self, weights: Numbers) -> Numbers:
        """Return the weighted sum over rows of the products of three columns."""
        ...

    def measure_rows(self, matrices: Numbers) -> Numbers:
        """Return the squared length of every row by symmetric matrices, samples by rows."""
        ...

    def find_longest(self) -> float:
        """Return the length of the longest row."""
        ...


@dataclass(frozen=True, eq=False)
class SharedDesign:
    """One design of all samples: each sum is one product with a table made once.

    Attributes
    ----------
    columns : (rows, columns) array of float
    """

    columns: Numbers

    def take(self, samples: Places) -> SharedDesign:  # noqa: ARG002 - all samples share the design
        """Return the same design."""
        return self

    def predict(self, coefficients: Numbers) -> Numbers:
        """Return the sum over columns of every row."""
        return coefficients @ self.columns.T

    def sum_columns(self, weights: Numbers) -> Numbers:
        """Return the weighted sum of each column."""
        return weights @ self.columns

    def sum_pairs(self, weights: Numbers) -> Numbers:
        """Return the weighted sum of the products of two columns."""
        return (weights @ self._pairs)[:, _number_pairs(self.columns.shape[1])]

    def sum_triples(self, weights: Numbers) -> Numbers:
        """Return the weighted sum of the products of three columns."""
        return (weights @ self._triples)[:, _number_triples(self.columns.shape[1])]

    def measure_rows(self, matrices: Numbers) -> Numbers:
        """Return the squared length of every row by symmetric matrices."""
        first, second = np.triu_indices(self.columns.shape[1])
        twice = np.where(first == second, 1.0, 2.0)
        return (matrices[:, first, second] * twice) @ self._pairs.T

    def find_longest(self) -> float:
        """Return the length of the longest row."""
        return float(np.sqrt((self.columns**2).sum(axis=1).max(initial=0.0)))

    @cached_property
    def _pairs(self) -> Numbers:
        first, second = np.triu_indices(self.columns.shape[1])
        return self.columns[:, first] * self.columns[:, second]

    @cached_property
    def _triples(self) -> Numbers:
        first, second, third = _list_triples(self.columns.shape[1])
        return self.columns[:, first] * self.columns[:, second] * self.columns[:, third]


@dataclass(frozen=True, eq=False)
class StackedDesign:
    """A design for each sample.

    Attributes
    ----------
    columns : (samples, columns, rows) array of float
        Rows last, so that those of a column lie side by side.
    """

    columns: Numbers

    def take(self, samples: Places) -> StackedDesign:
        """Return the designs of some samples."""
        return StackedDesign(self.columns[samples])

    def predict(self, coefficients: Numbers) -> Numbers:
        """Return the sum over columns of every row."""
        return np.matmul(coefficients[:, np.newaxis, :], self.columns)[:, 0, :]

    def sum_columns(self, weights: Numbers) -> Numbers:
        """Return the weighted sum of each column."""
        return np.matmul(self.columns, weights[:, :, np.newaxis])[:, :, 0]

    def sum_pairs(self, weights: Numbers) -> Numbers:
        """Return the weighted sum of the products of two columns."""
        weighted = self.columns * weights[:, np.newaxis, :]
        return np.matmul(weighted, self.columns.transpose(0, 2, 1))

    def sum_triples(self, weights: Numbers) -> Numbers:
        """Return the weighted sum of the products of three columns."""
        count, k, _ = self.columns.shape
        weighted = self.columns * weights[:, np.newaxis, :]
        across = self.columns.transpose(0, 2, 1)
        sums = np.empty((count, k, k, k))
        for place in range(k):
            pairs = weighted[:, place : place + 1] * self.columns[:, place:]
            sums[:, place, place:] = np.matmul(pairs, across)
            sums[:, place:, place] = sums[:, place, place:]
        return sums

    def measure_rows(self, matrices: Numbers) -> Numbers:
        """Return the squared length of every row by symmetric matrices."""
        return np.einsum("bkn,bkn->bn", np.matmul(matrices, self.columns), self.columns)

    def find_longest(self) -> float:
        """Return the length of the longest row of all."""
        return float(np.sqrt(np.einsum("bkn,bkn->bn", self.columns, self.columns).max(initial=0.0)))


@dataclass(frozen=True, eq=False)
class MergedRows:
    """Rows that are alike as one.

    Attributes
    ----------
    columns : (patterns, columns) array of 0 and 1
    event : (patterns,) array of 0 and 1
    times : (samples, patterns) array of float
        How often each pattern stands in each sample.
    """

    columns: Numbers
    event: Numbers
    times: Numbers


def merge_rows(columns: Numbers, event: Numbers, times: Numbers) -> MergedRows | None:
    """Return designs of 0 and 1 as one design of their patterns, which all samples share.

    Parameters
    ----------
    columns : (1 or samples, rows, columns) array of float
    event : (1 or samples, rows) array of 0 and 1
    times : (samples, rows) array of float

    Returns
    -------
    MergedRows or None
        None where a column has other values, or where it would not pay.

    Examples
    --------
    >>> found = merge_rows(np.array([[[0.0], [1.0], [1.0]]]), np.array([[0.0, 1.0, 1.0]]), np.ones((2, 3)))
    >>> found.columns.tolist(), found.event.tolist(), found.times.tolist()
    ([[0.0], [1.0]], [0.0, 1.0], [[1.0, 2.0], [1.0, 2.0]])
    """
    (samples, rows), k = times.shape, columns.shape[2]
    if k > MOST_COLUMNS or not ((columns == 0) | (columns == 1)).all():
        return None
    bits = np.array([2**place for place in range(k + 1)], dtype=np.intp)
    codes: Places = np.asarray(columns @ bits[:k] + event * bits[k], dtype=np.intp)
    size = int(2 * bits[k])
    places: Places = codes + size * np.arange(samples, dtype=np.intp)[:, np.newaxis]
    counts = np.zeros(size * samples)
    counts[:] = np.bincount(places.ravel(), weights=times.ravel(), minlength=size * samples)
    table = counts.reshape(samples, size)
    own = np.flatnonzero(table.any(axis=0))
    if own.size > (rows if len(codes) == 1 else MOST_PATTERNS * rows):
        return None
    patterns: Numbers = np.not_equal(own[:, np.newaxis] & bits, 0).astype(np.float64)
    return MergedRows(patterns[:, :k], patterns[:, k], table[:, own])


def invert_batch(matrices: Numbers) -> tuple[Numbers, Numbers]:
    """Return the inverse of each symmetric positive definite matrix, and the logarithm of its determinant.

    Parameters
    ----------
    matrices : (samples, columns, columns) array of float

    Returns
    -------
    inverses, logarithms : (samples, columns, columns) and (samples,) array of float
        NaN where a matrix is not positive definite, or is not but for rounding.

    Notes
    -----
    Gauss and Jordan's elimination, one column of all matrices at a time; LAPACK, called for one small matrix
    after the other, takes several times as long.

    Examples
    --------
    >>> inverses, logarithms = invert_batch(np.array([[[4.0, 0.0], [0.0, 2.0]], [[1.0, 2.0], [2.0, 1.0]]]))
    >>> (inverses[0] + 0.0).tolist(), logarithms.round(3).tolist()
    ([[0.25, 0.0], [0.0, 0.5]], [2.079, nan])
    """
    work = np.array(matrices.transpose(1, 2, 0), order="C", copy=True)
    logarithms = np.zeros(matrices.shape[0])
    is_definite = np.ones(matrices.shape[0], dtype=bool)
    least = LEAST_REMAINDER * np.einsum("kkb->kb", work)
    for place in range(matrices.shape[1]):
        pivot = work[place, place].copy()
        is_definite &= pivot > np.maximum(least[place], 0.0)
        pivot[~is_definite] = np.nan
        logarithms += np.log(pivot)
        row, column = work[place] / pivot, work[:, place].copy()
        work -= column[:, np.newaxis] * row
        work[place], work[:, place] = row, -column / pivot
        work[place, place] = 1.0 / pivot
    return np.ascontiguousarray(work.transpose(2, 0, 1)), logarithms


def _number_pairs(columns: int) -> Places:
    """The place of each pair of columns among the pairs that differ."""
    places = np.zeros((columns, columns), dtype=np.intp)
    first, second = np.triu_indices(columns)
    places[first, second] = places[second, first] = np.arange(first.size)
    return places


def _list_triples(columns: int) -> tuple[Places, Places, Places]:
    first, second, third = np.meshgrid(*[np.arange(columns)] * 3, indexing="ij")
    is_own = (first <= second) & (second <= third)
    return first[is_own], second[is_own], third[is_own]


def _number_triples(columns: int) -> Places:
    """The place of each triple of columns among the triples that differ."""
    places = np.zeros((columns,) * 3, dtype=np.intp)
    triples = _list_triples(columns)
    places[triples] = np.arange(triples[0].size)
    ordered = np.sort(np.indices((columns,) * 3).reshape(3, -1), axis=0)
    return places[tuple(ordered)].reshape((columns,) * 3)
