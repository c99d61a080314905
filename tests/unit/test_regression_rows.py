"""Models of a study beyond single coefficients: steps, curves, factors, trends, collinearity, grades."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from cytopenia.definition_forms import GatesDefinition
from cytopenia.definitions import load_library
from cytopenia.results import ResultRow
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.model_tests import compare_terms
from cytopenia.stats.ordinal import fit_ordinal
from cytopenia.study.analysis_forms import Ordinal, RiskFactors
from cytopenia.study.associations import RiskFactorInput, summarize_risk_factors
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.ordinal_grades import summarize_ordinal

Found = dict[tuple[str, str, str, str], ResultRow]
N = 80
RNG = np.random.default_rng(7)
MARKER = np.round(np.exp(RNG.normal(1.0, 0.8, N)), 3)
STAGE = RNG.choice(["I", "II", "III", "IV"], N)
AGE = np.round(RNG.normal(55, 10, N))
CHANCE = 1 / (1 + np.exp(-(0.7 * np.log2(MARKER) - 1.0 + 0.4 * (STAGE == "IV"))))
EVENT = (RNG.random(N) < CHANCE) * 1.0
GRADE = np.clip(np.round(0.5 * np.log2(MARKER) + RNG.logistic(size=N)), 0, 4)


def make_marker(**more: Any) -> FactorColumn:
    return FactorColumn("marker", "Marker, mg/L", pl.Series(MARKER), **more)


def make_stage(**more: Any) -> FactorColumn:
    return FactorColumn("stage", "Stage", pl.Series(STAGE), levels=("I", "II", "III", "IV"), **more)


def make_age() -> FactorColumn:
    return FactorColumn("age", "Age, years", pl.Series(AGE))


def gates(**changes: Any) -> GatesDefinition:
    return load_library().gates.model_copy(update=changes)


def run(
    factors: list[FactorColumn], *, event: Any = EVENT, gate: GatesDefinition | None = None, **keys: Any
) -> Found:
    given: dict[str, Any] = {
        "id": "t", "kind": "risk_factors", "outcome": "o", "event": "yes", "parity": "r",
        "factors": [factor.name for factor in factors], "columns": ["univariable"],
    }  # fmt: skip
    analysis = RiskFactors.model_validate({**given, **keys})
    sides = Sides(("Yes", "No"), dict.fromkeys(("policy", "best", "worst"), np.asarray(event)), {})
    rows = summarize_risk_factors(analysis, RiskFactorInput(factors, sides, {}, gate or gates(), seed=1))
    return {(row.group, row.variable, row.variable_level, row.estimate): row for row in rows}


def run_grades(factors: list[FactorColumn], grades: Any = GRADE, **keys: Any) -> Found:
    given = {"id": "g", "kind": "ordinal", "outcome": "o", "factors": [factor.name for factor in factors]}
    frame = pl.DataFrame({"policy": pl.Series(grades, strict=False)})
    rows = summarize_ordinal(Ordinal.model_validate({**given, **keys}), frame, factors=factors, gates=gates())
    return {(row.group, row.variable, row.variable_level, row.estimate): row for row in rows}


@pytest.mark.parametrize(
    ("scale", "numbers", "step"),
    [
        ("unit", MARKER, "per unit"),
        ("doubling", np.log2(MARKER), "per doubling"),
        (10.0, MARKER / 10, "per 10 units"),
        ("sd", MARKER / np.std(MARKER, ddof=1), f"per standard deviation, {np.std(MARKER, ddof=1):.4g}"),
    ],
)
def test_a_number_has_the_step_that_the_protocol_says(scale: Any, numbers: Any, step: str) -> None:
    row = run([make_marker(scale=scale)])["univariable", "marker", "", "odds_ratio"]
    (term,) = fit_logistic(np.asarray(numbers)[:, np.newaxis], EVENT, names=["x"]).terms
    assert (row.value, row.low, row.high) == pytest.approx((term.odds_ratio, term.low, term.high))
    assert row.text == f"Marker, mg/L ({step})"


def test_a_step_is_that_of_everybody_with_the_outcome() -> None:
    """A patient without another factor's value changes the model, not the step."""
    gap = FactorColumn("age", "Age, years", pl.Series([None, *AGE[1:]]))
    texts = {
        row.text
        for key, row in run(
            [make_marker(scale="iqr"), gap],
            columns=["univariable", "multivariable"],
            multivariable={"terms": ["marker", "age"]},
        ).items()
        if key[1] == "marker" and key[3] == "odds_ratio"
    }
    assert len(texts) == 1


