"""Cohorts larger than memory: the same kernel, block of patients by block of patients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from cytopenia.contract import prepare_tables
from cytopenia.definition_forms import BoundsDefinition
from cytopenia.study.outcomes import CohortOutcomes, Progress, derive_outcomes
from cytopenia.study.plan import Plan

__all__ = ["derive_in_blocks"]


def derive_in_blocks(
    labs: Path | str,
    plan: Plan,
    *,
    bounds: BoundsDefinition,
    use_caps: bool = False,
    blocks: int = 1,
    progress: Progress | None = None,
) -> Iterator[CohortOutcomes]:
    """Yield the outcomes of one block of patients after the other.

    Parameters
    ----------
    labs : path
        A Parquet file with the columns of the labs table; days from infusion, first infusion only.
    plan : Plan
    bounds : BoundsDefinition
    use_caps : bool
        See `derive_outcomes`.
    blocks : int
        Into how many blocks the patients are divided (by a hash of their id). More blocks take less memory;
        the outcomes of a patient do not depend on it.
    progress : callable, optional
        Called with a label, the blocks done and all blocks.

    Notes
    -----
    The file is read once; its repeated words are held once each, and each block is prepared by itself. A
    course is a pure function of the rows of one patient, so that nothing is lost between blocks.
    """
    rows = _read_compact(labs)
    for block in range(blocks):
        tables = prepare_tables({"labs": _pick_block(rows, block, blocks)})
        yield derive_outcomes(tables, plan, bounds=bounds, use_caps=use_caps)
        if progress is not None:
            progress("grading", block + 1, blocks)


def _read_compact(labs: Path | str) -> pl.DataFrame:
    """The rows of the file, with the columns that repeat a few words as categories."""
    repeating = [name for name in ("analyte", "unit") if name in pl.read_parquet_schema(labs)]
    rows = pl.scan_parquet(labs).with_columns(pl.col(repeating).cast(pl.Categorical))
    return rows.collect(engine="streaming")


def _pick_block(rows: pl.DataFrame, block: int, blocks: int) -> pl.DataFrame:
    if blocks == 1:
        return rows
    return rows.filter(pl.col("patient_id").hash(seed=0) % blocks == block)
