"""Outcomes made of graded outcomes: emergent under treatment, at or above a grade, any of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from cytopenia.contract import Tables
from cytopenia.definition_forms import BaselineDefinition
from cytopenia.errors import DataError
from cytopenia.grading.baseline import derive_baseline
from cytopenia.grading.grades import BETWEEN, judge_rows
from cytopenia.grading.outcome_rows import hold_evidence
from cytopenia.study.flow import choose_cohort
from cytopenia.study.outcomes import CohortOutcomes, lay_out_kernel, run_kernel
from cytopenia.study.plan import GradePlan, Plan
from cytopenia.study.protocol import Study

__all__ = ["NOBODY", "derive_all", "derive_block", "drop_settled", "grade_baseline", "judge_threshold"]

NOBODY = (
    "No patient is left. A patient needs an infusion and every column of cohort.require; check that"
    " patient_id is spelled alike in patients, infusions and labs."
)
_GRADES = ("policy", "best", "worst")
_DAY_COUNTS = ("days_measured", "days_short_gap", "days_open", "days_filled", "days_bridged")


def grade_baseline(cohort: CohortOutcomes, plan: GradePlan, definition: BaselineDefinition) -> pl.DataFrame:
    """Return the baseline value of one analyte and its grade, one row per patient of the cohort.

    Returns
    -------
    DataFrame
        `patient_id`, `value`, `day`, `source_row`, `is_on_lymphodepletion_day`, `policy`, `best`, `worst`,
        `reason`. A patient without a value has null in all of them, best 0 and worst the highest grade.
    """
    values = derive_baseline(cohort.labs, cohort.courses, analyte=plan.part.analyte, definition=definition)
    # The value is its own baseline: nothing has decreased yet.
    own = values.with_columns(baseline=pl.when(pl.col("comparator") == "=").then("value"))
    judged = judge_rows(own, plan.part).select(
        pl.col("grade").cast(pl.Float64).alias("policy"),
        pl.col("grade_best").cast(pl.Float64).alias("best"),
        pl.col("grade_worst").cast(pl.Float64).alias("worst"),
        pl.col("grade_reason").alias("reason"),
    )
    patients = pl.DataFrame({"patient_id": cohort.courses.patient_id})
    highest = float(plan.part.lab_rules[-1].grade)
    return patients.join(
        pl.concat([values, judged], how="horizontal"), on="patient_id", how="left", maintain_order="left"
    ).with_columns(
        pl.col("best").fill_null(0.0),
        pl.col("worst").fill_null(highest),
        pl.col("reason").fill_null("no baseline value"),
    )


def derive_all(cohort: CohortOutcomes, plan: Plan, definition: BaselineDefinition) -> pl.DataFrame:
    """Return the outcomes table with every outcome of the protocol in its final form.

    Graded outcomes become emergent where the protocol says so, and 0/1 where it names a least grade;
    combinations are added. The other outcomes stay as they are.

    Raises
    ------
    DataError
        There is no patient.
    """
    if not len(cohort.courses):
        raise DataError(NOBODY)
    by_outcome = {
        str(key[0]): part for key, part in cohort.outcomes.partition_by("outcome", as_dict=True).items()
    }
    for grade in plan.grades:
        baseline = None
        for name in grade.outcomes:
            spec, graded = plan.specs[name], by_outcome[name]
            if spec.treatment_emergent:
                baseline = grade_baseline(cohort, grade, definition) if baseline is None else baseline
                by_outcome[name] = _keep_emergent(graded, baseline)
            if spec.min_grade is not None:
                marked = _mark_at_least(by_outcome[name], spec.min_grade, open_for=graded["reason"])
                is_single = grade.part.landmark is None and grade.part.counting is None
                by_outcome[name] = _rest_on_one_day(marked) if is_single else marked
    for fever in plan.fevers:
        found = by_outcome[fever.outcome]
        by_outcome[fever.outcome] = _mark_at_least(found, fever.definition.grade, open_for=found["reason"])
    for name in plan.combinations:
        by_outcome[name] = _combine([by_outcome[part] for part in plan.specs[name].any_of], name)
    order = [*plan.specs, *(nadir.outcome for nadir in plan.nadirs)]
    return pl.concat([by_outcome[name] for name in order]) if order else cohort.outcomes


def drop_settled(evidence: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return the evidence without days that "would settle" an outcome that is decided.

    A grade that is open can be decided in its final form: as a question, or by the grade before treatment.
    """
    key = ["patient_id", "outcome"]
    decided = outcomes.filter("decided").select(key)
    waiting = evidence.lazy().filter(pl.col("role") == "would settle").select(key)
    settled = waiting.join(decided.lazy(), on=key, how="semi").unique().collect()
    if settled.is_empty():
        # Evidence is the largest table of a run: it is copied where something leaves it.
        return evidence
    dropped = settled.with_columns(role=pl.lit("would settle"))
    return evidence.join(dropped, on=[*key, "role"], how="anti", maintain_order="left")


