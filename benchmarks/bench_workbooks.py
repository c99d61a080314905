"""Read a large Excel export, and say how long it took and how much memory.

Run `python benchmarks/bench_workbooks.py --help`. The workbook is written first, with random but fixed cells
(synthetic; three sheets of rows as a laboratory system exports them), and kept for the next run. Each way to
read it runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
import zipfile
from pathlib import Path

HERE = Path(__file__)
sys.path.insert(0, str(HERE.parent / "race"))

from harness import memory_peak  # noqa: E402 - its folder comes first

HEADINGS = ["patient_id", "date", "analyte", "value", "unit", "order", "laboratory", "comment"]
WAYS = {
    "library, one sheet": "the library alone, types by all rows",
    "plain, one sheet": "headings in the first row",
    "title, one sheet": "the same sheet with header = 1 and last_row, all cells as text",
    "plain, all sheets": 'sheets = ["*"]',
}


def write_export(path: Path, *, sheets: int, rows: int) -> None:
    """A workbook of a spreadsheet library whose sheets are then filled as text, which is much faster."""
    import xlsxwriter

    frame = path.with_name(f"frame-{path.name}")
    with xlsxwriter.Workbook(frame) as book:
        shown = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for place in range(sheets):
            book.add_worksheet(str(2020 + place)).write_number(0, 0, 0, shown)
    rng = random.Random(20261129)
    with zipfile.ZipFile(frame) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if not name.startswith("xl/worksheets/sheet"):
                new.writestr(name, old.read(name))
                continue
            before, rest = old.read(name).split(b"<sheetData>")
            after = rest.partition(b"</sheetData>")[2]
            with new.open(name, "w") as sheet:
                sheet.write(before + b"<sheetData>" + _write_row(1, HEADINGS, rng).encode())
                for start in range(2, rows + 2, 10_000):
                    lines = (
                        _write_row(row, None, rng) for row in range(start, min(start + 10_000, rows + 2))
                    )
                    sheet.write("".join(lines).encode())
                sheet.write(b"</sheetData>" + after)
    frame.unlink()


def _write_row(row: int, texts: list[str] | None, rng: random.Random) -> str:
    if texts is None:
        low = rng.random() < 0.01
        value = "<0.1" if low else f"{rng.random() * 10:.2f}"
        analyte = rng.choice(("ANC", "Hb", "PLT", "WBC"))
        texts = [f"P{rng.randrange(5000):05d}", f"{44000 + rng.random() * 900:.6f}", analyte, value, "10^9/L"]
        texts += [f"{rng.getrandbits(64):016x}", "Central laboratory", f"{rng.getrandbits(128):032x}"]
        numbers = {1} if low else {1, 3}
    else:
        numbers = set[int]()
    cells: list[str] = []
    for place, text in enumerate(texts):
        letter = "ABCDEFGH"[place]
        if place in numbers:
            style = ' s="1"' if place == 1 else ""
            cells.append(f'<c r="{letter}{row}"{style}><v>{text}</v></c>')
        else:
            shown = text.replace("<", "&lt;")
            cells.append(f'<c r="{letter}{row}" t="inlineStr"><is><t>{shown}</t></is></c>')
    return f'<row r="{row}">{"".join(cells)}</row>'


def measure_here(path: Path, way: str, rows: int) -> None:
    """Read in this process and print the figures as JSON."""
    start = time.perf_counter()
    if way.startswith("library"):
        import fastexcel

        reader = fastexcel.read_excel(path)
        found = reader.load_sheet_by_name(reader.sheet_names[0], schema_sample_rows=None).to_polars().height
    else:
        from cytopenia.readers.mapping_forms import TableMapping
        from cytopenia.readers.workbook_tables import read_workbook_table

        asked = {
            "plain, one sheet": {"sheet": "2020"},
            "title, one sheet": {"sheet": "2020", "header": 1, "last_row": rows + 1},
            "plain, all sheets": {"sheets": ["*"]},
        }[way]
        found = read_workbook_table("labs", path, TableMapping.model_validate(asked)).frame.height
    seconds = time.perf_counter() - start
    print(
        json.dumps(
            {"seconds": seconds, "processor": time.process_time(), "peak": memory_peak(), "rows": found}
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=800_000)
    parser.add_argument("--sheets", type=int, default=3)
    parser.add_argument("--file", type=Path, default=HERE.with_name("export.xlsx"))
    parser.add_argument("--only", help="one way, in this process")
    asked = parser.parse_args()
    if asked.only:
        measure_here(asked.file, asked.only, asked.rows)
        return
    if not asked.file.exists():
        write_export(asked.file, sheets=asked.sheets, rows=asked.rows)
    with zipfile.ZipFile(asked.file) as archive:
        unfolded = sum(part.file_size for part in archive.infolist())
    print(
        f"{asked.file.stat().st_size / 1e6:.0f} MB, unfolded {unfolded / 1e6:.0f} MB, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    print("| way | wall, s | processor, s | peak, MB | rows |\n|---|---:|---:|---:|---:|")
    for way in WAYS:
        command = [
            sys.executable,
            str(HERE),
            "--only",
            way,
            "--file",
            str(asked.file),
            "--rows",
            str(asked.rows),
        ]
        answer = json.loads(
            subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
        )
        seconds, used, peak = answer["seconds"], answer["processor"], answer["peak"] / 1e6
        print(f"| {way} | {seconds:.1f} | {used:.1f} | {peak:.0f} | {answer['rows']:,} |")


if __name__ == "__main__":
    main()
