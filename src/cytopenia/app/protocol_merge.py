"""Two texts made from one study file become one, key by key, so that neither takes back the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from cytopenia.app.protocol_blocks import GROUPS
from cytopenia.app.protocol_edit import ABSENT, Change, Path, UnchangeableError, apply_changes, parse_text
from cytopenia.app.protocol_entries import add_entry, list_names, remove_entry

__all__ = ["Clash", "Merged", "merge_texts"]

_LISTED = "analyses"
_ENTRY = 2


@dataclass(frozen=True)
class Clash:
    """A key that both have changed, each to another value; an entry is named, also one of a list."""

    path: Path
    here: Any
    there: Any


@dataclass(frozen=True)
class Merged:
    """A text with the changes of both; of a key that both have changed it holds what was chosen here."""

    text: str
    clashes: tuple[Clash, ...]


def merge_texts(origin: str, here: str, there: str) -> Merged | None:
    r"""Return the text `there` with what `here` changed of `origin`.

    None where that cannot be said key by key: entries were put into another order, two have one name, or the
    file is written in a way that keeps a change out.

    Parameters
    ----------
    origin, here, there : str
        Valid TOML.

    Examples
    --------
    >>> merged = merge_texts("[study]\nseed = 1\n", "[study]\nseed = 2\n", "[study]\nseed = 1  # drawn\n")
    >>> merged.text
    '[study]\nseed = 2  # drawn\n'
    """
    contents = [parse_text(text) for text in (origin, here, there)]
    named = _name_entries(*contents)
    if named is None:
        return None
    before, mine, theirs = named
    changes = list(_compare(before, mine, ()))
    clashes = [_find_clash(change, before, theirs) for change in changes]
    try:
        text = _apply(there, changes, theirs)
    except (UnchangeableError, KeyError, IndexError, ValueError):
        return None
    return Merged(text, tuple(clash for clash in clashes if clash is not None))


def _name_entries(
    origin: dict[str, Any], here: dict[str, Any], there: dict[str, Any]
) -> list[dict[str, Any]] | None:
    """The three contents with the entries of the list by name; one named anew here keeps its old one."""
    for section in GROUPS:
        lists = [list_names(content, section) for content in (origin, here, there)]
        if any(len(set(names)) < len(names) for names in lists):
            return None
        before, mine, _ = lists
        if [name for name in before if name in mine] != [name for name in mine if name in before]:
            return None
    named: list[dict[str, Any]] = []
    old = list_names(origin, _LISTED)
    for content in (origin, here, there):
        entries: Any = content.get(_LISTED, [])
        if not isinstance(entries, list):
            return None
        names = list_names(content, _LISTED)
        if content is here and len(names) == len(old):
            pairs = list(zip(old, names, strict=True))
            names = [one if one not in names and name not in old else name for one, name in pairs]
        tables = cast("list[Any]", entries)
        named.append({**content, _LISTED: dict(zip(names, tables, strict=True))})
    return named


def _compare(before: Mapping[str, Any], after: Mapping[str, Any], path: Path) -> Iterator[Change]:
    """The keys that differ; an entry that came or went is one change."""
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key, ABSENT), after.get(key, ABSENT)
        place = (*path, key)
        is_section = len(place) < _ENTRY
        empty: Any = {}
        one, other = (empty if is_section and value is ABSENT else value for value in (old, new))
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _compare(cast("dict[str, Any]", one), cast("dict[str, Any]", other), place)
        elif old is ABSENT or new is ABSENT or old != new:
            yield Change(place, new)


def _get(content: Any, path: Path) -> Any:
    for key in path:
        if not isinstance(content, dict) or key not in content:
            return ABSENT
        content = cast("dict[Any, Any]", content)[key]
    return content


def _find_clash(change: Change, before: Mapping[str, Any], theirs: Mapping[str, Any]) -> Clash | None:
    there = _get(theirs, change.path)
    section, *rest = change.path
    entry = (section, *rest[:1])
    if section in GROUPS and _get(before, entry) is not ABSENT and _get(theirs, entry) is ABSENT:
        # An entry that was taken out there is not put back by a change of one key.
        return None if change.value is ABSENT else Clash(change.path, change.value, ABSENT)
    is_settled = _is_alike(there, change.value) or _is_alike(there, _get(before, change.path))
    return None if is_settled else Clash(change.path, change.value, there)


def _is_alike(one: Any, other: Any) -> bool:
    return one is other or (one is not ABSENT and other is not ABSENT and one == other)


def _order(change: Change) -> tuple[bool, bool]:
    """What is taken out comes late, so that no table goes for a moment; a name that finds an entry, last."""
    section, *_, key = change.path
    return section == _LISTED and key == "id", change.value is ABSENT


def _apply(text: str, changes: list[Change], theirs: Mapping[str, Any]) -> str:
    gone: list[Path] = []
    new: list[Change] = []
    for change in sorted(changes, key=_order):
        section, *rest = change.path
        is_entry = section in GROUPS and len(change.path) == _ENTRY
        is_there = _get(theirs, change.path[:_ENTRY]) is not ABSENT
        if is_entry and change.value is ABSENT:
            gone += [change.path] if is_there else []
        elif is_entry and not is_there:
            new.append(change)
        elif section not in GROUPS or is_there:
            place = list_names(parse_text(text), _LISTED).index(str(rest[0])) if section == _LISTED else None
            path = change.path if place is None else (section, place, *rest[1:])
            text = apply_changes(text, [Change(path, change.value)])
    for section, name in gone:
        text = remove_entry(text, str(section), list_names(parse_text(text), str(section)).index(str(name)))
    for change in new:
        section, name = map(str, change.path)
        keys = {key: value for key, value in change.value.items() if section != _LISTED or key != "id"}
        text = add_entry(text, section, name=name, keys=keys)
    return text
