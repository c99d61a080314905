"""What must hold of any regression: units, references, mirrored events, tails of splines, two grades."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cytopenia.stats.collinearity import measure_condition, measure_inflation
from cytopenia.stats.logistic import LogisticTerm, estimate_contrasts, fit_logistic
from cytopenia.stats.model_tests import compare_terms
from cytopenia.stats.ordinal import compare_ordinal_terms, fit_ordinal
from cytopenia.stats.proportional_odds import assess_proportional_odds
from cytopenia.stats.scaling import scale_numbers
from cytopenia.stats.splines import make_spline, place_knots
from strategies import share_of_examples

Numbers = NDArray[np.float64]
seeds = st.integers(0, 10_000)
methods = st.sampled_from(["maximum_likelihood", "firth"])
few = share_of_examples(0.6)
NEAR = 1e-6


def draw(seed: int, n: int = 60) -> tuple[Numbers, Numbers, NDArray[Any]]:
    """A number, a factor of three levels as two columns, and an event."""
    rng = np.random.default_rng(seed)
    number, group = rng.lognormal(1.0, 0.7, n), rng.integers(0, 3, n)
    columns = np.column_stack([number, group == 1, group == 2]).astype(np.float64)
    chance = 1 / (1 + np.exp(-(0.3 * (number - 3) + 0.4 * group - 0.4)))
    return columns, group.astype(np.float64), (rng.random(n) < chance) * 1.0


def grade(seed: int, columns: Numbers) -> Numbers:
    rng = np.random.default_rng(seed + 1)
    return np.clip(np.round(0.3 * columns[:, 0] + rng.logistic(size=len(columns))), 0, 4)


def numbers_of(term: LogisticTerm) -> list[float | None]:
    return [term.coefficient, term.standard_error, term.low, term.high, term.p_value]


NAMES = ["x", "b", "c"]


@few
@given(seeds, methods, st.sampled_from(["wald", "profile"]), st.floats(0.01, 100))
def test_another_unit_multiplies_the_coefficient(seed: int, method: str, interval: str, unit: float) -> None:
    columns, _, event = draw(seed)
    first = fit_logistic(columns, event, names=NAMES, method=method, interval=interval)
    scaled = scale_numbers(columns[:, 0], unit).numbers
    again = fit_logistic(
        np.column_stack([scaled, columns[:, 1:]]), event, names=NAMES, method=method, interval=interval
    )
    assert first.status == again.status
    if first.status == "ok":
        assert again.terms[0].coefficient == pytest.approx(first.terms[0].coefficient * unit, rel=NEAR)  # type: ignore[operator]
        assert again.terms[0].p_value == pytest.approx(first.terms[0].p_value, rel=NEAR)
        assert numbers_of(again.terms[1]) == pytest.approx(numbers_of(first.terms[1]), rel=NEAR)


@few
@given(seeds, methods, st.sampled_from(["wald", "profile"]))
def test_the_other_reference_turns_the_odds_ratio(seed: int, method: str, interval: str) -> None:
    columns, group, event = draw(seed)
    turned = np.column_stack([columns[:, 0], group == 0, group == 2]).astype(np.float64)
    first = fit_logistic(columns, event, names=NAMES, method=method, interval=interval)
    again = fit_logistic(turned, event, names=["x", "a", "c"], method=method, interval=interval)
    assert first.status == again.status
    one, other = first.terms[1], again.terms[1]
    if first.status == "ok" and None not in (one.low, one.high):
        assert other.odds_ratio == pytest.approx(1 / one.odds_ratio, rel=NEAR)  # type: ignore[operator]
        assert (other.low, other.high) == pytest.approx((1 / one.high, 1 / one.low), rel=NEAR)  # type: ignore[operator]
        assert other.p_value == pytest.approx(one.p_value, rel=NEAR)


@few
@given(seeds, methods)
def test_one_column_alone_is_its_own_test(seed: int, method: str) -> None:
    columns, _, event = draw(seed)
    fit = fit_logistic(columns, event, names=NAMES, method=method, interval="profile")
    found = compare_terms(columns, event, names=NAMES, tested=["x"], method=method)
    assert fit.status == found.status
    assert found.p_value == pytest.approx(fit.terms[0].p_value, rel=NEAR)
    if found.wald is not None:
        term = fit.terms[0]
        assert found.wald == pytest.approx((term.coefficient / term.standard_error) ** 2, rel=NEAR)  # type: ignore[operator]


@few
@given(seeds, methods)
def test_the_test_of_levels_knows_no_reference(seed: int, method: str) -> None:
    columns, group, event = draw(seed)
    turned = np.column_stack([columns[:, 0], group == 0, group == 1]).astype(np.float64)
    first = compare_terms(columns, event, names=NAMES, tested=["b", "c"], method=method)
    again = compare_terms(turned, event, names=NAMES, tested=["b", "c"], method=method)
    assert (first.status, first.degrees) == (again.status, 2)
    assert again.statistic == pytest.approx(first.statistic, rel=1e-5, abs=1e-8)
    assert again.wald == pytest.approx(first.wald, rel=NEAR, abs=1e-10)


@few
@given(seeds, methods, st.sampled_from(["wald", "profile"]))
def test_a_contrast_of_one_column_is_its_term(seed: int, method: str, interval: str) -> None:
    columns, _, event = draw(seed)
    fit = fit_logistic(columns, event, names=NAMES, method=method, interval=interval)
    (term,) = estimate_contrasts(
        columns, event, names=NAMES, contrasts={"c": [0, 0, 1]}, method=method, interval=interval
    )
    assert numbers_of(term) == pytest.approx(numbers_of(fit.terms[2]), rel=NEAR)


@few
@given(seeds, st.sampled_from([3, 4, 5]))
def test_a_spline_is_a_line_in_its_tails(seed: int, count: int) -> None:
    values = np.random.default_rng(seed).lognormal(size=120)
    knots = place_knots(values, count).places
    below = make_spline(knots[0] - np.array([0.0, 1.0, 5.0]), knots)
    assert below[:, 1:] == pytest.approx(0.0, abs=1e-12)
    above = make_spline(knots[-1] + np.array([0.0, 1.0, 2.0, 3.0]), knots)
    assert np.diff(above, n=2, axis=0) == pytest.approx(0.0, abs=1e-9)
    # Smooth where pieces meet: value and slope agree from both sides.
    for knot in knots:
        left, middle, right = make_spline(knot + np.array([-1e-6, 0.0, 1e-6]), knots)
        assert right - middle == pytest.approx(middle - left, abs=1e-10)


@few
@given(seeds, st.sampled_from(["wald", "profile"]))
def test_two_grades_are_logistic_regression(seed: int, interval: str) -> None:
    columns, _, event = draw(seed)
    one = fit_logistic(columns, event, names=NAMES, interval=interval)
    other = fit_ordinal(columns, 2 + 2 * event, names=NAMES, interval=interval)
    assert one.status == other.status
    if one.status == "ok":
        assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=NEAR)
        for first, second in zip(one.terms, other.terms, strict=True):
            assert numbers_of(second) == pytest.approx(numbers_of(first), rel=NEAR)
        assert other.correlation == pytest.approx(one.correlation[1:, 1:], rel=1e-5, abs=1e-8)  # type: ignore[index]


@few
@given(seeds)
def test_turned_grades_turn_the_coefficients(seed: int) -> None:
    columns, _, _ = draw(seed)
    grades = grade(seed, columns)
    one = fit_ordinal(columns, grades, names=NAMES)
    other = fit_ordinal(columns, 9 - grades, names=NAMES)
    assert one.status == other.status
    if one.status == "ok":
        for first, second in zip(one.terms, other.terms, strict=True):
            assert second.coefficient == pytest.approx(-first.coefficient, rel=NEAR)  # type: ignore[operator]
        found = [
            assess_proportional_odds(columns, one_way, names=NAMES, tested=NAMES).statistic
            for one_way in (grades, 9 - grades)
        ]
        assert found[0] == pytest.approx(found[1], rel=1e-5)
        joint = [
            compare_ordinal_terms(columns, way, names=NAMES, tested=NAMES[1:]).statistic
            for way in (grades, 9 - grades)
        ]
        assert joint[0] == pytest.approx(joint[1], rel=NEAR, abs=1e-9)


@few
@given(seeds, st.floats(0.01, 100), st.floats(-100, 100))
def test_collinearity_knows_no_units(seed: int, unit: float, shift: float) -> None:
    columns, _, event = draw(seed)
    moved = columns.copy()
    moved[:, 0] = columns[:, 0] * unit + shift
    assert measure_condition(moved) == pytest.approx(measure_condition(columns), rel=1e-5)
    found = [fit_logistic(one, event, names=NAMES) for one in (columns, moved)]
    if all(fit.correlation is not None for fit in found):
        groups = {"x": [0], "levels": [1, 2]}
        first, again = (measure_inflation(fit.correlation[1:, 1:], groups) for fit in found)  # type: ignore[index]
        assert again["x"].factor == pytest.approx(first["x"].factor, rel=1e-5)
        # Of two groups both are the same, whichever is asked.
        assert first["levels"].factor == pytest.approx(first["x"].factor, rel=1e-6)
