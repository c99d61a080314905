"""Runs of studies: one at a time for each study, in a process of its own, watched by whoever asks."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Thread
from typing import Literal

from cytopenia.app.failures import ConflictError
from cytopenia.folders import restore_folder

__all__ = ["Job", "Jobs"]

State = Literal["running", "finished", "failed", "stopped"]
_MOST_AT_ONCE = 2
_SECONDS_TO_LEAVE = 10.0


@dataclass
class Job:
    """One run: what it does now, and how it ended."""

    study: Path
    process: subprocess.Popen[str] = field(repr=False)
    state: State = "running"
    label: str = ""
    done: int = 0
    total: int = 0
    error: str = ""
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def describe(self) -> dict[str, object]:
        """Return what a page shows of the run."""
        seconds = self.seconds or time.monotonic() - self.started
        return {
            "state": self.state,
            "label": self.label,
            "done": self.done,
            "total": self.total,
            "error": self.error,
            "seconds": round(seconds, 1),
        }


@dataclass
class Jobs:
    """The last run of every study since the app was started."""

    _jobs: dict[Path, Job] = field(default_factory=dict[Path, Job])
    _lock: Lock = field(default_factory=Lock)

    def find(self, study: Path) -> Job | None:
        """Return the last run of a study."""
        return self._jobs.get(study)

    def start(self, study: Path) -> Job:
        """Start a run.

        Raises
        ------
        ConflictError
            The study is running already, or as many runs as this machine should have at once.
        """
        with self._lock:
            # A program that has told its end, or was stopped, still clears up for a moment.
            _wait_for([job for job in self._jobs.values() if job.state != "running"])
            running = [job for job in self._jobs.values() if job.state == "running"]
            if any(job.study == study for job in running):
                raise ConflictError("refusal.running")
            if len(running) >= _MOST_AT_ONCE:
                raise ConflictError("refusal.many_running", n=len(running))
            # The program and the folder are ours; nothing of it comes from a request.
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "cytopenia.app.run_worker", str(study / "study.toml")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
            )
            job = Job(study, process)
            self._jobs[study] = job
        Thread(target=_watch, args=(job,), daemon=True).start()
        return job

    def stop(self, study: Path) -> None:
        """End the run of a study; the earlier results stay."""
        job = self._jobs.get(study)
        if job is not None and job.state == "running":
            _end([job])

    def stop_all(self) -> None:
        """End every run: the app is closing."""
        with self._lock:
            _end([job for job in self._jobs.values() if job.state == "running"])


def _end(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.state = "stopped"
        job.process.terminate()
    _wait_for(jobs)


def _wait_for(jobs: Sequence[Job]) -> None:
    for job in jobs:
        try:
            job.process.wait(_SECONDS_TO_LEAVE)
        except subprocess.TimeoutExpired:
            job.process.kill()
            job.process.wait()


def _watch(job: Job) -> None:
    for line in job.process.stdout or ():
        _note(job, line)
    code = job.process.wait()
    if job.process.stdin is not None:
        job.process.stdin.close()
    if code:
        restore_folder(job.study / "results")
    job.seconds = time.monotonic() - job.started
    if job.state == "running":
        job.state, job.error = "failed", f"({code})"


def _note(job: Job, line: str) -> None:
    try:
        said = json.loads(line)
    except ValueError:
        # Cut off where the program was killed.
        return
    if "error" in said:
        job.error, job.state = said["error"], "failed"
    elif "finished" in said:
        job.state = "finished"
    else:
        job.label, job.done, job.total = said["label"], said["done"], said["total"]
