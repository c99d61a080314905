"""Read a TOML form: every problem at once, in sentences, with the key where it stands."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cytopenia.errors import CytopeniaError, suggest_name

__all__ = ["describe_problems", "parse_toml", "read_bytes", "read_form"]

Form = TypeVar("Form", bound=BaseModel)


def parse_toml(data: bytes, *, name: str, error: type[CytopeniaError]) -> dict[str, Any]:
    """Return the tables of a TOML file, or raise `error` with the line that cannot be read.

    Examples
    --------
    >>> from cytopenia.errors import ProtocolError
    >>> parse_toml(b"seed = 1", name="study.toml", error=ProtocolError)
    {'seed': 1}
    """
    try:
        return tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as cause:
        line = data[: cause.start].count(b"\n") + 1
        message = f"{name}: line {line} is not UTF-8 text. Save the file as UTF-8 and try again."
        raise error(message) from cause
    except tomllib.TOMLDecodeError as cause:
        hint = "Texts need quotation marks, numbers a point, and each key may stand once in its section."
        raise error(f"{name}: not a valid TOML file: {cause}. {hint}") from cause


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
    return [_describe_problem(detail, model) for detail in cause.errors(include_url=False)]


def _describe_problem(detail: ErrorDetails, model: type[BaseModel]) -> str:
    path = [part for part in detail["loc"] if not _is_branch_name(part)]
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in path) or "file"
    match detail["type"]:
        case "extra_forbidden":
            allowed = _allowed_keys(model, detail["loc"][:-1])
            last = str(detail["loc"][-1])
            return f"unknown key '{key}'{suggest_name(last, allowed)}; allowed: {', '.join(sorted(allowed))}"
        case "missing":
            return f"'{key}' is missing"
        case "literal_error":
            expected = detail.get("ctx", {}).get("expected", "")
            return f"'{key}' is {detail['input']!r}; allowed: {expected}"
        case "value_error":
            return f"'{key}': {detail.get('ctx', {}).get('error', detail['msg'])}"
        case _:
            return f"'{key}': {detail['msg'][0].lower()}{detail['msg'][1:]} (got {detail['input']!r})"


def _is_branch_name(part: int | str) -> bool:
    """Whether pydantic put the name of a union's branch into the path, which no reader of the file knows."""
    return isinstance(part, str) and (part in {"float", "int", "str", "bool"} or part[:1].isupper() or "[" in part)


def _allowed_keys(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """The keys of the form in which an unknown key stands."""
    current: Any = model
    for part in path:
        if isinstance(part, int) or _is_branch_name(part):
            continue
        fields = getattr(current, "model_fields", {})
        current = _inner_form(fields[part].annotation) if part in fields else current
    return list(getattr(current, "model_fields", {}))


def _inner_form(annotation: Any) -> Any:
    """The form inside a container or a union, or the annotation itself."""
    if hasattr(annotation, "model_fields"):
        return annotation
    for argument in get_args(annotation):
        found = _inner_form(argument)
        if hasattr(found, "model_fields"):
            return found
    return annotation


def read_bytes(path: Path, *, error: type[CytopeniaError]) -> bytes:
    """Return the bytes of a file, or raise `error` with the reason in words."""
    try:
        return path.read_bytes()
    except FileNotFoundError as cause:
        raise error(f"{path}: no such file. Check the path, or make one with 'cytopenia init'.") from cause
    except OSError as cause:
        raise error(f"{path}: cannot be read ({cause.strerror}).") from cause
