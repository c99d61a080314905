"""A cohort is explained alike whether each value has a row of its own, each patient one, or all share one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from cytopenia.contract import Tables, require_tables
from cytopenia.grading.explain import PatientExplanation
from cytopenia.readers.sources import read_tables
from cytopenia.report.explanation_page import render_explanation
from cytopenia.simulate import simulate_cohort
from cytopenia.study.explain import explain_in_study
from cytopenia.study.protocol import Study, read_protocol
from explain_study import NEUTROPHILS, write_explain_study, write_one_patient
from wide_study import write_study

pytestmark = pytest.mark.long

UNITS = {"anc": "10^9/L", "wbc": "10^9/L", "platelets": "10^9/L", "hemoglobin": "g/L"}
DAYS = "\n".join(
    f'"{analyte} d{{day}}" = {{ analyte = "{analyte}", unit = "{unit}" }}' for analyte, unit in UNITS.items()
)
PROTOCOL = """[study]
title = "Simulated courses"
seed = 1
support_complete = true
synthetic = true
bound_anc_by_wbc = true

[data]
folder = "."

[outcomes.icaht]
definition = "icaht_2023.early"

[outcomes.neutropenia]
definition = "ctcae_v4.neutrophil_count_decreased"
window = [0, 28]

[outcomes.anemia]
definition = "ctcae_v4.anemia"
window = [0, 28]

[outcomes.thrombocytopenia]
definition = "ctcae_v4.platelet_count_decreased"
min_grade = 3
window = [0, 28]

[outcomes.severe_neutropenia]
definition = "ctcae_v4.neutrophil_count_decreased"
min_grade = 3
window = [0, 28]

[outcomes.severe]
any_of = ["severe_neutropenia", "thrombocytopenia"]

[outcomes.recovery]
definition = "qiu2023_recovery"
died_before_landmark = "exclude"

[[analyses]]
id = "occurrence"
kind = "occurrence"
outcomes = ["neutropenia"]
"""


def read(folder: Path) -> tuple[Study, Tables]:
    study = read_protocol(folder)
    return study, require_tables(read_tables(study.data_folder, study.protocol.data))


def drop_rows(explained: PatientExplanation) -> str:
    """The whole text, without the numbers of rows."""
    return re.sub(r"\brow \d+", "row", "\n".join(render_explanation(explained, width=10_000)))


def list_values(explained: PatientExplanation) -> Iterator[tuple[object, ...]]:
    """Every value of the timeline and of the days behind the outcomes."""
    for series in explained.series:
        for day in series.days:
            if item := day.measurement:
                yield series.analyte, day.day, day.state, item.analyte, item.day, item.value, item.comparator
    for outcome in explained.outcomes:
        for day in outcome.days:
            for item in (day.measurement, day.before, day.after, day.low_by, day.high_by):
                if item is not None:
                    yield outcome.name, day.day, day.role, item.analyte, item.day, item.value


@pytest.fixture(scope="module")
def counts() -> pl.DataFrame:
    """One value of each count and day; every third of neutrophils is missing: white cells bound it."""
    labs = simulate_cohort(6, seed=11).tables["labs"]
    own = labs.filter(pl.col("analyte").is_in([*UNITS]), pl.col("unit") != "g/dL")
    kept = own.unique(["patient_id", "analyte", "day"], keep="first", maintain_order=True)
    return kept.filter((pl.col("analyte") != "anc") | (pl.col("day") % 3 != 0)).select(
        "patient_id", "day", "analyte", "value", unit=pl.col("analyte").replace_strict(UNITS)
    )


def test_a_simulated_cohort_long_and_wide(counts: pl.DataFrame, tmp_path: Path) -> None:
    patients = tuple(counts["patient_id"].unique().sort())
    named = counts.with_columns(column=pl.format("{} d{}", "analyte", "day"))
    wide = named.pivot("column", index="patient_id", values="value")
    first = write_study(tmp_path / "long", counts.write_csv(), protocol=PROTOCOL, patients=patients)
    second = write_study(
        tmp_path / "wide",
        wide.write_csv(),
        protocol=f"{PROTOCOL}\n[data.labs.days]\n{DAYS}\n",
        patients=patients,
    )
    (study, long), (other, columns) = read(first), read(second)
    assert columns.labs["source_row"].n_unique() == 6
    assert columns.labs.height == long.labs.height == counts.height
    states: set[str] = set()
    for patient in patients:
        expected = explain_in_study(study, long, patient)
        found = explain_in_study(other, columns, patient)
        assert list(list_values(found)) == list(list_values(expected))
        assert drop_rows(found) == drop_rows(expected)
        states |= {day.state for outcome in found.outcomes for day in outcome.days}
        states |= {change.kind for outcome in found.outcomes for change in outcome.changes}
    assert {"measured", "wbc_bound", "without_row"} <= states


@pytest.mark.parametrize("patient", NEUTROPHILS)
def test_values_that_share_a_day_and_a_row(patient: str, tmp_path: Path) -> None:
    """Of the two counts of LONG on day 16 the lower one counts, though nothing but its value tells it."""
    study, tables = read(write_explain_study(tmp_path / "cohort"))
    shared = replace(tables, labs=tables.labs.with_columns(source_row=pl.lit(2, dtype=pl.UInt32)))
    expected, found = (explain_in_study(study, one, patient) for one in (tables, shared))
    assert list(list_values(found)) == list(list_values(expected))
    assert drop_rows(found) == drop_rows(expected)


def test_two_temperatures_that_share_a_day_and_a_row(tmp_path: Path) -> None:
    """Each of 38.4 and 38.6 is a fever by itself; 37.1 is none."""
    labs = [("anc", 3, 0.4), ("temperature", 3, 38.4), ("temperature", 3, 37.1), ("temperature", 3, 38.6)]
    asked = '[outcomes.fever]\ndefinition = "ctcae_v5_febrile_neutropenia"\nwindow = [0, 7]\n'
    study, tables = read(write_one_patient(tmp_path, labs, asked))
    shared = replace(tables, labs=tables.labs.with_columns(source_row=pl.lit(2, dtype=pl.UInt32)))
    for one in (tables, shared):
        (fever,) = explain_in_study(study, one, "ONE", outcomes=["fever"]).outcomes
        items = [day.measurement for day in fever.days if day.role == "decides"]
        found = sorted((item.analyte, item.value) for item in items if item)
        assert found == [("anc", 0.4), ("temperature", 38.4), ("temperature", 38.6)]
