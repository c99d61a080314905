"""Results to display tables: the size of a prediction model, its worth, its terms and its points."""

from __future__ import annotations

from collections.abc import Iterator

from cytopenia.report.association_cells import absent_cell, clean_note, find_analysis
from cytopenia.report.cells import common_notes, outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    clean_text,
    format_number,
    format_odds_ratio,
    format_p,
    format_percent,
    format_signs,
    lower_first,
    plural,
)
from cytopenia.report.lookup import Estimate, ResultLookup, select_results
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = [
    "table_point_score",
    "table_prediction_selection",
    "table_prediction_size",
    "table_prediction_terms",
    "table_prediction_worth",
]

MODEL, TOTAL, INTERCEPT = "model", "total", "intercept"
INDICES = {
    "c_statistic": "C statistic",
    "slope": "Slope of calibration",
    "intercept": "Intercept of calibration",
    "brier": "Brier score",
}
COLUMNS = {"apparent": "Apparent", "optimism": "Optimism", "corrected": "Corrected"}
PAIRS = "pairs_left_out"
METHODS = {"firth": "Firth's method", "maximum_likelihood": "maximum likelihood"}
ABSENT = "model"
INDEX_DIGITS, COEFFICIENT_DIGITS = 3, 4
NEEDED = {
    "needed_shrinkage": "so that coefficients shrink by at most 10%",
    "needed_optimism": "so that R² is overstated by at most 0.05",
    "needed_overall_risk": "so that the overall risk is known to 5 percentage points",
    "needed_patients": "by all three",
}
WORTH_NOTE = (
    "Apparent: in the patients that the model was made from. Optimism: how much better, on average, models "
    "of resamples do in their own resample than in all patients. C statistic with pairs left out: of every "
    "pair of a patient with and one without the event, the share in which models made without both gave the "
    "first the higher risk; with few patients it is the more trustworthy of the two corrections."
)
UNFITTED_NOTE = (
    "Resamples without a model are left out of the correction; where they separate, their models would have "
    "been the most overconfident, so that the correction is too small."
)
SIZE_NOTE = (
    "Criteria of Riley et al. for a logistic prediction model. A candidate parameter is every term that was "
    "looked at, chosen in the end or not; a cut-off that was searched for costs more than the one that is "
    "counted."
)
TERMS_NOTE = (
    "Odds ratios are those of the model as fitted. Shrunken: times the corrected slope (at most 1), with the "
    "intercept set so that the mean risk is the share with the event; these are the coefficients of the "
    "model card."
)
POINTS_NOTE = (
    "Points from the shrunken coefficients; the factor that moves the log odds most has 10. Numbers are "
    "classed at their quartiles, each class standing for its median. Risk: of the model, at the total. "
    "Patients and events are those the model was made from."
)


def table_prediction_size(content: ReportContent, analysis_id: str) -> Table:
    """Return what size the model needs, and how many parameters the patients can afford."""
    lookup, notes = select_results(content.results, analysis_id, group="size"), Footnotes()
    rows = [
        Row(title, (_count_cell(lookup, name),))
        for name, title in {
            "n": "Patients",
            "events": "with the event",
            "missing": "left out for a missing value",
        }.items()
        if lookup.get(MODEL, name) is not None
    ]
    if rows:
        affordable = lookup.get(MODEL, "affordable_parameters")
        rows.append(Row("Candidate parameters", (_count_cell(lookup, "parameters"),)))
        rows.append(Row("Parameters these patients can afford", (_number_cell(affordable, notes, 1),)))
        rows.append(Row("Patients needed for the candidates", is_section=True))
        if lookup.value(MODEL, "needed_patients") is None:
            rows.append(
                Row(
                    NEEDED["needed_patients"],
                    (absent_cell(lookup.get(MODEL, "needed_patients"), notes),),
                    indent=1,
                )
            )
        else:
            rows += [Row(title, (_count_cell(lookup, name),), indent=1) for name, title in NEEDED.items()]
    return Table(
        id=f"{analysis_id}-size",
        caption="How large the model may be",
        columns=(Column("", "left"), Column("Number")),
        rows=tuple(rows),
        notes=(*_expected_notes(lookup), SIZE_NOTE) if rows else (),
        footnotes=tuple(notes.texts),
    )


def _expected_notes(lookup: ResultLookup) -> Iterator[str]:
    r2, c = lookup.value(MODEL, "expected_r2"), lookup.value(MODEL, "expected_c")
    if r2 is not None:
        yield f"Expected of the model: R² of Nagelkerke {format_number(r2, 2)}, as the protocol states."
    if c is not None:
        yield f"Expected of the model: C statistic {format_number(c, 2)}, as the protocol states."


