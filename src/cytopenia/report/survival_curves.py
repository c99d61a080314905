"""Kaplan-Meier curves with who is at risk, and how many have died, under the marks of the axis."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    NO_VALUE,
    clean_text,
    format_number,
    format_p,
    format_percent,
    format_signs,
    plural,
)
from cytopenia.report.drawing import (
    FULL_WIDTH,
    GRID,
    MUTED,
    ReportFigure,
    drawing,
    fill_limits,
    finish_figure,
    make_canvas,
)
from cytopenia.report.lookup import ResultLookup, select_results
from cytopenia.report.survival_cells import GROUP_LOOKS, SurvivalNumbers, read_survival

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "GroupCurve",
    "draw_counts",
    "draw_frame",
    "lay_out_figure",
    "list_curves",
    "plot_survival",
    "survival_figure_id",
]

WIDTH, INNER_HEIGHT = FULL_WIDTH, 190.0
LEFT, RIGHT, TOP, AXIS, LINE_HEIGHT = 100.0, 22.0, 18.0, 46.0, 12.0
# With more groups than that, bands would hide each other.
# Curves that stay above it leave room for words below them.
MIDDLE = 0.5
MOST_BANDS = 2
LONGEST_NAME = 22


@dataclass(frozen=True)
class GroupCurve:
    """One curve as it is drawn, from each day on, and what stands below it.

    `low` and `high` are None where there is no interval; `counts` are at risk and events at each mark of
    the axis.
    """

    name: str
    color: str
    dashes: Any
    days: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    censored: tuple[float, ...]
    counts: tuple[tuple[float | None, float | None], ...]


def survival_figure_id(analysis_id: str) -> str:
    """Return the id of the figure of an analysis; it holds nothing that an HTML or SVG id may not hold.

    Examples
    --------
    >>> survival_figure_id("overall_survival")
    'survival-overall_survival'
    """
    return "survival-" + "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in analysis_id)


def plot_survival(content: ReportContent, analysis_id: str) -> ReportFigure | None:
    """Return the curves of the groups, or of all patients without any; None without anybody.

    Lines with bands: survival with its interval; ticks: follow-up ended. Below: who is at risk at each mark,
    and in brackets how many have died by then.
    """
    found = read_survival(content, analysis_id)
    steps = select_results(content.results, analysis_id, group="curve")
    at_risk = select_results(content.results, analysis_id, group="at_risk")
    marks = [int(level) for level in at_risk.all_levels]
    names = found.groups or ("",)
    looks = [GROUP_LOOKS[place % len(GROUP_LOOKS)] for place in range(len(names))]
    curves = [_read_curve(found, steps, at_risk, name, look) for name, look in zip(names, looks, strict=True)]
    if not any(len(curve.days) > 1 for curve in curves):
        return None
    figure_id = survival_figure_id(analysis_id)
    named = f" by {found.by_title(content)}" if found.groups else ""
    title = f"{found.title}{named}"
    with drawing(figure_id):
        finished = finish_figure(
            _draw(found, curves, marks),
            figure_id,
            title=title,
            caption=_write_caption(found),
            description=_describe(found),
            synthetic=content.synthetic,
        )
    return finished.with_data(list_curves(curves, marks, "survival"))


def _read_curve(
    found: SurvivalNumbers, steps: ResultLookup, at_risk: ResultLookup, name: str, look: tuple[str, Any]
) -> GroupCurve:
    """The steps of one group, which begin at 1 on day 0."""
    own = {
        float(level): one
        for (stratum, _, level, _, estimate), one in steps.estimates.items()
        if stratum == name and estimate == "survival" and one.value is not None
    }
    censored = [
        float(level)
        for (stratum, _, level, _, estimate), _ in steps.estimates.items()
        if stratum == name and estimate == "censored"
    ]
    values = [one.value or 0.0 for one in own.values()]
    counts = [
        tuple(
            at_risk.value(found.endpoint, kind, level=level, stratum=name) for kind in ("at_risk", "events")
        )
        for level in at_risk.all_levels
    ]
    return GroupCurve(
        name=format_signs(clean_text(name, longest=LONGEST_NAME)) or "All patients",
        color=look[0],
        dashes=look[1],
        days=(0.0, *own),
        values=(1.0, *values),
        low=(1.0, *(one.low for one in own.values())),
        high=(1.0, *(one.high for one in own.values())),
        censored=tuple(censored),
        counts=tuple((one[0], one[1]) for one in counts),
    )


def list_curves(curves: Sequence[GroupCurve], marks: Sequence[float], value: str) -> Iterator[dict[str, Any]]:
    """Yield what curves of groups show as the data of a figure: steps, ends of follow-up, counts below."""
    for curve in curves:
        for day, height, low, high in zip(curve.days, curve.values, curve.low, curve.high, strict=True):
            numbers = {"day": day, value: height, "low": low, "high": high}
            yield {"group": curve.name, "mark": "step", **numbers}
        for day in curve.censored:
            yield {"group": curve.name, "mark": "censored", "day": day}
        for day, (at_risk, events) in zip(marks, curve.counts, strict=True):
            yield {"group": curve.name, "mark": "counts", "day": day, "at_risk": at_risk, "events": events}


def lay_out_figure(rows: int) -> tuple[Figure, Axes]:
    """Return a figure with axes and room for so many rows of counts below."""
    below = AXIS + rows * LINE_HEIGHT
    height = TOP + INNER_HEIGHT + below
    figure = make_canvas(height)
    axes = figure.add_axes(
        (LEFT / WIDTH, below / height, (WIDTH - LEFT - RIGHT) / WIDTH, INNER_HEIGHT / height)
    )
    return figure, axes


def draw_frame(axes: Axes, marks: Sequence[float], last: float, *, labels: tuple[str, str]) -> None:
    """Draw the axes: percent against days, with the marks under which counts stand."""
    axes.set(xlim=(0, max(last, 1.0)), ylim=(0, 1))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    axes.set_xticks(list(marks))
    axes.tick_params(labelsize=7, width=0.6, length=3, colors=MUTED)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    label: dict[str, Any] = {"fontsize": 7.5, "color": MUTED, "labelpad": 4}
    axes.set_xlabel(labels[0], **label)
    axes.set_ylabel(labels[1], **label)


def draw_counts(axes: Axes, curves: Sequence[GroupCurve], marks: Sequence[float], *, title: str) -> None:
    """Write who is at risk, and in brackets the events so far, under each mark."""
    frame: dict[str, Any] = {
        "textcoords": "offset points",
        "annotation_clip": False,
        "fontsize": 7,
        "va": "top",
    }
    axes.annotate(title, (0, 0), xytext=(-LEFT + 6, -32), ha="left", color=MUTED, **frame)
    for place, curve in enumerate(curves):
        below = -32 - (place + 1) * LINE_HEIGHT
        axes.annotate(
            curve.name,
            (0, 0),
            xytext=(-LEFT + 6, below),
            ha="left",
            color=curve.color,
            fontweight="bold",
            **frame,
        )
        for mark, (at_risk, events) in zip(marks, curve.counts, strict=True):
            text = f"{format_number(at_risk)} ({format_number(events)})"
            axes.annotate(text, (mark, 0), xytext=(0, below), ha="center", color=MUTED, **frame)


def _draw(found: SurvivalNumbers, curves: Sequence[GroupCurve], marks: Sequence[int]) -> Figure:
    figure, axes = lay_out_figure(len(curves) + 1)
    last = max(curve.days[-1] for curve in curves)
    draw_frame(axes, marks, last, labels=(f"Days from {found.since}", f"{found.title}, %"))
    for curve in curves:
        if len(curves) <= MOST_BANDS:
            band: dict[str, Any] = {"color": curve.color, "alpha": 0.12, "linewidth": 0}
            low, high = (fill_limits(curve.values, limits) for limits in (curve.low, curve.high))
            axes.fill_between(curve.days, low, high, step="post", **band)
        look: dict[str, Any] = {"color": curve.color, "linewidth": 1.5, "linestyle": curve.dashes}
        axes.step(curve.days, curve.values, where="post", clip_on=False, zorder=3, label=curve.name, **look)
        heights = [curve.values[curve.days.index(day)] for day in curve.censored]
        ticks: dict[str, Any] = {"color": curve.color, "markersize": 4, "markeredgewidth": 0.8}
        axes.plot(curve.censored, heights, "|", clip_on=False, zorder=4, **ticks)
    if found.groups:
        legend: dict[str, Any] = {"fontsize": 7.5, "frameon": False, "labelcolor": "linecolor"}
        axes.legend(loc="lower left", handlelength=2.6, **legend)
        _write_test(axes, found, curves)
    draw_counts(axes, curves, marks, title="At risk (deaths)")
    return figure


def _write_test(axes: Axes, found: SurvivalNumbers, curves: Sequence[GroupCurve]) -> None:
    p_value = found.tests.get(found.by, "p_value")
    if p_value is None or p_value.value is None:
        return
    shown = format_p(p_value.value)
    text = f"Log-rank P {shown[0]} {shown[1:]}" if shown[0] in "<>" else f"Log-rank P = {shown}"
    top = 0 if min(curve.values[-1] for curve in curves) > MIDDLE else 1
    look: dict[str, Any] = {"fontsize": 7.5, "color": MUTED, "ha": "right", "va": "top" if top else "bottom"}
    place = {"xycoords": "axes fraction", "xytext": (-4, -2 if top else 6), "textcoords": "offset points"}
    axes.annotate(text, (1, top), **place, **look)


def _write_caption(found: SurvivalNumbers) -> str:
    size = found.patients.value(found.endpoint, "count", level="analyzed")
    deaths = found.patients.value(found.endpoint, "count", level="deaths")
    who = "" if size is None else f"{plural(size, 'patient')}, {plural(deaths or 0, 'death')}. "
    unknown = found.patients.value(found.endpoint, "count", level="in no group")
    left = f" In no group, because it is not known: {plural(unknown, 'patient')}." if unknown else ""
    landmark = found.analysis.get("landmark")
    gone = "who had died or was no longer followed by then is not in the curves"
    begins = f" Time begins on day {landmark}; {gone}." if landmark else ""
    bands = " with 95% confidence bands (log-log)" if len(found.groups) <= MOST_BANDS else ""
    return (
        f"{who}Kaplan-Meier estimates{bands}; ticks: follow-up ended.{begins}"
        f"{left} Below: patients at risk, in brackets the deaths up to the day."
    )


def _describe(found: SurvivalNumbers) -> str:
    parts: list[str] = []
    for name in found.groups or ("",):
        shares = [
            found.times.value(found.endpoint, "survival", level=level, stratum=name)
            for level in found.times.all_levels
        ]
        words = [
            f"day {level} {NO_VALUE if share is None else format_percent(100 * share)}"
            for level, share in zip(found.times.all_levels, shares, strict=True)
        ]
        parts.append(f"{clean_text(name) or 'All patients'}: {', '.join(words)}.")
    return " ".join(parts)
