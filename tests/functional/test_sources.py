"""The same study from other kinds of files gives the same patients, to the byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from quick_reports import finish_run
from study_files import COUNTS, change, list_labs, write_labs, write_study

pytestmark = pytest.mark.usefixtures("tables_alone")

Change = Callable[[Path], None]
COLUMNS = ("patient_id", "day", "analyte", "value", "unit", "lln")


def as_tsv(folder: Path) -> None:
    (folder / "labs.csv").unlink()
    write_labs(folder / "labs.tsv", separator="\t")


def with_decimal_comma(folder: Path) -> None:
    write_labs(folder / "labs.csv", separator=";", decimal=",")


def as_parquet(folder: Path) -> None:
    rows = [(*row[:3], float(row[3]), row[4], float(row[5])) for row in list_labs()]
    pl.DataFrame(rows, schema=COLUMNS, orient="row").write_parquet(folder / "labs.parquet")
    (folder / "labs.csv").unlink()


def as_excel(folder: Path) -> None:
    rows = [(*row[:3], float(row[3]), row[4], float(row[5])) for row in list_labs()]
    pl.DataFrame(rows, schema=COLUMNS, orient="row").write_excel(folder / "labs.xlsx")
    (folder / "labs.csv").unlink()


def as_wide(folder: Path) -> None:
    lines = ["patient_id,day,ANC (10^9/L),Hb (g/dL),Platelets [10^9/L]"]
    lines += [f"{who},{day},{anc},{hb / 10},{plt}" for (who, day), (anc, hb, plt) in COUNTS.items()]
    (folder / "labs.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    state_limits(folder)


def state_limits(folder: Path) -> None:
    change(
        folder / "study.toml",
        'folder = "."',
        'folder = "."\n[data.labs.lln]\nanc = { value = 2.0, unit = "10^9/L" }\n'
        'hemoglobin = { value = 12, unit = "g/dL" }\nplatelets = { value = 150, unit = "10^9/L" }',
    )


def under_other_names(folder: Path) -> None:
    text = (folder / "labs.csv").read_text("utf-8")
    text = text.replace("patient_id,day,analyte,value,unit,lln", "MRN,Tag,Test,Result,Unit,Low")
    (folder / "labs.csv").unlink()
    (folder / "export.csv").write_text(text.replace(",ANC,", ",Segs+Stabs,"), encoding="utf-8")
    change(
        folder / "study.toml",
        'folder = "."',
        'folder = "."\n[data.labs]\nfile = "export.csv"\n'
        'columns = { patient_id = "MRN", day = "Tag", analyte = "Test", value = "Result", unit = "Unit",'
        ' lln = "Low" }\n'
        'analytes = { "Segs+Stabs" = "anc" }',
    )


def with_noise(folder: Path) -> None:
    text = (folder / "labs.csv").read_text("utf-8")
    text += "A,7,ANC,0.31,10^9/L,2.0\nA,7,Sodium,140,mmol/L,135\nB,14,ANC,n.d.,10^9/L,2.0\n"
    (folder / "labs.csv").write_text("\ufeff" + text.replace("\n", "\r\n"), encoding="utf-8")


CHANGES: list[Change] = [
    as_tsv,
    with_decimal_comma,
    as_parquet,
    as_excel,
    as_wide,
    under_other_names,
    with_noise,
]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    results = finish_run(write_study(tmp_path_factory.mktemp("sources") / "cohort"))
    return (results / "patients.csv").read_bytes()


@pytest.mark.parametrize("write", CHANGES, ids=lambda change: change.__name__)
def test_the_kind_of_file_does_not_matter(write: Change, expected: bytes, command, study: Path) -> None:
    write(study)
    assert command("run", study).code == 0
    assert (study / "results" / "patients.csv").read_bytes() == expected


def test_the_encoding_can_be_stated(expected: bytes, command, study: Path) -> None:
    text = (study / "patients.csv").read_text("utf-8").replace("male", "männlich")
    (study / "patients.csv").write_bytes(text.encode("cp1252"))
    change(study / "study.toml", 'folder = "."', 'folder = "."\n[data.patients]\nencoding = "cp1252"')
    assert command("run", study).code == 0
    assert (study / "results" / "patients.csv").read_bytes() == expected
    assert "männlich" in (study / "results" / "results.csv").read_text("utf-8")


def test_one_workbook_holds_all_tables(expected: bytes, command, study: Path, tmp_path: Path) -> None:
    import xlsxwriter

    workbook = tmp_path / "book" / "cohort.xlsx"
    workbook.parent.mkdir()
    with xlsxwriter.Workbook(str(workbook)) as book:
        for name in ("labs", "patients", "infusions", "events", "support"):
            table = pl.read_csv(study / f"{name}.csv", try_parse_dates=True)
            table.write_excel(book, worksheet=name)
    (workbook.parent / "study.toml").write_bytes((study / "study.toml").read_bytes())
    assert command("run", workbook.parent).code == 0
    assert (workbook.parent / "results" / "patients.csv").read_bytes() == expected
