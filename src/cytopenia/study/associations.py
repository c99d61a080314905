"""Analyses of an outcome against factors: risk factors, ROC curves and cross tables as result rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from cytopenia.definition_forms import GatesDefinition
from cytopenia.results import ResultRow
from cytopenia.stats.adjustments import adjust_holm
from cytopenia.stats.compare import Comparison, compare_counts
from cytopenia.stats.describe import estimate_proportion
from cytopenia.study.analysis_forms import Crosstab, Multivariable, RiskFactors, Selection
from cytopenia.study.cut_points import Curves, divide_factors, find_cuts, summarize_cuts
from cytopenia.study.effects import summarize_crosstab_effects, summarize_effects
from cytopenia.study.factor_terms import Method
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import (
    Sides,
    compare_factor,
    count_cells,
    report_comparison,
    summarize_group,
    summarize_normality,
    summarize_sides,
)
from cytopenia.study.imputed_factors import ImputationInput
from cytopenia.study.imputed_groups import summarize_imputed
from cytopenia.study.model_conventions import summarize_model_conventions
from cytopenia.study.model_rows import summarize_collinearity, summarize_curves, summarize_factors
from cytopenia.study.models import (
    Model,
    fit_factors,
    judge_multivariable,
    judge_univariable,
    summarize_model,
    summarize_refusal,
    summarize_size,
)
from cytopenia.study.program_conventions import (
    ConventionInput,
    summarize_conventions,
    summarize_pair_conventions,
)

__all__ = ["RiskFactorInput", "summarize_crosstab", "summarize_risk_factors"]


@dataclass(frozen=True)
class RiskFactorInput:
    """What an analysis of risk factors works on.

    Attributes
    ----------
    factors : sequence of FactorColumn
    sides : Sides
    curves : mapping of ROC analysis to curves
    gates : GatesDefinition
    seed : int
        Of the protocol, for exact tests that have to be simulated.
    """

    factors: Sequence[FactorColumn]
    sides: Sides
    curves: Mapping[str, Curves]
    gates: GatesDefinition
    seed: int


def summarize_risk_factors(analysis: RiskFactors, given: RiskFactorInput) -> Iterator[ResultRow]:
    """Groups, tests, univariable and multivariable models, as far as the protocol names them."""
    sides = given.sides
    yield from summarize_sides(analysis.id, sides)
    cuts = find_cuts(analysis.cutpoints, given.curves, factors=analysis.factors)
    yield from summarize_cuts(analysis.id, cuts)
    uncut = [factor for factor in given.factors if factor.name in cuts and cuts[factor.name].value is None]
    divided = replace(given, factors=divide_factors(given.factors, cuts, rule=analysis.cutpoints))
    if "groups" in analysis.columns:
        for factor in divided.factors:
            yield from summarize_group(analysis.id, factor, sides)
    if analysis.normality is not None:
        for factor in given.factors:
            yield from summarize_normality(analysis.id, factor, sides, method=analysis.normality)
    if "effect" in analysis.columns:
        for factor in divided.factors:
            yield from summarize_effects(analysis, factor, sides)
    yield from _compare(analysis, divided)
    modeled = list(_model(analysis, divided))
    yield from modeled
    if analysis.missing.is_imputed:
        work = ImputationInput(given.factors, sides, cuts, modeled, seed=given.seed)
        yield from summarize_imputed(analysis, work)
    for group in ("univariable", "multivariable"):
        if group in analysis.columns:
            key = ResultRow(analysis_id=analysis.id, group=group, variable="", estimate="")
            yield from summarize_refusal(key, uncut, "the ROC curve gives no cut")
    compared = ConventionInput(divided.factors, sides, given.gates, given.seed)
    yield from summarize_conventions(analysis, compared)
    yield from summarize_model_conventions(
        analysis, divided.factors, sides, gates=given.gates, modeled=modeled
    )


def _compare(analysis: RiskFactors, given: RiskFactorInput) -> Iterator[ResultRow]:
    if "p" not in analysis.columns:
        return
    key = ResultRow(analysis_id=analysis.id, group="test", variable="", estimate="p_value")
    for factor in given.factors:
        yield from report_comparison(replace(key, variable=factor.name), _test(analysis, factor, given))


def _test(analysis: RiskFactors, factor: FactorColumn, given: RiskFactorInput) -> Comparison:
    """The test of the column p: the named one, else by the rule."""
    return compare_factor(
        factor,
        given.sides,
        parity=analysis.own_parity,
        seed=given.seed,
        test=analysis.tests.get(factor.name),
    )


def _model(analysis: RiskFactors, given: RiskFactorInput) -> Iterator[ResultRow]:
    rule = analysis.multivariable
    is_wanted = "univariable" in analysis.columns or rule is not None
    if not is_wanted:
        return
    gate = ResultRow(
        analysis_id=analysis.id,
        group="gate",
        variable="model",
        estimate="smaller_group",
        value=given.sides.smaller_group,
    )
    method: Method = "firth" if analysis.own_parity == "default" else "maximum_likelihood"
    is_published = analysis.own_parity != "default"
    p_values: dict[str, float | None] = {}
    if "univariable" in analysis.columns:
        refusal, note = judge_univariable(given.sides, given.gates, is_requested=is_published)
        yield replace(gate, level="univariable", note=note)
        key = ResultRow(analysis_id=analysis.id, group="univariable", variable="", estimate="")
        if refusal:
            yield from summarize_refusal(key, given.factors, refusal)
        else:
            yield from _fit_univariable(key, given, _How(analysis, method), p_values)
    if rule is not None:
        is_requested = is_published or rule.method is not None
        yield from _fit_multivariable(
            analysis, given, rule, _Screened(rule.method or method, is_requested, p_values, gate)
        )


@dataclass(frozen=True)
class _How:
    """By which method and statistic the models of an analysis are fitted."""

    analysis: RiskFactors
    method: Method

    def fit(self, factors: Sequence[FactorColumn], sides: Sides) -> Model:
        is_penalized = self.method == "firth"
        interval = None if is_penalized else self.analysis.interval
        return fit_factors(factors, sides, method=self.method, interval=interval)

    def add_rows(self, key: ResultRow, model: Model) -> Iterator[ResultRow]:
        """Factors as a whole, trends and curves, as far as the protocol asks for them."""
        yield from summarize_factors(key, model, with_levels=self.analysis.diagnostics)
        yield from summarize_curves(replace(key, group="curve", level=key.group), model)


def _fit_univariable(
    key: ResultRow, given: RiskFactorInput, how: _How, p_values: dict[str, float | None]
) -> Iterator[ResultRow]:
    """One model per factor; `p_values` gets the P that screens it."""
    for factor in given.factors:
        model = how.fit([factor], given.sides)
        p_values[factor.name] = _screening_p(model, given)
        yield from summarize_model(key, model, given.sides, with_counts=True)
        yield from how.add_rows(key, model)
        yield from summarize_size(replace(key, level=factor.name), model, given.sides)


def _screening_p(model: Model, given: RiskFactorInput) -> float | None:
    """The P of a factor with one term; of several levels that of the test of counts, which has them all.

    Of a curve it is that of all its terms.
    """
    if len(model.terms) == 1 and model.fit is not None:
        return model.fit.terms[0].p_value
    if len(model.terms) > 1 and model.fitting is not None and model.factors[0].is_number:
        return model.fitting.compare(model.fitting.names).p_value
    if len(model.terms) > 1:
        return compare_factor(model.factors[0], given.sides, parity="default", seed=given.seed).p_value
    return None


@dataclass(frozen=True)
class _Screened:
    """How the multivariable model is fitted, and the P values that choose its terms."""

    method: Method
    is_requested: bool
    p_values: Mapping[str, float | None]
    gate: ResultRow


def _fit_multivariable(
    analysis: RiskFactors, given: RiskFactorInput, rule: Multivariable, how: _Screened
) -> Iterator[ResultRow]:
    key = ResultRow(analysis_id=analysis.id, group="multivariable", variable="", estimate="")
    p_values = how.p_values
    if rule.select is not None and rule.select.screen == "test":
        p_values = {factor.name: _test(analysis, factor, given).p_value for factor in given.factors}
    left = _leave_out(rule, given.factors, p_values)
    chosen = [factor for factor in given.factors if factor.name not in left]
    if chosen:
        fitted = _How(analysis, how.method)
        model = fitted.fit(chosen, given.sides)
        refusal, note = judge_multivariable(
            given.sides, given.gates, len(model.terms), is_requested=how.is_requested
        )
        yield replace(how.gate, level="multivariable", note=note)
        if refusal:
            yield from summarize_refusal(key, chosen, refusal)
        else:
            yield from summarize_model(key, model, given.sides, with_counts=False)
            yield from fitted.add_rows(key, model)
            yield from summarize_size(key, model, given.sides)
            if analysis.diagnostics:
                yield from summarize_collinearity(replace(key, group="collinearity"), model, given.gates)
    for factor in given.factors:
        if factor.name in left:
            yield from summarize_refusal(key, [factor], left[factor.name])


def _leave_out(
    rule: Multivariable, factors: Sequence[FactorColumn], p_values: Mapping[str, float | None]
) -> dict[str, str]:
    """Factors that do not enter the multivariable model, with the reason."""
    if rule.select is None:
        return {factor.name: "not among the terms" for factor in factors if factor.name not in rule.terms}
    reasons = {factor.name: _screen(p_values.get(factor.name), rule.select) for factor in factors}
    return {name: why for name, why in reasons.items() if why}


def _screen(p_value: float | None, select: Selection) -> str:
    if p_value is None:
        return "not selected: no P value in the screen"
    if p_value < select.p_below:
        return ""
    return f"not selected: P = {p_value:.3f} in the screen, not below {select.p_below:g}"


def summarize_crosstab(
    analysis: Crosstab, factor: FactorColumn, sides: Sides, *, seed: int
) -> Iterator[ResultRow]:
    """One factor against the outcome: counts by level, one test of all levels, and tests of pairs."""
    yield from summarize_sides(analysis.id, sides)
    yield from _count_rows(analysis.id, factor, sides)
    yield from summarize_crosstab_effects(analysis, factor, sides)
    key = ResultRow(analysis_id=analysis.id, group="test", variable=factor.name, estimate="p_value")
    test = analysis.tests.get(factor.name)
    compared = compare_factor(factor, sides, parity=analysis.own_parity, seed=seed, test=test)
    yield from report_comparison(key, compared)
    by_program = ConventionInput([factor], sides, None, seed)
    yield from summarize_conventions(analysis, by_program)
    if analysis.pairwise:
        pairs = list(combinations(factor.list_levels(), 2))
        yield from summarize_pair_conventions(analysis, pairs, by_program)
        tables = [count_cells(factor, sides, levels=list(pair)) for pair in pairs]
        found = [compare_counts(table, parity=analysis.own_parity, seed=seed) for table in tables]
        adjusted = adjust_holm([one.p_value for one in found])
        for pair, one, p_holm in zip(pairs, found, adjusted, strict=True):
            pair_key = replace(key, group="pairwise", variable_level=" vs ".join(pair))
            yield from report_comparison(pair_key, one)
            status = "ok" if p_holm is not None else "not_estimable"
            yield replace(
                pair_key,
                estimate="p_holm",
                value=p_holm,
                n=one.n,
                status=status,
                note="" if p_holm is not None else one.note,
            )


def _count_rows(analysis_id: str, factor: FactorColumn, sides: Sides) -> Iterator[ResultRow]:
    """Patients of each level with and without the event; percentages are of the level."""
    key = ResultRow(analysis_id=analysis_id, group="counts", variable=factor.name, estimate="denominator")
    known = factor.values.is_not_null().to_numpy()
    total = int((sides.strata()["total"] & known).sum())
    yield replace(key, value=total, text=factor.title)
    yield replace(key, estimate="missing", value=int((sides.strata()["total"] & ~known).sum()))
    for scenario in ("policy", "best", "worst"):
        counted = count_cells(factor, replace(sides, event={"policy": sides.event[scenario]}))
        for level, cells in zip(factor.list_levels(), counted, strict=True):
            for stratum, count in zip(("event", "no event"), cells, strict=True):
                found = replace(key, variable_level=level, stratum=stratum, scenario=scenario)
                yield replace(found, estimate="count", value=int(count))
                if scenario == "policy":
                    proportion = estimate_proportion(int(count), int(cells.sum()))
                    yield replace(found, value=proportion.denominator)
                    status = "ok" if proportion.percent is not None else "not_estimable"
                    yield replace(
                        found,
                        estimate="percent",
                        value=proportion.percent,
                        status=status,
                        note="" if proportion.percent is not None else "no patient at this level",
                    )
