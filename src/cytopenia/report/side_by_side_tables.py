"""Definitions side by side as display tables: events, agreement, who changes, odds ratios."""

from __future__ import annotations

from collections.abc import Iterator

from cytopenia.report.association_cells import (
    MODEL_METHODS,
    absent_cell,
    after_infusion_marks,
    clean_note,
    read_method,
)
from cytopenia.report.cells import CellMaker, common_notes
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    NO_VALUE,
    clean_text,
    format_number,
    format_odds_ratio,
    format_percent,
    format_range,
)
from cytopenia.report.lookup import ResultLookup, select_results
from cytopenia.report.side_by_side_cells import OddsPanel, SideBySide, read_side_by_side
from cytopenia.report.table_model import Cell, Column, Row, Table

__all__ = [
    "table_answer_changes",
    "table_definition_agreement",
    "table_definition_events",
    "table_definition_grades",
    "table_definition_odds",
    "table_definition_pairs",
]

KAPPA_DECIMALS = 2
GRADE_ONLY = "grade only"
LOST, GAINED = "event to no event", "no event to event"
REFERENCE_NOTE = "The first definition is the reference, named by the protocol; no definition is preferred."
EVALUABLE_NOTE = (
    "Evaluable: the definition gives an answer. Decided: unmeasured days could not turn the answer if they "
    "lie near their neighbors. Not evaluable never counts as no event."
)
AGREEMENT_NOTE = (
    "Counted are patients with an answer under both definitions. Same: same answer. About events (or no "
    "events): of all such answers of the two, the share that both give. Kappa: Cohen's kappa with its 95% "
    "confidence interval; it is low where nearly all patients have the same answer, however well two "
    "definitions agree."
)
UNDECIDED_NOTE = "Undecided: of the patients counted, those whose answer under either could turn."
CHANGE_NOTE = (
    "Reasons come from the days, values and rules behind each answer; every patient with days and values is "
    "in definition_changes.csv of the run. Answer lost or gained: one of the two definitions gives none."
)
GRADE_NOTE = (
    "Grades of two definitions bear the same numbers and need not mean the same: one may grade single "
    "values, the other days. The full cross-table is in results.csv."
)
ODDS_NOTE = (
    "Each odds ratio is from a model with this factor alone, fitted in the same way under every definition. "
    "The definitions share their patients, so the odds ratios are not independent of each other; how many of "
    "them exclude 1 says nothing."
)


def table_definition_events(content: ReportContent, analysis_id: str) -> Table:
    """Return events with their bounds, and how many patients are evaluable and decided."""
    found = read_side_by_side(content, analysis_id)
    cells = CellMaker(found.events, found.notes, unjudged="not judged")
    reasons = select_results(content.results, analysis_id, group="events_not_judged")
    columns = ("Events, n/N (%)", "Evaluable", "Not evaluable", "Decided")
    rows = tuple(
        Row(
            title,
            (
                cells.count(name),
                cells.number(name, "evaluable"),
                _not_evaluable(found, reasons, name),
                cells.number(name, "decided"),
            ),
        )
        for name, title in zip(found.names, found.numbered, strict=True)
    )
    return Table(
        id=f"{analysis_id}-events",
        caption="Events under each definition",
        columns=(Column("Definition", "left"), *map(Column, columns)),
        rows=rows,
        notes=(REFERENCE_NOTE, EVALUABLE_NOTE, *common_notes(content, found.notes, outcomes=found.names)),
        footnotes=tuple(found.notes.texts),
    )


def _not_evaluable(found: SideBySide, reasons: ResultLookup, name: str) -> Cell:
    """How many have no answer, with the reasons as footnote; early deaths that are left out among them."""
    counts = {level: reasons.value(name, "count", level=level) for level in reasons.levels(name)}
    counts["died before the landmark"] = found.events.value(name, "died_before_landmark")
    texts = [f"{clean_text(why)}: {format_number(count)}" for why, count in counts.items() if count]
    total = sum(count for count in counts.values() if count)
    return Cell(format_number(total), marks=found.notes.mark("; ".join(texts)))


