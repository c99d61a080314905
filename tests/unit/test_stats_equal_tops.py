"""Firth's method where single rows weigh heavily: equal tops, odds ratios without a bound, agreeing tables.

Markers and levels were drawn by chance; synthetic.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from cytopenia.report.display import format_odds_ratio
from cytopenia.stats.imputed_models import fit_imputed_logistic
from cytopenia.stats.likelihood import EQUAL_TOPS
from cytopenia.stats.logistic import estimate_contrasts, fit_logistic
from cytopenia.stats.printable_odds import OTHER_UNIT

Case = tuple[NDArray[np.float64], NDArray[np.float64]]
NAMES = ["marker", "level"]


def lay_out(marker: str, *, level: list[int], event: list[int]) -> Case:
    """Marker and level as columns, and the event; of level and event the places of the patients with it."""
    numbers = np.array([float(one) for one in marker.split()])
    places = np.arange(numbers.size)
    has_level = np.isin(places, level).astype(np.float64)
    return np.column_stack([numbers, has_level]), np.isin(places, event).astype(np.float64)


EQUAL = lay_out(
    "235.5 14.7 24.6 77.8 110.8 6.2 0.5 3.9 41.7 3.2 14.7 2 6.2 1.6 48.1 25.9 2.3 1 6.8 34.8 0.1 1 0.5 "
    "2.7 5.1 60 0.9 0.3 0.2 11 28.6 346.6 5.1 15 462.8 36.2 90.8 18 11.8 458.8 27.9 85.1 1781.4 3.7 0.2 "
    "2170.1 318.1 265.1 17.2 9.8 51.2 651.9 55.2 0 208.1 18.4 0.3 121.6 446.7 39.5",
    level=[21, 42],
    event=[0, 3, 4, 8, 11, 17, 18, 24, 25, 27, 31, 32, 34, 39, 41, 42, 45, 46, 47, 50, 51, 52, 57, 58],
)
OPEN = lay_out(
    "11.9 68.1 313.7 14.1 54.2 161.7 14.6 58.9 9.5 18.8 7.3 6.9 5.8 30.8 23.7 3.1 64.4 12.8 7 36 12.7 "
    "34.1 6.9 52.4 110.8 21.9 11.3 50.1 12.6 48.4 6.2 16.1 45.8 26.9 19.2 27.6 66.3 19.3 320.5 40.2 "
    "13.7 15.8 7.7 16.8 18.1 20.7 36.4 44.2 70.7 14.1 47.6 47.7 25.6 2.6 76.4 23.6 8.7 214.7 16.3 718.7",
    level=[11, 43],
    event=[1, 2, 4, 5, 7, 16, 23, 24, 27, 29, 32, 36, 38, 39, 47, 48, 50, 51, 54, 57, 59],
)
BEYOND = lay_out(
    "6.5 283.4 7.6 10.3 22884.2 183.1 26.3 24.7 1.9 839.8 78.1 354.3 0 2.6 3.1 28.9 29.2 31.5 35.1 2.6 "
    "436.2 1472.8 370.5 0.3 15.3 21.4 32 1.1 12.9 77.8 390.4 414.3 4.9 1.9 38.6 13.5 2.3 235.9 843.1 "
    "2989.3 62.5 4 226.3 1.7 7 35.7 6694.1 112.3 66.1 972.9 8.6 1.5 44.6 24 41.5 6.6 377.4 5.2 287.9 "
    "6.4",
    level=[39],
    event=[1, 4, 8, 9, 10, 11, 21, 22, 29, 30, 37, 38, 39, 41, 42, 46, 47, 49, 56, 58],
)
WIDE = lay_out(
    "129.1 9.3 116.3 41 30.3 92.9 2.9 54.7 12.1 15.3 1.7 37 91.4 0.8 3.6 14 1 10.1 2.6 1.9 1.4 11.9 2.7 "
    "105 202.7 16.4 8.3 11.3 17 9.4 5.9 40.2 2.1 3.3 4.7 6.9 17.6 47.7 25 716 1.1 12.1 128 11.7 204.2 "
    "269.4 63.8 3.6 142.8 25.3 8.2 0.9 46.1 572.8 2.8 75.1 263.4 34.5 90.4 39.5",
    level=[2, 8, 10, 12, 17, 20, 22, 23, 26, 28, 40, 45, 51, 52],
    event=[0, 2, 3, 5, 7, 12, 23, 24, 31, 37, 39, 42, 44, 45, 46, 48, 52, 53, 55, 56, 58],
)


def test_of_two_equal_tops_none_is_chosen() -> None:
    # Two patients have the level, one with the event: the penalized likelihood is a mirror image of itself,
    # with tops at -21.903 and 0.188.
    fit = fit_logistic(*EQUAL, names=NAMES, method="firth")
    marker, level = fit.terms
    assert (level.status, level.note) == ("not_estimable", EQUAL_TOPS)
    assert (level.coefficient, level.odds_ratio, level.low, level.high, level.p_value) == (None,) * 5
    # At both tops the marker has the same coefficient.
    assert marker.status == "ok"
    assert marker.coefficient == pytest.approx(0.0136423, abs=1e-6)
    assert (fit.status, fit.note, fit.correlation) == ("ok", EQUAL_TOPS, None)


def test_a_contrast_over_equal_tops_has_no_estimate() -> None:
    contrasts = {"with": [0.0, 1.0], "marker": [10.0, 0.0]}
    found = estimate_contrasts(*EQUAL, names=NAMES, contrasts=contrasts, method="firth")
    assert [term.status for term in found] == ["not_estimable", "ok"]


def test_one_of_many_with_the_level_leaves_one_top() -> None:
    columns = np.array([[0.0]] * 10 + [[1.0]] * 10)
    event = [1] * 3 + [0] * 7 + [1] * 5 + [0] * 5
    (term,) = fit_logistic(columns, event, names=["level"], method="firth").terms
    # log((5.5 / 5.5) / (3.5 / 7.5)): half a patient in each field.
    assert term.coefficient == pytest.approx(math.log(7.5 / 3.5), rel=1e-9)


def test_a_limit_beyond_a_million_is_open_and_the_other_is_kept() -> None:
    level = fit_logistic(*OPEN, names=NAMES, method="firth").terms[1]
    assert level.status == "ok"
    assert level.odds_ratio == pytest.approx(1081.99, abs=0.01)
    assert level.low == pytest.approx(0.66594, abs=1e-5)
    assert level.high is None
    assert level.note == (
        "no upper limit below 1,000,000; the data do not bound the odds ratio: only 2 with it, "
        "0 of them with the event"
    )
    assert format_odds_ratio(1081.99, 0.66594, None) == "1082 (0.666\N{EN DASH}open)"


def test_an_odds_ratio_below_one_in_a_million_is_not_estimable() -> None:
    level = fit_logistic(*BEYOND, names=NAMES, method="firth").terms[1]
    assert (level.status, level.odds_ratio) == ("not_estimable", None)
    assert level.note == ("the data do not bound the odds ratio: only 1 with it, 1 of them with the event")


def test_a_number_keeps_the_hint_of_its_unit() -> None:
    number = np.arange(20.0)[:, np.newaxis] * 1e-3
    event = np.array([0] * 9 + [1, 0] + [1] * 9)
    (term,) = fit_logistic(number, event, names=["number"], method="firth").terms
    assert (term.odds_ratio, term.note) == (None, OTHER_UNIT)


# The ends are logs; there the penalized likelihood, by Nelder-Mead from 40 starts, falls by 3.8415 / 2.
@pytest.mark.parametrize(
    ("case", "low", "high"), [(OPEN, -0.406562, 34.868106), (WIDE, -15.174399, 59.019699)]
)
def test_tables_that_agree_have_the_interval_of_one(case: Case, low: float, high: float) -> None:
    columns, event = case
    level = fit_imputed_logistic(np.stack([columns] * 3), event, names=NAMES).terms[1]
    assert level.low == pytest.approx(low, abs=1e-5)
    assert level.high == pytest.approx(high, abs=1e-5)


def test_equal_tops_in_imputed_tables_are_refused() -> None:
    columns, event = EQUAL
    pooled = fit_imputed_logistic(np.stack([columns] * 2), event, names=NAMES)
    assert pooled.terms[0].status == "ok"
    assert (pooled.terms[1].status, pooled.terms[1].estimate) == ("not_estimable", None)
    assert EQUAL_TOPS in pooled.terms[1].note
