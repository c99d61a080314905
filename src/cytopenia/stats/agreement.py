"""How far two yes/no answers about the same patients agree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

__all__ = ["Agreement", "estimate_agreement"]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Two answers side by side; None where a number does not exist.

    Attributes
    ----------
    n : int
        Patients with both answers.
    percent : float or None
        Of these, those with the same answer.
    positive, negative : float or None
        Percent agreement about yes, and about no: of all answers of that kind, those that the other shares.
    kappa, kappa_error, kappa_low, kappa_high : float or None
        Cohen's kappa, its standard error, and its limits, which never lie beyond -1 and 1.
    kappa_note : str
        Why there is no kappa, or no limits.
    """

    n: int
    percent: float | None
    positive: float | None
    negative: float | None
    kappa: float | None
    kappa_error: float | None
    kappa_low: float | None
    kappa_high: float | None
    kappa_note: str


def estimate_agreement(
    *, both: int, only_first: int, only_second: int, neither: int, level: float = 0.95
) -> Agreement:
    """Return percent agreement, agreement about yes and about no, and Cohen's kappa with its interval.

    Parameters
    ----------
    both, only_first, only_second, neither : int
        Patients with yes under both, under one, under none.
    level : float
        Of the interval: kappa plus and minus so many standard errors (Fleiss, Cohen and Everitt).

    Notes
    -----
    Kappa does not exist where both give every patient the same answer. Where all agree, all differ, or one
    side gives every patient the same answer, the standard error is 0 for want of information; there are no
    limits then, and the note says why.

    References
    ----------
    Cohen J, Educ Psychol Meas 1960;20:37-46. Fleiss JL, Cohen J, Everitt BS, Psychol Bull 1969;72:323-327.

    Examples
    --------
    >>> found = estimate_agreement(both=20, only_first=5, only_second=10, neither=15)
    >>> found.percent, round(found.kappa, 3)
    (70.0, 0.4)
    """
    n = both + only_first + only_second + neither
    differing = only_first + only_second
    first, second = both + only_first, both + only_second
    # n times n times the agreement expected by chance: whole numbers, so equality is exact.
    chance = first * second + (n - first) * (n - second)
    is_defined = n > 0 and chance < n * n
    kappa = (n * (both + neither) - chance) / (n * n - chance) if is_defined else None
    note = _explain(n, differing, is_defined=is_defined, is_constant={first, second} & {0, n} != set())
    error = low = high = None
    if kappa is not None and not note:
        cells = ((both / n, only_first / n), (only_second / n, neither / n))
        error = _find_error(cells, kappa, n)
        reach = NormalDist().inv_cdf((1 + level) / 2) * error
        low, high = max(-1.0, kappa - reach), min(1.0, kappa + reach)
    return Agreement(
        n=n,
        percent=100 * (both + neither) / n if n else None,
        positive=_share(both, differing),
        negative=_share(neither, differing),
        kappa=kappa,
        kappa_error=error,
        kappa_low=low,
        kappa_high=high,
        kappa_note=note,
    )


def _share(shared: int, differing: int) -> float | None:
    answers = 2 * shared + differing
    return 200 * shared / answers if answers else None


def _explain(n: int, differing: int, *, is_defined: bool, is_constant: bool) -> str:
    """Why there is no kappa or no interval; empty where there are both."""
    if not n:
        return "no patient is evaluable under both"
    if not is_defined:
        return "every patient has the same answer under both"
    if is_constant:
        return "one side gives every patient the same answer, so kappa is 0 whatever the agreement"
    if differing in (0, n):
        return f"no limits: {'every' if differing else 'no'} patient differs"
    return ""


def _find_error(cells: tuple[tuple[float, float], tuple[float, float]], kappa: float, n: int) -> float:
    """Return the large-sample standard error of kappa where it need not be 0."""
    rows = [sum(row) for row in cells]
    columns = [sum(column) for column in zip(*cells, strict=True)]
    expected = sum(row * column for row, column in zip(rows, columns, strict=True))
    rest = 1 - kappa
    agreeing = sum(cells[i][i] * (1 - (rows[i] + columns[i]) * rest) ** 2 for i in (0, 1))
    differing = rest**2 * sum(cells[i][1 - i] * (columns[i] + rows[1 - i]) ** 2 for i in (0, 1))
    variance = (agreeing + differing - (kappa - expected * rest) ** 2) / (n * (1 - expected) ** 2)
    return math.sqrt(max(0.0, variance))
