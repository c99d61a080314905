"""The three counts of one patient on one axis of days, small enough for a page that holds everything."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cytopenia.grading.explain import AnalyteSeries
from cytopenia.grading.patient_page import PatientPage
from cytopenia.report.course_panels import LOG_ANALYTES
from cytopenia.report.display import clean_text
from cytopenia.report.drawing import INK, MUTED, ReportFigure, drawing, finish_figure
from cytopenia.report.patient_lanes import draw_lanes, draw_over, list_lanes
from cytopenia.report.patient_timeline import (
    POINTS,
    WIDTH,
    describe_series,
    draw_cuts,
    draw_days,
    draw_key,
    find_limits,
    lay_scale,
    place_key,
)
from cytopenia.units import show_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_counts"]

_NAME = "counts"
_LONGEST_ID = 40
_LEFT, _RIGHT = 66.0, 96.0
_HEIGHT, _KEY, _TITLE, _LANE, _FOOT = 236.0, 16.0, 13.0, 10.0, 22.0
# Where a value below a cut of a grade lies, the ground is darker; below two cuts, darker still.
_BAND = 0.055


def plot_counts(page: PatientPage) -> ReportFigure:
    """Return neutrophils, hemoglobin and platelets by day, with grades as bands and support below.

    The marks are those of the timeline.
    """
    patient = clean_text(page.explained.patient_id, longest=_LONGEST_ID)
    title = f"Patient {patient}: blood counts by day, with support"
    with drawing(_NAME):
        return finish_figure(
            _draw(page),
            _NAME,
            title=title,
            caption="",
            description=" ".join(describe_series(series) for series in page.panels),
            synthetic=False,
        )


def _draw(page: PatientPage) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / POINTS, _HEIGHT / POINTS), dpi=POINTS)
    lanes = list(list_lanes(page.explained))
    below = _LANE * max(len(lanes), 2)
    height = (_HEIGHT - _KEY - below - _FOOT - 4) / len(page.panels) - _TITLE
    span = _find_span(page.panels, page.explained.lymphodepletion_day)
    draw_key(place_key(figure, height=_KEY))
    top = _KEY
    for series in page.panels:
        axes = _add_axes(figure, span, top=top + _TITLE, height=height)
        _draw_panel(axes, series, height)
        draw_over(axes, page.explained, span)
        top += _TITLE + height
    axes = _add_axes(figure, span, top=top + 4, height=below)
    draw_lanes(axes, lanes, page.explained, span=span)
    return figure


def _find_span(panels: Sequence[AnalyteSeries], start: int | None) -> tuple[int, int]:
    days = [day.day for series in panels for day in series.days]
    return min(days if start is None else [*days, start]), max(days)


def _add_axes(figure: Figure, span: tuple[int, int], *, top: float, height: float) -> Axes:
    """Axes over the days, `height` points high and `top` points from above."""
    box = (_LEFT / WIDTH, 1 - (top + height) / _HEIGHT, (WIDTH - _LEFT - _RIGHT) / WIDTH, height / _HEIGHT)
    axes = figure.add_axes(box)
    axes.set_xlim(span[0] - 0.7, span[1] + 0.7)
    return axes


def _draw_panel(axes: Axes, series: AnalyteSeries, height: float) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high = find_limits(series)
    lay_scale(axes, series, (low, high), height=height, letter=7.5)
    if series.analyte not in LOG_ANALYTES:
        axes.yaxis.set_major_locator(MaxNLocator(4))
    named = f"{clean_text(series.title, longest=60)} ({show_unit(series.unit)})"
    axes.set_title(named, loc="left", fontsize=8.5, pad=2)
    for cut in series.cuts:
        if cut.label.startswith("grade"):
            axes.axhspan(low, cut.value, facecolor=INK, alpha=_BAND, linewidth=0, zorder=0.3)
    draw_cuts(axes, series.cuts, height=height, size=7)
    if not series.cuts and all(day.measurement is None for day in series.days):
        axes.set_yticks([])
        axes.text(0.01, 0.5, "no value", transform=axes.transAxes, fontsize=7.5, va="center", color=MUTED)
    draw_days(axes, series, (low, high))
