"""The package beside what people would use instead, in one run on one machine.

Run `make race`, or `python benchmarks/race --help`. Writes RESULTS.md and RESULTS.svg; who is not installed
has a row that says so. R's contenders are Debian packages (r-cran-data.table, r-cran-dplyr, r-cran-readr,
r-cran-tidyr, r-cran-cutpointr, r-cran-proc, r-cran-rms, r-cran-mice, r-cran-brglm2); the extra `bench` has
those in Python.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from figure import draw_race
from measure import Effort, Finished, Task, run_task
from page import describe_race
from tasks import QUICK, USUAL, list_growth, list_tasks

HERE = Path(__file__).parent
FULL = 1_000_000
LARGE = 100_000


def main() -> None:
    """Run everything and write the page."""
    given = read_arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(given.folder or temporary).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        sizes = QUICK if given.quick else USUAL
        effort = Effort(1, 1, 0.0) if given.quick else Effort(given.rounds, 1, 2.0)
        grown = (*sizes.grown, FULL) if given.full else sizes.grown
        given.out.mkdir(parents=True, exist_ok=True)
        tasks = list(race(list_tasks(folder, sizes), effort))
        growth: list[Finished] = []
        for size in race(list_growth(folder, grown), effort):
            # The largest takes as long as all before, and may not fit: what is known stands on disk.
            growth.append(size)
            write_page(given, tasks, growth)
    print(f"Wrote {given.out / 'RESULTS.md'} and RESULTS.svg")


def write_page(given: argparse.Namespace, tasks: list[Finished], growth: list[Finished]) -> None:
    """Write the page and its figure."""
    words = [f"--{word}" for word in ("quick", "full") if getattr(given, word)]
    command = " ".join(["python benchmarks/race", *words]) if words else "make race"
    (given.out / "RESULTS.md").write_text(describe_race(tasks, growth, command=command), "utf-8")
    draw_race(tasks, growth, given.out / "RESULTS.svg")


def race(tasks: Iterable[Task], effort: Effort) -> Iterator[Finished]:
    """Run one task after the other; the largest once."""
    for task in tasks:
        print(task.title, flush=True)
        is_large = (task.patients or 0) > LARGE
        finished = run_task(task, Effort(1, 0, 0.0) if is_large else effort)
        for measured in finished.found:
            words = measured.trouble or f"{measured.usual_cold:.2f} s, again {measured.usual_warm:.4f} s"
            print(f"  {measured.contender.name}: {words} {measured.verdict}", flush=True)
        yield finished


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="everything at small size, in two minutes")
    parser.add_argument("--full", action="store_true", help="grade 1,000,000 patients as well; takes an hour")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each contender")
    parser.add_argument(
        "--folder", type=Path, help="keep the simulated cohorts here; default: a temporary one"
    )
    parser.add_argument("--out", type=Path, default=HERE.parent, help="where the page goes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
