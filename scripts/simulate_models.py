"""Measure intervals and corrected numbers of models in 60 patients of whom 21 have the event.

Writes docs/simulation_study/models.csv: how often the 95% intervals of Firth's odds ratio and of the area
under a ROC curve hold the truth, and how far the apparent and the corrected C statistic of a model lie
from the C that this very model has in new patients. Numbers are normal with standard deviation 1; the
first is higher with the event by the distance that gives the true area, the others are noise. No patient
stands behind them. Run `python scripts/simulate_models.py --help`.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from cytopenia.stats.batched_logistic import fit_logistic_batch
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.rank_biserial import estimate_rank_biserial
from cytopenia.stats.resamples import draw_resamples
from cytopenia.stats.roc import estimate_roc
from cytopenia.stats.validation import ModelRecipe, leave_pairs_out, validate_model

HERE = Path(__file__).resolve().parents[1]
TARGET = HERE / "docs" / "simulation_study" / "models.csv"
EVENTS, OTHERS = 21, 39
AREAS = (0.5, 0.64, 0.71, 0.78)
# Columns of the model, and the P below which a column enters; all enter where there is none.
MODELS = ((3, None), (5, None), (5, 0.05))

Numbers = NDArray[np.float64]


def main() -> None:
    """Simulate and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--intervals", type=int, default=2_000, help="cohorts for coverage")
    parser.add_argument("--models", type=int, default=300, help="cohorts for the C statistic")
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--target", type=Path, default=TARGET)
    given = parser.parse_args()
    rows: list[dict[str, object]] = []
    started = time.monotonic()
    for area in AREAS:
        rows += _measure_coverage(area, given.intervals, given.seed)
        for columns, p_below in MODELS:
            rows += _measure_c(area, columns, p_below, given)
        print(f"area {area}: {time.monotonic() - started:.0f} s", flush=True)
    given.target.parent.mkdir(parents=True, exist_ok=True)
    with given.target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def draw_cohort(rng: np.random.Generator, area: float, columns: int) -> tuple[Numbers, Numbers]:
    """Return columns and event of one cohort; the first column has the area."""
    event = np.concatenate([np.ones(EVENTS), np.zeros(OTHERS)])
    design = rng.normal(size=(event.size, columns))
    design[:, 0] += event * find_shift(area)
    return design, event


def find_shift(area: float) -> float:
    """Return the distance of the two means; it is the log odds ratio of one unit, too."""
    return math.sqrt(2.0) * float(ndtri(area))


def _measure_coverage(area: float, cohorts: int, seed: int) -> Iterator[dict[str, object]]:
    rng = np.random.default_rng([seed, round(100 * area)])
    shift = find_shift(area)
    held = {"firth_odds_ratio": 0, "auc_delong": 0, "auc_newcombe": 0}
    for _ in range(cohorts):
        design, event = draw_cohort(rng, area, 1)
        term = fit_logistic(design, event, names=["x"], method="firth").terms[0]
        low = -math.inf if term.low is None else math.log(term.low)
        high = math.inf if term.high is None else math.log(term.high)
        held["firth_odds_ratio"] += low <= shift <= high
        curve = estimate_roc(design[:, 0], event, high_means_event=True)
        assert curve.low is not None and curve.high is not None  # noqa: PT018 - both sides are there
        held["auc_delong"] += curve.low <= area <= curve.high
        ranks = estimate_rank_biserial(design[event == 1, 0], design[event == 0, 0])
        assert ranks.low is not None and ranks.high is not None  # noqa: PT018 - both sides are there
        held["auc_newcombe"] += (1 + ranks.low) / 2 <= area <= (1 + ranks.high) / 2
    for name, count in held.items():
        share = count / cohorts
        yield _row(
            area, 1, None, f"coverage_{name}", share, math.sqrt(share * (1 - share) / cohorts), cohorts
        )


def _measure_c(
    area: float, columns: int, p_below: float | None, given: argparse.Namespace
) -> Iterator[dict[str, object]]:
    """Apparent and corrected C of a Firth model, less its C in new patients."""
    rng = np.random.default_rng([given.seed, round(100 * area), columns, int(p_below is not None)])
    recipe = ModelRecipe("firth", tuple(range(columns)), p_below=p_below)
    found: dict[str, list[float]] = {"apparent": [], "optimism": [], "pairs_left_out": []}
    for place in range(given.models):
        design, event = draw_cohort(rng, area, columns)
        drawn = draw_resamples(event.size, count=given.resamples, seed=place)
        validated = validate_model(design, event, drawn, recipe=recipe)
        pairs = leave_pairs_out(design, event, recipe=recipe)
        truth = find_true_c(design, event, validated.chosen, area)
        c = validated.c_statistic
        for name, value in (
            ("apparent", c.apparent),
            ("optimism", c.corrected),
            ("pairs_left_out", pairs.value),
        ):
            assert value is not None
            found[name].append(value - truth)
    for name, errors in found.items():
        error = float(np.std(errors, ddof=1)) / math.sqrt(len(errors))
        yield _row(
            area, columns, p_below, f"c_{name}_less_truth", float(np.mean(errors)), error, given.models
        )


def find_true_c(design: Numbers, event: Numbers, chosen: NDArray[np.bool_], area: float) -> float:
    """Return the C statistic that the model of this cohort has in new patients."""
    times = np.ones((1, event.size))
    fit = fit_logistic_batch(design, event, times, method="firth", chosen=chosen[np.newaxis])
    weights = fit.coefficients[0, 1:]
    length = float(np.linalg.norm(weights))
    return 0.5 if length == 0 else float(ndtr(weights[0] * find_shift(area) / (length * math.sqrt(2.0))))


def _row(  # noqa: PLR0913 - one argument per column of the table
    area: float, columns: int, p_below: float | None, measure: str, value: float, error: float, cohorts: int
) -> dict[str, object]:
    return {
        "true_auc": area,
        "columns": columns,
        "p_below": "" if p_below is None else p_below,
        "measure": measure,
        "value": f"{value:.4f}",
        "monte_carlo_error": f"{error:.4f}",
        "cohorts": cohorts,
    }


if __name__ == "__main__":
    main()
