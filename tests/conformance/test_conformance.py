"""The cases of `conformance/` through the package: hand-written courses with the answers they must have."""

from __future__ import annotations

import math
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cytopenia.bedside_inputs import load_bedside_inputs
from cytopenia.contract import Tables, prepare_tables
from cytopenia.contract.bedside import prepare_bedside
from cytopenia.definition_forms import (
    BedsideDefinition,
    BoundsDefinition,
    ModelDefinition,
    ScoreDefinition,
)
from cytopenia.definitions import load_definition, load_library
from cytopenia.errors import DefinitionError
from cytopenia.grading.clinical import grade_bedside, summarize_courses
from cytopenia.study.outcomes import derive_outcomes
from cytopenia.study.plan import Plan, build_plan
from cytopenia.study.protocol import Study
from cytopenia.study.protocol_forms import Protocol

ROOT = Path(__file__).parents[2] / "conformance"
FOLDERS = sorted(path.parent for path in ROOT.glob("*/cases.toml"))
TABLES = ("labs", "support", "events", "infusions")
COLUMNS = {
    "labs": {"patient_id", "day", "minute", "analyte", "value", "unit", "lln"},
    "support": {"patient_id", "start", "stop", "kind", "agent"},
    "events": {"patient_id", "day", "kind"},
    "infusions": {"patient_id", "day"},
    "values": {"patient_id", "day", "analyte", "value", "unit"},
    "patients": {"patient_id", "disease"},
    "findings": {"patient_id", "day", *load_bedside_inputs()},
}
HEAD = {"definition", "source", "window", "bound_anc_by_wbc", "slack", "longest_gap", "case"}
TEXTS = ("id", "about", "sentence", "arithmetic")
EXPECTED = ("policy", "best", "worst", "group", "possible")
RECOVERED = {"recovered": 0, "not recovered": 1, "none": None}
LABELS = {
    "recovered",
    "never below",
    "not recovered",
    "not evaluable",
    "died before landmark",
    "died",
    "censored",
    "quick",
    "intermittent",
    "aplastic",
}

LYMPHODEPLETION_DAY = -5
# Named in the page of the cases; each waits for a decision.
OPEN_DISAGREEMENTS: dict[str, str] = {}

Answer = dict[str, Any]


@cache
def read_cases(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "cases.toml").read_text("utf-8"))


