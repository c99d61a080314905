"""Complete daily series, simulated and real, and the schedules that thin them (see calibrate_bounds.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from cytopenia.contract import Tables, prepare_tables, require_tables
from cytopenia.simulate import simulate_cohort
from cytopenia.units import load_analytes

ANALYTES = ("anc", "wbc", "alc", "hemoglobin", "platelets")
# Limits of normal in canonical units, the same for everybody: those of the simulator's first site.
LOWER_LIMITS = {"anc": 1.8, "wbc": 3.5, "alc": 1.0, "hemoglobin": 120.0, "platelets": 150.0}
PHASES = 7
LEAST_RUN = 7
# A real run is graded from day 0 to the last day of the windows; what follows is another question.
LONGEST_RUN = 29
LONGEST_DISTANCE = 8
# Days on which the factors between neighbors are measured.
MEASURED_DAYS = (-8, 36)

Keep = Callable[[pl.Expr, pl.Expr], pl.Expr]


@dataclass(frozen=True)
class Series:
    """Patients with a value on every day, and the phase of the week in which each is thinned.

    Attributes
    ----------
    tables : Tables
        `labs` holds the complete series.
    phases : DataFrame
        `patient_id` and `phase`, 0 to 6.
    drawn : mapping of schedule to DataFrame
        `patient_id` and `day` of the draws of schedules that are no rule but a draw.
    patients, days : mapping of analyte to int
        How many people and how many of their days stand behind each analyte.
    keeps_ends : bool
        The first and the last day of each series are drawn on every schedule.
    copies : int
        How often each person is there: once, or once for each phase.
    """

    tables: Tables
    phases: pl.DataFrame
    drawn: Mapping[str, pl.DataFrame]
    patients: Mapping[str, int]
    days: Mapping[str, int]
    keeps_ends: bool
    copies: int = 1


def on_weekdays(*weekdays: int) -> Keep:
    """Return the rule of draws on the same days of every week; the phase says which day is the first."""
    return lambda day, phase: ((day + phase) % PHASES).is_in(weekdays)


def until_then(last_day: int, then: Keep) -> Keep:
    """Return the rule of draws on every day until one, then by another rule."""
    return lambda day, phase: (day <= last_day) | then(day, phase)


RULES: Mapping[str, Keep] = {
    "daily": on_weekdays(*range(PHASES)),
    "daily to day 14, then twice weekly": until_then(14, on_weekdays(0, 3)),
    "three times a week": on_weekdays(0, 2, 4),
    "twice a week": on_weekdays(0, 3),
    "once a week": on_weekdays(0),
}
RANDOM = "each day with probability 0.5"
SIMULATED = {
    "inpatient_then_clinic": "simulator: inpatient_then_clinic",
    "clinic": "simulator: clinic",
    "weekly": "simulator: weekly",
}


def thin_series(series: Series, schedule: str) -> Tables:
    """Return the tables with the values of the days of a schedule alone."""
    labs = series.tables.labs
    if schedule in series.drawn:
        return replace(
            series.tables,
            labs=labs.join(
                series.drawn[schedule], on=["patient_id", "day"], how="semi", maintain_order="left"
            ),
        )
    day = pl.col("day")
    kept = RULES[schedule](day, pl.col("phase"))
    if series.keeps_ends:
        own = ["patient_id", "analyte"]
        kept = kept | (day == day.min().over(own)) | (day == day.max().over(own))
    marked = labs.join(series.phases, on="patient_id", how="left", maintain_order="left")
    return replace(series.tables, labs=marked.filter(kept).drop("phase"))


def list_schedules(series: Series) -> list[str]:
    """Return the names of all schedules of a series."""
    return [*RULES, *series.drawn]


def draw_days(labs: pl.DataFrame, *, seed: int, keeps_ends: bool) -> pl.DataFrame:
    """Return each day of each patient with probability one half."""
    days = labs.select("patient_id", "day").unique().sort("patient_id", "day")
    half = pl.Series(np.random.default_rng(seed).random(days.height) < 0.5)
    if not keeps_ends:
        return days.filter(half)
    day = pl.col("day")
    is_end = (day == day.min().over("patient_id")) | (day == day.max().over("patient_id"))
    return days.filter(half | is_end)


def simulate_series(patients: int, seed: int) -> Series:
    """Return the true days of a synthetic cohort, without those lost before day 100."""
    cohorts = {name: simulate_cohort(patients, seed=seed, schedule=name) for name in SIMULATED}
    first = next(iter(cohorts.values()))
    ends = first.truth.group_by("patient_id").agg(pl.col("day").max().alias("end"))
    contact = first.tables["events"].filter(kind="last_contact").select("patient_id", "day")
    lost = ends.join(contact, on="patient_id").filter(pl.col("day") < pl.col("end"))
    truth = first.truth.join(lost, on="patient_id", how="anti", maintain_order="left")
    kept = truth.select("patient_id").unique()
    labs = truth.unpivot(
        ANALYTES, index=["patient_id", "day"], variable_name="analyte", value_name="value"
    ).with_columns(pl.col("value").cast(pl.Float64))
    others = {
        name: table.join(kept, on="patient_id", how="semi", maintain_order="left")
        for name, table in first.tables.items()
        if name != "labs"
    }
    tables = _prepare(labs, others)
    drawn = {
        SIMULATED[name]: cohort.tables["labs"].select("patient_id", "day").unique().cast({"day": pl.Int32})
        for name, cohort in cohorts.items()
    }
    drawn[RANDOM] = draw_days(tables.labs, seed=seed, keeps_ends=False)
    phases = _number_phases(kept["patient_id"].sort())
    days = dict.fromkeys(ANALYTES, truth.height)
    return Series(tables, phases, drawn, dict.fromkeys(ANALYTES, kept.height), days, keeps_ends=False)


def _prepare(labs: pl.DataFrame, others: Mapping[str, pl.DataFrame]) -> Tables:
    units = {name: load_analytes()[name].unit for name in ANALYTES}
    named = labs.with_columns(unit=pl.col("analyte").replace_strict(units))
    return require_tables(prepare_tables({**others, "labs": named}, lln=LOWER_LIMITS))


def _number_phases(patients: pl.Series) -> pl.DataFrame:
    numbers = pl.int_range(patients.len(), eager=True, dtype=pl.Int32) % PHASES
    return pl.DataFrame({"patient_id": patients, "phase": numbers})


def read_real_series(folder: Path, seed: int) -> Series:
    """Return the longest daily run of each patient and analyte of public series; day 0 is its first day.

    Every patient is there once for each phase, under a name of its own.
    """
    values = pl.concat([_read_msk(folder), _read_mimic(folder), _read_covid(folder)])
    runs = find_runs(values.sort("patient_id", "day", "time"))
    counted = {name: runs.filter(analyte=name) for name in ANALYTES}
    labs = pl.concat(
        [runs.with_columns(patient_id=pl.col("patient_id") + f" in phase {phase}") for phase in range(PHASES)]
    )
    # Each analyte of a patient has its own run and its own day 0, so each is a patient of its own.
    labs = labs.with_columns(patient_id=pl.col("patient_id") + " " + pl.col("analyte"))
    names = labs["patient_id"].unique().sort()
    infusions = pl.DataFrame({"patient_id": names, "day": pl.repeat(0, names.len(), eager=True)})
    tables = _prepare(labs, {"infusions": infusions})
    phase = names.str.extract(r"in phase (\d)").cast(pl.Int32)
    return Series(
        tables,
        pl.DataFrame({"patient_id": names, "phase": phase}),
        {RANDOM: draw_days(tables.labs, seed=seed, keeps_ends=True)},
        {name: rows["patient_id"].n_unique() for name, rows in counted.items()},
        {name: rows.select("patient_id", "day").n_unique() for name, rows in counted.items()},
        keeps_ends=True,
        copies=PHASES,
    )


def find_runs(values: pl.DataFrame) -> pl.DataFrame:
    """Return the longest run of consecutive days of each patient and analyte, numbered from 0.

    The first value of each day, the first of equally long runs. Runs shorter than a week are left out; longer
    ones than `LONGEST_RUN` are cut to the days around their lowest value.
    """
    own = ["patient_id", "analyte"]
    days = values.group_by(*own, "day", maintain_order=True).agg(pl.col("value").first()).sort(*own, "day")
    run = (pl.col("day").diff().over(own).fill_null(0) != 1).cast(pl.Int32).cum_sum().over(own)
    runs = days.with_columns(run=run).with_columns(length=pl.len().over(*own, "run"))
    longest = runs.filter(pl.col("length") == pl.col("length").max().over(own))
    longest = longest.filter(pl.col("run") == pl.col("run").min().over(own), pl.col("length") >= LEAST_RUN)
    numbered = longest.with_columns(day=(pl.col("day") - pl.col("day").min().over(own)).cast(pl.Int32))
    lowest = pl.col("day").filter(pl.col("value") == pl.col("value").min()).first().over(own)
    spare = pl.max_horizontal(pl.col("length").cast(pl.Int32) - LONGEST_RUN, 0)
    start = pl.min_horizontal(pl.max_horizontal(lowest - LONGEST_RUN // 2, 0), spare)
    shifted = numbered.with_columns(day=pl.col("day") - start).filter(
        pl.col("day").is_between(0, LONGEST_RUN - 1)
    )
    return shifted.select("patient_id", "day", "analyte", "value")


def _read_msk(folder: Path) -> pl.DataFrame:
    """Neutrophils and white cells after allogeneic transplantation."""
    names = {"Neutrophils": "anc", "WBCtotal": "wbc"}
    rows = pl.read_csv(folder / "trajectories" / "msk_hct_daily_counts_open.csv")
    return rows.filter(pl.col("analyte").is_in(list(names))).select(
        patient_id=pl.format("msk {}", "patient_id"),
        day=pl.col("day_rel_infusion").cast(pl.Int64),
        time=pl.lit(""),
        analyte=pl.col("analyte").replace_strict(names),
        value=pl.col("value").cast(pl.Float64),
    )


def _read_mimic(folder: Path) -> pl.DataFrame:
    """Counts of intensive care; hemoglobin in g/dL."""
    names = {
        "White Blood Cells|Blood|Hematology": "wbc",
        "Hemoglobin|Blood|Hematology": "hemoglobin",
        "Platelet Count|Blood|Hematology": "platelets",
    }
    rows = pl.read_csv(folder / "mimic_demo" / "mimic_hematology_long.csv", infer_schema_length=None)
    named = rows.filter(pl.col("label").is_in(list(names))).select(
        patient_id=pl.format("mimic {}", "subject_id"),
        time="charttime",
        analyte=pl.col("label").replace_strict(names),
        value=pl.col("value").cast(pl.Float64),
    )
    return _count_days(named)


def _read_covid(folder: Path) -> pl.DataFrame:
    """Counts of hospital patients with COVID-19."""
    names = {
        "White blood cell count": "wbc",
        "neutrophils count": "anc",
        "lymphocyte count": "alc",
        "hemoglobin": "hemoglobin",
        "Platelet count": "platelets",
    }
    rows = pl.read_csv(folder / "trajectories" / "covid_tongji375_labs_wide.csv", infer_schema_length=None)
    dated = rows.select(
        patient_id=pl.format("covid {}", "PATIENT_ID"),
        time="RE_DATE",
        **{name: pl.col(column).cast(pl.Float64) for column, name in names.items()},
    )
    long = dated.unpivot(
        list(names.values()), index=["patient_id", "time"], variable_name="analyte", value_name="value"
    )
    per_dl = pl.when(pl.col("analyte") == "hemoglobin").then(0.1).otherwise(1.0)
    return _count_days(long.with_columns(value=pl.col("value") * per_dl))


def _count_days(rows: pl.DataFrame) -> pl.DataFrame:
    """Days from each patient's first; hemoglobin from g/dL to g/L."""
    date = pl.col("time").str.slice(0, 10).str.to_date()
    day = (date - date.min().over("patient_id")).dt.total_days()
    factor = pl.when(pl.col("analyte") == "hemoglobin").then(10.0).otherwise(1.0)
    return rows.filter(pl.col("value").is_not_null()).select(
        "patient_id", day.alias("day"), "time", "analyte", (pl.col("value") * factor).round(6).alias("value")
    )


