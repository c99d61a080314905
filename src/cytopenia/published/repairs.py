"""Slips of the pen: every print that is one slip away from a printed number, the likeliest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

__all__ = ["Slip", "find_repairs", "list_slips"]

_DIGITS = "0123456789"


class Slip(NamedTuple):
    """Another print of one number; `rank` is lower where the slip is likelier."""

    rank: int
    text: str


def list_slips(printed: str) -> list[Slip]:
    """Return every print that one slip turns into the given one, each once.

    A point that moved by one place, two neighboring digits exchanged, one digit changed, left out or put in.
    The number of decimals stays where digits only change their place.

    Examples
    --------
    >>> [slip.text for slip in list_slips("0.100")][:2]
    ['0.010', '1.000']
    """
    best: dict[str, int] = {}
    for rank, text in _list_all(printed):
        if text != printed and _is_number(text):
            best[text] = min(rank, best.get(text, rank))
    return [Slip(rank, text) for text, rank in sorted(best.items(), key=lambda item: item[1])]


def find_repairs(
    parts: Mapping[str, str], is_right: Callable[[Mapping[str, str]], bool], *, most: int = 3
) -> list[str]:
    """Return the slips that make all parts fit together, in words, the likeliest kind only.

    Parameters
    ----------
    parts : mapping
        The printed texts by the name of the part.
    is_right : callable
        Whether parts, one of them changed, fit together.
    most : int
        At most how many are told.

    Examples
    --------
    >>> find_repairs({"low": "0.100", "high": "0.802"}, lambda parts: parts["low"] == "0.010")
    ['0.010 for 0.100 (low)']
    """
    found: list[tuple[int, str]] = []
    if "low" in parts and "high" in parts:
        exchanged = {**parts, "low": parts["high"], "high": parts["low"]}
        if is_right(exchanged):
            found.append((0, f"the limits exchanged: {parts['high']} and {parts['low']}"))
    for name, printed in parts.items():
        for slip in list_slips(printed):
            if is_right({**parts, name: slip.text}):
                found.append((slip.rank, f"{slip.text} for {printed} ({name.replace('_', ' ')})"))
    if not found:
        return []
    likeliest = min(rank for rank, _ in found)
    return [words for rank, words in found if rank == likeliest][:most]


def _list_all(printed: str) -> Iterator[tuple[int, str]]:
    side = printed[: len(printed) - len(printed.lstrip("<>= -"))]
    digits = printed[len(side) :]
    for text in _move_point(digits):
        yield 1, side + text
    for place in range(len(digits) - 1):
        pair = digits[place : place + 2]
        if "." not in pair:
            yield 2, f"{side}{digits[:place]}{pair[1]}{pair[0]}{digits[place + 2 :]}"
    for place, old in enumerate(digits):
        if old == ".":
            continue
        for new in _DIGITS:
            yield 3, f"{side}{digits[:place]}{new}{digits[place + 1 :]}"
        yield 4, f"{side}{digits[:place]}{digits[place + 1 :]}"
    for place in range(len(digits) + 1):
        for new in _DIGITS:
            yield 5, f"{side}{digits[:place]}{new}{digits[place:]}"


def _move_point(digits: str) -> Iterator[str]:
    """The number divided by ten and times ten, with as many decimals as before."""
    whole, point, decimals = digits.partition(".")
    if not point:
        return
    smaller = f"0{whole}{decimals}"[: len(whole) + len(decimals)]
    yield _set_point(smaller, len(decimals))
    larger = f"{whole}{decimals}0"
    yield _set_point(larger, len(decimals))


def _set_point(digits: str, decimals: int) -> str:
    whole = digits[:-decimals].lstrip("0") or "0"
    return f"{whole}.{digits[-decimals:]}"


def _is_number(text: str) -> bool:
    digits = text.lstrip("<>= -")
    whole, point, decimals = digits.partition(".")
    if not whole or (point and not decimals):
        return False
    return whole == "0" or not whole.startswith("0")
