"""A study of three invented patients, typed by hand; tests change the file they are about.

A recovers: neutrophils, hemoglobin and platelets pass the cuts on days 26, 27 and 28. B has 30 platelets on
these days and does not. C dies on day 20.
"""

from __future__ import annotations

from pathlib import Path

PATIENTS = """patient_id,age_years,sex
A,61,female
B,48,male
C,70,male
"""
INFUSIONS = """patient_id,infusion_date,lymphodepletion_day
A,2024-01-10,-5
B,2024-02-01,-5
C,2024-03-01,-5
"""
EVENTS = """patient_id,day,kind
A,200,last_contact
B,180,last_contact
C,20,death
"""
SUPPORT = """patient_id,start,stop,kind,agent
A,8,10,gcsf,filgrastim
B,12,12,platelet_transfusion,
"""
# No message may print a value of a patient: this one stands for all.
SECRET = "0.8371"
# patient, day: neutrophils, hemoglobin, platelets
COUNTS = {
    ("A", -6): (3.1, 125, 210),
    ("A", 0): (2.4, 118, 180),
    ("A", 7): (0.31, 92, 77),
    ("A", 13): (0.8371, 79, 41),
    ("A", 20): (1.2, 88, 66),
    ("A", 26): (1.4, 95, 90),
    ("A", 27): (1.5, 96, 95),
    ("A", 28): (1.6, 97, 99),
    ("B", -6): (1.9, 113, 143),
    ("B", 0): (1.7, 109, 120),
    ("B", 7): (0.11, 85, 23),
    ("B", 13): (0.52, 76, 18),
    ("B", 20): (1.1, 90, 27),
    ("B", 26): (1.3, 101, 30),
    ("B", 27): (1.3, 102, 30),
    ("B", 28): (1.4, 103, 30),
    ("C", -6): (4.2, 131, 250),
    ("C", 0): (3.9, 128, 230),
    ("C", 7): (0.07, 99, 51),
    ("C", 13): (0.03, 83, 24),
    ("C", 19): (0.04, 74, 12),
}
UNITS = {"ANC": ("10^9/L", "2.0"), "Hb": ("g/L", "120"), "PLT": ("10^9/L", "150")}

STUDY = """[study]
title = "Three invented patients"
seed = 1
support_complete = true

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

[outcomes.severe_neutropenia]
definition = "ctcae_v4.neutrophil_count_decreased"
min_grade = 3
window = [0, 28]

[outcomes.severe_anemia]
definition = "ctcae_v4.anemia"
min_grade = 3
window = [0, 28]

[outcomes.severe_cytopenia]
title = "Severe neutropenia or anemia"
any_of = ["severe_neutropenia", "severe_anemia"]

[outcomes.recovery]
title = "Hematologic recovery at day 28"
definition = "qiu2023_recovery"
died_before_landmark = "exclude"

[[analyses]]
id = "characteristics"
kind = "characteristics"
factors = ["age_years", "sex"]
baseline_definition = "ctcae_v4"

[[analyses]]
id = "occurrence"
kind = "occurrence"
outcomes = ["neutropenia", "anemia", "thrombocytopenia", "severe_cytopenia"]

[[analyses]]
id = "recovery"
kind = "recovery"
outcome = "recovery"
"""


def list_labs() -> list[tuple[str, int, str, str, str, str]]:
    """One row per value: patient, day, analyte, value, unit, lower limit of normal."""
    return [
        (patient, day, analyte, f"{value:g}", unit, lln)
        for (patient, day), values in COUNTS.items()
        for value, (analyte, (unit, lln)) in zip(values, UNITS.items(), strict=True)
    ]


def write_labs(path: Path, *, separator: str = ",", decimal: str = ".") -> Path:
    """Write the labs in long form."""
    rows = [("patient_id", "day", "analyte", "value", "unit", "lln"), *list_labs()]
    if decimal != ".":
        rows = [(*row[:3], str(row[3]).replace(".", decimal), row[4], row[5]) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (separator.join(str(cell) for cell in row) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_study(folder: Path) -> Path:
    """Write the whole study into a folder and return it."""
    write_labs(folder / "labs.csv")
    texts = {"patients": PATIENTS, "infusions": INFUSIONS, "events": EVENTS, "support": SUPPORT}
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder


def change(path: Path, old: str, new: str) -> None:
    """Replace a text of a file that must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} has no {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")
