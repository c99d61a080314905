"""Grade one file by a clinical scale: bedside rows, or fever in neutropenia of whole courses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cytopenia.contract import Tables, collect_findings
from cytopenia.contract.bedside import prepare_bedside
from cytopenia.definition_forms import BedsideDefinition, FeverDefinition
from cytopenia.definitions import Library
from cytopenia.errors import DataError
from cytopenia.grading.clinical import grade_bedside, summarize_courses
from cytopenia.readers.mapping import BedsideMapping
from cytopenia.readers.tabular import read_bedside_file
from cytopenia.study.outcomes import Progress, derive_outcomes
from cytopenia.study.plan import FeverPlan
from cytopenia.study.single_plans import plan_fever

__all__ = ["GradedBedside", "grade_bedside_file", "grade_fever"]

_ADDED = ("term", "grade", "grade_best", "grade_worst", "reason", "rule")
_SHOWN_REASONS = 8


@dataclass(frozen=True)
class GradedBedside:
    """The graded rows of a file, one row per patient (None where the file has no patients), the findings."""

    rows: pl.DataFrame
    patients: pl.DataFrame | None
    findings: pl.DataFrame

    @property
    def lines(self) -> list[str]:
        """How many rows and patients have which grade, and why rows are not judged."""
        said = [f"{_count(self.rows, 'row')}: {_count_grades(self.rows)}"]
        reasons = self.rows.filter(pl.col("grade").is_null())["reason"].value_counts(name="n")
        ordered = reasons.sort(["n", "reason"], descending=[True, False]).head(_SHOWN_REASONS)
        said += [f"  not judged, {reason}: {count}" for reason, count in ordered.iter_rows()]
        if self.patients is not None:
            said.append(f"{_count(self.patients, 'patient')}, highest grade: {_count_grades(self.patients)}")
        return said


def _count(table: pl.DataFrame, noun: str) -> str:
    return f"{table.height} {noun}{'' if table.height == 1 else 's'}"


def _count_grades(table: pl.DataFrame) -> str:
    counts = table["grade"].value_counts(sort=False).sort("grade", nulls_last=True)
    return ", ".join(f"{_name_grade(grade)}: {count}" for grade, count in counts.iter_rows())


def _name_grade(grade: float | None) -> str:
    return "not judged" if grade is None else f"grade {grade:g}"


def grade_bedside_file(path: Path, mapping: BedsideMapping, definition: BedsideDefinition) -> GradedBedside:
    """Grade every row of a table of bedside findings, and every patient over the rows.

    Raises
    ------
    CytopeniaError
        The file cannot be read, or no column is an input of the scale.
    """
    source, raw, found = read_bedside_file(path, mapping)
    if source.is_empty():
        raise DataError(f"{path.name}: the file has a header but no rows. Export it again.")
    rows, findings = prepare_bedside(raw, text=mapping.text, wanted=definition.inputs)
    graded = grade_bedside(rows, definition)
    added = graded.rename({"grade_reason": "reason"}).select("source_row", *_ADDED)
    taken = {name: f"{name}_in_file" for name in _ADDED if name in source.columns}
    joined = source.rename(taken).join(added, on="source_row", how="left", maintain_order="left")
    has_patients = (rows["patient_id"] != "").all()
    patients = summarize_courses(graded) if has_patients else None
    return GradedBedside(joined, patients, collect_findings([*found, *findings]))


def grade_fever(
    tables: Tables, definition: FeverDefinition, library: Library, *, progress: Progress | None
) -> tuple[pl.DataFrame, list[str]]:
    """Return febrile neutropenia of each patient, from the first to the last day with a temperature."""
    days = tables.labs.filter((pl.col("analyte") == definition.temperature) & pl.col("invalid").is_null())[
        "day"
    ].drop_nulls()
    if days.is_empty():
        raise DataError(
            f"labs: no row has the analyte '{definition.temperature}', which {definition.id} needs. Add rows"
            " such as: patient_id, day, time, temperature, 38.4, degC."
        )
    window = (int(days.min()), int(days.max()))  # pyright: ignore[reportArgumentType]
    plan = plan_fever(FeverPlan(definition.id, definition, window, own_days=True), library.bounds)
    outcomes = derive_outcomes(tables, plan, bounds=library.bounds, progress=progress).outcomes
    words = _count_grades(outcomes.select(pl.col("policy").alias("grade")))
    whose = f"{_count(outcomes, 'patient')}, each from the first to the last day with a temperature"
    head = f"{definition.term} of {whose}: {words}"
    reasons = outcomes.filter(pl.col("policy").is_null())["reason"].value_counts(name="n")
    ordered = reasons.sort(["n", "reason"], descending=[True, False])
    return outcomes, [head, *(f"  not judged, {reason}: {count}" for reason, count in ordered.iter_rows())]
