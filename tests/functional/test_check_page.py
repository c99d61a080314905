"""The page of `check` as a file: where it goes, what it never replaces, and that it comes with errors too."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import cytopenia
from cytopenia.check_file import require_own_page, write_check
from cytopenia.errors import OutputError
from study_files import SECRET, STUDY, change

ALL = (
    *("At a glance", "Coverage", "Units", "Values", "Limits of normal", "Days the grading cannot see"),
    *("Support, events, infusions", "All findings"),
)
HOSTILE = '<script>alert("x")</script>'


class Page(HTMLParser):
    """Headings, tags and text of a page, and the rows of its tables by the id around them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.headings: list[str] = []
        self.rows: dict[str, list[list[str]]] = {}
        self._table, self._cell, self._heading = "", False, False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        if tag == "div" and (found.get("class") or "").startswith("table"):
            self._table = found.get("id") or ""
            self.rows[self._table] = []
        elif tag == "tr":
            self.rows[self._table].append([])
        elif tag in {"td", "th"}:
            self._cell = True
            self.rows[self._table][-1].append("")
        elif tag == "h2":
            self._heading = True
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._cell = False
        elif tag == "h2":
            self._heading = False

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.rows[self._table][-1][-1] += data
        if self._heading:
            self.headings[-1] += data

    def row(self, table: str, header: str) -> list[str]:
        """Return the cells of the row with this header, without blanks around them."""
        rows = [[" ".join(cell.split()) for cell in row] for row in self.rows[table]]
        return next(row[1:] for row in rows if row and row[0].startswith(header))


def read(path: Path) -> Page:
    return Page(path.read_text("utf-8"))


def test_the_page_stands_beside_the_study_file(command, study: Path) -> None:
    answer = command("check", study / "study.toml")
    assert answer.code == 0
    assert answer.out.endswith(f"Page:   {study / 'check.html'}\n")
    assert read(study / "check.html").headings == ["Contents", *ALL]


