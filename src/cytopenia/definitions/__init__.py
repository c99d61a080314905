"""Definitions as data: load the files, check them, say what they mean."""

from __future__ import annotations

from cytopenia.definitions.changes import GradeChange, TermChange, list_changes, match_parts
from cytopenia.definitions.describe import describe_definition, list_rules, say_rule
from cytopenia.definitions.library import Library, load_definition, load_library

__all__ = [
    "GradeChange",
    "Library",
    "TermChange",
    "describe_definition",
    "list_changes",
    "list_rules",
    "load_definition",
    "load_library",
    "match_parts",
    "say_rule",
]
