"""Many fits at once and the optimism they measure: equal to fits one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cytopenia.errors import DataError
from cytopenia.stats.batched_logistic import fit_logistic_batch, predict_batch
from cytopenia.stats.batched_roc import measure_auc_batch
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.resamples import count_rows, draw_resamples
from cytopenia.stats.roc import estimate_roc
from cytopenia.stats.validation import ModelRecipe, leave_pairs_out, validate_model

Numbers = NDArray[np.float64]


def make_patients(seed: int, *, rows: int = 40, columns: int = 2) -> tuple[Numbers, Numbers]:
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(rows, columns)) * 10.0 ** rng.integers(-2, 3, size=columns)
    design[:, 0] = rng.integers(0, 2, rows)
    event = (rng.random(rows) < 0.4).astype(float)
    return design, event


@given(seed=st.integers(0, 10_000), method=st.sampled_from(["firth", "maximum_likelihood"]))
def test_every_fit_of_a_batch_is_the_fit_by_itself(seed: int, method: str) -> None:
    design, event = make_patients(seed)
    drawn = draw_resamples(len(event), count=4, seed=seed)
    fit = fit_logistic_batch(design, event, count_rows(drawn, len(event)), method=method)
    for place, index in enumerate(drawn):
        alone = fit_logistic(design[index], event[index], names=["a", "b"], method=method)
        assert fit.is_fitted[place] == (alone.status == "ok")
        if alone.status == "ok":
            scale = np.concatenate([[1.0], design.std(axis=0)])
            assert alone.intercept is not None
            terms = [alone.intercept, *alone.terms]
            expected = np.array([term.coefficient for term in terms], dtype=np.float64)
            assert fit.coefficients[place][1:] * scale[1:] == pytest.approx(
                expected[1:] * scale[1:], abs=2e-6
            )
            errors = np.array([term.standard_error for term in alone.terms], dtype=np.float64)
            assert fit.standard_errors[place] == pytest.approx(errors, rel=1e-4)


@given(seed=st.integers(0, 10_000))
def test_a_column_left_out_is_as_if_it_were_not_there(seed: int) -> None:
    design, event = make_patients(seed, columns=3)
    times = count_rows(draw_resamples(len(event), count=3, seed=seed), len(event))
    chosen = np.tile([True, False, True], (3, 1))
    fit = fit_logistic_batch(design, event, times, method="firth", chosen=chosen)
    fewer = fit_logistic_batch(design[:, [0, 2]], event, times, method="firth")
    assert fit.coefficients[:, [0, 1, 3]] == pytest.approx(
        fewer.coefficients, rel=1e-5, abs=1e-9, nan_ok=True
    )
    fitted = fit.is_fitted
    assert (fit.coefficients[fitted, 2] == 0).all()
    assert np.isnan(fit.standard_errors[:, 1]).all()


def test_stacked_designs_give_what_one_shared_design_gives() -> None:
    design, event = make_patients(3)
    times = count_rows(draw_resamples(len(event), count=5, seed=1), len(event))
    shared = fit_logistic_batch(design, event, times, method="firth")
    stacked = fit_logistic_batch(np.tile(design, (5, 1, 1)), event, times, method="firth")
    assert stacked.coefficients == pytest.approx(shared.coefficients, rel=1e-9)
    assert predict_batch(shared, design) == pytest.approx(predict_batch(stacked, np.tile(design, (5, 1, 1))))


def test_the_size_of_a_block_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    design, event = make_patients(4)
    times = count_rows(draw_resamples(len(event), count=9, seed=2), len(event))
    whole = fit_logistic_batch(design, event, times, method="firth").coefficients
    monkeypatch.setattr("cytopenia.stats.batched_logistic.BLOCK", 1)
    assert fit_logistic_batch(design, event, times, method="firth").coefficients == pytest.approx(
        whole, rel=1e-9
    )


def test_a_resample_without_a_fit_says_so() -> None:
    design = np.array([[0.0, 1.0], [0.0, 2.0], [1.0, 4.0], [1.0, 3.0]])
    event = np.array([0.0, 0.0, 1.0, 1.0])
    times = np.array([[2, 2, 0, 0], [1, 1, 1, 1], [0, 2, 2, 0]])
    for method in ("firth", "maximum_likelihood"):
        fit = fit_logistic_batch(design, event, times, method=method)
        assert not fit.is_fitted[0], "nobody with the event"
        assert not fit.is_fitted[2], "two rows cannot tell two columns apart"
        assert np.isnan(fit.coefficients[0]).all()
    assert not fit_logistic_batch(design[:, :1], event, times, method="maximum_likelihood").is_fitted[1]
    assert fit_logistic_batch(design[:, :1], event, times, method="firth").is_fitted[1]


@given(
    values=st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=12),
    seed=st.integers(0, 1000),
)
def test_areas_are_those_of_the_curves_one_by_one(values: list[tuple[int, bool]], seed: int) -> None:
    scores = np.array([float(value) for value, _ in values])
    event = np.array([float(mark) for _, mark in values])
    drawn = draw_resamples(len(values), count=3, seed=seed)
    areas = measure_auc_batch(np.tile(scores, (3, 1)), event, count_rows(drawn, len(values)))
    for place, index in enumerate(drawn):
        yes, no = scores[index][event[index] == 1], scores[index][event[index] == 0]
        if not yes.size or not no.size:
            assert np.isnan(areas[place])
            continue
        pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in yes for b in no]
        assert areas[place] == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)


def test_an_area_is_that_of_estimate_roc() -> None:
    rng = np.random.default_rng(5)
    scores, event = rng.normal(size=80).round(1), (rng.random(80) < 0.3).astype(float)
    alone = estimate_roc(scores, event, high_means_event=True).auc
    assert measure_auc_batch(scores[np.newaxis], event, np.ones(80))[0] == pytest.approx(alone, abs=1e-12)


def validate_one_by_one(
    design: Numbers, event: Numbers, drawn: NDArray[np.int64], p_below: float
) -> list[float]:
    """The optimism of C of a pipeline that screens by Wald's P: a slow twin."""
    gains: list[float] = []
    for index in drawn:
        chosen: list[int] = []
        for column in range(design.shape[1]):
            alone = fit_logistic(design[index][:, [column]], event[index], names=["x"])
            p = alone.terms[0].p_value
            if p is not None and p < p_below:
                chosen.append(column)
        inside = outside = np.zeros(len(event))
        if chosen:
            model = fit_logistic(design[index][:, chosen], event[index], names=[str(x) for x in chosen])
            if model.status != "ok":
                continue
            weights = np.array([term.coefficient for term in model.terms], dtype=np.float64)
            outside = design[:, chosen] @ weights
            inside = outside[index]
        else:
            inside = outside[index]
        areas = [
            measure_auc_batch(s[np.newaxis], e, np.ones(len(e)))[0]
            for s, e in ((inside, event[index]), (outside, event))
        ]
        gains.append(float(areas[0] - areas[1]))
    return gains


