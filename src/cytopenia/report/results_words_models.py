"""Results in words: survival, time to recovery, prediction and validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from cytopenia.report.content import ReportContent
from cytopenia.report.display import NO_VALUE, clean_text, lower_first
from cytopenia.report.table_model import Row, Table
from cytopenia.report.table_words import (
    find_table,
    name_cells,
    say_cell,
    say_inside,
    say_interval,
    say_list,
    say_p,
    say_patients,
    say_reason,
    split_sections,
)

__all__ = ["say_prediction", "say_recovery_times", "say_survival", "say_validation"]

EMPTY = {"", NO_VALUE}
CI = " (95% CI)"
RATIOS = ("HR (95% CI)", "OR (95% CI)")


def say_survival(tables: Sequence[Table]) -> list[str]:
    """Return deaths, medians and survival of each group, the tests between groups and the models."""
    makers = (("survival", _say_groups), ("tests", _say_tests), ("hazards", _say_hazards))
    found = ((find_table(tables, name), say) for name, say in makers)
    texts = (" ".join(say(table)) for table, say in found if table is not None)
    return [text for text in texts if text]


def _say_groups(table: Table) -> Iterator[str]:
    # Under the titles stand the same groups with undecided outcomes at their ends: the table has them.
    yield f"{_drop_label(table.caption)}."
    for row in split_sections(table)[0][1]:
        cells = dict(name_cells(table, row))
        patients, deaths = cells.pop("Patients").text, cells.pop("Deaths").text
        noun = "death" if deaths == "1" else "deaths"
        parts = [part for title, cell in cells.items() if (part := _say_estimate(table, title, cell))]
        yield f"{row.header}: {deaths} {noun} in {patients} patients; {say_list(parts)}."


def _say_estimate(table: Table, title: str, cell: Any) -> str:
    name = lower_first(title.replace(CI, ""))
    reason = say_reason(table, cell)
    if reason:
        return f"{name.partition(',')[0]} {reason}"
    if not cell.text:
        return ""
    shown = say_interval(cell) if CI in title else say_cell(cell)
    return f"{name}{',' if title.startswith('Day') else ''} {shown}"


def _say_tests(table: Table) -> Iterator[str]:
    for row in table.rows:
        cells = name_cells(table, row)
        p_cell = next((cell for title, cell in cells.items() if title.endswith("P")), None)
        if p_cell is None:
            continue
        reason = say_reason(table, p_cell)
        shown = f"not done ({reason})" if reason else say_p(p_cell.text)
        yield f"Groups compared, {lower_first(row.header)}: log-rank {shown}." if p_cell.text else ""


def _say_hazards(table: Table) -> Iterator[str]:
    for model in dict.fromkeys(column.spanner for column in table.columns if column.spanner):
        parts, missing = list[str](), dict[str, list[str]]()
        factor = ""
        for row in table.rows:
            factor = factor if row.indent else row.header
            name = f"{lower_first(factor)} {row.header}" if row.indent else lower_first(row.header)
            cells = name_cells(table, row)
            ratio, p_cell = cells.get(f"{model}: HR (95% CI)"), cells.get(f"{model}: P")
            if ratio is None:
                continue
            reason = say_reason(table, ratio)
            if reason:
                missing.setdefault(reason, []).append(name)
            elif ratio.text and "reference" not in ratio.text:
                known = f"; {say_p(p_cell.text)}" if p_cell is not None and p_cell.text not in EMPTY else ""
                parts.append(f"{name} (HR {say_inside(ratio.text)}{known})")
        if parts:
            yield f"{model} hazard ratios: {say_list(parts)}."
        for reason, names in missing.items():
            yield f"{model} hazard ratios were not estimated for {say_list(names)} ({reason})."


def say_recovery_times(tables: Sequence[Table]) -> list[str]:
    """Return the cumulative incidence of recovery on the days asked for, by groups where there are any."""
    days, groups = find_table(tables, "days"), find_table(tables, "groups")
    texts = list[str]()
    if days is not None:
        parts = [f"{lower_first(row.header)}, {_say_days(days, row)}" for row in days.rows if row.cells]
        texts.append(f"{_drop_label(days.caption)}: {say_list(parts)}.")
    if groups is not None:
        texts.append(" ".join(_say_recovery_groups(groups)))
    return texts


def _drop_label(caption: str) -> str:
    """Return a caption without the label that a journal prints before it."""
    label, point, rest = caption.partition(". ")
    return rest if point and label.split(" ")[0] in {"Table", "Figure"} else caption


def _say_days(table: Table, row: Row) -> str:
    cells = name_cells(table, row).items()
    is_share = not row.header.startswith("At risk")
    return ", ".join(
        f"{say_interval(cell) if is_share else say_cell(cell)} on {lower_first(title)}"
        for title, cell in cells
        if cell.text not in EMPTY
    )


def _say_recovery_groups(table: Table) -> Iterator[str]:
    # Under the titles stand the earliest and the latest plausible days: the table has them.
    rows = split_sections(table)[0][1]
    yield f"{_drop_label(table.caption)}."
    for row in rows:
        cells = name_cells(table, row)
        days = [
            f"{lower_first(title.replace(CI, ''))}, {say_interval(cell)}"
            for title, cell in cells.items()
            if title.startswith("Day ") and cell.text not in EMPTY
        ]
        ratio, p_ratio = cells.get("HR (95% CI)"), cells.get("P of HR")
        if ratio is not None and ratio.text not in EMPTY and "reference" not in ratio.text:
            known = f"; {say_p(p_ratio.text)}" if p_ratio is not None and p_ratio.text not in EMPTY else ""
            days.append(f"subdistribution hazard ratio {say_interval(ratio)}{known}")
        elif ratio is not None and (reason := say_reason(table, ratio)):
            days.append(f"hazard ratio not estimated ({reason})")
        yield f"{row.header} ({say_patients(cells['Patients'].text)}): {say_list(days)}."
    p_cells = (name_cells(table, row).get("P") for row in rows)
    known = next((cell.text for cell in p_cells if cell is not None and cell.text not in EMPTY), "")
    if known:
        yield f"Groups compared: Gray's test, {say_p(known)}."


def say_prediction(content: ReportContent, analysis: Mapping[str, Any], tables: Sequence[Table]) -> list[str]:
    """Return the size, the terms and the worth of a model, or why none was made."""
    size, terms, worth = (find_table(tables, name) for name in ("size", "terms", "worth"))
    texts = list[str]()
    if size is not None:
        texts.append(" ".join(_say_size(size)))
    refused = content.results.filter(
        pl.col("analysis_id") == analysis["id"], pl.col("status") == "not_done", pl.col("note") != ""
    )
    if worth is None and not refused.is_empty():
        texts.append(f"No model was made: {clean_text(refused['note'][0]).rstrip('.')}.")
    if terms is not None:
        texts.append(_say_terms(terms))
    if worth is not None:
        texts.append(" ".join(_say_worth(worth)))
    return texts


def _say_size(table: Table) -> Iterator[str]:
    for title, rows in split_sections(table):
        parts = [f"{lower_first(row.header)}, {row.cells[0].text}" for row in rows if row.cells]
        yield f"{title or 'Size of the model'}: {say_list(parts)}."


def _say_terms(table: Table) -> str:
    parts = list[str]()
    for row in table.rows:
        cells = name_cells(table, row)
        ratio, p_cell = cells.get("OR (95% CI)"), cells.get("P")
        if ratio is not None and ratio.text not in EMPTY and p_cell is not None and p_cell.text:
            parts.append(f"{lower_first(row.header)} (OR {say_inside(ratio.text)}; {say_p(p_cell.text)})")
    return f"The model held: {say_list(parts)}." if parts else ""


def _say_worth(table: Table) -> Iterator[str]:
    for row in table.rows:
        cells = name_cells(table, row).items()
        known = [f"{lower_first(title)} {say_cell(cell)}" for title, cell in cells if cell.text not in EMPTY]
        missing = dict.fromkeys(filter(None, (say_reason(table, cell) for _, cell in cells)))
        parts = [*known, *(f"not estimated: {reason}" for reason in missing)]
        if parts:
            yield f"{row.header}: {', '.join(parts)}."


def say_validation(tables: Sequence[Table]) -> list[str]:
    """Return how a score or a model that was made elsewhere did in these patients."""
    table = find_table(tables, "validation")
    if table is None:
        return []
    texts = list[str]()
    for title, rows in split_sections(table):
        parts = [part for row in rows if (part := _say_index(table, row))]
        if parts:
            about = f"{title}: " if title else f"{_drop_label(table.caption)}: "
            texts.append(f"{about}{say_list(parts)}.")
    return [" ".join(texts)] if texts else []


def _say_index(table: Table, row: Row) -> str:
    cells = name_cells(table, row)
    value, interval = cells.get("Value"), cells.get("95% CI")
    if value is None or not value.text:
        return ""
    reason = say_reason(table, value)
    if reason:
        return f"{lower_first(row.header)} not estimated ({reason})"
    between = f" (95% CI {interval.text})" if interval is not None and interval.text not in EMPTY else ""
    is_bare = row.header.replace("\N{EN DASH}", "").isdigit()
    shown = say_interval(value) if value.text.endswith(")") else value.text
    return f"{lower_first(row.header)}{',' if is_bare else ''} {shown}{between}"
