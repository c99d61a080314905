"""Whatever a study has, a folder of files, data sets of a trial or resources, becomes the six tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cytopenia.contract import Finding, Tables, collect_findings, merge_findings, note
from cytopenia.errors import ReaderError
from cytopenia.readers.cdisc import read_domains, state_point
from cytopenia.readers.cdisc_domains import find_domains
from cytopenia.readers.fhir import read_fhir
from cytopenia.readers.fhir_files import FHIR_SUFFIXES
from cytopenia.readers.harmonize import harmonize_tables
from cytopenia.readers.labs_mapping import LabsMapping
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.omop import read_omop
from cytopenia.readers.paths import find_inside, is_there
from cytopenia.readers.redcap import read_redcap
from cytopenia.readers.source_table import SourceTable
from cytopenia.readers.tabular import (
    FileSource,
    find_sources,
    list_candidates,
    load_more_labs,
    load_table,
    take_mapping,
)

__all__ = ["read_tables"]


def read_tables(source: Path | str, mapping: DataSection | Path | str | None = None) -> Tables:
    """Return the six tables of a study.

    Parameters
    ----------
    source : path
        A folder with labs, patients, infusions, support, events and responses as .csv, .tsv, .txt, .xlsx
        (.xlsm, .xlsb, .xls, .ods), .parquet, .sav, .dta, .sas7bdat or .xpt (or one workbook with sheets of
        those names); or one such workbook; or one file of laboratory values. Only labs are needed. A folder
        without labs may hold the data sets of SDTM (lb, dm, ex, pr, cm, ae) or ADaM (adlb, adsl) as .xpt,
        .sas7bdat or Dataset-JSON, or FHIR resources (.ndjson files; or one .ndjson or .json file) with other
        tables beside them. Where the mapping names a database of OMOP or a REDCap project, the tables come
        from there.
    mapping : DataSection, or path of a mapping file, optional
        Files, columns, names and units that differ from ours. Files named there lie in the
        folder; see `readers.paths`.

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
    path, section = Path(source), take_mapping(mapping)
    if not is_there(path):
        raise ReaderError(f"{path}: no such folder or file. Check the path.")
    if section.redcap is not None:
        return _read_project(path, section)
    if section.omop.connection is not None:
        return _read_database(path, section)
    resources = _find_resources(path, section)
    if resources is not None:
        return _read_resources(resources, path, section)
    sources = find_sources(path, section)
    domains = find_domains(path) if path.is_dir() and "labs" not in sources else {}
    if "labs" not in sources and not domains:
        raise ReaderError(_describe_folder(path))
    read = read_domains(domains, section, own=sources) if domains else {}
    read |= {name: load_table(name, found, section.tables[name]) for name, found in sources.items()}
    form = state_point(section) if domains else section
    return harmonize_tables(read, form, load_more_labs(path, section))


def _find_resources(path: Path, section: DataSection) -> Path | None:
    """Where FHIR resources are to be read from, if from anywhere."""
    if section.fhir.path is not None:
        return find_inside(path if path.is_dir() else path.parent, section.fhir.path, "[data.fhir] path")
    if path.is_file():
        return path if path.suffix.lower() in FHIR_SUFFIXES else None
    bulk = sorted(file.name for file in path.iterdir() if file.suffix.lower() == FHIR_SUFFIXES[0])
    # Dataset-JSON may come as one row a line too; its files have the names of the data sets.
    if not bulk or find_domains(path):
        return None
    labs = section.labs.file or next((source.name for source in list_candidates(path, "labs")), None)
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
        for name, source in find_sources(path, section).items()
        if source.path.suffix.lower() not in FHIR_SUFFIXES
    }
    findings += _take_files(sources, files, section, giver="FHIR", key="fhir")
    if section.day_zero == "infusion" and "infusions" not in sources and "patients" not in files:
        findings.append(note("infusions", "infusion_code_missing", "no resource is known as an infusion"))
    return _harmonize(sources, section, files, findings=findings, path=path)


def _read_project(path: Path, section: DataSection) -> Tables:
    """The tables of a REDCap project; a table that also stands in a file of its own is read from the file."""
    folder = path if path.is_dir() else path.parent
    given = section.redcap.files if section.redcap is not None else ()
    files = {name: file for name, file in find_sources(folder, section).items() if file.name not in given}
    read = read_redcap(folder, section, own=files)
    findings = _take_files(read, files, section, giver="REDCap", key="redcap")
    return _harmonize(read, section, files, findings=findings, path=path)


def _read_database(path: Path, section: DataSection) -> Tables:
    """The tables of a CDM; a table that also stands in a file is read from the file."""
    sources, findings, ran = read_omop(path if path.is_dir() else path.parent, section.omop)
    files = find_sources(path, section) if path.is_dir() else {}
    findings += _take_files(sources, files, section, giver="the database", key="omop")
    return replace(_harmonize(sources, section, files, findings=findings, path=path), extractions=ran)


def _harmonize(
    sources: Mapping[str, SourceTable],
    section: DataSection,
    files: Mapping[str, FileSource],
    *,
    findings: list[Finding],
    path: Path,
) -> Tables:
    more = load_more_labs(path, section)
    tables = harmonize_tables(sources, _describe_files_alone(section, files), more)
    return replace(tables, findings=merge_findings(collect_findings(findings), tables.findings))


def _take_files(
    sources: dict[str, SourceTable],
    files: Mapping[str, FileSource],
    section: DataSection,
    *,
    giver: str,
    key: str,
) -> list[Finding]:
    """Put the tables of files in the place of those that another source gives."""
    if "labs" in files:
        raise ReaderError(
            f"labs: two sources were found: {files['labs'].name} and [data.{key}]. Remove one of the two."
        )
    findings: list[Finding] = []
    for name, source in files.items():
        if name in sources:
            what = f"{source.name} was read; what {giver} gives for this table is not used"
            findings.append(note(name, "table_from_file", what))
        sources[name] = load_table(name, source, section.tables[name])
    return findings


def _describe_files_alone(section: DataSection, files: Mapping[str, FileSource]) -> DataSection:
    """The section without what describes columns of files for tables that come from no file."""
    kept = section.labs.model_dump(include={"units", "default_units", "lln", "system"}, exclude_unset=True)
    plain = {name: type(form)() for name, form in section.tables.items() if name not in files}
    plain["labs"] = LabsMapping.model_validate({**kept, "decimal": "."})
    return section.model_copy(update=plain)


def _describe_folder(path: Path) -> str:
    files = sorted(file.name for file in path.iterdir() if file.is_file()) if path.is_dir() else [path.name]
    return (
        f"{path}: no labs table was found; found: {', '.join(files) or 'nothing'}. Name the file labs.csv "
        '(or .tsv, .xlsx, .parquet, .sav ...), or name it in the mapping: [data.labs] file = "export.csv".'
    )
