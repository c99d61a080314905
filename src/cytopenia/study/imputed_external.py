"""A score or a model asked about other patients whose missing items are imputed, as result rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import GatesDefinition, ModelDefinition, PointsDefinition, ScoreDefinition
from cytopenia.grading.cuts import is_met
from cytopenia.grading.score_tables import score_values
from cytopenia.results import ResultRow
from cytopenia.stats.imputed_models import fit_imputed_logistic
from cytopenia.stats.imputed_performance import pool_discrimination, pool_performance
from cytopenia.stats.pooling import PooledEstimate, PooledShare, pool_proportions
from cytopenia.stats.printable_odds import exponentiate, say_open_ends
from cytopenia.study.external_validation import NEAREST, CardInput, find_unusable, predict_all
from cytopenia.study.factor_terms import Method
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.imputed_factors import (
    NOTHING_MISSING,
    ImputedFactors,
    describe_imputation,
    impute_factors,
)
from cytopenia.study.missingness import find_missing
from cytopenia.study.models import judge_univariable_size, say_size
from cytopenia.study.prediction_forms import ExternalValidation
from cytopenia.units import load_analytes, show_unit

__all__ = ["ScoredItems", "summarize_imputed_card", "summarize_imputed_score"]

Numbers = NDArray[np.float64]

MEASURES = ("c_statistic", "in_the_large", "intercept", "slope", "observed_by_expected", "brier")
NO_MODELS = "items of a model are not imputed here: name a card, or a score of points or a ratio"
NO_PROBABILITY = "a score without probabilities has no calibration of its own; see the recalibration"
BELOW = ("<", "<=")


@dataclass(frozen=True)
class ScoredItems:
    """A score with the value of each of its items.

    Attributes
    ----------
    definition : ScoreDefinition
    values : DataFrame
        Columns of `SCORE_VALUE_SCHEMA`; see `collect_values`.
    patients : Series of str
    sides : Sides
    gates : GatesDefinition
    """

    definition: ScoreDefinition
    values: pl.DataFrame
    patients: pl.Series
    sides: Sides
    gates: GatesDefinition


def summarize_imputed_card(
    analysis: ExternalValidation, given: CardInput, *, seed: int
) -> Iterator[ResultRow]:
    """What a card is worth with its missing inputs imputed; the outcome takes part and is not imputed.

    Groups of rows: `imputation`, `size_imputed`, `performance_imputed`. A patient whose level no patient of
    the model had, or who has a number without a logarithm, is left out: nothing is missing there.
    """
    key = ResultRow(analysis_id=analysis.id, variable="model", estimate="model", text=given.card.title)
    factors = [given.factors[item.name] for item in given.card.inputs]
    unusable = find_unusable(given)
    sides = _leave_out(given.sides, unusable)
    found = _impute(analysis, factors, sides, seed=seed)
    if isinstance(found, str):
        yield replace(key, group="performance_imputed", status="not_done", note=found)
        return
    yield from describe_imputation(analysis.id, factors, found, rule=analysis.missing)
    event = sides.policy[found.members]
    left = int((unusable & ~np.isnan(given.sides.policy)).sum())
    yield from _summarize_size(key, event, left)
    own = replace(key, group="performance_imputed", n=event.size)
    smaller = int(min(event.sum(), event.size - event.sum()))
    refusal, note = judge_univariable_size(
        smaller, given.gates, said=say_size(smaller), is_requested=analysis.parity != "default"
    )
    if refusal:
        yield replace(own, estimate="c_statistic", status="not_done", note=refusal)
        return
    chances = np.array([_predict(given, found, place) for place in range(analysis.missing.imputations)])
    pooled = pool_performance(chances, event)
    for name in MEASURES:
        yield from _report(replace(own, note=note), name, getattr(pooled, name))


def _leave_out(sides: Sides, who: NDArray[np.bool_]) -> Sides:
    return replace(sides, event={name: np.where(who, np.nan, event) for name, event in sides.event.items()})


def _impute(
    analysis: ExternalValidation, factors: Sequence[FactorColumn], sides: Sides, *, seed: int
) -> ImputedFactors | str:
    """The inputs of every imputation, or why there are none."""
    members = ~np.isnan(sides.policy)
    if not members.any():
        return "nobody has an outcome"
    unknown = [factor.title for factor in factors if not (members & ~find_missing(factor)).any()]
    if unknown:
        return f"no value is known of {', '.join(unknown)}"
    if not any((members & find_missing(factor)).any() for factor in factors):
        return NOTHING_MISSING
    return impute_factors(factors, sides, rule=analysis.missing, seed=seed)


def _predict(given: CardInput, found: ImputedFactors, place: int) -> Numbers:
    """What the card says of one completed table."""
    factors = {item.name: found.columns[item.name][place] for item in given.card.inputs}
    log_odds, _ = predict_all(replace(given, factors=factors))
    chance = 1.0 / (1.0 + np.exp(-log_odds[found.members]))
    return np.clip(chance, NEAREST, 1.0 - NEAREST)


def _summarize_size(key: ResultRow, event: Numbers, left: int) -> Iterator[ResultRow]:
    own = replace(key, group="size_imputed")
    for name, value in {"n": event.size, "events": int(event.sum()), "missing": left}.items():
        yield replace(own, estimate=name, value=value)


def _report(key: ResultRow, name: str, found: PooledEstimate | PooledShare) -> Iterator[ResultRow]:
    note = "; ".join(filter(None, [found.note, key.note]))
    row = replace(key, estimate=name, status=found.status, note=note)
    yield replace(row, value=found.estimate, low=found.low, high=found.high)
    if found.fraction_missing is not None:
        yield replace(key, estimate=f"{name}_missing_information", value=found.fraction_missing, note="")
        yield replace(key, estimate=f"{name}_degrees_of_freedom", value=found.degrees_of_freedom, note="")


def summarize_imputed_score(
    analysis: ExternalValidation, given: ScoredItems, *, seed: int
) -> Iterator[ResultRow]:
    """What a score is worth with its missing items imputed and its points counted afterwards.

    Groups of rows: `imputation`, `size_imputed`, `performance_imputed` (C, and the highest risk group as a
    test), `recalibration_imputed`.
    """
    definition, sides = given.definition, given.sides
    key = ResultRow(analysis_id=analysis.id, variable="model", estimate="model", text=definition.title)
    refused = replace(key, group="performance_imputed", status="not_done")
    if isinstance(definition, ModelDefinition):
        yield replace(refused, note=NO_MODELS)
        return
    items = _list_items(given)
    found = _impute(analysis, items, sides, seed=seed)
    if isinstance(found, str):
        yield replace(refused, note=found)
        return
    yield from describe_imputation(analysis.id, items, found, rule=analysis.missing)
    points = np.array([_count(given, found, place) for place in range(analysis.missing.imputations)])
    is_known = found.members & ~np.isnan(points).any(axis=0)
    points, event = points[:, is_known], sides.policy[is_known]
    yield from _summarize_size(key, event, int((found.members & ~is_known).sum()))
    own = replace(key, group="performance_imputed", n=event.size)
    yield from _report(own, "c_statistic", pool_discrimination(points, event))
    if isinstance(definition, PointsDefinition):
        yield from _report_group(own, definition, points, event)
    yield replace(own, estimate="brier", status="not_done", note=NO_PROBABILITY)
    yield from _recalibrate(
        analysis, replace(own, group="recalibration_imputed"), (points, event), given.gates
    )


def _list_items(given: ScoredItems) -> list[FactorColumn]:
    """Each item as a factor, in the order of the patients."""
    items: list[FactorColumn] = []
    everybody = pl.DataFrame({"patient_id": given.patients})
    for name in dict.fromkeys(item.analyte for item in given.definition.inputs_needed):
        own = given.values.filter(pl.col("analyte") == name)
        rows = everybody.join(own, on="patient_id", how="left", maintain_order="left")
        analyte = load_analytes()[name]
        title = f"{analyte.title}, {show_unit(analyte.unit)}"
        is_below = rows["comparator"].is_in(BELOW).fill_null(value=False)
        items.append(FactorColumn(name, title, rows["value"].alias(name), censored_below=is_below))
    return items


def _count(given: ScoredItems, found: ImputedFactors, place: int) -> Numbers:
    """The points of every patient in one completed table; what was measured keeps its sign."""
    known = given.values.filter(pl.col("value").is_not_null())
    frames = [known]
    for name, columns in found.columns.items():
        have = known.filter(pl.col("analyte") == name).select("patient_id")
        drawn = pl.DataFrame({"patient_id": given.patients, "value": columns[place].values})
        drawn = drawn.filter(pl.col("value").is_not_null()).join(have, on="patient_id", how="anti")
        frames.append(drawn.with_columns(analyte=pl.lit(name), comparator=pl.lit("=")))
    values = pl.concat(frames, how="diagonal_relaxed").select(given.values.columns)
    scores, _ = score_values(given.definition, values, given.patients)
    return np.array(scores["policy"].fill_null(np.nan).to_numpy(), dtype=np.float64)


def _report_group(
    key: ResultRow, definition: PointsDefinition, points: Numbers, event: Numbers
) -> Iterator[ResultRow]:
    """The highest risk group as a test, each measure pooled on the logit scale."""
    if not definition.groups:
        return
    highest = definition.groups[-1]
    is_high, has_event = is_met(points, "at_least", highest.at_least), event == 1
    counts: Mapping[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {
        "sensitivity": (is_high & has_event, np.broadcast_to(has_event, points.shape)),
        "specificity": (~is_high & ~has_event, np.broadcast_to(~has_event, points.shape)),
        "ppv": (is_high & has_event, is_high),
        "npv": (~is_high & ~has_event, ~is_high),
    }
    for name, (right, among) in counts.items():
        found = pool_proportions(right.sum(axis=1), among.sum(axis=1))
        yield from _report(replace(key, variable_level=highest.name), name, found)


def _recalibrate(
    analysis: ExternalValidation, key: ResultRow, data: tuple[Numbers, Numbers], gates: GatesDefinition
) -> Iterator[ResultRow]:
    points, event = data
    smaller = int(min(event.sum(), event.size - event.sum()))
    is_published = analysis.parity != "default"
    refusal, note = judge_univariable_size(smaller, gates, said=say_size(smaller), is_requested=is_published)
    if refusal:
        yield replace(key, estimate="slope", status="not_done", note=refusal)
        return
    method: Method = "maximum_likelihood" if is_published else "firth"
    pooled = fit_imputed_logistic(points[:, :, np.newaxis], event, names=["points"], method=method)
    if pooled.status != "ok":
        yield replace(key, estimate="slope", status="not_estimable", note=pooled.note)
        return
    (term,) = pooled.terms
    yield from _report(replace(key, note=note, text=method), "slope", term)
    ratio, low, high = (exponentiate(one) for one in (term.estimate, term.low, term.high))
    status = "ok" if ratio is not None else "not_estimable"
    note = "; ".join(filter(None, (note, say_open_ends(term.low, term.high))))
    yield replace(key, estimate="odds_ratio", value=ratio, low=low, high=high, status=status, note=note)
