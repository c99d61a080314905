"""Sorted rows of many patients become blocks of whole patients, and each block goes through the kernel.

This runs in the workers. What a worker holds is one block and the rows that it has not graded yet.
"""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

import polars as pl

from cytopenia.contract import Tables, prepare_tables
from cytopenia.errors import CytopeniaError, DataError
from cytopenia.spark.columns import KEY, PART, PARTS, ROW_SCHEMA, TABLE, Question
from cytopenia.spark.findings import take_findings
from cytopenia.study.derived import derive_block
from cytopenia.study.limit_checks import add_missing_limits
from cytopenia.study.plan import Plan, build_plan
from cytopenia.study_tables import set_lymphodepletion_day

__all__ = ["cut_blocks", "grade_batches", "grade_block", "prepare_block"]

# As many patients as the kernel lays out at a time, so that a task needs one thread.
PATIENTS_OF_A_BLOCK = 2048
ROWS_OF_A_BLOCK = 500_000
_ROWS_OF_A_BATCH = 50_000
_FIRST_ROW = 2


def grade_batches(batches: Iterable[Any], question: bytes) -> Iterator[Any]:
    """Yield the rows of a result, as Arrow batches, from the Arrow batches of one partition.

    Parameters
    ----------
    batches : iterable of RecordBatch
        Rows sorted by `KEY`, all of a patient among them.
    question : bytes
        A `Question`, pickled: a worker unpickles it after it has chosen its number of threads.

    Raises
    ------
    DataError
        A block could not be graded. Never a patient's value.
    """
    asked: Question = pickle.loads(question)  # noqa: S301
    plan = build_plan(asked.study)
    target = _make_arrow_schema()
    for block in cut_blocks(pl.DataFrame(batch) for batch in batches):
        frames: list[Any] = [*_grade_quietly(block, asked, plan)]
        for frame in frames:
            yield from frame.to_arrow().cast(target).to_batches(max_chunksize=_ROWS_OF_A_BATCH)


def _make_arrow_schema() -> Any:
    """The types that Spark takes; Polars writes texts in another one."""
    arrow: Any = import_module("pyarrow")
    kinds: dict[Any, Any] = {
        pl.String: arrow.string(),
        pl.Float64: arrow.float64(),
        pl.Int32: arrow.int32(),
        pl.Int64: arrow.int64(),
        pl.Boolean: arrow.bool_(),
    }
    return arrow.schema([(name, kinds[dtype]) for name, dtype in ROW_SCHEMA.items()])


def cut_blocks(
    frames: Iterable[pl.DataFrame], *, patients: int = PATIENTS_OF_A_BLOCK, rows: int = ROWS_OF_A_BLOCK
) -> Iterator[pl.DataFrame]:
    """Yield blocks of whole patients from frames that are sorted by `KEY`.

    Parameters
    ----------
    frames : iterable of DataFrame
    patients : int
        The most patients of a block.
    rows : int
        A block ends as soon as it has this many rows; one patient is never divided.

    Examples
    --------
    >>> frames = [pl.DataFrame({"_key": [1, 1, 2]}), pl.DataFrame({"_key": [2, 3]})]
    >>> [block["_key"].to_list() for block in cut_blocks(frames, patients=1)]
    [[1, 1], [2, 2], [3]]
    """
    held: list[pl.DataFrame] = []
    for frame in frames:
        held.append(frame)
        whole = pl.concat(held)
        starts = _find_starts(whole)
        while len(starts) > patients or (whole.height > rows and len(starts) > 1):
            end = starts[patients] if len(starts) > patients else starts[-1]
            yield whole[:end]
            whole = whole[end:]
            starts = _find_starts(whole)
        held = [whole]
    if held and held[0].height:
        yield held[0]


def _find_starts(frame: pl.DataFrame) -> list[int]:
    """Where the rows of each patient begin."""
    changes = frame.select((pl.col(KEY) != pl.col(KEY).shift()).fill_null(value=True)).to_series()
    return changes.arg_true().to_list()


def _grade_quietly(block: pl.DataFrame, asked: Question, plan: Plan) -> list[pl.DataFrame]:
    """The rows of a block; what fails says where, and never which values it failed on."""
    try:
        return grade_block(block, asked, plan)
    except CytopeniaError:
        raise
    except Exception as cause:
        last = traceback.extract_tb(cause.__traceback__)[-1]
        where = f"{last.name}, line {last.lineno}"
        raise DataError(
            f"Spark: a block of {block[KEY].n_unique():,} patients could not be graded"
            f" ({type(cause).__name__} in {where}). Grade a sample of them without Spark to see why."
        ) from None


def grade_block(block: pl.DataFrame, asked: Question, plan: Plan) -> list[pl.DataFrame]:
    """Return what is wanted of a block of whole patients, as rows of `ROW_SCHEMA`.

    Parameters
    ----------
    block : DataFrame
        Rows of all tables; `TABLE` names the one of each.
    asked : Question
    plan : Plan
        Of the study that is asked about.
    """
    tables, rows = prepare_block(block, asked)
    study = asked.study
    findings = add_missing_limits(tables.findings, tables, study=study, plan=plan)
    found: dict[str, pl.DataFrame] = {"findings": take_findings(findings, rows)}
    cohort = derive_block(study, plan, tables)
    if cohort is not None:
        found["outcomes"], found["account"] = cohort.outcomes, cohort.account
        if "evidence" in asked.parts:
            given = _given_rows(cohort.evidence["source_row"], rows)
            found["evidence"] = cohort.evidence.with_columns(given)
    return [_widen(found[name], name) for name in asked.parts if name in found]


def prepare_block(block: pl.DataFrame, asked: Question) -> tuple[Tables, pl.Series]:
    """Return the prepared tables of a block, and the row numbers of its laboratory values as given."""
    raw = {name: _pick_table(block, name, columns) for name, columns in asked.columns.items()}
    data = asked.study.protocol.data
    formats = {**data.formats}
    formats["labs"] = replace(formats["labs"], has_percents=asked.has_percents)
    numbers = raw["labs"]["source_row"]
    numbered = {
        name: table.with_columns(
            source_row=pl.int_range(_FIRST_ROW, table.height + _FIRST_ROW, dtype=pl.UInt32, eager=True)
        )
        for name, table in raw.items()
    }
    tables = prepare_tables(numbered, day_zero=data.day_zero, formats=formats, lln=data.labs.lower_limits)
    day = asked.study.protocol.study.lymphodepletion_day
    return set_lymphodepletion_day(tables, day), numbers


def _pick_table(block: pl.DataFrame, name: str, columns: tuple[str, ...]) -> pl.DataFrame:
    """The rows of one table in an order that does not depend on how they came."""
    rows = block.filter(pl.col(TABLE) == name).select(columns)
    if "source_row" in columns:
        others = [column for column in columns if column != "source_row"]
        return rows.sort("source_row", *others, nulls_last=True)
    return rows.sort(columns).with_columns(source_row=pl.lit(None, dtype=pl.Int64))


def _given_rows(places: pl.Series, rows: pl.Series) -> pl.Series:
    """The row numbers that were given, for those of the block."""
    return rows.gather(places.cast(pl.Int64) - _FIRST_ROW).alias("source_row")


def _widen(frame: pl.DataFrame, part: str) -> pl.DataFrame:
    """The rows of one part as rows of all parts."""
    schema: Mapping[str, Any] = PARTS[part]
    return frame.select(
        pl.lit(part).alias(PART),
        *(
            (pl.col(name) if name in schema else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in ROW_SCHEMA.items()
            if name != PART
        ),
    )
