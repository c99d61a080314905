"""The exact P of a table of counts: all tables are counted, or some drawn by chance if they are too many."""

# SciPy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ExactTest", "count_mid_p", "estimate_exact_p"]

Counts = NDArray[np.int64]
Numbers = NDArray[np.float64]

# Two tables count as equally likely if their log probabilities differ by less; R's fisher.test uses the same.
EQUALLY_LIKELY = 1e-7
# Half tables and their meeting points that are worked through in about one second.
MOST_HALVES = 4_000_000
MOST_MEETINGS = 30_000
# Tables drawn by chance, and the cells of them that are held at once.
RESAMPLES = 50_000
FEWEST_RESAMPLES = 1_000
MOST_CELLS_DRAWN = 6_000_000
CELLS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class ExactTest:
    """An exact P; with its confidence limits where it was estimated by chance.

    Attributes
    ----------
    p_value : float
        Probability, given the margins, of a table at most as likely as the observed one.
    low, high : float or None
        95% limits (Clopper-Pearson) of a P that was estimated by chance; None where all tables were counted.
    resamples : int
        Tables drawn by chance; 0 where all tables were counted.
    """

    p_value: float
    low: float | None
    high: float | None
    resamples: int


@dataclass(frozen=True)
class _Split:
    """Rows dealt to two halves, and what it costs to list both halves."""

    first: tuple[int, ...]
    second: tuple[int, ...]
    halves: float
    meetings: float

    @property
    def is_feasible(self) -> bool:
        return self.halves <= MOST_HALVES and self.meetings <= MOST_MEETINGS


def estimate_exact_p(table: Counts, *, seed: int = 0) -> ExactTest:
    """Return Fisher's exact P (Freeman and Halton) of a table of counts without empty rows and columns.

    All tables with these margins are counted if that is feasible: the rows are dealt to two halves, every
    half is listed, and halves that complete each other are matched by their sorted probabilities. Else tables
    are drawn by chance (Patefield, Boyett) and P is (1 + hits) / (1 + tables drawn), as with R's
    `simulate.p.value`. Same as `fisher.test` of R to 1e-9 where all tables are counted.

    References
    ----------
    Freeman and Halton, Biometrika 1951;38:141-149.

    Examples
    --------
    >>> round(estimate_exact_p(np.array([[3, 1], [1, 3]])).p_value, 6)
    0.485714
    """
    upright, lying = _deal_rows(table), _deal_rows(table.T)
    split, counts = (upright, table) if upright.halves <= lying.halves else (lying, table.T)
    if split.is_feasible:
        return ExactTest(_count_tables(counts, split), None, None, 0)
    return _draw_tables(table, seed)


def count_mid_p(table: Counts) -> float:
    """Return Fisher's mid-P of a table of two by two whose margins are not 0.

    The probabilities, given the margins, of all tables less likely than the observed one, and half of those
    of the tables just as likely, the observed one among them. Likely is meant as in `estimate_exact_p`.

    Examples
    --------
    >>> round(count_mid_p(np.array([[3, 1], [1, 3]])), 6)  # (1 + 1) / 70 and half of (16 + 16) / 70
    0.257143
    """
    from scipy.stats import hypergeom

    total, column, row = (int(part) for part in (table.sum(), table[:, 0].sum(), table[0].sum()))
    cells = np.arange(max(0, row + column - total), min(row, column) + 1)
    logs = np.asarray(hypergeom.logpmf(cells, total, column, row), dtype=np.float64)
    further = logs - logs[cells == table[0, 0]]
    is_equal = np.abs(further) <= EQUALLY_LIKELY
    is_less = (further < 0) & ~is_equal
    return min(1.0, float(np.exp(logs[is_less]).sum() + np.exp(logs[is_equal]).sum() / 2))


def _deal_rows(table: Counts) -> _Split:
    """Deal the rows so that both halves have about as many tables; costs are told before any work is done."""
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    ways = [_count_ways(int(row), columns) for row in rows]
    halves: tuple[list[int], list[int]] = ([], [])
    costs = [1.0, 1.0]
    for row in sorted(range(len(ways)), key=lambda row: -ways[row]):
        half = 0 if costs[0] <= costs[1] else 1
        halves[half].append(row)
        costs[half] *= ways[row]
    meetings = _count_ways(int(rows[halves[0]].sum()), columns)
    return _Split(tuple(halves[0]), tuple(halves[1]), sum(costs), meetings)


def _count_ways(total: int, columns: Counts) -> float:
    """Ways to spread a total over columns, at most the column's total in each."""
    if total > MOST_HALVES:
        return math.inf
    ways = np.zeros(total + 1)
    ways[0] = 1.0
    for column in columns:
        summed = np.cumsum(ways)
        ways = summed.copy()
        ways[int(column) + 1 :] -= summed[: max(0, total - int(column))]
    return float(ways[total])


