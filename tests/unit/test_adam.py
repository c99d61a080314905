"""A study as ADaM: rows worked out by hand, what the files hold, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import polars as pl
import pyreadstat
import pytest
from polars.testing import assert_frame_equal

from cytopenia.adam_file import AdamRequest, WrittenAdam, write_adam
from cytopenia.adam_metadata import AdamVariable, load_adam_table
from cytopenia.contract.near_names import NEUTROPHIL_SHARE
from cytopenia.errors import DataError, DefinitionError, OutputError, ProtocolError
from cytopenia.readers.cdisc_labs import read_cdisc_words
from cytopenia.readers.dataset_json import read_dataset_json
from cytopenia.study.adam_outcomes import code_outcomes
from cytopenia.units import load_analytes, match_unit
from study_files import change, write_study

DEF = "{http://www.cdisc.org/ns/def/v2.1}"
ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
NAMES = ("adsl", "adlb", "adoutc", "adtte")
# Beside the counts of `study_files`: a limit on a measured day, two limits that leave grades open, a value
# without a limit of normal that could be grade 0 or 1, one that is grade 3 anyway, and a clotted sample.
MORE = """A,7,ANC,<0.2,10^9/L,2.0,
A,30,ANC,<0.6,10^9/L,2.0,
A,31,ANC,>1.2,10^9/L,2.0,
B,30,ANC,1.8,10^9/L,,
B,31,ANC,0.7,10^9/L,,
B,31,PLT,45,10^9/L,150,clumping
B,31,CRP,12,mg/L,,
"""
TIMES = """
[outcomes.anc_time]
definition = "cibmtr_neutrophil_recovery"
"""


def write_cohort(folder: Path, more: str = MORE) -> Path:
    write_study(folder)
    labs = folder / "labs.csv"
    head, *rows = labs.read_text("utf-8").splitlines()
    labs.write_text("\n".join([f"{head},invalid", *(f"{row}," for row in rows), more]), "utf-8")
    with (folder / "study.toml").open("a", encoding="utf-8") as study:
        study.write(TIMES)
    return folder


def write(folder: Path, out: str = "adam", **options: Any) -> WrittenAdam:
    return write_adam(AdamRequest(study=folder, out=folder / out, **{"study_id": "T-1"} | options))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_cohort(tmp_path_factory.mktemp("adam") / "cohort")
    write(folder)
    return folder


def read(folder: Path, name: str) -> pl.DataFrame:
    frame, _ = pyreadstat.read_xport(folder / "adam" / f"{name}.xpt", output_format="polars")
    return frame


def pick(frame: pl.DataFrame, *columns: str, **where: Any) -> list[tuple[Any, ...]]:
    return frame.filter(**where).select(columns).rows()


# ---- the rows


def test_the_neutrophils_of_one_patient(cohort: Path) -> None:
    """CTCAE 4.03, lower limit 2.0: <2.0, <1.5, <1.0, <0.5. Day 0 is study day 1, 10 January 2024."""
    columns = ("ADY", "AVAL", "AVALC", "ATOXGRL", "ATOXGR", "ATOXLBFL", "ATOXWRST", "ANL01FL")
    assert pick(read(cohort, "adlb"), *columns, USUBJID="A", PARAMCD="NEUT") == [
        (-6, 3.1, "", "0", "0", "", "", "Y"),
        (1, 2.4, "", "0", "0", "", "", "Y"),
        (8, 0.31, "", "4", "-4", "", "", ""),
        (8, None, "<0.2", "4", "-4", "", "", "Y"),
        (14, 0.8371, "", "3", "-3", "", "", "Y"),
        (21, 1.2, "", "2", "-2", "", "", "Y"),
        (27, 1.4, "", "2", "-2", "", "", "Y"),
        (28, 1.5, "", "1", "-1", "", "", "Y"),
        (29, 1.6, "", "1", "-1", "", "", "Y"),
        (31, None, "<0.6", "3", "-3", "Y", "-4", "Y"),
        (32, None, ">1.2", "", "", "", "-2", "Y"),
    ]


def test_the_baseline_and_the_change_from_it(cohort: Path) -> None:
    adlb = read(cohort, "adlb")
    columns = ("ADY", "ABLFL", "BASE", "BTOXGR", "BTOXGRL", "ONTRTFL")
    # B: 1.9 is below 2.0. The value of the day of infusion is no baseline: lymphodepletion was before it.
    assert pick(adlb, *columns, USUBJID="B", PARAMCD="NEUT")[:3] == [
        (-6, "Y", 1.9, "-1", "1", ""),
        (1, "", 1.9, "-1", "1", "Y"),
        (8, "", 1.9, "-1", "1", "Y"),
    ]
    platelets = adlb.filter(USUBJID="A", PARAMCD="PLAT")
    assert platelets["CHG"].to_list() == [None, -30, -133, -169, -144, -120, -115, -111]
    assert platelets["PCHG"].to_list()[:3] == [None, pytest.approx(-100 / 7), pytest.approx(-1900 / 30)]


def test_days_have_dates(cohort: Path) -> None:
    dates = pick(read(cohort, "adlb"), "ADT", "ADY", "TRTSDT", USUBJID="C", PARAMCD="HGB")
    assert dates[:2] == [
        (dt.date(2024, 2, 24), -6, dt.date(2024, 3, 1)),
        (dt.date(2024, 3, 1), 1, dt.date(2024, 3, 1)),
    ]


def test_what_is_not_judged_says_why(cohort: Path) -> None:
    adlb = read(cohort, "adlb")
    columns = ("AVAL", "NOTUSED", "NOTUSEDR", "ATOXGR", "ATOXREAS", "ANRIND", "ANL01FL")
    missing = "lower limit of normal missing"
    assert pick(adlb, *columns, USUBJID="B", ADY=31) == [(1.8, None, "", "", missing, "", "Y")]
    assert pick(adlb, *columns, USUBJID="B", ADY=32) == [
        (0.7, None, "", "-3", "", "", "Y"),
        (None, 45, "clumping", "", "clumping", "", ""),
        (12, None, "", "", "no rule for this analyte in the definition", "", "Y"),
    ]
    bound = "at least: the value could mean grade 4"
    assert pick(adlb, "ATOXREAS", USUBJID="A", ADY=31) == [(bound,)]
    undecided = "the reported value does not decide the grade"
    assert pick(adlb, "ATOXREAS", USUBJID="A", ADY=32) == [(undecided,)]


def test_every_row_leads_to_its_source(cohort: Path) -> None:
    """The heading is row 1; the first seven counts stand in rows 2 to 22, three a day."""
    adlb = read(cohort, "adlb")
    assert pick(adlb, "SRCROW", USUBJID="A", PARAMCD="HGB")[:3] == [(3,), (6,), (9,)]
    lines = (cohort / "labs.csv").read_text("utf-8").splitlines()
    for patient, value, row in adlb.filter(PARAMCD="HGB").select("USUBJID", "AVAL", "SRCROW").iter_rows():
        assert lines[int(row) - 1].startswith(f"{patient},")
        assert f",Hb,{value:g},g/L," in lines[int(row) - 1]


def test_subjects(cohort: Path) -> None:
    adsl = read(cohort, "adsl")
    columns = ("STUDYID", "USUBJID", "SUBJID", "AGE", "AGEU", "SEX", "SAFFL", "TRTSDT", "LDSTDY", "DTHADY")
    assert adsl.select(columns).rows() == [
        ("T-1", "A", "A", 61, "YEARS", "F", "Y", dt.date(2024, 1, 10), -5, None),
        ("T-1", "B", "B", 48, "YEARS", "M", "Y", dt.date(2024, 2, 1), -5, None),
        ("T-1", "C", "C", 70, "YEARS", "M", "Y", dt.date(2024, 3, 1), -5, 21),
    ]
    assert adsl["DTHFL"].to_list() == ["", "", "Y"]
    assert adsl["DTHDT"].to_list() == [None, None, dt.date(2024, 3, 21)]
    # Nobody said anything of them, so they are not there.
    assert not {"ARM", "TRT01P", "TRT01A", "RACE", "SITEID", "TR02SDY"} & {*adsl.columns}


def test_outcomes(cohort: Path) -> None:
    """A: the lowest neutrophils are below 0.2 on day 7, study day 8, 17 January."""
    adoutc = read(cohort, "adoutc")
    columns = ("AVAL", "AVALC", "AVALBEST", "AVALWRST", "DECIDFL", "ASTDY", "ASTDT")
    day = dt.date(2024, 1, 17)
    assert pick(adoutc, *columns, USUBJID="A", OUTCOME="neutropenia") == [(4, "", 4, 4, "Y", 8, day)]
    assert pick(adoutc, *columns, USUBJID="A", OUTCOME="severe_neutropenia")[0][:5] == (1, "yes", 1, 1, "Y")
    columns = ("AVAL", "AVALBEST", "AVALWRST", "AVALC", "AVALCAT1")
    assert pick(adoutc, *columns, OUTCOME="recovery") == [
        (1, 1, 1, "", "recovered"),
        (0, 0, 0, "", "not recovered"),
        (None, None, None, "", "died before landmark"),
    ]
    rule = pick(adoutc, "RULE", USUBJID="A", OUTCOME="neutropenia")
    assert rule == [("ctcae_v4.neutrophil_count_decreased: <500/mm3; <0.5 x 10e9 /L",)]
    # Hemoglobin 79 g/L on day 13 is the lowest of A.
    nadir = ("PARAM", "AVAL", "ASTDY")
    assert pick(adoutc, *nadir, USUBJID="A", OUTCOME="nadir_hemoglobin") == [
        ("Nadir of hemoglobin (g/L)", 79, 14)
    ]


def test_times_to_recovery(cohort: Path) -> None:
    """Neutrophils of A and B come back on day 13, and C dies on day 20; day 13 is study day 14."""
    columns = ("USUBJID", "AVAL", "CNSR", "EVNTDESC", "ADY", "ADT", "STARTDT")
    assert read(cohort, "adtte").select(columns).rows() == [
        ("A", 13, 0, "Event: recovery", 14, dt.date(2024, 1, 23), dt.date(2024, 1, 10)),
        ("B", 13, 0, "Event: recovery", 14, dt.date(2024, 2, 14), dt.date(2024, 2, 1)),
        ("C", 20, 2, "Competing event: death", 21, dt.date(2024, 3, 21), dt.date(2024, 3, 1)),
    ]
    sequence = dict(pick(read(cohort, "adoutc"), "USUBJID", "ASEQ", OUTCOME="anc_time"))
    assert dict(read(cohort, "adtte").select("USUBJID", "SRCSEQ").iter_rows()) == sequence


def test_days_of_recovery_that_never_come_are_no_numbers(cohort: Path) -> None:
    adoutc = read(cohort, "adoutc")
    columns = ("USUBJID", "AVAL", "AVALCAT1", "AVALBEST", "AVALWRST")
    assert pick(adoutc, *columns, OUTCOME="anc_time")[2] == ("C", None, "died", None, None)


def test_word_and_number_are_one_to_one(cohort: Path) -> None:
    """What ADaM asks of AVAL and AVALC within a parameter."""
    for name in ("adlb", "adoutc"):
        frame = read(cohort, name).filter(pl.col("AVALC") != "", pl.col("AVAL").is_not_null())
        pairs = frame.select("PARAMCD", "AVAL", "AVALC").unique()
        assert pairs.select("PARAMCD", "AVAL").is_unique().all()
        assert pairs.select("PARAMCD", "AVALC").is_unique().all()


def test_flags_and_sequences(cohort: Path) -> None:
    adlb = read(cohort, "adlb")
    key = ["USUBJID", "PARAMCD"]
    assert adlb.filter(pl.col("ABLFL") == "Y").select(key).is_unique().all()
    assert adlb.filter(pl.col("ANL01FL") == "Y").select(*key, "ADY").is_unique().all()
    for name in NAMES[1:]:
        frame = read(cohort, name)
        counted = frame.group_by("USUBJID", maintain_order=True).agg(pl.col("ASEQ"), pl.len())
        assert all(found == [*range(1, n + 1)] for _, found, n in counted.iter_rows())


def test_later_versions_of_the_criteria(cohort: Path) -> None:
    """Version 6: below 0.5 is grade 3, below 0.1 grade 4, and no lower limit is asked for."""
    found = write(cohort, "v6", grades="ctcae_v6")
    adlb = found.frames["ADLB"].filter(PARAMCD="NEUT")
    columns = ("AVALC", "ATOXGRL", "ATOXLBFL", "ATOXWRST")
    assert pick(adlb, *columns, USUBJID="A", ADY=8) == [(None, "3", None, None), ("<0.2", "3", "Y", "-4")]
    assert pick(adlb, "ATOXGRL", USUBJID="B", ADY=31) == [("0",)]


def test_grades_of_high_values_have_no_sign(tmp_path: Path) -> None:
    """A definition of one's own with both directions, as admiral joins them."""
    folder = write_cohort(tmp_path / "cohort")
    (folder / "definitions").mkdir()
    (folder / "definitions" / "both.toml").write_text(
        """id = "both"
kind = "grades"
title = "Made up, both directions"
version = "1"
status = "assumed"
citation = { text = "Assumed for a test" }
[low]
title = "Low platelets"
analyte = "platelets"
unit = "1e9/L"
grades = [{ grade = 1, below = "lln", text = "low" }, { grade = 2, below = 75.0, text = "lower" }]
[high]
title = "High platelets"
analyte = "platelets"
unit = "1e9/L"
grades = [{ grade = 1, above = 200.0, text = "high" }, { grade = 2, above = 240.0, text = "higher" }]
""",
        "utf-8",
    )
    adlb = write(folder, grades="both").frames["ADLB"].filter(PARAMCD="PLAT")
    columns = ("AVAL", "ATOXGRL", "ATOXGRH", "ATOXGR", "ATOXDSCL", "ATOXDSCH")
    terms = ("Low platelets", "High platelets")
    assert pick(adlb, *columns, USUBJID="A")[:3] == [
        (210, "0", "1", "1", *terms),
        (180, "0", "0", "0", *terms),
        (77, "1", "0", "-1", *terms),
    ]
    assert pick(adlb, "BTOXGR", "BTOXGRL", "BTOXGRH", USUBJID="C")[0] == ("2", "0", "2")
    assert pick(adlb, "ATOXGR", "ATOXREAS", NOTUSEDR="clumping") == [(None, "clumping")]


