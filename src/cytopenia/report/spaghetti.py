"""The measured values of single patients as thin lines, with the median of all over them."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.report.cells import analyte_title, day_zero_note
from cytopenia.report.content import ReportContent
from cytopenia.report.course_panels import add_panels, draw_days, set_count_scale
from cytopenia.report.display import plural
from cytopenia.report.drawing import INK, MUTED, ReportFigure, drawing, finish_figure
from cytopenia.report.lookup import select_results
from cytopenia.report.trajectories import TRAJECTORIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SPAGHETTI", "plot_spaghetti"]

SPAGHETTI = "spaghetti"
HEIGHT, BELOW = 118.0, 36.0


def plot_spaghetti(content: ReportContent) -> ReportFigure | None:
    """Return the courses of single patients, one panel per analyte; None without any.

    A thin line joins what was measured in one patient. The thick line is the median of all patients, also of
    those who are not drawn.
    """
    frame = content.figure_frames.get("spaghetti", pl.DataFrame())
    if frame.is_empty():
        return None
    with drawing(SPAGHETTI):
        finished = finish_figure(
            _draw(content, frame),
            SPAGHETTI,
            title="Blood counts of single patients",
            caption=_write_caption(content, frame),
            description=_describe(content, frame),
            synthetic=content.synthetic,
        )
    names = frame["patient_id"].unique(maintain_order=True)
    lines = frame.with_columns(line=frame["patient_id"].replace_strict(names, range(1, len(names) + 1)))
    named = ["line", "patient_id"] if content.show_patient_ids else ["line"]
    return finished.with_data(lines.select("analyte", *named, "day", "value").iter_rows(named=True))


def _draw(content: ReportContent, frame: pl.DataFrame) -> Figure:
    analytes = frame["analyte"].unique(maintain_order=True).to_list()
    figure, panels = add_panels(len(analytes), height=HEIGHT, below=BELOW)
    span = (float(str(frame["day"].min())), float(str(frame["day"].max())))
    for axes, analyte in zip(panels, analytes, strict=True):
        own = frame.filter(pl.col("analyte") == analyte)
        set_count_scale(axes, analyte, own["value"].to_numpy())
        draw_days(axes, content, analyte, span=span)
        _draw_lines(axes, own)
        _draw_median(axes, content, analyte)
    panels[-1].set_xlabel("Day from infusion", fontsize=7, color=MUTED, labelpad=2)
    return figure


def _draw_lines(axes: Axes, own: pl.DataFrame) -> None:
    """All patients as one path, with a gap where the next begins."""
    parts: list[NDArray[np.float64]] = []
    rows = own.sort("patient_id", "day")
    starts = np.flatnonzero(np.diff(rows["patient_id"].rle_id().to_numpy())) + 1
    for line in np.split(rows.select("day", "value").cast(pl.Float64).to_numpy(), starts):
        # A single value is a line of no length, whose round ends are a dot.
        parts += [line, line[-1:], np.full((1, 2), np.nan)]
    points = np.concatenate(parts)
    look: dict[str, Any] = {"color": MUTED, "linewidth": 0.5, "alpha": 0.45, "zorder": 2}
    axes.plot(points[:, 0], points[:, 1], solid_capstyle="round", **look)


def _draw_median(axes: Axes, content: ReportContent, analyte: str) -> None:
    lookup = select_results(content.results, TRAJECTORIES)
    days = sorted(lookup.levels(analyte), key=int)
    numbers = [lookup.value(analyte, "median", level=day) for day in days]
    known = [(int(day), one) for day, one in zip(days, numbers, strict=True) if one is not None]
    if known:
        axes.plot(*zip(*known, strict=True), color="white", linewidth=3.4, zorder=3)
        axes.plot(*zip(*known, strict=True), color=INK, linewidth=1.8, zorder=4)


def _write_caption(content: ReportContent, frame: pl.DataFrame) -> str:
    drawn = frame["patient_id"].n_unique()
    everyone = max(content.patients, drawn)
    cut = f" Only {drawn} of {plural(everyone, 'patient')} are drawn, evenly picked; the median is of all."
    return (
        f"{plural(drawn, 'patient')}. Thin line: the values measured in one patient, joined over"
        " the days without a value. Thick line: median of the patients measured on that day. Dashed: limits"
        f" of grades.{cut if drawn < everyone else ''} {day_zero_note(content)}"
    ).rstrip()


def _describe(content: ReportContent, frame: pl.DataFrame) -> str:
    counted = frame.group_by("analyte", maintain_order=True).agg(
        pl.len(), pl.col("patient_id").n_unique().alias("patients")
    )
    return " ".join(
        f"{analyte_title(content, name)}: {plural(values, 'value')} of {plural(patients, 'patient')}."
        for name, values, patients in counted.iter_rows()
    )
