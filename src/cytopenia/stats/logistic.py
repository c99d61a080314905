"""Logistic regression by maximum likelihood and by Firth's penalized likelihood. Knows no patients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.likelihood import (
    EQUAL_TOPS,
    INTERVALS,
    NO_TOP,
    LogisticTerm,
    Point,
    correlate,
    find_top,
    require_choice,
    require_level,
)
from cytopenia.stats.printable_odds import OTHER_UNIT
from cytopenia.stats.separation import explain_design, explain_separation, require_design, scale_columns

__all__ = [
    "METHODS",
    "LogisticFit",
    "LogisticProblem",
    "LogisticTerm",
    "estimate_contrasts",
    "explain_logistic",
    "explain_scarce",
    "fit_logistic",
    "lay_out",
    "list_levels",
]

Numbers = NDArray[np.float64]

METHODS = ("maximum_likelihood", "firth")
# The statistic of interval and P of each method, where none is named.
USUAL = {"maximum_likelihood": "wald", "firth": "profile"}
INTERCEPT = "intercept"
LEVEL = 0.95
# Up to so many rows their products in pairs are the faster way.
FEW_ROWS = 1000


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
    interval : str
        The statistic of limits and P: `wald` or `profile`.
    correlation : array of float or None
        Of the estimates, the intercept's first, by the inverse of Fisher's information.
    """

    method: str
    terms: tuple[LogisticTerm, ...]
    intercept: LogisticTerm | None
    n: int
    events: int
    log_likelihood: float | None
    status: str
    note: str
    interval: str = ""
    correlation: Numbers | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class LogisticProblem:
    """Standardized columns, the intercept's first; `back` @ their coefficients are those of the user."""

    columns: Numbers
    event: Numbers
    back: Numbers
    is_penalized: bool

    @property
    def start(self) -> Numbers:
        """Climbs begin where every chance is one half."""
        return np.zeros_like(self.columns[0])

    def evaluate(self, weights: Numbers) -> Point | None:
        """Log-likelihood, score and curvature at some weights; None where the information is lost."""
        eta = self.columns @ weights
        chance = np.exp(-np.logaddexp(0.0, -eta))
        spread = np.exp(-np.logaddexp(0.0, -eta) - np.logaddexp(0.0, eta))
        value = -float(np.logaddexp(0.0, (1.0 - 2.0 * self.event) * eta).sum())
        weighted = self.columns * np.sqrt(spread)[:, np.newaxis]
        rest, factor = self.event - chance, weighted
        if self.is_penalized:
            factor, triangle = np.linalg.qr(weighted)
            diagonal = np.abs(np.diag(triangle))
            if not diagonal.all():
                return None
            value += float(np.log(diagonal).sum())
            rest = rest + np.sum(factor**2, axis=1) * (0.5 - chance)
        return Point(weights, value, self.columns.T @ rest, weighted.T @ weighted, (chance, factor))

    def list_starts(self, best: Point) -> list[Numbers]:
        """The top with each column turned around; a level so that the mean log odds of who has it turn.

        Of two patients who alone have a level, one with the event, exactly that is a top as high.
        """
        if not self.is_penalized:
            return []
        starts: list[Numbers] = []
        eta = self.columns @ best.weights
        for place in range(1, len(best.weights)):
            column = self.columns[:, place]
            low, high = column.min(), column.max()
            turned = best.weights.copy()
            turned[place] *= -1.0
            starts.append(turned)
            if ((column == low) | (column == high)).all():
                starts += [self._turn(best.weights, place, column == end, eta) for end in (low, high)]
        return starts

    def _turn(self, weights: Numbers, place: int, is_side: NDArray[np.bool_], eta: Numbers) -> Numbers:
        """The weights with the mean log odds of one side of a level turned, those of the other kept."""
        column = self.columns[:, place]
        inside, outside = float(column[is_side][0]), float(column[~is_side][0])
        change = -2.0 * float(eta[is_side].mean()) / (inside - outside)
        turned = weights.copy()
        turned[place] += change
        turned[0] -= change * outside
        return turned

    def curve(self, point: Point) -> Numbers | None:
        """Minus the second derivative of half the log determinant of the information."""
        if not self.is_penalized:
            return None
        chance, factor = point.extra
        columns = self.columns
        leverage = np.sum(factor**2, axis=1)
        own = columns.T @ (columns * (leverage * (1.0 - 6.0 * chance * (1.0 - chance)))[:, np.newaxis])
        tilted = columns * (1.0 - 2.0 * chance)[:, np.newaxis]
        if chance.size <= FEW_ROWS:
            return (tilted.T @ (factor @ factor.T) ** 2 @ tilted - own) / 2.0
        turned = np.stack([(factor * column[:, np.newaxis]).T @ factor for column in tilted.T])
        return (np.tensordot(turned, turned, axes=([1, 2], [1, 2])) - own) / 2.0


