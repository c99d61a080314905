"""From raw frames to the six tables: the one door through which data enter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from cytopenia.contract.checks import find_contradictions
from cytopenia.contract.columns import require_columns
from cytopenia.contract.courses import (
    find_zeros,
    prepare_patients,
    prepare_support,
    prepare_timed,
    split_infusions,
)
from cytopenia.contract.findings import Finding, collect_findings, merge_findings
from cytopenia.contract.labs import LabOptions, prepare_cohort_rows
from cytopenia.contract.patient_ids import note_spellings
from cytopenia.contract.schemas import Tables, TextFormat, empty_table
from cytopenia.errors import DataError, join_problems

__all__ = ["check_tables", "prepare_tables", "raise_errors", "require_findings", "require_tables"]


def prepare_tables(
    raw: Mapping[str, pl.DataFrame],
    *,
    day_zero: str = "infusion",
    formats: Mapping[str, TextFormat] | None = None,
    lln: Mapping[str, float] | None = None,
) -> Tables:
    """Return the six tables in canonical form, with everything doubtful in `findings`.

    Parameters
    ----------
    raw : mapping of table name to DataFrame
        "labs" is needed; "patients", "infusions", "support", "events", "responses" may be absent. Columns as
        in `TABLES`; cells as text or natively typed. `infusion_date` may stand in the patients table.
    day_zero
        "infusion": day 0 is the first infusion of each patient. "first": day 0 is the first laboratory day
        of each patient, for data without an infusion.
    formats
        Decimal mark and date format per table, where the columns alone do not settle them.
    lln
        Lower limit of normal per analyte in canonical units, for laboratory rows that have none.

    Returns
    -------
    Tables
        `day = date - date of first infusion` in local calendar days. Laboratory rows keep their order; a row
        that cannot be judged stays with the reason in `invalid`. Wrong data never raise here; see
        `require_tables`.

    Raises
    ------
    DataError
        A table has an unknown name, labs are absent, or `day_zero` contradicts an infusions table.
    MissingColumnError
        A needed column is absent; all of them are named.

    Examples
    --------
    >>> labs = pl.DataFrame(
    ...     {"patient_id": ["1"], "day": [3], "analyte": ["ANC"], "value": ["0.4"], "unit": ["K/uL"]}
    ... )
    >>> prepare_tables({"labs": labs}).labs.select("day", "analyte", "value").row(0)
    (3, 'anc', 0.4)
    """
    require_columns(raw)
    tables, findings = split_infusions(raw)
    require_columns(tables)
    findings += note_spellings(raw)
    _require_sense(tables, day_zero)
    formats = formats or {}
    zero = find_zeros(tables, formats, day_zero=day_zero)
    options = LabOptions(formats.get("labs", TextFormat()), lln or {})
    patients, found = prepare_patients(tables, zero.infusions)
    findings += [*zero.findings, *found]
    labs, found, account = prepare_cohort_rows(tables["labs"], options, zeros=zero.zeros)
    findings += found
    others: dict[str, pl.DataFrame] = {}
    for name in ("support", "events", "responses"):
        others[name], found = _prepare_other(name, tables, formats.get(name, TextFormat()), zeros=zero.zeros)
        findings += found
    prepared = Tables(
        patients=patients,
        infusions=zero.infusions,
        labs=labs,
        support=others["support"],
        events=others["events"],
        responses=others["responses"],
        findings=collect_findings(findings),
        has_support="support" in raw,
        lab_account=account,
    )
    return replace(prepared, findings=check_tables(prepared))


def check_tables(tables: Tables) -> pl.DataFrame:
    """Return every finding on the tables: those made while reading, and the contradictions between tables.

    Never raises on data. Checking twice gives the same table.

    Returns
    -------
    DataFrame
        The columns of `FINDING_SCHEMA`, errors first. `row` is the first row concerned as a spreadsheet
        numbers it,
        `rows` how many rows (or patients) are concerned.
    """
    return merge_findings(tables.findings, collect_findings(find_contradictions(tables)))


def require_tables(tables: Tables) -> Tables:
    """Return the tables with all their findings, or raise when a finding is an error.

    Raises
    ------
    DataError
        Names every error at once.
    """
    findings = check_tables(tables)
    require_findings(findings)
    return replace(tables, findings=findings)


def require_findings(findings: pl.DataFrame) -> None:
    """Raise when a finding is an error; see `require_tables`, which looks for contradictions as well."""
    raise_errors(findings.filter(pl.col("severity") == "error")["message"].to_list())


def raise_errors(errors: Sequence[str]) -> None:
    """Raise with the messages of findings that are errors, if there are any."""
    if errors:
        noun = "error" if len(errors) == 1 else "errors"
        raise DataError(join_problems(f"The tables have {len(errors)} {noun}", errors))


def _require_sense(tables: Mapping[str, pl.DataFrame], day_zero: str) -> None:
    if day_zero not in {"infusion", "first"}:
        raise DataError(f"day_zero is {day_zero!r}; allowed: 'infusion', 'first'")
    if "labs" not in tables:
        raise DataError(
            "The labs table is missing. Give labs with patient_id, day or date, analyte, value, unit."
        )
    if day_zero == "first" and "infusions" in tables:
        raise DataError(
            "day_zero = 'first' but an infusions table is given; remove day_zero to count from the infusion, "
            "or leave the table out"
        )


def _prepare_other(
    name: str, tables: Mapping[str, pl.DataFrame], text: TextFormat, *, zeros: pl.DataFrame | None
) -> tuple[pl.DataFrame, list[Finding]]:
    if name not in tables:
        return empty_table(name), []
    if name == "support":
        return prepare_support(tables[name], text, zeros=zeros)
    return prepare_timed(name, tables[name], text, zeros=zeros)
