"""The section [data] of a study file as text that is being changed: lines that hold, lines that are open.

The text is the whole state. An open line is a comment that a proposal wrote ("# key = value  # ask: why").
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable

from cytopenia.errors import ProtocolError
from cytopenia.forms import parse_toml
from cytopenia.readers.proposal_parts import Line

__all__ = [
    "Draft",
    "Edit",
    "OpenLine",
    "Slot",
    "as_table",
    "change_draft",
    "find_slot",
    "replace_data",
    "take_data",
]

_HEADER = re.compile(r"^\s*\[\s*data(?P<parts>(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"))*)\s*\]\s*(?:#.*)?$")
# Any heading of a table, and one of [data] or of what stands below it.
_HEAD = re.compile(r"^\s*\[\[?[^\[\]]+\]\]?\s*(?:#.*)?$")
_DATA = re.compile(r"^\s*\[\[?\s*data\s*[.\]]")
_TOP = re.compile(r"^\s*\[\s*data\s*\]\s*(?:#.*)?$")
_MARK = "# ask: "
_HINT = "# No run starts while a question stands here."
_CHOSEN = "chosen by hand"

# The table, the part of it, and what the line is about: a column of the file, a word, an analyte, or a key.
Slot = tuple[str, str, str]


def find_slot(table: str, line: Line) -> Slot:
    """Return what a line of a proposal is about."""
    return table, line.section, _find_subject(line.section, line.key, line.value)


def _find_subject(section: str, key: str, value: object) -> str:
    if section == "columns":
        return str(value)
    if section == "wide" and isinstance(value, dict):
        return str(cast("dict[str, object]", value).get("column", key))
    return key


@dataclass(frozen=True)
class OpenLine:
    """A line that waits for an answer; `place` is its number in the text."""

    slot: Slot
    key: str
    value: Any
    why: str
    place: int


@dataclass(frozen=True)
class Edit:
    """A value for a path below [data], such as ("labs", "wide", "anc"); None takes it away."""

    path: tuple[str, ...]
    value: Any


@dataclass(frozen=True)
class Draft:
    """The text of [data], with what stands in it.

    Raises
    ------
    ProtocolError
        When it is read and is no TOML, or holds more than [data].
    """

    text: str

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """What the text says, as plain values."""
        content = _read(self.text, "[data]")
        if set(content) - {"data"} or not isinstance(content.get("data", {}), dict):
            raise ProtocolError("The text holds more than [data]. Keep to [data] and what stands below it.")
        return content.get("data", {})

    @cached_property
    def open_lines(self) -> tuple[OpenLine, ...]:
        """The lines that wait for an answer."""
        found: list[OpenLine] = []
        place_of = ("", "")
        for place, text in enumerate(self.text.splitlines()):
            if header := _HEADER.match(text):
                place_of = _read_header(header["parts"])
            elif text.startswith("# ") and (line := _read_open(text, place, place_of)) is not None:
                found.append(line)
        return tuple(found)

    @property
    def open_slots(self) -> frozenset[Slot]:
        """What the open lines are about."""
        return frozenset(line.slot for line in self.open_lines)

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions that stop every command until they are taken away."""
        given = self.data.get("questions", [])
        return tuple(str(one) for one in cast("list[object]", given)) if isinstance(given, list) else ()

    def table(self, name: str) -> Mapping[str, Any]:
        """Return what stands under [data.NAME]."""
        return as_table(self.data.get(name))

    def part(self, name: str, section: str) -> Mapping[str, Any]:
        """Return what stands under [data.NAME.SECTION]."""
        return as_table(self.table(name).get(section))

    def find_open(self, slot: Slot) -> OpenLine | None:
        """Return the open line about something."""
        return next((line for line in self.open_lines if line.slot == slot), None)


def as_table(value: object) -> Mapping[str, Any]:
    """Return a value that is a table of TOML, else an empty one.

    Examples
    --------
    >>> as_table({"unit": "g/L"}), as_table("g/L")
    ({'unit': 'g/L'}, {})
    """
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _read_header(parts: str) -> tuple[str, str]:
    names = re.findall(r"[A-Za-z0-9_-]+|\"[^\"]*\"", parts)
    table, section, *_ = (*names, "", "")
    return table, section


def _read_open(text: str, place: int, place_of: tuple[str, str]) -> OpenLine | None:
    """An open line; its mark may stand in a text of the line itself, so the first that leaves TOML counts."""
    start = text.find(_MARK)
    while start > 0:
        try:
            content = _read(text[2:start], "an open line")
        except ProtocolError:
            start = text.find(_MARK, start + 1)
            continue
        if len(content) != 1:
            return None
        key, value = next(iter(content.items()))
        table, section = place_of
        slot = (table, section, _find_subject(section, key, value))
        return OpenLine(slot, key, value, text[start + len(_MARK) :].strip(), place)
    return None


