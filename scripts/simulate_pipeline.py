"""Measure how often cut, screen and fit find an "independent risk factor" among markers of pure noise.

Writes docs/simulation_study/pipeline.csv, and the numbers that reports quote to
src/cytopenia/data/noise_pipeline.csv. Run `python scripts/simulate_pipeline.py --help`. Each data set has 60
patients, 21 of them with the event, and five normal markers that have nothing to do with it. The pipeline:
cut each marker by Youden, keep those with a univariable P below 0.05, fit them together by maximum
likelihood; a finding is a P below 0.05 in that model. All numbers are simulated; no patient stands behind
them.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from cytopenia.stats.batched_logistic import fit_logistic_batch
from cytopenia.stats.roc import estimate_roc

HERE = Path(__file__).resolve().parents[1]
TARGET = HERE / "docs" / "simulation_study" / "pipeline.csv"
QUOTED = HERE / "src" / "cytopenia" / "data" / "noise_pipeline.csv"
PATIENTS, EVENTS, MARKERS = 60, 21, 5
P_BELOW = 0.05
DIRECTIONS = ("declared", "observed")
COLUMNS = ("direction", "quantity", "share", "standard_error", "data_sets")

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]


def main() -> None:
    """Simulate and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-sets", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--target", type=Path, default=TARGET)
    parser.add_argument("--quoted", type=Path, default=QUOTED)
    given = parser.parse_args()
    rows = [
        row
        for direction in DIRECTIONS
        for row in summarize(direction, run_pipeline(direction, given.data_sets, given.seed))
    ]
    settings = [str(PATIENTS), str(EVENTS), str(MARKERS), f"{P_BELOW:g}", str(given.seed)]
    write_table(given.target, (*COLUMNS, "patients", "events", "markers", "p_below", "seed"), rows, settings)
    quoted = [row for row in rows if row[0] == "declared" and row[1] == "any_independent"]
    write_table(
        given.quoted, (*COLUMNS, "patients", "events", "markers", "p_below", "seed"), quoted, settings
    )


def write_table(path: Path, columns: tuple[str, ...], rows: list[list[str]], settings: list[str]) -> None:
    """Write rows with the settings that all of them have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([*row, *settings] for row in rows)


def run_pipeline(direction: str, data_sets: int, seed: int) -> dict[str, Numbers]:
    """Return what the pipeline found in each data set; shares are means over data sets."""
    rng = np.random.default_rng(seed)
    markers = rng.normal(size=(data_sets, PATIENTS, MARKERS))
    event = np.repeat([1.0, 0.0], [EVENTS, PATIENTS - EVENTS])
    sides, has_cut = divide_markers(markers, event, direction)
    times = np.ones((data_sets, PATIENTS), dtype=np.int64)
    alone = np.column_stack(
        [read_p(sides[:, :, [place]], event, times, has_cut[:, [place]]) for place in range(MARKERS)]
    )
    is_chosen = alone < P_BELOW
    together = np.full(alone.shape, np.nan)
    some = is_chosen.any(axis=1)
    together[some] = read_p(sides[some], event, times[some], is_chosen[some])
    is_found = together < P_BELOW
    is_fitted = ~np.isnan(together) | ~is_chosen
    found = {
        "any_screened": some,
        "any_independent": is_found.any(axis=1),
        "marker_screened": is_chosen.mean(axis=1),
        "marker_independent": is_found.mean(axis=1),
        "no_finite_estimate": ~is_fitted.all(axis=1),
    }
    return {name: np.asarray(numbers, dtype=np.float64) for name, numbers in found.items()}


def divide_markers(markers: Numbers, event: Numbers, direction: str) -> tuple[Numbers, Marks]:
    """Return the side of Youden's cut of every marker, and whether it has a cut.

    "declared": higher means the event, said before the data; "observed": the side that looks better.
    """
    sides, has_cut = np.zeros_like(markers), np.ones((len(markers), MARKERS), dtype=bool)
    for at, table in enumerate(markers):
        for place in range(MARKERS):
            values = table[:, place]
            curve = estimate_roc(values, event, high_means_event=True)
            if direction == "observed" and curve.auc is not None and curve.auc < 0.5:
                curve = estimate_roc(values, event, high_means_event=False)
            if curve.cut is None:
                has_cut[at, place] = False
            else:
                sides[at, :, place] = values >= curve.cut
    return sides, has_cut


def read_p(sides: Numbers, event: Numbers, times: NDArray[np.int64], chosen: Marks) -> Numbers:
    """Return the Wald P of each chosen marker; NaN where it is not chosen or has no finite estimate."""
    fit = fit_logistic_batch(sides, event, times, method="maximum_likelihood", chosen=chosen)
    with np.errstate(invalid="ignore"):
        p = 2.0 * ndtr(-np.abs(fit.coefficients[:, 1:] / fit.standard_errors))
    return np.where(chosen, p, np.nan)


def summarize(direction: str, found: dict[str, Numbers]) -> Iterator[list[str]]:
    """Share and Monte Carlo standard error of every quantity."""
    for name, numbers in found.items():
        error = float(numbers.std(ddof=1)) / math.sqrt(numbers.size)
        yield [direction, name, f"{numbers.mean():.5f}", f"{error:.5f}", str(numbers.size)]


if __name__ == "__main__":
    main()
