"""Patient ids that are written in more than one way: read as one patient, or perhaps one and read as two."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import polars as pl

from cytopenia.contract.columns import read_ids
from cytopenia.contract.findings import Finding, note_rows

__all__ = ["note_spellings"]

# Zeros in front of a number inside an id; the last digit is always kept.
_ZEROS = r"(^|\D)0+(\d)"
_FRACTION = r"(\d)\.0+$"
_UNSEEN = {"Cf", "Zs", "Cc"}
_UNSEEN_IN_ASCII = r"[\x00-\x20\x7f]"


def note_spellings(raw: Mapping[str, pl.DataFrame]) -> list[Finding]:
    """Return findings on ids that differ only in blanks around them, and on ids that are near to another.

    Ids are compared across all tables. No id stands in a message; `row` and the rows named lead to them.

    Parameters
    ----------
    raw : mapping of table name to DataFrame
        As `prepare_tables` takes them.

    Examples
    --------
    >>> labs = pl.DataFrame({"patient_id": ["7", "7 ", "07"]})
    >>> for found in note_spellings({"labs": labs}):
    ...     print(found.rule, found.row)
    patient_id_blanks 3
    patient_id_near 4
    """
    written = {name: read_ids(table) for name, table in raw.items() if "patient_id" in table.columns}
    if not written:
        return []
    counted = pl.concat([ids.rename("id") for ids in written.values()]).drop_nulls().value_counts(name="rows")
    counted = counted.with_columns(trimmed=pl.col("id").str.strip_chars()).filter(pl.col("trimmed") != "")
    blanks = counted.filter(pl.len().over("trimmed") > 1, pl.col("id") != pl.col("trimmed"))
    near = _find_near(counted)
    findings: list[Finding] = []
    for name, ids in written.items():
        rows = _read_rows(raw[name])
        findings += _note(name, "patient_id_blanks", ids, rows=rows, concerned=blanks["id"])
        if near.len():
            findings += _note(name, "patient_id_near", ids.str.strip_chars(), rows=rows, concerned=near)
    return findings


def _find_near(counted: pl.DataFrame) -> pl.Series:
    """Ids that differ from a more frequent one only in what a hand or a spreadsheet changes."""
    people = counted.group_by("trimmed").agg(pl.col("rows").sum())
    alike = people.with_columns(folded=_fold(people["trimmed"]))
    alike = alike.sort(["rows", "trimmed"], descending=[True, False])
    return alike.filter(pl.int_range(pl.len()).over("folded") > 0)["trimmed"]


def _fold(ids: pl.Series) -> pl.Series:
    """Ids without case, zeros in front, blanks, and forms of the same character."""
    # Only signs beyond ASCII need Python, one id after the other: at 100,000 patients that is seconds.
    is_plain = ids.str.len_bytes() == ids.str.len_chars()
    seen = ids.str.to_lowercase().str.replace_all(_UNSEEN_IN_ASCII, "")
    if not is_plain.all():
        other = pl.Series([_see(text) for text in ids.filter(~is_plain)], dtype=pl.String)
        seen = seen.scatter((~is_plain).arg_true(), other)
    return seen.str.replace(_FRACTION, "$1").str.replace_all(_ZEROS, "$1$2")


def _see(text: str) -> str:
    """What a reader sees of an id, in one form and one case."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in plain if unicodedata.category(sign) not in _UNSEEN)


def _note(name: str, rule: str, ids: pl.Series, *, rows: pl.Series, concerned: pl.Series) -> list[Finding]:
    if concerned.is_empty():
        return []
    found = ids.is_in(concerned.implode()).fill_null(value=False)
    people = ids.filter(found).str.strip_chars().n_unique()
    count = "1 patient is" if people == 1 else f"{people:,} patients are"
    what = {
        "patient_id_blanks": f"{count} written with blanks around patient_id, and elsewhere without,",
        "patient_id_near": f"{count} named like another but for case, zeros in front, blanks or signs",
    }[rule]
    return note_rows(name, rule, what, rows=rows.filter(found), total=ids.len())


def _read_rows(table: pl.DataFrame) -> pl.Series:
    if "source_row" in table.columns:
        return table["source_row"]
    return pl.int_range(2, table.height + 2, dtype=pl.UInt32, eager=True)
