"""A sheet with a column for each day and the long table of the same patients give the same rows."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytopenia.readers.mapping import DataSection
from cytopenia.readers.sources import read_tables
from workbook_files import write_workbook

pytestmark = pytest.mark.long

NAMES = {"ANC": ("anc", "G/L"), "Hb": ("hemoglobin", "g/dL")}
VALUES = st.one_of(
    st.none(),
    st.just(0),
    st.integers(1, 150).map(lambda tenth: tenth / 10),
    st.sampled_from(["<0.1", ">15", "n.d."]),
)


@st.composite
def cohorts(draw: st.DrawFn) -> tuple[list[str], list[int], dict[tuple[str, str, int], Any]]:
    patients = draw(st.lists(st.sampled_from(["1", "P2", "007", "x y"]), min_size=1, max_size=3, unique=True))
    days = sorted(draw(st.sets(st.integers(-7, 30), min_size=1, max_size=5)))
    places = [(patient, name, day) for patient in patients for name in NAMES for day in days]
    return patients, days, {place: draw(VALUES) for place in places}


def essence(folder: Path, section: dict[str, Any]) -> list[tuple[Any, ...]]:
    labs = read_tables(folder, DataSection.model_validate({"labs": section})).labs
    names = ("patient_id", "day", "analyte", "comparator", "value", "unit", "invalid")
    table = labs.select(names).with_columns(pl.col("analyte", "unit").cast(pl.String))
    return sorted(table.rows(), key=repr)


@settings(max_examples=60, deadline=None)
@given(cohorts())
def test_wide_days_are_the_long_table(cohort: tuple[list[str], list[int], dict[Any, Any]]) -> None:
    patients, days, cells = cohort
    columns = [(name, day) for name in NAMES for day in days]
    with tempfile.TemporaryDirectory() as made:
        wide, long = Path(made) / "wide", Path(made) / "long"
        wide.mkdir()
        long.mkdir()
        rows = [[patient, *(cells[patient, name, day] for name, day in columns)] for patient in patients]
        heads = ["Counts"], ["ID", *(name for name, _ in columns)], ["", *(f"d {day}" for _, day in columns)]
        write_workbook(wide / "labs.xlsx", {"labs": [*heads, *rows]})
        with (long / "labs.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["patient_id", "day", "analyte", "value", "unit"])
            writer.writerow(["sentinel", 0, "ANC", 0.5, "G/L"])
            for (patient, name, day), value in cells.items():
                if value is not None:
                    writer.writerow([patient, day, name, value, NAMES[name][1]])
        patterns = {f"{name} / d {{day}}": {"analyte": a, "unit": u} for name, (a, u) in NAMES.items()}
        layout = {"header": [2, 3], "columns": {"patient_id": "ID"}, "days": patterns}
        expected = [row for row in essence(long, {}) if row[0] != "sentinel"]
        assert essence(wide, layout) == expected
