"""Phenotypes and second dips as display tables."""

from __future__ import annotations

from cytopenia.report.cells import CellMaker, common_notes, outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import format_level
from cytopenia.report.lookup import select_results
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = ["table_phenotypes", "table_second_dips"]

POSSIBLE_NOTE = (
    "Certain: patients whose days allow this phenotype alone. Possible: patients whose days allow it, each "
    "unmeasured day being anything that the measurements within reach allow, and anything at all elsewhere. "
    "Phenotypes have no order, so there is no best and no worst case."
)
_DIP_COLUMNS = {"first_day": "First day", "length_days": "Length, days", "depth": "Lowest measured count"}


def table_phenotypes(content: ReportContent, analysis_id: str) -> Table:
    """Return how many patients have each phenotype, have it for certain, and can have it."""
    cells = CellMaker(select_results(content.results, analysis_id, group="phenotypes"), Footnotes())
    names = cells.lookup.variables
    rows: list[Row] = []
    for name in names:
        rows.append(Row(outcome_title(content, name), is_section=True))
        rows.extend(_phenotype_row(cells, name, level) for level in cells.lookup.levels(name))
    return Table(
        id=f"{analysis_id}-phenotypes",
        caption="Phenotypes of recovery",
        columns=(
            Column("Phenotype", "left"),
            *(Column(one) for one in ("n/N (%)", "Certain", "Possible")),
        ),
        rows=tuple(rows),
        notes=(*common_notes(content, cells.notes, outcomes=names), POSSIBLE_NOTE),
        footnotes=tuple(cells.notes.texts),
    )


def _phenotype_row(cells: CellMaker, name: str, level: str) -> Row:
    bounds = (cells.number(name, one, level=level) for one in ("certain", "possible"))
    return Row(format_level(level), (cells.count(name, level=level), *bounds), indent=1)


def table_second_dips(content: ReportContent, analysis_id: str) -> Table:
    """Return when the second dips began, how long they lasted, and how low they went."""
    lookup = select_results(content.results, analysis_id, group="second_dip")
    cells = CellMaker(lookup, Footnotes())
    rows = [
        Row(
            outcome_title(content, name),
            (
                cells.number(name, "n", level="first_day"),
                *(_median(cells, name, one) for one in _DIP_COLUMNS),
            ),
        )
        for name in lookup.variables
    ]
    return Table(
        id=f"{analysis_id}-second-dips",
        caption="Second dips",
        columns=(
            Column("Outcome", "left"),
            Column("Patients"),
            *(Column(f"{one}, median (range)") for one in _DIP_COLUMNS.values()),
        ),
        rows=tuple(rows),
        footnotes=tuple(cells.notes.texts),
    )


def _median(cells: CellMaker, name: str, level: str) -> Cell:
    """The median with its range, or a dash with the reason."""
    median = cells.number(name, "median", level=level)
    ends = [cells.number(name, one, level=level).text for one in ("minimum", "maximum")]
    if cells.lookup.value(name, "median", level=level) is None:
        return median
    return Cell(f"{median.text} ({ends[0]}-{ends[1]})", marks=median.marks)
