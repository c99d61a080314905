"""Joint counts behind a univariable and a multivariable table: a cohort that prints both, found by a search.

The univariable odds ratios give the counts of each factor alone (`fourfold_tables`). How the factors meet in
one patient is not printed; the multivariable odds ratios say something about it. The search keeps the counts
of each factor in each group as they are and exchanges one factor between two patients of a group, until the
multivariable model prints nearly the same. What it finds is a pseudo-cohort: one of many, and nobody's data.
"""

# NumPy's types get lost in mixed integer and boolean arithmetic.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cytopenia.errors import DataError, join_problems
from cytopenia.published.fourfold_tables import FourfoldTable, PrintedRatio
from cytopenia.stats.batched_logistic import fit_logistic_batch

__all__ = ["Closeness", "JointCohort", "Nearness", "PrintedFactor", "search_joint_counts"]

Records = NDArray[np.int8]
Whole = NDArray[np.int64]
Marks = NDArray[np.bool_]
Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

MISSING = -1
_QUANTILE = 1.959963984540054
_MOST_FACTORS = 10
# A search runs hot, cools and is heated again; after each round the worse half starts from the better one.
_ROUND = 1000
_HOT, _COLD = 3.0, 0.02
_POWER = 4


class PrintedFactor(NamedTuple):
    """A factor of two levels: its counts alone, and its odds ratio in the multivariable model as printed."""

    name: str
    alone: FourfoldTable
    together: PrintedRatio


class Nearness(NamedTuple):
    """Shares of the printed numbers by which odds ratios, and their limits, may be off."""

    estimate: float
    limits: float


_NEAR = Nearness(0.04, 0.06)


class Closeness(NamedTuple):
    """The odds ratio of a factor in the model that was found, and how far it is from the print.

    `estimate_off` is the distance of the odds ratio as a share of the printed one, `limit_off` the larger of
    those of the limits.
    """

    name: str
    odds_ratio: float
    low: float
    high: float
    estimate_off: float
    limit_off: float


@dataclass(frozen=True, eq=False)
class JointCohort:
    """A pseudo-cohort: nobody's data.

    Attributes
    ----------
    records : (patients, factors) array of int
        1 with the feature, 0 without it, -1 no value.
    is_first : (patients,) array of bool
        Whether the patient is in the first group, the event of the model.
    factors : tuple of Closeness
        In the order of the columns.
    rounds : int
        After how many rounds the search ended.
    is_close : bool
        Whether every odds ratio and every limit is as near as was asked.
    """

    records: Records
    is_first: Marks
    factors: tuple[Closeness, ...]
    rounds: int
    is_close: bool


@dataclass(frozen=True, eq=False)
class _Target:
    """What is looked for, on the logarithmic scale, and how near is near enough."""

    estimates: Floats
    limits: Floats
    patterns: Floats
    is_event: Whole
    near: Nearness


@dataclass(eq=False)
class _Chains:
    """Many cohorts that are changed at once: records, distance, and the worst of their numbers."""

    records: Records
    distance: Floats
    worst: Floats
    models: Floats


def search_joint_counts(
    factors: Sequence[PrintedFactor],
    *,
    seed: int,
    rounds: int = 20,
    chains: int = 200,
    near: Nearness = _NEAR,
    progress: Progress | None = None,
) -> JointCohort:
    """Return joint counts that print a univariable table exactly and a multivariable one nearly.

    Parameters
    ----------
    factors : sequence of PrintedFactor
        Two to ten, all of the same groups. A table without the feature in some cell cannot be modeled.
    seed : int
    rounds : int
        Each of 1,000 exchanges in every chain; the search ends as soon as one is near enough.
    chains : int
        Cohorts that are changed side by side.
    near : Nearness
        How near the odds ratios and their limits must be, as shares of the printed numbers: within 4% and 6%
        if not given.
    progress : callable, optional

    Returns
    -------
    JointCohort
        The best that was found; `is_close` says whether it is near enough.

    Raises
    ------
    DataError
        Fewer than two factors or more than ten, or factors of other groups.

    Notes
    -----
    Simulated annealing on the fourth-power mean of the distances. The multivariable model is maximum
    likelihood with Wald intervals of the patients with every value, as SPSS and R `glm` fit it.

    Examples
    --------
    >>> from cytopenia.published.fourfold_tables import find_fourfold_tables
    >>> alone = find_fourfold_tables(PrintedRatio("4.00", "0.73", "21.84"), (12, 12)).tables[0]
    >>> alone.counts
    (8, 4, 4, 8)
    >>> factor = PrintedFactor("a", alone, PrintedRatio("4.00", "0.70", "22.00"))
    >>> other = PrintedFactor("b", alone, PrintedRatio("4.00", "0.70", "22.00"))
    >>> cohort = search_joint_counts([factor, other], seed=1, rounds=0, chains=4)
    >>> cohort.records[cohort.is_first].sum(axis=0).tolist()
    [8, 8]
    """
    groups = _require_alike(factors)
    rng = np.random.default_rng(seed)
    target = _aim(factors, near)
    is_first = np.arange(sum(groups)) < groups[0]
    state = _measure(_draw(factors, groups, chains, rng=rng), is_first, target)
    best = _Best(state)
    for number in range(rounds):
        for step in range(_ROUND):
            if best.worst <= 1:
                return _finish(best, factors, is_first, rounds=number)
            heat = _HOT * (_COLD / _HOT) ** (step / _ROUND)
            tried = _measure(_exchange(state.records, is_first, rng), is_first, target)
            _accept(state, tried, heat=heat, rng=rng)
            best.keep(state)
        best.keep(_descend(best.records, is_first, target))
        _restart(state)
        if progress is not None:
            progress("searching joint counts", number + 1, rounds)
    return _finish(best, factors, is_first, rounds=rounds)


