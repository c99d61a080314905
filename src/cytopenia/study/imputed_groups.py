"""Groups, comparisons and ROC areas on multiply imputed factors, beside those on complete cases, as rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.results import ResultRow
from cytopenia.stats.imputed_performance import pool_discrimination
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.pooled_groups import average_summary, pool_means, pool_means_apart, pool_shares_apart
from cytopenia.stats.pooled_tests import PooledTest, pool_wald
from cytopenia.stats.pooling import PooledEstimate, PooledShare, pool_proportions
from cytopenia.study.analysis_forms import RiskFactors, Roc
from cytopenia.study.factor_terms import Method
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.imputed_factors import (
    ImputationInput,
    ImputedFactors,
    apply_cuts,
    describe_imputation,
    impute_factors,
    summarize_imputed_models,
)
from cytopenia.study.missingness import find_missing

__all__ = ["summarize_imputed", "summarize_imputed_areas"]

Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]

GROUPS, TESTS, AREAS = "groups_imputed", "test_imputed", "roc_imputed"
COMPLETE = "no value is missing; the complete cases hold"
NO_RANGE = "imputed values are those of donors: an extreme of them says who was drawn"
NO_RANKS = (
    "a rank test is not pooled by Rubin's rules; the area under the ROC curve, which is its statistic as a"
    " share of the pairs, is pooled in its place"
)
NO_COUNTS = "a test of counts is not pooled by Rubin's rules; Wald's test stands in its place"
NO_CUT = "a cut is not pooled; it is that of the patients with a value"
NO_SIDE = "a side of the outcome has no patient"
# What a pooled P was computed from.
OF_AREA, OF_DIFFERENCE = "pooled_area", "pooled_difference"
PERCENT = 100.0


@dataclass(frozen=True)
class _Completed:
    """One factor in every imputation, for those who are known in all of them."""

    name: str
    title: str
    columns: Sequence[FactorColumn]
    members: Mask
    event: Numbers

    @property
    def sides(self) -> Mapping[str, Mask]:
        """Among the members."""
        is_event = self.event == 1
        return {"total": np.ones_like(is_event), "event": is_event, "no event": ~is_event}

    @property
    def numbers(self) -> Numbers:
        """Tables by members."""
        return np.array([column.numbers.to_numpy()[self.members] for column in self.columns], dtype=float)

    @property
    def texts(self) -> NDArray[np.object_]:
        """Levels, tables by members."""
        cast = [column.values.cast(pl.String).to_list() for column in self.columns]
        return np.array(cast, dtype=object)[:, self.members]


def summarize_imputed(analysis: RiskFactors, given: ImputationInput) -> Iterator[ResultRow]:
    """Models, groups and comparisons on imputed values, as far as the protocol names them.

    Groups of rows: `imputation` and those of `summarize_imputed_models`; `groups_imputed` (means, averaged
    medians, shares) and `test_imputed` (differences of means and shares, areas, Wald's test of all levels).
    What is not pooled has a row with the reason.
    """
    found = impute_factors(given.factors, given.sides, rule=analysis.missing, seed=given.seed)
    models = list(summarize_imputed_models(analysis, given, found))
    yield from models
    wanted = [group for group, column in ((GROUPS, "groups"), (TESTS, "p")) if column in analysis.columns]
    if not wanted:
        return
    if not any(row.group == "imputation" for row in models):
        yield from describe_imputation(analysis.id, given.factors, found, rule=analysis.missing)
    reference = "low" if analysis.cutpoints is None else analysis.cutpoints.reference
    columns = apply_cuts(found, given.cuts, reference)
    for group in wanted:
        key = ResultRow(analysis_id=analysis.id, group=group, variable="", estimate="")
        for factor in given.factors:
            own = replace(key, variable=factor.name, text=factor.title)
            completed = _complete(factor, columns, found, given.sides)
            if isinstance(completed, str):
                yield _refuse(own, completed)
            elif group == GROUPS:
                yield from _describe(own, completed)
            else:
                yield from _compare(own, completed, analysis)


def _complete(
    factor: FactorColumn,
    columns: Mapping[str, Sequence[FactorColumn]],
    found: ImputedFactors,
    sides: Sides,
) -> _Completed | str:
    """The factor in every imputation, or why there is nothing to pool."""
    if not found.members.any():
        return "nobody has an outcome"
    if factor.name not in columns:
        return f"no value is known of {factor.title}"
    if not (find_missing(factor) & found.members).any():
        return COMPLETE
    members = found.members.copy()
    for column in columns[factor.name]:
        members &= column.values.is_not_null().to_numpy()
    return _Completed(factor.name, factor.title, columns[factor.name], members, sides.policy[members])


def _refuse(key: ResultRow, why: str) -> ResultRow:
    status = "not_done" if why == COMPLETE else "not_estimable"
    return replace(key, estimate="n", status=status, note=why)


def _describe(key: ResultRow, one: _Completed) -> Iterator[ResultRow]:
    """Each side of the outcome: mean, averaged median and quartiles of a number; the share of each level."""
    for stratum, members in one.sides.items():
        own = replace(key, stratum=stratum, n=int(members.sum()))
        yield replace(own, estimate="n", value=int(members.sum()))
        if not members.any():
            yield replace(own, estimate="mean", status="not_estimable", note=NO_SIDE)
        elif one.columns[0].is_number:
            yield from _describe_numbers(own, one.numbers[:, members])
        else:
            for level in one.columns[0].list_levels():
                yield from _describe_level(replace(own, variable_level=level), one.texts[:, members] == level)


def _describe_numbers(key: ResultRow, values: Numbers) -> Iterator[ResultRow]:
    mean = pool_means(values)
    yield _report(key, "mean", mean, text="rubin_t")
    if mean.status == "ok":
        yield replace(key, estimate="standard_error", value=mean.standard_error)
        yield replace(key, estimate="fraction_missing_information", value=mean.fraction_missing)
    averaged = average_summary(values)
    for name in ("sd", "median", "q1", "q3"):
        value: float | None = getattr(averaged, name)
        status = "ok" if value is not None else "not_estimable"
        note = "" if value is not None else "one patient has no spread"
        yield replace(key, estimate=name, value=value, text="averaged", status=status, note=note)
    yield replace(key, estimate="range", status="not_done", note=NO_RANGE)


def _describe_level(key: ResultRow, is_level: NDArray[np.bool_]) -> Iterator[ResultRow]:
    """A share whose logit some table lacks is the mean of the tables, without an interval."""
    counts = is_level.sum(axis=1)
    found = pool_proportions(counts, is_level.shape[1])
    if found.estimate is None:
        mean = PERCENT * float(is_level.mean())
        yield replace(key, estimate="percent", value=mean, text="averaged", note=f"no interval: {found.note}")
        return
    yield _report(key, "percent", found, times=PERCENT, text="rubin_logit")
    yield replace(key, estimate="fraction_missing_information", value=found.fraction_missing)


def _compare(key: ResultRow, one: _Completed, analysis: RiskFactors) -> Iterator[ResultRow]:
    own = replace(key, n=one.event.size)
    if not 0 < one.event.sum() < one.event.size:
        yield replace(own, estimate="p_value", status="not_estimable", note=NO_SIDE)
    elif one.columns[0].is_number:
        yield from _compare_numbers(own, one, is_welch=analysis.tests.get(one.name) == "welch_t")
    else:
        method: Method = "firth" if analysis.own_parity == "default" else "maximum_likelihood"
        yield from _compare_levels(own, one, method)


def _compare_numbers(key: ResultRow, one: _Completed, *, is_welch: bool) -> Iterator[ResultRow]:
    """The area as rank tests see it, and the difference of means; P is of the one the analysis is about."""
    values = one.numbers
    area, apart = pool_discrimination(values, one.event), pool_means_apart(values, one.event)
    yield _report(key, "auc", area, text="higher")
    yield _report(key, "mean_difference", apart, text="rubin_t")
    yield _report_p(key, "p_value_mean_difference", apart, OF_DIFFERENCE)
    yield _report_p(key, "p_value", *((apart, OF_DIFFERENCE) if is_welch else (area, OF_AREA)))
    if not is_welch:
        yield replace(key, estimate="mann_whitney", status="not_done", note=NO_RANKS)


def _compare_levels(key: ResultRow, one: _Completed, method: Method) -> Iterator[ResultRow]:
    """The share of each level with the event less that without it; of several levels all at once."""
    levels, reference = one.columns[0].list_levels(), one.columns[0].reference_level
    texts = one.texts
    apart = {level: pool_shares_apart(texts == level, one.event) for level in levels}
    for level, found in apart.items():
        own = replace(key, variable_level=level)
        yield _report(own, "risk_difference", found, times=PERCENT, text="rubin_t")
    others = [level for level in levels if level != reference]
    if len(others) == 1:
        yield _report_p(key, "p_value", apart[others[0]], OF_DIFFERENCE)
    elif others:
        yield from _report_wald(key, _test_levels(texts, one.event, others, method), method)
    yield replace(key, estimate="chi_squared", status="not_done", note=NO_COUNTS)


def _test_levels(
    texts: NDArray[np.object_], event: Numbers, levels: Sequence[str], method: Method
) -> PooledTest:
    """D1 of the levels in a logistic regression of the event."""
    estimates = np.full((len(texts), len(levels)), np.nan)
    covariances = np.full((len(texts), len(levels), len(levels)), np.nan)
    for place, table in enumerate(texts):
        design = np.column_stack([table == level for level in levels]).astype(np.float64)
        fit = fit_logistic(design, event, names=levels, method=method)
        if fit.status == "ok" and fit.correlation is not None:
            errors = np.array([term.standard_error for term in fit.terms], dtype=np.float64)
            estimates[place] = [term.coefficient for term in fit.terms]
            covariances[place] = fit.correlation[1:, 1:] * np.outer(errors, errors)
    return pool_wald(estimates, covariances, complete_freedom=max(event.size - len(levels) - 1, 1))


def _report_wald(key: ResultRow, found: PooledTest, method: Method) -> Iterator[ResultRow]:
    own = replace(key, status=found.status, note=found.note, text="d1_firth" if method == "firth" else "d1")
    yield replace(own, estimate="p_value", value=found.p_value)
    if found.status == "ok":
        yield replace(own, estimate="statistic", value=found.statistic)
        yield replace(own, estimate="degrees", value=found.degrees)
        yield replace(own, estimate="degrees_denominator", value=found.denominator)


def _report(
    key: ResultRow, name: str, found: PooledEstimate | PooledShare, *, text: str, times: float = 1.0
) -> ResultRow:
    value, low, high = (
        None if one is None else times * one for one in (found.estimate, found.low, found.high)
    )
    return replace(
        key, estimate=name, value=value, low=low, high=high, text=text, status=found.status, note=found.note
    )


def _report_p(key: ResultRow, name: str, found: PooledEstimate | PooledShare, text: str) -> ResultRow:
    return replace(key, estimate=name, value=found.p_value, text=text, status=found.status, note=found.note)


def summarize_imputed_areas(
    analysis: Roc, factors: Sequence[FactorColumn], sides: Sides, *, seed: int
) -> Iterator[ResultRow]:
    """The area under each ROC curve on imputed values, in the declared direction (group `roc_imputed`)."""
    found = impute_factors(factors, sides, rule=analysis.missing, seed=seed)
    yield from describe_imputation(analysis.id, factors, found, rule=analysis.missing)
    key = ResultRow(analysis_id=analysis.id, group=AREAS, variable="", estimate="auc")
    for factor in factors:
        is_high = factor.name in analysis.higher_means_event
        own = replace(key, variable=factor.name, text="higher" if is_high else "lower")
        completed = _complete(factor, found.columns, found, sides)
        if isinstance(completed, str):
            yield replace(_refuse(own, completed), estimate="auc")
            continue
        own = replace(own, n=completed.event.size)
        area = pool_discrimination(completed.numbers * (1.0 if is_high else -1.0), completed.event)
        yield _report(own, "auc", area, text=own.text)
        if area.status == "ok":
            yield replace(own, estimate="fraction_missing_information", value=area.fraction_missing)
        yield replace(own, estimate="cut", status="not_done", note=NO_CUT)
