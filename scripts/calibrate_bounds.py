"""Measure how often the true outcome lies between best and worst (docs/calibration.md).

Every patient of a complete daily series is graded twice by the kernel: on all days (the truth) and on the
days of a schedule, with each slack and growth. Nothing is graded here. Into the folder go `simulated.csv`,
`real.csv` (with --data), `days.csv`, `chosen.csv` and `calibration.svg`: counts and proportions, no patient.

Usage: python scripts/calibrate_bounds.py [--patients N] [--seed N] [--data FOLDER] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
from calibration_series import (
    ANALYTES,
    LONGEST_RUN,
    Series,
    list_schedules,
    measure_days,
    read_real_series,
    simulate_series,
    thin_series,
)
from draw_calibration import draw_calibration

from cytopenia.commands.terminal import Bar
from cytopenia.contract import Tables
from cytopenia.definition_forms import BoundsDefinition, RecoveryDefinition
from cytopenia.definitions import Library, load_library
from cytopenia.study.outcomes import derive_outcomes
from cytopenia.study.plan import GradePlan, Plan, RecoveryPlan, plan_days
from cytopenia.study.protocol_forms import OutcomeSpec

PATIENTS, SEED = 2304, 20261125
COUNT_SLACKS = (1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 5.0, 10.0)
HEMOGLOBIN_SLACKS = (1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4, 1.5, 1.5, 1.5)
COUNT_GROWTHS = (1.0, 1.05, 1.1, 1.15, 1.2)
HEMOGLOBIN_GROWTHS = (1.0, 1.01, 1.02, 1.03, 1.04)
LONGEST = 8
# Which slacks are tried with a growth, and which with a shorter longest distance.
GROWING, SHORTER = range(1, 7), (3, 6, 8)
SHORTER_DAYS = 4
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
TRIED = ["longest_days", "slack", "growth"]
KEYS = ["schedule", "analyte", "outcome", *TRIED]
DAILY = "daily"

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


def list_bounds(bounds: BoundsDefinition) -> list[BoundsDefinition]:
    """Return the bounds with each slack, growth and longest distance tried, for all analytes at once."""
    tried = [(LONGEST, place, 0) for place in range(len(COUNT_SLACKS))]
    tried += [(LONGEST, place, growth) for growth in range(1, len(COUNT_GROWTHS)) for place in GROWING]
    tried += [(SHORTER_DAYS, place, 0) for place in SHORTER]
    return [set_bounds(bounds, longest, place, growth) for longest, place, growth in tried]


def set_bounds(bounds: BoundsDefinition, longest: int, slack: int, growth: int) -> BoundsDefinition:
    """Return bounds with the slack and the growth at these places of the lists."""
    slacks = dict.fromkeys(ANALYTES, COUNT_SLACKS[slack]) | {"hemoglobin": HEMOGLOBIN_SLACKS[slack]}
    growths = dict.fromkeys(ANALYTES, COUNT_GROWTHS[growth]) | {"hemoglobin": HEMOGLOBIN_GROWTHS[growth]}
    return bounds.model_copy(update={"slack": slacks, "growth": growths, "longest_days": longest})


def find_outcomes(tables: Tables, plan: Plan, bounds: BoundsDefinition) -> pl.DataFrame:
    """Return `patient_id`, `outcome`, `policy`, `best`, `worst`; yes/no of severity beside each grade."""
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
    known = both.filter(pl.col("true").is_not_null())
    has_bounds = pl.col("best").is_not_null() & pl.col("worst").is_not_null()
    inside = ~has_bounds | ((pl.col("best") <= pl.col("true")) & (pl.col("true") <= pl.col("worst")))
    decided = has_bounds & (pl.col("best") == pl.col("worst"))
    return known.group_by("outcome", maintain_order=True).agg(
        courses=pl.len(),
        inside=inside.sum(),
        decided=decided.sum(),
        decided_wrong=(decided & ~inside).sum(),
        mean_width=(pl.col("worst") - pl.col("best")).mean().round(2),
    )


def find_wilson(share: float, n: int) -> tuple[float, float]:
    """Return the 95% interval of a proportion among n after Wilson, in percent."""
    z = 1.959963984540054
    widened = 1 + z * z / n
    middle = (share + z * z / (2 * n)) / widened
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / widened
    return 100 * max(middle - half, 0.0), 100 * min(middle + half, 1.0)


def measure_series(
    series: Series,
    library: Library,
    *,
    tried: Sequence[BoundsDefinition] | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Return one row per schedule, outcome, longest distance, slack and growth."""
    is_complete = not series.keeps_ends
    own = library.bounds
    tried = list_bounds(own) if tried is None else tried
    plans = {
        days: make_plan(library, longest=days, is_complete=is_complete)
        for days in {own.longest_days, *(bounds.longest_days for bounds in tried)}
    }
    truth = find_outcomes(series.tables, plans[own.longest_days], own)
    schedules = list_schedules(series)
    found: list[pl.DataFrame] = []
    for place, schedule in enumerate(schedules):
        thinned = thin_series(series, schedule)
        for step, bounds in enumerate(tried, start=1):
            outcomes = find_outcomes(thinned, plans[bounds.longest_days], bounds)
            found.append(_name_rows(compare_outcomes(truth, outcomes), schedule, bounds))
            if progress is not None:
                progress("thinning and grading", place * len(tried) + step, len(schedules) * len(tried))
    rows = pl.concat(found).unique(KEYS, keep="first", maintain_order=True)
    return _add_percents(rows, copies=series.copies)


