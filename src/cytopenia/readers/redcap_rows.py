"""Rows of a REDCap project by record, event, instrument and instance, and which of them a part takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from cytopenia.contract import Finding, note, note_rows
from cytopenia.contract.texts import shorten
from cytopenia.errors import ReaderError, suggest_name
from cytopenia.readers.redcap_dictionary import Dictionary, ExportColumn
from cytopenia.readers.redcap_mapping import RedcapMapping, RedcapPart
from cytopenia.readers.redcap_records import EVENT, INSTANCE, INSTRUMENT
from cytopenia.readers.redcap_values import Cells

__all__ = ["PATIENT", "Project", "arrange_rows", "match_events", "name_event", "resolve_answer", "take_rows"]

# A field of a project never begins with a line, so that these names are free.
PATIENT = "_patient"
_ARM = re.compile(r"\s*\(Arm (?P<arm>\d+)(?::.*)?\)$")
_UNIQUE = re.compile(r"_arm_(\d+)[a-z]*$")
_LONGEST_STEM = 18
_ENTRY = r"--[12]$"
_KEY = (EVENT, INSTRUMENT, INSTANCE)


@dataclass
class Project:
    """The rows of a project, each with its patient, unique event and instrument; and what was found."""

    frame: pl.DataFrame
    dictionary: Dictionary
    columns: Mapping[str, ExportColumn]
    mapping: RedcapMapping
    origin: str
    findings: list[Finding] = field(default_factory=list[Finding])

    def find_form(self, name: str) -> str | None:
        """The instrument of a column, or None for a column that is none of an instrument."""
        column = self.columns.get(name)
        return None if column is None or name == self.dictionary.record_id else column.form


def arrange_rows(cells: Cells, dictionary: Dictionary, mapping: RedcapMapping) -> Project:
    """Return the rows under unique names of events and instruments; a row that is there twice counts once.

    Raises
    ------
    ReaderError
        Names of instruments or events do not fit the dictionary, or one row is there with different values.
    """
    frame = cells.frame
    if cells.is_label:
        frame = _name_events(frame, cells.origin)
    frame = _name_instruments(frame, dictionary, mapping, cells.origin)
    project = Project(frame, dictionary, cells.columns, mapping, cells.origin, [*cells.findings])
    _refuse_double_entry(project)
    _drop_repeats(project)
    _add_patient(project)
    _note_arms(project)
    return project


def name_event(label: str) -> str:
    """Return the unique name that REDCap makes of the label of an event.

    Examples
    --------
    >>> name_event("Deadline to opt out of study (Arm 2: Drug B)")
    'deadline_to_opt_ou_arm_2'
    >>> name_event("Day 7")
    'day_7_arm_1'
    """
    found = _ARM.search(label)
    arm, text = (found["arm"], label[: found.start()]) if found else ("1", label)
    stem = re.sub(r"_+", "_", re.sub(r"[^a-z0-9_ ]", "", text.lower()).replace(" ", "_"))
    stem = stem[:_LONGEST_STEM].strip("_")
    return f"{stem}_arm_{arm}" if stem else label


def _name_events(frame: pl.DataFrame, origin: str) -> pl.DataFrame:
    labels = frame[EVENT].unique().drop_nulls().to_list()
    names = {label: name_event(label) for label in labels}
    if len(set(names.values())) < len(names):
        listed = ", ".join(f"'{shorten(label)}'" for label in sorted(labels))
        raise ReaderError(
            f"{origin}: two events have names that are too much alike to be told apart by their labels: "
            f"{listed}. Give a raw export."
        )
    return frame.with_columns(pl.col(EVENT).replace(names))


def _name_instruments(
    frame: pl.DataFrame, dictionary: Dictionary, mapping: RedcapMapping, origin: str
) -> pl.DataFrame:
    found = frame[INSTRUMENT].unique().drop_nulls().sort().to_list()
    names: dict[str, str] = {}
    for text in found:
        folded = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
        names[text] = mapping.instruments.get(text, text if text in dictionary.forms else folded)
    unknown = [text for text, name in names.items() if name not in dictionary.forms]
    if unknown:
        listed = ", ".join(f"'{shorten(text)}'" for text in unknown)
        raise ReaderError(
            f"{origin}: repeating instruments that are not in {dictionary.origin}: {listed}; its instruments "
            f"are {', '.join(dictionary.forms)}. Say which is which under [data.redcap]: instruments = "
            f'{{ "{shorten(unknown[0])}" = "{dictionary.forms[0]}" }}, or download the dictionary again.'
        )
    return frame.with_columns(pl.col(INSTRUMENT).replace(names))


def _refuse_double_entry(project: Project) -> None:
    """Two people entered each record, which would count as two patients: 12--1 and 12--2."""
    ids = project.frame[project.dictionary.record_id].unique()
    entries = set(ids.filter(ids.str.contains(_ENTRY)).str.replace(_ENTRY, ""))
    if entries:
        count = "1 record was" if len(entries) == 1 else f"{len(entries):,} records were"
        raise ReaderError(
            f"{project.origin}: {count} entered by two people (double data entry; the record IDs end in --1 "
            "and --2). Merge the entries in REDCap, and export the merged records."
        )


def _drop_repeats(project: Project) -> None:
    """Two exports in one file repeat rows; the first counts if all of them say the same."""
    frame, record = project.frame, project.dictionary.record_id
    key = [record, *_KEY]
    repeated = ~pl.struct(key).is_first_distinct()
    repeats = frame.filter(repeated)["source_row"]
    if repeats.is_empty():
        return
    same = pl.struct(pl.all().exclude("source_row"))
    kept = frame.filter(same.is_first_distinct())
    odd = kept.filter(~pl.struct(key).is_first_distinct())["source_row"]
    if odd.len():
        raise ReaderError(
            f"{project.origin}: {odd.len():,} {'row has' if odd.len() == 1 else 'rows have'} the record, "
            "event, instrument and instance of an earlier row but other values, first in row "
            f"{odd.sort()[0]}. Keep one export in the file."
        )
    what = "the row repeats an earlier one exactly"
    project.findings += note_rows("labs", "duplicate_rows", what, rows=repeats, total=frame.height)
    project.frame = kept


def _add_patient(project: Project) -> None:
    name, record = project.mapping.patient_id, project.dictionary.record_id
    if name is None or name == record:
        project.frame = project.frame.with_columns(pl.col(record).alias(PATIENT))
        return
    ids = project.frame.group_by(record, maintain_order=True).agg(
        pl.col(name).drop_nulls().first().alias(PATIENT), pl.col(name).drop_nulls().n_unique().alias("_n")
    )
    if several := ids.filter(pl.col("_n") > 1).height:
        raise ReaderError(
            f"{project.origin}: {several:,} records have several values of {name}, which the mapping names "
            "as patient_id. Correct the project, or name another field."
        )
    project.frame = project.frame.join(ids.drop("_n"), on=record, how="left", maintain_order="left")


def _note_arms(project: Project) -> None:
    arms = project.frame.select(PATIENT, arm=pl.col(EVENT).str.extract(_UNIQUE.pattern)).drop_nulls()
    if not arms.is_empty():
        several = arms.group_by(PATIENT).agg(pl.col("arm").n_unique()).filter(pl.col("arm") > 1).height
        if several:
            what = f"{several:,} {'record is' if several == 1 else 'records are'} in more than one arm"
            project.findings.append(note("patients", "several_arms", what, rows=several))


def take_rows(project: Project, part: RedcapPart, table: str) -> pl.DataFrame:
    """Return the rows that a part takes: of its instruments, its events, and with the answers it asks for.

    Raises
    ------
    ReaderError
        Fields of a repeating instrument are mixed with others, or an answer is no choice of its field.
    """
    forms = {form for name in part.names if (form := project.find_form(name)) is not None}
    frame = project.frame
    repeating = forms & set(frame[INSTRUMENT].unique().drop_nulls())
    if repeating and len(forms) > 1 and table != "patients":
        raise ReaderError(
            f"[data.redcap.{table}]: its fields belong to the instruments {', '.join(sorted(forms))}, of "
            f"which {', '.join(sorted(repeating))} repeats: they never stand in one row. Write a part for "
            f"each, with its own date: [[data.redcap.{table}]]."
        )
    rows = frame.filter(pl.col(INSTRUMENT).is_null() | pl.col(INSTRUMENT).is_in(list(forms)))
    if part.events:
        rows = rows.filter(pl.col(EVENT).is_in(list(match_events(project, part.events, table))))
    return _ask_conditions(project, part, rows, table)


def match_events(project: Project, keys: Iterable[str], table: str) -> dict[str, str]:
    """Return the unique name of each event of the mapping that occurs, with its key; others are findings."""
    present = project.frame[EVENT].unique().drop_nulls().to_list()
    found: dict[str, str] = {}
    for key in keys:
        name = key if key in present else name_event(key)
        if name in present:
            found[name] = key
        else:
            what = f"the mapping names event '{shorten(key)}', which never occurs{suggest_name(key, present)}"
            project.findings.append(note(table, "mapping_unused", what))
    return found


def resolve_answer(project: Project, name: str, answer: str) -> str:
    """Return an answer of a field, given as label or code, as it stands in the rows.

    Raises
    ------
    ReaderError
        The field has choices, and this is none of them, or two of them.
    """
    column = project.columns.get(name)
    if column is None or not column.choices:
        return answer
    labels, codes = set(column.choices.values()), column.choices
    if answer in labels and codes.get(answer, answer) != answer:
        raise ReaderError(
            f"[data.redcap]: '{answer}' is the label of one choice of {name} and the code of another. Name "
            "the choices of this field by labels and codes that are different."
        )
    if answer not in labels and answer not in codes:
        allowed = ", ".join(f"{label} ({code})" for code, label in codes.items())
        raise ReaderError(
            f"[data.redcap]: '{answer}' is no answer of {name}{suggest_name(answer, labels)}; allowed: "
            f"{allowed}. Correct the mapping."
        )
    label = codes.get(answer, answer)
    kept = {text: code for code, text in codes.items()}
    return kept[label] if name in project.mapping.keep_codes else label


def _ask_conditions(project: Project, part: RedcapPart, rows: pl.DataFrame, table: str) -> pl.DataFrame:
    others = [name for name in part.names if name not in part.only_if and name in rows.columns]
    filled = rows.filter(pl.any_horizontal(pl.col(others).is_not_null()))
    for name, answers in part.only_if.items():
        wanted = [resolve_answer(project, name, answer) for answer in answers]
        what = f"{name} is blank, so that it is not known whether the row counts"
        open_rows = filled.filter(pl.col(name).is_null())["source_row"]
        project.findings += note_rows(table, "condition_blank", what, rows=open_rows, total=filled.height)
        rows = rows.filter(pl.col(name).is_in(wanted))
    return rows
