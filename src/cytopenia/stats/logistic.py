"""Logistic regression by maximum likelihood and by Firth's penalized likelihood. Knows no patients."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError, suggest_name
from cytopenia.stats.separation import explain_design, explain_separation, require_design, scale_columns

__all__ = ["LogisticFit", "LogisticTerm", "fit_logistic"]

Numbers = NDArray[np.float64]

METHODS = ("maximum_likelihood", "firth")
INTERCEPT = "intercept"
# Of steps in standard errors, and of likelihoods relative to their size.
TOLERANCE = 1e-10
ROUNDING = 1e-13
MOST_STEPS = 100
MOST_HALVINGS = 30
# One step moves no standardized coefficient further, as in logistf.
LONGEST_STEP = 5.0
# So much higher than the top found, a point belongs to another top; so often the climb begins anew.
HIGHER = 1e-6
MOST_TOPS = 5
# Up to so many rows their products in pairs are the faster way.
FEW_ROWS = 1000
# Standard errors from the estimate within which an end of a profile interval is looked for.
FARTHEST = 1e4
# A root of the likelihood ratio that no target reaches; so near to its target it has met it.
BEYOND = 1e9
AT_TARGET = 1e-6
# exp() of a larger number is no odds ratio anybody can print.
LARGEST_LOG = 50.0
# Above this standard error, per standard deviation of the column, the data say nothing about a coefficient.
LARGEST_ERROR = 1e4
NO_TOP = "the fit did not converge: the columns nearly separate the event or nearly repeat each other"
SEVERAL_TOPS = (
    "the penalized likelihood has several tops; the highest found is given, single rows weigh heavily"
)


@dataclass(frozen=True)
class LogisticTerm:
    """One coefficient and its odds ratio; None where not estimable.

    Attributes
    ----------
    coefficient, standard_error : float or None
        Log odds per unit of the column.
    odds_ratio, low, high, p_value : float or None
        Wald with maximum likelihood, penalized likelihood ratio with Firth: limits and P from one statistic.
    status, note : str
        `ok` or `not_estimable`; why, or what a reader must know.
    """

    name: str
    coefficient: float | None
    standard_error: float | None
    odds_ratio: float | None
    low: float | None
    high: float | None
    p_value: float | None
    status: str
    note: str


@dataclass(frozen=True)
class LogisticFit:
    """A logistic regression.

    Attributes
    ----------
    terms : tuple of LogisticTerm
        In the order of the columns.
    log_likelihood : float or None
        With Firth the penalized one, half the log determinant of the information added.
    status, note : str
        `ok` or `not_estimable`; why, or what a reader must know.
    """

    method: str
    terms: tuple[LogisticTerm, ...]
    intercept: LogisticTerm | None
    n: int
    events: int
    log_likelihood: float | None
    status: str
    note: str


@dataclass(frozen=True)
class _Problem:
    """Standardized columns, the intercept's first; `back` @ their coefficients are those of the user."""

    columns: Numbers
    event: Numbers
    back: Numbers
    is_penalized: bool


@dataclass(frozen=True)
class _Point:
    """Where a climb stands."""

    weights: Numbers
    log_likelihood: float
    score: Numbers
    information: Numbers
    chance: Numbers
    factor: Numbers


