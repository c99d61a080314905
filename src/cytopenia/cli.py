"""Parse, call, print, exit code. No other logic."""

from __future__ import annotations

import os
import sys
import time
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from cytopenia.errors import CytopeniaError
from cytopenia.version import __version__

if TYPE_CHECKING:
    import polars as pl
    from rich.progress import Progress as ProgressBar

__all__ = ["app", "main"]

app = App(
    name="cytopenia",
    help="From a blood-count export after CAR-T to graded, explained, publishable results.",
    version=__version__,
    help_format="markdown",
    suppress_keyboard_interrupt=False,
)

_BAR_AFTER_SECONDS = 1.0
_PLAIN_WIDTH = 130
_READER_LEFT = 141  # what a shell reports for a program that SIGPIPE ended


def main(arguments: list[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
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


@app.command
def demo(*, out: Path = Path("cytopenia-demo")) -> None:
    """Run a whole published study on a synthetic twin of its cohort, and compare with what was printed.

    Example: `cytopenia demo --out my-demo`

    Parameters
    ----------
    out
        Folder for the study (tables and study.toml) and its results.
    """
    from cytopenia.workflow import run_demo

    with _Bar() as bar:
        written = run_demo(out, progress=bar)
    _print_comparison(written.run.results)
    print("Synthetic data: every patient in this demonstration is invented.")
    _tell_written(written.folder, written.run.findings)


@app.command
def run(study: Path, *, out: Path | None = None) -> None:
    """Run a study and write its results.

    Example: `cytopenia run study.toml --out results`

    Parameters
    ----------
    study
        The study file, or the folder that has it as study.toml; `cytopenia init` writes one.
    out
        Folder of the results, replaced as a whole; by default `results` beside the study file.
    """
    from cytopenia.workflow import run_study

    with _Bar() as bar:
        written = run_study(study, out=out, progress=bar)
    _tell_written(written.folder, written.run.findings)


@app.command
def check(study: Path, *, json: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Read the tables of a study and list every finding, without running it.

    Example: `cytopenia check study.toml`

    Names of columns in the study file are checked as well. The exit code is 10 if a finding is an error,
    else 0.

    Parameters
    ----------
    study
        The study file, or the folder that has it as study.toml.
    json
        Print the findings as JSON lines.
    """
    from cytopenia.errors import DataError
    from cytopenia.workflow import check_study

    findings = check_study(study)
    if json:
        print(findings.write_ndjson(), end="")
    else:
        _print_findings(findings)
    return DataError.exit_code if "error" in findings["severity"] else 0


@app.command
def init(folder: Path = Path(), *, force: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Write a commented study file for the tables of a folder.

    Example: `cytopenia init my-cohort`

    Parameters
    ----------
    folder
        Where the tables are; study.toml is written there.
    force
        Replace a study.toml that is there already.
    """
    from cytopenia.workflow import init_study

    path, notes = init_study(folder, force=force)
    print(f"Wrote {path}.")
    for note in notes:
        print(f"  {note}")
    print(f'Next: read it, then  cytopenia check "{path}"')


@app.command
def grade(  # noqa: PLR0913 - one argument per option of the command
    labs: Path,
    *,
    definition: str,
    out: Path,
    map_: Annotated[Path | None, Parameter(name="--map")] = None,
    day_zero: Annotated[str | None, Parameter(name="--day-zero")] = None,
    lln: Annotated[list[str] | None, Parameter(name="--lln", negative="")] = None,
    decimal: str | None = None,
    events: Path | None = None,
    support: Path | None = None,
    support_complete: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Grade one file of laboratory values.

    Example: `cytopenia grade labs.csv --definition ctcae_v4 --out graded.csv --lln anc=2.0`

    A definition of single values (ctcae_v4) gives every row its term, grade and reason, in the order of the
    file; a wide file becomes one row per value. A definition of whole courses (qiu2023_recovery) gives one
    row per patient. Grade 0 is judged and normal; an empty grade is not judged, and the reason says why.

    Parameters
    ----------
    labs
        CSV, TSV, Excel or Parquet; long (one row per value) or wide (one column per analyte).
    definition
        Id of a definition, with or without a part: ctcae_v4, ctcae_v4.anemia, qiu2023_recovery.
    out
        The file to write: .csv, .tsv, .xlsx or .parquet.
    map_
        A TOML file that says which column is which; `cytopenia init` shows its form under [data].
    day_zero
        "first": the first day of each patient is day 0. Otherwise the file counts days from infusion. Matters
        for whole courses only.
    lln
        Lower limit of normal for rows that have none: --lln anc=2.0, or with its unit,
        --lln "hemoglobin=12 g/dL". Without a unit it is in 1e9/L for counts and g/L for hemoglobin.
    decimal
        The decimal mark of the values, "." or ",", where the file alone does not settle it.
    events
        Deaths and other events, for definitions of whole courses.
    support
        Growth factors and transfusions, for definitions of whole courses.
    support_complete
        The support file holds all support; only then is the outcome called recovery.
    """
    from cytopenia.grade_file import GradeRequest, grade_file

    request = GradeRequest(
        labs=labs,
        definition=definition,
        out=out,
        mapping=map_,
        day_zero=day_zero,
        decimal=decimal,
        lln=tuple(lln or ()),
        events=events,
        support=support,
        support_complete=support_complete,
    )
    with _Bar() as bar:
        summary = grade_file(request, progress=bar)
    _print_findings(summary.findings)
    for line in summary.lines:
        print(line)


class _Bar:
    """A progress bar on work that takes longer than a second, where somebody sits before a terminal."""

    def __init__(self) -> None:
        self._is_watched = sys.stderr.isatty()
        self._start = time.monotonic()
        self._bar: ProgressBar | None = None
        self._tasks: dict[str, int] = {}

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, label: str, done: int, total: int) -> None:
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


def _tell_written(folder: Path, findings: pl.DataFrame) -> None:
    counts = {level: int((findings["severity"] == level).sum()) for level in ("warning", "info")}
    print(f"Report:   {folder / 'report.html'}, and for Word report.docx, methods.md")
    print(f"Numbers:  {folder / 'results.csv'}, patients.csv, outcomes.csv, evidence.csv")
    words = [
        f"{n} {name if n == 1 else name + 's'}"
        for n, name in ((counts["warning"], "warning"), (counts["info"], "note"))
    ]
    print(f"Findings: {', '.join(words)} in findings.csv")
    for row in findings.filter(findings["severity"] == "warning").iter_rows(named=True):
        print(f"  {row['message']}")


def _print_comparison(results: pl.DataFrame) -> None:
    """Printed beside recomputed, section by section, and how many numbers have each verdict."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from cytopenia.published.agreement import PRINTED, VERDICTS, split_note

    rows = results.filter(results["analysis_id"] == PRINTED)
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    console = Console(width=width, highlight=False)
    for section in rows.partition_by("group", maintain_order=True):
        table = Table(title=escape(section["group"][0]), title_justify="left", box=None, pad_edge=False)
        for heading in ("", "printed", "recomputed", "verdict"):
            table.add_column(heading, overflow="fold")
        for row in section.iter_rows(named=True):
            shown, _ = split_note(row["note"])
            cells = (row["variable_level"], row["text"], shown, row["level"])
            table.add_row(*map(escape, cells), style=None if row["level"] in VERDICTS[:2] else "bold")
        console.print(table)
        console.print()
    counts = ", ".join(f"{int((rows['level'] == verdict).sum())} {verdict}" for verdict in VERDICTS)
    console.print(f"{rows.height} printed numbers and statements: {counts}.")


def _print_findings(findings: pl.DataFrame) -> None:
    for row in findings.iter_rows(named=True):
        print(f"{row['severity']:<8}{row['message']}")


if __name__ == "__main__":
    main()
