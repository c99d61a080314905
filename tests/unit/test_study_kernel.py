"""The cohort in parts, in blocks and shuffled: the outcomes of a patient depend on nobody else."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from cytopenia.contract import Tables, prepare_tables
from cytopenia.definitions import load_library
from cytopenia.grading import day_grid
from cytopenia.new_study import fill_template
from cytopenia.simulate import simulate_cohort
from cytopenia.study import outcomes as study_outcomes
from cytopenia.study.blocks import derive_in_blocks
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


@pytest.mark.parametrize("blocks", [1, 3])
def test_blocks_of_patients_give_the_same_outcomes(
    tables: Tables, plan: Plan, blocks: int, tmp_path: Path
) -> None:
    labs = simulate_cohort(23, seed=4).tables["labs"]
    labs.write_parquet(tmp_path / "labs.parquet")
    found = derive_in_blocks(tmp_path / "labs.parquet", plan, bounds=LIBRARY.bounds, blocks=blocks)
    together = pl.concat([cohort.outcomes for cohort in found])
    alone = derive_outcomes(prepare_tables({"labs": labs}), plan, bounds=LIBRARY.bounds).outcomes
    keys = ["outcome", "patient_id"]
    assert_frame_equal(together.sort(keys), alone.sort(keys))


def test_blocks_keep_the_row_of_the_file_and_the_patient_whose_id_has_blanks(
    plan: Plan, tmp_path: Path
) -> None:
    """Rows 2 to 5 of the file: two patients of grade 4 on every measured day."""
    labs = pl.DataFrame(
        {
            "patient_id": ["1", " 1", "1 ", "2"],
            "day": [5, 6, 7, 5],
            "analyte": "ANC",
            "value": [0.4, 0.3, 0.2, 0.1],
            "unit": "10^9/L",
        }
    )
    labs.write_parquet(tmp_path / "labs.parquet")
    found = list(derive_in_blocks(tmp_path / "labs.parquet", plan, bounds=LIBRARY.bounds, blocks=7))
    severe = pl.concat([cohort.outcomes for cohort in found]).filter(outcome="neutropenia")
    assert sorted(severe["patient_id"]) == ["1", "2"]
    evidence = pl.concat([cohort.evidence for cohort in found])
    decides = evidence.filter(outcome="neutropenia", role="decides", state="measured")
    rows = decides.select("patient_id", "day", "source_row").rows()
    assert sorted(rows) == [("1", 5, 2), ("1", 6, 3), ("1", 7, 4), ("2", 5, 5)]


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
