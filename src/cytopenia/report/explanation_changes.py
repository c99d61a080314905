"""The words of an explanation: what would settle an outcome, and what would change it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from cytopenia.grading.explain import Answer, Change, OutcomeExplanation, Settling, StopRange
from cytopenia.report.display import plural
from cytopenia.report.explanation_ranges import PrintedRange, print_ranges
from cytopenia.report.explanation_words import (
    join_days,
    join_words,
    name_analyte,
    name_stops,
    name_support,
    name_value,
    say_answer,
    say_policy,
    say_value,
)

__all__ = ["say_change", "say_range_answer", "say_settling"]

_MOST_GROUPS = 3


def say_settling(outcome: OutcomeExplanation) -> Iterator[str]:
    """Yield which measurement would have settled an undecided outcome, and what it would have said."""
    if outcome.answer.decided:
        return
    yield from _say_stops(outcome)
    settling = [item for item in outcome.settling if item.settles]
    for value, days, said in _group_alike(settling, outcome):
        yield f"a {value} on {days} would have settled it, whatever it was: {said}"
    if settling or outcome.stops_settle:
        return
    if outcome.was_asked:
        yield from _say_none(outcome)
    for value, days, said in islice(_group_alike(outcome.settling, outcome), _MOST_GROUPS):
        yield f"a {value} on {days}: {said}"
    if outcome.together:
        analytes = dict.fromkeys(analyte for analyte, _ in outcome.together)
        places = [
            f"{name_analyte(name)} on {join_days(day for other, day in outcome.together if other == name)}"
            for name in analytes
        ]
        yield f"all of these together would have: {'; '.join(places)}"


def _say_none(outcome: OutcomeExplanation) -> Iterator[str]:
    """That no single value settles it, of the analytes that were tried; and which were not tried."""
    tried = [name_value(name) for name in outcome.analytes if name not in outcome.untried]
    if tried:
        what = join_words(tried, "or") if outcome.untried else "value"
        yield f"no single further {what} would have settled it whatever it was"
    for name in outcome.untried:
        value = name_value(name)
        yield (
            f"single values were not tried: no {value} lies in the window, and one would speak for one day of"
            " many"
        )


def _say_stops(outcome: OutcomeExplanation) -> Iterator[str]:
    """What the stops of support without a recorded one would have said, each and all together."""
    if outcome.stops_settle and not any(stop.settles for stop in outcome.stops):
        yield f"{name_stops(outcome.stops)} together would have settled it, whatever they were"
    for stop in outcome.stops:
        settles = " would have settled it, whatever it was" if stop.settles else ""
        said = "; ".join(_say_stop_range(one, outcome) for one in stop.answers)
        yield f"{name_stops([stop])}{settles}: {said}"


def _say_stop_range(one: StopRange, outcome: OutcomeExplanation) -> str:
    if one.last is None:
        where = f"on day {one.first} or later"
    else:
        where = f"on day {one.first}" if one.last == one.first else f"on day {one.first} to {one.last}"
    if one.later is None or one.last is None:
        return f"{where}: {say_range_answer(one.answer, outcome)}"
    days = f"day {one.first + one.later} to {one.last + one.later}"
    return f"{where}: recovered {plural(one.later, 'day')} later, on {days}"


def _group_alike(found: Iterable[Settling], outcome: OutcomeExplanation) -> Iterator[tuple[str, str, str]]:
    """Yield one more value, its days and its answers, of days with the same answers as they are printed."""
    groups: dict[tuple[str, str], list[int]] = {}
    for item in sorted(found, key=lambda one: (one.analyte, one.day)):
        groups.setdefault((item.analyte, _say_ranges(item, outcome)), []).append(item.day)
    for (analyte, said), days in groups.items():
        yield name_value(analyte), join_days(days, "or"), said


def _say_ranges(item: Settling, outcome: OutcomeExplanation) -> str:
    printed = print_ranges(item.ranges, lambda answer: say_range_answer(answer, outcome), given=item.given)
    return "; ".join(f"{_say_range(one, item.analyte)}: {one.words}" for one in printed)


def say_range_answer(answer: Answer, outcome: OutcomeExplanation) -> str:
    """Return an answer in a range of values.

    Where there was none before, what the rule would say counts as well.
    """
    words = say_answer(answer, outcome)
    if answer.decided or answer.policy is None or outcome.answer.policy is not None:
        return words
    return f"{say_policy(answer, outcome)} by the rule ({words})"


def _say_range(one: PrintedRange, analyte: str) -> str:
    low = say_value(one.low, analyte, "at_least" if one.includes_low else "above")
    if one.high is None:
        return low if one.low else "any value"
    high = say_value(one.high, analyte, "at_most" if one.includes_high else "below")
    return f"{low} and {high}" if one.low else high


def say_change(change: Change, outcome: OutcomeExplanation) -> str:
    """Return one thing that would change the answer, and the answer that it gives."""
    answer = say_policy(change.answer, outcome)
    if change.or_higher:
        answer += " or higher"
    if not change.answer.decided and change.answer.policy is not None:
        answer += f" by the rule, not {'always ' if change.sometimes_decided else ''}decided"
    analyte = change.analyte or ""
    value = "" if change.cut is None else say_value(change.cut, analyte, change.comparator or "")
    named = f"{name_value(analyte)} {value}" if len(outcome.analytes) > 1 and analyte else f"value {value}"
    without = f"without {join_words([name_support(kind) for kind in change.support], 'and')}"
    match change.kind:
        case "more_days":
            count = len(change.days)
            more = "1 more day" if count == 1 else f"{count} more days"
            beyond = f"with a {named}" if len(outcome.analytes) > 1 else value
            return f"{more} {beyond} ({join_days(change.days)}): {answer}"
        case "any_day" if outcome.kind in ("recovery", "any_of"):
            return f"one {named} on any of {join_days(change.days)}: {answer}"
        case "any_day":
            return f"one {named} on any day: {answer}"
        case "one_day":
            return f"one {named} on {join_days(change.days, 'or')}: {answer}"
        case "without_row":
            measured = [day for day in outcome.days if day.role == "decides"]
            row = f"without row {change.source_row} ({join_days(change.days)})"
            is_single = len(measured) == 1
            return (
                f"rests on one measurement: {row} the answer is {answer}" if is_single else f"{row}: {answer}"
            )
        case "values":
            same = f"the same {name_analyte(analyte)}"
            needed = f"{name_analyte(analyte)} {value} on {join_days(change.days)}" if change.days else same
            return f"{', '.join(filter(None, (needed, without if change.support else '')))}: {answer}"
        case _:
            beside = f", and {without}" if change.support else ""
            failed = f"every count that failed or was unknown on {join_days(change.days)}"
            return f"{failed} at its cut{beside}: {answer}"
