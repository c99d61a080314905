"""Infusions that stand in the rows of laboratory values: in every row, or only in some rows of a patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from cytopenia.contract import Finding, note
from cytopenia.contract.columns import read_text
from cytopenia.readers.column_names import find_columns
from cytopenia.readers.source_table import SourceTable
from cytopenia.values import is_missing_text

__all__ = ["drop_repeats", "name_unused_infusion"]


def drop_repeats(infusions: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the rows without those that have no infusion date while another of their patient has one.

    Only for infusions that are read from the rows of laboratory values: in a table of infusions a blank date
    is an infusion of unknown day.

    Examples
    --------
    >>> rows = pl.DataFrame({"patient_id": ["1", "1", "2"], "infusion_date": ["2024-01-03", None, None]})
    >>> drop_repeats(rows)[0].rows()
    [('1', '2024-01-03'), ('2', None)]
    """
    if not {"patient_id", "infusion_date"} <= {*infusions.columns}:
        return infusions, []
    days = infusions["infusion_date"]
    blank = is_missing_text(days) if days.dtype == pl.String else days.is_null()
    if "day" in infusions.columns:
        blank &= infusions["day"].is_null()
    people = read_text(infusions, "patient_id")
    told = people.filter(~blank).drop_nulls().unique()
    spare = blank & people.is_in(told.implode()).fill_null(value=False)
    count = int(spare.sum())
    if not count:
        return infusions, []
    noun = "row has no infusion date" if count == 1 else "rows have no infusion date"
    what = f"{count:,} of {len(spare):,} {noun}; another row of the patient has it"
    return infusions.filter(~spare), [note("infusions", "infusion_date_in_other_rows", what, rows=count)]


def name_unused_infusion(sources: Mapping[str, SourceTable], used: Sequence[str]) -> list[Finding]:
    """Return a finding for a column of labs that is called like the infusion where nothing says when it was.

    `used` are the headings that the mapping of labs takes for something else.
    """
    if "labs" not in sources or "infusions" in sources or _has_infusion(sources.get("patients")):
        return []
    found = [
        heading
        for heading in sources["labs"].frame.columns
        if heading not in used
        and any(role.column == "infusion_date" and role.certain for role in find_columns(heading))
    ]
    if not found:
        return []
    what = f"column '{found[0]}' of {sources['labs'].origin} is called like the infusion date and is not used"
    return [note("labs", "infusion_column_unused", what)]


def _has_infusion(patients: SourceTable | None) -> bool:
    if patients is None:
        return False
    roles = [role.column for heading in patients.frame.columns for role in find_columns(heading)]
    return "infusion_date" in roles
