"""How definitions and what changes between them are printed: tables for a reader, JSON for a program."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cytopenia.definition_forms import GradesDefinition, GradesPart
from cytopenia.definitions import GradeChange, Library, TermChange, list_changes
from cytopenia.grading.grade_ranges import RangeMap, ValueRange, map_ranges
from cytopenia.study.definition_changes import Reached, TermInPatients
from cytopenia.units import load_analytes

__all__ = ["collect_comparison", "print_comparison", "print_definition", "print_json", "print_list"]

PAGE_WIDTH = 100
_SHOWN_PROPERTIES: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
    (TermChange, ("status", "is_renamed")),
    (GradeChange, ("changes_rule", "changes_wording")),
    (ValueRange, ("text", "changes")),
)
_STATUS = {
    "unchanged": "unchanged",
    "wording": "only the wording changes",
    "counting": "days are counted differently",
    "rules": "grades change",
    "added": "new term",
    "removed": "no longer a term",
}


def print_json(content: Any) -> None:
    """Print records, lists and tables as JSON."""
    print(json.dumps(content, ensure_ascii=False, indent=2, default=_as_json))


def _as_json(value: Any) -> Any:
    if isinstance(value, pl.DataFrame):
        return value.to_dicts()
    found = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    for kind, names in _SHOWN_PROPERTIES:
        if isinstance(value, kind):
            return {**found, **{name: getattr(value, name) for name in names}}
    return found


def _open_console() -> Console:
    return Console(width=None if sys.stdout.isatty() else PAGE_WIDTH, highlight=False)


def _open_table(*headings: str, title: str | None = None) -> Table:
    table = Table(title=title and escape(title), title_justify="left", box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def print_list(rows: list[dict[str, Any]]) -> None:
    """Print one line per definition."""
    table = _open_table("id", "kind", "title", "version", "status", "source")
    for row in rows:
        names = ("id", "kind", "title", "version", "status")
        table.add_row(*(escape(row[name]) for name in names), escape(row["citation"]))
    _open_console().print(table)


def print_definition(page: dict[str, Any]) -> None:
    """Print one definition with its source, its rules and its assumptions."""
    console = _open_console()
    console.print(f"[bold]{escape(page['title'])}[/bold]")
    console.print(f"{page['id']}, version {escape(page['version'])}, status {page['status']}")
    console.print(escape(page["citation"]))
    address = f"https://doi.org/{page['doi']}" if page["doi"] else page["url"]
    for line in (address, f"sha256 {page['sha256']}", page["text"]):
        if line:
            console.print(escape(line))
    for part in page["grades"]:
        console.print()
        table = _open_table(
            "grade", "rule", "official sentence", title=f"{part['title']} ({part['address']})"
        )
        for rule in part["rules"]:
            table.add_row(str(rule["grade"]), escape(rule["words"]), escape(rule["text"]))
        console.print(table)
        if part["note"]:
            console.print(escape(part["note"]))
    console.print()
    notes = {part["note"] for part in page["grades"]}
    # The rules of graded terms stand in the tables above; what is left of them is the definition's own note.
    told = [rule for rule in page["rules"] if not page["grades"] or ("“" not in rule and rule not in notes)]
    for line in told:
        console.print(escape(line))
    for line in page["assumed"]:
        console.print(f"Assumed: {escape(line)}")


def collect_comparison(library: Library, old: str, new: str) -> dict[str, Any]:
    """Return what changes between two definitions: terms in words, and ranges of values by address.

    Raises
    ------
    DefinitionError
        An address is unknown, or of a kind that cannot be compared.
    """
    before, after = library.find_comparable(old), library.find_comparable(new)
    definition = library.find(new)
    removed = definition.removed if isinstance(definition, GradesDefinition) else {}
    terms = list_changes(before, after, removed=removed)
    return {"old": old, "new": new, "terms": terms, "ranges": _map_terms(terms, before, after)}


def _map_terms(
    terms: list[TermChange], before: dict[str, GradesPart], after: dict[str, GradesPart]
) -> dict[str, RangeMap]:
    """Where days are counted a single value has no grade, and different analytes have no common values."""
    pairs = [
        (term.old_address, before[term.old_address], after[term.new_address])
        for term in terms
        if term.old_address is not None and term.new_address is not None
    ]
    return {
        address: map_ranges(old, new)
        for address, old, new in pairs
        if old.analyte == new.analyte and not (_counts_days(old) or _counts_days(new))
    }


def _counts_days(part: GradesPart) -> bool:
    return any(rule.days is not None for rule in part.grades)


def print_comparison(page: dict[str, Any], library: Library, study: Path | None) -> None:
    """Print what changes: first in words, then in values, then in patients."""
    console = _open_console()
    for name in ("old", "new"):
        definition = library.find(page[name])
        console.print(f"{name}: [bold]{escape(page[name])}[/bold]  {escape(definition.citation.text)}")
    console.print()
    summary = _open_table("term", "what changes")
    for term in page["terms"]:
        more = (", renamed" if term.is_renamed else "") + (
            ", another analyte" if term.new_analyte != term.analyte else ""
        )
        summary.add_row(escape(_title(term)), _STATUS[term.status] + more)
    console.print(summary)
    for term in page["terms"]:
        if term.status != "unchanged":
            console.print()
            _print_term(console, term, page["ranges"].get(term.old_address))
    if study is not None:
        _print_patients(console, page["patients"], page)


def _title(term: TermChange) -> str:
    if term.is_renamed:
        return f"{term.old_title} -> {term.new_title}"
    return term.old_title or term.new_title


def _print_term(console: Console, term: TermChange, ranges: RangeMap | None) -> None:
    console.print(f"[bold]{escape(_title(term))}[/bold]: {_STATUS[term.status]}")
    if term.note:
        console.print(escape(term.note))
    if term.new_analyte != term.analyte:
        analytes = load_analytes()
        console.print(f"{analytes[term.analyte].title} -> {analytes[term.new_analyte].title}")
    if term.status in ("rules", "added", "removed"):
        table = _open_table("grade", "old", "new")
        for grade in term.grades:
            if grade.old or grade.new:
                cells = [" or ".join(rules) or "-" for rules in (grade.old, grade.new)]
                style = "bold" if grade.changes_rule else None
                table.add_row(str(grade.grade), *map(escape, cells), style=style)
        console.print(table)
    _print_counting(console, term)
    if ranges is not None:
        _print_ranges(console, ranges)
    changed = [grade for grade in term.grades if grade.changes_wording]
    if changed and term.status in ("rules", "counting", "wording"):
        table = _open_table("grade", "old sentence", "new sentence")
        for grade in changed:
            table.add_row(
                str(grade.grade), *(escape(text or "-") for text in (grade.old_text, grade.new_text))
            )
        console.print(table)


def _print_counting(console: Console, term: TermChange) -> None:
    for name, sentences in (("old", term.old_counting), ("new", term.new_counting)):
        if sentences:
            console.print(f"counted only by the {name} one:")
        for text in sentences:
            console.print(escape(f"  - {text}"))


def _print_ranges(console: Console, ranges: RangeMap) -> None:
    shown = [found for found in ranges.ranges if found.changes]
    # Where the limit is missing only what differs from the map with a limit is news.
    known = {(found.text, found.old, found.new) for found in ranges.ranges}
    without = [
        found
        for found in ranges.without_limit
        if found.changes and (found.text, found.old, found.new) not in known
    ]
    if shown:
        limit = "" if ranges.limit_above is None else f", for a limit of normal above {ranges.limit_above:g}"
        console.print(f"values in {ranges.unit}{limit}:")
    for found in shown:
        console.print(f"  {_say_range(found)}")
    if without:
        console.print(f"values in {ranges.unit}, without a limit of normal:")
    for found in without:
        console.print(f"  {_say_range(found)}")
    if ranges.leaves_out_baseline:
        console.print("Rules relative to the baseline depend on the patient and are compared in words only.")


def _say_range(found: ValueRange) -> str:
    return f"{found.text}: {_say_grade(found.old)} -> {_say_grade(found.new, short=True)}"


def _say_grade(grade: int | None, *, short: bool = False) -> str:
    if grade is None:
        return "not judged"
    return str(grade) if short else f"grade {grade}"


def _print_patients(console: Console, found: list[TermInPatients], page: dict[str, Any]) -> None:
    console.print()
    if not found:
        console.print(
            "The study grades no analyte that both definitions grade: there is no window to compare."
        )
    graded = {term.analyte for term in found}
    others = [_title(term) for term in page["terms"] if term.analyte not in graded]
    if found and others:
        console.print(escape(f"Not counted, because the study does not grade it: {', '.join(others)}."))
    for term in found:
        title = load_analytes()[term.analyte].title
        first, last = term.window
        console.print(
            f"[bold]{escape(title)}[/bold], day {first} to {last}, {term.patients} patients:"
            f" grade lower in {term.milder}, higher in {term.worse}, judged by one only {term.judged_by_one}"
        )
        console.print(_cross(term, page["old"], page["new"]))
        for name, reached in ((page["old"], term.old_reached), (page["new"], term.new_reached)):
            console.print(
                f"  grade {term.min_grade} or higher, {escape(name)}: {_say_reached(reached, term)}"
            )
        console.print()


def _say_reached(reached: Reached, term: TermInPatients) -> str:
    bounds = (
        ""
        if reached.best == reached.worst == reached.patients
        else f", bounds {reached.best}-{reached.worst}"
    )
    return f"{reached.patients}/{term.patients}{bounds}, not judged {reached.not_judged}"


def _cross(term: TermInPatients, old: str, new: str) -> Table:
    counts = {(before, after): n for before, after, n in term.crosstab.iter_rows()}
    columns = sorted({after for _, after in counts}, key=_grade_order)
    table = _open_table(f"{old} \\ {new}", *(_say_grade(grade) for grade in columns), "patients")
    for before in sorted({before for before, _ in counts}, key=_grade_order):
        cells = [counts.get((before, after), 0) for after in columns]
        table.add_row(_say_grade(before), *map(str, [*cells, sum(cells)]))
    totals = [sum(n for (_, after), n in counts.items() if after == grade) for grade in columns]
    table.add_row("patients", *map(str, [*totals, sum(totals)]))
    return table


def _grade_order(grade: int | None) -> tuple[bool, int]:
    return grade is None, grade or 0
