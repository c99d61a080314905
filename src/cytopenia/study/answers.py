"""The answers of a cohort under several definitions, patient by patient in the order of the courses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.study.analysis_forms import Event, SideBySide
from cytopenia.study.groups import Sides, split_sides
from cytopenia.study.outcomes import CohortOutcomes
from cytopenia.study.plan import GradePlan, Plan
from cytopenia.study.protocol_forms import OutcomeSpec

__all__ = [
    "ANSWER_SCHEMA",
    "DIED",
    "EVENT",
    "EXCLUDE",
    "NOT_EVALUABLE",
    "NO_EVENT",
    "AnswerSource",
    "Answers",
    "collect_answers",
    "frame_answers",
]

EVENT, NO_EVENT, NOT_EVALUABLE, DIED = "event", "no event", "not evaluable", "died before landmark"
EXCLUDE = "exclude"
ANSWER_SCHEMA: dict[str, type[pl.DataType]] = {
    "analysis_id": pl.String,
    "patient_id": pl.String,
    "outcome": pl.String,
    "answer": pl.String,
    "is_open": pl.Boolean,
    "grade": pl.Float64,
}


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What one outcome says of every patient.

    Attributes
    ----------
    outcome, title : str
    spec : OutcomeSpec
    rows : DataFrame
        Rows of the outcomes table, one per patient.
    sides : Sides
        Who had the event; a patient without an answer is NaN.
    plan : GradePlan or None
        How it is graded, where it rests on the grades of one analyte.
    grades : DataFrame or None
        The same courses with their grades, before the question for a least grade. None where the definition
        has no scale of grades, or where only grades count that were not there before treatment.
    """

    outcome: str
    title: str
    spec: OutcomeSpec
    rows: pl.DataFrame
    sides: Sides
    plan: GradePlan | None
    grades: pl.DataFrame | None

    @property
    def event(self) -> NDArray[np.float64]:
        """1 event, 0 no event, NaN without an answer."""
        return self.sides.policy

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Who has an answer."""
        return ~np.isnan(self.event)

    @cached_property
    def is_open(self) -> NDArray[np.bool_]:
        """Who has an answer that unmeasured days could turn."""
        best, worst = self.sides.event["best"], self.sides.event["worst"]
        return self.is_known & ~(best == worst)

    @cached_property
    def has_died(self) -> NDArray[np.bool_]:
        """Who died before the landmark and has no answer for that."""
        died = (self.rows["label"] == DIED).fill_null(value=False).to_numpy()
        return died & ~self.is_known

    @property
    def denominator(self) -> int:
        """All patients; those who died before the landmark only if the protocol keeps early deaths in."""
        keeps_deaths = self.spec.died_before_landmark not in (None, EXCLUDE)
        return self.rows.height - (0 if keeps_deaths else int(self.has_died.sum()))

    def count(self, scenario: str) -> int:
        """Return how many had the event; who could not be judged counts in the worst case only."""
        return int((self.sides.event[scenario] == 1).sum())

    @property
    def not_judged(self) -> int:
        """How many have no answer and did not die before the landmark."""
        return int((~self.is_known & ~self.has_died).sum())

    @cached_property
    def words(self) -> NDArray[np.str_]:
        """The answer of every patient in words."""
        return np.select(
            [self.event == 1, self.event == 0, self.has_died], [EVENT, NO_EVENT, DIED], default=NOT_EVALUABLE
        )

    @cached_property
    def grade(self) -> pl.Series:
        """The grade of every patient, null where there is none."""
        if self.grades is None:
            return pl.Series("grade", [None] * self.rows.height, dtype=pl.Float64)
        return self.grades["policy"].alias("grade")


def collect_answers(
    analysis: SideBySide,
    plan: Plan,
    *,
    cohort: CohortOutcomes,
    frames: Mapping[str, pl.DataFrame],
    support_complete: bool,
) -> list[Answers]:
    """Return the answers under each definition of an analysis, the reference first.

    Parameters
    ----------
    analysis : SideBySide
    plan : Plan
    cohort : CohortOutcomes
        Has the grades as well.
    frames : mapping of outcome to DataFrame
        The outcomes in their final form.
    support_complete : bool
        Whether a recovery may be called one.
    """
    source = AnswerSource(plan, cohort, frames, support_complete=support_complete)
    return [source.answer(name, analysis.event_of(name)) for name in analysis.in_order]


@dataclass(frozen=True)
class AnswerSource:
    """Where the answers of one run come from; the attributes are those of `collect_answers`."""

    plan: Plan
    cohort: CohortOutcomes
    frames: Mapping[str, pl.DataFrame]
    support_complete: bool

    def answer(self, name: str, event: Event) -> Answers:
        """Return what one outcome says of every patient."""
        patients = pl.DataFrame({"patient_id": self.cohort.courses.patient_id})
        spec = self.plan.specs[name]
        rows = patients.join(self.frames[name], on="patient_id", how="left", maintain_order="left")
        graded = next((one for one in self.plan.grades if name in one.outcomes), None)
        grades = None
        if graded is not None and _has_scale(graded) and not spec.treatment_emergent:
            of_outcome = self.cohort.outcomes.filter(pl.col("outcome") == name)
            grades = patients.join(of_outcome, on="patient_id", how="left", maintain_order="left")
        return Answers(
            outcome=name,
            title=self.plan.title(name, support_complete=self.support_complete),
            spec=spec,
            rows=rows,
            sides=split_sides(event, rows, died_before_landmark=spec.died_before_landmark),
            plan=graded,
            grades=grades,
        )


def _has_scale(plan: GradePlan) -> bool:
    """Whether there are several grades: one alone only says that the condition is there."""
    return len({rule.grade for rule in plan.part.lab_rules}) > 1


def frame_answers(analysis_id: str, answers: Sequence[Answers]) -> pl.DataFrame:
    """Return one row per outcome and patient: the answer, whether it is open, and the grade."""
    frames = [
        pl.DataFrame(
            {
                "patient_id": one.rows["patient_id"],
                "answer": one.words,
                "is_open": one.is_open,
                "grade": one.grade,
            }
        ).with_columns(pl.lit(analysis_id).alias("analysis_id"), pl.lit(one.outcome).alias("outcome"))
        for one in answers
    ]
    ordered = [
        frame.select(pl.col(name).cast(kind) for name, kind in ANSWER_SCHEMA.items()) for frame in frames
    ]
    return pl.concat([pl.DataFrame(schema=ANSWER_SCHEMA), *ordered])
