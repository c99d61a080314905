"""A new study: its commented protocol file, beside the tables that are there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from cytopenia.contract import TABLES
from cytopenia.errors import OutputError
from cytopenia.folders import explain_failure
from cytopenia.mapping_text import write_data_section
from cytopenia.readers.cdisc_domains import find_domains
from cytopenia.readers.fhir_files import FHIR_SUFFIXES
from cytopenia.readers.proposal import Proposal, is_proposable, propose_mapping
from cytopenia.readers.sheet_sources import PROPOSED_SUFFIXES
from cytopenia.readers.statistics_content import STATISTICS_KINDS
from cytopenia.readers.tabular import list_candidates

__all__ = [
    "fill_template",
    "init_study",
    "list_foreign_files",
    "names_file",
    "propose_files",
    "propose_study",
]

_DEFAULT_SEED = 20230515


def fill_template(**values: Any) -> str:
    """Return the commented study file with its blanks filled.

    Examples
    --------
    >>> "[study]" in fill_template(title="My cohort")
    True
    """
    blanks: Mapping[str, Any] = {
        "title": "Cytopenia after CAR-T cell therapy",
        "seed": _DEFAULT_SEED,
        "support_complete": "false",
        "bound_anc_by_wbc": "false",
        "synthetic": "false",
        "folder": ".",
        "factors": "",
    }
    text = (resources.files("cytopenia") / "data" / "templates" / "study.toml").read_text(encoding="utf-8")
    return Template(text).substitute({**blanks, **values})


def init_study(folder: Path, *, force: bool = False) -> tuple[Path, list[str]]:
    """Write a commented study.toml for the tables of a folder, and say what was found there.

    Returns
    -------
    path : Path
    notes : list of str
        One sentence per table, and what is missing.

    Raises
    ------
    OutputError
        The folder has a study.toml already and `force` is False, or it cannot be written.
    """
    path = folder / "study.toml"
    _refuse_replacing(path, force=force)
    with explain_failure(path):
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(fill_template(), encoding="utf-8")
        files = sorted(item.name for item in folder.iterdir() if item.suffix.lower() in _TABLE_SUFFIXES)
        if not files:
            _write_empty_tables(folder / _EMPTY)
    notes = [_describe_table(table, needed, files) for table, needed in _TABLES.items()]
    others = [name for name in files if Path(name).stem.lower() not in _TABLES]
    if others:
        notes.append(
            f'Other tables here: {", ".join(others)}. Name one under [data.labs] file = "..." if needed.'
        )
    if not files:
        notes.append(
            f"Empty tables with the right columns are in {folder / _EMPTY}: fill in, then move them here."
        )
    return path, notes


def names_file(path: Path) -> bool:
    """Return True for a file, also for an absent one by its ending; a folder may have a dot in its name."""
    return path.is_file() or (not path.is_dir() and path.suffix.lower() in PROPOSED_SUFFIXES)


def list_foreign_files(folder: Path) -> list[Path]:
    """Return the tables of a folder, if none of them is called as one of ours or as those of a standard."""
    if not folder.is_dir() or any(path.suffix.lower() in FHIR_SUFFIXES[:1] for path in folder.iterdir()):
        return []
    files = sorted(path for path in folder.iterdir() if is_proposable(path))
    known = any(path.stem.lower() in _TABLES for path in files)
    return [] if known or find_domains(folder) else files


def propose_study(files: Sequence[Path], *, force: bool = False) -> tuple[Path, Proposal]:
    """Write a study.toml beside files as they are, with a mapping that is proposed for them.

    Returns
    -------
    path : Path
    proposal : Proposal
        What was proposed, with the evidence.

    Raises
    ------
    OutputError
        A study.toml is there already and `force` is False, or it cannot be written.
    ReaderError
        A file cannot be read, or there is no table in any of them.
    """
    path = files[0].parent / "study.toml"
    _refuse_replacing(path, force=force)
    proposal = propose_files(files)
    before, _, rest = fill_template().partition("[data]\n")
    after = rest[rest.index("[cohort]") :]
    with explain_failure(path):
        path.write_text(f"{before}{write_data_section(proposal)}\n{after}", encoding="utf-8")
    return path, proposal


def propose_files(files: Sequence[Path]) -> Proposal:
    """Return the mapping that is proposed for files of one folder, with what else lies there.

    Raises
    ------
    ReaderError
        A file cannot be read, or there is no table in any of them.
    """
    folder = files[0].parent
    beside = {table: list_candidates(folder, table) for table in TABLES}
    proposal = propose_mapping(files, beside=[table for table, sources in beside.items() if sources])
    proposed = {one.table for one in proposal.tables}
    told = [
        f"{source.name} lies there too, and is read as {table} by its name."
        for table, sources in beside.items()
        for source in sources
        if table not in proposed
    ]
    return replace(proposal, notes=(*proposal.notes, *told))


def _refuse_replacing(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise OutputError(f"{path}: is there already. Edit it, or replace it with --force.")


_EMPTY = "empty_tables"
_FILLED_IN_HERE = {"minute", "source_row", "baseline", "system"}


def _write_empty_tables(folder: Path) -> None:
    """One file per table with its header; in a folder of their own, since an empty table means "nobody"."""
    folder.mkdir(exist_ok=True)
    for name, table in TABLES.items():
        header = [column for column in table.inputs if column not in _FILLED_IN_HERE]
        (folder / f"{name}.csv").write_text(",".join(header) + "\n", encoding="utf-8")


_TABLE_SUFFIXES = {".csv", ".tsv", ".txt", ".xlsx", ".parquet", *STATISTICS_KINDS}
_TABLES = {
    "labs": "needed: one row per value, or one column per analyte",
    "infusions": "needed for dates; without it labs must count days from infusion, or set day_zero",
    "patients": "optional: age, sex, stage and further factors",
    "support": "optional: growth factors and transfusions; without it recovery is count recovery",
    "events": "optional: CRS, death, last contact",
    "responses": "optional",
}


def _describe_table(table: str, needed: str, files: list[str]) -> str:
    found = [name for name in files if Path(name).stem.lower() == table]
    return f"{table}: {', '.join(found)}" if found else f"{table}: not found ({needed})"
