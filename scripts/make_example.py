"""Write the bundled example: a synthetic twin of the cohort of Qiu et al. 2023 (doi 10.3892/ol.2023.13924).

No patient stands behind it. The patients' data of that study were never published; `example_plan.csv` lays
out 63 invented patients so that what the package computes from them is what the paper printed, and this
script draws their courses. The columns of the plan:

- characteristics, targets, events and responses as the paper counts them; stage and ECOG are invented;
- for each lineage the baseline, the nadir, its day, and the level around day 28;
- for each marker the baseline and the peak (highest value of days 0 to 14);
- `notes`: the lineages that keep a patient from recovery (anc, hemoglobin, platelets), growth factor on the
  landmark days, what is left open (neither measured nor decided by its neighbors), and blemishes of a real
  export (a value below the detection limit, a clumped sample, another hospital's units).

The sorted values have the medians, ranges and counts of the paper, and the order of recovered and not
recovered patients along each marker puts the Youden index where the paper has it. Which values meet in one
patient was found by a search over exchanges between patients of the same outcome, until the tests and models
of the paper gave its signs and its P below or above 0.05; `tighten_plan.py` then made Table III print to
every digit, the lower limit of IL-6 read as 0.010 for 0.100.

Usage: python scripts/make_example.py [folder]
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

from example_courses import Draws
from example_tables import (
    Courses,
    Patient,
    Row,
    draw_courses,
    list_count_rows,
    list_marker_rows,
    list_support_rows,
)

ROOT = Path(__file__).parents[1]
PLAN = Path(__file__).with_name("example_plan.csv")
FOLDER = ROOT / "src" / "cytopenia" / "data" / "example"
SEED = 20230515
RESPONSE_DAY = "30"
_NOT_IN_PATIENTS = ("target", "response", "death_day", "notes")
_PREFIXES = ("crs", "icans", "anc", "hemoglobin", "platelets", "ferritin", "crp", "il6")


def make_example() -> dict[str, str]:
    """Return the text of each file by its name."""
    tables: dict[str, list[Row]] = {
        name: [] for name in ("patients", "infusions", "labs", "support", "events", "responses")
    }
    plan = list(csv.DictReader(io.StringIO(PLAN.read_text("utf-8"))))
    for number, row in enumerate(plan):
        # A generator for each patient: a change in one leaves the others as they are.
        patient = Patient(row, Draws(SEED, number))
        courses = draw_courses(patient)
        tables["patients"].append(_write_patient(row))
        tables["infusions"].append(_write_infusion(row))
        tables["labs"] += _order(_spoil(patient, courses, list_count_rows(patient, courses)))
        tables["labs"] += list_marker_rows(patient, courses)
        tables["support"] += list_support_rows(patient, courses)
        tables["events"] += _list_events(patient)
        if row["response"]:
            key = {"patient_id": row["patient_id"], "day": RESPONSE_DAY}
            tables["responses"].append({**key, "response": row["response"]})
    return {f"{name}.csv": _print_table(rows) for name, rows in tables.items()}


def _write_patient(row: Row) -> Row:
    return {
        name: value
        for name, value in row.items()
        if name not in _NOT_IN_PATIENTS and not name.startswith(_PREFIXES)
    }


def _write_infusion(row: Row) -> Row:
    return {
        "patient_id": row["patient_id"],
        "day": "0",
        "product": "synthetic",
        "target": row["target"],
        "lymphodepletion_day": "-5",
    }


def _order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: int(row["day"]))


def _spoil(patient: Patient, courses: Courses, rows: list[Row]) -> list[Row]:
    """A clumped sample: the machine printed too few platelets, the laboratory marked the value."""
    if "clumped" not in patient.notes:
        return rows
    day = next(day for day in courses.visits if day > 8 and day != patient.lineage("platelets").nadir_day)
    for row in rows:
        if row["analyte"] == "platelets" and row["day"] == str(day):
            row |= {"value": str(int(row["value"]) // 4), "invalid": "clumping"}
    return rows


def _list_events(patient: Patient) -> list[Row]:
    row = patient.row
    found = [(kind, row[f"{kind}_day"], row[f"{kind}_grade"]) for kind in ("crs", "icans")]
    days = [(kind, day, grade) for kind, day, grade in found if day]
    if row["death_day"]:
        days.append(("death", row["death_day"], ""))
    else:
        days.append(("last_contact", str(patient.rng.integers(62, 900)), ""))
    keys = ("patient_id", "day", "kind", "grade")
    return [dict(zip(keys, (row["patient_id"], day, kind, grade), strict=True)) for kind, day, grade in days]


def _print_table(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in make_example().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
