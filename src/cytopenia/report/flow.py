"""The flow of the cohort: who came in, who was left out and why, who is analyzed."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl

from cytopenia.report.content import ReportContent
from cytopenia.report.display import NO_VALUE, clean_text, format_number
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

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FlowStep", "plot_flow", "read_flow"]

FLOW = "flow"
LEFT, BOX_WIDTH, SIDE_LEFT, SIDE_WIDTH = 6.0, 232.0, 276.0, 214.0
LINE_HEIGHT, PADDING, GAP, ARROW = 11.5, 8.0, 20.0, 30.0
# As many boxes stand in one row if nobody was left out; more stand below each other.
MOST_ABREAST = 4
POINTS_PER_SIGN = 5
LONGEST_TEXT = 240


@dataclass(frozen=True)
class FlowStep:
    """One box: its sentence, its count as text, and whether its patients stay."""

    text: str
    count: str
    is_kept: bool
    patients: float | None = None


@dataclass(frozen=True)
class Box:
    """A box on the page, in points from the top left corner."""

    lines: tuple[str, ...]
    left: float
    top: float
    width: float

    @property
    def height(self) -> float:
        return len(self.lines) * LINE_HEIGHT + 2 * PADDING

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def read_flow(content: ReportContent) -> list[FlowStep]:
    """Return the steps of the cohort flow in the order of the results."""
    rows = content.results.filter(pl.col("analysis_id") == FLOW, pl.col("estimate") == "count")
    return [
        FlowStep(
            clean_text(row["text"] or row["variable"], longest=LONGEST_TEXT),
            NO_VALUE if row["value"] is None else format_number(row["value"]),
            row["level"] != "left out",
            row["value"],
        )
        for row in rows.iter_rows(named=True)
    ]


def plot_flow(content: ReportContent) -> ReportFigure | None:
    """Return the cohort flow as boxes and arrows, those left out beside the arrow; None without steps."""
    steps = read_flow(content)
    if not steps:
        return None
    title = "Flow of the cohort"
    caption = "Patients who stay in the analysis; nobody was left out."
    if not all(step.is_kept for step in steps):
        caption = "Patients who stay in the analysis (left) and patients left out, with the reason (right)."
    with drawing(FLOW):
        figure = _draw(steps)
        described = {"title": title, "caption": caption, "description": _describe(steps)}
        finished = finish_figure(figure, FLOW, **described, synthetic=content.synthetic)
    return finished.with_data(
        {"step": step.text, "patients": step.patients, "kept": step.is_kept} for step in steps
    )


def _wrap(step: FlowStep, width: int) -> tuple[str, ...]:
    return (*(textwrap.wrap(step.text, width) or [""]), f"n = {step.count}")


def _lay_out(steps: Sequence[FlowStep]) -> tuple[list[Box], list[Box]]:
    """Return the boxes of those kept and of those left out, one below the other in their order.

    If nobody was left out, the boxes stand side by side and fill the page.
    """
    is_alone = all(step.is_kept for step in steps)
    if is_alone and len(steps) <= MOST_ABREAST:
        return _lay_abreast(steps), []
    kept, left_out = list[Box](), list[Box]()
    main = (LEFT, FULL_WIDTH - 2 * LEFT, 100) if is_alone else (LEFT, BOX_WIDTH, 48)
    top = 14.0
    for step in steps:
        place = main if step.is_kept else (SIDE_LEFT, SIDE_WIDTH, 44)
        box = Box(_wrap(step, place[2]), place[0], top, place[1])
        (kept if step.is_kept else left_out).append(box)
        top += box.height + (GAP if step.is_kept else GAP / 2)
    return kept, left_out


def _lay_abreast(steps: Sequence[FlowStep]) -> list[Box]:
    """Return the boxes of one row, of equal width and height."""
    width = (FULL_WIDTH - 2 * LEFT - ARROW * (len(steps) - 1)) / len(steps)
    texts = [_wrap(step, int((width - 2 * PADDING) / POINTS_PER_SIGN)) for step in steps]
    most = max(len(lines) for lines in texts)
    return [
        Box(
            (*lines[:-1], *[""] * (most - len(lines)), lines[-1]), LEFT + place * (width + ARROW), 14.0, width
        )
        for place, lines in enumerate(texts)
    ]


def _draw(steps: Sequence[FlowStep]) -> Figure:
    kept, left_out = _lay_out(steps)
    bottom = max(box.top + box.height for box in [*kept, *left_out])
    figure, axes = page_axes(bottom + 8)
    spine = LEFT + (kept[0].width if kept else BOX_WIDTH) / 2
    for one, next_one in pairwise(kept):
        if one.top == next_one.top:
            _draw_arrow(axes, (one.left + one.width, one.middle), (next_one.left, next_one.middle))
        else:
            _draw_arrow(axes, (spine, one.top + one.height), (spine, next_one.top))
    beyond = [box.middle for box in left_out if not kept or box.top > kept[-1].top]
    if kept and beyond:
        axes.plot([spine, spine], [kept[-1].top + kept[-1].height, max(beyond)], color=INK, linewidth=0.9)
    for box in left_out:
        _draw_arrow(axes, (spine, box.middle), (box.left, box.middle))
    for box in kept:
        _draw_box(axes, box, edge=INK)
    for box in left_out:
        _draw_box(axes, box, edge=FAINT)
    return figure


def _describe(steps: Sequence[FlowStep]) -> str:
    words = {True: "", False: "Left out: "}
    return " ".join(f"{words[step.is_kept]}{step.text}: {step.count}." for step in steps)


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>,head_width=0.22,head_length=0.45", "color": INK, "linewidth": 0.9}
    axes.annotate("", xy=end, xytext=start, arrowprops={**style, "shrinkA": 0, "shrinkB": 0})


def _draw_box(axes: Axes, box: Box, *, edge: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    shape = FancyBboxPatch(
        (box.left, box.top), box.width, box.height, boxstyle="round,pad=0,rounding_size=3",
        facecolor="white", edgecolor=edge, linewidth=0.9, zorder=3,
    )  # fmt: skip
    axes.add_patch(shape)
    for place, line in enumerate(box.lines):
        is_count = place == len(box.lines) - 1
        at = box.top + PADDING + (place + 0.5) * LINE_HEIGHT
        look: dict[str, Any] = {"fontweight": "bold" if is_count else "normal", "va": "center", "zorder": 4}
        color = INK if is_count or edge == INK else MUTED
        axes.text(box.left + PADDING + 2, at, line, fontsize=7.5, color=color, **look)
