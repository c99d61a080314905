"""Problems of a study file beside the fields that they speak of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cytopenia.app.form_layout import Field, FormBlock, FormSection
from cytopenia.app.protocol_edit import ABSENT, write_value
from cytopenia.app.protocol_merge import Clash

__all__ = ["Met", "Problem", "list_clashes", "place_problems"]

_PLACE = re.compile(r"(?:unknown key )?'?([a-z]+(?:\.[\w-]+)*)")
_COUNTED = re.compile(r"((?:unknown key )?'?)([a-z]+)\.([0-9]+)(?![\w-])")
_OF_ID = re.compile(r"\bthe id '(\w+)'")
# Words of every sentence, which are keys as well.
_COMMON = frozenset({"as", "at", "by"})


@dataclass(frozen=True)
class Problem:
    """A sentence, and the field or block that it is about."""

    text: str
    target: str | None = None


@dataclass(frozen=True)
class Met:
    """A key that was changed here and elsewhere: its name, both values as in a file, and its field."""

    name: str
    here: str
    there: str
    target: str | None


def list_clashes(clashes: Sequence[Clash], sections: Sequence[FormSection]) -> list[Met]:
    """Return what was changed here and elsewhere, as the page says it; "" for what is not in the file.

    Examples
    --------
    >>> from cytopenia.app.form_layout import lay_out
    >>> list_clashes([Clash(("study", "seed"), 99, 7)], lay_out({}))
    [Met(name='study.seed', here='99', there='7', target='study.seed')]
    """
    return [
        Met(name, _write(clash.here), _write(clash.there), _find_target(name, sections))
        for clash in clashes
        for name in [".".join(map(str, clash.path))]
    ]


def _write(value: object) -> str:
    return "" if value is ABSENT else write_value(value)


def place_problems(message: str, sections: Sequence[FormSection], *, file: str) -> list[Problem]:
    """Return the problems of a message, each with the id of its field, or of its block.

    Parameters
    ----------
    message : str
        What reading the file has said: a title and its problems, or one sentence.
    sections : sequence of FormSection
    file : str
        The name of the file, which each sentence repeats.

    Examples
    --------
    >>> from cytopenia.app.form_layout import lay_out
    >>> place_problems("study.toml: 'study.seed' is missing", lay_out({}), file="study.toml")
    [Problem(text="'study.seed' is missing", target='study.seed')]
    """
    listed = re.findall(r"(?m)^  - (.*(?:\n(?!  - ).*)*)", message)
    sentences = [text.removeprefix(f"{file}: ") for text in listed or [message]]
    return [Problem(_name_entry(text, sections), _find_target(text, sections)) for text in sentences]


def _name_entry(sentence: str, sections: Sequence[FormSection]) -> str:
    """The sentence with an entry by its id, where it counts the entries of the list from one."""
    counted = _COUNTED.match(sentence)
    found = next((one for one in sections if counted and one.section.name == counted.group(2)), None)
    block = None if counted is None or found is None else _find_block(found.blocks, counted.group(3))
    if counted is None or block is None or not block.name:
        return sentence
    return f"{counted.group(1)}{counted.group(2)}.{block.name}{sentence[counted.end() :]}"


def _find_target(sentence: str, sections: Sequence[FormSection]) -> str | None:
    place = _PLACE.match(sentence)
    if place is None:
        return None
    name, *keys = place.group(1).split(".")
    found = next((section for section in sections if section.section.name == name), None)
    if found is None:
        return None
    twice = _OF_ID.search(sentence)
    if found.section.shape == "listed" and twice is not None and not keys:
        named = [one for one in found.blocks if one.name == twice.group(1)]
        return (_follow(named[-1].fields, ["id"]) or named[-1].id) if named else name
    if found.section.shape == "one":
        block = found.blocks[0] if found.blocks else None
    else:
        block, keys = _find_block(found.blocks, keys[0] if keys else ""), keys[1:]
    if block is None:
        return name
    rest = sentence[place.end() :]
    return _follow(block.fields, keys) or _find_mentioned(block.fields, rest) or block.id


def _find_block(blocks: Sequence[FormBlock], name: str) -> FormBlock | None:
    """The entry of a name, or of a place counted from one."""
    if name.isdigit() and 0 < int(name) <= len(blocks):
        return next((block for block in blocks if block.path[1] == int(name) - 1), None)
    return next((block for block in blocks if block.name == name), None)


def _follow(fields: Sequence[Field], keys: Sequence[str]) -> str | None:
    """The field that a path of keys ends in, or the last one of it that has a field."""
    found: str | None = None
    for key in keys:
        field = next((field for field in fields if field.control.key == key), None)
        if field is None:
            return found
        found, fields = field.id, field.parts
    return found


def _find_mentioned(fields: Sequence[Field], sentence: str) -> str | None:
    """The field whose key a sentence names first, one in quotation marks before any other."""
    by_key = {field.control.key: field.id for field in fields}
    for word in _list_words(sentence):
        if word in by_key:
            return by_key[word]
    return None


def _list_words(sentence: str) -> Iterator[str]:
    yield from re.findall(r"'([a-z][a-z0-9_]*)'", sentence)
    yield from re.findall(r"([a-z][a-z0-9_]*) = ", sentence)
    yield from (word for word in re.findall(r"[a-z][a-z0-9_]*", sentence) if word not in _COMMON)
