"""A made-up report content: 63 invented patients, written to the shape a run hands to the report."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from cytopenia.report.content import ReportContent
from cytopenia.results import ResultRow, collect_results

SCENARIOS = ("policy", "best", "worst")
ANALYTES = {
    "anc": ("Neutrophils (ANC)", "×10⁹/L"),
    "hemoglobin": ("Hemoglobin", "g/L"),
    "platelets": ("Platelets", "×10⁹/L"),
}
OUTCOMES = {
    "severe_neutropenia": "Severe neutropenia",
    "severe_anemia": "Severe anemia",
    "severe_thrombocytopenia": "Severe thrombocytopenia",
}


def make_content(**changes: Any) -> ReportContent:
    """Return the content with any field replaced."""
    days = make_patient_days()
    content = ReportContent(
        title="Cytopenia after CAR-T in B-NHL",
        synthetic=True,
        results=make_results(),
        outcomes=make_outcomes(),
        patient_days=days,
        findings=make_findings(),
        definitions=make_definitions(),
        settings={
            "package_version": "0.1.0",
            "seed": 20230515,
            "support_complete": True,
            "day_zero": "infusion",
            "protocol_sha256": "4f" * 32,
            "libraries": {"numpy": "2.4.6", "polars": "2.1.0"},
        },
        analyses=[
            {"id": "table1", "kind": "characteristics", "title": "Who the patients were"},
            {"id": "occurrence", "kind": "occurrence", "title": "Cytopenia up to day 28"},
            {"id": "recovery", "kind": "recovery", "title": "Recovery at day 28"},
        ],
        outcome_titles={**OUTCOMES, "recovery": "Count recovery"},
        analyte_titles=ANALYTES,
        outcome_definitions={
            **dict.fromkeys(OUTCOMES, "ctcae_v4"),
            "recovery": "qiu2023_recovery",
            "baseline_cytopenia": "ctcae_v4",
        },
        reference_lines={"anc": [(1.0, "grade 3")], "platelets": [(50, "grade 3")]},
    )
    return dataclasses.replace(content, **changes)


def count_rows(
    base: dict[str, Any], counts: Sequence[float], total: float, *, scenarios: Sequence[str] = SCENARIOS
) -> list[ResultRow]:
    """Return count, denominator and percent, policy first; fewer counts give fewer scenarios."""
    return [
        ResultRow(**base, scenario=scenario, estimate=name, value=value)
        for scenario, count in zip(scenarios, counts, strict=False)
        for name, value in (("count", count), ("denominator", total), ("percent", 100 * count / total))
    ]


def number_rows(base: dict[str, Any], text: str = "", **values: float) -> list[ResultRow]:
    """Return one row per named number; the title travels with `n`."""
    return [
        ResultRow(**base, estimate=name, value=value, text=text if name == "n" else "")
        for name, value in values.items()
    ]


@cache
def make_results() -> pl.DataFrame:
    """Return the results of every analysis the report knows."""
    rows = [*_flow(), *_characteristics(), *_baseline(), *_occurrence(), *_nadirs(), *_recovery(), *_cells()]
    return collect_results([*rows, *_trajectories()])


def _flow() -> list[ResultRow]:
    steps = [
        ("kept", "Patients with a first CAR-T infusion in the tables", 68),
        ("left out", "No infusion target recorded", 3),
        ("left out", "No blood count between day 0 and day 28", 2),
        ("kept", "Patients analyzed for occurrence and nadir", 63),
        ("left out", "Died on or before day 28", 3),
        ("kept", "Patients analyzed for recovery", 60),
    ]
    return [
        ResultRow(
            analysis_id="flow", variable=f"step{at}", estimate="count", level=level, text=text, value=count
        )
        for at, (level, text, count) in enumerate(steps)
    ]


def _characteristics() -> list[ResultRow]:
    def base(name: str) -> dict[str, Any]:
        return {"analysis_id": "table1", "variable": name}

    age = {
        "n": 63.0,
        "missing": 0.0,
        "median": 46.0,
        "minimum": 21.0,
        "maximum": 72.0,
        "q1": 37.5,
        "q3": 58.0,
    }
    il6 = {
        "n": 58.0,
        "missing": 5.0,
        "median": 12.35,
        "minimum": 1.5,
        "maximum": 8123.0,
        "q1": 4.1,
        "q3": 33.7,
    }
    rows = number_rows(base("age_years"), "Age, years", **age)
    rows += number_rows(base("il6"), "Baseline IL-6, pg/mL", **il6)
    for name, title, levels in (
        ("sex", "Sex", {"male": 45, "female": 18}),
        ("target", "Target", {"CD19": 11, "CD20": 9, "CD19-CD20": 23, "CD19-CD22": 20}),
    ):
        total = sum(levels.values())
        for level, count in levels.items():
            values = {"count": count, "denominator": total, "percent": 100 * count / total}
            rows += [
                ResultRow(**base(name), variable_level=level, estimate=part, value=value, text=title)
                for part, value in values.items()
            ]
        rows.append(ResultRow(**base(name), estimate="missing", value=63 - total))
    note = "no patient has a value in the baseline window"
    parts = ("n", "median", "minimum", "maximum")
    return rows + [
        ResultRow(
            **base("crp"), estimate=part, text="Baseline CRP, mg/L" if part == "n" else "",
            value=0 if part == "n" else None, status="ok" if part == "n" else "not_estimable",
            note="" if part == "n" else note,
        )
        for part in parts
    ]  # fmt: skip


def _baseline() -> list[ResultRow]:
    rows: list[ResultRow] = []
    for name, median, low, high, counts, unjudged in (
        ("anc", 2.87, 0.31, 9.4, (9, 9, 9), 0),
        ("hemoglobin", 109.5, 62, 158, (21, 21, 22), 1),
        ("platelets", 162, 12, 411, (14, 14, 14), 0),
        ("any", 0, 0, 0, (29, 29, 30), 1),
    ):
        base = {"analysis_id": "table1", "variable": name}
        if name != "any":
            values = {"median": median, "minimum": low, "maximum": high, "n": 63 - unjudged}
            rows += number_rows({**base, "group": "baseline_value"}, **values)
        base["group"] = "baseline_cytopenia"
        rows += count_rows(base, counts, 63)
        rows += count_rows({**base, "variable_level": "not judged"}, (unjudged,), 63)
        if unjudged and name != "any":
            reason = {"group": "baseline_cytopenia_not_judged", "variable_level": "no baseline value"}
            rows.append(ResultRow(**{**base, **reason}, estimate="count", value=unjudged))
    return rows


def _occurrence() -> list[ResultRow]:
    rows: list[ResultRow] = []
    grades = {
        "severe_neutropenia": ((57, 57, 59), (48, 47, 50), (4, 2, 7, 17, 31), 2),
        "severe_anemia": ((55, 54, 57), (16, 16, 16), (8, 18, 21, 16, 0), 0),
        "severe_thrombocytopenia": ((41, 40, 44), (15, 15, 15), (21, 14, 12, 9, 6), 1),
    }
    for name, (any_grade, severe, single, unjudged) in grades.items():
        base = {"analysis_id": "occurrence", "variable": name}
        rows += count_rows({**base, "variable_level": "any grade"}, any_grade, 63)
        rows += count_rows({**base, "variable_level": "grade >= 3"}, severe, 63)
        for grade, count in enumerate(single):
            rows += count_rows({**base, "variable_level": f"grade {grade}"}, (count, count, count), 63)
        rows += count_rows({**base, "variable_level": "not judged"}, (unjudged,), 63)
        if unjudged:
            key = {**base, "group": "not_judged", "variable_level": "no measurement in the window"}
            rows.append(ResultRow(**key, estimate="count", value=unjudged))
    return rows


def _nadirs() -> list[ResultRow]:
    rows: list[ResultRow] = []
    for name, value, day in (
        ("anc", (0.64, 0.02, 2.31), (9, 3, 24)),
        ("hemoglobin", (88.5, 54, 121), (11, -5, 28)),
        ("platelets", (71, 4, 212), (13, 0, 28)),
    ):
        for group, (median, low, high) in (("nadir", value), ("nadir_day", day)):
            base = {"analysis_id": "occurrence", "variable": name, "group": group}
            rows += number_rows(base, median=median, minimum=low, maximum=high, n=63)
    return rows


def _recovery() -> list[ResultRow]:
    rows: list[ResultRow] = []
    readings = {"left out": (0, 0), "as not recovered": (3, 0), "as competing event": (0, 3)}
    for stratum, (added, died) in readings.items():
        base = {"analysis_id": "recovery", "variable": "recovery", "stratum": stratum}
        total = 60 + added + died
        singles = {
            "recovered": 35,
            "never below": 0,
            "not recovered": 21 + added,
            "not evaluable": 4,
            "died before landmark": died,
        }
        for level, count in singles.items():
            rows += count_rows({**base, "variable_level": level}, (count,), total)
        rows += count_rows({**base, "variable_level": "recovered or never below"}, (35, 39, 34), total)
        bad, ends = {**base, "variable_level": "not recovered"}, (21 + added, 26 + added)
        rows += count_rows(bad, ends, total, scenarios=("best", "worst"))
    return rows


def _cells() -> list[ResultRow]:
    states = ("met", "failed", "under support", "unknown")
    numbers = {"anc": (44, 9, 4, 3), "hemoglobin": (51, 5, 2, 2), "platelets": (43, 12, 1, 4)}
    base = {"analysis_id": "recovery", "group": "cells", "variable": "recovery"}
    return [
        ResultRow(
            **base,
            variable_level=f"{name}|{day}",
            estimate=state,
            value=count + (day - 27) * (1 - 2 * (at == 1)) * (at < 2),
        )
        for name, counts in numbers.items()
        for day in (26, 27, 28)
        for at, (state, count) in enumerate(zip(states, counts, strict=True))
    ]


def _trajectories() -> list[ResultRow]:
    rows: list[ResultRow] = []
    for name, start, dip, back in (
        ("anc", 2.9, 0.35, 1.9),
        ("hemoglobin", 108, 84, 98),
        ("platelets", 160, 48, 101),
    ):
        for day in range(-5, 29):
            depth = np.exp(-(((day - 10) / 7.0) ** 2))
            median = (start + (back - start) * max(day, 0) / 28) * (1 - depth) + dip * depth
            observed = 63 - abs(day) % 4 * 3 - (22 if day > 20 else 0) - (15 if day > 20 and day % 3 else 0)
            values = {
                "median": median,
                "q1": median * 0.6,
                "q3": median * 1.5,
                "n_observed": observed,
                "n_at_risk": 63 - 3 * (day > 15),
            }
            rows += number_rows(
                {"analysis_id": "trajectories", "variable": name, "variable_level": str(day)}, **values
            )
    return rows


@cache
def make_patient_days(patients: int = 63, last_day: int = 28) -> pl.DataFrame:
    """Return days of invented courses with clinic-like gaps; the same every time."""
    rng = np.random.default_rng(7)
    rows: list[tuple[str, str, int, str, float | None, int | None]] = []
    cuts = {"anc": (2.0, 1.5, 1.0, 0.5), "hemoglobin": (120, 100, 80, 0), "platelets": (150, 75, 50, 25)}
    for at in range(patients):
        end = int(rng.integers(9, 26)) if at in {5, 30, 51} else last_day
        weight, clinic = rng.uniform(0.1, 1.6), rng.integers(12, 22)
        seen = [day <= clinic or bool(rng.random() < 0.3) for day in range(last_day + 1)]
        open_from = int(rng.integers(17, 40))
        for name, limits in cuts.items():
            for day in range(last_day + 1):
                depth = weight * np.exp(-(((day - 10 - 3 * (name == "platelets")) / (6 + 4 * weight)) ** 2))
                worst = {"anc": 14, "hemoglobin": 0.9, "platelets": 3}[name]
                value = round(limits[0] * 1.3 / (1 + worst * depth) * rng.uniform(0.85, 1.15), 2)
                grade = sum(value < cut for cut in limits)
                state = "measured" if seen[day] else "short_gap" if day < open_from else "open"
                if name == "anc" and state == "measured" and grade == 4 and rng.random() < 0.3:
                    state = "wbc_bound"
                state = "not_at_risk" if day > end else state
                known = state in {"measured", "wbc_bound"}
                grade_seen = None if not known or (at == 40 and grade == 1) else grade
                rows.append((f"P{at + 1:03d}", name, day, state, value if known else None, grade_seen))
    schema = {
        "patient_id": pl.String, "analyte": pl.String, "day": pl.Int32, "state": pl.String,
        "value": pl.Float64, "grade": pl.Int32,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


@cache
def make_outcomes() -> pl.DataFrame:
    """Return one row per patient and outcome."""
    rows = [
        (f"P{at + 1:03d}", name, *parts)
        for name in (*OUTCOMES, "recovery")
        for at in range(63)
        for parts in [
            (None, 0.0, 1.0, "not evaluable", False, "open")
            if at % 21 == 0
            else (1.0, 0.0, 1.0, "yes", False, "open")
            if at % 17 == 0
            else (1.0, 1.0, 1.0, "yes", True, "measured" if at % 3 else "bracketed")
        ]
    ]
    names = ("patient_id", "outcome", "policy", "best", "worst", "label", "decided", "evidence")
    return pl.DataFrame(rows, schema=names, orient="row")


@cache
def make_findings() -> pl.DataFrame:
    """Return findings of every severity, not in the order of gravity."""
    rows = [
        ("labs", None, None, "wbc_bound_used", "info", 118, "labs: 118 days have no differential."),
        ("labs", 12, "unit", "unknown_unit", "error", 14, "labs: 14 of 2,310 rows have unit 'mg/dl%'; "
         "allowed: mg/L, mg/dL. Rows 12, 40, 41, 77, 90, ... Not judged. Map the unit or correct the file."),
        ("events", None, None, "missing_last_contact", "warning", 6, "events: 6 patients have no death and "
         "no last contact; their days are at risk until the last blood count. Add last_contact."),
        ("labs", 210, "lln", "missing_lln", "warning", 96, "labs: 96 rows of hemoglobin have no limit of "
         "normal; grade 1 cannot be told from grade 0. Add the column lln."),
    ]  # fmt: skip
    schema = {
        "table": pl.String, "row": pl.UInt32, "column": pl.String, "rule": pl.String, "severity": pl.String,
        "rows": pl.UInt32, "message": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def make_definitions() -> list[dict[str, Any]]:
    """Return two definitions as the run describes them."""
    return [
        {
            "id": "ctcae_v4",
            "title": "Common Terminology Criteria for Adverse Events, blood counts",
            "version": "4.03",
            "status": "consensus",
            "citation": "NCI CTCAE v4.03, 14 June 2010",
            "url": "https://ctep.cancer.gov/protocolDevelopment/electronic_applications/ctc.htm",
            "text": "",
            "rules": [
                "Neutrophil count decreased, grade 3: <1000 - 500/mm3; <1.0 - 0.5 x 10e9 /L",
                "Neutrophil count decreased, grade 4: <500/mm3; <0.5 x 10e9 /L",
            ],
            "assumed": [],
        },
        {
            "id": "qiu2023_recovery",
            "title": "Hematologic recovery at day 28",
            "version": "2023",
            "status": "study",
            "citation": "Qiu T et al. Oncol Lett 2023",
            "doi": "10.3892/ol.2023.13924",
            "text": "An official sentence stands here.",
            "rules": [
                "ANC at least 1.0 on each of 3 days",
                "Hemoglobin at least 80 g/L",
                "Platelets at least 50",
            ],
            "assumed": [
                "The three days are days 26, 27 and 28.",
                "Support ends to count 1 day after its last day.",
            ],
        },
    ]
