"""Keys of the protocol for models: what goes together, and what a file says where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cytopenia.errors import ProtocolError
from cytopenia.study.analysis_forms import Factor, Ordinal, RiskFactors
from cytopenia.study.protocol import read_protocol
from cytopenia.workflow import check_study
from study_files import STUDY, write_study

MARKER = {"analyte": "ferritin", "at": "baseline"}
LEVELS = {"column": "ecog", "levels": {"0-1": [0, 1], "2-4": [2, 3, 4]}}


@pytest.mark.parametrize(
    ("keys", "step"),
    [
        ({}, "unit"),
        ({"scale": "unit"}, "unit"),
        ({"scale": "doubling"}, "doubling"),
        ({"scale": {"per": 10}}, 10.0),
        ({"scale": "iqr"}, "iqr"),
        ({"scale": "sd"}, "sd"),
    ],
)
def test_steps_of_a_number(keys: dict[str, Any], step: str | float) -> None:
    assert Factor.model_validate({**MARKER, **keys}).step == step


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"column": "stage", "ordered": True}, "ordered = true needs levels in their order"),
        ({**LEVELS, "scale": "sd"}, "'scale' belongs to numbers; a factor with levels has none"),
        ({**LEVELS, "spline_knots": 3}, "'spline_knots' belongs to numbers"),
        ({**MARKER, "scale": "sd", "spline_knots": 3}, "scale and spline_knots exclude each other"),
        ({**MARKER, "between": [1, 2]}, "between needs spline_knots, and two numbers that rise"),
        ({**MARKER, "spline_knots": 3, "between": [2, 1]}, "between needs spline_knots, and two numbers"),
        ({**MARKER, "spline_knots": 6}, "Input should be 3, 4 or 5"),
        ({**MARKER, "scale": {"per": 0}}, "greater than 0"),
        ({**MARKER, "scale": "log"}, "Input should be 'unit', 'doubling', 'iqr' or 'sd'"),
        (
            {"event": "crs", "window": [0, 28], "without_event": "none", "scale": "sd"},
            "'scale' does not go with 'event'; remove it",
        ),
        ({"score": "car_hematotox", "as": "group", "spline_knots": 3}, "'spline_knots' belongs to numbers"),
    ],
)
def test_keys_that_do_not_go_together(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words.replace("(", r"\(")):
        Factor.model_validate(keys)


def test_levels_may_be_ordered() -> None:
    assert Factor.model_validate({**LEVELS, "ordered": True}).ordered


def risk(**keys: Any) -> RiskFactors:
    base: dict[str, Any] = {
        "id": "t", "kind": "risk_factors", "outcome": "o", "event": "yes", "factors": ["a"],
        "columns": ["univariable"],
    }  # fmt: skip
    return RiskFactors.model_validate({**base, **keys})


def test_an_interval_is_chosen_with_maximum_likelihood_only() -> None:
    assert risk(interval="profile", parity="r").interval == "profile"
    with pytest.raises(ValidationError, match="interval goes with maximum likelihood; Firth's method has"):
        risk(interval="wald")
    own = {"terms": ["a"], "method": "maximum_likelihood"}
    assert risk(interval="wald", columns=["multivariable"], multivariable=own).interval == "wald"


def test_grades_have_a_profile_where_nothing_is_said() -> None:
    found = Ordinal.model_validate({"id": "g", "kind": "ordinal", "outcome": "o", "factors": ["a"]})
    assert (found.interval, found.terms) == ("profile", ())


def ordinal(outcome: str, terms: str = "[]") -> str:
    return f"""
[[analyses]]
id = "grades"
kind = "ordinal"
outcome = "{outcome}"
factors = ["age_years"]
terms = {terms}
"""


@pytest.mark.parametrize(
    ("outcome", "terms", "words"),
    [
        ("severe_neutropenia", "[]", "outcome 'severe_neutropenia' has a min_grade: it is yes or no"),
        ("recovery", "[]", "outcome 'recovery' has no grades; name an outcome graded without min_grade"),
        ("severe_cytopenia", "[]", "outcome 'severe_cytopenia' has no grades"),
        ("neutropena", "[]", r"unknown outcome 'neutropena' \(did you mean 'neutropenia'\?\)"),
        ("neutropenia", '["age"]', "terms names 'age'.*, not among the factors"),
    ],
)
def test_grades_need_a_graded_outcome(outcome: str, terms: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY + ordinal(outcome, terms), encoding="utf-8")
    with pytest.raises(ProtocolError, match=words):
        read_protocol(tmp_path)


def test_a_step_needs_a_column_of_numbers(tmp_path: Path) -> None:
    path = write_study(tmp_path) / "study.toml"
    added = '[factors.by_sex]\ncolumn = "sex"\nscale = "doubling"\n\n'
    head, mark, analyses = STUDY.partition("[[analyses]]")
    path.write_text(head + added + mark + analyses, encoding="utf-8")
    with pytest.raises(ProtocolError, match=r"by_sex: 'scale' belongs to numbers, and 'sex' has none"):
        check_study(path)
