"""Bedside scales equal their slow twin; a missing input gives exactly what every way to fill it in gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside_factory import bounds_of, grade_rows
from twin_bedside import CHOICES, INPUTS, bounds


def rows_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Rows with at most three inputs missing, so that the twin can try every way to fill them in."""
    full = st.fixed_dictionaries({key: st.sampled_from(CHOICES[key]) for key in INPUTS[name]})
    gaps = st.sets(st.sampled_from(INPUTS[name]), max_size=3)
    return st.tuples(full, gaps).map(
        lambda two: {key: None if key in two[1] else value for key, value in two[0].items()}
    )


def is_contradiction(row: dict[str, Any]) -> bool:
    return row.get("oxygen") == "none" and (row.get("fio2") or 0) > 0.21


@pytest.mark.parametrize("name", INPUTS)
def test_it_equals_every_way_to_fill_in_what_is_missing(name):
    @given(st.lists(rows_of(name).filter(lambda row: not is_contradiction(row)), min_size=1, max_size=4))
    def check(rows):
        # Rows without a patient stand alone: none of them shows what another was.
        for row, graded in zip(rows, grade_rows(name, rows).iter_rows(named=True), strict=True):
            least, most = bounds(name, row)
            assert bounds_of(graded) == (least if least == most else None, least, most)

    check()


@pytest.mark.parametrize("name", INPUTS)
def test_to_fill_in_an_input_never_widens_the_bounds(name):
    @given(rows_of(name), st.data())
    def check(row, data):
        missing = [key for key in INPUTS[name] if row[key] is None]
        filled = {**row, **{key: data.draw(st.sampled_from(CHOICES[key])) for key in missing[:1]}}
        if is_contradiction(filled):
            return
        before, after = (
            grade.row(0, named=True) for grade in (grade_rows(name, [row]), grade_rows(name, [filled]))
        )
        assert before["grade_best"] <= after["grade_best"] <= after["grade_worst"] <= before["grade_worst"]

    check()
