"""Logistic models of two-level factors, and how their numbers move with the counts of each pattern.

The patients with the same levels of every factor share a pattern. The model needs no more than how many
patients a pattern has and, for each factor, how many of its patients have the event. From one fit follows
how every number moves if a patient more had a pattern, without another fit; a search asks that thousands of
times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["QUANTILE", "PatternFits", "PatternModel", "PatternSlopes"]

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]

QUANTILE = 1.959963984540054
_MOST_STEPS = 50
_LONGEST_STEP = 3.0
_SMALL_STEP = 1e-9
# Beyond it a probability is 0 or 1 in double precision, and nothing is left to learn from the pattern.
_LARGEST_LOGIT = 30.0
# Keeps a model without a finite estimate solvable; far below the information of one patient.
_RIDGE = 1e-9


@dataclass(frozen=True, eq=False)
class PatternFits:
    """Fitted models of several cohorts.

    Attributes
    ----------
    weights : (cohorts, 1 + factors) array of float
        Log odds, the intercept first.
    covariance : (cohorts, 1 + factors, 1 + factors) array of float
    numbers : (cohorts, factors, 3) array of float
        Logarithms of the odds ratio of each factor and of its limits (95%, Wald).
    """

    weights: Floats
    covariance: Floats
    numbers: Floats


@dataclass(frozen=True, eq=False)
class PatternSlopes:
    """How the numbers of one fit move.

    Attributes
    ----------
    by_pattern : (patterns, factors, 3) array of float
        With one patient more of a pattern, the counts of events as they are.
    by_event : (1 + factors, factors, 3) array of float
        With one event more in all, or one more of a patient with the factor.
    """

    by_pattern: Floats
    by_event: Floats


class PatternModel:
    """The logistic model of some two-level factors; its patterns are numbered, the first factor counts 1."""

    def __init__(self, factors: int) -> None:
        self.patterns: Floats = np.ones((2**factors, 1 + factors))
        self.patterns[:, 1:] = (np.arange(2**factors)[:, None] >> np.arange(factors)) & 1
        self._pairs = np.einsum("pi,pj->pij", self.patterns, self.patterns).reshape(2**factors, -1)

    def fit(self, totals: Whole, events: Whole, start: Floats) -> PatternFits:
        """Return the fits by maximum likelihood, each by Newton's method from the same start.

        Parameters
        ----------
        totals : (cohorts, patterns) array of int
            Patients of each pattern.
        events : (cohorts, 1 + factors) array of int
            Patients with the event: in all, then of those with each factor.
        start : (1 + factors,) array of float

        Returns
        -------
        PatternFits
            Of a cohort without a finite estimate the numbers are finite and mean nothing.

        Examples
        --------
        >>> fits = PatternModel(1).fit(np.array([[20, 40]]), np.array([[39, 33]]), np.zeros(2))
        >>> np.exp(fits.numbers[0, 0]).round(3)
        array([11.  ,  3.13, 38.66])
        """
        count, columns = len(totals), self.patterns.shape[1]
        weights: Floats = np.tile(start, (count, 1))
        for _ in range(_MOST_STEPS):
            shares, information = self._look(weights, totals)
            slope = events - (totals * shares) @ self.patterns
            step = np.linalg.solve(information, slope[:, :, np.newaxis])[:, :, 0]
            longest = np.abs(step).max(axis=1, keepdims=True)
            weights = weights + step * np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, _SMALL_STEP))
            weights = np.clip(weights, -_LARGEST_LOGIT, _LARGEST_LOGIT)
            if longest.max(initial=0.0) < _SMALL_STEP:
                break
        covariance = np.linalg.inv(self._look(weights, totals)[1]).astype(np.float64)
        diagonal = covariance[:, range(columns), range(columns)]
        reach = QUANTILE * np.sqrt(np.maximum(diagonal, 0.0))[:, 1:]
        logs = weights[:, 1:]
        return PatternFits(weights, covariance, np.stack([logs, logs - reach, logs + reach], axis=2))

    def _look(self, weights: Floats, totals: Whole) -> tuple[Floats, Floats]:
        logits = np.clip(weights @ self.patterns.T, -_LARGEST_LOGIT, _LARGEST_LOGIT)
        shares = 1.0 / (1.0 + np.exp(-logits))
        columns = self.patterns.shape[1]
        information = ((totals * shares * (1.0 - shares)) @ self._pairs).reshape(-1, columns, columns)
        return shares, information + _RIDGE * np.eye(columns)

    def derive(self, totals: Whole, fits: PatternFits) -> PatternSlopes:
        """Return how the numbers of the only fit move, by the theorem of implicit functions.

        Parameters
        ----------
        totals : (patterns,) array of int
        fits : PatternFits
            Of one cohort.

        Examples
        --------
        >>> model, totals, events = PatternModel(1), np.array([20, 40]), np.array([39, 33])
        >>> fits = model.fit(totals[None], events[None], np.zeros(2))
        >>> slope = model.derive(totals, fits).by_pattern[1, 0, 0]
        >>> one_more = model.fit(totals[None] + [0, 1], events[None], np.zeros(2))
        >>> print(round(slope, 2), round(one_more.numbers[0, 0, 0] - fits.numbers[0, 0, 0], 2))
        -0.14 -0.13
        """
        covariance = fits.covariance[0]
        logits = np.clip(self.patterns @ fits.weights[0], -_LARGEST_LOGIT, _LARGEST_LOGIT)
        shares = 1.0 / (1.0 + np.exp(-logits))
        spread = shares * (1.0 - shares)
        seen = self.patterns @ covariance
        bend = totals * spread * (1.0 - 2.0 * shares)
        by_weight = -(self.patterns * bend[:, np.newaxis]).T @ seen**2
        weights = -shares[:, np.newaxis] * seen
        variances = -spread[:, np.newaxis] * seen**2 + weights @ by_weight
        errors = np.sqrt(np.diagonal(covariance))
        return PatternSlopes(
            _join(weights, variances / (2 * errors)), _join(covariance, covariance @ by_weight / (2 * errors))
        )


def _join(weights: Floats, errors: Floats) -> Floats:
    """Slopes of log odds and standard errors as those of log odds and both limits, without the intercept."""
    logs, reach = weights[:, 1:], QUANTILE * errors[:, 1:]
    return np.stack([logs, logs - reach, logs + reach], axis=2)
