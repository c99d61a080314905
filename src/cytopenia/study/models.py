"""Logistic models of a study: which columns a factor becomes, which factors enter, and what gates say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import GatesDefinition
from cytopenia.results import ResultRow
from cytopenia.stats.logistic import LogisticFit, LogisticTerm
from cytopenia.stats.ordinal import OrdinalFit
from cytopenia.study.factor_terms import (
    Fitting,
    Interval,
    Method,
    ModelMethod,
    Term,
    make_terms,
)
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import KNOWN_AFTER, Sides

__all__ = [
    "Method",
    "Model",
    "fit_factors",
    "fit_outcome",
    "is_fitted",
    "judge_multivariable",
    "judge_terms",
    "judge_univariable",
    "judge_univariable_size",
    "name_p",
    "say_size",
    "summarize_model",
    "summarize_refusal",
    "summarize_size",
]

# What the P of a term was computed from, by method and statistic.
_P_NAMES = {
    ("maximum_likelihood", "wald"): "wald",
    ("maximum_likelihood", "profile"): "likelihood_ratio",
    ("firth", "wald"): "wald",
    ("firth", "profile"): "penalized_likelihood_ratio",
    ("proportional_odds", "wald"): "wald",
    ("proportional_odds", "profile"): "likelihood_ratio",
}


@dataclass(frozen=True)
class Model:
    """A fit with its terms, and the factors that could not become a term.

    Attributes
    ----------
    factors : tuple of FactorColumn
    terms : tuple of Term
        In the order of `fit.terms`.
    refused : mapping of (factor, level) to str
        Why a factor or level has no term.
    members : array of bool
        The patients of the fit: in a group, every factor known.
    fit : LogisticFit, OrdinalFit or None
        None where no term is left.
    patients, missing : int
        In a group; of these, left out for a missing value.
    fitting : Fitting or None
        What was fitted, for tests of several terms; None where no term is left.
    """

    factors: tuple[FactorColumn, ...]
    terms: tuple[Term, ...]
    refused: Mapping[tuple[str, str], str]
    members: NDArray[np.bool_]
    fit: LogisticFit | OrdinalFit | None
    patients: int
    missing: int
    fitting: Fitting | None = None

    @property
    def method(self) -> str:
        """How it was fitted; empty where no term is left."""
        return "" if self.fitting is None else self.fitting.method

    def list_places(self, name: str) -> list[int]:
        """Where the terms of a factor stand among all."""
        return [place for place, term in enumerate(self.terms) if term.factor.name == name]


def fit_factors(
    factors: Sequence[FactorColumn], sides: Sides, *, method: Method, interval: Interval | None = None
) -> Model:
    """Fit one logistic model with all the factors, on the patients who have them all."""
    return fit_outcome(factors, sides.policy, method=method, interval=interval)


def fit_outcome(
    factors: Sequence[FactorColumn],
    outcome: NDArray[np.float64],
    *,
    method: ModelMethod,
    interval: Interval | None = None,
) -> Model:
    """Fit one model of an event or a grade; NaN is a patient without an outcome."""
    in_group = ~np.isnan(outcome)
    members = in_group.copy()
    for factor in factors:
        members &= factor.values.is_not_null().to_numpy()
    terms: list[Term] = []
    refused: dict[tuple[str, str], str] = {}
    for factor in factors:
        found, reasons = make_terms(factor, members, among=in_group)
        terms.extend(found)
        refused.update(reasons)
    fitting = None
    if terms:
        design = np.column_stack([term.column[members] for term in terms])
        names = tuple(term.name for term in terms)
        fitting = Fitting(design, outcome[members], names, method, interval)
    fit = None if fitting is None else fitting.fit()
    missing = int((in_group & ~members).sum())
    sizes = int(in_group.sum()), missing
    return Model(tuple(factors), tuple(terms), refused, members, fit, *sizes, fitting)


def name_p(method: str, interval: str) -> str:
    """Return what the P of a term was computed from."""
    return _P_NAMES[method, interval]


def is_fitted(model: Model) -> bool:
    """Whether every term of the model has an odds ratio."""
    return model.fit is not None and model.fit.status == "ok"


def summarize_model(
    key: ResultRow, model: Model, sides: Sides | None, *, with_counts: bool
) -> Iterator[ResultRow]:
    """Odds ratio and P of every level of every factor; the reference; the size of the model apart.

    Parameters
    ----------
    key : ResultRow
        analysis_id and group (univariable, multivariable).
    model : Model
    sides : Sides or None
        None of a grade, which has no events.
    with_counts : bool
        Add events and patients of each level.
    """
    estimates = dict(
        zip(((term.factor.name, term.level) for term in model.terms), _list_terms(model), strict=True)
    )
    steps = {term.factor.name: term.step for term in model.terms}
    for factor in model.factors:
        why = model.refused.get((factor.name, ""))
        if why is not None:
            refusal = replace(key, variable=factor.name, estimate="odds_ratio", status="not_estimable")
            yield replace(refusal, text=factor.title, note=why)
            continue
        title = f"{factor.title} ({steps[factor.name]})" if factor.is_number else factor.title
        if factor.is_number and factor.spline_knots is not None:
            found = replace(key, variable=factor.name)
            yield from _report_term(found, title, _compare_ends(model, factor.name), model)
            continue
        levels = [""] if factor.is_number else factor.list_levels()
        for level in levels:
            found = replace(key, variable=factor.name, variable_level=level)
            if not factor.is_number and level == factor.reference_level:
                yield replace(found, estimate="reference", text=factor.title, note=_remark(factor))
            elif (factor.name, level) in estimates:
                yield from _report_term(found, title, estimates[factor.name, level], model)
            else:
                why = model.refused[factor.name, level]
                yield replace(found, estimate="odds_ratio", status="not_estimable", note=why)
            if with_counts and sides is not None and not factor.is_number:
                yield from _count_level(found, factor, model, sides)


def _list_terms(model: Model) -> tuple[LogisticTerm, ...]:
    return () if model.fit is None else model.fit.terms


def _remark(factor: FactorColumn) -> str:
    return KNOWN_AFTER if factor.is_known_after_infusion else ""


def _compare_ends(model: Model, name: str) -> LogisticTerm:
    """The odds ratio of a curve between its two values; the other factors are the same."""
    places = model.list_places(name)
    spline = model.terms[places[0]].spline
    assert spline is not None and model.fitting is not None  # noqa: S101, PT018 - a curve has both
    low, high = spline.lay_out([spline.low, spline.high])
    steps = np.zeros(len(model.terms))
    steps[places] = high - low
    (term,) = model.fitting.contrast({name: steps})
    return term


def _report_term(key: ResultRow, title: str, term: LogisticTerm, model: Model) -> Iterator[ResultRow]:
    fit = model.fit
    assert fit is not None  # noqa: S101 - a term has a fit
    key = replace(
        key, n=fit.n, status=term.status, note=term.note or (fit.note if term.status != "ok" else "")
    )
    factor = next(factor for factor in model.factors if factor.name == key.variable)
    remarks = "; ".join(part for part in (key.note, _remark(factor)) if part)
    yield replace(
        key,
        estimate="odds_ratio",
        value=term.odds_ratio,
        low=term.low,
        high=term.high,
        text=title,
        note=remarks,
    )
    yield replace(key, estimate="p_value", value=term.p_value, text=name_p(model.method, fit.interval))
    yield replace(key, estimate="coefficient", value=term.coefficient)
    yield replace(key, estimate="standard_error", value=term.standard_error)


def _count_level(key: ResultRow, factor: FactorColumn, model: Model, sides: Sides) -> Iterator[ResultRow]:
    is_level = model.members & (factor.values.cast(pl.String).to_numpy() == key.variable_level)
    yield replace(key, estimate="events", value=int((sides.policy[is_level] == 1).sum()))
    yield replace(key, estimate="patients", value=int(is_level.sum()))


def summarize_size(key: ResultRow, model: Model, sides: Sides) -> Iterator[ResultRow]:
    """Patients, events and terms of one model."""
    chosen = sides.policy[model.members]
    numbers = {
        "n": len(chosen),
        "events": int((chosen == 1).sum()),
        "non_events": int((chosen == 0).sum()),
        "terms": len(model.terms),
        "missing": model.missing,
    }
    method = model.method
    for name, value in numbers.items():
        text = method if name == "n" else ""
        yield replace(key, variable="model", estimate=name, value=value, text=text)
    if model.fit is not None and model.fit.log_likelihood is not None:
        yield replace(key, variable="model", estimate="log_likelihood", value=model.fit.log_likelihood)


def summarize_refusal(key: ResultRow, factors: Sequence[FactorColumn], why: str) -> Iterator[ResultRow]:
    """Rows that say why factors were not modeled."""
    for factor in factors:
        yield replace(key, variable=factor.name, estimate="odds_ratio", status="not_done", note=why)


def judge_univariable(sides: Sides, gates: GatesDefinition, *, is_requested: bool) -> tuple[str, str]:
    """Return why no univariable model is fitted (empty: it is), and the gate's note."""
    m = sides.smaller_group
    return judge_univariable_size(m, gates, said=say_size(m), is_requested=is_requested)


