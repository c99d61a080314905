"""Spark as a database that is only read: the session that is there, or a new one."""

from __future__ import annotations

import importlib
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from cytopenia.errors import ReaderError

__all__ = ["SparkDriver", "open_spark", "shorten_failure"]

_MOST_OF_A_MESSAGE = 300
_QUOTED = re.compile(r"'[^']*'")


class SparkDriver:
    """What runs a query on Spark. The session belongs to whoever opened it and stays open."""

    # The same language; the compiler that Ibis calls "pyspark" works only inside its own backend.
    dialect = "databricks"
    default_schema = "default"

    def __init__(self, session: Any) -> None:
        self._session = session
        self.place = f"Spark {session.version}"

    def list_columns(self, schema: str) -> Iterator[tuple[str, str, str]]:
        """Yield table, column and type of every table of a schema that may be read."""
        with _explain(self.place):
            catalog = self._session.catalog
            tables: list[Any] = catalog.listTables(schema) if catalog.databaseExists(schema) else []
            for table in tables:
                for column in catalog.listColumns(f"`{schema}`.`{table.name}`"):
                    yield table.name, column.name, column.dataType

    def run(self, sql: str) -> pl.DataFrame:
        """Return the rows of a query; times as the session prints them.

        Raises
        ------
        ReaderError
            Spark refuses the query.
        """
        with _explain(self.place):
            rows = pl.DataFrame(self._session.sql(sql).toArrow())
        # A time of Spark is a moment, shown in the time zone of the session: the printed one counts.
        zoned = [name for name, kind in rows.schema.items() if getattr(kind, "time_zone", None)]
        return rows.with_columns(pl.col(name).dt.replace_time_zone(None) for name in zoned)

    def close(self) -> None:
        """Leave the session as it is."""


@contextmanager
def _explain(place: str) -> Generator[None]:
    """What Spark says, in one line, without its plan, its traces and the values that it quotes."""
    known = (importlib.import_module("pyspark.errors").PySparkException, _import_gateway().Py4JError)
    try:
        yield
    except known as cause:
        raise ReaderError(f"{place}: Spark refuses a query: {shorten_failure(cause)}") from None


def shorten_failure(cause: Exception) -> str:
    """Return what Spark says in one line, without its plan, its traces and what it quotes.

    Examples
    --------
    >>> shorten_failure(ValueError("The value 'of a patient' cannot be cast."))
    "The value '...' cannot be cast."
    """
    said = _QUOTED.sub("'...'", " ".join(str(cause).partition("\n")[0].split()))
    return said[:_MOST_OF_A_MESSAGE]


def _import_gateway() -> Any:
    return importlib.import_module("py4j.protocol")


def open_spark() -> SparkDriver:
    """Return the driver of the active session of Spark, or of a new one as the environment configures it.

    Raises
    ------
    ReaderError
        Spark is not installed, or no session can be started.
    """
    try:
        sql = importlib.import_module("pyspark.sql")
        importlib.import_module("pyarrow")
    except ModuleNotFoundError as cause:
        raise ReaderError(
            f"[data.omop] needs packages that are not installed ({cause.name}). "
            "Install them: pip install 'cytopenia[spark]'."
        ) from cause
    session = sql.SparkSession.getActiveSession()
    with _explain("Spark"):
        return SparkDriver(session or sql.SparkSession.builder.appName("cytopenia").getOrCreate())
