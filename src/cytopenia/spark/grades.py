"""`cytopenia.spark.grade`: the outcomes of a study for tables of Spark, patients divided over its workers."""

from __future__ import annotations

import importlib
import pickle
import re
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from cytopenia.contract.prepare import raise_errors
from cytopenia.errors import (
    CytopeniaError,
    DataError,
    DefinitionError,
    MissingColumnError,
    OutputError,
    ProtocolError,
    ReaderError,
    UnitError,
)
from cytopenia.readers.omop_spark import shorten_failure
from cytopenia.spark.columns import PART, PARTS, ROW_SCHEMA, Question
from cytopenia.spark.facts import find_percents, find_times, map_arrow
from cytopenia.spark.tables import pick_columns, refuse_protocol, require_frames, require_types, stack_tables
from cytopenia.study.derived import NOBODY
from cytopenia.study.protocol import Study, read_protocol
from cytopenia.study_tables import require_lymphodepletion

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["SparkGrades", "grade"]

_USUAL_PARTS = ("outcomes", "evidence", "findings")
_TYPES: Mapping[Any, str] = {
    pl.String: "string",
    pl.Float64: "double",
    pl.Int32: "int",
    pl.Int64: "bigint",
    pl.Boolean: "boolean",
}
_OURS: Mapping[str, type[CytopeniaError]] = {
    kind.__name__: kind
    for kind in (DataError, DefinitionError, MissingColumnError, ProtocolError, ReaderError, UnitError)
}
_RAISED = re.compile(
    rf"cytopenia\.errors\.({'|'.join(_OURS)}): (.*?)(?:\n\s*\n|\nJVM stacktrace|\Z)", re.DOTALL
)
_EXISTS = "PATH_ALREADY_EXISTS"
_SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True)
class SparkGrades:
    """What a study finds in tables of Spark; nothing is computed before it is asked for.

    Attributes
    ----------
    rows : DataFrame
        All parts as one table; `part` says which one a row belongs to, and columns that this part does not
        have are blank. Every action on it grades the cohort again: `write` or `rows.persist()` grades once.
    parts : tuple of str
        Those that were asked for.
    """

    rows: DataFrame
    parts: tuple[str, ...] = tuple(PARTS)

    @property
    def outcomes(self) -> DataFrame:
        """One row per patient and outcome, in the columns of the local outcomes table."""
        return self._pick("outcomes")

    @property
    def evidence(self) -> DataFrame:
        """The days behind every outcome; `source_row` is that of the labs that were given, else blank."""
        return self._pick("evidence")

    @property
    def account(self) -> DataFrame:
        """What became of every day of each graded window, if this part was asked for."""
        return self._pick("account")

    @property
    def findings(self) -> DataFrame:
        """What is doubtful in the data, counted over the cohort, errors first."""
        from pyspark.sql import functions as f

        place = f.array_position(f.array(*map(f.lit, _SEVERITIES)), f.col("severity"))
        keys = ("table", "column", "rule", "severity", "message")
        counted = (
            self._pick("findings").groupBy(*keys).agg(f.min("row").alias("row"), f.sum("rows").alias("rows"))
        )
        return counted.select(*PARTS["findings"]).orderBy(place, "table", "rule", "column", "message")

    def require_findings(self) -> None:
        """Raise where a finding is an error, or nobody is left; a run on one machine would have stopped.

        Raises
        ------
        DataError
            Names every error. That nobody is left is told where outcomes were asked for.
        """
        with _explain():
            found = self.findings.filter("severity = 'error'").select("message", "rows").collect()
        raise_errors([f"{row['message']} ({row['rows']:,})" for row in found])
        with _explain():
            is_empty = "outcomes" in self.parts and self.outcomes.isEmpty()
        if is_empty:
            raise DataError(NOBODY)

    def write(self, folder: str) -> SparkGrades:
        """Grade once, write all parts as Parquet, and return them as they stand there.

        Parameters
        ----------
        folder : str
            Any path that Spark writes to; it must not exist. It gets a folder for each part:
            `part=outcomes`, `part=evidence` ...

        Raises
        ------
        DataError
            The workers could not grade a block.
        OutputError
            Something stands there already.
        ReaderError
            Spark cannot write there.
        """
        with _explain():
            self.rows.write.partitionBy(PART).parquet(folder)
            written = self.rows.sparkSession.read.schema(_make_schema()).parquet(folder)
            return replace(self, rows=written)

    def _pick(self, part: str) -> DataFrame:
        from pyspark.sql import functions as f

        return self.rows.filter(f.col(PART) == part).select(*PARTS[part])


