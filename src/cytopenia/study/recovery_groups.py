"""Time to recovery of groups: curves of each, Gray's test and Fine and Gray's model, with death competing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import GatesDefinition
from cytopenia.results import ResultRow
from cytopenia.stats.competing_risks import compare_incidence
from cytopenia.stats.fine_gray import fit_fine_gray
from cytopenia.stats.survival import CumulativeIncidence, estimate_cumulative_incidence
from cytopenia.study.analysis_forms import TimeToRecovery
from cytopenia.study.curve_rows import list_point
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import SCENARIOS
from cytopenia.study.hazard_models import list_hazards, name_hazard, report_term, say_events
from cytopenia.study.models import judge_univariable_size
from cytopenia.study.time_to_recovery import KINDS, RecoveryTimes, find_recovery_times

__all__ = ["summarize_recovery_groups"]

_NO_FIRTH = "Firth's method does not exist for this model; with so few recoveries the ratio is uncertain"


def summarize_recovery_groups(
    analysis: TimeToRecovery,
    frame: pl.DataFrame,
    factor: FactorColumn,
    *,
    death_day: NDArray[np.float64],
    first_day: int,
    gates: GatesDefinition,
) -> Iterator[ResultRow]:
    """Return the curves of each level of a factor, and how they compare; the rest as of the whole cohort.

    Patients whose level is not known are in no group. The model is fitted from as many recoveries on as the
    gates ask for.
    """
    key = ResultRow(analysis_id=analysis.id, variable=analysis.outcome, estimate="")
    for scenario in SCENARIOS:
        times = find_recovery_times(frame, scenario, death_day=death_day, first_day=first_day)
        of_scenario = replace(key, scenario=scenario)
        yield from _describe(of_scenario, analysis, factor, times)
        yield from _test(of_scenario, factor, times)
        yield from _fit(of_scenario, factor, times, gates)


def _describe(
    key: ResultRow, analysis: TimeToRecovery, factor: FactorColumn, times: RecoveryTimes
) -> Iterator[ResultRow]:
    values = factor.values.cast(pl.String).to_numpy()[times.is_in]
    unknown = sum(value is None for value in values)
    row = replace(key, group="group_patients", variable=factor.name, text=factor.title)
    if unknown:
        yield replace(row, variable_level="in no group", estimate="count", value=unknown)
    for level in factor.list_levels():
        members = values == level
        yield replace(row, stratum=level, estimate="count", value=int(members.sum()))
        for name, kind in KINDS.items():
            curve = estimate_cumulative_incidence(times.time[members], times.event[members], kind=kind)
            own = replace(key, stratum=level, n=curve.n)
            yield from _list_days(own, name, curve, analysis.days)
            if key.scenario == "policy":
                yield from _list_steps(own, name, curve)
            if name == "recovery":
                yield _find_median(own, curve)


def _list_days(
    key: ResultRow, name: str, curve: CumulativeIncidence, days: tuple[int, ...]
) -> Iterator[ResultRow]:
    for day in days:
        row = replace(key, group="group_days", variable_level=f"{name}|{day}")
        yield from list_point(row, curve.at(day), estimate="cumulative_incidence")


def _list_steps(key: ResultRow, name: str, curve: CumulativeIncidence) -> Iterator[ResultRow]:
    for day, value in zip(curve.times, curve.estimate, strict=True):
        level = f"{name}|{day:g}"
        row = replace(key, group="group_curve", variable_level=level, estimate="cumulative_incidence")
        yield replace(row, value=float(value))


def _find_median(key: ResultRow, curve: CumulativeIncidence) -> ResultRow:
    median = curve.median
    return replace(
        key,
        group="group_median",
        variable_level="recovery",
        estimate="median_day",
        value=median,
        status="ok" if median is not None else "not_estimable",
        note="" if median is not None else "not reached: fewer than half had recovered while followed",
    )


def _test(key: ResultRow, factor: FactorColumn, times: RecoveryTimes) -> Iterator[ResultRow]:
    values = factor.values.cast(pl.String).to_numpy()[times.is_in]
    known = np.array([value is not None for value in values], dtype=np.bool_)
    for name, kind in KINDS.items():
        found = compare_incidence(times.time[known], times.event[known], values[known].astype(str), kind=kind)
        row = replace(key, group="group_test", variable=factor.name, variable_level=name, text="gray")
        tested = replace(row, n=int(known.sum()), status=found.status, note=found.note)
        yield replace(tested, estimate="p_value", value=found.p_value)
        if found.statistic is not None:
            yield replace(tested, estimate="statistic", value=found.statistic)
            yield replace(tested, estimate="df", value=found.df)


def _fit(
    key: ResultRow, factor: FactorColumn, times: RecoveryTimes, gates: GatesDefinition
) -> Iterator[ResultRow]:
    terms, refused, members = list_hazards([factor], times.is_in)
    inside = members[times.is_in]
    events = int((times.event[inside] == KINDS["recovery"]).sum())
    row = replace(key, group="fine_gray", variable=factor.name, text=factor.title)
    said = say_events(events, "recovery")
    refusal, _ = judge_univariable_size(events, gates, said=said, is_requested=False)
    if refusal:
        yield replace(row, estimate="hazard_ratio", status="not_done", note=refusal)
        return
    if not terms:
        why = refused.get((factor.name, ""), "no patient with every value")
        yield replace(row, estimate="hazard_ratio", status="not_estimable", note=why)
        return
    design = np.column_stack([term.column[members] for term in terms])
    names = [term.name for term in terms]
    fit = fit_fine_gray(times.time[inside], times.event[inside], design, names=names, kind=KINDS["recovery"])
    remark = _NO_FIRTH if events < gates.multivariable_from else ""
    yield replace(row, variable_level=factor.reference_level, estimate="reference")
    for term, found in zip(terms, fit.terms, strict=True):
        named = replace(row, variable_level=term.level)
        for one in report_term(named, name_hazard(factor, term.step), found, fit=fit):
            note = "; ".join(part for part in (one.note, remark) if part)
            yield replace(one, note=note if one.estimate == "hazard_ratio" else one.note)
