"""A CDM becomes the six tables; rows written by hand, expected rows typed by hand."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.omop_factory import (
    ANC,
    AT_MOST,
    CART,
    CART_DRUG,
    EQUAL,
    FILGRASTIM,
    GRAMS,
    HEMOGLOBIN,
    LESS,
    MCH,
    MORE,
    PER_MICROLITER,
    SHARE,
    THOUSAND,
    WBC,
    ZERO,
    Frames,
    Row,
    drug,
    frame_rows,
    make_cdm,
    measurement,
    write_duckdb,
)

from cytopenia.contract import Tables
from cytopenia.errors import ProtocolError, ReaderError
from cytopenia.readers.mapping import DataSection, read_mapping
from cytopenia.readers.omop_codes import load_omop_concepts, load_omop_units
from cytopenia.readers.omop_server import open_database
from cytopenia.readers.sources import read_tables

FOUND = (folder / "shared" / "data" for folder in Path(__file__).parents)
SAMPLES = next((folder for folder in FOUND if folder.is_dir()), None)


def section_of(**keys: Any) -> DataSection:
    cohort = {} if "cohort_table" in keys else {"cohort": {"concept_ids": [CART]}}
    return DataSection.model_validate({"omop": {"connection": "duckdb://cdm.duckdb", **cohort, **keys}})


def read(folder: Path, frames: Frames, **keys: Any) -> Tables:
    write_duckdb(folder / "cdm.duckdb", frames)
    return read_tables(folder, section_of(**keys))


def read_labs(folder: Path, *rows: Row, **keys: Any) -> Tables:
    numbered = [{**row, "measurement_id": number} for number, row in enumerate(rows, 1)]
    return read(folder, make_cdm(measurement=numbered), **keys)


def labs_of(tables: Tables) -> list[tuple[Any, ...]]:
    return tables.labs.select("patient_id", "day", "analyte", "comparator", "value", "unit", "invalid").rows()


def messages(tables: Tables, rule: str) -> str:
    return " ".join(tables.findings.filter(pl.col("rule") == rule)["message"])


def test_values_by_concept_and_unit_concept(tmp_path: Path) -> None:
    tables = read_labs(
        tmp_path,
        measurement(0.35),
        measurement(350, ANC, PER_MICROLITER, day=3),
        measurement(7.9, HEMOGLOBIN, GRAMS, range_low=12.0, range_high=16.0),
        measurement(2.5, WBC, THOUSAND, measurement_datetime=dt.datetime(2024, 1, 12, 23, 50)),
    )
    assert labs_of(tables) == [
        ("1", 2, "anc", "=", 0.35, "1e9/L", None),
        ("1", 3, "anc", "=", 0.35, "1e9/L", None),
        ("1", 2, "hemoglobin", "=", 79.0, "g/L", None),
        ("1", 2, "wbc", "=", 2.5, "1e9/L", None),
    ]
    assert tables.labs["lln"].to_list() == [None, None, 120.0, None]
    assert tables.labs["uln"].to_list() == [None, None, 160.0, None]
    assert tables.labs["minute"].to_list() == [None, None, None, 23 * 60 + 50]
    assert tables.labs["source_row"].to_list() == [1, 2, 3, 4]
    assert "anc is given in /uL, 10*3/uL" in messages(tables, "several_units")


def test_the_sign_of_a_value(tmp_path: Path) -> None:
    tables = read_labs(
        tmp_path,
        measurement(0.1, operator_concept_id=LESS),
        measurement(0.2, operator_concept_id=AT_MOST),
        measurement(0.3, operator_concept_id=EQUAL),
        measurement(5000, operator_concept_id=MORE),
        measurement(0.15, value_source_value="<0.15"),
        measurement(None, value_source_value=" < 0.2 "),
        measurement(0.4, operator_concept_id=0, value_source_value="0.4"),
        measurement(0.4, operator_concept_id=4_000_001),
        measurement(None, value_as_concept_id=45878745),
        measurement(None),
    )
    found = tables.labs.select("comparator", "value", "invalid").rows()
    assert found == [
        ("<", 0.1, None),
        ("<=", 0.2, None),
        ("=", 0.3, None),
        (">", 5000.0, "implausible value"),
        ("<", 0.15, None),
        ("<", 0.2, None),
        ("=", 0.4, None),
        ("=", 0.4, "operator concept 4000001"),
        ("=", None, "the value is a concept, no number"),
        ("=", None, "value missing"),
    ]
    assert "in 2 of 10 rows (rows 5, 6)" in messages(tables, "value_from_text")


def test_a_unit_without_a_concept(tmp_path: Path) -> None:
    tables = read_labs(
        tmp_path,
        measurement(0.35, ANC, 0, unit_source_value="K/uL"),
        measurement(0.35, ANC, 0),
        measurement(0.37, ANC, None, unit_source_value=" "),
        measurement(350, ANC, THOUSAND, unit_source_value="/uL"),
        measurement(0.36, ANC, THOUSAND, unit_source_value="10^9/L"),
        measurement(0.35, ANC, 2_000_000_077),
    )
    assert tables.labs.select("value", "unit", "invalid").rows() == [
        (0.35, "1e9/L", None),
        (None, None, "unit missing"),
        (None, None, "unit missing"),
        (350.0, "1e9/L", "code and text of the unit differ"),
        (0.36, "1e9/L", None),
        (None, "concept 2000000077", "unknown unit"),
    ]
    assert "in 1 of 6 rows (row 1)" in messages(tables, "unit_as_text")
    assert "in 1 of 6 rows (row 4)" in messages(tables, "two_units")


@pytest.mark.parametrize(("units_from", "value"), [("concept", 350.0), ("text", 0.35)])
def test_the_mapping_says_which_unit_counts(tmp_path: Path, units_from: str, value: float) -> None:
    row = measurement(350, ANC, THOUSAND, unit_source_value="/uL")
    assert read_labs(tmp_path, row, units_from=units_from).labs["value"].to_list() == [value]


def test_a_text_of_the_source_is_not_in_the_unit_of_the_concept(tmp_path: Path) -> None:
    """Hemoglobin 4.9 mmol/L is 7.9 g/dL (grade 3), never 4.9 g/dL; where the units agree it is read."""
    tables = read_labs(
        tmp_path,
        measurement(None, HEMOGLOBIN, GRAMS, unit_source_value="mmol/L", value_source_value="4.9"),
        measurement(7.9, HEMOGLOBIN, GRAMS, day=3, unit_source_value="mmol/L", value_source_value="4.9"),
        measurement(0.1, day=4, unit_source_value="/uL", value_source_value="<100"),
        measurement(None, day=5, unit_source_value="K/uL", value_source_value="<0.1"),
        units_from="concept",
    )
    assert labs_of(tables) == [
        ("1", 2, "hemoglobin", "=", 49.0, "g/L", "code and text of the unit differ"),
        ("1", 3, "hemoglobin", "=", 79.0, "g/L", None),
        ("1", 4, "anc", "<", 100.0, "1e9/L", "code and text of the unit differ"),
        ("1", 5, "anc", "<", 0.1, "1e9/L", None),
    ]
    assert "2 of 4 rows" in messages(tables, "two_units")


def test_neutrophils_of_white_cells_and_share(tmp_path: Path) -> None:
    tables = read_labs(tmp_path, measurement(4.0, WBC), measurement(20, SHARE, 8554))
    assert labs_of(tables)[1] == ("1", 2, "anc", "=", 0.8, "1e9/L", None)
    assert "(row 2)" in messages(tables, "anc_computed")


def test_what_is_not_read_is_named(tmp_path: Path) -> None:
    tables = read_labs(
        tmp_path,
        measurement(30, MCH, 8564),
        measurement(0.5, 0, measurement_source_value="ANC-LAB1"),
        measurement(0.5, 0, measurement_source_value="ANC-LAB1"),
        measurement(140, 3019550, measurement_source_value="NA"),
        measurement(1.0),
    )
    assert labs_of(tables) == [("1", 2, "anc", "=", 1.0, "1e9/L", None)]
    assert "concept 3012030 (LOINC 785-6) is near to hemoglobin" in messages(tables, "code_apart")
    assert "source value 'ANC-LAB1' looks like a blood count (2 values)" in messages(
        tables, "concept_unlisted"
    )
    assert "1 value of other concepts" in messages(tables, "code_left_out")


def test_the_mapping_says_what_concepts_and_source_values_mean(tmp_path: Path) -> None:
    tables = read_labs(
        tmp_path,
        measurement(0.5, 0, measurement_source_value="ANC-LAB1"),
        measurement(0.6, 2_000_000_009, measurement_source_value="other"),
        measurement(0.7, ANC),
        measurement(0.8, 0, measurement_source_value="ANC old"),
        source_values={"ANC-LAB1": "anc", "ANC old": "ignore", "never": "wbc"},
        concepts={"2000000009": "anc", str(ANC): "ignore"},
    )
    assert tables.labs["value"].to_list() == [0.5, 0.6]
    assert messages(tables, "concept_unlisted") == ""
    assert "source_values maps 'never', which never occurs" in messages(tables, "mapping_unused")


def test_codes_of_the_vocabulary(tmp_path: Path) -> None:
    """804-5 is a reviewed code, its concept only in the vocabulary; hemoglobin is another there."""
    words = [
        {"concept_id": 3_999_001, "vocabulary_id": "LOINC", "concept_code": "804-5", "concept_name": "WBC"},
        {"concept_id": 8_999_001, "vocabulary_id": "UCUM", "concept_code": "10*3.{cells}/uL"},
        {"concept_id": HEMOGLOBIN, "vocabulary_id": "LOINC", "concept_code": "4544-3"},
        {"concept_id": ANC, "vocabulary_id": "LOINC", "concept_code": "751-8"},
    ]
    rows = [measurement(2.0, 3_999_001, 8_999_001), measurement(9.0, HEMOGLOBIN, GRAMS)]
    frames = make_cdm(measurement=rows, concept=words)
    tables = read(tmp_path, frames)
    assert labs_of(tables) == [("1", 2, "wbc", "=", 2.0, "1e9/L", None)]
    said = messages(tables, "concept_disagrees")
    assert "concept 3000963 is LOINC 4544-3 in the vocabulary, LOINC 718-7 in the reviewed table" in said
    assert messages(tables, "vocabulary_missing") == ""


def test_a_cdm_without_vocabulary(tmp_path: Path) -> None:
    tables = read(tmp_path, make_cdm())
    assert labs_of(tables) == [("1", 2, "anc", "=", 0.35, "1e9/L", None)]
    assert "there is no table concept" in messages(tables, "vocabulary_missing")
    assert "only the named concepts themselves" in messages(tables, "descendants_unknown")


def test_the_window_and_the_second_infusion(tmp_path: Path) -> None:
    rows = [measurement(day=day) for day in (-11, -10, 0, 20, 21)]
    frames = make_cdm(measurement=rows, drug_exposure=[drug(CART, 15), drug(CART), drug(CART)])
    tables = read(tmp_path, frames, window=[-10, 20])
    assert tables.labs["day"].to_list() == [-10, 0, 20]
    assert tables.infusions.select("patient_id", "day").rows() == [("1", 0), ("1", 15)]
    said = "1 patient has infusions on more than one day, the closest 15 days apart"
    assert said in messages(tables, "infusions_on_several_days")


def test_one_infusion_in_two_tables_a_day_apart(tmp_path: Path) -> None:
    """The drug on day 0 and its procedure on day 1 would end the course on day 1."""
    procedure = {"procedure_occurrence_id": 1, "person_id": 1, "procedure_concept_id": CART}
    one_day = read(tmp_path, make_cdm(procedure_occurrence=[{**procedure, "procedure_date": ZERO}]))
    assert messages(one_day, "infusions_on_several_days") == ""
    later = {**procedure, "procedure_date": ZERO + dt.timedelta(days=1)}
    (tmp_path / "cdm.duckdb").unlink()
    two_days = read(tmp_path, make_cdm(procedure_occurrence=[later]))
    assert "the closest 1 day apart" in messages(two_days, "infusions_on_several_days")


def test_the_cohort_by_descendants_procedure_or_table(tmp_path: Path) -> None:
    ancestors = [{"ancestor_concept_id": CART, "descendant_concept_id": CART_DRUG}]
    people = [{"person_id": number, "year_of_birth": 1960} for number in (1, 2, 3)]
    procedure = {"procedure_concept_id": CART, "procedure_date": ZERO, "person_id": 2}
    chosen = [
        {"cohort_definition_id": 3, "subject_id": 3, "cohort_start_date": ZERO},
        {"cohort_definition_id": 4, "subject_id": 2, "cohort_start_date": ZERO},
    ]
    frames = make_cdm(
        person=people,
        drug_exposure=[drug(CART_DRUG)],
        procedure_occurrence=[procedure],
        concept_ancestor=ancestors,
        cohort=chosen,
        measurement=[measurement(person_id=number) for number in (1, 2, 3)],
    )
    assert read(tmp_path, frames).infusions["patient_id"].to_list() == ["1", "2"]
    folder = tmp_path / "table"
    folder.mkdir()
    tables = read(folder, frames, cohort_table={"cohort_definition_id": 3})
    assert tables.infusions["patient_id"].to_list() == tables.labs["patient_id"].to_list() == ["3"]
    folder = tmp_path / "alone"
    folder.mkdir()
    tables = read(folder, frames, cohort={"concept_ids": [CART], "descendants": False})
    assert tables.infusions["patient_id"].to_list() == ["2"]


@pytest.mark.parametrize(
    ("month", "day", "age", "is_sure"),
    [
        (1, 10, 64, True),
        (1, 11, 63, True),
        (2, None, 63, True),
        (1, None, 64, False),
        (None, None, 64, False),
    ],
)
def test_the_age_at_the_infusion(
    tmp_path: Path, month: int | None, day: int | None, age: int, is_sure: bool
) -> None:
    born = {"year_of_birth": 1960, "month_of_birth": month, "day_of_birth": day}
    tables = read(tmp_path, make_cdm(person=[{"person_id": 1, "gender_concept_id": 8507, **born}]))
    assert tables.patients.select("patient_id", "sex", "age_years").rows() == [("1", "male", age)]
    assert ("of 1 of 1 patients" in messages(tables, "age_from_year")) is not is_sure


def test_support_and_events(tmp_path: Path) -> None:
    """Filgrastim by its ingredient and a product of it; transfusions and events by the mapping."""
    frames = make_cdm(
        drug_exposure=[
            drug(CART),
            drug(CART_DRUG, 3, 5),
            drug(FILGRASTIM, 6, 6, drug_type_concept_id=32838),
        ],
        concept_ancestor=[{"ancestor_concept_id": FILGRASTIM, "descendant_concept_id": CART_DRUG}],
        procedure_occurrence=[
            {"procedure_concept_id": 4022173, "procedure_date": ZERO + dt.timedelta(days=4), "person_id": 1}
        ],
        condition_occurrence=[
            {"condition_concept_id": 555, "condition_start_date": ZERO + dt.timedelta(days=2), "person_id": 1}
        ],
        death=[{"person_id": 1, "death_date": ZERO + dt.timedelta(days=40)}],
        observation_period=[
            {"person_id": 1, "observation_period_end_date": ZERO + dt.timedelta(days=39)},
        ],
    )
    keys = {
        "support": {"rbc_transfusion": [4022173]},
        "events": {"crs": [555]},
        "last_contact": "observation_period",
    }
    tables = read(tmp_path, frames, **keys)
    assert tables.support.select("patient_id", "start", "stop", "kind", "agent").rows() == [
        ("1", 3, 5, "gcsf", "filgrastim"),
        ("1", 6, 6, "gcsf", "filgrastim"),
        ("1", 4, 4, "rbc_transfusion", None),
    ]
    assert sorted(tables.events.select("day", "kind").rows()) == [
        (2, "crs"),
        (39, "last_contact"),
        (40, "death"),
    ]
    assert "32818 (1), 32838 (1)" in messages(tables, "drug_types")
    assert "of 1 patients" in messages(tables, "contact_from_period")
    folder = tmp_path / "given"
    folder.mkdir()
    assert read(folder, frames, drug_types=[32818]).support["start"].to_list() == [3]


def test_the_number_of_the_hospital(tmp_path: Path) -> None:
    people = [{"person_id": 1, "person_source_value": "H-77"}, {"person_id": 2}]
    frames = make_cdm(
        person=people,
        drug_exposure=[drug(CART), drug(CART, person_id=2)],
        measurement=[measurement(), measurement(person_id=2)],
    )
    (tmp_path / "events.csv").write_text("patient_id,day,kind\nH-77,40,last_contact\n")
    tables = read(tmp_path, frames, patient_number="person_source_value")
    assert tables.labs["patient_id"].to_list() == ["H-77", "person/2"]
    assert tables.events["patient_id"].to_list() == ["H-77"]
    assert "1 of 2 persons have no person_source_value" in messages(tables, "number_missing")


def test_a_table_from_a_file_takes_the_place(tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_text("patient_id,age_years\n1,70\n")
    tables = read(tmp_path, make_cdm())
    assert tables.patients["age_years"].to_list() == [70.0]
    assert "what the database gives for this table is not used" in messages(tables, "table_from_file")


def test_large_ids_are_counted_by_position(tmp_path: Path) -> None:
    rows = [measurement(measurement_id=2**40 + number, person_id=-(2**62)) for number in (5, 3)]
    frames = make_cdm(
        person=[{"person_id": -(2**62)}], drug_exposure=[drug(CART, person_id=-(2**62))], measurement=rows
    )
    tables = read(tmp_path, frames)
    assert tables.labs["source_row"].to_list() == [2]
    assert tables.labs["patient_id"].to_list() == ["-4611686018427387904"]


def test_numbers_of_every_width(tmp_path: Path) -> None:
    """A short float is the decimal that it was loaded from; ids come in all widths."""
    frames = make_cdm(measurement=[measurement(0.35), measurement(7.9, HEMOGLOBIN, GRAMS)])
    frames["measurement"] = frames["measurement"].cast(
        {"value_as_number": pl.Float32, "measurement_id": pl.Int16, "unit_concept_id": pl.UInt64}
    )
    frames["person"] = frames["person"].cast({"person_id": pl.Int32, "year_of_birth": pl.Int16})
    tables = read(tmp_path, frames)
    assert sorted(tables.labs.select("analyte", "value").rows()) == [("anc", 0.35), ("hemoglobin", 79.0)]
    assert tables.patients["age_years"].to_list() == [63.0]


def test_a_folder_of_files(tmp_path: Path) -> None:
    """CSV and Parquet, names in any case; other versions of the CDM lack columns."""
    folder = tmp_path / "cdm"
    folder.mkdir()
    frames = make_cdm()
    frames["measurement"].drop("operator_concept_id", "range_low").rename(str.upper).write_csv(
        folder / "MEASUREMENT.csv"
    )
    frames["person"].write_parquet(folder / "person.parquet")
    frames["drug_exposure"].write_csv(folder / "drug_exposure.tsv", separator="\t")
    tables = read_tables(tmp_path, section_of(connection="cdm"))
    assert labs_of(tables) == [("1", 2, "anc", "=", 0.35, "1e9/L", None)]
    assert tables.patients["sex"].to_list() == ["female"]


def test_a_folder_with_its_vocabulary(tmp_path: Path) -> None:
    """Columns such as vocabulary_id and domain_id hold words, though their names end as those of numbers."""
    folder = tmp_path / "cdm"
    folder.mkdir()
    local = 2_000_000_077
    concept = {"concept_name": "Neutrophils", "vocabulary_id": "LOINC", "concept_code": "751-8"}
    frames = make_cdm(
        measurement=[measurement(0.35), measurement(0.4, local, day=3, measurement_id=8)],
        concept=[{"concept_id": local, **concept}],
        concept_ancestor=[{"ancestor_concept_id": CART, "descendant_concept_id": CART}],
    )
    frames["concept"] = frames["concept"].with_columns(domain_id=pl.lit("Measurement"))
    for name, frame in frames.items():
        frame.write_csv(folder / f"{name}.csv")
    tables = read_tables(tmp_path, section_of(connection="cdm"))
    assert tables.labs.select("day", "analyte", "value").rows() == [(2, "anc", 0.35), (3, "anc", 0.4)]
    assert "vocabulary_missing" not in set(tables.findings["rule"])


@pytest.mark.parametrize(
    ("column", "written", "kind"),
    [
        ("value_as_number", "see Jane Roe", "DOUBLE"),
        ("value_as_number", "0,35", "DOUBLE"),
        ("operator_concept_id", "NULL", "BIGINT"),
    ],
)
def test_a_cell_of_another_kind_is_named_and_not_shown(
    tmp_path: Path, column: str, written: str, kind: str
) -> None:
    folder = tmp_path / "cdm"
    folder.mkdir()
    for name, frame in make_cdm().items():
        frame.write_csv(folder / f"{name}.csv")
    rows = frame_rows("measurement", [measurement(0.41), measurement(0.42)])
    changed = pl.Series(column, ["4171756", written], dtype=pl.String)
    rows.with_columns(changed).write_csv(folder / "measurement.csv")
    said = rf"measurement\.csv, line 3, column {column}: what stands there is not of type '{kind}'\."
    with pytest.raises(ReaderError, match=said) as found:
        read_tables(tmp_path, section_of(connection="cdm"))
    assert written not in str(found.value).replace("'NULL'", "")
    assert "0.4" not in str(found.value)
    assert found.value.__context__ is None


@pytest.mark.parametrize(
    ("table", "column", "written"),
    [
        ("measurement", "measurement_date", "03/04/2024"),
        ("measurement", "measurement_date", "31/01/2024"),
        ("measurement", "measurement_datetime", "31.01.2024 10:00:00"),
        ("drug_exposure", "drug_exposure_start_date", "03-04-2024"),
    ],
)
def test_dates_that_could_be_two_days_are_refused(
    tmp_path: Path, table: str, column: str, written: str
) -> None:
    folder = tmp_path / "cdm"
    folder.mkdir()
    frames = make_cdm()
    frames[table] = frames[table].with_columns(pl.lit(written).alias(column))
    for name, frame in frames.items():
        frame.write_csv(folder / f"{name}.csv")
    with pytest.raises(ReaderError, match=rf"{table}\.csv: dates are not written as 2024-01-31 .*{column}"):
        read_tables(tmp_path, section_of(connection="cdm"))


def test_other_writings_of_a_day_are_read(tmp_path: Path) -> None:
    """Year first, with a time of midnight; a date that nobody reads may have any form."""
    folder = tmp_path / "cdm"
    folder.mkdir()
    frames = make_cdm()
    frames["measurement"] = frames["measurement"].with_columns(
        measurement_date=pl.lit("2024-01-12 00:00:00"), measurement_datetime=pl.lit("2024-01-12T10:05:00")
    )
    frames["concept"] = frame_rows("concept", []).with_columns(valid_start_date=pl.lit("31/01/1970"))
    for name, frame in frames.items():
        frame.write_csv(folder / f"{name}.csv")
    tables = read_tables(tmp_path, section_of(connection="cdm"))
    assert tables.labs.select("day", "minute", "value").rows() == [(2, 605, 0.35)]


def test_files_with_a_header_alone(tmp_path: Path) -> None:
    """An export has a file for every table, also for those without rows."""
    folder = tmp_path / "cdm"
    folder.mkdir()
    frames = make_cdm(
        drug_exposure=[],
        death=[],
        condition_occurrence=[],
        cohort=[{"cohort_definition_id": 3, "subject_id": 1, "cohort_start_date": ZERO}],
    )
    for name, frame in frames.items():
        frame.write_csv(folder / f"{name}.csv")
    table = {"cohort_definition_id": 3}
    tables = read_tables(tmp_path, section_of(connection="cdm", cohort_table=table, events={"crs": [77]}))
    assert tables.labs.select("day", "value").rows() == [(2, 0.35)]
    assert tables.events.is_empty()
    frames["measurement"].clear().write_csv(folder / "measurement.csv")
    assert read_tables(tmp_path, section_of(connection="cdm", cohort_table=table)).labs.is_empty()
    text = frames["measurement"].with_columns(measurement_date=pl.lit("12 Jan 2024"))
    text.write_csv(folder / "measurement.csv")
    said = r"measurement\.csv, line 2, column measurement_date: .* not of type 'DATE'"
    with pytest.raises(ReaderError, match=said):
        read_tables(tmp_path, section_of(connection="cdm", cohort_table=table))


def test_the_last_day_of_the_window_is_whole(tmp_path: Path) -> None:
    """Some databases keep measurement_date with a time; 10:30 of the last day belongs to it."""
    frames = make_cdm(measurement=[measurement(0.35, day=10), measurement(0.4, day=11, measurement_id=8)])
    moved = pl.col("measurement_date").cast(pl.Datetime("us")) + pl.duration(hours=10, minutes=30)
    frames["measurement"] = frames["measurement"].with_columns(measurement_date=moved)
    tables = read(tmp_path, frames, window=[-5, 10])
    assert tables.labs.select("day", "value").rows() == [(10, 0.35)]


def test_a_number_of_two_persons_is_refused(tmp_path: Path) -> None:
    """Also where a table of patients of one's own hides that there are two."""
    person = {"gender_concept_id": 8532, "year_of_birth": 1960}
    frames = make_cdm(
        person=[
            {"person_id": 1, "person_source_value": "H-77", **person},
            {"person_id": 2, "person_source_value": " H-77", **person},
        ],
        drug_exposure=[drug(CART), drug(CART, 2, person_id=2, drug_exposure_id=2)],
    )
    (tmp_path / "patients.csv").write_text("patient_id,sex\nH-77,female\n")
    with pytest.raises(
        ReaderError, match="1 of the numbers in person_source_value belong to more than one person"
    ):
        read(tmp_path, frames, patient_number="person_source_value")


