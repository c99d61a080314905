"""Made-up patients and rows of a prediction, for the tests of what it computes and prints."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import GatesDefinition
from cytopenia.definitions import load_library
from cytopenia.results import collect_results
from cytopenia.study.external_validation import CardInput, summarize_card_validation
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.model_cards import ModelCard
from cytopenia.study.prediction import PredictionInput, summarize_prediction
from cytopenia.study.prediction_forms import ExternalValidation, Prediction

STAGES = ("I", "II", "III")
# A card with one number and two levels.
CARD: dict[str, Any] = {
    "format": "cytopenia-model-card-1",
    "id": "m",
    "title": "A model",
    "outcome": "Recovery",
    "event": "not recovered",
    "synthetic": True,
    "method": "firth",
    "population": {"patients": 60, "events": 21, "left_out_for_missing": 0},
    "inputs": [
        {"name": "x", "title": "X", "minimum": 0.5, "maximum": 8.0},
        {"name": "stage", "title": "Stage", "levels": {"I": 10, "II": 50}},
    ],
    "terms": [
        {"input": "x", "kind": "doubling", "coefficient": 1.0, "shrunken_coefficient": 1.0},
        {"input": "stage", "kind": "level", "level": "II", "coefficient": 0.5, "shrunken_coefficient": 0.5},
    ],
    "intercept": -1.0,
    "shrunken_intercept": -1.0,
    "shrinkage": 1.0,
    "performance": {
        "c_apparent": 0.8,
        "c_corrected": 0.7,
        "c_pairs_left_out": None,
        "slope_corrected": 1.0,
        "intercept_corrected": 0.0,
        "brier_corrected": 0.2,
        "resamples": 200,
    },
    "software": "cytopenia",
    "protocol_sha256": "0",
    "seal": "",
}


def make_analysis(**changes: Any) -> Prediction:
    """Return the form of a prediction of an outcome from ferritin and stage."""
    given: dict[str, Any] = {
        "id": "model",
        "kind": "prediction",
        "outcome": "recovery",
        "event": "not_recovered",
        "factors": ["ferritin", "stage"],
        "expected_r2": 0.25,
        "resamples": 200,
    }
    return Prediction.model_validate({**given, **changes})


def make_patients(rows: int = 320, *, seed: int = 4) -> tuple[list[FactorColumn], Sides]:
    """Return ferritin (taken by doublings) and stage of made-up patients, and who had the event."""
    rng = np.random.default_rng(seed)
    ferritin = np.round(np.exp(rng.normal(6, 1, rows)))
    stage = rng.integers(0, 3, rows)
    lean = 0.9 * (np.log(ferritin) - 6) + 0.6 * stage - 0.9
    event: NDArray[np.float64] = (rng.random(rows) < 1 / (1 + np.exp(-lean))).astype(float)
    factors = [
        FactorColumn("ferritin", "Baseline ferritin, µg/L", pl.Series(ferritin), scale="doubling"),
        FactorColumn("stage", "Stage", pl.Series(np.array(STAGES)[stage]), levels=STAGES),
    ]
    return factors, Sides(
        ("Not recovered", "Recovered"), dict.fromkeys(("policy", "best", "worst"), event), {}
    )


def load_gates() -> GatesDefinition:
    """Return the gates of the package."""
    return load_library().gates


def predict(analysis: Prediction, patients: tuple[list[FactorColumn], Sides]) -> pl.DataFrame:
    """Return the rows of a prediction as the long result table."""
    factors, sides = patients
    given = PredictionInput(factors, sides, load_gates(), seed=7)
    return collect_results(summarize_prediction(analysis, given))


def make_sides(event: NDArray[Any]) -> Sides:
    """Return who had the event, the same in every scenario."""
    return Sides(("Yes", "No"), dict.fromkeys(("policy", "best", "worst"), event.astype(float)), {})


def make_validation(**changes: Any) -> ExternalValidation:
    """Return the form of a validation."""
    given = {"id": "a", "kind": "validation", "outcome": "recovery", "event": "not_recovered", **changes}
    return ExternalValidation.model_validate(given)


def validate_card(rows: int, *, tilt: float = 1.0) -> pl.DataFrame:
    """Return the rows of the card in patients whose true log odds are `tilt` times those of the card."""
    rng = np.random.default_rng(11)
    x, stage = np.exp2(rng.normal(1, 1.5, rows)), rng.integers(0, 2, rows)
    log_odds = -1.0 + np.log2(x) + 0.5 * stage
    event = rng.random(rows) < 1 / (1 + np.exp(-tilt * log_odds))
    levels: list[str | None] = [("I", "II")[one] for one in stage]
    levels[0], levels[1] = "III", None
    factors = {
        "x": FactorColumn("x", "X", pl.Series(x)),
        "stage": FactorColumn("stage", "Stage", pl.Series(levels)),
    }
    given = CardInput(ModelCard.model_validate(CARD), factors, make_sides(event), load_gates())
    return collect_results(summarize_card_validation(make_validation(card="m.json"), given))
