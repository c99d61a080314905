"""`cytopenia simulate`: a folder that runs as a study at once, and nothing else is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

Command = Callable[..., Any]


@pytest.fixture
def folder(command: Command, tmp_path: Path) -> Path:
    answer = command("simulate", "--patients", 40, "--seed", 1, "--out", tmp_path / "synthetic")
    assert answer.code == 0
    assert "patients 40" in answer.out
    assert "Synthetic data: every patient is invented." in answer.out
    assert f'cytopenia run "{tmp_path / "synthetic"}"' in answer.out
    return tmp_path / "synthetic"


def test_a_simulated_folder_passes_the_checks(folder: Path, command: Command) -> None:
    answer = command("check", folder)
    assert answer.code == 0
    *findings, page = answer.out.splitlines()
    assert {line.split()[0] for line in findings} == {"info"}
    assert page.startswith("Page:")


@pytest.mark.long
def test_a_simulated_folder_runs_as_a_study(folder: Path, command: Command) -> None:
    assert command("run", folder).code == 0
    outcomes = pl.read_csv(folder / "results" / "outcomes.csv")
    assert outcomes["patient_id"].n_unique() == 40
    report = (folder / "results" / "report.html").read_text("utf-8")
    assert "synthetic" in report.lower()


def test_a_folder_with_results_is_not_replaced(folder: Path, command: Command) -> None:
    (folder / "results").mkdir()
    refused = command("simulate", "--patients", 40, "--seed", 1, "--out", folder)
    assert refused.code == 15
    assert "(results)" in refused.err


def test_json_says_what_was_written(command: Command, tmp_path: Path) -> None:
    answer = command(
        "simulate", "--patients", 3, "--seed", 1, "--out", tmp_path / "c", "--schedule", "weekly", "--json"
    )
    told = json.loads(answer.out)
    assert told["synthetic"] is True
    assert told["rows"]["patients"] == 3
    assert told["rows"]["labs"] == pl.read_parquet(tmp_path / "c" / "labs.parquet").height


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--patients", "0", "--seed", "1"), 10, "patients is 0, seed is 1; allowed: at least 1 patient"),
        (("--patients", "5", "--seed", "-1"), 10, "seed is -1"),
        (("--patients", "5", "--seed", "1", "--schedule", "clinik"), 10, "did you mean 'clinic'?"),
        (("--patients", "5"), 2, "seed"),
    ],
)
def test_wrong_use_is_said(
    options: tuple[str, ...], code: int, words: str, command: Command, tmp_path: Path
) -> None:
    answer = command("simulate", *options, "--out", tmp_path / "c")
    assert answer.code == code
    assert words in answer.err + answer.out
    assert not (tmp_path / "c").exists()


def test_the_help_has_an_example(command: Command) -> None:
    assert "cytopenia simulate --patients 500 --seed 1" in command("simulate", "--help").out
