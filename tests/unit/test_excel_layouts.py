"""Sheets as clinicians keep them: titles, merged headings, units, several sheets, day columns."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

from cytopenia.errors import MissingColumnError, ReaderError
from cytopenia.grade_file import grade_file
from cytopenia.grade_options import GradeRequest
from cytopenia.readers.sources import read_tables
from workbook_files import (
    DAYS,
    EXPECTED,
    LAYOUT,
    MERGES,
    TITLED,
    essence,
    messages,
    read,
    section_of,
    write_workbook,
)


def refused(path: Path, **labs: Any) -> str:
    with pytest.raises((ReaderError, MissingColumnError)) as caught:  # noqa: PT012, RUF100
        read(path, **labs)
    return str(caught.value)


# ---- titles, merged headings, units, day columns, legends


def test_titles_merged_headings_units_days_and_a_legend(tmp_path: Path) -> None:
    labs, findings = read(write_workbook(tmp_path / "x.xlsx", {"S": TITLED}, merges=MERGES), **LAYOUT)
    assert essence(labs) == EXPECTED
    assert messages(findings, "rows_above_headings") == [
        "labs: 1 filled row above the headings of x.xlsx, sheet S was not read (row 1)."
    ]
    assert messages(findings, "rows_below_last_row") == [
        "labs: 1 filled row below the last row (7) of x.xlsx, sheet S was not read."
    ]
    assert messages(findings, "day_columns") == [
        "labs: 2 columns 'ANC / Day {day}', day 0 to 7, anc in G/L.",
        "labs: 2 columns 'Hb / Day {day}', day 0 to 7, hemoglobin in g/dL.",
    ]
    assert messages(findings, "columns_not_used") == ["labs: columns that are not used: 'Sex'."]
    assert set(findings["rule"]) == {
        *("file_read", "rows_above_headings", "rows_below_last_row", "day_columns", "columns_not_used")
    }


def test_the_same_as_text_with_a_separator_of_its_own(tmp_path: Path) -> None:
    lines = [";".join("" if cell is None else str(cell) for cell in row) for row in TITLED]
    (tmp_path / "x.csv").write_text("\n".join(lines), encoding="utf-8")
    labs, findings = read(tmp_path / "x.csv", **LAYOUT)
    assert essence(labs) == EXPECTED
    assert messages(findings, "headings_spread") == [
        "labs: 2 blank headings of upper rows of x.csv took the one to their left. Merged cells "
        "are known only in "
        ".xlsx files. Check the columns, or save the file as .xlsx."
    ]


def test_blank_headings_are_not_spread_where_the_file_tells_what_is_merged(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "x.xlsx", {"S": TITLED}, merges=["C3:D3"])
    labs, findings = read(path, **LAYOUT)
    assert messages(findings, "columns_not_used") == [
        "labs: columns that are not used: 'Sex', 'Day 7 [g/dL]'."
    ]
    assert [row[1] for row in essence(labs) if row[2] == "hemoglobin"] == [0]


@pytest.mark.parametrize(
    ("heading", "pattern", "day"),
    [
        ("ANC_d-5", "ANC_d{day}", -5),
        ("ANC_d+14", "ANC_d{day}", 14),
        ("ANC\nDay 007", "ANC Day {day}", 7),
        ("ANC d−3 (G/L)", "ANC d{day}", -3),
        ("d28 (ANC)", "d{day} (ANC)", 28),
    ],
)
def test_patterns_of_days(tmp_path: Path, heading: str, pattern: str, day: int) -> None:
    path = write_workbook(tmp_path / "x.xlsx", {"S": [["patient_id", heading], ["1", 0.5], ["2", 0.25]]})
    labs, _ = read(path, days={pattern: {"analyte": "anc", "unit": "1e9/L"}})
    assert labs.select("day", "value").rows() == [(day, 0.5), (day, 0.25)]


def test_rows_of_a_patient_and_an_analyte(tmp_path: Path) -> None:
    rows = [
        ["Patient", "Test", "unit", "Day 0", "Day 1"],
        ["P1", "ANC", "G/L", 1.5, 0.5],
        [None, "Plt", "G/L", 90, None],
        ["P2", "ANC", "/uL", 200, 0],
    ]
    labs, findings = read(
        write_workbook(tmp_path / "x.xlsx", {"S": rows}, merges=["A2:A3"]),
        columns={"patient_id": "Patient", "analyte": "Test"},
        fill_down=["patient_id"],
        days={"Day {day}": {}},
    )
    assert essence(labs) == [
        ("P1", 0, "anc", 1.5, "=", 2),
        ("P1", 0, "platelets", 90.0, "=", 3),
        ("P1", 1, "anc", 0.5, "=", 2),
        ("P2", 0, "anc", 0.2, "=", 4),
        ("P2", 1, "anc", 0.0, "=", 4),
    ]
    assert messages(findings, "filled_down") == ["labs: 1 blank cell took the value above."]


def test_merged_cells_of_data_that_nothing_fills_are_named(tmp_path: Path) -> None:
    rows = [["patient_id", "day", "ANC (G/L)"], ["P1", 0, 1], [None, 1, 2], ["P2", 0, 3]]
    _, findings = read(write_workbook(tmp_path / "x.xlsx", {"S": rows}, merges=["A2:A3"]))
    assert messages(findings, "merged_cells") == [
        "labs: 'patient_id' has 1 merged cell over 2 rows. Only the first row of each has the "
        "value; name the "
        "column in fill_down."
    ]


# ---- several sheets


YEARS = {
    "2021": [["id", "day", "ANC (G/L)", "note"], ["P1", 0, 1.5, "x"], ["P1", 1, 0.5, None]],
    "2022": [["id", "day", "ANC (G/L)"], ["P2", 0, "<0.1"]],
    "Legend": [["ANC", "neutrophils"]],
}


def test_sheets_are_stacked_and_rows_counted_on(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "x.xlsx", YEARS)
    labs, findings = read(path, sheets=["2021", "2022"], columns={"patient_id": "id"})
    assert essence(labs) == [
        ("P1", 0, "anc", 1.5, "=", 2),
        ("P1", 1, "anc", 0.5, "=", 3),
        ("P2", 0, "anc", 0.1, "<", 12),
    ]
    assert messages(findings, "sheets_stacked") == [
        "labs: 2 sheets were stacked; '2021' has its own row numbers, '2022' from 10 on."
    ]
    assert messages(findings, "sheets_not_read") == [
        "labs: sheets of x.xlsx that were not read: 'Legend'. Name the sheets that count: sheets = "
        '["...", "..."], or ["*"] for all.'
    ]
    assert messages(findings, "columns_not_in_every_sheet") == [
        "labs: columns of some sheets only: 'note'. They are blank in the other sheets; give every "
        "sheet the same "
        "headings."
    ]


def test_a_sheet_for_each_patient(tmp_path: Path) -> None:
    rows = [["Chart"], ["day", "ANC (G/L)"], [0, 1.5], [1, 0.5]]
    path = write_workbook(tmp_path / "x.xlsx", {"P1": rows, "P2": rows})
    labs, _ = read(path, sheets=["*"], sheet_is="patient_id", header=2)
    assert [row[:4] for row in essence(labs)] == [
        ("P1", 0, "anc", 1.5),
        ("P1", 1, "anc", 0.5),
        ("P2", 0, "anc", 1.5),
        ("P2", 1, "anc", 0.5),
    ]


def test_a_sheet_for_each_analyte(tmp_path: Path) -> None:
    anc, plt = [["patient_id", "d0", "d1"], ["P1", 1.5, 0.5]], [["patient_id", "d0", "d1"], ["P1", 90, 80]]
    path = write_workbook(tmp_path / "x.xlsx", {"Neutro": anc, "PLT": plt})
    labs, _ = read(
        path,
        sheets=["*"],
        sheet_is="analyte",
        days={"d{day}": {}},
        analytes={"Neutro": "anc"},
        default_units={"anc": "G/L", "platelets": "G/L"},
    )
    assert [row[:4] for row in essence(labs)] == [
        ("P1", 0, "anc", 1.5),
        ("P1", 0, "platelets", 90.0),
        ("P1", 1, "anc", 0.5),
        ("P1", 1, "platelets", 80.0),
    ]


# ---- cells of every kind


@pytest.mark.parametrize("header", [(), (2,)])
@pytest.mark.parametrize(("remark", "minutes"), [(None, [425, 1439, 0]), ("early", [425, 1439, None])])
def test_a_column_of_times_beside_the_dates(
    tmp_path: Path, header: tuple[int, ...], remark: str | None, minutes: list[int | None]
) -> None:
    """7:05 is minute 425, 23:59 is 1439, midnight 0; a word among the times is no time."""
    path, top = tmp_path / "x.xlsx", len(header)
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        day, clock = (book.add_format({"num_format": shown}) for shown in ("dd/mm/yyyy", "hh:mm"))
        if top:
            sheet.write(0, 0, "Biologie")
        sheet.write_row(top, 0, ["patient_id", "date", "Heure", "ANC (G/L)"])
        for row, time in enumerate((dt.time(7, 5), dt.time(23, 59), dt.time(0, 0)), start=top + 1):
            sheet.write(row, 0, "P1")
            sheet.write_datetime(row, 1, dt.datetime(2024, 1, row), day)
            if remark and time == dt.time(0, 0):
                sheet.write(row, 2, remark)
            else:
                sheet.write_datetime(row, 2, time, clock)
            sheet.write(row, 3, 0.5)
    labs, _ = read(path, header=header, columns={"time": "Heure"})
    assert labs["minute"].to_list() == minutes


def write_kinds(path: Path) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        sheet.write_row(0, 0, ["patient_id", "date", "ANC (G/L)", "Hb (g/dL)"])
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        values: list[Any] = [0.5, "<0.1", 0, True, None, "=1/0", "=1+1", "=A1", "clotted"]
        for row, value in enumerate(values, start=1):
            sheet.write(row, 0, f"P{row}")
            sheet.write_datetime(row, 1, dt.datetime(2024, 1, row), day)
            if value == "=1/0":
                sheet.write_formula(row, 2, value, None, "#DIV/0!")
            elif value == "=1+1":
                sheet.write_formula(row, 2, value, None, 2)
            else:
                sheet.write(row, 2, value)
            sheet.write(row, 3, 9)
        sheet.write_datetime(10, 2, dt.datetime(2024, 5, 1), day)
        sheet.write(10, 0, "P10")
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.set_column("D:D", None, None, {"hidden": True})
        sheet.hide()
        book.add_worksheet("Seen").activate()
    return path


@pytest.mark.parametrize("layout", [{}, {"header": 1}])
def test_cells_of_every_kind_in_one_column(tmp_path: Path, layout: dict[str, Any]) -> None:
    labs, findings = read(write_kinds(tmp_path / "x.xlsx"), sheet="S", **layout)
    anc = labs.filter(pl.col("analyte").cast(pl.String) == "anc")
    assert anc.select("patient_id", "comparator", "value", "invalid").rows() == [
        ("P1", "=", 0.5, None),
        ("P2", "<", 0.1, None),
        ("P3", "=", 0.0, None),
        ("P4", "=", None, "value not a number"),
        ("P7", "=", 2.0, None),
        ("P9", "=", None, "value not a number"),
        ("P10", "=", None, "value not a number"),
    ]
    assert messages(findings, "error_cells") == [
        "labs: 'ANC (G/L)': the cell is an error in 1 of 10 rows (row 7). These cells (#DIV/0!, "
        "#REF! ...) are "
        "missing; correct the formulas."
    ]
    assert messages(findings, "formula_without_result") == [
        "labs: 'ANC (G/L)': a formula has no stored result in 1 of 10 rows (row 9). These cells "
        "are missing. Open "
        "the file in the spreadsheet program, save it, and read it again."
    ]
    assert messages(findings, "formula_cells") == [
        "labs: 3 cells of x.xlsx, sheet S hold a formula, 1 of them no result. The results stored "
        "in the file were "
        "used; nothing was computed."
    ]
    assert "the value is a date or a time in 1 of" in messages(findings, "date_as_value")[0]
    assert sorted(text.partition(". They")[0] for text in messages(findings, "hidden_cells")) == [
        "labs: hidden columns of x.xlsx, sheet S: 'Hb (g/dL)'",
        "labs: the row is hidden in x.xlsx, sheet S in 1 of 10 rows (row 3)",
        "labs: x.xlsx, sheet S is a hidden sheet",
    ]


@pytest.mark.parametrize("layout", [{}, {"header": 1}])
@pytest.mark.parametrize(("decimal", "text", "value"), [(",", "0,75", 0.75), ("auto", "<0,1", 0.1)])
def test_a_number_in_a_cell_has_no_decimal_mark(
    tmp_path: Path, layout: dict[str, Any], decimal: str, text: str, value: float
) -> None:
    rows = [
        ["patient_id", "day", "ANC (G/L)"],
        ["P1", 0, 1.234],
        ["P1", 1, text],
        ["P1", 2, 0.5],
        ["P1", 3, 2],
    ]
    labs, _ = read(write_workbook(tmp_path / "x.xlsx", {"S": rows}), decimal=decimal, **layout)
    assert labs.filter(pl.col("day") != 1)["value"].to_list() == [1.234, 0.5, 2.0]
    assert labs.filter(pl.col("day") == 1)["value"].to_list() == [value]


def test_a_comma_text_that_only_numbers_stand_beside_stays_ambiguous(tmp_path: Path) -> None:
    rows = [["patient_id", "day", "ANC (G/L)"], ["P1", 0, 0.5], ["P1", 1, "1,234"]]
    labs, findings = read(write_workbook(tmp_path / "x.xlsx", {"S": rows}))
    assert labs["value"].to_list() == [0.5, None]
    assert messages(findings, "ambiguous_number")


def test_columns_are_named_as_not_used_only_where_something_is_mapped(tmp_path: Path) -> None:
    path = write_workbook(
        tmp_path / "x.xlsx", {"S": [["patient_id", "day", "ANC (G/L)", "k"], ["P1", 0, 5, 1]]}
    )
    assert messages(read(path)[1], "columns_not_used") == []
    assert messages(read(path, sheet="S")[1], "columns_not_used") == ["labs: columns that are not used: 'k'."]


def test_a_file_that_starts_with_blank_rows_keeps_its_row_numbers(tmp_path: Path) -> None:
    path = write_workbook(
        tmp_path / "x.xlsx", {"S": [[], [], ["patient_id", "day", "ANC (G/L)"], ["P1", 0, 5]]}
    )
    labs, _ = read(path)
    assert labs["source_row"].to_list() == [4]


# ---- errors, all at once


def test_a_title_stops_the_run_and_names_the_row_of_headings(tmp_path: Path) -> None:
    rows = [["Export of 1 May"], ["patient_id", "day", "ANC (G/L)"], ["P1", 0, 1], ["P2", 0, 1]]
    text = refused(write_workbook(tmp_path / "x.xlsx", {"S": rows}))
    assert (
        "x.xlsx, sheet S: row 1 has far fewer filled cells than the rows beneath and looks like a title; the "
        "headings seem to stand in row 2. Write header = 2 under [data.labs]" in text
    )


def test_equal_headings_are_named_with_their_columns(tmp_path: Path) -> None:
    rows = [["patient_id", "day", "ANC", "ANC"], ["P1", 0, 1, 2]]
    path = write_workbook(tmp_path / "x.xlsx", {"S": rows})
    assert "heading 'ANC' stands over columns C, D; give every column its own" in refused(path)
    assert "heading 'ANC' stands over columns C, D; give every column its own" in refused(path, header=1)


def test_headings_that_differ_in_blanks_are_equal(tmp_path: Path) -> None:
    rows = [["patient_id", "day", "ANC", " ANC"], ["P1", 0, 1, 2]]
    path = write_workbook(tmp_path / "x.xlsx", {"S": rows})
    assert "sheet S: the same heading stands over columns C, D; give every column its own" in refused(path)


def test_true_among_numbers_is_no_number_whatever_the_heading(tmp_path: Path) -> None:
    rows = [["patient_id", "day", " ANC (G/L) "], ["P1", 0, 2], ["P1", 1, True]]
    labs, _ = read(write_workbook(tmp_path / "x.xlsx", {"S": rows}))
    assert labs["value"].to_list() == [2.0, None]


def test_a_row_of_data_as_headings_is_not_repeated(tmp_path: Path) -> None:
    rows = [["patient_id", "day", "ANC", "Hb"], ["P1", 0.123, 0.123, 0.123]]
    path = write_workbook(tmp_path / "x.xlsx", {"S": rows})
    text = refused(path, header=2)
    assert "row 2 looks like data: most of its cells are numbers; correct 'header'" in text
    assert "0.123" not in text
    text = refused(path, header=2, days={"{day}": {"analyte": "anc", "unit": "G/L"}})
    assert "the same heading (a number) stands over columns B, C, D" in text
    assert "0.123" not in text


def test_days_alone_as_headings(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "x.xlsx", {"S": [["patient_id", -5, 0, 7], ["P1", 2, 1, 0]]})
    labs, _ = read(path, header=1, days={"{day}": {"analyte": "anc", "unit": "G/L"}})
    assert labs.select("day", "value").rows() == [(-5, 2.0), (0, 1.0), (7, 0.0)]


def test_an_empty_sheet_among_others_is_named(tmp_path: Path) -> None:
    path = write_workbook(
        tmp_path / "x.xlsx", {"A": [["patient_id", "day", "ANC (G/L)"], ["P1", 0, 1]], "B": []}
    )
    labs, findings = read(path, sheets=["*"])
    assert labs.height == 1
    assert messages(findings, "empty_table") == ["labs: x.xlsx, sheet B is empty."]
    assert messages(findings, "columns_not_in_every_sheet") == []


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ({"header": 30}, "sheet S: 'header' names row 30, and its last row is 9"),
        ({"header": 2}, "row 2 has no headings: all its cells are blank; correct 'header'"),
        ({"header": [9], "unit_row": 10}, "'unit_row' is 10, and its last row is 9"),
        ({**LAYOUT, "fill_down": ["day"]}, "'fill_down' names day, and there is no column 'day'"),
        ({**LAYOUT, "sheet": "T"}, "x.xlsx: sheet 'T' is absent"),
        ({**LAYOUT, "sheets": ["S", "T"]}, "sheet 'T' is absent"),
        ({**LAYOUT, "days": {"PLT d{day}": {"analyte": "platelets"}}}, "no column fits 'PLT d{day}'"),
        (
            {**LAYOUT, "days": {**DAYS, "ANC / Day {day}": {}}},
            "'ANC / Day {day}' has no analyte, and there is no column of analytes; write",
        ),
        (
            {**LAYOUT, "days": {"ANC / Day {day}": {"analyte": "anc", "unit": "/uL"}}},
            "column 'ANC / Day 0 [G/L]' is in G/L, and 'ANC / Day {day}' says /uL; correct the mapping",
        ),
        (
            {**LAYOUT, "days": {"Hb / Day {day}": {"analyte": "platelets"}}},
            "the unit 'g/dL' of column 'Hb / Day 0 [g/dL]' is no listed unit of platelets; allowed: 1e9/L",
        ),
        ({**LAYOUT, "sheet_is": "analyte"}, "has an analyte, and column 'analyte' has analytes as well"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, layout: dict[str, Any], words: str) -> None:
    assert words in refused(write_workbook(tmp_path / "x.xlsx", {"S": TITLED}, merges=MERGES), **layout)


def test_two_patterns_for_a_column_and_two_columns_for_a_day_come_at_once(tmp_path: Path) -> None:
    rows = [["patient_id", "ANC_d1", "ANC_d01", "Platelets 1"], ["P1", 1, 2, 3]]
    text = refused(
        write_workbook(tmp_path / "x.xlsx", {"S": rows}),
        days={
            "ANC_d{day}": {"analyte": "anc"},
            "ANC_d0{day}": {"analyte": "wbc"},
            "Plateletes {day}": {"analyte": "platelets"},
        },
    )
    assert "column 'ANC_d01' fits 'ANC_d{day}' and 'ANC_d0{day}'; make the patterns narrower" in text
    assert "columns 'ANC_d1' and 'ANC_d01' are both day 1 of anc; rename or remove one" in text
    assert "no column fits 'Plateletes {day}' (did you mean 'Platelets 1'?)" in text


def test_a_mapped_column_that_one_of_the_sheets_lacks(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "x.xlsx", YEARS)
    text = refused(path, sheets=["*"], columns={"patient_id": "id"})
    assert "x.xlsx, sheet Legend: column 'id' (for patient_id) is not there" in text


def test_a_row_of_units_with_a_unit_that_is_not_listed(tmp_path: Path) -> None:
    rows = [
        ["patient_id", "day", "age", "ANC", "Hb"],
        [None, None, "years", "T/mm", "g/dL"],
        ["P1", 0, 5, 1, 9],
    ]
    path = write_workbook(tmp_path / "x.xlsx", {"S": rows})
    assert (
        "'T/mm' in the row of units (2) is no listed unit of anc ('ANC [T/mm]'); allowed: 1e9/L"
        in refused(path, header=1, unit_row=2)
    )
    labs, _ = read(path, header=1, unit_row=2, units={"T/mm": "K/uL"})
    assert labs["value"].to_list() == [1.0, 90.0]


def test_a_row_of_units_over_the_percentage_of_neutrophils(tmp_path: Path) -> None:
    rows = [
        ["patient_id", "day", "WBC", "Neutrophile %", "Hb (BGA)"],
        [None, None, "/ul", "%", "g/dl"],
        ["P1", 0, 1200, 50, 9],
        ["P1", 3, 100, 0, 9],
    ]
    path = write_workbook(tmp_path / "x.xlsx", {"S": rows})
    labs, _ = read(path, header=1, unit_row=2)
    counts = labs.filter(analyte="anc").select("day", "value").rows()
    assert counts == [(0, 0.6), (3, 0.0)]
    assert "hemoglobin" not in labs["analyte"].to_list()


def test_neutrophils_over_a_unit_of_percent_are_the_percentage(tmp_path: Path) -> None:
    rows = [["patient_id", "day", "WBC", "NEUT"], [None, None, "G/L", "%"], ["P1", 0, 2, 30]]
    path = write_workbook(tmp_path / "x.xlsx", {"S": rows})
    labs, _ = read(path, header=1, unit_row=2)
    assert labs.filter(analyte="anc")["value"].to_list() == [0.6]


def test_a_unit_that_nothing_maps_stops_no_run(tmp_path: Path) -> None:
    rows = [["patient_id", "day", "ANC", "Hb"], [None, None, "G/L", "Punkte"], ["P1", 0, 2, 3]]
    path = write_workbook(tmp_path / "x.xlsx", {"S": rows})
    labs, _ = read(path, header=1, unit_row=2, wide={"anc": {"column": "ANC [G/L]", "unit": "G/L"}})
    assert labs["value"].to_list() == [2.0]


def test_a_heading_and_a_mapping_of_different_units(tmp_path: Path) -> None:
    rows = [["patient_id", "day", "Hb"], [None, None, "mmol/L"], ["P1", 0, 5]]
    path = write_workbook(tmp_path / "x.xlsx", {"S": rows})
    mapped = {"hemoglobin": {"column": "Hb [mmol/L]", "unit": "g/dL"}}
    text = refused(path, header=1, unit_row=2, wide=mapped)
    assert "x.xlsx, sheet S: column 'Hb [mmol/L]' is in mmol/L, and the mapping says g/dL" in text
    labs, _ = read(path, header=1, unit_row=2, wide=mapped, units={"mmol/L": "g/dL"})
    assert labs["value"].to_list() == [50.0]


def test_a_text_file_has_no_sheets(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("patient_id,day,ANC (G/L)\n1,0,1\n")
    assert "x.csv: a text file has no sheets" in refused(tmp_path / "x.csv", sheets=["*"])


def test_a_graded_file_has_the_day_of_each_value(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "x.xlsx", {"S": TITLED}, merges=MERGES)
    (tmp_path / "map.toml").write_text(
        '[labs]\nheader = [3, 4]\nunit_row = 5\nlast_row = 7\ncolumns = { patient_id = "Patient" }\n'
        '[labs.days]\n"ANC / Day {day}" = { analyte = "anc" }\n',
        encoding="utf-8",
    )
    request = GradeRequest(
        labs=path,
        definition="ctcae_v5",
        out=tmp_path / "graded.csv",
        mapping=tmp_path / "map.toml",
        lln=("anc=2.0",),
    )
    grade_file(request)
    graded = pl.read_csv(tmp_path / "graded.csv")
    assert graded.select("Patient", "day", "value", "grade").rows() == [
        ("P1", 0, 2.5, 0),
        ("P1", 7, 0.4, 4),
        ("P2", 0, 3.0, 0),
        ("P2", 7, 0.0, 4),
    ]
    assert "ANC / Day 0 [G/L]" not in graded.columns
    assert sorted(file.name for file in tmp_path.iterdir()) == ["graded.csv", "map.toml", "x.xlsx"]


def test_a_study_reads_the_same(tmp_path: Path) -> None:
    write_workbook(tmp_path / "counts.xlsx", {"S": TITLED}, merges=MERGES)
    tables = read_tables(tmp_path, section_of(file="counts.xlsx", **LAYOUT))
    assert [row[:5] for row in essence(tables.labs)] == [row[:5] for row in EXPECTED]
