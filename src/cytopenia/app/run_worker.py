"""A run in a process of its own: it tells its progress line by line, and ends if nobody listens."""

from __future__ import annotations

import json
import sys
from typing import Any

from cytopenia.errors import CytopeniaError

__all__ = ["main"]


def main(study: str) -> None:
    """Run a study and write its results beside it.

    Every line of output is a JSON object: `label`, `done`, `total` of the work; at the end `finished`, or
    `error` with what the user can repair. Whoever started this and ended leaves a broken pipe, which ends it
    too; the earlier results then stay as they were.
    """
    from cytopenia.workflow import run_study

    def tell(label: str, done: int, total: int) -> None:
        _say(label=label, done=done, total=total)

    try:
        run_study(study, progress=tell)
    except CytopeniaError as error:
        _say(error=str(error))
        return
    _say(finished=True)


def _say(**content: Any) -> None:
    print(json.dumps(content), flush=True)  # noqa: T201 - the lines are what this program is for


if __name__ == "__main__":
    main(sys.argv[1])
