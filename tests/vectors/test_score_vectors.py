"""CAR-HEMATOTOX: points of every item below, at and above each cut in each unit, and whole patients."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from cytopenia.units import list_units
from score_cases import score_of, score_patient

FOLDER = Path(__file__).parent
ITEMS = pl.read_csv(FOLDER / "car_hematotox_items.csv", infer_schema=False)
PATIENTS = pl.read_csv(FOLDER / "car_hematotox_patients.csv", infer_schema=False)


@pytest.mark.parametrize("row", ITEMS.rows(named=True), ids=lambda row: f"{row['value']} {row['unit']}")
def test_every_value_has_the_points_of_the_table(row):
    _, items = score_patient("car_hematotox", **{row["analyte"]: f"{row['value']} {row['unit']}"})
    found = items[row["analyte"]]
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