def table_definition_agreement(content: ReportContent, analysis_id: str) -> Table:
    """Return how each definition agrees with the reference, patient by patient."""
    found = read_side_by_side(content, analysis_id)
    reference = found.names[0] if found.names else ""
    columns = (
        *(
            Column(title, spanner="Event under")
            for title in ("both", "reference only", "this only", "neither")
        ),
        Column("Same, n/N (%)"),
        Column("about events", spanner="Agreement, %"),
        Column("about no events", spanner="Agreement, %"),
        Column("Kappa (95% CI)"),
        Column("Undecided"),
    )
    rows = tuple(
        Row(title, tuple(_agreement_cells(found, reference, name)))
        for name, title in list(zip(found.names, found.numbered, strict=True))[1:]
    )
    return Table(
        id=f"{analysis_id}-agreement",
        caption=f"Agreement with {found.titles[0]}" if found.titles else "Agreement",
        columns=(Column("Definition", "left"), *columns),
        rows=rows,
        notes=(AGREEMENT_NOTE, UNDECIDED_NOTE),
        footnotes=tuple(found.notes.texts),
    )


def _agreement_cells(found: SideBySide, first: str, second: str) -> Iterator[Cell]:
    lookup = found.agreement
    cells = {
        key: lookup.value(first, key, level=second)
        for key in ("both", "only_first", "only_second", "neither")
    }
    yield from (Cell(format_number(count)) for count in cells.values())
    same = (cells["both"] or 0) + (cells["neither"] or 0)
    percent = lookup.value(first, "percent_agreement", level=second)
    shown = "" if percent is None else f" ({format_percent(percent)})"
    left = lookup.value(first, "evaluable_under_one", level=second)
    marks = (
        found.notes.mark(f"evaluable under one of the two only, and not counted: {format_number(left)}")
        if left
        else ()
    )
    yield Cell(
        f"{format_number(same)}/{format_number(sum(one or 0 for one in cells.values()))}{shown}", marks=marks
    )
    for name in ("positive_agreement", "negative_agreement"):
        share = lookup.get(first, name, level=second)
        if share is None or share.value is None:
            yield absent_cell(share, found.notes)
        else:
            yield Cell(format_percent(share.value))
    yield _kappa_cell(found, first, second)
    yield Cell(format_number(lookup.value(first, "open", level=second)))


def _kappa_cell(found: SideBySide, first: str, second: str) -> Cell:
    kappa = found.agreement.get(first, "kappa", level=second)
    if kappa is None or kappa.value is None:
        return absent_cell(kappa, found.notes)
    text = format_number(kappa.value, KAPPA_DECIMALS)
    if kappa.low is not None and kappa.high is not None:
        text += f" ({format_range(kappa.low, kappa.high, KAPPA_DECIMALS)})"
    return Cell(text, marks=found.notes.mark(clean_note(kappa.note)))


def table_definition_pairs(content: ReportContent, analysis_id: str) -> Table:
    """Return every pair: kappa above the diagonal, percent with the same answer below; three or more only."""
    found = read_side_by_side(content, analysis_id)
    rows = [
        Row(title, tuple(_pair_cell(found, place, other) for other in range(len(found.names))))
        for place, title in enumerate(found.numbered)
    ]
    return Table(
        id=f"{analysis_id}-pairs",
        caption="Agreement of every pair of definitions",
        columns=(
            Column("Definition", "left"),
            *(Column(f"{place}") for place in range(1, len(found.names) + 1)),
        ),
        rows=tuple(rows) if len(rows) > 2 else (),
        notes=(
            "Above the diagonal: Cohen's kappa. Below: percent of the patients evaluable under both who have "
            "the same answer. Intervals and counts are in results.csv.",
        ),
        footnotes=tuple(found.notes.texts),
    )


def _pair_cell(found: SideBySide, row: int, column: int) -> Cell:
    if row == column:
        return Cell()
    first, second = (found.names[place] for place in sorted((row, column)))
    estimate = found.agreement.get(first, "kappa" if row < column else "percent_agreement", level=second)
    if estimate is None or estimate.value is None:
        return absent_cell(estimate, found.notes)
    if row < column:
        return Cell(format_number(estimate.value, KAPPA_DECIMALS))
    # The sign would break from its number in a narrow column; the note says what it is.
    return Cell(format_percent(estimate.value).removesuffix("%"))


