"""Hazard models of a study: columns of factors, what the number of events allows, and the result rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import GatesDefinition
from cytopenia.results import ResultRow
from cytopenia.stats.cox import fit_cox
from cytopenia.stats.hazards import HazardFit, HazardTerm
from cytopenia.stats.proportional_hazards import GLOBAL, check_proportional_hazards
from cytopenia.study.analysis_forms import Survival
from cytopenia.study.factor_terms import Method, Term, make_terms
from cytopenia.study.factors import FactorColumn
from cytopenia.study.models import judge_terms, judge_univariable_size
from cytopenia.study.survival_times import SurvivalTimes

__all__ = [
    "HazardModel",
    "fit_hazards",
    "list_hazards",
    "name_hazard",
    "report_term",
    "say_events",
    "summarize_hazards",
]

Marks = NDArray[np.bool_]

_P_NAMES = {
    "maximum_likelihood": "wald",
    "fine_gray": "wald",
    "firth": "penalized_likelihood_ratio",
}
_OF_MODEL = (
    "likelihood_ratio",
    "likelihood_ratio_p",
    "wald",
    "wald_p",
    "concordance",
    "concordance_se",
    "log_likelihood",
)


@dataclass(frozen=True)
class HazardModel:
    """A fit with its terms, and why factors or levels have none.

    Attributes
    ----------
    factors : tuple of FactorColumn
    terms : tuple of Term
        In the order of `fit.terms`.
    refused : mapping of (factor, level) to str
    members : array of bool
        The patients of the fit: with a time, every factor known.
    missing : int
        With a time, and left out for a missing value.
    fit : HazardFit or None
        None where no term is left.
    """

    factors: tuple[FactorColumn, ...]
    terms: tuple[Term, ...]
    refused: dict[tuple[str, str], str]
    members: Marks
    missing: int
    fit: HazardFit | None


def fit_hazards(factors: Sequence[FactorColumn], times: SurvivalTimes, *, method: Method) -> HazardModel:
    """Fit one Cox model with all the factors, on the patients who have them all."""
    terms, refused, members = list_hazards(factors, times.is_in)
    fit = None
    if terms:
        design = np.column_stack([term.column[members] for term in terms])
        names = [term.name for term in terms]
        fit = fit_cox(times.time[members], times.is_event[members], design, names=names, method=method)
    missing = int((times.is_in & ~members).sum())
    return HazardModel(tuple(factors), tuple(terms), refused, members, missing, fit)


def list_hazards(
    factors: Sequence[FactorColumn], is_in: Marks
) -> tuple[list[Term], dict[tuple[str, str], str], Marks]:
    """Return the columns of factors among those who have them all, why some have none, and who has all."""
    members = is_in.copy()
    for factor in factors:
        members &= factor.values.is_not_null().to_numpy()
    terms: list[Term] = []
    refused: dict[tuple[str, str], str] = {}
    for factor in factors:
        found, reasons = make_terms(factor, members, among=is_in)
        terms.extend(found)
        refused.update(reasons)
    return terms, refused, members


def say_events(count: int, noun: str = "death") -> str:
    """Return a number of events in words.

    Examples
    --------
    >>> say_events(1), say_events(12, "recovery")
    ('1 death', '12 recoveries')
    """
    plural = noun[:-1] + "ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def summarize_hazards(
    analysis: Survival, factors: Sequence[FactorColumn], times: SurvivalTimes, *, gates: GatesDefinition
) -> Iterator[ResultRow]:
    """Return one model for each factor, the multivariable one, and the check of each, as the gates allow."""
    if not factors:
        return
    method: Method = "firth" if analysis.parity == "default" else "maximum_likelihood"
    yield from _report_univariable(analysis, factors, times, gates=gates, method=method)
    if analysis.multivariable is not None:
        yield from _report_multivariable(analysis, factors, times, gates=gates, method=method)


def _report_univariable(
    analysis: Survival,
    factors: Sequence[FactorColumn],
    times: SurvivalTimes,
    *,
    gates: GatesDefinition,
    method: Method,
) -> Iterator[ResultRow]:
    """One model for each factor; the events of the patients who have it decide whether it is fitted."""
    is_requested = analysis.parity != "default"
    events = int(times.is_event.sum())
    _, note = judge_univariable_size(events, gates, said=say_events(events), is_requested=is_requested)
    yield replace(_gate(analysis, events), level="univariable", note=note)
    key = ResultRow(analysis_id=analysis.id, group="univariable", variable="", estimate="")
    for factor in factors:
        _, _, members = list_hazards([factor], times.is_in)
        own = int(times.is_event[members].sum())
        said = say_events(own) + ("" if own == events else " among those with a known value")
        refusal, _ = judge_univariable_size(own, gates, said=said, is_requested=is_requested)
        if refusal:
            yield _refuse(key, factor, refusal)
            continue
        model = fit_hazards([factor], times, method=method)
        yield from _report_model(key, model, times)
        yield from _report_size(replace(key, level=factor.name), model, times)
        yield from _check_hazards(replace(key, group="univariable_check"), model, times)


def _gate(analysis: Survival, events: int) -> ResultRow:
    return ResultRow(analysis_id=analysis.id, group="gate", variable="model", estimate="events", value=events)


def _report_multivariable(
    analysis: Survival,
    factors: Sequence[FactorColumn],
    times: SurvivalTimes,
    *,
    gates: GatesDefinition,
    method: Method,
) -> Iterator[ResultRow]:
    """The model of the named terms, if the events of the patients who have them all allow so many."""
    rule = analysis.multivariable
    assert rule is not None  # noqa: S101 - called where the protocol names terms
    chosen = [factor for factor in factors if factor.name in rule.terms]
    terms, _, members = list_hazards(chosen, times.is_in)
    events = int(times.is_event[members].sum())
    refusal, note = judge_terms(
        events,
        len(terms),
        gates,
        said=say_events(events),
        is_requested=analysis.parity != "default" or rule.method is not None,
    )
    yield replace(_gate(analysis, events), level="multivariable", note=note)
    key = ResultRow(analysis_id=analysis.id, group="multivariable", variable="", estimate="")
    for factor in factors:
        if factor not in chosen:
            yield _refuse(key, factor, "not among the terms")
        elif refusal:
            yield _refuse(key, factor, refusal)
    if not refusal:
        model = fit_hazards(chosen, times, method=rule.method or method)
        yield from _report_model(key, model, times)
        yield from _report_size(key, model, times)
        check = replace(key, group="multivariable_check")
        yield from _check_hazards(check, model, times)


def _refuse(key: ResultRow, factor: FactorColumn, why: str) -> ResultRow:
    return replace(
        key, variable=factor.name, estimate="hazard_ratio", text=factor.title, status="not_done", note=why
    )


def _report_model(key: ResultRow, model: HazardModel, times: SurvivalTimes) -> Iterator[ResultRow]:
    found = () if model.fit is None else model.fit.terms
    estimates = dict(zip(((term.factor.name, term.level) for term in model.terms), found, strict=True))
    steps = {term.factor.name: term.step for term in model.terms}
    for factor in model.factors:
        why = model.refused.get((factor.name, ""))
        if why is not None:
            yield replace(_refuse(key, factor, why), status="not_estimable")
            continue
        for level in [""] if factor.is_number else factor.list_levels():
            row = replace(key, variable=factor.name, variable_level=level)
            if not factor.is_number and level == factor.reference_level:
                yield replace(row, estimate="reference", text=factor.title)
            elif (factor.name, level) in estimates:
                title = name_hazard(factor, steps[factor.name])
                yield from report_term(row, title, estimates[factor.name, level], fit=model.fit)
            else:
                yield replace(_refuse(row, factor, model.refused[factor.name, level]), status="not_estimable")
            if not factor.is_number:
                yield from _count_level(row, factor, model, times)


def name_hazard(factor: FactorColumn, step: str) -> str:
    """Return what the hazard ratio of a factor is for: a number with its step, else the factor."""
    return f"{factor.title} ({step})" if factor.is_number else factor.title


def report_term(
    key: ResultRow, title: str, term: HazardTerm, *, fit: HazardFit | None
) -> Iterator[ResultRow]:
    """Return the hazard ratio of one term with its P, coefficient and standard error."""
    assert fit is not None  # noqa: S101 - a term has a fit
    named = replace(key, n=fit.n, status=term.status, note=term.note)
    yield replace(
        named, estimate="hazard_ratio", value=term.hazard_ratio, low=term.low, high=term.high, text=title
    )
    yield replace(named, estimate="p_value", value=term.p_value, text=_P_NAMES[fit.method])
    yield replace(named, estimate="coefficient", value=term.coefficient)
    yield replace(named, estimate="standard_error", value=term.standard_error)


def _count_level(
    key: ResultRow, factor: FactorColumn, model: HazardModel, times: SurvivalTimes
) -> Iterator[ResultRow]:
    is_level = model.members & (factor.values.cast(pl.String).to_numpy() == key.variable_level)
    yield replace(key, estimate="events", value=int(times.is_event[is_level].sum()))
    yield replace(key, estimate="patients", value=int(is_level.sum()))


def _report_size(key: ResultRow, model: HazardModel, times: SurvivalTimes) -> Iterator[ResultRow]:
    """Patients, events and terms of one model, and what it says as a whole."""
    row = replace(key, variable="model")
    method = "" if model.fit is None else model.fit.method
    yield replace(row, estimate="n", value=int(model.members.sum()), text=method)
    yield replace(row, estimate="events", value=int(times.is_event[model.members].sum()))
    yield replace(row, estimate="terms", value=len(model.terms))
    yield replace(row, estimate="missing", value=model.missing)
    if model.fit is not None and model.fit.status == "ok":
        for name in _OF_MODEL:
            value = getattr(model.fit, name)
            if value is not None:
                yield replace(row, estimate=name, value=value)


def _check_hazards(key: ResultRow, model: HazardModel, times: SurvivalTimes) -> Iterator[ResultRow]:
    """The check of proportional hazards, always at the maximum of the likelihood, as R has it."""
    if not model.terms:
        return
    design = np.column_stack([term.column[model.members] for term in model.terms])
    names = [term.factor.name for term in model.terms]
    titles = {factor.name: factor.title for factor in model.factors} | {GLOBAL: "All terms"}
    for check in check_proportional_hazards(
        times.time[model.members], times.is_event[model.members], design, names=names
    ):
        if check.name == GLOBAL and len(model.factors) == 1:
            continue
        row = replace(key, variable=check.name, status=check.status, note=check.note, text="score_test")
        yield replace(row, estimate="p_value", value=check.p_value)
        if check.statistic is not None:
            yield replace(row, estimate="statistic", value=check.statistic)
            yield replace(row, estimate="df", value=check.df)
        yield replace(row, estimate="title", text=titles[check.name], status="ok", note="")
