"""Separation: cases built by hand, and a twin that tries every weight on a small grid."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import OptimizeResult

from cytopenia.errors import DataError
from cytopenia.stats.separation import Separation, detect_separation, explain_separation, scale_columns

NONE = Separation("none", ())


def detect_slowly(design: list[list[int]], event: list[int]) -> str:
    """Try all whole weights; enough for two columns with values 0, 1 and 2."""
    side = 2 * np.array(event) - 1
    signed = side[:, np.newaxis] * np.column_stack([np.ones(len(event)), design])
    weights = np.array(list(itertools.product(range(-9, 10), range(-5, 6), range(-5, 6))))
    margins = signed @ weights.T
    if np.any(np.all(margins > 0, axis=0)):
        return "complete"
    return "quasi" if np.any(np.all(margins >= 0, axis=0) & np.any(margins > 0, axis=0)) else "none"


@pytest.mark.parametrize("n", [4, 6, 9, 12])
def test_the_same_as_trying_all_weights(n: int) -> None:
    rng = np.random.default_rng(n)
    kinds = set()
    for _ in range(60):
        design, event = rng.integers(0, 3, (n, 2)).tolist(), rng.integers(0, 2, n).tolist()
        if len(set(event)) == 2:
            kind = detect_slowly(design, event)
            assert detect_separation(design, event).kind == kind, (design, event)
            kinds.add(kind)
    assert len(kinds) > 1


NOISE = [3.0, 1.0, 2.0, 2.5, 1.5, 3.5, 0.5, 2.2]


@pytest.mark.parametrize(
    ("columns", "event", "expected"),
    [
        # One column splits the events off; the noise beside it is not named.
        ([[1, 2, 3, 4, 5, 6, 7, 8]], "00001111", Separation("complete", (0,))),
        ([NOISE, [1, 2, 3, 4, 5, 6, 7, 8]], "00001111", Separation("complete", (1,))),
        ([[8, 7, 6, 5, 4, 3, 2, 1], NOISE], "00001111", Separation("complete", (0,))),
        # The groups meet in one value.
        ([[1, 2, 3, 4, 4, 6, 7, 8]], "00001111", Separation("quasi", (0,))),
        # An empty cell of a 2 x 2 table.
        ([[0, 0, 0, 0, 0, 1, 1, 1], NOISE], "01010111", Separation("quasi", (0,))),
        # Two markers, each with an empty cell.
        ([[1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0, 0, 0]], "11110101", Separation("quasi", (0, 1))),
        ([[1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0, 0, 0]], "11000101", Separation("quasi", (0, 1))),
        # Both columns separate by themselves.
        ([[1, 2, 3, 4, 5, 6, 7, 8], [2, 4, 6, 8, 9, 12, 14, 16]], "00001111", Separation("complete", (0, 1))),
        # Only the sum of both columns separates.
        ([[0, 3, 1, 2, 4, 1, 3, 2], [3, 0, 2, 1, 1, 4, 2, 3]], "00001111", Separation("complete", (0, 1))),
        ([[1, 2, 3, 4, 5, 6, 7, 8]], "00010111", NONE),
        ([[0, 0, 1, 1, 0, 0, 1, 1]], "00110101", NONE),
        ([[7, 7, 7, 7, 7, 7, 7, 7]], "00001111", NONE),
        ([], "00001111", NONE),
    ],
)  # fmt: skip
def test_constructed(columns: list[list[float]], event: str, expected: Separation) -> None:
    design = np.array(columns, dtype=float).reshape(len(columns), 8).T
    assert detect_separation(design, [int(mark) for mark in event]) == expected


@pytest.mark.parametrize("event", [[0, 0, 0], [1, 1, 1]])
def test_everybody_or_nobody(event: list[int]) -> None:
    assert detect_separation([[1.0], [2.0], [3.0]], event) == Separation("complete", ())


def test_nobody_at_all() -> None:
    assert detect_separation(np.zeros((0, 3)), []) == NONE


@pytest.mark.parametrize(
    ("scale", "shift"), [(1e-9, 0), (1e9, 0), (1e200, 0), (1e-200, 0), (1, 1e9), (1e3, -1e6)]
)
def test_units_change_nothing(scale: float, shift: float) -> None:
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    noise = np.array(NOISE)
    design = np.column_stack([noise, values * scale + shift])
    assert detect_separation(design, [0, 0, 0, 0, 1, 1, 1, 1]) == Separation("complete", (1,))
    # The line from the second to the sixth row crosses that from the first to the fifth.
    assert detect_separation(design, [0, 1, 1, 0, 0, 1, 1, 0]) == NONE


def test_a_ferritin_far_out_hides_nothing() -> None:
    # One value 1000 times the others; the groups still do not overlap.
    design = [[110.0], [120.0], [130.0], [140.0], [150.0], [150_000.0]]
    assert detect_separation(design, [0, 0, 0, 1, 1, 1]) == Separation("complete", (0,))


def test_forty_columns_with_63_patients() -> None:
    rng = np.random.default_rng(0)
    started = time.process_time()
    found = detect_separation(rng.normal(size=(63, 40)), (rng.random(63) < 0.4).astype(int))
    assert found.kind == "complete"
    # A proper part of the columns, without any of which they separate fewer.
    assert 0 < len(found.terms) < 40
    assert time.process_time() - started < 20


@pytest.mark.parametrize("is_separated", [True, False])
def test_many_rows(is_separated: bool) -> None:
    rng = np.random.default_rng(1)
    design = np.round(rng.normal(size=(3000, 3)), 2)
    event = design @ [1.0, -2.0, 0.0] > 0.3
    flips = np.zeros(3000, dtype=bool) if is_separated else rng.random(3000) < 0.05
    expected = Separation("complete", (0, 1)) if is_separated else NONE
    assert detect_separation(design, event ^ flips) == expected


def test_separation_that_a_few_rows_break_is_none() -> None:
    # Only two of 2000 rows overlap: rows taken at equal distances alone would miss them.
    values = np.arange(2000.0)
    event = (values >= 1000).astype(int)
    event[[999, 1000]] = 1, 0
    assert detect_separation(values[:, np.newaxis], event) == NONE


def test_a_solver_that_gives_up_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    solvers: list[str] = []

    def give_up(*_: object, method: str, **__: object) -> OptimizeResult:
        solvers.append(method)
        return OptimizeResult(x=None)

    monkeypatch.setattr(scipy.optimize, "linprog", give_up)
    assert detect_separation([[1.0, 5.0], [2.0, 6.0], [3.0, 2.0]], [0, 1, 0]) == NONE
    assert solvers == ["highs", "highs-ipm"]


def test_in_words() -> None:
    design = np.array([[0.0], [0.0], [1.0]])
    assert explain_separation(design, np.array([True, False, True]), ["stage"]) == (
        "stage separates the event in part (quasi-complete separation): "
        "maximum likelihood has no finite estimate; Firth's method can estimate it"
    )


# Levels I to IV of 6, 18, 15 and 21 patients, in columns for II, III and IV.
STAGES = np.repeat([0, 1, 2, 3], [6, 18, 15, 21])
THREE = ["II", "III", "IV"]


def explain_stages(*events: int) -> str:
    """The reason with so many events at each level."""
    counts = (6, 18, 15, 21)
    marks = [place < number for number, count in zip(events, counts, strict=True) for place in range(count)]
    columns = np.column_stack([level == STAGES for level in (1, 2, 3)]).astype(float)
    return explain_separation(columns, np.array(marks), THREE)


@pytest.mark.parametrize(
    ("events", "start"),
    [
        ((0, 6, 5, 7), "nobody outside II, III, IV (the reference level) has the event: "),
        ((6, 6, 5, 7), "everybody outside II, III, IV (the reference level) has the event: "),
        # A level of its own is told beside the reference level, or alone.
        ((0, 0, 5, 7), "nobody outside II, III, IV (the reference level) has the event, and "
         "II separates the event in part (quasi-complete separation): "),
        ((2, 0, 5, 7), "II separates the event in part (quasi-complete separation): "),
        ((2, 0, 15, 7), "II, III separate the event in part (quasi-complete separation): "),
    ],
)  # fmt: skip
def test_the_reference_level_is_named_where_it_separates(events: tuple[int, ...], start: str) -> None:
    reason = explain_stages(*events)
    assert reason.startswith(start)
    assert reason.endswith("maximum likelihood has no finite estimate; Firth's method can estimate it")


def test_without_separation_there_is_no_reason() -> None:
    assert explain_stages(2, 6, 5, 7) == ""


@pytest.mark.parametrize(
    ("design", "event", "words"),
    [
        ([1.0, 2.0], [0, 1], "design of shape"),
        ([[1.0], [2.0]], [0], "one event for every row"),
        ([[np.nan], [2.0]], [0, 1], "missing or infinite numbers in column 0"),
        ([[np.inf], [2.0]], [0, 1], "missing or infinite numbers in column 0"),
        ([[1.0], [2.0]], [0, 2], "only 0 and 1 are allowed"),
        ([[1.0], [2.0]], [0, np.nan], "only 0 and 1 are allowed"),
    ],
)
def test_wrong_use(design: list[list[float]], event: list[float], words: str) -> None:
    with pytest.raises(DataError, match=words):
        detect_separation(design, event)


def test_a_constant_column_scales_to_zero() -> None:
    scaled, means, spreads = scale_columns(np.array([[0.1, 1.0], [0.1, 3.0], [0.1, 5.0]]))
    assert scaled[:, 0].tolist() == [0.0, 0.0, 0.0]
    assert (means[1], spreads[0]) == (3.0, 0.0)