def table_prediction_worth(content: ReportContent, analysis_id: str) -> Table:
    """Return the indices of the model: apparent, optimism, corrected, and C with pairs left out."""
    lookup, notes = select_results(content.results, analysis_id, group="performance"), Footnotes()
    names = [*COLUMNS, PAIRS]
    refused = lookup.get(MODEL, ABSENT)
    if refused is not None:
        rows = [
            Row("Model", tuple(absent_cell(refused, notes) if not place else Cell() for place in range(4)))
        ]
    else:
        rows = [
            Row(title, tuple(_number_cell(lookup.get(index, name), notes, INDEX_DIGITS) for name in names))
            for index, title in INDICES.items()
            if lookup.names(index)
        ]
    outcome = str(find_analysis(content, analysis_id).get("outcome") or "")
    return Table(
        id=f"{analysis_id}-worth",
        caption=f"What the model is worth: {lower_first(outcome_title(content, outcome))}",
        columns=(
            Column("Index", "left"),
            *(Column(title) for title in COLUMNS.values()),
            Column("With pairs left out"),
        ),
        rows=tuple(rows),
        notes=(
            *_worth_notes(content, analysis_id, lookup),
            *common_notes(content, Footnotes(), outcomes=[outcome]),
        )
        if rows
        else (),
        footnotes=tuple(notes.texts),
    )


def _worth_notes(content: ReportContent, analysis_id: str, lookup: ResultLookup) -> Iterator[str]:
    resamples = lookup.value(MODEL, "resamples")
    if resamples is not None:
        method = lookup.get(MODEL, "method")
        fitted = METHODS.get(method.text, method.text) if method is not None else ""
        unfitted = lookup.value(MODEL, "unfitted")
        yield (
            f"Fitted by {fitted}; {plural(resamples, 'bootstrap resample')}, in {format_number(unfitted)} of"
            " which no model could be fitted. Cut-offs, selection and fit were done anew in each."
        )
        if unfitted:
            yield UNFITTED_NOTE
        yield WORTH_NOTE
        yield from _pair_notes(lookup)
    gate = select_results(content.results, analysis_id, group="gate").get(MODEL, "smaller_group")
    if gate is not None and gate.note:
        yield f"{clean_text(gate.note)[:1].upper()}{clean_text(gate.note)[1:].rstrip('.')}."
    for group, title in {
        "calibration": "calibration and decision curves",
        "nomogram": "nomogram and points",
    }.items():
        absent = select_results(content.results, analysis_id, group=group).get(MODEL, ABSENT)
        if absent is not None and absent.note and resamples is not None:
            yield f"No {title}: {clean_note(absent.note)}."


def _pair_notes(lookup: ResultLookup) -> Iterator[str]:
    found, total = lookup.get("c_statistic", PAIRS), lookup.value("c_statistic", "pairs")
    if found is None or found.n is None or total is None:
        return
    drawn = "" if found.n == total else f", drawn from {format_number(total)}"
    unfitted = lookup.value("c_statistic", "pairs_unfitted")
    left = f"; without {format_number(unfitted)} of them no model could be fitted" if unfitted else ""
    yield f"Pairs left out: {format_number(found.n)}{drawn}{left}."


def table_prediction_terms(content: ReportContent, analysis_id: str) -> Table:
    """Return the terms of the model with odds ratio, P and both coefficients."""
    lookup, notes = select_results(content.results, analysis_id, group="coefficients"), Footnotes()
    absent = lookup.get(MODEL, ABSENT)
    is_made = absent is None and lookup.get(INTERCEPT, "coefficient") is not None
    rows = list(_term_rows(lookup, notes)) if is_made else []
    if absent is not None and absent.status == "not_estimable":
        rows = [Row("Model", (absent_cell(absent, notes), Cell(), Cell(), Cell()))]
    shrinkage = lookup.value(MODEL, "shrinkage")
    factor = [f"Shrinkage: {format_number(shrinkage, INDEX_DIGITS)}."] if shrinkage is not None else []
    return Table(
        id=f"{analysis_id}-terms",
        caption="The model",
        columns=(
            Column("Term", "left"),
            Column("OR (95% CI)"),
            Column("P"),
            Column("Coefficient"),
            Column("Shrunken"),
        ),
        rows=tuple(rows),
        notes=(TERMS_NOTE, *factor, "CI, confidence interval; OR, odds ratio.") if is_made else (),
        footnotes=tuple(notes.texts),
    )


def _term_rows(lookup: ResultLookup, notes: Footnotes) -> Iterator[Row]:
    for factor in [name for name in lookup.variables if name not in (MODEL, INTERCEPT)]:
        levels = lookup.levels(factor) or [""]
        found = lookup.get(factor, "odds_ratio", level=levels[0])
        title = clean_text(found.text) if found is not None else factor
        if levels == [""]:
            yield Row(title, tuple(_term_cells(lookup, notes, factor, "")))
            continue
        yield Row(title, (Cell(), Cell(), Cell(), Cell()))
        for level in levels:
            cells = tuple(_term_cells(lookup, notes, factor, level))
            yield Row(format_signs(clean_text(level)), cells, indent=1)
    yield Row("Intercept", (Cell(), Cell(), *_coefficient_cells(lookup, notes, INTERCEPT, "")))


def _term_cells(lookup: ResultLookup, notes: Footnotes, factor: str, level: str) -> Iterator[Cell]:
    odds, p = (lookup.get(factor, name, level=level) for name in ("odds_ratio", "p_value"))
    if odds is None or odds.value is None:
        yield absent_cell(odds, notes)
    else:
        yield Cell(format_odds_ratio(odds.value, odds.low, odds.high))
    yield absent_cell(p, notes) if p is None or p.value is None else Cell(format_p(p.value))
    yield from _coefficient_cells(lookup, notes, factor, level)


