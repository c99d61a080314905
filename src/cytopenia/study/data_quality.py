"""What to know of the data before believing any grade: the numbers behind the page of `check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from cytopenia.contract import Tables, check_tables, collect_findings, merge_findings
from cytopenia.contract.data_quality import QUALITY_SCHEMAS, DataQuality, Reading
from cytopenia.errors import DataError
from cytopenia.grading.day_account import account_days
from cytopenia.grading.day_grid import split_courses
from cytopenia.grading.gaps import GapRule, derive_scenarios
from cytopenia.grading.recovery import days_needed
from cytopenia.study.coverage import (
    Coverage,
    count_all_days,
    count_days,
    count_ends,
    count_follow_up,
    count_groups,
    count_patients,
    count_weekdays,
    count_weeks,
    cover_days,
    frame_days,
)
from cytopenia.study.derived import derive_all
from cytopenia.study.lab_quality import (
    count_censored,
    count_limits,
    count_moments,
    read_account,
    spread_values,
)
from cytopenia.study.limit_checks import note_missing_limits
from cytopenia.study.outcomes import CohortOutcomes, derive_outcomes
from cytopenia.study.plan import Plan, build_plan
from cytopenia.study.protocol import Study

__all__ = ["count_reading", "measure_quality"]

_LINEAGES = ("anc", "hemoglobin", "platelets")
# The days of a study without outcomes, and the most that a map can show.
_USUAL_DAYS, _MOST_DAYS = (-30, 90), 400
_TABLES = ("patients", "infusions", "labs", "support", "events", "responses")
_NO_OUTCOMES = "The study file names no outcome."
_NO_COURSE = "No patient has a first infusion."
_HAS_ERRORS = "The tables have errors; correct them first."
# What the states of a day account come to for somebody who asks what can be seen.
_SEEN_AS = {
    "measured": ("measured",),
    "bounded": ("wbc_bounded",),
    "filled": ("bracketed",),
    "open": ("long_gap", "before_first", "after_last"),
    "not_followed": ("discharged", "lost"),
    "over": ("after_death", "next_course"),
}

Window = tuple[str, tuple[int, int]]
Rows = list[tuple[Any, ...]]


def measure_quality(study: Study, tables: Tables) -> DataQuality:
    """Return what is known of the data of a study; never raises on data.

    Parameters
    ----------
    study : Study
    tables : Tables
        As the readers return them, with or without errors; never changed.
    """
    plan = build_plan(study)
    lacking = collect_findings(note_missing_limits(study, plan, tables.labs))
    findings = merge_findings(check_tables(tables), lacking)
    windows = _list_windows(plan)
    days = _choose_days(plan)
    last_day = max((window[1] for _, window in windows), default=days[1])
    bounds = study.library.bounds
    is_complete = study.protocol.study.support_complete and tables.has_support
    titles = {name: plan.title(name, support_complete=is_complete) for name in plan.specs}
    coverage = cover_days(tables, _LINEAGES, days=days, longest_gap=bounds.longest_days)
    covered_days, covered_patients = count_days(coverage), count_patients(coverage)
    cohort, hindrance = _derive(study, tables, plan, has_errors="error" in findings["severity"])
    return DataQuality(
        first_day=days[0],
        last_day=days[1],
        has_days=len(coverage.courses) > 0,
        has_support=tables.has_support,
        hindrance=hindrance,
        findings=findings,
        tables=_count_tables(tables),
        account=read_account(tables),
        moments=count_moments(tables.labs),
        censored=count_censored(tables.labs),
        spread=spread_values(tables.labs),
        cuts=_list_cuts(plan),
        limits=count_limits(tables.labs),
        covered=count_all_days(covered_patients),
        covered_days=covered_days,
        covered_weeks=count_weeks(covered_days),
        covered_patients=covered_patients,
        patient_days=frame_days(coverage),
        group_weeks=count_groups(coverage),
        weekdays=count_weekdays(coverage, tables.infusions),
        windows=_frame("windows", [] if cohort is None else _account_windows(study, cohort, windows, titles)),
        outcomes=_frame("outcomes", [] if cohort is None else _count_outcomes(study, plan, cohort, titles)),
        ends=count_ends(coverage, last_day),
        follow_up=count_follow_up(coverage, last_day),
        support=_count_support(tables.support, last_day),
        events=_count_events(tables.events, last_day),
        facts=_frame("facts", _list_facts(tables, coverage)),
    )


def count_reading(tables: Tables) -> Reading:
    """Return what became of the rows of the files, without a look at days and outcomes."""
    return Reading(findings=check_tables(tables), tables=_count_tables(tables), account=read_account(tables))


def _choose_days(plan: Plan) -> tuple[int, int]:
    """The days that the outcomes look at with those that bound them, or the usual ones."""
    spans = [plan.days[name] for name in _LINEAGES if name in plan.days] or [_USUAL_DAYS]
    first = min(span[0] for span in spans)
    return first, min(max(span[1] for span in spans), first + _MOST_DAYS - 1)


def _list_windows(plan: Plan) -> dict[Window, list[str]]:
    """Every analyte and window that an outcome looks at, with the outcomes."""
    found: dict[Window, list[str]] = {}
    for grade in plan.grades:
        found.setdefault((grade.part.analyte, grade.window), []).extend(grade.outcomes)
    for shape in plan.phenotypes:
        found.setdefault((shape.definition.analyte, shape.definition.window), []).append(shape.outcome)
    for fever in plan.fevers:
        found.setdefault((fever.definition.count.analyte, fever.window), []).append(fever.outcome)
    for recovery in plan.recoveries:
        for item in recovery.definition.all_of:
            window = days_needed(recovery.definition)
            found.setdefault((item.analyte, window), []).append(recovery.outcome)
    for timed in plan.recovery_times:
        for item in timed.definition.all_of:
            found.setdefault((item.analyte, timed.days), []).append(timed.outcome)
    return found


def _derive(
    study: Study, tables: Tables, plan: Plan, *, has_errors: bool
) -> tuple[CohortOutcomes | None, str]:
    """What the kernel finds, or why it was not asked."""
    if not plan.specs:
        return None, _NO_OUTCOMES
    if has_errors:
        return None, _HAS_ERRORS
    if tables.infusions.filter(pl.col("day") == 0).is_empty():
        return None, _NO_COURSE
    use_caps = study.protocol.study.bound_anc_by_wbc
    library = study.library
    cohort = derive_outcomes(
        tables, plan, bounds=library.bounds, use_caps=use_caps, baseline=library.baseline
    )
    return cohort, ""


def _account_windows(
    study: Study,
    cohort: CohortOutcomes,
    windows: Mapping[Window, list[str]],
    titles: Mapping[str, str],
) -> Rows:
    """What became of the patient-days of each window, and how many patients have days that nobody saw."""
    parts = list(split_courses(cohort.courses))
    rows: Rows = []
    for (analyte, window), outcomes in windows.items():
        rule = GapRule.of_analyte(study.library.bounds, analyte)
        sums: dict[str, Any] = dict.fromkeys(_SEEN_AS, 0)
        unseen = unmeasured = 0
        for part in parts:
            grid = derive_scenarios(cohort.grids[analyte].part(part), rule)
            account = account_days(grid, cohort.courses.part(part), window=window)
            seen = {name: sum(account[state] for state in states) for name, states in _SEEN_AS.items()}
            sums = {name: sums[name] + int(np.sum(days)) for name, days in seen.items()}
            unseen += int(np.sum(seen["open"] + seen["not_followed"] > 0))
            unmeasured += int(np.sum((seen["measured"] == 0) & (seen["over"] <= window[1] - window[0])))
        asking = "; ".join(dict.fromkeys(titles[name] for name in outcomes))
        days = sum(sums.values()) - sums["over"]
        percent = 100 * sums["measured"] / days if days else None
        counts = (*sums.values(), days, percent, unseen, unmeasured)
        rows.append((analyte, *window, asking, len(cohort.courses), *counts))
    return rows


def _count_outcomes(study: Study, plan: Plan, cohort: CohortOutcomes, titles: Mapping[str, str]) -> Rows:
    """How many patients have an answer that nothing unseen can change."""
    try:
        outcomes = derive_all(cohort, plan, study.library.baseline)
    except DataError:
        # A run says what hinders it; the days can be looked at all the same.
        outcomes = cohort.outcomes
    counted = outcomes.group_by("outcome").agg(
        patients=pl.len(),
        decided=pl.col("decided").sum(),
        not_judged=(~pl.col("decided") & pl.col("policy").is_null()).sum(),
    )
    by_name = {row["outcome"]: row for row in counted.iter_rows(named=True)}
    rows: Rows = []
    for name, row in ((name, by_name[name]) for name in plan.specs if name in by_name):
        may_differ = row["patients"] - row["decided"] - row["not_judged"]
        rows.append((name, titles[name], row["patients"], row["decided"], may_differ, row["not_judged"]))
    return rows


def _count_tables(tables: Tables) -> pl.DataFrame:
    frames = {name: getattr(tables, name) for name in _TABLES}
    rows = [
        (name, frame.height, frame.filter(pl.col("patient_id") != "")["patient_id"].n_unique())
        for name, frame in frames.items()
    ]
    return _frame("tables", rows)


def _list_cuts(plan: Plan) -> pl.DataFrame:
    return _frame("cuts", [(name, *cut) for name, cuts in plan.fixed_cuts.items() for cut in cuts])


def _count_support(support: pl.DataFrame, last_day: int) -> pl.DataFrame:
    counted = support.group_by("kind").agg(
        rows=pl.len(),
        patients=pl.col("patient_id").n_unique(),
        without_stop=pl.col("stop").is_null().sum(),
        before_day_0=(pl.col("start") < 0).sum(),
        after_last_day=(pl.col("start") > last_day).sum(),
    )
    return _cast(counted.sort("kind"), "support")


def _count_events(events: pl.DataFrame, last_day: int) -> pl.DataFrame:
    counted = events.group_by("kind").agg(
        rows=pl.len(),
        patients=pl.col("patient_id").n_unique(),
        before_day_0=(pl.col("day") < 0).sum(),
        after_last_day=(pl.col("day") > last_day).sum(),
    )
    return _cast(counted.sort("kind"), "events")


def _list_facts(tables: Tables, coverage: Coverage) -> Iterator[tuple[str, int, int]]:
    """Patients with what cannot be seen from the counts: each with the patients it is asked of."""
    courses, total = coverage.courses, len(coverage.courses)
    everybody = pl.concat(getattr(tables, name).select("patient_id") for name in _TABLES).unique()
    everybody = everybody.filter(pl.col("patient_id") != "")
    without = everybody.filter(~pl.col("patient_id").is_in(courses.patient_id.implode())).height
    first = tables.infusions.filter(pl.col("day") == 0).unique("patient_id", keep="first")
    ended = np.fmax(courses.death_day, courses.last_contact_day)
    yield "without_infusion", without, everybody.height
    yield "infusion_undated", int(first["infusion_date"].is_null().sum()), total
    yield "lymphodepletion_unknown", int(np.isnan(courses.lymphodepletion_day).sum()), total
    yield "second_infusion", int((~np.isnan(courses.second_infusion_day)).sum()), total
    yield "without_count", int(np.isnan(coverage.last_value).sum()), total
    yield "died", int((~np.isnan(courses.death_day)).sum()), total
    yield "end_unknown", int(np.isnan(ended).sum()), total


def _frame(name: str, rows: Any) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=QUALITY_SCHEMAS[name], orient="row")


def _cast(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    return frame.select(pl.col(column).cast(dtype) for column, dtype in QUALITY_SCHEMAS[name].items())
