"""Models on multiply imputed factors, beside those on complete cases, as result rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.results import ResultRow
from cytopenia.stats.imputation import Imputations, impute_chained
from cytopenia.stats.imputed_models import PooledLogistic, fit_imputed_logistic
from cytopenia.stats.pooling import PooledEstimate
from cytopenia.stats.printable_odds import OTHER_UNIT, exponentiate, say_open_ends
from cytopenia.study.analysis_forms import Missing, RiskFactors
from cytopenia.study.cut_points import Cut, apply_cut
from cytopenia.study.factor_terms import Term, make_terms
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import KNOWN_AFTER, Sides
from cytopenia.study.missingness import MOSTLY_MISSING_NOTE, find_missing, is_mostly_missing, say_few_missing

__all__ = [
    "NOTHING_MISSING",
    "P_NAMES",
    "ImputationInput",
    "ImputedFactors",
    "apply_cuts",
    "code_factor",
    "describe_imputation",
    "impute_factors",
    "summarize_imputed_models",
]

Mask = NDArray[np.bool_]

OUTCOME, MODEL = "outcome", "model"
# What a pooled P was computed from, by method.
P_NAMES: Mapping[str, str] = {"maximum_likelihood": "rubin_t", "firth": "combined_profiles"}
NOTHING_MISSING = "no value is missing; the complete-case model holds"
NO_BOUND = "the data do not bound the odds ratio: too few with this level or without it"
# By convention chains have not mixed above it.
MIXED = 1.1
NOT_MIXED = "the chains may not have mixed; more iterations are needed"


@dataclass(frozen=True)
class ImputationInput:
    """What imputed models are made from.

    Attributes
    ----------
    factors : sequence of FactorColumn
        As they are, not yet cut.
    sides : Sides
    cuts : mapping of factor to Cut
        Applied to the completed numbers.
    modeled : sequence of ResultRow
        Rows of the models on complete cases: the imputed ones have the same terms and gates.
    seed : int
    """

    factors: Sequence[FactorColumn]
    sides: Sides
    cuts: Mapping[str, Cut]
    modeled: Sequence[ResultRow]
    seed: int


@dataclass(frozen=True)
class ImputedFactors:
    """The factors of every imputation, for the patients who have an outcome.

    Attributes
    ----------
    columns : mapping of factor to a FactorColumn for each imputation
        Numbers are not yet cut; who has no outcome has no value.
    imputed : Imputations
        Of the outcome and the factors with any known value.
    members : array of bool
        Patients with an outcome.
    """

    columns: Mapping[str, Sequence[FactorColumn]]
    imputed: Imputations
    members: Mask


def impute_factors(
    factors: Sequence[FactorColumn], sides: Sides, *, rule: Missing, seed: int
) -> ImputedFactors:
    """Return the factors with their missing values imputed from each other and from the outcome.

    Patients without an outcome are left out: the outcome is never imputed. A factor of which nothing is known
    is left out. A marker reported as below a limit is known, with half of the limit as in other models.
    """
    members = ~np.isnan(sides.policy)
    used = [factor for factor in factors if (members & ~find_missing(factor)).any()]
    coded = [sides.policy, *(code_factor(factor) for factor in used)]
    imputed = impute_chained(
        np.column_stack([column[members] for column in coded]),
        levels=[2, *(0 if factor.is_number else len(factor.list_levels()) for factor in used)],
        names=[OUTCOME, *(factor.title for factor in used)],
        seed=seed,
        imputations=rule.imputations,
        iterations=rule.iterations,
    )
    columns = {
        factor.name: [_complete(factor, values, members) for values in imputed.values[:, :, place]]
        for place, factor in enumerate(used, start=1)
    }
    return ImputedFactors(columns, imputed, members)


def code_factor(factor: FactorColumn) -> NDArray[np.float64]:
    """Return numbers as they are, levels as their places; NaN where missing."""
    if factor.is_number:
        return np.array(factor.numbers.fill_null(np.nan).to_numpy(), dtype=np.float64)
    places = {level: float(place) for place, level in enumerate(factor.list_levels())}
    return np.array([places.get(value, np.nan) for value in factor.values.cast(pl.String).to_list()])


def _complete(factor: FactorColumn, values: NDArray[np.float64], members: Mask) -> FactorColumn:
    """The factor with one set of imputed values in its gaps; what is known stays as it was recorded."""
    is_filled = members & find_missing(factor)
    drawn = np.full(members.size, np.nan)
    drawn[members] = values
    if factor.is_number:
        known = np.array(factor.values.cast(pl.Float64).fill_null(np.nan).to_numpy())
        together = np.where(members, np.where(is_filled, drawn, known), np.nan)
        return replace(factor, values=pl.Series(factor.name, together).fill_nan(None))
    levels = factor.list_levels()
    given = factor.values.cast(pl.String).to_list()
    chosen = [
        (levels[int(drawn[at])] if is_filled[at] else given[at]) if members[at] else None
        for at in range(members.size)
    ]
    # The levels are kept, because an imputed table need not have all of them.
    return replace(factor, values=pl.Series(factor.name, chosen, dtype=pl.String), levels=tuple(levels))


def summarize_imputed_models(
    analysis: RiskFactors, given: ImputationInput, found: ImputedFactors | None = None
) -> Iterator[ResultRow]:
    """Univariable and multivariable models on imputed values, with the terms of those on complete cases.

    `found` are the imputed factors, where they are there already.
    """
    fitted = {group: _list_fitted(given.modeled, group) for group in ("univariable", "multivariable")}
    key = ResultRow(analysis_id=analysis.id, group="", variable="", estimate="")
    yield from _repeat_refusals(given.modeled)
    if not any(fitted.values()):
        return
    if found is None:
        found = impute_factors(given.factors, given.sides, rule=analysis.missing, seed=given.seed)
    yield from describe_imputation(analysis.id, given.factors, found, rule=analysis.missing)
    reference = "low" if analysis.cutpoints is None else analysis.cutpoints.reference
    work = _Work(given, found, apply_cuts(found, given.cuts, reference))
    for name in fitted["univariable"]:
        alone = replace(key, group="univariable_imputed", level=name)
        yield from _model(alone, [name], work, _find_method(given.modeled, "univariable", name))
    if fitted["multivariable"]:
        method = _find_method(given.modeled, "multivariable", "")
        yield from _model(replace(key, group="multivariable_imputed"), fitted["multivariable"], work, method)


def _list_fitted(modeled: Sequence[ResultRow], group: str) -> list[str]:
    """The factors that a group of models has, whether or not they could be estimated."""
    names = (row.variable for row in modeled if row.group == group and row.status != "not_done")
    return [name for name in dict.fromkeys(names) if name != MODEL]


def _find_method(modeled: Sequence[ResultRow], group: str, level: str) -> str:
    texts = (
        row.text
        for row in modeled
        if (row.group, row.level, row.variable, row.estimate) == (group, level, MODEL, "n") and row.text
    )
    return next(texts, "firth")


def _repeat_refusals(modeled: Sequence[ResultRow]) -> Iterator[ResultRow]:
    """What was not modeled on complete cases is not modeled on imputed values either, for the same reason."""
    for row in modeled:
        if row.group in ("univariable", "multivariable") and row.status == "not_done":
            yield replace(row, group=f"{row.group}_imputed")


def describe_imputation(
    analysis_id: str, factors: Sequence[FactorColumn], found: ImputedFactors, *, rule: Missing
) -> Iterator[ResultRow]:
    """How often and how long was imputed, what was missing, and whether the chains have mixed."""
    key = ResultRow(analysis_id=analysis_id, group="imputation", variable="", estimate="")
    patients = int(found.members.sum())
    gaps = {factor.name: find_missing(factor) & found.members for factor in factors}
    incomplete = int(np.column_stack(list(gaps.values())).any(axis=1).sum())
    model = replace(key, variable=MODEL)
    notes = [found.imputed.note, say_few_missing(incomplete, patients)]
    yield replace(model, estimate="n", value=patients, note="; ".join(filter(None, notes)))
    yield replace(model, estimate="incomplete", value=incomplete)
    yield replace(model, estimate="imputations", value=rule.imputations)
    yield replace(model, estimate="iterations", value=rule.iterations)
    left_out = int((~found.members).sum())
    yield replace(model, estimate="left_out", value=left_out, text="without an outcome, which is not imputed")
    places = {name: place for place, name in enumerate(found.columns, start=1)}
    for factor in factors:
        missing = int(gaps[factor.name].sum())
        note = MOSTLY_MISSING_NOTE if is_mostly_missing(missing, patients) else ""
        own = replace(key, variable=factor.name)
        yield replace(own, estimate="missing", value=missing, n=patients, text=factor.title, note=note)
        if missing and factor.name in places:
            r_hat = found.imputed.r_hat[places[factor.name]]
            status = "ok" if r_hat is not None else "not_estimable"
            why = "" if r_hat is not None else "too few iterations, or chains that do not move"
            note = why or (NOT_MIXED if r_hat is not None and r_hat > MIXED else "")
            yield replace(own, estimate="r_hat", value=r_hat, status=status, note=note)


@dataclass(frozen=True)
class _Work:
    """What every model is made from: the factors of each imputation, those with a cut divided."""

    given: ImputationInput
    found: ImputedFactors
    columns: Mapping[str, Sequence[FactorColumn]]

    def find_factor(self, name: str) -> FactorColumn:
        return next(factor for factor in self.given.factors if factor.name == name)

    def has_gap(self, name: str) -> bool:
        return bool((find_missing(self.find_factor(name)) & self.found.members).any())


def apply_cuts(
    found: ImputedFactors, cuts: Mapping[str, Cut], reference: str
) -> dict[str, Sequence[FactorColumn]]:
    """Return the factors of every imputation, those with a cut divided: the number is imputed, then cut."""
    divided: dict[str, Sequence[FactorColumn]] = {}
    for name, columns in found.columns.items():
        value = cuts[name].value if name in cuts else None
        divided[name] = (
            columns if value is None else [apply_cut(one, value, reference=reference) for one in columns]
        )
    return divided


def _model(key: ResultRow, names: Sequence[str], work: _Work, method: str) -> Iterator[ResultRow]:
    """One pooled model: its odds ratios and its size."""
    own_key = replace(key, level="")
    if not any(work.has_gap(name) for name in names):
        for name in names:
            yield _refuse(own_key, work.find_factor(name), NOTHING_MISSING)
        return
    unknown = [work.find_factor(name).title for name in names if name not in work.columns]
    if unknown:
        why = f"no value is known of {', '.join(unknown)}"
        for name in names:
            yield replace(_refuse(own_key, work.find_factor(name), why), status="not_estimable")
        return
    members = work.found.members.copy()
    for name in names:
        for column in work.columns[name]:
            members &= column.values.is_not_null().to_numpy()
    tables, refused = _lay_out(names, work, members)
    terms = tables[0]
    pooled = None
    if terms:
        designs = np.stack([np.column_stack([term.column[members] for term in table]) for table in tables])
        titles = [term.name for term in terms]
        event = work.given.sides.policy[members]
        pooled = fit_imputed_logistic(designs, event, names=titles, method=method)
    for name in names:
        factor = work.columns[name][0]
        titled = replace(factor, title=_name_step(factor, terms))
        yield from _report_factor(own_key, titled, refused, _match(terms, pooled))
    if pooled is not None:
        yield from _report_size(key, pooled, len(terms), work.found)


def _name_step(factor: FactorColumn, terms: Sequence[Term]) -> str:
    """The factor with the step that its odds ratio is for."""
    step = next((term.step for term in terms if term.factor.name == factor.name), "")
    return f"{factor.title} ({step})" if factor.is_number and step else factor.title


def _lay_out(
    names: Sequence[str], work: _Work, members: Mask
) -> tuple[list[list[Term]], dict[tuple[str, str], str]]:
    """The terms of every imputation; a factor whose terms differ between them has none."""
    tables: list[list[Term]] = [[] for _ in range(work.found.imputed.values.shape[0])]
    refused: dict[tuple[str, str], str] = {}
    for name in names:
        # Steps and scales rest on the observed values, which every imputation has in common.
        among = work.found.members & ~find_missing(work.find_factor(name))
        made = [make_terms(column, members, among=among) for column in work.columns[name]]
        levels = {tuple(term.level for term in terms) for terms, _ in made}
        refused.update(made[0][1])
        is_curve = work.columns[name][0].is_number and len(made[0][0]) > 1
        if len(levels) > 1 or is_curve:
            why = "a curve is not pooled" if is_curve else "not the same levels in every imputation"
            refused[name, ""] = why
            continue
        for table, (terms, _) in zip(tables, made, strict=True):
            table.extend(terms)
    return tables, refused


def _match(
    terms: Sequence[Term], pooled: PooledLogistic | None
) -> dict[tuple[str, str], tuple[PooledEstimate, PooledLogistic]]:
    if pooled is None:
        return {}
    pairs = zip(terms, pooled.terms, strict=True)
    return {(term.factor.name, term.level): (estimate, pooled) for term, estimate in pairs}


def _report_factor(
    key: ResultRow,
    factor: FactorColumn,
    refused: Mapping[tuple[str, str], str],
    found: Mapping[tuple[str, str], tuple[PooledEstimate, PooledLogistic]],
) -> Iterator[ResultRow]:
    if (factor.name, "") in refused:
        yield replace(_refuse(key, factor, refused[factor.name, ""]), status="not_estimable")
        return
    for level in [""] if factor.is_number else factor.list_levels():
        own = replace(key, variable=factor.name, variable_level=level)
        if (factor.name, level) in found:
            yield from _report_term(own, factor, *found[factor.name, level])
        elif not factor.is_number and level == factor.reference_level:
            yield replace(own, estimate="reference", text=factor.title)
        else:
            why = refused.get((factor.name, level), "no term")
            yield replace(own, estimate="odds_ratio", status="not_estimable", note=why)


def _report_term(
    key: ResultRow, factor: FactorColumn, term: PooledEstimate, pooled: PooledLogistic
) -> Iterator[ResultRow]:
    is_level = not factor.is_number
    ratio, low, high = (exponentiate(log, is_level=is_level) for log in (term.estimate, term.low, term.high))
    note = term.note if term.status == "ok" else (pooled.note or term.note)
    if term.status == "ok":
        note = "; ".join(filter(None, (note, _say_unprinted(factor, term))))
    remark = KNOWN_AFTER if factor.is_known_after_infusion else ""
    status = "ok" if ratio is not None else "not_estimable"
    key = replace(key, n=pooled.n, status=status)
    remarks = "; ".join(filter(None, (note, remark)))
    yield replace(
        key, estimate="odds_ratio", value=ratio, low=low, high=high, text=factor.title, note=remarks
    )
    numbers = {
        "p_value": term.p_value,
        "coefficient": term.estimate,
        "standard_error": term.standard_error,
        "degrees_of_freedom": term.degrees_of_freedom,
        "fraction_missing_information": term.fraction_missing,
        "relative_increase": term.relative_increase,
    }
    for name, value in numbers.items():
        yield replace(
            key,
            estimate=name,
            value=value,
            note=note,
            text=P_NAMES[pooled.method] if name == "p_value" else "",
        )


def _say_unprinted(factor: FactorColumn, term: PooledEstimate) -> str:
    """Which ends are beyond what is printed, and why; empty where there are none."""
    if exponentiate(term.estimate, is_level=not factor.is_number) is None:
        return OTHER_UNIT if factor.is_number else NO_BOUND
    ends = say_open_ends(term.low, term.high, is_level=not factor.is_number)
    return f"{ends}; {OTHER_UNIT if factor.is_number else NO_BOUND}" if ends else ""


def _report_size(
    key: ResultRow, pooled: PooledLogistic, terms: int, found: ImputedFactors
) -> Iterator[ResultRow]:
    numbers = {
        "n": pooled.n,
        "events": pooled.events,
        "non_events": pooled.n - pooled.events,
        "terms": terms,
        "missing": int(found.members.sum()) - pooled.n,
        "imputations": pooled.imputations,
    }
    for name, value in numbers.items():
        text = pooled.method if name == "n" else ""
        yield replace(key, variable=MODEL, estimate=name, value=value, text=text)


def _refuse(key: ResultRow, factor: FactorColumn, why: str) -> ResultRow:
    return replace(
        key, variable=factor.name, estimate="odds_ratio", status="not_done", text=factor.title, note=why
    )
