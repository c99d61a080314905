"""The public door for dataframes: pandas, Polars or Arrow in, the same kind out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from cytopenia.contract import TextFormat, prepare_labs
from cytopenia.definitions import load_library
from cytopenia.errors import DataError, join_problems, suggest_name
from cytopenia.grading.grades import grade_labs as grade_prepared_labs
from cytopenia.units import is_usual_limit, load_analytes, resolve_analyte

if TYPE_CHECKING:
    import narwhals as nw
    from narwhals.typing import IntoDataFrame

__all__ = ["BAD_LIMITS", "GRADE_COLUMNS", "grade_labs", "grade_raw_labs", "judge_limits", "require_limits"]

Frame = TypeVar("Frame", bound="IntoDataFrame")

GRADE_COLUMNS = ("term", "grade", "grade_worst", "grade_reason")
_NUMBERS = ("grade", "grade_worst")
BAD_LIMITS = "Lower limits of normal (lln) cannot be used"
_DECIMALS = ("auto", ".", ",")


def grade_labs(
    labs: Frame,
    definition: str = "ctcae_v4",
    *,
    lln: Mapping[str, float] | None = None,
    decimal: str = "auto",
    folder: Path | str | None = None,
) -> Frame:
    """Add the toxicity grade of every laboratory row.

    One row in, one row out, same order; the frame given is not changed.

    Parameters
    ----------
    labs : pandas, Polars or Arrow DataFrame, one row per measurement
        `analyte` (any listed name), `value` (text or number as printed: 0.35, "0,35", "<0.1"), `unit` (any
        listed unit); optionally `lln` and `baseline` (the value before treatment, for definitions that look
        at it) in the unit of the row, and `invalid` (a reason not to judge the row).
    definition : str
        Id of a definition of kind "grades", with or without a part: "ctcae_v4", "ctcae_v4.anemia".
    lln : mapping of analyte to number, optional
        Lower limit of normal in the canonical unit, for rows that have none: {"anc": 2.0}.
    decimal : {"auto", ".", ","}
        The decimal mark of text values, where the column alone does not settle it.
    folder : path, optional
        Folder of a study whose `definitions/` are used as well.

    Returns
    -------
    DataFrame of the same kind
        `labs` plus `term` (text), `grade` (0 to 4, or null), `grade_worst` and `grade_reason`. 0 means judged
        and normal. Null means not judged; the reason says which input was missing or not understood.
        `grade_worst` is the highest grade that the value can mean: "<1.0" is at least grade 3, and may be 4.
        It equals the grade of an exact value, and where it is higher the reason begins with "at least".

    Raises
    ------
    MissingColumnError
        `analyte`, `value` or `unit` is absent.
    DataError
        The frame already has one of these columns, is no DataFrame, or an option cannot be used.
    DefinitionError
        The definition is unknown or grades no single values.

    Notes
    -----
    Value and cut are compared after rounding to 15 significant digits. A value on a cut belongs to the side
    that the official text says ("<1.5 - 1.0" includes 1.0). Grade 5 and clinical clauses are never assigned.

    Examples
    --------
    >>> labs = pl.DataFrame(
    ...     {"analyte": ["ANC", "ANC"], "value": ["0.49", "0.5"], "unit": ["K/uL", "furlong"]}
    ... )
    >>> grade_labs(labs).select("grade", "grade_reason").rows()
    [(4, 'judged'), (None, 'unknown unit')]
    """
    frame = _take_frame(labs)
    taken = [name for name in GRADE_COLUMNS if name in frame.columns]
    if taken:
        raise DataError(
            f"labs: has a column {', '.join(taken)} already. Rename or drop it, then grade again."
        )
    if decimal not in _DECIMALS:
        raise DataError(f"decimal is {decimal!r}; allowed: {', '.join(map(repr, _DECIMALS))}")
    limits = require_limits(lln or {})
    text = TextFormat(decimal=decimal)
    added, _ = grade_raw_labs(_to_polars(frame), definition, lln=limits, text=text, folder=folder)
    return _attach(frame, added)


def _take_frame(labs: Any) -> nw.DataFrame[Any]:
    import narwhals as nw

    try:
        return nw.from_native(labs, eager_only=True)
    except TypeError as cause:
        kinds = "a pandas, Polars (not lazy) or Arrow DataFrame"
        raise DataError(f"labs: {kinds} is needed; got {type(labs).__name__}") from cause


def _to_polars(frame: nw.DataFrame[Any]) -> pl.DataFrame:
    """The frame in Polars; a pandas column of numbers and text becomes text, as it would be printed."""
    if not frame.implementation.is_pandas():
        return frame.to_polars()
    native = frame.to_native()
    return pl.DataFrame({str(name): _read_pandas(native[name]) for name in native.columns})


def _read_pandas(column: Any) -> pl.Series:
    import narwhals as nw

    if column.dtype == object:
        missing = column.isna().to_list()
        cells = [None if gone else str(cell) for cell, gone in zip(column.to_list(), missing, strict=True)]
        return pl.Series(cells, dtype=pl.String)
    return nw.from_native(column, series_only=True).to_polars()


def require_limits(limits: Mapping[str, float]) -> dict[str, float]:
    """Return stated lower limits of normal by analyte, in canonical units, or raise with every problem.

    A limit far from what laboratories print is refused: it is most likely in another unit, and would turn
    normal values into toxicities or hide them.

    Parameters
    ----------
    limits : mapping of analyte to number
        Any listed name of the analyte.

    Raises
    ------
    DataError
        An analyte is unknown or named twice, or a limit is outside the typical range of its analyte.

    Examples
    --------
    >>> require_limits({"ANC": 2.0})
    {'anc': 2.0}
    """
    found, problems = judge_limits(limits.items())
    if problems:
        raise DataError(join_problems(BAD_LIMITS, problems))
    return found


def judge_limits(limits: Iterable[tuple[str, float]]) -> tuple[dict[str, float], list[str]]:
    """Return the stated limits that can be used by analyte, and what is wrong with the others.

    See `require_limits`, which raises.
    """
    problems: list[str] = []
    found: dict[str, float] = {}
    for name, limit in limits:
        analyte = load_analytes().get(resolve_analyte(name) or "")
        if analyte is None:
            problems.append(f"unknown analyte '{name}'{suggest_name(name, load_analytes())}")
        elif analyte.name in found:
            problems.append(f"{analyte.name} is given twice; remove one")
        elif not is_usual_limit(limit, analyte=analyte.name):
            problems.append(
                f"{analyte.name} = {limit:g} lies outside {analyte.limit_text}; "
                f"give the limit in {analyte.unit}"
            )
        else:
            found[analyte.name] = float(limit)
    return found, problems


def _attach(frame: nw.DataFrame[Any], added: pl.DataFrame) -> Any:
    """The frame in its own kind with the grade columns; a missing grade stays missing, never NaN or 0."""
    if frame.implementation.is_pandas():
        import pandas as pd

        columns = {
            name: pd.array(added[name].to_list(), dtype="Int64")
            if name in _NUMBERS
            else added[name].to_list()
            for name in GRADE_COLUMNS
        }
        return frame.to_native().assign(**columns)
    import narwhals as nw

    columns = [
        nw.new_series(
            name,
            added[name].to_list(),
            nw.Int64 if name in _NUMBERS else nw.String,
            backend=frame.implementation,
        )
        for name in GRADE_COLUMNS
    ]
    return frame.with_columns(*columns).to_native()


def grade_raw_labs(
    labs: pl.DataFrame,
    definition: str,
    *,
    lln: Mapping[str, float],
    text: TextFormat,
    folder: Path | str | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the grade columns for every row, and the findings.

    Rows of unlisted analytes are graded null with that reason; `source_row` in the findings is the row's
    number in a spreadsheet with one header row, unless the frame brings its own `source_row`, each number
    once.
    """
    library = load_library(folder)
    parts, removed = library.find_value_parts(definition), library.explain_removed(definition)
    place = pl.int_range(2, labs.height + 2, eager=True, dtype=pl.UInt32)
    numbered = labs if _has_own_rows(labs) else labs.with_columns(place.alias("source_row"))
    rows, findings = prepare_labs(numbered, text=text, lln=lln, collapse_duplicates=False)
    graded = grade_prepared_labs(rows, parts, removed=removed).select("source_row", *GRADE_COLUMNS)
    every_row = numbered.select(pl.col("source_row").cast(pl.UInt32))
    added = every_row.join(graded, on="source_row", how="left", maintain_order="left")
    reason = pl.col("grade_reason").fill_null("unknown analyte")
    return added.with_columns(reason).select(GRADE_COLUMNS), findings


def _has_own_rows(labs: pl.DataFrame) -> bool:
    """Whether the frame numbers its rows itself, each once."""
    if "source_row" not in labs.columns:
        return False
    numbers = labs["source_row"]
    return numbers.dtype.is_integer() and numbers.null_count() == 0 and numbers.n_unique() == numbers.len()
