"""One test of several coefficients at once: of a factor of several levels, of a trend, of a curve's bend."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytopenia.errors import DataError, suggest_name
from cytopenia.stats.likelihood import NO_TOP, Point, Problem, climb
from cytopenia.stats.logistic import lay_out

__all__ = ["JointTest", "compare_problem", "compare_terms", "score_levels"]

Numbers = NDArray[np.float64]

RATIOS = {"maximum_likelihood": "likelihood_ratio", "firth": "penalized_likelihood_ratio"}
# A difference of log-likelihoods below this is rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class JointTest:
    """A test that several coefficients are all zero.

    Attributes
    ----------
    method : str
        `likelihood_ratio` or `penalized_likelihood_ratio`.
    statistic, p_value : float or None
        Of the ratio; chi-squared with `degrees` degrees of freedom.
    wald, wald_p : float or None
        The Wald statistic of the same coefficients and its P, for comparison.
    status, note : str
        `ok` or `not_estimable`; why.
    """

    method: str
    degrees: int
    statistic: float | None
    p_value: float | None
    wald: float | None
    wald_p: float | None
    status: str
    note: str


def compare_terms(
    design: ArrayLike,
    event: ArrayLike,
    *,
    names: Sequence[str],
    tested: Sequence[str],
    method: str = "maximum_likelihood",
) -> JointTest:
    """Return the test that the coefficients of some columns are all zero, the other columns kept.

    Parameters
    ----------
    design, event, names, method
        As in `fit_logistic`.
    tested : sequence of str
        Names of the columns; one degree of freedom each.

    Returns
    -------
    JointTest
        Not estimable where the model is, separation included.

    Raises
    ------
    DataError
        As `fit_logistic`; or `tested` is empty, repeats a name or names no column.

    Notes
    -----
    Maximum likelihood: twice the difference of the log-likelihoods, same as `anova(small, large, test =
    "Chisq")` of two `glm` in R 4.2. Firth: the penalty of all columns stays where the tested coefficients are
    zero, as in `logistftest` of R's logistf, so that the test of one column is that of its term. Wald: same
    as `anova` of R's rms 6.5.

    References
    ----------
    Heinze and Schemper, Statistics in Medicine 2002;21:2409-2419. DOI 10.1002/sim.1047.

    Examples
    --------
    >>> above = [1] * 26 + [0] * 13 + [1] * 4 + [0] * 17
    >>> recovered = [1] * 39 + [0] * 21
    >>> found = compare_terms(np.array([above]).T, recovered, names=["x"], tested=["x"])
    >>> round(found.statistic, 2), found.degrees
    (13.08, 1)
    """
    if not tested or len(set(tested)) < len(tested):
        raise DataError("tested: name at least one column, each once")
    for name in tested:
        if name not in names:
            raise DataError(f"tested: unknown column '{name}'{suggest_name(name, names)}")
    problem, reason = lay_out(design, event, names=names, method=method)
    places = [list(names).index(name) + 1 for name in tested]
    return compare_problem(problem, places, method=RATIOS[method], reason=reason)


def compare_problem(
    problem: Problem | None, places: Sequence[int], *, method: str, reason: str = ""
) -> JointTest:
    """Return the test that the inner weights at some places are all zero.

    Parameters
    ----------
    problem : Problem or None
        None where nothing can be estimated; `reason` says why.
    places : sequence of int
    method : str
        What the ratio is called.
    reason : str
    """
    degrees = len(places)
    best = None if problem is None else climb(problem)
    if problem is None or best is None:
        return JointTest(method, degrees, None, None, None, None, "not_estimable", reason or NO_TOP)
    free = np.delete(np.eye(len(best.weights)), list(places), axis=1)
    origins = [best.weights, problem.start]
    tops = [climb(problem, _leave(origin, best, list(places)), free) for origin in origins]
    tops = [top for top in tops if top is not None]
    wald = _measure_wald(best, list(places))
    if not tops:
        note = "the fit without the tested columns did not converge"
        return JointTest(method, degrees, None, None, wald, _find_p(wald, degrees), "not_estimable", note)
    ratio = 2.0 * (best.log_likelihood - max(top.log_likelihood for top in tops))
    if ratio < -ROUNDING:
        return JointTest(method, degrees, None, None, None, None, "not_estimable", NO_TOP)
    ratio = max(0.0, ratio)
    return JointTest(method, degrees, ratio, _find_p(ratio, degrees), wald, _find_p(wald, degrees), "ok", "")


def _leave(origin: Numbers, best: Point, places: list[int]) -> Numbers:
    """Where to begin without some weights: the others move as far, to first order, as makes up for it."""
    others = [place for place in range(len(origin)) if place not in places]
    start = origin.copy()
    start[places] = 0.0
    block = best.information[np.ix_(others, others)]
    start[others] += np.linalg.solve(block, best.information[np.ix_(others, places)] @ origin[places])
    return start


def _measure_wald(best: Point, places: list[int]) -> float:
    covariance = np.linalg.inv(best.information)[np.ix_(places, places)]
    weights = best.weights[places]
    return float(weights @ np.linalg.solve(covariance, weights))


def _find_p(statistic: float, degrees: int) -> float:
    from scipy.special import chdtrc

    return float(chdtrc(degrees, statistic))


def score_levels(values: Sequence[str | None], levels: Sequence[str]) -> Numbers:
    """Return 0, 1, 2, ... for the levels in their order, NaN where a value is missing.

    One step is one level: the trend is linear in the number of the level, whatever its name.

    Raises
    ------
    DataError
        A value is no level.

    Examples
    --------
    >>> score_levels(["high", "low", None], ["low", "middle", "high"]).tolist()
    [2.0, 0.0, nan]
    """
    places = {level: float(place) for place, level in enumerate(levels)}
    unknown = sorted({value for value in values if value is not None and value not in places})
    if unknown:
        raise DataError(f"levels: {len(unknown)} values are no level; allowed: {', '.join(levels)}")
    return np.array([np.nan if value is None else places[value] for value in values], dtype=np.float64)
