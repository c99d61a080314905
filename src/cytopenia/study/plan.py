"""Protocol to plan: what is laid out, what is graded, in which order; it reads like an analysis plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cytopenia.definition_forms import (
    SECOND_DIP,
    FeverDefinition,
    GradesDefinition,
    GradesPart,
    PhenotypeDefinition,
    RecoveryDefinition,
    RecoveryTimeDefinition,
)
from cytopenia.grading.recovery import days_needed
from cytopenia.units import load_analytes

if TYPE_CHECKING:
    # A file is graded without a protocol, whose forms take as long to import as polars.
    from cytopenia.study.protocol import Study
    from cytopenia.study.protocol_forms import OutcomeSpec

__all__ = [
    "FeverPlan",
    "GradePlan",
    "NadirPlan",
    "PhenotypePlan",
    "Plan",
    "RecoveryPlan",
    "RecoveryTimePlan",
    "ask_for_fever",
    "build_plan",
    "plan_days",
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
class FeverPlan:
    """Febrile neutropenia over one window; with `own_days` each patient's part of it.

    The part of a patient goes from the first to the last day with a temperature.
    """

    outcome: str
    definition: FeverDefinition
    window: tuple[int, int]
    own_days: bool = False


@dataclass(frozen=True)
class PhenotypePlan:
    """The phenotypes of a definition, or its second dip alone as a yes/no outcome."""

    outcome: str
    definition: PhenotypeDefinition
    is_second_dip: bool = False

    @property
    def title(self) -> str:
        """Title in tables and figures."""
        if not self.is_second_dip:
            return self.definition.title
        return f"Second dip of the {load_analytes()[self.definition.analyte].title.lower()}"


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
    grades, nadirs, recoveries, fevers : what each part of the cohort is put through
    combinations : outcomes made of other outcomes
    specs : every outcome of the protocol, by id, in the order of the file
    days : first and last day of the grid of each analyte
    phenotypes : shapes of recovery and second dips, where the protocol names them
    recovery_times : what each part is put through as well: the day of recovery
    """

    grades: tuple[GradePlan, ...]
    nadirs: tuple[NadirPlan, ...]
    recoveries: tuple[RecoveryPlan, ...]
    combinations: tuple[str, ...]
    specs: Mapping[str, OutcomeSpec]
    days: Mapping[str, tuple[int, int]]
    fevers: tuple[FeverPlan, ...] = ()
    phenotypes: tuple[PhenotypePlan, ...] = ()
    recovery_times: tuple[RecoveryTimePlan, ...] = ()

    @property
    def leading_grades(self) -> dict[str, GradePlan]:
        """The first plan of each analyte that grades single values, in the order of the protocol."""
        leading: dict[str, GradePlan] = {}
        for plan in self.grades:
            if plan.part.own_window is None:
                leading.setdefault(plan.part.analyte, plan)
        return leading

    @property
    def fixed_cuts(self) -> dict[str, list[tuple[float, str]]]:
        """The cuts of the leading grades that are numbers, by analyte; others are relative to a limit."""
        return {
            analyte: [
                (rule.cut, f"grade {rule.grade}")
                for rule in plan.part.lab_rules
                if isinstance(rule.cut, float)
            ]
            for analyte, plan in self.leading_grades.items()
        }

    @property
    def accounted(self) -> tuple[tuple[str, tuple[int, int]], ...]:
        """Analyte and window of every graded plan and of every phenotype, each once."""
        graded = [(plan.part.analyte, plan.window) for plan in self.grades]
        shaped = [(plan.definition.analyte, plan.definition.window) for plan in self.phenotypes]
        return tuple(dict.fromkeys([*graded, *shaped]))

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
                return _title_grade(plan.part, spec)
        others = {fever.outcome: fever.definition.term for fever in self.fevers}
        others |= {phenotype.outcome: phenotype.title for phenotype in self.phenotypes}
        return others.get(outcome) or outcome.replace("_", " ").capitalize()

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


def _title_grade(part: GradesPart, spec: OutcomeSpec) -> str:
    """The term, and the least grade where it has several."""
    has_grades = len({rule.grade for rule in part.lab_rules}) > 1
    grade = f", grade {spec.min_grade} or higher" if spec.min_grade is not None and has_grades else ""
    return part.title + grade + (", treatment-emergent" if spec.treatment_emergent else "")


