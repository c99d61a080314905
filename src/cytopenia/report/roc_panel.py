"""ROC curves side by side: one square panel per factor, with area and cut-off."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cytopenia.report.association_cells import find_analysis
from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    clean_text,
    format_cut,
    format_number,
    format_range,
    lower_first,
    plural,
)
from cytopenia.report.drawing import (
    FAINT,
    FULL_WIDTH,
    GRID,
    INK,
    LINE,
    MUTED,
    NARROW_WIDTH,
    ReportFigure,
    drawing,
    finish_figure,
    make_canvas,
)
from cytopenia.report.lookup import ResultLookup, select_results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_roc_panel", "roc_figure_id"]

MOST_ABREAST = 3
GAP, LEFT, RIGHT, TOP, TITLE, BELOW = 28.0, 36.0, 8.0, 14.0, 26.0, 34.0
SIDE = (FULL_WIDTH - LEFT - RIGHT - (MOST_ABREAST - 1) * GAP) / MOST_ABREAST
TITLE_SIGNS, TITLE_LETTER = 32, 5.0
DECIMALS = 3
EVEN = 0.5
# Beyond these a label to the right of the circle, or below it, would leave the panel.
FAR_RIGHT, NEAR_FLOOR = 0.7, 0.12

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RocPanel:
    """One curve: its points from the strictest to the laxest threshold, and the texts of its panel.

    `best` is (1 - specificity, sensitivity) at the cut-off, None where there is none; `cut` is the cut-off
    with the limits of its interval, where it was resampled.
    """

    title: str
    false_positives: Floats
    sensitivity: Floats
    auc: float | None
    area: str
    best: tuple[float, float] | None
    label: str
    cut: tuple[float | None, float | None, float | None] = (None, None, None)


def roc_figure_id(analysis_id: str) -> str:
    """Return the id of the figure of an analysis; it holds nothing that an HTML or SVG id may not hold.

    Examples
    --------
    >>> roc_figure_id("figure_s1"), roc_figure_id("a b")
    ('roc-figure_s1', 'roc-a-b')
    """
    return "roc-" + "".join(
        sign if sign.isalnum() or sign in "-_" else "-" for sign in clean_text(analysis_id)
    )


def plot_roc_panel(content: ReportContent, analysis_id: str) -> ReportFigure | None:
    """Return the ROC curves of one analysis, a panel per factor, at most three in a row; None without any.

    The circle is the point with the largest Youden index, beside it the cut-off with the side that means
    the event. The area stands in the panel with its 95% confidence interval by DeLong.
    """
    points = select_results(content.results, analysis_id, group="curve")
    numbers = select_results(content.results, analysis_id)
    resampled = select_results(content.results, analysis_id, group="cut_corrected")
    factors = [name for name in points.variables if len(points.levels(name)) > 1]
    if not factors:
        return None
    panels = [_read_panel((points, numbers, resampled), factor) for factor in factors]
    name = roc_figure_id(analysis_id)
    analysis = find_analysis(content, analysis_id)
    outcome = lower_first(outcome_title(content, str(analysis.get("outcome") or "the outcome")))
    event = numbers.get("event", "count")
    named = f", {lower_first(clean_text(event.text))}" if event and event.text else ""
    title = f"ROC curves for {outcome}{named}"
    with drawing(name):
        finished = finish_figure(
            _draw(panels),
            name,
            title=title,
            caption=_write_caption(
                numbers, factors, is_resampled=any(panel.cut[1] is not None for panel in panels)
            ),
            description=" ".join(_describe(panel) for panel in panels),
            synthetic=content.synthetic,
        )
    return finished.with_data(_list_data(panels))


def _read_panel(lookups: tuple[ResultLookup, ResultLookup, ResultLookup], factor: str) -> RocPanel:
    points, numbers, resampled = lookups
    pairs = [
        [points.value(factor, name, level=level) for level in points.levels(factor)]
        for name in ("specificity", "sensitivity")
    ]
    specificity, sensitivity = (np.array(part, dtype=np.float64) for part in pairs)
    known = np.isfinite(specificity) & np.isfinite(sensitivity)
    order = np.lexsort((sensitivity[known], 1 - specificity[known]))
    auc, cut = numbers.get(factor, "auc"), numbers.get(factor, "cut")
    at = [numbers.value(factor, name) for name in ("specificity", "sensitivity")]
    area = ""
    if auc is not None and auc.value is not None:
        area = f"AUC {format_number(auc.value, DECIMALS)}"
        if auc.low is not None and auc.high is not None:
            area += f"\n({format_range(auc.low, auc.high, DECIMALS)})"
    limits = resampled.get(factor, "cut")
    low, high = (limits.low, limits.high) if limits else (None, None)
    if low is not None and high is not None:
        area += f"\nCut-off, 95%:\n{format_range(low, high)}"
    return RocPanel(
        title=clean_text(numbers.title(factor), longest=3 * TITLE_SIGNS),
        false_positives=(1 - specificity[known])[order],
        sensitivity=sensitivity[known][order],
        auc=auc.value if auc else None,
        area=area,
        best=None if at[0] is None or at[1] is None else (1 - at[0], at[1]),
        label=format_cut(clean_text(cut.text, longest=20)) if cut and cut.value is not None else "",
        cut=(cut.value if cut else None, low, high),
    )


def _list_data(panels: Sequence[RocPanel]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        for false, true in zip(panel.false_positives, panel.sensitivity, strict=True):
            point = {"one_minus_specificity": float(false), "sensitivity": float(true)}
            yield {"factor": panel.title, "mark": "curve", **point}
        if panel.best is not None:
            point = {"one_minus_specificity": panel.best[0], "sensitivity": panel.best[1]}
            limits = dict(zip(("cut", "cut_low", "cut_high"), panel.cut, strict=True))
            yield {"factor": panel.title, "mark": "cut", **point, "auc": panel.auc, **limits}


def _write_caption(numbers: ResultLookup, factors: Sequence[str], *, is_resampled: bool) -> str:
    sizes = [size for name in factors if (size := numbers.value(name, "n")) is not None]
    who = ""
    if sizes:
        few, most = format_number(min(sizes)), plural(max(sizes), "patient")
        who = f", {most}" if min(sizes) == max(sizes) else f", {few} to {most}"
    curves = plural(len(factors), "factor")
    interval = " Below the area: interval of the cut-off, from resamples." if is_resampled else ""
    return (
        f"{curves}{who}. AUC: area under the curve with its 95% confidence interval by DeLong. Circle: the "
        "point with the largest Youden index, with its cut-off and the side that means the event; it was "
        f"chosen in the same patients. Dashed: no discrimination.{interval}"
    )


def _draw(panels: Sequence[RocPanel]) -> Figure:
    abreast = min(MOST_ABREAST, len(panels))
    rows = -(-len(panels) // abreast)
    # A single panel is as wide as a column.
    width, side = (NARROW_WIDTH, NARROW_WIDTH - LEFT - RIGHT) if len(panels) == 1 else (FULL_WIDTH, SIDE)
    height = TOP + rows * (TITLE + side + BELOW)
    figure = make_canvas(height, width)
    for place, panel in enumerate(panels):
        row, column = divmod(place, abreast)
        left, top = LEFT + column * (side + GAP), TOP + row * (TITLE + side + BELOW) + TITLE
        box = (left / width, 1 - (top + side) / height, side / width, side / height)
        axes = figure.add_axes(box)
        _draw_frame(axes, panel, is_first=column == 0)
        _draw_curve(axes, panel)
    return figure


def _draw_frame(axes: Axes, panel: RocPanel, *, is_first: bool) -> None:
    signs = int(axes.bbox.width / TITLE_LETTER)
    lines = textwrap.wrap(panel.title, signs, max_lines=2, placeholder=" …")
    axes.set_title("\n".join(lines), loc="left", fontsize=8, fontweight="bold", pad=4)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    ticks = [0, 0.25, 0.5, 0.75, 1]
    shown = ["0", "", "0.5", "", "1"]
    axes.set_xticks(ticks, shown)
    axes.set_yticks(ticks, shown)
    axes.tick_params(labelsize=7, width=0.6, length=3, colors=MUTED)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    label: dict[str, Any] = {"fontsize": 7, "color": MUTED, "labelpad": 3}
    if is_first:
        axes.set_ylabel("Sensitivity", **label)
    axes.set_xlabel("1 \N{MINUS SIGN} specificity", **label)


def _draw_curve(axes: Axes, panel: RocPanel) -> None:
    style: dict[str, Any] = {"solid_joinstyle": "miter", "clip_on": False}
    axes.plot(panel.false_positives, panel.sensitivity, color=LINE, linewidth=1.5, zorder=3, **style)
    # The area stands on the side of the diagonal that the curve leaves free.
    is_above = panel.auc is None or panel.auc >= EVEN
    place: tuple[float, float, str, str] = (
        (1.0, 0.03, "right", "bottom") if is_above else (0.0, 0.98, "left", "top")
    )
    axes.text(*place[:2], panel.area, ha=place[2], va=place[3], fontsize=7, color=INK, linespacing=1.35)
    if panel.best is None:
        return
    marker: dict[str, Any] = {"marker": "o", "markersize": 5.5, "markerfacecolor": "white"}
    axes.plot(*panel.best, color=INK, markeredgewidth=1.3, zorder=4, clip_on=False, **marker)
    look: dict[str, Any] = {"fontsize": 7, "fontweight": "bold", "color": INK, "zorder": 5}
    axes.annotate(panel.label, panel.best, **_place_label(*panel.best), textcoords="offset points", **look)


def _place_label(x: float, y: float) -> dict[str, Any]:
    """Return where the cut-off stands beside its circle: below a curve, and never outside the panel."""
    if x <= FAR_RIGHT and y > NEAR_FLOOR:
        return {"xytext": (6, -5), "ha": "left", "va": "top"}
    if y <= NEAR_FLOOR:
        return {"xytext": (-6, 5) if x > FAR_RIGHT else (6, 5), "ha": "right" if x > FAR_RIGHT else "left"}
    return {"xytext": (10, -8), "ha": "right", "va": "top"}


def _describe(panel: RocPanel) -> str:
    text = f"{panel.title}: {panel.area.replace(chr(10), ' ') or 'no area'}"
    if panel.best is not None and panel.label:
        performance = (format_number(part, DECIMALS) for part in (panel.best[1], 1 - panel.best[0]))
        text += ", cut-off {} with sensitivity {} and specificity {}".format(panel.label, *performance)
    return f"{text}."
