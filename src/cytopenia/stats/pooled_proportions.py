"""Proportions of several cohorts together: a random intercept on the logit scale, by exact likelihood."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError, join_problems
from cytopenia.stats.shift import require_level

__all__ = ["FEWEST_COHORTS", "PooledProportion", "pool_proportions"]

Numbers = NDArray[np.float64]

# The prediction interval has two degrees of freedom fewer than there are cohorts.
FEWEST_COHORTS = 3
# With fewer, a variance between cohorts is said to be hardly known.
FEW_COHORTS = 5
NODES = 41
STARTS = (0.1, 0.5, 1.5)
# The gain in log-likelihood below which the cohorts differ no more than chance makes them.
NOTHING_GAINED = 1e-9
STEP = 1e-4
# The smallest part of its steepest direction that another may have before the top counts as flat.
FLAT = 1e-7
NEWTON_STEPS = 100
NO_MAXIMUM = "the likelihood has no clear maximum"


@dataclass(frozen=True)
class PooledProportion:
    """The proportion of an average cohort, and where that of the next one may lie; None where not estimable.

    Attributes
    ----------
    cohorts, n : int
        Cohorts, and patients in all of them.
    proportion, low, high : float or None
        From 0 to 1: of a cohort whose effect is the mean (the median of all cohorts), with its interval.
    prediction_low, prediction_high : float or None
        The interval in which the proportion of one further cohort of the same kind is expected.
    tau_squared : float or None
        Variance between cohorts on the logit scale.
    i_squared : float or None
        In percent: the share of the variance of the observed logits that lies between the cohorts.
    mean_logit, standard_error : float or None
    degrees_of_mean, degrees_of_prediction : int
        Degrees of freedom of the t quantiles of the two intervals.
    status : {"ok", "not_estimable"}
    note : str
        Why not estimable, or what a reader must know.
    """

    cohorts: int
    n: int
    proportion: float | None = None
    low: float | None = None
    high: float | None = None
    prediction_low: float | None = None
    prediction_high: float | None = None
    tau_squared: float | None = None
    i_squared: float | None = None
    mean_logit: float | None = None
    standard_error: float | None = None
    degrees_of_mean: int = 0
    degrees_of_prediction: int = 0
    status: str = "ok"
    note: str = ""


@dataclass(frozen=True)
class _Counts:
    events: Numbers
    sizes: Numbers


@dataclass(frozen=True)
class _Fit:
    mean: float
    deviation: float
    value: float


def pool_proportions(events: ArrayLike, sizes: ArrayLike, *, level: float = 0.95) -> PooledProportion:
    """Return the random-effects summary of proportions.

    Parameters
    ----------
    events, sizes : array of int
        One per cohort; no patient may be in two of them.
    level : float
        Of both intervals.

    Returns
    -------
    PooledProportion
        Not estimable: fewer than three cohorts; none with some of its patients affected and others not; a
        likelihood without a clear maximum.

    Raises
    ------
    DataError
        The counts are impossible, or the level is not between 0 and 1; all cohorts at once.

    Notes
    -----
    The number of events in a cohort is binomial, and the logits of the cohorts are normal: the model of
    `lme4::glmer(cbind(x, n - x) ~ 1 + (1 | study), binomial, nAGQ = 25)` and of
    `metafor::rma.glmm(measure = "PLO", test = "t")`, to 1e-6. Cohorts without any event need no correction,
    and no variance of a logit is taken as known; the double arcsine is not used because its way back depends
    on a mean size of the cohorts, which no cohort has. Maximum likelihood: with few cohorts the variance
    between them comes out too small, so both intervals have t quantiles: of the mean with k - 1 degrees of
    freedom, as metafor has it, and of a further cohort, `mean +- t sqrt(tau_squared + standard_error^2)`,
    with k - 2 (Higgins; `metafor::predict` takes k - 1). The standard error is from the observed information
    of mean and deviation together. `i_squared` sets `tau_squared` against the typical variance within
    cohorts, with 1/2 added to the cells of a cohort that has an empty one, as metafor does.

    References
    ----------
    Stijnen, Hamza and Ozdemir, Statistics in Medicine 2010;29:3046-3067. Higgins, Thompson and Spiegelhalter,
    Journal of the Royal Statistical Society A 2009;172:137-159. Schwarzer, Chemaitelly, Abu-Raddad and
    Ruecker, Research Synthesis Methods 2019;10:476-483. Higgins and Thompson, Statistics in Medicine
    2002;21:1539-1558.

    Examples
    --------
    >>> found = pool_proportions([10, 13, 8, 20, 9], [50, 60, 41, 100, 46])
    >>> round(found.proportion, 4), round(found.low, 4), round(found.high, 4), found.tau_squared
    (0.202, 0.1449, 0.2744, 0.0)
    """
    require_level(level)
    counts = _require_cohorts(events, sizes)
    size, n = int(counts.sizes.size), int(counts.sizes.sum())
    why = _say_why_not(counts)
    if why:
        return PooledProportion(size, n, status="not_estimable", note=why)
    fit = _fit(counts)
    error = _find_error(counts, fit)
    if error is None:
        return PooledProportion(size, n, status="not_estimable", note=NO_MAXIMUM)
    variance = fit.deviation**2
    low, high = _limit(fit.mean, error, size - 1, level)
    farther = float(np.hypot(fit.deviation, error))
    prediction_low, prediction_high = _limit(fit.mean, farther, size - 2, level)
    within = _typical_variance(counts)
    return PooledProportion(
        cohorts=size,
        n=n,
        proportion=float(_expit(fit.mean)),
        low=low,
        high=high,
        prediction_low=prediction_low,
        prediction_high=prediction_high,
        tau_squared=variance,
        i_squared=100 * variance / (variance + within),
        mean_logit=fit.mean,
        standard_error=error,
        degrees_of_mean=size - 1,
        degrees_of_prediction=size - 2,
        note=f"from {size} cohorts only: the variance between cohorts is hardly known"
        if size < FEW_COHORTS
        else "",
    )


def _require_cohorts(events: ArrayLike, sizes: ArrayLike) -> _Counts:
    given, of = np.asarray(events, dtype=np.float64).ravel(), np.asarray(sizes, dtype=np.float64).ravel()
    if given.size != of.size:
        raise DataError(
            f"{given.size} counts of events and {of.size} of patients; give one of each per cohort"
        )
    is_possible = (given == np.floor(given)) & (of == np.floor(of)) & (given >= 0) & (given <= of) & (of > 0)
    problems = [
        f"cohort {place + 1}: {given[place]:g} events of {of[place]:g} patients"
        for place in np.flatnonzero(~is_possible)
    ]
    if problems:
        raise DataError(join_problems("whole numbers are needed, no more events than patients:", problems))
    return _Counts(given, of)


def _say_why_not(counts: _Counts) -> str:
    size = counts.sizes.size
    if size < FEWEST_COHORTS:
        return f"{size} cohort{'' if size == 1 else 's'}; at least {FEWEST_COHORTS} are needed"
    if not counts.events.any():
        return "nobody in any cohort has the event"
    if np.all(counts.events == counts.sizes):
        return "everybody in every cohort has the event"
    if np.all((counts.events == 0) | (counts.events == counts.sizes)):
        return "every cohort has all of its patients with the event, or none"
    return ""


def _expit(value: Numbers | float) -> Numbers:
    from scipy.special import expit

    return np.asarray(expit(value), dtype=np.float64)


def _fit(counts: _Counts) -> _Fit:
    """The best of several searches; none of them counts unless it gains on cohorts that are all alike."""
    from scipy.optimize import minimize

    share = float(counts.events.sum() / counts.sizes.sum())
    mean = float(np.log(share / (1 - share)))
    best = _Fit(mean, 0.0, _score(counts, mean, 0.0)[0])

    def lose(at: Numbers) -> tuple[float, Numbers]:
        value, slopes = _score(counts, float(at[0]), float(at[1]))
        return -value, -slopes

    for start in STARTS:
        found = minimize(lose, [mean, start], jac=True, method="BFGS", options={"gtol": 1e-10})
        value = -float(found.fun)
        if value > best.value + NOTHING_GAINED:
            best = _Fit(float(found.x[0]), abs(float(found.x[1])), value)
    return best


def _score(counts: _Counts, mean: float, deviation: float) -> tuple[float, Numbers]:
    """The log-likelihood, and its slopes in mean and deviation.

    Each cohort is integrated by Gauss-Hermite quadrature around the mode of its own effect.
    """
    mode, spread = _find_modes(counts, mean, deviation)
    nodes, weights = _find_nodes()
    effect = mode[:, None] + spread[:, None] * nodes
    logit = mean + deviation * effect
    events, sizes = counts.events[:, None], counts.sizes[:, None]
    logs = events * logit - sizes * np.logaddexp(0, logit) - effect**2 / 2 + nodes**2 / 2
    logs += np.log(weights) + np.log(spread)[:, None] - np.log(2 * np.pi) / 2
    highest = logs.max(axis=1, keepdims=True)
    parts = np.exp(logs - highest)
    total = parts.sum(axis=1, keepdims=True)
    parts /= total
    residual = events - sizes * _expit(logit)
    slopes = np.array([(parts * residual).sum(), (parts * residual * effect).sum()])
    return float((highest + np.log(total)).sum()), slopes


@cache
def _find_nodes() -> tuple[Numbers, Numbers]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return np.asarray(nodes, dtype=np.float64), np.asarray(weights, dtype=np.float64)


def _find_modes(counts: _Counts, mean: float, deviation: float) -> tuple[Numbers, Numbers]:
    """Where the integrand of each cohort is highest, and how wide it is there."""
    effect = np.zeros_like(counts.events)
    for _ in range(NEWTON_STEPS):
        chance = _expit(mean + deviation * effect)
        slope = deviation * (counts.events - counts.sizes * chance) - effect
        curvature = 1 + deviation**2 * counts.sizes * chance * (1 - chance)
        step = np.clip(slope / curvature, -1, 1)
        effect = effect + step
        if np.all(np.abs(step) < 1e-12):
            break
    chance = _expit(mean + deviation * effect)
    return effect, 1 / np.sqrt(1 + deviation**2 * counts.sizes * chance * (1 - chance))


def _find_error(counts: _Counts, fit: _Fit) -> float | None:
    """The standard error of the mean, from the observed information; None where that is not of a maximum."""
    center = np.array([fit.mean, fit.deviation])
    information = np.empty((2, 2))
    for place, shift in enumerate(np.eye(2) * STEP):
        after, before = _score(counts, *(center + shift))[1], _score(counts, *(center - shift))[1]
        information[place] = (before - after) / (2 * STEP)
    information = (information + information.T) / 2
    values = np.linalg.eigvalsh(information)
    is_maximum = bool(np.all(np.isfinite(values))) and values[0] > FLAT * values[-1]
    return float(np.sqrt(np.linalg.inv(information)[0, 0])) if is_maximum else None


def _limit(center: float, width: float, degrees: int, level: float) -> tuple[float, float]:
    from scipy.stats import t

    reach = float(t.ppf((1 + level) / 2, degrees)) * width
    return float(_expit(center - reach)), float(_expit(center + reach))


def _typical_variance(counts: _Counts) -> float:
    """The variance of a logit inside a typical cohort, after Higgins and Thompson."""
    others = counts.sizes - counts.events
    is_empty = (counts.events == 0) | (others == 0)
    added = np.where(is_empty, 0.5, 0.0)
    weights = 1 / (1 / (counts.events + added) + 1 / (others + added))
    total = weights.sum()
    return float((weights.size - 1) * total / (total**2 - (weights**2).sum()))
