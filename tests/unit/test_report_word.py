"""The Word file: native tables, captions that Word knows, pictures with words, the same bytes every time."""

from __future__ import annotations

import dataclasses
import io
import re
import struct
import subprocess
import time
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.enum.section import WD_ORIENT
from docx.oxml import parse_xml
from docx.oxml.ns import qn

from association_factory import make_associations
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text
from cytopenia.report.drawing import PRINT_DPI
from cytopenia.report.figures import plot_day_map
from cytopenia.report.methods import write_methods_paragraphs
from cytopenia.report.sections import ReportSection, list_sections
from cytopenia.report.table_model import Cell, Column, Row, Table
from cytopenia.report.word import render_word
from cytopenia.report.word_parts import NAMESPACE, fix_archive, write_run, write_table
from cytopenia.report.word_widths import measure_columns
from report_factory import make_content, make_findings, make_patient_days

# An upright A4 page without its margins, in twentieths of a point.
PAGE = 9638
SIDE_BY_SIDE, UPRIGHT = WD_ORIENT.LANDSCAPE, WD_ORIENT.PORTRAIT


@cache
def content() -> ReportContent:
    return make_associations()


@cache
def sections_of_content() -> list[ReportSection]:
    """Listed apart from those of `data`, of a content made anew."""
    return list_sections(make_associations())


@cache
def data() -> bytes:
    return render_word(content())


def opened(made: bytes | None = None) -> Any:
    return Document(io.BytesIO(data() if made is None else made))


def blocks(document: Any) -> list[Any]:
    return [one for one in document.element.body if one.tag in {qn("w:p"), qn("w:tbl")}]


def shown(element: Any) -> str:
    return "".join(node.text or "" for node in element.iter(qn("w:t")))


def styles(document: Any, name: str) -> list[str]:
    return [shown(one._p) for one in document.paragraphs if one.style.name == name]


def table_below(document: Any, caption: str) -> Any:
    """The table that stands right below the caption with these words."""
    found = blocks(document)
    at = next(at for at, one in enumerate(found) if one.tag == qn("w:p") and caption in shown(one))
    assert found[at + 1].tag == qn("w:tbl"), f"no table below {caption!r}"
    return found[at + 1]


def row_of(table: Any, header: str) -> list[Any]:
    rows = [row.findall(qn("w:tc")) for row in table.findall(qn("w:tr"))]
    return next(row for row in rows if shown(row[0]).startswith(header))


def made(table: Table, *, width: int = PAGE) -> Any:
    return parse_xml(f"<w:body {NAMESPACE}>{write_table(table, width=width)}</w:body>")


def small(*rows: Row, columns: int = 3, **more: Any) -> Table:
    titles = (Column("Factor", "left"), *(Column(f"C{at}") for at in range(1, columns)))
    return Table(**{"id": "t", "caption": "C", "columns": titles, "rows": rows, **more})


@pytest.fixture(autouse=True)
def coarse(coarse_pictures: None) -> None:
    """Few pixels, except where a test asks for the picture that is printed."""


