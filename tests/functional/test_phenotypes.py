"""Phenotypes from end to end: one file, and a study."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from quick_reports import finish_run
from study_files import change, write_study

STRETCHES = {
    "Q": [(0, 4, 3.0), (5, 14, 0.3), (15, 60, 2.0)],
    "I": [(0, 7, 0.4), (8, 29, 2.0), (30, 33, 0.8), (34, 60, 2.0)],
    "O": [(0, 7, 0.6), (8, 30, 2.0)],
    "N": [(0, 7, 0.6), (8, 20, 2.0)],
}
OUTCOMES = """
[outcomes.phenotype]
definition = "rejeski_2021_phenotypes"

[outcomes.second_dip]
definition = "rejeski_2021_phenotypes.second_dip"

[[analyses]]
id = "shapes"
kind = "occurrence"
outcomes = ["phenotype", "second_dip"]
"""


def write_courses(path: Path, names: dict[str, str]) -> Path:
    rows = [
        f"{patient},{day},ANC,{value},10^9/L,2.0"
        for patient, shape in names.items()
        for first, last, value in STRETCHES[shape]
        for day in range(first, last + 1)
    ]
    path.write_text("\n".join(["patient_id,day,analyte,value,unit,lln", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def labs(tmp_path: Path) -> Path:
    return write_courses(tmp_path / "labs.csv", {name: name for name in STRETCHES})


def test_phenotypes_of_one_file(command, labs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    answer = command("grade", labs, "--definition", "rejeski_2021_phenotypes", "--out", out)
    assert answer.code == 0
    assert (
        "Neutrophil recovery phenotypes (Rejeski 2021) of 4 patients: quick: 2, intermittent: 1,"
        " not judged: 1\n  with more than one possible label: 2\n"
    ) in answer.out
    table = pl.read_csv(out)
    every = "quick|intermittent|aplastic"
    assert table.select("patient_id", "label", "possible_labels", "decided").rows() == [
        ("I", "intermittent", "intermittent", True),
        ("N", None, every, False),
        ("O", "quick", every, False),
        ("Q", "quick", "quick", True),
    ]


def test_second_dips_of_one_file(command, labs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    answer = command("grade", labs, "--definition", "rejeski_2021_phenotypes.second_dip", "--out", out)
    assert answer.code == 0
    assert (
        "Second dip of the absolute neutrophil count of 4 patients: yes: 1, no: 2, not judged: 1\n"
        "  open because of unmeasured days: 2\n"
    ) in answer.out
    dip = pl.read_csv(out).row(0, named=True)
    assert (dip["label"], dip["first_day"], dip["last_day"]) == ("yes", 30, 33)


def shape(study: Path) -> Path:
    write_courses(study / "labs.csv", {"A": "I", "B": "Q"})
    change(study / "events.csv", "C,20,death", "C,20,death\nA,300,discharge")
    protocol = study / "study.toml"
    text = protocol.read_text(encoding="utf-8")
    head, _, _ = text.partition("[outcomes.neutropenia]")
    protocol.write_text(head + OUTCOMES, encoding="utf-8")
    return study


@pytest.fixture
def shaped(study: Path) -> Path:
    return shape(study)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of the study; tests only read them."""
    return finish_run(shape(write_study(tmp_path_factory.mktemp("phenotypes") / "cohort")))


def read(results: Path, name: str) -> pl.DataFrame:
    return pl.read_csv(results / name, infer_schema_length=None)


def counted(results: pl.DataFrame, level: str, *names: str) -> tuple[float | None, ...]:
    rows = results.filter(
        pl.col("analysis_id") == "shapes", pl.col("group") == "phenotypes", pl.col("variable_level") == level
    )
    return tuple(rows.filter(pl.col("estimate") == name)["value"].item() for name in names)


