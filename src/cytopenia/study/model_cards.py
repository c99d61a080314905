"""A model as a card: everything that is needed to use it on another patient, and to know what it is worth."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from pydantic import Field

from cytopenia.definition_forms import Flag, Form, Number, Whole
from cytopenia.errors import DefinitionError, join_problems
from cytopenia.forms import read_bytes, read_form
from cytopenia.stats.cut_resamples import divide_rows
from cytopenia.stats.splines import make_spline

__all__ = [
    "CARD_FORMAT",
    "CardInput",
    "CardPerformance",
    "CardPopulation",
    "CardTerm",
    "ModelCard",
    "list_contributions",
    "parse_card",
    "predict_card",
    "read_card",
    "seal_card",
]

CARD_FORMAT = "cytopenia-model-card-1"
# Printed with 17 digits, read again: equal but for the last bits.
NEAR = 1e-9


class CardPopulation(Form):
    """The patients that the model was made from."""

    patients: Whole = Field(ge=1)
    events: Whole = Field(ge=1)
    left_out_for_missing: Whole = Field(ge=0)


class CardInput(Form):
    """One thing that must be known of a patient: a number in a unit, or a level.

    `minimum` and `maximum`, and the count of each level, are those of the patients of the model. A number
    with an `analyte` is converted from any unit that the package knows.
    """

    name: str
    title: str
    analyte: str | None = None
    when: str = ""
    unit: str = ""
    minimum: Number | None = None
    maximum: Number | None = None
    levels: dict[str, Whole] = Field(default_factory=dict)

    @property
    def is_number(self) -> bool:
        """Whether it is a number, else a level."""
        return not self.levels

    def reaches(self, value: float) -> bool:
        """Whether a patient of the model had a value as low and one as high."""
        return self.minimum is not None and self.maximum is not None and self.minimum <= value <= self.maximum


class CardTerm(Form):
    """One column of the model: how a value becomes its number, and what it weighs.

    `kind`: "number" (divided by `step`), "doubling" (logarithm to base 2), "at_least" and "below" (1 on that
    side of `cut`), "level" (1 for `level`), "curve" (column `part`, from 0, of a restricted cubic spline with
    `knots`).
    """

    input: str
    kind: Literal["number", "doubling", "at_least", "below", "level", "curve"]
    level: str = ""
    step: Number | None = Field(default=None, gt=0)
    cut: Number | None = None
    knots: tuple[Number, ...] = ()
    part: Whole | None = Field(default=None, ge=0)
    coefficient: Number
    shrunken_coefficient: Number


class CardPerformance(Form):
    """What the model is worth: as it looks on its patients, and corrected."""

    c_apparent: Number
    c_corrected: Number
    c_pairs_left_out: Number | None
    slope_corrected: Number
    intercept_corrected: Number
    brier_corrected: Number
    resamples: Whole = Field(ge=1)


class ModelCard(Form):
    """A model card; `seal` is the hash of everything else."""

    format: Literal["cytopenia-model-card-1"]
    id: str
    title: str
    outcome: str
    event: str
    synthetic: Flag
    method: Literal["maximum_likelihood", "firth"]
    population: CardPopulation
    inputs: tuple[CardInput, ...] = Field(min_length=1)
    terms: tuple[CardTerm, ...] = Field(min_length=1)
    intercept: Number
    shrunken_intercept: Number
    shrinkage: Number = Field(gt=0, le=1)
    performance: CardPerformance
    remarks: tuple[str, ...] = ()
    software: str
    protocol_sha256: str
    seal: str

    def takes_logarithm(self, name: str) -> bool:
        """Whether an input must be above 0."""
        return any(term.kind == "doubling" for term in self.terms if term.input == name)

    def find_input(self, name: str) -> CardInput | None:
        """Return one input, None where the card has none of the name."""
        return next((item for item in self.inputs if item.name == name), None)


def seal_card(content: Mapping[str, Any]) -> str:
    """Return the hash of a card without its seal, whatever the order of its keys."""
    rest = {key: value for key, value in content.items() if key != "seal"}
    return hashlib.sha256(
        json.dumps(rest, sort_keys=True, ensure_ascii=False).encode(errors="surrogatepass")
    ).hexdigest()


def read_card(path: Path) -> ModelCard:
    """Return the card of a file.

    Raises
    ------
    DefinitionError
        The file is no card, was changed since it was written, or contradicts itself; every fault is named.
    """
    return parse_card(read_bytes(path, error=DefinitionError), where=path.name)


def parse_card(file: bytes, *, where: str) -> ModelCard:
    """Return the card that the bytes of a file are; `where` names the file in messages.

    Raises
    ------
    DefinitionError
        As `read_card`.
    """
    try:
        content: object = json.loads(file.decode("utf-8-sig"))
        seal = seal_card(cast("dict[str, Any]", content)) if isinstance(content, dict) else ""
    except (ValueError, RecursionError) as cause:
        message = f"{where}: is no JSON file; a card is written by an analysis of kind 'prediction'."
        raise DefinitionError(message) from cause
    if not isinstance(content, dict) or "format" not in content:
        raise DefinitionError(
            f"{where}: is no model card of this package (no key 'format'); a card is written by an analysis"
            " of kind 'prediction'."
        )
    given = cast("dict[str, Any]", content)
    card, problems = read_form(ModelCard, given, where=where)
    if given.get("seal") != seal:
        problems.append(
            f"{where}: its seal does not fit its content: it was changed after it was written; use the card"
            " of the run"
        )
    if card is not None:
        problems += [f"{where}: {problem}" for problem in _check_card(card)]
    if problems or card is None:
        raise DefinitionError(join_problems(f"{where}: the card cannot be used", problems))
    return card


def _check_card(card: ModelCard) -> Iterator[str]:
    names = [item.name for item in card.inputs]
    if len(set(names)) < len(names):
        yield "two inputs have the same name"
    if card.population.events >= card.population.patients:
        yield "population: events must be fewer than patients"
    for item in card.inputs:
        if item.is_number and (item.minimum is None or item.maximum is None or item.minimum > item.maximum):
            yield f"inputs.{item.name}: a number needs a minimum and a maximum that is not below it"
        if item.name not in {term.input for term in card.terms}:
            yield f"inputs.{item.name}: stands in no term"
    for place, term in enumerate(card.terms):
        yield from (f"terms.{place}: {problem}" for problem in _check_term(term, card))


def _check_term(term: CardTerm, card: ModelCard) -> Iterator[str]:
    source = card.find_input(term.input)
    if source is None:
        yield f"input '{term.input}' is not among the inputs"
        return
    needs = {
        "number": term.step is not None,
        "at_least": term.cut is not None,
        "below": term.cut is not None,
        "level": term.level in source.levels,
        "curve": bool(term.knots) and term.part is not None,
    }
    if not needs.get(term.kind, True):
        yield f"kind is '{term.kind}', whose keys are missing or do not fit"
    elif source.is_number == (term.kind == "level"):
        yield f"kind '{term.kind}' does not go with the input '{term.input}'"
    elif term.kind == "curve" and (
        list(term.knots) != sorted(set(term.knots)) or len(term.knots) <= (term.part or 0) + 1
    ):
        yield "knots must rise, and be two more than the number of its part"
    expected = term.coefficient * card.shrinkage
    if not math.isclose(term.shrunken_coefficient, expected, rel_tol=NEAR, abs_tol=NEAR):
        yield "shrunken_coefficient is not coefficient times shrinkage"


def predict_card(card: ModelCard, values: Mapping[str, float | str]) -> float:
    """Return the log odds of the event by the shrunken model.

    Parameters
    ----------
    card : ModelCard
    values : mapping of input to number or level
        Every input, numbers in the unit of the card.
    """
    return card.shrunken_intercept + sum(list_contributions(card, values).values())


def list_contributions(card: ModelCard, values: Mapping[str, float | str]) -> dict[str, float]:
    """Return what each input adds to the log odds; parameters are those of `predict_card`."""
    added = dict.fromkeys((item.name for item in card.inputs), 0.0)
    for term in card.terms:
        added[term.input] += term.shrunken_coefficient * _find_column(term, values[term.input])
    return added


def _find_column(term: CardTerm, value: float | str) -> float:
    if term.kind == "level":
        return float(value == term.level)
    number = float(value)
    match term.kind:
        case "number":
            return number / float(term.step or 1.0)
        case "doubling":
            return math.log2(number)
        case "curve":
            return float(make_spline([number], term.knots)[0, term.part or 0])
        case _:
            is_above = bool(divide_rows(np.array([number]), np.array([term.cut]))[0, 0])
            return float(is_above if term.kind == "at_least" else not is_above)
