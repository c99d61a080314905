"""What each day of each course was: measured, bounded, in a short gap, open, or not at risk."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from cytopenia.definition_forms import BoundsDefinition
from cytopenia.grading.cuts import decode_ends
from cytopenia.grading.gaps import derive_scenarios
from cytopenia.grading.grades import judge_rows
from cytopenia.results import ResultRow
from cytopenia.stats.describe import describe_numbers
from cytopenia.study.outcomes import CohortOutcomes
from cytopenia.study.plan import GradePlan, Plan

__all__ = ["MAP_PATIENTS", "PATIENT_DAY_SCHEMA", "frame_patient_days", "summarize_trajectories"]

MAP_PATIENTS = 150

PATIENT_DAY_SCHEMA: dict[str, type[pl.DataType]] = {
    "patient_id": pl.String,
    "analyte": pl.String,
    "day": pl.Int32,
    "state": pl.String,
    "value": pl.Float64,
    "grade": pl.Int8,
}

_STATES = ("not_at_risk", "open", "short_gap", "wbc_bound", "measured")


def frame_patient_days(cohort: CohortOutcomes, plan: Plan, bounds: BoundsDefinition) -> pl.DataFrame:
    """Return every day of the first patients in every graded window, for the map of days.

    Returns
    -------
    DataFrame
        Columns of `PATIENT_DAY_SCHEMA`. `value` and `grade` belong to measured days; a cohort of more than
        `MAP_PATIENTS` patients is cut to the first ones by id.
    """
    done: set[str] = set()
    frames = [pl.DataFrame(schema=PATIENT_DAY_SCHEMA)]
    for grade in plan.grades:
        if grade.part.analyte not in done:
            done.add(grade.part.analyte)
            frames.append(_days_of_analyte(cohort, grade, bounds))
    return pl.concat(frames)


def _days_of_analyte(cohort: CohortOutcomes, plan: GradePlan, bounds: BoundsDefinition) -> pl.DataFrame:
    analyte = plan.part.analyte
    part = cohort.grids[analyte].part(slice(0, MAP_PATIENTS))
    slack = bounds.slack.get(analyte, max(bounds.slack.values()))
    grid = derive_scenarios(part, slack=slack, longest=bounds.longest_days).window(*plan.window)
    patients, days = grid.measured.shape
    codes = np.select([grid.measured, grid.capped, grid.short_gap, grid.open_day], [4, 3, 2, 1], 0)
    first = plan.window[0]
    printed = decode_ends(np.where(np.isfinite(grid.high), grid.high, grid.low))
    measured = grid.measured.ravel()
    lln = np.full(measured.size, np.nan) if grid.lln is None else grid.lln.ravel()
    frame = pl.DataFrame(
        {
            "patient_id": cohort.courses.patient_id.head(patients).gather(np.repeat(np.arange(patients), days)),
            "day": np.tile(np.arange(first, first + days, dtype=np.int32), patients),
            "state": pl.Series(_STATES).gather(codes.ravel()),
            "value": np.where(measured, printed.ravel(), np.nan),
            "lln": lln,
        }
    ).with_columns(pl.col("value", "lln").fill_nan(None), pl.lit("=").alias("comparator"))
    grades = judge_rows(frame, plan.part)["grade"]
    return frame.with_columns(grades, pl.lit(analyte).alias("analyte")).select(
        pl.col(name).cast(dtype) for name, dtype in PATIENT_DAY_SCHEMA.items()
    )


def summarize_trajectories(cohort: CohortOutcomes, plan: Plan) -> Iterator[ResultRow]:
    """Median and quartiles of the measured values of each day, with how many were measured and at risk."""
    done: set[str] = set()
    for nadir in plan.nadirs:
        if nadir.analyte in done:
            continue
        done.add(nadir.analyte)
        grid = cohort.grids[nadir.analyte]
        printed = decode_ends(np.where(np.isfinite(grid.high), grid.high, grid.low))
        at_risk = grid.at_risk
        for day in range(nadir.window[0], nadir.window[1] + 1):
            place = day - grid.first_day
            summary = describe_numbers(printed[grid.measured[:, place], place])
            numbers = {
                "n_observed": float(summary.n),
                "n_at_risk": float(at_risk[:, place].sum()),
                "median": summary.median,
                "q1": summary.q1,
                "q3": summary.q3,
            }
            for name, value in numbers.items():
                yield ResultRow(
                    analysis_id="trajectories",
                    variable=nadir.analyte,
                    variable_level=str(day),
                    estimate=name,
                    value=value,
                    n=summary.n,
                    status="ok" if value is not None else "not_estimable",
                    note="" if value is not None else "nobody was measured on this day",
                )
