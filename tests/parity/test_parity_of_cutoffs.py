"""The same cuts, out-of-bag numbers, intervals and P as R; how they were made stands in make_cutoffs.R."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from cytopenia.stats.accuracy import MEASURES, divide_counts, estimate_accuracy
from cytopenia.stats.cut_resamples import CutBatch, SortedRows, find_batch_cuts, sort_rows
from cytopenia.stats.maximal_cut import assess_maximal_cut
from cytopenia.stats.roc import RocCurve, estimate_roc
from parity_files import read_rows

VERY_NEAR = 1e-9
Numbers = NDArray[np.float64]


@cache
def read_expected() -> Mapping[str, Mapping[str, float]]:
    cases: dict[str, dict[str, float]] = defaultdict(dict)
    for row in read_rows("cutoffs_results.csv"):
        cases[row["case"]][row["name"]] = math.nan if row["value"] == "NA" else float(row["value"])
    return dict(cases)


@cache
def read_samples() -> Mapping[str, tuple[Numbers, Numbers, bool]]:
    parts: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in read_rows("cutoffs_data.csv"):
        parts[row["case"]].append(row)
    return {
        name: (
            np.array([float(row["value"]) for row in rows]),
            np.array([float(row["event"]) for row in rows]),
            rows[0]["high_means_event"] == "1",
        )
        for name, rows in parts.items()
    }


CASES = sorted({row["case"] for row in read_rows("cutoffs_data.csv")})
WITH_CUT = [case for case in CASES if "cut" in read_expected()[case]]


def draw_curve(case: str) -> RocCurve:
    values, event, is_high = read_samples()[case]
    return estimate_roc(values, event, high_means_event=is_high)


def count_at_cut(case: str) -> list[int]:
    values, event, is_high = read_samples()[case]
    is_positive = (values >= draw_curve(case).cut) == is_high
    sides = ((is_positive, 1), (~is_positive, 1), (~is_positive, 0), (is_positive, 0))
    return [int(np.sum(side & (event == mark))) for side, mark in sides]


def find_resampled_cuts(case: str) -> tuple[SortedRows, CutBatch]:
    """The cuts of the rows that R drew, which it counts in the order of the file."""
    values, event, is_high = read_samples()[case]
    rows = sort_rows(values, event == 1, high_means_event=is_high)
    place = np.empty(values.size, dtype=np.int64)
    place[np.argsort(values, kind="stable")] = np.arange(values.size)
    drawn = [
        [int(text) for text in row["rows"].split()]
        for row in read_rows("cutoffs_resamples.csv")
        if row["case"] == case
    ]
    return rows, find_batch_cuts(rows, place[np.array(drawn)])


def test_there_are_cases_of_every_kind() -> None:
    assert len(WITH_CUT) >= 8
    assert {read_samples()[case][2] for case in WITH_CUT} == {True, False}
    assert any(math.isnan(one["cut"]) for case, one in read_expected().items() if "/" in case)


@pytest.mark.parametrize("case", WITH_CUT)
def test_the_cut_of_the_data(case: str) -> None:
    expected, curve = read_expected()[case], draw_curve(case)
    assert curve.cut == expected["cut"] == expected["cutpointr_cut"]
    found = estimate_accuracy(count_at_cut(case))
    assert {name: found[name].value for name in MEASURES} == pytest.approx(
        {name: expected[name] for name in MEASURES}, abs=VERY_NEAR
    )


@pytest.mark.parametrize("case", WITH_CUT)
@pytest.mark.parametrize(("method", "ending"), [("wilson", "wilson"), ("clopper_pearson", "exact")])
def test_intervals_at_a_given_cut(case: str, method: str, ending: str) -> None:
    expected = read_expected()[case]
    found = estimate_accuracy(count_at_cut(case), method=method)
    for name in MEASURES[:-1]:
        limits = (found[name].low, found[name].high)
        wanted = (expected[f"{name}_{ending}_low"], expected[f"{name}_{ending}_high"])
        assert limits == pytest.approx(wanted, abs=VERY_NEAR)
    if method == "wilson":
        limits = (found["youden"].low, found["youden"].high)
        assert limits == pytest.approx((expected["youden_low"], expected["youden_high"]), abs=VERY_NEAR)


@pytest.mark.parametrize("case", CASES)
def test_the_best_of_all_cuts(case: str) -> None:
    values, event, _ = read_samples()[case]
    expected = read_expected()[case]
    found = assess_maximal_cut(values, event)
    assert found.value == pytest.approx(expected["ks_statistic"], abs=VERY_NEAR)
    assert found.p_value == pytest.approx(expected["ks_p"], rel=VERY_NEAR)
    squared = assess_maximal_cut(values, event, statistic="chi_squared")
    assert squared.value == pytest.approx(expected["chi_statistic"], abs=VERY_NEAR)


@pytest.mark.parametrize("case", CASES)
def test_cuts_of_the_same_resamples(case: str) -> None:
    _, batch = find_resampled_cuts(case)
    expected = [read_expected()[f"{case}/{number}"] for number in range(1, batch.cut.size + 1)]
    assert batch.cut.tolist() == pytest.approx([one["cut"] for one in expected], abs=0, nan_ok=True)
    counts = [[one[name] for name in ("tp", "fn", "tn", "fp")] for one in expected]
    assert batch.outside.tolist() == np.nan_to_num(counts).astype(int).tolist()


@pytest.mark.parametrize("case", CASES)
def test_means_and_percentiles_of_the_same_resamples(case: str) -> None:
    _, batch = find_resampled_cuts(case)
    expected = read_expected()[case]
    outside = divide_counts(batch.outside)
    means = {f"outside_{name}": np.nanmean(outside[:, place]) for place, name in enumerate(MEASURES)}
    assert means == pytest.approx({name: expected[name] for name in means}, abs=VERY_NEAR)
    limits = np.quantile(batch.cut[~np.isnan(batch.cut)], [0.025, 0.5, 0.975])
    wanted = [expected[name] for name in ("cut_low", "cut_median", "cut_high")]
    assert limits.tolist() == pytest.approx(wanted, abs=VERY_NEAR)
