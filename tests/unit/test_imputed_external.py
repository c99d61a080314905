"""A card and a score asked about other patients whose missing items are imputed."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from cytopenia.definitions import load_library
from cytopenia.grading.score_frames import SCORE_VALUE_SCHEMA
from cytopenia.results import collect_results
from cytopenia.stats.imputed_performance import pool_discrimination, pool_performance
from cytopenia.stats.pooling import pool_proportions
from cytopenia.study.external_validation import CardInput
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.imputed_external import ScoredItems, summarize_imputed_card, summarize_imputed_score
from cytopenia.study.imputed_factors import impute_factors
from cytopenia.study.model_cards import ModelCard
from cytopenia.study.prediction_forms import ExternalValidation
from prediction_factory import CARD, load_gates

IMPUTED = {"method": "multiple_imputation", "imputations": 4, "iterations": 3}
ROWS = 80
ITEMS = ("platelets", "anc", "hemoglobin", "crp", "ferritin")


def make_form(**changes: Any) -> ExternalValidation:
    given = {"id": "a", "kind": "validation", "outcome": "recovery", "event": "not_recovered"}
    return ExternalValidation.model_validate({**given, "missing": IMPUTED, **changes})


def make_sides(event: np.ndarray) -> Sides:
    return Sides(("Yes", "No"), dict.fromkeys(("policy", "best", "worst"), event.astype(float)), {})


def value(rows: pl.DataFrame, group: str, estimate: str, level: str = "") -> dict[str, Any]:
    found = rows.filter(
        pl.col("group") == group,
        pl.col("variable") == "model",
        pl.col("estimate") == estimate,
        pl.col("variable_level") == level,
    )
    assert found.height == 1, (group, estimate)
    return found.row(0, named=True)


def make_card_input(*, has_gaps: bool = True) -> CardInput:
    """x lacks in a sixth; one patient has a stage that no patient of the model had."""
    rng = np.random.default_rng(11)
    x, stage = np.exp2(rng.normal(1, 1.5, ROWS)), rng.integers(0, 2, ROWS)
    event = rng.random(ROWS) < 1 / (1 + np.exp(1.0 - np.log2(x) - 0.5 * stage))
    numbers = pl.Series("x", x)
    levels: list[str | None] = [("I", "II")[one] for one in stage]
    if has_gaps:
        numbers = pl.Series("x", [None if place % 6 == 3 else one for place, one in enumerate(x.tolist())])
        levels[0], levels[1] = "III", None
    factors = {
        "x": FactorColumn("x", "X", numbers),
        "stage": FactorColumn("stage", "Stage", pl.Series("stage", levels)),
    }
    return CardInput(ModelCard.model_validate(CARD), factors, make_sides(event), load_gates())


def test_a_card_is_asked_about_every_completed_table() -> None:
    given, analysis = make_card_input(), make_form(card="m.json")
    rows = collect_results(summarize_imputed_card(analysis, given, seed=3))
    # Who has a stage that the card does not know is left out: nothing is missing there.
    assert [value(rows, "size_imputed", name)["value"] for name in ("n", "missing")] == [ROWS - 1, 1]
    event = given.sides.policy.copy()
    event[0] = np.nan
    factors = [given.factors["x"], given.factors["stage"]]
    found = impute_factors(factors, make_sides(event), rule=analysis.missing, seed=3)
    odds = np.array(
        [
            -1.0 + np.log2(x.values.to_numpy()[1:]) + 0.5 * (stage.values.to_numpy()[1:] == "II")
            for x, stage in zip(found.columns["x"], found.columns["stage"], strict=True)
        ]
    )
    expected = pool_performance(1 / (1 + np.exp(-odds)), event[1:])
    for name in ("c_statistic", "in_the_large", "intercept", "slope", "observed_by_expected", "brier"):
        row, one = value(rows, "performance_imputed", name), getattr(expected, name)
        got = (row["value"], row["low"], row["high"], row["n"])
        assert got == pytest.approx((one.estimate, one.low, one.high, ROWS - 1)), name
    missing = value(rows, "performance_imputed", "slope_missing_information")["value"]
    assert 0 < missing < 0.5


def test_without_gaps_the_complete_cases_hold() -> None:
    rows = collect_results(
        summarize_imputed_card(make_form(card="m.json"), make_card_input(has_gaps=False), seed=3)
    )
    assert rows["note"].to_list() == ["no value is missing; the complete-case model holds"]


def make_items() -> tuple[pl.DataFrame, pl.Series, np.ndarray]:
    """The five items of CAR-HEMATOTOX; ferritin lacks in a fifth, and one is known only as below a limit."""
    rng = np.random.default_rng(2)
    patients = pl.Series("patient_id", [f"p{place}" for place in range(ROWS)])
    sick = rng.normal(size=ROWS)
    items = {
        "platelets": 150 * np.exp(-0.5 * sick),
        "anc": 2.5 * np.exp(-0.5 * sick + rng.normal(0, 0.5, ROWS)),
        "hemoglobin": 100 - 10 * sick,
        "crp": 15 * np.exp(0.8 * sick),
        "ferritin": 600 * np.exp(0.8 * sick + rng.normal(0, 0.5, ROWS)),
    }
    rows = [
        {"patient_id": patient, "analyte": name, "value": float(number), "comparator": "="}
        for name, numbers in items.items()
        for place, (patient, number) in enumerate(zip(patients, numbers, strict=True))
        if name != "ferritin" or place % 5 != 2
    ]
    event = (rng.random(ROWS) < 1 / (1 + np.exp(0.6 - sick))).astype(float)
    return pl.DataFrame(rows, schema=SCORE_VALUE_SCHEMA), patients, event


def test_items_are_imputed_and_points_counted_afterwards() -> None:
    values, patients, event = make_items()
    definition, analysis = load_library().find_score("car_hematotox"), make_form(score="car_hematotox")
    given = ScoredItems(definition, values, patients, make_sides(event), load_gates())
    rows = collect_results(summarize_imputed_score(analysis, given, seed=5))
    wide = values.pivot(on="analyte", index="patient_id", values="value")
    factors = [FactorColumn(name, name, wide[name]) for name in ITEMS]
    found = impute_factors(factors, make_sides(event), rule=analysis.missing, seed=5)
    points = np.zeros((4, ROWS))
    for place in range(4):
        one = {name: columns[place].values.to_numpy() for name, columns in found.columns.items()}
        # Rejeski et al.: typed from the published table.
        points[place] += np.where(one["platelets"] > 175, 0, np.where(one["platelets"] >= 75, 1, 2))
        points[place] += (one["anc"] < 1.2) * 1 + (one["hemoglobin"] < 90) * 1 + (one["crp"] > 30) * 1
        points[place] += np.where(one["ferritin"] > 2000, 2, np.where(one["ferritin"] >= 650, 1, 0))
    expected = pool_discrimination(points, event)
    row = value(rows, "performance_imputed", "c_statistic")
    assert (row["value"], row["low"]) == pytest.approx((expected.estimate, expected.low))
    is_high = points >= 2
    share = pool_proportions((is_high & (event == 1)).sum(axis=1), is_high.sum(axis=1))
    assert value(rows, "performance_imputed", "ppv", "high")["value"] == pytest.approx(share.estimate)
    assert value(rows, "performance_imputed", "brier")["status"] == "not_done"
    assert value(rows, "recalibration_imputed", "slope")["value"] > 0
    assert value(rows, "size_imputed", "n")["value"] == ROWS


def test_a_model_has_no_items_to_impute_here() -> None:
    values, patients, event = make_items()
    definition = load_library().find_score("eipm_pre")
    given = ScoredItems(definition, values, patients, make_sides(event), load_gates())
    rows = collect_results(summarize_imputed_score(make_form(score="eipm_pre"), given, seed=5))
    assert rows["status"].to_list() == ["not_done"]
    assert "name a card" in rows["note"][0]


def test_a_value_known_only_as_a_range_can_leave_the_score_open() -> None:
    values, patients, event = make_items()
    is_first = (pl.col("patient_id") == "p0") & (pl.col("analyte") == "crp")
    values = values.with_columns(
        value=pl.when(is_first).then(40.0).otherwise("value"),
        comparator=pl.when(is_first).then(pl.lit("<")).otherwise("comparator"),
    )
    definition = load_library().find_score("car_hematotox")
    given = ScoredItems(definition, values, patients, make_sides(event), load_gates())
    rows = collect_results(summarize_imputed_score(make_form(score="car_hematotox"), given, seed=5))
    assert [value(rows, "size_imputed", name)["value"] for name in ("n", "missing")] == [ROWS - 1, 1]


def test_few_patients_have_no_number() -> None:
    given = make_card_input()
    event = given.sides.policy.copy()
    event[20:] = np.nan
    few = CardInput(given.card, given.factors, make_sides(event), given.gates)
    rows = collect_results(summarize_imputed_card(make_form(card="m.json"), few, seed=3))
    assert value(rows, "performance_imputed", "c_statistic")["status"] == "not_done"
