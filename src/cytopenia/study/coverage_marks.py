"""What is known of each day of each patient, finer than coverage: as a limit only, by white cells alone."""

from __future__ import annotations

import polars as pl

from cytopenia.contract import Tables
from cytopenia.contract.data_quality import DataQuality

__all__ = ["DAY_MARKS", "mark_days"]

DAY_MARKS = ("measured", "limit", "white", "short_gap", "open")

_LIMITS = ("<", "<=", ">", ">=")
_DAY = ("patient_id", "analyte", "day")


def mark_days(quality: DataQuality, tables: Tables, *, use_caps: bool) -> pl.DataFrame:
    """Return one mark for each day at risk of each patient.

    Parameters
    ----------
    quality : DataQuality
        Its `patient_days` have no rows where the cohort is too large to be drawn.
    tables : Tables
        Those that it was measured on.
    use_caps : bool
        Neutrophils are bounded by white cells on days without their own count.

    Returns
    -------
    DataFrame
        `place`, `analyte`, `day` and `mark`: measured, limit (every value of the day was reported as one),
        white (no count, but white cells that bound it), short_gap (bounded by close measurements), or open.
    """
    people = quality.covered_patients.select("place", "patient_id").unique()
    days = quality.patient_days.join(people, on="place", how="left", maintain_order="left")
    judged = tables.labs.filter(pl.col("invalid").is_null() & pl.col("day").is_not_null())
    limits = judged.group_by(_DAY).agg(is_limit=pl.col("comparator").is_in(_LIMITS).all())
    white = (
        judged.filter(pl.lit(use_caps) & (pl.col("analyte") == "wbc")).select("patient_id", "day").unique()
    )
    white = white.with_columns(analyte=pl.lit("anc"), is_white=pl.lit(value=True))
    told = days.join(limits, on=_DAY, how="left", maintain_order="left").join(
        white, on=_DAY, how="left", maintain_order="left"
    )
    is_measured = pl.col("state") == "measured"
    mark = (
        pl.when(is_measured & pl.col("is_limit").fill_null(value=False))
        .then(pl.lit("limit"))
        .when(~is_measured & pl.col("is_white").fill_null(value=False))
        .then(pl.lit("white"))
        .otherwise(pl.col("state"))
    )
    return told.select("place", "analyte", "day", mark=mark)
