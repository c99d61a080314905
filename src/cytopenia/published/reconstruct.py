"""Joint counts behind a univariable and a multivariable table: a cohort that prints both, found by a search.

The univariable odds ratios give the counts of each factor alone (`fourfold_tables`). How the factors meet in
one patient is not printed; the multivariable odds ratios say something about it. The search keeps the counts
of each factor in each group as they are and exchanges one factor between two patients of a group, until the
multivariable model prints nearly the same. What it finds is a pseudo-cohort: one of many, and nobody's data.
"""

# NumPy's types get lost in mixed integer and boolean arithmetic.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cytopenia.errors import DataError, join_problems
from cytopenia.published.fourfold_tables import FourfoldTable, PrintedRatio
from cytopenia.published.pattern_models import QUANTILE, PatternFits, PatternModel
from cytopenia.published.printed_bounds import count_decimals
from cytopenia.stats.batched_logistic import fit_logistic_batch

__all__ = [
    "MISSING",
    "Closeness",
    "JointCohort",
    "Nearness",
    "PrintedFactor",
    "search_joint_counts",
]

Records = NDArray[np.int8]
Whole = NDArray[np.int64]
Marks = NDArray[np.bool_]
Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

MISSING = -1
_MOST_FACTORS = 10
# The exchanges that the slopes rank first are fitted, the others are not.
_MOST_TRIED = 40
_FEWEST_DISTURBED, _MOST_DISTURBED = 2, 7
# A place a little worse than the last one is taken too; after so many rounds for nothing all begins anew.
_LENIENCE = 1.03
_PATIENCE = 150
_POWER = 4
_FARTHEST = 1e6


class PrintedFactor(NamedTuple):
    """A factor of two levels: its counts alone, and its odds ratio in the multivariable model as printed."""

    name: str
    alone: FourfoldTable
    together: PrintedRatio


class Nearness(NamedTuple):
    """Shares of the printed numbers by which odds ratios, and their limits, may be off; 0 for no digit."""

    estimate: float
    limits: float


_NEAR = Nearness(0.04, 0.06)


