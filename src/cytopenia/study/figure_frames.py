"""What the figures of courses draw, as tables: the report itself computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.contract import Tables
from cytopenia.grading.cuts import decode_ends
from cytopenia.stats.describe import describe_numbers
from cytopenia.study.factors import FactorColumn, derive_factors
from cytopenia.study.lineage_overlap import count_overlap
from cytopenia.study.outcomes import CohortOutcomes
from cytopenia.study.plan import NadirPlan, Plan
from cytopenia.study.protocol import Study

__all__ = ["MOST_LANES", "MOST_LINES", "frame_figures"]

# So many patients can be told apart as lines over each other, and as lanes below each other.
MOST_LINES, MOST_LANES = 100, 80

GROUP_SCHEMA: dict[str, type[pl.DataType]] = {
    "analyte": pl.String,
    "group": pl.String,
    "day": pl.Int32,
    "n_observed": pl.Int64,
    "n_at_risk": pl.Int64,
    "median": pl.Float64,
    "q1": pl.Float64,
    "q3": pl.Float64,
}
LANE_SCHEMA: dict[str, type[pl.DataType]] = {
    "patient_id": pl.String,
    "row": pl.Int32,
    "mark": pl.String,
    "start": pl.Int32,
    "stop": pl.Int32,
    "grade": pl.Int32,
}
TOXICITIES = ("crs", "icans")


def frame_figures(
    study: Study, tables: Tables, plan: Plan, *, cohort: CohortOutcomes, outcomes: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Return the tables behind the figures of courses, by the name of the figure.

    "spaghetti": measured values of single patients; "waterfall": nadirs in their order; "swimmer": course,
    support and events of single patients; "overlap": see `count_overlap`; "groups": trajectories by the
    factor of the protocol's report section. Large cohorts are thinned to every k-th patient.
    """
    by = study.protocol.report.trajectories_by
    frames = {
        "spaghetti": _frame_lines(cohort, plan),
        "waterfall": _frame_nadirs(plan, outcomes),
        "swimmer": _frame_lanes(tables, plan, cohort, outcomes),
        "overlap": count_overlap(plan, outcomes),
    }
    if by is not None:
        (column,) = derive_factors(study, tables, cohort, names=(by,))
        frames["groups"] = _frame_groups(cohort, plan, column)
    return frames


