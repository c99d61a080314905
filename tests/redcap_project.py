"""A small synthetic REDCap project, typed by hand: dictionary, raw and label export of four invented records.

Two arms; demographics and infusion once at the baseline, blood counts as a repeating instrument of the
follow-up, counts of a planned visit once in its event, and an outcome.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = [
    "DICTIONARY",
    "LABELS",
    "MAPPING",
    "RAW",
    "dictionary_rows",
    "raw_rows",
    "write_project",
    "write_section",
]

_FILES = Path(__file__).parent / "redcap_example"
DICTIONARY = (_FILES / "dictionary.csv").read_text("utf-8")
# As "CSV / Microsoft Excel (raw data)"; NI is a missing data code of the project.
RAW = (_FILES / "raw.csv").read_text("utf-8")
# The same as "CSV / Microsoft Excel (labels)".
LABELS = (_FILES / "labels.csv").read_text("utf-8")

# What a study says about it, without where it is.
MAPPING: Mapping[str, Any] = {
    "missing_codes": {"NI": "No information"},
    "keep_codes": ["ecog", "out_grade"],
    "patients": {"fields": {"age_years": "age", "sex": "sex", "ecog": "ecog", "diabetes": "comorb___1"}},
    "infusions": {"date": "inf_date", "fields": {"product": "product", "dose_1e6_per_kg": "dose"}},
    "labs": [
        {
            "date": "cbc_date",
            "fields": {
                "anc": {"analyte": "anc", "unit_from": "label"},
                "hb": {"analyte": "hemoglobin", "unit_from": "note"},
                "plt": {"analyte": "platelets", "unit_field": "plt_unit"},
            },
        },
        {
            "days": {"day_28_visit_arm_1": 28},
            "fields": {"v_wbc": {"analyte": "wbc", "unit": "10^9/L"}},
        },
    ],
    "support": {"kind": "gcsf", "start": "cbc_date", "stop": "cbc_date", "only_if": {"gcsf": "Yes"}},
    "events": {
        "kind_field": "outcome",
        "kinds": {"Died": "death", "Last contact": "last_contact", "CRS": "crs"},
        "date": "out_date",
        "grade": "out_grade",
    },
}

_API_NAMES = (
    "field_name",
    "form_name",
    "section_header",
    "field_type",
    "field_label",
    "select_choices_or_calculations",
    "field_note",
    "text_validation_type_or_show_slider_number",
    "text_validation_min",
    "text_validation_max",
    "identifier",
    "branching_logic",
    "required_field",
    "custom_alignment",
    "question_number",
    "matrix_group_name",
    "matrix_ranking",
    "field_annotation",
)


def write_project(folder: Path, *, records: str = RAW, dictionary: str = DICTIONARY) -> Path:
    """Write data.csv and dictionary.csv; a byte order mark stands first, as in a download."""
    (folder / "data.csv").write_text("\ufeff" + records, encoding="utf-8")
    (folder / "dictionary.csv").write_text(dictionary, encoding="utf-8")
    return folder


def write_section(study: Path, **where: str) -> None:
    """Put [data.redcap] with infusions and one analyte into a study file."""
    text = study.read_text("utf-8")
    lines = [f"{key} = '{value}'" for key, value in where.items()]
    part = ["[data.redcap]", *lines, "[data.redcap.infusions]", 'date = "inf_date"', "[data.redcap.labs]"]
    part += ['date = "cbc_date"', 'fields = { anc = { analyte = "anc", unit_from = "label" } }']
    old = 'folder = "."'
    assert text.count(old) == 1
    study.write_text(text.replace(old, "\n".join([old, *part])), encoding="utf-8")


def dictionary_rows() -> list[dict[str, str]]:
    """The dictionary as the API gives it."""
    rows = list(csv.reader(io.StringIO(DICTIONARY, newline="")))[1:]
    return [dict(zip(_API_NAMES, row, strict=True)) for row in rows]


def raw_rows() -> list[dict[str, str]]:
    """The raw export as rows."""
    return list(csv.DictReader(io.StringIO(RAW, newline="")))