def _count_tables(table: Counts, split: _Split) -> float:
    """Sum the probabilities of all tables that are at most as likely as the observed one."""
    columns = table.sum(axis=0)
    observed = _log_chance(table, columns).sum()
    first_keys, first_logs = _list_halves(table, split.first)
    second_keys, second_logs = _list_halves(table, split.second)
    whole = int(_number_columns(columns[np.newaxis], columns)[0])
    constant = _log_columns(columns)
    total = 0.0
    second_groups = dict(_group(second_keys, second_logs))
    for key, logs in _group(first_keys, first_logs):
        others = second_groups[whole - key]
        upto = np.searchsorted(others, observed + EQUALLY_LIKELY - logs, side="right")
        summed = np.concatenate([[0.0], np.cumsum(np.exp(others))])
        total += float(np.exp(logs) @ summed[upto])
    return min(1.0, total * math.exp(constant))


def _list_halves(table: Counts, rows: Sequence[int]) -> tuple[Counts, Numbers]:
    """List all ways to fill some rows: the column sums as one number, and the log probability."""
    columns = table.sum(axis=0)
    sums = np.zeros((1, columns.size), dtype=np.int64)
    logs = np.zeros(1)
    for row in rows:
        ways = _spread(int(table[row].sum()), columns)
        chances = _log_chance(ways, columns)
        sums = (sums[:, np.newaxis, :] + ways[np.newaxis]).reshape(-1, columns.size)
        logs = (logs[:, np.newaxis] + chances[np.newaxis]).ravel()
        fits = np.all(sums <= columns, axis=1)
        sums, logs = sums[fits], logs[fits]
    return _number_columns(sums, columns), logs


def _spread(total: int, columns: Counts) -> Counts:
    """All ways to spread a total over the columns, one way a row."""
    ways = np.zeros((1, 0), dtype=np.int64)
    rest = np.array([total])
    for place, column in enumerate(columns):
        least = np.maximum(0, rest - int(columns[place + 1 :].sum()))
        choices = np.minimum(rest, int(column)) - least + 1
        parent = np.repeat(np.arange(rest.size), choices)
        step = np.arange(parent.size) - np.repeat(np.cumsum(choices) - choices, choices)
        cell = least[parent] + step
        ways = np.column_stack([ways[parent], cell])
        rest = rest[parent] - cell
    return ways


def _log_chance(rows: Counts, columns: Counts) -> Numbers:
    """Log multinomial probability of every row, with the columns' shares as chances."""
    from scipy.special import gammaln

    shares = np.log(columns / columns.sum())
    return gammaln(rows.sum(axis=1) + 1.0) - gammaln(rows + 1.0).sum(axis=1) + rows @ shares


def _log_columns(columns: Counts) -> float:
    """Minus the log multinomial probability of the column totals: what conditions on them."""
    return -float(_log_chance(columns[np.newaxis], columns)[0])


def _number_columns(sums: Counts, columns: Counts) -> Counts:
    """Column sums as one number: a digit for every column but the last, which the others determine."""
    places = np.concatenate([[1], np.cumprod(columns[:-1] + 1)])[:-1]
    return sums[:, :-1] @ places


def _group(keys: Counts, logs: Numbers) -> Iterator[tuple[int, Numbers]]:
    """Every key with its log probabilities in ascending order."""
    order = np.lexsort((logs, keys))
    found, starts = np.unique(keys[order], return_index=True)
    for key, group in zip(found, np.split(logs[order], starts[1:]), strict=True):
        yield int(key), group


def _draw_tables(table: Counts, seed: int) -> ExactTest:
    """Estimate P from tables drawn by chance."""
    from scipy.special import gammaln
    from scipy.stats import binomtest, random_table

    resamples = max(FEWEST_RESAMPLES, min(RESAMPLES, MOST_CELLS_DRAWN // table.size))
    chances = random_table(table.sum(axis=1), table.sum(axis=0))
    rng = np.random.default_rng(seed)
    # The probability falls as the product of the factorials grows; all else depends on the margins only.
    observed = gammaln(table + 1.0).sum()
    hits, left = 0, resamples
    while left:
        size = min(left, max(1, CELLS_AT_ONCE // table.size))
        drawn = chances.rvs(size=size, random_state=rng)
        hits += int(np.sum(gammaln(drawn + 1.0).sum(axis=(1, 2)) >= observed - EQUALLY_LIKELY))
        left -= size
    limits = binomtest(hits, resamples).proportion_ci(0.95, method="exact")
    return ExactTest((1 + hits) / (1 + resamples), float(limits.low), float(limits.high), resamples)
