"""The same numbers as R's lme4 and metafor, and as R's own integration: make_pooled_proportions.R."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from cytopenia.stats.count_effects import estimate_risk
from cytopenia.stats.pooled_proportions import pool_proportions

HERE = Path(__file__).parent
CASES = {
    "spread": ([29, 17, 77, 83, 6], [103, 112, 454, 156, 61]),
    "alike": ([10, 13, 8, 20, 9], [50, 60, 41, 100, 46]),
    "zeros": ([0, 1, 3, 0, 10, 5], [20, 25, 30, 15, 40, 22]),
    "ceiling": ([19, 25, 28, 12], [20, 25, 30, 20]),
    "published": ([29, 17, 95], [103, 112, 602]),
    "three": ([5, 12, 30], [40, 38, 55]),
    "many": ([12, 3, 40, 22, 8, 17, 31, 5, 60, 14, 9, 2], [40, 31, 88, 70, 12, 52, 45, 33, 130, 41, 60, 9]),
}
# R's integration with its simplex and lme4 with tight options; metafor leaves lme4 its usual, looser search.
NEAR, NUMERIC = 1e-6, 5e-5


def read_results(folder: Path) -> dict[str, dict[str, float]]:
    cases: dict[str, dict[str, float]] = defaultdict(dict)
    with (folder / "pooled_proportions_results.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            cases[row["case"]][row["name"]] = float(row["value"])
    return dict(cases)


R = read_results(HERE)


def expect(case: str, kind: str, near: float) -> None:
    found = pool_proportions(*CASES[case])
    expected = R[f"{case}_{kind}"]
    assert {name: getattr(found, name) for name in expected} == pytest.approx(expected, rel=near, abs=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_the_exact_likelihood(case: str) -> None:
    expect(case, "exact", NEAR)


@pytest.mark.parametrize("case", CASES)
def test_lme4(case: str) -> None:
    expect(case, "glmer", NEAR)


@pytest.mark.parametrize("case", CASES)
def test_the_interval_of_metafor(case: str) -> None:
    expect(case, "metafor", NUMERIC)


@pytest.mark.parametrize("case", CASES)
def test_the_share_of_variance_of_metafor(case: str) -> None:
    expect(case, "share", NUMERIC)


@pytest.mark.parametrize("name", [name for name in R if name.startswith("wilson")])
def test_the_interval_of_one_proportion(name: str) -> None:
    events, size = map(int, name.split("_")[1:])
    found = estimate_risk(events, size)
    assert (found.low, found.high) == pytest.approx((R[name]["low"], R[name]["high"]), abs=1e-9)


def test_the_versions_are_told() -> None:
    text = (HERE / "pooled_proportions_versions.txt").read_text("utf-8")
    assert all(name in text for name in ("R version 4.", "lme4 1.1", "metafor 3.8"))


@pytest.mark.long
def test_r_gives_the_stored_numbers(tmp_path: Path) -> None:
    program = shutil.which("Rscript")
    if program is None:
        if os.environ.get("CYTOPENIA_REQUIRE_PROGRAMS") == "1":
            pytest.fail("Rscript is not on PATH, and CYTOPENIA_REQUIRE_PROGRAMS is 1")
        pytest.skip("Rscript is not on PATH")
    subprocess.run([program, HERE / "make_pooled_proportions.R", tmp_path], check=True, timeout=300)
    again = read_results(tmp_path)
    assert again.keys() == R.keys()
    for case, numbers in R.items():
        assert again[case] == pytest.approx(numbers, rel=1e-7, abs=1e-12), case
