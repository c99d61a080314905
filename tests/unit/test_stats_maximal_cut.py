"""The best of all cuts, against all arrangements of small samples."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest

from cytopenia.errors import DataError
from cytopenia.stats.maximal_cut import assess_maximal_cut


def measure_slowly(values: np.ndarray, event: np.ndarray, statistic: str) -> float:
    """The largest statistic over all cuts, one cut at a time."""
    n, events = event.size, int(event.sum())
    largest = 0.0
    for value in np.unique(values)[1:]:
        below = values < value
        difference = abs(event[below].sum() / events - (1 - event[below]).sum() / (n - events))
        if statistic == "chi_squared":
            # The difference of two shares, standardized with the variance over all arrangements.
            k = below.sum()
            difference *= np.sqrt(events * (n - events) * (n - 1) / (k * (n - k)))
        largest = max(largest, float(difference))
    return largest


@pytest.mark.parametrize("statistic", ["youden", "chi_squared"])
@pytest.mark.parametrize("seed", range(15))
def test_the_same_as_all_arrangements(seed: int, statistic: str) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 11))
    values = rng.integers(0, 5, n).astype(float) if seed % 2 else rng.normal(size=n)
    values[:2] = [0, 1]
    event = rng.integers(0, 2, n)
    event[:2] = [0, 1]
    observed = measure_slowly(values, event, statistic)
    hits = 0
    for chosen in combinations(range(n), int(event.sum())):
        arranged = np.zeros(n, dtype=int)
        arranged[list(chosen)] = 1
        hits += measure_slowly(values, arranged, statistic) >= observed - 1e-9
    found = assess_maximal_cut(values, event, statistic=statistic)
    assert found.value == pytest.approx(observed, abs=1e-12)
    assert found.p_value == pytest.approx(hits / comb(n, int(event.sum())), abs=1e-12)


def test_by_hand() -> None:
    # Of twenty arrangements of three among six, two are apart at some cut.
    found = assess_maximal_cut([1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 1, 1])
    assert (found.value, found.n, found.resamples, found.low) == (1.0, 6, 0, None)
    assert found.p_value == pytest.approx(2 / 20, abs=1e-12)


def test_direction_and_class_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    values, event = np.round(rng.normal(size=30), 1), (np.arange(30) % 4 == 0).astype(int)
    for statistic in ("youden", "chi_squared"):
        one = assess_maximal_cut(values, event, statistic=statistic)
        for other in (
            assess_maximal_cut(-values, event, statistic=statistic),
            assess_maximal_cut(values, 1 - event, statistic=statistic),
        ):
            assert other.p_value == pytest.approx(one.p_value, rel=1e-9)


@pytest.mark.parametrize("statistic", ["youden", "chi_squared"])
def test_drawn_arrangements_agree_with_all(statistic: str) -> None:
    rng = np.random.default_rng(4)
    event = np.repeat([1, 0], [21, 39])
    values = rng.normal(size=60) + 0.6 * event
    exact = assess_maximal_cut(values, event, statistic=statistic)
    drawn = assess_maximal_cut(
        values, event, statistic=statistic, method="permutation", resamples=4_000, seed=2
    )
    # 4 standard errors of a share of 4,000.
    error = (exact.p_value * (1 - exact.p_value) / 4_000) ** 0.5
    assert drawn.p_value == pytest.approx(exact.p_value, abs=4 * error)
    assert drawn.low < drawn.p_value < drawn.high
    assert drawn.resamples == 4_000


def test_a_drawn_p_is_never_0() -> None:
    values = list(range(40))
    found = assess_maximal_cut(values, [0] * 20 + [1] * 20, method="permutation", resamples=99, seed=1)
    # (0 + 1) / (99 + 1), and Clopper-Pearson for 0 of 99: 1 - 0.025^(1/99).
    assert found.p_value == 0.01
    assert (found.low, found.high) == pytest.approx((0.0, 1 - 0.025 ** (1 / 99)), abs=1e-12)
    assert assess_maximal_cut(values, [0] * 20 + [1] * 20).p_value == pytest.approx(
        2 / comb(40, 20), rel=1e-9
    )


@pytest.mark.parametrize("cells", [1, 200, 10_000])
def test_the_size_of_blocks_changes_nothing(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values, event = [1, 5, 2, 4, 4, 3, 7, 6], [0, 1, 0, 0, 1, 0, 1, 0]
    whole = assess_maximal_cut(values, event, method="permutation", resamples=300, seed=9)
    monkeypatch.setattr("cytopenia.stats.maximal_cut.CELLS_AT_ONCE", cells)
    assert assess_maximal_cut(values, event, method="permutation", resamples=300, seed=9) == whole


def test_too_many_rows_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cytopenia.stats.maximal_cut.MOST_STEPS", 5)
    found = assess_maximal_cut([1, 2, 3, 4], [0, 0, 1, 1], resamples=50, seed=1)
    assert found.resamples == 50


@pytest.mark.parametrize(
    ("values", "event", "note"),
    [
        ([], [], "no complete row"),
        ([1, 2], [0, 0], "nobody has the event"),
        ([1, 2], [1, 1], "everybody has the event"),
        ([1, 1], [0, 1], "all values are equal"),
    ],
)
def test_not_estimable(values: list[float], event: list[int], note: str) -> None:
    found = assess_maximal_cut(values, event)
    assert (found.status, found.note, found.p_value) == ("not_estimable", note, None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"statistic": "yoden"}, "unknown 'yoden' .did you mean 'youden'.*; allowed: youden, chi_squared"),
        ({"method": "fast"}, "method: unknown 'fast'; allowed: auto, exact, permutation"),
        ({"resamples": 0}, "resamples: 0 is below 1"),
    ],
)
def test_wrong_use(options: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        assess_maximal_cut([1, 2], [0, 1], **options)


def test_missing_rows_are_left_out() -> None:
    found = assess_maximal_cut([1, 2, np.nan, 3, 4], [0, 0, 1, 1, np.nan])
    assert (found.n, found.missing) == (3, 2)
