"""A paper checked against itself: what is inconsistent, what is cut off, and what holds."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cytopenia.report.display import clean_text, format_number, format_signs, plural
from cytopenia.report.table_model import Cell, Column, Row, Table, Tone

__all__ = ["table_paper_checks"]

TITLES = ("What", "Printed", "Checked", "Verdict", "Arithmetic, and what it likely reads")
GRAVE = ("inconsistent", "rounding convention")
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
    "printed. Rounding convention: decimals were cut off instead of rounded. Likely: the smallest "
    "change that makes the numbers fit; only the authors know."
)
LEFT_OUT_NOTE = (
    "Consistent, or not to be decided, and without a row here: {count}. They stand in paper_checked.csv."
)
UNCHECKED_NOTE = "Nothing else is printed against which the other {count} could be held."


def table_paper_checks(checks: pl.DataFrame, *, show_all: bool = False, remark: str = "") -> Table:
    """Return the checks of a paper, the gravest verdict first; within one in the order of the paper.

    What is consistent is counted in a note unless all is to be shown; so are, in any case, claims against
    which nothing can be held. The remark is the last note.
    """
    if checks.is_empty():
        return Table(id="paper-checks", caption="", columns=(), rows=())
    alone = checks.filter(pl.col("check") == "alone").height
    shown = checks.filter(pl.col("check") != "alone")
    is_grave = pl.col("verdict").is_in(GRAVE)
    # A paper in which nothing is wrong shows what was checked.
    show_all = show_all or shown.filter(is_grave).is_empty()
    rows = list[Row]()
    for verdict in VERDICTS if show_all else GRAVE:
        part = shown.filter(pl.col("verdict") == verdict)
        if part.is_empty():
            continue
        rows.append(Row(f"{verdict.capitalize()}: {format_number(part.height)}", is_section=True))
        rows += [_check_row(check) for check in part.iter_rows(named=True)]
    left_out = shown.filter(~is_grave).height
    notes = [
        MEANING,
        *([] if show_all or not left_out else [LEFT_OUT_NOTE.format(count=plural(left_out, "check"))]),
        *([UNCHECKED_NOTE.format(count=plural(alone, "claim"))] if alone else []),
        *([remark] if remark else []),
    ]
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
    verdict = clean_text(check["verdict"])
    repair = format_signs(clean_text(check["repair"]))
    beside = [f"Likely: {repair}." if repair else "", clean_text(check["note"])]
    cells = (
        Cell(format_signs(clean_text(check["printed"])), bounds=clean_text(check["where"])),
        Cell(clean_text(check["check"]).capitalize()),
        Cell(verdict.capitalize(), bounds=clean_text(check["severity"]), tone=VERDICTS.get(verdict, "")),
        Cell(format_signs(clean_text(check["arithmetic"])), bounds=" ".join(filter(None, beside))),
    )
    return Row(clean_text(check["about"]), cells)
