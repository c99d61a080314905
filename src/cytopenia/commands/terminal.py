"""What commands share: the progress bar, findings as lines, and how often garbage is searched for."""

from __future__ import annotations

import atexit
import gc
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl
    from rich.progress import Progress as ProgressBar

__all__ = ["PLAIN_WIDTH", "Bar", "print_findings", "search_cycles_as_usual", "search_cycles_rarely"]

PLAIN_WIDTH = 130
_BAR_AFTER_SECONDS = 1.0
_USUAL_SEARCHES = gc.get_threshold()
_RARE_SEARCHES = (100_000, 20, 20)


class Bar:
    """A progress bar on work that takes longer than a second, where somebody sits before a terminal."""

    def __init__(self) -> None:
        self._is_watched = sys.stderr.isatty()
        self._start = time.monotonic()
        self._bar: ProgressBar | None = None
        self._tasks: dict[str, int] = {}

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, label: str, done: int, total: int) -> None:
        """Show how much of a labeled piece of work is done."""
        if self._bar is None:
            if not self._is_watched or time.monotonic() - self._start < _BAR_AFTER_SECONDS:
                return
            self._bar = _open_bar()
        if label not in self._tasks:
            self._tasks[label] = int(self._bar.add_task(label, total=total))
        self._bar.update(self._tasks[label], completed=done, total=total)  # type: ignore[arg-type]


def _open_bar() -> ProgressBar:
    from rich.console import Console
    from rich.progress import Progress as ProgressBar

    bar = ProgressBar(console=Console(stderr=True))
    bar.start()
    return bar


def print_findings(findings: pl.DataFrame) -> None:
    """Print one line per finding."""
    for row in findings.iter_rows(named=True):
        print(f"{row['severity']:<8}{row['message']}")


def search_cycles_rarely() -> None:
    """Let a command that soon ends go on without searching its objects for cycles that nothing refers to.

    Imports and tables make many objects and hardly a cycle. The searches take a twentieth of a study, and the
    last, when Python ends and all is given back anyhow, a tenth: what is there at the end is left out of it.
    """
    gc.set_threshold(*_RARE_SEARCHES)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def search_cycles_as_usual() -> None:
    """Search as often as Python does by itself: for a command that goes on."""
    gc.set_threshold(*_USUAL_SEARCHES)
