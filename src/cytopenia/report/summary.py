"""The numbers a reader wants first: cohort size, main outcomes with bounds, and what to worry about."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from cytopenia.report.cells import NOT_EVALUABLE, NOT_JUDGED, outcome_title
from cytopenia.report.content import SEVERITIES, ReportContent, sort_findings
from cytopenia.report.display import (
    Counted,
    clean_text,
    format_bounds,
    format_count,
    format_level,
    format_number,
    format_percent,
    format_percent_range,
    plural,
)
from cytopenia.report.flow import read_flow
from cytopenia.report.lookup import ResultLookup, select_results
from cytopenia.report.number_sources import patients_anchor

__all__ = ["KeyNumber", "list_concerns", "list_key_numbers", "read_cohort_size"]

MOST_CONCERNS = 5
SEVERE = ">= 3"
GOOD_LEVELS = ("recovered or never below", "recovered", "never below")
SEVERITY_TITLES = {"error": "Errors", "warning": "Warnings", "info": "Notes"}
# How one more finding of a rule is called, and several more.
MORE_OF_RULE = {
    "unknown_analyte": ("analyte name is not listed", "analyte names are not listed"),
    "unknown_unit": ("unit is not known", "units are not known"),
    "suspected_unit": ("unit is suspect", "units are suspect"),
}
MORE_OF_ANY = ("finding of this kind", "findings of this kind")


@dataclass(frozen=True, kw_only=True)
class KeyNumber:
    """One number of the summary; `low` and `high` are the bounds of the percent for the meter.

    `has_unjudged`: the number depends on patients who could not be judged, so no single percent is given.
    `link` is the anchor of the patients behind it.
    """

    title: str
    headline: str
    detail: str
    bounds: str = ""
    low: float | None = None
    high: float | None = None
    has_unjudged: bool = False
    link: str = ""


def read_cohort_size(content: ReportContent) -> str:
    """Return the number of patients with outcomes, else of the last box of the flow that is kept."""
    if content.patients:
        return format_number(content.patients)
    kept = [step.count for step in read_flow(content) if step.is_kept]
    return kept[-1] if kept else ""


def list_key_numbers(content: ReportContent) -> list[KeyNumber]:
    """Return severe occurrence and recovery, as the results give them.

    Of an occurrence the level with grade >= 3 is taken, else its first level; of recovery those recovered
    (or never below) by the reading of early deaths that the results give first. Where patients could not
    be judged, the bounds of the percent take the place of the percent.
    """
    numbers = list[KeyNumber]()
    for analysis in content.analyses:
        lookup = select_results(content.results, analysis["id"])
        if analysis["kind"] == "occurrence":
            found = {name: _occurrence(content, lookup, name) for name in lookup.variables}
        elif analysis["kind"] == "recovery":
            found = {name: _recovery(content, lookup, name) for name in lookup.variables}
        else:
            continue
        numbers += [replace(number, link=_find_patients(content, name)) for name, number in found.items()]
    return [number for number in numbers if number.headline]


def _find_patients(content: ReportContent, outcome: str) -> str:
    is_known = not content.outcomes.is_empty() and outcome in content.outcomes["outcome"]
    return patients_anchor(outcome) if is_known else ""


def _occurrence(content: ReportContent, lookup: ResultLookup, name: str) -> KeyNumber:
    levels = lookup.levels(name) or [""]
    level = next((one for one in levels if one.endswith(SEVERE)), levels[0])
    title = outcome_title(content, name)
    severe = format_level(level).lower()
    full = title if level in {"", "yes"} or severe in title.lower() else f"{title}, {severe}"
    return _key_number(lookup, name, level=level, unjudged=NOT_JUDGED, title=full)


def _recovery(content: ReportContent, lookup: ResultLookup, name: str) -> KeyNumber:
    stratum = next(iter(lookup.strata), "")
    title = outcome_title(content, name)
    reading = f", early deaths {stratum}" if stratum else ""
    level = next((one for one in GOOD_LEVELS if one in lookup.levels(name)), "recovered")
    never = lookup.value(name, "count", level=GOOD_LEVELS[-1], stratum=stratum)
    full = f"{title}: {level if never else 'recovered'}{reading}"
    return _key_number(lookup, name, level=level, unjudged=NOT_EVALUABLE, stratum=stratum, title=full)


def _key_number(
    lookup: ResultLookup, name: str, *, level: str, unjudged: str, title: str, stratum: str = ""
) -> KeyNumber:
    found = {
        scenario: lookup.counted(name, level=level, scenario=scenario, stratum=stratum)
        for scenario in ("policy", "best", "worst")
    }
    policy, best, worst = found.values()
    if policy is None:
        return KeyNumber(title=title, headline="", detail="")
    count = format_count(Counted(policy.count, policy.denominator)).replace("/", " of ")
    percents = [part.percent for part in found.values() if part is not None and part.percent is not None]
    number = KeyNumber(
        title=title,
        headline=format_percent(policy.percent) if policy.percent is not None else count,
        detail=count,
        bounds="" if best is None or worst is None else format_bounds(policy, best, worst) or "decided",
        low=min(percents, default=None),
        high=max(percents, default=None),
    )
    if not lookup.leaves_open(name, level=level, unjudged=unjudged, stratum=stratum):
        return number
    missing = lookup.count_unjudged(name, level=level, unjudged=unjudged, stratum=stratum)
    if missing == policy.denominator and not policy.count:
        return _nobody_judged(number, unjudged)
    detail = f"{count} known, {format_number(missing)} {unjudged}"
    return replace(
        number, headline=_percent_range(number) or count, detail=detail, bounds="", has_unjudged=True
    )


def _nobody_judged(number: KeyNumber, unjudged: str) -> KeyNumber:
    _, _, denominator = number.detail.partition(" of ")
    bounds = f"bounds {_percent_range(number)}" if _percent_range(number) else ""
    detail = f"{denominator} of {denominator} patients"
    return replace(number, headline=unjudged, detail=detail, bounds=bounds, has_unjudged=True)


def _percent_range(number: KeyNumber) -> str:
    """Return "48-100%", empty where the results give no bounds."""
    if number.low is None or number.high is None or not number.bounds:
        return ""
    return format_percent_range(number.low, number.high)


def list_concerns(findings: pl.DataFrame) -> list[tuple[str, str, list[str]]]:
    """Return (severity, headline, messages) of the findings, gravest first.

    Findings of one rule share a message, so that many of one kind do not push out the others.
    """
    ordered = sort_findings(findings)
    concerns = list[tuple[str, str, list[str]]]()
    for severity in SEVERITIES:
        rows = ordered.filter(pl.col("severity") == severity)
        if rows.is_empty():
            continue
        headline = f"{SEVERITY_TITLES[severity]}: {format_number(rows.height)}"
        concerns.append((severity, headline, _write_messages(rows) if severity != "info" else []))
    return concerns


def _write_messages(findings: pl.DataFrame) -> list[str]:
    """Return one message per rule: that of its first finding, and how many more there are."""
    messages = list[str]()
    for (rule,), part in findings.partition_by("rule", as_dict=True, maintain_order=True).items():
        message = clean_text(part["message"][0] or "", longest=400)
        more = part.height - 1
        one, several = MORE_OF_RULE.get(str(rule), MORE_OF_ANY)
        words = f" {format_number(more)} more {one if more == 1 else several}."
        messages.append(message + words if more else message)
    further = len(messages) - MOST_CONCERNS
    if further > 0:
        messages[MOST_CONCERNS:] = [f"{plural(further, 'further kind')} of finding in the list below."]
    return messages
