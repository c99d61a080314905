"""Logistic models on log10 of laboratory values; their coefficients come from a file of the user's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytopenia.definition_forms import Coefficients, ModelDefinition, ModelInput
from cytopenia.errors import DefinitionError, join_problems, suggest_name
from cytopenia.forms import parse_toml, read_bytes, read_form
from cytopenia.grading.cuts import is_met
from cytopenia.units import convert_value

__all__ = [
    "is_in_range",
    "list_contributions",
    "load_coefficients",
    "parse_coefficients",
    "predict_risk",
]

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]


def load_coefficients(path: Path | str, definition: ModelDefinition) -> Coefficients:
    """Return the coefficients of a file, checked against the model they are for.

    Parameters
    ----------
    path : path
        A TOML file with id, model, source, intercept, coefficients, normalization ("none", or mean and sd of
        every laboratory value after log10) and, for each category of the model, a number per level.
    definition : ModelDefinition

    Raises
    ------
    DefinitionError
        The file cannot be read or does not fit the model; every problem is listed.
    """
    file = Path(path)
    return parse_coefficients(read_bytes(file, error=DefinitionError), definition, where=file.name)


def parse_coefficients(content: bytes, definition: ModelDefinition, *, where: str) -> Coefficients:
    """Return the coefficients that the bytes of a file are; `where` names the file in messages.

    Raises
    ------
    DefinitionError
        As `load_coefficients`.
    """
    table = parse_toml(content, name=where, error=DefinitionError)
    found, problems = read_form(Coefficients, table, where=where)
    if found is not None:
        problems = [f"{where}: {problem}" for problem in _check_fit(found, definition)]
    if found is None or problems:
        raise DefinitionError(join_problems(f"{where}: cannot be used for '{definition.id}'", problems))
    return found


def _check_fit(found: Coefficients, definition: ModelDefinition) -> Iterator[str]:
    if found.model != definition.id:
        hint = suggest_name(found.model, [definition.id])
        yield f"model is '{found.model}'{hint}; these are the coefficients of another model"
    yield from _compare_names("coefficients", found.coefficients, definition.inputs)
    if found.normalization is not None:
        yield from _compare_names("normalization", found.normalization, definition.inputs)
    yield from _compare_names("categories", found.categories, definition.categories)
    for name, levels in definition.categories.items():
        if name in found.categories:
            needed = dict.fromkeys(levels)
            yield from _compare_names(f"categories.{name}", found.categories[name], needed)


def _compare_names(where: str, given: Mapping[str, object], needed: Mapping[str, object]) -> Iterator[str]:
    missing = [name for name in needed if name not in given]
    if missing:
        yield f"{where}: {', '.join(missing)} is missing; the model needs {', '.join(needed)}"
    for name in given:
        if name not in needed:
            yield f"{where}: unknown '{name}'{suggest_name(name, needed)}; allowed: {', '.join(needed)}"


def is_in_range(item: ModelInput, low: Numbers, high: Numbers, *, analyte: str) -> Marks:
    """Return where a value is known to lie in the range the model was made for, both ends included.

    Parameters
    ----------
    item : ModelInput
    low, high : (patients,) float
        In the canonical unit of the analyte; NaN is in no range.
    analyte : str
    """
    first, last = (convert_value(end, item.unit, analyte=analyte) for end in item.allowed)
    return is_met(low, "at_least", first) & is_met(high, "at_most", last)


def predict_risk(
    definition: ModelDefinition,
    coefficients: Coefficients,
    *,
    values: Numbers,
    categories: Mapping[str, NDArray[np.str_]],
) -> Numbers:
    """Return the probability of each patient.

    Parameters
    ----------
    definition : ModelDefinition
    coefficients : Coefficients
        From `load_coefficients`.
    values : (patients, inputs) float
        In the units of the model and the order of its inputs; NaN gives no probability.
    categories : mapping of category to (patients,) text
        A text that is no level gives no probability.

    Notes
    -----
    logit(p) = intercept + the sum over laboratory values of coefficient x (log10(value) - mean) / sd + the
    number of the level of each category. An exact 0 is first replaced by `zero_as`.
    """
    added = list_contributions(definition, coefficients, values=values, categories=categories)
    total = np.full(values.shape[0], coefficients.intercept)
    for term in added.values():
        total = total + term
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-total))


def list_contributions(
    definition: ModelDefinition,
    coefficients: Coefficients,
    *,
    values: Numbers,
    categories: Mapping[str, NDArray[np.str_]],
) -> dict[str, Numbers]:
    """Return what each input and category adds to the log odds; parameters are those of `predict_risk`."""
    logarithms = np.log10(np.where(values == 0, definition.zero_as, values))
    added: dict[str, Numbers] = {}
    for place, name in enumerate(definition.inputs):
        term = logarithms[:, place]
        if coefficients.normalization is not None:
            scaling = coefficients.normalization[name]
            term = (term - scaling.mean) / scaling.sd
        added[name] = coefficients.coefficients[name] * term
    for name in definition.categories:
        levels = coefficients.categories[name]
        added[name] = np.array([levels.get(str(text), np.nan) for text in categories[name]])
    return added
