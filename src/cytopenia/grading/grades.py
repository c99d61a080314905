"""Grades of single values and of whole courses, by the same rules and the same comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import GradeRule, GradesPart
from cytopenia.grading.cuts import encode_ends
from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.half_lines import Baselines, RowLimits, Verdicts, judge_rule
from cytopenia.grading.outcome_rows import (
    EvidenceRows,
    OutcomeRows,
    collect_evidence,
    count_days,
    span_days,
)
from cytopenia.grading.runs import any_marked, last_marked, nearest_marked

__all__ = [
    "AT_LEAST",
    "BETWEEN",
    "GRADE_REASONS",
    "ROLES",
    "STATES",
    "VERDICTS",
    "grade_courses",
    "grade_labs",
    "judge_rows",
]

Grid = NDArray[np.float64]
Marks = NDArray[np.bool_]

GRADE_REASONS = (
    "",
    "no measurement in the window",
    "lower limit of normal missing",
    "the reported values do not decide the grade",
    "an unmeasured day between measurements could have been worse",
    "a reported value could stand for a worse grade",
    "baseline value missing",
    "lower limit of normal and baseline value missing",
    "not at risk in the window",
    "no neutrophil count in the window: white cells alone show only the least grade it can be",
    "a day known by its white cells alone could have been worse",
)
_NO_MEASUREMENT, _NO_LIMIT, _UNDECIDED_VALUE, _GAP_COULD_BE_WORSE, _VALUE_COULD_BE_WORSE = range(1, 6)
_NO_BASELINE, _NEITHER, _NOT_AT_RISK, _ONLY_CAPS, _CAP_COULD_BE_WORSE = range(6, 11)

BETWEEN = GRADE_REASONS[_GAP_COULD_BE_WORSE]

# How the reason of a grade begins that is a lower bound.
AT_LEAST = "at least"

ROLES = ("decides", "would settle")
VERDICTS = ("meets the rule", "could meet a worse rule")
STATES = ("measured", "wbc_bound", "short_gap", "open")


def grade_courses(
    part: GradesPart,
    grid: ScenarioGrid,
    *,
    min_grade: int | None = None,
    baseline: Baselines | None = None,
) -> tuple[OutcomeRows, EvidenceRows]:
    """Grade each course: the highest rule met on any day of the window, in three scenarios.

    Parameters
    ----------
    part : GradesPart
        Rules without `days`.
    grid : ScenarioGrid
        The patients of one part on the days of the window.
    min_grade : int, optional
        The question is whether this grade is reached: then every day at or above it is evidence, not only
        the days of the highest grade, and the reason is that of the answer. The three grades stay the same.
    baseline : Baselines, optional
        Of each patient of the part, for rules relative to it; without it nobody has one.

    Returns
    -------
    OutcomeRows, EvidenceRows
        `policy` uses measured days, and days whose cap alone meets a rule; `best` and `worst` also short gaps
        within their bounds. Open days count in `days_open`. Without any measurement worst is the highest
        grade, best what caps show, policy only what both are. Ended before the window: none of the three.

    Notes
    -----
    Three-valued: a rule is met for certain, possible, or not met. The policy grade is the highest grade met
    for certain; it is 0 only if no rule is possible on any measured day, else not judged. `policy_worst` is
    then the highest grade possible on a measured day: a higher one was not reached.
    """
    rules = part.lab_rules
    limits = _collect_limits(grid, baseline)
    days = [judge_rule(rule, part, low=grid.low, high=grid.high, limits=limits) for rule in rules]
    grade = np.array([rule.grade for rule in rules], dtype=np.float64)
    judged_days = grid.measured | grid.short_gap
    by_cap = [_known_by_cap(rule, part, grid, limits) for rule in rules]
    graded_by_cap = np.logical_or.reduce(by_cap)
    known_days = [found.certain & grid.measured | marks for marks, found in zip(by_cap, days, strict=True)]
    known = np.stack([any_marked(marks) for marks in known_days])
    certain = np.stack([any_marked(found.certain & judged_days) for found in days]) | known
    between = np.stack([any_marked(found.possible & judged_days) for found in days])
    possible = between | np.stack([any_marked(found.possible & graded_by_cap) for found in days])
    open_questions = np.stack([any_marked(found.possible & grid.measured) for found in days])
    has_measurement = any_marked(grid.measured)
    decider = _first_of_its_grade(_highest(known), known, grade)
    proven = _grade_at(decider, grade)
    seen_worst = _grade_at(_highest(open_questions), grade)
    is_judged = np.where(has_measurement, any_marked(known.T) | np.equal(seen_worst, 0), proven == grade[-1])
    policy = np.where(is_judged, proven, np.nan)
    policy_worst = np.where(has_measurement & ~is_judged, seen_worst, policy)
    answer = policy if min_grade is None else np.where(policy_worst < min_grade, policy_worst, policy)
    decider = np.where(is_judged, decider, -1).astype(np.int8)
    is_at_risk = any_marked(grid.at_risk)
    best = np.where(is_at_risk, _grade_at(_highest(certain), grade), np.nan)
    worst = np.where(has_measurement, _grade_at(_highest(possible), grade), grade[-1])
    worst = np.where(is_at_risk, worst, np.nan)
    floor = np.where(is_judged, policy, best)
    is_final = policy == grade[-1]
    deciding_days = _pick_days(policy, grade, known_days)
    if min_grade is not None:
        asked = grade >= min_grade
        is_final = proven >= min_grade
        decider = np.where(is_final, np.argmax(asked), decider).astype(np.int8)
        deciding_days = np.logical_or.reduce([known_days[place] for place in np.flatnonzero(asked)])
        # Below the question no day can settle it; once it is reached none needs to.
        floor = np.where(is_final, worst, np.maximum(floor, min_grade - 1))
    first, last = span_days(deciding_days, grid.first_day)
    grades = (answer, best, worst, seen_worst, _grade_at(_highest(between), grade))
    outcome = OutcomeRows(
        policy=policy,
        best=best,
        worst=worst,
        policy_worst=policy_worst,
        evidence=_classify_evidence(is_final, grid),
        reason=_explain(grades, grid, lacking=_name_lacking(days, grid)),
        rule=decider,
        label=np.full(policy.size, -1, dtype=np.int8),
        first_day=first,
        last_day=last,
        days=count_days(grid),
        is_asked=min_grade is not None,
    )
    settling = _settling_days(rules, days, floor, worst > floor, grid.short_gap | graded_by_cap)
    return outcome, collect_evidence(deciding_days, settling, grid)


def _collect_limits(grid: ScenarioGrid, baseline: Baselines | None) -> RowLimits:
    patients = baseline or Baselines.missing(grid.low.shape[:1])
    return RowLimits(_limit_of_days(grid), Baselines(patients.low[:, None], patients.high[:, None]))


def _limit_of_days(grid: ScenarioGrid) -> Grid:
    """Limit of normal of each day; an unmeasured day takes that of the measured day before, else after."""
    if grid.lln is None:
        return np.full(grid.low.shape, np.nan)
    before, after = nearest_marked(grid.measured)
    width = grid.measured.shape[1]
    place = np.where(before >= 0, before, np.minimum(after, width - 1))
    return np.take_along_axis(grid.lln, place, axis=1)


def _known_by_cap(rule: GradeRule, part: GradesPart, grid: ScenarioGrid, limits: RowLimits) -> Marks:
    """Capped days whose cap alone meets the rule for certain."""
    if grid.cap is None or not rule.is_sick_below:
        return np.zeros_like(grid.capped)
    return grid.capped & judge_rule(rule, part, low=grid.cap, high=grid.cap, limits=limits).certain


def _name_lacking(days: list[Verdicts], grid: ScenarioGrid) -> NDArray[np.int8]:
    """Code of what is missing on a measured day of each patient; 0 for nothing."""
    lacks_limit, lacks_baseline = (
        any_marked(np.logical_or.reduce(marks) & grid.measured)
        for marks in ([found.lacks_limit for found in days], [found.lacks_baseline for found in days])
    )
    conditions = [lacks_limit & lacks_baseline, lacks_limit, lacks_baseline]
    return np.select(conditions, [_NEITHER, _NO_LIMIT, _NO_BASELINE], 0).astype(np.int8)


def _highest(met: Marks) -> NDArray[np.int8]:
    """Place of the highest rule met by each patient; -1 if none. Rules are in order of grade."""
    return last_marked(met.T, otherwise=-1).astype(np.int8)


def _grade_at(place: NDArray[np.int8], grade: Grid) -> Grid:
    return np.where(place < 0, 0.0, grade[place])


def _first_of_its_grade(place: NDArray[np.int8], met: Marks, grade: Grid) -> NDArray[np.int8]:
    """Of several rules of the highest grade that are met, the one that the definition names first."""
    reached = _grade_at(place, grade)
    first = place.copy()
    for index in reversed(range(grade.size)):
        first[met[index] & (reached == grade[index])] = index
    return first


def _pick_days(reached: Grid, grade: Grid, days: list[Marks]) -> Marks:
    """Days on which the grade of each patient is met, by any of its rules."""
    picked = np.zeros_like(days[0])
    for worth, marks in zip(grade, days, strict=True):
        rows = reached == worth
        picked[rows] |= marks[rows]
    return picked


def _classify_evidence(is_highest: Marks, grid: ScenarioGrid) -> NDArray[np.int8]:
    """0 measured, 1 bracketed, 2 open."""
    has_gap = any_marked(grid.short_gap)
    has_open = any_marked(grid.open_day)
    return np.where(is_highest | ~(has_gap | has_open), 0, np.where(has_open, 2, 1)).astype(np.int8)


def _explain(
    grades: tuple[Grid, Grid, Grid, Grid, Grid], grid: ScenarioGrid, *, lacking: NDArray[np.int8]
) -> NDArray[np.int8]:
    """The first reason that holds; `grades` ends with the worst of measured days, and of these and gaps."""
    policy, best, worst, measured_worst, gap_worst = grades
    is_null = np.isnan(policy)
    is_unmeasured = is_null & ~any_marked(grid.measured)
    conditions = [
        np.isnan(worst),
        is_unmeasured & any_marked(grid.capped),
        is_unmeasured,
        is_null & (lacking > 0),
        is_null,
        measured_worst > policy,
        (best != worst) & (gap_worst < worst),
        best != worst,
    ]
    codes = [
        _NOT_AT_RISK,
        _ONLY_CAPS,
        _NO_MEASUREMENT,
        lacking,
        _UNDECIDED_VALUE,
        _VALUE_COULD_BE_WORSE,
        _CAP_COULD_BE_WORSE,
        _GAP_COULD_BE_WORSE,
    ]
    return np.select(conditions, codes, 0).astype(np.int8)


def _settling_days(
    rules: tuple[GradeRule, ...],
    days: list[Verdicts],
    grade: Grid,
    is_unsettled: Marks,
    entering: Marks,
) -> Marks:
    """Unmeasured days that enter the bounds, on which a worse grade was possible."""
    settling = np.zeros_like(entering)
    if not is_unsettled.any():
        return settling
    for rule, found in zip(rules, days, strict=True):
        rows = is_unsettled & (rule.grade > grade)
        settling[rows] |= found.possible[rows] & entering[rows]
    return settling


def grade_labs(
    labs: pl.DataFrame, parts: Mapping[str, GradesPart], *, removed: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """Add the grade of every laboratory row. One row in, one row out, same order.

    Parameters
    ----------
    labs : DataFrame, one row per measurement
        As `prepare_labs` returns it: `analyte`, `comparator`, `invalid`; `value`, `lln` in canonical units,
        and `baseline` for rules relative to it.
    parts : mapping of address to GradesPart
        From `Library.find_parts("ctcae_v4")`, one part per analyte.
    removed : mapping of analyte to str, optional
        From `Library.explain_removed`: why the definition no longer has a part of an analyte.

    Returns
    -------
    DataFrame
        `labs` plus `term` (title of the part), `grade` and `grade_worst` (Int8) and `grade_reason`. 0 means
        judged and normal. Null means not judged; the reason names the missing input. `grade_worst` is the
        highest grade that the value can mean; above the grade, the reason begins with "at least".

    Notes
    -----
    A value exactly at a cut belongs to the milder grade where the official text says "<". "<0.6" meets
    every rule that all its values meet, and no other.
    """
    frame = labs.with_row_index("_place")
    grades = {"grade": pl.Int8, "grade_worst": pl.Int8, "grade_reason": pl.String}
    schema = {"_place": pl.UInt32, "term": pl.String, **grades}
    graded = [pl.DataFrame(schema=schema)]
    for part in parts.values():
        rows = frame.filter(pl.col("analyte") == part.analyte)
        added = judge_rows(rows, part).select(*grades)
        graded.append(added.with_columns(rows["_place"], pl.lit(part.title).alias("term")).select(*schema))
    joined = frame.join(pl.concat(graded), on="_place", how="left", maintain_order="left").drop("_place")
    gone = pl.col("analyte").replace_strict(removed or {}, default=None, return_dtype=pl.String)
    reason = pl.coalesce("grade_reason", gone, pl.lit("no rule for this analyte in the definition"))
    return joined.with_columns(grade_reason=reason)


def judge_rows(rows: pl.DataFrame, part: GradesPart) -> pl.DataFrame:
    """Grade the rows of one analyte: `grade`, `grade_best`, `grade_worst` (Int8), `grade_reason`.

    Parameters
    ----------
    rows : DataFrame
        `value`, `comparator`, `lln`, `invalid` where rows can be invalid, and `baseline` (a number, or null)
        for rules relative to it; without the column it is missing everywhere.
    part : GradesPart

    Returns
    -------
    DataFrame, one row per row, same order
        `grade` is null where not judged; `grade_best` and `grade_worst` bound it (null for an invalid row).
    """
    nobody = pl.repeat(None, rows.height, eager=True, dtype=pl.String)
    invalid = rows["invalid"] if "invalid" in rows.columns else nobody
    valid = (invalid.is_null() & rows["value"].is_not_null()).to_numpy()
    value = np.where(valid, rows["value"].to_numpy(), np.nan)
    low, high = encode_ends(value, rows["comparator"].fill_null("=").to_numpy().astype(np.str_))
    limits = _read_row_limits(rows)
    grade = np.zeros(value.size, dtype=np.int8)
    worst = np.zeros(value.size, dtype=np.int8)
    verdicts = [
        (rule.grade, judge_rule(rule, part, low=low, high=high, limits=limits)) for rule in part.lab_rules
    ]
    nowhere = np.zeros(value.size, dtype=np.bool_)
    for number, found in verdicts:
        grade = np.where(found.certain, np.int8(number), grade)
        worst = np.where(found.possible, np.int8(number), worst)
    worst = np.maximum(worst, grade)
    is_judged = valid & ((grade > 0) | (worst == 0))
    lacks_limit = np.any([nowhere, *(found.lacks_limit for _, found in verdicts)], axis=0)
    lacks_baseline = np.any([nowhere, *(found.lacks_baseline for _, found in verdicts)], axis=0)
    reason = np.select(
        [~valid, is_judged, lacks_limit & lacks_baseline, lacks_limit, lacks_baseline],
        ["", "judged", *(GRADE_REASONS[code] for code in (_NEITHER, _NO_LIMIT, _NO_BASELINE))],
        "the reported value does not decide the grade",
    )
    graded = pl.DataFrame({"grade": grade, "grade_best": grade, "grade_worst": worst, "grade_reason": reason})
    words = invalid.fill_null("value missing")
    cause = pl.Series(_name_causes(verdicts, grade), dtype=pl.String)
    is_bound = pl.Series(is_judged & (worst > grade))
    reason_or_bound = (
        pl.when(is_bound)
        .then(pl.format(f"{AT_LEAST}: the {{}} could mean grade {{}}", cause, pl.col("grade_worst")))
        .otherwise(pl.col("grade_reason"))
    )
    return graded.with_columns(
        pl.when(pl.Series(is_judged)).then(pl.col("grade")).alias("grade"),
        pl.when(pl.Series(valid)).then(pl.col("grade_best", "grade_worst")),
        pl.when(pl.Series(valid)).then(reason_or_bound).otherwise(words).alias("grade_reason"),
    )


def _name_causes(verdicts: Sequence[tuple[int, Verdicts]], grade: NDArray[np.int8]) -> NDArray[np.str_]:
    """What leaves a grade above the one given possible, for each row."""
    marks = np.zeros((3, grade.size), dtype=np.bool_)
    for number, found in verdicts:
        is_open = found.possible & ~found.certain & (np.int8(number) > grade)
        lacks = found.lacks_limit | found.lacks_baseline
        marks |= is_open & np.stack([~lacks, found.lacks_limit, found.lacks_baseline])
    by_value, by_limit, by_baseline = marks
    missing = np.select(
        [by_limit & by_baseline, by_limit, by_baseline],
        ["missing lower limit of normal or baseline", "missing lower limit of normal", "missing baseline"],
        "",
    )
    joined = np.where(by_value & (missing != ""), " or the ", "")
    return np.strings.add(np.strings.add(np.where(by_value, "value", ""), joined), missing)


def _read_row_limits(rows: pl.DataFrame) -> RowLimits:
    lln = rows["lln"].cast(pl.Float64).to_numpy()
    if "baseline" not in rows.columns:
        return RowLimits(lln, Baselines.missing(lln.shape))
    baseline = rows["baseline"].cast(pl.Float64).to_numpy()
    return RowLimits(lln, Baselines(baseline, baseline))
