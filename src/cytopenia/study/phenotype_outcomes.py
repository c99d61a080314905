"""Phenotypes and second dips of a cohort: run, framed, and counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from cytopenia.grading.day_grid import Courses
from cytopenia.grading.follow_up import follow_courses
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.grades import ROLES
from cytopenia.grading.outcome_rows import EvidenceRows, OutcomeRows, frame_outcomes
from cytopenia.grading.phenotype_sets import PHENOTYPE_LABELS
from cytopenia.grading.phenotypes import (
    DIP_LABELS,
    PHENOTYPE_REASONS,
    PHENOTYPE_STATES,
    PHENOTYPE_VERDICTS,
    derive_phenotypes,
    derive_second_dips,
)
from cytopenia.results import ResultRow
from cytopenia.stats.describe import describe_numbers, estimate_proportion
from cytopenia.study.plan import PhenotypePlan

__all__ = [
    "count_possible",
    "count_several",
    "frame_phenotype",
    "measure_dips",
    "name_phenotype_evidence",
    "run_phenotype",
    "summarize_dips",
    "summarize_phenotypes",
]

_NOT_JUDGED = "not judged"
_SEVERAL = "more than one possible"
_BAR = "|"


def run_phenotype(
    plan: PhenotypePlan, scenarios: Mapping[str, ScenarioGrid], courses: Courses
) -> tuple[OutcomeRows, EvidenceRows]:
    """Run the kernel for the patients of one part."""
    definition = plan.definition
    follow_up = follow_courses(courses, definition.window, definition.counting.censor_at)
    grid = scenarios[definition.analyte].window(*definition.window)
    derive = derive_second_dips if plan.is_second_dip else derive_phenotypes
    return derive(definition, grid, follow_up)


def frame_phenotype(plan: PhenotypePlan, parts: Sequence[OutcomeRows], patient_id: pl.Series) -> pl.DataFrame:
    """Return the outcomes table of one plan, one row per patient."""
    name = plan.definition.id
    rules = [f"{name}.second_dip"] if plan.is_second_dip else [f"{name}: {one}" for one in PHENOTYPE_LABELS]
    return frame_outcomes(
        parts,
        patient_id,
        outcome=plan.outcome,
        reasons=PHENOTYPE_REASONS,
        rules=rules,
        labels=DIP_LABELS if plan.is_second_dip else PHENOTYPE_LABELS,
    )


def name_phenotype_evidence() -> dict[str, Sequence[str]]:
    """Return the words of roles, states and verdicts of evidence days."""
    return {"role": ROLES, "state": PHENOTYPE_STATES, "verdict": PHENOTYPE_VERDICTS}


def count_possible(frame: pl.DataFrame) -> dict[str, tuple[int, int, int]]:
    """Return for each label how many patients have it, have it for certain, and can have it.

    Parameters
    ----------
    frame : DataFrame
        Rows of the outcomes table of one phenotype outcome.
    """
    possible = frame["possible_labels"].fill_null("").str.split(_BAR)
    return {
        name: (
            int((frame["label"] == name).sum()),
            int((frame["possible_labels"] == name).sum()),
            int(possible.list.contains(name).sum()),
        )
        for name in PHENOTYPE_LABELS
    }


def count_several(frame: pl.DataFrame) -> int:
    """Return how many patients have more than one possible label."""
    return int(frame["possible_labels"].str.contains(_BAR, literal=True).sum())


def summarize_phenotypes(analysis_id: str, outcome: str, frame: pl.DataFrame) -> Iterator[ResultRow]:
    """Count the patients of each label, those certain and those possible, the not judged and the open.

    All patients are the denominator. `certain` and `possible` bound the count of a label; they are not its
    best and worst case, because phenotypes have no order.
    """
    key = ResultRow(analysis_id=analysis_id, group="phenotypes", variable=outcome, estimate="count")
    n = frame.height
    for label, (count, certain, possible) in count_possible(frame).items():
        found = replace(key, variable_level=label, scenario="policy", n=n)
        yield from _count(found, count, n)
        yield replace(found, scenario="", estimate="certain", value=certain)
        yield replace(found, scenario="", estimate="possible", value=possible)
    others = {_NOT_JUDGED: int(frame["label"].is_null().sum()), _SEVERAL: count_several(frame)}
    for level, count in others.items():
        yield from _count(replace(key, variable_level=level, scenario="policy", n=n), count, n)


def _count(key: ResultRow, count: int, denominator: int) -> Iterator[ResultRow]:
    proportion = estimate_proportion(count, denominator)
    for name in ("count", "denominator", "percent"):
        value = getattr(proportion, name)
        status, note = ("ok", "") if value is not None else ("not_estimable", "no patient")
        yield replace(key, estimate=name, value=value, status=status, note=note)


def measure_dips(frame: pl.DataFrame, evidence: pl.DataFrame, outcome: str) -> pl.DataFrame:
    """Return first day, length and lowest measured count of each second dip, one row per patient who had one.

    Returns
    -------
    DataFrame
        `patient_id`, `first_day`, `length_days`, `depth` (the upper end of the lowest measured value; null if
        no day of the dip was measured).
    """
    measured = evidence.filter(
        pl.col("outcome") == outcome,
        pl.col("verdict") == "second dip",
        pl.col("state") == "measured",
    )
    depth = measured.group_by("patient_id").agg(pl.col("high").min().alias("depth"))
    dips = frame.filter(pl.col("policy") == 1).select(
        "patient_id", "first_day", (pl.col("last_day") - pl.col("first_day") + 1).alias("length_days")
    )
    return dips.join(depth, on="patient_id", how="left", maintain_order="left")


def summarize_dips(
    analysis_id: str, outcome: str, frame: pl.DataFrame, *, evidence: pl.DataFrame
) -> Iterator[ResultRow]:
    """Median and range of the first day, the length and the depth of the second dips."""
    dips = measure_dips(frame, evidence, outcome)
    for name in ("first_day", "length_days", "depth"):
        summary = describe_numbers(dips[name].cast(pl.Float64).to_numpy())
        key = ResultRow(
            analysis_id=analysis_id,
            group="second_dip",
            variable=outcome,
            variable_level=name,
            estimate="n",
            value=summary.n,
            n=summary.n,
        )
        yield key
        for estimate in ("median", "minimum", "maximum", "q1", "q3"):
            status, note = ("ok", "") if summary.n else ("not_estimable", "nobody had a second dip")
            yield replace(key, estimate=estimate, value=getattr(summary, estimate), status=status, note=note)
