"""A score of one patient in words: the result, its inputs, what to know beside, a sentence for a note."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any

from cytopenia.definition_forms import (
    ModelDefinition,
    PointsDefinition,
    RatioDefinition,
    ScoreDefinition,
)
from cytopenia.definitions import describe_definition
from cytopenia.score_card import CardScore
from cytopenia.score_file import PatientScore
from cytopenia.study.model_cards import CardInput
from cytopenia.units import load_analytes, show_unit

__all__ = [
    "RESEARCH",
    "InputLine",
    "ToldScore",
    "print_card",
    "print_score",
    "record_card",
    "record_score",
    "tell_card",
    "tell_score",
]

RESEARCH = "For research. Not a medical device; no decision about a patient should rest on it alone."
_BASELINE = "Values are taken as given: the last before lymphodepletion."
_SIGNS = ("<", "<=", ">", ">=")


@dataclass(frozen=True)
class InputLine:
    """One input: its name, its value with its unit, its points or what it adds, and the sentence that counts.

    `points` stands of items of points alone; `effect` says of ratios and models what the value does.
    """

    name: str
    title: str
    value: str
    points: str
    effect: str
    words: str


@dataclass(frozen=True)
class ToldScore:
    """A score in words.

    Attributes
    ----------
    title, result : str
        Of the score, and what came out: "3 of 7 points, risk group high".
    inputs : tuple of InputLine
    warnings : tuple of str
    remarks : tuple of pairs of str
        Label and text: what is open, what it predicts, in whom it was tested, what was assumed, the source.
    note : str
        One sentence for a note.
    """

    title: str
    result: str
    inputs: tuple[InputLine, ...]
    warnings: tuple[str, ...]
    remarks: tuple[tuple[str, str], ...]
    note: str


# -- scores of definitions -------------------------------------------------------------------------


def tell_score(found: PatientScore) -> ToldScore:
    """Return the score of one patient in words.

    Examples
    --------
    >>> from cytopenia.score_file import score_one
    >>> tell_score(score_one("car_hematotox", ("platelets=60 G/L", "ferritin=2500 ng/mL"))).result
    '4 to 7 of 7 points, risk group high (whatever the open items are)'
    """
    definition = found.scores.definition
    row = found.scores.scores.row(0, named=True)
    items = found.scores.items.to_dicts()
    lines = tuple(_list_inputs(definition, items, found.effects))
    result = _say_result(definition, row)
    told = describe_definition(definition)
    given = "; ".join(_say_given(line) for line in lines if line.value != "-")
    absent = ", ".join(line.title for line in lines if line.value == "-")
    note = f"{definition.title}: {result}. {f'Values: {given}. ' if given else ''}"
    note += f"Not known: {absent}. " if absent else ""
    note += _say_doubts(found.warnings)
    return ToldScore(
        title=definition.title,
        result=result,
        inputs=lines,
        warnings=tuple(found.warnings),
        remarks=tuple(_list_remarks(definition, row, items)),
        note=f"{note}Source: {told['citation']}.",
    )


def _say_doubts(warnings: Sequence[str]) -> str:
    """What was doubtful, where the sentence is all that is read later."""
    return f"To be checked: {' '.join(warnings)} " if warnings else ""


def _say_given(line: InputLine) -> str:
    points = f" ({line.points})" if line.points else ""
    return f"{line.title} {line.value}{points}"


def _list_remarks(
    definition: ScoreDefinition, row: dict[str, Any], items: list[dict[str, Any]]
) -> Iterator[tuple[str, str]]:
    told = describe_definition(definition)
    if row["reason"] != "scored":
        yield ("Extrapolated" if row["decided"] else "Open"), _explain(row, items)
    if any(need.day is None for need in definition.inputs_needed):
        yield "", _BASELINE
    yield "Predicts", definition.predicts
    yield "Tested in", definition.population
    if definition.note:
        yield "Note", definition.note
    yield from (("Assumed", text) for text in told["assumed"])
    doi = f" doi:{told['doi']}" if told["doi"] else ""
    yield "Source", f"{told['citation']}{doi}"


def print_score(found: PatientScore) -> list[str]:
    """Return the score as lines for a terminal."""
    told = tell_score(found)
    lines = [f"{told.title}: {told.result}", "", *_align(told.inputs), ""]
    lines += [f"Warning: {warning}" for warning in told.warnings]
    lines += [f"{label}: {text}" if label else text for label, text in told.remarks]
    return [*lines, RESEARCH]


def record_score(found: PatientScore) -> dict[str, Any]:
    """Return everything that the words say, for a machine."""
    definition = found.scores.definition
    told = describe_definition(definition)
    row = found.scores.scores.drop("patient_id").row(0, named=True)
    items = found.scores.items.drop("patient_id", "score", "day", "source_row")
    return {
        **row,
        "title": definition.title,
        "version": definition.version,
        "items": items.to_dicts(),
        "predicts": definition.predicts,
        "population": definition.population,
        "citation": told["citation"],
        "doi": told["doi"],
        "assumed": told["assumed"],
        "warnings": found.warnings,
        "use": RESEARCH,
    }


def _say_result(definition: ScoreDefinition, row: dict[str, Any]) -> str:
    if row["policy"] is None and row["best"] is None:
        return "no score"
    match definition:
        case PointsDefinition():
            points = _span(row["best"], row["worst"], "g")
            return f"{points} of {definition.most_points} points{_name_group(row)}"
        case ModelDefinition():
            return f"{row['policy']:.1%}"
        case RatioDefinition():
            return f"{_span(row['best'], row['worst'], '.4g')}{_take_logarithm(definition, row)}"


def _take_logarithm(definition: RatioDefinition, row: dict[str, Any]) -> str:
    """Its logarithm to base 2 beside a ratio, as most publications analyze it."""
    is_plain = definition.transform == "none" and row["policy"]
    return f" (log2 {log2(row['policy']):.3g})" if is_plain else ""


def _name_group(row: dict[str, Any]) -> str:
    if row["group"] is not None:
        agree = "" if row["decided"] else " (whatever the open items are)"
        return f", risk group {row['group']}{agree}"
    if row["group_best"] is None:
        return ""
    return f", risk group open: {row['group_best']} or {row['group_worst']}"


def _span(best: float, worst: float | None, form: str) -> str:
    if worst is None:
        return f"{best:{form}} or more"
    return f"{best:{form}}" if best == worst else f"{best:{form}} to {worst:{form}}"


def _explain(row: dict[str, Any], items: list[dict[str, Any]]) -> str:
    """The reason, and what each open item can add."""
    adds = [
        f"{item['item']} can add {item['points_best']:g} to {item['points_worst']:g}"
        f" {'point' if item['points_worst'] == 1 else 'points'}"
        for item in items
        if item["problem"] is not None and item["points_worst"] is not None
    ]
    return "; ".join([row["reason"], *adds]) + "."


def _list_inputs(
    definition: ScoreDefinition, items: list[dict[str, Any]], effects: dict[str, float]
) -> Iterator[InputLine]:
    """One line per item: name, value in the unit of the score, points, sentence."""
    days = {need.analyte: need.day for need in definition.inputs_needed}
    for item in items:
        name, day = item["item"], days[item["item"]]
        number = "-" if item["value"] is None else f"{item['value']:.6g}"
        sign = item["comparator"] if item["comparator"] in _SIGNS else ""
        points = ""
        if item["points_worst"] is not None:
            points = _span(item["points_best"], item["points_worst"], "g")
        shown = number if item["value"] is None else f"{sign}{number} {show_unit(item['unit'])}"
        title = load_analytes()[name].title + ("" if day is None else f", day {day}")
        effect = _say_effect(definition, name, effects.get(name))
        yield InputLine(name, title, shown, points, effect, item["rule"] or item["problem"] or "")


def _say_effect(definition: ScoreDefinition, name: str, added: float | None) -> str:
    if isinstance(definition, RatioDefinition):
        return "multiplies" if name in definition.numerator else "divides"
    return "" if added is None else f"{added:+.3g}"


def _align(lines: tuple[InputLine, ...]) -> list[str]:
    widths = [
        max((len(text) for text in column), default=0)
        for column in (
            [line.title for line in lines],
            [line.value for line in lines],
            [line.points for line in lines],
        )
    ]
    return [
        f"  {line.title:<{widths[0]}}  {line.value:<{widths[1]}}  {line.points:>{widths[2]}}"
        f"  {line.words}".rstrip()
        for line in lines
    ]


# -- model cards -----------------------------------------------------------------------------------


def tell_card(found: CardScore) -> ToldScore:
    """Return the probability by a model card in words."""
    card = found.card
    lines = tuple(_list_card_inputs(found))
    given = "; ".join(f"{line.title} {line.value}" for line in lines)
    result = f"{found.probability:.1%}"
    warnings = tuple(f"{warning}." for warning in found.warnings)
    return ToldScore(
        title=card.title,
        result=result,
        inputs=lines,
        warnings=warnings,
        remarks=tuple(_list_card_remarks(found)),
        note=(
            f"{card.title}: {result} probability of {card.event} ({card.outcome}). Values: {given}."
            f" {_say_doubts(warnings)}Source: {card.software}, card '{card.id}'."
            + (" Synthetic data: no patient stands behind this model." if card.synthetic else "")
        ),
    )


def _list_card_inputs(found: CardScore) -> Iterator[InputLine]:
    for item in found.card.inputs:
        shown = _show_value(item, found.values[item.name])
        yield InputLine(item.name, item.title, shown, "", f"{found.effects[item.name]:+.3g}", item.when)


def _show_value(item: CardInput, value: float | str) -> str:
    unit = show_unit(item.unit) if item.unit else ""
    return value if isinstance(value, str) else f"{value:.6g} {unit}".rstrip()


def _list_card_remarks(found: CardScore) -> Iterator[tuple[str, str]]:
    card, worth = found.card, found.card.performance
    left_out = "" if worth.c_pairs_left_out is None else f"; with pairs left out {worth.c_pairs_left_out:.2f}"
    yield (
        "C statistic",
        f"{worth.c_corrected:.2f} corrected for optimism{left_out} ({worth.c_apparent:.2f} apparent)",
    )
    yield (
        "Slope of calibration",
        f"{worth.slope_corrected:.2f} corrected; the coefficients are shrunken by {card.shrinkage:.2f}",
    )
    yield "Made from", f"{card.population.patients} patients, {card.population.events} with the event"
    yield from (("Note", remark) for remark in card.remarks)
    if card.synthetic:
        yield "", "Synthetic data: no patient stands behind this model."
    yield "Source", f"{card.software}, card '{card.id}'"


def print_card(found: CardScore) -> list[str]:
    """Return the probability as lines for a terminal, and beside it what it is worth."""
    told, card = tell_card(found), found.card
    lines = [f"{told.title}: {told.result}", f"Of: {card.outcome}: {card.event}", ""]
    lines += [f"  {line.title}: {line.value}" for line in told.inputs]
    lines += ["", *(f"Warning: {warning}" for warning in told.warnings)]
    lines += [f"{label}: {text}" if label else text for label, text in told.remarks]
    return [*lines, RESEARCH]


def record_card(found: CardScore) -> dict[str, Any]:
    """Return everything that the words say, for a machine."""
    card = found.card
    return {
        "card": card.id,
        "title": card.title,
        "outcome": card.outcome,
        "event": card.event,
        "probability": found.probability,
        "values": found.values,
        "warnings": found.warnings,
        "performance": card.performance.model_dump(),
        "population": card.population.model_dump(),
        "remarks": list(card.remarks),
        "synthetic": card.synthetic,
        "use": RESEARCH,
    }
