"""All formats of a report: the numbers of the results and no others, and names that stay names."""

from __future__ import annotations

import io
import re
import zipfile
from functools import cache

import pytest
from pypdf import PdfReader

from cytopenia.report.content import ReportContent
from cytopenia.report.pdf_data import show_text
from cytopenia.report.sections import list_sections
from cytopenia.results import ResultRow, collect_results
from quick_reports import without_figures
from report_factory import make_content
from report_texts import FORMATS, read_text, render
from workbook_reader import read_workbook

# -- the report computes nothing ---------------------------------------------------------------------

ANALYSES = [
    {"id": "table1", "kind": "characteristics", "title": "Who they were"},
    {"id": "occurrence", "kind": "occurrence", "title": "Cytopenia"},
]


def invented_rows() -> list[ResultRow]:
    """Numbers that contradict each other: whoever calculates anew prints something else."""
    level = {"analysis_id": "occurrence", "variable": "severe_anemia", "variable_level": "grade >= 3"}
    rows = [
        ResultRow(**level, scenario=scenario, estimate=name, value=value)
        for scenario, count in (("policy", 41), ("best", 29), ("worst", 47))
        for name, value in (("count", count), ("denominator", 59), ("percent", 12.34))
    ]
    nadir = {"analysis_id": "occurrence", "variable": "hemoglobin"}
    values = {"n": 58, "median": 87.75, "minimum": 93.5, "maximum": 61.25}
    days = {"n": 58, "median": 17, "minimum": 19, "maximum": 13}
    for group, numbers in (("nadir", values), ("nadir_day", days)):
        rows += [
            ResultRow(**nadir, group=group, estimate=name, value=value) for name, value in numbers.items()
        ]
    sex = {"analysis_id": "table1", "variable": "sex", "text": "Sex"}
    for name, count, percent in (("male", 31, 77.77), ("female", 5, 0.123)):
        parts = {"count": count, "denominator": 36, "percent": percent}
        rows += [
            ResultRow(**sex, variable_level=name, estimate=part, value=one) for part, one in parts.items()
        ]
    return [*rows, ResultRow(analysis_id="table1", variable="sex", estimate="missing", value=91)]


EXPECTED = (
    "41/59 (12.3%)",
    "bounds 29–47",
    "87.8 (93.5–61.3)",
    "17 (19–13)",
    "31/36 (77.8%)",
    "5/36 (0.1%)",
)


@cache
def invented() -> ReportContent:
    return make_content(results=collect_results(invented_rows()), analyses=ANALYSES)


@pytest.mark.parametrize("name", FORMATS)
def test_the_report_computes_nothing(name: str) -> None:
    with without_figures():
        sections = list_sections(invented())
    text = read_text(name, render(name, invented(), sections))
    for number in EXPECTED:
        assert number in text
    # What one would get from the counts, the ends in their order, and the difference of the bounds.
    for number in ("69.5%", "86.1%", "13.9%", "61.3–93.5", "13–19"):
        assert number not in text


# -- hostile names -----------------------------------------------------------------------------------

ARABIC = "\u0646\u0639\u0645 \u0644\u0627"
HOSTILE = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://example.org","x")',
    "+1+1",
    "@SUM(A1:A9)",
    '#image("x")',
    "\\ ] $ [ } {",
    "*bold* _slanted_ `code` <ref> @cite",
    "{{ 7*7 }} {% raw %}",
    "]]> &amp; &#60;",
    "\N{DNA DOUBLE HELIX} \N{GRINNING FACE}",
    ARABIC,
    "\u4e2d\u6587",
    "x" * 300,
    ("a long name of many words " * 12).strip(),
)
ROWS = 200


def hostile_rows() -> list[ResultRow]:
    names = [*HOSTILE, *(f"level {at}" for at in range(ROWS - len(HOSTILE)))]
    factor = {"analysis_id": "table1", "variable": "made", "text": HOSTILE[0]}
    parts = {"denominator": 4321.0, "percent": 12.3}
    return [
        ResultRow(**factor, variable_level=name, estimate=part, value=value)
        for at, name in enumerate(names)
        for part, value in {"count": float(1000 + at), **parts}.items()
    ]


@cache
def rendered(name: str) -> bytes:
    content = make_content(results=collect_results(hostile_rows()), analyses=ANALYSES, title=HOSTILE[4])
    with without_figures():
        return render(name, content, list_sections(content))


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_of_a_long_table_is_there(name: str) -> None:
    text = read_text(name, rendered(name))
    assert all(f"{1000 + at}/4321 (12.3%)" in text for at in range(ROWS))


@pytest.mark.parametrize("name", ["html", "docx", "xlsx"])
def test_hostile_names_are_shown_as_they_are(name: str) -> None:
    text = read_text(name, rendered(name))
    for one in HOSTILE:
        assert " ".join(one.split()) in text


def test_hostile_names_are_shown_in_the_pdf() -> None:
    text = read_text("pdf", rendered("pdf")).replace(" ", "")
    for one in HOSTILE:
        # The letters of Arabic are joined on paper, and read back as joined ones.
        if one != ARABIC:
            assert show_text(one).replace("\N{ZERO WIDTH SPACE}", "").replace(" ", "") in text


def test_html_has_no_element_of_a_name() -> None:
    page = rendered("html").decode("utf-8")
    assert "<script" not in page
    assert "http://example.org" not in "".join(re.findall(r"<[^>]*>", page))
    assert "{{ 7*7 }}" in page


def test_word_has_no_field_of_a_name() -> None:
    with zipfile.ZipFile(io.BytesIO(rendered("docx"))) as archive:
        body = archive.read("word/document.xml").decode("utf-8")
        links = archive.read("word/_rels/document.xml.rels").decode("utf-8")
    assert set(re.findall(r'w:instr="([^"]*)"', body)) == {" SEQ Table \\* ARABIC "}
    assert "instrText" not in body
    assert "example.org" not in links


def test_the_workbook_has_no_formula_and_no_link_of_a_name() -> None:
    contents, *sheets = read_workbook(rendered("xlsx"))
    assert [sheet.find("f") for sheet in (contents, *sheets)] == [[]] * (1 + len(sheets))
    assert [sheet.find("hyperlink") for sheet in sheets] == [[]] * len(sheets)
    with zipfile.ZipFile(io.BytesIO(rendered("xlsx"))) as archive:
        parts = "".join(archive.namelist())
    assert "external" not in parts.lower()


def test_the_pdf_has_no_link_and_no_picture_of_a_name() -> None:
    reader = PdfReader(io.BytesIO(rendered("pdf")))
    assert not any(page.images for page in reader.pages)
    actions = [
        str(note.get_object().get("/A", "")) for page in reader.pages for note in page.get("/Annots", [])
    ]
    assert not any("/URI" in action or "/JavaScript" in action for action in actions)
    assert "/JavaScript" not in str(reader.trailer["/Root"].get("/Names", ""))
