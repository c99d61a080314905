"""A study file laid out as sections, blocks and fields, and what was typed into them as changes of keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from cytopenia.app.protocol_blocks import GROUPS
from cytopenia.app.protocol_controls import (
    Control,
    Section,
    TypedError,
    describe_protocol,
    fall_back,
    read_typed,
    show_value,
)
from cytopenia.app.protocol_edit import ABSENT, Change, Path

__all__ = [
    "MORE",
    "Field",
    "FormBlock",
    "FormSection",
    "gather_typed",
    "lay_out",
    "list_fields",
    "read_changes",
]

# What is typed beside the names that can be ticked.
MORE = ".more"
_SECTION = ("section",)
_ENTRY = (*_SECTION, "name")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One key of a block: its place in the file, and what its inputs hold as the file stands.

    `is_known` is False for a key that no form has, or that is in the file with a value of another kind.
    """

    id: str
    path: Path
    control: Control
    shown: tuple[str, ...]
    is_given: bool
    is_known: bool = True
    parts: tuple[Field, ...] = ()

    @property
    def is_inside(self) -> bool:
        """Whether it is a key of a table inside a key."""
        *table, _ = self.path
        return len(table) > len(_ENTRY if self.path[0] in GROUPS else _SECTION)


@dataclass(frozen=True, kw_only=True)
class FormBlock:
    """One table of the file: a section of its own, or an entry of one."""

    id: str
    path: Path
    name: str
    kind: str
    content: Mapping[str, Any]
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class FormSection:
    """A section with its blocks; `is_odd` where the file holds something else under its name."""

    section: Section
    blocks: tuple[FormBlock, ...]
    is_odd: bool = False


def lay_out(content: Mapping[str, Any]) -> tuple[FormSection, ...]:
    """Return every section of a study file with all keys that it has and could have.

    Examples
    --------
    >>> study = lay_out({"study": {"seed": 1}})[0]
    >>> [(field.id, field.shown) for field in study.blocks[0].fields][:2]
    [('study.title', ('',)), ('study.seed', ('1',))]
    """
    return tuple(
        _lay_out_section(section, content.get(section.name, ABSENT)) for section in describe_protocol()
    )


def _lay_out_section(section: Section, value: Any) -> FormSection:
    if section.shape == "one":
        table: Any = {} if value is ABSENT else value
        return FormSection(
            section, tuple(_lay_out_entries(section, [(None, table)])), not isinstance(table, dict)
        )
    entries: list[tuple[str | int, Any]] = []
    if isinstance(value, dict) and section.shape == "named":
        entries = list(cast("dict[str, Any]", value).items())
    elif isinstance(value, list) and section.shape == "listed":
        entries = list(enumerate(cast("list[Any]", value)))
    is_odd = (not entries and value not in (ABSENT, {}, [])) or any(
        not isinstance(table, dict) for _, table in entries
    )
    return FormSection(section, tuple(_lay_out_entries(section, entries)), is_odd)


def _lay_out_entries(
    section: Section, entries: Sequence[tuple[str | int | None, Any]]
) -> Iterator[FormBlock]:
    for number, (name, table) in enumerate(entries):
        if not isinstance(table, dict):
            continue
        content = cast("dict[str, Any]", table)
        place = section.name if name is None else f"{section.name}.{number}"
        path: Path = (section.name,) if name is None else (section.name, name)
        kind = str(content.get("kind", "")) if section.shape == "listed" else ""
        fields = _lay_out_keys(section.kinds.get(kind, ()), content, place, path)
        shown_name = str(content.get("id", "")) if section.shape == "listed" else str(name or section.name)
        yield FormBlock(
            id=place, path=path, name=shown_name, kind=kind, content=content, fields=tuple(fields)
        )


def _lay_out_keys(
    controls: Sequence[Control], content: Mapping[str, Any], place: str, path: Path
) -> Iterator[Field]:
    for control in controls:
        # The kind of an entry says which keys it has; another kind is another entry.
        if control.key != "kind":
            yield _lay_out_key(control, content.get(control.key, ABSENT), place, (*path, control.key))
    known = {control.key for control in controls}
    others = [key for key in content if key not in known]
    for number, key in enumerate(others):
        control = Control(key=key, forms=(), kind="raw", is_needed=False)
        shown = show_value(control, content[key]) or [""]
        yield Field(
            id=f"{place}.other{number}",
            path=(*path, key),
            control=control,
            shown=tuple(shown),
            is_given=True,
            is_known=False,
        )


def _lay_out_key(control: Control, value: Any, place: str, path: Path) -> Field:
    field_id, is_given = f"{place}.{control.key}", value is not ABSENT
    if control.kind == "part" and (not is_given or isinstance(value, dict)):
        table = cast("dict[str, Any]", value) if is_given else {}
        parts = tuple(_lay_out_keys(control.parts, table, field_id, path))
        return Field(id=field_id, path=path, control=control, shown=(), is_given=is_given, parts=parts)
    shown = None if control.kind == "part" else show_value(control, value)
    if shown is None:
        control = fall_back(control)
        shown = show_value(control, value) or [""]
        return Field(
            id=field_id, path=path, control=control, shown=tuple(shown), is_given=True, is_known=False
        )
    return Field(id=field_id, path=path, control=control, shown=tuple(shown), is_given=is_given)


def list_fields(sections: Sequence[FormSection]) -> Iterator[Field]:
    """Yield the fields that have inputs of their own."""
    for section in sections:
        for block in section.blocks:
            yield from _list_inner(block.fields)


def _list_inner(fields: Sequence[Field]) -> Iterator[Field]:
    for field in fields:
        if field.control.kind == "part":
            yield from _list_inner(field.parts)
        else:
            yield field


def read_changes(
    sections: Sequence[FormSection], sent: Mapping[str, list[str]]
) -> tuple[dict[str, Change], dict[str, str]]:
    """Return the keys that were changed, and what is wrong with what was typed, both by field.

    A field that was not sent is as it was, and so is one that holds what the file holds.
    """
    changes: dict[str, Change] = {}
    faults: dict[str, str] = {}
    for field in list_fields(sections):
        typed = gather_typed(field, sent)
        if typed is None or typed == list(field.shown):
            continue
        try:
            value = read_typed(field.control, typed)
        except TypedError as cause:
            faults[field.id] = str(cause)
            continue
        changes[field.id] = Change(field.path, value)
    return changes, faults


def gather_typed(field: Field, sent: Mapping[str, list[str]]) -> list[str] | None:
    """Return what the inputs of a field held when the page was sent; None where they were not sent."""
    if field.id not in sent:
        return None
    typed = [text.replace("\r\n", "\n") for text in sent[field.id]]
    if field.control.kind in ("names", "choices"):
        more = ",".join(sent.get(f"{field.id}{MORE}", [])).split(",")
        named = [text.strip() for text in (*typed, *more)]
        return list(dict.fromkeys(text for text in named if text))
    return typed
