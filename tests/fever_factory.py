"""Courses of temperature and counts by the minute, for tests of febrile neutropenia.

day time  temperature anc
3   08:00 38.4        0.4
3   .     37.2        .       a reading of unknown time
"""

from __future__ import annotations

from typing import Any

import polars as pl

from cytopenia.definition_forms import FeverDefinition
from cytopenia.definitions import load_library
from cytopenia.study.outcomes import CohortOutcomes, derive_outcomes
from cytopenia.study.plan import FeverPlan
from cytopenia.study.single_plans import plan_fever
from kernel import Patient, make_tables
from scenario import lab_rows, read_table

VERSION_5 = "ctcae_v5_febrile_neutropenia"


def course(table: str, **events: int) -> Patient:
    labs: list[dict[str, Any]] = []
    for line in read_table(table):
        day, time = int(line.pop("day")), line.pop("time", ".")
        hours, _, minutes = time.partition(":")
        minute = None if time == "." else int(hours) * 60 + int(minutes)
        for cell in line.items():
            labs += [{**row, "minute": minute} for row in lab_rows(day, *cell, None)]
    return {
        "patient_id": "A",
        "labs": labs,
        "support": [],
        "second_infusion": events.get("second_infusion"),
        "death": events.get("death"),
    }


def judge(
    cohort: list[Patient], *, window: tuple[int, int], name: str = VERSION_5, cap: bool = False
) -> CohortOutcomes:
    library = load_library()
    definition = library.find(name)
    assert isinstance(definition, FeverDefinition)
    plan = plan_fever(FeverPlan("fn", definition, window), library.bounds)
    return derive_outcomes(make_tables(cohort), plan, bounds=library.bounds, use_caps=cap)


def fever_of(
    table: str, *, window: tuple[int, int] = (3, 3), name: str = VERSION_5, cap: bool = False, **events: int
) -> dict[str, Any]:
    found = judge([course(table, **events)], window=window, name=name, cap=cap)
    return found.outcomes.row(0, named=True)


def evidence_of(table: str, *, window: tuple[int, int] = (3, 3), cap: bool = False) -> pl.DataFrame:
    return judge([course(table)], window=window, cap=cap).evidence
