"""Febrile neutropenia as an outcome of a study: counted, tested, combined; and the scale of recorded CRS."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from quick_reports import finish_run
from study_files import change, write_study

# Day 7: A has a single reading of 38.5, B one of 38.1 only; C has none, and neutrophils are low all along.
READINGS = """A,7,38.5
B,7,38.1
"""
OUTCOME = """[outcomes.fn]
definition = "ctcae_v5_febrile_neutropenia"
window = [7, 7]

[outcomes.fn_or_anemia]
any_of = ["fn", "severe_anemia"]

[factors.crs]
event = "crs"
window = [0, 28]
grade_from = [1, 3]
without_event = "none"

[[analyses]]
id = "risk"
kind = "risk_factors"
outcome = "fn"
event = "yes"
columns = ["groups", "p"]
factors = ["sex", "crs"]

[[analyses]]
id = "cross"
kind = "crosstab"
outcome = "fn"
event = "no"
factor = "sex"

[[analyses]]
id = "characteristics"
"""


def write(folder: Path) -> Path:
    study = write_study(folder)
    labs = study / "labs.csv"
    rows = [line.split(",") for line in READINGS.splitlines()]
    added = "".join(f"{patient},{day},temperature,{value},degC,\n" for patient, day, value in rows)
    labs.write_text(labs.read_text("utf-8") + added, encoding="utf-8")
    events = (study / "events.csv").read_text("utf-8").splitlines()
    scaled = [f"{events[0]},grade,scale", *(f"{line},," for line in events[1:])]
    scaled += ["A,3,crs,2,Lee 2014", "B,4,crs,3,"]
    (study / "events.csv").write_text("\n".join(scaled) + "\n", encoding="utf-8")
    change(study / "study.toml", '[[analyses]]\nid = "characteristics"\n', OUTCOME)
    change(study / "study.toml", '"thrombocytopenia", "severe', '"thrombocytopenia", "fn", "severe')
    return study


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finish_run(write(tmp_path_factory.mktemp("fever") / "cohort"))


def test_a_study_counts_febrile_neutropenia_and_says_why_others_are_open(finished):
    outcomes = pl.read_csv(finished / "outcomes.csv").filter(pl.col("outcome") == "fn").sort("patient_id")
    assert outcomes.select("policy", "best", "worst", "label").rows() == [
        (1, 1, 1, "yes"),
        (None, 0, 1, None),
        (None, 0, 1, None),
    ]
    assert outcomes["rule"][0] == "ctcae_v5_febrile_neutropenia: a single temperature"
    results = pl.read_csv(finished / "results.csv", infer_schema_length=None)
    rows = results.filter(
        (pl.col("analysis_id") == "occurrence")
        & (pl.col("variable") == "fn")
        & (pl.col("estimate") == "count")
    )
    counted = {
        row["scenario"]: row["value"] for row in rows.filter(pl.col("variable_level") == "yes").to_dicts()
    }
    assert counted == {"policy": 1, "best": 1, "worst": 3}


def test_evidence_of_a_study_has_both_sources(finished):
    evidence = pl.read_csv(finished / "evidence.csv").filter(pl.col("outcome") == "fn")
    shown = evidence.sort("patient_id", "analyte").select("patient_id", "analyte", "role", "low").rows()
    assert shown == [
        ("A", "anc", "decides", 0.31),
        ("A", "temperature", "decides", 38.5),
        ("B", "temperature", "would settle", 38.1),
    ]


def test_methods_print_the_sentence_and_what_is_assumed(finished):
    methods = (finished / "methods.md").read_text("utf-8")
    assert r"ANC \<1000/mm3 with a single temperature of \>38.3 degrees C" in methods
    assert "on a day without one, that of the day before" in methods


def test_the_scale_of_recorded_crs_is_named_where_it_is_a_factor(finished):
    results = pl.read_csv(finished / "results.csv", infer_schema_length=None)
    texts = results.filter((pl.col("analysis_id") == "risk") & (pl.col("variable") == "crs"))[
        "text"
    ].to_list()
    label = "Cytokine release syndrome (grade as recorded, scale Lee 2014; not recorded in 1 of 2)"
    assert label in texts
    assert label in (finished / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("window = [7, 7]\n", "", r"outcomes\.fn: 'window' is missing"),
        ("window = [7, 7]", "window = [7, 7]\nmin_grade = 4", "'min_grade' is 4; allowed: 3"),
        ("window = [7, 7]", "window = [7, 7]\ntreatment_emergent = true", "'treatment_emergent' belongs"),
        (
            "window = [7, 7]",
            'window = [7, 7]\ndied_before_landmark = "exclude"',
            "'died_before_landmark' bel",
        ),
        ('event = "no"', 'event = "recovered"', 'of outcome \'fn\' it is "yes" or "no"'),
        ("v5_febrile", "v7_febrile", "unknown definition 'ctcae_v7_febrile_neutropenia'"),
        ("ctcae_v5_febrile_neutropenia", "astct_2019_crs", "is of kind 'bedside' and is no outcome"),
    ],
)
def test_a_wrong_protocol_says_what_is_allowed(command, tmp_path, old, new, words):
    study = write(tmp_path / "cohort")
    change(study / "study.toml", old, new)
    answer = command("check", study)
    assert answer.code == 13
    assert re.search(words, answer.out + answer.err)