class _Best:
    """The cohort with the smallest of the worst distances that any chain has had."""

    def __init__(self, state: _Chains) -> None:
        self.worst = np.inf
        self.records: Records = state.records[0].copy()
        self.model: Floats = state.models[0].copy()
        self.keep(state)

    def keep(self, state: _Chains) -> None:
        """Take over the best chain if it is better."""
        place = int(np.argmin(state.worst))
        if state.worst[place] < self.worst or not np.isfinite(self.worst):
            self.worst = float(state.worst[place])
            self.records = state.records[place].copy()
            self.model = state.models[place].copy()


def _require_alike(factors: Sequence[PrintedFactor]) -> tuple[int, int]:
    problems: list[str] = []
    if not 2 <= len(factors) <= _MOST_FACTORS:
        problems.append(f"{len(factors)} factors; allowed: 2 to {_MOST_FACTORS}")
    sizes = {
        (table.first_size + table.first_missing, table.second_size + table.second_missing)
        for table in (factor.alone for factor in factors)
    }
    if len(sizes) > 1:
        words = ", ".join(f"{first} and {second}" for first, second in sorted(sizes))
        problems.append(f"the factors have groups of {words}; give factors of the same groups")
    if problems:
        raise DataError(join_problems("no joint counts can be searched:", problems))
    return sizes.pop()


def _aim(factors: Sequence[PrintedFactor], near: Nearness) -> _Target:
    count = len(factors)
    patterns: Whole = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
    return _Target(
        estimates=np.log([float(factor.together.odds_ratio) for factor in factors]),
        limits=np.log([[float(factor.together.low), float(factor.together.high)] for factor in factors]),
        patterns=np.repeat(patterns, 2, axis=0).astype(np.float64),
        is_event=np.tile([0, 1], 2**count),
        near=near,
    )


def _draw(
    factors: Sequence[PrintedFactor], groups: tuple[int, int], chains: int, *, rng: Generator
) -> Records:
    """Cohorts whose factors have their counts and are independent in each group."""
    records = np.zeros((chains, sum(groups), len(factors)), dtype=np.int8)
    for column, factor in enumerate(factors):
        a, b, c, d = factor.alone.counts
        parts = ((a, b, factor.alone.first_missing, 0), (c, d, factor.alone.second_missing, groups[0]))
        for with_feature, without, missing, start in parts:
            values = np.repeat(np.array([1, 0, MISSING], dtype=np.int8), [with_feature, without, missing])
            order = rng.random((chains, len(values))).argsort(axis=1)
            records[:, start : start + len(values), column] = values[order]
    return records


def _measure(records: Records, is_first: Marks, target: _Target) -> _Chains:
    """Fit the model of every cohort, and say how far its numbers are from the print."""
    fit = fit_logistic_batch(
        target.patterns, target.is_event, _count_patterns(records, is_first), method="maximum_likelihood"
    )
    logs, errors = fit.coefficients[:, 1:], fit.standard_errors
    models = np.stack([logs, logs - _QUANTILE * errors, logs + _QUANTILE * errors], axis=2)
    with np.errstate(over="ignore"):
        off_estimate = np.abs(np.expm1(models[:, :, 0] - target.estimates)) / target.near.estimate
        off_limits = np.abs(np.expm1(models[:, :, 1:] - target.limits)) / target.near.limits
    off = np.concatenate([off_estimate, off_limits.reshape(len(records), -1)], axis=1)
    off = np.minimum(np.where(np.isfinite(off), off, np.inf), 1e6)
    return _Chains(records, (off**_POWER).mean(axis=1) ** (1 / _POWER), off.max(axis=1), models)


