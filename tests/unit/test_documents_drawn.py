"""Word and PDF drawn by other programs: pages, titles that repeat, and nothing outside its page."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cytopenia.report.sections import ReportSection
from cytopenia.report.table_model import Cell, Column, Row, Table
from report_factory import make_content
from report_texts import render

pytestmark = pytest.mark.long

Find = Callable[[str], str]
# Points; a letter may lean a little over the edge of its box.
SLACK, ROWS = 1.0, 200
SPACE = "{http://www.w3.org/1999/xhtml}"


def long_table() -> Table:
    columns = (Column("Factor", "left"), Column("Yes, n/N (%)", spanner="Event"), Column("P"))
    rows = tuple(
        Row(f"Level {at}", (Cell(f"{at}/999 (12.3%)", "bounds 1–2"), Cell("0.031"))) for at in range(ROWS)
    )
    return Table(id="long", caption="A long table", columns=columns, rows=rows, notes=("The last note.",))


def wide_table() -> Table:
    columns = (Column("Factor", "left"), *(Column(f"Column {at}") for at in range(1, 10)))
    row = Row("x" * 300, tuple(Cell("180.3 (2.2–8123)") for _ in range(9)))
    return Table(id="wide", caption="A wide table", columns=columns, rows=(row, row))


SECTIONS = (
    ReportSection(id="one", title="Long", tables=(long_table(),)),
    ReportSection(id="two", title="Wide", tables=(wide_table(),)),
)


def draw(name: str, folder: Path, find: Find) -> Path:
    """The report as PDF, a Word file by way of another program."""
    made = folder / f"report.{name}"
    made.write_bytes(render(name, make_content(), SECTIONS))
    if name == "docx":
        profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
        command = [find("soffice"), profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder)]
        subprocess.run([*command, str(made)], check=True, capture_output=True, timeout=180)
    return folder / "report.pdf"


def list_outside(page: Any) -> list[str]:
    """Words that leave their page."""
    width, height = float(page.get("width")) + SLACK, float(page.get("height")) + SLACK
    outside: list[str] = []
    for word in page.iter(f"{SPACE}word"):
        left, right, top, bottom = (float(word.get(key)) for key in ("xMin", "xMax", "yMin", "yMax"))
        if min(left, top) < -SLACK or right > width or bottom > height:
            outside.append(word.text)
    return outside


@pytest.mark.parametrize("name", ["docx", "pdf"])
def test_a_document_as_it_is_drawn(name: str, tmp_path: Path, find_program: Find) -> None:
    reader, painter = find_program("pdftotext"), find_program("pdftoppm")
    path = draw(name, tmp_path, find_program)
    boxes = subprocess.run([reader, "-bbox", str(path), "-"], check=True, capture_output=True, timeout=60)
    pages = list(ElementTree.fromstring(boxes.stdout).iter(f"{SPACE}page"))
    texts = [" ".join(word.text or "" for word in page.iter(f"{SPACE}word")) for page in pages]
    holding = [text for text in texts if "/999" in text]
    assert 5 <= len(holding) <= 12
    # Words of a page come in the order of the program that drew it.
    titles = {"Factor", "Yes,", "n/N", "(%)", "Event"}
    assert all(titles <= set(text.split()) for text in holding)
    assert sorted(map(int, re.findall(r"\b(\d+)/999\b", " ".join(texts)))) == list(range(ROWS))
    wide = [page for page, text in zip(pages, texts, strict=True) if "180.3" in text]
    assert wide
    assert all(float(page.get("width", 0)) > float(page.get("height", 0)) for page in wide)
    assert [word for page in pages for word in list_outside(page)] == []
    command = [painter, "-r", "20", "-gray", str(path), str(tmp_path / "page")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    pictures = sorted(tmp_path.glob("page-*.pgm"))
    assert len(pictures) == len(pages)
    # A page with anything on it has ink: no page is blank.
    assert all(min(picture.read_bytes()[20:]) < 128 for picture in pictures)
