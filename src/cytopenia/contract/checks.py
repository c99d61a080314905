"""Checks across the prepared tables: who is missing where, and what cannot have happened."""

from __future__ import annotations

import polars as pl

from cytopenia.contract.findings import Finding, note, note_rows
from cytopenia.contract.schemas import Tables
from cytopenia.contract.suspects import find_anc_above_wbc

__all__ = ["find_contradictions"]


def find_contradictions(tables: Tables) -> list[Finding]:
    """Return the findings that need more than one row or one table; never raises on data."""
    return [
        *_check_patients(tables),
        *_check_infusions(tables),
        *_check_labs(tables),
        *find_anc_above_wbc(tables.labs, moment=("day", "minute"), total=tables.labs.height),
        *_check_events(tables),
        *_check_support(tables),
    ]


def _check_patients(tables: Tables) -> list[Finding]:
    findings: list[Finding] = []
    ids = tables.patients["patient_id"]
    doubled = ids.filter(ids.is_duplicated()).n_unique()
    if doubled:
        findings.append(
            note("patients", "duplicate_patients", f"{_people(doubled)} more than one row", rows=doubled)
        )
    described = _list_patients(tables.patients)
    infused = _list_patients(tables.infusions)
    measured = _list_patients(tables.labs)
    findings += _check_known("infusions", infused, described=described)
    findings += _check_known("labs", measured, described=described, infused=infused)
    for name in ("support", "events", "responses"):
        others = _list_patients(getattr(tables, name))
        findings += _check_known(name, others, described=described, infused=infused)
    without = len(infused - measured)
    if without and tables.labs.height:
        findings.append(
            note(
                "labs",
                "without_labs",
                f"{_people(without)} an infusion but no laboratory value",
                rows=without,
            )
        )
    return findings


def _check_known(
    name: str, given: set[str], *, described: set[str], infused: set[str] | None = None
) -> list[Finding]:
    findings: list[Finding] = []
    given = given - {""}
    strangers = len(given - described)
    if strangers:
        findings.append(
            note(
                name,
                "not_in_patients",
                f"{_people(strangers)} rows here but none in the patients table",
                rows=strangers,
            )
        )
    unplaced = 0 if infused is None else len(given - infused)
    if unplaced:
        findings.append(
            note(name, "without_infusion", f"{_people(unplaced)} rows here but no infusion", rows=unplaced)
        )
    return findings


def _check_infusions(tables: Tables) -> list[Finding]:
    infusions, findings = tables.infusions, list[Finding]()
    later = infusions.filter(pl.col("day") > 0)["patient_id"].n_unique()
    if later:
        findings.append(
            note("infusions", "second_infusion", f"{_people(later)} more than one infusion", rows=later)
        )
    if "lymphodepletion_day" in infusions.columns:
        after = infusions.filter(pl.col("lymphodepletion_day") > pl.col("day")).height
        if after:
            what = f"lymphodepletion begins after the infusion in {after:,} of {_rows(infusions.height)}"
            findings.append(note("infusions", "lymphodepletion_after_infusion", what, rows=after))
    return findings


def _check_labs(tables: Tables) -> list[Finding]:
    labs, findings = tables.labs, list[Finding]()
    if labs.height == 0:
        return [note("labs", "empty_labs", _explain_empty(tables.findings))]
    last = labs.group_by("patient_id").agg(pl.col("day").max())
    early = last.join(tables.infusions, on="patient_id", how="semi").filter(pl.col("day") < 0).height
    if early:
        findings.append(
            note(
                "labs",
                "labs_before_infusion_only",
                f"{_people(early)} labs before the infusion only",
                rows=early,
            )
        )
    deaths = _days_of(tables.events, "death").group_by("patient_id").agg(death=pl.col("day").min())
    if deaths.height:
        late = labs.join(deaths, on="patient_id").filter(pl.col("day") > pl.col("death"))["source_row"]
        findings += note_rows(
            "labs", "labs_after_death", "the day is after death", rows=late, total=labs.height
        )
    return findings


def _explain_empty(findings: pl.DataFrame) -> str:
    """Why no row is left: none of a listed analyte, or none at all."""
    lost = int(findings.filter(pl.col("rule").is_in(["unknown_analyte", "analyte_missing"]))["rows"].sum())
    if not lost:
        return "the table has no row that can be read; export the laboratory values again"
    return (
        f"no row has a listed analyte ({_rows(lost)} with another name or none); map their names in "
        "analytes = { 'their name' = 'anc' }, or the right column in columns = { analyte = 'their column' }"
    )


def _check_events(tables: Tables) -> list[Finding]:
    deaths, findings = _days_of(tables.events, "death"), list[Finding]()
    before = deaths.filter(pl.col("day") < 0)["source_row"]
    findings += note_rows(
        "events",
        "death_before_infusion",
        "death is before the infusion",
        rows=before,
        total=tables.events.height,
    )
    several = deaths.group_by("patient_id").agg(n=pl.col("day").n_unique()).filter(pl.col("n") > 1).height
    if several:
        findings.append(
            note("events", "several_deaths", f"{_people(several)} deaths on different days", rows=several)
        )
    ended = tables.events.filter(pl.col("kind").is_in(["death", "last_contact"]))
    open_ended = len(_list_patients(tables.infusions) - _list_patients(ended))
    if open_ended:
        what = f"{_people(open_ended)} neither death nor last contact"
        findings.append(note("events", "end_of_observation_missing", what, rows=open_ended))
    return findings


def _check_support(tables: Tables) -> list[Finding]:
    support, total = tables.support, tables.support.height
    if not tables.has_support:
        return [
            note("support", "no_support_table", "no table was given; recovery will be called count recovery")
        ]
    if total == 0:
        return [
            note("support", "empty_table", "the table has no rows; it is read as 'nobody received support'")
        ]
    reversed_rows = support.filter(pl.col("stop") < pl.col("start"))["source_row"]
    unstopped = support.filter(pl.col("stop").is_null())["source_row"]
    return [
        *note_rows("support", "stop_before_start", "stop is before start", rows=reversed_rows, total=total),
        *note_rows("support", "stop_missing", "the stop is missing", rows=unstopped, total=total),
    ]


def _days_of(events: pl.DataFrame, kind: str) -> pl.DataFrame:
    return events.filter(pl.col("kind") == kind)


def _list_patients(table: pl.DataFrame) -> set[str]:
    """The ids of a table, each once; the sets are compared in Python, which is quicker than joins of ids."""
    return set(table["patient_id"].unique())


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def _people(count: int) -> str:
    return f"{count:,} {'patient has' if count == 1 else 'patients have'}"
