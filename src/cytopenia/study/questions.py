"""What is changed in copies of a patient: more days, other values, one row less, no support."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from cytopenia.grading.answer_ranges import step_beyond
from cytopenia.grading.explain import Change
from cytopenia.study.counterfactuals import Edit
from cytopenia.study.patient_facts import PatientFacts
from cytopenia.study.probes import find_candidates
from cytopenia.study.recovery_days import try_times
from cytopenia.study.subjects import Rule, Subject, resolve_cut
from cytopenia.study.trials import (
    Trial,
    cut_of,
    days_at_risk,
    edit_beyond,
    list_edges,
    list_given_support,
    rule_of,
    try_failing,
)

__all__ = ["list_checks", "list_trials"]

Evidence = Sequence[Mapping[str, Any]]


def list_trials(
    subject: Subject, facts: PatientFacts, *, row: Mapping[str, Any], evidence: Evidence
) -> list[Trial]:
    """Return what could change the answer of one outcome, whose row in the outcomes table is `row`."""
    if row["best"] is None and row["label"] is None:
        return []
    match subject.kind:
        case "grade" | "landmark":
            return [*_try_worse_values(subject, facts, row), *_try_without_rows(subject, facts, evidence)]
        case "days":
            return [
                *_try_more_days(subject, facts),
                *_try_worse_values(subject, facts, row),
                *_try_without_rows(subject, facts, evidence),
            ]
        case "recovery":
            return list(_try_cells(subject, facts, row, evidence))
        case "recovery_time":
            return list(try_times(subject, facts, row=row, evidence=evidence))
        case _:
            return []


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
        edges = list_edges(subject, facts, rule.analyte)
        for day in days_at_risk(subject, facts):
            yield Trial(
                outcome=subject.name,
                kind="any_day",
                edits=edit_beyond(rule, cuts[0], (day,), edges=edges),
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
    edges = list_edges(subject, facts, rule.analyte)
    days = days_at_risk(subject, facts)
    after, before = range(row["last_day"] + 1, days.stop), range(row["first_day"] - 1, days.start - 1, -1)
    for side in (after, before):
        for count in range(1, len(side) + 1):
            added = tuple(sorted(side[:count]))
            yield Trial(
                outcome=subject.name,
                kind="more_days",
                edits=edit_beyond(rule, cut, added, edges=edges),
                analyte=rule.analyte,
                rule=rule,
                cut=cut,
                comparator=rule.comparator,
                days=added,
            )


def list_checks(
    subject: Subject, facts: PatientFacts, change: Change, *, parts: Mapping[str, Subject]
) -> list[Trial]:
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
        found = [find_candidates(subject, facts, (change.analyte, day), parts=parts).edges for day in ends]
        edits = edit_beyond(
            rule, change.cut, days, edges=sorted(set[float]().union(*found)), comparator=change.comparator
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


def _try_without_rows(subject: Subject, facts: PatientFacts, evidence: Evidence) -> Iterator[Trial]:
    for item in evidence:
        measurement = facts.find_measurement(item)
        if item["role"] == "decides" and item["state"] == "measured" and measurement is not None:
            yield Trial(
                outcome=subject.name,
                kind="without_row",
                edits=(Edit(without=(measurement,)),),
                analyte=item["analyte"],
                days=(item["day"],),
                source_row=item["source_row"],
            )


def _try_cells(
    subject: Subject, facts: PatientFacts, row: Mapping[str, Any], evidence: Evidence
) -> Iterator[Trial]:
    """Cells that fail made met, by lineage and all at once, with support and without; or one made to fail."""
    if row["label"] == "recovered":
        yield from try_failing(subject, days_at_risk(subject, facts), kind="any_day")
    if row["label"] != "not recovered":
        return
    concerned = [item["analyte"] for item in evidence if item["verdict"] != "met"]
    values = {analyte: _meet_cells(subject, evidence, analyte) for analyte in dict.fromkeys(concerned)}
    for analyte, added in values.items():
        for kinds in [(), *list_given_support(subject, facts, [analyte])]:
            yield Trial(
                outcome=subject.name,
                kind="values",
                edits=_meet_beyond(subject, analyte, added, kinds),
                analyte=analyte,
                rule=rule_of(subject, analyte),
                cut=cut_of(rule_of(subject, analyte)),
                comparator=rule_of(subject, analyte).comparator,
                days=tuple(day for _, day, _ in added),
                support=kinds,
            )
    everything = tuple(value for added in values.values() for value in added)
    for kinds in [(), *list_given_support(subject, facts, list(values))]:
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
    rule = rule_of(subject, analyte)
    if not added:
        return (Edit(without_support=kinds),)
    edits = edit_beyond(rule, cut_of(rule), [day for _, day, _ in added])
    return tuple(replace(edit, without_support=kinds) for edit in edits)


def _meet_cells(subject: Subject, evidence: Evidence, analyte: str) -> tuple[tuple[str, int, float], ...]:
    """Values at the cut on the days of a lineage whose count fails or is unknown."""
    rule = rule_of(subject, analyte)
    value = step_beyond(cut_of(rule), rule.comparator)
    return tuple(
        (analyte, item["day"], value)
        for item in evidence
        if item["analyte"] == analyte and item["verdict"] in ("failed", "unknown")
    )
