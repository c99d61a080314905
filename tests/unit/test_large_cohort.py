"""Cohorts in blocks of patients: no block knows less about a patient than the whole does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from cytopenia.contract import prepare_tables
from cytopenia.errors import DataError, MissingColumnError, ProtocolError, ReaderError
from cytopenia.large_cohort import BlockOutcomes, derive_in_blocks
from cytopenia.new_study import fill_template
from cytopenia.simulate import simulate_cohort
from cytopenia.study.protocol import Study, read_protocol
from cytopenia.study.run import run_plan

HEAD = '[study]\ntitle = "blocks"\nseed = 1\n{study}[data]\n{data}'
NEUTROPENIA = """
[outcomes.neutropenia]
definition = "ctcae_v5.neutrophil_count_decreased"
window = [0, 28]
[[analyses]]
id = "occurrence"
kind = "occurrence"
outcomes = ["neutropenia"]
"""


def study_of(folder: Path, *, data: str = "", study: str = "", outcomes: str = NEUTROPENIA) -> Study:
    path = folder / "study.toml"
    path.write_text(HEAD.format(study=study, data=data) + outcomes, encoding="utf-8")
    return read_protocol(path)


def write(folder: Path, **tables: pl.DataFrame) -> dict[str, Path]:
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
    return {name: folder / f"{name}.parquet" for name in tables}


def labs_of(**columns: Any) -> pl.DataFrame:
    """One patient a row, A, B, C ..., a neutrophil count on day 5."""
    count = max(len(column) for column in columns.values() if isinstance(column, list))
    ids = [chr(ord("A") + place) for place in range(count)]
    return pl.DataFrame({"patient_id": ids, "day": 5, "analyte": "ANC", "unit": "10^9/L"} | columns)


def grades(found: list[BlockOutcomes]) -> dict[str, float]:
    outcomes = pl.concat([cohort.outcomes for cohort in found]).filter(outcome="neutropenia")
    return dict(outcomes.select("patient_id", "policy").sort("patient_id").rows())


@pytest.mark.parametrize("blocks", [None, 1, 3, 40])
def test_blocks_find_what_a_run_finds(blocks: int | None, tmp_path: Path) -> None:
    """All tables: support moves recovery, a death ends a course, dates place the days."""
    study_file = tmp_path / "study.toml"
    study_file.write_text(fill_template(), encoding="utf-8")
    study = read_protocol(study_file)
    tables: Mapping[str, pl.DataFrame] = simulate_cohort(23, seed=4).tables
    whole = run_plan(study, prepare_tables(tables))
    found = list(derive_in_blocks(write(tmp_path, **tables), study, blocks=blocks))
    together = pl.concat([cohort.outcomes for cohort in found])
    keys = ["outcome", "patient_id"]
    names = together["outcome"].unique().to_list()
    alone = whole.outcomes.filter(pl.col("outcome").is_in(names))
    assert_frame_equal(together.sort(keys), alone.sort(keys))
    accounts = pl.concat([cohort.account for cohort in found])
    every = [name for name, kind in accounts.schema.items() if kind != pl.Float64]
    assert_frame_equal(accounts.sort(every), whole.day_account.sort(every))


def test_the_row_of_the_file_is_kept_and_blanks_around_an_id_make_no_second_patient(tmp_path: Path) -> None:
    """Rows 2 to 5 of the file: two patients of grade 4 on every measured day."""
    labs = pl.DataFrame(
        {
            "patient_id": ["1", " 1", "1 ", "2"],
            "day": [5, 6, 7, 5],
            "analyte": "ANC",
            "value": [0.4, 0.3, 0.2, 0.1],
            "unit": "10^9/L",
        }
    )
    found = list(derive_in_blocks(write(tmp_path, labs=labs), study_of(tmp_path), blocks=7))
    assert grades(found) == {"1": 4, "2": 4}
    decides = pl.concat([cohort.evidence for cohort in found]).filter(role="decides", state="measured")
    rows = decides.select("patient_id", "day", "source_row").rows()
    assert sorted(rows) == [("1", 5, 2), ("1", 6, 3), ("1", 7, 4), ("2", 5, 5)]


def test_the_decimal_mark_of_one_patient_is_that_of_all(tmp_path: Path) -> None:
    """ "1,250" alone could be 1250; "0,4" of another patient shows that the comma is the decimal mark.

    CTCAE v5: 1.25 x 10^9/L is grade 2, 0.4 grade 4, 0.75 grade 3.
    """
    files = write(tmp_path, labs=labs_of(value=["1,250", "0,4", "0,750"]))
    for blocks in (1, 50):
        assert grades(list(derive_in_blocks(files, study_of(tmp_path), blocks=blocks))) == {
            "A": 2,
            "B": 4,
            "C": 3,
        }


def test_shares_of_one_patient_are_read_as_those_of_all(tmp_path: Path) -> None:
    """0.9 in "%" is 0.9 percent, because another patient has 40: 2.0 x 0.9% = 0.018, grade 4."""
    labs = pl.DataFrame(
        {
            "patient_id": ["A", "A", "B", "B"],
            "day": 5,
            "analyte": ["WBC", "NEUT%"] * 2,
            "value": [2.0, 0.9, 2.0, 40.0],
            "unit": ["10^9/L", "%"] * 2,
        }
    )
    files = write(tmp_path, labs=labs)
    for blocks in (1, 50):
        assert grades(list(derive_in_blocks(files, study_of(tmp_path), blocks=blocks))) == {"A": 4, "B": 3}


def test_what_only_a_whole_column_tells_is_refused_at_once(tmp_path: Path) -> None:
    labs = labs_of(value=["1.0", "2.0"], system="a").with_columns(
        day=pl.lit("5"), date=pl.lit("01/02/2024"), patient_id=pl.lit(1.0)
    )
    with pytest.raises(DataError) as caught:
        derive_in_blocks(write(tmp_path, labs=labs), study_of(tmp_path))
    said = str(caught.value)
    assert "cannot be graded in blocks of patients" in said
    for wanted in (
        "labs: column 'patient_id' is Float64; make it text or whole numbers",
        "labs: column 'day' is String; make it whole numbers",
        "labs: column 'date' is String; make it dates",
        "labs: column 'system' is String; what two systems repeat",
    ):
        assert wanted in said


def test_a_clock_in_a_date_is_refused(tmp_path: Path) -> None:
    labs = labs_of(value=[1.0]).with_columns(date=pl.datetime(2024, 1, 1, 8))
    with pytest.raises(DataError, match=r"labs: column 'date' is Datetime.*give the minutes"):
        derive_in_blocks(write(tmp_path, labs=labs), study_of(tmp_path))


def test_a_column_that_is_needed_is_named_at_once(tmp_path: Path) -> None:
    files = write(tmp_path, labs=labs_of(value=[1.0]).drop("value"))
    with pytest.raises(MissingColumnError, match=r"labs: column 'value' .*Rename the column that holds it"):
        derive_in_blocks(files, study_of(tmp_path))


def test_labs_are_needed(tmp_path: Path) -> None:
    files = write(tmp_path, patients=pl.DataFrame({"patient_id": ["A"]}))
    with pytest.raises(DataError, match="labs"):
        derive_in_blocks(files, study_of(tmp_path))


def test_a_mapping_of_columns_cannot_be_followed(tmp_path: Path) -> None:
    files = write(tmp_path, labs=labs_of(value=[1.0]))
    asked = study_of(tmp_path, data='[data.labs.columns]\nvalue = "Wert"\n')
    with pytest.raises(
        ProtocolError, match=re.escape("study.toml: cannot be followed in blocks of patients")
    ):
        derive_in_blocks(files, asked)


def test_an_error_in_the_tables_stops_it_and_names_no_value(tmp_path: Path) -> None:
    """Lymphodepletion on day 4, after the infusion."""
    infusions = pl.DataFrame({"patient_id": ["A"], "day": [0], "lymphodepletion_day": [4]})
    files = write(tmp_path, labs=labs_of(value=[1.0]), infusions=infusions)
    with pytest.raises(DataError, match="The tables have 1 error"):
        list(derive_in_blocks(files, study_of(tmp_path)))


def test_a_block_without_anybody_of_the_cohort_is_passed_over(tmp_path: Path) -> None:
    """B has values and no infusion."""
    infusions = pl.DataFrame({"patient_id": ["A"], "day": [0]})
    files = write(tmp_path, labs=labs_of(value=[0.4, 0.4]), infusions=infusions)
    told: list[tuple[str, int, int]] = []
    found = list(
        derive_in_blocks(files, study_of(tmp_path), blocks=50, progress=lambda *step: told.append(step))
    )
    assert grades(found) == {"A": 4}
    assert told == [("grading", 1, 2), ("grading", 2, 2)]


def test_a_scan_may_choose_rows_and_keeps_their_numbers(tmp_path: Path) -> None:
    """Row 2 is left out; row 3 is grade 3."""
    labs = labs_of(value=[0.1, 0.7])
    scan = labs.lazy().with_row_index("source_row", offset=2).filter(pl.col("patient_id") != "A")
    found = list(derive_in_blocks({"labs": scan}, study_of(tmp_path)))
    assert grades(found) == {"B": 3}
    evidence = pl.concat([cohort.evidence for cohort in found])
    assert set(evidence.filter(state="measured")["source_row"]) == {3}


def test_what_is_doubtful_in_a_block_is_told(tmp_path: Path) -> None:
    """Grade 1 of an ANC of 1.8 hangs on the lower limit of normal, which A has not."""
    files = write(tmp_path, labs=labs_of(value=[1.8, 0.1]))
    found = list(derive_in_blocks(files, study_of(tmp_path), blocks=1))
    told = found[0].findings.filter(rule="limit_missing")
    assert told.select("severity", "rows").rows() == [("warning", 1)]


@pytest.mark.parametrize("blocks", [1, 50])
def test_rows_without_a_patient_stop_it_as_they_stop_a_run(tmp_path: Path, blocks: int) -> None:
    labs = labs_of(value=[0.4, 0.1, 0.1]).with_columns(patient_id=pl.Series(["A", None, "  "]))
    with pytest.raises(DataError, match="labs: patient_id is blank in"):
        list(derive_in_blocks(write(tmp_path, labs=labs), study_of(tmp_path), blocks=blocks))


def test_nobody_is_left(tmp_path: Path) -> None:
    """The patients table spells the id in another way."""
    infusions = pl.DataFrame({"patient_id": ["A"], "day": [0]})
    patients = pl.DataFrame({"patient_id": ["A-1"]})
    files = write(tmp_path, labs=labs_of(value=[0.4]), infusions=infusions, patients=patients)
    with pytest.raises(DataError, match=r"^No patient is left\. A patient needs an infusion"):
        list(derive_in_blocks(files, study_of(tmp_path)))


def test_a_file_of_another_kind_and_no_block_at_all_are_refused(tmp_path: Path) -> None:
    (tmp_path / "labs.csv").write_text("patient_id,day\n", encoding="utf-8")
    for name in ("labs.csv", "nowhere.parquet"):
        with pytest.raises(ReaderError, match=f"^labs: {name} cannot be read as Parquet"):
            derive_in_blocks({"labs": tmp_path / name}, study_of(tmp_path))
    with pytest.raises(DataError, match="blocks is 0; allowed: 1 or more"):
        derive_in_blocks(write(tmp_path, labs=labs_of(value=[1.0])), study_of(tmp_path), blocks=0)
