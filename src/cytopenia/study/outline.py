"""One patient at a glance: counts by day and what each outcome says, without asking what would change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cytopenia.contract import Tables
from cytopenia.grading.explain import AnalyteSeries, Answer, OutcomeExplanation, PatientExplanation
from cytopenia.study.counterfactuals import Kernel
from cytopenia.study.patient_facts import PatientFacts, collect_facts
from cytopenia.study.patient_series import lay_out_series
from cytopenia.study.plan import build_plan
from cytopenia.study.protocol import Study
from cytopenia.study.subjects import list_subjects

__all__ = ["OutlinedAnswer", "PatientOutline", "as_day", "frame_patient", "outline_patient"]


@dataclass(frozen=True, kw_only=True)
class OutlinedAnswer:
    """One outcome of one patient; the fields are those of `OutcomeExplanation`."""

    name: str
    title: str
    kind: str
    min_grade: int | None
    window: tuple[int, int] | None
    answer: Answer
    row: Mapping[str, Any]


@dataclass(frozen=True)
class PatientOutline:
    """A patient whose outcomes are not explained yet: `explained` holds none, `answers` what they say."""

    explained: PatientExplanation
    answers: tuple[OutlinedAnswer, ...]


def outline_patient(study: Study, own: Tables, patient_id: str) -> PatientOutline:
    """Return one patient of a study at a glance.

    Parameters
    ----------
    study : Study
    own : Tables
        The rows of this patient, who is in the cohort; see `keep_patient`.
    patient_id : str
    """
    plan = build_plan(study)
    complete = study.protocol.study.support_complete and own.has_support
    subjects = list_subjects(plan, study.library, support_complete=complete)
    kernel = Kernel(plan, study.library.bounds, study.protocol.study.bound_anc_by_wbc, study.library.baseline)
    cohort, found = kernel.run(own)
    facts = collect_facts(own, cohort, bounds=kernel.bounds, baseline=kernel.baseline)
    rows = {row["outcome"]: row for row in found.iter_rows(named=True)}
    answers = tuple(
        OutlinedAnswer(
            name=name,
            title=subject.title,
            kind=subject.kind,
            min_grade=subject.min_grade,
            window=subject.window,
            answer=Answer.of_row(rows[name]),
            row=rows[name],
        )
        for name, subject in subjects.items()
    )
    series = lay_out_series(list(subjects.values()), facts)
    return PatientOutline(frame_patient(study, patient_id, facts, series=series), answers)


def frame_patient(
    study: Study,
    patient_id: str,
    facts: PatientFacts,
    *,
    series: tuple[AnalyteSeries, ...],
    outcomes: Sequence[OutcomeExplanation] = (),
) -> PatientExplanation:
    """Return the explanation of a patient: the days of the course around outcomes and counts."""
    courses = facts.cohort.courses
    return PatientExplanation(
        study=study.protocol.study.title,
        synthetic=study.protocol.study.synthetic,
        patient_id=patient_id,
        lymphodepletion_day=as_day(courses.lymphodepletion_day[0]),
        last_contact_day=as_day(courses.last_contact_day[0]),
        death_day=as_day(courses.death_day[0]),
        second_infusion_day=as_day(courses.second_infusion_day[0]),
        support=facts.support,
        events=facts.events,
        outcomes=tuple(outcomes),
        series=series,
    )


def as_day(day: float) -> int | None:
    """Return a day of a course; None where there is none."""
    return None if day != day else int(day)
