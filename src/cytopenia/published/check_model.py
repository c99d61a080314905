"""What a check of a printed number says: the verdict, the arithmetic, and what would repair it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = [
    "CANNOT_BE_CHECKED",
    "CONSISTENT",
    "INCONSISTENT",
    "ROUNDING_CONVENTION",
    "VERDICTS",
    "Check",
    "CheckVerdict",
    "Severity",
]

CheckVerdict = Literal["consistent", "rounding convention", "cannot be checked", "inconsistent"]
# The mildest first.
CONSISTENT, ROUNDING_CONVENTION, CANNOT_BE_CHECKED, INCONSISTENT = VERDICTS = get_args(CheckVerdict)

# Minor: a number is wrong in itself. Major: an estimate, a direction or a conclusion cannot be as printed.
Severity = Literal["", "minor", "major"]


@dataclass(frozen=True)
class Check:
    """One check of one claim, or of one relation between claims.

    Attributes
    ----------
    claim : str
        Id of the claim or the relation.
    check : str
        What was checked, such as "percentage of the count".
    verdict : {"consistent", "rounding convention", "cannot be checked", "inconsistent"}
    arithmetic : str
        The numbers put in and what came out, in words that a reader can follow with a pocket calculator.
    severity : {"", "minor", "major"}
        Only of what is inconsistent.
    repair : str
        The smallest change of the print that would make it right; empty if none was found or needed.
    """

    claim: str
    check: str
    verdict: CheckVerdict
    arithmetic: str
    severity: Severity = ""
    repair: str = ""
