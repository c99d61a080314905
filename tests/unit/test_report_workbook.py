"""The workbook: a sheet a table, text that stays text, titles that repeat, the same bytes every time."""

from __future__ import annotations

import dataclasses
from functools import cache

import pytest

from association_factory import make_associations
from cytopenia.report.content import ReportContent
from cytopenia.report.sections import ReportSection
from cytopenia.report.table_model import Cell, Column, Row, Table
from cytopenia.report.workbook import name_sheet, render_workbook
from report_factory import make_content
from workbook_reader import Sheet, read_workbook

TITLES = (Column("Factor", "left"), Column("All", spanner=""), Column("Yes", spanner="Event"),
          Column("No", spanner="Event"))  # fmt: skip
ROWS = (
    Row("Sex", is_section=True),
    Row("male", (Cell("45/63 (71.4%)", "bounds 44\N{EN DASH}46", (0,)), Cell("7"), Cell("8")), indent=1),
    Row("female", (Cell("18/63 (28.6%)"), Cell("1", tone="differs"), Cell("\N{EN DASH}", marks=(0, 1)))),
)
TABLE = Table(
    id="t", caption="Who they were", columns=TITLES, rows=ROWS, notes=("A note.",),
    footnotes=("First remark", "Second remark"),
)  # fmt: skip


def made(*tables: Table, **more: object) -> list[Sheet]:
    section = ReportSection(id="s", title="Patients", tables=tables)
    content = make_content(**{"synthetic": False, **more})
    return read_workbook(render_workbook(content, sections=[section]))


@cache
def whole() -> tuple[ReportContent, list[Sheet]]:
    content = make_associations()
    return content, read_workbook(render_workbook(content))


def test_two_renders_are_the_same_bytes() -> None:
    section = ReportSection(id="s", title="Patients", tables=(TABLE,))
    first, second = (render_workbook(make_content(), sections=[section]) for _ in range(2))
    assert first == second


def test_a_table_stands_as_it_is_printed() -> None:
    sheet = made(TABLE)[1]
    assert [sheet.row(at) for at in range(1, 10)] == [
        ["Table 1. Who they were"],
        ["Event"],
        ["Factor", "All", "Yes", "No"],
        ["Sex"],
        ["male", "45/63 (71.4%)a\nbounds 44\N{EN DASH}46", "7", "8"],
        ["female", "18/63 (28.6%)", "1", "\N{EN DASH}a,b"],
        ["a First remark"],
        ["b Second remark"],
        ["A note."],
    ]
    assert (sheet.raised[5, 2], sheet.raised[6, 4], sheet.raised[7, 1]) == (["a"], ["a,b"], ["a"])


def test_a_common_title_spans_its_columns_and_sections_span_the_table() -> None:
    merged = {one.get("ref") for one in made(TABLE)[1].find("mergeCell")}
    assert merged == {"A1:D1", "C2:D2", "A4:D4", "A7:D7", "A8:D8", "A9:D9"}


def test_the_titles_stay_in_sight_and_repeat_in_print() -> None:
    sheet = made(TABLE)[1]
    (pane,) = sheet.find("pane")
    assert (pane.get("state"), pane.get("topLeftCell")) == ("frozen", "B4")
    (page,) = sheet.find("pageSetup")
    assert (page.get("paperSize"), page.get("fitToHeight"), page.get("orientation")) == ("9", "0", "portrait")


def test_a_wide_table_is_printed_sideways() -> None:
    columns = (Column("Factor", "left"), *(Column(f"Column {at} of ten") for at in range(10)))
    wide = dataclasses.replace(
        TABLE, columns=columns, rows=(Row("x", tuple(Cell("41.3 (30.2)") for _ in range(10))),)
    )
    (page,) = made(wide)[1].find("pageSetup")
    assert page.get("orientation") == "landscape"


def test_the_first_sheet_lists_the_others() -> None:
    content, sheets = whole()
    listed = {sheets[0].texts[row, 1] for row, column in sheets[0].texts if column == 1 and row > 4}
    assert listed == {sheet.name for sheet in sheets[1:]}
    targets = {link.get("location") for link in sheets[0].find("hyperlink")}
    assert targets == {f"'{sheet.name}'!A1" for sheet in sheets[1:]}
    assert sheets[1].texts[1, 1].startswith("Table I. Risk factors for severe cytopenia")
    assert sheets[0].texts[1, 1] == content.title


@pytest.mark.parametrize("synthetic", [True, False])
def test_synthetic_is_said_in_every_caption_or_nowhere(synthetic: bool) -> None:
    first, *others = made(TABLE, TABLE, synthetic=synthetic)
    said = ["Synthetic data: no patient." in sheet.texts[1, 1] for sheet in others]
    assert said == [synthetic] * 2
    assert ("Synthetic data: no patient." in first.whole) == synthetic


@pytest.mark.parametrize(
    "start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "{=1}", "http://example.org", "007"]
)
def test_whatever_a_name_begins_with_it_is_text(start: str) -> None:
    # The reader refuses any cell that is not text.
    hostile = Table(id="t", caption=start, columns=(Column(start, "left"), Column(start, spanner=start)),
                    rows=(Row(start, (Cell(start),)), Row(start, is_section=True)),
                    notes=(start,), footnotes=(start,))  # fmt: skip
    contents, sheet = made(hostile, title=start)
    assert sheet.find("f") == contents.find("f") == []
    assert sheet.find("hyperlink") == []
    assert sheet.texts[4, 2] == start.strip()


def test_names_of_sheets_are_short_and_unlike_each_other() -> None:
    taken: set[str] = set()
    for label in ["Table I", "TABLE I", "a/b[c]:*?\\", "x" * 300, "x" * 300, "History", "'quoted'", "\t"]:
        name = name_sheet(label, taken)
        assert 0 < len(name) <= 31
        assert not set(name) & set("[]:*?/\\")
        assert name.strip("'") == name
        assert name.lower() not in taken | {"history"}
        taken.add(name.lower())


def test_a_table_of_one_column_and_no_table_at_all() -> None:
    alone = Table(id="t", caption="C", columns=(Column("Only", "left"),), rows=(Row("x"),), notes=("n",))
    assert made(alone)[1].whole == ["Table 1. C", "Only", "x", "n"]
    assert [sheet.name for sheet in made()] == ["Contents"]
