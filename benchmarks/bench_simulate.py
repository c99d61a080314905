"""Write a synthetic cohort of 100,000 patients, and say how long it took.

Run `python benchmarks/bench_simulate.py --help`. Each repeat runs in a process of its own; the shortest wall
time (imports included), its processor time and the largest memory peak are printed. Where other programs use
the machine, the wall time says little: beside it stands the load before the run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__)
sys.path.insert(0, str(HERE.parent / "race"))

from harness import memory_peak  # noqa: E402 - its folder comes first


def measure_here(patients: int, schedule: str) -> None:
    """Write one cohort in this process and print its figures as JSON."""
    start = time.perf_counter()
    from cytopenia.simulate import write_cohort

    with tempfile.TemporaryDirectory(dir=HERE.parent) as folder:
        written = write_cohort(Path(folder) / "cohort", patients, seed=20261125, schedule=schedule)
        seconds = time.perf_counter() - start
        size = sum(path.stat().st_size for path in written.folder.iterdir())
    used = time.process_time()
    print(
        json.dumps(
            {
                "seconds": seconds,
                "processor": used,
                "peak": memory_peak(),
                "size": size,
                "rows": written.rows,
            }
        )
    )


def measure(patients: int, schedule: str) -> dict[str, object]:
    """Write one cohort in a new process."""
    command = [sys.executable, str(HERE), "--only", "--patients", str(patients), "--schedule", schedule]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {**answer, "load": load}


def describe_machine() -> str:
    names: list[str] = []
    for name in ("cytopenia", "polars", "numpy"):
        try:
            names.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            names.append(f"{name} from source")
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, " + ", ".join(names)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--schedule", default="inpatient_then_clinic")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", action="store_true", help="run once, in this process")
    return parser.parse_args()


def main() -> None:
    asked = read_arguments()
    if asked.only:
        measure_here(asked.patients, asked.schedule)
        return
    free = shutil.disk_usage(HERE.parent).free / 1e9
    print(f"{asked.patients:,} patients, {asked.schedule}; {describe_machine()}; {free:.0f} GB free\n")
    print("| wall, s | processor, s | load before | peak, MB | labs rows | days of truth | files, MB |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for _ in range(asked.repeats):
        found = measure(asked.patients, asked.schedule)
        rows, peak, size = found["rows"], found["peak"] / 1e6, found["size"] / 1e6
        print(
            f"| {found['seconds']:.1f} | {found['processor']:.1f} | {found['load']:.1f} | {peak:.0f} "
            f"| {rows['labs']:,} | {rows['truth']:,} | {size:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
