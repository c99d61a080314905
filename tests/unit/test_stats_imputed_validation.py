"""Optimism where values were imputed: against the same written out resample by resample, and at its edges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from cytopenia.errors import DataError
from cytopenia.stats.imputation import impute_chained
from cytopenia.stats.imputed_validation import IncompleteTable, derive_seeds, validate_imputed
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.model_recipes import ModelRecipe, make_models
from cytopenia.stats.resamples import draw_resamples
from cytopenia.stats.roc import estimate_roc

Numbers = NDArray[np.float64]
ROWS, TABLES, RESAMPLES = 80, 2, 6
NAMES = ("x", "z", "g")


def lay_out(values: Numbers) -> Numbers:
    """x, z by its logarithm, and two levels of g against the first."""
    return np.column_stack([values[:, 0], np.log2(values[:, 1]), values[:, 2] == 1, values[:, 2] == 2])


def make_data(seed: int = 5) -> IncompleteTable:
    rng = np.random.default_rng(seed)
    x, z, g = rng.normal(size=ROWS), np.exp(rng.normal(size=ROWS)), rng.integers(0, 3, ROWS).astype(float)
    event = (rng.random(ROWS) < 1 / (1 + np.exp(-0.8 * x - 0.3 * np.log(z)))).astype(float)
    x[rng.random(ROWS) < 0.25], g[rng.random(ROWS) < 0.15] = np.nan, np.nan
    values = np.column_stack([x, z, g])
    table, names = np.column_stack([event, values]), ["outcome", *NAMES]
    found = impute_chained(table, levels=[2, 0, 0, 3], names=names, seed=2, imputations=TABLES)
    return IncompleteTable(values, found.values[:, :, 1:], event, (0, 0, 3), NAMES, lay_out, (0, 1, 2, 2))


DATA = make_data()
COMPLETED = DATA.completed
DRAWN = draw_resamples(ROWS, count=RESAMPLES, seed=3)


@dataclass
class Twin:
    """One model, made and measured with the single-model functions."""

    recipe: ModelRecipe

    def find_cuts(self, values: Numbers, event: Numbers) -> dict[int, float]:
        found: dict[int, float] = {}
        for place, direction in enumerate(self.recipe.cuts):
            if direction:
                cut = estimate_roc(values[:, place], event, high_means_event=direction > 0).cut
                assert cut is not None
                found[place] = cut
        return found

    def lay_out(self, values: Numbers, cuts: dict[int, float]) -> Numbers:
        columns = lay_out(values)
        for place, cut in cuts.items():
            columns[:, place] = columns[:, place] > cut
        return columns

    def fit(self, columns: Numbers, event: Numbers) -> Numbers | None:
        """Intercept and one weight for every column, 0 where it was not chosen; None without a fit."""
        factors, method = self.recipe.factors, self.recipe.method
        kept: list[int] = []
        for factor in dict.fromkeys(factors):
            own = [place for place, name in enumerate(factors) if name == factor]
            if self.recipe.p_below is None:
                kept += own
                continue
            # Only single columns are selected in these tests: Wald's P.
            fit = fit_logistic(columns[:, own], event, names=["a"], method=method, interval=None)
            (term,) = fit.terms
            assert term.coefficient is not None
            assert term.standard_error is not None
            p_value = 2 * NormalDist().cdf(-abs(term.coefficient / term.standard_error))
            kept += own if p_value < self.recipe.p_below else []
        weights = np.zeros(1 + len(factors))
        if not kept:
            weights[0] = np.log(event.sum() / (1 - event).sum())
            return weights
        fit = fit_logistic(columns[:, kept], event, names=[str(place) for place in kept], method=method)
        if fit.intercept is None:
            return None
        weights[0] = fit.intercept.coefficient
        for place, term in zip(kept, fit.terms, strict=True):
            weights[1 + place] = term.coefficient
        return weights

    def measure(self, weights: Numbers, columns: Numbers, event: Numbers) -> dict[str, float]:
        scores = np.array(weights[0] + columns @ weights[1:], dtype=np.float64)
        line = fit_logistic(scores[:, np.newaxis], event, names=["score"])
        beginning = np.nan if line.intercept is None else line.intercept.coefficient
        chance = 1 / (1 + np.exp(-scores))
        area = estimate_roc(scores, event, high_means_event=True).auc
        return {
            # Where no factor was chosen everybody has the same score: all pairs are ties.
            "c_statistic": 0.5 if area is None else area,
            "brier": float(np.mean((chance - event) ** 2)),
            "slope": line.terms[0].coefficient or np.nan,
            "intercept": beginning or np.nan,
        }


def validate_slowly(recipe: ModelRecipe) -> tuple[dict[str, tuple[float, float]], int]:
    """Apparent and corrected of each index, and resamples without a model."""
    twin = Twin(recipe)
    cuts = twin.find_cuts(DATA.values, DATA.event)
    apparent = list[dict[str, float]]()
    for table in COMPLETED:
        columns = twin.lay_out(table, cuts)
        weights = twin.fit(columns, DATA.event)
        assert weights is not None
        apparent.append(twin.measure(weights, columns, DATA.event))
    gains = list[dict[str, float]]()
    for rows, seed in zip(DRAWN, derive_seeds(9, RESAMPLES), strict=True):
        values, event = DATA.values[rows], DATA.event[rows]
        imputed = impute_chained(
            np.column_stack([event, values]),
            levels=[2, 0, 0, 3],
            names=["outcome", *NAMES],
            seed=seed,
            imputations=1,
            iterations=4,
        ).values[0, :, 1:]
        own_cuts = twin.find_cuts(values, event)
        columns = twin.lay_out(imputed, own_cuts)
        weights = twin.fit(columns, event)
        if weights is None:
            continue
        inside = twin.measure(weights, columns, event)
        outside = [twin.measure(weights, twin.lay_out(table, own_cuts), DATA.event) for table in COMPLETED]
        gains.append({name: inside[name] - float(np.mean([one[name] for one in outside])) for name in inside})
    names = gains[0]
    mean = {name: float(np.mean([one[name] for one in apparent])) for name in names}
    gain = {name: float(np.nanmean([one[name] for one in gains])) for name in names}
    both = {name: (mean[name], mean[name] - gain[name]) for name in names}
    return both, RESAMPLES - len(gains)


@pytest.mark.parametrize(
    "recipe",
    [
        ModelRecipe("firth", (0, 1, 2, 2)),
        ModelRecipe("firth", (0, 1, 2, 2), cuts=(1, 0, 0, 0)),
        ModelRecipe("maximum_likelihood", (0, 1, 2, 2)),
        ModelRecipe("firth", (0, 1, 2, 3), p_below=0.5),
    ],
    ids=["firth", "cut", "maximum_likelihood", "selection"],
)
def test_the_same_step_by_step(recipe: ModelRecipe) -> None:
    found = validate_imputed(DATA, DRAWN, recipe=recipe, iterations=4, seed=9)
    expected, unfitted = validate_slowly(recipe)
    assert (found.status, found.unfitted, found.imputations) == ("ok", unfitted, TABLES)
    got = {name: getattr(found, name) for name in ("c_statistic", "brier", "slope", "intercept")}
    for name, (apparent, corrected) in expected.items():
        pairs = ((got[name].apparent, apparent), (got[name].corrected, corrected))
        for one, other in pairs:
            assert (np.nan if one is None else one) == pytest.approx(other, abs=1e-6, nan_ok=True), name


def test_the_cut_is_that_of_the_known_values() -> None:
    recipe = ModelRecipe("firth", (0, 1, 2, 2), cuts=(1, 0, 0, 0))
    found = validate_imputed(DATA, DRAWN[:2], recipe=recipe, iterations=2)
    assert found.cuts[0] == estimate_roc(DATA.values[:, 0], DATA.event, high_means_event=True).cut
    assert np.isnan(found.cuts[1:]).all()


def test_without_gaps_it_is_the_bootstrap_of_complete_rows() -> None:
    from cytopenia.stats.validation import validate_model

    data = replace(DATA, values=COMPLETED[0], completed=COMPLETED[:1])
    recipe = ModelRecipe("firth", (0, 1, 2, 2))
    found = validate_imputed(data, DRAWN, recipe=recipe)
    plain = validate_model(lay_out(COMPLETED[0]), DATA.event, DRAWN, recipe=recipe)
    for name in ("c_statistic", "brier", "slope", "intercept"):
        assert getattr(found, name).corrected == pytest.approx(getattr(plain, name).corrected, abs=1e-7)


def test_inputs_stay_as_they_are_and_the_seed_repeats() -> None:
    before = DATA.values.copy(), COMPLETED.copy()
    recipe = ModelRecipe("firth", (0, 1, 2, 2), cuts=(1, 0, 0, 0))
    first, second = (validate_imputed(DATA, DRAWN[:4], recipe=recipe, iterations=2, seed=4) for _ in range(2))
    assert first.slope == second.slope
    assert np.array_equal(before[0], DATA.values, equal_nan=True)
    assert np.array_equal(before[1], COMPLETED)


def test_a_resample_without_both_sides_or_values_is_counted() -> None:
    one_side = np.flatnonzero(DATA.event == 1)[np.arange(ROWS) % 5]
    gaps = np.flatnonzero(np.isnan(DATA.values[:, 0]))
    unknown = gaps[np.arange(ROWS) % gaps.size]
    drawn = np.stack([one_side, unknown, DRAWN[0]])
    found = validate_imputed(DATA, drawn, recipe=ModelRecipe("firth", (0, 1, 2, 2)), iterations=2)
    assert (found.resamples, found.unfitted, found.status) == (3, 2, "ok")
    nothing = validate_imputed(DATA, drawn[:2], recipe=ModelRecipe("firth", (0, 1, 2, 2)))
    assert (nothing.status, nothing.note) == ("not_estimable", "no resample gave a model")
    assert nothing.c_statistic.corrected is None


def test_columns_that_differ_are_divided_before() -> None:
    times = np.ones((2, ROWS))
    with pytest.raises(DataError, match="are divided before"):
        make_models(COMPLETED, DATA.event, times, recipe=ModelRecipe("firth", (0, 1, 2), cuts=(1, 0, 0)))


def test_progress_ends_with_all() -> None:
    told = list[tuple[int, int]]()
    validate_imputed(
        DATA,
        DRAWN,
        recipe=ModelRecipe("firth", (0, 1, 2, 2)),
        iterations=1,
        progress=lambda done, of: told.append((done, of)),
    )
    assert told == [(RESAMPLES, RESAMPLES)]


@pytest.mark.parametrize(
    ("completed", "drawn", "words"),
    [
        (COMPLETED[:, :5], DRAWN, "give imputations by 80 by 3"),
        (np.where(COMPLETED[0, 0, 0] == COMPLETED, np.nan, COMPLETED), DRAWN, "missing or infinite"),
        (COMPLETED, DRAWN + ROWS, "between 0 and 79"),
        (COMPLETED, DRAWN[0], "resamples by rows"),
    ],
)
def test_wrong_use_is_refused(completed: Numbers, drawn: NDArray[np.int64], words: str) -> None:
    wrong = replace(DATA, completed=completed)
    with pytest.raises(DataError, match=words):
        validate_imputed(wrong, drawn, recipe=ModelRecipe("firth", (0, 1, 2, 2)))


def test_an_outcome_that_is_none_is_refused() -> None:
    wrong = replace(DATA, event=DATA.event * 2)
    with pytest.raises(DataError, match="one 0 or 1 for each row"):
        validate_imputed(wrong, DRAWN, recipe=ModelRecipe("firth", (0, 1, 2, 2)))
