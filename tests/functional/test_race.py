"""The race runs from end to end, and says so where a contender answers otherwise."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from processes import SOURCE

RACE = Path(__file__).parents[2] / "benchmarks" / "race"
TERMS = ("neutropenia", "anemia", "thrombocytopenia", "early", "late", "recovery")

# How often each contender has a row: one for each task it takes part in, and one for each size of the growth.
ROWS = {
    "cytopenia": 13,
    "the floor": 3,
    "DuckDB": 3,
    "R data.table": 3,
    "R dplyr": 1,
    "pandas": 1,
    "R cutpointr": 1,
    "R pROC": 1,
    "R rms": 1,
    "R brglm2": 1,
    "R mice": 2,
    "statsmodels": 1,
    "tableone": 1,
    "R tableone": 1,
}


@pytest.fixture(scope="module")
def agreement() -> ModuleType:
    spec = importlib.util.spec_from_file_location("agreement", RACE / "agreement.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.long
def test_every_row_comes_out_and_every_answer_is_equal(
    tmp_path: Path, find_program: Callable[[str], str]
) -> None:
    find_program("Rscript")
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, str(RACE), "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "RESULTS.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line[:2] == "| "
    ]
    rows = [row for row in rows if not {"Who", "---:"} & set(row)]
    names = [row[1] if row[0].replace(",", "").isdigit() else row[0] for row in rows]
    assert Counter(names) == ROWS
    for name, row in zip(names, rows, strict=True):
        alone = name in ("cytopenia", "the floor") and row[-1] == ""
        assert alone or row[-1].startswith("equal: ") or row[-1].endswith(" is not installed"), row
    assert page.count("equal: all 600 grades") == 4
    assert "currentColor" in (tmp_path / "RESULTS.svg").read_text("utf-8")


def test_numbers_agree_to_the_precision_asked_for(agreement: ModuleType) -> None:
    ours = {"cut": 0.5, "b of age": 1.0, "b of ecog": 2.0}
    within = {"cut": 1e-9, "b of *": 0.01}
    close = {"cut": 0.5, "b of age": 1.009, "b of ecog": 2.0}
    assert agreement.compare_numbers(ours, close, within) == "equal: cut to 1e-09; b of to 0.01"
    far = {"cut": 0.5, "b of age": 1.011}
    found = agreement.compare_numbers(ours, far, within)
    assert found == "differs: b of age 1.011, ours 1; b of ecog nan, ours 2"


def test_a_number_nobody_gave_is_no_agreement(agreement: ModuleType) -> None:
    assert agreement.compare_numbers({}, {}, {"area": 1e-9}) == "differs: area nan, ours nan"


def _write_grades(folder: Path, theirs: list[float | None]) -> None:
    (folder / "grades_ours").mkdir(exist_ok=True)
    pl.DataFrame({"patient_id": ["S1"]}).write_parquet(folder / "patients.parquet")
    keys = pl.DataFrame({"patient_id": ["S1"] * 6, "outcome": TERMS})
    ours = keys.with_columns(policy=pl.Series([4.0, 2.0, 0.0, 3.0, None, 1.0]))
    ours.write_parquet(folder / "grades_ours" / "outcomes_0.parquet")
    keys.head(len(theirs)).with_columns(grade=pl.Series(theirs)).write_csv(folder / "grades_other.csv")


@pytest.mark.parametrize(
    ("theirs", "says"),
    [
        ([4, 2, 0, 3, None, 1], "equal: all 6 grades"),
        ([4, 2, 0, 2, None, 1], "differs: 1 of 1 early"),
        ([4, 2, 0, 3, 0, 1], "differs: 1 of 1 late"),
        ([4, 2, 0, 3, None], "differs: 5 grades for 1 patients"),
    ],
)
def test_grades_are_compared_patient_by_patient(
    agreement: ModuleType, tmp_path: Path, theirs: list[float | None], says: str
) -> None:
    _write_grades(tmp_path, theirs)
    assert agreement.compare_grades(tmp_path, "other") == says
