"""Values to scores, one row per patient, with every item beside: its value, its day, its points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import (
    Coefficients,
    ModelDefinition,
    ModelInput,
    PointsDefinition,
    PointsItem,
    RatioDefinition,
    ScoreDefinition,
)
from cytopenia.grading.risk_models import is_in_range, predict_risk
from cytopenia.grading.score_frames import Inputs, align_values, frame_items, frame_scores
from cytopenia.grading.scores import (
    award_points,
    divide_values,
    is_at_cut,
    place_in_groups,
)

__all__ = ["RiskOptions", "score_values"]

Numbers = NDArray[np.float64]

CENSORED = "known only as a range"
NO_COEFFICIENTS = (
    "no coefficients: they are not published as text and not part of this package; give a coefficient file"
)


@dataclass(frozen=True, kw_only=True)
class RiskOptions:
    """What a model needs beside laboratory values.

    Attributes
    ----------
    coefficients : Coefficients, optional
        From `load_coefficients`; without them a model is not scored.
    allow_outside : bool
        Score values outside the range the model was made for, and say so, instead of refusing them.
    categories : mapping of category to text
        The level of all patients, such as {"disease": "ALL"}; beside it the columns of the patients table.
    """

    coefficients: Coefficients | None = None
    allow_outside: bool = False
    categories: Mapping[str, str] | None = None


def score_values(
    definition: ScoreDefinition,
    values: pl.DataFrame,
    patients: pl.Series,
    *,
    risk: RiskOptions | None = None,
    categories: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return one row per patient with the score, and one per patient and item.

    Parameters
    ----------
    definition : ScoreDefinition
        Of kind points, ratio or model.
    values : DataFrame
        Columns of `SCORE_VALUE_SCHEMA`: at most one row per patient and analyte, in canonical units. A row
        without a value may say in `problem` why there is none.
    patients : Series of str
        Everyone who gets a row, in this order.
    risk : RiskOptions, optional
    categories : DataFrame, optional
        `patient_id` and a column of text per category of a model.

    Returns
    -------
    scores, items : DataFrame
        See `Scores`.
    """
    inputs = align_values(definition, values, patients)
    match definition:
        case PointsDefinition():
            return _score_points(definition, inputs)
        case RatioDefinition():
            return _score_ratio(definition, inputs)
        case _:
            texts = _read_categories(definition, patients, categories)
            return _score_model(definition, inputs, risk or RiskOptions(), texts)


def _score_points(definition: PointsDefinition, inputs: Inputs) -> tuple[pl.DataFrame, pl.DataFrame]:
    judged: list[pl.DataFrame] = []
    for place, (analyte, item) in enumerate(definition.items.items()):
        low, high = inputs.low[:, place], inputs.high[:, place]
        best, worst = award_points(item, low, high, analyte=analyte)
        at_cut = is_at_cut(item, low, high, analyte=analyte)
        tie = "" if definition.ties is None else definition.ties.choices.get(analyte, "")
        judged.append(_word_points(item, best, worst, tie=tie, at_cut=at_cut))
    best, worst = (
        np.stack([frame[name].to_numpy() for frame in judged]).astype(np.int64).sum(axis=0)
        for name in ("points_best", "points_worst")
    )
    items = frame_items(definition, inputs, judged)
    names = pl.Series([group.name for group in definition.groups], dtype=pl.String)
    found = pl.DataFrame({"best": best, "worst": worst}).with_columns(
        policy=pl.when(pl.col("best") == pl.col("worst")).then("best"),
        group_best=_pick(names, place_in_groups(definition, best)),
        group_worst=_pick(names, place_in_groups(definition, worst)),
    )
    return frame_scores(definition, found, items), items


def _word_points(
    item: PointsItem,
    best: NDArray[np.int64],
    worst: NDArray[np.int64],
    *,
    tie: str,
    at_cut: NDArray[np.bool_],
) -> pl.DataFrame:
    """Points with the sentence that gave them; a tie that print leaves open is told in the sentence."""
    sentences = {0: item.otherwise, **{rule.points: rule.text for rule in item.rules}}
    sentence = pl.col("points_best").replace_strict(sentences, return_dtype=pl.String)
    told = pl.when(pl.Series(at_cut)).then(pl.lit(tie)).otherwise(sentence) if tie else sentence
    is_open = pl.col("points_best") < pl.col("points_worst")
    return pl.DataFrame({"points_best": best, "points_worst": worst}).with_columns(
        rule=pl.when(~is_open).then(told),
        problem=pl.when(is_open).then(pl.lit(CENSORED)),
    )