def read_csv(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


def read_tables(folder: Path) -> Tables:
    raw = {name: read_csv(folder / f"{name}.csv") for name in TABLES if (folder / f"{name}.csv").exists()}
    return prepare_tables(raw)


def stated_bounds(head: dict[str, Any]) -> BoundsDefinition:
    """The bounds with the slack and the longest gap that the folder states; the slack does not grow."""
    own = load_library().bounds
    slack = {**own.slack, **head.get("slack", {})}
    longest = head.get("longest_gap", own.longest_days)
    return own.model_copy(update={"slack": slack, "growth": {}, "longest_days": longest})


def plan_outcome(head: dict[str, Any]) -> Plan:
    """The plan of a study with this one outcome."""
    outcome = {"definition": head["definition"]}
    analysis: Answer = {"id": "only", "kind": "occurrence", "outcomes": ["only"]}
    if "window" in head:
        outcome["window"] = head["window"]
    if load_definition(head["definition"]).kind == "recovery":
        outcome["died_before_landmark"] = "exclude"
        analysis = {"id": "only", "kind": "recovery", "outcome": "only"}
    protocol = Protocol.model_validate(
        {
            "study": {"title": "Conformance", "seed": 1},
            "data": {"folder": "."},
            "outcomes": {"only": outcome},
            "analyses": [analysis],
        }
    )
    return build_plan(Study(protocol, load_library(), ROOT / "study.toml", ""))


def call_package(folder: Path) -> dict[str, Answer]:
    """Policy, best, worst of each patient: the one place that knows how the package is called."""
    head = read_cases(folder)
    definition = load_definition(head["definition"])
    if isinstance(definition, ScoreDefinition):
        return call_score(folder, definition)
    if isinstance(definition, BedsideDefinition):
        return call_bedside(folder, definition)
    if hasattr(definition, "reached"):
        return call_recovery_time(folder, definition.id)
    found = derive_outcomes(
        read_tables(folder),
        plan_outcome(head),
        bounds=stated_bounds(head),
        use_caps=head.get("bound_anc_by_wbc", False),
    )
    rows = found.outcomes.filter(pl.col("outcome") == "only")
    return {row["patient_id"]: row for row in rows.iter_rows(named=True)}


def call_score(folder: Path, score: ScoreDefinition) -> dict[str, Answer]:
    """Scores read the last values before lymphodepletion: here those of the day before it."""
    from cytopenia.grading.risk_models import load_coefficients
    from cytopenia.grading.score_cohorts import score_patients
    from cytopenia.grading.score_tables import RiskOptions

    labs = read_csv(folder / "values.csv")
    before = pl.lit(str(LYMPHODEPLETION_DAY - 1))
    labs = labs.with_columns(day=pl.coalesce("day", before) if "day" in labs.columns else before)
    infusions = labs.select(
        pl.col("patient_id").unique(maintain_order=True),
        day=0,
        lymphodepletion_day=LYMPHODEPLETION_DAY,
    )
    raw = {"labs": labs, "infusions": infusions}
    risk = RiskOptions()
    if isinstance(score, ModelDefinition):
        raw["patients"] = read_csv(folder / "patients.csv")
        risk = RiskOptions(coefficients=load_coefficients(folder / "coefficients.toml", score))
    found = score_patients(prepare_tables(raw), score.id, risk=risk)
    return {row["patient_id"]: row for row in found.scores.iter_rows(named=True)}


def call_bedside(folder: Path, definition: BedsideDefinition) -> dict[str, Answer]:
    """The highest grade of each patient over the rows of bedside findings."""
    rows, _ = prepare_bedside(read_csv(folder / "findings.csv"), wanted=definition.inputs)
    graded = summarize_courses(grade_bedside(rows, definition))
    names = {"grade": "policy", "grade_best": "best", "grade_worst": "worst"}
    return {row["patient_id"]: row for row in graded.rename(names).iter_rows(named=True)}


def call_recovery_time(folder: Path, definition: str) -> dict[str, Answer]:
    from kernel import time_cohort

    rows = time_cohort(read_tables(folder), definition)
    return {row["patient_id"]: row for row in rows.iter_rows(named=True)}


@cache
def answers(folder: Path) -> dict[str, Answer] | str:
    try:
        load_definition(read_cases(folder)["definition"])
    except DefinitionError as cause:
        return str(cause)
    return call_package(folder)


def has_answer(found: Answer, name: str, expected: float | str) -> bool:
    """Whether an expectation of the cases is what the package says."""
    if name == "policy" and expected in LABELS:
        return found["label"] == expected
    if name == "possible":
        return found["possible_labels"] == expected
    if name != "policy" and isinstance(expected, str) and expected in RECOVERED:
        return found[name] == RECOVERED[expected]
    if expected == "not_judged":
        return found[name] is None
    if isinstance(expected, str):
        return found[name] == expected
    return found[name] is not None and math.isclose(found[name], expected, rel_tol=1e-9)


def marks_of(identity: str) -> list[pytest.MarkDecorator]:
    reason = OPEN_DISAGREEMENTS.get(identity)
    return [pytest.mark.xfail(reason=reason, strict=True)] if reason else []


def list_cases() -> list[Any]:
    return [
        pytest.param(folder, case, id=f"{folder.name}-{case['id']}", marks=marks_of(case["id"]))
        for folder in FOLDERS
        for case in read_cases(folder)["case"]
    ]


@pytest.mark.parametrize(("folder", "case"), list_cases())
def test_the_answer_is_the_expected_one(folder, case):
    found = answers(folder)
    if isinstance(found, str):
        pytest.skip(found.partition(";")[0])
    row = found[case["id"]]
    stated = {name: case[name] for name in EXPECTED if name in case}
    wrong = {name: row.get(name) for name in stated if not has_answer(row, name, stated[name])}
    assert not wrong, f"{case['about']}: expected {stated}, found {wrong} ({case['arithmetic']})"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_the_files_are_well_formed(folder):
    head = read_cases(folder)
    assert set(head) <= HEAD
    ids = [case["id"] for case in head["case"]]
    assert len(set(ids)) == len(ids)
    for case in head["case"]:
        assert set(case) <= {*TEXTS, *EXPECTED, "tags", "example"}, case["id"]
        assert all(isinstance(case[name], str) and case[name] for name in TEXTS), case["id"]
        assert case["tags"], case["id"]
        assert any(name in case for name in EXPECTED), case["id"]
        assert in_order(case), case["id"]
    tables = {path.stem: read_csv(path) for path in folder.glob("*.csv")}
    for name, table in tables.items():
        assert set(table.columns) <= COLUMNS[name], name
        assert set(table["patient_id"]) <= set(ids), name
    data = next(tables[name] for name in ("labs", "values", "findings") if name in tables)
    assert set(data["patient_id"]) == set(ids)


def in_order(case: Answer) -> bool:
    """Best is never sicker than policy, policy never sicker than worst, where all are numbers of sickness."""
    numbers = [case[name] for name in ("best", "policy", "worst") if isinstance(case.get(name), int | float)]
    return numbers == sorted(numbers)


def test_there_are_at_least_a_hundred_cases():
    assert len(list_cases()) >= 100


def test_each_definition_has_at_most_one_example():
    seen = [
        head["definition"]
        for head in map(read_cases, FOLDERS)
        for case in head["case"]
        if case.get("example")
    ]
    assert len(seen) == len(set(seen))
