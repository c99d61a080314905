"""Grading on Spark without Spark: how a worker cuts its rows, what it says of failures, what is imported."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from cytopenia.contract import Finding, collect_findings, prepare_labs
from cytopenia.contract.labs import has_percents
from cytopenia.contract.schemas import TextFormat
from cytopenia.errors import DataError, ReaderError
from cytopenia.spark import grade
from cytopenia.spark.blocks import cut_blocks, grade_batches
from cytopenia.spark.columns import ROW_SCHEMA, Question
from cytopenia.spark.findings import take_findings
from cytopenia.study.protocol import Study, read_protocol

STUDY = """
[study]
title = "Synthetic"
seed = 1
[data]
[outcomes.neutropenia]
definition = "ctcae_v5.neutrophil_count_decreased"
window = [0, 9]
[[analyses]]
id = "occurrence"
kind = "occurrence"
outcomes = ["neutropenia"]
"""


@pytest.fixture
def study(tmp_path: Path) -> Study:
    path = tmp_path / "study.toml"
    path.write_text(STUDY, "utf-8")
    return read_protocol(path)


def frames(*keys: list[int]) -> list[pl.DataFrame]:
    return [pl.DataFrame({"_key": part}, schema={"_key": pl.Int64}) for part in keys]


@pytest.mark.parametrize(
    ("keys", "patients", "rows", "blocks"),
    [
        ([[1, 1], [1], [2, 3], [3]], 2, 100, [[1, 1, 1, 2], [3, 3]]),
        ([[1, 1], [1], [2, 3], [3]], 1, 100, [[1, 1, 1], [2], [3, 3]]),
        # A block with enough rows ends before the patient whose rows may go on.
        ([[1, 2, 3], [3, 4]], 9, 2, [[1, 2], [3, 3], [4]]),
        # One patient is never divided, whatever the limit.
        ([[5, 5, 5], [5, 5]], 1, 2, [[5, 5, 5, 5, 5]]),
        ([[], [-4], [], [7]], 1, 100, [[-4], [7]]),
        ([[]], 1, 100, []),
        ([], 1, 100, []),
    ],
)
def test_blocks_hold_whole_patients(
    keys: list[list[int]], patients: int, rows: int, blocks: list[list[int]]
) -> None:
    cut = cut_blocks(frames(*keys), patients=patients, rows=rows)
    assert [block["_key"].to_list() for block in cut] == blocks


def make_block(**columns: list[object]) -> pl.DataFrame:
    rows = {
        "_key": [1, 1],
        "_table": ["labs", "labs"],
        "patient_id": ["Anna", "Anna"],
        "day": [1, 3],
        "analyte": ["ANC", "ANC"],
        "value": [0.7321, 2.4],
        "unit": ["G/L", "G/L"],
    }
    return pl.DataFrame({name: cells for name, cells in (rows | columns).items() if cells})


COLUMNS = {"labs": ("patient_id", "day", "analyte", "value", "unit")}


def test_a_worker_returns_rows_of_one_schema(study: Study) -> None:
    question = pickle.dumps(Question(study, COLUMNS, ("outcomes", "findings")))
    found = pl.concat(
        pl.DataFrame(batch) for batch in grade_batches(make_block().to_arrow().to_batches(), question)
    )
    assert found.schema == dict(ROW_SCHEMA)
    graded = found.filter(part="outcomes", outcome="neutropenia").row(0, named=True)
    assert (graded["patient_id"], graded["policy"], graded["first_day"]) == ("Anna", 3.0, 1)
    assert set(found["part"]) == {"outcomes", "findings"}


def test_a_failure_of_a_block_names_its_place_and_no_value(study: Study) -> None:
    question = pickle.dumps(Question(study, COLUMNS, ("outcomes",)))
    batches = make_block(analyte=[]).to_arrow().to_batches()
    words = r"^Spark: a block of 1 patients could not be graded \(ColumnNotFoundError in \w+, line \d+\)"
    with pytest.raises(DataError, match=words) as told:
        list(grade_batches(batches, question))
    assert told.value.__suppress_context__
    assert not any(value in str(told.value) for value in ("0.7321", "Anna"))


def test_findings_of_blocks_can_be_added_up() -> None:
    def tell(message: str, rule: str, *, table: str = "labs", row: int | None = None) -> Finding:
        return Finding(table=table, rule=rule, severity="warning", message=message, row=row, rows=3)

    found = collect_findings(
        [
            tell(
                "labs: the value is negative in 3 of 1,204 rows (rows 4, 2, 5). Look.",
                "negative_value",
                row=4,
            ),
            tell(
                "labs: and 12 more units of anc are not listed in 3 of 9 rows (rows 2, 3, ...).",
                "unknown_unit",
            ),
            tell("events: 1 patient has deaths on different days.", "several_deaths", table="events", row=2),
            tell("labs: the median of anc in 'G/L' lies far above the usual", "suspected_unit"),
        ]
    )
    taken = take_findings(found, pl.Series([70, 80, 90, 100]))
    assert taken.select("rule", "row", "rows", "message").rows() == [
        ("negative_value", 90, 3, "labs: the value is negative. Look."),
        ("unknown_unit", None, 3, "labs: and more units of anc are not listed."),
        ("several_deaths", None, 3, "events: patients have deaths on different days."),
    ]


def make_shares(*values: str) -> pl.DataFrame:
    n = len(values)
    rows = {"patient_id": ["1"] * n, "day": list(range(n)), "analyte": ["NEUT%"] * n, "value": list(values)}
    return pl.DataFrame({**rows, "unit": ["%"] * n})


@pytest.mark.parametrize(
    ("values", "are_percents"),
    [(["0.6", "71"], True), (["0.6", "1"], False), (["0.6", "n.d."], False), (["0.6", "2300"], False)],
)
def test_a_share_above_one_shows_percentages(values: list[str], are_percents: bool) -> None:
    assert has_percents(make_shares(*values), TextFormat(decimal=".")) is are_percents


def test_a_part_of_a_table_is_told_what_the_whole_shows() -> None:
    """0.6 % of 5.0 is 0.03; alone it could be a fraction, and is not used."""
    white = pl.DataFrame(
        {"patient_id": ["1"], "day": [0], "analyte": ["WBC"], "value": ["5.0"], "unit": ["G/L"]}
    )
    labs = pl.concat([make_shares("0.6"), white], how="diagonal")
    alone, findings = prepare_labs(labs, text=TextFormat(decimal="."))
    assert alone["analyte"].to_list() == ["wbc"]
    assert "suspected_unit" in findings["rule"].to_list()
    told, _ = prepare_labs(labs, text=TextFormat(decimal=".", has_percents=True))
    assert told.filter(analyte="anc")["value"].to_list() == [0.03]


def test_without_spark_the_message_says_what_to_install(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(ReaderError, match=r'Install them: pip install "cytopenia\[spark\]"\.$'):
        grade({}, study)


def test_spark_is_not_imported_before_it_is_used() -> None:
    code = "import sys, cytopenia, cytopenia.spark; sys.exit('pyspark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
