"""The bundled twin beside published cohorts: by the way it was made, its counts are those of the paper."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import polars as pl
import pytest

from cytopenia.workflow import analyze_study

EXAMPLE = Path(str(resources.files("cytopenia") / "data" / "example" / "published.toml"))


@pytest.fixture(scope="module")
def results() -> pl.DataFrame:
    return analyze_study(EXAMPLE).results.filter(group="published")


@pytest.mark.parametrize(
    ("analysis", "section", "counts", "size"),
    [
        ("prolonged", "qiu_recovery_day_28", 21, 60),  # Results of the paper: 21 of 60
        ("severe", "ctcae4_severe_neutropenia_day_28", 48, 63),  # and 48 of 63
    ],
)
def test_the_twin_is_graded_as_the_paper_did(results, analysis, section, counts, size):
    own = results.filter(analysis_id=analysis, stratum=section, variable="this_study")
    assert own.filter(estimate="graded_as_theirs")["value"].item() == 1
    of_policy = own.filter(scenario="policy")
    found = [of_policy.filter(estimate=name)["value"].item() for name in ("count", "denominator")]
    assert found == [counts, size]


def test_one_definition_in_three_lineages_is_found_as_one(results):
    own = results.filter(stratum="wang_day_28", variable="this_study")
    assert own.filter(estimate="outcome")["text"].item() == "wang_day_28"


def test_the_study_says_that_it_is_synthetic():
    assert "synthetic = true" in EXAMPLE.read_text("utf-8")
