"""Bedside scales equal their slow twin; a missing input gives exactly what every way to fill it in gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedside_factory import bounds_of, grade_rows
from strategies import share_of_examples
from twin_bedside import CHOICES, INPUTS, bounds


def full_rows(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Rows with every input; each is read from a byte of its own."""
    keys = INPUTS[name]
    return st.binary(min_size=len(keys), max_size=len(keys)).map(
        lambda drawn: {
            key: CHOICES[key][byte % len(CHOICES[key])] for key, byte in zip(keys, drawn, strict=True)
        }
    )


def rows_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Rows with at most three inputs missing, so that the twin can try every way to fill them in."""
    gaps = st.sets(st.sampled_from(INPUTS[name]), max_size=3)
    return st.tuples(full_rows(name), gaps).map(
        lambda two: {key: None if key in two[1] else value for key, value in two[0].items()}
    )


def is_contradiction(row: dict[str, Any]) -> bool:
    return row.get("oxygen") == "none" and (row.get("fio2") or 0) > 0.21


@pytest.mark.parametrize("name", INPUTS)
def test_it_equals_every_way_to_fill_in_what_is_missing(name):
    possible = rows_of(name).filter(lambda row: not is_contradiction(row))

    @share_of_examples(0.5)
    @given(st.lists(possible, min_size=8, max_size=16))
    def check(rows):
        # Rows without a patient stand alone: none of them shows what another was.
        for row, graded in zip(rows, grade_rows(name, rows).iter_rows(named=True), strict=True):
            least, most = bounds(name, row)
            assert bounds_of(graded) == (least if least == most else None, least, most)

    check()


@pytest.mark.parametrize("name", INPUTS)
def test_to_fill_in_an_input_never_widens_the_bounds(name):
    """Every row stands twice: as drawn, and with its first missing input filled in."""

    @share_of_examples(0.3)
    @given(st.lists(st.tuples(rows_of(name), full_rows(name)), min_size=8, max_size=24))
    def check(pairs):
        rows = []
        for row, values in pairs:
            missing = [key for key in INPUTS[name] if row[key] is None]
            filled = {**row, **{key: values[key] for key in missing[:1]}}
            rows += [] if is_contradiction(filled) else [row, filled]
        if not rows:
            return
        graded = grade_rows(name, rows).select("grade_best", "grade_worst").rows()
        for before, after in zip(graded[::2], graded[1::2], strict=True):
            assert before[0] <= after[0] <= after[1] <= before[1]

    check()
