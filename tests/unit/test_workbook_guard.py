"""Bombs, liars, protected and disguised workbooks are refused in words before they are opened."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from cytopenia.errors import ReaderError
from cytopenia.readers.excel import read_cells
from cytopenia.readers.sheet_marks import Merge, scan_sheet
from cytopenia.readers.workbook_guard import check_workbook

MB = 1 << 20


def write_plain(path: Path) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        for row in range(200):
            sheet.write_row(row, 0, [f"P{row:04d}", row / 7, "K/uL"])
    return path


def repack(path: Path, changed: dict[str, bytes], *, out: Path) -> Path:
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changed.get(name, old.read(name)))
        for name in changed.keys() - set(old.namelist()):
            new.writestr(name, changed[name])
    return out


def lie_about(path: Path, part: str, size: int) -> None:
    """Another size in the directory at the end of the file, and in the heading of the part."""
    data = bytearray(path.read_bytes())
    name = part.encode()
    for mark, place, at in ((b"PK\x01\x02", 24, 46), (b"PK\x03\x04", 22, 30)):
        start = data.find(mark)
        while start >= 0:
            if data[start + at : start + at + len(name)] == name:
                struct.pack_into("<I", data, start + place, size)
            start = data.find(mark, start + 4)
    path.write_bytes(bytes(data))


def refused(path: Path, sheet: str = "S") -> str:
    with pytest.raises(ReaderError, match=rf"^{path.name}: ") as caught:
        read_cells(path, sheet)
    return str(caught.value)


@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/media/image1.png", "content.xml"]
)
def test_a_part_that_unfolds_out_of_proportion(tmp_path: Path, part: str) -> None:
    kind = ".ods" if part == "content.xml" else ".xlsx"
    bomb = repack(write_plain(tmp_path / "a.xlsx"), {part: b" " * (120 * MB)}, out=tmp_path / f"bomb{kind}")
    assert bomb.stat().st_size < MB
    assert "that unfold to 126 MB; allowed: 200 times the size of the file" in refused(bomb)


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"])
@pytest.mark.parametrize("size", [10, 100_000])
def test_a_directory_that_lies_about_a_size(tmp_path: Path, part: str, size: int) -> None:
    path = write_plain(tmp_path / "lie.xlsx")
    lie_about(path, part, size)
    assert "has another size than the directory" in (text := refused(path)) or "other sizes than" in text


def test_a_bomb_that_says_it_is_small(tmp_path: Path) -> None:
    sheet = "xl/worksheets/sheet1.xml"
    path = repack(
        write_plain(tmp_path / "a.xlsx"), {sheet: b"<worksheet>" + b" " * (120 * MB)}, out=tmp_path / "b.xlsx"
    )
    lie_about(path, sheet, 5000)
    assert "another size than the directory" in refused(path)


def test_parts_that_overlap(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "overlap.xlsx")
    data = bytearray(path.read_bytes())
    start = data.find(b"PK\x01\x02")
    while start >= 0:
        struct.pack_into("<I", data, start + 20, len(data))
        start = data.find(b"PK\x01\x02", start + 4)
    path.write_bytes(bytes(data))
    assert "its directory contradicts itself" in refused(path)


@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "xl/workbook.xml"])
def test_entities_are_refused(tmp_path: Path, part: str) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    path = write_plain(tmp_path / "a.xlsx")
    with zipfile.ZipFile(path) as archive:
        body = archive.read(part).partition(b"?>")[2]
    head = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "lol">{levels}]>'.encode()
    text = refused(repack(path, {part: head + body}, out=tmp_path / "entities.xlsx"))
    assert "declares entities, which no spreadsheet program writes" in text


def test_a_protected_workbook(tmp_path: Path) -> None:
    path = tmp_path / "locked.xlsx"
    directory = "Root Entry".encode("utf-16-le") + bytes(44) + "EncryptedPackage".encode("utf-16-le")
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1016) + directory + bytes(512))
    assert refused(path).startswith("locked.xlsx: is protected with a password. Open it in the spreadsheet")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("old.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "of the old kind under a newer name"),
        ("page.xls", b"<html><table><tr><td>ANC</td></tr></table></html>", "it is a web page or XML"),
        ("text.xls", b"patient_id\tday\tANC\n1\t0\t0.5\n", "looks like a text file. Rename it to .csv"),
        ("empty.xlsx", b"", "the file is empty"),
        ("noise.xlsx", bytes(range(256)) * 8, "cannot be read as an Excel workbook"),
        ("half.xlsx", b"PK\x03\x04" + bytes(100), "it is damaged, not complete"),
        ("new.xls", b"PK\x03\x04" + bytes(100), "is a newer workbook under the name of an old one"),
    ],
)
def test_disguised_files(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert words in refused(tmp_path / name)


def test_a_workbook_that_was_cut(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "cut.xlsx")
    path.write_bytes(path.read_bytes()[:-500])
    assert "it is damaged, not complete" in refused(path)


def test_a_long_sheet_of_one_number_is_no_bomb(tmp_path: Path) -> None:
    path = tmp_path / "zeros.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        for row in range(20_000):
            sheet.write_row(row, 0, [0] * 20)
    check_workbook(path)
    with zipfile.ZipFile(path) as archive:
        part = archive.getinfo("xl/worksheets/sheet1.xml")
    assert part.file_size / part.compress_size < 20


# ---- what the XML of a sheet tells


def test_marks_of_a_sheet(tmp_path: Path) -> None:
    path = tmp_path / "marks.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        sheet.merge_range("B3:D3", "ANC")
        sheet.merge_range("A3:A4", "Patient")
        sheet.write_formula("B5", "=1/0", None, "#DIV/0!")
        sheet.write_formula("C5", "=1+1", None, 2)
        sheet.write_formula("D5", '=A1&""', None, "")
        sheet.write_formula("B6", "=B9")
        sheet.write_boolean("C6", True)  # noqa: FBT003
        sheet.set_row(6, None, None, {"hidden": True})
        sheet.set_column("E:F", None, None, {"hidden": True})
    marks = scan_sheet(path, "S")
    assert marks is not None
    assert (marks.first_row, marks.formulas) == (3, 4)
    assert (marks.errors, marks.booleans) == ({"B": [5]}, {"C": [6]})
    # The writer cannot compute: it stores 0 and asks for a computation on opening.
    assert marks.uncomputed == {"B": [6], "D": [5]}
    assert (marks.hidden_rows, marks.hidden_columns) == ([7], [(4, 5)])
    assert marks.merges == [Merge(3, 3, 1, 3), Merge(3, 4, 0, 0)]


PREFIXED = b"""<?xml version="1.0"?><x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<x:sheetData><x:row r="2"><x:c r="A2"><x:f>B2+1</x:f><x:v /></x:c><x:c r="B2" t="e"><x:v>#REF!</x:v></x:c>
<x:c r="C2"><x:f t="shared" ref="C2:C3" si="0">A2</x:f><x:v>0</x:v></x:c>
<x:c r="D2" t="str"><x:f>""</x:f><x:v></x:v></x:c></x:row>
<x:row r="3" hidden="true"><x:c r="C3"><x:f t="shared" si="0"/></x:c></x:row></x:sheetData>
<x:mergeCells count="1"><x:mergeCell ref="AA1:AB1"/></x:mergeCells></x:worksheet>"""


def test_names_with_a_prefix_and_shared_formulas(tmp_path: Path) -> None:
    plain = write_plain(tmp_path / "a.xlsx")
    with zipfile.ZipFile(plain) as archive:
        book = archive.read("xl/workbook.xml").replace(b' fullCalcOnLoad="1"', b"")
    changed = {"xl/worksheets/sheet1.xml": PREFIXED, "xl/workbook.xml": book}
    marks = scan_sheet(repack(plain, changed, out=tmp_path / "prefixed.xlsx"), "S")
    assert marks is not None
    assert (marks.formulas, marks.uncomputed) == (4, {"A": [2], "C": [3]})
    assert (marks.errors, marks.hidden_rows, marks.merges) == ({"B": [2]}, [3], [Merge(1, 1, 26, 27)])
