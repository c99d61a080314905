"""Results to display tables: factors against an outcome, cut-offs of ROC curves, cross tables, normality."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from cytopenia.report.association_cells import (
    GROUPS,
    MODEL,
    MODEL_METHODS,
    MODELS,
    PATIENTS,
    Association,
    absent_cell,
    after_infusion_marks,
    clean_note,
    count_bounds,
    find_analysis,
    is_about_recovery,
    p_cell,
    read_association,
)
from cytopenia.report.cells import GRADE_BOUNDS, RECOVERY_BOUNDS, common_notes, outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    NO_VALUE,
    clean_text,
    format_cut,
    format_level,
    format_number,
    format_range,
    format_signs,
    lower_first,
    plural,
)
from cytopenia.report.effect_cells import (
    adjusted_cell,
    adjusted_title,
    effect_cell,
    effect_note,
    family_notes,
    list_effects,
)
from cytopenia.report.lookup import Estimate, ResultLookup, list_notes, select_results
from cytopenia.report.model_words import TREND
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = [
    "COUNTS_NOTE",
    "SIDES",
    "left_out_notes",
    "outcome_name",
    "table_cutpoints",
    "table_normality",
    "table_risk_factors",
]

MODEL_TITLES = {"univariable": "Univariable", "multivariable": "Multivariable"}
VALUES_NOTE = (
    "Values: median (range), or n (%); percentages are of the patients of the group who have a value."
)
COUNTS_NOTE = "Counts of the two groups without bounds are decided."
POLICY_NOTE = "Every other number uses the groups as the definition gives them."
ABBREVIATIONS = "CI, confidence interval; OR, odds ratio."
CUT_NOTES = {
    "youden": "Cut-offs: the largest Youden index of the ROC curve of these patients. Because cut and odds "
    "ratio come from the same patients, both look better than they will in others.",
    "fixed": "Cut-offs: stated in the protocol.",
}
THRESHOLD_NOTE = (
    "Candidate cut-offs lie midway between neighboring values; the one with the largest Youden index "
    "(J = sensitivity + specificity \N{MINUS SIGN} 1) is shown. Its label names the side that means the "
    "event; the protocol declares the direction. Cut-off, sensitivity and specificity come from the same "
    "patients, so they look better than they will in others."
)
SIDES = GROUPS[1:]
DECIMALS = 3

Maker = Callable[[str, str], Cell]


@dataclass(frozen=True)
class MadeColumn:
    """A column and the way to its cells: factor and level in, cell out."""

    column: Column
    make: Maker


def table_risk_factors(content: ReportContent, analysis_id: str) -> Table:
    """Return factors against an outcome as a journal prints them: groups, P, univariable, multivariable.

    A numeric factor is one row; a categorical or cut one has a row for itself and one per level. Which
    columns there are depends on which groups of rows the results have. Every P value carries a footnote
    that names its test, every model column one that names its method, every dash its reason.
    """
    found = read_association(content, analysis_id)
    columns = list(_list_columns(content, found))
    rows = tuple(row for factor in found.factors for row in _factor_rows(found, factor, columns))
    return Table(
        id=f"{analysis_id}-risk-factors",
        caption=_risk_caption(content, found),
        columns=(Column("Factor", "left"), *(made.column for made in columns)),
        rows=rows,
        notes=tuple(_list_notes(content, found)) if rows else (),
        footnotes=tuple(found.notes.texts),
    )


def _risk_caption(content: ReportContent, found: Association) -> str:
    outcome = outcome_name(content, found)
    kinds = " and ".join(name for name in MODELS if found.models[name].variables)
    if not found.has_groups and kinds:
        return format_level(f"{kinds} analysis of {outcome}")
    return (
        f"{'Factors associated with' if is_about_recovery(found.analysis) else 'Risk factors for'} {outcome}"
    )


def outcome_name(content: ReportContent, found: Association) -> str:
    """Return the outcome as a caption names it."""
    name = str(found.analysis.get("outcome") or "")
    return lower_first(outcome_title(content, name)) if name else "the outcome"


def _factor_rows(found: Association, factor: str, columns: list[MadeColumn]) -> Iterator[Row]:
    marks = found.factor_marks(factor)
    yield Row(found.title(factor), tuple(made.make(factor, "") for made in columns), marks=marks)
    for level in found.levels(factor):
        cells = tuple(made.make(factor, level) for made in columns)
        yield Row(format_signs(clean_text(level)), cells, indent=1)
    if found.has_trend(factor):
        yield Row("Trend, per level", tuple(made.make(factor, TREND) for made in columns), indent=1)


def _list_columns(content: ReportContent, found: Association) -> Iterator[MadeColumn]:
    if found.has_groups:
        for stratum in GROUPS:
            if stratum in found.groups.strata:
                yield MadeColumn(
                    _group_column(content, found, stratum), partial(found.group_cell, stratum=stratum)
                )
    elif "events" in {key[4] for key in found.models["univariable"].estimates}:
        name = found.group_name("event")
        title = "Events" if name.lower() in {"yes", "no"} else name
        yield MadeColumn(Column(f"{title}/patients"), found.events_cell)
    if list_effects(found):
        yield MadeColumn(Column("Difference (95% CI)"), partial(effect_cell, found))
    if found.tests.variables:
        yield MadeColumn(Column("P"), found.test_cell)
    if adjusted_title(found):
        yield MadeColumn(Column(adjusted_title(found)), partial(adjusted_cell, found))
    for model in MODELS:
        if found.models[model].variables:
            yield from _model_columns(found, model)


def _group_column(content: ReportContent, found: Association, stratum: str) -> Column:
    """Return "Yes (n = 48, bounds 47-50)" under the title of the outcome."""
    size = found.groups.value(PATIENTS, "count", stratum=stratum)
    is_all = stratum == GROUPS[0]
    bounds = "" if is_all else count_bounds(found.groups, found.notes, PATIENTS, stratum=stratum)
    # A line breaks between the two, not inside them.
    parts = [
        part.replace(" ", "\N{NO-BREAK SPACE}") for part in (f"n = {format_number(size)}", bounds) if part
    ]
    over = "" if is_all else format_level(outcome_name(content, found))
    return Column(f"{found.group_name(stratum)} ({', '.join(parts)})", spanner=over)


def _model_columns(found: Association, model: str) -> Iterator[MadeColumn]:
    methods = found.methods(model)
    marks = found.notes.mark(MODEL_METHODS.get(methods[0], methods[0])) if len(methods) == 1 else ()
    title = MODEL_TITLES[model]
    odds = Column("OR (95% CI)", marks=marks, spanner=title)
    yield MadeColumn(odds, partial(found.odds_cell, model=model))
    yield MadeColumn(Column("P", spanner=title), partial(found.model_p_cell, model=model))


def _list_notes(content: ReportContent, found: Association) -> Iterator[str]:
    yield VALUES_NOTE if found.has_groups else _sizes_note(found)
    yield from left_out_notes(found.groups)
    yield from filter(None, [effect_note(found), *family_notes(content, str(found.analysis["id"]))])
    has_models = any(lookup.variables for lookup in found.models.values())
    if has_models:
        yield _event_note(content, found)
        yield from _model_notes(content, found)
    # What the bounds mean is said here with what they do not hold for.
    yield from common_notes(content, Footnotes(), outcomes=[str(found.analysis.get("outcome") or "")])
    if found.notes.has_bounds:
        meaning = RECOVERY_BOUNDS if is_about_recovery(found.analysis) else GRADE_BOUNDS
        yield f"{meaning} {f'{COUNTS_NOTE} ' if found.has_groups else ''}{POLICY_NOTE}"
    if has_models:
        yield ABBREVIATIONS


def _sizes_note(found: Association) -> str:
    """Return the sizes of the groups for a table that does not show them."""
    parts = list[str]()
    for stratum in SIDES:
        size = format_number(found.groups.value(PATIENTS, "count", stratum=stratum))
        bounds = count_bounds(found.groups, found.notes, PATIENTS, stratum=stratum)
        parts.append(f"{lower_first(found.group_name(stratum))} {size}{f' ({bounds})' if bounds else ''}")
    return f"Groups: {', '.join(parts)}."


def left_out_notes(groups: ResultLookup) -> Iterator[str]:
    """Return who is in no group, and why."""
    """Return who is in no group, if anybody."""
    parts = list[str]()
    for stratum in groups.strata:
        count = groups.value(PATIENTS, "count", stratum=stratum)
        if stratum and stratum not in GROUPS and count:
            why = clean_text(stratum).replace("before landmark", "before the landmark")
            parts.append(f"{format_number(count)} {why}")
    if parts:
        yield f"In no group: {', '.join(parts)}."


def _event_note(content: ReportContent, found: Association) -> str:
    event = str(found.analysis.get("event") or "")
    name = lower_first(found.group_name("event"))
    named = f"Event: {outcome_name(content, found)}, {name}."
    more = {"recovered": "more recovery", "not_recovered": "less recovery"}.get(event, "more events")
    per_unit = " Of a number it is the odds ratio per unit." if found.has_numbers else ""
    return f"{named} An odds ratio above 1 means {more}.{per_unit}"


def _model_notes(content: ReportContent, found: Association) -> Iterator[str]:
    yield from _univariable_notes(found)
    yield from _multivariable_notes(found)
    analysis_id = str(found.analysis["id"])
    gates = list_notes(content.results, analysis_id, group="gate")
    yield from (f"{clean_text(note).rstrip('.')}." for note in gates)
    cuts = select_results(content.results, analysis_id, group="cutpoints")
    sources = dict.fromkeys(one.text for one in cuts.estimates.values() if one.value is not None)
    yield from (CUT_NOTES[source] for source in sources if source in CUT_NOTES)


def _univariable_notes(found: Association) -> Iterator[str]:
    """Return how many patients the univariable models have, each factor apart that has fewer."""
    rows = found.models["univariable"].estimates.items()
    sizes = {key[1]: one.n for key, one in rows if key[4] == "odds_ratio" and one.n is not None}
    if not sizes:
        return
    most = max(sizes.values())
    fewer = [f"{format_number(n)} for {found.title(factor)}" for factor, n in sizes.items() if n < most]
    text = f"Univariable models: {plural(most, 'patient')}"
    yield f"{text}; {'; '.join(fewer)} (without a value: left out)." if fewer else f"{text}."


def _multivariable_notes(found: Association) -> Iterator[str]:
    lookup = found.models["multivariable"]
    names = ("n", "events", "non_events", "terms", "missing")
    n, events, others, terms, missing = (lookup.value(MODEL, name) for name in names)
    if n is None:
        return
    text = f"Multivariable model: {plural(n, 'patient')}"
    if events is not None and others is not None:
        text += f", {format_number(events)} with the event and {format_number(others)} without"
    if terms is not None:
        text += f"; {plural(terms, 'term')}"
    yield f"{text}; {format_number(missing)} left out for a missing value." if missing else f"{text}."


def table_normality(content: ReportContent, analysis_id: str) -> Table:
    """Return the test of normality of each numeric factor, if the protocol asked for one."""
    found = read_association(content, analysis_id)
    tests = select_results(content.results, analysis_id, group="normality")
    rows = list[Row]()
    for factor in tests.variables:
        estimate = tests.get(factor, "p_value")
        n = Cell(format_number(estimate.n if estimate else None))
        rows.append(Row(found.title(factor), (n, p_cell(estimate, found.notes))))
    return Table(
        id=f"{analysis_id}-normality",
        caption="Test of normality of the numeric factors",
        columns=(Column("Factor", "left"), Column("Known"), Column("P")),
        rows=tuple(rows),
        notes=("A small P speaks against a normal distribution; a large one is no proof of it.",),
        footnotes=tuple(found.notes.texts),
    )


def table_cutpoints(content: ReportContent, analysis_id: str) -> Table:
    """Return the area under each ROC curve and the cut-off with the largest Youden index."""
    lookup, notes = select_results(content.results, analysis_id), Footnotes()
    factors = [name for name in lookup.variables if "auc" in lookup.names(name)]
    analysis = find_analysis(content, analysis_id)
    outcome = lower_first(outcome_title(content, str(analysis.get("outcome") or "the outcome")))
    event = lookup.get("event", "count")
    name = f", {lower_first(clean_text(event.text))}" if event and event.text else ""
    titles = ("AUC (95% CI)", "Cut-off", "Sensitivity", "Specificity", "Youden J", "Events/others", "Missing")
    return Table(
        id=f"{analysis_id}-cutpoints",
        caption=f"Cut-offs for {outcome}",
        columns=(Column("Factor", "left"), *map(Column, titles)),
        rows=tuple(_cut_row(lookup, notes, factor) for factor in factors),
        notes=(
            f"Event: {outcome}{name}. AUC: area under the ROC curve with its 95% confidence interval (CI) "
            "by DeLong. Missing: patients of the groups without a value, left out.",
            THRESHOLD_NOTE,
        ),
        footnotes=tuple(notes.texts),
    )


def _cut_row(lookup: ResultLookup, notes: Footnotes, factor: str) -> Row:
    marks = after_infusion_marks([lookup], factor, notes)
    auc, cut = lookup.get(factor, "auc"), lookup.get(factor, "cut")
    area = _area_cell(auc, notes)
    limit = NO_VALUE
    if cut is not None and cut.value is not None:
        limit = format_cut(clean_text(cut.text)) or format_number(cut.value)
    performance = [
        Cell(format_number(lookup.value(factor, name), DECIMALS))
        for name in ("sensitivity", "specificity", "youden")
    ]
    events = "/".join(format_number(lookup.value(factor, name)) for name in ("events", "non_events"))
    missing = Cell(format_number(lookup.value(factor, "missing")))
    title = clean_text(lookup.title(factor))
    return Row(title, (area, Cell(limit), *performance, Cell(events), missing), marks=marks)


def _area_cell(auc: Estimate | None, notes: Footnotes) -> Cell:
    """Return "0.802 (0.685-0.919)", or a dash with the reason why there is no curve."""
    if auc is None or auc.value is None:
        return absent_cell(auc, notes)
    text = format_number(auc.value, DECIMALS)
    if auc.low is not None and auc.high is not None:
        text += f" ({format_range(auc.low, auc.high, DECIMALS)})"
    return Cell(text, marks=notes.mark(clean_note(auc.note)))
