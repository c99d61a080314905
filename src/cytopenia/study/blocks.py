"""Cohorts larger than memory: the same kernel, block of patients by block of patients."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from cytopenia.contract import prepare_tables
from cytopenia.definition_forms import BoundsDefinition
from cytopenia.study.outcomes import CohortOutcomes, Progress, derive_outcomes
from cytopenia.study.plan import Plan

__all__ = ["derive_in_blocks"]

# A spreadsheet counts from one, and its first row holds the headings.
_FIRST_ROW = 2
_WHOLE_BLOCK = 2**62


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
    The file is read once, row group by row group, and its rows are laid into one temporary file per block;
    then one block at a time is in memory, with the row of the file behind each value. A course is a pure
    function of the rows of one patient, so that nothing is lost between blocks.
    """
    with TemporaryDirectory(prefix="cytopenia-") as folder:
        parts = _lay_out_blocks(Path(labs), Path(folder), blocks)
        for done, part in enumerate(parts, start=1):
            rows = pl.concat([pl.read_parquet(file) for file in sorted(part.iterdir())])
            shutil.rmtree(part)
            yield derive_outcomes(prepare_tables({"labs": rows}), plan, bounds=bounds, use_caps=use_caps)
            if progress is not None:
                progress("grading", done, len(parts))


def _lay_out_blocks(labs: Path, folder: Path, blocks: int) -> list[Path]:
    """Write the rows of each block into a folder of its own, in the order of the file, with `source_row`.

    A block that no patient falls into has no folder.
    """
    rows = pl.scan_parquet(labs)
    if "source_row" not in rows.collect_schema():
        rows = rows.with_row_index("source_row", offset=_FIRST_ROW)
    # An id with blanks around it is the same patient.
    patient = pl.col("patient_id").cast(pl.String).str.strip_chars()
    target = pl.PartitionBy(
        folder,
        key={"block": patient.hash(seed=0) % blocks},
        include_key=False,
        approximate_bytes_per_file=_WHOLE_BLOCK,
    )
    rows.sink_parquet(target, compression="lz4", mkdir=True)
    return sorted(folder.iterdir())
