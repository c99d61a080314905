"""The bootstrap of a cut: what is reported, and that it does what it says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from cytopenia.errors import DataError
from cytopenia.stats.accuracy import MEASURES, divide_counts
from cytopenia.stats.cut_bootstrap import CutBootstrap, Resampling, bootstrap_cut
from cytopenia.stats.cut_resamples import find_batch_cuts, plan_draws, sort_rows

HOW = Resampling(resamples=60, seed=7, again=5)


def draw_sample(n: int = 40, distance: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    event = (np.arange(n) % 3 == 0).astype(float)
    return np.round(rng.normal(size=n) + distance * event, 1), event


def numbers_of(found: CutBootstrap) -> list[float | None]:
    corrected = [part for one in found.corrected.values() for part in (one.value, one.low, one.high)]
    return [found.cut_low, found.cut_median, found.cut_high, *corrected, *found.cuts.tolist()]


@pytest.mark.parametrize("is_stratified", [False, True])
@pytest.mark.parametrize("cells", [1, 45, 400, 20_000])
def test_the_size_of_blocks_changes_nothing(cells: int, is_stratified: bool) -> None:
    values, event = draw_sample()
    how = replace(HOW, is_stratified=is_stratified)
    whole = bootstrap_cut(values, event, high_means_event=True, how=how)
    parts = bootstrap_cut(values, event, high_means_event=True, how=replace(how, cells=cells))
    assert numbers_of(parts) == numbers_of(whole)
    assert bootstrap_cut(values, event, high_means_event=True, how=replace(how, seed=8)).cuts.tolist() != (
        whole.cuts.tolist()
    )


def place_slowly(counts: np.ndarray, youden: float) -> list[float]:
    """What Youden's index is too high comes off both shares, as the inverse of the size of their classes."""
    hits, misses, refusals, alarms = counts.tolist()
    events, others = hits + misses, refusals + alarms
    excess = hits / events + refusals / others - 1 - youden
    parts = [1 / events / (1 / events + 1 / others), 1 / others / (1 / events + 1 / others)]
    sensitivity = min(1, max(0, hits / events - excess * parts[0]))
    specificity = min(1, max(0, refusals / others - excess * parts[1]))
    positive = events * sensitivity + others * (1 - specificity)
    negative = events * (1 - sensitivity) + others * specificity
    ppv = events * sensitivity / positive if positive else math.nan
    npv = others * specificity / negative if negative else math.nan
    return [sensitivity, specificity, ppv, npv, youden]


def test_the_numbers_are_means_over_the_resamples() -> None:
    values, event = draw_sample()
    found = bootstrap_cut(values, event, high_means_event=True, how=HOW)
    rows = sort_rows(values, event == 1, high_means_event=True)
    draws = plan_draws(rows, seed=HOW.seed, is_stratified=False)
    drawn = draws.draw(HOW.resamples)
    batch = find_batch_cuts(rows, drawn)
    outside = divide_counts(batch.outside)
    errors = []
    for number, members in enumerate(drawn):
        # A row of the resample is outside of a resample of it if no copy of it was drawn.
        times = np.bincount(members, minlength=values.size)
        again = draws.draw_again(members[np.newaxis], HOW.again)
        inner = find_batch_cuts(rows, again, weights=np.tile(times, (HOW.again, 1)))
        youden = float(np.nanmean(divide_counts(inner.outside)[:, -1]))
        errors.append(place_slowly(batch.inside[number], youden) - divide_counts(batch.whole)[number])
    counts = np.array([[one.count, one.denominator] for one in list(found.apparent.values())[:2]])
    at_cut = np.column_stack([counts[:, 0], counts[:, 1] - counts[:, 0]]).ravel()
    placed = place_slowly(at_cut, float(np.nanmean(outside[:, -1])))
    for place, name in enumerate(MEASURES):
        mean = found.outside[name]
        assert mean.value == pytest.approx(float(np.nanmean(outside[:, place])), abs=1e-12)
        assert mean.resamples == int((~np.isnan(outside[:, place])).sum())
        one = found.corrected[name]
        assert one.value == pytest.approx(placed[place], abs=1e-12)
        spread = np.array(errors)[:, place]
        spread = spread[~np.isnan(spread)]
        high, low = np.quantile(spread, [0.025, 0.975]) - spread.mean()
        least = -1 if name == "youden" else 0
        assert one.low == pytest.approx(max(least, placed[place] - low), abs=1e-12)
        assert one.high == pytest.approx(min(1, placed[place] - high), abs=1e-12)
    limits = np.quantile(batch.cut[~np.isnan(batch.cut)], [0.025, 0.5, 0.975])
    assert (found.cut_low, found.cut_median, found.cut_high) == pytest.approx(tuple(limits), abs=1e-12)
    assert int(found.times.sum()) + found.one_class + found.without_cut == HOW.resamples


