"""The command that writes a first study file: for tables of ours, or with a mapping for files as they are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cytopenia.commands.terminal import PLAIN_WIDTH

if TYPE_CHECKING:
    from cytopenia.readers.proposal import Proposal

__all__ = ["init"]

_MOST_ROWS = 200


def init(source: Path = Path(), *, force: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Write a commented study file for the tables of a folder, or for a file as it is.

    Example: `cytopenia init export.xlsx`

    For a file, or a folder of files that are not called as ours are, a mapping is proposed: every column is
    shown with what it becomes and why, and what is doubtful stands in study.toml as a question.

    Parameters
    ----------
    source
        The folder or file; study.toml is written there, or beside the file.
    force
        Replace a study.toml that is there already.
    """
    from cytopenia.new_study import init_study, list_foreign_files, names_file, propose_study

    files = [source] if names_file(source) else list_foreign_files(source)
    if files:
        path, proposal = propose_study(files, force=force)
        _print_proposal(proposal)
        print(f"Wrote {path}.")
        questions = len(proposal.questions)
        if questions:
            print(f"  {questions} {'question is' if questions == 1 else 'questions are'} open: answer there.")
    else:
        path, notes = init_study(source, force=force)
        print(f"Wrote {path}.")
        for note in notes:
            print(f"  {note}")
    print(f'Next: read it, then  cytopenia check "{path}"')


def _print_proposal(proposal: Proposal) -> None:
    """One row per column, sheet by sheet; then what was looked at, and the questions."""
    from itertools import groupby

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    for origin, rows in groupby(proposal.rows, key=lambda row: row.origin):
        table = Table(title=escape(_show(origin)), title_justify="left", box=None, pad_edge=False)
        for heading in ("column", "becomes", "why", ""):
            table.add_column(heading, overflow="fold")
        listed = [*rows]
        for row in listed[:_MOST_ROWS]:
            cells = (row.column, row.becomes, row.why, row.state)
            table.add_row(
                *(escape(_show(cell)) for cell in cells), style="bold" if row.state == "ask" else None
            )
        console.print(table)
        if len(listed) > _MOST_ROWS:
            console.print(f"... and {len(listed) - _MOST_ROWS:,} more rows.")
        console.print()
    for note in proposal.notes:
        console.print(escape(_show(note)))
    for number, question in enumerate(proposal.questions, start=1):
        console.print(escape(_show(f"{number}. {question}")), style="bold")


def _show(text: str) -> str:
    """A text of the file without signs that would steer the terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