def fit_logistic(
    design: ArrayLike,
    event: ArrayLike,
    *,
    names: Sequence[str],
    method: str = "maximum_likelihood",
    level: float = 0.95,
) -> LogisticFit:
    """Return the logistic regression of an event on columns; an intercept is added.

    Parameters
    ----------
    design : array of float, rows by columns, without the column of the intercept
        Complete rows only. Columns are standardized inside; results are per unit of the column.
    event : array of 0 and 1
    names : sequence of str
        One for every column.
    method : {"maximum_likelihood", "firth"}
        "maximum_likelihood" with Wald interval and P. "firth" with the interval from the profile of the
        penalized likelihood and P from its ratio.
    level : float
        Of the intervals.

    Returns
    -------
    LogisticFit
        Not estimable, with the reason in words: no rows, nobody or everybody with the event, no more rows
        than coefficients, columns that are constant or repeat others; with maximum likelihood also
        separation. A limit or an odds ratio that does not exist or cannot be printed is None with a note.

    Raises
    ------
    DataError
        A number is missing or infinite, the event is not 0 or 1, shapes or names do not fit, or an option is
        unknown.

    Notes
    -----
    Newton's method with step halving, to 1e-10. Same as `glm(family = binomial)` of R 4.2 with
    `confint.default`, and as `firthmodels` 0.8, to 1e-6. Standard errors are from the inverse of Fisher's
    information, also with Firth's method (logistf and firthmodels may add the leverages to it).

    References
    ----------
    Firth, Biometrika 1993;80:27-38. DOI 10.1093/biomet/80.1.27.
    Heinze and Schemper, Statistics in Medicine 2002;21:2409-2419. DOI 10.1002/sim.1047.

    Examples
    --------
    Hemoglobin at or above a cut and recovery; Qiu et al. 2023, Table III (DOI 10.3892/ol.2023.13924):

    >>> above = [1] * 26 + [0] * 13 + [1] * 4 + [0] * 17
    >>> recovered = [1] * 39 + [0] * 21
    >>> term = fit_logistic(np.array([above]).T, recovered, names=["hemoglobin"]).terms[0]
    >>> [round(x, 3) for x in (term.odds_ratio, term.low, term.high, term.p_value)]
    [8.5, 2.371, 30.466, 0.001]
    """
    columns, has_event = require_design(design, event, names=names)
    _require_options(method, level)
    marks = has_event.astype(np.float64)
    reason = explain_design(columns, has_event, names)
    if not reason and method == "maximum_likelihood":
        reason = explain_separation(columns, has_event, names)
    problem = None if reason else _standardize(columns, marks, is_penalized=method == "firth")
    found = problem and _find_top(problem, [INTERCEPT, *names], level)
    n, events = marks.size, int(marks.sum())
    if not problem or not found:
        note = reason or NO_TOP
        nothing = (LogisticTerm(x, None, None, None, None, None, None, "not_estimable", note) for x in names)
        return LogisticFit(method, tuple(nothing), None, n, events, None, "not_estimable", note)
    best, (intercept, *terms), note = found
    height = best.log_likelihood
    if problem.is_penalized:
        # The determinant is told in the units of the user.
        height -= float(np.log(np.diag(problem.back)).sum())
    return LogisticFit(method, tuple(terms), intercept, n, events, height, "ok", note)


def _require_options(method: str, level: float) -> None:
    if method not in METHODS:
        raise DataError(
            f"method: unknown '{method}'{suggest_name(method, METHODS)}; allowed: {', '.join(METHODS)}"
        )
    if not 0 < level < 1:
        raise DataError(f"level: {level:g} is not between 0 and 1")


def _standardize(columns: Numbers, marks: Numbers, *, is_penalized: bool) -> _Problem:
    scaled, means, spreads = scale_columns(columns)
    back = np.diag(np.concatenate([[1.0], 1.0 / spreads]))
    back[0, 1:] = -means / spreads
    return _Problem(np.column_stack([np.ones(marks.size), scaled]), marks, back, is_penalized)


def _evaluate(problem: _Problem, weights: Numbers) -> _Point | None:
    """Log-likelihood, score and curvature at some weights; None where the information is lost."""
    eta = problem.columns @ weights
    chance = np.exp(-np.logaddexp(0.0, -eta))
    spread = np.exp(-np.logaddexp(0.0, -eta) - np.logaddexp(0.0, eta))
    value = -float(np.logaddexp(0.0, (1.0 - 2.0 * problem.event) * eta).sum())
    weighted = problem.columns * np.sqrt(spread)[:, np.newaxis]
    rest, factor = problem.event - chance, weighted
    if problem.is_penalized:
        factor, triangle = np.linalg.qr(weighted)
        diagonal = np.abs(np.diag(triangle))
        if not diagonal.all():
            return None
        value += float(np.log(diagonal).sum())
        rest = rest + np.sum(factor**2, axis=1) * (0.5 - chance)
    return _Point(weights, value, problem.columns.T @ rest, weighted.T @ weighted, chance, factor)


