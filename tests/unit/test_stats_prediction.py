"""Sizes of prediction models, calibration of given probabilities, net benefit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytopenia.errors import DataError
from cytopenia.stats.calibration import assess_predictions, smooth_calibration
from cytopenia.stats.net_benefit import measure_net_benefit
from cytopenia.stats.sample_size import (
    convert_c_statistic,
    convert_nagelkerke,
    count_affordable_parameters,
    plan_model_size,
)


def test_the_documented_example_of_pmsampsize() -> None:
    # pmsampsize 1.1.3, help page: type "b", csrsquared 0.288, parameters 24, prevalence 0.174.
    found = plan_model_size(24, prevalence=0.174, r2=0.288)
    assert (found.shrinkage, found.optimism, found.overall_risk, found.patients) == (623, 662, 221, 662)
    assert found.events == pytest.approx(115.188)
    assert round(found.events_per_parameter, 1) == 4.8


# Patients per parameter by the first criterion at a prevalence of 0.35, worked out by hand from the formula
# of Riley et al. 2019: 1 / ((0.9 - 1) ln(1 - R2 / 0.9)), R2 = Nagelkerke's x 0.7257.
@pytest.mark.parametrize(
    ("nagelkerke", "per_parameter"), [(0.15, 77.5), (0.25, 44.4), (0.35, 30.1), (0.5, 19.36)]
)
def test_patients_for_each_parameter(nagelkerke: float, per_parameter: float) -> None:
    r2 = convert_nagelkerke(nagelkerke, prevalence=0.35)
    largest = 1 - (0.35**0.35 * 0.65**0.65) ** 2
    assert r2 == pytest.approx(nagelkerke * largest)
    assert plan_model_size(100, prevalence=0.35, r2=r2).shrinkage / 100 == pytest.approx(
        per_parameter, abs=0.06
    )


@given(parameters=st.integers(1, 30), prevalence=st.floats(0.05, 0.95), share=st.floats(0.05, 0.8))
def test_what_is_affordable_is_the_size_turned_around(
    parameters: int, prevalence: float, share: float
) -> None:
    r2 = convert_nagelkerke(share, prevalence=prevalence)
    size = plan_model_size(parameters, prevalence=prevalence, r2=r2)
    needed = max(size.shrinkage, size.optimism)
    assert count_affordable_parameters(needed, prevalence=prevalence, r2=r2) >= parameters
    assert needed == 1 or count_affordable_parameters(needed - 1, prevalence=prevalence, r2=r2) < parameters


# The simulation that Riley, Van Calster and Collins (2021) describe, with the true log odds instead of a fit.
def test_a_c_statistic_becomes_an_r2() -> None:
    rng = np.random.default_rng(11)
    n, c, prevalence = 400_000, 0.8, 0.35
    event = rng.random(n) < prevalence
    predictor = rng.normal(size=n) + event * math.sqrt(2) * 0.8416212335729143
    shift = math.sqrt(2) * 0.8416212335729143
    log_odds = math.log(prevalence / (1 - prevalence)) + shift * predictor - shift**2 / 2
    height = -np.logaddexp(0, np.where(event, -log_odds, log_odds)).mean()
    empty = prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)
    assert convert_c_statistic(c, prevalence=prevalence) == pytest.approx(
        1 - math.exp(-2 * (height - empty)), abs=0.004
    )


def test_more_discrimination_is_more_r2_and_both_sides_are_alike() -> None:
    found = [convert_c_statistic(c, prevalence=0.3) for c in (0.55, 0.65, 0.75, 0.85, 0.95)]
    assert found == sorted(found)
    assert convert_c_statistic(0.7, prevalence=0.2) == pytest.approx(convert_c_statistic(0.7, prevalence=0.8))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"parameters": 0}, "parameters: 0; must be at least 1"),
        ({"prevalence": 1.2}, "prevalence: 1.2; must lie between 0 and 1"),
        ({"r2": 0.9}, r"r2: 0.9; must lie above 0 and below 0.603, the most at this prevalence"),
        ({"shrinkage": 1.0}, "shrinkage: 1; must lie between 0 and 1"),
    ],
)
def test_sizes_outside_their_ranges_are_refused(numbers: dict[str, float], message: str) -> None:
    chosen = {"parameters": 5, "prevalence": 0.174, "r2": 0.2, "shrinkage": 0.9, **numbers}
    parameters = int(chosen.pop("parameters"))
    with pytest.raises(DataError, match=message):
        plan_model_size(parameters, **chosen)


def test_right_probabilities_are_calibrated() -> None:
    rng = np.random.default_rng(3)
    chance = rng.uniform(0.05, 0.95, 4000)
    found = assess_predictions(chance, (rng.random(4000) < chance).astype(int))
    for estimate, right in ((found.slope, 1.0), (found.in_the_large, 0.0), (found.observed_by_expected, 1.0)):
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low < right < estimate.high
    assert smooth_calibration(chance, (rng.random(4000) < chance).astype(int)).average_error < 0.03


def test_probabilities_on_one_side_have_no_line_but_the_rest() -> None:
    found = assess_predictions([0.1, 0.2, 0.7, 0.8], [0, 0, 1, 1])
    assert found.status == "ok"
    assert found.slope.value is None
    assert "no line of calibration" in found.note
    assert found.c_statistic.value == 1.0


def test_one_sided_outcomes_are_not_estimable() -> None:
    found = assess_predictions([0.1, 0.2], [1, 1])
    assert (found.status, found.note) == ("not_estimable", "every patient has the event")
    assert assess_predictions([0.1, 0.2], [0, 0]).note == "no patient has the event"


def test_a_probability_of_zero_or_one_is_refused() -> None:
    with pytest.raises(DataError, match=r"chance: 2 of 3 are not above 0 and below 1"):
        assess_predictions([0.0, 0.5, 1.0], [0, 1, 1])
    with pytest.raises(DataError, match="all probabilities are the same"):
        smooth_calibration([0.5, 0.5], [0, 1])


@given(
    rows=st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=20),
    threshold=st.integers(1, 9),
)
def test_net_benefit_is_counted_patient_by_patient(rows: list[tuple[int, bool]], threshold: int) -> None:
    chance = [value / 10 for value, _ in rows]
    event = [int(mark) for _, mark in rows]
    limit = threshold / 10
    treated = [mark for value, mark in zip(chance, event, strict=True) if value >= limit]
    right, wrong = sum(treated), len(treated) - sum(treated)
    expected = (right - wrong * limit / (1 - limit)) / len(rows)
    found = measure_net_benefit(chance, event, [limit])
    assert found.model[0] == pytest.approx(expected, abs=1e-12)
    everybody = (sum(event) - (len(rows) - sum(event)) * limit / (1 - limit)) / len(rows)
    assert found.treat_all[0] == pytest.approx(everybody, abs=1e-12)


def test_thresholds_at_the_ends_are_refused() -> None:
    with pytest.raises(DataError, match="thresholds: must lie above 0 and below 1"):
        measure_net_benefit([0.2], [1], [0.0])
