"""An invented model card, typed by hand; no patient stands behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cytopenia.study.model_cards import seal_card

CARD: dict[str, Any] = {
    "format": "cytopenia-model-card-1",
    "id": "invented",
    "title": "Invented model",
    "outcome": "Hematologic recovery at day 28",
    "event": "not recovered",
    "synthetic": True,
    "method": "firth",
    "population": {"patients": 60, "events": 21, "left_out_for_missing": 3},
    "inputs": [
        {
            "name": "ferritin",
            "title": "Ferritin",
            "analyte": "ferritin",
            "unit": "ug/L",
            "minimum": 50.0,
            "maximum": 900.0,
        },
        {
            "name": "anc",
            "title": "Neutrophils",
            "analyte": "anc",
            "unit": "1e9/L",
            "minimum": 0.1,
            "maximum": 9.0,
        },
        {"name": "stage", "title": "Stage", "levels": {"I": 20, "II": 40, "III": 0}},
    ],
    "terms": [
        {"input": "ferritin", "kind": "doubling", "coefficient": 1.0, "shrunken_coefficient": 0.5},
        {"input": "anc", "kind": "number", "step": 0.5, "coefficient": -0.6, "shrunken_coefficient": -0.3},
        {"input": "stage", "kind": "level", "level": "II", "coefficient": 1.6, "shrunken_coefficient": 0.8},
    ],
    "intercept": 0.1,
    "shrunken_intercept": 0.4,
    "shrinkage": 0.5,
    "performance": {
        "c_apparent": 0.81,
        "c_corrected": 0.74,
        "c_pairs_left_out": 0.72,
        "slope_corrected": 0.5,
        "intercept_corrected": -0.1,
        "brier_corrected": 0.19,
        "resamples": 500,
    },
    "remarks": ["21 patients in the smaller group: they allow 2 terms, the model has 3"],
    "software": "cytopenia 1.0",
    "protocol_sha256": "0" * 64,
}


def write_card(folder: Path, *, sealed: bool = True, **changes: Any) -> Path:
    """Write the card with changes; without a new seal it was tampered with."""
    content = {**CARD, **changes}
    path = folder / "model.card.json"
    seal = seal_card(content if sealed else CARD)
    path.write_text(json.dumps({**content, "seal": seal}), encoding="utf-8")
    return path
