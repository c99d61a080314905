"""`parity = "compare"`: the rows of what each program gives, beside an analysis that stays as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from cytopenia.definitions import load_library
from cytopenia.results import ResultRow
from cytopenia.study.analysis_forms import Crosstab, RiskFactors, Roc
from cytopenia.study.associations import RiskFactorInput, summarize_crosstab, summarize_risk_factors
from cytopenia.study.cut_points import fit_curves
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.program_conventions import summarize_cut_conventions

COMPARE = {"parity": "compare", "significance_level": 0.05}
Found = dict[tuple[str, ...], ResultRow]


def make_sides(event: list[float]) -> Sides:
    arrays = {name: np.array(event, dtype=float) for name in ("policy", "best", "worst")}
    return Sides(("Yes", "No"), arrays, {})


def make_levels(table: dict[str, tuple[int, int]], **more: Any) -> tuple[FactorColumn, Sides]:
    """Return a factor and its sides: of each level those with and without the event."""
    values = [level for level, (yes, no) in table.items() for _ in range(yes + no)]
    event = [side for yes, no in table.values() for side in [1.0] * yes + [0.0] * no]
    return FactorColumn("crs", "CRS", pl.Series(values), levels=tuple(table), **more), make_sides(event)


# Qiu et al. 2023, Results and Table SV: thrombocytopenia in 1 of 19, 13 of 40 and 1 of 4 patients.
def take_paper(**more: Any) -> tuple[FactorColumn, Sides]:
    return make_levels({"none": (1, 18), "grade 1-2": (13, 27), "grade >= 3": (1, 3)}, **more)


def run_crosstab(factor: FactorColumn, sides: Sides, **keys: Any) -> list[ResultRow]:
    given = {"id": "t", "kind": "crosstab", "outcome": "o", "event": "yes", "factor": "crs", **keys}
    return list(summarize_crosstab(Crosstab.model_validate(given), factor, sides, seed=1))


def run_factors(factors: list[FactorColumn], sides: Sides, **keys: Any) -> list[ResultRow]:
    names = [factor.name for factor in factors]
    given = {"id": "t", "kind": "risk_factors", "outcome": "o", "event": "yes", "factors": names, **keys}
    work = RiskFactorInput(factors, sides, {}, load_library().gates, seed=1)
    return list(summarize_risk_factors(RiskFactors.model_validate(given), work))


def pick(rows: list[ResultRow], **more: str) -> Found:
    """Rows of the group by program and estimate."""
    wanted = {"group": "conventions", "variable_level": "", **more}
    return {
        (row.stratum, row.estimate): row
        for row in rows
        if all(getattr(row, name) == value for name, value in wanted.items())
    }


def test_thrombocytopenia_by_crs() -> None:
    """Chi-squared 0.072, Fisher below 0.05: the conclusion depends on the test, so on the program."""
    found = pick(run_crosstab(*take_paper(), **COMPARE))
    assert found["spss", "p_chi_squared"].value == pytest.approx(0.072, abs=0.0005)
    assert found["r", "p_chi_squared"].value == pytest.approx(0.072, abs=0.0005)
    # fisher.test of R 4.2.2
    assert found["r", "p_fisher_exact"].value == pytest.approx(0.047170406, abs=1e-9)
    assert found["", "depends_independence"].value == 1
    assert found["", "depends_independence"].level == "independence"
    assert found["", "significance_level"].value == 0.05
    assert ("r", "p_cochran_armitage") not in found


def test_at_another_level_nothing_depends_on_the_program() -> None:
    found = pick(run_crosstab(*take_paper(), **{**COMPARE, "significance_level": 0.01}))
    assert found["", "depends_independence"].value == 0


def test_a_trend_is_judged_by_itself() -> None:
    """Linear-by-linear 0.0591 and prop.trend.test 0.0571 (R 4.2.2): neither is below 0.05."""
    found = pick(run_crosstab(*take_paper(is_ordered=True), **COMPARE))
    assert found["spss", "p_linear_by_linear"].value == pytest.approx(0.0591, abs=5e-5)
    assert found["", "depends_trend"].value == 0
    assert found["", "depends_independence"].value == 1


def test_the_analysis_itself_stays_as_it_was() -> None:
    factor, sides = take_paper()
    compared = run_crosstab(factor, sides, pairwise=True, **COMPARE)
    plain = run_crosstab(factor, sides, pairwise=True)
    assert [row for row in compared if row.group != "conventions"] == plain
    columns = {"columns": ["groups", "effect", "p", "univariable"]}
    compared = run_factors([factor], sides, **columns, **COMPARE)
    assert [row for row in compared if row.group != "conventions"] == run_factors([factor], sides, **columns)


def test_pairs_are_compared_too() -> None:
    """None against grade 1-2: with Yates 0.0488, without 0.0216, Fisher 0.0242 (R 4.2.2)."""
    rows = run_crosstab(*take_paper(), pairwise=True, **COMPARE)
    found = pick(rows, variable_level="none vs grade 1-2")
    assert found["r", "p_chi_squared_yates"].value == pytest.approx(0.04879624, abs=1e-8)
    assert found["spss", "p_chi_squared"].value == pytest.approx(0.02157105, abs=1e-8)
    assert found["", "depends_independence"].value == 0


def test_every_row_has_a_name_of_its_own() -> None:
    rows = run_crosstab(*take_paper(is_ordered=True), pairwise=True, **COMPARE)
    keys = [
        (row.stratum, row.variable, row.variable_level, row.scenario, row.estimate, row.group) for row in rows
    ]
    assert len(keys) == len(set(keys))


# In R: glm of twelve of 20 against five of 19, Wald 0.0383, ratio of likelihoods 0.0319 (make_conventions.R).
BORDER = {"low": (5, 14), "high": (12, 8)}


def test_models_by_program() -> None:
    factor, sides = make_levels(BORDER)
    found = pick(run_factors([factor], sides, columns=["univariable"], **COMPARE))
    assert found["spss", "p_wald"].value == pytest.approx(0.038276632, abs=1e-8)
    assert found["r", "p_likelihood_ratio"].value == pytest.approx(0.031943563, abs=1e-8)
    penalized = found["logistf", "p_penalized_likelihood_ratio"].value
    rows = run_factors([factor], sides, columns=["univariable"], **COMPARE)
    (own,) = (row for row in rows if row.group == "univariable" and row.estimate == "p_value")
    assert penalized == pytest.approx(own.value, abs=1e-6)
    assert found["", "depends_univariable"].value == 0
    assert ("spss", "p_chi_squared") not in found


def test_a_factor_of_several_levels_is_tested_as_a_whole() -> None:
    """R 4.2.2: Wald of both levels 0.1350, ratio of likelihoods 0.0412."""
    found = pick(run_factors([take_paper()[0]], take_paper()[1], columns=["univariable"], **COMPARE))
    assert found["spss", "p_wald"].value == pytest.approx(0.13501982, abs=1e-7)
    assert found["r", "p_likelihood_ratio"].value == pytest.approx(0.04121902, abs=1e-7)
    assert found["", "depends_univariable"].value == 1
    # The summary of R tests each level; only anova tests the factor.
    assert ("r", "p_wald") not in found


def test_separation_is_told_and_not_a_number() -> None:
    factor, sides = make_levels({"low": (0, 16), "high": (15, 57)})
    found = pick(run_factors([factor], sides, columns=["univariable"], **COMPARE))
    for key in (("spss", "p_wald"), ("r", "p_likelihood_ratio")):
        assert found[key].value is None
        assert found[key].status == "not_estimable"
        assert "separates the event" in found[key].note
    assert found["logistf", "p_penalized_likelihood_ratio"].value is not None
    assert found["", "depends_univariable"].value is None


def test_few_events_have_no_models_under_any_program() -> None:
    factor, sides = make_levels({"low": (3, 14), "high": (5, 8)})
    found = pick(run_factors([factor], sides, columns=["p", "univariable"], **COMPARE))
    assert found["", "depends_univariable"].status == "not_done"
    assert "8 patients in the smaller group" in found["", "depends_univariable"].note
    assert ("spss", "p_wald") not in found
    assert ("spss", "p_chi_squared") in found


# R 4.2.2: wilcox.test 0.0657, without continuity correction 0.0575; t.test 0.0485, var.equal = TRUE 0.0522.
TIED = [1, 2, 2, 3, 3, 3, 5], [2, 3, 3, 4, 5, 5, 6, 7]


def test_numbers_by_program() -> None:
    one, two = TIED
    factor = FactorColumn("x", "X", pl.Series([*one, *two], dtype=pl.Float64))
    sides = make_sides([1.0] * len(one) + [0.0] * len(two))
    found = pick(run_factors([factor], sides, columns=["p"], **COMPARE))
    assert found["spss", "p_mann_whitney_asymptotic"].value == pytest.approx(0.0574669, abs=1e-7)
    assert found["r", "p_mann_whitney_continuity"].value == pytest.approx(0.0657131, abs=1e-7)
    assert found["", "depends_difference"].value == 0
    named = pick(run_factors([factor], sides, columns=["p"], tests={"x": "welch_t"}, **COMPARE))
    assert named["r", "p_welch_t"].value == pytest.approx(0.0485188, abs=1e-7)
    assert named["scipy", "p_student_t"].value == pytest.approx(0.0521560, abs=1e-7)
    assert named["", "depends_means"].value == 1


@pytest.mark.parametrize(
    ("direction", "midpoint", "observed"),
    [
        ("higher_means_event", ">= 3.5", ">= 4"),
        ("lower_means_event", "< 3.5", "<= 3"),
    ],
)
def test_cuts_by_program(direction: str, midpoint: str, observed: str) -> None:
    event = [0.0, 0.0, 0.0, 1.0, 1.0] if direction.startswith("higher") else [1.0, 1.0, 1.0, 0.0, 0.0]
    factor = FactorColumn("x", "X", pl.Series([1.0, 2.0, 3.0, 4.0, 5.0]))
    keys = {"id": "c", "kind": "roc", "outcome": "o", "event": "yes", direction: ["x"]}
    analysis, sides = Roc.model_validate({**keys, "parity": "compare"}), make_sides(event)
    curves = fit_curves(analysis, [factor], sides)
    rows = list(summarize_cut_conventions(analysis, [factor], sides=sides, curves=curves))
    found = pick(rows)
    assert found["spss", "cut"].text == found["r", "cut"].text == midpoint
    assert found["cutpointr", "cut"].text == found["scikit_learn", "cut"].text == observed
    plain = replace_parity(analysis)
    assert not list(summarize_cut_conventions(plain, [factor], sides=sides, curves=curves))


def replace_parity(analysis: Roc) -> Roc:
    return analysis.model_copy(update={"parity": "spss"})


def test_no_curve_has_no_cut() -> None:
    factor = FactorColumn("x", "X", pl.Series([1.0, 2.0]))
    analysis = Roc.model_validate(
        {
            "id": "c", "kind": "roc", "outcome": "o", "event": "yes", "higher_means_event": ["x"],
            "parity": "compare",
        }
    )  # fmt: skip
    sides = replace(make_sides([1.0, 1.0]))
    curves = fit_curves(analysis, [factor], sides)
    (row, *_) = [
        one
        for one in summarize_cut_conventions(analysis, [factor], sides=sides, curves=curves)
        if one.estimate == "cut"
    ]
    assert row.value is None
    assert row.status == "not_estimable"
    assert row.note


# Of 40 patients, 20 with the event. In R 4.2.2: glm of both, Wald of the first 0.05269744, drop1 0.04394155.
FIRST = [1] * 10 + [0] * 10 + [1] * 4 + [0] * 16
SECOND = [3.1, 2.2, 4.0, 2.9, 1.8, 3.6, 2.4, 3.3, 2.1, 3.9] * 4


def make_pair() -> tuple[list[FactorColumn], Sides]:
    sides = make_sides([1.0] * 20 + [0.0] * 20)
    first = pl.Series(["high" if one else "low" for one in FIRST])
    return [
        FactorColumn("first", "First", first, levels=("low", "high")),
        FactorColumn("second", "Second, g/L", pl.Series(SECOND)),
    ], sides


MODEL = {"columns": ["univariable", "multivariable"], "multivariable": {"terms": ["first", "second"]}}


def test_terms_of_the_multivariable_model_by_program() -> None:
    factors, sides = make_pair()
    rows = run_factors(factors, sides, **MODEL, **COMPARE)
    found = {
        (row.variable, row.variable_level, row.stratum, row.estimate): row
        for row in rows
        if row.group == "conventions" and row.level == "multivariable"
    }
    own = {
        (row.variable, row.variable_level, row.estimate): row for row in rows if row.group == "multivariable"
    }
    for term in (("first", "high"), ("second", "")):
        assert {key[2:] for key in found if key[:2] == term} == {
            ("spss", "p_wald"),
            ("r", "p_wald"),
            ("statsmodels", "p_wald"),
            ("spss", "p_likelihood_ratio"),
            ("r", "p_likelihood_ratio"),
            ("statsmodels", "p_likelihood_ratio"),
            ("logistf", "p_penalized_likelihood_ratio"),
            ("", "odds_ratio_wald"),
            ("", "odds_ratio_likelihood_ratio"),
            ("", "odds_ratio_penalized_likelihood_ratio"),
            ("", "depends_multivariable"),
        }
        # The analysis itself is Firth's model.
        firth = found[*term, "", "odds_ratio_penalized_likelihood_ratio"]
        odds = own[*term, "odds_ratio"]
        assert (firth.value, firth.low, firth.high) == pytest.approx(
            (odds.value, odds.low, odds.high), rel=1e-6
        )
    assert found["first", "high", "spss", "p_wald"].value == pytest.approx(0.05269744, abs=1e-8)
    assert found["first", "high", "r", "p_likelihood_ratio"].value == pytest.approx(0.04394155, abs=1e-8)
    assert found["first", "high", "", "depends_multivariable"].value == 1
    assert found["second", "", "", "depends_multivariable"].value == 0
    # One model, one odds ratio, two intervals.
    wald, profile = (found["second", "", "", f"odds_ratio_{name}"] for name in ("wald", "likelihood_ratio"))
    assert wald.value == profile.value
    assert wald.low != profile.low


def test_a_model_that_the_gates_refuse_is_not_compared() -> None:
    factors, _ = make_pair()
    sides = make_sides([1.0] * 12 + [0.0] * 28)
    rows = run_factors(factors, sides, **MODEL, **COMPARE)
    found = [row for row in rows if row.group == "conventions" and row.level == "multivariable"]
    assert [(row.variable, row.estimate, row.status) for row in found] == [
        ("first", "depends_multivariable", "not_done"),
        ("second", "depends_multivariable", "not_done"),
    ]
    assert "12 patients in the smaller group" in found[0].note


def test_a_model_fitted_on_request_is_compared() -> None:
    """What the protocol asks for by name is fitted at any number of events, and compared."""
    factors, _ = make_pair()
    sides = make_sides([1.0] * 12 + [0.0] * 28)
    keys = {**MODEL, "multivariable": {"terms": ["first", "second"], "method": "firth"}}
    rows = run_factors(factors, sides, **keys, **COMPARE)
    found = pick(rows, variable="second", level="multivariable")
    assert found["spss", "p_wald"].value is not None


def test_only_the_selected_terms_are_compared() -> None:
    factors, sides = make_pair()
    keys = {**MODEL, "multivariable": {"select": {"screen": "univariable", "p_below": 0.2}}}
    rows = run_factors(factors, sides, **keys, **COMPARE)
    named = {row.variable for row in rows if row.group == "conventions" and row.level == "multivariable"}
    chosen = {
        row.variable
        for row in rows
        if row.group == "multivariable" and row.estimate == "odds_ratio" and row.status == "ok"
    }
    assert named == chosen == {"first"}


def test_separation_in_a_model_is_told_and_not_a_number() -> None:
    factors, sides = make_pair()
    event = sides.policy
    apart = FactorColumn("apart", "Apart", pl.Series(event.tolist()))
    keys = {**MODEL, "multivariable": {"terms": ["apart", "second"], "method": "firth"}}
    rows = run_factors([apart, factors[1]], sides, **keys, **COMPARE)
    found = pick(rows, variable="apart", level="multivariable")
    for key in (("spss", "p_wald"), ("r", "p_likelihood_ratio"), ("", "odds_ratio_wald")):
        assert found[key].value is None
        assert "separates the event" in found[key].note
    assert found["logistf", "p_penalized_likelihood_ratio"].value < 0.001
