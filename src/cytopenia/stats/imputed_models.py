"""One logistic model on several imputed tables at once, pooled by Rubin's rules. Knows no patients."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.firth_tables import Tops, climb_all, climb_together
from cytopenia.stats.likelihood import ELSEWHERE, EQUAL_TOPS, HIGHER, climb
from cytopenia.stats.logistic import LogisticProblem, fit_logistic
from cytopenia.stats.pooling import PooledEstimate, pool_estimates
from cytopenia.stats.separation import explain_design, require_design

__all__ = ["PooledLogistic", "fit_firth_together", "fit_imputed_logistic"]

Numbers = NDArray[np.float64]

METHODS = ("maximum_likelihood", "firth")
# As in `logistic`: above this standard error, per standard deviation, the data say nothing of a coefficient.
LARGEST_ERROR = 1e4
# Ends are looked for within so many standard errors, and found to such a part of one.
FARTHEST = 1e4
NEAR = 1e-9
# A share so near to its target has met it.
AT_TARGET = 1e-6
HIGHER_TOP = "the penalized likelihood has a higher top than the one found: no estimate is safe"


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
    distributions taken. Where all tables agree that is the profile interval of `fit_logistic`. A term that in
    some table has another estimate at a second top of the same height is not estimable.

    References
    ----------
    Heinze, Ploner and Beyea, Statistics in Medicine 2013. DOI 10.1002/sim.5899.

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
    is_ambiguous = np.zeros(tables.shape[2] + 1, dtype=np.bool_)
    if not reason and method == "firth":
        tops, is_ambiguous = _settle(climb_all(tables, marks))
        coefficients, errors = _estimate(tops)
    elif not reason:
        coefficients, errors, reason = _fit_one_by_one(tables, marks, names)
    freedom = max(tables.shape[1] - tables.shape[2] - 1, 1)
    terms = [
        pool_estimates(one, error, complete_freedom=freedom, level=level)
        for one, error in zip(coefficients.T, errors.T, strict=True)
    ]
    if tops is not None:
        terms = [
            _refuse(term, "in some imputation " + EQUAL_TOPS)
            if is_ambiguous[place + 1]
            else _combine_profiles(tops, place, term, level)
            for place, term in enumerate(terms)
        ]
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
    Newton's method with step halving, from zero, without a look for other tops. The same coefficients and
    standard errors as `fit_logistic(method = "firth")`, without the profiles, and as `brglm2` 0.9 with
    `type = "AS_mean"`.

    Examples
    --------
    >>> tables = np.array([[[0.0], [0.0], [1.0], [1.0]], [[0.0], [1.0], [1.0], [1.0]]])
    >>> found, error = fit_firth_together(tables, [0, 0, 1, 1])
    >>> found.round(4).tolist(), error.round(4).tolist()
    ([[3.2189], [1.6094]], [[2.6833], [2.5991]])
    """
    return _estimate(climb_all(np.asarray(designs, dtype=np.float64), np.asarray(event, dtype=np.float64)))


def _estimate(tops: Tops) -> tuple[Numbers, Numbers]:
    """Coefficients and standard errors per unit of the user's columns."""
    inverse = np.linalg.pinv(tops.point.information, hermitian=True)
    errors = np.sqrt(np.diagonal(inverse, axis1=1, axis2=2))
    is_lost = ~tops.is_done | (errors > LARGEST_ERROR).any(axis=1)
    found, errors = tops.point.weights[:, 1:] / tops.spreads, errors[:, 1:] / tops.spreads
    found[is_lost], errors[is_lost] = np.nan, np.nan
    return found, errors


