"""Effect sizes; values by hand, from the papers named, or from the R package contingencytables."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from cytopenia.errors import DataError
from cytopenia.stats.count_effects import estimate_odds_ratio, estimate_risk_difference, estimate_risk_ratio
from cytopenia.stats.means import estimate_mean_difference
from cytopenia.stats.rank_biserial import estimate_rank_biserial
from cytopenia.stats.shift import Effect, estimate_shift

NAN = math.nan
OF_NUMBERS: tuple[Callable[..., Effect], ...] = (
    estimate_shift,
    estimate_mean_difference,
    estimate_rank_biserial,
)
OF_COUNTS: tuple[Callable[..., Effect], ...] = (
    estimate_risk_difference,
    estimate_risk_ratio,
    estimate_odds_ratio,
)


def test_the_shift_is_the_middle_of_all_differences() -> None:
    # 5-1, 5-2, 5-6, 9-1, 9-2, 9-6: -1 3 3 4 7 8; of 15 arrangements one is as extreme on each side.
    found = estimate_shift([5, 9], [1, 2, 6])
    assert (found.value, found.low, found.high, found.n) == (3.5, -1, 8, 5)
    assert found.method == "hodges_lehmann_exact"
    # 2 of 10 arrangements lie outside the extreme differences.
    assert found.note == "too few values for 95%: the limits are the extreme differences, which hold 80.0%"


def test_exact_limits_by_hand() -> None:
    # 70 arrangements of 4 and 4; U = 0 has 1/70 < 0.025, U <= 1 has 2/70 > 0.025: the first difference
    # counts.
    found = estimate_shift([1, 2, 3, 4.5], [10, 20, 30, 41])
    assert (found.low, found.high, found.note) == (1 - 41, 4.5 - 10, "")
    # At 90% U <= 1 has 2/70 < 0.05 and U <= 2 has 4/70: the second difference from each end.
    found = estimate_shift([1, 2, 3, 4.5], [10, 20, 30, 41], level=0.9)
    assert (found.low, found.high) == (2 - 41, 3 - 10)


def test_ties_leave_the_exact_count() -> None:
    assert estimate_shift([1, 2, 2], [2, 5, 6]).method == "hodges_lehmann_continuity"
    assert estimate_shift([1, 2, 2], [2, 5, 6], parity="spss").method == "hodges_lehmann_asymptotic"
    assert estimate_shift(np.arange(50), np.arange(3) + 0.5).method == "hodges_lehmann_continuity"


def test_few_tied_values_have_no_limits_inside() -> None:
    found = estimate_shift([1, 2], [2, 5])
    assert (found.low, found.high) == (-4, 0)
    assert found.note == "too few values for 95%: the limits are the extreme differences"


def test_two_constant_samples_have_a_shift_and_no_interval() -> None:
    found = estimate_shift([2, 2, 2], [5, 5])
    assert found == Effect(
        "hodges_lehmann_continuity",
        -3,
        None,
        None,
        5,
        "ok",
        "no interval: the values of each group are all equal",
    )
    assert estimate_shift([2, 2], [2, 2]).value == 0


def test_many_pairs_are_searched_and_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    one, two = np.round(rng.normal(size=61), 2), np.round(rng.normal(size=70), 2)
    listed = estimate_shift(one, two)
    monkeypatch.setattr("cytopenia.stats.shift.MOST_PAIRS", 0)
    searched = estimate_shift(one, two)
    for end in ("value", "low", "high"):
        assert getattr(searched, end) == pytest.approx(getattr(listed, end), rel=1e-12)


def test_welch_by_hand() -> None:
    # Means 2 and 5, variances 1 and 4, three values each: t = -3 / sqrt(1/3 + 4/3), 2.94 degrees of freedom.
    found = estimate_mean_difference([1, 2, 3], [3, 5, 7])
    assert found.value == -3
    half = 3.2187 * math.sqrt(5 / 3)  # R: qt(0.975, 50 / 17)
    assert (found.low, found.high) == pytest.approx((-3 - half, -3 + half), rel=1e-4)


def test_rank_biserial_counts_pairs() -> None:
    # Larger: 5>1 5>2 5>3 3>1 3>2; equal: 3=3; of 6 pairs: (5 - 0) / 6.
    assert estimate_rank_biserial([5, 3], [1, 2, 3]).value == pytest.approx(5 / 6, rel=1e-15)
    assert estimate_rank_biserial([5, 3], [1, 2, 3], interval="delong").value == pytest.approx(5 / 6)


def test_rank_biserial_of_samples_apart() -> None:
    found = estimate_rank_biserial([4, 5, 6], [1, 2, 3])
    assert (found.value, found.high) == (1, 1)
    # By hand: 9 (1 - A) = z^2 A (1 + 2 (1 - A) / (2 - A) + 2 A / (1 + A)) of the area A, at its root.
    assert found.low is not None
    area = (found.low + 1) / 2
    z = 1.959963984540054
    assert 9 * (1 - area) == pytest.approx(
        z**2 * area * (1 + 2 * (1 - area) / (2 - area) + 2 * area / (1 + area)), rel=1e-9
    )
    delong = estimate_rank_biserial([4, 5, 6], [1, 2, 3], interval="delong")
    assert (delong.low, delong.high, delong.note) == (1, 1, "the interval has no width; not to be trusted")
    alone = estimate_rank_biserial([4], [1, 2, 3], interval="delong")
    assert (alone.value, alone.low, alone.note) == (1, None, "no interval: a group has only one value")


@pytest.mark.parametrize("estimate", OF_NUMBERS)
@pytest.mark.parametrize(("first", "second"), [([], []), ([1.0], []), ([], [1.0, 2.0]), ([NAN], [1.0, 2.0])])
def test_an_empty_group(estimate: Callable[..., Effect], first: list[float], second: list[float]) -> None:
    found = estimate(first, second)
    assert (found.status, found.note, found.value) == ("not_estimable", "a group has no value", None)


@pytest.mark.parametrize("estimate", OF_NUMBERS)
def test_missing_values_do_not_count(estimate: Callable[..., Effect]) -> None:
    found = estimate([1.5, NAN, 2, 7], [NAN, 3, 4.5])
    assert found == estimate([1.5, 2, 7], [3, 4.5])
    assert found.n == 5


@pytest.mark.parametrize("estimate", [estimate_shift, estimate_mean_difference])
def test_an_infinite_value(estimate: Callable[..., Effect]) -> None:
    found = estimate([1.5, math.inf, 3], [3, 4.5])
    assert (found.status, found.note) == ("not_estimable", "a value is infinite")
    # Ranks do not mind.
    assert estimate_rank_biserial([1, math.inf], [3, 4]) == estimate_rank_biserial([1, 9], [3, 4])


def test_one_value_each() -> None:
    found = estimate_shift([1.0], [3.0])
    assert (found.value, found.low, found.high) == (-2, None, None)
    assert found.note == "no interval: the values of each group are all equal"
    assert estimate_mean_difference([1.0], [3.0, 4.0]).note == "a group has only one value"
    assert estimate_rank_biserial([1.0], [3.0]).value == -1


def test_all_values_equal() -> None:
    assert estimate_mean_difference([2, 2], [2, 2]).note == "the values of each group are all equal"
    assert estimate_rank_biserial([2, 2], [2, 2]).note == "all values are equal"


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        # Newcombe 1998, table II, method 10: examples (a) to (h).
        ([[56, 14], [48, 32]], 0.0524, 0.3339),
        ([[9, 1], [3, 7]], 0.1705, 0.8090),
        ([[6, 1], [2, 5]], 0.0582, 0.8062),
        ([[5, 51], [0, 29]], -0.0381, 0.1926),
        ([[0, 10], [0, 20]], -0.1611, 0.2775),
        ([[0, 10], [0, 10]], -0.2775, 0.2775),
        ([[10, 0], [0, 20]], 0.6791, 1.0000),
        ([[10, 0], [0, 10]], 0.6075, 1.0000),
        # contingencytables: Newcombe_hybrid_score_CI_2x2 of perondi_2004
        ([[7, 27], [1, 33]], 0.0189, 0.3404),
    ],
)
def test_risk_difference_as_printed(table: list[list[int]], low: float, high: float) -> None:
    found = estimate_risk_difference(table)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        # Koopman 1984: 36 of 40 against 16 of 80
        ([[36, 4], [16, 64]], 2.94, 7.15),
        # contingencytables: Koopman_asymptotic_score_CI_2x2 of perondi_2004
        ([[7, 27], [1, 33]], 1.2209, 42.5757),
    ],
)
def test_risk_ratio_as_printed(table: list[list[int]], low: float, high: float) -> None:
    found = estimate_risk_ratio(table)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-3)


def test_risk_ratio_with_zero_cells() -> None:
    none = estimate_risk_ratio([[0, 16], [15, 57]])
    assert (none.value, none.low, none.status) == (0, 0, "ok")
    assert none.high is not None
    assert math.isfinite(none.high)
    against_none = estimate_risk_ratio([[15, 57], [0, 16]])
    assert (against_none.value, against_none.high, against_none.status) == (None, None, "not_estimable")
    assert against_none.note == "nobody in the second group has the event: the ratio has no upper end"
    # The lower limit is the inverse of the upper limit of the table turned over.
    assert against_none.low == pytest.approx(1 / none.high, rel=1e-9)
    assert estimate_risk_ratio([[0, 5], [0, 7]]).note == "nobody has the event"
    everybody = estimate_risk_ratio([[5, 0], [9, 0]])
    assert (everybody.value, everybody.status) == (1, "ok")


@pytest.mark.parametrize(
    ("table", "limits", "low", "high"),
    [
        # contingencytables: Cornfield_midP_CI_2x2 of tea; Cornfield_exact_conditional_CI_2x2 of
        # lampasona_2013
        ([[3, 1], [1, 3]], "mid_p", 0.3101, 308.5568),
        ([[9, 4], [4, 10]], "mid_p", 1.0226, 31.5025),
    ],
)
def test_odds_ratio_as_printed(table: list[list[int]], limits: str, low: float, high: float) -> None:
    found = estimate_odds_ratio(table, limits=limits)
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


def test_odds_ratio_with_zero_cells() -> None:
    none = estimate_odds_ratio([[0, 8], [5, 3]])
    assert (none.value, none.low, none.status) == (0, 0, "ok")
    # By hand: the cell 0 is one of 0 to 5, each in 8-over-cell times 8-over-rest ways;
    # at the upper limit w its chance is 0.025.
    assert none.high is not None
    ways = [math.comb(8, cell) * math.comb(8, 5 - cell) for cell in range(6)]
    total = sum(way * none.high**cell for cell, way in enumerate(ways))
    assert ways[0] / total == pytest.approx(0.025, rel=1e-9)
    against_none = estimate_odds_ratio([[5, 3], [0, 8]])
    assert (against_none.value, against_none.high, against_none.status) == (None, None, "not_estimable")
    assert "no upper end" in against_none.note
    assert against_none.low == pytest.approx(1 / none.high, rel=1e-9)


@pytest.mark.parametrize("estimate", [estimate_risk_difference, estimate_risk_ratio])
def test_a_group_without_patients(estimate: Callable[..., Effect]) -> None:
    found = estimate([[0, 0], [4, 5]])
    assert (found.status, found.note, found.n) == ("not_estimable", "a group has no patient", 9)


@pytest.mark.parametrize("table", [[[0, 0], [4, 5]], [[4, 0], [5, 0]], [[0, 0], [0, 0]]])
def test_an_odds_ratio_needs_two_by_two(table: list[list[int]]) -> None:
    found = estimate_odds_ratio(table)
    assert (found.status, found.note) == ("not_estimable", "a row or a column of the table is empty")


def test_wrong_use() -> None:
    for estimate in OF_COUNTS:
        with pytest.raises(DataError, match="table: 3 by 2; give two groups"):
            estimate([[1, 2], [3, 4], [5, 6]])
        with pytest.raises(DataError, match="whole numbers from 0"):
            estimate([[1.5, 2], [3, 4]])
        with pytest.raises(DataError, match="level: 95 is not between 0 and 1"):
            estimate([[1, 2], [3, 4]], level=95)
    for estimate in OF_NUMBERS:
        with pytest.raises(DataError, match="level: 1 is not between 0 and 1"):
            estimate([1, 2], [3, 4], level=1)
    with pytest.raises(DataError, match="parity: unknown 'R'"):
        estimate_shift([1], [2], parity="R")
    with pytest.raises(DataError, match=r"interval: unknown 'newcomb' .did you mean 'newcombe'"):
        estimate_rank_biserial([1], [2], interval="newcomb")
    with pytest.raises(DataError, match="limits: unknown 'midp'"):
        estimate_odds_ratio([[1, 2], [3, 4]], limits="midp")
