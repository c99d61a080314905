"""Answers of the kernel to the copies of a patient, read back: what settles an outcome, what changes it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from cytopenia.grading.answer_ranges import group_answers, join_answers
from cytopenia.grading.explain import Answer, Change, Settling
from cytopenia.study.probes import Probe
from cytopenia.study.trials import Trial

__all__ = ["check_change", "choose_settling", "read_changes", "read_settling"]

_MOST_SHOWN = 3

Answered = Sequence[tuple[Trial, Sequence[Answer]]]


def read_settling(probe: Probe, answers: Sequence[Answer]) -> Settling:
    """Return what one more measurement would have said, from the answers to each of its values."""
    ranges, covers_all = group_answers(probe.candidates, answers)
    return Settling(
        analyte=probe.analyte,
        day=probe.day,
        settles=covers_all and all(item.answer.decided for item in ranges),
        ranges=ranges,
        given=tuple(
            sorted({end for one in ranges for end in (one.low, one.high) if end in probe.candidates.given})
        ),
    )


def choose_settling(
    found: Sequence[Settling], own: Answer, *, named: AbstractSet[tuple[str, int]]
) -> tuple[Settling, ...]:
    """Return every measurement that settles; else those of which the most values do.

    Of the latter those on the days that the evidence names (`named`: analyte and day), if any do.
    """
    settling = tuple(item for item in found if item.settles)
    if settling:
        return settling
    telling = [item for item in found if any(one.answer.decided for one in item.ranges)]
    if not telling or own.decided:
        return ()
    telling = [item for item in telling if (item.analyte, item.day) in named] or telling
    most = max(_count_decided(item) for item in telling)
    return tuple(item for item in telling if _count_decided(item) == most)


def _count_decided(item: Settling) -> int:
    return sum(one.answer.decided for one in item.ranges)


def read_changes(answered: Answered, own: Answer) -> tuple[Change, ...]:
    """Return the least that would change the answer, kind by kind."""
    changing = [item for item in answered if _is_changed(*item, own)]
    return tuple(
        change
        for read in (_read_more_days, _read_single_days, _read_run_days, _read_rows, _read_cells)
        for change in read(changing, answered)
    )


def check_change(change: Change, checks: Answered, own: Answer) -> Change | None:
    """Return a change as far as it holds for further values: on fewer days, or with a grade or higher."""
    if not checks:
        return change
    kept = [(trial, answers) for trial, answers in checks if _is_changed(trial, answers, own)]
    if not kept or (len(kept) < len(checks) and own.label is not None):
        return None
    # The lowest answer so far belongs to days that may be gone: what is left is read anew.
    answers = [answer for _, answers in kept for answer in answers]
    read = replace(
        change,
        answer=join_answers(answers),
        or_higher=_is_spread(answers),
        sometimes_decided=any(answer.decided for answer in answers),
    )
    if len(checks) == 1:
        return read
    is_any = change.kind == "any_day" and len(kept) == len(checks)
    days = tuple(sorted(trial.days[0] for trial, _ in kept))
    return replace(read, kind="any_day" if is_any else "one_day", days=days)


def _is_changed(trial: Trial, answers: Sequence[Answer], own: Answer) -> bool:
    """Whether the copies have another answer; beyond a cut a worse one each, or for recovery one alike."""
    if own.label is not None or trial.kind == "without_row":
        alike = {(answer.policy, answer.label) for answer in answers}
        return len(alike) == 1 and (own.policy, own.label) not in alike
    least = min(-math.inf if answer.policy is None else answer.policy for answer in answers)
    return own.policy is not None and least > own.policy


def _is_spread(answers: Sequence[Answer]) -> bool:
    return len({answer.policy for answer in answers}) > 1


def _read_more_days(changing: Answered, answered: Answered) -> Iterator[Change]:
    """The fewest days that raise the grade; those after the deciding days before those before them."""
    del answered
    found = [(trial, answers) for trial, answers in changing if trial.kind == "more_days"]
    if found:
        trial, answers = min(found, key=lambda item: len(item[0].days))
        yield _make_change(trial, answers)


def _read_single_days(changing: Answered, answered: Answered) -> Iterator[Change]:
    """One value on any day, where every day raises the grade; else the few days that do.

    Of several cuts of an analyte the mildest that changes anything.
    """
    done: set[str | None] = set()
    tried = [item for item in answered if item[0].kind == "any_day"]
    for key in dict.fromkeys(_cut_of(trial) for trial, _ in tried):
        found = [item for item in changing if item[0].kind == "any_day" and _cut_of(item[0]) == key]
        if not found or key[0] in done:
            continue
        done.add(key[0])
        days = tuple(sorted({trial.days[0] for trial, _ in found}))
        answers = [answer for _, answers in found for answer in answers]
        if len({answer.label for answer in answers}) == 1:
            is_any = len(found) == sum(_cut_of(trial) == key for trial, _ in tried)
            change = _make_change(found[0][0], answers)
            yield replace(change, kind="any_day" if is_any else "one_day", days=days)


def _read_run_days(changing: Answered, answered: Answered) -> Iterator[Change]:
    """One value on a day of a run of recovery; days with the same answer together."""
    del answered
    groups: dict[tuple[object, ...], list[tuple[Trial, Sequence[Answer]]]] = {}
    for trial, answers in changing:
        if trial.kind == "run_day":
            groups.setdefault((_cut_of(trial), answers[0].label, answers[0].policy), []).append(
                (trial, answers)
            )
    for found in list(groups.values())[:_MOST_SHOWN]:
        days = tuple(sorted(trial.days[0] for trial, _ in found))
        change = _make_change(found[0][0], [answer for _, answers in found for answer in answers])
        yield replace(change, kind="one_day", days=days)


def _cut_of(trial: Trial) -> tuple[str | None, str | None, float | None]:
    return trial.analyte, trial.comparator, trial.cut


def _read_rows(changing: Answered, answered: Answered) -> Iterator[Change]:
    del answered
    for trial, answers in [item for item in changing if item[0].kind == "without_row"][:_MOST_SHOWN]:
        yield _make_change(trial, answers)


def _read_cells(changing: Answered, answered: Answered) -> Iterator[Change]:
    """What one lineage alone would have needed to recover; where none could, what all would have."""
    del answered
    steps: dict[tuple[str | None, bool], tuple[Trial, Sequence[Answer]]] = {}
    for trial, answers in changing:
        if trial.kind == "values":
            steps.setdefault((trial.analyte, bool(trial.days)), (trial, answers))
    joint = [item for item in changing if item[0].kind == "all_values"]
    for trial, answers in list(steps.values()) or joint[:1]:
        yield _make_change(trial, answers)


def _make_change(trial: Trial, answers: Sequence[Answer]) -> Change:
    return Change(
        kind=trial.kind,
        analyte=trial.analyte,
        comparator=trial.comparator,
        cut=trial.cut,
        days=trial.days,
        source_row=trial.source_row,
        support=trial.support,
        answer=join_answers(answers),
        or_higher=_is_spread(answers),
        sometimes_decided=any(answer.decided for answer in answers),
    )
