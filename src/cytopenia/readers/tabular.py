"""Folders, workbooks and single files (text, Excel, Parquet, SPSS, Stata, SAS) become the six tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from cytopenia.contract import TABLES, Finding, Tables, collect_findings, merge_findings, note
from cytopenia.errors import ReaderError, suggest_name
from cytopenia.readers.cdisc import read_domains, state_point
from cytopenia.readers.cdisc_domains import find_domains
from cytopenia.readers.fhir import read_fhir
from cytopenia.readers.fhir_files import FHIR_SUFFIXES
from cytopenia.readers.harmonize import SourceTable, harmonize_bedside, harmonize_labs, harmonize_tables
from cytopenia.readers.mapping import BedsideMapping, DataSection, LabsMapping, TableMapping, read_mapping
from cytopenia.readers.statistics_files import STATISTICS_SUFFIXES, read_statistics_file
from cytopenia.readers.text_files import read_text_file

__all__ = ["read_bedside_file", "read_lab_file", "read_labs", "read_tables"]

_TEXT = (".csv", ".tsv", ".txt")
_EXCEL = (".xlsx",)
_PARQUET = (".parquet",)
_READ = (*_TEXT, *_EXCEL, *_PARQUET, *STATISTICS_SUFFIXES)


@dataclass(frozen=True)
class _Source:
    path: Path
    sheet: str | None = None

    @property
    def name(self) -> str:
        return self.path.name if self.sheet is None else f"{self.path.name}, sheet {self.sheet}"


def read_tables(source: Path | str, mapping: DataSection | Path | str | None = None) -> Tables:
    """Return the six tables of a study.

    Parameters
    ----------
    source : path
        A folder with labs, patients, infusions, support, events and responses as .csv, .tsv, .txt, .xlsx,
        .parquet, .sav, .dta, .sas7bdat or .xpt (or one workbook with sheets of those names); or one such
        workbook; or one file of laboratory values. Only labs are needed. A folder without labs may hold the
        data sets of SDTM (lb, dm, ex, pr, cm, ae) or ADaM (adlb, adsl) as .xpt, .sas7bdat or Dataset-JSON, or
        FHIR resources (.ndjson files; or one .ndjson or .json file) with other tables beside them.
    mapping : DataSection, or path of a mapping file, optional
        Files, columns, names and units that differ from ours. A file named there may lie anywhere.

    Returns
    -------
    Tables
        With every doubt in `findings`; see `require_tables`. Wrong data never raise here.

    Raises
    ------
    ReaderError
        A file is absent or cannot be read, two files could be the same table, or there are no labs.
    MissingColumnError
        A needed or mapped column is absent; all are named.
    ProtocolError
        The mapping file is wrong.
    """
    path, section = Path(source), _take_mapping(mapping)
    if not path.exists():
        raise ReaderError(f"{path}: no such folder or file. Check the path.")
    resources = _find_resources(path, section)
    if resources is not None:
        return _read_resources(resources, path, section)
    sources = _find_sources(path, section)
    domains = find_domains(path) if path.is_dir() and "labs" not in sources else {}
    if "labs" not in sources and not domains:
        raise ReaderError(_describe_folder(path))
    read = read_domains(domains, section, own=sources) if domains else {}
    read |= {name: _load(name, found, section.tables[name]) for name, found in sources.items()}
    return harmonize_tables(read, state_point(section) if domains else section)


def _find_resources(path: Path, section: DataSection) -> Path | None:
    """Where FHIR resources are to be read from, if from anywhere."""
    if section.fhir.path is not None:
        return (path if path.is_dir() else path.parent) / section.fhir.path
    if path.is_file():
        return path if path.suffix.lower() in FHIR_SUFFIXES else None
    bulk = sorted(file.name for file in path.iterdir() if file.suffix.lower() == FHIR_SUFFIXES[0])
    # Dataset-JSON may come as one row a line too; its files have the names of the data sets.
    if not bulk or find_domains(path):
        return None
    labs = section.labs.file or next((source.name for source in _candidates(path, "labs")), None)
    if labs is not None:
        raise ReaderError(
            f"labs: two sources were found: {labs}, {bulk[0]}. Keep one, or put the FHIR files into a folder "
            'of their own and, to read them, name it in the mapping: [data.fhir] path = "bulk".'
        )
    return path


def _read_resources(resources: Path, path: Path, section: DataSection) -> Tables:
    """The tables of FHIR resources; a table that also stands in a file is read from the file."""
    sources, findings = read_fhir(resources, section.fhir)
    files = {
        name: source
        for name, source in _find_sources(path, section).items()
        if source.path.suffix.lower() not in FHIR_SUFFIXES
    }
    if "labs" in files:
        raise ReaderError(
            f"labs: two sources were found: {files['labs'].name} and {resources.name}. Remove [data.fhir] or "
            "the file."
        )
    for name, source in files.items():
        if name in sources:
            what = f"{source.name} was read; what FHIR gives for this table is not used"
            findings.append(note(name, "table_from_file", what))
        sources[name] = _load(name, source, section.tables[name])
    if section.day_zero == "infusion" and "infusions" not in sources and "patients" not in files:
        findings.append(note("infusions", "infusion_code_missing", "no resource is known as an infusion"))
    # What describes columns of a file is not for FHIR, where a point is the decimal mark.
    kept = section.labs.model_dump(include={"units", "default_units", "lln"}, exclude_unset=True)
    plain = {name: type(form)() for name, form in section.tables.items() if name not in files}
    plain["labs"] = LabsMapping.model_validate({**kept, "decimal": "."})
    tables = harmonize_tables(sources, section.model_copy(update=plain))
    return replace(tables, findings=merge_findings(collect_findings(findings), tables.findings))


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
    section = _take_mapping(mapping)
    source = _load("labs", _Source(Path(path)), section.labs)
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
    source = _load("bedside", _Source(path), mapping)
    return source.frame, *harmonize_bedside(source, mapping)


def _take_mapping(mapping: DataSection | Path | str | None) -> DataSection:
    if isinstance(mapping, DataSection):
        return mapping
    return DataSection() if mapping is None else read_mapping(mapping)


def _find_sources(path: Path, section: DataSection) -> dict[str, _Source]:
    """Which file (and sheet) holds which table."""
    folder = path if path.is_dir() else path.parent
    sources: dict[str, _Source] = {}
    for name, mapping in section.tables.items():
        if mapping.file is not None:
            sources[name] = _Source(_require_file(folder / mapping.file, name))
            continue
        found = _candidates(folder, name) if path.is_dir() else _inside(path, name)
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


def _require_file(path: Path, name: str) -> Path:
    if not path.is_file():
        raise ReaderError(
            f"{name}: {path.name}: no such file in {path.parent}. Correct 'file' in the mapping of {name}."
        )
    return path


def _candidates(folder: Path, name: str) -> list[_Source]:
    """Files of the table's name, and sheets of that name in other workbooks of the folder."""
    files = sorted(
        file
        for file in folder.iterdir()
        if file.is_file() and file.suffix.lower() in _READ and not file.name.startswith(("~", "."))
    )
    found = [_Source(file) for file in files if file.stem.lower() == name]
    for file in files:
        if file.suffix.lower() in _EXCEL and file.stem.lower() not in TABLES:
            found += [_Source(file, sheet) for sheet in _list_sheets(file) if sheet.strip().lower() == name]
    return found


