"""What an explanation of one patient holds, and how answers to "what if" are put in order.

The kernel answers; nothing here grades. A question is a copy of the patient with one thing changed; the same
kernel runs over all copies at once (`study/counterfactuals.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

__all__ = [
    "AnalyteSeries",
    "Answer",
    "AnswerRange",
    "Candidates",
    "Change",
    "CourseEvent",
    "CutLine",
    "ExplainedDay",
    "LeftOut",
    "Measurement",
    "OutcomeExplanation",
    "PatientExplanation",
    "RuleText",
    "SeriesDay",
    "Settling",
    "SupportCourse",
    "group_answers",
    "join_answers",
    "list_beyond",
    "list_candidates",
    "step_beyond",
]

# Relative distance of "just beyond a cut" from the cut: far more than 15 digits, far less than is printed.
_BESIDE = 1e-6
_FAR_ABOVE = 10.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the kernel says of one outcome; numbers as in the outcomes table."""

    policy: float | None
    best: float | None
    worst: float | None
    label: str | None
    possible_labels: str | None
    decided: bool

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Answer:
        """Return the answer of a row of the outcomes table."""
        names = ("policy", "best", "worst", "label", "possible_labels", "decided")
        return cls(**{name: row[name] for name in names})


@dataclass(frozen=True, kw_only=True)
class AnswerRange:
    """The values of one further measurement that have the same answer; `high` is None without an end."""

    low: float
    high: float | None
    includes_low: bool
    includes_high: bool
    answer: Answer


@dataclass(frozen=True, kw_only=True)
class Settling:
    """What one further measurement on one unmeasured day would have said, value by value.

    `settles` holds where every value decides the outcome.
    """

    analyte: str
    day: int
    settles: bool
    ranges: tuple[AnswerRange, ...]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that would change the answer, and the answer that it gives.

    `kind` is "more_days" (values on all of these days, beside the days that decided), "any_day" (one value on
    any day), "one_day" (one value on one of these days, and on no other), "without_row" (without this
    measurement), "values" (values on all of these days, if any) or "all_values" (values of every lineage on
    these days). `support` is what the patient would have had to do without. What is said of all values
    beyond a cut holds for all that were tried: `answer` is the lowest of theirs, with the bounds of all, and
    `or_higher` says that some gave a higher grade.
    """

    kind: str
    analyte: str | None
    comparator: str | None
    cut: float | None
    days: tuple[int, ...]
    source_row: int | None
    support: tuple[str, ...]
    answer: Answer
    or_higher: bool


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One value as the file has it, in the canonical unit of its analyte."""

    analyte: str
    day: int
    value: float
    comparator: str
    source_row: int


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """One row of the file that was not judged, and why; `value` None where there is no number."""

    analyte: str
    day: int
    value: float | None
    comparator: str
    source_row: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class ExplainedDay:
    """One day behind an outcome.

    `role`, `state` and `verdict` are those of the evidence table. `low` and `high` are what the day can have
    been (`high` None: no upper end), `filled` what the definition takes for it. `before` and `after` are the
    nearest measurements of an unmeasured day. `values_that_day` counts the valid values of the analyte.
    """

    analyte: str
    day: int
    role: str
    state: str
    verdict: str
    low: float | None
    high: float | None
    filled: float | None
    measurement: Measurement | None
    values_that_day: int
    before: Measurement | None
    after: Measurement | None
    support: tuple[str, ...]


@dataclass(frozen=True)
class RuleText:
    """A rule in words and in its official sentence; `grade` None where it has none."""

    grade: int | None
    words: str
    text: str


@dataclass(frozen=True, kw_only=True)
class OutcomeExplanation:
    """One outcome of one patient.

    `row` is the row of the outcomes table, `possible` the answer if every unmeasured day could have been
    anything. `kind` is "grade", "days", "landmark", "recovery", "recovery_time", "fever", "phenotype",
    "second_dip" or "any_of". `counting` says how days are counted, where they are. `filled` are the days
    that the definition takes a value for, `left_out` rows of its days that are not judged. `was_asked` says
    that every unmeasured day was tried for `settling`; `together` are the days whose values would have
    settled it only all at once. `parts` are the answers of the outcomes that a combination is made of.
    """

    name: str
    title: str
    kind: str
    min_grade: int | None
    address: str | None
    rules: tuple[RuleText, ...]
    counting: tuple[str, ...]
    citation: str
    window: tuple[int, int] | None
    analytes: tuple[str, ...]
    answer: Answer
    possible: Answer
    row: Mapping[str, Any]
    days: tuple[ExplainedDay, ...]
    filled: tuple[tuple[int, float], ...]
    left_out: tuple[LeftOut, ...]
    settling: tuple[Settling, ...]
    was_asked: bool
    together: tuple[tuple[str, int], ...]
    changes: tuple[Change, ...]
    parts: tuple[tuple[str, Answer], ...]


@dataclass(frozen=True, kw_only=True)
class SeriesDay:
    """One day of a timeline; `state` as in evidence, or "after_death", "next_course", "not_needed"."""

    day: int
    state: str
    low: float | None
    high: float | None
    filled: float | None
    measurement: Measurement | None


@dataclass(frozen=True, kw_only=True)
class CutLine:
    """One cut of a definition, in the canonical unit, and the grade or state it stands for."""

    value: float
    label: str


@dataclass(frozen=True, kw_only=True)
class AnalyteSeries:
    """One analyte by day, with the cuts it is compared with and the outcomes that look at it."""

    analyte: str
    title: str
    unit: str
    days: tuple[SeriesDay, ...]
    left_out: tuple[LeftOut, ...]
    cuts: tuple[CutLine, ...]
    windows: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, kw_only=True)
class SupportCourse:
    """One row of the support table; `stop` None: not recorded."""

    kind: str
    start: int
    stop: int | None
    agent: str | None


@dataclass(frozen=True, kw_only=True)
class CourseEvent:
    """One row of the events table."""

    kind: str
    day: int
    grade: float | None


@dataclass(frozen=True, kw_only=True)
class PatientExplanation:
    """Everything about one patient of a study that a page of explanation shows, still as numbers."""

    study: str
    synthetic: bool
    patient_id: str
    lymphodepletion_day: int | None
    last_contact_day: int | None
    death_day: int | None
    second_infusion_day: int | None
    support: tuple[SupportCourse, ...]
    events: tuple[CourseEvent, ...]
    outcomes: tuple[OutcomeExplanation, ...]
    series: tuple[AnalyteSeries, ...]


@dataclass(frozen=True)
class Candidates:
    """Values of one further measurement, lowest first; `edges` are those at which an answer may change.

    `cap` is what the value cannot exceed.
    """

    values: tuple[float, ...]
    edges: frozenset[float]
    cap: float | None = None


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
    return Candidates(tuple(sorted(kept)), frozenset(edges), cap)


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
