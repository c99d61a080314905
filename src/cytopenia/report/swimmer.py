"""One lane per patient: how long it was followed, the support given, toxicity, recovery and death."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, plural
from cytopenia.report.drawing import (
    FULL_WIDTH,
    GRID,
    INK,
    MUTED,
    POINTS_PER_INCH,
    ReportFigure,
    drawing,
    finish_figure,
    make_canvas,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SWIMMER", "plot_swimmer"]

SWIMMER = "swimmer"
LEFT, RIGHT, KEY, BELOW, LANE, WEEK = 46.0, 14.0, 44.0, 30.0, 7.6, 7
COURSE = "#dfe4e9"
# Each mark has a shape of its own, so that color is never needed to tell them apart.
BARS: dict[str, tuple[str, dict[str, Any], float]] = {
    "gcsf": ("G-CSF", {"facecolor": "#56b4e9", "edgecolor": "none"}, 0.24),
    "tpo_ra": ("TPO-RA", {"facecolor": "white", "edgecolor": "#8a5a83", "hatch": "//////"}, -0.24),
}
MARKS: dict[str, tuple[str, dict[str, Any]]] = {
    "rbc_transfusion": ("red cell transfusion", {"marker": "|", "color": "#b8312a", "markeredgewidth": 1.2}),
    "platelet_transfusion": (
        "platelet transfusion",
        {"marker": "_", "color": "#1c2430", "markeredgewidth": 1.4},
    ),
    "stem_cell_boost": ("stem cell boost", {"marker": "P", "color": "#8a5a83"}),
    "crs": ("CRS", {"marker": "o", "color": INK, "markerfacecolor": "#e69f00", "markeredgewidth": 0.5}),
    "icans": ("ICANS", {"marker": "s", "color": INK, "markerfacecolor": "white", "markeredgewidth": 0.6}),
    "recovery": ("recovery", {"marker": "*", "color": "#00543c"}),
    "recovered_at_landmark": ("recovered at the landmark", {"marker": "*", "color": "#00543c"}),
    "second_infusion": ("second infusion", {"marker": "D", "color": "#0072b2"}),
    "death": ("death", {"marker": "X", "color": INK}),
    "last_contact": (
        "last contact",
        {"marker": "o", "color": INK, "markerfacecolor": "white", "markeredgewidth": 0.6},
    ),
}
SIZES = {
    "rbc_transfusion": 5.0,
    "recovery": 6.2,
    "recovered_at_landmark": 6.2,
    "death": 5.4,
    "last_contact": 3.2,
}
LETTER = 3.7


def plot_swimmer(content: ReportContent) -> ReportFigure | None:
    """Return the lanes of the patients, longest followed first; None without any.

    A lane ends with death, a second infusion or the last contact; an arrow says that it goes on beyond the
    days that the outcomes look at.
    """
    frame = content.figure_frames.get("swimmer", pl.DataFrame())
    if frame.is_empty():
        return None
    with drawing(SWIMMER):
        finished = finish_figure(
            _draw(content, frame),
            SWIMMER,
            title="Support, toxicity and outcome of each patient",
            caption=_write_caption(content, frame),
            description=_describe(frame),
            synthetic=content.synthetic,
        )
    hidden = [] if content.show_patient_ids else ["patient_id"]
    return finished.with_data(frame.drop(hidden).iter_rows(named=True))


def _draw(content: ReportContent, frame: pl.DataFrame) -> Figure:
    lanes = int(str(frame["row"].max()))
    total = KEY + lanes * LANE + BELOW
    figure = make_canvas(total)
    size = ((FULL_WIDTH - LEFT - RIGHT) / FULL_WIDTH, lanes * LANE / total)
    axes = figure.add_axes((LEFT / FULL_WIDTH, BELOW / total, *size))
    last = _find_last_day(frame)
    first = min(0, int(str(frame["start"].min())))
    axes.set(xlim=(first - 1, last + 1.2), ylim=(lanes + 0.5, 0.5))
    axes.set_xticks(range(0, last + 1, WEEK * max(1, last // 100)))
    axes.tick_params(labelsize=6.5, width=0.6, length=3, colors=MUTED)
    axes.tick_params(axis="y", labelsize=6, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("Day from infusion", fontsize=7, color=MUTED, labelpad=2)
    names = frame.unique("row", maintain_order=True).sort("row")
    shown = names["patient_id"].to_list() if content.show_patient_ids else names["row"].to_list()
    axes.set_yticks(names["row"].to_list(), [clean_text(name, longest=10) for name in shown])
    _draw_courses(axes, frame.filter(pl.col("mark") == "course"), last)
    _draw_marks(axes, frame, last)
    _draw_key(figure, frame["mark"].unique().to_list())
    return figure


def _find_last_day(frame: pl.DataFrame) -> int:
    """The last day of the picture: every mark begins before the outcomes stop looking."""
    others = frame.filter(~pl.col("mark").is_in(["course"]))
    ends = frame.filter(pl.col("mark") == "course")["stop"]
    latest = others["start"].max()
    longest = int(str(ends.max()))
    return longest if latest is None else min(longest, max(int(str(latest)), 28))


def _draw_courses(axes: Axes, courses: pl.DataFrame, last: int) -> None:
    stops = courses["stop"].clip(upper_bound=last)
    rows = courses["row"].to_list()
    axes.barh(rows, (stops + 0.5).to_list(), height=0.86, color=COURSE, linewidth=0, zorder=1)
    beyond = courses.filter(pl.col("stop") > last)["row"].to_list()
    arrow: dict[str, Any] = {"linestyle": "none", "marker": ">", "color": MUTED, "clip_on": False}
    axes.plot([last + 1.1] * len(beyond), beyond, markersize=2.6, zorder=2, **arrow)


def _draw_marks(axes: Axes, frame: pl.DataFrame, last: int) -> None:
    for kind, (_, look, shift) in BARS.items():
        part = frame.filter(pl.col("mark") == kind, pl.col("start") <= last)
        stops = part["stop"].fill_null(part["start"]).clip(upper_bound=last)
        widths = (stops - part["start"] + 0.9).to_list()
        rows = [row + shift for row in part["row"].to_list()]
        lefts = (part["start"] - 0.45).to_list()
        axes.barh(rows, widths, left=lefts, height=0.36, linewidth=0.3, zorder=2, **look)
    for kind, (_, look) in MARKS.items():
        part = frame.filter(pl.col("mark") == kind, pl.col("start") <= last)
        style: dict[str, Any] = {"linestyle": "none", "markersize": SIZES.get(kind, 3.8), "clip_on": False}
        axes.plot(part["start"].to_list(), part["row"].to_list(), zorder=3, **style, **look)


def _draw_key(figure: Figure, present: Sequence[str]) -> None:
    """The marks that occur, in as many lines as they need above the lanes."""
    from matplotlib.patches import Rectangle

    left, line = 8.0 - LEFT, 0
    share = KEY / (float(figure.get_size_inches()[1]) * POINTS_PER_INCH)
    look: dict[str, Any] = {"fontsize": 6.5, "va": "center", "color": INK}
    parts = [*((name, BARS[name][0]) for name in BARS), *((name, MARKS[name][0]) for name in MARKS)]
    legend = figure.add_axes((0, 1 - share, 1, share))
    legend.set(xlim=(-LEFT, FULL_WIDTH - LEFT), ylim=(KEY, 0))
    legend.axis("off")
    for name, text in (part for part in parts if part[0] in present):
        need = 16 + LETTER * len(text)
        if left + need > FULL_WIDTH - LEFT - 90 and line == 0:
            left, line = 8.0 - LEFT, 1
        middle = 12.0 + 13 * line
        if name in BARS:
            legend.add_patch(Rectangle((left - 4, middle - 2), 9, 4, linewidth=0.3, **BARS[name][1]))
        else:
            size: dict[str, Any] = {"linestyle": "none", "markersize": SIZES.get(name, 3.8)}
            legend.plot([left], [middle], **size, **MARKS[name][1])
        legend.text(left + 8, middle, text, **look)
        left += need + 6


def _write_caption(content: ReportContent, frame: pl.DataFrame) -> str:
    shown = frame["patient_id"].n_unique()
    everyone = max(content.patients, shown)
    cut = f" Only {shown} of {plural(everyone, 'patient')} are drawn, evenly picked by length."
    is_open = frame.filter(pl.col("mark").is_in([*BARS]), pl.col("stop").is_null()).height
    stops = " Support whose stop was not recorded is drawn for its first day." if is_open else ""
    return (
        f"{plural(shown, 'patient')}, one lane each, longest followed first. Gray: followed, up to death, a"
        " second infusion or last contact, else the last blood count; an arrow where it goes on. CRS and"
        f" ICANS stand on the day of each recorded grade.{_tell_recovery(frame)}"
        f"{stops}{cut if shown < everyone else ''}"
    )


def _tell_recovery(frame: pl.DataFrame) -> str:
    marks = set(frame["mark"].unique())
    if "recovery" in marks:
        return " Recovery is the day of the first outcome of the protocol that asks for one."
    return (
        " Recovered is who was so by the first outcome of recovery."
        if "recovered_at_landmark" in marks
        else ""
    )


def _describe(frame: pl.DataFrame) -> str:
    words = {name: part[0] for name, part in BARS.items()} | {name: part[0] for name, part in MARKS.items()}
    counts = frame.group_by("mark").agg(pl.col("patient_id").n_unique().alias("patients"))
    found = dict(counts.iter_rows())
    told = [f"{text}: {plural(found[name], 'patient')}" for name, text in words.items() if name in found]
    return f"{plural(found.get('course', 0), 'lane')}. {'; '.join(told)}."
