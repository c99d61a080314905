"""Plan and tables to outcomes and evidence: the kernel run over the cohort, part by part."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.contract import Tables
from cytopenia.definition_forms import BaselineDefinition, BoundsDefinition
from cytopenia.grading.baseline import lay_out_baseline
from cytopenia.grading.course_grades import (
    censoring_of,
    grade_part,
)
from cytopenia.grading.day_account import account_days
from cytopenia.grading.day_grid import (
    LAB_ROW_SCHEMA,
    Courses,
    DayGrid,
    index_labs,
    lay_out_courses,
    lay_out_labs,
    lay_out_support,
    split_courses,
)
from cytopenia.grading.fever import derive_fever
from cytopenia.grading.follow_up import follow_courses
from cytopenia.grading.gaps import GapRule, ScenarioGrid, derive_scenarios
from cytopenia.grading.half_lines import Baselines
from cytopenia.grading.nadirs import derive_nadirs
from cytopenia.grading.recovery import (
    Cells,
    collect_cell_evidence,
    count_cells,
    days_needed,
    derive_recovery,
    judge_cells,
)
from cytopenia.grading.recovery_time import find_follow_up, find_last_lab_days
from cytopenia.study.outcome_frames import (
    Found,
    frame_accounts,
    frame_all_evidence,
    frame_all_outcomes,
    frame_cells,
    grade_key,
)
from cytopenia.study.phenotype_outcomes import run_phenotype
from cytopenia.study.plan import FeverPlan, Plan, RecoveryPlan, RecoveryTimePlan
from cytopenia.study.recovery_times import judge_recovery_time

__all__ = ["CohortOutcomes", "Kernel", "Progress", "derive_outcomes", "lay_out_kernel", "run_kernel"]

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
    baselines : mapping of analyte to Baselines
        For the analytes whose rules are relative to it.
    """

    courses: Courses
    labs: Mapping[str, pl.DataFrame]
    grids: Mapping[str, DayGrid]
    outcomes: pl.DataFrame
    evidence: pl.DataFrame
    cells: pl.DataFrame
    account: pl.DataFrame
    baselines: Mapping[str, Baselines] = field(default_factory=dict[str, Baselines])


