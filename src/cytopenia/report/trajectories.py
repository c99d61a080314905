"""Median and quartiles of the counts by day, with the number of patients behind every point."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cytopenia.report.cells import analyte_title, day_zero_note
from cytopenia.report.content import ReportContent
from cytopenia.report.course_panels import draw_days, set_count_scale
from cytopenia.report.display import format_number, plural
from cytopenia.report.drawing import (
    FULL_WIDTH,
    INK,
    LINE,
    MUTED,
    ReportFigure,
    drawing,
    finish_figure,
    make_canvas,
)
from cytopenia.report.lookup import ResultLookup, select_results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["TRAJECTORIES", "plot_trajectories"]

TRAJECTORIES = "trajectories"
WIDTH = FULL_WIDTH
PANEL_HEIGHT, STRIP_HEIGHT, TOP, LEFT, RIGHT = 100.0, 58.0, 20.0, 46.0, 36.0
MOST_NUMBERS = 34
HALF = 0.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """Numbers of one analyte by day; NaN where the results have none."""

    analyte: str
    days: Floats
    median: Floats
    q1: Floats
    q3: Floats
    observed: Floats
    at_risk: Floats


def plot_trajectories(content: ReportContent, *, analysis_id: str = TRAJECTORIES) -> ReportFigure | None:
    """Return the trajectories of every analyte in the results, one panel each; None without any.

    Line: median of the patients measured that day. Band: quartiles. Below each panel stands how many
    were measured and how many were at risk. An open marker: fewer than half of those at risk were measured.
    """
    lookup = select_results(content.results, analysis_id)
    courses = [_read_course(lookup, name) for name in lookup.variables]
    courses = [course for course in courses if np.isfinite(course.median).any()]
    if not courses:
        return None
    title = "Blood counts by day: median and quartiles"
    with drawing(TRAJECTORIES):
        figure = _draw(content, courses)
        finished = finish_figure(
            figure,
            TRAJECTORIES,
            title=title,
            caption=_caption(content, courses),
            description=" ".join(_describe(content, course) for course in courses),
            synthetic=content.synthetic,
        )
    return finished.with_data(_list_data(courses))


def _read_course(lookup: ResultLookup, name: str) -> Course:
    levels = sorted(lookup.levels(name), key=int)
    numbers = [
        [lookup.value(name, estimate, level=level) for level in levels]
        for estimate in ("median", "q1", "q3", "n_observed", "n_at_risk")
    ]
    days = np.array(levels, dtype=np.float64)
    return Course(name, days, *(np.array(part, dtype=np.float64) for part in numbers))


def _list_data(courses: Sequence[Course]) -> Iterator[dict[str, Any]]:
    for course in courses:
        for place, day in enumerate(course.days):
            numbers = {
                "median": course.median,
                "q1": course.q1,
                "q3": course.q3,
                "measured": course.observed,
                "at_risk": course.at_risk,
            }
            known = {name: float(part[place]) for name, part in numbers.items()}
            shown = {name: one if np.isfinite(one) else None for name, one in known.items()}
            yield {"analyte": course.analyte, "day": int(day), **shown}


def _caption(content: ReportContent, courses: Sequence[Course]) -> str:
    most = max(float(np.nanmax(course.at_risk, initial=0)) for course in courses)
    patients = f" of up to {plural(most, 'patient')} at risk" if most else ""
    return (
        f"Median (line) and quartiles (band) of the values measured on each day{patients}. "
        "Below each panel: number measured, and number at risk, on that day. "
        "Open circle, thin line: fewer than half of those at risk were measured; perhaps the sicker ones. "
        f"{day_zero_note(content)}"
    ).rstrip()


def _draw(content: ReportContent, courses: Sequence[Course]) -> Figure:
    height = TOP + len(courses) * (PANEL_HEIGHT + STRIP_HEIGHT)
    figure = make_canvas(height)
    ends = [float(end) for course in courses for end in (course.days.min(), course.days.max())]
    for place, course in enumerate(courses):
        bottom = height - TOP - place * (PANEL_HEIGHT + STRIP_HEIGHT) - PANEL_HEIGHT
        box = (LEFT / WIDTH, bottom / height, (WIDTH - LEFT - RIGHT) / WIDTH, PANEL_HEIGHT / height)
        axes = figure.add_axes(box)
        set_count_scale(axes, course.analyte, np.concatenate([course.median, course.q1, course.q3]))
        draw_days(axes, content, course.analyte, span=(min(ends), max(ends)))
        _draw_course(axes, course)
        _draw_strip(axes, course, span=(min(ends), max(ends)))
    return figure


def _draw_course(axes: Axes, course: Course) -> None:
    seen = np.isfinite(course.median)
    days, median = course.days[seen], course.median[seen]
    band: dict[str, Any] = {"color": LINE, "alpha": 0.18, "linewidth": 0}
    axes.fill_between(days, course.q1[seen], course.q3[seen], **band)
    few = course.observed[seen] < HALF * course.at_risk[seen]
    axes.plot(days, median, color=LINE, linewidth=0.8, alpha=0.45, zorder=3)
    axes.plot(days, np.where(few, np.nan, median), color=LINE, linewidth=1.4, zorder=3)
    marker: dict[str, Any] = {"marker": "o", "linestyle": "", "color": LINE, "markersize": 3.2, "zorder": 4}
    axes.plot(days[~few], median[~few], **marker)
    axes.plot(days[few], median[few], **marker, markerfacecolor="white", markeredgewidth=0.8)


def _draw_strip(axes: Axes, course: Course, *, span: tuple[float, float]) -> None:
    """Print the numbers below the panel; of many days only every k-th, counted from day 0."""
    step = int(np.ceil((span[1] - span[0] + 1) / MOST_NUMBERS))
    axes.text(
        -0.012, -0.08, "Day", transform=axes.transAxes, ha="right", va="center", fontsize=6, color=MUTED
    )
    rows = (("Measured", course.observed, INK, -0.21), ("At risk", course.at_risk, MUTED, -0.29))
    for name, numbers, color, height in rows:
        where: dict[str, Any] = {"fontsize": 6, "va": "center", "color": color, "clip_on": False}
        axes.text(-0.012, height, name, transform=axes.transAxes, ha="right", **where)
        for day, number in zip(course.days, numbers, strict=True):
            if day % step == 0 and np.isfinite(number):
                place = axes.get_xaxis_transform()
                axes.text(day, height, format_number(float(number)), transform=place, ha="center", **where)


def _describe(content: ReportContent, course: Course) -> str:
    known = np.flatnonzero(np.isfinite(course.median))
    places = (known[0], int(np.nanargmin(course.median)), known[-1])
    first, lowest, last = (
        f"{format_number(float(course.median[at]))} on day {format_number(float(course.days[at]))}"
        for at in places
    )
    return f"{analyte_title(content, course.analyte)}: median {first}, lowest {lowest}, {last}."
