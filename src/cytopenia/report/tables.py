"""Results to display tables: what the cohort was, what happened to its counts, and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import polars as pl

from cytopenia.report.cells import (
    NADIR_BOUNDS,
    NOT_EVALUABLE,
    NOT_JUDGED,
    RECOVERY_BOUNDS,
    CellMaker,
    analyte_title,
    bounds_notes,
    common_notes,
    day_zero_note,
    denominator_phrase,
    nadir_title,
    outcome_title,
)
from cytopenia.report.content import ReportContent, sort_findings
from cytopenia.report.display import NO_VALUE, clean_text, format_level, format_number, format_signs, plural
from cytopenia.report.lookup import ResultLookup, select_results
from cytopenia.report.number_sources import patients_anchor
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = [
    "READINGS",
    "table_baseline_cytopenia",
    "table_cells",
    "table_characteristics",
    "table_evidence",
    "table_findings",
    "table_grades",
    "table_nadirs",
    "table_occurrence",
    "table_recovery",
]

READINGS = {
    "left out": "Early deaths left out",
    "as not recovered": "Early deaths as not recovered",
    "as competing event": "Early deaths as competing event",
    "": "Patients",
}
GRADE_PREFIX = "grade "
RECOVERED_OR_NEVER_BELOW, NEVER_BELOW = "recovered or never below", "never below"
DIED = "died before landmark"
# In best and worst case nothing is undecided, and the two good states move into each other.
UNBOUNDED_LEVELS = {NOT_EVALUABLE, DIED, NEVER_BELOW, "recovered"}
# What a reading of early deaths does with them, where it has no such state.
MOVED_DEATHS = {"left out": "early deaths are left out", "as not recovered": "counted as not recovered"}
NOT_JUDGED_NOTE = (
    "Not judged: patients without the measurements or the limit of normal to decide; never counted as free "
    "of the outcome. Without a grade a patient may still be known to lie below a higher one."
)
LIMIT_NOTE = "A value reported as a limit (<0.1, >2000) counts with the printed number."
COUNT_RECOVERY_NOTE = (
    "Support was not recorded completely: this is count recovery, whatever growth factors or transfusions "
    "were given."
)
CELLS_NOTE = (
    "Under support: the count met the criterion, but within the washout of support; it counts as failed. "
    "Unknown: not measured, and without close neighbors that agree."
)
# With no more days than this, all must be met; definitions that look at more combine them otherwise.
NINE_CELL_DAYS = 3
NINE_CELLS_NOTE = "Any cell failed: not recovered. Every cell met: recovered. Otherwise: not evaluable."
CELL_STATES = ("met", "failed", "under support", "unknown")


def table_characteristics(content: ReportContent, analysis_id: str) -> Table:
    """Return the characteristics of the cohort: medians with ranges, counts with denominators, missing.

    One row per numeric factor; a categorical factor has a row for itself and one per level. Missing
    values are a column of their own, never a level.
    """
    cells = CellMaker(select_results(content.results, analysis_id), Footnotes())
    rows = [row for name in cells.lookup.variables for row in _characteristic_rows(cells, name)]
    columns = ("n/N (%) or median (range)", "Quartiles", "Known", "Missing")
    return Table(
        id=f"{analysis_id}-characteristics",
        caption=_caption("Characteristics of the cohort", _all_patients(content)),
        columns=(Column("Characteristic", "left"), *map(Column, columns)),
        rows=tuple(rows),
        notes=("Known: patients with a value, the denominator of the row. Missing is never a level.",),
        footnotes=tuple(cells.notes.texts),
    )


def _characteristic_rows(cells: CellMaker, name: str) -> list[Row]:
    lookup = cells.lookup
    title, missing = clean_text(lookup.title(name)), cells.number(name, "missing")
    if "n" in lookup.names(name):
        return [Row(title, (cells.median(name), cells.quartiles(name), cells.number(name, "n"), missing))]
    levels = lookup.levels(name)
    known = (lookup.value(name, "denominator", level=level) for level in ["", *levels])
    most = next((value for value in known if value is not None), None)
    head = Row(title, (Cell(), Cell(), Cell(format_number(most)), missing))
    blanks = (Cell(), Cell(), Cell())
    return [
        head,
        *(
            Row(format_signs(clean_text(level)), (cells.count(name, level=level), *blanks), indent=1)
            for level in levels
        ),
    ]


def table_baseline_cytopenia(content: ReportContent, analysis_id: str) -> Table:
    """Return cytopenia already present at baseline, by lineage, beside the baseline value."""
    notes, group = Footnotes(), "baseline_cytopenia"
    counts = CellMaker(select_results(content.results, analysis_id, group=group), notes, NOT_JUDGED)
    reasons = select_results(content.results, analysis_id, group=f"{group}_not_judged")
    values = CellMaker(select_results(content.results, analysis_id, group="baseline_value"), notes)
    rows = list[Row]()
    for name in dict.fromkeys([*values.lookup.variables, *counts.lookup.variables]):
        title = "Any of these" if name == "any" else analyte_title(content, name)
        judged = (counts.count(name), counts.not_judged(name, reasons))
        rows.append(Row(title, (values.median(name), values.number(name, "n"), *judged)))
    columns = ("Baseline value, median (range)", "Known", "Cytopenia at baseline, n/N (%)", "Not judged")
    return Table(
        id=f"{analysis_id}-baseline",
        caption=_caption("Cytopenia at baseline", denominator_phrase(counts.lookup)),
        columns=(Column("Lineage", "left"), *map(Column, columns)),
        rows=tuple(rows),
        notes=(*common_notes(content, notes, outcomes=[group, analysis_id]), NOT_JUDGED_NOTE),
        footnotes=tuple(notes.texts),
    )


def table_occurrence(content: ReportContent, analysis_id: str) -> Table:
    """Return how many patients had each outcome, and apart from them how many could not be judged.

    The reasons why patients were not judged are footnotes of their number.
    """
    cells = CellMaker(select_results(content.results, analysis_id), Footnotes(), NOT_JUDGED)
    reasons = select_results(content.results, analysis_id, group="not_judged")
    lookup = cells.lookup
    levels = [level for level in lookup.all_levels if not _is_single_grade(level)]
    levels.sort(key=lambda level: level == NOT_JUDGED)
    rows = [
        Row(
            outcome_title(content, name),
            tuple(
                cells.not_judged(name, reasons) if level == NOT_JUDGED else cells.count(name, level=level)
                for level in levels
            ),
        )
        for name in lookup.variables
    ]
    notes = common_notes(content, cells.notes, outcomes=lookup.variables)
    return Table(
        id=f"{analysis_id}-occurrence",
        caption=_caption("Occurrence of cytopenia", denominator_phrase(lookup)),
        columns=(Column("Outcome", "left"), *(Column(_count_title(level)) for level in levels)),
        rows=tuple(rows),
        notes=(*notes, NOT_JUDGED_NOTE) if NOT_JUDGED in levels else notes,
        footnotes=tuple(cells.notes.texts),
    )


def table_grades(content: ReportContent, analysis_id: str) -> Table:
    """Return the number of patients by highest grade; grade 0 and not judged stand apart."""
    cells = CellMaker(select_results(content.results, analysis_id), Footnotes())
    lookup = cells.lookup
    grades = sorted(level for level in lookup.all_levels if _is_single_grade(level))
    levels = [*grades, *([NOT_JUDGED] if grades and NOT_JUDGED in lookup.all_levels else [])]
    graded = [name for name in lookup.variables if set(lookup.levels(name)) & set(grades)]
    rows = [
        Row(outcome_title(content, name), tuple(cells.plain_count(name, level=level) for level in levels))
        for name in graded
    ]
    extra = "Grade 0: judged and normal. Not judged: no grade could be given; it is not grade 0."
    return Table(
        id=f"{analysis_id}-grades",
        caption=_caption("Patients by highest grade", _all_patients(content)),
        columns=(Column("Outcome", "left"), *(Column(format_level(level)) for level in levels)),
        rows=tuple(rows),
        notes=(*common_notes(content, cells.notes, outcomes=graded), extra),
        footnotes=tuple(cells.notes.texts),
    )


def table_nadirs(content: ReportContent, analysis_id: str) -> Table:
    """Return the lowest measured value of each lineage and the first day it was measured."""
    notes = Footnotes()
    values = CellMaker(select_results(content.results, analysis_id, group="nadir"), notes)
    days = CellMaker(select_results(content.results, analysis_id, group="nadir_day"), notes)
    rows = [
        Row(nadir_title(content, name), (values.number(name, "n"), values.median(name), days.median(name)))
        for name in values.lookup.variables
    ]
    columns = ("Patients", "Nadir, median (range)", "Day of nadir, median (range)")
    extra = f"Nadir: lowest measured value of the window; ties go to the first day. {day_zero_note(content)}"
    return Table(
        id=f"{analysis_id}-nadirs",
        caption=_caption("Nadir and day of nadir", _all_patients(content)),
        columns=(Column("Lineage", "left"), *map(Column, columns)),
        rows=tuple(rows),
        notes=(extra.rstrip(), LIMIT_NOTE, *bounds_notes(notes, NADIR_BOUNDS)),
        footnotes=tuple(notes.texts),
    )


def table_recovery(content: ReportContent, analysis_id: str) -> Table:
    """Return recovery at the landmark, the readings of deaths before it side by side.

    The readings stand in the order of the results. Where nobody was "never below", that level and
    "recovered" are one row with the bounds of both.
    """
    cells = CellMaker(select_results(content.results, analysis_id), Footnotes(), NOT_EVALUABLE)
    lookup = cells.lookup
    readings = lookup.strata
    rows = list[Row]()
    for name in lookup.variables:
        if len(lookup.variables) > 1:
            rows.append(Row(outcome_title(content, name), is_section=True))
        rows += [_recovery_row(cells, name, *named, readings) for named in _recovery_levels(lookup, name)]
    titles = [READINGS.get(name, format_level(clean_text(name))) for name in readings]
    extra = "Not evaluable: too little was measured around the landmark; it is not the same as not recovered."
    support = [COUNT_RECOVERY_NOTE] if content.settings.get("support_complete") is False else []
    notes = common_notes(content, cells.notes, outcomes=lookup.variables, bounds=RECOVERY_BOUNDS)
    is_one = len(lookup.variables) == 1
    subject = outcome_title(content, lookup.variables[0]) if is_one else "Recovery at the landmark"
    return Table(
        id=f"{analysis_id}-recovery",
        caption=_caption(subject, denominator_phrase(lookup)),
        columns=(Column("State", "left"), *(Column(f"{title}, n/N (%)") for title in titles)),
        rows=tuple(rows),
        notes=(*notes, extra, *support),
        footnotes=tuple(cells.notes.texts),
    )


def _recovery_levels(lookup: ResultLookup, name: str) -> list[tuple[str, str]]:
    """Return (level, title) of the rows, the good ones together and first."""
    levels = sorted(lookup.levels(name), key=lambda level: level != RECOVERED_OR_NEVER_BELOW)
    titles = {level: format_level(clean_text(level)) for level in levels}
    never = [lookup.value(name, "count", level=NEVER_BELOW, stratum=stratum) for stratum in lookup.strata]
    if RECOVERED_OR_NEVER_BELOW in levels and not any(never):
        titles[RECOVERED_OR_NEVER_BELOW] = titles.pop("recovered", "Recovered")
        titles.pop(NEVER_BELOW, None)
    return list(titles.items())


def _recovery_row(cells: CellMaker, name: str, level: str, title: str, readings: Sequence[str]) -> Row:
    if level == DIED:
        return Row(title, tuple(_died_cell(cells, name, reading) for reading in readings))
    # How many are not evaluable is known of everybody.
    maker = replace(cells, unjudged="") if level == NOT_EVALUABLE else cells
    has_bounds = level not in UNBOUNDED_LEVELS
    found = [maker.count(name, level=level, stratum=reading, with_bounds=has_bounds) for reading in readings]
    return Row(title, tuple(found))


def _died_cell(cells: CellMaker, name: str, reading: str) -> Cell:
    """Return the early deaths; a dash in a reading that has moved or removed them, with where they are."""
    lookup = cells.lookup
    counts = {stratum: lookup.value(name, "count", level=DIED, stratum=stratum) for stratum in lookup.strata}
    is_moved = reading == "left out" or (reading in MOVED_DEATHS and any(counts.values()))
    if is_moved and not counts.get(reading):
        return Cell(NO_VALUE, marks=cells.notes.mark(f"{NO_VALUE} {MOVED_DEATHS[reading]}"))
    return replace(cells, unjudged="").count(name, level=DIED, stratum=reading, with_bounds=False)


def table_cells(content: ReportContent, analysis_id: str) -> Table:
    """Return the state of every lineage on every landmark day, which together decide recovery."""
    cells = CellMaker(select_results(content.results, analysis_id, group="cells"), Footnotes())
    lookup = cells.lookup
    days = sorted({level.rpartition("|")[2] for level in lookup.all_levels}, key=_day_order)
    analytes = list(dict.fromkeys(level.rpartition("|")[0] for level in lookup.all_levels))
    rows = list[Row]()
    for name, analyte in product(lookup.variables, analytes):
        title = clean_text(content.analyte_titles.get(analyte, (analyte, ""))[0])
        prefix = f"{outcome_title(content, name)}: " if len(lookup.variables) > 1 else ""
        rows.append(Row(f"{prefix}{title}", is_section=True))
        rows += _state_rows(cells, name, [f"{analyte}|{day}" for day in days])
    notes = common_notes(content, cells.notes, outcomes=lookup.variables)
    return Table(
        id=f"{analysis_id}-cells",
        caption="State of each lineage on the landmark days, number of patients",
        columns=(Column("State", "left"), *(Column(f"Day {day}") for day in days)),
        rows=tuple(rows),
        notes=(*notes, CELLS_NOTE, *([NINE_CELLS_NOTE] if len(days) <= NINE_CELL_DAYS else [])),
        footnotes=tuple(cells.notes.texts),
    )


def _state_rows(cells: CellMaker, name: str, levels: Sequence[str]) -> list[Row]:
    found = cells.lookup.names(name)
    states = [*(state for state in CELL_STATES if state in found), *sorted(found - set(CELL_STATES))]
    return [
        Row(
            format_level(clean_text(state)),
            tuple(cells.number(name, state, level=level) for level in levels),
            indent=1,
        )
        for state in states
    ]


def table_evidence(content: ReportContent) -> Table:
    """Return, for each outcome, how many patients are decided and on what evidence.

    A tally of the outcomes table; nothing is graded here.
    """
    frame = content.outcomes
    judged = pl.col("policy").is_not_null()
    names = ("measured", "bracketed", "open")
    tally = frame.group_by("outcome", maintain_order=True).agg(
        pl.len().alias("patients"),
        (judged & pl.col("decided").fill_null(value=False)).sum().alias("decided"),
        (judged & ~pl.col("decided").fill_null(value=False)).sum().alias("undecided"),
        *((judged & (pl.col("evidence") == name)).sum().alias(name) for name in names),
        (~judged).sum().alias("no value"),
    )
    rows = [
        Row(
            outcome_title(content, str(row[0])),
            tuple(Cell(format_number(part)) for part in row[1:]),
            target=patients_anchor(str(row[0])),
        )
        for row in tally.iter_rows()
    ]
    titles = ("Patients", "Decided", "Undecided", "Measured", "Bracketed", "Unseen", "No value")
    return Table(
        id="evidence",
        caption=_caption("What each outcome rests on", _all_patients(content)),
        columns=(Column("Outcome", "left"), *map(Column, titles)),
        rows=tuple(rows),
        notes=(
            "Decided: best and worst case agree. Measured: every day that matters was measured. Bracketed: "
            "the unmeasured ones lie in short gaps. Unseen: some day lies far from any measurement. "
            "No value: not judged, not evaluable or died before the landmark.",
        ),
    )


def table_findings(content: ReportContent, *, most: int = 20) -> Table:
    """Return the gravest findings about the data; says how many more there are."""
    ordered = sort_findings(content.findings)
    rows = [
        Row(
            format_level(clean_text(row["severity"])),
            (
                Cell(clean_text(row["table"] or "")),
                Cell(clean_text(row["column"] or "")),
                Cell(clean_text(row["rule"] or "")),
                Cell(format_number(row["rows"])),
                Cell(clean_text(row["message"] or "", longest=600)),
            ),
        )
        for row in ordered.head(most).iter_rows(named=True)
    ]
    more = ordered.height - len(rows)
    shown = (
        f"{len(rows)} of {plural(ordered.height, 'finding')}" if more else plural(ordered.height, "finding")
    )
    columns = (Column("Table", "left"), Column("Column", "left"), Column("Rule", "left"), Column("Rows"))
    return Table(
        id="findings",
        caption=f"{shown}, gravest first",
        columns=(Column("Severity", "left"), *columns, Column("What it means and what to do", "left")),
        rows=tuple(rows),
        notes=(f"{plural(more, 'further finding')} in findings.csv.",) if more else (),
    )


def _all_patients(content: ReportContent) -> str:
    return plural(content.patients, "patient") if content.patients else ""


def _caption(subject: str, patients: str) -> str:
    return f"{subject} ({patients})" if patients else subject


def _count_title(level: str) -> str:
    return format_level(level) if level == NOT_JUDGED else f"{format_level(clean_text(level))}, n/N (%)"


def _is_single_grade(level: str) -> bool:
    return level.startswith(GRADE_PREFIX) and level.removeprefix(GRADE_PREFIX).isdigit()


def _day_order(day: str) -> tuple[int, str]:
    return (int(day), "") if day.lstrip("-").isdigit() else (0, day)
