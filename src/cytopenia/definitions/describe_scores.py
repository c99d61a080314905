"""Scores in sentences: points, formulas, inputs of models, and what had to be assumed."""

from __future__ import annotations

from cytopenia.definition_forms import ModelDefinition, PointsDefinition, RatioDefinition
from cytopenia.units import load_analytes, show_unit

__all__ = ["describe_model", "describe_points", "describe_ratio"]

Sentences = tuple[list[str], list[str]]


def describe_points(definition: PointsDefinition) -> Sentences:
    """Return the rules of every item and the groups, and the choices at ties."""
    rules = [
        sentence
        for item in definition.items.values()
        for sentence in (
            f"0 points: “{item.otherwise}”",
            *(f"{_count(rule.points)}: “{rule.text}”" for rule in item.rules),
        )
    ]
    starts = [group.at_least for group in definition.groups]
    ends = [*(start - 1 for start in starts[1:]), definition.most_points]
    groups = [
        f"{group.name}: {_span(group.at_least, end)}"
        for group, end in zip(definition.groups, ends, strict=False)
    ]
    if groups:
        rules.append("Groups: " + "; ".join(groups))
    ties = definition.ties.choices if definition.ties and definition.ties.status == "assumed" else {}
    at_cuts = [f"{load_analytes()[analyte].title}: {text}" for analyte, text in ties.items()]
    return [*rules, *_state_use(definition)], [*definition.assumptions, *at_cuts]


def describe_ratio(definition: RatioDefinition) -> Sentences:
    """Return the formula, and what is assumed about zeros."""
    over = " × ".join(_name_value(*pair) for pair in definition.numerator.items())
    under = " × ".join(_name_value(*pair) for pair in definition.denominator.items())
    formula = f"{over} / {under}" if len(definition.denominator) == 1 else f"{over} / ({under})"
    if definition.transform == "log2":
        formula = f"log2 of {formula}"
    return [formula, *_state_use(definition)], list(definition.assumptions)


def describe_model(definition: ModelDefinition) -> Sentences:
    """Return the inputs with the range the model was made for."""
    inputs = [
        f"log10 of {_name_value(name, item.unit)}"
        + ("" if item.day is None else f" on day {item.day}")
        + f", {item.allowed[0]:g} to {item.allowed[1]:g}"
        for name, item in definition.inputs.items()
    ]
    categories = [f"{name}: {' or '.join(levels)}" for name, levels in definition.categories.items()]
    zero = f"A value of 0 is taken as {definition.zero_as:g}."
    return [*inputs, *categories, zero, *_state_use(definition)], list(definition.assumptions)


def _state_use(definition: PointsDefinition | RatioDefinition | ModelDefinition) -> list[str]:
    note = [definition.note] if definition.note else []
    return [f"Predicts {definition.predicts}.", f"Tested in: {definition.population}", *note]


def _name_value(analyte: str, unit: str) -> str:
    return f"{load_analytes()[analyte].title} [{show_unit(unit)}]"


def _count(points: int) -> str:
    return f"{points} point{'' if points == 1 else 's'}"


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"
