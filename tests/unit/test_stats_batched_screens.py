"""Tests of one factor in many samples at once, against the single tests on the rows of each sample."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from cytopenia.errors import DataError
from cytopenia.stats.batched_screens import FactorScreen, screen_factor
from cytopenia.stats.compare import compare_counts, compare_distributions
from cytopenia.stats.means import compare_means
from cytopenia.stats.model_recipes import ModelRecipe, make_models
from cytopenia.stats.resamples import count_rows, draw_resamples
from cytopenia.stats.trend import compare_ordered_counts

RNG = np.random.default_rng(11)
EVENT = (np.arange(40) % 3 == 0).astype(float)
TIED = np.round(RNG.normal(size=40) + EVENT, 1)
UNTIED = RNG.normal(size=40) + EVENT
CODES = RNG.integers(0, 3, size=40).astype(float)
TIMES = np.concatenate(
    [
        count_rows(draw_resamples(40, count=60, seed=3), 40).astype(float),
        # All patients once, all without two, and one side only.
        np.ones((1, 40)),
        1.0 - np.eye(40)[[0]] - np.eye(40)[[5]],
        EVENT[np.newaxis],
    ]
)


def repeat(values: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values of the rows of one sample, with and without the event."""
    rows = np.repeat(np.arange(40), times.astype(int))
    return values[rows][EVENT[rows] == 1], values[rows][EVENT[rows] == 0]


def count(times: np.ndarray, levels: int) -> list[list[int]]:
    one, two = repeat(CODES, times)
    return [[int((one == place).sum()), int((two == place).sum())] for place in range(levels)]


def same(found: np.ndarray, expected: list[float | None]) -> None:
    wanted = [math.nan if p is None else p for p in expected]
    assert found.tolist() == pytest.approx(wanted, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("values", [TIED, UNTIED], ids=["tied", "untied"])
@pytest.mark.parametrize("parity", ["r", "spss", "default"])
def test_ranks(values: np.ndarray, parity: str) -> None:
    screen = FactorScreen("mann_whitney", values, parity=parity)
    expected = [compare_distributions(*repeat(values, one), parity=parity).p_value for one in TIMES]
    same(screen_factor(screen, EVENT, TIMES), expected)


def test_every_arrangement_of_few_values_without_ties() -> None:
    """All 20 ways in which three of six values have the event, the two separated ones among them."""
    values = np.arange(6.0)
    for places in combinations(range(6), 3):
        marks = np.isin(np.arange(6), places).astype(float)
        found = screen_factor(FactorScreen("mann_whitney", values), marks, np.ones((1, 6)))
        expected = compare_distributions(values[marks == 1], values[marks == 0])
        assert expected.method == "mann_whitney_exact"
        assert found[0] == pytest.approx(expected.p_value, rel=1e-12)


def test_means() -> None:
    found = screen_factor(FactorScreen("welch_t", TIED), EVENT, TIMES)
    same(found, [compare_means(*repeat(TIED, one)).p_value for one in TIMES])


@pytest.mark.parametrize("test", ["auto", "chi_squared", "fisher_exact"])
@pytest.mark.parametrize("parity", ["r", "spss"])
def test_counts(test: str, parity: str) -> None:
    screen = FactorScreen(test, CODES, parity=parity, levels=3)
    expected = [compare_counts(count(one, 3), method=test, parity=parity).p_value for one in TIMES]
    same(screen_factor(screen, EVENT, TIMES), expected)


def test_trend() -> None:
    screen = FactorScreen("trend", CODES, levels=3)
    same(
        screen_factor(screen, EVENT, TIMES),
        [compare_ordered_counts(count(one, 3)).p_value for one in TIMES],
    )


def test_a_cut_has_two_levels_that_differ_from_sample_to_sample() -> None:
    """Of a factor that is divided the two sides of its cut are counted."""
    sides = (np.arange(40)[np.newaxis] + np.arange(len(TIMES))[:, np.newaxis]) % 2
    screen = FactorScreen("fisher_exact", None, levels=2)
    expected = [
        compare_counts(
            [
                [int((one * own * EVENT).sum()), int((one * own * (1 - EVENT)).sum())]
                for own in (side == 0, side == 1)
            ],
            method="fisher_exact",
        ).p_value
        for one, side in zip(TIMES, sides, strict=True)
    ]
    same(screen_factor(screen, EVENT, TIMES, sides=sides), expected)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"test": "mann_whitny"}, r"test: unknown 'mann_whitny' \(did you mean 'mann_whitney'\?\)"),
        ({"parity": "sas"}, "parity: unknown 'sas'"),
    ],
)
def test_wrong_use_is_told(keys: dict[str, Any], words: str) -> None:
    given = {"test": "mann_whitney", "parity": "r", **keys}
    with pytest.raises(DataError, match=words):
        screen_factor(FactorScreen(given["test"], TIED, parity=given["parity"]), EVENT, TIMES)


def test_a_recipe_selects_by_its_tests() -> None:
    """The factor enters where the P of its test lies below the limit, whatever its model says."""
    columns = np.column_stack([TIED, UNTIED])
    screens = (FactorScreen("mann_whitney", TIED, parity="spss"), FactorScreen("welch_t", UNTIED))
    recipe = ModelRecipe("firth", (0, 1), 0.05, screens=screens)
    made = make_models(columns, EVENT, TIMES, recipe=recipe)
    for place, screen in enumerate(screens):
        p = screen_factor(screen, EVENT, TIMES)
        assert made.chosen[:, place].tolist() == (p < 0.05).tolist()
    assert 0 < made.chosen.mean() < 1


def test_a_recipe_has_a_test_for_each_factor() -> None:
    recipe = ModelRecipe("firth", (0, 1), 0.05, screens=(FactorScreen("welch_t", TIED),))
    with pytest.raises(DataError, match="screens: 1 given for 2 factors"):
        make_models(np.column_stack([TIED, UNTIED]), EVENT, TIMES, recipe=recipe)
