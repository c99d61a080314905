"""Protocol to plan: what is laid out, what is graded, in which order; it reads like an analysis plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cytopenia.definition_forms import (
    BoundsDefinition,
    GradesPart,
    RecoveryDefinition,
    RecoveryTimeDefinition,
)
from cytopenia.grading.recovery import days_needed
from cytopenia.study.protocol import Study
from cytopenia.study.protocol_forms import OutcomeSpec
from cytopenia.units import load_analytes

__all__ = [
    "GradePlan",
    "NadirPlan",
    "Plan",
    "RecoveryPlan",
    "RecoveryTimePlan",
    "build_plan",
    "plan_recovery",
]


@dataclass(frozen=True)
class GradePlan:
    """One part of a definition graded over one window; several outcomes may rest on it.

    With `min_grade` the question is only whether this grade is reached.
    """

    address: str
    part: GradesPart
    window: tuple[int, int]
    outcomes: tuple[str, ...]
    min_grade: int | None = None


@dataclass(frozen=True)
class NadirPlan:
    """The nadir of one analyte over one window."""

    outcome: str
    analyte: str
    window: tuple[int, int]

    @property
    def variable(self) -> str:
        """Name in the result table: the analyte, or the outcome where the analyte has several windows."""
        return self.analyte if self.outcome == f"nadir_{self.analyte}" else self.outcome


@dataclass(frozen=True)
class RecoveryPlan:
    """One recovery definition at its landmark."""

    outcome: str
    definition: RecoveryDefinition


@dataclass(frozen=True)
class RecoveryTimePlan:
    """One definition of the day of recovery."""

    outcome: str
    definition: RecoveryTimeDefinition

    @property
    def days(self) -> tuple[int, int]:
        """First and last day that are searched."""
        return self.definition.reached.first_day, self.definition.reached.until


@dataclass(frozen=True)
class Plan:
    """Everything that a run computes.

    Attributes
    ----------
    grades, nadirs, recoveries : what each part of the cohort is put through
    combinations : outcomes made of other outcomes
    specs : every outcome of the protocol, by id, in the order of the file
    days : first and last day of the grid of each analyte
    recovery_times : what each part is put through as well: the day of recovery
    """

    grades: tuple[GradePlan, ...]
    nadirs: tuple[NadirPlan, ...]
    recoveries: tuple[RecoveryPlan, ...]
    combinations: tuple[str, ...]
    specs: Mapping[str, OutcomeSpec]
    days: Mapping[str, tuple[int, int]]
    recovery_times: tuple[RecoveryTimePlan, ...] = ()

    @property
    def leading_grades(self) -> dict[str, GradePlan]:
        """The first graded plan of each analyte, in the order of the protocol."""
        leading: dict[str, GradePlan] = {}
        for plan in self.grades:
            leading.setdefault(plan.part.analyte, plan)
        return leading

    def title(self, outcome: str, *, support_complete: bool = False) -> str:
        """Title of an outcome for tables and figures.

        Without complete records of support nobody can be said to have recovered without it: the outcome is
        called count recovery, whatever title the protocol gives.
        """
        for nadir in self.nadirs:
            if nadir.outcome == outcome:
                return self._title_nadir(nadir)
        spec = self.specs[outcome]
        for recovery in self.recoveries:
            if recovery.outcome == outcome:
                return self._title_recovery(recovery, spec.title, support_complete=support_complete)
        for timed in self.recovery_times:
            if timed.outcome == outcome and not (support_complete and spec.title):
                return (
                    timed.definition.title
                    if support_complete
                    else f"Count recovery: {timed.definition.title}"
                )
        if spec.title:
            return spec.title
        for plan in self.grades:
            if outcome in plan.outcomes:
                return _title_grade(plan.part.title, spec)
        return outcome.replace("_", " ").capitalize()

    def _title_nadir(self, nadir: NadirPlan) -> str:
        title = f"Nadir of {load_analytes()[nadir.analyte].title.lower()}"
        has_others = sum(other.analyte == nadir.analyte for other in self.nadirs) > 1
        return f"{title}, day {nadir.window[0]} to {nadir.window[1]}" if has_others else title

    def _title_recovery(self, plan: RecoveryPlan, title: str | None, *, support_complete: bool) -> str:
        if support_complete and title:
            return title
        word = "Recovery" if support_complete else "Count recovery"
        day = plan.definition.landmark.day
        has_others = sum(other.definition.landmark.day == day for other in self.recoveries) > 1
        return f"{word} at day {day} ({plan.definition.id})" if has_others else f"{word} at day {day}"


def _title_grade(title: str, spec: OutcomeSpec) -> str:
    grade = f", grade {spec.min_grade} or higher" if spec.min_grade is not None else ""
    return title + grade + (", treatment-emergent" if spec.treatment_emergent else "")


def build_plan(study: Study) -> Plan:
    """Return the plan of a study; the protocol has been checked before."""
    specs = study.protocol.outcomes
    grades = _plan_grades(study)
    recoveries = tuple(
        RecoveryPlan(name, definition)
        for name, spec in specs.items()
        if spec.definition is not None
        and isinstance(definition := study.library.find(spec.definition), RecoveryDefinition)
    )
    times = tuple(
        RecoveryTimePlan(name, definition)
        for name, spec in specs.items()
        if spec.definition is not None
        and isinstance(definition := study.library.find(spec.definition), RecoveryTimeDefinition)
    )
    nadirs = _plan_nadirs(grades)
    return Plan(
        grades=grades,
        nadirs=nadirs,
        recoveries=recoveries,
        combinations=tuple(name for name, spec in specs.items() if spec.any_of),
        specs=specs,
        days=_plan_days(grades, (*recoveries, *times), study.library.bounds.longest_days),
        recovery_times=times,
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
        days=_plan_days((), (plan,), bounds.longest_days),
        recovery_times=(plan,) if is_timed else (),
    )


def _plan_grades(study: Study) -> tuple[GradePlan, ...]:
    found: dict[tuple[str, tuple[int, int], int | None], GradePlan] = {}
    for name, spec in study.protocol.outcomes.items():
        if spec.definition is None or spec.window is None:
            continue
        (address, part), *_ = study.library.find_parts(spec.definition).items()
        key = (address, spec.window, spec.min_grade)
        before = found[key].outcomes if key in found else ()
        found[key] = GradePlan(address, part, spec.window, (*before, name), spec.min_grade)
    return tuple(found.values())


def _plan_nadirs(grades: tuple[GradePlan, ...]) -> tuple[NadirPlan, ...]:
    found: dict[tuple[str, tuple[int, int]], NadirPlan] = {}
    for plan in grades:
        key = (plan.part.analyte, plan.window)
        if key in found:
            continue
        is_second = any(analyte == plan.part.analyte for analyte, _ in found)
        suffix = f"_{plan.window[0]}_{plan.window[1]}".replace("-", "m") if is_second else ""
        found[key] = NadirPlan(f"nadir_{plan.part.analyte}{suffix}", plan.part.analyte, plan.window)
    return tuple(found.values())


def _plan_days(
    grades: tuple[GradePlan, ...], recoveries: tuple[RecoveryPlan | RecoveryTimePlan, ...], longest: int
) -> dict[str, tuple[int, int]]:
    """Each window with room on both sides for the measurements that bound or bracket its days."""
    spans: list[tuple[str, int, int]] = [
        (plan.part.analyte, plan.window[0] - longest, plan.window[1] + longest) for plan in grades
    ]
    for plan in recoveries:
        first, last = _recovery_span(plan, longest)
        spans.extend((item.analyte, first, last) for item in plan.definition.all_of)
    days: dict[str, tuple[int, int]] = {}
    for analyte, first, last in spans:
        low, high = days.get(analyte, (first, last))
        days[analyte] = (min(low, first), max(high, last))
    return days


def _recovery_span(plan: RecoveryPlan | RecoveryTimePlan, longest: int) -> tuple[int, int]:
    if isinstance(plan, RecoveryTimePlan):
        (first, last), form = plan.days, plan.definition
        before, after = max(longest, form.bracket_days, form.carry_days), max(longest, form.look_ahead_days)
        return first - before, last + after
    first, last = days_needed(plan.definition)
    counting = plan.definition.counting
    before = max(longest, counting.bracket_days, counting.carry_days)
    after = max(longest, plan.definition.landmark.day + counting.look_ahead_days - last)
    return first - before, last + after
