"""Cumulative incidence of groups compared, with competing events: Gray's test. Knows no patients."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.event_times import CENSORED, EventTimes, number_groups, require_event_times

__all__ = ["GrayTest", "compare_incidence"]

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class GrayTest:
    """The test of one kind of event.

    Attributes
    ----------
    statistic, p_value : float or None
        Chi-squared with `df` degrees of freedom; None where not estimable.
    groups : tuple of str
        In the order of their names; `n` and `events` go with them.
    status, note : str
        `ok` or `not_estimable`, and why.
    """

    statistic: float | None
    p_value: float | None
    df: int
    groups: tuple[str, ...]
    n: tuple[int, ...]
    events: tuple[int, ...]
    status: str = "ok"
    note: str = ""


@dataclass(frozen=True)
class _Groups:
    """Everything by group (rows) and time of any event (columns)."""

    at_risk: Numbers
    events: Numbers
    others: Numbers
    free_before: Numbers
    free_after: Numbers
    incidence_before: Numbers


def compare_incidence(time: ArrayLike, event: ArrayLike, group: ArrayLike, *, kind: int) -> GrayTest:
    """Return Gray's test: whether groups have the same cumulative incidence of one kind of event.

    Parameters
    ----------
    time : array of float
    event : array of int
        0 the end of follow-up, any other number a kind of event.
    group : array of str
    kind : int
        The kind of event that is compared; all others compete with it.

    Returns
    -------
    GrayTest
        Not estimable with a single group, without an event of this kind, or where the variance is singular.

    Raises
    ------
    DataError

    Notes
    -----
    Same as the row of this kind in `cuminc(time, event, group)$Tests` of R's cmprsk 2.2 with rho = 0. No
    library with a permissive license has the test; it is written here from the paper, with the weights
    Y(1 - F1)/S for those at risk, F1 pooled over the groups in the variance, and events of one time taken
    without replacement.

    References
    ----------
    Gray, Annals of Statistics 1988;16:1141-1154. DOI 10.1214/aos/1176350951.

    Examples
    --------
    >>> time, event = [2, 4, 5, 8, 3, 6, 7, 9], [1, 1, 2, 1, 2, 1, 0, 0]
    >>> found = compare_incidence(time, event, list("aaaabbbb"), kind=1)
    >>> found.events, found.df
    ((3, 1), 1)
    """
    if kind == CENSORED:
        raise DataError(f"kind is {kind}, which stands for the end of follow-up; name an event")
    sample = require_event_times(time, event, most_codes=None)
    names, numbers = number_groups(group, sample.time.size)
    marks = [numbers == one for one in range(len(names))]
    of_kind = sample.code == kind
    counts = (tuple(int(mark.sum()) for mark in marks), tuple(int((mark & of_kind).sum()) for mark in marks))
    df = max(len(names) - 1, 0)
    why = "there is one group only" if len(names) < 2 else ""
    why = why or ("nobody has the event" if not of_kind.any() else "")
    if why:
        return GrayTest(None, None, df, tuple(names), *counts, "not_estimable", why)
    laid = _lay_out(sample, marks, of_kind)
    score, variance = _find_score(laid), _find_variance(laid)
    if np.linalg.matrix_rank(variance[1:, 1:]) < df:
        why = "no event while two groups are followed"
        return GrayTest(None, None, df, tuple(names), *counts, "not_estimable", why)
    from scipy.stats import chi2

    statistic = float(score[1:] @ np.linalg.solve(variance[1:, 1:], score[1:]))
    return GrayTest(statistic, float(chi2.sf(statistic, df)), df, tuple(names), *counts)


def _lay_out(sample: EventTimes, marks: list[NDArray[np.bool_]], of_kind: NDArray[np.bool_]) -> _Groups:
    is_event = sample.code != CENSORED
    kept = sample.count(is_event) > 0
    at_risk = np.array([sample.count_at_risk(mark)[kept] for mark in marks], dtype=np.float64)
    events = np.array([sample.count(mark & of_kind)[kept] for mark in marks], dtype=np.float64)
    others = np.array([sample.count(mark & is_event & ~of_kind)[kept] for mark in marks], dtype=np.float64)
    some = np.maximum(at_risk, 1.0)
    free_after = np.asarray(np.cumprod(1.0 - (events + others) / some, axis=1), dtype=np.float64)
    free_before = _before(free_after, 1.0)
    incidence = np.cumsum(free_before * events / some, axis=1)
    return _Groups(at_risk, events, others, free_before, free_after, _before(incidence, 0.0))


def _before(curve: Numbers, start: float) -> Numbers:
    """The value just before each time."""
    return np.concatenate([np.full((len(curve), 1), start), curve[:, :-1]], axis=1)


def _find_score(laid: _Groups) -> Numbers:
    """Events of each group less its share of all, by those at risk of the subdistribution."""
    weight = _divide(laid.at_risk * (1.0 - laid.incidence_before), laid.free_before)
    share = _divide(weight, weight.sum(axis=0))
    return np.asarray((laid.events - share * laid.events.sum(axis=0)).sum(axis=1), dtype=np.float64)


def _find_variance(laid: _Groups) -> Numbers:
    """The covariance of the scores, as sums over the events of each group and of those that compete."""
    exposure = _divide(laid.at_risk, laid.free_before)
    pooled_exposure = exposure.sum(axis=0)
    events = laid.events.sum(axis=0)
    step = _divide(events, pooled_exposure)
    incidence = np.cumsum(step)
    hazard = step / (1.0 - np.concatenate([[0.0], incidence[:-1]]))
    size = len(exposure)
    own = np.eye(size)[:, :, np.newaxis] * exposure[np.newaxis]
    # First axis: whose score; second: in whose events its variance lies; third: time.
    slope = own - exposure[:, np.newaxis] * exposure[np.newaxis] / pooled_exposure
    rest = _rest(slope * hazard)
    ratio = _divide(1.0 - incidence, laid.free_after)
    pull = np.where(laid.free_after > 0, 1.0 - ratio, 1.0)
    by_event = slope + pull * rest
    # Events of one time are taken without replacement.
    thinned = np.where(events > 1, 1.0 - _divide(events - 1.0, pooled_exposure * laid.free_before - 1.0), 1.0)
    mass = np.where(laid.at_risk > 0, thinned * _divide(step, exposure), 0.0)
    by_other = np.where(laid.free_after > 0, ratio, 0.0) * rest
    thinned = np.where(laid.others > 1, 1.0 - _divide(laid.others - 1.0, laid.at_risk - 1.0), 1.0)
    other_mass = thinned * _divide(laid.others, exposure**2)
    return np.einsum("irt,jrt,rt->ij", by_event, by_event, mass) + np.einsum(
        "irt,jrt,rt->ij", by_other, by_other, other_mass
    )


def _rest(steps: Numbers) -> Numbers:
    """What is still to come after each time."""
    total = np.cumsum(steps, axis=-1)
    return total[..., -1:] - total


def _divide(numbers: Numbers, by: Numbers) -> Numbers:
    """The quotient, 0 where there is nothing to divide by."""
    return np.where(by != 0, numbers / np.where(by != 0, by, 1.0), 0.0)
