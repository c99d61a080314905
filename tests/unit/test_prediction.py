"""A prediction as rows: gates, size, corrected indices, coefficients, curves, nomogram and points."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest

from cytopenia.study.factors import FactorColumn
from prediction_factory import make_analysis, make_patients, predict


def pick(rows: pl.DataFrame, group: str, estimate: str, **key: str) -> dict[str, object]:
    """The one row of a key."""
    found = rows.filter(pl.col("group") == group, pl.col("estimate") == estimate)
    found = found.filter(*(pl.col(name) == value for name, value in key.items()))
    assert found.height == 1, (group, estimate, key, found.height)
    return found.row(0, named=True)


def value(rows: pl.DataFrame, group: str, estimate: str, **key: str) -> float:
    """The number of one row."""
    number = pick(rows, group, estimate, **key)["value"]
    assert isinstance(number, float)
    return number


@pytest.fixture(scope="module", autouse=True)
def few_pairs() -> Iterator[None]:
    """Pairs that are left out in turn take most of the time of a prediction; how many is not asked here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cytopenia.study.pipelines.MOST_PAIRS", 400)
        yield


@pytest.fixture(scope="module")
def large() -> pl.DataFrame:
    """Enough patients for everything."""
    return predict(make_analysis(thresholds=[0.3, 0.6]), make_patients())


@pytest.fixture(scope="module")
def small() -> pl.DataFrame:
    """Fewer than the gates ask for."""
    return predict(make_analysis(), make_patients(30))


def test_size_is_told_even_where_no_model_is_made(small: pl.DataFrame) -> None:
    events = value(small, "size", "events")
    assert value(small, "size", "parameters") == 3
    assert value(small, "size", "prevalence") == pytest.approx(events / 30)
    assert value(small, "size", "needed_patients") > 30 > value(small, "size", "affordable_parameters")


def test_a_small_group_is_refused_with_the_reason(small: pl.DataFrame) -> None:
    refused = small.filter(pl.col("status") == "not_done")
    assert refused["group"].to_list() == [
        "performance",
        "coefficients",
        "calibration",
        "decision",
        "nomogram",
        "points",
    ]
    smaller = int(value(small, "gate", "smaller_group"))
    assert set(refused["note"]) == {
        f"{smaller} patients in the smaller group: a multivariable model needs 20, this one has 3 terms"
    }


def test_the_published_way_is_fitted_all_the_same_and_has_no_curves() -> None:
    rows = predict(make_analysis(parity="spss"), make_patients(40))
    assert "was fitted as requested and is not reliable" in str(pick(rows, "gate", "smaller_group")["note"])
    assert pick(rows, "performance", "method")["text"] == "maximum_likelihood"
    reason = rows.filter(pl.col("group") == "nomogram")["note"].to_list()
    assert len(reason) == 1
    assert "they need 100" in reason[0]


def test_corrected_is_apparent_less_optimism(large: pl.DataFrame) -> None:
    for name in ("c_statistic", "brier", "slope", "intercept"):
        apparent, optimism, corrected = (
            value(large, "performance", word, variable=name) for word in ("apparent", "optimism", "corrected")
        )
        assert corrected == pytest.approx(apparent - optimism)
    assert (
        0.5
        < value(large, "performance", "pairs_left_out")
        < value(large, "performance", "apparent", variable="c_statistic")
    )


def find_log_odds(rows: pl.DataFrame, ferritin: float, stage: str) -> float:
    """By hand from the coefficients."""
    total = value(rows, "coefficients", "shrunken_coefficient", variable="intercept")
    total += value(rows, "coefficients", "shrunken_coefficient", variable="ferritin") * np.log2(ferritin)
    if stage != "I":
        total += value(rows, "coefficients", "shrunken_coefficient", variable="stage", variable_level=stage)
    return total


def test_shrunken_coefficients_are_smaller_and_their_mean_risk_is_the_share(large: pl.DataFrame) -> None:
    shrinkage = value(large, "coefficients", "shrinkage")
    assert 0.8 < shrinkage <= 1
    plain = value(large, "coefficients", "coefficient", variable="ferritin")
    shrunken = value(large, "coefficients", "shrunken_coefficient", variable="ferritin")
    assert shrunken == pytest.approx(plain * shrinkage)
    factors, sides = make_patients()
    odds = np.array(
        [find_log_odds(large, f, s) for f, s in zip(factors[0].values, factors[1].values, strict=True)]
    )
    assert (1 / (1 + np.exp(-odds))).mean() == pytest.approx(sides.policy.mean(), abs=1e-9)


