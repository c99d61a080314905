"""Panels of counts by day, one below the other: what every figure of courses has in common."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cytopenia.report.cells import analyte_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_number
from cytopenia.report.drawing import FAINT, FULL_WIDTH, GRID, MUTED, make_canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["LOG_ANALYTES", "add_panels", "draw_days", "set_count_scale", "write_counts"]

LOG_ANALYTES = {"anc", "wbc", "alc", "platelets", "crp", "ferritin", "il6", "ldh"}
LEFT, RIGHT, TOP = 66.0, 36.0, 28.0
LONG_SPAN = 150
# A count of two digits needs so many points.
COUNT_WIDTH = 11.0

Floats = NDArray[np.float64]


def add_panels(panels: int, *, height: float, below: float) -> tuple[Figure, list[Axes]]:
    """Return a figure as wide as the page with panels below each other, and room below each."""
    total = TOP + panels * (height + below)
    figure = make_canvas(total)
    axes: list[Axes] = []
    for place in range(panels):
        bottom = total - TOP - place * (height + below) - height
        box = (LEFT / FULL_WIDTH, bottom / total, (FULL_WIDTH - LEFT - RIGHT) / FULL_WIDTH, height / total)
        axes.append(figure.add_axes(box))
    return figure, axes


def draw_days(axes: Axes, content: ReportContent, analyte: str, *, span: tuple[float, float]) -> None:
    """Draw title, days, and the lines of reference of one panel whose scale is set."""
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    title = clean_text(analyte_title(content, analyte), longest=60)
    axes.set_title(title, loc="left", fontsize=8, fontweight="bold", pad=4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(span[0] - 0.7, span[1] + 0.7)
    axes.xaxis.set_major_locator(MultipleLocator(7 if span[1] - span[0] < LONG_SPAN else 28))
    axes.yaxis.set_major_formatter(FuncFormatter(_format_tick))
    axes.tick_params(labelsize=7, width=0.6, length=3, colors=MUTED)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    if span[0] <= 0 <= span[1]:
        axes.axvline(0, color=FAINT, linewidth=0.8, zorder=1)
    low, high = axes.get_ylim()
    place: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
    for value, text in content.reference_lines.get(analyte, ()):
        if low <= value <= high:
            axes.axhline(value, color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)), zorder=1)
            label = clean_text(text, longest=16)
            axes.annotate(label, (1, value), xytext=(3, 0), fontsize=6, va="center", color=MUTED, **place)


def _format_tick(value: float, _position: int | None) -> str:
    return format_number(float(value))


def set_count_scale(axes: Axes, analyte: str, values: Floats) -> None:
    """Log scale for counts and markers; linear below the smallest decade seen, so that 0 has a place."""
    from matplotlib.ticker import NullLocator, SymmetricalLogLocator

    known = values[np.isfinite(values)]
    top = float(known.max(initial=0.0))
    if analyte not in LOG_ANALYTES or top <= 0:
        least = float(known.min(initial=top))
        room = max((top - least) * 0.08, top * 0.02, 1e-6)
        axes.set_ylim(max(0.0, least - room), top + room)
        return
    smallest = float(known[known > 0].min())
    decade = 10.0 ** np.floor(np.log10(smallest))
    axes.set_yscale("symlog", linthresh=decade, linscale=0.4)
    axes.set_ylim(0 if known.min() <= 0 else smallest / 1.4, top * 1.4)
    powers = np.log10(top / decade)
    subs = [1, 2, 5] if powers < 3 else [1]
    axes.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=decade, subs=subs))
    axes.yaxis.set_minor_locator(NullLocator())


def write_counts(
    axes: Axes, rows: Mapping[str, Mapping[int, float]], colors: Sequence[str], *, title: str
) -> None:
    """Write numbers below a panel, a row each, under every k-th day from day 0 so that none touch."""
    low, high = axes.get_xlim()
    step = int(np.ceil(COUNT_WIDTH * (high - low) / axes.bbox.width))
    frame: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False, "fontsize": 6}
    where = {"xycoords": axes.get_xaxis_transform(), "va": "center"}
    axes.annotate(title, (low, 0), xytext=(-4, -8), ha="right", color=MUTED, **where, **frame)
    for place, ((name, counts), color) in enumerate(zip(rows.items(), colors, strict=True)):
        below = -21 - 9 * place
        label = clean_text(name, longest=16)
        axes.annotate(label, (low, 0), xytext=(-4, below), ha="right", color=color, **where, **frame)
        for day, count in counts.items():
            if day % step == 0:
                text = format_number(float(count))
                axes.annotate(text, (day, 0), xytext=(0, below), ha="center", color=color, **where, **frame)
