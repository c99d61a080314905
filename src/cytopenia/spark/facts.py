"""What only a whole table can tell and every worker needs to know: two small questions to the cluster."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

from cytopenia.contract import TextFormat
from cytopenia.contract.labs import has_percents
from cytopenia.contract.neutrophil_shares import is_share
from cytopenia.spark.tables import read_minute

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["find_percents", "find_times", "map_arrow"]

Task = Callable[[Iterable[Any]], Iterator[Any]]

_MOST_NAMES = 10_000


def map_arrow(table: DataFrame, task: Task, schema: str) -> DataFrame:
    """Return the table that a task makes of the Arrow batches of each partition."""
    with warnings.catch_warnings():
        # Spark says of pandas 3 that it is not tested with it. No row passes through pandas here.
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        frame: Any = table
        return frame.mapInArrow(task, schema)


def find_times(labs: DataFrame, *, zone: str | None) -> bool:
    """Return whether a date of the labs has a time of day that is not midnight.

    Only where dates come with times at all is Spark asked.
    """
    from pyspark.sql import functions as f

    kind = dict(labs.dtypes).get("date", "")
    if not kind.startswith("timestamp"):
        return False
    latest = labs.agg(f.max(read_minute("date", kind, zone)).alias("latest")).collect()[0]["latest"]
    return bool(latest)


def find_percents(labs: DataFrame, text: TextFormat) -> bool:
    """Return whether shares of neutrophils in "%" are percentages, and not fractions under that unit.

    Where no name is that of a share (or neutrophils stand there in %), only the names and units are read.
    """
    from pyspark.sql import functions as f

    names = [f.col(name).cast("string").alias(name) for name in ("analyte", "unit")]
    pairs = labs.select(*names).distinct().limit(_MOST_NAMES + 1).collect()
    shares = sorted({row["analyte"] for row in pairs if is_share(row["analyte"], row["unit"])})
    if not shares:
        return False
    taken = [
        f.col(name).cast("string" if kind == "string" or name not in {"value"} else "double").alias(name)
        for name, kind in labs.dtypes
        if name in {"analyte", "value", "unit", "invalid"}
    ]
    rows = labs if len(pairs) > _MOST_NAMES else labs.filter(f.col("analyte").cast("string").isin(shares))
    answers = map_arrow(rows.select(*taken), _make_task(text), "found boolean").distinct().collect()
    return any(row["found"] for row in answers)


def _make_task(text: TextFormat) -> Task:
    def look(batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            frame = pl.DataFrame(batch)
            if frame.height and has_percents(frame, text):
                answer: Any = pl.DataFrame({"found": [True]})
                yield from answer.to_arrow().to_batches()
                return

    return look
