"""Cuts found anew in every resample: equal to pipelines made one by one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cytopenia.errors import DataError
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.model_recipes import ModelRecipe, make_models
from cytopenia.stats.resamples import draw_resamples
from cytopenia.stats.roc import estimate_roc
from cytopenia.stats.validation import leave_pairs_out, validate_model

Numbers = NDArray[np.float64]
DIRECTIONS = (1, -1, 0)


def make_patients(seed: int, *, rows: int = 60) -> tuple[Numbers, Numbers]:
    """Printed numbers, so that ties occur, a falling one among them."""
    rng = np.random.default_rng(seed)
    design = np.round(rng.normal(size=(rows, 3)), 1)
    lean = 1.2 * design[:, 0] - 0.9 * design[:, 1]
    event = (rng.random(rows) < 1 / (1 + np.exp(0.7 - lean))).astype(float)
    return design, event


def make_one(
    design: Numbers, event: Numbers, index: NDArray[np.int64], recipe: ModelRecipe
) -> Numbers | None:
    """The log odds of all rows under the pipeline of one sample; None without a model: a slow twin."""
    columns: dict[int, Numbers] = {}
    for place, direction in enumerate(recipe.cuts):
        column = design[:, place]
        if direction:
            curve = estimate_roc(column[index], event[index], high_means_event=direction > 0)
            if curve.cut is None:
                continue
            # The middle of two printed numbers may miss a third printed number by its last bits.
            column = (column >= curve.cut - 1e-9).astype(float)
        if recipe.p_below is not None:
            alone = fit_logistic(
                column[index, np.newaxis], event[index], names=["x"], method=recipe.method, interval="wald"
            )
            p = alone.terms[0].p_value
            if p is None or p >= recipe.p_below:
                continue
        columns[place] = column
    if not columns:
        share = event[index].mean()
        return np.full(len(event), np.log(share / (1 - share)))
    stacked = np.column_stack(list(columns.values()))
    model = fit_logistic(stacked[index], event[index], names=[str(x) for x in columns], method=recipe.method)
    if model.status != "ok" or model.intercept is None:
        return None
    weights = np.array([term.coefficient for term in model.terms], dtype=np.float64)
    return stacked @ weights + float(model.intercept.coefficient or 0.0)


def measure_c(scores: Numbers, event: Numbers) -> float:
    yes, no = scores[event == 1], scores[event == 0]
    gap = yes[:, np.newaxis] - no
    return float(np.where(np.abs(gap) < 1e-9, 0.5, gap > 0).mean())


@pytest.mark.parametrize(
    ("method", "p_below"), [("maximum_likelihood", 0.05), ("maximum_likelihood", None), ("firth", None)]
)
def test_a_pipeline_with_cuts_is_that_of_its_slow_twin(method: str, p_below: float | None) -> None:
    design, event = make_patients(8)
    drawn = draw_resamples(60, count=25, seed=3)
    recipe = ModelRecipe(method, (0, 1, 2), p_below, DIRECTIONS)
    found = validate_model(design, event, drawn, recipe=recipe)
    gains: list[float] = []
    briers: list[float] = []
    for index in drawn:
        scores = make_one(design, event, index, recipe)
        if scores is not None:
            chance = 1 / (1 + np.exp(-scores))
            gains.append(measure_c(scores[index], event[index]) - measure_c(scores, event))
            wrong = (chance - event) ** 2
            briers.append(float(wrong[index].mean() - wrong.mean()))
    assert found.c_statistic.resamples == len(gains) > 15
    assert found.unfitted == 25 - len(gains)
    assert found.c_statistic.optimism == pytest.approx(np.mean(gains), abs=1e-9)
    assert found.brier.optimism == pytest.approx(np.mean(briers), abs=1e-6)
    whole = make_one(design, event, np.arange(60), recipe)
    assert whole is not None
    assert found.c_statistic.apparent == pytest.approx(measure_c(whole, event), abs=1e-12)


def test_each_pair_is_judged_by_a_model_whose_cuts_were_found_without_it() -> None:
    design, event = make_patients(5, rows=16)
    recipe = ModelRecipe("firth", (0, 1, 2), None, DIRECTIONS)
    found = leave_pairs_out(design, event, recipe=recipe)
    won: list[float] = []
    for a in np.flatnonzero(event == 1):
        for b in np.flatnonzero(event == 0):
            rest = np.array([row for row in range(16) if row not in (a, b)])
            scores = make_one(design, event, rest, recipe)
            assert scores is not None
            gap = scores[a] - scores[b]
            won.append(0.5 if abs(gap) < 1e-9 else float(gap > 0))
    assert found.value == pytest.approx(np.mean(won), abs=1e-12)


def test_a_column_without_a_cut_is_not_chosen() -> None:
    """High values never mean the event here: no cut that says so does better than chance."""
    design = np.column_stack([np.arange(8.0), [0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0]])
    event = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    recipe = ModelRecipe("firth", (0, 1), None, (1, 0))
    found = validate_model(design, event, draw_resamples(8, count=20, seed=1), recipe=recipe)
    assert found.chosen.tolist() == [False, True]
    assert found.frequencies[0] == 0.0


def test_cutting_costs_optimism() -> None:
    cut, whole = (np.zeros(12) for _ in range(2))
    for seed in range(12):
        rng = np.random.default_rng(seed)
        design, event = rng.normal(size=(60, 2)), (np.arange(60) < 21).astype(float)
        drawn = draw_resamples(60, count=60, seed=seed)
        for target, cuts in ((cut, (1, -1)), (whole, ())):
            recipe = ModelRecipe("firth", (0, 1), None, cuts)
            index = validate_model(design, event, drawn, recipe=recipe).c_statistic
            assert index.optimism is not None
            target[seed] = index.optimism
    assert cut.mean() > whole.mean() + 0.01


def test_the_size_of_a_block_changes_nothing_and_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    design, event = make_patients(1, rows=30)
    times = np.ones((7, 30))
    times[np.arange(7), np.arange(7)] = 0.0
    recipe = ModelRecipe("firth", (0, 1, 2), None, DIRECTIONS)
    whole = make_models(design, event, times, recipe=recipe)
    monkeypatch.setattr("cytopenia.stats.model_recipes.BLOCK", 200)
    told: list[tuple[int, int]] = []
    parts = make_models(design, event, times, recipe=recipe, progress=lambda *done: told.append(done))
    assert parts.scores == pytest.approx(whole.scores, abs=1e-8)
    assert told == [(2, 7), (4, 7), (6, 7), (7, 7)]


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (ModelRecipe("firth", (0, 1, 2), None, (1, 0)), "cuts: 2 given for 3 columns"),
        (ModelRecipe("firth", (0, 1, 2), None, (1, 0, 2)), "only 1, -1 and 0 are allowed"),
        (ModelRecipe("firth", (0, 0, 1), None, (1, 0, 0)), "a factor that is divided must be one column"),
    ],
)
def test_cuts_that_do_not_fit_the_columns_are_told(recipe: ModelRecipe, message: str) -> None:
    design, event = make_patients(1, rows=12)
    with pytest.raises(DataError, match=message):
        leave_pairs_out(design, event, recipe=recipe)