def _thin(places: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Every k-th, evenly spread, so that no kind of patient is preferred."""
    if places.size <= most:
        return places
    return places[np.linspace(0, places.size - 1, most).round().astype(np.int64)]


def _list_nadirs(plan: Plan) -> list[NadirPlan]:
    return [nadir for nadir in plan.nadirs if nadir.variable == nadir.analyte]


def _frame_lines(cohort: CohortOutcomes, plan: Plan) -> pl.DataFrame:
    chosen = _thin(np.arange(len(cohort.courses), dtype=np.int64), MOST_LINES)
    parts: list[pl.DataFrame] = []
    for nadir in _list_nadirs(plan):
        grid = cohort.grids[nadir.analyte]
        days = slice(nadir.window[0] - grid.first_day, nadir.window[1] - grid.first_day + 1)
        rows, columns = np.nonzero(grid.measured[chosen, days])
        high, low = grid.high[chosen, days][rows, columns], grid.low[chosen, days][rows, columns]
        parts.append(
            pl.DataFrame(
                {
                    "analyte": np.full(rows.size, nadir.analyte),
                    "patient_id": cohort.courses.patient_id.gather(chosen[rows]),
                    "day": columns.astype(np.int32) + nadir.window[0],
                    "value": decode_ends(np.where(np.isfinite(high), high, low)),
                }
            ).with_columns(pl.col("analyte").cast(pl.String))
        )
    return pl.concat(parts) if parts else pl.DataFrame()


def _frame_nadirs(plan: Plan, outcomes: pl.DataFrame) -> pl.DataFrame:
    """The nadir of each patient, lowest first, with what it may have been and the grade that was reached."""
    leading = plan.leading_grades
    parts: list[pl.DataFrame] = []
    for nadir in _list_nadirs(plan):
        graded = leading[nadir.analyte].outcomes[0] if nadir.analyte in leading else ""
        grades = outcomes.filter(pl.col("outcome") == graded).select("patient_id", grade="policy")
        own = outcomes.filter(pl.col("outcome") == nadir.outcome, pl.col("policy").is_not_null())
        ordered = own.sort("policy", "patient_id").join(
            grades, on="patient_id", how="left", maintain_order="left"
        )
        parts.append(
            ordered.select(
                pl.lit(nadir.analyte).alias("analyte"),
                pl.int_range(1, pl.len() + 1).alias("place"),
                pl.col("policy").alias("nadir"),
                pl.col("worst").alias("lowest"),
                pl.lit(graded).alias("graded_by"),
                "grade",
            )
        )
    return pl.concat(parts) if parts else pl.DataFrame()


def _frame_lanes(tables: Tables, plan: Plan, cohort: CohortOutcomes, outcomes: pl.DataFrame) -> pl.DataFrame:
    """One lane per patient: the course up to the last day that any outcome looks at, and what fell in it."""
    horizon = _last_day(plan)
    ends = _frame_ends(cohort).sort("end", "patient_id", descending=[True, False])
    chosen = _thin(np.arange(ends.height, dtype=np.int64), MOST_LANES)
    ends = ends[chosen.tolist()].with_columns(pl.int_range(1, chosen.size + 1, dtype=pl.Int32).alias("row"))
    support = tables.support.select("patient_id", mark="kind", start="start", stop="stop", grade=None)
    events = tables.events.filter(pl.col("kind").is_in(TOXICITIES))
    toxicity = events.select("patient_id", mark="kind", start="day", stop="day", grade="grade")
    single = [
        ends.select("patient_id", mark=pl.lit(name), start=pl.col(name), stop=pl.col(name), grade=None)
        for name in ("death", "second_infusion", "last_contact")
    ]
    course = ends.select("patient_id", mark=pl.lit("course"), start=pl.lit(0), stop="end", grade=None)
    parts = [course, support, toxicity, _frame_recoveries(plan, outcomes), *single]
    shaped = [
        part.with_columns(pl.col("start", "stop", "grade").cast(pl.Int32, strict=False)) for part in parts
    ]
    return (
        pl.concat(shaped)
        .join(ends.select("patient_id", "row"), on="patient_id", how="inner")
        .filter(pl.col("start").is_not_null(), pl.col("start") <= horizon)
        .sort("row", maintain_order=True)
        .select(pl.col(name).cast(dtype) for name, dtype in LANE_SCHEMA.items())
    )


def _last_day(plan: Plan) -> int:
    days = [grade.window[1] for grade in plan.grades]
    days += [nadir.window[1] for nadir in plan.nadirs]
    days += [timed.days[1] for timed in plan.recovery_times]
    days += [recovery.definition.landmark.day for recovery in plan.recoveries]
    return max(days, default=0)


def _frame_ends(cohort: CohortOutcomes) -> pl.DataFrame:
    """The end of each course: death or a second infusion, else last contact, else the last blood count."""
    courses = cohort.courses
    last_lab = np.full(len(courses), np.nan)
    for grid in cohort.grids.values():
        days = np.arange(grid.measured.shape[1], dtype=np.float64) + grid.first_day
        seen: NDArray[np.float64] = np.where(grid.measured, days, -np.inf)
        last = seen.max(axis=1, initial=-np.inf)
        last_lab = np.fmax(last_lab, np.where(np.isfinite(last), last, np.nan))
    known = np.fmin(courses.death_day, courses.second_infusion_day)
    contact = np.where(np.isnan(courses.last_contact_day), last_lab, courses.last_contact_day)
    numbers = {
        "end": np.where(np.isnan(known), contact, known),
        "death": courses.death_day,
        "second_infusion": courses.second_infusion_day,
        "last_contact": courses.last_contact_day,
    }
    frame = pl.DataFrame({"patient_id": courses.patient_id, **numbers})
    return frame.with_columns(pl.col(*numbers).fill_nan(None).cast(pl.Int32)).filter(
        pl.col("end").is_not_null()
    )


def _frame_recoveries(plan: Plan, outcomes: pl.DataFrame) -> pl.DataFrame:
    """The day of recovery where the protocol asks for one; else the landmark of those recovered."""
    named = {timed.outcome: pl.col("policy") for timed in plan.recovery_times[:1]} or {
        one.outcome: pl.lit(one.definition.landmark.day) for one in plan.recoveries[:1]
    }
    rows = outcomes.filter(pl.col("label") == "recovered", pl.col("outcome").is_in([*named]))
    day = next(iter(named.values()), pl.lit(None))
    mark = "recovery" if plan.recovery_times else "recovered_at_landmark"
    return rows.select("patient_id", mark=pl.lit(mark), start=day, stop=day, grade=None)


def _frame_groups(cohort: CohortOutcomes, plan: Plan, column: FactorColumn) -> pl.DataFrame:
    members = {
        level: (column.values.cast(pl.String) == level).fill_null(value=False).to_numpy()
        for level in column.list_levels()
    }
    rows = [row for nadir in _list_nadirs(plan) for row in _summarize_groups(cohort, nadir, members)]
    return pl.DataFrame(rows, schema=GROUP_SCHEMA).with_columns(factor=pl.lit(column.title))


def _summarize_groups(
    cohort: CohortOutcomes, nadir: NadirPlan, members: Mapping[str, NDArray[np.bool_]]
) -> Iterator[dict[str, Any]]:
    grid = cohort.grids[nadir.analyte]
    printed = decode_ends(np.where(np.isfinite(grid.high), grid.high, grid.low))
    for level, is_member in members.items():
        for day in range(nadir.window[0], nadir.window[1] + 1):
            place = day - grid.first_day
            summary = describe_numbers(printed[grid.measured[:, place] & is_member, place])
            yield {
                "analyte": nadir.analyte,
                "group": level,
                "day": day,
                "n_observed": summary.n,
                "n_at_risk": int((grid.at_risk[:, place] & is_member).sum()),
                "median": summary.median,
                "q1": summary.q1,
                "q3": summary.q3,
            }