def test_a_pipeline_with_selection_is_that_of_its_slow_twin() -> None:
    rng = np.random.default_rng(8)
    design = rng.normal(size=(63, 4))
    event = (rng.random(63) < 1 / (1 + np.exp(0.7 - 0.9 * design[:, 0]))).astype(float)
    drawn = draw_resamples(63, count=30, seed=3)
    recipe = ModelRecipe("maximum_likelihood", (0, 1, 2, 3), p_below=0.05)
    found = validate_model(design, event, drawn, recipe=recipe)
    gains = validate_one_by_one(design, event, drawn, 0.05)
    assert found.c_statistic.resamples == len(gains)
    assert found.c_statistic.optimism == pytest.approx(np.mean(gains), abs=1e-9)


def test_selection_is_counted_and_columns_of_one_factor_enter_together() -> None:
    rng = np.random.default_rng(2)
    stage = rng.integers(0, 3, 90)
    design = np.column_stack([stage == 1, stage == 2, rng.normal(size=90)]).astype(float)
    event = (rng.random(90) < np.array([0.1, 0.5, 0.8])[stage]).astype(float)
    recipe = ModelRecipe("firth", (0, 0, 1), p_below=0.05)
    found = validate_model(design, event, draw_resamples(90, count=100, seed=1), recipe=recipe)
    assert found.chosen.tolist() == [True, True, False]
    assert found.frequencies[0] == found.frequencies[1] > 0.9 > found.frequencies[2]
    assert sum(count for _, count in found.models) == 100 - found.unfitted
    assert found.models[0][0] == (0, 1)


