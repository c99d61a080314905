"""The outcomes of one patient as rows of text that fit into so many lines, and a count of what is left."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cytopenia.grading.explain import Change, OutcomeExplanation
from cytopenia.report.display import clean_text, format_number, plural
from cytopenia.report.explanation_changes import say_change, say_settling
from cytopenia.report.explanation_words import join_days, say_answer, say_policy

__all__ = ["OutcomeLine", "clip_width", "count_lines", "fit_outcomes", "measure_text"]

# Digits that fit into one line of each column of the outcomes.
_TITLE, _RESULT, _RANGE, _EVIDENCE, _DAYS, _CHANGE = 22, 14, 15, 10, 16, 46
_LONGEST_TITLE, _LONGEST_WORDS, _MOST_LINES_OF_DAYS = 80, 60, 2
_NEGATIVE = re.compile(r"(?<![\w.])-(?=\d)")
# How wide letters are drawn by a usual font without serifs, beside a digit.
_NARROW, _WIDEST, _EMOJI = "ijltfrI.,:;|!'()[] ", "mwMW@%", 0xFFFF
_TOO_LONG = "too long for this page"
_NOTHING_FOUND = "nothing that was tried"


@dataclass(frozen=True, kw_only=True)
class OutcomeLine:
    """One outcome in words; `changes` are whole sentences, the last counts those without room."""

    title: str
    window: str
    result: str
    could_be: str
    evidence: str
    days: str
    changes: tuple[str, ...] = ()

    @property
    def fewest_lines(self) -> int:
        """Lines that the row needs without its last column."""
        cells = (
            (f"{self.title} {self.window}", _TITLE),
            (self.result, _RESULT),
            (self.could_be, _RANGE),
            (self.evidence, _EVIDENCE),
            (self.days, _DAYS),
        )
        return max(count_lines(text, width) for text, width in cells)


def measure_text(text: str) -> float:
    """Return about how wide a text is, in digits; a letter of Chinese or an emoji is twice as wide.

    Examples
    --------
    >>> measure_text("12"), measure_text("WW"), measure_text("\u4e09\u7ea7")
    (2.0, 3.6, 4.0)
    """
    return round(sum(map(_measure_sign, text)), 6)


def _measure_sign(sign: str) -> float:
    if sign in _NARROW:
        return 0.55
    if unicodedata.east_asian_width(sign) in "WF" or ord(sign) > _EMOJI:
        return 2.0
    if sign in _WIDEST:
        return 1.8
    return 1.4 if sign.isupper() else 1.0


def count_lines(text: str, width: int) -> int:
    """Return how many lines of so many letters a text takes, with some room for where lines break."""
    longest = max((measure_text(word) for word in text.split()), default=0.0)
    loss = min(longest, width) / 3 if measure_text(text) > width else 0.0
    return max(math.ceil((measure_text(text) + loss) / width), 1)


def fit_outcomes(outcomes: Sequence[OutcomeExplanation], *, lines: int) -> tuple[list[OutcomeLine], int]:
    """Return the outcomes in words, as many as fit into so many lines, and how many do not.

    What would change an outcome is given room after all results have theirs, a line in turn.
    """
    rows = [_describe(outcome) for outcome in outcomes]
    kept: list[OutcomeLine] = []
    left = lines
    for row in rows:
        if row.fewest_lines > left:
            break
        kept.append(row)
        left -= row.fewest_lines
    sentences = [list(map(_true_minus, _list_changes(outcome))) for outcome in outcomes[: len(kept)]]
    room = [row.fewest_lines for row in kept]
    wanted = [sum(count_lines(text, _CHANGE) for text in said) for said in sentences]
    while left > 0 and any(has < wants for has, wants in zip(room, wanted, strict=True)):
        for place, wants in enumerate(wanted):
            if left > 0 and room[place] < wants:
                room[place] += 1
                left -= 1
    filled = [_fill(*item) for item in zip(kept, sentences, room, strict=True)]
    return filled, len(rows) - len(kept)


def _describe(outcome: OutcomeExplanation) -> OutcomeLine:
    answer = outcome.answer
    window = "day {} to {}".format(*map(format_number, outcome.window)) if outcome.window else ""
    is_judged = answer.best is not None or answer.possible_labels is not None
    could_be = "decided" if answer.decided else say_answer(answer, outcome) if is_judged else "not judged"
    elsewhere = {"recovery": "see the days below", "any_of": "those of its parts"}
    return OutcomeLine(
        title=clip_width(outcome.title, _LONGEST_TITLE),
        window=window,
        result=clip_width(say_policy(answer, outcome), _LONGEST_WORDS),
        could_be=clip_width(could_be, _LONGEST_WORDS),
        evidence=str(outcome.row["evidence"] or "none"),
        days=elsewhere.get(outcome.kind) or _say_days(outcome),
    )


def _say_days(outcome: OutcomeExplanation) -> str:
    """How many days the result rests on: which, or where they lie if they are too many to name."""
    days = sorted({day.day for day in outcome.days if day.role == "decides"})
    if not days:
        return "none"
    named = f"{plural(len(days), 'day')}: {_true_minus(join_days(days))}"
    if count_lines(named, _DAYS) <= _MOST_LINES_OF_DAYS:
        return named
    first, last = format_number(days[0]), format_number(days[-1])
    return f"{plural(len(days), 'day')} from day {first} to {last}"


def _true_minus(text: str) -> str:
    """Days before the infusion with a true minus sign."""
    return _NEGATIVE.sub("\N{MINUS SIGN}", text)


def clip_width(text: str, longest: int) -> str:
    """Return text of at most so many letters, wide ones counted twice."""
    cleaned = clean_text(text)
    while measure_text(cleaned) > longest:
        cleaned = clean_text(cleaned, longest=len(cleaned) - 1)
    return cleaned


def _list_changes(outcome: OutcomeExplanation) -> Iterator[str]:
    """What would settle an outcome and what would change it; last that no single value would settle it."""
    settling = list(say_settling(outcome))
    names_nothing = [text for text in settling if text.startswith("no single")]
    named = [text for text in settling if text not in names_nothing]
    yield from (f"Settled by: {text}" for text in named[:1])
    yield from (_say_change(change, outcome) for change in outcome.changes[:1])
    yield from (f"Settled by: {text}" for text in named[1:])
    yield from (_say_change(change, outcome) for change in outcome.changes[1:])
    yield from (text[:1].upper() + text[1:] for text in names_nothing)


def _say_change(change: Change, outcome: OutcomeExplanation) -> str:
    text = say_change(change, outcome).replace(f"row {change.source_row}", "the measurement")
    return f"Rests{text.removeprefix('rests')}" if text.startswith("rests") else f"Changed by: {text}"


def _fill(row: OutcomeLine, sentences: Sequence[str], room: int) -> OutcomeLine:
    """The row with those whole sentences that fit, in their order, and how many more there are."""
    if not sentences:
        return replace(row, changes=(_NOTHING_FOUND,))
    shown: list[str] = []
    others = " (99 more)" if len(sentences) > 1 else ""
    for text in map(clean_text, sentences):
        needed = count_lines(f"{text}{others}", _CHANGE)
        if needed <= room:
            shown.append(text)
            room -= needed
    more = len(sentences) - len(shown)
    if not shown:
        return replace(row, changes=(f"{plural(more, 'sentence')} {_TOO_LONG}",))
    last = f"{shown[-1]} ({more} more)" if more else shown[-1]
    return replace(row, changes=(*shown[:-1], last))
