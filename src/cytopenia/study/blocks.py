"""Cohorts larger than memory: the same kernel, block of patients by block of patients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from cytopenia.contract import Tables, prepare_tables
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
    Each block reads the file once. A course is a pure function of the rows of one patient, so that nothing
    is lost between blocks.
    """
    for block in range(blocks):
        yield derive_outcomes(_read_block(labs, block, blocks), plan, bounds=bounds, use_caps=use_caps)
        if progress is not None:
            progress("grading", block + 1, blocks)


def _read_block(labs: Path | str, block: int, blocks: int) -> Tables:
    """The prepared tables of one block; nothing of the raw rows outlives the call."""
    rows = pl.scan_parquet(labs)
    if blocks > 1:
        rows = rows.filter(pl.col("patient_id").hash(seed=0) % blocks == block)
    return prepare_tables({"labs": rows.collect(engine="streaming").rechunk()})
