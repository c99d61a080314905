"""Neither the order of the rows nor their spelling changes which ANC are computed."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from cytopenia.contract import prepare_labs

ROW = st.tuples(
    st.sampled_from(["1", "2"]),
    st.integers(0, 2),
    st.sampled_from([None, 480]),
    st.sampled_from(
        [
            ("WBC", "2.5", "K/uL"),
            ("WBC", "2500", "/uL"),
            ("WBC", "0.4", "K/uL"),
            ("WBC", "<0.1", "K/uL"),
            ("NEUT%", "12", "%"),
            ("NEUT", "12", "%"),
            ("NEUT%", "0.12", "1"),
            ("NEUT%", "80", ""),
            ("NEUT%", "<1", "%"),
            ("ANC", "0.3", "K/uL"),
            ("ANC", "0.3", "furlong"),
        ]
    ),
)


def compute(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    table = pl.DataFrame(
        [(*row[1:4], *row[4], row[0]) for row in rows],
        schema={
            "patient_id": pl.String,
            "day": pl.Int32,
            "minute": pl.Int32,
            "analyte": pl.String,
            "value": pl.String,
            "unit": pl.String,
            "source_row": pl.UInt32,
        },
        orient="row",
    )
    labs, _ = prepare_labs(table, collapse_duplicates=False)
    return sorted(labs.filter(pl.col("invalid").is_null()).drop("origin", strict=False).rows(), key=str)


@given(st.data(), st.lists(ROW, min_size=1, max_size=14))
def test_the_order_of_the_rows_does_not_matter(data: st.DataObject, rows: list[tuple[Any, ...]]) -> None:
    numbered = [(place, *row) for place, row in enumerate(rows, start=2)]
    assert compute(data.draw(st.permutations(numbered))) == compute(numbered)


@given(st.lists(ROW, min_size=1, max_size=14))
def test_a_computed_count_is_bounded_by_white_cells_and_alone_on_its_day(rows: list[tuple[Any, ...]]) -> None:
    numbered = [(place, *row) for place, row in enumerate(rows, start=2)]
    table = pl.DataFrame(
        [(*row[1:4], *row[4], row[0]) for row in numbered],
        schema=["patient_id", "day", "minute", "analyte", "value", "unit", "source_row"],
        orient="row",
    )
    labs, findings = prepare_labs(table, collapse_duplicates=False)
    assert set(labs["analyte"]) <= {"anc", "wbc"}
    if "origin" not in labs.columns:
        assert "anc_computed" not in findings["rule"].to_list()
        return
    computed = labs.filter(pl.col("origin").is_not_null())
    counted = labs.filter(
        (pl.col("analyte") == "anc") & pl.col("invalid").is_null() & pl.col("origin").is_null()
    )
    assert computed.join(counted, on=["patient_id", "day"], how="semi").is_empty()
    whites = labs.filter((pl.col("analyte") == "wbc") & pl.col("invalid").is_null())
    both = computed.join(whites, on=["patient_id", "day", "minute"], nulls_equal=True)
    assert both.height >= computed.height
    assert (both["value"] <= both["value_right"]).all()
