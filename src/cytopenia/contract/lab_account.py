"""What became of every laboratory row that was read, counted by analyte, printed unit and state."""

from __future__ import annotations

import polars as pl

from cytopenia.contract.schemas import LAB_ACCOUNT_SCHEMA
from cytopenia.values import AMBIGUOUS, MISSING, NEGATIVE, NOT_A_NUMBER

__all__ = [
    "DATE_MISSING",
    "IMPLAUSIBLE",
    "JUDGED",
    "MARKED_INVALID",
    "NOT_LISTED",
    "NO_PATIENT",
    "UNIT_MISSING",
    "UNKNOWN_UNIT",
    "account_rows",
]

UNKNOWN_UNIT = "unknown unit"
UNIT_MISSING = "unit missing"
IMPLAUSIBLE = "implausible value"
DATE_MISSING = "date missing"
NO_PATIENT = "patient id missing"

JUDGED, MARKED_INVALID, NOT_LISTED = "judged", "marked invalid", "analyte not listed"
_REASONS = (
    *(MISSING, NOT_A_NUMBER, AMBIGUOUS, NEGATIVE, IMPLAUSIBLE),
    *(UNIT_MISSING, UNKNOWN_UNIT, DATE_MISSING, NO_PATIENT),
)
# A median of fewer values would be nearly the value of a patient.
_FEWEST_VALUES = 5


def account_rows(judged: pl.DataFrame, kept: pl.DataFrame, *, total: int) -> pl.DataFrame:
    """Return how many rows there are of each analyte, printed unit and state.

    Parameters
    ----------
    judged, kept : DataFrame
        Rows of listed analytes with `analyte`, `printed`, `value` (canonical) and `invalid`; before and after
        repeated rows were left out.
    total : int
        The rows that were read. Those that are in neither frame are of an analyte that is not listed.

    Returns
    -------
    DataFrame
        The columns of `LAB_ACCOUNT_SCHEMA`. `repeats` of the `rows` were left out. `median` is that of the
        values that are judged, in the canonical unit; null where there are fewer than five. A reason that the
        file itself gives is "marked invalid".
    """
    counted = _count(judged)
    left = counted["rows"] if kept.height == judged.height else _count_kept(counted, kept)
    frame = counted.with_columns((pl.col("rows") - left).alias("repeats"))
    if total > judged.height:
        others = {"state": NOT_LISTED, "rows": total - judged.height, "repeats": 0}
        frame = pl.concat([_cast(frame), _cast(pl.DataFrame([others]))])
    return _cast(frame)


def _count(rows: pl.DataFrame) -> pl.DataFrame:
    state = (
        pl.when(pl.col("invalid").is_null())
        .then(pl.lit(JUDGED))
        .when(pl.col("invalid").is_in(_REASONS))
        .then(pl.col("invalid"))
        .otherwise(pl.lit(MARKED_INVALID))
    )
    counts = rows.select("analyte", "printed", "value", state.alias("state")).group_by(
        "analyte", "printed", "state"
    )
    is_told = (pl.col("state") == JUDGED) & (pl.col("rows") >= _FEWEST_VALUES)
    return (
        counts.agg(pl.len().alias("rows"), pl.col("value").median().alias("median"))
        .with_columns(pl.when(is_told).then("median").alias("median"))
        .sort("analyte", "printed", "state")
    )


def _count_kept(counted: pl.DataFrame, kept: pl.DataFrame) -> pl.Series:
    """How many rows of each line are left, in the order of the lines."""
    keys = ["analyte", "printed", "state"]
    left = _count(kept).select(*keys, pl.col("rows").alias("left"))
    joined = counted.join(left, on=keys, how="left", nulls_equal=True, maintain_order="left")
    return joined["left"].fill_null(0)


def _cast(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of the schema; one that is absent is blank."""
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in LAB_ACCOUNT_SCHEMA.items()
    )
