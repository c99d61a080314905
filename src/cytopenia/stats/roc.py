"""The ROC curve of one number: area, its interval, and the cut with the largest Youden index."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError

__all__ = ["RocCurve", "estimate_roc", "require_complete"]

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]
Marks = NDArray[np.bool_]

CHANCE = 0.5


@dataclass(frozen=True, eq=False)
class RocCurve:
    """A ROC curve; None where not estimable.

    Attributes
    ----------
    thresholds, sensitivity, specificity : array of float
        Thresholds ascend: minimum - 1, midpoints of neighboring values, maximum + 1, as in SPSS. Empty if not
        estimable.
    auc, standard_error, low, high : float or None
        DeLong; limits cut to 0 and 1.
    cut, cut_sensitivity, cut_specificity, youden : float or None
        The threshold with the largest sensitivity + specificity - 1; of several the one with the highest
        sensitivity, of these the lowest. `cut` is None and `youden` 0 if no threshold does better than
        chance.
    n, events, non_events, missing : int
        Complete rows, and rows without the value or the event.
    high_means_event : bool
        Whether values above a threshold mean the event; else those below.
    status : str
        `ok` or `not_estimable`.
    note : str
    """

    thresholds: Numbers
    sensitivity: Numbers
    specificity: Numbers
    auc: float | None
    standard_error: float | None
    low: float | None
    high: float | None
    cut: float | None
    cut_sensitivity: float | None
    cut_specificity: float | None
    youden: float | None
    n: int
    events: int
    non_events: int
    missing: int
    high_means_event: bool
    status: str
    note: str


def estimate_roc(
    values: ArrayLike, event: ArrayLike, *, high_means_event: bool, level: float = 0.95
) -> RocCurve:
    """Return the ROC curve of a number for an event, its area with DeLong's interval, and Youden's cut.

    Parameters
    ----------
    values : array of float
    event : array of 0 and 1
        NaN in either is missing; the row is left out and counted.
    high_means_event : bool
        The direction. It is never chosen from the data: an area below 0.5 stays as it is, with a note.
    level : float
        Of the interval.

    Returns
    -------
    RocCurve
        Not estimable: no event, everybody with the event, or all values equal. The standard error needs two
        with and two without the event.

    Raises
    ------
    DataError
        Shapes differ, the event is not 0 or 1, a value is infinite, or the level is not between 0 and 1.

    Notes
    -----
    Same as `auc`, `ci.auc(method = "delong")` and `coords("best", best.method = "youden")` of pROC 1.18 to
    1e-9. DeLong's components are computed from counts of one sort (after Sun and Xu, who rank).

    References
    ----------
    DeLong et al., Biometrics 1988;44:837-845. DOI 10.2307/2531595.
    Sun and Xu, IEEE Signal Processing Letters 2014;21:1389-1393. DOI 10.1109/LSP.2014.2337313.
    Youden, Cancer 1950;3:32-35.

    Examples
    --------
    >>> curve = estimate_roc([1, 2, 3, 4, 5, 6], [0, 0, 1, 0, 1, 1], high_means_event=True)
    >>> round(curve.auc, 4), curve.cut, curve.cut_sensitivity
    (0.8889, 2.5, 1.0)
    """
    if not 0 < level < 1:
        raise DataError(f"level: {level:g} is not between 0 and 1")
    number, has_event, missing = require_complete(values, event)
    curve = _start(has_event, missing, high_means_event)
    reason = _find_reason(number, curve)
    if reason:
        return replace(curve, note=reason)
    distinct, yes_below, no_below = _count_below(number, has_event)
    auc, error = _estimate_auc(yes_below, no_below, high_means_event)
    low, high = _limit(auc, error, level)
    true_positives, true_negatives = _count_sides(yes_below, no_below, high_means_event)
    curve = replace(
        curve,
        thresholds=_freeze(_place_thresholds(distinct)),
        sensitivity=_freeze(true_positives / curve.events),
        specificity=_freeze(true_negatives / curve.non_events),
        auc=auc,
        standard_error=error,
        low=low,
        high=high,
        status="ok",
    )
    curve = _choose_cut(curve, true_positives * curve.non_events + true_negatives * curve.events)
    return replace(curve, note=_explain(curve))


def require_complete(values: ArrayLike, event: ArrayLike) -> tuple[Numbers, Marks, int]:
    """Return the values and marks of the complete rows, in their order, and how many rows are not complete.

    Raises
    ------
    DataError
        Shapes differ, the event is not 0 or 1, or a value is infinite.

    Examples
    --------
    >>> values, has_event, missing = require_complete([1, float("nan"), 3], [0, 1, 1])
    >>> values.tolist(), has_event.tolist(), missing
    ([1.0, 3.0], [False, True], 1)
    """
    number, marks = np.asarray(values, dtype=np.float64), np.asarray(event, dtype=np.float64)
    if number.ndim != 1 or number.shape != marks.shape:
        raise DataError(f"values of shape {number.shape} and event of shape {marks.shape}; give two columns")
    if np.any(np.isinf(number)):
        raise DataError("values: a value is infinite")
    if not np.all((marks == 0) | (marks == 1) | np.isnan(marks)):
        raise DataError("event: only 0, 1 and missing are allowed")
    known = ~(np.isnan(number) | np.isnan(marks))
    return number[known], marks[known] == 1, int(number.size - known.sum())


def _start(has_event: Marks, missing: int, high_means_event: bool) -> RocCurve:
    """A curve with its counts and nothing estimated."""
    events = int(has_event.sum())
    none = _freeze(np.empty(0))
    return RocCurve(
        thresholds=none,
        sensitivity=none,
        specificity=none,
        auc=None,
        standard_error=None,
        low=None,
        high=None,
        cut=None,
        cut_sensitivity=None,
        cut_specificity=None,
        youden=None,
        n=int(has_event.size),
        events=events,
        non_events=int(has_event.size) - events,
        missing=missing,
        high_means_event=high_means_event,
        status="not_estimable",
        note="",
    )


def _find_reason(number: Numbers, curve: RocCurve) -> str:
    """Why there is no curve; empty if there is one."""
    if curve.n == 0:
        return "no complete row"
    if curve.events == 0:
        return "nobody has the event"
    if curve.non_events == 0:
        return "everybody has the event"
    return "all values are equal" if np.ptp(number) == 0 else ""


def _count_below(number: Numbers, has_event: Marks) -> tuple[Numbers, Counts, Counts]:
    """Distinct values, and for every threshold the events and the others below it."""
    order = np.argsort(number)
    ordered = number[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), number.size - 1)
    yes = np.cumsum(has_event[order], dtype=np.int64)[ends]
    yes_below = np.concatenate([[0], yes])
    no_below = np.concatenate([[0], ends + 1 - yes])
    return ordered[ends], yes_below, no_below


def _estimate_auc(yes_below: Counts, no_below: Counts, high_means_event: bool) -> tuple[float, float | None]:
    """Area and its DeLong standard error from counts; None if a group has one member."""
    m, n = int(yes_below[-1]), int(no_below[-1])
    # For every member: the share of the other group that lies on the proper side; ties count half.
    of_yes = (no_below[1:] + no_below[:-1]) / (2 * n)
    of_no = 1.0 - (yes_below[1:] + yes_below[:-1]) / (2 * m)
    if not high_means_event:
        of_yes, of_no = 1.0 - of_yes, 1.0 - of_no
    yes, no = np.diff(yes_below), np.diff(no_below)
    auc = float(yes @ of_yes) / m
    if min(m, n) < 2:
        return auc, None
    variances = [
        float(counts @ (shares - float(counts @ shares) / size) ** 2) / (size - 1)
        for counts, shares, size in ((yes, of_yes, m), (no, of_no, n))
    ]
    return auc, math.sqrt(variances[0] / m + variances[1] / n)


def _limit(auc: float, error: float | None, level: float) -> tuple[float | None, float | None]:
    from scipy.special import ndtri

    if error is None:
        return None, None
    half = float(ndtri((1 + level) / 2)) * error
    return max(0.0, auc - half), min(1.0, auc + half)


def _count_sides(yes_below: Counts, no_below: Counts, high_means_event: bool) -> tuple[Counts, Counts]:
    """For every threshold the events and the others on their proper side."""
    if high_means_event:
        return yes_below[-1] - yes_below, no_below
    return yes_below, no_below[-1] - no_below


def _place_thresholds(distinct: Numbers) -> Numbers:
    middles = distinct[:-1] / 2 + distinct[1:] / 2
    # Beside very large numbers 1 is lost; the ends still lie outside.
    low = min(distinct[0] - 1, np.nextafter(distinct[0], -np.inf))
    high = max(distinct[-1] + 1, np.nextafter(distinct[-1], np.inf))
    return np.concatenate([[low], middles, [high]])


def _choose_cut(curve: RocCurve, correct: Counts) -> RocCurve:
    """Add the cut with the largest Youden index; counted in whole numbers, so that ties are ties.

    `correct` is sensitivity + specificity, times events, times others.
    """
    pairs = curve.events * curve.non_events
    best = int(correct.max())
    if best <= pairs:
        return replace(curve, youden=0.0)
    tied = np.flatnonzero(correct == best)
    chosen = int(tied[np.argmax(curve.sensitivity[tied])])
    return replace(
        curve,
        cut=float(curve.thresholds[chosen]),
        cut_sensitivity=float(curve.sensitivity[chosen]),
        cut_specificity=float(curve.specificity[chosen]),
        youden=(best - pairs) / pairs,
    )


def _explain(curve: RocCurve) -> str:
    notes: list[str] = []
    if curve.auc is not None and curve.auc < CHANCE:
        notes.append("the area is below 0.5: the values point the other way than the protocol says")
    if curve.standard_error is None:
        notes.append("no interval: a group has only one member")
    elif curve.standard_error == 0:
        notes.append("the interval has no width because the groups do not overlap; it is not to be trusted")
    if curve.cut is None:
        notes.append("no cut does better than chance")
    return "; ".join(notes)


def _freeze(numbers: Numbers) -> Numbers:
    numbers.setflags(write=False)
    return numbers
