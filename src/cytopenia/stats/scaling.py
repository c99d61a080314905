"""The step of a number that its odds ratio is for: a unit, several, a doubling, a range, a deviation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.likelihood import require_choice

__all__ = ["SCALES", "Scaled", "scale_numbers"]

Numbers = NDArray[np.float64]

SCALES = ("unit", "doubling", "iqr", "sd")


@dataclass(frozen=True)
class Scaled:
    """A number in steps.

    Attributes
    ----------
    numbers : array of float
        Missing stays NaN; all NaN where not estimable.
    step : float or None
        How much of the unit is one step; None of a doubling, which is a factor.
    status, note : str
        `ok` or `not_estimable`; why.
    """

    numbers: Numbers
    step: float | None
    status: str
    note: str


def scale_numbers(values: ArrayLike, scale: str | float, *, among: ArrayLike | None = None) -> Scaled:
    """Return numbers divided by one step, so that a coefficient is that of the step.

    Parameters
    ----------
    values : array of float
        NaN is missing.
    scale : {"unit", "doubling", "iqr", "sd"} or float
        "doubling" takes the logarithm to base 2; a number is a step of so many units.
    among : array of bool, optional
        Whose interquartile range or standard deviation is one step, and whose values have to be above 0 for
        a doubling; everybody without it.

    Raises
    ------
    DataError
        An unknown scale, or a step that is not above 0.

    Notes
    -----
    Quartiles as `quantile(type = 7)` of R, the standard deviation as its `sd` (n - 1).

    Examples
    --------
    >>> scale_numbers([1.0, 2.0, 8.0], "doubling").numbers.tolist()
    [0.0, 1.0, 3.0]
    >>> scale_numbers([0.0, 2.0], "doubling").note
    '1 value of 0 or below has no logarithm; use another scale'
    """
    numbers = np.asarray(values, dtype=np.float64)
    is_among = np.ones(numbers.shape, dtype=bool) if among is None else np.asarray(among, dtype=bool)
    known = numbers[is_among & ~np.isnan(numbers)]
    if isinstance(scale, str):
        require_choice("scale", scale, SCALES)
        if scale == "doubling":
            return _double(numbers, known)
        step = {"unit": _find_unit, "iqr": _find_range, "sd": _find_deviation}[scale](known)
    else:
        step = float(scale)
        if not np.isfinite(step) or step <= 0:
            raise DataError(f"scale: a step of {step:g} units; it must be above 0")
    if not np.isfinite(step) or step <= 0:
        why = "no value" if not len(known) else "the values do not differ enough to give a step"
        return Scaled(np.full(numbers.shape, np.nan), None, "not_estimable", why)
    return Scaled(numbers if step == 1 else numbers / step, step, "ok", "")


def _double(numbers: Numbers, known: Numbers) -> Scaled:
    low = int((known <= 0).sum())
    if low:
        word = "value of 0 or below has" if low == 1 else "values of 0 or below have"
        note = f"{low} {word} no logarithm; use another scale"
        return Scaled(np.full(numbers.shape, np.nan), None, "not_estimable", note)
    positive = np.where(numbers > 0, numbers, np.nan)
    return Scaled(np.log2(positive), None, "ok", "")


def _find_unit(_: Numbers) -> float:
    return 1.0


def _find_range(known: Numbers) -> float:
    if not len(known):
        return np.nan
    low, high = np.quantile(known, [0.25, 0.75])
    return float(high - low)


def _find_deviation(known: Numbers) -> float:
    return float(np.std(known, ddof=1)) if len(known) > 1 else np.nan
