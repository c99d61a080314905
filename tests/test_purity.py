"""Every public function leaves its inputs unchanged and gives the same answer twice."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import cytopenia
from cytopenia.check_file import write_check
from cytopenia.contract import Tables, check_tables, prepare_labs, prepare_tables, require_tables
from cytopenia.definitions import describe_definition, load_definition, load_library
from cytopenia.frames import grade_labs, grade_raw_labs, require_limits
from cytopenia.grading.grades import grade_labs as grade_prepared_labs
from cytopenia.grading.score_cohorts import score_patients
from cytopenia.grading.score_tables import score_values
from cytopenia.readers.sources import read_tables
from cytopenia.results import ResultRow, collect_results
from cytopenia.simulate import simulate_cohort
from cytopenia.stats.describe import describe_numbers
from cytopenia.study.days import frame_patient_days
from cytopenia.study.derived import derive_all, grade_baseline, judge_threshold
from cytopenia.study.outcomes import derive_outcomes
from cytopenia.study.plan import build_plan
from cytopenia.study.protocol import read_protocol
from cytopenia.study.run import run_plan
from cytopenia.study.summaries import summarize_occurrence, summarize_recovery
from cytopenia.units import convert_units
from cytopenia.workflow import check_study, explain_patient, run_study
from score_cases import make_values
from study_files import write_study

pytestmark = pytest.mark.usefixtures("tables_alone")

Case = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def take(value: Any) -> Any:
    """A copy of a value that can be compared: frames and arrays by content, classes by their fields."""
    if isinstance(value, pl.DataFrame | pl.Series):
        return value.clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, Mapping):
        return {key: take(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [take(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: take(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return copy.deepcopy(value)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, pl.DataFrame | pl.Series):
        return one.equals(other, null_equal=True) and repr(one.shape) == repr(other.shape)
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@cache
def study_folder(root: Path) -> Path:
    return write_study(root / "cohort")


@cache
def build_cases(root: Path) -> dict[str, Case]:
    folder = study_folder(root)
    raw = {
        name: pl.read_csv(folder / f"{name}.csv")
        for name in ("labs", "patients", "infusions", "events", "support")
    }
    tables: Tables = require_tables(prepare_tables(raw))
    study = read_protocol(folder)
    plan, library = build_plan(study), study.library
    cohort = derive_outcomes(tables, plan, bounds=library.bounds)
    outcomes = derive_all(cohort, plan, library.baseline)
    rows, _ = prepare_labs(raw["labs"])
    recovery = outcomes.filter(pl.col("outcome") == "recovery")
    anemia = outcomes.filter(pl.col("outcome") == "anemia")
    printed = pl.DataFrame({"analyte": ["anc"], "unit": ["/uL"], "value": [499.0], "lln": [2000.0]})
    simulated = simulate_cohort(4, seed=1)
    values = make_values({"ldh": "300", "creatinine": "0.8", "platelets": "120"})
    return {
        "prepare_tables": (prepare_tables, (raw,), {}),
        "prepare_labs": (prepare_labs, (raw["labs"],), {"lln": {"anc": 2.0}}),
        "check_tables": (check_tables, (tables,), {}),
        "require_tables": (require_tables, (tables,), {}),
        "read_tables": (read_tables, (folder,), {}),
        "convert_units": (convert_units, (printed,), {}),
        "grade_labs": (grade_labs, (raw["labs"],), {"lln": {"anc": 2.0}}),
        "grade_raw_labs": (
            grade_raw_labs,
            (raw["labs"], "ctcae_v4"),
            {"lln": {}, "text": study.protocol.data.labs.text},
        ),
        "grade_prepared_labs": (grade_prepared_labs, (rows, library.find_parts("ctcae_v4")), {}),
        "require_limits": (require_limits, ({"ANC": 2.0},), {}),
        "load_definition": (load_definition, ("ctcae_v4",), {}),
        "score_patients": (score_patients, (tables, "car_hematotox"), {"lymphodepletion_day": -5}),
        "score_values": (score_values, (library.find_score("easix"), values, pl.Series(["A"])), {}),
        "describe_definition": (describe_definition, (load_definition("ctcae_v4"),), {"parts": ["anemia"]}),
        "load_library": (lambda: load_library().sha256, (), {}),
        "read_protocol": (read_protocol, (folder,), {}),
        "build_plan": (build_plan, (study,), {}),
        "derive_outcomes": (derive_outcomes, (tables, plan), {"bounds": library.bounds, "use_caps": True}),
        "derive_all": (derive_all, (cohort, plan, library.baseline), {}),
        "grade_baseline": (grade_baseline, (cohort, plan.grades[0], library.baseline), {}),
        "judge_threshold": (judge_threshold, (anemia, 3), {}),
        "frame_patient_days": (frame_patient_days, (cohort, plan, library.bounds), {}),
        "summarize_occurrence": (listing(summarize_occurrence), ("a", "anemia", anemia), {"is_graded": True}),
        "summarize_recovery": (listing(summarize_recovery), ("a", "recovery", recovery), {}),
        "run_plan": (run_plan, (study, tables), {}),
        "simulate_cohort": (simulate_cohort, (4,), {"seed": 1}),
        "simulated tables": (prepare_tables, (simulated.tables,), {}),
        "describe_numbers": (describe_numbers, (np.array([3.0, np.nan, 1.0]),), {}),
        "collect_results": (collect_results, ([ResultRow(analysis_id="a", variable="v", estimate="n")],), {}),
        "check_study": (check_study, (folder,), {}),
        "explain_patient": (explain_patient, (folder, "B"), {"outcomes": ["neutropenia", "recovery"]}),
        "run_study": (lambda path: run_study(path).run.results, (folder,), {}),
        "write_check": (lambda path: write_check(path).read_text("utf-8"), (folder,), {}),
    }


def listing(function: Callable[..., Any]) -> Callable[..., list[Any]]:
    return lambda *arguments, **options: list(function(*arguments, **options))


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    return build_cases(tmp_path_factory.mktemp("purity"))


NAMES = [
    "build_plan",
    "check_study",
    "check_tables",
    "collect_results",
    "convert_units",
    "derive_all",
    "derive_outcomes",
    "describe_definition",
    "describe_numbers",
    "explain_patient",
    "frame_patient_days",
    "grade_baseline",
    "grade_labs",
    "grade_prepared_labs",
    "grade_raw_labs",
    "judge_threshold",
    "load_definition",
    "load_library",
    "prepare_labs",
    "prepare_tables",
    "read_protocol",
    "read_tables",
    "require_limits",
    "require_tables",
    "run_plan",
    "run_study",
    "score_patients",
    "score_values",
    "simulate_cohort",
    "simulated tables",
    "summarize_occurrence",
    "summarize_recovery",
    "write_check",
]


CLASSES = {"RiskOptions", "Tables"}


def test_every_case_is_listed_and_every_public_function_is_a_case(cases: dict[str, Case]) -> None:
    assert sorted(cases) == NAMES
    public = {
        name for name in cytopenia.__all__ if callable(getattr(cytopenia, name)) and name not in CLASSES
    }
    assert public <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_inputs_stay_as_they_were_and_twice_gives_the_same(name: str, cases: dict[str, Case]) -> None:
    function, arguments, options = cases[name]
    before = take([arguments, options])
    first = take(function(*arguments, **options))
    assert same(before, take([arguments, options]))
    assert same(first, take(function(*arguments, **options)))


def test_reading_leaves_the_files_as_they_are(cases: dict[str, Case], tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    check_study(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_change_would_be_seen() -> None:
    frame = pl.DataFrame({"a": [1.0, None]})
    assert not same(take([frame]), take([frame.with_columns(a=pl.lit(1.0))]))
    assert not same(take([np.array([1.0])]), take([np.array([2.0])]))
    assert not same(take({"a": 1}), take({"b": 1}))
