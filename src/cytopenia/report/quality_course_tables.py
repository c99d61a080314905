"""Tables of the page of `check` about courses: what the outcomes can see, support, events, findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from cytopenia.contract.data_quality import DataQuality
from cytopenia.report.content import SEVERITIES, sort_findings
from cytopenia.report.display import (
    Counted,
    clean_text,
    format_count,
    format_days,
    format_level,
    format_number,
    format_range,
    plural,
)
from cytopenia.report.explanation_words import name_support
from cytopenia.report.quality_cells import LEFT, Lines, make_table, show_count, show_share
from cytopenia.report.quality_content import list_analytes, name_analyte
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = [
    "table_ends",
    "table_events",
    "table_facts",
    "table_findings",
    "table_outcomes",
    "table_support",
    "table_weekdays",
    "table_windows",
]

MOST_FINDINGS = 200
EVENTS: Mapping[str, str] = {"crs": "CRS", "icans": "ICANS"}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SEVERITY_TITLES = {"error": "Errors: a run stops", "warning": "Warnings", "info": "Notes: what was done"}
FACTS: Mapping[str, str] = {
    "without_infusion": "Without an infusion: none of their rows can be placed",
    "infusion_undated": "First infusion without a date (days are given instead)",
    "lymphodepletion_unknown": "First day of lymphodepletion not known",
    "second_infusion": "With a second infusion: the course ends there",
    "without_count": "Without any neutrophil, hemoglobin or platelet value",
    "died": "Died",
    "end_unknown": "Neither death nor last contact: the end of observation is not known",
}


def table_windows(quality: DataQuality) -> Table:
    """Return the patient-days of each window that an outcome looks at."""
    notes, rows = Footnotes(), list[Row]()
    for row in quality.windows.iter_rows(named=True):
        days = format_days(row["first_day"], row["last_day"])
        cells = (
            show_count(row["days"]),
            show_share(row["measured"], row["days"], row["percent_measured"]),
            *(show_count(row[name]) for name in ("bounded", "filled", "open", "not_followed", "over")),
            *(
                Cell(
                    format_count(Counted(row[name], row["patients"])), tone="noted" if row[name] else "quiet"
                )
                for name in ("patients_open", "patients_unmeasured")
            ),
        )
        asking = notes.mark(f"For: {clean_text(row['outcomes'], longest=400)}.")
        rows.append(Row(f"{name_analyte(row['analyte'])}, {days}", cells, marks=asking))
    days, people = "Patient-days", "Patients"
    titles = (
        "At risk",
        "Measured",
        "Bounded by white cells",
        "In a short gap",
        "Open",
        "Not followed",
        "Over",
    )
    return Table(
        id="windows",
        caption="Days of the windows that the outcomes look at",
        columns=(
            Column("Count and window", LEFT),
            *(Column(title, spanner=days) for title in titles),
            Column("With a day that nobody saw", spanner=people),
            Column("Without a value", spanner=people),
        ),
        rows=tuple(rows),
        footnotes=tuple(notes.texts),
        notes=(
            "In a short gap: between two close measurements, which bound the count. Open: too far from any "
            "measurement; a deep nadir there changes no grade, since nobody saw it. Not followed: "
            "without a value "
            "after discharge or last contact. Over: after death, or from a second infusion on.",
        ),
    )


def table_outcomes(quality: DataQuality) -> Table:
    """Return how many patients have an answer that nothing unseen can change."""
    lines = (
        (
            clean_text(row["title"], longest=120),
            [show_count(row[name]) for name in ("patients", "decided", "may_differ", "not_judged")],
        )
        for row in quality.outcomes.iter_rows(named=True)
    )
    return make_table(
        "outcomes-decided",
        "Patients whose answer may be hidden",
        [
            Column("Outcome", LEFT),
            *map(Column, ("Patients", "Decided", "The answer may be another", "No answer")),
        ],
        lines=lines,
        notes=(
            "May be another: the days between measurements, or values printed as limits, allow another grade "
            "or answer. "
            "No answer: not judged, or not asked of the patient, as after an early death.",
        ),
    )


def table_weekdays(quality: DataQuality) -> Table:
    """Return the patient-days with a value by day of the week."""
    analytes = list_analytes(quality.weekdays)
    rows: dict[int, dict[str, Cell]] = {}
    for row in quality.weekdays.iter_rows(named=True):
        cell = show_share(row["measured"], row["at_risk"], row["percent_measured"])
        rows.setdefault(row["weekday"], {})[row["analyte"]] = cell
    return make_table(
        "weekdays",
        "Patient-days with a value, by day of the week",
        [Column("Day", LEFT), *(Column(name_analyte(name)) for name in analytes)],
        lines=((WEEKDAYS[day - 1], [cells[name] for name in analytes]) for day, cells in rows.items()),
        notes=(
            "Percent of the patient-days at risk, of patients whose infusion has a date. Fewer draws at "
            "weekends leave "
            "gaps that repeat each week.",
        ),
    )


def table_ends(quality: DataQuality) -> Table:
    """Return until when patients have counts."""
    lines: list[tuple[str, list[Cell]]] = [
        (
            format_level(row["reason"]),
            [show_count(row["patients"]), Cell(format_number(row["last_value"]))],
        )
        for row in quality.ends.iter_rows(named=True)
        if quality.has_days
    ]
    return make_table(
        "ends",
        "Until when patients have counts",
        [
            Column("Of the last window of the study", LEFT),
            Column("Patients"),
            Column("Median last day with a count"),
        ],
        lines=lines,
        notes=tuple(_notes_on_ends(quality)),
    )


def _notes_on_ends(quality: DataQuality) -> Iterator[str]:
    yield "Every patient is counted once, under the first that fits."
    row = quality.follow_up.row(0, named=True)
    if row["patients"]:
        yield (
            f"Known beyond the last window: {plural(row['patients'], 'patient')}, for a median of "
            f"{format_number(row['median'])} days (quartiles {format_range(row['q1'], row['q3'])})."
        )
    else:
        yield "Nobody is known beyond the last window."


def table_facts(quality: DataQuality) -> Table:
    """Return what else to know of the patients."""
    lines = (
        (FACTS[row["fact"]], [Cell(format_count(Counted(row["patients"], row["of"])))])
        for row in quality.facts.iter_rows(named=True)
    )
    return make_table("facts", "Patients", [Column("Patients", LEFT), Column("n/N")], lines=lines)


def table_support(quality: DataQuality) -> Table:
    """Return the courses of support by kind."""
    names = ("rows", "patients", "without_stop", "before_day_0", "after_last_day")
    columns = ("Rows", "Patients", "Without a stop", "Begun before day 0", "Begun after the last window")
    notes = [] if quality.has_support else ["No table of support was given."]
    return make_table(
        "support-found",
        "Support",
        [Column("Kind", LEFT), *map(Column, columns)],
        lines=_list_kinds(quality.support, names),
        notes=(
            *notes,
            "A course without a stop is certain on its first day only, and may have gone on.",
        ),
    )


def table_events(quality: DataQuality) -> Table:
    """Return the events by kind."""
    columns = ("Rows", "Patients", "Before day 0", "After the last window")
    return make_table(
        "events-found",
        "Events",
        [Column("Kind", LEFT), *map(Column, columns)],
        lines=_list_kinds(quality.events, ("rows", "patients", "before_day_0", "after_last_day")),
    )


def _list_kinds(frame: pl.DataFrame, names: Sequence[str]) -> Lines:
    for row in frame.iter_rows(named=True):
        kind = format_level(EVENTS.get(row["kind"]) or name_support(clean_text(row["kind"])))
        yield kind, [show_count(row[name]) for name in names]


def table_findings(quality: DataQuality) -> Table:
    """Return the findings under their severity, the gravest first."""
    ordered = sort_findings(quality.findings)
    rows: list[Row] = []
    for severity in SEVERITIES:
        part = ordered.filter(pl.col("severity") == severity)
        if part.height:
            rows.append(Row(f"{SEVERITY_TITLES[severity]} ({format_number(part.height)})", is_section=True))
        rows += [_row_of_finding(row) for row in part.head(MOST_FINDINGS).iter_rows(named=True)]
        if part.height > MOST_FINDINGS:
            rest = plural(part.height - MOST_FINDINGS, "further finding")
            rows.append(Row(f"{rest}: cytopenia check prints all", (Cell(),) * 4))
    return Table(
        id="findings",
        caption=plural(ordered.height, "finding"),
        columns=(
            Column("Table", LEFT),
            Column("Column", LEFT),
            Column("Rows"),
            Column("First row"),
            Column("What was found, what was done, what to do", LEFT),
        ),
        rows=tuple(rows),
        notes=("Rows are numbered as a spreadsheet numbers those of the file; the header is row 1.",),
    )


def _row_of_finding(row: Mapping[str, Any]) -> Row:
    return Row(
        clean_text(row["table"] or ""),
        (
            Cell(clean_text(row["column"] or "")),
            Cell(format_number(row["rows"]) if row["rows"] else ""),
            Cell(format_number(row["row"]) if row["row"] is not None else ""),
            Cell(clean_text(row["message"] or "", longest=900)),
        ),
    )
