"""Tables on imputed values beside those on complete cases: groups, areas, prediction, validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cytopenia.report.association_cells import Association, absent_cell, clean_note, p_cell, read_association
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    clean_text,
    format_number,
    format_odds_ratio,
    format_p,
    format_percent,
    format_percent_range,
    format_range,
    format_signs,
    plural,
)
from cytopenia.report.lookup import Estimate, ResultLookup, select_results
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = [
    "table_imputed_areas",
    "table_imputed_groups",
    "table_imputed_prediction",
    "table_imputed_terms",
    "table_imputed_validation",
]

MODEL = "model"
SIDES = ("event", "no event")
DIGITS = 3
INDICES = {
    "c_statistic": "C statistic",
    "slope": "Slope of calibration",
    "intercept": "Intercept of calibration",
    "brier": "Brier score",
}
STEPS = {"apparent": "Apparent", "optimism": "Optimism", "corrected": "Corrected"}
MEASURES = {
    "c_statistic": "C statistic",
    "in_the_large": "Calibration in the large, log odds",
    "intercept": "Intercept of calibration",
    "slope": "Slope of calibration",
    "observed_by_expected": "Observed by expected events",
    "brier": "Brier score",
}
PER_POINT = {"slope": "Log odds per point", "odds_ratio": "Odds ratio per point"}
TESTED: Mapping[str, str] = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
}
GROUPS_NOTE = (
    "Imputed: of a number the mean of the medians of the completed tables (no interval), and the mean "
    "pooled by Rubin's rules with its 95% CI; of a level its share, pooled on the logit scale. P of a "
    "number: of the area under the ROC curve, pooled on the logit scale; a rank test itself is not "
    "pooled. P of two levels: of the pooled difference of the shares; of more, Wald's test pooled (D1). "
    "Extremes of imputed values are not given."
)
ONLY_GAPS_NOTE = "Only factors that lack a value are shown; of the others the complete cases hold."
AREAS_NOTE = (
    "Imputed: areas of the completed tables pooled on the logit scale. A cut-off is not pooled: it is "
    "that of the patients with a value. FMI: fraction of missing information."
)
WORTH_NOTE = (
    "Imputed: in each bootstrap resample the missing values were imputed anew, once and with the outcome,"
    " before cut-off, selection and fit; optimism is against the completed tables of all patients. The "
    "numbers are those of a model whose inputs are all known when it is used. Pairs left out are not "
    "offered with imputed values."
)
TERMS_NOTE = (
    "Pooled over the completed tables by Rubin's rules; of Firth's method interval and P are from the "
    "combined penalized likelihood profiles. Shrunken: times the corrected slope (at most 1). FMI: "
    "fraction of missing information."
)
VALIDATION_NOTE = (
    "Imputed: pooled by Rubin's rules with the degrees of freedom of Barnard and Rubin, C and shares on "
    "the logit scale, observed by expected on the log scale. The outcome took part in the imputation and "
    "was never imputed. FMI: fraction of missing information."
)


def table_imputed_groups(content: ReportContent, analysis_id: str) -> Table:
    """Return each factor with gaps in the two groups, complete cases beside imputed values."""
    found = read_association(content, analysis_id)
    groups = select_results(content.results, analysis_id, group="groups_imputed")
    tests = select_results(content.results, analysis_id, group="test_imputed")
    shown = [
        name
        for name in dict.fromkeys([*groups.variables, *tests.variables])
        if _is_pooled(groups, tests, name)
    ]
    sides = [side for side in SIDES if groups.variables]
    columns = [Column("Factor", "left")]
    for side in sides:
        columns += [Column(title, spanner=found.group_name(side)) for title in ("Complete cases", "Imputed")]
    if tests.variables:
        columns += [Column(title, spanner="P") for title in ("Complete cases", "Imputed")]
    rows = [row for name in shown for row in _group_rows(found, groups, tests, name)]
    return Table(
        id=f"{analysis_id}-imputed-groups",
        caption="Groups on complete cases and on imputed values",
        columns=tuple(columns),
        rows=tuple(rows),
        notes=(GROUPS_NOTE, ONLY_GAPS_NOTE, *_size_notes(content, analysis_id)) if rows else (),
        footnotes=tuple(found.notes.texts),
    )


def _is_pooled(groups: ResultLookup, tests: ResultLookup, name: str) -> bool:
    """Whether a factor has more than a row that says why it is not repeated."""
    return any(
        key[1] == name and one.status == "ok"
        for lookup in (groups, tests)
        for key, one in lookup.estimates.items()
    )


def _group_rows(found: Association, groups: ResultLookup, tests: ResultLookup, name: str) -> Iterator[Row]:
    sides = [side for side in SIDES if groups.variables]
    levels = [level for level in groups.levels(name) if level]
    cells: list[Cell] = []
    for side in sides:
        imputed = Cell() if levels else _mean_cell(groups, found.notes, name, side)
        cells += [found.group_cell(name, "", stratum=side) if not levels else Cell(), imputed]
    if tests.variables:
        cells += [found.test_cell(name, ""), p_cell(tests.get(name, "p_value"), found.notes)]
    yield Row(found.title(name), tuple(cells), marks=found.factor_marks(name))
    for level in levels:
        own: list[Cell] = []
        for side in sides:
            share = groups.get(name, "percent", level=level, stratum=side)
            own += [found.group_cell(name, level, stratum=side), _share_cell(share, found.notes)]
        own += [Cell(), Cell()] if tests.variables else []
        yield Row(format_signs(clean_text(level)), tuple(own), indent=1)


def _mean_cell(groups: ResultLookup, notes: Footnotes, name: str, side: str) -> Cell:
    """Return "2.4; mean 2.58 (2.00-3.17)"."""
    mean, median = groups.get(name, "mean", stratum=side), groups.value(name, "median", stratum=side)
    if mean is None or mean.value is None:
        return absent_cell(mean, notes)
    middle = "" if median is None else f"{format_number(median)}; "
    return Cell(f"{middle}mean {format_number(mean.value)} ({format_range(mean.low, mean.high)})")


def _share_cell(share: Estimate | None, notes: Footnotes) -> Cell:
    if share is None or share.value is None:
        return absent_cell(share, notes)
    if share.low is None or share.high is None:
        return Cell(format_percent(share.value), marks=notes.mark(clean_note(share.note)))
    return Cell(f"{format_percent(share.value)} ({format_percent_range(share.low, share.high)})")


def _size_notes(content: ReportContent, analysis_id: str) -> Iterator[str]:
    lookup = select_results(content.results, analysis_id, group="imputation")
    count, n, rounds = (lookup.value(MODEL, name) for name in ("imputations", "n", "iterations"))
    if count is not None and n is not None and rounds is not None:
        yield f"{plural(count, 'imputation')} of {plural(n, 'patient')}, {plural(rounds, 'iteration')}."


def table_imputed_areas(content: ReportContent, analysis_id: str) -> Table:
    """Return each area under the ROC curve on complete cases beside the one on imputed values."""
    plain = select_results(content.results, analysis_id)
    imputed, notes = select_results(content.results, analysis_id, group="roc_imputed"), Footnotes()
    rows = [
        Row(
            clean_text(plain.title(name)),
            (
                _limits_cell(plain.get(name, "auc"), notes),
                _limits_cell(imputed.get(name, "auc"), notes),
                Cell(format_number(imputed.value(name, "fraction_missing_information"), 2)),
            ),
        )
        for name in imputed.variables
    ]
    return Table(
        id=f"{analysis_id}-imputed-areas",
        caption="Areas under the ROC curve on complete cases and on imputed values",
        columns=(
            Column("Factor", "left"),
            Column("AUC (95% CI), complete cases"),
            Column("AUC (95% CI), imputed"),
            Column("FMI"),
        ),
        rows=tuple(rows),
        notes=(AREAS_NOTE, *_size_notes(content, analysis_id)) if rows else (),
        footnotes=tuple(notes.texts),
    )


def _limits_cell(found: Estimate | None, notes: Footnotes) -> Cell:
    if found is None or found.value is None:
        return absent_cell(found, notes)
    limits = (
        "" if found.low is None or found.high is None else f" ({format_range(found.low, found.high, DIGITS)})"
    )
    return Cell(f"{format_number(found.value, DIGITS)}{limits}", marks=notes.mark(clean_note(found.note)))


def table_imputed_prediction(content: ReportContent, analysis_id: str) -> Table:
    """Return the indices of the model of complete cases beside those of the model of imputed values."""
    plain = select_results(content.results, analysis_id, group="performance")
    imputed, notes = select_results(content.results, analysis_id, group="performance_imputed"), Footnotes()
    columns = [Column("Index", "left")]
    for over in ("Complete cases", "Imputed"):
        columns += [Column(title, spanner=over) for title in STEPS.values()]
    rows = [
        Row(
            title,
            tuple(_index_cell(lookup, notes, name, step) for lookup in (plain, imputed) for step in STEPS),
        )
        for name, title in INDICES.items()
        if imputed.names(name)
    ]
    refused = imputed.get(MODEL, MODEL)
    if refused is not None:
        cells = [Cell(), Cell(), Cell(), absent_cell(refused, notes), Cell(), Cell()]
        rows = [Row("Model", tuple(cells))]
    return Table(
        id=f"{analysis_id}-imputed-worth",
        caption="What the model is worth on complete cases and on imputed values",
        columns=tuple(columns),
        rows=tuple(rows),
        notes=tuple(_worth_notes(content, analysis_id, imputed)) if rows else (),
        footnotes=tuple(notes.texts),
    )


def _index_cell(lookup: ResultLookup, notes: Footnotes, name: str, step: str) -> Cell:
    found = lookup.get(name, step)
    if found is None or found.value is None:
        return absent_cell(found, notes)
    return Cell(format_number(found.value, DIGITS))


def _worth_notes(content: ReportContent, analysis_id: str, imputed: ResultLookup) -> Iterator[str]:
    size = select_results(content.results, analysis_id, group="size_imputed")
    n, events, gaps = (size.value(MODEL, name) for name in ("n", "events", "incomplete"))
    if n is not None and gaps is not None:
        yield (
            f"Imputed: {plural(n, 'patient')}, {format_number(events)} with the event; {format_number(gaps)}"
            " lacked a candidate."
        )
    resamples, unfitted = imputed.value(MODEL, "resamples"), imputed.value(MODEL, "unfitted")
    if resamples is not None:
        yield f"{plural(resamples, 'resample')}, {format_number(unfitted)} of them without a model."
        yield WORTH_NOTE
    gate = select_results(content.results, analysis_id, group="gate_imputed").get(MODEL, "smaller_group")
    if gate is not None and gate.note:
        yield f"{clean_text(gate.note)[:1].upper()}{clean_text(gate.note)[1:].rstrip('.')}."


def table_imputed_terms(content: ReportContent, analysis_id: str) -> Table:
    """Return the terms of the model of imputed values with odds ratio, P and both coefficients."""
    lookup, notes = select_results(content.results, analysis_id, group="coefficients_imputed"), Footnotes()
    absent = lookup.get(MODEL, MODEL)
    rows: list[Row] = []
    if absent is not None and absent.status == "not_estimable":
        rows = [Row("Model", (absent_cell(absent, notes), *(Cell() for _ in range(4))))]
    elif absent is None:
        for name in [one for one in lookup.variables if one != MODEL]:
            for level in lookup.levels(name) or [""]:
                rows.append(_term_row(lookup, notes, name, level))
    shrinkage = lookup.value(MODEL, "shrinkage")
    more = () if shrinkage is None else (f"Shrinkage: {format_number(shrinkage, DIGITS)}.",)
    titles = ("OR (95% CI)", "P", "FMI", "Coefficient", "Shrunken")
    return Table(
        id=f"{analysis_id}-imputed-terms",
        caption="The model on imputed values",
        columns=(Column("Term", "left"), *map(Column, titles)),
        rows=tuple(rows),
        notes=(TERMS_NOTE, *more, "CI, confidence interval; OR, odds ratio.") if rows else (),
        footnotes=tuple(notes.texts),
    )


def _term_row(lookup: ResultLookup, notes: Footnotes, name: str, level: str) -> Row:
    odds = lookup.get(name, "odds_ratio", level=level)
    title = "Intercept" if name == "intercept" else clean_text(odds.text if odds is not None else name)
    header = f"{title}, {format_signs(clean_text(level))}" if level else title
    ratio, p_value = Cell(), Cell()
    if name != "intercept":
        p_value = Cell(format_p(lookup.value(name, "p_value", level=level)))
        if odds is None or odds.value is None:
            ratio = absent_cell(odds, notes)
        else:
            ratio = Cell(format_odds_ratio(odds.value, odds.low, odds.high))
    share = lookup.value(name, "fraction_missing_information", level=level)
    weights = [
        _weight_cell(lookup.get(name, one, level=level), notes)
        for one in ("coefficient", "shrunken_coefficient")
    ]
    return Row(header, (ratio, p_value, Cell("" if share is None else format_number(share, 2)), *weights))


def _weight_cell(found: Estimate | None, notes: Footnotes) -> Cell:
    if found is None or found.value is None:
        return absent_cell(found, notes)
    return Cell(f"{found.value:.4g}".replace("-", "\N{MINUS SIGN}"))


def table_imputed_validation(content: ReportContent, analysis_id: str) -> Table:
    """Return what a score or a model is worth on complete cases beside imputed items."""
    results = content.results
    pairs = [
        (
            select_results(results, analysis_id, group=name),
            select_results(results, analysis_id, group=f"{name}_imputed"),
        )
        for name in ("performance", "recalibration")
    ]
    notes = Footnotes()
    refused = pairs[0][1].get(MODEL, MODEL)
    rows = [
        row
        for pair, titles in zip(pairs, (MEASURES, PER_POINT), strict=True)
        for row in _measure_rows(pair, titles, notes)
    ]
    if refused is not None:
        rows = [Row("Imputed items", (Cell(), absent_cell(refused, notes), Cell()))]
    return Table(
        id=f"{analysis_id}-imputed-validation",
        caption="The same on complete cases and on imputed items",
        columns=(
            Column("", "left"),
            Column("Complete cases (95% CI)"),
            Column("Imputed (95% CI)"),
            Column("FMI"),
        ),
        rows=tuple(rows),
        notes=tuple(_validation_notes(content, analysis_id)) if rows else (),
        footnotes=tuple(notes.texts),
    )


def _measure_rows(
    pair: tuple[ResultLookup, ResultLookup], measures: Mapping[str, str], notes: Footnotes
) -> Iterator[Row]:
    plain, imputed = pair
    if not imputed.variables:
        return
    for level in ["", *imputed.levels(MODEL)]:
        titles = TESTED if level else measures
        for name, title in titles.items():
            found = imputed.get(MODEL, name, level=level)
            if found is None:
                continue
            share = imputed.value(MODEL, f"{name}_missing_information", level=level)
            cells = (_limits_cell(plain.get(MODEL, name, level=level), notes), _limits_cell(found, notes))
            header = f"{title}, {clean_text(level)}" if level else title
            yield Row(header, (*cells, Cell("" if share is None else format_number(share, 2))))


def _validation_notes(content: ReportContent, analysis_id: str) -> Iterator[str]:
    size = select_results(content.results, analysis_id, group="size_imputed")
    n, events, left = (size.value(MODEL, name) for name in ("n", "events", "missing"))
    if n is not None:
        gone = f"; {format_number(left)} left out whose value cannot be used" if left else ""
        yield f"Imputed: {plural(n, 'patient')}, {format_number(events)} with the event{gone}."
        yield VALIDATION_NOTE
        yield from _size_notes(content, analysis_id)
    yield "CI, confidence interval."
