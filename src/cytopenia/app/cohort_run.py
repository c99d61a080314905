"""The patients of the last run: what each outcome says of them, as rows that a page can sort and choose."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import polars as pl

from cytopenia.app.failures import RefusedError
from cytopenia.app.file_cache import FileCache
from cytopenia.errors import CytopeniaError, ProtocolError
from cytopenia.forms import parse_toml
from cytopenia.grading.explain import Answer
from cytopenia.grading.outcome_rows import OUTCOME_SCHEMA
from cytopenia.listings import Fingerprint, is_input, sum_files, take_fingerprint
from cytopenia.report.explanation_words import say_answer, say_policy
from cytopenia.study.plan import build_plan
from cytopenia.study.protocol import Study, read_protocol
from cytopenia.study.subjects import list_subjects

__all__ = [
    "MISSING_DAYS",
    "Cell",
    "CohortRun",
    "OutcomeColumn",
    "PatientRow",
    "is_outdated",
    "make_run_cache",
    "natural_order",
    "read_run",
]

# The reasons of the kernel for an open answer that one more day of measurement could have removed.
MISSING_DAYS = frozenset(
    {
        "a day known by its white cells alone could have been worse",
        "a day near the landmark could have been different",
        "a temperature that may have lasted, without the readings that decide",
        "an unmeasured day between measurements could have been worse",
        "an unmeasured day, a value given as a limit or support without a stop leaves the day open",
        "days far from any measurement could have been different",
        "days far from any measurement could have been low",
        "days without a temperature",
        "fever without a neutrophil count on the day or before it",
        "no count of a lineage",
        "no count of a lineage: white cells alone show only days that fail",
        "no day could be judged",
        "no measurement in the window",
        "no measurement near the landmark",
        "no neutrophil count around the landmark: white cells alone show only days that fail",
        "no neutrophil count in the window: white cells alone leave more than one label open",
        "no neutrophil count in the window: white cells alone show only the least grade it can be",
        "no neutrophil count near the landmark: white cells alone show only the least grade it can be",
        "no temperature in the window",
        "not measured late enough to know what did not happen",
        "the day of the landmark was not measured and could have been different",
        "unmeasured days around the landmark",
        "unmeasured days could have been lower or higher than their neighbors",
    }
)
_NADIR = "nadir_"
_OF_CELLS = ("outcome", "policy", "best", "worst", "label", "possible_labels", "decided", "reason")
_KEY_LENGTH, _MOST_DIGITS = 16, 30


@dataclass(frozen=True, kw_only=True)
class OutcomeColumn:
    """One outcome of the run; `kind` and `min_grade` say how its answers are put into words."""

    name: str
    title: str
    kind: str
    min_grade: int | None = None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What an outcome says of a patient: by the rule, and what it could be where days are missing."""

    answer: Answer
    words: str
    could: str
    is_open: bool

    @property
    def order(self) -> tuple[float, float, str]:
        """The place among the other answers: by the number, then by the worst case."""
        policy, worst = self.answer.policy, self.answer.worst
        return policy or 0.0, worst if worst is not None else policy or 0.0, self.answer.label or ""


@dataclass(frozen=True)
class PatientRow:
    """One patient of the run; `key` addresses the page of the patient without saying who it is."""

    patient_id: str
    key: str
    cells: Mapping[str, Cell]

    @property
    def open_outcomes(self) -> list[str]:
        """The outcomes that missing days leave open."""
        return [name for name, cell in self.cells.items() if cell.is_open]


@dataclass(frozen=True, eq=False)
class CohortRun:
    """The last run of a study, patients in the natural order of their ids; each reading is one of its own."""

    title: str
    synthetic: bool
    written: str
    columns: tuple[OutcomeColumn, ...]
    patients: tuple[PatientRow, ...]
    places: Mapping[str, int]


def make_run_cache(secret: bytes) -> FileCache[CohortRun]:
    """Return a cache that reads the last run by the folder of the study; keys hang on `secret`."""
    return FileCache(load=lambda folder: read_run(folder, secret), watch=_watch)


def _watch(folder: Path, read: CohortRun | None) -> Fingerprint:
    del read
    told = take_fingerprint([folder / "results"], wanted=lambda name: name in _RUN_FILES)
    return (*told, *take_fingerprint([folder], wanted=lambda name: name.endswith(".toml")))


_PROTOCOL, _RECORD = "study.toml", "provenance.json"
_RUN_FILES = ("outcomes.csv", _RECORD)


def read_run(folder: Path, secret: bytes) -> CohortRun:
    """Return the last run of a study.

    Raises
    ------
    RefusedError
        Its files are not those of a run, or are being replaced just now.
    """
    try:
        return _read(folder, secret)
    except (OSError, ValueError, KeyError, pl.exceptions.PolarsError) as cause:
        raise RefusedError(409, "refusal.run_unreadable") from cause


