"""Pictures of what was measured and how the values lie, for the page of `check`."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cytopenia.contract.data_quality import DataQuality
from cytopenia.report.day_cells import (
    Grid,
    Panel,
    draw_dots,
    draw_frame,
    fill,
    fill_boxes,
    find_stretches,
    shrink,
)
from cytopenia.report.display import clean_text, format_days, format_number, format_percent, plural
from cytopenia.report.drawing import (
    FAINT,
    FULL_WIDTH,
    GRID,
    INK,
    LINE,
    MUTED,
    ReportFigure,
    drawing,
    finish_figure,
    page_axes,
)
from cytopenia.report.quality_content import QualityContent, list_analytes, name_analyte

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_covered_days", "plot_day_maps"]

LABEL_WIDTH, PANEL_GAP, RIGHT = 44.0, 12.0, 4.0
LEGEND, HEADING, BELOW = 34.0, 32.0, 22.0
TALL, LABEL_HEIGHT, NARROWEST = 430.0, 6.8, 2.2
BAND_HEIGHT = 74.0

STATES = {"measured": 0, "short_gap": 1, "open": 2}
NOTHING = -1
# Shades of the share that was measured; lightness falls, so that the order survives gray print.
SHADES = ("#ffffff", "#d3e2ee", "#94b9d6", "#4f86b3", "#1f4e79")
SHADE_LABELS = ("none", "up to 25%", "up to 50%", "up to 75%", "more")
SHADE_ENDS = (0.0, 25.0, 50.0, 75.0)


@dataclass(frozen=True, kw_only=True)
class _Look:
    """How panels are drawn: height of a row, its cells, the key above, every which column is named."""

    row: float
    draw: Callable[[Axes, Panel], None]
    key: Callable[[Axes], None]
    step: int | None = None
    labels: Sequence[str] = ()


def plot_covered_days(content: QualityContent) -> ReportFigure | None:
    """Return how many percent were measured on each day, one band per lineage; None without patients."""
    quality = content.quality
    if not quality.has_days:
        return None
    analytes = list_analytes(quality.covered_days)
    name = "covered-days"
    with drawing(name):
        figure, axes = page_axes(LEGEND + len(analytes) * (BAND_HEIGHT + HEADING + BELOW - 6))
        _draw_key(axes, {"measured": LINE, "in a short gap": FAINT, "open: nobody looked": "white"})
        for place, analyte in enumerate(analytes):
            days = quality.covered_days.filter(pl.col("analyte") == analyte)
            _draw_band(
                axes, analyte, days, top=LEGEND + HEADING + place * (BAND_HEIGHT + HEADING + BELOW - 6)
            )
        finished = finish_figure(
            figure,
            name,
            title="Percent of patients by day",
            caption="Of the patients at risk on each day. A short gap lies between two close "
            "measurements, so that "
            "its counts are bounded; of an open day nothing is known. The gray line is day 0.",
            description=" ".join(_describe_covered(quality)),
            synthetic=content.synthetic,
        )
    return replace(finished, data=quality.covered_days)


def _describe_covered(quality: DataQuality) -> Iterator[str]:
    for row in quality.covered.iter_rows(named=True):
        if row["at_risk"]:
            parts = ((row["percent_measured"], "measured"), (row["percent_short_gap"], "in short gaps"))
            told = ", ".join(f"{format_percent(percent)} {word}" for percent, word in parts)
            yield (
                f"{name_analyte(row['analyte'])}: {plural(row['at_risk'], 'patient-day')} at risk, {told}, "
                f"{format_percent(row['percent_open'])} open."
            )


def _draw_band(axes: Axes, analyte: str, days: pl.DataFrame, *, top: float) -> None:
    width = FULL_WIDTH - LABEL_WIDTH - RIGHT
    cell = width / days.height
    bottom = top + BAND_HEIGHT
    axes.text(LABEL_WIDTH, top - 6, name_analyte(analyte), fontsize=8, fontweight="bold", va="bottom")
    measured = days["percent_measured"].fill_null(0).to_numpy()
    filled = measured + days["percent_short_gap"].fill_null(0).to_numpy()
    left = LABEL_WIDTH + np.arange(days.height) * cell
    for low, high, color in ((0 * measured, measured, LINE), (measured, filled, FAINT)):
        tops, bottoms = (bottom - part / 100 * BAND_HEIGHT for part in (high, low))
        # Neighbors touch: a hairline of background between them would look like a gap.
        fill_boxes(axes, (left, left + cell + 0.05, tops, bottoms), color=color)
    for percent in (0, 25, 50, 75, 100):
        at = bottom - percent / 100 * BAND_HEIGHT
        axes.plot([LABEL_WIDTH, LABEL_WIDTH + width], [at, at], color=GRID, linewidth=0.5, zorder=3)
        look: dict[str, Any] = {"fontsize": 6.5, "ha": "right", "va": "center", "color": MUTED}
        axes.text(LABEL_WIDTH - 4, at, f"{percent}%", **look)
    _draw_day_axis(axes, days["day"].to_list(), (LABEL_WIDTH, cell), bounds=(top, bottom))


def _draw_day_axis(
    axes: Axes, days: Sequence[int], across: tuple[float, float], *, bounds: tuple[float, float]
) -> None:
    """Print every seventh or fourteenth day below, and a line at day 0."""
    left, cell = across
    step = next(step for step in (7, 14, 28, 56, 112) if cell * step >= 18)
    for place, day in enumerate(days):
        middle = left + (place + 0.5) * cell
        if day % step == 0:
            look: dict[str, Any] = {"fontsize": 6.5, "ha": "center", "va": "top", "color": MUTED}
            axes.text(middle, bounds[1] + 4, format_number(day), **look)
        if day == 0:
            axes.plot([middle, middle], bounds, color=MUTED, linewidth=0.6, zorder=4, dashes=(2, 2))


def plot_day_maps(content: QualityContent) -> list[ReportFigure]:
    """Return the maps of patients by days, best covered patients first; of a large cohort by groups and "
    "weeks.

    One figure where the lineages fit side by side, else one for each.
    """
    quality = content.quality
    if not quality.has_days:
        return []
    if quality.patient_days.is_empty():
        return [] if quality.group_weeks.is_empty() else [_plot_groups(content)]
    analytes = list_analytes(quality.patient_days)
    days = quality.last_day - quality.first_day + 1
    room = FULL_WIDTH - LABEL_WIDTH - RIGHT - PANEL_GAP * (len(analytes) - 1)
    if room / (days * len(analytes)) >= NARROWEST:
        return [_plot_days(content, analytes)]
    return [_plot_days(content, [analyte]) for analyte in analytes]


def _plot_days(content: QualityContent, analytes: Sequence[str]) -> ReportFigure:
    quality = content.quality
    labels = quality.covered_patients.unique("place", maintain_order=True)["patient_id"].to_list()
    shown = [clean_text(one, longest=14) for one in labels] if content.show_patient_ids else []
    names = "-".join(analytes)
    grids = {name: _read_grid(quality, name, len(labels)) for name in analytes}
    high = float(np.clip(TALL / len(labels), 2.4, 9.0))
    whose = "" if len(analytes) > 1 else f", {name_analyte(analytes[0])}"
    figure = _draw_panels(
        f"day-coverage-{names}",
        grids,
        quality.first_day,
        look=_Look(row=high, draw=_draw_states, key=_draw_state_key, labels=shown),
        title=f"Coverage: one row per patient, one column per day{whose}",
        caption=f"{plural(len(labels), 'patient')}, {format_days(quality.first_day, quality.last_day)}; "
        f"the same "
        "row is the same patient in every panel. Sorted by the percent of days at risk with a value, "
        "over all "
        "lineages. Filled: measured. Bar: in a short gap. Dot: open. Blank: not at risk.",
        description=" ".join(_describe_covered(quality)),
        synthetic=content.synthetic,
    )
    return replace(figure, data=quality.patient_days.filter(pl.col("analyte").is_in(analytes)))


def _read_grid(quality: DataQuality, analyte: str, patients: int) -> Grid:
    width = quality.last_day - quality.first_day + 1
    grid = np.full((patients, width), NOTHING, dtype=np.int8)
    days = quality.patient_days.filter(pl.col("analyte") == analyte)
    codes = days["state"].replace_strict(STATES, return_dtype=pl.Int8)
    places = days["place"].cast(pl.Int64) - 1
    grid[places.to_numpy(), (days["day"] - quality.first_day).to_numpy()] = codes.to_numpy()
    return grid


def _plot_groups(content: QualityContent) -> ReportFigure:
    quality = content.quality
    weeks = quality.group_weeks
    grids = {name: _read_shades(weeks.filter(pl.col("analyte") == name)) for name in list_analytes(weeks)}
    sizes = weeks["patients"].unique().sort().to_list()
    group = f"{sizes[0]} or {sizes[-1]} patients" if len(sizes) > 1 else plural(sizes[0], "patient")
    first = weeks["first_day"].min()
    figure = _draw_panels(
        "week-coverage",
        grids,
        int(str(first)) // 7,
        look=_Look(
            row=6.0,
            draw=_draw_shades,
            key=lambda axes: _draw_key(axes, dict(zip(SHADE_LABELS, SHADES, strict=True))),
            step=2,
        ),
        title="Coverage: one row per group of patients, one column per week",
        caption=f"Each row stands for {group} alike in coverage, sorted by the percent of days at risk "
        f"with a "
        "value, over all lineages. Shade: percent of the patient-days at risk in the week that were "
        "measured. "
        "Weeks count from day 0. Slanted line: nobody at risk.",
        description=" ".join(_describe_covered(quality)),
        synthetic=content.synthetic,
    )
    return replace(figure, data=weeks)


def _read_shades(weeks: pl.DataFrame) -> Grid:
    """The shade of each group and week: 0 where nothing was measured, one more for each quarter."""
    percent = weeks["percent_measured"]
    codes = np.searchsorted(SHADE_ENDS, percent.fill_null(0).to_numpy(), side="left").astype(np.int8)
    codes[percent.is_null().to_numpy()] = NOTHING
    return codes.reshape(weeks["place"].n_unique(), -1)


def _draw_panels(
    name: str, grids: Mapping[str, Grid], first: int, *, look: _Look, **described: Any
) -> ReportFigure:
    """Draw panels side by side with the same rows; columns are days or weeks from the first on."""
    rows = len(next(iter(grids.values())))
    room = FULL_WIDTH - LABEL_WIDTH - RIGHT - PANEL_GAP * (len(grids) - 1)
    width, height, top = room / len(grids), look.row * rows, LEGEND + HEADING
    with drawing(name):
        figure, axes = page_axes(top + height + BELOW)
        look.key(axes)
        for place, (analyte, grid) in enumerate(grids.items()):
            left = LABEL_WIDTH + place * (width + PANEL_GAP)
            panel = Panel(analyte, grid, first, left, top, width, height)
            axes.text(left, top - 16, name_analyte(analyte), fontsize=8, fontweight="bold", va="bottom")
            look.draw(axes, panel)
            draw_frame(axes, panel, step=look.step)
        _draw_row_labels(axes, look.labels, rows, top=top, row=look.row)
        return finish_figure(figure, name, **described)


def _draw_row_labels(axes: Axes, labels: Sequence[str], rows: int, *, top: float, row: float) -> None:
    step = int(np.ceil(LABEL_HEIGHT / row))
    look: dict[str, Any] = {"fontsize": 6, "ha": "right", "va": "center_baseline", "color": MUTED}
    for place in range(0, rows, step):
        text = labels[place] if labels else str(place + 1)
        axes.text(LABEL_WIDTH - 4, top + (place + 0.5) * row, text, **look)


def _draw_states(axes: Axes, panel: Panel) -> None:
    wide, high = panel.cell
    for state, code in STATES.items():
        rows, starts, stops = find_stretches(panel.grid == code, joined=True)
        if not rows.size:
            continue
        box = (
            panel.left + starts * wide,
            panel.left + stops * wide,
            panel.top + rows * high,
            panel.top + (rows + 1) * high,
        )
        if state == "measured":
            fill_boxes(axes, shrink(box, 0, min(0.25, high * 0.08)), color=LINE)
        elif state == "short_gap":
            fill_boxes(axes, shrink(box, 0, high * 0.36), color=FAINT)
        else:
            middle = (box[2] + box[3]) / 2
            draw_dots(axes, (box[0], box[1], middle), size=min(wide, high) * 0.22, apart=wide)


def _draw_shades(axes: Axes, panel: Panel) -> None:
    wide, high = panel.cell
    for code in [int(one) for one in np.unique(panel.grid)]:
        rows, starts, stops = find_stretches(panel.grid == code, joined=True)
        left, right = panel.left + starts * wide, panel.left + stops * wide
        top, bottom = panel.top + rows * high, panel.top + (rows + 1) * high
        if code == NOTHING:
            # A slanted line, as color alone would look like "none measured".
            fill(axes, [(left, bottom), (left + 0.6, bottom), (right, top), (right - 0.6, top)], color=FAINT)
        else:
            fill_boxes(axes, (left, right, top, bottom), color=SHADES[code])


def _draw_key(axes: Axes, colors: Mapping[str, str]) -> None:
    left, top, size = LABEL_WIDTH, 14.0, 9.0
    for label, color in colors.items():
        fill_boxes(axes, (left, left + size, top, top + size), color=color)
        across, down = [left, left + size, left + size, left, left], [top, top, top + size, top + size, top]
        axes.plot(across, down, color=INK, linewidth=0.4)
        axes.text(left + size + 5, top + size / 2, label, fontsize=7.5, va="center")
        left += 40 + 4.2 * len(label)


def _draw_state_key(axes: Axes) -> None:
    left, top, size = LABEL_WIDTH, 14.0, 9.0
    middle = top + size / 2
    for across, label in ((0, "measured"), (80, "in a short gap"), (180, "open"), (240, "not at risk")):
        axes.text(left + across + size + 5, middle, label, fontsize=7.5, va="center")
    fill_boxes(axes, (left, left + size, top, top + size), color=LINE)
    fill_boxes(axes, (left + 78, left + 80 + size, middle - 1.2, middle + 1.2), color=FAINT)
    dot = left + 180 + size / 2
    fill_boxes(axes, (dot - 0.9, dot + 0.9, middle - 0.9, middle + 0.9), color=MUTED)
    at = left + 240
    across, down = [at, at + size, at + size, at, at], [top, top, top + size, top + size, top]
    axes.plot(across, down, color=INK, linewidth=0.4)
