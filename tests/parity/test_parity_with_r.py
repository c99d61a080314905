"""The same numbers as R and firthmodels; how they were made stands in make_parity.R and make_firth.py."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import parity_files
from cytopenia.stats.adjustments import adjust_holm
from cytopenia.stats.compare import assess_normality, compare_counts, compare_distributions
from cytopenia.stats.logistic import LogisticFit, fit_logistic
from cytopenia.stats.roc import estimate_roc
from parity_files import PARITY, check_r_again, read_cohort, read_results

# Iterated numbers of glm and Shapiro's polynomials agree to NEAR, everything else to VERY_NEAR.
NEAR, VERY_NEAR = 1e-6, 1e-9
Numbers = NDArray[np.float64]


R = read_results("r_results.csv")
FIRTH = read_results("firth_results.csv")
expect = partial(parity_files.expect, near=VERY_NEAR)


def groups(column: str) -> tuple[Numbers, Numbers]:
    cohort = read_cohort()
    return cohort[column][cohort["event"] == 1], cohort[column][cohort["event"] == 0]


@pytest.mark.parametrize("column", ["anc", "ferritin", "crp"])
def test_mann_whitney_without_correction(column: str) -> None:
    found = compare_distributions(*groups(column), parity="spss")
    assert found.method == "mann_whitney_asymptotic"
    expect(found, R[f"wilcox_{column}_asymptotic"])


def test_mann_whitney_with_ties_and_correction() -> None:
    found = compare_distributions(*groups("anc"), parity="r")
    assert found.method == "mann_whitney_continuity"
    expect(found, R["wilcox_anc_continuity"])


@pytest.mark.parametrize(
    ("case", "first", "second"),
    [
        ("wilcox_exact_small", [1.1, 2.2, 3.3, 9.7], [4.4, 5.5, 6.6, 7.7, 8.8]),
        (
            "wilcox_exact_49_48",
            [(i * 37) % 101 for i in range(1, 50)],
            [(i * 37) % 101 - (i * 37) % 101 * 0.3 for i in range(50, 98)],
        ),
        ("wilcox_exact_apart", list(range(1, 50)), list(range(50, 99))),
        ("wilcox_50_is_not_exact", list(range(1, 51)), [i + 5.5 for i in range(1, 51)]),
    ],
)
def test_mann_whitney_without_ties(case: str, first: list[float], second: list[float]) -> None:
    expect(compare_distributions(first, second), R[case])


TABLES = {
    "2x2": [[33, 6], [7, 14]],
    "2x2_zero": [[0, 8], [5, 3]],
    "2x2_large": [[520, 480], [455, 545]],
    "2x2_near": [[10, 11], [10, 10]],
    "3x2": [[12, 3], [8, 9], [2, 7]],
    "4x3": [[4, 2, 1], [1, 6, 2], [3, 3, 9], [0, 2, 5]],
    "5x2": [[9, 3], [11, 4], [5, 8], [7, 6], [2, 8]],
    "2x5": [[1, 2, 3, 4, 5], [6, 2, 4, 0, 1]],
}


@pytest.mark.parametrize("name", TABLES)
def test_fisher(name: str) -> None:
    found = compare_counts(TABLES[name], method="fisher_exact")
    assert found.method == "fisher_exact"
    expect(found, R[f"fisher_{name}"])


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(("parity", "ending"), [("r", "corrected"), ("spss", "plain"), ("default", "plain")])
def test_chi_squared(name: str, parity: str, ending: str) -> None:
    expect(compare_counts(TABLES[name], parity=parity, method="chi_squared"), R[f"chisq_{name}_{ending}"])


@pytest.mark.parametrize("column", ["anc", "hemoglobin", "ferritin", "crp"])
def test_one_sample(column: str) -> None:
    values = read_cohort()[column]
    expect(assess_normality(values), R[f"shapiro_{column}"], near=NEAR)
    expect(assess_normality(values, method="one_sample_wilcoxon"), R[f"signed_rank_{column}"])


def test_shapiro_at_the_ends_of_its_range() -> None:
    expect(assess_normality([2, 3, 7]), R["shapiro_3"], near=NEAR)
    expect(assess_normality([(i * 2654) % 5003 for i in range(1, 5001)]), R["shapiro_5000"], near=NEAR)


STAGES = ["factor2", "factor3", "factor4"]
MODELS = {
    "ferritin": ["ferritin"],
    "anc": ["anc"],
    "stage": STAGES,
    "multivariable": ["anc", "hemoglobin", "ferritin", *STAGES],
}


def build_design(names: list[str]) -> Numbers:
    cohort = read_cohort()
    columns = {**cohort, **{f"factor{stage}": (cohort["stage"] == stage) * 1.0 for stage in (2, 3, 4)}}
    return np.column_stack([columns[name] for name in names])


@pytest.mark.parametrize("model", MODELS)
def test_maximum_likelihood(model: str) -> None:
    fit = fit_logistic(build_design(MODELS[model]), read_cohort()["event"], names=MODELS[model])
    for term in fit.terms:
        expect(term, R[f"glm_{model}_{term.name.replace('factor', 'factorstage')}"], near=NEAR)
    expect(fit.intercept, R[f"glm_{model}_Intercept"], near=NEAR)
    expect(fit, R[f"glm_{model}_fit"], near=NEAR)


def test_another_level() -> None:
    fit = fit_logistic(build_design(["anc"]), read_cohort()["event"], names=["anc"], level=0.9)
    expect(fit.terms[0], R["glm_anc_90"], near=NEAR)


@pytest.mark.parametrize(
    ("column", "high_means_event"),
    [("anc", False), ("hemoglobin", False), ("ferritin", True), ("crp", True), ("stage", True)],
)
def test_roc(column: str, high_means_event: bool) -> None:
    cohort = read_cohort()
    found = estimate_roc(cohort[column], cohort["event"], high_means_event=high_means_event)
    expect(found, R[f"roc_{column}"])


def test_roc_against_the_direction() -> None:
    cohort = read_cohort()
    found = estimate_roc(cohort["anc"], cohort["event"], high_means_event=True, level=0.9)
    expect(found, R["roc_anc_against_90"])


def test_holm() -> None:
    first, missing, third, fourth, fifth, sixth = adjust_holm([0.01, None, 0.04, 0.03, 0.005, 0.6])
    assert missing is None
    got = {"first": first, "third": third, "fourth": fourth, "fifth": fifth, "sixth": sixth}
    assert got == pytest.approx(dict(R["holm"]), rel=VERY_NEAR)


def build_firth_case(case: str) -> tuple[list[str], Numbers, Numbers]:
    cohort = read_cohort()
    event = cohort["event"]
    if case == "complete":
        return ["x"], np.arange(1.0, 13.0)[:, np.newaxis], np.repeat([0.0, 1.0], [5, 7])
    if case == "quasi":
        marker = ((event == 1) & (cohort["crp"] > 15)) * 1.0
        return ["marker", "anc"], np.column_stack([marker, cohort["anc"]]), event
    names = ["anc", "hemoglobin", "ferritin", "crp"] if case == "multivariable" else [case]
    return names, np.column_stack([cohort[name] for name in names]), event


def read_fit(fit: LogisticFit) -> dict[str, float | None]:
    numbers: dict[str, float | None] = {"fit.log_likelihood": fit.log_likelihood}
    if fit.intercept:
        numbers["intercept.coefficient"] = fit.intercept.coefficient
    for term in fit.terms:
        numbers[f"{term.name}.coefficient"] = term.coefficient
        numbers[f"{term.name}.p_value"] = term.p_value
        for end in ("low", "high"):
            limit = getattr(term, end)
            numbers[f"{term.name}.{end}"] = None if limit is None else math.log(limit)
    return numbers


@pytest.mark.parametrize("case", FIRTH)
def test_firth(case: str) -> None:
    names, columns, event = build_firth_case(case)
    fit = fit_logistic(columns, event, names=names, method="firth")
    expected = {name: value for name, value in FIRTH[case].items() if name != "fit.tolerance"}
    assert read_fit(fit) == pytest.approx(expected, rel=NEAR)


def test_the_versions_are_told() -> None:
    assert (PARITY / "r_versions.txt").read_text("utf-8").startswith("R version 4.")
    assert "pROC 1." in (PARITY / "r_versions.txt").read_text("utf-8")
    assert (PARITY / "firth_versions.txt").read_text("utf-8").startswith("firthmodels 0.8")


@pytest.mark.long
def test_r_gives_the_stored_numbers(find_program: Callable[[str], str], tmp_path: Path) -> None:
    check_r_again(find_program, "make_parity.R", "r_results.csv", tmp_path)
