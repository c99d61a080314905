"""Numbers of a two-by-two table at a cut that was given."""

from __future__ import annotations

import numpy as np
import pytest

from cytopenia.errors import DataError
from cytopenia.stats.accuracy import MEASURES, divide_counts, estimate_accuracy


def test_by_hand() -> None:
    found = estimate_accuracy([14, 7, 33, 6])
    shares = {name: (one.count, one.denominator) for name, one in found.items()}
    assert shares == {
        "sensitivity": (14, 21),
        "specificity": (33, 39),
        "ppv": (14, 20),
        "npv": (33, 40),
        "youden": (None, None),
    }
    assert found["youden"].value == pytest.approx(14 / 21 + 33 / 39 - 1, abs=1e-12)


def test_wilson_as_printed() -> None:
    # Newcombe, Statistics in Medicine 1998;17:857-872, table I: 81 of 263, method 3: 0.2553 to 0.3662;
    # method 5 (Clopper-Pearson): 0.2527 to 0.3676.
    wilson = estimate_accuracy([81, 182, 1, 1])["sensitivity"]
    assert (wilson.low, wilson.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    exact = estimate_accuracy([81, 182, 1, 1], method="clopper_pearson")["sensitivity"]
    assert (exact.low, exact.high) == pytest.approx((0.2527, 0.3676), abs=5e-5)


def test_difference_of_shares_as_printed() -> None:
    # Newcombe, Statistics in Medicine 1998;17:873-890, table II: 56/70 - 48/80, method 10: 0.0524 to 0.3339.
    found = estimate_accuracy([56, 14, 32, 48])["youden"]
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize(
    ("counts", "name", "note"),
    [
        ([0, 0, 3, 1], "sensitivity", "nobody has the event"),
        ([3, 1, 0, 0], "specificity", "everybody has the event"),
        ([0, 2, 3, 0], "ppv", "nobody is on the side of the cut that means the event"),
        ([2, 0, 0, 3], "npv", "everybody is on the side of the cut that means the event"),
        ([0, 0, 3, 1], "youden", "nobody has the event"),
    ],
)
def test_an_empty_denominator(counts: list[int], name: str, note: str) -> None:
    one = estimate_accuracy(counts)[name]
    assert (one.value, one.low, one.status, one.note) == (None, None, "not_estimable", note)


@pytest.mark.parametrize(
    ("counts", "options", "words"),
    [
        ([1, 2, 3], {}, "counts: give four whole numbers from 0"),
        ([1, 2, 3, -1], {}, "counts: give four whole numbers from 0"),
        ([1, 2, 3, 0.5], {}, "counts: give four whole numbers from 0"),
        ([1, 2, 3, 4], {"method": "wald"}, "method: unknown 'wald'; allowed: wilson, clopper_pearson"),
        ([1, 2, 3, 4], {"level": 0}, "level: 0 is not between 0 and 1"),
    ],
)
def test_wrong_use(counts: list[float], options: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        estimate_accuracy(counts, **options)


def test_many_tables_at_once_are_the_same() -> None:
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 4, (30, 4))
    for row, numbers in zip(counts, divide_counts(counts), strict=True):
        single = [estimate_accuracy(row)[name].value for name in MEASURES]
        assert numbers.tolist() == pytest.approx([np.nan if x is None else x for x in single], nan_ok=True)
