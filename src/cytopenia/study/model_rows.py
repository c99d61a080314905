"""What a model says beyond single coefficients: factors as a whole, trends, curves, and collinearity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from cytopenia.definition_forms import GatesDefinition
from cytopenia.results import ResultRow
from cytopenia.stats.collinearity import Inflation, measure_condition, measure_inflation
from cytopenia.stats.logistic import LogisticTerm
from cytopenia.stats.model_tests import JointTest, score_levels
from cytopenia.study.factor_terms import BEND, Fitting, Spline
from cytopenia.study.factors import FactorColumn
from cytopenia.study.models import Model, is_fitted, name_p

__all__ = ["summarize_collinearity", "summarize_curves", "summarize_factors"]

# A curve is drawn through so many points; of these one is its reference.
CURVE_POINTS = 41
SCORE = "score"


def summarize_factors(key: ResultRow, model: Model, *, with_levels: bool) -> Iterator[ResultRow]:
    """Yield the test of each factor of several terms, the trend over ordered levels, the bend of a curve.

    Parameters
    ----------
    key : ResultRow
        analysis_id and group (univariable, multivariable).
    model : Model
    with_levels : bool
        Also of factors with several levels that are not ordered.
    """
    if model.fitting is None:
        return
    for factor in model.factors:
        names = [model.terms[place].name for place in model.list_places(factor.name)]
        row = replace(key, variable=factor.name, n=int(model.members.sum()))
        is_curve = factor.is_number and factor.spline_knots is not None
        # Without an estimate the reason stands with the levels; a trend may have one all the same.
        if is_fitted(model) and len(names) > 1 and (with_levels or is_curve or factor.is_ordered):
            yield from _report_joint(row, "overall", model.fitting.compare(names))
        if is_fitted(model) and is_curve:
            yield from _report_joint(row, "nonlinear", model.fitting.compare(names[1:]))
            spline = model.terms[model.list_places(factor.name)[0]].spline
            yield from _list_knots(row, spline)
        if factor.is_ordered and names:
            yield from _report_trend(row, factor, model)


def _report_joint(key: ResultRow, what: str, found: JointTest) -> Iterator[ResultRow]:
    """The ratio of likelihoods with its P, and beside it Wald's."""
    row = replace(key, status=found.status, note=found.note)
    yield replace(row, estimate=f"p_{what}", value=found.p_value, text=found.method)
    yield replace(row, estimate=f"statistic_{what}", value=found.statistic, text=found.method)
    yield replace(row, estimate=f"degrees_{what}", value=found.degrees, status="ok", note="")
    if found.wald_p is not None:
        yield replace(row, estimate=f"p_{what}_wald", value=found.wald_p, text="wald", status="ok", note="")


def _list_knots(key: ResultRow, spline: Spline | None) -> Iterator[ResultRow]:
    for place, knot in enumerate(() if spline is None else spline.knots, start=1):
        yield replace(key, estimate=f"knot_{place}", value=knot)


def _report_trend(key: ResultRow, factor: FactorColumn, model: Model) -> Iterator[ResultRow]:
    """One odds ratio per level, and whether the levels depart from it."""
    fitting = model.fitting
    assert fitting is not None  # noqa: S101 - the caller has one
    places = model.list_places(factor.name)
    values = factor.values.cast(pl.String).to_list()
    score = score_levels(values, factor.list_levels())[model.members]
    others = np.delete(np.arange(len(model.terms)), places)
    columns = np.column_stack([score, fitting.columns[:, others]])
    names = (SCORE, *(fitting.names[place] for place in others))
    line = replace(fitting, columns=columns, names=names)
    fit = line.fit()
    term = fit.terms[0]
    row = replace(key, status=term.status, note=term.note)
    yield replace(
        row,
        estimate="trend_odds_ratio",
        value=term.odds_ratio,
        low=term.low,
        high=term.high,
        text="per level",
    )
    yield replace(row, estimate="p_trend", value=term.p_value, text=name_p(fitting.method, fit.interval))
    rest = places[1:]
    if rest:
        whole = replace(
            line,
            columns=np.column_stack([columns, fitting.columns[:, rest]]),
            names=(*names, *(fitting.names[place] for place in rest)),
        )
        yield from _report_joint(key, "deviation", whole.compare(whole.names[len(names) :]))


