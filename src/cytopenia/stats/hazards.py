"""What hazard models share: their results, the check of their columns, and whether an estimate is finite.

A partial likelihood has no finite top where a weighted sum of the columns is, at every event, the highest (or
the lowest) of all who are at risk. A linear program finds such a sum exactly, before anything is fitted.
"""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.event_times import EventTimes
from cytopenia.stats.separation import find_bare_reference, say_outside, scale_columns

__all__ = [
    "MONOTONE",
    "NO_TOP",
    "USE_FIRTH",
    "HazardFit",
    "HazardTerm",
    "describe_wald",
    "explain_hazard_design",
    "explain_monotone",
    "exponentiate",
    "find_monotone",
    "refuse_fit",
    "require_columns",
]

Numbers = NDArray[np.float64]

# exp() of a larger number, a million million, is no hazard ratio anybody can print.
LARGEST_LOG = math.log(1e12)
MONOTONE = "monotone likelihood: "
NO_TOP = "the fit did not converge: the columns nearly order the events or nearly repeat each other"
USE_FIRTH = "; Firth's method can estimate it"
# Of singular values relative to the largest, and of sums of standardized columns.
REPEATS, STRICT = 1e-8, 1e-7


@dataclass(frozen=True)
class HazardTerm:
    """One coefficient and its hazard ratio; None where not estimable.

    Attributes
    ----------
    coefficient, standard_error : float or None
        Log hazard per unit of the column.
    hazard_ratio, low, high, p_value : float or None
        Wald with maximum likelihood, penalized likelihood ratio with Firth: limits and P from one statistic.
        With "fine_gray" a ratio of subdistribution hazards, Wald.
    status, note : str
        `ok` or `not_estimable`; why, or what a reader must know.
    """

    name: str
    coefficient: float | None
    standard_error: float | None
    hazard_ratio: float | None
    low: float | None
    high: float | None
    p_value: float | None
    status: str
    note: str


@dataclass(frozen=True)
class HazardFit:
    """A hazard model.

    Attributes
    ----------
    method : str
        `maximum_likelihood`, `firth` or `fine_gray`.
    terms : tuple of HazardTerm
        In the order of the columns.
    log_likelihood, null_log_likelihood : float or None
        Partial, with all columns and with none; with Firth penalized.
    likelihood_ratio, likelihood_ratio_p, wald, wald_p : float or None
        All columns together, chi-squared with `df` degrees of freedom.
    concordance, concordance_se : float or None
        Share of the pairs that can be told apart in which the one with the higher hazard has the event first.
    """

    method: str
    terms: tuple[HazardTerm, ...]
    n: int
    events: int
    df: int
    log_likelihood: float | None = None
    null_log_likelihood: float | None = None
    likelihood_ratio: float | None = None
    likelihood_ratio_p: float | None = None
    wald: float | None = None
    wald_p: float | None = None
    concordance: float | None = None
    concordance_se: float | None = None
    status: str = "ok"
    note: str = ""


def require_columns(design: ArrayLike, names: Sequence[str], size: int) -> Numbers:
    """Return the columns as numbers.

    Raises
    ------
    DataError
        Shapes or names do not fit, or a number is missing or infinite.

    Examples
    --------
    >>> require_columns([[2.5], [1.0]], ["age"], 2).shape
    (2, 1)
    """
    columns = np.asarray(design, dtype=np.float64)
    if columns.ndim != 2 or columns.shape[0] != size:
        raise DataError(f"design of shape {columns.shape}; give {size} rows by columns")
    if len(names) != columns.shape[1]:
        raise DataError(f"names: {len(names)} names for {columns.shape[1]} columns")
    wrong = [name for name, column in zip(names, columns.T, strict=True) if not np.isfinite(column).all()]
    if wrong:
        raise DataError(f"design: missing or infinite numbers in {', '.join(wrong)}; give complete rows only")
    return columns


def explain_hazard_design(columns: Numbers, sample: EventTimes, names: Sequence[str]) -> str:
    """Return why no method can estimate the coefficients, in words; empty if one can.

    Examples
    --------
    >>> from cytopenia.stats.event_times import require_event_times
    >>> explain_hazard_design(np.array([[1.0], [2.0]]), require_event_times([3, 5], [0, 0]), ["stage"])
    'nobody has the event'
    """
    if not sample.time.size:
        return "no complete row"
    if not columns.shape[1]:
        return "no column"
    if not (sample.code == 1).any():
        return "nobody has the event"
    constant = [name for name, column in zip(names, columns.T, strict=True) if np.ptp(column) == 0]
    if constant:
        return f"the same value for everybody: {', '.join(constant)}"
    values = np.linalg.svd(_differences(columns, sample), compute_uv=False)
    if values.size < columns.shape[1] or values[-1] <= REPEATS * values[0] or values[0] == 0:
        return "those at risk at the events do not differ, or one column repeats the others"
    return ""


