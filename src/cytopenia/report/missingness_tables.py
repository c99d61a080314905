"""Missing values as a table: by factor, in all patients and on either side of an outcome."""

from __future__ import annotations

from collections.abc import Iterator

from cytopenia.report.association_cells import GROUPS, clean_note, find_analysis
from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_number, format_percent, lower_first
from cytopenia.report.lookup import ResultLookup, select_results
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = [
    "OUTCOME",
    "PATIENTS",
    "list_gaps",
    "table_missing_values",
]

MISSING = "missing"
PATIENTS, OUTCOME, CELLS = "patients", "outcome", "values"


def table_missing_values(content: ReportContent, analysis_id: str) -> Table:
    """Return how many values of each factor are missing, in all patients and on either side."""
    lookup, notes = select_results(content.results, analysis_id, group=MISSING), Footnotes()
    strata = [name for name in GROUPS if lookup.value(PATIENTS, "count", stratum=name) is not None]
    factors = [name for name in lookup.variables if name not in (PATIENTS, CELLS)]
    return Table(
        id=f"{analysis_id}-missing",
        caption="Missing values",
        columns=(Column("Factor", "left"), *(_stratum_column(lookup, name) for name in strata)),
        rows=tuple(_missing_row(lookup, notes, factor, strata=strata) for factor in factors),
        notes=tuple(_missing_notes(content, lookup, analysis_id)) if factors else (),
        footnotes=tuple(notes.texts),
    )


def _stratum_column(lookup: ResultLookup, stratum: str) -> Column:
    found = lookup.get(PATIENTS, "count", stratum=stratum)
    name = clean_text(found.text) if found else stratum
    size = f"n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{format_number(found.value if found else None)}"
    return Column(f"{name} ({size})")


def _missing_row(lookup: ResultLookup, notes: Footnotes, factor: str, *, strata: list[str]) -> Row:
    counts = [lookup.get(factor, "count", stratum=name) for name in strata]
    marks = next((notes.mark(clean_note(one.note)) for one in counts if one is not None and one.note), ())
    cells = list[Cell]()
    for name in strata:
        counted = lookup.counted(factor, stratum=name)
        if counted is None:
            cells.append(Cell())
        else:
            tone = "quiet" if not counted.count else ""
            percent = "" if counted.percent is None else f" ({format_percent(counted.percent)})"
            cells.append(Cell(f"{format_number(counted.count)}{percent}", tone=tone))
    return Row(clean_text(lookup.title(factor)), tuple(cells), marks=marks)


def _missing_notes(content: ReportContent, lookup: ResultLookup, analysis_id: str) -> Iterator[str]:
    yield "Missing values: n (%) of the patients of the column."
    total = lookup.value(PATIENTS, "count", stratum=GROUPS[0])
    incomplete = lookup.get(PATIENTS, "incomplete")
    cells = lookup.get(CELLS, "incomplete_percent")
    if incomplete is not None and incomplete.value is not None and total is not None:
        share = (
            "" if cells is None or cells.value is None else f"; {format_percent(cells.value)} of all values"
        )
        text = (
            f"Patients who lack a factor: {format_number(incomplete.value)} of {format_number(total)}{share}."
        )
        yield text + (f" {_sentence(incomplete.note)}" if incomplete.note else "")
    analysis = find_analysis(content, analysis_id)
    if analysis.get("outcome"):
        name = lower_first(outcome_title(content, str(analysis["outcome"])))
        yield f"Outcome: {name}; who is in neither group has none{_left_out(lookup)}. It is never imputed."


def _left_out(lookup: ResultLookup) -> str:
    parts = [
        f"{format_number(lookup.value(OUTCOME, 'left_out', level=why))} {clean_text(why)}"
        for why in lookup.levels(OUTCOME)
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _sentence(text: str) -> str:
    cleaned = clean_text(text).rstrip(".")
    return f"{cleaned[:1].upper()}{cleaned[1:]}."


def list_gaps(lookup: ResultLookup) -> list[tuple[float, dict[str, bool]]]:
    """Return each pattern as its patients and, by factor, whether the value is missing; in their order."""
    names = [name for name in lookup.variables if name != PATIENTS]
    return [
        (
            lookup.value(PATIENTS, "count", level=level) or 0,
            {name: lookup.value(name, "is_missing", level=level) == 1 for name in names},
        )
        for level in lookup.levels(PATIENTS)
    ]
