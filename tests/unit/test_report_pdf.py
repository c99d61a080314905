"""The PDF: tagged, with outline and alternative texts, titles repeated, text that stays text."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from pypdf import PdfReader

from association_factory import make_associations
from cytopenia.report.display import clean_text
from cytopenia.report.pdf import render_pdf
from cytopenia.report.pdf_data import make_pdf_data, show_text
from cytopenia.report.sections import ReportSection, list_sections
from cytopenia.report.table_model import Cell, Column, Row, Table
from report_factory import make_content

TITLES = (Column("Factor", "left"), Column("Yes", spanner="Event"), Column("No", spanner="Event"))
ROWS = (
    Row("Sex", is_section=True),
    Row("male", (Cell("45/63 (71.4%)", "bounds 44\N{EN DASH}46", (0,)), Cell("7")), indent=1),
    Row("female", (Cell("18/63 (28.6%)"), Cell("1", tone="differs"))),
)
TABLE = Table(
    id="t", caption="Who they were", columns=TITLES, rows=ROWS, notes=("A note.",), footnotes=("A remark",)
)


@cache
def whole() -> PdfReader:
    content = make_associations()
    return PdfReader(io.BytesIO(render_pdf(content, sections=list_sections(content))))


def made(*tables: Table, **more: Any) -> PdfReader:
    section = ReportSection(id="s", title="Patients", tables=tables)
    content = make_content(**{"synthetic": False, **more})
    return PdfReader(io.BytesIO(render_pdf(content, sections=[section])))


def pages_of(reader: PdfReader) -> list[str]:
    return [page.extract_text() for page in reader.pages]


def shown(reader: PdfReader) -> str:
    return "\n".join(pages_of(reader))


def elements(reader: PdfReader) -> Iterator[Any]:
    """Every element of the structure tree."""
    waiting = [reader.trailer["/Root"]["/StructTreeRoot"]]
    while waiting:
        one = waiting.pop().get_object()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict) and ("/S" in one or one.get("/Type") == "/StructTreeRoot"):
            yield one
            waiting += [one["/K"]] if "/K" in one else []


def tags(reader: PdfReader) -> list[str]:
    return [one["/S"] for one in elements(reader) if "/S" in one]


def test_two_renders_are_the_same_bytes() -> None:
    section = ReportSection(id="s", title="Patients", tables=(TABLE,))
    first, second = (render_pdf(make_content(), sections=[section]) for _ in range(2))
    assert first == second


def test_the_file_is_made_for_readers_aloud() -> None:
    root = whole().trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"].startswith("en")
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_object().get_data()
    assert whole().metadata.title == "Cytopenia after CAR-T in B-NHL"


def test_the_outline_lists_the_sections() -> None:
    content = make_associations()
    sections = list_sections(content)
    before = [section.title for section in sections if not section.is_after_methods]
    after = [section.title for section in sections if section.is_after_methods]
    outline = [one["/Title"] for one in whole().outline if not isinstance(one, list)]
    assert outline == [*before, "Findings about the data", "Methods", *after]
    assert after == ["Results in words", "Appendix: reporting checklist"]


def test_every_figure_says_what_it_shows() -> None:
    content = make_associations()
    figures = [figure for section in list_sections(content) for figure in section.figures]
    alternatives = [one.get("/Alt") for one in elements(whole()) if one.get("/S") == "/Figure"]
    assert sorted(filter(None, alternatives)) == sorted(clean_text(figure.description) for figure in figures)


def test_tables_are_tables_with_titles() -> None:
    found = tags(made(TABLE))
    assert (found.count("/Table"), found.count("/TR"), found.count("/Caption")) == (1, 5, 1)
    assert found.count("/TH") == 5


def test_a_table_stands_as_it_is_printed() -> None:
    text = shown(made(TABLE))
    lines = [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]
    assert "Table 1. Who they were" in lines
    for expected in ("Event", "Sex", "A note.", "bounds 44\N{EN DASH}46", "a A remark"):
        assert expected in lines
    assert re.search(r"male\s*45/63 \(71\.4%\)\s*a\s*bounds 44–46\s*7", text)
    assert re.search(r"female\s*18/63 \(28\.6%\)\s*1\b", text)


def test_titles_repeat_on_every_page_of_two_hundred_rows() -> None:
    rows = tuple(Row(f"factor {at}", (Cell(f"{at} of 999"), Cell("x"))) for at in range(200))
    pages = pages_of(made(Table(id="t", caption="C", columns=TITLES, rows=rows)))
    holding = [page for page in pages if " of 999" in page]
    assert len(holding) > 2
    assert all("Factor" in page and "Event" in page for page in holding)
    seen = re.findall(r"factor (\d+)", "\n".join(holding))
    assert sorted(map(int, seen)) == list(range(200))


def test_only_wide_tables_lie_on_their_side() -> None:
    columns = (Column("Factor", "left"), *(Column(f"Column {at}") for at in range(9)))
    row = Row("x", tuple(Cell("180.3 (2.2\N{EN DASH}8123)") for _ in range(9)))
    reader = made(Table(id="t", caption="C", columns=columns, rows=(row,)))
    lying = [page.mediabox.width > page.mediabox.height for page in reader.pages]
    assert lying == [False, True, False]


@pytest.mark.parametrize("synthetic", [True, False])
def test_synthetic_is_said_on_every_page_or_nowhere(synthetic: bool) -> None:
    reader = made(TABLE, synthetic=synthetic)
    assert ["Synthetic data" in page for page in pages_of(reader)] == [synthetic] * len(reader.pages)


HOSTILE = '#image("x") #panic() ] [ $x^2$ \\ @ref <label> *b* _e_ = h `c` // c /* c */ #sys.inputs'


def test_any_text_stays_text() -> None:
    table = Table(
        id="t", caption=HOSTILE, columns=(Column(HOSTILE, "left"), Column("x", spanner=HOSTILE)),
        rows=(Row(HOSTILE, (Cell(HOSTILE, HOSTILE),)), Row(HOSTILE, is_section=True, text=HOSTILE)),
        notes=(HOSTILE,), footnotes=(HOSTILE,),
    )  # fmt: skip
    reader = made(table, title=HOSTILE)
    assert reader.metadata.title == HOSTILE
    text = re.sub(r"\s+", "", shown(reader))
    # Title, caption, two titles of columns, a row of three texts and one of two, footnote, note.
    assert text.count(re.sub(r"\s+", "", HOSTILE)) == 11
    assert "/Link" in tags(reader)
    targets = [note.get_object() for page in reader.pages for note in page.get("/Annots", [])]
    assert not any("/URI" in str(one.get("/A", "")) for one in targets)


def test_a_sign_that_the_font_has_not_is_named_by_its_number() -> None:
    assert show_text("\u4e2d\u6587 \N{DNA DOUBLE HELIX}") == "[U+4E2D][U+6587] [U+1F9EC]"
    assert "[U+1F9EC]" in shown(
        made(Table(id="t", caption="\N{DNA DOUBLE HELIX}", columns=TITLES, rows=ROWS))
    )


def test_a_long_word_breaks_and_stays_in_its_column() -> None:
    word = "x" * 300
    assert show_text(word).replace("\N{ZERO WIDTH SPACE}", "") == word
    reader = made(Table(id="t", caption="C", columns=TITLES, rows=(Row(word, (Cell(word), Cell("y"))),)))
    drawn: list[tuple[float, str]] = []
    reader.pages[1].extract_text(
        visitor_text=lambda text, cm, tm, font, size: drawn.append((tm[4] + cm[4], text))
    )
    assert drawn
    assert all(x <= reader.pages[1].mediabox.width for x, text in drawn if text.strip())
    assert shown(reader).replace("\N{ZERO WIDTH SPACE}", "").count("x") >= 600


@pytest.mark.parametrize("text", ["\u0645\u0631\u062d\u0628\u0627 1 (2.5)", "\u05e9\u05dc\u05d5\u05dd"])
def test_any_script_is_set(text: str) -> None:
    table = Table(id="t", caption=text, columns=TITLES, rows=(Row(text, (Cell(text), Cell("1"))),))
    assert show_text(text) == text
    assert "U+" not in shown(made(table, title=text))


def test_a_title_without_any_sign_still_has_one() -> None:
    assert made(TABLE, title="\x00\ud800").metadata.title == "Report"


def test_a_run_without_results_gives_a_file() -> None:
    reader = PdfReader(io.BytesIO(render_pdf(make_content(), sections=())))
    assert [one["/Title"] for one in reader.outline if not isinstance(one, list)] == [
        "Findings about the data",
        "Methods",
    ]


def test_data_are_all_that_the_template_gets() -> None:
    """What the template shows can be written as JSON: nothing of it is code."""
    content = make_content(synthetic=False)
    data = make_pdf_data(content, [ReportSection(id="s", title="Patients", tables=(TABLE,))])
    assert json.loads(json.dumps(data)) == data