class Closeness(NamedTuple):
    """The odds ratio of a factor in the model that was found, and how far it is from the print.

    `estimate_off` is the distance of the odds ratio from the numbers that print so, as a share of the printed
    one and 0 if it prints so; `limit_off` is the larger of those of the limits. Where the model has no finite
    estimate, the numbers are NaN and the distances a million.
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


def search_joint_counts(
    factors: Sequence[PrintedFactor],
    *,
    seed: int,
    rounds: int = 2000,
    near: Nearness = _NEAR,
    progress: Progress | None = None,
) -> JointCohort:
    """Return joint counts that print a univariable table exactly and a multivariable one nearly.

    Parameters
    ----------
    factors : sequence of PrintedFactor
        Two to ten, all of the same groups. A table without a patient in some cell cannot be modeled.
    seed : int
    rounds : int
        How often the search sets out again from a disturbed cohort; it ends as soon as one is near enough.
    near : Nearness
        How near the odds ratios and their limits must be, as shares of the printed numbers and beyond what
        rounding leaves: within 4% and 6% if not given. With 0 and 0 every digit has to be right.
    progress : callable, optional

    Returns
    -------
    JointCohort
        The best that was found; `is_close` says whether it is near enough.

    Raises
    ------
    DataError
        Fewer than two factors or more than ten, factors of other groups, a printed number or a count that is
        0, or a setting below 0.

    Notes
    -----
    Iterated local search on the fourth-power mean of the distances. The slopes of one fit rank all single
    exchanges (`pattern_models`), the first of them are fitted, and the best is taken until none is better;
    then a few exchanges at random, and down again. The multivariable model is maximum likelihood with Wald
    intervals of the patients with every value, as SPSS and R `glm` fit it.

    Examples
    --------
    >>> from cytopenia.published.fourfold_tables import find_fourfold_tables
    >>> alone = find_fourfold_tables(PrintedRatio("4.00", "0.73", "21.84"), (12, 12)).tables[0]
    >>> alone.counts
    (8, 4, 4, 8)
    >>> factor = PrintedFactor("a", alone, PrintedRatio("4.00", "0.70", "22.00"))
    >>> other = PrintedFactor("b", alone, PrintedRatio("4.00", "0.70", "22.00"))
    >>> cohort = search_joint_counts([factor, other], seed=1, rounds=0)
    >>> cohort.records[cohort.is_first].sum(axis=0).tolist()
    [8, 8]
    """
    groups = _require_possible(factors, {"seed": seed, "rounds": rounds, **near._asdict()})
    rng = np.random.default_rng(seed)
    aim = _Aim(factors, near, np.arange(sum(groups)) < groups[0])
    here = best = _descend(_draw(factors, groups, rng), aim)
    done, idle = 0, 0
    while done < rounds and not best.is_close:
        if progress is not None:
            progress("searching joint counts", done, rounds)
        begin = _draw(factors, groups, rng) if idle >= _PATIENCE else _disturb(here.records, aim, rng)
        tried = _descend(begin, aim)
        idle = 0 if idle >= _PATIENCE or tried.distance < here.distance else idle + 1
        if idle == 0 or tried.distance < _LENIENCE * here.distance:
            here = tried
        best = min(best, tried, key=lambda cohort: (not cohort.is_close, cohort.worst))
        done += 1
    return _finish(best, factors, aim, rounds=done)


def _require_possible(factors: Sequence[PrintedFactor], settings: Mapping[str, float]) -> tuple[int, int]:
    problems = [
        f"{name} is {value}; allowed: 0 or more" for name, value in settings.items() if not value >= 0
    ]
    if not 2 <= len(factors) <= _MOST_FACTORS:
        problems.append(f"{len(factors)} factors; allowed: 2 to {_MOST_FACTORS}")
    sizes = {
        (table.first_size + table.first_missing, table.second_size + table.second_missing)
        for table in (factor.alone for factor in factors)
    }
    if len(sizes) > 1:
        words = ", ".join(f"{first} and {second}" for first, second in sorted(sizes))
        problems.append(f"the factors have groups of {words}; give factors of the same groups")
    for factor in factors:
        zeros = [text for text in factor.together if not float(text) > 0]
        if zeros:
            problems.append(f"{factor.name}: {zeros[0]} is not above 0; a search needs more printed digits")
        if 0 in factor.alone.counts:
            problems.append(
                f"{factor.name}: nobody is in one of its four cells, and no model has an estimate"
            )
    if problems:
        raise DataError(join_problems("no joint counts can be searched:", problems))
    return sizes.pop()


class _Aim:
    """What is looked for, how near is near enough, and who is in the first group."""

    def __init__(self, factors: Sequence[PrintedFactor], near: Nearness, is_first: Marks) -> None:
        self.model = PatternModel(len(factors))
        self.is_first = is_first
        texts = [factor.together for factor in factors]
        self.printed: Floats = np.array([[float(text) for text in row] for row in texts])
        halves = [[0.5 * 10.0 ** -count_decimals(text) for text in row] for row in texts]
        self._rounding: Floats = np.array(halves) / self.printed
        self._near: Floats = np.array([near.estimate, near.limits, near.limits])
        # Where every digit has to be right, the distances are still weighed against each other.
        self._scale: Floats = np.where(self._near > 0, self._near, [_NEAR.estimate, *[_NEAR.limits] * 2])

    def measure(self, numbers: Floats) -> Floats:
        """Distances beyond rounding, as shares of the print, of logarithms in cohorts by factors by three."""
        off = np.abs(np.expm1(np.clip(numbers - np.log(self.printed), -20.0, 20.0)))
        return np.clip(np.nan_to_num(off, nan=_FARTHEST) - self._rounding, 0.0, _FARTHEST)

    def weigh(self, off: Floats) -> Floats:
        """One distance for each cohort."""
        return ((off / self._scale) ** _POWER).mean(axis=(1, 2)) ** (1 / _POWER)

    def find_worst(self, off: Floats) -> float:
        """The largest distance of one cohort, against what is near."""
        return float((off / self._scale).max())

    def is_near(self, off: Floats) -> bool:
        """Whether every number of one cohort is near enough."""
        return bool((off <= self._near).all())


@dataclass(frozen=True, eq=False)
class _Cohort:
    """Records with their model, and how far its numbers are from the print."""

    records: Records
    totals: Whole
    events: Whole
    fits: PatternFits
    distance: float
    worst: float
    is_close: bool


def _fit(records: Records, aim: _Aim, start: Floats) -> _Cohort:
    cells = _number_patterns(records)
    known = cells >= 0
    totals: Whole = np.bincount(cells[known], minlength=len(aim.model.patterns))
    events: Whole = aim.model.patterns[cells[known & aim.is_first]].sum(axis=0).astype(np.int64)
    fits = aim.model.fit(totals[np.newaxis], events[np.newaxis], start)
    off = aim.measure(fits.numbers)
    distance = float(aim.weigh(off)[0])
    return _Cohort(records, totals, events, fits, distance, aim.find_worst(off[0]), aim.is_near(off[0]))


def _number_patterns(records: Records) -> Whole:
    """The pattern of each patient; -1 of one without some value, who is not in the model."""
    numbers = records.astype(np.int64) @ (1 << np.arange(records.shape[1]))
    return np.where((records != MISSING).all(axis=1), numbers, -1)


def _draw(factors: Sequence[PrintedFactor], groups: tuple[int, int], rng: Generator) -> Records:
    """A cohort whose factors have their counts and are independent in each group."""
    records = np.zeros((sum(groups), len(factors)), dtype=np.int8)
    for column, factor in enumerate(factors):
        a, b, c, d = factor.alone.counts
        parts = ((a, b, factor.alone.first_missing, 0), (c, d, factor.alone.second_missing, groups[0]))
        for with_feature, without, missing, start in parts:
            values = np.repeat(np.array([1, 0, MISSING], dtype=np.int8), [with_feature, without, missing])
            records[start : start + len(values), column] = rng.permutation(values)
    return records


@dataclass(frozen=True, eq=False)
class _Exchanges:
    """Who gives which factor to whom."""

    columns: Whole
    givers: Whole
    takers: Whole

    def apply(self, records: Records, place: int) -> Records:
        """Return the records after one of the exchanges."""
        changed = records.copy()
        changed[self.givers[place], self.columns[place]] = 0
        changed[self.takers[place], self.columns[place]] = 1
        return changed


def _list_exchanges(records: Records, is_first: Marks) -> _Exchanges:
    """Every exchange inside a group; patients of a group with the same values are one."""
    weights: Whole = np.array([3**column for column in range(records.shape[1])])
    alike: Whole = (records.astype(np.int64) - MISSING) @ weights
    found: list[tuple[Whole, Whole, Whole]] = []
    for group in (True, False):
        inside = np.flatnonzero(is_first == group)
        different = inside[np.unique(alike[inside], return_index=True)[1]]
        for column, values in enumerate(records[different].T):
            gives, takes = different[values == 1], different[values == 0]
            givers, takers = np.repeat(gives, len(takes)), np.tile(takes, len(gives))
            found.append((np.repeat(column, len(givers)), givers, takers))
    return _Exchanges(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _descend(records: Records, aim: _Aim) -> _Cohort:
    """Take the best of the exchanges that the slopes rank first, again and again, until none is better."""
    here = _fit(records, aim, np.zeros(records.shape[1] + 1, dtype=np.float64))
    while not here.is_close:
        exchanges = _list_exchanges(here.records, aim.is_first)
        order = np.argsort(aim.weigh(aim.measure(_foresee(here, exchanges, aim))), kind="stable")
        totals, events = _count_after(here, exchanges, order[:_MOST_TRIED], aim)
        fits = aim.model.fit(totals, events, here.fits.weights[0])
        distances = aim.weigh(aim.measure(fits.numbers))
        place = int(np.argmin(distances))
        if not distances[place] < here.distance:
            break
        changed = exchanges.apply(here.records, int(order[place]))
        there = _fit(changed, aim, fits.weights[place])
        if not there.distance < here.distance:
            break
        here = there
    return here


def _foresee(here: _Cohort, exchanges: _Exchanges, aim: _Aim) -> Floats:
    """The numbers after each exchange, by the slopes."""
    slopes = aim.model.derive(here.totals, here.fits)
    cells, columns = _number_patterns(here.records), exchanges.columns
    foreseen = np.repeat(here.fits.numbers, len(columns), axis=0)
    for patients, sign in ((exchanges.givers, -1), (exchanges.takers, 1)):
        before = cells[patients]
        after = before + sign * (1 << columns)
        moved = slopes.by_pattern[after] - slopes.by_pattern[before]
        moved += np.where(aim.is_first[patients], sign, 0)[:, None, None] * slopes.by_event[1 + columns]
        foreseen += np.where((before >= 0)[:, None, None], moved, 0.0)
    return foreseen


def _count_after(
    here: _Cohort, exchanges: _Exchanges, chosen: NDArray[np.intp], aim: _Aim
) -> tuple[Whole, Whole]:
    """Patients of each pattern, and with the event, after each of the chosen exchanges."""
    cells, every = _number_patterns(here.records), np.arange(len(chosen))
    totals, events = np.tile(here.totals, (len(chosen), 1)), np.tile(here.events, (len(chosen), 1))
    columns = exchanges.columns[chosen]
    for patients, sign in ((exchanges.givers[chosen], -1), (exchanges.takers[chosen], 1)):
        known = cells[patients] >= 0
        before, rows, column = cells[patients][known], every[known], columns[known]
        np.add.at(totals, (rows, before), -1)
        np.add.at(totals, (rows, before + sign * (1 << column)), 1)
        np.add.at(events, (rows, 1 + column), np.where(aim.is_first[patients][known], sign, 0))
    return totals, events


def _disturb(records: Records, aim: _Aim, rng: Generator) -> Records:
    """Return the records after a few exchanges at random, each between two patients with different levels."""
    changed = records.copy()
    for _ in range(int(rng.integers(_FEWEST_DISTURBED, _MOST_DISTURBED))):
        column = int(rng.integers(records.shape[1]))
        values = changed[:, column]
        givers = np.flatnonzero(values == 1)
        giver = int(rng.choice(givers))
        takers = np.flatnonzero((values == 0) & (aim.is_first == aim.is_first[giver]))
        changed[giver, column], changed[rng.choice(takers), column] = 0, 1
    return changed


def _finish(best: _Cohort, factors: Sequence[PrintedFactor], aim: _Aim, *, rounds: int) -> JointCohort:
    """Fit the model once more, by the way of the package's own tables, which knows when there is none."""
    known = (best.records != MISSING).all(axis=1)
    fit = fit_logistic_batch(
        best.records[known], aim.is_first[known], np.ones((1, int(known.sum()))), method="maximum_likelihood"
    )
    logs, reach = fit.coefficients[0, 1:], QUANTILE * fit.standard_errors[0]
    numbers = np.stack([logs, logs - reach, logs + reach], axis=1)
    off = aim.measure(numbers)
    found = tuple(
        Closeness(factor.name, *three, estimate_off=apart[0], limit_off=max(apart[1:]))
        for factor, three, apart in zip(factors, np.exp(numbers).tolist(), off.tolist(), strict=True)
    )
    return JointCohort(best.records, aim.is_first, found, rounds, is_close=aim.is_near(off))
