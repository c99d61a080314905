"""Where the blocks of a study file stand in its text, and moving them without touching any other line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

__all__ = [
    "GROUPS",
    "Block",
    "copy_block",
    "edit_lines",
    "insert_block",
    "list_blocks",
    "move_block",
    "remove_block",
]

# Sections of several blocks, and the order of all sections in a file.
GROUPS = ("outcomes", "factors", "analyses")
_ORDER = ("study", "data", "cohort", *GROUPS, "printed", "report")
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*|[\[\]{}]|\n",
    re.DOTALL,
)


@dataclass(frozen=True)
class _Chunk:
    """A header with what follows it."""

    path: tuple[str, ...]
    is_array: bool
    start: int
    end: int


@dataclass(frozen=True)
class Block:
    """One section, or one entry of a group, with where it stands.

    `head` is where its header begins, `start` where the comment that belongs to it does, and `end` is behind
    its last line. `is_whole` is False where parts of it stand elsewhere in the file.
    """

    section: str
    name: str | int | None
    start: int
    head: int
    end: int
    is_whole: bool = True

    @property
    def path(self) -> tuple[str | int, ...]:
        """Its place in the content of the file."""
        return (self.section,) if self.name is None else (self.section, self.name)


def list_blocks(text: str) -> list[Block]:
    r"""Return the blocks of a study file that have a header of their own, in the order of the text.

    Parameters
    ----------
    text : str
        Valid TOML with one kind of line ends.

    Examples
    --------
    >>> [block.path for block in list_blocks("[study]\nseed = 1\n[[analyses]]\nid = 'a'\n")]
    [('study',), ('analyses', 0)]
    """
    runs: list[tuple[str, str | int | None, list[_Chunk]]] = []
    count = -1
    for chunk in _list_chunks(text):
        section, name = chunk.path[0], chunk.path[1] if len(chunk.path) > 1 else None
        if section == "analyses":
            count += len(chunk.path) == 1
            name = count
        elif section not in GROUPS:
            name = None
        if runs and runs[-1][:2] == (section, name):
            runs[-1][2].append(chunk)
        else:
            runs.append((section, name, [chunk]))
    return list(_frame(text, runs))


def _frame(text: str, runs: list[tuple[str, str | int | None, list[_Chunk]]]) -> Iterator[Block]:
    keys = [run[:2] for run in runs]
    seen: set[str] = set()
    for number, (section, name, chunks) in enumerate(runs):
        head, limit = chunks[0].start, chunks[-1].end
        # The comment above the first of a group is about the group.
        start = head if section not in seen else _find_comment(text, head)
        seen.add(section)
        is_whole = keys.count((section, name)) == 1
        if (section, name) in keys[:number]:
            continue
        yield Block(section, name, start, head, _find_end(text, head, limit), is_whole)


def _list_chunks(text: str) -> list[_Chunk]:
    heads: list[tuple[int, int]] = []
    depth, line = 0, 0
    starts = {0} if text.lstrip(" \t").startswith("[") else set[int]()
    for token in _TOKEN.finditer(text):
        found = token.group()
        if found == "\n":
            line = token.end()
            if depth == 0 and text[line:].lstrip(" \t")[:1] == "[":
                starts.add(line)
        elif found in "[{":
            if found == "[" and line in starts and not text[line : token.start()].strip():
                heads.append((line, token.start()))
                starts.discard(line)
            depth += 1
        elif found in "]}":
            depth -= 1
    ends = [*(start for start, _ in heads), len(text)][1:]
    return [_read_head(text, *head, end) for head, end in zip(heads, ends, strict=True)]


def _read_head(text: str, start: int, bracket: int, end: int) -> _Chunk:
    line = text[start:end].partition("\n")[0]
    path: list[str] = []
    table: Any = tomllib.loads(line)
    while isinstance(table, dict) and table:
        key, table = next(iter(cast("dict[str, Any]", table).items()))
        path.append(key)
    return _Chunk(tuple(path), text[bracket : bracket + 2] == "[[", start, end)


def _find_comment(text: str, head: int) -> int:
    """Where the comment lines directly above a header begin."""
    start = head
    while start:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above:start].lstrip().startswith("#"):
            break
        start = above
    return start


def _find_end(text: str, head: int, limit: int) -> int:
    """Behind the last key, and comments right below it that are not about what comes next."""
    end = head
    position = head
    for line in text[head:limit].splitlines(keepends=True):
        position += len(line)
        if line.strip() and not line.lstrip().startswith("#"):
            end = position
    rest = end
    for line in text[end:limit].splitlines(keepends=True):
        if not line.strip():
            return rest
        rest += len(line)
    return rest if limit == len(text) else end


def remove_block(text: str, block: Block) -> str:
    """Return the text without a block and one blank line beside it."""
    before, after = text[: block.start], text[block.end :]
    if after.startswith("\n"):
        after = after[1:]
    elif not after and before.endswith("\n\n"):
        before = before[:-1]
    return before + after


def copy_block(text: str, block: Block, *, name: str) -> str:
    """Return the text with a block once more below itself; headers have the new name."""
    content = text[block.head : block.end]
    if block.section != "analyses":
        for chunk in reversed(_list_chunks(content)):
            old, new = _write_head(chunk.path), _write_head((block.section, name, *chunk.path[2:]))
            line = content[chunk.start : chunk.end].replace(old, new, 1)
            content = content[: chunk.start] + line + content[chunk.end :]
    return _put(text, block.end, content)


def _write_head(path: tuple[str, ...]) -> str:
    return f"[{'.'.join(path)}]"


def insert_block(text: str, section: str, content: str) -> str:
    """Return the text with a new block behind the last one of its section, or where the section belongs."""
    blocks = list_blocks(text)
    before = [block for block in blocks if block.section in _ORDER[: _ORDER.index(section) + 1]]
    own = [block for block in before if block.section == section]
    top = min((block.start for block in blocks), default=len(text))
    latest = max((block.end for block in own or before), default=top)
    return _put(text, latest, content)


def _put(text: str, place: int, content: str) -> str:
    before, after = text[:place], text[place:]
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    behind = "\n" if after and not after.startswith("\n") else ""
    return f"{before}{gap}{content.rstrip(chr(10))}\n{behind}{after}"


def move_block(text: str, block: Block, other: Block) -> str:
    """Return the text with two blocks in each other's place; what stands between them stays."""
    first, second = sorted((block, other), key=lambda item: item.start)
    one, two = text[first.start : first.end], text[second.start : second.end]
    # The last line of a file may have no end.
    if not two.endswith("\n"):
        one, two = one.removesuffix("\n"), f"{two}\n"
    return text[: first.start] + two + text[first.end : second.start] + one + text[second.end :]


def edit_lines(text: str, edit: Callable[[str], str]) -> str:
    r"""Return what `edit` makes of a text with plain line ends; a mark in front and the line ends are kept.

    Examples
    --------
    >>> edit_lines("a = 1\r\n", lambda plain: plain + "b = 2\n")
    'a = 1\r\nb = 2\r\n'
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    plain = text.removeprefix(mark)
    is_windows = "\r\n" in plain and plain.count("\r\n") == plain.count("\n")
    edited = edit(plain.replace("\r\n", "\n") if is_windows else plain)
    return mark + (edited.replace("\n", "\r\n") if is_windows else edited)
