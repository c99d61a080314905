"""Logistic models of a study: which columns a factor becomes, which factors enter, and what gates say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import GatesDefinition
from cytopenia.results import ResultRow
from cytopenia.stats.logistic import LogisticFit, LogisticTerm, fit_logistic
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import KNOWN_AFTER, Sides

__all__ = [
    "Method",
    "Model",
    "Term",
    "find_reference",
    "fit_factors",
    "is_fitted",
    "judge_multivariable",
    "judge_univariable",
    "make_terms",
    "summarize_model",
    "summarize_refusal",
    "summarize_size",
]

Method = Literal["maximum_likelihood", "firth"]
_P_NAMES = {"maximum_likelihood": "wald", "firth": "penalized_likelihood_ratio"}


@dataclass(frozen=True)
class Term:
    """One column of a design matrix: a number, or a level against the reference."""

    factor: FactorColumn
    level: str
    column: NDArray[np.float64]


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
    fit : LogisticFit or None
        None where no term is left.
    patients, missing : int
        In a group; of these, left out for a missing value.
    """

    factors: tuple[FactorColumn, ...]
    terms: tuple[Term, ...]
    refused: Mapping[tuple[str, str], str]
    members: NDArray[np.bool_]
    fit: LogisticFit | None
    patients: int
    missing: int


def fit_factors(factors: Sequence[FactorColumn], sides: Sides, *, method: Method) -> Model:
    """Fit one logistic model with all the factors, on the patients who have them all."""
    in_group = ~np.isnan(sides.policy)
    members = in_group.copy()
    for factor in factors:
        members &= factor.values.is_not_null().to_numpy()
    terms: list[Term] = []
    refused: dict[tuple[str, str], str] = {}
    for factor in factors:
        found, reasons = make_terms(factor, members)
        terms.extend(found)
        refused.update(reasons)
    fit = None
    if terms:
        names = [f"{term.factor.title} {term.level}".strip() for term in terms]
        design = np.column_stack([term.column[members] for term in terms])
        fit = fit_logistic(design, sides.policy[members], names=names, method=method)
    missing = int((in_group & ~members).sum())
    return Model(tuple(factors), tuple(terms), refused, members, fit, int(in_group.sum()), missing)


def make_terms(
    factor: FactorColumn, members: NDArray[np.bool_]
) -> tuple[list[Term], dict[tuple[str, str], str]]:
    """Return the columns of a factor among the members, and why a level has none."""
    if not members.any():
        return [], {(factor.name, ""): "no patient with every value"}
    if factor.is_number:
        numbers = factor.numbers.to_numpy()
        if len(np.unique(numbers[members])) == 1:
            return [], {(factor.name, ""): "all patients have the same value"}
        return [Term(factor, "", numbers)], {}
    values = factor.values.cast(pl.String).to_numpy()
    reference = find_reference(factor)
    counts = {level: int((values[members] == level).sum()) for level in factor.list_levels()}
    if sum(count > 0 for count in counts.values()) == 1:
        return [], {(factor.name, ""): "all patients have the same level"}
    if not counts[reference]:
        return [], {(factor.name, ""): f"nobody has the reference level '{reference}'"}
    others = [level for level in counts if level != reference]
    terms = [Term(factor, level, (values == level).astype(np.float64)) for level in others if counts[level]]
    return terms, {(factor.name, level): "no patient" for level in others if not counts[level]}


def find_reference(factor: FactorColumn) -> str:
    """Return the level that the others are compared with: the named one if somebody may have it."""
    levels = factor.list_levels()
    return factor.reference if factor.reference in levels else levels[0]


def is_fitted(model: Model) -> bool:
    """Whether every term of the model has an odds ratio."""
    return model.fit is not None and model.fit.status == "ok"


def summarize_model(key: ResultRow, model: Model, sides: Sides, *, with_counts: bool) -> Iterator[ResultRow]:
    """Odds ratio and P of every level of every factor; the reference; the size of the model apart.

    Parameters
    ----------
    key : ResultRow
        analysis_id and group (univariable, multivariable).
    model : Model
    sides : Sides
    with_counts : bool
        Add events and patients of each level.
    """
    estimates = dict(
        zip(((term.factor.name, term.level) for term in model.terms), _list_terms(model), strict=True)
    )
    for factor in model.factors:
        why = model.refused.get((factor.name, ""))
        if why is not None:
            refusal = replace(key, variable=factor.name, estimate="odds_ratio", status="not_estimable")
            yield replace(refusal, text=factor.title, note=why)
            continue
        levels = [""] if factor.is_number else factor.list_levels()
        for level in levels:
            found = replace(key, variable=factor.name, variable_level=level)
            if not factor.is_number and level == find_reference(factor):
                yield replace(found, estimate="reference", text=factor.title, note=_remark(factor))
            elif (factor.name, level) in estimates:
                yield from _report_term(found, factor, estimates[factor.name, level], model)
            else:
                why = model.refused[factor.name, level]
                yield replace(found, estimate="odds_ratio", status="not_estimable", note=why)
            if with_counts and not factor.is_number:
                yield from _count_level(found, factor, model, sides)


def _list_terms(model: Model) -> tuple[LogisticTerm, ...]:
    return () if model.fit is None else model.fit.terms


def _remark(factor: FactorColumn) -> str:
    return KNOWN_AFTER if factor.is_known_after_infusion else ""


def _report_term(
    key: ResultRow, factor: FactorColumn, term: LogisticTerm, model: Model
) -> Iterator[ResultRow]:
    fit = model.fit
    assert fit is not None  # noqa: S101 - a term has a fit
    key = replace(
        key, n=fit.n, status=term.status, note=term.note or (fit.note if term.status != "ok" else "")
    )
    title = f"{factor.title} (per unit)" if factor.is_number else factor.title
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
    yield replace(key, estimate="p_value", value=term.p_value, text=_P_NAMES[fit.method])
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
    method = "" if model.fit is None else model.fit.method
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
    if m >= gates.univariable_from:
        return "", ""
    note = f"{_say_size(m)}: factors are described only below {gates.univariable_from}"
    return ("", f"{note}; the models were requested") if is_requested else (note, note)


def judge_multivariable(
    sides: Sides, gates: GatesDefinition, terms: int, *, is_requested: bool
) -> tuple[str, str]:
    """Return why no multivariable model is fitted (empty: it is), and the gate's note."""
    m = sides.smaller_group
    allowed = m // gates.per_term if m >= gates.multivariable_from else 0
    if terms <= allowed:
        return "", ""
    if allowed:
        rule = f"they allow {_say_terms(allowed)}, the model has {terms}"
    else:
        rule = f"a multivariable model needs {gates.multivariable_from}, this one has {_say_terms(terms)}"
    note = f"{_say_size(m)}: {rule}"
    return ("", f"{note}; it was fitted as requested and is not reliable") if is_requested else (note, note)


def _say_terms(count: int) -> str:
    return f"{count} term{'' if count == 1 else 's'}"


def _say_size(m: int) -> str:
    word = "patient" if m == 1 else "patients"
    return f"{m} {word} in the smaller group"
