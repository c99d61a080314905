"""A rule of what can be doubtful in the data."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FindingRule"]


@dataclass(frozen=True)
class FindingRule:
    """Severity, the column it usually concerns, and what the user can do."""

    severity: str
    column: str | None
    advice: str