def _inside(path: Path, name: str) -> list[_Source]:
    """The sheet of that name in a workbook; a file that is no such workbook is the labs."""
    sheets = _list_sheets(path) if path.suffix.lower() in _EXCEL else []
    if any(sheet.strip().lower() == "labs" for sheet in sheets):
        return [_Source(path, sheet) for sheet in sheets if sheet.strip().lower() == name]
    return [_Source(path)] if name == "labs" else []


def _describe_folder(path: Path) -> str:
    files = sorted(file.name for file in path.iterdir() if file.is_file()) if path.is_dir() else [path.name]
    return (
        f"{path}: no labs table was found; found: {', '.join(files) or 'nothing'}. Name the file labs.csv "
        '(or .tsv, .xlsx, .parquet, .sav ...), or name it in the mapping: [data.labs] file = "export.csv".'
    )


def _load(name: str, source: _Source, mapping: TableMapping) -> SourceTable:
    path, suffix = source.path, source.path.suffix.lower()
    if suffix not in _READ:
        raise ReaderError(f"{path.name}: files of type '{suffix}' are not read; allowed: {', '.join(_READ)}.")
    if suffix in _TEXT:
        separator = mapping.separator or ("\t" if suffix == ".tsv" else None)
        return SourceTable(read_text_file(path, encoding=mapping.encoding, separator=separator), path.name)
    if not path.is_file():
        raise ReaderError(f"{path.name}: no such file in {path.parent}. Check the name.")
    if suffix in STATISTICS_SUFFIXES:
        return read_statistics_file(path, name, encoding=mapping.encoding, keep_codes=mapping.keep_codes)
    if suffix in _PARQUET:
        return SourceTable(_number_rows(_read_parquet(path)), path.name)
    sheet = source.sheet or _choose_sheet(path, name, mapping.sheet)
    return SourceTable(_read_sheet(path, sheet), _Source(path, sheet).name)


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path).rechunk()
    except (pl.exceptions.PolarsError, OSError) as cause:
        raise ReaderError(f"{path.name}: cannot be read as a Parquet file. Export it again.") from cause


