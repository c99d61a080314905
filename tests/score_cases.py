"""Printed values to scores, for tests that read like the manual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from cytopenia.contract import TextFormat, prepare_labs
from cytopenia.definition_forms import ScoreDefinition
from cytopenia.definitions import load_library
from cytopenia.grading.score_tables import RiskOptions, score_values

Row = dict[str, Any]
PRINTED_UNITS = {
    "platelets": "10^9/L",
    "anc": "/uL",
    "hemoglobin": "g/dL",
    "crp": "mg/dL",
    "ferritin": "ng/mL",
    "ldh": "U/L",
    "creatinine": "mg/dL",
}


def make_values(printed: Mapping[str, str], patient_id: str = "A") -> pl.DataFrame:
    """Values such as {"crp": "4.2 mg/dL", "anc": "<500"}, each in its printed unit if none is given."""
    cells = {name: text.partition(" ") for name, text in printed.items()}
    rows = {
        "analyte": list(cells),
        "value": [value for value, _, _ in cells.values()],
        "unit": [unit or PRINTED_UNITS[name] for name, (_, _, unit) in cells.items()],
    }
    frame = pl.DataFrame(rows, schema=dict.fromkeys(rows, pl.String))
    return prepare_values(frame, pl.repeat(patient_id, frame.height, eager=True))


def prepare_values(frame: pl.DataFrame, patients: pl.Series) -> pl.DataFrame:
    """Printed analyte, value and unit of each row, as the values of these patients."""
    labs, _ = prepare_labs(frame, text=TextFormat(decimal="."))
    assert labs["invalid"].null_count() == labs.height, labs["invalid"].to_list()
    return labs.with_columns(
        patient_id=patients, day=pl.lit(None, dtype=pl.Int32), problem=pl.lit(None, dtype=pl.String)
    ).select("patient_id", "analyte", "day", "value", "comparator", "source_row", "problem")


def find_score(name: str | ScoreDefinition) -> ScoreDefinition:
    return load_library().find_score(name) if isinstance(name, str) else name


def score_of(
    name: str | ScoreDefinition, *, risk: RiskOptions | None = None, disease: str = "", **printed: str
) -> Row:
    """One patient's row of scores."""
    return score_patient(name, risk=risk, disease=disease, **printed)[0]


def score_patient(
    name: str | ScoreDefinition, *, risk: RiskOptions | None = None, disease: str = "", **printed: str
) -> tuple[Row, dict[str, Row]]:
    """One patient's row of scores, and the items by name."""
    categories = pl.DataFrame({"patient_id": ["A"], "disease": [disease]})
    scores, items = score_values(
        find_score(name), make_values(printed), pl.Series(["A"]), risk=risk, categories=categories
    )
    return scores.row(0, named=True), {row["item"]: row for row in items.iter_rows(named=True)}
