"""Chained equations, pooling and pooled models: what is given back at the edges, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cytopenia.errors import DataError
from cytopenia.stats.imputation import estimate_r_hat, impute_chained
from cytopenia.stats.imputation_steps import factor_information, match_donors
from cytopenia.stats.imputed_models import fit_firth_together, fit_imputed_logistic
from cytopenia.stats.logistic import fit_logistic
from cytopenia.stats.pooling import pool_areas, pool_estimates, pool_proportions

NAN = float("nan")


def make_table(rows: int = 40, *, seed: int = 1) -> NDArray[np.float64]:
    """Three numbers of which the last two have holes, and an event without any."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(rows, 4))
    table[:, 3] = (table[:, 0] + rng.normal(size=rows) > 0).astype(float)
    table[rng.random(rows) < 0.2, 1] = NAN
    table[rng.random(rows) < 0.3, 2] = NAN
    return table


LEVELS, NAMES = [0, 0, 0, 2], ["a", "b", "c", "event"]


def test_known_values_stay_and_missing_ones_come_from_donors() -> None:
    table = make_table()
    before = table.copy()
    found = impute_chained(table, levels=LEVELS, names=NAMES, seed=3, imputations=7, iterations=2)
    known = ~np.isnan(table)
    assert np.array_equal(table, before, equal_nan=True)
    assert found.values.shape == (7, 40, 4)
    assert (found.values[:, known] == table[known]).all()
    for place in (1, 2):
        donors = table[known[:, place], place]
        assert np.isin(found.values[:, :, place], donors).all()
    assert found.missing == tuple(int(count) for count in np.isnan(table).sum(axis=0))


def test_same_seed_same_values_other_seed_others() -> None:
    first, again, other = (
        impute_chained(make_table(), levels=LEVELS, names=NAMES, seed=seed, imputations=3)
        for seed in (5, 5, 6)
    )
    assert np.array_equal(first.values, again.values)
    assert not np.array_equal(first.values, other.values)


def test_units_do_not_matter() -> None:
    """A factor of 1,000 and an offset change no donor."""
    table = make_table()
    moved = table * [1.0, 1000.0, 1.0, 1.0] + [0.0, 5e4, 0.0, 0.0]
    found, other = (
        impute_chained(one, levels=LEVELS, names=NAMES, seed=2, imputations=4) for one in (table, moved)
    )
    assert other.values[:, :, 1] == pytest.approx(found.values[:, :, 1] * 1000 + 5e4)
    assert np.array_equal(other.values[:, :, 2], found.values[:, :, 2])


def test_traces_are_of_the_imputed_values() -> None:
    table = make_table()
    found = impute_chained(table, levels=LEVELS, names=NAMES, seed=2, imputations=4, iterations=5)
    assert found.trace_mean.shape == (4, 5, 4)
    last = found.values[:, np.isnan(table[:, 1]), 1]
    assert found.trace_mean[1, -1] == pytest.approx(last.mean(axis=1))
    assert found.trace_sd[1, -1] == pytest.approx(last.std(axis=1, ddof=1))
    assert np.isnan(found.trace_mean[0]).all()
    assert found.r_hat[0] is None
    assert found.r_hat[1] is not None


@pytest.mark.parametrize("count", [2, 3])
def test_levels_are_imputed_with_levels_that_somebody_has(count: int) -> None:
    rng = np.random.default_rng(4)
    table = np.column_stack([rng.normal(size=50), rng.integers(count, size=50)]).astype(float)
    table[::7, 1] = NAN
    found = impute_chained(table, levels=[0, 5], names=["x", "level"], seed=1, imputations=30)
    assert set(np.unique(found.values[:, ::7, 1])) == set(range(count))