def _coefficient_cells(lookup: ResultLookup, notes: Footnotes, factor: str, level: str) -> Iterator[Cell]:
    for name in ("coefficient", "shrunken_coefficient"):
        found = lookup.get(factor, name, level=level)
        if found is None or found.value is None:
            yield absent_cell(found, notes)
        else:
            yield Cell(f"{found.value:.{COEFFICIENT_DIGITS}g}".replace("-", "\N{MINUS SIGN}"))


def table_prediction_selection(content: ReportContent, analysis_id: str) -> Table:
    """Return how often resamples chose each candidate, and the models they made."""
    lookup, notes = select_results(content.results, analysis_id, group="selection"), Footnotes()
    models = select_results(content.results, analysis_id, group="models")
    fitted = next((one.n for one in models.estimates.values() if one.n is not None), None)
    rows = [
        Row(
            _title_of(lookup, name),
            (_percent_cell(lookup.get(name, "frequency"), notes), _chosen_cell(lookup, name)),
        )
        for name in lookup.variables
        if lookup.get(name, "frequency") is not None
    ]
    if models.levels(MODEL):
        rows.append(Row("Most frequent models", is_section=True))
    for level in models.levels(MODEL):
        found = models.get(MODEL, "count", level=level)
        if found is not None and found.value is not None:
            share = "" if not fitted else format_percent(100.0 * found.value / fitted)
            rows.append(Row(clean_text(found.text), (Cell(share), Cell()), indent=1))
    different = models.value(MODEL, "different")
    text = "" if different is None else f" They made {plural(different, 'different model')}."
    return Table(
        id=f"{analysis_id}-selection",
        caption="What resamples chose",
        columns=(Column("Candidate", "left"), Column("Chosen in"), Column("In the model", "center")),
        rows=tuple(rows),
        notes=(f"Of {plural(fitted or 0, 'resample')} with a model.{text}", *_say_unscreened(lookup))
        if models.estimates
        else (),
        footnotes=tuple(notes.texts),
    )


def _say_unscreened(lookup: ResultLookup) -> Iterator[str]:
    for name in lookup.variables:
        share = lookup.value(name, "unscreened")
        if share:
            named = lower_first(_title_of(lookup, name))
            yield (
                f"In {format_percent(share)} of resamples the screen of {named} had no finite estimate "
                "(counted as not chosen)."
            )


def _title_of(lookup: ResultLookup, name: str) -> str:
    found = lookup.get(name, "frequency")
    return clean_text(found.text) if found is not None and found.text else name


def _percent_cell(found: Estimate | None, notes: Footnotes) -> Cell:
    if found is None or found.value is None:
        return absent_cell(found, notes)
    return Cell(format_percent(found.value))


def _chosen_cell(lookup: ResultLookup, name: str) -> Cell:
    return Cell("yes" if lookup.value(name, "is_chosen") else "no")


def table_point_score(content: ReportContent, analysis_id: str) -> Table:
    """Return the model in whole points, and the risk of each total."""
    lookup, notes = select_results(content.results, analysis_id, group="points"), Footnotes()
    rows = list[Row]()
    for factor in [name for name in lookup.variables if name not in (MODEL, TOTAL)]:
        levels = lookup.levels(factor)
        found = lookup.get(factor, "points", level=levels[0])
        rows.append(Row(clean_text(found.text) if found else factor, is_section=True))
        for level in levels:
            points = lookup.value(factor, "points", level=level)
            rows.append(
                Row(format_signs(clean_text(level)), (Cell(format_number(points)), Cell(), Cell()), indent=1)
            )
    totals = lookup.levels(TOTAL)
    rows += [Row("Total", is_section=True)] if totals else []
    for level in totals:
        risk = lookup.value(TOTAL, "risk", level=level)
        counts = [lookup.value(TOTAL, name, level=level) for name in ("events", "patients")]
        shown = "" if risk is None else format_percent(100.0 * risk)
        cells = (Cell(level), Cell(shown), Cell(" of ".join(format_number(count) for count in counts)))
        rows.append(Row("", cells, indent=1))
    c = lookup.value(MODEL, "c_statistic")
    own = (
        [f"C statistic of the points in these patients: {format_number(c, INDEX_DIGITS)}."]
        if c is not None
        else []
    )
    return Table(
        id=f"{analysis_id}-points",
        caption="The model in points",
        columns=(Column("", "left"), Column("Points"), Column("Risk"), Column("Events")),
        rows=tuple(rows),
        notes=(POINTS_NOTE, *own) if rows else (),
        footnotes=tuple(notes.texts),
    )


def _count_cell(lookup: ResultLookup, name: str) -> Cell:
    return Cell(format_number(lookup.value(MODEL, name)))


def _number_cell(found: Estimate | None, notes: Footnotes, digits: int) -> Cell:
    if found is None or found.value is None:
        return absent_cell(found, notes)
    return Cell(format_number(found.value, digits))
