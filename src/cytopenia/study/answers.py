"""The answers of a cohort under several definitions, patient by patient in the order of the courses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.study.analysis_forms import SideBySide
from cytopenia.study.groups import Sides, split_sides
from cytopenia.study.outcomes import CohortOutcomes
from cytopenia.study.plan import GradePlan, Plan
from cytopenia.study.protocol_forms import OutcomeSpec

__all__ = [
    "ANSWER_SCHEMA",
    "DIED",
    "EVENT",
    "NOT_EVALUABLE",
    "NO_EVENT",
    "Answers",
    "collect_answers",
    "frame_answers",
]

EVENT, NO_EVENT, NOT_EVALUABLE, DIED = "event", "no event", "not evaluable", "died before landmark"
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
    patients = pl.DataFrame({"patient_id": cohort.courses.patient_id})
    found: list[Answers] = []
    for name in analysis.in_order:
        spec = plan.specs[name]
        rows = patients.join(frames[name], on="patient_id", how="left", maintain_order="left")
        graded = next((one for one in plan.grades if name in one.outcomes), None)
        grades = None
        if graded is not None and _has_scale(graded) and not spec.treatment_emergent:
            of_outcome = cohort.outcomes.filter(pl.col("outcome") == name)
            grades = patients.join(of_outcome, on="patient_id", how="left", maintain_order="left")
        sides = split_sides(analysis.event_of(name), rows, died_before_landmark=spec.died_before_landmark)
        found.append(
            Answers(
                outcome=name,
                title=plan.title(name, support_complete=support_complete),
                spec=spec,
                rows=rows,
                sides=sides,
                plan=graded,
                grades=grades,
            )
        )
    return found


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
