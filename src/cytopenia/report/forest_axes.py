"""Odds ratios on a log axis: the parts that every forest plot is made of."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cytopenia.report.display import clean_text
from cytopenia.report.drawing import FAINT, INK, MUTED
from cytopenia.report.lookup import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "REFERENCE",
    "ForestRow",
    "choose_limits",
    "choose_ticks",
    "draw_forest",
    "list_estimate",
    "write_labels",
]

# Points that a letter takes: of a title in bold, of the name of a line.
TITLE_LETTER, LABEL_LETTER = 4.7, 3.9
# An axis reaches so many times beyond the outermost odds ratio, and no further; an arrow says the rest.
FARTHEST = 20.0
NARROW = 4.0
# What stands in the place of an odds ratio.
REFERENCE = "reference"
ABSENT_WORDS = {"not_done": "not modeled", "not_estimable": "not estimable", REFERENCE: "1 (reference)"}


@dataclass(frozen=True)
class ForestRow:
    """One line of a forest plot: a number of any kind, or nothing where the line is only a heading."""

    found: Estimate | None
    is_square: bool = False
    is_heading: bool = False


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


def draw_forest(
    axes: Axes, rows: Sequence[ForestRow], *, title: str, limits: tuple[float, float] | None
) -> None:
    """Draw odds ratios with their intervals from top to bottom, and a line at 1."""
    signs = int(axes.bbox.width / axes.figure.dpi * 72 / TITLE_LETTER)
    lines = textwrap.wrap(title, signs, max_lines=2, placeholder=" …")
    axes.set_title("\n".join(lines), loc="left", fontsize=7.5, fontweight="bold", pad=4)
    low, high = limits or (0.5, 2.0)
    room = (high / low) ** 0.04
    axes.set_xscale("log")
    axes.set(xlim=(low / room, high * room), ylim=(len(rows) - 0.5, -0.5))
    ticks = list(choose_ticks(low, high))
    axes.set_xticks(ticks, [f"{tick:.15g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks([])
    axes.tick_params(labelsize=6.5, width=0.6, length=3, colors=MUTED)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.axvline(1, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    for place, row in enumerate(rows):
        if not row.is_heading:
            _draw_estimate(axes, row, place, (low / room, high * room))


def choose_ticks(low: float, high: float) -> Iterator[float]:
    """Yield 1 and a few round numbers inside the axis.

    Examples
    --------
    >>> list(choose_ticks(0.2, 30.0))
    [0.3, 1.0, 3.0, 10.0, 30.0]
    """
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


def _draw_estimate(axes: Axes, row: ForestRow, place: int, ends: tuple[float, float]) -> None:
    found = row.found
    if found is None or found.value is None:
        text = ABSENT_WORDS.get("" if found is None else found.status, "no odds ratio")
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
    marker = "s" if row.is_square else "o"
    axes.plot([found.value], [place], marker=marker, color=INK, markersize=4.2, zorder=3)


def list_estimate(found: Estimate | None) -> dict[str, Any]:
    """Return what a line shows as the data of a figure: value, limits, and why there is none."""
    if found is None:
        return {"value": None, "low": None, "high": None, "status": "not_done"}
    return {"value": found.value, "low": found.low, "high": found.high, "status": found.status}


def write_labels(axes: Axes, titles: Sequence[str], *, bold: Sequence[bool], room: float) -> None:
    """Write the name of each line to the left of the axes, where there is so much room in points."""
    look: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": 7, "color": INK, "linespacing": 1.05}
    signs = int((room - 10) / LABEL_LETTER)
    for place, title in enumerate(titles):
        lines = textwrap.wrap(clean_text(title), signs, max_lines=2, placeholder=" …")
        axes.annotate(
            "\n".join(lines),
            (0, place),
            xycoords=axes.get_yaxis_transform(),
            xytext=(-8, 0),
            textcoords="offset points",
            annotation_clip=False,
            fontweight="bold" if bold[place] else "normal",
            **look,
        )
