"""Whose grades a missing lower limit of normal leaves open: told before the run, with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from cytopenia.contract import Finding, Tables, collect_findings, merge_findings, note
from cytopenia.definition_forms import GradesPart
from cytopenia.grading.grades import judge_rows
from cytopenia.study.plan import Plan
from cytopenia.study.protocol import Study

__all__ = ["add_missing_limits", "note_missing_limits"]

_LIMIT = "lower limit of normal"


@dataclass(frozen=True)
class _Question:
    """A grade that is asked of the values of one analyte; `least` is None where every grade counts."""

    asked_by: str
    part: GradesPart
    window: tuple[int, int]
    least: int | None


def note_missing_limits(study: Study, plan: Plan, labs: pl.DataFrame) -> list[Finding]:
    """Return one finding that names the analytes whose limit is missing where it decides an answer, or none.

    Parameters
    ----------
    study : Study
    plan : Plan
        From `build_plan(study)`.
    labs : DataFrame
        As the readers return it.

    Notes
    -----
    A patient is concerned if a value without a limit can mean a higher grade than any has for certain, and
    this grade is asked for. Severe grades have fixed cuts in most definitions, and need no limit.
    """
    patients: dict[str, set[str]] = {}
    asking: dict[str, list[str]] = {}
    for question in _list_questions(study, plan):
        concerned = _find_concerned(question, labs)
        if concerned:
            analyte = question.part.analyte
            patients.setdefault(analyte, set()).update(concerned)
            asking.setdefault(analyte, []).append(question.asked_by)
    if not patients:
        return []
    told = [
        f"{analyte} ({_count(len(ids))}: {', '.join(dict.fromkeys(asking[analyte]))})"
        for analyte, ids in sorted(patients.items())
    ]
    what = f"the {_LIMIT} (lln) is missing where it decides a grade: {'; '.join(told)}"
    return [note("labs", "limit_missing", what, rows=len(set[str]().union(*patients.values())))]


def add_missing_limits(findings: pl.DataFrame, tables: Tables, *, study: Study, plan: Plan) -> pl.DataFrame:
    """Return findings on tables with that on missing limits among them."""
    return merge_findings(findings, collect_findings(note_missing_limits(study, plan, tables.labs)))


def _list_questions(study: Study, plan: Plan) -> Iterator[_Question]:
    for grade in plan.grades:
        if grade.part.needs_limit:
            for name in grade.outcomes:
                yield _Question(name, grade.part, grade.window, grade.min_grade)
    # Where the days before treatment end differs by patient; a warning can do with these.
    before = (-study.library.baseline.days_before, 0)
    for analysis in study.protocol.analyses:
        address = getattr(analysis, "baseline_definition", None)
        parts = study.library.find_value_parts(address) if address else {}
        for part in parts.values():
            if part.needs_limit and part.analyte in plan.days:
                yield _Question(analysis.id, part, before, 1)


def _find_concerned(question: _Question, labs: pl.DataFrame) -> list[str]:
    """The patients whose answer rests on a limit that is missing."""
    rows = labs.filter(
        pl.col("analyte") == question.part.analyte,
        pl.col("day").is_between(*question.window),
        pl.col("value").is_not_null(),
        pl.col("invalid").is_null(),
    )
    if rows["lln"].null_count() == 0:
        return []
    judged = judge_rows(rows, question.part)
    lacking = rows["lln"].is_null() & judged["grade_reason"].str.contains(_LIMIT, literal=True)
    frame = pl.DataFrame(
        [rows["patient_id"], judged["grade_best"], judged["grade_worst"], lacking.alias("lacks")]
    )
    ends = frame.group_by("patient_id").agg(
        certain=pl.col("grade_best").max(), possible=pl.col("grade_worst").filter("lacks").max()
    )
    is_open = pl.col("possible") > pl.col("certain")
    if question.least is not None:
        is_open = (pl.col("certain") < question.least) & (pl.col("possible") >= question.least)
    return ends.filter(is_open)["patient_id"].to_list()


def _count(patients: int) -> str:
    return "1 patient" if patients == 1 else f"{patients:,} patients"
