"""One course of blood counts, given value by value, explained as a study explains a patient."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from cytopenia.contract import Tables, check_tables, leave_out, require_tables
from cytopenia.definition_forms import GradesDefinition, RecoveryDefinition, RecoveryTimeDefinition
from cytopenia.definitions import Library, load_library
from cytopenia.errors import DefinitionError, suggest_name
from cytopenia.grading.explain import Answer, OutcomeExplanation, PatientExplanation
from cytopenia.readers.harmonize import harmonize_tables
from cytopenia.readers.mapping import DataSection
from cytopenia.readers.source_table import SourceTable
from cytopenia.study.counterfactuals import Kernel, keep_patient
from cytopenia.study.explain import explain_in_study, require_patient
from cytopenia.study.plan import build_plan
from cytopenia.study.protocol import Study
from cytopenia.study.protocol_forms import Protocol

__all__ = [
    "PATIENT",
    "Course",
    "CourseEvent",
    "CourseValue",
    "ExplainedCourse",
    "SupportGiven",
    "end_tables",
    "explain_course",
    "explain_tables",
    "find_last_day",
    "list_course_parts",
    "make_kernel",
    "plan_course",
    "read_course",
]

PATIENT = "of this list"
_ORIGIN = "the list"
# What a study would be told about tables that a single course cannot have.
_UNASKED = ("file_read", "day_zero_given", "patients_from_labs", "no_support_table", "empty_table")


@dataclass(frozen=True)
class CourseValue:
    """One value as it is printed: a day counted from the infusion, or a date; `row` is named in messages."""

    when: str
    analyte: str
    value: str
    unit: str
    row: int
    lln: str | None = None


@dataclass(frozen=True)
class SupportGiven:
    """A growth factor or transfusion of one of the kinds of the contract, from a day or date to another."""

    kind: str
    start: str
    stop: str
    row: int


@dataclass(frozen=True)
class CourseEvent:
    """What ends or censors a course, of one of the kinds of the contract: "last_contact", "death"."""

    kind: str
    when: str


@dataclass(frozen=True, kw_only=True)
class Course:
    """A course of one patient.

    Attributes
    ----------
    values : sequence of CourseValue
    infusion_date : str, optional
        Day 0; needed where a date stands instead of a day.
    date_format : str, optional
        As strftime has it; needed where day and month could be exchanged.
    decimal : str
        "auto", "." or ",".
    support : sequence of SupportGiven
    support_complete : bool
        Whether nothing else was given.
    events : sequence of CourseEvent
    """

    values: Sequence[CourseValue]
    infusion_date: str | None = None
    date_format: str | None = None
    decimal: str = "auto"
    support: Sequence[SupportGiven] = ()
    support_complete: bool = False
    events: Sequence[CourseEvent] = ()


@dataclass(frozen=True)
class ExplainedCourse:
    """The outcomes of a course with all that is behind them, and what was doubtful in its values.

    Attributes
    ----------
    explained : PatientExplanation
    findings : DataFrame
    last_day : int, optional
        The day of the last value, where nothing says when observation ended.
    ended : mapping of name to OutcomeExplanation
        Where nothing says it, what each outcome whose days go on would be had observation ended on that day;
        its reasons are those of `explained`.
    """

    explained: PatientExplanation
    findings: pl.DataFrame
    last_day: int | None = None
    ended: Mapping[str, OutcomeExplanation] = field(default_factory=dict[str, OutcomeExplanation])


def list_course_parts(library: Library) -> dict[str, str]:
    """Return what can be asked of a course: addresses with their titles.

    Examples
    --------
    >>> list_course_parts(load_library())["icaht_2023.early"]
    'Early ICAHT'
    """
    found: dict[str, str] = {}
    for name, definition in library.definitions.items():
        if isinstance(definition, RecoveryDefinition | RecoveryTimeDefinition):
            found[name] = definition.title
        elif isinstance(definition, GradesDefinition):
            found |= {
                f"{name}.{key}": part.title
                for key, part in definition.parts.items()
                if part.own_window is not None
            }
    return found


def read_course(course: Course) -> Tables:
    """Return the tables of a course, with every doubt in their findings; wrong values never raise here."""
    course = _print_alike(course)
    when = [value.when for value in course.values]
    labs = {
        "value": [value.value for value in course.values],
        "analyte": [value.analyte for value in course.values],
        "unit": [value.unit for value in course.values],
        "lln": [value.lln for value in course.values],
        **_name_moments(when, "day", "date"),
    }
    tables = {"labs": _frame(labs, [value.row for value in course.values])}
    if course.infusion_date:
        tables["infusions"] = _frame({"infusion_date": [course.infusion_date]}, [1])
    if course.support or course.support_complete:
        tables["support"] = _list_support(course.support)
    if course.events:
        events = {
            "kind": [event.kind for event in course.events],
            **_name_moments([event.when for event in course.events], "day", "date"),
        }
        tables["events"] = _frame(events, list(range(1, len(course.events) + 1)))
    form = {"decimal": course.decimal, "date_format": course.date_format}
    dated = {"date_format": course.date_format}
    section = DataSection.model_validate({"labs": form, **{name: dated for name in tables if name != "labs"}})
    return harmonize_tables({name: SourceTable(frame, _ORIGIN) for name, frame in tables.items()}, section)


def _print_alike(course: Course) -> Course:
    """Dates as year-month-day, which a field of a page gives, in the order that is stated for the others."""
    if course.date_format is None:
        return course

    def put(text: str) -> str:
        try:
            return dt.date.fromisoformat(text.strip()).strftime(course.date_format or "")
        except ValueError:
            return text

    return replace(
        course,
        values=[replace(item, when=put(item.when)) for item in course.values],
        infusion_date=course.infusion_date and put(course.infusion_date),
        support=[replace(item, start=put(item.start), stop=put(item.stop)) for item in course.support],
        events=[replace(item, when=put(item.when)) for item in course.events],
    )


def _list_support(support: Sequence[SupportGiven]) -> pl.DataFrame:
    starts, stops = ([getattr(item, name) for item in support] for name in ("start", "stop"))
    named = _name_moments([*starts, *stops], "day", "date")
    suffix = "_date" if "date" in named and "day" not in named else ""
    content = {"kind": [item.kind for item in support], f"start{suffix}": starts, f"stop{suffix}": stops}
    return _frame(content, [item.row for item in support])


def _name_moments(texts: Sequence[str], day: str, date: str) -> dict[str, list[str | None]]:
    """Days and dates each in a column of their own."""
    days = [text if _is_day(text) else None for text in texts]
    dates = [None if _is_day(text) else text for text in texts]
    columns = {day: days, date: dates}
    kept = {name: column for name, column in columns.items() if any(cell is not None for cell in column)}
    return kept or {day: days}


def _is_day(text: str) -> bool:
    plain = text.strip().replace("\u2212", "-")
    return plain.removeprefix("-").removeprefix("+").isdecimal() and plain.isascii()


def _frame(columns: Mapping[str, Sequence[str | None]], rows: Sequence[int]) -> pl.DataFrame:
    schema = dict.fromkeys(columns, pl.String)
    place = pl.Series("source_row", rows, dtype=pl.UInt32)
    return pl.DataFrame(columns, schema=schema).with_columns(place, patient_id=pl.lit(PATIENT))


def explain_course(
    course: Course, addresses: Sequence[str], *, folder: Path | str | None = None
) -> ExplainedCourse:
    """Return what definitions say of a course: grades or recovery, the days behind them, what is open.

    Parameters
    ----------
    course : Course
    addresses : sequence of str
        Of `list_course_parts`: "icaht_2023.early", "qiu2023_recovery"; or a definition for all its parts.
    folder : path, optional
        A folder whose `definitions/` are used as well.

    Raises
    ------
    DefinitionError
        A definition is unknown, or does not look at a course.
    DataError
        The values cannot be used as they are; every error is named.

    Examples
    --------
    >>> days = [0, 2, 4, 6, 8, 10]
    >>> values = [CourseValue(str(day), "anc", "0.3", "G/L", day + 1) for day in days]
    >>> found = explain_course(Course(values=values), ["icaht_2023.early"])
    >>> found.explained.outcomes[0].answer.policy
    2.0
    """
    return explain_tables(course, read_course(course), addresses, folder=folder)


def explain_tables(
    course: Course, read: Tables, addresses: Sequence[str], *, folder: Path | str | None = None
) -> ExplainedCourse:
    """Return what `explain_course` does, of a course that has been read."""
    study = plan_course(load_library(folder), addresses, support_complete=course.support_complete)
    tables = require_tables(read)
    explained = explain_in_study(study, tables, PATIENT)
    findings = leave_out(check_tables(read), _UNASKED)
    is_ended = explained.last_contact_day is not None or explained.death_day is not None
    last = None if is_ended else find_last_day(tables)
    if last is None:
        return ExplainedCourse(explained, findings)
    own = keep_patient(require_patient(study, end_tables(tables, last), PATIENT), PATIENT)
    _, found = make_kernel(study).run(own)
    rows = {row["outcome"]: row for row in found.iter_rows(named=True)}
    ended = {
        outcome.name: replace(outcome, answer=Answer.of_row(row), row=row, stops=())
        for outcome in explained.outcomes
        if outcome.window is not None and outcome.window[1] > last and (row := rows[outcome.name])
    }
    return ExplainedCourse(explained, findings, last, ended)


def find_last_day(tables: Tables) -> int | None:
    """Return the day of the last value that can be judged, of any analyte."""
    is_used = pl.col("invalid").is_null() & pl.col("value").is_not_null() & pl.col("analyte").is_not_null()
    last = tables.labs.filter(is_used)["day"].max()
    return last if isinstance(last, int) else None


def end_tables(tables: Tables, day: int) -> Tables:
    """Return the tables of a course with a last contact on a day."""
    event = pl.DataFrame({"patient_id": [PATIENT], "kind": ["last_contact"], "day": [day]})
    schema = tables.events.schema
    added = event.select(pl.col(name).cast(schema[name]) for name in event.columns)
    return replace(tables, events=pl.concat([tables.events, added], how="diagonal"))


def make_kernel(study: Study) -> Kernel:
    """Return what judges a course by the definitions of a study, without what is behind an answer."""
    use_caps = study.protocol.study.bound_anc_by_wbc
    return Kernel(build_plan(study), study.library.bounds, use_caps, study.library.baseline)


def _choose(library: Library, addresses: Sequence[str]) -> dict[str, str]:
    """The parts that are asked for, with their titles."""
    known, found, problems = list_course_parts(library), dict[str, str](), list[str]()
    for address in addresses:
        parts = {name: title for name, title in known.items() if address in (name, name.partition(".")[0])}
        if not parts:
            library.find(address)
            hint = suggest_name(address, known)
            problems.append(f"'{address}' does not look at a course{hint}; allowed: {', '.join(known)}")
        found |= parts
    if problems:
        raise DefinitionError("; ".join(problems))
    return found


def plan_course(library: Library, addresses: Sequence[str], *, support_complete: bool) -> Study:
    """Return a study of one patient whose outcomes are the definitions that are asked for.

    Raises
    ------
    DefinitionError
        A definition is unknown, or does not look at a course.
    """
    chosen = _choose(library, addresses)
    outcomes = {
        address.replace(".", "_"): {"definition": address, "title": title}
        for address, title in chosen.items()
    }
    content: dict[str, Any] = {
        "study": {"title": _ORIGIN, "seed": 0, "support_complete": support_complete},
        "data": {},
        "outcomes": outcomes,
        "analyses": [{"id": "occurrence", "kind": "occurrence", "outcomes": list(outcomes)}],
    }
    return Study(Protocol.model_validate(content), library, Path(_ORIGIN), "")
