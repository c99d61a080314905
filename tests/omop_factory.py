"""A small CDM, written by hand into DuckDB or PostgreSQL; every person and every id is invented."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

ZERO = dt.date(2024, 1, 10)
CART, CART_DRUG, FILGRASTIM = 792844, 2_000_000_001, 1304850
ANC, WBC, HEMOGLOBIN, SHARE, MCH = 3013650, 3000905, 3000963, 3008342, 3012030
THOUSAND, PER_MICROLITER, GRAMS = 8848, 8647, 8713
LESS, AT_MOST, EQUAL, MORE = 4171756, 4171754, 4172703, 4172704

KINDS: Mapping[str, Mapping[str, Any]] = {
    "person": {
        "person_id": pl.Int64,
        "gender_concept_id": pl.Int64,
        "year_of_birth": pl.Int64,
        "month_of_birth": pl.Int64,
        "day_of_birth": pl.Int64,
        "person_source_value": pl.String,
    },
    "measurement": {
        "measurement_id": pl.Int64,
        "person_id": pl.Int64,
        "measurement_concept_id": pl.Int64,
        "measurement_date": pl.Date,
        "measurement_datetime": pl.Datetime("us"),
        "operator_concept_id": pl.Int64,
        "value_as_number": pl.Float64,
        "value_as_concept_id": pl.Int64,
        "unit_concept_id": pl.Int64,
        "range_low": pl.Float64,
        "range_high": pl.Float64,
        "measurement_source_value": pl.String,
        "unit_source_value": pl.String,
        "value_source_value": pl.String,
    },
    "drug_exposure": {
        "drug_exposure_id": pl.Int64,
        "person_id": pl.Int64,
        "drug_concept_id": pl.Int64,
        "drug_exposure_start_date": pl.Date,
        "drug_exposure_end_date": pl.Date,
        "drug_type_concept_id": pl.Int64,
    },
    "procedure_occurrence": {
        "procedure_occurrence_id": pl.Int64,
        "person_id": pl.Int64,
        "procedure_concept_id": pl.Int64,
        "procedure_date": pl.Date,
    },
    "condition_occurrence": {
        "condition_occurrence_id": pl.Int64,
        "person_id": pl.Int64,
        "condition_concept_id": pl.Int64,
        "condition_start_date": pl.Date,
    },
    "death": {"person_id": pl.Int64, "death_date": pl.Date},
    "observation_period": {
        "observation_period_id": pl.Int64,
        "person_id": pl.Int64,
        "observation_period_start_date": pl.Date,
        "observation_period_end_date": pl.Date,
    },
    "cohort": {"cohort_definition_id": pl.Int64, "subject_id": pl.Int64, "cohort_start_date": pl.Date},
    "concept": {
        "concept_id": pl.Int64,
        "concept_name": pl.String,
        "vocabulary_id": pl.String,
        "concept_code": pl.String,
    },
    "concept_ancestor": {"ancestor_concept_id": pl.Int64, "descendant_concept_id": pl.Int64},
}
Frames = dict[str, pl.DataFrame]
Row = Mapping[str, Any]


def frame_rows(table: str, rows: Iterable[Row]) -> pl.DataFrame:
    return pl.DataFrame([dict.fromkeys(KINDS[table]) | dict(row) for row in rows], schema=dict(KINDS[table]))


def make_cdm(**tables: Iterable[Row]) -> Frames:
    """A CDM of person 1, infused on `ZERO`; tables that are named replace or add."""
    rows: dict[str, Iterable[Row]] = {
        "person": [
            {
                "person_id": 1,
                "gender_concept_id": 8532,
                "year_of_birth": 1960,
                "month_of_birth": 1,
                "day_of_birth": 11,
                "person_source_value": "H-77",
            }
        ],
        "drug_exposure": [drug(CART)],
        "measurement": [measurement()],
        **tables,
    }
    return {name: frame_rows(name, content) for name, content in rows.items()}


def measurement(value: float | None = 0.35, concept: int = ANC, unit: int = THOUSAND, /, **more: Any) -> Row:
    """ANC of person 1 two days after the infusion; `day` counts from there."""
    date = ZERO + dt.timedelta(days=more.pop("day", 2))
    return {
        "measurement_id": 7,
        "person_id": 1,
        "measurement_concept_id": concept,
        "measurement_date": date,
        "value_as_number": value,
        "unit_concept_id": unit,
        **more,
    }


def drug(concept: int, day: int = 0, last: int | None = None, /, **more: Any) -> Row:
    start = ZERO + dt.timedelta(days=day)
    return {
        "drug_exposure_id": 1,
        "person_id": 1,
        "drug_concept_id": concept,
        "drug_exposure_start_date": start,
        "drug_exposure_end_date": start + dt.timedelta(days=0 if last is None else last - day),
        "drug_type_concept_id": 32818,
        **more,
    }


def write_duckdb(path: Path, frames: Frames, *, schema: str = "main") -> Path:
    """Write the tables into a file of DuckDB."""
    import duckdb

    with duckdb.connect(str(path)) as connection:
        if schema != "main":
            connection.execute(f"create schema {schema}")
        for name, frame in frames.items():
            stored = path.with_name(f"{name}.load.parquet")
            frame.write_parquet(stored)
            connection.read_parquet(str(stored)).create(f"{schema}.{name}")
            stored.unlink()
    return path