def _curve_penalty(columns: Numbers, point: _Point) -> Numbers:
    """Minus the second derivative of half the log determinant of the information."""
    factor, chance = point.factor, point.chance
    leverage = np.sum(factor**2, axis=1)
    own = columns.T @ (columns * (leverage * (1.0 - 6.0 * chance * (1.0 - chance)))[:, np.newaxis])
    tilted = columns * (1.0 - 2.0 * chance)[:, np.newaxis]
    if chance.size <= FEW_ROWS:
        return (tilted.T @ (factor @ factor.T) ** 2 @ tilted - own) / 2.0
    turned = np.stack([(factor * column[:, np.newaxis]).T @ factor for column in tilted.T])
    return (np.tensordot(turned, turned, axes=([1, 2], [1, 2])) - own) / 2.0


def _find_top(
    problem: _Problem, names: Sequence[str], level: float
) -> tuple[_Point, list[LogisticTerm], str] | None:
    """The top, its terms and a note; the climb begins anew where a profile has seen a higher point."""
    from scipy.special import ndtri

    quantile = float(ndtri((1 + level) / 2))
    best, note = _climb(problem), ""
    for _ in range(MOST_TOPS):
        if best is None:
            return None
        terms: list[LogisticTerm] = []
        higher = best
        for place, name in enumerate(names):
            profile = _Profile(problem, best, place)
            if profile.error > LARGEST_ERROR:
                return None
            describe = profile.describe_by_ratio if problem.is_penalized else profile.describe_by_wald
            terms.append(describe(name, quantile))
            higher = max(higher, profile.highest, key=lambda point: point.log_likelihood)
        if higher.log_likelihood <= best.log_likelihood + HIGHER:
            return best, terms, note
        best, note = _climb(problem, higher.weights), SEVERAL_TOPS
    return None


def _climb(problem: _Problem, start: Numbers | None = None, free: Numbers | None = None) -> _Point | None:
    """The top of the likelihood over the free directions (all if None); None if it is not reached."""
    size = problem.columns.shape[1]
    free = np.eye(size) if free is None else free
    point = _evaluate(problem, np.zeros(size) if start is None else start)
    for _ in range(MOST_STEPS):
        if point is None:
            return None
        slope = free.T @ point.score
        information = free.T @ point.information @ free
        curve = free.T @ _curve_penalty(problem.columns, point) @ free if problem.is_penalized else 0.0
        step = _aim_step(information + curve, information, slope)
        if step is None:
            return None
        # The squared length of the step in standard errors; the same in all units.
        if float(slope @ step) <= TOLERANCE**2:
            return point
        point = _step(problem, point, free @ step)
    return None


def _aim_step(curvature: Numbers, information: Numbers, slope: Numbers) -> Numbers | None:
    """Newton's step; Fisher's where the likelihood is not curved like a hill; None if there is neither."""
    for matrix in (curvature, information):
        try:
            np.linalg.cholesky(matrix)
            return np.asarray(np.linalg.solve(matrix, slope), dtype=np.float64)
        except np.linalg.LinAlgError:
            continue
    return None


def _step(problem: _Problem, point: _Point, step: Numbers) -> _Point | None:
    """The next point: the step is halved until it does not lead down."""
    step = step * min(1.0, LONGEST_STEP / float(np.abs(step).max()))
    lowest = point.log_likelihood - ROUNDING * (1.0 + abs(point.log_likelihood))
    for _ in range(MOST_HALVINGS):
        nearer = _evaluate(problem, point.weights + step)
        if nearer is not None and nearer.log_likelihood >= lowest:
            return nearer
        step = step / 2
    return None


