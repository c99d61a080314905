"""The synthetic cohort: the same every time, in the shape of an export, and at one with its truth."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from cytopenia.contract import TABLES, check_tables, prepare_tables
from cytopenia.errors import DataError
from cytopenia.simulate import SimulatedCohort, load_parameters, simulate_cohort
from cytopenia.units import convert_value, match_unit

NAMES = ["patients", "infusions", "labs", "support", "events", "responses"]
COUNTS = ["wbc", "anc", "alc", "hemoglobin", "platelets"]


@pytest.fixture(scope="module")
def cohort() -> SimulatedCohort:
    return simulate_cohort(200, seed=3)


@pytest.fixture(scope="module")
def printed(cohort: SimulatedCohort) -> pl.DataFrame:
    """Every printed count in its own unit, with the true count and the size of the unit."""
    labs = cohort.tables["labs"].filter(pl.col("analyte").is_in(COUNTS))
    truth = cohort.truth.unpivot(index=["patient_id", "day"], variable_name="analyte", value_name="truth")
    size = labs.select("analyte", "unit").unique()
    sizes = [convert_value(1.0, unit, analyte=analyte) for analyte, unit in size.rows()]
    joined = labs.join(truth, on=["patient_id", "day", "analyte"], how="left").join(
        size.with_columns(pl.Series("size", sizes)), on=["analyte", "unit"]
    )
    return joined.with_columns(pl.col("truth").cast(pl.Float64))


@pytest.fixture(scope="module")
def again() -> SimulatedCohort:
    return simulate_cohort(200, seed=3)


@pytest.fixture(scope="module")
def smaller() -> SimulatedCohort:
    return simulate_cohort(7, seed=3)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_cohort(
    name: str, cohort: SimulatedCohort, again: SimulatedCohort
) -> None:
    assert_frame_equal(again.tables[name], cohort.tables[name])


def test_another_seed_gives_another_cohort(cohort: SimulatedCohort) -> None:
    assert not simulate_cohort(200, seed=4).tables["labs"].equals(cohort.tables["labs"])


@pytest.mark.parametrize("name", NAMES)
def test_the_first_patients_of_a_larger_cohort_are_those_of_a_smaller(
    name: str, cohort: SimulatedCohort, smaller: SimulatedCohort
) -> None:
    named = pl.col("patient_id").is_in([f"S{number:03d}" for number in range(1, 8)])
    assert_frame_equal(cohort.tables[name].filter(named), smaller.tables[name])


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_those_of_the_contract(name: str, cohort: SimulatedCohort) -> None:
    further = {"site"} if name == "patients" else set()
    assert set(cohort.tables[name].columns) - further <= set(TABLES[name].inputs)


@pytest.mark.parametrize("schedule", list(load_parameters().schedules))
def test_the_tables_pass_every_check(schedule: str) -> None:
    findings = check_tables(prepare_tables(simulate_cohort(40, seed=5, schedule=schedule).tables))
    assert set(findings["severity"]) <= {"info"}


@pytest.mark.parametrize("seed", range(3))
def test_one_patient_has_all_tables_with_their_columns(seed: int) -> None:
    tables = simulate_cohort(1, seed=seed).tables
    assert list(tables) == NAMES
    assert tables["support"].columns == ["patient_id", "start", "stop", "kind", "agent"]
    assert prepare_tables(tables).labs.height > 50


def test_values_are_text_and_every_unit_resolves(cohort: SimulatedCohort) -> None:
    labs = cohort.tables["labs"]
    assert labs.schema["value"] == pl.String
    pairs = labs.select("analyte", "unit").unique().rows()
    assert [pair for pair in pairs if match_unit(*pair) is None] == []
    for analyte, units in {"anc": 4, "hemoglobin": 2, "crp": 2, "creatinine": 2}.items():
        assert len({unit for name, unit in pairs if name == analyte}) == units


# Half of the last printed digit: 0.01 and 0.1 of a count in 1e9/L, tens per microliter, whole g/L ...
HALF_A_DIGIT = {
    ("10^9/L", "counts"): 0.005,
    ("G/L", "counts"): 0.005,
    ("K/uL", "counts"): 0.05,
    ("/uL", "counts"): 5.0,
    ("g/L", "hemoglobin"): 0.5,
    ("g/dL", "hemoglobin"): 0.05,
}
# Three standard deviations of the analytical error stated in parameters.toml.
WIDEST_ERROR = {"wbc": 0.03, "anc": 0.05, "alc": 0.05, "hemoglobin": 0.012, "platelets": 0.04}


@pytest.mark.parametrize("analyte", COUNTS)
def test_a_printed_value_is_the_truth_with_the_stated_error(analyte: str, printed: pl.DataFrame) -> None:
    rows = printed.filter(pl.col("analyte") == analyte, ~pl.col("value").str.contains("[<>]"))
    assert rows.height > 1000
    assert rows["truth"].null_count() == 0
    kind = "hemoglobin" if analyte == "hemoglobin" else "counts"
    for unit, part in rows.partition_by("unit", as_dict=True).items():
        half = 0.5 if analyte == "platelets" else HALF_A_DIGIT[str(unit[0]), kind]
        shown = part["value"].cast(pl.Float64)
        truth = part["truth"] / part["size"]
        widest = truth * (2.718281828459045 ** (3 * WIDEST_ERROR[analyte]) - 1)
        assert ((shown - truth).abs() <= widest + half + 1e-4 * truth).all(), unit
        assert (shown != truth).any()


@pytest.mark.parametrize("analyte", ["wbc", "anc", "alc"])
def test_low_counts_are_printed_below_the_reporting_limit(analyte: str, printed: pl.DataFrame) -> None:
    rows = printed.filter(pl.col("analyte") == analyte, pl.col("value").str.starts_with("<"))
    assert rows.height > 0
    limit = rows["value"].str.slice(1).cast(pl.Float64) * rows["size"]
    assert set(limit.round(6)) <= {0.1, 0.02}
    assert (rows["truth"] < limit * 1.2).all()  # 1.2: more than three standard deviations of error


def test_neutrophils_never_outnumber_white_cells(cohort: SimulatedCohort, printed: pl.DataFrame) -> None:
    assert (cohort.truth["anc"] <= cohort.truth["wbc"]).all()
    assert (cohort.truth["anc"] + cohort.truth["alc"] <= cohort.truth["wbc"] * 1.000001).all()
    exact = printed.filter(~pl.col("value").str.contains("[<>]"), pl.col("analyte").is_in(["anc", "wbc"]))
    wide = exact.with_columns(pl.col("value").cast(pl.Float64)).pivot(
        "analyte", index=["patient_id", "day", "minute"], values="value"
    )
    both = wide.drop_nulls()
    assert both.height > 2000
    assert (both["anc"] <= both["wbc"]).all()


def test_differentials_are_missing_where_white_cells_are_few(printed: pl.DataFrame) -> None:
    key = ["patient_id", "day", "minute"]
    white = printed.filter(pl.col("analyte") == "wbc")
    counted = printed.filter(pl.col("analyte") == "anc").select(*key, counted=True)
    draws = white.join(counted, on=key, how="left").with_columns(pl.col("counted").fill_null(value=False))
    # 0.4 and 1.0 are the lowest and highest habit of a site; 1.2 leaves room for the error.
    assert draws.filter(pl.col("truth") > 1.2)["counted"].all()
    few = draws.filter(pl.col("truth") < 0.3)["counted"]
    assert len(few) > 100
    assert 0.1 < few.cast(pl.Float64).mean() < 0.5


def test_the_truth_has_every_day_of_life(cohort: SimulatedCohort) -> None:
    days = cohort.truth.group_by("patient_id").agg(
        first=pl.col("day").min(), last=pl.col("day").max(), days=pl.len()
    )
    both = days.join(cohort.courses, on="patient_id", validate="1:1")
    assert both.height == 200
    assert set(both["first"]) == {-10}
    assert (both["days"] == both["last"] + 11).all()
    expected = pl.min_horizontal(pl.col("death_day").fill_null(100), 100)
    assert both.select((pl.col("last") == expected).all()).item()
    assert cohort.truth.null_count().sum_horizontal().item() == 0


def test_nothing_happens_after_death(cohort: SimulatedCohort) -> None:
    deaths = cohort.tables["events"].filter(pl.col("kind") == "death").select("patient_id", death="day")
    assert deaths.height > 0
    tables = {**cohort.tables, "truth": cohort.truth}
    for name, day in (("labs", "day"), ("support", "stop"), ("responses", "day"), ("events", "day"),
                      ("truth", "day")):  # fmt: skip
        later = tables[name].join(deaths, on="patient_id")
        assert later.height > 0
        assert (later[day] <= later["death"]).all(), name


def test_everybody_has_a_last_day(cohort: SimulatedCohort) -> None:
    ends = cohort.tables["events"].filter(pl.col("kind").is_in(["death", "last_contact"]))
    assert sorted(ends["patient_id"]) == cohort.tables["patients"]["patient_id"].to_list()
    labs = cohort.tables["labs"].join(ends.select("patient_id", end="day"), on="patient_id")
    assert (labs["day"] <= labs["end"]).all()


def test_toxicities_have_grade_and_scale(cohort: SimulatedCohort) -> None:
    graded = cohort.tables["events"].filter(pl.col("kind").is_in(["crs", "icans"]))
    assert set(graded["scale"]) == {"ASTCT"}
    assert set(graded["grade"]) <= {1, 2, 3, 4}
    assert cohort.tables["events"].filter(pl.col("grade").is_null())["scale"].null_count() > 0


@pytest.mark.parametrize("schedule", list(load_parameters().schedules))
def test_a_schedule_has_the_stated_number_of_draws(schedule: str) -> None:
    cohort = simulate_cohort(300, seed=8, schedule=schedule)
    ends = cohort.tables["events"].filter(
        pl.col("kind").is_in(["death", "last_contact"]), pl.col("day") >= 100
    )
    days = cohort.tables["labs"].group_by("patient_id").agg(pl.col("day").n_unique())
    lived = days.join(ends.select("patient_id"), on="patient_id", how="semi")
    assert lived.height > 200
    least, most = load_parameters().schedules[schedule].draws
    assert least <= lived["day"].min() <= lived["day"].max() <= most


def test_some_days_have_a_second_draw(cohort: SimulatedCohort) -> None:
    draws = cohort.tables["labs"].group_by("patient_id", "day").agg(pl.col("minute").n_unique())
    again = draws.filter(pl.col("minute") == 2)
    ward = draws.filter(pl.col("day") <= 14)
    assert set(draws["minute"]) == {1, 2}
    assert again.height / ward.height == pytest.approx(0.04, abs=0.015)  # as parameters.toml says


@pytest.mark.parametrize(("patients", "seed"), [(0, 1), (-3, 1), (3, -1)])
def test_a_cohort_has_patients_and_a_seed(patients: int, seed: int) -> None:
    with pytest.raises(DataError, match="at least 1 patient, and a seed of 0 or more"):
        simulate_cohort(patients, seed=seed)


def test_an_unknown_schedule_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        DataError, match=r"unknown schedule 'weekli' \(did you mean 'weekly'\?\); known: daily,"
    ):
        simulate_cohort(1, seed=1, schedule="weekli")
