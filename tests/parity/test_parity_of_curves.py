"""The same curves as survfit and cuminc of R; made by make_survival.R and make_times.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cytopenia.stats.survival import CumulativeIncidence, estimate_cumulative_incidence
from parity_files import check_r_again, read_results, read_rows, take_fingerprint

NEAR = 1e-6
KINDS = {"recovery": 1, "death": 2}


def read_samples() -> dict[str, tuple[list[float], list[int]]]:
    rows = read_rows("times.csv")
    chosen = {"all": rows, "a": [r for r in rows if r["group"] == "a"]}
    chosen["b"] = [r for r in rows if r["group"] == "b"]
    samples = {n: ([float(r["time"]) for r in s], [int(r["event"]) for r in s]) for n, s in chosen.items()}
    samples["small"] = ([0, 0, 3, 3, 5, 8, 8, 9], [1, 2, 1, 0, 2, 1, 1, 0])
    samples["all_recover"] = ([2, 4, 4, 7], [1, 1, 1, 1])
    samples["none"] = ([2, 4, 6], [0, 2, 0])
    return samples


R = read_results("survival_results.csv")
SAMPLES = read_samples()


def curve_of(case: str) -> tuple[CumulativeIncidence, float]:
    sample, kind, day = case.rsplit("_", 2)
    time, event = SAMPLES[sample.partition("_")[2]]
    return estimate_cumulative_incidence(time, event, kind=KINDS[kind]), float(day)


@pytest.mark.parametrize("case", R)
def test_curve_of_r(case: str) -> None:
    """R draws the curve on beyond the last follow-up; here it is not known there."""
    curve, day = curve_of(case)
    point = curve.at(day)
    if point.estimate is None:
        point = curve.at(curve.times[-1])
    got = {name: getattr(point, name) for name in R[case]}
    if R[case]["estimate"] in (0, 1):
        # R prints the estimate itself for limits that do not exist.
        assert point.estimate == pytest.approx(R[case]["estimate"], abs=NEAR)
        assert (point.low, point.high) == (None, None)
        return
    assert got == pytest.approx(dict(R[case]), rel=NEAR)


def test_both_programs_and_every_sample_are_compared() -> None:
    for sample in SAMPLES:
        assert {f"{program}_{sample}_recovery_0" for program in ("survfit", "cuminc")} & set(R)
    assert sum(case.startswith("cuminc_all") for case in R) >= 10


def test_the_numbers_are_those_of_this_script_and_these_data() -> None:
    """R itself is asked by the long test below; whoever changes a file runs it, and types the new print."""
    files = ("make_survival.R", "times.csv", "survival_results.csv")
    assert take_fingerprint(*files) == "8f4bcdb4a469c437"


@pytest.mark.long
def test_r_gives_the_stored_numbers_of_the_curves(find_program: Callable[[str], str], tmp_path: Path) -> None:
    check_r_again(find_program, "make_survival.R", "survival_results.csv", tmp_path)
