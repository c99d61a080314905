"""Below the counts of a timeline: support, toxicity, death and last contact, one lane each."""

# The types of matplotlib leave **kwargs open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cytopenia.grading.explain import PatientExplanation
from cytopenia.report.display import format_number
from cytopenia.report.drawing import GRADE_COLORS, GRID, INK, LINE, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LONG_SPAN", "OVER", "Lane", "draw_lanes", "draw_over", "list_lanes"]

LONG_SPAN = 150
OVER = "#d5dae0"
_LANES = {
    "gcsf": "G-CSF",
    "tpo_ra": "TPO-RA",
    "stem_cell_boost": "Stem cell boost",
    "rbc_transfusion": "Red cells",
    "platelet_transfusion": "Platelets",
}
_TOXICITY = {"crs": "CRS", "icans": "ICANS"}


@dataclass(frozen=True)
class Lane:
    """One row under the panels: spans of days (first, last, whether the end is known) and marks with text."""

    label: str
    spans: tuple[tuple[int, int, bool], ...]
    marks: tuple[tuple[int, int | None], ...]


def list_lanes(explained: PatientExplanation) -> Iterator[Lane]:
    """Yield a lane for each kind of support and toxicity that the patient had."""
    for kind, label in _LANES.items():
        given = [item for item in explained.support if item.kind == kind]
        if given:
            spans = tuple(
                (item.start, item.start if item.stop is None else item.stop, item.stop is not None)
                for item in given
            )
            yield Lane(label, spans, ())
    for kind, label in _TOXICITY.items():
        events = [item for item in explained.events if item.kind == kind]
        if events:
            marks = tuple((item.day, None if item.grade is None else int(item.grade)) for item in events)
            yield Lane(label, (), marks)


def draw_lanes(
    axes: Axes, lanes: Sequence[Lane], explained: PatientExplanation, *, span: tuple[int, int]
) -> None:
    """Draw the lanes, one below the other, over the days of the page."""
    from matplotlib.ticker import MultipleLocator

    rows = max(len(lanes), 1)
    axes.set_ylim(rows, 0)
    axes.set_yticks([place + 0.5 for place in range(len(lanes))], [lane.label for lane in lanes])
    axes.xaxis.set_major_locator(MultipleLocator(7 if span[1] - span[0] < LONG_SPAN else 28))
    axes.tick_params(labelsize=7, length=0, colors=INK)
    axes.tick_params(axis="x", length=2.5, colors=MUTED)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("Day from infusion", fontsize=7, color=MUTED, labelpad=2)
    if not lanes:
        axes.text(span[0], 0.5, "no support and no toxicity recorded", fontsize=6.5, va="center", color=MUTED)
    for place, lane in enumerate(lanes):
        _draw_lane(axes, place, lane, span)
    draw_over(axes, explained, span)
    _note_ends(axes, explained, span, rows)


def _draw_lane(axes: Axes, place: int, lane: Lane, span: tuple[int, int]) -> None:
    for first, last, is_known in lane.spans:
        left, right = max(first, span[0]) - 0.45, min(last, span[1]) + 0.45
        if left < right:
            axes.barh(place + 0.5, right - left, left=left, height=0.55, color=LINE, alpha=0.75)
            if not is_known:
                axes.text(right + 0.2, place + 0.5, "?", fontsize=7, va="center", color=INK)
    for day, grade in lane.marks:
        if span[0] <= day <= span[1]:
            color = GRADE_COLORS[min(grade or 0, len(GRADE_COLORS) - 1)]
            axes.barh(place + 0.5, 0.9, left=day - 0.45, height=0.75, color=color)
            dark = grade is not None and grade > 2
            text: dict[str, Any] = {"ha": "center", "va": "center", "color": "white" if dark else INK}
            axes.text(day, place + 0.52, "?" if grade is None else str(grade), fontsize=6.5, **text)


def _note_ends(axes: Axes, explained: PatientExplanation, span: tuple[int, int], rows: int) -> None:
    """Death, second infusion and last contact in words, in the margin."""
    ends = {
        "death": explained.death_day,
        "second infusion": explained.second_infusion_day,
        "last contact": explained.last_contact_day,
    }
    words = [f"{name} day {day}" for name, day in ends.items() if day is not None]
    if explained.lymphodepletion_day is not None:
        words.insert(0, f"lymphodepletion day {format_number(explained.lymphodepletion_day)}")
    del span, rows
    axes.text(1.012, 0.5, "\n".join(words), transform=axes.transAxes, fontsize=6, va="center", color=INK)


def draw_over(axes: Axes, explained: PatientExplanation, span: tuple[int, int]) -> None:
    """Gray from death, or from a second infusion, on."""
    ends = {"death": explained.death_day, "second infusion": explained.second_infusion_day}
    for name, day in ends.items():
        if day is None or day > span[1]:
            continue
        start = day + 0.5 if name == "death" else day - 0.5
        axes.axvspan(start, span[1] + 0.7, facecolor=OVER, linewidth=0, zorder=0.6)
        axes.axvline(day, color=INK, linewidth=1, zorder=3)
