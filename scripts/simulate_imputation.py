"""How often 95% intervals after imputation hold a known truth, and how far complete cases are off.

Writes docs/simulation_study/imputation.csv. Of the made-up patients z is always known, x depends on z, the
event on both. A third of x is missing: at random altogether (MCAR), or more often with a high z and with
the event (MAR). No patient stands behind them. Run `python scripts/simulate_imputation.py --help`.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytopenia.stats.imputation import impute_chained
from cytopenia.stats.imputed_models import fit_firth_together, fit_imputed_logistic
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.pooling import PooledEstimate, pool_estimates

Numbers = NDArray[np.float64]

TARGET = Path(__file__).resolve().parents[1] / "docs" / "simulation_study" / "imputation.csv"
Quantity = tuple[str, str]
# What is estimated, and the interval it has.
QUANTITIES: tuple[Quantity, ...] = (("slope", "profile"), ("slope", "t"), ("mean", "t"))
# Tables with too few patients on a side are drawn again, up to so many for each that is kept.
MOST_DRAWN = 4
SIZES, MECHANISMS = (60, 120, 200), ("MCAR", "MAR")
SLOPE_X, SLOPE_Z, START = 0.8, 0.5, -0.4
MEAN_X = 1.0
TRUTHS = {"slope": SLOPE_X, "mean": MEAN_X}
FEWEST_ON_A_SIDE = 10


@dataclass(frozen=True)
class Coverage:
    """What a number of repetitions found of one quantity.

    Attributes
    ----------
    held : float
        Share of the intervals after imputation that hold the truth.
    bias, error : float
        Mean error after imputation, and its standard error.
    complete_held, complete_bias, complete_error : float
        The same of complete cases.
    """

    repetitions: int
    held: float
    bias: float
    error: float
    complete_held: float
    complete_bias: float
    complete_error: float


@dataclass(frozen=True)
class Given:
    """How many tables are kept in each cell, and the seed."""

    repetitions: int
    seed: int

    @property
    def most(self) -> int:
        """Tables that are drawn at most."""
        return MOST_DRAWN * self.repetitions


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


def pool_slopes(tables: Numbers, event: Numbers) -> tuple[PooledEstimate, PooledEstimate]:
    """Return Firth's slope of x, with the interval of the combined profiles and of Rubin's t distribution."""
    slopes, errors = fit_firth_together(tables, event)
    by_t = pool_estimates(slopes[:, 0], errors[:, 0], complete_freedom=event.size - 3)
    return fit_imputed_logistic(tables, event, names=["x", "z"]).terms[0], by_t


def judge_once(
    rng: np.random.Generator, *, size: int, mechanism: str
) -> dict[Quantity, tuple[float, ...]] | None:
    """Estimate and limits after imputation, then of complete cases, of the slope and of the mean of x."""
    truth, x = make_patients(rng, size=size, mechanism=mechanism)
    event, known = truth[:, 0], ~np.isnan(x)
    sides = [event.sum(), size - event.sum(), event[known].sum(), (1 - event[known]).sum()]
    if min(sides) < FEWEST_ON_A_SIDE:
        return None
    table = np.column_stack([event, x, truth[:, 2]])
    found = impute_chained(table, levels=[2, 0, 0], names=["e", "x", "z"], seed=int(rng.integers(2**31)))
    slopes = pool_slopes(found.values[:, :, 1:], event)
    means = found.values[:, :, 1]
    mean = pool_estimates(
        means.mean(axis=1), means.std(axis=1, ddof=1) / math.sqrt(size), complete_freedom=size - 1
    )
    alone = fit_logistic(table[known, 1:], event[known], names=["x", "z"], method="firth").terms[0]
    some = x[known]
    half = 1.98 * float(some.std(ddof=1)) / math.sqrt(some.size)
    pooled = dict(zip(QUANTITIES, (*slopes, mean), strict=True))
    numbers = [(one.estimate, one.low, one.high) for one in pooled.values()]
    if None in (*chain(*numbers), alone.coefficient, alone.low, alone.high):
        return None
    complete = {
        "slope": (alone.coefficient or 0, math.log(alone.low or 1), math.log(alone.high or 1)),
        "mean": (some.mean(), some.mean() - half, some.mean() + half),
    }
    return {
        key: tuple(float(number or 0) for number in (*own, *complete[key[0]]))
        for key, own in zip(pooled, numbers, strict=True)
    }


def simulate_coverage(*, size: int, mechanism: str, given: Given) -> dict[Quantity, Coverage]:
    """Return the coverage and bias of the slope and of the mean of x."""
    rng = np.random.default_rng([given.seed, size, MECHANISMS.index(mechanism)])
    runs = (judge_once(rng, size=size, mechanism=mechanism) for _ in range(given.most))
    kept = list(islice((run for run in runs if run is not None), given.repetitions))
    found: dict[Quantity, Coverage] = {}
    for key in QUANTITIES:
        truth, table = TRUTHS[key[0]], np.array([run[key] for run in kept])
        held, complete_held = (
            float(((table[:, low] <= truth) & (truth <= table[:, low + 1])).mean()) for low in (1, 4)
        )
        errors = table[:, [0, 3]] - truth
        bias, complete_bias = errors.mean(axis=0).tolist()
        error, complete_error = (errors.std(axis=0, ddof=1) / math.sqrt(len(kept))).tolist()
        found[key] = Coverage(len(kept), held, bias, error, complete_held, complete_bias, complete_error)
    return found


def main() -> None:
    """Simulate and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1_000, help="tables that are kept in each cell")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--seed", type=int, default=20261128)
    parser.add_argument("--target", type=Path, default=TARGET)
    asked = parser.parse_args()
    given = Given(asked.repetitions, asked.seed)
    rows: list[dict[str, object]] = []
    started = time.monotonic()
    for size, mechanism in product(asked.sizes, MECHANISMS):
        for key, one in simulate_coverage(size=size, mechanism=mechanism, given=given).items():
            rows += list_rows({"mechanism": mechanism, "patients": size}, key, one)
        print(f"{mechanism}, {size} patients: {time.monotonic() - started:.0f} s", flush=True)
    asked.target.parent.mkdir(parents=True, exist_ok=True)
    with asked.target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def list_rows(cell: dict[str, object], key: Quantity, one: Coverage) -> Iterator[dict[str, object]]:
    """Return one row for each number, with its Monte Carlo error."""
    numbers = {
        "coverage": (one.held, find_share_error(one.held, one.repetitions)),
        "bias": (one.bias, one.error),
        "complete_coverage": (one.complete_held, find_share_error(one.complete_held, one.repetitions)),
        "complete_bias": (one.complete_bias, one.complete_error),
    }
    for measure, (value, error) in numbers.items():
        yield {
            **cell,
            "quantity": f"{key[0]}_of_x",
            "interval": key[1],
            "measure": measure,
            "value": f"{value:.4f}",
            "monte_carlo_error": f"{error:.4f}",
            "tables": one.repetitions,
        }


def find_share_error(share: float, count: int) -> float:
    """Return the standard error of a share."""
    return math.sqrt(share * (1 - share) / count)


if __name__ == "__main__":
    main()
