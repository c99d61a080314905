"""The contract: six tables, what a file may give, what the package works with, and what was found in them."""

from cytopenia.contract.finding_rules import RULES, FindingRule
from cytopenia.contract.findings import (
    FINDING_SCHEMA,
    OF_WHOLE_COHORTS,
    Finding,
    collect_findings,
    leave_out,
    merge_findings,
    note,
    note_rows,
)
from cytopenia.contract.labs import prepare_labs
from cytopenia.contract.prepare import check_tables, prepare_tables, require_findings, require_tables
from cytopenia.contract.schemas import (
    EVENT_KINDS,
    RESPONSES,
    SUPPORT_KINDS,
    TABLES,
    ColumnRule,
    Extraction,
    TableRule,
    Tables,
    TextFormat,
    empty_table,
)

__all__ = [
    "EVENT_KINDS",
    "FINDING_SCHEMA",
    "OF_WHOLE_COHORTS",
    "RESPONSES",
    "RULES",
    "SUPPORT_KINDS",
    "TABLES",
    "ColumnRule",
    "Extraction",
    "Finding",
    "FindingRule",
    "TableRule",
    "Tables",
    "TextFormat",
    "check_tables",
    "collect_findings",
    "empty_table",
    "leave_out",
    "merge_findings",
    "note",
    "note_rows",
    "prepare_labs",
    "prepare_tables",
    "require_findings",
    "require_tables",
]
