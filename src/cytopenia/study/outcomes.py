"""Plan and tables to outcomes and evidence: the kernel run over the cohort, part by part."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.contract import Tables
from cytopenia.definition_forms import BoundsDefinition
from cytopenia.grading.course_grades import (
    censoring_of,
    grade_part,
    reasons_of,
    states_of,
    verdicts_of,
)
from cytopenia.grading.day_account import ACCOUNT_SCHEMA, account_days, frame_account
from cytopenia.grading.day_grid import (
    Courses,
    DayGrid,
    index_labs,
    lay_out_courses,
    lay_out_labs,
    lay_out_support,
    split_courses,
)
from cytopenia.grading.follow_up import FollowUp, follow_courses
from cytopenia.grading.gaps import ScenarioGrid, derive_scenarios
from cytopenia.grading.grades import ROLES, STATES
from cytopenia.grading.nadirs import NADIR_REASONS, derive_nadirs
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
    Cells,
    collect_cell_evidence,
    count_cells,
    days_needed,
    derive_recovery,
    judge_cells,
)
from cytopenia.study.phenotype_outcomes import (
    frame_phenotype,
    name_phenotype_evidence,
    run_phenotype,
)
from cytopenia.study.plan import GradePlan, Plan, RecoveryPlan

__all__ = ["CohortOutcomes", "Progress", "derive_outcomes"]

Marks = NDArray[np.bool_]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class CohortOutcomes:
    """What the kernel found.

    Attributes
    ----------
    courses : Courses
    labs : mapping of analyte to DataFrame
        The judged rows, from `index_labs`.
    grids : mapping of analyte to DayGrid
        The days that were looked at, for figures.
    outcomes, evidence : DataFrame
        One row per patient and outcome, and the days behind them.
    cells : DataFrame
        `outcome`, `analyte`, `day`, `state`, `patients`: the cells of each recovery, counted.
    account : DataFrame
        What became of every day of each graded window, one row per patient, analyte and window.
    """

    courses: Courses
    labs: Mapping[str, pl.DataFrame]
    grids: Mapping[str, DayGrid]
    outcomes: pl.DataFrame
    evidence: pl.DataFrame
    cells: pl.DataFrame
    account: pl.DataFrame


@dataclass
class _Found:
    """Arrays of one part of the cohort, by outcome."""

    outcomes: dict[str, OutcomeRows] = field(default_factory=dict)
    evidence: dict[tuple[str, str], EvidenceRows] = field(default_factory=dict)
    cells: list[tuple[str, str, int, NDArray[np.int64]]] = field(default_factory=list)
    accounts: dict[tuple[str, tuple[int, int]], Mapping[str, NDArray[np.int32]]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Kernel:
    """Everything the kernel needs, laid out once for the whole cohort."""

    plan: Plan
    courses: Courses
    grids: Mapping[str, DayGrid]
    support: Mapping[tuple[str, str], Mapping[str, Marks]]
    bounds: BoundsDefinition

    def run(self, patients: slice) -> _Found:
        scenarios = {
            analyte: derive_scenarios(
                grid.part(patients),
                slack=self.bounds.slack_of(analyte),
                longest=self.bounds.longest_days,
            )
            for analyte, grid in self.grids.items()
        }
        found = _Found()
        for grade in self.plan.grades:
            rows, evidence = grade_part(
                grade.part,
                scenarios[grade.part.analyte].window(*grade.window),
                self.follow_up(grade).part(patients),
                min_grade=grade.min_grade,
            )
            found.outcomes[_grade_key(grade)] = rows
            found.evidence[_grade_key(grade), grade.part.analyte] = evidence
        for analyte, window in self.plan.accounted:
            found.accounts[analyte, window] = account_days(
                scenarios[analyte], self.courses, patients=patients, window=window
            )
        for nadir in self.plan.nadirs:
            found.outcomes[nadir.outcome] = derive_nadirs(scenarios[nadir.analyte].window(*nadir.window))
        for phenotype in self.plan.phenotypes:
            rows, evidence = run_phenotype(phenotype, scenarios, self.courses, patients=patients)
            found.outcomes[phenotype.outcome] = rows
            found.evidence[phenotype.outcome, phenotype.definition.analyte] = evidence
        for recovery in self.plan.recoveries:
            self._judge_recovery(recovery, scenarios, patients, found)
        return _shift_patients(found, patients.start)

    def follow_up(self, plan: GradePlan) -> FollowUp:
        """How long each course is followed within the window of a plan."""
        return follow_courses(self.courses, plan.window, censoring_of(plan.part))

    def _judge_recovery(
        self, plan: RecoveryPlan, scenarios: Mapping[str, ScenarioGrid], patients: slice, found: _Found
    ) -> None:
        definition = plan.definition
        landmark = definition.landmark.day
        first, last = days_needed(definition)
        cells: dict[str, Cells] = {}
        for criterion in definition.all_of:
            days = _bracketing_days(plan, scenarios[criterion.analyte])
            support = self.support[plan.outcome, criterion.analyte]
            offset = days.start - self.grids[criterion.analyte].first_day
            width = days.stop - days.start
            cells[criterion.analyte] = judge_cells(
                criterion,
                scenarios[criterion.analyte].window(days.start, days.stop - 1),
                {name: marks[patients, offset : offset + width] for name, marks in support.items()},
                bracket_days=definition.counting.bracket_days,
                carry_days=definition.counting.carry_days,
            )
        died = self.courses.death_day[patients] <= landmark
        censored = self.courses.second_infusion_day[patients] <= landmark
        rows = derive_recovery(definition, cells, died_before=died, censored_before=censored)
        found.outcomes[plan.outcome] = rows
        for analyte, cell in cells.items():
            # Every cell of a patient who has not recovered for certain is a reason for it.
            marked = ~died & ((rows.policy != 0) | (rows.best != rows.worst))
            evidence = collect_cell_evidence(cell, marked, first_day=first, last_day=last)
            found.evidence[plan.outcome, analyte] = evidence
            for day in range(first, last + 1):
                found.cells.append((plan.outcome, analyte, day, count_cells(cell, day, ~died)))


def derive_outcomes(
    tables: Tables,
    plan: Plan,
    *,
    bounds: BoundsDefinition,
    use_caps: bool = False,
    progress: Progress | None = None,
) -> CohortOutcomes:
    """Run the kernel over a cohort.

    Parameters
    ----------
    tables : Tables
    plan : Plan
    bounds : BoundsDefinition
        How far an unmeasured day can lie from its neighbors.
    use_caps : bool
        Bound one analyte by another where the definition of the bounds says so (neutrophils by white cells).
    progress : callable, optional
        Called with a label, the patients done and all patients.

    Notes
    -----
    The result does not depend on the size of the parts or on the number of threads.
    """
    courses = lay_out_courses(tables)
    labs = index_labs(tables.labs, courses)
    grids = {
        analyte: lay_out_labs(
            labs,
            courses,
            analyte=analyte,
            first_day=first,
            last_day=last,
            cap_analyte=bounds.cap.get(analyte) if use_caps else None,
        )
        for analyte, (first, last) in plan.days.items()
    }
    kernel = _Kernel(plan, courses, grids, _lay_out_all_support(tables, plan, courses), bounds)
    found = _run_parts(kernel, list(split_courses(courses)), progress)
    return CohortOutcomes(
        courses,
        labs,
        grids,
        _frame_all_outcomes(plan, found, courses),
        _frame_all_evidence(plan, found, courses),
        _frame_cells(found),
        _frame_accounts(plan, found, courses),
    )


def _run_parts(kernel: _Kernel, parts: Sequence[slice], progress: Progress | None) -> list[_Found]:
    found: list[_Found] = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for part, result in zip(parts, pool.map(kernel.run, parts), strict=True):
            found.append(result)
            if progress is not None:
                progress("grading", part.stop, len(kernel.courses))
    return found


def _grade_key(plan: GradePlan) -> str:
    return f"{plan.address}|{plan.window[0]}|{plan.window[1]}|{plan.min_grade or 0}"


def _bracketing_days(plan: RecoveryPlan, grid: ScenarioGrid) -> range:
    """From the start of the grid to the last day that may bracket the landmark."""
    _, last = days_needed(plan.definition)
    end = max(last, plan.definition.landmark.day + plan.definition.counting.look_ahead_days)
    return range(grid.first_day, min(end + 1, grid.first_day + grid.low.shape[1]))


def _shift_patients(found: _Found, start: int) -> _Found:
    found.evidence = {
        key: replace(rows, patient=rows.patient + start) for key, rows in found.evidence.items()
    }
    return found


def _lay_out_all_support(
    tables: Tables, plan: Plan, courses: Courses
) -> dict[tuple[str, str], dict[str, Marks]]:
    return {
        (recovery.outcome, criterion.analyte): {
            name: lay_out_support(
                tables.support,
                courses,
                free_days={kind: wait.as_free_days() for kind, wait in criterion.support_free_days.items()},
                first_day=plan.days[criterion.analyte][0],
                last_day=plan.days[criterion.analyte][1],
                open_stop=name == "possible",
            )
            for name in ("known", "possible")
        }
        for recovery in plan.recoveries
        for criterion in recovery.definition.all_of
    }


def _frame_all_outcomes(plan: Plan, found: Sequence[_Found], courses: Courses) -> pl.DataFrame:
    patient_id = courses.patient_id
    frames: dict[str, pl.DataFrame] = {}
    for grade in plan.grades:
        rules = [f"{grade.address}: {rule.text}" for rule in grade.part.lab_rules]
        parts = [part.outcomes[_grade_key(grade)] for part in found]
        frame = frame_outcomes(
            parts, patient_id, outcome=_grade_key(grade), reasons=reasons_of(grade.part), rules=rules
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
    for phenotype in plan.phenotypes:
        parts = [part.outcomes[phenotype.outcome] for part in found]
        frames[phenotype.outcome] = frame_phenotype(phenotype, parts, patient_id)
    order = [*(name for name in plan.specs if name in frames), *(nadir.outcome for nadir in plan.nadirs)]
    return pl.concat([frames[name] for name in order]) if order else pl.DataFrame(schema=OUTCOME_SCHEMA)


def _frame_all_evidence(plan: Plan, found: Sequence[_Found], courses: Courses) -> pl.DataFrame:
    graded = {_grade_key(grade): grade for grade in plan.grades}
    shaped = {phenotype.outcome for phenotype in plan.phenotypes}
    frames = [
        frame_evidence(
            [part.evidence[key, analyte] for part in found],
            courses.patient_id,
            outcome=outcome,
            analyte=analyte,
            names=name_phenotype_evidence() if key in shaped else _evidence_names(graded.get(key)),
        )
        for key, analyte in (found[0].evidence if found else {})
        for outcome in (graded[key].outcomes if key in graded else (key,))
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema=EVIDENCE_SCHEMA)


def _evidence_names(plan: GradePlan | None) -> dict[str, Sequence[str]]:
    """Words of roles, states and verdicts: of a graded part, or of the cells of a recovery."""
    if plan is None:
        return {"role": ROLES, "state": STATES, "verdict": CELL_STATES}
    return {"role": ROLES, "state": states_of(plan.part), "verdict": verdicts_of(plan.part)}


def _frame_accounts(plan: Plan, found: Sequence[_Found], courses: Courses) -> pl.DataFrame:
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


def _frame_cells(found: Sequence[_Found]) -> pl.DataFrame:
    rows = [
        (outcome, analyte, day, *counts.tolist())
        for part in found
        for outcome, analyte, day, counts in part.cells
    ]
    frame = pl.DataFrame(rows, schema=_CELL_SCHEMA, orient="row")
    return frame.group_by("outcome", "analyte", "day", maintain_order=True).agg(pl.all().sum())
