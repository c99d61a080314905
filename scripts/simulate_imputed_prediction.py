"""Measure corrected numbers of models made from imputed values: 60 patients of whom 21 have the event.

Writes docs/simulation_study/imputed_prediction.csv: how far the apparent and the corrected C statistic, slope
and Brier score lie from what the pooled model itself has in 20,000 new patients whose values are all known,
and beside it the same of the model of the complete cases. Numbers are normal with standard deviation 1 and a
correlation of 0.3; the first two are higher with the event, a third is noise. The first is missing in about
a third of the patients, more often where the second is high and with the event (MAR). No patient stands
behind them. Run `python scripts/simulate_imputed_prediction.py --help`.
"""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from cytopenia.stats.calibration import recalibrate_intercept
from cytopenia.stats.imputation import impute_chained
from cytopenia.stats.imputed_models import fit_firth_together
from cytopenia.stats.imputed_validation import ImputedValidation, IncompleteTable, validate_imputed
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.resamples import draw_resamples
from cytopenia.stats.roc import estimate_roc
from cytopenia.stats.validation import ModelRecipe, Validation, validate_model

HERE = Path(__file__).resolve().parents[1]
TARGET = HERE / "docs" / "simulation_study" / "imputed_prediction.csv"
EVENTS, OTHERS = 21, 39
NEW = 20_000
# Distance of the means with and without the event, of the first two columns.
SHIFTS = {"weak": (0.4, 0.3), "strong": (0.9, 0.6)}
CORRELATION = 0.3
INDICES = ("c_statistic", "slope", "brier")
TABLES = 10

Numbers = NDArray[np.float64]


def main() -> None:
    """Simulate and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=60)
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--target", type=Path, default=TARGET)
    given = parser.parse_args()
    rows: list[dict[str, object]] = []
    started = time.monotonic()
    for strength in SHIFTS:
        for columns in (2, 3):
            rows += _measure(strength, columns, given)
            print(f"{strength}, {columns}: {time.monotonic() - started:.0f} s", flush=True)
    given.target.parent.mkdir(parents=True, exist_ok=True)
    with given.target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def draw_patients(rng: np.random.Generator, event: Numbers, strength: str, columns: int) -> Numbers:
    """Return the complete columns of patients with and without the event."""
    shifts = np.zeros(columns)
    shifts[:2] = SHIFTS[strength]
    spread = np.full((columns, columns), CORRELATION) + (1 - CORRELATION) * np.eye(columns)
    return rng.multivariate_normal(np.zeros(columns), spread, size=event.size) + event[:, np.newaxis] * shifts


def drop_values(rng: np.random.Generator, design: Numbers, event: Numbers) -> Numbers:
    """Return the columns with gaps in the first, at random given the second and the event."""
    gaps = design.copy()
    gaps[rng.random(event.size) < expit(-1.1 + 0.8 * design[:, 1] + 0.6 * event), 0] = np.nan
    return gaps


def measure_truth(weights: Numbers, design: Numbers, event: Numbers) -> dict[str, float]:
    """What coefficients (the intercept first) are worth in patients they were not made from."""
    scores = np.array(weights[0] + design @ weights[1:], dtype=np.float64)
    line = fit_logistic(scores[:, np.newaxis], event, names=["scores"]).terms[0].coefficient
    return {
        "c_statistic": estimate_roc(scores, event, high_means_event=True).auc or math.nan,
        "slope": math.nan if line is None else line,
        "brier": float(np.mean((expit(scores) - event) ** 2)),
    }


def _measure(strength: str, columns: int, given: argparse.Namespace) -> list[dict[str, object]]:
    rng = np.random.default_rng([given.seed, list(SHIFTS).index(strength), columns])
    event = np.concatenate([np.ones(EVENTS), np.zeros(OTHERS)])
    new_event = (rng.random(NEW) < EVENTS / event.size).astype(np.float64)
    new = draw_patients(rng, new_event, strength, columns)
    found: dict[tuple[str, str, str], list[float]] = {}
    for cohort in range(given.cohorts):
        gaps = drop_values(rng, draw_patients(rng, event, strength, columns), event)
        drawn = draw_resamples(event.size, count=given.resamples, seed=cohort)
        made = {
            "imputed": judge_imputed(gaps, event, drawn, seed=cohort),
            "complete": judge_complete(gaps, event, resamples=given.resamples, seed=cohort),
        }
        for way, (weights, validation) in made.items():
            truth = measure_truth(weights, new, new_event)
            for name, value in compare(validation, truth).items():
                found.setdefault((way, *name), []).append(value)
    key = {"strength": strength, "columns": columns}
    return [{**key, **row} for row in _average(found)]


def compare(
    validation: Validation | ImputedValidation, truth: Mapping[str, float]
) -> dict[tuple[str, str], float]:
    """How far apparent and corrected numbers lie above the truth."""
    found: dict[tuple[str, str], float] = {}
    for name in INDICES:
        index = getattr(validation, name)
        for estimate in ("apparent", "corrected"):
            value = getattr(index, estimate)
            found[name, f"{estimate}_less_truth"] = math.nan if value is None else value - truth[name]
        found[name, "truth"] = truth[name]
    return found


def _average(found: Mapping[tuple[str, str, str], list[float]]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for (way, index, measure), values in found.items():
        known = np.array(values)[np.isfinite(values)]
        error = known.std(ddof=1) / math.sqrt(known.size)
        rows.append(
            {
                "way": way,
                "index": index,
                "measure": measure,
                "value": f"{known.mean():.4f}",
                "monte_carlo_error": f"{error:.4f}",
                "cohorts": known.size,
            }
        )
    return rows


def judge_imputed(
    gaps: Numbers, event: Numbers, drawn: NDArray[np.int64], *, seed: int
) -> tuple[Numbers, ImputedValidation]:
    """The pooled model and its validation."""
    columns = gaps.shape[1]
    names = tuple(f"x{place}" for place in range(columns))
    imputed = impute_chained(
        np.column_stack([event, gaps]),
        levels=[2, *([0] * columns)],
        names=["event", *names],
        seed=seed,
        imputations=TABLES,
    )
    tables = imputed.values[:, :, 1:]
    data = IncompleteTable(gaps, tables, event, (0,) * columns, names, np.copy, tuple(range(columns)))
    recipe = ModelRecipe("firth", tuple(range(columns)))
    weights = fit_firth_together(tables, event)[0].mean(axis=0)
    scores = tables @ weights
    intercept = recalibrate_intercept(scores.ravel(), np.tile(event, TABLES))
    return np.array([intercept, *weights]), validate_imputed(data, drawn, recipe=recipe, seed=seed)


def judge_complete(gaps: Numbers, event: Numbers, *, resamples: int, seed: int) -> tuple[Numbers, Validation]:
    """The model of the complete cases and its validation."""
    is_known = ~np.isnan(gaps).any(axis=1)
    design, marks = gaps[is_known], event[is_known]
    weights = fit_firth_together(design[np.newaxis], marks)[0][0]
    intercept = recalibrate_intercept(design @ weights, marks)
    drawn = draw_resamples(marks.size, count=resamples, seed=seed)
    recipe = ModelRecipe("firth", tuple(range(design.shape[1])))
    return np.array([intercept, *weights]), validate_model(design, marks, drawn, recipe=recipe)


if __name__ == "__main__":
    main()
