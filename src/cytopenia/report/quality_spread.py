"""How the values of each analyte lie, as a picture in which a wrong unit is a second hump."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cytopenia.report.day_cells import fill_boxes
from cytopenia.report.display import format_number, format_range, plural
from cytopenia.report.drawing import (
    FAINT,
    FULL_WIDTH,
    GRADE_COLORS,
    LINE,
    MUTED,
    ReportFigure,
    drawing,
    finish_figure,
    page_axes,
)
from cytopenia.report.quality_content import QualityContent, add_up, list_analytes, name_analyte, unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_spread"]

LEFT, RIGHT, TOP = 150.0, 46.0, 34.0
STRIP, GAP = 34.0, 26.0
IMPLAUSIBLE = GRADE_COLORS[3]
ZEROS = 14.0
NAME_SIGNS = 30


@dataclass(frozen=True)
class _Axis:
    """From values to points, in equal steps of the value or of its logarithm."""

    low: float
    high: float
    is_log: bool

    def place(self, value: Any) -> Any:
        low, high, at = self.low, self.high, value
        if self.is_log:
            low, high, at = math.log(self.low), math.log(self.high), np.log(value)
        left = LEFT + ZEROS
        if high == low:
            return left + (FULL_WIDTH - RIGHT - left) / 2
        return left + (at - low) / (high - low) * (FULL_WIDTH - RIGHT - left)

    def ticks(self) -> list[float]:
        """Round numbers between the ends: powers of ten with 2 and 5 between, where the axis is short."""
        if not self.is_log:
            from matplotlib.ticker import MaxNLocator

            found = [float(one) for one in MaxNLocator(5).tick_values(self.low, self.high)]
        else:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (1, 2, 5) if len(powers) <= 4 else (1,)
            found = [float(f"{step}e{power}") for power in powers for step in steps]
        return [tick for tick in found if self.low <= tick <= self.high]


def plot_spread(content: QualityContent) -> ReportFigure | None:
    """Return the values of every analyte in its canonical unit, one strip each; None without values."""
    spread = content.quality.spread
    analytes = list_analytes(spread)
    if not analytes:
        return None
    name = "value-spread"
    with drawing(name):
        figure, axes = page_axes(TOP + len(analytes) * (STRIP + GAP))
        _draw_key(axes)
        for place, analyte in enumerate(analytes):
            _draw_strip(axes, content, analyte, top=TOP + place * (STRIP + GAP))
        finished = finish_figure(
            figure,
            name,
            title="How the values lie",
            caption="All values of each analyte in its canonical unit, in steps of equal ratio where "
            "they differ "
            "by more than three times. A second hump away from the first is what a wrong unit looks "
            "like. Red: "
            "outside the plausible range, not judged. Left of the axis: zeros. Dashed: the fixed cuts of "
            "the grades "
            "that the study asks for.",
            description=" ".join(_describe(spread)),
            synthetic=content.synthetic,
        )
    return finished.with_data(spread.iter_rows(named=True))


def _describe(spread: pl.DataFrame) -> Iterator[str]:
    for analyte in list_analytes(spread):
        bins = spread.filter((pl.col("analyte") == analyte) & (pl.col("high") > 0))
        judged = add_up(spread.filter(pl.col("analyte") == analyte), "judged")
        where = ""
        if bins.height:
            # Most of the values lie in few bins; the fullest says where.
            row = bins.row(
                bins.select((pl.col("judged") + pl.col("implausible")).arg_max()).item(), named=True
            )
            where = f", most around {format_range(row['low'], row['high'])} {unit_of(analyte)}"
        yield f"{name_analyte(analyte)}: {plural(judged, 'judged value')}{where}."


def _draw_strip(axes: Axes, content: QualityContent, analyte: str, *, top: float) -> None:
    bins = content.quality.spread.filter(pl.col("analyte") == analyte)
    zeros, bins = bins.filter(pl.col("high") == 0), bins.filter(pl.col("high") > 0)
    bottom = top + STRIP
    title = name_analyte(analyte)
    look: dict[str, Any] = {"fontsize": 8, "va": "center"}
    small: dict[str, Any] = {"fontsize": 7, "va": "center", "color": MUTED}
    axes.text(4, top + STRIP / 2 - 5, title if len(title) <= NAME_SIGNS else f"{title[:NAME_SIGNS]}…", **look)
    axes.text(4, top + STRIP / 2 + 6, unit_of(analyte), **small)
    counts = pl.col("judged") + pl.col("implausible")
    most = max(pl.concat([zeros, bins]).select(counts.max()).item() or 0, 1)
    total = pl.concat([zeros, bins]).select(counts.sum()).item()
    number: dict[str, Any] = {"fontsize": 7, "ha": "right", "va": "center", "color": MUTED}
    axes.text(FULL_WIDTH - 2, top + STRIP / 2, f"n {format_number(total)}", **number)
    axes.plot([LEFT, FULL_WIDTH - RIGHT], [bottom, bottom], color=FAINT, linewidth=0.6, zorder=3)
    if zeros.height:
        _draw_bars(axes, zeros, (LEFT + 2, LEFT + 8), bottom=bottom, most=most)
        axes.text(LEFT + 5, bottom + 3, "0", fontsize=6.5, ha="center", va="top", color=MUTED)
    if not bins.height:
        return
    axis = _Axis(float(bins["low"][0]), float(bins["high"][-1]), bool(bins["is_log"][0]))
    edges = axis.place(bins["low"].to_numpy()), axis.place(bins["high"].to_numpy())
    if axis.low == axis.high:
        edges = edges[0] - np.full(1, 3.0), edges[1] + np.full(1, 3.0)
    _draw_bars(axes, bins, edges, bottom=bottom, most=most)
    _draw_ticks(axes, axis, bottom=bottom)
    for line in _find_lines(content, analyte, axis):
        axes.plot([line, line], [top - 2, bottom], color=MUTED, linewidth=0.8, dashes=(3, 2), zorder=4)


def _find_lines(content: QualityContent, analyte: str, axis: _Axis) -> Iterator[float]:
    """Where the cuts of the grades stand that lie on the axis."""
    cuts = content.quality.cuts.filter(pl.col("analyte") == analyte)["cut"].to_list()
    return (float(axis.place(place)) for place in cuts if axis.low <= place <= axis.high)


def _draw_bars(axes: Axes, bins: pl.DataFrame, edges: tuple[Any, Any], *, bottom: float, most: int) -> None:
    judged, implausible = (bins[name].to_numpy() / most * STRIP for name in ("judged", "implausible"))
    # A bar of one value among thousands still shows.
    judged, implausible = (np.where(part > 0, np.maximum(part, 0.8), 0) for part in (judged, implausible))
    for low, high, color in ((0 * judged, judged, LINE), (judged, judged + implausible, IMPLAUSIBLE)):
        shown = high > low
        if shown.any():
            left, right = (np.broadcast_to(edge, shown.shape)[shown] for edge in edges)
            fill_boxes(axes, (left, right, bottom - high[shown], bottom - low[shown]), color=color)


def _draw_ticks(axes: Axes, axis: _Axis, *, bottom: float) -> None:
    ticks = axis.ticks()
    if len(ticks) < 2:
        ticks = sorted({axis.low, axis.high})
    last = -math.inf
    for tick in ticks:
        at = float(axis.place(tick))
        if at - last < 22:
            continue
        axes.plot([at, at], [bottom, bottom + 2.5], color=FAINT, linewidth=0.6)
        axes.text(at, bottom + 4, format_number(tick), fontsize=6.5, ha="center", va="top", color=MUTED)
        last = at


def _draw_key(axes: Axes) -> None:
    left, top, size = LEFT + ZEROS, 10.0, 8.0
    for label, color in (("value that is judged", LINE), ("implausible, not judged", IMPLAUSIBLE)):
        fill_boxes(axes, (left, left + size, top, top + size), color=color)
        axes.text(left + size + 5, top + size / 2, label, fontsize=7.5, va="center")
        left += 110
    axes.plot([left, left + 14], [top + size / 2] * 2, color=MUTED, linewidth=0.8, dashes=(3, 2))
    axes.text(left + 19, top + size / 2, "cut of a grade", fontsize=7.5, va="center")
