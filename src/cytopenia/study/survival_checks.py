"""Times to an event against what is known when: no group may rest on a day that its patients had to see."""

from __future__ import annotations

from cytopenia.definition_forms import (
    FeverDefinition,
    GradesDefinition,
    PhenotypeDefinition,
    RecoveryDefinition,
)
from cytopenia.definitions import Library
from cytopenia.errors import DefinitionError, suggest_name
from cytopenia.grading.recovery import days_needed
from cytopenia.study.analysis_forms import Factor, Survival, TimeToRecovery
from cytopenia.study.event_checks import check_two_sides, is_timed
from cytopenia.study.protocol_forms import OutcomeSpec, Protocol

__all__ = ["check_groups_of_recovery", "check_survival", "find_last_day"]

_IMMORTAL = (
    "'{name}' is known on day {day} only, but time begins on day {start}: its patients had to live until"
    " then, so that a group would owe its survival to the waiting (immortal time). {advice}"
)


def find_last_day(name: str, protocol: Protocol, library: Library) -> int:
    """Return the last day whose data an outcome or a factor rests on; 0 where it is known at infusion.

    Values that only vouch for days up to then, such as a later one that brackets an unmeasured day, do not
    count.
    """
    if name in protocol.outcomes:
        return max(0, _last_day_of_outcome(protocol.outcomes[name], protocol, library))
    factor = protocol.factors.get(name)
    return 0 if factor is None else max(0, _last_day_of_factor(factor, library))


def _last_day_of_outcome(spec: OutcomeSpec, protocol: Protocol, library: Library) -> int:
    if spec.any_of:
        parts = (protocol.outcomes[part] for part in spec.any_of if part in protocol.outcomes)
        return max((_last_day_of_outcome(part, protocol, library) for part in parts), default=0)
    window = 0 if spec.window is None else spec.window[1]
    match library.find(str(spec.definition)):
        case RecoveryDefinition() as definition:
            return max(definition.landmark.day, days_needed(definition)[1])
        case PhenotypeDefinition() as definition:
            return definition.window[1]
        case GradesDefinition():
            own = [part.own_window for part in library.find_parts(str(spec.definition)).values()]
            return max([window, *(days[1] for days in own if days is not None)])
        case FeverDefinition():
            return window
        case _:
            return 0


def _last_day_of_factor(factor: Factor, library: Library) -> int:
    if factor.at == "peak":
        return library.baseline.peak_window[1]
    if factor.event is not None:
        return 0 if factor.window is None else factor.window[1]
    if factor.response_window is not None:
        return factor.response_window[1]
    if factor.score is not None:
        return max((item.day or 0 for item in library.find_score(factor.score).inputs_needed), default=0)
    return 0


def check_survival(analysis: Survival, protocol: Protocol, library: Library) -> list[str]:
    """Return what is wrong with an analysis of survival: its groups, its terms, and when they are known."""
    problems = [] if analysis.by is None else _check_groups(analysis.by, protocol, library)
    for name in analysis.factors:
        if name in protocol.outcomes and name not in protocol.factors:
            problems.append(f"factors names the outcome '{name}'; give it as by = \"{name}\"")
    if not problems:
        for name in analysis.candidates:
            problems.extend(_check_day(name, analysis, protocol, library))
    terms = () if analysis.multivariable is None else analysis.multivariable.terms
    problems.extend(
        f"multivariable.terms names '{name}'{suggest_name(name, analysis.candidates)}, neither by nor among"
        " the factors"
        for name in terms
        if name not in analysis.candidates
    )
    return problems


def _check_groups(name: str, protocol: Protocol, library: Library) -> list[str]:
    if name in protocol.outcomes and name in protocol.factors:
        return [f"by is '{name}', which is an outcome and a factor; rename one of them"]
    if name not in protocol.outcomes:
        return []  # a factor or a column: told against the tables
    if is_timed(name, protocol, library):
        return [
            f"by is '{name}', a day of recovery, which makes no groups at a landmark; name a recovery at a"
            " landmark"
        ]
    return check_two_sides(name, protocol, library)


def _check_day(name: str, analysis: Survival, protocol: Protocol, library: Library) -> list[str]:
    try:
        day = find_last_day(name, protocol, library)
    except DefinitionError:
        return []  # told where the outcome or the factor stands
    start = analysis.landmark or 0
    if day <= start:
        return []
    advice = f"Write landmark = {day}, or later"
    return [_IMMORTAL.format(name=name, day=day, start=start, advice=advice)]


def check_groups_of_recovery(analysis: TimeToRecovery, protocol: Protocol, library: Library) -> list[str]:
    """Return what is wrong with the groups of a time to recovery, which has no landmark."""
    if analysis.by is None:
        return []
    advice = "Name a factor that is known at infusion"
    if analysis.by in protocol.outcomes and analysis.by not in protocol.factors:
        return [f"by names the outcome '{analysis.by}', which is known after infusion only. {advice}"]
    try:
        day = find_last_day(analysis.by, protocol, library) if analysis.by in protocol.factors else 0
    except DefinitionError:
        return []  # told where the factor stands
    return [_IMMORTAL.format(name=analysis.by, day=day, start=0, advice=advice)] if day > 0 else []
