"""The commands that work on a whole study: demo, run, check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from cytopenia.commands.terminal import PLAIN_WIDTH, Bar, print_findings

if TYPE_CHECKING:
    import polars as pl

__all__ = ["check", "demo", "run"]


def demo(*, out: Path = Path("cytopenia-demo")) -> None:
    """Run a whole published study on a synthetic twin of its cohort, and compare with what was printed.

    Example: `cytopenia demo --out my-demo`

    Parameters
    ----------
    out
        Folder for the study (tables and study.toml) and its results.
    """
    from cytopenia.workflow import run_demo

    with Bar() as bar:
        written = run_demo(out, progress=bar)
    _print_comparison(written.run.results)
    print("Synthetic data: every patient in this demonstration is invented.")
    _tell_written(written.folder, written.run.findings)


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

    with Bar() as bar:
        written = run_study(study, out=out, progress=bar)
    _tell_written(written.folder, written.run.findings)


def check(
    study: Path,
    *,
    out: Path | None = None,
    page: bool = True,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Read the tables of a study, list every finding, and write a page about the quality of the data.

    Example: `cytopenia check study.toml`

    Nothing is graded. Names of columns in the study file are checked as well. The exit code is 10 if a
    finding is an error, else 0.

    Parameters
    ----------
    study
        The study file, or the folder that has it as study.toml.
    out
        The HTML page to write; by default `check.html` beside the study file. Only an older page of check is
        replaced.
    page
        Write the page; --no-page lists the findings only.
    json
        Print the findings as JSON lines; the page is then written only where --out names it.
    """
    from cytopenia.check_file import require_own_page, write_checked
    from cytopenia.errors import DataError
    from cytopenia.study_tables import read_checked

    if out is not None:
        require_own_page(out)
    checked = read_checked(study)
    if json:
        print(checked.findings.write_ndjson(), end="")
    else:
        print_findings(checked.findings)
    if out is not None or (page and not json):
        written = write_checked(checked, out)
        if not json:
            print(f"Page:   {written}")
    return DataError.exit_code if "error" in checked.findings["severity"] else 0


def _tell_written(folder: Path, findings: pl.DataFrame) -> None:
    counts = {level: int((findings["severity"] == level).sum()) for level in ("warning", "info")}
    print(f"Report:   {folder / 'report.html'}, report.pdf, and for Word report.docx, tables.xlsx")
    print("Words:    methods.md, results.md, references.bib, references.ris")
    print(f"Numbers:  {folder / 'results.csv'}, patients.csv, outcomes.csv, evidence.csv")
    print(f"Figures:  {folder / 'figures'}, each as SVG and PDF with its numbers as CSV, and captions.csv")
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
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
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
