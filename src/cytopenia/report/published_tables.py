"""The study beside published cohorts as a display table."""

from __future__ import annotations

from collections.abc import Iterator

from cytopenia.report.cells import CellMaker, common_notes
from cytopenia.report.content import ReportContent
from cytopenia.report.display import NO_VALUE, clean_text, format_number, format_percent, format_range
from cytopenia.report.lookup import Estimate
from cytopenia.report.published_cells import STUDY, SUMMARY, PublishedPart, read_published
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = ["table_published", "table_published_details"]

INTERVAL_NOTE = (
    "Intervals are Wilson's, at 95%. Of this study they are about chance alone; the bounds beside the count "
    "are about unmeasured days and patients who could not be judged, and they are no confidence limits."
)
COUNT_NOTE = (
    "Where a source prints a percentage only, the count is given if one whole number alone rounds to it; if "
    "the source cut its percentages off, it may be one more."
)
COHORT_NOTE = (
    "The cohorts differ in disease, product and support. No test compares them with this study: patients were"
    " not assigned to them, and they were not measured on the same days."
)
SUMMARY_NOTE = (
    "Summary: the cohorts of one definition and window, each patient once. Prediction interval: where the"
    " proportion of one further cohort of this kind is expected; it, not the interval of the mean, is what a"
    " single cohort can be held against."
)


def table_published(content: ReportContent, analysis_id: str) -> Table:
    """Return the study and the published cohorts with counts, intervals and what differs."""
    notes = Footnotes()
    parts = read_published(content, analysis_id)
    rows = tuple(row for part in parts for row in _list_rows(part, notes))
    outcomes = dict.fromkeys(part.text(STUDY, "outcome") for part in parts)
    has_summary = any(part.has_summary for part in parts)
    return Table(
        id=f"{analysis_id}-published",
        caption="This study and published cohorts",
        columns=(
            Column("Cohort", "left"),
            Column("Definition", "left"),
            Column("Days", "left"),
            Column("n/N"),
            Column("% (95% CI)"),
            Column("Figures", "left"),
        ),
        rows=rows,
        notes=(
            INTERVAL_NOTE,
            *([SUMMARY_NOTE] if has_summary else []),
            COHORT_NOTE,
            *common_notes(content, notes, outcomes=outcomes),
        ),
        footnotes=tuple(notes.texts),
    )


def _list_rows(part: PublishedPart, notes: Footnotes) -> Iterator[Row]:
    yield Row(part.title, is_section=True)
    cells = CellMaker(part.lookup, notes, unjudged="not judged")
    count = cells.count(STUDY, stratum=part.name)
    yield Row(
        "This study",
        (
            Cell(part.text(STUDY, "definition")),
            Cell(part.text(STUDY, "window")),
            Cell(count.text.partition(" (")[0], count.bounds, count.marks),
            _rate(part.find(STUDY, "percent"), notes),
            Cell(),
        ),
    )
    for address, label in part.labels.items():
        yield _row_of_cohort(part, address, label, notes)
    yield from _summarize(part, notes)


def _row_of_cohort(part: PublishedPart, address: str, label: str, notes: Footnotes) -> Row:
    reason = part.note(address, "in_summary")
    count, size = part.find(address, "count"), format_number(part.value(address, "denominator"))
    shown = NO_VALUE if count is None else format_number(count.value)
    return Row(
        label,
        (
            Cell(part.text(address, "definition")),
            Cell(part.text(address, "window")),
            Cell(f"{shown}/{size}"),
            _rate(part.find(address, "percent"), notes),
            Cell(part.text(address, "evidence")),
        ),
        marks=notes.mark(f"Not in a summary: {reason}." if reason else ""),
    )


def table_published_details(content: ReportContent, analysis_id: str) -> Table:
    """Return what each published cohort has unlike the study, and how its count is known."""
    rows: list[Row] = []
    for part in read_published(content, analysis_id):
        rows.append(Row(part.title, is_section=True))
        rows += [_tell_cohort(part, address, label) for address, label in part.labels.items()]
    columns = ("Patients", "Denominator", "Unlike this study", "How the count is known", "Remarks")
    return Table(
        id=f"{analysis_id}-published-details",
        caption="What published cohorts have unlike this study",
        columns=(Column("Cohort", "left"), *(Column(title, "left") for title in columns)),
        rows=tuple(rows),
        notes=(COUNT_NOTE,),
    )


def _tell_cohort(part: PublishedPart, address: str, label: str) -> Row:
    count = part.find(address, "count")
    known = "" if count is None else clean_text(count.text or count.note)
    remarks = " ".join(filter(None, (part.note(address, name) for name in ("cohort", "definition"))))
    different = "; ".join(part.differences(address)) or "nothing that is known"
    texts = (part.text(address, "patients"), part.text(address, "denominator"), different, known, remarks)
    return Row(label, tuple(map(Cell, texts)))


def _rate(found: Estimate | None, notes: Footnotes) -> Cell:
    """The percentage with its interval; a printed one without a count has none."""
    if found is None or found.value is None:
        reason = "" if found is None else found.note
        return Cell(NO_VALUE, marks=notes.mark(f"{NO_VALUE} {reason}" if reason else ""))
    if found.low is None or found.high is None:
        return Cell(f"{found.value:g}%, {found.text}" if found.text else format_percent(found.value))
    return Cell(f"{format_percent(found.value)} ({format_range(found.low, found.high, 1)})")


def _summarize(part: PublishedPart, notes: Footnotes) -> Iterator[Row]:
    found = part.find(SUMMARY, "percent")
    if found is None:
        return
    blank = (Cell(), Cell(), Cell())
    if found.value is None:
        yield Row("No summary", (*blank, _rate(found, notes), Cell()))
        return
    yield Row(
        f"Summary of {format_number(part.value(SUMMARY, 'cohorts'))} cohorts",
        (*blank, _rate(found, notes), Cell()),
        marks=notes.mark(found.note),
    )
    ahead, share = part.find(SUMMARY, "prediction"), part.value(SUMMARY, "i_squared")
    if ahead is None or share is None:
        return
    tau = format_number(part.value(SUMMARY, "tau_squared"))
    variance = f"Between cohorts: tau² {tau}, I² {format_percent(share)}"
    text = f"{format_range(ahead.low, ahead.high, 1)}%"
    yield Row("Prediction interval", (*blank, Cell(text), Cell(variance)))
