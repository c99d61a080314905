"""Proportional odds: one odds ratio for every step of an ordered grade."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.likelihood import (
    INTERVALS,
    NO_TOP,
    LogisticTerm,
    Point,
    correlate,
    find_top,
    require_choice,
    require_level,
)
from cytopenia.stats.logistic import explain_logistic, explain_scarce, list_levels
from cytopenia.stats.model_tests import JointTest, compare_problem
from cytopenia.stats.separation import detect_separation, explain_design, require_design, scale_columns

__all__ = [
    "OrdinalFit",
    "OrdinalProblem",
    "compare_ordinal_terms",
    "estimate_ordinal_contrasts",
    "find_places",
    "find_slopes",
    "fit_ordinal",
    "lay_out_grades",
]

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class OrdinalFit:
    """A proportional-odds model.

    Attributes
    ----------
    terms : tuple of LogisticTerm
        In the order of the columns; above 1: higher grades.
    levels : tuple of float
        The grades that occur, ascending.
    counts : tuple of int
        Rows of each.
    thresholds : tuple of float
        One between each grade and the next: the log odds of being no higher where every column is 0.
    n : int
    log_likelihood : float or None
    status, note : str
        `ok` or `not_estimable`; why.
    interval : str
        The statistic of limits and P: `wald` or `profile`.
    correlation : array of float or None
        Of the estimates of the terms.
    """

    terms: tuple[LogisticTerm, ...]
    levels: tuple[float, ...]
    counts: tuple[int, ...]
    thresholds: tuple[float, ...]
    n: int
    log_likelihood: float | None
    status: str
    note: str
    interval: str
    correlation: Numbers | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Slopes:
    """Slope and curvature of each row's log chance in its upper and its lower threshold."""

    log_chance: Numbers
    upper: Numbers
    lower: Numbers
    upper_upper: Numbers
    lower_lower: Numbers
    upper_lower: Numbers


@dataclass(frozen=True)
class OrdinalProblem:
    """Standardized columns and the place of each row's grade; thresholds first among the weights."""

    columns: Numbers
    place: Places
    back: Numbers

    @property
    def steps(self) -> int:
        """Number of thresholds."""
        return int(self.place.max())

    @property
    def start(self) -> Numbers:
        """Thresholds where the shares of the grades put them, without any column."""
        below = np.cumsum(np.bincount(self.place))[:-1] / len(self.place)
        return np.concatenate([np.log(below / (1.0 - below)), np.zeros(self.columns.shape[1])])

    def evaluate(self, weights: Numbers) -> Point | None:
        """Log-likelihood, score and observed information; None where the thresholds do not rise."""
        thresholds = weights[: self.steps]
        if not (np.diff(thresholds) > 0).all():
            return None
        eta = self.columns @ weights[self.steps :]
        found = find_slopes(thresholds, eta, self.place)
        upper, lower = self._list_rows(self.place), self._list_rows(self.place - 1)
        score = upper.T @ found.upper + lower.T @ found.lower
        cross = upper.T @ (lower * found.upper_lower[:, np.newaxis])
        curvature = (
            upper.T @ (upper * found.upper_upper[:, np.newaxis])
            + lower.T @ (lower * found.lower_lower[:, np.newaxis])
            + cross
            + cross.T
        )
        return Point(weights, float(found.log_chance.sum()), score, -curvature)

    def curve(self, point: Point) -> None:
        """Nothing is penalized."""

    def list_starts(self, best: Point) -> list[Numbers]:  # noqa: ARG002 - the protocol's
        """None: the likelihood is concave."""
        return []

    def _list_rows(self, step: Places) -> Numbers:
        """How each weight moves the distance of a row from one of its thresholds; 0 where there is none."""
        is_there = (step >= 0) & (step < self.steps)
        marks = (step[:, np.newaxis] == np.arange(self.steps)).astype(np.float64)
        return np.column_stack([marks, -self.columns * is_there[:, np.newaxis]])


def find_slopes(thresholds: Numbers, eta: Numbers, place: Places) -> Slopes:
    """Return slope and curvature of each row's log chance at rising thresholds.

    Examples
    --------
    >>> find_slopes(np.array([0.0]), np.array([0.0]), np.array([1])).log_chance.round(4).tolist()
    [-0.6931]
    """
    ends = np.concatenate([[-np.inf], thresholds, [np.inf]])
    lower, upper = ends[place] - eta, ends[place + 1] - eta
    # F(u) - F(l) = F(u) F(-l) (1 - exp(l - u)): no difference of nearly equal chances.
    log_chance = -np.logaddexp(0.0, -upper) - np.logaddexp(0.0, lower) + np.log(-np.expm1(lower - upper))
    ratio = np.exp(lower - upper)
    near = ratio / -np.expm1(lower - upper)
    bend = near * (1.0 + near)
    above_upper, below_lower = np.exp(-np.logaddexp(0.0, upper)), np.exp(-np.logaddexp(0.0, -lower))
    return Slopes(
        log_chance,
        above_upper + near,
        -below_lower - near,
        -above_upper * (1.0 - above_upper) - bend,
        -below_lower * (1.0 - below_lower) - bend,
        bend,
    )


