"""From factors to a judged way of making a model: columns, patients, frequencies by factor."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from cytopenia.stats.resamples import draw_resamples
from cytopenia.stats.validation import leave_pairs_out, validate_model
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.pipelines import JudgedPipeline, Pipeline, judge_pipeline, lay_out_pipeline

SEED = 3


def make_factors(rows: int = 80) -> tuple[list[FactorColumn], Sides]:
    rng = np.random.default_rng(SEED)
    ferritin = np.round(np.exp(rng.normal(6, 1, rows)))
    stage = rng.integers(0, 3, rows)
    lean = 0.9 * (np.log(ferritin) - 6) - 0.5
    event = (rng.random(rows) < 1 / (1 + np.exp(-lean))).astype(float)
    event[0] = np.nan
    age = [
        None if place in (0, 5) else float(value) for place, value in enumerate(rng.integers(30, 80, rows))
    ]
    factors = [
        FactorColumn("ferritin", "Ferritin", pl.Series(ferritin)),
        FactorColumn(
            "stage", "Stage", pl.Series(np.array(["I", "II", "III"])[stage]), levels=("I", "II", "III")
        ),
        FactorColumn("age", "Age", pl.Series(age, dtype=pl.Float64)),
    ]
    return factors, Sides(("Yes", "No"), {"policy": event}, {})


def judge(pipeline: Pipeline) -> JudgedPipeline:
    factors, sides = make_factors()
    return judge_pipeline(lay_out_pipeline(factors, sides, pipeline), resamples=40, seed=SEED)


def test_patients_are_those_in_a_group_with_every_factor() -> None:
    design = lay_out_pipeline(*make_factors(), Pipeline("firth"))
    assert (design.patients, design.missing, design.event.size) == (79, 1, 78)
    assert [term.level for term in design.terms] == ["", "II", "III", ""]
    assert design.recipe.factors == (0, 1, 1, 2)
    assert design.names == ("ferritin", "stage", "age")


def test_a_judged_pipeline_is_what_the_floor_below_finds() -> None:
    factors, sides = make_factors()
    pipeline = Pipeline("maximum_likelihood", 0.1, frozenset({"ferritin"}), frozenset({"age"}))
    design = lay_out_pipeline(factors, sides, pipeline)
    assert design.recipe.cuts == (1, 0, 0, -1)
    assert design.columns[:, 0].tolist() == [
        value for place, value in enumerate(factors[0].values.to_list()) if place not in (0, 5)
    ]
    found = judge_pipeline(design, resamples=40, seed=SEED)
    drawn = draw_resamples(78, count=40, seed=SEED)
    expected = validate_model(design.columns, design.event, drawn, recipe=design.recipe)
    assert found.validation is not None
    assert found.validation.c_statistic == expected.c_statistic
    assert found.paired == leave_pairs_out(design.columns, design.event, recipe=design.recipe, seed=SEED)
    assert found.frequencies["ferritin"] == expected.frequencies[0]
    assert found.frequencies["stage"] == expected.frequencies[1]
    assert sum(count for _, count in found.models) == 40 - expected.unfitted
    assert found.models[0][0] in (("ferritin",), ("ferritin", "age"), ("age",), ())


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, again = judge(Pipeline("firth")), judge(Pipeline("firth"))
    assert first.validation is not None
    assert again.validation is not None
    assert first.validation.brier == again.validation.brier


def test_progress_is_told_for_resamples_and_pairs() -> None:
    factors, sides = make_factors(30)
    told: list[tuple[str, int, int]] = []
    design = lay_out_pipeline(factors, sides, Pipeline("firth"))
    judge_pipeline(design, resamples=9, seed=1, progress=lambda *done: told.append(done))  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    assert told[0] == ("resampling the model", 10, 10)
    assert told[-1][0] == "leaving out pairs"
    assert told[-1][1] == told[-1][2]


@pytest.mark.parametrize(
    ("values", "reason"),
    [([1.0] * 80, "no factor varies"), ([None] * 80, "no patient with every value")],
)
def test_without_a_column_there_is_no_model_and_the_reason(values: list[float | None], reason: str) -> None:
    _, sides = make_factors()
    factor = FactorColumn("x", "X", pl.Series(values, dtype=pl.Float64))
    pipeline = Pipeline("firth", higher_means_event=frozenset({"x"}))
    found = judge_pipeline(lay_out_pipeline([factor], sides, pipeline), resamples=10, seed=1)
    assert (found.status, found.note, found.validation) == ("not_estimable", reason, None)
