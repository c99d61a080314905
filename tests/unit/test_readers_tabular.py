"""Folders, workbooks and single files become the six tables; expected rows typed by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter
from polars.testing import assert_frame_equal

from cytopenia.errors import MissingColumnError, ProtocolError, ReaderError
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.sources import read_tables
from cytopenia.readers.tabular import read_lab_file, read_labs

LABS = 'patient_id,date,analyte,value,unit\n1,2024-01-12,ANC,"0,35",K/uL\n1,2024-01-13,Hb,<8,g/dL\n'
INFUSIONS = "patient_id,infusion_date\n1,2024-01-10\n"


def folder_of(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return tmp_path


def mapping_of(**labs: Any) -> DataSection:
    return DataSection.model_validate({"labs": labs})


def rules_of(findings: pl.DataFrame) -> list[str]:
    return findings["rule"].to_list()


def message_of(findings: pl.DataFrame, rule: str) -> str:
    return " ".join(findings.filter(pl.col("rule") == rule)["message"])


def write_workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> None:
    book = xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                sheet.write(number, column, cell)
    book.close()


SHEETS = {
    "Labs": [
        ["patient_id", "date", "analyte", "value", "unit"],
        [1, dt.datetime(2024, 1, 12), "ANC", 0.35, "K/uL"],
        [1, dt.datetime(2024, 1, 13), "Hb", "<8", "g/dL"],
    ],
    "infusions": [["patient_id", "infusion_date"], [1, dt.datetime(2024, 1, 10)]],
    "Notes": [["anything"]],
}
EXPECTED = [("1", 2, "anc", 0.35, "=", "1e9/L", 2), ("1", 3, "hemoglobin", 80.0, "<", "g/L", 3)]


def essence(labs: pl.DataFrame) -> list[tuple[Any, ...]]:
    return labs.select("patient_id", "day", "analyte", "value", "comparator", "unit", "source_row").rows()


# ---- where tables come from


def test_a_folder_of_text_files(tmp_path: Path) -> None:
    tables = read_tables(folder_of(tmp_path, labs_csv=LABS, infusions_csv=INFUSIONS))
    assert essence(tables.labs) == EXPECTED
    assert "labs: 2 rows were read from labs.csv" in message_of(tables.findings, "file_read")


def test_a_workbook_with_sheets_of_those_names(tmp_path: Path) -> None:
    write_workbook(tmp_path / "study.xlsx", SHEETS)
    tables = read_tables(tmp_path)
    assert essence(tables.labs) == EXPECTED
    assert "study.xlsx, sheet Labs" in message_of(tables.findings, "file_read")
    assert_frame_equal(read_tables(tmp_path / "study.xlsx").labs, tables.labs)


def test_one_workbook_per_table(tmp_path: Path) -> None:
    write_workbook(tmp_path / "labs.xlsx", {"Sheet1": SHEETS["Labs"]})
    write_workbook(tmp_path / "infusions.xlsx", {"Sheet1": SHEETS["infusions"]})
    assert essence(read_tables(tmp_path).labs) == EXPECTED


def test_parquet_is_natively_typed(tmp_path: Path) -> None:
    typed = {
        "patient_id": [1, 1],
        "day": [2, 3],
        "analyte": ["ANC", "Hb"],
        "value": [0.35, 8.0],
        "unit": ["K/uL", "g/dL"],
    }
    pl.DataFrame(typed).write_parquet(tmp_path / "labs.parquet")
    assert read_tables(tmp_path).labs["value"].to_list() == [0.35, 80.0]


def test_a_late_text_in_a_numeric_excel_column_is_not_lost(tmp_path: Path) -> None:
    rows = [
        ["patient_id", "day", "analyte", "value", "unit"],
        *[[1, day, "ANC", 0.5, "K/uL"] for day in range(300)],
        [1, 300, "ANC", "<0.1", "K/uL"],
    ]
    write_workbook(tmp_path / "labs.xlsx", {"labs": rows})
    assert read_tables(tmp_path).labs.select("comparator", "value").row(300) == ("<", 0.1)


def test_two_candidates_for_one_table_are_an_error(tmp_path: Path) -> None:
    folder_of(tmp_path, labs_csv=LABS, labs_tsv=LABS)
    with pytest.raises(
        ReaderError, match=r"labs: two sources were found: labs\.csv, labs\.tsv.*\[data\.labs\] file = "
    ):
        read_tables(tmp_path)
    assert (
        read_tables(
            tmp_path, DataSection.model_validate({"labs": {"file": "labs.csv"}, "day_zero": "first"})
        ).labs.height
        == 2
    )


def test_missing_labs_list_what_was_found(tmp_path: Path) -> None:
    folder_of(tmp_path, lab_csv=LABS)
    with pytest.raises(ReaderError, match=r"no labs table was found; found: lab\.csv"):
        read_tables(tmp_path)


def test_a_folder_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="no such folder"):
        read_tables(tmp_path / "nothing")


def test_a_named_file_that_is_absent_or_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=r"labs: exports\.csv: no such file"):
        read_tables(tmp_path, mapping_of(file="exports.csv"))
    (tmp_path / "labs.doc").write_text("x")
    with pytest.raises(ReaderError, match=r"labs\.doc: files of type '\.doc' are not read; allowed: \.csv"):
        read_tables(tmp_path, mapping_of(file="labs.doc"))


def test_a_sheet_that_is_absent(tmp_path: Path) -> None:
    write_workbook(tmp_path / "labs.xlsx", {"Tabelle1": SHEETS["Labs"]})
    with pytest.raises(
        ReaderError,
        match=r"labs\.xlsx: sheet 'Tabele1' is absent \(did you mean 'Tabelle1'\?\); found: Tabelle1",
    ):
        read_tables(tmp_path, mapping_of(sheet="Tabele1"))


def test_a_workbook_of_several_sheets_needs_a_name(tmp_path: Path) -> None:
    write_workbook(tmp_path / "labs.xlsx", {"A": SHEETS["Labs"], "B": SHEETS["Labs"]})
    with pytest.raises(ReaderError, match=r"labs\.xlsx: several sheets, none is named 'labs'.*found: A, B"):
        read_tables(tmp_path)


@pytest.mark.parametrize("name", ["labs.xlsx", "labs.parquet"])
def test_a_broken_binary_file_is_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not what it says")
    with pytest.raises(ReaderError, match=rf"{name}: cannot be read as "):
        read_tables(tmp_path)


# ---- the mapping


def test_columns_analytes_and_units_are_mapped(tmp_path: Path) -> None:
    labs = "MRN;Tag;Test;Ergebnis;Einheit\n7;3;Segm.;0,35;Tsd\n7;3;Zucker;90;mg/dl\n"
    mapping = mapping_of(
        columns={
            "patient_id": "MRN",
            "day": "Tag",
            "analyte": "Test",
            "value": "Ergebnis",
            "unit": "Einheit",
        },
        analytes={"Segm.": "anc", "Zucker": "ignore"},
        units={"Tsd": "K/uL"},
    )
    tables = read_tables(folder_of(tmp_path, labs_csv=labs), mapping)
    assert essence(tables.labs) == [("7", 3, "anc", 0.35, "=", "1e9/L", 2)]
    assert "unknown_analyte" not in rules_of(tables.findings)


def test_headers_match_whatever_their_case_and_blanks(tmp_path: Path) -> None:
    tables = read_tables(
        folder_of(
            tmp_path, labs_csv=LABS.replace("patient_id,date", "Patient ID,DATE"), infusions_csv=INFUSIONS
        )
    )
    assert essence(tables.labs) == EXPECTED


def test_mapped_columns_that_the_file_lacks_are_named(tmp_path: Path) -> None:
    folder_of(tmp_path, labs_csv=LABS)
    with pytest.raises(
        MissingColumnError,
        match=r"'valu' \(for value\) is not in labs\.csv \(did you mean 'value'\?\); found: patient_id",
    ):
        read_tables(tmp_path, mapping_of(columns={"value": "valu"}))


def test_names_in_the_mapping_that_never_occur_are_a_finding(tmp_path: Path) -> None:
    tables = read_tables(
        folder_of(tmp_path, labs_csv=LABS, infusions_csv=INFUSIONS),
        mapping_of(analytes={"Neutro": "anc"}, units={"Tsd": "K/uL"}),
    )
    assert "'Neutro'" in message_of(tables.findings, "mapping_unused")
    assert "'Tsd'" in message_of(tables.findings, "mapping_unused")


def test_the_hint_on_an_unused_name_quotes_no_number(tmp_path: Path) -> None:
    labs = "patient_id,day,analyte,value,unit\n1,3,anc,0.4,0.8371\n"
    tables = read_tables(folder_of(tmp_path, labs_csv=labs), mapping_of(units={"0.837": "K/uL"}))
    assert "8371" not in " ".join(tables.findings["message"])


def test_default_units_fill_blank_cells_only(tmp_path: Path) -> None:
    labs = "patient_id,day,analyte,value,unit\n1,0,ANC,500,\n1,1,ANC,0.5,K/uL\n"
    tables = read_tables(folder_of(tmp_path, labs_csv=labs), mapping_of(default_units={"anc": "/uL"}))
    assert tables.labs["value"].to_list() == [0.5, 0.5]


def test_default_units_stand_in_for_a_missing_unit_column(tmp_path: Path) -> None:
    labs = "patient_id,day,analyte,value\n1,0,ANC,500\n1,0,CRP,5\n"
    tables = read_tables(folder_of(tmp_path, labs_csv=labs), mapping_of(default_units={"anc": "/uL"}))
    assert tables.labs.select("value", "invalid").rows() == [(0.5, None), (None, "unit missing")]


def test_stated_lower_limits_are_converted(tmp_path: Path) -> None:
    labs = "patient_id,day,analyte,value,unit\n1,0,Hb,8,g/dL\n"
    mapping = mapping_of(lln={"hemoglobin": {"value": 12, "unit": "g/dL"}})
    assert read_tables(folder_of(tmp_path, labs_csv=labs), mapping).labs["lln"].to_list() == [120.0]


def test_kinds_are_mapped(tmp_path: Path) -> None:
    support = "patient_id,start,stop,kind\n1,2,4,Neupogen\n1,5,5,Albumin\n"
    labs = LABS.replace("2024-01-1", "")
    mapping = DataSection.model_validate(
        {
            "support": {"kinds": {"Neupogen": "gcsf", "Albumin": "ignore"}},
            "labs": {"columns": {"day": "date"}},
        }
    )
    tables = read_tables(folder_of(tmp_path, labs_csv=labs, support_csv=support), mapping)
    assert tables.support.select("start", "kind").rows() == [(2, "gcsf")]


# ---- wide labs


def test_wide_headers_with_units(tmp_path: Path) -> None:
    wide = "patient_id,day,ANC (10^9/L),PLT [10^3/uL],Hb (g/dL),note\n1,0,0.5,20,8,x\n1,1,,30,7,y\n"
    tables = read_tables(folder_of(tmp_path, labs_csv=wide))
    assert sorted(essence(tables.labs.filter(pl.col("invalid").is_null()))) == [
        ("1", 0, "anc", 0.5, "=", "1e9/L", 2),
        ("1", 0, "hemoglobin", 80.0, "=", "g/L", 2),
        ("1", 0, "platelets", 20.0, "=", "1e9/L", 2),
        ("1", 1, "hemoglobin", 70.0, "=", "g/L", 3),
        ("1", 1, "platelets", 30.0, "=", "1e9/L", 3),
    ]


def test_blank_cells_of_a_wide_table_are_no_rows(tmp_path: Path) -> None:
    tables = read_tables(folder_of(tmp_path, labs_csv="patient_id,day,ANC (G/L)\n1,0,\n1,1,0.5\n1,2,n.d.\n"))
    assert tables.labs.select("day", "invalid").rows() == [(1, None), (2, "value missing")]


def test_a_wide_header_without_unit_is_not_judged(tmp_path: Path) -> None:
    wide = "patient_id,day,ANC,CRP\n1,0,500,5\n"
    tables = read_tables(folder_of(tmp_path, labs_csv=wide), mapping_of(default_units={"anc": "/uL"}))
    assert tables.labs.select("analyte", "value", "invalid").rows() == [
        ("anc", 0.5, None),
        ("crp", None, "unit missing"),
    ]


def test_wide_columns_of_the_mapping(tmp_path: Path) -> None:
    wide = "id,day,anc_10e9_L,other\n1,0,0.5,9\n"
    mapping = mapping_of(
        columns={"patient_id": "id"}, wide={"anc": {"column": "anc_10e9_L", "unit": "10^9/L"}}
    )
    assert essence(read_tables(folder_of(tmp_path, labs_csv=wide), mapping).labs) == [
        ("1", 0, "anc", 0.5, "=", "1e9/L", 2)
    ]


def test_a_wide_column_that_the_file_lacks(tmp_path: Path) -> None:
    folder_of(tmp_path, labs_csv="patient_id,day,ANC\n1,0,0.5\n")
    with pytest.raises(MissingColumnError, match=r"labs: column 'NEUT' \(for wide anc\) is not in labs\.csv"):
        read_tables(tmp_path, mapping_of(wide={"anc": {"column": "NEUT", "unit": "G/L"}}))


def test_percent_columns_are_never_counts(tmp_path: Path) -> None:
    tables = read_tables(
        folder_of(tmp_path, labs_csv="patient_id,day,neutrophils(%),WBC (G/L)\n1,0,65,1.0\n")
    )
    assert tables.labs.filter(pl.col("invalid").is_null())["analyte"].to_list() == ["wbc"]


# ---- one file


def test_one_file_needs_neither_patient_nor_day(tmp_path: Path) -> None:
    path = folder_of(tmp_path, x_csv="analyte,value,unit\nANC,0.5,K/uL\nANC,0.5,K/uL\n") / "x.csv"
    labs, findings = read_labs(path)
    assert labs.select("patient_id", "day", "value").rows() == [("", None, 0.5), ("", None, 0.5)]
    absent = findings.filter(pl.col("rule").is_in(["patient_id_absent", "day_absent"]))
    assert absent["severity"].to_list() == ["info", "info"]


def test_one_file_with_days(tmp_path: Path) -> None:
    path = folder_of(tmp_path, x_csv="patient_id,day,analyte,value,unit\n1,4,ANC,0.5,K/uL\n") / "x.csv"
    labs, findings = read_labs(path)
    assert labs["day"].to_list() == [4]
    assert rules_of(findings) == ["file_read"]


def test_one_file_with_dates_counts_from_the_first_when_asked(tmp_path: Path) -> None:
    path = folder_of(tmp_path, x_csv=LABS) / "x.csv"
    assert read_labs(path, DataSection(day_zero="first"))[0]["day"].to_list() == [0, 1]
    assert read_labs(path)[0]["day"].to_list() == [None, None]


def test_one_file_keeps_repeated_rows_also_when_days_are_counted(tmp_path: Path) -> None:
    path = folder_of(tmp_path, x_csv=LABS + LABS.split("\n")[1]) / "x.csv"
    assert read_labs(path, DataSection(day_zero="first"))[0]["day"].to_list() == [0, 1, 0]


def test_the_file_itself_comes_back_with_its_row_numbers(tmp_path: Path) -> None:
    path = folder_of(tmp_path, x_csv="test,value,analyte,unit\na,1,ANC,G/L\nb,2,Glucose,G/L\n") / "x.csv"
    source, labs, _ = read_lab_file(path)
    assert source.rows() == [("a", "1", "ANC", "G/L", 2), ("b", "2", "Glucose", "G/L", 3)]
    assert labs["source_row"].to_list() == [2]


def test_tables_from_one_file_and_named_others(tmp_path: Path) -> None:
    folder_of(tmp_path, export_csv=LABS, e_csv="patient_id,date,kind\n1,2024-01-20,death\n")
    mapping = DataSection.model_validate({"day_zero": "first", "events": {"file": "e.csv"}})
    tables = read_tables(tmp_path / "export.csv", mapping)
    assert tables.labs["day"].to_list() == [0, 1]
    assert tables.events.select("day", "kind").rows() == [(8, "death")]


def test_a_header_alone_is_an_error_finding(tmp_path: Path) -> None:
    tables = read_tables(folder_of(tmp_path, labs_csv="patient_id,day,analyte,value,unit\n"))
    assert "empty_labs" in rules_of(tables.findings)


def test_missing_columns_of_all_tables_come_at_once(tmp_path: Path) -> None:
    folder_of(
        tmp_path,
        labs_csv="patient_id,day,analyte,result,unit\n1,1,ANC,1,K/uL\n",
        events_csv="patient_id,day\n1,1\n",
    )
    with pytest.raises(
        MissingColumnError, match=r"(?s)labs: column 'value' is missing.*events: column 'kind' is missing"
    ):
        read_tables(tmp_path)


def test_a_bad_mapping_value_is_a_protocol_error(tmp_path: Path) -> None:
    (tmp_path / "MAP.toml").write_text('[labs]\ndecimal = "x"')
    with pytest.raises(ProtocolError, match="decimal"):
        read_labs(tmp_path / "labs.csv", tmp_path / "MAP.toml")


def test_loinc_codes_in_the_column_of_analytes(tmp_path: Path) -> None:
    """A code that is only near to one of ours leaves with a note; the mapping can let it count."""
    lines = (
        "patient_id,date,code,value,unit\n1,2024-01-12,751-8,0.4,10*3/uL\n1,2024-01-12,http://loinc.org|718-7,8,g/dL\n"
        "1,2024-01-13,30313-1,9,g/dL\n1,2024-01-13,Hb,9.5,g/dL\n"
    )
    folder = folder_of(tmp_path, labs_csv=lines, infusions_csv=INFUSIONS)
    columns = {"analyte": "code"}
    tables = read_tables(folder, mapping_of(columns=columns))
    assert tables.labs.select("day", "analyte", "value", "source_row").rows() == [
        (2, "anc", 0.4, 2),
        (2, "hemoglobin", 80.0, 3),
        (3, "hemoglobin", 95.0, 5),
    ]
    assert "code 30313-1 is near to hemoglobin (arterial blood;" in message_of(tables.findings, "code_apart")
    mapped = read_tables(folder, mapping_of(columns=columns, analytes={"30313-1": "hemoglobin"}))
    assert mapped.labs["value"].to_list() == [0.4, 80.0, 90.0, 95.0]