def test_the_file_stays_as_it_is(tmp_path: Path) -> None:
    path = write_duckdb(tmp_path / "cdm.duckdb", make_cdm())
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    read_tables(tmp_path, section_of())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert [found.name for found in tmp_path.iterdir()] == ["cdm.duckdb"]
    with (
        open_database("duckdb://cdm.duckdb", tmp_path) as database,
        pytest.raises(ReaderError, match="read-only mode"),
    ):
        database.driver.run("create table written as select 1 as a")


def test_every_query_is_kept(tmp_path: Path) -> None:
    tables = read(tmp_path, make_cdm())
    assert [(item.table, item.dialect, item.rows) for item in tables.extractions] == [
        ("infusions", "duckdb", 1),
        ("measurement", "duckdb", 1),
        ("measurement (other concepts)", "duckdb", 0),
        ("person", "duckdb", 1),
        ("drug_exposure", "duckdb", 0),
    ]
    assert all(item.sql.startswith("SELECT") for item in tables.extractions)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frames: frames.pop("measurement"), "there is no table measurement, or it may not be read"),
        (lambda frames: frames.pop("drug_exposure"), "none of drug_exposure, procedure_occurrence"),
        (
            lambda frames: frames.update(measurement=frames["measurement"].drop("unit_concept_id")),
            "measurement has no column unit_concept_id",
        ),
        (
            lambda frames: frames.update(
                measurement=frames["measurement"].cast({"measurement_date": pl.String})
            ),
            "measurement.measurement_date has another type; a column of type date is needed",
        ),
        (
            lambda frames: frames.update(
                measurement=frames["measurement"].cast({"measurement_concept_id": pl.String})
            ),
            "measurement.measurement_concept_id has another type; a column of type integer is needed",
        ),
        (lambda frames: frames.update(drug_exposure=frames["drug_exposure"].clear()), "nobody was given"),
    ],
)
def test_what_is_no_cdm_is_refused(tmp_path: Path, change: Any, said: str) -> None:
    frames = make_cdm()
    change(frames)
    with pytest.raises(ReaderError, match=said):
        read(tmp_path, frames)


