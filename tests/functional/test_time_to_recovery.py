"""Time to recovery from end to end; every expected number is worked out from the counts in `study_files`.

Neutrophils: A has 0.31 on day 7 and then 0.84, 1.2 and 1.4 on days 13, 20 and 26; B has 0.11 on day 7 and
then 0.52, 1.1 and 1.3 on the same days; C is below until death on day 20. So A and B recover on day 13.
Platelets at a cut of 20: A is never below and never transfused; B has 18 on day 13, was transfused on day 12,
and recovers on day 20, with 27, 30 and 30 on days 20, 26 and 27; C has 12 on day 19 and dies.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from quick_reports import finish_run
from study_files import change, write_study

pytestmark = pytest.mark.usefixtures("one_picture")

OUTCOMES = """
[outcomes.anc_time]
definition = "cibmtr_neutrophil_recovery"

[outcomes.plt_time]
definition = "cibmtr_platelet_recovery_20"

[[analyses]]
id = "anc_days"
kind = "time_to_recovery"
title = "Time to neutrophil recovery"
outcome = "anc_time"
days = [7, 14, 28, 100]

[[analyses]]
id = "plt_days"
kind = "time_to_recovery"
label = "Figure 2"
outcome = "plt_time"
days = [28]
"""


def lengthen(folder: Path, text: str = OUTCOMES) -> Path:
    study = folder / "study.toml"
    study.write_text(study.read_text("utf-8") + text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finish_run(lengthen(write_study(tmp_path_factory.mktemp("time") / "cohort")))


def find(folder: Path, analysis: str, level: str, estimate: str, scenario: str = "policy") -> float | None:
    rows = pl.read_csv(folder / "results.csv", infer_schema_length=None).filter(
        pl.col("group") != "curve",
        analysis_id=analysis,
        variable_level=level,
        estimate=estimate,
        scenario=scenario,
    )
    return rows["value"].item()


def test_the_days_of_the_patients(finished: Path) -> None:
    outcomes = pl.read_csv(finished / "outcomes.csv", infer_schema_length=None)
    found = outcomes.filter(pl.col("outcome").is_in(["anc_time", "plt_time"]))
    assert found.select("patient_id", "label", "first_day", "last_day", "decided").rows() == [
        ("A", "recovered", 13, 100, True),
        ("B", "recovered", 13, 100, True),
        ("C", "died", None, 20, True),
        ("A", "never below", None, 100, False),
        ("B", "recovered", 20, 100, True),
        ("C", "died", None, 20, True),
    ]


def test_the_curves_at_the_days(finished: Path) -> None:
    """Three at risk, two recover on day 13, the third dies on day 20."""
    found = [
        find(finished, "anc_days", f"recovery|{day}", "cumulative_incidence") for day in (7, 14, 28, 100)
    ]
    assert found == pytest.approx([0, 2 / 3, 2 / 3, 2 / 3])
    deaths = [find(finished, "anc_days", f"death|{day}", "cumulative_incidence") for day in (14, 28)]
    assert deaths == pytest.approx([0, 1 / 3])
    assert [find(finished, "anc_days", f"recovery|{day}", "at_risk") for day in (7, 14, 28)] == [3, 1, 0]
    assert find(finished, "anc_days", "recovery", "median_day") == 13


def test_never_below_is_counted_apart_and_in_no_curve(finished: Path) -> None:
    """Of three patients one is never below; of the other two one recovers."""
    assert find(finished, "plt_days", "never below", "count") == 1
    assert find(finished, "plt_days", "never below", "denominator") == 3
    assert find(finished, "plt_days", "recovery|28", "cumulative_incidence") == 0.5


def test_the_evidence_is_the_run(finished: Path) -> None:
    evidence = pl.read_csv(finished / "evidence.csv", infer_schema_length=None)
    of_b = evidence.filter(pl.col("outcome") == "plt_time", pl.col("patient_id") == "B")
    assert of_b.select("day", "role", "verdict").rows() == [
        (20, "decides", "met"),
        (26, "decides", "met"),
        (27, "decides", "met"),
    ]


def test_the_report_has_tables_a_figure_and_the_method(finished: Path) -> None:
    page, methods = ((finished / name).read_text("utf-8") for name in ("report.html", "methods.md"))
    for text in ("66.7%", "Died before recovery", "Never below", "Figure 2.", "svg-curve-anc_days"):
        assert text in page
    assert "Aalen and Johansen" in methods
    assert "three consecutive laboratory values obtained on different days" in methods
    assert "The following were graded by the Neutrophil recovery" not in methods


def test_one_file_is_judged_by_a_definition_of_days(command, tmp_path: Path) -> None:
    folder, out = write_study(tmp_path / "cohort"), tmp_path / "days.csv"
    answer = command(
        "grade", folder / "labs.csv", "--definition", "cibmtr_neutrophil_recovery", "--out", out,
        "--events", folder / "events.csv",
    )  # fmt: skip
    assert answer.code == 0
    assert "Count recovery of 3 patients: died: 1, recovered: 2" in answer.out
    assert pl.read_csv(out)["policy"].to_list() == [13, 13, float("inf")]


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet", ".tsv"])
def test_infinite_days_can_be_written_to_every_type_of_file(suffix: str, command, tmp_path: Path) -> None:
    folder, out = write_study(tmp_path / "cohort"), tmp_path / f"days{suffix}"
    labs, events = folder / "labs.csv", folder / "events.csv"
    answer = command(
        "grade", labs, "--definition", "cibmtr_platelet_recovery_20", "--out", out, "--events", events
    )
    assert (answer.code, out.exists()) == (0, True)
    if suffix == ".xlsx":
        days = pl.read_excel(out, infer_schema_length=None)
        assert days.select("policy", "worst").rows() == [("-inf", "inf"), ("20", "20"), ("inf", "inf")]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'outcome = "anc_time"',
            'outcome = "recovery"',
            "outcome 'recovery' is judged at a landmark (day 28); write kind = \"recovery\" without days",
        ),
        (
            'kind = "time_to_recovery"\ntitle = "Time to neutrophil recovery"\noutcome = "anc_time"\n'
            "days = [7, 14, 28, 100]",
            'kind = "recovery"\noutcome = "anc_time"',
            "outcome 'anc_time' is a day of recovery without a landmark; write kind = \"time_to_recovery\"",
        ),
        (
            'outcome = "anc_time"',
            'outcome = "anemia"',
            "outcome 'anemia' is not a recovery; its definition must be of kind 'recovery'",
        ),
        ('outcome = "anc_time"', 'outcome = "anc_tim"', "unknown outcome 'anc_tim'"),
        ("days = [28]", "days = [28, 14]", "[28, 14] must rise, such as [14, 28, 60, 100]"),
        (
            "days = [28]",
            "days = [28, 180]",
            "days has 180; 'cibmtr_platelet_recovery_20' looks at days until 100",
        ),
        (
            'definition = "cibmtr_platelet_recovery_20"',
            'definition = "cibmtr_platelet_recovery_20"\ndied_before_landmark = "exclude"',
            "'died_before_landmark' belongs to a recovery at a landmark; here death is a competing event",
        ),
        (
            'definition = "cibmtr_platelet_recovery_20"',
            'definition = "cibmtr_platelet_recovery_20"\nwindow = [0, 28]',
            "'window' belongs to graded outcomes only; the definition says from which day until which",
        ),
        (
            'kind = "time_to_recovery"\nlabel = "Figure 2"\noutcome = "plt_time"\ndays = [28]',
            'kind = "occurrence"\noutcomes = ["plt_time"]',
            "outcome 'plt_time' is a day of recovery; give it to an analysis of kind 'time_to_recovery'",
        ),
        (
            'kind = "time_to_recovery"\nlabel = "Figure 2"\noutcome = "plt_time"\ndays = [28]',
            'kind = "crosstab"\noutcome = "plt_time"\nevent = "recovered"\nfactor = "sex"',
            "outcome 'plt_time' is a day of recovery and has no two sides; name a recovery at a landmark",
        ),
    ],
)
def test_what_cannot_be_asked_is_told_at_the_door(
    old: str, new: str, words: str, command, tmp_path: Path
) -> None:
    folder = lengthen(write_study(tmp_path / "cohort"))
    change(folder / "study.toml", old, new)
    answer = command("check", folder)
    assert answer.code != 0
    assert words in answer.err
