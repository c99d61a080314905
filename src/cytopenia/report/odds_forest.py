"""Odds ratios under each definition: a row per definition, a column per factor, each on its own log axis."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cytopenia.report.content import ReportContent
from cytopenia.report.display import format_odds_ratio
from cytopenia.report.drawing import FULL_WIDTH, ReportFigure, drawing, finish_figure, make_canvas
from cytopenia.report.forest_axes import (
    ForestRow,
    choose_limits,
    draw_forest,
    list_estimate,
    write_labels,
)
from cytopenia.report.lookup import Estimate
from cytopenia.report.side_by_side_cells import OddsPanel, SideBySide, draw_id, read_side_by_side

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_odds_forest"]

FOREST = "forest"
MOST_ABREAST = 3
WIDTH = FULL_WIDTH
LABEL, GAP, TOP, TITLE, ROW, BELOW = 150.0, 10.0, 16.0, 30.0, 20.0, 30.0


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
        finished = finish_figure(
            _draw(found, panels),
            name,
            title="Odds ratio of each factor under each definition",
            caption=_write_caption(),
            description=" ".join(_describe(found, panels)),
            synthetic=content.synthetic,
        )
    return finished.with_data(
        {"factor": panel.title, "definition": title, **list_estimate(one)}
        for panel in panels
        for title, one in zip(found.titles, panel.found, strict=True)
    )


def _read_panel(found: SideBySide, panel: OddsPanel) -> _Panel:
    estimates = tuple(found.find_odds(panel, name) for name in found.names)
    known = [one for one in estimates if one is not None and one.value is not None]
    return _Panel(panel.title, estimates, choose_limits(known))


def _draw(found: SideBySide, panels: Sequence[_Panel]) -> Figure:
    abreast = min(MOST_ABREAST, len(panels))
    bands = -(-len(panels) // abreast)
    inner = len(found.names) * ROW
    band = TITLE + inner + BELOW
    height = TOP + bands * band
    side = (WIDTH - LABEL - MOST_ABREAST * GAP) / MOST_ABREAST
    figure = make_canvas(height)
    for number, panel in enumerate(panels):
        row, column = divmod(number, abreast)
        top, left = TOP + row * band + TITLE, LABEL + column * (side + GAP)
        box = (left / WIDTH, 1 - (top + inner) / height, side / WIDTH, inner / height)
        axes = figure.add_axes(box)
        rows = [ForestRow(one, is_square=place == 0) for place, one in enumerate(panel.found)]
        draw_forest(axes, rows, title=panel.title, limits=panel.limits)
        if column == 0:
            bold = [place == 0 for place in range(len(found.numbered))]
            write_labels(axes, found.numbered, bold=bold, room=LABEL)
    return figure


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
