"""What a page says of one day of one count, and of everything on that day as a row of a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cytopenia.app.texts import Say
from cytopenia.grading.explain import AnalyteSeries, LeftOut, PatientExplanation, SeriesDay
from cytopenia.report.explanation_words import name_support, say_value

__all__ = ["DayRow", "list_day_rows", "say_day", "say_left_out"]

_EVENTS = {"crs": "CRS", "icans": "ICANS"}


@dataclass(frozen=True)
class DayRow:
    """One day: what each count says, support, and toxicity."""

    day: int
    counts: tuple[str, ...]
    support: str
    toxicity: str


def say_day(series: AnalyteSeries, day: SeriesDay, say: Say) -> str:
    """Return what is known of a count on a day: its value with unit and row, or its bounds.

    Empty where the day does not matter.
    """
    words = _say_known(series.analyte, day, say)
    if words and day.filled is not None and day.state != "measured":
        taken = say_value(day.filled, series.analyte, digits=3)
        return say("patient.and_filled", words=words, value=taken)
    return words


def _say_known(analyte: str, day: SeriesDay, say: Say) -> str:
    item = day.measurement
    if day.state == "measured" and item is not None:
        value = say_value(item.value, analyte, item.comparator)
        return say("patient.measured", value=value, row=item.source_row)
    if day.state == "wbc_bound" and item is not None:
        value = say_value(item.value, item.analyte, item.comparator)
        return say("patient.white_cells", value=value, row=item.source_row)
    if day.state in ("short_gap", "wbc_bound"):
        low = say_value(day.low or 0.0, analyte, digits=3)
        if day.high is None:
            return say("patient.at_least", low=low)
        return say("patient.between", low=low, high=say_value(day.high, analyte, digits=3))
    return say("patient.open_day") if day.state == "open" else ""


def say_left_out(item: LeftOut, say: Say) -> str:
    """Return what stands in the file and was not judged."""
    if item.value is None:
        return say("patient.left_out_unread", row=item.source_row, reason=item.reason)
    value = say_value(item.value, item.analyte, item.comparator)
    return say("patient.left_out", value=value, row=item.source_row, reason=item.reason)


def list_day_rows(explained: PatientExplanation, say: Say) -> Iterator[DayRow]:
    """Yield every day on which anything is known, or should be."""
    counts = [{day.day: say_day(series, day, say) for day in series.days} for series in explained.series]
    for series, words in zip(explained.series, counts, strict=True):
        for item in series.left_out:
            told = [text for text in (words.get(item.day, ""), say_left_out(item, say)) if text]
            words[item.day] = "; ".join(told)
    for day in sorted({day for words in counts for day in words}):
        row = DayRow(
            day,
            tuple(words.get(day, "") for words in counts),
            "; ".join(_list_support(explained, day, say)),
            "; ".join(_list_toxicity(explained, day, say)),
        )
        if any(row.counts) or row.support or row.toxicity:
            yield row


def _list_support(explained: PatientExplanation, day: int, say: Say) -> list[str]:
    """Support of a day; of what has no recorded stop only the first day is known."""
    found = [
        name_support(item.kind)
        if item.stop is not None
        else say("patient.no_stop", kind=name_support(item.kind))
        for item in explained.support
        if item.start <= day <= (item.start if item.stop is None else item.stop)
    ]
    return list(dict.fromkeys(found))


def _list_toxicity(explained: PatientExplanation, day: int, say: Say) -> list[str]:
    events = [item for item in explained.events if item.day == day and item.kind in _EVENTS]
    return [
        _EVENTS[item.kind]
        if item.grade is None
        else say("patient.graded", name=_EVENTS[item.kind], grade=int(item.grade))
        for item in events
    ]
