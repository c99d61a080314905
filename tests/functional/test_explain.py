"""The explanation of one patient: every sentence here was worked out by hand, see `explain_study.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from cytopenia import explain_patient
from cytopenia.grading.explain import PatientExplanation
from cytopenia.report.explanation_page import render_explanation
from cytopenia.workflow import analyze_study
from explain_study import find_row, write_explain_study

ROOT = Path(__file__).parents[2]
Explain = Callable[[str], PatientExplanation]
PATIENTS = ("LONG", "EDGE", "GAP", "SPLIT", "LOW")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_explain_study(tmp_path_factory.mktemp("explain") / "cohort")


@pytest.fixture(scope="module")
def explain(folder: Path) -> Explain:
    """Every outcome of a patient; each patient is explained once for all tests."""
    return cache(lambda patient: explain_patient(folder, patient))


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> pl.DataFrame:
    """The outcomes of a run of the study."""
    return analyze_study(folder).outcomes


def page_of(explained: PatientExplanation, *outcomes: str) -> str:
    """The page of some outcomes of a patient, without line breaks."""
    found = {item.name: item for item in explained.outcomes}
    chosen = tuple(found[name] for name in outcomes)
    return join_lines("\n".join(render_explanation(replace(explained, outcomes=chosen))))


def join_lines(text: str) -> str:
    return " ".join(text.split())


def test_the_command_prints_the_page(command, folder: Path, explain: Explain) -> None:
    answer = command("explain", folder, "GAP", "--outcome", "neutropenia", "--outcome", "icaht")
    assert (answer.code, answer.err) == (0, "")
    assert join_lines(answer.out) == page_of(explain("GAP"), "neutropenia", "icaht")


def test_a_combination_comes_with_its_parts(command, folder: Path) -> None:
    answer = command("explain", folder, "SINGLE", "--outcome", "severe_cytopenia")
    assert re.findall(r"^(\d\. \w+):", answer.out, re.MULTILINE) == [
        "1. severe_cytopenia",
        "2. severe_neutropenia",
        "3. severe_thrombocytopenia",
    ]


def test_two_more_days(explain: Explain) -> None:
    page = page_of(explain("LONG"), "icaht")
    assert "grade 2, decided" in page
    assert "ANC <=500/uL for 7-13 days" in page
    assert "12 days, day 5 to 16" in page
    assert "2 more days ≤ 0.5 ×10⁹/L (day 17 and 18): grade 3" in page
    assert "one value ≤ 0.5 ×10⁹/L on day 2, 3, 18 or 19: grade 3" in page


def test_two_more_days_would_have_made_it_severe(explain: Explain) -> None:
    """12 of 14 days: "grade 3 or higher?" has the answer no, for want of the same two days."""
    page = page_of(explain("LONG"), "severe_icaht")
    assert "no, decided" in page
    assert "ANC <=500/uL for >=14 days" in page
    assert "12 days, day 5 to 16" in page
    assert "2 more days ≤ 0.5 ×10⁹/L (day 17 and 18): yes" in page


def test_the_lower_of_two_values_of_a_day_counts_and_its_row_is_named(explain: Explain) -> None:
    page = page_of(explain("LONG"), "icaht")
    row = find_row("LONG", 16, "anc")
    assert f"day 16: 0.3 ×10⁹/L, row {row}, lowest of 2 values that day" in page


def test_growth_factor_stands_beside_the_days(explain: Explain) -> None:
    page = page_of(explain("LONG"), "icaht")
    assert f"day 6: 0.3 ×10⁹/L, row {find_row('LONG', 6, 'anc')}, on G-CSF" in page


def test_one_value_at_the_edge_of_a_gap_would_have_settled_it(explain: Explain) -> None:
    page = page_of(explain("EDGE"), "icaht")
    assert "grade 2; between grade 2 and 3" in page
    assert "a neutrophil count on day 18 would have settled it, whatever it was" in page
    assert "≤ 0.5 ×10⁹/L: grade 3; > 0.5 ×10⁹/L: grade 2" in page
    assert "on day 16 would" not in page
    assert "on day 17 would" not in page
    assert "3 more days ≤ 0.5 ×10⁹/L (day 16 to 18): grade 3" in page


def test_a_single_unmeasured_day(explain: Explain) -> None:
    page = page_of(explain("GAP"), "neutropenia")
    assert "grade 3; between grade 3 and 4" in page
    assert "a neutrophil count on day 10 would have settled it, whatever it was" in page
    assert "< 0.5 ×10⁹/L: grade 4; ≥ 0.5 ×10⁹/L: grade 3" in page
    assert "one value < 0.5 ×10⁹/L on any day: grade 4" in page


def test_an_outcome_that_rests_on_one_value_says_so(explain: Explain) -> None:
    page = page_of(explain("SINGLE"), "severe_neutropenia")
    row = find_row("SINGLE", 12, "anc")
    assert "yes, decided" in page
    assert f"rests on one measurement: without row {row} (day 12) the answer is no" in page


def test_parts_of_a_combination(explain: Explain) -> None:
    page = page_of(explain("SINGLE"), "severe_cytopenia")
    assert "yes: severe_neutropenia; no: severe_thrombocytopenia" in page


def test_a_combination_rests_on_the_row_that_one_part_rests_on(explain: Explain) -> None:
    page = page_of(explain("SINGLE"), "severe_cytopenia")
    assert f"without row {find_row('SINGLE', 12, 'anc')} (day 12): no" in page


def test_one_value_of_either_part_would_make_a_combination(explain: Explain) -> None:
    """Grade 3 of CTCAE: neutrophils below 1, platelets below 50."""
    page = page_of(explain("SPLIT"), "severe_cytopenia")
    assert "one neutrophil count < 1 ×10⁹/L on any of day 0 to 28: yes" in page
    assert "one platelet count < 50 ×10⁹/L on any of day 0 to 28: yes" in page


def test_a_cell_of_the_recovery(explain: Explain) -> None:
    page = page_of(explain("SPLIT"), "recovery")
    assert "recovered; could also be not recovered" in page
    assert "a platelet count on day 27 would have settled it, whatever it was" in page
    assert "< 50 ×10⁹/L: not recovered; ≥ 50 ×10⁹/L: recovered" in page


def test_what_a_patient_would_have_needed_to_recover(explain: Explain) -> None:
    page = page_of(explain("LOW"), "recovery")
    assert "not recovered, decided" in page
    assert "platelet count ≥ 50 ×10⁹/L on day 26 to 28: recovered" in page


def test_support_alone_stands_between_a_patient_and_recovery(folder: Path) -> None:
    page = page_of(explain_patient(folder, "HELPED", outcomes=["recovery"]), "recovery")
    assert "without G-CSF: recovered" in page


@pytest.mark.parametrize("patient", PATIENTS)
def test_an_explanation_is_that_of_the_run(patient: str, explain: Explain, outcomes: pl.DataFrame) -> None:
    ran = outcomes.filter(pl.col("patient_id") == patient)
    wanted = {row["outcome"]: row for row in ran.to_dicts()}
    explained = explain(patient)
    assert [item.name for item in explained.outcomes] == [
        name for name in wanted if not name.startswith("nadir_")
    ]
    for item in explained.outcomes:
        assert dict(item.row) == wanted[item.name]


@pytest.mark.parametrize("patient", PATIENTS)
def test_what_is_possible_holds_what_is_plausible(patient: str, explain: Explain) -> None:
    for item in explain(patient).outcomes:
        assert item.possible.best <= item.answer.best <= item.answer.worst <= item.possible.worst


def test_a_machine_reads_the_same(command, folder: Path) -> None:
    record = json.loads(command("explain", folder, "EDGE", "--outcome", "icaht", "--json").out)
    assert record["patient_id"] == "EDGE"
    (outcome,) = record["outcomes"]
    assert (outcome["answer"]["policy"], outcome["answer"]["best"], outcome["answer"]["worst"]) == (2, 2, 3)
    assert [item["day"] for item in outcome["settling"] if item["settles"]] == [18]


def test_a_timeline_is_written(command, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "edge.svg"
    answer = command("explain", folder, "EDGE", "--outcome", "icaht", "--svg", target)
    assert answer.code == 0
    text = target.read_text("utf-8")
    assert text.startswith("<svg")
    assert "Synthetic data: no patient" in text


def test_an_unknown_patient(command, folder: Path) -> None:
    answer = command("explain", folder, "LNG")
    assert answer.code == 10
    assert "no patient 'LNG'" in answer.err
    assert "did you mean 'LONG'?" in answer.err
    assert "7 patients" in answer.err


def test_an_unknown_outcome(command, folder: Path) -> None:
    answer = command("explain", folder, "LONG", "--outcome", "icat")
    assert answer.code == 13
    assert "no outcome 'icat'" in answer.err
    assert "did you mean 'icaht'?" in answer.err
    assert "severe_cytopenia" in answer.err


def test_a_timeline_needs_the_name_of_an_svg_file(command, folder: Path, tmp_path: Path) -> None:
    answer = command("explain", folder, "LONG", "--svg", tmp_path / "edge.png")
    assert answer.code == 15
    assert ".svg" in answer.err


def test_the_page_of_the_documentation_is_what_the_command_prints(command) -> None:
    text = (ROOT / "docs" / "explain.md").read_text("utf-8")
    shown = text.split("```text\n")[1].split("\n```")[0]
    example = ROOT / "src" / "cytopenia" / "data" / "example"
    answer = command("explain", example, "SYN-15", "--outcome", "severe_neutropenia")
    assert answer.out.rstrip() == shown