@pytest.fixture
def printed_pictures(coarse: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cytopenia.report.drawing.PRINT_DPI", PRINT_DPI)


# -- order and bytes ---------------------------------------------------------------------------------


def test_two_renders_are_the_same_bytes_also_where_sections_are_given() -> None:
    assert render_word(make_associations(), sections=sections_of_content()) == data()


def test_the_file_knows_no_clock_and_no_user() -> None:
    with zipfile.ZipFile(io.BytesIO(data())) as archive:
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    properties = opened().core_properties
    assert (properties.author, properties.last_modified_by) == ("cytopenia", "cytopenia")
    assert {properties.created.year, properties.modified.year} == {2000}
    assert properties.title == "Cytopenia after CAR-T in B-NHL"


def test_an_archive_keeps_its_files() -> None:
    source = io.BytesIO()
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("a/b.xml", "<x/>")
        archive.writestr("c.bin", b"\x00\x01")
    with zipfile.ZipFile(io.BytesIO(fix_archive(source.getvalue()))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "a/b.xml": b"<x/>",
            "c.bin": b"\x00\x01",
        }


def test_sections_in_the_order_of_the_report_then_findings_then_methods() -> None:
    sections = sections_of_content()
    first, last = ([one.title for one in sections if one.is_after_methods == side] for side in (False, True))
    assert last[0] == "Results in words"
    assert styles(opened(), "Heading 1") == [*first, "Findings about the data", "Methods", *last]


def test_methods_and_results_in_words_stand_in_the_file() -> None:
    parts = write_methods_paragraphs(content())
    parts += [(title, list(texts)) for one in sections_of_content() for title, texts in one.texts]
    document = opened()
    assert styles(document, "Heading 2") == [heading for heading, _ in parts]
    texts = styles(document, "Normal")
    assert texts[1:] == [text for _, paragraphs in parts for text in paragraphs]


def test_findings_are_counted_and_not_listed() -> None:
    assert styles(opened(), "Normal")[0] == (
        "The checks of the data found 1 error, 2 warnings, 1 note. report.html and findings.csv list them."
    )
    assert not any(message[:30] in shown(opened().element.body) for message in make_findings()["message"])
    without = opened(render_word(make_content(findings=make_findings().head(0)), sections=()))
    assert styles(without, "Normal")[0] == "The checks of the data found nothing to report."


def test_a_run_without_results_gives_a_file() -> None:
    given = make_content()
    empty = dataclasses.replace(
        given,
        results=given.results.head(0),
        outcomes=given.outcomes.head(0),
        patient_days=given.patient_days.head(0),
        findings=given.findings.head(0),
        analyses=[],
        definitions=[],
        settings={},
    )
    assert styles(opened(render_word(empty)), "Heading 1") == ["Findings about the data", "Methods"]


# -- tables ------------------------------------------------------------------------------------------


def test_every_table_is_native_with_its_caption_above() -> None:
    tables = [table for section in sections_of_content() for table in section.tables]
    found = blocks(opened())
    places = [at for at, one in enumerate(found) if one.tag == qn("w:tbl")]
    assert len(places) == len(tables)
    for at, table in zip(places, tables, strict=True):
        above = found[at - 1]
        assert above.pPr.pStyle.get(qn("w:val")) == "Caption"
        assert above.pPr.find(qn("w:keepNext")) is not None
        assert table.caption.partition(". ")[2] in shown(above) or table.caption in shown(above)


def test_three_rules_and_no_line_between_columns() -> None:
    for table in opened().element.body.iter(qn("w:tbl")):
        borders = table.tblPr.find(qn("w:tblBorders"))
        assert [one.tag.rpartition("}")[2] for one in borders] == ["top", "bottom"]
        edges = {edge.tag.rpartition("}")[2] for cell in table.iter(qn("w:tcBorders")) for edge in cell}
        assert edges == {"bottom"}


def test_the_header_repeats_and_no_row_breaks() -> None:
    table = table_below(opened(), "Risk factors for severe cytopenia")
    rows = table.findall(qn("w:tr"))
    assert all(row.trPr.find(qn("w:cantSplit")) is not None for row in rows)
    repeated = [row.trPr.find(qn("w:tblHeader")) is not None for row in rows]
    assert repeated == [True, True] + [False] * (len(rows) - 2)


def test_cells_stand_where_the_paper_has_them() -> None:
    table = table_below(opened(), "Risk factors for severe cytopenia")
    head = [shown(cell) for cell in row_of(table, "Factor")]
    male = [shown(cell) for cell in row_of(table, "male")]
    assert head[1] == "All (n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}61)"
    assert male[:3] == ["male", "44 (72.1%)", "38 (73.1%)bounds 37\N{EN DASH}39"]


def test_a_common_title_spans_its_columns() -> None:
    table = table_below(opened(), "Univariable and multivariable analysis")
    over = table.findall(qn("w:tr"))[0].findall(qn("w:tc"))
    spans = [(shown(cell), cell.tcPr.gridSpan.val if cell.tcPr.gridSpan is not None else 1) for cell in over]
    assert spans == [("", 2), ("Univariable", 2), ("Multivariable", 2)]


def test_bounds_are_a_smaller_second_line() -> None:
    cell = row_of(made(small(Row("x", (Cell("3", "bounds 2-4"), Cell("1"))))).find(qn("w:tbl")), "x")[1]
    runs = cell.findall(f".//{qn('w:r')}")
    assert [run.find(qn("w:br")) is not None for run in runs] == [False, True, False]
    assert shown(runs[2]) == "bounds 2-4"
    assert runs[2].rPr.find(qn("w:sz")).get(qn("w:val")) == "15"


def test_marks_are_superscript_and_footnotes_stand_below() -> None:
    body = made(
        small(Row("x", (Cell("3", marks=(0, 1)), Cell("1"))), footnotes=("First", "Second"), notes=("All",))
    )
    raised = [run for run in body.iter(qn("w:r")) if run.find(f".//{qn('w:vertAlign')}") is not None]
    assert [shown(run) for run in raised] == ["a,b", "a", "b"]
    below = [shown(one) for one in body.findall(qn("w:p"))]
    assert below == ["a First", "b Second", "All", ""]


def test_levels_are_indented_and_numbers_stand_right() -> None:
    table = made(small(Row("Sex"), Row("male", (Cell("1"),), indent=1))).find(qn("w:tbl"))
    first, second, blank = row_of(table, "male")
    assert first.find(f".//{qn('w:ind')}").get(qn("w:left")) == "200"
    assert second.find(f".//{qn('w:jc')}").get(qn("w:val")) == "right"
    assert shown(blank) == ""
    assert row_of(table, "Sex")[0].find(f".//{qn('w:ind')}") is None


def test_a_section_row_is_bold_and_spans_the_table() -> None:
    table = made(small(Row("Pairs", is_section=True), Row("a", (Cell("1"), Cell("2"))))).find(qn("w:tbl"))
    (cell,) = row_of(table, "Pairs")
    assert cell.tcPr.gridSpan.val == 3
    assert cell.find(f".//{qn('w:b')}") is not None


def test_a_factor_stays_with_its_levels_in_a_long_table() -> None:
    rows = [row for at in range(20) for row in (Row(f"f{at}"), Row("a", indent=1), Row("b", indent=1))]
    table = made(small(*rows)).find(qn("w:tbl"))
    kept = [
        row.find(f".//{qn('w:keepNext')}") is not None
        for row in table.findall(qn("w:tr"))
        if row.trPr.find(qn("w:tblHeader")) is None
    ]
    # The last row stays with the notes.
    assert kept == [True, False, False] * 19 + [True, False, True]


def test_a_short_table_stays_on_one_page() -> None:
    table = made(small(*(Row(f"r{at}") for at in range(5)))).find(qn("w:tbl"))
    assert all(row.find(f".//{qn('w:keepNext')}") is not None for row in table.findall(qn("w:tr")))


@pytest.mark.parametrize("columns", [2, 5, 8, 12])
def test_a_table_fits_its_page_and_breaks_no_word_that_fits(columns: int) -> None:
    cells = tuple(Cell("11.000 (3.130\N{EN DASH}38.660)") for _ in range(columns - 1))
    table = small(Row("Baseline neutrophils of every patient in the cohort", cells), columns=columns)
    widths = measure_columns(table, width=PAGE)
    assert sum(widths) <= PAGE
    if columns <= 5:
        assert min(widths[1:]) >= 22 * 85
        # "neutrophils" has eleven letters.
        assert widths[0] >= 11 * 85


def test_a_narrow_table_is_no_wider_than_it_needs() -> None:
    assert sum(measure_columns(small(Row("Age", (Cell("1"), Cell("2")))), width=PAGE)) < PAGE / 3


def test_two_hundred_rows_take_well_under_a_second() -> None:
    cell = Cell("34/42 (81.0%)", "bounds 33-35", marks=(0,))
    table = small(*(Row(f"row {at}", (cell,) * 7) for at in range(200)), columns=8, footnotes=("a",))
    start = time.perf_counter()
    body = made(table)
    assert time.perf_counter() - start < 1
    assert len(body.findall(f".//{qn('w:tc')}")) == 201 * 8


# -- captions, pages, pictures -----------------------------------------------------------------------


def test_labels_of_the_protocol_are_kept_and_the_others_counted_apart() -> None:
    captions = styles(opened(), "Caption")
    tables = [caption for caption in captions if caption.startswith("Table")]
    assert [caption.partition(".")[0] for caption in tables] == [
        "Table I",
        "Table\N{NO-BREAK SPACE}A1",
        "Table SV",
        "Table\N{NO-BREAK SPACE}A2",
        "Table III",
        "Table\N{NO-BREAK SPACE}A3",
        "Table\N{NO-BREAK SPACE}A4",
        # The reporting checklist.
        "Table\N{NO-BREAK SPACE}A5",
    ]
    assert [caption.partition(".")[0] for caption in captions if caption.startswith("Figure")] == [
        "Figure\N{NO-BREAK SPACE}A1",
        # The odds ratios of Table I, and below those of Table III.
        "Figure\N{NO-BREAK SPACE}A2",
        "Figure SI",
        "Figure\N{NO-BREAK SPACE}A3",
        "Figure\N{NO-BREAK SPACE}A4",
        "Figure\N{NO-BREAK SPACE}A5",
    ]


@pytest.mark.usefixtures("one_picture")
def test_without_labels_tables_are_numbered_by_a_field() -> None:
    document = opened(render_word(make_content()))
    fields = [
        (one.get(qn("w:instr")).strip(), shown(one)) for one in document.element.body.iter(qn("w:fldSimple"))
    ]
    numbers = [number for name, number in fields if name == r"SEQ Table \* ARABIC"]
    assert numbers == [str(at) for at in range(1, len(document.tables) + 1)]
    assert styles(document, "Caption")[1].startswith("Table\N{NO-BREAK SPACE}1. ")
    assert [number for name, number in fields if name == r"SEQ Figure \* ARABIC"] == ["1", "2", "3"]


def pages(document: Any) -> dict[str, Any]:
    """How the page of each caption lies."""
    found, waiting = dict[str, Any](), list[str]()
    orientations = iter([section.orientation for section in document.sections])
    for block in blocks(document):
        if block.tag == qn("w:p") and block.pPr is not None:
            if block.pPr.pStyle is not None and block.pPr.pStyle.get(qn("w:val")) == "Caption":
                waiting.append(shown(block))
            if block.pPr.find(qn("w:sectPr")) is not None:
                found |= dict.fromkeys(waiting, next(orientations))
                waiting = []
    return found | dict.fromkeys(waiting, next(orientations))


def test_only_wide_tables_lie_on_their_side() -> None:
    lying = {
        name[:9]: way for name, way in pages(opened()).items() if name.startswith(("Table I", "Table SV"))
    }
    assert lying == {"Table I. ": SIDE_BY_SIDE, "Table SV.": UPRIGHT, "Table III": UPRIGHT}
    figures = [way for name, way in pages(opened()).items() if name.startswith("Figure")]
    assert set(figures) == {UPRIGHT}


def test_a_turned_page_is_as_wide_as_it_is_high() -> None:
    for section in opened().sections:
        is_wide = section.page_width > section.page_height
        assert is_wide == (section.orientation == SIDE_BY_SIDE)


def test_pictures_say_what_they_show() -> None:
    document = opened()
    described = [one.get("descr") for one in document.element.body.iter(qn("wp:docPr"))]
    figures = [figure for section in sections_of_content() for figure in section.figures]
    assert described == [clean_text(figure.description) for figure in figures]
    assert described[0].startswith("Patients with a first CAR-T infusion in the tables: 68.")
    assert all(shape.width <= PAGE * 635 for shape in document.inline_shapes)


def test_a_picture_stands_above_its_caption_on_the_same_page() -> None:
    found = blocks(opened())
    pictures = [at for at, one in enumerate(found) if one.findall(f".//{qn('w:drawing')}")]
    assert [shown(found[at + 1]).startswith("Figure") for at in pictures] == [True] * len(pictures)
    style = opened().styles["Picture"]
    assert style.paragraph_format.keep_with_next


def test_a_figure_without_a_picture_keeps_its_caption() -> None:
    sections = [
        dataclasses.replace(
            section,
            figures=tuple(dataclasses.replace(figure, make_file=None) for figure in section.figures),
        )
        for section in sections_of_content()
    ]
    document = opened(render_word(content(), sections=sections))
    assert len(document.inline_shapes) == 0
    assert sum(caption.startswith("Figure") for caption in styles(document, "Caption")) == 6


def test_the_picture_of_a_large_cohort_is_no_larger_than_a_page(printed_pictures: None) -> None:
    figure = plot_day_map(make_content(patient_days=make_patient_days(400)))
    assert figure is not None
    picture = figure.png
    width, height = struct.unpack(">II", picture[16:24])
    assert picture.startswith(b"\x89PNG")
    # 175 mm at 200 dots per inch; a page of A4 leaves 257 mm between its margins.
    assert width == int(175 / 25.4 * 200)
    assert height <= 257 / 25.4 * 200
    assert b"Software" not in picture


def test_the_file_stays_small(printed_pictures: None) -> None:
    assert len(data()) < len(render_word(content(), sections=sections_of_content())) < 2_000_000


# -- what is said, and what may stand in a text ------------------------------------------------------


def test_synthetic_is_said_on_every_page_and_in_every_caption() -> None:
    document = opened()
    assert styles(document, "Banner")[0].startswith("Synthetic data: no patient.")
    assert "Synthetic data: no patient." in shown(document.sections[0].header._element)
    assert all(section.header.is_linked_to_previous for section in list(document.sections)[1:])
    assert all(caption.endswith("Synthetic data: no patient.") for caption in styles(document, "Caption"))


@pytest.mark.usefixtures("one_picture")
def test_real_data_are_nowhere_called_synthetic() -> None:
    real = render_word(make_content(synthetic=False))
    with zipfile.ZipFile(io.BytesIO(real)) as archive:
        texts = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".xml"))
    assert b"Synthetic data" not in texts


