"""The same numbers as rms and brglm2; how they were made stands in make_validation.R."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from cytopenia.stats.batched_logistic import fit_logistic_batch
from cytopenia.stats.calibration import assess_predictions, smooth_calibration
from cytopenia.stats.optimism_curves import correct_curves
from cytopenia.stats.resamples import count_rows
from cytopenia.stats.validation import ModelRecipe, Validation, validate_model
from parity_files import PARITY, check_r_again, read_cohort, read_results, take_fingerprint

# rms stops its fits sooner than we do.
NEAR, AS_RMS = 1e-6, 5e-6
Numbers = NDArray[np.float64]
MODELS = {
    "three": ("anc", "doubling", "hemoglobin"),
    "one": ("anc",),
    "five": ("anc", "doubling", "hemoglobin", "crp", "stage"),
}


R = read_results("validation_results.csv")


@cache
def read_patients() -> Mapping[str, Numbers]:
    return {**read_cohort(), "doubling": np.log2(read_cohort()["ferritin"])}


@cache
def read_resamples() -> NDArray[np.int64]:
    return np.genfromtxt(PARITY / "validation_resamples.csv", delimiter=",", dtype=np.int64)


def design_of(*names: str) -> Numbers:
    return np.column_stack([read_patients()[name] for name in names])


@cache
def validate(name: str) -> Validation:
    names = MODELS[name]
    recipe = ModelRecipe("maximum_likelihood", tuple(range(len(names))))
    return validate_model(design_of(*names), read_patients()["event"], read_resamples(), recipe=recipe)


def scale(name: str) -> Numbers:
    values = read_patients()[name]
    return (values - values.mean()) / values.std(ddof=1)


def predictions_of(name: str) -> Numbers:
    if name == "too_sure":
        return expit(-1.2 + 1.4 * scale("doubling") - 1.1 * scale("anc"))
    return expit(0.9 - 0.4 * scale("anc"))


@pytest.mark.parametrize("name", MODELS)
def test_optimism_is_that_of_models_fitted_one_by_one(name: str) -> None:
    case, found = R[f"by_hand_{name}"], validate(name)
    assert found.c_statistic.optimism == pytest.approx(case["c_inside"] - case["c_outside"], abs=1e-9)
    assert found.brier.optimism == pytest.approx(case["brier_inside"] - case["brier_outside"], abs=1e-8)
    assert found.slope.corrected == pytest.approx(case["slope"], rel=NEAR)
    assert found.intercept.corrected == pytest.approx(case["intercept"], rel=NEAR)


@pytest.mark.parametrize("name", MODELS)
def test_corrected_numbers_are_those_of_rms_validate(name: str) -> None:
    case, found = R[f"validate_{name}"], validate(name)
    c, brier = found.c_statistic, found.brier
    assert c.apparent is not None
    assert c.corrected is not None
    assert 2 * c.apparent - 1 == pytest.approx(case["somers_d"], abs=1e-9)
    assert 2 * c.corrected - 1 == pytest.approx(case["somers_d_corrected"], abs=1e-9)
    assert brier.apparent == pytest.approx(case["brier"], rel=AS_RMS)
    assert brier.corrected == pytest.approx(case["brier_corrected"], rel=AS_RMS)
    assert found.slope.corrected == pytest.approx(case["slope"], rel=AS_RMS)
    assert found.intercept.corrected == pytest.approx(case["intercept"], rel=AS_RMS)
    assert c.resamples == case["fits"]


def test_a_corrected_calibration_curve_is_that_of_rms_calibrate() -> None:
    design = design_of(*MODELS["three"])
    recipe = ModelRecipe("maximum_likelihood", (0, 1, 2))
    found = correct_curves(design, read_patients()["event"], read_resamples(), recipe=recipe)
    assert found.observed == pytest.approx(np.array(list(R["calibrate_apparent"].values())), abs=NEAR)
    assert found.corrected == pytest.approx(np.array(list(R["calibrate_corrected"].values())), abs=NEAR)


@pytest.mark.parametrize("place", range(10))
def test_each_fit_of_a_batch_is_that_of_brglm2(place: int) -> None:
    design, event = design_of("anc", "doubling", "stage"), read_patients()["event"]
    fit = fit_logistic_batch(design, event, count_rows(read_resamples(), event.size), method="firth")
    case, errors = R[f"firth_{place + 1}"], R[f"firth_errors_{place + 1}"]
    assert fit.coefficients[place] == pytest.approx(list(case.values()), rel=NEAR)
    assert fit.standard_errors[place] == pytest.approx(list(errors.values())[1:], rel=NEAR)


@pytest.mark.parametrize("name", ["too_sure", "too_high"])
def test_predictions_on_other_patients_are_judged_as_by_val_prob(name: str) -> None:
    case = R[f"external_{name}"]
    chance, event = predictions_of(name), read_patients()["event"]
    found = assess_predictions(chance, event)
    assert found.c_statistic.value == pytest.approx(case["c_statistic"], abs=1e-9)
    assert found.brier == pytest.approx(case["brier"], abs=1e-12)
    assert found.slope.value == pytest.approx(case["slope"], rel=AS_RMS)
    assert found.intercept.value == pytest.approx(case["intercept"], rel=AS_RMS)
    assert found.in_the_large.value == pytest.approx(case["in_the_large"], rel=NEAR)
    assert found.observed_by_expected.value == pytest.approx(case["observed_by_expected"], rel=1e-12)
    for estimate, error in (
        (found.in_the_large, case["in_the_large_error"]),
        (found.slope, case["slope_error"]),
        (found.intercept, case["intercept_error"]),
    ):
        assert estimate.value is not None
        assert estimate.high == pytest.approx(estimate.value + 1.959963984540054 * error, rel=AS_RMS)


@pytest.mark.parametrize("name", ["too_sure", "too_high"])
def test_the_smooth_curve_is_that_of_val_prob(name: str) -> None:
    case = R[f"external_{name}"]
    curve = smooth_calibration(predictions_of(name), read_patients()["event"])
    assert curve.largest_error == pytest.approx(case["e_max"], rel=1e-6)
    assert curve.average_error == pytest.approx(case["e_average"], rel=1e-6)


def test_the_numbers_are_those_of_this_script_and_these_data() -> None:
    """R itself is asked by the long test below; whoever changes a file runs it, and types the new print."""
    files = ("make_validation.R", "cohort.csv", "validation_resamples.csv", "validation_results.csv")
    assert take_fingerprint(*files) == "1353bce8cb8943ec"


@pytest.mark.long
def test_r_gives_the_stored_numbers_of_validation(find_program: Callable[[str], str], tmp_path: Path) -> None:
    check_r_again(find_program, "make_validation.R", "validation_results.csv", tmp_path)
