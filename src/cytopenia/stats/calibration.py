"""How given probabilities do on patients: discrimination, calibration, recalibration. Knows no patients."""

# SciPy and statsmodels ship no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.roc import estimate_roc

__all__ = [
    "CalibrationCurve",
    "Estimate",
    "Performance",
    "assess_predictions",
    "recalibrate_intercept",
    "smooth_calibration",
]

Numbers = NDArray[np.float64]

# As in R's lowess: the share of rows each point looks at, and how near neighbors share a fit.
SPAN = 2 / 3
NEAR = 0.01


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; None where not estimable."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Performance:
    """How probabilities do on patients.

    Attributes
    ----------
    c_statistic : Estimate
        Area under the ROC curve, DeLong.
    brier, scaled_brier : float or None
        Mean squared error; its share of what the overall risk would leave, taken from 1.
    in_the_large : Estimate
        Log odds to add so that the mean probability is the share with the event; 0 is right, above 0 means
        that the model says too little.
    intercept, slope : Estimate
        Of the line that recalibrates the log odds; a slope below 1 means too extreme. Wald.
    observed_by_expected : Estimate
        Patients with the event for each that was expected.
    n, events : int
    status, note : str
    """

    c_statistic: Estimate
    brier: float | None
    scaled_brier: float | None
    in_the_large: Estimate
    intercept: Estimate
    slope: Estimate
    observed_by_expected: Estimate
    n: int
    events: int
    status: str
    note: str


@dataclass(frozen=True, eq=False)
class CalibrationCurve:
    """The smoothed share with the event against the probability.

    Attributes
    ----------
    predicted, observed : (rows,) array of float
        Rising probabilities of the patients, and the curve at each.
    average_error, largest_error, error_90 : float
        Mean, maximum and 90th percentile of the distance between the two.
    """

    predicted: Numbers
    observed: Numbers
    average_error: float
    largest_error: float
    error_90: float


def assess_predictions(chance: ArrayLike, event: ArrayLike, *, level: float = 0.95) -> Performance:
    """Return discrimination and calibration of probabilities that were made without these patients.

    Parameters
    ----------
    chance : array of float
        Above 0 and below 1.
    event : array of 0 and 1
    level : float

    Returns
    -------
    Performance
        Not estimable where nobody or everybody has the event. A measure that does not exist by itself is
        None (a slope where the probabilities separate the events, or are all the same).

    Raises
    ------
    DataError
        A probability is missing or not between 0 and 1, the event is not 0 or 1, or lengths differ.

    Notes
    -----
    Same C, Brier, slope and intercept as `rms::val.prob` 6.5; calibration in the large as
    `glm(event ~ offset(qlogis(chance)))`. The interval of observed by expected takes the observed number as a
    binomial count, on the log scale.

    References
    ----------
    Van Calster et al., BMC Medicine 2019;17:230. DOI 10.1186/s12916-019-1466-7.
    Cox, Biometrika 1958;45:562-565. DOI 10.1093/biomet/45.3-4.562.

    Examples
    --------
    >>> found = assess_predictions([0.1, 0.2, 0.4, 0.6, 0.7, 0.9], [0, 0, 1, 0, 1, 1])
    >>> round(found.c_statistic.value, 3), round(found.brier, 3)
    (0.889, 0.145)
    """
    p, marks = _require_predictions(chance, event)
    n, events = marks.size, int(marks.sum())
    if not 0 < events < n:
        nothing = Estimate(None, None, None)
        reason = "no patient has the event" if not events else "every patient has the event"
        return Performance(
            nothing, None, None, nothing, nothing, nothing, nothing, n, events, "not_estimable", reason
        )
    curve = estimate_roc(p, marks, high_means_event=True, level=level)
    log_odds = np.log(p) - np.log1p(-p)
    intercept, slope, note = _fit_line(log_odds, marks, level)
    share = events / n
    brier = float(np.mean((p - marks) ** 2))
    return Performance(
        c_statistic=Estimate(curve.auc, curve.low, curve.high),
        brier=brier,
        scaled_brier=1.0 - brier / (share * (1.0 - share)),
        in_the_large=_find_shift(log_odds, marks, level),
        intercept=intercept,
        slope=slope,
        observed_by_expected=_compare_numbers(events, n, float(p.sum()), level),
        n=n,
        events=events,
        status="ok",
        note=note,
    )


