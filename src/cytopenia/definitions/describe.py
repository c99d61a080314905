"""A definition in sentences: title, source, rules, and what had to be assumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cytopenia.definition_forms import (
    BaselineDefinition,
    BedsideDefinition,
    BoundsDefinition,
    Calibration,
    Condition,
    Criterion,
    Definition,
    FeverDefinition,
    GatesDefinition,
    GradeRule,
    GradesDefinition,
    GradesPart,
    LimitOfNormal,
    ModelDefinition,
    MultipleOfBaseline,
    NotDefinable,
    PhenotypeDefinition,
    PointsDefinition,
    RatioDefinition,
    RecoveryDefinition,
    RecoveryTimeDefinition,
)
from cytopenia.definitions.counting_words import describe_counting
from cytopenia.definitions.describe_clinical import describe_bedside, describe_fever
from cytopenia.definitions.describe_scores import describe_model, describe_points, describe_ratio
from cytopenia.definitions.phenotype_words import describe_phenotypes
from cytopenia.units import load_analytes, show_unit

__all__ = ["describe_definition", "list_rules", "say_rule"]

_COMPARED = {"at_least": "at least", "above": "above"}
_SUPPORT = {
    "gcsf": "growth factor",
    "rbc_transfusion": "red cell transfusion",
    "platelet_transfusion": "platelet transfusion",
    "tpo_ra": "thrombopoietin-receptor agonist",
    "stem_cell_boost": "stem cell boost",
}


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


def list_rules(parts: Mapping[str, GradesPart]) -> list[dict[str, Any]]:
    """Return the rules of graded terms as records, one per term.

    Parameters
    ----------
    parts : mapping of address to GradesPart

    Returns
    -------
    list of dict
        `address`, `title`, `analyte`, `unit`, `note`, `rules`; each rule with `grade`, `words`, `text` (the
        official sentence), `lab_gradable`, `comparator` and `cut` as the file has them, and `only_if`.
    """
    return [
        {
            "address": address,
            "title": part.title,
            "analyte": part.analyte,
            "unit": part.unit,
            "note": part.note or "",
            "rules": [_list_rule(rule, part.unit) for rule in part.grades],
        }
        for address, part in parts.items()
    ]


def _list_rule(rule: GradeRule, unit: str) -> dict[str, Any]:
    given = rule.model_dump(exclude_none=True)
    comparator = rule.comparator if rule.lab_gradable else None
    return {
        "grade": rule.grade,
        "words": say_rule(rule, unit) if rule.lab_gradable else "not decided by a laboratory value",
        "text": rule.text,
        "lab_gradable": rule.lab_gradable,
        "comparator": comparator,
        "cut": None if comparator is None else given[comparator],
        "only_if": given.get("only_if"),
    }


def say_rule(rule: GradeRule | Condition, unit: str) -> str:
    """Return a rule in words, with the unit of its cut.

    Examples
    --------
    >>> from cytopenia.definitions.library import load_library
    >>> part = load_library().find_parts("ctcae_v5.fibrinogen_decreased")["ctcae_v5.fibrinogen_decreased"]
    >>> [say_rule(rule, part.unit) for rule in part.grades[2:4]]
    ['below 0.75 × LLN', 'at most 0.75 × baseline (only if below LLN)']
    >>> part = load_library().find_parts("t_icaht_2025.early")["t_icaht_2025.early"]
    >>> say_rule(part.grades[1], part.unit)
    'below 50 ×10⁹/L on 7 days or more'
    """
    if isinstance(rule, GradeRule) and not rule.lab_gradable:
        return f"“{rule.text}” (not decided by a laboratory value)"
    words = f"{rule.comparator.replace('_', ' ')} {_say_cut(rule.cut, unit)}"
    if not isinstance(rule, GradeRule):
        return words
    words += _say_days(rule)
    return words if rule.only_if is None else f"{words} (only if {say_rule(rule.only_if, unit)})"


def _say_days(rule: GradeRule) -> str:
    if rule.days is None:
        return ""
    if rule.days == "all":
        return " on all days"
    return f" on {rule.days} day{'' if rule.days == 1 else 's'} or more"


def _say_cut(cut: float | LimitOfNormal | MultipleOfBaseline, unit: str) -> str:
    if isinstance(cut, LimitOfNormal):
        return _say_multiple(cut.lln, "LLN")
    if isinstance(cut, MultipleOfBaseline):
        return _say_multiple(cut.baseline, "baseline")
    return f"{cut:g} {show_unit(unit)}"


def _say_multiple(times: float, name: str) -> str:
    return name if times == 1 else f"{times:g} × {name}"


def _describe_recovery(definition: RecoveryDefinition) -> tuple[list[str], list[str]]:
    rules = [
        f"{load_analytes()[item.analyte].title} {_COMPARED[item.comparator]} {_print_cut(item)}"
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


def _describe_time(definition: RecoveryTimeDefinition) -> tuple[list[str], list[str]]:
    rules = [
        f"{load_analytes()[item.analyte].title} {_COMPARED[item.comparator]} {_print_cut(item)}"
        f"{_tell_support(item)}"
        for item in definition.all_of
    ]
    run, reached = definition.run, definition.reached
    consecutive = (
        "consecutive measurements on different days" if run.of == "measurements" else "consecutive days"
    )
    measured = " on which all are measured" if run.of == "measurements" else ""
    length = (
        f"on {run.length} {consecutive}, the first of which is the day of recovery"
        if run.length > 1
        else f"on one day{measured}, which is the day of recovery"
    )
    start = (
        f"after the lowest value of days {reached.first_day} to {reached.nadir_until}, and after a first"
        " failing value"
        if reached.after == "nadir"
        else "after the first failing day"
    )
    rules.append(length)
    rules.append(f"searched {start}, from day {reached.first_day} to {reached.until}")
    gaps = (
        "Unmeasured days are not looked at. For the earliest and the latest plausible day, one in a long gap"
        " or after the last measurement may have been anything."
        if definition.counting is None
        else f"An unmeasured day between two measurements at most {definition.bracket_days} days apart that"
        f" agree takes their state; if nothing follows, the last state is carried for at most"
        f" {definition.carry_days} days. Any other unmeasured day ends a run."
    )
    return rules, [*definition.assumptions, gaps]


def _tell_support(item: Criterion) -> str:
    """How long each kind of support must be over, by agent where the agents differ."""
    words: list[str] = []
    for kind, wait in item.support_free_days.items():
        agents = [f"{days} for {agent}" for agent, days in wait.agents.items()]
        beside = f" ({', '.join(agents)})" if agents else ""
        words.append(f"{_SUPPORT[kind]} for {wait.days} days{beside}")
    return f", without {' and '.join(words)}" if words else ""


def _print_cut(item: Criterion) -> str:
    """The cut with its unit: at least one decimal, and no digit of the file lost."""
    number = f"{item.cut:.1f}" if item.cut == round(item.cut, 1) else f"{item.cut:g}"
    return f"{number} {show_unit(item.unit)}"


def _describe_bounds(definition: BoundsDefinition) -> tuple[list[str], list[str]]:
    words: list[str] = []
    for name, slack in definition.slack.items():
        growth = definition.growth_of(name)
        grows = "" if growth == 1 else f" (times {growth:g} for each day beyond two)"
        words.append(f"{name} {slack:g}{grows}")
    rule = f"Longest distance {definition.longest_days} days; slack: {', '.join(words)}."
    return [rule], [_tell_calibration(name, one) for name, one in definition.calibration.items()]


def _tell_calibration(analyte: str, one: Calibration) -> str:
    """How often the true outcome lay inside, and how many real people stand behind it."""
    title = load_analytes()[analyte].title
    real = "no real patient"
    if one.real_patients:
        inside = (
            ""
            if one.real_inside_percent is None
            else f", {one.real_inside_percent:g}% inside on every schedule"
        )
        people = f" ({one.people})" if one.people else ""
        real = f"{one.real_patients} real patients{inside}{people}"
    return (
        f"{title}: slack {one.status}. Daily series thinned to clinic schedules: of"
        f" {one.simulated_patients} simulated patients at least {one.inside_percent:g}% of true outcomes lay"
        f" inside the bounds on every schedule (lowest: {one.schedule}), and {one.decided_percent:g}% were"
        f" decided; behind it {real}."
    )


def _describe_baseline(definition: BaselineDefinition) -> tuple[list[str], list[str]]:
    first, last = definition.peak_window
    rule = f"Baseline: {definition.days_before} days before; peak: day {first} to {last}."
    return [rule], []


def _describe_gates(definition: GatesDefinition) -> tuple[list[str], list[str]]:
    rule = (
        f"One factor at a time from {definition.univariable_from} on, a multivariable model from"
        f" {definition.multivariable_from} on, one term per {definition.per_term}."
    )
    if definition.prediction_from is not None:
        rule += f" Curves and points of a prediction model from {definition.prediction_from} on."
    return [rule], []


def _describe_not_definable(definition: NotDefinable) -> tuple[list[str], list[str]]:
    return [f"{item.source}: “{item.says}”: {item.reason}" for item in definition.entries], []


_DESCRIBE: dict[type[Any], Any] = {
    GradesDefinition: _describe_grades,
    RecoveryDefinition: _describe_recovery,
    BedsideDefinition: describe_bedside,
    FeverDefinition: describe_fever,
    PointsDefinition: describe_points,
    RatioDefinition: describe_ratio,
    ModelDefinition: describe_model,
    PhenotypeDefinition: _describe_phenotypes,
    RecoveryTimeDefinition: _describe_time,
    BoundsDefinition: _describe_bounds,
    BaselineDefinition: _describe_baseline,
    GatesDefinition: _describe_gates,
    NotDefinable: _describe_not_definable,
}
