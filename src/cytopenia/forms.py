"""Read a TOML form: every problem at once, in sentences, with the key where it stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cytopenia.errors import CytopeniaError, suggest_name

__all__ = ["describe_problems", "parse_toml", "read_bytes", "read_form"]

Form = TypeVar("Form", bound=BaseModel)

_UNIONS = (Union, UnionType)
_LARGEST = 2**63 - 1
# The time for a key grows with the square of its parts: 20,000 of them take the parser 20 seconds.
_LONG_KEY = re.compile(rb"""(?<![\w\-"'])(?:[\w\-"']+[ \t]*\.[ \t]*){100}""")

# What a key of a simple type needs, by the word of pydantic for the fault.
_NEEDED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true, false",
    "bool_parsing": "true, false",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "list_type": "a list",
    "tuple_type": "a list",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "{} or more"),
    "less_than_equal": ("le", "{} or less"),
    "greater_than": ("gt", "more than {}"),
    "less_than": ("lt", "less than {}"),
}


def parse_toml(data: bytes, *, name: str, error: type[CytopeniaError]) -> dict[str, Any]:
    """Return the tables of a TOML file, or raise `error` with the line that cannot be read.

    Examples
    --------
    >>> from cytopenia.errors import ProtocolError
    >>> parse_toml(b"seed = 1", name="study.toml", error=ProtocolError)
    {'seed': 1}
    """
    if (long := _LONG_KEY.search(data)) is not None:
        line = data[: long.start()].count(b"\n") + 1
        raise error(f"{name}: line {line} has a key of more than 100 parts. Write it as sections.")
    try:
        content = tomllib.loads(data.decode("utf-8-sig"))
        _require_measure(content)
    except UnicodeDecodeError as cause:
        line = data[: cause.start].count(b"\n") + 1
        message = f"{name}: line {line} is not UTF-8 text. Save the file as UTF-8 and try again."
        raise error(message) from cause
    except tomllib.TOMLDecodeError as cause:
        hint = "Texts need quotation marks, numbers a point, and each key may stand once in its section."
        raise error(f"{name}: not a valid TOML file: {cause}. {hint}") from cause
    except (RecursionError, ValueError, OverflowError) as cause:
        raise error(f"{name}: not a valid TOML file: a number or a nesting beyond all measure.") from cause
    return content


def _require_measure(content: dict[str, Any]) -> None:
    """A whole number has 64 bits in TOML; a longer one breaks whatever counts or prints it."""
    waiting: list[Any] = [content]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += cast("dict[str, Any]", part).values()
        elif isinstance(part, list):
            waiting += cast("list[Any]", part)
        elif isinstance(part, int) and not -_LARGEST - 1 <= part <= _LARGEST:
            raise OverflowError


def read_form(model: type[Form], content: Mapping[str, Any], *, where: str) -> tuple[Form | None, list[str]]:
    """Return the filled form, or None and one sentence per problem.

    Parameters
    ----------
    model : pydantic model
    content : mapping
    where : str
        Name of the file, put in front of each sentence.
    """
    try:
        return model.model_validate(content), []
    except ValidationError as cause:
        return None, [f"{where}: {problem}" for problem in describe_problems(cause, model)]


def describe_problems(cause: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return one sentence per problem: key, what is wrong, what is allowed."""
    found = [detail for detail in cause.errors(include_url=False) if not _is_echo(detail)]
    paths = [_follow(model, detail["loc"])[0] for detail in found]
    details = [detail for detail, path in zip(found, paths, strict=True) if not _is_told(detail, path, paths)]
    problems: list[str] = []
    for _, alike in groupby(details, key=lambda detail: (_follow(model, detail["loc"])[0], detail["input"])):
        group = list(alike)
        words = [detail for detail in group if detail["type"] == "literal_error"]
        others = [detail for detail in group if detail["type"] != "literal_error"]
        if words and others:
            problems.append(_describe_alternatives(others[0], words[0], model))
        else:
            problems += [_describe_problem(detail, model) for detail in group]
    return problems


def _describe_alternatives(other: ErrorDetails, word: ErrorDetails, model: type[BaseModel]) -> str:
    """One sentence about a key that takes a number or certain words."""
    key = ".".join(_follow(model, other["loc"])[0])
    needed = _say_needed(other) or "another value"
    words = word.get("ctx", {}).get("expected")
    return f"'{key}' is {_name_input(other['input'])}; allowed: {needed}, or {words}"


def _name_input(given: object) -> str:
    if isinstance(given, dict):
        return "a table"
    if isinstance(given, bool):
        return str(given).lower()
    return "a list" if isinstance(given, list) else repr(given)


def _say_needed(detail: ErrorDetails) -> str | None:
    """What a number, a table or a list has to be; None for a fault of another kind."""
    name, template = _BOUNDS.get(detail["type"], ("", ""))
    if template:
        limit = detail.get("ctx", {})[name]
        return template.format(f"{limit:g}" if isinstance(limit, float) else limit)
    return _NEEDED.get(detail["type"])


def _say_length(key: str, detail: ErrorDetails) -> str:
    """A text, a list or a table of the wrong length."""
    found = detail.get("ctx", {})
    given, is_text = detail["input"], detail["type"].startswith("string")
    if is_text and detail["type"].endswith("short") and not str(given).strip():
        return f"'{key}' is empty; a text is needed"
    count = len(given)
    what = ("character", "characters") if is_text else ("entry", "entries")
    counted = f"{count or 'no'} {what[1 if count > 1 else 0]}"
    is_short = detail["type"].endswith("short")
    allowed = f"{found['min_length']} or more" if is_short else f"{found['max_length']} or fewer"
    return f"'{key}' has {counted}; allowed: {allowed}"


def _is_echo(detail: ErrorDetails) -> bool:
    """Whether a list counts as too short only because its items were wrong, which is told by itself."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail.get("ctx", {}).get(
        "min_length", 0
    )


