"""The columns every table shares: names, patient ids, row numbers, words of closed lists, numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from cytopenia.contract.findings import Finding, note_rows
from cytopenia.contract.schemas import TABLES
from cytopenia.errors import DataError, MissingColumnError, join_problems, suggest_name
from cytopenia.units import fold_name
from cytopenia.values import clean_text, is_missing_text, parse_values

__all__ = [
    "add_basics",
    "match_words",
    "read_factor",
    "read_ids",
    "read_number",
    "read_reason",
    "read_text",
    "require_columns",
]

SHOWN_COLUMNS = 12

# Identifiers of CDISC data are texts, and a zero in front of one belongs to it.
_IDENTIFIERS = {"STUDYID", "SUBJID", "SITEID"}
_CODES = {column.name for column in TABLES["patients"].columns if column.dtype == pl.String} | _IDENTIFIERS


def require_columns(
    raw: Mapping[str, pl.DataFrame], *, rowwise: bool = False, is_mapped: bool = True
) -> None:
    """Raise with every unknown table and every missing column of every table at once.

    With `rowwise` the patient and the day may be absent, as in grading single laboratory rows. Where tables
    come with our names alone (`is_mapped` is False) nobody is sent to a mapping of columns.

    Raises
    ------
    DataError
        A table has a name that the contract does not know, or a column a type that no cell of a file has.
    MissingColumnError
        A column that is needed is absent.
    """
    for name in raw:
        if name not in TABLES:
            raise DataError(
                f"table '{name}' is unknown{suggest_name(name, TABLES)}; allowed: {', '.join(TABLES)}"
            )
    odd = [problem for name, table in raw.items() for problem in _odd_types(name, table)]
    if odd:
        raise DataError(join_problems("Columns have types that cannot be read", odd))
    problems = [
        problem
        for name, table in raw.items()
        for problem in _missing_columns(name, table.columns, rowwise=rowwise, is_mapped=is_mapped)
    ]
    if problems:
        raise MissingColumnError(
            join_problems(
                f"{len(problems)} columns are missing" if len(problems) > 1 else "A column is missing",
                problems,
            )
        )


def add_basics(table: pl.DataFrame, name: str) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the table with `patient_id` as trimmed text and `source_row`, and findings on missing ids.

    Whole numbers give the same text whatever their type: 7, 7.0 and "7" are one patient. A missing id
    becomes "".
    """
    if "source_row" not in table.columns:
        table = table.with_columns(source_row=pl.int_range(2, table.height + 2, dtype=pl.UInt32, eager=True))
    table = table.with_columns(pl.col("source_row").cast(pl.UInt32))
    if "patient_id" not in table.columns:
        return table.with_columns(patient_id=pl.lit("")), []
    ids = read_ids(table)
    distinct = ids.unique()
    if distinct.null_count() or (distinct.str.strip_chars() != distinct).any():
        ids = ids.str.strip_chars().fill_null("")
    rows = table["source_row"].filter(ids == "") if (ids == "").any() else table["source_row"].clear()
    findings = note_rows(name, "patient_id_missing", "patient_id is blank", rows=rows, total=table.height)
    return table.with_columns(patient_id=ids), findings


def read_ids(table: pl.DataFrame) -> pl.Series:
    """Return `patient_id` as text with the blanks around it; whole numbers without a point."""
    return _drop_point(table["patient_id"]).cast(pl.String)


def read_text(table: pl.DataFrame, name: str) -> pl.Series:
    """Return a column as trimmed text with blanks as null; a column that is absent is all null."""
    if name not in table.columns:
        return pl.repeat(None, table.height, dtype=pl.String, eager=True).alias(name)
    text = table[name].cast(pl.String).str.strip_chars()
    return text.set(text == "", None) if (text == "").any() else text


def read_number(table: pl.DataFrame, name: str) -> tuple[pl.Series, pl.Series]:
    """Return a column as numbers, and where a cell holds something that is no plain number."""
    if name not in table.columns:
        nothing = pl.repeat(None, table.height, dtype=pl.Float64, eager=True)
        return nothing.alias(name), nothing.is_not_null()
    parsed = parse_values(table[name])
    plain = (parsed["comparator"] == "=") & parsed["value"].is_not_null()
    blank = is_missing_text(table[name]) if table[name].dtype == pl.String else table[name].is_null()
    return parsed["value"].set(~plain, None).alias(name), ~plain & ~blank


