"""Texts of a file in messages: names and units may be quoted, a patient's values may not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import polars as pl

from cytopenia.contract.findings import Finding, note_rows
from cytopenia.errors import suggest_name
from cytopenia.units import list_units, load_analytes, mentions_analyte
from cytopenia.values import is_number_text

__all__ = ["Wording", "name_unlisted_analytes", "name_unlisted_units", "note_texts", "shorten"]

SHOWN_LETTERS = 40
SHOWN_TEXTS = 10
SHOWN_UNITS = 10


def _no_hint(text: str) -> str:
    del text
    return ""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """How a finding on a text is said: "unit 'furlong' of anc is not listed", "and 12 more units".

    `hint` proposes a listed text; `allowed` is the list.
    """

    noun: str
    verdict: str
    verdict_many: str
    owner: str = ""
    allowed: str = ""
    hint: Callable[[str], str] = _no_hint


def shorten(text: str) -> str:
    """Return a text as it may be quoted: at most 40 characters, in one line.

    Examples
    --------
    >>> len(shorten("x" * 100))
    40
    """
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_LETTERS else line[: SHOWN_LETTERS - 3] + "..."


def note_texts(
    where: str, rule: str, texts: pl.Series, *, wording: Wording, rows: pl.Series, total: int
) -> list[Finding]:
    """Return one finding for each of the ten most frequent texts, and one for all others together.

    Numbers are not quoted: where a column of values was taken for a column of names or units, they are the
    values of patients.

    Parameters
    ----------
    where : str
        Table, or table and column, as in `note`.
    rule : str
    texts : Series of str
        The text that is not listed, one per row concerned; none is null.
    wording : Wording
    rows : Series
        Number of each of these rows in the source file.
    total : int
        How many rows the table has.
    """
    frame = pl.DataFrame({"text": texts.cast(pl.String), "row": rows})
    if frame.is_empty():
        return []
    counts = frame["text"].value_counts(name="n").sort(["n", "text"], descending=[True, False])
    numbers = is_number_text(counts["text"])
    named = counts["text"].filter(~numbers)
    owner = f" of {wording.owner}" if wording.owner else ""
    said = [
        (f"{wording.noun} '{shorten(text)}'{owner} {wording.verdict}{wording.hint(text)}", [text])
        for text in named.head(SHOWN_TEXTS)
    ]
    if rest := named[SHOWN_TEXTS:].to_list():
        many = f"{wording.noun}{owner} {wording.verdict}" if len(rest) == 1 else ""
        said.append(
            (f"and {len(rest):,} more {many or f'{wording.noun}s{owner} {wording.verdict_many}'}", rest)
        )
    if numbers.any():
        what = f"a number stands where the {wording.noun}{owner} should be"
        said.append((what, counts["text"].filter(numbers).to_list()))
    return [
        finding
        for what, own in said
        for finding in note_rows(
            where,
            rule,
            what,
            rows=frame.filter(pl.col("text").is_in(own))["row"],
            total=total,
            allowed=wording.allowed,
        )
    ]


def name_unlisted_analytes(names: pl.Series, *, rows: pl.Series, total: int) -> list[Finding]:
    """Return a warning where a name may be one of ours, else a note: a laboratory has many other analytes."""
    texts = names.cast(pl.String)
    near = [name for name in texts.unique() if mentions_analyte(name) or suggest_name(name, load_analytes())]
    is_near = texts.is_in(near)
    wording = Wording(
        noun="analyte name",
        verdict="is not listed",
        verdict_many="are not listed",
        hint=lambda name: suggest_name(name, load_analytes()),
    )
    findings: list[Finding] = []
    for where, severity in ((is_near, "warning"), (~is_near, "info")):
        found = note_texts(
            "labs",
            "unknown_analyte",
            texts.filter(where),
            wording=wording,
            rows=rows.filter(where),
            total=total,
        )
        findings += [replace(finding, severity=severity) for finding in found]
    return findings


def name_unlisted_units(
    analyte: str, printed: list[str | None], *, judged: pl.DataFrame, total: int
) -> list[Finding]:
    """Return the findings on blank and unknown units of one analyte.

    `judged` has `analyte`, `printed` and `source_row` of the rows not marked yet; `printed` lists the
    texts that are no unit of this analyte.
    """
    own = judged.filter(pl.col("analyte") == analyte)
    units, findings = _name_units(analyte), list[Finding]()
    if None in printed:
        rows = own.filter(pl.col("printed").is_null())["source_row"]
        what = f"the unit of {analyte} is blank"
        findings += note_rows("labs", "unit_missing", what, rows=rows, total=total, allowed=units)
    own = own.with_columns(pl.col("printed").cast(pl.String))
    unknown = own.filter(pl.col("printed").is_in([text for text in printed if text is not None]))
    wording = Wording(
        noun="unit", owner=analyte, verdict="is not listed", verdict_many="are not listed", allowed=units
    )
    return findings + note_texts(
        "labs", "unknown_unit", unknown["printed"], wording=wording, rows=unknown["source_row"], total=total
    )


def _name_units(analyte: str) -> str:
    units = list_units(analyte)
    more = f" and {len(units) - SHOWN_UNITS} more" if len(units) > SHOWN_UNITS else ""
    return ", ".join(units[:SHOWN_UNITS]) + more
