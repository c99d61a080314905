"""Curves of numeric factors: the odds ratio along each number, with its pointwise interval."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from cytopenia.report.association_cells import MODELS, read_association
from cytopenia.report.content import ReportContent
from cytopenia.report.display import format_number, format_odds_ratio, format_p
from cytopenia.report.drawing import (
    FAINT,
    FULL_WIDTH,
    INK,
    LINE,
    MUTED,
    ReportFigure,
    drawing,
    finish_figure,
    make_canvas,
)
from cytopenia.report.forest_axes import choose_ticks
from cytopenia.report.lookup import ResultLookup
from cytopenia.report.side_by_side_cells import draw_id

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CURVES", "plot_spline_curves"]

CURVES = "spline"
ABREAST = 2
WIDTH = FULL_WIDTH
PANEL, LEFT, GAP, TOP, TITLE, BELOW = 140.0, 40.0, 48.0, 14.0, 28.0, 38.0
TITLE_SIGNS = 50
# The odds ratio is drawn so far; an interval beyond leaves the picture.
FARTHEST = 20.0


@dataclass(frozen=True)
class _Curve:
    """One number in one model: where, odds ratio and its limits; None where there is no limit."""

    title: str
    model: str
    at: tuple[float, ...]
    odds: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    knots: tuple[float, ...]
    tests: str

    @property
    def name(self) -> str:
        """The number and its model."""
        return f"{self.title}: {self.model}"


def plot_spline_curves(content: ReportContent, analysis_id: str) -> ReportFigure | None:
    """Return the curve of each factor that has one; None where the protocol asks for none."""
    curves = list(_read_curves(content, analysis_id))
    if not curves:
        return None
    name = draw_id(CURVES, analysis_id)
    with drawing(name):
        finished = finish_figure(
            _draw(curves),
            name,
            title="Odds ratio along each number",
            caption="Line: odds ratio against the value where it is 1, on a log scale, by a restricted cubic "
            "spline. Band: 95% interval at each value by itself, not of the curve as a whole. Ticks below: "
            "knots. At the ends few patients carry the curve.",
            description=" ".join(_describe(curves)),
            synthetic=content.synthetic,
        )
    return finished.with_data(_list_data(curves))


def _read_curves(content: ReportContent, analysis_id: str) -> Iterator[_Curve]:
    rows = content.results.filter(pl.col("analysis_id") == analysis_id, pl.col("group") == "curve")
    rows = rows.filter(pl.col("level").is_in(MODELS))
    if rows.is_empty():
        return
    found = read_association(content, analysis_id)
    parts = rows.partition_by("variable", "level", as_dict=True, maintain_order=True)
    for (factor, model), part in parts.items():
        lookup = found.models[str(model)]
        at = part.filter(pl.col("estimate") == "at")["value"].to_list()
        points = part.filter(pl.col("estimate") == "log_odds")
        columns = (_take_odds(points[name].to_list()) for name in ("value", "low", "high"))
        odds, low, high = columns
        knots = [lookup.value(str(factor), f"knot_{place}") for place in range(1, 6)]
        known = tuple(knot for knot in knots if knot is not None)
        tests = ", ".join(_list_tests(lookup, str(factor)))
        yield _Curve(found.title(str(factor)), str(model), tuple(at), odds, low, high, known, tests)


def _list_tests(lookup: ResultLookup, factor: str) -> Iterator[str]:
    for name, words in (("p_overall", "P of the curve"), ("p_nonlinear", "P for nonlinearity")):
        value = lookup.value(factor, name)
        if value is not None:
            yield f"{words} {format_p(value)}"


def _take_odds(logs: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(None if log is None else math.exp(log) for log in logs)


def _list_data(curves: Sequence[_Curve]) -> Iterator[dict[str, Any]]:
    for curve in curves:
        for at, odds, low, high in zip(curve.at, curve.odds, curve.low, curve.high, strict=True):
            point = {"at": at, "odds_ratio": odds, "low": low, "high": high}
            yield {"factor": curve.title, "model": curve.model, **point}


def _draw(curves: Sequence[_Curve]) -> Figure:
    bands = -(-len(curves) // ABREAST)
    band = TITLE + PANEL + BELOW
    height = TOP + bands * band
    side = (WIDTH - ABREAST * GAP) / ABREAST
    figure = make_canvas(height)
    for place, curve in enumerate(curves):
        row, column = divmod(place, ABREAST)
        top, left = TOP + row * band + TITLE, LEFT + column * (side + GAP)
        box = (left / WIDTH, 1 - (top + PANEL) / height, side / WIDTH, PANEL / height)
        _draw_curve(figure.add_axes(box), curve)
    return figure


def _draw_curve(axes: Axes, curve: _Curve) -> None:
    lines = textwrap.wrap(curve.name, TITLE_SIGNS, max_lines=1, placeholder=" …")
    shown = "\n".join([*lines, *([curve.tests] if curve.tests else [])])
    axes.set_title(shown, loc="left", fontsize=6.5, pad=4)
    odds = [one for one in curve.odds if one is not None]
    ends = [one for one in (*curve.low, *curve.high) if one is not None]
    low = max(min([1.0, *odds, *ends]), min(odds) / FARTHEST)
    high = min(max([1.0, *odds, *ends]), max(odds) * FARTHEST)
    axes.set_yscale("log")
    axes.set(ylim=(low / 1.1, high * 1.1), xlim=(curve.at[0], curve.at[-1]))
    ticks = list(choose_ticks(low, high))
    axes.set_yticks(ticks, [f"{tick:.15g}" for tick in ticks])
    axes.minorticks_off()
    axes.tick_params(labelsize=6.5, width=0.6, length=3, colors=MUTED)
    axes.spines[["top", "right"]].set_visible(False)
    axes.axhline(1, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    look: dict[str, Any] = {"linewidth": 0, "alpha": 0.15, "color": LINE, "zorder": 1}
    band = [
        (at, bottom, top)
        for at, bottom, top in zip(curve.at, curve.low, curve.high, strict=True)
        if bottom is not None and top is not None
    ]
    if band:
        places, bottoms, tops = zip(*band, strict=True)
        axes.fill_between(places, bottoms, tops, **look)
    line = [math.nan if one is None else one for one in curve.odds]
    axes.plot(curve.at, line, color=LINE, linewidth=1.3, zorder=3)
    floor = axes.get_xaxis_transform()
    axes.plot(curve.knots, [0.02] * len(curve.knots), "|", color=INK, markersize=6, transform=floor)
    axes.set_xlabel(curve.title, fontsize=6.5)
    axes.set_ylabel("Odds ratio", fontsize=6.5)


def _describe(curves: Sequence[_Curve]) -> Iterator[str]:
    for curve in curves:
        ends = [
            f"{format_odds_ratio(odds)} at {format_number(at)}"
            for at, odds in ((curve.at[0], curve.odds[0]), (curve.at[-1], curve.odds[-1]))
            if odds is not None
        ]
        tests = f" {curve.tests}." if curve.tests else ""
        yield f"{curve.name}: odds ratio {' and '.join(ends)}.{tests}"
