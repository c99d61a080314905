"""How long the command takes from the shell: its help, one file graded, and the whole bundled study.

Usage: python benchmarks/bench_startup.py [--runs 7]

Each run is a process of its own; files lie in the cache of the machine, and modules are compiled before.
Prints Markdown. On a machine that does other work the processor time is the honest figure: the wall time is
that of others as well. With two cores the study needs less wall time than processor time.
"""

from __future__ import annotations

import argparse
import compileall
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

SOURCE = Path(__file__).parents[1] / "src"
LABS = SOURCE / "cytopenia" / "data" / "example" / "labs.csv"
PROGRAM = ("-m", "cytopenia.cli")
# What is run, and the wall time that is aimed at.
AIMS = {
    "python -c pass": None,
    "cytopenia --help": 0.3,
    "cytopenia grade, 63 patients": 1.0,
    "cytopenia demo": 6.0,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    compileall.compile_dir(SOURCE, quiet=1)
    print(f"load before: {os.getloadavg()[0]:.1f}", file=sys.stderr)
    with TemporaryDirectory() as folder:
        measured = measure(list_commands(Path(folder)), runs)
    print(f"load after: {os.getloadavg()[0]:.1f}", file=sys.stderr)
    print_table(measured)


def list_commands(folder: Path) -> dict[str, Sequence[str]]:
    """Return the arguments of each run, by its name."""
    graded = ("--definition", "ctcae_v5", "--out", str(folder / "graded.csv"))
    arguments = (
        ("-c", "pass"),
        (*PROGRAM, "--help"),
        (*PROGRAM, "grade", str(LABS), *graded),
        (*PROGRAM, "demo", "--out", str(folder / "demo")),
    )
    return dict(zip(AIMS, arguments, strict=True))


def measure(commands: dict[str, Sequence[str]], runs: int) -> dict[str, tuple[float, float]]:
    """Return the medians of wall and processor time; commands take turns, and the first does not count."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, arguments in commands.items():
            seconds = clock(arguments)
            if turn:
                times[name].append(seconds)
    return {
        name: (median(wall for wall, _ in found), median(spent for _, spent in found))
        for name, found in times.items()
    }


def clock(arguments: Sequence[str]) -> tuple[float, float]:
    """Return wall and processor seconds of one process."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    spent, started = spent_by_children(), time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started, spent_by_children() - spent


def spent_by_children() -> float:
    """Return the processor seconds of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def print_table(measured: dict[str, tuple[float, float]]) -> None:
    """Print one row per command, with its ratio to an empty Python in processor time."""
    empty = next(iter(measured.values()))[1]
    print("| command | wall, s | processor, s | times an empty Python | aim, s |")
    print("|---|---:|---:|---:|---:|")
    for name, (wall, spent) in measured.items():
        aim = "" if AIMS[name] is None else f"{AIMS[name]:g}"
        print(f"| `{name}` | {wall:.2f} | {spent:.2f} | {spent / empty:.0f} | {aim} |")


if __name__ == "__main__":
    main()
