"""The controls of a study file, made from its forms: which key is what, and its value as a page shows it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cytopenia.app.protocol_edit import ABSENT, write_value
from cytopenia.errors import ProtocolError
from cytopenia.forms import parse_toml
from cytopenia.readers.mapping import DataSection
from cytopenia.study.protocol_forms import Protocol

__all__ = ["Control", "Section", "TypedError", "describe_protocol", "fall_back", "read_typed", "show_value"]

Kind = Literal[
    "flag",
    "choice",
    "choices",
    "whole",
    "number",
    "text",
    "pair",
    "span",
    "wholes",
    "numbers",
    "names",
    "part",
    "raw",
]
_BOUNDS = ("ge", "gt", "le", "lt")
_LISTS: dict[Any, Kind] = {int: "wholes", float: "numbers", str: "names"}
_PLAIN: dict[Any, Kind] = {bool: "flag", int: "whole", float: "number", str: "text"}
_PAIRS, _TWO = ("pair", "span"), 2
# What a file of TOML can hold.
_LARGEST = 2**63 - 1
_WORD = re.compile(r"(?!(?:true|false|inf|nan)$)[a-z][a-z0-9_]*")


class TypedError(ValueError):
    """What was typed cannot be the value of its key: the word of the texts that says what is needed."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """One key of a form.

    Attributes
    ----------
    key : str
        As it stands in the file.
    forms : tuple of str
        The form that has the key and the forms that it is made from, by which texts about it are found.
    kind : str
        What it is asked with; "raw" is a text as in the file.
    is_needed : bool
    default : object
        What holds without the key; None where nothing does.
    bounds : dict
        ge, gt, le, lt of a number, where it has them.
    choices : tuple
        The values that it may have, where they are listed in the form.
    parts : tuple of Control
        The keys of a table inside the key.
    """

    key: str
    forms: tuple[str, ...]
    kind: Kind
    is_needed: bool
    default: Any = None
    bounds: tuple[tuple[str, float], ...] = ()
    choices: tuple[Any, ...] = ()
    parts: tuple[Control, ...] = ()


@dataclass(frozen=True)
class Section:
    """A section of the file: one table, entries by name, or entries of several kinds in their order."""

    name: str
    shape: Literal["one", "named", "listed"]
    kinds: dict[str, tuple[Control, ...]]


@cache
def describe_protocol() -> tuple[Section, ...]:
    """Return the sections of a study file, but for the one that says how data are read.

    Examples
    --------
    >>> [section.name for section in describe_protocol()]
    ['study', 'cohort', 'outcomes', 'factors', 'analyses', 'printed', 'report']
    """
    return tuple(
        _describe_section(name, field.annotation)
        for name, field in Protocol.model_fields.items()
        if field.annotation is not DataSection
    )


def _describe_section(name: str, annotation: Any) -> Section:
    plain, _ = _unwrap(annotation)
    origin, arguments = get_origin(plain), get_args(plain)
    if origin is dict:
        return Section(name, "named", {"": _describe_form(_unwrap(arguments[1])[0])})
    if origin is tuple:
        forms = get_args(_unwrap(arguments[0])[0])
        kinds = {get_args(form.model_fields["kind"].annotation)[0]: _describe_form(form) for form in forms}
        return Section(name, "listed", kinds)
    return Section(name, "one", {"": _describe_form(plain)})


def _describe_form(form: type[BaseModel]) -> tuple[Control, ...]:
    """The keys of a form, those that are needed first."""
    controls = [_describe_key(form, name, field) for name, field in form.model_fields.items()]
    return tuple(sorted(controls, key=lambda control: not control.is_needed))


def _describe_key(form: type[BaseModel], name: str, field: FieldInfo) -> Control:
    plain, decorations = _unwrap(field.annotation)
    kind, choices, parts = _choose_kind(plain)
    forms = tuple(parent.__name__ for parent in form.__mro__ if name in getattr(parent, "model_fields", {}))
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    return Control(
        key=field.alias or name,
        forms=forms,
        kind=kind,
        is_needed=field.is_required(),
        default=default if isinstance(default, bool | int | float | str) and default != "" else None,
        bounds=tuple(_find_bounds([*decorations, *field.metadata])),
        choices=choices,
        parts=parts,
    )


def _choose_kind(plain: Any) -> tuple[Kind, tuple[Any, ...], tuple[Control, ...]]:
    """What a key of a type is asked with; a type that is not known here is written as in the file."""
    origin, arguments = get_origin(plain), get_args(plain)
    if plain in _PLAIN:
        return _PLAIN[plain], (), ()
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        return "part", (), _describe_form(plain)
    choices = tuple(_list_words(plain))
    if choices:
        return "choice", choices, ()
    if origin is tuple:
        item, _ = _unwrap(arguments[0])
        if arguments[-1] is not Ellipsis:
            pairs: dict[Any, Kind] = {(int, int): "pair", (float, float): "span"}
            return pairs.get(tuple(_unwrap(one)[0] for one in arguments), "raw"), (), ()
        words = tuple(_list_words(item))
        return ("choices" if words else _LISTS.get(item, "raw")), words, ()
    return "raw", (), ()


def _list_words(plain: Any) -> Iterator[Any]:
    """The values of a Literal, or of a union of Literals only."""
    if get_origin(plain) is Literal:
        yield from get_args(plain)
    elif get_origin(plain) is Union or type(plain).__name__ in ("UnionType", "Union"):
        branches = [_unwrap(branch)[0] for branch in get_args(plain)]
        if all(get_origin(branch) is Literal for branch in branches):
            for branch in branches:
                yield from get_args(branch)


def _unwrap(annotation: Any) -> tuple[Any, list[Any]]:
    """A type without `Annotated` and `| None`, and what decorated it."""
    decorations: list[Any] = []
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            decorations += more
            continue
        branches = [item for item in get_args(annotation) if item is not type(None)]
        if len(branches) == 1 and type(None) in get_args(annotation):
            annotation = branches[0]
            continue
        return annotation, decorations


def _find_bounds(decorations: list[Any]) -> Iterator[tuple[str, float]]:
    found: dict[str, float] = {}
    for item in decorations:
        for part in item.metadata if isinstance(item, FieldInfo) else [item]:
            found |= {name: getattr(part, name) for name in _BOUNDS if hasattr(part, name)}
    # Of two limits in one direction the narrower one counts, which the outer form has put last.
    yield from found.items()


def show_value(control: Control, value: Any) -> list[str] | None:
    """Return what the inputs of a control hold; None where its kind cannot show the value.

    Examples
    --------
    >>> window = next(item for item in describe_protocol()[2].kinds[""] if item.key == "window")
    >>> show_value(window, [0, 28])
    ['0', '28']
    >>> show_value(window, "a month") is None
    True
    """
    kind = control.kind
    if value is ABSENT:
        return ["", ""] if kind in _PAIRS else [] if kind in ("names", "choices") else [""]
    if kind == "raw":
        is_word = isinstance(value, str) and _WORD.fullmatch(value) is not None
        return [value if is_word else write_value(value)]
    if kind in ("names", "choices"):
        return _show_names(value)
    if kind in (*_PAIRS, "wholes", "numbers"):
        return _show_numbers(kind, value)
    if kind == "flag":
        return [str(value).lower()] if isinstance(value, bool) else None
    if kind in ("whole", "number"):
        return [repr(value)] if _is_number(value, is_whole=kind == "whole") else None
    if kind == "choice":
        is_listed = any(value == item and type(value) is type(item) for item in control.choices)
        return [str(value)] if is_listed else None
    is_plain = kind == "text" and isinstance(value, str) and value.isprintable()
    return [cast("str", value)] if is_plain else None


def _show_names(value: Any) -> list[str] | None:
    if not isinstance(value, list):
        return None
    names = cast("list[Any]", value)
    is_plain = all(isinstance(item, str) and item.strip() == item and item.isprintable() for item in names)
    return names if is_plain and "" not in names and len(set(names)) == len(names) else None


def _show_numbers(kind: Kind, value: Any) -> list[str] | None:
    items = cast("list[Any]", value) if isinstance(value, list) else [None]
    if not all(_is_number(item, is_whole=kind in ("pair", "wholes")) for item in items):
        return None
    shown = [repr(item) for item in items]
    if kind in _PAIRS:
        return shown if len(shown) == _TWO else None
    return [", ".join(shown)]


def _is_number(value: Any, *, is_whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if is_whole else int | float):
        return False
    return math.isfinite(value)


def fall_back(control: Control) -> Control:
    """Return the control of a key whose value in the file is not of the kind that it should have."""
    return Control(key=control.key, forms=control.forms, kind="raw", is_needed=control.is_needed)


def read_typed(control: Control, typed: list[str]) -> Any:
    """Return the value that was typed, or `ABSENT`.

    Raises
    ------
    TypedError
        It is none: "whole", "number", "pair", "raw", "level" says what is needed.
    """
    given = [text.strip() for text in typed]
    kind = control.kind
    if not any(given):
        return ABSENT
    if kind in ("names", "choices"):
        return list(dict.fromkeys(text for text in given if text))
    if kind in _PAIRS:
        if len(given) != _TWO or not all(given):
            raise TypedError("pair")
        return [_read_number(text, is_whole=kind == "pair") for text in given]
    text = given[0]
    if kind in ("wholes", "numbers"):
        parts = [part for part in re.split(r"[\s,;]+", text.strip("[]")) if part]
        return [_read_number(part, is_whole=kind == "wholes") for part in parts]
    if kind in ("whole", "number"):
        return _read_number(text, is_whole=kind == "whole")
    if kind == "flag":
        return text == "true"
    if kind == "choice":
        return next((item for item in control.choices if str(item) == text), text)
    return _read_raw(text) if kind == "raw" else text


def _read_number(text: str, *, is_whole: bool) -> int | float:
    with suppress(ValueError):
        if abs(number := int(text)) <= _LARGEST:
            return number
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if is_whole or not math.isfinite(number):
        raise TypedError("whole" if is_whole else "number")
    return number


def _read_raw(text: str) -> Any:
    if _WORD.fullmatch(text):
        return text
    try:
        content = f"x = {text.replace(chr(13), '')}\n".encode()
        table = parse_toml(content, name="", error=ProtocolError)
    except ProtocolError as cause:
        raise TypedError("raw") from cause
    if set(table) != {"x"}:
        raise TypedError("raw")
    if _is_cut_number(table["x"]):
        raise TypedError("level")
    return table["x"]


def _is_cut_number(value: Any) -> bool:
    """Whether a number was written as a key: TOML takes 0.5 for a table 5 inside a table 0."""
    tables = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return any(key.isdigit() and isinstance(inner, dict) for key, inner in tables.items())
