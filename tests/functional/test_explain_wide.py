"""Explanations of a file with a column for each day: each day has its own value, though not its own row."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cytopenia import explain_patient
from cytopenia.app.day_words import list_day_rows
from cytopenia.app.texts import make_say
from cytopenia.grading.explain import OutcomeExplanation, PatientExplanation
from cytopenia.report.explanation_page import render_explanation
from wide_study import COUNTS, DAYS, write_long_study, write_study, write_wide_study

Explain = Callable[[str], PatientExplanation]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wide_study(tmp_path_factory.mktemp("wide") / "cohort")


@pytest.fixture(scope="module")
def explain(folder: Path) -> Explain:
    return cache(lambda patient: explain_patient(folder, patient))


def find(explained: PatientExplanation, name: str) -> OutcomeExplanation:
    (found,) = [item for item in explained.outcomes if item.name == name]
    return found


def text_of(explained: PatientExplanation) -> str:
    return " ".join(" ".join(render_explanation(explained)).split())


@pytest.mark.parametrize(
    ("patient", "outcome", "expected"),
    [
        ("ANNA", "neutropenia", {3: 0.42, 7: 0.02, 10: 0.47, 14: 0.24}),
        ("ANNA", "anemia", {7: 79.0}),
        ("ANNA", "thrombocytopenia", {7: 18.0, 10: 24.0}),
        ("BERT", "neutropenia", {10: 0.9}),
        ("BERT", "thrombocytopenia", {10: 71.0}),
    ],
)
def test_a_deciding_day_has_its_own_value(
    explain: Explain, patient: str, outcome: str, expected: dict[int, float]
) -> None:
    days = [day for day in find(explain(patient), outcome).days if day.role == "decides"]
    found = {day.day: day.measurement for day in days}
    assert {day: item.value for day, item in found.items() if item} == expected
    assert {(day, item.day) for day, item in found.items() if item} == {(day, day) for day in expected}
    assert {item.source_row for item in found.values() if item} == {2 if patient == "ANNA" else 3}


@pytest.mark.parametrize("patient", COUNTS)
def test_every_day_of_the_timeline_has_its_own_value(explain: Explain, patient: str) -> None:
    shown = {
        series.analyte: {day.day: day.measurement.value for day in series.days if day.measurement}
        for series in explain(patient).series
    }
    assert shown == {name: dict(zip(DAYS, values, strict=True)) for name, values in COUNTS[patient].items()}


def test_the_grades(explain: Explain) -> None:
    """Hemoglobin 79 is grade 3 (below 80), platelets 18 are grade 4 (below 25), 0.9 neutrophils grade 3."""
    grades = {
        patient: [item.answer.policy for item in explain(patient).outcomes] for patient in ("ANNA", "BERT")
    }
    assert grades == {"ANNA": [4, 3, 4], "BERT": [3, 2, 2]}


def test_without_a_measurement_the_other_days_of_its_row_stay(explain: Explain) -> None:
    """Without 79 the lowest hemoglobin is 82: grade 2, not no grade. Without 0.9 it is 1.2: grade 2."""
    for patient, outcome, day in (("ANNA", "anemia", 7), ("BERT", "neutropenia", 10)):
        (change,) = [item for item in find(explain(patient), outcome).changes if item.kind == "without_row"]
        assert (change.days, change.answer.policy) == ((day,), 2)
    assert "rests on one measurement: without row 2 (day 7) the answer is grade 2" in text_of(explain("ANNA"))
    assert not [item for item in find(explain("ANNA"), "neutropenia").changes if item.kind == "without_row"]


def test_the_text_names_each_value(explain: Explain) -> None:
    text = text_of(explain("ANNA"))
    for day, value in {3: "0.42", 7: "0.02", 10: "0.47", 14: "0.24"}.items():
        assert f"day {day}: {value} ×10⁹/L, row 2" in text
    assert "day 7: 79 g/L, row 2" in text
    assert "day 7: 18 ×10⁹/L, row 2" in text


def list_measurements(content: Any) -> set[tuple[str, int, float]]:
    """Every measurement anywhere in the explanation for machines."""
    if isinstance(content, list):
        return {found for item in content for found in list_measurements(item)}
    if not isinstance(content, dict):
        return set()
    is_measurement = {"value", "comparator", "source_row"} <= {*content}
    own = {(content["analyte"], content["day"], content["value"])} if is_measurement else set()
    return own.union(*(list_measurements(item) for item in content.values()))


def test_the_explanation_for_machines_holds_the_values_of_the_file(command, folder: Path) -> None:
    answer = command("explain", folder, "ANNA", "--json")
    assert answer.code == 0
    assert list_measurements(json.loads(answer.out)) == {
        (analyte, day, value)
        for analyte, values in COUNTS["ANNA"].items()
        for day, value in zip(DAYS, values, strict=True)
    }


ANNA = [
    (0, "1.42 ×10⁹/L", "160 ×10⁹/L", "95 g/L"),
    (3, "0.42 ×10⁹/L", "62 ×10⁹/L", "88 g/L"),
    (7, "0.02 ×10⁹/L", "18 ×10⁹/L", "79 g/L"),
    (10, "0.47 ×10⁹/L", "24 ×10⁹/L", "82 g/L"),
    (14, "0.24 ×10⁹/L", "40 ×10⁹/L", "90 g/L"),
    (21, "1.96 ×10⁹/L", "130 ×10⁹/L", "101 g/L"),
]


def test_the_table_of_days_of_the_app(explain: Explain) -> None:
    told = {row.day: row.counts for row in list_day_rows(explain("ANNA"), make_say("en"))}
    found = [(day, *counts) for day, counts in told.items() if "measured, row" in counts[0]]
    assert found == [(day, *(f"{text}, measured, row 2" for text in texts)) for day, *texts in ANNA]


def test_the_figure_of_the_printed_page_is_that_of_the_long_file(
    command, folder: Path, tmp_path: Path
) -> None:
    """Values stand in the figure as heights, which the words of the page do not tell."""
    drawn: list[list[str]] = []
    for place in (folder, write_long_study(tmp_path / "long")):
        page = tmp_path / f"{len(drawn)}.html"
        assert command("explain", place, "ANNA", "--page", page).code == 0
        text = page.read_text("utf-8")
        assert "without the measurement (day 7) the answer is grade 2" in html.unescape(text)
        drawn.append(re.findall(r'<(?:path|use|circle)\b[^>]*\b(?:d|x|y|cx|cy)="[^"]*"', text))
    assert len(drawn[0]) > 18
    assert drawn[0] == drawn[1]


def test_long_and_wide_are_explained_alike(explain: Explain, tmp_path: Path) -> None:
    folder = write_long_study(tmp_path)
    for patient in COUNTS:
        long = re.sub(r"\brow \d+", "row", text_of(explain_patient(folder, patient)))
        assert long == re.sub(r"\brow \d+", "row", text_of(explain(patient)))


def test_a_row_for_each_day_with_a_column_for_each_analyte(explain: Explain, tmp_path: Path) -> None:
    """Three analytes of a day share a row: rows 2 to 7 are ANNA's days, rows 8 to 13 BERT's."""
    rows = [
        f"{name},{day},{','.join(f'{values[place]:g}' for values in counts.values())}"
        for name, counts in COUNTS.items()
        for place, day in enumerate(DAYS)
    ]
    header = "patient_id,day,ANC (10^9/L),Hb (g/L),Platelets (10^9/L)"
    folder = write_study(tmp_path, "\n".join([header, *rows]) + "\n", patients=tuple(COUNTS))
    anna = explain_patient(folder, "ANNA")
    deciding = [day for day in find(anna, "neutropenia").days if day.role == "decides"]
    assert [(day.measurement.value, day.measurement.source_row) for day in deciding if day.measurement] == [
        (0.42, 3),
        (0.02, 4),
        (0.47, 5),
        (0.24, 6),
    ]
    assert "rests on one measurement: without row 4 (day 7) the answer is grade 2" in text_of(anna)
    same = [re.sub(r"\brow \d+", "row", text_of(one)) for one in (anna, explain("ANNA"))]
    assert same[0] == same[1]
