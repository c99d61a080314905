"""Tables of Spark at the door: wrong types are named before any job, then the tables become one frame.

On one machine a whole column can settle how it is read (which decimal mark, whether the day comes first). A
part of a table cannot, so here types settle it, and what they leave open has to be stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from cytopenia.contract import TABLES, prepare_tables
from cytopenia.contract.columns import require_columns
from cytopenia.errors import DataError, ProtocolError, join_problems
from cytopenia.spark.columns import DATES, KEY, NUMBERS, TABLE, TAKEN, TEXTS, WHOLE
from cytopenia.study.protocol import Study
from cytopenia.study_tables import list_unfollowed

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = [
    "pick_columns",
    "read_minute",
    "refuse_protocol",
    "require_frames",
    "require_types",
    "stack_tables",
]

_WHOLE_TYPES = ("tinyint", "smallint", "int", "bigint")
_MOMENT_TYPES = ("timestamp", "timestamp_ntz")
_NUMBER_TYPES = (*_WHOLE_TYPES, "float", "double", "decimal", "string")
_ID_TYPES = (*_WHOLE_TYPES, "string")
# Blanks as Polars strips them, so that equal patients meet.
_OUTER_BLANKS = r"(?U)^\s+|\s+$"
_MINUTES = 60


def require_frames(tables: Mapping[str, Any]) -> None:
    """Raise where something is no table of Spark, or no table that an outcome rests on.

    Raises
    ------
    DataError
        Names every problem.
    """
    from pyspark.sql import DataFrame

    problems = [
        f"{name}: a DataFrame of Spark is needed; got {type(table).__name__}"
        for name, table in tables.items()
        if name in TABLES and not isinstance(table, DataFrame)
    ]
    if "responses" in tables:
        problems.append("responses: no outcome rests on it; leave it out")
    _raise(problems)
    if "infusions" not in tables and "patients" in tables and "infusion_date" in tables["patients"].columns:
        raise DataError(
            "patients: infusion_date stands there and no table infusions is given. Give it as a table of its"
            ' own: {"infusions": patients.select("patient_id", "infusion_date")}.'
        )


def require_types(tables: Mapping[str, DataFrame], study: Study) -> None:
    """Raise where a column has a type that leaves open how it is read, or a needed column is absent.

    Raises
    ------
    DataError, MissingColumnError
        Every problem at once.
    """
    problems = [
        f"{name}: column '{column}' is {kind}; {advice}"
        for name, table in tables.items()
        if name in TAKEN
        for column, kind in table.dtypes
        if column in TAKEN[name] and (advice := _advise(column, kind, study))
    ]
    if "labs" in tables and "system" in tables["labs"].columns:
        problems.append(
            "labs: column 'system': what two systems repeat is found in whole columns only; keep one row of"
            " each measurement and drop the column"
        )
    _raise(problems)
    data = study.protocol.data
    empty = {name: _make_empty(table) for name, table in tables.items()}
    require_columns(empty, is_mapped=False)
    prepare_tables(empty, day_zero=data.day_zero, formats=data.formats, lln=data.labs.lower_limits)


def _raise(problems: list[str]) -> None:
    if problems:
        raise DataError(join_problems("The tables cannot be taken to Spark's workers", problems))


def _advise(column: str, kind: str, study: Study) -> str:
    """What to do about a type that leaves something open; "" where it does not."""
    base = kind.partition("(")[0]
    if base == "void":
        return ""
    if column == "patient_id":
        return "" if base in _ID_TYPES else f"allowed: {', '.join(_ID_TYPES)}"
    if column in WHOLE:
        return "" if base in _WHOLE_TYPES else "cast it to int; dates stand in a column of dates"
    if column in DATES:
        return "" if base in ("date", *_MOMENT_TYPES) else "make it a date: to_date(column, 'yyyy-MM-dd')"
    if column not in NUMBERS:
        return "" if base not in {"array", "map", "struct", "binary", "variant"} else "cast it to string"
    if base not in _NUMBER_TYPES:
        return f"allowed: {', '.join(_NUMBER_TYPES)}"
    if base == "string" and study.protocol.data.labs.decimal == "auto":
        return 'state its decimal mark in the study file, [data.labs] decimal = ".", or cast it to double'
    return ""


def _make_empty(table: DataFrame) -> pl.DataFrame:
    """No rows, but the columns: for the questions that need no rows."""
    kinds: dict[str, Any] = {**dict.fromkeys(WHOLE, pl.Int64), **dict.fromkeys(DATES, pl.Date)}
    return pl.DataFrame(schema={name: kinds.get(name, pl.String) for name in table.columns})


def refuse_protocol(study: Study) -> None:
    """Raise where the protocol says something about the tables that no part of them can follow.

    Raises
    ------
    ProtocolError
        Names every such key.
    """
    unread = [
        f"{key}: tables of Spark come with our names and units; rename columns and values there"
        for key in list_unfollowed(study)
    ]
    if study.protocol.cohort.require:
        unread.append("[cohort] require: filter the infusions in Spark instead")
    if unread:
        raise ProtocolError(join_problems(f"{study.path.name}: cannot be followed on Spark", unread))


def pick_columns(tables: Mapping[str, DataFrame], *, has_times: bool) -> dict[str, tuple[str, ...]]:
    """Return the columns of each table that are looked at, those that are made on the way included."""
    picked = {
        name: tuple(column for column in TAKEN[name] if column in table.columns)
        for name, table in tables.items()
    }
    if has_times and "minute" not in picked["labs"]:
        picked["labs"] = (*picked["labs"], "minute")
    return picked


def stack_tables(tables: Mapping[str, DataFrame], *, zone: str | None, has_times: bool) -> DataFrame:
    """Return the rows of all tables as one frame, all rows of a patient together and in one partition.

    Parameters
    ----------
    tables : mapping of table name to DataFrame
        Of types that `require_types` lets pass.
    zone : str or None
        Where the patients are; None is the time zone of the session.
    has_times : bool
        Whether the dates of labs have times of day, not midnight alone.
    """
    frames = [_shape(table, name, zone=zone, has_times=has_times) for name, table in tables.items()]
    stacked = frames[0]
    for frame in frames[1:]:
        stacked = stacked.unionByName(frame, allowMissingColumns=True)
    return stacked.repartition(KEY).sortWithinPartitions(KEY)


def _shape(table: DataFrame, name: str, *, zone: str | None, has_times: bool) -> DataFrame:
    """The columns that are looked at, in one type each, with the key of the patient."""
    from pyspark.sql import functions as f

    kinds = dict(table.dtypes)
    columns = {
        column: _convert(column, kinds[column], zone) for column in TAKEN[name] if column in table.columns
    }
    if name == "labs" and has_times:
        minute = read_minute("date", kinds["date"], zone)
        columns["minute"] = f.coalesce(columns["minute"], minute) if "minute" in columns else minute
    bare = f.regexp_replace(columns["patient_id"], _OUTER_BLANKS, "")
    others = [column for key, column in columns.items() if key != "patient_id"]
    # Rows without a patient belong to nobody: they need not meet, and must not fill one partition.
    key = f.when(bare != "", f.xxhash64(bare)).otherwise(f.xxhash64(f.lit(name), *others))
    named = [column.alias(key) for key, column in columns.items()]
    return table.select(key.alias(KEY), f.lit(name).alias(TABLE), *named)


def _convert(column: str, kind: str, zone: str | None) -> Column:
    from pyspark.sql import functions as f

    cells, base = f.col(column), kind.partition("(")[0]
    if column in TEXTS:
        return cells.cast("string")
    if column in WHOLE:
        return cells.cast("bigint")
    if column in DATES:
        return f.to_date(_read_wall(column, kind, zone)) if base in _MOMENT_TYPES else cells.cast("date")
    if base == "string":
        return cells
    # A short fraction is the number that is printed, as everywhere in the package.
    return cells.cast("string").cast("double") if base == "float" else cells.cast("double")


def _read_wall(column: str, kind: str, zone: str | None) -> Column:
    """A moment as the clock on the wall showed it: in the zone that is stated, else the session's."""
    from pyspark.sql import functions as f

    cells = f.col(column).cast("timestamp_ntz")
    if kind == "timestamp_ntz" or zone is None:
        return cells
    return f.convert_timezone(None, f.lit(zone), cells)


def read_minute(column: str, kind: str, zone: str | None) -> Column:
    """Return the minutes after midnight of a moment."""
    from pyspark.sql import functions as f

    wall = _read_wall(column, kind, zone)
    return (f.hour(wall) * _MINUTES + f.minute(wall)).cast("bigint")
