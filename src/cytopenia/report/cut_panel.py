"""How sure each cut-off is: where resamples put it, under the Youden index of every cut-off."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_cut, format_number, format_range, plural
from cytopenia.report.drawing import (
    FAINT,
    FULL_WIDTH,
    GRID,
    INK,
    LINE,
    MUTED,
    ReportFigure,
    drawing,
    finish_figure,
    make_canvas,
)
from cytopenia.report.lookup import ResultLookup, select_results
from cytopenia.report.roc_panel import roc_figure_id

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["cut_figure_id", "plot_cut_panel"]

MOST_ABREAST = 3
HIGH, GAP, LEFT, RIGHT, TOP, TITLE, BELOW = 90.0, 28.0, 36.0, 8.0, 14.0, 38.0, 36.0
WIDE = (FULL_WIDTH - LEFT - RIGHT - (MOST_ABREAST - 1) * GAP) / MOST_ABREAST
TITLE_SIGNS = 26
# The bars stand in the lower part of a panel, so that the curve above them stays free.
SHARE_OF_BARS = 0.45
BARS = 30
# Positive values over so many powers of ten are read on a logarithmic scale.
POWERS_FOR_LOG = 1.5
MOST_TICKS = 5
BAR_FILL, BAND_FILL = "#c9d6e3", "#eef2f6"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CutPanel:
    """One factor: its Youden index at every threshold, and the cut-offs of the resamples.

    `ends` are the limits of the interval of the cut-off.
    """

    title: str
    thresholds: Floats
    youden: Floats
    cuts: Floats
    times: Floats
    cut: float
    label: str
    ends: tuple[float, float]

    @property
    def is_logarithmic(self) -> bool:
        """Whether the values are positive and spread over powers of ten."""
        shown = self.thresholds
        return bool(shown[0] > 0 and np.log10(shown[-1] / shown[0]) > POWERS_FOR_LOG)


def cut_figure_id(analysis_id: str) -> str:
    """Return the id of the figure of an analysis; it holds nothing that an HTML or SVG id may not hold.

    Examples
    --------
    >>> cut_figure_id("figure_s1")
    'cut-figure_s1'
    """
    return roc_figure_id(analysis_id).replace("roc-", "cut-", 1)


def plot_cut_panel(content: ReportContent, analysis_id: str) -> ReportFigure | None:
    """Return where the resamples of one analysis put each cut-off; None if nothing was resampled."""
    main = select_results(content.results, analysis_id)
    corrected = select_results(content.results, analysis_id, group="cut_corrected")
    points = select_results(content.results, analysis_id, group="curve")
    found = select_results(content.results, analysis_id, group="cut_distribution")
    panels = [_read_panel(name, (main, corrected, points, found)) for name in found.variables]
    if not panels:
        return None
    resamples = next(filter(None, (corrected.value(name, "resamples") for name in found.variables)), 0)
    name = cut_figure_id(analysis_id)
    with drawing(name):
        finished = finish_figure(
            _draw(panels),
            name,
            title="How sure each cut-off is",
            caption=_write_caption(resamples),
            description=" ".join(_describe(panel) for panel in panels),
            synthetic=content.synthetic,
        )
    return finished.with_data(_list_data(panels))


def _read_panel(
    factor: str, lookups: tuple[ResultLookup, ResultLookup, ResultLookup, ResultLookup]
) -> CutPanel:
    main, corrected, points, found = lookups
    columns = [
        np.array([points.value(factor, name, level=level) for level in points.levels(factor)], dtype=float)
        for name in ("threshold", "sensitivity", "specificity")
    ]
    cuts, times = (
        np.array([found.value(factor, name, level=level) for level in found.levels(factor)], dtype=float)
        for name in ("cut", "count")
    )
    cut, limits = main.get(factor, "cut"), corrected.get(factor, "cut")
    at = cut.value if cut and cut.value is not None else float("nan")
    low, high = (limits.low, limits.high) if limits else (None, None)
    return CutPanel(
        title=clean_text(main.title(factor), longest=3 * TITLE_SIGNS),
        # The outermost thresholds lie one unit beyond the values only so that there are some.
        thresholds=columns[0][1:-1],
        youden=(columns[1] + columns[2] - 1)[1:-1],
        cuts=cuts,
        times=times,
        cut=at,
        label=format_cut(clean_text(cut.text, longest=20)) if cut else "",
        ends=(at if low is None else low, at if high is None else high),
    )


def _list_data(panels: Sequence[CutPanel]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        for cut, youden in zip(panel.thresholds, panel.youden, strict=True):
            yield {"factor": panel.title, "mark": "curve", "cut": float(cut), "youden": float(youden)}
        for cut, times in zip(panel.cuts, panel.times, strict=True):
            yield {"factor": panel.title, "mark": "resamples", "cut": float(cut), "times": float(times)}
        ends = {"cut_low": panel.ends[0], "cut_high": panel.ends[1]}
        yield {"factor": panel.title, "mark": "published", "cut": panel.cut, **ends}


def _write_caption(resamples: float) -> str:
    return (
        "Line: Youden index (sensitivity + specificity \N{MINUS SIGN} 1) of every cut-off in these patients. "
        f"Bars: where {plural(resamples, 'bootstrap resample')} put the cut-off, the highest bar scaled to "
        "the panel. Shaded: the middle 95% of these cut-offs. Vertical line: the cut-off as published."
    )


def _draw(panels: Sequence[CutPanel]) -> Figure:
    abreast = min(MOST_ABREAST, len(panels))
    rows = -(-len(panels) // abreast)
    width = FULL_WIDTH
    height = TOP + rows * (TITLE + HIGH + BELOW)
    figure = make_canvas(height)
    for place, panel in enumerate(panels):
        row, column = divmod(place, abreast)
        left, top = LEFT + column * (WIDE + GAP), TOP + row * (TITLE + HIGH + BELOW) + TITLE
        axes = figure.add_axes((left / width, 1 - (top + HIGH) / height, WIDE / width, HIGH / height))
        _draw_frame(axes, panel, is_first=column == 0)
        _draw_bars(axes, panel)
        _draw_curve(axes, panel)
    return figure


def _draw_frame(axes: Axes, panel: CutPanel, *, is_first: bool) -> None:
    lines = textwrap.wrap(panel.title, TITLE_SIGNS, max_lines=2, placeholder=" …")
    axes.set_title("\n".join(lines), loc="left", fontsize=8, fontweight="bold", pad=14)
    if panel.is_logarithmic:
        axes.set_xscale("log")
        axes.set_xticks([], minor=True)
        ticks = _choose_ticks(float(panel.thresholds[0]), float(panel.thresholds[-1]))
        axes.set_xticks(ticks, [format_number(tick) for tick in ticks])
    top = max(0.1, float(panel.youden.max())) * 1.08
    axes.set_ylim(min(0.0, float(panel.youden.min()) * 1.08), top)
    axes.tick_params(labelsize=7, width=0.6, length=3, colors=MUTED)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=1)
    if is_first:
        axes.set_ylabel("Youden index", fontsize=7, color=MUTED, labelpad=3)
    axes.set_xlabel("Cut-off", fontsize=7, color=MUTED, labelpad=3)


def _choose_ticks(low: float, high: float) -> list[float]:
    """Round numbers on a logarithmic axis: 1, 2 and 5 of every power of ten, or fewer if those are many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [step * 10.0**power for power in powers for step in steps]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= MOST_TICKS:
            return inside
    return inside[:: -(-len(inside) // MOST_TICKS)]


def _draw_bars(axes: Axes, panel: CutPanel) -> None:
    """The resamples' cut-offs in bars of equal width on the scale of the axis."""
    ends, cuts = panel.thresholds[[0, -1]], panel.cuts
    if panel.is_logarithmic:
        ends, cuts = np.log10(ends), np.log10(cuts)
    margin = max(float(ends[1] - ends[0]) * 0.02, 1e-9)
    edges = np.linspace(float(ends[0]) - margin, float(ends[1]) + margin, BARS + 1)
    heights: Floats = np.histogram(cuts, bins=edges, weights=panel.times)[0]
    shown = np.power(10.0, edges) if panel.is_logarithmic else edges
    room = axes.get_ylim()[1] * SHARE_OF_BARS
    axes.axvspan(*panel.ends, color=BAND_FILL, zorder=0, linewidth=0)
    style: dict[str, Any] = {"align": "edge", "color": BAR_FILL, "linewidth": 0, "zorder": 2}
    axes.bar(shown[:-1], heights / max(float(heights.max()), 1.0) * room, width=np.diff(shown), **style)
    axes.set_xlim(float(shown[0]), float(shown[-1]))


def _draw_curve(axes: Axes, panel: CutPanel) -> None:
    style: dict[str, Any] = {"solid_joinstyle": "miter", "clip_on": True}
    axes.plot(panel.thresholds, panel.youden, color=LINE, linewidth=1.2, zorder=3, **style)
    axes.axvline(panel.cut, color=INK, linewidth=1.1, zorder=4)
    look: dict[str, Any] = {"fontsize": 7, "color": INK}
    text = f"{panel.label}  (95% {format_range(*panel.ends)})"
    axes.text(0.0, 1.03, text, transform=axes.transAxes, ha="left", va="bottom", **look)


def _describe(panel: CutPanel) -> str:
    return (
        f"{panel.title}: published cut-off {panel.label}, 95% of the resamples from "
        f"{format_number(panel.ends[0])} to {format_number(panel.ends[1])}."
    )
