"""The finding on a lower limit of normal that is missing where it decides a grade."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from cytopenia.study_tables import read_checked
from cytopenia.workflow import analyze_study

HEAD = "patient_id,day,analyte,value,unit,lln"
# P1 never below 94, P2 down to 60 (grade 2), P3 at 100 with a limit that makes it grade 1.
PLATELETS = [
    "P1,-6,platelets,242,10^9/L,",
    "P1,3,platelets,94,10^9/L,",
    "P1,4,platelets,120,10^9/L,",
    "P2,-6,platelets,200,10^9/L,",
    "P2,3,platelets,60,10^9/L,",
    "P3,3,platelets,100,10^9/L,150",
]


@pytest.fixture
def study(tmp_path: Path):
    def write(*outcomes: str, rows: list[str] = PLATELETS, lln: str = "") -> Path:
        (tmp_path / "labs.csv").write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
        text = "\n".join(
            [
                '[study]\ntitle = "Made up"\nsynthetic = true\nseed = 1',
                f'[data]\nfolder = "."\n[data.labs]\nfile = "labs.csv"\n{lln}',
                *outcomes,
                '[[analyses]]\nid = "seen"\nkind = "occurrence"\noutcomes = ["low"]',
            ]
        )
        path = tmp_path / "study.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def outcome(definition: str, more: str = "") -> str:
    return f'[outcomes.low]\ndefinition = "{definition}"\nwindow = [0, 28]\n{more}'


ANY = outcome("ctcae_v5.platelet_count_decreased")
SEVERE = outcome("ctcae_v5.platelet_count_decreased", "min_grade = 3")
MILD = outcome("ctcae_v5.platelet_count_decreased", "min_grade = 1")


def missing(path: Path) -> pl.DataFrame:
    return read_checked(path).findings.filter(pl.col("rule") == "limit_missing")


@pytest.mark.parametrize("asked", [ANY, MILD])
def test_who_has_a_grade_that_a_limit_decides_is_counted(study, asked: str) -> None:
    """P1 alone: P2 has grade 2 whatever the limit is, and P3 has a limit."""
    found = missing(study(asked))
    assert found.select("table", "column", "severity", "rows").rows() == [("labs", "lln", "warning", 1)]
    message = found["message"][0]
    said = "labs: the lower limit of normal (lln) is missing where it decides a grade: "
    assert message.startswith(f"{said}platelets (1 patient: low). ")
    assert 'under [data.labs]: lln = { anc = { value = ..., unit = "1e9/L" } }' in message
    assert "P1" not in message


def test_a_severe_grade_needs_no_limit(study) -> None:
    assert missing(study(SEVERE)).is_empty()


def test_a_stated_limit_is_enough(study) -> None:
    stated = 'lln = { platelets = { value = 150, unit = "1e9/L" } }'
    assert missing(study(ANY, lln=stated)).is_empty()


def test_a_limit_of_values_that_are_not_looked_at_is_not_missed(study) -> None:
    """Day 40 lies outside the window, and neutrophils are not asked for."""
    rows = ["P1,3,platelets,60,10^9/L,", "P1,40,platelets,160,10^9/L,", "P1,3,anc,4.0,10^9/L,"]
    assert missing(study(ANY, rows=rows)).is_empty()


def test_the_run_says_it_too_and_answers_what_needs_no_limit(study) -> None:
    """Grade 3 or higher was not reached by P1 (94 to 242), P2 (60) and P3 (100): three times no."""
    run = analyze_study(study(SEVERE))
    answers = run.outcomes.filter(pl.col("outcome") == "low").sort("patient_id")
    assert answers.select("patient_id", "label").rows() == [("P1", "no"), ("P2", "no"), ("P3", "no")]
    assert "limit_missing" not in run.findings["rule"].to_list()
    any_grade = analyze_study(study(ANY))
    assert any_grade.findings.filter(pl.col("rule") == "limit_missing")["rows"].to_list() == [1]
    graded = any_grade.outcomes.filter(pl.col("outcome") == "low").sort("patient_id")
    assert graded["policy"].to_list() == [None, 2, 1]
