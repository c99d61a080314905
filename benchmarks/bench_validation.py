"""The optimism of a logistic model by 1,000 resamples, beside rms::validate.

Run `python benchmarks/bench_validation.py --help`. Both contenders run in turn in one call, several times;
medians of wall and processor seconds and their ratios are printed and written to benchmarks/validation.md.
R works on one core, and so do we: NumPy's matrix products have one thread, unless `--threads` says more.
Without Rscript only our own times are printed. All data are simulated.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cytopenia.stats.resamples import draw_resamples
from cytopenia.stats.validation import ModelRecipe, Validation, validate_model

HERE = Path(__file__).parent
TARGET = HERE / "validation.md"
THREADS = "OPENBLAS_NUM_THREADS"
SIZES = ((60, 2), (60, 5), (300, 5), (1000, 8))
Runs = list[tuple[float, float]]


def main() -> None:
    """Measure every size and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resamples", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of NumPy's matrix products")
    given = parser.parse_args()
    if os.environ.get(THREADS) != str(given.threads):
        # NumPy reads it once, when it is loaded.
        os.environ[THREADS] = str(given.threads)
        os.execv(sys.executable, [sys.executable, *sys.argv])
    # The first call loads SciPy.
    validate_model(*draw_small(), recipe=ModelRecipe("maximum_likelihood", (0,)))
    with tempfile.TemporaryDirectory() as folder:
        lines = [measure_size(rows, columns, given, Path(folder)) for rows, columns in SIZES]
    text = "\n".join(lines)
    print(text)
    if shutil.which("Rscript") and given.threads == 1:
        TARGET.write_text(describe(text, given), encoding="utf-8")


def measure_size(rows: int, columns: int, given: argparse.Namespace, folder: Path) -> str:
    """One line of the table: our times, theirs, the ratio, and both corrected numbers."""
    design, event = draw(rows, columns, folder / "data.csv")
    recipe = ModelRecipe("maximum_likelihood", tuple(range(columns)))
    ours: Runs = []
    theirs: Runs = []
    found: Validation | None = None
    rms = (float("nan"), float("nan"))
    for run in range(given.runs):
        wall, processor = time.perf_counter(), time.process_time()
        drawn = draw_resamples(rows, count=given.resamples, seed=run)
        found = validate_model(design, event, drawn, recipe=recipe)
        ours.append((time.perf_counter() - wall, time.process_time() - processor))
        if shutil.which("Rscript"):
            times, rms = run_r(folder / "data.csv", given.resamples)
            theirs.append(times)
    assert found is not None
    c, slope = found.c_statistic.corrected, found.slope.corrected
    numbers = f"{2 * (c or 0.0) - 1:.3f} / {slope or 0.0:.3f}"
    mine = median(ours)
    if not theirs:
        return f"| {rows} | {columns} | {mine[0]:.2f} ({mine[1]:.2f}) | - | - | {numbers} | - |"
    other = median(theirs)
    ratio = f"{other[0] / mine[0]:.1f} ({other[1] / mine[1]:.1f})"
    return (
        f"| {rows} | {columns} | {mine[0]:.2f} ({mine[1]:.2f}) | {other[0]:.2f} ({other[1]:.2f}) | {ratio}"
        f" | {numbers} | {rms[0]:.3f} / {rms[1]:.3f} |"
    )


def draw_small() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a few patients and one resample of them."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(30, 1)), np.arange(30) % 2, draw_resamples(30, count=1, seed=1)


def draw(rows: int, columns: int, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Simulate a third with the event, and write the table for R."""
    rng = np.random.default_rng(rows + columns)
    design = rng.normal(size=(rows, columns))
    event = (rng.random(rows) < 1 / (1 + np.exp(0.7 - 0.8 * design[:, 0] - 0.4 * design[:, 1]))).astype(int)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["event", *(f"x{place}" for place in range(columns))])
        writer.writerows([int(mark), *row] for mark, row in zip(event, design.tolist(), strict=True))
    return design, event


def run_r(path: Path, resamples: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Wall and processor seconds of one run of rms, without its start; corrected Dxy and slope."""
    command = ["Rscript", str(HERE / "bench_validation.R"), str(path), str(resamples), "1"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = next(line.split() for line in out.splitlines() if line.startswith("rms "))
    return (float(words[1]), float(words[2])), (float(words[3]), float(words[4]))


def median(runs: Runs) -> tuple[float, float]:
    """Medians of wall and processor seconds."""
    return statistics.median(wall for wall, _ in runs), statistics.median(cpu for _, cpu in runs)


def describe(text: str, given: argparse.Namespace) -> str:
    """The page: what was measured, where, and the table."""
    out = subprocess.run(
        ["Rscript", "-e", "cat(R.version.string, 'rms', as.character(packageVersion('rms')))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: compare the ratios, not the seconds"
    return f"""# Optimism of a logistic model beside rms

Written by `benchmarks/bench_validation.py`. {given.resamples:,} resamples, maximum likelihood, no
selection; simulated data, a third with the event. Median of {given.runs} runs in turn, wall seconds
(processor seconds), without the start of the programs. Both work on one core: NumPy's matrix products have
one thread here. {machine}.
Python {platform.python_version()}, NumPy {version("numpy")}, {out}.

| Rows | Columns | cytopenia, s | rms::validate, s | Ratio | Dxy / slope, corrected | the same by rms |
|---:|---:|---:|---:|---:|---:|---:|
{text}

The two draw other resamples, so that the numbers agree only as closely as {given.resamples:,} resamples
do; on the same resamples they agree to 1e-6 (`tests/parity/test_parity_of_validation.py`).
"""


if __name__ == "__main__":
    main()