FIBRINOGEN = """A,-6,FIB,3.0,g/L,2.4,
A,5,FIB,2.0,g/L,2.4,
A,6,FIB,2.2,g/L,2.0,
B,6,FIB,2.2,g/L,2.0,
"""


def test_grades_relative_to_the_baseline(tmp_path: Path) -> None:
    """25% below 3.0 is 2.25; version 5 asks besides that the value is below its limit of normal.

    2.0 is below 2.4 but not below 1.8 (0.75 x 2.4), and at most 2.25: grade 2 by the baseline in both.
    """
    folder = write_cohort(tmp_path / "cohort", FIBRINOGEN)
    columns = ("USUBJID", "AVAL", "BASE", "ATOXGRL", "ATOXREAS")
    found = {
        version: pick(write(folder, grades=version).frames["ADLB"], *columns, PARAMCD="FIBRINO")
        for version in ("ctcae_v4", "ctcae_v5")
    }
    assert found["ctcae_v4"] == [
        ("A", 3.0, 3.0, "0", None),
        ("A", 2.0, 3.0, "2", None),
        ("A", 2.2, 3.0, "2", None),
        ("B", 2.2, None, None, "baseline value missing"),
    ]
    assert [row[3] for row in found["ctcae_v5"]] == ["0", "2", "0", "0"]


