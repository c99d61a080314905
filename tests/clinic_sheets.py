"""Workbooks as clinicians keep them, typed by hand; every patient and value in them is invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import xlsxwriter

Cell = str | float | date | None
Rows = Sequence[Sequence[Cell]]

DAY_ZERO = date(2024, 1, 10)


def write_workbook(
    path: Path, sheets: Mapping[str, Rows], *, merges: Mapping[str, Sequence[str]] | None = None
) -> Path:
    """Write a workbook; `merges` are ranges such as "C2:E2" whose first cell is filled already."""
    book = xlsxwriter.Workbook(str(path))
    dates = book.add_format({"num_format": "dd.mm.yyyy"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for place, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, date):
                    sheet.write_datetime(place, column, cell, dates)
                elif cell is not None:
                    sheet.write(place, column, cell)
        for span in (merges or {}).get(name, ()):
            first = span.partition(":")[0]
            row, column = int(first[1:]) - 1, ord(first[0]) - ord("A")
            sheet.merge_range(span, rows[row][column])
    book.close()
    return path


GERMAN_LABS: Rows = [
    ["Export Laborsystem, Station 5"],
    [],
    [
        *("Pat.-Nr.", "Abnahmedatum", "Leukozyten/nl", "Neutrophile abs. (G/L)", "Hb [g/dl]"),
        *("Thrombozyten (G/l)", "Neutrophile %", "MCH (pg)", "CRP mg/l"),
    ],
    ["P1", date(2024, 1, 4), 5.1, 3.2, 11.2, 160, 62.0, 30.1, 12],
    ["P1", date(2024, 1, 10), 3.2, 2.1, 9.9, 130, 65.0, 30.3, 20],
    ["P1", date(2024, 1, 17), 0.6, 0.3, 8.1, 41, 50.0, 30.2, 44],
    ["P1", date(2024, 2, 7), 2.9, 1.6, 9.4, 98, 55.0, 30.0, 8],
    ["P2", date(2024, 1, 5), 4.4, 2.6, 10.8, 201, 59.0, 29.1, 4],
    ["P2", date(2024, 1, 10), 2.2, 1.2, 10.1, 150, 54.0, 29.3, 9],
    ["P2", date(2024, 1, 20), 0.4, 0.1, 7.6, 18, 25.0, 29.0, 91],
    ["P2", date(2024, 2, 7), 3.1, 1.9, 9.0, 77, 61.0, 29.4, 5],
]
GERMAN_PATIENTS: Rows = [
    ["Pat.-Nr.", "Nachname", "Alter", "Geschlecht", "Infusionsdatum", "LD Start", "Diagnose", "CRS Grad"],
    ["P1", "Muster", 61, "m", DAY_ZERO, date(2024, 1, 5), "DLBCL", 1],
    ["P2", "Beispiel", 54, "w", DAY_ZERO, date(2024, 1, 5), "FL", 0],
]
GERMAN_SUPPORT: Rows = [
    ["Pat.-Nr.", "Datum", "Produkt"],
    ["P1", date(2024, 1, 15), "EK"],
    ["P1", date(2024, 1, 16), "Thrombozytenkonzentrat"],
    ["P2", date(2024, 1, 18), "Filgrastim"],
    ["P2", date(2024, 1, 19), "FFP"],
]
GERMAN = {"Laborwerte": GERMAN_LABS, "Patienten": GERMAN_PATIENTS, "Transfusionen": GERMAN_SUPPORT}

DAY_COLUMNS: Rows = [
    ["Counts after CAR-T"],
    ["Patient", "Age", "ANC (10^9/L)", None, None, "PLT (10^9/L)", None, None],
    [None, None, "Day 0", "Day 7", "Day 14", "Day 0", "Day 7", "Day 14"],
    ["A1", 51, 1.5, 0.2, 0.9, 120, 40, 33],
    ["A2", 62, 2.5, 0.4, 1.9, 140, 52, 61],
    ["A3", 47, 3.1, None, 1.1, 98, 21, 25],
    ["A4", 70, 1.9, 0.1, 0.4, 101, 30, 28],
    [],
    ["* after infusion"],
]
DAY_MERGES = ["A2:A3", "B2:B3", "C2:E2", "F2:H2"]

UNIT_ROW: Rows = [
    ["ID", "Day", "ANC", "Hb", "PLT"],
    [None, None, "10^9/L", "g/dL", "10^9/L"],
    ["X1", -5, 2.2, 11.0, 150],
    ["X1", 0, 1.2, 9.9, 120],
    ["X1", 7, 0.4, 8.2, 30],
    ["X2", -5, 3.2, 12.1, 210],
    ["X2", 0, 2.1, 10.9, 160],
    ["X2", 14, 0.9, 8.8, 45],
]

_PATIENT_SHEET: Rows = [
    ["Date", "WBC (K/uL)", "ANC (K/uL)", "Hgb (g/dL)", "Plt (K/uL)"],
    [date(2024, 3, 1), 3.3, 1.2, 9.1, 77],
    [date(2024, 3, 2), 2.9, 1.0, 8.8, 70],
    [date(2024, 3, 3), 2.1, 0.7, 8.7, 61],
]
PER_PATIENT = dict.fromkeys(("001", "002", "003"), _PATIENT_SHEET)


def _analyte_sheet(low: float, high: float) -> Rows:
    return [
        ["ID", "Datum", "Wert"],
        ["p1", date(2024, 3, 1), high],
        ["p1", date(2024, 3, 8), low],
        ["p2", date(2024, 3, 2), high],
        ["p2", date(2024, 3, 9), low],
    ]


PER_ANALYTE = {
    "ANC in K per uL": _analyte_sheet(0.4, 2.2),
    "Hb": _analyte_sheet(8.1, 11.0),
    "PLT": _analyte_sheet(22, 180),
}


def _year(day: date) -> Rows:
    return [
        ["MRN", "Collected", "Test", "Result", "Units"],
        ["7", day, "Neutrophils abs", 1.1, "K/uL"],
        ["7", day, "Hemoglobin", 9.1, "g/dL"],
        ["7", day, "Platelets", 77, "K/cmm"],
        ["7", day, "Sodium", 140, "mmol/L"],
        ["7", day, "Hemoglobin A1c", 5.5, "%"],
        ["7", day, "LDH", 250, None],
    ]


PER_YEAR = {"2021": _year(date(2021, 5, 4)), "2022": _year(date(2022, 6, 4))}