def _pick(names: pl.Series, places: NDArray[np.int64]) -> pl.Series:
    """The name at each place, null where there is no group."""
    return names.gather(pl.Series(places)) if names.len() else names.extend_constant(None, len(places))


def _score_ratio(definition: RatioDefinition, inputs: Inputs) -> tuple[pl.DataFrame, pl.DataFrame]:
    low, high = inputs.in_units(definition)
    quotient = divide_values(definition, low, high)
    judged = [
        _word_factor(low[:, place], high[:, place], may_be_zero=is_over and definition.transform == "none")
        for place, is_over in enumerate(
            [*(True for _ in definition.numerator), *(False for _ in definition.denominator)]
        )
    ]
    items = frame_items(definition, inputs, judged)
    columns = {"policy": quotient.value, "best": quotient.low, "worst": quotient.high}
    found = pl.DataFrame(columns).with_columns(pl.all().replace([np.inf, -np.inf], None).fill_nan(None))
    return frame_scores(definition, found, items), items


def _word_factor(low: Numbers, high: Numbers, *, may_be_zero: bool) -> pl.DataFrame:
    """Why a value gives no ratio; nothing where it does."""
    is_range = pl.Series((low != high) & ~np.isnan(low))
    is_zero = pl.Series((high == 0) & (not may_be_zero))
    problem = (
        pl.when(is_range).then(pl.lit(CENSORED)).when(is_zero).then(pl.lit("is 0, which gives no value"))
    )
    return _without_points(len(low)).with_columns(problem=problem)


def _without_points(rows: int) -> pl.DataFrame:
    empty: dict[str, type[pl.DataType]] = {
        "points_best": pl.Float64,
        "points_worst": pl.Float64,
        "rule": pl.String,
    }
    return pl.select(pl.repeat(None, rows, dtype=dtype).alias(name) for name, dtype in empty.items())


def _read_categories(
    definition: ModelDefinition, patients: pl.Series, categories: pl.DataFrame | None
) -> dict[str, NDArray[np.str_]]:
    """The level of each patient, "" where unknown."""
    place = pl.DataFrame({"patient_id": patients}, schema={"patient_id": pl.String})
    known = place if categories is None else categories
    joined = place.join(known, on="patient_id", how="left", maintain_order="left")
    return {
        name: (
            joined[name].cast(pl.String).fill_null("").to_numpy().astype(np.str_)
            if name in joined.columns
            else np.full(len(patients), "")
        )
        for name in definition.categories
    }


def _score_model(
    definition: ModelDefinition,
    inputs: Inputs,
    risk: RiskOptions,
    categories: Mapping[str, NDArray[np.str_]],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    low, high = inputs.in_units(definition)
    inside = [
        is_in_range(item, inputs.low[:, place], inputs.high[:, place], analyte=name)
        for place, (name, item) in enumerate(definition.inputs.items())
    ]
    judged = [
        _word_input(definition.inputs[name], low[:, place] != high[:, place], inside[place])
        for place, name in enumerate(definition.inputs)
    ]
    items = frame_items(definition, inputs, judged)
    probability = np.full(len(inputs.patient_id), np.nan)
    if risk.coefficients is not None:
        exact = np.where(low == high, low, np.nan)
        found = predict_risk(definition, risk.coefficients, values=exact, categories=categories)
        probability = np.where(np.all(inside, axis=0) | risk.allow_outside, found, np.nan)
    unknown = [
        (f"{name} is not one of {', '.join(levels)}", ~np.isin(categories[name], levels))
        for name, levels in definition.categories.items()
    ]
    policy = pl.Series("policy", probability).fill_nan(None)
    found = pl.DataFrame({"policy": policy, "best": policy, "worst": policy})
    scores = frame_scores(definition, found, items, extra=unknown)
    return (scores if risk.coefficients is not None else _refuse(scores)), items


def _word_input(item: ModelInput, is_range: NDArray[np.bool_], inside: NDArray[np.bool_]) -> pl.DataFrame:
    first, last = item.allowed
    outside = f"outside {first:g} to {last:g} {item.unit}, for which the model was made"
    problem = (
        pl.when(pl.Series(is_range)).then(pl.lit(CENSORED)).when(~pl.Series(inside)).then(pl.lit(outside))
    )
    return _without_points(len(inside)).with_columns(problem=problem)


def _refuse(scores: pl.DataFrame) -> pl.DataFrame:
    return scores.with_columns(status=pl.lit("not_done"), reason=pl.lit(NO_COEFFICIENTS))