class _CombinedProfile:
    """The mean of the posterior distributions of all tables along one coefficient, by penalized profiles."""

    def __init__(self, tops: Tops, place: int, term: PooledEstimate) -> None:
        assert term.estimate is not None and term.standard_error is not None  # noqa: S101, PT018 - the caller looked
        self.tops, self.place = tops, place + 1
        self.center, self.error = term.estimate, term.standard_error
        self.scale = tops.spreads[:, place]
        self.free = np.flatnonzero(np.arange(tops.columns.shape[2]) != self.place)
        inverse = np.linalg.pinv(tops.point.information, hermitian=True)[:, self.place]
        # Where the others go, to first order, if this coefficient is moved by one.
        self.path = inverse / inverse[:, self.place, np.newaxis]
        self.latest = tops.point.weights
        self.has_higher = False

    def share(self, value: float, *, is_thorough: bool = True) -> float:
        """How much of the distributions lies below a coefficient; NaN where a profile is lost."""
        from scipy.special import ndtr

        # Where single rows weigh heavily there are several tops; thorough is the highest of three climbs.
        best = self.tops.point.weights
        origins = [self.latest, best, np.zeros_like(best)][: 3 if is_thorough else 1]
        held = value * self.scale
        heights: list[Numbers] = []
        weights: list[Numbers] = []
        for origin in origins:
            start = origin + (held - origin[:, self.place])[:, np.newaxis] * self.path
            start[:, self.place] = held
            point, is_done = climb_together(self.tops.columns, self.tops.marks, start=start, free=self.free)
            heights.append(np.where(is_done, point.height, -np.inf))
            weights.append(point.weights)
        height = np.max(heights, axis=0)
        if not np.isfinite(height).all():
            return math.nan
        self.latest = np.stack(weights)[np.argmax(heights, axis=0), np.arange(len(height))]
        self.has_higher |= bool((height > self.tops.point.height + HIGHER).any())
        ratio = np.maximum(2 * (self.tops.point.height - height), 0.0)
        return float(ndtr(np.sign(held - best[:, self.place]) * np.sqrt(ratio)).mean())

    def find_end(self, target: float, sign: float, *, is_thorough: bool = False) -> float | None:
        """Where the share meets a target first; None if it does not."""
        from scipy.optimize import brentq
        from scipy.special import ndtri

        # Kept, because a climb from elsewhere may reach another top, and the search needs one answer.
        @cache
        def miss(value: float) -> float:
            return self.share(value, is_thorough=is_thorough) - target

        self.latest = self.tops.point.weights
        # The same places as in the profile of one table, so that both meet the same end.
        inner, outer = self.center, self.center + float(ndtri(target)) * self.error
        while miss(outer) * sign < 0:
            inner, outer = outer, outer + (outer - self.center)
            if abs(outer - self.center) > FARTHEST * self.error:
                return None
        # A profile that is lost on the way leaves the end unknown, not wrong.
        try:
            end = float(np.asarray(brentq(miss, inner, outer, xtol=NEAR * self.error)))
        except ValueError:
            end = math.nan
        if abs(self.share(end) - target) < AT_TARGET:
            return end
        return None if is_thorough else self.find_end(target, sign, is_thorough=True)


def _combine_profiles(tops: Tops, place: int, term: PooledEstimate, level: float) -> PooledEstimate:
    """The term with the interval and P of the combined penalized likelihood profiles."""
    if term.estimate is None or term.standard_error is None:
        return term
    profile = _CombinedProfile(tops, place, term)
    low, high = profile.find_end((1 - level) / 2, -1.0), profile.find_end((1 + level) / 2, 1.0)
    below = profile.share(0.0)
    if profile.has_higher:
        return _refuse(term, "in some imputation " + HIGHER_TOP)
    p_value = None if math.isnan(below) else 2 * min(below, 1 - below)
    ends = zip(("lower", "upper"), (low, high), strict=True)
    notes = [f"the {word} end of the interval was not found" for word, end in ends if end is None]
    notes += ["no P: a profile did not converge"] if p_value is None else []
    return replace(term, low=low, high=high, p_value=p_value, note="; ".join(notes))


def _refuse(term: PooledEstimate, why: str) -> PooledEstimate:
    """The term without any number."""
    numbers = (one.name for one in fields(term) if one.name not in ("imputations", "status", "note"))
    return replace(term, **dict.fromkeys(numbers), status="not_estimable", note=why)


def _settle(tops: Tops) -> tuple[Tops, NDArray[np.bool_]]:
    """The highest top of each table, and at which weights another one as high is elsewhere."""
    weights = tops.point.weights.copy()
    is_ambiguous = np.zeros(weights.shape[1], dtype=np.bool_)
    errors = np.sqrt(np.diagonal(np.linalg.pinv(tops.point.information, hermitian=True), axis1=1, axis2=2))
    for table, columns in enumerate(tops.columns):
        problem = LogisticProblem(columns, tops.marks, np.eye(columns.shape[1]), is_penalized=True)
        best = problem.evaluate(weights[table]) if tops.is_done[table] else None
        starts = [] if best is None else problem.list_starts(best)
        others = [top for top in (climb(problem, start) for start in starts) if top is not None]
        highest = max(filter(None, [best, *others]), key=lambda top: top.log_likelihood, default=None)
        if best is None or highest is None:
            continue
        if highest.log_likelihood > best.log_likelihood + HIGHER:
            weights[table], best = highest.weights, highest
        for top in others:
            if top.log_likelihood >= best.log_likelihood - HIGHER:
                is_ambiguous |= np.abs(top.weights - best.weights) > ELSEWHERE * errors[table]
    if (weights == tops.point.weights).all():
        return tops, is_ambiguous
    point, is_done = climb_together(tops.columns, tops.marks, start=weights)
    return replace(tops, point=point, is_done=is_done), is_ambiguous
