"""A definition in sentences: title, source, rules, and what had to be assumed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cytopenia.definition_forms import (
    BaselineDefinition,
    BoundsDefinition,
    Criterion,
    Definition,
    GatesDefinition,
    GradesDefinition,
    NotDefinable,
    PhenotypeDefinition,
    RecoveryDefinition,
)
from cytopenia.definitions.counting_words import describe_counting
from cytopenia.definitions.phenotype_words import describe_phenotypes
from cytopenia.units import load_analytes, show_unit

__all__ = ["describe_definition"]


def describe_definition(definition: Definition, *, parts: Iterable[str] = ()) -> dict[str, Any]:
    """Return what a reader of a report needs: title, citation, rules and assumptions in sentences.

    Parameters
    ----------
    definition : Definition
    parts : iterable of str
        Names of the graded parts to describe; all of them if empty.

    Returns
    -------
    dict
        `id`, `title`, `version`, `status`, `citation`, `doi`, `url`, `text`, `rules` (list of str),
        `assumed` (list of str).
    """
    wanted = set(parts)
    if isinstance(definition, GradesDefinition) and wanted:
        kept = {name: part for name, part in definition.parts.items() if name in wanted}
        definition = definition.model_copy(update={"parts": kept})
    rules, assumed = _DESCRIBE[type(definition)](definition)
    return {
        "id": definition.id,
        "title": definition.title,
        "version": definition.version,
        "status": definition.status,
        "citation": definition.citation.text,
        "doi": definition.citation.doi or "",
        "url": definition.citation.url or "",
        "text": definition.text or "",
        "rules": rules,
        "assumed": assumed,
    }


def _describe_grades(definition: GradesDefinition) -> tuple[list[str], list[str]]:
    rules = [
        f"{part.title}, grade {rule.grade}: “{rule.text}”"
        + ("" if rule.lab_gradable else " (not decided by a laboratory value)")
        for part in definition.parts.values()
        for rule in part.grades
    ]
    notes = (definition.note, *(part.note for part in definition.parts.values()))
    assumed: list[str] = []
    for part in definition.parts.values():
        sentences = describe_counting(part)
        rules += [f"{part.title}: {text}" for text, is_assumed in sentences if not is_assumed]
        assumed += [f"{part.title}: {text}" for text, is_assumed in sentences if is_assumed]
    return [*rules, *(note for note in notes if note)], assumed


def _describe_recovery(definition: RecoveryDefinition) -> tuple[list[str], list[str]]:
    words = {"at_least": "at least", "above": "above"}
    rules = [
        f"{load_analytes()[item.analyte].title} {words[item.comparator]} {_print_cut(item)}"
        for item in definition.all_of
    ]
    counting = definition.counting
    gaps = (
        f"An unmeasured day between two measurements at most {counting.bracket_days} days apart that agree"
        f" takes their state; values up to {counting.look_ahead_days} days after the landmark may do so; if"
        f" nothing follows, the last state is carried for at most {counting.carry_days} days. Anything else"
        " is not evaluable."
    )
    rules.append(f"all on {definition.run.length} consecutive days; landmark day {definition.landmark.day}")
    return rules, [*definition.assumptions, gaps]


def _describe_phenotypes(definition: PhenotypeDefinition) -> tuple[list[str], list[str]]:
    sentences = describe_phenotypes(definition)
    rules = [text for text, is_assumed in sentences if not is_assumed]
    assumed = [text for text, is_assumed in sentences if is_assumed]
    return [*rules, *([definition.note] if definition.note else [])], assumed


def _print_cut(item: Criterion) -> str:
    """The cut with its unit: at least one decimal, and no digit of the file lost."""
    number = f"{item.cut:.1f}" if item.cut == round(item.cut, 1) else f"{item.cut:g}"
    return f"{number} {show_unit(item.unit)}"


def _describe_bounds(definition: BoundsDefinition) -> tuple[list[str], list[str]]:
    slack = ", ".join(f"{name} {value:g}" for name, value in definition.slack.items())
    return [f"Longest distance {definition.longest_days} days; slack: {slack}."], []


def _describe_baseline(definition: BaselineDefinition) -> tuple[list[str], list[str]]:
    first, last = definition.peak_window
    rule = f"Baseline: {definition.days_before} days before; peak: day {first} to {last}."
    return [rule], []


def _describe_gates(definition: GatesDefinition) -> tuple[list[str], list[str]]:
    rule = (
        f"One factor at a time from {definition.univariable_from} on, a multivariable model from"
        f" {definition.multivariable_from} on, one term per {definition.per_term}."
    )
    return [rule], []


def _describe_not_definable(definition: NotDefinable) -> tuple[list[str], list[str]]:
    return [f"{item.source}: “{item.says}”: {item.reason}" for item in definition.entries], []


_DESCRIBE: dict[type[Any], Any] = {
    GradesDefinition: _describe_grades,
    RecoveryDefinition: _describe_recovery,
    PhenotypeDefinition: _describe_phenotypes,
    BoundsDefinition: _describe_bounds,
    BaselineDefinition: _describe_baseline,
    GatesDefinition: _describe_gates,
    NotDefinable: _describe_not_definable,
}
