"""The numbers that print as a given text: rounded to its last digit, or cut off there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from cytopenia.errors import DataError

__all__ = [
    "CONVENTIONS",
    "Convention",
    "PrintedBounds",
    "bound_number",
    "can_be_at_most",
    "count_decimals",
]

Convention = Literal["rounded", "truncated"]
CONVENTIONS: tuple[Convention, ...] = get_args(Convention)

_PRINTED = re.compile(r"(<=|>=|<|>)?\s*(-?[0-9]+(?:\.[0-9]+)?)")
_INFINITE = Decimal("Infinity")


@dataclass(frozen=True)
class PrintedBounds:
    """All numbers that print as one text; an end that is not `closed` is not among them."""

    low: Decimal
    high: Decimal
    closed_low: bool = True
    closed_high: bool = True

    def holds(self, number: Decimal) -> bool:
        """Return whether a number is one of them.

        Examples
        --------
        >>> bound_number("0.05").holds(Decimal("0.0451"))
        True
        """
        above = self.low < number or (self.closed_low and number == self.low)
        below = number < self.high or (self.closed_high and number == self.high)
        return above and below


def bound_number(printed: str, convention: Convention = "rounded") -> PrintedBounds:
    """Return the numbers that print as a text.

    Parameters
    ----------
    printed : str
        A plain number such as "38.660", whose every printed digit counts, or a limit such as "<0.001".
    convention : {"rounded", "truncated"}
        How the last digit was made. Rounded takes both halves, so that half up and half to even print
        alike; truncated goes towards zero.

    Raises
    ------
    DataError
        The text is no number.

    Examples
    --------
    >>> bound = bound_number("0.10")
    >>> bound.low, bound.high
    (Decimal('0.095'), Decimal('0.105'))
    >>> bound = bound_number("23.80", "truncated")
    >>> bound.low, bound.high, bound.closed_high
    (Decimal('23.80'), Decimal('23.81'), False)
    >>> bound_number("<0.001").high
    Decimal('0.001')
    """
    side, digits = _split(printed)
    number = Decimal(digits)
    if side:
        closed = side.endswith("=")
        if side.startswith("<"):
            return PrintedBounds(-_INFINITE, number, closed_high=closed)
        return PrintedBounds(number, _INFINITE, closed_low=closed)
    last = Decimal(1).scaleb(-count_decimals(printed))
    if convention == "rounded":
        return PrintedBounds(number - last / 2, number + last / 2)
    if digits.startswith("-"):
        return PrintedBounds(number - last, number, closed_low=False)
    return PrintedBounds(number, number + last, closed_high=False)


def can_be_at_most(lower: str, upper: str) -> bool:
    """Return whether one printed number may stand for no more than another.

    Rounding and truncation keep the order, so that numbers with as many decimals are compared as they stand.
    With fewer decimals a number stands for a wider range, and the two must only be able to meet.

    Examples
    --------
    >>> can_be_at_most("0.100", "0.099"), can_be_at_most("11.2", "11")
    (False, True)
    """
    if count_decimals(lower) == count_decimals(upper) and not (_split(lower)[0] or _split(upper)[0]):
        return Decimal(lower) <= Decimal(upper)
    ways = [(bound_number(lower, way), bound_number(upper, way)) for way in CONVENTIONS]
    return any(one.low <= other.high for one, other in ways)


def count_decimals(printed: str) -> int:
    """Return how many digits stand behind the point.

    Examples
    --------
    >>> count_decimals("38.660"), count_decimals("<0.001"), count_decimals("11")
    (3, 3, 0)
    """
    return len(_split(printed)[1].partition(".")[2])


def _split(printed: str) -> tuple[str, str]:
    found = _PRINTED.fullmatch(printed.strip())
    if not found:
        allowed = "digits with a decimal point, such as '38.660' or '<0.001'"
        raise DataError(f"{printed!r} is no printed number; allowed: {allowed}")
    return found[1] or "", found[2]
