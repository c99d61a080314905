"""The cross table of one factor against an outcome, with its tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cytopenia.report.association_cells import (
    Association,
    absent_cell,
    count_bounds,
    is_about_recovery,
    p_cell,
    read_association,
)
from cytopenia.report.association_tables import COUNTS_NOTE, SIDES, left_out_notes, outcome_name
from cytopenia.report.cells import GRADE_BOUNDS, RECOVERY_BOUNDS, common_notes
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    clean_text,
    format_count,
    format_level,
    format_number,
    format_signs,
    lower_first,
)
from cytopenia.report.effect_cells import (
    CROSSTAB_EFFECTS,
    adjusted_cell,
    adjusted_title,
    crosstab_effect_cell,
    family_notes,
    list_crosstab_effects,
)
from cytopenia.report.lookup import ResultLookup, select_results
from cytopenia.report.table_model import Cell, Column, Footnotes, Row, Table

__all__ = ["table_crosstab"]

HOLM_NOTE = "Pairs: P of each test by itself, and adjusted for their number by Holm's method."


def table_crosstab(content: ReportContent, analysis_id: str) -> Table:
    """Return one factor against an outcome, level by level, with the test of all levels and of each pair."""
    found = read_association(content, analysis_id)
    counts = select_results(content.results, analysis_id, group="counts")
    pairs = select_results(content.results, analysis_id, group="pairwise")
    outcome = outcome_name(content, found)
    rows = [row for factor in counts.variables for row in _crosstab_rows(found, counts, factor)]
    rows += [row for factor in pairs.variables for row in _pair_rows(found, pairs, factor)]
    titles = [lower_first(clean_text(counts.title(factor))) for factor in counts.variables]
    names = [found.group_name(stratum) for stratum in SIDES]
    adjusted = adjusted_title(found)
    last = (
        "P",
        *([adjusted] if adjusted else []),
        *(["P (Holm, pairs)" if adjusted else "P (Holm)"] if pairs.variables else []),
    )
    columns = (
        *(Column(f"{name}, n/N (%)", spanner=format_level(outcome)) for name in names),
        *(Column(CROSSTAB_EFFECTS[name][0]) for name in list_crosstab_effects(found)),
        *map(Column, last),
    )
    return Table(
        id=f"{analysis_id}-crosstab",
        caption=f"{format_level(outcome)}, by {' and '.join(titles)}",
        columns=(Column("Level", "left"), *columns),
        # A row of counts has no adjusted P.
        rows=tuple(_fill(row, len(columns)) for row in rows),
        notes=tuple(_crosstab_notes(content, found, has_pairs=bool(pairs.variables))),
        footnotes=tuple(found.notes.texts),
    )


def _fill(row: Row, width: int) -> Row:
    return replace(row, cells=(*row.cells, *[Cell()] * (width - len(row.cells))))


def _crosstab_notes(content: ReportContent, found: Association, *, has_pairs: bool) -> Iterator[str]:
    yield "Percentages are of the patients of the level who are in a group."
    yield from left_out_notes(found.groups)
    yield from common_notes(content, Footnotes(), outcomes=[str(found.analysis.get("outcome") or "")])
    if found.notes.has_bounds:
        meaning = RECOVERY_BOUNDS if is_about_recovery(found.analysis) else GRADE_BOUNDS
        yield f"{meaning} {COUNTS_NOTE}"
    yield from family_notes(content, str(found.analysis["id"]))
    if has_pairs:
        yield HOLM_NOTE
    effects = [CROSSTAB_EFFECTS[name] for name in list_crosstab_effects(found)]
    if effects:
        told = "; ".join(f"{title.partition(',')[0].partition(' (')[0]}: {meant}" for title, meant in effects)
        yield f"{told}. CI, confidence interval."


def _crosstab_rows(found: Association, counts: ResultLookup, factor: str) -> Iterator[Row]:
    missing = counts.value(factor, "missing")
    marks = found.notes.mark(f"Without a value: {format_number(missing)}") if missing else ()
    title = clean_text(counts.title(factor))
    adjusted = (adjusted_cell(found, factor, ""),) if adjusted_title(found) else ()
    effects = list_crosstab_effects(found)
    blanks = (Cell(), Cell(), *(Cell() for _ in effects))
    yield Row(title, (*blanks, found.test_cell(factor, ""), *adjusted), marks=marks)
    for level in counts.levels(factor):
        cells = [_side_cell(found, counts, factor, level=level, stratum=stratum) for stratum in SIDES]
        cells += [crosstab_effect_cell(found, factor, level, name=name) for name in effects]
        yield Row(format_signs(clean_text(level)), (*cells, Cell()), indent=1)


def _side_cell(found: Association, counts: ResultLookup, factor: str, *, level: str, stratum: str) -> Cell:
    policy = counts.counted(factor, level=level, stratum=stratum)
    if policy is None:
        return absent_cell(counts.get(factor, "count", level=level, stratum=stratum), found.notes)
    bounds = count_bounds(counts, found.notes, factor, level=level, stratum=stratum)
    return Cell(format_count(policy), bounds)


def _pair_rows(found: Association, pairs: ResultLookup, factor: str) -> Iterator[Row]:
    yield Row("Pairs of levels", is_section=True)
    for level in pairs.levels(factor):
        raw, holm = (
            p_cell(pairs.get(factor, name, level=level), found.notes) for name in ("p_value", "p_holm")
        )
        between = (Cell(),) if adjusted_title(found) else ()
        blanks = (Cell(), Cell(), *(Cell() for _ in list_crosstab_effects(found)))
        yield Row(format_signs(clean_text(level)), (*blanks, raw, *between, holm))
