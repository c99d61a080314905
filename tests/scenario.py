"""Small patients written as tables, for tests that read like the manual.

day   anc   hemoglobin
0-4   3.0          100        the same value on each of days 0 to 4
5     0.6/0.4        .        two draws on day 5; no hemoglobin
9     <0.1          95
"""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from cytopenia.contract import prepare_labs
from cytopenia.definition_forms import RecoveryTimeDefinition
from cytopenia.definitions import load_library
from cytopenia.grading.grades import grade_labs
from cytopenia.study.derived import judge_threshold
from kernel import (
    Patient,
    find_cohort_nadirs,
    grade_cohort,
    make_tables,
    phenotype_cohort,
    recover_cohort,
    time_cohort,
)

Limits = float | dict[int, float] | None
Bounds = tuple[float | None, float | None, float | None]


def read_table(text: str) -> list[dict[str, str]]:
    header, *lines = (line.split() for line in text.strip().splitlines())
    return [dict(zip(header, line, strict=True)) for line in lines]


def patient(table: str, *, support: str = "", lln: Limits = None, **course: int) -> Patient:
    """A patient from a table of labs and one of support; `death`, `second_infusion`, `last_contact` are days.

    `lln` is one limit of normal for all rows, or a limit by day.
    """
    labs: list[dict[str, Any]] = []
    for line in read_table(table):
        for day in read_days(line.pop("day")):
            limit = lln[day] if isinstance(lln, dict) else lln
            labs += [row for cell in line.items() for row in lab_rows(day, *cell, limit)]
    return {
        "patient_id": "A",
        "labs": labs,
        "support": [support_row(line) for line in read_table(support)] if support else [],
        "second_infusion": course.get("second_infusion"),
        "death": course.get("death"),
        "last_contact": course.get("last_contact"),
    }


def read_days(cell: str) -> range:
    first, last = re.fullmatch(r"(-?\d+)(?:-(\d+))?", cell).groups()
    return range(int(first), int(last or first) + 1)


def lab_rows(day: int, analyte: str, cell: str, lln: float | None) -> list[dict[str, Any]]:
    rows = []
    for draw in cell.split("/") if cell != "." else []:
        sign, number, reason = re.fullmatch(r"([<>]=?)?([\d.]+)(\w+)?", draw).groups()
        row = {"day": day, "analyte": analyte, "value": float(number), "comparator": sign or "="}
        rows.append({**row, "lln": lln, "invalid": reason})
    return rows


def support_row(line: dict[str, str]) -> dict[str, Any]:
    stop, agent = line.get("stop", line["start"]), line.get("agent", ".")
    return {
        "kind": line["kind"],
        "start": int(line["start"]),
        "stop": None if stop == "." else int(stop),
        "agent": None if agent == "." else agent,
    }


def grade_printed(table: str) -> list[tuple[int | None, str]]:
    """Grade and reason of rows as they are printed; "." is a blank cell."""
    rows = [{key: None if cell == "." else cell for key, cell in line.items()} for line in read_table(table)]
    labs, _ = prepare_labs(pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String)))
    graded = grade_labs(labs, load_library().find_parts("ctcae_v4"))
    return list(graded.select("grade", "grade_reason").iter_rows())


def grades_of(table: str) -> list[int | None]:
    return [grade for grade, _ in grade_printed(table)]


def grade_of(who: Patient, term: str, *, window: tuple[int, int], cap: bool = False) -> dict[str, Any]:
    part = load_library().find_parts(f"ctcae_v4.{term}")[f"ctcae_v4.{term}"]
    return grade_cohort(make_tables([who]), part, window=window, cap=cap).row(0, named=True)


def reaches(graded: dict[str, Any], min_grade: int) -> Bounds:
    """Policy, best and worst of the question whether a graded course reaches a grade: 1 yes, 0 no."""
    return bounds(judge_threshold(pl.DataFrame([graded]), min_grade).row(0, named=True))


def nadir_of(who: Patient, analyte: str, *, window: tuple[int, int], cap: bool = False) -> dict[str, Any]:
    return find_cohort_nadirs(make_tables([who]), analyte, window=window, cap=cap).row(0, named=True)


def recovery_of(who: Patient, form: str = "", *, cap: bool = False) -> dict[str, Any]:
    """Recovery by `qiu2023_recovery`, or by one of its forms: contains, reached_by, washout."""
    name = "qiu2023_recovery" + (f"_{form}" if form else "")
    return recover_cohort(make_tables([who]), name, cap=cap).row(0, named=True)


def time_of(who: Patient, definition: str | RecoveryTimeDefinition, *, cap: bool = False) -> dict[str, Any]:
    """Time to recovery by a definition, or by the id of one of the package."""
    return time_cohort(make_tables([who]), definition, cap=cap).row(0, named=True)


def bounds(outcome: dict[str, Any]) -> Bounds:
    return outcome["policy"], outcome["best"], outcome["worst"]


def phenotype_of(who: Patient, name: str = "rejeski_2021_phenotypes", *, cap: bool = False) -> dict[str, Any]:
    return phenotype_cohort(make_tables([who]), load_library().find(name), cap=cap)[0].row(0, named=True)


def dip_of(who: Patient, name: str = "rejeski_2021_phenotypes", *, cap: bool = False) -> dict[str, Any]:
    return phenotype_cohort(make_tables([who]), load_library().find(name), cap=cap)[1].row(0, named=True)
