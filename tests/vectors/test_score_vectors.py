"""CAR-HEMATOTOX: points of every item below, at and above each cut in each unit, and whole patients."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cytopenia.grading.score_tables import score_values
from cytopenia.units import list_units
from score_cases import find_score, prepare_values, score_of

FOLDER = Path(__file__).parent
# Each value is that of a patient of its own, so that all are scored at once.
ITEMS = pl.read_csv(FOLDER / "car_hematotox_items.csv", infer_schema=False).with_row_index("patient_id")
ITEMS = ITEMS.with_columns(pl.col("patient_id").cast(pl.String))
PATIENTS = pl.read_csv(FOLDER / "car_hematotox_patients.csv", infer_schema=False)


@cache
def items_of_the_table() -> dict[tuple[str, str], dict[str, Any]]:
    values = prepare_values(ITEMS.select("analyte", "value", "unit"), ITEMS["patient_id"])
    _, items = score_values(find_score("car_hematotox"), values, ITEMS["patient_id"])
    return {(row["patient_id"], row["item"]): row for row in items.iter_rows(named=True)}


@pytest.mark.parametrize("row", ITEMS.rows(named=True), ids=lambda row: f"{row['value']} {row['unit']}")
def test_every_value_has_the_points_of_the_table(row):
    found = items_of_the_table()[row["patient_id"], row["analyte"]]
    assert (found["points_best"], found["points_worst"]) == (int(row["best"]), int(row["worst"]))


@pytest.mark.parametrize("row", PATIENTS.rows(named=True), ids=lambda row: f"{row['points']} points")
def test_every_patient_has_the_points_of_the_source(row):
    values = {name: row[name] for name in ("platelets", "anc", "hemoglobin", "crp", "ferritin")}
    found = score_of("car_hematotox", **values)
    points = int(row["points"])
    assert (found["policy"], found["best"], found["worst"]) == (points, points, points)
    assert (found["group"], found["reason"]) == (row["group"], "scored")


def test_every_unit_of_the_markers_has_a_vector():
    for analyte in ("crp", "ferritin"):
        used = set(ITEMS.filter(pl.col("analyte") == analyte)["unit"])
        assert used == set(list_units(analyte))
