"""The patterns of missing values as a figure: factors as columns, combinations of gaps as rows."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_number, plural
from cytopenia.report.drawing import (
    FULL_WIDTH,
    GRID,
    INK,
    MUTED,
    ReportFigure,
    drawing,
    finish_figure,
    page_axes,
)
from cytopenia.report.lookup import select_results
from cytopenia.report.missingness_tables import PATIENTS, list_gaps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["gap_figure_id", "plot_gap_patterns"]

PATTERN = "pattern"
KNOWN, GAP = "#d5dbe1", "#b8312a"
WIDTH = FULL_WIDTH
LEFT, RIGHT, TITLES, ROW, BELOW = 60.0, 84.0, 118.0, 16.0, 58.0
WIDEST, TITLE_SIGNS = 46.0, 36
MOST_PATTERNS = 20


@dataclass(frozen=True)
class _Pattern:
    """Patients with the same gaps."""

    patients: float
    gaps: Mapping[str, bool]


@dataclass(frozen=True)
class _Grid:
    """The columns with a gap, most gaps first, and the patterns, most patients first."""

    names: Sequence[str]
    titles: Mapping[str, str]
    patterns: Sequence[_Pattern]
    complete: Sequence[str]

    def count_missing(self, name: str) -> float:
        return sum(pattern.patients for pattern in self.patterns if pattern.gaps[name])


def gap_figure_id(analysis_id: str) -> str:
    """Return the id of the figure of an analysis."""
    return f"gaps-{analysis_id}"


def plot_gap_patterns(content: ReportContent, analysis_id: str) -> ReportFigure | None:
    """Return which values are missing together; None where no value is missing."""
    grid = _read_grid(content, analysis_id)
    if not grid.names:
        return None
    name = gap_figure_id(analysis_id)
    with drawing(name):
        finished = finish_figure(
            _draw(grid),
            name,
            title="Patterns of missing values",
            caption=" ".join(_write_caption(grid)),
            description=" ".join(_describe(grid)),
            synthetic=content.synthetic,
        )
    return finished.with_data(_list_data(grid))


def _read_grid(content: ReportContent, analysis_id: str) -> _Grid:
    lookup = select_results(content.results, analysis_id, group=PATTERN)
    patterns = [_Pattern(count, gaps) for count, gaps in list_gaps(lookup)]
    names = [name for name in lookup.variables if name != PATIENTS]
    titles = {key[1]: clean_text(one.text) for key, one in lookup.estimates.items() if key[4] == "is_missing"}
    grid = _Grid(names, titles, patterns, ())
    gaps = {name: grid.count_missing(name) for name in names}
    with_gaps = sorted((name for name in names if gaps[name]), key=lambda name: -gaps[name])
    complete = [titles[name] for name in names if name not in with_gaps]
    return _Grid(with_gaps, titles, patterns, complete)


def _draw(grid: _Grid) -> Figure:
    shown = grid.patterns[:MOST_PATTERNS]
    height = TITLES + len(shown) * ROW + BELOW
    figure, axes = page_axes(height)
    cell = min(WIDEST, (WIDTH - LEFT - RIGHT) / len(grid.names))
    for column, name in enumerate(grid.names):
        _write_title(axes, grid.titles[name], LEFT + (column + 0.5) * cell)
        text = format_number(grid.count_missing(name))
        look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7.5, "color": INK}
        axes.text(LEFT + (column + 0.5) * cell, TITLES + len(shown) * ROW + 9, text, **look)
    for place, pattern in enumerate(shown):
        _draw_pattern(axes, grid, pattern, top=TITLES + place * ROW, cell=cell)
    bottom = TITLES + len(shown) * ROW
    words: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": 7.5, "color": MUTED}
    axes.text(LEFT - 8, bottom + 9, "Missing", **words)
    axes.text(LEFT - 8, TITLES - 8, "Patients", **words)
    _draw_legend(axes, bottom + 36)
    return figure


def _write_title(axes: Axes, title: str, x: float) -> None:
    line = textwrap.shorten(title, TITLE_SIGNS, placeholder=" …")
    look: dict[str, Any] = {"ha": "left", "va": "bottom", "fontsize": 7, "color": INK}
    axes.text(x - 3, TITLES - 4, line, rotation=55, rotation_mode="anchor", **look)


def _draw_pattern(axes: Axes, grid: _Grid, pattern: _Pattern, *, top: float, cell: float) -> None:
    from matplotlib.patches import Rectangle

    look: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": 7.5, "color": INK}
    axes.text(LEFT - 8, top + ROW / 2, format_number(pattern.patients), **look)
    for column, name in enumerate(grid.names):
        is_gap = pattern.gaps[name]
        box: dict[str, Any] = {"facecolor": GAP if is_gap else KNOWN, "edgecolor": "white", "linewidth": 1.0}
        x = LEFT + column * cell
        axes.add_patch(Rectangle((x, top), cell, ROW, **box))
        if is_gap:
            # A mark as well as a color, for print without color.
            mark: dict[str, Any] = {"ha": "center", "va": "center_baseline", "fontsize": 8, "color": "white"}
            axes.text(x + cell / 2, top + ROW / 2, "\N{MULTIPLICATION SIGN}", **mark)


def _draw_legend(axes: Axes, top: float) -> None:
    from matplotlib.patches import Rectangle

    for place, (color, text) in enumerate(((KNOWN, "known"), (GAP, "missing (\N{MULTIPLICATION SIGN})"))):
        x = LEFT + place * 90
        axes.add_patch(Rectangle((x, top), 10, 10, facecolor=color, edgecolor=GRID, linewidth=0.6))
        look: dict[str, Any] = {"ha": "left", "va": "center", "fontsize": 7, "color": MUTED}
        axes.text(x + 15, top + 5, text, **look)


def _list_data(grid: _Grid) -> Iterator[dict[str, Any]]:
    for pattern in grid.patterns[:MOST_PATTERNS]:
        missing = {grid.titles[name]: bool(pattern.gaps[name]) for name in grid.names}
        yield {"patients": pattern.patients, **missing}


def _write_caption(grid: _Grid) -> Iterator[str]:
    yield (
        "Each row is a combination of known and missing values, with its number of patients at the left; "
        "below each column, how many patients lack the value."
    )
    hidden = grid.patterns[MOST_PATTERNS:]
    if hidden:
        patients = sum(pattern.patients for pattern in hidden)
        yield f"{plural(len(hidden), 'rarer combination')} ({plural(patients, 'patient')}) not shown."
    if grid.complete:
        yield f"Known in everybody: {'; '.join(grid.complete)}."


def _describe(grid: _Grid) -> Iterator[str]:
    for pattern in grid.patterns[:MOST_PATTERNS]:
        gaps = [grid.titles[name] for name in grid.names if pattern.gaps[name]]
        yield f"{plural(pattern.patients, 'patient')}: {'; '.join(gaps) if gaps else 'nothing'} missing."
