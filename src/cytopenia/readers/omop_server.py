"""A database that is only read: DuckDB in this process, a folder of files through it, or PostgreSQL.

Ibis composes every query; the drivers run what it wrote. No SQL text is written here.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from pydantic_core import MultiHostUrl

from cytopenia.contract import Extraction
from cytopenia.errors import ReaderError
from cytopenia.readers.omop_mapping import PASSWORD_VARIABLE, SPARK
from cytopenia.readers.omop_spark import SparkDriver, open_spark
from cytopenia.readers.paths import find_inside

__all__ = ["ConnectionLostError", "Database", "import_ibis", "open_database"]

_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
# Options of the session, encoded as an address needs them: read-only, and all queries see one state.
_READ_ONLY = (
    "options=-c%20default_transaction_read_only%3Don"
    "%20-c%20default_transaction_isolation%3Drepeatable%5C%20read&application_name=cytopenia"
)
_CLOSED = "closed the connection unexpectedly"
_TIMEOUT = "connect_timeout=10"
_PORT = 5432
_DEFAULT_SCHEMAS = {"duckdb": "main", "postgres": "public"}
# SQLSTATE where the server went away; where it says none at all, it went away too.
_GONE = ("08", "57P")
# The server said why it gave up in the midst of an answer; else the connection is gone.
_GIVEN_UP = "ERROR:"
_CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")
_CSV_COLUMN = re.compile(r'converting column "([^"]+)"')
_CSV_KIND = re.compile(r"being converted as type (\w+)")
_CSV_FILE = re.compile(r"^\s*file = (.+)$", re.MULTILINE)
# Sentences of drivers that quote a value of the data.
_CONVERTS = re.compile(r"(?i)conver|cast|invalid input|out of range|field format")
_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
_SERVICE = "cytopenia-omop"
# Types of columns as DuckDB and PostgreSQL name them.
_KINDS = {
    "tinyint": "int8",
    "smallint": "int16",
    "integer": "int32",
    "bigint": "int64",
    "int": "int32",
    **dict.fromkeys(("numeric", "decimal", "hugeint", "uhugeint", "ubigint", "uinteger"), "decimal"),
    **dict.fromkeys(("real", "float"), "float32"),
    **dict.fromkeys(("double precision", "double"), "float64"),
    "date": "date",
}
# Types of columns that a file of text does not tell; all others are found from the file.
_FILE_TYPES = {
    "_id": "BIGINT",
    **dict.fromkeys(("_as_number", "range_low", "range_high"), "DOUBLE"),
    **dict.fromkeys(("vocabulary_id", "domain_id", "concept_class_id", "relationship_id"), "VARCHAR"),
    **dict.fromkeys(("_source_value", "_as_string", "_code", "_name"), "VARCHAR"),
}


class ConnectionLostError(Exception):
    """The server went away in the middle of a query; what it said."""


@dataclass
class _Table:
    """A table as the database spells it: its name, and the name and the type of each column."""

    name: str
    columns: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def lower(self) -> set[str]:
        return {column.lower() for column in self.columns}


class Database:
    """The tables of one database as Ibis sees them, and the queries that were run, in their order."""

    def __init__(self, driver: Driver | SparkDriver) -> None:
        self.driver = driver
        self.ran: list[Extraction] = []
        self._schemas: dict[str, dict[str, _Table]] = {}

    def has(self, schema: str | None, table: str, *columns: str) -> bool:
        """Whether a table is there with these columns, and may be read."""
        found = self._list(schema).get(table)
        return found is not None and set(columns) <= found.lower

    def list_tables(self, schema: str | None) -> list[str]:
        """Return the names of the tables of a schema that may be read."""
        return sorted(self._list(schema))

    def name_schema(self, schema: str | None) -> str:
        """Return the name of the schema, or of the one that is meant where none is stated."""
        return schema or self.driver.default_schema

    def table(self, schema: str | None, table: str) -> Any:
        """Return a table as an expression of Ibis, its columns in lower case."""
        found = self._list(schema)[table]
        whole = import_ibis().table(found.columns, name=found.name, database=self.name_schema(schema))
        changed = {name.lower(): name for name in found.columns if name != name.lower()}
        return whole.rename(changed) if changed else whole

    def fetch(self, name: str, query: Any) -> pl.DataFrame:
        """Return the rows of a query of Ibis, and keep its SQL for the provenance under that name."""
        sql = _write(query, self.driver.dialect)
        rows = self.driver.run(sql)
        self.ran.append(Extraction(name, self.driver.dialect, sql, rows.height))
        return rows

    def _list(self, schema: str | None) -> dict[str, _Table]:
        place = self.name_schema(schema)
        if place not in self._schemas:
            found: dict[str, _Table] = {}
            for name, column, kind in self.driver.list_columns(place):
                found.setdefault(name.lower(), _Table(name)).columns[column] = _name_kind(kind)
            self._schemas[place] = found
        return self._schemas[place]


def import_ibis() -> Any:
    """Return the module of Ibis.

    Raises
    ------
    ReaderError
        It is not installed.
    """
    return _import("ibis", "omop")


def import_adbc() -> Any:
    """Return the module that runs queries through ADBC.

    Raises
    ------
    ReaderError
        It is not installed.
    """
    return _import("adbc_driver_manager.dbapi", "omop")


def _import(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as cause:
        raise ReaderError(
            f"[data.omop] needs packages that are not installed ({cause.name}). "
            f"Install them: pip install 'cytopenia[{extra}]'."
        ) from cause


def _write(query: Any, dialect: str) -> str:
    return str(import_ibis().to_sql(query, dialect=dialect))


def _name_kind(kind: str) -> str:
    """The type of a column as Ibis names it, of the same width: else it leaves out a cast that is needed."""
    word = kind.lower().partition("(")[0].strip()
    if word.startswith("timestamp") or word == "datetime":
        return "timestamp('UTC')" if "with time zone" in word else "timestamp"
    return _KINDS.get(word, "string")


@contextmanager
def open_database(connection: str, folder: Path) -> Generator[Database]:
    """Open a database for reading; files are searched from the folder.

    Raises
    ------
    ReaderError
        There is no such file or server, it refuses the user, or a package is not installed.
    """
    scheme, mark, rest = connection.partition("://")
    with ExitStack() as stack:
        if connection == SPARK:
            driver = open_spark()
        elif mark and scheme != "duckdb":
            driver = _open_postgres(connection)
        else:
            path = find_inside(folder, rest if mark else connection, "[data.omop] connection")
            driver = _open_duckdb(path, stack)
        stack.callback(driver.close)
        yield Database(driver)


class Driver:
    """What runs a query, through ADBC: its dialect, and how its place is called without any secret."""

    def __init__(self, connection: Any, dialect: str, place: str) -> None:
        self._connection, self.dialect, self.place = connection, dialect, place

    @property
    def default_schema(self) -> str:
        """The schema that is meant where none is stated."""
        return _DEFAULT_SCHEMAS[self.dialect]

    def list_columns(self, schema: str) -> Iterator[tuple[str, str, str]]:
        """Yield table, column and type of every table of a schema that may be read."""
        texts = ("table_schema", "table_name", "column_name", "data_type")
        columns = import_ibis().table(
            dict.fromkeys(texts, "string"), name="columns", database="information_schema"
        )
        query = columns.filter(columns.table_schema == schema).select(*texts[1:])
        yield from self.run(_write(query, self.dialect)).iter_rows()

    def run(self, sql: str) -> pl.DataFrame:
        """Return the rows of a query.

        Raises
        ------
        ReaderError
            The database refuses the query.
        ConnectionLostError
            The server went away.
        """
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                return pl.DataFrame(cursor.fetch_arrow())
        except import_adbc().Error as cause:
            state = str(getattr(cause, "sqlstate", None) or "")
            said, is_gone = _say_cause(cause), not state or state.startswith(_GONE)
        except pl.exceptions.ComputeError as cause:
            # Rows arrive after the query is accepted; what breaks then has no SQLSTATE.
            said, is_gone = _say_cause(cause), _GIVEN_UP not in str(cause)
        # The cause itself is not chained: drivers print the whole row that they cannot convert.
        if self.dialect == "postgres" and is_gone:
            raise ConnectionLostError(said)
        raise ReaderError(f"{self.place}: the database refuses a query: {said}")

    def close(self) -> None:
        """Close the connection; one that is lost already is no matter."""
        with suppress(import_adbc().Error):
            self._connection.close()


def _open_duckdb(path: Path, stack: ExitStack) -> Driver:
    """A DuckDB file opened for reading, or a folder of CSV or Parquet files, one for each table."""
    duckdb, engine = _import("duckdb", "omop"), _import("adbc_driver_duckdb", "omop")
    if not path.exists():
        raise ReaderError(f"{path}: no such file or folder. Check connection under [data.omop].")
    opened = path
    try:
        if path.is_dir():
            opened = Path(stack.enter_context(TemporaryDirectory())) / "views.duckdb"
            with closing(duckdb.connect(str(opened))) as views:
                for name, file in _find_files(path).items():
                    _read_file(views, file).create_view(name)
        options = {"path": str(opened), "access_mode": "READ_ONLY"}
        connection = import_adbc().connect(
            driver=engine.driver_path(), entrypoint="duckdb_adbc_init", db_kwargs=options, autocommit=True
        )
    except (duckdb.Error, import_adbc().Error) as cause:
        raise ReaderError(f"{path}: DuckDB cannot read it: {_first_line(cause)}") from cause
    return Driver(connection, "duckdb", str(path))


def _find_files(folder: Path) -> dict[str, Path]:
    """The files of the tables by the names of the tables."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        suffix = next((end for end in _SUFFIXES if path.name.lower().endswith(end)), None)
        if suffix is None:
            continue
        name = path.name.lower().removesuffix(suffix)
        if name in found:
            raise ReaderError(f"{folder}: {found[name].name} and {path.name} are the same table. Keep one.")
        found[name] = path
    if not found:
        raise ReaderError(
            f"{folder}: no table was found. Put files such as person.csv and measurement.csv into it "
            f"({', '.join(_SUFFIXES)})."
        )
    return found


