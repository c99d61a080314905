"""The page "Read with care" as two tables: one sentence for each panel, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from cytopenia.report.association_cells import absent_cell, after_infusion_marks, clean_note
from cytopenia.report.care_lines import PANELS, VERDICTS, CareLine, CarePanel, read_panels
from cytopenia.report.care_sentences import READINGS, say_never_below, write_sentence
from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    choose_decimals,
    clean_text,
    format_number,
    format_odds_ratio,
    format_p,
    format_percent,
    format_range,
    format_signs,
    plural,
)
from cytopenia.report.lookup import Estimate
from cytopenia.report.model_words import describe_step, split_step
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = ["table_care_sentences", "table_read_with_care"]

DECIMALS = 2
RULE_NOTE = (
    "The conclusion of an odds ratio is the side of 1 that its 95% interval leaves out. Same: both intervals "
    "leave out 1 on the same side, or neither does. Weaker: only the published one does; stronger: only the "
    "careful one. Reversed: both do, on opposite sides. Open: one side has no interval. Of P values, below "
    "0.05 or not; of the screen, below the limit of the protocol or not."
)
SAME_MODEL_NOTE = (
    "Panels D to F fit the published models again, with their terms, cut-offs and method; only the patients "
    "or the outcome differ."
)
NOISE_NOTE = (
    "Noise: {data_sets} simulated cohorts of {patients} patients, {events} with the event, {markers} markers "
    "that have nothing to do with it; seed {seed}."
)
CUT_NOTE = (
    "Cut-off, sensitivity / specificity and P; careful: middle 95% of the cut-offs of resamples, corrected "
    "for the choice, P of the best of all cut-offs"
)
TITLES = {"pipeline": "Published model", "named_model": "Model named before"}


def table_care_sentences(content: ReportContent, analysis_id: str) -> Table:
    """Return one sentence for each panel; no rows where the protocol asks for none."""
    panels = read_panels(content, analysis_id)
    return Table(
        id=f"{analysis_id}-care-sentences",
        caption="Read with care, in one sentence each",
        columns=(Column("Panel", "left"), Column("What the numbers say", "left")),
        rows=tuple(
            Row(f"{letter.upper()}. {PANELS[letter]}", (Cell(write_sentence(panel)),))
            for letter, panel in panels.items()
        ),
    )


def table_read_with_care(content: ReportContent, analysis_id: str) -> Table:
    """Return each published number beside the careful one, and whether the conclusion changes."""
    panels = read_panels(content, analysis_id)
    notes = Footnotes()
    rows = [row for panel in panels.values() for row in _panel_rows(content, panel, notes)]
    return Table(
        id=f"{analysis_id}-care",
        caption="Published and careful numbers",
        columns=(
            Column("", "left"),
            Column("Published"),
            Column("Careful"),
            Column("Does the conclusion change?", "left"),
        ),
        rows=tuple(rows),
        notes=(RULE_NOTE, SAME_MODEL_NOTE, *_say_noise(panels)) if rows else (),
        footnotes=tuple(notes.texts),
    )


def _panel_rows(content: ReportContent, panel: CarePanel, notes: Footnotes) -> Iterator[Row]:
    letter = f"{panel.letter.upper()}. "
    if not panel.lines:
        yield Row(f"{letter}{PANELS[panel.letter]}", is_section=True)
    for scenario, lines in groupby(panel.lines, key=_name_part):
        yield Row(f"{letter}{_title_part(content, panel, scenario)}", is_section=True)
        yield from _list_rows(panel, list(lines), notes)
    for scenario, why in panel.refusals.items():
        words = _title_part(content, panel, scenario) if panel.lines else "Not done"
        yield Row(words, (Cell(), absent_cell(Estimate(None, "", "not_done", why), notes)))


def _name_part(line: CareLine) -> str:
    """Parts of a panel that stand together under one title."""
    return {"selection": "screen", "auc_pairs": "auc"}.get(line.scenario, line.scenario)


def _title_part(content: ReportContent, panel: CarePanel, scenario: str) -> str:
    fixed = {
        "univariable": "Numbers as numbers, one factor at a time",
        "multivariable": "Numbers as numbers, all together",
        "cut": "Cut-offs in other patients",
        "model": "Model named before",
        "screen": "Screen and selection",
        "selection": "Selection",
        "auc": "Area under the curve",
        "noise": "Such a selection among noise",
        "best": "Open outcomes at their best",
        "worst": "Open outcomes at their worst",
        "imputed": "Missing factors imputed",
    }
    if scenario == "early_deaths":
        found = panel.numbers.get("patients", "count", scenario=scenario)
        if found is None or found.value is None:
            return "Early deaths"
        return f"{plural(found.value, 'early death')} {READINGS.get(found.text, found.text)}"
    if scenario == "baseline":
        count, grade = (panel.value("patients", name, scenario=scenario) for name in ("count", "min_grade"))
        if count is None:
            return "Cytopenia before treatment"
        return (
            f"Without {plural(count, 'patient')} of grade {format_number(grade)} or higher before treatment"
        )
    if panel.letter == "f" and scenario:
        events, count = (panel.value("patients", name, scenario=scenario) for name in ("events", "count"))
        told = say_never_below(panel.value("patients", "never_below", scenario=scenario))
        return f"{outcome_title(content, scenario)}: {format_number(events)}/{format_number(count)}{told}"
    return fixed.get(scenario, PANELS[panel.letter])


def _list_rows(panel: CarePanel, lines: Sequence[CareLine], notes: Footnotes) -> Iterator[Row]:
    match _name_part(lines[0]):
        case "cut":
            for name in dict.fromkeys(line.variable for line in lines):
                yield _cut_row(panel, [line for line in lines if line.variable == name], notes)
        case "screen":
            for name in dict.fromkeys(line.variable for line in lines):
                yield _screen_row([line for line in lines if line.variable == name], notes)
            same = panel.numbers.get("pipeline", "share", scenario="same_model", stratum="careful")
            if same is not None and same.value is not None:
                cell = Cell(format_percent(100 * same.value), marks=notes.mark(clean_note(same.note)))
                yield Row("The same factors selected", (Cell(), cell, Cell()))
            yield from _noise_rows(panel)
        case "auc":
            for name in dict.fromkeys(line.variable for line in lines):
                yield _area_row([line for line in lines if line.variable == name], notes)
        case _:
            for line in lines:
                yield _odds_row(panel, line, notes)


def _odds_row(panel: CarePanel, line: CareLine, notes: Footnotes) -> Row:
    marks = after_infusion_marks([panel.numbers], line.variable, notes)
    head = f"{line.title} {format_signs(clean_text(line.level))}".strip()
    cells = (_odds_cell(line.published, notes), _odds_cell(line.careful, notes), _verdict_cell(line))
    return Row(head, cells, marks=marks)


def _odds_cell(found: Estimate, notes: Footnotes) -> Cell:
    if found.value is None:
        return absent_cell(found, notes)
    marks = notes.mark(describe_step(split_step(found.text)[1])) + notes.mark(clean_note(found.note))
    return Cell(format_odds_ratio(found.value, found.low, found.high), marks=marks)


def _verdict_cell(line: CareLine) -> Cell:
    if not line.verdict:
        return Cell()
    tone = "differs" if line.verdict in ("weaker", "stronger", "reversed") else "quiet"
    return Cell(VERDICTS[line.verdict], tone=tone)


def _cut_row(panel: CarePanel, lines: Sequence[CareLine], notes: Footnotes) -> Row:
    """Cut, sensitivity and specificity, and P on either side."""
    found = {line.estimate: line for line in lines}
    cut, p = found["cut"], found["p_value"]
    digits = choose_decimals([cut.published.value])
    where = (
        format_number(cut.published.value),
        "" if cut.careful.value is None else format_range(cut.careful.low, cut.careful.high, digits),
    )
    cells: list[Cell] = []
    for place, side in enumerate(("published", "careful")):
        p_value: Estimate = getattr(p, side)
        if getattr(cut, side).value is None:
            cells.append(absent_cell(getattr(cut, side), notes))
            continue
        shares = " / ".join(
            format_number(getattr(found[name], side).value, DECIMALS)
            for name in ("sensitivity", "specificity")
        )
        said = f"P {_sign_p(format_p(p_value.value))}"
        cells.append(Cell(where[place], f"{shares}, {said}"))
    marks = after_infusion_marks([panel.numbers], cut.variable, notes)
    marks += notes.mark(CUT_NOTE)
    return Row(cut.title, (*cells, _verdict_cell(p)), marks=marks)


def _sign_p(text: str) -> str:
    return text if text[:1] in "<>" else f"= {text}"


def _screen_row(lines: Sequence[CareLine], notes: Footnotes) -> Row:
    """P and selection on the published side; q and how often selected on the careful one."""
    found = {line.scenario: line for line in lines}
    screen, selection = found.get("screen"), found.get("selection")
    first = next(iter(found.values()))
    published, careful, marks = list[str](), list[str](), tuple[int, ...]()
    if screen is not None and screen.published.value is not None:
        published.append(f"P {_sign_p(format_p(screen.published.value))}")
        careful.append(f"q {_sign_p(format_p(screen.careful.value))}")
        marks += notes.mark("q: P adjusted by Benjamini and Hochberg over the factors screened")
    if selection is not None and selection.careful.value is not None:
        published.append("selected" if selection.published.value else "not selected")
        careful.append(f"selected in {format_percent(100 * selection.careful.value)}")
        marks += notes.mark(clean_note(selection.careful.note))
    cells = (Cell(", ".join(published)), Cell(", ".join(careful), marks=marks))
    verdict = Cell() if screen is None else _verdict_cell(screen)
    return Row(first.title, (*cells, verdict))


def _area_row(lines: Sequence[CareLine], notes: Footnotes) -> Row:
    """Apparent; corrected for optimism and with pairs left out."""
    found = {line.scenario: line.careful for line in lines}
    corrected, paired = found.get("auc"), found.get("auc_pairs")
    parts = list[str]()
    marks: tuple[int, ...] = ()
    if corrected is not None and corrected.value is not None:
        parts.append(format_number(corrected.value, DECIMALS))
        marks += notes.mark("Corrected for optimism by resamples in which every step was done again")
        marks += notes.mark(clean_note(corrected.note))
    bounds = ""
    if paired is not None and paired.value is not None:
        bounds = f"{format_number(paired.value, DECIMALS)} with pairs of patients left out"
    cells = (Cell(format_number(lines[0].published.value, DECIMALS)), Cell("".join(parts), bounds, marks))
    return Row(TITLES[lines[0].variable], (*cells, Cell()))


def _noise_rows(panel: CarePanel) -> Iterator[Row]:
    found = panel.numbers.get("pipeline", "share", scenario="noise", stratum="published")
    if found is None or found.value is None or found.low is None or found.high is None:
        return
    text = format_percent(100 * found.value)
    bounds = f"95% interval {format_range(100 * found.low, 100 * found.high, 1)}%"
    yield Row("Such a selection among noise: some “risk factor” found", (Cell(text, bounds), Cell(), Cell()))


def _say_noise(panels: dict[str, CarePanel]) -> Iterator[str]:
    panel = panels.get("c")
    found = (
        None
        if panel is None
        else panel.numbers.get("pipeline", "share", scenario="noise", stratum="published")
    )
    if panel is None or found is None:
        return
    said = {
        name: format_number(panel.value("pipeline", name, scenario="noise"))
        for name in ("patients", "events", "markers")
    }
    seed = panel.value("pipeline", "seed", scenario="noise")
    yield NOISE_NOTE.format(data_sets=format_number(found.n), seed=f"{seed:.0f}", **said)
