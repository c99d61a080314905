"""Support without a recorded stop: which stops are put to the kernel, and how its answers are read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

from cytopenia.grading.answer_ranges import join_answers
from cytopenia.grading.explain import Answer, OpenStop, StopRange, SupportCourse
from cytopenia.study.counterfactuals import Edit
from cytopenia.study.patient_facts import PatientFacts
from cytopenia.study.subjects import Subject

__all__ = ["StopTrial", "edit_stops_together", "list_open_support", "list_stop_trials", "read_stops"]

_MOST_TOGETHER = 10_000


@dataclass(frozen=True)
class StopTrial:
    """Support without a stop, and the last days that are tried: each day on which its effect may matter."""

    course: SupportCourse
    days: range

    @property
    def edits(self) -> list[Edit]:
        """One copy for each last day."""
        return [Edit(stops=(self.name(day),)) for day in self.days]

    def name(self, day: int) -> tuple[str, int, str | None, int]:
        """Return this support with a last day, as `Edit` has it."""
        return self.course.kind, self.course.start, self.course.agent, day


def list_stop_trials(subject: Subject, facts: PatientFacts) -> list[StopTrial]:
    """Return the support of unrecorded stop that an outcome asks about, each with every day to its last one.

    A stop after the last day that is looked at says no more than one on it.
    """
    last = subject.look[1]
    kinds = {kind for kinds in (subject.support or {}).values() for kind in kinds}
    courses = [item for item in facts.support if item.stop is None and item.kind in kinds]
    return [
        StopTrial(course, range(course.start, last + 1))
        for course in dict.fromkeys(courses)
        if course.start <= last
    ]


def list_open_support(
    subject: Subject, facts: PatientFacts, place: tuple[str, int]
) -> tuple[tuple[str, int], ...]:
    """Return support of unrecorded stop, by kind and start, that may have lasted to a day of an analyte."""
    analyte, day = place
    kinds = (subject.support or {}).get(analyte, ())
    return tuple(
        (item.kind, item.start)
        for item in facts.support
        if item.stop is None and item.kind in kinds and item.start <= day
    )


def edit_stops_together(trials: Sequence[StopTrial]) -> list[Edit]:
    """Return a copy for every combination of stops; none for a single stop, or for very many combinations.

    Of support of one kind and agent, a stop after the next one began says no more than one on that day, the
    next one being as long.
    """
    if len(trials) < 2:
        return []
    days = [range(trial.days.start, _end_of(trial, trials) + 1) for trial in trials]
    if math.prod(len(some) for some in days) > _MOST_TOGETHER:
        return []
    return [
        Edit(stops=tuple(trial.name(day) for trial, day in zip(trials, stops, strict=True)))
        for stops in product(*days)
    ]


def _end_of(trial: StopTrial, trials: Sequence[StopTrial]) -> int:
    alike = (trial.course.kind, trial.course.agent)
    later = [
        other.course.start
        for other in trials
        if (other.course.kind, other.course.agent) == alike and other.course.start > trial.course.start
    ]
    return min(later, default=trial.days[-1])


def read_stops(
    trials: Sequence[StopTrial], answers: Iterator[Answer], own: Answer
) -> tuple[tuple[OpenStop, ...], bool]:
    """Return the stops that matter, from the answers to the edits of each trial and of all together.

    One matters if any stop gives another answer than no stop does. Also returned: whether all of them,
    whatever they were, decide the outcome.
    """
    found: list[OpenStop] = []
    for trial in trials:
        said = list(islice(answers, len(trial.days)))
        if all(_bounds_of(answer) == _bounds_of(own) for answer in said):
            continue
        found.append(
            OpenStop(
                kind=trial.course.kind,
                start=trial.course.start,
                settles=all(answer.decided for answer in said),
                answers=tuple(_group_days(trial.days, said)),
            )
        )
    together = list(answers)
    settles = any(stop.settles for stop in found)
    return tuple(found), settles or (bool(together) and all(answer.decided for answer in together))


def _bounds_of(answer: Answer) -> tuple[float | None, float | None, float | None]:
    return answer.policy, answer.best, answer.worst


def _group_days(days: range, answers: Sequence[Answer]) -> Iterator[StopRange]:
    """Days in a row with the same answer, with none decided, or with a recovery as many days later."""
    start = 0
    while start < len(days):
        same = _count_alike([_bounds_of(answer) if answer.decided else "open" for answer in answers[start:]])
        moving = _count_alike([_wait(*item) for item in zip(days[start:], answers[start:], strict=True)])
        count = max(same, moving)
        end = start + count
        later = _wait(days[start], answers[start]) if moving > same else None
        is_last = end == len(days) and later is None
        last = None if is_last else days[end - 1]
        answer = answers[start] if answers[start].decided else join_answers(answers[start:end])
        yield StopRange(first=days[start], last=last, answer=answer, later=later)
        start = end


def _wait(day: int, answer: Answer) -> int | None:
    """Days from the last day of support to a recovery that is decided; else None, unlike anything."""
    is_day = answer.decided and answer.label == "recovered" and answer.policy is not None
    return int(answer.policy or 0) - day if is_day else None


def _count_alike(values: Sequence[object]) -> int:
    if values[0] is None:
        return 1
    return next((place for place, value in enumerate(values) if value != values[0]), len(values))
