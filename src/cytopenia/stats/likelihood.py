"""The top of a likelihood, and its profile along a direction: intervals and P from one statistic."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cytopenia.errors import DataError, suggest_name
from cytopenia.stats.printable_odds import OTHER_UNIT, exponentiate, say_open_ends

__all__ = [
    "ELSEWHERE",
    "EQUAL_TOPS",
    "HIGHER",
    "INTERVALS",
    "NO_TOP",
    "LogisticTerm",
    "Point",
    "Problem",
    "Profile",
    "climb",
    "correlate",
    "find_free",
    "find_top",
    "require_choice",
    "require_level",
]

Numbers = NDArray[np.float64]

INTERVALS = ("wald", "profile")
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
# Standard errors from the estimate within which an end of a profile interval is looked for.
FARTHEST = 1e4
# A root of the likelihood ratio that no target reaches; so near to its target it has met it.
BEYOND = 1e9
AT_TARGET = 1e-6
# Tops of the same height are different ones where a coefficient differs by so many standard errors.
ELSEWHERE = 1e-3
# Above this standard error, per standard deviation of the column, the data say nothing about a coefficient.
LARGEST_ERROR = 1e4
NO_TOP = "the fit did not converge: the columns nearly separate the event or nearly repeat each other"
EQUAL_TOPS = "the penalized likelihood has two equal tops: there is no unique estimate"
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
        Limits and P from one statistic: Wald's, or the ratio of the (penalized) likelihoods.
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
class Point:
    """Where a climb stands; `extra` is what a penalty needs there."""

    weights: Numbers
    log_likelihood: float
    score: Numbers
    information: Numbers
    extra: tuple[Numbers, ...] = ()


class Problem(Protocol):
    """A likelihood of weights on an inner scale; `back` @ weights are the coefficients of the user."""

    @property
    def back(self) -> Numbers:
        """Rows: coefficients of the user; columns: inner weights."""
        ...

    @property
    def start(self) -> Numbers:
        """Where climbs begin."""
        ...

    def evaluate(self, weights: Numbers) -> Point | None:
        """Return the likelihood with its slope and curvature; None where it cannot be told."""
        ...

    def curve(self, point: Point) -> Numbers | None:
        """Return what is added to the information to make the curvature; None if nothing is."""
        ...

    def list_starts(self, best: Point) -> Sequence[Numbers]:
        """Return where another top may be climbed from; empty where there is but one top."""
        ...


def require_choice(name: str, value: str, allowed: Sequence[str]) -> str:
    """Return an option; raise if it is not one of the allowed ones.

    Raises
    ------
    DataError

    Examples
    --------
    >>> require_choice("interval", "wald", INTERVALS)
    'wald'
    """
    if value not in allowed:
        raise DataError(
            f"{name}: unknown '{value}'{suggest_name(value, allowed)}; allowed: {', '.join(allowed)}"
        )
    return value


def require_level(level: float) -> float:
    """Return the level of an interval; raise if it is not between 0 and 1.

    Raises
    ------
    DataError

    Examples
    --------
    >>> require_level(0.95)
    0.95
    """
    if not 0 < level < 1:
        raise DataError(f"level: {level:g} is not between 0 and 1")
    return level


def find_top(
    problem: Problem,
    rows: Sequence[tuple[str, Numbers]],
    *,
    interval: str,
    level: float,
    levels: Container[str] = (),
) -> tuple[Point, list[LogisticTerm], str] | None:
    """Return the top, the terms along some directions, and a note; None where no top is reached.

    Parameters
    ----------
    problem : Problem
    rows : sequence of (name, array)
        Each row times the inner weights is one coefficient of the user.
    interval : {"wald", "profile"}
        The statistic of limits and P.
    level : float
    levels : names, optional
        The terms that are levels, columns of 0 and 1: of them no odds ratio beyond a million is given.

    Notes
    -----
    The climb begins anew where a profile, or a climb from its ends or from a mirrored top, has seen a higher
    point. A term that differs between tops of the same height is not estimable.
    """
    from scipy.special import ndtri

    quantile = float(ndtri((1 + level) / 2))
    best, note = climb(problem), ""
    for _ in range(MOST_TOPS):
        if best is None:
            return None
        profiles = [Profile(problem, best, row, is_level=name in levels) for name, row in rows]
        if any(profile.error > LARGEST_ERROR for profile in profiles):
            return None
        terms = [
            profile.describe_by_ratio(name, quantile)
            if interval == "profile"
            else profile.describe_by_wald(name, quantile)
            for profile, (name, _) in zip(profiles, rows, strict=True)
        ]
        tops = _climb_elsewhere(problem, best, profiles)
        seen = [best, *tops, *(profile.highest for profile in profiles)]
        higher = max(seen, key=lambda point: point.log_likelihood)
        if higher.log_likelihood <= best.log_likelihood + HIGHER:
            return best, *_drop_ambiguous(terms, profiles, tops, note)
        best, note = climb(problem, higher.weights), SEVERAL_TOPS
    return None


def _climb_elsewhere(problem: Problem, best: Point, profiles: Sequence[Profile]) -> list[Point]:
    """The tops reached from mirrored ones and from the ends of the profiles."""
    starts = list(problem.list_starts(best))
    if starts:
        starts += [point.weights for profile in profiles for point in profile.ends]
    return [top for top in (climb(problem, start) for start in starts) if top is not None]


def _drop_ambiguous(
    terms: list[LogisticTerm], profiles: Sequence[Profile], tops: Sequence[Point], note: str
) -> tuple[list[LogisticTerm], str]:
    """The terms and the note; a term that is elsewhere at another top of the same height has no estimate."""
    for place, profile in enumerate(profiles):
        if any(profile.is_elsewhere(top) for top in tops):
            nothing = (None, None, None, None, None, None, "not_estimable", EQUAL_TOPS)
            terms[place], note = LogisticTerm(terms[place].name, *nothing), EQUAL_TOPS
    return terms, note


def correlate(problem: Problem, best: Point) -> Numbers:
    """Return the correlations of the user's coefficients, by the inverse of the information."""
    # Each row by its largest number, so that no product is too large or too small to be held.
    rows = problem.back / np.abs(problem.back).max(axis=1, keepdims=True)
    spread = rows @ np.linalg.solve(best.information, rows.T)
    errors = np.sqrt(np.diag(spread))
    return np.asarray(spread / np.outer(errors, errors), dtype=np.float64)


