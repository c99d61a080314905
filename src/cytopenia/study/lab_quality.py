"""Laboratory values before they are graded: units, limits of detection, repeats, how the values lie."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.contract import Tables
from cytopenia.contract.data_quality import QUALITY_SCHEMAS
from cytopenia.contract.lab_account import IMPLAUSIBLE, account_rows

__all__ = [
    "count_censored",
    "count_limits",
    "count_moments",
    "read_account",
    "spread_values",
]

_BINS = 48
# Values that lie within this factor need no logarithm, which would only hide that they are close.
_CLOSE = 3.0
_ABOVE, _BELOW = (">", ">="), ("<", "<=")
_DRAW = ("patient_id", "analyte", "day", "minute")


def read_account(tables: Tables) -> pl.DataFrame:
    """Return what became of the rows; of tables that were made without reading, from the rows themselves."""
    if tables.lab_account.height or tables.labs.is_empty():
        return tables.lab_account
    rows = tables.labs.with_columns(pl.col("unit").alias("printed"))
    return account_rows(rows, rows, total=rows.height)


def count_moments(labs: pl.DataFrame) -> pl.DataFrame:
    """Return draws with contradicting values, and days with several values, of each analyte.

    A draw needs a time: two values of one day without a time may be two draws.
    """
    judged = labs.filter(pl.col("invalid").is_null() & pl.col("day").is_not_null())
    results = pl.struct("value", "comparator").n_unique()
    timed = judged.filter(pl.col("minute").is_not_null()).group_by(_DRAW).agg(n=results)
    daily = judged.group_by(*_DRAW[:3]).agg(n=pl.len())
    conflicts, several = (
        frame.filter(pl.col("n") > 1).group_by("analyte").agg(pl.len().alias(name))
        for frame, name in ((timed, "conflicts"), (daily, "several"))
    )
    both = conflicts.join(several, on="analyte", how="full", coalesce=True).fill_null(0)
    return _shape(both.sort("analyte"), "moments")


def count_censored(labs: pl.DataFrame) -> pl.DataFrame:
    """Return how many judged rows are printed as which limit, the most frequent first."""
    limits = labs.filter(pl.col("invalid").is_null() & pl.col("comparator").is_in([*_ABOVE, *_BELOW]))
    counted = limits.group_by("analyte", "comparator", pl.col("value").alias("limit")).agg(rows=pl.len())
    order = ["analyte", "rows", "comparator", "limit"]
    return _shape(counted.sort(order, descending=[False, True, False, False]), "censored")


def count_limits(labs: pl.DataFrame) -> pl.DataFrame:
    """Return how many rows with a value have which limit of normal, the most frequent first.

    One line with a null limit counts the rows without one.
    """
    known = labs.filter(pl.col("value").is_not_null())
    frames = [
        known.group_by("analyte", pl.col(name).alias("limit"))
        .agg(rows=pl.len(), patients=pl.col("patient_id").n_unique())
        .with_columns(name=pl.lit(name))
        for name in ("lln", "uln")
    ]
    order = ["analyte", "name", pl.col("limit").is_null(), "rows", "limit"]
    return _shape(pl.concat(frames).sort(order, descending=[False, False, False, True, False]), "limits")


def spread_values(labs: pl.DataFrame) -> pl.DataFrame:
    """Return how the values of each analyte lie: counts in bins from the lowest to the highest.

    Implausible values are counted apart: a wrong unit puts them there.
    """
    is_told = pl.col("invalid").is_null() | (pl.col("invalid") == IMPLAUSIBLE)
    told = labs.filter(is_told & (pl.col("value") >= 0) & pl.col("value").is_finite())
    rows = [
        (analyte, *line)
        for (analyte,), part in told.partition_by("analyte", as_dict=True).items()
        for line in _count_bins(part["value"].to_numpy(), part["invalid"].is_null().to_numpy())
    ]
    frame = pl.DataFrame(rows, schema=QUALITY_SCHEMAS["spread"], orient="row")
    return frame.sort("analyte", "low", maintain_order=True)


def _count_bins(
    values: NDArray[np.float64], is_judged: NDArray[np.bool_]
) -> Iterator[tuple[bool, float, float, int, int]]:
    """Whether the steps are logarithms, both ends, and the judged and implausible values of each bin."""
    positive = values[values > 0]
    is_log = bool(positive.size) and bool(positive.max() / positive.min() >= _CLOSE)
    if positive.size < values.size:
        zeros = values == 0
        yield is_log, 0.0, 0.0, int((zeros & is_judged).sum()), int((zeros & ~is_judged).sum())
    if not positive.size:
        return
    ends = float(positive.min()), float(positive.max())
    edges = np.geomspace(*ends, _BINS + 1) if is_log else np.linspace(*ends, _BINS + 1)
    if ends[0] == ends[1]:
        edges = np.array(ends)
    # The last step of the logarithm may fall short of the highest value by a rounding error.
    edges[0], edges[-1] = ends
    judged, implausible = (
        np.histogram(values[(values > 0) & chosen], bins=edges)[0] for chosen in (is_judged, ~is_judged)
    )
    for low, high, *counts in zip(edges[:-1], edges[1:], judged, implausible, strict=True):
        yield is_log, float(low), float(high), int(counts[0]), int(counts[1])


def _shape(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    return frame.select(pl.col(column).cast(dtype) for column, dtype in QUALITY_SCHEMAS[name].items())
