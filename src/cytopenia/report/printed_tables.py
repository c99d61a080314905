"""Printed numbers of a paper beside the recomputed ones, with the verdict on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    NO_VALUE,
    clean_text,
    format_number,
    format_range,
    format_signs,
    plural,
)
from cytopenia.report.number_sources import FIRST_ROW, row_anchor
from cytopenia.report.table_model import Cell, Column, Row, Table, Tone

__all__ = ["PRINTED", "table_printed"]

PRINTED = "printed"
TITLES = ("What", "Printed", "Recomputed", "Verdict", "Remark")
# In the order in which they are counted above the table.
VERDICTS: Mapping[str, Tone] = {
    "agrees": "agrees",
    "agrees by truncation": "noted",
    "agrees but the printed label contradicts": "noted",
    "differs": "differs",
    "not computed": "quiet",
}
SYNTHETIC_NOTE = (
    "The cohort is synthetic: it was built to have the numbers of the paper, so agreement shows that the "
    "computation gives them and is no evidence about patients."
)
MEANING = (
    "Agrees: rounding the recomputed number to the printed decimals gives the printed number. By truncation: "
    "cutting its decimals off does, rounding does not. Printed label contradicts: the number agrees, but the "
    "label beside it names the other side or level."
)


def table_printed(content: ReportContent) -> Table:
    """Return each printed number of a paper beside the recomputed one, grouped by where it is printed.

    The caption counts the verdicts. What does not plainly agree is explained in the last column. Without
    such rows in the results the table is empty.
    """
    numbered = content.results.with_row_index("source", FIRST_ROW)
    frame = numbered.filter(pl.col("analysis_id") == PRINTED).with_columns(
        pl.col("group", "variable", "variable_level", "level", "text", "note").fill_null("")
    )
    rows = list[Row]()
    for (where,), part in frame.partition_by("group", as_dict=True, maintain_order=True).items():
        rows.append(Row(format_signs(clean_text(where or "Without a place")), is_section=True))
        rows += [_claim_row(claim) for claim in part.iter_rows(named=True)]
    return Table(
        id=PRINTED,
        caption=f"{plural(frame.height, 'printed result')}, recomputed: {_count_verdicts(frame)}",
        columns=tuple(Column(title, "left") for title in TITLES),
        rows=tuple(rows),
        notes=(*([SYNTHETIC_NOTE] if content.synthetic else []), MEANING),
    )


def _count_verdicts(frame: pl.DataFrame) -> str:
    """Return "agrees 101, differs 2", the verdicts in the order of the legend."""
    counts = Counter(clean_text(verdict) for verdict in frame["level"])
    names = [*VERDICTS, *sorted(set(counts) - set(VERDICTS))]
    return ", ".join(f"{name} {format_number(counts[name])}" for name in names if counts[name])


def _claim_row(claim: Mapping[str, Any]) -> Row:
    verdict = clean_text(claim["level"])
    recomputed, explanation = _read_note(claim)
    cells = (
        Cell(format_signs(clean_text(claim["text"]))),
        Cell(recomputed),
        Cell(verdict[:1].upper() + verdict[1:], tone=VERDICTS.get(verdict, "")),
        Cell(explanation),
    )
    what = clean_text(claim["variable_level"] or claim["variable"])
    return Row(format_signs(what), cells, target=row_anchor(claim["source"]))


def _read_note(claim: Mapping[str, object]) -> tuple[str, str]:
    """Return the recomputed number as text, and what the note says besides.

    The note is "recomputed; explanation". Where nothing was computed it may be the reason alone.
    """
    recomputed, _, explanation = format_signs(clean_text(claim["note"])).partition("; ")
    if claim["status"] == "ok" or explanation:
        return recomputed or _format_value(claim), explanation
    return NO_VALUE, recomputed.removeprefix(NO_VALUE)


def _format_value(claim: Mapping[str, object]) -> str:
    value, low, high = (
        number if isinstance(number := claim[name], float) else None for name in ("value", "low", "high")
    )
    text = format_number(value)
    return text if low is None or high is None else f"{text} ({format_range(low, high)})"
