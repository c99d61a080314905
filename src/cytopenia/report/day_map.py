"""The patient-by-day map: what was measured, how severe it was, and what nobody looked at."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cytopenia.report.cells import analyte_title
from cytopenia.report.content import ReportContent
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
from cytopenia.report.display import clean_text, plural
from cytopenia.report.drawing import (
    FAINT,
    FULL_WIDTH,
    GRADE_COLORS,
    INK,
    MUTED,
    ReportFigure,
    drawing,
    finish_figure,
    page_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MOST_PATIENTS", "plot_day_map", "rank_patients"]

DAY_MAP = "day-map"
MOST_PATIENTS = 150
LABEL_WIDTH, PANEL_GAP = 44.0, 10.0
TOP, BOTTOM, LEGEND_HEIGHT = 34.0, 20.0, 50.0
# Rows fill so many points where they can; a label needs so many.
TALL, LABEL_HEIGHT = 480.0, 6.8

MOST_COLUMNS = 120

NOTHING, UNGRADED_CODE, WBC, SHORT_GAP, OPEN = -1, 5, 10, 20, 21


def plot_day_map(content: ReportContent, *, most: int = MOST_PATIENTS) -> ReportFigure | None:
    """Return the patient-by-day map, one panel per lineage with the same patients in the same rows.

    Rows are sorted by the number of days at grade 4, then 3, 2, 1, over all lineages; of a
    cohort larger than `most` only the first are drawn, and the caption says so. None without days.
    """
    frame = content.patient_days
    if frame.is_empty():
        return None
    ranked = rank_patients(frame)
    shown = ranked[:most]
    title = "What was measured: one row per patient, one column per day"
    caption = _caption(len(shown), len(ranked), total=content.patients)
    with drawing(DAY_MAP):
        panels, height = _lay_out(content, shown)
        figure = _draw(content, shown, panels=panels, height=height)
        description = " ".join(_describe(content, panel) for panel in panels)
        described = {"title": title, "caption": caption, "description": description}
        finished = finish_figure(figure, DAY_MAP, **described, synthetic=content.synthetic)
    return replace(finished, data=_list_data(content, shown))


def _list_data(content: ReportContent, shown: Sequence[str]) -> pl.DataFrame:
    """The days of those drawn in the order of the rows, by id or by rank as the map names them."""
    ranks = pl.DataFrame({"patient_id": list(shown), "row": range(1, len(shown) + 1)})
    days = content.patient_days.join(ranks.cast({"patient_id": pl.String}), on="patient_id")
    named = ["row", "patient_id"] if content.show_patient_ids else ["row"]
    return days.sort("row", maintain_order=True).select(*named, "analyte", "day", "state", "grade")


def rank_patients(patient_days: pl.DataFrame) -> list[str]:
    """Return the patients with the most days at the highest grades first; ties by id.

    A day counts if it was measured, or if its leukocyte count alone reaches the grade.
    """
    is_seen = pl.col("state").is_in(["measured", "wbc_bound"])
    grades = range(len(GRADE_COLORS) - 1, 0, -1)
    counts = patient_days.group_by("patient_id").agg(
        *((is_seen & (pl.col("grade") == grade)).sum().alias(f"days_{grade}") for grade in grades)
    )
    keys = [f"days_{grade}" for grade in grades]
    ordered = counts.sort([*keys, "patient_id"], descending=[*(True for _ in keys), False])
    return ordered["patient_id"].to_list()


def _caption(shown: int, ranked: int, *, total: int) -> str:
    everyone = max(ranked, total)
    cut = f" Only {shown} of {plural(everyone, 'patient')} are drawn, those with the highest grades."
    return (
        f"{plural(shown, 'patient')}; the same row is the same patient in every panel. "
        "Rows are sorted by days at grade 4, then 3, 2, 1, over all lineages. "
        "Color: grade of the measured value; ring: measured, not judged. Triangle: only a leukocyte count, "
        "which bounds the neutrophils from above; its color is the grade that this bound reaches, gray if "
        "it reaches none. Bar: unmeasured, short gap. Dot: unmeasured, open. Blank: not at risk."
        f"{cut if shown < everyone else ''}"
    )


def _read_grid(frame: pl.DataFrame, patients: Sequence[str], days: range) -> Grid:
    grid = np.full((len(patients), len(days)), NOTHING, dtype=np.int8)
    places = pl.DataFrame({"patient_id": patients, "place": np.arange(len(patients))})
    known = frame.join(places.cast({"patient_id": pl.String}), on="patient_id", how="inner")
    grade = pl.col("grade").cast(pl.Int64).fill_null(UNGRADED_CODE)
    code = (
        pl.when(pl.col("state") == "measured")
        .then(grade)
        .when(pl.col("state") == "wbc_bound")
        .then(grade + WBC)
        .otherwise(pl.col("state").replace_strict(["short_gap", "open"], [SHORT_GAP, OPEN], default=NOTHING))
    )
    columns = known.select("place", pl.col("day").cast(pl.Int64) - days.start, code.alias("code"))
    grid[columns["place"].to_numpy(), columns["day"].to_numpy()] = columns["code"].to_numpy()
    return grid


def _read_panels(frame: pl.DataFrame, patients: Sequence[str]) -> dict[str, tuple[int, Grid]]:
    """Return first day and grid of every analyte, each over its own days, in the order of the days."""
    panels = dict[str, tuple[int, Grid]]()
    for (name,), part in frame.partition_by("analyte", as_dict=True, maintain_order=True).items():
        days = part["day"].cast(pl.Int64)
        first, last = int(str(days.min())), int(str(days.max()))
        panels[str(name)] = (first, _read_grid(part, patients, range(first, last + 1)))
    return panels


def _lay_out(content: ReportContent, patients: Sequence[str]) -> tuple[list[Panel], float]:
    """Return the panels and the height of the page: side by side for a month, stacked for longer."""
    read = _read_panels(content.patient_days, patients)
    widths = [grid.shape[1] for _, grid in read.values()]
    side_by_side = sum(widths) <= MOST_COLUMNS
    room = FULL_WIDTH - 4 - LABEL_WIDTH - (PANEL_GAP * (len(read) - 1) if side_by_side else 0)
    cell = max(1.0, min(8.0, np.floor(room / (sum(widths) if side_by_side else max(widths)) * 4) / 4))
    height = float(np.clip(TALL / max(len(patients), 1), 3.2, 9)) * len(patients)
    panels = list[Panel]()
    left, top = LABEL_WIDTH, LEGEND_HEIGHT + TOP
    for (name, (first, grid)), width in zip(read.items(), widths, strict=True):
        panels.append(Panel(name, grid, first, left, top, cell * width, height))
        left += (cell * width + PANEL_GAP) if side_by_side else 0
        top += 0 if side_by_side else height + TOP + BOTTOM
    return panels, panels[-1].top + height + BOTTOM + 6


def _draw(
    content: ReportContent, patients: Sequence[str], *, panels: Sequence[Panel], height: float
) -> Figure:
    figure, axes = page_axes(height)
    _draw_legend(axes)
    for panel in panels:
        _draw_panel(axes, content, panel)
        if panel.left == LABEL_WIDTH:
            _draw_labels(axes, content, panel, patients)
    return figure


def _draw_panel(axes: Axes, content: ReportContent, panel: Panel) -> None:
    # No value stands in the map, so the title goes without its unit and leaves room for its neighbors.
    name = clean_text(content.analyte_titles.get(panel.analyte, (panel.analyte, ""))[0], longest=26)
    axes.text(panel.left, panel.top - 17, name, fontsize=8, fontweight="bold", va="bottom")
    for code in [int(one) for one in np.unique(panel.grid) if one != NOTHING]:
        _draw_code(axes, panel, code)
    draw_frame(axes, panel)


def _draw_code(axes: Axes, panel: Panel, code: int) -> None:
    """Draw every cell of one code: its color says the grade, its shape how the day is known."""
    is_joined = 0 <= code < UNGRADED_CODE or code in {SHORT_GAP, OPEN}
    rows, starts, stops = find_stretches(panel.grid == code, joined=is_joined)
    wide, high = panel.cell
    left, right = panel.left + starts * wide, panel.left + stops * wide
    top, bottom = panel.top + rows * high, panel.top + (rows + 1) * high
    box = (left, right, top, bottom)
    if code >= OPEN:
        draw_dots(axes, (left, right, (top + bottom) / 2), size=min(wide, high) * 0.2, apart=wide)
    elif code == SHORT_GAP:
        fill_boxes(axes, shrink(box, 0, high * 0.375), color=FAINT)
    elif code >= WBC:
        tip = ((left + right) / 2, bottom - 0.5)
        corners = [(left + 0.5, top + 0.5), (right - 0.5, top + 0.5), tip]
        fill(axes, corners, color=FAINT if code == WBC + UNGRADED_CODE else GRADE_COLORS[code - WBC])
    elif code == UNGRADED_CODE:
        fill_boxes(axes, shrink(box, 0.25, 0.25), color=FAINT)
        fill_boxes(axes, shrink(box, wide * 0.3, high * 0.3), color="white")
    else:
        fill_boxes(axes, shrink(box, 0, 0.25), color=GRADE_COLORS[code])


def _draw_labels(axes: Axes, content: ReportContent, panel: Panel, patients: Sequence[str]) -> None:
    high = panel.cell[1]
    look: dict[str, Any] = {"fontsize": 6, "ha": "right", "color": MUTED}
    step = int(np.ceil(LABEL_HEIGHT / high))
    for place, patient in enumerate(patients[::step]):
        label = clean_text(patient, longest=14) if content.show_patient_ids else str(place * step + 1)
        middle = panel.top + (place * step + 0.5) * high
        axes.text(panel.left - 4, middle, label, va="center_baseline", **look)


def _draw_legend(axes: Axes) -> None:
    """Draw the key: grades in the first line, states of a day in the second."""
    left, top, size = LABEL_WIDTH, 16.0, 9.0
    axes.text(left, top + size / 2, "Grade", fontsize=7.5, va="center")
    for grade, color in enumerate(GRADE_COLORS):
        at = left + 36 + grade * 30
        fill_boxes(axes, (at, at + size, top, top + size), color=color)
        axes.text(at + size + 4, top + size / 2, str(grade), fontsize=7.5, va="center")
    at = left + 36 + len(GRADE_COLORS) * 30
    box = (at, at + size, top, top + size)
    fill_boxes(axes, box, color=FAINT)
    fill_boxes(axes, shrink(box, size * 0.3, size * 0.3), color="white")
    axes.text(at + size + 4, top + size / 2, "measured, not judged", fontsize=7.5, va="center")
    _draw_state_key(axes, left, top + 20, size)


def _draw_state_key(axes: Axes, left: float, top: float, size: float) -> None:
    middle = top + size / 2
    for across, label in (
        (0, "leukocyte count only"),
        (118, "unmeasured, short gap"),
        (240, "unmeasured, open"),
        (340, "not at risk"),
    ):
        axes.text(left + across + size + 5, middle, label, fontsize=7.5, va="center")
    fill(axes, [(left, top), (left + size, top), (left + size / 2, top + size)], color=FAINT)
    at = left + 118
    fill_boxes(axes, (at - 3, at + size, middle - 1.2, middle + 1.2), color=FAINT)
    at = left + 240 + size / 2
    fill_boxes(axes, (at - 0.9, at + 0.9, middle - 0.9, middle + 0.9), color=MUTED)
    at = left + 340
    across, down = [at, at + size, at + size, at, at], [top, top, top + size, top + size, top]
    axes.plot(across, down, color=INK, linewidth=0.4)


def _describe(content: ReportContent, panel: Panel) -> str:
    grid = panel.grid
    followed = int((grid != NOTHING).sum())
    parts = {
        "measured": (grid >= 0) & (grid <= UNGRADED_CODE),
        "bounded by the leukocyte count": (grid >= WBC) & (grid < SHORT_GAP),
        "in a short gap": grid == SHORT_GAP,
        "open": grid == OPEN,
    }
    counted = ", ".join(f"{int(part.sum())} {name}" for name, part in parts.items())
    return f"{analyte_title(content, panel.analyte)}: {followed} patient-days, {counted}."
