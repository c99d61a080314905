"""The P values of each program's usual way; how they were made stands in make_conventions.R.

What R gives is compared with R. What SPSS prints was computed in R from its published formulas. What SciPy
gives is compared with SciPy's own functions, called without options.
"""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2_contingency, fisher_exact, mannwhitneyu, ttest_ind

from cytopenia.results import ResultRow
from cytopenia.stats.conventions import (
    ProgramTest,
    compare_counts_by_program,
    compare_distributions_by_program,
    compare_means_by_program,
)
from cytopenia.stats.model_tests import compare_terms
from cytopenia.study.factors import FactorColumn
from cytopenia.study.groups import Sides
from cytopenia.study.model_conventions import compare_terms_by_program
from parity_files import PARITY, check_r_again, read_results

NEAR = 1e-9
TABLES = {
    "crs": [[1, 18], [13, 27], [1, 3]],
    "plain": [[33, 6], [7, 14]],
    "near": [[10, 11], [10, 10]],
    "border": [[12, 8], [5, 14]],
    "perondi": [[7, 27], [1, 33]],
    "lampasona": [[9, 4], [4, 10]],
    "none": [[0, 16], [15, 57]],
    "tea": [[3, 1], [1, 3]],
    "large": [[520, 480], [455, 545]],
    "three": [[20, 30], [15, 35], [30, 20]],
    "four": [[2, 9], [6, 8], [9, 7], [4, 3]],
}
TYPED: dict[str, tuple[list[float], list[float]]] = {
    "small": ([1.1, 2.2, 3.3, 9.7], [4.4, 5.5, 6.6, 7.7, 8.8]),
    "tied": ([1, 2, 2, 3, 3, 3, 5], [2, 3, 3, 4, 5, 5, 6, 7]),
    "nine": (
        [1.1, 2.3, 3.2, 4.8, 5.1, 6.7, 7.4, 8.9, 9.3],
        [5.6, 6.1, 7.2, 8.3, 9.9, 10.4, 11.8, 12.5, 13.6],
    ),
    "few": ([3.5, 4.5, 20.5], [place / 10 + 5.03 for place in range(1, 46)]),
    "depression": (
        [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46],
        [1.15, 0.88, 0.90, 0.74, 1.21],
    ),
}
SAMPLES = [*TYPED, "anc", "crp"]
MODELS = [name for name in TABLES if name != "none"]
# Terms of one model, by case.
TERMS = (
    "joint_anc",
    "joint_ferritin",
    "joint_stage2",
    "joint_stage3",
    "joint_stage4",
    "two_hemoglobin",
    "two_crp",
)
Found = dict[tuple[str, str], float | None]


R = read_results("conventions_results.csv")