def test_a_connection_that_leads_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=r"absent\.duckdb: no such file or folder"):
        read_tables(tmp_path, section_of(connection="duckdb://absent.duckdb"))
    (tmp_path / "cdm.duckdb").write_bytes(b"no database at all")
    with pytest.raises(ReaderError, match="DuckDB cannot read it"):
        read_tables(tmp_path, section_of())
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReaderError, match="no table was found"):
        read_tables(tmp_path, section_of(connection="empty"))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('connection = "postgresql://me:s3cret@host/cdm"', "a password stands in the file"),
        ('connection = "postgresql://me@host/cdm?password=s3cret"', "a password stands in the file"),
        ('connection = "host=db user=me password=s3cret dbname=cdm"', "the connection is no address"),
        ('connection = "postgresql:me:s3cret@host/cdm"', "the connection is no address"),
        ('connection = "postgres//me:s3cret"', "the connection is no address"),
        ('connection = "duckdb://me:s3cret@host/cdm"', "the connection is no address"),
        ('connection = "md:cdm?motherduck_token=s3cret"', "the connection is no address"),
        ('connection = "postgresql://me@host/cdm?options=-c%20x%3Dy"', "'options' cannot be set"),
        ('connection = "duckdb://../cdm.duckdb"', "leads out of the data folder"),
        ('connection = "/var/lib/cdm"', "leads out of the data folder"),
        ('connection = "mysql://me@host/cdm"', "connections of kind 'mysql' are not known"),
        ('connection = "cdm"\nwindow = [5, 10]', "contains day 0"),
        ('connection = "cdm"\nconcepts = { anc = "anc" }', "'anc' is no concept id"),
        ('connection = "cdm"\nsource_values = { X = "sodium" }', "'sodium' is no analyte"),
        (
            'connection = "cdm"\nsupport = { gcsf = [1], tpo_ra = [1] }',
            "concept 1 is named for gcsf and tpo_ra",
        ),
        ('connection = "cdm"\nevents = { fever = [1] }', "'fever' is not known"),
        (
            'connection = "cdm"\ncohort_table = { cohort_definition_id = 1 }',
            "give one of cohort and cohort_table",
        ),
        ("window = [-5, 10]", "state the connection"),
    ],
)
def test_a_mapping_that_is_wrong(tmp_path: Path, keys: str, said: str) -> None:
    path = tmp_path / "mapping.toml"
    cohort = "" if "window = [-5" in keys else "cohort = { concept_ids = [792844] }\n"
    path.write_text(f"[data.omop]\n{cohort}{keys}\n")
    with pytest.raises(ProtocolError, match=said) as found:
        read_mapping(path)
    assert "s3cret" not in str(found.value)


def test_the_reviewed_concepts_are_those_of_a_public_vocabulary() -> None:
    """Ids that the sample has carry the code that the reviewed tables say."""
    if SAMPLES is None:
        pytest.skip("the public samples are not here")
    concepts = pl.read_csv(SAMPLES / "omop_synthea27nj_54" / "CONCEPT.csv.gz", infer_schema_length=0)
    known = dict(concepts.select(pl.col("concept_id").cast(pl.Int64), "concept_code").iter_rows())
    codes = {key: code for key, code in load_omop_concepts().items() if key in known}
    units = {key: row.ucum for key, row in load_omop_units().items() if key in known}
    assert {key: known[key] for key in codes} == codes
    assert {key: known[key] for key in units} == units
    assert (len(codes), len(units)) == (22, 29)
