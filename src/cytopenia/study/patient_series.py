"""The counts of one patient by day, as a timeline shows them: measured, bounded, filled, open, over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cytopenia.definition_forms import Counting
from cytopenia.grading.cuts import is_met
from cytopenia.grading.episodes import round_grid
from cytopenia.grading.explain import AnalyteSeries, Confirmation, CutLine, Measurement, SeriesDay
from cytopenia.grading.follow_up import follow_courses
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.study.patient_facts import PatientFacts
from cytopenia.study.subjects import Rule, Subject, resolve_cut
from cytopenia.units import convert_value, load_analytes

__all__ = ["count_bounded", "fill_by_outcome", "find_unconfirmed", "lay_out_series"]

_COUNTS = ("anc", "platelets", "hemoglobin")


def fill_by_outcome(subjects: Sequence[Subject], facts: PatientFacts) -> dict[str, dict[int, float]]:
    """Return, for each outcome whose definition fills days, the value that it takes for each of them."""
    return {
        subject.name: _fill(subject, subject.counting, facts)
        for subject in subjects
        if subject.counting is not None and subject.counting.fill is not None
    }


def count_bounded(subject: Subject, facts: PatientFacts) -> tuple[int, int]:
    """Return how many unmeasured days another analyte bounds: between near measurements, and other."""
    grids = [_cut_to_course(subject, name, facts) for name in subject.analytes if name in facts.scenarios]
    near = sum(int((grid.capped & grid.short_gap).sum()) for grid in grids)
    return near, sum(int((grid.capped & grid.open_day).sum()) for grid in grids)


def find_unconfirmed(subject: Subject, facts: PatientFacts) -> Confirmation | None:
    """Return the measured days that meet the cut of a confirmation, if there are some and not enough."""
    confirm = subject.confirm
    if confirm is None or subject.window is None:
        return None
    (analyte,), unit = subject.analytes, subject.rules[0].unit
    cut = convert_value(confirm.cut, analyte=analyte, unit=unit)
    grid = _cut_to_course(subject, analyte, facts)
    days = (np.flatnonzero(grid.measured[0]) + grid.first_day).tolist()
    # The end of a reported limit farther from the cut says whether every value it stands for meets it.
    ends = grid.high if confirm.comparator in ("below", "at_most") else grid.low
    met = [
        facts.measured[analyte][day]
        for day in days
        if is_met(ends[0, day - grid.first_day], confirm.comparator, cut).all()
    ]
    if not 0 < len(met) < confirm.measurements:
        return None
    return Confirmation(
        comparator=confirm.comparator, cut=cut, needed=confirm.measurements, measured=tuple(met)
    )


def _cut_to_course(subject: Subject, analyte: str, facts: PatientFacts) -> ScenarioGrid:
    """The days of an outcome on which the patient is followed."""
    window = subject.window or subject.look
    follow_up = follow_courses(facts.cohort.courses, window, subject.censor_at)
    return facts.scenarios[analyte].window(*window).until(follow_up.last_day)


def _fill(subject: Subject, counting: Counting, facts: PatientFacts) -> dict[int, float]:
    (analyte,) = subject.analytes
    grid = _cut_to_course(subject, analyte, facts)
    is_sick_below = subject.rules[0].comparator in ("below", "at_most")
    filled = round_grid(grid, counting, is_sick_below=is_sick_below).filled[0]
    places = np.flatnonzero(~np.isnan(filled) & ~grid.measured[0]).tolist()
    return {place + grid.first_day: float(filled[place]) for place in places}


def lay_out_series(subjects: Sequence[Subject], facts: PatientFacts) -> tuple[AnalyteSeries, ...]:
    """Return the counts that the outcomes look at, each over the days of all of them, and the cuts."""
    grids = facts.cohort.grids
    names = [name for subject in subjects for name in subject.analytes if name in grids]
    ordered = sorted(dict.fromkeys(names), key=lambda name: (name not in _COUNTS, names.index(name)))
    ordered = [*(name for name in _COUNTS if name in ordered), *(n for n in ordered if n not in _COUNTS)]
    filled = fill_by_outcome(subjects, facts)
    spans = [subject.window for subject in subjects if subject.window is not None]
    if not spans:
        return ()
    span = (min(first for first, _ in spans), max(last for _, last in spans))
    return tuple(_lay_out(analyte, subjects, facts, filled, span) for analyte in ordered)


def _lay_out(
    analyte: str,
    subjects: Sequence[Subject],
    facts: PatientFacts,
    filled: Mapping[str, Mapping[int, float]],
    span: tuple[int, int],
) -> AnalyteSeries:
    own = [subject for subject in subjects if analyte in subject.analytes]
    taken = {day: value for subject in own for day, value in filled.get(subject.name, {}).items()}
    described = load_analytes()[analyte]
    return AnalyteSeries(
        analyte=analyte,
        title=described.title,
        unit=described.unit,
        days=tuple(_list_days(analyte, facts, taken, span)),
        left_out=tuple(
            item for item in facts.left_out if item.analyte == analyte and span[0] <= item.day <= span[1]
        ),
        cuts=tuple(_list_cuts(analyte, own, facts)),
        windows=tuple((subject.title, *subject.window) for subject in own if subject.window is not None),
    )


def _list_days(
    analyte: str, facts: PatientFacts, filled: Mapping[int, float], span: tuple[int, int]
) -> Iterator[SeriesDay]:
    grid = facts.scenarios[analyte]
    measured, caps = facts.measured[analyte], facts.caps[analyte]
    last = grid.first_day + grid.low.shape[1] - 1
    for day in range(span[0], span[1] + 1):
        place = day - grid.first_day
        if not grid.first_day <= day <= last:
            yield _lay_out_beyond(day, measured.get(day))
            continue
        low, high = float(grid.low[0, place]), float(grid.high[0, place])
        is_known = bool(grid.at_risk[0, place])
        yield SeriesDay(
            day=day,
            state=_name_state(grid, place),
            low=low if is_known else None,
            high=high if is_known and np.isfinite(high) else None,
            filled=filled.get(day),
            measurement=measured.get(day) or caps.get(day),
        )


def _lay_out_beyond(day: int, item: Measurement | None) -> SeriesDay:
    """A day that no outcome looks at, nor needs as a neighbor."""
    value = None if item is None else item.value
    return SeriesDay(
        day=day,
        state="not_needed" if item is None else "measured",
        low=value,
        high=value,
        filled=None,
        measurement=item,
    )


def _name_state(grid: ScenarioGrid, place: int) -> str:
    names = ("measured", "capped", "short_gap", "open_day", "dead")
    words = ("measured", "wbc_bound", "short_gap", "open", "after_death")
    for name, word in zip(names, words, strict=True):
        if getattr(grid, name)[0, place]:
            return word
    return "next_course"


def _list_cuts(analyte: str, subjects: Sequence[Subject], facts: PatientFacts) -> Iterator[CutLine]:
    """Each cut once, with the words of every outcome that has it."""
    limits, baselines = facts.limits.get(analyte, ()), facts.baselines.get(analyte, ())
    labels: dict[float, list[str]] = {}
    for subject in subjects:
        for rule in subject.rules:
            if rule.analyte == analyte:
                for value in resolve_cut(rule, rule.cut, limits=limits[-1:], baselines=baselines):
                    labels.setdefault(value, []).append(_name_cut(subject, rule))
    for value, words in labels.items():
        yield CutLine(value=value, label=", ".join(dict.fromkeys(words)))


def _name_cut(subject: Subject, rule: Rule) -> str:
    if subject.kind in ("grade", "landmark", "any_of") and rule.grade is not None:
        return f"grade {rule.grade}"
    if subject.kind == "days":
        return subject.title
    names = {"recovery": "recovery", "recovery_time": "recovery", "fever": "fever"}
    return names.get(subject.kind, "phenotype")
