"""Fine and Gray's regression of the subdistribution hazard, with competing events. Knows no patients."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.event_times import CENSORED, EventTimes, require_event_times, require_level
from cytopenia.stats.hazards import (
    HazardFit,
    describe_wald,
    explain_hazard_design,
    find_monotone,
    refuse_fit,
    require_columns,
)
from cytopenia.stats.separation import scale_columns

__all__ = ["fit_fine_gray"]

Numbers = NDArray[np.float64]

METHOD = "fine_gray"
# Of steps in standard errors, and of likelihoods relative to their size.
TOLERANCE, ROUNDING = 1e-9, 1e-13
MOST_STEPS, MOST_HALVINGS = 100, 30
NO_TOP = "the fit did not converge: the columns nearly order the events or nearly repeat each other"
ORDERED = (
    "monotone likelihood: {columns} orders the events without exception, so that no finite estimate exists"
)


@dataclass(frozen=True)
class _Weighted:
    """Columns, and the weight of each row (rows) at each time of an event (columns).

    `own` is the step among the events of each row that has one, else -1; `count` the events at each step.
    """

    columns: Numbers
    weight: Numbers
    own: NDArray[np.int64]
    count: Numbers


@dataclass(frozen=True)
class _Point:
    weights: Numbers
    log_likelihood: float
    score: Numbers
    information: Numbers


def fit_fine_gray(
    time: ArrayLike,
    event: ArrayLike,
    design: ArrayLike,
    *,
    names: Sequence[str],
    kind: int = 1,
    level: float = 0.95,
) -> HazardFit:
    """Return the regression of the subdistribution hazard of one kind of event on columns.

    Parameters
    ----------
    time : array of float
        Time of the event or of the end of follow-up, 0 or later.
    event : array of int
        0 the end of follow-up, any other number a kind of event.
    design : array of float, rows by columns
        Complete rows only. Columns are standardized inside; results are per unit of the column.
    names : sequence of str
        One for every column.
    kind : int
        The event; all others compete with it.
    level : float
        Of the intervals.

    Returns
    -------
    HazardFit
        A hazard ratio above 1 means a higher cumulative incidence. Wald interval and P from the robust
        variance of the paper. Not estimable, with the reason in words, as in `fit_cox`; Firth's method does
        not exist for it.

    Raises
    ------
    DataError

    Notes
    -----
    Same as `crr(time, event, design, failcode = kind)` of R's cmprsk 2.2: Breslow's ties, weights from the
    Kaplan-Meier curve of the censoring, all groups together, taken just before each time. No library with a
    permissive license has the model with its variance; it is written here from the paper. The weights take
    memory for rows times events.

    References
    ----------
    Fine and Gray, J Am Stat Assoc 1999;94:496-509. DOI 10.1080/01621459.1999.10474144.

    Examples
    --------
    >>> time, event = [2, 4, 5, 8, 3, 6, 7, 9], [1, 1, 2, 1, 2, 1, 0, 1]
    >>> fit = fit_fine_gray(time, event, [[1], [0], [1], [1], [0], [0], [1], [0]], names=["b"])
    >>> fit.method, fit.events, fit.status
    ('fine_gray', 5, 'ok')
    """
    require_level(level)
    if kind == CENSORED:
        raise DataError(f"kind is {kind}, which stands for the end of follow-up; name an event")
    sample = require_event_times(time, event, most_codes=None)
    columns = require_columns(design, names, sample.time.size)
    is_event = sample.code == kind
    # After a competing event a row stays at risk of the subdistribution.
    is_other = ~is_event & (sample.code != CENSORED)
    beyond = float(sample.steps[-1]) + 1.0 if sample.steps.size else 0.0
    staying = require_event_times(np.where(is_other, beyond, sample.time), is_event.astype(np.int64))
    why = explain_hazard_design(columns, staying, names)
    ordering = () if why else find_monotone(columns, staying)
    why = why or (ORDERED.format(columns=", ".join(names[place] for place in ordering)) if ordering else "")
    if why:
        return refuse_fit(METHOD, names, staying, why=why)
    found = _fit(sample, is_event, columns, names=names, level=level)
    return found or refuse_fit(METHOD, names, staying, why=NO_TOP)


def _fit(
    sample: EventTimes, is_event: NDArray[np.bool_], columns: Numbers, *, names: Sequence[str], level: float
) -> HazardFit | None:
    from scipy.stats import chi2

    scaled, _, spreads = scale_columns(columns)
    weighted = _weigh(sample, is_event, scaled)
    top = _climb(weighted)
    if top is None:
        return None
    covariance = _find_covariance(weighted, sample, top)
    errors = np.sqrt(np.diag(covariance))
    terms = tuple(
        describe_wald(name, float(weight / spread), float(error / spread), level=level)
        for name, weight, error, spread in zip(names, top.weights, errors, spreads, strict=True)
    )
    floor = _evaluate(weighted, np.zeros(len(names))).log_likelihood
    wald = float(top.weights @ np.linalg.solve(covariance, top.weights))
    return HazardFit(
        METHOD,
        terms,
        sample.time.size,
        int(is_event.sum()),
        len(names),
        log_likelihood=top.log_likelihood,
        null_log_likelihood=floor,
        wald=wald,
        wald_p=float(chi2.sf(wald, len(names))),
    )


def _weigh(sample: EventTimes, is_event: NDArray[np.bool_], columns: Numbers) -> _Weighted:
    """1 while a row is followed; after a competing event the chance to be followed still."""
    steps = np.flatnonzero(sample.count(is_event))
    censored = sample.count(sample.code == CENSORED)
    after = np.cumprod(1.0 - censored / sample.at_risk)
    followed = np.concatenate([[1.0], after[:-1]])
    is_other = ~is_event & (sample.code != CENSORED)
    is_here = sample.place[:, np.newaxis] >= steps[np.newaxis]
    share = followed[steps][np.newaxis] / followed[sample.place][:, np.newaxis]
    weight = np.where(is_here, 1.0, np.where(is_other[:, np.newaxis], share, 0.0))
    own = np.where(is_event, np.searchsorted(steps, sample.place), -1)
    return _Weighted(
        columns, weight, own, np.bincount(own[own >= 0], minlength=steps.size).astype(np.float64)
    )


def _evaluate(weighted: _Weighted, weights: Numbers) -> _Point:
    columns, own = weighted.columns, weighted.own
    eta = columns @ weights
    highest = float(eta.max())
    load = weighted.weight * np.exp(eta - highest)[:, np.newaxis]
    total = load.sum(axis=0)
    mean = load.T @ columns / total[:, np.newaxis]
    is_event = own >= 0
    value = float(eta[is_event].sum() - weighted.count @ (np.log(total) + highest))
    score = columns[is_event].sum(axis=0) - weighted.count @ mean
    each = load @ (weighted.count / total)
    information = columns.T @ (columns * each[:, np.newaxis]) - mean.T @ (
        mean * weighted.count[:, np.newaxis]
    )
    return _Point(weights, value, score, information)


def _climb(weighted: _Weighted) -> _Point | None:
    """The top of the likelihood by Newton's method; None if it is not reached."""
    point = _evaluate(weighted, np.zeros(weighted.columns.shape[1]))
    for _ in range(MOST_STEPS):
        try:
            np.linalg.cholesky(point.information)
        except np.linalg.LinAlgError:
            return None
        step = np.linalg.solve(point.information, point.score)
        if float(point.score @ step) <= TOLERANCE**2:
            return point
        lowest = point.log_likelihood - ROUNDING * (1.0 + abs(point.log_likelihood))
        for _ in range(MOST_HALVINGS):
            nearer = _evaluate(weighted, point.weights + step)
            if nearer.log_likelihood >= lowest:
                break
            step = step / 2
        else:
            return None
        point = nearer
    return None


