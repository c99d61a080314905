"""Severe cytopenias together, counted by hand; and the groups of the trajectories."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest

from cytopenia.errors import ProtocolError
from cytopenia.study.lineage_overlap import count_overlap
from cytopenia.study.plan import Plan
from cytopenia.workflow import analyze_study
from study_files import write_study

POLICIES = {
    "severe_neutropenia": {"a": 1.0, "b": 1.0, "c": 0.0, "d": 1.0, "e": 0.0},
    "severe_anemia": {"a": 1.0, "b": 1.0, "c": 0.0, "d": 0.0, "e": None},
}


def plan_of(**least: int | None) -> Plan:
    analytes = {"severe_neutropenia": "anc", "severe_anemia": "hemoglobin"}
    grades = [
        SimpleNamespace(part=SimpleNamespace(analyte=analytes[name]), outcomes=(name,)) for name in least
    ]
    specs = {name: SimpleNamespace(min_grade=grade) for name, grade in least.items()}
    return cast("Plan", cast("Any", SimpleNamespace(grades=grades, specs=specs)))


OUTCOMES = pl.DataFrame(
    [(patient, name, value) for name, of in POLICIES.items() for patient, value in of.items()],
    schema={"patient_id": pl.String, "outcome": pl.String, "policy": pl.Float64},
    orient="row",
)


def test_each_combination_is_counted_once_and_the_unknown_apart() -> None:
    found = count_overlap(plan_of(severe_neutropenia=3, severe_anemia=3), OUTCOMES)
    assert found.rows() == [
        ("combination", "severe_neutropenia|severe_anemia", 2),
        ("combination", "", 1),
        ("combination", "severe_neutropenia", 1),
        ("set", "severe_neutropenia", 3),
        ("set", "severe_anemia", 2),
        ("left out", "", 1),
    ]


def test_one_lineage_overlaps_with_nothing() -> None:
    assert count_overlap(plan_of(severe_neutropenia=3), OUTCOMES).is_empty()
    assert count_overlap(plan_of(severe_neutropenia=3, severe_anemia=None), OUTCOMES).is_empty()


def name_groups(folder: Path, name: str) -> Path:
    study = write_study(folder) / "study.toml"
    text = study.read_text("utf-8")
    study.write_text(f'{text}\n[report]\ntrajectories_by = "{name}"\n', encoding="utf-8")
    return study


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sexx", r"report: trajectories_by names 'sexx' \(did you mean 'sex'\?\); it must be a column"),
        ("age_years", "report: trajectories_by = 'age_years' has numbers, which make no groups"),
    ],
)
def test_groups_that_are_none(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        analyze_study(name_groups(tmp_path / "study", name))


def test_the_groups_of_a_day_sum_to_the_cohort(tmp_path: Path) -> None:
    run = analyze_study(name_groups(tmp_path / "study", "sex"))
    by_day = run.figure_frames["groups"].group_by("analyte", "day").agg(pl.col("n_observed").sum())
    whole = run.results.filter(
        pl.col("analysis_id") == "trajectories", pl.col("estimate") == "n_observed"
    ).select(
        analyte="variable",
        day=pl.col("variable_level").cast(pl.Int32),
        all=pl.col("value").cast(pl.Int64),
    )
    joined = by_day.join(whole, on=["analyte", "day"])
    assert joined.height == whole.height > 0
    assert joined["n_observed"].to_list() == joined["all"].to_list()
