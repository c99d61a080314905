"""A printed text against a number: rounded, cut off, below a limit, or the other side of a cut.

Everything is decimal arithmetic on the printed text. A float is taken at 15 significant digits, so that
0.285 is 0.285 and not the nearest binary fraction.
"""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import Literal

__all__ = [
    "AGREES",
    "BY_TRUNCATION",
    "DIFFERS",
    "LABEL_CONTRADICTS",
    "NOT_COMPUTED",
    "VERDICTS",
    "Verdict",
    "flip_side",
    "is_significant",
    "judge_label",
    "judge_number",
    "judge_range",
    "read_decimal",
    "show_number",
    "show_p_value",
]

Verdict = Literal[
    "agrees", "agrees by truncation", "agrees but the printed label contradicts", "not computed", "differs"
]
# The mildest first: of several parts the worst decides.
AGREES, BY_TRUNCATION, LABEL_CONTRADICTS, NOT_COMPUTED, DIFFERS = VERDICTS = (
    "agrees",
    "agrees by truncation",
    "agrees but the printed label contradicts",
    "not computed",
    "differs",
)

_HALVES = (ROUND_HALF_UP, ROUND_HALF_EVEN)
_CONTEXT = Context(prec=400)  # every digit of the largest float, with decimals to spare
_LABEL = re.compile(r"(<=|>=|<|>)\s*(-?[0-9]+(?:\.[0-9]+)?)")
_FLIPPED = {"<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def read_decimal(value: Decimal | float) -> Decimal:
    """Return a float at 15 significant digits; a Decimal stays as it is.

    Examples
    --------
    >>> read_decimal(0.1 + 0.2)
    Decimal('0.3')
    """
    return value if isinstance(value, Decimal) else Decimal(format(value, ".15g"))


def judge_number(printed: str, value: Decimal | float) -> Verdict:
    """Return whether a number agrees with a printed text.

    Parameters
    ----------
    printed : str
        A plain number, or a limit such as "<0.001", which only has to hold.
    value : Decimal or float

    Returns
    -------
    "agrees" if the number rounds (half up or half to even) to the printed digits, "agrees by truncation" if
    only cutting it off there gives the print, else "differs".

    Examples
    --------
    >>> judge_number("76.19", 100 * 48 / 63), judge_number("71.42", 100 * 45 / 63)
    ('agrees', 'agrees by truncation')
    >>> judge_number("<0.001", 0.0004), judge_number("0.001", 0.0004)
    ('agrees', 'differs')
    """
    number = read_decimal(value)
    side, digits = _split(printed)
    if side:
        return AGREES if _holds(number, side, Decimal(digits)) else DIFFERS
    if any(_round(number, digits, how) == Decimal(digits) for how in _HALVES):
        return AGREES
    return BY_TRUNCATION if _round(number, digits, ROUND_DOWN) == Decimal(digits) else DIFFERS


def judge_range(low: str, high: str, value: Decimal | float) -> tuple[Verdict, str]:
    """Return whether a number, at the printed digits, lies in a printed range, and the number so shown.

    Examples
    --------
    >>> judge_range("0.7", "0.9", 0.66), judge_range("0.7", "0.9", 0.96)
    (('agrees', '0.7'), ('agrees by truncation', '1.0'))
    """
    number = read_decimal(value)
    finest = min(low, high, key=lambda text: Decimal(text).as_tuple().exponent)
    ways = (*_HALVES, ROUND_DOWN)
    inside = [how for how in ways if Decimal(low) <= _round(number, finest, how) <= Decimal(high)]
    verdict = DIFFERS if not inside else BY_TRUNCATION if inside == [ROUND_DOWN] else AGREES
    return verdict, show_number(number, finest)


def judge_label(printed: str, generated: str) -> tuple[Verdict, str]:
    """Return whether two texts name the same side of the same cut, and the second with the printed digits.

    "<" and "<=" are one side, ">" and ">=" the other.

    Examples
    --------
    >>> judge_label(">114.50", ">= 114.5"), judge_label("<2.29", ">= 2.29")
    (('agrees', '>=114.50'), ('agrees but the printed label contradicts', '>=2.29'))
    >>> judge_label("<2.29", "high")
    ('not computed', '')
    """
    found = _LABEL.fullmatch(generated)
    if not found:
        return NOT_COMPUTED, ""
    side, digits = _split(printed)
    verdict = judge_number(digits, Decimal(found[2]))
    shown = f"{found[1]}{show_number(Decimal(found[2]), digits)}"
    if verdict != DIFFERS and side[0] != found[1][0]:
        return LABEL_CONTRADICTS, shown
    return verdict, shown


def flip_side(label: str) -> str:
    """Return the other side of a cut; a text that is no side stays as it is.

    Examples
    --------
    >>> flip_side(">= 2.29"), flip_side("high")
    ('< 2.29', 'high')
    """
    found = _LABEL.fullmatch(label)
    return f"{_FLIPPED[found[1]]} {found[2]}" if found else label


def is_significant(printed: str, level: Decimal) -> bool:
    """Return whether a printed P value lies below the level; a limit counts as far as it reaches.

    Examples
    --------
    >>> [is_significant(text, Decimal("0.05")) for text in ("0.023", "<0.05", "0.05", ">0.05")]
    [True, True, False, False]
    """
    side, digits = _split(printed)
    return Decimal(digits) <= level if side == "<" else Decimal(digits) < level


def show_number(number: Decimal, printed: str) -> str:
    """Return a number with as many decimals as the printed one; a half is rounded the way that agrees.

    Examples
    --------
    >>> (
    ...     show_number(Decimal("71.4286"), "71.42"),
    ...     show_number(Decimal("2.5"), "2"),
    ...     show_number(Decimal(4), "1.0"),
    ... )
    ('71.43', '2', '4.0')
    """
    side, digits = _split(printed)
    if side and _holds(number, side, Decimal(digits)):
        return printed
    ways = [_round(number, digits, how) for how in _HALVES]
    return format(next((way for way in ways if way == Decimal(digits)), ways[0]), "f")


def show_p_value(number: Decimal, printed: str) -> str:
    """Return a P value with the printed digits; one that rounds to zero as below the last digit.

    Examples
    --------
    >>> show_p_value(Decimal("0.0163"), "0.016"), show_p_value(Decimal("0.0000231"), "0.016")
    ('0.016', '<0.001')
    """
    shown = show_number(number, printed)
    if Decimal(_split(shown)[1]) or not number:
        return shown
    last = Decimal(1).scaleb(int(Decimal(_split(printed)[1]).as_tuple().exponent))
    return f"<{format(last, 'f')}"


def _split(printed: str) -> tuple[str, str]:
    """The sign before a number, and its digits."""
    digits = printed.lstrip("<>= ")
    return printed[: len(printed) - len(digits)].strip(), digits


def _holds(number: Decimal, side: str, limit: Decimal) -> bool:
    if number == limit:
        return "=" in side
    return (number < limit) == side.startswith("<")


def _round(number: Decimal, printed: str, how: str) -> Decimal:
    """The number with as many decimals as the printed one."""
    return number.quantize(Decimal(printed), rounding=how, context=_CONTEXT)
