"""Text files are read as text, with their encoding and separator; nothing is guessed silently."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from cytopenia.errors import ReaderError
from cytopenia.readers.text_files import read_text_file


def write(tmp_path: Path, content: bytes, name: str = "labs.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


PLAIN = "id,value\n1,0.5\n2,<0.1\n"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        codecs.BOM_UTF8 + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        b" id , value \n1,0.5\n2,<0.1",
    ],
)
def test_common_text_files_read_alike(tmp_path: Path, content: bytes) -> None:
    table = read_text_file(write(tmp_path, content))
    assert table.rows() == [("1", "0.5", 2), ("2", "<0.1", 3)]
    assert table.columns == ["id", "value", "source_row"]


def test_semicolons_with_decimal_commas(tmp_path: Path) -> None:
    assert read_text_file(write(tmp_path, b"id;value\n1;0,5\n2;1,5\n"))["value"].to_list() == ["0,5", "1,5"]


def test_a_header_that_holds_two_separators_is_settled_by_the_rows(tmp_path: Path) -> None:
    table = read_text_file(write(tmp_path, b"id;Hb, g/dL\n1;8,5\n2;9\n"))
    assert table.columns == ["id", "Hb, g/dL", "source_row"]


def test_a_header_that_nothing_settles_asks_for_the_separator(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=r"labs\.csv: the separator is not certain.*separator = "):
        read_text_file(write(tmp_path, b"a;b,c\n1;2,3\n"))
    assert read_text_file(tmp_path / "labs.csv", separator=";").columns == ["a", "b,c", "source_row"]


def test_rows_are_numbered_as_a_spreadsheet_numbers_them(tmp_path: Path) -> None:
    table = read_text_file(write(tmp_path, b'id,note\n1,"two\nlines"\n\n2,x\n'))
    assert table["source_row"].to_list() == [2, 4]


def test_another_encoding_is_refused_with_the_line_and_the_remedy(tmp_path: Path) -> None:
    path = write(tmp_path, "id,unit\n1,g/L\n2,µg/L\n".encode("cp1252"))
    with pytest.raises(
        ReaderError, match=r'labs\.csv: line 3 is not UTF-8.*encoding = "cp1252" or encoding = "gb18030"'
    ):
        read_text_file(path)
    assert read_text_file(path, encoding="cp1252")["unit"].to_list() == ["g/L", "µg/L"]


def test_gb18030_when_stated(tmp_path: Path) -> None:
    assert read_text_file(write(tmp_path, "项目,值\n血小板,5\n".encode("gb18030")), encoding="gb18030").row(
        0
    ) == ("血小板", "5", 2)


def test_a_stated_encoding_that_is_wrong_or_unknown(tmp_path: Path) -> None:
    path = write(tmp_path, "id,unit\n1,µg\n".encode("cp1252"))
    with pytest.raises(ReaderError, match=r"labs\.csv: line 2 is not utf-8 text"):
        read_text_file(path, encoding="utf-8")
    with pytest.raises(ReaderError, match=r"labs\.csv: encoding 'utf-99' is unknown"):
        read_text_file(path, encoding="utf-99")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"labs\.csv: the file is empty"),
        (b"  \n\n", r"labs\.csv: the file is empty"),
        (b"a,b\n1,2\n1,2,3\n", r"labs\.csv: line 3 has 3 cells, the header has 2"),
        (b"a,b,c\n1,2,3\n1,2\n", r"labs\.csv: line 3 has 2 cells, the header has 3"),
        (b'a,b\n"x\ny",2\n1\n', r"labs\.csv: line 4 has 1 cell, the header has 2"),
        (b"a,b,a\n1,2,3\n", r"labs\.csv: column 'a' appears twice"),
        (b'a,b\n1,"2\n', r"labs\.csv: a quotation mark is not closed"),
    ],
)
def test_broken_files_say_what_is_broken(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ReaderError, match=message):
        read_text_file(write(tmp_path, content))


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    table = read_text_file(write(tmp_path, b"a,b\n"))
    assert (table.height, table.columns) == (0, ["a", "b", "source_row"])


def test_a_trailing_empty_column_of_a_spreadsheet_export_is_left_out(tmp_path: Path) -> None:
    assert read_text_file(write(tmp_path, b"a,b,\n1,2,\n")).columns == ["a", "b", "source_row"]


def test_an_unnamed_column_with_content_is_refused(tmp_path: Path) -> None:
    assert read_text_file(write(tmp_path, b",a\n0,1\n1,2\n")).columns == ["column 1", "a", "source_row"]


def test_a_file_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=r"labs\.csv: no such file"):
        read_text_file(tmp_path / "labs.csv")