def find_monotone(columns: Numbers, sample: EventTimes) -> tuple[int, ...]:
    """Return the columns of a sum that orders the events without exception; empty if there is none.

    Parameters
    ----------
    columns : array of float, rows by columns
    sample : EventTimes
        Code 1 is the event; every other row is at risk until its time. A row that stays at risk for all time,
        as after a competing event in a model of the subdistribution, has a time beyond the last event.

    Notes
    -----
    With such a sum the partial likelihood rises for ever along it, and without one it has a finite top (it is
    concave). The risk sets shrink from event to event, so one row of the program for each row of the sample
    is enough: each event is compared with the next event and with who leaves between the two.

    Examples
    --------
    >>> from cytopenia.stats.event_times import require_event_times
    >>> columns = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, 1.0]])
    >>> find_monotone(columns, require_event_times([1, 2, 3, 4], [1, 1, 0, 0]))
    (0,)
    """
    rows = _differences(columns, sample)
    if not _can_rise(rows):
        return ()
    needed = list(range(columns.shape[1]))
    for column in reversed(range(columns.shape[1])):
        others = [other for other in needed if other != column]
        if others and _can_rise(rows[:, others]):
            needed = others
    return tuple(needed)


def explain_monotone(columns: Numbers, sample: EventTimes, names: Sequence[str]) -> str:
    """Return which columns make the likelihood monotone, in words; empty if none do.

    Parameters
    ----------
    columns : array of float, rows by columns
    sample : EventTimes
    names : sequence of str
        Of the columns; columns of one name, such as the levels of a factor, are told once.

    Examples
    --------
    >>> from cytopenia.stats.event_times import require_event_times
    >>> sample = require_event_times([1, 2, 3, 4], [1, 1, 0, 0])
    >>> explain_monotone(np.array([[1.0], [1.0], [0.0], [0.0]]), sample, ["stage"]).partition(",")[0]
    'monotone likelihood: stage orders the events without exception'
    """
    terms = find_monotone(columns, sample)
    if not terms:
        return ""
    told = list(dict.fromkeys(names[term] for term in terms))
    levels, who = find_bare_reference(columns, sample.code == 1, terms)
    if levels == terms and who == "nobody" and len(told) == len(terms):
        reason = f"{say_outside(levels, names, who=who)} has the event"
    else:
        reason = f"{', '.join(told)} {'orders' if len(told) == 1 else 'order'} the events without exception"
    return f"{MONOTONE}{reason}, so that maximum likelihood has no finite estimate{USE_FIRTH}"


def _can_rise(rows: Numbers) -> bool:
    from scipy.optimize import linprog

    if not rows.size:
        return False
    found = linprog(
        -rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=[(-1.0, 1.0)] * rows.shape[1]
    )
    return bool(found.x is not None and -float(found.fun) > STRICT)


def _differences(columns: Numbers, sample: EventTimes) -> Numbers:
    """Each event less those it must not lie below, standardized; at most two rows for each of the sample."""
    scaled, _, _ = scale_columns(columns)
    is_event = sample.code == 1
    event_steps = np.flatnonzero(sample.count(is_event))
    if not event_steps.size:
        return np.zeros((0, columns.shape[1]))
    # The first row with an event at each of these steps speaks for it.
    speakers = np.array([np.flatnonzero(is_event & (sample.place == step))[0] for step in event_steps])
    latest = np.searchsorted(event_steps, sample.place, side="right") - 1
    is_compared = latest >= 0
    own = scaled[speakers[latest[is_compared]]] - scaled[is_compared]
    tied = scaled[is_event] - scaled[speakers[latest[is_event]]]
    chain = scaled[speakers[:-1]] - scaled[speakers[1:]]
    rows = np.concatenate([own, tied, chain])
    return np.unique(rows[np.any(rows != 0, axis=1)], axis=0)


def exponentiate(log: float | None) -> float | None:
    """Return exp of a number; None where nobody could print it.

    Examples
    --------
    >>> exponentiate(0.0), exponentiate(60.0)
    (1.0, None)
    """
    return None if log is None or not abs(log) <= LARGEST_LOG else math.exp(log)


def describe_wald(name: str, coefficient: float, error: float, *, level: float) -> HazardTerm:
    """Return a term with the interval and the P of its standard error.

    Examples
    --------
    >>> term = describe_wald("age", 0.0, 1.0, level=0.95)
    >>> term.hazard_ratio, round(term.high, 2), term.p_value
    (1.0, 7.1, 1.0)
    """
    from scipy.special import ndtr, ndtri

    half = float(ndtri((1 + level) / 2)) * error
    ends = [exponentiate(value) for value in (coefficient, coefficient - half, coefficient + half)]
    note = (
        "a hazard ratio per unit is too large or too small to print; use another unit" if None in ends else ""
    )
    p_value = 2.0 * float(ndtr(-abs(coefficient) / error))
    status = "not_estimable" if ends[0] is None else "ok"
    return HazardTerm(name, coefficient, error, ends[0], ends[1], ends[2], p_value, status, note)


def refuse_fit(method: str, names: Sequence[str], sample: EventTimes, *, why: str) -> HazardFit:
    """Return a model that cannot be estimated, with the reason in words."""
    terms = tuple(
        HazardTerm(name, None, None, None, None, None, None, "not_estimable", why) for name in names
    )
    events = int((sample.code == 1).sum())
    return HazardFit(method, terms, sample.time.size, events, len(names), status="not_estimable", note=why)
