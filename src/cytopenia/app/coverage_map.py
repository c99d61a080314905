"""The map of what was measured: a row for each patient, a column for each day, a panel for each lineage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from cytopenia.contract.data_quality import DataQuality
from cytopenia.report.quality_content import list_analytes, name_analyte
from cytopenia.study.coverage_marks import DAY_MARKS

__all__ = ["CoverageMap", "MapPanel", "MapRow", "lay_out_map"]

_CELL, _ROW = 5.0, 14.0
_LABEL, _TOP, _GAP, _BELOW = 120.0, 26.0, 18.0, 20.0
_WEEK, _WEEKS_APART = 7, 14
_SHADES = (0.0, 25.0, 50.0, 75.0)
# What a mark takes of its cell, from the top: a whole block, a bar, a dot.
_PARTS: Mapping[str, tuple[float, float]] = {
    "measured": (0.08, 0.92),
    "limit": (0.08, 0.92),
    "white": (0.5, 0.92),
    "short_gap": (0.42, 0.58),
    "open": (0.46, 0.54),
}


@dataclass(frozen=True, kw_only=True)
class MapPanel:
    """One lineage: its title, where it stands, and a path for each mark."""

    title: str
    left: float
    paths: tuple[tuple[str, str], ...]
    ticks: tuple[tuple[float, str], ...]
    zero: float | None


@dataclass(frozen=True, kw_only=True)
class MapRow:
    """One patient, or a group of patients: the label, and how many days of each lineage have which mark.

    `patient_id` is empty for a group.
    """

    top: float
    label: str
    patient_id: str
    counts: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, kw_only=True)
class CoverageMap:
    """Everything that the template draws."""

    width: float
    height: float
    panel_width: float
    row: float
    top: float
    bottom: float
    panels: tuple[MapPanel, ...]
    rows: tuple[MapRow, ...]
    marks: tuple[str, ...]
    is_grouped: bool


def lay_out_map(quality: DataQuality, marks: pl.DataFrame) -> CoverageMap | None:
    """Return the map of a cohort, of a large one by groups of patients and weeks; None without days."""
    if not quality.has_days:
        return None
    if marks.is_empty():
        return None if quality.group_weeks.is_empty() else _lay_out_groups(quality)
    days = quality.last_day - quality.first_day + 1
    rows = tuple(_list_patients(quality))
    placed = marks.sort("analyte", "place", "day")
    panels = [
        _make_panel(quality, analyte, number, paths=tuple(_draw_marks(placed, analyte, quality, number)))
        for number, analyte in enumerate(list_analytes(marks))
    ]
    there = set(marks["mark"].unique())
    return _put_together(panels, rows, days=days, marks=tuple(one for one in DAY_MARKS if one in there))


def _put_together(
    panels: Sequence[MapPanel], rows: tuple[MapRow, ...], *, days: int, marks: tuple[str, ...]
) -> CoverageMap:
    wide = days * _CELL
    bottom = _TOP + len(rows) * _ROW
    return CoverageMap(
        width=_LABEL + len(panels) * (wide + _GAP),
        height=bottom + _BELOW,
        panel_width=wide,
        row=_ROW,
        top=_TOP,
        bottom=bottom,
        panels=tuple(panels),
        rows=rows,
        marks=marks,
        is_grouped=marks[0].startswith("share"),
    )


def _left_of(number: int, quality: DataQuality) -> float:
    return _LABEL + number * ((quality.last_day - quality.first_day + 1) * _CELL + _GAP)


def _make_panel(
    quality: DataQuality, analyte: str, number: int, *, paths: tuple[tuple[str, str], ...]
) -> MapPanel:
    left = _left_of(number, quality)
    middles = {
        day: left + (day - quality.first_day + 0.5) * _CELL
        for day in range(quality.first_day, quality.last_day + 1)
    }
    return MapPanel(
        title=name_analyte(analyte),
        left=left,
        paths=paths,
        ticks=tuple((x, str(day).replace("-", "−")) for day, x in middles.items() if day % _WEEKS_APART == 0),
        zero=middles.get(0),
    )


def _list_patients(quality: DataQuality) -> Iterator[MapRow]:
    counts: dict[int, list[tuple[str, int, int]]] = {}
    people: dict[int, str] = {}
    for row in quality.covered_patients.sort("place").iter_rows(named=True):
        people[row["place"]] = row["patient_id"]
        told = (name_analyte(row["analyte"]), row["measured"], row["at_risk"])
        counts.setdefault(row["place"], []).append(told)
    for place, patient_id in people.items():
        yield MapRow(
            top=_TOP + (place - 1) * _ROW,
            label=patient_id,
            patient_id=patient_id,
            counts=tuple(counts[place]),
        )


def _draw_marks(
    marks: pl.DataFrame, analyte: str, quality: DataQuality, number: int
) -> Iterator[tuple[str, str]]:
    """One path for each mark; days that follow one another are one box, but for those of open days."""
    left, own = _left_of(number, quality), marks.filter(pl.col("analyte") == analyte)
    for mark in DAY_MARKS:
        days = own.filter(pl.col("mark") == mark)
        if days.is_empty():
            continue
        high, low = (part * _ROW for part in _PARTS[mark])
        boxes = [
            (left + (first - quality.first_day) * _CELL, _TOP + (place - 1) * _ROW + high, length * _CELL)
            for place, first, length in _find_stretches(days)
        ]
        yield mark, "".join(_box(x, y, wide, low - high) for x, y, wide in boxes)


def _find_stretches(days: pl.DataFrame) -> list[tuple[int, int, int]]:
    """Place, first day and length of days that follow one another."""
    numbered = days.select("place", "day", run=pl.col("day") - pl.int_range(pl.len()).over("place"))
    runs = numbered.group_by("place", "run", maintain_order=True).agg(
        first=pl.col("day").min(), days=pl.len()
    )
    return list(runs.select("place", "first", "days").iter_rows())


def _box(left: float, top: float, wide: float, high: float) -> str:
    return f"M{left:g} {top:.4g}h{wide:g}v{high:.3g}h-{wide:g}z"


def _lay_out_groups(quality: DataQuality) -> CoverageMap:
    weeks = quality.group_weeks
    rows = tuple(_list_groups(weeks))
    panels: list[MapPanel] = []
    for number, analyte in enumerate(list_analytes(weeks)):
        boxes: dict[str, list[str]] = {}
        for row in weeks.filter(pl.col("analyte") == analyte).iter_rows(named=True):
            shade = _find_shade(row["percent_measured"])
            if shade is not None:
                boxes.setdefault(shade, []).append(_box_of_week(row, quality, number))
        paths = tuple((shade, "".join(boxes[shade])) for shade in sorted(boxes))
        panels.append(_make_panel(quality, analyte, number, paths=paths))
    days = quality.last_day - quality.first_day + 1
    return _put_together(panels, rows, days=days, marks=tuple(f"share{n}" for n in range(len(_SHADES) + 1)))


def _find_shade(percent: float | None) -> str | None:
    """How much of the days was measured, as one of five shades; none where nobody was at risk."""
    return None if percent is None else f"share{sum(percent > end for end in _SHADES)}"


def _box_of_week(row: Mapping[str, Any], quality: DataQuality, number: int) -> str:
    left = _left_of(number, quality) + (row["first_day"] - quality.first_day) * _CELL
    wide = (row["last_day"] - row["first_day"] + 1) * _CELL
    return _box(left, _TOP + (row["place"] - 1) * _ROW, wide, _ROW)


def _list_groups(weeks: pl.DataFrame) -> Iterator[MapRow]:
    first = 1
    sizes = weeks.select("place", "patients").unique().sort("place")
    for place, patients in sizes.iter_rows():
        label = f"{first}–{first + patients - 1}" if patients > 1 else str(first)
        yield MapRow(top=_TOP + (place - 1) * _ROW, label=label, patient_id="", counts=())
        first += patients
