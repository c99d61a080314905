"""One thing changed in copies of a patient, and the values that stand for all values beyond a cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from cytopenia.grading.answer_ranges import list_beyond, step_beyond
from cytopenia.study.counterfactuals import Edit
from cytopenia.study.patient_facts import PatientFacts
from cytopenia.study.subjects import Rule, Subject, resolve_cut, resolve_cuts

__all__ = [
    "Trial",
    "cut_of",
    "days_at_risk",
    "edit_beyond",
    "list_edges",
    "list_given_support",
    "rank_cut",
    "rule_of",
    "try_failing",
]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One thing changed; the fields are those of `Change`.

    There is one copy for each value that is tried: of `edits` the first has the value nearest to the cut.
    """

    outcome: str
    kind: str
    edits: tuple[Edit, ...]
    analyte: str | None = None
    rule: Rule | None = None
    cut: float | None = None
    comparator: str | None = None
    days: tuple[int, ...] = ()
    source_row: int | None = None
    support: tuple[str, ...] = ()


def rank_cut(trial: Trial) -> float:
    """Return a number by which trials are sorted, those of the mildest cut first."""
    is_down = trial.comparator in ("below", "at_most")
    return 0.0 if trial.cut is None else -trial.cut if is_down else trial.cut


def days_at_risk(subject: Subject, facts: PatientFacts) -> range:
    """Return the days of an outcome on which the patient can have been measured."""
    first, last = subject.window or subject.look
    return range(first, min(last, facts.last_seen_day) + 1)


def list_edges(subject: Subject, facts: PatientFacts, analyte: str) -> tuple[float, ...]:
    """Return every cut of an analyte that the outcome knows."""
    return resolve_cuts(
        subject, analyte, limits=facts.limits.get(analyte, ()), baselines=facts.baselines.get(analyte, ())
    )


def edit_beyond(
    rule: Rule, cut: float, days: Sequence[int], *, edges: Sequence[float] = (), comparator: str | None = None
) -> tuple[Edit, ...]:
    """Return copies with values beyond a cut on these days: all alike, and some far from it."""
    beyond = comparator or rule.comparator
    nearest = step_beyond(cut, beyond)
    values = sorted(list_beyond(cut, beyond, edges), key=lambda value: abs(value - nearest))
    patterns = [[value] * len(days) for value in values]
    if len(days) > 1:
        ends = (nearest, values[-1])
        for turned in (0, 1):
            first, other = ends[turned], ends[1 - turned]
            patterns.append([first, *[other] * (len(days) - 1)])
            patterns.append([*[other] * (len(days) - 1), first])
            patterns.append([ends[(place + turned) % 2] for place in range(len(days))])
    return tuple(
        Edit(values=tuple((rule.analyte, day, value) for day, value in zip(days, pattern, strict=True)))
        for pattern in patterns
    )


def rule_of(subject: Subject, analyte: str) -> Rule:
    """Return the rule of an analyte."""
    return next(rule for rule in subject.rules if rule.analyte == analyte)


def cut_of(rule: Rule) -> float:
    """Return a cut that is a number, in the canonical unit."""
    return resolve_cut(rule, rule.cut, limits=(), baselines=())[0]


def list_given_support(
    subject: Subject, facts: PatientFacts, analytes: Sequence[str]
) -> list[tuple[str, ...]]:
    """Return the sets of kinds that count against some analytes and that the patient received, small first.

    The first that changes an answer is the least that does: no support that does not matter is in it.
    """
    given = {item.kind for item in facts.support}
    against = dict.fromkeys(kind for name in analytes for kind in (subject.support or {}).get(name, ()))
    kinds = [kind for kind in against if kind in given]
    return [found for size in range(1, len(kinds) + 1) for found in combinations(kinds, size)]


def try_failing(subject: Subject, days: Sequence[int], *, kind: str) -> Iterator[Trial]:
    """Yield values beyond the cut of each lineage, on the wrong side of it, one day at a time."""
    opposite = {"at_least": "below", "above": "at_most"}
    for rule in subject.rules:
        cut = resolve_cut(rule, rule.cut, limits=(), baselines=())[0]
        comparator = opposite[rule.comparator]
        for day in days:
            yield Trial(
                outcome=subject.name,
                kind=kind,
                edits=edit_beyond(rule, cut, (day,), comparator=comparator),
                analyte=rule.analyte,
                rule=rule,
                cut=cut,
                comparator=comparator,
                days=(day,),
            )