HOSTILE = "<w:t>&amp; \x00\x0b\ud800 =1+1 {SEQ} \N{GRINNING FACE} \u4e2d\u6587 \u05e9 \ufffe]]>"


def test_any_text_stays_text() -> None:
    table = small(Row(HOSTILE, (Cell(HOSTILE), Cell("x"))), caption=HOSTILE, notes=(HOSTILE,))
    body = made(table)
    expected = "<w:t>&amp; =1+1 {SEQ} \N{GRINNING FACE} \u4e2d\u6587 \u05e9 ]]>"
    assert shown(row_of(body.find(qn("w:tbl")), "<w:t>")[1]) == expected
    document = opened(render_word(make_content(title=HOSTILE), sections=()))
    assert styles(document, "Title") == [expected]
    assert document.core_properties.title == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n b\tc", "a b c"),
        ("\u2265\N{NO-BREAK SPACE}3 of 12\N{NARROW NO-BREAK SPACE}000", None),
        ("a \N{NO-BREAK SPACE} b", "a b"),
    ],
)
def test_a_run_is_one_line_and_keeps_what_holds_numbers_together(text: str, expected: str | None) -> None:
    assert re.findall(r">([^<>]+)</w:t>", write_run(text)) == [expected or text]


# -- opened by another program -----------------------------------------------------------------------


@pytest.mark.long
def test_another_program_opens_the_file(tmp_path: Path, find_program: Callable[[str], str]) -> None:
    office, reader = find_program("soffice"), find_program("pdftotext")
    (tmp_path / "report.docx").write_bytes(data())
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [office, profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    command.append(str(tmp_path / "report.docx"))
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    done = subprocess.run(
        [reader, "-layout", str(tmp_path / "report.pdf"), "-"], check=True, capture_output=True, timeout=60
    )
    text = done.stdout.decode("utf-8")
    assert "Table I. Risk factors for severe cytopenia" in text
    assert re.search(r"Table\sA1\. Test of normality", text)
    assert "Figure SI. ROC curves for hematologic recovery at day 28" in text
    assert "38 (73.1%)" in text
    assert "11.000 (3.130\N{EN DASH}38.660)" in text
    assert "bounds 37\N{EN DASH}39" in text
