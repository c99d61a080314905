"""The grade of an outcome against factors: proportional odds, with what the number of patients allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import GatesDefinition
from cytopenia.results import ResultRow
from cytopenia.stats.proportional_odds import assess_proportional_odds
from cytopenia.study.analysis_forms import Ordinal
from cytopenia.study.factors import FactorColumn
from cytopenia.study.model_rows import summarize_collinearity, summarize_curves, summarize_factors
from cytopenia.study.models import (
    Model,
    fit_outcome,
    is_fitted,
    summarize_model,
    summarize_refusal,
)

__all__ = ["measure_effective_size", "summarize_ordinal"]


@dataclass(frozen=True)
class _Graded:
    """Who has which grade; NaN is not judged."""

    analysis: Ordinal
    grades: NDArray[np.float64]
    gates: GatesDefinition

    @property
    def counts(self) -> list[int]:
        known = self.grades[~np.isnan(self.grades)]
        return np.unique(known, return_counts=True)[1].tolist()

    @property
    def size(self) -> int:
        """Patients outside the most frequent grade: of two grades the smaller group."""
        return sum(self.counts) - max(self.counts, default=0)

    def fit(self, factors: Sequence[FactorColumn]) -> Model:
        return fit_outcome(factors, self.grades, method="proportional_odds", interval=self.analysis.interval)


def measure_effective_size(counts: Sequence[int]) -> float:
    """Return how many patients an ordered outcome is worth: n - sum(counts ** 3) / n ** 2.

    References
    ----------
    Whitehead, Statistics in Medicine 1993;12:2257-2271. DOI 10.1002/sim.4780122404; Harrell, Regression
    Modeling Strategies, 2nd ed., 2015, table 4.1. DOI 10.1007/978-3-319-19425-7.

    Examples
    --------
    >>> measure_effective_size([20, 20, 20]), measure_effective_size([60]), measure_effective_size([])
    (53.333333333333336, 0.0, 0.0)
    """
    n = sum(counts)
    return n - sum(count**3 for count in counts) / n**2 if n else 0.0


def summarize_ordinal(
    analysis: Ordinal, frame: pl.DataFrame, *, factors: Sequence[FactorColumn], gates: GatesDefinition
) -> Iterator[ResultRow]:
    """Yield the grades, a proportional-odds model of each factor, and one of the terms together.

    Parameters
    ----------
    analysis : Ordinal
    frame : DataFrame
        Rows of the outcomes table of the graded outcome, in the order of the courses.
    factors : sequence of FactorColumn
    gates : GatesDefinition
        Its numbers hold for the patients outside the most frequent grade, which of two grades are the smaller
        group, and never more than the effective size.
    """
    graded = _Graded(analysis, frame["policy"].cast(pl.Float64).fill_null(np.nan).to_numpy(), gates)
    yield from _count_grades(graded)
    yield from _fit_each(graded, factors)
    if analysis.terms:
        yield from _fit_together(graded, factors)


def _count_grades(graded: _Graded) -> Iterator[ResultRow]:
    key = ResultRow(analysis_id=graded.analysis.id, group="grades", variable="patients", estimate="count")
    known = graded.grades[~np.isnan(graded.grades)]
    for grade, count in zip(*np.unique(known, return_counts=True), strict=True):
        yield replace(key, variable_level=f"grade {grade:g}", value=int(count), n=len(known))
    yield replace(key, variable_level="not judged", value=len(graded.grades) - len(known))


def _gate(graded: _Graded, level: str, note: str) -> ResultRow:
    return ResultRow(
        analysis_id=graded.analysis.id,
        group="gate",
        variable="model",
        estimate="smaller_group",
        value=graded.size,
        level=level,
        note=note,
    )


def _say_size(size: int) -> str:
    return f"{size} patient{'' if size == 1 else 's'} outside the most frequent grade"


def _fit_each(graded: _Graded, factors: Sequence[FactorColumn]) -> Iterator[ResultRow]:
    key = ResultRow(analysis_id=graded.analysis.id, group="univariable", variable="", estimate="")
    least = graded.gates.univariable_from
    note = ""
    if graded.size < least:
        note = f"{_say_size(graded.size)}: factors are described only below {least}"
    gate = _gate(graded, "univariable", note)
    yield gate
    yield replace(gate, estimate="effective_size", value=measure_effective_size(graded.counts), note="")
    if note:
        yield from summarize_refusal(key, factors, note)
        return
    for factor in factors:
        model = graded.fit([factor])
        yield from _report(key, model)
        yield from _count_model(replace(key, level=factor.name), model)


def _fit_together(graded: _Graded, factors: Sequence[FactorColumn]) -> Iterator[ResultRow]:
    key = ResultRow(analysis_id=graded.analysis.id, group="multivariable", variable="", estimate="")
    chosen = [factor for factor in factors if factor.name in graded.analysis.terms]
    model = graded.fit(chosen)
    gates, terms = graded.gates, len(model.terms)
    allowed = graded.size // gates.per_term if graded.size >= gates.multivariable_from else 0
    note = ""
    if terms > allowed:
        has = f"the model has {terms} term{'' if terms == 1 else 's'}"
        rule = (
            f"they allow {allowed}" if allowed else f"a multivariable model needs {gates.multivariable_from}"
        )
        note = f"{_say_size(graded.size)}: {rule}, {has}"
    yield _gate(graded, "multivariable", note)
    if note:
        yield from summarize_refusal(key, chosen, note)
    else:
        yield from _report(key, model)
        yield from _count_model(key, model)
        yield from summarize_collinearity(replace(key, group="collinearity"), model, gates)
    others = [factor for factor in factors if factor not in chosen]
    yield from summarize_refusal(key, others, "not among the terms")


def _report(key: ResultRow, model: Model) -> Iterator[ResultRow]:
    yield from summarize_model(key, model, None, with_counts=False)
    yield from summarize_factors(key, model, with_levels=True)
    yield from _assess(key, model)
    yield from summarize_curves(replace(key, group="curve", level=key.group), model)


def _assess(key: ResultRow, model: Model) -> Iterator[ResultRow]:
    """Whether one odds ratio is enough: of each factor, and of all together where there are several."""
    fitting = model.fitting
    if fitting is None or not is_fitted(model):
        return
    tested = {factor.name: model.list_places(factor.name) for factor in model.factors}
    tested = {name: places for name, places in tested.items() if places}
    if len(tested) > 1:
        tested["model"] = list(range(len(model.terms)))
    for name, places in tested.items():
        found = assess_proportional_odds(
            fitting.columns,
            fitting.outcome,
            names=fitting.names,
            tested=[fitting.names[place] for place in places],
        )
        row = replace(key, variable=name, n=int(model.members.sum()), status=found.status, note=found.note)
        yield replace(row, estimate="p_proportional_odds", value=found.p_value, text=found.method)
        yield replace(row, estimate="statistic_proportional_odds", value=found.statistic, text=found.method)
        yield replace(row, estimate="degrees_proportional_odds", value=found.degrees, status="ok", note="")


def _count_model(key: ResultRow, model: Model) -> Iterator[ResultRow]:
    row = replace(key, variable="model", estimate="n")
    yield replace(row, value=int(model.members.sum()), text=model.method)
    yield replace(row, estimate="terms", value=len(model.terms))
    yield replace(row, estimate="missing", value=model.missing)
    if model.fit is not None and model.fit.log_likelihood is not None:
        yield replace(row, estimate="log_likelihood", value=model.fit.log_likelihood)
