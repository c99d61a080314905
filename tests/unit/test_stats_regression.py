"""Tests of several coefficients, splines, steps, collinearity and ordered grades where the data end."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cytopenia.errors import DataError
from cytopenia.stats.collinearity import measure_condition, measure_inflation
from cytopenia.stats.logistic import estimate_contrasts, fit_logistic
from cytopenia.stats.model_tests import compare_terms, score_levels
from cytopenia.stats.ordinal import compare_ordinal_terms, estimate_ordinal_contrasts, fit_ordinal
from cytopenia.stats.proportional_odds import assess_proportional_odds
from cytopenia.stats.scaling import scale_numbers
from cytopenia.stats.splines import make_spline, place_knots

# Rising with the event, and apart in none of its columns.
X = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0])
EVENT = np.array([0, 0, 1, 0, 1, 0, 1, 1, 0, 1])
GRADE = np.array([0, 1, 0, 2, 1, 0, 2, 1, 2, 2])


def one_column(values: Any) -> Any:
    return np.asarray(values, dtype=np.float64)[:, np.newaxis]


def test_a_test_without_an_estimate_says_why() -> None:
    apart = (X > 5) * 1
    found = compare_terms(one_column(X), apart, names=["anc"], tested=["anc"])
    assert (found.status, found.statistic, found.p_value, found.wald) == ("not_estimable", None, None, None)
    assert found.note.startswith("anc separates the event completely")
    firth = compare_terms(one_column(X), apart, names=["anc"], tested=["anc"], method="firth")
    assert (firth.status, firth.method) == ("ok", "penalized_likelihood_ratio")


@pytest.mark.parametrize("tested", [[], ["x", "x"]])
def test_a_test_names_columns_once(tested: list[str]) -> None:
    with pytest.raises(DataError, match="tested: name at least one column, each once"):
        compare_terms(one_column(X), EVENT, names=["x"], tested=tested)
    with pytest.raises(DataError, match="tested: name at least one column"):
        compare_ordinal_terms(one_column(X), GRADE, names=["x"], tested=tested)


def test_an_unknown_column_gets_a_hint() -> None:
    with pytest.raises(DataError, match=r"tested: unknown column 'ferritn' \(did you mean 'ferritin'\?\)"):
        compare_terms(one_column(X), EVENT, names=["ferritin"], tested=["ferritn"])


def test_unknown_statistics_are_refused() -> None:
    with pytest.raises(DataError, match="interval: unknown 'walt'"):
        fit_logistic(one_column(X), EVENT, names=["x"], interval="walt")
    with pytest.raises(DataError, match="interval: unknown 'score'"):
        fit_ordinal(one_column(X), GRADE, names=["x"], interval="score")


def test_the_statistic_follows_the_method_and_is_told() -> None:
    found = [
        fit_logistic(one_column(X), EVENT, names=["x"], method=method).interval
        for method in ("maximum_likelihood", "firth")
    ]
    assert found == ["wald", "profile"]


def test_p_and_interval_agree_at_their_level() -> None:
    """With limits of 1 - P one of them is 1: both are of one statistic."""
    for method in ("maximum_likelihood", "firth"):
        for interval in ("wald", "profile"):
            how: dict[str, Any] = {"names": ["x"], "method": method, "interval": interval}
            (term,) = fit_logistic(one_column(X), EVENT, **how).terms
            assert term.p_value is not None
            (again,) = fit_logistic(one_column(X), EVENT, **how, level=1 - term.p_value).terms
            assert again.low == pytest.approx(1.0, abs=1e-6)


def test_scores_are_the_places_of_the_levels() -> None:
    assert score_levels(["b", "a"], ["a", "b", "c"]).tolist() == [1.0, 0.0]
    with pytest.raises(DataError, match="1 values are no level; allowed: a, b"):
        score_levels(["z"], ["a", "b"])


@pytest.mark.parametrize("contrast", [[1.0, 2.0], [math.nan]])
def test_a_contrast_needs_a_number_for_each_column(contrast: list[float]) -> None:
    with pytest.raises(DataError, match="contrasts: 'c' needs 1 finite numbers"):
        estimate_contrasts(one_column(X), EVENT, names=["x"], contrasts={"c": contrast})
    with pytest.raises(DataError, match="contrasts: 'c' needs 1 finite numbers"):
        estimate_ordinal_contrasts(one_column(X), GRADE, names=["x"], contrasts={"c": contrast})


def test_two_equal_sides_have_no_odds_ratio() -> None:
    same, other = estimate_contrasts(
        one_column(X), EVENT, names=["x"], contrasts={"same": [0.0], "other": [1.0]}
    )
    assert (same.status, same.note, same.odds_ratio) == (
        "not_estimable",
        "the two sides are the same",
        None,
    )
    assert other.status == "ok"
    (alone,) = estimate_ordinal_contrasts(one_column(X), GRADE, names=["x"], contrasts={"same": [0.0]})
    assert (alone.status, alone.note) == ("not_estimable", "the two sides are the same")


def test_contrasts_of_separated_data_say_so() -> None:
    (term,) = estimate_contrasts(one_column(X), (X > 5) * 1, names=["anc"], contrasts={"c": [1.0]})
    assert term.note.startswith("anc separates the event completely")


@pytest.mark.parametrize("count", [2, 6])
def test_numbers_of_knots(count: int) -> None:
    with pytest.raises(DataError, match="allowed: 3, 4, 5"):
        place_knots(X, count)


def test_too_few_values_for_a_curve() -> None:
    found = place_knots([1.0, 2.0, 3.0, 4.0, 5.0, math.nan], 3)
    assert (found.places, found.status) == ((), "not_estimable")
    assert found.note == "5 different values are too few, or too unevenly spread, for 3 knots"
    # Nearly everybody has one value: there is no room for three knots.
    crowded = np.concatenate([np.full(80, 5.0), np.arange(20.0) * 10])
    assert place_knots(crowded, 5).status == "not_estimable"


def test_infinite_values_are_refused() -> None:
    with pytest.raises(DataError, match="infinite numbers have no place on a curve"):
        place_knots([1.0, math.inf], 3)


@pytest.mark.parametrize("knots", [[1.0, 2.0], [1.0, 3.0, 2.0], [1.0, 1.0, 2.0]])
def test_knots_rise(knots: list[float]) -> None:
    with pytest.raises(DataError, match="at least three numbers that rise"):
        make_spline(X, knots)


def test_steps() -> None:
    assert scale_numbers([10.0, math.nan], 5).numbers.tolist() == pytest.approx([2.0, math.nan], nan_ok=True)
    assert scale_numbers([1.0, 2.0, 3.0, 4.0, 5.0], "iqr").step == 2.0
    assert scale_numbers([1.0, 2.0, 3.0], "sd").step == 1.0
    assert scale_numbers([7.0], "unit").numbers.tolist() == [7.0]
    among = scale_numbers([1.0, 2.0, 3.0, 900.0], "sd", among=[True, True, True, False])
    assert among.step == 1.0


@pytest.mark.parametrize(
    ("values", "scale", "note"),
    [
        ([0.0, -1.0, 2.0], "doubling", "2 values of 0 or below have no logarithm; use another scale"),
        ([4.0, 4.0], "sd", "the values do not differ enough to give a step"),
        ([4.0, 4.0, 4.0, 4.0, 9.0], "iqr", "the values do not differ enough to give a step"),
        ([math.nan], "iqr", "no value"),
        ([3.0], "sd", "the values do not differ enough to give a step"),
    ],
)
def test_steps_that_there_are_not(values: list[float], scale: str, note: str) -> None:
    found = scale_numbers(values, scale)
    assert (found.status, found.note, found.step) == ("not_estimable", note, None)
    assert np.isnan(found.numbers).all()


def test_zero_outside_the_analysis_does_not_matter() -> None:
    found = scale_numbers([4.0, 0.0], "doubling", among=[True, False])
    assert found.numbers.tolist() == pytest.approx([2.0, math.nan], nan_ok=True)


@pytest.mark.parametrize("step", [0.0, -1.0, math.nan, math.inf])
def test_a_step_is_above_zero(step: float) -> None:
    with pytest.raises(DataError, match="it must be above 0"):
        scale_numbers(X, step)


def test_unknown_scales_are_refused() -> None:
    with pytest.raises(DataError, match="scale: unknown 'log'; allowed: unit, doubling, iqr, sd"):
        scale_numbers(X, "log")


def test_inflation_by_hand() -> None:
    """Two columns with correlation r: 1 / (1 - r^2); a repeated column has none."""
    found = measure_inflation([[1.0, 0.5], [0.5, 1.0]], {"a": [0], "b": [1]})
    assert found["b"].factor == pytest.approx(4 / 3)
    repeated = measure_inflation([[1.0, 1.0], [1.0, 1.0]], {"a": [0], "b": [1]})
    assert (repeated["a"].factor, repeated["a"].per_term) == (None, None)
    alone = measure_inflation([[1.0]], {"a": [0]})
    assert alone["a"].factor == 1.0


def test_inflation_checks_its_places() -> None:
    with pytest.raises(DataError, match="groups: name each of 2 terms once"):
        measure_inflation(np.eye(2), {"a": [0]})
    with pytest.raises(DataError, match="give terms by terms"):
        measure_inflation([1.0], {"a": [0]})


def test_condition_of_columns() -> None:
    assert measure_condition(np.column_stack([X, 2 * X])) is None
    assert measure_condition(np.zeros((4, 0))) is None
    with pytest.raises(DataError, match="give complete rows"):
        measure_condition([[math.nan]])


@pytest.mark.parametrize(
    ("grade", "note"),
    [
        ([1] * 10, "everybody has the same grade"),
        ([0, 0, 0, 1, 1, 1, 2, 2, 2, 2], "anc separates the grades: maximum likelihood has no finite"),
        ([0, 0, 0, 0, 1, 0, 1, 2, 2, 2], ""),
    ],
)
def test_grades_that_a_column_separates(grade: list[int], note: str) -> None:
    fit = fit_ordinal(one_column(X), grade, names=["anc"])
    assert fit.status == ("not_estimable" if note else "ok")
    assert fit.note.startswith(note)
    assert fit.n == 10
    assert sum(fit.counts) == 10


def test_quasi_separated_grades() -> None:
    """Whoever is marked has the highest grade: the odds ratio has no end."""
    marked = np.column_stack([(X > 8) * 1.0, X])
    grade = [0, 1, 0, 2, 1, 0, 2, 1, 2, 2]
    fit = fit_ordinal(marked, grade, names=["mark", "anc"])
    assert fit.status == "not_estimable"
    assert fit.note.startswith("mark separates the grades")
    assert [term.odds_ratio for term in fit.terms] == [None, None]


def test_empty_and_short_grades() -> None:
    assert fit_ordinal(np.zeros((0, 1)), [], names=["x"]).note == "no complete row"
    short = fit_ordinal([[1.0], [3.0], [2.0], [2.5]], [0, 1, 2, 3], names=["x"])
    assert short.note == "4 complete rows are too few for 1 columns and 4 grades"
    with pytest.raises(DataError, match="give one finite number for every row"):
        fit_ordinal([[1.0]], [math.nan], names=["x"])


def test_only_the_order_of_grades_counts() -> None:
    one = fit_ordinal(one_column(X), GRADE, names=["x"])
    other = fit_ordinal(one_column(X), np.array([0.0, 3.0, 4.0])[GRADE], names=["x"])
    assert one.terms == other.terms
    assert other.levels == (0.0, 3.0, 4.0)


def test_two_grades_have_no_odds_to_compare() -> None:
    found = assess_proportional_odds(one_column(X), EVENT, names=["x"], tested=["x"])
    assert (found.status, found.degrees) == ("not_estimable", 0)
    assert found.note == "two grades have one step; one odds ratio is enough"


def test_odds_of_separated_grades_are_not_compared() -> None:
    found = assess_proportional_odds(
        one_column(X), [0, 0, 0, 1, 1, 1, 2, 2, 2, 2], names=["anc"], tested=["anc"]
    )
    assert found.note.startswith("anc separates the grades")
