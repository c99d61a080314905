"""How the answers of a cohort divide: by the rule, in the best and in the worst case, as bars with counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from cytopenia.app.cohort_run import Cell, CohortRun, OutcomeColumn
from cytopenia.report.explanation_words import say_policy

__all__ = ["MIX_WIDTH", "Mix", "MixBar", "MixPart", "list_mixes"]

MIX_WIDTH = 560.0
_CASES = ("best", "policy", "worst")
# Of these a number is a day, and no case has few enough answers for a bar; their labels are counted.
_BY_LABEL = ("recovery_time", "phenotype")
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
class Mix:
    """The answers of one outcome: every answer with its counts in the order of the cases, and the bars."""

    column: OutcomeColumn
    patients: int
    open: int
    bars: tuple[MixBar, ...]
    answers: tuple[tuple[str, str, tuple[int, ...]], ...]

    @property
    def is_decided(self) -> bool:
        """Whether the best and the worst case are the same as what the rule says."""
        return all(len(set(counts)) == 1 for _, _, counts in self.answers)


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
    found = sorted({answer for counter in counts.values() for answer in counter})
    answers = tuple(
        (words, _look(level, words), tuple(counts[case][level, words] for case in cases))
        for level, words in found
    )
    bars = tuple(
        MixBar(case, tuple(_list_parts(answers, place, len(cells)))) for place, case in enumerate(cases)
    )
    is_open = sum(cell.is_open for cell in cells)
    return Mix(column=column, patients=len(cells), open=is_open, bars=bars, answers=answers)


def _answer(cell: Cell, column: OutcomeColumn, case: str) -> tuple[float, str]:
    """The answer of a case with its place in the bar; what is not judged stands last."""
    answer = cell.answer
    if column.kind in _BY_LABEL:
        words = answer.label or cell.words
        return float(_LEVELS.get(words, 2)), words
    number = getattr(answer, case)
    if number is None:
        return float("inf"), say_policy(replace(answer, policy=None), column)
    words = cell.words if case == "policy" else say_policy(replace(answer, policy=number, label=None), column)
    return float(number), words


def _look(level: float, words: str) -> str:
    """The name of a look: those of grades, of two answers the least and the third."""
    if level == float("inf"):
        return "died" if words.startswith("died") else "none"
    return f"grade{min(_LEVELS.get(words, int(level)), _MOST_GRADES)}"


def _list_parts(
    answers: tuple[tuple[str, str, tuple[int, ...]], ...], place: int, patients: int
) -> Iterator[MixPart]:
    left = 0.0
    for words, look, counts in answers:
        width = counts[place] / patients * MIX_WIDTH
        if counts[place]:
            yield MixPart(
                words=words, count=counts[place], left=round(left, 2), width=round(width, 2), look=look
            )
        left += width
