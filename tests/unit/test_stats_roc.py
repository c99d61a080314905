"""ROC curves by hand, and DeLong against a slow twin that visits every pair."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cytopenia.errors import DataError
from cytopenia.stats.roc import RocCurve, estimate_roc

NAN = math.nan


def estimate_slowly(values: list[float], event: list[int], high: bool) -> tuple[float, float]:
    """Area and standard error from all pairs (DeLong 1988, equations 2 to 5)."""
    yes = [x for x, mark in zip(values, event, strict=True) if mark]
    no = [x for x, mark in zip(values, event, strict=True) if not mark]

    def psi(x: float, y: float) -> float:
        return 0.5 if x == y else float((x > y) == high)

    area = sum(psi(x, y) for x in yes for y in no) / (len(yes) * len(no))
    of_yes = [sum(psi(x, y) for y in no) / len(no) for x in yes]
    of_no = [sum(psi(x, y) for x in yes) / len(yes) for y in no]
    parts = [sum((v - area) ** 2 for v in part) / (len(part) - 1) / len(part) for part in (of_yes, of_no)]
    return area, math.sqrt(sum(parts))


@pytest.mark.parametrize("seed", range(25))
def test_delong_the_same_as_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 40))
    event = [1, 1, 0, 0, *rng.integers(0, 2, n - 4).tolist()]
    values = rng.integers(0, int(rng.integers(3, 60)), n).astype(float).tolist()
    high = bool(seed % 2)
    curve = estimate_roc(values, event, high_means_event=high)
    area, error = estimate_slowly(values, event, high)
    assert curve.auc == pytest.approx(area, abs=1e-12)
    assert curve.standard_error == pytest.approx(error, abs=1e-12)
    # 1.959964 is the 97.5% point of the normal distribution.
    assert curve.low == pytest.approx(max(0.0, area - 1.9599639845400545 * error), abs=1e-9)
    assert curve.high == pytest.approx(min(1.0, area + 1.9599639845400545 * error), abs=1e-9)


def test_a_curve_by_hand() -> None:
    curve = estimate_roc([1, 2, 3, 4, 5, 6], [0, 0, 1, 0, 1, 1], high_means_event=True)
    assert curve.thresholds.tolist() == [0.0, 1.5, 2.5, 3.5, 4.5, 5.5, 7.0]
    assert curve.sensitivity.tolist() == [1, 1, 1, 2 / 3, 2 / 3, 1 / 3, 0]
    assert curve.specificity.tolist() == [0, 1 / 3, 2 / 3, 2 / 3, 1, 1, 1]
    # Eight of nine pairs in order.
    assert curve.auc == pytest.approx(8 / 9, rel=1e-12)
    assert (curve.n, curve.events, curve.non_events, curve.missing) == (6, 3, 3, 0)


def test_low_values_mean_the_event() -> None:
    curve = estimate_roc([1, 2, 3, 4], [1, 1, 0, 0], high_means_event=False)
    assert curve.sensitivity.tolist() == [0.0, 0.5, 1.0, 1.0, 1.0]
    assert curve.specificity.tolist() == [1.0, 1.0, 1.0, 0.5, 0.0]
    assert (curve.auc, curve.cut, curve.youden) == (1.0, 2.5, 1.0)


def test_the_other_direction_is_the_mirror() -> None:
    values, event = [1.0, 4.0, 2.0, 2.0, 7.0, 3.0], [0, 1, 0, 1, 1, 0]
    one = estimate_roc(values, event, high_means_event=True)
    other = estimate_roc([-x for x in values], event, high_means_event=False)
    assert other.auc == one.auc
    assert other.cut == -one.cut if one.cut is not None else False


def test_ties_of_youden_take_the_highest_sensitivity() -> None:
    # Above 2.5: sensitivity 1, specificity 2/3; above 4.5: 2/3 and 1. Both have 2/3.
    curve = estimate_roc([1, 2, 3, 4, 5, 6], [0, 0, 1, 0, 1, 1], high_means_event=True)
    assert (curve.cut, curve.cut_sensitivity, curve.cut_specificity) == (2.5, 1.0, 2 / 3)
    assert curve.youden == pytest.approx(2 / 3, rel=1e-12)
    # Low values: below 4.5 everybody with the event, below 2.5 two of three.
    curve = estimate_roc([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 0, 0], high_means_event=False)
    assert (curve.cut, curve.cut_sensitivity) == (4.5, 1.0)


def test_ties_of_youden_do_not_depend_on_rounding() -> None:
    # 1 - 1/3 and 1/3 + 1 - 2/3 + ... are not equal as floats; the counts are.
    curve = estimate_roc([1, 2, 3, 4, 5, 6, 7], [0, 1, 0, 1, 1, 0, 1], high_means_event=True)
    table = [
        (s * 12 + p * 12, s, t)
        for t, s, p in zip(curve.thresholds, curve.sensitivity, curve.specificity, strict=True)
    ]
    best = max(round(total) for total, _, _ in table)
    expected = max((s, -t) for total, s, t in table if round(total) == best)
    assert (curve.cut_sensitivity, curve.cut) == (expected[0], -expected[1])


def test_an_area_below_a_half_stays() -> None:
    curve = estimate_roc([1, 2, 3, 4], [1, 0, 1, 0], high_means_event=True)
    assert curve.auc == 0.25
    assert "the area is below 0.5" in curve.note
    assert curve.status == "ok"


def test_no_cut_better_than_chance() -> None:
    curve = estimate_roc([1, 2, 3, 4], [1, 1, 0, 0], high_means_event=True)
    assert (curve.auc, curve.cut, curve.cut_sensitivity, curve.cut_specificity) == (0.0, None, None, None)
    assert curve.youden == 0.0
    assert "no cut does better than chance" in curve.note


def test_no_overlap_has_no_width_and_says_so() -> None:
    curve = estimate_roc([1, 2, 3, 4], [0, 0, 1, 1], high_means_event=True)
    assert (curve.auc, curve.standard_error, curve.low, curve.high) == (1.0, 0.0, 1.0, 1.0)
    assert "the interval has no width" in curve.note


def test_limits_stay_between_zero_and_one() -> None:
    curve = estimate_roc([1, 2, 3, 4, 5, 6, 7], [0, 0, 0, 1, 0, 1, 1], high_means_event=True)
    assert curve.high == 1.0
    assert curve.low is not None
    assert 0 < curve.low < 1


def test_one_event_has_an_area_but_no_interval() -> None:
    curve = estimate_roc([1, 2, 3, 4], [0, 0, 1, 0], high_means_event=True)
    assert (curve.auc, curve.standard_error, curve.low, curve.high) == (
        pytest.approx(2 / 3),
        None,
        None,
        None,
    )
    assert (curve.status, curve.cut) == ("ok", 2.5)
    assert "a group has only one member" in curve.note


def test_missing_rows_are_counted() -> None:
    curve = estimate_roc([1, NAN, 3, 4, 9, 2], [0, 1, 1, 1, NAN, 0], high_means_event=True)
    assert (curve.n, curve.events, curve.missing, curve.auc) == (4, 2, 2, 1.0)


@pytest.mark.parametrize(
    ("values", "event", "note"),
    [
        ([], [], "no complete row"),
        ([NAN], [1], "no complete row"),
        ([1.0], [1], "everybody has the event"),
        ([1.0, 2.0], [0, 0], "nobody has the event"),
        ([1.0, 2.0], [1, 1], "everybody has the event"),
        ([3.0, 3.0, 3.0], [1, 0, 1], "all values are equal"),
    ],
)
def test_no_curve(values: list[float], event: list[float], note: str) -> None:
    curve = estimate_roc(values, event, high_means_event=True)
    assert (curve.status, curve.note, curve.auc, curve.cut) == ("not_estimable", note, None, None)
    assert curve.thresholds.size == curve.sensitivity.size == curve.specificity.size == 0


def read_curve(curve: RocCurve) -> tuple[object, ...]:
    return curve.auc, curve.standard_error, curve.sensitivity.tolist(), curve.cut_sensitivity


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e9, 1e300])
def test_units_change_nothing(scale: float) -> None:
    values, event = np.array([1.0, 2.0, 2.0, 4.0, 5.0]), [0, 1, 0, 1, 1]
    one = estimate_roc(values, event, high_means_event=True)
    other = estimate_roc(values * scale, event, high_means_event=True)
    assert read_curve(other) == read_curve(one)
    assert np.all(np.diff(other.thresholds) > 0)


def test_neighboring_floats_are_told_apart() -> None:
    low = 1.0
    high = math.nextafter(low, 2.0)
    curve = estimate_roc([low, low, high, high], [0, 0, 1, 1], high_means_event=True)
    assert (curve.auc, curve.youden) == (1.0, 1.0)


def test_the_arrays_cannot_be_changed() -> None:
    curve = estimate_roc([1, 2, 3, 4], [0, 1, 0, 1], high_means_event=True)
    with pytest.raises(ValueError, match="read-only"):
        curve.sensitivity[0] = 0.0


@pytest.mark.parametrize(
    ("values", "event", "level", "words"),
    [
        ([1.0, 2.0], [0], 0.95, "give two columns"),
        ([[1.0], [2.0]], [[0], [1]], 0.95, "give two columns"),
        ([1.0, math.inf], [0, 1], 0.95, "a value is infinite"),
        ([1.0, 2.0], [0, 2], 0.95, "only 0, 1 and missing are allowed"),
        ([1.0, 2.0], [0, 1], 95, "level: 95 is not between 0 and 1"),
    ],
)
def test_wrong_use(values: list[float], event: list[float], level: float, words: str) -> None:
    with pytest.raises(DataError, match=words):
        estimate_roc(values, event, high_means_event=True, level=level)
