"""What each day of each course was: measured, bounded, in a short gap, open, or not at risk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import BoundsDefinition
from cytopenia.grading.cuts import decode_ends
from cytopenia.grading.gaps import GapRule, ScenarioGrid, derive_scenarios
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
    """Return every day of the patients in every graded window, for the map of days.

    Returns
    -------
    DataFrame
        Columns of `PATIENT_DAY_SCHEMA`. A measured day has its value and grade. A day bounded by white cells
        has the bound as its value and the grade that the bound reaches for certain; it has no limit of normal
        of its own. Null grade: not judged. Of a cohort of more than `MAP_PATIENTS` patients those with the
        highest grades are kept: grade 4 in most analytes first, then grade 3, 2, 1; ties by id.
    """
    chosen = _choose_patients(cohort, plan)
    leading = plan.leading_grades.values()
    frames = [_days_of_analyte(cohort, chosen, grade, bounds) for grade in leading]
    return pl.concat([pl.DataFrame(schema=PATIENT_DAY_SCHEMA), *frames])


def _choose_patients(cohort: CohortOutcomes, plan: Plan) -> NDArray[np.int64]:
    """Places of the patients to draw, in the order of the courses."""
    everybody = pl.DataFrame({"patient_id": cohort.courses.patient_id}).with_row_index("place")
    if everybody.height <= MAP_PATIENTS:
        return everybody["place"].cast(pl.Int64).to_numpy()
    names = [grade.outcomes[0] for grade in plan.leading_grades.values()]
    highest = max(rule.grade for grade in plan.grades for rule in grade.part.lab_rules) if names else 0
    keys = [f"grade_{grade}" for grade in range(highest, 0, -1)]
    reached = (
        cohort.outcomes.filter(pl.col("outcome").is_in(names))
        .group_by("patient_id")
        .agg((pl.col("policy") == int(key.removeprefix("grade_"))).sum().alias(key) for key in keys)
    )
    ranked = everybody.join(reached, on="patient_id", how="left").sort(
        *keys, "patient_id", descending=[*(True for _ in keys), False], nulls_last=True
    )
    return ranked["place"].head(MAP_PATIENTS).sort().cast(pl.Int64).to_numpy()


def _days_of_analyte(
    cohort: CohortOutcomes, chosen: NDArray[np.int64], plan: GradePlan, bounds: BoundsDefinition
) -> pl.DataFrame:
    analyte = plan.part.analyte
    part = cohort.grids[analyte].part(chosen)
    scenarios = derive_scenarios(part, GapRule.of_analyte(bounds, analyte))
    grid = scenarios.window(*plan.window)
    patients, days = grid.measured.shape
    codes = np.select([grid.measured, grid.capped, grid.short_gap, grid.open_day], [4, 3, 2, 1], 0)
    first = plan.window[0]
    frame = pl.DataFrame(
        {
            "patient_id": cohort.courses.patient_id.gather(np.repeat(chosen, days)),
            "day": np.tile(np.arange(first, first + days, dtype=np.int32), patients),
            "state": pl.Series(_STATES).gather(codes.ravel()),
            "lln": np.full(codes.size, np.nan) if grid.lln is None else grid.lln.ravel(),
            "baseline": _repeat_baseline(cohort, analyte, chosen, days),
            **_read_values(grid),
        }
    ).with_columns(pl.col("value", "lln", "baseline").fill_nan(None))
    grades = judge_rows(frame, plan.part)["grade"]
    return frame.with_columns(
        grades,
        pl.Series("value", decode_ends(frame["value"].to_numpy())).fill_nan(None),
        analyte=pl.lit(analyte),
    ).select(pl.col(name).cast(dtype) for name, dtype in PATIENT_DAY_SCHEMA.items())


def _repeat_baseline(
    cohort: CohortOutcomes, analyte: str, chosen: NDArray[np.int64], days: int
) -> NDArray[np.float64]:
    """The baseline of each patient on each day, where it is one number."""
    baselines = cohort.baselines.get(analyte)
    if baselines is None:
        return np.full(chosen.size * days, np.nan)
    exact = np.where(baselines.low == baselines.high, baselines.high, np.nan)
    return np.repeat(exact[chosen], days)


def _read_values(grid: ScenarioGrid) -> dict[str, NDArray[Any]]:
    """Value and comparator of each day: as measured, or "at most the cap"; no value on any other day.

    A censored value keeps its open end, so that "<0.5" is judged below 0.5.
    """
    cap = np.full(grid.low.shape, np.nan) if grid.cap is None else grid.cap
    is_finite = np.isfinite(grid.high)
    value = np.select(
        [grid.measured & is_finite, grid.measured, grid.capped], [grid.high, grid.low, cap], np.nan
    )
    is_exact = grid.low == grid.high
    sign = np.select([grid.measured & is_exact, grid.measured & ~is_finite], ["=", ">="], "<=")
    return {"value": value.ravel(), "comparator": sign.ravel()}


def summarize_trajectories(cohort: CohortOutcomes, plan: Plan) -> Iterator[ResultRow]:
    """Median and quartiles of the measured values of each day, with how many were measured and at risk."""
    for nadir in plan.nadirs:
        if nadir.variable != nadir.analyte:
            continue
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
