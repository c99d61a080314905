"""The terms of one model as programs test them: Wald, ratio of likelihoods, and Firth's profile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from cytopenia.definition_forms import GatesDefinition
from cytopenia.results import ResultRow
from cytopenia.stats.compare import Comparison
from cytopenia.stats.conventions import ProgramTest
from cytopenia.stats.likelihood import LogisticTerm
from cytopenia.study.analysis_forms import RiskFactors
from cytopenia.study.factor_terms import Interval, Method
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.models import Model, fit_factors, judge_multivariable
from cytopenia.study.program_conventions import (
    CONVENTIONS,
    LOGISTF,
    OF_MODELS,
    PENALIZED,
    RATIO,
    SPSS,
    WALD,
    read_model_tests,
    report_programs,
)

__all__ = ["compare_terms_by_program", "summarize_model_conventions"]

MULTIVARIABLE = "multivariable"


@dataclass(frozen=True)
class _Way:
    """One way to interval and P of a term, and the programs that print it."""

    name: str
    method: Method
    interval: Interval | None
    programs: tuple[str, ...]


WAYS = (
    _Way(WALD, "maximum_likelihood", "wald", OF_MODELS),
    _Way(RATIO, "maximum_likelihood", "profile", OF_MODELS),
    _Way(PENALIZED, "firth", None, (LOGISTF,)),
)


def summarize_model_conventions(
    analysis: RiskFactors,
    factors: Sequence[FactorColumn],
    sides: Sides,
    *,
    gates: GatesDefinition,
    modeled: Iterable[ResultRow],
) -> Iterator[ResultRow]:
    """What each program gives of the terms of the multivariable model; nothing unless the protocol asks.

    Parameters
    ----------
    factors : sequence of FactorColumn
        As they are modeled: divided where the analysis has cuts.
    modeled : iterable of ResultRow
        The model of the analysis: its terms are compared, whichever way they were chosen. Where the number of
        events refused it each factor has a row `not_done` with the reason.
    """
    level, rule = analysis.significance_level, analysis.multivariable
    if not analysis.compares_programs or level is None or rule is None:
        return
    rows = list(modeled)
    gate = {row.note for row in rows if (row.group, row.level) == ("gate", MULTIVARIABLE)}
    asked = {
        row.variable
        for row in rows
        if row.group == MULTIVARIABLE
        and row.estimate in ("odds_ratio", "reference")
        and (row.status != "not_done" or row.note in gate)
    }
    chosen = [factor for factor in factors if factor.name in asked]
    if not chosen:
        return
    key = ResultRow(analysis_id=analysis.id, group=CONVENTIONS, variable="", estimate="")
    terms = len(fit_factors(chosen, sides, method="firth").terms)
    refusal, _ = judge_multivariable(sides, gates, terms, is_requested=rule.method is not None)
    if refusal:
        row = replace(key, level=MULTIVARIABLE, estimate=f"depends_{MULTIVARIABLE}")
        yield from (replace(row, variable=one.name, status="not_done", note=refusal) for one in chosen)
        return
    yield from compare_terms_by_program(key, chosen, sides, level=level)


def compare_terms_by_program(
    key: ResultRow, factors: Sequence[FactorColumn], sides: Sides, *, level: float
) -> Iterator[ResultRow]:
    """Return the P of each term of one model by program and test, its odds ratios, and what depends on them.

    A number has one term; of levels each has its own, and a factor of several is also tested as a whole
    (`variable_level` is empty). Rows as in `summarize_conventions`, the question is `multivariable`. The odds
    ratios with the interval of each test (`odds_ratio_wald` and so on) stand once, without a program.

    Notes
    -----
    Wald is what SPSS (Variables in the Equation), `summary(glm)` of R and `Logit` of statsmodels print; the
    ratio of likelihoods is "Model if Term Removed" of SPSS with METHOD=FSTEP(LR), `drop1(fit, test = "LRT")`
    of R, and twice the difference of two fits of statsmodels, its interval `confint(fit)` of R; the penalized
    ratio is that of `logistf` of R.
    """
    models = [fit_factors(factors, sides, method=way.method, interval=way.interval) for way in WAYS]
    for factor in factors:
        named = replace(key, variable=factor.name)
        places = models[0].list_places(factor.name)
        if len(places) > 1:
            yield from report_programs(named, _test_whole(models, factor.name), level)
        if factor.is_number and len(places) > 1:
            continue  # the terms of a curve mean nothing one by one
        for place in places:
            own = replace(named, variable_level=models[0].terms[place].level)
            terms = [_find_term(model, place) for model in models]
            yield from report_programs(own, _list_tests(models, terms), level)
            yield from _report_odds(own, terms, models)


def _find_term(model: Model, place: int) -> LogisticTerm:
    assert model.fit is not None  # noqa: S101 - the caller asks for terms that there are
    term = model.fit.terms[place]
    return replace(term, note=term.note or model.fit.note) if term.status != "ok" else term


def _list_tests(models: Sequence[Model], terms: Sequence[LogisticTerm]) -> list[ProgramTest]:
    return [
        ProgramTest(program, MULTIVARIABLE, _read_test(way.name, term, int(model.members.sum())))
        for way, model, term in zip(WAYS, models, terms, strict=True)
        for program in way.programs
    ]


def _read_test(name: str, term: LogisticTerm, n: int) -> Comparison:
    status = "ok" if term.p_value is not None else "not_estimable"
    return Comparison(name, None, term.p_value, None, None, n, status, term.note)


def _test_whole(models: Sequence[Model], name: str) -> list[ProgramTest]:
    """All terms of one factor at once; the summaries of R and statsmodels have no such line by Wald."""
    ratio, wald = read_model_tests(models[0], RATIO, factor=name)
    penalized, _ = read_model_tests(models[-1], PENALIZED, factor=name)
    tests = [(SPSS, wald), *((program, ratio) for program in OF_MODELS), (LOGISTF, penalized)]
    return [ProgramTest(program, MULTIVARIABLE, found) for program, found in tests]


def _report_odds(
    key: ResultRow, terms: Sequence[LogisticTerm], models: Sequence[Model]
) -> Iterator[ResultRow]:
    for way, term, model in zip(WAYS, terms, models, strict=True):
        yield replace(
            key,
            level=MULTIVARIABLE,
            estimate=f"odds_ratio_{way.name}",
            value=term.odds_ratio,
            low=term.low,
            high=term.high,
            text=way.name,
            n=int(model.members.sum()),
            status=term.status,
            note=term.note,
        )
