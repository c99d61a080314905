"""Two invented patients in a file with a column for each day: all values of a patient are in one row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

DAYS = (0, 3, 7, 10, 14, 21)
# Row 2 of the file is ANNA, row 3 is BERT; each value once among those of its row and analyte.
COUNTS: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "ANNA": {
        "anc": (1.42, 0.42, 0.02, 0.47, 0.24, 1.96),
        "hemoglobin": (95, 88, 79, 82, 90, 101),
        "platelets": (160, 62, 18, 24, 40, 130),
    },
    "BERT": {
        "anc": (3.1, 2.2, 1.6, 0.9, 1.2, 2.4),
        "hemoglobin": (121, 113, 108, 98, 111, 118),
        "platelets": (210, 140, 88, 71, 96, 180),
    },
}
UNITS = {"anc": "10^9/L", "hemoglobin": "g/L", "platelets": "10^9/L"}
_PATTERNS = "\n".join(
    f'"{analyte} d{{day}}" = {{ analyte = "{analyte}", unit = "{unit}" }}' for analyte, unit in UNITS.items()
)
WIDE = f"[data.labs.days]\n{_PATTERNS}\n"
PROTOCOL = """[study]
title = "Invented courses"
seed = 1
support_complete = true
synthetic = true

[data]
folder = "."

[outcomes.neutropenia]
definition = "ctcae_v4.neutrophil_count_decreased"
window = [0, 28]

[outcomes.anemia]
definition = "ctcae_v4.anemia"
window = [0, 28]

[outcomes.thrombocytopenia]
definition = "ctcae_v4.platelet_count_decreased"
window = [0, 28]

[[analyses]]
id = "occurrence"
kind = "occurrence"
outcomes = ["neutropenia", "anemia", "thrombocytopenia"]
"""


def write_study(folder: Path, labs: str, *, protocol: str = PROTOCOL, patients: tuple[str, ...]) -> Path:
    """Write a study of these patients and laboratory values into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "patients": ["patient_id,age_years", *(f"{name},60" for name in patients)],
        "infusions": ["patient_id,day", *(f"{name},0" for name in patients)],
        "events": ["patient_id,day,kind", *(f"{name},200,last_contact" for name in patients)],
        "support": ["patient_id,start,stop,kind,agent"],
    }
    for name, lines in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "labs.csv").write_text(labs, encoding="utf-8")
    (folder / "study.toml").write_text(protocol, encoding="utf-8")
    return folder


def write_wide_study(folder: Path) -> Path:
    """Write the two patients with a column for each analyte and day."""
    header = ["patient_id", *(f"{analyte} d{day}" for analyte in UNITS for day in DAYS)]
    rows = [
        [name, *(f"{value:g}" for analyte in UNITS for value in counts[analyte])]
        for name, counts in COUNTS.items()
    ]
    labs = "\n".join(",".join(row) for row in (header, *rows)) + "\n"
    return write_study(folder, labs, protocol=f"{PROTOCOL}\n{WIDE}", patients=tuple(COUNTS))


def write_long_study(folder: Path) -> Path:
    """Write the two patients with a row for each value."""
    rows = [
        f"{name},{day},{analyte},{value:g},{UNITS[analyte]}"
        for name, counts in COUNTS.items()
        for analyte, values in counts.items()
        for day, value in zip(DAYS, values, strict=True)
    ]
    labs = "\n".join(["patient_id,day,analyte,value,unit", *rows]) + "\n"
    return write_study(folder, labs, patients=tuple(COUNTS))
