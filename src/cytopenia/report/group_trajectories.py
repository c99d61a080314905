"""Median and quartiles of the counts by day in each group, with the number measured below every day."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cytopenia.report.cells import analyte_title, day_zero_note
from cytopenia.report.content import ReportContent
from cytopenia.report.course_panels import add_panels, draw_days, set_count_scale, write_counts
from cytopenia.report.display import clean_text, format_number, format_signs, lower_first, plural
from cytopenia.report.drawing import SERIES, ReportFigure, drawing, finish_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["GROUP_TRAJECTORIES", "plot_group_trajectories"]

GROUP_TRAJECTORIES = "trajectories-by-group"
HEIGHT, ROW = 100.0, 9.0
# With more groups than that, bands would hide each other.
MOST_BANDS = 3
MARK_EVERY = 4


def plot_group_trajectories(content: ReportContent) -> ReportFigure | None:
    """Return the trajectories of each group of the protocol's factor; None where it names none.

    Line: median of those of the group measured that day. Band: quartiles. Below: how many were measured.
    """
    frame = content.figure_frames.get("groups", pl.DataFrame())
    if frame.is_empty() or frame["median"].drop_nulls().is_empty():
        return None
    factor = clean_text(frame["factor"][0])
    with drawing(GROUP_TRAJECTORIES):
        finished = finish_figure(
            _draw(content, frame),
            GROUP_TRAJECTORIES,
            title=f"Blood counts by day and {lower_first(factor)}",
            caption=_write_caption(content, frame),
            description=_describe(content, frame),
            synthetic=content.synthetic,
        )
    return finished.with_data(frame.drop("factor").iter_rows(named=True))


def _draw(content: ReportContent, frame: pl.DataFrame) -> Figure:
    groups = frame["group"].unique(maintain_order=True).to_list()
    analytes = frame["analyte"].unique(maintain_order=True).to_list()
    figure, panels = add_panels(len(analytes), height=HEIGHT, below=42 + ROW * len(groups))
    span = (float(str(frame["day"].min())), float(str(frame["day"].max())))
    for axes, analyte in zip(panels, analytes, strict=True):
        own = frame.filter(pl.col("analyte") == analyte)
        columns = ["median", "q1", "q3"] if len(groups) <= MOST_BANDS else ["median"]
        values = own.select(pl.concat_list(columns).explode()).to_series().drop_nulls().to_numpy()
        set_count_scale(axes, analyte, values)
        draw_days(axes, content, analyte, span=span)
        _draw_groups(axes, own, groups)
    legend: dict[str, Any] = {"fontsize": 7, "frameon": False, "ncols": len(groups), "handlelength": 3.2}
    panels[0].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, **legend)
    return figure


def _draw_groups(axes: Axes, own: pl.DataFrame, groups: Sequence[str]) -> None:
    counts: dict[str, dict[int, float]] = {}
    colors = [SERIES[place % len(SERIES)][0] for place in range(len(groups))]
    for place, group in enumerate(groups):
        color, dashes, mark = SERIES[place % len(SERIES)]
        part = own.filter(pl.col("group") == group)
        seen = part.drop_nulls("median")
        name = format_signs(clean_text(group, longest=24))
        counts[name] = dict(zip(part["day"].to_list(), part["n_observed"].to_list(), strict=True))
        if len(groups) <= MOST_BANDS:
            band: dict[str, Any] = {"color": color, "alpha": 0.13, "linewidth": 0}
            axes.fill_between(seen["day"], seen["q1"], seen["q3"], **band)
        look: dict[str, Any] = {"color": color, "linestyle": dashes, "linewidth": 1.3, "markersize": 3.2}
        marks = (place % MARK_EVERY, MARK_EVERY)
        axes.plot(seen["day"], seen["median"], marker=mark, markevery=marks, label=name, zorder=3, **look)
    write_counts(axes, counts, colors, title="Measured")


def _write_caption(content: ReportContent, frame: pl.DataFrame) -> str:
    sizes = frame.group_by("group", maintain_order=True).agg(pl.col("n_at_risk").max())
    who = "; ".join(
        f"{format_signs(clean_text(name))}: {format_number(size)}" for name, size in sizes.iter_rows()
    )
    total = int(sizes["n_at_risk"].sum())
    unknown = max(content.patients - total, 0)
    left = f" In no group, because it is not known: {plural(unknown, 'patient')}." if unknown else ""
    bands = " and quartiles (band)" if sizes.height <= MOST_BANDS else ""
    factor = lower_first(clean_text(frame["factor"][0]))
    return (
        f"Median (line){bands} of the values measured on each day, by {factor}. Patients at risk at most:"
        f" {who}.{left} Below each panel: number measured on that day. Groups differ in color, line and mark;"
        f" no test is made between them. {day_zero_note(content)}"
    ).rstrip()


def _describe(content: ReportContent, frame: pl.DataFrame) -> str:
    parts: list[str] = []
    for (analyte, group), part in frame.partition_by(
        "analyte", "group", as_dict=True, maintain_order=True
    ).items():
        seen = part.drop_nulls("median")
        if seen.is_empty():
            continue
        lowest = seen.row(int(np.argmin(seen["median"].to_numpy())), named=True)
        parts.append(
            f"{analyte_title(content, str(analyte))}, {format_signs(clean_text(group))}: lowest median"
            f" {format_number(lowest['median'])} on day {lowest['day']}."
        )
    return " ".join(parts)
