"""What each contender in Python does around its work: time it, read its memory, tell the race.

A contender is `prepare(folder, options)`: it reads what is not part of the task and returns the work, which
is called again and again and gives back the numbers to compare. Lines beginning with "race" are the answer;
R's contenders print the same ones (`harness.R`).
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

Options = Mapping[str, int]
Numbers = dict[str, float]
Work = Callable[[], Numbers]
Prepare = Callable[[Path, Options], Work]

# Of a short task so many times the runs asked for, within the seconds given.
MOST_RUNS = 10


def memory_peak() -> int:
    """Return the largest resident size of this process in bytes.

    The kernel's own figure for the process comes first: what `getrusage` gives can be that of the parent.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def tell(kind: str, *words: object) -> None:
    print("race", kind, *words, sep="\t", flush=True)


def compete(contenders: Mapping[str, Prepare], libraries: tuple[str, ...] = ()) -> None:
    """Run the contender named on the command line: NAME FOLDER RUNS SECONDS [OPTION=NUMBER ...]."""
    name, folder, runs, seconds, *rest = sys.argv[1:]
    options = {key: int(number) for key, _, number in (word.partition("=") for word in rest)}
    try:
        work = contenders[name](Path(folder), options)
        numbers = work()
    except ModuleNotFoundError as error:
        tell("missing", error.name)
        return
    tell("cold", time.time())
    _repeat(work, int(runs), float(seconds))
    tell("peak", memory_peak())
    for key, number in numbers.items():
        tell("number", key, repr(float(number)))
    for library in libraries:
        tell("version", library, _find_version(library))


def _repeat(work: Work, runs: int, seconds: float) -> None:
    began = time.perf_counter()
    for done in range(MOST_RUNS * runs):
        if done >= runs and time.perf_counter() - began > seconds:
            return
        wall, processor = time.perf_counter(), time.process_time()
        work()
        tell("warm", time.perf_counter() - wall, time.process_time() - processor)


def _find_version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "from source"
