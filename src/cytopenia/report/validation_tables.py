"""Results to a display table: a score or a model in patients that it was not made from."""

from __future__ import annotations

from collections.abc import Iterator

from cytopenia.report.association_cells import absent_cell, clean_note, find_analysis
from cytopenia.report.cells import common_notes, outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    clean_text,
    format_level,
    format_number,
    format_odds_ratio,
    format_range,
    lower_first,
    plural,
)
from cytopenia.report.lookup import Estimate, ResultLookup, select_results
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = ["table_external_validation"]

MODEL = "model"
DIGITS = 3
PERFORMANCE = {
    "c_statistic": "C statistic",
    "in_the_large": "Calibration in the large, log odds",
    "intercept": "Intercept of calibration",
    "slope": "Slope of calibration",
    "observed_by_expected": "Observed by expected events",
    "brier": "Brier score",
    "scaled_brier": "Scaled Brier score",
}
TESTED = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
}
CALIBRATION_NOTE = (
    "Right are 0 for calibration in the large and intercept, 1 for slope and observed by expected. Intercept "
    "and slope are those of the line that recalibrates the model: new log odds are intercept plus slope "
    "times the log odds of the card."
)
POINTS_NOTE = (
    "Of each sum of points: share with the event, with Wilson's interval. A score without probabilities has "
    "no calibration of its own; the recalibration is a logistic regression of the event on the points."
)


def table_external_validation(content: ReportContent, analysis_id: str) -> Table:
    """Return discrimination, the highest risk group as a test, observed risks, and calibration."""
    parts = {
        name: select_results(content.results, analysis_id, group=name)
        for name in ("size", "performance", "observed", "recalibration", "calibration")
    }
    notes = Footnotes()
    rows = [
        *_performance_rows(parts["performance"], notes),
        *_observed_rows(parts["observed"]),
        *_recalibration_rows(parts["recalibration"], notes),
    ]
    outcome = str(find_analysis(content, analysis_id).get("outcome") or "")
    title = next((clean_text(one.text) for one in parts["size"].estimates.values()), "")
    return Table(
        id=f"{analysis_id}-validation",
        caption=f"{title} in these patients: {lower_first(outcome_title(content, outcome))}",
        columns=(Column("", "left"), Column("Value"), Column("95% CI"), Column("Patients")),
        rows=tuple(rows),
        notes=(*_list_notes(parts), *common_notes(content, Footnotes(), outcomes=[outcome])) if rows else (),
        footnotes=tuple(notes.texts),
    )


def _performance_rows(lookup: ResultLookup, notes: Footnotes) -> Iterator[Row]:
    for name, title in PERFORMANCE.items():
        found = lookup.get(MODEL, name)
        if found is not None:
            yield Row(title, _list_cells(found, notes))
    for level in lookup.levels(MODEL):
        yield Row(f"Risk group {clean_text(level)} as a test", is_section=True)
        for name, title in TESTED.items():
            yield Row(title, _list_cells(lookup.get(MODEL, name, level=level), notes), indent=1)


def _observed_rows(lookup: ResultLookup) -> Iterator[Row]:
    levels = lookup.levels(MODEL)
    if levels:
        yield Row("Observed risk by points", is_section=True)
    for level in levels:
        found = lookup.get(MODEL, "risk", level=level)
        yield Row(clean_text(level), _list_cells(found, Footnotes()), indent=1)


def _recalibration_rows(lookup: ResultLookup, notes: Footnotes) -> Iterator[Row]:
    if not lookup.estimates:
        return
    yield Row("Recalibration", is_section=True)
    odds = lookup.get(MODEL, "odds_ratio")
    if odds is not None and odds.value is not None:
        shown = format_odds_ratio(odds.value, odds.low, odds.high)
        yield Row("Odds ratio per point", (Cell(shown), Cell(), _count_cell(odds)), indent=1)
    for name in ("intercept", "slope"):
        found = lookup.get(MODEL, name)
        if found is not None:
            yield Row(format_level(name), _list_cells(found, notes), indent=1)


def _list_cells(found: Estimate | None, notes: Footnotes) -> tuple[Cell, Cell, Cell]:
    if found is None or found.value is None:
        return absent_cell(found, notes), Cell(), Cell()
    limits = "" if found.low is None or found.high is None else format_range(found.low, found.high, DIGITS)
    return Cell(format_number(found.value, DIGITS)), Cell(limits), _count_cell(found)


def _count_cell(found: Estimate) -> Cell:
    return Cell("" if found.n is None else format_number(found.n))


def _list_notes(parts: dict[str, ResultLookup]) -> Iterator[str]:
    size = parts["size"]
    n, events, missing = (size.value(MODEL, name) for name in ("n", "events", "missing"))
    left = f"; {format_number(missing)} left out for a missing value" if missing else ""
    yield f"{plural(n or 0, 'patient')}, {format_number(events)} with the event{left}."
    extrapolated = size.value(MODEL, "extrapolated")
    if extrapolated:
        yield f"{plural(extrapolated, 'patient')} outside the ranges of the card: extrapolated."
    yield POINTS_NOTE if parts["observed"].estimates else CALIBRATION_NOTE
    curve = parts["calibration"].get(MODEL, MODEL)
    if curve is not None and curve.note:
        yield f"No calibration curve: {clean_note(curve.note)}."
    yield "CI, confidence interval."
