"""Tests over several groups, mid-P and Welch; values by hand unless the comment says otherwise."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from cytopenia.errors import DataError
from cytopenia.stats.adjustments import adjust_benjamini_hochberg, adjust_holm, adjust_p_values
from cytopenia.stats.compare import Comparison, compare_counts, compare_distributions
from cytopenia.stats.means import compare_means
from cytopenia.stats.trend import compare_ordered_counts, compare_ordered_groups, compare_several

NAN = math.nan


def test_trend_by_hand() -> None:
    # 9 of 30 events; centered scores -1 0 1 with 10 patients each: sum 5 - 1 = 4; variance 0.3 * 0.7 * 20.
    found = compare_ordered_counts([[1, 9], [3, 7], [5, 5]])
    assert found.statistic == pytest.approx(16 / (0.21 * 20), rel=1e-12)
    assert found.p_value == pytest.approx(math.erfc(math.sqrt(16 / 4.2 / 2)), rel=1e-12)
    assert (found.method, found.n) == ("cochran_armitage", 30)


def test_trend_of_two_levels_is_chi_squared() -> None:
    table = [[15, 35], [10, 40]]
    assert compare_ordered_counts(table).p_value == pytest.approx(
        compare_counts(table, method="chi_squared").p_value, rel=1e-12
    )


@pytest.mark.parametrize(
    ("table", "note"),
    [
        ([[0, 0], [0, 0]], "the table is empty"),
        ([[3, 4], [0, 0]], "only one level has patients"),
        ([[0, 4], [0, 5]], "nobody has the event"),
        ([[4, 0], [5, 0]], "everybody has the event"),
    ],
)
def test_no_trend(table: list[list[int]], note: str) -> None:
    found = compare_ordered_counts(table)
    assert (found.status, found.note, found.p_value) == ("not_estimable", note, None)


def test_wrong_scores_and_tables() -> None:
    with pytest.raises(DataError, match="table: 3 columns"):
        compare_ordered_counts([[1, 2, 3], [4, 5, 6]])
    with pytest.raises(DataError, match="scores: 3 for 2 levels"):
        compare_ordered_counts([[1, 2], [4, 5]], scores=[1, 2, 3])
    with pytest.raises(DataError, match="all levels have the same score"):
        compare_ordered_counts([[1, 2], [4, 5]], scores=[2, 2])


def test_kruskal_wallis_of_two_groups_is_mann_whitney() -> None:
    one, two = [1, 2, 2, 8], [2, 5, 6]
    expected = compare_distributions(one, two, parity="spss").p_value
    assert compare_several([one, two]).p_value == pytest.approx(expected, rel=1e-12)
    assert compare_several([one, [NAN], two]).p_value == pytest.approx(expected, rel=1e-12)
    assert compare_ordered_groups([one, two]).p_value == pytest.approx(expected, rel=1e-12)


def test_the_order_decides_the_sign() -> None:
    rising = compare_ordered_groups([[1, 2, 3], [2, 4, 5], [6, 7, 9]])
    falling = compare_ordered_groups([[6, 7, 9], [2, 4, 5], [1, 2, 3]])
    assert rising.statistic is not None
    assert rising.statistic > 0
    assert falling.statistic == pytest.approx(-rising.statistic, rel=1e-9)
    assert (rising.method, rising.n) == ("jonckheere_terpstra", 9)


@pytest.mark.parametrize("compare", [compare_several, compare_ordered_groups])
@pytest.mark.parametrize(
    ("groups", "note"),
    [
        ([], "fewer than two groups have a value"),
        ([[1, 2], []], "fewer than two groups have a value"),
        ([[NAN], [1, 2]], "fewer than two groups have a value"),
        ([[2, 2], [2]], "all values are equal"),
    ],
)
def test_no_groups_to_compare(
    compare: Callable[..., Comparison], groups: list[list[float]], note: str
) -> None:
    found = compare(groups)
    assert (found.status, found.note, found.p_value) == ("not_estimable", note, None)


@pytest.mark.parametrize(
    ("table", "p_value"),
    [
        # contingencytables 3: the examples of Fisher_midP_test_2x2
        ([[3, 1], [1, 3]], 0.25714),
        ([[7, 27], [1, 33]], 0.02966),
        ([[9, 4], [4, 10]], 0.03914),
        ([[0, 16], [15, 57]], 0.04466),
        ([[745, 3], [127, 2]], 0.09193139),
    ],
)
def test_mid_p_as_printed(table: list[list[int]], p_value: float) -> None:
    found = compare_counts(table, method="fisher_mid_p")
    assert found.method == "fisher_mid_p"
    assert found.p_value == pytest.approx(p_value, abs=6e-6)


def test_mid_p_is_for_two_by_two() -> None:
    found = compare_counts([[3, 1], [1, 3], [2, 2]], method="fisher_mid_p")
    assert (found.status, found.n) == ("not_estimable", 12)
    assert found.note == "mid-P is for tables of two by two; this one is 3 by 2"
    # An empty level does not count.
    assert compare_counts([[3, 1], [0, 0], [1, 3]], method="fisher_mid_p").status == "ok"
    assert compare_counts([[3, 1], [0, 0]], method="fisher_mid_p").method == "fisher_mid_p"


def test_welch_by_hand() -> None:
    found = compare_means([1, 2, NAN, 3], [3, 5, 7])
    assert found.statistic == pytest.approx(-3 / math.sqrt(1 / 3 + 4 / 3), rel=1e-12)
    assert (found.method, found.n) == ("welch_t", 6)


@pytest.mark.parametrize(
    ("first", "second", "note"),
    [
        ([], [1, 2], "a group has no value"),
        ([1], [1, 2], "a group has only one value"),
        ([1, 1], [2, 2], "the values of each group are all equal"),
        ([1, math.inf], [2, 2], "a value is infinite"),
    ],
)
def test_no_means_to_compare(first: list[float], second: list[float], note: str) -> None:
    found = compare_means(first, second)
    assert (found.status, found.note, found.p_value) == ("not_estimable", note, None)


def test_holm_by_hand() -> None:
    # 0.005 * 4, 0.01 * 3, then 0.03 * 2 and 0.04 * 1 raised to 0.06.
    assert adjust_holm([0.01, None, 0.04, 0.03, 0.005]) == pytest.approx([0.03, None, 0.06, 0.06, 0.02])


def test_benjamini_hochberg_by_hand() -> None:
    # From the largest down: 0.04 * 4/4, 0.03 * 4/3 = 0.04, 0.01 * 4/2 = 0.02, 0.005 * 4/1 = 0.02.
    assert adjust_benjamini_hochberg([0.01, None, 0.04, 0.03, 0.005]) == pytest.approx(
        [0.02, None, 0.04, 0.04, 0.02]
    )


@pytest.mark.parametrize("method", ["holm", "benjamini_hochberg"])
def test_adjusting_stops_at_one_and_keeps_what_is_missing(method: str) -> None:
    holm = adjust_p_values([0.9, 0.8, NAN], method=method)
    assert holm == ([1.0, 1.0, None] if method == "holm" else [0.9, 0.9, None])
    assert adjust_p_values([], method=method) == []
    assert adjust_p_values([None], method=method) == [None]
    assert adjust_p_values([0.3], method=method) == [0.3]


@pytest.mark.parametrize("method", ["holm", "benjamini_hochberg"])
def test_adjusting_needs_probabilities(method: str) -> None:
    with pytest.raises(DataError, match="1 of 2 are not between 0 and 1"):
        adjust_p_values([0.5, 1.5], method=method)


def test_unknown_adjustment() -> None:
    with pytest.raises(DataError, match="method: unknown 'bonferroni'; allowed: holm, benjamini_hochberg"):
        adjust_p_values([0.5], method="bonferroni")
