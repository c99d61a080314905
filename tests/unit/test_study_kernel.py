"""The cohort in parts, in blocks and shuffled: the outcomes of a patient depend on nobody else."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from cytopenia.contract import Tables, prepare_tables
from cytopenia.definitions import load_library
from cytopenia.grading import day_grid
from cytopenia.new_study import fill_template
from cytopenia.simulate import simulate_cohort
from cytopenia.study import outcomes as study_outcomes
from cytopenia.study.outcomes import CohortOutcomes, derive_outcomes
from cytopenia.study.plan import Plan, build_plan
from cytopenia.study.protocol import read_protocol

LIBRARY = load_library()


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    path = tmp_path_factory.mktemp("plan") / "study.toml"
    path.write_text(fill_template(), encoding="utf-8")
    return build_plan(read_protocol(path))


@pytest.fixture(scope="module")
def tables() -> Tables:
    return prepare_tables(simulate_cohort(23, seed=4).tables)


def derive(tables: Tables, plan: Plan) -> CohortOutcomes:
    return derive_outcomes(tables, plan, bounds=LIBRARY.bounds, use_caps=True)


@pytest.mark.parametrize("size", [1, 5, 23])
def test_the_size_of_the_parts_changes_nothing(
    tables: Tables, plan: Plan, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = derive(tables, plan)
    split = day_grid.split_courses
    monkeypatch.setattr(study_outcomes, "split_courses", lambda courses: split(courses, size))
    found = derive(tables, plan)
    assert_frame_equal(found.outcomes, whole.outcomes)
    assert_frame_equal(found.cells, whole.cells)
    keys = ["outcome", "analyte", "patient_id", "day", "role"]
    assert_frame_equal(found.evidence.sort(keys), whole.evidence.sort(keys))


def test_the_order_of_the_rows_changes_nothing(tables: Tables, plan: Plan) -> None:
    names = ("patients", "infusions", "labs", "support", "events")
    shuffled = {name: getattr(tables, name).sample(fraction=1, shuffle=True, seed=9) for name in names}
    other = Tables(**{**vars(tables), **shuffled})
    assert_frame_equal(derive(other, plan).outcomes, derive(tables, plan).outcomes)


def test_progress_is_told_until_everybody_is_done(tables: Tables, plan: Plan) -> None:
    told: list[tuple[str, int, int]] = []
    derive_outcomes(tables, plan, bounds=LIBRARY.bounds, progress=lambda *step: told.append(step))
    assert told[-1] == ("grading", 23, 23)


def test_evidence_names_the_row_of_the_file(tables: Tables, plan: Plan) -> None:
    """A deciding measured day points at the row of labs.csv whose value and day it shows."""
    evidence = derive(tables, plan).evidence.filter(outcome="neutropenia", role="decides", state="measured")
    rows = evidence.join(tables.labs, on="source_row", suffix="_file")
    assert rows.height == evidence.height > 0
    assert rows.filter(pl.col("day") != pl.col("day_file")).is_empty()
    assert rows.filter((pl.col("high") - pl.col("value")).abs() > 1e-9).is_empty()