def grade(
    tables: Mapping[str, DataFrame],
    study: Study | Path | str,
    *,
    parts: Collection[str] = _USUAL_PARTS,
) -> SparkGrades:
    """Return every outcome of a study for tables of Spark, as a run on one machine returns them.

    Parameters
    ----------
    tables : mapping of table name to DataFrame of Spark
        "labs", and as far as there are such data "infusions", "patients", "support" and "events", with the
        columns of the contract. Days are whole numbers, dates are dates or timestamps.
    study : Study or path
        The study file: its outcomes, and from `[data]` `day_zero`, `time_zone` and of labs `decimal` and
        `lln`. Factors and analyses are not looked at.
    parts : collection of str
        What the workers send back: of "outcomes", "evidence", "account" and "findings".

    Returns
    -------
    SparkGrades
        The same columns as the local tables; numbers of rows are 64-bit integers. Rows come in no order.

    Raises
    ------
    DataError, MissingColumnError
        A table or a column cannot be used; all problems at once, before any job.
    ProtocolError
        The study file is wrong, or says what cannot be followed on Spark.
    DefinitionError
        A definition is unknown.
    ReaderError
        Spark is not installed.

    Notes
    -----
    Two small jobs run at once: which names of analytes and units there are, and whether dates have times. The
    rows of a patient meet in one partition; a worker holds one block of 2,048 patients at a time. Wrong data
    never stop it; see `SparkGrades.require_findings`.

    Examples
    --------
    >>> from cytopenia.spark import grade
    >>> found = grade({"labs": labs, "infusions": infusions}, "study.toml")  # doctest: +SKIP
    >>> found.write("s3://bucket/graded").outcomes.groupBy("outcome", "policy").count()  # doctest: +SKIP
    DataFrame[outcome: string, policy: double, count: bigint]
    """
    _require_spark()
    wanted = _require_parts(parts)
    asked = study if isinstance(study, Study) else read_protocol(study)
    refuse_protocol(asked)
    require_frames(tables)
    require_types(tables, asked)
    require_lymphodepletion(asked, tables["infusions"].columns if "infusions" in tables else ())
    data = asked.protocol.data
    with _explain():
        has_times = find_times(tables["labs"], zone=data.time_zone)
        has_percents = find_percents(tables["labs"], data.formats["labs"])
        columns = pick_columns(tables, has_times=has_times)
        question = Question(_drop_zone(asked), columns, wanted, has_percents)
        stacked = stack_tables(tables, zone=data.time_zone, has_times=has_times)
        return SparkGrades(map_arrow(stacked, _make_task(pickle.dumps(question)), _make_schema()), wanted)


def _require_spark() -> None:
    try:
        importlib.import_module("pyspark.sql")
        importlib.import_module("pyarrow")
    except ModuleNotFoundError as cause:
        raise ReaderError(
            f"cytopenia.spark needs packages that are not installed ({cause.name}). "
            'Install them: pip install "cytopenia[spark]".'
        ) from cause


def _require_parts(parts: Collection[str]) -> tuple[str, ...]:
    given = [parts] if isinstance(parts, str) else list(parts)
    unknown = [part for part in given if part not in PARTS]
    if unknown or not given:
        got = ", ".join(map(repr, unknown)) or "none"
        raise DataError(f"parts: got {got}; allowed: {', '.join(map(repr, PARTS))}")
    return tuple(part for part in PARTS if part in given)


def _drop_zone(study: Study) -> Study:
    """The study with dates that are local already; its time zone has been used."""
    data = study.protocol.data.model_copy(update={"time_zone": None})
    return replace(study, protocol=study.protocol.model_copy(update={"data": data}))


def _make_schema() -> str:
    return ", ".join(f"`{name}` {_TYPES[dtype]}" for name, dtype in ROW_SCHEMA.items())


def _make_task(question: bytes) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """What a worker runs on a partition; a nested function, so that it is sent by value."""

    def grade_partition(batches: Iterable[Any]) -> Iterator[Any]:
        import os

        # A core has one task. Polars reads this once, when it is imported first.
        os.environ.setdefault("POLARS_MAX_THREADS", "1")
        from cytopenia.spark.blocks import grade_batches

        yield from grade_batches(batches, question)

    return grade_partition


@contextmanager
def _explain() -> Generator[None]:
    """An error of ours that a worker raised, as itself; what Spark says, in one line, quotes left out."""
    known: tuple[type[Exception], ...] = (
        importlib.import_module("pyspark.errors").PySparkException,
        importlib.import_module("py4j.protocol").Py4JError,
    )
    try:
        yield
    except known as cause:
        found = _RAISED.search(str(cause))
        if found is not None:
            raise _OURS[found[1]](found[2].strip()) from None
        if _EXISTS in str(cause):
            raise OutputError(
                "The folder to write to is there already, and nothing was written. Give one that does not"
                " exist, or delete it."
            ) from None
        raise ReaderError(f"Spark could not grade: {shorten_failure(cause)}") from None