def _count_patterns(records: Records, is_first: Marks) -> Whole:
    """How many patients with every value have each pattern, without and with the event, per cohort."""
    chains, _, factors = records.shape
    is_complete = (records != MISSING).all(axis=2)
    cells: Whole = 2 * (records.astype(np.int64) @ (1 << np.arange(factors))) + is_first
    width = 2 ** (factors + 1)
    places: Whole = (cells + width * np.arange(chains)[:, None])[is_complete]
    return np.bincount(places, minlength=width * chains).reshape(chains, width)


def _exchange(records: Records, is_first: Marks, rng: Generator) -> Records:
    """Give one factor of one patient to another patient of the same group, in each cohort."""
    chains, _, factors = records.shape
    changed = records.copy()
    every: Whole = np.arange(chains)
    column: Whole = rng.integers(factors, size=chains)
    inside: Marks = is_first == (rng.random(chains) < is_first.mean())[:, np.newaxis]
    values: Records = records[every, :, column]
    gives: Marks = inside & (values == 1)
    takes: Marks = inside & (values == 0)
    giver, taker = _pick(gives, rng), _pick(takes, rng)
    can: NDArray[np.intp] = np.flatnonzero(gives.any(axis=1) & takes.any(axis=1))
    changed[can, giver[can], column[can]] = 0
    changed[can, taker[can], column[can]] = 1
    return changed


def _pick(marks: Marks, rng: Generator) -> NDArray[np.intp]:
    """The place of one mark in each row, every one as likely; 0 in a row without any."""
    return np.argmax(np.where(marks, rng.random(marks.shape), -1.0), axis=1)


def _accept(state: _Chains, tried: _Chains, *, heat: float, rng: Generator) -> None:
    """Take over every change for the better, and some for the worse while it is hot."""
    worse = np.minimum((tried.distance - state.distance) / heat, 700.0)
    taken = rng.random(len(worse)) < np.exp(-np.maximum(worse, 0.0))
    for name in ("records", "distance", "worst", "models"):
        getattr(state, name)[taken] = getattr(tried, name)[taken]


def _descend(records: Records, is_first: Marks, target: _Target) -> _Chains:
    """Take the best of all single exchanges of a cohort, again and again, until none is better."""
    state = _measure(records[np.newaxis], is_first, target)
    while True:
        tried = _measure(_list_exchanges(state.records[0], is_first), is_first, target)
        place = int(np.argmin(tried.worst))
        if tried.worst[place] >= state.worst[0]:
            return state
        state = _measure(tried.records[place : place + 1], is_first, target)


def _list_exchanges(records: Records, is_first: Marks) -> Records:
    """Every cohort that one exchange makes; patients of a group with the same values are one."""
    found: list[Records] = []
    for group in (True, False):
        inside = np.flatnonzero(is_first == group)
        _, kept = np.unique(records[inside], axis=0, return_index=True)
        different = inside[kept]
        for column in range(records.shape[1]):
            gives = different[records[different, column] == 1]
            takes = different[records[different, column] == 0]
            for giver in gives.tolist():
                for taker in takes.tolist():
                    changed = records.copy()
                    changed[giver, column], changed[taker, column] = 0, 1
                    found.append(changed)
    return np.stack(found)


def _restart(state: _Chains) -> None:
    """Let the worse half begin again from the better one."""
    order = np.argsort(state.distance)
    half = len(order) // 2
    for name in ("records", "distance", "worst", "models"):
        values = getattr(state, name)
        values[order[len(order) - half :]] = values[order[:half]]


def _finish(best: _Best, factors: Sequence[PrintedFactor], is_first: Marks, *, rounds: int) -> JointCohort:
    found: list[Closeness] = []
    for factor, (estimate, low, high) in zip(factors, np.exp(best.model), strict=True):
        printed = [float(text) for text in factor.together]
        off = [abs(number / text - 1) for number, text in zip((estimate, low, high), printed, strict=True)]
        found.append(
            Closeness(
                factor.name, float(estimate), float(low), float(high), float(off[0]), float(max(off[1:]))
            )
        )
    return JointCohort(best.records, is_first, tuple(found), rounds, is_close=best.worst <= 1)
