"""A mapping that was passed on reaches files of the data folder only."""

from __future__ import annotations

from pathlib import Path

import pytest

from cytopenia.errors import ProtocolError, ReaderError
from cytopenia.one_file import FileOptions, build_section
from cytopenia.readers.mapping import DataSection, read_mapping
from cytopenia.readers.paths import find_inside, name_outside
from cytopenia.readers.sources import read_tables

LABS = "patient_id,day,analyte,value,unit\n1,0,ANC,0.5,K/uL\n"

LEADS_OUT = [
    "../labs.csv",
    "a/../../labs.csv",
    "/etc/passwd",
    "~/labs.csv",
    "C:\\labs.csv",
    "C:labs.csv",
    "\\\\server\\share\\labs.csv",
    "..\\labs.csv",
    "labs\0.csv",
]


@pytest.mark.parametrize("name", LEADS_OUT)
def test_what_leads_out(name: str) -> None:
    assert "leads out of the data folder" in name_outside(name)[0]


@pytest.mark.parametrize("name", ["labs.csv", "2024/labs.csv", "my..labs.csv", "...csv", "a b.xlsx"])
def test_what_stays_inside(name: str) -> None:
    assert name_outside(name) == []


@pytest.mark.parametrize("key", ["labs.file", "patients.file", "fhir.path"])
def test_a_mapping_file_is_refused_with_a_sentence(tmp_path: Path, key: str) -> None:
    table, _, name = key.partition(".")
    path = tmp_path / "map.toml"
    path.write_text(f'[{table}]\n{name} = "../../etc/passwd"\n')
    with pytest.raises(ProtocolError, match=rf"'{key}': '../../etc/passwd' leads out of the data folder; "):
        read_mapping(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "labs.csv").write_text(LABS)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize("link", ["file", "folder"])
def test_a_link_that_leads_out_is_refused(folder: Path, link: str) -> None:
    name, target = ("x.csv", "labs.csv") if link == "file" else ("x", "")
    (folder / name).symlink_to(folder.parent / "secret" / target)
    named = name if link == "file" else "x/labs.csv"
    section = DataSection.model_validate({"labs": {"file": named}})
    with pytest.raises(ReaderError, match=rf"\[data\.labs\] file: '{named}' leads out of the data folder"):
        read_tables(folder, section)
    resources = DataSection.model_validate({"fhir": {"path": named}})
    with pytest.raises(ReaderError, match=rf"\[data\.fhir\] path: '{named}' leads out of the data folder"):
        read_tables(folder, resources)


def test_a_link_that_stays_inside_and_a_folder_that_is_a_link_are_read(folder: Path) -> None:
    (folder / "real.csv").write_text(LABS)
    (folder / "x.csv").symlink_to(folder / "real.csv")
    (folder.parent / "linked").symlink_to(folder)
    section = DataSection.model_validate({"labs": {"file": "x.csv"}})
    assert read_tables(folder.parent / "linked", section).labs.height == 1


def test_a_link_to_itself_is_refused(folder: Path) -> None:
    (folder / "x.csv").symlink_to(folder / "x.csv")
    with pytest.raises(ReaderError, match=r"leads out of the data folder|no such file"):
        read_tables(folder, DataSection.model_validate({"labs": {"file": "x.csv"}}))


def test_a_command_may_name_files_anywhere(folder: Path) -> None:
    labs, events = folder.parent / "secret" / "labs.csv", folder / "events.csv"
    events.write_text("patient_id,day,kind\n1,30,death\n")
    section = build_section(FileOptions(labs=labs, tables={"events": events}))
    tables = read_tables(labs, section)
    assert (tables.labs.height, tables.events.height) == (1, 1)
    assert find_inside(folder, str(labs), "[data.labs] file") == labs
