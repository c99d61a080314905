"""The timeline of one patient: counts by day with their cuts, and below them support and toxicity."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cytopenia.grading.explain import AnalyteSeries, CutLine, PatientExplanation, SeriesDay
from cytopenia.report.course_panels import LOG_ANALYTES
from cytopenia.report.display import clean_text, format_number
from cytopenia.report.drawing import FAINT, GRID, LINE, MUTED, ReportFigure, drawing, finish_figure
from cytopenia.report.patient_lanes import LONG_SPAN, OVER, draw_lanes, draw_over, list_lanes
from cytopenia.units import show_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "POINTS",
    "WIDTH",
    "describe_series",
    "draw_cuts",
    "draw_days",
    "draw_key",
    "find_limits",
    "format_tick",
    "lay_scale",
    "list_ticks",
    "place_key",
    "plot_timeline",
    "spread_labels",
]

TIMELINE = "timeline"
POINTS = 72.0
WIDTH, LEFT, RIGHT, TOP, BOTTOM = 620.0, 92.0, 108.0, 52.0, 26.0
PANEL, TITLE, WINDOW, LANE = 112.0, 18.0, 11.0, 14.0
LABEL_APART = 7.5
KEY_LETTER, WINDOW_LETTER = 3.5, 3.2
MOST_WINDOWS = 8
SHADE = "#eef1f4"


@dataclass(frozen=True)
class _Page:
    """The figure and where the next thing goes, in points from the top."""

    figure: Figure
    height: float
    span: tuple[int, int]

    def axes(self, top: float, height: float) -> Axes:
        """Axes over the days, `height` points high."""
        box = (LEFT / WIDTH, 1 - (top + height) / self.height, (WIDTH - LEFT - RIGHT) / WIDTH)
        axes = self.figure.add_axes((*box, height / self.height))
        axes.set_xlim(self.span[0] - 0.7, self.span[1] + 0.7)
        return axes


def plot_timeline(explained: PatientExplanation) -> ReportFigure:
    """Return the timeline of a patient.

    Filled circle: measured. Triangle: reported as a limit, or bounded by white cells. Cross: in the file, not
    judged. Open circle: not measured, the value that a definition takes. Bar: not measured, between the
    values that its neighbors allow. Hatched: not measured and far from any measurement. Gray: after death or
    a second infusion.
    """
    title = f"Patient {explained.patient_id}: counts by day"
    name = TIMELINE
    with drawing(name):
        figure = _draw(explained, title)
        return finish_figure(
            figure,
            name,
            title=title,
            caption="",
            description=" ".join(describe_series(series) for series in explained.series) or "No counts.",
            synthetic=explained.synthetic,
        )


def _draw(explained: PatientExplanation, title: str) -> Figure:
    from matplotlib.figure import Figure

    lanes = list(list_lanes(explained))
    windows = [_list_windows(series) for series in explained.series]
    panels = [TITLE + PANEL + WINDOW * len(one) for one in windows]
    height = TOP + sum(panels) + 8 + LANE * max(len(lanes), 1) + BOTTOM
    figure = Figure(figsize=(WIDTH / POINTS, height / POINTS), dpi=POINTS)
    page = _Page(figure, height, _find_span(explained))
    figure.text(
        8 / WIDTH, 1 - 8 / height, clean_text(title, longest=70), va="top", fontsize=9.5, fontweight="bold"
    )
    draw_key(page.axes(24, 16))
    top = TOP
    for series, own, size in zip(explained.series, windows, panels, strict=True):
        axes = page.axes(top + TITLE, PANEL)
        _draw_panel(axes, series)
        draw_over(axes, explained, page.span)
        _draw_windows(page.axes(top + TITLE + PANEL, WINDOW * len(own)), own) if own else None
        top += size
    draw_lanes(page.axes(top + 8, LANE * max(len(lanes), 1)), lanes, explained, span=page.span)
    return figure


def _find_span(explained: PatientExplanation) -> tuple[int, int]:
    days = [day.day for series in explained.series for day in series.days] or [0, 1]
    start = explained.lymphodepletion_day
    return min(days if start is None else [*days, start]), max(days)


def _draw_panel(axes: Axes, series: AnalyteSeries) -> None:
    limits = find_limits(series)
    lay_scale(axes, series, limits, height=PANEL, letter=6.5)
    unit = show_unit(series.unit)
    axes.set_title(f"{clean_text(series.title, longest=60)} ({unit})", loc="left", fontsize=8, pad=3)
    draw_cuts(axes, series.cuts)
    draw_days(axes, series, limits)


def lay_scale(
    axes: Axes, series: AnalyteSeries, limits: tuple[float, float], *, height: float, letter: float
) -> None:
    """Set the scale, the ticks and the grid of the counts of one analyte, and the line of day 0.

    `height` is that of the panel in points, `letter` the size of the numbers at the ticks.
    """
    from matplotlib.ticker import FuncFormatter, MultipleLocator, NullLocator

    low, high = limits
    is_log = series.analyte in LOG_ANALYTES
    axes.set_yscale("log" if is_log else "linear")
    axes.set_ylim(low, high)
    if is_log:
        axes.set_yticks(list_ticks(low, high, height))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(format_tick))
    first, last = axes.get_xlim()
    axes.xaxis.set_major_locator(MultipleLocator(7 if last - first < LONG_SPAN else 28))
    axes.tick_params(labelsize=letter, width=0.6, length=2.5, colors=MUTED)
    axes.tick_params(axis="x", labelbottom=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    if first <= 0 <= last:
        axes.axvline(0, color=FAINT, linewidth=0.8, zorder=1)


def format_tick(value: float, _position: int | None) -> str:
    """Return the number at a tick."""
    return format_number(float(value))


def find_limits(series: AnalyteSeries) -> tuple[float, float]:
    """Return limits with room for every value, filled day and cut; a value of 0 stands on the lower edge."""
    values = [day.measurement.value for day in series.days if day.measurement is not None]
    values += [day.filled for day in series.days if day.filled is not None]
    values += [cut.value for cut in series.cuts]
    values += [end for day in series.days if day.state == "short_gap" for end in (day.low, day.high) if end]
    if series.analyte not in LOG_ANALYTES:
        low, high = min(values, default=0.0), max(values, default=1.0)
        room = (high - low) * 0.08 or 1.0
        return max(low - room, 0.0), high + room
    positive = [value for value in values if value > 0] or [1.0]
    return min(positive) / 1.5, max(positive) * 1.4


def list_ticks(low: float, high: float, height: float) -> list[float]:
    """Return 1, 2 and 5 of every decade; 1 alone where that would be too many for the height in points."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) * 12 <= height or steps == (1,):
            return inside
    return []


