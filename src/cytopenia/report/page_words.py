"""The words of the page of one patient: last values, support, the days at a landmark, a score, gaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cytopenia.grading.explain import AnalyteSeries, SupportCourse
from cytopenia.grading.patient_page import GridCell, LastValue, PatientPage, ScoreLine, ScoreSheet
from cytopenia.report.display import format_number, plural
from cytopenia.report.explanation_words import join_words, name_analyte, name_support, say_result, say_value
from cytopenia.units import load_analytes, show_unit

__all__ = [
    "GridRow",
    "ItemRow",
    "ValueRow",
    "say_active",
    "say_course",
    "say_gaps",
    "say_grid",
    "say_items",
    "say_landmark",
    "say_score",
    "say_values",
]

_MOST_SUPPORT = 4
_VERDICTS = {"met": "met", "failed": "not met", "under support": "under support", "unknown": "not known"}
_STATES = {
    "measured": "measured",
    "wbc_bound": "bounded by white cells",
    "short_gap": "between near measurements",
    "open": "far from any measurement",
}


@dataclass(frozen=True, kw_only=True)
class ValueRow:
    """The last value of one analyte in words."""

    name: str
    last: str
    day: str
    earlier: str
    change: str
    support: str


@dataclass(frozen=True, kw_only=True)
class GridRow:
    """One lineage at a landmark: its name, and a verdict with its ground for each day."""

    name: str
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class ItemRow:
    """One item of a score in words."""

    name: str
    value: str
    points: str


def say_values(page: PatientPage) -> Iterator[ValueRow]:
    """Yield the last value of each analyte."""
    for item in page.values:
        title = load_analytes()[item.analyte].title.removeprefix("Absolute ")
        name = title[:1].upper() + title[1:]
        if item.last is None:
            yield ValueRow(name=name, last="no value", day="", earlier="", change="", support="")
            continue
        yield ValueRow(
            name=name,
            last=say_value(item.last.value, item.analyte, item.last.comparator),
            day=_say_day(item.last.day, page.day_zero_date),
            earlier=_say_earlier(item),
            change=_say_change(item),
            support=_say_latest(item.support, item.last.day),
        )


def _say_day(day: int, zero: date | None) -> str:
    shown = format_number(day)
    return shown if zero is None else f"{shown} ({(zero + timedelta(days=day)).isoformat()})"


def _say_earlier(item: LastValue) -> str:
    if item.earlier is None:
        return "none"
    shown = say_value(item.earlier.value, item.analyte, item.earlier.comparator)
    return f"{shown} (day {format_number(item.earlier.day)})"


def _say_change(item: LastValue) -> str:
    if item.last is None or item.earlier is None:
        return "none"
    if item.change is None:
        return "not a number"
    sign = "+" if item.change > 0 else ""
    number = f"{sign}{item.change:.12g}".replace("-", "\N{MINUS SIGN}")
    return f"{number} in {plural(item.last.day - item.earlier.day, 'day')}"


def _say_latest(support: Sequence[SupportCourse], day: int) -> str:
    """The support nearest to a day, and how many other kinds there were."""
    if not support:
        return "none"
    near = sorted(support, key=lambda item: day if item.stop is None else min(item.stop, day), reverse=True)
    more = f" ({len(near) - 1} other)" if len(near) > 1 else ""
    return _say_support_before(near[0], day) + more


def _say_support_before(item: SupportCourse, day: int) -> str:
    name = name_support(item.kind)
    if item.stop is None:
        return f"{name} from day {format_number(item.start)}, stop not recorded"
    if item.stop >= day:
        return f"{name} on that day"
    return f"{name} until {plural(day - item.stop, 'day')} before"


def say_active(page: PatientPage) -> str:
    """Return the support on the last day with a count."""
    if page.last_count_day is None:
        return "no count, so no last day to look at"
    where = f"on day {format_number(page.last_count_day)}, the last with a count"
    named = [_say_course(item) for item in page.active]
    none = "none" if page.support_complete else "none recorded (the record of support is not complete)"
    return f"{_list_some(named, _MOST_SUPPORT) or none}, {where}"


def _say_course(item: SupportCourse) -> str:
    name, start = name_support(item.kind), format_number(item.start)
    if item.stop is None:
        return f"{name} from day {start}, stop not recorded"
    return f"{name} day {start}" if item.stop == item.start else f"{name} day {start} to {item.stop}"


def _list_some(words: Sequence[str], most: int) -> str:
    """The first words, and how many more there are."""
    more = len(words) - most
    return "; ".join([*words[:most], *([f"{more} more"] if more > 0 else [])])


def say_course(page: PatientPage) -> str:
    """Return the days of the course in one line."""
    explained = page.explained
    days = {
        "lymphodepletion from": explained.lymphodepletion_day,
        "last count": page.last_count_day,
        "second infusion": explained.second_infusion_day,
        "death": explained.death_day,
        "last contact": explained.last_contact_day,
    }
    known = [f"{name} day {format_number(day)}" for name, day in days.items() if day is not None]
    zero = "day 0 is the infusion"
    if page.day_zero_date is not None:
        shifted = ", a shifted date" if page.is_shifted else ""
        zero += f" ({page.day_zero_date.isoformat()}{shifted})"
    return "; ".join([zero, *known])


def say_landmark(page: PatientPage) -> str:
    """Return the result of the recovery whose days are shown."""
    found = [item for item in page.explained.outcomes if page.grid and item.name == page.grid.name]
    return f"By the rule: {say_result(found[0])}." if found else ""


def say_grid(page: PatientPage) -> list[GridRow]:
    """Return the days at the landmark, lineage by lineage."""
    if page.grid is None:
        return []
    names = dict.fromkeys(cell.analyte for cell in page.grid.cells)
    return [
        GridRow(
            name=name_analyte(name).capitalize(),
            cells=tuple(_say_cell(cell) for cell in page.grid.cells if cell.analyte == name),
        )
        for name in names
    ]


def _say_cell(cell: GridCell) -> tuple[str, str]:
    """The verdict, and what it rests on."""
    if cell.verdict is None:
        return "not judged", ""
    verdict = _VERDICTS[cell.verdict]
    item = cell.measurement
    if item is None:
        ground = "not measured"
    elif item.analyte != cell.analyte:
        ground = f"white cells {say_value(item.value, item.analyte, item.comparator)}"
    else:
        ground = say_value(item.value, item.analyte, item.comparator)
    given = [name_support(kind) for kind in cell.support]
    differ = ["could be otherwise"] if cell.may_differ else []
    return verdict, ", ".join([ground, *given, *differ])


def say_items(score: ScoreSheet) -> Iterator[ItemRow]:
    """Yield the items of a score; a missing one says so and keeps all its points open."""
    for item in score.items:
        name = load_analytes()[item.analyte].title.removeprefix("Absolute ")
        yield ItemRow(
            name=name[:1].upper() + name[1:],
            value=_say_item(item),
            points=f"{_say_span(item.points_best, item.points_worst)} of {item.most_points}",
        )


def _say_item(item: ScoreLine) -> str:
    if item.value is None:
        return item.problem or "missing"
    sign = {"=": "", "<=": "\N{LESS-THAN OR EQUAL TO}", ">=": "\N{GREATER-THAN OR EQUAL TO}"}
    shown = f"{sign.get(item.comparator, item.comparator)}{item.value:.12g} {show_unit(item.unit)}"
    return shown if item.day is None else f"{shown} (day {format_number(item.day)})"


def _say_span(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"


def say_score(score: ScoreSheet) -> str:
    """Return the sum of the points, its range where an item is open, and the group or groups."""
    points = f"{_say_span(score.best, score.worst)} of {score.most_points} points"
    if score.group_best is None or score.group_worst is None:
        return points
    groups = list(dict.fromkeys([score.group_best, score.group_worst]))
    return f"{points}; group {join_words(groups, 'or')}"


def say_gaps(page: PatientPage) -> Iterator[str]:
    """Yield what is missing: days without a count, values, items, stops, ends of the course."""
    for series in page.panels:
        yield _say_days(series)
    absent = [name_analyte(item.analyte) for item in page.values if item.last is None]
    if absent:
        yield f"No value: {join_words(absent, 'and')}"
    items = [name_analyte(item.analyte) for item in page.score.items if item.value is None]
    if items:
        yield f"{page.score.title}: {join_words(items, 'and')} missing"
    stops = [_say_course(item) for item in page.explained.support if item.stop is None]
    if stops:
        yield f"Stop not recorded: {plural(len(stops), 'row')} of support"
    if not page.support_complete:
        yield "The record of support is not complete: none recorded is not none given"
    if page.explained.last_contact_day is None and page.explained.death_day is None:
        yield "Neither last contact nor death is recorded"


def _say_days(series: AnalyteSeries) -> str:
    """How many days of the plots are measured, and how many not."""
    counts = {state: sum(day.state == state for day in series.days) for state in _STATES}
    said = [f"{count} {_STATES[state]}" for state, count in counts.items() if count or state == "measured"]
    unjudged = f"; {plural(len(series.left_out), 'value')} not judged" if series.left_out else ""
    name = name_analyte(series.analyte)
    return f"{name[:1].upper() + name[1:]}, days: {', '.join(said)}{unjudged}"