def _read_file(views: Any, path: Path) -> Any:
    if path.suffix.lower() == ".parquet":
        return views.read_parquet(str(path))
    heads = views.read_csv(str(path), all_varchar=True).columns
    kinds = {head: kind for head in heads for end, kind in _FILE_TYPES.items() if head.lower().endswith(end)}
    read = views.read_csv(str(path), dtype=kinds)
    types = {
        head: kind
        for head, kind in zip(read.columns, map(str, read.types), strict=True)
        if head.lower().endswith(("_date", "_datetime")) and not head.lower().startswith("valid_")
    }
    _refuse_other_dates(views, path, [head for head, kind in types.items() if kind != "VARCHAR"])
    # A table or a column without a single date has dates all the same.
    empty = [head for head, kind in types.items() if kind == "VARCHAR" and head.lower().endswith("_date")]
    return views.read_csv(str(path), dtype=kinds | dict.fromkeys(empty, "DATE")) if empty else read


def _refuse_other_dates(views: Any, path: Path, dates: list[str]) -> None:
    """DuckDB would settle by itself whether 03/04/2024 is in March or in April."""
    seen = views.table_function("sniff_csv", [str(path)])
    found = dict(zip(seen.columns, seen.limit(1).fetchall()[0], strict=True))
    formats = [found[name] for name in ("DateFormat", "TimestampFormat")]
    if dates and not all(str(item).startswith("%Y") for item in formats if item):
        raise ReaderError(
            f"{path}: dates are not written as 2024-01-31 (columns {', '.join(dates)}). Day and month could "
            "change places, so nothing was read. Write them as year-month-day, as in 2024-01-31."
        )


