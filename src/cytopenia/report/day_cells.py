"""Cells of a map of days: boxes, bars and dots by the thousand, drawn as few paths to keep a page small."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cytopenia.report.display import format_number
from cytopenia.report.drawing import FAINT, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "BoxEdges",
    "Grid",
    "Panel",
    "draw_dots",
    "draw_frame",
    "fill",
    "fill_boxes",
    "find_stretches",
    "shrink",
]

MOST_WEEKS = 10

Grid = NDArray[np.int8]
# Left, right, top and bottom: of one box, or of many as arrays.
BoxEdges = tuple[Any, Any, Any, Any]


@dataclass(frozen=True)
class Panel:
    """Place of one lineage on the page, in points; `grid` holds a code per patient and day."""

    analyte: str
    grid: Grid
    first_day: int
    left: float
    top: float
    width: float
    height: float

    @property
    def cell(self) -> tuple[float, float]:
        """Width and height of one cell."""
        return self.width / self.grid.shape[1], self.height / self.grid.shape[0]


def draw_frame(axes: Axes, panel: Panel) -> None:
    """Draw the lines between the days, the frame around them, and the days above and below it."""
    wide, right = panel.cell[0], panel.left + panel.width
    bottom = panel.top + panel.height
    inner = [panel.left + wide * day for day in range(1, panel.grid.shape[1])]
    axes.vlines(inner, panel.top, bottom, color="white", linewidth=0.5, zorder=3)
    across, down = (
        [panel.left, right, right, panel.left, panel.left],
        [panel.top] * 2 + [bottom] * 2 + [panel.top],
    )
    axes.plot(across, down, color=FAINT, linewidth=0.5, zorder=4)
    _draw_days(axes, panel, bottom=bottom)


def _draw_days(axes: Axes, panel: Panel, *, bottom: float) -> None:
    """Print the day above and below every seventh column, every fourteenth of a long map."""
    last_day = panel.first_day + panel.grid.shape[1] - 1
    step = 7 if panel.grid.shape[1] <= 7 * MOST_WEEKS else 14
    look: dict[str, Any] = {"fontsize": 6.5, "ha": "center", "color": MUTED}
    for day in (day for day in range(panel.first_day, last_day + 1) if day % step == 0):
        middle = panel.left + (day - panel.first_day + 0.5) * panel.cell[0]
        for edge, away, align in ((panel.top, -3, "bottom"), (bottom, 3, "top")):
            axes.text(middle, edge + away, format_number(day), va=align, **look)


def draw_dots(axes: Axes, rows: tuple[Any, Any, Any], *, size: float, apart: float) -> None:
    """Draw a dot in the middle of every cell: each stretch is one dashed line, far smaller than its dots."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    left, right, middle = rows
    inset = (apart - size) / 2
    ends = [np.stack([left + inset, middle], axis=-1), np.stack([right - inset, middle], axis=-1)]
    points = np.stack(ends, axis=1).round(2)
    path = Path(points.reshape(-1, 2), np.tile([Path.MOVETO, Path.LINETO], len(points)))
    dashes = (0, (1, apart / size - 1))
    look: dict[str, Any] = {"linewidth": size, "linestyle": dashes, "capstyle": "butt", "clip_on": False}
    axes.add_artist(PathPatch(path, fill=False, edgecolor=MUTED, zorder=2, **look))


def shrink(box: BoxEdges, across: float, down: float) -> BoxEdges:
    """Return a box that is smaller on both sides by so many points."""
    left, right, top, bottom = box
    return left + across, right - across, top + down, bottom - down


def find_stretches(marked: NDArray[np.bool_], *, joined: bool) -> tuple[Any, Any, Any]:
    """Return row, first and one past the last column of every stretch of marked cells, or of every cell."""
    if not joined:
        rows, columns = np.nonzero(marked)
        return rows, columns, columns + 1
    edges = np.diff(np.pad(marked, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    return rows, starts, np.nonzero(edges == -1)[1]


def fill_boxes(axes: Axes, box: BoxEdges, *, color: str) -> None:
    """Fill one box, or many of one color."""
    left, right, top, bottom = box
    fill(axes, [(left, top), (right, top), (right, bottom), (left, bottom)], color=color)


def fill(axes: Axes, corners: Sequence[tuple[Any, Any]], *, color: str) -> None:
    """Draw many polygons of one color as one path, which keeps the SVG small."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    pairs = [np.stack([np.atleast_1d(x), np.atleast_1d(y)], axis=-1) for x, y in corners]
    points: NDArray[np.float64] = np.stack(pairs, axis=1).round(2)
    closed = np.concatenate([points, points[:, :1]], axis=1)
    codes = [Path.MOVETO, *(Path.LINETO for _ in corners[1:]), Path.CLOSEPOLY]
    path = Path(closed.reshape(-1, 2), np.tile(codes, len(points)))
    # add_patch would walk every corner once more to find the limits of the axes, which are fixed here.
    axes.add_artist(PathPatch(path, facecolor=color, edgecolor="none", clip_on=False, snap=False, zorder=2))
