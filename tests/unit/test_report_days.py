"""The days of the patient-by-day map: what each day was, its value and the grade that is certain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from cytopenia.contract import require_tables
from cytopenia.readers.sources import read_tables
from cytopenia.study import days
from cytopenia.study.protocol import read_protocol
from cytopenia.study.run import StudyRun, run_plan

STUDY = """
[study]
title = "t"
seed = 1
bound_anc_by_wbc = true
[data]
folder = "."
[outcomes.neutropenia]
definition = "ctcae_v4.neutrophil_count_decreased"
window = [0, 6]
[[analyses]]
id = "occurrence"
kind = "occurrence"
outcomes = ["neutropenia"]
"""

Labs = Sequence[tuple[str, int, str, str]]


def run(folder: Path, labs: Labs) -> StudyRun:
    """Run a study of labs given as (patient, day, analyte, printed value), the lower limit of normal 2.0."""
    lines = [
        "patient_id,day,analyte,value,unit,lln",
        *(f"{','.join(map(str, row))},1e9/L,2.0" for row in labs),
    ]
    folder.joinpath("labs.csv").write_text("\n".join(lines), "utf-8")
    folder.joinpath("study.toml").write_text(STUDY, "utf-8")
    study = read_protocol(folder / "study.toml")
    return run_plan(study, require_tables(read_tables(study.data_folder, study.protocol.data)))


def days_of(folder: Path, labs: Labs) -> list[tuple[str, float | None, int | None]]:
    """Return (state, value, grade) of each day of the only patient."""
    return list(run(folder, labs).patient_days.sort("day").select("state", "value", "grade").iter_rows())


@pytest.mark.parametrize(
    ("printed", "value", "grade"),
    [("0.4", 0.4, 4), ("0.5", 0.5, 3), ("<0.5", 0.5, 4), ("1.2", 1.2, 2), ("3.0", 3.0, None)],
)
def test_white_cells_alone_give_the_grade_that_is_certain(
    tmp_path: Path, printed: str, value: float, grade: int | None
) -> None:
    found = days_of(tmp_path, [("a", 0, "anc", "2.5"), ("a", 3, "wbc", printed)])
    assert found[3] == ("wbc_bound", value, grade)


@pytest.mark.parametrize(
    ("printed", "value", "grade"),
    [
        ("0.5", 0.5, 3),
        ("<0.5", 0.5, 4),
        ("<0.6", 0.6, 3),
        (">1.2", 1.2, None),
        (">4", 4.0, 0),
        ("2.5", 2.5, 0),
    ],
)
def test_a_measured_day_keeps_its_open_end(
    tmp_path: Path, printed: str, value: float, grade: int | None
) -> None:
    assert days_of(tmp_path, [("a", 0, "anc", printed)])[0] == ("measured", value, grade)


def test_a_measured_day_is_not_bounded_by_white_cells(tmp_path: Path) -> None:
    found = days_of(tmp_path, [("a", 2, "anc", "1.7"), ("a", 2, "wbc", "0.4")])
    assert found[2] == ("measured", 1.7, 1)


def test_days_without_any_count_have_neither_value_nor_grade(tmp_path: Path) -> None:
    found = days_of(tmp_path, [("a", 0, "anc", "2.5"), ("a", 2, "anc", "2.5")])
    assert found[1:] == [("short_gap", None, None), ("measured", 2.5, 0), *[("open", None, None)] * 4]


def test_trajectories_take_measured_days_only(tmp_path: Path) -> None:
    results = run(tmp_path, [("a", 0, "anc", "2.5"), ("a", 3, "wbc", "0.4")]).results
    day = results.filter(analysis_id="trajectories", variable_level="3", estimate="n_observed")
    assert day["value"].to_list() == [0]


def test_a_large_cohort_is_cut_to_the_highest_grades(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "MAP_PATIENTS", 3)
    values = {"a": "2.5", "b": "0.7", "c": "0.1", "d": "1.8", "e": "0.7", "f": "0.2", "g": "0.6"}
    labs = [(patient, 0, "anc", value) for patient, value in values.items()]
    kept = run(tmp_path, labs).patient_days
    assert kept["patient_id"].unique(maintain_order=True).to_list() == ["b", "c", "f"]
    assert kept.filter(day=0)["value"].to_list() == [0.7, 0.1, 0.2]


def test_the_choice_of_patients_does_not_depend_on_the_order_of_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(days, "MAP_PATIENTS", 4)
    labs = [(f"p{place}", 0, "anc", f"0.{place % 3 + 3}") for place in range(9)]
    forward, backward = run(tmp_path, labs).patient_days, run(tmp_path, labs[::-1]).patient_days
    assert forward.equals(backward)
    assert forward["patient_id"].unique(maintain_order=True).to_list() == ["p0", "p1", "p3", "p4"]


def test_patients_not_judged_come_after_the_graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "MAP_PATIENTS", 1)
    frame = run(tmp_path, [("a", 0, "wbc", "8.0"), ("b", 0, "anc", "1.9")]).patient_days
    assert frame["patient_id"].unique().to_list() == ["b"]


def test_the_map_has_the_columns_of_its_schema(tmp_path: Path) -> None:
    frame = run(tmp_path, [("a", 0, "anc", "1.0")]).patient_days
    assert frame.schema == pl.Schema(days.PATIENT_DAY_SCHEMA)
