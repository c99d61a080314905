"""Workbooks as clinicians keep them, typed by hand; every patient and value in them is invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import xlsxwriter
from xlsxwriter.utility import xl_cell_to_rowcol, xl_col_to_name

from study_files import COUNTS

Cell = str | float | date | None
Rows = Sequence[Sequence[Cell]]

DAY_ZERO = date(2024, 1, 10)

# The study of `study_files` as clinicians would keep it: the same patients, days and counts.
INFUSED = {"A": date(2024, 1, 10), "B": date(2024, 2, 1), "C": date(2024, 3, 1)}
LINEAGES = ("ANC", "Hb", "PLT")


def list_counts() -> list[tuple[str, int, date, tuple[float, float, float]]]:
    """Patient, day, date and the three counts; hemoglobin in g/dL."""
    return [
        (patient, day, INFUSED[patient] + timedelta(days=day), (anc, hb / 10, plt))
        for (patient, day), (anc, hb, plt) in COUNTS.items()
    ]


def write_wide() -> Mapping[str, Rows]:
    """Sheets of labs, patients and transfusions, a title over the labs, German headings."""
    headings = ["Pat.-Nr.", "Abnahmedatum", "Neutrophile abs. (G/L)", "Hb [g/dl]", "Thrombozyten/nl"]
    labs: list[list[Cell]] = [["Ausdruck des Labors"], [], [*headings]]
    labs += [[patient, day, *counts] for patient, _, day, counts in list_counts()]
    patients: list[list[Cell]] = [["Pat.-Nr.", "Alter", "Geschlecht", "Infusionsdatum", "Beginn LD"]]
    for patient, age, sex in (("A", 61, "w"), ("B", 48, "m"), ("C", 70, "m")):
        patients.append([patient, age, sex, INFUSED[patient], INFUSED[patient] - timedelta(days=5)])
    support: list[list[Cell]] = [
        ["Pat.-Nr.", "Beginn", "Ende", "Präparat", "Maßnahme"],
        ["A", date(2024, 1, 18), date(2024, 1, 20), "Filgrastim", "G-CSF"],
        ["B", date(2024, 2, 13), date(2024, 2, 13), None, "TK"],
    ]
    return {"Labor": labs, "Patienten": patients, "Support": support}


def write_days() -> tuple[Mapping[str, Rows], Mapping[str, Sequence[str]]]:
    """One row per patient, a group of columns per lineage, a column per day under merged headings."""
    days = sorted({day for _, day in COUNTS})
    units = ("10^9/L", "g/L", "10^9/L")
    top: list[Cell] = ["Patient", "Day 0 date"]
    low: list[Cell] = [None, None]
    for lineage, unit in zip(LINEAGES, units, strict=True):
        top += [f"{lineage} [{unit}]", *[None] * (len(days) - 1)]
        low += [f"Day {day}" for day in days]
    rows: list[list[Cell]] = [["Blood counts"], top, low]
    for patient, infused in INFUSED.items():
        counts = [COUNTS.get((patient, day), (None, None, None)) for day in days]
        rows.append([patient, infused, *(one[place] for place in range(3) for one in counts)])
    rows += [[], ["Legend: blank cells were not measured"]]
    width = len(days)
    spans = [
        f"{xl_col_to_name(2 + place * width)}2:{xl_col_to_name(1 + (place + 1) * width)}2"
        for place in range(3)
    ]
    return {"Counts": rows}, {"Counts": ["A2:A3", "B2:B3", *spans]}


def write_patients_apart() -> Mapping[str, Rows]:
    """A sheet for each patient, called after it, with a row of units."""
    sheets: dict[str, list[list[Cell]]] = {}
    for patient, day, _, counts in list_counts():
        head: list[list[Cell]] = [["Day", *LINEAGES], [None, "G/L", "g/dL", "G/L"]]
        sheets.setdefault(patient, head).append([day, *counts])
    return sheets


def write_analytes_apart() -> Mapping[str, Rows]:
    """A sheet for each analyte, a row for each value."""
    names = ("ANC in K per uL", "Hgb in g per dL", "Platelets in K per uL")
    return {
        name: [
            ["Study ID", "Day post infusion", "Result"],
            *([p, d, counts[place]] for p, d, _, counts in list_counts()),
        ]
        for place, name in enumerate(names)
    }


def write_long() -> Mapping[str, Rows]:
    """A sheet for each year, a row for each value, LOINC codes, merged cells of the patients."""
    rows: dict[int, list[list[Cell]]] = {2023: [], 2024: []}
    codes = (("751-8", "10*3/uL"), ("718-7", "g/dL"), ("777-3", "10*3/uL"))
    for patient, _, day, counts in list_counts():
        for (code, unit), value in zip(codes, counts, strict=True):
            rows[day.year].append([patient, day, code, value, unit])
    head: list[Cell] = ["MRN", "Collected", "LOINC", "Result", "Units"]
    return {str(year): [head, *listed] for year, listed in rows.items() if listed}


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
            row, column = xl_cell_to_rowcol(span.partition(":")[0])
            sheet.merge_range(span, rows[row][column])
    book.close()
    return path
