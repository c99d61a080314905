"""Multiple imputation beside mice of R and MICE of statsmodels, on the same made-up tables.

Run `python benchmarks/bench_imputation.py`; mice is left out where there is no Rscript. The contenders take
turns, round by round, and the shortest time of each counts; processor seconds as well as wall seconds,
because other work on the machine moves the latter. The start of R and its packages is not counted.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cytopenia.stats.imputation import impute_chained

Numbers = NDArray[np.float64]

# Rows, columns, imputations, iterations.
TASKS = {"a cohort": (63, 4, 20, 10), "a register": (10_000, 20, 5, 5)}
SHARE_MISSING = 0.15
TOO_MANY_ROWS = 1000
R_PROGRAM = """
suppressPackageStartupMessages(library(mice))
a <- commandArgs(trailingOnly = TRUE)
data <- read.csv(a[1])
m <- as.integer(a[2])
t <- system.time(mice(data, m = m, maxit = as.integer(a[3]), method = "pmm", printFlag = FALSE, seed = 1))
cat(t[["elapsed"]], t[["user.self"]] + t[["sys.self"]])
"""


def make_table(rows: int, columns: int) -> Numbers:
    """Return correlated numbers, a sixth of them missing at random; the first column is complete."""
    rng = np.random.default_rng(20261128)
    table = rng.normal(size=(rows, columns)) @ (np.eye(columns) + rng.normal(size=(columns, columns)) / 4)
    table[:, 1:][rng.random((rows, columns - 1)) < SHARE_MISSING] = np.nan
    return table


def time_ours(table: Numbers, imputations: int, iterations: int) -> tuple[float, float]:
    """Return wall and processor seconds."""
    names = [f"x{place}" for place in range(table.shape[1])]
    wall, processor = time.perf_counter(), time.process_time()
    impute_chained(
        table, levels=[0] * len(names), names=names, seed=1, imputations=imputations, iterations=iterations
    )
    return time.perf_counter() - wall, time.process_time() - processor


def time_statsmodels(table: Numbers, imputations: int, iterations: int) -> tuple[float, float]:
    """Return wall and processor seconds; its one chain is continued for every imputation."""
    import pandas as pd
    from statsmodels.imputation.mice import MICEData

    frame = pd.DataFrame(table, columns=[f"x{place}" for place in range(table.shape[1])])
    np.random.seed(1)  # noqa: NPY002  it draws from the global generator only
    wall, processor = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chain = MICEData(frame, k_pmm=5)
        for _ in range(imputations):
            chain.update_all(iterations)
    return time.perf_counter() - wall, time.process_time() - processor


def time_mice(table: Numbers, imputations: int, iterations: int) -> tuple[float, float]:
    """Return wall and processor seconds of the call alone."""
    with tempfile.TemporaryDirectory() as folder:
        path, program = Path(folder) / "table.csv", Path(folder) / "run.R"
        header = ",".join(f"x{place}" for place in range(table.shape[1]))
        np.savetxt(path, table, delimiter=",", header=header, comments="", fmt="%.17g")
        path.write_text(path.read_text("utf-8").replace("nan", "NA"), "utf-8")
        program.write_text(R_PROGRAM, "utf-8")
        arguments = ["Rscript", str(program), str(path), str(imputations), str(iterations)]
        found = subprocess.run(arguments, check=True, capture_output=True, text=True)
    wall, processor = (float(one) for one in found.stdout.split())
    return wall, processor


def main() -> None:
    """Print the shortest times and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    contenders: dict[str, Callable[[Numbers, int, int], tuple[float, float]]] = {
        "cytopenia": time_ours,
        "statsmodels": time_statsmodels,
    }
    if shutil.which("Rscript"):
        contenders["mice"] = time_mice
    for task, (rows, columns, imputations, iterations) in TASKS.items():
        # Its single chain would take a quarter of an hour.
        names = [name for name in contenders if rows < TOO_MANY_ROWS or name != "statsmodels"]
        table = make_table(rows, columns)
        sys.stdout.write(
            f"{task}: {rows} rows, {columns} columns, {imputations} imputations, {iterations} iterations\n"
        )
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                times[name].append(contenders[name](table, imputations, iterations))
        best = {name: tuple(min(one) for one in zip(*found, strict=True)) for name, found in times.items()}
        for name, (wall, processor) in best.items():
            ratios = wall / best["cytopenia"][0], processor / best["cytopenia"][1]
            sys.stdout.write(
                f"  {name:12} {wall:8.3f} s wall, {processor:8.3f} s processor; {ratios[0]:.1f} and"
                f" {ratios[1]:.1f} times ours\n"
            )


if __name__ == "__main__":
    main()