def _open_postgres(connection: str) -> Driver:
    """A PostgreSQL server; the session is read-only, and all its queries see one state of the data."""
    engine = _import("adbc_driver_postgresql.dbapi", "omop")
    parts = MultiHostUrl(connection)
    host = parts.hosts()[0]
    database = (parts.path or "").lstrip("/") or host["username"]
    place = f"{host['host'] or 'localhost'}:{host['port'] or _PORT}/{database}"
    try:
        opened = engine.connect(_complete_address(connection))
    except import_adbc().Error as cause:
        if _CLOSED in str(cause):
            raise ConnectionLostError(_first_line(cause)) from None
        # Neither the address nor a cause that may repeat it is shown.
        raise ReaderError(_explain_refusal(place, cause, _find_password(connection))) from None
    return Driver(opened, "postgres", place)


def _explain_refusal(place: str, cause: Exception, password: str | None) -> str:
    said = " ".join(str(cause).split())
    said = said.replace(password, "***") if password else said
    return (
        f"{place}: no connection to the PostgreSQL server: {said} Check connection under [data.omop], and "
        f"the password in {PASSWORD_VARIABLE}, PGPASSWORD, .pgpass or a keyring."
    )


def _complete_address(connection: str) -> str:
    """The address with what makes the session read-only, and with the password if one is set."""
    password = _find_password(connection)
    parts = [f"{connection}{'&' if '?' in connection else '?'}{_READ_ONLY}"]
    if "connect_timeout=" not in connection:
        parts.append(_TIMEOUT)
    if password:
        parts.append("password=" + "".join(f"%{byte:02X}" for byte in password.encode()))
    return "&".join(parts)


def _find_password(connection: str) -> str | None:
    """The password of our variable, else of the keyring; libpq finds PGPASSWORD and .pgpass by itself."""
    if password := os.environ.get(PASSWORD_VARIABLE):
        return password
    if importlib.util.find_spec("keyring") is None:
        return None
    keyring, host = importlib.import_module("keyring"), MultiHostUrl(connection).hosts()[0]
    try:
        return keyring.get_password(_SERVICE, f"{host['username']}@{host['host']}")
    except importlib.import_module("keyring.errors").KeyringError:
        return None


def _first_line(cause: Exception) -> str:
    return " ".join(str(cause).strip().partition("\n")[0].removeprefix("got external error:").split())


def _say_cause(cause: Exception) -> str:
    """What a driver says of a query, without the value that it could not convert."""
    whole = str(cause)
    line, column = _CSV_LINE.search(whole), _CSV_COLUMN.search(whole)
    if line and column:
        kind = _CSV_KIND.search(whole)
        file, needed = _CSV_FILE.search(whole), f"'{kind[1]}'" if kind else "its type"
        name = f"{Path(file[1].strip()).name}, " if file else ""
        return (
            f"{name}line {line[1]}, column {column[1]}: what stands there is not of type {needed}. "
            "Correct it; a missing value is a blank cell."
        )
    said = _first_line(cause)
    return _QUOTED.sub("'...'", said) if _CONVERTS.search(said) else said
