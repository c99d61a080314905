"""A REDCap project, as an export with its data dictionary or from its server, becomes the source tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cytopenia.contract import Finding, note
from cytopenia.errors import ReaderError
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.paths import find_inside
from cytopenia.readers.redcap_api import fetch_project
from cytopenia.readers.redcap_dictionary import Dictionary, read_dictionary, require_fields
from cytopenia.readers.redcap_mapping import RedcapMapping
from cytopenia.readers.redcap_records import Export, read_export
from cytopenia.readers.redcap_rows import arrange_rows
from cytopenia.readers.redcap_tables import take_tables
from cytopenia.readers.redcap_values import list_needed_columns, read_cells
from cytopenia.readers.source_table import SourceTable
from cytopenia.units import mentions_analyte

__all__ = ["read_redcap"]

_SHOWN = 50
_GROUP = "redcap_data_access_group"


@dataclass(frozen=True)
class _Source:
    """A project as it was read: the mapping has the missing data codes that the server told."""

    dictionary: Dictionary
    export: Export
    mapping: RedcapMapping
    findings: tuple[Finding, ...] = ()


def read_redcap(folder: Path, section: DataSection, *, own: Collection[str] = ()) -> dict[str, SourceTable]:
    """Return the source tables of a REDCap project; the findings are with the labs.

    Parameters
    ----------
    folder
        Where the files of the mapping are.
    section
        What the study says about its data; `redcap` is given.
    own
        Tables that the study gives itself.

    Raises
    ------
    ReaderError
        A file or the server cannot be read, or the mapping does not fit the project.
    """
    mapping = section.redcap
    if mapping is None:
        raise ReaderError("[data.redcap] is missing: it says which field of the project is what.")
    source = _fetch(mapping) if mapping.records is None else _read_files(folder, mapping)
    _require_columns(source)
    cells = read_cells(source.export, source.dictionary, source.mapping)
    project = arrange_rows(cells, source.dictionary, source.mapping)
    tables = take_tables(project, decimal=section.labs.decimal)
    findings = [*source.findings, *_name_unmapped(source), *project.findings]
    if "infusions" in tables and "infusions" not in own:
        tables, found = _keep_infused(tables)
        findings += found
    return {
        name: SourceTable(table, source.export.origin, tuple(findings) if name == "labs" else ())
        for name, table in tables.items()
    }


def _fetch(mapping: RedcapMapping) -> _Source:
    fetched = fetch_project(mapping)
    codes = {**fetched.missing_codes, **mapping.missing_codes}
    return _Source(
        fetched.dictionary,
        fetched.export,
        mapping.model_copy(update={"missing_codes": codes}),
        tuple(fetched.findings),
    )


def _read_files(folder: Path, mapping: RedcapMapping) -> _Source:
    dictionary = read_dictionary(
        _locate(folder, "dictionary", mapping.dictionary or ""), encoding=mapping.encoding
    )
    export = read_export(
        _locate(folder, "records", mapping.records or ""),
        dictionary,
        wanted={*mapping.names, *list_needed_columns(dictionary, mapping)},
        missing_codes=mapping.missing_codes,
        encoding=mapping.encoding,
    )
    count = len(export.unknown)
    what = (
        f"{count:,} {'column of the records is' if count == 1 else 'columns of the records are'} not in "
        f"{dictionary.origin}: {_list(export.unknown)}"
    )
    found = (note("labs", "not_in_dictionary", what),) if count else ()
    return _Source(dictionary, export, mapping, found)


def _locate(folder: Path, key: str, name: str) -> Path:
    """The file of the mapping, which lies in the folder of the data."""
    path = find_inside(folder, name, f"[data.redcap] {key}")
    if not path.is_file():
        raise ReaderError(
            f"[data.redcap] {key}: {path.name}: no such file in {path.parent}. Correct the name."
        )
    return path


def _require_columns(source: _Source) -> None:
    """Every field of the mapping is in the dictionary and in the records."""
    columns = [column.name for column in source.dictionary.list_columns()]
    names = source.mapping.names
    require_fields(source.dictionary, names, [*columns, _GROUP])
    uncertain = [name for name in names if name in source.export.uncertain]
    if uncertain:
        raise ReaderError(
            f"{source.export.origin}: which column is {', '.join(uncertain)} cannot be told, since other "
            "fields have the same label. Export the records with raw headings (raw data)."
        )
    absent = [name for name in names if name not in source.export.frame.columns]
    if absent:
        raise ReaderError(
            f"{source.export.origin}: has no column for the fields {', '.join(absent)} of the mapping. "
            "Export all fields; your export rights in the project may also leave some out."
        )


def _name_unmapped(source: _Source) -> list[Finding]:
    """What the mapping does not use, by name; a warning where it looks like a blood count."""
    used = {name.partition("___")[0] for name in source.mapping.names} | {source.dictionary.record_id}
    left = [item for item in source.dictionary.fields.values() if item.has_data and item.name not in used]
    likely = [
        item.name
        for item in left
        if item.kind in ("text", "calc") and (mentions_analyte(item.label) or mentions_analyte(item.name))
    ]
    others = [item.name for item in left if item.name not in likely]
    found: list[Finding] = []
    for rule, names in (("probably_labs", likely), ("fields_not_mapped", others)):
        if names:
            what = f"{len(names):,} {'field is' if len(names) == 1 else 'fields are'} not in the mapping"
            found.append(note("labs", rule, f"{what}: {_list(names)}", rows=len(names)))
    return found


def _list(names: Collection[str]) -> str:
    shown = [*names][:_SHOWN]
    return ", ".join(shown) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")


def _keep_infused(
    tables: Mapping[str, pl.DataFrame],
) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
    """Without the records that have no infusion: they were screened, or are not treated yet."""
    infused, everyone = tables["infusions"]["patient_id"].unique().drop_nulls().to_list(), tables["patients"]
    # A row without a patient stays, so that it is told and not lost.
    kept = {
        name: table.filter(pl.col("patient_id").is_null() | pl.col("patient_id").is_in(infused))
        for name, table in tables.items()
    }
    left = everyone.height - kept["patients"].height
    if not left:
        return dict(tables), []
    what = f"{left:,} of {everyone.height:,} records have no infusion and are left out"
    return kept, [note("patients", "record_not_infused", what, rows=left)]
