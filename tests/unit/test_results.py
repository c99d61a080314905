"""The one long result table."""

from __future__ import annotations

import dataclasses

import polars as pl
import pytest

from cytopenia.results import RESULT_SCHEMA, ResultRow, collect_results


def test_the_columns_are_those_of_the_row() -> None:
    assert {field.name for field in dataclasses.fields(ResultRow)} == set(RESULT_SCHEMA)
    assert list(RESULT_SCHEMA)[:4] == ["analysis_id", "group", "level", "stratum"]


def test_rows_keep_their_order_and_types() -> None:
    rows = [ResultRow(analysis_id="a", variable=name, estimate="count", value=2) for name in "zax"]
    table = collect_results(rows)
    assert table["variable"].to_list() == ["z", "a", "x"]
    assert dict(table.schema) == {name: dtype() for name, dtype in RESULT_SCHEMA.items()}


def test_a_number_that_cannot_be_given_stays_empty() -> None:
    row = ResultRow(analysis_id="a", variable="v", estimate="median", status="not_estimable", note="no value")
    assert collect_results([row]).select("value", "status", "note").row(0) == (
        None,
        "not_estimable",
        "no value",
    )


def test_zero_is_not_missing() -> None:
    row = ResultRow(analysis_id="a", variable="v", estimate="count", value=0)
    assert collect_results([row])["value"].to_list() == [0.0]


def test_what_is_not_said_is_empty() -> None:
    row = collect_results([ResultRow(analysis_id="a", variable="v", estimate="n")]).row(0, named=True)
    assert (row["group"], row["scenario"], row["low"], row["high"], row["n"]) == ("", "", None, None, None)


def test_no_rows_give_an_empty_table() -> None:
    assert collect_results([]).schema == pl.DataFrame(schema=RESULT_SCHEMA).schema


def test_a_row_is_named_not_placed() -> None:
    with pytest.raises(TypeError, match="positional"):
        ResultRow("a", "v", "count")  # type: ignore[misc]


def test_a_row_does_not_change() -> None:
    row = ResultRow(analysis_id="a", variable="v", estimate="n")
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign"):
        row.value = 1.0  # type: ignore[misc]