def test_noise_is_worth_less_than_it_looks_and_nothing_with_pairs_left_out() -> None:
    apparent, corrected, left_out = (np.zeros(24) for _ in range(3))
    for seed in range(24):
        rng = np.random.default_rng(seed)
        design, event = rng.normal(size=(60, 3)), (np.arange(60) < 21).astype(float)
        recipe = ModelRecipe("firth", (0, 1, 2))
        drawn = draw_resamples(60, count=50, seed=seed)
        found = validate_model(design, event, drawn, recipe=recipe).c_statistic
        pairs = leave_pairs_out(design, event, recipe=recipe, most_pairs=150, seed=seed)
        apparent[seed], corrected[seed], left_out[seed] = found.apparent, found.corrected, pairs.value  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert apparent.mean() > corrected.mean() + 0.05 > 0.55
    assert abs(left_out.mean() - 0.5) < 3 * left_out.std() / np.sqrt(24)


def test_no_model_is_not_estimable_with_the_reason() -> None:
    event = np.array([0.0] * 5 + [1.0] * 5)
    design = np.column_stack([np.arange(10.0), np.arange(10.0) * 2])
    drawn = draw_resamples(10, count=5, seed=1)
    found = validate_model(design, event, drawn, recipe=ModelRecipe("firth", (0, 1)))
    assert (found.status, found.note) == ("not_estimable", "the model of all patients could not be fitted")
    assert found.c_statistic.corrected is None
    assert found.unfitted == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"resamples": [[0, 1, 99]]}, "row numbers must lie between 0 and 2"),
        ({"resamples": [[0.0, 1.0, 2.0]]}, "give row numbers, resamples by rows"),
        ({"event": [0, 1]}, "give rows by columns, and one 0 or 1 for each row"),
        ({"event": [0, 1, 2]}, "event: must be 0 or 1"),
        ({"design": [[1.0], [np.nan], [2.0]]}, "a number is missing or infinite"),
        ({"recipe": ModelRecipe("firth", (0, 1))}, "2 given for 1 columns"),
        ({"recipe": ModelRecipe("first", (0,))}, r"unknown 'first' \(did you mean 'firth'\?\)"),
    ],
)
def test_wrong_use_is_told_at_the_door(change: dict[str, object], message: str) -> None:
    given_: dict[str, object] = {
        "design": [[1.0], [2.0], [3.0]],
        "event": [0, 1, 0],
        "resamples": [[0, 1, 2]],
        "recipe": ModelRecipe("firth", (0,)),
        **change,
    }
    with pytest.raises(DataError, match=message):
        validate_model(given_["design"], given_["event"], given_["resamples"], recipe=given_["recipe"])  # pyright: ignore[reportArgumentType]


def test_resamples_are_the_same_for_the_same_seed_and_longer_drawings_begin_alike() -> None:
    assert (draw_resamples(9, count=4, seed=7) == draw_resamples(9, count=8, seed=7)[:4]).all()
    with pytest.raises(DataError, match=r"rows: 0; must be at least 1; seed: -1"):
        draw_resamples(0, count=1, seed=-1)


def test_each_pair_is_judged_by_a_model_made_without_it() -> None:
    rng = np.random.default_rng(4)
    design, event = rng.normal(size=(14, 2)), np.array([1.0] * 5 + [0.0] * 9)
    found = leave_pairs_out(design, event, recipe=ModelRecipe("firth", (0, 1)))
    won: list[float] = []
    for a in range(5):
        for b in range(5, 14):
            rest = [row for row in range(14) if row not in (a, b)]
            model = fit_logistic(design[rest], event[rest], names=["x", "y"], method="firth")
            weights = np.array([term.coefficient for term in model.terms], dtype=np.float64)
            won.append(float(design[a] @ weights > design[b] @ weights))
    assert found.value == pytest.approx(np.mean(won), abs=1e-12)
    assert (found.pairs, found.of_pairs, found.unfitted, found.standard_error) == (45, 45, 0, 0.0)


