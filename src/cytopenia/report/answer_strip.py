"""The strip of answers: patients as columns, definitions as rows, readable without color."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import polars as pl

from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_number, plural
from cytopenia.report.drawing import (
    FAINT,
    FULL_WIDTH,
    INK,
    MUTED,
    ReportFigure,
    drawing,
    finish_figure,
    page_axes,
)
from cytopenia.report.side_by_side_cells import SideBySide, draw_id, read_side_by_side

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_answer_strip", "sort_answers"]

STRIP = "strip"
EVENT, NO_EVENT, NOT_EVALUABLE, DIED = "event", "no event", "not evaluable", "died before landmark"
ORDER = (EVENT, NO_EVENT, NOT_EVALUABLE, DIED)
FILLS = {EVENT: "#3d4854", NO_EVENT: "#d5dbe1"}
# The mark of an open answer stands out from the fill below it.
OPEN_MARKS = {EVENT: "white", NO_EVENT: INK}
WIDTH = FULL_WIDTH
LABEL, COUNTS, TOP, ROW, GAP, LEGEND = 150.0, 36.0, 18.0, 24.0, 5.0, 48.0
# Columns narrower than this touch each other.
WIDEST, LEAST_APART = 12.0, 3.0
LABEL_SIGNS = 34

State = tuple[str, bool]


def plot_answer_strip(content: ReportContent, analysis_id: str) -> ReportFigure | None:
    """Return the answers of every patient under every definition; None without any.

    Columns are patients, sorted by their answers under the reference, then under each further definition. A
    bar inside a cell marks an answer that unmeasured days could turn.
    """
    if content.answers.is_empty():
        return None
    found = read_side_by_side(content, analysis_id)
    answers = content.answers.filter(pl.col("analysis_id") == analysis_id)
    if answers.is_empty():
        return None
    columns = sort_answers(answers, found.names)
    name = draw_id(STRIP, analysis_id)
    with drawing(name):
        finished = finish_figure(
            _draw(found, columns),
            name,
            title="The answers of every patient under each definition",
            caption=_write_caption(len(columns)),
            description=_describe(found, columns),
            synthetic=content.synthetic,
        )
    return finished.with_data(
        {"column": place, "definition": title, "answer": state[0], "undecided": state[1]}
        for place, column in enumerate(columns, start=1)
        for title, state in zip(found.titles, column, strict=True)
    )


def sort_answers(answers: pl.DataFrame, names: Sequence[str]) -> list[tuple[State, ...]]:
    """Return the answers of each patient in the order of `names`, patients sorted by them; no ids."""
    states = {
        (str(row["patient_id"]), str(row["outcome"])): (str(row["answer"]), bool(row["is_open"]))
        for row in answers.iter_rows(named=True)
    }
    patients = answers["patient_id"].unique(maintain_order=True).to_list()
    columns = [tuple(states[patient, name] for name in names) for patient in patients]
    return sorted(columns, key=lambda column: [(ORDER.index(answer), is_open) for answer, is_open in column])


def _draw(found: SideBySide, columns: Sequence[tuple[State, ...]]) -> Figure:
    height = TOP + len(found.names) * (ROW + GAP) + LEGEND
    figure, axes = page_axes(height)
    cell = min(WIDEST, (WIDTH - LABEL - COUNTS - 8) / len(columns))
    for place, title in enumerate(found.numbered):
        top = TOP + place * (ROW + GAP)
        _write_label(axes, title, top, is_reference=place == 0)
        _draw_row(axes, [column[place] for column in columns], top, cell)
        events = sum(column[place][0] == EVENT for column in columns)
        known = sum(column[place][0] in FILLS for column in columns)
        look: dict[str, Any] = {"va": "center", "fontsize": 7.5, "color": MUTED}
        axes.text(LABEL + cell * len(columns) + 6, top + ROW / 2, f"{events}/{known}", **look)
    _draw_legend(axes, height - LEGEND + 14)
    return figure


def _write_label(axes: Axes, title: str, top: float, *, is_reference: bool) -> None:
    lines = textwrap.wrap(clean_text(title), LABEL_SIGNS, max_lines=2, placeholder=" …")
    weight = "bold" if is_reference else "normal"
    look: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": 7, "color": INK, "linespacing": 1.1}
    axes.text(LABEL - 8, top + ROW / 2, "\n".join(lines), fontweight=weight, **look)


def _draw_row(axes: Axes, states: Sequence[State], top: float, cell: float) -> None:
    place = 0
    for (answer, is_open), run in groupby(states):
        count = len(list(run))
        # Columns too narrow for a mark of their own share one.
        size = (count, cell) if cell >= LEAST_APART else (1, count * cell)
        _draw_cells(axes, answer, (LABEL + place * cell, top), size)
        if is_open:
            _mark_open(axes, answer, (LABEL + place * cell, top), size)
        place += count


def _draw_cells(axes: Axes, answer: str, corner: tuple[float, float], size: tuple[int, float]) -> None:
    """Neighbors with the same answer as one box; thin lines part the patients where there is room."""
    from matplotlib.patches import Rectangle

    (left, top), (count, cell) = corner, size
    look: dict[str, Any] = {"facecolor": FILLS.get(answer, "white"), "edgecolor": "none"}
    if answer not in FILLS and cell >= LEAST_APART:
        look |= {"edgecolor": FAINT, "linewidth": 0.5}
    axes.add_patch(Rectangle(corner, count * cell, ROW, **look))
    if cell < LEAST_APART:
        return
    arm = min(0.3 * cell, 0.3 * WIDEST)
    for place in range(count):
        x = left + place * cell
        if place:
            _draw_line(axes, (x, x), (top, top + ROW), "white" if answer in FILLS else FAINT)
        if answer == DIED:
            _draw_line(axes, (x + cell / 2,) * 2, (top + 5, top + ROW - 5), INK)
            _draw_line(axes, (x + cell / 2 - arm, x + cell / 2 + arm), (top + 10,) * 2, INK)
        elif answer not in FILLS:
            _draw_line(axes, (x, x + cell), (top + ROW, top), MUTED)


def _draw_line(axes: Axes, x: tuple[float, ...], y: tuple[float, ...], color: str) -> None:
    axes.plot(x, y, color=color, linewidth=0.9 if color == INK else 0.5)


def _mark_open(axes: Axes, answer: str, corner: tuple[float, float], size: tuple[int, float]) -> None:
    from matplotlib.patches import Rectangle

    (left, top), (count, cell) = corner, size
    inset = 0.22 * min(cell, WIDEST) if cell >= LEAST_APART else 0.0
    for place in range(count):
        box = (left + place * cell + inset, top + ROW / 2 - 2)
        axes.add_patch(Rectangle(box, cell - 2 * inset, 4, facecolor=OPEN_MARKS[answer], edgecolor="none"))


def _draw_legend(axes: Axes, top: float) -> None:
    entries: tuple[tuple[State, str], ...] = (
        ((EVENT, False), "event"),
        ((EVENT, True), "event, undecided"),
        ((NO_EVENT, False), "no event"),
        ((NO_EVENT, True), "no event, undecided"),
        ((NOT_EVALUABLE, False), "not evaluable"),
        ((DIED, False), "died before the landmark"),
    )
    look: dict[str, Any] = {"va": "center", "fontsize": 6.5, "color": MUTED}
    left = 8.0
    for state, text in entries:
        _draw_row_at(axes, state, left, top)
        axes.text(left + WIDEST + 4, top + ROW / 2, text, **look)
        left += WIDEST + 12 + 3.7 * len(text)


def _draw_row_at(axes: Axes, state: State, left: float, top: float) -> None:
    answer, is_open = state
    _draw_cells(axes, answer, (left, top), (1, WIDEST))
    if is_open:
        _mark_open(axes, answer, (left, top), (1, WIDEST))


def _write_caption(patients: int) -> str:
    return (
        f"{plural(patients, 'patient')}, one column each, the same in every row; sorted by the answers under "
        "the first definition, then under the next. Dark: event. Light: no event. A bar inside: undecided, "
        "unmeasured days could turn the answer. White, with a stroke: not evaluable; with a cross: died "
        "before the landmark. Beside each row: events among the evaluable."
    )


def _describe(found: SideBySide, columns: Sequence[tuple[State, ...]]) -> str:
    return " ".join(_describe_rows(found, columns))


def _describe_rows(found: SideBySide, columns: Sequence[tuple[State, ...]]) -> Iterator[str]:
    for place, title in enumerate(found.titles):
        row = [column[place] for column in columns]
        counts = {answer: sum(one == answer for one, _ in row) for answer in ORDER}
        parts = [f"{answer} {format_number(count)}" for answer, count in counts.items() if count]
        yield f"{title}: {', '.join(parts)}, undecided {sum(is_open for _, is_open in row)}."
