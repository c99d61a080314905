"""Groups, comparisons and ROC areas on imputed values beside the complete cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from cytopenia.definitions import load_library
from cytopenia.results import ResultRow
from cytopenia.stats.imputed_performance import pool_discrimination
from cytopenia.stats.pooling import pool_proportions
from cytopenia.study.analysis_forms import RiskFactors, Roc
from cytopenia.study.associations import RiskFactorInput, summarize_risk_factors
from cytopenia.study.cut_points import Cut
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.imputed_factors import ImputationInput, impute_factors
from cytopenia.study.imputed_groups import summarize_imputed, summarize_imputed_areas

Key = tuple[str, str, str, str, str]


def make_patients(rows: int = 60) -> tuple[list[FactorColumn], Sides]:
    """x and g lack values, z does not; three levels of s, one of them missing now and then."""
    rng = np.random.default_rng(3)
    x, z = rng.normal(5, 1, rows), rng.normal(size=rows)
    g = np.where(rng.random(rows) < 0.5, "a", "b").astype(object)
    s = np.array(["I", "II", "III"])[rng.integers(0, 3, rows)].astype(object)
    event = (rng.random(rows) < 1 / (1 + np.exp(-(x - 5) - z))).astype(float)
    event[-1] = np.nan
    x[:12], g[8:18], s[20:27] = np.nan, None, None
    factors = [
        FactorColumn("x", "X", pl.Series("x", x).fill_nan(None)),
        FactorColumn("z", "Z", pl.Series("z", z)),
        FactorColumn("g", "G", pl.Series("g", g.tolist(), dtype=pl.String)),
        FactorColumn("s", "S", pl.Series("s", s.tolist(), dtype=pl.String)),
    ]
    return factors, Sides(("Yes", "No"), dict.fromkeys(("policy", "best", "worst"), event), {})


def make_analysis(**changes: Any) -> RiskFactors:
    keys: dict[str, Any] = {
        "id": "t",
        "kind": "risk_factors",
        "outcome": "o",
        "event": "yes",
        "factors": ["x", "z", "g", "s"],
        "columns": ["groups", "p"],
        "missing": {"method": "multiple_imputation", "imputations": 5, "iterations": 4},
    }
    return RiskFactors.model_validate({**keys, **changes})


FACTORS, SIDES = make_patients()
ANALYSIS = make_analysis()
GIVEN = ImputationInput(FACTORS, SIDES, {}, [], seed=7)
IMPUTED = impute_factors(FACTORS, SIDES, rule=ANALYSIS.missing, seed=7)


def find(rows: list[ResultRow]) -> dict[Key, ResultRow]:
    found = {(r.group, r.stratum, r.variable, r.variable_level, r.estimate): r for r in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture(scope="module")
def rows() -> dict[Key, ResultRow]:
    return find(list(summarize_imputed(ANALYSIS, GIVEN)))


def tables(name: str) -> list[pl.Series]:
    return [column.values for column in IMPUTED.columns[name]]


def test_means_of_a_group_are_pooled(rows: dict[Key, ResultRow]) -> None:
    is_event = SIDES.policy == 1
    values = np.array([column.to_numpy()[is_event] for column in tables("x")])
    found = rows["groups_imputed", "event", "x", "", "mean"]
    assert found.value is not None
    assert found.value == pytest.approx(values.mean())
    assert found.n == is_event.sum()
    # Rubin's rules by hand.
    total = values.var(axis=1, ddof=1).mean() / is_event.sum() + 1.2 * values.mean(axis=1).var(ddof=1)
    error = rows["groups_imputed", "event", "x", "", "standard_error"].value
    assert error == pytest.approx(np.sqrt(total))
    assert found.low == pytest.approx(found.value - (found.high or 0.0) + found.value)
    assert rows["groups_imputed", "event", "x", "", "median"].value == pytest.approx(
        np.median(values, axis=1).mean()
    )
    assert rows["groups_imputed", "event", "x", "", "median"].low is None


def test_what_is_not_pooled_says_why(rows: dict[Key, ResultRow]) -> None:
    extremes = rows["groups_imputed", "event", "x", "", "range"]
    assert (extremes.status, extremes.value) == ("not_done", None)
    assert "donors" in extremes.note
    assert rows["test_imputed", "", "x", "", "mann_whitney"].status == "not_done"
    assert "ROC curve" in rows["test_imputed", "", "x", "", "mann_whitney"].note
    assert rows["test_imputed", "", "s", "", "chi_squared"].status == "not_done"


def test_a_factor_without_gaps_is_told_and_not_repeated(rows: dict[Key, ResultRow]) -> None:
    for group in ("groups_imputed", "test_imputed"):
        own = [row for key, row in rows.items() if key[0] == group and key[2] == "z"]
        assert [(row.status, row.note) for row in own] == [
            ("not_done", "no value is missing; the complete cases hold")
        ]


def test_shares_are_pooled_on_the_logit_scale(rows: dict[Key, ResultRow]) -> None:
    is_event = SIDES.policy == 1
    counts = [int((column.to_numpy()[is_event] == "b").sum()) for column in tables("g")]
    expected = pool_proportions(counts, int(is_event.sum()))
    found = rows["groups_imputed", "event", "g", "b", "percent"]
    assert expected.estimate is not None
    assert expected.high is not None
    assert (found.value, found.high) == pytest.approx((100 * expected.estimate, 100 * expected.high))


def test_numbers_are_compared_by_the_pooled_area_and_the_difference_of_means(
    rows: dict[Key, ResultRow],
) -> None:
    members = ~np.isnan(SIDES.policy)
    values = np.array([column.to_numpy()[members] for column in tables("x")])
    area = pool_discrimination(values, SIDES.policy[members])
    found = rows["test_imputed", "", "x", "", "auc"]
    assert (found.value, found.low, found.high) == pytest.approx((area.estimate, area.low, area.high))
    p_value = rows["test_imputed", "", "x", "", "p_value"]
    assert (p_value.value, p_value.text) == (pytest.approx(area.p_value), "pooled_area")
    apart = rows["test_imputed", "", "x", "", "mean_difference"]
    is_event = SIDES.policy[members] == 1
    assert apart.value == pytest.approx(values[:, is_event].mean() - values[:, ~is_event].mean())


def test_welch_named_takes_the_p_of_the_difference() -> None:
    found = find(list(summarize_imputed(make_analysis(tests={"x": "welch_t"}), GIVEN)))
    p_value = found["test_imputed", "", "x", "", "p_value"]
    assert p_value.text == "pooled_difference"
    assert p_value.value == found["test_imputed", "", "x", "", "p_value_mean_difference"].value


def test_levels_are_compared_by_difference_or_all_at_once(rows: dict[Key, ResultRow]) -> None:
    two, three = (rows["test_imputed", "", name, "", "p_value"] for name in ("g", "s"))
    assert (two.text, three.text) == ("pooled_difference", "d1_firth")
    assert rows["test_imputed", "", "s", "", "degrees"].value == 2
    differences = [rows["test_imputed", "", "s", level, "risk_difference"].value for level in ("I", "II")]
    assert all(value is not None and abs(value) < 100 for value in differences)


def test_cuts_are_applied_after_imputation() -> None:
    given = ImputationInput(FACTORS, SIDES, {"x": Cut(5.0, "fixed")}, [], seed=7)
    found = find(list(summarize_imputed(ANALYSIS, given)))
    is_event = SIDES.policy == 1
    counts = [int((column.to_numpy()[is_event] >= 5.0).sum()) for column in tables("x")]
    expected = pool_proportions(counts, int(is_event.sum()))
    assert expected.estimate is not None
    value = found["groups_imputed", "event", "x", ">= 5", "percent"].value
    assert value == pytest.approx(100 * expected.estimate)


def test_a_level_that_nobody_has_keeps_its_share_without_an_interval() -> None:
    """The gap is on the other side, so that no table has anybody of the level with the event."""
    values = ["a"] * 30 + ["a", "b"] * 14 + ["b", None]
    event = np.array([1.0] * 30 + [0.0] * 30)
    factor = FactorColumn("g", "G", pl.Series("g", values, dtype=pl.String))
    sides = Sides(("Yes", "No"), dict.fromkeys(("policy", "best", "worst"), event), {})
    given = ImputationInput([factor], sides, {}, [], seed=1)
    found = find(list(summarize_imputed(make_analysis(factors=["g"]), given)))
    row = found["groups_imputed", "event", "g", "b", "percent"]
    assert (row.value, row.low, row.status) == (0.0, None, "ok")
    assert row.note == "no interval: nobody, or everybody, in an imputed table"


def test_the_imputation_is_told_once_with_models_and_without() -> None:
    gates = load_library().gates
    for columns in (["groups"], ["groups", "univariable"]):
        analysis = make_analysis(columns=columns)
        made = list(summarize_risk_factors(analysis, RiskFactorInput(FACTORS, SIDES, {}, gates, 7)))
        told = [
            r for r in made if (r.group, r.variable, r.estimate) == ("imputation", "model", "imputations")
        ]
        assert [row.value for row in told] == [5]
        assert any(row.group == "groups_imputed" for row in made)
        assert not any(row.group == "test_imputed" for row in made)


def test_imputation_needs_something_to_stand_beside() -> None:
    with pytest.raises(ValidationError, match="add groups, p, univariable or multivariable"):
        make_analysis(columns=["effect"])


def test_areas_of_a_roc_analysis_keep_their_direction() -> None:
    analysis = Roc.model_validate(
        {
            "id": "r",
            "kind": "roc",
            "outcome": "o",
            "event": "yes",
            "lower_means_event": ["x"],
            "higher_means_event": ["z"],
            "missing": {"method": "multiple_imputation", "imputations": 5, "iterations": 4},
        }
    )
    found = find(list(summarize_imputed_areas(analysis, FACTORS[:2], SIDES, seed=7)))
    imputed = impute_factors(FACTORS[:2], SIDES, rule=analysis.missing, seed=7)
    members = ~np.isnan(SIDES.policy)
    values = np.array([-column.values.to_numpy()[members] for column in imputed.columns["x"]])
    area = pool_discrimination(values, SIDES.policy[members])
    row = found["roc_imputed", "", "x", "", "auc"]
    assert (row.value, row.text, row.n) == (pytest.approx(area.estimate), "lower", members.sum())
    assert found["roc_imputed", "", "x", "", "cut"].status == "not_done"
    assert found["roc_imputed", "", "z", "", "auc"].status == "not_done"


def test_nobody_with_an_outcome_is_told() -> None:
    nobody = Sides(("Yes", "No"), dict.fromkeys(("policy", "best", "worst"), np.full(60, np.nan)), {})
    made = list(summarize_imputed(ANALYSIS, ImputationInput(FACTORS, nobody, {}, [], seed=7)))
    assert {row.status for row in made if row.group == "groups_imputed"} == {"not_estimable"}
