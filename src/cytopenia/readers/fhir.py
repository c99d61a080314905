"""FHIR R4 resources become the tables of the contract: by LOINC, ATC and UCUM, or as the mapping says."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cytopenia.contract import EVENT_KINDS, SUPPORT_KINDS, Finding, note, note_rows
from cytopenia.readers.codes import load_support_codes
from cytopenia.readers.fhir_files import BrokenLines, Resource, find_fhir_files, stream_resources
from cytopenia.readers.fhir_labs import LabCollector
from cytopenia.readers.fhir_values import (
    Code,
    as_list,
    as_mapping,
    is_of_patient,
    list_codes,
    read_moment,
    read_reference,
    read_version,
    read_word,
)
from cytopenia.readers.mapping import INFUSION, FhirMapping
from cytopenia.readers.mapping_forms import IGNORE
from cytopenia.readers.source_table import SourceTable

__all__ = ["read_fhir"]

_MOMENTS = {"Procedure": "performed", "MedicationAdministration": "effective", "Condition": "onset"}
_WORDS = {
    "Procedure": (INFUSION, *SUPPORT_KINDS),
    "MedicationAdministration": (INFUSION, *SUPPORT_KINDS),
    "Condition": EVENT_KINDS,
}
_DONE = {
    "Procedure": ("completed", "in-progress"),
    "MedicationAdministration": ("completed", "in-progress", "stopped"),
    "Condition": ("",),
}
_ERROR = "entered-in-error"
_SAID_NO = (_ERROR, "refuted")
_TABLE_OF = {"Procedure": "infusions", "MedicationAdministration": "support", "Condition": "events"}
_NAMES = {
    "Procedure": "procedures",
    "MedicationAdministration": "medication administrations",
    "Condition": "conditions",
}
_SHOWN = 10
_MOST_FILES = 5


@dataclass(frozen=True)
class _Item:
    """A procedure, administration or condition with what our mapping makes of it."""

    kind: str
    row: int
    rank: tuple[float, float]
    status: str
    patient_id: str | None
    codes: tuple[Code, ...]
    medication: str | None
    start: str | None
    stop: str | None


@dataclass(frozen=True)
class _Person:
    row: int
    rank: tuple[float, float]
    sex: str | None
    number: str
    birth: str
    death: str
    dead: bool


def read_fhir(path: Path, mapping: FhirMapping) -> tuple[dict[str, SourceTable], list[Finding]]:
    """Return the tables that the resources of a file or folder give, and what was found while reading.

    Parameters
    ----------
    path : Path
        A folder with .ndjson files (a bulk export) or .json files, or one such file.
    mapping : FhirMapping
        `codes` says what codes mean that the reviewed tables do not list.

    Returns
    -------
    tables, findings
        `labs` always; `patients`, `infusions`, `support` and `events` where resources give rows for them.
        Moments are the printed ones: their calendar day is that of the time zone they are printed in.

    Raises
    ------
    ReaderError
        There is no such file, or a file cannot be read.
    """
    files = find_fhir_files(path)
    broken = BrokenLines()
    labs, others = LabCollector(mapping.codes), _Others(mapping)
    for resource in stream_resources(files, broken):
        if resource.kind == "Observation":
            labs.add(resource)
        else:
            others.add(resource)
    frame, findings = labs.finish()
    tables, found = others.finish()
    shown = files if len(files) <= _MOST_FILES else files[: _MOST_FILES - 1]
    origin = ", ".join(file.name for file in shown)
    if len(shown) < len(files):
        origin = f"{origin} and {len(files) - len(shown):,} more files"
    sources = {
        name: SourceTable(table, origin)
        for name, table in {"labs": others.use_numbers(frame), **tables}.items()
        if name == "labs" or table.height
    }
    unused = [
        note("labs", "mapping_unused", f"codes maps '{key}', which never occurs")
        for key in mapping.codes
        if key not in labs.seen | others.seen
    ]
    beside = sorted(
        file.name for file in files[0].parent.glob("*.json") if path.is_dir() and file not in files
    )
    if beside:
        what = f"{', '.join(beside[:_SHOWN])} beside the .ndjson files are not read"
        unused.append(note("labs", "code_left_out", what, rows=len(beside)))
    return sources, [*broken.name(), *unused, *findings, *found]


class _Others:
    """Takes every resource but observations, and keeps what concerns our tables."""

    def __init__(self, mapping: FhirMapping) -> None:
        self._own, self._system = mapping.codes, mapping.identifier
        self.seen: set[str] = set()
        self._people: dict[str, _Person] = {}
        self._items: dict[tuple[str, str], _Item] = {}
        self._medications: dict[str, tuple[Code, ...]] = {}
        self._left: Counter[str] = Counter()
        self._unmapped: dict[str, Counter[str]] = {kind: Counter() for kind in _MOMENTS}

    def add(self, resource: Resource) -> None:
        content, name = resource.content, read_word(resource.content.get("id"))
        if resource.kind == "Patient" and name:
            person = _read_person(resource, self._system)
            known = self._people.get(name)
            if known is None or person.rank >= known.rank:
                self._people[name] = person
        elif resource.kind == "Medication" and name:
            self._medications[name] = tuple(list_codes(content.get("code")))
        elif resource.kind in _MOMENTS and is_of_patient(content):
            self._keep(_read_item(resource), (resource.kind, name or f"line {resource.row}"))
        else:
            self._left[resource.kind] += 1

    def _keep(self, item: _Item, key: tuple[str, str]) -> None:
        """The newest version of what is ours, or may be once its drug is known."""
        known = self._items.get(key)
        if known is not None and item.rank < known.rank:
            return
        codes = self._codes_of(item)
        if self._find_word(item)[0] or (item.medication and not codes):
            self._items[key] = item
            return
        self._unmapped[item.kind][codes[0].key if codes else "no code"] += 1
        self._items.pop(key, None)

    def finish(self) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
        findings: list[Finding] = []
        done: list[tuple[str, str, _Item]] = []
        for kind in _MOMENTS:
            items = [item for item in self._items.values() if item.kind == kind]
            worded = [(*self._find_word(item), item) for item in items]
            unmapped = self._unmapped[kind]
            for word, _, item in worded:
                if not word:
                    unmapped[codes[0].key if (codes := self._codes_of(item)) else "no code"] += 1
            findings += _name_left_out(kind, unmapped)
            ours = [(word, agent, item) for word, agent, item in worded if word and word != IGNORE]
            findings += _name_undone(kind, [item for _, _, item in ours])
            done += [entry for entry in ours if entry[2].status in _DONE[kind]]
        tables = {
            "infusions": _list_infusions(done),
            "support": _list_support(done),
            "events": _list_events(done, self._people),
        }
        tables["patients"], found = _list_patients(self._people, tables["infusions"])
        findings += [*found, *_name_people(self._people)]
        tables = {name: self.use_numbers(table) for name, table in tables.items()}
        if self._system is not None:
            findings += _name_without_number(self._people)
        if self._left:
            kinds = ", ".join(f"{kind} ({number:,})" for kind, number in self._left.most_common(_SHOWN))
            what = f"other kinds of resources are not read: {kinds}"
            findings.append(note("labs", "code_left_out", what, rows=self._left.total()))
        return tables, findings

    def use_numbers(self, table: pl.DataFrame) -> pl.DataFrame:
        """The table with the patients' numbers of the stated system in place of technical ids.

        A technical id without a number gets a prefix, since it may be the number of somebody else.
        """
        if self._system is None:
            return table
        numbers = {name: person.number for name, person in self._people.items() if person.number}
        technical = pl.lit("Patient/") + pl.col("patient_id")
        return table.with_columns(pl.col("patient_id").replace_strict(numbers, default=technical))

    def _codes_of(self, item: _Item) -> Sequence[Code]:
        return item.codes or self._medications.get(item.medication or "", ())

    def _find_word(self, item: _Item) -> tuple[str, str]:
        """What an item is for us, and the agent; ("", "") where its codes say nothing."""
        codes = self._codes_of(item)
        for code in codes:
            word = self._own.get(code.key, "")
            if word:
                self.seen.add(code.key)
            if word == IGNORE or word in _WORDS[item.kind]:
                return word, ""
        for code in codes:
            row = load_support_codes().get((code.system, code.code))
            if row is not None and item.kind == "MedicationAdministration":
                return row.kind, row.agent
        return "", ""


def _read_person(resource: Resource, system: str | None) -> _Person:
    content = resource.content
    numbers = [as_mapping(item) for item in as_list(content.get("identifier"))]
    own = [read_word(item.get("value")) for item in numbers if system and item.get("system") == system]
    return _Person(
        row=resource.row,
        rank=read_version(content).rank,
        sex=read_word(content.get("gender")) or None,
        number=next(filter(None, own), ""),
        birth=read_word(content.get("birthDate")),
        death=read_word(content.get("deceasedDateTime")),
        dead=content.get("deceasedBoolean") is True,
    )


def _read_item(resource: Resource) -> _Item:
    content, name = resource.content, _MOMENTS[resource.kind]
    concept = content.get("medicationCodeableConcept" if name == "effective" else "code")
    codes, reference = list_codes(concept), read_reference(content.get("medicationReference"))
    for item in as_list(content.get("contained")):
        held = as_mapping(item)
        if reference and read_word(held.get("id")) == reference.removeprefix("#"):
            codes = codes or list_codes(held.get("code"))
    verdict = {code.code for code in list_codes(content.get("verificationStatus"))}
    status = next((word for word in _SAID_NO if word in verdict), read_word(content.get("status")))
    start, period = read_moment(content, name), as_mapping(content.get(f"{name}Period"))
    return _Item(
        kind=resource.kind,
        row=resource.row,
        rank=read_version(content).rank,
        status=status,
        patient_id=read_reference(content.get("subject")),
        codes=tuple(codes),
        medication=reference,
        start=start,
        stop=(read_word(period.get("end")) or None) if period else start,
    )


def _list_infusions(done: Sequence[tuple[str, str, _Item]]) -> pl.DataFrame:
    rows = [(item.patient_id, item.start, item.row) for word, _, item in done if word == INFUSION]
    return _frame(rows, ("patient_id", "infusion_date"))


def _list_support(done: Sequence[tuple[str, str, _Item]]) -> pl.DataFrame:
    rows = [
        (item.patient_id, item.start, item.stop, word, agent or None, item.row)
        for word, agent, item in done
        if word in SUPPORT_KINDS
    ]
    return _frame(rows, ("patient_id", "start_date", "stop_date", "kind", "agent"))


def _list_events(done: Sequence[tuple[str, str, _Item]], people: Mapping[str, _Person]) -> pl.DataFrame:
    rows = [
        (item.patient_id, item.start, word, item.row) for word, _, item in done if item.kind == "Condition"
    ]
    rows += [(name, person.death, "death", person.row) for name, person in people.items() if person.death]
    return _frame(rows, ("patient_id", "date", "kind"))


def _list_patients(
    people: Mapping[str, _Person], infusions: pl.DataFrame
) -> tuple[pl.DataFrame, list[Finding]]:
    first = dict(infusions.group_by("patient_id").agg(pl.col("infusion_date").min()).iter_rows())
    ages = {name: _count_years(person.birth, first.get(name)) for name, person in people.items()}
    rows = [(name, person.sex, ages[name], person.row) for name, person in people.items()]
    table = _frame(rows, ("patient_id", "sex", "age_years"))
    unknown = sum(age is None for age in ages.values())
    if not unknown:
        return table, []
    what = f"the age at infusion is not known of {unknown:,} of {len(ages):,} patients"
    table = table.drop("age_years") if unknown == len(ages) else table
    return table, [note("patients", "age_unknown", what, rows=unknown)]


def _count_years(birth: str, infusion: str | None) -> str | None:
    """Completed years between two printed days; a birth date without its day gives none."""
    try:
        born, day = dt.date.fromisoformat(birth), dt.date.fromisoformat((infusion or "")[:10])
    except ValueError:
        return None
    return str(day.year - born.year - ((day.month, day.day) < (born.month, born.day)))


def _frame(rows: Sequence[tuple[Any, ...]], names: Sequence[str]) -> pl.DataFrame:
    schema = {**dict.fromkeys(names, pl.String), "source_row": pl.UInt32}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _name_left_out(kind: str, counts: Counter[str]) -> list[Finding]:
    if not counts:
        return []
    shown = ", ".join(f"{key} ({number:,})" for key, number in counts.most_common(_SHOWN))
    more = f" and {len(counts) - _SHOWN:,} more codes" if len(counts) > _SHOWN else ""
    number = counts.total()
    what = f"{number:,} {_NAMES[kind]} have codes that are not mapped and are not used: {shown}{more}"
    return [note(_TABLE_OF[kind], "code_left_out", what, rows=number)]


def _name_undone(kind: str, items: Sequence[_Item]) -> list[Finding]:
    undone = [item for item in items if item.status not in _DONE[kind]]
    said = {
        "entered_in_error": [item.row for item in undone if item.status in _SAID_NO],
        "not_done": [item.row for item in undone if item.status not in _SAID_NO],
    }
    words = {
        "entered_in_error": f"{_NAMES[kind]} were entered in error or refuted",
        "not_done": f"the status of {_NAMES[kind]} is not one of {', '.join(filter(None, _DONE[kind]))}",
    }
    return [
        finding
        for rule, rows in said.items()
        for finding in note_rows(
            _TABLE_OF[kind], rule, words[rule], rows=pl.Series(rows, dtype=pl.UInt32), total=len(items)
        )
    ]


def _name_people(people: Mapping[str, _Person]) -> list[Finding]:
    rows = [person.row for person in people.values() if person.dead and not person.death]
    return note_rows(
        "events",
        "death_undated",
        "the patient is dead, but no date is given",
        rows=pl.Series(rows, dtype=pl.UInt32),
        total=len(people),
    )


def _name_without_number(people: Mapping[str, _Person]) -> list[Finding]:
    rows = [person.row for person in people.values() if not person.number]
    return note_rows(
        "patients",
        "identifier_missing",
        "the patient has no number of the stated system",
        rows=pl.Series(rows, dtype=pl.UInt32),
        total=len(people),
    )
