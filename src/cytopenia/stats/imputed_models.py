"""One logistic model on several imputed tables at once, pooled by Rubin's rules. Knows no patients."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.batched_designs import invert_batch
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.pooling import PooledEstimate, pool_estimates
from cytopenia.stats.separation import explain_design, require_design, scale_columns

__all__ = ["PooledLogistic", "fit_firth_together", "fit_imputed_logistic"]

Numbers = NDArray[np.float64]
Places = NDArray[np.intp]

METHODS = ("maximum_likelihood", "firth")
# Squared length of a step in standard errors.
TOLERANCE = 1e-20
MOST_STEPS = 100
MOST_HALVINGS = 30
LONGEST_STEP = 5.0
ROUNDING = 1e-13
# As in `logistic`: above this standard error, per standard deviation, the data say nothing of a coefficient.
LARGEST_ERROR = 1e4
# Ends are looked for within so many standard errors, and found to such a part of one.
FARTHEST = 1e4
NEAR = 1e-9
# Up to so many rows their products in pairs are affordable.
FEW_ROWS = 1000


@dataclass(frozen=True)
class PooledLogistic:
    """A logistic model pooled over imputed tables.

    Attributes
    ----------
    method : str
    terms : tuple of PooledEstimate
        Log odds per unit of each column, in their order.
    n, events : int
        Rows of each table, and those with the event.
    imputations : int
    status, note : str
        `ok` or `not_estimable`, and why.
    """

    method: str
    terms: tuple[PooledEstimate, ...]
    n: int
    events: int
    imputations: int
    status: str
    note: str


def fit_imputed_logistic(
    designs: ArrayLike, event: ArrayLike, *, names: Sequence[str], method: str = "firth", level: float = 0.95
) -> PooledLogistic:
    """Return one logistic model fitted on every imputed table and pooled.

    Parameters
    ----------
    designs : array of float, tables by rows by columns, without the column of the intercept
    event : array of 0 and 1
        The same in every table: an outcome is not imputed.
    names : sequence of str
        One for every column.
    method : {"maximum_likelihood", "firth"}
    level : float
        Of the intervals.

    Returns
    -------
    PooledLogistic
        Not estimable where some table gives no estimate, with the reason.

    Raises
    ------
    DataError
        As `fit_logistic`, or fewer than three dimensions.

    Notes
    -----
    Coefficients and standard errors (inverse of Fisher's information) of each table are those of
    `fit_logistic`; they are pooled by Rubin's rules with the degrees of freedom of Barnard and Rubin, the
    complete-data ones being rows less coefficients. With maximum likelihood interval and P are from the t
    distribution, the same as `pool(with(imputed, glm(..., family = binomial)))` of mice 3.15. With Firth's
    method they are from the combined profiles of the penalized likelihood (CLIP, as `CLIP.confint` of
    logistf): the signed root of each profile is read as a normal distribution, and the mean of the
    distributions taken. Where all tables agree that is the profile interval of `fit_logistic`.

    References
    ----------
    Heinze, Ploner and Beyea, Statistics in Medicine 2013;32:5062-5076. DOI 10.1002/sim.5899.

    Examples
    --------
    >>> column = np.array([[1.0], [2.0], [3.0], [4.0], [5.0], [6.0], [7.0], [8.0]])
    >>> event = [0, 1, 0, 0, 1, 1, 0, 1]
    >>> other = np.where(column == 4, 6.0, column)
    >>> found = fit_imputed_logistic([column, other], event, names=["x"])
    >>> found.status, found.n, len(found.terms)
    ('ok', 8, 1)
    """
    tables = np.asarray(designs, dtype=np.float64)
    if tables.ndim != 3:
        raise DataError(f"designs: shape {tables.shape}; give tables by rows by columns")
    if method not in METHODS:
        raise DataError(f"method: unknown '{method}'; allowed: {', '.join(METHODS)}")
    marks = np.asarray(event, dtype=np.float64)
    reason = _find_reason(tables, marks, names)
    coefficients = errors = np.full((tables.shape[0], tables.shape[2]), np.nan)
    tops = None
    if not reason and method == "firth":
        tops = _climb_all(tables, marks)
        coefficients, errors = _estimate(tops)
    elif not reason:
        coefficients, errors, reason = _fit_one_by_one(tables, marks, names)
    freedom = max(tables.shape[1] - tables.shape[2] - 1, 1)
    terms = [
        pool_estimates(one, error, complete_freedom=freedom, level=level)
        for one, error in zip(coefficients.T, errors.T, strict=True)
    ]
    if tops is not None:
        terms = [_combine_profiles(tops, place, term, level) for place, term in enumerate(terms)]
    failed = next((term.note for term in terms if term.status != "ok"), "")
    if failed and not reason:
        reason = failed
    status = "not_estimable" if reason else "ok"
    size = (marks.size, int(marks.sum()), tables.shape[0])
    return PooledLogistic(method, tuple(terms), *size, status, reason)


def _find_reason(tables: Numbers, marks: Numbers, names: Sequence[str]) -> str:
    """Why some table gives no fit; the first reason found, with the number of its table."""
    for place, table in enumerate(tables, start=1):
        columns, has_event = require_design(table, marks, names=names)
        reason = explain_design(columns, has_event, names)
        if reason:
            return f"in imputation {place}: {reason}"
    return "" if len(tables) else "no imputed table"


def _fit_one_by_one(tables: Numbers, marks: Numbers, names: Sequence[str]) -> tuple[Numbers, Numbers, str]:
    """Maximum likelihood, which needs a look for separation in each table."""
    fits = [fit_logistic(table, marks, names=names) for table in tables]
    values = np.array(
        [
            [
                (np.nan if one is None else one)
                for term in fit.terms
                for one in (term.coefficient, term.standard_error)
            ]
            for fit in fits
        ]
    ).reshape(len(fits), len(names), 2)
    failed = [fit.note for fit in fits if fit.status != "ok"]
    reason = f"in {len(failed)} of {len(fits)} imputations: {failed[0]}" if failed else ""
    return values[:, :, 0], values[:, :, 1], reason


def fit_firth_together(designs: ArrayLike, event: ArrayLike) -> tuple[Numbers, Numbers]:
    """Return coefficients and standard errors of Firth's logistic regression on many tables at once.

    Parameters
    ----------
    designs : array of float, tables by rows by columns, without the column of the intercept
        Columns of every table vary and repeat no others.
    event : array of 0 and 1

    Returns
    -------
    array, array of tables by columns
        NaN in a table whose climb found no top, or whose standard errors are too large to say anything.

    Notes
    -----
    Newton's method with step halving, from zero. The same coefficients and standard
    errors as `fit_logistic(method = "firth")`, without the profiles, and as `brglm2` 0.9 with
    `type = "AS_mean"`.

    Examples
    --------
    >>> tables = np.array([[[0.0], [0.0], [1.0], [1.0]], [[0.0], [1.0], [1.0], [1.0]]])
    >>> found, error = fit_firth_together(tables, [0, 0, 1, 1])
    >>> found.round(4).tolist(), error.round(4).tolist()
    ([[3.2189], [1.6094]], [[2.6833], [2.5991]])
    """
    return _estimate(_climb_all(np.asarray(designs, dtype=np.float64), np.asarray(event, dtype=np.float64)))


@dataclass(frozen=True)
class _Tops:
    """The tops of all tables, in standardized columns with the intercept's first, and their scales."""

    columns: Numbers
    marks: Numbers
    spreads: Numbers
    point: _Point
    is_done: NDArray[np.bool_]


def _climb_all(tables: Numbers, marks: Numbers) -> _Tops:
    scaled, spreads = zip(*((one[0], one[2]) for one in map(scale_columns, tables)), strict=True)
    columns = np.concatenate([np.ones((*tables.shape[:2], 1)), np.stack(scaled)], axis=2)
    return _Tops(columns, marks, np.stack(spreads), *_climb_together(columns, marks))


def _estimate(tops: _Tops) -> tuple[Numbers, Numbers]:
    """Coefficients and standard errors per unit of the user's columns."""
    inverse = np.linalg.pinv(tops.point.information, hermitian=True)
    errors = np.sqrt(np.diagonal(inverse, axis1=1, axis2=2))
    is_lost = ~tops.is_done | (errors > LARGEST_ERROR).any(axis=1)
    found, errors = tops.point.weights[:, 1:] / tops.spreads, errors[:, 1:] / tops.spreads
    found[is_lost], errors[is_lost] = np.nan, np.nan
    return found, errors


def _combine_profiles(tops: _Tops, place: int, term: PooledEstimate, level: float) -> PooledEstimate:
    """The term with the interval and P of the combined penalized likelihood profiles."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    if term.estimate is None or term.standard_error is None:
        return term
    center, error = term.estimate, term.standard_error
    free = np.flatnonzero(np.arange(tops.columns.shape[2]) != place + 1)

    def share(value: float) -> float:
        """How much of the posterior distributions of all tables lies below a coefficient; NaN if lost."""
        start = tops.point.weights.copy()
        start[:, place + 1] = value * tops.spreads[:, place]
        point, is_done = _climb_together(tops.columns, tops.marks, start=start, free=free)
        ratio = np.maximum(2 * (tops.point.height - point.height), 0.0)
        side = np.sign(start[:, place + 1] - tops.point.weights[:, place + 1])
        return float(ndtr(side * np.sqrt(ratio)).mean()) if is_done.all() else math.nan

    def find_end(target: float, sign: float) -> float | None:
        def miss(value: float) -> float:
            return share(value) - target

        inner, outer = center, center + sign * 2 * error
        while miss(outer) * sign < 0:
            inner, outer = outer, outer + 2 * (outer - inner)
            if abs(outer - center) > FARTHEST * error:
                return None
        if math.isnan(share(outer)):
            return None
        # A profile that is lost on the way leaves the end unknown, not wrong.
        try:
            return float(np.asarray(brentq(miss, inner, outer, xtol=NEAR * error)))
        except ValueError:
            return None

    low, high = find_end((1 - level) / 2, -1.0), find_end((1 + level) / 2, 1.0)
    below = share(0.0)
    p_value = None if math.isnan(below) else 2 * min(below, 1 - below)
    ends = zip(("lower", "upper"), (low, high), strict=True)
    notes = [f"the {word} end of the interval was not found" for word, end in ends if end is None]
    notes += ["no P: a profile did not converge"] if p_value is None else []
    return replace(term, low=low, high=high, p_value=p_value, note="; ".join(notes))


def _climb_together(
    columns: Numbers, marks: Numbers, *, start: Numbers | None = None, free: Places | None = None
) -> tuple[_Point, NDArray[np.bool_]]:
    """Where every table ends, and whether that is a top; only the free weights move, all if None."""
    count = columns.shape[2]
    free = np.arange(count) if free is None else free
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
class _Point:
    """Where the climbs stand, one row per table."""

    weights: Numbers
    height: Numbers
    slope: Numbers
    information: Numbers
    factor: Numbers
    chance: Numbers


def _judge(columns: Numbers, marks: Numbers, weights: Numbers) -> _Point:
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
    return _Point(weights, height, slope, np.swapaxes(triangle, 1, 2) @ triangle, factor, chance)


def _aim(columns: Numbers, point: _Point, free: Places) -> Numbers:
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


def _curve_penalty(columns: Numbers, point: _Point) -> Numbers:
    """Minus the second derivative of half the log determinant of the information."""
    across, chance = np.swapaxes(columns, 1, 2), point.chance
    leverage = (point.factor**2).sum(axis=2)
    own = (across * (leverage * (1.0 - 6.0 * chance * (1.0 - chance)))[:, np.newaxis]) @ columns
    tilted = across * (1.0 - 2.0 * chance)[:, np.newaxis]
    # Of rows by rows the squared products of the factor are never written down: they are those of its pairs.
    pairs = point.factor[:, :, :, np.newaxis] * point.factor[:, :, np.newaxis, :]
    sums = tilted @ pairs.reshape(*chance.shape, -1)
    return (sums @ np.swapaxes(sums, 1, 2) - own) / 2.0


def _step(columns: Numbers, marks: Numbers, point: _Point, step: Numbers) -> _Point:
    """The next points: a step is halved until it does not lead down, and not taken if it still does."""
    nearer = _judge(columns, marks, point.weights + step)
    for last in range(MOST_HALVINGS):
        is_lower = ~(nearer.height >= point.height - ROUNDING * (1.0 + np.abs(point.height)))
        if not is_lower.any():
            break
        step = np.where(is_lower[:, np.newaxis], 0.0 if last == MOST_HALVINGS - 1 else step / 2, step)
        nearer = _judge(columns, marks, point.weights + step)
    return nearer
