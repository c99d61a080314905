"""The tables of scores: values in, one row per patient and one per patient and item out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import ScoreDefinition
from cytopenia.grading.cuts import encode_ends
from cytopenia.grading.scores import express_in_unit

__all__ = [
    "SCORE_ITEM_SCHEMA",
    "SCORE_SCHEMA",
    "SCORE_VALUE_SCHEMA",
    "Inputs",
    "Scores",
    "align_values",
    "frame_items",
    "frame_scores",
]

Numbers = NDArray[np.float64]

SCORE_VALUE_SCHEMA: dict[str, type[pl.DataType]] = {
    "patient_id": pl.String,
    "analyte": pl.String,
    "day": pl.Int32,
    "value": pl.Float64,
    "comparator": pl.String,
    "source_row": pl.UInt32,
    "problem": pl.String,
}
SCORE_SCHEMA: dict[str, type[pl.DataType]] = {
    "patient_id": pl.String,
    "score": pl.String,
    "policy": pl.Float64,
    "best": pl.Float64,
    "worst": pl.Float64,
    "decided": pl.Boolean,
    "group": pl.String,
    "group_best": pl.String,
    "group_worst": pl.String,
    "status": pl.String,
    "reason": pl.String,
}
SCORE_ITEM_SCHEMA: dict[str, type[pl.DataType]] = {
    "patient_id": pl.String,
    "score": pl.String,
    "item": pl.String,
    "day": pl.Int32,
    "comparator": pl.String,
    "value": pl.Float64,
    "unit": pl.String,
    "points": pl.Float64,
    "points_best": pl.Float64,
    "points_worst": pl.Float64,
    "rule": pl.String,
    "problem": pl.String,
    "source_row": pl.UInt32,
}


_SCORED = "scored"
_MISSING = "missing"


@dataclass(frozen=True)
class Scores:
    """One score of every patient.

    Attributes
    ----------
    definition : ScoreDefinition
    scores : DataFrame
        Columns of `SCORE_SCHEMA`, one row per patient. `policy` is null where an item is missing or leaves
        the score open; every completion lies between `best` and `worst`, null where nothing limits it.
        `group` is given only if all completions are in it. `status`: ok | not_estimable | not_done.
    items : DataFrame
        Columns of `SCORE_ITEM_SCHEMA`, one row per patient and item; values in the unit of the score.
    findings : DataFrame
        What was doubtful in the values.
    """

    definition: ScoreDefinition
    scores: pl.DataFrame
    items: pl.DataFrame
    findings: pl.DataFrame


@dataclass(frozen=True)
class Inputs:
    """The values of all patients, in the order of patients and of the inputs of the score."""

    patient_id: pl.Series
    rows: tuple[pl.DataFrame, ...]
    low: Numbers
    high: Numbers

    def in_units(self, definition: ScoreDefinition) -> tuple[Numbers, Numbers]:
        """Both ends in the units of the definition."""
        low, high = (
            np.column_stack(
                [
                    express_in_unit(end[:, place], item.unit, analyte=item.analyte)
                    for place, item in enumerate(definition.inputs_needed)
                ]
            )
            for end in (self.low, self.high)
        )
        return low, high


def align_values(definition: ScoreDefinition, values: pl.DataFrame, patients: pl.Series) -> Inputs:
    """Return the values of the patients in their order; a missing one is NaN.

    Parameters are those of `score_values`.
    """
    place = pl.DataFrame({"patient_id": patients}, schema={"patient_id": pl.String})
    rows: list[pl.DataFrame] = []
    lows: list[Numbers] = []
    highs: list[Numbers] = []
    for item in definition.inputs_needed:
        own = values.filter(pl.col("analyte") == item.analyte).drop("analyte")
        aligned = place.join(own, on="patient_id", how="left", maintain_order="left")
        number = _numbers(aligned["value"])
        low, high = encode_ends(number, aligned["comparator"].fill_null("=").to_numpy().astype(np.str_))
        rows.append(aligned)
        lows.append(np.where(np.isnan(number), np.nan, low))
        highs.append(np.where(np.isnan(number), np.nan, high))
    return Inputs(patients, tuple(rows), np.column_stack(lows), np.column_stack(highs))


def _numbers(column: pl.Series) -> Numbers:
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def frame_items(definition: ScoreDefinition, inputs: Inputs, judged: list[pl.DataFrame]) -> pl.DataFrame:
    """One row per patient and item, from what was judged of each item."""
    frames: list[pl.DataFrame] = []
    for place, item in enumerate(definition.inputs_needed):
        rows = inputs.rows[place].rename({"problem": "cause"}).hstack(judged[place])
        value = express_in_unit(_numbers(rows["value"]), item.unit, analyte=item.analyte)
        why = pl.when(pl.col("value").is_null()).then(pl.coalesce("cause", pl.lit(_MISSING)))
        frame = rows.with_columns(
            item=pl.lit(item.analyte),
            score=pl.lit(definition.id),
            unit=pl.lit(item.unit),
            problem=why.otherwise("problem"),
            value=pl.Series(value).fill_nan(None),
            points=pl.when(pl.col("points_best") == pl.col("points_worst")).then("points_best"),
            place=pl.lit(place),
        ).with_row_index("patient")
        frames.append(
            frame.select(
                "patient",
                "place",
                *(pl.col(name).cast(dtype) for name, dtype in SCORE_ITEM_SCHEMA.items()),
            )
        )
    return pl.concat(frames).sort("patient", "place").select(list(SCORE_ITEM_SCHEMA))


def frame_scores(
    definition: ScoreDefinition,
    found: pl.DataFrame,
    items: pl.DataFrame,
    *,
    extra: list[tuple[str, NDArray[np.bool_]]] | None = None,
) -> pl.DataFrame:
    """One row per patient; the reason names every item with a problem, and every `extra` that holds."""
    width = len(definition.inputs_needed)
    named = items.select(pl.concat_str("item", "problem", separator=" ").alias("text"))
    texts = named["text"].reshape((found.height, width)).arr.to_list()
    told = pl.DataFrame({"texts": texts}).with_columns(
        pl.when(pl.Series(holds)).then(pl.lit(text)).alias(f"extra {place}")
        for place, (text, holds) in enumerate(extra or [])
    )
    listed = pl.concat_list(pl.all()).list.drop_nulls().list.join("; ")
    reason = told.select(pl.when(listed == "").then(pl.lit(_SCORED)).otherwise(listed)).to_series()
    groups = [name for name in ("group_best", "group_worst") if name not in found.columns]
    rows = found.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in groups)
    framed = rows.with_columns(
        items["patient_id"].gather_every(width).alias("patient_id"),
        score=pl.lit(definition.id),
        decided=pl.col("policy").is_not_null(),
        group=pl.when(pl.col("group_best") == pl.col("group_worst")).then("group_best"),
        status=pl.when(pl.col("policy").is_null()).then(pl.lit("not_estimable")).otherwise(pl.lit("ok")),
        reason=reason,
    )
    return framed.select(pl.col(name).cast(dtype) for name, dtype in SCORE_SCHEMA.items())
