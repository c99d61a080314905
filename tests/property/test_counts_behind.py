"""The search for counts against the plainest twin: every table there is, printed and compared."""

from __future__ import annotations

import math
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from cytopenia.published.category_counts import find_category_counts
from cytopenia.published.fourfold_tables import PrintedRatio, find_fourfold_tables

QUANTILE = 1.959963984540054
SIZES = st.integers(2, 14)
DIGITS = st.integers(0, 3)
ROUNDING = {"half up": ROUND_HALF_UP, "half even": ROUND_HALF_EVEN, "cut off": ROUND_DOWN}


def write(number: float, digits: int, how: str = "half up") -> str:
    return str(Decimal(number).quantize(Decimal(1).scaleb(-digits), rounding=ROUNDING[how]))


def print_ratio(counts: tuple[int, ...], digits: int, how: str = "half up") -> PrintedRatio:
    a, b, c, d = counts
    logarithm = math.log(a * d / (b * c))
    error = math.sqrt(sum(1 / count for count in counts))
    numbers = (logarithm, logarithm - QUANTILE * error, logarithm + QUANTILE * error)
    return PrintedRatio(*(write(math.exp(number), digits, how) for number in numbers))


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int, int]:
    first, second = draw(SIZES), draw(SIZES)
    a, c = draw(st.integers(1, first - 1)), draw(st.integers(1, second - 1))
    return a, first - a, c, second - c


@given(tables(), DIGITS)
def test_every_table_that_prints_so_is_found_and_no_other(
    counts: tuple[int, int, int, int], digits: int
) -> None:
    printed = print_ratio(counts, digits)
    groups = (counts[0] + counts[1], counts[2] + counts[3])
    twin = {
        candidate
        for a, c in product(range(1, groups[0]), range(1, groups[1]))
        for candidate in [(a, groups[0] - a, c, groups[1] - c)]
        if print_ratio(candidate, digits) == printed
    }
    found = find_fourfold_tables(printed, groups)
    assert counts in twin
    # 1.96 and its exact value print alike but for a last digit, so that a table more may be found.
    assert twin <= {table.counts for table in found.tables}
    for extra in {table.counts for table in found.tables} - twin:
        a, b, c, d = extra
        error = math.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
        loose = [
            math.exp(math.log(a * d / (b * c)) + sign * quantile * error)
            for sign, quantile in product((-1, 1), (QUANTILE, 1.96))
        ]
        near = [
            abs(float(text) - number) <= 0.5 * 10**-digits + 1e-9 for text in printed[1:] for number in loose
        ]
        assert sum(near) >= 2


@given(tables(), DIGITS, st.sampled_from(sorted(ROUNDING)), st.integers(0, 2), st.integers(0, 2))
def test_the_table_is_among_those_found_whatever_is_missing(
    counts: tuple[int, int, int, int], digits: int, how: str, first_lost: int, second_lost: int
) -> None:
    groups = (counts[0] + counts[1] + first_lost, counts[2] + counts[3] + second_lost)
    found = find_fourfold_tables(print_ratio(counts, digits, how), groups, missing=4)
    assert found.count == len(found.tables)
    conventions = {table.convention for table in found.tables}
    if how != "cut off" or conventions == {"truncated"}:
        place = (counts, first_lost, second_lost)
        assert place in [(table.counts, table.first_missing, table.second_missing) for table in found.tables]
    else:
        assert conventions == {"rounded"}


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=4),
    DIGITS,
    st.sampled_from(sorted(ROUNDING)),
    st.booleans(),
)
def test_category_counts_are_those_that_print_so(
    counts: list[int], digits: int, how: str, is_complete: bool
) -> None:
    size = sum(counts) + (0 if is_complete else 3)
    if not size:
        return
    printed = [print_percent(count, size, digits, how) for count in counts]
    found = find_category_counts(printed, size, is_complete=is_complete)
    allowed = ("half up", "half even") if found.convention == "rounded" else ("cut off",)
    twin = {
        candidate
        for candidate in product(range(size + 1), repeat=len(counts))
        if (sum(candidate) == size if is_complete else sum(candidate) <= size)
        and all(
            any(print_percent(count, size, digits, way) == text for way in allowed)
            for count, text in zip(candidate, printed, strict=True)
        )
    }
    assert {group.counts for group in found.found} == twin
    assert found.count == len(twin)
    if how != "cut off":
        assert tuple(counts) in twin


def print_percent(count: int, size: int, digits: int, how: str) -> str:
    exact = Decimal(100 * count) / Decimal(size)
    return str(exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUNDING[how]))
