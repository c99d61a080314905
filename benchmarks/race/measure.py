"""Run the contenders of a task in turn, each in processes of its own."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agreement import compare_grades, compare_numbers

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Contender:
    """Who answers: a script of this folder and the name of its work there."""

    name: str
    script: str
    work: str
    does: str = ""
    options: Mapping[str, int] = field(default_factory=dict[str, int])
    answers: bool = True
    most_patients: int | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be answered, the package first; `within` says how closely numbers must agree.

    Without `within` the answers are grades, in files of the folder.
    """

    title: str
    short: str
    contenders: Sequence[Contender]
    folder: Path
    options: Mapping[str, int] = field(default_factory=dict[str, int])
    within: Mapping[str, float] | None = None
    note: str = ""
    patients: int | None = None


@dataclass(frozen=True)
class Effort:
    """How often: processes of each contender, warm runs in each, seconds for more of them."""

    rounds: int
    runs: int
    seconds: float
    limit: float = 7200.0


@dataclass
class Measured:
    """What one contender took and gave. `trouble` says why there is nothing."""

    contender: Contender
    cold: list[float] = field(default_factory=list[float])
    warm: list[float] = field(default_factory=list[float])
    processor: list[float] = field(default_factory=list[float])
    peaks: list[float] = field(default_factory=list[float])
    numbers: dict[str, float] = field(default_factory=dict[str, float])
    versions: dict[str, str] = field(default_factory=dict[str, str])
    trouble: str = ""
    verdict: str = ""

    @property
    def usual_cold(self) -> float:
        return statistics.median(self.cold)

    @property
    def usual_warm(self) -> float:
        """The median of the warm runs; of the first ones where there were no others."""
        return statistics.median(self.warm or self.cold)

    @property
    def peak(self) -> float:
        return max(self.peaks)


@dataclass(frozen=True)
class Finished:
    """A task with what was measured, and the load of the machine before and after."""

    task: Task
    found: list[Measured]
    load: tuple[float, float]


def run_task(task: Task, effort: Effort) -> Finished:
    """Run all contenders in turn, round by round, so that what disturbs the machine disturbs all."""
    before = read_load()
    found = [Measured(contender) for contender in task.contenders]
    for _ in range(effort.rounds):
        for measured in found:
            if not measured.trouble:
                run_once(measured, task, effort)
    ours, *others = found
    for measured in others:
        if measured.trouble or not measured.contender.answers:
            continue
        if task.within is None:
            measured.verdict = compare_grades(task.folder, measured.contender.work)
        else:
            measured.verdict = compare_numbers(ours.numbers, measured.numbers, task.within)
    return Finished(task, found, (before, read_load()))


def run_once(measured: Measured, task: Task, effort: Effort) -> None:
    """Add one process to what was measured."""
    contender = measured.contender
    program = sys.executable if contender.script.endswith(".py") else shutil.which("Rscript")
    if program is None:
        measured.trouble = "Rscript is not installed"
        return
    options = [f"{key}={number}" for key, number in {**task.options, **contender.options}.items()]
    effort_words = [str(effort.runs), str(effort.seconds)]
    command = [
        program,
        str(HERE / contender.script),
        contender.work,
        str(task.folder),
        *effort_words,
        *options,
    ]
    started = time.time()
    try:
        done = subprocess.run(
            command, cwd=task.folder, capture_output=True, text=True, timeout=effort.limit, check=False
        )
    except subprocess.TimeoutExpired:
        measured.trouble = f"stopped after {effort.limit:.0f} s"
        return
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        measured.trouble = f"failed: {last}"
        return
    for line in done.stdout.splitlines():
        mark, *words = line.split("\t")
        if mark == "race":
            _take_in(measured, words, started)


def _take_in(measured: Measured, words: list[str], started: float) -> None:
    match words:
        case ["missing", name]:
            measured.trouble = f"{name} is not installed"
        case ["cold", ended]:
            measured.cold.append(float(ended) - started)
        case ["warm", wall, processor]:
            measured.warm.append(float(wall))
            measured.processor.append(float(processor))
        case ["peak", peak]:
            measured.peaks.append(float(peak))
        case ["number", name, number]:
            measured.numbers[name] = float(number)
        case ["version", name, version]:
            measured.versions[name] = version
        case _:
            raise ValueError(f"no contender says: {words}")


def read_load() -> float:
    """Processes that want a processor, over the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
