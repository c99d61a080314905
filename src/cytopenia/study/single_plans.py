"""The plan of one definition alone, for one file of counts instead of a study."""

from __future__ import annotations

from collections.abc import Mapping

from cytopenia.definition_forms import (
    BoundsDefinition,
    GradesPart,
)
from cytopenia.study.plan import (
    FeverPlan,
    GradePlan,
    PhenotypePlan,
    Plan,
    RecoveryPlan,
    RecoveryTimePlan,
    ask_for_fever,
    plan_days,
)
from cytopenia.study.protocol_forms import OutcomeSpec

__all__ = ["plan_fever", "plan_grades", "plan_parts", "plan_phenotype", "plan_recovery"]


def plan_parts(parts: Mapping[str, GradesPart], bounds: BoundsDefinition) -> Plan:
    """Return the plan of parts that look at days of their own, one outcome for each address."""
    grades = tuple(
        GradePlan(address, part, part.own_window, (address,))
        for address, part in parts.items()
        if part.own_window is not None
    )
    return Plan(
        grades=grades,
        nadirs=(),
        recoveries=(),
        combinations=(),
        specs={plan.address: OutcomeSpec(definition=plan.address) for plan in grades},
        days=plan_days(grades, (), longest=bounds.longest_days),
    )


def plan_grades(grades: tuple[GradePlan, ...], bounds: BoundsDefinition) -> Plan:
    """Return the plan of graded terms alone; each names one outcome."""
    specs = {
        grade.outcomes[0]: OutcomeSpec(definition=grade.address, window=grade.window) for grade in grades
    }
    return Plan(
        grades=grades,
        nadirs=(),
        recoveries=(),
        combinations=(),
        specs=specs,
        days=plan_days(grades, (), longest=bounds.longest_days),
    )


def plan_recovery(plan: RecoveryPlan | RecoveryTimePlan, bounds: BoundsDefinition) -> Plan:
    """Return the plan of one recovery definition alone."""
    is_timed = isinstance(plan, RecoveryTimePlan)
    reading = None if is_timed else "exclude"
    return Plan(
        grades=(),
        nadirs=(),
        recoveries=() if is_timed else (plan,),
        combinations=(),
        specs={plan.outcome: OutcomeSpec(definition=plan.definition.id, died_before_landmark=reading)},
        days=plan_days((), (plan,), longest=bounds.longest_days),
        recovery_times=(plan,) if is_timed else (),
    )


def plan_fever(plan: FeverPlan, bounds: BoundsDefinition) -> Plan:
    """Return the plan of febrile neutropenia alone."""
    spec = OutcomeSpec(definition=plan.definition.id, window=plan.window)
    return Plan(
        grades=(),
        nadirs=(),
        recoveries=(),
        combinations=(),
        specs=ask_for_fever({plan.outcome: spec}, (plan,)),
        days=plan_days((), (), longest=bounds.longest_days, others=(plan,)),
        fevers=(plan,),
    )


def plan_phenotype(plan: PhenotypePlan, bounds: BoundsDefinition) -> Plan:
    """Return the plan of one definition of phenotypes alone."""
    return Plan(
        grades=(),
        nadirs=(),
        recoveries=(),
        combinations=(),
        specs={plan.outcome: OutcomeSpec(definition=plan.definition.id)},
        days=plan_days((), (), longest=bounds.longest_days, others=(plan,)),
        phenotypes=(plan,),
    )
