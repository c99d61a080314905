"""The counts behind printed percentages: every set of whole numbers that adds up and prints so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, chain, islice
from typing import Literal, NamedTuple, get_args

from cytopenia.errors import DataError, join_problems
from cytopenia.published.printed_bounds import CONVENTIONS, PrintedBounds, bound_number

__all__ = ["CategorySearch", "GroupCounts", "find_category_counts", "find_table_counts"]

PercentConvention = Literal["rounded", "truncated", "mixed"]
_WAYS: tuple[PercentConvention, ...] = get_args(PercentConvention)

_HUNDRED = 100
_LARGEST_GROUP = 1_000_000
_LARGEST_MISSING = 1_000
_MOST_LISTED = 1_000


class GroupCounts(NamedTuple):
    """Patients in each category of one group, and how many of it are in none."""

    counts: tuple[int, ...]
    missing: int


@dataclass(frozen=True)
class CategorySearch:
    """How many sets of counts print so, and the first 1,000 of them.

    Attributes
    ----------
    found : tuple of GroupCounts
        Those with the fewest missing patients first, then in the order of the first category.
    count : int
    convention : {"rounded", "truncated", "mixed"} or None
        How the counts give the print; None if nothing does. Mixed: some only by rounding, others only by
        truncation.
    """

    found: tuple[GroupCounts, ...]
    count: int
    convention: PercentConvention | None

    @property
    def answer(self) -> str:
        """Return "unique", "several" or "none"."""
        return "none" if not self.count else "unique" if self.count == 1 else "several"


class _Run(NamedTuple):
    """The counts that one percentage allows, both ends included."""

    fewest: int
    most: int


def find_category_counts(
    percents: Sequence[str], size: int, *, missing: int = 0, is_complete: bool = True
) -> CategorySearch:
    """Return every set of counts whose percentages of one group print as given.

    Parameters
    ----------
    percents : list of str
        One printed percentage per category, without the sign: "17.46".
    size : int
        Patients of the group.
    missing : int
        At most how many of them are in no category; percentages are of those that are in one.
    is_complete : bool
        Whether the categories are all there are. If not, their counts may add up to less than the size.

    Returns
    -------
    CategorySearch
        By rounding if anything rounds so, else by truncation, else by either of them for each number.

    Raises
    ------
    DataError
        A percentage is none, or a size is not possible; all at once.

    Examples
    --------
    >>> search = find_category_counts(["17.46", "14.28", "36.50", "30.15", "1.58"], 63)
    >>> search.answer, search.found[0].counts, search.convention
    ('unique', (11, 9, 23, 19, 1), 'truncated')
    >>> find_category_counts(["51", "50"], 63).answer
    'none'
    """
    _require_possible([percents], [size], missing)
    for way in _WAYS:
        listed: list[GroupCounts] = []
        count = 0
        for lost in range(min(missing, size - 1) + 1):
            runs = [_bound_count(percent, size - lost, way) for percent in percents]
            limits = _Run(size - lost if is_complete else 0, size - lost)
            count += _count_sets(runs, limits)
            sets = islice(_list_sets(runs, limits), _MOST_LISTED - len(listed))
            listed.extend(GroupCounts(counts, lost) for counts in sets)
        if count:
            return CategorySearch(tuple(listed), count, way)
    return CategorySearch((), 0, None)


def find_table_counts(
    rows: Sequence[Sequence[str]], groups: Sequence[int], *, missing: int = 0, is_complete: bool = True
) -> list[CategorySearch]:
    """Return the counts behind a table of percentages, one search per group.

    Parameters
    ----------
    rows : list of list of str
        One row per category, one printed percentage per group; percentages are of the group.
    groups : list of int
        Patients of each group.
    missing : int
        At most how many patients of each group are in no category.
    is_complete : bool
        Whether the rows are all the categories there are.

    Raises
    ------
    DataError
        The rows do not have one percentage per group, or as `find_category_counts`.

    Examples
    --------
    >>> by_group = find_table_counts([["84.6", "33.3"], ["15.4", "66.7"]], [39, 21])
    >>> [search.found[0].counts for search in by_group]
    [(33, 6), (7, 14)]
    """
    wrong = [place for place, row in enumerate(rows, start=1) if len(row) != len(groups)]
    if wrong or not rows:
        where = f"row {', '.join(map(str, wrong))}" if wrong else "no row"
        message = f"{where}: each row needs {len(groups)} percentages, one for each group"
        raise DataError(message)
    columns = list(zip(*rows, strict=True))
    _require_possible(columns, groups, missing)
    return [
        find_category_counts(column, size, missing=missing, is_complete=is_complete)
        for column, size in zip(columns, groups, strict=True)
    ]


def _require_possible(columns: Sequence[Sequence[str]], groups: Sequence[int], missing: int) -> None:
    percents = list(chain.from_iterable(columns))
    problems = [
        f"{text!r} is no percentage; allowed: 0 to 100, as printed, without the sign"
        for text in percents
        if not _is_percent(bound_number(text))
    ]
    problems += [
        f"a group has {size} patients; allowed: 1 to {_LARGEST_GROUP}"
        for size in groups
        if not 1 <= size <= _LARGEST_GROUP
    ]
    if not percents:
        problems.append("no percentage is given; at least one is needed")
    if not 0 <= missing <= _LARGEST_MISSING:
        problems.append(f"missing is {missing}; allowed: 0 to {_LARGEST_MISSING}")
    if problems:
        raise DataError(join_problems("no counts can be looked for:", problems))


def _is_percent(bound: PrintedBounds) -> bool:
    is_number = bound.low.is_finite() and bound.high.is_finite()
    return is_number and bound.high > 0 and bound.low <= _HUNDRED


def _bound_count(percent: str, size: int, way: PercentConvention) -> _Run:
    """The counts whose percentage of the size prints so."""
    if way == "mixed":
        runs = [_bound_count(percent, size, convention) for convention in CONVENTIONS]
        held = [run for run in runs if run.fewest <= run.most] or runs
        return _Run(min(run.fewest for run in held), max(run.most for run in held))
    bound = bound_number(percent, way)
    fewest = _share(bound.low, size)
    most = _share(bound.high, size)
    return _Run(
        max(math.ceil(fewest) if bound.closed_low else math.floor(fewest) + 1, 0),
        min(math.floor(most) if bound.closed_high else math.ceil(most) - 1, size),
    )


def _share(percent: Decimal, size: int) -> Fraction:
    return Fraction(percent) * size / _HUNDRED


def _count_sets(runs: Sequence[_Run], limits: _Run) -> int:
    """How many sets of counts there are whose sum lies between the limits."""
    ways = [1]
    for run in runs:
        width = run.most - run.fewest + 1
        if width < 1:
            return 0
        sums = [0, *accumulate(ways)]
        last = len(ways)
        ways = [
            sums[min(place + 1, last)] - sums[max(place + 1 - width, 0)] for place in range(last + width - 1)
        ]
    fewest = sum(run.fewest for run in runs)
    return sum(ways[max(limits.fewest - fewest, 0) : max(limits.most - fewest + 1, 0)])


def _list_sets(runs: Sequence[_Run], limits: _Run) -> Iterator[tuple[int, ...]]:
    """The sets themselves; a count is tried only if what is left can still be reached."""
    if not runs:
        if limits.fewest <= 0 <= limits.most:
            yield ()
        return
    run, others = runs[0], runs[1:]
    fewest = max(run.fewest, limits.fewest - sum(other.most for other in others))
    most = min(run.most, limits.most - sum(other.fewest for other in others))
    if any(other.fewest > other.most for other in others):
        return
    for count in range(fewest, most + 1):
        left = _Run(limits.fewest - count, limits.most - count)
        for rest in _list_sets(others, left):
            yield (count, *rest)