def derive_block(study: Study, plan: Plan, tables: Tables) -> CohortOutcomes | None:
    """Return the final outcomes and evidence of some patients of a cohort, by one thread.

    Parameters
    ----------
    study : Study
    plan : Plan
        From `build_plan(study)`.
    tables : Tables
        All rows of these patients, with the day of lymphodepletion.

    Returns
    -------
    CohortOutcomes or None
        None where nobody belongs to the cohort.
    """
    _, chosen = choose_cohort(study, tables)
    if chosen.infusions.is_empty():
        return None
    library = study.library
    kernel = lay_out_kernel(
        chosen,
        plan,
        bounds=library.bounds,
        use_caps=study.protocol.study.bound_anc_by_wbc,
        baseline=library.baseline,
    )
    cohort = run_kernel(kernel, threads=1)
    outcomes = derive_all(cohort, plan, library.baseline)
    return replace(cohort, outcomes=outcomes, evidence=drop_settled(cohort.evidence, outcomes))


def judge_threshold(frame: pl.DataFrame, min_grade: float) -> pl.DataFrame:
    """Return `policy`, `best`, `worst` as 0, 1 or null for "the grade is at least `min_grade`".

    A course without a policy grade is still judged where every grade that it can have lies on one side:
    below, where nothing measured can reach it (`policy_worst`, where the frame has it), or by both bounds.
    """
    reached = {
        name: pl.col(name) >= min_grade for name in (*_GRADES, "policy_worst") if name in frame.columns
    }
    settled = pl.when(reached["best"] == reached["worst"]).then(reached["best"])
    is_below = ~reached.get("policy_worst", pl.lit(None, dtype=pl.Boolean))
    policy = (
        pl.when(pl.col("policy").is_not_null())
        .then(reached["policy"])
        .when(is_below)
        .then(pl.lit(value=False))
        .otherwise(settled)
    )
    answers = {**reached, "policy": policy}
    # The bounds include the policy, also where it was open as a grade.
    answers["best"] = answers["best"] & policy.fill_null(value=True)
    return frame.with_columns(answer.cast(pl.Float64).alias(name) for name, answer in answers.items())


def _mark_at_least(frame: pl.DataFrame, min_grade: int, *, open_for: pl.Series) -> pl.DataFrame:
    """Yes or no; what is judged only as a question is open, if it is, for the reason of the grade itself."""
    judged = judge_threshold(frame, min_grade)
    is_new = frame["policy"].is_null() & judged["policy"].is_not_null()
    reasons = pl.when(is_new).then(open_for).otherwise("reason").alias("reason")
    return _clear_days(_decide(judged.with_columns(reasons))).with_columns(_yes_no().alias("label"))


def _rest_on_one_day(frame: pl.DataFrame) -> pl.DataFrame:
    """One measured day at a grade of single values is enough, whatever the other days were."""
    is_seen = pl.col("decided") & (pl.col("policy") == 1) & pl.col("first_day").is_not_null()
    evidence = pl.when(is_seen).then(pl.lit("measured")).otherwise("evidence")
    return frame.with_columns(evidence.alias("evidence"))


def _clear_days(frame: pl.DataFrame) -> pl.DataFrame:
    """Drop the rule and days of a grade that is no part of the answer: what did not happen has no day."""
    happened = pl.col("policy") > 0
    return frame.with_columns(
        pl.when(happened).then(name).alias(name) for name in ("rule", "first_day", "last_day")
    )


def _yes_no() -> pl.Expr:
    return pl.when(pl.col("policy") == 1).then(pl.lit("yes")).when(pl.col("policy") == 0).then(pl.lit("no"))


def _decide(frame: pl.DataFrame) -> pl.DataFrame:
    """Refresh `decided` and the evidence, and drop the reason of an outcome that is decided now."""
    decided = pl.col("policy").is_not_null() & (pl.col("best") == pl.col("worst"))
    fresh = frame.with_columns(decided.fill_null(value=False).alias("decided")).with_columns(
        pl.when("decided").then(pl.lit("")).otherwise("reason").alias("reason")
    )
    return hold_evidence(fresh)