def test_of_many_pairs_some_are_drawn_and_the_error_of_drawing_is_told() -> None:
    design, event = make_patients(1, rows=60)
    recipe = ModelRecipe("firth", (0, 1))
    every = leave_pairs_out(design, event, recipe=recipe)
    some = leave_pairs_out(design, event, recipe=recipe, most_pairs=200, seed=2)
    assert some.pairs == 200 < every.pairs == every.of_pairs == some.of_pairs
    assert every.value is not None
    assert some.value is not None
    assert some.standard_error is not None
    assert abs(some.value - every.value) < 4 * some.standard_error


def test_without_pairs_there_is_no_c() -> None:
    found = leave_pairs_out([[1.0], [2.0]], [1, 1], recipe=ModelRecipe("firth", (0,)))
    assert (found.value, found.pairs) == (None, 0)


def test_a_rare_level_that_separates_is_no_fit() -> None:
    """The ground becomes flat before the coefficient is large: one patient in ten, all with the event."""
    design = np.zeros((40, 1))
    design[:4] = 1.0
    event = np.zeros(40)
    event[:8] = 1.0
    assert not fit_logistic_batch(design, event, np.ones((1, 40)), method="maximum_likelihood").is_fitted[0]


def test_numbers_that_separate_by_far_are_no_fit() -> None:
    near, far = np.linspace(-1.0, 1.0, 10), np.linspace(-1000.0, 1000.0, 10)
    design = np.stack([near, near, near, far])[:, :, np.newaxis]
    event = (np.arange(10) >= 5).astype(float)
    fit = fit_logistic_batch(design, event, np.ones((4, 10)), method="maximum_likelihood")
    assert not fit.is_fitted.any()


@pytest.mark.parametrize("place", [0, -1])
def test_a_level_of_one_patient_has_the_estimate_of_the_single_fit(place: int) -> None:
    event = (np.arange(60) < 21).astype(float)
    design = np.zeros((60, 1))
    design[place] = 1.0
    alone = fit_logistic(design, event, names=["x"], method="firth").terms[0].coefficient
    fit = fit_logistic_batch(design, event, np.ones((1, 60)), method="firth")
    assert fit.coefficients[0, 1] == pytest.approx(alone, abs=1e-6)


def test_samples_that_separate_give_no_warning_and_no_line() -> None:
    rng = np.random.default_rng(9)
    design, event = rng.normal(size=(60, 3)), (np.arange(60) < 9).astype(float)
    design[:, 0] += 3 * event
    drawn = draw_resamples(60, count=200, seed=1)
    found = validate_model(design, event, drawn, recipe=ModelRecipe("firth", (0, 1, 2)))
    assert found.status == "ok"
    assert found.slope.resamples <= found.c_statistic.resamples == 200 - found.unfitted


@pytest.mark.parametrize("method", ["firth", "maximum_likelihood"])
def test_resamples_whose_screen_has_no_estimate_are_counted(method: str) -> None:
    """17 of 18 against 5 of 33: by maximum likelihood there is none where a cell of the table is empty."""
    sides = np.repeat([1.0, 0.0], [18, 33])
    event = np.repeat([1.0, 0.0, 1.0, 0.0], [17, 1, 5, 28])
    drawn = draw_resamples(51, count=300, seed=1)
    recipe = ModelRecipe(method, (0,), p_below=0.05)
    found = validate_model(sides[:, np.newaxis], event, drawn, recipe=recipe)
    empty = [len(set(zip(sides[one], event[one], strict=True))) < 4 for one in drawn]
    expected = 0.0 if method == "firth" else np.mean(empty)
    assert found.unscreened.tolist() == [expected]
    assert found.screened[0] + expected <= 1.0 + 1e-12


def test_without_a_screen_nothing_is_unscreened() -> None:
    design, event = make_patients(1)
    drawn = draw_resamples(len(event), count=20, seed=1)
    found = validate_model(design, event, drawn, recipe=ModelRecipe("maximum_likelihood", (0, 1)))
    assert found.unscreened.tolist() == [0.0, 0.0]
