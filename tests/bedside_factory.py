"""Bedside rows written in words, for tests of the scales: "temperature=38.6 oxygen=none ..."."""

from __future__ import annotations

from typing import Any

import polars as pl

from cytopenia.contract.bedside import prepare_bedside
from cytopenia.definition_forms import BedsideDefinition
from cytopenia.definitions import load_definition
from cytopenia.grading.clinical import grade_bedside

QUIET = {
    "astct_2019_crs": "temperature=37.0 antipyretic=no crs_diagnosed=no hypotension=no vasopressors=none"
    " oxygen=none",
    "lee_2014_crs": "temperature=37.0 constitutional=no hypotension=no vasopressors=none oxygen=none"
    " organ_toxicity_grade=0 transaminitis_grade=0",
    "astct_2019_icans": "ice=10 consciousness=awake seizure=none motor_weakness=none edema=none",
}


def scale(name: str) -> BedsideDefinition:
    definition = load_definition(name)
    assert isinstance(definition, BedsideDefinition)
    return definition


def read_cells(text: str) -> dict[str, str]:
    return dict(cell.split("=") for cell in text.split())


def grade_rows(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of cells as a file has them; "." is a blank cell."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [{key: None if row.get(key) in (".", None) else str(row[key]) for key in columns} for row in rows]
    table, _ = prepare_bedside(pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.String)))
    return grade_bedside(table, scale(name))


def grade_quiet(name: str, text: str) -> dict[str, Any]:
    """One row that is quiet but for the cells of the text."""
    row = {**read_cells(QUIET[name]), **read_cells(text)}
    return grade_rows(name, [row]).row(0, named=True)


def bounds_of(graded: dict[str, Any]) -> tuple[int | None, int, int]:
    return graded["grade"], graded["grade_best"], graded["grade_worst"]
