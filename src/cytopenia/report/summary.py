"""The numbers a reader wants first: cohort size, main outcomes with bounds, and what to worry about."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from cytopenia.report.cells import outcome_title
from cytopenia.report.content import ReportContent
from cytopenia.report.display import (
    Counted,
    clean_text,
    format_bounds,
    format_count,
    format_level,
    format_number,
    format_percent,
)
from cytopenia.report.flow import read_flow
from cytopenia.report.lookup import ResultLookup, select_results
from cytopenia.report.tables import SEVERITIES, sort_findings

__all__ = ["KeyNumber", "list_concerns", "list_key_numbers", "read_cohort_size"]

MOST_CONCERNS = 5
SEVERE = ">= 3"
GOOD_LEVELS = ("recovered or never below", "recovered", "never below")
SEVERITY_TITLES = {"error": "Errors", "warning": "Warnings", "info": "Notes"}


@dataclass(frozen=True, kw_only=True)
class KeyNumber:
    """One number of the summary; `low` and `high` are the bounds of the percent for the meter."""

    title: str
    percent: str
    count: str
    bounds: str
    low: float | None
    high: float | None


def read_cohort_size(content: ReportContent) -> str:
    """Return the number of patients with outcomes, else of the last box of the flow that is kept."""
    if content.patients:
        return format_number(content.patients)
    kept = [step.count for step in read_flow(content) if step.is_kept]
    return kept[-1] if kept else ""


def list_key_numbers(content: ReportContent) -> list[KeyNumber]:
    """Return severe occurrence and recovery, as the results give them.

    Of an occurrence the level with grade >= 3 is taken, else its first level; of recovery those recovered
    (or never below) with early deaths left out.
    """
    numbers = list[KeyNumber]()
    for analysis in content.analyses:
        lookup = select_results(content.results, analysis["id"])
        if analysis["kind"] == "occurrence":
            numbers += [_occurrence(content, lookup, name) for name in lookup.variables]
        elif analysis["kind"] == "recovery":
            numbers += [_recovery(content, lookup, name) for name in lookup.variables]
    return [number for number in numbers if number.count]


def _occurrence(content: ReportContent, lookup: ResultLookup, name: str) -> KeyNumber:
    levels = lookup.levels(name) or [""]
    level = next((one for one in levels if one.endswith(SEVERE)), levels[0])
    title = outcome_title(content, name)
    severe = format_level(level).lower()
    full = title if level in {"", "yes"} or severe in title.lower() else f"{title}, {severe}"
    return _key_number(lookup, name, level=level, stratum="", title=full)


def _recovery(content: ReportContent, lookup: ResultLookup, name: str) -> KeyNumber:
    strata = lookup.strata
    stratum = "left out" if "left out" in strata else (strata or [""])[0]
    title = outcome_title(content, name)
    reading = f", early deaths {stratum}" if stratum else ""
    level = next((one for one in GOOD_LEVELS if one in lookup.levels(name)), "recovered")
    never = lookup.value(name, "count", level=GOOD_LEVELS[-1], stratum=stratum)
    words = level if never else "recovered"
    return _key_number(lookup, name, level=level, stratum=stratum, title=f"{title}: {words}{reading}")


def _key_number(lookup: ResultLookup, name: str, *, level: str, stratum: str, title: str) -> KeyNumber:
    found = {
        scenario: lookup.counted(name, level=level, scenario=scenario, stratum=stratum)
        for scenario in ("policy", "best", "worst")
    }
    policy, best, worst = found.values()
    if policy is None:
        return KeyNumber(title=title, percent="", count="", bounds="", low=None, high=None)
    has_both = best is not None and worst is not None
    bounds = format_bounds(policy, best, worst) if best is not None and worst is not None else ""
    percents = [part.percent for part in found.values() if part is not None and part.percent is not None]
    return KeyNumber(
        title=title,
        percent=format_percent(policy.percent) if policy.percent is not None else "",
        count=format_count(Counted(policy.count, policy.denominator)).replace("/", " of "),
        bounds=bounds or ("decided" if has_both else ""),
        low=min(percents, default=None),
        high=max(percents, default=None),
    )


def list_concerns(content: ReportContent) -> list[tuple[str, str, list[str]]]:
    """Return (severity, headline, messages) of the findings, gravest first, a few messages each."""
    ordered = sort_findings(content.findings)
    concerns = list[tuple[str, str, list[str]]]()
    for severity in SEVERITIES:
        rows = ordered.filter(pl.col("severity") == severity)
        if rows.is_empty():
            continue
        messages = [clean_text(text or "", longest=400) for text in rows["message"].head(MOST_CONCERNS)]
        headline = f"{SEVERITY_TITLES[severity]}: {format_number(rows.height)}"
        concerns.append((severity, headline, messages if severity != "info" else []))
    return concerns
