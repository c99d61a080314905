"""Whatever a search for joint counts finds, the counts of each factor alone are those that were asked for."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cytopenia.published.fourfold_tables import FourfoldTable, PrintedRatio
from cytopenia.published.reconstruct import PrintedFactor, search_joint_counts

NO_NUMBER = float("nan")


@st.composite
def factors_of_one_cohort(draw: st.DrawFn) -> list[PrintedFactor]:
    first, second = draw(st.integers(4, 25)), draw(st.integers(4, 25))
    factors: list[PrintedFactor] = []
    for place in range(draw(st.integers(2, 4))):
        lost, also_lost = draw(st.integers(0, 2)), draw(st.integers(0, 2))
        a, c = draw(st.integers(1, first - lost - 1)), draw(st.integers(1, second - also_lost - 1))
        alone = FourfoldTable(
            a, first - lost, c, second - also_lost, lost, also_lost, *[NO_NUMBER] * 3, "rounded"
        )
        estimate = draw(st.floats(0.05, 20))
        printed = PrintedRatio(f"{estimate:.3f}", f"{estimate / 5:.3f}", f"{estimate * 5:.3f}")
        factors.append(PrintedFactor(f"factor_{place}", alone, printed))
    return factors


@settings(max_examples=12, deadline=None)
@given(factors=factors_of_one_cohort(), seed=st.integers(0, 1000), rounds=st.integers(0, 2))
def test_the_counts_of_each_factor_are_kept(factors: list[PrintedFactor], seed: int, rounds: int) -> None:
    cohort = search_joint_counts(factors, seed=seed, rounds=rounds)
    assert set(cohort.records.ravel().tolist()) <= {-1, 0, 1}
    for values, factor in zip(cohort.records.T, factors, strict=True):
        for inside, (with_feature, size, missing) in (
            (cohort.is_first, (factor.alone.first_with, factor.alone.first_size, factor.alone.first_missing)),
            (
                ~cohort.is_first,
                (factor.alone.second_with, factor.alone.second_size, factor.alone.second_missing),
            ),
        ):
            found = values[inside].tolist()
            assert (found.count(1), found.count(0), found.count(-1)) == (
                with_feature,
                size - with_feature,
                missing,
            )
