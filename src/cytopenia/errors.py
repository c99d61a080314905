"""Every exception the package raises on purpose, and the exit code the command gives for it.

CytopeniaError                 1
├── DataError (ValueError)    10   the tables cannot be used as they are
│   └── MissingColumnError    10   a column that is needed is absent
├── UnitError (ValueError)    11   a unit is not in the reviewed table
├── DefinitionError           12   a definition file is wrong or a definition is unknown
├── ProtocolError             13   the study file is wrong
├── ReaderError               14   a file cannot be read
└── OutputError               15   the results cannot be written

Wrong use raises one of these. Wrong data becomes findings. Not estimable becomes a result row.
Anything else that escapes is a defect of the package and shows its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

__all__ = [
    "CytopeniaError",
    "DataError",
    "DefinitionError",
    "MissingColumnError",
    "OutputError",
    "ProtocolError",
    "ReaderError",
    "UnitError",
    "join_problems",
    "suggest_name",
]


class CytopeniaError(Exception):
    """Base of every error that a user can cause and repair.

    Attributes
    ----------
    exit_code : int
        What the command returns to the shell.
    """

    exit_code = 1


class DataError(CytopeniaError, ValueError):
    """The tables cannot be used as they are."""

    exit_code = 10


class MissingColumnError(DataError):
    """A column that is needed is absent."""


class UnitError(CytopeniaError, ValueError):
    """A unit is not in the reviewed table."""

    exit_code = 11


class DefinitionError(CytopeniaError):
    """A definition file is wrong, or a definition is unknown."""

    exit_code = 12


class ProtocolError(CytopeniaError):
    """The study file is wrong."""

    exit_code = 13


class ReaderError(CytopeniaError):
    """A file cannot be read."""

    exit_code = 14


class OutputError(CytopeniaError):
    """The results cannot be written."""

    exit_code = 15


def suggest_name(name: str, allowed: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the nearest allowed name, or an empty string.

    Examples
    --------
    >>> suggest_name("ctcae4", ["ctcae_v4", "ctcae_v5"])
    " (did you mean 'ctcae_v4'?)"
    >>> suggest_name("zzz", ["ctcae_v4"])
    ''
    """
    near = get_close_matches(name, list(allowed), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def join_problems(title: str, problems: Sequence[str]) -> str:
    """Return one message that lists every problem under a title.

    Examples
    --------
    >>> print(join_problems("study.toml: 2 problems", ["first", "second"]))
    study.toml: 2 problems
      - first
      - second
    """
    return "\n".join([title, *(f"  - {problem}" for problem in problems)])
