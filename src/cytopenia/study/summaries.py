"""Outcomes to numbers: each kind of analysis as rows of the one result table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import polars as pl

from cytopenia.grading.recovery import RECOVERY_LABELS
from cytopenia.results import ResultRow
from cytopenia.stats.describe import describe_numbers, estimate_proportion
from cytopenia.study.derived import judge_threshold
from cytopenia.study.factors import FactorColumn

__all__ = [
    "summarize_baseline",
    "summarize_cells",
    "summarize_characteristics",
    "summarize_nadirs",
    "summarize_occurrence",
    "summarize_recovery",
]

SCENARIOS = ("policy", "best", "worst")


def summarize_characteristics(analysis_id: str, factors: Iterable[FactorColumn]) -> Iterator[ResultRow]:
    """Median and range of each numeric factor, count of each level of the others; missing beside them."""
    for factor in factors:
        if factor.is_number:
            yield from _describe(analysis_id, factor.name, factor.values, title=factor.title)
        else:
            yield from _count_levels(analysis_id, factor)


def _describe(
    analysis_id: str, variable: str, values: pl.Series, *, title: str = "", group: str = ""
) -> Iterator[ResultRow]:
    summary = describe_numbers(values.cast(pl.Float64).to_numpy())
    note = "" if summary.n else "no value"
    yield ResultRow(
        analysis_id=analysis_id, group=group, variable=variable, estimate="n", value=summary.n, text=title
    )
    yield ResultRow(
        analysis_id=analysis_id, group=group, variable=variable, estimate="missing", value=summary.missing
    )
    for name in ("median", "minimum", "maximum", "q1", "q3"):
        yield ResultRow(
            analysis_id=analysis_id,
            group=group,
            variable=variable,
            estimate=name,
            value=getattr(summary, name),
            n=summary.n,
            status="ok" if summary.n else "not_estimable",
            note=note,
        )


def _count_levels(analysis_id: str, factor: FactorColumn) -> Iterator[ResultRow]:
    known = factor.values.cast(pl.String).drop_nulls()
    yield ResultRow(
        analysis_id=analysis_id,
        variable=factor.name,
        estimate="denominator",
        value=len(known),
        text=factor.title,
    )
    missing = len(factor.values) - len(known)
    yield ResultRow(analysis_id=analysis_id, variable=factor.name, estimate="missing", value=missing)
    for level in factor.list_levels():
        count = int((known == level).sum())
        yield from _count(_key(analysis_id, factor.name, level), count=count, denominator=len(known))


def _count(key: ResultRow, *, count: int, denominator: int) -> Iterator[ResultRow]:
    """Count, denominator and percentage under the names that the key gives."""
    proportion = estimate_proportion(count, denominator)
    for name in ("count", "denominator", "percent"):
        value = getattr(proportion, name)
        yield replace(
            key,
            estimate=name,
            value=value,
            n=denominator,
            status="ok" if value is not None else "not_estimable",
            note="" if value is not None else "nobody could be judged",
        )


def _key(analysis_id: str, variable: str, level: str, *, group: str = "") -> ResultRow:
    return ResultRow(
        analysis_id=analysis_id, group=group, variable=variable, variable_level=level, estimate="count"
    )


def _count_scenarios(key: ResultRow, judged: pl.DataFrame) -> Iterator[ResultRow]:
    """Count of `judged` 0/1 outcomes among all patients; those not judged are a count of their own.

    Whether a patient can be judged often depends on the outcome (a missing limit of normal leaves only the
    higher grades judged), so a percentage among the judged would be of the sick alone.
    """
    for scenario in SCENARIOS:
        count = int(judged[scenario].drop_nulls().sum())
        yield from _count(replace(key, scenario=scenario), count=count, denominator=judged.height)
    # Fewer than those without a grade: who lacks an exact grade may be known to lie below this one.
    unknown = int(judged["policy"].is_null().sum())
    yield replace(key, scenario="policy", estimate="not_judged", value=unknown, n=judged.height)


def summarize_baseline(analysis_id: str, graded: Sequence[tuple[str, pl.DataFrame]]) -> Iterator[ResultRow]:
    """Cytopenia before treatment, by analyte and in any of them, and the baseline values.

    Parameters
    ----------
    graded : sequence of (analyte, DataFrame)
        From `grade_baseline`; a patient has cytopenia if the grade is at least 1.
    """
    found: list[pl.DataFrame] = []
    for analyte, frame in graded:
        judged = judge_threshold(frame, 1)
        found.append(judged.select("patient_id", *SCENARIOS))
        yield from _count_scenarios(_key(analysis_id, analyte, "", group="baseline_cytopenia"), judged)
        yield from _count_not_judged(analysis_id, analyte, judged, group="baseline_cytopenia")
    if len(found) > 1:
        combined = _any_of(found)
        yield from _count_scenarios(_key(analysis_id, "any", "", group="baseline_cytopenia"), combined)
        yield from _count_not_judged(analysis_id, "any", combined, group="baseline_cytopenia")
    for analyte, frame in graded:
        yield from _describe(analysis_id, analyte, frame["value"], group="baseline_value")


def _any_of(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Kleene OR over the frames: one yes is yes, all no is no, else unknown."""
    policy = pl.col("policy")
    any_yes = pl.when((policy == 1).any()).then(1.0).when(~policy.is_null().any()).then(0.0)
    return (
        pl.concat(frames)
        .group_by("patient_id", maintain_order=True)
        .agg(any_yes.alias("policy"), pl.col("best").max(), pl.col("worst").max())
    )