def _find_covariance(weighted: _Weighted, sample: EventTimes, top: _Point) -> Numbers:
    """The sandwich of the paper: each row's part in the score, and its part in the censoring curve."""
    columns, own = weighted.columns, weighted.own
    load = weighted.weight * np.exp(columns @ top.weights)[:, np.newaxis]
    total = load.sum(axis=0)
    mean = load.T @ columns / total[:, np.newaxis]
    hazard = weighted.count / total
    # What each row adds to the score: its event less what was expected of it, away from the mean.
    is_event = own >= 0
    parts = -(columns * (load @ hazard)[:, np.newaxis] - load @ (mean * hazard[:, np.newaxis]))
    parts[is_event] += columns[is_event] - mean[own[is_event]]
    parts += _follow_censoring(weighted, sample, load * hazard, mean)
    bread = np.linalg.inv(top.information)
    return np.asarray(bread @ (parts.T @ parts) @ bread, dtype=np.float64)


def _follow_censoring(weighted: _Weighted, sample: EventTimes, expected: Numbers, mean: Numbers) -> Numbers:
    """What each row adds through the weights, which rest on the curve of the censoring."""
    own, columns = weighted.own, weighted.columns
    steps = np.unique(sample.place[own >= 0])
    is_other = (own < 0) & (sample.code != CENSORED)
    censored = sample.count(sample.code == CENSORED).astype(np.float64)
    pull = np.zeros((sample.steps.size, columns.shape[1]))
    for place in np.flatnonzero(censored):
        # Those with a competing event before this time, at the events from it on.
        rows, later = is_other & (sample.place < place), steps >= place
        moved = expected[np.ix_(rows, later)]
        # Their expected events, away from the mean, with the sign of a martingale.
        pull[place] = columns[rows].T @ moved.sum(axis=1) - mean[later].T @ moved.sum(axis=0)
    slope = pull / sample.at_risk[:, np.newaxis]
    drift = np.cumsum(slope * (censored / sample.at_risk)[:, np.newaxis], axis=0)
    jumps = np.where((sample.code == CENSORED)[:, np.newaxis], slope[sample.place], 0.0)
    return jumps - drift[sample.place]