def change_draft(
    draft: Draft, edits: Sequence[Edit], *, answered: Iterable[Slot] = (), settled: Iterable[str] = ()
) -> Draft:
    """Return the draft with values set or taken away, open lines answered, and questions settled.

    Every other line and comment stays as it is.

    Parameters
    ----------
    draft
    edits
    answered
        What open lines were about; these lines go.
    settled
        Questions that go.
    """
    # Reading comes first: a text that is no TOML is told by its line.
    left = [text for text in draft.questions if text not in set(settled)]
    gone = {line.place for line in draft.open_lines if line.slot in set(answered)}
    lines = [text for place, text in enumerate(draft.text.splitlines()) if place not in gone]
    for edit in edits:
        _insert_on_top(lines, draft, edit)
    document = _parse("\n".join([*lines, ""]))
    if "data" not in document:
        document["data"] = tomlkit.table()
    data: Any = document["data"]
    for edit in edits:
        _set(data, edit.path, edit.value)
    text = document.as_string()
    if len(left) < len(draft.questions):
        text = _write_questions(document, data, left)
    return Draft(text)


def _insert_on_top(lines: list[str], draft: Draft, edit: Edit) -> None:
    """A new key of [data] itself goes under its heading, before the comments on the tables."""
    key = edit.path[0]
    headings = [place for place, text in enumerate(lines) if _TOP.match(text)]
    if len(edit.path) == 1 and edit.value is not None and key not in draft.data and headings:
        written = tomlkit.dumps({key: edit.value})
        lines.insert(headings[0] + 1, written.rstrip("\n"))


def _set(table: Any, path: tuple[str, ...], value: Any) -> None:
    *above, key = path
    for name in above:
        if name not in table:
            if value is None:
                return
            table[name] = tomlkit.table()
        table = table[name]
    if value is None:
        table.pop(key, None)
        return
    table[key] = _make_value(value)
    if not isinstance(table, InlineTable):
        table[key].comment(_CHOSEN)


def _make_value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inline: Any = tomlkit.inline_table()
    inline.update(cast("dict[str, Any]", value))
    return inline


def _write_questions(document: Any, data: Any, left: Sequence[str]) -> str:
    if not left:
        data.pop("questions")
        text: str = document.as_string()
        return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(_HINT))
    array: Any = tomlkit.array()
    array.extend(left)
    data["questions"] = array.multiline(multiline=True)
    return document.as_string()


def take_data(text: str) -> Draft:
    r"""Return the section [data] of a study file, with its comments.

    Raises
    ------
    ProtocolError
        The text is no TOML.

    Examples
    --------
    >>> take_data('[study]\ntitle = "A"\n\n[data]\nfolder = "."\n').text
    '[data]\nfolder = "."\n'
    """
    content = _read(text, "study.toml")
    if "data" not in content:
        return Draft('[data]\nfolder = "."\n')
    _, own, _ = _cut_out(text)
    if own and _loads(own) == {"data": content["data"]}:
        return Draft(own)
    document = tomlkit.document()
    document["data"] = _parse(text)["data"]
    return Draft(document.as_string())


def _cut_out(text: str) -> tuple[str, str, str]:
    """The lines before, of and after [data], where these follow one another; else nothing in the middle."""
    lines = text.splitlines(keepends=True)
    heads = [(place, _DATA.match(line) is not None) for place, line in enumerate(lines) if _HEAD.match(line)]
    own = [number for number, (_, is_data) in enumerate(heads) if is_data]
    if not own or own[-1] - own[0] + 1 != len(own):
        return text, "", ""
    start = heads[own[0]][0]
    stop = _leave_remark(lines, heads[own[-1] + 1][0]) if own[-1] + 1 < len(heads) else len(lines)
    return "".join(lines[:start]), "".join(lines[start:stop]), "".join(lines[stop:])


def _leave_remark(lines: Sequence[str], stop: int) -> int:
    """A remark right above the next heading, with a blank line over it, is about what follows."""
    first = stop
    while first > 0 and lines[first - 1].startswith("#"):
        first -= 1
    return first if not lines[first - 1].strip() else stop


def replace_data(text: str, draft: Draft) -> str:
    r"""Return a study file whose section [data] is that of the draft; everything else stays as it is.

    Raises
    ------
    ProtocolError
        One of the texts is no TOML, or [data] is scattered over the file in a way that cannot be replaced.

    Examples
    --------
    >>> print(replace_data('[data]\nfolder = "."\n\n[cohort]\n', Draft('[data]\nfolder = "x"\n')))
    [data]
    folder = "x"
    <BLANKLINE>
    [cohort]
    <BLANKLINE>
    """
    content = _read(text, "study.toml")
    wanted = {**content, "data": dict(draft.data)}
    own = draft.text.strip("\n")
    before, old, after = _cut_out(text)
    blank = old[len(old.rstrip("\n")) :] or "\n"
    written = "".join([before, own, blank, after]) if old else ""
    # Lines were cut by their look; what came of it is believed only after it was read again.
    if _loads(written) == wanted:
        return written
    document = _parse(text)
    new = _parse(f"{own}\n\n")
    document["data"] = new["data"] if "data" in new else tomlkit.table()
    written = document.as_string()
    if _loads(written) != wanted:
        raise ProtocolError(
            "[data] of the study file stands in several places, so that it cannot be replaced here. "
            "Write it into the study file by hand."
        )
    return written


def _read(text: str, name: str) -> dict[str, Any]:
    return parse_toml(text.encode("utf-8", errors="replace"), name=name, error=ProtocolError)


def _loads(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def _parse(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except (TOMLKitError, RecursionError) as cause:
        raise ProtocolError(f"The study file is no valid TOML: {cause}. Correct it.") from cause