def measure_days(labs: pl.DataFrame) -> pl.DataFrame:
    """Return how far days lie beyond the values on both sides: quantiles by analyte and distance of the two.

    The factor of a day is the greater of lower neighbor / value and value / higher neighbor: the slack that
    it needs. Below 1 it lies between its neighbors. A value of 0 between others needs an endless one.
    """
    one = pl.col("patient_id").str.contains(r"in phase [1-6]").not_()
    days = labs.filter(one, pl.col("day").is_between(*MEASURED_DAYS)).select(
        "patient_id", "analyte", "day", "value"
    )
    own = ["patient_id", "analyte"]
    found: list[pl.DataFrame] = []
    for distance in range(2, LONGEST_DISTANCE + 1):
        for after in range(1, distance):
            first = days.with_columns(pl.col("day") + after).rename({"value": "before"})
            last = days.with_columns(pl.col("day") - (distance - after)).rename({"value": "after"})
            joined = days.join(first, on=[*own, "day"]).join(last, on=[*own, "day"])
            found.append(joined.with_columns(distance=pl.lit(distance)))
    low, high = pl.min_horizontal("before", "after"), pl.max_horizontal("before", "after")
    deep = pl.when(low == 0).then(1.0).otherwise(low / pl.col("value"))
    tall = pl.when(pl.col("value") == 0).then(1.0).otherwise(pl.col("value") / high)
    factor = pl.max_horizontal(deep, tall)
    quantiles = {
        f"p{share}": factor.quantile(share / 100, "higher").round(3) for share in (50, 90, 95, 98, 99)
    }
    return (
        pl.concat(found)
        .group_by("analyte", "distance")
        .agg(days=pl.len(), **quantiles)
        .sort(pl.col("analyte").replace_strict({name: i for i, name in enumerate(ANALYTES)}), "distance")
    )
