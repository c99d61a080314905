"""Files of SPSS, Stata and SAS: labels, missing values, dates, cut and mislabeled files. Ids are invented."""

from __future__ import annotations

import datetime as dt
import struct
from pathlib import Path
from typing import Any

import polars as pl
import pyreadstat
import pytest

from cytopenia.errors import ReaderError
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.source_table import SourceTable
from cytopenia.readers.sources import read_tables
from cytopenia.readers.statistics_files import read_statistics_file

SEX = {1: "male", 2: "female", 9: "unknown"}
PATIENTS = pl.DataFrame({"patient_id": [101.0, 102.0, 103.0, 104.0], "sex": [1.0, 2.0, 9.0, 0.0]})
IRIS = Path("/usr/lib/R/site-library/haven/examples")


def found(source: SourceTable, rule: str) -> list[str]:
    return [finding.message for finding in source.findings if finding.rule == rule]


def write_sav(path: Path, frame: pl.DataFrame, **says: Any) -> Path:
    pyreadstat.write_sav(frame, path, **says)
    return path


def write_xpt(path: Path, frame: pl.DataFrame, **says: Any) -> Path:
    pyreadstat.write_xport(frame, path, file_format_version=5, **says)
    return path


# ---- labels


@pytest.mark.parametrize("suffix", [".sav", ".dta"])
def test_a_code_with_a_label_is_its_label(tmp_path: Path, suffix: str) -> None:
    write = pyreadstat.write_sav if suffix == ".sav" else pyreadstat.write_dta
    write(PATIENTS, tmp_path / f"patients{suffix}", variable_value_labels={"sex": SEX})
    source = read_statistics_file(tmp_path / f"patients{suffix}", "patients")
    assert source.frame["sex"].to_list() == ["male", "female", "unknown", "0"]
    assert source.frame["source_row"].to_list() == [2, 3, 4, 5]
    assert found(source, "value_labels") == [
        "patients: sex: codes are read as their labels (1 = male, 2 = female, 9 = unknown). "
        "Name the column in keep_codes of the mapping to read its codes instead."
    ]
    (unlabeled,) = found(source, "code_without_label")
    assert "in 1 of 4 rows (row 5)" in unlabeled


def test_codes_are_kept_where_the_mapping_says_so(tmp_path: Path) -> None:
    path = write_sav(tmp_path / "patients.sav", PATIENTS, variable_value_labels={"sex": SEX})
    source = read_statistics_file(path, "patients", keep_codes=("sex",))
    assert source.frame["sex"].to_list() == [1.0, 2.0, 9.0, 0.0]
    assert source.findings == ()
    with pytest.raises(ReaderError, match=r"patients\.sav: keep_codes names 'gender', which is no column"):
        read_statistics_file(path, "patients", keep_codes=("gender",))


def test_two_codes_of_one_label_are_a_warning(tmp_path: Path) -> None:
    says = {"sex": {1: "male", 2: "male", 9: "unknown", 0: "none"}}
    path = write_sav(tmp_path / "patients.sav", PATIENTS, variable_value_labels=says)
    (shared,) = found(read_statistics_file(path, "patients"), "shared_label")
    assert "several codes have the label 'male'" in shared


def test_labels_of_codes_that_do_not_occur_change_nothing(tmp_path: Path) -> None:
    path = write_sav(tmp_path / "p.sav", PATIENTS, variable_value_labels={"patient_id": {7: "seven"}})
    source = read_statistics_file(path, "patients")
    assert source.frame["patient_id"].to_list() == [101.0, 102.0, 103.0, 104.0]
    assert source.findings == ()


# ---- missing values; 0 is none of them


def test_what_spss_declares_as_missing_is_missing_and_named(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "value": [0.0, -99.0, -95.0, None],
            "sex": [0.0, 9.0, 1.0, 1.0],
            "stage": ["II", "xx", "", "III"],
            "d": [dt.date(2024, 1, 5), dt.date(1900, 1, 1), None, dt.date(2024, 1, 6)],
        }
    )
    seconds = float((dt.date(1900, 1, 1) - dt.date(1582, 10, 14)).days * 86_400)
    path = write_sav(
        tmp_path / "labs.sav",
        frame,
        variable_value_labels={"sex": SEX},
        missing_ranges={"value": [{"lo": -99, "hi": -90}], "sex": [9], "stage": ["xx"], "d": [seconds]},
    )
    source = read_statistics_file(path, "labs")
    assert source.frame["value"].to_list() == [0.0, None, None, None]
    assert source.frame["sex"].to_list() == ["0", None, "male", "male"]
    assert source.frame["stage"].to_list() == ["II", None, None, "III"]
    assert source.frame["d"].to_list() == [dt.date(2024, 1, 5), None, None, dt.date(2024, 1, 6)]
    declared = found(source, "declared_missing")
    assert declared[0] == (
        "labs: value: -99 to -90 is declared as missing by the file and is read as missing in 2 of 4 rows "
        "(rows 3, 4)."
    )
    assert "sex: 9 (unknown) is declared as missing" in declared[1]
    assert "stage: xx is declared as missing" in declared[2]
    assert "d: 1900-01-01 is declared as missing" in declared[3]
    assert len(declared) == 4


