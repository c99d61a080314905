"""The probability of one patient by a model card, from values on the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cytopenia.errors import DataError, ProtocolError, UnitError, join_problems, suggest_name
from cytopenia.one_file import split_quantity
from cytopenia.study.model_cards import (
    CardInput,
    ModelCard,
    list_contributions,
    predict_card,
    read_card,
)
from cytopenia.units import convert_value, list_units, load_analytes

__all__ = ["CardScore", "score_card", "score_with_card"]

_SHOWN_UNITS = 6
# The number of a value reported as below a limit, as in the models themselves.
_OF_LIMIT = 0.5


@dataclass(frozen=True)
class CardScore:
    """What a model says of one patient.

    Attributes
    ----------
    card : ModelCard
    probability : float
        By the shrunken model.
    values : mapping of input to number or level
        In the units of the card.
    warnings : list of str
        Extrapolation, and limits taken as values.
    effects : mapping of input to number
        What each adds to the log odds.
    """

    card: ModelCard
    probability: float
    values: dict[str, float | str]
    warnings: list[str]
    effects: dict[str, float]


@dataclass(frozen=True)
class _Asking:
    """How values were asked for, as messages say it."""

    where: str
    write: str
    after: str


_OF_COMMAND = _Asking("--value: ", '--value "{name}=...{unit}"', " after '='")
_OF_FORM = _Asking("", "a number{unit}", "")


def score_card(path: Path, values: tuple[str, ...]) -> CardScore:
    """Return the probability of one patient by the card of a model.

    Parameters
    ----------
    path : path
        The card.
    values : tuple of str
        "ferritin=540 ng/mL", "stage=II": every input of the card; a number of an analyte with its unit.

    Raises
    ------
    DefinitionError
        The card cannot be used.
    DataError, UnitError
        An input is missing, unknown, given twice, has no unit, or a level that no patient of the model had;
        all of them are named.
    """
    return _score(read_card(path), [_split_option(option) for option in values], _OF_COMMAND)


def score_with_card(card: ModelCard, values: Sequence[tuple[str, str]]) -> CardScore:
    """Return the probability of one patient from pairs of input and text: ("ferritin", "540 ng/mL").

    Raises
    ------
    DataError, UnitError
        As `score_card`.
    """
    return _score(card, values, _OF_FORM)


def _split_option(option: str) -> tuple[str, str | None]:
    name, equals, text = option.partition("=")
    return name.strip(), text if equals else None


def _score(card: ModelCard, pairs: Sequence[tuple[str, str | None]], asking: _Asking) -> CardScore:
    from scipy.special import expit

    found: dict[str, float | str] = {}
    warnings: list[str] = []
    problems: list[str] = []
    is_unit_wrong = False
    names = [name for name, _ in pairs]
    for name, text in pairs:
        try:
            value, doubts = _read_value(card, name, text, asking)
        except (DataError, ProtocolError, UnitError) as cause:
            problems.append(str(cause))
            is_unit_wrong = is_unit_wrong or isinstance(cause, UnitError)
        else:
            found[name] = value
            warnings += doubts
    problems += [f"{name} is given twice; remove one" for name, count in Counter(names).items() if count > 1]
    problems += [_ask_for(item, asking) for item in card.inputs if item.name not in names]
    if problems:
        error = UnitError if is_unit_wrong else DataError
        raise error(
            join_problems(f"{asking.where}the values of the card '{card.id}' cannot be used", problems)
        )
    probability = float(expit(predict_card(card, found)))
    return CardScore(card, probability, found, warnings, list_contributions(card, found))


def _ask_for(item: CardInput, asking: _Asking) -> str:
    if not item.is_number:
        return f"{item.name} is missing; a model counts nothing as 0. Allowed: {', '.join(_list_known(item))}"
    unit = f" {item.unit}" if item.unit else ""
    form = asking.write.format(name=item.name, unit=unit)
    return f"{item.name} is missing; a model counts nothing as 0. Write {form}"


def _list_known(item: CardInput) -> list[str]:
    return [level for level, count in item.levels.items() if count]


def _read_value(
    card: ModelCard, name: str, given: str | None, asking: _Asking
) -> tuple[float | str, list[str]]:
    item = card.find_input(name)
    known = [one.name for one in card.inputs]
    if given is None:
        raise DataError(f"a value has no '='; write --value \"{known[0]}=...\"")
    if item is None:
        raise DataError(
            f"unknown input '{name}'{suggest_name(name, known)}; the card needs {', '.join(known)}"
        )
    text = given.strip()
    if not item.is_number:
        levels = _list_known(item)
        if text not in levels:
            raise DataError(
                f"{name}: no such level of the card{suggest_name(text, levels)}; allowed: {', '.join(levels)}"
            )
        return text, []
    value, doubts = _read_number(item, text, asking)
    if value <= 0 and card.takes_logarithm(name):
        raise DataError(f"{name} is 0, and the model takes its logarithm; it must be above 0")
    return value, doubts


def _read_number(item: CardInput, text: str, asking: _Asking) -> tuple[float, list[str]]:
    example = f'"{item.name}=12.5 {item.unit}"' if asking.where else f"12.5 {item.unit}".strip()
    sign, number, unit = split_quantity(text, where=item.name, example=example, after=asking.after)
    number = _convert(item, number, unit)
    doubts: list[str] = []
    if sign in (">", ">="):
        raise DataError(f"{item.name} is only known to lie above a limit; a model needs the number")
    if sign in ("<", "<="):
        number *= _OF_LIMIT
        doubts.append(
            f"{item.name} was reported as below a limit; half of the limit is used, as in the model"
        )
    if not item.reaches(number):
        doubts.append(
            f"{item.name} lies outside what the patients of the model had, {item.minimum:.6g} to"
            f" {item.maximum:.6g} {item.unit}".rstrip()
            + ": the probability is an extrapolation"
        )
    return number, doubts


def _convert(item: CardInput, number: float, unit: str) -> float:
    """The number in the unit of the card."""
    if item.analyte is None:
        if unit:
            raise UnitError(f"{item.name} has no unit in the card; write the number alone")
        return number
    if not unit:
        units = ", ".join(list_units(item.analyte)[:_SHOWN_UNITS])
        raise UnitError(f"{item.name} has no unit; write one of {units}")
    canonical, row = convert_value(number, unit, analyte=item.analyte), load_analytes()[item.analyte]
    if row.unit != item.unit:
        raise UnitError(
            f"{item.name}: the card is in {item.unit}, this version counts in {row.unit}; make the card anew"
        )
    if not row.plausible_low <= canonical <= row.plausible_high:
        plausible = f"{row.plausible_low:g} to {row.plausible_high:g} {row.unit}"
        raise DataError(f"{item.name} lies outside the plausible {plausible}; check the value and its unit")
    return canonical
