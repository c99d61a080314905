"""Whether hazards are proportional: the score test of a coefficient that changes over time."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.stats.cox import fit_cox
from cytopenia.stats.event_times import EventTimes, require_event_times
from cytopenia.stats.hazards import MONOTONE, NO_TOP, USE_FIRTH, require_columns
from cytopenia.stats.kaplan_meier import estimate_survival
from cytopenia.stats.separation import scale_columns

__all__ = ["GLOBAL", "ProportionalityTest", "check_proportional_hazards"]

Numbers = NDArray[np.float64]

GLOBAL = "global"
ONLY_PLAIN = "the test exists for maximum likelihood only"


@dataclass(frozen=True)
class ProportionalityTest:
    """The test of one term, or of all; None where not estimable.

    Attributes
    ----------
    name : str
        The term, or `global`.
    statistic, p_value : float or None
        Chi-squared with `df` degrees of freedom.
    status, note : str
        `ok` or `not_estimable`, and why.
    """

    name: str
    statistic: float | None
    df: int
    p_value: float | None
    status: str = "ok"
    note: str = ""


def check_proportional_hazards(
    time: ArrayLike, event: ArrayLike, design: ArrayLike, *, names: Sequence[str]
) -> tuple[ProportionalityTest, ...]:
    """Return the test of each term of a Cox model, and of all of them at the end.

    Parameters
    ----------
    time : array of float
    event : array of 0 and 1
    design : array of float, rows by columns
        As for `fit_cox`.
    names : sequence of str
        Of the columns; columns of one name, such as the levels of a factor, are one term.

    Raises
    ------
    DataError

    Notes
    -----
    Same as `cox.zph(coxph(...), transform = "km")` of R's survival 3.x: the score test of an interaction of
    each column with 1 - S(t-), S by Kaplan and Meier, at the fit with Efron's ties. statsmodels has
    Schoenfeld residuals only, which give the approximate test that R left with version 3.0.

    References
    ----------
    Grambsch and Therneau, Biometrika 1994;81:515-526. DOI 10.1093/biomet/81.3.515.

    Examples
    --------
    >>> time, event = [6, 7, 10, 15, 19, 25], [1, 0, 1, 1, 0, 1]
    >>> found = check_proportional_hazards(time, event, [[1], [0], [1], [0], [0], [1]], names=["placebo"])
    >>> [(one.name, one.df) for one in found]
    [('placebo', 1), ('global', 1)]
    """
    sample = require_event_times(time, event)
    columns = require_columns(design, names, sample.time.size)
    terms = list(dict.fromkeys(names))
    fit = fit_cox(time, event, columns, names=names)
    sizes = [*(list(names).count(term) for term in terms), len(names)]
    if fit.status != "ok":
        # Firth's method may have estimated the model that this test refuses.
        is_own = fit.note.startswith(MONOTONE) or fit.note == NO_TOP
        why = f"{ONLY_PLAIN}; {fit.note.removesuffix(USE_FIRTH)}" if is_own else fit.note
        return tuple(
            ProportionalityTest(term, None, size, None, "not_estimable", why)
            for term, size in zip([*terms, GLOBAL], sizes, strict=True)
        )
    scaled, _, spreads = scale_columns(columns)
    logs = [0.0 if term.coefficient is None else term.coefficient for term in fit.terms]
    score, information = _sum_scores(sample, scaled, np.array(logs) * spreads)
    k = len(names)
    chosen = [[place for place, name in enumerate(names) if name == term] for term in terms]
    return tuple(
        _test(term, score, information, [*range(k), *(place + k for place in places)], k)
        for term, places in zip([*terms, GLOBAL], [*chosen, list(range(k))], strict=True)
    )


def _test(name: str, score: Numbers, information: Numbers, kept: list[int], k: int) -> ProportionalityTest:
    from scipy.stats import chi2

    df = len(kept) - k
    inner = information[np.ix_(kept, kept)]
    if np.linalg.matrix_rank(inner) < len(kept):
        why = "too few different times of events"
        return ProportionalityTest(name, None, df, None, "not_estimable", why)
    # At the fit the score of the coefficients themselves is 0.
    slope = np.where(np.arange(score.size) < k, 0.0, score)[kept]
    statistic = float(slope @ np.linalg.solve(inner, slope))
    return ProportionalityTest(name, statistic, df, float(chi2.sf(statistic, df)))


def _sum_scores(sample: EventTimes, columns: Numbers, weights: Numbers) -> tuple[Numbers, Numbers]:
    """Score and information of the coefficients and of their interactions with time, by Efron's ties."""
    curve = estimate_survival(sample.time, sample.code)
    moved = 1.0 - np.concatenate([[1.0], curve.estimate[:-1]])
    moved = moved - float(np.average(moved, weights=curve.events))
    risk = np.exp(columns @ weights)
    k = columns.shape[1]
    score, information = np.zeros(2 * k), np.zeros((2 * k, 2 * k))
    for step in np.flatnonzero(curve.events):
        at_risk = sample.place >= step
        tied = (sample.place == step) & (sample.code == 1)
        d = int(tied.sum())
        for share in np.arange(d) / d:
            load = risk * (at_risk - share * tied)
            load = load / load.sum()
            mean = load @ columns
            spread = columns.T @ (columns * load[:, np.newaxis]) - np.outer(mean, mean)
            rest = columns[tied].mean(axis=0) - mean
            score += np.concatenate([rest, moved[step] * rest])
            information += np.kron(np.array([[1.0, moved[step]], [moved[step], moved[step] ** 2]]), spread)
    return score, information
