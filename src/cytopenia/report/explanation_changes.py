"""The words of an explanation: what would settle an outcome, and what would change it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cytopenia.grading.explain import Answer, AnswerRange, Change, OutcomeExplanation, Settling
from cytopenia.report.explanation_words import (
    join_days,
    join_words,
    name_analyte,
    name_support,
    name_value,
    say_answer,
    say_policy,
    say_value,
)

__all__ = ["say_change", "say_settling"]

_MOST_GROUPS = 3


def say_settling(outcome: OutcomeExplanation) -> Iterator[str]:
    """Yield which further measurement would have settled an open outcome, and what it would have said."""
    if outcome.answer.decided:
        return
    settling = [item for item in outcome.settling if item.settles]
    for same in _group_alike(settling):
        days = join_days((item.day for item in same), "or")
        yield (
            f"a {name_value(same[0].analyte)} on {days} would have settled it, whatever it was:"
            f" {_say_ranges(same[0], outcome)}"
        )
    if settling:
        return
    if outcome.was_asked:
        yield "no single further value would have settled it whatever it was"
    for same in _group_alike(outcome.settling)[:_MOST_GROUPS]:
        days = join_days((item.day for item in same), "or")
        yield f"a {name_value(same[0].analyte)} on {days}: {_say_ranges(same[0], outcome)}"
    if outcome.together:
        analytes = dict.fromkeys(analyte for analyte, _ in outcome.together)
        places = [
            f"{name_analyte(name)} on {join_days(day for other, day in outcome.together if other == name)}"
            for name in analytes
        ]
        yield f"all of these together would have: {'; '.join(places)}"


def _group_alike(found: Iterable[Settling]) -> list[list[Settling]]:
    """Measurements with the same analyte and answers, in the order of their first day."""
    groups: dict[tuple[str, tuple[AnswerRange, ...]], list[Settling]] = {}
    for item in sorted(found, key=lambda one: (one.analyte, one.day)):
        groups.setdefault((item.analyte, item.ranges), []).append(item)
    return list(groups.values())


def _say_ranges(item: Settling, outcome: OutcomeExplanation) -> str:
    return "; ".join(
        f"{_say_range(one, item.analyte)}: {_say_given(one.answer, outcome)}" for one in item.ranges
    )


def _say_given(answer: Answer, outcome: OutcomeExplanation) -> str:
    """An answer in a range of values; where there was none before, what the rule would say counts as well."""
    words = say_answer(answer, outcome)
    if answer.decided or answer.policy is None or outcome.answer.policy is not None:
        return words
    return f"{say_policy(answer, outcome)} by the rule ({words})"


def _say_range(one: AnswerRange, analyte: str) -> str:
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
    if not change.answer.decided:
        answer += " by the rule, not decided"
    analyte = change.analyte or ""
    value = "" if change.cut is None else say_value(change.cut, analyte, change.comparator or "")
    named = f"{name_value(analyte)} {value}" if len(outcome.analytes) > 1 and analyte else f"value {value}"
    without = f"without {join_words([name_support(kind) for kind in change.support], 'and')}"
    match change.kind:
        case "more_days":
            count = len(change.days)
            more = "1 more day" if count == 1 else f"{count} more days"
            return f"{more} {value} ({join_days(change.days)}): {answer}"
        case "any_day" if outcome.kind == "recovery":
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
