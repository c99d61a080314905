"""Parse, call, exit code. What each command prints stands in `commands/`."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

from cyclopts import App

from cytopenia.commands.adam import adam
from cytopenia.commands.app import app as open_app
from cytopenia.commands.definitions import definitions
from cytopenia.commands.explain import explain
from cytopenia.commands.export import export
from cytopenia.commands.grade import grade
from cytopenia.commands.init import init
from cytopenia.commands.score import score
from cytopenia.commands.simulate import simulate
from cytopenia.commands.studies import check, demo, run
from cytopenia.commands.terminal import search_cycles_rarely
from cytopenia.commands.verify import verify
from cytopenia.errors import CytopeniaError
from cytopenia.version import __version__

__all__ = ["app", "main"]

app = App(
    name="cytopenia",
    help="From a blood-count export after CAR-T to graded, explained, publishable results.",
    version=__version__,
    # Markdown takes a third of the time of this page, which has none; that of a command is written in it.
    help_format="plaintext",
    suppress_keyboard_interrupt=False,
)

app.command(open_app, name="app", help_format="markdown")
for _command in (adam, check, definitions, demo, explain, export, grade, init, run, score, simulate, verify):
    # A group of commands says itself how its help is written.
    app.command(_command, **({} if isinstance(_command, App) else {"help_format": "markdown"}))

_READER_LEFT = 141  # what a shell reports for a program that SIGPIPE ended


def main(arguments: list[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    search_cycles_rarely()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A console that cannot print a sign of a file name prints a question mark instead of failing.
            stream.reconfigure(errors="replace")
    try:
        code = app(arguments, result_action="return_value")
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read the output (head, less) has left; what is still in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_READER_LEFT)
    except CytopeniaError as error:
        print(f"cytopenia: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("cytopenia: stopped. Earlier results were not changed.", file=sys.stderr)
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
