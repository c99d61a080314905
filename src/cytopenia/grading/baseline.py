"""The value that stands for the patient before treatment, and the peak of a marker after infusion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from cytopenia.contract.findings import Finding, note
from cytopenia.definition_forms import BaselineDefinition
from cytopenia.grading.cuts import encode_ends
from cytopenia.grading.day_grid import Courses
from cytopenia.grading.half_lines import Baselines
from cytopenia.units import load_analytes

__all__ = [
    "BASELINE_SCHEMA",
    "derive_baseline",
    "derive_peak",
    "lay_out_baseline",
    "note_lymphodepletion_day",
]

BASELINE_SCHEMA: dict[str, type[pl.DataType]] = {
    "patient_id": pl.String,
    "analyte": pl.String,
    "day": pl.Int32,
    "value": pl.Float64,
    "comparator": pl.String,
    "lln": pl.Float64,
    "source_row": pl.UInt32,
    "is_on_lymphodepletion_day": pl.Boolean,
}


def derive_baseline(
    labs: Mapping[str, pl.DataFrame], courses: Courses, *, analyte: str, definition: BaselineDefinition
) -> pl.DataFrame:
    """Return the last valid value before lymphodepletion, one row per patient who has one.

    Parameters
    ----------
    labs : mapping of analyte to DataFrame
        From `index_labs`.
    courses : Courses
        A patient without a lymphodepletion day has no baseline.
    analyte : str
    definition : BaselineDefinition
        How many days before lymphodepletion still count.

    Returns
    -------
    DataFrame
        Columns of `BASELINE_SCHEMA`, sorted by patient. Of several values on the last day the latest timed
        one counts, else the one that is worse for the patient. `is_on_lymphodepletion_day` marks a value
        whose order relative to the first dose is not known.
    """
    start = pl.DataFrame(
        {"patient_id": courses.patient_id, "start": courses.lymphodepletion_day}
    ).with_row_index("patient")
    rows = labs.get(analyte)
    if rows is None:
        return pl.DataFrame(schema=BASELINE_SCHEMA)
    window = rows.join(start, on="patient").filter(
        pl.col("start").is_not_nan()
        & pl.col("day").is_between(pl.col("start") - definition.days_before, pl.col("start"))
    )
    latest = window.sort(
        ["patient", "day", "minute", "value", "source_row"],
        descending=[False, True, True, load_analytes()[analyte].direction_of_harm == "high", False],
        nulls_last=True,
    ).unique("patient", keep="first", maintain_order=True)
    return latest.with_columns(
        pl.lit(analyte).alias("analyte"),
        (pl.col("day") == pl.col("start")).alias("is_on_lymphodepletion_day"),
    ).select(pl.col(name).cast(dtype) for name, dtype in BASELINE_SCHEMA.items())


def lay_out_baseline(
    labs: Mapping[str, pl.DataFrame], courses: Courses, *, analyte: str, definition: BaselineDefinition
) -> Baselines:
    """Return what the baseline of every course can stand for, in the order of the courses."""
    found = derive_baseline(labs, courses, analyte=analyte, definition=definition)
    low, high = encode_ends(found["value"].to_numpy(), found["comparator"].to_numpy().astype(np.str_))
    ends = found.select("patient_id").with_columns(low=pl.Series(low), high=pl.Series(high))
    patients = pl.DataFrame({"patient_id": courses.patient_id})
    laid_out = patients.join(ends, on="patient_id", how="left", maintain_order="left")
    return Baselines(*(laid_out[name].fill_null(float("nan")).to_numpy() for name in ("low", "high")))


def note_lymphodepletion_day(values: pl.DataFrame, analyte: str) -> list[Finding]:
    """Return the finding on baseline values whose order to the first dose is not known, if there are any."""
    count = int(values["is_on_lymphodepletion_day"].sum())
    if not count:
        return []
    said = "value" if count == 1 else "values"
    verb = "is" if count == 1 else "are"
    what = f"{count} baseline {said} of {analyte} {verb} from the day of lymphodepletion"
    return [note("labs", "baseline_on_lymphodepletion_day", what, rows=count)]


def derive_peak(
    labs: Mapping[str, pl.DataFrame], courses: Courses, *, analyte: str, definition: BaselineDefinition
) -> pl.DataFrame:
    """Return the highest value of a marker in the peak window, one row per patient who has one.

    Returns
    -------
    DataFrame
        `patient_id`, `analyte`, `day` (the first day of the peak), `value`, `comparator`, `source_row`.
    """
    columns = ["patient_id", "analyte", "day", "value", "comparator", "source_row"]
    schema = {name: BASELINE_SCHEMA[name] for name in columns}
    rows = labs.get(analyte)
    if rows is None:
        return pl.DataFrame(schema=schema)
    patients = pl.DataFrame({"patient_id": courses.patient_id}).with_row_index("patient")
    highest = (
        rows.filter(pl.col("day").is_between(*definition.peak_window))
        .sort(["patient", "value", "day", "source_row"], descending=[False, True, False, False])
        .unique("patient", keep="first", maintain_order=True)
        .join(patients, on="patient", maintain_order="left")
    )
    return highest.with_columns(pl.lit(analyte).alias("analyte")).select(
        pl.col(name).cast(dtype) for name, dtype in schema.items()
    )
