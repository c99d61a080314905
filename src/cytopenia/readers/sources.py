"""Whatever a study has, a folder of files, data sets of a trial or resources, becomes the six tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cytopenia.contract import Tables, collect_findings, merge_findings, note
from cytopenia.errors import ReaderError
from cytopenia.readers.cdisc import read_domains, state_point
from cytopenia.readers.cdisc_domains import find_domains
from cytopenia.readers.fhir import read_fhir
from cytopenia.readers.fhir_files import FHIR_SUFFIXES
from cytopenia.readers.harmonize import harmonize_tables
from cytopenia.readers.labs_mapping import LabsMapping
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.paths import find_inside
from cytopenia.readers.tabular import find_sources, list_candidates, load_table, take_mapping

__all__ = ["read_tables"]


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
    if not path.exists():
        raise ReaderError(f"{path}: no such folder or file. Check the path.")
    resources = _find_resources(path, section)
    if resources is not None:
        return _read_resources(resources, path, section)
    sources = find_sources(path, section)
    domains = find_domains(path) if path.is_dir() and "labs" not in sources else {}
    if "labs" not in sources and not domains:
        raise ReaderError(_describe_folder(path))
    read = read_domains(domains, section, own=sources) if domains else {}
    read |= {name: load_table(name, found, section.tables[name]) for name, found in sources.items()}
    return harmonize_tables(read, state_point(section) if domains else section)


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
    if "labs" in files:
        raise ReaderError(
            f"labs: two sources were found: {files['labs'].name} and {resources.name}. Remove [data.fhir] or "
            "the file."
        )
    for name, source in files.items():
        if name in sources:
            what = f"{source.name} was read; what FHIR gives for this table is not used"
            findings.append(note(name, "table_from_file", what))
        sources[name] = load_table(name, source, section.tables[name])
    if section.day_zero == "infusion" and "infusions" not in sources and "patients" not in files:
        findings.append(note("infusions", "infusion_code_missing", "no resource is known as an infusion"))
    # What describes columns of a file is not for FHIR, where a point is the decimal mark.
    kept = section.labs.model_dump(include={"units", "default_units", "lln"}, exclude_unset=True)
    plain = {name: type(form)() for name, form in section.tables.items() if name not in files}
    plain["labs"] = LabsMapping.model_validate({**kept, "decimal": "."})
    tables = harmonize_tables(sources, section.model_copy(update=plain))
    return replace(tables, findings=merge_findings(collect_findings(findings), tables.findings))


def _describe_folder(path: Path) -> str:
    files = sorted(file.name for file in path.iterdir() if file.is_file()) if path.is_dir() else [path.name]
    return (
        f"{path}: no labs table was found; found: {', '.join(files) or 'nothing'}. Name the file labs.csv "
        '(or .tsv, .xlsx, .parquet, .sav ...), or name it in the mapping: [data.labs] file = "export.csv".'
    )
