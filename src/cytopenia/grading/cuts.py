"""The only place where a value is compared with a cut.

Values and cuts are compared after rounding both to 15 significant digits, so that a value printed at a cut
is at the cut: 500 per uL is 0.5 x 10^9/L, and 1.65 is at least 1.5 x 1.1. Because rounding is monotone, the
comparison is done without rounding any value: the cut is widened by half a unit of its 15th digit.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["COMPARATORS", "Comparator", "decode_ends", "encode_ends", "is_met"]

Comparator = Literal["below", "at_most", "above", "at_least"]
COMPARATORS: tuple[Comparator, ...] = ("below", "at_most", "above", "at_least")

_LAST_DIGIT = 14
_OPEN_END_UNITS = 4.0
_PRINTED_DIGITS = 12


def is_met(values: ArrayLike, comparator: Comparator, cut: ArrayLike) -> NDArray[np.bool_]:
    """Return whether each value meets "comparator cut", after rounding both to 15 significant digits.

    Parameters
    ----------
    values : array of float
        In the unit of the cut. NaN meets nothing.
    comparator : {"below", "at_most", "above", "at_least"}
        `below` and `above` exclude the cut itself, the other two include it.
    cut : float or array of float
        Broadcast against `values`. A NaN cut is met by nothing.

    Returns
    -------
    array of bool, the broadcast shape

    Raises
    ------
    KeyError
        For any other comparator.

    Examples
    --------
    >>> is_met([0.49, 0.5, 0.51], "below", 0.5).tolist()
    [True, False, False]
    >>> is_met([1.65], "at_least", 1.5 * 1.1).tolist()
    [True]
    """
    number = np.asarray(values, dtype=np.float64)
    at = np.asarray(cut, dtype=np.float64)
    compare = {"below": np.less, "at_most": np.less_equal, "above": np.greater, "at_least": np.greater_equal}
    operation = compare[comparator]
    takes_lower_edge = comparator in ("below", "at_least")
    edge = at - 0.5 * _last_digit_unit(at, -1) if takes_lower_edge else at + 0.5 * _last_digit_unit(at, 1)
    return operation(number, edge)


def encode_ends(values: ArrayLike, comparators: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and the highest number that each printed value can stand for.

    Parameters
    ----------
    values : array of float
        The printed numbers, none below zero.
    comparators : array of str
        One of "=", "<", "<=", ">", ">=" for each value.

    Returns
    -------
    low, high : arrays of float
        "<0.1" is [0, 0.1), ">2000" is (2000, inf). An open end lies four units of the 15th digit inside,
        which `is_met` tells from the printed number and no printed number can hit.

    Examples
    --------
    >>> low, high = encode_ends([0.1, 2000.0], ["<", ">"])
    >>> float(low[0]), bool(is_met(high[0], "below", 0.1)), float(high[1])
    (0.0, True, inf)
    """
    number = np.asarray(values, dtype=np.float64)
    sign = np.asarray(comparators, dtype=np.str_)
    is_upper = np.isin(sign, ("<", "<="))
    is_lower = np.isin(sign, (">", ">="))
    just_below = np.maximum(number - _OPEN_END_UNITS * _last_digit_unit(number, -1), 0.0)
    just_above = number + _OPEN_END_UNITS * _last_digit_unit(number, 1)
    high = np.where(is_lower, np.inf, np.where(sign == "<", just_below, number))
    low = np.where(is_upper, 0.0, np.where(sign == ">", just_above, number))
    return low, high


def decode_ends(values: ArrayLike) -> NDArray[np.float64]:
    """Return the numbers as they were printed: rounded to 12 significant digits.

    Examples
    --------
    >>> low, high = encode_ends([0.1], ["<"])
    >>> decode_ends(high).tolist()
    [0.1]
    """
    number = np.asarray(values, dtype=np.float64)
    sized = np.isfinite(number) & (number != 0)
    exponent = np.floor(np.log10(np.abs(np.where(sized, number, 1.0))))
    scale = 10.0 ** (_PRINTED_DIGITS - 1 - exponent)
    return np.where(sized, np.round(number * scale) / scale, number)


def _last_digit_unit(values: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """One unit of the 15th significant digit just below (side -1) or just above each value; 0 at zero."""
    sized = np.isfinite(values) & (values != 0)
    nudged = np.abs(np.where(sized, values, 1.0)) * (1.0 + side * 1e-12)
    unit = 10.0 ** (np.floor(np.log10(nudged)) - _LAST_DIGIT)
    return np.where(sized, unit, 0.0)
