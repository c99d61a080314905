"""The words of an explanation: values, days, answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Protocol

from cytopenia.grading.explain import (
    Answer,
    ExplainedDay,
    Measurement,
    OpenStop,
    OutcomeExplanation,
)
from cytopenia.report.display import lower_first, plural
from cytopenia.units import load_analytes, show_unit

__all__ = [
    "Judged",
    "join_days",
    "join_words",
    "name_analyte",
    "name_course",
    "name_stops",
    "name_support",
    "name_value",
    "say_answer",
    "say_days",
    "say_open_days",
    "say_policy",
    "say_result",
    "say_row",
    "say_spans",
    "say_value",
]

_SIGNS = {"below": "<", "at_most": "≤", "above": ">", "at_least": "≥", "<=": "≤", ">=": "≥", "=": ""}
_SUPPORT = {
    "gcsf": "G-CSF",
    "rbc_transfusion": "red cell transfusion",
    "platelet_transfusion": "platelet transfusion",
    "tpo_ra": "thrombopoietin-receptor agonist",
    "stem_cell_boost": "stem cell boost",
}
# Values, cuts and rows are printed in full; what was computed between them with three digits.
_FULL, _SHORT = 12, 3


class Judged(Protocol):
    """What decides how an answer is put into words."""

    @property
    def kind(self) -> str:
        """As in `OutcomeExplanation`."""
        ...

    @property
    def min_grade(self) -> int | None:
        """The grade that is asked for, where it is a question."""
        ...


def name_support(kind: str) -> str:
    """Return a kind of support in words."""
    return _SUPPORT.get(kind, kind.replace("_", " "))


def name_analyte(analyte: str) -> str:
    """Return an analyte as it is spoken of: "neutrophil count"."""
    title = load_analytes()[analyte].title.removeprefix("Absolute ")
    return title if title[1:2].isupper() or title[1:2] == "-" else lower_first(title)


def name_value(analyte: str) -> str:
    """Return one value of an analyte: "a neutrophil count", "a hemoglobin value"."""
    name = name_analyte(analyte)
    return name if name.endswith(("count", "temperature")) else f"{name} value"


def say_value(value: float, analyte: str, sign: str = "", *, digits: int = _FULL) -> str:
    """Return a value in the canonical unit of its analyte, with its sign."""
    shown = f"{value:.{digits}g} {show_unit(load_analytes()[analyte].unit)}"
    mark = _SIGNS.get(sign, sign)
    return f"{mark} {shown}" if sign in ("below", "at_most", "above", "at_least") else f"{mark}{shown}"


def join_days(days: Iterable[int], last: str = "and") -> str:
    """Return days in words, three or more in a row as a span.

    Examples
    --------
    >>> join_days([15, 16, 17, 21, 22]), join_days([2, 3, 18], "or")
    ('day 15 to 17, 21 and 22', 'day 2, 3 or 18')
    """
    ordered = sorted(set(days))
    spans: list[str] = []
    for _, group in groupby(enumerate(ordered), key=lambda item: item[1] - item[0]):
        run = [day for _, day in group]
        spans += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(day) for day in run]
    *most, end = spans
    return f"day {', '.join(most)} {last} {end}" if most else f"day {end}"


def _say_number(number: float, outcome: Judged, label: str | None = None) -> str:
    """One end of an answer in words; `label` says what a recovery that never came is called."""
    if outcome.kind == "recovery":
        return "not recovered" if number else "recovered"
    if outcome.kind == "recovery_time":
        ends = {math.inf: label or "not recovered", -math.inf: "never below"}
        return ends.get(number) or f"day {number:.0f}"
    if outcome.min_grade is not None or outcome.kind in ("any_of", "second_dip", "fever"):
        return "yes" if number else "no"
    return f"grade {number:.0f}"


def say_answer(answer: Answer, outcome: Judged) -> str:
    """Return what an answer comes to, with its bounds where it is not decided.

    A single word where it is decided: "grade 3". Else what is possible: "between grade 2 and 3".
    """
    if answer.possible_labels is not None:
        return join_words(answer.possible_labels.split("|"), "or")
    if answer.best is None or answer.worst is None:
        return answer.label or "not judged"
    never = answer.label if answer.policy == math.inf else None
    if answer.best == answer.worst:
        return _say_number(answer.best, outcome, never)
    low, high = (_say_number(number, outcome, never) for number in (answer.best, answer.worst))
    if low.startswith("grade") and high.startswith("grade"):
        return f"between {low} and {high.removeprefix('grade ')}"
    if low.startswith("day") and high.startswith("day"):
        return f"between {low} and {high}"
    return f"{low} or {high}" if outcome.kind != "recovery_time" else f"from {low} to {high}"


def say_policy(answer: Answer, outcome: Judged) -> str:
    """Return what the rule of the definition says."""
    if answer.label is not None and outcome.kind in ("recovery", "phenotype"):
        return answer.label
    if answer.label == "recovered":
        return f"recovered on {_say_number(answer.policy or 0, outcome)}"
    return "not judged" if answer.policy is None else _say_number(answer.policy, outcome, answer.label)


def say_result(outcome: OutcomeExplanation) -> str:
    """Return the result by the rule of the definition, and whether it is decided."""
    answer, reason = outcome.answer, _say_reason(outcome)
    shown = say_policy(answer, outcome)
    if outcome.kind == "recovery_time" and answer.label not in (None, "recovered", "never below"):
        shown = answer.label or shown
    if answer.decided:
        why = f" ({reason})" if reason else ""
        return f"{shown}, decided{_say_ground(outcome)}{why}"
    is_open = answer.possible_labels is not None or answer.best is not None
    if not is_open:
        return f"{shown}: {reason}"
    because = f": {reason}" if reason else ""
    return f"{shown}; {_say_bounds(outcome)}{because}"


def _say_reason(outcome: OutcomeExplanation) -> str:
    """What leaves the outcome undecided; support of unrecorded stop by name."""
    reason = str(outcome.row["reason"])
    if not outcome.stops:
        return reason
    are = "is" if len(outcome.stops) == 1 else "are"
    stops = f"{name_stops(outcome.stops)} {are} not recorded"
    return stops if outcome.stops_settle or not reason else f"{reason}, and {stops}"


def _say_ground(outcome: OutcomeExplanation) -> str:
    """What a decided outcome rests on: both bounds, or a few days of many."""
    row = outcome.row
    if outcome.kind in ("grade", "days", "any_of") and row["evidence"] == "open" and row["days_measured"]:
        seen, near, unseen = row["days_measured"], row["days_short_gap"], row["days_open"]
        between = f" and {near} between them" if near else ""
        alone = " alone" if seen == 1 and not near else ""
        were = "was not seen and does" if unseen == 1 else "were not seen and do"
        return f" by {plural(seen, 'measured day')}{between}{alone}; {plural(unseen, 'day')} {were} not count"
    if outcome.kind == "fever" and not outcome.readings and not outcome.answer.policy:
        return ": on every day the count excludes it"
    return "" if outcome.answer.best is None else ": the same in the best and in the worst case"


def name_stops(stops: Sequence[OpenStop]) -> str:
    """Return the stops of support of unrecorded stop: "the stop of G-CSF from day 12"."""
    named = [name_course(stop.kind, stop.start) for stop in stops]
    return f"the stop{'s' if len(named) > 1 else ''} of {join_words(named, 'and')}"


def name_course(kind: str, start: int) -> str:
    """Return support by its kind and first day."""
    return f"{name_support(kind)} from day {start}"


def _say_bounds(outcome: OutcomeExplanation) -> str:
    answer = outcome.answer
    words = say_answer(answer, outcome)
    if words.startswith(("between", "from")):
        return words
    if answer.possible_labels is not None:
        others = [label for label in answer.possible_labels.split("|") if label != answer.label]
        return f"could also be {join_words(others, 'or')}" if others and answer.label else f"could be {words}"
    if answer.policy is None or outcome.kind == "recovery_time":
        return f"could be {words}"
    ends = (answer.best, answer.worst)
    others = [_say_number(end, outcome) for end in ends if end is not None and end != answer.policy]
    return f"could also be {join_words(others, 'or')}" if others else words


def join_words(words: Sequence[str], last: str) -> str:
    """Return words in a row, the last after "and" or "or"."""
    *most, end = words or [""]
    return f"{', '.join(most)} {last} {end}" if most else end


def _say_measurement(item: Measurement) -> str:
    return f"{say_value(item.value, item.analyte, item.comparator)}, {say_row(item)}"


def say_row(item: Measurement) -> str:
    """Return the row of the file that a value stands in, and how it was computed if it does not."""
    return f"row {item.source_row}" + (f" ({item.origin})" if item.origin else "")


def _say_neighbor(item: Measurement, analyte: str = "") -> str:
    """A value with its day and row; with its name where it is one of another analyte."""
    named = f"{name_analyte(item.analyte)} " if analyte and item.analyte != analyte else ""
    shown = say_value(item.value, item.analyte, item.comparator)
    return f"{named}{shown} (day {item.day}, {say_row(item)})"


def say_days(days: Sequence[ExplainedDay], outcome: OutcomeExplanation) -> Iterator[str]:
    """Yield the deciding days: what was read where, or what was taken and why; filled stretches as one."""
    for _, group in groupby(enumerate(days), key=lambda item: _stretch_of(*item)):
        alike = [day for _, day in group]
        yield _say_stretch(alike, outcome) if len(alike) > 1 else _say_day(alike[0], outcome)


def _stretch_of(place: int, day: ExplainedDay) -> object:
    """Filled days between the same two measurements belong together; any other day stands alone."""
    if day.filled is None or day.measurement is not None or day.state != "filled":
        return place
    return day.analyte, day.before, day.after, day.support, day.verdict


def _place(days: Sequence[ExplainedDay], outcome: OutcomeExplanation) -> str:
    where = join_days(day.day for day in days)
    return f"{name_analyte(days[0].analyte)}, {where}" if len(outcome.analytes) > 1 else where


def _say_stretch(days: Sequence[ExplainedDay], outcome: OutcomeExplanation) -> str:
    first = days[0]
    values = [day.filled for day in days if day.filled is not None]
    named = f": {first.verdict}" if outcome.kind == "phenotype" else ""
    words = [f"{_place(days, outcome)}: {_say_filled(first, values)}{named}"]
    return ", ".join([*words, *(f"on {name_support(kind)}" for kind in first.support)])


def _say_day(day: ExplainedDay, outcome: OutcomeExplanation) -> str:
    words = [f"{_place([day], outcome)}: {_say_reading(day, outcome)}"]
    if outcome.kind == "phenotype" or (outcome.kind == "recovery" and day.measurement is not None):
        words[0] += f": {day.verdict}"
    if day.values_that_day > 1 and day.state in ("measured", "bridged") and outcome.kind != "fever":
        words.append(f"lowest of {day.values_that_day} values that day")
    words += [f"on {name_support(kind)}" for kind in day.support]
    if day.verdict == "under support" and not day.support:
        words.append("too soon after it")
    return ", ".join(words)


def _say_reading(day: ExplainedDay, outcome: OutcomeExplanation) -> str:
    item = day.measurement
    if item is not None and item.analyte != day.analyte:
        taken = (
            f", taken as {say_value(day.filled, day.analyte, digits=_SHORT)}"
            if day.filled is not None
            else ""
        )
        return f"not measured{taken}; at most the {name_analyte(item.analyte)}, {_say_measurement(item)}"
    if day.state == "bridged":
        what = "not measured" if item is None else f"{_say_measurement(item)}, beyond the cut"
        return f"{what}; bridged, counts in the length"
    if item is not None:
        return _say_measurement(item)
    if day.filled is not None:
        return _say_filled(day, [day.filled])
    around = " and ".join(
        _say_neighbor(one, day.analyte) for one in (day.before, day.after) if one is not None
    )
    if outcome.kind in ("recovery", "recovery_time", "phenotype", "second_dip"):
        taken = f"taken as {day.verdict}" if day.verdict != "unknown" else "unknown"
        return f"not measured, {taken}; measured around it: {around or 'nothing'}"
    return f"not measured; measured around it: {around or 'nothing'}"


def _say_filled(day: ExplainedDay, values: Sequence[float]) -> str:
    low, high = (say_value(end, day.analyte, digits=_SHORT) for end in (min(values), max(values)))
    taken = f"not measured, taken as {low if low == high else f'{low} to {high}'}"
    if day.before is not None and day.after is not None:
        return f"{taken} on the line between {_say_neighbor(day.before)} and {_say_neighbor(day.after)}"
    nearest = day.before or day.after
    return taken if nearest is None else f"{taken}, the nearest value: {_say_neighbor(nearest)}"


def say_open_days(days: Sequence[ExplainedDay], outcome: OutcomeExplanation) -> Iterator[str]:
    """Yield the days that could change the outcome, unmeasured ones with the same bounds together."""

    def kind(day: ExplainedDay) -> tuple[object, ...]:
        if _is_of_support(day):
            return day.analyte, day.open_support, day.verdict
        own = day.day if day.measurement is not None else None
        ends = (day.low, day.high, day.low_by, day.high_by)
        filled = day.filled is None
        return day.analyte, *ends, day.before, day.after, own, day.state, day.verdict, filled

    for _, group in groupby(days, key=kind):
        alike = list(group)
        taken = f"{alike[0].verdict} by the rule; " if outcome.kind == "recovery" else _say_taken(alike)
        yield f"{_place(alike, outcome)}: {taken}{_say_doubt(alike[0])}"


def _say_taken(days: Sequence[ExplainedDay]) -> str:
    """What the definition takes for days that could have been otherwise."""
    values = [day.filled for day in days if day.filled is not None]
    if len(values) < len(days):
        return ""
    low, high = (say_value(end, days[0].analyte, digits=_SHORT) for end in (min(values), max(values)))
    return f"taken as {low if low == high else f'{low} to {high}'}; "


def _is_of_support(day: ExplainedDay) -> bool:
    """Whether only support that may have lasted to the day can leave it open: its own count is exact."""
    item = day.measurement
    is_exact = item is not None and item.analyte == day.analyte and item.comparator == "="
    return is_exact and bool(day.open_support)


def say_spans(values: Sequence[tuple[int, float]], analyte: str) -> str:
    """Return days with a value each, days in a row as a span of both."""
    spans: list[str] = []
    for _, group in groupby(enumerate(values), key=lambda item: item[1][0] - item[0]):
        run = [item for _, item in group]
        numbers = [value for _, value in run]
        low, high = (say_value(end, analyte, digits=_SHORT) for end in (min(numbers), max(numbers)))
        spans.append(f"{join_days(day for day, _ in run)} as {low if low == high else f'{low} to {high}'}")
    return "; ".join(spans)


def _say_doubt(day: ExplainedDay) -> str:
    named = join_words([name_course(*course) for course in day.open_support], "and")
    under = f"perhaps under {named}, stop not recorded"
    if _is_of_support(day):
        return f"measured, {under}"
    return f"{_say_own_doubt(day)}; {under}" if day.open_support else _say_own_doubt(day)


def _say_own_doubt(day: ExplainedDay) -> str:
    """What leaves a day open, support aside."""
    item = day.measurement
    if item is not None and item.analyte == day.analyte:
        return f"{_say_measurement(item)}, which leaves it open"
    around = ", ".join(
        f"{word} {_say_neighbor(one, day.analyte)}"
        for word, one in (("before", day.before), ("after", day.after))
        if one is not None
    )
    measured = f"; measured {around}" if around else ""
    ends = [
        f"; its {word} end by {_say_neighbor(one)}"
        for word, one in (("lower", day.low_by), ("upper", day.high_by))
        if one is not None
    ]
    measured += "".join(ends)
    if item is not None:
        most = f"at most the {name_analyte(item.analyte)}, {_say_measurement(item)}"
        where = ""
        if day.state == "short_gap" and day.low:
            where = f", plausible from {say_value(day.low, day.analyte, digits=_SHORT)}"
        return f"not measured{where}; {most}{measured}"
    if day.low is None:
        return f"not measured{measured}"
    if day.state == "open":
        return f"not measured, {_say_distance(day)}: could be anything{measured}"
    most = "upward" if day.high is None else f"to {say_value(day.high, day.analyte, digits=_SHORT)}"
    return f"not measured, plausible from {say_value(day.low, day.analyte, digits=_SHORT)} {most}{measured}"


def _say_distance(day: ExplainedDay) -> str:
    """Why nothing vouches for a day: measurements on one side alone, or none close enough."""
    if day.before is not None and day.after is None:
        return "no later measurement"
    if day.after is not None and day.before is None:
        return "no earlier measurement"
    return "far from any measurement"