def test_a_time_of_day_declared_as_missing(tmp_path: Path) -> None:
    drawn = dt.datetime(1900, 1, 1, 6)
    frame = pl.DataFrame({"at": [drawn, dt.datetime(2024, 1, 5, 6)], "time": [dt.time(0), dt.time(6)]})
    seconds = (drawn - dt.datetime(1582, 10, 14)).total_seconds()
    path = write_sav(tmp_path / "labs.sav", frame, missing_ranges={"at": [seconds], "time": [0]})
    source = read_statistics_file(path, "labs")
    assert source.frame["at"].to_list() == [None, dt.datetime(2024, 1, 5, 6)]
    assert source.frame["time"].to_list() == [None, dt.time(6)]
    assert "at: 1900-01-01 06:00:00 is declared" in found(source, "declared_missing")[0]


def test_the_lettered_missing_values_of_stata_are_named(tmp_path: Path) -> None:
    cells = pl.DataFrame({"v": pl.Series([0, 2, "a", "b"], dtype=pl.Object)})
    pyreadstat.write_dta(cells, tmp_path / "labs.dta", missing_user_values={"v": ["a", "b"]})
    source = read_statistics_file(tmp_path / "labs.dta", "labs")
    assert source.frame["v"].to_list() == [0.0, 2.0, None, None]
    declared = found(source, "declared_missing")
    assert "v: .a is declared as missing" in declared[0]
    assert "v: .b is declared as missing" in declared[1]


# ---- numbers and dates


def test_a_single_precision_number_of_stata_is_the_decimal_that_was_typed(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    labs = pandas.DataFrame(
        {
            "patient_id": ["A"] * 3,
            "day": [1, 2, 3],
            "analyte": ["ANC"] * 3,
            "value": pandas.array([0.35, 0.1, 1.9], dtype="float32"),
            "unit": ["K/uL"] * 3,
        }
    )
    labs.to_stata(tmp_path / "labs.dta", write_index=False)
    assert read_tables(tmp_path).labs["value"].to_list() == [0.35, 0.1, 1.9]


def shorten_numbers(path: Path, width: int) -> None:
    """A transport file of one numeric column as SAS writes it with `length v 4;`: its last bytes are cut."""
    data = path.read_bytes()
    names = data.index(b"HEADER RECORD*******NAMESTR") + 80
    start = data.index(b"HEADER RECORD*******OBS ") + 80
    head = bytearray(data[:start])
    struct.pack_into(">h", head, names + 4, width)
    body = data[start:]
    rows = [body[place : place + 8] for place in range(0, len(body) - 7, 8)]
    cut = b"".join(row[:width] for row in rows if row.strip(b" "))
    path.write_bytes(bytes(head) + cut + b" " * (-len(cut) % 80))


def test_a_number_stored_in_four_bytes_is_the_decimal_that_was_typed(tmp_path: Path) -> None:
    typed = [0.35, 0.1, 1.9, 123.5, 99.99, 450.0, 0.0, None, -2.7]
    path = write_xpt(tmp_path / "labs.xpt", pl.DataFrame({"V": typed}))
    shorten_numbers(path, 4)
    as_read, _ = pyreadstat.read_xport(path, output_format="polars")
    assert as_read["V"][0] != 0.35
    source = read_statistics_file(path, "labs")
    assert source.frame["V"].to_list() == typed
    (message,) = found(source, "shortened_numbers")
    assert "numbers are stored in 4 of 8 bytes" in message


def test_a_date_that_no_calendar_has_is_an_error(tmp_path: Path) -> None:
    path = write_sav(tmp_path / "l.sav", pl.DataFrame({"d": [1e15]}), variable_format={"d": "DATE11"})
    with pytest.raises(ReaderError, match=r"l\.sav: a column of dates holds a number that is no date"):
        read_statistics_file(path, "labs")


# ---- the same table, whatever the program


def labs_of(write: Any, path: Path) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "id": ["A-1", "A-1", "B-2"],
            "drawn": [dt.date(2024, 1, 12), dt.date(2024, 1, 13), dt.date(2024, 1, 12)],
            "test": ["ANC", "Hb", "PLT"],
            "result": ["0.35", "<8", "0"],
            "unit": ["K/uL", "g/dL", "10^9/L"],
        }
    )
    write(frame, path)
    infusion = "patient_id,infusion_date\nA-1,2024-01-10\nB-2,2024-01-11\n"
    (path.parent / "infusions.csv").write_text(infusion, "utf-8")
    names = {"patient_id": "id", "date": "drawn", "analyte": "test", "value": "result"}
    return read_tables(path.parent, DataSection.model_validate({"labs": {"columns": names}})).labs


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("labs.csv", lambda frame, path: frame.write_csv(path)),
        ("labs.sav", pyreadstat.write_sav),
        ("labs.zsav", lambda frame, path: pyreadstat.write_sav(frame, path, compress=True)),
        ("labs.dta", pyreadstat.write_dta),
        ("labs.xpt", lambda frame, path: write_xpt(path, frame)),
    ],
)
def test_the_same_patients_give_the_same_labs(tmp_path: Path, name: str, write: Any) -> None:
    labs = labs_of(write, tmp_path / name)
    assert labs.select(
        "patient_id", "day", "analyte", "comparator", "value", "unit", "source_row"
    ).rows() == [
        ("A-1", 2, "anc", "=", 0.35, "1e9/L", 2),
        ("A-1", 3, "hemoglobin", "<", 80.0, "g/L", 3),
        ("B-2", 1, "platelets", "=", 0.0, "1e9/L", 4),
    ]


