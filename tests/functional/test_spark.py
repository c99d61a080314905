"""Grading on Spark gives what grading on one machine gives: every row, column and type."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.messy_cohort import make_messy_cohort
from tests.spark_session import start_spark

from cytopenia.contract import OF_WHOLE_COHORTS, prepare_tables
from cytopenia.errors import DataError, DefinitionError, MissingColumnError, OutputError, ProtocolError
from cytopenia.spark import SparkGrades, grade
from cytopenia.study.limit_checks import add_missing_limits
from cytopenia.study.plan import build_plan
from cytopenia.study.protocol import Study, read_protocol
from cytopenia.study.run import StudyRun, run_plan
from cytopenia.study_tables import set_lymphodepletion_day

pytestmark = pytest.mark.long

ALL_PARTS = ("outcomes", "evidence", "account", "findings")
HEAD = """
[study]
title = "Synthetic patients on Spark"
seed = 1
bound_anc_by_wbc = true

[data]
labs = { decimal = ".", lln = { anc = { value = 2.0, unit = "10^9/L" } } }
"""
COUNTS = """
[outcomes.neutropenia]
definition = "ctcae_v5.neutrophil_count_decreased"
window = [0, 28]

[outcomes.emergent_anemia]
definition = "ctcae_v6.anemia"
window = [-5, 28]
treatment_emergent = true

[outcomes.severe_neutropenia]
definition = "ctcae_v5.neutrophil_count_decreased"
min_grade = 3
window = [0, 28]

[outcomes.severe_thrombocytopenia]
definition = "ctcae_v5.platelet_count_decreased"
min_grade = 3
window = [0, 28]

[outcomes.severe]
any_of = ["severe_neutropenia", "severe_thrombocytopenia"]

[outcomes.early]
definition = "icaht_liang_2024.early"

[outcomes.late]
definition = "icaht_2023.late"

[outcomes.platelets_early]
definition = "t_icaht_2025.early"

[outcomes.recovery]
definition = "qiu2023_recovery"
died_before_landmark = "exclude"

[outcomes.time]
definition = "cibmtr_neutrophil_recovery"

[outcomes.phenotype]
definition = "rejeski_2021_phenotypes"

