"""What the buttons of the form do to the text of a study file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cytopenia.app.protocol_blocks import GROUPS
from cytopenia.app.protocol_edit import UnchangeableError, parse_text
from cytopenia.app.protocol_entries import (
    add_entry,
    copy_entry,
    list_names,
    move_entry,
    name_copy,
    remove_entry,
)

__all__ = ["ActionError", "run_action"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PLACE = re.compile(r"[0-9]{1,6}")
# The key that is written with the name, where the form of it does not say which.
_WHAT = {"outcomes": "definition", "analyses": "kind"}


class ActionError(Exception):
    """A button could not do what it says: the field where that is told, and the word of the texts."""

    def __init__(self, field: str, word: str) -> None:
        super().__init__(word)
        self.field, self.word = field, word


def run_action(text: str, action: str, sent: Mapping[str, list[str]]) -> tuple[str, str | None]:
    """Return the text after what a button does, and the id of the entry that it is about.

    Parameters
    ----------
    text : str
        A valid study file.
    action : str
        "save", "add:outcomes", or one of "up", "down", "copy", "remove" with section and place:
        "copy:analyses:3".
    sent : mapping
        The fields of the form; those of what is added begin with "add.".

    Raises
    ------
    ActionError
        A name is not one or taken, an entry is not there, or the file is written in another way.
    """
    verb, _, rest = action.partition(":")
    section, _, number = rest.partition(":")
    if verb == "add" and section in GROUPS:
        return _add(text, section, sent)
    if verb not in ("up", "down", "copy", "remove"):
        return text, None
    count = len(list_names(parse_text(text), section)) if section in GROUPS else 0
    if not _PLACE.fullmatch(number) or int(number) >= count:
        raise ActionError(f"section.{section}", "no_place")
    place = int(number)
    try:
        return _change_entry(text, verb, section, place, count)
    except UnchangeableError as cause:
        raise ActionError(f"{section}.{place}", "unchangeable") from cause


def _change_entry(text: str, verb: str, section: str, place: int, count: int) -> tuple[str, str | None]:
    if verb == "remove":
        return remove_entry(text, section, place), None
    if verb == "copy":
        name = name_copy(text, section, place)
        return copy_entry(text, section, place, name=name), f"{section}.{place + 1}"
    other = place + (1 if verb == "down" else -1)
    if not 0 <= other < count:
        return text, f"{section}.{place}"
    return move_entry(text, section, place, other=other), f"{section}.{other}"


def _add(text: str, section: str, sent: Mapping[str, list[str]]) -> tuple[str, str | None]:
    name = sent.get(f"add.{section}.name", [""])[0].strip()
    what = sent.get(f"add.{section}.what", [""])[0].strip()
    if not _NAME.fullmatch(name):
        raise ActionError(f"add.{section}.name", "name")
    taken = list_names(parse_text(text), section)
    if name in taken:
        raise ActionError(f"add.{section}.name", "taken")
    if section == "analyses" and not what:
        raise ActionError(f"add.{section}.what", "kind")
    key, is_told, value = what.partition("=")
    keys = {key: value} if is_told else {_WHAT[section]: what} if what and section in _WHAT else {}
    try:
        return add_entry(text, section, name=name, keys=keys), f"{section}.{len(taken)}"
    except UnchangeableError as cause:
        raise ActionError(f"add.{section}.name", "unchangeable") from cause
