"""Two samples, counts and one sample; values by hand or from R (4.2.2) where the comment says so."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cytopenia.errors import DataError
from cytopenia.stats.compare import (
    Comparison,
    assess_normality,
    compare_counts,
    compare_distributions,
)

NAN = math.nan


def test_exact_by_hand() -> None:
    # All of the first below all of the second: 2 of the 20 arrangements of 3 and 3 are as extreme.
    found = compare_distributions([1.1, 2.2, 3.3], [4.4, 5.5, 6.6])
    assert found == Comparison("mann_whitney_exact", 0.0, pytest.approx(0.1), None, None, 6, "ok", "")


def test_u_counts_pairs_and_ties_half() -> None:
    # Pairs in which the first is larger: 5>1, 5>2, 5>3, 3>1, 3>2; ties: 3=3.
    assert compare_distributions([5, 3], [1, 2, 3]).statistic == 5.5


def test_asymptotic_without_correction_by_hand() -> None:
    # U = 0.5 + 0.5 = 1 of mean 4.5; ties 2,2,2: variance 9/12 * (7 - 24/30) = 4.65; z = -3.5/sqrt(4.65).
    found = compare_distributions([1, 2, 2], [2, 5, 6], parity="spss")
    assert found.method == "mann_whitney_asymptotic"
    assert found.p_value == pytest.approx(math.erfc(3.5 / math.sqrt(4.65) / math.sqrt(2)), rel=1e-12)


def test_asymptotic_with_correction_by_hand() -> None:
    found = compare_distributions([1, 2, 2], [2, 5, 6], parity="r")
    assert found.method == "mann_whitney_continuity"
    assert found.p_value == pytest.approx(math.erfc(3.0 / math.sqrt(4.65) / math.sqrt(2)), rel=1e-12)


def test_default_is_r() -> None:
    assert compare_distributions([1, 2, 2], [2, 5, 6]) == compare_distributions(
        [1, 2, 2], [2, 5, 6], parity="r"
    )


@pytest.mark.parametrize(
    ("sizes", "method"),
    [
        ((49, 49), "mann_whitney_exact"),
        ((50, 10), "mann_whitney_continuity"),
        ((10, 50), "mann_whitney_continuity"),
    ],
)
def test_from_fifty_values_on_it_is_not_exact(sizes: tuple[int, int], method: str) -> None:
    assert compare_distributions(np.arange(sizes[0]), np.arange(sizes[1]) + 0.5).method == method


def test_spss_is_never_exact() -> None:
    assert compare_distributions([1, 2], [3, 4], parity="spss").method == "mann_whitney_asymptotic"


def test_missing_values_do_not_count() -> None:
    found = compare_distributions([1.1, NAN, 2.2, 3.3], [NAN, 4.4, 5.5, 6.6])
    assert (found.n, found.p_value) == (6, pytest.approx(0.1))


def test_infinite_values_have_a_rank() -> None:
    assert compare_distributions([1, 2, math.inf], [3, 4, 5]) == compare_distributions([1, 2, 9], [3, 4, 5])


@pytest.mark.parametrize(
    ("first", "second", "n", "note"),
    [
        ([], [], 0, "a group has no value"),
        ([1.0], [], 1, "a group has no value"),
        ([NAN], [1.0, 2.0], 2, "a group has no value"),
        ([2.0, 2.0], [2.0], 3, "all values are equal"),
        ([1.0], [1.0], 2, "all values are equal"),
    ],
)
@pytest.mark.parametrize("parity", ["default", "r", "spss"])
def test_nothing_to_compare(first: list[float], second: list[float], n: int, note: str, parity: str) -> None:
    found = compare_distributions(first, second, parity=parity)
    assert (found.status, found.note, found.n) == ("not_estimable", note, n)
    assert (found.statistic, found.p_value) == (None, None)


def test_one_against_one() -> None:
    # Both orders are equally likely.
    assert compare_distributions([1.0], [2.0]).p_value == pytest.approx(1.0)


def test_no_difference_gives_one() -> None:
    # U equals its mean; a correction must not carry P above 1.
    assert compare_distributions([1, 4, 4], [1, 4, 4]).p_value == 1.0


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e9, 1e300])
def test_units_change_nothing(scale: float) -> None:
    one, two = np.array([1.0, 2.0, 2.0, 7.0]), np.array([2.0, 5.0, 6.0])
    assert compare_distributions(one * scale, two * scale) == compare_distributions(one, two)


def test_chi_squared_by_hand() -> None:
    # n (ad - bc)^2 / product of the margins = 100 * 100^2 / (50 * 50 * 25 * 75) ... for [[15, 35], [10, 40]].
    found = compare_counts([[15, 35], [10, 40]])
    assert found.method == "chi_squared"
    assert found.statistic == pytest.approx(100 * (15 * 40 - 35 * 10) ** 2 / (50 * 50 * 25 * 75), rel=1e-12)
    assert found.p_value == pytest.approx(math.erfc(math.sqrt(found.statistic / 2)), rel=1e-10)


def test_yates_by_hand() -> None:
    found = compare_counts([[15, 35], [10, 40]], parity="r")
    assert found.method == "chi_squared_yates"
    corrected = 100 * (abs(15 * 40 - 35 * 10) - 50) ** 2 / (50 * 50 * 25 * 75)
    assert found.statistic == pytest.approx(corrected, rel=1e-12)


def test_yates_only_for_two_by_two() -> None:
    assert compare_counts([[15, 35], [10, 40], [20, 30]], parity="r").method == "chi_squared"


@pytest.mark.parametrize(
    ("table", "method"),
    [
        # Least expected count 10 * 10 / 20 = 5 and 9 * 10 / 20 = 4.5.
        ([[5, 5], [5, 5]], "chi_squared"),
        ([[5, 4], [5, 6]], "fisher_exact"),
    ],
)
def test_fisher_if_an_expected_count_is_below_five(table: list[list[int]], method: str) -> None:
    assert compare_counts(table).method == method


def test_chi_squared_of_small_counts_is_told() -> None:
    found = compare_counts([[5, 4], [5, 6]], method="chi_squared")
    assert (found.method, found.note) == ("chi_squared", "2 of 4 expected counts are below 5")


def test_fisher_of_the_tea() -> None:
    found = compare_counts([[3, 1], [1, 3]])
    assert found == Comparison("fisher_exact", None, pytest.approx(34 / 70), None, None, 8, "ok", "")


def test_fisher_by_chance_tells_its_limits_and_seed() -> None:
    rng = np.random.default_rng(8)
    table = rng.multinomial(500, np.ones(48) / 48).reshape(8, 6)
    found = compare_counts(table, method="fisher_exact", seed=5)
    assert found.method == "fisher_monte_carlo"
    assert found.low is not None
    assert found.p_value is not None
    assert found.high is not None
    assert found.low < found.p_value < found.high
    assert found.note == "P estimated from 50000 tables drawn by chance, seed 5"
    assert found == compare_counts(table, method="fisher_exact", seed=5)


def test_empty_rows_and_columns_are_left_out() -> None:
    assert compare_counts([[15, 0, 35], [0, 0, 0], [10, 0, 40]]) == compare_counts([[15, 35], [10, 40]])


@pytest.mark.parametrize(
    ("table", "n", "note"),
    [
        ([[0, 0], [0, 0]], 0, "the table is empty"),
        ([[3, 4], [0, 0]], 7, "only one row of the table has patients"),
        ([[3, 0], [4, 0]], 7, "only one column of the table has patients"),
        ([[3, 4]], 7, "only one row of the table has patients"),
        (np.zeros((0, 2)), 0, "the table is empty"),
    ],
)
@pytest.mark.parametrize("method", ["auto", "chi_squared", "fisher_exact"])
def test_no_table_to_compare(table: list[list[int]], n: int, note: str, method: str) -> None:
    found = compare_counts(table, method=method)
    assert (found.status, found.note, found.n, found.p_value) == ("not_estimable", note, n, None)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([1, 2], "1 dimensions"),
        ([[1, -1], [2, 3]], "whole numbers from 0"),
        ([[1.5, 1], [2, 3]], "whole numbers from 0"),
        ([[NAN, 1], [2, 3]], "whole numbers from 0"),
    ],
)
def test_no_counts(table: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        compare_counts(table)  # pyright: ignore[reportArgumentType]


def test_unknown_options() -> None:
    with pytest.raises(DataError, match="did you mean 'spss'"):
        compare_distributions([1], [2], parity="sps")
    with pytest.raises(DataError, match="parity: unknown 'sas'"):
        compare_counts([[1, 2], [3, 4]], parity="sas")
    with pytest.raises(DataError, match="method: unknown 'fisher'"):
        compare_counts([[1, 2], [3, 4]], method="fisher")
    with pytest.raises(DataError, match="method: unknown 'lilliefors'"):
        assess_normality([1, 2, 3], method="lilliefors")


def test_shapiro_wilk_as_r() -> None:
    # R 4.2.2: shapiro.test(c(1, 2, 3, 4, 10))$p.value
    found = assess_normality([1, 2, NAN, 3, 4, 10])
    assert (found.method, found.n) == ("shapiro_wilk", 5)
    assert found.p_value == pytest.approx(0.1536125838, abs=1e-9)


def test_signed_rank_by_hand() -> None:
    # Mean 4: differences -3 -2 -1 0 6; 0 is left out; ranks of 3 2 1 6; positive 4 of mean 5, variance 7.5.
    found = assess_normality([1, 2, 3, 4, 10], method="one_sample_wilcoxon")
    assert (found.statistic, found.n) == (4.0, 5)
    assert found.p_value == pytest.approx(math.erfc(1 / math.sqrt(7.5) / math.sqrt(2)), rel=1e-12)
    assert found.note == (
        "the signed-rank test compares the location with the sample mean; it is no test of normality"
    )


def test_signed_rank_ties_survive_the_subtraction() -> None:
    # 0.1, 0.2, 0.3 lie evenly around their mean, though 0.3 - 0.2 and 0.2 - 0.1 differ as floats.
    tenths = assess_normality([0.1, 0.2, 0.3, 0.7, 0.7], method="one_sample_wilcoxon")
    whole = assess_normality([1, 2, 3, 7, 7], method="one_sample_wilcoxon")
    assert (tenths.statistic, tenths.p_value) == (whole.statistic, whole.p_value)


@pytest.mark.parametrize("method", ["shapiro_wilk", "one_sample_wilcoxon"])
@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([], "fewer than 3 values"),
        ([1.0], "fewer than 3 values"),
        ([1.0, 2.0], "fewer than 3 values"),
        ([1.0, 2.0, NAN], "fewer than 3 values"),
        ([4.0, 4.0, 4.0], "all values are equal"),
        ([0.0, 0.0, 0.0], "all values are equal"),
        ([1.0, 2.0, math.inf], "a value is infinite"),
    ],
)
def test_no_sample(values: list[float], note: str, method: str) -> None:
    found = assess_normality(values, method=method)
    assert (found.status, found.note, found.p_value) == ("not_estimable", note, None)


def test_shapiro_wilk_has_a_largest_size() -> None:
    assert assess_normality(np.arange(5001)).note == "the test is made for at most 5000 values"
    assert assess_normality(np.arange(5001), method="one_sample_wilcoxon").status == "ok"


def test_values_that_differ_by_rounding_only_are_equal() -> None:
    found = assess_normality([1.0, 1.0, math.nextafter(1.0, 2.0)], method="one_sample_wilcoxon")
    assert (found.status, found.note) == ("not_estimable", "all values are equal")


@pytest.mark.parametrize("method", ["shapiro_wilk", "one_sample_wilcoxon"])
@pytest.mark.parametrize("scale", [1e-200, 1e-6, 1e9, 1e200])
def test_units_change_nothing_in_one_sample(method: str, scale: float) -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 10.0, 11.5])
    one, other = assess_normality(values, method=method), assess_normality(values * scale, method=method)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-9)