def test_levels_that_a_number_separates_are_imputed_on_their_side() -> None:
    x = np.concatenate([np.linspace(-3, -2, 30), np.linspace(2, 3, 30)])
    level = (x > 0).astype(float)
    level[[5, 50]] = NAN
    found = impute_chained(
        np.column_stack([x, level]), levels=[0, 2], names=["x", "level"], seed=1, imputations=50
    )
    assert found.values[:, 5, 1].mean() < 0.2
    assert found.values[:, 50, 1].mean() > 0.8


@pytest.mark.parametrize(
    ("table", "levels"),
    [
        pytest.param([[1.0, NAN], [1.0, 2.0], [1.0, 3.0], [1.0, 4.0]], [0, 0], id="constant"),
        pytest.param(
            [[1.0, 1.0, NAN], [2.0, 2.0, 5.0], [3.0, 3.0, 6.0], [4.0, 4.0, 8.0]], [0, 0, 0], id="twice"
        ),
        pytest.param([[NAN, 1.0], [2.0, NAN], [NAN, NAN]], [0, 0], id="hardly anything"),
        pytest.param([[NAN, 1.0], [0.0, NAN], [0.0, 2.0]], [2, 0], id="one level"),
        pytest.param([[NAN], [2.0], [3.0]], [0], id="one column"),
        pytest.param([[NAN], [0.0], [1.0]], [2], id="one column of levels"),
        pytest.param([[1, 2, 3, 4, NAN], [4, 3, 2, 9, 1], [5, 1, 1, 2, 3]], [0] * 5, id="wider than long"),
    ],
)
def test_a_table_that_determines_little_is_imputed(table: list[list[float]], levels: list[int]) -> None:
    names = [f"x{place}" for place in range(len(levels))]
    found = impute_chained(table, levels=levels, names=names, seed=1, imputations=5, iterations=5)
    assert found.status == "ok"
    assert np.isfinite(found.values).all()


def test_nothing_missing_gives_the_table_itself() -> None:
    found = impute_chained([[1.0], [2.0]], levels=[0], names=["x"], seed=1, imputations=2)
    assert found.values.tolist() == [[[1.0], [2.0]], [[1.0], [2.0]]]


def test_a_column_without_a_value_is_not_estimable() -> None:
    found = impute_chained([[1.0, NAN], [2.0, NAN]], levels=[0, 0], names=["x", "il6"], seed=1)
    assert (found.status, found.note) == ("not_estimable", "no value is known of il6")


def test_a_large_imputation_model_is_said() -> None:
    found = impute_chained(make_table(10), levels=LEVELS, names=NAMES, seed=1, imputations=2, iterations=1)
    assert "the imputation model of c has 4 coefficients for" in found.note


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"table": [1.0, 2.0]}, "rows by columns"),
        ({"names": ["x"]}, "give one of each"),
        ({"table": [[1.0, np.inf]]}, "y: a value is infinite"),
        ({"table": [[1.0, 2.0]], "levels": [0, 2]}, "y: a level is not one of 0 to 1"),
        ({"imputations": 0}, "imputations: 0 is below 1"),
        ({"iterations": 0}, "iterations: 0 is below 1"),
    ],
)
def test_wrong_use_is_refused(change: dict[str, object], words: str) -> None:
    given: dict[str, object] = {"table": [[1.0, 2.0]], "levels": [0, 0], "names": ["x", "y"], "seed": 1}
    with pytest.raises(DataError, match=words):
        impute_chained(**(given | change))  # pyright: ignore[reportArgumentType]


def brute_donors(known: list[float], target: float, donors: int) -> set[int]:
    """The nearest by a plain sort; of two at the same distance the larger comes first."""
    order = sorted(range(len(known)), key=lambda i: (abs(known[i] - target), -known[i]))
    return set(order[:donors])


def test_donors_are_the_nearest_by_a_plain_sort() -> None:
    rng = np.random.default_rng(9)
    for _ in range(20):
        known = rng.choice(1000, size=int(rng.integers(1, 12)), replace=False) / 8
        wanted = rng.integers(0, 1000, size=4) / 8
        drawn = match_donors(np.tile(known, (300, 1)), np.tile(wanted, (300, 1)), donors=4, rng=rng)
        for place, target in enumerate(wanted.tolist()):
            assert set(drawn[:, place].tolist()) == brute_donors(known.tolist(), target, 4)