def test_phenotypes_of_a_study(finished: Path) -> None:
    """A is intermittent, B quick; C died on day 20 without a count: anything until then was possible."""
    results = read(finished, "results.csv")
    assert counted(results, "quick", "count", "certain", "possible") == (1, 1, 1)
    assert counted(results, "intermittent", "count", "certain", "possible") == (1, 1, 1)
    assert counted(results, "aplastic", "count", "certain", "possible") == (0, 0, 1)
    assert counted(results, "died early", "count", "certain", "possible") == (0, 0, 1)
    assert counted(results, "not judged", "count") == (1,)
    assert counted(results, "more than one possible", "count") == (1,)


def test_a_second_dip_has_its_day_length_and_depth(finished: Path) -> None:
    results = read(finished, "results.csv").filter(pl.col("group") == "second_dip")
    medians = results.filter(pl.col("estimate") == "median").select("variable_level", "value").rows()
    assert medians == [("first_day", 30), ("length_days", 4), ("depth", 0.8)]


def test_the_report_and_methods_name_the_phenotypes(finished: Path) -> None:
    report = (finished / "report.html").read_text(encoding="utf-8")
    assert "Phenotypes of recovery" in report
    assert "Phenotypes have no order" in report
    methods = (finished / "methods.md").read_text(encoding="utf-8")
    assert "recovery after that: above 1 ×10⁹/L on 3 days in a row" in methods
    patients = read(finished, "patients.csv")
    assert patients["phenotype_possible_labels"].to_list() == ["intermittent", "quick", "aplastic|died early"]


def test_evidence_shows_the_days_of_the_dip(finished: Path) -> None:
    evidence = read(finished, "evidence.csv").filter(
        pl.col("outcome") == "phenotype", pl.col("patient_id") == "A"
    )
    days = {
        verdict: evidence.filter(pl.col("verdict") == verdict)["day"].to_list()
        for verdict in ("first fall", "recovery", "second dip")
    }
    assert days == {"first fall": [0], "recovery": [8, 9, 10], "second dip": [30, 31, 32, 33]}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"rejeski_2021_phenotypes"\n',
            '"rejeski_2021_phenotypes"\nwindow = [0, 28]\n',
            "outcomes.phenotype: 'window' does not go with phenotypes; the definition says everything",
        ),
        (
            '"rejeski_2021_phenotypes"\n',
            '"rejeski_2021_phenotypes"\nmin_grade = 3\n',
            "outcomes.phenotype: 'min_grade' does not go with phenotypes",
        ),
        (".second_dip", ".dip", "'rejeski_2021_phenotypes' has no part 'dip'"),
        (
            'kind = "occurrence"\noutcomes = ["phenotype", "second_dip"]',
            'kind = "risk_factors"\noutcome = "phenotype"\nevent = "yes"\nfactors = ["sex"]\n'
            'columns = ["groups"]',
            "outcome 'phenotype' has phenotypes, which have no two sides; its second dip has: definition ="
            ' "rejeski_2021_phenotypes.second_dip"',
        ),
    ],
)
def test_protocols_that_ask_too_much(old: str, new: str, message: str, command, shaped: Path) -> None:
    change(shaped / "study.toml", old, new)
    answer = command("run", shaped)
    assert answer.code != 0
    assert message in answer.err


@pytest.mark.usefixtures("tables_alone")
def test_a_second_dip_is_an_event_of_other_analyses(command, shaped: Path) -> None:
    change(
        shaped / "study.toml",
        'kind = "occurrence"\noutcomes = ["phenotype", "second_dip"]',
        'kind = "risk_factors"\noutcome = "second_dip"\nevent = "yes"\nfactors = ["sex"]\n'
        'columns = ["groups"]',
    )
    assert command("run", shaped).code == 0
    sides = read(shaped / "results", "results.csv").filter(
        pl.col("analysis_id") == "shapes", pl.col("variable") == "patients", pl.col("scenario") == "policy"
    )
    assert dict(sides.select("stratum", "value").rows())["event"] == 1