class _Profile:
    """The likelihood with one coefficient held and the others at their best.

    The penalty stays that of all columns, as in logistf.
    """

    def __init__(self, problem: _Problem, best: _Point, place: int) -> None:
        self.problem, self.best, self.highest, self.latest = problem, best, best, best
        # The largest number first, because its square may be too large to be held.
        largest = float(np.abs(problem.back[place]).max())
        self.unit = largest * float(np.linalg.norm(problem.back[place] / largest))
        self.direction = problem.back[place] / self.unit
        self.center = float(self.direction @ best.weights)
        inverse = np.linalg.solve(best.information, self.direction)
        self.error = math.sqrt(float(self.direction @ inverse))
        # Where the others go, to first order, if this coefficient is moved by one.
        self.path = inverse / self.error**2
        self.free = np.linalg.qr(self.direction[:, np.newaxis], mode="complete")[0][:, 1:]

    def describe_by_wald(self, name: str, quantile: float) -> LogisticTerm:
        from scipy.special import ndtr

        limits = (-quantile * self.error, quantile * self.error)
        return self._finish(name, limits, 2.0 * float(ndtr(-abs(self.center) / self.error)))

    def describe_by_ratio(self, name: str, quantile: float) -> LogisticTerm:
        from scipy.special import ndtr

        root = abs(self.measure(0.0))
        limits = (self.find_limit(-quantile), self.find_limit(quantile))
        return self._finish(name, limits, None if root >= BEYOND else 2.0 * float(ndtr(-root)))

    def measure(self, value: float, *, is_thorough: bool = True) -> float:
        """The signed root of the likelihood ratio at a value; beyond every target where no top is reached."""
        # Where single rows weigh heavily there are several tops; thorough is the highest of three climbs.
        origins = [self.latest.weights, self.best.weights, 0.0 * self.direction][: 3 if is_thorough else 1]
        starts = [origin + (value - float(self.direction @ origin)) * self.path for origin in origins]
        points = [_climb(self.problem, start, self.free) for start in starts]
        top = max((point for point in points if point), key=lambda point: point.log_likelihood, default=None)
        if top is None:
            return math.copysign(BEYOND, value - self.center)
        self.latest = top
        self.highest = max(self.highest, top, key=lambda point: point.log_likelihood)
        ratio = max(0.0, 2.0 * (self.best.log_likelihood - top.log_likelihood))
        return math.copysign(math.sqrt(ratio), value - self.center)

    def find_limit(self, target: float, *, is_thorough: bool = False) -> float | None:
        """How far from the estimate the signed root meets the target first; None if it does not."""
        from scipy.optimize import brentq

        # Kept, because a climb from elsewhere may reach another top, and the search needs one answer.
        @cache
        def miss(away: float) -> float:
            return self.measure(self.center + away, is_thorough=is_thorough) - target if away else -target

        self.latest = self.best
        inner, outer = 0.0, target * self.error
        while abs(miss(outer) + target) < abs(target):
            inner, outer = outer, 2.0 * outer
            if abs(outer) > FARTHEST * self.error:
                return None
        distance = float(np.asarray(brentq(miss, inner, outer, xtol=TOLERANCE * self.error)))
        if abs(self.measure(self.center + distance) - target) < AT_TARGET:
            return distance
        return None if is_thorough else self.find_limit(target, is_thorough=True)

    def _finish(
        self, name: str, limits: tuple[float | None, float | None], p_value: float | None
    ) -> LogisticTerm:
        """The term with its odds ratio; what does not exist or cannot be printed is None, with a note."""
        moved = [None if away is None else (self.center + away) * self.unit for away in (0.0, *limits)]
        ratio, low, high = (_exponentiate(log) for log in moved)
        ends = zip(("lower", "upper"), limits, strict=True)
        notes = [f"the {word} end of the interval was not found" for word, limit in ends if limit is None]
        notes += ["no P: the fit without this term did not converge"] if p_value is None else []
        if [ratio, low, high].count(None) > limits.count(None):
            notes.append("an odds ratio per unit is too large or too small to print; use another unit")
        status = "not_estimable" if ratio is None else "ok"
        coefficient, error = self.center * self.unit, self.error * self.unit
        return LogisticTerm(name, coefficient, error, ratio, low, high, p_value, status, "; ".join(notes))


def _exponentiate(log: float | None) -> float | None:
    return None if log is None or abs(log) > LARGEST_LOG else math.exp(log)
