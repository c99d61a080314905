"""A prediction made from imputed values: rows beside those of the complete cases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from cytopenia.results import collect_results
from cytopenia.stats.imputed_models import fit_imputed_logistic
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.imputed_factors import impute_factors
from cytopenia.study.imputed_prediction import summarize_imputed_prediction
from cytopenia.study.prediction import PredictionInput
from prediction_factory import load_gates, make_analysis, make_patients

IMPUTED = {"method": "multiple_imputation", "imputations": 3, "iterations": 2}


def make_gaps(rows: int = 120) -> tuple[list[FactorColumn], Sides]:
    """Ferritin lacks in a fifth, stage in a tenth."""
    factors, sides = make_patients(rows)
    rng = np.random.default_rng(8)
    gaps: list[FactorColumn] = []
    for factor, share in zip(factors, (0.2, 0.1), strict=True):
        values = factor.values.to_list()
        for place in np.flatnonzero(rng.random(rows) < share).tolist():
            values[place] = None
        gaps.append(replace(factor, values=pl.Series(factor.name, values, dtype=factor.values.dtype)))
    return gaps, sides


def predict(patients: tuple[list[FactorColumn], Sides], **changes: Any) -> pl.DataFrame:
    factors, sides = patients
    # Fewer resamples than a protocol may ask for.
    analysis = make_analysis(missing=IMPUTED, **changes).model_copy(update={"resamples": 30})
    given = PredictionInput(factors, sides, load_gates(), seed=7)
    return collect_results(summarize_imputed_prediction(analysis, given))


def pick(rows: pl.DataFrame, group: str, estimate: str, **key: str) -> dict[str, Any]:
    found = rows.filter(pl.col("group") == group, pl.col("estimate") == estimate)
    found = found.filter(*(pl.col(name) == value for name, value in key.items()))
    assert found.height == 1, (group, estimate, key, found.height)
    return found.row(0, named=True)


PATIENTS = make_gaps()


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return predict(PATIENTS)


def test_everybody_with_an_outcome_takes_part(rows: pl.DataFrame) -> None:
    factors, sides = PATIENTS
    incomplete = np.any([factor.values.is_null().to_numpy() for factor in factors], axis=0).sum()
    assert pick(rows, "size_imputed", "n")["value"] == 120
    assert pick(rows, "size_imputed", "events")["value"] == sides.policy.sum()
    assert pick(rows, "size_imputed", "incomplete")["value"] == incomplete
    assert pick(rows, "imputation", "imputations", variable="model")["value"] == 3


def test_corrected_is_apparent_less_optimism(rows: pl.DataFrame) -> None:
    for name in ("c_statistic", "brier", "slope", "intercept"):
        apparent, optimism, corrected = (
            pick(rows, "performance_imputed", word, variable=name)["value"]
            for word in ("apparent", "optimism", "corrected")
        )
        assert corrected == pytest.approx(apparent - optimism)


def test_what_is_not_offered_says_why(rows: pl.DataFrame) -> None:
    pairs = pick(rows, "performance_imputed", "pairs_left_out")
    assert pairs["status"] == "not_done"
    assert "only with the outcome" in pairs["note"]
    assert pick(rows, "curves_imputed", "model")["status"] == "not_done"


def test_coefficients_are_pooled_over_the_completed_tables(rows: pl.DataFrame) -> None:
    factors, sides = PATIENTS
    rule = make_analysis(missing=IMPUTED).missing
    imputed = impute_factors(factors, sides, rule=rule, seed=7)
    ferritin = [column.values.to_numpy() for column in imputed.columns["ferritin"]]
    stage = [column.values.to_numpy() for column in imputed.columns["stage"]]
    designs = np.stack(
        [np.column_stack([np.log2(f), s == "II", s == "III"]) for f, s in zip(ferritin, stage, strict=True)]
    ).astype(float)
    expected = fit_imputed_logistic(designs, sides.policy, names=["f", "II", "III"])
    keys = [{"variable": "ferritin"}] + [
        {"variable": "stage", "variable_level": one} for one in ("II", "III")
    ]
    for key, term in zip(keys, expected.terms, strict=True):
        assert term.estimate is not None
        found = pick(rows, "coefficients_imputed", "odds_ratio", **key)
        assert found["value"] == pytest.approx(np.exp(term.estimate))
        assert pick(rows, "coefficients_imputed", "p_value", **key)["text"] == "combined_profiles"
        shrinkage = pick(rows, "coefficients_imputed", "shrinkage")["value"]
        shrunken = pick(rows, "coefficients_imputed", "shrunken_coefficient", **key)["value"]
        assert shrunken == pytest.approx(shrinkage * term.estimate)
    # The intercept makes the mean risk over patients and tables the share with the event.
    slopes = np.array([term.estimate for term in expected.terms], dtype=float)
    intercept = pick(rows, "coefficients_imputed", "coefficient", variable="intercept")["value"]
    mean = (1 / (1 + np.exp(-(intercept + designs @ slopes)))).mean()
    assert mean == pytest.approx(sides.policy.mean())


def test_a_cut_is_that_of_the_known_values_and_selection_is_repeated() -> None:
    cuts = {"higher_means_event": ["ferritin"]}
    rows = predict(PATIENTS, cuts=cuts, select={"p_below": 0.5})
    cut = pick(rows, "coefficients_imputed", "cut", variable="ferritin")
    assert cut["variable_level"] == f">= {cut['value']:.12g}"
    assert pick(rows, "coefficients_imputed", "coefficient", variable="ferritin")["value"] > 0
    frequency = pick(rows, "selection_imputed", "frequency", variable="ferritin")
    assert 50 < frequency["value"] <= 100
    without = pick(rows, "selection_imputed", "unscreened", variable="ferritin")
    assert without["value"] == 0
    assert pick(rows, "models_imputed", "different")["value"] >= 1


def test_lower_values_can_mean_the_event() -> None:
    cuts = {"lower_means_event": ["ferritin"]}
    factors, sides = PATIENTS
    turned = Sides(sides.names, {name: 1 - event for name, event in sides.event.items()}, {})
    rows = predict((factors, turned), cuts=cuts, factors=["ferritin"])
    row = pick(rows, "coefficients_imputed", "coefficient", variable="ferritin")
    assert (row["text"], row["variable_level"][:2]) == ("below", "< ")
    assert row["value"] > 0


def test_nothing_missing_is_not_repeated() -> None:
    rows = predict(make_patients(60))
    assert rows["group"].to_list() == ["performance_imputed"]
    assert rows["note"].to_list() == ["no value is missing; the complete-case model holds"]


def test_gates_hold_for_imputed_models_as_well() -> None:
    rows = predict(make_gaps(30))
    assert pick(rows, "performance_imputed", "model")["status"] == "not_done"
    assert "a multivariable model needs 20" in pick(rows, "performance_imputed", "model")["note"]
    assert pick(rows, "gate_imputed", "smaller_group")["value"] < 20


def test_inputs_are_the_known_ranges(rows: pl.DataFrame) -> None:
    factors, _ = PATIENTS
    assert pick(rows, "inputs_imputed", "minimum", variable="ferritin")["value"] == factors[0].values.min()
    counts = rows.filter(pl.col("group") == "inputs_imputed", pl.col("variable") == "stage")
    assert counts["value"].sum() == factors[1].values.drop_nulls().len()


def test_curves_of_numbers_are_laid_out_with_the_known_knots() -> None:
    factors, sides = PATIENTS
    curved = replace(factors[0], scale="unit", spline_knots=3)
    rows = predict(([curved], sides), factors=["ferritin"])
    kinds = rows.filter(pl.col("group") == "coefficients_imputed", pl.col("variable") == "ferritin")
    knots = kinds.filter(pl.col("estimate").str.starts_with("knot_"))
    assert knots.height == 6
    assert pick(rows, "performance_imputed", "method")["text"] == "firth"
