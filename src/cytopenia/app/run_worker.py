"""A run in a process of its own: it tells its progress line by line, and ends if nobody listens."""

from __future__ import annotations

import _thread
import json
import os
import signal
import sys
import time
from threading import Thread
from typing import Any

from cytopenia.errors import CytopeniaError

__all__ = ["main"]

_SECONDS_TO_LEAVE = 5


def main(study: str) -> None:
    """Run a study and write its results beside it.

    Every line of output is a JSON object: `label`, `done`, `total` of the work; at the end `finished`, or
    `error` with what the user can repair. Its input is held open by whoever started this, and ends with that
    program however it ends; this one then ends too, and the earlier results stay as they were.
    """
    signal.signal(signal.SIGTERM, _leave)
    Thread(target=_watch_starter, daemon=True).start()
    from cytopenia.workflow import run_study

    def tell(label: str, done: int, total: int) -> None:
        _say(label=label, done=done, total=total)

    try:
        run_study(study, progress=tell)
    except CytopeniaError as error:
        _say(error=str(error))
        return
    _say(finished=True)


def _leave(number: int, frame: object) -> None:
    """Leave by the way of an error, so that what was half written is taken away."""
    del frame
    raise SystemExit(128 + number)


def _watch_starter() -> None:
    while os.read(0, 1024):
        continue
    _thread.interrupt_main(signal.SIGTERM)
    time.sleep(_SECONDS_TO_LEAVE)
    # A long computation outside of Python hears no signal.
    os._exit(1)


def _say(**content: Any) -> None:
    print(json.dumps(content), flush=True)  # noqa: T201 - the lines are what this program is for


if __name__ == "__main__":
    main(sys.argv[1])
