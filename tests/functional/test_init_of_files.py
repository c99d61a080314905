"""`cytopenia init FILE`: what is proposed for files as they are, and that it reads what tidy tables say."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from clinic_sheets import (
    write_analytes_apart,
    write_days,
    write_long,
    write_patients_apart,
    write_wide,
    write_workbook,
)
from cytopenia.readers.sources import read_tables
from cytopenia.study.protocol import read_protocol
from study_files import change, write_study

Write = Callable[[Path], Path]


def read_labs(folder: Path) -> pl.DataFrame:
    """Patient, day, analyte and value as a study reads them."""
    study = read_protocol(folder)
    labs = read_tables(study.data_folder, study.protocol.data).labs
    return labs.select("patient_id", "day", "analyte", "value", "unit").sort("patient_id", "day", "analyte")


def read_data(folder: Path) -> dict[str, Any]:
    """The section [data] of a study file."""
    return tomllib.loads((folder / "study.toml").read_text("utf-8"))["data"]


def wide(path: Path) -> Path:
    return write_workbook(path, write_wide())


def days(path: Path) -> Path:
    sheets, merges = write_days()
    return write_workbook(path, sheets, merges=merges)


def patients_apart(path: Path) -> Path:
    return write_workbook(path, write_patients_apart())


def analytes_apart(path: Path) -> Path:
    return write_workbook(path, write_analytes_apart())


def long(path: Path) -> Path:
    return write_workbook(path, write_long())


@pytest.mark.parametrize("write", [wide, days, patients_apart, analytes_apart, long])
def test_the_proposal_reads_what_the_tidy_tables_say(command, tmp_path: Path, write: Write) -> None:
    path = write(tmp_path / "export.xlsx")
    answer = command("init", path)
    assert answer.code == 0
    assert read_data(tmp_path).get("questions") is None
    if write is long:
        change(tmp_path / "study.toml", 'folder = "."', 'folder = "."\nday_zero = "first"')
        tidy = read_labs(write_study(tmp_path / "tidy")).with_columns(pl.col("day") + 6)
    else:
        tidy = read_labs(write_study(tmp_path / "tidy"))
    assert_frame_equal(read_labs(tmp_path), tidy)
