"""Beside an analysis, what each program gives of the same data, and which conclusions depend on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cytopenia.definition_forms import GatesDefinition
from cytopenia.grading.cuts import is_met
from cytopenia.results import ResultRow
from cytopenia.stats.compare import Comparison
from cytopenia.stats.conventions import (
    ProgramTest,
    compare_counts_by_program,
    compare_distributions_by_program,
    compare_means_by_program,
    judge_conclusion,
)
from cytopenia.stats.model_tests import JointTest
from cytopenia.stats.roc import RocCurve
from cytopenia.study.analysis_forms import Crosstab, RiskFactors, Roc
from cytopenia.study.cut_points import Curves
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides, count_cells, split_numbers
from cytopenia.study.models import Model, fit_factors, judge_univariable

__all__ = [
    "CONVENTIONS",
    "LOGISTF",
    "OF_MODELS",
    "PENALIZED",
    "RATIO",
    "SPSS",
    "WALD",
    "ConventionInput",
    "read_model_tests",
    "report_programs",
    "summarize_conventions",
    "summarize_cut_conventions",
    "summarize_pair_conventions",
]

CONVENTIONS, UNIVARIABLE = "conventions", "univariable"
WALD, RATIO, PENALIZED = "wald", "likelihood_ratio", "penalized_likelihood_ratio"
MONTE_CARLO, FISHER = "fisher_monte_carlo", "fisher_exact"
SPSS, R, STATSMODELS, LOGISTF = "spss", "r", "statsmodels", "logistf"
OF_MODELS = (SPSS, R, STATSMODELS)
MIDPOINT, OBSERVED = (SPSS, R), ("cutpointr", "scikit_learn")
NO_CUT = "the ROC curve gives no cut"
ONE_P = "fewer than two P values"


@dataclass(frozen=True)
class ConventionInput:
    """What programs are compared on.

    Attributes
    ----------
    factors : sequence of FactorColumn
        As they are tested: divided where the analysis has cuts.
    sides : Sides
    gates : GatesDefinition or None
        None where there are no models.
    seed : int
    """

    factors: Sequence[FactorColumn]
    sides: Sides
    gates: GatesDefinition | None
    seed: int


def summarize_conventions(analysis: RiskFactors | Crosstab, given: ConventionInput) -> Iterator[ResultRow]:
    """The P of each factor, program and test, and whether they lie on both sides of the declared level.

    Nothing unless the protocol asks for the comparison. Rows of group `conventions`: `stratum` is the
    program, `level` the question that the test asks, `estimate` p_ and the test. `depends_` and the question
    is 1 if some P values lie below the level and some do not, else 0; without a value with fewer than two.
    """
    level = analysis.significance_level
    if not analysis.compares_programs or level is None:
        return
    key = ResultRow(analysis_id=analysis.id, group=CONVENTIONS, variable="", estimate="")
    yield replace(key, variable="tests", estimate="significance_level", value=level)
    columns = analysis.columns if isinstance(analysis, RiskFactors) else ("p",)
    for factor in given.factors:
        named = replace(key, variable=factor.name)
        yield replace(
            named, estimate="n", value=int((~np.isnan(given.sides.policy)).sum()), text=factor.title
        )
        if "p" in columns:
            tests = _list_tests(factor, given, is_of_means=analysis.tests.get(factor.name) == "welch_t")
            yield from report_programs(named, tests, level)
        if UNIVARIABLE in columns and given.gates is not None:
            refusal, _ = judge_univariable(given.sides, given.gates, is_requested=False)
            if refusal:
                yield replace(
                    named,
                    level=UNIVARIABLE,
                    estimate=f"depends_{UNIVARIABLE}",
                    status="not_done",
                    note=refusal,
                )
            else:
                yield from report_programs(named, _list_models(factor, given.sides), level)


def summarize_pair_conventions(
    analysis: Crosstab, pairs: Iterable[tuple[str, ...]], given: ConventionInput
) -> Iterator[ResultRow]:
    """The same of pairs of levels of a cross table, one by one and not adjusted."""
    level = analysis.significance_level
    if not analysis.compares_programs or level is None:
        return
    (factor,) = given.factors
    key = ResultRow(analysis_id=analysis.id, group=CONVENTIONS, variable=factor.name, estimate="")
    for pair in pairs:
        cells = count_cells(factor, given.sides, levels=list(pair))
        tests = compare_counts_by_program(cells, seed=given.seed)
        yield from report_programs(replace(key, variable_level=" vs ".join(pair)), tests, level)


def _list_tests(
    factor: FactorColumn, given: ConventionInput, *, is_of_means: bool
) -> tuple[ProgramTest, ...]:
    if not factor.is_number:
        cells = count_cells(factor, given.sides)
        return compare_counts_by_program(cells, is_ordered=factor.is_ordered, seed=given.seed)
    one, two = split_numbers(factor, given.sides)
    ranks = compare_distributions_by_program(one, two)
    return (*ranks, *compare_means_by_program(one, two)) if is_of_means else ranks


def _list_models(factor: FactorColumn, sides: Sides) -> tuple[ProgramTest, ...]:
    """Wald and ratio of likelihoods by maximum likelihood, and the penalized ratio, of all terms at once.

    The summaries of R and statsmodels test each level; that of one term is the test of the factor.
    """
    plain = fit_factors([factor], sides, method="maximum_likelihood")
    ratio, wald = read_model_tests(plain, RATIO)
    (penalized, _) = read_model_tests(fit_factors([factor], sides, method="firth"), PENALIZED)
    by_summary = (R, STATSMODELS) if len(plain.terms) <= 1 else ()
    tests = [(program, wald) for program in (SPSS, *by_summary)]
    tests += [(program, ratio) for program in OF_MODELS]
    tests.append((LOGISTF, penalized))
    return tuple(ProgramTest(program, UNIVARIABLE, found) for program, found in tests)


def read_model_tests(model: Model, name: str, *, factor: str | None = None) -> tuple[Comparison, Comparison]:
    """Return the test by the ratio of likelihoods, and Wald's, of all terms or of those of one factor."""
    n = int(model.members.sum())
    if model.fitting is None:
        why = next(iter(model.refused.values()), "no term")
        found = JointTest(name, 0, None, None, None, None, "not_estimable", why)
    else:
        own = (term.name for term in model.terms if factor is None or term.factor.name == factor)
        found = model.fitting.compare(tuple(own))
    # Where only the ratio is lacking Wald's P stands by itself.
    ratio = Comparison(name, found.statistic, found.p_value, None, None, n, found.status, found.note)
    status, note = ("ok", "") if found.wald_p is not None else (found.status, found.note)
    return ratio, Comparison(WALD, found.wald, found.wald_p, None, None, n, status, note)


