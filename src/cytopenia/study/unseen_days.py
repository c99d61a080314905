"""Days of an undecided outcome that the evidence table does not name: nothing of the analyte was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cytopenia.grading.fever import judge_counts
from cytopenia.grading.follow_up import follow_courses
from cytopenia.study.patient_facts import PatientFacts
from cytopenia.study.plan import Plan
from cytopenia.study.subjects import Subject

__all__ = ["add_unseen", "is_unmeasured"]

Rows = list[dict[str, Any]]


def is_unmeasured(subject: Subject, row: Mapping[str, Any]) -> bool:
    """Return whether no day of a grade of single values was measured."""
    return subject.kind == "grade" and not row["days_measured"] and bool(row["days_open"])


def add_unseen(
    evidence: Sequence[dict[str, Any]],
    subject: Subject,
    facts: PatientFacts,
    *,
    row: Mapping[str, Any],
    plan: Plan,
) -> Rows:
    """Return the evidence of an outcome with the unmeasured days that leave it open.

    Of a grade of single values those of a window without any measurement; of a fever those without a
    temperature that no count excludes. A decided outcome, or one not at risk, gets none.
    """
    named = {(item["analyte"], item["day"]) for item in evidence if item["role"] == "would settle"}
    if row["decided"] or row["worst"] is None:
        return list(evidence)
    if is_unmeasured(subject, row):
        added = _list_days(subject, facts)
    elif subject.kind == "fever":
        added = _list_fever_days(subject, facts, plan)
    else:
        return list(evidence)
    rows = [*evidence, *(item for item in added if (item["analyte"], item["day"]) not in named)]
    return sorted(rows, key=lambda item: (item["role"], subject.analytes.index(item["analyte"]), item["day"]))


def _list_days(subject: Subject, facts: PatientFacts) -> Iterator[dict[str, Any]]:
    """Every day on which the patient is followed: unmeasured, and at most white cells bound it."""
    window, (analyte,) = subject.window or subject.look, subject.analytes
    last = int(follow_courses(facts.cohort.courses, window, subject.censor_at).last_day[0])
    for day in range(window[0], last + 1):
        cap = facts.caps.get(analyte, {}).get(day)
        yield _make_row(analyte, day) | {
            "state": "open" if cap is None else "wbc_bound",
            "low": 0.0,
            "high": None if cap is None else cap.value,
            "source_row": None if cap is None else cap.source_row,
        }


def _list_fever_days(subject: Subject, facts: PatientFacts, plan: Plan) -> Iterator[dict[str, Any]]:
    """Days without a temperature whose count, if there is one, can have been low enough."""
    definition = next(item.definition for item in plan.fevers if item.outcome == subject.name)
    first, last = subject.window or subject.look
    days = range(first, last + 1)
    taken = facts.measured.get(definition.temperature, {})
    counts = judge_counts(facts.cohort.grids[definition.count.analyte], definition, days=days)
    is_looked_at = counts.days_before[0] >= 0
    has_none = not any(day in taken for day in days)
    for place, day in enumerate(days):
        is_open = counts.possible[0, place] if is_looked_at[place] else has_none
        if day <= facts.last_day and day not in taken and is_open:
            yield _make_row(definition.temperature, day)


def _make_row(analyte: str, day: int) -> dict[str, Any]:
    return {
        "analyte": analyte,
        "day": day,
        "role": "would settle",
        "state": "open",
        "verdict": "unknown",
        "low": None,
        "high": None,
        "source_row": None,
    }