def summarize_occurrence(
    analysis_id: str, outcome: str, frame: pl.DataFrame, *, is_graded: bool
) -> Iterator[ResultRow]:
    """Any grade, grade >= 3, each grade and the not judged of a graded outcome; yes of a yes/no outcome."""
    if not is_graded:
        yield from _count_scenarios(_key(analysis_id, outcome, "yes"), frame)
        yield from _count_not_judged(analysis_id, outcome, frame)
        return
    for level, least in (("any grade", 1), ("grade >= 3", 3)):
        yield from _count_scenarios(_key(analysis_id, outcome, level), judge_threshold(frame, least))
    for grade in range(5):
        yield from _count_scenarios(_key(analysis_id, outcome, f"grade {grade}"), _mark_exactly(frame, grade))
    yield from _count_not_judged(analysis_id, outcome, frame)


def _mark_exactly(frame: pl.DataFrame, grade: int) -> pl.DataFrame:
    """Who has just this grade: by the policy, for certain, and possibly.

    To count the grades of the best and the worst scenario would not bound the number: where they are 1 and 3,
    grade 2 is possible as well. For grade 0 the most are best, for the others the fewest.
    """
    is_certain = (pl.col("best") == grade) & (pl.col("worst") == grade)
    is_possible = (pl.col("best") <= grade) & (pl.col("worst") >= grade)
    best, worst = (is_certain, is_possible) if grade else (is_possible, is_certain)
    # Who lacks an exact grade, but had none as high as this one, does not have it.
    is_lower = pl.col("policy").is_null() & (pl.col("policy_worst") < grade)
    policy = pl.when(is_lower).then(pl.lit(value=False)).otherwise(pl.col("policy") == grade)
    marks = {"policy": policy, "best": best, "worst": worst}
    return frame.with_columns(mark.cast(pl.Float64).alias(name) for name, mark in marks.items())


def _count_not_judged(
    analysis_id: str, outcome: str, frame: pl.DataFrame, *, group: str = ""
) -> Iterator[ResultRow]:
    key = replace(_key(analysis_id, outcome, "not judged", group=group), scenario="policy")
    yield from _count(key, count=int(frame["policy"].is_null().sum()), denominator=frame.height)
    if "reason" not in frame.columns:
        return
    reasons = frame.filter(pl.col("policy").is_null())["reason"].value_counts(sort=False).sort("reason")
    for reason, patients in reasons.iter_rows():
        yield ResultRow(
            analysis_id=analysis_id,
            group=f"{group}_not_judged" if group else "not_judged",
            variable=outcome,
            variable_level=reason,
            estimate="count",
            value=patients,
            n=frame.height,
        )