[[analyses]]
id = "occurrence"
kind = "occurrence"
outcomes = ["neutropenia", "severe"]
"""


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory, find_program: Callable[[str], str]) -> Generator[Any]:
    with start_spark(tmp_path_factory.mktemp("spark"), find_program) as session:
        yield session


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(HEAD + COUNTS, "utf-8")
    return path


def send(spark: Any, tables: Mapping[str, pl.DataFrame], folder: Path) -> dict[str, Any]:
    """The tables through Parquet, as they come on a cluster."""
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
    return {name: spark.read.parquet(str(folder / f"{name}.parquet")) for name in tables}


def run_here(study: Study, tables: Mapping[str, pl.DataFrame]) -> tuple[StudyRun, pl.DataFrame]:
    """The run on one machine, and the findings on its tables and on limits of normal that are missing."""
    data, day = study.protocol.data, study.protocol.study.lymphodepletion_day
    read = prepare_tables(
        dict(tables), formats=data.formats, lln=data.labs.lower_limits, day_zero=data.day_zero
    )
    findings = add_missing_limits(read.findings, read, study=study, plan=build_plan(study))
    return run_plan(study, set_lymphodepletion_day(read, day)), findings


def take(frame: Any) -> pl.DataFrame:
    return pl.DataFrame(frame.toArrow())


def check_same(found: SparkGrades, expected: StudyRun, *, has_rows: bool = True) -> dict[str, int]:
    local = {"outcomes": expected.outcomes, "evidence": expected.evidence, "account": expected.day_account}
    graded = SparkGrades(found.rows.persist())
    for part, frame in local.items():
        # Spark has no unsigned numbers.
        ours = frame.with_columns(pl.selectors.by_dtype(pl.UInt32).cast(pl.Int64))
        theirs = take(getattr(graded, part))
        assert theirs.schema == ours.schema
        left_out = [] if has_rows else ["source_row"]
        ours, theirs = (item.drop(left_out, strict=False).sort(pl.all()) for item in (ours, theirs))
        assert_frame_equal(theirs, ours, check_exact=True)
    graded.rows.unpersist()
    return {part: frame.height for part, frame in local.items()}


def count_findings(findings: pl.DataFrame) -> pl.DataFrame:
    kept = findings.filter(~pl.col("rule").is_in(OF_WHOLE_COHORTS))
    # Which of many names are told one by one, and which together, depends on the block.
    keys = ["table", "rule", "severity"]
    return kept.group_by(keys).agg(pl.col("rows").cast(pl.Int64).sum()).sort(keys)


def test_the_bundled_study(spark: Any, tmp_path: Path) -> None:
    folder = files("cytopenia").joinpath("data", "example")
    tables = {
        name: pl.read_csv(folder.joinpath(f"{name}.csv").read_bytes(), infer_schema_length=None).with_columns(
            source_row=pl.int_range(2, pl.len() + 2)
        )
        for name in ("labs", "infusions", "patients", "support", "events")
    }
    path = tmp_path / "study.toml"
    text = folder.joinpath("study.toml").read_text("utf-8")
    path.write_text(text.replace('folder = "."', 'labs = { decimal = "." }'), "utf-8")
    asked = read_protocol(path)
    expected, _ = run_here(asked, tables)
    sent = send(spark, tables, tmp_path / "sent")
    found = grade(sent, asked, parts=ALL_PARTS).write(str(tmp_path / "graded"))
    assert check_same(found, expected)["outcomes"] == 63 * 11
    found.require_findings()
    shuffled = {name: table.sample(fraction=1.0, shuffle=True, seed=1) for name, table in tables.items()}
    again = send(spark, shuffled, tmp_path / "shuffled")
    for partitions in (1, 90):
        spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
        parted = {name: table.repartition(min(partitions, 9)) for name, table in again.items()}
        check_same(grade(parted, path, parts=ALL_PARTS), expected)
    # Without numbers of their own rows have none here: Spark keeps no order.
    bare = {name: table.drop("source_row") for name, table in again.items()}
    unnumbered = SparkGrades(grade(bare, path, parts=ALL_PARTS).rows.persist())
    check_same(unnumbered, expected, has_rows=False)
    assert take(unnumbered.evidence)["source_row"].null_count() == expected.evidence.height


@pytest.mark.parametrize(
    ("seed", "dated", "zone", "partitions", "batch"),
    [
        (11, False, "UTC", 1, 997),
        (12, True, "Asia/Kolkata", 3, 10_000),
        (13, False, "America/New_York", 40, 50_000),
    ],
)
def test_messy_cohorts(
    spark: Any, study: Path, tmp_path: Path, seed: int, dated: bool, zone: str, partitions: int, batch: int
) -> None:
    spark.conf.set("spark.sql.session.timeZone", zone)
    spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(batch))
    spark.conf.set("spark.sql.adaptive.enabled", str(partitions != 40).lower())
    tables = make_messy_cohort(2_100, seed=seed, dated=dated)
    asked = read_protocol(study)
    expected, findings = run_here(asked, tables)
    shuffled = {name: table.sample(fraction=1.0, shuffle=True, seed=seed) for name, table in tables.items()}
    sent = send(spark, shuffled, tmp_path / "sent")
    if dated:
        sent["labs"] = sent["labs"].withColumn("date", sent["labs"]["date"].cast("timestamp"))
    found = grade(sent, asked, parts=ALL_PARTS).write(str(tmp_path / "graded"))
    counts = check_same(found, expected)
    assert counts["outcomes"] > 2_100 * 11
    told = take(found.findings)
    assert_frame_equal(count_findings(told), count_findings(findings), check_exact=True)
    assert told["message"].is_duplicated().sum() == 0
    assert {"unknown_unit", "anc_computed", "duplicate_rows", "not_in_patients"} <= set(told["rule"])
    with pytest.raises(DataError, match=r"The tables have 1 error\n  - labs: patient_id is blank"):
        found.require_findings()


LABS = pl.DataFrame(
    {
        "patient_id": [7, 7, 7, 8, 8, 9],
        "day": [0, 5, 9, 3, 4, 2],
        "analyte": ["ANC", "NEUT", "ANC", "ANC", "ANC", "ANC"],
        "value": [3.0, 400.0, 0.9, 1.2, 1.6, 2.5],
        "unit": ["G/L", "/uL", "G/L", "G/L", "G/L", "furlong"],
        "lln": [2.0] * 6,
        "source_row": [5_000_000_000 + place for place in range(6)],
    }
)
ONE = """
[outcomes.neutropenia]
definition = "ctcae_v5.neutrophil_count_decreased"
window = [0, 9]

