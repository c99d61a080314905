"""How long the pages of the app take on a cohort, and whether its memory stays flat.

Usage: python benchmarks/bench_app.py FOLDER [--patients 2000] [--views 1000] [--users 20] [--seconds 60]

FOLDER gets a simulated study with its run, once; then the app is started on it. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from app_crowd import browse_together
from app_server import RunningApp, Visitor, run_app

STUDY = "bench"
PATIENT_VIEWS, COHORT_VIEWS, EXPLAINED_VIEWS = 20, 10, 5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patients", type=int, default=2000)
    parser.add_argument("--views", type=int, default=1000)
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    make_study(given.folder / STUDY, given.patients)
    print(f"load before: {os.getloadavg()[0]:.1f}", file=sys.stderr)
    with run_app(given.folder) as app:
        measure(app, given.views)
        measure_crowd(app, users=given.users, seconds=given.seconds)
    print(f"load after: {os.getloadavg()[0]:.1f}", file=sys.stderr)


def make_study(folder: Path, patients: int) -> None:
    """Simulate a cohort and run it, if that has not been done."""
    if (folder / "results" / "provenance.json").is_file():
        return
    program = [sys.executable, "-m", "cytopenia.cli"]
    simulate = ["simulate", "--patients", str(patients), "--seed", "1", "--out", str(folder)]
    subprocess.run([*program, *simulate], check=True)
    subprocess.run([*program, "run", str(folder)], check=True)


def clock(view: Callable[[], object]) -> float:
    """Return the seconds of one view."""
    started = time.perf_counter()
    view()
    return time.perf_counter() - started


def show(visitor: Visitor, path: str) -> str:
    """Return a page, which must be there."""
    reply = visitor.ask("GET", path)
    if reply.status != 200:
        raise SystemExit(f"{path}: {reply.status}")
    return reply.text


def read_memory(app: RunningApp) -> int:
    """Return the memory that the app holds, in MB."""
    status = Path(f"/proc/{app.process.pid}/status").read_text("utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) // 1024


def measure(app: RunningApp, views: int) -> None:
    """Print the table."""
    visitor, base = app.visit(), f"/studies/{STUDY}/patients"
    rows = [("page of the cohort, first", clock(lambda: show(visitor, base)))]
    pages = [f"{base}?sort=anemia&page={page}" for page in range(1, COHORT_VIEWS + 1)]
    times = [clock(lambda page=page: show(visitor, page)) for page in pages]
    rows.append((f"page of the cohort, median of {COHORT_VIEWS}", median(times)))
    keys = re.findall(
        r'/patients/([0-9a-f]{16})"', "".join(show(visitor, f"{base}?page={n}") for n in (1, 2))
    )
    rows.append(
        ("page of a patient, first (waits for the tables)", clock(lambda: show(visitor, f"{base}/{keys[0]}")))
    )
    times = [clock(lambda key=key: show(visitor, f"{base}/{key}")) for key in keys[1 : PATIENT_VIEWS + 1]]
    rows.append((f"page of a patient, median of {PATIENT_VIEWS} patients", median(times)))
    rows.append((f"page of a patient, shortest of {PATIENT_VIEWS} patients", min(times)))
    wanted = keys[1 : EXPLAINED_VIEWS + 1]
    times = [clock(lambda key=key: show(visitor, f"{base}/{key}/explained?part=1")) for key in wanted]
    rows.append((f"what would change the grades, median of {EXPLAINED_VIEWS}", median(times)))
    rows.append(("page for printing", clock(lambda: show(visitor, f"{base}/{keys[1]}/page"))))
    print("| View | seconds |\n|---|---:|")
    for name, seconds in rows:
        print(f"| {name} | {seconds:.3f} |", flush=True)
    print("\n| Views of patients | memory, MB |\n|---:|---:|")
    for place in range(views + 1):
        if place % max(views // 10, 1) == 0:
            print(f"| {place} | {read_memory(app)} |", flush=True)
        show(visitor, f"{base}/{keys[place % len(keys)]}")


def measure_crowd(app: RunningApp, *, users: int, seconds: float) -> None:
    """Print what many visitors at once are answered."""
    visitor, base = app.visit(), f"/studies/{STUDY}"
    keys = re.findall(r'/patients/([0-9a-f]{16})"', show(visitor, f"{base}/patients"))
    paths = ["/", base, f"{base}/patients?sort=anemia", "/calculators/car_hematotox", "/static/app.css"]
    paths += [f"{base}/patients/{key}" for key in dict.fromkeys(keys)]
    crowd = browse_together(app, paths, users=users, seconds=seconds)
    print(
        f"\n{users} visitors for {seconds:.0f} s: {len(crowd.seconds):,} pages, "
        f"{len(crowd.failures)} failed; "
        f"half within {crowd.find_slowest(0.5):.2f} s, 95% within {crowd.find_slowest(0.95):.2f} s; "
        f"memory afterwards {read_memory(app)} MB"
    )


if __name__ == "__main__":
    main()
