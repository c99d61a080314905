"""What is proposed for files as they are: lines, questions and what is left out; files typed by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from clinic_sheets import write_workbook
from cytopenia.errors import ReaderError
from cytopenia.readers.proposal import Proposal, propose_mapping

Propose = Callable[..., Proposal]


@pytest.fixture
def propose(tmp_path: Path) -> Propose:
    """Propose a mapping for a text file of these lines."""

    def write(*lines: str, name: str = "export.csv", encoding: str = "utf-8") -> Proposal:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return propose_mapping([path])

    return write


def lines_of(proposal: Proposal, table: str = "labs", *, is_open: bool = False) -> dict[str, object]:
    """The lines of a table as "section.key" with their values: those that hold, or those that are asked."""
    return {
        f"{line.section}.{line.key}".lstrip("."): line.value
        for found in proposal.tables
        if found.table == table
        for line in found.lines
        if line.is_open is is_open
    }


def state_of(proposal: Proposal, column: str) -> tuple[str, str]:
    """What a column becomes, and how sure that is."""
    return next((row.becomes, row.state) for row in proposal.rows if row.column == column)


def test_a_tidy_file_needs_its_name_alone(propose) -> None:
    proposal = propose(
        "patient_id,day,analyte,value,unit", "1,0,ANC,1.2,10^9/L", "1,7,ANC,0.2,10^9/L", name="results.csv"
    )
    assert lines_of(proposal) == {"file": "results.csv"}
    assert state_of(proposal, "value") == ("labs.value", "sure")
    assert proposal.questions == ()


def test_a_unit_that_is_not_stated_is_asked_for(propose) -> None:
    proposal = propose("ID,Day,Hb,ANC (G/L)", "1,0,9.1,1.2", "1,7,8.4,0.2", "2,0,10.2,2.2")
    assert lines_of(proposal)["wide.anc"] == {"column": "ANC (G/L)", "unit": "G/L"}
    assert lines_of(proposal, is_open=True) == {"wide.hemoglobin": {"column": "Hb", "unit": "g/dL"}}
    assert proposal.questions == (
        "labs: the unit of 'Hb' is not stated (export.csv). Take the # from this line under "
        "[data.labs.wide], with the right unit.",
    )


def test_a_unit_that_the_values_contradict_is_asked_for(propose) -> None:
    rows = [f"{patient},0,{value}" for patient, value in enumerate((91, 84, 102, 110, 97, 88), start=1)]
    proposal = propose("ID,Day,Hb (g/dL)", *rows)
    assert lines_of(proposal, is_open=True) == {"wide.hemoglobin": {"column": "Hb (g/dL)", "unit": "g/dL"}}
    assert "nearly all of 6 values would be usual in g/L" in proposal.questions[0]


def test_the_order_of_day_and_month_is_asked_for(propose) -> None:
    proposal = propose("MRN;Datum;Hb (g/dl)", "1;03/04/2024;9,8", "1;05/06/2024;10,1", "2;07/08/2024;11,0")
    assert lines_of(proposal, is_open=True) == {"date_format": "%d/%m/%Y"}
    assert lines_of(proposal)["separator"] == ";"
    assert "no date shows which part is the day" in proposal.questions[0]


def test_a_number_that_may_be_read_in_two_ways_is_asked_for(propose) -> None:
    proposal = propose("MRN;Datum;PLT (/nl)", "1;2024-04-03;1,234", "1;2024-04-04;1,101")
    assert lines_of(proposal, is_open=True) == {"decimal": ","}


def test_western_letters_of_an_old_export(propose) -> None:
    proposal = propose("Pat-ID;Tag;Hämoglobin (g/dl)", "1;0;9,8", "1;7;8,1", encoding="cp1252")
    assert lines_of(proposal)["encoding"] == "cp1252"
    assert lines_of(proposal)["wide.hemoglobin"] == {"column": "Hämoglobin (g/dl)", "unit": "g/dl"}


def test_an_encoding_that_is_not_certain(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(b"ID,Day,Hb\n1,0,\x81\x8d\xff\n")
    with pytest.raises(ReaderError, match=r"its encoding is not certain\. Save it as UTF-8\."):
        propose_mapping([path])


def test_patients_are_asked_for_where_no_heading_names_them(propose) -> None:
    proposal = propose("Who,Day,ANC (G/L)", "a,0,1.2", "b,0,2.2")
    assert lines_of(proposal, is_open=True) == {"columns.patient_id": "Who"}


def test_prothrombin_beside_the_patient(propose) -> None:
    proposal = propose("ID,Day,PT,ANC (G/L)", "1,0,12.5,1.2", "1,7,13.9,0.3")
    assert lines_of(proposal)["columns.patient_id"] == "ID"
    assert state_of(proposal, "PT") == ("", "not used")


def test_pt_as_the_only_patient_is_a_question(propose) -> None:
    proposal = propose("PT,Day,ANC (G/L)", "1,0,1.2", "1,7,0.3", "2,0,3.1")
    assert lines_of(proposal, is_open=True) == {"columns.patient_id": "PT"}


@pytest.mark.parametrize(
    ("heading", "becomes", "state"),
    [
        ("Neutrophils (%)", "neutrophil_percent", "sure"),
        ("Neutrophile % [%]", "neutrophil_percent", "sure"),
        ("Neutrophile rel. [%]", "neutrophil_percent", "sure"),
        ("NEUT [%]", "neutrophil_percent", "sure"),
        ("Hb (BGA) [g/dl]", "", "not used"),
        ("Lymphocytes %", "", "not used"),
        ("Hb A1c", "", "not used"),
        ("MCH (pg)", "", "not used"),
        ("MPV", "", "not used"),
        ("nRBC", "", "not used"),
        ("Plt transfusions", "", "not used"),
        ("Hb (BGA)", "", "not used"),
        ("NE", "anc?", "ask"),
        ("PCR", "crp?", "ask"),
        ("Neutrophils segmented + bands", "anc?", "ask"),
    ],
)
def test_columns_that_are_near_to_a_count(propose, heading: str, becomes: str, state: str) -> None:
    proposal = propose(f"ID,Day,WBC (G/L),{heading}", "1,0,1.2,12.5", "1,7,0.3,14.5")
    assert state_of(proposal, heading) == (becomes, state)
    assert bool(proposal.questions) is (state == "ask")


def test_a_column_that_is_another_one_once_more(propose) -> None:
    proposal = propose("ID,Day,Hb (g/dL),Hgb (g/L)", "1,0,9.1,91", "1,7,8.4,84")
    assert set(lines_of(proposal, is_open=True)) == {"wide.hemoglobin"}
    assert "2 columns of export.csv are hemoglobin: 'Hb (g/dL)', 'Hgb (g/L)'" in proposal.questions[0]


def test_names_of_analytes_in_a_column(propose) -> None:
    proposal = propose(
        "MRN,Collected,Test,Result,Units",
        "1,2024-01-31,Neutrophils abs,1.1,K/uL",
        "1,2024-01-31,Hemoglobin|Blood|Hematology,9.1,g/dL",
        "1,2024-01-31,Hemoglobin|Blood|Blood Gas,9.3,g/dL",
        "1,2024-01-31,Neutrophils|Blood|Hematology,44,%",
        "1,2024-01-31,Hemoglobin A1c,5.5,%",
        "1,2024-01-31,Platelets citrate,81,furlong",
        "1,2024-01-31,PLT,77,furlong",
        "1,2024-01-31,LDH,300,",
        "1,2024-01-31,Sodium,140,mmol/L",
    )
    assert {key: value for key, value in lines_of(proposal).items() if key.startswith("analytes.")} == {
        "analytes.Hemoglobin|Blood|Hematology": "hemoglobin",
        "analytes.Hemoglobin|Blood|Blood Gas": "ignore",
        "analytes.Neutrophils|Blood|Hematology": "neutrophil_percent",
        "analytes.Hemoglobin A1c": "ignore",
    }
    assert lines_of(proposal, is_open=True) == {
        "analytes.Platelets citrate": "platelets",
        "units.furlong": "1e9/L",
        "default_units.ldh": "U/L",
    }
    assert len(proposal.questions) == 3


def test_loinc_codes_in_a_column(propose) -> None:
    proposal = propose(
        "Subject,Day,Code,Result,Unit", "1,0,26499-4,1.2,10*9/L", "1,0,718-7,9.1,g/dL", "1,0,4548-4,5.5,%"
    )
    assert lines_of(proposal)["columns.analyte"] == "Code"
    assert state_of(proposal, "name '718-7'") == ("hemoglobin", "sure")
    assert state_of(proposal, "name '4548-4'") == ("", "not used")


def test_days_in_headings_beside_a_column_of_analytes(propose) -> None:
    proposal = propose(
        "Patient;Parameter;Einheit;Tag -5;Tag 0;Tag 7",
        "1;Leukozyten;/nl;5,1;3,2;0,4",
        "1;Hb;g/dl;11,1;10,2;8,4",
    )
    assert lines_of(proposal)["days.Tag {day}"] == {}
    assert lines_of(proposal)["columns.unit"] == "Einheit"


def test_a_dash_before_every_day_is_a_question(propose) -> None:
    proposal = propose("ID,ANC d-1 (G/L),ANC d-7 (G/L),ANC d-14 (G/L)", "1,1.2,0.2,0.9", "2,1.9,0.1,0.7")
    assert set(lines_of(proposal, is_open=True)) == {"days.ANC d{day} (G/L)"}
    assert "is the '-' a minus?" in proposal.questions[0]


def test_the_infusion_in_every_row_of_labs(propose) -> None:
    proposal = propose(
        "MRN,Infusionsdatum,Date,ANC (G/L)",
        "1,2024-01-10,2024-01-17,0.2",
        "1,2024-01-10,2024-01-18,0.4",
        "2,2024-02-10,2024-02-12,1.2",
    )
    assert lines_of(proposal, "infusions") == {
        "file": "export.csv",
        "columns.patient_id": "MRN",
        "columns.infusion_date": "Infusionsdatum",
    }
    assert not any("No date of infusion" in note for note in proposal.notes)


def test_one_blank_infusion_date_leaves_the_infusions_proposed(propose) -> None:
    proposal = propose(
        "MRN,Infusion date,Date,ANC (G/L)",
        "1,2024-01-10,2024-01-17,0.2",
        "1,,2024-01-18,0.4",
        "2,2024-02-10,2024-02-12,1.2",
        "3,,2024-02-12,1.2",
    )
    assert lines_of(proposal, "infusions") == {"file": "export.csv", "columns.patient_id": "MRN"}
    why = next(one.why for one in proposal.tables if one.table == "infusions")
    assert why == "2 of 3 patients have an infusion date, not in every row"
    assert why in next(row.why for row in proposal.rows if row.becomes == "infusions.infusion_date")
    assert proposal.questions == ()


def test_the_infusion_in_the_first_row_of_each_patient(propose) -> None:
    rows = ["4711,2024-01-17,0.2,2024-01-10", ",2024-01-18,0.4,", ",2024-01-19,0.5,"]
    proposal = propose("Pat,Date,ANC (G/L),CAR-T date", *rows, *(row.replace("4711", "4712") for row in rows))
    assert lines_of(proposal, "infusions") == {
        "file": "export.csv",
        "columns.patient_id": "Pat",
        "columns.infusion_date": "CAR-T date",
        "fill_down": ["patient_id"],
    }
    assert lines_of(proposal)["fill_down"] == ["patient_id"]


def test_a_damaged_file_is_named_and_the_others_are_proposed(propose, tmp_path: Path) -> None:
    propose("ID,Day,Hb (g/dL)", "1,0,9.1", "1,7,8.4")
    (tmp_path / "broken.xlsx").write_bytes(b"no workbook here")
    proposal = propose_mapping([tmp_path / "broken.xlsx", tmp_path / "export.csv"])
    assert lines_of(proposal)["file"] == "export.csv"
    assert proposal.notes[0].startswith("Not read: broken.xlsx: ")
    with pytest.raises(ReaderError, match=r"^broken\.xlsx: "):
        propose_mapping([tmp_path / "broken.xlsx"])


def test_german_infusions_beside_a_german_export(propose, tmp_path: Path) -> None:
    propose("Patient;CAR-T am", "A;02.04.24", "B;09.04.24", name="infusionen.csv")
    propose("Patient;Abnahme;ANC (/nl)", "A;05.04.24;0,41", "B;10.04.24;1,2", name="labor.csv")
    proposal = propose_mapping([tmp_path / "infusionen.csv", tmp_path / "labor.csv"])
    assert lines_of(proposal, "infusions")["file"] == "infusionen.csv"
    assert lines_of(proposal, "infusions")["columns.infusion_date"] == "CAR-T am"
    assert proposal.questions == ()


def test_a_german_export_with_the_time_beside_a_year_of_two_digits(propose) -> None:
    proposal = propose(
        "Patient;Geb.-Datum;Datum/Uhrzeit;Analyse;Ergebnis;Einheit",
        "A;01.02.1960;28.03.24 07:15;Leukozyten;1,82;/nl",
        "A;01.02.1960;02.04.24 06:50;Leukozyten;0,41;/nl",
    )
    assert lines_of(proposal)["columns.date"] == "Datum/Uhrzeit"
    assert (state_of(proposal, "Geb.-Datum"), proposal.questions) == (("", "not used"), ())


def test_a_birth_date_is_never_asked_about_as_the_draw(propose) -> None:
    rows = ("A,1960-02-01,2024-03-28,ANC,1.8,G/L", "B,1961-02-01,2024-03-29,ANC,1.1,G/L")
    for heading in ("Geb.", "geb. am", "DOB", "Geb.-Datum"):
        proposal = propose(f"ID,{heading},When,Test,Result,Unit", *rows)
        assert lines_of(proposal, is_open=True)["columns.date"] == "When"


def test_two_infusion_dates_of_a_patient_are_asked_about(propose) -> None:
    rows = ["1,2024-01-10,2024-01-17,0.2", "1,2024-01-11,2024-01-18,0.4", "2,2024-02-10,2024-02-12,1.2"]
    (question,) = propose("MRN,Infusionsdatum,Date,ANC (G/L)", *rows).questions
    assert question.startswith(
        "infusions: 1 of 2 patients have more than one date in 'Infusionsdatum' of export"
    )
    # "Treatment date" may be any treatment: two of a patient are no infusion.
    proposal = propose("MRN,Treatment date,Date,ANC (G/L)", *rows)
    assert [one.table for one in proposal.tables] == ["labs"]


def test_what_a_run_will_need_is_said(propose) -> None:
    proposal = propose("MRN,Date,ANC (G/L)", "1,2024-01-17,0.2", "2,2024-02-12,1.2")
    assert 'day_zero = "first"' in proposal.notes[0]
    assert "lymphodepletion_day" in proposal.notes[1]


def test_patients_and_what_may_name_a_person(propose) -> None:
    proposal = propose(
        "Study ID,Name,Geburtsdatum,Alter,Remarks", "1,Muster,1950-01-01,70,x", "2,Beispiel,1960-01-01,60,y"
    )
    assert lines_of(proposal, "patients")["columns.age_years"] == "Alter"
    assert state_of(proposal, "Name") == ("", "not used")
    assert state_of(proposal, "Geburtsdatum") == ("", "not used")
    assert state_of(proposal, "Remarks") == ("a factor", "sure")


def test_kinds_of_support_and_events(propose) -> None:
    support = propose("ID,Date given,Product", "1,2024-01-15,EK", "1,2024-01-16,FFP", "1,2024-01-17,Neupogen")
    assert lines_of(support, "support")["kinds.EK"] == "rbc_transfusion"
    assert lines_of(support, "support")["kinds.Neupogen"] == "gcsf"
    assert lines_of(support, "support", is_open=True) == {"kinds.FFP": "ignore"}
    events = propose(
        "ID,Onset,Event,Grade", "1,2024-01-15,CRS,2", "1,2024-01-16,ICANS,1", "2,2024-03-01,Tod,5"
    )
    assert lines_of(events, "events")["kinds.Tod"] == "death"
    assert lines_of(events, "events")["columns.kind"] == "Event"
    assert state_of(events, "word 'CRS'") == ("crs", "sure")


def test_values_in_the_place_of_headings_are_not_printed(propose) -> None:
    proposal = propose("4711;2024-01-01;9.1", "4712;2024-01-02;8.1", "4713;2024-01-03;7.7")
    assert proposal.tables == ()
    assert not any("4711" in text for row in proposal.rows for text in (row.column, row.why))


def test_no_value_of_a_patient_is_told(propose) -> None:
    proposal = propose("MRN,Date,ANC (G/L),Hb", "4711,2024-01-17,0.8371,9.8371", "4712,2024-02-12,1.2,10.1")
    told = [proposal.questions, proposal.notes, proposal.rows, proposal.tables]
    assert not any(value in str(told) for value in ("0.8371", "9.8371", "4711", "2024-01-17"))


def test_only_the_first_rows_of_a_long_file_are_looked_at(propose) -> None:
    rows = [f"{place // 20},{place % 20},1.2" for place in range(2_500)]
    proposal = propose("ID,Day,ANC (G/L)", *rows)
    assert proposal.notes[0] == "Only the first 2,000 rows were looked at: 'export.csv'."


def test_files_of_statistics_programs(tmp_path: Path) -> None:
    frame = pl.DataFrame({"MRN": [1, 2], "Day": [0, 7], "ANC_10e9_L": [1.2, 0.4]})
    frame.write_parquet(tmp_path / "export.parquet")
    proposal = propose_mapping([tmp_path / "export.parquet"])
    assert lines_of(proposal)["wide.anc"] == {"column": "ANC_10e9_L", "unit": "10e9/L"}


def test_two_sheets_for_one_table_are_a_question(tmp_path: Path) -> None:
    first = [["ID", "Day", "ANC (G/L)"], ["1", 0, 1.2], ["1", 7, 0.2]]
    second = [["ID", "Day", "PLT (G/L)"], ["1", 0, 120]]
    path = write_workbook(tmp_path / "export.xlsx", {"ANC": first, "PLT": second})
    proposal = propose_mapping([path])
    assert lines_of(proposal)["sheet"] == "ANC"
    assert proposal.questions[0].startswith("labs: export.xlsx, sheet PLT could be this table too.")


def test_one_heading_over_two_columns_is_a_question(tmp_path: Path) -> None:
    rows = [["ID", "Day", "Hb", "Hb"], ["1", 0, 9.1, 9.2], ["1", 7, 8.1, 8.2]]
    proposal = propose_mapping([write_workbook(tmp_path / "export.xlsx", {"Labs": rows})])
    assert proposal.tables == ()
    assert "heading 'Hb' stands over columns C, D" in proposal.questions[0]


def test_the_patient_column_that_all_sheets_share(tmp_path: Path) -> None:
    labs = [["MRN", "Study ID", "Day", "ANC (G/L)"], ["x1", "1", 0, 1.2], ["x2", "2", 7, 0.2]]
    patients = [["Study ID", "Age"], ["1", 50], ["2", 60]]
    path = write_workbook(tmp_path / "export.xlsx", {"Labs": labs, "Patients": patients})
    proposal = propose_mapping([path])
    assert lines_of(proposal)["columns.patient_id"] == "Study ID"


def test_a_patient_over_several_rows_makes_no_table_of_patients(tmp_path: Path) -> None:
    rows = [
        ["Patient", "Datum", "ANC (G/L)"],
        *[["A" if row == 0 else None, f"2024-01-1{row}", 1.5] for row in range(3)],
        *[["B" if row == 0 else None, f"2024-01-2{row}", 0.5] for row in range(3)],
    ]
    proposal = propose_mapping([write_workbook(tmp_path / "export.xlsx", {"Labs": rows})])
    assert [found.table for found in proposal.tables] == ["labs"]
    assert lines_of(proposal)["fill_down"] == ["patient_id"]


def test_a_file_that_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "export.pdf"
    path.write_bytes(b"%PDF")
    with pytest.raises(ReaderError, match=r"files of type '\.pdf' are not read; allowed: \.csv"):
        propose_mapping([path])
    with pytest.raises(ReaderError, match=r"export\.xlsx: no such file"):
        propose_mapping([tmp_path / "export.xlsx"])


def test_an_export_of_redcap_has_a_reader_of_its_own(propose) -> None:
    proposal = propose("record_id,redcap_event_name,age", "1,baseline_arm_1,60", "2,baseline_arm_1,61")
    assert proposal.notes[0].startswith("'export.csv' looks like an export of REDCap")


def test_facts_in_rows_of_labs_are_told_where_they_belong(propose) -> None:
    proposal = propose(
        "ID,Date,ANC (G/L),Age,Infusionsdatum", "1,2024-01-12,1.2,60,2024-01-10", "1,2024-01-13,0.2,60,"
    )
    why = {row.column: row.why for row in proposal.rows}
    assert why["Age"].startswith("a fact about patients")
    assert why["Infusionsdatum"].endswith("1 of 1 patient has an infusion date, not in every row")


@pytest.mark.parametrize(
    ("names", "sheet_is"),
    [(("Sheet1", "Sheet2"), None), (("2021", "2022"), None), (("017", "018"), "patient_id")],
)
def test_sheets_that_may_be_called_after_patients(
    tmp_path: Path, names: tuple[str, ...], sheet_is: str | None
) -> None:
    rows = [["Day", "ANC (G/L)"], [0, 1.2], [7, 0.2]]
    proposal = propose_mapping([write_workbook(tmp_path / "export.xlsx", dict.fromkeys(names, rows))])
    assert lines_of(proposal).get("sheet_is") == sheet_is
    assert bool(proposal.questions) is (sheet_is is None)
