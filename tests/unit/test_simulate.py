"""The synthetic cohort: the same every time, in the shape of an export, and at one with its truth."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from cytopenia.contract import TABLES, check_tables, prepare_tables
from cytopenia.errors import DataError
from cytopenia.simulate import SimulatedCohort, simulate_cohort

NAMES = ["patients", "infusions", "labs", "support", "events", "responses"]


@pytest.fixture(scope="module")
def cohort() -> SimulatedCohort:
    return simulate_cohort(60, seed=3)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_cohort(name: str, cohort: SimulatedCohort) -> None:
    assert_frame_equal(simulate_cohort(60, seed=3).tables[name], cohort.tables[name])


def test_another_seed_gives_another_cohort(cohort: SimulatedCohort) -> None:
    assert not simulate_cohort(60, seed=4).tables["labs"].equals(cohort.tables["labs"])


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_those_of_the_contract(name: str, cohort: SimulatedCohort) -> None:
    assert set(cohort.tables[name].columns) <= set(TABLES[name].inputs)


def test_the_tables_pass_every_check(cohort: SimulatedCohort) -> None:
    findings = check_tables(prepare_tables(cohort.tables))
    assert set(findings["severity"]) <= {"info"}


@pytest.mark.parametrize("seed", range(5))
def test_one_patient_has_all_tables_with_their_columns(seed: int) -> None:
    tables = simulate_cohort(1, seed=seed).tables
    assert list(tables) == NAMES
    assert tables["support"].columns == ["patient_id", "start", "stop", "kind", "agent"]
    assert prepare_tables(tables).labs.height > 50


def test_a_printed_value_is_the_truth_rounded(cohort: SimulatedCohort) -> None:
    labs = cohort.tables["labs"].filter(pl.col("analyte") == "hemoglobin")
    both = labs.with_columns(pl.col("day").cast(pl.Int64)).join(cohort.truth, on=["patient_id", "day"])
    assert both.height == labs.height
    assert (both["value"].cast(pl.Float64) - both["hemoglobin"]).abs().max() <= 0.5


def test_low_neutrophils_are_printed_below_the_detection_limit(cohort: SimulatedCohort) -> None:
    labs = cohort.tables["labs"].filter(pl.col("analyte") == "anc", pl.col("value") == "<0.1")
    both = labs.with_columns(pl.col("day").cast(pl.Int64)).join(cohort.truth, on=["patient_id", "day"])
    assert both.height > 0
    assert both["anc"].max() < 0.1


def test_neutrophils_never_outnumber_white_cells(cohort: SimulatedCohort) -> None:
    assert (cohort.truth["anc"] < cohort.truth["wbc"]).all()


def test_the_truth_has_every_day(cohort: SimulatedCohort) -> None:
    assert cohort.truth.group_by("patient_id").len()["len"].unique().to_list() == [71]  # day -10 to 60


def test_nothing_happens_after_death(cohort: SimulatedCohort) -> None:
    deaths = cohort.tables["events"].filter(pl.col("kind") == "death").select("patient_id", death="day")
    assert deaths.height > 0
    for name, day in (("labs", "day"), ("support", "stop"), ("responses", "day")):
        later = cohort.tables[name].join(deaths, on="patient_id")
        assert (later[day].cast(pl.Int64) <= later["death"].cast(pl.Int64)).all(), name


@pytest.mark.parametrize(("patients", "seed"), [(0, 1), (-3, 1), (3, -1)])
def test_a_cohort_has_patients_and_a_seed(patients: int, seed: int) -> None:
    with pytest.raises(DataError, match="at least 1 patient, and a seed of 0 or more"):
        simulate_cohort(patients, seed=seed)
