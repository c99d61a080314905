"""The study and published cohorts on one axis of percentages, with summaries and prediction intervals."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cytopenia.report.content import ReportContent
from cytopenia.report.display import format_number, format_percent, format_range
from cytopenia.report.drawing import (
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
from cytopenia.report.forest_axes import list_estimate, write_labels
from cytopenia.report.lookup import Estimate
from cytopenia.report.published_cells import STUDY, SUMMARY, PublishedPart, read_published
from cytopenia.report.side_by_side_cells import draw_id

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_published_forest"]

FOREST = "forest"
WIDTH = FULL_WIDTH
LABEL, NUMBERS, TOP, ROW, BELOW = 186.0, 116.0, 18.0, 18.0, 32.0
BOUNDS_COLOR = "#c3d3e2"
HEADING_SIGNS = 104
TICKS = (0, 20, 40, 60, 80, 100)

Mark = Literal["heading", "study", "cohort", "summary", "prediction"]


@dataclass(frozen=True)
class _Line:
    """One line of the figure; `ends` are the bounds of the study, or the prediction interval."""

    title: str
    mark: Mark
    found: Estimate | None = None
    ends: tuple[float, float] | None = None
    count: str = ""


def plot_published_forest(content: ReportContent, analysis_id: str) -> ReportFigure | None:
    """Return the forest plot of an analysis; None where it has no rows."""
    lines = [line for part in read_published(content, analysis_id) for line in _list_lines(part)]
    if not lines:
        return None
    name = draw_id(FOREST, analysis_id)
    with drawing(name):
        finished = finish_figure(
            _draw(lines),
            name,
            title="This study and published cohorts",
            caption=_write_caption(lines),
            description=" ".join(_describe(lines)),
            synthetic=content.synthetic,
        )
    return finished.with_data(_list_data(lines))


def _list_lines(part: PublishedPart) -> Iterator[_Line]:
    yield _Line(part.title, "heading")
    yield _Line("This study", "study", _widen(part), _find_bounds(part), _count(part, STUDY))
    for address, label in part.labels.items():
        found = part.find(address, "percent")
        yield _Line(label, "cohort", found, count=_count(part, address))
    mean, ahead = part.find(SUMMARY, "percent"), part.find(SUMMARY, "prediction")
    if mean is not None and mean.value is not None:
        yield _Line("Summary", "summary", mean)
    if ahead is not None and ahead.low is not None and ahead.high is not None:
        yield _Line("Prediction interval", "prediction", ends=(ahead.low, ahead.high))


def _find_bounds(part: PublishedPart) -> tuple[float, float] | None:
    values = [
        one.value
        for scenario in ("best", "worst")
        if (one := part.find(STUDY, "percent", scenario=scenario)) is not None and one.value is not None
    ]
    return (min(values), max(values)) if len(values) == 2 else None


def _widen(part: PublishedPart) -> Estimate | None:
    """The percentage of the study; where there is none, the interval from the lower to the upper bound's."""
    own = part.find(STUDY, "percent")
    if own is None or own.value is not None:
        return own
    cases = [part.find(STUDY, "percent", scenario=scenario) for scenario in ("best", "worst")]
    lows = [one.low for one in cases if one is not None and one.low is not None]
    highs = [one.high for one in cases if one is not None and one.high is not None]
    if not lows or not highs:
        return own
    return Estimate(None, "", own.status, own.note, low=min(lows), high=max(highs))


def _count(part: PublishedPart, variable: str) -> str:
    return "/".join(format_number(part.value(variable, name)) for name in ("count", "denominator"))


def _draw(lines: Sequence[_Line]) -> Figure:
    inner = len(lines) * ROW
    height = TOP + inner + BELOW
    figure = make_canvas(height)
    side = WIDTH - LABEL - NUMBERS
    axes = figure.add_axes((LABEL / WIDTH, BELOW / height, side / WIDTH, inner / height))
    axes.set(xlim=(0, 100), ylim=(len(lines) - 0.5, -0.5))
    axes.set_xticks(TICKS, [f"{tick}%" for tick in TICKS])
    axes.set_yticks([])
    axes.tick_params(labelsize=6.5, width=0.6, length=3, colors=MUTED)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel("Patients with the event", fontsize=6.5)
    for tick in TICKS:
        axes.axvline(tick, color=GRID, linewidth=0.6, zorder=0)
    labels = ["" if line.mark == "heading" else line.title for line in lines]
    bold = [line.mark in {"study", "summary"} for line in lines]
    write_labels(axes, labels, bold=bold, room=LABEL)
    for place, line in enumerate(lines):
        _draw_line(axes, line, place)
    return figure


