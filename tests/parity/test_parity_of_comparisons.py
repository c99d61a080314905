"""The same effect sizes, trend tests and adjusted P as R; how they were made stands in make_comparisons.R."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import parity_files
from cytopenia.stats.adjustments import adjust_p_values
from cytopenia.stats.compare import compare_counts
from cytopenia.stats.count_effects import estimate_odds_ratio, estimate_risk_difference, estimate_risk_ratio
from cytopenia.stats.means import compare_means, estimate_mean_difference
from cytopenia.stats.rank_biserial import estimate_rank_biserial
from cytopenia.stats.shift import estimate_shift
from cytopenia.stats.trend import compare_ordered_counts, compare_ordered_groups, compare_several
from parity_files import PARITY, check_r_again, read_cohort, read_results

NEAR = 1e-9
# What wilcox.test asks of its search unless told otherwise, and what fisher.test reaches in its upper limits.
SEARCHED, PRINTED = 1e-4, 1e-2
Numbers = NDArray[np.float64]


R = read_results("comparisons_results.csv")
expect = partial(parity_files.expect, near=NEAR, floor=1e-12)


TYPED: dict[str, tuple[list[float], list[float]]] = {
    "small": ([1.1, 2.2, 3.3, 9.7], [4.4, 5.5, 6.6, 7.7, 8.8]),
    "depression": (
        [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46],
        [1.15, 0.88, 0.90, 0.74, 1.21],
    ),
    "apart": ([1, 2, 4, 8], [20, 21, 25, 31, 40]),
    "tied": ([1, 2, 2, 3, 3, 3, 5], [2, 3, 3, 4, 5, 5, 6, 7]),
    "pair": ([1.5, 2.5], [3.25, 4.75]),
    "flat": ([1, 2, 2, 3, 3, 4], [1, 1, 1, 1, 1, 2]),
    "long": ([(i * 37) % 101 + 0.25 for i in range(1, 61)], [(i * 53) % 97 for i in range(1, 56)]),
}
SAMPLES = ["anc", "hemoglobin", "ferritin", "crp", "stage", *TYPED]
# Where the two middle differences are not equal R returns a number between them, unless it counts exactly.
BETWEEN = {"r": {"crp", "flat"}, "plain": {"crp", "flat", "ferritin", "depression", "apart"}}


def take(sample: str) -> tuple[Numbers, Numbers]:
    if sample in TYPED:
        one, two = TYPED[sample]
        return np.array(one), np.array(two)
    cohort = read_cohort()
    return cohort[sample][cohort["event"] == 1], cohort[sample][cohort["event"] == 0]


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize(("parity", "case"), [("default", "r"), ("spss", "plain")])
def test_shift(sample: str, parity: str, case: str) -> None:
    one, two = take(sample)
    found = estimate_shift(one, two, parity=parity)
    expected = dict(R[f"shift_{sample}_{case}_tight"])
    if sample in BETWEEN[case]:
        between = expected.pop("value")
        middle = np.sort(np.subtract.outer(one, two), axis=None)[
            [one.size * two.size // 2 - 1, one.size * two.size // 2]
        ]
        assert found.value == pytest.approx(middle.mean(), rel=NEAR)
        assert middle[0] - NEAR <= between <= middle[1] + NEAR
    expect(found, expected)


@pytest.mark.parametrize("sample", SAMPLES)
def test_shift_in_the_digits_that_r_prints(sample: str) -> None:
    expect(estimate_shift(*take(sample), parity="r"), R[f"shift_{sample}_r_printed"])


@pytest.mark.parametrize("sample", SAMPLES)
def test_shift_to_the_tolerance_of_r(sample: str) -> None:
    expected = {name: R[f"shift_{sample}_r_printed"][name] for name in ("low", "high")}
    expect(estimate_shift(*take(sample)), expected, near=0, floor=SEARCHED)


@pytest.mark.parametrize("sample", SAMPLES)
def test_shift_at_another_level(sample: str) -> None:
    expect(estimate_shift(*take(sample), level=0.9), R[f"shift_{sample}_r90_tight"])


@pytest.mark.parametrize("sample", SAMPLES)
def test_means(sample: str) -> None:
    expect(estimate_mean_difference(*take(sample)), R[f"welch_{sample}"])
    expect(compare_means(*take(sample)), R[f"welch_test_{sample}"])


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("interval", ["newcombe", "delong"])
def test_rank_biserial(sample: str, interval: str) -> None:
    expect(estimate_rank_biserial(*take(sample), interval=interval), R[f"biserial_{interval}_{sample}"])


TABLES = {
    "plain": [[33, 6], [7, 14]],
    "near": [[10, 11], [10, 10]],
    "perondi": [[7, 27], [1, 33]],
    "lampasona": [[9, 4], [4, 10]],
    "ritland": [[0, 16], [15, 57]],
    "none_below": [[15, 57], [0, 16]],
    "all_above": [[5, 0], [3, 6]],
    "all_below": [[3, 6], [5, 0]],
    "all_everywhere": [[5, 0], [9, 0]],
    "nobody": [[0, 5], [0, 7]],
    "apart": [[9, 0], [0, 4]],
    "tea": [[3, 1], [1, 3]],
    "large": [[520, 480], [455, 545]],
    "koopman": [[36, 4], [16, 64]],
}
WITH_ODDS = [name for name in TABLES if f"mid_p_{name}" in R]


@pytest.mark.parametrize("name", TABLES)
def test_risks(name: str) -> None:
    expect(estimate_risk_difference(TABLES[name]), R[f"difference_{name}"])
    expect(estimate_risk_ratio(TABLES[name]), R.get(f"ratio_{name}", {}))


@pytest.mark.parametrize("name", WITH_ODDS)
def test_odds_ratio(name: str) -> None:
    exact, printed = estimate_odds_ratio(TABLES[name]), R[f"odds_printed_{name}"]
    expect(exact, R[f"odds_exact_{name}"])
    expect(exact, printed, near=PRINTED)
    # Where R prints Inf there is no number, and the other way round.
    assert {end for end in ("value", "low", "high") if getattr(exact, end) is not None} == printed.keys()


@pytest.mark.parametrize("name", WITH_ODDS)
def test_mid_p(name: str) -> None:
    expect(estimate_odds_ratio(TABLES[name], limits="mid_p"), R[f"odds_mid_p_{name}"])
    expect(compare_counts(TABLES[name], method="fisher_mid_p"), R[f"mid_p_{name}"])


TRENDS: dict[str, tuple[list[int], list[int], list[float]]] = {
    "smokers": ([83, 90, 129, 70], [86, 93, 136, 82], [1, 2, 3, 4]),
    "scores": ([83, 90, 129, 70], [86, 93, 136, 82], [0, 0, 1, 2]),
    "crs": ([1, 13, 1], [19, 40, 4], [1, 2, 3]),
    "two": ([33, 7], [39, 21], [1, 2]),
    "empty_level": ([2, 5, 9], [20, 18, 17], [1, 3, 4]),
}


@pytest.mark.parametrize("name", TRENDS)
def test_trend(name: str) -> None:
    events, sizes, scores = TRENDS[name]
    table = [[event, size - event] for event, size in zip(events, sizes, strict=True)]
    expect(compare_ordered_counts(table, scores=scores), R[f"trend_{name}"])


def test_trend_with_a_level_of_nobody() -> None:
    expect(compare_ordered_counts([[2, 18], [0, 0], [5, 13], [9, 8]]), R["trend_empty_level"])


def split(name: str) -> list[Numbers]:
    if name == "small":
        rows = ([2.9, 3.0, 2.5, 2.6, 3.2], [3.8, 2.7, 4.0, 2.4], [2.8, 3.4, 3.7, 2.2, 2.0])
        return [np.array(row) for row in rows]
    cohort = read_cohort()
    return [cohort[name][cohort["stage"] == stage] for stage in (1, 2, 3, 4)]


@pytest.mark.parametrize("name", ["anc", "ferritin", "hemoglobin", "small"])
def test_several_groups(name: str) -> None:
    expect(compare_several(split(name)), R[f"kruskal_{name}"])
    expect(compare_ordered_groups(split(name)), R[f"ordered_{name}"])


@pytest.mark.parametrize(("method", "case"), [("holm", "adjust_holm"), ("benjamini_hochberg", "adjust_bh")])
def test_adjusted(method: str, case: str) -> None:
    adjusted = adjust_p_values([0.01, None, 0.04, 0.03, 0.005, 0.6, 0.04, 1], method=method)
    got = {str(place): p for place, p in enumerate(adjusted, start=1) if p is not None}
    assert got == pytest.approx(dict(R[case]), rel=NEAR)


def test_every_case_of_r_is_compared() -> None:
    prefixes = ("shift", "welch", "biserial", "difference", "ratio", "odds", "mid_p", "trend", "kruskal")
    assert not [case for case in R if not case.startswith((*prefixes, "ordered", "adjust"))]
    assert len(R) >= 150


def test_the_versions_of_the_comparisons_are_told() -> None:
    versions = (PARITY / "comparisons_versions.txt").read_text("utf-8")
    assert versions.startswith("R version 4.")
    assert "pROC 1." in versions


@pytest.mark.long
def test_r_gives_the_stored_numbers_of_the_comparisons(
    find_program: Callable[[str], str], tmp_path: Path
) -> None:
    check_r_again(find_program, "make_comparisons.R", "comparisons_results.csv", tmp_path)
