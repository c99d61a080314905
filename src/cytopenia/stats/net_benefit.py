"""Whether acting on a model does more good than treating all or none. Knows no patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError

__all__ = ["NetBenefit", "measure_net_benefit"]

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NetBenefit:
    """Net benefit at stated thresholds, in true positives per patient.

    Attributes
    ----------
    thresholds : (thresholds,) array of float
    model, treat_all : (thresholds,) array of float
        Acting on the model, and acting on everybody; acting on nobody has a net benefit of 0.
    n, events : int
    """

    thresholds: Numbers
    model: Numbers
    treat_all: Numbers
    n: int
    events: int


def measure_net_benefit(chance: ArrayLike, event: ArrayLike, thresholds: ArrayLike) -> NetBenefit:
    """Return the net benefit of acting where a probability is at or above a threshold.

    Parameters
    ----------
    chance : array of float
        From 0 to 1.
    event : array of 0 and 1
    thresholds : array of float
        Above 0 and below 1. A probability equal to a threshold is acted on.

    Raises
    ------
    DataError
        A number is outside its range, or lengths differ.

    Notes
    -----
    True positives per patient less false positives per patient times the odds of the threshold; same as
    `dca` of the packages dcurves.

    References
    ----------
    Vickers and Elkin, Medical Decision Making 2006;26:565-574. DOI 10.1177/0272989X06295361.

    Examples
    --------
    >>> found = measure_net_benefit([0.1, 0.3, 0.6, 0.9], [0, 1, 0, 1], [0.2, 0.5])
    >>> found.model.round(4).tolist(), found.treat_all.round(4).tolist()
    ([0.4375, 0.0], [0.375, 0.0])
    """
    p = np.asarray(chance, dtype=np.float64)
    marks = np.asarray(event, dtype=np.float64)
    limits = np.asarray(thresholds, dtype=np.float64)
    if p.ndim != 1 or p.shape != marks.shape or not p.size:
        raise DataError("chance, event: give one probability and one 0 or 1 for each patient")
    if not ((p >= 0) & (p <= 1)).all():
        raise DataError("chance: must lie from 0 to 1")
    if not np.isin(marks, (0.0, 1.0)).all():
        raise DataError("event: must be 0 or 1")
    if limits.ndim != 1 or not ((limits > 0) & (limits < 1)).all():
        raise DataError("thresholds: must lie above 0 and below 1")
    odds = limits / (1.0 - limits)
    # Sorted once; how many of each side lie at or above a threshold.
    yes, no = np.sort(p[marks == 1]), np.sort(p[marks == 0])
    right = yes.size - np.searchsorted(yes, limits, side="left")
    wrong = no.size - np.searchsorted(no, limits, side="left")
    return NetBenefit(
        limits, (right - wrong * odds) / p.size, (yes.size - no.size * odds) / p.size, p.size, int(yes.size)
    )
