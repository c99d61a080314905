"""Cuts of many resamples at once, against a slow twin that draws a ROC curve for each."""

from __future__ import annotations

import numpy as np
import pytest

from cytopenia.grading.cuts import is_met
from cytopenia.stats.cut_resamples import CutBatch, SortedRows, find_batch_cuts, plan_draws, sort_rows
from cytopenia.stats.roc import estimate_roc


def count_slowly(rows: SortedRows, members: list[int], cut: float) -> list[int]:
    """True positives, false negatives, true negatives, false positives, one row at a time."""
    counts = [0, 0, 0, 0]
    for row in members:
        is_positive = bool(is_met(rows.values[row], "at_least", cut)) == rows.high_means_event
        counts[(0 if is_positive else 1) if rows.has_event[row] else (3 if is_positive else 2)] += 1
    return counts


def find_slowly(rows: SortedRows, drawn: list[int]) -> tuple[float | None, list[list[int]]]:
    curve = estimate_roc(rows.values[drawn], rows.has_event[drawn], high_means_event=rows.high_means_event)
    everybody = list(range(rows.values.size))
    outside = [row for row in everybody if row not in drawn]
    if curve.cut is None:
        return None, [[0, 0, 0, 0]] * 3
    return curve.cut, [count_slowly(rows, part, curve.cut) for part in (drawn, outside, everybody)]


def draw_rows(seed: int) -> tuple[SortedRows, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 40))
    # With one decimal the middle of two values is often a third value.
    values = np.round(rng.normal(size=n), int(rng.integers(0, 3)))
    event = rng.integers(0, 2, n)
    event[:2] = [0, 1]
    rows = sort_rows(values, event == 1, high_means_event=bool(seed % 2))
    return rows, rng.integers(0, n, (12, n))


@pytest.mark.parametrize("seed", range(40))
def test_the_same_as_one_curve_for_each(seed: int) -> None:
    rows, drawn = draw_rows(seed)
    batch = find_batch_cuts(rows, drawn)
    for number, members in enumerate(drawn.tolist()):
        cut, counts = find_slowly(rows, members)
        found = batch.cut[number]
        assert (cut is None and np.isnan(found)) or cut == found
        parts = (batch.inside, batch.outside, batch.whole)
        assert [part[number].tolist() for part in parts] == counts


@pytest.mark.parametrize("seed", range(6))
def test_weights_count_rows_several_times(seed: int) -> None:
    rows, drawn = draw_rows(seed)
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 3, drawn.shape)
    batch = find_batch_cuts(rows, drawn, weights=weights)
    for number, members in enumerate(drawn.tolist()):
        outside = [row for row in range(rows.values.size) for _ in range(weights[number, row])]
        outside = [row for row in outside if row not in members]
        cut = batch.cut[number]
        wanted = [0, 0, 0, 0] if np.isnan(cut) else count_slowly(rows, outside, cut)
        assert batch.outside[number].tolist() == wanted


def by_hand(drawn: list[int]) -> CutBatch:
    # Values 1 to 6; the events have 3, 5 and 6.
    event = np.array([0, 0, 1, 0, 1, 1]) == 1
    rows = sort_rows(np.arange(1.0, 7.0), event, high_means_event=True)
    return find_batch_cuts(rows, np.array([drawn]))


def test_a_resample_by_hand() -> None:
    # Drawn: 1 twice, 3, 4, 6 twice. Above 5 (between 4 and 6): two of three events, no other: 2/3. Above 2:
    # three of three, two of three others below: 2/3. The higher sensitivity wins.
    batch = by_hand([0, 0, 2, 3, 5, 5])
    assert batch.cut.tolist() == [2.0]
    assert batch.inside.tolist() == [[3, 0, 2, 1]]
    # Not drawn: 2 without the event, which is at the cut and so above it, and 5 with the event.
    assert batch.outside.tolist() == [[1, 0, 0, 1]]


def test_a_resample_of_one_class_and_one_without_a_cut() -> None:
    batch = by_hand([0, 0, 1, 1, 3, 3])
    assert batch.has_one_class.tolist() == [True]
    assert np.isnan(batch.cut).tolist() == [True]
    # Others above the events only: 3 with, 4 without.
    batch = by_hand([2, 2, 2, 3, 3, 3])
    assert (batch.has_one_class.tolist(), np.isnan(batch.cut).tolist()) == ([False], [True])
    assert batch.outside.tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("is_stratified", [False, True])
def test_blocks_change_no_draw(is_stratified: bool) -> None:
    rows, _ = draw_rows(3)
    whole, parts = (plan_draws(rows, seed=5, is_stratified=is_stratified) for _ in range(2))
    drawn = whole.draw(11)
    assert np.array_equal(drawn, np.concatenate([parts.draw(size) for size in (1, 7, 3)]))
    again = whole.draw_again(drawn, 4)
    halves = [parts.draw_again(drawn[:5], 4), parts.draw_again(drawn[5:], 4)]
    assert np.array_equal(again, np.concatenate(halves))


def test_stratified_draws_keep_both_numbers() -> None:
    rows, _ = draw_rows(8)
    draws = plan_draws(rows, seed=1, is_stratified=True)
    drawn = draws.draw(50)
    events = int(rows.has_event.sum())
    assert set(rows.has_event[drawn].sum(axis=1).tolist()) == {events}
    assert set(rows.has_event[draws.draw_again(drawn, 3)].sum(axis=1).tolist()) == {events}
    loose = plan_draws(rows, seed=1, is_stratified=False).draw(50)
    assert len(set(rows.has_event[loose].sum(axis=1).tolist())) > 1


def test_draws_of_draws_stay_inside() -> None:
    rows, drawn = draw_rows(4)
    again = plan_draws(rows, seed=2, is_stratified=False).draw_again(drawn, 5)
    for number, members in enumerate(again.tolist()):
        assert set(members) <= set(drawn[number // 5].tolist())