def take(sample: str) -> tuple[list[float], list[float]]:
    if sample in TYPED:
        return TYPED[sample]
    with (PARITY / "cohort.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    one, two = ([float(row[sample]) for row in rows if row["event"] == side] for side in "10")
    return one, two


def take_p(found: Any) -> float:
    """The P of what SciPy returns: it stands after the statistic."""
    return float(found[1])


def find(tests: tuple[ProgramTest, ...]) -> Found:
    return {(one.program, one.found.method): one.found.p_value for one in tests}


@pytest.mark.parametrize("name", TABLES)
def test_counts_as_r_and_spss(name: str) -> None:
    found, expected = find(compare_counts_by_program(TABLES[name], is_ordered=True)), R[f"counts_{name}"]
    is_two_by_two = len(TABLES[name]) == 2
    yates = "chi_squared_yates" if is_two_by_two else "chi_squared"
    close = {
        ("r", yates): expected["r_chisq_test"],
        ("r", "fisher_exact"): expected["r_fisher_test"],
        ("spss", "chi_squared"): expected["chi_squared"],
        ("spss", "likelihood_ratio_chi_squared"): expected["likelihood_ratio_chi_squared"],
        ("spss", "linear_by_linear"): expected["linear_by_linear"],
    }
    if is_two_by_two:
        close["spss", "chi_squared_yates"] = expected["r_chisq_test"]
        close["spss", "fisher_exact"] = expected["r_fisher_test"]
    else:
        close["r", "cochran_armitage"] = expected["r_prop_trend_test"]
    assert {key: found[key] for key in close} == pytest.approx(close, rel=NEAR)
    assert {key for key in found if key[0] != "scipy"} - close.keys() <= {("spss", "fisher_exact")}


@pytest.mark.parametrize("name", TABLES)
def test_counts_as_scipy(name: str) -> None:
    found, table = find(compare_counts_by_program(TABLES[name], is_ordered=True)), TABLES[name]
    squared = next(p for key, p in found.items() if key[0] == "scipy" and key[1].startswith("chi_squared"))
    assert squared == pytest.approx(take_p(chi2_contingency(table)), rel=NEAR)
    # Of a larger table SciPy draws 9999 tables by chance.
    far = 5 * (found["scipy", "fisher_exact"] or 0.0) ** 0.5 / 9999**0.5 if len(table) > 2 else NEAR
    assert found["scipy", "fisher_exact"] == pytest.approx(take_p(fisher_exact(table)), abs=far)


@pytest.mark.parametrize("name", SAMPLES)
def test_numbers_as_r_and_spss(name: str) -> None:
    one, two = take(name)
    found, expected = find(compare_distributions_by_program(one, two)), R[f"numbers_{name}"]
    (as_r,) = (p for key, p in found.items() if key[0] == "r")
    assert as_r == pytest.approx(expected["r_wilcox_test"], rel=NEAR)
    assert found["spss", "mann_whitney_asymptotic"] == pytest.approx(
        expected["mann_whitney_asymptotic"], rel=NEAR
    )
    exact = found.get(("spss", "mann_whitney_exact_untied"))
    assert (exact is not None) == (len(one) + len(two) <= 40 and "exact_untied" in expected)
    if exact is not None:
        assert exact == pytest.approx(expected["exact_untied"], rel=NEAR)


@pytest.mark.parametrize("name", SAMPLES)
def test_numbers_as_scipy(name: str) -> None:
    one, two = take(name)
    (as_scipy,) = (
        test.found.p_value for test in compare_distributions_by_program(one, two) if test.program == "scipy"
    )
    assert as_scipy == pytest.approx(float(mannwhitneyu(one, two).pvalue), rel=NEAR)


@pytest.mark.parametrize("name", SAMPLES)
def test_means(name: str) -> None:
    one, two = take(name)
    found, expected = find(compare_means_by_program(one, two)), R[f"numbers_{name}"]
    assert found == pytest.approx(
        {
            ("spss", "student_t"): expected["student_t"],
            ("spss", "welch_t"): expected["welch_t"],
            ("r", "welch_t"): expected["welch_t"],
            ("scipy", "student_t"): take_p(ttest_ind(one, two)),
        },
        rel=NEAR,
    )


@pytest.mark.parametrize("name", MODELS)
def test_models(name: str) -> None:
    """The P of Wald and of the ratio of likelihoods that rows of models are made of."""
    table = np.array(TABLES[name])
    level = np.repeat(np.tile(np.arange(len(table)), 2), table.T.ravel())
    event = np.repeat([1, 0], table.sum(axis=0))
    design = np.column_stack([level == place for place in range(1, len(table))]).astype(float)
    names = [str(place) for place in range(1, len(table))]
    found, expected = compare_terms(design, event, names=names, tested=names), R[f"model_{name}"]
    assert found.wald_p == pytest.approx(expected["wald"], rel=1e-6)
    assert found.p_value == pytest.approx(expected["likelihood_ratio"], rel=1e-6)


def test_every_case_is_compared() -> None:
    cases = [f"counts_{name}" for name in TABLES] + [f"numbers_{name}" for name in SAMPLES]
    cases += [f"multivariable_{name}" for name in TERMS]
    assert set(R) == {*cases, *(f"model_{name}" for name in MODELS)}
    assert (PARITY / "conventions_versions.txt").read_text("utf-8").startswith("R version 4.2.2")


@pytest.mark.long
def test_r_gives_the_stored_conventions(find_program: Callable[[str], str], tmp_path: Path) -> None:
    check_r_again(find_program, "make_conventions.R", "conventions_results.csv", tmp_path)


JOINT = {"anc": "", "ferritin": "", "stage": "234"}


@pytest.mark.parametrize(
    ("case", "numbers", "terms"), [("joint", ("anc", "ferritin"), JOINT), ("two", ("hemoglobin", "crp"), {})]
)
def test_terms_of_one_model_as_r(case: str, numbers: tuple[str, ...], terms: dict[str, str]) -> None:
    """Wald and ratio as glm and drop1, the penalized ratio as written out in the script.

    confint of R interpolates its profile, so that its limits have four digits.
    """
    with (PARITY / "cohort.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    factors = [
        FactorColumn(
            name,
            name,
            pl.Series([float(row[name]) for row in rows]),
            scale="doubling" if name in ("ferritin", "crp") else "unit",
        )
        for name in numbers
    ]
    if "stage" in terms:
        factors.append(
            FactorColumn("stage", "stage", pl.Series([row["stage"] for row in rows]), levels=tuple("1234"))
        )
    events = np.array([float(row["event"]) for row in rows])
    sides = Sides(("Yes", "No"), dict.fromkeys(("policy", "best", "worst"), events), {})
    found = {
        (row.variable, row.variable_level, row.stratum, row.estimate): row
        for row in compare_terms_by_program(
            ResultRow(analysis_id="a", variable="", estimate=""), factors, sides, level=0.05
        )
    }
    names = {
        (name, level): name + level for name in [f.name for f in factors] for level in terms.get(name) or [""]
    }
    for (name, level), short in names.items():
        expected = R[f"multivariable_{case}_{short}"]
        for program in ("spss", "r", "statsmodels"):
            wald = found[name, level, program, "p_wald"]
            assert wald.value == pytest.approx(expected["wald"], rel=1e-7)
        odds = found[name, level, "", "odds_ratio_wald"]
        assert (odds.value, odds.low, odds.high) == pytest.approx(
            tuple(expected[key] for key in ("odds_ratio", "wald_low", "wald_high")), rel=1e-7
        )
        ratio = found[name, level, "r", "p_likelihood_ratio"]
        assert ratio.value == pytest.approx(expected["likelihood_ratio"], rel=1e-6)
        profile = found[name, level, "", "odds_ratio_likelihood_ratio"]
        limits = expected["profile_low"], expected["profile_high"]
        assert (profile.low, profile.high) == pytest.approx(limits, rel=2e-4)
        firth = found[name, level, "logistf", "p_penalized_likelihood_ratio"]
        assert firth.value == pytest.approx(expected["penalized_likelihood_ratio"], rel=1e-5)
