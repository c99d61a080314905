"""Who belongs to the cohort of a study, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from cytopenia.contract import Tables
from cytopenia.results import ResultRow
from cytopenia.study.outcomes import CohortOutcomes
from cytopenia.study.protocol import Study

__all__ = ["choose_cohort", "flow_of_courses"]


def choose_cohort(study: Study, tables: Tables) -> tuple[list[ResultRow], Tables]:
    """Return the patients with an infusion and every required column, and a row for each step."""
    described = tables.patients.select("patient_id").unique()
    infused = tables.infusions.filter(pl.col("day") == 0).unique(
        "patient_id", keep="first", maintain_order=True
    )
    everybody = pl.concat([described, infused.select("patient_id")]).unique()
    kept = infused.join(described, on="patient_id", how="semi")
    rows = [_step("patients", "Patients in the tables", everybody.height)]
    left_out = {
        "no_infusion": ("No infusion recorded", everybody.height - infused.height),
        "not_described": ("Not in the patients table", infused.height - kept.height),
    }
    rows += [_step(step, text, count, left_out=True) for step, (text, count) in left_out.items() if count]
    for address in study.protocol.cohort.require:
        table, _, column = address.partition(".")
        frame = kept if table == "infusions" else tables.patients
        known = frame.filter(pl.col(column).is_not_null()).select("patient_id")
        left = kept.join(known, on="patient_id", how="semi")
        if left.height < kept.height:
            rows.append(_step(address, f"{address} not known", kept.height - left.height, left_out=True))
        kept = left
    rows.append(_step("cohort", "Patients in the cohort", kept.height))
    infusions = tables.infusions.join(kept.select("patient_id"), on="patient_id", how="semi")
    return rows, replace(tables, infusions=infusions)


def _step(step: str, text: str, count: int, *, left_out: bool = False) -> ResultRow:
    level = "left out" if left_out else "kept"
    return ResultRow(analysis_id="flow", variable=step, level=level, estimate="count", value=count, text=text)


def flow_of_courses(cohort: CohortOutcomes) -> Iterator[ResultRow]:
    """Yield how many patients of the cohort have blood counts, and how many have none."""
    is_measured = np.zeros(len(cohort.courses), dtype=np.bool_)
    for grid in cohort.grids.values():
        is_measured |= grid.measured[:, max(-grid.first_day, 0) :].any(axis=1)
    with_counts = int(is_measured.sum())
    if with_counts < len(cohort.courses):
        without = len(cohort.courses) - with_counts
        yield _step("no_counts", "No blood count from day 0 on (not judged)", without, left_out=True)
    yield _step("with_counts", "Patients with blood counts from day 0 on", with_counts)