def test_a_second_infusion_ends_the_course(tmp_path: Path) -> None:
    """B is infused again on day 20, study day 21: grades stay, the flags of the course do not."""
    folder = write_cohort(tmp_path / "cohort")
    change(folder / "infusions.csv", "C,2024", "B,2024-02-21,\nC,2024")
    frames = write(folder).frames
    assert pick(frames["ADSL"], "TR02SDY", USUBJID="B") == [(21,)]
    columns = ("ADY", "ATOXGR", "ONTRTFL", "ANL01FL")
    assert pick(frames["ADLB"], *columns, USUBJID="B", PARAMCD="NEUT")[1:6] == [
        (1, "-1", "Y", "Y"),
        (8, "-4", "Y", "Y"),
        (14, "-3", "Y", "Y"),
        (21, "-2", None, None),
        (27, "-2", None, None),
    ]


# ---- the files


def test_a_transport_file_has_labels_lengths_and_formats(cohort: Path) -> None:
    _, meta = pyreadstat.read_xport(cohort / "adam" / "adlb.xpt", output_format="polars")
    assert (meta.table_name, meta.file_label) == ("ADLB", "Laboratory Analysis Dataset")
    assert meta.column_names_to_labels["ATOXGRL"] == "Analysis Toxicity Grade Low"
    assert meta.column_names_to_labels["BTOXGR"] == "Baseline Toxicity Grade"
    assert meta.original_variable_types["ADT"] == "DATE9"
    assert meta.variable_storage_width["AVAL"] == 8
    assert meta.variable_storage_width["PARAM"] == len("C Reactive Protein (mg/L)")
    assert (cohort / "adam" / "adlb.xpt").read_bytes().startswith(b"HEADER RECORD*******LIBRARY HEADER")
    assert (cohort / "adam" / "adlb.xpt").read_bytes().isascii() is False  # numbers are binary


