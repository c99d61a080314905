"""Measure how often the true outcome lies between best and worst (docs/calibration.md).

Every patient of a complete daily series is graded twice by the kernel: on all days (the truth) and on the
days of a schedule, with each slack. Nothing is graded here.

Usage: python scripts/calibrate_bounds.py [--patients N] [--seed N] [--data FOLDER] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from calibration_series import (
    ANALYTES,
    LONGEST_RUN,
    Series,
    list_schedules,
    read_real_series,
    simulate_series,
    thin_series,
)

from cytopenia.commands.terminal import Bar
from cytopenia.contract import Tables
from cytopenia.definition_forms import BoundsDefinition, RecoveryDefinition
from cytopenia.definitions import Library, load_library
from cytopenia.study.outcomes import derive_outcomes
from cytopenia.study.plan import GradePlan, Plan, RecoveryPlan, plan_days
from cytopenia.study.protocol_forms import OutcomeSpec

PATIENTS, SEED = 2304, 20261125
COUNT_SLACKS = (1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 5.0, 10.0)
HEMOGLOBIN_SLACKS = (1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4, 1.5)
LONGEST = (8, 4)
TARGET = 98.0
SEVERE = 3
WINDOW = (0, LONGEST_RUN - 1)
GRADED = {
    "ctcae_v5.neutrophil_count_decreased": "anc",
    "icaht_2023.early": "anc",
    "icaht_2023.late": "anc",
    "icaht_liang_2024.early": "anc",
    "icaht_liang_2024.late": "anc",
    "ctcae_v5.white_blood_cell_decreased": "wbc",
    "ctcae_v5.lymphocyte_count_decreased": "alc",
    "ctcae_v5.anemia": "hemoglobin",
    "ctcae_v5.platelet_count_decreased": "platelets",
    "t_icaht_2025.early": "platelets",
    "t_icaht_2025.late": "platelets",
}
RECOVERY = "qiu2023_recovery"
KEYS = ["schedule", "analyte", "outcome", "longest_days", "slack"]

Progress = Callable[[str, int, int], None]


def make_plan(library: Library, *, longest: int, is_complete: bool) -> Plan:
    """Return the plan of all outcomes; without those of whole courses where the series are short runs."""
    grades = tuple(
        GradePlan(address, part, part.own_window or WINDOW, (address,))
        for address in GRADED
        for part in library.find_parts(address).values()
        if is_complete or part.own_window is None
    )
    recoveries = _plan_recoveries(library) if is_complete else ()
    specs = {grade.address: OutcomeSpec(definition=grade.address, window=grade.window) for grade in grades}
    specs |= {
        plan.outcome: OutcomeSpec(definition=RECOVERY, died_before_landmark="exclude") for plan in recoveries
    }
    days = plan_days(grades, recoveries, longest=longest)
    return Plan(grades=grades, nadirs=(), recoveries=recoveries, combinations=(), specs=specs, days=days)


def _plan_recoveries(library: Library) -> tuple[RecoveryPlan, ...]:
    """The recovery of each lineage by itself."""
    definition = library.find(RECOVERY)
    assert isinstance(definition, RecoveryDefinition)
    return tuple(
        RecoveryPlan(f"{RECOVERY}: {item.analyte}", definition.model_copy(update={"all_of": (item,)}))
        for item in definition.all_of
    )


def analyte_of(outcome: str) -> str:
    """Return the lineage of an outcome."""
    return GRADED.get(outcome) or outcome.rpartition(": ")[2]


def list_bounds(bounds: BoundsDefinition, longest: Sequence[int] = LONGEST) -> Iterator[BoundsDefinition]:
    """Yield the bounds with every slack and every longest distance; hemoglobin has a shorter list."""
    for days in longest:
        for place, slack in enumerate(COUNT_SLACKS):
            least = HEMOGLOBIN_SLACKS[min(place, len(HEMOGLOBIN_SLACKS) - 1)]
            slacks = dict.fromkeys(ANALYTES, slack) | {"hemoglobin": least}
            yield bounds.model_copy(update={"slack": slacks, "longest_days": days})


def find_outcomes(tables: Tables, plan: Plan, bounds: BoundsDefinition) -> pl.DataFrame:
    """Return `patient_id`, `outcome`, `policy`, `best`, `worst`; yes/no questions of severity beside grades."""
    rows = derive_outcomes(tables, plan, bounds=bounds).outcomes.select(
        "patient_id", "outcome", "policy", "best", "worst"
    )
    graded = rows.filter(pl.col("outcome").is_in(list(GRADED)))
    severe = graded.with_columns(
        pl.col("outcome") + f", grade {SEVERE} or higher",
        *((pl.col(name) >= SEVERE).cast(pl.Float64) for name in ("policy", "best", "worst")),
    )
    return pl.concat([rows, severe])


def compare_outcomes(truth: pl.DataFrame, thinned: pl.DataFrame) -> pl.DataFrame:
    """Return one row per outcome: how many true outcomes lie inside, how many are decided, how wide it is.

    Patients without a true outcome (dead before the landmark) are left out; one without bounds makes no claim
    and counts as inside and as undecided.
    """
    both = truth.select("patient_id", "outcome", true="policy").join(
        thinned, on=["patient_id", "outcome"], how="left"
    )
    inside = ((pl.col("best") <= pl.col("true")) & (pl.col("true") <= pl.col("worst"))).fill_null(True)
    decided = (pl.col("best") == pl.col("worst")).fill_null(False)
    return (
        both.filter(pl.col("true").is_not_null())
        .group_by("outcome", maintain_order=True)
        .agg(
            courses=pl.len(),
            inside=inside.sum(),
            decided=decided.sum(),
            decided_wrong=(decided & ~inside).sum(),
            milder=(pl.col("true") < pl.col("best")).sum(),
            sicker=(pl.col("true") > pl.col("worst")).sum(),
            policy_right=(pl.col("policy") == pl.col("true")).fill_null(False).sum(),
            mean_width=(pl.col("worst") - pl.col("best")).mean().round(3),
        )
    )


def find_wilson(inside: int, n: int) -> tuple[float, float]:
    """Return the 95% interval of a proportion after Wilson, in percent."""
    z = 1.959963984540054
    share, widened = inside / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / widened
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / widened
    return 100 * max(middle - half, 0.0), 100 * min(middle + half, 1.0)


def measure_series(
    series: Series, library: Library, *, longest: Sequence[int] = LONGEST, progress: Progress | None = None
) -> pl.DataFrame:
    """Return one row per schedule, outcome, longest distance and slack."""
    is_complete = not series.keeps_ends
    own = library.bounds
    truth = find_outcomes(
        series.tables, make_plan(library, longest=own.longest_days, is_complete=is_complete), own
    )
    schedules = list_schedules(series)
    tried = list(list_bounds(own, longest))
    found: list[pl.DataFrame] = []
    for place, schedule in enumerate(schedules):
        thinned = thin_series(series, schedule)
        for step, bounds in enumerate(tried, start=1):
            plan = make_plan(library, longest=bounds.longest_days, is_complete=is_complete)
            rows = compare_outcomes(truth, find_outcomes(thinned, plan, bounds))
            found.append(_name_rows(rows, schedule, bounds))
            if progress is not None:
                progress("thinning and grading", place * len(tried) + step, len(schedules) * len(tried))
    return _add_percents(pl.concat(found).unique(KEYS, keep="first", maintain_order=True))


def _name_rows(rows: pl.DataFrame, schedule: str, bounds: BoundsDefinition) -> pl.DataFrame:
    analytes = [analyte_of(name.partition(",")[0]) for name in rows["outcome"]]
    return rows.with_columns(
        pl.lit(schedule).alias("schedule"),
        pl.Series("analyte", analytes),
        pl.lit(bounds.longest_days).alias("longest_days"),
        pl.Series("slack", [bounds.slack[name] for name in analytes]),
    )


def _add_percents(rows: pl.DataFrame) -> pl.DataFrame:
    limits = [find_wilson(inside, n) for inside, n in rows.select("inside", "courses").iter_rows()]
    percent = {name: (100 * pl.col(name) / pl.col("courses")).round(2) for name in ("inside", "decided")}
    return rows.with_columns(
        inside_percent=percent["inside"],
        inside_low=pl.Series([round(low, 2) for low, _ in limits]),
        inside_high=pl.Series([round(high, 2) for _, high in limits]),
        decided_percent=percent["decided"],
        policy_right_percent=(100 * pl.col("policy_right") / pl.col("courses")).round(2),
    ).select(
        *KEYS,
        "courses",
        "inside",
        "inside_percent",
        "inside_low",
        "inside_high",
        "decided",
        "decided_percent",
        "decided_wrong",
        "milder",
        "sicker",
        "policy_right_percent",
        "mean_width",
    )


def choose_slacks(rows: pl.DataFrame, longest: int) -> dict[str, float | None]:
    """Return the smallest slack of each analyte with which every cell reaches the target; None if none does."""
    worst = (
        rows.filter(longest_days=longest)
        .group_by("analyte", "slack")
        .agg(pl.col("inside_percent").min())
        .filter(pl.col("inside_percent") >= TARGET)
        .group_by("analyte")
        .agg(pl.col("slack").min())
    )
    found = dict(worst.iter_rows())
    return {name: found.get(name) for name in rows["analyte"].unique(maintain_order=True)}
