"""Files of one table each (text, Excel, Parquet, SPSS, Stata, SAS), as they stand there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cytopenia.contract import TABLES, Finding
from cytopenia.errors import ProtocolError, ReaderError, join_problems
from cytopenia.readers.excel import EXCEL_SUFFIXES, list_sheets
from cytopenia.readers.harmonize import harmonize_bedside, harmonize_labs
from cytopenia.readers.headings import Grid, fill_down, lay_out
from cytopenia.readers.labs_mapping import LabsTable
from cytopenia.readers.mapping import BedsideMapping, DataSection, read_mapping
from cytopenia.readers.mapping_forms import TableMapping
from cytopenia.readers.paths import find_inside, is_there
from cytopenia.readers.source_table import SourceTable
from cytopenia.readers.statistics_files import STATISTICS_SUFFIXES, read_statistics_file
from cytopenia.readers.text_files import read_text_cells, read_text_file
from cytopenia.readers.workbook_tables import read_workbook_table

__all__ = [
    "FileSource",
    "find_sources",
    "list_candidates",
    "load_more_labs",
    "load_table",
    "read_bedside_file",
    "read_lab_file",
    "read_labs",
    "take_mapping",
]

_TEXT = (".csv", ".tsv", ".txt")
_PARQUET = (".parquet",)
_READ = (*_TEXT, *EXCEL_SUFFIXES, *_PARQUET, *STATISTICS_SUFFIXES)


@dataclass(frozen=True)
class FileSource:
    """A file, and the sheet of it that holds the table."""

    path: Path
    sheet: str | None = None

    @property
    def name(self) -> str:
        """Its name as messages print it."""
        return self.path.name if self.sheet is None else f"{self.path.name}, sheet {self.sheet}"


def read_labs(
    path: Path | str, mapping: DataSection | Path | str | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the laboratory rows of one file in canonical units, and the findings.

    For grading single rows: `patient_id` and `day` (or `date`) may be absent, with a finding. Rows are not
    collapsed; rows of analytes that are not listed leave the table. Dates give days only with `day_zero =
    "first"` in the mapping.

    Parameters
    ----------
    path : path
        One file of those kinds, long or wide.
    mapping : DataSection, or path of a mapping file, optional

    Raises
    ------
    ReaderError
        The file is absent or cannot be read.
    MissingColumnError
        The analyte, value or unit column is absent.
    ProtocolError
        The mapping file is wrong.
    """
    _, labs, findings = read_lab_file(path, mapping)
    return labs, findings