def test_dataset_json_holds_the_same(cohort: Path) -> None:
    for name in NAMES:
        told = read_dataset_json(cohort / "adam" / "dataset-json" / f"{name}.json")
        frame = read(cohort, name).with_columns(
            pl.col(pl.Date).dt.strftime("%Y-%m-%d"), pl.col(pl.String).replace("", None)
        )
        assert_frame_equal(told, frame, check_dtypes=False)
    head = json.loads((cohort / "adam" / "dataset-json" / "adlb.json").read_text("utf-8"))
    columns = {column["name"]: column for column in head["columns"]}
    assert columns["ADT"] == {
        "itemOID": "IT.ADLB.ADT",
        "name": "ADT",
        "label": "Analysis Date",
        "dataType": "date",
        "targetDataType": "integer",
        "displayFormat": "DATE9.",
    }
    assert columns["STUDYID"]["keySequence"] == 1


def test_dataset_json_is_written_in_pieces(cohort: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cytopenia.report.adam_json._ROWS_OF_A_PIECE", 4)
    write(cohort, "pieces")
    again = read_dataset_json(cohort / "pieces" / "dataset-json" / "adlb.json")
    assert_frame_equal(again, read_dataset_json(cohort / "adam" / "dataset-json" / "adlb.json"))


def test_letters_and_long_texts(tmp_path: Path) -> None:
    """A sign with a plain spelling is spelled so; any other letter becomes its escape, in one file alone."""
    folder = write_cohort(tmp_path / "cohort")
    title = f"Anämie ≥3 {'x' * 300}"
    change(folder / "study.toml", "Severe neutropenia or anemia", title)
    lines = write(folder).lines
    assert any(
        "ADOUTC.PARAM" in line and "3 with letters" in line and "3 of more than" in line for line in lines
    )
    found = pick(read(folder, "adoutc"), "PARAM", USUBJID="A", OUTCOME="severe_cytopenia")[0][0]
    assert found.startswith(r"An\xe4mie >=3 xxx")
    assert (len(found), found[-4:]) == (200, " ...")
    whole = read_dataset_json(folder / "adam" / "dataset-json" / "adoutc.json")
    assert f"Anämie >=3 {'x' * 300}" in whole["PARAM"].to_list()


def references(root: ET.Element, tag: str, attribute: str) -> set[str]:
    return {value for item in root.iter(tag) if (value := item.get(attribute)) is not None}


def test_define_xml_describes_every_variable(cohort: Path) -> None:
    root = ET.parse(cohort / "adam" / "define.xml").getroot()
    items = references(root, f"{ODM}ItemDef", "OID")
    written = {f"IT.{name.upper()}.{column}" for name in NAMES for column in read(cohort, name).columns}
    adoutc = read(cohort, "adoutc")
    answers = {f"IT.ADOUTC.AVAL.{code}" for code in adoutc["PARAMCD"]}
    assert items == written | answers == references(root, f"{ODM}ItemRef", "ItemOID")
    clauses = {item.text for item in root.iter(f"{ODM}CheckValue")}
    assert clauses == {*adoutc["PARAMCD"]}
    methods = references(root, f"{ODM}MethodDef", "OID")
    assert references(root, f"{ODM}ItemRef", "MethodOID") == methods
    lists = references(root, f"{ODM}CodeList", "OID")
    assert references(root, f"{ODM}CodeListRef", "CodeListOID") == lists
    comments = references(root, f"{DEF}CommentDef", "OID")
    assert references(root, f"{ODM}ItemDef", f"{DEF}CommentOID") == comments
    leaves = {item.get("{http://www.w3.org/1999/xlink}href") for item in root.iter(f"{DEF}leaf")}
    assert leaves == {f"{name}.xpt" for name in NAMES}


def test_define_xml_gives_the_rule_and_its_source(cohort: Path) -> None:
    root = ET.parse(cohort / "adam" / "define.xml").getroot()
    told = {method.get("OID"): "".join(method.itertext()).strip() for method in root.iter(f"{ODM}MethodDef")}
    grades = told["MT.ADLB.ATOXGRL"]
    assert "version 4.03 (ctcae_v4). Source: National Cancer Institute." in grades
    assert "Neutrophil count decreased, grade 2: “<1500 - 1000/mm3; <1.5 - 1.0 x 10e9 /L”" in grades
    severe = told["MT.ADOUTC.AVAL.SEVEREAN"]
    assert "(ctcae_v4.anemia). Source: National Cancer Institute." in severe
    assert severe.endswith(
        "Days 0 to 28 from the infusion, both included. 1 if the grade is 3 or higher, 0 if it is lower."
    )
    assert told["MT.ADOUTC.AVAL.SEVERECY"].endswith("else missing: severe_neutropenia, severe_anemia.")
    assert "Assumed: " in told["MT.ADOUTC.AVAL.RECOVERY"]
    assert "14 days up to the start of lymphodepletion" in told["MT.ADLB.ABLFL"]
    assert not any("{" in text for text in told.values())


def test_codelists_hold_every_value(cohort: Path) -> None:
    root = ET.parse(cohort / "adam" / "define.xml").getroot()
    allowed = {
        item.get("OID"): {one.get("CodedValue") for one in item.iter(f"{ODM}CodeListItem")}
        for item in root.iter(f"{ODM}CodeList")
    }
    for name in NAMES:
        frame = read(cohort, name)
        for variable in load_adam_table().datasets[name.upper()].variables:
            if variable.codelist and variable.name in frame.columns:
                values = frame[variable.name].drop_nulls()
                texts = values.cast(pl.Int64).cast(pl.String) if values.dtype.is_float() else values
                assert {*texts} - {""} <= allowed[f"CL.{variable.codelist}"], variable.name


def test_synthetic_data_say_so(cohort: Path, tmp_path: Path) -> None:
    folder = write_cohort(tmp_path / "cohort")
    change(folder / "study.toml", "seed = 1", "seed = 1\nsynthetic = true")
    write(folder)
    for name in NAMES:
        _, meta = pyreadstat.read_xport(folder / "adam" / f"{name}.xpt", output_format="polars")
        assert meta.file_label == f"SYNTHETIC {load_adam_table().datasets[name.upper()].label}"
    assert "SYNTHETIC DATA" in (folder / "adam" / "define.xml").read_text("utf-8")
    assert "SYNTHETIC" not in (cohort / "adam" / "define.xml").read_text("utf-8")


# ---- the table


def every_variable() -> list[tuple[str, AdamVariable]]:
    datasets = load_adam_table().datasets
    return [(name, variable) for name, one in datasets.items() for variable in one.variables]


def test_a_transport_file_can_hold_every_name_and_label() -> None:
    for dataset, variable in every_variable():
        assert re.fullmatch(r"[A-Z][A-Z0-9]{0,7}", variable.name), (dataset, variable.name)
        assert len(variable.label) <= 40, (dataset, variable.name)
        assert variable.label.isascii()
    labels: dict[str, set[str]] = {}
    for _, variable in every_variable():
        labels.setdefault(variable.name, set()).add(variable.label)
    assert {name for name, found in labels.items() if len(found) > 1} == set()
    for one in load_adam_table().datasets.values():
        assert len(f"SYNTHETIC {one.label}") <= 40
        assert len({variable.name for variable in one.variables}) == len(one.variables)


def test_what_is_no_standard_flag_is_marked() -> None:
    """ADaM: the name of a flag ends in FL, and so does no other."""
    for _, variable in every_variable():
        assert (variable.codelist == "NY") == variable.name.endswith("FL")


def test_parameters_are_those_that_are_read() -> None:
    parameters = load_adam_table().parameters
    # A share of neutrophils is read for the count that is computed from it, and leaves no row of its own.
    read = {code: name for code, name in read_cdisc_words().tests.items() if name != NEUTROPHIL_SHARE}
    assert {one.code: name for name, one in parameters.items()} == read
    for name, one in parameters.items():
        unit = match_unit(name, one.unit)
        assert unit is not None
        assert unit.is_canonical, name
        assert name in load_analytes()


def test_codes_of_outcomes() -> None:
    names = ["severe_anemia", "severe_anemia_1", "severe_anemia_2", "28_days", "_"]
    codes = code_outcomes(names)
    assert [*codes.values()] == ["SEVEREAN", "SEVERE02", "SEVERE03", "O28DAYS", "O"]


# ---- what is refused


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    folder = write_cohort(tmp_path / "cohort")
    results = folder / "results"
    results.mkdir()
    (results / "provenance.json").write_text("{}", "utf-8")
    with pytest.raises(OutputError, match="no ADaM data sets of cytopenia"):
        write(folder, "results")
    with pytest.raises(OutputError, match="is a file"):
        write(folder, "labs.csv")
    assert [path.name for path in results.iterdir()] == ["provenance.json"]


def test_a_failure_leaves_the_old_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_cohort(tmp_path / "cohort")
    write(folder)
    before = {path: path.read_bytes() for path in (folder / "adam").rglob("*") if path.is_file()}

    def fail(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cytopenia.adam_file.render_define", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        write(folder)
    assert {path: path.read_bytes() for path in (folder / "adam").rglob("*") if path.is_file()} == before
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_the_grades_are_named_where_the_outcomes_do_not_tell(tmp_path: Path) -> None:
    folder = write_cohort(tmp_path / "cohort")
    assert write(folder).grades == "ctcae_v4"
    change(folder / "study.toml", "ctcae_v4.platelet", "ctcae_v5.platelet")
    with pytest.raises(ProtocolError, match=r"rest on ctcae_v4, ctcae_v5; .* --grades"):
        write(folder)
    with pytest.raises(DefinitionError, match="a single value has no grade under it"):
        write(folder, grades="icaht_2023")
    assert (
        write(folder, grades="ctcae_v5.anemia").frames["ADLB"].filter(PARAMCD="NEUT")["ATOXGR"].count() == 0
    )


def test_the_identifier_of_the_study(tmp_path: Path) -> None:
    folder = write_cohort(tmp_path / "cohort")
    with pytest.raises(DataError, match="no column STUDYID"):
        write(folder, study_id=None)
    patients = folder / "patients.csv"
    head, *rows = patients.read_text("utf-8").splitlines()
    added = [f"{head},STUDYID,SUBJID,SITEID", *(f"{row},007,0{n},03" for n, row in enumerate(rows, 1))]
    patients.write_text("\n".join(added) + "\n", "utf-8")
    adsl = write(folder, study_id=None).frames["ADSL"]
    # A zero in front belongs to an identifier.
    assert adsl.select("STUDYID", "SUBJID", "SITEID").rows() == [("007", f"0{n}", "03") for n in (1, 2, 3)]
    patients.write_text("\n".join(added).replace(",007,03", ",008,03") + "\n", "utf-8")
    with pytest.raises(DataError, match="the patients have 2"):
        write(folder, study_id=None)


def test_ids_are_plain(tmp_path: Path) -> None:
    folder = write_cohort(tmp_path / "cohort")
    with pytest.raises(DataError, match="STUDYID: 1 of 1 hold a letter outside ASCII"):
        write(folder, study_id="Prüfung")
    with pytest.raises(DataError, match=r"STUDYID: 1 of 1 hold .* more than 200"):
        write(folder, study_id="T" * 201)


def test_without_an_infusion_there_are_no_study_days(tmp_path: Path) -> None:
    folder = write_cohort(tmp_path / "cohort")
    (folder / "infusions.csv").unlink()
    change(folder / "study.toml", 'folder = "."', 'folder = "."\nday_zero = "first"')
    with pytest.raises(DataError, match="no infusion is known"):
        write(folder)


def test_a_study_without_outcomes(tmp_path: Path) -> None:
    folder = write_cohort(tmp_path / "cohort")
    study = (folder / "study.toml").read_text("utf-8")
    head, analysis = study.split("[outcomes.", 1)[0], study.split("[[analyses]]")[1]
    (folder / "study.toml").write_text(f"{head}[[analyses]]{analysis}", "utf-8")
    with pytest.raises(ProtocolError, match="no outcome rests on grades"):
        write(folder)
    assert [*write(folder, grades="ctcae_v5").frames] == ["ADSL", "ADLB"]
    assert b"ValueListDef" not in (folder / "adam" / "define.xml").read_bytes()


def test_a_sex_in_other_words_is_blank_and_counted(tmp_path: Path) -> None:
    folder = write_cohort(tmp_path / "cohort")
    change(folder / "patients.csv", "B,48,male", "B,48,divers")
    written = write(folder)
    assert written.frames["ADSL"]["SEX"].to_list() == ["F", None, "M"]
    assert any("SEX is blank" in line and line.endswith("1 patients.") for line in written.lines)
