"""The text of a printed laboratory value becomes a comparator and a number.

"<0.1" is a comparator and a number; "0,35" is 0.35; "n.d." is missing; "clotted" is not a number.
Nothing is guessed: "1,234" is read only where the rest of the column, or the user, settles the decimal mark.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import polars as pl

__all__ = [
    "AMBIGUOUS",
    "MISSING",
    "NEGATIVE",
    "NOT_A_NUMBER",
    "clean_text",
    "is_missing_text",
    "is_number_text",
    "parse_values",
    "settle_decimal",
]

MISSING = "value missing"
NOT_A_NUMBER = "value not a number"
AMBIGUOUS = "ambiguous number"
NEGATIVE = "negative value"

SettledMark = Literal[".", ",", "both", "none"]

MISSING_TOKENS = (
    *("", ".", "-", "--", "---", "–", "—", "?", "/", "*"),
    *(
        "na",
        "n/a",
        "n.a.",
        "#n/a",
        "nan",
        "nd",
        "n.d.",
        "n.d",
        "none",
        "null",
        "nil",
        "missing",
        "unknown",
        "unk",
    ),
    *(
        "not done",
        "not available",
        "not reported",
        "not measured",
        "pending",
        "see comment",
        "test not performed",
    ),
    *(
        "s.bem.",
        "s. bem.",
        "s.bem",
        "siehe bemerkung",
        "n.b.",
        "entf.",
        "entfällt",
        "folgt",
        "k.a.",
        "未查",
        "未做",
    ),
)

_PLAIN_CHARACTERS = {
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    "＜": "<",
    "＞": ">",
    "＝": "=",
    "．": ".",
    "，": ",",
    "－": "-",
    "−": "-",
    "≤": "<=",
    "≦": "<=",
    "⩽": "<=",
    "≥": ">=",
    "≧": ">=",
    "⩾": ">=",
    "\u00a0": " ",
    "\u2009": " ",
    "\u202f": " ",
    "\u2007": " ",
    "’": "'",
}

_SHAPE = r"^(<=|=<|>=|=>|<|>|=)?\s*([+-])?\s*([0-9][0-9 '.,]*|[.,][0-9]+)([eE][+-]?[0-9]{1,3})?$"
_COMPARATORS = {"<": "<", "<=": "<=", "=<": "<=", ">": ">", ">=": ">=", "=>": ">=", "=": "="}

_WHOLE = r"^[0-9]+$"
_ONE_MARK = r"^(?:[0-9]+[.,][0-9]*|[.,][0-9]+)$"
_DOUBTFUL = r"^[1-9][0-9]{0,2}[.,][0-9]{3}$"
_GROUPED_BY_SPACE = r"^[0-9]{1,3}(?:[ '][0-9]{3})+(?:[.,][0-9]*)?$"
_GROUPED_BY_COMMA = r"^[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]*)?$"
_GROUPED_BY_POINT = r"^[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]*)?$"


def clean_text(column: pl.Series) -> pl.Series:
    """Return the column as trimmed text with full-width characters, exotic blanks and signs made plain.

    Examples
    --------
    >>> clean_text(pl.Series([" ≤\u2009０.1 "])).to_list()
    ['<= 0.1']
    """
    text = column.cast(pl.String)
    return text.str.replace_many(list(_PLAIN_CHARACTERS), list(_PLAIN_CHARACTERS.values())).str.strip_chars()


def is_missing_text(column: pl.Series) -> pl.Series:
    """Return True where a cell is null, blank or one of the closed list of tokens for "no value".

    Examples
    --------
    >>> is_missing_text(pl.Series(["n.d.", "0", None])).to_list()
    [True, False, True]
    """
    return clean_text(column).str.to_lowercase().is_in(MISSING_TOKENS).fill_null(value=True)


def is_number_text(column: pl.Series) -> pl.Series:
    """Return True where a text is a number, with or without a flag (H, L, *), or digits and marks only.

    Such a text is most likely the value of a patient and is not printed.

    Examples
    --------
    >>> is_number_text(pl.Series(["<0.35", "3.2 L", "2024-01-31", "10^9/L", "K/uL", None])).to_list()
    [True, True, True, False, False, False]
    """
    text = clean_text(column)
    unflagged = text.str.replace(r"\s*[HLhl*!+]{1,2}$", "").str.contains(_SHAPE)
    bare = text.str.contains(r"[0-9]") & ~text.str.contains(r"\p{L}")
    return (unflagged | bare).fill_null(value=False)


def parse_values(column: pl.Series, *, decimal: str = "auto") -> pl.DataFrame:
    """Return comparator, number and reason of every printed value, one row per row, in the same order.

    Parameters
    ----------
    column : Series of text or of any numeric type
        The cells as printed. Numeric columns bypass the text rules; Float32 passes through its shortest
        decimal, so that a stored 0.1 is 0.1. Dates and other types are not numbers.
    decimal : "auto", ".", ",", or a mark returned by `settle_decimal`
        With "auto" the column itself settles the mark. "1,234" and "1.234" (three digits after a single mark,
        no leading zero) are ambiguous when nothing else in the column does.

    Returns
    -------
    DataFrame
        `comparator` str, one of "=", "<", "<=", ">", ">="; `value` float or null, the finite number as
        printed;
        `invalid` str or null: "value missing", "value not a number", "ambiguous number" or "negative value".
        A negative number is kept in `value` and marked in `invalid`.

    Raises
    ------
    ValueError
        `decimal` is not an allowed mark.

    Examples
    --------
    >>> parse_values(pl.Series(["<0,1", "n.d.", "3.2 L"])).rows()
    [('<', 0.1, None), ('=', None, 'value missing'), ('=', None, 'value not a number')]
    """
    if decimal not in {"auto", ".", ",", "both", "none"}:
        raise ValueError(f"decimal is {decimal!r}; allowed: 'auto', '.', ','")
    if column.dtype.is_(pl.Float64) or column.dtype.is_(pl.Null) or column.dtype.is_integer():
        return _judge_numbers(column.cast(pl.Float64))
    if not _is_textual(column.dtype):
        return _judge_numbers(
            pl.repeat(None, len(column), dtype=pl.Float64, eager=True), present=column.is_not_null()
        )
    # A stored number has a point, whatever the texts beside it have.
    return _parse_text(column.cast(pl.String), "." if _is_stored(column.dtype) else decimal)


def settle_decimal(columns: Iterable[pl.Series]) -> SettledMark:
    """Return which decimal mark the text columns of one file show: ".", ",", "both" or "none".

    Only unambiguous texts count: "0,5" and "1.234,5" show a comma, "0.5" and "1,234.5" a point, "1,234"
    shows nothing.

    Examples
    --------
    >>> settle_decimal([pl.Series(["1,234", "0,5"])])
    ','
    """
    found: set[str] = set()
    for column in columns:
        if _is_textual(column.dtype) and not _is_stored(column.dtype):
            found |= _find_marks(_split_shape(clean_text(column.cast(pl.String).unique())))
    return _name_marks(found)


def _is_stored(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Float32 | pl.Decimal)


def _is_textual(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Float32 | pl.Decimal)


def _judge_numbers(numbers: pl.Series, *, present: pl.Series | None = None) -> pl.DataFrame:
    """Numbers that need no parsing; `present` marks cells that held something other than a number."""
    missing = numbers.is_null() | numbers.is_nan() if present is None else ~present
    values = numbers.set(~numbers.is_finite(), None)
    reason = pl.when(missing).then(pl.lit(MISSING)).when(values.is_null()).then(pl.lit(NOT_A_NUMBER))
    frame = pl.DataFrame({"value": values}).select(comparator=pl.lit("="), value="value")
    if values.null_count() == 0 and not (values < 0).any():
        return frame.with_columns(invalid=pl.lit(None, dtype=pl.String))
    return frame.with_columns(invalid=reason.when(pl.col("value") < 0).then(pl.lit(NEGATIVE)))


def _parse_text(column: pl.Series, decimal: str) -> pl.DataFrame:
    """Parse each distinct text once; a laboratory file repeats a few thousand of them."""
    distinct = column.unique(maintain_order=True).alias("text")
    shape = _split_shape(clean_text(distinct))
    if decimal == "auto":
        decimal = _name_marks(_find_marks(shape))
    body, point = pl.col("body"), _point_form(decimal)
    number = pl.concat_str(point, pl.col("exponent")).cast(pl.Float64, strict=False)
    signed = pl.when(pl.col("minus")).then(-pl.col("number")).otherwise("number")
    doubtful = (body.str.contains(_DOUBTFUL) & pl.col("exponent").eq("")).fill_null(value=False) & pl.lit(
        decimal in {"both", "none"}
    )
    # Step by step: each later word about the number would repeat all the rules that made it.
    parsed = (
        shape.with_columns(number=number, doubtful=doubtful)
        .with_columns(value=signed)
        .with_columns(value=pl.when(pl.col("value").is_finite()).then(pl.col("value") + 0.0))
        .select(
            text=distinct,
            comparator=pl.when(pl.col("value").is_null()).then(pl.lit("=")).otherwise(pl.col("comparator")),
            value="value",
            invalid=pl.when(is_missing_text(distinct))
            .then(pl.lit(MISSING))
            .when("doubtful")
            .then(pl.lit(AMBIGUOUS))
            .when(pl.col("value").is_null())
            .then(pl.lit(NOT_A_NUMBER))
            .when((pl.col("value") < 0) | (pl.col("minus") & (pl.col("value") != 0)))
            .then(pl.lit(NEGATIVE)),
        )
    )
    return (
        column.to_frame("text")
        .join(parsed, on="text", how="left", nulls_equal=True, maintain_order="left")
        .drop("text")
    )


def _split_shape(text: pl.Series) -> pl.DataFrame:
    groups = text.str.extract_groups(_SHAPE).struct.unnest()
    groups.columns = ["comparator", "sign", "body", "exponent"]
    return groups.select(
        comparator=pl.col("comparator").replace(_COMPARATORS).fill_null("="),
        minus=pl.col("sign").eq_missing(pl.lit("-")),
        body=pl.col("body").str.strip_chars(" '"),
        exponent=pl.col("exponent").fill_null(""),
    )


def _find_marks(shape: pl.DataFrame) -> set[str]:
    """Decimal marks that some text of the column shows without doubt."""
    body = pl.col("body")
    one_mark = body.str.contains(_ONE_MARK) & ~(body.str.contains(_DOUBTFUL) & pl.col("exponent").eq(""))
    by_space = body.str.contains(_GROUPED_BY_SPACE)
    comma_groups = body.str.contains(_GROUPED_BY_COMMA) & ~body.str.contains(_ONE_MARK)
    point_groups = body.str.contains(_GROUPED_BY_POINT) & ~body.str.contains(_ONE_MARK)
    plain = one_mark | by_space
    shown = shape.select(
        point=((plain & body.str.contains(".", literal=True)) | comma_groups).any(),
        comma=((plain & body.str.contains(",", literal=True)) | point_groups).any(),
    ).row(0)
    return {mark for mark, seen in zip((".", ","), shown, strict=True) if seen}


def _name_marks(found: set[str]) -> SettledMark:
    if len(found) == 2:
        return "both"
    return "none" if not found else "." if "." in found else ","


def _point_form(decimal: str) -> pl.Expr:
    """The digits with a point as decimal mark and no grouping; null where this mark makes no number."""
    body = pl.col("body")
    ungrouped = body.str.replace_all(r"[ ']", "")
    by_comma = body.str.replace_all(",", "", literal=True)
    by_point = body.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    spaced = body.str.contains(_WHOLE) | body.str.contains(_GROUPED_BY_SPACE) | body.str.contains(_ONE_MARK)
    has_comma, has_point = body.str.contains(",", literal=True), body.str.contains(".", literal=True)
    as_point = (
        pl.when(spaced & ~has_comma).then(ungrouped).when(body.str.contains(_GROUPED_BY_COMMA)).then(by_comma)
    )
    as_comma = (
        pl.when(spaced & ~has_point)
        .then(ungrouped.str.replace(",", ".", literal=True))
        .when(body.str.contains(_GROUPED_BY_POINT))
        .then(by_point)
    )
    if decimal == ".":
        return as_point
    if decimal == ",":
        return as_comma
    doubtful = body.str.contains(_DOUBTFUL) & pl.col("exponent").eq("")
    either = pl.when(spaced).then(ungrouped.str.replace(",", ".", literal=True))
    grouped = (
        pl.when(body.str.contains(_GROUPED_BY_COMMA))
        .then(by_comma)
        .when(body.str.contains(_GROUPED_BY_POINT))
        .then(by_point)
    )
    return pl.when(~doubtful).then(pl.coalesce(either, grouped))
