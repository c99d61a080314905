"""Points, risk groups and ratios from intervals of values: "<0.5", ">2000" and a missing item alike.

Arrays are (patients,) or (patients, inputs); NaN in `low` and `high` is a missing value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.definition_forms import PointsDefinition, PointsItem, RatioDefinition
from cytopenia.errors import UnitError
from cytopenia.grading.cuts import decode_ends, is_met
from cytopenia.units import convert_value, match_unit

__all__ = ["Quotient", "award_points", "divide_values", "express_in_unit", "is_at_cut", "place_in_groups"]

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]


def award_points(
    item: PointsItem, low: Numbers, high: Numbers, *, analyte: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the fewest and the most points that each value can have.

    Parameters
    ----------
    item : PointsItem
    low, high : (patients,) float
        Lowest and highest number the value can stand for, in the canonical unit of the analyte, open ends
        encoded as `encode_ends` does. NaN: no value, which can have anything from 0 to the most points.
    analyte : str

    Returns
    -------
    best, worst : (patients,) int

    Examples
    --------
    >>> from cytopenia.definitions import load_definition
    >>> item = load_definition("car_hematotox").items["ferritin"]
    >>> value = np.array([180.0, 650.0, 2000.1, np.nan])
    >>> [points.tolist() for points in award_points(item, value, value, analyte="ferritin")]
    [[0, 1, 2, 0], [0, 1, 2, 2]]
    """
    best = np.zeros(low.shape, dtype=np.int64)
    worst = np.where(np.isnan(low), item.most_points, 0)
    for rule in item.rules:
        cut = convert_value(rule.cut, item.unit, analyte=analyte)
        sick, healthy = (low, high) if rule.is_sick_below else (high, low)
        best[is_met(healthy, rule.comparator, cut)] = rule.points
        worst[is_met(sick, rule.comparator, cut)] = rule.points
    return best, worst


def is_at_cut(item: PointsItem, low: Numbers, high: Numbers, *, analyte: str) -> Marks:
    """Return where a value is exactly one of the cuts, so that the choice at ties decides.

    Parameters are those of `award_points`.
    """
    marks = np.zeros(low.shape, dtype=np.bool_)
    for rule in item.rules:
        cut = convert_value(rule.cut, item.unit, analyte=analyte)
        marks |= is_met(low, "at_least", cut) & is_met(high, "at_most", cut)
    return marks


def place_in_groups(definition: PointsDefinition, points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of the risk group of each sum of points; -1 where the score has no groups.

    Examples
    --------
    >>> from cytopenia.definitions import load_definition
    >>> place_in_groups(load_definition("car_hematotox"), np.array([0, 1, 2, 7])).tolist()
    [0, 0, 1, 1]
    """
    starts = np.array([group.at_least for group in definition.groups], dtype=np.float64)
    return is_met(points[:, None], "at_least", starts[None, :]).sum(axis=1) - 1


@dataclass(frozen=True)
class Quotient:
    """A ratio per patient: its value where every input is one number, and the interval it lies in.

    NaN: not known; `high` is infinite where nothing limits it.
    """

    value: Numbers
    low: Numbers
    high: Numbers


def divide_values(definition: RatioDefinition, low: Numbers, high: Numbers) -> Quotient:
    """Return the ratio of each patient from values in the units of the definition.

    Parameters
    ----------
    definition : RatioDefinition
    low, high : (patients, inputs) float
        In the order of `definition.inputs_needed`. NaN: missing; then there is neither value nor interval.

    Returns
    -------
    Quotient
        A denominator of 0 has no value and no upper end. The logarithm of 0 is no number.

    Examples
    --------
    >>> from cytopenia.definitions import load_definition
    >>> values = np.array([[200.0, 0.5, 50.0], [200.0, 0.5, 0.0]])
    >>> divide_values(load_definition("easix"), values, values).value.tolist()
    [2.0, nan]
    """
    over = len(definition.numerator)
    with np.errstate(divide="ignore", invalid="ignore"):
        lowest = low[:, :over].prod(axis=1) / high[:, over:].prod(axis=1)
        highest = high[:, :over].prod(axis=1) / low[:, over:].prod(axis=1)
        if definition.transform == "log2":
            lowest, highest = np.log2(lowest), np.log2(highest)
    is_exact = (low == high).all(axis=1) & np.isfinite(highest)
    return Quotient(value=np.where(is_exact, highest, np.nan), low=lowest, high=highest)


def express_in_unit(values: Numbers, unit: str, *, analyte: str) -> Numbers:
    """Return canonical values in another listed unit, as they would be printed there (12 digits).

    Raises
    ------
    UnitError
        The unit is not listed for the analyte.

    Examples
    --------
    >>> express_in_unit(np.array([42.0]), "mg/dL", analyte="crp").tolist()
    [4.2]
    """
    row = match_unit(analyte, unit)
    if row is None:
        raise UnitError(f"'{unit}' is not a listed unit of {analyte}")
    return decode_ends(values * row.divide / row.multiply - row.offset)
