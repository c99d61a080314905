"""Names in the key `read_with_care`, against the analysis and the protocol: every problem, none raised."""

from __future__ import annotations

from collections import Counter

from cytopenia.definitions import Library
from cytopenia.errors import DefinitionError, suggest_name
from cytopenia.study.analysis_forms import RiskFactors
from cytopenia.study.event_checks import check_event
from cytopenia.study.protocol_forms import Protocol

__all__ = ["check_care"]


def check_care(analysis: RiskFactors, protocol: Protocol, library: Library) -> list[str]:
    """Return what is wrong with the names of `read_with_care`; nothing where the key is absent.

    Another definition must be an outcome of the same kind, so that the event of the analysis is one of its
    sides too.
    """
    care = analysis.read_with_care
    if care is None:
        return []
    problems = [
        f"read_with_care.terms names '{name}'{suggest_name(name, analysis.factors)}, not among the factors"
        for name in care.terms
        if name not in analysis.factors
    ]
    problems += [
        f"read_with_care.{key} names '{name}' twice; remove one"
        for key, names in (("terms", care.terms), ("definitions", care.definitions))
        for name, count in Counter(names).items()
        if count > 1
    ]
    for name in dict.fromkeys(care.definitions):
        if name == analysis.outcome:
            problems.append(f"read_with_care.definitions names '{name}', the outcome itself; remove it")
        else:
            found = check_event(name, analysis.event, protocol=protocol, library=library)
            problems += [f"read_with_care.definitions: {problem}" for problem in found]
    if care.baseline is not None:
        problems += _check_baseline(care.baseline.definition, library)
    return problems


def _check_baseline(address: str, library: Library) -> list[str]:
    try:
        library.find_value_parts(address)
    except DefinitionError as cause:
        return [f"read_with_care.baseline.definition: {cause}"]
    return []
