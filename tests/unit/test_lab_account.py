"""What became of every laboratory row: counts typed by hand."""

from __future__ import annotations

import polars as pl

from cytopenia.contract import prepare_tables

COLUMNS = ("patient_id", "day", "analyte", "value", "unit")


def account(*rows: tuple[str | None, ...]) -> list[tuple[object, ...]]:
    """Return the account as tuples without the median."""
    labs = pl.DataFrame([*rows], schema=dict.fromkeys(COLUMNS, pl.String), orient="row")
    return prepare_tables({"labs": labs}).lab_account.drop("median").rows()


def test_rows_are_counted_by_printed_unit_and_state() -> None:
    assert account(
        ("a", "0", "ANC", "1.2", "10^9/L"),
        ("a", "1", "NEUT", "300", "/uL"),
        ("a", "2", "anc", "", "/uL"),
        ("a", "3", "anc", "clotted", "/uL"),
        ("a", "4", "anc", "5", "furlong"),
        ("a", "5", "anc", "5", None),
        ("a", "6", "Hb", "9.1", "g/dL"),
        ("a", None, "Hb", "9.2", "g/dL"),
        ("a", "7", "Hb", "-9", "g/dL"),
        ("a", "8", "Hb", "900", "g/dL"),
        ("a", "8", "Vitamin Z", "9", "g/dL"),
    ) == [
        ("anc", None, "unit missing", 1, 0),
        ("anc", "10^9/L", "judged", 1, 0),
        ("anc", "/uL", "judged", 1, 0),
        ("anc", "/uL", "value missing", 1, 0),
        ("anc", "/uL", "value not a number", 1, 0),
        ("anc", "furlong", "unknown unit", 1, 0),
        ("hemoglobin", "g/dL", "date missing", 1, 0),
        ("hemoglobin", "g/dL", "implausible value", 1, 0),
        ("hemoglobin", "g/dL", "judged", 1, 0),
        ("hemoglobin", "g/dL", "negative value", 1, 0),
        (None, None, "analyte not listed", 1, 0),
    ]


def test_repeated_rows_are_counted_where_they_stood() -> None:
    row = ("a", "0", "PLT", "20", "10^9/L")
    assert account(row, row, row, ("a", "0", "PLT", "20", "G/L"), ("a", "1", "PLT", "20", "G/L")) == [
        ("platelets", "10^9/L", "judged", 3, 2),
        ("platelets", "G/L", "judged", 2, 1),
    ]


def test_the_median_is_told_of_five_values_and_more() -> None:
    values = [(str(day), value) for day, value in enumerate((100, 200, 300, 400, 900))]
    labs = [("a", day, "anc", str(value), "/uL") for day, value in values]
    labs += [("b", day, "anc", str(value / 1000), "G/L") for day, value in values[:4]]
    frame = pl.DataFrame(labs, schema=dict.fromkeys(COLUMNS, pl.String), orient="row")
    found = prepare_tables({"labs": frame}).lab_account.select("printed", "median")
    assert found.rows() == [("/uL", 0.3), ("G/L", None)]


def test_a_reason_of_the_file_is_not_repeated() -> None:
    labs = pl.DataFrame(
        [("a", "0", "anc", "1", "G/L", "A. Smith said so")],
        orient="row",
        schema=dict.fromkeys((*COLUMNS, "invalid"), pl.String),
    )
    assert prepare_tables({"labs": labs}).lab_account["state"].to_list() == ["marked invalid"]


def test_no_rows_give_an_empty_account() -> None:
    assert account() == []
