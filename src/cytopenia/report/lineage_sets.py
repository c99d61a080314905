"""Which severe cytopenias came together: a bar per combination, dots below that say which."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_number, plural
from cytopenia.report.drawing import (
    FULL_WIDTH,
    INK,
    LINE,
    MUTED,
    ReportFigure,
    drawing,
    finish_figure,
    page_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["LINEAGE_SETS", "plot_lineage_sets"]

LINEAGE_SETS = "lineage-overlap"
MOST_COMBINATIONS = 16
BARS_LEFT, RIGHT, TOP, TALL, ROW, BOTTOM = 236.0, 12.0, 34.0, 100.0, 20.0, 14.0
SIZES, WIDEST, LABEL_SIGNS = 60.0, 30.0, 36
EMPTY = "#d5dbe1"


def plot_lineage_sets(content: ReportContent) -> ReportFigure | None:
    """Return how often which severe cytopenias came together (an UpSet plot); None with fewer than two.

    The bars above count the patients with exactly the combination whose dots are filled; the bars at the left
    count everybody with that one.
    """
    frame = content.figure_frames.get("overlap", pl.DataFrame())
    if frame.is_empty():
        return None
    combined = frame.filter(pl.col("kind") == "combination").head(MOST_COMBINATIONS)
    sets = dict(frame.filter(pl.col("kind") == "set").select("outcomes", "patients").iter_rows())
    if combined.is_empty():
        return None
    with drawing(LINEAGE_SETS):
        finished = finish_figure(
            _draw(content, combined, sets),
            LINEAGE_SETS,
            title="Severe cytopenias that came together",
            caption=_write_caption(frame),
            description=_describe(content, combined),
            synthetic=content.synthetic,
        )
    return finished.with_data(frame.iter_rows(named=True))


def _draw(content: ReportContent, combined: pl.DataFrame, sets: dict[str, int]) -> Figure:
    figure, axes = page_axes(TOP + TALL + 12 + len(sets) * ROW + BOTTOM)
    step = min(WIDEST, (FULL_WIDTH - BARS_LEFT - RIGHT) / combined.height)
    floor = TOP + TALL
    _draw_combinations(axes, combined, step, floor)
    most = max(*sets.values(), 1)
    for place, (name, patients) in enumerate(sets.items()):
        middle = floor + 12 + (place + 0.5) * ROW
        _draw_set(axes, outcome_title(content, name), patients / most, middle)
        axes.text(BARS_LEFT - 18 - SIZES * patients / most, middle, format_number(patients), **_look("right"))
        has = [name in outcomes.split("|") for outcomes in combined["outcomes"].to_list()]
        _draw_dots(axes, has, step, middle)
    _join_dots(axes, combined["outcomes"].to_list(), list(sets), (step, floor + 12))
    axes.text(BARS_LEFT - 8, TOP - 10, "Patients with exactly this combination", **_look("left"))
    return figure


def _look(align: str, size: float = 7) -> dict[str, Any]:
    return {"fontsize": size, "ha": align, "va": "center", "color": INK}


def _draw_combinations(axes: Axes, combined: pl.DataFrame, step: float, floor: float) -> None:
    from matplotlib.patches import Rectangle

    most = max(int(str(combined["patients"].max())), 1)
    for place, patients in enumerate(combined["patients"].to_list()):
        middle, tall = BARS_LEFT + (place + 0.5) * step, (TALL - 10) * patients / most
        axes.add_patch(
            Rectangle((middle - 0.3 * step, floor - tall), 0.6 * step, tall, color=LINE, linewidth=0)
        )
        axes.text(middle, floor - tall - 5, format_number(patients), **_look("center"))
    axes.plot([BARS_LEFT, BARS_LEFT + step * combined.height], [floor, floor], color=MUTED, linewidth=0.6)


def _draw_set(axes: Axes, title: str, share: float, middle: float) -> None:
    from matplotlib.patches import Rectangle

    lines = textwrap.wrap(clean_text(title), LABEL_SIGNS, max_lines=2, placeholder=" …")
    axes.text(6, middle, "\n".join(lines), **_look("left", 6.5))
    axes.add_patch(
        Rectangle((BARS_LEFT - 14 - SIZES * share, middle - 5), SIZES * share, 10, color=MUTED, linewidth=0)
    )


def _draw_dots(axes: Axes, has: Sequence[bool], step: float, middle: float) -> None:
    for place, is_in in enumerate(has):
        look: dict[str, Any] = {"marker": "o", "markersize": 6, "color": INK if is_in else EMPTY, "zorder": 3}
        axes.plot([BARS_LEFT + (place + 0.5) * step], [middle], **look)


def _join_dots(
    axes: Axes, combinations: Sequence[str], names: Sequence[str], corner: tuple[float, float]
) -> None:
    """A line through the filled dots of one combination."""
    step, top = corner
    for place, outcomes in enumerate(combinations):
        rows = [names.index(name) for name in outcomes.split("|") if name]
        if len(rows) > 1:
            x = BARS_LEFT + (place + 0.5) * step
            ends = [top + (row + 0.5) * ROW for row in (min(rows), max(rows))]
            axes.plot([x, x], ends, color=INK, linewidth=1.6, zorder=2)


def _write_caption(frame: pl.DataFrame) -> str:
    combined = frame.filter(pl.col("kind") == "combination")
    total = int(combined["patients"].sum())
    left = int(frame.filter(pl.col("kind") == "left out")["patients"].sum())
    out = f" Left out, because one of them could not be told: {plural(left, 'patient')}." if left else ""
    hidden = combined["patients"][MOST_COMBINATIONS:]
    rare = (
        f" {plural(len(hidden), 'rarer combination')} ({plural(int(hidden.sum()), 'patient')}) not shown."
        if len(hidden)
        else ""
    )
    return (
        f"{plural(total, 'patient')}. Upper bars: patients with exactly the combination of filled dots;"
        f" if none is filled, with none of them. Left bars: everybody with that cytopenia.{rare}{out}"
    )


def _describe(content: ReportContent, combined: pl.DataFrame) -> str:
    told: list[str] = []
    for outcomes, patients in combined.select("outcomes", "patients").iter_rows():
        names = [clean_text(outcome_title(content, name)) for name in outcomes.split("|") if name]
        told.append(f"{' and '.join(names) or 'None of them'}: {plural(patients, 'patient')}.")
    return " ".join(told)
