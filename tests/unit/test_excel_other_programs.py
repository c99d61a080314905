"""The same sheets, saved by another program: .xlsx, .ods and .xls of LibreOffice."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from workbook_files import EXPECTED, LAYOUT, MERGES, TITLED, essence, messages, read, write_workbook

pytestmark = pytest.mark.long

PLAIN = [
    ["patient_id", "date", "time", "ANC (G/L)", "Hb (g/dL)"],
    ["P1", "=DATE(2024,1,31) -> 45322", None, 0.5, "=1/0 -> #DIV/0!"],
    ["P2", "2024-02-01", None, "<0.1", 9.25],
    ["P3", "2024-02-02", None, 0, "=4*2 -> 8"],
]
# This program stores 0 as the result of a formula in .xls, and nothing in the file tells.
AS_XLS = [*PLAIN[:3], ["P3", "2024-02-02", None, 0, 8]]


def convert(path: Path, kind: str, find: Callable[[str], str]) -> Path:
    profile = f"-env:UserInstallation={(path.parent / 'profile').as_uri()}"
    folder = path.parent / "converted"
    command = [
        find("soffice"),
        profile,
        "--headless",
        "--convert-to",
        kind,
        "--outdir",
        str(folder),
        str(path),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    made = folder / f"{path.stem}.{kind}"
    if not made.exists():
        pytest.fail("nothing was converted; libreoffice-calc-nogui stands in .ci/apt-packages.txt")
    return made


@pytest.mark.parametrize("kind", ["xlsx", "ods", "xls"])
def test_titles_and_merged_headings(kind: str, tmp_path: Path, find_program: Callable[[str], str]) -> None:
    path = convert(write_workbook(tmp_path / "x.xlsx", {"S": TITLED}, merges=MERGES), kind, find_program)
    labs, findings = read(path, **LAYOUT)
    assert essence(labs) == EXPECTED
    spread = messages(findings, "headings_spread")
    assert len(spread) == (0 if kind == "xlsx" else 1)


@pytest.mark.parametrize("kind", ["xlsx", "ods", "xls"])
def test_a_plain_table(kind: str, tmp_path: Path, find_program: Callable[[str], str]) -> None:
    path = convert(
        write_workbook(tmp_path / "x.xlsx", {"S": AS_XLS if kind == "xls" else PLAIN}), kind, find_program
    )
    labs, findings = read(path)
    table = labs.select("patient_id", pl.col("analyte").cast(pl.String), "comparator", "value", "invalid")
    assert sorted(row for row in table.rows() if row[4] is None) == [
        ("P1", "anc", "=", 0.5, None),
        ("P2", "anc", "<", 0.1, None),
        ("P2", "hemoglobin", "=", 92.5, None),
        ("P3", "anc", "=", 0.0, None),
        ("P3", "hemoglobin", "=", 80.0, None),
    ]
    rule = "error_cells" if kind == "xlsx" else "workbook_not_checked"
    assert messages(findings, rule)