[[analyses]]
id = "occurrence"
kind = "occurrence"
outcomes = ["neutropenia"]
"""


def test_grades_by_hand(spark: Any, study: Path, tmp_path: Path) -> None:
    """0.4 is below 0.5: grade 4. 1.2 is below 1.5: grade 2. A furlong is no unit of a count: not judged."""
    study.write_text(HEAD + ONE, "utf-8")
    found = grade(send(spark, {"labs": LABS}, tmp_path / "sent"), study)
    rows = take(found.outcomes).filter(outcome="neutropenia").sort("patient_id")
    assert rows.select("patient_id", "policy", "first_day").rows() == [
        ("7", 4.0, 5),
        ("8", 2.0, 3),
        ("9", None, None),
    ]
    days = take(found.evidence).filter(patient_id="7", day=5, role="decides")
    assert days["source_row"].to_list() == [5_000_000_001] * days.height
    assert days.height
    told = take(found.findings).filter(rule="unknown_unit").row(0, named=True)
    assert (told["rows"], told["row"]) == (1, 5_000_000_005)
    assert told["message"].startswith("labs: unit 'furlong' of anc is not listed. Allowed: ")


def test_other_types_of_the_same_values(spark: Any, study: Path, tmp_path: Path) -> None:
    """Short fractions, decimals and texts give the grades of doubles; ids of two types meet."""
    from pyspark.sql import functions as f

    study.write_text(HEAD + ONE, "utf-8")
    labs = send(spark, {"labs": LABS}, tmp_path / "sent")["labs"]
    infusions = labs.select(
        f.format_string(" %d", "patient_id").alias("patient_id"), f.lit(0).alias("day")
    ).distinct()
    expected = take(grade({"labs": labs, "infusions": infusions}, study).outcomes).sort(pl.all())
    assert expected.height == 3 * 2
    for kind in ("float", "decimal(12,3)", "string"):
        cast = labs.withColumn("value", f.col("value").cast(kind))
        found = take(grade({"labs": cast, "infusions": infusions}, study).outcomes).sort(pl.all())
        assert_frame_equal(found, expected, check_exact=True)


def test_nobody_is_left(spark: Any, study: Path, tmp_path: Path) -> None:
    study.write_text(HEAD + ONE, "utf-8")
    found = grade(send(spark, {"labs": LABS.clear()}, tmp_path / "sent"), study, parts=ALL_PARTS)
    assert all(take(getattr(found, part)).is_empty() for part in ALL_PARTS)
    with pytest.raises(DataError, match=r"^No patient is left\. A patient needs an infusion"):
        found.require_findings()
    grade(
        send(spark, {"labs": LABS.clear()}, tmp_path / "again"), study, parts=["findings"]
    ).require_findings()


WRONG_TABLES: dict[str, tuple[Callable[[Any], Mapping[str, Any]], type[Exception], str]] = {
    "unknown": (lambda labs: {"labs": labs, "lab": labs}, DataError, "table 'lab' is unknown"),
    "no labs": (lambda labs: {"infusions": labs}, DataError, "The labs table is missing"),
    "polars": (lambda labs: {"labs": LABS}, DataError, "labs: a DataFrame of Spark is needed; got DataFrame"),
    "responses": (
        lambda labs: {"labs": labs, "responses": labs},
        DataError,
        "responses: no outcome rests on it; leave it out",
    ),
    "no unit": (
        lambda labs: {"labs": labs.drop("unit", "day")},
        MissingColumnError,
        r"column 'unit' is missing.*Rename the column that holds it to 'unit'"
        r".*\n.*column 'day' or 'date' is missing",
    ),
    "types": (
        lambda labs: {
            "labs": labs.selectExpr(
                "cast(patient_id as double) as patient_id", "'2024-01-31' as date",
                "analyte", "value", "unit",
                "cast(source_row as string) as source_row",
            )
        },
        DataError,
        r"column 'patient_id' is double; allowed: .*\n.*column 'date' is string; make it a date: to_date"
        r".*\n.*column 'source_row' is string; cast it to int",
    ),
    "system": (
        lambda labs: {"labs": labs.selectExpr("*", "'icu' as system")},
        DataError,
        "labs: column 'system': what two systems repeat is found in whole columns only",
    ),
    "infusions": (
        lambda labs: {
            "labs": labs,
            "patients": labs.selectExpr("patient_id", "current_date() as infusion_date"),
        },
        DataError,
        "patients: infusion_date stands there and no table infusions is given",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_TABLES)
def test_wrong_tables_are_refused_before_any_job(spark: Any, study: Path, tmp_path: Path, name: str) -> None:
    make, error, words = WRONG_TABLES[name]
    tables = make(send(spark, {"labs": LABS}, tmp_path / "sent")["labs"])
    spark.sparkContext.setJobGroup(name, "nothing is to run here")
    with pytest.raises(error, match=re.compile(words, re.DOTALL)) as told:
        grade(tables, study)
    assert not spark.sparkContext.statusTracker().getJobIdsForGroup(name)
    assert "400" not in str(told.value)


def test_wrong_protocols_are_refused(spark: Any, study: Path, tmp_path: Path) -> None:
    labs = send(spark, {"labs": LABS}, tmp_path / "sent")["labs"]
    text = labs.withColumn("value", labs["value"].cast("string"))
    study.write_text((HEAD + ONE).replace('decimal = ".", ', ""), "utf-8")
    with pytest.raises(
        DataError, match=r"column 'value' is string; state its decimal mark .* decimal = \"\.\""
    ):
        grade({"labs": text}, study)
    study.write_text(
        (HEAD + ONE).replace('decimal = "."', 'columns = { analyte = "test" }')
        + '[cohort]\nrequire = ["patients.stage"]\n',
        "utf-8",
    )
    with pytest.raises(
        ProtocolError, match=r"(?s)\[data.labs\] columns: tables of Spark come.*\[cohort\] require: filter"
    ):
        grade({"labs": labs}, study)
    with pytest.raises(DataError, match="parts: got 'outcome'; allowed: 'outcomes', 'evidence', 'account'"):
        grade({"labs": labs}, study, parts=("outcome",))


def test_an_error_of_a_worker_arrives_as_itself(spark: Any, study: Path, tmp_path: Path) -> None:
    """A definition of another kind in the place of the bounds stands for whatever a worker may refuse."""
    study.write_text(HEAD + ONE, "utf-8")
    asked = read_protocol(study)
    definitions = {**asked.library.definitions, "neighbor_bounds": asked.library.baseline}
    broken = replace(asked, library=replace(asked.library, definitions=definitions))
    found = grade(send(spark, {"labs": LABS}, tmp_path / "sent"), broken)
    for ask in (lambda: found.write(str(tmp_path / "graded")), found.require_findings):
        with pytest.raises(DefinitionError, match=r"^'neighbor_bounds' must be of kind 'bounds'$"):
            ask()


def test_a_folder_that_exists_is_not_overwritten(spark: Any, study: Path, tmp_path: Path) -> None:
    study.write_text(HEAD + ONE, "utf-8")
    found = grade(send(spark, {"labs": LABS}, tmp_path / "sent"), study)
    with pytest.raises(
        OutputError, match=r"^The folder to write to is there already, and nothing was written"
    ):
        found.write(str(tmp_path))
