"""Parts of the page of `check` for other pages: tables as HTML, and the findings put in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from cytopenia.contract.data_quality import DataQuality, Reading
from cytopenia.report.content import SEVERITIES, sort_findings
from cytopenia.report.display import clean_text
from cytopenia.report.page_frame import load_page
from cytopenia.report.quality_tables import table_covered, table_tables, table_units, table_weeks
from cytopenia.report.table_model import Table

__all__ = ["RuleFindings", "list_rules", "render_coverage", "render_reading"]

MOST_MESSAGES = 5


@dataclass(frozen=True)
class RuleFindings:
    """The findings of one rule: how many, the first in words, how many more."""

    severity: str
    rule: str
    count: int
    messages: tuple[str, ...]

    @property
    def more(self) -> int:
        """How many are not told in words."""
        return self.count - len(self.messages)


def list_rules(findings: pl.DataFrame) -> dict[str, list[RuleFindings]]:
    """Return the findings by severity and rule, gravest first; every severity is there."""
    ordered = sort_findings(findings)
    return {name: list(_group(ordered.filter(pl.col("severity") == name), name)) for name in SEVERITIES}


def _group(findings: pl.DataFrame, severity: str) -> Iterator[RuleFindings]:
    for (rule,), part in findings.partition_by("rule", as_dict=True, maintain_order=True).items():
        messages = tuple(clean_text(text or "", longest=500) for text in part["message"].head(MOST_MESSAGES))
        yield RuleFindings(severity, str(rule), part.height, messages)


def render_reading(reading: Reading) -> str:
    """Return as HTML how many rows and patients were read, and in which units; safe for any text inside."""
    return _render([table_tables(reading), table_units(reading)])


def render_coverage(quality: DataQuality) -> str:
    """Return as HTML the patient-days of each lineage by state, and by week; safe for any text inside."""
    return _render([table_covered(quality), table_weeks(quality)])


def _render(tables: Sequence[Table]) -> str:
    return load_page("quality_parts.html", tables=[table for table in tables if table.rows])
