"""Reporting checklists: every item has its place in the report, or says what the author must write."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from association_factory import make_associations
from cytopenia.report.checklists import list_checklists, load_checklist
from cytopenia.report.content import ReportContent
from cytopenia.report.methods import __file__ as methods_file
from cytopenia.report.sections import TABLES_OF_KIND, ReportSection, list_sections
from cytopenia.report.table_model import Row, Table
from quick_reports import without_figures
from report_factory import make_content

# The numbers of the published checklists, with their parts.
STROBE = (
    "1a 1b 2 3 4 5 6a 6b 7 8 9 10 11 12a 12b 12c 12d 12e 13a 13b 13c 14a 14b 14c 15 16a 16b 16c 17 18 19 20 "
    "21 22"
)
TRIPOD = (
    "1 2 3a 3b 3c 4 5a 5b 6a 6b 6c 7 8a 8b 8c 9a 9b 9c 10 11 12a 12b 12c 12d 12e 12f 12g 13 14 15 16 17 "
    "18a 18b 18c 18d 18e 18f 19 20a 20b 20c 21 22 23a 23b 24 25 26 27a 27b 27c"
)
SECTIONS = {"words", "flow", "measured"}


def checklists(content: ReportContent) -> dict[str, dict[str, Row]]:
    with without_figures():
        sections = [section for section in list_sections(content) if section.id != "checklist"]
    found = list_checklists(content, sections)
    return {one.id.removeprefix("checklist-"): {row.header: row for row in one.rows} for one in found}


def place(row: Row) -> str:
    return row.cells[1].text


@pytest.mark.parametrize(("name", "numbers"), [("strobe", STROBE), ("tripod_ai", TRIPOD)])
def test_items_are_those_of_the_published_checklist(name: str, numbers: str) -> None:
    _, source, items = load_checklist(name)
    assert [one.id for one in items] == numbers.split()
    assert "https://doi.org/10." in source
    assert all(one.item and (one.where or one.author) for one in items)


@pytest.mark.parametrize("name", ["strobe", "tripod_ai"])
def test_every_place_of_the_data_file_can_exist(name: str) -> None:
    headings = Path(methods_file).read_text("utf-8")
    for one in load_checklist(name)[2]:
        for where in one.where:
            kind, _, rest = where.partition(":")
            if kind == "methods":
                assert f'"{rest}"' in headings, where
            elif kind in {"kind", "limits"}:
                assert rest in TABLES_OF_KIND, where
            else:
                assert where == "findings" or (kind == "section" and rest in SECTIONS), where


def test_an_item_names_the_tables_of_the_run() -> None:
    rows = checklists(make_associations())["strobe"]
    assert place(rows["16a"]) == "Table I; Table III"
    assert place(rows["16b"]) == "Figure SI; Table I; Table III; Table SV"
    assert rows["22"].cells[2].text == "sources of funding and the role of the funders"


def test_what_did_not_run_is_not_named() -> None:
    rows = checklists(make_content())["strobe"]
    assert place(rows["14a"]) == "“Who the patients were”"
    assert place(rows["16a"]) == ""
    assert rows["16a"].cells[2].text
    assert place(rows["17"]) == "Not in this run"


def test_a_table_of_tests_alone_is_no_estimate_with_limits() -> None:
    content = make_associations()
    results = content.results.filter(~content.results["group"].is_in(["univariable", "multivariable"]))
    rows = checklists(make_associations(results=results))["strobe"]
    assert "Table I" not in place(rows["16a"])


def test_tripod_only_where_a_prediction_ran() -> None:
    assert list(checklists(make_associations())) == ["strobe"]
    worth = Table(id="a-worth", caption="", columns=(), rows=())
    section = ReportSection(id="analysis-a", title="A model", tables=(worth,))
    analyses = [{"id": "a", "kind": "prediction", "title": "A model"}]
    found = list_checklists(make_content(analyses=analyses), [section])
    assert [one.id for one in found] == ["checklist-strobe", "checklist-tripod_ai"]
    refused = ReportSection(
        id="analysis-a", title="A", tables=(Table(id="a-size", caption="", columns=(), rows=()),)
    )
    assert len(list_checklists(make_content(analyses=analyses), [refused])) == 1


def test_the_file_belongs_to_the_package() -> None:
    assert (resources.files("cytopenia") / "data" / "checklists.toml").is_file()
