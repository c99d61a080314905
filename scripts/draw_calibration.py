"""The figure of the calibration: outcomes inside the bounds against outcomes decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cytopenia.report.drawing import FAINT, GRID, INK, MUTED, drawing, render_svg
from cytopenia.units import load_analytes

NAME = "calibration"
TARGET = 98.0
TITLE = "True outcomes inside the bounds, against outcomes decided"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "h")
# Gray levels in the order of the schedules, so that no color is needed.
LEVELS = ("0.15", "0.45", "0.65")
DESCRIPTION = (
    "One panel per lineage, one line per schedule. Along each line the slack grows: more outcomes lie inside"
    " the bounds, fewer are decided. Hollow points: constant slack; large black points: the chosen slack and"
    " growth."
)


def draw_calibration(rows: pl.DataFrame, chosen: pl.DataFrame, path: Path) -> None:
    """Write the figure: per schedule the lowest share inside and the mean share decided of all outcomes."""
    points = (
        rows.filter(pl.col("schedule") != "daily", longest_days=8)
        .group_by("analyte", "schedule", "slack", "growth", maintain_order=True)
        .agg(pl.col("inside_percent").min(), pl.col("decided_percent").mean())
        .sort("growth", "slack")
    )
    schedules = sorted(points["schedule"].unique())
    with drawing(NAME):
        figure = Figure(figsize=(7.4, 5.2))
        grid = figure.subplots(2, 3, sharey=True)
        for panel, choice in zip(grid.flat, chosen.iter_rows(named=True), strict=False):
            _draw_panel(panel, points.filter(analyte=choice["analyte"]), choice, schedules)
        for panel in grid[:, 0]:
            panel.set_ylabel("true outcome inside, %\n(lowest of all outcomes)", color=MUTED)
        for panel in list(grid.flat)[chosen.height :]:
            panel.axis("off")
        _draw_legend(list(grid.flat)[-1], schedules)
        figure.tight_layout(rect=(0, 0, 1, 0.97))
        svg = render_svg(figure, NAME, title=TITLE, description=DESCRIPTION, synthetic=True)
    path.write_text(svg + "\n", "utf-8")


def _draw_panel(panel: Any, points: pl.DataFrame, choice: dict[str, Any], schedules: list[str]) -> None:
    panel.axhline(TARGET, color=INK, linewidth=0.8, linestyle=(0, (4, 2)))
    for place, schedule in enumerate(schedules):
        own = points.filter(schedule=schedule)
        look = {"marker": MARKERS[place], "color": LEVELS[place % len(LEVELS)]}
        line = own.filter(growth=1.0)
        panel.plot(
            line["decided_percent"],
            line["inside_percent"],
            linewidth=0.7,
            markersize=3.2,
            markerfacecolor="white",
            **look,
        )
        mark = own.filter(slack=choice["slack"], growth=choice["growth"])
        panel.plot(
            mark["decided_percent"],
            mark["inside_percent"],
            MARKERS[place],
            color="black",
            markersize=6,
            zorder=4,
        )
    growth = f", times {choice['growth']:g} a day" if choice["growth"] > 1 else ""
    name = load_analytes()[choice["analyte"]].title
    panel.set_title(f"{name}\nchosen: slack {choice['slack']:g}{growth}", fontsize=8, loc="left")
    panel.set(xlim=(0, 101), ylim=(83, 100.4))
    panel.grid(color=GRID, linewidth=0.5)
    panel.set_axisbelow(True)
    panel.set_xlabel("decided, % (mean of all outcomes)", color=MUTED)
    panel.tick_params(labelsize=7, color=FAINT)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


def _draw_legend(panel: Any, schedules: list[str]) -> None:
    marks = [
        Line2D(
            [],
            [],
            linewidth=0.7,
            markersize=4,
            markerfacecolor="white",
            marker=MARKERS[place],
            color=LEVELS[place % len(LEVELS)],
            label=name,
        )
        for place, name in enumerate(schedules)
    ]
    marks.append(
        Line2D([], [], linestyle="", marker="o", color="black", markersize=6, label="chosen (filled)")
    )
    marks.append(Line2D([], [], color=INK, linewidth=0.8, linestyle=(0, (4, 2)), label="target, 98%"))
    panel.legend(
        handles=marks, loc="center", frameon=False, fontsize=7, title="Blood is drawn", title_fontsize=7
    )