def _keep_emergent(frame: pl.DataFrame, baseline: pl.DataFrame) -> pl.DataFrame:
    """Grades that were not there before: below or at the baseline grade becomes 0.

    Without a baseline grade an outcome is judged only where the answer does not depend on it.
    """
    before = baseline.select(
        "patient_id",
        pl.col("policy").alias("b"),
        pl.col("best").alias("b_best"),
        pl.col("worst").alias("b_worst"),
    )
    joined = frame.join(before, on="patient_id", how="left", maintain_order="left")
    # Who was not at risk has no bounds, and none of 0 either.
    is_at_risk = pl.col("worst").is_not_null()
    best = pl.when(pl.col("best") > pl.col("b_worst")).then("best").when(is_at_risk).then(0.0)
    worst = pl.when(pl.col("worst") > pl.col("b_best")).then("worst").when(is_at_risk).then(0.0)
    highest = pl.when(pl.col("policy_worst") > pl.col("b_best")).then("policy_worst")
    highest = highest.when(pl.col("policy_worst").is_not_null()).then(0.0)
    is_above = pl.col("policy") > pl.coalesce("b", "b_worst")
    is_not_above = pl.col("policy") <= pl.coalesce("b", "b_best")
    judged = pl.when(is_above).then("policy").when(is_not_above).then(0.0)
    emergent = joined.with_columns(
        pl.coalesce(judged, pl.when(highest == 0).then(0.0), pl.when(best == worst).then(best)).alias(
            "policy"
        ),
        best.alias("best"),
        worst.alias("worst"),
        highest.alias("policy_worst"),
        pl.when(pl.col("policy").is_not_null())
        .then(pl.lit("no baseline grade"))
        .when(highest == 0)
        .then(pl.lit(BETWEEN))
        .otherwise("reason")
        .alias("open"),
        pl.col("policy").is_null().alias("was_open"),
    ).with_columns(
        pl.when(pl.col("policy").is_null() | pl.col("was_open"))
        .then("open")
        .otherwise("reason")
        .alias("reason")
    )
    return _clear_days(_decide(emergent.drop("b", "b_best", "b_worst", "open", "was_open")))


def _first_reason(policy: pl.Expr) -> pl.Expr:
    """Why a combination is open: the first part that is not judged, or else the first that is not decided."""
    unjudged = pl.col("reason").filter(pl.col("policy").is_null()).first()
    undecided = pl.col("reason").filter(~pl.col("decided")).first()
    return pl.coalesce(pl.when(policy.is_null()).then(unjudged), undecided, pl.lit(""))


def _combine(frames: list[pl.DataFrame], name: str) -> pl.DataFrame:
    """Any of several yes/no outcomes: yes if one is yes, no if all are no, else not judged."""
    stacked = pl.concat(frames)
    days: Mapping[str, pl.Expr] = {
        "first_day": pl.col("first_day").filter(pl.col("policy") == 1).min(),
        "last_day": pl.col("last_day").filter(pl.col("policy") == 1).max(),
        "longest_gap_days": pl.col("longest_gap_days").max(),
        "last_measured_day": pl.col("last_measured_day").min(),
        **{key: pl.col(key).sum() for key in _DAY_COUNTS},
    }
    has_null = pl.col("policy").is_null().any()
    policy = pl.when((pl.col("policy") == 1).any()).then(1.0).when(~has_null).then(0.0)
    evidence = pl.col("evidence").replace_strict({"measured": 0, "bracketed": 1, "open": 2})
    # Without an answer for want of a part that was not at risk there is nothing to rest on.
    has_nothing = policy.is_null() & pl.col("evidence").is_null().any()
    combined = stacked.group_by("patient_id", maintain_order=True).agg(
        pl.lit(name).alias("outcome"),
        policy.alias("policy"),
        pl.col("best").max(),
        pl.col("worst").max(),
        policy.alias("policy_worst"),
        _first_reason(policy).alias("reason"),
        pl.col("rule").filter(pl.col("policy") == 1).first().alias("rule"),
        pl.when((pl.col("policy") == 1).any())
        .then(evidence.filter(pl.col("policy") == 1).min())
        .when(~has_nothing)
        .then(evidence.max())
        .replace_strict({0: "measured", 1: "bracketed", 2: "open"})
        .alias("evidence"),
        pl.lit(None, dtype=pl.String).alias("possible_labels"),
        pl.lit(value=False).alias("decided"),
        **days,
    )
    labeled = _decide(combined).with_columns(_yes_no().alias("label"))
    return labeled.select(pl.col(column).cast(dtype) for column, dtype in frames[0].schema.items())
