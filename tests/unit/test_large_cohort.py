"""Cohorts in blocks of patients: no block knows less about a patient than the whole does."""

from __future__ import annotations

import re
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


def grades(found: list[BlockOutcomes]) -> dict[str, float | None]:
    outcomes = pl.concat([cohort.outcomes for cohort in found]).filter(outcome="neutropenia")
    return dict(outcomes.select("patient_id", "policy").sort("patient_id").rows())


@pytest.mark.parametrize("blocks", [None, 1, 3, 40])
def test_blocks_find_what_a_run_finds(blocks: int | None, tmp_path: Path) -> None:
    """All tables: support moves recovery, a death ends a course, dates place the days; one has no values."""
    study_file = tmp_path / "study.toml"
    study_file.write_text(fill_template(), encoding="utf-8")
    study = read_protocol(study_file)
    tables: dict[str, pl.DataFrame] = dict(simulate_cohort(23, seed=4).tables)
    unmeasured = tables["patients"]["patient_id"][2]
    tables["labs"] = tables["labs"].filter(pl.col("patient_id") != unmeasured)
    whole = run_plan(study, prepare_tables(tables))
    found = list(derive_in_blocks(write(tmp_path, **tables), study, blocks=blocks))
    assert unmeasured in whole.outcomes["patient_id"].to_list()
    assert whole.evidence.height > 100
    for part, alone in (
        ("outcomes", whole.outcomes),
        ("evidence", whole.evidence),
        ("account", whole.day_account),
    ):
        together = pl.concat([getattr(block, part) for block in found])
        keys = [name for name, kind in together.schema.items() if kind != pl.Float64]
        assert_frame_equal(together.sort(keys), alone.sort(keys), check_exact=True)


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
    labs = labs_of(value=["1,250", "0,4", "0,750"])
    # What is no blood count leaves before the mark is settled.
    other = labs_of(value=["12.5"]).with_columns(analyte=pl.lit("FOO"))
    files = write(tmp_path, labs=pl.concat([labs, other]))
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


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"date": pl.datetime(2024, 1, 1, 8)}, "labs: column 'date' is Datetime.*give the minutes"),
        ({"day": pl.datetime(2024, 1, 1, 8)}, "labs: column 'day' is Datetime.*make it whole numbers"),
        ({"day": pl.lit(5.125, dtype=pl.Float32)}, "labs: column 'day' is Float32; make it whole numbers"),
    ],
)
def test_a_clock_or_a_fraction_of_a_day_is_refused(
    tmp_path: Path, changed: dict[str, pl.Expr], words: str
) -> None:
    labs = labs_of(value=[1.0]).with_columns(**changed)
    with pytest.raises(DataError, match=words):
        derive_in_blocks(write(tmp_path, labs=labs), study_of(tmp_path))


def test_an_infusion_date_among_the_patients_is_refused(tmp_path: Path) -> None:
    """ "01/02/2024" of one patient is told by those of the others."""
    patients = pl.DataFrame({"patient_id": ["A"], "infusion_date": ["01/02/2024"]})
    files = write(tmp_path, labs=labs_of(value=[1.0]), patients=patients)
    with pytest.raises(DataError, match="patients: infusion_date stands there; give it as the table"):
        derive_in_blocks(files, study_of(tmp_path))


def test_required_columns_cannot_be_followed(tmp_path: Path) -> None:
    """A column of texts and numbers is read as a whole."""
    files = write(tmp_path, labs=labs_of(value=[1.0]))
    asked = study_of(tmp_path, outcomes=NEUTROPENIA + '[cohort]\nrequire = ["patients.ferritin"]\n')
    with pytest.raises(ProtocolError, match=r"\[cohort\] require: choose the infusions in the scan"):
        derive_in_blocks(files, asked)


def test_emergent_outcomes_need_the_day_of_lymphodepletion(tmp_path: Path) -> None:
    """CTCAE v5: 0.4 on day 5 is grade 4; before lymphodepletion (day -5) it was 3.0, grade 0."""
    outcomes = NEUTROPENIA.replace("window = [0, 28]", "window = [0, 28]\ntreatment_emergent = true")
    labs = pl.DataFrame(
        {"patient_id": "A", "day": [-6, 5], "analyte": "ANC", "value": [3.0, 0.4], "unit": "10^9/L"}
    ).with_columns(lln=2.0)
    empty = pl.DataFrame({"patient_id": ["A"], "day": [0], "lymphodepletion_day": [None]})
    files = write(tmp_path, labs=labs, infusions=empty)
    with pytest.raises(ProtocolError, match="baseline values need the start of lymphodepletion"):
        derive_in_blocks(files, study_of(tmp_path, outcomes=outcomes))
    stated = study_of(tmp_path, outcomes=outcomes, study="lymphodepletion_day = -5\n")
    assert grades(list(derive_in_blocks(files, stated))) == {"A": 4}


def test_tables_without_rows_and_blocks_without_values_stop_nothing(tmp_path: Path) -> None:
    """B to E have no values; nobody had support."""
    infusions = pl.DataFrame({"patient_id": list("ABCDE"), "day": 0})
    support = pl.DataFrame(schema={"patient_id": pl.String, "start": pl.Int32, "kind": pl.String})
    files = write(tmp_path, labs=labs_of(value=[0.4]), infusions=infusions, support=support)
    found = list(derive_in_blocks(files, study_of(tmp_path), blocks=50))
    assert grades(found) == {"A": 4, "B": None, "C": None, "D": None, "E": None}
    assert "empty_table" not in pl.concat([block.findings for block in found])["rule"].to_list()


def test_labs_without_a_listed_analyte_are_refused(tmp_path: Path) -> None:
    labs = labs_of(value=[1.0]).with_columns(analyte=pl.lit("FOO"))
    for table in (labs, labs.clear()):
        with pytest.raises(DataError, match="labs: no row has a listed analyte, or there is no row"):
            derive_in_blocks({"labs": table}, study_of(tmp_path))


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


def test_an_error_in_the_tables_stops_it(tmp_path: Path) -> None:
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
