"""Factors against an outcome: groups, cuts, models and what the number of events allows.

The counts of the 2 x 2 tables and their odds ratios are those of Qiu et al. 2023, Table III
(doi:10.3892/ol.2023.13924); the counts were recovered from the printed odds ratios.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from cytopenia.definitions import load_library
from cytopenia.results import ResultRow
from cytopenia.study.analysis_forms import Crosstab, RiskFactors, Roc
from cytopenia.study.associations import RiskFactorInput, summarize_crosstab, summarize_risk_factors
from cytopenia.study.cut_points import apply_cut, fit_curves, summarize_roc
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides, derive_sides

Found = dict[tuple[str, ...], ResultRow]


def make_sides(
    event: list[float], *, best: list[float] | None = None, worst: list[float] | None = None
) -> Sides:
    arrays = {"policy": event, "best": best or event, "worst": worst or event}
    return Sides(("Yes", "No"), {name: np.array(values, dtype=float) for name, values in arrays.items()}, {})


def make_analysis(**changes: Any) -> RiskFactors:
    keys: dict[str, Any] = {
        "id": "t",
        "kind": "risk_factors",
        "outcome": "o",
        "event": "yes",
        "factors": ["x"],
        "columns": ["univariable"],
        "parity": "spss",
    }
    return RiskFactors.model_validate({**keys, **changes})


def find(rows: list[ResultRow], *names: str) -> Found:
    return {tuple(getattr(row, name) for name in names): row for row in rows}


def run(analysis: RiskFactors, factors: list[FactorColumn], sides: Sides, **curves: Any) -> list[ResultRow]:
    given = RiskFactorInput(factors, sides, curves, load_library().gates, seed=1)
    return list(summarize_risk_factors(analysis, given))


def two_by_two(
    event_above: int, event_below: int, other_above: int, other_below: int
) -> tuple[FactorColumn, Sides]:
    """A number that is 3 above the cut of 2.29 and 2 below it."""
    values = [3.0] * event_above + [2.0] * event_below + [3.0] * other_above + [2.0] * other_below
    event = [1.0] * (event_above + event_below) + [0.0] * (other_above + other_below)
    return FactorColumn("x", "Baseline ANC", pl.Series(values)), make_sides(event)


@pytest.mark.parametrize(
    ("counts", "odds_ratio", "low", "high", "p_value"),
    [
        ((33, 6, 7, 14), "11.000", "3.130", "38.660", "0.000"),
        ((26, 13, 4, 17), "8.500", "2.371", "30.466", "0.001"),
        ((4, 34, 11, 10), "0.107", "0.028", "0.410", "0.001"),
        ((13, 26, 14, 7), "0.250", "0.081", "0.770", "0.016"),
        ((5, 34, 12, 9), "0.110", "0.031", "0.395", "0.001"),
    ],
)
def test_the_univariable_column_of_the_paper(
    counts: tuple[int, int, int, int], odds_ratio: str, low: str, high: str, p_value: str
) -> None:
    factor, sides = two_by_two(*counts)
    analysis = make_analysis(cutpoints={"rule": "fixed", "values": {"x": 2.29}})
    rows = find(run(analysis, [factor], sides), "group", "variable_level", "estimate")
    model = rows["univariable", ">= 2.29", "odds_ratio"]
    assert [f"{end:.3f}" for end in (model.value, model.low, model.high)] == [odds_ratio, low, high]
    assert f"{rows['univariable', '>= 2.29', 'p_value'].value:.3f}" == p_value
    assert rows["univariable", "< 2.29", "reference"].text == "Baseline ANC"
    assert rows["univariable", ">= 2.29", "events"].value == counts[0]
    assert rows["univariable", ">= 2.29", "patients"].value == counts[0] + counts[2]


def test_the_other_reference_turns_the_label_and_the_odds_ratio() -> None:
    factor, sides = two_by_two(33, 6, 7, 14)
    cutpoints = {"rule": "fixed", "values": {"x": 2.29}, "reference": "high"}
    rows = find(run(make_analysis(cutpoints=cutpoints), [factor], sides), "variable_level", "estimate")
    assert rows["< 2.29", "odds_ratio"].value == pytest.approx(1 / 11, rel=1e-9)
    assert (">= 2.29", "reference") in rows


def test_a_value_at_the_cut_is_above_it() -> None:
    factor = FactorColumn("x", "X", pl.Series([2.28, 2.29, 2.3, None]))
    assert apply_cut(factor, 2.29, reference="low").values.to_list() == [
        "< 2.29",
        ">= 2.29",
        ">= 2.29",
        None,
    ]


def test_a_value_below_a_limit_above_the_cut_is_on_no_side() -> None:
    is_below = pl.Series([True, True, True, False])
    factor = FactorColumn("x", "X", pl.Series([0.1, 0.5, 2.0, 2.0]), censored_below=is_below)
    assert apply_cut(factor, 0.5, reference="low").values.to_list() == ["< 0.5", "< 0.5", None, ">= 0.5"]


def test_early_deaths_are_in_no_group_unless_they_count_as_not_recovered() -> None:
    frame = pl.DataFrame(
        {
            "policy": [0.0, 1.0, None, None],
            "best": [0.0, 1.0, 0.0, None],
            "worst": [0.0, 1.0, 1.0, None],
            "label": ["recovered", "not recovered", "not evaluable", "died before landmark"],
        }
    )
    analysis = Roc(id="r", kind="roc", outcome="o", event="not_recovered", higher_means_event=("x",))
    sides = derive_sides(analysis, frame, died_before_landmark="exclude")
    assert sides.policy.tolist()[:2] == [0.0, 1.0]
    assert np.isnan(sides.policy[2:]).all()
    assert sides.event["best"].tolist()[:3] == [0.0, 1.0, 0.0]
    assert sides.event["worst"].tolist()[:3] == [0.0, 1.0, 1.0]
    assert sides.left_out == {"died before landmark": 1, "not judged": 1}
    assert sides.names == ("Not recovered", "Recovered")
    counted = derive_sides(analysis, frame, died_before_landmark="not_recovered")
    assert counted.policy[3] == 1.0
    assert counted.left_out == {"not judged": 1}


def test_groups_have_bounds_and_missing_values_of_their_own() -> None:
    sides = make_sides([1, 1, 0, 0], best=[1, 0, 0, 0], worst=[1, 1, 1, 0])
    category = FactorColumn("x", "X", pl.Series(["a", "b", None, "a"]))
    rows = run(make_analysis(columns=["groups"]), [category], sides)
    found = find(rows, "variable", "variable_level", "stratum", "scenario", "estimate")
    sizes = [found["patients", "", "event", name, "count"].value for name in ("policy", "best", "worst")]
    assert sizes == [2, 1, 3]
    assert found["x", "a", "event", "policy", "percent"].value == 50
    assert found["x", "b", "event", "best", "count"].value == 0
    assert found["x", "a", "event", "worst", "count"].value == 1
    assert found["x", "", "no event", "", "missing"].value == 1
    assert found["x", "", "no event", "", "denominator"].value == 1
    assert found["x", "a", "no event", "policy", "percent"].value == 100


def numbered(events: int, others: int, *, terms: int) -> tuple[list[FactorColumn], Sides]:
    rng = np.random.default_rng(7)
    n = events + others
    factors = [FactorColumn(f"x{k}", f"X{k}", pl.Series(rng.normal(size=n))) for k in range(terms)]
    return factors, make_sides([1.0] * events + [0.0] * others)


@pytest.mark.parametrize(
    ("events", "others", "univariable", "multivariable"),
    [
        (9, 60, "not_done", "not_done"),
        (10, 60, "ok", "not_done"),
        (60, 19, "ok", "not_done"),
        (20, 60, "ok", "ok"),
    ],
)
def test_the_smaller_group_decides_what_is_fitted(
    events: int, others: int, univariable: str, multivariable: str
) -> None:
    factors, sides = numbered(events, others, terms=2)
    analysis = make_analysis(
        factors=["x0", "x1"],
        columns=["univariable", "multivariable"],
        multivariable={"terms": ["x0", "x1"]},
        parity="default",
    )
    rows = find(run(analysis, factors, sides), "group", "variable", "estimate")
    assert rows["univariable", "x0", "odds_ratio"].status == univariable
    assert rows["multivariable", "x0", "odds_ratio"].status == multivariable
    assert rows["gate", "model", "smaller_group"].value == min(events, others)


def test_more_terms_than_the_events_allow_are_refused_by_default_and_noted_on_request() -> None:
    factors, sides = numbered(25, 40, terms=3)
    keys = {
        "factors": ["x0", "x1", "x2"],
        "columns": ["multivariable"],
        "multivariable": {"terms": ["x0", "x1", "x2"]},
    }
    refused = find(run(make_analysis(**keys, parity="default"), factors, sides), "group", "variable")
    assert refused["multivariable", "x0"].note.endswith("they allow 2 terms, the model has 3")
    requested = find(run(make_analysis(**keys), factors, sides), "group", "variable", "estimate")
    assert requested["multivariable", "x0", "odds_ratio"].status == "ok"
    assert requested["gate", "model", "smaller_group"].note.endswith("as requested and is not reliable")


def test_a_factor_enters_by_its_p_value_and_the_others_say_theirs() -> None:
    factor, sides = two_by_two(33, 6, 7, 14)
    noise = FactorColumn("noise", "Noise", pl.Series([float(k % 7) for k in range(60)]))
    analysis = make_analysis(
        factors=["x", "noise"],
        columns=["univariable", "multivariable"],
        multivariable={"select": {"screen": "univariable", "p_below": 0.05}},
    )
    rows = find(run(analysis, [factor, noise], sides), "group", "variable", "estimate")
    assert rows["multivariable", "x", "odds_ratio"].status == "ok"
    left = rows["multivariable", "noise", "odds_ratio"]
    assert left.status == "not_done"
    assert left.note.startswith("not selected: P = 0.")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["a"] * 60, "all patients have the same level"),
        ([None] * 60, "no patient with every value"),
        ([1.0] * 60, "all patients have the same value"),
    ],
)
def test_a_factor_that_says_nothing_has_a_reason(values: list[Any], words: str) -> None:
    _, sides = two_by_two(33, 6, 7, 14)
    factor = FactorColumn("x", "X", pl.Series(values, dtype=pl.String if values[0] is None else None))
    rows = run(make_analysis(columns=["groups", "p", "univariable"]), [factor], sides)
    models = [row for row in rows if row.group == "univariable" and row.estimate == "odds_ratio"]
    assert [(row.status, row.value, row.note) for row in models] == [("not_estimable", None, words)]
    tests = [row for row in rows if row.group == "test"]
    assert [row.status for row in tests] == ["not_estimable"]
    assert tests[0].note


def test_separation_is_said_and_no_odds_ratio_is_printed() -> None:
    _, sides = two_by_two(33, 6, 7, 14)
    factor = FactorColumn("x", "X", pl.Series(["a"] * 39 + ["b"] * 21))
    rows = find(run(make_analysis(), [factor], sides), "variable_level", "estimate")
    row = rows["b", "odds_ratio"]
    assert (row.status, row.value, row.high) == ("not_estimable", None, None)
    assert "separat" in row.note


@pytest.mark.parametrize("event", [[1.0] * 60, [0.0] * 60, [math.nan] * 60])
def test_everybody_in_one_group_or_in_none_gives_reasons(event: list[float]) -> None:
    factor = FactorColumn("x", "X", pl.Series([float(k) for k in range(60)]))
    sides = make_sides(event)
    analysis = make_analysis(
        columns=["groups", "p", "univariable", "multivariable"],
        multivariable={"terms": ["x"]},
        normality="shapiro_wilk",
    )
    rows = run(analysis, [factor], sides)
    assert all(row.note for row in rows if row.status != "ok")
    assert not [row for row in rows if row.estimate == "odds_ratio" and row.status == "ok"]
    assert not [row for row in rows if row.group == "test" and row.status == "ok"]
    roc = Roc(id="r", kind="roc", outcome="o", event="yes", higher_means_event=("x",))
    curves = fit_curves(roc, [factor], sides)
    found = find(list(summarize_roc([factor], curves, sides, analysis_id="r")), "variable", "estimate")
    assert found["x", "auc"].status == "not_estimable"
    cut = make_analysis(cutpoints={"rule": "youden", "roc": "r"})
    refused = find(run(cut, [factor], sides, r=curves), "group", "estimate")
    assert refused["cutpoints", "cut"].status == "not_estimable"
    assert refused["univariable", "odds_ratio"].status == "not_done"


def test_forty_factors_of_63_patients_end_in_rows() -> None:
    factors, sides = numbered(21, 42, terms=40)
    names = [factor.name for factor in factors]
    analysis = make_analysis(
        factors=names, columns=["univariable", "multivariable"], multivariable={"terms": names}
    )
    rows = run(analysis, factors, sides)
    models = [row for row in rows if row.group == "multivariable" and row.estimate == "odds_ratio"]
    assert len(models) == 40
    assert all(row.note or row.status == "ok" for row in models)
    assert all(row.value is None or row.value < 1e6 for row in models)


def test_a_factor_missing_for_half_is_fitted_on_the_others() -> None:
    factor, sides = two_by_two(32, 6, 8, 14)
    values = [value if k % 2 else None for k, value in enumerate(factor.values.to_list())]
    half = FactorColumn("x", "X", pl.Series(values))
    rows = find(run(make_analysis(), [half], sides), "variable", "estimate")
    assert rows["model", "missing"].value == 30
    assert rows["model", "n"].value == 30


def test_a_cross_table_of_the_paper() -> None:
    """Thrombocytopenia by severity of CRS: 1 of 19, 13 of 40, 1 of 4 (Table SV in the Results)."""
    levels = ["none"] * 19 + ["grade 1-2"] * 40 + ["grade >= 3"] * 4
    event = [1.0] + [0.0] * 18 + [1.0] * 13 + [0.0] * 27 + [1.0] + [0.0] * 3
    factor = FactorColumn("crs", "CRS", pl.Series(levels), levels=("none", "grade 1-2", "grade >= 3"))
    analysis = Crosstab(
        id="s5", kind="crosstab", outcome="o", event="yes", factor="crs", pairwise=True, parity="spss"
    )
    rows = list(summarize_crosstab(analysis, factor, make_sides(event), seed=1))
    counts = find([row for row in rows if row.scenario == "policy"], "variable_level", "stratum", "estimate")
    assert counts["grade 1-2", "event", "percent"].value == 32.5
    assert f"{counts['none', 'event', 'percent'].value:.2f}" == "5.26"
    assert counts["grade >= 3", "event", "denominator"].value == 4
    pairs = find([row for row in rows if row.group == "pairwise"], "variable_level", "estimate")
    # By hand: two events among 23 patients; one or both among the four have (4 * 19 + 6) of 253 pairs.
    assert pairs["none vs grade >= 3", "p_value"].value == pytest.approx(82 / 253)
    assert pairs["none vs grade 1-2", "p_value"].value < 0.05
    assert pairs["none vs grade 1-2", "p_holm"].value == pytest.approx(
        3 * pairs["none vs grade 1-2", "p_value"].value
    )
