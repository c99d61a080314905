"""How the answers of a cohort divide: by the rule, in the best and in the worst case, as bars with counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from cytopenia.app.cohort_run import Cell, CohortRun, OutcomeColumn
from cytopenia.grading.explain import Answer
from cytopenia.report.explanation_words import say_policy

__all__ = ["MIX_WIDTH", "Mix", "MixAnswer", "MixBar", "MixPart", "list_mixes"]

MIX_WIDTH = 560.0
_CASES = ("best", "policy", "worst")
# Of these a number is a day, and no case has few enough answers for a bar; their labels are counted.
_BY_LABEL = ("recovery_time", "phenotype")
_GRADED = ("grade", "days", "landmark")
_LEVELS = {"no": 0, "recovered": 0, "never below": 0, "yes": 3, "not recovered": 3}
_MOST_GRADES = 4
_ROOM_FOR_NUMBER = 9.0


@dataclass(frozen=True, kw_only=True)
class MixPart:
    """One answer of one case: how many patients, and where its part of the bar lies."""

    words: str
    count: int
    left: float
    width: float
    look: str

    @property
    def has_room(self) -> bool:
        """Whether the count can stand inside."""
        return self.width >= _ROOM_FOR_NUMBER * len(str(self.count))


@dataclass(frozen=True)
class MixBar:
    """One case of an outcome; `case` is "best", "policy" or "worst"."""

    case: str
    parts: tuple[MixPart, ...]


@dataclass(frozen=True, kw_only=True)
class MixAnswer:
    """One answer of an outcome: how many patients have it in each case, and how few and how many can have it.

    `counts` are in the order of the bars; `bounds` is None where an answer is no number.
    """

    words: str
    look: str
    counts: tuple[int, ...]
    bounds: tuple[int, int] | None

    @property
    def count(self) -> int:
        """How many have it by the rule."""
        return self.counts[len(self.counts) // 2]


@dataclass(frozen=True, kw_only=True)
class Mix:
    """The answers of one outcome, and a bar for each case."""

    column: OutcomeColumn
    patients: int
    open: int
    bars: tuple[MixBar, ...]
    answers: tuple[MixAnswer, ...]


@lru_cache(maxsize=2)
def list_mixes(run: CohortRun) -> tuple[Mix, ...]:
    """Return how the answers divide, for every outcome of a run."""
    return tuple(_mix(column, run) for column in run.columns)


def _mix(column: OutcomeColumn, run: CohortRun) -> Mix:
    cells = [row.cells[column.name] for row in run.patients if column.name in row.cells]
    cases = ("policy",) if column.kind in _BY_LABEL else _CASES
    # Patients with the same answer share a cell, so few are put into words.
    alike, sizes = {id(cell): cell for cell in cells}, Counter(map(id, cells))
    counts = {case: Counter[tuple[float, str]]() for case in cases}
    for case, counter in counts.items():
        for key, cell in alike.items():
            counter[_answer(cell, column, case)] += sizes[key]
    found = {answer for counter in counts.values() for answer in counter}
    shared = Counter(level for level, _ in found)
    levels = sorted(found | set(_list_between(column, shared)))
    bounds = {
        level: _bound(level, [(cell, sizes[key]) for key, cell in alike.items()])
        for level, _ in levels
        if math.isfinite(level) and shared[level] <= 1 and len(cases) > 1
    }
    answers = tuple(
        MixAnswer(
            words=words,
            look=_look(level, words),
            counts=tuple(counts[case][level, words] for case in cases),
            bounds=bounds.get(level),
        )
        for level, words in levels
    )
    bars = tuple(
        MixBar(case, tuple(_list_parts(answers, place, len(cells)))) for place, case in enumerate(cases)
    )
    is_open = sum(cell.is_open for cell in cells)
    return Mix(column=column, patients=len(cells), open=is_open, bars=bars, answers=answers)


def _list_between(column: OutcomeColumn, levels: Iterable[float]) -> Iterator[tuple[float, str]]:
    """The grades up to the highest, also those that nobody has in any case: somebody may be able to."""
    if column.kind in _GRADED and column.min_grade is None:
        highest = max((level for level in levels if math.isfinite(level)), default=-1.0)
        for grade in range(int(highest) + 1):
            answer = Answer(
                policy=float(grade), best=None, worst=None, label=None, possible_labels=None, decided=True
            )
            yield float(grade), say_policy(answer, column)


def _bound(level: float, sizes: Iterable[tuple[Cell, int]]) -> tuple[int, int]:
    """How many patients have an answer for certain, and how many can have it."""
    certain = possible = 0
    for cell, size in sizes:
        best, worst = cell.answer.best, cell.answer.worst
        if best is None or worst is None:
            continue
        low, high = sorted((best, worst))
        possible += size if low <= level <= high else 0
        certain += size if low == level == high else 0
    return certain, possible


def _answer(cell: Cell, column: OutcomeColumn, case: str) -> tuple[float, str]:
    """The answer of a case with its place in the bar; what is not judged stands last."""
    answer = cell.answer
    if column.kind in _BY_LABEL:
        words = answer.label or cell.words
        return float(_LEVELS.get(words, 2)), words
    number = getattr(answer, case)
    if number is None:
        return float("inf"), say_policy(replace(answer, policy=None), column)
    # Who was never below recovers in no case: what is decided keeps its words.
    keeps = case == "policy" or answer.decided
    words = cell.words if keeps else say_policy(replace(answer, policy=number, label=None), column)
    return float(number), words


def _look(level: float, words: str) -> str:
    """The name of a look: those of grades, of two answers the least and the third."""
    if level == float("inf"):
        return "died" if words.startswith("died") else "none"
    return f"grade{min(_LEVELS.get(words, int(level)), _MOST_GRADES)}"


def _list_parts(answers: tuple[MixAnswer, ...], place: int, patients: int) -> Iterator[MixPart]:
    left = 0.0
    for one in answers:
        count = one.counts[place]
        width = count / patients * MIX_WIDTH
        if count:
            yield MixPart(
                words=one.words, count=count, left=round(left, 2), width=round(width, 2), look=one.look
            )
        left += width
