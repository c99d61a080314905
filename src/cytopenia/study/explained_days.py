"""The days behind an outcome: what was read or taken there, and what stands around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cytopenia.grading.explain import ExplainedDay, Measurement
from cytopenia.study.open_stops import list_open_support
from cytopenia.study.patient_facts import PatientFacts
from cytopenia.study.subjects import Subject
from cytopenia.study.trials import cut_of, rule_of

__all__ = ["RAISED_BY", "explain_day"]

# Which support raises which count, for definitions that do not say so themselves.
RAISED_BY = {
    "anc": ("gcsf", "stem_cell_boost"),
    "wbc": ("gcsf", "stem_cell_boost"),
    "hemoglobin": ("rbc_transfusion", "stem_cell_boost"),
    "platelets": ("platelet_transfusion", "tpo_ra", "stem_cell_boost"),
}


def _concerns(kind: str, analyte: str, subject: Subject) -> bool:
    """Whether support of this kind can have raised the count: as the definition says, or by its lineage."""
    if subject.support is not None:
        return kind in subject.support.get(analyte, ())
    return kind in RAISED_BY.get(analyte, ())


def explain_day(
    row: Mapping[str, Any], facts: PatientFacts, subject: Subject, *, filled: Mapping[int, float]
) -> ExplainedDay:
    """Return one day behind an outcome, from its row of the evidence table and what is known of the patient.

    `filled` are the values that the definition takes for unmeasured days.
    """
    analyte, day = row["analyte"], row["day"]
    item = facts.find_measurement(row)
    is_measured = item is not None and item.analyte == analyte
    is_filled = row["role"] == "decides" and day in filled
    before, after = (None, None) if is_measured else _find_around(subject, facts, (analyte, day), is_filled)
    around = (None, None)
    if row["role"] == "would settle" and row["state"] == "short_gap":
        around = tuple(None if item in (before, after) else item for item in facts.find_ends(analyte, day))
    return ExplainedDay(
        analyte=analyte,
        day=day,
        role=row["role"],
        state=row["state"],
        verdict=row["verdict"],
        low=row["low"],
        high=None if row["high"] is None or row["high"] == float("inf") else row["high"],
        filled=None if is_measured else filled.get(day),
        measurement=item,
        values_that_day=facts.counts.get(analyte, {}).get(day, 0),
        before=before,
        after=after,
        low_by=around[0],
        high_by=around[1],
        support=tuple(kind for kind in facts.list_support(day) if _concerns(kind, analyte, subject)),
        open_support=list_open_support(subject, facts, (analyte, day)),
    )


def _find_around(
    subject: Subject, facts: PatientFacts, place: tuple[str, int], is_filled: bool
) -> tuple[Measurement | None, Measurement | None]:
    """What stands around an unmeasured day: where its value, its cell or its bounds come from."""
    analyte, day = place
    if subject.kind in ("recovery", "recovery_time"):
        rule = rule_of(subject, analyte)
        return facts.find_deciding_neighbors(analyte, day, comparator=rule.comparator, cut=cut_of(rule))
    # A definition fills between the measurements of its own window.
    return facts.find_neighbors(analyte, day, within=subject.window if is_filled else None)
