"""Which odds ratios are printed, and what is said of the others."""

from __future__ import annotations

import math

__all__ = ["OTHER_UNIT", "exponentiate", "say_open_ends"]

# An odds ratio beyond a million says only that the data set no bound: a risk of one half would become one in
# a million, or all but that, which no cohort of patients can show.
LARGEST_LOG = math.log(1e6)
OTHER_UNIT = "an odds ratio per unit is too large or too small to print; use another unit"


def exponentiate(log: float | None) -> float | None:
    """Return an odds ratio; None where it is beyond a million or below one in a million.

    Examples
    --------
    >>> exponentiate(0.0), exponentiate(13.9), exponentiate(None)
    (1.0, None, None)
    """
    return None if log is None or abs(log) > LARGEST_LOG else math.exp(log)


def say_open_ends(low: float | None, high: float | None) -> str:
    """Return in words which ends of an interval, given as logs, are beyond what is printed.

    Examples
    --------
    >>> say_open_ends(-0.4, 35.0)
    'no upper limit below 1,000,000'
    >>> say_open_ends(None, 2.0)
    ''
    """
    is_open = [log is not None and abs(log) > LARGEST_LOG for log in (low, high)]
    words = ("no lower limit above 0.000001", "no upper limit below 1,000,000")
    return "; ".join(word for word, is_said in zip(words, is_open, strict=True) if is_said)
