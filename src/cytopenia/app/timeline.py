"""The counts of a patient laid out for a page that can be zoomed and gone through point by point.

Only places and words: the template draws them, the style sheet colors them. It is drawn without the library
of the printed figures, which takes longer than a page may.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cytopenia.app.day_words import say_day, say_left_out
from cytopenia.app.texts import Say
from cytopenia.grading.explain import AnalyteSeries, PatientExplanation, SeriesDay
from cytopenia.report.course_panels import LOG_ANALYTES
from cytopenia.report.display import format_number
from cytopenia.report.patient_lanes import Lane, list_lanes
from cytopenia.report.patient_timeline import find_limits, list_ticks, spread_labels
from cytopenia.units import show_unit

__all__ = ["Bar", "LaneRow", "Panel", "Spot", "Timeline", "lay_out_timeline"]

LEFT, PLOT, RIGHT = 70.0, 700.0, 190.0
TITLE, PANEL, LANE, FOOT = 30.0, 136.0, 22.0, 26.0
_LABELS_APART = 13.0
_NARROWEST_DAY = 17.0
_MOST_TICKS = 6
_SHAPES = {"<": "down", "<=": "down", ">": "up", ">=": "up"}

Scale = Callable[[float], float]


@dataclass(frozen=True)
class Bar:
    """A box over the days: its left edge and width, and what it says."""

    left: float
    width: float
    words: str
    text: str = ""
    look: str = ""


@dataclass(frozen=True, kw_only=True)
class Spot:
    """One day of one count: what it says, and its marks; places are from the top of the figure.

    `shape` is "dot", "up", "down", "hollow_down" or "cross" at `y`; `taken` is where a definition takes the
    value to be; `low` and `high` are the ends of what it could be.
    """

    day: int
    x: float
    label: str
    shape: str = ""
    y: float | None = None
    taken: float | None = None
    low: float | None = None
    high: float | None = None
    is_open: bool = False


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One count: ticks and cuts with their places, and the days.

    `lines` join measured days, and are broken where a day between them is open.
    """

    title: str
    top: float
    ticks: tuple[tuple[float, str], ...]
    cuts: tuple[tuple[float, float, str], ...]
    lines: tuple[str, ...]
    spots: tuple[Spot, ...]


