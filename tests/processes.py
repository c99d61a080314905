"""The command in a process of its own, for what one process cannot show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
# Workers of the tests have one thread each: bytes of both would differ if the number mattered.
SEVERAL_THREADS = {"POLARS_MAX_THREADS": "4", "OPENBLAS_NUM_THREADS": "2"}


def modules_after(arguments: list[str]) -> set[str]:
    """Names of the modules that a new process has imported when the command ends; it has several threads."""
    code = (
        "import contextlib, io, json, sys\n"
        "from cytopenia.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    main({arguments!r})\n"
        "print(json.dumps(sorted(name.partition('.')[0] for name in sys.modules)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), **SEVERAL_THREADS}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))
