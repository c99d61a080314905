"""Panel D of "Read with care": the published odds ratios where others are at risk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import BaselineDefinition
from cytopenia.definitions import Library
from cytopenia.results import ResultRow
from cytopenia.study.analysis_forms import RiskFactors
from cytopenia.study.care_models import CareInput, list_published, pick_headlines, refit_published
from cytopenia.study.care_rows import refuse_panel, report_effects
from cytopenia.study.derived import grade_baseline, judge_threshold
from cytopenia.study.groups import SCENARIOS, Sides, split_sides
from cytopenia.study.outcomes import CohortOutcomes
from cytopenia.study.plan import GradePlan, Plan

__all__ = [
    "HadBefore",
    "OtherReading",
    "find_had_before",
    "read_deaths_otherwise",
    "summarize_careful_patients",
]

Mask = NDArray[np.bool_]
DIED = "died before landmark"
NOT_RECOVERED, EXCLUDE = "not_recovered", "exclude"
NO_LANDMARK = "the outcome has no landmark"
NOBODY_DIED = "nobody died before the landmark"
NO_BASELINE = "the protocol names no definition of the baseline"
NOBODY_HAD = "nobody in a group had it at baseline"


@dataclass(frozen=True)
class OtherReading:
    """Early deaths, and the sides where they are counted the other way; None where there is no landmark."""

    reading: str
    deaths: int
    sides: Sides


@dataclass(frozen=True)
class HadBefore:
    """Who had the least grade before treatment in a lineage of the outcome, and whose grade is not known."""

    had: Mask
    is_unknown: Mask
    min_grade: int
    analytes: tuple[str, ...]


def read_deaths_otherwise(
    analysis: RiskFactors, frame: pl.DataFrame, died_before_landmark: str | None
) -> OtherReading | None:
    """Return the sides with early deaths among those who did not recover, or in no group if they were."""
    if died_before_landmark is None:
        return None
    other = EXCLUDE if died_before_landmark == NOT_RECOVERED else NOT_RECOVERED
    deaths = int((frame["label"] == DIED).fill_null(value=False).sum())
    return OtherReading(other, deaths, split_sides(analysis.event, frame, died_before_landmark=other))


def find_had_before(
    analysis: RiskFactors, plan: Plan, *, cohort: CohortOutcomes, library: Library
) -> HadBefore | None:
    """Return who had the grade at baseline that the protocol names; None where it names none."""
    rule = None if analysis.read_with_care is None else analysis.read_with_care.baseline
    if rule is None:
        return None
    judged = _list_analytes(plan, analysis.outcome)
    graded = {
        part.analyte: _reach(
            cohort, GradePlan(address, part, (0, 0), ()), library.baseline, min_grade=rule.min_grade
        )
        for address, part in library.find_value_parts(rule.definition).items()
        if part.analyte in judged and part.analyte in cohort.grids
    }
    reached = np.column_stack(list(graded.values()) or [np.full(len(cohort.courses), np.nan)])
    had: Mask = np.asarray((reached == 1).any(axis=1))
    is_unknown: Mask = np.asarray(~had & np.isnan(reached).any(axis=1))
    return HadBefore(had, is_unknown, rule.min_grade, tuple(graded))


def _reach(
    cohort: CohortOutcomes, plan: GradePlan, baseline: BaselineDefinition, *, min_grade: int
) -> NDArray[np.float64]:
    """1 for who had the grade at baseline, 0 for who did not, NaN where the value does not say."""
    judged = judge_threshold(grade_baseline(cohort, plan, baseline), min_grade)
    return judged["policy"].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _list_analytes(plan: Plan, outcome: str) -> set[str]:
    """The analytes that an outcome judges, those of its parts if it is a combination."""
    found = {one.part.analyte for one in plan.grades if outcome in one.outcomes}
    found |= {one.definition.analyte for one in plan.phenotypes if one.outcome == outcome}
    for recovery in plan.recoveries:
        if recovery.outcome == outcome:
            found |= {name for name, _ in recovery.definition.analyte_units}
    if any(one.outcome == outcome for one in plan.fevers):
        found.add("anc")
    for part in plan.specs[outcome].any_of:
        found |= _list_analytes(plan, part)
    return found


def summarize_careful_patients(
    given: CareInput, reading: OtherReading | None, before: HadBefore | None
) -> Iterator[ResultRow]:
    """Return the published odds ratios with early deaths read otherwise, and without those who had it before.

    Rows of group `care_d`, scenarios `early_deaths` and `baseline`. Models, terms and cuts are the published
    ones; only the patients differ.
    """
    key = given.begin_row("d")
    deaths = replace(key, scenario="early_deaths")
    if reading is None or not reading.deaths:
        yield refuse_panel(deaths, NO_LANDMARK if reading is None else NOBODY_DIED)
    else:
        count = replace(deaths, variable="patients", estimate="count", value=reading.deaths)
        yield replace(count, text=reading.reading)
        yield from _refit(deaths, given, reading.sides)
    yield from _summarize_baseline(replace(key, scenario="baseline"), given, before)


def _summarize_baseline(key: ResultRow, given: CareInput, before: HadBefore | None) -> Iterator[ResultRow]:
    if before is None:
        yield refuse_panel(key, NO_BASELINE)
        return
    is_in = ~np.isnan(given.sides.policy)
    row = replace(key, variable="patients", n=int(is_in.sum()))
    count, unknown = int((before.had & is_in).sum()), int((before.is_unknown & is_in).sum())
    yield replace(row, estimate="count", value=count, text=", ".join(before.analytes))
    yield replace(row, estimate="min_grade", value=before.min_grade)
    yield replace(row, estimate="unknown", value=unknown)
    if not count:
        yield refuse_panel(key, NOBODY_HAD)
        return
    event = {name: np.where(before.had, np.nan, given.sides.event[name]) for name in SCENARIOS}
    yield from _refit(key, given, replace(given.sides, event=event))


def _refit(key: ResultRow, given: CareInput, sides: Sides) -> Iterator[ResultRow]:
    lines = pick_headlines(list_published(given))
    for line, effect in refit_published(given, sides, lines).items():
        yield from report_effects(line.begin_row(key), line.effect, effect)
