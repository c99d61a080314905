"""Odds ratios under each definition: a row per definition, a column per factor, each on its own log axis."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_odds_ratio
from cytopenia.report.drawing import FAINT, INK, MUTED, ReportFigure, drawing, finish_figure
from cytopenia.report.lookup import Estimate
from cytopenia.report.side_by_side_cells import OddsPanel, SideBySide, draw_id, read_side_by_side

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["choose_limits", "plot_odds_forest"]

FOREST = "forest"
MOST_ABREAST = 3
WIDTH, LABEL, GAP, TOP, TITLE, ROW, BELOW = 720.0, 215.0, 16.0, 16.0, 30.0, 20.0, 30.0
LABEL_SIGNS, TITLE_SIGNS = 48, 32
# An axis reaches so many times beyond the outermost odds ratio, and no further; an arrow says the rest.
FARTHEST = 20.0
NARROW = 4.0


@dataclass(frozen=True)
class _Panel:
    """One factor under every definition."""

    title: str
    found: tuple[Estimate | None, ...]
    limits: tuple[float, float] | None


def plot_odds_forest(content: ReportContent, analysis_id: str) -> ReportFigure | None:
    """Return the odds ratio of each factor under each definition; None where no factor was asked for."""
    found = read_side_by_side(content, analysis_id)
    panels = [_read_panel(found, panel) for panel in found.list_panels()]
    if not any(panel.limits for panel in panels):
        return None
    name = draw_id(FOREST, analysis_id)
    with drawing(name):
        return finish_figure(
            _draw(found, panels),
            name,
            title="Odds ratio of each factor under each definition",
            caption=_write_caption(),
            description=" ".join(_describe(found, panels)),
            synthetic=content.synthetic,
        )


def _read_panel(found: SideBySide, panel: OddsPanel) -> _Panel:
    estimates = tuple(found.find_odds(panel, name) for name in found.names)
    known = [one for one in estimates if one is not None and one.value is not None]
    return _Panel(panel.title, estimates, choose_limits(known))


def choose_limits(known: Sequence[Estimate]) -> tuple[float, float] | None:
    """Return the ends of the axis: all intervals if they are not far off, and always 1; None without any.

    Examples
    --------
    >>> choose_limits([Estimate(2.0, "", "ok", "", low=0.5, high=900.0)])
    (0.5, 40.0)
    """
    values = [one.value for one in known if one.value is not None]
    if not values:
        return None
    least, most = min(values), max(values)
    lows = [one.low for one in known if one.low is not None]
    highs = [one.high for one in known if one.high is not None]
    low = min(1.0, max(min([*lows, least]), least / FARTHEST))
    high = max(1.0, min(max([*highs, most]), most * FARTHEST))
    return low, high


def _draw(found: SideBySide, panels: Sequence[_Panel]) -> Figure:
    from matplotlib.figure import Figure

    abreast = min(MOST_ABREAST, len(panels))
    bands = -(-len(panels) // abreast)
    inner = len(found.names) * ROW
    band = TITLE + inner + BELOW
    height = TOP + bands * band
    side = (WIDTH - LABEL - MOST_ABREAST * GAP) / MOST_ABREAST
    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
    for place, panel in enumerate(panels):
        row, column = divmod(place, abreast)
        top, left = TOP + row * band + TITLE, LABEL + column * (side + GAP)
        box = (left / WIDTH, 1 - (top + inner) / height, side / WIDTH, inner / height)
        axes = figure.add_axes(box)
        _draw_panel(axes, panel)
        if column == 0:
            _write_labels(axes, found)
    return figure


def _draw_panel(axes: Axes, panel: _Panel) -> None:
    lines = textwrap.wrap(panel.title, TITLE_SIGNS, max_lines=2, placeholder=" …")
    axes.set_title("\n".join(lines), loc="left", fontsize=7.5, fontweight="bold", pad=4)
    low, high = panel.limits or (0.5, 2.0)
    room = (high / low) ** 0.04
    axes.set_xscale("log")
    axes.set(xlim=(low / room, high * room), ylim=(len(panel.found) - 0.5, -0.5))
    ticks = list(_choose_ticks(low, high))
    axes.set_xticks(ticks, [f"{tick:.15g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks([])
    axes.tick_params(labelsize=6.5, width=0.6, length=3, colors=MUTED)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.axvline(1, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    for place, estimate in enumerate(panel.found):
        _draw_estimate(axes, estimate, place, (low / room, high * room))


def _choose_ticks(low: float, high: float) -> Iterator[float]:
    """1 and a few round numbers inside the axis."""
    if high / low < NARROW:
        step = _round_step((high - low) / 3)
        first, last = math.ceil((low - 1) / step), math.floor((high - 1) / step)
        candidates = [1 + count * step for count in range(first, last + 1)]
    else:
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        digits = (1,) if high / low > FARTHEST**2 else (1, 3)
        candidates = [digit * 10.0**power for power in exponents for digit in digits]
    yield from (round(one, 12) for one in candidates if low <= one <= high)


def _round_step(length: float) -> float:
    """1, 2 or 5 times a power of ten, not below a length."""
    power = 10.0 ** math.floor(math.log10(length))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= length)


def _draw_estimate(axes: Axes, found: Estimate | None, place: int, ends: tuple[float, float]) -> None:
    if found is None or found.value is None:
        words = {"not_done": "not modeled", "not_estimable": "not estimable"}
        text = words.get(found.status, "no odds ratio") if found is not None else "no odds ratio"
        look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 6.5, "color": MUTED}
        axes.text(0.5, place, text, transform=axes.get_yaxis_transform(), style="italic", **look)
        return
    if found.low is not None and found.high is not None:
        left, right = max(found.low, ends[0]), min(found.high, ends[1])
        axes.plot([left, right], [place, place], color=INK, linewidth=1.1, solid_capstyle="butt", zorder=2)
        arrow: dict[str, Any] = {"color": INK, "markersize": 4, "linestyle": "none", "clip_on": False}
        if found.low < ends[0]:
            axes.plot([left], [place], marker="<", **arrow)
        if found.high > ends[1]:
            axes.plot([right], [place], marker=">", **arrow)
    axes.plot([found.value], [place], marker="o" if place else "s", color=INK, markersize=4.2, zorder=3)


def _write_labels(axes: Axes, found: SideBySide) -> None:
    look: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": 7, "color": INK, "linespacing": 1.05}
    for place, title in enumerate(found.numbered):
        lines = textwrap.wrap(clean_text(title), LABEL_SIGNS, max_lines=2, placeholder=" …")
        axes.annotate(
            "\n".join(lines),
            (0, place),
            xycoords=axes.get_yaxis_transform(),
            xytext=(-8, 0),
            textcoords="offset points",
            annotation_clip=False,
            fontweight="normal" if place else "bold",
            **look,
        )


def _write_caption() -> str:
    return (
        "Square: reference. Dot: every other definition. Line: 95% confidence interval; an arrow where it "
        "goes on. Dashed: no association. Each factor has its own axis, on a log scale; above 1: more "
        "events. One model per factor and definition, in the same patients, so the rows are not independent "
        "of each other."
    )


def _describe(found: SideBySide, panels: Sequence[_Panel]) -> Iterator[str]:
    for panel in panels:
        parts = [
            f"{title} {format_odds_ratio(one.value, one.low, one.high)}"
            if one is not None and one.value is not None
            else f"{title} no odds ratio"
            for title, one in zip(found.titles, panel.found, strict=True)
        ]
        yield f"{panel.title}: {'; '.join(parts)}."