def recalibrate_intercept(log_odds: ArrayLike, event: ArrayLike) -> float:
    """Return what to add to all log odds so that the mean probability is the share with the event.

    Raises
    ------
    DataError
        Log odds are missing or infinite, the event is not 0 or 1, everybody or nobody has it, or lengths
        differ.

    Notes
    -----
    Same as `coef(glm(event ~ offset(log_odds), family = binomial))` of R.

    Examples
    --------
    >>> round(recalibrate_intercept([0.0, 0.0, 0.0, 0.0], [1, 0, 0, 0]), 4)
    -1.0986
    """
    scores, marks = np.asarray(log_odds, dtype=np.float64), np.asarray(event, dtype=np.float64)
    if scores.ndim != 1 or scores.shape != marks.shape or not np.isfinite(scores).all():
        raise DataError("log_odds, event: give one finite number and one 0 or 1 for each patient")
    if set(marks.tolist()) != {0.0, 1.0}:
        raise DataError("event: must be 0 or 1, and both must occur")
    found = _find_shift(scores, marks, 0.95).value
    assert found is not None  # noqa: S101 - with both sides there is one
    return found


def smooth_calibration(chance: ArrayLike, event: ArrayLike) -> CalibrationCurve:
    """Return the smooth calibration curve of probabilities, by local lines without robustness weights.

    Parameters
    ----------
    chance : array of float
        Above 0 and below 1; at least two different ones.
    event : array of 0 and 1

    Raises
    ------
    DataError
        As `assess_predictions`; or all probabilities are the same.

    Notes
    -----
    Same as `lowess(chance, event, iter = 0)` of R, on which `Emax` and `Eavg` of `rms::val.prob` rest.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> chance = rng.random(200) * 0.98 + 0.01
    >>> curve = smooth_calibration(chance, (rng.random(200) < chance).astype(int))
    >>> curve.average_error < 0.1
    True
    """
    p, marks = _require_predictions(chance, event)
    if not p.size or np.ptp(p) == 0:
        raise DataError("chance: all probabilities are the same; a curve needs at least two")
    from statsmodels.nonparametric.smoothers_lowess import lowess

    found = np.asarray(lowess(marks, p, frac=SPAN, it=0, delta=NEAR * np.ptp(p)), dtype=np.float64)
    predicted, observed = found[:, 0], found[:, 1]
    errors = np.abs(predicted - observed)
    return CalibrationCurve(
        predicted, observed, float(errors.mean()), float(errors.max()), float(np.quantile(errors, 0.9))
    )


def _require_predictions(chance: ArrayLike, event: ArrayLike) -> tuple[Numbers, Numbers]:
    p = np.asarray(chance, dtype=np.float64)
    marks = np.asarray(event, dtype=np.float64)
    if p.ndim != 1 or p.shape != marks.shape:
        raise DataError("chance, event: give one probability and one 0 or 1 for each patient")
    wrong = int((~((p > 0) & (p < 1))).sum())
    if wrong:
        raise DataError(f"chance: {wrong} of {p.size} are not above 0 and below 1")
    if not np.isin(marks, (0.0, 1.0)).all():
        raise DataError("event: must be 0 or 1")
    return p, marks


def _fit_line(log_odds: Numbers, marks: Numbers, level: float) -> tuple[Estimate, Estimate, str]:
    from scipy.special import ndtri

    fit = fit_logistic(log_odds[:, np.newaxis], marks, names=["log odds"], level=level)
    if fit.intercept is None:
        nothing = Estimate(None, None, None)
        return nothing, nothing, f"no line of calibration: {fit.note}"
    quantile = float(ndtri((1 + level) / 2))
    found: list[Estimate] = []
    for term in (fit.intercept, fit.terms[0]):
        value, error = term.coefficient, term.standard_error
        assert value is not None and error is not None  # noqa: S101, PT018 - a fit has both
        found.append(Estimate(value, value - quantile * error, value + quantile * error))
    return found[0], found[1], ""


def _find_shift(log_odds: Numbers, marks: Numbers, level: float) -> Estimate:
    """The one number that, added to all log odds, makes the mean probability right."""
    from scipy.optimize import brentq
    from scipy.special import expit, ndtri

    def miss(shift: float) -> float:
        return float((expit(log_odds + shift) - marks).sum())

    ends = (-float(log_odds.max()) - 50.0, -float(log_odds.min()) + 50.0)
    shift = float(cast(float, brentq(miss, *ends, xtol=1e-13)))
    chance = expit(log_odds + shift)
    error = 1.0 / math.sqrt(float((chance * (1.0 - chance)).sum()))
    away = float(ndtri((1 + level) / 2)) * error
    return Estimate(shift, shift - away, shift + away)


def _compare_numbers(events: int, n: int, expected: float, level: float) -> Estimate:
    from scipy.special import ndtri

    ratio = events / expected
    away = float(ndtri((1 + level) / 2)) * math.sqrt((1.0 - events / n) / events)
    return Estimate(ratio, ratio * math.exp(-away), ratio * math.exp(away))