def draw_cuts(axes: Axes, cuts: Sequence[CutLine], *, height: float = PANEL, size: float = 6) -> None:
    """Draw each cut as a line, its words in the margin, moved apart where they would overlap."""
    ordered = sorted(cuts, key=lambda cut: cut.value)
    bottom, top = (float(end) for end in axes.get_ylim())
    scale = math.log10 if axes.get_yscale() == "log" else float
    places = [(scale(cut.value) - scale(bottom)) / (scale(top) - scale(bottom)) * height for cut in ordered]
    for cut, place in zip(ordered, spread_labels(places, height), strict=True):
        axes.axhline(cut.value, color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)), zorder=1.5)
        text = f"{format_number(cut.value)}  {clean_text(cut.label, longest=26)}"
        look: dict[str, Any] = {"fontsize": size, "va": "center", "color": MUTED, "clip_on": False}
        axes.text(1.012, place / height, text, transform=axes.transAxes, **look)


def spread_labels(places: Sequence[float], height: float, apart: float = LABEL_APART) -> list[float]:
    """Return places in rising order moved up until neighbors are far enough apart, then down as needed."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + apart) if moved else place)
    excess = max(moved[-1] - height, 0.0) if moved else 0.0
    for at in range(len(moved) - 1, -1, -1):
        limit = moved[at + 1] - apart if at + 1 < len(moved) else height
        moved[at] = min(moved[at], limit) if excess else moved[at]
    return moved


def draw_days(axes: Axes, series: AnalyteSeries, limits: tuple[float, float]) -> None:
    """Draw each day by its state, and the values that were not judged."""
    low, high = limits
    known = [day for day in series.days if day.state == "measured" and day.measurement is not None]
    line = [(day.day, max(day.measurement.value, low)) for day in known if day.measurement is not None]
    if line:
        axes.plot(*zip(*line, strict=True), color=LINE, linewidth=0.7, alpha=0.45, zorder=2)
    for day in series.days:
        _draw_day(axes, day, low, high)
    dropped: dict[str, Any] = {"marker": "x", "linestyle": "", "color": MUTED, "markersize": 4, "zorder": 4}
    for item in series.left_out:
        if item.value is not None:
            axes.plot([item.day], [min(max(item.value, low), high)], markeredgewidth=1.0, **dropped)


def _draw_day(axes: Axes, day: SeriesDay, low: float, high: float) -> None:
    mark: dict[str, Any] = {"linestyle": "", "color": LINE, "markersize": 3.4, "zorder": 4, "clip_on": False}
    item = day.measurement
    if day.state == "open":
        _hatch(axes, day.day)
    if day.state in ("short_gap", "wbc_bound") and day.low is not None:
        ends = [max(day.low, low), high if day.high is None else min(day.high, high)]
        axes.plot(
            [day.day, day.day], ends, color=LINE, linewidth=2.6, alpha=0.28, zorder=2, solid_capstyle="butt"
        )
    if day.state == "measured" and item is not None:
        shapes = {"<": "v", "<=": "v", ">": "^", ">=": "^"}
        shape = "v" if item.value < low else shapes.get(item.comparator, "o")
        axes.plot([day.day], [max(item.value, low)], marker=shape, **mark)
    elif day.state == "wbc_bound" and item is not None:
        axes.plot(
            [day.day],
            [max(item.value, low)],
            marker="v",
            markerfacecolor="white",
            markeredgewidth=0.8,
            **mark,
        )
    if day.filled is not None and day.state != "measured":
        place = [max(day.filled, low)]
        axes.plot([day.day], place, marker="o", markerfacecolor="white", markeredgewidth=0.8, **mark)


def _hatch(axes: Axes, day: float) -> None:
    look: dict[str, Any] = {
        "facecolor": SHADE,
        "edgecolor": FAINT,
        "linewidth": 0,
        "hatch": "////",
        "zorder": 0.5,
    }
    axes.axvspan(day - 0.5, day + 0.5, **look)


def _list_windows(series: AnalyteSeries) -> list[tuple[str, int, int]]:
    """Each span of days once, with the outcomes that look at it."""
    found: dict[tuple[int, int], list[str]] = {}
    for title, first, last in series.windows:
        found.setdefault((first, last), []).append(title)
    return [("; ".join(titles), *days) for days, titles in found.items()][:MOST_WINDOWS]


def _draw_windows(axes: Axes, windows: Sequence[tuple[str, int, int]]) -> None:
    axes.set_ylim(len(windows), 0)
    axes.axis("off")
    for place, (titles, first, last) in enumerate(windows):
        axes.plot(
            [first - 0.4, first - 0.4, last + 0.4, last + 0.4],
            [place + 0.25, place + 0.6, place + 0.6, place + 0.25],
            color=MUTED,
            linewidth=0.7,
            clip_on=False,
        )
        text = clean_text(titles, longest=88)
        look: dict[str, Any] = {"fontsize": 5.8, "va": "center", "color": MUTED}
        left, right = axes.get_xlim()
        if (last - first) / (right - left) * (WIDTH - LEFT - RIGHT) > WINDOW_LETTER * len(text):
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
            axes.text((first + last) / 2, place + 0.6, text, ha="center", bbox=box, **look)
        else:
            at_left = first - left > right - last
            edge = first - 0.8 if at_left else last + 0.8
            axes.text(edge, place + 0.6, text, ha="right" if at_left else "left", **look)


def place_key(figure: Figure, *, height: float) -> Axes:
    """Return the axes of the key, at the top of a figure of the width of a timeline."""
    part = height / (figure.get_size_inches()[1] * POINTS)
    return figure.add_axes((LEFT / WIDTH, 1 - part, (WIDTH - LEFT - RIGHT) / WIDTH, part))


def draw_key(axes: Axes) -> None:
    """Draw what the marks mean, in one line."""
    from matplotlib.patches import Rectangle

    axes.set(xlim=(0, WIDTH - LEFT - RIGHT), ylim=(16, 0))
    axes.axis("off")
    mark: dict[str, Any] = {"linestyle": "", "markersize": 3.6, "clip_on": False}
    solid: dict[str, Any] = {"color": LINE}
    hollow: dict[str, Any] = {**solid, "markerfacecolor": "white", "markeredgewidth": 0.8}
    hatched: dict[str, Any] = {"facecolor": SHADE, "edgecolor": FAINT, "hatch": "////"}
    bar: dict[str, Any] = {"facecolor": LINE, "edgecolor": "none", "alpha": 0.28}
    left = -LEFT + 12
    marks: tuple[tuple[str | float, str, dict[str, Any]], ...] = (
        ("o", "measured", solid),
        ("v", "limit, or 0", solid),
        ("x", "not judged", {"color": MUTED}),
        ("v", "white cells only", hollow),
        ("o", "filled by a definition", hollow),
        (3.0, "plausible, near neighbors", bar),
        (8.0, "open", hatched),
        (8.0, "over", {"facecolor": OVER, "edgecolor": "none"}),
    )
    for shape, label, look in marks:
        if isinstance(shape, str):
            axes.plot([left], [8], marker=shape, **mark, **look)
        else:
            axes.add_patch(Rectangle((left - shape / 2, 3), shape, 10, linewidth=0, clip_on=False, **look))
        axes.text(left + 6, 8, label, fontsize=6.5, va="center")
        left += 18 + KEY_LETTER * len(label)


def describe_series(series: AnalyteSeries) -> str:
    """Return in words how many days are measured, bounded and open."""
    states = {
        "measured": "measured",
        "wbc_bound": "bounded by white cells",
        "short_gap": "between near measurements",
        "open": "open",
    }
    counts = [
        f"{count} {word}"
        for state, word in states.items()
        if (count := sum(day.state == state for day in series.days))
    ]
    return f"{clean_text(series.title)}: {', '.join(counts) or 'no day at risk'}."
