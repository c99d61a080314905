"""The log-rank test of groups, with the events observed in each and those expected if all were alike."""

# SciPy and statsmodels ship no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cytopenia.stats.event_times import number_groups, require_event_times

__all__ = ["LogRank", "compare_survival"]


@dataclass(frozen=True)
class LogRank:
    """The test with its counts.

    Attributes
    ----------
    statistic, p_value : float or None
        Chi-squared; None where not estimable.
    df : int
        Groups with somebody at risk at some event, less one.
    groups : tuple of str
        In the order of their names; `n`, `observed` and `expected` go with them.
    status, note : str
        `ok` or `not_estimable`, and why.
    """

    statistic: float | None
    p_value: float | None
    df: int
    groups: tuple[str, ...]
    n: tuple[int, ...]
    observed: tuple[int, ...]
    expected: tuple[float, ...]
    status: str = "ok"
    note: str = ""


def compare_survival(time: ArrayLike, event: ArrayLike, group: ArrayLike) -> LogRank:
    """Return the log-rank test of two or more groups.

    Parameters
    ----------
    time : array of float
    event : array of 0 and 1
    group : array of str

    Returns
    -------
    LogRank
        Not estimable with a single group, without an event, or where no event happens while two groups have
        somebody at risk.

    Raises
    ------
    DataError

    Notes
    -----
    Same as `survdiff(Surv(time, event) ~ group)` of R's survival, with its hypergeometric variance. The
    statistic is that of statsmodels; a group in which nobody is at risk at any event adds nothing, and is
    left out, which R does as well.

    References
    ----------
    Mantel, Cancer Chemother Rep 1966;50:163-170. Peto and Peto, J R Stat Soc A 1972;135:185-207.

    Examples
    --------
    >>> found = compare_survival([1, 3, 5, 2, 4, 6], [1, 1, 1, 1, 0, 0], list("aaabbb"))
    >>> found.observed, [round(number, 3) for number in found.expected], round(found.statistic, 3)
    ((3, 1), [1.9, 2.1], 1.222)
    """
    sample = require_event_times(time, event)
    names, numbers = number_groups(group, sample.time.size)
    is_event = sample.code == 1
    all_events = sample.count(is_event)
    at_risk = np.array([sample.count_at_risk(numbers == one) for one in range(len(names))])
    share = all_events / np.maximum(sample.at_risk, 1)
    expected = (at_risk * share).sum(axis=1) if names else np.zeros(0)
    observed = [int((is_event & (numbers == one)).sum()) for one in range(len(names))]
    kept = np.flatnonzero(expected > 0)
    # Somebody of two groups must be at risk together when an event happens.
    is_together = ((at_risk > 0).sum(axis=0) > 1) & (all_events > 0) & (all_events < sample.at_risk)
    note = "there is one group only" if len(names) < 2 else ""
    note = note or ("nobody has the event" if not is_event.any() else "")
    note = note or ("" if is_together.any() else "no event while two groups are followed")
    counts = (tuple(names), tuple(int((numbers == one).sum()) for one in range(len(names))))
    found = (tuple(observed), tuple(float(number) for number in expected))
    if note:
        return LogRank(None, None, max(len(kept) - 1, 0), *counts, *found, "not_estimable", note)
    statistic = _find_statistic(sample.time, sample.code, numbers, kept=kept)
    from scipy.stats import chi2

    df = len(kept) - 1
    return LogRank(statistic, float(chi2.sf(statistic, df)), df, *counts, *found)


def _find_statistic(time: np.ndarray, event: np.ndarray, group: np.ndarray, *, kept: np.ndarray) -> float:
    from statsmodels.duration.survfunc import survdiff

    is_in = np.isin(group, kept)
    statistic, _ = survdiff(time[is_in], event[is_in], group[is_in])
    return float(statistic)
