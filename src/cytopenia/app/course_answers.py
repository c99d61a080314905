"""What is said of a course: each outcome with its reasons, what was doubtful, the note, the timeline."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from cytopenia.app.pages import DRAWING
from cytopenia.app.texts import Say, load_texts
from cytopenia.contract import Tables, check_tables
from cytopenia.grading.explain import OutcomeExplanation, PatientExplanation
from cytopenia.one_course import ExplainedCourse
from cytopenia.report.explanation_page import tell_outcome
from cytopenia.report.explanation_words import say_result

__all__ = ["ToldCourse", "ToldOutcome", "draw_timeline", "list_errors", "say_finding", "tell_course"]

# A study goes on without such rows; whoever types or pastes them can correct them at once.
_TO_SETTLE = (
    "date_missing",
    "date_not_read",
    "day_missing",
    "start_missing",
    "analyte_missing",
    "unknown_analyte",
    "unit_missing",
    "unknown_unit",
    "value_not_a_number",
    "ambiguous_number",
    "negative_value",
    "implausible_value",
)


@dataclass(frozen=True)
class ToldOutcome:
    """One outcome in words; numbers beyond every day are told by `label` alone.

    `if_ended` is the result had observation ended on the last value, where nothing says when it ended.
    """

    address: str
    title: str
    window: tuple[int, int] | None
    result: str
    policy: float | None
    best: float | None
    worst: float | None
    label: str | None
    decided: bool
    reasons: tuple[tuple[str, str], ...]
    citation: str
    if_ended: str | None = None


@dataclass(frozen=True)
class ToldCourse:
    """The outcomes of a course, what was doubtful in it, and lines for a note."""

    outcomes: tuple[ToldOutcome, ...]
    warnings: tuple[str, ...]
    note: str


def tell_course(found: ExplainedCourse, say: Say, *, language: str = "en") -> ToldCourse:
    """Return what is said of a course."""
    outcomes = tuple(_tell(outcome, found, say) for outcome in found.explained.outcomes)
    lines = [_note(item, found, say) for item in outcomes]
    return ToldCourse(outcomes, _say_findings(found.findings, say, language), "\n".join(lines))


def _note(item: ToldOutcome, found: ExplainedCourse, say: Say) -> str:
    words = {"title": item.title, "result": item.result, "source": item.citation}
    if item.if_ended in (None, item.result):
        return say("course.note_line", **words)
    return say("course.note_ended", last=found.last_day, ended=item.if_ended, **words)


def _tell(outcome: OutcomeExplanation, found: ExplainedCourse, say: Say) -> ToldOutcome:
    answer = outcome.answer
    result, if_ended = say_result(outcome), None
    first, *others = ((label, text.strip()) for label, text in tell_outcome(outcome))
    reasons = [first]
    if (ended := found.ended.get(outcome.name)) is not None and outcome.window is not None:
        if_ended = _say_ended(ended, result, say)
        reasons.append((say("course.end"), _say_end(if_ended, result, outcome.window[1], found, say)))
    return ToldOutcome(
        address=outcome.address or outcome.name,
        title=outcome.title,
        window=outcome.window,
        result=result,
        policy=_finite(answer.policy),
        best=_finite(answer.best),
        worst=_finite(answer.worst),
        label=answer.label,
        decided=answer.decided,
        reasons=(*reasons, *others),
        citation=outcome.citation or "",
        if_ended=if_ended,
    )


def _say_ended(ended: OutcomeExplanation, result: str, say: Say) -> str:
    """The result had observation ended, with the rule that was met; a rule of all days can be met early."""
    words, rule = say_result(ended), str(ended.row["rule"] or "").partition(": ")[2]
    is_told = words == result or not rule or not ended.answer.policy
    return words if is_told else say("course.ended_rule", result=words, rule=rule)


def _say_end(if_ended: str, result: str, until: int, found: ExplainedCourse, say: Say) -> str:
    told = say("course.ended_same", result=result) if if_ended == result else if_ended
    return say("course.not_ended", last=found.last_day, until=until, result=told)


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _say_findings(findings: pl.DataFrame, say: Say, language: str) -> tuple[str, ...]:
    doubtful = findings.filter(pl.col("severity") != "info")
    return tuple(say_finding(row, say, language) for row in doubtful.iter_rows(named=True))


def list_errors(read: Tables, say: Say, *, language: str = "en") -> list[str]:
    """Return what must be corrected or answered before a course can be judged."""
    is_wrong = (pl.col("severity") == "error") | pl.col("rule").is_in(_TO_SETTLE)
    errors = check_tables(read).filter(is_wrong)
    told = [say_finding(row, say, language) for row in errors.iter_rows(named=True)]
    return list(dict.fromkeys(told))


def say_finding(row: dict[str, object], say: Say, language: str) -> str:
    """Return a finding in the words of the app where it has some, else in its own."""
    key = f"finding.{row['rule']}"
    known = key in load_texts(language)
    return say(key, rows=row["rows"], row=row["row"]) if known else str(row["message"])


def draw_timeline(explained: PatientExplanation) -> str:
    """Return the timeline of a course as SVG."""
    from cytopenia.report.patient_timeline import plot_timeline

    with DRAWING:
        return plot_timeline(explained).svg
