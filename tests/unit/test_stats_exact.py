"""Fisher's P of tables of any size, against exact fractions over all tables listed one by one."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from cytopenia.stats import exact
from cytopenia.stats.exact import estimate_exact_p

Table = tuple[tuple[int, ...], ...]


def fill_row(total: int, columns: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if len(columns) == 1:
        if total <= columns[0]:
            yield (total,)
        return
    for cell in range(min(total, columns[0]) + 1):
        for rest in fill_row(total - cell, columns[1:]):
            yield (cell, *rest)


def list_tables(rows: tuple[int, ...], columns: tuple[int, ...]) -> Iterator[Table]:
    if not rows:
        if not any(columns):
            yield ()
        return
    for row in fill_row(rows[0], columns):
        left = tuple(column - cell for column, cell in zip(columns, row, strict=True))
        for below in list_tables(rows[1:], left):
            yield (row, *below)


def slow_p(table: list[list[int]]) -> float:
    """Probabilities as fractions, compared without rounding."""
    rows, columns = tuple(map(sum, table)), tuple(map(sum, zip(*table, strict=True)))

    def weigh(one: Table) -> Fraction:
        return Fraction(1, math.prod(math.factorial(cell) for row in one for cell in row))

    observed = weigh(tuple(map(tuple, table)))
    weights = [weigh(one) for one in list_tables(rows, columns)]
    return float(sum(weight for weight in weights if weight <= observed) / sum(weights))


TINY = [
    [[3, 1], [1, 3]],
    [[0, 4], [4, 0]],
    [[5, 0], [1, 2]],
    [[1, 1], [1, 1]],
    [[2, 0, 1], [0, 3, 1]],
    [[1, 2], [3, 0], [0, 2]],
    [[1, 0, 2], [0, 2, 0], [2, 1, 1]],
    [[1, 0], [0, 1], [2, 0], [0, 2]],
    [[1, 0, 0, 1], [0, 2, 1, 0], [1, 0, 1, 1]],
]


@pytest.mark.parametrize("table", TINY)
def test_the_same_as_all_tables_one_by_one(table: list[list[int]]) -> None:
    found = estimate_exact_p(np.array(table))
    assert found.p_value == pytest.approx(slow_p(table), rel=1e-12)
    assert (found.low, found.high, found.resamples) == (None, None, 0)


def test_random_tables_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(11)
    for _ in range(60):
        shape = tuple(rng.integers(2, 4, 2))
        table = rng.integers(0, 4, shape) + np.eye(*shape, dtype=np.int64) + (rng.random(shape) < 0.2)
        table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
        if min(table.shape) > 1:
            assert estimate_exact_p(table).p_value == pytest.approx(slow_p(table.tolist()), rel=1e-11)


def test_tea_by_hand() -> None:
    # Fisher's lady: 1, 16, 36, 16 and 1 of 70 ways; three of four right: (16 + 1 + 16 + 1) / 70.
    assert estimate_exact_p(np.array([[3, 1], [1, 3]])).p_value == pytest.approx(34 / 70, rel=1e-12)


def test_order_and_direction_of_the_table_change_nothing() -> None:
    table = np.array([[4, 2, 1], [1, 6, 2], [3, 3, 9], [0, 2, 5]])
    one = estimate_exact_p(table).p_value
    assert estimate_exact_p(table.T).p_value == pytest.approx(one, rel=1e-12)
    assert estimate_exact_p(table[::-1, [2, 0, 1]]).p_value == pytest.approx(one, rel=1e-12)


def test_by_chance_lies_around_the_exact_p(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.array([[9, 3], [11, 4], [5, 8], [7, 6], [2, 8]])
    counted = estimate_exact_p(table).p_value
    monkeypatch.setattr(exact, "MOST_HALVES", 0)
    drawn = estimate_exact_p(table, seed=4)
    assert drawn.resamples == 50_000
    assert drawn.low is not None
    assert drawn.high is not None
    assert drawn.low < counted < drawn.high
    assert drawn.high - drawn.low < 0.01


def large_table() -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    rng = np.random.default_rng(8)
    return rng.multinomial(500, np.ones(48) / 48).reshape(8, 6)


def test_a_large_table_is_drawn_by_chance_and_the_seed_repeats_it() -> None:
    table = large_table()
    first, again, other = (estimate_exact_p(table, seed=seed) for seed in (1, 1, 2))
    assert first.resamples > 0
    assert first == again
    assert first.p_value != other.p_value
    assert abs(first.p_value - other.p_value) < 0.02


def test_p_by_chance_is_never_zero() -> None:
    found = estimate_exact_p(np.diag([70, 80, 90, 60, 100, 100]))
    assert found.resamples > 0
    # (1 + hits) / (1 + drawn) with no hit; Clopper-Pearson of 0 of B is 1 - 0.025^(1/B).
    assert found.p_value == pytest.approx(1 / (1 + found.resamples), rel=1e-12)
    assert found.low == 0.0
    assert found.high == pytest.approx(1 - 0.025 ** (1 / found.resamples), rel=1e-6)


@pytest.mark.parametrize(
    ("shape", "n"),
    [((5, 2), 63), ((5, 3), 63), ((4, 4), 63), ((4, 3), 200), ((8, 6), 500), ((30, 2), 63), ((30, 30), 5000),
     ((3, 3), 1_000_000), ((2, 2), 1_000_000), ((2, 2), 100_000_000), ((7, 5), 25), ((5, 5), 40)],
)  # fmt: skip
def test_it_always_returns_soon(shape: tuple[int, int], n: int) -> None:
    rng = np.random.default_rng(3)
    table = rng.multinomial(n, np.full(shape[0] * shape[1], 1 / (shape[0] * shape[1]))).reshape(shape)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    started = time.process_time()
    found = estimate_exact_p(table)
    # Two seconds on an ordinary machine; a slow or busy one may take a few times that.
    assert time.process_time() - started < 8
    assert 0 < found.p_value <= 1


def test_five_by_two_with_63_patients_is_counted() -> None:
    assert estimate_exact_p(np.array([[9, 3], [11, 4], [5, 8], [7, 6], [2, 8]])).resamples == 0
