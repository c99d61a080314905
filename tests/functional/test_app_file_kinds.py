"""Files of every kind that is read arrive in the app, are recognized or proposed, and can be checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from pathlib import Path

import polars as pl
import pyreadstat
import pytest
import xlsxwriter

from app_forms import FormPage, name_of
from app_server import RunningApp, Visitor, run_app
from fhir_factory import infusion, observation, patient, write_export

IRIS = Path("/usr/lib/R/site-library/haven/examples/iris.sas7bdat")

# Synthetic: two invented patients, days from infusion.
ROWS = [("P1", 0, 9.1, 1.2), ("P1", 7, 8.4, 0.2), ("P2", 0, 10.2, 2.2), ("P2", 9, 7.7, 0.1)]
HEADINGS = ("ID", "Day", "Hb", "ANC")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningApp]:
    with run_app(tmp_path_factory.mktemp("studies")) as app:
        yield app


@pytest.fixture
def visitor(running: RunningApp) -> Visitor:
    return running.visit()


def make_frame() -> pl.DataFrame:
    return pl.DataFrame(ROWS, schema=list(HEADINGS), orient="row")


def write_text(mark: str) -> Callable[[Path], None]:
    lines = [mark.join(HEADINGS), *(mark.join(map(str, row)) for row in ROWS)]
    return lambda path: path.write_text("\n".join(lines) + "\n", encoding="utf-8") and None


def write_workbook(path: Path) -> None:
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Export")
    sheet.write(0, 0, "Ward 7, blood counts")
    for place, row in enumerate([HEADINGS, *ROWS]):
        sheet.write_row(place + 2, 0, row)
    book.close()


def write_parquet(path: Path) -> None:
    make_frame().write_parquet(path)


def write_statistics(write: Callable[..., None]) -> Callable[[Path], None]:
    return lambda path: write(make_frame().to_pandas(), str(path))


KINDS: dict[str, Callable[[Path], None]] = {
    "counts.csv": write_text(","),
    "counts.tsv": write_text("\t"),
    "counts.txt": write_text(";"),
    "counts.xlsx": write_workbook,
    "counts.parquet": write_parquet,
    "counts.sav": write_statistics(pyreadstat.write_sav),
    "counts.dta": write_statistics(pyreadstat.write_dta),
    "counts.xpt": write_statistics(pyreadstat.write_xport),
}


def bring(visitor: Visitor, study: str, *files: Path) -> None:
    assert visitor.send_form("/studies", name=study, kind="empty").status == 303
    for file in files:
        assert visitor.upload(f"/studies/{study}/files/{file.name}", file.read_bytes()).status == 201


@pytest.mark.parametrize("name", KINDS)
def test_a_foreign_table_arrives_is_proposed_and_checked(
    visitor: Visitor, running: RunningApp, tmp_path: Path, name: str
) -> None:
    KINDS[name](tmp_path / name)
    study = name.replace(".", "-")
    bring(visitor, study, tmp_path / name)
    base = f"/studies/{study}"
    assert "Propose how these files are read" in visitor.ask("GET", base).text
    page = FormPage(visitor.ask("GET", f"{base}/mapping"))
    assert page.find("becomes", "labs", "columns", "ID").chosen == "column:patient_id"
    assert page.find("becomes", "labs", "columns", "Day").chosen == "column:day"
    assert page.find("becomes", "labs", "columns", "ANC").chosen == "measure:anc"
    chosen = {
        name_of("unit", "labs", "wide", "Hb"): "g/dL",
        name_of("unit", "labs", "wide", "ANC"): "10^9/L",
    }
    assert page.send(visitor, f"{base}/mapping", "take", **chosen).status == 303
    assert name in (running.folder / study / "study.toml").read_text("utf-8")
    assert visitor.send_form(f"{base}/check").status == 303
    checked = visitor.ask("GET", f"{base}/check").text
    assert list_units(checked) == [("10^9/L", "4", "4"), ("g/dL", "4", "4")]


def list_units(page: str) -> list[tuple[str, str, str]]:
    """Printed unit, rows and judged rows, as the table of units has them."""
    table = page[page.index('id="units-found"') :].partition("</table>")[0]
    rows = re.findall(r'<th scope="row"[^>]*>(.*?)</th>(.*?)</tr>', table, re.DOTALL)
    cells = [(unit, re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)) for unit, row in rows]
    return [(unit.strip(), row[0].strip(), row[2].strip()) for unit, row in cells]


def test_fhir_is_recognized_and_checked(visitor: Visitor, tmp_path: Path) -> None:
    folder = tmp_path / "bulk"
    write_export(
        folder,
        patient(),
        infusion(),
        observation("751-8", 0.4, "10*9/L"),
        observation("718-7", 8.1, "g/dL", effectiveDateTime="2024-01-15"),
    )
    bring(visitor, "fhir", *sorted(folder.glob("*.ndjson")))
    assert "Propose how these files are read" not in visitor.ask("GET", "/studies/fhir").text
    page = FormPage(visitor.ask("GET", "/studies/fhir/mapping"))
    assert "None of the tables here comes from a file with columns" in page.reply.text
    typed = '[data]\nfolder = "."\n[data.fhir.codes]\n"http://example.org/procedures|CART" = "infusion"\n'
    shown = page.send(visitor, "/studies/fhir/mapping", "show", text=typed)
    assert shown.status == 200
    assert list_units(shown.text) == [("10*9/L", "1", "1"), ("g/dL", "1", "1")]
    assert FormPage(shown).send(visitor, "/studies/fhir/mapping", "take").status == 303
    assert visitor.send_form("/studies/fhir/check").status == 303
    assert 'class="panel-title"' in visitor.ask("GET", "/studies/fhir/check").text


@pytest.mark.skipif(not IRIS.is_file(), reason="the examples of the R package haven are not installed")
def test_a_sas_data_set_arrives_and_nothing_is_made_of_flowers(visitor: Visitor) -> None:
    bring(visitor, "sas", IRIS)
    reply = visitor.ask("GET", "/studies/sas/mapping?from=files")
    assert reply.status == 200
    assert "No laboratory values were found" in reply.text


def test_a_file_of_another_kind_is_refused(visitor: Visitor) -> None:
    assert visitor.send_form("/studies", name="odd", kind="empty").status == 303
    assert visitor.upload("/studies/odd/files/run.exe", b"MZ").status == 422
