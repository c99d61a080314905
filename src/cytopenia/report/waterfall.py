"""The lowest value of every patient, from the lowest to the highest, by the grade that was reached."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cytopenia.report.cells import analyte_title, outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.course_panels import set_count_scale
from cytopenia.report.display import clean_text, format_number, plural
from cytopenia.report.drawing import (
    FULL_WIDTH,
    GRADE_COLORS,
    GRID,
    INK,
    MUTED,
    ReportFigure,
    drawing,
    finish_figure,
    make_canvas,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["WATERFALL", "plot_waterfall"]

WATERFALL = "waterfall"
ABREAST = 3
LEFT, RIGHT, GAP, TOP, HEIGHT, BELOW = 32.0, 34.0, 58.0, 40.0, 130.0, 44.0
# Bars of more patients than that touch each other.
MOST_SINGLE = 150
NO_GRADE = -1
# Hatched, so that no shade of gray is taken for a grade.
UNGRADED: dict[str, Any] = {"facecolor": "white", "edgecolor": MUTED, "linewidth": 0.3, "hatch": "//////"}


def plot_waterfall(content: ReportContent) -> ReportFigure | None:
    """Return the nadir of every patient as a bar, lowest first, one panel per analyte; None without any.

    The color of a bar is the highest grade of the patient.
    """
    frame = content.figure_frames.get("waterfall", pl.DataFrame())
    if frame.is_empty():
        return None
    with drawing(WATERFALL):
        finished = finish_figure(
            _draw(content, frame),
            WATERFALL,
            title="Nadir of every patient",
            caption=_write_caption(content, frame),
            description=_describe(content, frame),
            synthetic=content.synthetic,
        )
    return finished.with_data(frame.iter_rows(named=True))


def _draw(content: ReportContent, frame: pl.DataFrame) -> Figure:
    analytes = frame["analyte"].unique(maintain_order=True).to_list()
    abreast = min(ABREAST, len(analytes))
    rows = -(-len(analytes) // abreast)
    total = TOP + rows * (HEIGHT + BELOW)
    figure = make_canvas(total)
    side = (FULL_WIDTH - LEFT - RIGHT - (abreast - 1) * GAP) / abreast
    for place, analyte in enumerate(analytes):
        row, column = divmod(place, abreast)
        left, top = LEFT + column * (side + GAP), TOP + row * (HEIGHT + BELOW)
        axes = figure.add_axes(
            (left / FULL_WIDTH, 1 - (top + HEIGHT) / total, side / FULL_WIDTH, HEIGHT / total)
        )
        _draw_panel(axes, content, frame.filter(pl.col("analyte") == analyte), analyte)
    _draw_key(figure, total)
    return figure


def _draw_panel(axes: Axes, content: ReportContent, own: pl.DataFrame, analyte: str) -> None:
    values = own["nadir"].to_numpy()
    set_count_scale(axes, analyte, np.append(values, 0.0))
    title = clean_text(analyte_title(content, analyte), longest=34)
    axes.set_title(title, loc="left", fontsize=7, fontweight="bold", pad=4, x=-0.12)
    axes.set_xlim(0.3, own.height + 0.7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=6.5, width=0.6, length=3, colors=MUTED)
    axes.set_xticks([1, own.height] if own.height > 1 else [1])
    axes.yaxis.set_major_formatter(lambda value, _: format_number(float(value)))
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("Patients, by nadir", fontsize=6.5, color=MUTED, labelpad=1)
    _draw_bars(axes, own)
    high = axes.get_ylim()[1]
    for value, text in content.reference_lines.get(analyte, ()):
        if value <= high:
            axes.axhline(value, color=INK, linewidth=0.6, linestyle=(0, (4, 3)), zorder=4)
            look: dict[str, Any] = {"fontsize": 6, "va": "center", "color": MUTED}
            where = axes.get_yaxis_transform()
            axes.annotate(text, (1, value), xycoords=where, xytext=(3, 0), textcoords="offset points", **look)


def _draw_bars(axes: Axes, own: pl.DataFrame) -> None:
    """The bars of one grade as one path, so that many patients stay a small file."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    half = 0.4 if own.height <= MOST_SINGLE else 0.5
    grades = own["grade"].fill_null(NO_GRADE).cast(pl.Int64)
    found: list[int] = sorted(grades.unique().to_list())
    for grade in found:
        part = own.filter(grades == grade)
        x, top = part["place"].to_numpy(), part["nadir"].to_numpy()
        corners = [(x - half, 0 * top), (x - half, top), (x + half, top), (x + half, 0 * top)]
        boxes = np.stack([np.stack(pair, axis=-1) for pair in (*corners, corners[0])], axis=1)
        steps = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
        path = Path(boxes.reshape(-1, 2), np.tile(steps, x.size))
        look = UNGRADED if grade == NO_GRADE else _fill(GRADE_COLORS[min(grade, len(GRADE_COLORS) - 1)])
        axes.add_artist(PathPatch(path, zorder=2, **look))


def _fill(color: str) -> dict[str, Any]:
    return {"facecolor": color, "edgecolor": "none"}


def _draw_key(figure: Figure, total: float) -> None:
    from matplotlib.patches import Rectangle

    looks = {str(grade): _fill(color) for grade, color in enumerate(GRADE_COLORS)} | {"not graded": UNGRADED}
    left, look = LEFT - 24, dict[str, Any](fontsize=7, va="center", color=INK)
    figure.text(left / FULL_WIDTH, 1 - 12 / total, "Highest grade", **look)
    left += 58
    for text, fill in looks.items():
        box = (left / FULL_WIDTH, 1 - 16 / total)
        figure.add_artist(Rectangle(box, 8 / FULL_WIDTH, 8 / total, transform=figure.transFigure, **fill))
        figure.text((left + 11) / FULL_WIDTH, 1 - 12 / total, text, **look)
        left += 28


def _write_caption(content: ReportContent, frame: pl.DataFrame) -> str:
    counted = frame.group_by("analyte", maintain_order=True).len()
    sizes = dict.fromkeys(counted["len"].to_list())
    who = plural(next(iter(sizes)), "patient") if len(sizes) == 1 else _list_sizes(content, counted)
    graded = [outcome_title(content, name) for name in frame["graded_by"].unique(maintain_order=True) if name]
    by = f" ({'; '.join(graded)})" if graded else ""
    return (
        f"{who}, those without a value left out. Bar: lowest measured value of one patient, lowest first;"
        f" each panel has its own order. Color: highest grade of the patient{by}. Dashed: limits of"
        " grades."
    )


def _list_sizes(content: ReportContent, counted: pl.DataFrame) -> str:
    return ", ".join(
        f"{analyte_title(content, name)}: {plural(size, 'patient')}" for name, size in counted.iter_rows()
    )


def _describe(content: ReportContent, frame: pl.DataFrame) -> str:
    return " ".join(_describe_panels(content, frame.partition_by("analyte", maintain_order=True)))


def _describe_panels(content: ReportContent, panels: Sequence[pl.DataFrame]) -> list[str]:
    told: list[str] = []
    for part in panels:
        ends = [format_number(part["nadir"][at]) for at in (0, -1)]
        grades = part.group_by("grade").len().sort("grade").drop_nulls("grade")
        counts = ", ".join(f"grade {grade:g}: {count}" for grade, count in grades.iter_rows())
        told.append(
            f"{analyte_title(content, part['analyte'][0])}: {plural(part.height, 'patient')}, nadir from"
            f" {ends[0]} to {ends[1]}{f'; {counts}' if counts else ''}."
        )
    return told