def build_plan(study: Study) -> Plan:
    """Return the plan of a study; the protocol has been checked before."""
    fevers = _plan_fevers(study)
    specs = ask_for_fever(study.protocol.outcomes, fevers)
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
    phenotypes = _plan_phenotypes(study)
    return Plan(
        grades=grades,
        nadirs=nadirs,
        recoveries=recoveries,
        combinations=tuple(name for name, spec in specs.items() if spec.any_of),
        specs=specs,
        days=plan_days(
            grades,
            (*recoveries, *times),
            longest=study.library.bounds.longest_days,
            others=(*fevers, *phenotypes),
        ),
        fevers=fevers,
        phenotypes=phenotypes,
        recovery_times=times,
    )


def _plan_fevers(study: Study) -> tuple[FeverPlan, ...]:
    return tuple(
        FeverPlan(name, definition, spec.window)
        for name, spec in study.protocol.outcomes.items()
        if spec.definition is not None
        and spec.window is not None
        and isinstance(definition := study.library.find(spec.definition), FeverDefinition)
    )


def ask_for_fever(
    specs: Mapping[str, OutcomeSpec], fevers: tuple[FeverPlan, ...]
) -> Mapping[str, OutcomeSpec]:
    """Febrile neutropenia has one grade: whether it is reached is the question, named or not."""
    asked = {plan.outcome: plan.definition.grade for plan in fevers}
    return {
        name: spec.model_copy(update={"min_grade": asked[name]}) if name in asked else spec
        for name, spec in specs.items()
    }


def _plan_phenotypes(study: Study) -> tuple[PhenotypePlan, ...]:
    named = [(name, spec.definition) for name, spec in study.protocol.outcomes.items() if spec.definition]
    return tuple(
        PhenotypePlan(name, definition, address.partition(".")[2] == SECOND_DIP)
        for name, address in named
        if isinstance(definition := study.library.find(address), PhenotypeDefinition)
    )


def _plan_grades(study: Study) -> tuple[GradePlan, ...]:
    found: dict[tuple[str, tuple[int, int], int | None], GradePlan] = {}
    for name, spec in study.protocol.outcomes.items():
        if spec.definition is None or not isinstance(study.library.find(spec.definition), GradesDefinition):
            continue
        (address, part), *_ = study.library.find_parts(spec.definition).items()
        window = part.own_window or spec.window
        if window is None:
            continue
        key = (address, window, spec.min_grade)
        before = found[key].outcomes if key in found else ()
        found[key] = GradePlan(address, part, window, (*before, name), spec.min_grade)
    return tuple(found.values())


def _plan_nadirs(grades: tuple[GradePlan, ...]) -> tuple[NadirPlan, ...]:
    found: dict[tuple[str, tuple[int, int]], NadirPlan] = {}
    for plan in grades:
        key = (plan.part.analyte, plan.window)
        if key in found or plan.part.landmark is not None:
            continue
        is_second = any(analyte == plan.part.analyte for analyte, _ in found)
        suffix = f"_{plan.window[0]}_{plan.window[1]}".replace("-", "m") if is_second else ""
        found[key] = NadirPlan(f"nadir_{plan.part.analyte}{suffix}", plan.part.analyte, plan.window)
    return tuple(found.values())


def plan_days(
    grades: tuple[GradePlan, ...],
    recoveries: tuple[RecoveryPlan | RecoveryTimePlan, ...],
    *,
    longest: int,
    others: tuple[FeverPlan | PhenotypePlan, ...] = (),
) -> dict[str, tuple[int, int]]:
    """Return the days of each analyte: its windows, and room for what bounds or brackets their days."""
    spans: list[tuple[str, int, int]] = [
        (plan.part.analyte, plan.window[0] - longest, plan.window[1] + longest) for plan in grades
    ]
    for plan in others:
        if isinstance(plan, FeverPlan):
            before = max(longest, plan.definition.counting.count_days_before)
            spans.append((plan.definition.count.analyte, plan.window[0] - before, plan.window[1] + longest))
        else:
            first, last = plan.definition.window
            spans.append((plan.definition.analyte, first - longest, last + longest))
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
