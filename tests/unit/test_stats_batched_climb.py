"""Tops that many fits climb to: the derivatives vanish there, and designs of any form lead to the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cytopenia.stats.batched_designs import SharedDesign, StackedDesign, invert_batch, merge_rows
from cytopenia.stats.batched_logistic import fit_lines_batch, fit_logistic_batch
from cytopenia.stats.batched_roc import sort_scores
from cytopenia.stats.model_recipes import ModelRecipe
from cytopenia.stats.optimism_curves import correct_curves
from cytopenia.stats.resamples import count_rows, draw_resamples
from cytopenia.stats.sampled_models import make_sampled_models
from cytopenia.stats.validation import validate_model, validate_sampled

Numbers = NDArray[np.float64]


def make_rows(seed: int, *, rows: int = 50, columns: int = 3) -> tuple[Numbers, Numbers, Numbers]:
    rng = np.random.default_rng(seed)
    event = (rng.random(rows) < 0.4).astype(float)
    design = rng.normal(size=(rows, columns)) + 0.6 * event[:, np.newaxis]
    times = count_rows(draw_resamples(rows, count=30, seed=seed), rows).astype(float)
    return design, event, times


def find_slope(design: Numbers, event: Numbers, weights: Numbers, *, is_firth: bool) -> Numbers:
    """The first derivatives of the (penalized) likelihood on written-out rows: a slow twin."""
    columns = np.column_stack([np.ones(len(design)), design])
    chance = 1 / (1 + np.exp(-columns @ weights))
    rest = event - chance
    if is_firth:
        spread = chance * (1 - chance)
        root = columns * np.sqrt(spread)[:, np.newaxis]
        rest += np.diag(root @ np.linalg.inv(root.T @ root) @ root.T) * (0.5 - chance)
    return columns.T @ rest


@given(seed=st.integers(0, 10_000), method=st.sampled_from(["firth", "maximum_likelihood"]))
def test_at_every_top_the_derivatives_vanish(seed: int, method: str) -> None:
    design, event, times = make_rows(seed)
    fit = fit_logistic_batch(design, event, times, method=method)
    for weights, counts in zip(fit.coefficients[fit.is_fitted], times[fit.is_fitted], strict=True):
        index = np.repeat(np.arange(len(event)), counts.astype(int))
        slope = find_slope(design[index], event[index], weights, is_firth=method == "firth")
        assert np.abs(slope).max() < 1e-7


@given(seed=st.integers(0, 10_000), method=st.sampled_from(["firth", "maximum_likelihood"]))
def test_patterns_of_0_and_1_lead_where_their_rows_lead(seed: int, method: str) -> None:
    design, event, times = make_rows(seed, columns=2)
    divided = (design > 0.3).astype(float)
    fit = fit_logistic_batch(divided, event, times, method=method)
    # Other numbers than 0 and 1 are not merged.
    rows = fit_logistic_batch(divided * 2.0 - 1.0, event, times, method=method)
    assert (fit.is_fitted == rows.is_fitted).all()
    assert fit.coefficients[:, 1:] == pytest.approx(2.0 * rows.coefficients[:, 1:], abs=1e-8, nan_ok=True)
    assert fit.standard_errors == pytest.approx(2.0 * rows.standard_errors, rel=1e-8, nan_ok=True)


def test_merged_rows_are_counted_by_hand() -> None:
    columns = np.array([[[0.0], [1.0], [1.0], [0.0]], [[1.0], [1.0], [0.0], [0.0]]])
    found = merge_rows(columns, np.array([[0.0, 1.0, 1.0, 1.0]]), np.array([[1.0, 2, 3, 0], [1, 0, 1, 2]]))
    assert found is not None
    table = dict(zip(zip(found.columns[:, 0], found.event, strict=True), found.times.T.tolist(), strict=True))
    assert table == {(0.0, 0.0): [1, 0], (1.0, 0.0): [0, 1], (0.0, 1.0): [0, 3], (1.0, 1.0): [5, 0]}
    assert merge_rows(columns * 2, np.ones((1, 4)), np.ones((2, 4))) is None


def test_sums_of_shared_and_stacked_designs_are_those_of_loops() -> None:
    rng = np.random.default_rng(1)
    columns, weights = rng.normal(size=(7, 3)), rng.normal(size=(2, 7))
    pairs = np.einsum("bn,nj,nk->bjk", weights, columns, columns)
    triples = np.einsum("bn,nj,nk,nl->bjkl", weights, columns, columns, columns)
    shared, stacked = SharedDesign(columns), StackedDesign(np.tile(columns.T, (2, 1, 1)))
    for design in (shared, stacked):
        assert design.sum_pairs(weights) == pytest.approx(pairs)
        assert design.sum_triples(weights) == pytest.approx(triples)
        assert design.sum_columns(weights) == pytest.approx(weights @ columns)
        assert design.measure_rows(pairs) == pytest.approx(
            np.einsum("nj,bjk,nk->bn", columns, pairs, columns)
        )
        assert design.find_longest() == pytest.approx(np.linalg.norm(columns, axis=1).max())


def test_inverses_are_those_one_by_one_and_leave_the_matrices_alone() -> None:
    rng = np.random.default_rng(2)
    root = rng.normal(size=(5, 4, 4))
    matrices = root @ root.transpose(0, 2, 1)
    matrices[3] = np.diag([1.0, 1.0, -1.0, 1.0])
    # Laid out so that the transposed table is the contiguous one.
    given_ = np.asfortranarray(matrices.transpose(1, 2, 0)).transpose(2, 0, 1)
    for table in (matrices, given_, np.ascontiguousarray(matrices.transpose(1, 2, 0)).transpose(2, 0, 1)):
        before = table.copy()
        inverses, logarithms = invert_batch(table)
        assert (table == before).all()
        for place in (0, 1, 2, 4):
            assert inverses[place] @ matrices[place] == pytest.approx(np.eye(4), abs=1e-9)
            assert logarithms[place] == pytest.approx(np.linalg.slogdet(matrices[place])[1])
        assert np.isnan(inverses[3]).any()
        assert np.isnan(logarithms[3])


def test_patients_who_separate_but_for_those_in_one_cell_have_no_estimate() -> None:
    """Nobody without the event has neither factor: no odds ratio of 1e17, however the rounding falls."""
    cells = {
        (1.0, 1.0, 0.0): 48,
        (0.0, 1.0, 0.0): 25,
        (0.0, 0.0, 1.0): 3,
        (1.0, 1.0, 1.0): 2,
        (0.0, 1.0, 1.0): 1,
    }
    rows = np.array([cell for cell, count in cells.items() for _ in range(count)])
    times = np.concatenate([np.ones((1, 79)), count_rows(draw_resamples(79, count=300, seed=1), 79)])
    fit = fit_logistic_batch(rows[:, :2], rows[:, 2], times, method="maximum_likelihood")
    assert not fit.is_fitted.any()


def test_a_line_exists_only_where_scores_of_both_sides_overlap() -> None:
    scores = np.array([[-1.0, -1.0, 0.0, 1.0, 1.0]] * 3)
    times = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 1], [1, 0, 1, 1, 0]])
    event = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    lines = fit_lines_batch(scores, event, times)
    assert np.isfinite(lines[0]).all()
    # The lowest score of an event is the highest of the others: the slope grows without an end.
    assert np.isnan(lines[1]).all()
    assert np.isfinite(lines[2]).all()


def test_lines_are_the_fits_of_the_scores() -> None:
    design, event, times = make_rows(6)
    scores = design.T[[0, 1, 2]] * np.array([[0.5], [2.0], [-1.0]])
    lines = fit_lines_batch(scores, event, times[:3])
    for place in range(3):
        alone = fit_logistic_batch(
            scores[place][:, np.newaxis], event, times[[place]], method="maximum_likelihood"
        )
        assert lines[place] == pytest.approx(alone.coefficients[0], abs=1e-9)


def test_scores_that_differ_by_rounding_are_a_tie() -> None:
    scores, event = np.array([[0.1 + 0.2, 0.3, 0.5]]), np.array([1.0, 0.0, 1.0])
    assert sort_scores(scores).measure_areas(event, np.ones(3)).tolist() == [1.0]
    assert sort_scores(scores, tie=1e-10).measure_areas(event, np.ones(3)).tolist() == [0.75]


def test_curves_and_indices_share_the_models_of_the_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    design, event, _ = make_rows(4, rows=80)
    drawn = draw_resamples(80, count=20, seed=3)
    recipe = ModelRecipe("firth", (0, 1, 2))
    sampled = make_sampled_models(design, event, drawn, recipe=recipe)
    once = validate_model(design, event, drawn, recipe=recipe)
    monkeypatch.setattr("cytopenia.stats.model_recipes.fit_logistic_batch", None)
    shared = validate_sampled(sampled)
    assert (shared.c_statistic, shared.slope) == (once.c_statistic, once.slope)
    assert correct_curves(sampled).resamples == 20 - shared.unfitted
