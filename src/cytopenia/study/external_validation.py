"""A score or a model asked about patients that it was not made from, as result rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import GatesDefinition, PointsDefinition, ScoreDefinition
from cytopenia.grading.cuts import is_met
from cytopenia.results import ResultRow
from cytopenia.stats.accuracy import estimate_accuracy
from cytopenia.stats.calibration import Estimate, Performance, assess_predictions, smooth_calibration
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.roc import estimate_roc
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides, summarize_sides
from cytopenia.study.model_cards import ModelCard, predict_card
from cytopenia.study.models import judge_univariable_size, say_size
from cytopenia.study.prediction_forms import ExternalValidation

__all__ = [
    "NEAREST",
    "CardInput",
    "ScoreInput",
    "find_unusable",
    "predict_all",
    "summarize_card_validation",
    "summarize_score_validation",
]

Numbers = NDArray[np.float64]
# A probability that the computer prints as 0 or 1 is neither.
NEAREST = 1e-12
ESTIMATES = ("c_statistic", "in_the_large", "intercept", "slope", "observed_by_expected")


@dataclass(frozen=True)
class ScoreInput:
    """A score of every patient, and its definition.

    Attributes
    ----------
    points : FactorColumn
        Null where the score is open.
    definition : ScoreDefinition
    sides : Sides
    gates : GatesDefinition
    """

    points: FactorColumn
    definition: ScoreDefinition
    sides: Sides
    gates: GatesDefinition


@dataclass(frozen=True)
class CardInput:
    """A card and its inputs of every patient, in the order of the card."""

    card: ModelCard
    factors: Mapping[str, FactorColumn]
    sides: Sides
    gates: GatesDefinition


def summarize_score_validation(analysis: ExternalValidation, given: ScoreInput) -> Iterator[ResultRow]:
    """C, the risk groups as a test, the observed risk of each sum of points, and a recalibration.

    Groups of rows: `size`, `performance`, `observed` (of each sum of points), `recalibration` (logistic
    regression of the event on the points: a score without probabilities has no other calibration).
    """
    yield from summarize_sides(analysis.id, given.sides)
    points = np.array(given.points.numbers.fill_null(np.nan).to_numpy(), dtype=np.float64)
    is_known = ~np.isnan(points) & ~np.isnan(given.sides.policy)
    points, event = points[is_known], given.sides.policy[is_known]
    key = ResultRow(analysis_id=analysis.id, variable="model", estimate="", text=given.points.title)
    yield from _summarize_size(key, event, int((~np.isnan(given.sides.policy)).sum()) - event.size)
    curve = estimate_roc(points, event, high_means_event=True)
    own = replace(key, group="performance", n=curve.n, status=curve.status, note=curve.note)
    yield replace(own, estimate="c_statistic", value=curve.auc, low=curve.low, high=curve.high)
    if isinstance(given.definition, PointsDefinition):
        yield from _summarize_groups(replace(key, group="performance"), given.definition, points, event)
        yield from _count_totals(replace(key, group="observed"), points, event)
    yield from _recalibrate(analysis, replace(key, group="recalibration"), given, (points, event))


def _summarize_size(key: ResultRow, event: Numbers, missing: int) -> Iterator[ResultRow]:
    own = replace(key, group="size")
    for name, value in {"n": event.size, "events": int(event.sum()), "missing": missing}.items():
        yield replace(own, estimate=name, value=value)


def _count_totals(key: ResultRow, points: Numbers, event: Numbers) -> Iterator[ResultRow]:
    """Patients with the event at each sum of points, as a share with Wilson's interval."""
    for total in np.unique(points).tolist():
        events, patients = int(event[points == total].sum()), int((points == total).sum())
        # Of a table whose patients all had the event, sensitivity is a plain share.
        share = estimate_accuracy([events, patients - events, 0, 0])["sensitivity"]
        found = replace(key, variable_level=f"{total:g}", n=patients)
        yield replace(found, estimate="events", value=events)
        yield replace(found, estimate="risk", value=share.value, low=share.low, high=share.high)


def _summarize_groups(
    key: ResultRow, definition: PointsDefinition, points: Numbers, event: Numbers
) -> Iterator[ResultRow]:
    """The highest risk group as a test that is positive."""
    if not definition.groups:
        return
    highest = definition.groups[-1]
    is_high, has_event = is_met(points, "at_least", highest.at_least), event == 1
    counts = [
        int((is_high & has_event).sum()),
        int((~is_high & has_event).sum()),
        int((~is_high & ~has_event).sum()),
        int((is_high & ~has_event).sum()),
    ]
    for name, one in estimate_accuracy(counts).items():
        found = replace(key, estimate=name, variable_level=highest.name, value=one.value, n=one.denominator)
        yield replace(found, low=one.low, high=one.high, status=one.status, note=one.note)