def fit_logistic(
    design: ArrayLike,
    event: ArrayLike,
    *,
    names: Sequence[str],
    method: str = "maximum_likelihood",
    interval: str | None = None,
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
    interval : {"wald", "profile"}, optional
        The one statistic of interval and P. "wald": estimate and standard error. "profile": the profile of
        the likelihood (with Firth the penalized one) and the P of its ratio. Without it Wald with maximum
        likelihood and the profile with Firth.
    level : float
        Of the intervals.

    Returns
    -------
    LogisticFit
        Not estimable, with the reason in words: no rows, nobody or everybody with the event, no more rows
        than coefficients, columns that are constant or repeat others; with maximum likelihood also
        separation. A limit or an odds ratio that does not exist or is beyond what is printed (of a level a
        million, of a number a million million) is None with a note. With Firth a term that has another
        estimate at a second top of the penalized likelihood, equally high, is not estimable.

    Raises
    ------
    DataError
        A number is missing or infinite, the event is not 0 or 1, shapes or names do not fit, or an option is
        unknown.

    Notes
    -----
    Newton's method with step halving, to 1e-10. Same as `glm(family = binomial)` of R 4.2 with
    `confint.default` ("wald") and `drop1(test = "LRT")` ("profile"), and as `firthmodels` 0.8, to 1e-6. The
    "profile" limits are the roots themselves; `confint` of MASS interpolates between a few points of the
    profile and agrees to 1e-3. Standard errors are from the inverse of Fisher's
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
    problem, reason = lay_out(design, event, names=names, method=method)
    interval = require_choice("interval", interval or USUAL[method], INTERVALS)
    require_level(level)
    found = None
    if problem is not None:
        rows = list(zip([INTERCEPT, *names], problem.back, strict=True))
        levels = list_levels(names, design)
        found = find_top(problem, rows, interval=interval, level=level, levels=levels)
    size, events = np.shape(event)[0], int(np.sum(np.asarray(event, dtype=np.float64)))
    if problem is None or found is None:
        note = reason or NO_TOP
        terms = tuple(explain_logistic(names, note))
        return LogisticFit(method, terms, None, size, events, None, "not_estimable", note, interval)
    best, (intercept, *terms), note = found
    height = best.log_likelihood
    if problem.is_penalized:
        # The determinant is told in the units of the user.
        height -= float(np.log(np.diag(problem.back)).sum())
    correlation = None if note == EQUAL_TOPS else correlate(problem, best)
    terms = explain_scarce(terms, np.asarray(design, dtype=np.float64), np.asarray(event, dtype=np.float64))
    return LogisticFit(
        method, tuple(terms), intercept, size, events, height, "ok", note, interval, correlation
    )


def estimate_contrasts(
    design: ArrayLike,
    event: ArrayLike,
    *,
    names: Sequence[str],
    contrasts: Mapping[str, ArrayLike],
    method: str = "maximum_likelihood",
    interval: str | None = None,
) -> tuple[LogisticTerm, ...]:
    """Return the odds ratio between two rows of columns, with interval and P of one statistic.

    Parameters
    ----------
    design, event, names, method, interval
        As in `fit_logistic`.
    contrasts : mapping of str to array of float
        The columns of one patient minus those of another, by the name of the comparison; limits of 95%.

    Returns
    -------
    tuple of LogisticTerm
        One for every contrast; not estimable with the reason where the model is, and where both rows are the
        same.

    Raises
    ------
    DataError
        As `fit_logistic`; or a contrast has not one finite number for every column.

    Notes
    -----
    Same as `contrast` and `summary` of R's rms 6.5 (`lrm`) with "wald".

    Examples
    --------
    >>> above = [1] * 26 + [0] * 13 + [1] * 4 + [0] * 17
    >>> recovered = [1] * 39 + [0] * 21
    >>> columns = np.array([above]).T
    >>> (term,) = estimate_contrasts(columns, recovered, names=["x"], contrasts={"none against all": [-1]})
    >>> round(term.odds_ratio, 4)
    0.1176
    """
    problem, reason = lay_out(design, event, names=names, method=method)
    interval = require_choice("interval", interval or USUAL[method], INTERVALS)
    rows: list[tuple[str, Numbers]] = []
    for name, given in contrasts.items():
        steps = np.asarray(given, dtype=np.float64)
        if steps.shape != (len(names),) or not np.isfinite(steps).all():
            raise DataError(f"contrasts: '{name}' needs {len(names)} finite numbers, one for every column")
        rows.append((name, steps))
    moved = [(name, steps @ problem.back[1:]) for name, steps in rows if steps.any()] if problem else []
    found = find_top(problem, moved, interval=interval, level=LEVEL) if problem and moved else None
    terms = {term.name: term for term in (found[1] if found else ())}
    note = reason or ("the two sides are the same" if problem and not moved else NO_TOP)
    same = {name: "the two sides are the same" for name, steps in rows if not steps.any()}
    return tuple(
        terms[name] if name in terms else next(explain_logistic([name], reason or same.get(name, note)))
        for name in contrasts
    )


def lay_out(
    design: ArrayLike, event: ArrayLike, *, names: Sequence[str], method: str
) -> tuple[LogisticProblem | None, str]:
    """Return the standardized problem, or None and why nothing can be estimated.

    Raises
    ------
    DataError
        As `fit_logistic`.

    Examples
    --------
    >>> lay_out([[1.0], [2.0]], [1, 1], names=["x"], method="firth")
    (None, 'everybody has the event')
    """
    columns, has_event = require_design(design, event, names=names)
    require_choice("method", method, METHODS)
    reason = explain_design(columns, has_event, names)
    if not reason and method == "maximum_likelihood":
        reason = explain_separation(columns, has_event, names)
    if reason:
        return None, reason
    scaled, means, spreads = scale_columns(columns)
    back = np.diag(np.concatenate([[1.0], 1.0 / spreads]))
    back[0, 1:] = -means / spreads
    marks = has_event.astype(np.float64)
    whole = np.column_stack([np.ones(marks.size), scaled])
    return LogisticProblem(whole, marks, back, is_penalized=method == "firth"), ""


def explain_logistic(names: Sequence[str], note: str) -> Iterator[LogisticTerm]:
    """Yield a term without numbers for every name.

    Examples
    --------
    >>> [term.note for term in explain_logistic(["anc"], "no complete row")]
    ['no complete row']
    """
    for name in names:
        yield LogisticTerm(name, None, None, None, None, None, None, "not_estimable", note)


def list_levels(names: Sequence[str], design: ArrayLike) -> list[str]:
    """Return the names of the columns that hold nothing but 0 and 1.

    Examples
    --------
    >>> list_levels(["hsct", "age"], [[0.0, 61.0], [1.0, 47.0]])
    ['hsct']
    """
    columns = np.asarray(design, dtype=np.float64).T
    return [name for name, column in zip(names, columns, strict=True) if np.isin(column, (0.0, 1.0)).all()]


def explain_scarce(
    terms: Sequence[LogisticTerm], columns: Numbers, event: Numbers | None
) -> list[LogisticTerm]:
    """Return the terms; of a level (0 and 1) whose odds ratio has no bound the note says how few have it.

    Parameters
    ----------
    terms : sequence of LogisticTerm
    columns : array of float, rows by terms
    event : array of 0 and 1, or None
        None of a grade, whose events are not counted.

    Examples
    --------
    >>> term = LogisticTerm("hsct", 1.0, 9.0, 2.7, None, 8.1, 0.9, "ok", OTHER_UNIT)
    >>> explain_scarce([term], np.array([[1.0], [1.0], [0.0], [0.0], [0.0]]), np.array([1, 0, 0, 1, 1]))[
    ...     0
    ... ].note
    'the data do not bound the odds ratio: only 2 with it, 1 of them with the event'
    """
    return [
        replace(term, note=term.note.replace(OTHER_UNIT, _say_scarce(column, event)))
        if OTHER_UNIT in term.note and np.isin(column, (0.0, 1.0)).all()
        else term
        for term, column in zip(terms, columns.T, strict=True)
    ]


def _say_scarce(column: Numbers, event: Numbers | None) -> str:
    is_with = 2 * column.sum() <= column.size
    is_side = column == (1.0 if is_with else 0.0)
    events = "" if event is None else f", {int(event[is_side].sum())} of them with the event"
    word = "with" if is_with else "without"
    return f"the data do not bound the odds ratio: only {int(is_side.sum())} {word} it{events}"