def read_lab_file(
    path: Path | str, mapping: DataSection | Path | str | None = None
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the rows of one file as they stand there, the same rows in canonical units, and the findings.

    Returns
    -------
    source, labs, findings : DataFrames
        `source` has the columns of the file and `source_row`; `labs` and `findings` are those of `read_labs`,
        which names the errors too. A wide file gives several rows of `labs` for one of `source`.
    """
    section = take_mapping(mapping)
    source = load_table("labs", FileSource(Path(path)), section.labs)
    labs, findings = harmonize_labs(source, section)
    return source.frame, labs, findings


def read_bedside_file(
    path: Path, mapping: BedsideMapping
) -> tuple[pl.DataFrame, pl.DataFrame, list[Finding]]:
    """Return the rows of a bedside file as they stand there, the same under our names, and findings.

    Raises
    ------
    ReaderError
        The file is absent or cannot be read.
    MissingColumnError
        A mapped column is not in the file.
    """
    source = load_table("bedside", FileSource(path), mapping)
    return source.frame, *harmonize_bedside(source, mapping)


def take_mapping(mapping: DataSection | Path | str | None) -> DataSection:
    """Return a mapping that is given as such, as a file, or not at all.

    Raises
    ------
    ProtocolError
        The mapping file is wrong, or a question of the mapping is open.
    """
    section = DataSection() if mapping is None else mapping
    section = section if isinstance(section, DataSection) else read_mapping(section)
    if section.questions:
        title = "Questions of the mapping are open; answer each there, then take it away"
        raise ProtocolError(join_problems(title, section.questions))
    return section


def find_sources(path: Path, section: DataSection) -> dict[str, FileSource]:
    """Which file (and sheet) holds which table."""
    folder = path if path.is_dir() else path.parent
    sources: dict[str, FileSource] = {}
    for name, mapping in section.tables.items():
        if mapping.file is not None:
            sources[name] = FileSource(_require_file(folder, mapping.file, name))
            continue
        found = list_candidates(folder, name) if path.is_dir() else _inside(path, name)
        if len(found) > 1:
            listed = ", ".join(source.name for source in found)
            count = {2: "two", 3: "three"}.get(len(found), str(len(found)))
            raise ReaderError(
                f"{name}: {count} sources were found: {listed}. Keep one, or name it in the mapping: "
                f'[data.{name}] file = "{found[0].path.name}".'
            )
        if found:
            sources[name] = found[0]
    return sources


def load_more_labs(path: Path, section: DataSection) -> list[tuple[SourceTable, LabsTable]]:
    """Return the laboratory tables of further systems that the mapping names, with the mapping of each.

    Raises
    ------
    ReaderError
        A file is absent or cannot be read.
    """
    folder = path if path.is_dir() else path.parent
    return [
        (load_table("labs", FileSource(_require_file(folder, form.file, "labs")), form), form)
        for form in section.labs.also
        if form.file is not None
    ]


def _require_file(folder: Path, file: str, name: str) -> Path:
    path = find_inside(folder, file, f"[data.{name}] file")
    if not is_there(path) or not path.is_file():
        raise ReaderError(
            f"{name}: {path.name}: no such file in {path.parent}. Correct 'file' in the mapping of {name}."
        )
    return path


def list_candidates(folder: Path, name: str) -> list[FileSource]:
    """Files of the table's name, and sheets of that name in other workbooks of the folder."""
    files = sorted(
        file
        for file in folder.iterdir()
        if file.is_file() and file.suffix.lower() in _READ and not file.name.startswith(("~", "."))
    )
    found = [FileSource(file) for file in files if file.stem.lower() == name]
    for file in files:
        if file.suffix.lower() in EXCEL_SUFFIXES and file.stem.lower() not in TABLES:
            found += [
                FileSource(file, sheet) for sheet in _list_sheets(file) if sheet.strip().lower() == name
            ]
    return found


def _inside(path: Path, name: str) -> list[FileSource]:
    """The sheet of that name in a workbook; a file that is no such workbook is the labs."""
    sheets = _list_sheets(path) if path.suffix.lower() in EXCEL_SUFFIXES else []
    if any(sheet.strip().lower() == "labs" for sheet in sheets):
        return [FileSource(path, sheet) for sheet in sheets if sheet.strip().lower() == name]
    return [FileSource(path)] if name == "labs" else []


def load_table(name: str, source: FileSource, mapping: TableMapping) -> SourceTable:
    """Return the table of a file as it stands there; errors say what cannot be read."""
    path, suffix = source.path, source.path.suffix.lower()
    if suffix not in _READ:
        raise ReaderError(f"{path.name}: files of type '{suffix}' are not read; allowed: {', '.join(_READ)}.")
    if suffix in _TEXT:
        return _read_text(name, path, mapping)
    if not path.is_file():
        raise ReaderError(f"{path.name}: no such file in {path.parent}. Check the name.")
    if suffix in STATISTICS_SUFFIXES:
        return read_statistics_file(path, name, encoding=mapping.encoding, keep_codes=mapping.keep_codes)
    if suffix in _PARQUET:
        return SourceTable(_number_rows(_read_parquet(path)), path.name)
    return read_workbook_table(name, path, mapping, sheet=source.sheet)


def _read_text(name: str, path: Path, mapping: TableMapping) -> SourceTable:
    if mapping.sheet is not None or mapping.sheets or mapping.sheet_is is not None:
        raise ReaderError(f"{path.name}: a text file has no sheets. Remove sheet, sheets and sheet_is.")
    separator = mapping.separator or ("\t" if path.suffix.lower() == ".tsv" else None)
    findings: list[Finding] = []
    problems: list[str] = []
    if mapping.is_laid_out:
        cells = read_text_cells(path, encoding=mapping.encoding, separator=separator)
        laid = lay_out(Grid(cells, path.name), name, mapping)
        table, findings, problems = laid.frame, laid.findings, laid.problems
    else:
        table = read_text_file(path, encoding=mapping.encoding, separator=separator)
    if not problems:
        table, filled, found = fill_down(table, name, mapping)
        findings += filled
        problems = [f"{path.name}: {problem}" for problem in found]
    if problems:
        raise ReaderError(join_problems(f"{path.name}: the table is not where the mapping says", problems))
    return SourceTable(table, path.name, tuple(findings))


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path).rechunk()
    except (pl.exceptions.PolarsError, OSError) as cause:
        raise ReaderError(f"{path.name}: cannot be read as a Parquet file. Export it again.") from cause


def _list_sheets(path: Path) -> list[str]:
    try:
        return list_sheets(path)
    except ReaderError:
        return []


def _number_rows(table: pl.DataFrame) -> pl.DataFrame:
    return table.drop("source_row", strict=False).with_columns(
        source_row=pl.int_range(2, table.height + 2, dtype=pl.UInt32, eager=True)
    )