def fit_ordinal(
    design: ArrayLike,
    grade: ArrayLike,
    *,
    names: Sequence[str],
    interval: str = "wald",
    level: float = 0.95,
) -> OrdinalFit:
    """Return the proportional-odds model of an ordered grade on columns, by maximum likelihood.

    Parameters
    ----------
    design : array of float, rows by columns
        Complete rows only. Columns are standardized inside; results are per unit of the column.
    grade : array of float
        Only the order counts. A grade that nobody has is no level.
    names : sequence of str
        One for every column.
    interval : {"wald", "profile"}
        The one statistic of interval and P.
    level : float
        Of the intervals.

    Returns
    -------
    OrdinalFit
        Not estimable, with the reason in words: no rows, one grade only, columns that are constant or repeat
        others, no more rows than coefficients, and separation.

    Raises
    ------
    DataError
        A number is missing or infinite, shapes or names do not fit, or an option is unknown.

    Notes
    -----
    logit P(grade <= k) = threshold(k) - columns @ coefficients. Newton's method on the observed information,
    to 1e-10. Same as `lrm` of R's rms 6.5 and `polr` of MASS 7.3 to 1e-6 ("wald": `vcov`; "profile":
    likelihood ratio of nested fits). Of two grades it is `fit_logistic` by maximum likelihood.

    References
    ----------
    McCullagh, Journal of the Royal Statistical Society B 1980;42:109-142.
    DOI 10.1111/j.2517-6161.1980.tb01109.x.

    Examples
    --------
    >>> grade = [0] * 10 + [1] * 6 + [2] * 4 + [0] * 5 + [1] * 6 + [2] * 9
    >>> fit = fit_ordinal(np.repeat([[0.0], [1.0]], 20, axis=0), grade, names=["x"])
    >>> fit.levels, fit.counts, fit.terms[0].status
    ((0.0, 1.0, 2.0), (15, 12, 13), 'ok')
    """
    require_choice("interval", interval, INTERVALS)
    require_level(level)
    problem, grades, reason = lay_out_grades(design, grade, names)
    levels, counts = np.unique(grades, return_counts=True)
    shown = tuple(map(float, levels)), tuple(map(int, counts))
    found = None
    if problem is not None:
        rows = list(zip(names, problem.back[problem.steps :], strict=True))
        found = find_top(problem, rows, interval=interval, level=level, levels=list_levels(names, design))
    if problem is None or found is None:
        terms = tuple(explain_logistic(names, reason or NO_TOP))
        return OrdinalFit(terms, *shown, (), len(grades), None, "not_estimable", reason or NO_TOP, interval)
    best, terms, note = found
    terms = explain_scarce(terms, np.asarray(design, dtype=np.float64), None)
    thresholds = tuple(map(float, problem.back[: problem.steps] @ best.weights))
    correlation = correlate(problem, best)[problem.steps :, problem.steps :]
    height = best.log_likelihood
    return OrdinalFit(
        tuple(terms), *shown, thresholds, len(grades), height, "ok", note, interval, correlation
    )


def estimate_ordinal_contrasts(
    design: ArrayLike,
    grade: ArrayLike,
    *,
    names: Sequence[str],
    contrasts: Mapping[str, ArrayLike],
    interval: str = "wald",
) -> tuple[LogisticTerm, ...]:
    """Return the odds ratio between two rows of columns, as `estimate_contrasts` does of an event.

    Raises
    ------
    DataError
        As `fit_ordinal`; or a contrast has not one finite number for every column.

    Examples
    --------
    >>> grade = [0, 1, 2, 0, 1, 2, 0, 2]
    >>> columns = np.array([[1.0, 2, 3, 2, 1, 5, 4, 2]]).T
    >>> fit = fit_ordinal(columns, grade, names=["x"])
    >>> (term,) = estimate_ordinal_contrasts(columns, grade, names=["x"], contrasts={"of 2": [2]})
    >>> bool(np.isclose(term.coefficient, 2 * fit.terms[0].coefficient))
    True
    """
    require_choice("interval", interval, INTERVALS)
    problem, _, reason = lay_out_grades(design, grade, names)
    moved: list[tuple[str, Numbers]] = []
    for name, given in contrasts.items():
        steps = np.asarray(given, dtype=np.float64)
        if steps.shape != (len(names),) or not np.isfinite(steps).all():
            raise DataError(f"contrasts: '{name}' needs {len(names)} finite numbers, one for every column")
        if problem is not None and steps.any():
            moved.append((name, steps @ problem.back[problem.steps :]))
    found = find_top(problem, moved, interval=interval, level=0.95) if problem and moved else None
    terms = {term.name: term for term in (found[1] if found else ())}
    why = reason or ("the two sides are the same" if not moved else NO_TOP)
    return tuple(terms.get(name) or next(explain_logistic([name], why)) for name in contrasts)


