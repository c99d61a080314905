"""Times to death to result rows: curves, medians, follow-up, restricted means, the log-rank test, models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import GatesDefinition
from cytopenia.results import ResultRow
from cytopenia.stats.kaplan_meier import Quantile, SurvivalCurve, estimate_follow_up, estimate_survival
from cytopenia.stats.log_rank import compare_survival
from cytopenia.stats.restricted_mean import (
    RestrictedMean,
    compare_restricted_means,
    estimate_restricted_mean,
)
from cytopenia.study.analysis_forms import Survival
from cytopenia.study.curve_rows import list_point
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import SCENARIOS, Sides, split_sides
from cytopenia.study.hazard_models import fit_hazards, name_hazard, report_term, summarize_hazards
from cytopenia.study.models import judge_univariable_size
from cytopenia.study.survival_times import SurvivalTimes

__all__ = ["SurvivalInput", "group_by_outcome", "summarize_survival"]

Marks = NDArray[np.bool_]

# Days between two marks of an axis; the first that leaves few enough is taken.
_STEPS = (1, 2, 5, 7, 14, 28, 30, 60, 90, 120, 180, 240, 365, 730, 1460)
_MOST_MARKS = 6


@dataclass(frozen=True)
class SurvivalInput:
    """What an analysis of survival works on.

    Attributes
    ----------
    times : SurvivalTimes
    groups : mapping of scenario to FactorColumn
        The groups by the policy, and with every open outcome at its best and at its worst; a factor has
        the policy only, and no groups are an empty mapping.
    factors : sequence of FactorColumn
    gates : GatesDefinition
    """

    times: SurvivalTimes
    groups: Mapping[str, FactorColumn]
    factors: Sequence[FactorColumn]
    gates: GatesDefinition


def group_by_outcome(
    name: str, title: str, frame: pl.DataFrame, *, is_recovery: bool
) -> dict[str, FactorColumn]:
    """Return the two sides of an outcome as groups, by the policy and with open ones at best and at worst.

    Parameters
    ----------
    name, title : str
    frame : DataFrame
        Rows of the outcomes table of that outcome, in the order of the courses.
    is_recovery : bool
        Models compare those who have not recovered with those who have; else yes with no.
    """
    sides = split_sides("not_recovered" if is_recovery else "yes", frame)
    return {scenario: _name_sides(name, title, sides, scenario) for scenario in SCENARIOS}


def _name_sides(name: str, title: str, sides: Sides, scenario: str) -> FactorColumn:
    has, has_not = sides.names
    found = [None if np.isnan(mark) else (has if mark == 1 else has_not) for mark in sides.event[scenario]]
    return FactorColumn(name, title, pl.Series(name, found, dtype=pl.String), levels=(has_not, has))


def summarize_survival(analysis: Survival, given: SurvivalInput) -> Iterator[ResultRow]:
    """Return everything of one analysis of survival; what cannot be told has its reason.

    The groups are described and tested at any number of deaths; models follow the gates. With groups by an
    outcome every number of the groups is given three times.
    """
    times = given.times
    key = ResultRow(analysis_id=analysis.id, variable=analysis.endpoint, estimate="", scenario="policy")
    yield from _count_patients(replace(key, group="patients"), given)
    curve = estimate_survival(times.time[times.is_in], times.is_event[times.is_in])
    yield _report_quantile(
        replace(key, group="follow_up", estimate="median_follow_up", n=curve.n),
        estimate_follow_up(times.time[times.is_in], times.is_event[times.is_in]).median,
        "no end of follow-up is seen by half of the patients",
    )
    yield from _report_curve(key, curve, analysis, marks=_choose_marks(curve.last))
    for scenario, factor in given.groups.items():
        yield from _compare_groups(replace(key, scenario=scenario), analysis, factor, given)
    candidates = [*([given.groups["policy"]] if given.groups else []), *given.factors]
    yield from summarize_hazards(analysis, candidates, times, gates=given.gates)
    for scenario, factor in given.groups.items():
        if scenario != "policy":
            yield from _repeat_model(replace(key, scenario=scenario), analysis, factor, given)


def _count_patients(key: ResultRow, given: SurvivalInput) -> Iterator[ResultRow]:
    times = given.times
    yield replace(key, variable_level="cohort", estimate="count", value=len(times.time))
    for why, count in times.left_out.items():
        yield replace(key, variable_level=why, level="left out", estimate="count", value=count)
    yield replace(key, variable_level="analyzed", estimate="count", value=int(times.is_in.sum()))
    yield replace(key, variable_level="deaths", estimate="count", value=int(times.is_event.sum()))
    if times.censored_by_infusion:
        why = "censored before a second infusion"
        yield replace(key, variable_level=why, estimate="count", value=times.censored_by_infusion)
    for scenario, factor in given.groups.items():
        unknown = int((times.is_in & factor.values.is_null().to_numpy()).sum())
        row = replace(key, scenario=scenario, estimate="count")
        if unknown:
            yield replace(row, variable_level="in no group", level="left out", value=unknown)
        for level, members in _split(factor, times):
            yield replace(row, stratum=level, variable_level="analyzed", value=int(members.sum()))
            yield replace(
                row, stratum=level, variable_level="deaths", value=int(times.is_event[members].sum())
            )


def _split(factor: FactorColumn, times: SurvivalTimes) -> list[tuple[str, Marks]]:
    values = factor.values.cast(pl.String).to_numpy()
    return [(level, times.is_in & (values == level)) for level in factor.list_levels()]


def _choose_marks(last: float) -> list[int]:
    """The days under which a figure prints who is at risk."""
    step = next((step for step in _STEPS if last / step <= _MOST_MARKS), _STEPS[-1])
    return list(range(0, int(last) + 1, step))


def _report_curve(
    key: ResultRow, curve: SurvivalCurve, analysis: Survival, *, marks: Sequence[int]
) -> Iterator[ResultRow]:
    key = replace(key, n=curve.n)
    for time in analysis.times:
        row = replace(key, group="times", variable_level=str(time))
        yield from list_point(row, curve.at(time), estimate="survival")
    yield _report_quantile(
        replace(key, group="median", estimate="median_survival"),
        curve.median,
        "not reached: more than half survived while they were followed",
    )
    if analysis.restricted_mean_until is not None:
        found = estimate_restricted_mean(curve, until=analysis.restricted_mean_until)
        yield from _report_mean(replace(key, group="restricted_mean"), found)
    if key.scenario == "policy":
        yield from _list_steps(key, curve)
        for mark in marks:
            point = curve.at(mark)
            row = replace(key, group="at_risk", variable_level=str(mark))
            yield replace(row, estimate="at_risk", value=point.at_risk)
            yield replace(row, estimate="events", value=point.events)


def _list_steps(key: ResultRow, curve: SurvivalCurve) -> Iterator[ResultRow]:
    """The curve as a figure draws it, and who is censored where."""
    lines = (curve.times, curve.estimate, curve.low, curve.high, curve.censored)
    for time, value, low, high, censored in zip(*lines, strict=True):
        row = replace(key, group="curve", variable_level=f"{time:g}")
        yield replace(
            row,
            estimate="survival",
            value=float(value),
            low=None if np.isnan(low) else float(low),
            high=None if np.isnan(high) else float(high),
        )
        if censored:
            yield replace(row, estimate="censored", value=int(censored))


def _report_quantile(key: ResultRow, found: Quantile, why: str) -> ResultRow:
    is_reached = found.value is not None
    return replace(
        key,
        value=found.value,
        low=found.low,
        high=found.high,
        status="ok" if is_reached else "not_estimable",
        note="" if is_reached else why,
    )


def _report_mean(key: ResultRow, found: RestrictedMean) -> Iterator[ResultRow]:
    row = replace(key, variable_level=f"{found.until:g}", status=found.status, note=found.note)
    yield replace(row, estimate="restricted_mean", value=found.estimate, low=found.low, high=found.high)
    if found.standard_error is not None:
        yield replace(row, estimate="standard_error", value=found.standard_error, note="")
    if found.p_value is not None:
        yield replace(row, estimate="p_value", value=found.p_value, note="")


def _compare_groups(
    key: ResultRow, analysis: Survival, factor: FactorColumn, given: SurvivalInput
) -> Iterator[ResultRow]:
    """Each group's curve, the test of all of them, and the difference of two restricted means."""
    times = given.times
    marks = _choose_marks(float(np.nanmax(times.time)) if times.is_in.any() else 0.0)
    curves: list[SurvivalCurve] = []
    for level, members in _split(factor, times):
        curve = estimate_survival(times.time[members], times.is_event[members])
        curves.append(curve)
        yield from _report_curve(replace(key, stratum=level), curve, analysis, marks=marks)
    until = analysis.restricted_mean_until
    if until is not None and len(curves) == 2:
        first, second = (estimate_restricted_mean(curve, until=until) for curve in curves)
        difference = replace(key, group="restricted_mean", stratum="difference")
        yield from _report_mean(difference, compare_restricted_means(first, second))
    known = times.is_in & factor.values.is_not_null().to_numpy()
    names = factor.values.cast(pl.String).to_numpy()[known]
    found = compare_survival(times.time[known], times.is_event[known], names.astype(str))
    row = replace(key, group="test", variable=factor.name, n=int(known.sum()), text="log_rank")
    yield replace(row, estimate="title", text=factor.title)
    tested = replace(row, status=found.status, note=found.note)
    yield replace(tested, estimate="p_value", value=found.p_value)
    if found.statistic is not None:
        yield replace(tested, estimate="statistic", value=found.statistic)
        yield replace(tested, estimate="df", value=found.df)
    for level, expected in zip(found.groups, found.expected, strict=True):
        yield replace(row, stratum=level, estimate="expected", value=expected)


def _repeat_model(
    key: ResultRow, analysis: Survival, factor: FactorColumn, given: SurvivalInput
) -> Iterator[ResultRow]:
    """The groups' hazard ratio with every open outcome at its best, or at its worst."""
    is_known = factor.values.is_not_null().to_numpy()
    events = int((given.times.is_event & is_known).sum())
    is_published = analysis.parity != "default"
    refusal, _ = judge_univariable_size(events, given.gates, said="", is_requested=is_published)
    if refusal:
        return
    method = "maximum_likelihood" if is_published else "firth"
    model = fit_hazards([factor], given.times, method=method)
    if model.fit is None:
        return
    for term, found in zip(model.terms, model.fit.terms, strict=True):
        row = replace(key, group="univariable", variable=factor.name, variable_level=term.level)
        yield from report_term(row, name_hazard(factor, term.step), found, fit=model.fit)
