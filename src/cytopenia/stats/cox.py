"""Cox's proportional hazards: maximum likelihood with Efron's ties, and Firth's penalized likelihood."""

# SciPy and statsmodels ship no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError, suggest_name
from cytopenia.stats.event_times import EventTimes, require_event_times, require_level
from cytopenia.stats.hazards import (
    NO_TOP,
    HazardFit,
    HazardTerm,
    describe_wald,
    explain_hazard_design,
    explain_monotone,
    exponentiate,
    refuse_fit,
    require_columns,
)
from cytopenia.stats.penalized_hazards import PenalizedLikelihood, PenalizedPoint
from cytopenia.stats.separation import scale_columns

__all__ = ["estimate_concordance", "fit_cox"]

Numbers = NDArray[np.float64]

METHODS = ("maximum_likelihood", "firth")
TOLERANCE = 1e-9
MOST_STEPS = 200


def fit_cox(
    time: ArrayLike,
    event: ArrayLike,
    design: ArrayLike,
    *,
    names: Sequence[str],
    method: str = "maximum_likelihood",
    level: float = 0.95,
) -> HazardFit:
    """Return Cox's regression of a time to an event on columns.

    Parameters
    ----------
    time : array of float
        Time of the event or of the end of follow-up, 0 or later.
    event : array of 0 and 1
    design : array of float, rows by columns
        Complete rows only. Columns are standardized inside; results are per unit of the column.
    names : sequence of str
        One for every column.
    method : {"maximum_likelihood", "firth"}
        "maximum_likelihood" with Efron's ties, Wald interval and P. "firth" with Breslow's ties, as
        firthmodels has them, the interval from the profile of the penalized likelihood and P from its ratio.
    level : float
        Of the intervals.

    Returns
    -------
    HazardFit
        Not estimable, with the reason in words: no rows, nobody with the event, columns that are constant or
        repeat others; with maximum likelihood also a monotone likelihood. A limit that is not found is None
        with a note.

    Raises
    ------
    DataError

    Notes
    -----
    Same as `coxph(..., ties = "efron")` of R's survival 3.5, with `confint` and `concordance`: statsmodels'
    `PHReg` with its tolerance at 1e-9. Firth's method is the likelihood of firthmodels' `FirthCoxPH`;
    estimates, profile limits and P equal a search of it in R (tests/parity/make_firth_cox.R) to 2e-6.

    References
    ----------
    Cox, J R Stat Soc B 1972;34:187-220. Efron, J Am Stat Assoc 1977;72:557-565.
    Heinze and Schemper, Biometrics 2001;57:114-119. DOI 10.1111/j.0006-341X.2001.00114.x.

    Examples
    --------
    >>> time, event = [6, 7, 10, 15, 19, 25], [1, 0, 1, 1, 0, 1]
    >>> fit = fit_cox(time, event, [[1], [0], [1], [0], [0], [1]], names=["placebo"])
    >>> round(fit.terms[0].hazard_ratio, 3), fit.events
    (2.562, 4)
    """
    require_level(level)
    if method not in METHODS:
        hint = suggest_name(method, METHODS)
        raise DataError(f"method: unknown '{method}'{hint}; allowed: {', '.join(METHODS)}")
    sample = require_event_times(time, event)
    columns = require_columns(design, names, sample.time.size)
    why = explain_hazard_design(columns, sample, names)
    if not why and method == "maximum_likelihood":
        why = explain_monotone(columns, sample, names)
    if why:
        return refuse_fit(method, names, sample, why=why)
    fit = _fit_plain if method == "maximum_likelihood" else _fit_penalized
    return fit(sample, columns, names=names, level=level)


def _fit_plain(sample: EventTimes, columns: Numbers, *, names: Sequence[str], level: float) -> HazardFit:
    from scipy.stats import chi2
    from statsmodels.duration.hazard_regression import PHReg

    scaled, _, spreads = scale_columns(columns)
    model: Any = PHReg(sample.time, scaled, status=sample.code, ties="efron")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = model.fit(tol=TOLERANCE, maxiter=MOST_STEPS, disp=0)
        weights = np.asarray(found.params, dtype=np.float64)
        score = np.asarray(model.score(weights), dtype=np.float64)
        information = -np.asarray(model.hessian(weights), dtype=np.float64)
        height, floor = float(model.loglike(weights)), float(model.loglike(np.zeros_like(weights)))
    covariance = _invert(information)
    # The squared length of the step that is left, in standard errors.
    if covariance is None or not float(score @ covariance @ score) <= TOLERANCE:
        return refuse_fit("maximum_likelihood", names, sample, why=NO_TOP)
    errors = np.sqrt(np.diag(covariance))
    terms = [
        describe_wald(name, float(weight / spread), float(error / spread), level=level)
        for name, weight, error, spread in zip(names, weights, errors, spreads, strict=True)
    ]
    ratio, wald = 2.0 * (height - floor), float(weights @ information @ weights)
    concordance, error = estimate_concordance(sample.time, sample.code, scaled @ weights)
    return HazardFit(
        "maximum_likelihood",
        tuple(terms),
        sample.time.size,
        int(sample.code.sum()),
        len(names),
        log_likelihood=height,
        null_log_likelihood=floor,
        likelihood_ratio=ratio,
        likelihood_ratio_p=float(chi2.sf(ratio, len(names))),
        wald=wald,
        wald_p=float(chi2.sf(wald, len(names))),
        concordance=concordance,
        concordance_se=error,
    )


