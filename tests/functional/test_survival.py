"""Survival from end to end: the study of three patients, and what is refused when the file is read.

A is followed to day 200 and B to day 180; C dies on day 20. On day 28 A has recovered and B has not.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from quick_reports import finish_run
from study_files import change, write_study

pytestmark = pytest.mark.usefixtures("coarse_pictures")

ANALYSES = """
[outcomes.anc_time]
definition = "cibmtr_neutrophil_recovery"

[factors.ferritin_peak]
analyte = "ferritin"
at = "peak"

[factors.crs]
event = "crs"
window = [0, 28]
without_event = "none"

[[analyses]]
id = "anc_days"
kind = "time_to_recovery"
outcome = "anc_time"
days = [14, 28]
by = "sex"

[[analyses]]
id = "os_landmark"
label = "Figure 3"
kind = "survival"
title = "Overall survival by recovery at day 28"
endpoint = "overall_survival"
by = "recovery"
landmark = 28
times = [100, 160]
restricted_mean_until = 150
factors = ["age_years"]

[[analyses]]
id = "os_all"
kind = "survival"
endpoint = "overall_survival"
times = [100, 365]
"""


def lengthen(folder: Path) -> Path:
    study = folder / "study.toml"
    study.write_text(study.read_text("utf-8") + ANALYSES, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finish_run(lengthen(write_study(tmp_path_factory.mktemp("survival") / "cohort")))


def find(folder: Path, analysis: str, **names: str) -> pl.DataFrame:
    rows = pl.read_csv(folder / "results.csv", infer_schema_length=None).with_columns(
        pl.col("stratum", "variable_level").fill_null("")
    )
    return rows.filter(analysis_id=analysis, **names)


def test_who_is_in_the_landmark_analysis(finished: Path) -> None:
    rows = find(finished, "os_landmark", group="patients", scenario="policy", stratum="")
    counts = dict(zip(rows["variable_level"], rows["value"], strict=True))
    assert counts == {"cohort": 3, "died on or before day 28": 1, "analyzed": 2, "deaths": 0}
    groups = find(finished, "os_landmark", group="patients", scenario="policy", variable_level="analyzed")
    assert dict(zip(groups["stratum"], groups["value"], strict=True)) == {
        "": 2,
        "Recovered": 1,
        "Not recovered": 1,
    }


def test_time_runs_from_the_landmark_or_from_the_infusion(finished: Path) -> None:
    """A is followed for 172 days from day 28, B for 152; from the infusion C dies on day 20 of three."""
    shares = find(finished, "os_landmark", group="times", estimate="survival", scenario="policy")
    assert shares.filter(stratum="Not recovered")["value"].to_list() == [1, None]
    assert shares.filter(stratum="Recovered")["value"].to_list() == [1, 1]
    whole = find(finished, "os_all", group="times", estimate="survival")
    assert whole["value"].to_list() == [pytest.approx(2 / 3), None]


def test_three_patients_get_no_model_but_the_reason(finished: Path) -> None:
    rows = find(finished, "os_landmark", group="univariable", estimate="hazard_ratio")
    assert set(rows["status"]) == {"not_done"}
    assert set(rows["note"]) == {"0 deaths: factors are described only below 10"}


def test_the_report_has_the_figure_the_tables_and_the_method(finished: Path) -> None:
    page, methods = ((finished / name).read_text("utf-8") for name in ("report.html", "methods.md"))
    for text in (
        "Figure 3. Overall survival by",
        "svg-survival-os_landmark",
        "At risk (deaths)",
        "svg-group-curves-anc_days",
        "Of 3 patients: 1 died on or before day 28.",
        "Day 100 after the landmark (95% CI)",
    ):
        assert text in page
    for text in ("Landmark analysis", "Kaplan and Meier", "log-rank test", "Gray's test", "reversed curve"):
        assert text in methods
    assert "judged by “Hematologic recovery at day 28" in methods
    for absent in ("Cox regression", "logistic regression", "Subdistribution"):
        assert absent not in methods


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'by = "recovery"\nlandmark = 28\n',
            'by = "recovery"\n',
            "'recovery' is known on day 28 only, but time begins on day 0: its patients had to live until"
            " then, so that a group would owe its survival to the waiting (immortal time)."
            " Write landmark = 28, or later",
        ),
        ("landmark = 28", "landmark = 20", "'recovery' is known on day 28 only, but time begins on day 20"),
        (
            "times = [100, 365]\n",
            'times = [100, 365]\nby = "crs"\n',
            "'crs' is known on day 28 only, but time begins on day 0",
        ),
        (
            "times = [100, 365]\n",
            'times = [100, 365]\nfactors = ["ferritin_peak"]\n',
            "'ferritin_peak' is known on day 14 only, but time begins on day 0",
        ),
        (
            'by = "sex"',
            'by = "crs"',
            "'crs' is known on day 28 only, but time begins on day 0",
        ),
        (
            'by = "sex"',
            'by = "recovery"',
            "by names the outcome 'recovery', which is known after infusion only",
        ),
        ('by = "sex"', 'by = "age_years"', "by = 'age_years' has numbers, which make no groups"),
        ('by = "sex"', 'by = "sexx"', "by names 'sexx' (did you mean 'sex'?)"),
        ('by = "recovery"', 'by = "anc_time"', "by is 'anc_time', a day of recovery, which makes no groups"),
        ('by = "recovery"', 'by = "anemia"', "outcome 'anemia' has grades; name one with a min_grade"),
        ("times = [100, 160]", "times = [160, 100]", "[160, 100] must rise, such as [180, 365]"),
        (
            'factors = ["age_years"]\n\n[[analyses]]\nid = "os_all"',
            'factors = ["age_years"]\nmultivariable = { terms = ["sex"] }\n\n[[analyses]]\nid = "os_all"',
            "multivariable.terms names 'sex', neither by nor among the factors",
        ),
        (
            "times = [100, 365]\n",
            'times = [100, 365]\nmultivariable = { select = { screen = "univariable", p_below = 0.1 } }\n',
            "a model of survival takes terms, named before the data are seen, and no select",
        ),
        (
            "times = [100, 365]\n",
            'times = [100, 365]\nfactors = ["recovery"]\n',
            "factors names the outcome 'recovery'; give it as by = \"recovery\"",
        ),
    ],
)
def test_what_would_mislead_is_refused_at_the_door(
    old: str, new: str, words: str, command, tmp_path: Path
) -> None:
    folder = lengthen(write_study(tmp_path / "cohort"))
    change(folder / "study.toml", old, new)
    answer = command("check", folder)
    assert answer.code != 0
    assert words in answer.err.replace("\n  ", " ")
