"""The form of the bounds: slack by analyte and distance, and what its calibration may claim."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cytopenia.definition_forms import BoundsDefinition
from cytopenia.definitions.describe import describe_definition

HEAD = {
    "id": "mine",
    "kind": "bounds",
    "title": "Bounds",
    "version": "1",
    "status": "assumed",
    "citation": {"text": "none"},
    "longest_days": 8,
}
FIGURES = {
    "simulated_patients": 2000,
    "inside_percent": 98.5,
    "schedule": "once a week",
    "decided_percent": 61.25,
}


def bounds(**parts: Any) -> BoundsDefinition:
    return BoundsDefinition(**{**HEAD, "slack": {"anc": 1.5, "hemoglobin": 1.1}, **parts})


def test_an_analyte_without_a_slack_has_the_widest_and_the_fastest_growing() -> None:
    one = bounds(growth={"anc": 1.2})
    assert (one.slack_of("anc"), one.growth_of("anc")) == (1.5, 1.2)
    assert (one.slack_of("hemoglobin"), one.growth_of("hemoglobin")) == (1.1, 1.0)
    assert (one.slack_of("cd4"), one.growth_of("cd4")) == (1.5, 1.2)
    assert bounds().growth_of("cd4") == 1.0


@pytest.mark.parametrize("part", ["slack", "growth"])
def test_neither_slack_nor_growth_is_below_one(part: str) -> None:
    with pytest.raises(ValidationError, match=rf"{part}.anc\s+Input should be greater than or equal to 1"):
        bounds(**{part: {"anc": 0.9}})


def test_too_few_real_patients_leave_a_slack_assumed() -> None:
    one = {**FIGURES, "status": "calibrated", "real_patients": 19}
    with pytest.raises(
        ValidationError, match="anc: 19 real patients are fewer than 20; its status is 'assumed'"
    ):
        bounds(least_real_patients=20, calibration={"anc": one})
    kept = bounds(least_real_patients=20, calibration={"anc": {**one, "real_patients": 20}})
    assert kept.calibration["anc"].status == "calibrated"


def test_a_calibration_needs_a_slack() -> None:
    one = {**FIGURES, "status": "assumed", "real_patients": 0}
    with pytest.raises(ValidationError, match=r"calibration\.wbc: has no slack"):
        bounds(calibration={"wbc": one})


def test_growth_and_calibration_in_words() -> None:
    one = {
        **FIGURES,
        "status": "assumed",
        "real_patients": 6,
        "real_inside_percent": 99.0,
        "people": "others",
    }
    two = {**FIGURES, "status": "assumed", "real_patients": 0}
    found = describe_definition(bounds(growth={"anc": 1.2}, calibration={"anc": one, "hemoglobin": two}))
    assert found["rules"] == [
        "Longest distance 8 days; slack: anc 1.5 (times 1.2 for each day beyond two), hemoglobin 1.1."
    ]
    figures = (
        "slack assumed. Daily series thinned to clinic schedules: of 2000 simulated patients at least 98.5%"
        " of true outcomes lay inside the bounds on every schedule (lowest: once a week), and 61.25% were"
        " decided; behind it"
    )
    assert found["assumed"] == [
        f"Absolute neutrophil count: {figures} 6 real patients, 99% inside on every schedule (others).",
        f"Hemoglobin: {figures} no real patient.",
    ]
