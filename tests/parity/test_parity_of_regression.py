"""The same numbers as R's glm, rms, MASS and brglm2; how they were made stands in make_regression.R."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import parity_files
from cytopenia.stats.collinearity import measure_condition, measure_inflation
from cytopenia.stats.logistic import LogisticFit, estimate_contrasts, fit_logistic
from cytopenia.stats.model_tests import JointTest, compare_terms, score_levels
from cytopenia.stats.ordinal import compare_ordinal_terms, fit_ordinal
from cytopenia.stats.proportional_odds import assess_proportional_odds
from cytopenia.stats.scaling import scale_numbers
from cytopenia.stats.splines import make_spline, place_knots
from parity_files import PARITY, check_r_again, read_cohort, read_results

# Iterated numbers; bases; and the profile of MASS, which interpolates between its points.
NEAR, VERY_NEAR, INTERPOLATED = 1e-6, 1e-8, 2e-3
Numbers = NDArray[np.float64]


R = read_results("regression_results.csv")
EVENT = read_cohort()["event"]
STAGES = {f"level{stage}": (read_cohort()["stage"] == stage) * 1.0 for stage in (2, 3, 4)}


def expect(found: object, case: str, *, near: float = NEAR) -> None:
    parity_files.expect(found, R[case], near=near)


def pick(*names: str) -> Numbers:
    columns = {**read_cohort(), **STAGES}
    return np.column_stack([columns[name] for name in names])


def bend_ferritin(values: Numbers | None = None) -> Numbers:
    ferritin = read_cohort()["ferritin"]
    return make_spline(ferritin if values is None else values, place_knots(ferritin, 4).places)


WHOLE = ["anc", "hemoglobin", "ferritin"]


@cache
def fit_whole(interval: str) -> LogisticFit:
    return fit_logistic(pick(*WHOLE), EVENT, names=WHOLE, interval=interval)


@pytest.mark.parametrize("place", range(3))
def test_maximum_likelihood_with_wald(place: int) -> None:
    term, case = fit_whole("wald").terms[place], R[f"glm_{WHOLE[place]}"]
    got = (term.coefficient, term.standard_error, term.p_value, term.low, term.high)
    names = ("coefficient", "standard_error", "wald_p", "wald_low", "wald_high")
    assert got == pytest.approx([case[name] for name in names], rel=NEAR)


@pytest.mark.parametrize("place", range(3))
def test_maximum_likelihood_with_the_profile(place: int) -> None:
    term = fit_whole("profile").terms[place]
    expect(term, f"profile_{WHOLE[place]}")
    expect(term, f"confint_{WHOLE[place]}", near=INTERPOLATED)


def test_a_factor_of_several_levels() -> None:
    names = ["anc", *STAGES]
    expect(compare_terms(pick(*names), EVENT, names=names, tested=list(STAGES)), "factor")


def test_trend_and_what_is_left_of_the_levels() -> None:
    stages = [f"{stage:g}" for stage in read_cohort()["stage"]]
    scores = score_levels(stages, ["1", "2", "3", "4"])
    (term,) = fit_logistic(scores[:, np.newaxis], EVENT, names=["score"], interval="profile").terms
    expect(term, "trend")
    columns = np.column_stack([scores, STAGES["level3"], STAGES["level4"]])
    expect(compare_terms(columns, EVENT, names=["score", "3", "4"], tested=["3", "4"]), "deviation")


SAMPLES: dict[str, NDArray[Any]] = {
    "ferritin": read_cohort()["ferritin"],
    "crp": read_cohort()["crp"],
    "hemoglobin": read_cohort()["hemoglobin"],
    "long": ((np.arange(1, 151) * 37) % 151) ** 1.5,
    "crowded": np.concatenate([np.zeros(8), (np.arange(1, 61) * 13) % 61 + 0.5]),
}


@pytest.mark.parametrize("count", [3, 4, 5])
@pytest.mark.parametrize("sample", SAMPLES)
def test_knots_and_columns_of_a_spline(sample: str, count: int) -> None:
    case = R[f"spline_{sample}_{count}"]
    knots = place_knots(SAMPLES[sample], count).places
    columns = make_spline(SAMPLES[sample], knots)
    got = {f"knot{place}": knot for place, knot in enumerate(knots, 1)}
    got |= {f"sum{place}": total for place, total in enumerate(columns.sum(axis=0), 1)}
    got |= {f"seventh{place}": number for place, number in enumerate(columns[6], 1)}
    assert got == pytest.approx(case, rel=VERY_NEAR, abs=1e-10)


SPLINE = ["ferritin", "bend1", "bend2", "anc"]


@cache
def curve_design() -> Numbers:
    return np.column_stack([bend_ferritin(), read_cohort()["anc"]])


def test_the_odds_ratio_between_two_values_of_a_spline() -> None:
    high, low = bend_ferritin(np.array([900.0, 300.0]))
    (term,) = estimate_contrasts(
        curve_design(), EVENT, names=SPLINE, contrasts={"900 to 300": [*(high - low), 0.0]}
    )
    expect(term, "spline_contrast")


@pytest.mark.parametrize("value", [100, 400, 1500])
def test_the_curve_of_a_spline(value: int) -> None:
    at, reference = bend_ferritin(np.array([value, 500.0]))
    (term,) = estimate_contrasts(
        curve_design(), EVENT, names=SPLINE, contrasts={"x": [*(at - reference), 0.0]}
    )
    expect(term, f"curve_{value}")


def test_the_bend_of_a_spline_and_the_whole() -> None:
    expect(compare_terms(curve_design(), EVENT, names=SPLINE, tested=SPLINE[1:3]), "nonlinear")
    expect(compare_terms(curve_design(), EVENT, names=SPLINE, tested=SPLINE[:3]), "spline_overall")


@pytest.mark.parametrize(
    ("case", "scale"), [("doubling", "doubling"), ("per_10", 10.0), ("iqr", "iqr"), ("sd", "sd")]
)
def test_steps_of_a_number(case: str, scale: str | float) -> None:
    numbers = scale_numbers(read_cohort()["crp"], scale).numbers
    (term,) = fit_logistic(numbers[:, np.newaxis], EVENT, names=["crp"]).terms
    expect(term, f"step_{case}")


@pytest.mark.parametrize("name", ["anc", *STAGES])
def test_firth(name: str) -> None:
    names = ["anc", *STAGES]
    fit = fit_logistic(pick(*names), EVENT, names=names, method="firth", interval="wald")
    expect(fit.terms[names.index(name)], f"firth_{name}")


@pytest.mark.parametrize("name", ["marker", "anc"])
def test_firth_with_separation(name: str) -> None:
    cohort = read_cohort()
    columns = np.column_stack([((EVENT == 1) & (cohort["crp"] > 15)) * 1.0, cohort["anc"]])
    fit = fit_logistic(columns, EVENT, names=["marker", "anc"], method="firth", interval="wald")
    expect(fit.terms[["marker", "anc"].index(name)], f"apart_{name}")


def test_firth_and_a_factor_of_several_levels() -> None:
    names = ["anc", *STAGES]
    found = compare_terms(pick(*names), EVENT, names=names, tested=list(STAGES), method="firth")
    assert found.method == "penalized_likelihood_ratio"
    expect(found, "firth_factor")


def test_variance_inflation_and_condition() -> None:
    cohort = read_cohort()
    mixed = cohort["ferritin"] / 500 + cohort["crp"] / 20
    columns = np.column_stack([cohort["anc"], cohort["ferritin"], mixed, *STAGES.values()])
    fit = fit_logistic(columns, EVENT, names=["anc", "ferritin", "mixed", *STAGES])
    assert fit.correlation is not None
    groups = {"anc": [0], "ferritin": [1], "mixed": [2], "level": [3, 4, 5]}
    found = measure_inflation(fit.correlation[1:, 1:], groups)
    assert {name: one.factor for name, one in found.items()} == pytest.approx(R["vif"], rel=NEAR)
    assert measure_condition(columns[:, :3]) == pytest.approx(R["condition"]["kappa"], rel=VERY_NEAR)


ORDINAL = ["anc", "hemoglobin", "crp"]


@pytest.mark.parametrize("name", ORDINAL)
def test_proportional_odds_of_lrm_and_polr(name: str) -> None:
    fit = fit_ordinal(pick(*ORDINAL), read_cohort()["stage"], names=ORDINAL)
    term = fit.terms[ORDINAL.index(name)]
    expect(term, f"lrm_{name}")
    assert fit.thresholds == pytest.approx(list(R["lrm_thresholds"].values()), rel=NEAR)
    assert term.coefficient == pytest.approx(R["polr"][name], rel=NEAR)
    assert fit.log_likelihood == pytest.approx(R["polr"]["log_likelihood"], rel=VERY_NEAR)


def test_proportional_odds_with_the_profile() -> None:
    fit = fit_ordinal(pick(*ORDINAL), read_cohort()["stage"], names=ORDINAL, interval="profile")
    expect(fit.terms[0], "polr_profile_anc")


def test_proportional_odds_and_several_columns() -> None:
    stage = read_cohort()["stage"]
    expect(compare_ordinal_terms(pick(*ORDINAL), stage, names=ORDINAL, tested=["anc", "crp"]), "polr_ratio")


@pytest.mark.parametrize(
    ("case", "tested"), [("proportional_odds", ORDINAL), ("proportional_odds_anc", ["anc"])]
)
def test_whether_the_odds_are_proportional(case: str, tested: list[str]) -> None:
    found: JointTest = assess_proportional_odds(
        pick(*ORDINAL), read_cohort()["stage"], names=ORDINAL, tested=tested
    )
    expect(found, case)


def test_each_case_of_r_has_a_test() -> None:
    text = Path(__file__).read_text("utf-8")
    families = {case.split("_")[0] for case in R}
    assert families == {
        "apart", "condition", "confint", "curve", "deviation", "factor", "firth", "glm", "lrm", "nonlinear",
        "polr", "profile", "proportional", "spline", "step", "trend", "vif",
    }  # fmt: skip
    assert all(family in text for family in families)


def test_the_versions_are_told() -> None:
    text = (PARITY / "regression_versions.txt").read_text("utf-8")
    assert all(name in text for name in ("R version 4.", "rms 6.5", "Hmisc 4.8", "MASS 7.3", "brglm2 0.9"))


@pytest.mark.long
def test_r_gives_the_stored_numbers(find_program: Callable[[str], str], tmp_path: Path) -> None:
    check_r_again(find_program, "make_regression.R", "regression_results.csv", tmp_path, rel=1e-7)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Maximum Likelihood optimization failed to converge")
def test_proportional_odds_of_statsmodels() -> None:
    """At its tightest tolerance statsmodels warns, converged or not; its errors rest on numeric slopes."""
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    columns, stage = pick(*ORDINAL), read_cohort()["stage"].astype(int)
    standard = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    found = OrderedModel(stage, standard, distr="logit").fit(method="bfgs", gtol=1e-10, disp=False)
    fit = fit_ordinal(standard, stage, names=ORDINAL)
    assert [term.coefficient for term in fit.terms] == pytest.approx(list(found.params[:3]), abs=1e-7)
    assert [term.standard_error for term in fit.terms] == pytest.approx(list(found.bse[:3]), rel=1e-5)
