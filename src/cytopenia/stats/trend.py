"""Tests over more than two groups: in the order of their levels, or without an order."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError
from cytopenia.stats.compare import Comparison, drop_missing, require_counts

__all__ = ["compare_ordered_counts", "compare_ordered_groups", "compare_several"]

Numbers = NDArray[np.float64]
COCHRAN_ARMITAGE, KRUSKAL_WALLIS = "cochran_armitage", "kruskal_wallis"
JONCKHEERE_TERPSTRA = "jonckheere_terpstra"
SIDES = 2


def compare_ordered_counts(table: ArrayLike, *, scores: Sequence[float] | None = None) -> Comparison:
    """Return the two-sided Cochran-Armitage test for trend of a proportion over ordered levels.

    Parameters
    ----------
    table : array of int, one row per level in its order, with and without the event
        A level without patients has no weight; the others keep their scores.
    scores : sequence of float, optional
        One number per level; 1, 2, 3, ... by default.

    Returns
    -------
    Comparison
        The statistic is chi-squared with one degree of freedom. Not estimable: fewer than two levels with
        patients, or nobody or everybody with the event.

    Raises
    ------
    DataError
        The table is not one of whole numbers in two columns; the scores do not fit, or do not differ.

    Notes
    -----
    Same as `prop.trend.test(event, n, score)` of R 4.2 to 1e-9: the variance has n and not n - 1 in it, and
    there is no continuity correction. (`Table.test_ordinal_association` of statsmodels divides by n - 1.)

    References
    ----------
    Cochran, Biometrics 1954;10:417-451. Armitage, Biometrics 1955;11:375-386. DOI 10.2307/3001775.

    Examples
    --------
    >>> found = compare_ordered_counts([[1, 18], [13, 27], [1, 3]])
    >>> round(found.statistic, 4), round(found.p_value, 4)
    (3.619, 0.0571)
    """
    counts = require_counts(table)
    if counts.shape[1] != SIDES:
        raise DataError(f"table: {counts.shape[1]} columns; give those with and without the event")
    score = _require_scores(scores, counts.shape[0])
    sizes = counts.sum(axis=1)
    n, events = int(sizes.sum()), int(counts[:, 0].sum())
    reason = _explain_no_trend(sizes, events)
    if reason:
        return Comparison(COCHRAN_ARMITAGE, None, None, None, None, n, "not_estimable", reason)
    share = events / n
    centered = score - float(sizes @ score) / n
    slope = float((counts[:, 0] - sizes * share) @ centered)
    statistic = slope**2 / (share * (1 - share) * float(sizes @ centered**2))
    p_value = math.erfc(math.sqrt(statistic / 2))
    return Comparison(COCHRAN_ARMITAGE, statistic, p_value, None, None, n, "ok", "")


def _require_scores(scores: Sequence[float] | None, levels: int) -> Numbers:
    found = np.arange(1.0, levels + 1) if scores is None else np.asarray(scores, dtype=np.float64)
    if found.shape != (levels,) or not np.all(np.isfinite(found)):
        raise DataError(f"scores: {found.size} for {levels} levels; give one number for each")
    if levels > 1 and np.ptp(found) == 0:
        raise DataError("scores: all levels have the same score; give each level its own")
    return found


def _explain_no_trend(sizes: NDArray[np.int64], events: int) -> str:
    if not sizes.sum():
        return "the table is empty"
    if (sizes > 0).sum() < SIDES:
        return "only one level has patients"
    if not events:
        return "nobody has the event"
    return "everybody has the event" if events == sizes.sum() else ""


def compare_several(groups: Sequence[ArrayLike]) -> Comparison:
    """Return the Kruskal-Wallis test of a number over several groups; NaN is missing and not counted.

    Groups without a value are left out, as missing levels are in R. Same as `kruskal.test` of R 4.2 to 1e-9:
    chi-squared approximation, corrected for ties.

    Returns
    -------
    Comparison
        The statistic is chi-squared, with one degree of freedom less than groups. Not estimable: fewer than
        two groups with a value, or all values equal.

    References
    ----------
    Kruskal and Wallis, Journal of the American Statistical Association 1952;47:583-621.

    Examples
    --------
    >>> found = compare_several([[2.9, 3.0, 2.5, 2.6, 3.2], [3.8, 2.7, 4.0, 2.4], [2.8, 3.4, 3.7, 2.2, 2.0]])
    >>> round(found.statistic, 4), round(found.p_value, 4)
    (0.7714, 0.68)
    """
    samples = [sample for sample in map(drop_missing, groups) if sample.size]
    n = sum(sample.size for sample in samples)
    reason = _explain_no_ranks(samples)
    if reason:
        return Comparison(KRUSKAL_WALLIS, None, None, None, None, n, "not_estimable", reason)
    from scipy.stats import kruskal

    result = kruskal(*samples)
    return Comparison(KRUSKAL_WALLIS, float(result.statistic), float(result.pvalue), None, None, n, "ok", "")


def compare_ordered_groups(groups: Sequence[ArrayLike]) -> Comparison:
    """Return the two-sided Jonckheere-Terpstra test of a number over groups in their order; NaN is missing.

    Returns
    -------
    Comparison
        The statistic is z: above 0 the number rises with the order of the groups. Not estimable: fewer than
        two groups with a value, or all values equal.

    Notes
    -----
    Normal approximation with ties of both in the variance, no continuity correction. Against groups in order
    it is Kendall's test of number and group: same as `cor.test(value, group, method = "kendall", exact =
    FALSE)` of R 4.2 to 1e-9.

    References
    ----------
    Jonckheere, Biometrika 1954;41:133-145. DOI 10.1093/biomet/41.1-2.133.
    Kendall, Rank Correlation Methods, 4th edition 1970, chapter 5.

    Examples
    --------
    >>> found = compare_ordered_groups([[1, 2, 3], [2, 4, 5], [6, 7, 9]])
    >>> round(found.statistic, 4), round(found.p_value, 4)
    (2.6791, 0.0074)
    """
    samples = [drop_missing(group) for group in groups]
    n = sum(sample.size for sample in samples)
    reason = _explain_no_ranks([sample for sample in samples if sample.size])
    if reason:
        return Comparison(JONCKHEERE_TERPSTRA, None, None, None, None, n, "not_estimable", reason)
    from scipy.special import ndtri
    from scipy.stats import kendalltau

    places = np.repeat(np.arange(len(samples)), [sample.size for sample in samples])
    tau, p_value = np.asarray(
        kendalltau(places, np.concatenate(samples), method="asymptotic"), dtype=np.float64
    ).tolist()
    size = -float(ndtri(p_value / 2)) if p_value else math.inf
    statistic = math.copysign(size, tau) if math.isfinite(size) else None
    note = "" if statistic is not None else "P is below the smallest number, so that z cannot be told"
    return Comparison(JONCKHEERE_TERPSTRA, statistic, p_value, None, None, n, "ok", note)


def _explain_no_ranks(samples: Sequence[Numbers]) -> str:
    if len(samples) < SIDES:
        return "fewer than two groups have a value"
    return "all values are equal" if np.unique(np.concatenate(samples)).size == 1 else ""
