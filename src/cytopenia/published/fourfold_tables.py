"""The counts behind an odds ratio: every table of two groups by yes and no that prints as a paper does.

An odds ratio and its interval are three functions of four whole numbers. With the sizes of the groups known,
few tables, often one, print the same three texts. All are looked at: for every number of patients with the
feature in the first group, the odds ratio leaves a short run of numbers in the second.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cytopenia.errors import DataError, join_problems
from cytopenia.published.printed_bounds import CONVENTIONS, Convention, bound_number

__all__ = ["SMALLEST_GROUP", "FourfoldSearch", "FourfoldTable", "PrintedRatio", "find_fourfold_tables"]

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

# Programs take 1.96 or every digit of it; a table may print by either.
_QUANTILES = (1.959963984540054, 1.96)
# Far above what an exponential of a logarithm loses, far below the digits of any print.
_LOSS = 1e-12
SMALLEST_GROUP = 2
_LARGEST_GROUP = 100_000
_LARGEST_MISSING = 20
_BLOCK = 200_000
_MOST_LISTED = 1_000


class _Found(NamedTuple):
    """Counts with the feature in both groups, and the odds ratio with its limits as three columns."""

    first: Counts
    second: Counts
    numbers: Floats

    def keep(self, most: int) -> _Found:
        """Return at most so many of them."""
        return _Found(self.first[:most], self.second[:most], self.numbers[:most])


class _Sizes(NamedTuple):
    """Patients of the two groups, and those of them with a value."""

    groups: tuple[int, int]
    valued: tuple[int, int]


class PrintedRatio(NamedTuple):
    """An odds ratio with the limits of its 95% interval, as printed."""

    odds_ratio: str
    low: str
    high: str


@dataclass(frozen=True)
class FourfoldTable:
    """One table that prints so.

    `first_with` of `first_size` patients in the first group have the feature, `second_with` of `second_size`
    in the second; the sizes are those of the patients with a value. `convention` says how its numbers give
    the print, and `odds_ratio`, `low` and `high` are they, unrounded.
    """

    first_with: int
    first_size: int
    second_with: int
    second_size: int
    first_missing: int
    second_missing: int
    odds_ratio: float
    low: float
    high: float
    convention: Convention

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """With and without the feature in the first group, then in the second."""
        return (
            self.first_with,
            self.first_size - self.first_with,
            self.second_with,
            self.second_size - self.second_with,
        )


@dataclass(frozen=True)
class FourfoldSearch:
    """How many tables print so, and the first 1,000 of them, those with the fewest missing patients first."""

    tables: tuple[FourfoldTable, ...]
    count: int

    @property
    def answer(self) -> str:
        """Return "unique", "several" or "none"."""
        return "none" if not self.count else "unique" if self.count == 1 else "several"


def find_fourfold_tables(
    printed: PrintedRatio, groups: tuple[int, int], *, missing: int = 0
) -> FourfoldSearch:
    """Return every table of counts whose odds ratio and 95% interval print as given.

    The odds ratio is that of the feature in the first group over the second, with the interval of Woolf:
    the logarithm plus and minus 1.96 standard errors, the root of the sum of the four reciprocal counts. It
    is what a logistic model with one yes-or-no factor prints (SPSS, R `glm` with `confint.default`).

    Parameters
    ----------
    printed : PrintedRatio
        The three texts, every printed digit kept: "8.500" says more than "8.5".
    groups : (int, int)
        Patients in the first and in the second group, with or without a value.
    missing : int
        At most how many patients of the two groups together have no value.

    Returns
    -------
    FourfoldSearch
        Tables whose three numbers round to the print; only if there are none, those that are cut off
        there. Tables without a patient in one of the four cells have no odds ratio and are not among them.

    Raises
    ------
    DataError
        A text is no positive number, the limits are not in order, or a size is not possible; all at once.

    References
    ----------
    Woolf B. On estimating the relation between blood group and disease. Ann Hum Genet 1955;19:251.

    Examples
    --------
    >>> search = find_fourfold_tables(PrintedRatio("11", "3.130", "38.660"), (39, 21))
    >>> search.answer, search.tables[0].counts
    ('unique', (33, 6, 7, 14))
    """
    _require_possible(printed, groups, missing)
    for convention in CONVENTIONS:
        listed: list[FourfoldTable] = []
        count = 0
        for sizes in _list_sizes(groups, missing):
            for found in _find_of_sizes(printed, sizes, convention):
                count += len(found.first)
                few = found.keep(_MOST_LISTED - len(listed))
                listed.extend(_name_tables(few, sizes, convention))
        if count:
            return FourfoldSearch(tuple(listed), count)
    return FourfoldSearch((), 0)


def _name_tables(found: _Found, sizes: _Sizes, convention: Convention) -> Iterator[FourfoldTable]:
    for first, second, numbers in zip(*(column.tolist() for column in found), strict=True):
        yield FourfoldTable(
            first_with=first,
            first_size=sizes.valued[0],
            second_with=second,
            second_size=sizes.valued[1],
            first_missing=sizes.groups[0] - sizes.valued[0],
            second_missing=sizes.groups[1] - sizes.valued[1],
            odds_ratio=numbers[0],
            low=numbers[1],
            high=numbers[2],
            convention=convention,
        )


def _require_possible(printed: PrintedRatio, groups: tuple[int, int], missing: int) -> None:
    problems: list[str] = []
    numbers: list[float] = []
    for name, text in zip(printed._fields, printed, strict=True):
        numbers.append(_read_ratio(text))
        if math.isnan(numbers[-1]):
            problems.append(f"{name} is {text!r}; allowed: a number that is not negative, as printed")
    if not problems and not numbers[1] <= numbers[2]:
        problems.append(
            f"the lower limit {printed.low} lies above the upper limit {printed.high}; exchange them"
        )
    for name, size in zip(("first", "second"), groups, strict=True):
        if not SMALLEST_GROUP <= size <= _LARGEST_GROUP:
            problems.append(
                f"the {name} group has {size} patients; allowed: {SMALLEST_GROUP} to {_LARGEST_GROUP}"
            )
    if not 0 <= missing <= _LARGEST_MISSING:
        problems.append(f"missing is {missing}; allowed: 0 to {_LARGEST_MISSING}")
    if problems:
        raise DataError(join_problems("no counts can be looked for:", problems))


def _read_ratio(text: str) -> float:
    """The number, or NaN if it is a limit or negative; "0.00" is a small ratio."""
    bound = bound_number(text)
    return (
        float(text)
        if bound.low.is_finite() and bound.high.is_finite() and bound.low >= -bound.high
        else math.nan
    )


def _list_sizes(groups: tuple[int, int], missing: int) -> Iterator[_Sizes]:
    """Patients with a value in each group, the most first."""
    for total in range(missing + 1):
        for first in range(total + 1):
            valued = (groups[0] - first, groups[1] - (total - first))
            if min(valued) >= SMALLEST_GROUP:
                yield _Sizes(groups, valued)


def _find_of_sizes(printed: PrintedRatio, sizes: _Sizes, convention: Convention) -> Iterator[_Found]:
    ends = np.array([_widen(text, convention) for text in printed]).T
    for first, second in _list_candidates(sizes.valued, (ends[0, 0], ends[1, 0])):
        by_quantile = [_estimate(first, second, sizes.valued, quantile=quantile) for quantile in _QUANTILES]
        fits = [((ends[0] <= numbers) & (numbers <= ends[1])).all(axis=1) for numbers in by_quantile]
        either = np.logical_or(*fits)
        numbers: Floats = np.where(fits[0][:, None], *by_quantile)
        yield _Found(first[either], second[either], numbers[either])


def _estimate(first: Counts, second: Counts, sizes: tuple[int, int], *, quantile: float) -> Floats:
    """The odds ratio with both limits, a row for each pair of counts."""
    logarithm = _log_odds(first, sizes[0]) - _log_odds(second, sizes[1])
    error = np.sqrt(_sum_of_reciprocals(first, sizes[0]) + _sum_of_reciprocals(second, sizes[1]))
    return np.exp(logarithm[:, None] + np.outer(error, [0, -quantile, quantile]))


def _widen(text: str, convention: Convention) -> tuple[float, float]:
    """The ends of what prints so; a program that cuts off may cut 139.99999999999997, which is 140."""
    bound = bound_number(text, convention)
    return float(bound.low) * (1 - _LOSS), float(bound.high) * (1 + _LOSS)


def _list_candidates(sizes: tuple[int, int], ratio: tuple[float, float]) -> Iterator[tuple[Counts, Counts]]:
    """Pairs of counts whose odds ratio can lie between two ends, in blocks.

    The odds of the second group are those of the first divided by the ratio, so that each count in the first
    group leaves a run of counts in the second; one more at each end makes up for what rounding loses.
    """
    first = np.arange(1, sizes[0], dtype=np.int64)
    odds = first / (sizes[0] - first)
    fewest = _count_at_odds(odds / ratio[1], sizes[1])
    most = _count_at_odds(odds / max(ratio[0], 1e-300), sizes[1])
    start = np.maximum(np.floor(fewest).astype(np.int64) - 1, 1)
    stop = np.minimum(np.ceil(most).astype(np.int64) + 1, sizes[1] - 1)
    lengths = np.maximum(stop - start + 1, 0)
    block = np.cumsum(lengths) // _BLOCK
    for number in range(int(block[-1]) + 1 if len(block) else 0):
        chosen = block == number
        yield _spread(first[chosen], start[chosen], lengths[chosen])


def _spread(first: Counts, start: Counts, lengths: Counts) -> tuple[Counts, Counts]:
    """Each first count beside every count of its run."""
    repeated = np.repeat(first, lengths)
    offset = np.arange(len(repeated)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return repeated, np.repeat(start, lengths) + offset


def _count_at_odds(odds: Floats, size: int) -> Floats:
    return size * odds / (1 + odds)


def _log_odds(count: Counts, size: int) -> Floats:
    return np.log(count / (size - count))


def _sum_of_reciprocals(count: Counts, size: int) -> Floats:
    return 1 / count + 1 / (size - count)