def table_answer_changes(content: ReportContent, analysis_id: str) -> Table:
    """Return how many patients have another answer than under the reference, by reason."""
    found = read_side_by_side(content, analysis_id)
    rows = list[Row]()
    for name, title in list(zip(found.names, found.numbered, strict=True))[1:]:
        rows.append(Row(title, is_section=True))
        reasons = found.changes.levels(name)
        rows += [
            Row(clean_text(why), tuple(_change_cells(found.changes, name, why)), indent=1) for why in reasons
        ]
        if not reasons:
            rows.append(Row("nobody changes", (Cell("0"), Cell("0"), Cell("0"), Cell("0")), indent=1))
    titles = ("Event lost", "Event gained", "Answer lost or gained", "Grade only")
    return Table(
        id=f"{analysis_id}-changes",
        caption=f"Who changes against {found.titles[0]}, and why" if found.titles else "Who changes, and why",
        columns=(Column("Reason", "left"), *map(Column, titles)),
        rows=tuple(rows),
        notes=(CHANGE_NOTE,),
    )


def _change_cells(lookup: ResultLookup, name: str, reason: str) -> Iterator[Cell]:
    counts = {
        change: lookup.value(name, "count", level=reason, stratum=change) or 0 for change in lookup.strata
    }
    shown = [counts.pop(change, 0) for change in (LOST, GAINED, GRADE_ONLY)]
    for count in (*shown[:2], sum(counts.values()), shown[2]):
        yield Cell(format_number(count))


def table_definition_grades(content: ReportContent, analysis_id: str) -> Table:
    """Return how many patients have the same, a lower and a higher grade, where both definitions grade."""
    found = read_side_by_side(content, analysis_id)
    titles = dict(zip(found.names, found.numbered, strict=True))
    columns = {
        "same": "Same",
        "lower": "Lower",
        "higher": "Higher",
        "graded_by_one": "Graded by one only",
        "graded_by_none": "Graded by none",
    }
    rows = tuple(
        Row(
            titles.get(name, name),
            tuple(Cell(format_number(found.grades.value(name, estimate))) for estimate in columns),
        )
        for name in found.grades.variables
    )
    return Table(
        id=f"{analysis_id}-grades",
        caption=f"Grades against {found.titles[0]}" if found.titles else "Grades",
        columns=(Column("Definition", "left"), *map(Column, columns.values())),
        rows=rows,
        notes=(GRADE_NOTE,),
    )


def table_definition_odds(content: ReportContent, analysis_id: str) -> Table:
    """Return the odds ratio of each factor under each definition, with events and patients of the model."""
    found = read_side_by_side(content, analysis_id)
    rows = list[Row]()
    for panel in found.list_panels():
        marks = after_infusion_marks([found.models], panel.factor, found.notes)
        rows.append(Row(panel.title, is_section=True, marks=marks))
        for name, title in zip(found.names, found.numbered, strict=True):
            rows.append(
                Row(title, (_size_cell(found, panel, name), _odds_cell(found, panel, name)), indent=1)
            )
    return Table(
        id=f"{analysis_id}-odds",
        caption="Odds ratio of each factor under each definition",
        columns=(Column("Definition", "left"), Column("Events/patients"), Column("OR (95% CI)")),
        rows=tuple(rows),
        notes=tuple(_odds_notes(found)),
        footnotes=tuple(found.notes.texts),
    )


def _size_cell(found: SideBySide, panel: OddsPanel, name: str) -> Cell:
    events, patients = (
        found.members.value(panel.factor, key, stratum=name) for key in ("events", "patients")
    )
    return Cell(f"{format_number(events)}/{format_number(patients)}")


def _odds_cell(found: SideBySide, panel: OddsPanel, name: str) -> Cell:
    odds = found.find_odds(panel, name)
    if odds is None or odds.value is None:
        return absent_cell(odds, found.notes) if odds is not None else Cell(NO_VALUE)
    marks = found.notes.mark(clean_note(odds.note))
    return Cell(format_odds_ratio(odds.value, odds.low, odds.high), marks=marks)


def _odds_notes(found: SideBySide) -> Iterator[str]:
    yield ODDS_NOTE
    methods = dict.fromkeys(
        read_method(one.text) for key, one in found.models.estimates.items() if key[4] == "p_value"
    )
    yield from (f"{MODEL_METHODS[method]}." for method in methods if method in MODEL_METHODS)
    titles = dict(zip(found.names, found.titles, strict=True))
    for key, one in found.gates.estimates.items():
        # Where nothing was modeled, the footnote of the dash has said it.
        if one.note and not any(clean_text(one.note) in text for text in found.notes.texts):
            yield f"{titles.get(key[0], key[0])}: {clean_text(one.note)}."
    yield "CI, confidence interval; OR, odds ratio; above 1: more events."
