"""The page "Read with care" as one table: each panel its sentence, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
    format_p_beside,
    format_percent,
    format_range,
    format_signs,
    plural,
)
from cytopenia.report.journal_styles import format_p_level
from cytopenia.report.lookup import Estimate
from cytopenia.report.model_words import describe_step, split_step
from cytopenia.report.references import join_names, name_inside
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = ["table_read_with_care"]

DECIMALS = 2
# The P that belongs to an interval of 95%.
SIGNIFICANT = 0.05
# Panels that print only the lines whose conclusion changes, the first three too where they have more lines
# than the page has room for; every line is in results.csv.
BRIEF, FULL = ("d", "e", "f"), ("a", "b", "c")
MOST_LINES = 28
RULE_NOTE = (
    "The conclusion of an odds ratio is the side of 1 that its 95% interval leaves out. Same: both intervals "
    "leave out 1 on the same side, or neither does. Weaker: only the published one does; stronger: only the "
    "careful one. Reversed: both do, on opposite sides. Not comparable: one side has no interval. Of P "
    "values, below {limit} or not."
)
BRIEF_NOTE = (
    "Panels D to F fit the published models again, with their terms, cut-offs and method; only the patients "
    "or the outcome differ. Panels {first} to F print the lines whose conclusion changes; all of them are in "
    "results.csv, groups care_{first_group} to care_f."
)
NOISE_NOTE = (
    "Noise: {data_sets} simulated cohorts of {patients} patients, {events} with the event, {markers} markers "
    "that have nothing to do with it; seed {seed}."
)
CUT_NOTE = (
    "Cut-off; sensitivity / specificity; P. Careful: middle 95% of the cut-offs of resamples; corrected for "
    "the choice; P of the best of all cut-offs"
)
TITLES = {"pipeline": "Published model, AUC", "named_model": "Model named before, AUC"}
PARTS = {
    "univariable": "One factor at a time",
    "multivariable": "All together",
    "cut": "Cut-offs",
    "model": "Model named before",
    "screen": "Screen and selection",
    "selection": "Selection",
    "auc": "Area under the curve",
    "noise": "Such a selection among noise",
    "best": "Undecided outcomes at their best",
    "worst": "Undecided outcomes at their worst",
    "imputed": "Missing factors imputed",
}


def table_read_with_care(content: ReportContent, analysis_id: str) -> Table:
    """Return one page: each panel's sentence, the published numbers beside the careful ones, the verdicts.

    No rows where the protocol asks for none.
    """
    panels = read_panels(content, analysis_id)
    page = _Page(content, Footnotes(), _find_brief(panels))
    notes = page.notes
    rows = [row for panel in panels.values() for row in _panel_rows(page, panel)]
    return Table(
        id=f"{analysis_id}-care",
        caption="Published and careful numbers, and whether the conclusion changes",
        columns=(
            Column("", "left"),
            Column("Published"),
            Column("Careful"),
            Column("Does the conclusion change?", "left"),
        ),
        rows=tuple(rows),
        notes=tuple(_list_notes(panels, page.brief)) if rows else (),
        footnotes=tuple(notes.texts),
        is_page=True,
    )


@dataclass(frozen=True)
class _Page:
    """What the rows of the page are made with: `brief` are the panels that print changes only."""

    content: ReportContent
    notes: Footnotes
    brief: tuple[str, ...]


def _find_brief(panels: dict[str, CarePanel]) -> tuple[str, ...]:
    count = 0
    for letter in FULL:
        lines = panels[letter].lines if letter in panels else ()
        count += len({(_name_part(line), line.variable, line.level) for line in lines})
    return BRIEF if count <= MOST_LINES else (*FULL, *BRIEF)


def _panel_rows(page: _Page, panel: CarePanel) -> Iterator[Row]:
    content, notes = page.content, page.notes
    title = f"{panel.letter.upper()}. {PANELS[panel.letter]}."
    yield Row(title, is_section=True, text=write_sentence(panel))
    for scenario, lines in groupby(panel.lines, key=_name_part):
        yield from _list_rows(page, panel, (scenario, list(lines)))
    for scenario, why in panel.refusals.items():
        # A panel as a whole says why in its sentence.
        if panel.lines:
            words = _title_part(content, panel, scenario)
            yield Row(words, (Cell(), absent_cell(Estimate(None, "", "not_done", why), notes)))


def _name_part(line: CareLine) -> str:
    """Parts of a panel that stand together."""
    return {"selection": "screen", "auc_pairs": "auc"}.get(line.scenario, line.scenario)


def _title_part(content: ReportContent, panel: CarePanel, scenario: str) -> str:
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
        return f"{outcome_title(content, scenario)}: {format_number(events)}/{format_number(count)}"
    return PARTS.get(scenario, PANELS[panel.letter])


def _list_rows(page: _Page, panel: CarePanel, part: tuple[str, Sequence[CareLine]]) -> Iterator[Row]:
    (scenario, lines), notes, is_brief = part, page.notes, panel.letter in page.brief
    named = list(dict.fromkeys(line.variable for line in lines))
    grouped = [[line for line in lines if line.variable == name] for name in named]
    title = _title_part(page.content, panel, scenario)
    if is_brief and scenario in ("cut", "screen"):
        changed = [own for own in grouped if any(line.verdict not in ("", "same") for line in own)]
        yield _count_same(title, len(grouped) - len(changed), len(grouped))
        grouped = changed
    match scenario:
        case "cut":
            yield from (_cut_row(panel, own, notes) for own in grouped)
        case "screen":
            yield from (_screen_row(panel, own, notes) for own in grouped)
            same = panel.numbers.get("pipeline", "share", scenario="same_model", stratum="careful")
            if same is not None and same.value is not None:
                yield Row("These factors and no other pass", (Cell(), Cell(_say_share(same)), Cell()))
        case "auc":
            yield from (_area_row(own, notes) for own in grouped)
        case _:
            write = _brief_rows if is_brief else _odds_rows
            yield from write(panel, title, lines, notes)


def _count_same(title: str, count: int, of: int, marks: tuple[int, ...] = ()) -> Row:
    said = f"same for all {of}" if count == of else f"same for {count} of {of}"
    return Row(title, (Cell(), Cell(), Cell(said, tone="quiet")), marks=marks)


def _brief_rows(panel: CarePanel, title: str, lines: Sequence[CareLine], notes: Footnotes) -> Iterator[Row]:
    """How many conclusions are the same, and below them each that is not."""
    changed = [line for line in lines if line.verdict != "same"]
    never = say_never_below(panel.value("patients", "never_below", scenario=lines[0].scenario))
    marks = notes.mark(never.strip(" ()").capitalize())
    yield _count_same(title, len(lines) - len(changed), len(lines), marks)
    for row in _odds_rows(panel, "", changed, notes):
        yield Row(row.header, row.cells, indent=1, marks=row.marks)


def _odds_rows(panel: CarePanel, title: str, lines: Sequence[CareLine], notes: Footnotes) -> Iterator[Row]:
    """One row for each line; lines that all lack the careful number for one reason are one row."""
    if _is_one_row(lines):
        head = f"{title}: " if title else ""
        cell = absent_cell(lines[0].careful, notes)
        text = f"{head}{len(lines)} odds ratios"
        yield Row(f"{text[:1].upper()}{text[1:]}", (Cell(), cell, _verdict_cell(lines[0])))
        return
    models = [panel.pick(model) for model in ("univariable", "multivariable")]
    is_of_models = bool(title) and all(own and not _is_one_row(own) for own in models)
    for line in lines:
        yield _odds_row(panel, line, notes, model=line.scenario if is_of_models else "")


def _is_one_row(lines: Sequence[CareLine]) -> bool:
    reasons = {clean_note(line.careful.note) for line in lines if line.careful.value is None}
    return len(lines) > 1 and len(reasons) == 1 and all(line.careful.value is None for line in lines)


def _odds_row(panel: CarePanel, line: CareLine, notes: Footnotes, *, model: str) -> Row:
    marks = after_infusion_marks([panel.numbers], line.variable, notes)
    head = f"{line.title} {format_signs(clean_text(line.level))}".strip()
    head += f", {model}" if model else ""
    cells = (_odds_cell(line.published, notes), _odds_cell(line.careful, notes), _verdict_cell(line))
    return Row(head, cells, marks=marks)


def _odds_cell(found: Estimate, notes: Footnotes) -> Cell:
    if found.value is None:
        return absent_cell(found, notes)
    marks = notes.mark(clean_note(found.note))
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
        cells.append(Cell(f"{where[place]}; {shares}; {_say_p('P', p_value, SIGNIFICANT)}"))
    marks = after_infusion_marks([panel.numbers], cut.variable, notes)
    marks += notes.mark(CUT_NOTE)
    return Row(cut.title, (*cells, _verdict_cell(p)), marks=marks)


def _say_p(name: str, found: Estimate, limit: float) -> str:
    """Return "P = 0.016" with as many digits as show on which side of the limit it lies."""
    if found.value is None:
        return f"no {name}"
    text = format_p_beside(found.value, limit)
    return f"{name} {text if text[:1] in '<>' else f'= {text}'}"


def _screen_row(panel: CarePanel, lines: Sequence[CareLine], notes: Footnotes) -> Row:
    """P and selection on the published side; q and how often the screen is passed on the careful one."""
    found = {line.scenario: line for line in lines}
    screen, selection = found.get("screen"), found.get("selection")
    first = next(iter(found.values()))
    limit = panel.value("panel", "p_below", scenario="screen") or SIGNIFICANT
    published, careful, marks, told = list[str](), list[str](), tuple[int, ...](), ""
    if screen is not None and screen.published.value is not None:
        published.append(_say_p("P", screen.published, limit))
        careful.append(_say_p("q", screen.careful, limit))
    if selection is not None and selection.careful.value is not None:
        published.append("selected" if selection.published.value else "not selected")
        careful.append(f"passes in {format_percent(100 * selection.careful.value)}")
        told = f"Passes: of all {format_number(selection.careful.n)} resamples{_say_unscreened(panel)}"
    if careful:
        about = "q: P adjusted by Benjamini and Hochberg over the factors screened" if published else ""
        marks += notes.mark(". ".join(filter(None, (about, told))))
    cells = (Cell(", ".join(published)), Cell(", ".join(careful), marks=marks))
    verdict = Cell() if screen is None else _verdict_cell(screen)
    return Row(first.title, (*cells, verdict))


def _say_unscreened(panel: CarePanel) -> str:
    """How often which screens have no estimate; one note for all lines, as the page has little room."""
    found = [
        (panel.value(line.variable, "unscreened", scenario="selection", side="careful"), line.title)
        for line in panel.pick("selection", "share")
    ]
    told = [f"{format_percent(100 * share)} ({name_inside(title)})" for share, title in found if share]
    return f"; no finite estimate, counted as not passed, in {join_names(told)}" if told else ""


def _say_share(found: Estimate) -> str:
    return f"in {format_percent(100 * (found.value or 0))} of all {format_number(found.n)}"


def _area_row(lines: Sequence[CareLine], notes: Footnotes) -> Row:
    """Apparent; corrected for optimism and with pairs left out."""
    found = {line.scenario: line.careful for line in lines}
    corrected, paired = found.get("auc"), found.get("auc_pairs")
    parts, marks = list[str](), tuple[int, ...]()
    if corrected is not None and corrected.value is not None:
        parts.append(f"{format_number(corrected.value, DECIMALS)} corrected")
        remark = clean_note(corrected.note)
        told = "Corrected for optimism by resamples in which every step was done again"
        marks += notes.mark(f"{told}; {remark}" if remark else told)
    if paired is not None and paired.value is not None:
        parts.append(f"{format_number(paired.value, DECIMALS)} pairs left out")
    cells = (
        Cell(format_number(lines[0].published.value, DECIMALS)),
        Cell("; ".join(parts), marks=marks),
    )
    return Row(TITLES[lines[0].variable], (*cells, Cell()))


def _list_notes(panels: dict[str, CarePanel], brief: tuple[str, ...]) -> Iterator[str]:
    care_c = panels.get("c")
    limit = None if care_c is None else care_c.value("panel", "p_below", scenario="screen")
    told = (
        f"{format_p_level(SIGNIFICANT)}"
        if limit in (None, SIGNIFICANT)
        else f"{format_p_level(SIGNIFICANT)} (in the screen {format_p_level(limit)})"
    )
    yield RULE_NOTE.format(limit=told)
    steps = _say_steps(panels)
    if steps:
        yield steps
    yield BRIEF_NOTE.format(first=brief[0].upper(), first_group=brief[0])
    yield from _say_noise(panels)


def _say_steps(panels: dict[str, CarePanel]) -> str:
    """For which step the careful odds ratio of each number is, in one note."""
    said: dict[str, dict[str, str]] = {}
    for letter in ("a", "c"):
        for line in panels[letter].lines if letter in panels else ():
            step = split_step(line.careful.text)[1]
            if line.careful.value is not None and describe_step(step):
                unit, _, size = step.partition(", ")
                said.setdefault(unit, {})[name_inside(line.title)] = size
    parts = (
        f"{unit}: {'; '.join(f'{name} {size}'.strip() for name, size in sizes.items())}"
        for unit, sizes in said.items()
    )
    told = ". ".join(parts)
    return f"Careful odds ratios of numbers are {told}." if told else ""


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