def _invert(matrix: Numbers) -> Numbers | None:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return None
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def _fit_penalized(sample: EventTimes, columns: Numbers, *, names: Sequence[str], level: float) -> HazardFit:
    from scipy.stats import chi2

    scaled, _, spreads = scale_columns(columns)
    likelihood = PenalizedLikelihood(sample, scaled)
    top = likelihood.climb(np.zeros(len(names)))
    if top is None:
        return refuse_fit("firth", names, sample, why=NO_TOP)
    terms = [
        _describe_penalized(name, likelihood, top, place=place, spread=float(spreads[place]), level=level)
        for place, name in enumerate(names)
    ]
    floor = likelihood.evaluate(np.zeros(len(names)))
    ratio = 2.0 * (top.height - floor.height)
    concordance, error = estimate_concordance(sample.time, sample.code, scaled @ top.weights)
    # Half the log determinant of the information is told in the units of the user.
    shift = float(np.log(spreads).sum())
    return HazardFit(
        "firth",
        tuple(terms),
        sample.time.size,
        int(sample.code.sum()),
        len(names),
        log_likelihood=top.height + shift,
        null_log_likelihood=floor.height + shift,
        likelihood_ratio=ratio,
        likelihood_ratio_p=float(chi2.sf(ratio, len(names))),
        concordance=concordance,
        concordance_se=error,
    )


def _describe_penalized(
    name: str,
    likelihood: PenalizedLikelihood,
    top: PenalizedPoint,
    *,
    place: int,
    spread: float,
    level: float,
) -> HazardTerm:
    from scipy.special import ndtr, ndtri

    quantile = float(ndtri((1 + level) / 2))
    ratio = likelihood.measure(top, place, 0.0)
    limits = [likelihood.find_limit(top, place, target) for target in (-quantile, quantile)]
    logs = [None if log is None else log / spread for log in (float(top.weights[place]), *limits)]
    ends = [exponentiate(log) for log in logs]
    missing = [word for word, log in zip(("lower", "upper"), logs[1:], strict=True) if log is None]
    notes = [f"the {word} end of the interval was not found" for word in missing]
    notes += ["no P: the fit without this term did not converge"] if ratio is None else []
    if ends.count(None) > len(missing):
        notes.append("a hazard ratio per unit is too large or too small to print; use another unit")
    return HazardTerm(
        name,
        logs[0],
        float(top.errors[place]) / spread,
        ends[0],
        ends[1],
        ends[2],
        None if ratio is None else 2.0 * float(ndtr(-abs(ratio))),
        "not_estimable" if ends[0] is None else "ok",
        "; ".join(notes),
    )


def estimate_concordance(
    time: ArrayLike, event: ArrayLike, hazard: ArrayLike
) -> tuple[float | None, float | None]:
    """Return the concordance of a predictor with the times, and its standard error; None without a pair.

    Parameters
    ----------
    time : array of float
    event : array of 0 and 1
    hazard : array of float
        Higher means an earlier event.

    Notes
    -----
    A pair counts if the earlier time is an event; of one time, an event comes before the end of follow-up,
    and two events make no pair. Equal predictors count a half. The standard error is that of the
    infinitesimal jackknife. Same as `concordance(fit)` of R's survival 3.5. No library with a permissive
    license and without further demands gives this with its error.

    References
    ----------
    Harrell et al., Stat Med 1996;15:361-387. Therneau and Watson, Mayo Technical Report 85, 2015.

    Examples
    --------
    >>> estimate_concordance([1, 2, 3], [1, 1, 0], [3.0, 1.0, 2.0])[0] == 2 / 3
    True
    """
    sample, scores = require_event_times(time, event), np.asarray(hazard, dtype=np.float64)
    is_event = sample.code == 1
    agreeing, pairs = np.zeros(scores.size), np.zeros(scores.size)
    for row in np.flatnonzero(is_event):
        later = (sample.time > sample.time[row]) | ((sample.time == sample.time[row]) & ~is_event)
        agrees = later * (0.5 + 0.5 * np.sign(np.round(scores[row] - scores, 12)))
        agreeing += agrees
        pairs += later
        agreeing[row] += agrees.sum()
        pairs[row] += later.sum()
    total = float(pairs.sum()) / 2
    if not total:
        return None, None
    share = float(agreeing.sum()) / 2 / total
    influence = (agreeing - share * pairs) / total
    return share, math.sqrt(float(influence @ influence))
