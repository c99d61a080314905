"""Results to display tables: grades against factors by proportional odds, and collinearity of models."""

from __future__ import annotations

from collections.abc import Iterator

from cytopenia.report.association_cells import (
    MODEL,
    MODELS,
    Association,
    absent_cell,
    read_association,
)
from cytopenia.report.cells import common_notes, outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    clean_text,
    format_number,
    format_p,
    format_signs,
    lower_first,
    plural,
)
from cytopenia.report.lookup import ResultLookup, list_notes, select_results
from cytopenia.report.model_words import TREND
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = ["table_collinearity", "table_ordinal"]

TITLES = {"univariable": "Univariable", "multivariable": "Multivariable"}
STATISTICS = {
    "wald": "Wald interval and Wald test",
    "likelihood_ratio": "profile likelihood interval, likelihood ratio test",
}
PROPORTIONAL = "p_proportional_odds"
PROPORTIONAL_NOTE = (
    "P (odds): score test of proportional odds; a small P says that one odds ratio does not describe every "
    "step of the grade, a large one is no proof that it does."
)
ORDINAL_NOTE = (
    "Odds ratio of a higher grade, the same at every step of the grade (proportional odds). Above 1: higher "
    "grades."
)


def table_ordinal(content: ReportContent, analysis_id: str) -> Table:
    """Return factors against a grade: odds ratio, P, and whether one odds ratio is enough."""
    found = read_association(content, analysis_id)
    models = [name for name in MODELS if found.models[name].variables]
    rows = tuple(row for factor in found.factors for row in _factor_rows(found, factor, models))
    outcome = outcome_title(content, str(found.analysis.get("outcome") or "the outcome"))
    return Table(
        id=f"{analysis_id}-ordinal",
        caption=f"Factors associated with the grade: {lower_first(outcome)}",
        columns=(
            Column("Factor", "left"),
            *(
                Column(title, spanner=TITLES[model])
                for model in models
                for title in ("OR (95% CI)", "P", "P (odds)")
            ),
        ),
        rows=rows,
        notes=tuple(_list_notes(content, found, models)) if rows else (),
        footnotes=tuple(found.notes.texts),
    )


def _factor_rows(found: Association, factor: str, models: list[str]) -> Iterator[Row]:
    marks = found.factor_marks(factor)
    yield Row(found.title(factor), tuple(_list_cells(found, factor, "", models)), marks=marks)
    for level in found.levels(factor):
        cells = tuple(_list_cells(found, factor, level, models))
        yield Row(format_signs(clean_text(level)), cells, indent=1)
    if found.has_trend(factor):
        yield Row("Trend, per level", tuple(_list_cells(found, factor, TREND, models)), indent=1)


def _list_cells(found: Association, factor: str, level: str, models: list[str]) -> Iterator[Cell]:
    for model in models:
        yield found.odds_cell(factor, level, model=model)
        yield found.model_p_cell(factor, level, model=model)
        yield Cell() if level else _proportional_cell(found, factor, model)


def _proportional_cell(found: Association, factor: str, model: str) -> Cell:
    one = found.models[model].get(factor, PROPORTIONAL)
    if one is None or one.value is None:
        return absent_cell(one, found.notes)
    return Cell(format_p(one.value))


def _list_notes(content: ReportContent, found: Association, models: list[str]) -> Iterator[str]:
    analysis_id = str(found.analysis["id"])
    grades = select_results(content.results, analysis_id, group="grades")
    counts = [f"{level} {format_number(grades.value('patients', 'count', level=level))}"
              for level in grades.levels("patients")]  # fmt: skip
    yield f"Patients: {', '.join(counts)}."
    yield ORDINAL_NOTE
    yield from _statistic_note(found)
    yield PROPORTIONAL_NOTE
    for model in models:
        yield from _size_notes(found.models[model], model)
    for note in map(clean_text, list_notes(content.results, analysis_id, group="gate")):
        yield f"{note[:1].upper()}{note[1:].rstrip('.')}."
    yield from common_notes(content, Footnotes(), outcomes=[str(found.analysis.get("outcome") or "")])
    yield "CI, confidence interval; OR, odds ratio."


def _statistic_note(found: Association) -> Iterator[str]:
    texts = {
        one.text
        for lookup in found.models.values()
        for key, one in lookup.estimates.items()
        if key[4] == "p_value"
    }
    words = [words for name, words in STATISTICS.items() if name in texts]
    if words:
        yield f"Proportional-odds model by maximum likelihood; {'; '.join(words)}."
    if found.has_numbers:
        yield "Of a number it is the odds ratio per unit."


def _size_notes(lookup: ResultLookup, model: str) -> Iterator[str]:
    if model == "multivariable":
        n, terms, missing = (lookup.value(MODEL, name) for name in ("n", "terms", "missing"))
        if n is None:
            return
        left = f"; {format_number(missing)} left out for a missing value" if missing else ""
        yield f"Multivariable model: {plural(n, 'patient')}, {plural(terms or 0, 'term')}{left}."
        found = lookup.get(MODEL, PROPORTIONAL)
        if found is not None and found.value is not None:
            yield f"Proportional odds of the whole model: P = {format_p(found.value)}.".replace("= <", "<")


def table_collinearity(content: ReportContent, analysis_id: str) -> Table:
    """Return how far the factors of the multivariable model stand for each other, if it was asked for."""
    lookup, notes = select_results(content.results, analysis_id, group="collinearity"), Footnotes()
    rows = list[Row]()
    for factor in lookup.variables:
        found = lookup.get(factor, "variance_inflation")
        if found is None:
            continue
        if found.value is None:
            cell = absent_cell(found, notes)
        else:
            cell = Cell(format_number(found.value, 2), marks=notes.mark(clean_text(found.note)))
        rows.append(Row(clean_text(found.text) or factor, (cell,)))
    return Table(
        id=f"{analysis_id}-collinearity",
        caption="Collinearity of the multivariable model",
        columns=(Column("Factor", "left"), Column("Variance inflation")),
        rows=tuple(rows),
        notes=tuple(_collinearity_notes(lookup)) if rows else (),
        footnotes=tuple(notes.texts),
    )


def _collinearity_notes(lookup: ResultLookup) -> Iterator[str]:
    yield (
        "Variance inflation: how many times the variance of an estimate is what it would be if the other "
        "factors told nothing about this one; of a factor with several terms the generalized factor per "
        "term."
    )
    found = lookup.get(MODEL, "condition_number")
    if found is not None and found.value is not None:
        note = f" {clean_text(found.note).partition(': ')[2].capitalize()}." if found.note else ""
        yield f"Condition number of the standardized columns: {format_number(found.value, 1)}.{note}"
    elif found is not None:
        yield f"Condition number: {clean_text(found.note)}."