def _read(folder: Path, secret: bytes) -> CohortRun:
    provenance = _read_record(folder)
    outcomes = pl.read_csv(folder / "results" / "outcomes.csv", schema_overrides=OUTCOME_SCHEMA)
    outcomes = outcomes.filter(~pl.col("outcome").str.starts_with(_NADIR))
    columns = tuple(_list_columns(folder, outcomes))
    found: dict[str, dict[str, Cell]] = {}
    named = {column.name: column for column in columns}
    # Thousands of patients share a few dozen answers: each is put into words once.
    alike: dict[tuple[Any, ...], Cell] = {}
    for row in outcomes.select("patient_id", *_OF_CELLS).iter_rows(named=True):
        key = tuple(row[name] for name in _OF_CELLS)
        if (cell := alike.get(key)) is None:
            cell = alike[key] = _make_cell(row, named[row["outcome"]])
        found.setdefault(row["patient_id"], {})[row["outcome"]] = cell
    patients = tuple(
        PatientRow(one, make_key(secret, folder.name, one), found[one])
        for one in sorted(found, key=natural_order)
    )
    return CohortRun(
        title=provenance["title"],
        synthetic=provenance["synthetic"],
        written=provenance["written"],
        columns=columns,
        patients=patients,
        places={one.key: place for place, one in enumerate(patients)},
    )


def make_key(secret: bytes, study: str, patient_id: str) -> str:
    """Return what stands for a patient in an address; nobody without the secret finds the patient from it."""
    told = hmac.new(secret, f"{study}\0{patient_id}".encode(), hashlib.sha256)
    return told.hexdigest()[:_KEY_LENGTH]


def natural_order(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return the place of an id in the order that people expect.

    Examples
    --------
    >>> sorted(["P10", "P2", "A"], key=natural_order)
    ['A', 'P2', 'P10']
    """
    parts = re.split(r"([0-9]+)", text)
    return tuple(
        (0, int(part), part) if _is_number(part) else (1, 0, part.casefold()) for part in parts if part
    )


def _is_number(part: str) -> bool:
    """A number of so many digits that reading it would take long is text."""
    return part.isascii() and part.isdigit() and len(part) <= _MOST_DIGITS


def _list_columns(folder: Path, outcomes: pl.DataFrame) -> Iterator[OutcomeColumn]:
    """The outcomes of the run, titled by the study file where it still has them."""
    known: dict[str, OutcomeColumn] = {}
    with suppress(CytopeniaError):
        known = _read_columns(read_protocol(folder / _PROTOCOL))
    for (name,), part in outcomes.partition_by("outcome", as_dict=True, maintain_order=True).items():
        yield known.get(str(name)) or _guess_column(str(name), part)


def _read_columns(study: Study) -> dict[str, OutcomeColumn]:
    complete = study.protocol.study.support_complete
    subjects = list_subjects(build_plan(study), study.library, support_complete=complete)
    return {
        name: OutcomeColumn(name=name, title=one.title, kind=one.kind, min_grade=one.min_grade)
        for name, one in subjects.items()
    }


def _guess_column(name: str, part: pl.DataFrame) -> OutcomeColumn:
    """An outcome that the study file no longer has: its kind by what its answers look like."""
    labels = set(part["label"].drop_nulls().unique().to_list())
    if part["possible_labels"].is_not_null().any():
        kind = "phenotype"
    elif labels and labels <= {"yes", "no"}:
        kind = "any_of"
    elif labels:
        is_landmark = part["policy"].drop_nulls().is_in([0.0, 1.0]).all()
        kind = "recovery" if is_landmark else "recovery_time"
    else:
        kind = "grade"
    return OutcomeColumn(name=name, title=name.replace("_", " "), kind=kind)


def _make_cell(row: Mapping[str, Any], column: OutcomeColumn) -> Cell:
    answer = Answer.of_row(row)
    has_bounds = answer.worst is not None or answer.possible_labels is not None
    is_undecided = not answer.decided and has_bounds
    return Cell(
        answer=answer,
        words=say_policy(answer, column),
        could=say_answer(answer, column) if is_undecided else "",
        is_open=is_undecided and row["reason"] in MISSING_DAYS,
    )


def is_outdated(folder: Path) -> bool:
    """Return whether a file that a run reads was changed since the last one began to read.

    The study file is told by its content, the others by name, size and time; pages are read by no run.
    """
    try:
        told = _read_record(folder)
        file = folder / _PROTOCOL
        protocol = file.read_bytes() if file.is_file() else b""
    except (OSError, ValueError):
        return False
    began, data = _find_start(folder, told), _find_data(folder, protocol)
    if "protocol_sha256" in told and told["protocol_sha256"] != hashlib.sha256(protocol).hexdigest():
        return True
    if "files_sha256" in told and told["files_sha256"] != sum_files(folder, data):
        return True
    found = [*take_fingerprint([folder, data], wanted=is_input)]
    if "protocol_sha256" not in told:
        found += take_fingerprint([folder], wanted=lambda name: name == _PROTOCOL)
    return any(changed > began for _, changed, _ in found)


def _read_record(folder: Path) -> dict[str, Any]:
    found: Any = json.loads((folder / "results" / _RECORD).read_text(encoding="utf-8"))
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _find_start(folder: Path, told: Mapping[str, Any]) -> int:
    """When the run began, in nanoseconds; its end where an earlier version did not say."""
    with suppress(KeyError, TypeError, ValueError):
        return int(datetime.fromisoformat(told["started"]).timestamp() * 1_000_000) * 1000
    return (folder / "results" / _RECORD).stat().st_mtime_ns


def _find_data(folder: Path, protocol: bytes) -> Path:
    """The folder of the tables, as the study file says it."""
    data: Any = None
    with suppress(CytopeniaError):
        data = parse_toml(protocol, name=_PROTOCOL, error=ProtocolError).get("data")
    named = cast("dict[str, Any]", data).get("folder") if isinstance(data, dict) else None
    return folder / named if isinstance(named, str) else folder
