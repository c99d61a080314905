"""A cohort of any size on disk: the same bytes however it was made, and readable by the package."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from cytopenia.contract import prepare_tables
from cytopenia.errors import DataError, OutputError
from cytopenia.large_cohort import derive_in_blocks
from cytopenia.simulate import SimulatedCohort, WrittenCohort, cohorts, simulate_cohort, write_cohort
from cytopenia.study.protocol import read_protocol

TABLES = ["patients", "infusions", "labs", "support", "events", "responses"]
FILES = [*(f"{name}.parquet" for name in (*TABLES, "truth", "truth_courses"))]
COMPANIONS = ["README.md", "simulation.json", "study.toml"]
SEVERAL = 300  # more than two blocks of 128


def read_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> WrittenCohort:
    return write_cohort(tmp_path_factory.mktemp("simulated") / "cohort", 30, seed=2)


@pytest.fixture(scope="module")
def cohort() -> SimulatedCohort:
    """The patients of `written` in memory."""
    return simulate_cohort(30, seed=2)


def write_several(folder: Path, *, at_once: int) -> WrittenCohort:
    """A cohort of three blocks, which are smaller here than a block is."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("cohorts", "draws"):
            patch.setattr(f"cytopenia.simulate.{module}.BLOCK", 128)
        return write_cohort(folder, SEVERAL, seed=2, blocks_at_once=at_once)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> WrittenCohort:
    return write_several(tmp_path_factory.mktemp("simulated") / "large", at_once=1)


def test_the_folder_holds_the_tables_and_their_companions(written: WrittenCohort) -> None:
    assert sorted(read_bytes(written.folder)) == sorted([*COMPANIONS, *FILES])
    assert written.rows["patients"] == 30


@pytest.mark.parametrize("name", TABLES)
def test_the_files_hold_the_cohort_of_memory(
    name: str, written: WrittenCohort, cohort: SimulatedCohort
) -> None:
    assert_frame_equal(pl.read_parquet(written.folder / f"{name}.parquet"), cohort.tables[name])
    assert written.rows[name] == cohort.tables[name].height


def test_the_truth_is_beside_them(written: WrittenCohort, cohort: SimulatedCohort) -> None:
    assert_frame_equal(pl.read_parquet(written.folder / "truth.parquet"), cohort.truth)
    assert_frame_equal(pl.read_parquet(written.folder / "truth_courses.parquet"), cohort.courses)


def test_the_bytes_do_not_depend_on_how_many_blocks_are_made_at_once(
    large: WrittenCohort, tmp_path: Path
) -> None:
    again = write_several(tmp_path / "again", at_once=3)
    assert read_bytes(again.folder) == read_bytes(large.folder)


def test_a_cohort_of_several_blocks_continues_the_numbers(large: WrittenCohort) -> None:
    patients = pl.read_parquet(large.folder / "patients.parquet")
    first, second = (patients.drop("patient_id").slice(start, 128) for start in (0, 128))
    assert not first.equals(second)
    names = patients["patient_id"]
    assert names.to_list() == [f"S{number:03d}" for number in range(1, SEVERAL + 1)]
    truth = pl.read_parquet(large.folder / "truth.parquet")
    assert truth["patient_id"].n_unique() == SEVERAL
    assert truth.select("patient_id", "day").is_duplicated().sum() == 0


def test_the_same_seed_replaces_a_cohort_by_the_same_bytes(tmp_path: Path) -> None:
    first = read_bytes(write_cohort(tmp_path / "cohort", 5, seed=7).folder)
    assert read_bytes(write_cohort(tmp_path / "cohort", 5, seed=8).folder) != first
    assert read_bytes(write_cohort(tmp_path / "cohort", 5, seed=7).folder) == first
    assert [path.name for path in tmp_path.iterdir()] == ["cohort"]


def test_the_labs_are_read_by_the_contract(written: WrittenCohort) -> None:
    raw = {name: pl.read_parquet(written.folder / f"{name}.parquet") for name in TABLES}
    tables = prepare_tables(raw)
    assert tables.labs.height == written.rows["labs"]
    assert tables.labs["invalid"].null_count() == tables.labs.height
    assert {"<", ">", "="} >= set(tables.labs["comparator"]) > {"="}
    assert set(tables.findings["severity"]) <= {"info"}


def test_the_labs_are_graded_block_by_block(written: WrittenCohort) -> None:
    study = read_protocol(written.folder / "study.toml")
    assert study.protocol.study.synthetic
    found = derive_in_blocks({"labs": written.folder / "labs.parquet"}, study, blocks=2)
    outcomes = pl.concat([block.outcomes for block in found])
    severe = outcomes.filter(pl.col("outcome") == "severe_neutropenia")
    assert severe["patient_id"].n_unique() == 30
    assert severe["policy"].sum() > 15


def test_the_companions_say_that_it_is_synthetic(written: WrittenCohort) -> None:
    readme = (written.folder / "README.md").read_text("utf-8")
    assert "Every patient here is invented" in readme
    assert "30 patients, seed 2, schedule `inpatient_then_clinic`" in readme
    settings = json.loads((written.folder / "simulation.json").read_text("utf-8"))
    assert settings["synthetic"] is True
    assert (settings["patients"], settings["seed"]) == (30, 2)
    assert settings["rows"] == written.rows


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    write_cohort(tmp_path / "cohort", 2, seed=1, progress=lambda *one: told.append(one))
    assert ("simulating", 1, 1) in told
    assert told[-1] == ("writing", 8, 8)


@pytest.mark.parametrize("name", ["notes.txt", "results"])
def test_other_files_are_not_replaced(name: str, tmp_path: Path) -> None:
    folder = write_cohort(tmp_path / "cohort", 2, seed=1).folder
    (folder / name).mkdir()
    before = read_bytes_of_files(folder)
    with pytest.raises(OutputError, match=rf"holds files that are no simulated cohort \({name}\)"):
        write_cohort(folder, 3, seed=1)
    assert read_bytes_of_files(folder) == before


def read_bytes_of_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_tables_of_somebody_else_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "labs.parquet").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=r"no simulated cohort \(labs.parquet\)"):
        write_cohort(tmp_path, 3, seed=1)
    assert (tmp_path / "labs.parquet").read_text("utf-8") == "mine"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "cohort").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="is a file"):
        write_cohort(tmp_path / "cohort", 3, seed=1)


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "cohort").mkdir()
    assert write_cohort(tmp_path / "cohort", 1, seed=1).rows["patients"] == 1


def test_blocks_at_once_are_at_least_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="blocks_at_once is 0; allowed: 1 or more"):
        write_cohort(tmp_path / "cohort", 1, seed=1, blocks_at_once=0)
    assert not (tmp_path / "cohort").exists()


def test_a_failure_leaves_the_earlier_cohort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_cohort(tmp_path / "cohort", 2, seed=1).folder
    before = read_bytes(folder)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cohorts, "make_block", fail)
    with pytest.raises(
        OutputError, match=r"cannot be written \(No space left on device\). Nothing was changed"
    ):
        write_cohort(folder, 3, seed=1)
    assert read_bytes(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["cohort"]
