"""The steps of chained equations, for many chains at once: linear and logistic draws, and matching."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LevelFit",
    "LinearFit",
    "augment_rows",
    "draw_levels",
    "draw_linear",
    "factor_information",
    "fit_levels",
    "fit_linear",
    "match_donors",
]

Numbers = NDArray[np.float64]
Places = NDArray[np.intp]

# Of the diagonal, as in mice, and only where columns repeat each other.
RIDGE = 1e-5
# A column repeats those before it if so little of its sum of squares is its own.
OWN_SHARE = 1e-8
# Steps relative to their information; the likelihood is that of a few thousand rows at most.
TOLERANCE = 1e-10
MOST_STEPS = 50
MOST_HALVINGS = 20
ROUNDING = 1e-12


@dataclass(frozen=True)
class LinearFit:
    """Least squares of every chain.

    Attributes
    ----------
    coefficients : array of chains by columns
    factor : array of chains by columns by columns
        Lower triangle whose square is the sum of squares and products.
    kept : array of chains by columns
        Columns that differ between rows; the others have the coefficient 0.
    """

    coefficients: Numbers
    factor: Numbers
    kept: NDArray[np.bool_]


@dataclass(frozen=True)
class LevelFit:
    """Logistic model of levels against the first one, of every chain.

    Attributes
    ----------
    coefficients : array of chains by (levels - 1) by columns
    factor : array of chains by terms by terms
        Lower triangle of the information; terms are the coefficients, level by level.
    """

    coefficients: Numbers
    factor: Numbers


def factor_information(information: Numbers) -> Numbers:
    """Return the lower triangles of symmetric matrices; with a ridge where columns repeat each other.

    Parameters
    ----------
    information : array of chains by columns by columns

    Notes
    -----
    The ridge is 1e-5 of the diagonal, as in `estimice` of mice 3.15, which adds it when the matrix cannot be
    inverted.

    Examples
    --------
    >>> factor_information(np.array([[[4.0, 0.0], [0.0, 9.0]]]))[0].tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    >>> twice = factor_information(np.array([[[1.0, 1.0], [1.0, 1.0]]]))[0]
    >>> bool(np.isfinite(twice).all())
    True
    """
    diagonal = np.diagonal(information, axis1=1, axis2=2)
    weak = _find_weak(information)
    if not weak.any():
        return np.asarray(np.linalg.cholesky(information), dtype=np.float64)
    places = np.arange(information.shape[1])
    steady = information.copy()
    steady[:, places, places] += np.where(weak[:, np.newaxis], RIDGE * diagonal, 0.0)
    return np.asarray(np.linalg.cholesky(steady), dtype=np.float64)


def _find_weak(information: Numbers) -> NDArray[np.bool_]:
    """Which matrices cannot be inverted with digits left."""
    try:
        triangles = np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        eigenvalues = np.linalg.eigvalsh(information)
        weak = np.asarray(eigenvalues[:, 0] < OWN_SHARE * eigenvalues[:, -1], dtype=np.bool_)
        return weak if weak.any() else ~weak
    own = np.diagonal(triangles, axis1=1, axis2=2) ** 2
    return np.asarray(
        (own < OWN_SHARE * np.diagonal(information, axis1=1, axis2=2)).any(axis=1), dtype=np.bool_
    )


def fit_linear(products: Numbers, targets: Numbers) -> LinearFit:
    """Return the least squares of every chain from its sums of products.

    Parameters
    ----------
    products : array of chains by columns by columns
        Of the known rows; the first column is that of the intercept.
    targets : array of chains by columns
        Products of the columns with the values to be explained.

    Examples
    --------
    >>> rows = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> fit = fit_linear((rows.T @ rows)[np.newaxis], (rows.T @ [1.0, 3.0, 5.0])[np.newaxis])
    >>> fit.coefficients.round(9).tolist()
    [[1.0, 2.0]]
    """
    count = products[:, :1, 0]
    spread = np.diagonal(products, axis1=1, axis2=2) - products[:, 0] ** 2 / count
    kept = spread > OWN_SHARE * np.diagonal(products, axis1=1, axis2=2)
    kept[:, 0] = True
    pairs = kept[:, :, np.newaxis] & kept[:, np.newaxis, :]
    steady = np.where(pairs, products, np.eye(products.shape[1]))
    factor = factor_information(steady)
    return LinearFit(_solve(factor, np.where(kept, targets, 0.0)), factor, kept)


def _solve(factor: Numbers, right: Numbers) -> Numbers:
    """Solve A x = b of every chain, given the lower triangle of A."""
    half = np.linalg.solve(factor, right[:, :, np.newaxis])
    return np.asarray(np.linalg.solve(np.swapaxes(factor, 1, 2), half)[:, :, 0], dtype=np.float64)


def _scatter(factor: Numbers, rng: np.random.Generator) -> Numbers:
    """Draw from the normal distribution whose information has this lower triangle."""
    noise = rng.standard_normal((*factor.shape[:2], 1))
    return np.asarray(np.linalg.solve(np.swapaxes(factor, 1, 2), noise)[:, :, 0], dtype=np.float64)


def draw_linear(fit: LinearFit, squares: Numbers, *, freedom: int, rng: np.random.Generator) -> Numbers:
    """Return coefficients drawn from their posterior, one set per chain.

    Parameters
    ----------
    fit : LinearFit
    squares : array, one per chain
        Sum of squared residuals of the known rows.
    freedom : int
        Known rows less columns, at least 1.
    rng : Generator

    Notes
    -----
    As `.norm.draw` of mice 3.15: sigma from the scaled inverse chi-squared distribution, then the
    coefficients from the normal distribution around the estimate.
    """
    sigma = np.sqrt(squares / rng.chisquare(freedom, size=squares.size))
    drawn = fit.coefficients + _scatter(fit.factor, rng) * sigma[:, np.newaxis]
    return np.where(fit.kept, drawn, 0.0)


def match_donors(predicted: Numbers, wanted: Numbers, *, donors: int, rng: np.random.Generator) -> Places:
    """Return for every wanted number the place of one of the nearest predicted ones, drawn at random.

    Parameters
    ----------
    predicted : array of chains by known rows
    wanted : array of chains by missing rows
    donors : int
        So many nearest ones are drawn from; all if there are fewer.
    rng : Generator

    Returns
    -------
    array of int, chains by missing rows

    Notes
    -----
    As `matchindex` of mice 3.15: rows are shuffled, so that equal predictions are taken in random order; of
    two at the same distance the larger one is nearer.

    Examples
    --------
    >>> known = np.array([[-5.0, 5.0, 0.0, 10.0, 12.0]])
    >>> wanted = np.array([[-6.0, 2.5, 11.0]])
    >>> match_donors(known, wanted, donors=1, rng=np.random.default_rng(1)).tolist()
    [[0, 1, 4]]
    """
    chains, known = predicted.shape
    donors = max(1, min(donors, known))
    shuffled = rng.permuted(np.broadcast_to(np.arange(known), (chains, known)), axis=1)
    order = np.argsort(np.take_along_axis(predicted, shuffled, axis=1), axis=1, kind="stable")
    place = np.take_along_axis(shuffled, order, axis=1)
    ascending = np.take_along_axis(predicted, place, axis=1)
    right = np.stack([np.searchsorted(row, one) for row, one in zip(ascending, wanted, strict=True)])
    # The larger ones first, because a stable sort then prefers them at equal distance.
    steps = np.concatenate([np.arange(donors), -1 - np.arange(donors)])
    around = right[:, :, np.newaxis] + steps
    is_outside = (around < 0) | (around >= known)
    inside = np.clip(around, 0, known - 1)
    chain = np.arange(chains)[:, np.newaxis, np.newaxis]
    distance = np.abs(ascending[chain, inside] - wanted[:, :, np.newaxis])
    distance[is_outside] = np.inf
    nearest = np.argsort(distance, axis=2, kind="stable")
    rank = rng.integers(donors, size=wanted.shape)
    chosen = np.take_along_axis(nearest, rank[:, :, np.newaxis], axis=2)
    taken = np.take_along_axis(inside, chosen, axis=2)[:, :, 0]
    return np.take_along_axis(place, taken, axis=1)


def augment_rows(columns: Numbers, levels: int) -> tuple[Numbers, Places, float]:
    """Return made-up rows that keep a logistic model of levels finite, their levels, and their weight.

    Parameters
    ----------
    columns : array of chains by columns by rows
        Of all rows, known or not, without the column of the intercept.
    levels : int

    Returns
    -------
    array of chains by columns by made-up rows, array of int, float
        Each column half a standard deviation above and below its mean, the others at their means, in every
        level; nowhere beyond the least and largest value.

    Notes
    -----
    As `augment` of mice 3.15, which skips it where a single value is missing; here nothing is skipped.

    References
    ----------
    White, Daniel and Royston, Computational Statistics and Data Analysis 2010;54:2267-2275.
    DOI 10.1016/j.csda.2010.04.005.

    Examples
    --------
    >>> rows, levels, weight = augment_rows(np.array([[[0.0, 2.0]]]), 2)
    >>> rows.round(3).tolist(), levels.tolist(), weight
    ([[[1.707, 0.293, 1.707, 0.293]]], [0, 0, 1, 1], 0.5)
    """
    chains, count, _ = columns.shape
    mean, spread = columns.mean(axis=2), columns.std(axis=2, ddof=1)
    low, high = columns.min(axis=2), columns.max(axis=2)
    made = 2 * count * levels
    rows = np.repeat(mean[:, :, np.newaxis], made, axis=2)
    signs = np.tile([0.5, -0.5], levels)
    for place in range(count):
        own = slice(place * 2 * levels, (place + 1) * 2 * levels)
        moved = mean[:, place, np.newaxis] + signs * spread[:, place, np.newaxis]
        rows[:, place, own] = np.clip(moved, low[:, place, np.newaxis], high[:, place, np.newaxis])
    level = np.tile(np.repeat(np.arange(levels), 2), count)
    return rows.reshape(chains, count, made), level, (count + 1) / made if made else 1.0


def fit_levels(columns: Numbers, level: Places, *, weights: Numbers, levels: int) -> LevelFit:
    """Return the weighted logistic model of every chain, of two or more levels.

    Parameters
    ----------
    columns : array of chains by columns by rows
        With the column of the intercept.
    level : array of int, one per row
        0 is the level the others are compared with.
    weights : array of float, one per row
    levels : int

    Notes
    -----
    Newton's method with step halving. Of two levels the same as `glm(family = quasibinomial)`, of more as
    `multinom` of nnet 7.3.

    Examples
    --------
    >>> ones = np.ones((1, 1, 4))
    >>> fit = fit_levels(ones, np.array([0, 1, 1, 1]), weights=np.ones(4), levels=2)
    >>> fit.coefficients.round(6).tolist()
    [[[1.098612]]]
    """
    chains, count, _ = columns.shape
    is_level = (level == np.arange(1, levels)[:, np.newaxis]).astype(np.float64)
    found = np.zeros((chains, levels - 1, count))
    chance, height = _judge_levels(columns, found, is_level, weights)
    for _ in range(MOST_STEPS):
        slope = ((is_level - chance) * weights) @ np.swapaxes(columns, 1, 2)
        factor = factor_information(_inform(columns, chance, weights))
        flat = slope.reshape(chains, -1)
        step = _solve(factor, flat)
        if float((flat * step).sum(axis=1).max()) <= TOLERANCE**2:
            break
        step = step.reshape(found.shape)
        for _ in range(MOST_HALVINGS):
            nearer, higher = _judge_levels(columns, found + step, is_level, weights)
            is_lower = higher < height - ROUNDING * (1.0 + np.abs(height))
            if not is_lower.any():
                break
            step = np.where(is_lower[:, np.newaxis, np.newaxis], step / 2, step)
        else:
            break
        found, chance, height = found + step, nearer, higher
    return LevelFit(found, factor_information(_inform(columns, chance, weights)))


def _judge_levels(
    columns: Numbers, coefficients: Numbers, is_level: Numbers, weights: Numbers
) -> tuple[Numbers, Numbers]:
    """Chance of every level but the first in every row, and the log-likelihood of every chain."""
    logits = coefficients @ columns
    highest = np.maximum(logits.max(axis=1, keepdims=True), 0.0)
    total = highest + np.log(np.exp(-highest) + np.exp(logits - highest).sum(axis=1, keepdims=True))
    height = ((logits * is_level).sum(axis=1) - total[:, 0]) @ weights
    return np.exp(logits - total), height


def _inform(columns: Numbers, chance: Numbers, weights: Numbers) -> Numbers:
    """Fisher's information of the coefficients, level by level."""
    chains, others, _ = chance.shape
    count = columns.shape[1]
    information = np.empty((chains, others, count, others, count))
    across = np.swapaxes(columns, 1, 2)
    for one in range(others):
        for other in range(one, others):
            spread = weights * chance[:, one] * ((one == other) - chance[:, other])
            block = (columns * spread[:, np.newaxis]) @ across
            information[:, one, :, other] = block
            information[:, other, :, one] = block
    return information.reshape(chains, others * count, others * count)


def draw_levels(fit: LevelFit, wanted: Numbers, *, rng: np.random.Generator) -> Places:
    """Return a level for every wanted row: coefficients are drawn first, then the level.

    Parameters
    ----------
    fit : LevelFit
    wanted : array of chains by columns by rows
        With the column of the intercept.
    rng : Generator

    Notes
    -----
    Of two levels as `mice.impute.logreg` of mice 3.15. Of more, `mice.impute.polyreg` draws no coefficients,
    so that its imputations vary too little; here they are drawn as of two.
    """
    chains, others, count = fit.coefficients.shape
    drawn = fit.coefficients + _scatter(fit.factor, rng).reshape(chains, others, count)
    logits = drawn @ wanted
    logits = np.concatenate([np.zeros((chains, 1, wanted.shape[2])), logits], axis=1)
    chance = np.exp(logits - logits.max(axis=1, keepdims=True))
    cumulated = np.cumsum(chance, axis=1)
    at = rng.random((chains, 1, wanted.shape[2])) * cumulated[:, -1:]
    return np.asarray((at >= cumulated[:, :-1]).sum(axis=1), dtype=np.intp)
