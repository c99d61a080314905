"""Leaving out the repeats of another system depends on no order, and changes no value that is left."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from cytopenia.contract import prepare_labs

ROW = st.tuples(
    st.integers(0, 2),
    st.sampled_from([None, 480, 481]),
    st.sampled_from([("4.5", "K/uL"), ("4.53", "K/uL"), ("4530", "/uL"), ("<4.5", "K/uL"), ("5", "K/uL")]),
    st.sampled_from(["lis", "icu", "poct", None]),
)


def prepare(rows: list[tuple[Any, ...]], *, collapse: bool = True) -> pl.DataFrame:
    table = pl.DataFrame(
        [("1", day, minute, "WBC", *printed, system, row) for row, day, minute, printed, system in rows],
        schema={
            "patient_id": pl.String,
            "day": pl.Int32,
            "minute": pl.Int32,
            "analyte": pl.String,
            "value": pl.String,
            "unit": pl.String,
            "system": pl.String,
            "source_row": pl.UInt32,
        },
        orient="row",
    )
    return prepare_labs(table, collapse_duplicates=collapse)[0]


@given(st.data(), st.lists(ROW, min_size=1, max_size=10))
def test_the_order_of_the_rows_does_not_matter(data: st.DataObject, rows: list[tuple[Any, ...]]) -> None:
    numbered = [(place, *row) for place, row in enumerate(rows, start=2)]
    columns = ["day", "minute", "value", "comparator"]
    first, second = (
        sorted(prepare(order).select(columns).rows(), key=str)
        for order in (numbered, data.draw(st.permutations(numbered)))
    )
    assert first == second


@given(st.lists(ROW, min_size=1, max_size=10))
def test_every_day_keeps_its_values_but_for_the_rounding(rows: list[tuple[Any, ...]]) -> None:
    numbered = [(place, *row) for place, row in enumerate(rows, start=2)]
    every, kept = prepare(numbered, collapse=False), prepare(numbered)
    assert set(kept["source_row"]) <= set(every["source_row"])
    assert set(kept["day"]) == set(every["day"])
    for day in set(every["day"]):
        before, after = (frame.filter(pl.col("day") == day)["value"] for frame in (every, kept))
        # Half a unit is the coarsest rounding that occurs here.
        assert all((after - value).abs().min() <= 0.5 for value in before)
        assert set(after) <= set(before)
