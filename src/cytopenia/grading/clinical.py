"""Bedside scales row by row: the grade of the worst line, and what it could be where an input is unknown.

Every line gives a least and a most grade; an input that is unknown may be anything. The grade of a row is
judged where the least and the most of all lines together agree, which is where every way to fill in the
unknown inputs gives the same grade.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.definition_forms import BedsideDefinition, BedsideLine, BedsideRequirement
from cytopenia.grading.cuts import is_met
from cytopenia.units import convert_value

__all__ = ["JUDGED", "grade_bedside", "summarize_courses"]

Marks = NDArray[np.bool_]
Grades = NDArray[np.int8]

JUDGED = "judged"
_AGE = "age_years"
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True)
class _Line:
    """One line on every row: least and most grade, whether its input is unknown, its sentence."""

    inputs: tuple[str, ...]
    least: Grades
    most: Grades
    is_unknown: Marks
    text: NDArray[np.str_]


def grade_bedside(rows: pl.DataFrame, definition: BedsideDefinition) -> pl.DataFrame:
    """Grade every row by a bedside scale. One row in, one row out, same order.

    Parameters
    ----------
    rows : DataFrame
        From `prepare_bedside`. Earlier rows of a patient show whether the syndrome was known before.
    definition : BedsideDefinition

    Returns
    -------
    DataFrame
        `rows` plus `term`, `grade`, `grade_best`, `grade_worst` (Int8), `grade_reason` and `rule` (the
        sentence that decides a grade above 0). Null grade: not judged; the reason names the inputs that would
        settle it.
    """
    lines = [_judge_line(line, rows) for line in definition.lines]
    lines = _mark_contradictions(definition, lines, rows)
    least = np.max([line.least for line in lines], axis=0)
    most = np.max([line.most for line in lines], axis=0)
    gate = _judge_requirement(definition.requirement, rows)
    best = np.where(gate.met, np.maximum(least, gate.grade), np.where(gate.hidden, least, 0)).astype(np.int8)
    worst_hidden = np.where(gate.may_be_hidden, most, 0)
    worst = np.where(gate.may_be_met, np.maximum(most, gate.grade), worst_hidden).astype(np.int8)
    is_judged = best == worst
    reasons = [
        JUDGED if judged else _name_undecided(lines, gate, place, int(best[place]))
        for place, judged in enumerate(is_judged.tolist())
    ]
    frame = pl.DataFrame({"grade_best": best, "grade_worst": worst, "grade_reason": reasons})
    texts = _pick_texts(lines, gate, np.where(is_judged, best, 0))
    return rows.with_columns(
        pl.lit(definition.term).alias("term"),
        frame.select(pl.when(pl.Series(is_judged)).then("grade_best")).to_series().alias("grade"),
        frame["grade_best"],
        frame["grade_worst"],
        frame["grade_reason"],
        pl.Series("rule", texts, dtype=pl.String),
    )


def _judge_line(line: BedsideLine, rows: pl.DataFrame) -> _Line:
    return _judge_rules(line, rows) if line.rules else _judge_levels(line, rows)


def _judge_levels(line: BedsideLine, rows: pl.DataFrame) -> _Line:
    given = rows[line.input]
    levels = {word: level for level in line.levels for word in level.words}
    least = _look_up(given, {word: level.grade for word, level in levels.items()}, otherwise=0)
    most = _look_up(given, {word: level.most for word, level in levels.items()}, otherwise=line.most)
    texts = given.replace_strict(
        {word: level.text for word, level in levels.items()}, default="", return_dtype=pl.String
    ).fill_null("")
    return _Line((line.input,), least, most, given.is_null().to_numpy(), texts.to_numpy())


def _look_up(given: pl.Series, grades: dict[str, int], *, otherwise: int) -> Grades:
    found = given.replace_strict(grades, default=otherwise, return_dtype=pl.Int8)
    return found.fill_null(otherwise).to_numpy()


def _judge_rules(line: BedsideLine, rows: pl.DataFrame) -> _Line:
    value = rows[line.input].cast(pl.Float64).fill_null(np.nan).to_numpy()
    if line.from_age_years is not None:
        age = rows[_AGE].cast(pl.Float64).fill_null(np.nan).to_numpy()
        value = np.where(is_met(age, "below", line.from_age_years), np.nan, value)
    grade = np.zeros(value.size, dtype=np.int8)
    text = np.full(value.size, "", dtype=object)
    for rule in sorted(line.rules, key=lambda rule: rule.grade):
        met = is_met(value, rule.comparator, rule.cut)
        grade, text = np.where(met, np.int8(rule.grade), grade), np.where(met, rule.text, text)
    is_unknown = np.isnan(value)
    for name, word in line.none_if.items():
        is_unknown &= ~(rows[name] == word).fill_null(value=False).to_numpy()
    most = np.where(is_unknown, np.int8(line.most), grade).astype(np.int8)
    return _Line((line.input,), grade, most, is_unknown, text)


def _mark_contradictions(
    definition: BedsideDefinition, lines: list[_Line], rows: pl.DataFrame
) -> list[_Line]:
    """Both lines unknown where a number stands beside the word that says there is none."""
    found = list(lines)
    place_of = {line.input: place for place, line in enumerate(definition.lines)}
    for place, form in enumerate(definition.lines):
        for name, word in form.none_if.items():
            wrong = (rows[name] == word).fill_null(value=False).to_numpy() & (lines[place].least > 0)
            for other in (place, place_of[name]):
                line, most = found[other], np.int8(definition.lines[other].most)
                found[other] = _Line(
                    line.inputs,
                    np.where(wrong, np.int8(0), line.least),
                    np.where(wrong, most, line.most),
                    line.is_unknown | wrong,
                    line.text,
                )
    return found


@dataclass(frozen=True)
class _Gate:
    """What every grade needs, on every row; all met where a scale needs nothing."""

    grade: int
    text: str
    met: Marks
    may_be_met: Marks
    hidden: Marks
    may_be_hidden: Marks
    unknown: list[list[str]]


def _judge_requirement(rule: BedsideRequirement | None, rows: pl.DataFrame) -> _Gate:
    everywhere = np.ones(rows.height, dtype=np.bool_)
    if rule is None:
        return _Gate(0, "", everywhere, everywhere, everywhere, everywhere, [[] for _ in range(rows.height)])
    value = rows[rule.input].cast(pl.Float64).fill_null(np.nan).to_numpy()
    cut = convert_value(rule.cut, rule.unit, analyte=rule.input)
    met, is_unknown = is_met(value, rule.comparator, cut), np.isnan(value)
    hidden, may_be_hidden = ~everywhere, ~everywhere
    unknown = [[rule.input] if missing else [] for missing in is_unknown.tolist()]
    if rule.hidden_by is not None and rule.once is not None:
        treated, known = rows[rule.hidden_by], _known_before(rows, rule.once, met)
        hidden = (treated == "yes").fill_null(value=False).to_numpy() & (known > 0)
        may_be_hidden = (treated != "no").fill_null(value=True).to_numpy() & (known >= 0)
        for place in np.flatnonzero(may_be_hidden & ~hidden & ~met):
            unknown[place].append(rule.hidden_by if treated[int(place)] is None else rule.once)
    return _Gate(rule.grade, rule.text, met, met | is_unknown, hidden, may_be_hidden, unknown)


def _known_before(rows: pl.DataFrame, once: str, met: Marks) -> NDArray[np.int8]:
    """1 where the syndrome was known before the row, -1 where it was not, 0 where nobody can say.

    The column says so, or an earlier row of the patient; a row of unknown time is no earlier one of its day.
    """
    said = rows[once].replace_strict({"yes": 1, "no": -1}, default=0, return_dtype=pl.Int8).fill_null(0)
    day = (
        rows["date"].cast(pl.Int32).cast(pl.Int64) if rows["day"].null_count() else rows["day"].cast(pl.Int64)
    )
    start, end = (
        day * _DAY_MINUTES + rows["minute"].cast(pl.Int64).fill_null(minute)
        for minute in (0, _DAY_MINUTES - 1)
    )
    shown = pl.Series(met) | (said == 1)
    frame = pl.DataFrame({"patient_id": rows["patient_id"], "start": start, "end": end, "shown": shown})
    first = pl.col("end").filter(pl.col("shown")).min().over("patient_id")
    is_later = pl.col("start") > first
    seen = frame.select((is_later & (pl.col("patient_id") != "")).fill_null(value=False)).to_series()
    return np.where(said.to_numpy() != 0, said.to_numpy(), seen.cast(pl.Int8).to_numpy()).astype(np.int8)


def _name_undecided(lines: list[_Line], gate: _Gate, place: int, best: int) -> str:
    """The inputs that could make the grade another one: those unknown, and words that do not settle it."""
    raising = [line for line in lines if line.most[place] > max(best, line.least[place])]
    missing = [name for line in raising if line.is_unknown[place] for name in line.inputs]
    vague = [name for line in raising if not line.is_unknown[place] for name in line.inputs]
    asked = list(dict.fromkeys([*_name_gate(lines, gate, place, best), *missing]))
    parts = [f"unknown: {', '.join(asked)}"] if asked else []
    parts += [f"not settled by: {', '.join(vague)}"] if vague else []
    return "; ".join(parts)


def _name_gate(lines: list[_Line], gate: _Gate, place: int, best: int) -> list[str]:
    """The unknown inputs of the requirement, as far as they can change the grade."""
    if gate.hidden[place]:
        return gate.unknown[place] if best < gate.grade else []
    may_be_more = any(line.most[place] > 0 for line in lines)
    # Without any sign beside the fever it does not matter what may hide the fever.
    return gate.unknown[place] if may_be_more else gate.unknown[place][:1]


def _pick_texts(lines: list[_Line], gate: _Gate, grade: Grades) -> list[str | None]:
    """The sentence of the first line that has the grade; that of the requirement where no line has."""
    texts: list[str | None] = []
    for place, reached in enumerate(grade.tolist()):
        own = [line.text[place] for line in lines if line.least[place] == reached]
        texts.append((own or [gate.text])[0] if reached else None)
    return texts


def summarize_courses(graded: pl.DataFrame) -> pl.DataFrame:
    """Return the highest grade of each patient and the first day that has it, over the rows of the table.

    Returns
    -------
    DataFrame
        `patient_id`, `term`, `grade`, `grade_best`, `grade_worst`, `first_day` (the first day that has the
        grade for certain; a date where rows have dates), `rows`, `rows_not_judged`, `days_without_row`
        (between the first and the last row) and `reason`. The grade is judged where no row that is not judged
        could be higher.
    """
    has_days = graded["day"].null_count() < graded.height
    day = "day" if has_days else "date"
    number = pl.col("day") if has_days else pl.col("date").cast(pl.Int32)
    best, worst = pl.col("grade_best").max(), pl.col("grade_worst").max()
    is_judged = best == worst
    highest = (pl.col("grade_best") == best) & (best > 0)
    could = (pl.col("grade").is_null() & (pl.col("grade_worst") > best)).sum()
    return graded.group_by("patient_id", maintain_order=True).agg(
        pl.col("term").first(),
        pl.when(is_judged).then(best).alias("grade"),
        best.alias("grade_best"),
        worst.alias("grade_worst"),
        pl.when(is_judged).then(pl.col(day).filter(highest).min()).alias("first_day"),
        pl.len().alias("rows"),
        pl.col("grade").is_null().sum().alias("rows_not_judged"),
        (number.max() - number.min() + 1 - number.drop_nulls().n_unique()).alias("days_without_row"),
        pl.when(is_judged)
        .then(pl.lit(JUDGED))
        .otherwise(pl.format("{} of {} rows are not judged and could be higher", could, pl.len()))
        .alias("reason"),
    )
