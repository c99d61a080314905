"""The commands that check what a paper prints, and find the counts behind it."""

from __future__ import annotations

import json as json_text
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from cytopenia.commands.terminal import PLAIN_WIDTH
from cytopenia.commands.verify_cohort import cohort

if TYPE_CHECKING:
    import polars as pl

__all__ = ["verify"]

# What the shell reads if the paper contradicts itself; wrong use has the codes of errors.py.
FOUND_INCONSISTENT = 20

verify = App(
    name="verify",
    help_format="markdown",
    help="""Check what a paper prints against itself, or find the counts behind its numbers.

Example: `cytopenia verify qiu2023`

Example: `cytopenia verify counts --odds-ratio 11 --interval 3.130 38.660 --groups 39 21`

Example: `cytopenia verify cohort factors.csv --groups 39 21 --seed 1`

The command ends with 20 if something is inconsistent, otherwise with 0.
""",
)

verify.command(cohort)

Json = Annotated[bool, Parameter(negative="")]


@verify.default
def paper(
    source: str,
    /,
    *,
    show_all: Annotated[bool, Parameter(name="--all", negative="")] = False,
    html: Path | None = None,
    json: Json = False,
) -> int:
    """Check each claim of a paper, and each relation between claims.

    Example: `cytopenia verify paper.toml --html paper.html`

    Parameters
    ----------
    source
        A TOML or CSV file of claims, or the id of a paper of the package: qiu2023. `docs/verify.md` says how
        to write one.
    show_all
        Show also what is consistent, and what cannot be checked.
    html
        Write every check to a page.
    json
        Print one JSON array with every check.
    """
    from cytopenia.published.check_model import INCONSISTENT
    from cytopenia.published.claims import load_paper
    from cytopenia.published.verify import verify_paper

    read = load_paper(source)
    checks = verify_paper(read)
    if html is not None:
        from cytopenia.workflow import write_verified

        write_verified(read, checks, html)
    if json:
        print(json_text.dumps(checks.to_dicts(), ensure_ascii=False, indent=2))
    else:
        _print_checks(read.title, checks, show_all=show_all)
    return FOUND_INCONSISTENT if (checks["verdict"] == INCONSISTENT).any() else 0


@verify.command
def counts(
    *,
    odds_ratio: str,
    interval: tuple[str, str],
    groups: tuple[int, int],
    missing: int = 0,
    json: Json = False,
) -> int:
    """Find every table of counts whose odds ratio and 95% interval print as given.

    Example: `cytopenia verify counts --odds-ratio 0.107 --interval 0.028 0.410 --groups 39 21 --missing 2`

    The interval is that of Woolf (Wald), as a logistic model with one factor prints it.

    Parameters
    ----------
    odds_ratio
        As printed, with every digit: 8.500 says more than 8.5.
    interval
        Both limits, as printed.
    groups
        Patients of the two groups, such as with and without the event. The odds ratio is that of the first
        group over the second.
    missing
        At most how many patients of both groups together have no value.
    json
        Print JSON.
    """
    from cytopenia.published.fourfold_tables import PrintedRatio, find_fourfold_tables

    search = find_fourfold_tables(PrintedRatio(odds_ratio, *interval), groups, missing=missing)
    if json:
        tables = [{**asdict(table), "counts": table.counts} for table in search.tables]
        _print_json({"answer": search.answer, "count": search.count, "tables": tables})
        return 0
    print(_say_how_many(search.answer, search.count, "table of counts", "tables of counts"))
    for table in search.tables[:_MOST_PRINTED]:
        lost = table.first_missing + table.second_missing
        without = f", {table.first_missing} and {table.second_missing} without a value" if lost else ""
        numbers = f"{table.odds_ratio:.5g} ({table.low:.5g} to {table.high:.5g})"
        first = f"{table.first_with} of {table.first_size} in the first group"
        second = f"{table.second_with} of {table.second_size} in the second"
        print(f"  {first} and {second}{without}: {numbers}, {table.convention}")
    _say_what_is_left(search.count)
    return 0


@verify.command
def percentages(
    *percents: str,
    of: Annotated[list[int], Parameter(consume_multiple=True)],
    missing: int = 0,
    partial: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Find every set of counts whose percentages print as given.

    Example: `cytopenia verify percentages 17.46 14.28 36.50 30.15 1.58 --of 63`

    Example: `cytopenia verify percentages 84.6 33.3 15.4 66.7 --of 39 21`

    Parameters
    ----------
    percents
        As printed, without the sign; of several groups row by row.
    of
        Patients of each group.
    missing
        At most how many patients of each group are in no category.
    partial
        The categories are not all there are: their counts may add up to less.
    json
        Print JSON.
    """
    from cytopenia.errors import DataError
    from cytopenia.published.category_counts import find_table_counts

    width = len(of)
    if len(percents) % width:
        message = f"{len(percents)} percentages do not fill rows of {width} groups; give one for each group"
        raise DataError(message)
    rows = [percents[start : start + width] for start in range(0, len(percents), width)]
    by_group = find_table_counts(rows, of, missing=missing, is_complete=not partial)
    if json:
        _print_json(
            [
                {"of": size, "answer": search.answer, **asdict(search)}
                for size, search in zip(of, by_group, strict=True)
            ]
        )
        return 0
    for size, search in zip(of, by_group, strict=True):
        words = _say_how_many(search.answer, search.count, "set of counts", "sets of counts")
        print(f"Of {size} patients: {words}")
        for group in search.found[:_MOST_PRINTED]:
            lost = f", {group.missing} in no category" if group.missing else ""
            print(f"  {' + '.join(map(str, group.counts))}{lost}, {search.convention}")
        _say_what_is_left(search.count)
    return 0


_MOST_PRINTED = 20


def _say_how_many(answer: str, count: int, one: str, several: str) -> str:
    if answer == "none":
        return f"No {one} prints so."
    return f"Exactly one {one} prints so:" if count == 1 else f"{count} {several} print so:"


def _say_what_is_left(count: int) -> None:
    if count > _MOST_PRINTED:
        print(f"  and {count - _MOST_PRINTED} more; --json lists the first 1,000")


def _print_json(content: Any) -> None:
    print(json_text.dumps(content, ensure_ascii=False, indent=2))


def _print_checks(title: str, checks: pl.DataFrame, *, show_all: bool) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from cytopenia.published.check_model import INCONSISTENT, ROUNDING_CONVENTION
    from cytopenia.published.verify import count_checks

    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    console.print(f"[bold]{escape(title)}[/bold]")
    shown = (
        checks if show_all else checks.filter(checks["verdict"].is_in([INCONSISTENT, ROUNDING_CONVENTION]))
    )
    for section in shown.partition_by("where", maintain_order=True):
        table = Table(title=escape(section["where"][0]), title_justify="left", box=None, pad_edge=False)
        for heading in ("", "printed", "verdict", "arithmetic", "repair"):
            table.add_column(heading, overflow="fold")
        for row in section.iter_rows(named=True):
            verdict = f"{row['verdict']}, {row['severity']}" if row["severity"] else row["verdict"]
            cells = (row["about"], row["printed"], verdict, row["arithmetic"], row["repair"])
            style = "bold" if row["verdict"] == INCONSISTENT else None
            table.add_row(*map(escape, cells), style=style)
        console.print(table)
        console.print()
    numbers = ", ".join(f"{count} {verdict}" for verdict, count in count_checks(checks).items())
    console.print(f"{checks.height} checks: {numbers}.")
    if not show_all:
        console.print("--all shows every check.")