def report_programs(key: ResultRow, tests: Sequence[ProgramTest], level: float) -> Iterator[ResultRow]:
    """Return the P of each program and test, and for each question whether they lie on both sides."""
    for one in tests:
        found = one.found
        name = FISHER if found.method == MONTE_CARLO else found.method
        yield replace(
            key,
            stratum=one.program,
            level=one.question,
            estimate=f"p_{name}",
            value=found.p_value,
            low=found.low,
            high=found.high,
            text=found.method,
            n=found.n,
            status=found.status,
            note=found.note,
        )
    for question in dict.fromkeys(one.question for one in tests):
        asked = [one.found for one in tests if one.question == question]
        judged = judge_conclusion(asked, level=level)
        row = replace(key, level=question, estimate=f"depends_{question}")
        if judged.depends is None:
            yield replace(row, status="not_estimable", note=ONE_P)
        else:
            yield replace(row, value=float(judged.depends))


def summarize_cut_conventions(
    analysis: Roc, factors: Sequence[FactorColumn], *, sides: Sides, curves: Curves
) -> Iterator[ResultRow]:
    """The cut of each curve as programs print it: midway between two values, or the value itself.

    Both divide these patients alike; a later patient between the two is divided differently.
    """
    if not analysis.compares_programs:
        return
    members = ~np.isnan(sides.policy)
    for factor in factors:
        curve = curves[factor.name]
        key = ResultRow(
            analysis_id=analysis.id, group=CONVENTIONS, variable=factor.name, level="cut", estimate="cut"
        )
        yield replace(key, estimate="n", value=curve.n, text=factor.title)
        if curve.cut is None:
            note = curve.note or NO_CUT
            yield from (
                replace(key, stratum=program, status="not_estimable", note=note)
                for program in (*MIDPOINT, *OBSERVED)
            )
            continue
        side = ">=" if curve.high_means_event else "<"
        numbers = factor.numbers.to_numpy()[members]
        at, sign = _find_observed(curve, curve.cut, numbers[~np.isnan(numbers)])
        yield from _print_cut(key, MIDPOINT, curve.cut, side)
        yield from _print_cut(key, OBSERVED, at, sign)


def _find_observed(curve: RocCurve, cut: float, numbers: np.ndarray) -> tuple[float, str]:
    """The value nearest to a cut on the side that means the event.

    A cut with a Youden index above 0 has patients on both sides.
    """
    is_above = is_met(numbers, "at_least", cut)
    if curve.high_means_event:
        return float(numbers[is_above].min()), ">="
    return float(numbers[~is_above].max()), "<="


def _print_cut(key: ResultRow, programs: tuple[str, ...], cut: float, side: str) -> Iterator[ResultRow]:
    for program in programs:
        yield replace(key, stratum=program, value=cut, text=f"{side} {cut:.12g}")
