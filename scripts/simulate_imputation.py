"""How often 95% intervals after imputation hold a known truth, and how far complete cases are off.

Usage: python scripts/simulate_imputation.py [repetitions [profile | t]]. Prints the table of
docs/missing_data.md. Of the made-up patients z is always known, x depends on z, the event on both. A
third of x is missing: at random altogether (MCAR), or more often with a high z and with the event (MAR).
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytopenia.stats.imputation import impute_chained
from cytopenia.stats.imputed_models import fit_firth_together, fit_imputed_logistic
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.pooling import PooledEstimate, pool_estimates

Numbers = NDArray[np.float64]

SIZES, MECHANISMS = (60, 120, 200), ("MCAR", "MAR")
REPETITIONS = 1000
SLOPE_X, SLOPE_Z, START = 0.8, 0.5, -0.4
MEAN_X = 1.0
FEWEST_ON_A_SIDE = 10


@dataclass(frozen=True)
class Coverage:
    """What a number of repetitions found of one quantity.

    Attributes
    ----------
    held : float
        Share of the intervals after imputation that hold the truth.
    bias, complete_bias : float
        Mean error after imputation, and of complete cases.
    complete_held : float
    """

    repetitions: int
    held: float
    bias: float
    complete_held: float
    complete_bias: float


def make_patients(rng: np.random.Generator, *, size: int, mechanism: str) -> tuple[Numbers, Numbers]:
    """Return the event, x and z of every patient, and x with its gaps."""
    z = rng.normal(size=size)
    x = MEAN_X + 0.6 * z + 0.8 * rng.normal(size=size)
    chance = 1 / (1 + np.exp(-(START + SLOPE_X * (x - MEAN_X) + SLOPE_Z * z)))
    event = (rng.random(size) < chance).astype(np.float64)
    gap = np.full(size, 0.33)
    if mechanism == "MAR":
        gap = 1 / (1 + np.exp(-(-1.6 + 1.2 * z + 1.2 * event)))
    return np.column_stack([event, x, z]), np.where(rng.random(size) < gap, np.nan, x)


def pool_slope(tables: Numbers, event: Numbers, *, interval: str) -> PooledEstimate:
    """Return Firth's slope of x, with the interval of the combined profiles or of Rubin's t distribution."""
    if interval == "profile":
        return fit_imputed_logistic(tables, event, names=["x", "z"]).terms[0]
    slopes, errors = fit_firth_together(tables, event)
    return pool_estimates(slopes[:, 0], errors[:, 0], complete_freedom=event.size - 3)


def judge_once(
    rng: np.random.Generator, *, size: int, mechanism: str, interval: str
) -> dict[str, tuple[float, ...]] | None:
    """Estimate and limits after imputation, then of complete cases, of the slope and of the mean of x."""
    truth, x = make_patients(rng, size=size, mechanism=mechanism)
    event, known = truth[:, 0], ~np.isnan(x)
    sides = [event.sum(), size - event.sum(), event[known].sum(), (1 - event[known]).sum()]
    if min(sides) < FEWEST_ON_A_SIDE:
        return None
    table = np.column_stack([event, x, truth[:, 2]])
    found = impute_chained(table, levels=[2, 0, 0], names=["e", "x", "z"], seed=int(rng.integers(2**31)))
    slope = pool_slope(found.values[:, :, 1:], event, interval=interval)
    means = found.values[:, :, 1]
    mean = pool_estimates(
        means.mean(axis=1), means.std(axis=1, ddof=1) / math.sqrt(size), complete_freedom=size - 1
    )
    alone = fit_logistic(table[known, 1:], event[known], names=["x", "z"], method="firth").terms[0]
    some = x[known]
    half = 1.98 * float(some.std(ddof=1)) / math.sqrt(some.size)
    numbers = (slope.estimate, slope.low, slope.high, alone.coefficient)
    if None in (*numbers, alone.low, alone.high):
        return None
    limits = (math.log(alone.low or 1), math.log(alone.high or 1))
    return {
        "slope": tuple(float(one or 0) for one in (*numbers, *limits)),
        "mean": tuple(
            float(one or 0)
            for one in (
                mean.estimate,
                mean.low,
                mean.high,
                some.mean(),
                some.mean() - half,
                some.mean() + half,
            )
        ),
    }


def simulate_coverage(*, size: int, mechanism: str, repetitions: int, interval: str) -> dict[str, Coverage]:
    """Return the coverage and bias of the slope and of the mean of x."""
    rng = np.random.default_rng(1)
    runs = [judge_once(rng, size=size, mechanism=mechanism, interval=interval) for _ in range(repetitions)]
    kept = [run for run in runs if run is not None]
    found: dict[str, Coverage] = {}
    for name, truth in (("slope", SLOPE_X), ("mean", MEAN_X)):
        table = np.array([run[name] for run in kept])
        held, complete_held = (
            float(((table[:, low] <= truth) & (truth <= table[:, low + 1])).mean()) for low in (1, 4)
        )
        bias, complete_bias = (float(table[:, place].mean() - truth) for place in (0, 3))
        found[name] = Coverage(len(kept), held, bias, complete_held, complete_bias)
    return found


def main() -> None:
    """Print one row per mechanism, size and quantity."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS
    interval = sys.argv[2] if len(sys.argv) > 2 else "profile"
    sys.stdout.write(
        "| Missing | n | Quantity | Imputed: coverage | Imputed: bias | Complete: coverage | Complete: bias |"
        " Repetitions |\n|---|---:|---|---:|---:|---:|---:|---:|\n"
    )
    for mechanism in MECHANISMS:
        for size in SIZES:
            found = simulate_coverage(
                size=size, mechanism=mechanism, repetitions=repetitions, interval=interval
            )
            for name, one in found.items():
                sys.stdout.write(
                    f"| {mechanism} | {size} | {name} of x | {one.held:.1%} | {one.bias:+.3f} |"
                    f" {one.complete_held:.1%} | {one.complete_bias:+.3f} | {one.repetitions} |\n"
                )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
