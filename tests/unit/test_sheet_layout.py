"""Where the table of a sheet stands: expected rows are counted by hand in the sheets of this file."""

from __future__ import annotations

import polars as pl
import pytest

from cytopenia.readers.sheet_layout import Layout, find_layout


def lay_out(*rows: str) -> Layout:
    """The layout of a sheet; cells are separated by upright strokes, "." is a blank cell."""
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    width = max(len(row) for row in cells)
    columns = {
        chr(ord("A") + place): [
            row[place] if place < len(row) and row[place] not in {".", ""} else None for row in cells
        ]
        for place in range(width)
    }
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)).with_row_index(
        "source_row", offset=1
    )
    layout = find_layout(frame.with_columns(pl.col("source_row").cast(pl.UInt32)))
    assert layout is not None
    return layout


def test_a_plain_table() -> None:
    layout = lay_out("ID | Date | Hb", "1 | 2024-01-01 | 9.1", "1 | 2024-01-02 | 8.4")
    assert layout.is_plain
    assert layout.headings == ("ID", "Date", "Hb")
    assert layout.body.height == 2


def test_title_rows_above_the_headings() -> None:
    layout = lay_out(
        "Export of 2024",
        ".",
        "Ward | 5",
        "ID | Date | Hb | PLT",
        "1 | 2024-01-01 | 9.1 | 30",
        "1 | 2024-01-02 | 8.4 | 31",
    )
    assert layout.header == (4,)
    assert layout.reasons["header"] == "row 4 holds 4 headings, under 2 rows of title"


def test_headings_of_two_rows() -> None:
    layout = lay_out(
        "Patient | ANC | . | PLT | .",
        ". | Day 0 | Day 7 | Day 0 | Day 7",
        "1 | 1.2 | 0.3 | 120 | 30",
        "2 | 2.2 | 0.1 | 99 | 21",
    )
    assert layout.header == (1, 2)
    assert layout.headings == ("Patient", "ANC / Day 0", "ANC / Day 7", "PLT / Day 0", "PLT / Day 7")
    assert layout.body["source_row"].to_list() == [3, 4]


def test_days_as_bare_numbers_under_the_name() -> None:
    layout = lay_out("Patient | ANC | . | . ", ". | 0 | 7 | 14", "1 | 1.2 | 0.3 | 0.9", "2 | 2.2 | 0.1 | 0.7")
    assert layout.headings == ("Patient", "ANC / 0", "ANC / 7", "ANC / 14")


def test_a_blank_heading_makes_no_second_row_of_headings() -> None:
    layout = lay_out(". | ID | Age", "1 | 5 | 60", "2 | 6 | 61", "3 | 7 | 62")
    assert layout.header == (1,)
    assert layout.body.height == 3


def test_a_row_of_units() -> None:
    layout = lay_out(
        "ID | Day | ANC | Hb", ". | d | [10^9/L] | g/dL", "1 | 0 | 1.2 | 9.9", "1 | 7 | 0.2 | 8.9"
    )
    assert (layout.header, layout.unit_row) == ((1,), 2)
    assert layout.headings == ("ID", "Day [d]", "ANC [10^9/L]", "Hb [g/dL]")


def test_words_are_no_row_of_units() -> None:
    layout = lay_out("ID | Test | Value", "1 | Hb | 9.9", "1 | PLT | 30", "2 | Hb | 8.1")
    assert layout.unit_row is None


@pytest.mark.parametrize(
    ("below", "last"),
    [
        ((".", "* measured twice"), 4),
        (("Mean | . | 9.1",), 4),
        ((".", "Legend: n.d. = not done"), 4),
        ((), None),
    ],
)
def test_what_stands_below_the_data(below: tuple[str, ...], last: int | None) -> None:
    layout = lay_out("ID | Day | Hb", "1 | 0 | 9.1", "1 | 7 | 8.4", "2 | 0 | 9.9", *below)
    assert layout.last_row == last
    assert layout.body.height == 3


def test_means_right_under_the_data() -> None:
    layout = lay_out(
        "ID | Day | Hb | PLT",
        "1 | 0 | 9.1 | 20",
        "1 | 7 | 8.1 | 21",
        "2 | 0 | 7.1 | 22",
        "Mittelwert | . | 8.1 | 21",
        "Minimum | . | 7.1 | 20",
    )
    assert layout.last_row == 4


@pytest.mark.parametrize("patient", ["N-0{}", "SD 0{}", "Note {}", "MAX{}", "Max"])
def test_patients_that_are_called_like_a_sum(patient: str) -> None:
    rows = [
        f"{patient.format(number)} | {day} | 9.1 | {value}"
        for number in (1, 2, 3)
        for day, value in ((0, 1), (7, "."))
    ]
    layout = lay_out("ID | Day | Hb | PLT", *rows)
    assert layout.last_row is None
    assert layout.body.height == 6


def test_a_column_called_like_our_own_number_of_the_row() -> None:
    layout = lay_out("ID | Day | Hb | source_row", "1 | 0 | 9.1 | 70", "1 | 7 | 8.1 | 71")
    assert layout.headings == ("ID", "Day", "Hb")
    assert layout.body["source_row"].to_list() == [2, 3]


def test_a_sparse_last_row_is_data() -> None:
    layout = lay_out(
        "ID | Day | ANC | PLT | Hb", "1 | 0 | 1 | 30 | 9", "1 | 1 | 2 | 31 | 8", "1 | 2 | . | . | ."
    )
    assert layout.last_row is None
    assert layout.body.height == 3


def test_one_heading_over_two_columns_is_a_question() -> None:
    layout = lay_out("ID | Hb | Hb", "1 | 9.1 | 9.2", "2 | 8.1 | 8.2")
    assert layout.body.is_empty()
    assert len(layout.questions) == 1
    assert layout.questions[0].startswith("heading 'Hb' stands over columns B, C; give every column its own")


def test_a_sheet_of_one_column() -> None:
    assert lay_out("Remarks", "none", "none").headings == ("Remarks",)


def test_an_empty_sheet() -> None:
    assert find_layout(pl.DataFrame({"source_row": [1]}, schema={"source_row": pl.UInt32})) is None
