"""A prediction against what is known when: no candidate may come after the infusion."""

from __future__ import annotations

from cytopenia.definitions import Library
from cytopenia.errors import suggest_name
from cytopenia.study.event_checks import check_event
from cytopenia.study.prediction_forms import ExternalValidation, Prediction
from cytopenia.study.protocol_forms import Protocol
from cytopenia.study.survival_checks import find_last_day

__all__ = ["check_external_validation", "check_prediction"]


def check_prediction(analysis: Prediction, protocol: Protocol, library: Library) -> list[str]:
    """Return what is wrong with a prediction: its outcome, its event, and when its candidates are known."""
    problems = check_event(analysis.outcome, analysis.event, protocol=protocol, library=library)
    for name in analysis.factors:
        factor = protocol.factors.get(name)
        if name in protocol.outcomes and factor is None:
            problems.append(f"factors names the outcome '{name}'; an outcome is no candidate; remove it")
            continue
        day = 0 if factor is None else _find_day(name, protocol, library)
        if day > 0 or (factor is not None and factor.is_known_after_infusion):
            when = f"on day {day} only" if day > 0 else "after the infusion only"
            problems.append(
                f"factors names '{name}', which is known {when}: a model that is asked at the infusion"
                " cannot use it; remove it, or describe it in an analysis of kind 'risk_factors'"
            )
    return problems


def check_external_validation(
    analysis: ExternalValidation, protocol: Protocol, library: Library
) -> list[str]:
    """Return what is wrong with a validation: its outcome, its event, and whether its score is one."""
    problems = check_event(analysis.outcome, analysis.event, protocol=protocol, library=library)
    if analysis.score is None:
        return problems
    scores = [name for name, factor in protocol.factors.items() if factor.score and factor.as_ is None]
    if analysis.score not in scores:
        hint = suggest_name(analysis.score, scores)
        known = ", ".join(scores) or "none in this study"
        problems.append(
            f"score names '{analysis.score}'{hint}; it must be the id of a score, such as car_hematotox, or a"
            f" factor with a score and without as; allowed: {known}"
        )
    return problems


def _find_day(name: str, protocol: Protocol, library: Library) -> int:
    """The last day a factor rests on; 0 where its score is not known, which is told where it stands."""
    factor = protocol.factors[name]
    if factor.score is not None and factor.score not in library.definitions:
        return 0
    return find_last_day(name, protocol, library)
