"""What is changed in copies of a patient to move the day of a recovery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cytopenia.grading.cuts import is_met
from cytopenia.study.counterfactuals import Edit
from cytopenia.study.patient_facts import PatientFacts
from cytopenia.study.subjects import Subject
from cytopenia.study.trials import Trial, cut_of, edit_beyond, list_given_support, rule_of, try_failing

__all__ = ["try_times"]

# A run that would have needed more days than this before its end of follow-up is no small change.
_MOST_DAYS = 14

Evidence = Sequence[Mapping[str, Any]]


def try_times(
    subject: Subject, facts: PatientFacts, *, row: Mapping[str, Any], evidence: Evidence
) -> Iterator[Trial]:
    """Yield what could have moved the day of recovery, or brought one about.

    A recovery: a failing value on a day of its run, met values right before it, the same counts without
    support. None: met values on the last days of follow-up, the same counts without support. Whoever was
    never below, or cannot be judged, has no day to move.
    """
    if row["label"] == "recovered":
        run = sorted({item["day"] for item in evidence if item["role"] == "decides"})
        yield from try_failing(subject, run, kind="run_day")
        yield from _try_earlier(subject, facts, row)
    elif row["label"] in ("not recovered", "censored", "died"):
        yield from _try_last_days(subject, row)
    else:
        return
    for analyte in subject.analytes:
        for kinds in list_given_support(subject, facts, [analyte]):
            yield Trial(
                outcome=subject.name,
                kind="values",
                edits=(Edit(without_support=kinds),),
                analyte=analyte,
                support=kinds,
            )


def _try_earlier(subject: Subject, facts: PatientFacts, row: Mapping[str, Any]) -> Iterator[Trial]:
    """More and more met days right before the run, unless the count of the day before it was met already.

    One of several lineages alone would move none.
    """
    analyte, *others = subject.analytes
    if others or subject.window is None:
        return
    rule, before = rule_of(subject, analyte), facts.measured.get(analyte, {}).get(row["first_day"] - 1)
    if before is not None and is_met(before.value, rule.comparator, cut_of(rule)).all():
        return
    side = range(row["first_day"] - 1, max(subject.window[0], row["first_day"] - 1 - _MOST_DAYS) - 1, -1)
    for count in range(1, len(side) + 1):
        yield _meet(subject, analyte, sorted(side[:count]), kind="more_days")


def _try_last_days(subject: Subject, row: Mapping[str, Any]) -> Iterator[Trial]:
    """Met values of one lineage on the last days of follow-up, as few as will do."""
    if subject.window is None or row["last_day"] is None:
        return
    last = row["last_day"]
    for analyte in subject.analytes:
        for count in range(1, min(_MOST_DAYS, last - subject.window[0] + 1) + 1):
            yield _meet(subject, analyte, list(range(last - count + 1, last + 1)), kind="values")


def _meet(subject: Subject, analyte: str, days: Sequence[int], *, kind: str) -> Trial:
    rule = rule_of(subject, analyte)
    return Trial(
        outcome=subject.name,
        kind=kind,
        edits=edit_beyond(rule, cut_of(rule), days),
        analyte=analyte,
        rule=rule,
        cut=cut_of(rule),
        comparator=rule.comparator,
        days=tuple(days),
    )
