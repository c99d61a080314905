"""How numbers are printed: the styles of journals as data, and the one that holds while a report is made."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, wraps
from importlib import resources
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

__all__ = [
    "DEFAULT_STYLE",
    "JournalStyle",
    "current_style",
    "format_p_level",
    "in_journal_style",
    "list_styles",
    "load_style",
    "split_letter",
    "style_words",
    "use_style",
]

DEFAULT_STYLE = "default"
P_LETTER = "P"
# The letter of a P value, never a name: a sign of comparison or a word of statistics stands behind it.
P_IN_WORDS = re.compile(r"\bP(?= ?[=<>\u2264\u2265]|-?\s?values?\b| (of|in|for|is|from|by|speaks|and) | \()")
P_AS_TITLE = re.compile(r"P(?=$|,? |-)")


@dataclass(frozen=True, kw_only=True)
class JournalStyle:
    """The rules of a journal; `data/journal_styles` says of each whether a source confirms it.

    Attributes
    ----------
    decimal_mark, between, interval : str
        What stands between whole and decimals, between the ends of a range, and of a confidence interval.
    percent_decimals, ratio_decimals : int
    percent_sign : bool
        Whether the percent behind a count has its sign.
    p_letter : str
    p_italic, p_leading_zero : bool
    p_steps : pairs of (from, decimals)
        The first that a P value reaches gives its decimals.
    p_smallest : float
        Below it a P value is printed as a limit.
    p_keeps_side : bool
        One decimal more where rounding would carry a P value to the other side of 0.05.
    """

    decimal_mark: str
    percent_decimals: int
    percent_sign: bool
    ratio_decimals: int
    between: str
    interval: str
    p_letter: str
    p_italic: bool
    p_leading_zero: bool
    p_steps: tuple[tuple[float, int], ...]
    p_smallest: float
    p_keeps_side: bool

    def mark(self, number: str) -> str:
        """Return a printed number with the decimal mark of the journal."""
        return number if self.decimal_mark == "." else number.replace(".", self.decimal_mark)


@cache
def list_styles() -> tuple[str, ...]:
    """Return the names of the styles, the default first.

    Examples
    --------
    >>> list_styles()
    ('default', 'ash', 'lancet', 'nejm', 'spandidos')
    """
    names = sorted(item.name.removesuffix(".toml") for item in _folder().iterdir())
    return (DEFAULT_STYLE, *(name for name in names if name != DEFAULT_STYLE))


@cache
def load_style(name: str) -> JournalStyle:
    """Return the style of a name.

    Examples
    --------
    >>> load_style("lancet").decimal_mark
    '\u00b7'
    """
    table = tomllib.loads(_folder().joinpath(f"{name}.toml").read_text("utf-8"))
    rules: dict[str, Any] = {rule: given["value"] for rule, given in table["rules"].items()}
    steps: Iterable[tuple[float, int]] = rules.pop("p_steps")
    return JournalStyle(**rules, p_steps=tuple((float(start), decimals) for start, decimals in steps))


def _folder() -> Any:
    return resources.files("cytopenia") / "data" / "journal_styles"


_CURRENT: ContextVar[str] = ContextVar("journal style", default=DEFAULT_STYLE)


def current_style() -> JournalStyle:
    """Return the style that numbers are printed in at this moment."""
    return load_style(_CURRENT.get())


@contextmanager
def use_style(name: str) -> Generator[None]:
    """Print numbers in the style of a journal inside the block, and as before after it."""
    token = _CURRENT.set(name)
    try:
        yield
    finally:
        _CURRENT.reset(token)


class _HasStyle(Protocol):
    @property
    def style(self) -> str: ...


Styled = TypeVar("Styled", bound=_HasStyle)
Rest = ParamSpec("Rest")
Made = TypeVar("Made")


def in_journal_style(
    make: Callable[Concatenate[Styled, Rest], Made],
) -> Callable[Concatenate[Styled, Rest], Made]:
    """Return a function that prints in the style of the content it is given."""

    @wraps(make)
    def styled(content: Styled, /, *args: Rest.args, **more: Rest.kwargs) -> Made:
        with use_style(content.style):
            return make(content, *args, **more)

    return styled


def style_words(text: str) -> str:
    """Return a sentence with the letter of P values as the journal has it.

    Examples
    --------
    >>> with use_style("lancet"):
    ...     style_words("P values of P-glycoprotein: P < 0.05")
    'p values of P-glycoprotein: p < 0.05'
    """
    letter = current_style().p_letter
    return text if letter == P_LETTER else P_IN_WORDS.sub(letter, text)


def format_p_level(level: float) -> str:
    """Return a level that P values are held against, as it was given, with or without the zero before it.

    Examples
    --------
    >>> with use_style("ash"):
    ...     format_p_level(0.05)
    '.05'
    """
    style = current_style()
    return style.mark(f"{level:g}" if style.p_leading_zero else f"{level:g}".removeprefix("0"))


def split_letter(title: str) -> tuple[str, str]:
    """Return the letter of P values that a title begins with, as the journal has it, and the rest.

    Examples
    --------
    >>> split_letter("P (Holm)"), split_letter("Patients")
    (('P', ' (Holm)'), ('', 'Patients'))
    """
    found = P_AS_TITLE.match(title)
    return (current_style().p_letter, title[found.end() :]) if found else ("", title)