def read_reason(column: pl.Series) -> pl.Series:
    """Return the reasons of the file itself not to judge a row; a plain yes or no is understood."""
    text = read_text(pl.DataFrame({"invalid": column}), "invalid")
    plain: dict[str, str | None] = {
        **dict.fromkeys(("0", "0.0", "n", "no", "false", "-", "none", "ok", "valid")),
        **dict.fromkeys(("1", "1.0", "y", "yes", "true"), "marked invalid"),
    }
    return pl.select(
        pl.when(text.str.to_lowercase().is_in(list(plain)))
        .then(text.str.to_lowercase().replace_strict(plain, default=None))
        .otherwise(text)
    ).to_series()


def read_factor(column: pl.Series) -> pl.Series:
    """Return a column of patients as numbers where every filled cell is a plain number, else as trimmed text.

    Columns that the contract describes as text (sex, stage ...) stay text, and so do identifiers: a code is
    no quantity.
    """
    table = column.to_frame()
    if column.dtype == pl.Boolean:
        return column.replace_strict({True: "yes", False: "no"}, return_dtype=pl.String)
    if column.name in _CODES:
        return read_text(table.with_columns(_drop_point(column)), column.name)
    number, odd = read_number(table, column.name)
    if number.null_count() < number.len() and not odd.any():
        return number
    return read_text(table, column.name)


def match_words(column: pl.Series, allowed: Sequence[str]) -> pl.Series:
    """Return the listed word of each cell, else null; case, blanks and hyphens do not matter."""
    folded = {fold_name(word): word for word in allowed}
    distinct = [cell for cell in clean_text(column).unique().to_list() if cell]
    known = {cell: folded[fold_name(cell)] for cell in distinct if fold_name(cell) in folded}
    return clean_text(column).replace_strict(known, default=None, return_dtype=pl.String)


def _odd_types(name: str, table: pl.DataFrame) -> list[str]:
    """Columns that hold lists, objects or durations, and row numbers that are no whole numbers."""
    problems: list[str] = []
    for column, dtype in table.schema.items():
        plain = not (dtype.is_nested() or isinstance(dtype, pl.Duration | pl.Object | pl.Binary))
        allowed = "text, numbers, dates, times or true and false"
        if column == "source_row":
            plain, allowed = dtype.is_integer(), "whole numbers"
        if not plain:
            problems.append(
                f"{name}: column '{column}' holds {dtype}; allowed: {allowed}. Convert or drop it."
            )
    return problems


def _drop_point(column: pl.Series) -> pl.Series:
    """Whole numbers stored as fractions (7.0, as spreadsheets do) as whole numbers."""
    if not column.dtype.is_float():
        return column
    numbers = column.set(~column.is_finite(), None)
    return numbers.cast(pl.Int64) if (numbers.drop_nulls() == numbers.drop_nulls().floor()).all() else numbers


def _missing_columns(name: str, columns: Sequence[str], *, rowwise: bool, is_mapped: bool) -> list[str]:
    rule = TABLES[name]
    needed = [
        (column.name,)
        for column in rule.columns
        if column.required and not (rowwise and column.name == "patient_id")
    ]
    groups = [*needed, *(() if rowwise else rule.one_of)]
    absent = [group for group in groups if not any(column in columns for column in group)]
    return [
        _name_missing(name, group, columns, list_found=group is absent[0], is_mapped=is_mapped)
        for group in absent
    ]


def _name_missing(
    name: str, group: Sequence[str], columns: Sequence[str], *, list_found: bool, is_mapped: bool
) -> str:
    wanted = " or ".join(f"'{column}'" for column in group)
    others = [column for column in columns if column != "source_row"]
    hint = suggest_name(group[0], [column for column in others if column not in TABLES[name].inputs])
    shown = ", ".join(others[:SHOWN_COLUMNS]) + (", ..." if len(others) > SHOWN_COLUMNS else "")
    found = f"; found: {shown or 'no columns'}" if list_found else ""
    advice = (
        f"Map it in columns = {{ {group[0]} = 'their column' }}."
        if is_mapped
        else f"Rename the column that holds it to '{group[0]}'."
    )
    return f"{name}: column {wanted} is missing{hint}{found}. {advice}"
