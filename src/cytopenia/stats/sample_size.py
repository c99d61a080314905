"""How many patients a prediction model needs, and how many parameters patients can afford."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cytopenia.errors import DataError

__all__ = [
    "ModelSize",
    "convert_c_statistic",
    "convert_nagelkerke",
    "count_affordable_parameters",
    "plan_model_size",
]

# Nodes at which the two normal distributions of the linear predictor are integrated.
NODES = 200
STANDARD_NORMAL_95 = 1.96


@dataclass(frozen=True)
class ModelSize:
    """The size that a prediction model needs, criterion by criterion.

    Attributes
    ----------
    shrinkage, optimism, overall_risk : int
        Patients needed so that coefficients shrink by no more than asked, so that Nagelkerke's R2 is not
        overstated by more than asked, and so that the overall risk is estimated within the margin asked.
    patients : int
        The largest of the three.
    events : float
        Patients times prevalence.
    events_per_parameter : float
    """

    shrinkage: int
    optimism: int
    overall_risk: int
    patients: int
    events: float
    events_per_parameter: float


def plan_model_size(
    parameters: int,
    *,
    prevalence: float,
    r2: float,
    shrinkage: float = 0.9,
    r2_margin: float = 0.05,
    risk_margin: float = 0.05,
) -> ModelSize:
    """Return the patients needed to develop a logistic prediction model.

    Parameters
    ----------
    parameters : int
        Candidate parameters: every column that was or will be looked at, chosen or not.
    prevalence : float
        Share with the event, between 0 and 1.
    r2 : float
        The expected R2 of Cox and Snell, adjusted for optimism; see `convert_nagelkerke` and
        `convert_c_statistic`.
    shrinkage, r2_margin, risk_margin : float
        What is asked; the values that Riley et al. recommend.

    Returns
    -------
    ModelSize

    Raises
    ------
    DataError
        A number is outside its range; the message gives the largest R2 that the prevalence allows.

    Notes
    -----
    Same as `pmsampsize(type = "b", csrsquared =, parameters =, prevalence =)` 1.1.3 of R.

    References
    ----------
    Riley et al., Statistics in Medicine 2019;38:1276-1296. DOI 10.1002/sim.7992.
    Riley et al., BMJ 2020;368:m441. DOI 10.1136/bmj.m441.

    Examples
    --------
    The documented example of pmsampsize:

    >>> plan_model_size(24, prevalence=0.174, r2=0.288).patients
    662
    """
    _require_ranges(parameters=parameters, prevalence=prevalence, r2=r2, shrinkage=shrinkage)
    by_shrinkage = math.ceil(parameters / _spend(r2, shrinkage))
    by_optimism = math.ceil(parameters / _spend(r2, _shrink_for_margin(r2, prevalence, r2_margin)))
    by_risk = math.ceil((STANDARD_NORMAL_95 / risk_margin) ** 2 * prevalence * (1.0 - prevalence))
    patients = max(by_shrinkage, by_optimism, by_risk)
    events = patients * prevalence
    return ModelSize(by_shrinkage, by_optimism, by_risk, patients, events, events / parameters)


def count_affordable_parameters(
    patients: int, *, prevalence: float, r2: float, shrinkage: float = 0.9, r2_margin: float = 0.05
) -> float:
    """Return how many candidate parameters so many patients can afford; a share of one is no parameter.

    Parameters are those of `plan_model_size`, whose first two criteria are turned around; the third does not
    depend on the number of parameters.

    Examples
    --------
    63 patients, a third with the event, and a model that explains a quarter (Nagelkerke):

    >>> r2 = convert_nagelkerke(0.25, prevalence=1 / 3)
    >>> round(count_affordable_parameters(63, prevalence=1 / 3, r2=r2), 1)
    1.4
    """
    _require_ranges(parameters=1, prevalence=prevalence, r2=r2, shrinkage=shrinkage)
    if patients < 1:
        raise DataError(f"patients: {patients}; must be at least 1")
    margin = _shrink_for_margin(r2, prevalence, r2_margin)
    return patients * min(_spend(r2, shrinkage), _spend(r2, margin))


def convert_nagelkerke(r2: float, *, prevalence: float) -> float:
    """Return R2 of Cox and Snell for Nagelkerke's, which is scaled so that 1 is the most a model can reach.

    Examples
    --------
    >>> round(convert_nagelkerke(1.0, prevalence=0.5), 4)
    0.75
    """
    if not 0 < prevalence < 1 or not 0 < r2 <= 1:
        raise DataError(
            f"r2, prevalence: got {r2:g} and {prevalence:g}; R2 must lie above 0 and at most at 1,"
            " the prevalence between 0 and 1"
        )
    return r2 * _find_largest_r2(prevalence)


def convert_c_statistic(c_statistic: float, *, prevalence: float) -> float:
    """Return R2 of Cox and Snell for a reported area under the ROC curve.

    Parameters
    ----------
    c_statistic : float
        Above 0.5, below 1.
    prevalence : float

    Notes
    -----
    The linear predictor is taken as normal with the same spread with and without the event, as Riley et al.
    do with a million random numbers; here it is integrated, so that the answer is always the same.

    References
    ----------
    Riley, Van Calster and Collins, Statistics in Medicine 2021;40:859-864. DOI 10.1002/sim.8806.

    Examples
    --------
    >>> round(convert_c_statistic(0.8, prevalence=0.35), 2)
    0.24
    """
    from scipy.special import ndtri

    if not 0.5 < c_statistic < 1 or not 0 < prevalence < 1:
        raise DataError(
            f"c_statistic, prevalence: got {c_statistic:g} and {prevalence:g}; the first must lie"
            " between 0.5 and 1, the second between 0 and 1"
        )
    shift = math.sqrt(2.0) * float(ndtri(c_statistic))
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    # With equal spreads the log odds are a line in the predictor: slope `shift`, through the middle.
    start = math.log(prevalence / (1.0 - prevalence)) - shift**2 / 2.0
    with_event = -np.logaddexp(0.0, -(start + shift * (nodes + shift)))
    without = -np.logaddexp(0.0, start + shift * nodes)
    height = prevalence * float(weights @ with_event) + (1.0 - prevalence) * float(weights @ without)
    return 1.0 - math.exp(-2.0 * (height - _find_empty_height(prevalence)))


def _find_empty_height(prevalence: float) -> float:
    """The log likelihood per patient of a model that gives everybody the overall risk."""
    return prevalence * math.log(prevalence) + (1.0 - prevalence) * math.log(1.0 - prevalence)


def _find_largest_r2(prevalence: float) -> float:
    return 1.0 - math.exp(2.0 * _find_empty_height(prevalence))


def _shrink_for_margin(r2: float, prevalence: float, margin: float) -> float:
    """The shrinkage at which Nagelkerke's R2 is overstated by the margin."""
    return r2 / (r2 + margin * _find_largest_r2(prevalence))


def _spend(r2: float, shrinkage: float) -> float:
    """Parameters per patient at a shrinkage."""
    return (shrinkage - 1.0) * math.log(1.0 - r2 / shrinkage)


def _require_ranges(*, parameters: int, prevalence: float, r2: float, shrinkage: float) -> None:
    wrong: list[str] = []
    if parameters < 1:
        wrong.append(f"parameters: {parameters}; must be at least 1")
    if not 0 < prevalence < 1:
        wrong.append(f"prevalence: {prevalence:g}; must lie between 0 and 1")
    else:
        largest = _find_largest_r2(prevalence)
        if not 0 < r2 < largest:
            wrong.append(f"r2: {r2:g}; must lie above 0 and below {largest:.3f}, the most at this prevalence")
    if not 0 < shrinkage < 1:
        wrong.append(f"shrinkage: {shrinkage:g}; must lie between 0 and 1")
    elif r2 >= shrinkage:
        wrong.append(f"r2: {r2:g}; must lie below the shrinkage, {shrinkage:g}")
    if wrong:
        raise DataError("; ".join(wrong))
