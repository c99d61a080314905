"""Observations of FHIR become a table of laboratory values: newest version of each, by LOINC and UCUM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from cytopenia.contract import Finding, note, note_rows
from cytopenia.contract.near_names import NEUTROPHIL_SHARE
from cytopenia.readers.codes import load_analyte_codes
from cytopenia.readers.fhir_files import Resource
from cytopenia.readers.fhir_values import (
    ERROR,
    TWO_UNITS,
    MatchedCode,
    MeasuredValue,
    as_list,
    as_mapping,
    is_of_patient,
    match_analyte,
    read_limits,
    read_measured,
    read_moment,
    read_reference,
    read_version,
    read_word,
)
from cytopenia.units import match_unit

__all__ = ["LabCollector"]

_PERCENT = "percent"  # the use of a code in the reviewed table
# Later in this list wins over earlier among versions that nothing else orders.
_STATUSES = ("registered", "unknown", "preliminary", "final", "amended", "corrected", "cancelled", ERROR)
_CHANGED = ("amended", "corrected", ERROR)
_UNJUDGED = {"cancelled": "cancelled", "unknown": "status unknown"}
_CHUNK = 50_000
_SHOWN_CODES = 10
_TEXTS = ("id", "status", "patient_id", "date", "analyte", "value", "unit", "invalid", "lln", "uln")
_SCHEMA: dict[str, Any] = {
    "order": pl.UInt32,
    "version": pl.Float64,
    "updated": pl.Float64,
    "rank": pl.UInt8,
    "source_row": pl.UInt32,
    "unit_as_text": pl.Boolean,
    "limit_apart": pl.Boolean,
    **dict.fromkeys(_TEXTS, pl.String),
}
_COLUMNS = ("patient_id", "date", "analyte", "value", "unit", "invalid", "lln", "uln", "source_row")


class LabCollector:
    """Takes observations one by one; keeps only the rows of our analytes, in columns."""

    def __init__(self, own: Mapping[str, str]) -> None:
        self._own = own
        self.seen: set[str] = set()
        self._rows: list[dict[str, Any]] = []
        self._chunks: list[pl.DataFrame] = []
        self._order = self._strangers = 0
        self._codes: dict[str, Counter[str]] = {
            use: Counter() for use in ("near", "other", "apart", "disagree")
        }

    def add(self, resource: Resource) -> None:
        """Take one observation with its components."""
        content = resource.content
        self._order += 1
        if not is_of_patient(content):
            self._strangers += 1
            return
        found = list(self._find_values(content))
        status = read_word(content.get("status"))
        # A correction may have taken a value to a code that is none of ours; its older versions go with it.
        if not found and status not in _CHANGED:
            return
        base = _read_base(content, status) | {"order": self._order, "source_row": resource.row}
        self._rows += [base | values for values in found] or [base]
        if len(self._rows) >= _CHUNK:
            self._flush()

    def finish(self) -> tuple[pl.DataFrame, list[Finding]]:
        """Return the table of laboratory values as a file of our names would give it, and the findings."""
        self._flush()
        rows = pl.concat([pl.DataFrame(schema=_SCHEMA), *self._chunks])
        self._chunks = []
        total = self._order
        rows, findings = _keep_newest(rows, total)
        findings += _name_rows(rows, total) + self._name_codes()
        return rows.select(_COLUMNS), findings

    def _flush(self) -> None:
        if self._rows:
            self._chunks.append(pl.DataFrame(self._rows, schema=_SCHEMA))
            self._rows = []

    def _find_values(self, content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        parts = [part for item in as_list(content.get("component")) if (part := as_mapping(item))]
        whole = match_analyte(content.get("code"), self._own)
        # A panel has no value of its own; its name is no unlisted code.
        if not parts or whole.use in {"yes", _PERCENT} or any(name.startswith("value") for name in content):
            yield from self._take(content, whole)
        for part in parts:
            yield from self._take(part, match_analyte(part.get("code"), self._own))

    def _take(self, element: Mapping[str, Any], found: MatchedCode) -> Iterator[dict[str, Any]]:
        if found.key in self._own:
            self.seen.add(found.key)
        if found.use in self._codes:
            self._codes[found.use][found.key or "no code"] += 1
        if found.use not in {"yes", _PERCENT}:
            return
        analyte = found.analyte if found.use == "yes" else None
        measured = read_measured(element, analyte)
        low, high, apart = read_limits(element, measured)
        yield {
            "analyte": analyte or NEUTROPHIL_SHARE,
            **_as_row(measured),
            "lln": low,
            "uln": high,
            "limit_apart": apart,
        }

    def _name_codes(self) -> list[Finding]:
        near, apart, disagree = (self._codes[use] for use in ("near", "apart", "disagree"))
        findings = [
            note(
                "labs",
                "code_unlisted",
                f"code {key} looks like a blood count ({_count(number)})",
                rows=number,
            )
            for key, number in near.most_common(_SHOWN_CODES)
        ]
        if rest := near.most_common()[_SHOWN_CODES:]:
            number = sum(count for _, count in rest)
            what = f"{len(rest):,} more codes look like blood counts ({_count(number)})"
            findings.append(note("labs", "code_unlisted", what, rows=number))
        findings += [
            note(
                "labs",
                "code_apart",
                f"code {key} is {load_analyte_codes()[key.rpartition('|')[2]].nearness} ({_count(number)})",
                rows=number,
            )
            for key, number in apart.most_common()
        ]
        findings += [
            note("labs", "codes_disagree", f"{key} stand on one value ({_count(number)})", rows=number)
            for key, number in disagree.most_common(_SHOWN_CODES)
        ]
        if self._strangers:
            what = f"{self._strangers:,} observations are of a group, a device or a place, not of a patient"
            findings.append(note("labs", "code_left_out", what, rows=self._strangers))
        if others := self._codes["other"].total():
            what = f"{_count(others)} of {len(self._codes['other']):,} other codes were left out"
            findings.append(note("labs", "code_left_out", what, rows=others))
        return findings


def _count(number: int) -> str:
    return f"{number:,} {'value' if number == 1 else 'values'}"


def _read_base(content: Mapping[str, Any], status: str) -> dict[str, Any]:
    version = read_version(content)
    return {
        "id": read_word(content.get("id")) or None,
        "status": status,
        "version": version.number,
        "updated": version.updated,
        "rank": _STATUSES.index(status) if status in _STATUSES else 0,
        "patient_id": read_reference(content.get("subject")),
        "date": read_moment(content, "effective"),
    }


def _as_row(measured: MeasuredValue) -> dict[str, Any]:
    return {
        "value": measured.value,
        "unit": measured.unit,
        "invalid": measured.invalid,
        "unit_as_text": measured.unit_as_text,
    }


def _keep_newest(rows: pl.DataFrame, total: int) -> tuple[pl.DataFrame, list[Finding]]:
    """One version of each observation: by version, time of update, status, place; errors leave altogether."""
    newest = (
        rows.filter(pl.col("id").is_not_null())
        .unique("order", maintain_order=True)
        .sort("version", "updated", "rank", "order", nulls_last=False, maintain_order=True)
        .group_by("id", maintain_order=True)
        .agg(pl.col("order").last(), people=pl.col("patient_id").n_unique())
    )
    keep = pl.col("id").is_null() | pl.col("order").is_in(newest["order"].implode())
    wrong = pl.col("status") == ERROR
    mixed = rows.filter(pl.col("id").is_in(newest.filter(pl.col("people") > 1)["id"].implode()))
    said = {
        "older_version": ("the same observation stands there in a newer version", rows.filter(~keep)),
        "entered_in_error": ("the observation was entered in error", rows.filter(keep & wrong)),
        "id_of_two_patients": ("the same id stands at different patients", mixed),
    }
    findings = [
        finding
        for rule, (what, concerned) in said.items()
        for finding in note_rows("labs", rule, what, rows=concerned["source_row"].unique(), total=total)
    ]
    unjudged = pl.col("status").replace_strict(_UNJUDGED, default=None, return_dtype=pl.String)
    kept = rows.filter(keep & ~wrong & pl.col("analyte").is_not_null()).with_columns(
        invalid=pl.coalesce("invalid", unjudged)
    )
    return kept, findings


def _name_rows(rows: pl.DataFrame, total: int) -> list[Finding]:
    said = {
        "preliminary": ("the value is preliminary", rows["status"] == "preliminary"),
        "unit_as_text": ("the unit has no UCUM code", rows["unit_as_text"].fill_null(value=False)),
        "two_units": (
            "the UCUM code and the text of the unit differ",
            (rows["invalid"] == TWO_UNITS).fill_null(value=False),
        ),
        "limit_in_other_unit": ("the limits are in another unit than the value", rows["limit_apart"]),
    }
    findings = [
        finding
        for rule, (what, where) in said.items()
        for finding in note_rows(
            "labs", rule, what, rows=rows["source_row"].filter(where.fill_null(value=False)), total=total
        )
    ]
    return findings + _name_units(rows)


def _name_units(rows: pl.DataFrame) -> list[Finding]:
    """Analytes that come in units of different size."""
    findings: list[Finding] = []
    listed = (
        rows.filter(pl.col("analyte") != NEUTROPHIL_SHARE)
        .select("analyte", "unit")
        .unique()
        .sort("analyte", "unit")
    )
    for (analyte,), part in listed.group_by("analyte", maintain_order=True):
        found = {text: unit for text in part["unit"] if (unit := match_unit(str(analyte), text)) is not None}
        if len({(unit.multiply / unit.divide, unit.offset) for unit in found.values()}) > 1:
            number = rows.filter(pl.col("analyte") == analyte).height
            what = f"{analyte} is given in {', '.join(found)}"
            findings.append(note("labs", "several_units", what, rows=number))
    return findings