@dataclass(frozen=True)
class Kernel:
    """Everything the kernel needs, laid out once for the whole cohort by `lay_out_kernel`."""

    plan: Plan
    courses: Courses
    labs: Mapping[str, pl.DataFrame]
    grids: Mapping[str, DayGrid]
    support: Mapping[tuple[str, str], Mapping[str, Marks]]
    readings: Mapping[str, pl.DataFrame]
    bounds: BoundsDefinition
    baselines: Mapping[str, Baselines]
    last_lab_days: NDArray[np.float64]

    def run(self, patients: slice) -> Found:
        """Return what is found of some patients, by the place of each in `courses`."""
        scenarios = {
            analyte: derive_scenarios(grid.part(patients), GapRule.of_analyte(self.bounds, analyte))
            for analyte, grid in self.grids.items()
        }
        courses = self.courses.part(patients)
        found = Found()
        for grade in self.plan.grades:
            baseline = self.baselines.get(grade.part.analyte)
            rows, evidence = grade_part(
                grade.part,
                self._look_at(scenarios[grade.part.analyte], grade.window),
                follow_courses(courses, grade.window, censoring_of(grade.part)),
                min_grade=grade.min_grade,
                baseline=None if baseline is None else baseline.part(patients),
            )
            found.outcomes[grade_key(grade)] = rows
            found.evidence[grade_key(grade), grade.part.analyte] = evidence
        for analyte, window in self.plan.accounted:
            found.accounts[analyte, window] = account_days(scenarios[analyte], courses, window=window)
        for nadir in self.plan.nadirs:
            found.outcomes[nadir.outcome] = derive_nadirs(
                self._look_at(scenarios[nadir.analyte], nadir.window)
            )
        for phenotype in self.plan.phenotypes:
            rows, evidence = run_phenotype(phenotype, scenarios, courses)
            found.outcomes[phenotype.outcome] = rows
            found.evidence[phenotype.outcome, phenotype.definition.analyte] = evidence
        for recovery in self.plan.recoveries:
            self._judge_recovery(recovery, scenarios, patients, found)
        for fever in self.plan.fevers:
            self._judge_fever(fever, patients, found)
        for timed in self.plan.recovery_times:
            self._judge_time(timed, scenarios, patients, found)
        return _shift_patients(found, patients.start)

    def _look_at(self, grid: ScenarioGrid, window: tuple[int, int]) -> ScenarioGrid:
        """The days of a window; open days are judged as well where an unmeasured day could be anything."""
        days = grid.window(*window)
        return days if self.bounds.has_neighbors else days.judge_open_days()

    def _judge_fever(self, plan: FeverPlan, patients: slice, found: Found) -> None:
        rows = self.readings[plan.definition.temperature]
        part = rows.filter(pl.col("patient").is_between(patients.start, patients.stop - 1))
        found.outcomes[plan.outcome], evidence = derive_fever(
            plan.definition,
            part.with_columns(pl.col("patient") - patients.start),
            self.grids[plan.definition.count.analyte].part(patients),
            window=plan.window,
            own_days=plan.own_days,
            judge_open_days=not self.bounds.has_neighbors,
        )
        for analyte, rows_of_analyte in evidence.items():
            found.evidence[plan.outcome, analyte] = rows_of_analyte

    def _judge_recovery(
        self, plan: RecoveryPlan, scenarios: Mapping[str, ScenarioGrid], patients: slice, found: Found
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
            open_now = np.isnan(rows.policy) | (rows.best != rows.worst)
            evidence = collect_cell_evidence(cell, marked, open_now, first_day=first, last_day=last)
            found.evidence[plan.outcome, analyte] = evidence
            for day in range(first, last + 1):
                found.cells.append((plan.outcome, analyte, day, count_cells(cell, day, ~died)))

    def _judge_time(
        self, plan: RecoveryTimePlan, scenarios: Mapping[str, ScenarioGrid], patients: slice, found: Found
    ) -> None:
        support = {
            item.analyte: {
                name: marks[patients] for name, marks in self.support[plan.outcome, item.analyte].items()
            }
            for item in plan.definition.all_of
        }
        follow_up = find_follow_up(self.courses.part(patients), self.last_lab_days[patients], plan.days[1])
        rows, evidence = judge_recovery_time(plan, scenarios, support=support, follow_up=follow_up)
        found.outcomes[plan.outcome] = rows
        found.evidence.update({(plan.outcome, analyte): part for analyte, part in evidence.items()})


def derive_outcomes(
    tables: Tables,
    plan: Plan,
    *,
    bounds: BoundsDefinition,
    use_caps: bool = False,
    baseline: BaselineDefinition | None = None,
    progress: Progress | None = None,
) -> CohortOutcomes:
    """Run the kernel over a cohort.

    Parameters
    ----------
    tables : Tables
    plan : Plan
    bounds : BoundsDefinition
        How far an unmeasured day can lie from its neighbors. With `bounds.without_neighbors()` every
        unmeasured day could be anything, also for rules that else look at measured days and short gaps.
    use_caps : bool
        Bound one analyte by another where the definition of the bounds says so (neutrophils by white cells).
    baseline : BaselineDefinition, optional
        Which value rules relative to the baseline refer to; without it no patient has one.
    progress : callable, optional
        Called with a label, the patients done and all patients.

    Notes
    -----
    The result does not depend on the size of the parts or on the number of threads.
    """
    kernel = lay_out_kernel(tables, plan, bounds=bounds, use_caps=use_caps, baseline=baseline)
    return run_kernel(kernel, progress=progress)


def lay_out_kernel(
    tables: Tables,
    plan: Plan,
    *,
    bounds: BoundsDefinition,
    use_caps: bool = False,
    baseline: BaselineDefinition | None = None,
) -> Kernel:
    """Return what `run_kernel` runs; for the parameters see `derive_outcomes`."""
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
    support = _lay_out_all_support(tables, plan, courses)
    readings = {
        name: labs.get(name, pl.DataFrame(schema=LAB_ROW_SCHEMA))
        for name in {fever.definition.temperature for fever in plan.fevers}
    }
    baselines = {
        grade.part.analyte: lay_out_baseline(labs, courses, analyte=grade.part.analyte, definition=baseline)
        for grade in plan.grades
        if baseline is not None and grade.part.needs_baseline
    }
    # Only a day of recovery asks until when anything was measured.
    last_days = find_last_lab_days(labs if plan.recovery_times else {}, courses)
    return Kernel(plan, courses, labs, grids, support, readings, bounds, baselines, last_days)


def run_kernel(
    kernel: Kernel, *, threads: int | None = None, progress: Progress | None = None
) -> CohortOutcomes:
    """Run a kernel over its cohort; as many parts at once as there are threads, or cores."""
    found = _run_parts(kernel, threads or os.cpu_count(), progress)
    plan, courses = kernel.plan, kernel.courses
    return CohortOutcomes(
        courses,
        kernel.labs,
        kernel.grids,
        frame_all_outcomes(plan, found, courses),
        frame_all_evidence(plan, found, courses),
        frame_cells(found),
        frame_accounts(plan, found, courses),
        kernel.baselines,
    )


def _run_parts(kernel: Kernel, threads: int | None, progress: Progress | None) -> list[Found]:
    found: list[Found] = []
    parts = list(split_courses(kernel.courses))
    with ThreadPoolExecutor(max_workers=threads) as pool:
        # A pool starts its threads at the first task: one part alone, as of one patient, is run without it.
        is_shared = len(parts) > 1 and threads != 1
        results = pool.map(kernel.run, parts) if is_shared else map(kernel.run, parts)
        for part, result in zip(parts, results, strict=True):
            found.append(result)
            if progress is not None:
                progress("grading", part.stop, len(kernel.courses))
    return found


def _bracketing_days(plan: RecoveryPlan, grid: ScenarioGrid) -> range:
    """From the first to the last day that may bracket the landmark, whatever other outcomes look at."""
    first, last = days_needed(plan.definition)
    start = max(grid.first_day, first - plan.definition.counting.bracket_days)
    end = max(last, plan.definition.landmark.day + plan.definition.counting.look_ahead_days)
    return range(start, min(end + 1, grid.first_day + grid.low.shape[1]))


def _shift_patients(found: Found, start: int) -> Found:
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
        for recovery in (*plan.recoveries, *plan.recovery_times)
        for criterion in recovery.definition.all_of
    }
