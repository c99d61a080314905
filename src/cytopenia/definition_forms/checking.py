"""Every fault of a form at once: also those of a form of which another key is wrong.

pydantic asks what a form has to be as a whole only once each of its keys is right, and then stops at the
first answer. Here each `check` of a form is asked by itself, and of what is known of the form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from inspect import isfunction
from typing import Annotated, Any, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails

__all__ = ["Reader", "check", "read_whole"]

Model = TypeVar("Model", bound=BaseModel)
Check = TypeVar("Check", bound=Callable[..., Iterator[str]])
Reader = Callable[[Any], Model]

_MARK = "is_check_of_form"


def check(find: Check) -> Check:
    """Mark a method that yields one sentence for everything that is wrong with a form as a whole.

    What belongs together stands in one method, what can be told by itself in another: a method that asks for
    a key that is wrong ends there.
    """
    setattr(find, _MARK, True)
    return find


def read_whole(form: type[Model], content: Any, read: Reader[Model]) -> Model:
    """Return the form that `read` makes of the content, or raise with every fault that can be found.

    Parameters
    ----------
    form : pydantic model
    content : object
        The table of the file.
    read : callable
        Reads the keys one by one; the validator behind a validator of mode "wrap".

    Raises
    ------
    ValidationError
        The faults of the keys, then those of the whole.
    """
    faults: list[InitErrorDetails] = []
    try:
        known = read(content)
    except ValidationError as cause:
        faults = [_repeat(fault) for fault in cause.errors(include_url=False)]
        known = _keep_right(form, content, faults) if _list_checks(form) else None
    if known is not None:
        faults += [
            InitErrorDetails(type="value_error", loc=(), input=content, ctx={"error": ValueError(sentence)})
            for name in _list_checks(form)
            for sentence in _ask(known, name, is_whole=not faults)
        ]
    if known is None or faults:
        raise ValidationError.from_exception_data(form.__name__, faults)
    return known


def _repeat(fault: Any) -> InitErrorDetails:
    return cast(
        "InitErrorDetails", {key: fault[key] for key in ("type", "loc", "input", "ctx") if key in fault}
    )


@cache
def _list_checks(form: type[BaseModel]) -> tuple[str, ...]:
    """Names of the checks, those of the general forms first."""
    members = (item for parent in reversed(form.__mro__) for item in vars(parent).items())
    # Only functions are asked: a validator that is not built yet would be built by the question.
    return tuple(
        dict.fromkeys(name for name, member in members if isfunction(member) and hasattr(member, _MARK))
    )


def _ask(known: BaseModel, name: str, *, is_whole: bool) -> Iterator[str]:
    """What a check finds until it asks for a key that nobody knows."""
    try:
        yield from getattr(known, name)()
    except AttributeError:
        if is_whole:
            raise


def _keep_right(form: type[Model], content: Any, faults: list[InitErrorDetails]) -> Model | None:
    """The form with the keys that are right; asking it for another is an AttributeError.

    A key that is not given has its default, unless there is an unknown key, which may have meant it.
    """
    wrong = {fault.get("loc", ())[:1] for fault in faults}
    if not isinstance(content, Mapping) or () in wrong:
        return None
    table = cast("Mapping[str, Any]", content)
    keys = {name: field.alias or name for name, field in form.model_fields.items()}
    has_unknown = not set(table) <= set(keys.values())
    values: dict[str, Any] = {}
    for name, key in keys.items():
        if (key,) in wrong:
            continue
        if key in table:
            values[name] = _adapt(form, name).validate_python(table[key])
        elif not has_unknown:
            values[name] = form.model_fields[name].get_default(call_default_factory=True)
    known = form.model_construct()
    # Not through the constructor, which would give every absent key its default.
    object.__setattr__(known, "__dict__", values)
    return known


@cache
def _adapt(form: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field = form.model_fields[name]
    annotation: Any = field.annotation
    for decoration in field.metadata:
        annotation = Annotated[annotation, decoration]
    return TypeAdapter(annotation)
