"""A study of invented patients whose explanations were worked out by hand before any code; see each comment.

The neutrophils count over days 0 to 30 (early ICAHT) and days 0 to 28 (CTCAE). Between two measurements a day
lies between the lower of them divided by 1.5 and the higher times 1.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

HIGH = 2.0
PROTOCOL = """[study]
title = "Invented courses"
seed = 1
support_complete = true
synthetic = true

[data]
folder = "."

[outcomes.icaht]
definition = "icaht_2023.early"

[outcomes.severe_icaht]
definition = "icaht_2023.early"
min_grade = 3

[outcomes.neutropenia]
definition = "ctcae_v4.neutrophil_count_decreased"
window = [0, 28]

[outcomes.severe_neutropenia]
definition = "ctcae_v4.neutrophil_count_decreased"
min_grade = 3
window = [0, 28]

[outcomes.severe_thrombocytopenia]
definition = "ctcae_v4.platelet_count_decreased"
min_grade = 3
window = [0, 28]

[outcomes.severe_cytopenia]
title = "Severe neutropenia or thrombocytopenia"
any_of = ["severe_neutropenia", "severe_thrombocytopenia"]

[outcomes.recovery]
definition = "qiu2023_recovery"
died_before_landmark = "exclude"

[[analyses]]
id = "occurrence"
kind = "occurrence"
outcomes = ["neutropenia"]
"""


def daily(last: int = 30, **levels: float) -> dict[int, float]:
    """2.0 on every day, but for spans: `d5_16 = 0.3` is 0.3 on days 5 to 16."""
    values = dict.fromkeys(range(last + 1), HIGH)
    for span, value in levels.items():
        first, _, end = span.removeprefix("d").partition("_")
        values.update(dict.fromkeys(range(int(first), int(end or first) + 1), value))
    return values


def without(values: Mapping[int, float], *days: int) -> dict[int, float]:
    """The same without some days."""
    return {day: value for day, value in values.items() if day not in days}


GOOD_HEMOGLOBIN = dict.fromkeys(range(31), 120.0)
GOOD_PLATELETS = dict.fromkeys(range(31), 200.0)

# LONG: 0.3 on days 5 to 16, 12 days: grade 2 (7 to 13 days). Two more days make 14: grade 3. One value on
#   day 19 alone does as well, since days 17 and 18 would be bridged: days 5 to 19 are 15. So does day 18 (14
#   days), and before them day 3 (14) or day 2 (15); day 17 or day 4 alone makes 13.
# EDGE: at most 0.5 on days 5 to 15 (11 days: grade 2); days 16 to 18 unmeasured between 0.45 and 0.8, so each
#   lies in 0.3 to 1.2: at worst 14 days, grade 3. One value on day 18 settles it: if at most 0.5, days 16 and
#   17 are low or bridged, 14 days; if above, days 5 to 17 at most, 13 days. Neither day 16 nor day 17 does.
#   0.5 on days 16 to 18 makes 14 days; on days 16 and 17 the line from 0.5 to 0.8 leaves day 18 above.
# GAP: 0.54 on days 6 to 14, day 10 unmeasured: 0.54 / 1.1 = 0.49 to 0.594 (no pair of higher values lies
#   within eight days).
#   CTCAE grade 3, at worst 4; day 10 settles it. No value is at most 0.5: ICAHT 0, at worst 1 (one day).
# SINGLE: one value of 0.9 on day 12 makes grade 3; without it grade 0.
# SPLIT: platelets 60 on days 20 to 26, 52 from day 28 on, day 27 unmeasured: 34.7 to 90. Recovered by the
#   rule (both neighbors are met); a value below 50 on day 27 makes it not recovered: that day settles it.
# LOW: platelets 30 on days 20 to 30: not recovered; with 50 on days 26 to 28 recovered.
# HELPED: a growth factor on day 27 alone stands between the patient and recovery.
NEUTROPHILS = {
    "LONG": daily(d5_16=0.3),
    "EDGE": without(daily(d5_14=0.3, d15=0.45, d19=0.8), 16, 17, 18),
    "GAP": without(daily(d6_14=0.54), 10),
    "SINGLE": daily(d12=0.9),
    "SPLIT": daily(),
    "LOW": daily(),
    "HELPED": daily(),
}
PLATELETS = {
    **dict.fromkeys(NEUTROPHILS, GOOD_PLATELETS),
    "SPLIT": without({**daily(d20_26=60.0, d28_30=52.0), **dict.fromkeys(range(20), 200.0)}, 27),
    "LOW": {**GOOD_PLATELETS, **dict.fromkeys(range(20, 31), 30.0)},
}
SUPPORT = [("HELPED", 27, 27, "gcsf", "filgrastim"), ("LONG", 6, 9, "gcsf", "filgrastim")]


def list_labs() -> list[tuple[str, int, str, str, str, str]]:
    """Patient, day, analyte, value, unit, lower limit of normal."""
    rows: list[tuple[str, int, str, str, str, str]] = []
    for patient, neutrophils in NEUTROPHILS.items():
        for analyte, unit, limit, course in (
            ("anc", "10^9/L", "1.8", neutrophils),
            ("hemoglobin", "g/L", "115", GOOD_HEMOGLOBIN),
            ("platelets", "10^9/L", "150", PLATELETS[patient]),
        ):
            rows += [(patient, day, analyte, f"{value:g}", unit, limit) for day, value in course.items()]
    # A second, higher count on a day of the first patient: the lower one counts.
    rows.append(("LONG", 16, "anc", "0.8", "10^9/L", "1.8"))
    return rows


def find_row(patient: str, day: int, analyte: str) -> int:
    """Row of the labs file as a spreadsheet numbers it."""
    keys = [row[:3] for row in list_labs()]
    return keys.index((patient, day, analyte)) + 2


def write_explain_study(folder: Path) -> Path:
    """Write the study into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "labs": (("patient_id", "day", "analyte", "value", "unit", "lln"), list_labs()),
        "patients": (("patient_id", "age_years"), [(name, 60) for name in NEUTROPHILS]),
        "infusions": (("patient_id", "day"), [(name, 0) for name in NEUTROPHILS]),
        "support": (("patient_id", "start", "stop", "kind", "agent"), SUPPORT),
        "events": (("patient_id", "day", "kind"), [(name, 200, "last_contact") for name in NEUTROPHILS]),
    }
    for name, (header, rows) in tables.items():
        lines = [",".join(map(str, row)) for row in (header, *rows)]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "study.toml").write_text(PROTOCOL, encoding="utf-8")
    return folder


