"""A score and a card asked about other patients: numbers typed by hand, and the page."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from cytopenia.definitions import load_library
from cytopenia.report.prediction_curves import plot_model_curves
from cytopenia.report.validation_tables import table_external_validation
from cytopenia.results import collect_results
from cytopenia.study.external_validation import (
    ScoreInput,
    summarize_score_validation,
)
from cytopenia.study.factors import FactorColumn
from prediction_factory import load_gates, make_sides, make_validation, validate_card
from report_factory import make_content

# 40 patients by points and event: 0 points 1 of 12, 1 point 4 of 12, 2 points 5 of 8, 4 points 6 of 8.
COUNTS = {0: (1, 11), 1: (4, 8), 2: (5, 3), 4: (6, 2)}


def validate_score(**changes: object) -> pl.DataFrame:
    """The rows of CAR-HEMATOTOX in the 40 patients, and two whose score is open."""
    points = [float(total) for total, (yes, no) in COUNTS.items() for _ in range(yes + no)]
    event = [mark for yes, no in COUNTS.values() for mark in [1] * yes + [0] * no]
    factor = FactorColumn("hematotox", "CAR-HEMATOTOX", pl.Series([*points, None, None]))
    analysis = make_validation(score="hematotox", **changes)
    definition = load_library().find_score("car_hematotox")
    given = ScoreInput(factor, definition, make_sides(np.array([*event, 1, 0])), load_gates())
    return collect_results(summarize_score_validation(analysis, given))


def value(rows: pl.DataFrame, group: str, estimate: str, level: str = "") -> float:
    """The number of one row."""
    found = rows.filter(
        pl.col("group") == group, pl.col("estimate") == estimate, pl.col("variable_level") == level
    )
    return found["value"].item()


def test_a_score_is_counted_by_hand() -> None:
    rows = validate_score()
    assert [value(rows, "size", name) for name in ("n", "events", "missing")] == [40, 16, 2]
    assert value(rows, "observed", "risk", "2") == 5 / 8
    # The risk group high begins at 2 points: 11 of 16 with the event, 5 of 24 without it.
    assert value(rows, "performance", "sensitivity", "high") == 11 / 16
    assert value(rows, "performance", "specificity", "high") == 19 / 24
    assert value(rows, "performance", "ppv", "high") == 11 / 16
    # Pairs won and half of the ties, of 16 x 24.
    won = 1 * 5.5 + 4 * (11 + 4) + 5 * (19 + 1.5) + 6 * (22 + 1)
    assert value(rows, "performance", "c_statistic") == pytest.approx(won / 384)


def test_recalibration_of_points_is_a_logistic_regression() -> None:
    rows = validate_score(parity="r")
    slope, intercept = value(rows, "recalibration", "slope"), value(rows, "recalibration", "intercept")
    # At the maximum both sums of what is left are 0.
    left = {t: yes - (yes + no) / (1 + math.exp(-intercept - slope * t)) for t, (yes, no) in COUNTS.items()}
    assert sum(left.values()) == pytest.approx(0, abs=1e-6)
    assert sum(t * rest for t, rest in left.items()) == pytest.approx(0, abs=1e-6)
    assert math.log(value(rows, "recalibration", "odds_ratio")) == pytest.approx(slope)


def test_a_card_is_right_where_it_is_right_and_too_sure_where_it_is() -> None:
    right, sure = validate_card(4000), validate_card(4000, tilt=0.5)
    assert value(right, "size", "missing") == 2
    assert value(right, "size", "extrapolated") > 0
    assert value(right, "performance", "slope") == pytest.approx(1.0, abs=0.1)
    assert value(right, "performance", "in_the_large") == pytest.approx(0.0, abs=0.1)
    assert value(sure, "performance", "slope") == pytest.approx(0.5, abs=0.1)
    assert value(right, "performance", "brier") < value(sure, "performance", "brier")


def test_few_patients_have_no_curve_and_very_few_no_number() -> None:
    few = validate_card(60)
    (why,) = few.filter(pl.col("group") == "calibration")["note"].to_list()
    assert why.endswith("patients in the smaller group: a curve needs 100")
    very_few = validate_card(12)
    assert very_few.filter(pl.col("group") == "performance")["status"].to_list() == ["not_done"]


def test_the_form_needs_one_source() -> None:
    with pytest.raises(ValueError, match="needs exactly one of score"):
        make_validation()
    with pytest.raises(ValueError, match="needs exactly one of score"):
        make_validation(score="a", card="b.json")


def show(rows: pl.DataFrame) -> list[list[str]]:
    """The table of the report."""
    content = make_content(
        results=rows,
        analyses=[{"id": "a", "kind": "validation", "title": "A", "outcome": "recovery"}],
        outcome_titles={"recovery": "Recovery"},
    )
    table = table_external_validation(content, "a")
    assert table.notes[0].startswith(f"{int(value(rows, 'size', 'n'))} patients, ")
    return [[one.header, *(cell.plain for cell in one.cells)] for one in table.rows]


def test_the_table_of_a_score() -> None:
    shown = show(validate_score())
    assert ["Sensitivity", "0.688", "0.444–0.858", "16"] in shown
    assert ["2", "0.625", "0.306–0.863", "8"] in shown
    assert [row[0] for row in shown][-4:] == ["Recalibration", "Odds ratio per point", "Intercept", "Slope"]


def test_the_table_and_the_curve_of_a_card() -> None:
    rows = validate_card(600)
    assert [row[0] for row in show(rows)] == [
        "C statistic",
        "Calibration in the large, log odds",
        "Intercept of calibration",
        "Slope of calibration",
        "Observed by expected events",
        "Brier score",
        "Scaled Brier score",
    ]
    content = make_content(results=rows, analyses=[{"id": "a", "kind": "validation", "title": "A"}])
    figure = plot_model_curves(content, "a")
    assert figure is not None
    assert "the observed share is" in figure.description
    assert figure.title == "Calibration of the model"
    assert "Corrected" not in figure.caption
