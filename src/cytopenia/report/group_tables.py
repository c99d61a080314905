"""Characteristics of groups of patients side by side, with the test over all groups."""

from __future__ import annotations

from collections.abc import Iterator

from cytopenia.report.association_cells import (
    PATIENTS,
    Association,
    after_infusion_marks,
    read_association,
)
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, format_level, format_number, format_signs, lower_first
from cytopenia.report.effect_cells import adjusted_cell, adjusted_title, family_notes
from cytopenia.report.table_model import Cell, Column, Row, Table

__all__ = ["table_by_groups"]

NO_GROUP = "no group"
VALUES_NOTE = (
    "Median (range), or number and percentage of the patients of the group with a known value. "
    "P: over all groups; it tells that they differ, not which."
)


def table_by_groups(content: ReportContent, analysis_id: str) -> Table:
    """Return the characteristics group by group; no rows where the protocol names no groups.

    One row per number; a factor with levels has a row for itself, which holds its P, and one per level.
    """
    found = read_association(content, analysis_id)
    sizes = _list_sizes(found)
    named = found.groups.get(PATIENTS, "count", stratum=next(iter(sizes), ""))
    title = clean_text(named.text) if named is not None else ""
    adjusted = adjusted_title(found)
    columns = [
        Column(f"{format_level(format_signs(name))} ({_hold(f'n = {format_number(n)}')})")
        for name, n in sizes.items()
    ]
    return Table(
        id=f"{analysis_id}-groups",
        caption=f"Characteristics by {lower_first(title)}",
        columns=(
            Column("Characteristic", "left"),
            *columns,
            Column("P"),
            *([Column(adjusted)] if adjusted else []),
        ),
        rows=tuple(row for factor in found.factors for row in _factor_rows(found, factor, list(sizes))),
        notes=tuple(_list_notes(content, found)) if sizes else (),
        footnotes=tuple(found.notes.texts),
    )


def _hold(text: str) -> str:
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _list_sizes(found: Association) -> dict[str, float]:
    """The groups in their order, with their patients."""
    counts = {key[0]: one.value for key, one in found.groups.estimates.items() if key[1] == PATIENTS}
    return {name: value or 0 for name, value in counts.items() if name != NO_GROUP}


def _factor_rows(found: Association, factor: str, groups: list[str]) -> Iterator[Row]:
    levels = found.levels(factor)
    marks = after_infusion_marks([found.groups], factor, found.notes) + _mark_missing(found, factor, groups)
    cells = [Cell() if levels else found.group_cell(factor, "", stratum=name) for name in groups]
    adjusted = [adjusted_cell(found, factor, "")] if adjusted_title(found) else []
    yield Row(found.title(factor), (*cells, found.test_cell(factor, ""), *adjusted), marks=marks)
    for level in levels:
        own = [found.group_cell(factor, level, stratum=name) for name in groups]
        blanks = [Cell()] * (1 + len(adjusted))
        yield Row(format_signs(clean_text(level)), (*own, *blanks), indent=1)


def _mark_missing(found: Association, factor: str, groups: list[str]) -> tuple[int, ...]:
    missing = {name: found.groups.value(factor, "missing", stratum=name) or 0 for name in groups}
    if not any(missing.values()):
        return ()
    parts = ", ".join(
        f"{clean_text(name)} {format_number(count)}" for name, count in missing.items() if count
    )
    return found.notes.mark(f"Without a value: {format_signs(parts)}")


def _list_notes(content: ReportContent, found: Association) -> Iterator[str]:
    yield VALUES_NOTE
    outside = found.groups.value(PATIENTS, "count", stratum=NO_GROUP)
    if outside:
        yield f"In no group: {format_number(outside)}."
    yield from family_notes(content, str(found.analysis["id"]))
