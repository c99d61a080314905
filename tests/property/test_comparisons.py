"""What must hold of effect sizes and exact tests whatever the data: directions, units, slow twins."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import contingency

from cytopenia.stats.adjustments import adjust_benjamini_hochberg, adjust_holm
from cytopenia.stats.compare import compare_counts, compare_distributions
from cytopenia.stats.count_effects import estimate_odds_ratio, estimate_risk_difference, estimate_risk_ratio
from cytopenia.stats.rank_biserial import estimate_rank_biserial
from cytopenia.stats.shift import Effect, estimate_shift
from cytopenia.stats.trend import compare_ordered_counts

NEAR = 1e-9
SAMPLES = st.lists(st.integers(0, 12).map(float), min_size=1, max_size=12)
COUNTS = st.integers(0, 9)
TABLES = st.lists(st.lists(COUNTS, min_size=2, max_size=2), min_size=2, max_size=2)
PROBABILITIES = st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12)


def ends(found: Effect) -> tuple[float | None, ...]:
    return found.value, found.low, found.high


def turn(number: float | None) -> float | None:
    return None if number is None else -number


@given(SAMPLES, SAMPLES, st.sampled_from(["default", "spss"]))
def test_swapped_samples_turn_the_shift_around(one: list[float], two: list[float], parity: str) -> None:
    value, low, high = ends(estimate_shift(one, two, parity=parity))
    turned = ends(estimate_shift(two, one, parity=parity))
    assert turned == pytest.approx((turn(value), turn(high), turn(low)))


@given(SAMPLES, SAMPLES)
def test_shift_lies_within_its_limits_and_the_differences(one: list[float], two: list[float]) -> None:
    value, low, high = ends(estimate_shift(one, two))
    assert value is not None
    if low is not None and high is not None:
        assert min(one) - max(two) <= low <= value <= high <= max(one) - min(two)


@given(SAMPLES, SAMPLES, st.integers(-20, 20))
def test_what_is_added_to_one_sample_is_added_to_the_shift(
    one: list[float], two: list[float], more: int
) -> None:
    value, low, high = ends(estimate_shift(one, two, parity="spss"))
    moved = estimate_shift([number + more for number in one], two, parity="spss")
    assert moved.value == pytest.approx(value + more if value is not None else None)
    if low is not None and high is not None and moved.low is not None:
        assert (moved.low, moved.high) == pytest.approx((low + more, high + more))


@given(st.integers(2, 6), st.integers(2, 6), st.integers(0, 10**6), st.sampled_from([0.8, 0.9, 0.95]))
def test_exact_limits_are_what_the_exact_test_does_not_reject(
    m: int, n: int, seed: int, level: float
) -> None:
    """A shift just inside the limits is not rejected; one just outside is, unless the limits are the ends."""
    rng = np.random.default_rng(seed)
    one, two = rng.normal(size=m), rng.normal(size=n)
    found = estimate_shift(one, two, level=level)
    assert found.low is not None
    inside = compare_distributions(one - found.low - 1e-7, two).p_value
    assert inside is not None
    if not found.note:
        assert inside > 1 - level - 1e-12
        outside = compare_distributions(one - found.low + 1e-7, two).p_value
        assert outside is not None
        assert outside <= 1 - level + 1e-12


@given(SAMPLES, SAMPLES, st.sampled_from(["newcombe", "delong"]))
def test_rank_biserial_knows_ranks_only(one: list[float], two: list[float], interval: str) -> None:
    found = estimate_rank_biserial(one, two, interval=interval)
    other = estimate_rank_biserial(np.exp(one), np.exp(two), interval=interval)
    assert other == found
    value, low, high = ends(found)
    turned = ends(estimate_rank_biserial(two, one, interval=interval))
    assert turned == pytest.approx((turn(value), turn(high), turn(low)), abs=NEAR)


@given(SAMPLES, SAMPLES)
def test_rank_biserial_counts_pairs_one_by_one(one: list[float], two: list[float]) -> None:
    found = estimate_rank_biserial(one, two)
    pairs = [(first > second) - (first < second) for first in one for second in two]
    if found.status == "ok":
        assert found.value is not None
        assert found.value == pytest.approx(sum(pairs) / len(pairs), abs=1e-15)
        assert found.low is not None
        assert found.high is not None
        assert -1 <= found.low <= found.value <= found.high <= 1
    else:
        assert not any(pairs)


@given(TABLES)
def test_swapped_groups_turn_the_risks_around(table: list[list[int]]) -> None:
    value, low, high = ends(estimate_risk_difference(table))
    swapped = ends(estimate_risk_difference(table[::-1]))
    assert swapped == pytest.approx((turn(value), turn(high), turn(low)), abs=NEAR)
    # The event and its absence have the same difference with the other sign.
    other = ends(estimate_risk_difference([row[::-1] for row in table]))
    assert other == pytest.approx((turn(value), turn(high), turn(low)), abs=NEAR)


@given(TABLES)
def test_swapped_groups_turn_the_ratios_over(table: list[list[int]]) -> None:
    for estimate in (estimate_risk_ratio, estimate_odds_ratio):
        found, swapped = estimate(table), estimate(table[::-1])
        for end, other in (("value", "value"), ("low", "high"), ("high", "low")):
            one, two = getattr(found, end), getattr(swapped, other)
            if one and two:
                assert one * two == pytest.approx(1, rel=1e-6)
        assert all(math.isfinite(end) for end in ends(found) if end is not None)


@given(TABLES)
def test_risk_difference_and_ratio_agree_on_the_side(table: list[list[int]]) -> None:
    difference, ratio = estimate_risk_difference(table), estimate_risk_ratio(table)
    if difference.value is not None and ratio.value is not None:
        assert (difference.value > NEAR) == (ratio.value > 1 + NEAR)
        assert ratio.low is not None
        assert ratio.high is not None
        assert ratio.low <= ratio.value <= ratio.high


def count_ways(table: list[list[int]]) -> dict[int, int]:
    """Ways to fill the first cell with the margins as they are."""
    (a, b), (c, d) = table
    row, column, total = a + b, a + c, a + b + c + d
    cells = range(max(0, row + column - total), min(row, column) + 1)
    return {cell: math.comb(column, cell) * math.comb(total - column, row - cell) for cell in cells}


@given(TABLES)
def test_mid_p_by_counting_with_fractions(table: list[list[int]]) -> None:
    found = compare_counts(table, method="fisher_mid_p")
    assume(found.status == "ok")
    ways = count_ways(table)
    observed, every = ways[table[0][0]], sum(ways.values())
    less = sum(way for way in ways.values() if way < observed)
    equal = sum(way for way in ways.values() if way == observed)
    assert found.p_value == pytest.approx(float(Fraction(2 * less + equal, 2 * every)), rel=NEAR)
    exact = compare_counts(table, method="fisher_exact").p_value
    assert exact is not None
    assert found.p_value is not None
    assert found.p_value < exact


@given(TABLES, st.sampled_from(["exact", "mid_p"]))
def test_limits_of_the_odds_ratio_by_counting(table: list[list[int]], limits: str) -> None:
    found = estimate_odds_ratio(table, limits=limits)
    assume(min(map(sum, table)) > 0)
    assume(min(map(sum, zip(*table, strict=True))) > 0)
    ways, seen = count_ways(table), table[0][0]
    half = 1 if limits == "exact" else 0.5
    for limit, side in ((found.low, 1), (found.high, -1)):
        if limit:
            chances = {cell: way * limit**cell for cell, way in ways.items()}
            tail = (
                sum(chance for cell, chance in chances.items() if side * cell > side * seen)
                + half * chances[seen]
            )
            assert tail / sum(chances.values()) == pytest.approx(0.025, rel=1e-6)


@given(st.lists(st.lists(st.integers(1, 9), min_size=2, max_size=2), min_size=2, max_size=2))
def test_odds_ratio_as_scipy(table: list[list[int]]) -> None:
    expected = contingency.odds_ratio(np.array(table))
    numbers = np.array([expected.statistic, *expected.confidence_interval(0.95)], dtype=np.float64)
    assert ends(estimate_odds_ratio(table)) == pytest.approx(numbers.tolist(), rel=1e-6)


@given(st.lists(st.lists(COUNTS, min_size=2, max_size=2), min_size=2, max_size=5))
def test_trend_has_no_side(table: list[list[int]]) -> None:
    found, turned = compare_ordered_counts(table), compare_ordered_counts(table[::-1])
    assume(found.status == "ok")
    assert turned.p_value == pytest.approx(found.p_value, rel=NEAR, abs=NEAR)
    other = compare_ordered_counts([row[::-1] for row in table])
    assert other.p_value == pytest.approx(found.p_value, rel=NEAR, abs=NEAR)


def close_holm(p_values: list[float]) -> list[float]:
    """By closed testing: the largest Bonferroni P of all sets of tests that hold the test."""
    places = range(len(p_values))
    sets = [chosen for size in range(1, len(p_values) + 1) for chosen in combinations(places, size)]
    worst = {chosen: min(1.0, len(chosen) * min(p_values[place] for place in chosen)) for chosen in sets}
    return [max(worst[chosen] for chosen in sets if place in chosen) for place in places]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
def test_holm_is_closed_bonferroni(p_values: list[float]) -> None:
    assert adjust_holm(p_values) == pytest.approx(close_holm(p_values))


@given(PROBABILITIES)
def test_benjamini_hochberg_by_its_steps(p_values: list[float | None]) -> None:
    """A test is on the list at q if at least k tests have P up to k q / m: the least such q."""
    known = sorted(p for p in p_values if p is not None)
    adjusted = adjust_benjamini_hochberg(p_values)
    for p, q in zip(p_values, adjusted, strict=True):
        if p is None:
            assert q is None
            continue
        steps = [one * len(known) / rank for rank, one in enumerate(known, start=1) if one >= p]
        assert q == pytest.approx(min([1.0, *steps]))
    order = [(p, q) for p, q in zip(p_values, adjusted, strict=True) if p is not None and q is not None]
    holm = [p for p in adjust_holm(p_values) if p is not None]
    assert all(p <= q + NEAR and q <= most + NEAR for (p, q), most in zip(order, holm, strict=True))
