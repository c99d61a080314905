"""Cohorts larger than memory: the same kernel, block of patients by block of patients."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from cytopenia.contract import (
    OF_WHOLE_COHORTS,
    TABLES,
    TextFormat,
    leave_out,
    prepare_tables,
    require_findings,
)
from cytopenia.contract.columns import require_columns
from cytopenia.contract.labs import has_percents
from cytopenia.contract.near_names import resolve_measure
from cytopenia.contract.neutrophil_shares import is_share
from cytopenia.errors import DataError, ProtocolError, ReaderError, join_problems
from cytopenia.study.derived import NOBODY, derive_block
from cytopenia.study.limit_checks import add_missing_limits
from cytopenia.study.outcomes import Progress
from cytopenia.study.plan import Plan, build_plan
from cytopenia.study.protocol import Study
from cytopenia.study_tables import list_unfollowed, require_lymphodepletion, set_lymphodepletion_day
from cytopenia.values import settle_decimal

__all__ = ["BlockOutcomes", "derive_in_blocks"]

# A spreadsheet counts from one, and its first row holds the headings.
_FIRST_ROW = 2
_WHOLE_BLOCK = 2**62
_BLOCK_ROWS = 300_000
# The rows of a group wait in memory, block by block; at the usual 262,144 that is the whole cohort.
_GROUP_ROWS = 20_000
_NUMBERS = ("value", "lln", "uln", "baseline")
_TEXTS = (pl.String, pl.Categorical, pl.Enum)
_LONG = ("labs", "support", "events", "responses")

Block = Mapping[str, list[Path]]


@dataclass(frozen=True)
class BlockOutcomes:
    """What a study finds of one block of patients, in the columns of a run on the whole cohort.

    Attributes
    ----------
    outcomes, evidence, account : DataFrame
        One row per patient and outcome, the days behind them, and what became of every day of each window.
    findings : DataFrame
        What is doubtful in the tables of the block, none of it an error. Each block counts for itself.
    """

    outcomes: pl.DataFrame
    evidence: pl.DataFrame
    account: pl.DataFrame
    findings: pl.DataFrame


def derive_in_blocks(
    tables: Mapping[str, Path | str | pl.LazyFrame | pl.DataFrame],
    study: Study,
    *,
    blocks: int | None = None,
    progress: Progress | None = None,
) -> Iterator[BlockOutcomes]:
    """Return the outcomes of one block of patients after the other, as a run on the whole cohort finds them.

    Parameters
    ----------
    tables : mapping of table name to path, LazyFrame or DataFrame
        Parquet files, or any scan, with the columns of the contract: "labs", and as far as there are such
        data "infusions", "patients", "support" and "events". A scan may rename columns and choose rows;
        rows are numbered as they come, unless there is a column `source_row`.
    study : Study
        Its outcomes; its `[data]` says how texts and days are read. Factors and analyses are not looked at.
    blocks : int, optional
        Into how many blocks the patients are divided (by a hash of their id); otherwise one for each 300,000
        rows of labs. More blocks take less memory; the outcomes of a patient do not depend on it.
    progress : callable, optional
        Called with a label, the blocks done and all blocks.

    Returns
    -------
    iterator of BlockOutcomes
        A block in which nobody belongs to the cohort is passed over.

    Raises
    ------
    DataError
        At once: a column has a type of which a block cannot tell how it is read, or `blocks` is below one.
        Later: the tables of a block have findings that are errors, or nobody belongs to the cohort.
    MissingColumnError
        A needed column is absent.
    ProtocolError
        The study file says what only readers of other files follow.
    ReaderError
        A file is no Parquet file.

    Notes
    -----
    The rows of each table are laid into one temporary file per block, row group by row group; then as many
    blocks as there are cores are in memory, with the row of the file behind each value. A course is a pure
    function of the rows of one patient, so that nothing is lost between blocks. What a whole column settles
    (the decimal mark, and whether shares of neutrophils are percentages) is settled before; findings that
    compare a whole column with itself (`OF_WHOLE_COHORTS`) are not made.
    """
    if blocks is not None and blocks < 1:
        raise DataError(f"blocks is {blocks}; allowed: 1 or more")
    _refuse_protocol(study)
    scans = {name: _scan(name, table) for name, table in tables.items()}
    _require_types(scans, study)
    labs = scans["labs"]
    rows = int(labs.select(pl.len()).collect().item())
    asked = _Question(study, build_plan(study), _settle_formats(labs, study))
    return _derive(scans, asked, blocks=blocks or 1 + rows // _BLOCK_ROWS, progress=progress)


@dataclass(frozen=True)
class _Question:
    study: Study
    plan: Plan
    formats: Mapping[str, TextFormat]

    def answer(self, raw: Mapping[str, pl.DataFrame]) -> BlockOutcomes | None:
        """The outcomes of some patients, or None where none of them belongs to the cohort."""
        protocol = self.study.protocol
        data = protocol.data
        tables = prepare_tables(raw, day_zero=data.day_zero, formats=self.formats, lln=data.labs.lower_limits)
        findings = leave_out(tables.findings, OF_WHOLE_COHORTS)
        require_findings(findings)
        tables = set_lymphodepletion_day(tables, protocol.study.lymphodepletion_day)
        cohort = derive_block(self.study, self.plan, tables)
        if cohort is None:
            return None
        findings = add_missing_limits(findings, tables, study=self.study, plan=self.plan)
        return BlockOutcomes(cohort.outcomes, cohort.evidence, cohort.account, findings)


def _derive(
    tables: Mapping[str, pl.LazyFrame], asked: _Question, *, blocks: int, progress: Progress | None
) -> Iterator[BlockOutcomes]:
    kinds = {name: table.collect_schema() for name, table in tables.items()}

    def derive(block: Block) -> BlockOutcomes | None:
        raw = {
            name: pl.concat([pl.DataFrame(schema=kind), *map(pl.read_parquet, block.get(name, []))])
            for name, kind in kinds.items()
        }
        for files in block.values():
            shutil.rmtree(files[0].parent)
        return asked.answer(raw)

    with TemporaryDirectory(prefix="cytopenia-") as folder:
        laid = _lay_out_blocks(tables, Path(folder), blocks)
        is_anybody = False
        for done, cohort in enumerate(_run_ahead(derive, laid), start=1):
            if cohort is not None:
                is_anybody = True
                yield cohort
            if progress is not None:
                progress("grading", done, len(laid))
        if not is_anybody:
            raise DataError(NOBODY)


def _run_ahead(
    derive: Callable[[Block], BlockOutcomes | None], blocks: Sequence[Block]
) -> Iterator[BlockOutcomes | None]:
    """Yield what is derived from each block, in order; as many are in work at once as there are cores."""
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(max_workers=cores) as pool:
        waiting = iter(blocks)
        running = deque(pool.submit(derive, block) for block in islice(waiting, cores))
        while running:
            cohort = running.popleft().result()
            running.extend(pool.submit(derive, block) for block in islice(waiting, 1))
            yield cohort


def _scan(name: str, table: Path | str | pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """The rows with the columns of the contract, and the row of the file."""
    rows = table.lazy() if isinstance(table, pl.LazyFrame | pl.DataFrame) else pl.scan_parquet(table)
    try:
        given = rows.collect_schema().names()
    except (OSError, pl.exceptions.PolarsError) as cause:
        what = Path(table).name if isinstance(table, Path | str) else "the scan"
        raise ReaderError(
            f"{name}: {what} cannot be read as Parquet. Check the path and the columns."
        ) from cause
    if "source_row" not in given:
        rows = rows.with_row_index("source_row", offset=_FIRST_ROW)
    if name not in _LONG:
        return rows
    known = [column for column in TABLES[name].inputs if column in given]
    return rows.select(*dict.fromkeys(["source_row", *known]))


def _lay_out_blocks(tables: Mapping[str, pl.LazyFrame], folder: Path, blocks: int) -> list[Block]:
    """Write the rows of each block into files of its own, in the order of the file.

    A block that no patient falls into has no files.
    """
    laid: dict[str, dict[str, list[Path]]] = {}
    for name, rows in tables.items():
        # An id with blanks around it is the same patient.
        patient = pl.col("patient_id").cast(pl.String).str.strip_chars()
        target = pl.PartitionBy(
            folder / name,
            key={"block": patient.hash(seed=0) % blocks},
            include_key=False,
            approximate_bytes_per_file=_WHOLE_BLOCK,
        )
        rows.sink_parquet(target, compression="lz4", row_group_size=_GROUP_ROWS, mkdir=True)
        # A table without rows leaves no folder.
        for part in (folder / name).iterdir() if (folder / name).is_dir() else ():
            laid.setdefault(part.name, {})[name] = sorted(part.iterdir())
    return [laid[block] for block in sorted(laid)]


def _refuse_protocol(study: Study) -> None:
    unread = [
        f"{key}: the tables come with our names and units; write them so" for key in list_unfollowed(study)
    ]
    if study.protocol.cohort.require:
        unread.append("[cohort] require: choose the infusions in the scan instead")
    if unread:
        what = f"{study.path.name}: cannot be followed in blocks of patients"
        raise ProtocolError(join_problems(what, unread))


def _require_types(tables: Mapping[str, pl.LazyFrame], study: Study) -> None:
    """Raise where a type leaves open how a column is read, or a needed column is absent."""
    kinds = {name: table.collect_schema() for name, table in tables.items()}
    problems = [
        f"{name}: column '{column}' is {dtype}; {advice}"
        for name, kind in kinds.items()
        for column, dtype in kind.items()
        if (advice := _advise(name, column, dtype))
    ]
    if "infusions" not in kinds and "infusion_date" in kinds.get("patients", pl.Schema()):
        problems.append("patients: infusion_date stands there; give it as the table infusions")
    if problems:
        raise DataError(join_problems("The tables cannot be graded in blocks of patients", problems))
    data = study.protocol.data
    empty = {name: pl.DataFrame(schema=kind) for name, kind in kinds.items()}
    require_columns(empty, is_mapped=False)
    prepare_tables(empty, day_zero=data.day_zero, formats=data.formats, lln=data.labs.lower_limits)
    require_lymphodepletion(study, _list_known(tables.get("infusions")))


def _list_known(infusions: pl.LazyFrame | None) -> list[str]:
    """The columns that have a value."""
    if infusions is None:
        return []
    known = infusions.select(pl.all().is_not_null().any()).collect()
    return [name for name in known.columns if known[name].item()]


def _advise(table: str, column: str, dtype: pl.DataType) -> str:
    """What to do about a column that only a whole table tells how to read; "" where a block can."""
    if table == "labs" and column == "system":
        return (
            "what two systems repeat is found in whole tables only; keep one row of each and drop the column"
        )
    if column == "patient_id":
        return "make it text or whole numbers" if dtype.is_float() or dtype.is_decimal() else ""
    rules = TABLES[table].columns if table in TABLES else ()
    wanted = next((rule.dtype for rule in rules if rule.name == column), None)
    if isinstance(dtype, pl.Null):
        return ""
    if wanted in {pl.Int32, pl.UInt32} and not dtype.is_integer():
        return "make it whole numbers; dates stand in a column of dates"
    if wanted == pl.Date and isinstance(dtype, _TEXTS):
        return "make it dates"
    if wanted == pl.Date and table == "labs" and dtype == pl.Datetime:
        return "make it dates and give the minutes after midnight in a column 'minute'"
    return ""


def _settle_formats(labs: pl.LazyFrame, study: Study) -> dict[str, TextFormat]:
    """How text is written, with what all rows of listed analytes show."""
    formats = dict(study.protocol.data.formats)
    text = formats["labs"]
    analyte, unit = (pl.col(name).cast(pl.String) for name in ("analyte", "unit"))
    pairs = labs.select(analyte, unit).unique().collect(engine="streaming").rows()
    listed = {name for name, _ in pairs if name is not None and resolve_measure(name.strip()) is not None}
    if not listed:
        raise DataError(
            "labs: no row has a listed analyte, or there is no row. Write their names as the contract has"
            " them, such as 'anc', 'hemoglobin' and 'platelets'."
        )
    judged = labs.filter(analyte.is_in(list(listed)))
    if text.decimal == "auto":
        given = [
            name
            for name, kind in labs.collect_schema().items()
            if name in _NUMBERS and isinstance(kind, _TEXTS)
        ]
        distinct = (judged.select(name).unique().collect(engine="streaming")[name] for name in given)
        text = replace(text, decimal=settle_decimal(distinct))
    shares = [pair for pair in pairs if is_share(*pair)]
    if shares:
        columns = [name for name in ("analyte", "value", "unit", "invalid") if name in labs.collect_schema()]
        of_share = [(analyte == name) & unit.eq_missing(pl.lit(given)) for name, given in shares]
        rows = labs.filter(pl.any_horizontal(of_share)).select(columns).unique()
        text = replace(text, has_percents=has_percents(rows.collect(engine="streaming"), text))
    return {**formats, "labs": text}
