"""Whether one odds ratio is enough for every step of an ordered grade."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.stats.likelihood import Point, climb
from cytopenia.stats.model_tests import JointTest
from cytopenia.stats.ordinal import OrdinalProblem, find_places, find_slopes, lay_out_grades

__all__ = ["assess_proportional_odds"]

Numbers = NDArray[np.float64]


def assess_proportional_odds(
    design: ArrayLike, grade: ArrayLike, *, names: Sequence[str], tested: Sequence[str]
) -> JointTest:
    """Return the score test that some columns have one odds ratio at every step of the grade.

    Parameters
    ----------
    design, grade, names
        As in `fit_ordinal`.
    tested : sequence of str
        Columns whose coefficients may differ from step to step under the alternative.

    Returns
    -------
    JointTest
        `method` "score", (steps - 1) * columns degrees of freedom, no Wald test. Not estimable where the
        model is, with two grades, and where the data cannot tell different odds ratios apart.

    Raises
    ------
    DataError
        As `fit_ordinal`; or `tested` names no column.

    Notes
    -----
    Score and expected information of the model with one coefficient for each step, at the proportional-odds
    estimate: as the score test of SAS PROC LOGISTIC. It needs no fit of the larger model, which few patients
    separate. A large P is no proof of proportional odds; with small counts a small one comes too often.

    References
    ----------
    Peterson and Harrell, Applied Statistics 1990;39:205-217. DOI 10.2307/2347760.

    Examples
    --------
    >>> grade = [0, 1, 2, 0, 1, 2, 0, 2]
    >>> columns = np.array([[1.0, 2, 3, 2, 1, 5, 4, 2]]).T
    >>> assess_proportional_odds(columns, grade, names=["x"], tested=["x"]).degrees
    1
    """
    places = find_places(names, tested)
    problem, grades, reason = lay_out_grades(design, grade, names)
    steps = max(len(np.unique(grades)) - 1, 0)
    degrees = max(steps - 1, 0) * len(places)
    if not reason and not degrees:
        reason = "two grades have one step; one odds ratio is enough"
    best = None if problem is None or reason else climb(problem)
    statistic = None if problem is None or best is None else _score_slopes(problem, best, places)
    if statistic is None:
        reason = reason or "the data cannot tell different odds ratios of the steps apart"
        return JointTest("score", degrees, None, None, None, None, "not_estimable", reason)
    from scipy.special import chdtrc

    return JointTest("score", degrees, statistic, float(chdtrc(degrees, statistic)), None, None, "ok", "")


def _score_slopes(problem: OrdinalProblem, best: Point, places: Sequence[int]) -> float | None:
    """Rao's statistic; None where the information of the larger model is singular."""
    steps, width = problem.steps, problem.columns.shape[1] + 1
    thresholds, eta = best.weights[:steps], problem.columns @ best.weights[steps:]
    rows = np.column_stack([np.ones(len(eta)), -problem.columns])
    score, information = np.zeros((steps, width)), np.zeros((steps, width, steps, width))
    for grade in range(steps + 1):
        found = find_slopes(thresholds, eta, np.full(len(eta), grade))
        # How the log chance of this grade moves with each threshold: with two of them at most.
        moves = np.zeros((len(eta), steps))
        if grade < steps:
            moves[:, grade] = found.upper
        if grade:
            moves[:, grade - 1] = found.lower
        parts = moves[:, :, np.newaxis] * rows[:, np.newaxis, :]
        score += parts[problem.place == grade].sum(axis=0)
        chance = np.exp(found.log_chance)
        information += np.einsum("n,nab,ncd->abcd", chance, parts, parts)
    free = _free_slopes(steps, width, places)
    slope = free.T @ score.ravel()
    whole = free.T @ information.reshape(steps * width, -1) @ free
    scale = 1.0 / np.sqrt(np.maximum(np.diag(whole), np.finfo(np.float64).tiny))
    whole, slope = whole * np.outer(scale, scale), slope * scale
    if np.linalg.cond(whole) > 1.0 / np.sqrt(np.finfo(np.float64).eps):
        return None
    return float(slope @ np.linalg.solve(whole, slope))


def _free_slopes(steps: int, width: int, places: Sequence[int]) -> Numbers:
    """What may vary: thresholds and tested slopes from step to step, the other slopes together."""
    columns: list[Numbers] = []
    for place in range(width):
        marks = np.zeros((steps, steps, width))
        marks[np.arange(steps), np.arange(steps), place] = 1.0
        is_free = place == 0 or place - 1 in places
        columns.extend(marks if is_free else [marks.sum(axis=0)])
    return np.column_stack([column.ravel() for column in columns])
