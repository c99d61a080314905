"""The bootstrap of Youden's cut beside cutpointr, and the area with DeLong's interval beside pROC.

Run `python benchmarks/bench_cutoffs.py --help`. Both contenders of a pair run in turn in one call, several
times; medians of wall and processor seconds and their ratios are printed and written to
benchmarks/cutoffs.md. Without Rscript only our own times are printed. All data are simulated.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cytopenia.stats.cut_bootstrap import Resampling, bootstrap_cut
from cytopenia.stats.roc import estimate_roc

HERE = Path(__file__).parent
TARGET = HERE / "cutoffs.md"
Times = list[tuple[float, float]]


def main() -> None:
    """Measure both pairs and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resamples", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines = [*compare_cuts(given, Path(folder)), *compare_areas(given, Path(folder))]
    text = "\n".join(lines)
    print(text)
    if shutil.which("Rscript"):
        TARGET.write_text(describe(text), encoding="utf-8")


def draw(rows: int, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Simulate values and events, and write them for R."""
    rng = np.random.default_rng(rows)
    event = (np.arange(rows) % 3 == 0).astype(float)
    values = np.round(rng.normal(size=rows) + 0.8 * event, 6)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["value", "event"])
        writer.writerows(zip(values.tolist(), event.astype(int).tolist(), strict=True))
    return values, event


def compare_cuts(given: argparse.Namespace, folder: Path) -> list[str]:
    """Time the bootstrap of one cut at 63 rows: cuts and out-of-bag numbers, as cutpointr gives them."""
    values, event = draw(63, folder / "cuts.csv")

    def ours(again: int) -> None:
        how = Resampling(resamples=given.resamples, seed=1, again=again)
        bootstrap_cut(values, event, high_means_event=True, how=how)

    plain, nested = measure(lambda: ours(0), given.runs), measure(lambda: ours(30), given.runs)
    theirs = run_r("cuts", folder / "cuts.csv", str(given.resamples), str(given.runs))
    task = f"{given.resamples:,} resamples of 63 rows"
    return [
        report(f"{task}: cuts and out-of-bag numbers", plain, theirs, "cutpointr"),
        report(
            f"{task}, with intervals from 30 resamples of each", nested, theirs, "cutpointr (without them)"
        ),
    ]


def compare_areas(given: argparse.Namespace, folder: Path) -> list[str]:
    """Time one curve of a million rows with its area, interval and cut."""
    values, event = draw(given.rows, folder / "areas.csv")
    ours = measure(lambda: estimate_roc(values, event, high_means_event=True), given.runs)
    theirs = run_r("auc", folder / "areas.csv", str(given.runs))
    return [report(f"AUC with DeLong's interval, {given.rows:,} values", ours, theirs, "pROC")]


def measure(work: Callable[[], object], runs: int) -> Times:
    """Return wall and processor seconds of each run, after one that is not counted."""
    work()
    times: Times = []
    for _ in range(runs):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - wall, time.process_time() - processor))
    return times


def run_r(*arguments: str) -> Times:
    """Return wall and processor seconds of each run in R; nothing without Rscript."""
    program = shutil.which("Rscript")
    if program is None:
        return []
    script = str(HERE / "bench_cutoffs.R")
    done = subprocess.run([program, script, *arguments], check=True, capture_output=True, text=True)
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith(("cutpointr", "pROC"))]
    return [(float(line[1]), float(line[2])) for line in lines]


def report(task: str, ours: Times, theirs: Times, name: str) -> str:
    """Return one row of the table: medians, and how many times faster."""
    wall, processor = (statistics.median(one[at] for one in ours) for at in (0, 1))
    if not theirs:
        return f"| {task} | {wall:.4f} | {processor:.4f} | {name} | - | - | - | - |"
    other_wall, other_processor = (statistics.median(one[at] for one in theirs) for at in (0, 1))
    ratios = f"{other_wall / wall:,.0f} | {other_processor / processor:,.0f}"
    if other_wall / wall < 20:
        ratios = f"{other_wall / wall:.1f} | {other_processor / processor:.1f}"
    return (
        f"| {task} | {wall:.4f} | {processor:.4f} | {name} | {other_wall:.2f} | {other_processor:.2f} |"
        f" {ratios} |"
    )


def describe(rows: str) -> str:
    """Return the page: what was measured, on what, and the table."""
    versions = subprocess.run(
        ["Rscript", "-e", 'cat(R.version.string, sapply(c("cutpointr", "pROC"), function(p)'
         ' paste(p, packageVersion(p))), sep = ", ")'],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    return f"""# Cut-offs: the bootstrap beside cutpointr, the area beside pROC

Made by `python benchmarks/bench_cutoffs.py`; simulated data. Medians of several runs in one call, in
seconds, without the start of the
programs. {time.strftime("%d %B %Y")}, {os.cpu_count()} cores shared with other work (load {load}):
compare the ratios, not the seconds.
Python {platform.python_version()}, NumPy {version("numpy")}, SciPy {version("scipy")}; {versions}.

| Task | ours, wall | ours, processor | beside | wall | processor | ratio, wall | ratio, processor |
|---|---:|---:|---|---:|---:|---:|---:|
{rows}
"""


if __name__ == "__main__":
    main()
