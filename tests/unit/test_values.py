"""Printed values become a comparator and a number; expected numbers were typed by hand."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from cytopenia.values import is_number_text, parse_values, settle_decimal


def parse_one(text: str | None, decimal: str = "auto") -> tuple[str, float | None, str | None]:
    row = parse_values(pl.Series([text], dtype=pl.String), decimal=decimal).row(0)
    return row[0], row[1], row[2]


@pytest.mark.parametrize(
    ("text", "comparator", "value"),
    [
        ("0.35", "=", 0.35),
        ("0,35", "=", 0.35),
        ("0,350", "=", 0.35),
        ("0.350", "=", 0.35),
        ("7", "=", 7.0),
        ("+7", "=", 7.0),
        (".5", "=", 0.5),
        ("12.", "=", 12.0),
        ("0", "=", 0.0),
        ("<0.1", "<", 0.1),
        ("< 0,1", "<", 0.1),
        ("<=0.1", "<=", 0.1),
        ("≤0.1", "<=", 0.1),
        ("=<0.1", "<=", 0.1),
        (">2000", ">", 2000.0),
        ("> 2000 ", ">", 2000.0),
        (">=2000", ">=", 2000.0),
        ("≥ 2000", ">=", 2000.0),
        ("＜0.1", "<", 0.1),
        ("1.2e3", "=", 1200.0),
        ("1,2E3", "=", 1200.0),
        ("1.5e-2", "=", 0.015),
        ("1 234", "=", 1234.0),
        ("1 234,5", "=", 1234.5),
        ("1\u2009234", "=", 1234.0),
        ("1\u202f234\u202f567", "=", 1234567.0),
        ("1'234.5", "=", 1234.5),
        ("1,234.5", "=", 1234.5),
        ("1.234,5", "=", 1234.5),
        ("1,234,567", "=", 1234567.0),
        ("1.234.567", "=", 1234567.0),
        ("1234,567", "=", 1234.567),
        ("12,3456", "=", 12.3456),
    ],
)
def test_a_number_is_read_as_printed(text: str, comparator: str, value: float) -> None:
    assert parse_one(text) == (comparator, value, None)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "  ",
        "n.d.",
        "ND",
        "nd",
        "NA",
        "N/A",
        "nan",
        "NaN",
        "-",
        "--",
        "not done",
        "Not Done",
        "s. Bem.",
        "s.Bem.",
        "null",
        "None",
        ".",
        "n/a",
        "missing",
        "unknown",
        "?",
    ],
)
def test_missing_tokens_are_missing_not_zero(text: str | None) -> None:
    assert parse_one(text) == ("=", None, "value missing")


@pytest.mark.parametrize(
    "text",
    [
        "3.2 L",
        "clotted",
        "8.5 g/dL",
        "1.2.3",
        "1,23,4",
        "12 34",
        "1 2345",
        "<",
        "<>3",
        "0x10",
        "inf",
        "1e999",
        "10³",
        "1-2",
        "5%",
        "3..2",
    ],
)
def test_other_text_is_not_a_number(text: str) -> None:
    assert parse_one(text) == ("=", None, "value not a number")


@pytest.mark.parametrize("text", ["-0.5", "- 3", "−3", "<-1"])
def test_negative_values_are_not_judged(text: str) -> None:
    assert parse_one(text)[2] == "negative value"


@pytest.mark.parametrize("text", ["1,234", "1.234", "12,345", "123.456", ">2,000", "1.000"])
def test_three_digits_after_one_mark_are_ambiguous_alone(text: str) -> None:
    assert parse_one(text)[1:] == (None, "ambiguous number")


@pytest.mark.parametrize(
    ("settler", "text", "value"),
    [
        ("0.5", "1,234", 1234.0),
        ("0.5", "1.234", 1.234),
        ("0,5", "1,234", 1.234),
        ("0,5", "1.234", 1234.0),
        ("1.234.567", "1,234", 1.234),
    ],
)
def test_another_row_of_the_column_settles_the_mark(settler: str, text: str, value: float) -> None:
    parsed = parse_values(pl.Series([settler, text]))
    assert parsed["value"][1] == value


def test_both_conventions_in_one_column_leave_only_the_doubtful_open() -> None:
    parsed = parse_values(pl.Series(["0,35", "0.35", "1,234"]))
    assert parsed["value"].to_list() == [0.35, 0.35, None]
    assert parsed["invalid"].to_list() == [None, None, "ambiguous number"]


@pytest.mark.parametrize(
    ("decimal", "text", "value"),
    [
        (",", "1,234", 1.234),
        (".", "1,234", 1234.0),
        (",", "1.234", 1234.0),
        (".", "1.234", 1.234),
        (",", "1.234,5", 1234.5),
    ],
)
def test_a_stated_mark_decides(decimal: str, text: str, value: float) -> None:
    assert parse_one(text, decimal)[1:] == (value, None)


@pytest.mark.parametrize(("decimal", "text"), [(",", "0.35"), (".", "0,35"), (".", "1.234,5")])
def test_a_stated_mark_refuses_the_other(decimal: str, text: str) -> None:
    assert parse_one(text, decimal)[1:] == (None, "value not a number")


def test_columns_settle_the_mark_together() -> None:
    assert settle_decimal([pl.Series(["1,234"]), pl.Series(["0,5"])]) == ","
    assert settle_decimal([pl.Series(["1,234"]), pl.Series([1.5])]) == "none"
    assert settle_decimal([pl.Series(["0.5"]), pl.Series(["0,5"])]) == "both"


def test_an_unknown_decimal_mark_is_refused() -> None:
    with pytest.raises(ValueError, match=r"decimal is ';'; allowed: 'auto', '\.', ','"):
        parse_values(pl.Series(["1"]), decimal=";")


def test_float_columns_pass_and_nan_is_missing() -> None:
    parsed = parse_values(pl.Series([0.5, None, float("nan"), -1.0, float("inf")]))
    assert parsed["value"].to_list() == [0.5, None, None, -1.0, None]
    assert parsed["invalid"].to_list() == [
        None,
        "value missing",
        "value missing",
        "negative value",
        "value not a number",
    ]


@pytest.mark.parametrize("decimal", ["auto", "none", "both", ",", "."])
@pytest.mark.parametrize("dtype", [pl.Float32, pl.Decimal(10, 3)])
def test_a_stored_number_has_a_point_whatever_the_texts_have(dtype: pl.DataType, decimal: str) -> None:
    """As text "1.234" could be 1234; as a number of a file it cannot."""
    found = parse_values(pl.Series([1.234]).cast(dtype), decimal=decimal)
    assert found.rows() == [("=", pytest.approx(1.234, abs=1e-12), None)]


def test_a_stored_number_settles_no_decimal_mark() -> None:
    stored = pl.Series([0.5]).cast(pl.Decimal(10, 3))
    assert settle_decimal([stored, pl.Series(["1,234", "0,5"])]) == ","


def test_float32_is_read_through_its_shortest_decimal() -> None:
    assert parse_values(pl.Series([0.1, 0.35, 16777216.0], dtype=pl.Float32))["value"].to_list() == [
        0.1,
        0.35,
        16777216.0,
    ]


@pytest.mark.parametrize(
    "dtype", [pl.Int8, pl.UInt16, pl.Int64, pl.Decimal(10, 2), pl.Float64, pl.Categorical, pl.String]
)
def test_the_type_of_a_column_never_changes_the_number(dtype: pl.DataType) -> None:
    column = pl.Series(["7"]).cast(dtype)
    assert parse_values(column).row(0) == ("=", 7.0, None)


def test_dates_in_a_value_column_are_not_numbers() -> None:
    assert parse_values(pl.Series([dt.date(2024, 1, 5), None]))["invalid"].to_list() == [
        "value not a number",
        "value missing",
    ]


def test_a_column_of_nothing_is_all_missing() -> None:
    assert parse_values(pl.Series([None, None]))["invalid"].to_list() == ["value missing", "value missing"]
    assert parse_values(pl.Series([], dtype=pl.String)).height == 0


def test_the_given_column_is_unchanged() -> None:
    column = pl.Series(["0,5", "<0.1"])
    parse_values(column)
    assert column.to_list() == ["0,5", "<0.1"]


@pytest.mark.parametrize(
    "text", ["7", "0,35", "<0.1", "1,234", "3.2 L", "3.2H", "12 HH", "5*", "2024-01-31", "120/80", "０.４"]
)
def test_texts_that_are_most_likely_values(text: str) -> None:
    assert is_number_text(pl.Series([text])).to_list() == [True]


@pytest.mark.parametrize(
    "text", ["10^9/L", "1e9/L", "109/L", "x10E3/uL", "%", "G-CSF", "IL-6", "", "clot", None]
)
def test_texts_that_are_names_or_units(text: str | None) -> None:
    assert is_number_text(pl.Series([text], dtype=pl.String)).to_list() == [False]
