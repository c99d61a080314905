"""Curves of a model corrected for optimism, point by point: calibration and net benefit."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.calibration import smooth_calibration
from cytopenia.stats.model_recipes import MadeModels
from cytopenia.stats.net_benefit import measure_net_benefit
from cytopenia.stats.sampled_models import SampledModels

__all__ = ["CorrectedCurves", "correct_curves"]

Numbers = NDArray[np.float64]
Measure = Callable[[Numbers, Numbers], Numbers]

POINTS = 50
# The ends of the curve leave out so many patients on either side, as rms::calibrate does.
LEFT_OUT = 4
# A probability printed by the computer as 0 or 1 is neither.
NEAREST = 1e-12


@dataclass(frozen=True, eq=False)
class CorrectedCurves:
    """Calibration and net benefit of a model, as they look on its patients and corrected for that.

    Attributes
    ----------
    predicted, observed, corrected : (points,) array of float
        Rising probabilities, the smoothed share with the event at each, and this share less its optimism;
        empty where every probability is the same.
    thresholds, benefit, benefit_corrected, treat_all : (thresholds,) array of float
    resamples : int
        Resamples with a model.
    """

    predicted: Numbers
    observed: Numbers
    corrected: Numbers
    thresholds: Numbers
    benefit: Numbers
    benefit_corrected: Numbers
    treat_all: Numbers
    resamples: int


def correct_curves(sampled: SampledModels, *, thresholds: ArrayLike = ()) -> CorrectedCurves:
    """Return the calibration curve and the net benefit of a model, corrected by the bootstrap at each point.

    Parameters
    ----------
    sampled : SampledModels
        From `make_sampled_models`.
    thresholds : array of float
        Above 0 and below 1; none if empty.

    Raises
    ------
    DataError
        No model of all patients could be fitted, or as `measure_net_benefit`.

    Notes
    -----
    The optimism of a point is the mean, over resamples, of the curve of the resample's model on the resample
    less that on all patients: `rms::calibrate` with `smoother = "lowess"`.

    Examples
    --------
    >>> from cytopenia.stats.model_recipes import ModelRecipe
    >>> from cytopenia.stats.resamples import draw_resamples
    >>> from cytopenia.stats.sampled_models import make_sampled_models
    >>> rng = np.random.default_rng(1)
    >>> design = rng.normal(size=(120, 2))
    >>> event = (rng.random(120) < 1 / (1 + np.exp(-design[:, 0]))).astype(int)
    >>> drawn = draw_resamples(120, count=50, seed=1)
    >>> sampled = make_sampled_models(design, event, drawn, recipe=ModelRecipe("firth", (0, 1)))
    >>> found = correct_curves(sampled, thresholds=[0.5])
    >>> bool(found.benefit_corrected[0] < found.benefit[0])
    True
    """
    marks, drawn, limits = sampled.event, sampled.resamples, np.asarray(thresholds, dtype=np.float64)
    chances = _predict_all(sampled.models)
    own = chances[0]
    if np.isnan(own).any():
        raise DataError("design: no model of all patients could be fitted")
    grid = _place_points(own)

    def calibrate(chance: Numbers, has_event: Numbers) -> Numbers:
        if np.ptp(chance) == 0:
            return np.full(grid.size, np.nan)
        curve = smooth_calibration(chance, has_event)
        return np.interp(grid, curve.predicted, curve.observed, left=np.nan, right=np.nan)

    def benefit(chance: Numbers, has_event: Numbers) -> Numbers:
        return measure_net_benefit(chance, has_event, limits).model

    observed, found_benefit = calibrate(own, marks), benefit(own, marks)
    return CorrectedCurves(
        predicted=grid,
        observed=observed,
        corrected=observed - _find_optimism(chances[1:], marks, drawn, calibrate),
        thresholds=limits,
        benefit=found_benefit,
        benefit_corrected=found_benefit - _find_optimism(chances[1:], marks, drawn, benefit),
        treat_all=measure_net_benefit(own, marks, limits).treat_all,
        resamples=int((~np.isnan(chances[1:]).any(axis=1)).sum()),
    )


def _predict_all(models: MadeModels) -> Numbers:
    """Probabilities of all rows: by the model of all, then by that of each resample."""
    from scipy.special import expit

    return np.clip(np.asarray(expit(models.scores), dtype=np.float64), NEAREST, 1.0 - NEAREST)


def _place_points(chance: Numbers) -> Numbers:
    ordered = np.sort(chance)
    left_out = LEFT_OUT if ordered.size > 2 * LEFT_OUT + 1 else 0
    low, high = ordered[left_out], ordered[ordered.size - 1 - left_out]
    return np.linspace(low, high, POINTS) if high > low else np.empty(0)


def _find_optimism(chances: Numbers, marks: Numbers, drawn: NDArray[np.int64], measure: Measure) -> Numbers:
    """The mean over resamples at each point, of those whose curves reach it."""
    gains = [
        measure(chance[index], marks[index]) - measure(chance, marks)
        for chance, index in zip(chances, drawn, strict=True)
        if not np.isnan(chance).any()
    ]
    if not gains:
        return np.full(measure(np.full_like(marks, 0.5), marks).size, np.nan)
    table = np.array(gains)
    reached = np.isfinite(table)
    counts = reached.sum(axis=0)
    sums = np.where(reached, table, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