def find_free(directions: Numbers) -> Numbers:
    """Return a basis of everything at right angles to some directions (one per column).

    Examples
    --------
    >>> find_free(np.array([[1.0], [0.0]])).shape
    (2, 1)
    """
    return np.linalg.qr(directions, mode="complete")[0][:, directions.shape[1] :]


def climb(problem: Problem, start: Numbers | None = None, free: Numbers | None = None) -> Point | None:
    """Return the top of the likelihood over the free directions (all if None); None if it is not reached."""
    start = problem.start if start is None else start
    free = np.eye(len(start)) if free is None else free
    point = problem.evaluate(start)
    for _ in range(MOST_STEPS):
        if point is None:
            return None
        slope = free.T @ point.score
        information = free.T @ point.information @ free
        more = problem.curve(point)
        curvature = information if more is None else information + free.T @ more @ free
        step = _aim_step(curvature, information, slope)
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


def _step(problem: Problem, point: Point, step: Numbers) -> Point | None:
    """The next point: the step is halved until it does not lead down."""
    step = step * min(1.0, LONGEST_STEP / float(np.abs(step).max()))
    lowest = point.log_likelihood - ROUNDING * (1.0 + abs(point.log_likelihood))
    for _ in range(MOST_HALVINGS):
        nearer = problem.evaluate(point.weights + step)
        if nearer is not None and nearer.log_likelihood >= lowest:
            return nearer
        step = step / 2
    return None


class Profile:
    """The likelihood with one coefficient held and the others at their best.

    A penalty stays that of all columns, as in logistf. `row` times the inner weights is the coefficient.
    """

    def __init__(self, problem: Problem, best: Point, row: Numbers, *, is_level: bool = False) -> None:
        self.is_level = is_level
        self.problem, self.best, self.highest, self.latest = problem, best, best, best
        # Where the others are at their best with the coefficient at zero and at the ends.
        self.ends: list[Point] = []
        # The largest number first, because its square may be too large to be held.
        largest = float(np.abs(row).max())
        self.unit = largest * float(np.linalg.norm(row / largest))
        self.direction = row / self.unit
        self.center = float(self.direction @ best.weights)
        inverse = np.linalg.solve(best.information, self.direction)
        self.error = math.sqrt(float(self.direction @ inverse))
        # Where the others go, to first order, if this coefficient is moved by one.
        self.path = inverse / self.error**2
        self.free = find_free(self.direction[:, np.newaxis])

    def describe_by_wald(self, name: str, quantile: float) -> LogisticTerm:
        """Return the term with limits and P from the standard error."""
        from scipy.special import ndtr

        limits = (-quantile * self.error, quantile * self.error)
        return self._finish(name, limits, 2.0 * float(ndtr(-abs(self.center) / self.error)))

    def describe_by_ratio(self, name: str, quantile: float) -> LogisticTerm:
        """Return the term with limits and P from the ratio of likelihoods."""
        from scipy.special import ndtr

        root = abs(self.measure(0.0))
        self.ends.append(self.latest)
        limits: list[float | None] = []
        for target in (-quantile, quantile):
            limits.append(self.find_limit(target))
            self.ends.append(self.latest)
        return self._finish(name, limits, None if root >= BEYOND else 2.0 * float(ndtr(-root)))

    def is_elsewhere(self, top: Point) -> bool:
        """Whether another top is as high, and the coefficient there another one."""
        away = abs(float(self.direction @ top.weights) - self.center)
        return top.log_likelihood >= self.best.log_likelihood - HIGHER and away > ELSEWHERE * self.error

    def measure(self, value: float, *, is_thorough: bool = True) -> float:
        """The signed root of the likelihood ratio at a value; beyond every target where no top is reached."""
        # Where single rows weigh heavily there are several tops; thorough is the highest of three climbs.
        origins = [self.latest.weights, self.best.weights, self.problem.start][: 3 if is_thorough else 1]
        starts = [origin + (value - float(self.direction @ origin)) * self.path for origin in origins]
        points = [climb(self.problem, start, self.free) for start in starts]
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

    def _finish(self, name: str, limits: Sequence[float | None], p_value: float | None) -> LogisticTerm:
        """The term with its odds ratio; what does not exist or cannot be printed is None, with a note."""
        moved = [None if away is None else (self.center + away) * self.unit for away in (0.0, *limits)]
        ratio, low, high = (exponentiate(log, is_level=self.is_level) for log in moved)
        ends = zip(("lower", "upper"), limits, strict=True)
        notes = [f"the {word} end of the interval was not found" for word, limit in ends if limit is None]
        notes += ["no P: the fit without this term did not converge"] if p_value is None else []
        notes += [say_open_ends(*moved[1:], is_level=self.is_level)] if ratio is not None else []
        if [ratio, low, high].count(None) > limits.count(None):
            notes.append(OTHER_UNIT)
        status = "not_estimable" if ratio is None else "ok"
        coefficient, error = self.center * self.unit, self.error * self.unit
        said = "; ".join(filter(None, notes))
        return LogisticTerm(name, coefficient, error, ratio, low, high, p_value, status, said)
