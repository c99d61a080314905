"""The pages of docs/definitions: current, complete, and what they tell the reader to type works."""

from __future__ import annotations

import csv
import importlib.util
import re
import shlex
import shutil
import sys
import tomllib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from cytopenia.definition_forms import NotDefinable
from cytopenia.definitions import load_library
from cytopenia.study.plan import build_plan
from cytopenia.study.protocol import read_protocol

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "definitions"
LIBRARY = load_library()
NAMES = sorted(LIBRARY.definitions)
SETTINGS = {"baseline", "bounds", "gates"}
GRADING = [name for name in NAMES if LIBRARY.find(name).kind not in {*SETTINGS, "not_definable"}]
HEAD = "[study]\ntitle = 'Page'\nseed = 1\nlymphodepletion_day = -5\n\n[data]\nfolder = '.'\n\n"
HEADERS = {
    "events": "patient_id,day,kind\n",
    "support": "patient_id,start,stop,kind,agent\n",
}


@cache
def scripts() -> tuple[ModuleType, ModuleType]:
    """The script, and its module of examples; they find each other beside themselves."""
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        path = ROOT / "scripts" / "make_reference.py"
        spec = importlib.util.spec_from_file_location("make_reference", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module, sys.modules["reference_cases"]
    finally:
        sys.path.remove(str(ROOT / "scripts"))


@cache
def examples() -> dict[str, list[Any]]:
    return scripts()[1].read_examples()


def read_page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text("utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)\n```", read_page(name), re.DOTALL)


def test_the_pages_are_current():
    module = scripts()[0]
    assert module.find_stale(module.make_reference()) == []


def test_a_page_that_is_not_current_is_named(tmp_path, monkeypatch):
    module = scripts()[0]
    shutil.copytree(PAGES, tmp_path / "pages")
    monkeypatch.setattr(module, "FOLDER", tmp_path / "pages")
    (tmp_path / "pages" / "gone.md").write_text("x")
    (tmp_path / "pages" / "easix.md").write_text("x")
    (tmp_path / "pages" / "baseline.md").unlink()
    assert module.find_stale(module.make_reference()) == ["baseline.md", "easix.md", "gone.md"]


def test_every_definition_has_a_page_and_a_row_of_the_index():
    assert sorted(path.stem for path in PAGES.glob("*.md")) == ["README", *NAMES]
    index = (PAGES / "README.md").read_text("utf-8")
    assert [name for name in NAMES if f"| [`{name}`]({name}.md) |" not in index] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_page_has_citation_status_and_use(name):
    definition, page = LIBRARY.find(name), read_page(name)
    assert f"| Status | **{definition.status}**: " in page
    assert f"| Source | {definition.citation.text}" in page
    doi = definition.citation.doi
    assert doi is None or f"(https://doi.org/{doi})" in page
    assert "## How to use it" in page


@pytest.mark.parametrize("name", GRADING)
def test_every_definition_that_grades_patients_has_a_worked_example(name):
    page = read_page(name)
    assert examples()[name]
    for example in examples()[name]:
        case = example.case
        assert f"This is case `{case['id']}` of" in page
        assert case["arithmetic"].replace("<", "&lt;").replace("*", "\\*") in page
        assert (ROOT / "conformance" / example.folder / "cases.toml").exists()


def test_every_official_sentence_of_a_grade_stands_on_its_page():
    for name in NAMES:
        for part in getattr(LIBRARY.find(name), "parts", {}).values():
            for rule in part.grades:
                assert f"“{rule.text.replace('<', '&lt;')}”" in read_page(name), (name, rule.text)


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name):
    for target in re.findall(r"\]\(([^)#]+)\)", read_page(name)):
        assert target.startswith("https://") or (PAGES / target).exists(), target


@pytest.mark.parametrize("name", NAMES)
def test_the_section_of_a_study_file_can_be_planned(name, tmp_path):
    for text in blocks(name, "toml"):
        if LIBRARY.find(name).kind in SETTINGS:
            (tmp_path / "definitions").mkdir()
            (tmp_path / "definitions" / f"{name}.toml").write_text(text, "utf-8")
            assert load_library(tmp_path).find(name) == LIBRARY.find(name)
            continue
        (tmp_path / "study.toml").write_text(HEAD + text + "\n", "utf-8")
        copy_coefficients(name, tmp_path)
        plan = build_plan(read_protocol(tmp_path / "study.toml"))
        assert [*plan.specs] == [*tomllib.loads(text).get("outcomes", {})]
    assert blocks(name, "toml") or LIBRARY.find(name).kind in {"bedside", "not_definable"}


def copy_coefficients(name: str, folder: Path) -> None:
    path = ROOT / "conformance" / name / "coefficients.toml"
    if path.exists():
        shutil.copy(path, folder / "coefficients.toml")


def write_tables(example: Any, folder: Path) -> None:
    """The rows of the example under the names of the command; a minute becomes a time of day."""
    names = {"findings": "bedside"}
    for name, rows in example.tables.items():
        fields = [key for key in rows[0] if key != "minute"]
        timed = "minute" in rows[0]
        with (folder / f"{names.get(name, name)}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*fields, *(["time"] if timed else [])])
            for row in rows:
                minute = row.get("minute")
                time = f"{int(minute) // 60:02d}:{int(minute) % 60:02d}" if minute else ""
                writer.writerow([*(row[key] for key in fields), *([time] if timed else [])])
    for name, header in HEADERS.items():
        if not (folder / f"{name}.csv").exists():
            (folder / f"{name}.csv").write_text(header, "utf-8")


CASES = [
    pytest.param(name, place, id=f"{name}-{place}")
    for name in GRADING
    for place in range(len(examples()[name]))
]


@pytest.mark.parametrize(("name", "place"), CASES)
def test_the_command_gives_the_answer_of_the_worked_example(command, monkeypatch, tmp_path, name, place):
    example = examples()[name][place]
    monkeypatch.chdir(tmp_path)
    write_tables(example, tmp_path)
    copy_coefficients(name, tmp_path)
    (text,) = blocks(name, "sh")
    words = shlex.split(text.replace("\\\n", ""))
    assert words[0] == "cytopenia"
    answer = command(*words[1:])
    assert answer.code == 0, answer.err
    expected = example.case["policy"]
    if "values" in example.tables:
        assert say_score(expected) in answer.out
    else:
        assert read_answer(tmp_path, example) == expected


def say_score(expected: float) -> str:
    return f"{expected:.1%}" if expected == 0.5 else f": {expected:g}"


def read_answer(folder: Path, example: Any) -> object:
    """What the written file says of the one patient, for the part of the example."""
    patients = folder / "graded_patients.csv"
    table = pl.read_csv(patients if patients.exists() else folder / "graded.csv")
    if "policy" not in table.columns:
        return table["grade"].max()
    if example.part and "outcome" in table.columns and table.height > 1:
        table = table.filter(pl.col("outcome").str.contains(example.part))
    row = table.row(0, named=True)
    return row["label"] if row["policy"] is None or isinstance(example.case["policy"], str) else row["policy"]


def test_what_cannot_be_computed_says_why(command):
    definition = LIBRARY.find("not_definable")
    assert isinstance(definition, NotDefinable)
    (text,) = blocks("not_definable", "sh")
    answer = command(*shlex.split(text)[1:])
    assert answer.code != 0
    assert definition.entries[0].reason in answer.err
