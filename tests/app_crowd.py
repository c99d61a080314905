"""Many visitors of the app at once: each goes round through the same pages until the time is over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from app_server import RunningApp


@dataclass
class Crowd:
    """What the visitors were answered: seconds of every view, and each view that failed with its status."""

    seconds: list[float] = field(default_factory=list[float])
    failures: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def find_slowest(self, share: float) -> float:
        """Return the seconds within which such a share of the views was answered."""
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def browse_together(app: RunningApp, paths: Sequence[str], *, users: int, seconds: float) -> Crowd:
    """Let `users` visitors ask for the paths, each beginning at another one, for so many seconds."""
    crowd, until = Crowd(), time.monotonic() + seconds

    def browse(place: int) -> None:
        visitor = app.visit()
        while time.monotonic() < until:
            path = paths[place % len(paths)]
            started = time.perf_counter()
            try:
                status = visitor.ask("GET", path).status
            except OSError as cause:
                crowd.failures.append((path, type(cause).__name__))
            else:
                crowd.seconds.append(time.perf_counter() - started)
                if status != 200:
                    crowd.failures.append((path, str(status)))
            place += 1

    with ThreadPoolExecutor(users) as pool:
        list(pool.map(browse, range(users)))
    return crowd
