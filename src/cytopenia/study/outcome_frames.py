"""What the kernel found in the parts of a cohort, framed as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.grading.course_grades import (
    reasons_of,
    states_of,
    verdicts_of,
)
from cytopenia.grading.day_account import ACCOUNT_SCHEMA, frame_account
from cytopenia.grading.day_grid import (
    Courses,
)
from cytopenia.grading.fever import FEVER_REASONS, FEVER_RULES
from cytopenia.grading.grades import ROLES, STATES, VERDICTS
from cytopenia.grading.nadirs import NADIR_REASONS
from cytopenia.grading.outcome_rows import (
    EVIDENCE_SCHEMA,
    OUTCOME_SCHEMA,
    EvidenceRows,
    OutcomeRows,
    frame_evidence,
    frame_outcomes,
)
from cytopenia.grading.recovery import (
    CELL_STATES,
    RECOVERY_LABELS,
    RECOVERY_REASONS,
)
from cytopenia.grading.recovery_time import RECOVERY_TIME_LABELS, RECOVERY_TIME_REASONS
from cytopenia.study.phenotype_outcomes import frame_phenotype, name_phenotype_evidence
from cytopenia.study.plan import GradePlan, Plan

__all__ = [
    "Found",
    "frame_accounts",
    "frame_all_evidence",
    "frame_all_outcomes",
    "frame_cells",
    "grade_key",
]

Marks = NDArray[np.bool_]


@dataclass
class Found:
    """Arrays of one part of the cohort, by outcome."""

    outcomes: dict[str, OutcomeRows] = field(default_factory=dict)
    evidence: dict[tuple[str, str], EvidenceRows] = field(default_factory=dict)
    cells: list[tuple[str, str, int, NDArray[np.int64]]] = field(default_factory=list)
    accounts: dict[tuple[str, tuple[int, int]], Mapping[str, NDArray[np.int32]]] = field(default_factory=dict)


def grade_key(plan: GradePlan) -> str:
    """Return the name under which the outcomes of a graded plan are kept."""
    return f"{plan.address}|{plan.window[0]}|{plan.window[1]}|{plan.min_grade or 0}"


def frame_all_outcomes(plan: Plan, found: Sequence[Found], courses: Courses) -> pl.DataFrame:
    """Return the outcomes table of a cohort, in the order of the protocol."""
    patient_id = courses.patient_id
    frames: dict[str, pl.DataFrame] = {}
    for grade in plan.grades:
        rules = [f"{grade.address}: {rule.text}" for rule in grade.part.lab_rules]
        parts = [part.outcomes[grade_key(grade)] for part in found]
        frame = frame_outcomes(
            parts, patient_id, outcome=grade_key(grade), reasons=reasons_of(grade.part), rules=rules
        )
        for name in grade.outcomes:
            frames[name] = frame.with_columns(pl.lit(name).alias("outcome"))
    for nadir in plan.nadirs:
        parts = [part.outcomes[nadir.outcome] for part in found]
        frames[nadir.outcome] = frame_outcomes(
            parts, patient_id, outcome=nadir.outcome, reasons=NADIR_REASONS
        )
    for recovery in plan.recoveries:
        parts = [part.outcomes[recovery.outcome] for part in found]
        frames[recovery.outcome] = frame_outcomes(
            parts, patient_id, outcome=recovery.outcome, reasons=RECOVERY_REASONS, labels=RECOVERY_LABELS
        ).with_columns(pl.lit(recovery.definition.id).alias("rule"))
    for timed in plan.recovery_times:
        frames[timed.outcome] = frame_outcomes(
            [part.outcomes[timed.outcome] for part in found],
            patient_id,
            outcome=timed.outcome,
            reasons=RECOVERY_TIME_REASONS,
            labels=RECOVERY_TIME_LABELS,
        ).with_columns(pl.lit(timed.definition.id).alias("rule"))
    for fever in plan.fevers:
        parts = [part.outcomes[fever.outcome] for part in found]
        rules = [f"{fever.definition.id}: {clause}" for clause in FEVER_RULES]
        frames[fever.outcome] = frame_outcomes(
            parts, patient_id, outcome=fever.outcome, reasons=FEVER_REASONS, rules=rules
        )
    for phenotype in plan.phenotypes:
        parts = [part.outcomes[phenotype.outcome] for part in found]
        frames[phenotype.outcome] = frame_phenotype(phenotype, parts, patient_id)
    order = [*(name for name in plan.specs if name in frames), *(nadir.outcome for nadir in plan.nadirs)]
    return pl.concat([frames[name] for name in order]) if order else pl.DataFrame(schema=OUTCOME_SCHEMA)


def frame_all_evidence(plan: Plan, found: Sequence[Found], courses: Courses) -> pl.DataFrame:
    """Return the days behind every outcome."""
    graded = {grade_key(grade): grade for grade in plan.grades}
    fevers = {fever.outcome for fever in plan.fevers}
    shaped = {phenotype.outcome for phenotype in plan.phenotypes}
    frames = [
        frame_evidence(
            [part.evidence[key, analyte] for part in found],
            courses.patient_id,
            outcome=outcome,
            analyte=analyte,
            names=name_phenotype_evidence()
            if key in shaped
            else _evidence_names(graded.get(key), is_fever=key in fevers),
        )
        for key, analyte in (found[0].evidence if found else {})
        for outcome in (graded[key].outcomes if key in graded else (key,))
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema=EVIDENCE_SCHEMA)


def _evidence_names(plan: GradePlan | None, *, is_fever: bool) -> dict[str, Sequence[str]]:
    """Words of roles, states and verdicts: of a graded part, of a fever, or of the cells of a recovery."""
    if is_fever:
        return {"role": ROLES, "state": STATES, "verdict": VERDICTS}
    if plan is None:
        return {"role": ROLES, "state": STATES, "verdict": CELL_STATES}
    return {"role": ROLES, "state": states_of(plan.part), "verdict": verdicts_of(plan.part)}


def frame_accounts(plan: Plan, found: Sequence[Found], courses: Courses) -> pl.DataFrame:
    """Return what became of every day of every graded window."""
    frames = [
        frame_account(
            [part.accounts[analyte, window] for part in found],
            courses.patient_id,
            analyte=analyte,
            window=window,
        )
        for analyte, window in plan.accounted
    ]
    return pl.concat([pl.DataFrame(schema=ACCOUNT_SCHEMA), *frames])


_CELL_SCHEMA = {
    "outcome": pl.String,
    "analyte": pl.String,
    "day": pl.Int32,
    "failed": pl.Int64,
    "under support": pl.Int64,
    "unknown": pl.Int64,
    "met": pl.Int64,
}


def frame_cells(found: Sequence[Found]) -> pl.DataFrame:
    """Return how many patients had each state in each cell of a recovery."""
    rows = [
        (outcome, analyte, day, *counts.tolist())
        for part in found
        for outcome, analyte, day, counts in part.cells
    ]
    frame = pl.DataFrame(rows, schema=_CELL_SCHEMA, orient="row")
    return frame.group_by("outcome", "analyte", "day", maintain_order=True).agg(pl.all().sum())