def _is_told(detail: ErrorDetails, path: list[str], paths: list[list[str]]) -> bool:
    """Whether a table is no word because it is a table, of whose keys another problem speaks."""
    inside = any(other[: len(path)] == path and len(other) > len(path) for other in paths)
    return detail["type"] == "literal_error" and isinstance(detail["input"], dict) and inside


def _describe_problem(detail: ErrorDetails, model: type[BaseModel]) -> str:
    path, inner = _follow(model, detail["loc"])
    key = ".".join(path)
    match detail["type"]:
        case "extra_forbidden":
            fields = getattr(inner, "model_fields", {})
            allowed = [str(field.alias or name) for name, field in fields.items()]
            return (
                f"unknown key '{key}'{suggest_name(path[-1], allowed)}; allowed: {', '.join(sorted(allowed))}"
            )
        case "missing":
            return f"'{key}' is missing"
        case "literal_error":
            return f"'{key}' is {_name_input(detail['input'])}; allowed: {detail.get('ctx', {})['expected']}"
        case "union_tag_invalid":
            kind = cast("dict[str, object]", detail["input"])["kind"]
            return f"'{key}' is {kind!r}; allowed: {detail.get('ctx', {})['expected_tags']}"
        case "union_tag_not_found":
            return f"'{key}': 'kind' is missing"
        case "string_pattern_mismatch":
            return (
                f"'{key}' is {detail['input']!r}; allowed: lower-case letters, digits and _, a letter first"
            )
        case "value_error":
            where = f"'{key}': " if path else ""
            return f"{where}{detail.get('ctx', {}).get('error', detail['msg'])}"
        case "string_type":
            return f"'{key}' is {_name_input(detail['input'])}; a text in quotation marks is needed"
        case _:
            return _describe_value(key, detail)


def _describe_value(key: str, detail: ErrorDetails) -> str:
    """A value of the wrong type, size or length."""
    if detail["type"].endswith(("too_short", "too_long")):
        return _say_length(key, detail)
    given = _name_input(detail["input"])
    if (needed := _say_needed(detail)) is not None:
        return f"'{key}' is {given}; allowed: {needed}"
    return f"'{key}': {detail['msg'][0].lower()}{detail['msg'][1:]} (got {given})"


def _follow(model: type[BaseModel], path: Sequence[int | str]) -> tuple[list[str], Any]:
    """The path as the reader of the file knows it, and the innermost form on it.

    pydantic puts names of its own into a path, such as the branch of a union; they are left out.
    """
    shown: list[str] = []
    current: Any = model
    form: Any = model
    for part in path:
        current = _plain(current)
        if part == "[key]":
            continue
        if hasattr(current, "model_fields"):
            form = current
            shown.append(str(part))
            field = current.model_fields.get(part)
            current = None if field is None else field.annotation
        elif get_origin(current) in _UNIONS:
            current = _choose_branch(current, str(part))
        else:
            arguments = get_args(current)
            shown.append(str(part + 1) if isinstance(part, int) else part)
            current = arguments[0 if isinstance(part, int) else -1] if arguments else None
    return shown, form


def _plain(annotation: Any) -> Any:
    """The annotation without what only decorates it: `Annotated`, and `| None`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in _UNIONS:
            kept = [item for item in get_args(annotation) if item is not type(None)]
            if len(kept) != 1:
                return annotation
            annotation = kept[0]
        else:
            return annotation


def _choose_branch(union: Any, tag: str) -> Any:
    """The form of a union that a tag names: by its class, or by the `kind` it is for."""
    for branch in map(_plain, get_args(union)):
        kind = getattr(branch, "model_fields", {}).get("kind")
        if tag == getattr(branch, "__name__", "") or (kind is not None and tag in get_args(kind.annotation)):
            return branch
    return None


def read_bytes(path: Path, *, error: type[CytopeniaError]) -> bytes:
    """Return the bytes of a file, or raise `error` with the reason in words."""
    try:
        return path.read_bytes()
    except FileNotFoundError as cause:
        raise error(f"{path}: no such file. Check the path, or make one with 'cytopenia init'.") from cause
    except OSError as cause:
        raise error(f"{path}: cannot be read ({cause.strerror}).") from cause
