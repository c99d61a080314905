"""What the phenotypes of a definition mean, sentence by sentence, and which of it had to be assumed."""

from __future__ import annotations

from collections.abc import Iterator

from cytopenia.definition_forms import PhenotypeDefinition
from cytopenia.definitions.counting_words import describe_days
from cytopenia.units import show_unit

__all__ = ["describe_phenotype_rules", "describe_phenotypes"]

Sentence = tuple[str, bool]

_SIGNS = {"below": "below", "at_most": "at most", "above": "above", "at_least": "at least"}


def describe_phenotypes(definition: PhenotypeDefinition) -> list[Sentence]:
    """Return each rule of a definition of phenotypes as a sentence, with whether it is assumed.

    Examples
    --------
    >>> from cytopenia.definitions import load_definition
    >>> sentences = describe_phenotypes(load_definition("rejeski_2021_phenotypes"))
    >>> sentences[1]
    ('a patient has fallen on the first day below 1 ×10⁹/L', True)
    """
    judging = definition.judging.status == "assumed"
    first, last = definition.window
    return [
        (f"days {first} to {last} count", judging),
        *describe_phenotype_rules(definition),
        *((text, judging) for text in _describe_judging(definition)),
        *describe_days(definition.counting, show_unit(definition.unit)),
        *((text, True) for text in definition.assumptions),
    ]


def describe_phenotype_rules(definition: PhenotypeDefinition) -> Iterator[Sentence]:
    """Yield fall, recovery, second dip and aplastic stretch as sentences, with whether each is assumed."""
    unit = show_unit(definition.unit)
    fall, recovery, dip = definition.fall, definition.recovery, definition.second_dip
    aplastic = definition.aplastic
    yield (
        f"a patient has fallen on the first day {_SIGNS[fall.comparator]} {fall.cut:g} {unit}"
        f"{_quote(fall.text)}",
        fall.status == "assumed",
    )
    yield (
        f"recovery after that: {_SIGNS[recovery.comparator]} {recovery.cut:g} {unit}"
        f" {_in_a_row(recovery.days)}{_from(recovery.from_day)}{_quote(recovery.text)}",
        recovery.status == "assumed",
    )
    yield (
        f"second dip after recovery: {_SIGNS[dip.comparator]} {dip.cut:g} {unit}"
        f" {_in_a_row(dip.days)}{_from(dip.from_day)}{_quote(dip.text)}",
        dip.status == "assumed",
    )
    if aplastic is not None:
        yield (
            f"aplastic: {_SIGNS[aplastic.comparator]} {aplastic.cut:g} {unit}"
            f" {_in_a_row(aplastic.days)}{_quote(aplastic.text)}",
            aplastic.status == "assumed",
        )
    if aplastic is not None and definition.counting.bridge_days:
        days = definition.counting.bridge_days
        fewer = f"up to {days} days in a row" if days > 1 else "1 day"
        is_assumed = definition.counting.status == "assumed"
        text = f"{fewer} on which the cut is not met do not end an aplastic stretch, and count in its length"
        yield text, is_assumed


def _describe_judging(definition: PhenotypeDefinition) -> Iterator[str]:
    judging = definition.judging
    yield "intermittent: a second dip; quick: recovery without one"
    yield f"of several that fit, the first of {', '.join(judging.precedence)} is the phenotype"
    yield "who never fell is “never below”"
    without = "aplastic" if judging.without_recovery == "aplastic" else "“not recovered”"
    yield f"who fell and did not recover in the window is {without}"
    if judging.died_early == "own_label":
        yield "who died in the window before a second dip or an aplastic stretch is “died early”"
    else:
        yield "who died in the window is named by the days until death"
    yield (
        "a phenotype that rests on what did not happen needs a measurement on day"
        f" {judging.seen_until_day} or later"
    )


def _in_a_row(days: int) -> str:
    return "on one day" if days == 1 else f"on {days} days in a row"


def _from(day: int) -> str:
    return f", from day {day} on" if day else ""


def _quote(text: str | None) -> str:
    return f" (“{text}”)" if text else ""
