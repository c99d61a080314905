"""The same patients through CSV, OMOP (DuckDB and PostgreSQL) and FHIR: the same labs, the same grades."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.omop_factory import write_duckdb
from tests.postgres_server import PASSWORD, find_postgres, serve
from tests.same_patients import (
    FHIR_CODES,
    INFUSION,
    MAPPED,
    make_same_cdm,
    write_beside,
    write_csv,
    write_fhir,
)
from tests.spark_session import start_spark

from cytopenia.contract import Tables
from cytopenia.errors import ReaderError
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.omop_mapping import PASSWORD_VARIABLE
from cytopenia.readers.omop_spark import SparkDriver
from cytopenia.readers.sources import read_tables
from cytopenia.study.protocol import read_protocol
from cytopenia.study.run import StudyRun, run_plan
from cytopenia.workflow import run_study

pytestmark = pytest.mark.long

OMOP = {"cohort": {"concept_ids": [INFUSION]}, "support": MAPPED, "patient_number": "person_source_value"}
OUTCOMES = """
[outcomes.early]
definition = "icaht_2023.early"

[outcomes.late]
definition = "icaht_2023.late"

[[analyses]]
id = "occurrence"
kind = "occurrence"
title = "Occurrence of cytopenia"
outcomes = ["neutropenia", "anemia", "thrombocytopenia", "severe_cytopenia", "early", "late"]

[[analyses]]
id = "recovery"
kind = "recovery"
title = "Hematologic recovery at day 28"
outcome = "recovery"
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outcomes of the bundled study, and ICAHT."""
    text = files("cytopenia").joinpath("data", "example", "study.toml").read_text("utf-8")
    path = tmp_path_factory.mktemp("study") / "study.toml"
    path.write_text(
        text[: text.index("# Factors.")].replace("[printed]\npaper", "# paper") + OUTCOMES, "utf-8"
    )
    return path


@pytest.fixture(scope="module")
def from_csv(study: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, StudyRun]:
    folder = tmp_path_factory.mktemp("csv")
    write_csv(folder)
    tables = read_tables(folder)
    return tables, run_plan(read_protocol(study), tables)


def check_same(study: Path, found: Tables, expected: tuple[Tables, StudyRun]) -> None:
    tables, run = expected
    assert tables.labs.height == 9629
    assert tables.labs.filter(pl.col("comparator") == "<").height == 2
    for name in ("labs", "infusions", "support", "patients", "events", "responses"):
        theirs, ours = (sort_all(getattr(item, name)) for item in (found, tables))
        assert_frame_equal(theirs, ours, check_exact=True)
    again = run_plan(read_protocol(study), found)
    assert run.outcomes.height > 10 * 63
    assert_frame_equal(again.outcomes, run.outcomes, check_exact=True)
    assert_frame_equal(again.results, run.results, check_exact=True)
    assert_frame_equal(again.patient_days, run.patient_days, check_exact=True)
    assert again.settings["data_fingerprint"] == run.settings["data_fingerprint"]


def sort_all(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows in one order; where they stood in their source is of no matter, nor what was left blank there."""
    kept = [column for column in frame.columns if column not in {"source_row", "product", "target"}]
    kept = [column for column in kept if column != "lymphodepletion_day" or frame[column].count()]
    return frame.select(kept).sort(kept)


def read(folder: Path, **keys: Any) -> Tables:
    return read_tables(folder, DataSection.model_validate(keys))


def test_omop_in_duckdb(study: Path, tmp_path: Path, from_csv: tuple[Tables, StudyRun]) -> None:
    write_beside(tmp_path)
    write_duckdb(tmp_path / "cdm.duckdb", make_same_cdm())
    check_same(study, read(tmp_path, omop={"connection": "duckdb://cdm.duckdb", **OMOP}), from_csv)


def test_omop_in_postgres(
    study: Path,
    tmp_path: Path,
    from_csv: tuple[Tables, StudyRun],
    find_program: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    write_beside(tmp_path)
    with serve(find_postgres(find_program)) as server:
        server.load(make_same_cdm(), tmp_path, schema="omop")
        keys = {"connection": server.address(), "schema": "omop", **OMOP}
        check_same(study, read(tmp_path, omop=keys), from_csv)


@pytest.fixture
def spark(tmp_path: Path, find_program: Callable[[str], str]) -> Generator[Any]:
    with start_spark(tmp_path, find_program) as session:
        yield session


def test_omop_in_spark(study: Path, tmp_path: Path, from_csv: tuple[Tables, StudyRun], spark: Any) -> None:
    write_beside(tmp_path)
    spark.sql("create schema omop")
    for name, frame in make_same_cdm().items():
        file = tmp_path / f"{name}.parquet"
        frame.write_parquet(file)
        spark.read.parquet(str(file)).write.saveAsTable(f"omop.{name}")
    keys = {"connection": "spark", "schema": "omop", **OMOP}
    found = read(tmp_path, omop=keys)
    assert {item.dialect for item in found.extractions} == {"databricks"}
    check_same(study, found, from_csv)
    with pytest.raises(ReaderError, match="no table measurement"):
        read(tmp_path, omop={**keys, "schema": "elsewhere"})
    with pytest.raises(ReaderError, match="Spark refuses a query") as told:
        SparkDriver(spark).run("select cast('of a patient' as int)")
    assert "of a patient" not in str(told.value)


def test_fhir(study: Path, tmp_path: Path, from_csv: tuple[Tables, StudyRun]) -> None:
    write_fhir(tmp_path)
    check_same(study, read(tmp_path, fhir={"codes": FHIR_CODES}), from_csv)


def test_the_queries_stand_in_the_provenance(study: Path, tmp_path: Path, tables_alone: None) -> None:
    write_beside(tmp_path)
    write_duckdb(tmp_path / "cdm.duckdb", make_same_cdm())
    data = (
        '[data]\nfolder = "."\n\n[data.omop]\nconnection = "duckdb://cdm.duckdb"\n'
        f'patient_number = "person_source_value"\ncohort = {{ concept_ids = [{INFUSION}] }}\n'
    )
    own = tmp_path / "study.toml"
    own.write_text(study.read_text("utf-8").replace('[data]\nfolder = "."\n', data), "utf-8")
    written = run_study(own, out=tmp_path / "out")
    asked = json.loads((written.folder / "provenance.json").read_text("utf-8"))["extraction"]
    assert [(item["table"], item["dialect"], item["rows"]) for item in asked][:2] == [
        ("infusions", "duckdb", 63),
        ("measurement", "duckdb", 9629),
    ]
    assert 'FROM "main"."measurement"' in asked[1]["sql"]
    assert "extraction" not in written.run.settings
