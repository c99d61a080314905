"""Limits of normal and baselines: in the unit of their row, plausible, in order; otherwise not used."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cytopenia.contract.findings import Finding, note_rows
from cytopenia.units import is_usual_limit, load_analytes

__all__ = ["read_limits"]


def read_limits(
    rows: pl.DataFrame, stated: Mapping[str, float], *, total: int
) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the rows with limits that can be used, and findings on those that cannot.

    `rows` has `analyte`, `lln`, `uln` in canonical units and `bad_lln`, `bad_uln` (the cell was no plain
    number), and the same for `baseline` where the file has one.
    `stated` gives a lower limit per analyte in canonical units for rows without one.
    """
    findings: list[Finding] = []
    for name in (name for name in ("lln", "uln", "baseline") if name in rows.columns):
        if rows[f"bad_{name}"].any():
            bad = rows.filter(pl.col(f"bad_{name}"))["source_row"]
            findings += note_rows(
                f"labs.{name}",
                _name_rule(name, "limit_not_a_number"),
                f"{name} is not one number",
                rows=bad,
                total=total,
            )
        if rows[name].null_count() < rows.height:
            rows, found = _drop_implausible(rows, name, total=total)
            findings += found
    rows, found = _drop_reversed(rows, total=total)
    findings += found
    for analyte, limit in stated.items():
        rows, found = _fill(rows, analyte, limit, total=total)
        findings += found
    return rows, findings


def _drop_implausible(rows: pl.DataFrame, name: str, *, total: int) -> tuple[pl.DataFrame, list[Finding]]:
    ranges = rows.group_by("analyte").agg(low=pl.col(name).min(), high=pl.col(name).max()).sort("analyte")
    findings: list[Finding] = []
    for analyte, low, high in ranges.iter_rows():
        if low is None or (_is_usable(name, low, analyte) and _is_usable(name, high, analyte)):
            continue
        own = pl.col("analyte") == analyte
        printed = rows.filter(own)[name].unique().drop_nulls()
        wrong = [limit for limit in printed if not _is_usable(name, limit, analyte)]
        outside = (own & pl.col(name).is_in(wrong)).fill_null(value=False)
        concerned = rows.filter(outside)["source_row"]
        row = load_analytes()[analyte]
        usual = row.limit_text if name == "lln" else f"0 to {row.plausible_high:g} {row.unit}"
        what = f"{name} of {analyte} lies outside the usual {usual}"
        findings += note_rows(
            f"labs.{name}", _name_rule(name, "limit_implausible"), what, rows=concerned, total=total
        )
        rows = rows.with_columns(pl.when(outside).then(None).otherwise(pl.col(name)).alias(name))
    return rows, findings


def _name_rule(name: str, rule: str) -> str:
    return "baseline_unusable" if name == "baseline" else rule


def _is_usable(name: str, limit: float, analyte: str) -> bool:
    if name == "lln":
        return is_usual_limit(limit, analyte=analyte)
    return 0 <= limit <= load_analytes()[analyte].plausible_high


def _drop_reversed(rows: pl.DataFrame, *, total: int) -> tuple[pl.DataFrame, list[Finding]]:
    if rows["lln"].null_count() == rows.height or rows["uln"].null_count() == rows.height:
        return rows, []
    wrong = (pl.col("lln") >= pl.col("uln")).fill_null(value=False)
    concerned = rows.filter(wrong)["source_row"]
    if concerned.len():
        rows = rows.with_columns(pl.when(~wrong).then(pl.col("lln", "uln")))
    return rows, note_rows("labs", "limits_reversed", "lln is not below uln", rows=concerned, total=total)


def _fill(
    rows: pl.DataFrame, analyte: str, limit: float, *, total: int
) -> tuple[pl.DataFrame, list[Finding]]:
    empty = (pl.col("analyte") == analyte) & pl.col("lln").is_null() & pl.col("value").is_not_null()
    concerned = rows.filter(empty)["source_row"]
    what = f"the stated lower limit of {analyte} stands in for a missing one"
    findings = note_rows("labs", "limit_stated", what, rows=concerned, total=total)
    return rows.with_columns(lln=pl.when(empty).then(pl.lit(limit)).otherwise("lln")), findings
