"""Firth's penalized partial likelihood of a Cox model: its top, and the profile of one coefficient.

The likelihood with its slope is that of firthmodels. Its own search for the ends of an interval stops where
the information is lost on the way, so that the search is done here.
"""

# SciPy and firthmodels ship no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cytopenia.stats.event_times import EventTimes

__all__ = ["PenalizedLikelihood", "PenalizedPoint"]

Numbers = NDArray[np.float64]

# Of slopes in standard errors, and of an end of an interval in standard errors.
TOLERANCE, NEAR = 1e-8, 1e-10
# Standard errors from the top within which an end is looked for.
FARTHEST = 1e3
MOST_STEPS, MOST_HALVINGS, LONGEST_STEP = 100, 30, 2.0
ROUNDING = 1e-13
# Of the slope at the start of a step: so steeply it may lead down at the end.
TOO_FAR = 0.25


@dataclass(frozen=True)
class PenalizedPoint:
    """Coefficients with the penalized log-likelihood there, its slope and the information."""

    weights: Numbers
    height: float
    slope: Numbers
    information: Numbers

    @property
    def errors(self) -> Numbers:
        """Standard errors from the inverse of the information."""
        return np.sqrt(np.diag(np.linalg.inv(self.information)))


class PenalizedLikelihood:
    """The likelihood of one sample, by Breslow's ties.

    Parameters
    ----------
    sample : EventTimes
        Code 1 is the event.
    columns : array of float, rows by columns
        Standardized.
    """

    def __init__(self, sample: EventTimes, columns: Numbers) -> None:
        from firthmodels import FirthCoxPH

        self._model: Any = FirthCoxPH(backend="numpy", max_iter=1)
        with warnings.catch_warnings():
            # One step, to lay the sample out: that it has not converged is no news.
            warnings.simplefilter("ignore")
            self._model.fit(columns, (sample.code == 1, sample.time))

    def evaluate(self, weights: Numbers) -> PenalizedPoint:
        """Return the point at some coefficients; minus infinity where the information is lost."""
        size = weights.size
        try:
            with np.errstate(all="ignore"):
                found = self._model._compute_quantities(weights)
        except np.linalg.LinAlgError:
            return PenalizedPoint(weights, -math.inf, np.zeros(size), np.zeros((size, size)))
        # The library writes into the same arrays at the next call.
        return PenalizedPoint(
            weights, float(found.loglik), np.array(found.modified_score), np.array(found.fisher_info)
        )

    def climb(self, start: Numbers, *, held: int | None = None) -> PenalizedPoint | None:
        """Return the top, with one coefficient held where it is; None if it is not reached."""
        free = np.flatnonzero(np.arange(start.size) != (-1 if held is None else held))
        point, before = self.evaluate(start), math.inf
        for _ in range(MOST_STEPS):
            if not math.isfinite(point.height):
                return None
            if not free.size:
                return point
            step = np.zeros(start.size)
            step[free] = np.linalg.solve(point.information[np.ix_(free, free)], point.slope[free])
            # The squared length of the step in standard errors, and about twice what it would gain.
            left = float(point.slope @ step)
            is_rounding = left <= _round(point.height)
            # Rounding of the slope may keep the step above the tolerance; it then no longer shrinks.
            if left <= TOLERANCE**2 or (is_rounding and left >= before):
                return point
            nearer = self._step(point, step * min(1.0, LONGEST_STEP / float(np.abs(step).max())))
            if nearer is None:
                return point if is_rounding else None
            point, before = nearer, left
        return None

    def _step(self, point: PenalizedPoint, step: Numbers) -> PenalizedPoint | None:
        lowest = point.height - _round(point.height)
        for _ in range(MOST_HALVINGS):
            nearer = self.evaluate(point.weights + step)
            if nearer.height >= lowest:
                return self._draw_back(point, nearer, step)
            step = step / 2
        return None

    def _draw_back(self, point: PenalizedPoint, nearer: PenalizedPoint, step: Numbers) -> PenalizedPoint:
        """The higher of a point and the one between, where the slope along a step that led too far is 0."""
        # The penalty may bend the likelihood twice as much as the information says: steps then swing around
        # the top for ever.
        before, after = float(point.slope @ step), float(nearer.slope @ step)
        if after >= -TOO_FAR * before:
            return nearer
        between = self.evaluate(point.weights + step * before / (before - after))
        return max(nearer, between, key=lambda found: found.height)

    def measure(self, top: PenalizedPoint, place: int, value: float) -> float | None:
        """Return the signed root of the likelihood ratio with a coefficient at a value; None if not found."""
        covariance = np.linalg.inv(top.information)
        away = value - float(top.weights[place])
        # Where the others go, to first order, and where they were.
        starts = [top.weights + away * covariance[place] / covariance[place, place], top.weights.copy()]
        for start in starts:
            start[place] = value
        tops = [found for start in starts if (found := self.climb(start, held=place)) is not None]
        if not tops:
            return None
        ratio = 2.0 * (top.height - max(found.height for found in tops))
        return math.copysign(math.sqrt(max(ratio, 0.0)), away)

    def find_limit(self, top: PenalizedPoint, place: int, target: float) -> float | None:
        """Return where the signed root meets a target; None if it does not."""
        from scipy.optimize import brentq

        center, error = float(top.weights[place]), float(top.errors[place])

        def miss(away: float) -> float:
            root = self.measure(top, place, center + away)
            return math.copysign(math.inf, target) if root is None else root - target

        inner, outer = 0.0, target * error
        while abs(outer) < FARTHEST * error and (miss(outer) < 0) == (target > 0):
            inner, outer = outer, 1.5 * outer
        if not math.isfinite(miss(outer)) or abs(outer) >= FARTHEST * error:
            return None
        return center + float(np.asarray(brentq(miss, inner, outer, xtol=NEAR * error)))


def _round(height: float) -> float:
    """What a difference of likelihoods of this size does not tell from 0."""
    return ROUNDING * (1.0 + abs(height))
