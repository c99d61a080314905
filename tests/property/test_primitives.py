"""Comparison, runs and gaps against the twin."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import twin
from cytopenia.grading.cuts import COMPARATORS, decode_ends, encode_ends, is_met
from cytopenia.grading.gaps import GapRule, bound_gaps
from cytopenia.grading.runs import find_longest_run, first_run, inside_short_gap, nearest_marked, run_lengths

marks = st.lists(st.booleans(), min_size=1, max_size=30)
pairs_of_marks = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30)
cuts = st.sampled_from([0.1, 0.2, 0.5, 0.8, 1.0, 1.5, 3.0, 25.0, 50.0, 75.0, 80.0, 100.0, 1.1 * 1.5])
signs = st.sampled_from(["=", "<", "<=", ">", ">="])
printed = st.decimals(min_value="0.01", max_value=300, places=2).map(float)


@st.composite
def close_values(draw: st.DrawFn) -> tuple[float, float]:
    """A cut, and a value at most a few units of its 17th digit or a few units of its 14th digit away."""
    cut = draw(cuts)
    away = draw(st.sampled_from([0.0, 1e-16, -1e-16, 3e-14, -3e-14, 1e-3, -1e-3]))
    return cut, cut * (1 + away)


@given(close_values(), st.sampled_from(COMPARATORS))
def test_values_within_half_a_unit_of_the_fifteenth_digit_are_at_the_cut(pair, comparator):
    cut, value = pair
    assert bool(is_met([value], comparator, cut)[0]) == twin.is_met((twin.exact(value), 0), comparator, cut)


@given(printed, signs, cuts, st.sampled_from(COMPARATORS))
def test_both_ends_of_a_printed_value_meet_a_cut_as_in_the_twin(value, sign, cut, comparator):
    ends = encode_ends([value], [sign])
    expected = [twin.is_met(end, comparator, cut) for end in twin.encode(value, sign)]
    assert [bool(is_met(end, comparator, cut)[0]) for end in ends] == expected


@given(printed, signs)
def test_the_finite_end_decodes_to_the_printed_number(value, sign):
    low, high = encode_ends([value], [sign])
    finite = high if np.isfinite(high[0]) else low
    assert decode_ends(finite)[0] == value


@given(printed, signs, printed, st.sampled_from([1.1, 1.5]), cuts)
def test_an_open_end_stays_open_when_a_slack_moves_it(value, sign, other, slack, cut):
    low, high = (np.array([end[0], np.nan, other]) for end in encode_ends([value], [sign]))
    measured = np.array([[True, False, True]])
    low, high = bound_gaps(low[None], high[None], measured, rule=GapRule(slack=slack, longest=8))
    days = {0: _day(value, sign), 2: _day(other, "=")}
    expected = twin.bound_day(1, days, twin.exact(slack))
    for kernel, exact in zip((low[0, 1], high[0, 1]), expected, strict=True):
        for comparator in COMPARATORS:
            assert bool(is_met(kernel, comparator, cut)) == twin.is_met(exact, comparator, cut)


@given(marks)
def test_nearest_marked(marked):
    before, after = nearest_marked(np.array(marked))
    assert (before.tolist(), after.tolist()) == twin.nearest_marked(marked)


@given(marks, st.integers(1, 12))
def test_inside_short_gap(marked, longest):
    assert inside_short_gap(np.array(marked), longest).tolist() == twin.inside_short_gap(marked, longest)


@given(pairs_of_marks)
def test_run_lengths(pairs):
    met, counted = map(list, zip(*pairs, strict=True))
    kernel = run_lengths(np.array(met), np.array(counted))
    assert kernel.tolist() == twin.run_lengths(met, counted)
    assert run_lengths(np.array(met)).tolist() == twin.run_lengths(met, [True] * len(met))


@given(marks)
def test_longest_run(met):
    assert tuple(int(x) for x in find_longest_run(np.array(met))) == twin.find_longest_run(met)


@given(pairs_of_marks, st.integers(1, 5))
def test_first_run(pairs, length):
    met, counted = map(list, zip(*pairs, strict=True))
    found = first_run(np.array(met), length, np.array(counted))
    assert tuple(int(x) for x in found) == twin.first_run(met, length, counted)
    every = first_run(np.array(met), length)
    assert tuple(int(x) for x in every) == twin.first_run(met, length, [True] * len(met))


@given(st.lists(marks, min_size=2, max_size=4), st.integers(1, 4))
def test_each_row_of_a_grid_is_judged_alone(rows, length):
    width = min(len(row) for row in rows)
    grid = np.array([row[:width] for row in rows])
    for function in (nearest_marked, run_lengths, find_longest_run, lambda met: first_run(met, length)):
        together = np.atleast_2d(np.asarray(function(grid)))
        alone = np.stack([np.asarray(function(row)) for row in grid], axis=-2 if together.ndim > 2 else -1)
        if together.ndim == 2 and function is run_lengths:
            alone = alone.T
        assert np.array_equal(together, alone)


values = st.sampled_from([0.0, 0.3, 0.5, 0.75, 1.0, 1.2, 1.5, 2.25, 4.0])
cells = st.none() | st.tuples(values, signs)


@given(
    st.lists(st.lists(cells, min_size=14, max_size=14), min_size=1, max_size=3),
    st.sampled_from([1.0, 1.1, 1.5, 2.0]),
    st.integers(2, 10),
    st.sampled_from([1.0, 1.1, 1.5]),
)
def test_bounds_of_gaps(grid, slack, longest, growth):
    ends = [[_ends(cell) for cell in row] for row in grid]
    low, high = (np.array([[cell[side] for cell in row] for row in ends]) for side in (0, 1))
    measured = np.array([[cell is not None for cell in row] for row in grid])
    before = low.copy(), high.copy(), measured.copy()
    rule = GapRule(slack=slack, longest=longest, growth=growth)
    found = bound_gaps(low, high, measured, rule=rule)
    assert all(
        np.array_equal(*pair, equal_nan=True) for pair in zip(before, (low, high, measured), strict=True)
    )
    for place, row in enumerate(grid):
        days = {d: _day(*cell) for d, cell in enumerate(row) if cell is not None}
        for d, cell in enumerate(row):
            factors = {"slack": twin.exact(slack), "growth": twin.exact(growth)}
            exact = twin.bound_day(d, days, longest=longest, **factors) if cell is None else None
            low_end, high_end = exact or (twin.ZERO, twin.INFINITE)
            if cell is not None:
                low_end, high_end = days[d]["low"], days[d]["high"]
            assert np.isclose(found[0][place, d], float(low_end[0]), rtol=1e-12, atol=0)
            assert np.isclose(found[1][place, d], float(high_end[0]), rtol=1e-12, atol=0)


def _day(value, sign):
    low, high = twin.encode(value, sign if value > 0 else "=")
    return {"low": low, "high": high}


def _ends(cell):
    if cell is None:
        return np.nan, np.nan
    low, high = encode_ends([cell[0]], [cell[1] if cell[0] > 0 else "="])
    return low[0], high[0]