def summarize_curves(key: ResultRow, model: Model) -> Iterator[ResultRow]:
    """Yield the log odds along each curve, against its lower value, with pointwise limits.

    `key` has the analysis, the group "curve" and the level (univariable, multivariable).
    """
    if model.fitting is None or not is_fitted(model):
        return
    for factor in model.factors:
        places = model.list_places(factor.name)
        spline = model.terms[places[0]].spline if places else None
        if spline is not None:
            numbers = factor.numbers.to_numpy()[model.members].tolist()
            yield from _draw_curve(replace(key, variable=factor.name), spline, model.fitting, numbers, places)


def _draw_curve(
    key: ResultRow, spline: Spline, fitting: Fitting, numbers: Sequence[float], places: Sequence[int]
) -> Iterator[ResultRow]:
    values = np.linspace(min(numbers), max(numbers), CURVE_POINTS)
    columns = spline.lay_out(values.tolist()) - spline.lay_out([spline.low])
    contrasts: dict[str, np.ndarray] = {}
    for place, steps in enumerate(columns):
        contrasts[str(place)] = np.zeros(len(fitting.names))
        contrasts[str(place)][list(places)] = steps
    for value, term in zip(values, fitting.contrast(contrasts), strict=True):
        row = replace(key, variable_level=term.name)
        yield replace(row, estimate="at", value=float(value))
        yield _place_point(row, term, is_reference=not contrasts[term.name].any())


def _place_point(row: ResultRow, term: LogisticTerm, *, is_reference: bool) -> ResultRow:
    if is_reference:
        return replace(row, estimate="log_odds", value=0.0, low=0.0, high=0.0)
    ends = [None if end is None else float(np.log(end)) for end in (term.low, term.high)]
    status = "ok" if term.coefficient is not None else "not_estimable"
    return replace(
        row, estimate="log_odds", value=term.coefficient, low=ends[0], high=ends[1], status=status,
        note=term.note,
    )  # fmt: skip


def summarize_collinearity(key: ResultRow, model: Model, gates: GatesDefinition) -> Iterator[ResultRow]:
    """Yield the variance inflation of each factor and the condition number, with words where they are large.

    `key` has the analysis and the group "collinearity".
    """
    fit, fitting = model.fit, model.fitting
    if fit is None or fitting is None or fit.correlation is None or len(model.terms) < 2:
        return
    correlation = fit.correlation[-len(model.terms) :, -len(model.terms) :]
    groups = {factor.name: model.list_places(factor.name) for factor in model.factors}
    groups = {name: places for name, places in groups.items() if places}
    titles = {factor.name: factor.title for factor in model.factors}
    for name, found in measure_inflation(correlation, groups).items():
        row = replace(key, variable=name, n=fit.n, text=titles[name])
        yield _report_inflation(row, found, gates)
    # The bends of a curve repeat its line by their nature.
    straight = [
        place for place, term in enumerate(model.terms) if not (term.spline and term.level.startswith(BEND))
    ]
    condition = measure_condition(fitting.columns[:, straight])
    row = replace(key, variable="model", estimate="condition_number", value=condition, n=fit.n)
    if condition is None:
        yield replace(row, status="not_estimable", note="the columns repeat each other")
        return
    limit = gates.collinear_from_condition
    is_large = limit is not None and condition >= limit
    note = f"{condition:.1f}, {limit:g} or more: some columns nearly repeat others" if is_large else ""
    yield replace(row, note=note)


def _report_inflation(row: ResultRow, found: Inflation, gates: GatesDefinition) -> ResultRow:
    row = replace(row, estimate="variance_inflation", value=found.per_term)
    if found.per_term is None:
        return replace(row, status="not_estimable", note="the other factors determine this one")
    limit = gates.collinear_from_inflation
    if limit is None or found.per_term < limit:
        return row
    return replace(
        row,
        note=f"variance inflation {found.per_term:.1f}, {limit:g} or more: the other factors carry much of"
        " the same information; its interval is wide for this reason",
    )