def judge_multivariable(
    sides: Sides, gates: GatesDefinition, terms: int, *, is_requested: bool
) -> tuple[str, str]:
    """Return why no multivariable model is fitted (empty: it is), and the gate's note."""
    m = sides.smaller_group
    return judge_terms(m, terms, gates, said=say_size(m), is_requested=is_requested)


def judge_univariable_size(
    m: int, gates: GatesDefinition, *, said: str, is_requested: bool
) -> tuple[str, str]:
    """Return why so many events allow no univariable model (empty: they do), and the gate's note.

    `said` is the number in words; with `is_requested` the model is fitted all the same.
    """
    if m >= gates.univariable_from:
        return "", ""
    note = f"{said}: factors are described only below {gates.univariable_from}"
    return ("", f"{note}; the models were requested") if is_requested else (note, note)


def judge_terms(
    m: int, terms: int, gates: GatesDefinition, *, said: str, is_requested: bool
) -> tuple[str, str]:
    """Return why so many events allow no multivariable model of so many terms, and the gate's note."""
    allowed = m // gates.per_term if m >= gates.multivariable_from else 0
    if terms <= allowed:
        return "", ""
    if allowed:
        rule = f"they allow {_say_terms(allowed)}, the model has {terms}"
    else:
        rule = f"a multivariable model needs {gates.multivariable_from}, this one has {_say_terms(terms)}"
    note = f"{said}: {rule}"
    return ("", f"{note}; it was fitted as requested and is not reliable") if is_requested else (note, note)


def _say_terms(count: int) -> str:
    return f"{count} term{'' if count == 1 else 's'}"


def say_size(m: int) -> str:
    """Return the smaller group in words."""
    word = "patient" if m == 1 else "patients"
    return f"{m} {word} in the smaller group"
