"""One more measurement on an unmeasured day: which values are put to the kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Any

from cytopenia.grading.answer_ranges import Candidates, list_candidates
from cytopenia.grading.gaps import GapRule
from cytopenia.study.counterfactuals import Edit
from cytopenia.study.patient_facts import PatientFacts
from cytopenia.study.subjects import Subject, resolve_cuts

__all__ = ["Probe", "edit_together", "find_candidates", "list_probes", "list_together"]

_MOST_VALUES = 20_000
_MOST_TOGETHER = 60

Evidence = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Probe:
    """One more measurement of an analyte on an unmeasured day, with the values that are tried."""

    outcome: str
    analyte: str
    day: int
    candidates: Candidates

    @property
    def edits(self) -> list[Edit]:
        """One copy for each value."""
        return [Edit(values=((self.analyte, self.day, value),)) for value in self.candidates.values]


def list_probes(
    subject: Subject, facts: PatientFacts, *, evidence: Evidence, parts: Mapping[str, Subject]
) -> tuple[list[Probe], bool]:
    """Return the measurements that are tried for one outcome, and whether every unmeasured day is among them.

    Days that the evidence names come first; together they hold at most a few thousand values.
    """
    named = {(row["analyte"], row["day"]) for row in evidence if row["role"] == "would settle"}
    places = sorted(_list_unmeasured(subject, facts), key=lambda place: (place not in named, place))
    probes: list[Probe] = []
    left = _MOST_VALUES
    for analyte, day in places:
        candidates = find_candidates(subject, facts, (analyte, day), parts=parts)
        if len(candidates.values) > left:
            return probes, False
        left -= len(candidates.values)
        probes.append(Probe(subject.name, analyte, day, candidates))
    return probes, True


def _list_unmeasured(subject: Subject, facts: PatientFacts) -> Iterator[tuple[str, int]]:
    first, last = subject.look
    for analyte in subject.analytes:
        measured = facts.measured.get(analyte, {})
        for day in range(first, min(last, facts.last_seen_day) + 1):
            if day not in measured:
                yield analyte, day


def find_candidates(
    subject: Subject,
    facts: PatientFacts,
    place: tuple[str, int],
    *,
    parts: Mapping[str, Subject] = MappingProxyType({}),
) -> Candidates:
    """Return the values of one further measurement on a day, and the edges at which an answer may change."""
    analyte, day = place
    cuts = resolve_cuts(
        subject, analyte, limits=facts.limits.get(analyte, ()), baselines=facts.baselines.get(analyte, ())
    )
    neighbors = [item for item in facts.find_neighbors(analyte, day) if item is not None]
    rule = GapRule.of_analyte(facts.bounds, analyte)
    near = facts.list_near(analyte, day, longest=rule.longest)
    cap = facts.caps.get(analyte, {}).get(day)
    countings = [one.counting for one in (subject, *parts.values()) if one.counting is not None]
    steps = [counting.round_to / 2 for counting in countings if counting.round_to is not None]
    compared = [*cuts, *(cut + side * step for cut in cuts for step in steps for side in (-1, 1))]
    lines = [
        number
        for counting in countings
        if counting.fill is not None
        for item in neighbors
        if abs(item.day - day) <= counting.fill.max_gap_days + 1
        for number in _find_line_values(item.value, abs(item.day - day), compared)
    ]
    return list_candidates(
        compared,
        slacks=_list_slacks(rule, near, day),
        neighbors=[item.value for item in neighbors],
        lines=[*lines, *_find_refuting(rule, near, day)],
        cap=None if cap is None else cap.value,
    )


def _list_slacks(rule: GapRule, near: Mapping[int, float], day: int) -> list[float]:
    """The slacks between the day and each measurement that would vouch with it for the days between."""
    return [rule.slack_over(distance) for distance in sorted({abs(other - day) for other in near} - {1})]


def _find_refuting(rule: GapRule, near: Mapping[int, float], day: int) -> Iterator[float]:
    """The values at which two measurements around the day, or the day and one of them, are refuted."""
    for first, last in combinations(sorted(near), 2):
        if first < day < last and last - first <= rule.longest:
            slack = rule.slack_over(last - first)
            yield min(near[first], near[last]) / slack
            yield max(near[first], near[last]) * slack
    for other in near:
        between = [value for at, value in near.items() if min(day, other) < at < max(day, other)]
        for value in between:
            yield value * rule.slack_over(abs(other - day))
            yield value / rule.slack_over(abs(other - day))


def _find_line_values(value: float, distance: int, cuts: Sequence[float]) -> Iterator[float]:
    """The values on a day whose line to a neighbor passes a cut on one of the days between."""
    for cut in cuts:
        for step in range(1, distance):
            yield value + (cut - value) * distance / step


def list_together(probes: Sequence[Probe], evidence: Evidence) -> list[Probe]:
    """Return the probes of the unmeasured days that the evidence names; none for one day or very many."""
    named = {(row["analyte"], row["day"]) for row in evidence if row["role"] == "would settle"}
    found = [probe for probe in probes if (probe.analyte, probe.day) in named]
    return found if 1 < len(found) <= _MOST_TOGETHER else []


def edit_together(probes: Sequence[Probe]) -> list[Edit]:
    """Return copies in which all these days are measured.

    All of them low, all high and all at each value between, and each of them low or high among the others.
    """
    longest = max((len(probe.candidates.values) for probe in probes), default=0)
    patterns = [[_nth(probe.candidates.values, place) for probe in probes] for place in range(longest)]
    for turned in range(len(probes)):
        for ends in ((0, -1), (-1, 0)):
            patterns.append(
                [
                    probe.candidates.values[ends[0] if place == turned else ends[1]]
                    for place, probe in enumerate(probes)
                ]
            )
    return [
        Edit(
            values=tuple(
                (probe.analyte, probe.day, value) for probe, value in zip(probes, pattern, strict=True)
            )
        )
        for pattern in patterns
    ]


def _nth(values: Sequence[float], place: int) -> float:
    return values[min(place, len(values) - 1)]
