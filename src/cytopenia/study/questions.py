"""What is changed in copies of a patient: more days, other values, one row less, no support."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from cytopenia.grading.answer_ranges import list_beyond, step_beyond
from cytopenia.grading.explain import Change
from cytopenia.study.counterfactuals import Edit
from cytopenia.study.patient_facts import PatientFacts
from cytopenia.study.probes import find_candidates
from cytopenia.study.subjects import Rule, Subject, resolve_cut, resolve_cuts

__all__ = ["Trial", "list_checks", "list_trials"]

_MOST_VALUES = 4000
_MOST_TOGETHER = 60

Evidence = Sequence[Mapping[str, Any]]


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


def list_trials(
    subject: Subject, facts: PatientFacts, *, row: Mapping[str, Any], evidence: Evidence
) -> list[Trial]:
    """Return what could change the answer of one outcome, whose row in the outcomes table is `row`."""
    if row["best"] is None and row["label"] is None:
        return []
    match subject.kind:
        case "grade" | "landmark":
            return [*_try_worse_values(subject, facts, row), *_try_without_rows(subject, evidence)]
        case "days":
            return [
                *_try_more_days(subject, facts),
                *_try_worse_values(subject, facts, row),
                *_try_without_rows(subject, evidence),
            ]
        case "recovery":
            return list(_try_cells(subject, facts, row, evidence))
        case _:
            return []


def _days_at_risk(subject: Subject, facts: PatientFacts) -> range:
    first, last = subject.window or subject.look
    return range(first, min(last, facts.last_day) + 1)


def _list_worse_rules(subject: Subject, row: Mapping[str, Any]) -> list[Rule]:
    """The rules of higher grades, or of the grade that is asked for and higher, mildest first."""
    if row["policy"] is None or (subject.min_grade is not None and row["policy"] == 1):
        return []
    least = subject.min_grade if subject.min_grade is not None else row["policy"] + 1
    return [rule for rule in subject.rules if rule.grade is not None and rule.grade >= least]


def _try_worse_values(subject: Subject, facts: PatientFacts, row: Mapping[str, Any]) -> Iterator[Trial]:
    """One worse value on each day of the window, for every cut of a worse rule."""
    seen: set[tuple[str, float]] = set()
    for rule in _list_worse_rules(subject, row):
        cuts = resolve_cut(
            rule,
            rule.cut,
            limits=facts.limits.get(rule.analyte, ()),
            baselines=facts.baselines.get(rule.analyte, ()),
        )
        if len(cuts) != 1 or (rule.comparator, cuts[0]) in seen:
            continue
        seen.add((rule.comparator, cuts[0]))
        edges = _list_edges(subject, facts, rule.analyte)
        for day in _days_at_risk(subject, facts):
            yield Trial(
                outcome=subject.name,
                kind="any_day",
                edits=_edit_beyond(rule, cuts[0], (day,), edges),
                analyte=rule.analyte,
                rule=rule,
                cut=cuts[0],
                comparator=rule.comparator,
                days=(day,),
            )


def _try_more_days(subject: Subject, facts: PatientFacts) -> Iterator[Trial]:
    """More and more days at the cut of the deciding rule, right after and right before those that decided."""
    # The grade itself: a question such as "grade 3 or higher?" answered with no has neither rule nor days.
    row = facts.cohort.outcomes.row(by_predicate=pl.col("outcome") == subject.name, named=True)
    texts = {f"{subject.address}: {rule.text}": rule for rule in subject.rules}
    rule = texts.get(row["rule"] or "")
    if rule is None or rule.days is None or row["first_day"] is None:
        return
    (cut,) = resolve_cut(rule, rule.cut, limits=(), baselines=()) or (None,)
    if cut is None:
        return
    edges = _list_edges(subject, facts, rule.analyte)
    days = _days_at_risk(subject, facts)
    after, before = range(row["last_day"] + 1, days.stop), range(row["first_day"] - 1, days.start - 1, -1)
    for side in (after, before):
        for count in range(1, len(side) + 1):
            added = tuple(sorted(side[:count]))
            yield Trial(
                outcome=subject.name,
                kind="more_days",
                edits=_edit_beyond(rule, cut, added, edges),
                analyte=rule.analyte,
                rule=rule,
                cut=cut,
                comparator=rule.comparator,
                days=added,
            )


def _list_edges(subject: Subject, facts: PatientFacts, analyte: str) -> tuple[float, ...]:
    return resolve_cuts(
        subject, analyte, limits=facts.limits.get(analyte, ()), baselines=facts.baselines.get(analyte, ())
    )


def _edit_beyond(
    rule: Rule, cut: float, days: Sequence[int], edges: Sequence[float], *, comparator: str | None = None
) -> tuple[Edit, ...]:
    """Copies with values beyond a cut on these days: all alike, and some at the cut and some far from it."""
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


def list_checks(subject: Subject, facts: PatientFacts, change: Change) -> list[Trial]:
    """Return what a change that speaks of all values beyond a cut is checked with, one day at a time.

    More values than at first: also those at which a line to a neighbor, or what an unmeasured day can have
    been, passes a cut.
    """
    if change.analyte is None or change.cut is None or change.comparator is None or not change.days:
        return []
    rule = next(rule for rule in subject.rules if rule.analyte == change.analyte)
    is_single = change.kind in ("any_day", "one_day")
    trials: list[Trial] = []
    for days in [(day,) for day in change.days] if is_single else [change.days]:
        ends = {days[0], days[-1]}
        found = [find_candidates(subject, facts, (change.analyte, day)).edges for day in ends]
        edits = _edit_beyond(
            rule, change.cut, days, sorted(set[float]().union(*found)), comparator=change.comparator
        )
        trials.append(
            Trial(
                outcome=subject.name,
                kind="any_day" if is_single else change.kind,
                edits=tuple(replace(edit, without_support=change.support) for edit in edits),
                analyte=change.analyte,
                rule=rule,
                cut=change.cut,
                comparator=change.comparator,
                days=days,
                support=change.support,
            )
        )
    return trials


def _try_without_rows(subject: Subject, evidence: Evidence) -> Iterator[Trial]:
    for item in evidence:
        if item["role"] == "decides" and item["state"] == "measured" and item["source_row"] is not None:
            yield Trial(
                outcome=subject.name,
                kind="without_row",
                edits=(Edit(without_rows=((item["analyte"], item["source_row"]),)),),
                analyte=item["analyte"],
                days=(item["day"],),
                source_row=item["source_row"],
            )


def _try_cells(
    subject: Subject, facts: PatientFacts, row: Mapping[str, Any], evidence: Evidence
) -> Iterator[Trial]:
    """Cells that fail made met, by lineage and all at once, with support and without; or one made to fail."""
    if row["label"] == "recovered":
        yield from _try_failing(subject, facts)
    if row["label"] != "not recovered":
        return
    concerned = [item["analyte"] for item in evidence if item["verdict"] != "met"]
    values = {analyte: _meet_cells(subject, evidence, analyte) for analyte in dict.fromkeys(concerned)}
    support = {analyte: _list_given_support(subject, facts, analyte) for analyte in values}
    for analyte, added in values.items():
        for kinds in dict.fromkeys([(), support[analyte]]):
            yield Trial(
                outcome=subject.name,
                kind="values",
                edits=_meet_beyond(subject, analyte, added, kinds),
                analyte=analyte,
                rule=_rule_of(subject, analyte),
                cut=_cut_of(_rule_of(subject, analyte)),
                comparator=_rule_of(subject, analyte).comparator,
                days=tuple(day for _, day, _ in added),
                support=kinds,
            )
    everything = tuple(value for added in values.values() for value in added)
    every_kind = tuple(dict.fromkeys(kind for kinds in support.values() for kind in kinds))
    for kinds in dict.fromkeys([(), every_kind]):
        yield Trial(
            outcome=subject.name,
            kind="all_values",
            edits=(Edit(values=everything, without_support=kinds),),
            days=tuple(sorted({day for _, day, _ in everything})),
            support=kinds,
        )


def _meet_beyond(
    subject: Subject, analyte: str, added: Sequence[tuple[str, int, float]], kinds: tuple[str, ...]
) -> tuple[Edit, ...]:
    """Copies whose failed cells are met, by values at the cut and beyond; or without support alone."""
    rule = _rule_of(subject, analyte)
    if not added:
        return (Edit(without_support=kinds),)
    edits = _edit_beyond(rule, _cut_of(rule), [day for _, day, _ in added], ())
    return tuple(replace(edit, without_support=kinds) for edit in edits)


def _rule_of(subject: Subject, analyte: str) -> Rule:
    return next(rule for rule in subject.rules if rule.analyte == analyte)


def _cut_of(rule: Rule) -> float:
    return resolve_cut(rule, rule.cut, limits=(), baselines=())[0]


def _meet_cells(subject: Subject, evidence: Evidence, analyte: str) -> tuple[tuple[str, int, float], ...]:
    """Values at the cut on the days of a lineage whose count fails or is unknown."""
    rule = _rule_of(subject, analyte)
    value = step_beyond(_cut_of(rule), rule.comparator)
    return tuple(
        (analyte, item["day"], value)
        for item in evidence
        if item["analyte"] == analyte and item["verdict"] in ("failed", "unknown")
    )


def _list_given_support(subject: Subject, facts: PatientFacts, analyte: str) -> tuple[str, ...]:
    given = {item.kind for item in facts.support}
    return tuple(kind for kind in (subject.support or {}).get(analyte, ()) if kind in given)


def _try_failing(subject: Subject, facts: PatientFacts) -> Iterator[Trial]:
    opposite = {"at_least": "below", "above": "at_most"}
    for rule in subject.rules:
        cut = resolve_cut(rule, rule.cut, limits=(), baselines=())[0]
        comparator = opposite[rule.comparator]
        for day in _days_at_risk(subject, facts):
            yield Trial(
                outcome=subject.name,
                kind="any_day",
                edits=_edit_beyond(rule, cut, (day,), (), comparator=comparator),
                analyte=rule.analyte,
                rule=rule,
                cut=cut,
                comparator=comparator,
                days=(day,),
            )
