"""A prediction model made from imputed values, beside that of the complete cases, as result rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.results import ResultRow
from cytopenia.stats.calibration import recalibrate_intercept
from cytopenia.stats.cut_resamples import divide_rows
from cytopenia.stats.imputed_models import PooledLogistic, fit_imputed_logistic
from cytopenia.stats.imputed_validation import ImputedValidation, IncompleteTable, validate_imputed
from cytopenia.stats.model_recipes import ModelRecipe
from cytopenia.stats.pooling import PooledEstimate
from cytopenia.stats.printable_odds import exponentiate, say_open_ends
from cytopenia.stats.resamples import draw_resamples
from cytopenia.stats.scaling import scale_numbers
from cytopenia.study.factor_terms import Term, make_terms
from cytopenia.study.factors import FactorColumn
from cytopenia.study.final_model import describe_term
from cytopenia.study.imputed_factors import (
    NOTHING_MISSING,
    P_NAMES,
    ImputedFactors,
    code_factor,
    describe_imputation,
    impute_factors,
)
from cytopenia.study.missingness import find_missing
from cytopenia.study.models import judge_terms, say_size
from cytopenia.study.pipelines import Pipeline
from cytopenia.study.prediction import PredictionInput, read_pipeline, summarize_indices, summarize_models
from cytopenia.study.prediction_forms import Prediction

__all__ = ["summarize_imputed_prediction"]

Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]

RESAMPLING = "resampling the model, imputing in each resample"
NO_CURVES = "curves, nomogram and points are those of the complete cases"
NO_PAIRS = (
    "not offered with imputed values: what a left-out patient lacks could be imputed only with the outcome"
    " that the pair is asked about"
)
NO_SLOPE = "the corrected slope is not above 0: the model predicts nothing"


@dataclass(frozen=True, eq=False)
class _Design:
    """Candidates with gaps, the columns that they become, and why some have none."""

    table: IncompleteTable
    terms: tuple[Term, ...]
    recipe: ModelRecipe
    members: Mask
    refused: Mapping[tuple[str, str], str]

    @property
    def smaller(self) -> int:
        """Members of the smaller side of the outcome."""
        events = int(self.table.event.sum())
        return min(events, self.table.event.size - events)


def summarize_imputed_prediction(analysis: Prediction, given: PredictionInput) -> Iterator[ResultRow]:
    """Size, gate, performance, selection and coefficients of the model that is made from imputed values.

    Groups of rows: `imputation`, and `size`, `gate`, `performance`, `selection`, `models`, `coefficients`,
    `inputs` and `curves` with `_imputed` behind their name.
    """
    key = ResultRow(analysis_id=analysis.id, variable="model", estimate="model")
    members = ~np.isnan(given.sides.policy)
    gaps = [find_missing(factor) & members for factor in given.factors]
    if not members.any() or not np.any(gaps):
        why = NOTHING_MISSING if members.any() else "nobody has an outcome"
        yield replace(key, group="performance_imputed", status="not_done", note=why)
        return
    found = impute_factors(given.factors, given.sides, rule=analysis.missing, seed=given.seed)
    yield from describe_imputation(analysis.id, given.factors, found, rule=analysis.missing)
    design = _lay_out(given.factors, found, given.sides.policy[members], read_pipeline(analysis))
    yield from _summarize_size(replace(key, group="size_imputed"), design, np.any(gaps, axis=0)[members])
    for (name, level), why in design.refused.items():
        refused = replace(key, group="selection_imputed", variable=name, variable_level=level)
        yield replace(refused, estimate="frequency", status="not_estimable", note=why)
    said, is_requested = say_size(design.smaller), analysis.parity != "default"
    count = len(design.terms)
    refusal, note = judge_terms(design.smaller, count, given.gates, said=said, is_requested=is_requested)
    gate = replace(key, group="gate_imputed", level="prediction", estimate="smaller_group")
    yield replace(gate, value=design.smaller, note=note)
    if refusal or not count:
        for group in ("performance_imputed", "coefficients_imputed"):
            status = "not_done" if refusal else "not_estimable"
            yield replace(key, group=group, status=status, note=refusal or "no factor varies")
        return
    drawn = draw_resamples(design.table.event.size, count=analysis.resamples, seed=given.seed)
    judged = validate_imputed(
        design.table,
        drawn,
        recipe=design.recipe,
        iterations=analysis.missing.iterations,
        seed=given.seed,
        progress=_label(given),
    )
    yield from _summarize_judged(key, analysis, design, judged)
    if judged.status == "ok":
        yield from _summarize_coefficients(replace(key, group="coefficients_imputed"), design, judged)
        yield from _summarize_inputs(replace(key, group="inputs_imputed"), design, judged)
    yield replace(key, group="curves_imputed", status="not_done", note=NO_CURVES)


def _label(given: PredictionInput) -> Callable[[int, int], None] | None:
    progress = given.progress
    return None if progress is None else lambda done, of: progress(RESAMPLING, done, of)


def _lay_out(
    factors: Sequence[FactorColumn], found: ImputedFactors, event: Numbers, pipeline: Pipeline
) -> _Design:
    """Columns whose steps, knots and levels are those of the known values."""
    used = [factor for factor in factors if factor.name in found.columns]
    refused = {
        (factor.name, ""): "no value is known" for factor in factors if factor.name not in found.columns
    }
    terms: list[Term] = []
    for factor in used:
        known = found.members & ~find_missing(factor)
        if pipeline.find_direction(factor.name):
            numbers = np.array(factor.numbers.fill_null(np.nan).to_numpy(), dtype=np.float64)
            if len(np.unique(numbers[known])) == 1:
                refused[factor.name, ""] = "all patients have the same value"
            else:
                terms.append(Term(factor, "", numbers, "divided at its cut"))
            continue
        own, reasons = make_terms(factor, known, among=found.members)
        terms.extend(own)
        refused.update(reasons)
    places = {name: place for place, name in enumerate(dict.fromkeys(term.factor.name for term in terms))}
    variables = {factor.name: place for place, factor in enumerate(used)}
    sources = tuple(variables[term.factor.name] for term in terms)
    cuts = tuple(pipeline.find_direction(term.factor.name) for term in terms)
    table = IncompleteTable(
        values=np.column_stack([code_factor(factor)[found.members] for factor in used]),
        completed=found.imputed.values[:, :, 1:],
        event=event,
        levels=tuple(0 if factor.is_number else len(factor.list_levels()) for factor in used),
        names=tuple(factor.title for factor in used),
        lay_out=_Layout(tuple(terms), sources, cuts, found.members),
        sources=sources,
    )
    factor_places = tuple(places[term.factor.name] for term in terms)
    recipe = ModelRecipe(pipeline.method, factor_places, pipeline.p_below, cuts)
    return _Design(table, tuple(terms), recipe, found.members, refused)


@dataclass(frozen=True, eq=False)
class _Layout:
    """Completed values to columns, as `make_terms` lays out known ones."""

    terms: tuple[Term, ...]
    sources: tuple[int, ...]
    cuts: tuple[int, ...]
    among: Mask

    def __call__(self, values: Numbers) -> Numbers:
        columns = [self._make_column(values[:, source], place) for place, source in enumerate(self.sources)]
        return np.column_stack(columns) if columns else np.empty((len(values), 0))

    def _make_column(self, values: Numbers, place: int) -> Numbers:
        term = self.terms[place]
        kind, level, at = describe_term(self.terms, place, direction=0, cut=None, among=self.among)
        if self.cuts[place]:
            return values
        match kind:
            case "level":
                return (values == term.factor.list_levels().index(level)).astype(np.float64)
            case "curve":
                assert term.spline is not None  # noqa: S101 - a curve has one
                return term.spline.lay_out(values.tolist())[:, int(at["part"])]
            case "doubling":
                return scale_numbers(values, "doubling").numbers
            case _:
                return values / at["step"]


def _summarize_size(key: ResultRow, design: _Design, is_incomplete: Mask) -> Iterator[ResultRow]:
    n, events = design.table.event.size, int(design.table.event.sum())
    counts = {
        "n": n,
        "events": events,
        "non_events": n - events,
        "missing": 0,
        "incomplete": int(is_incomplete.sum()),
        "parameters": len(design.terms),
    }
    for name, value in counts.items():
        yield replace(key, estimate=name, value=value, n=n)


def _summarize_judged(
    key: ResultRow, analysis: Prediction, design: _Design, judged: ImputedValidation
) -> Iterator[ResultRow]:
    own = replace(key, group="performance_imputed")
    if judged.status != "ok":
        yield replace(own, status="not_estimable", note=judged.note)
        return
    yield replace(own, estimate="method", text=design.recipe.method, n=design.table.event.size)
    yield replace(own, estimate="resamples", value=judged.resamples)
    yield replace(own, estimate="unfitted", value=judged.unfitted)
    yield replace(own, estimate="imputations", value=judged.imputations)
    yield from summarize_indices(own, judged)
    pairs = replace(own, variable="c_statistic", estimate="pairs_left_out")
    yield replace(pairs, status="not_done", note=NO_PAIRS)
    if analysis.select is None and not analysis.divided:
        return
    titles = {term.factor.name: term.factor.title for term in design.terms}
    fitted = judged.resamples - judged.unfitted
    told: set[str] = set()
    shares = judged.frequencies, judged.chosen, judged.unscreened
    for term, share, is_chosen, without in zip(design.terms, *shares, strict=True):
        if term.factor.name not in told:
            told.add(term.factor.name)
            chosen = replace(key, group="selection_imputed", variable=term.factor.name, n=fitted)
            yield replace(chosen, estimate="frequency", value=100.0 * share, text=term.factor.title)
            yield replace(chosen, estimate="is_chosen", value=float(is_chosen))
            yield replace(chosen, estimate="unscreened", value=100.0 * float(without), n=judged.resamples)
    models = [
        (tuple(dict.fromkeys(design.terms[place].factor.name for place in places)), count)
        for places, count in judged.models
    ]
    yield from summarize_models(replace(key, group="models_imputed", n=fitted), models, titles)


def _summarize_coefficients(
    key: ResultRow, design: _Design, judged: ImputedValidation
) -> Iterator[ResultRow]:
    """Odds ratios pooled over the completed tables; coefficients as they are and shrunken."""
    places = np.flatnonzero(judged.chosen).tolist()
    if not places:
        yield replace(key, status="not_estimable", note="no factor was chosen")
        return
    tables = np.stack([_finish(design, judged, table)[:, places] for table in design.table.completed])
    names = [design.terms[place].name for place in places]
    event, method = design.table.event, design.recipe.method
    pooled = fit_imputed_logistic(tables, event, names=names, method=method)
    if pooled.status != "ok":
        yield replace(key, status="not_estimable", note=pooled.note)
        return
    slope = judged.slope.corrected
    shrinkage = min(slope, 1.0) if slope is not None and slope > 0 else None
    why = "" if shrinkage is not None else NO_SLOPE
    status = "ok" if shrinkage is not None else "not_estimable"
    weights = np.array([term.estimate for term in pooled.terms], dtype=np.float64)
    scores, marks = (tables @ weights).ravel(), np.tile(event, len(tables))
    yield replace(key, estimate="shrinkage", value=shrinkage, status=status, note=why)
    own = replace(key, variable="intercept")
    yield replace(own, estimate="coefficient", value=recalibrate_intercept(scores, marks))
    begin = None if shrinkage is None else recalibrate_intercept(shrinkage * scores, marks)
    yield replace(own, estimate="shrunken_coefficient", value=begin, status=status, note=why)
    for place, term in zip(places, pooled.terms, strict=True):
        yield from _report_term(key, (design, judged, place), term, pooled)
        row = replace(key, variable=design.terms[place].factor.name, n=pooled.n)
        row = replace(row, variable_level=_describe(design, judged, place)[1])
        value = None if shrinkage is None else shrinkage * float(term.estimate or 0.0)
        yield replace(row, estimate="shrunken_coefficient", value=value, status=status, note=why)


def _describe(design: _Design, judged: ImputedValidation, place: int) -> tuple[str, str, dict[str, float]]:
    cut = float(judged.cuts[place])
    return describe_term(
        design.terms,
        place,
        direction=design.recipe.cuts[place],
        cut=None if np.isnan(cut) else cut,
        among=design.members,
    )


def _finish(design: _Design, judged: ImputedValidation, values: Numbers) -> Numbers:
    """The columns of one completed table, those with a cut divided: 1 on the side that means the event."""
    columns = design.table.lay_out(values)
    for place, direction in enumerate(design.recipe.cuts):
        if direction and not np.isnan(judged.cuts[place]):
            is_above = divide_rows(columns[:, place], judged.cuts[place : place + 1])[0]
            columns[:, place] = is_above if direction > 0 else ~is_above
    return columns


def _report_term(
    key: ResultRow,
    which: tuple[_Design, ImputedValidation, int],
    term: PooledEstimate,
    pooled: PooledLogistic,
) -> Iterator[ResultRow]:
    design, judged, place = which
    kind, level, at = _describe(design, judged, place)
    factor, step = design.terms[place].factor, design.terms[place].step
    title = f"{factor.title} ({step})" if kind in ("number", "doubling") else factor.title
    own = replace(key, variable=factor.name, variable_level=level, n=pooled.n)
    ratio, low, high = (exponentiate(one) for one in (term.estimate, term.low, term.high))
    status = "ok" if ratio is not None else "not_estimable"
    note = "; ".join(filter(None, (term.note, say_open_ends(term.low, term.high))))
    if ratio is None and term.status == "ok":
        note = "too large or too small to print; use another unit"
    odds = replace(own, estimate="odds_ratio", value=ratio, low=low, high=high, text=title)
    yield replace(odds, status=status, note=note)
    yield replace(own, estimate="p_value", value=term.p_value, text=P_NAMES[pooled.method], note=term.note)
    numbers = {
        "standard_error": term.standard_error,
        "degrees_of_freedom": term.degrees_of_freedom,
        "fraction_missing_information": term.fraction_missing,
        **at,
    }
    yield replace(own, estimate="coefficient", value=term.estimate, text=kind)
    for name, value in numbers.items():
        yield replace(own, estimate=name, value=value)


def _summarize_inputs(key: ResultRow, design: _Design, judged: ImputedValidation) -> Iterator[ResultRow]:
    """What is known of each factor of the model: the range of a number, the count of a level."""
    chosen = [design.terms[place].factor for place in np.flatnonzero(judged.chosen).tolist()]
    for factor in {one.name: one for one in chosen}.values():
        known = design.members & ~find_missing(factor)
        own = replace(key, variable=factor.name, text=factor.title, n=int(known.sum()))
        if factor.is_number:
            numbers = np.array(factor.numbers.fill_null(np.nan).to_numpy(), dtype=np.float64)[known]
            yield replace(own, estimate="minimum", value=float(numbers.min()))
            yield replace(own, estimate="maximum", value=float(numbers.max()))
            continue
        values = factor.values.cast(pl.String).to_numpy()[known]
        for level in factor.list_levels():
            yield replace(own, variable_level=level, estimate="count", value=int((values == level).sum()))
