"""The explanation of one patient as lines of text for a terminal."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from cytopenia.grading.explain import ExplainedDay, OutcomeExplanation, PatientExplanation
from cytopenia.report.display import plural
from cytopenia.report.explanation_changes import say_change, say_settling
from cytopenia.report.explanation_words import (
    join_days,
    name_analyte,
    name_stops,
    name_support,
    say_answer,
    say_days,
    say_open_days,
    say_result,
    say_row,
    say_spans,
    say_value,
)

__all__ = [
    "dump_explanation",
    "list_course",
    "list_explanation",
    "render_explanation",
    "tell_outcome",
]

_LABEL = 12
_MOST_LINES = 14
_EVIDENCE = {
    "measured": "the answer rests on measured days",
    "bracketed": "unmeasured days are taken to lie near the measurements around them",
    "open": "some days lie far from any measurement",
}
_WHITE_CELLS = "rests on white cell counts, which neutrophils cannot exceed"
_FEVER_GROUND = {
    "measured": "the answer rests on days with a temperature or a count that excludes it",
    "open": "some days have too few temperatures or counts to say",
}
_NO_PHENOTYPE = (
    "for phenotypes: they hang on several stretches of days at once, and no change of one is the least"
)
_NOT_ASKED = {
    "phenotype": _NO_PHENOTYPE,
    "second_dip": _NO_PHENOTYPE,
    "fever": "for febrile neutropenia: it needs temperatures, by the hour, and a count together",
}
_EVENTS = {"crs": "CRS", "icans": "ICANS"}


def render_explanation(explained: PatientExplanation, *, width: int = 100) -> list[str]:
    """Return the page of a patient, line by line.

    Parameters
    ----------
    explained : PatientExplanation
        Holds the values of the patient, and so does the page.
    width : int
        Longest line.
    """
    lines = [f"Patient {explained.patient_id}", explained.study]
    if explained.synthetic:
        lines.append("Synthetic data: every patient of this study is invented.")
    for label, text in _tell_course(explained):
        lines += _wrap(label, text, width)
    for place, outcome in enumerate(explained.outcomes, start=1):
        lines += ["", _headline(place, outcome)]
        for label, text in tell_outcome(outcome):
            lines += _wrap(label, text, width)
    sources = {
        str(outcome.address).partition(".")[0]: outcome.citation
        for outcome in explained.outcomes
        if outcome.address is not None
    }
    lines += ["", "Sources"] if sources else []
    for name, citation in sources.items():
        lines += _wrap("", f"{name}: {citation}", width)
    return lines


def list_course(explained: PatientExplanation) -> list[tuple[str, list[str]]]:
    """Return the days of the course, support and toxicity: a label with its sentences each."""
    return _group_lines(_tell_course(explained))


def list_explanation(outcome: OutcomeExplanation) -> list[tuple[str, list[str]]]:
    """Return what is behind an outcome as `render_explanation` tells it: a label with its sentences each."""
    return _group_lines(tell_outcome(outcome))


def _group_lines(lines: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """A line without a label continues the one before."""
    found: list[tuple[str, list[str]]] = []
    for label, text in lines:
        if label or not found:
            found.append((label, []))
        found[-1][1].append(text.strip())
    return found


def _wrap(label: str, text: str, width: int) -> list[str]:
    """A label in the margin and the text beside it; a text without a label continues the one before."""
    body = textwrap.wrap(
        text,
        max(width - _LABEL - 2, 40),
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    margins = [f"  {label:<{_LABEL}}", *([" " * (_LABEL + 2)] * (len(body) - 1))]
    return [f"{margin}{line}".rstrip() for margin, line in zip(margins, body, strict=False)]


def _tell_course(explained: PatientExplanation) -> Iterator[tuple[str, str]]:
    days = {
        "lymphodepletion from": explained.lymphodepletion_day,
        "second infusion": explained.second_infusion_day,
        "death": explained.death_day,
        "last contact": explained.last_contact_day,
    }
    known = [f"{name} day {day}" for name, day in days.items() if day is not None]
    yield "Days", "; ".join(["day 0 is the infusion", *known])
    yield "Rows", "as a spreadsheet numbers those of the laboratory file; values in the units shown here"
    support = [
        f"{name_support(item.kind)} {_span(item.start, item.stop)}{f' ({item.agent})' if item.agent else ''}"
        for item in explained.support
    ]
    yield "Support", "; ".join(support) or "none recorded"
    events = [
        f"{name} {'' if item.grade is None else f'grade {item.grade:.0f} '}on day {item.day}"
        for item in explained.events
        if (name := _EVENTS.get(item.kind))
    ]
    if events:
        yield "Toxicity", "; ".join(events)


def _span(start: int, stop: int | None) -> str:
    if stop is None:
        return f"day {start}, stop not recorded"
    return f"day {start}" if stop == start else f"day {start} to {stop}"


def _headline(place: int, outcome: OutcomeExplanation) -> str:
    window = f", day {outcome.window[0]} to {outcome.window[1]}" if outcome.window else ""
    return f"{place}. {outcome.name}: {outcome.title}{window}"


def tell_outcome(outcome: OutcomeExplanation) -> Iterator[tuple[str, str]]:
    """Yield what is behind an outcome as label and text; a blank label continues the text before."""
    yield "Result", say_result(outcome)
    yield from _tell_rules(outcome)
    if outcome.parts:
        yield "Parts", _tell_parts(outcome)
    deciding = [day for day in outcome.days if day.role == "decides"]
    yield from _tell_deciding(deciding, outcome)
    yield from _tell_unconfirmed(outcome)
    yield from _tell_filled(outcome)
    yield from _tell_left_out(outcome)
    yield from _tell_conflicts(outcome)
    unsettled = [day for day in outcome.days if day.role == "would settle"]
    for place, text in enumerate(say_open_days(unsettled, outcome)):
        yield "" if place else "Unsettled", text
    is_at_risk = outcome.answer.worst is not None or outcome.answer.possible_labels is not None
    if is_at_risk:
        yield from _tell_account(outcome)
        yield "Possible", _tell_possible(outcome)
    for place, text in enumerate(say_settling(outcome)):
        yield "" if place else "Settled by", text
    for place, change in enumerate(outcome.changes):
        yield "" if place else "Changed by", say_change(change, outcome)
    if is_at_risk and outcome.kind in _NOT_ASKED:
        yield "Changed by", f"not asked {_NOT_ASKED[outcome.kind]}"


def _tell_rules(outcome: OutcomeExplanation) -> Iterator[tuple[str, str]]:
    label = "Rule" if outcome.row["rule"] or outcome.kind.startswith("recovery") else "Not met"
    if outcome.answer.policy is None:
        label = "Rule"
    for place, rule in enumerate(outcome.rules):
        graded = f"grade {rule.grade}: " if rule.grade is not None else ""
        quoted = f" (“{rule.text}”)" if rule.text else ""
        yield "" if place else label, f"{graded}{rule.words}{quoted}"
    if outcome.counting and outcome.kind == "recovery":
        for place, sentence in enumerate(outcome.counting):
            yield "" if place else "Counting", sentence
    elif outcome.counting:
        yield "Counting", "; ".join(outcome.counting)
    if outcome.address:
        yield "Definition", outcome.address


def _tell_parts(outcome: OutcomeExplanation) -> str:
    """The parts by their answers: yes first, then what is not judged, then no."""
    answers: dict[str, list[str]] = {"yes": [], "not judged": [], "no": []}
    for name, answer in outcome.parts:
        word = "not judged" if answer.policy is None else "yes" if answer.policy else "no"
        answers[word].append(name + ("" if answer.decided else " (not decided)"))
    return "; ".join(f"{word}: {', '.join(names)}" for word, names in answers.items() if names)


def _tell_deciding(
    deciding: Sequence[ExplainedDay], outcome: OutcomeExplanation
) -> Iterator[tuple[str, str]]:
    if not deciding:
        return
    lines = list(say_days(deciding, outcome))
    yield "Cells" if outcome.kind == "recovery" else "Rests on", _count_deciding(deciding, outcome)
    if len(lines) <= _MOST_LINES or len(outcome.analytes) > 1:
        yield from (("", f"  {line}") for line in lines)
    else:
        yield "", "; ".join(lines)


def _count_deciding(deciding: Sequence[ExplainedDay], outcome: OutcomeExplanation) -> str:
    if len(outcome.analytes) > 1:
        counts = [
            f"{name_analyte(name)} on {join_days(day.day for day in deciding if day.analyte == name)}"
            for name in dict.fromkeys(day.analyte for day in deciding)
        ]
        return "; ".join(counts)
    states = {
        "measured": "measured",
        "wbc_bound": "bounded by white cells",
        "filled": "filled",
        "bridged": "bridged",
    }
    counts = [
        f"{count} {word}"
        for state, word in states.items()
        if (count := sum(day.state == state for day in deciding))
    ]
    return f"{plural(len(deciding), 'day')}, {join_days(day.day for day in deciding)}: {', '.join(counts)}"


def _tell_unconfirmed(outcome: OutcomeExplanation) -> Iterator[tuple[str, str]]:
    """Low values that are too few for the definition."""
    found = outcome.confirmation
    if found is None:
        return
    analyte = outcome.analytes[0]
    cut = say_value(found.cut, analyte, found.comparator)
    count = plural(len(found.measured), "measured day")
    yield "Unconfirmed", f"{count} {cut}, and the definition asks for {found.needed}"
    for item in found.measured:
        value = say_value(item.value, analyte, item.comparator)
        yield "", f"  day {item.day}: {value}, {say_row(item)}"


def _tell_filled(outcome: OutcomeExplanation) -> Iterator[tuple[str, str]]:
    """The days that the definition takes a value for and that stand in no other line."""
    told = {day.day for day in outcome.days if day.role == "decides"}
    others = [(day, value) for day, value in outcome.filled if day not in told]
    if others:
        also = " further" if told else ""
        yield "Filled", f"{also} days not measured: {say_spans(others, outcome.analytes[0])}".strip()


def _tell_left_out(outcome: OutcomeExplanation) -> Iterator[tuple[str, str]]:
    """Rows of the file that were not judged."""
    for place, item in enumerate(outcome.left_out):
        value = "" if item.value is None else f"{say_value(item.value, item.analyte, item.comparator)}, "
        where = f"{name_analyte(item.analyte)}, day {item.day}"
        yield "" if place else "Not judged", f"{where}: {value}row {item.source_row}: {item.reason}"


def _tell_conflicts(outcome: OutcomeExplanation) -> Iterator[tuple[str, str]]:
    """Neutrophils that the white cells of the same draw contradict."""
    if not outcome.conflicts:
        return
    days = join_days(item.day for item in outcome.conflicts)
    numbers = [row for item in outcome.conflicts for row in (item.anc_row, item.wbc_row)]
    rows = join_days(numbers).removeprefix("day ")
    where = f"neutrophils above the white cells of the same day on {days}, rows {rows}"
    yield "Conflict", f"{where}; one of the two is wrong; the neutrophils count as printed"


def _tell_account(outcome: OutcomeExplanation) -> Iterator[tuple[str, str]]:
    row = outcome.row
    if outcome.kind == "fever":
        yield "Account", _tell_fever_days(outcome)
        yield from _tell_evidence(outcome)
        return
    bounded_near, bounded_far = outcome.bounded
    near, far = row["days_short_gap"] - bounded_near, row["days_open"] - bounded_far
    what = "cell" if len(outcome.analytes) > 1 else "day"
    words = [f"{plural(row['days_measured'], what)} measured"]
    if bounded_near + bounded_far:
        words.append(f"{bounded_near + bounded_far} bounded by white cells")
    words.append(f"{near} unmeasured between near measurements")
    words.append(f"{far} unmeasured far from any")
    if over := _count_over(outcome):
        words.append(f"{over} after the end of the course or of follow-up")
    if row["days_filled"]:
        words.append(f"{row['days_filled']} filled by the definition")
    yield "Account", "; ".join(words)
    yield from _tell_evidence(outcome)


def _tell_fever_days(outcome: OutcomeExplanation) -> str:
    row, taken = outcome.row, outcome.readings or 0
    excluded = row["days_measured"] - taken
    words = [f"{plural(taken, 'day')} with a temperature" if taken else "no temperature in the window"]
    words += [f"{plural(excluded, 'day')} excluded by the neutrophil count"] if excluded > 0 else []
    return "; ".join([*words, f"{plural(row['days_open'], 'day')} open"])


def _tell_evidence(outcome: OutcomeExplanation) -> Iterator[tuple[str, str]]:
    """On what kind of days the answer rests; nothing where there is no answer and no bound."""
    row = outcome.row
    if (evidence := row["evidence"]) is None:
        return
    yield "Evidence", f"{evidence}: {_name_ground(evidence, outcome)}"


def _name_ground(evidence: str, outcome: OutcomeExplanation) -> str:
    row = outcome.row
    if evidence == "open" and not row["days_open"] and outcome.stops:
        return f"{name_stops(outcome.stops)} {'is' if len(outcome.stops) == 1 else 'are'} not recorded"
    if evidence == "bracketed" and not row["days_short_gap"]:
        return "what is unknown is known between bounds"
    if outcome.kind == "fever":
        return _FEVER_GROUND[evidence]
    return _WHITE_CELLS if _rests_on_white_cells(evidence, outcome) else _EVIDENCE[evidence]


def _rests_on_white_cells(evidence: str, outcome: OutcomeExplanation) -> bool:
    """Whether every day that makes the class of the evidence is bounded by white cells."""
    row, (near, far) = outcome.row, outcome.bounded
    if evidence == "measured":
        states = {day.state for day in outcome.days if day.role == "decides"}
        return states == {"wbc_bound"}
    days, bounded = (row["days_open"], far) if evidence == "open" else (row["days_short_gap"], near)
    return 0 < days == bounded


def _count_over(outcome: OutcomeExplanation) -> int:
    """Days of the window on which the patient was no longer followed."""
    if outcome.window is None or outcome.kind not in ("grade", "days", "phenotype", "second_dip"):
        return 0
    known = sum(outcome.row[name] for name in ("days_measured", "days_short_gap", "days_open"))
    return outcome.window[1] - outcome.window[0] + 1 - known


def _tell_possible(outcome: OutcomeExplanation) -> str:
    words = say_answer(outcome.possible, outcome)
    if outcome.possible.decided:
        return f"{words}, whatever the unmeasured days were"
    return f"{words}, if an unmeasured day could have been anything"


def dump_explanation(explained: PatientExplanation) -> str:
    """Return the explanation as JSON; a day of recovery that never came is "infinity"."""
    return json.dumps(_plain(asdict(explained)), ensure_ascii=False, indent=2)


def _plain(value: Any) -> Any:
    """The same with infinity in words, which JSON cannot say."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, float) and math.isinf(value):
        return "infinity" if value > 0 else "-infinity"
    return value
