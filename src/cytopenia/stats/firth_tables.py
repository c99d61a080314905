"""Firth's logistic regression climbed on many tables at once. Knows no patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.stats.batched_designs import invert_batch
from cytopenia.stats.separation import scale_columns

__all__ = ["Heights", "Tops", "climb_all", "climb_together"]

Numbers = NDArray[np.float64]
Places = NDArray[np.intp]

# Squared length of a step in standard errors.
TOLERANCE = 1e-20
MOST_STEPS = 100
MOST_HALVINGS = 30
LONGEST_STEP = 5.0
ROUNDING = 1e-13
# Up to so many rows their products in pairs are affordable.
FEW_ROWS = 1000


@dataclass(frozen=True)
class Tops:
    """The tops of all tables, in standardized columns with the intercept's first, and their scales."""

    columns: Numbers
    marks: Numbers
    spreads: Numbers
    point: Heights
    is_done: NDArray[np.bool_]


def climb_all(tables: Numbers, marks: Numbers) -> Tops:
    """Return the top of every table, climbed from zero."""
    scaled, spreads = zip(*((one[0], one[2]) for one in map(scale_columns, tables)), strict=True)
    columns = np.concatenate([np.ones((*tables.shape[:2], 1)), np.stack(scaled)], axis=2)
    return Tops(columns, marks, np.stack(spreads), *climb_together(columns, marks))


def climb_together(
    columns: Numbers, marks: Numbers, *, start: Numbers | None = None, free: Places | None = None
) -> tuple[Heights, NDArray[np.bool_]]:
    """Where every table ends, and whether that is a top; only the free weights move, all if None."""
    count = columns.shape[2]
    free = np.flatnonzero(np.ones(count)) if free is None else free
    point = _judge(columns, marks, np.zeros((columns.shape[0], count)) if start is None else start)
    is_done = np.zeros(columns.shape[0], dtype=np.bool_)
    for _ in range(MOST_STEPS):
        step = _aim(columns, point, free)
        is_done = np.abs((point.slope * step).sum(axis=1)) <= TOLERANCE
        if is_done.all():
            break
        longest = np.maximum(np.abs(step).max(axis=1), LONGEST_STEP)
        point = _step(columns, marks, point, step * (LONGEST_STEP / longest)[:, np.newaxis])
    return point, is_done


@dataclass(frozen=True)
class Heights:
    """Where the climbs stand, one row per table."""

    weights: Numbers
    height: Numbers
    slope: Numbers
    information: Numbers
    factor: Numbers
    chance: Numbers


def _judge(columns: Numbers, marks: Numbers, weights: Numbers) -> Heights:
    """Penalized log-likelihood, modified score and information of every table."""
    eta = (columns @ weights[:, :, np.newaxis])[:, :, 0]
    small = np.exp(-np.abs(eta))
    chance = np.where(eta < 0, small, 1.0) / (1.0 + small)
    root = np.exp(-np.abs(eta) / 2.0) / (1.0 + small)
    factor, triangle = np.linalg.qr(columns * root[:, :, np.newaxis])
    with np.errstate(divide="ignore"):
        penalty = np.log(np.abs(np.diagonal(triangle, axis1=1, axis2=2))).sum(axis=1)
    lost = np.log1p(small) + np.maximum((1.0 - 2.0 * marks) * eta, 0.0)
    height = penalty - lost.sum(axis=1)
    rest = marks - chance + (factor**2).sum(axis=2) * (0.5 - chance)
    slope = (np.swapaxes(columns, 1, 2) @ rest[:, :, np.newaxis])[:, :, 0]
    return Heights(weights, height, slope, np.swapaxes(triangle, 1, 2) @ triangle, factor, chance)


def _aim(columns: Numbers, point: Heights, free: Places) -> Numbers:
    """Newton's step; Fisher's where the likelihood is not curved like a hill, or has very many rows."""
    pairs = free[:, np.newaxis], free
    information = point.information[:, *pairs]
    inverse = np.full_like(information, np.nan)
    if columns.shape[1] <= FEW_ROWS:
        inverse, _ = invert_batch(information + _curve_penalty(columns, point)[:, *pairs])
    is_other = np.isnan(inverse).any(axis=(1, 2))
    if is_other.any():
        inverse[is_other] = np.linalg.pinv(information[is_other], hermitian=True)
    step = np.zeros_like(point.weights)
    step[:, free] = (inverse @ point.slope[:, free, np.newaxis])[:, :, 0]
    return step


def _curve_penalty(columns: Numbers, point: Heights) -> Numbers:
    """Minus the second derivative of half the log determinant of the information."""
    across, chance = np.swapaxes(columns, 1, 2), point.chance
    leverage = (point.factor**2).sum(axis=2)
    own = (across * (leverage * (1.0 - 6.0 * chance * (1.0 - chance)))[:, np.newaxis]) @ columns
    tilted = across * (1.0 - 2.0 * chance)[:, np.newaxis]
    # Of rows by rows the squared products of the factor are never written down: they are those of its pairs.
    pairs = point.factor[:, :, :, np.newaxis] * point.factor[:, :, np.newaxis, :]
    sums = tilted @ pairs.reshape(*chance.shape, -1)
    return (sums @ np.swapaxes(sums, 1, 2) - own) / 2.0


def _step(columns: Numbers, marks: Numbers, point: Heights, step: Numbers) -> Heights:
    """The next points: a step is halved until it does not lead down, and not taken if it still does."""
    nearer = _judge(columns, marks, point.weights + step)
    for last in range(MOST_HALVINGS):
        is_lower = ~(nearer.height >= point.height - ROUNDING * (1.0 + np.abs(point.height)))
        if not is_lower.any():
            break
        step = np.where(is_lower[:, np.newaxis], 0.0 if last == MOST_HALVINGS - 1 else step / 2, step)
        nearer = _judge(columns, marks, point.weights + step)
    return nearer
