"""Widths of columns of the Word file: a short number never breaks. Signs are measured by Adobe's Helvetica.

Arial has the widths of Helvetica. The file of metrics is the one that matplotlib brings, read by fontTools.
"""

from __future__ import annotations

import string
from functools import cache
from pathlib import Path

import matplotlib as mpl
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from fontTools.afmLib import AFM
from fontTools.agl import UV2AGL

from cytopenia.report.table_model import Cell, Column, Row, Table
from cytopenia.report.word_parts import NAMESPACE, write_table
from cytopenia.report.word_widths import measure_columns, measure_text

# An upright A4 page without its margins, and the two margins of a cell, in twentieths of a point.
PAGE, MARGINS = 9638, 140
# Sizes of type in half points: of a cell, and of the bounds below it.
SIZE, BOUNDS = 17, 15
MINUS = "\N{MINUS SIGN}"


@cache
def metrics() -> AFM:
    return AFM(str(Path(mpl.get_data_path()) / "fonts" / "pdfcorefonts" / "Helvetica.afm"))


def drawn(text: str, size: int = SIZE) -> float:
    """Width of a text in twentieths of a point."""
    names = [UV2AGL[ord(sign)] for sign in text.replace("\N{NO-BREAK SPACE}", " ")]
    return sum(metrics()[name][1] for name in names) * size / 100


@pytest.mark.parametrize("sign", string.ascii_letters + string.digits + string.punctuation + " \N{EN DASH}")
def test_a_sign_is_measured_as_wide_as_it_is_drawn(sign: str) -> None:
    assert drawn(sign) <= measure_text(sign, size=SIZE) <= drawn(sign) * 1.3


@pytest.mark.parametrize("text", ["41.3%", "39/60 (65.0%)", "0.789 (0.664\N{EN DASH}0.914)", "<0.001"])
def test_a_number_is_measured_within_a_tenth(text: str) -> None:
    assert drawn(text) <= measure_text(text, size=SIZE) <= drawn(text) * 1.1


def test_a_wide_letter_and_a_sign_of_another_script_are_no_digit() -> None:
    assert measure_text("中", size=SIZE) >= SIZE * 10
    assert measure_text(f"{MINUS}5", size=SIZE) >= SIZE * (584 + 556) / 100


def table(*cells: str, title: str = "%", rows: int = 1) -> Table:
    columns = (Column("State", "left"), *(Column(title) for _ in cells))
    row = Row("Recovered", tuple(Cell(text) for text in cells))
    return Table(id="t", caption="C", columns=columns, rows=(row,) * rows)


@pytest.mark.parametrize(
    "text", ["41.3%", "100.0%", "41.3 %", ">0.999", "%%%%%", "12,345", "W-M", "60 (3%)", "0.5"]
)
def test_a_short_number_fits_its_column(text: str) -> None:
    widths = measure_columns(table(text), width=PAGE)
    assert widths[1] - MARGINS >= drawn(text)


def test_bounds_fit_their_column() -> None:
    long = "bounds 101\N{EN DASH}not reached"
    one = Table(
        id="t",
        caption="C",
        columns=(Column("State", "left"), Column("n")),
        rows=(Row("Recovered", (Cell("7", long, marks=(0, 1)),)),),
    )
    assert measure_columns(one, width=PAGE)[1] - MARGINS >= drawn(long, BOUNDS)


@pytest.mark.parametrize("columns", [6, 7, 8])
def test_a_short_number_fits_on_a_page_that_is_too_narrow_for_the_long_ones(columns: int) -> None:
    """The long numbers do not fit side by side; they give way, at their spaces, and the short ones do not."""
    long = "0.789 (0.664\N{EN DASH}0.914)"
    widths = measure_columns(table("41.3%", *[long] * (columns - 2), "100.0%"), width=PAGE)
    assert sum(widths) <= PAGE
    assert widths[1] - MARGINS >= drawn("41.3%")
    assert widths[-1] - MARGINS >= drawn("100.0%")
    assert min(widths[2:-1]) - MARGINS >= drawn("(0.664\N{EN DASH}0.914)")


@pytest.mark.parametrize("columns", [9, 10, 12])
def test_a_short_number_fits_where_the_long_ones_cannot(columns: int) -> None:
    """Not even the halves of the long numbers fit side by side: these break, and the short ones do not."""
    long = "0.789 (0.664\N{EN DASH}0.914)"
    widths = measure_columns(table("41.3%", *[long] * (columns - 2), "100.0%"), width=PAGE)
    assert sum(widths) <= PAGE
    assert widths[1] - MARGINS >= drawn("41.3%")
    assert widths[-1] - MARGINS >= drawn("100.0%")


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("41.3 %", True),
        ("12 (3%)", False),
        ("< 2.29", True),
        ("not estimable", False),
        ("5 of the 7 days", False),
    ],
)
def test_the_spaces_of_a_short_number_hold_it_together(text: str, held: bool) -> None:
    body = parse_xml(f"<w:body {NAMESPACE}>{write_table(table(text), width=PAGE)}</w:body>")
    texts = [node.text for node in body.iter(qn("w:t"))]
    assert (text.replace(" ", "\N{NO-BREAK SPACE}") in texts) is held
    assert (text in texts) is not held


def test_a_text_in_a_column_of_texts_keeps_its_spaces() -> None:
    one = Table(
        id="t",
        caption="C",
        columns=(Column("a", "left"), Column("b", "left")),
        rows=(Row("x", (Cell("2 days"),)),),
    )
    body = parse_xml(f"<w:body {NAMESPACE}>{write_table(one, width=PAGE)}</w:body>")
    assert "2 days" in [node.text for node in body.iter(qn("w:t"))]


def test_a_word_without_end_leaves_the_numbers_their_room() -> None:
    """A word of 300 signs breaks within; titles and numbers beside it do not."""
    columns = (Column("Factor", "left"), Column("n/N (%)"), Column("Quartiles"), Column("Missing"))
    row = Row("x" * 300, (Cell("1000/4321 (12.3%)"), Cell("12.5\N{EN DASH}17.5"), Cell("12")))
    widths = measure_columns(Table(id="t", caption="C", columns=columns, rows=(row,)), width=PAGE)
    assert sum(widths) <= PAGE
    texts = ("1000/4321 (12.3%)", "12.5\N{EN DASH}17.5", "Missing")
    assert all(drawn(text) + MARGINS <= width for text, width in zip(texts, widths[1:], strict=True))