@dataclass(frozen=True)
class LaneRow:
    """One kind of support or toxicity."""

    label: str
    top: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The whole figure; `over` are the edges of the days after death or a second infusion."""

    width: float
    height: float
    left: float
    plot: float
    day_width: float
    foot: float
    panel_height: float
    panels: tuple[Panel, ...]
    lanes: tuple[LaneRow, ...]
    days: tuple[tuple[int, float], ...]
    zero: float | None
    over: tuple[tuple[float, str], ...]

    @property
    def kinds(self) -> frozenset[str]:
        """What the figure shows, for its key: the shapes that are drawn, "taken", "between", "open"."""
        spots = [spot for panel in self.panels for spot in panel.spots]
        found = {spot.shape for spot in spots if spot.shape}
        found |= {"taken" for spot in spots if spot.taken is not None}
        found |= {"between" for spot in spots if spot.low is not None}
        return frozenset(found | {"open" for spot in spots if spot.is_open})

    @property
    def is_near(self) -> bool:
        """Whether every day has room for its number."""
        return self.day_width >= _NARROWEST_DAY


@dataclass(frozen=True)
class _Days:
    """The days of the figure as places along it."""

    first: int
    last: int

    @property
    def width(self) -> float:
        return PLOT / (self.last - self.first + 1)

    def middle(self, day: int) -> float:
        return round((day - self.first + 0.5) * self.width, 2)

    def box(self, first: int, last: int) -> tuple[float, float]:
        left = max(first, self.first) - self.first
        return round(left * self.width, 2), round(
            (min(last, self.last) - self.first + 1 - left) * self.width, 2
        )


def lay_out_timeline(explained: PatientExplanation, say: Say) -> Timeline:
    """Return the timeline of a patient; an explanation without outcomes is enough."""
    days = _find_days(explained)
    panels: list[Panel] = []
    top = 0.0
    for series in explained.series:
        panels.append(_lay_out_panel(series, days, top + TITLE, say))
        top += TITLE + PANEL
    top += 12
    lanes = [
        LaneRow(lane.label, top + place * LANE, tuple(_list_bars(lane, days, say)))
        for place, lane in enumerate(list_lanes(explained))
    ]
    foot = top + len(lanes) * LANE + 4
    return Timeline(
        width=LEFT + PLOT + RIGHT,
        height=foot + FOOT,
        left=LEFT,
        plot=PLOT,
        day_width=round(days.width, 2),
        foot=foot,
        panel_height=PANEL,
        panels=tuple(panels),
        lanes=tuple(lanes),
        days=tuple((day, days.middle(day)) for day in range(days.first, days.last + 1)),
        zero=days.middle(0) if days.first <= 0 <= days.last else None,
        over=tuple(_list_ends(explained, days, say)),
    )


def _find_days(explained: PatientExplanation) -> _Days:
    found = [day.day for series in explained.series for day in series.days] or [0, 1]
    start = explained.lymphodepletion_day
    return _Days(min(found if start is None else [*found, start]), max(found))


def _list_ends(explained: PatientExplanation, days: _Days, say: Say) -> Iterator[tuple[float, str]]:
    """Where the course is over: after the day of death, from the day of a second infusion on."""
    ends = {"patient.death": explained.death_day, "patient.second_infusion": explained.second_infusion_day}
    for key, day in ends.items():
        if day is not None and days.first <= day <= days.last:
            start = day + 1 if key == "patient.death" else day
            yield round((start - days.first) * days.width, 2), say(key, day=day)


def _make_scale(series: AnalyteSeries, top: float) -> tuple[Scale, tuple[float, float]]:
    """The place of a value in a panel; what lies beyond its edges stands on them."""
    low, high = find_limits(series)
    turn = math.log10 if series.analyte in LOG_ANALYTES else float

    def place(value: float) -> float:
        inside = min(max(value, low), high)
        share = (turn(inside) - turn(low)) / (turn(high) - turn(low))
        return round(top + PANEL * (1 - share), 2)

    return place, (low, high)


def _list_even_ticks(low: float, high: float) -> list[float]:
    """Round numbers inside the limits, a few of them."""
    rough = (high - low) / _MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough)
    return [place * step for place in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _lay_out_panel(series: AnalyteSeries, days: _Days, top: float, say: Say) -> Panel:
    place, (low, high) = _make_scale(series, top)
    is_log = series.analyte in LOG_ANALYTES
    ticks = list_ticks(low, high, PANEL * 0.8) if is_log else _list_even_ticks(low, high)
    cuts = sorted(series.cuts, key=lambda cut: cut.value)
    wanted = [top + PANEL - place(cut.value) for cut in cuts]
    labels = spread_labels(wanted, PANEL, _LABELS_APART)
    return Panel(
        title=f"{series.title} ({show_unit(series.unit)})",
        top=top,
        ticks=tuple((place(tick), format_number(tick)) for tick in ticks),
        cuts=tuple(
            (place(cut.value), round(top + PANEL - label, 2), f"{format_number(cut.value)}  {cut.label}")
            for cut, label in zip(cuts, labels, strict=True)
        ),
        lines=tuple(_list_lines(series, days, place)),
        spots=tuple(_list_spots(series, days, place, say, low=low)),
    )


def _list_lines(series: AnalyteSeries, days: _Days, place: Scale) -> Iterator[str]:
    points: list[str] = []
    for day in series.days:
        if day.state == "measured" and day.measurement is not None:
            points.append(f"{days.middle(day.day)},{place(day.measurement.value)}")
        elif day.state == "open" and points:
            yield " ".join(points)
            points = []
    if points:
        yield " ".join(points)


def _list_spots(series: AnalyteSeries, days: _Days, place: Scale, say: Say, *, low: float) -> Iterator[Spot]:
    dropped = {item.day: item for item in series.left_out}
    for day in series.days:
        words = say_day(series, day, say)
        item = dropped.get(day.day)
        words = "; ".join(text for text in (words, say_left_out(item, say) if item else "") if text)
        if words:
            label = say("patient.at_day", title=series.title, day=format_number(day.day), words=words)
            spot = _mark(day, days.middle(day.day), label, place, low=low)
            if item is not None and not spot.shape and item.value is not None:
                spot = Spot(day=day.day, x=spot.x, label=label, shape="cross", y=place(item.value))
            yield spot


def _mark(day: SeriesDay, x: float, label: str, place: Scale, *, low: float) -> Spot:
    """The marks of the printed timeline."""
    item, shape = day.measurement, ""
    if day.state == "measured" and item is not None:
        shape = "down" if item.value < low else _SHAPES.get(item.comparator, "dot")
    elif day.state == "wbc_bound" and item is not None:
        shape = "hollow_down"
    has_bounds = day.state in ("short_gap", "wbc_bound") and day.low is not None
    return Spot(
        day=day.day,
        x=x,
        label=label,
        shape=shape,
        y=place(item.value) if item is not None and shape else None,
        taken=place(day.filled) if day.filled is not None and day.state != "measured" else None,
        low=place(day.low) if has_bounds and day.low is not None else None,
        high=place(math.inf if day.high is None else day.high) if has_bounds else None,
        is_open=day.state == "open",
    )


def _list_bars(lane: Lane, days: _Days, say: Say) -> Iterator[Bar]:
    for first, last, is_known in lane.spans:
        if first <= days.last and last >= days.first:
            key = "patient.given_one" if first == last else "patient.given"
            key = key if is_known else "patient.given_no_stop"
            words = say(key, what=lane.label, first=first, last=last)
            yield Bar(*days.box(first, last), words, text="" if is_known else "?", look="support")
    for day, grade in lane.marks:
        if days.first <= day <= days.last:
            key = "patient.event" if grade is None else "patient.event_graded"
            words = say(key, what=lane.label, day=day, grade=grade)
            text = "?" if grade is None else str(grade)
            yield Bar(*days.box(day, day), words, text=text, look=f"grade{min(grade or 0, 4)}")
