"""A paper checked against itself: what is inconsistent, what is cut off, and what holds."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cytopenia.report.display import clean_text, format_number, format_signs, plural
from cytopenia.report.table_model import Cell, Column, Row, Table, Tone

__all__ = ["table_paper_checks"]

TITLES = ("What", "Printed", "Checked", "Verdict", "Arithmetic", "Likely reads")
# The gravest first.
VERDICTS: Mapping[str, Tone] = {
    "inconsistent": "differs",
    "rounding convention": "noted",
    "consistent": "agrees",
    "cannot be checked": "quiet",
}
MEANING = (
    "Checked is what the paper prints against itself, without any patient. Inconsistent: no rounding and no "
    "usual method makes both numbers right; major if an estimate, a direction or a conclusion cannot be as "
    "printed. Rounding convention: decimals were cut off instead of rounded. Likely reads: the smallest "
    "change that makes the numbers fit; only the authors know."
)
UNCHECKED_NOTE = "Nothing else is printed against which the other {count} could be held."


def table_paper_checks(checks: pl.DataFrame) -> Table:
    """Return the checks of a paper, the gravest verdict first; within one in the order of the paper.

    Claims against which nothing can be held are counted in a note and have no row.
    """
    if checks.is_empty():
        return Table(id="paper-checks", caption="", columns=(), rows=())
    alone = checks.filter(pl.col("check") == "alone").height
    shown = checks.filter(pl.col("check") != "alone")
    rows = list[Row]()
    for verdict in VERDICTS:
        part = shown.filter(pl.col("verdict") == verdict)
        if part.is_empty():
            continue
        rows.append(Row(f"{verdict.capitalize()}: {format_number(part.height)}", is_section=True))
        rows += [_check_row(check) for check in part.iter_rows(named=True)]
    notes = [MEANING, *([UNCHECKED_NOTE.format(count=plural(alone, "claim"))] if alone else [])]
    return Table(
        id="paper-checks",
        caption=f"The paper checked against itself: {_count(shown)}",
        columns=tuple(Column(title, "left") for title in TITLES),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _count(checks: pl.DataFrame) -> str:
    counts = {verdict: checks.filter(pl.col("verdict") == verdict).height for verdict in VERDICTS}
    return ", ".join(f"{verdict} {format_number(count)}" for verdict, count in counts.items() if count)


def _check_row(check: Mapping[str, object]) -> Row:
    verdict, severity = clean_text(check["verdict"]), clean_text(check["severity"])
    words = f"{verdict.capitalize()}, {severity}" if severity else verdict.capitalize()
    note = clean_text(check["note"])
    arithmetic = format_signs(clean_text(check["arithmetic"]))
    cells = (
        Cell(format_signs(clean_text(check["printed"])), bounds=clean_text(check["where"])),
        Cell(clean_text(check["check"]).capitalize()),
        Cell(words, tone=VERDICTS.get(verdict, "")),
        Cell(arithmetic, bounds=note),
        Cell(format_signs(clean_text(check["repair"]))),
    )
    return Row(clean_text(check["about"]), cells)