def compare_ordinal_terms(
    design: ArrayLike, grade: ArrayLike, *, names: Sequence[str], tested: Sequence[str]
) -> JointTest:
    """Return the likelihood ratio test that some coefficients of a proportional-odds model are zero.

    Raises
    ------
    DataError
        As `fit_ordinal`; or `tested` names no column.

    Notes
    -----
    Same as `anova` of two `polr` fits of R's MASS, and as `lrtest` of rms; beside it Wald's test.

    Examples
    --------
    >>> grade = [0, 1, 2, 0, 1, 2, 0, 2]
    >>> columns = np.array([[1.0, 2, 3, 2, 1, 5, 4, 2]]).T
    >>> compare_ordinal_terms(columns, grade, names=["x"], tested=["x"]).degrees
    1
    """
    places = find_places(names, tested)
    problem, _, reason = lay_out_grades(design, grade, names)
    steps = 0 if problem is None else problem.steps
    return compare_problem(
        problem, [steps + place for place in places], method="likelihood_ratio", reason=reason
    )


def find_places(names: Sequence[str], tested: Sequence[str]) -> list[int]:
    """Return where the tested columns stand among all.

    Raises
    ------
    DataError
        None is named, one twice, or one that is no column.

    Examples
    --------
    >>> find_places(["a", "b"], ["b"])
    [1]
    """
    if not tested or len(set(tested)) < len(tested) or set(tested) - set(names):
        raise DataError(f"tested: name at least one column, each once; allowed: {', '.join(names)}")
    return [list(names).index(name) for name in tested]


def lay_out_grades(
    design: ArrayLike, grade: ArrayLike, names: Sequence[str]
) -> tuple[OrdinalProblem | None, Numbers, str]:
    """Return the standardized problem or None, the grades as numbers, and why nothing can be estimated.

    Examples
    --------
    >>> lay_out_grades([[1.0], [2.0]], [3, 3], ["x"])[2]
    'everybody has the same grade'
    """
    grades = np.asarray(grade, dtype=np.float64)
    if grades.ndim != 1 or not np.isfinite(grades).all():
        raise DataError("grade: give one finite number for every row")
    levels, place = np.unique(grades, return_inverse=True)
    columns, is_above = require_design(design, place > 0, names=names)
    if len(levels) < 2:
        return None, grades, "no complete row" if not len(grades) else "everybody has the same grade"
    reason = explain_design(columns, is_above, names)
    if not reason and len(grades) <= len(names) + len(levels) - 1:
        reason = f"{len(grades)} complete rows are too few for {len(names)} columns and {len(levels)} grades"
    reason = reason or _explain_separation(columns, place, names)
    if reason:
        return None, grades, reason
    scaled, means, spreads = scale_columns(columns)
    steps = len(levels) - 1
    back = np.diag(np.concatenate([np.ones(steps), 1.0 / spreads]))
    back[:steps, steps:] = means / spreads
    return OrdinalProblem(scaled, place.astype(np.int64), back), grades, ""


def _explain_separation(columns: Numbers, place: Places, names: Sequence[str]) -> str:
    """Which columns put every grade on its side of its thresholds, in words; empty if none do."""
    steps = int(place.max())
    # The step below a row's grade and the step above it; the others follow from these.
    pairs = [(row, step) for row in range(len(place)) for step in (place[row] - 1, place[row])]
    pairs = [(row, step) for row, step in pairs if 0 <= step < steps]
    marks = np.array([[float(step == other) for other in range(1, steps)] for _, step in pairs])
    stacked = np.column_stack([columns[[row for row, _ in pairs]], marks.reshape(len(pairs), steps - 1)])
    separation = detect_separation(stacked, np.array([place[row] > step for row, step in pairs]))
    terms = [names[term] for term in separation.terms if term < len(names)]
    if separation.kind == "none":
        return ""
    by = ", ".join(terms) or "the columns together"
    return (
        f"{by} {'separates' if len(terms) == 1 else 'separate'} the grades: "
        "maximum likelihood has no finite estimate"
    )
