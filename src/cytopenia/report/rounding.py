"""Rounding as a reader rounds, and how many decimals suit a number: the same in every style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

__all__ = ["LARGE", "choose_decimals", "round_decimal"]

SMALL, LARGE = 10, 1_000


def round_decimal(value: float, decimals: int) -> Decimal:
    """Return the value rounded half away from zero, as a reader rounds the printed decimal number.

    The value is taken at 15 significant digits first, so that 12.25 gives 12.3 and 1.005 gives 1.01
    although neither need be exact in binary. Zero is never negative.

    Examples
    --------
    >>> [str(round_decimal(x, 1)) for x in (12.25, 12.35, -12.25, -0.04)]
    ['12.3', '12.4', '-12.3', '0.0']
    """
    exact = Decimal(format(value, ".15g"))
    rounded = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    return abs(rounded) if rounded == 0 else rounded


def choose_decimals(values: Sequence[float | None]) -> int:
    """Return how many decimals suit numbers printed together; the first one sets the size.

    Two decimals if the first number is below 10, one below 1000, none above, and no more than the
    numbers need: whole numbers stay whole.

    Examples
    --------
    >>> choose_decimals([0.64, 0.02, 2.31]), choose_decimals([58, 23, 79]), choose_decimals([58.5, 23, 79])
    (2, 0, 1)
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return 0
    size = abs(known[0])
    most = 0 if size >= LARGE else 1 if size >= SMALL else 2
    exact = (Decimal(format(value, ".15g")).normalize().as_tuple().exponent for value in known)
    needed = max(max(0, -exponent) for exponent in exact if isinstance(exponent, int))
    return min(most, needed)
