"""Which odds ratios are printed, and what is said of the others."""

from __future__ import annotations

import math

__all__ = ["OTHER_UNIT", "exponentiate", "say_open_ends"]

# Of a level, an odds ratio beyond a million says only that the data set no bound: a risk of one half would
# become one in a million, or all but that, which no cohort of patients can show. Of a number it may be the
# unit: the odds ratio of a share, per 1, is easily that large.
LARGEST_OF_LEVEL, LARGEST = 1e6, 1e12
OTHER_UNIT = "an odds ratio per unit is too large or too small to print; use another unit"


def exponentiate(log: float | None, *, is_level: bool = False) -> float | None:
    """Return an odds ratio; None where it is beyond what is printed, of a level a million.

    Examples
    --------
    >>> exponentiate(0.0), exponentiate(13.9, is_level=True), exponentiate(27.7), exponentiate(None)
    (1.0, None, None, None)
    """
    return None if log is None or abs(log) > _largest_log(is_level=is_level) else math.exp(log)


def say_open_ends(low: float | None, high: float | None, *, is_level: bool = False) -> str:
    """Return in words which ends of an interval, given as logs, are beyond what is printed.

    Examples
    --------
    >>> say_open_ends(-0.4, 35.0, is_level=True)
    'no upper limit below 1,000,000'
    >>> say_open_ends(None, 2.0)
    ''
    """
    largest = LARGEST_OF_LEVEL if is_level else LARGEST
    is_open = [log is not None and abs(log) > _largest_log(is_level=is_level) for log in (low, high)]
    words = (f"no lower limit above 1 in {largest:,.0f}", f"no upper limit below {largest:,.0f}")
    return "; ".join(word for word, is_said in zip(words, is_open, strict=True) if is_said)


def _largest_log(*, is_level: bool) -> float:
    return math.log(LARGEST_OF_LEVEL if is_level else LARGEST)