UNITS = {"anc": "10^9/L", "wbc": "10^9/L", "platelets": "10^9/L", "hemoglobin": "g/L", "temperature": "degC"}
_OCCURRENCE = '[[analyses]]\nid = "occurrence"\nkind = "occurrence"\noutcomes = ["counted"]\n'


def write_one_patient(
    folder: Path,
    labs: Sequence[tuple[str, int, float]],
    outcomes: str,
    *,
    study: str = "",
    support: Sequence[str] = (),
) -> Path:
    """Write a study of one invented patient, "ONE", and another with a single count.

    `outcomes` are tables of a study file; one more, "counted", is there for the analysis.
    """
    counted = '[outcomes.counted]\ndefinition = "ctcae_v5.lymphocyte_count_decreased"\nwindow = [0, 1]\n'
    (folder / "study.toml").write_text(
        '[study]\ntitle = "Invented"\nseed = 1\nsupport_complete = true\nsynthetic = true\n'
        f'{study}\n[data]\nfolder = "."\n{outcomes}\n{counted}{_OCCURRENCE}',
        encoding="utf-8",
    )
    rows = [f"ONE,{day},{analyte},{value:g},{UNITS[analyte]}" for analyte, day, value in labs]
    tables = {
        "labs": ["patient_id,day,analyte,value,unit", *rows, "TWO,3,anc,1.2,10^9/L"],
        "patients": ["patient_id,age_years", "ONE,60", "TWO,60"],
        "infusions": ["patient_id,day", "ONE,0", "TWO,0"],
        "events": ["patient_id,day,kind", "ONE,200,last_contact", "TWO,200,last_contact"],
        "support": ["patient_id,start,stop,kind,agent", *support],
    }
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(text) + "\n", encoding="utf-8")
    return folder
