"""Which values stand for all values of one further measurement, and how the answers to them are put in order.

The kernel answers; nothing here grades. A question is a copy of the patient with one thing changed; the same
kernel runs over all copies at once (`study/counterfactuals.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from cytopenia.grading.explain import Answer, AnswerRange

__all__ = [
    "Candidates",
    "group_answers",
    "join_answers",
    "list_beyond",
    "list_candidates",
    "step_beyond",
]

# Relative distance of "just beyond a cut" from the cut: far more than 15 digits, far less than is printed.
_BESIDE = 1e-6
_FAR_ABOVE = 10.0


@dataclass(frozen=True)
class Candidates:
    """Values of one further measurement, lowest first; `edges` are those at which an answer may change.

    `cap` is what the value cannot exceed, `given` the cuts, the values of the neighbors and the cap.
    """

    values: tuple[float, ...]
    edges: frozenset[float]
    cap: float | None = None
    given: frozenset[float] = frozenset()


def list_candidates(
    cuts: Sequence[float],
    *,
    slacks: Sequence[float],
    neighbors: Sequence[float],
    lines: Sequence[float] = (),
    cap: float | None = None,
) -> Candidates:
    """Return the values whose answers stand for the answers of all values.

    Each cut, the cut times and divided by each slack (where the measurement changes what its neighbors can
    have been), each with the values just beside it; the values of the neighbors; zero, and a value far above.

    Parameters
    ----------
    cuts : sequence of float
        In the canonical unit.
    slacks : sequence of float
        Of the bounds of unmeasured days, between this day and the measurements around it.
    neighbors : sequence of float
    lines : sequence of float
        Further values at which an answer may change: where a line to a neighbor passes a cut, where two
        measurements around the day, or this day and another, are refuted.
    cap : float, optional
        What the value cannot exceed (white cells of that day).

    Examples
    --------
    >>> found = list_candidates([0.5], slacks=[1.0], neighbors=[2.0])
    >>> [round(value, 3) for value in found.values]
    [0.0, 0.5, 0.5, 0.5, 2.0, 20.0]
    """
    around = [edge for cut in cuts for slack in slacks for edge in (cut / slack, cut * slack)]
    edges = {edge for edge in (*cuts, *around, *lines) if edge > 0}
    values = {0.0, *neighbors, _FAR_ABOVE * max([*edges, *neighbors, 1.0])}
    values |= {edge * factor for edge in edges for factor in (1.0 - _BESIDE, 1.0, 1.0 + _BESIDE)}
    kept = values if cap is None else {min(value, cap) for value in values}
    given = [*cuts, *neighbors] if cap is None else [*cuts, *neighbors, cap]
    return Candidates(tuple(sorted(kept)), frozenset(edges), cap, frozenset(given))


def step_beyond(cut: float, comparator: str) -> float:
    """Return the value nearest to a cut that meets it: the cut itself where it is included.

    Examples
    --------
    >>> step_beyond(0.5, "at_most"), step_beyond(0.5, "below")
    (0.5, 0.4999995)
    """
    beside = {"below": 1.0 - _BESIDE, "above": 1.0 + _BESIDE}
    return cut * beside.get(comparator, 1.0)


def list_beyond(cut: float, comparator: str, edges: Sequence[float]) -> tuple[float, ...]:
    """Return values that stand for all values beyond a cut: those at and beside each edge, and the far end.

    Examples
    --------
    >>> [round(value, 3) for value in list_beyond(0.5, "at_most", [0.1, 1.0])]
    [0.0, 0.1, 0.1, 0.1, 0.5, 0.5]
    """
    is_down = comparator in ("below", "at_most")
    nearest = step_beyond(cut, comparator)
    far = 0.0 if is_down else _FAR_ABOVE * max([cut, *edges])
    beside = {edge * factor for edge in (cut, *edges) for factor in (1.0 - _BESIDE, 1.0, 1.0 + _BESIDE)}
    kept = {value for value in beside if (0.0 <= value < nearest if is_down else value > nearest)}
    return tuple(sorted(kept | {nearest, far}))


def join_answers(answers: Sequence[Answer]) -> Answer:
    """Return the lowest of some answers, with the bounds of all of them; decided if each of them is."""
    lowest = min(answers, key=lambda item: (-math.inf if item.policy is None else item.policy, item.decided))
    best = [item.best for item in answers if item.best is not None]
    worst = [item.worst for item in answers if item.worst is not None]
    return replace(
        lowest,
        best=min(best, default=None),
        worst=max(worst, default=None),
        decided=all(item.decided for item in answers),
    )


def group_answers(candidates: Candidates, answers: Sequence[Answer]) -> tuple[tuple[AnswerRange, ...], bool]:
    """Return the ranges of values with the same answer, and whether they cover every value.

    They do where every change of the answer lies at an edge: between the edge and the value just beside it.
    """
    groups = [
        [place for place, _ in found] for _, found in groupby(enumerate(answers), key=lambda item: item[1])
    ]
    values, ranges, covers_all = candidates.values, list[AnswerRange](), True
    low, includes_low = values[0], True
    for place, group in enumerate(groups):
        if place == len(groups) - 1:
            has_end = candidates.cap is not None
            answer = answers[group[0]]
            ranges.append(_make_range(low, candidates.cap, answer, includes_low, includes_high=has_end))
            break
        end, start = values[group[-1]], values[groups[place + 1][0]]
        is_edge = start - end <= start * 2 * _BESIDE
        covers_all &= is_edge
        cut = end if not is_edge or end in candidates.edges else start
        includes = not is_edge or end in candidates.edges
        ranges.append(_make_range(low, cut, answers[group[0]], includes_low, includes_high=includes))
        low, includes_low = (cut, not includes) if is_edge else (start, True)
    return tuple(ranges), covers_all


def _make_range(
    low: float, high: float | None, answer: Answer, includes_low: bool, *, includes_high: bool
) -> AnswerRange:
    return AnswerRange(
        low=low, high=high, includes_low=includes_low, includes_high=includes_high, answer=answer
    )
