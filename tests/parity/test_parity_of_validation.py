"""The same numbers as rms and brglm2; how they were made stands in make_validation.R."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Mapping
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
from cytopenia.stats.sampled_models import make_sampled_models
from cytopenia.stats.validation import ModelRecipe, Validation, validate_model

HERE = Path(__file__).parent
# rms stops its fits sooner than we do.
NEAR, AS_RMS = 1e-6, 5e-6
Numbers = NDArray[np.float64]
MODELS = {
    "three": ("anc", "doubling", "hemoglobin"),
    "one": ("anc",),
    "five": ("anc", "doubling", "hemoglobin", "crp", "stage"),
}


def read_results(path: Path) -> dict[str, dict[str, float]]:
    cases: dict[str, dict[str, float]] = defaultdict(dict)
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            cases[row["case"]][row["name"]] = float(row["value"])
    return dict(cases)


R = read_results(HERE / "validation_results.csv")


@cache
def read_cohort() -> Mapping[str, Numbers]:
    table = np.genfromtxt(HERE / "cohort.csv", delimiter=",", names=True)
    columns = {name: np.asarray(table[name], dtype=np.float64) for name in table.dtype.names or ()}
    return {**columns, "doubling": np.log2(columns["ferritin"])}


@cache
def read_resamples() -> NDArray[np.int64]:
    return np.genfromtxt(HERE / "validation_resamples.csv", delimiter=",", dtype=np.int64)


def design_of(*names: str) -> Numbers:
    return np.column_stack([read_cohort()[name] for name in names])


@cache
def validate(name: str) -> Validation:
    names = MODELS[name]
    recipe = ModelRecipe("maximum_likelihood", tuple(range(len(names))))
    return validate_model(design_of(*names), read_cohort()["event"], read_resamples(), recipe=recipe)


def scale(name: str) -> Numbers:
    values = read_cohort()[name]
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
    sampled = make_sampled_models(design, read_cohort()["event"], read_resamples(), recipe=recipe)
    found = correct_curves(sampled)
    assert found.observed == pytest.approx(np.array(list(R["calibrate_apparent"].values())), abs=NEAR)
    assert found.corrected == pytest.approx(np.array(list(R["calibrate_corrected"].values())), abs=NEAR)


@pytest.mark.parametrize("place", range(10))
def test_each_fit_of_a_batch_is_that_of_brglm2(place: int) -> None:
    design, event = design_of("anc", "doubling", "stage"), read_cohort()["event"]
    fit = fit_logistic_batch(design, event, count_rows(read_resamples(), event.size), method="firth")
    case, errors = R[f"firth_{place + 1}"], R[f"firth_errors_{place + 1}"]
    assert fit.coefficients[place] == pytest.approx(list(case.values()), rel=NEAR)
    assert fit.standard_errors[place] == pytest.approx(list(errors.values())[1:], rel=NEAR)


@pytest.mark.parametrize("name", ["too_sure", "too_high"])
def test_predictions_on_other_patients_are_judged_as_by_val_prob(name: str) -> None:
    case = R[f"external_{name}"]
    chance, event = predictions_of(name), read_cohort()["event"]
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
    curve = smooth_calibration(predictions_of(name), read_cohort()["event"])
    assert curve.largest_error == pytest.approx(case["e_max"], rel=1e-6)
    assert curve.average_error == pytest.approx(case["e_average"], rel=1e-6)


def test_r_gives_the_stored_numbers_of_validation(tmp_path: Path) -> None:
    program = shutil.which("Rscript")
    if program is None:
        if os.environ.get("CYTOPENIA_REQUIRE_PROGRAMS") == "1":
            pytest.fail("Rscript is not on PATH, and CYTOPENIA_REQUIRE_PROGRAMS is 1")
        pytest.skip("Rscript is not on PATH")
    subprocess.run([program, HERE / "make_validation.R", tmp_path], check=True, timeout=300)
    again = read_results(tmp_path / "validation_results.csv")
    assert again.keys() == R.keys()
    for case, numbers in R.items():
        assert again[case] == pytest.approx(dict(numbers), rel=1e-9, abs=1e-12), case