def test_equal_predictions_are_drawn_equally_often() -> None:
    drawn = match_donors(np.zeros((8000, 8)), np.zeros((8000, 1)), donors=1, rng=np.random.default_rng(1))
    counts = np.bincount(drawn[:, 0], minlength=8)
    # Standard deviation of each count: sqrt(8000 * 1/8 * 7/8) = 29.6.
    assert np.abs(counts - 1000).max() < 130


def test_information_that_is_lost_gets_a_ridge() -> None:
    matrices = np.array([[[4.0, 2.0], [2.0, 1.0]], [[4.0, 2.0], [2.0, 3.0]]])
    found = factor_information(matrices)
    assert np.isfinite(found).all()
    assert found[1] @ found[1].T == pytest.approx(matrices[1])


@pytest.mark.parametrize(
    "trace", [[[1, 2], [2, 1], [1, 2]], [[1], [2], [3], [4]], [[1, NAN]] * 4, [[1, 1]] * 6]
)
def test_no_r_hat(trace: list[list[float]]) -> None:
    assert estimate_r_hat(trace) is None


def test_r_hat_of_chains_that_have_not_mixed_is_large() -> None:
    assert (estimate_r_hat([[0, 9], [0, 9], [0, 9], [1, 10]]) or 0) > 5


def test_pooled_estimate_by_hand() -> None:
    """Q = 1, 2, 3 and U = 1: within 1, between 1, total 1 + 4/3 = 7/3; lambda 4/7, r 4/3."""
    found = pool_estimates([1, 2, 3], [1, 1, 1])
    assert (found.estimate, found.within, found.between) == (2, 1, 1)
    assert found.standard_error == pytest.approx((7 / 3) ** 0.5)
    assert found.share_of_variance == pytest.approx(4 / 7)
    assert found.relative_increase == pytest.approx(4 / 3)
    # (m - 1) / lambda squared
    assert found.degrees_of_freedom == pytest.approx(2 / (4 / 7) ** 2)


@pytest.mark.parametrize(
    ("estimates", "errors", "note"),
    [
        ([1.0], [1.0], "pooling needs two imputations"),
        ([1.0, NAN, 2.0], [1.0, 1.0, 1.0], "not estimable in 1 of 3 imputations"),
        ([1.0, 2.0], [0.0, 0.0], "no standard error is above 0"),
    ],
)
def test_what_cannot_be_pooled(estimates: list[float], errors: list[float], note: str) -> None:
    found = pool_estimates(estimates, errors)
    assert (found.status, found.note, found.estimate) == ("not_estimable", note, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"estimates": [1.0]}, "give two columns"),
        ({"standard_errors": [1.0, -1.0]}, "a number is negative"),
        ({"complete_freedom": 0}, "complete_freedom: 0 is not above 0"),
        ({"level": 1}, "level: 1 is not between 0 and 1"),
    ],
)
def test_wrong_pooling_is_refused(change: dict[str, object], words: str) -> None:
    given: dict[str, object] = {"estimates": [1.0, 2.0], "standard_errors": [1.0, 1.0]}
    with pytest.raises(DataError, match=words):
        pool_estimates(**(given | change))  # pyright: ignore[reportArgumentType]


def test_shares_that_have_no_logit_are_not_estimable() -> None:
    assert pool_proportions([0, 1], 5).note == "nobody, or everybody, in an imputed table"
    assert pool_areas([1.0, 0.9], [0.0, 0.1], n=30).note == "an imputed table has an area of 0 or 1"
    with pytest.raises(DataError, match="outside of 0 to 5"):
        pool_proportions([6], 5)