def test_the_page_goes_where_it_is_sent(command, study: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "quality.html"
    command("check", study, "--out", target)
    assert target.is_file()
    assert not (study / "check.html").exists()
    assert [path.name for path in target.parent.iterdir()] == ["quality.html"]


def test_json_is_alone_and_writes_only_what_is_asked_for(command, study: Path) -> None:
    alone = command("check", study, "--json").out
    assert not (study / "check.html").exists()
    assert command("check", study, "--json", "--out", study / "check.html").out == alone
    assert (study / "check.html").is_file()
    assert len([json.loads(line) for line in alone.splitlines()]) == len(alone.splitlines())


def test_an_older_page_is_replaced(command, study: Path) -> None:
    command("check", study)
    first = (study / "check.html").read_bytes()
    command("check", study)
    assert (study / "check.html").read_bytes() == first
    change(study / "study.toml", "Three invented patients", "Three other patients")
    command("check", study)
    assert b"Three other patients" in (study / "check.html").read_bytes()


@pytest.mark.parametrize("option", [(), ("--out", "check.html")])
def test_a_file_of_somebody_else_is_kept(option, command, study: Path, monkeypatch) -> None:
    monkeypatch.chdir(study)
    (study / "check.html").write_text("<p>my own</p>", "utf-8")
    answer = command("check", study, *option)
    assert answer.code == 15
    assert "is no page of cytopenia check, and would be replaced" in answer.err
    assert (study / "check.html").read_text("utf-8") == "<p>my own</p>"


def test_the_findings_are_printed_before_the_page_fails(command, study: Path) -> None:
    (study / "check.html").mkdir()
    answer = command("check", study)
    assert answer.code == 15
    assert "is a folder. Name a file with --out." in answer.err
    assert "63 rows were read from labs.csv" in answer.out


def test_no_table_is_overwritten(command, study: Path) -> None:
    before = (study / "labs.csv").read_bytes()
    answer = command("check", study, "--out", study / "labs.csv")
    assert answer.code == 15
    assert "the page is written as .html" in answer.err
    assert (study / "labs.csv").read_bytes() == before


def test_a_folder_that_cannot_be_written(command, study: Path) -> None:
    answer = command("check", study, "--out", study / "labs.csv" / "check.html")
    assert answer.code == 15
    assert "cannot be written" in answer.err


def test_the_public_function(study: Path) -> None:
    assert cytopenia.write_check(study) == study / "check.html"
    with pytest.raises(OutputError, match=r"the page is written as \.html"):
        write_check(study, out=study / "page.pdf")
    (study / "own.html").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        require_own_page(study / "own.html")


def test_the_numbers_on_the_page(study: Path) -> None:
    """Counted by hand in tests/unit/test_data_quality.py; here they stand in their cells."""
    page = read(write_check(study))
    assert page.row("tables-read", "Labs") == ["63", "3"]
    assert page.row("covered", "Platelet count") == ["119", "21 (17.6%)", "75 (63.0%)", "23 (19.3%)", "0/3"]
    assert page.row("units-found", "10^9/L") == ["21", "as it is", "21", "0", "1.3 ×10⁹/L"]
    assert page.row("values-1", "Judged") == ["21", "21", "21"]
    assert page.row("limits-found", "Hemoglobin") == ["21", "0", "120 (21, 3)", "0", "21", "–"]
    windows = ["79", "18 (22.8%)", "0", "60", "1", "0", "8", "1/3", "0/3"]
    assert page.row("windows", "Hemoglobin, days 0 to 28") == windows
    assert page.row("weekdays", "Wednesday")[0].startswith("7 (")
    assert page.row("ends", "Died") == ["1", "19"]
    assert page.row("facts", "Died") == ["1/3"]
    assert page.row("support-found", "G-CSF") == ["1", "1", "0", "0", "0"]
    assert page.row("events-found", "Last contact") == ["2", "2", "0", "2"]


def test_columns_stand_under_their_lineage(study: Path) -> None:
    """Only hemoglobin is measured on day 3, so that the columns differ."""
    with (study / "labs.csv").open("a", encoding="utf-8") as file:
        file.write("A,3,Hb,100,g/L,\nA,4,Hb,100,g/L,\n")
    page = read(write_check(study))
    for table, header, cells in (
        ("covered-weeks", "Days 0 to 6", {"Hemoglobin": "23.8%", "Platelet count": "14.3%"}),
        ("weekdays", "Saturday", {"Hemoglobin": "2 (", "Platelet count": "1 ("}),
    ):
        heads = [" ".join(cell.split()) for cell in page.rows[table][0]][1:]
        row = dict(zip(heads, page.row(table, header), strict=True))
        assert all(row[name].startswith(start) for name, start in cells.items()), (table, row)


def test_units_are_told_with_what_they_were_converted_by(study: Path) -> None:
    with (study / "labs.csv").open("a", encoding="utf-8") as file:
        file.write("A,60,Hb,9.9,g/dL,\nA,61,Hb,9.9,spoons,\nA,62,Hb,9.9,,\n")
    page = read(write_check(study))
    assert page.row("units-found", "g/dL") == ["1", "× 10 to g/L", "1", "0", "–"]
    assert page.row("units-found", "spoons") == ["1", "not known", "0", "1", "–"]
    assert page.row("units-found", "(none printed)") == ["1", "not known", "0", "1", "–"]


def test_errors_in_the_tables_are_shown_with_what_is_known(command, study: Path) -> None:
    change(study / "patients.csv", "B,48,male", "B,48,male\nB,48,male")
    answer = command("check", study)
    assert answer.code == 10
    text = (study / "check.html").read_text("utf-8")
    assert "patients: 1 patient has more than one row." in text
    assert "The tables have errors; correct them first." in text
    assert read(study / "check.html").row("covered", "Hemoglobin")[0] == "119"


def test_days_that_cannot_be_placed(command, study: Path) -> None:
    """No infusion at all: units and values are told, coverage is not."""
    header = (study / "infusions.csv").read_text("utf-8").splitlines()[0]
    (study / "infusions.csv").write_text(header + "\n", "utf-8")
    change(study / "study.toml", 'baseline_definition = "ctcae_v4"\n', "")
    command("check", study)
    page = read(study / "check.html")
    assert "no day can be placed" in (study / "check.html").read_text("utf-8")
    assert page.row("units-found", "g/L")[0] == "21"
    assert "covered" not in page.rows
    assert "windows" not in page.rows


def test_a_study_without_outcomes(command, study: Path) -> None:
    head = STUDY.partition("[outcomes.")[0]
    tail = '\n[[analyses]]\nid = "characteristics"\nkind = "characteristics"\nfactors = ["sex"]\n'
    (study / "study.toml").write_text(head + tail, "utf-8")
    assert command("check", study).code == 0
    text = (study / "check.html").read_text("utf-8")
    assert "The study file names no outcome." in text
    assert "days −30 to 90" in text


def test_names_that_would_be_code_are_text(command, study: Path) -> None:
    change(study / "study.toml", "Three invented patients", HOSTILE.replace('"', "'"))
    for name in ("labs", "patients", "infusions", "events"):
        path = study / f"{name}.csv"
        lines = path.read_text("utf-8").splitlines()
        quoted = '"' + HOSTILE.replace('"', '""') + '"'
        path.write_text("\n".join(re.sub(r"^A,", f"{quoted},", line) for line in lines) + "\n", "utf-8")
    with (study / "labs.csv").open("a", encoding="utf-8") as file:
        file.write("B,50,<b>ANC</b>,1,10^9/L,\nB,51,ANC,1,<img src=x>,\n")
    command("check", study)
    page = read(study / "check.html")
    assert not page.tags & {"script", "img", "b", "link", "iframe", "object", "form"}
    assert page.row("units-found", "<img src=x>")[0] == "1"


@pytest.mark.parametrize("broken", ["nobody", "one patient", "all invalid", "no counts"])
def test_little_or_nothing_to_show(broken: str, command, study: Path) -> None:
    path = study / "labs.csv"
    header, *lines = path.read_text("utf-8").splitlines()
    kept = {
        "nobody": [],
        "one patient": [line for line in lines if line.startswith("A")],
        "all invalid": [",".join([*line.split(",")[:3], "clotted", *line.split(",")[4:]]) for line in lines],
        "no counts": ["A,0,CRP,5,mg/L,", "B,0,CRP,5,mg/L,"],
    }[broken]
    path.write_text("\n".join([header, *kept]) + "\n", "utf-8")
    if broken == "nobody":
        change(study / "study.toml", 'baseline_definition = "ctcae_v4"\n', "")
        for name in ("patients", "infusions", "events", "support"):
            first = (study / f"{name}.csv").read_text("utf-8").splitlines()[0]
            (study / f"{name}.csv").write_text(first + "\n", "utf-8")
    command("check", study)
    page = read(study / "check.html")
    assert page.headings == ["Contents", *ALL]
    if broken == "all invalid":
        assert page.row("values-1", "Not a number") == ["21", "21", "21"]
        assert page.row("covered", "Hemoglobin")[-1] == "3/3"


def test_no_value_of_a_patient_stands_in_a_text(study: Path) -> None:
    text = write_check(study).read_text("utf-8")
    assert SECRET not in text


def test_nothing_is_asked_of_a_network_and_nothing_runs(study: Path) -> None:
    text = write_check(study).read_text("utf-8")
    assert not read(study / "check.html").tags & {"script", "link", "iframe", "img"}
    assert re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"", text) == []
    assert "url(http" not in text
    assert "default-src 'none'" in text


def test_day_0_that_is_no_infusion_is_a_standing_warning(command, tmp_path: Path) -> None:
    (tmp_path / "labs.csv").write_text(
        "patient_id,date,analyte,value,unit\nX,2024-03-01,ANC,2,10^9/L\nX,2024-03-08,ANC,1,10^9/L\n",
        encoding="utf-8",
    )
    command("init", tmp_path)
    protocol = tmp_path / "study.toml"
    text = protocol.read_text("utf-8").replace("[study]\n", "[study]\nlymphodepletion_day = -5\n", 1)
    protocol.write_text(text.replace("[data]\n", '[data]\nday_zero = "first"\n', 1), encoding="utf-8")
    told = "Day 0 is each patient's first laboratory day, not the infusion: windows, day 28 and ICAHT count"
    answer = command("check", tmp_path)
    assert answer.code == 0
    assert f"warning labs: no infusions table is used. {told}" in " ".join(answer.out.split())
    assert told in html.unescape(" ".join((tmp_path / "check.html").read_text("utf-8").split()))
