"""The proposal for a mapping as text of a study file: lines with evidence, what is doubtful as comments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from cytopenia.readers.proposal import Proposal, TableProposal
from cytopenia.readers.proposal_parts import Line, Value

__all__ = ["write_data_section", "write_value"]

_WIDTH = 60
_QUESTIONS = (
    "# No run starts while a question stands here. Answer each in the lines beneath, and take it away.",
    "questions = [",
)
_SECTIONS = ("", "columns", "kinds", "analytes", "units", "default_units", "wide", "days")
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_CONTROL = re.compile(r'[\x00-\x1f\x7f"\\]')
_BARE = re.compile(r"^[A-Za-z0-9_-]+$")


def write_data_section(proposal: Proposal) -> str:
    """Return the section [data] of a study file."""
    lines = ["[data]", 'folder = "."']
    if proposal.questions:
        asked = (f"  {write_value(question)}," for question in proposal.questions)
        lines += [*_QUESTIONS, *asked, "]"]
    for note in proposal.notes:
        lines += _comment(note)
    for table in proposal.tables:
        lines += ["", *_write_table(table)]
    return "\n".join([*lines, ""])


def write_value(value: Value) -> str:
    r"""Return a value as TOML writes it.

    Examples
    --------
    >>> print(write_value({"column": 'Hb "new"', "unit": "g/dL"}))
    { column = "Hb \"new\"", unit = "g/dL" }
    """
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return (
            "{ "
            + ", ".join(f"{_write_key(str(key))} = {write_value(item)}" for key, item in value.items())
            + " }"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(write_value(item) for item in value) + "]"
    return f'"{_escape(value)}"'


def _escape(text: str) -> str:
    # A lone surrogate, which no TOML file can hold, stands for a byte that was no text.
    text = text.encode("utf-8", errors="replace").decode("utf-8")
    return _CONTROL.sub(lambda found: _ESCAPES.get(found.group(), f"\\u{ord(found.group()):04X}"), text)


def _write_key(key: str) -> str:
    return key if _BARE.match(key) else write_value(key)


def _comment(text: str) -> list[str]:
    """A comment, free of what a line cannot hold."""
    return [f"# {_flatten(text)}"]


def _flatten(text: str) -> str:
    plain = " ".join(re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", " ", text).split())
    return plain.encode("utf-8", errors="replace").decode("utf-8")


def _write_table(table: TableProposal) -> list[str]:
    written = [*_comment(f"{table.table}: {table.origin}: {table.why}."), f"[data.{table.table}]"]
    ordered = sorted(table.lines, key=lambda line: _SECTIONS.index(line.section))
    for section, lines in groupby(ordered, key=lambda line: line.section):
        if section:
            written += ["", f"[data.{table.table}.{section}]"]
        written += _write_lines([*lines])
    return written


def _write_lines(lines: Sequence[Line]) -> list[str]:
    """One line each; of several for one key the later ones are comments, since TOML knows a key once."""
    taken: set[str] = set()
    written: list[str] = []
    for line in lines:
        is_open = line.is_open or line.key in taken
        if not is_open:
            taken.add(line.key)
        text = f"{'# ' if is_open else ''}{_write_key(line.key)} = {write_value(line.value)}"
        ask = "ask: " if line.is_open else ""
        written.append(f"{text.ljust(_WIDTH)}  # {ask}{_flatten(line.why)}")
    return written
