"""What stands behind the printed numbers: rows of the result table, patients, rows of the laboratory file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import polars as pl

from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    NO_VALUE,
    clean_text,
    format_days,
    format_level,
    format_number,
    format_range,
    plural,
)
from cytopenia.report.number_sources import FIRST_ROW, patients_anchor, row_anchor
from cytopenia.report.table_model import Cell, Column, Row, Table

__all__ = ["table_patients_behind", "table_rows_behind"]

# A longer list is no longer read, and the files beside the report hold it.
MOST_PATIENTS, MOST_ROWS = 200, 6
ROW_TITLES = ("Of", "Scenario", "Estimate", "Value", "Limits", "n", "Remark")
PATIENT_TITLES = ("Result", "Could be", "Evidence", "Days", "Deciding rows of the laboratory file")
DECIDES = "decides"


def table_rows_behind(content: ReportContent, linked: Collection[int]) -> Iterator[Table]:
    """Yield for each analysis the rows of the result table that a printed number is linked to.

    Parameters
    ----------
    content : ReportContent
    linked : collection of int
        Their numbers, as a spreadsheet numbers the rows of results.csv.

    Yields
    ------
    Table
        One an analysis. Numbers stand with all their digits.
    """
    chosen = content.results.with_row_index("source", FIRST_ROW).filter(pl.col("source").is_in(list(linked)))
    titles = {str(one["id"]): clean_text(one.get("title") or one["id"]) for one in content.analyses}
    outcomes: set[str] = set() if content.outcomes.is_empty() else set(content.outcomes["outcome"].to_list())
    for (name,), part in chosen.partition_by("analysis_id", as_dict=True, maintain_order=True).items():
        yield Table(
            id=f"rows-{name}",
            caption=f"{titles.get(str(name), format_level(str(name)))}: rows of results.csv",
            columns=(Column("Row: variable", "left"), *(Column(title, "left") for title in ROW_TITLES)),
            rows=tuple(_result_row(row, outcomes) for row in part.iter_rows(named=True)),
        )


def _result_row(row: Mapping[str, Any], outcomes: Collection[str]) -> Row:
    variable = clean_text(" = ".join(part for part in (row["variable"], row["variable_level"]) if part))
    of = "; ".join(clean_text(row[name]) for name in ("group", "level", "stratum") if row[name])
    remark = "; ".join(clean_text(part) for part in (row["text"], row["note"]) if part)
    status = "" if row["status"] == "ok" else f"{clean_text(row['status'])}; "
    low, high = (NO_VALUE if row[name] is None else f"{row[name]:.12g}" for name in ("low", "high"))
    texts = (
        of,
        clean_text(row["scenario"] or ""),
        clean_text(row["estimate"] or ""),
        NO_VALUE if row["value"] is None else f"{row['value']:.12g}",
        NO_VALUE if low == high == NO_VALUE else f"{low} to {high}",
        format_number(row["n"]),
        f"{status}{remark}",
    )
    name = row["variable"] if row["variable"] in outcomes else ""
    return Row(
        f"{row['source']}: {variable}",
        tuple(Cell(text) for text in texts),
        anchor=row_anchor(row["source"]),
        link=patients_anchor(name) if name else "",
    )


def table_patients_behind(content: ReportContent) -> Iterator[Table]:
    """Yield for each outcome its patients: what each has, on what evidence, and by which rows.

    Where the study hides its patients' ids, or has too many to read, the table has no rows and says where
    they stand.
    """
    rows_of = _collect_rows(content.evidence)
    for (name,), part in content.outcomes.partition_by("outcome", as_dict=True, maintain_order=True).items():
        is_listed = content.show_patient_ids and part.height <= MOST_PATIENTS
        ordered = part.sort(pl.col("policy").cast(pl.Float64), descending=True, maintain_order=True)
        listed = ordered.iter_rows(named=True) if is_listed else ()
        yield Table(
            id=patients_anchor(str(name)),
            caption=f"{outcome_title(content, str(name))}: {plural(part.height, 'patient')} of outcomes.csv",
            columns=(Column("Patient", "left"), *(Column(title, "left") for title in PATIENT_TITLES)),
            rows=tuple(_patient_row(row, rows_of.get((row["patient_id"], str(name)), [])) for row in listed),
            notes=() if is_listed else ("The patients are not listed here; outcomes.csv has a row of each.",),
        )


def _collect_rows(evidence: pl.DataFrame) -> dict[tuple[str, str], list[int]]:
    """Return the deciding rows of the laboratory file by patient and outcome, in the order of the days.

    A row that holds several of the days is there once.
    """
    if evidence.is_empty():
        return {}
    decisive = evidence.filter(pl.col("role") == DECIDES, pl.col("source_row").is_not_null())
    grouped = decisive.group_by("patient_id", "outcome", maintain_order=True).agg(
        pl.col("source_row").unique(maintain_order=True)
    )
    return {(str(patient), str(outcome)): rows for patient, outcome, rows in grouped.iter_rows()}


def _patient_row(row: Mapping[str, Any], sources: list[int]) -> Row:
    first, last = row.get("first_day"), row.get("last_day")
    texts = (
        clean_text(row["label"] or "") or format_number(row["policy"]),
        _say_range(row),
        clean_text(row["evidence"] or ""),
        NO_VALUE if first is None or last is None else format_days(first, last),
        _say_rows(sources),
    )
    return Row(clean_text(row["patient_id"]), tuple(Cell(text) for text in texts))


def _say_range(row: Mapping[str, Any]) -> str:
    if row["decided"]:
        return ""
    if row.get("possible_labels"):
        return clean_text(row["possible_labels"])
    known = sorted(bound for bound in (row["best"], row["worst"]) if bound is not None)
    return format_range(known[0], known[-1]) if known else ""


def _say_rows(sources: list[int]) -> str:
    if not sources:
        return NO_VALUE
    shown = ", ".join(str(one) for one in sources[:MOST_ROWS])
    more = len(sources) - MOST_ROWS
    return f"{shown} and {format_number(more)} more" if more > 0 else shown
