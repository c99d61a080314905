"""The data of the race: cohorts that `cytopenia simulate` wrote, and what the contenders read of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

SEED = 20261129
COLUMNS = ("platelets", "ecog", "hemoglobin", "age_years", "prior_lines", "anc", "alc", "burden")
# Fraction of missing cells of the table to impute, and the days whose counts are its columns.
SHARE_MISSING = 0.15
IMPUTED_DAYS = (-10, -8, -6, 0, 2)


def simulate(folder: Path, patients: int) -> Path:
    """Write a cohort, if it is not there yet."""
    target = folder / f"cohort_{patients}"
    if not (target / "simulation.json").is_file():
        command = [sys.executable, "-m", "cytopenia.cli", "simulate", "--patients", str(patients)]
        subprocess.run(
            [*command, "--seed", str(SEED), "--out", str(target)], check=True, stdout=subprocess.DEVNULL
        )
    return target


def write_for_r(cohort: Path) -> None:
    """R reads the same rows as text; it has no reader of Parquet of its own."""
    import polars as pl

    for name in ("patients", "labs", "support", "events"):
        pl.scan_parquet(cohort / f"{name}.parquet").sink_csv(cohort / f"{name}.csv")


def write_model_table(cohort: Path, target: Path, *, rows: int, columns: int) -> None:
    """Write an event (two red cell transfusions or more) and what was known before: the first patients."""
    table = _read_known(cohort).head(rows)
    table.select("event", *COLUMNS[:columns]).write_csv(target)


def write_cut_table(cohort: Path, target: Path, *, rows: int) -> None:
    """Write the same event and one marker; more rows than patients are days of their true courses."""
    import polars as pl

    known = _read_known(cohort)
    if rows > known.height:
        days = pl.read_parquet(cohort / "truth.parquet", columns=["patient_id", "platelets"])
        known = days.join(known.select("patient_id", "event"), on="patient_id", maintain_order="left")
        known = known.with_columns(burden=-pl.col("platelets").cast(pl.Float64))
    known.head(rows).select("event", value="burden").write_csv(target)


def write_incomplete_table(cohort: Path, target: Path, *, rows: int, columns: int) -> None:
    """Write true counts of several days side by side, some taken away at random; the first is complete."""
    import numpy as np
    import polars as pl

    days = pl.read_parquet(cohort / "truth.parquet").filter(pl.col("day").is_in(IMPUTED_DAYS))
    counts = ["platelets", "hemoglobin", "anc", "alc"]
    wide = days.pivot("day", index="patient_id", values=counts).drop("patient_id").drop_nulls().head(rows)
    table = np.log(wide.to_numpy()[:, :columns] + 0.01)
    rng = np.random.default_rng(SEED)
    table[:, 1:][rng.random((len(table), columns - 1)) < SHARE_MISSING] = np.nan
    frame = pl.DataFrame(table, schema=[f"x{place}" for place in range(columns)])
    frame.fill_nan(None).write_csv(target, null_value="NA")


def write_table_one_study(cohort: Path, target: Path) -> None:
    """Write the patients alone, with one value each: a study has laboratory values."""
    import polars as pl

    target.mkdir(exist_ok=True)
    labs = pl.read_parquet(cohort / "labs.parquet").filter(pl.col("analyte") == "anc")
    labs.unique("patient_id", keep="first", maintain_order=True).write_parquet(target / "labs.parquet")
    for name in ("patients", "infusions"):
        pl.read_parquet(cohort / f"{name}.parquet").write_parquet(target / f"{name}.parquet")


def _read_known(cohort: Path) -> pl.DataFrame:
    import polars as pl

    start = pl.read_parquet(cohort / "truth.parquet").filter(pl.col("day") == -10)
    return (
        pl.read_parquet(cohort / "patients.parquet")
        .join(start.drop("day"), on="patient_id", maintain_order="left")
        .join(pl.read_parquet(cohort / "truth_courses.parquet"), on="patient_id", maintain_order="left")
        .with_columns(event=(pl.col("rbc_transfusions") >= 2).cast(pl.Int8))
    )
