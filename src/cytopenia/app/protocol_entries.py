"""Whole entries of a study file: an outcome, a factor or an analysis added, taken out, copied or moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from cytopenia.app.protocol_blocks import (
    Block,
    copy_block,
    edit_lines,
    insert_block,
    list_blocks,
    move_block,
    remove_block,
)
from cytopenia.app.protocol_edit import (
    Change,
    UnchangeableError,
    apply_changes,
    parse_text,
    require_content,
    write_value,
)

__all__ = ["add_entry", "copy_entry", "list_names", "move_entry", "name_copy", "remove_entry"]


def add_entry(text: str, section: str, *, name: str, keys: Mapping[str, Any]) -> str:
    r"""Return the text with one more entry behind the others of its section.

    Raises
    ------
    UnchangeableError
        The section stands in the file in another form than under headers.

    Examples
    --------
    >>> print(
    ...     add_entry("[study]\nseed = 1\n", "outcomes", name="low", keys={"definition": "ctcae_v5.anemia"})
    ... )
    [study]
    seed = 1
    <BLANKLINE>
    [outcomes.low]
    definition = "ctcae_v5.anemia"
    <BLANKLINE>
    """
    is_listed = section == "analyses"
    head = "[[analyses]]" if is_listed else f"[{section}.{name}]"
    given = {"id": name, **keys} if is_listed else dict(keys)
    lines = [head, *(f"{key} = {write_value(value)}" for key, value in given.items())]
    content = parse_text(text)
    if not isinstance(content.get(section, [] if is_listed else {}), list if is_listed else dict):
        raise UnchangeableError
    if is_listed:
        expected = {**content, section: [*content.get(section, []), given]}
    else:
        expected = {**content, section: {**content.get(section, {}), name: given}}
    changed = edit_lines(text, lambda plain: insert_block(plain, section, "\n".join(lines)))
    require_content(changed, expected)
    return changed


def remove_entry(text: str, section: str, place: int) -> str:
    """Return the text without an entry; a comment above the first one of a section stays.

    Raises
    ------
    UnchangeableError
        The entry has no header of its own, or its parts stand in several places.
    """
    content = parse_text(text)
    entries = _list_entries(content, section)
    del entries[place]
    changed = edit_lines(text, lambda plain: remove_block(plain, _find_block(plain, section, place)))
    require_content(changed, _with_entries(content, section, entries))
    return changed


def copy_entry(text: str, section: str, place: int, *, name: str) -> str:
    """Return the text with a copy of an entry below it, under another name.

    Raises
    ------
    UnchangeableError
        As `remove_entry`.
    """
    content = parse_text(text)
    entries = _list_entries(content, section)
    if not isinstance(entries[place][1], dict):
        raise UnchangeableError
    copied: dict[str, Any] = entries[place][1]
    if section == "analyses":
        copied = {**copied, "id": name}
    entries.insert(place + 1, (name, copied))
    changed = edit_lines(text, lambda plain: copy_block(plain, _find_block(plain, section, place), name=name))
    if section == "analyses":
        changed = apply_changes(changed, [Change((section, place + 1, "id"), name)])
    require_content(changed, _with_entries(content, section, entries))
    return changed


def move_entry(text: str, section: str, place: int, *, other: int) -> str:
    """Return the text with two entries in each other's place.

    Raises
    ------
    UnchangeableError
        As `remove_entry`.
    """
    content = parse_text(text)
    entries = _list_entries(content, section)
    entries[place], entries[other] = entries[other], entries[place]
    changed = edit_lines(
        text,
        lambda plain: move_block(
            plain, _find_block(plain, section, place), _find_block(plain, section, other)
        ),
    )
    require_content(changed, _with_entries(content, section, entries))
    return changed


def name_copy(text: str, section: str, place: int) -> str:
    """Return a name for a copy that no entry of the section has."""
    taken = list_names(parse_text(text), section)
    own = taken[place] or "analysis"
    number = 2
    while f"{own}_{number}" in taken:
        number += 1
    return f"{own}_{number}"


def list_names(content: Mapping[str, Any], section: str) -> list[str]:
    """Return the name of each entry of a section, "" where it has none.

    Examples
    --------
    >>> list_names({"analyses": [{"id": "table1"}, {}]}, "analyses")
    ['table1', '']
    """
    if not isinstance(content.get(section), dict | list):
        return []
    names: list[str] = []
    for name, table in _list_entries(content, section):
        own = cast("dict[str, Any]", table).get("id", "") if isinstance(table, dict) else ""
        names.append(name if isinstance(name, str) else str(own))
    return names


def _find_block(text: str, section: str, place: int) -> Block:
    name = _list_entries(parse_text(text), section)[place][0]
    for block in list_blocks(text):
        if block.path == (section, name) and block.is_whole:
            return block
    raise UnchangeableError


def _list_entries(content: Mapping[str, Any], section: str) -> list[tuple[str | int, Any]]:
    found = content[section]
    if isinstance(found, dict):
        return list(cast("dict[str, Any]", found).items())
    return list(enumerate(cast("list[Any]", found)))


def _with_entries(
    content: Mapping[str, Any], section: str, entries: list[tuple[str | int, Any]]
) -> dict[str, Any]:
    """The content with other entries; a section without any is not there."""
    rest = {name: table for name, table in content.items() if name != section}
    if not entries:
        return rest
    is_listed = section == "analyses"
    return {**rest, section: [table for _, table in entries] if is_listed else dict(entries)}
