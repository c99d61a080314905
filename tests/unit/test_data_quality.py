"""The numbers of the data-quality page, on three patients typed by hand: every count is counted by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from cytopenia.contract import Tables, prepare_tables
from cytopenia.contract.data_quality import QUALITY_SCHEMAS, DataQuality
from cytopenia.readers.sources import read_tables
from cytopenia.study.coverage import count_groups, cover_days
from cytopenia.study.data_quality import measure_quality
from cytopenia.study.lab_quality import count_censored, count_limits, count_moments, spread_values
from cytopenia.study.protocol import Study, read_protocol
from study_files import STUDY, change, write_study

LINEAGES = ("anc", "hemoglobin", "platelets")
COLUMNS = ("patient_id", "day", "time", "analyte", "value", "unit", "lln", "uln")


def read(folder: Path) -> tuple[Study, Tables]:
    study = read_protocol(folder)
    return study, read_tables(study.data_folder, study.protocol.data)


def measure(folder: Path) -> DataQuality:
    return measure_quality(*read(folder))


@pytest.fixture(scope="module")
def quality(tmp_path_factory: pytest.TempPathFactory) -> DataQuality:
    return measure(write_study(tmp_path_factory.mktemp("quality")))


def labs_of(*rows: tuple[str | None, ...]) -> pl.DataFrame:
    """Prepared labs of rows as a file has them."""
    frame = pl.DataFrame([*rows], schema=dict.fromkeys(COLUMNS, pl.String), orient="row")
    return prepare_tables({"labs": frame}).labs


def of_analyte(frame: pl.DataFrame, analyte: str) -> list[tuple[object, ...]]:
    return frame.filter(pl.col("analyte") == analyte).drop("analyte").rows()


def test_every_frame_has_the_columns_that_are_promised(quality: DataQuality) -> None:
    found = {name: dict(getattr(quality, name).schema) for name in QUALITY_SCHEMAS}
    assert found == {
        name: dict(pl.DataFrame(schema=schema).schema) for name, schema in QUALITY_SCHEMAS.items()
    }


def test_the_tables(quality: DataQuality) -> None:
    assert quality.tables.rows() == [
        ("patients", 3, 3),
        ("infusions", 3, 3),
        ("labs", 63, 3),
        ("support", 2, 2),
        ("events", 3, 3),
        ("responses", 0, 0),
    ]


def test_the_days_are_those_that_the_outcomes_look_at_with_eight_on_both_sides(quality: DataQuality) -> None:
    assert (quality.first_day, quality.last_day) == (-8, 36)


def test_the_days_of_each_patient(quality: DataQuality) -> None:
    """A and B: 8 days measured, all between day -6 and 28 in short gaps. C is at risk to the day of death."""
    assert of_analyte(quality.covered_patients, "anc") == [
        (1, "A", 45, 8, 27, 10),
        (2, "B", 45, 8, 27, 10),
        (3, "C", 29, 5, 21, 3),
    ]


def test_the_patients_of_a_day(quality: DataQuality) -> None:
    days = quality.covered_days.filter((pl.col("analyte") == "anc") & pl.col("day").is_in([-7, 0, 3, 20, 21]))
    assert days.drop("analyte").rows() == [
        (-7, 3, 0, 0, 3, 0.0, 0.0, 100.0),
        (0, 3, 3, 0, 0, 100.0, 0.0, 0.0),
        (3, 3, 0, 3, 0, 0.0, 100.0, 0.0),
        (20, 3, 2, 0, 1, pytest.approx(66.6667, abs=1e-4), 0.0, pytest.approx(33.3333, abs=1e-4)),
        (21, 2, 0, 2, 0, 0.0, 100.0, 0.0),
    ]


def test_the_weeks_count_from_day_0(quality: DataQuality) -> None:
    weeks = quality.covered_weeks.filter(pl.col("analyte") == "anc")
    assert weeks.select("first_day", "last_day", "at_risk", "measured", "short_gap", "open").rows()[:3] == [
        (-8, -8, 3, 0, 0, 3),
        (-7, -1, 21, 3, 15, 3),
        (0, 6, 21, 3, 18, 0),
    ]
    assert weeks["last_day"].to_list() == [-8, -1, 6, 13, 20, 27, 34, 36]
    assert weeks["percent_measured"][1] == pytest.approx(100 / 7)


def test_all_days(quality: DataQuality) -> None:
    """A and B 45 days each, C 29: 21 measured, 75 in short gaps, 23 open."""
    row = quality.covered.filter(pl.col("analyte") == "hemoglobin").row(0)
    assert row[1:5] == (119, 21, 75, 23)
    assert row[5] == pytest.approx(17.647, abs=1e-3)
    assert row[-2:] == (3, 0)


def test_the_map_of_days_leaves_out_what_is_not_at_risk(quality: DataQuality) -> None:
    own = quality.patient_days.filter((pl.col("analyte") == "platelets") & (pl.col("place") == 3))
    assert own.height == 29
    assert own.filter(pl.col("day").is_between(17, 20))["state"].to_list() == [
        *("short_gap", "short_gap"),
        *("measured", "open"),
    ]
    assert quality.group_weeks.is_empty()


def test_the_weekdays_of_draws(quality: DataQuality) -> None:
    """By the calendar: the infusions of A, B and C were on a Wednesday, a Thursday and a Friday."""
    measured = quality.weekdays.filter(pl.col("analyte") == "anc")["measured"].to_list()
    assert measured == [1, 4, 7, 5, 3, 1, 0]


def test_the_windows(quality: DataQuality) -> None:
    """Of 3 times 29 days: C was not measured on the day of death, and 8 days follow it."""
    windows, part = quality.windows.drop("outcomes").rows(), pytest.approx(100 * 18 / 79)
    assert windows == [
        *((name, 0, 28, 3, 18, 0, 60, 1, 0, 8, 79, part, 1, 0) for name in LINEAGES),
        *((name, 26, 28, 3, 6, 0, 0, 0, 0, 3, 6, 100.0, 0, 0) for name in LINEAGES),
    ]
    assert quality.windows["outcomes"][3] == "Hematologic recovery at day 28"
    assert quality.windows["outcomes"][1] == "Anemia; Anemia, grade 3 or higher"


def test_a_window_counts_who_is_no_longer_followed_and_who_was_never_measured(tmp_path: Path) -> None:
    """B is last seen on day 10 and has no count after day 7; A has no count at all."""
    folder = write_study(tmp_path)
    change(folder / "events.csv", "B,180,last_contact", "B,10,last_contact")
    lines = (folder / "labs.csv").read_text("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("A") and not line.startswith(("B,13", "B,2"))]
    (folder / "labs.csv").write_text("\n".join(kept), "utf-8")
    found = measure(folder)
    states = ("measured", "filled", "open", "not_followed", "over", "patients_open", "patients_unmeasured")
    # A: 29 open. B: days 0 and 7, between them 6, then 3 open and 18 after the last contact. C as before.
    assert found.windows.select(states).row(0) == (6, 22, 33, 18, 8, 3, 1)
    assert dict(found.ends.select("reason", "patients").rows()) == {
        "counts to the end": 0,
        "died": 1,
        "second infusion": 0,
        "no count from day 0 on": 1,
        "last contact before the end": 1,
        "counts end early, nothing explains it": 0,
    }


def test_until_when_patients_have_counts(quality: DataQuality) -> None:
    assert quality.ends.filter(pl.col("patients") > 0).rows() == [
        ("counts to the end", 2, 28.0),
        ("died", 1, 19.0),
    ]


def test_what_is_known_beyond_the_last_window(quality: DataQuality) -> None:
    """A is known for 172 days beyond day 28, B for 152."""
    assert quality.follow_up.row(0) == (2.0, 157.0, 162.0, 167.0)


def test_outcomes_that_nothing_unseen_can_change(quality: DataQuality) -> None:
    names = quality.outcomes["outcome"].to_list()
    assert names[:3] == ["neutropenia", "anemia", "thrombocytopenia"]
    counts = quality.outcomes.select(pl.sum_horizontal("decided", "may_differ", "not_judged"))
    assert set(counts.to_series()) == {3}


def test_support_and_events_outside_the_days(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    with (folder / "support.csv").open("a", encoding="utf-8") as file:
        file.write("B,-3,,gcsf,\nC,29,30,gcsf,\n")
    with (folder / "events.csv").open("a", encoding="utf-8") as file:
        file.write("A,-2,infection\nA,28,infection\nA,29,infection\n")
    found = measure(folder)
    assert found.support.rows() == [("gcsf", 3, 3, 1, 1, 1), ("platelet_transfusion", 1, 1, 0, 0, 0)]
    assert found.events.rows() == [
        ("death", 1, 1, 0, 0),
        ("infection", 3, 1, 1, 1),
        ("last_contact", 2, 2, 0, 2),
    ]


def test_facts_about_patients(tmp_path: Path) -> None:
    """D has no infusion, B no end of observation, C a second infusion, A no date."""
    folder = write_study(tmp_path)
    change(folder / "patients.csv", "C,70,male", "C,70,male\nD,70,male")
    change(folder / "events.csv", "B,180,last_contact\n", "")
    (folder / "infusions.csv").write_text(
        "patient_id,day,infusion_date,lymphodepletion_day\nA,0,,\nB,,2024-02-01,-5\n"
        "C,,2024-03-01,-5\nC,,2024-03-11,\n",
        "utf-8",
    )
    assert measure(folder).facts.rows() == [
        ("without_infusion", 1, 4),
        ("infusion_undated", 1, 3),
        ("lymphodepletion_unknown", 1, 3),
        ("second_infusion", 1, 3),
        ("without_count", 0, 3),
        ("died", 1, 3),
        ("end_unknown", 1, 3),
    ]


def test_draws_that_contradict_and_days_with_several_values() -> None:
    """Without a time two values are two draws of a day; the same value printed twice is a repeat."""
    labs = labs_of(
        ("a", "1", "08:00", "anc", "1.0", "G/L", None, None),
        ("a", "1", "08:00", "anc", "1.5", "G/L", None, None),
        ("a", "1", "18:00", "anc", "1.2", "G/L", None, None),
        ("a", "2", None, "anc", "1.0", "G/L", None, None),
        ("a", "2", None, "anc", "2.0", "G/L", None, None),
        ("a", "3", None, "anc", "2.0", "G/L", None, None),
        ("a", "3", "08:00", "platelets", "20", "G/L", None, None),
        ("a", "3", "08:00", "platelets", "<20", "G/L", None, None),
        ("a", "4", "08:00", "platelets", "30", "G/L", None, None),
        ("a", "4", "08:00", "platelets", "30", "G/L", None, None),
    )
    assert count_moments(labs).rows() == [("anc", 1, 2), ("platelets", 1, 1)]


def test_values_printed_as_limits() -> None:
    rows = [("<0.1", "G/L"), ("<100", "/uL"), (">50", "G/L"), ("0.2", "G/L"), ("<0.5", "G/L")]
    labs = labs_of(*(("a", str(day), None, "anc", *row, None, None) for day, row in enumerate(rows)))
    assert count_censored(labs).rows() == [
        ("anc", "<", 0.1, 2),
        ("anc", "<", 0.5, 1),
        ("anc", ">", 50.0, 1),
    ]


def test_limits_of_normal() -> None:
    labs = labs_of(
        ("a", "1", None, "anc", "1.0", "G/L", "1.8", "7.5"),
        ("a", "2", None, "anc", "1.1", "G/L", "1.8", "7.5"),
        ("b", "1", None, "anc", "1200", "/uL", "2000", None),
        ("c", "1", None, "anc", "1.3", "G/L", None, None),
        ("c", "2", None, "anc", "clotted", "G/L", "9", None),
    )
    assert count_limits(labs).rows() == [
        ("anc", "lln", 1.8, 2, 1),
        ("anc", "lln", 2.0, 1, 1),
        ("anc", "lln", None, 1, 1),
        ("anc", "uln", 7.5, 2, 1),
        ("anc", "uln", None, 2, 2),
    ]


def test_a_wrong_unit_is_a_second_hump() -> None:
    """Half the values of hemoglobin are g/dL under the name of g/L: nothing lies between the two."""
    values = [*("110", "112", "115", "118"), *("11.0", "11.2", "11.5", "11.8")]
    labs = labs_of(*(("a", str(day), None, "Hb", one, "g/L", None, None) for day, one in enumerate(values)))
    spread = spread_values(labs)
    assert spread["is_log"].all()
    filled = spread.filter(pl.col("judged") + pl.col("implausible") > 0)
    assert spread.select(pl.sum("judged"), pl.sum("implausible")).row(0) == (8, 0)
    between = spread.filter(pl.col("low").is_between(12, 100))
    assert between.height > 30
    assert between.select(pl.sum("judged")).item() == 0
    assert (filled["low"][0], filled["high"][-1]) == (11.0, 118.0)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["0", "0"], [(False, 0.0, 0.0, 2, 0)]),
        (["5", "5"], [(False, 5.0, 5.0, 2, 0)]),
        (["0", "5"], [(False, 0.0, 0.0, 1, 0), (False, 5.0, 5.0, 1, 0)]),
        (["9000"], [(False, 9000.0, 9000.0, 0, 1)]),
        (["-1", "clotted", ""], []),
    ],
)
def test_bins_of_few_values(values: list[str], expected: list[tuple[object, ...]]) -> None:
    labs = labs_of(*(("a", str(day), None, "wbc", one, "G/L", None, None) for day, one in enumerate(values)))
    assert spread_values(labs).drop("analyte").rows() == expected


def test_tables_with_errors_are_measured_as_far_as_they_go(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    change(folder / "patients.csv", "B,48,male", "B,48,male\nB,48,male")
    found = measure(folder)
    assert found.hindrance == "The tables have errors; correct them first."
    assert (found.windows.height, found.outcomes.height) == (0, 0)
    assert of_analyte(found.covered_patients, "anc")[0] == (1, "A", 45, 8, 27, 10)


def test_a_study_without_outcomes_has_the_usual_days(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    head = STUDY.partition("[outcomes.")[0]
    tail = '\n[[analyses]]\nid = "characteristics"\nkind = "characteristics"\nfactors = ["sex"]\n'
    (folder / "study.toml").write_text(head + tail, "utf-8")
    found = measure(folder)
    assert (found.first_day, found.last_day) == (-30, 90)
    assert found.hindrance == "The study file names no outcome."
    # Beyond the days between day -6 and 28, A is open on 24 days before and 62 after.
    assert of_analyte(found.covered_patients, "anc")[0] == (1, "C", 51, 5, 21, 25)
    assert of_analyte(found.covered_patients, "anc")[1] == (2, "A", 121, 8, 27, 86)


def test_nobody_at_all(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    for name in ("labs", "patients", "infusions", "events", "support"):
        path = folder / f"{name}.csv"
        path.write_text(path.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    found = measure(folder)
    assert found.has_days is False
    assert found.covered_patients.is_empty()
    assert set(found.covered_days["at_risk"]) == {0}


def test_a_large_cohort_is_told_by_groups_of_patients_and_weeks(tmp_path: Path) -> None:
    """240 patients, 4 a group. The first 60 by id are measured on all 8 days 0 to 7, the others on day 0."""
    rows = [
        {"patient_id": f"p{place:03}", "day": day, "analyte": "anc", "value": 1.0, "unit": "G/L"}
        for place in range(240)
        for day in (range(8) if place < 60 else range(1))
    ]
    tables = prepare_tables({"labs": pl.DataFrame(rows)})
    coverage = cover_days(tables, ["anc"], days=(-1, 8), longest_gap=8)
    groups = count_groups(coverage)
    assert groups.filter(pl.col("place") == 15).drop("place").rows() == [
        (4, "anc", -1, -1, 4, 0, 0.0),
        (4, "anc", 0, 6, 28, 28, 100.0),
        (4, "anc", 7, 8, 8, 4, 50.0),
    ]
    assert groups.filter(pl.col("place") == 16).drop("place").rows() == [
        (4, "anc", -1, -1, 4, 0, 0.0),
        (4, "anc", 0, 6, 28, 4, pytest.approx(100 / 7)),
        (4, "anc", 7, 8, 8, 0, 0.0),
    ]
    assert groups["place"].n_unique() == 60


def test_tables_that_were_not_read_have_an_account_of_their_rows(tmp_path: Path) -> None:
    study, tables = read(write_study(tmp_path))
    bare = replace(tables, lab_account=tables.lab_account.clear())
    account = measure_quality(study, bare).account
    assert account.select("analyte", "printed", "state", "rows").rows() == [
        ("anc", "1e9/L", "judged", 21),
        ("hemoglobin", "g/L", "judged", 21),
        ("platelets", "1e9/L", "judged", 21),
    ]