def _list_sheets(path: Path) -> list[str]:
    import fastexcel

    try:
        return fastexcel.read_excel(path).sheet_names
    except (fastexcel.FastExcelError, OSError):
        return []


def _choose_sheet(path: Path, name: str, wanted: str | None) -> str:
    sheets = _list_sheets(path)
    if not sheets:
        raise ReaderError(f"{path.name}: cannot be read as an Excel workbook. Save it as .xlsx again.")
    listed = ", ".join(sheets)
    if wanted is not None:
        if wanted not in sheets:
            raise ReaderError(
                f"{path.name}: sheet '{wanted}' is absent{suggest_name(wanted, sheets)}; found: {listed}."
            )
        return wanted
    named = [sheet for sheet in sheets if sheet.strip().lower() == name]
    if len(sheets) > 1 and not named:
        raise ReaderError(
            f"{path.name}: several sheets, none is named '{name}'; found: {listed}. Name one in the mapping: "
            f'[data.{name}] sheet = "{sheets[0]}".'
        )
    return named[0] if named else sheets[0]


def _read_sheet(path: Path, sheet: str) -> pl.DataFrame:
    """All rows decide the type of a column, so that a late text never turns into a missing value."""
    import fastexcel

    try:
        table = pl.read_excel(
            path, sheet_name=sheet, infer_schema_length=None, drop_empty_rows=False, raise_if_empty=False
        )
    except (pl.exceptions.PolarsError, fastexcel.FastExcelError, OSError) as cause:
        raise ReaderError(
            f"{path.name}: cannot be read as an Excel workbook. Save it as .xlsx again."
        ) from cause
    table = _number_rows(table.rename({name: name.strip() for name in table.columns}))
    return (
        table.filter(~pl.all_horizontal(pl.all().exclude("source_row").is_null()))
        if table.width > 1
        else table
    )


def _number_rows(table: pl.DataFrame) -> pl.DataFrame:
    return table.drop("source_row", strict=False).with_columns(
        source_row=pl.int_range(2, table.height + 2, dtype=pl.UInt32, eager=True)
    )
