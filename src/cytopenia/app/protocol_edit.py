"""Changes of keys in the text of a study file: what is not changed stays byte for byte."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, cast

from cytopenia.app.protocol_blocks import GROUPS, Block, edit_lines, insert_block, list_blocks
from cytopenia.errors import ProtocolError
from cytopenia.forms import parse_toml

__all__ = [
    "ABSENT",
    "Change",
    "Path",
    "UnchangeableError",
    "apply_changes",
    "parse_text",
    "require_content",
    "write_value",
]

Path = tuple[str | int, ...]
# Not None: TOML has no such value, and a key that is not there is not one without a value.
ABSENT: Any = object()
_LONGEST_LINE = 100


class UnchangeableError(Exception):
    """The file is written in a way in which this change cannot be made without touching more."""


@dataclass(frozen=True)
class Change:
    """A key and what it shall be; `ABSENT` takes it away."""

    path: Path
    value: Any


def parse_text(text: str) -> dict[str, Any]:
    r"""Return the content of a study file.

    Raises
    ------
    ProtocolError
        It is none.

    Examples
    --------
    >>> parse_text("[study]\nseed = 1\n")
    {'study': {'seed': 1}}
    """
    return parse_toml(text.encode(), name="study.toml", error=ProtocolError)


def write_value(value: Any) -> str:
    r"""Return a value as it stands in a file, in one line.

    Examples
    --------
    >>> write_value({"terms": ["anc", 'a "b"'], "p": 0.05})
    '{ terms = ["anc", "a \\"b\\""], p = 0.05 }'
    """
    import tomlkit

    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value).items()
        inner = ", ".join(f"{tomlkit.key(key).as_string()} = {write_value(item)}" for key, item in entries)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(write_value, cast('list[Any]', value)))}]"
    item: Any = cast("Any", tomlkit).item(value)
    return str(item.as_string())


def apply_changes(text: str, changes: Sequence[Change]) -> str:
    r"""Return the text with the keys changed; comments, order and every other line are as before.

    Parameters
    ----------
    text : str
        Valid TOML.
    changes : sequence of Change
        A section or a table inside a key that is not there is made; one inside a key that loses its last
        entry goes with it.

    Raises
    ------
    UnchangeableError
        What would come out is not the old content with just these changes.

    Examples
    --------
    >>> print(apply_changes("[study]\nseed = 1  # drawn\n", [Change(("study", "seed"), 2)]))
    [study]
    seed = 2  # drawn
    <BLANKLINE>
    """
    expected = parse_text(text)
    for change in changes:
        expected = _change_content(expected, change, fixed=_count_fixed(change.path))
    changed = edit_lines(text, lambda plain: reduce(_change_text, changes, plain))
    require_content(changed, expected)
    return changed


def require_content(text: str, expected: Mapping[str, Any]) -> None:
    """Raise unless a text has the content that it shall have, its entries in that order.

    Raises
    ------
    UnchangeableError
        It has another one, or is no valid file.
    """
    try:
        found = parse_text(text)
    except ProtocolError as cause:
        raise UnchangeableError from cause
    in_order = all(_list_keys(found, section) == _list_keys(expected, section) for section in GROUPS)
    if found != expected or not in_order:
        raise UnchangeableError


def _list_keys(content: Mapping[str, Any], section: str) -> list[str]:
    found = content.get(section)
    return list(cast("dict[str, Any]", found)) if isinstance(found, dict) else []


def _change_content(content: dict[str, Any], change: Change, *, fixed: int) -> dict[str, Any]:
    """The content that the file shall have; of what is left empty, all but the first `fixed` tables go."""
    changed = copy.deepcopy(content)
    *above, key = change.path
    tables: list[Any] = [changed]
    for name in above:
        inner = tables[-1]
        if isinstance(inner, dict) and name not in inner:
            if change.value is ABSENT:
                return changed
            inner[name] = {}
        tables.append(inner[name])
    if change.value is not ABSENT:
        tables[-1][key] = change.value
        return changed
    tables[-1].pop(key, None)
    for depth in range(len(above), fixed, -1):
        if tables[depth] == {}:
            del tables[depth - 1][above[depth - 1]]
    return changed


def _count_fixed(path: Path) -> int:
    """How many tables of a path stay when they are empty: a section, and an entry of a group.

    A paper that is not named leaves no section behind, which would ask for one.
    """
    if path[0] == "printed":
        return 0
    return 2 if path[0] in ("outcomes", "factors", "analyses") else 1


def _change_text(text: str, change: Change) -> str:
    found = _find_fragment(text, change.path)
    if found is None:
        if change.value is ABSENT:
            return text
        section, *inner = map(str, change.path)
        content = write_value(change.value)
        return insert_block(text, section, f"[{section}]\n{'.'.join(inner)} = {content}\n")
    start, end, inside = found
    fragment = _change_fragment(text[start:end], inside, change)
    if not fragment and text[:start].endswith("\n\n"):
        end += text[end : end + 1] == "\n"
    return text[:start] + fragment + text[end:]


def _find_fragment(text: str, path: Path) -> tuple[int, int, Path] | None:
    """The part of the text that holds a key, and the path of the key within it."""
    blocks = list_blocks(text)
    own = max(
        (block for block in blocks if path[: len(block.path)] == block.path),
        key=lambda block: len(block.path),
        default=None,
    )
    if own is not None:
        inside = ("analyses", 0, *path[2:]) if own.path[0] == "analyses" else path
        return own.head, own.end, inside
    top = _measure_top(text, blocks)
    return (0, top, path) if path[0] in parse_text(text[:top]) else None


def _measure_top(text: str, blocks: Iterable[Block]) -> int:
    return min((block.start for block in blocks), default=len(text))


def _change_fragment(fragment: str, path: Path, change: Change) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    document: Any = tomlkit.parse(fragment)
    try:
        _change_table(document, path, change.value, fixed=_count_fixed(path) + len(path) - len(change.path))
    except (TOMLKitError, KeyError, IndexError, TypeError) as cause:
        raise UnchangeableError(".".join(map(str, change.path))) from cause
    written = tomlkit.dumps(document)
    return written if fragment.endswith("\n") else written.removesuffix("\n")


def _change_table(table: Any, path: Path, value: Any, *, fixed: int) -> None:
    """Change a key below a table; of what is left empty, all but the first `fixed` tables go."""
    from tomlkit.items import InlineTable

    name, *below = path
    if not below:
        if value is not ABSENT:
            _set_key(table, name, value)
        elif name in table:
            del table[name]
        return
    inner = table.get(name) if isinstance(name, str) else table[name]
    if inner is not None and not isinstance(inner, InlineTable):
        _change_table(inner, tuple(below), value, fixed=fixed - 1)
        if fixed < 1 and not len(inner):
            del table[name]
        return
    # What stands in braces is one line, and is written anew.
    content: Any = {} if inner is None else inner.unwrap()
    changed = _change_content({"x": content}, Change(("x", *below), value), fixed=max(fixed, 0))
    if "x" in changed:
        _set_key(table, name, changed["x"])
    elif name in table:
        del table[name]


def _set_key(table: Any, key: str | int, value: Any) -> None:
    import tomlkit
    from tomlkit.items import Array, Table

    old = _find_item(table, key)
    if isinstance(old, Array) and isinstance(value, list) and _change_list(old, cast("list[Any]", value)):
        return
    written = write_value(value)
    item: Any = tomlkit.parse(f"x = {written}\n")["x"]
    if isinstance(item, Array) and len(f"{key} = {written}") > _LONGEST_LINE:
        item.multiline(multiline=True)
    if isinstance(old, Table):
        # A table with a header of its own becomes a key, which must stand above all such tables.
        del table[key]
    table[key] = item
    if getattr(getattr(old, "trivia", None), "comment", ""):
        room = len(old.trivia.comment_ws) + len(old.as_string()) - len(written)
        _find_item(table, key).trivia.comment_ws = " " * max(room, 1)


def _find_item(table: Any, key: str | int) -> Any:
    """What a key holds with its comment, which a truth value that is asked for by its key has lost."""
    if key not in table and isinstance(key, str):
        return None
    return table.item(key) if hasattr(table, "item") else table[key]


def _change_list(old: Any, new: list[Any]) -> bool:
    """Take out and append entries, so that a list of several lines keeps them; False where order changes."""
    before: list[Any] = old.unwrap()
    kept = [item for item in before if item in new]
    if len(set(map(repr, before))) < len(before) or new[: len(kept)] != kept:
        return False
    for place in range(len(before) - 1, -1, -1):
        if before[place] not in new:
            del old[place]
    for item in new[len(kept) :]:
        old.append(item)
    return bool(old.unwrap() == new)
