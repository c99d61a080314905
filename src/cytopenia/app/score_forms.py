"""What a calculator asks for: its inputs with every listed unit, from a definition or a model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cytopenia.definition_forms import ModelDefinition, PointsDefinition, RatioDefinition, ScoreDefinition
from cytopenia.definitions import Library, describe_definition
from cytopenia.study.model_cards import CardInput, ModelCard
from cytopenia.units import list_units, load_analytes, match_unit, show_unit

__all__ = ["Calculator", "InputField", "describe_card", "describe_score", "join_values", "list_scores"]


@dataclass(frozen=True)
class InputField:
    """One input: a number with its units (the first is the one of the definition), or one of `levels`."""

    name: str
    title: str
    units: tuple[tuple[str, str], ...] = ()
    day: int | None = None
    levels: tuple[str, ...] = ()
    when: str = ""


@dataclass(frozen=True)
class Calculator:
    """A score or a card as a page shows it before anything is known of a patient."""

    id: str
    kind: str
    title: str
    version: str
    text: str
    predicts: str
    population: str
    citation: str
    fields: tuple[InputField, ...]


def list_scores(library: Library) -> list[ScoreDefinition]:
    """Return the definitions that score one patient: points, then ratios, then models.

    Examples
    --------
    >>> from cytopenia.definitions import load_library
    >>> list_scores(load_library())[0].id
    'car_hematotox'
    """
    kinds = (PointsDefinition, RatioDefinition, ModelDefinition)
    found = [item for item in library.definitions.values() if isinstance(item, kinds)]
    return sorted(found, key=lambda item: (kinds.index(type(item)), item.title))


def describe_score(definition: ScoreDefinition) -> Calculator:
    """Return what a score asks for.

    Examples
    --------
    >>> from cytopenia.definitions import load_library
    >>> describe_score(load_library().find_score("car_hematotox")).fields[3].units[0]
    ('mg/dL', 'mg/dL')
    """
    told = describe_definition(definition)
    fields = [
        InputField(
            need.analyte,
            load_analytes()[need.analyte].title,
            units=_order_units(need.analyte, need.unit),
            day=need.day,
        )
        for need in definition.inputs_needed
    ]
    levels = definition.categories if isinstance(definition, ModelDefinition) else {}
    return Calculator(
        id=definition.id,
        kind=definition.kind,
        title=definition.title,
        version=definition.version,
        text=definition.text or "",
        predicts=definition.predicts,
        population=definition.population,
        citation=told["citation"],
        fields=(*fields, *(InputField(name, name, levels=tuple(words)) for name, words in levels.items())),
    )


def describe_card(card: ModelCard) -> Calculator:
    """Return what a model card asks for."""
    return Calculator(
        id=card.id,
        kind="card",
        title=card.title,
        version=card.software,
        text="",
        predicts=f"{card.event} ({card.outcome})",
        population="",
        citation="",
        fields=tuple(_describe_input(item) for item in card.inputs),
    )


def _describe_input(item: CardInput) -> InputField:
    units = () if item.analyte is None else _order_units(item.analyte, item.unit)
    levels = tuple(level for level, count in item.levels.items() if count)
    return InputField(item.name, item.title, units=units, levels=levels, when=item.when)


def _order_units(analyte: str, first: str) -> tuple[tuple[str, str], ...]:
    """Every listed unit once as it is shown, the stated one first."""
    stated = match_unit(analyte, first)
    texts = [first, *(text for text in list_units(analyte) if match_unit(analyte, text) != stated)]
    shown: dict[str, str] = {}
    for text in texts:
        shown.setdefault(show_unit(text), text)
    return tuple((text, label) for label, text in shown.items())


def join_values(fields: Sequence[InputField], given: Mapping[str, tuple[str, str]]) -> list[tuple[str, str]]:
    """Return name and text of every input that was filled in; `given` has a value and a unit by name."""
    pairs: list[tuple[str, str]] = []
    for field in fields:
        value, unit = given.get(field.name, ("", ""))
        if value.strip():
            pairs.append((field.name, f"{value} {unit}".strip() if field.units else value.strip()))
    return pairs