def _draw_line(axes: Axes, line: _Line, place: int) -> None:
    if line.mark == "heading":
        _write_heading(axes, line.title, place)
        return
    if line.mark == "prediction":
        if line.ends is not None:
            axes.plot(line.ends, [place, place], color=LINE, linewidth=1.1, linestyle=(0, (3, 2)))
    elif line.mark == "summary":
        _draw_diamond(axes, line.found, place)
    else:
        _draw_cohort(axes, line, place)
    look: dict[str, Any] = {"va": "center", "fontsize": 6, "color": INK, "annotation_clip": False}
    text = "  ".join(filter(None, (line.count, _say(line))))
    axes.annotate(
        text,
        (1, place),
        xycoords=axes.get_yaxis_transform(),
        xytext=(8, 0),
        textcoords="offset points",
        **look,
    )


def _write_heading(axes: Axes, title: str, place: int) -> None:
    look: dict[str, Any] = {"va": "center", "ha": "left", "fontsize": 7, "fontweight": "bold", "color": INK}
    shown = title if len(title) <= HEADING_SIGNS else f"{title[: HEADING_SIGNS - 2]} …"
    axes.annotate(
        shown,
        (0, place),
        xycoords=axes.get_yaxis_transform(),
        xytext=(12 - LABEL, 0),
        textcoords="offset points",
        annotation_clip=False,
        **look,
    )


def _draw_cohort(axes: Axes, line: _Line, place: int) -> None:
    """A square for the study on its bounds, a dot for a cohort; an open dot where no count is known."""
    found, is_study = line.found, line.mark == "study"
    if line.ends is not None and line.ends[0] < line.ends[1]:
        axes.plot(line.ends, [place, place], color=BOUNDS_COLOR, linewidth=7, solid_capstyle="butt", zorder=1)
    if found is None:
        return
    if found.low is not None and found.high is not None:
        ends = [found.low, found.high]
        axes.plot(ends, [place, place], color=INK, linewidth=1.1, solid_capstyle="butt", zorder=2)
    if found.value is not None:
        is_open = found.low is None
        look: dict[str, Any] = {"markersize": 4.6 if is_study else 4.2, "zorder": 3, "clip_on": False}
        look |= {"color": LINE if is_study else INK, "markerfacecolor": "white" if is_open else None}
        axes.plot([found.value], [place], marker="s" if is_study else "o", **look)


def _draw_diamond(axes: Axes, found: Estimate | None, place: int) -> None:
    from matplotlib.patches import Polygon

    if found is None or found.value is None or found.low is None or found.high is None:
        return
    corners = [
        (found.low, place),
        (found.value, place - 0.3),
        (found.high, place),
        (found.value, place + 0.3),
    ]
    axes.add_patch(Polygon(corners, closed=True, facecolor=LINE, edgecolor="none", zorder=2))


def _say(line: _Line) -> str:
    if line.mark == "prediction" and line.ends is not None:
        return f"{format_range(*line.ends, 1)}%"
    found = line.found
    if found is None or found.value is None:
        bounds = line.ends
        return f"bounds {format_range(*bounds, 1)}%" if bounds is not None else ""
    if found.low is None or found.high is None:
        return f"{found.value:g}% as printed"
    return f"{format_percent(found.value)} ({format_range(found.low, found.high, 1)})"


def _list_data(lines: Sequence[_Line]) -> Iterator[dict[str, Any]]:
    heading = ""
    for line in lines:
        if line.mark == "heading":
            heading = line.title
            continue
        ends = line.ends or (None, None)
        numbers = list_estimate(line.found)
        bounds = {"bound_low": ends[0], "bound_high": ends[1], "count": line.count}
        yield {"part": heading, "line": line.title, "mark": line.mark, **numbers, **bounds}


def _write_caption(lines: Sequence[_Line]) -> str:
    text = (
        "Square: this study; its pale bar: bounds from unmeasured days and patients who could not be judged. "
        "Without a square somebody could not be judged, and the line reaches from the interval of the lower "
        "bound to that of the upper. Dot: a published cohort; open and without a line: a percentage as "
        "printed, whose count is not known. Line: Wilson's 95% confidence interval."
    )
    if any(line.mark == "summary" for line in lines):
        text += (
            " Diamond: mean of the cohorts of one definition with its 95% confidence interval. Dashed: "
            "prediction interval of one further cohort."
        )
    return text


def _describe(lines: Sequence[_Line]) -> Iterator[str]:
    for line in lines:
        told = " ".join(filter(None, (line.count, _say(line))))
        yield f"{line.title}." if line.mark == "heading" else f"{line.title}: {told}."
