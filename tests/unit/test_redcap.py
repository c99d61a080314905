"""A REDCap project as the six tables; a synthetic project, expected rows worked out by hand."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from cytopenia.contract import Tables
from cytopenia.errors import ReaderError
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.sources import read_tables
from redcap_project import DICTIONARY, LABELS, MAPPING, RAW, write_project

TABLES = ("patients", "infusions", "labs", "support", "events", "responses")
FILES = {"records": "data.csv", "dictionary": "dictionary.csv"}

# Worked out by hand from tests/redcap_example/raw.csv: infusions on 11 March, 2 April and 20 May.
LABS = [
    ("A-1", -1, 450, "anc", "=", 2.4, "1e9/L"),
    ("A-1", -1, 450, "hemoglobin", "=", 112.0, "g/L"),
    ("A-1", -1, 450, "platelets", "=", 151.0, "1e9/L"),
    ("A-1", 2, 365, "anc", "=", 0.35, "1e9/L"),
    ("A-1", 2, 365, "hemoglobin", "=", 81.0, "g/L"),
    ("A-1", 2, 365, "platelets", "<", 5.0, "1e9/L"),
    ("A-1", 4, 370, "hemoglobin", "=", 79.0, "g/L"),
    ("A-1", 4, 370, "platelets", "=", 12.0, "1e9/L"),
    ("B-2", 3, 540, "anc", "=", 0.0, "1e9/L"),
    ("B-2", 3, 540, "hemoglobin", "=", 90.0, "g/L"),
    ("B-2", 3, 540, "platelets", "=", 20.0, "1e9/L"),
    ("D-4", 7, 600, "anc", "=", 1.1, "1e9/L"),
    ("D-4", 7, 600, "hemoglobin", "=", 104.0, "g/L"),
    ("D-4", 7, 600, "platelets", "=", 88.0, "1e9/L"),
    ("A-1", 28, None, "wbc", "=", 1.8, "1e9/L"),
]


def section(data: dict[str, Any] | None = None, **changes: Any) -> DataSection:
    return DataSection.model_validate({"redcap": {**MAPPING, **FILES, **changes}, **(data or {})})


def read(folder: Path, data: dict[str, Any] | None = None, **changes: Any) -> Tables:
    return read_tables(folder, section(data, **changes))


def essence(tables: Tables) -> list[tuple[Any, ...]]:
    names = ("patient_id", "day", "minute", "analyte", "comparator", "value", "unit")
    return tables.labs.select(names).rows()


def messages(tables: Tables, rule: str) -> str:
    return " ".join(tables.findings.filter(pl.col("rule") == rule)["message"])


def change_cells(text: str, *, drop: tuple[str, ...] = (), rename: dict[str, str] | None = None) -> str:
    """The raw export without some columns, or with other headings."""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    kept = [place for place, name in enumerate(rows[0]) if name not in drop]
    rows[0] = [(rename or {}).get(name, name) for name in rows[0]]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([row[place] for place in kept] for row in rows)
    return out.getvalue()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path)


# ---- the tables


def test_the_tables_of_a_raw_export(project: Path) -> None:
    tables = read(project)
    assert essence(tables) == LABS
    assert tables.patients.rows() == [
        ("A-1", 61.0, "Female", 0.0, "Checked"),
        ("B-2", 47.0, "Male", 1.0, None),
        ("D-4", None, None, None, None),
    ]
    assert tables.infusions.select("patient_id", "day", "product", "dose_1e6_per_kg").rows() == [
        ("A-1", 0, "Product A", 1.5),
        ("B-2", 0, "Product B", 0.8),
        ("D-4", 0, "Product A", 2.0),
    ]
    assert tables.support.select("patient_id", "start", "stop", "kind").rows() == [
        ("A-1", 2, 2, "gcsf"),
        ("A-1", 4, 4, "gcsf"),
    ]
    assert tables.events.select("patient_id", "day", "kind", "grade").rows() == [
        ("A-1", 3, "crs", 2.0),
        ("A-1", 52, "death", None),
        ("B-2", 89, "last_contact", None),
    ]


def test_what_is_not_certain_is_told(project: Path) -> None:
    tables = read(project)
    assert "1 of 4 records have no infusion" in messages(tables, "record_not_infused")
    assert "in 1 of 5 rows (row 10)" in messages(tables, "condition_blank")
    assert "2 fields are not in the mapping: mrn, nurse" in messages(tables, "fields_not_mapped")
    assert "v_anc" in messages(tables, "probably_labs")
    assert "anc: a missing data code" in messages(tables, "declared_missing")
    assert "(rows 8, 13)" in messages(tables, "checkbox_not_asked")
    assert "15 rows were read from data.csv" in messages(tables, "file_read")


def test_a_label_export_gives_the_same_tables(project: Path, tmp_path_factory: Any) -> None:
    labels = write_project(tmp_path_factory.mktemp("labels"), records=LABELS)
    raw, label = read(project), read(labels)
    for name in TABLES:
        assert_frame_equal(getattr(label, name), getattr(raw, name))


def test_labels_under_raw_headings_as_the_api_writes_them(project: Path) -> None:
    raw = read(project)
    header, body = RAW.splitlines()[0], LABELS.partition("Nurse,Complete?\n")[2]
    write_project(project, records=f"{header}\n{body}")
    assert_frame_equal(read(project).labs, raw.labs)


@pytest.mark.parametrize(("mark", "ending"), [(";", "\n"), ("\t", "\r\n"), ("|", "\n"), ("^", "\n")])
def test_any_separator_of_an_export(project: Path, mark: str, ending: str) -> None:
    rows = csv.reader(io.StringIO(RAW, newline=""))
    with (project / "data.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=mark, lineterminator=ending).writerows(rows)
    assert essence(read(project)) == LABS


def test_a_dictionary_with_the_headings_of_the_api(project: Path) -> None:
    from redcap_project import dictionary_rows

    rows = dictionary_rows()
    with (project / "dictionary.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert essence(read(project)) == LABS


def test_a_table_of_ones_own_takes_the_place(project: Path) -> None:
    (project / "infusions.csv").write_text(
        "patient_id,infusion_date\nA-1,2024-03-10\nC-3,2024-03-10\n", encoding="utf-8"
    )
    tables = read(project)
    assert "infusions.csv was read" in messages(tables, "table_from_file")
    assert essence(tables)[0][:2] == ("A-1", 0)
    assert messages(tables, "record_not_infused") == ""


def test_labs_of_a_file_beside_the_project_are_refused(project: Path) -> None:
    (project / "labs.csv").write_text("patient_id,day,analyte,value,unit\n", encoding="utf-8")
    with pytest.raises(ReaderError, match=r"two sources were found: labs.csv and \[data.redcap\]"):
        read(project)


def test_another_field_is_the_patient(project: Path) -> None:
    tables = read(project, patient_id="mrn")
    assert set(tables.labs["patient_id"]) == {"701", "702", ""}
    assert "infusions: patient_id is blank in 1 of 3 rows (row 13)" in messages(tables, "patient_id_missing")


# ---- events, days, instances


def test_events_may_be_named_by_their_labels(project: Path) -> None:
    labs = [{**MAPPING["labs"][1], "days": {"Day 28 visit": 28}}]
    assert essence(read(project, labs=labs)) == [LABS[-1]]


def test_an_event_that_days_does_not_name(project: Path) -> None:
    labs = [{**MAPPING["labs"][1], "days": {"day_30_visit_arm_1": 30}}]
    tables = read(project, labs=labs)
    assert "never occurs (did you mean 'day_28_visit_arm_1'?)" in messages(tables, "mapping_unused")
    assert "days does not name the events day_28_visit_arm_1 in 1 of 1 row (row 8)" in messages(
        tables, "event_without_day"
    )
    assert tables.labs.select("day", "value", "invalid").rows() == [(None, 1.8, "date missing")]


def test_instances_that_share_a_day(project: Path) -> None:
    labs = [{"days": {"follow_up_arm_1": 7, "follow_up_arm_2": 7}, "fields": MAPPING["labs"][0]["fields"]}]
    tables = read(project, labs=labs)
    assert "in 3 of 5 rows (rows 3, 4, 5)" in messages(tables, "instances_share_day")


def test_events_restrict_a_part(project: Path) -> None:
    tables = read(project, labs=[{**MAPPING["labs"][0], "events": ["follow_up_arm_2"]}])
    assert essence(tables) == [row for row in LABS if row[0] == "B-2"]


def test_a_column_for_each_day(project: Path) -> None:
    labs = {"fields": {"v_wbc": {"analyte": "wbc", "unit": "10^9/L", "day": 28}}}
    assert essence(read(project, labs=labs)) == [LABS[-1]]
    labs = {"fields": {"anc": {"analyte": "anc", "unit": "10^9/L", "date": "cbc_date"}}}
    assert essence(read(project, labs=labs)) == [row for row in LABS if row[3] == "anc"]


def test_a_project_without_events_and_instances(tmp_path: Path) -> None:
    dictionary = "\n".join(
        [
            "field_name,form_name,field_type,field_label,select_choices_or_calculations,field_note",
            "id,main,text,Study ID,,",
            "given,main,text,Date of infusion,,",
            "anc_d7,main,text,ANC of day 7,,",
            "seen,main,text,Seen,,",
            "date,main,text,Date of the last contact,,",
        ]
    )
    records = "id,given,anc_d7,seen,date,main_complete\n7,2024-01-01,0.2,1,2024-02-01,2\n"
    write_project(tmp_path, records=records, dictionary=dictionary)
    mapping = {
        **FILES,
        "infusions": {"date": "given"},
        "labs": {"fields": {"anc_d7": {"analyte": "anc", "unit": "10^9/L", "day": 7}}},
        "events": {"kind": "last_contact", "date": "date"},
    }
    tables = read_tables(tmp_path, DataSection.model_validate({"redcap": mapping}))
    assert essence(tables) == [("7", 7, None, "anc", "=", 0.2, "1e9/L")]
    assert tables.events.select("day", "kind").rows() == [(31, "last_contact")]


def test_two_repeating_instruments_are_two_parts(project: Path) -> None:
    labs = [{"date": "out_date", "fields": {"anc": {"analyte": "anc", "unit": "10^9/L"}}}]
    with pytest.raises(ReaderError, match=r"blood_counts, outcome, of which blood_counts, outcome repeats"):
        read(project, labs=labs)


def test_a_record_in_two_arms(project: Path) -> None:
    write_project(project, records=RAW.replace("D-4,follow_up_arm_1", "D-4,follow_up_arm_2"))
    assert "1 record is in more than one arm" in messages(read(project), "several_arms")


def test_two_values_of_one_patient(project: Path) -> None:
    more = "B-2,baseline_arm_1,,,,48," + "," * 25 + "\n"
    write_project(project, records=RAW + more)
    tables = read(project)
    assert "field age has more than one value in 1 of 4 records" in messages(tables, "several_values")
    assert tables.patients["age_years"].to_list() == [61.0, 47.0, None]


def test_an_event_that_stands_for_the_infusion(project: Path) -> None:
    """C-3 has the event and nothing infused in it; values then count by days, since there are no dates."""
    infusions = {
        "days": {"baseline_arm_1": 0, "Baseline (Arm 2: Product B)": 0},
        "fields": {"product": "product"},
    }
    labs = [MAPPING["labs"][1]]
    tables = read(project, infusions=infusions, labs=labs, support=[], events=[])
    assert tables.infusions.select("patient_id", "day", "product").rows() == [
        ("A-1", 0, "Product A"),
        ("B-2", 0, "Product B"),
        ("D-4", 0, "Product A"),
    ]
    assert essence(tables) == [LABS[-1]]


def test_an_event_that_repeats(project: Path) -> None:
    """Each repeat of an event is a row with an instance and no instrument."""
    rows = RAW.replace("follow_up_arm_1,blood_counts,", "follow_up_arm_1,,")
    write_project(project, records=rows.replace("follow_up_arm_2,blood_counts,", "follow_up_arm_2,,"))
    assert essence(read(project)) == LABS


def test_a_classic_project_has_no_instances(tmp_path: Path) -> None:
    """A field called like a column of ours is no such column."""
    dictionary = "\n".join(
        [
            "field_name,form_name,field_type,field_label,select_choices_or_calculations,field_note",
            "patient_id,main,text,patient_id,,",
            "day,main,text,Day of the week,,",
            "value,main,text,Counts,,10^9/L",
            "unit,main,text,Ward,,",
            "start,main,text,Draw,,",
            "clock,main,text,Clock,,",
            "low,main,text,Lower limit,,",
            "high,main,text,Upper limit,,",
            "answer,main,text,Response,,",
        ]
    )
    records = "patient_id;day;value;unit;start;clock;low;high;answer\nx;Monday;0,4;W1;3;07:15;1,8;7,5;CR\n"
    write_project(tmp_path, records=records, dictionary=dictionary)
    field = {"analyte": "anc", "unit_from": "note", "lln": "low", "uln": "high"}
    mapping = {
        **FILES,
        "labs": {"day": "start", "time": "clock", "fields": {"value": field}},
        "responses": {"day": "start", "response": "answer"},
    }
    tables = read_tables(tmp_path, DataSection.model_validate({"redcap": mapping}))
    assert tables.labs.select("patient_id", "day", "minute", "value", "lln", "uln").rows() == [
        ("x", 3, 435, 0.4, 1.8, 7.5)
    ]
    assert tables.responses.select("day", "response").rows() == [(3, "CR")]


SURVEY = """record_id,redcap_survey_identifier,redcap_data_access_group,main_timestamp,anc,main_complete
1,,north,2024-01-03 10:20:00,0.4,2
2,,south,[not completed],0.5,0
"""
SURVEY_LABELS = """Record ID,Survey Identifier,Data Access Group,Survey Timestamp,ANC,Complete?
1,,north,2024-01-03 10:20:00,0.4,Complete
2,,south,[not completed],0.5,Incomplete
"""


@pytest.mark.parametrize("records", [SURVEY, SURVEY_LABELS], ids=["raw", "labels"])
def test_the_time_of_a_survey_and_the_group(tmp_path: Path, records: str) -> None:
    dictionary = "\n".join(
        [
            "field_name,form_name,field_type,field_label,select_choices_or_calculations,field_note",
            "record_id,main,text,Record ID,,",
            "anc,main,text,ANC,,",
        ]
    )
    write_project(tmp_path, records=records, dictionary=dictionary)
    mapping = {
        **FILES,
        "labs": {"date": "main_timestamp", "fields": {"anc": {"analyte": "anc", "unit": "10^9/L"}}},
        "patients": {"fields": {"center": "redcap_data_access_group"}},
    }
    tables = read_tables(tmp_path, DataSection.model_validate({"day_zero": "first", "redcap": mapping}))
    assert tables.labs.select("patient_id", "day", "minute", "invalid").rows() == [
        ("1", 0, 620, None),
        ("2", None, None, "date missing"),
    ]
    assert tables.patients["center"].to_list() == ["north", "south"]


TWO_FORMS = """Record ID,Note,Complete?,Survey Timestamp,ANC,Complete?.1
1,,Incomplete,2024-01-03 10:20:00,0.4,Complete
"""


@pytest.mark.parametrize("numbered", [True, False])
def test_headings_that_are_told_by_their_neighbors(tmp_path: Path, numbered: bool) -> None:
    """One of two instruments is a survey; some programs number headings that are alike."""
    dictionary = "\n".join(
        [
            "field_name,form_name,field_type,field_label,select_choices_or_calculations,field_note",
            "record_id,main,text,Record ID,,",
            "note,main,text,Note,,",
            "anc,counts,text,ANC,,",
            "more,last,text,More,,",
        ]
    )
    records = TWO_FORMS if numbered else TWO_FORMS.replace(".1", "", 1)
    write_project(tmp_path, records=records, dictionary=dictionary)
    labs = {"date": "counts_timestamp", "fields": {"anc": {"analyte": "anc", "unit": "10^9/L"}}}
    mapping = {**FILES, "labs": labs, "patients": {"fields": {"state": "counts_complete"}}}
    tables = read_tables(tmp_path, DataSection.model_validate({"day_zero": "first", "redcap": mapping}))
    assert tables.labs.select("day", "minute", "value").rows() == [(0, 620, 0.4)]
    assert tables.patients["state"].to_list() == ["Complete"]


def test_support_on_the_day_of_an_event(project: Path) -> None:
    """B-2 is followed on day 3, and has no answer; A-1 had it on two of three."""
    support = {"kind": "gcsf", "days": {"follow_up_arm_1": 3}, "only_if": {"gcsf": ["Yes"]}}
    tables = read(project, support=support)
    assert tables.support.select("patient_id", "start", "stop", "kind").rows() == [
        ("A-1", 3, 3, "gcsf"),
        ("A-1", 3, 3, "gcsf"),
    ]


# ---- values


def test_the_decimal_mark_of_a_field_that_redcap_does_not_check(project: Path) -> None:
    """1,234 alone may be 1.234 or 1234; beside 0,5 it is 1.234."""
    doubtful = RAW.replace("<5,1,1,2", '"1,234",1,1,2')
    write_project(project, records=doubtful)
    tables = read(project)
    bad = tables.labs.filter(pl.col("source_row") == 4, pl.col("analyte") == "platelets")
    assert bad["invalid"].to_list() == ["ambiguous number"]
    fields = {"plt": {"analyte": "platelets", "unit_field": "plt_unit", "decimal": "."}}
    tables = read(project, labs=[{"date": "cbc_date", "fields": fields}])
    assert tables.labs.filter(pl.col("source_row") == 4)["value"].to_list() == [1234.0]
    write_project(project, records=doubtful.replace(",151,1,0,2", ',"0,5",1,0,2'))
    tables = read(project)
    assert tables.labs.filter(pl.col("analyte") == "platelets")["value"].to_list()[:2] == [0.5, 1.234]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('"12,5"', (12.5, None)),
        ('"1.234,5"', (1234.5, None)),
        ("1.234", (1234.0, None)),
        ("0.5", (None, "ambiguous number")),
    ],
)
def test_a_decimal_comma_that_the_mapping_states(
    project: Path, cell: str, expected: tuple[float | None, str | None]
) -> None:
    """0.5 is no number with a decimal comma; it is neither 5 nor 0.5."""
    write_project(project, records=RAW.replace("<5,1,1,2", f"{cell},1,1,2"))
    fields = {"plt": {"analyte": "platelets", "unit_field": "plt_unit", "decimal": ","}}
    labs = read(project, labs=[{"date": "cbc_date", "fields": fields}]).labs
    assert labs.filter(pl.col("source_row") == 4).select("value", "invalid").row(0) == expected


def test_a_point_in_a_number_that_redcap_checks_is_no_mark_of_thousands(project: Path) -> None:
    write_project(project, records=RAW.replace(",0.35,", ",1.234,"))
    assert 1.234 in read(project).labs["value"].to_list()


def test_an_export_with_the_decimal_comma_forced(project: Path) -> None:
    write_project(project, records=RAW.replace(",0.35,", ',"0,350",').replace(",2.4,", ',"2,4",'))
    assert essence(read(project)) == LABS


def test_a_checkbox_of_an_instrument_begun_is_no(project: Path) -> None:
    """A-1 has a 0 for the heart on a complete instrument; D-4 has one where nobody filled in anything."""
    tables = read(project, patients={"fields": {"heart": "comorb___2", "renal": "comorb___x_3"}})
    assert tables.patients.select("patient_id", "heart", "renal").rows() == [
        ("A-1", "Unchecked", "Unchecked"),
        ("B-2", None, None),
        ("D-4", None, None),
    ]


def test_a_filled_field_begins_an_instrument(project: Path) -> None:
    write_project(project, records=RAW.replace("D-4,baseline_arm_1,,,,,", "D-4,baseline_arm_1,,,,55,"))
    assert read(project).patients["diabetes"].to_list() == ["Checked", None, "Unchecked"]


def test_a_code_that_the_dictionary_lacks(project: Path) -> None:
    write_project(
        project, records=RAW.replace("A-1,baseline_arm_1,,,701,61,1", "A-1,baseline_arm_1,,,701,61,7")
    )
    tables = read(project)
    assert "sex: the answer is no choice of the dictionary in 1 of 13 rows (row 2)" in messages(
        tables, "code_without_label"
    )
    assert tables.patients["sex"].to_list()[0] == "7"


def test_silence_is_not_no_support(project: Path) -> None:
    """Where nobody ever answered the question there is no support table: not "nobody received support"."""
    lines = [
        line.replace(",1,1,2,", ",1,,2,").replace(",1,0,2,", ",1,,2,").replace(",2,1,1,", ",2,,1,")
        for line in RAW.splitlines()
    ]
    write_project(project, records="\n".join(lines))
    tables = read(project)
    assert not tables.has_support
    assert messages(tables, "no_support_table") != ""


def test_identifiers_as_factors_are_a_warning(project: Path) -> None:
    tables = read(project, patients={"fields": {"number": "mrn"}})
    assert "identifiers are used: mrn" in messages(tables, "identifier_used")


def test_the_codes_of_a_missing_value_need_not_have_labels(project: Path) -> None:
    assert essence(read(project, missing_codes=["NI"])) == LABS


def test_a_field_with_nomissing_has_no_missing_codes(project: Path) -> None:
    changed = DICTIONARY.replace('(10^9/L)",,,number,,,,,,,,,,', '(10^9/L)",,,number,,,,,,,,,,@NOMISSING')
    write_project(project, dictionary=changed)
    tables = read(project)
    assert "anc" not in messages(tables, "declared_missing")
    assert tables.labs.filter(pl.col("source_row") == 5, pl.col("analyte") == "anc")["invalid"].to_list() == [
        "value not a number"
    ]


# ---- what does not fit


@pytest.mark.parametrize(
    ("records", "dictionary", "message"),
    [
        ("data.csv", "absent.csv", r"dictionary: absent.csv: no such file"),
        ("absent.csv", "dictionary.csv", r"records: absent.csv: no such file"),
        ("data.csv", "data.csv", r"data.csv: is no data dictionary of REDCap"),
        ("dictionary.csv", "dictionary.csv", r"has neither a column record_id nor 'Record ID'"),
    ],
)
def test_files_that_are_not_there_or_are_others(
    project: Path, records: str, dictionary: str, message: str
) -> None:
    with pytest.raises(ReaderError, match=message):
        read(project, records=records, dictionary=dictionary)


def test_a_link_that_leads_out_of_the_folder(project: Path, tmp_path_factory: Any) -> None:
    outside = tmp_path_factory.mktemp("outside") / "data.csv"
    outside.write_text(RAW, encoding="utf-8")
    (project / "link.csv").symlink_to(outside)
    with pytest.raises(
        ReaderError, match=r"\[data.redcap\] records: 'link.csv' leads out of the data folder"
    ):
        read(project, records="link.csv")


def test_columns_that_the_dictionary_lacks_are_listed(project: Path) -> None:
    write_project(project, records=change_cells(RAW, rename={"v_anc": "v_old"}))
    assert "1 column of the records is not in dictionary.csv: v_old" in messages(
        read(project), "not_in_dictionary"
    )


def test_a_mapped_field_that_is_no_field(project: Path) -> None:
    fields = {"ancc": {"analyte": "anc", "unit": "10^9/L"}}
    with pytest.raises(ReaderError, match=r"'ancc' is no field of dictionary.csv \(did you mean 'anc'\?\)"):
        read(project, labs={"date": "cbc_date", "fields": fields})


def test_a_mapped_checkbox_needs_its_choice(project: Path) -> None:
    with pytest.raises(ReaderError, match=r"'comorb' is a checkbox.*: comorb___1, comorb___2, comorb___x_3"):
        read(project, patients={"fields": {"disease": "comorb"}})


def test_a_mapped_field_that_was_not_exported(project: Path) -> None:
    write_project(project, records=change_cells(RAW, drop=("hb", "gcsf")))
    with pytest.raises(ReaderError, match=r"data.csv: has no column for the fields hb, gcsf"):
        read(project)


def test_an_answer_that_the_field_does_not_have(project: Path) -> None:
    support = {**MAPPING["support"], "only_if": {"gcsf": "Yse"}}
    with pytest.raises(ReaderError, match=r"'Yse' is no answer of gcsf.*allowed: Yes \(1\), No \(0\)"):
        read(project, support=support)


def test_a_unit_that_the_label_does_not_have(project: Path) -> None:
    fields = {"hb": {"analyte": "hemoglobin", "unit_from": "label"}}
    with pytest.raises(ReaderError, match=r"field hb has no unit in its label in brackets"):
        read(project, labs={"date": "cbc_date", "fields": fields})


def test_codes_and_labels_in_one_export(project: Path) -> None:
    write_project(project, records=RAW.replace("702,47,2,1", "702,47,Male,1"))
    with pytest.raises(ReaderError, match=r"codes and labels are mixed: codes in .*, labels in sex"):
        read(project)


def test_labels_that_are_said_to_be_codes(project: Path) -> None:
    write_project(project, records=LABELS)
    with pytest.raises(ReaderError, match=r'the mapping states values = "raw", but .* hold labels'):
        read(project, values="raw")


def test_codes_that_are_labels_of_other_choices(tmp_path: Path) -> None:
    """With "1, 2 | 2, 1" a cell of 1 may be either choice."""
    dictionary = "\n".join(
        [
            "field_name,form_name,field_type,field_label,select_choices_or_calculations,field_note",
            'id,main,text,Study ID,,\nrank,main,radio,Rank,"1, 2 | 2, 1",',
            "anc,main,text,ANC,,",
        ]
    )
    write_project(tmp_path, records="id,rank,anc\nx,1,0.2\n", dictionary=dictionary)
    mapping = {
        **FILES,
        "labs": {"fields": {"anc": {"analyte": "anc", "unit": "10^9/L", "day": 7}}},
        "patients": {"fields": {"rank": "rank"}},
    }
    with pytest.raises(ReaderError, match=r"whether rank hold codes or labels cannot be told"):
        read_tables(tmp_path, DataSection.model_validate({"redcap": mapping}))
    for values, expected in (("raw", 2.0), ("label", 1.0)):
        stated = DataSection.model_validate({"redcap": {**mapping, "values": values}})
        assert read_tables(tmp_path, stated).patients["rank"].to_list() == [expected]


def test_two_exports_in_one_file(project: Path) -> None:
    row = RAW.splitlines()[3]
    write_project(project, records=f"{RAW}{row}\n")
    tables = read(project)
    assert essence(tables) == LABS
    assert "in 1 of 14 rows (row 15)" in messages(tables, "duplicate_rows")
    write_project(project, records=f"{RAW}{row.replace(',0.35,', ',0.36,')}\n")
    with pytest.raises(ReaderError, match=r"1 row has the record, event, instrument and instance.*row 15"):
        read(project)


def test_a_repeating_instrument_that_is_not_in_the_dictionary(project: Path) -> None:
    write_project(project, records=LABELS.replace("Blood counts", "Daily labs"))
    with pytest.raises(ReaderError, match=r"not in dictionary.csv: 'Daily labs'; its instruments are demo"):
        read(project)
    assert essence(read(project, instruments={"Daily labs": "blood_counts"})) == LABS


def test_a_label_that_several_fields_have(project: Path) -> None:
    """Three fields are called Date; with one of them left out, the others cannot be told apart."""
    cells = list(csv.reader(io.StringIO(LABELS, newline="")))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(row[:13] + row[14:] for row in cells)
    write_project(project, records=out.getvalue())
    with pytest.raises(ReaderError, match=r"which column is inf_date, cbc_date, out_date cannot be told"):
        read(project)


def test_a_report_in_an_order_of_its_own(project: Path) -> None:
    """With the outcome first, the first "Date" is no longer that of the infusion."""
    rows = list(csv.reader(io.StringIO(LABELS, newline="")))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([*row[:4], *row[27:], *row[4:27]] for row in rows)
    write_project(project, records=out.getvalue())
    with pytest.raises(ReaderError, match=r"which column is inf_date, cbc_date, out_date cannot be told"):
        read(project)


def test_labels_of_events_that_are_too_much_alike(project: Path) -> None:
    text = LABELS.replace("Baseline (Arm 1", "Day 28-visit (Arm 1").replace("Day 28 visit", "Day 28visit")
    write_project(project, records=text)
    with pytest.raises(ReaderError, match=r"two events have names that are too much alike"):
        read(project)


def test_an_answer_that_is_a_label_and_another_code(project: Path) -> None:
    changed = DICTIONARY.replace("1, Female | 2, Male", "1, 2 | 2, Male")
    write_project(project, dictionary=changed)
    with pytest.raises(ReaderError, match=r"'2' is the label of one choice of sex and the code of another"):
        read(project, patients={"fields": {"age_years": "age"}, "only_if": {"sex": "2"}})


def test_a_line_that_is_cut_off(project: Path) -> None:
    write_project(project, records=RAW[:-40])
    with pytest.raises(ReaderError, match=r"data.csv: line 14 has \d+ cells, the header has 32"):
        read(project)


def test_another_encoding(project: Path) -> None:
    text = DICTIONARY.replace("1, Female | 2, Male", "1, weiblich | 2, männlich")
    (project / "dictionary.csv").write_bytes(text.encode("cp1252"))
    (project / "data.csv").write_text(RAW, encoding="ascii")
    with pytest.raises(ReaderError, match=r"dictionary.csv: line 5 is not UTF-8 text"):
        read(project)
    assert read(project, encoding="cp1252").patients["sex"].to_list()[1] == "männlich"


def test_records_of_double_data_entry(project: Path) -> None:
    write_project(project, records=RAW.replace("\nD-4,", "\nC-3--2,").replace("\nC-3,", "\nC-3--1,"))
    with pytest.raises(ReaderError, match=r"1 record was entered by two people \(double data entry"):
        read(project)


def test_a_row_without_its_record(project: Path) -> None:
    write_project(project, records=RAW.replace("\nB-2,baseline", "\n,baseline"))
    with pytest.raises(ReaderError, match=r"1 row has no record_id, first row 9"):
        read(project)


def test_no_value_of_a_patient_stands_in_a_finding(project: Path) -> None:
    said = " ".join(read(project).findings["message"])
    for value in ("701", "2024-03-11", "12000", "A-1", "Male"):
        assert value not in said


# ---- samples of others, which stay where they are

FOUND = (folder / "shared" / "data" for folder in Path(__file__).parents)
SAMPLES = next((folder for folder in FOUND if (folder / "redcap_redcapr").is_dir()), Path())
needs_samples = pytest.mark.skipif(Path() == SAMPLES, reason="the sample projects are not on this machine")


@needs_samples
@pytest.mark.parametrize("records", ["data_raw.csv", "data_labels.csv"])
def test_local_sample_of_repeating_counts(records: str) -> None:
    mapping = {
        "records": records,
        "dictionary": "dictionary.csv",
        "infusions": {"date": "infusion_date", "fields": {"product": "product"}},
        "labs": {
            "date": "lab_date",
            "fields": {
                "anc": {"analyte": "anc", "unit_from": "label"},
                "wbc": {"analyte": "wbc", "unit_from": "label"},
            },
        },
    }
    tables = read_tables(SAMPLES / "redcap_like_msk", DataSection.model_validate({"redcap": mapping}))
    first = tables.labs.filter(pl.col("patient_id") == "551").select("day", "analyte", "value")
    assert first.rows()[:3] == [(-10, "anc", 0.8), (-10, "wbc", 2.1), (-9, "anc", 1.1)]
    assert tables.infusions.select("patient_id", "product").rows()[1] == ("551", "Product A")


@needs_samples
@pytest.mark.parametrize(
    ("folder", "dictionary", "fields", "record", "expected"),
    [
        ("decimal-comma", "dictionay.csv", {"weight": "weight", "bmi": "bmi"}, "3", (123.4, 32.5)),
        ("decimal-dot", "dictionary.csv", {"weight": "weight", "bmi": "bmi"}, "3", (123.4, 32.5)),
        ("nonnumeric-record-id", "dictionary.csv", {"name": "name"}, "b", ("Bob",)),
        ("longitudinal", "dictionary.csv", {"monday": "gym___0", "first": "sex"}, "100", ("Checked", "Male")),
        ("repeating-instruments-sparse", "dictionary.csv", {"first": "sex"}, "3", (None,)),
        ("clinical-trial-1", "dictionary.csv", {"weight": "weight"}, "2", (127.0,)),
    ],
)
def test_local_samples_of_projects(
    folder: str, dictionary: str, fields: dict[str, str], record: str, expected: tuple[Any, ...]
) -> None:
    from cytopenia.readers.redcap import read_redcap

    labs = {"longitudinal": "height2", "nonnumeric-record-id": "name"}.get(folder, "weight")
    labs = "bp_systolic" if folder.startswith("repeating") else labs
    mapping = {
        "records": "data.csv",
        "dictionary": dictionary,
        "patients": {"fields": fields},
        "labs": {"fields": {labs: {"analyte": "anc", "unit": "10^9/L", "day": 0}}},
    }
    found = read_redcap(SAMPLES / "redcap_redcapr" / folder, DataSection.model_validate({"redcap": mapping}))
    patients = found["patients"].frame.filter(pl.col("patient_id") == record)
    assert patients.select([*fields]).row(0) == expected
