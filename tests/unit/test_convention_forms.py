"""`parity = "compare"`: the level is declared, and there is something to compare."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cytopenia.study.analysis_forms import Crosstab, RiskFactors, Roc, SideBySide


def crosstab(**keys: Any) -> Crosstab:
    given = {"id": "t", "kind": "crosstab", "outcome": "o", "event": "yes", "factor": "crs", **keys}
    return Crosstab.model_validate(given)


def risk(**keys: Any) -> RiskFactors:
    given = {"id": "t", "kind": "risk_factors", "outcome": "o", "event": "yes", "factors": ["x"], **keys}
    return RiskFactors.model_validate(given)


def test_the_analysis_itself_is_by_default() -> None:
    found = crosstab(parity="compare", significance_level=0.05)
    assert found.own_parity == "default"
    assert found.compares_programs
    assert crosstab(parity="spss").own_parity == "spss"
    assert not crosstab().compares_programs


def test_a_level_must_be_declared() -> None:
    with pytest.raises(ValidationError, match=r"such as significance_level = 0\.05"):
        crosstab(parity="compare")
    with pytest.raises(ValidationError, match='significance_level goes with parity = "compare"; remove it'):
        crosstab(significance_level=0.05)


@pytest.mark.parametrize("level", [0, 1, 5, "high", True])
def test_a_level_lies_between_0_and_1(level: object) -> None:
    with pytest.raises(ValidationError, match="significance_level"):
        crosstab(parity="compare", significance_level=level)


def test_there_is_something_to_compare() -> None:
    keys = {"parity": "compare", "significance_level": 0.05}
    with pytest.raises(ValidationError, match='add "p" or "univariable" to columns'):
        risk(columns=["groups"], **keys)
    assert risk(columns=["groups", "p"], **keys).compares_programs
    with pytest.raises(ValidationError, match="interval goes with maximum likelihood"):
        risk(columns=["univariable"], interval="profile", **keys)


def test_curves_have_no_level_and_other_kinds_no_comparison() -> None:
    keys = {"id": "c", "kind": "roc", "outcome": "o", "event": "yes", "higher_means_event": ["x"]}
    assert Roc.model_validate({**keys, "parity": "compare"}).own_parity == "default"
    with pytest.raises(ValidationError, match="Extra inputs"):
        Roc.model_validate({**keys, "parity": "compare", "significance_level": 0.05})
    with pytest.raises(ValidationError, match="'spss', 'r' or 'default'"):
        SideBySide.model_validate(
            {"id": "s", "kind": "definitions", "outcomes": ["a", "b"], "parity": "compare"}
        )