def test_firth_of_many_tables_is_that_of_each_one() -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        tables = rng.normal(size=(3, int(rng.integers(12, 60)), 2))
        tables[:, :, 0] = tables[:, :, 0] > 0.5
        event = np.array(rng.random(tables.shape[1]) < 0.3, dtype=np.float64)
        event[:2] = [0, 1]
        found, errors = fit_firth_together(tables, event)
        for place, table in enumerate(tables):
            terms = fit_logistic(table, event, names=["a", "b"], method="firth").terms
            assert found[place] == pytest.approx([term.coefficient for term in terms], abs=1e-7)
            assert errors[place] == pytest.approx([term.standard_error for term in terms], abs=1e-7)


def test_profiles_of_tables_that_agree_are_the_profile_of_each() -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        table = rng.normal(size=(int(rng.integers(15, 60)), 2))
        event = np.array(rng.random(table.shape[0]) < 0.3, dtype=np.float64)
        event[:2] = [0, 1]
        alone = fit_logistic(table, event, names=["a", "b"], method="firth").terms
        together = fit_imputed_logistic([table] * 3, event, names=["a", "b"]).terms
        for one, pooled in zip(alone, together, strict=True):
            assert None not in (one.low, one.high, pooled.low, pooled.high)
            assert np.log([one.low or 1, one.high or 1]) == pytest.approx([pooled.low, pooled.high], abs=1e-7)
            assert one.p_value == pytest.approx(pooled.p_value, abs=1e-9)


def test_profiles_of_tables_that_differ_are_wider_than_their_mean() -> None:
    """The combined P lies between those of the tables: it is a mean of shares."""
    rng = np.random.default_rng(3)
    tables = rng.normal(size=(2, 40, 1))
    event = np.array(rng.random(40) < 0.4, dtype=np.float64)
    terms = [fit_logistic(table, event, names=["a"], method="firth").terms[0] for table in tables]
    shares = [
        (one.p_value or 0) / 2 if (one.coefficient or 0) > 0 else 1 - (one.p_value or 0) / 2 for one in terms
    ]
    mean = sum(shares) / 2
    found = fit_imputed_logistic(tables, event, names=["a"]).terms[0]
    assert found.p_value == pytest.approx(2 * min(mean, 1 - mean), abs=1e-9)


def test_firth_of_separated_tables_is_finite() -> None:
    """Qiu-like extreme: all on their own side. By hand: ln(2.5 / 0.5 * 2.5 / 0.5) = 3.2189."""
    found, _ = fit_firth_together([[[0.0], [0.0], [1.0], [1.0]]], [0, 0, 1, 1])
    assert found[0, 0] == pytest.approx(np.log(25), abs=1e-9)


def test_a_pooled_model_says_in_which_imputation_it_failed() -> None:
    varied, constant = [[1.0], [2.0], [1.0], [3.0]], [[1.0]] * 4
    found = fit_imputed_logistic([varied, constant], [0, 1, 1, 0], names=["x"])
    assert found.status == "not_estimable"
    assert found.note.startswith("in imputation 2: ")


def test_maximum_likelihood_that_does_not_exist_is_not_pooled() -> None:
    apart, mixed = [[1.0], [2.0], [3.0], [4.0]], [[1.0], [3.0], [2.0], [4.0]]
    found = fit_imputed_logistic([apart, mixed], [0, 0, 1, 1], names=["x"], method="maximum_likelihood")
    assert found.status == "not_estimable"
    assert found.note.startswith("in 1 of 2 imputations: ")
    assert found.terms[0].estimate is None


def test_wrong_models_are_refused() -> None:
    with pytest.raises(DataError, match="tables by rows by columns"):
        fit_imputed_logistic([[1.0], [2.0]], [0, 1], names=["x"])
    with pytest.raises(DataError, match="allowed: maximum_likelihood, firth"):
        fit_imputed_logistic([[[1.0], [2.0]]], [0, 1], names=["x"], method="bayes")