def _recalibrate(
    analysis: ExternalValidation, key: ResultRow, given: ScoreInput, data: tuple[Numbers, Numbers]
) -> Iterator[ResultRow]:
    points, event = data
    smaller = int(min(event.sum(), event.size - event.sum()))
    is_published = analysis.parity != "default"
    refusal, note = judge_univariable_size(
        smaller, given.gates, said=say_size(smaller), is_requested=is_published
    )
    if refusal:
        yield replace(key, estimate="slope", status="not_done", note=refusal)
        return
    method = "maximum_likelihood" if is_published else "firth"
    fit = fit_logistic(points[:, np.newaxis], event, names=["points"], method=method)
    if fit.status != "ok" or fit.intercept is None:
        yield replace(key, estimate="slope", n=fit.n, status="not_estimable", note=fit.note)
        return
    (term,) = fit.terms
    own = replace(key, n=fit.n, note=note)
    yield replace(own, estimate="intercept", value=fit.intercept.coefficient, text=method)
    yield replace(own, estimate="slope", value=term.coefficient, text=method)
    yield replace(own, estimate="odds_ratio", value=term.odds_ratio, low=term.low, high=term.high)


def summarize_card_validation(analysis: ExternalValidation, given: CardInput) -> Iterator[ResultRow]:
    """Discrimination and calibration of a card's probabilities, and what would recalibrate them.

    Groups of rows: `size`, `performance` (intercept and slope of the line that recalibrates the log odds),
    `calibration` (the smooth curve, from as many in the smaller group as the gates state).
    """
    yield from summarize_sides(analysis.id, given.sides)
    key = ResultRow(analysis_id=analysis.id, variable="model", estimate="", text=given.card.title)
    log_odds, unseen = predict_all(given)
    is_known = ~np.isnan(log_odds) & ~np.isnan(given.sides.policy)
    event = given.sides.policy[is_known]
    chance = np.clip(1.0 / (1.0 + np.exp(-log_odds[is_known])), NEAREST, 1.0 - NEAREST)
    yield from _summarize_size(key, event, int((~np.isnan(given.sides.policy)).sum()) - event.size)
    yield replace(key, group="size", estimate="extrapolated", value=int((unseen & is_known).sum()))
    smaller = int(min(event.sum(), event.size - event.sum()))
    refusal, note = judge_univariable_size(
        smaller, given.gates, said=say_size(smaller), is_requested=analysis.parity != "default"
    )
    own = replace(key, group="performance", note=note)
    if refusal:
        yield replace(own, estimate="c_statistic", status="not_done", note=refusal)
        return
    yield from _report(own, assess_predictions(chance, event))
    least = given.gates.prediction_from
    curve = replace(key, group="calibration")
    if least is None or smaller < least or np.ptp(chance) == 0:
        why = f"{say_size(smaller)}: a curve needs {least}"
        yield replace(curve, estimate="model", status="not_done", note=why)
        return
    found = smooth_calibration(chance, event)
    for place, (at, seen) in enumerate(zip(found.predicted.tolist(), found.observed.tolist(), strict=True)):
        point = replace(curve, variable_level=str(place))
        yield replace(point, estimate="predicted", value=at)
        yield replace(point, estimate="apparent", value=seen)


def _report(key: ResultRow, found: Performance) -> Iterator[ResultRow]:
    own = replace(key, n=found.n, note=found.note or key.note)
    for name in ESTIMATES:
        one: Estimate = getattr(found, name)
        status = "ok" if one.value is not None else "not_estimable"
        yield replace(own, estimate=name, value=one.value, low=one.low, high=one.high, status=status)
    for name in ("brier", "scaled_brier"):
        value: float | None = getattr(found, name)
        yield replace(own, estimate=name, value=value, status="ok" if value is not None else "not_estimable")


def find_unusable(given: CardInput) -> NDArray[np.bool_]:
    """Return who has a value that the card cannot use: a level nobody had, a number without a logarithm."""
    found: list[NDArray[np.bool_]] = []
    for item in given.card.inputs:
        factor = given.factors[item.name]
        if item.is_number:
            takes = given.card.takes_logarithm(item.name)
            found.append((factor.numbers <= 0).fill_null(value=False).to_numpy() & takes)
        else:
            known = [level for level, count in item.levels.items() if count]
            found.append((~factor.values.cast(pl.String).is_in(known)).fill_null(value=False).to_numpy())
    return np.any(found, axis=0)


def predict_all(given: CardInput) -> tuple[Numbers, NDArray[np.bool_]]:
    """Return the log odds of every patient, NaN where an input is missing; and who is outside the ranges."""
    columns: dict[str, list[float | str | None]] = {}
    for item in given.card.inputs:
        factor = given.factors[item.name]
        if item.is_number:
            columns[item.name] = factor.numbers.to_list()
        else:
            known = {level for level, count in item.levels.items() if count}
            texts = factor.values.cast(pl.String).to_list()
            columns[item.name] = [text if text in known else None for text in texts]
    log_odds: list[float] = []
    unseen: list[bool] = []
    for row in zip(*columns.values(), strict=True):
        values = {name: value for name, value in zip(columns, row, strict=True) if value is not None}
        is_low = any(
            float(values[item.name]) <= 0
            for item in given.card.inputs
            if item.name in values and given.card.takes_logarithm(item.name)
        )
        is_complete = len(values) == len(columns) and not is_low
        log_odds.append(predict_card(given.card, values) if is_complete else np.nan)
        unseen.append(
            any(
                item.is_number and item.name in values and not item.reaches(float(values[item.name]))
                for item in given.card.inputs
            )
        )
    return np.array(log_odds), np.array(unseen, dtype=bool)
