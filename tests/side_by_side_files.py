"""Eight invented patients whose neutrophils are typed by hand, and definitions to judge them by.

Neutrophils are 2.0 on every day from 0 to 30 and on day 40, but:
P1 has 0.7 on day 12; P2 has 0.3 on days 5 and 6; P3 has 0.3 on days 5 to 12; P4 nothing; P5 has 0.6 on day
40; P6 has 0.3 on days 3 to 10 and 0.8 on day 40; P7 has one value only, 2.0 on day 60; P8 dies on day 20.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

LOW: dict[str, dict[int, float]] = {
    "P1": {12: 0.7},
    "P2": dict.fromkeys((5, 6), 0.3),
    "P3": dict.fromkeys(range(5, 13), 0.3),
    "P4": {},
    "P5": {40: 0.6},
    "P6": {**dict.fromkeys(range(3, 11), 0.3), 40: 0.8},
    "P7": {},
    "P8": {},
}
SEX = {"P1": "f", "P2": "f", "P3": "f", "P4": "m", "P5": "m", "P6": "m", "P7": "f", "P8": "f"}
HEAD = """[study]
title = "Eight invented patients"
seed = 1
lymphodepletion_day = -5
support_complete = true
synthetic = true

[data]
folder = "."

[factors.sex]
title = "Sex"
column = "sex"
reference = "m"
"""
OUTCOMES = """
[outcomes.v5]
title = "By version 5"
definition = "ctcae_v5.neutrophil_count_decreased"
min_grade = 3
window = [0, 28]

[outcomes.v6]
title = "By version 6"
definition = "ctcae_v6.neutrophil_count_decreased"
min_grade = 3
window = [0, 28]

[outcomes.icaht]
title = "By ICAHT"
definition = "icaht_2023.early"
min_grade = 2

[outcomes.late]
title = "After day 30"
definition = "brudno_2022_prolonged.neutropenia"
min_grade = 1
"""
ANALYSIS = """
[[analyses]]
id = "sides"
kind = "definitions"
title = "Neutropenia under four definitions"
outcomes = ["v5", "v6", "icaht", "late"]
factors = ["sex"]
parity = "r"
"""


def list_days(patient: str) -> dict[int, float]:
    """Day to value of one patient."""
    if patient == "P7":
        return {60: 2.0}
    days = range(20) if patient == "P8" else (*range(31), 40)
    return {-6: 3.0, **{day: LOW[patient].get(day, 2.0) for day in days}}


def write_cohort(folder: Path, protocol: str = HEAD + OUTCOMES + ANALYSIS) -> Path:
    """Write the eight patients and a protocol into a folder and return it."""
    courses = {patient: list_days(patient) for patient in LOW}
    ends = {patient: (20, "death") if patient == "P8" else (200, "last_contact") for patient in LOW}
    return write_courses(folder, protocol, courses, [(patient, *end) for patient, end in ends.items()])


def write_courses(
    folder: Path,
    protocol: str,
    courses: Mapping[str, Mapping[int, float | str]],
    ends: Sequence[tuple[str, int, str]],
) -> Path:
    """Write patients with the given neutrophils, what happened to them, and a protocol."""
    folder.mkdir(parents=True, exist_ok=True)
    labs = [
        {
            "patient_id": patient,
            "day": day,
            "analyte": "ANC",
            "value": str(value),
            "unit": "10^9/L",
            "lln": 2.0,
        }
        for patient, course in courses.items()
        for day, value in course.items()
    ]
    events = [{"patient_id": patient, "day": day, "kind": kind} for patient, day, kind in ends]
    tables = {
        "labs": labs,
        "events": events,
        "patients": [{"patient_id": patient, "sex": SEX.get(patient, "f")} for patient in courses],
        "infusions": [{"patient_id": patient, "day": 0, "lymphodepletion_day": -5} for patient in courses],
    }
    for name, rows in tables.items():
        pl.DataFrame(rows, infer_schema_length=None).write_csv(folder / f"{name}.csv")
    (folder / "support.csv").write_text("patient_id,start,stop,kind,agent\n", encoding="utf-8")
    (folder / "study.toml").write_text(protocol, encoding="utf-8")
    return folder
