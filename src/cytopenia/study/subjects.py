"""Every outcome of a plan as an explanation sees it: what it looks at, where, and against which cuts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cytopenia.definition_forms import (
    Confirm,
    Counting,
    Criterion,
    FeverDefinition,
    GradesPart,
    LimitOfNormal,
    MultipleOfBaseline,
    PhenotypeDefinition,
    RecoveryDefinition,
    RecoveryTimeDefinition,
)
from cytopenia.definitions import Library, describe_definition, say_rule
from cytopenia.definitions.counting_words import describe_counting
from cytopenia.definitions.phenotype_words import describe_phenotype_rules
from cytopenia.grading.course_grades import censoring_of
from cytopenia.grading.cuts import Comparator
from cytopenia.grading.recovery import days_needed
from cytopenia.study.plan import FeverPlan, GradePlan, PhenotypePlan, Plan, RecoveryPlan, RecoveryTimePlan
from cytopenia.units import convert_value

__all__ = ["Rule", "Subject", "list_subjects", "resolve_cut", "resolve_cuts"]

Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: its grade (None where there are none), comparator, cut in the unit of the definition, words.

    `days` is how long it must be met, as the definition has it.
    """

    analyte: str
    unit: str
    grade: int | None
    comparator: Comparator
    cut: float | LimitOfNormal | MultipleOfBaseline
    words: str
    text: str
    days: int | str | None = None
    condition: float | LimitOfNormal | MultipleOfBaseline | None = None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One outcome: `window` are the days it is about, `look` those on which a measurement may matter.

    `sentences` say the rule where it is no list of grades, `counts` how days are counted; `support` are the
    kinds that count against each analyte; `parts` the outcomes that a combination is made of; `confirm` says
    how many measured days must meet which cut.
    """

    name: str
    title: str
    kind: str
    min_grade: int | None
    address: str | None
    citation: str
    rules: tuple[Rule, ...]
    window: Span | None
    look: Span
    counting: Counting | None = None
    censor_at: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    support: Mapping[str, tuple[str, ...]] | None = None
    parts: tuple[str, ...] = ()
    confirm: Confirm | None = None

    @property
    def analytes(self) -> tuple[str, ...]:
        """What the outcome is judged by."""
        return tuple(dict.fromkeys(rule.analyte for rule in self.rules))


def list_subjects(plan: Plan, library: Library, *, support_complete: bool) -> dict[str, Subject]:
    """Return every outcome of the protocol, in its order."""
    found: dict[str, Subject] = {}
    for grade in plan.grades:
        for name in grade.outcomes:
            found[name] = _describe_grade(name, grade, plan, library)
    for recovery in plan.recoveries:
        found[recovery.outcome] = _describe_recovery(recovery)
    for timed in plan.recovery_times:
        found[timed.outcome] = _describe_time(timed)
    for fever in plan.fevers:
        found[fever.outcome] = _describe_fever(fever)
    for phenotype in plan.phenotypes:
        found[phenotype.outcome] = _describe_phenotype(phenotype)
    for name in plan.combinations:
        found[name] = _describe_combination(name, plan, found)
    titled = {
        name: plan.title(name, support_complete=support_complete) for name in plan.specs if name in found
    }
    return {name: replace(found[name], title=title) for name, title in titled.items()}


def _cite(definition_text: str, doi: str | None, url: str | None) -> str:
    where = f" doi:{doi}" if doi else f" {url}" if url else ""
    return f"{definition_text}.{where}" if where else definition_text


def _describe_grade(name: str, plan: GradePlan, whole: Plan, library: Library) -> Subject:
    part, definition = plan.part, library.find(plan.address)
    kind = "landmark" if part.landmark is not None else "grade" if part.counting is None else "days"
    return Subject(
        name=name,
        title=part.title,
        kind=kind,
        min_grade=whole.specs[name].min_grade,
        address=plan.address,
        citation=_cite(definition.citation.text, definition.citation.doi, definition.citation.url),
        rules=tuple(_list_rules(part)),
        window=plan.window,
        look=plan.window,
        counting=part.counting,
        confirm=part.confirm,
        censor_at=censoring_of(part),
        counts=tuple(text for text, _ in describe_counting(part) if text not in part.assumptions),
    )


def _list_rules(part: GradesPart) -> Iterator[Rule]:
    for rule in part.lab_rules:
        yield Rule(
            analyte=part.analyte,
            unit=part.unit,
            grade=rule.grade,
            comparator=rule.comparator,
            cut=rule.cut,
            words=say_rule(rule, part.unit),
            text=rule.text,
            days=rule.days,
            condition=None if rule.only_if is None else rule.only_if.cut,
        )


def _describe_recovery(plan: RecoveryPlan) -> Subject:
    definition = plan.definition
    counting = definition.counting
    first, last = days_needed(definition)
    before = max(counting.bracket_days, counting.carry_days)
    return Subject(
        **_of_lineages(plan.outcome, definition),
        kind="recovery",
        counts=tuple(describe_definition(definition)["assumed"]),
        window=(first, last),
        look=(first - before, max(last, definition.landmark.day + counting.look_ahead_days)),
    )


def _describe_time(plan: RecoveryTimePlan) -> Subject:
    return Subject(
        **_of_lineages(plan.outcome, plan.definition), kind="recovery_time", window=plan.days, look=plan.days
    )


def _of_lineages(name: str, definition: RecoveryDefinition | RecoveryTimeDefinition) -> dict[str, Any]:
    described = describe_definition(definition)
    citation = definition.citation
    return {
        "name": name,
        "title": definition.title,
        "min_grade": None,
        "address": definition.id,
        "citation": _cite(citation.text, citation.doi, citation.url),
        "rules": tuple(_rule_of_lineage(item) for item in definition.all_of),
        "sentences": tuple(described["rules"]),
        "support": {item.analyte: tuple(item.support_free_days) for item in definition.all_of},
    }


def _rule_of_lineage(item: Criterion) -> Rule:
    return Rule(
        analyte=item.analyte,
        unit=item.unit,
        grade=None,
        comparator=item.comparator,
        cut=item.cut,
        words="",
        text="",
    )


def _describe_fever(plan: FeverPlan) -> Subject:
    definition: FeverDefinition = plan.definition
    count = definition.count
    cuts = [
        (definition.temperature, definition.temperature_unit, cut)
        for cut in (definition.single, definition.sustained)
    ]
    cuts.append((count.analyte, count.unit, count))
    return Subject(
        name=plan.outcome,
        title=definition.title,
        kind="fever",
        min_grade=definition.grade,
        address=definition.id,
        citation=_cite(definition.citation.text, definition.citation.doi, definition.citation.url),
        rules=tuple(
            Rule(
                analyte=analyte,
                unit=unit,
                grade=definition.grade,
                comparator=cut.comparator,
                cut=cut.cut,
                words="",
                text="",
            )
            for analyte, unit, cut in cuts
        ),
        sentences=(definition.text or definition.title,),
        window=plan.window,
        look=(plan.window[0] - definition.counting.count_days_before, plan.window[1]),
    )


def _describe_phenotype(plan: PhenotypePlan) -> Subject:
    definition: PhenotypeDefinition = plan.definition
    rules = [definition.fall, definition.recovery, definition.second_dip, definition.aplastic]
    return Subject(
        name=plan.outcome,
        title=plan.title,
        kind="second_dip" if plan.is_second_dip else "phenotype",
        min_grade=None,
        address=definition.id,
        citation=_cite(definition.citation.text, definition.citation.doi, definition.citation.url),
        rules=tuple(
            Rule(
                analyte=definition.analyte,
                unit=definition.unit,
                grade=None,
                comparator=rule.comparator,
                cut=rule.cut,
                words="",
                text="",
            )
            for rule in rules
            if rule is not None
        ),
        sentences=tuple(text for text, _ in describe_phenotype_rules(definition)),
        window=definition.window,
        look=definition.window,
        counting=definition.counting,
        censor_at=definition.counting.censor_at,
    )


def _describe_combination(name: str, plan: Plan, found: Mapping[str, Subject]) -> Subject:
    parts = plan.specs[name].any_of
    windows = [found[part].look for part in parts]
    return Subject(
        name=name,
        title=name,
        kind="any_of",
        min_grade=None,
        address=None,
        citation="",
        rules=tuple(rule for part in parts for rule in found[part].rules),
        window=None,
        look=(min(first for first, _ in windows), max(last for _, last in windows)),
        parts=parts,
    )


def resolve_cuts(
    subject: Subject, analyte: str, *, limits: Sequence[float], baselines: Sequence[float]
) -> tuple[float, ...]:
    """Return every cut of an analyte in its canonical unit, relative ones for each limit and baseline."""
    found = [
        number
        for rule in subject.rules
        for cut in (rule.cut, rule.condition)
        if rule.analyte == analyte and cut is not None
        for number in resolve_cut(rule, cut, limits=limits, baselines=baselines)
    ]
    return tuple(sorted(set(found)))


def resolve_cut(
    rule: Rule,
    cut: float | LimitOfNormal | MultipleOfBaseline,
    *,
    limits: Sequence[float],
    baselines: Sequence[float],
) -> list[float]:
    """Return what a cut of a rule is in the canonical unit, for each limit of normal and baseline known."""
    if isinstance(cut, LimitOfNormal):
        return [cut.lln * limit for limit in limits]
    if isinstance(cut, MultipleOfBaseline):
        return [cut.baseline * baseline for baseline in baselines]
    return [convert_value(cut, analyte=rule.analyte, unit=rule.unit)]
