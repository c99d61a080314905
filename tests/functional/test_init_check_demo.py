"""The commands around a run: a first study file, a look at the data, a demonstration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cytopenia.study.protocol import read_protocol
from study_files import change

pytestmark = pytest.mark.usefixtures("one_picture")


def test_init_in_an_empty_folder(command, tmp_path: Path) -> None:
    answer = command("init", tmp_path / "new")
    assert answer.code == 0
    assert read_protocol(tmp_path / "new").protocol.study.support_complete is False
    assert "labs: not found (needed" in answer.out


def test_init_gives_empty_tables_apart_from_the_study(command, tmp_path: Path) -> None:
    command("init", tmp_path)
    names = sorted(path.name for path in (tmp_path / "empty_tables").iterdir())
    assert names == [
        "events.csv",
        "infusions.csv",
        "labs.csv",
        "patients.csv",
        "responses.csv",
        "support.csv",
    ]
    header = (tmp_path / "empty_tables" / "labs.csv").read_text("utf-8")
    assert header == "patient_id,day,date,time,analyte,value,unit,lln,uln,invalid\n"


def test_empty_tables_are_not_taken_for_data(command, tmp_path: Path) -> None:
    command("init", tmp_path)
    assert "no labs table was found" in command("check", tmp_path).err


def test_init_in_a_folder_with_tables(command, study: Path) -> None:
    (study / "study.toml").unlink()
    (study / "export 2024.xlsx").write_bytes(b"")
    answer = command("init", study)
    assert answer.code == 0
    assert "labs: labs.csv\n" in answer.out
    assert "responses: not found (optional)\n" in answer.out
    assert (
        'Other tables here: export 2024.xlsx. Name one under [data.labs] file = "..." if needed.'
        in answer.out
    )
    assert not (study / "empty_tables").exists()


@pytest.mark.usefixtures("tables_alone")
def test_the_study_of_init_runs(command, study: Path) -> None:
    (study / "study.toml").unlink()
    command("init", study)
    assert command("run", study).code == 0


def test_the_study_of_init_guesses_no_day_of_lymphodepletion(command, study: Path) -> None:
    (study / "study.toml").unlink()
    (study / "infusions.csv").write_text("patient_id,infusion_date\nA,2024-01-10\n", encoding="utf-8")
    command("init", study)
    assert "\n# lymphodepletion_day = -5\n" in (study / "study.toml").read_text("utf-8")
    assert "need the start of lymphodepletion" in command("run", study).err


def test_the_study_of_init_shows_the_keys_of_a_difficult_file(command, tmp_path: Path) -> None:
    command("init", tmp_path)
    text = (tmp_path / "study.toml").read_text("utf-8")
    assert all(f"\n# {key} = " in text for key in ("default_units", "decimal", "date_format"))


def test_init_keeps_a_study_file(command, study: Path) -> None:
    before = (study / "study.toml").read_bytes()
    assert command("init", study).code == 15
    assert (study / "study.toml").read_bytes() == before


def test_init_replaces_a_study_file_by_force(command, study: Path) -> None:
    assert command("init", study, "--force").code == 0
    assert "Every choice stands here" in (study / "study.toml").read_text("utf-8")


def test_init_of_a_file_keeps_a_study_file(command, study: Path) -> None:
    before = (study / "study.toml").read_bytes()
    answer = command("init", study / "labs.csv")
    assert answer.code == 15
    assert "study.toml: is there already" in answer.err
    assert (study / "study.toml").read_bytes() == before


def test_init_where_nothing_can_be_written(command, study: Path) -> None:
    answer = command("init", study / "labs.csv" / "new")
    assert answer.code == 15
    assert "cannot be written" in answer.err


def test_check_lists_findings_and_changes_nothing(command, study: Path) -> None:
    before = {path: path.read_bytes() for path in study.iterdir()}
    answer = command("check", study / "study.toml", "--no-page")
    assert answer.code == 0
    assert "info    labs: 63 rows were read from labs.csv.\n" in answer.out
    assert "labs: labs:" not in answer.out
    assert {path: path.read_bytes() for path in study.iterdir()} == before


def test_check_accepts_a_folder(command, study: Path) -> None:
    assert command("check", study).out == command("check", study / "study.toml").out


def test_check_for_machines(command, study: Path) -> None:
    answer = command("check", study, "--json")
    rows = [json.loads(line) for line in answer.out.splitlines()]
    assert {row["severity"] for row in rows} == {"info"}
    assert list(rows[0]) == ["table", "row", "column", "rule", "severity", "rows", "message"]


def test_check_fails_on_an_error(command, study: Path) -> None:
    change(study / "patients.csv", "B,48,male", "B,48,male\nB,48,male")
    answer = command("check", study)
    assert answer.code == 10
    assert answer.out.startswith("error   patients: 1 patient has more than one row.")


def test_check_knows_the_names_in_the_study_file(command, study: Path) -> None:
    change(study / "study.toml", '"sex"]', '"gender"]')
    answer = command("check", study)
    assert answer.code == 13
    assert "no factor 'gender'" in answer.err


def test_the_demo_where_a_file_is(command, study: Path) -> None:
    answer = command("demo", "--out", study / "labs.csv")
    assert answer.code == 15
    assert "cannot be written" in answer.err


@pytest.mark.parametrize("name", ["study.toml", "labs.csv"])
def test_a_file_that_cannot_be_read(name: str, command, study: Path) -> None:
    (study / name).unlink()
    (study / name).mkdir()
    answer = command("check", study / "study.toml")
    assert answer.code in (13, 14)
