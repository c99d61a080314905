"""Numbers to text: one rounding rule, and nothing that reads as another number."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cytopenia.report.display import (
    Counted,
    clean_text,
    escape_markdown,
    format_bounds,
    format_count,
    format_median,
    format_number,
    format_percent,
    format_percent_range,
    format_range,
)
from cytopenia.report.rounding import choose_decimals, round_decimal


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (12.25, 1, "12.3"),
        (12.35, 1, "12.4"),
        (-12.25, 1, "-12.3"),
        (1.005, 2, "1.01"),
        (2.675, 2, "2.68"),
        (0.5, 0, "1"),
        (2.5, 0, "3"),
        (0.1 + 0.2, 1, "0.3"),
        (12.2499, 1, "12.2"),
    ],
)
def test_halves_go_away_from_zero_as_printed(value: float, decimals: int, expected: str) -> None:
    assert str(round_decimal(value, decimals)) == expected


@given(st.integers(-(10**9), 10**9))
def test_rounding_equals_integer_arithmetic(thousandths: int) -> None:
    tens, rest = divmod(abs(thousandths), 10)
    expected = (tens + (rest >= 5)) * (-1 if thousandths < 0 else 1)
    assert round_decimal(thousandths / 1000, 2) * 100 == expected


@given(st.floats(-0.0499, 0.0))
def test_zero_is_never_negative(value: float) -> None:
    assert str(round_decimal(value, 1)) == "0.0"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (0, "0"),
        (-0.0, "0"),
        (-5, "−5"),
        (0.644, "0.64"),
        (88.47, "88.5"),
        (1234.6, "1235"),
        (12345, "12\u202f345"),
    ],
)
def test_number(value: float | None, expected: str) -> None:
    assert format_number(value) == expected


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(0, "0.0%"), (0.049, "<0.1%"), (0.05, "0.1%"), (99.94, "99.9%"), (99.95, ">99.9%"), (100, "100.0%")],
)
def test_percent_is_zero_or_hundred_only_if_it_is(percent: float, expected: str) -> None:
    assert format_percent(percent) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (48, 100, "48–100%"),
        (56.67, 65, "57–65%"),
        (0, 82, "0–82%"),
        (0.4, 3, "0.4–3.0%"),
        (12.1, 12.4, "12.1–12.4%"),
        (0.01, 99.99, "<0.1–>99.9%"),
        (98, 99.6, "98.0–99.6%"),
        (18, 18, "18%"),
        (33.333, 33.333, "33.3%"),
    ],
)
def test_percent_range(low: float, high: float, expected: str) -> None:
    assert format_percent_range(low, high) == expected


def test_count() -> None:
    assert format_count(Counted(48, 63, 100 * 48 / 63)) == "48/63 (76.2%)"
    assert format_count(Counted(0, 63, 0)) == "0/63 (0.0%)"
    assert format_count(Counted(0, 0, None)) == "0/0"


@pytest.mark.parametrize(
    ("policy", "best", "worst", "expected"),
    [
        ((48, 63), (47, 63), (50, 63), "bounds 47–50"),
        ((39, 60), (42, 60), (35, 60), "bounds 35–42"),
        ((48, 63), (48, 63), (48, 63), ""),
        ((48, 63), (48, 63), (49, 63), "bounds 48–49"),
        ((35, 56), (38, 60), (34, 60), "bounds 34/60–38/60"),
        ((57, 61), (57, 63), (57, 63), "bounds 57/63"),
    ],
)
def test_bounds(
    policy: tuple[int, int], best: tuple[int, int], worst: tuple[int, int], expected: str
) -> None:
    assert format_bounds(Counted(*policy), Counted(*best), Counted(*worst)) == expected


def test_numbers_printed_together_share_their_decimals() -> None:
    assert format_median(0.64, 0.02, 2.31) == "0.64 (0.02–2.31)"
    assert format_median(58, 23, 79) == "58 (23–79)"
    assert format_median(109.5, 62, 158) == "109.5 (62.0–158.0)"
    assert format_median(12.35, 1.5, 8123) == "12.4 (1.5–8123)"
    assert choose_decimals([None, math.nan]) == 0


def test_a_negative_end_is_not_read_as_a_range() -> None:
    assert format_range(-5, 3) == "−5 to 3"
    assert format_range(-5, -3) == "−5 to −3"


def test_unprintable_characters_leave_one_line() -> None:
    assert clean_text("a\x00\x1b[31mb\r\nc\ud800\uffff d") == "a [31mb c d"
    assert clean_text("x" * 300, longest=10) == "x" * 9 + "…"


@pytest.mark.parametrize("text", ["<script>", "[a](b)", "*b*", "# title", "`code`", "a|b", "$x$"])
def test_markdown_has_no_meaning_left(text: str) -> None:
    escaped = escape_markdown(text)
    assert escaped.replace("\\", "") == text
    assert all(escaped[at - 1] == "\\" for at, sign in enumerate(escaped) if sign in "<>[]*#`|$")