def _name_rows(rows: pl.DataFrame, schedule: str, bounds: BoundsDefinition) -> pl.DataFrame:
    analytes = [analyte_of(name.partition(",")[0]) for name in rows["outcome"]]
    return rows.with_columns(
        schedule=pl.lit(schedule),
        analyte=pl.Series(analytes),
        longest_days=pl.lit(bounds.longest_days),
        slack=pl.Series([bounds.slack_of(name) for name in analytes]),
        growth=pl.Series([bounds.growth_of(name) for name in analytes]),
    )


def _add_percents(rows: pl.DataFrame, copies: int) -> pl.DataFrame:
    """Percentages; the interval counts people, who stand there once for each phase if the series are few."""
    pairs = rows.select("inside", "courses").iter_rows()
    limits = [find_wilson(inside / n, n // copies) for inside, n in pairs]
    return rows.select(
        *KEYS,
        (pl.col("courses") // copies).alias("patients"),
        "courses",
        "inside",
        (100 * pl.col("inside") / pl.col("courses")).round(2).alias("inside_percent"),
        pl.Series("inside_low", [round(low, 2) for low, _ in limits]),
        pl.Series("inside_high", [round(high, 2) for _, high in limits]),
        (100 * pl.col("decided") / pl.col("courses")).round(2).alias("decided_percent"),
        "decided_wrong",
        "mean_width",
    )


def rate_bounds(rows: pl.DataFrame) -> pl.DataFrame:
    """Return, per analyte and bounds, the lowest share inside with its cell, and the mean share decided.

    On the daily schedule every outcome is inside and decided; it is no cell.
    """
    cells = rows.filter(pl.col("schedule") != DAILY).sort("inside_percent", maintain_order=True)
    return cells.group_by("analyte", *TRIED, maintain_order=True).agg(
        pl.col("patients").max(),
        pl.col("inside_percent").first(),
        pl.col("schedule").first(),
        pl.col("outcome").first(),
        pl.col("decided_percent").mean().round(2),
    )


def pool_outcomes(rows: pl.DataFrame) -> pl.DataFrame:
    """Return each schedule with its outcomes taken together: the same courses stand behind each."""
    return rows.group_by("analyte", "schedule", *TRIED, maintain_order=True).agg(
        pl.lit("all").alias("outcome"),
        pl.col("patients").max(),
        (100 * pl.col("inside").sum() / pl.col("courses").sum()).round(2).alias("inside_percent"),
        pl.col("decided_percent").mean().round(2),
    )


def choose_bounds(simulated: pl.DataFrame, real: pl.DataFrame | None) -> pl.DataFrame:
    """Return, per analyte, the bounds that decide most among those that reach the target everywhere.

    In the simulated series it must be reached by every outcome on every schedule. In the real ones by every
    schedule, its outcomes taken together: with few people one cell is one person, and would be chosen for a
    single clumped sample. "Decided" is that of the simulated ones; of equals the smallest slack is taken. An
    analyte that no bounds satisfy has no row.
    """
    keys = ["analyte", *TRIED]
    rated = rate_bounds(simulated)
    if real is not None:
        pooled = rate_bounds(pool_outcomes(real)).drop("outcome")
        lowest = rate_bounds(real).select(*keys, pl.col("inside_percent").alias("lowest_cell_real"))
        rated = rated.join(pooled, on=keys, how="left", suffix="_real").join(lowest, on=keys, how="left")
    good = [
        pl.col(name).fill_null(TARGET) >= TARGET
        for name in rated.columns
        if name.startswith("inside_percent")
    ]
    kept = rated.filter(pl.col("longest_days") == LONGEST, *good)
    best = kept.sort("decided_percent", "slack", descending=[True, False])
    return best.unique("analyte", keep="first", maintain_order=True).sort(
        pl.col("analyte").replace_strict({name: place for place, name in enumerate(ANALYTES)})
    )


def main() -> None:
    """Measure, choose, write and draw."""
    options = _read_options()
    options.out.mkdir(parents=True, exist_ok=True)
    library = load_library()
    with Bar() as bar:
        series = {"simulated": simulate_series(options.patients, options.seed)}
        if options.data is not None:
            series["real"] = read_real_series(options.data, options.seed)
        found = {name: measure_series(one, library, progress=bar) for name, one in series.items()}
    for name, rows in found.items():
        rows.filter(pl.col("schedule") != DAILY).write_csv(options.out / f"{name}.csv")
    needed = [measure_days(one.tables.labs).with_columns(series=pl.lit(name)) for name, one in series.items()]
    pl.concat(needed).select("series", pl.exclude("series")).write_csv(options.out / "days.csv")
    chosen = choose_bounds(found["simulated"], found.get("real"))
    if "real" in series:
        days = pl.DataFrame({"analyte": list(ANALYTES), "days_real": list(series["real"].days.values())})
        chosen = chosen.join(days, on="analyte", how="left", maintain_order="left")
    chosen.write_csv(options.out / "chosen.csv")
    draw_calibration(found["simulated"], chosen, options.out / "calibration.svg")
    print(chosen)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--patients", type=int, default=PATIENTS, help="simulated patients (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--data", type=Path, help="folder of the public daily series; without it no real.csv")
    parser.add_argument("--out", type=Path, default=Path("docs/calibration"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