# ---- files that are not what they say


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"labs\.sav: the file is empty"),
        (b"patient_id,day\n1,2\n", r"labs\.sav: is no SPSS file by its content"),
        (b"<stata_dta><header>", r"labs\.sav: is a Stata file by its content\. Rename it to end with \.dta"),
    ],
)
def test_a_mislabeled_file_is_named_for_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "labs.sav").write_bytes(content)
    with pytest.raises(ReaderError, match=words):
        read_statistics_file(tmp_path / "labs.sav", "labs")


LONG = pl.DataFrame({"V": [float(number) for number in range(1, 101)], "N": ["unit"] * 100})


@pytest.mark.parametrize("left", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("suffix", [".sav", ".dta", ".xpt"])
def test_a_cut_file_is_never_read_as_a_shorter_one(tmp_path: Path, suffix: str, left: float) -> None:
    path = tmp_path / f"labs{suffix}"
    writers = {".sav": pyreadstat.write_sav, ".dta": pyreadstat.write_dta, ".xpt": pyreadstat.write_xport}
    writers[suffix](LONG, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * left)])
    with pytest.raises(
        ReaderError, match=rf"labs\{suffix}: (ends before its last row|cannot be read as a S)"
    ):
        read_statistics_file(path, "labs")


def test_a_transport_file_cut_between_records_inside_a_row_is_refused(tmp_path: Path) -> None:
    path = write_xpt(tmp_path / "labs.xpt", LONG)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(ReaderError, match="ends before its last row"):
        read_statistics_file(path, "labs")


def test_a_transport_file_of_two_tables_is_refused(tmp_path: Path) -> None:
    """The library reads the headers of the second as numbers."""
    path = write_xpt(tmp_path / "labs.xpt", LONG)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[240:])
    with pytest.raises(ReaderError, match=r"labs\.xpt: the file holds 2 tables"):
        read_statistics_file(path, "labs")


def test_text_in_another_encoding_must_be_stated(tmp_path: Path) -> None:
    path = write_xpt(tmp_path / "labs.xpt", pl.DataFrame({"N": ["Müller 1", "Mueller"]}))
    path.write_bytes(path.read_bytes().replace("Müller 1".encode(), b"M\xfcller 1 "))
    with pytest.raises(ReaderError, match=r'in another encoding.*encoding = "cp1252"'):
        read_statistics_file(path, "labs")
    assert read_statistics_file(path, "labs", encoding="cp1252").frame["N"][0] == "Müller 1"
    with pytest.raises(ReaderError, match=r"labs\.xpt: encoding 'klingon' is unknown"):
        read_statistics_file(path, "labs", encoding="klingon")


def test_spss_text_that_is_not_what_the_file_declares_is_never_read_as_blank(tmp_path: Path) -> None:
    path = write_sav(tmp_path / "labs.sav", pl.DataFrame({"N": ["Müller 1", "", "Mueller"]}))
    assert read_statistics_file(path, "labs").frame["N"].to_list() == ["Müller 1", None, "Mueller"]
    path.write_bytes(path.read_bytes().replace("Müller 1".encode(), b"M\xfcller 1 "))
    with pytest.raises(ReaderError, match=r"labs\.sav: holds text in another encoding"):
        read_statistics_file(path, "labs")
    assert read_statistics_file(path, "labs", encoding="cp1252").frame["N"][0] == "Müller 1"


@pytest.mark.skipif(not IRIS.is_dir(), reason="the examples of the R package haven are not installed")
@pytest.mark.parametrize(("suffix", "rows"), [(".sas7bdat", 150), (".dta", 150), (".sav", 150)])
def test_a_data_set_of_another_writer(suffix: str, rows: int) -> None:
    frame = read_statistics_file(IRIS / f"iris{suffix}", "labs").frame
    assert frame.height == rows
    assert [round(float(number), 1) for number in frame.row(0)[:4]] == [5.1, 3.5, 1.4, 0.2]
    assert frame.row(0)[4] == "setosa"


@pytest.mark.skipif(not IRIS.is_dir(), reason="the examples of the R package haven are not installed")
def test_a_cut_sas_data_set(tmp_path: Path) -> None:
    whole = (IRIS / "iris.sas7bdat").read_bytes()
    (tmp_path / "labs.sas7bdat").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        ReaderError, match=r"labs\.sas7bdat: (ends before its last row|cannot be read as a SAS)"
    ):
        read_statistics_file(tmp_path / "labs.sas7bdat", "labs")