def summarize_nadirs(analysis_id: str, analyte: str, frame: pl.DataFrame) -> Iterator[ResultRow]:
    """Value and day of the nadir; its median also with each nadir as high, or as low, as it can have been."""
    yield from _describe(analysis_id, analyte, frame["policy"], group="nadir")
    for scenario in ("best", "worst"):
        # A nadir without an upper end (">0.4") lies above every other one.
        ends = frame.filter(pl.col("policy").is_not_null())[scenario].fill_null(math.inf)
        middle = ends.median()
        median = middle if isinstance(middle, float) and math.isfinite(middle) else None
        yield ResultRow(
            analysis_id=analysis_id,
            group="nadir",
            variable=analyte,
            scenario=scenario,
            estimate="median",
            value=median,
            n=len(ends),
            status="not_estimable" if median is None else "ok",
            note="no value with an upper end in the middle" if median is None else "",
        )
    yield from _describe(analysis_id, analyte, frame["first_day"], group="nadir_day")


def summarize_recovery(
    analysis_id: str, outcome: str, frame: pl.DataFrame, *, headline: str = "exclude"
) -> Iterator[ResultRow]:
    """Recovery at the landmark under the three readings of early deaths, the headline first.

    "left out" takes early deaths out of the denominator; "as not recovered" and "as competing event" keep
    them in, the latter as a category of its own (without censoring before the landmark these proportions
    are the cumulative incidences at the landmark).

    Parameters
    ----------
    headline : {"exclude", "not_recovered", "competing_event"}
        `died_before_landmark` of the protocol.
    """
    died = pl.col("label") == "died before landmark"
    readings = {
        "exclude": ("left out", frame.filter(~died)),
        "not_recovered": (
            "as not recovered",
            frame.with_columns(
                pl.when(died).then(pl.lit("not recovered")).otherwise("label").alias("label"),
                *(pl.when(died).then(1.0).otherwise(name).alias(name) for name in SCENARIOS),
            ),
        ),
        "competing_event": ("as competing event", frame),
    }
    for name in sorted(readings, key=lambda name: name != headline):
        stratum, rows = readings[name]
        key = replace(_key(analysis_id, outcome, ""), stratum=stratum)
        for label in RECOVERY_LABELS:
            found = replace(key, variable_level=label, scenario="policy")
            yield from _count(found, count=int((rows["label"] == label).sum()), denominator=rows.height)
        yield from _bound_recovery(key, rows)


def _bound_recovery(key: ResultRow, rows: pl.DataFrame) -> Iterator[ResultRow]:
    """Recovered (or never below) and not recovered when every open question falls the same way."""
    for scenario in ("best", "worst", "policy"):
        good, bad = (int((rows[scenario] == state).sum()) for state in (0, 1))
        levels = {"recovered or never below": good, "not recovered": bad}
        if scenario == "policy":
            levels.pop("not recovered")  # counted with the labels
        for label, count in levels.items():
            found = replace(key, variable_level=label, scenario=scenario)
            yield from _count(found, count=count, denominator=rows.height)


def summarize_cells(analysis_id: str, outcome: str, cells: pl.DataFrame) -> Iterator[ResultRow]:
    """How many patients had each state in each cell: lineage by day."""
    rows = cells.filter(pl.col("outcome") == outcome)
    for row in rows.iter_rows(named=True):
        for state in ("met", "failed", "under support", "unknown"):
            yield ResultRow(
                analysis_id=analysis_id,
                group="cells",
                variable=outcome,
                variable_level=f"{row['analyte']}|{row['day']}",
                estimate=state,
                value=row[state],
            )
