"""Days of recovery to curves, by hand: who is at risk, in which curve, with which day."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from cytopenia.results import collect_results
from cytopenia.study.analysis_forms import TimeToRecovery
from cytopenia.study.time_to_recovery import summarize_time_to_recovery

INF = math.inf
ANALYSIS = TimeToRecovery.model_validate(
    {"id": "a", "kind": "time_to_recovery", "outcome": "o", "days": [10, 30]}
)
# label, policy, best, worst, last day, death
ROWS = [
    ("recovered", 8, 8, 8, 100, None),
    ("recovered", 12, -INF, INF, 20, 20),
    ("died", INF, INF, INF, 15, 15),
    ("censored", INF, 25, INF, 40, None),
    ("never below", -INF, -INF, INF, 100, None),
    ("not evaluable", None, -INF, INF, 50, None),
]


def summarize(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    names = ("label", "policy", "best", "worst", "last_day", "death")
    frame = pl.DataFrame(rows, schema=list(names), orient="row").with_columns(
        pl.col("policy", "best", "worst").cast(pl.Float64),
        (pl.col("best") == pl.col("worst")).alias("decided"),
    )
    death = frame["death"].cast(pl.Float64).to_numpy()
    found = summarize_time_to_recovery(ANALYSIS, frame, death_day=np.asarray(death), first_day=0)
    return collect_results(found)


def find(rows: list[tuple[object, ...]], level: str, estimate: str, scenario: str = "policy") -> object:
    found = summarize(rows).filter(
        pl.col("group") != "curve", variable_level=level, estimate=estimate, scenario=scenario
    )
    return found["value"].item()


@pytest.mark.parametrize(
    ("scenario", "patients", "early", "late", "death"),
    [
        # Days 8 and 12 of four patients; one of two left dies on day 15, the other is lost on day 40.
        ("policy", 4, 1 / 4, 2 / 4, 1 / 4),
        # With the one who is not evaluable: days 0, 0, 8 and 25 of five.
        ("best", 5, 3 / 5, 4 / 5, 1 / 5),
        # Day 8 of five; deaths on days 15 and 20.
        ("worst", 5, 1 / 5, 1 / 5, 2 / 5),
    ],
)
def test_the_three_curves(scenario, patients, early, late, death):
    levels = ["recovery|10", "recovery|30", "death|30"]
    found = [find(ROWS, level, "cumulative_incidence", scenario) for level in levels]
    assert found == pytest.approx([early, late, death])
    sizes = summarize(ROWS).filter(group="days", scenario=scenario)["n"]
    assert sizes.unique().to_list() == [patients]


def test_every_label_is_counted_among_all():
    assert [find(ROWS, label, "count") for label in ("recovered", "never below", "not recovered")] == [
        2,
        1,
        0,
    ]
    assert find(ROWS, "recovered", "denominator") == 6
    assert find(ROWS, "recovered", "undecided") == 1


def test_a_median_that_is_not_reached_is_a_row_with_its_reason():
    row = summarize(ROWS[2:4]).filter(estimate="median_day", scenario="policy").row(0, named=True)
    assert (row["value"], row["status"]) == (None, "not_estimable")
    assert row["note"].startswith("not reached")


def test_without_anybody_at_risk_there_is_no_curve_but_the_reason():
    rows = summarize(ROWS[4:5])
    chosen = rows.filter(estimate="cumulative_incidence", scenario="policy")
    assert chosen["status"].unique().to_list() == ["not_estimable"]
    assert rows.filter(group="curve").is_empty()