def test_missing_rows_are_left_out() -> None:
    values, event = draw_sample()
    whole = bootstrap_cut(values, event, high_means_event=True, how=HOW)
    more = bootstrap_cut([*values, np.nan, 3], [*event, 1, np.nan], high_means_event=True, how=HOW)
    assert numbers_of(more) == numbers_of(whole)
    assert (more.curve.n, more.curve.missing) == (40, 2)


def test_the_apparent_numbers_are_those_of_the_cut() -> None:
    # Above 2.5: three of three with the event, and of three without it one.
    found = bootstrap_cut([1, 2, 3, 4, 5, 6], [0, 0, 1, 0, 1, 1], high_means_event=True, how=HOW)
    assert found.curve.cut == 2.5
    counts = {name: (one.count, one.denominator) for name, one in found.apparent.items()}
    assert counts == {
        "sensitivity": (3, 3),
        "specificity": (2, 3),
        "ppv": (3, 4),
        "npv": (2, 2),
        "youden": (None, None),
    }


def test_one_class_is_counted() -> None:
    # With one event of four a resample has none in (3/4)^4 = 32% of draws.
    how = Resampling(resamples=2_000, seed=1, again=0)
    found = bootstrap_cut([1, 2, 3, 4], [0, 0, 0, 1], high_means_event=True, how=how)
    assert found.one_class / 2_000 == pytest.approx((3 / 4) ** 4 + (1 / 4) ** 4, abs=0.04)
    kept = bootstrap_cut(
        [1, 2, 3, 4], [0, 0, 0, 1], high_means_event=True, how=replace(how, is_stratified=True)
    )
    assert kept.one_class == 0
    # The only event is in every stratified resample, so nobody outside has it.
    assert (kept.outside["sensitivity"].value, kept.outside["sensitivity"].status) == (
        None,
        "not_estimable",
    )
    assert {one.status for one in kept.corrected.values()} == {"not_estimable"}
    assert kept.corrected["sensitivity"].note == "no resample leaves out the patients that it needs"


def test_without_resamples_of_resamples_there_are_no_limits() -> None:
    found = bootstrap_cut(*draw_sample(), high_means_event=True, how=replace(HOW, again=0))
    assert found.corrected["youden"].value is not None
    assert (found.corrected["youden"].low, found.corrected["youden"].high) == (None, None)


@pytest.mark.parametrize(
    ("values", "event", "note"),
    [
        ([1, 1, 1], [0, 1, 0], "all values are equal"),
        ([1, 2, 3], [1, 1, 1], "everybody has the event"),
        ([], [], "no complete row"),
        ([3, 2, 1], [0, 1, 1], "no cut does better than chance"),
    ],
)
def test_not_estimable(values: list[float], event: list[int], note: str) -> None:
    found = bootstrap_cut(values, event, high_means_event=True, how=HOW)
    assert found.status == "not_estimable"
    assert note in found.note
    assert (found.cut_low, found.corrected, found.apparent) == (None, {}, {})


def test_no_resample_with_a_cut() -> None:
    # One resample of two rows that draws one of them twice.
    seeds = range(20)
    found = [
        bootstrap_cut([1, 2], [0, 1], high_means_event=True, how=Resampling(resamples=1, seed=seed))
        for seed in seeds
    ]
    notes = {one.note for one in found if one.status == "not_estimable"}
    assert notes == {"no resample has a cut that does better than chance"}


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    bootstrap_cut(
        *draw_sample(),
        high_means_event=True,
        how=replace(HOW, cells=40 * 5 * 25),
        progress=lambda done, every: told.append((done, every)),
    )
    assert told == [(25, 60), (50, 60), (60, 60)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"resamples": 0}, "resamples: 0 is below 1"),
        ({"again": -1}, "again: -1 is below 0"),
        ({"seed": -1}, "seed: -1 is below 0"),
        ({"level": 1.0}, "level: 1 is not between 0 and 1"),
        ({"resamples": 0, "cells": 0}, "resamples: 0 is below 1; cells: 0 is below 1"),
    ],
)
def test_wrong_use(options: dict[str, int], words: str) -> None:
    with pytest.raises(DataError, match=words):
        replace(HOW, **options)


def test_corrected_youden_is_near_the_truth() -> None:
    """Forty cohorts of 60: on average apparent is far too high, corrected is not."""
    from scipy.special import ndtr

    rng = np.random.default_rng(5)
    event = np.repeat([1.0, 0.0], [21, 39])
    apparent, corrected = [], []
    for seed in range(40):
        values = rng.normal(size=60) + 0.8 * event
        how = Resampling(resamples=100, seed=seed, again=0)
        found = bootstrap_cut(values, event, high_means_event=True, how=how)
        truth = ndtr(0.8 - found.curve.cut) + ndtr(found.curve.cut) - 1
        apparent.append(found.apparent["youden"].value - truth)
        corrected.append(found.corrected["youden"].value - truth)
    assert np.mean(apparent) > 0.1
    # Four standard errors of the mean of 40.
    assert abs(np.mean(corrected)) < 4 * np.std(corrected) / 40**0.5
