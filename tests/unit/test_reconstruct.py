"""Joint counts: the counts of each factor stay, and the model is what another program fits to the records."""

# statsmodels ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.discrete.discrete_model import Logit

from cytopenia.errors import DataError
from cytopenia.published.fourfold_tables import PrintedRatio, find_fourfold_tables
from cytopenia.published.reconstruct import JointCohort, Nearness, PrintedFactor, search_joint_counts

# Table III of Qiu et al. 2023 (doi 10.3892/ol.2023.13924): univariable, then multivariable; the lower limit
# of IL-6 is printed as 0.100 above its own estimate and read as 0.010.
PRINTED = {
    "anc": (("11", "3.130", "38.660"), ("14.834", "2.391", "92.051")),
    "hemoglobin": (("8.500", "2.371", "30.466"), ("7.963", "1.323", "47.921")),
    "il6": (("0.107", "0.028", "0.410"), ("0.091", "0.010", "0.802")),
}
ALONE = {"anc": (33, 7), "hemoglobin": (26, 4), "il6": (4, 11)}
GROUPS = (39, 21)


def read_factors() -> list[PrintedFactor]:
    return [
        PrintedFactor(
            name,
            find_fourfold_tables(PrintedRatio(*alone), GROUPS, missing=1).tables[0],
            PrintedRatio(*together),
        )
        for name, (alone, together) in PRINTED.items()
    ]


@pytest.fixture(scope="module")
def cohort() -> JointCohort:
    return search_joint_counts(read_factors(), seed=1, rounds=1, chains=4, near=Nearness(0.3, 0.5))


def test_each_factor_keeps_its_counts(cohort: JointCohort) -> None:
    for column, counts in enumerate(ALONE.values()):
        values = cohort.records[:, column]
        inside = [int((values[part] == 1).sum()) for part in (cohort.is_first, ~cohort.is_first)]
        assert tuple(inside) == counts
    missing = (cohort.records == -1).sum(axis=0).tolist()
    assert missing == [0, 0, 1]
    assert (int(cohort.is_first.sum()), len(cohort.records)) == (39, 60)


def test_the_model_is_that_of_another_program(cohort: JointCohort) -> None:
    complete = (cohort.records >= 0).all(axis=1)
    design = np.column_stack([np.ones(complete.sum()), cohort.records[complete]])
    fit = Logit(cohort.is_first[complete].astype(float), design).fit(disp=0, tol=1e-12)
    limits = np.exp(fit.conf_int())[1:]
    for factor, estimate, ends in zip(cohort.factors, np.exp(fit.params[1:]), limits, strict=True):
        assert (factor.odds_ratio, factor.low, factor.high) == pytest.approx((estimate, *ends), rel=1e-6)


def test_how_far_it_is_from_the_print(cohort: JointCohort) -> None:
    for factor, (_, together) in zip(cohort.factors, PRINTED.values(), strict=True):
        estimate, low, high = map(float, together)
        assert factor.estimate_off == pytest.approx(abs(factor.odds_ratio / estimate - 1))
        off = max(abs(factor.low / low - 1), abs(factor.high / high - 1))
        assert factor.limit_off == pytest.approx(off)
    near = [factor.estimate_off <= 0.3 and factor.limit_off <= 0.5 for factor in cohort.factors]
    assert cohort.is_close == all(near)


def test_the_same_seed_finds_the_same_cohort() -> None:
    one, other = (search_joint_counts(read_factors(), seed=7, rounds=0, chains=3) for _ in range(2))
    assert (one.records == other.records).all()


def test_more_rounds_come_no_farther(cohort: JointCohort) -> None:
    start = search_joint_counts(read_factors(), seed=1, rounds=0, chains=4, near=Nearness(0.3, 0.5))
    worst = [
        max(max(factor.estimate_off / 0.3, factor.limit_off / 0.5) for factor in found.factors)
        for found in (start, cohort)
    ]
    assert worst[1] <= worst[0]


def test_factors_that_do_not_go_together() -> None:
    factors = read_factors()
    with pytest.raises(DataError, match="1 factors; allowed: 2 to 10"):
        search_joint_counts(factors[:1], seed=1)
    other = find_fourfold_tables(PrintedRatio("1.0", "0.0", "24.5"), (4, 4)).tables[0]
    with pytest.raises(DataError, match="groups of 4 and 4, 39 and 21; give factors of the same groups"):
        search_joint_counts([factors[0], PrintedFactor("b", other, factors[0].together)], seed=1)
