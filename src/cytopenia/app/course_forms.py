"""What a page asks of a course of counts, and the course that its fields are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cytopenia.app.pasted_lists import ListProblem, read_list
from cytopenia.app.texts import Say
from cytopenia.contract.schemas import SUPPORT_KINDS
from cytopenia.definition_forms import GradesDefinition, RecoveryDefinition, RecoveryTimeDefinition
from cytopenia.definitions import Library, describe_definition
from cytopenia.one_course import Course, CourseEvent, CourseValue, SupportGiven
from cytopenia.units import list_units, load_analytes, show_unit

__all__ = [
    "DATE_FORMATS",
    "ROWS_OF_A_LIST",
    "CoursePage",
    "Question",
    "build_course",
    "list_count_units",
    "list_questions",
]

# Orders of day and month that a list may have where it alone does not settle it, as strftime has them.
DATE_FORMATS = {
    "": None,
    "dmy_slash": "%d/%m/%Y",
    "mdy_slash": "%m/%d/%Y",
    "dmy_dot_short": "%d.%m.%y",
    "dmy_slash_short": "%d/%m/%y",
    "mdy_slash_short": "%m/%d/%y",
}
# Lines of the second list are told as 1001 and so on, so that a line of a message is one line.
ROWS_OF_A_LIST = 1000


@dataclass(frozen=True)
class Question:
    """One definition that can be asked of a course: its analytes, and whether it looks at support."""

    id: str
    title: str
    version: str
    citation: str
    analytes: tuple[str, ...]
    looks_at_support: bool


@dataclass(frozen=True)
class CoursePage:
    """A page about courses: the definitions it offers, and those that are asked at first."""

    name: str
    questions: tuple[Question, ...]
    first: tuple[str, ...]

    @property
    def analytes(self) -> tuple[str, ...]:
        """The analytes that any of its definitions looks at, in the order of the reviewed table."""
        used = {analyte for question in self.questions for analyte in question.analytes}
        return tuple(name for name in load_analytes() if name in used)

    @property
    def looks_at_support(self) -> bool:
        """Whether support can change an answer."""
        return any(question.looks_at_support for question in self.questions)


def list_questions(library: Library, *, kind: str) -> tuple[Question, ...]:
    """Return the definitions of a kind ("grades" or "recovery") that look at a course.

    Examples
    --------
    >>> from cytopenia.definitions import load_library
    >>> [item.analytes for item in list_questions(load_library(), kind="grades") if item.id == "icaht_2023"]
    [('anc',)]
    """
    found: list[Question] = []
    for definition in library.definitions.values():
        told = describe_definition(definition)
        analytes: tuple[str, ...] = ()
        supported = False
        if kind == "recovery" and isinstance(definition, RecoveryDefinition | RecoveryTimeDefinition):
            analytes = tuple(criterion.analyte for criterion in definition.all_of)
            supported = definition.looks_at_support
        elif kind == "grades" and isinstance(definition, GradesDefinition):
            parts = [part for part in definition.parts.values() if part.own_window is not None]
            analytes = tuple(dict.fromkeys(part.analyte for part in parts))
        if analytes:
            title, citation = definition.title, told["citation"]
            found.append(Question(definition.id, title, definition.version, citation, analytes, supported))
    return tuple(found)


def list_count_units(analyte: str) -> list[tuple[str, str]]:
    """Return the listed units of an analyte with what is shown, each once."""
    shown: dict[str, str] = {}
    for text in list_units(analyte):
        shown.setdefault(show_unit(text), text)
    return [(text, label) for label, text in shown.items()]


def build_course(
    form: Mapping[str, str], analytes: Sequence[str], say: Say
) -> tuple[Course, list[str], list[str]]:
    """Return the course of the fields of a page, problems that must be solved, and what was passed over."""
    values: list[CourseValue] = []
    problems: list[str] = []
    notes: list[str] = []
    for place, analyte in enumerate(analytes):
        read = read_list(form.get(f"list_{analyte}", ""))
        title, unit = load_analytes()[analyte].title, form.get(f"unit_{analyte}", "")
        problems += _say_problems(read.problems, title, say)
        if read.headings:
            notes.append(say("list.heading", list=title, line=read.headings[0]))
        if read.empty:
            notes.append(say("list.empty", list=title, n=len(read.empty)))
        first = place * ROWS_OF_A_LIST
        for line in read.lines:
            when, value = line.cells
            values.append(CourseValue(when, analyte, value, unit, first + line.number))
    support, wrong = _read_support(form.get("support", ""), say)
    problems += wrong
    if not values and not problems:
        problems.append(say("course.no_values"))
    ends = (("last_contact", form.get("last_contact", "")), ("death", form.get("death", "")))
    course = Course(
        values=values,
        infusion_date=form.get("infusion_date", "").strip() or None,
        date_format=DATE_FORMATS.get(form.get("date_format", "")),
        decimal=form["decimal"] if form.get("decimal") in (".", ",") else "auto",
        support=support,
        support_complete=bool(form.get("support_complete")),
        events=[CourseEvent(kind, text.strip()) for kind, text in ends if text.strip()],
    )
    return course, problems, notes


def _say_problems(problems: Sequence[ListProblem], title: str, say: Say) -> list[str]:
    return [say(problem.key, list=title, line=problem.line) for problem in problems]


def _read_support(text: str, say: Say) -> tuple[list[SupportGiven], list[str]]:
    """Courses of support, each a line of kind, first day, and last day where it is another."""
    read = read_list(text, least=2, most=3)
    title = say("course.support")
    problems = _say_problems(read.problems, title, say)
    problems += [say("list.one_cell", list=title, line=number) for number in (*read.empty, *read.headings)]
    words = {say(f"support.{kind}").casefold(): kind for kind in SUPPORT_KINDS}
    given: list[SupportGiven] = []
    for line in read.lines:
        name, start, *rest = line.cells
        kind = words.get(name.casefold(), name if name in SUPPORT_KINDS else None)
        if kind is None:
            allowed = ", ".join(say(f"support.{one}") for one in SUPPORT_KINDS)
            problems.append(say("course.unknown_support", line=line.number, allowed=allowed))
        else:
            given.append(SupportGiven(kind, start, rest[0] if rest else start, line.number))
    return given, problems
