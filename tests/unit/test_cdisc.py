"""SDTM and ADaM data sets as the six tables; a synthetic trial, expected rows worked out by hand."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pyreadstat
import pytest
from polars.testing import assert_frame_equal

from cdisc_files import AE, CM, DM, EX, LB, PR, ours, write_json, write_xpts
from cytopenia.contract import Tables
from cytopenia.errors import MissingColumnError, ProtocolError, ReaderError
from cytopenia.readers.mapping import DataSection, read_mapping
from cytopenia.readers.sources import read_tables

NAMED = {"infusion": ["CELLS X"], "lymphodepletion": ["Fludarabine"]}
SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "cdisc"


def read(folder: Path, data: dict[str, Any] | None = None, **cdisc: Any) -> Tables:
    return read_tables(folder, DataSection.model_validate({"cdisc": NAMED | cdisc, **(data or {})}))


def essence(tables: Tables) -> list[tuple[Any, ...]]:
    return tables.labs.select("patient_id", "day", "analyte", "comparator", "value", "unit", "lln").rows()


def messages(tables: Tables, rule: str) -> str:
    return " ".join(tables.findings.filter(pl.col("rule") == rule)["message"])


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    return write_xpts(tmp_path, dm=DM, ex=EX, lb=LB, cm=CM, pr=PR, ae=AE)


# ---- labs


def test_the_labs_of_sdtm(trial: Path) -> None:
    tables = read(trial)
    assert essence(tables) == list(ours)
    assert tables.labs["minute"].to_list()[0] == 8 * 60 + 30
    assert "(row 5)" in messages(tables, "other_specimen")
    assert "the original result or its unit cannot be read in 1 of 7 rows (row 7)" in messages(
        tables, "standard_result_used"
    )
    assert messages(tables, "results_disagree") == ""
    assert messages(tables, "unknown_analyte") == ""
    assert "(row 8)" in messages(tables, "percent_not_used")


def test_a_result_is_not_taken_through_a_rounded_conversion(tmp_path: Path) -> None:
    """8.0 g/dL, as printed, is no value below 80 g/L; 4.96 mmol/L, as converted, is."""
    printed = LB.filter(pl.col("LBTESTCD") == "HGB").with_columns(
        LBORRES=pl.lit("8.0"), LBSTRESC=pl.lit("4.96"), LBSTRESN=pl.lit(4.96)
    )
    tables = read(write_xpts(tmp_path, dm=DM, ex=EX, lb=printed))
    assert tables.labs["value"].to_list() == [80.0]


def test_two_results_that_are_different_numbers_are_a_warning(tmp_path: Path) -> None:
    wrong = LB.with_columns(LBSTRESN=pl.when(pl.col("LBTESTCD") == "HGB").then(7.9).otherwise("LBSTRESN"))
    tables = read(write_xpts(tmp_path, dm=DM, ex=EX, lb=wrong))
    assert "in 1 of 7 rows (row 4)" in messages(tables, "results_disagree")
    assert essence(tables) == list(ours)


def test_study_days_alone_give_the_same_days(tmp_path: Path) -> None:
    """No dates, as in an anonymized study: day 1 is the reference day, and the day before it is -1."""
    write_xpts(
        tmp_path,
        dm=DM.drop("RFSTDTC", "DTHDTC", "RFPENDTC"),
        ex=EX.drop("EXSTDTC"),
        lb=LB.drop("LBDTC"),
    )
    tables = read(tmp_path)
    assert essence(tables) == list(ours)
    assert tables.infusions.select("patient_id", "day", "lymphodepletion_day").rows() == [
        ("A1", 0, -5),
        ("B2", 0, None),
    ]


def test_values_of_subjects_without_an_infusion_are_left_out_with_them(tmp_path: Path) -> None:
    screened = LB.head(1).with_columns(USUBJID=pl.lit("C3"))
    tables = read(write_xpts(tmp_path, dm=DM, ex=EX, lb=pl.concat([screened, LB])))
    assert essence(tables) == list(ours)
    assert set(tables.findings["rule"]).isdisjoint({"not_in_patients", "without_infusion"})


def test_three_decimals_are_no_thousands(tmp_path: Path) -> None:
    fine = LB.head(1).with_columns(LBORRES=pl.lit("1.234"), LBORRESU=pl.lit("10^9/L"))
    assert read(write_xpts(tmp_path, dm=DM, ex=EX, lb=fine)).labs["value"].to_list() == [1.234]


def test_a_date_without_its_day_is_told_by_the_study_day(tmp_path: Path) -> None:
    partial = LB.with_columns(LBDTC=pl.lit("2024-05"))
    tables = read(write_xpts(tmp_path, dm=DM, ex=EX, lb=partial))
    assert tables.labs["day"].to_list() == [row[1] for row in ours]


def test_a_study_day_of_zero_and_one_that_disagrees_are_findings(tmp_path: Path) -> None:
    wrong = LB.with_columns(LBDY=pl.Series([8.0, 8.0, 5.0, 8.0, 0.0, -1.0, 2.0]))
    tables = read(write_xpts(tmp_path, dm=DM, ex=EX, lb=wrong))
    assert "LBDY is 0 in 1 of 6 rows (row 6)" in messages(tables, "study_day_zero")
    assert "in 1 of 6 rows (row 3)" in messages(tables, "study_day_disagrees")
    assert essence(tables) == list(ours)


def test_codes_that_the_study_maps_itself(tmp_path: Path) -> None:
    folder = write_xpts(
        tmp_path, dm=DM, ex=EX, lb=LB.with_columns(LBTESTCD=pl.col("LBTESTCD").replace("NEUT", "ANCX"))
    )
    tables = read(folder, {"labs": {"analytes": {"ANCX": "anc", "NEUTLE": "ignore"}}})
    assert essence(tables) == list(ours)
    assert messages(tables, "unknown_analyte") == ""


# ---- the other tables


def test_infusions_support_events_and_patients(trial: Path) -> None:
    tables = read(
        trial,
        support={"gcsf": ["filgrastim", "PEGFILGRASTIM"], "platelet_transfusion": ["Platelet transfusion"]},
        events={"crs": ["Cytokine release syndrome"]},
        last_contact="RFPENDTC",
    )
    assert tables.infusions.select("patient_id", "infusion_date", "lymphodepletion_day").rows() == [
        ("A1", dt.date(2024, 5, 7), -5),
        ("B2", dt.date(2024, 6, 10), None),
    ]
    assert sorted(tables.support.select("patient_id", "start", "stop", "kind", "agent").rows()) == [
        ("A1", 5, 8, "gcsf", "FILGRASTIM"),
        ("A1", 13, 13, "platelet_transfusion", "Platelet transfusion"),
        ("B2", 4, 4, "gcsf", "PEGFILGRASTIM"),
    ]
    assert sorted(tables.events.select("patient_id", "day", "kind", "grade").rows()) == [
        ("A1", 1, "crs", 2.0),
        ("A1", 86, "last_contact", None),
        ("B2", 10, "death", None),
        ("B2", 10, "last_contact", None),
    ]
    assert tables.patients.select("patient_id", "age_years", "sex").rows() == [
        ("A1", 61.0, "F"),
        ("B2", 47.0, "M"),
    ]
    assert "1 of 3 subjects have no infusion and are left out" in messages(tables, "not_infused")
    unnamed = messages(tables, "names_not_mapped")
    assert "1 name of CM not in the mapping: 'ACETYLSALICYLIC ACID'" in unnamed
    assert "1 name of AE not in the mapping: 'Headache'" in unnamed


def test_names_that_are_probably_support_are_a_warning_and_not_used(trial: Path) -> None:
    tables = read(trial, support={"gcsf": ["FILGRASTIM"]})
    assert "1 name of CM not in the mapping: 'PEGFILGRASTIM'" in messages(tables, "probably_support")
    assert tables.support["agent"].to_list() == ["FILGRASTIM"]


def test_support_that_nobody_named_is_no_support_table(trial: Path) -> None:
    assert not read(trial).has_support


def test_the_infusion_is_never_guessed(trial: Path) -> None:
    with pytest.raises(
        ReaderError,
        match=r"do not say which treatment is the infusion; treatments found: .*'CELLS X'.*infusion =",
    ):
        read_tables(trial)
    with pytest.raises(ReaderError, match="no row of EX or PR has a name of the infusion"):
        read(trial, infusion=["CELLS Y"])
    assert read_tables(trial, DataSection(day_zero="first")).labs.height == 5


def test_the_infusion_as_a_variable_or_a_study_day(trial: Path) -> None:
    dated = DM.with_columns(CARTDTC=pl.Series(["2024-05-07", "2024-06-10", ""]))
    write_xpts(trial, dm=dated)
    assert essence(read(trial, infusion=[], infusion_date="CARTDTC")) == list(ours)
    with pytest.raises(ReaderError, match=r"infusion_date under \[data.cdisc\] names 'CARDTC'.*did you mean"):
        read(trial, infusion=[], infusion_date="CARDTC")
    by_day = read(trial, infusion=[], infusion_day=1)
    assert by_day.labs.filter(pl.col("patient_id") == "B2")["day"].to_list() == [1, -1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('infusion = ["X"]\ninfusion_day = 1', "give one of infusion, infusion_date and infusion_day"),
        ("infusion_day = 0", "study days have no day 0"),
        ('support = { gcfs = ["X"] }', r"'gcfs' is not known \(did you mean 'gcsf'\?\)"),
        ('support = { gcsf = ["X"], tpo_ra = ["x"] }', "'x' is named for gcsf and tpo_ra"),
        ('infusions = ["X"]', "infusions"),
    ],
)
def test_a_mapping_that_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "map.toml").write_text(f"[cdisc]\n{text}\n", "utf-8")
    with pytest.raises(ProtocolError, match=words):
        read_mapping(tmp_path / "map.toml")


# ---- the same patients, whatever the form


OWN = pl.DataFrame(
    {
        "patient": ["A1", "A1", "A1", "B2", "B2"],
        "date": ["2024-05-09T08:30", "2024-05-10", "2024-05-06", "2024-06-11", "2024-06-09"],
        "analyte": ["ANC", "ANC", "Hb", "PLT", "WBC"],
        "value": ["0.35", "<0.1", "79", "0", "4.2"],
        "unit": ["10^9/L", "10^9/L", "g/L", "10^9/L", "10^9/L"],
        "lln": [1.8, 1.8, 120.0, 150.0, 4.0],
    }
)


@pytest.mark.parametrize("suffix", ["csv", "sav", "dta", "xpt"])
def test_the_same_patients_as_tables_of_ones_own(trial: Path, suffix: str) -> None:
    folder = trial / "own"
    folder.mkdir()
    (folder / "infusions.csv").write_text("patient_id,infusion_date\nA1,2024-05-07\nB2,2024-06-10\n", "utf-8")
    {
        "csv": OWN.write_csv,
        "sav": lambda path: pyreadstat.write_sav(OWN, path),
        "dta": lambda path: pyreadstat.write_dta(OWN, path),
        "xpt": lambda path: pyreadstat.write_xport(OWN, path, file_format_version=5),
    }[suffix](folder / f"labs.{suffix}")
    own = read_tables(folder, DataSection.model_validate({"labs": {"columns": {"patient_id": "patient"}}}))
    assert_frame_equal(own.labs.drop("source_row"), read(trial).labs.drop("source_row"))


@pytest.mark.parametrize("lines", [False, True])
def test_dataset_json_gives_the_same(tmp_path: Path, lines: bool) -> None:
    for name, frame in {"dm": DM, "ex": EX, "lb": LB}.items():
        write_json(tmp_path, name, frame, lines=lines)
    assert essence(read(tmp_path)) == list(ours)


def test_adam_gives_the_same(tmp_path: Path) -> None:
    adsl = DM.select("USUBJID", "AGE", "SEX").with_columns(
        TRTSDT=pl.Series([dt.date(2024, 5, 2), dt.date(2024, 6, 10), None]),
        CARTDT=pl.Series([dt.date(2024, 5, 7), dt.date(2024, 6, 10), None]),
        DTHDT=pl.Series([None, dt.date(2024, 6, 20), None]),
    )
    rows: list[tuple[Any, ...]] = [
        ("A1", "NEUT", "Neutrophils (10^9/L)", 0.35, "0.35", 1.8, None, dt.date(2024, 5, 9), ""),
        ("A1", "NEUT", "Neutrophils (10^9/L)", 0.1, "<0.1", 1.8, 1.5, dt.date(2024, 5, 10), ""),
        ("A1", "HGB", "Hemoglobin (g/L)", 79.0, "79", None, 120.0, dt.date(2024, 5, 6), ""),
        ("A1", "HGB", "Hemoglobin (g/L)", 99.0, "99", None, 120.0, dt.date(2024, 5, 8), "LOCF"),
        ("B2", "PLAT", "Platelets (10^9/L)", 0.0, "0", 150.0, None, dt.date(2024, 6, 11), ""),
        ("B2", "WBC", "Leukocytes (10^9/L)", 4.2, "4.2", 4.0, None, dt.date(2024, 6, 9), ""),
    ]
    names = ["USUBJID", "PARAMCD", "PARAM", "AVAL", "AVALC", "ANRLO", "A1LO", "ADT", "DTYPE"]
    write_xpts(tmp_path, adsl=adsl, adlb=pl.DataFrame(rows, schema=names, orient="row"))
    tables = read_tables(tmp_path, DataSection.model_validate({"cdisc": {"infusion_date": "CARTDT"}}))
    assert essence(tables) == list(ours)
    assert "in 1 of 6 rows (row 5)" in messages(tables, "derived_rows")
    assert tables.events.select("patient_id", "day", "kind").rows() == [("B2", 10, "death")]


def test_a_table_of_ones_own_stands_beside_the_data_sets(trial: Path) -> None:
    (trial / "support.csv").write_text("patient_id,start,stop,kind\nA1,5,8,gcsf\n", "utf-8")
    assert read(trial).support["kind"].to_list() == ["gcsf"]
    own = "patient_id,infusion_date\nA1,2024-05-07\nB2,2024-06-10\nC3,2024-07-01\n"
    (trial / "infusions.csv").write_text(own, "utf-8")
    assert essence(read_tables(trial)) == list(ours)


# ---- files that cannot be read


def test_a_variable_that_is_missing(tmp_path: Path) -> None:
    write_xpts(tmp_path, dm=DM, ex=EX, lb=LB.drop("LBTESTCD"))
    with pytest.raises(MissingColumnError, match=r"lb\.xpt: variable LBTESTCD is missing; found: USUBJID"):
        read(tmp_path)


def test_two_files_of_one_data_set_and_two_models(trial: Path) -> None:
    write_json(trial, "lb", LB)
    with pytest.raises(ReaderError, match=r"lb: two data sets were found: lb\.json, lb\.xpt"):
        read(trial)
    (trial / "lb.json").rename(trial / "adlb.json")
    with pytest.raises(ReaderError, match=r"holds SDTM \(lb\.xpt\) and ADaM \(adlb\.json\)"):
        read(trial)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"records": 9}, r"lb\.json: says it has 9 rows and has 7; a part of the file is missing"),
        ({"datasetJSONVersion": "1.0.0"}, r"lb\.json: is no Dataset-JSON 1\.1 \(version 1\.0\.0\)"),
        ({"rows": None}, r"lb\.json: is no Dataset-JSON 1\.1 \(no rows\)"),
        ({"rows": [["A1"]], "records": 1}, r"lb\.json: row 1 has 1 cells, the file says 12 columns"),
    ],
)
def test_a_dataset_json_that_is_not_whole(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = write_json(tmp_path, "lb", LB)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    with pytest.raises(ReaderError, match=words):
        read(tmp_path)


def test_a_dataset_json_that_was_cut(tmp_path: Path) -> None:
    path = write_json(tmp_path, "lb", LB)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ReaderError, match=r"lb\.json: is no complete JSON \(line 1\)"):
        read(tmp_path)


# ---- a public sample, where it lies beside the project


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the public CDISC samples are not on this machine")
def test_a_public_sample() -> None:
    """Rows per LBTESTCD as read.xport of the R package foreign counts them."""
    tables = read_tables(SAMPLES, DataSection.model_validate({"cdisc": {"infusion_date": "RFXSTDTC"}}))
    counts = dict(tables.labs["analyte"].value_counts().rows())
    assert counts == {"hemoglobin": 631, "wbc": 631, "alc": 626, "platelets": 617}
    assert tables.labs["invalid"].null_count() == tables.labs.height
    assert messages(tables, "study_day_disagrees") == ""
