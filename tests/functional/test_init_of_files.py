"""`cytopenia init FILE`: what is proposed for files as they are, and that it reads what tidy tables say."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from cdisc_files import LB, write_json
from clinic_sheets import (
    write_analytes_apart,
    write_days,
    write_long,
    write_patients_apart,
    write_wide,
    write_workbook,
)
from cytopenia.errors import ProtocolError
from cytopenia.readers.sources import read_tables
from cytopenia.readers.tabular import read_labs as read_labs_of_file
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


@pytest.mark.long
@pytest.mark.usefixtures("one_picture", "tables_alone")
def test_a_workbook_runs_as_it_is(command, tmp_path: Path) -> None:
    command("init", wide(tmp_path / "export.xlsx"))
    assert command("check", tmp_path).code == 0
    assert command("run", tmp_path).code == 0


def test_a_damaged_file_is_named_and_the_others_are_proposed(command, tmp_path: Path) -> None:
    wide(tmp_path / "export.xlsx")
    (tmp_path / "broken.xlsx").write_bytes(b"no workbook here")
    answer = command("init", tmp_path)
    assert answer.code == 0
    assert "Not read: broken.xlsx: " in answer.out
    assert read_data(tmp_path)["labs"]["file"] == "export.xlsx"


def test_every_column_is_shown(command, tmp_path: Path) -> None:
    out = command("init", wide(tmp_path / "export.xlsx")).out
    for heading in ("Pat.-Nr.", "Abnahmedatum", "Hb [g/dl]", "Alter", "Beginn LD", "Maßnahme", "Präparat"):
        assert heading in out
    assert "hemoglobin in g/dl" in out
    assert "heading names hemoglobin, unit g/dl is listed; 21 values, 21 of them possible" in out


def test_every_line_carries_its_evidence(command, tmp_path: Path) -> None:
    command("init", wide(tmp_path / "export.xlsx"))
    text = (tmp_path / "study.toml").read_text("utf-8")
    section = text[text.index("[data.patients]") : text.index("[cohort]")]
    lines = [line for line in section.splitlines() if line and not line.startswith(("[", "#"))]
    assert lines
    assert all("  # " in line for line in lines)


def test_an_open_question_stops_a_run_and_its_answer_lets_it_go(command, tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("MRN,Day,ANC (G/L),Hb\n1,0,1.2,9.1\n1,7,0.2,8.4\n2,0,2.1,10.3\n", encoding="utf-8")
    answer = command("init", path)
    assert "1 question is open: answer there." in answer.out
    stopped = command("check", tmp_path)
    assert stopped.code == 13
    assert "the unit of 'Hb' is not stated (export.csv)" in stopped.err
    with pytest.raises(ProtocolError, match="Questions of the mapping are open"):
        read_labs_of_file(path, read_protocol(tmp_path).protocol.data)
    study = tmp_path / "study.toml"
    text = study.read_text("utf-8")
    text = text.replace("# hemoglobin = ", "hemoglobin = ").replace(
        "# lymphodepletion_day", "lymphodepletion_day"
    )
    start, end = text.index("questions = ["), text.index("\n]\n") + 2
    study.write_text(text[:start] + text[end:], encoding="utf-8")
    assert command("check", tmp_path).code == 0
    assert read_labs(tmp_path).filter(analyte="hemoglobin")["value"].to_list() == [91.0, 84.0, 103.0]


def test_a_folder_of_files_that_are_called_otherwise(command, tmp_path: Path) -> None:
    labs = "MRN,Datum,ANC (G/L)\n1,2024-01-17,0.2\n1,2024-01-19,0.4\n2,2024-02-12,1.2\n"
    (tmp_path / "Laborexport.csv").write_text(labs, encoding="utf-8")
    patients = "MRN;Alter;Infusionsdatum\n1;60;10.01.2024\n2;61;01.02.2024\n"
    (tmp_path / "Liste.csv").write_text(patients, encoding="utf-8")
    assert command("init", tmp_path).code == 0
    data = read_data(tmp_path)
    assert data["labs"]["file"] == "Laborexport.csv"
    assert data["patients"]["columns"] == {
        "patient_id": "MRN",
        "age_years": "Alter",
        "infusion_date": "Infusionsdatum",
    }
    assert read_labs(tmp_path)["day"].to_list() == [7, 9, 11]


def test_a_heading_steers_neither_the_terminal_nor_the_study_file(command, tmp_path: Path) -> None:
    heading = 'ANC [red]"\x1b[31m (G/L)'
    header = f'ID,Day,"{heading.replace(chr(34), chr(34) * 2)}",Hb (g/dL)'
    (tmp_path / "export.csv").write_text(f"{header}\n1,0,1.2,9.1\n1,7,0.2,8.4\n", encoding="utf-8")
    answer = command("init", tmp_path / "export.csv")
    assert answer.code == 0
    assert "\x1b" not in answer.out
    assert "[red]" in answer.out
    assert "\x1b" not in (tmp_path / "study.toml").read_text("utf-8")
    assert read_data(tmp_path)["labs"]["wide"]["hemoglobin"]["column"] == "Hb (g/dL)"


def test_a_file_without_a_table(command, tmp_path: Path) -> None:
    write_workbook(tmp_path / "empty.xlsx", {"Sheet1": []})
    answer = command("init", tmp_path / "empty.xlsx")
    assert answer.code == 14
    assert "empty.xlsx: there is no table in it" in answer.err
    assert not (tmp_path / "study.toml").exists()


def test_a_folder_of_a_standard_is_left_to_its_reader(command, tmp_path: Path) -> None:
    write_json(tmp_path, "lb", LB)
    (tmp_path / "other.csv").write_text("ID,Day,ANC (G/L)\n1,0,1.2\n1,7,0.2\n", encoding="utf-8")
    assert command("init", tmp_path).code == 0
    assert "labs" not in read_data(tmp_path)


def test_a_folder_with_a_dot_in_its_name(command, tmp_path: Path) -> None:
    assert command("init", tmp_path / "cohort.2024").code == 0
    assert (tmp_path / "cohort.2024" / "study.toml").exists()
    assert "export.csv: no such file" in command("init", tmp_path / "export.csv").err


def test_a_table_of_ours_beside_the_file_is_told(command, tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("ID,Date,ANC (G/L)\n1,2024-01-12,1.2\n", encoding="utf-8")
    (tmp_path / "infusions.csv").write_text("patient_id,infusion_date\n1,2024-01-10\n", encoding="utf-8")
    out = command("init", tmp_path / "export.csv").out
    assert "infusions.csv lies there too, and is read as infusions by its name." in out
    assert "No date of infusion" not in out
    assert read_labs(tmp_path)["day"].to_list() == [2]