def test_a_doubling_of_nothing_is_not_estimable() -> None:
    zero = replace(make_marker(scale="doubling"), values=pl.Series([0.0, *MARKER[1:]]))
    row = run([zero])["univariable", "marker", "", "odds_ratio"]
    assert (row.value, row.status) == (None, "not_estimable")
    assert row.note == "1 value of 0 or below has no logarithm; use another scale"


def test_a_zero_of_somebody_without_the_outcome_does_not_matter() -> None:
    zero = replace(make_marker(scale="doubling"), values=pl.Series([0.0, *MARKER[1:]]))
    event = np.concatenate([[np.nan], EVENT[1:]])
    assert run([zero], event=event)["univariable", "marker", "", "odds_ratio"].status == "ok"


def test_a_curve_compares_its_two_values_and_is_tested_as_a_whole() -> None:
    found = run([make_marker(spline_knots=3, between=(2.0, 6.0))], interval="profile")
    row = found["univariable", "marker", "", "odds_ratio"]
    assert row.text == "Marker, mg/L (6 versus 2)"
    assert found["univariable", "marker", "", "p_value"].text == "likelihood_ratio"
    assert found["univariable", "marker", "", "degrees_overall"].value == 2
    assert found["univariable", "marker", "", "degrees_nonlinear"].value == 1
    knots = [found["univariable", "marker", "", f"knot_{place}"].value for place in (1, 2, 3)]
    assert knots == pytest.approx([np.sort(MARKER)[4], np.median(MARKER), np.sort(MARKER)[-5]])
    curve = [key for key in found if key[0] == "curve" and key[3] == "log_odds"]
    assert len(curve) == 41
    at = [found["curve", "marker", key[2], "at"].value for key in curve]
    assert (at[0], at[-1]) == (MARKER.min(), MARKER.max())


def test_a_curve_compares_its_quartiles_where_nothing_is_said() -> None:
    row = run([make_marker(spline_knots=4)])["univariable", "marker", "", "odds_ratio"]
    low, high = np.quantile(MARKER, [0.25, 0.75])
    assert row.text == f"Marker, mg/L ({high:.4g} versus {low:.4g})"


def test_a_curve_of_few_values_is_not_estimable() -> None:
    few = replace(make_marker(spline_knots=5), values=pl.Series(np.arange(N) % 4 * 1.0))
    row = run([few])["univariable", "marker", "", "odds_ratio"]
    assert (row.status, row.note[:26]) == ("not_estimable", "4 different values are too")


def test_levels_are_tested_together_only_if_asked() -> None:
    plain = run([make_stage()])
    assert ("univariable", "stage", "", "p_overall") not in plain
    asked = run([make_stage()], diagnostics=True)
    columns = np.column_stack([level == STAGE for level in ("II", "III", "IV")]) * 1.0
    expected = compare_terms(columns, EVENT, names=["2", "3", "4"], tested=["2", "3", "4"])
    row = asked["univariable", "stage", "", "p_overall"]
    assert (row.value, row.text) == (pytest.approx(expected.p_value), "likelihood_ratio")
    assert asked["univariable", "stage", "", "p_overall_wald"].value == pytest.approx(expected.wald_p)
    # What was there before is there unchanged.
    assert all(asked[key] == row for key, row in plain.items())


def test_ordered_levels_have_a_trend() -> None:
    found = run([make_stage(is_ordered=True)])
    score = np.array([["I", "II", "III", "IV"].index(stage) for stage in STAGE]) * 1.0
    (term,) = fit_logistic(score[:, np.newaxis], EVENT, names=["x"]).terms
    row = found["univariable", "stage", "", "trend_odds_ratio"]
    assert (row.value, row.low, row.high) == pytest.approx((term.odds_ratio, term.low, term.high))
    assert found["univariable", "stage", "", "p_trend"].value == pytest.approx(term.p_value)
    assert found["univariable", "stage", "", "degrees_deviation"].value == 2


def test_a_trend_can_be_estimated_where_a_level_separates() -> None:
    event = np.where(STAGE == "I", 0.0, EVENT)
    found = run([make_stage(is_ordered=True)], event=event)
    assert found["univariable", "stage", "II", "odds_ratio"].status == "not_estimable"
    assert found["univariable", "stage", "", "trend_odds_ratio"].status == "ok"
    assert found["univariable", "stage", "", "p_deviation"].status == "not_estimable"
    assert ("univariable", "stage", "", "p_overall") not in found