def test_a_nomogram_read_by_hand_gives_the_risk_of_the_model(large: pl.DataFrame) -> None:
    low = value(large, "inputs", "minimum", variable="ferritin")
    points = large.filter(
        pl.col("group") == "nomogram", pl.col("variable") == "ferritin", pl.col("estimate") == "points"
    )
    assert points["value"].min() == 0
    assert points["value"].max() == pytest.approx(100)
    of_stage = value(large, "nomogram", "points", variable="stage", variable_level="III")
    totals = large.filter(pl.col("group") == "nomogram", pl.col("variable") == "total")
    at = totals.filter(pl.col("estimate") == "points")["value"].to_numpy()
    risk = totals.filter(pl.col("estimate") == "risk")["value"].to_numpy()
    read = np.interp(of_stage, at, np.log(risk / (1 - risk)))
    assert read == pytest.approx(find_log_odds(large, low, "III"), abs=1e-9)


def test_every_patient_has_one_total_of_the_points(large: pl.DataFrame) -> None:
    totals = large.filter(pl.col("group") == "points", pl.col("variable") == "total")
    assert totals.filter(pl.col("estimate") == "patients")["value"].sum() == 320
    assert totals.filter(pl.col("estimate") == "events")["value"].sum() == value(large, "size", "events")
    risks = totals.filter(pl.col("estimate") == "risk")["value"].to_list()
    assert risks == sorted(risks)
    own = value(large, "points", "c_statistic")
    assert own == pytest.approx(value(large, "performance", "apparent", variable="c_statistic"), abs=0.03)


def test_curves_are_corrected_and_treat_all_is_told(large: pl.DataFrame) -> None:
    curve = large.filter(pl.col("group") == "calibration", pl.col("status") == "ok")
    assert curve.filter(pl.col("estimate") == "predicted").height == 50
    share = value(large, "size", "prevalence")
    expected = share - (1 - share) * 0.3 / 0.7
    assert value(large, "decision", "treat_all", variable_level="0") == pytest.approx(expected)
    assert value(large, "decision", "corrected", variable_level="0") <= value(
        large, "decision", "apparent", variable_level="0"
    )


def test_cuts_are_found_anew_and_frequencies_are_told() -> None:
    cuts = {"higher_means_event": ["ferritin"]}
    rows = predict(make_analysis(cuts=cuts, select={"p_below": 0.05}), make_patients(200))
    cut = value(rows, "coefficients", "cut", variable="ferritin")
    (level,) = rows.filter(pl.col("estimate") == "cut")["variable_level"].to_list()
    assert level == f">= {cut:.12g}"
    assert 90 < value(rows, "selection", "frequency", variable="ferritin") <= 100
    assert value(rows, "selection", "unscreened", variable="ferritin") == 0
    different = value(rows, "models", "different")
    assert rows.filter(pl.col("group") == "models", pl.col("estimate") == "count").height == different


def test_noise_chooses_no_factor_and_says_so() -> None:
    rng = np.random.default_rng(1)
    factors, sides = make_patients(80)
    noise = FactorColumn("x", "X", pl.Series(rng.normal(size=80)))
    rows = predict(make_analysis(factors=["x"], select={"p_below": 0.001}), ([noise], sides))
    assert pick(rows, "coefficients", "model")["note"] == "no factor was chosen"
    assert factors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"expected_c": 0.7}, "needs exactly one of expected_r2"),
        ({"expected_r2": None}, "needs exactly one of expected_r2"),
        ({"cuts": {"higher_means_event": ["anc"]}}, "cuts names anc, not among the factors"),
        ({"cuts": {}}, "needs factors in higher_means_event or lower_means_event"),
        ({"thresholds": [0.4, 0.2]}, "must rise"),
        ({"resamples": 20}, "greater than or equal to 200"),
    ],
)
def test_keys_that_do_not_go_together_are_told(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_analysis(**change)
