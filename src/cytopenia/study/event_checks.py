"""Outcomes that must have two sides: whether they have, and whether the event is one of them."""

from __future__ import annotations

from cytopenia.definition_forms import (
    SECOND_DIP,
    FeverDefinition,
    GradesDefinition,
    PhenotypeDefinition,
    RecoveryDefinition,
    RecoveryTimeDefinition,
)
from cytopenia.definitions import Library
from cytopenia.errors import suggest_name
from cytopenia.study.analysis_forms import Event, Ordinal, SideBySide
from cytopenia.study.protocol_forms import OutcomeSpec, Protocol

__all__ = [
    "check_event",
    "check_known",
    "check_ordinal",
    "check_side_by_side",
    "check_two_sides",
    "is_recovery",
    "is_timed",
    "is_yes_or_no",
]


def is_yes_or_no(spec: OutcomeSpec, library: Library) -> bool:
    """Whether an outcome with a definition has two sides by itself."""
    definition = library.definitions.get(str(spec.definition))
    if spec.min_grade is not None or isinstance(definition, FeverDefinition):
        return True
    identity, _, part = str(spec.definition).partition(".")
    return part == SECOND_DIP and isinstance(library.definitions.get(identity), PhenotypeDefinition)


def check_known(name: str, protocol: Protocol) -> list[str]:
    """Return the problem of an outcome that the protocol does not have."""
    if name in protocol.outcomes:
        return []
    return [f"unknown outcome '{name}'{suggest_name(name, protocol.outcomes)}; add [outcomes.{name}]"]


def is_timed(name: str, protocol: Protocol, library: Library) -> bool:
    """Whether an outcome is a day of recovery."""
    definition = protocol.outcomes[name].definition
    return definition is not None and isinstance(library.definitions.get(definition), RecoveryTimeDefinition)


def is_recovery(name: str, protocol: Protocol, library: Library) -> bool:
    """Whether an outcome is a recovery at a landmark."""
    definition = protocol.outcomes[name].definition
    return definition is not None and isinstance(library.definitions.get(definition), RecoveryDefinition)


def check_event(outcome: str, event: Event, *, protocol: Protocol, library: Library) -> list[str]:
    """Return what is wrong: the outcome must have two sides, and the event must be one of them."""
    problems = check_two_sides(outcome, protocol, library)
    if problems:
        return problems
    is_of_recovery = is_recovery(outcome, protocol, library)
    allowed = ("recovered", "not_recovered") if is_of_recovery else ("yes", "no")
    if event not in allowed:
        words = " or ".join(f'"{name}"' for name in allowed)
        return [f"event is \"{event}\"; of outcome '{outcome}' it is {words}"]
    return []


def check_two_sides(outcome: str, protocol: Protocol, library: Library) -> list[str]:
    """Return what is wrong with an outcome that must have two sides."""
    unknown = check_known(outcome, protocol)
    if unknown:
        return unknown
    if is_timed(outcome, protocol, library):
        return [
            f"outcome '{outcome}' is a day of recovery and has no two sides; name a recovery at a"
            ' landmark, or use kind = "time_to_recovery"'
        ]
    spec = protocol.outcomes[outcome]
    if spec.definition is not None and isinstance(
        library.definitions.get(spec.definition), PhenotypeDefinition
    ):
        return [
            f"outcome '{outcome}' has phenotypes, which have no two sides; its second dip has:"
            f' definition = "{spec.definition}.{SECOND_DIP}"'
        ]
    is_told = spec.any_of or is_recovery(outcome, protocol, library) or is_yes_or_no(spec, library)
    return [] if is_told else [f"outcome '{outcome}' has grades; name one with a min_grade, or an any_of"]


def check_side_by_side(analysis: SideBySide, protocol: Protocol, library: Library) -> list[str]:
    """Return what is wrong with definitions side by side: each needs two sides, and a recovery its event."""
    problems: list[str] = []
    if any(name not in protocol.outcomes for name in analysis.outcomes):
        problems.append(f"outcomes of this study: {', '.join(protocol.outcomes) or 'none'}")
    listed = ", ".join(analysis.outcomes)
    if analysis.compared_with not in analysis.outcomes:
        problems.append(f"reference is '{analysis.reference}'; it must be one of the outcomes: {listed}")
    problems.extend(
        f"events names '{name}', which is not among the outcomes: {listed}"
        for name in analysis.events
        if name not in analysis.outcomes
    )
    for name in dict.fromkeys(analysis.outcomes):
        problems.extend(_check_side(name, analysis, protocol, library))
    return problems


def _check_side(name: str, analysis: SideBySide, protocol: Protocol, library: Library) -> list[str]:
    problems = check_two_sides(name, protocol, library)
    if problems or name in analysis.events or not is_recovery(name, protocol, library):
        return problems or check_event(name, analysis.event_of(name), protocol=protocol, library=library)
    return [
        f"outcome '{name}' is a recovery; say which side is the event:"
        f' events = {{ {name} = "not_recovered" }} or events = {{ {name} = "recovered" }}'
    ]


def check_ordinal(analysis: Ordinal, protocol: Protocol, library: Library) -> list[str]:
    """Return what is wrong: the outcome must be a grade, and the terms must be among the factors."""
    problems = [
        f"terms names '{name}'{suggest_name(name, analysis.factors)}, not among the factors"
        for name in analysis.terms
        if name not in analysis.factors
    ]
    name = analysis.outcome
    unknown = check_known(name, protocol)
    if unknown:
        return [*unknown, *problems]
    spec = protocol.outcomes[name]
    identity = str(spec.definition).partition(".")[0]
    if spec.definition is not None and identity not in library.definitions:
        return problems  # told where the outcome stands
    if spec.any_of or not isinstance(library.definitions.get(identity), GradesDefinition):
        problems.insert(0, f"outcome '{name}' has no grades; name an outcome graded without min_grade")
    elif spec.min_grade is not None:
        problems.insert(
            0,
            f"outcome '{name}' has a min_grade: it is yes or no; remove min_grade, or write kind ="
            ' "risk_factors"',
        )
    return problems