def test_interval_and_p_are_of_one_statistic() -> None:
    wald, profile = run([make_marker()]), run([make_marker()], interval="profile")
    assert wald["univariable", "marker", "", "p_value"].text == "wald"
    assert profile["univariable", "marker", "", "p_value"].text == "likelihood_ratio"
    first, again = (one["univariable", "marker", "", "odds_ratio"] for one in (wald, profile))
    assert first.value == again.value
    assert first.low != again.low


def test_firth_keeps_its_profile() -> None:
    found = run([make_marker()], parity="default")
    assert found["univariable", "marker", "", "p_value"].text == "penalized_likelihood_ratio"


def test_collinearity_is_said_in_words_where_it_is_large() -> None:
    copy = FactorColumn("copy", "Copy", pl.Series(AGE + np.arange(N) % 3 * 0.5))
    keys: dict[str, Any] = {
        "columns": ["multivariable"],
        "multivariable": {"terms": ["age", "copy", "stage"]},
        "diagnostics": True,
    }
    found = run([make_age(), copy, make_stage()], **keys)
    row = found["collinearity", "copy", "", "variance_inflation"]
    assert row.value is not None
    assert row.value > 50
    assert row.note.startswith(f"variance inflation {row.value:.1f}, 5 or more: the other factors carry")
    assert found["collinearity", "stage", "", "variance_inflation"].note == ""
    condition = found["collinearity", "model", "", "condition_number"]
    assert condition.note == f"{condition.value:.1f}, 30 or more: some columns nearly repeat others"
    lax = run([make_age(), copy, make_stage()], gate=gates(collinear_from_condition=1000.0), **keys)
    assert lax["collinearity", "model", "", "condition_number"].note == ""
    silent = gates(collinear_from_inflation=None, collinear_from_condition=None)
    quiet = run([make_age(), copy, make_stage()], gate=silent, **keys)
    assert {row.note for key, row in quiet.items() if key[0] == "collinearity"} == {""}


def test_a_curve_screens_with_all_its_terms() -> None:
    select = {"select": {"screen": "univariable", "p_below": 0.05}}
    found = run(
        [make_marker(spline_knots=3), make_age()],
        columns=["univariable", "multivariable"],
        multivariable=select,
    )
    whole = found["univariable", "marker", "", "p_overall"].value
    assert whole is not None
    assert (whole < 0.05) == (found["multivariable", "marker", "", "odds_ratio"].status == "ok")


def test_grades_have_one_odds_ratio_and_a_test_of_it() -> None:
    found = run_grades([make_marker(scale="doubling"), make_stage(), make_age()], terms=["marker", "age"])
    (term,) = fit_ordinal(np.log2(MARKER)[:, np.newaxis], GRADE, names=["x"], interval="profile").terms
    row = found["univariable", "marker", "", "odds_ratio"]
    assert (row.value, row.low, row.high) == pytest.approx((term.odds_ratio, term.low, term.high))
    assert found["univariable", "marker", "", "p_value"].value == pytest.approx(term.p_value)
    steps = len(np.unique(GRADE)) - 1
    assert found["univariable", "marker", "", "degrees_proportional_odds"].value == steps - 1
    assert found["univariable", "stage", "", "degrees_overall"].value == 3
    assert found["multivariable", "model", "", "degrees_proportional_odds"].value == 2 * (steps - 1)
    assert found["multivariable", "stage", "", "odds_ratio"].note == "not among the terms"
    counted = {key[2]: row.value for key, row in found.items() if key[0] == "grades"}
    values, counts = np.unique(GRADE, return_counts=True)
    assert counted == {
        **{f"grade {value:g}": count for value, count in zip(values, counts, strict=True)},
        "not judged": 0,
    }
    assert found["gate", "model", "", "smaller_group"].value == N - counts.max()


def test_grades_of_few_patients_are_not_modeled() -> None:
    few = [None if place % 2 else (2.0 if place < 10 else 0.0) for place in range(N)]
    found = run_grades([make_marker()], few, terms=["marker"])
    row = found["univariable", "marker", "", "odds_ratio"]
    assert row.status == "not_done"
    assert row.note == ("5 patients outside the most frequent grade: factors are described only below 10")
    assert found["multivariable", "marker", "", "odds_ratio"].note == (
        "5 patients outside the most frequent grade: a multivariable model needs 20, the model has 1 term"
    )
    assert found["grades", "patients", "not judged", "count"].value == N / 2


def test_separated_grades_give_the_reason() -> None:
    apart = np.where(np.median(MARKER) > MARKER, 0.0, 3.0)
    row = run_grades([make_marker()], apart)["univariable", "marker", "", "odds_ratio"]
    assert (row.value, row.status) == (None, "not_estimable")
    assert row.note.startswith("Marker, mg/L separates the grades")
