"""ADLB: every laboratory value of the cohort, with baseline, limits of normal and toxicity grades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from cytopenia.adam_metadata import load_adam_table
from cytopenia.contract import Tables
from cytopenia.definition_forms import BaselineDefinition, GradesPart
from cytopenia.errors import DefinitionError
from cytopenia.grading.baseline import BASELINE_SCHEMA, derive_baseline
from cytopenia.grading.cuts import encode_ends, is_met
from cytopenia.grading.day_grid import Courses
from cytopenia.grading.grades import grade_labs
from cytopenia.study.adam_days import as_date, as_study_day
from cytopenia.units import load_analytes

__all__ = ["LabGrading", "frame_lab_rows", "mark_days"]

_KEY = ("patient_id", "analyte")
_OF_BASELINE = {"BNRIND": "ANRIND", "BTOXGR": "ATOXGR", "BTOXGRL": "ATOXGRL", "BTOXGRH": "ATOXGRH"}
_JUDGED = "judged"


@dataclass(frozen=True)
class LabGrading:
    """What grades the rows.

    Attributes
    ----------
    parts : mapping of address to GradesPart
        Of one definition, from `Library.find_value_parts`.
    removed : mapping of analyte to str
        From `Library.explain_removed`.
    baseline : BaselineDefinition
    """

    parts: Mapping[str, GradesPart]
    removed: Mapping[str, str]
    baseline: BaselineDefinition

    def pointing(self, *, low: bool) -> dict[str, GradesPart]:
        """Return the parts for low values, or for high ones."""
        return {name: part for name, part in self.parts.items() if part.lab_rules[0].is_sick_below is low}


def frame_lab_rows(
    tables: Tables, courses: Courses, labs: Mapping[str, pl.DataFrame], *, grading: LabGrading
) -> pl.DataFrame:
    """Return the variables of ADLB, and `patient_id`, in the order of patient, parameter, day and source.

    Parameters
    ----------
    tables : Tables
    courses : Courses
        The patients of the data set.
    labs : mapping of analyte to DataFrame
        From `index_labs`, for the baseline.
    grading : LabGrading

    Raises
    ------
    DefinitionError
        The definition has two terms for one direction of an analyte.
    """
    _require_one_part(grading)
    places = {name: number for number, name in enumerate(load_adam_table().parameters, 1)}
    rows = (
        tables.labs.filter(pl.col("analyte").is_in([*places]))
        .join(_list_courses(tables, courses), on="patient_id", how="inner", maintain_order="left")
        .with_columns(PARAMN=pl.col("analyte").replace_strict(places, return_dtype=pl.Int32))
    )
    rows = _add_values(_add_baseline(rows, labs, courses, grading.baseline))
    rows = _grade(_add_limits(rows), grading)
    rows = _add_baseline_marks(rows).sort(
        ["patient_id", "PARAMN", "day", "minute", "source_row"], nulls_last=True, maintain_order=True
    )
    return _name(mark_days(rows))


def _require_one_part(grading: LabGrading) -> None:
    for low in (True, False):
        analytes = [part.analyte for part in grading.pointing(low=low).values()]
        doubled = sorted({name for name in analytes if analytes.count(name) > 1})
        if doubled:
            raise DefinitionError(
                f"the definition has two terms for one direction of {', '.join(doubled)}; a row has one"
                " grade. Name another definition with --grades."
            )


def _list_courses(tables: Tables, courses: Courses) -> pl.DataFrame:
    first = tables.infusions.filter(pl.col("day") == 0).unique("patient_id", keep="first")
    days = pl.DataFrame({"patient_id": courses.patient_id, "last_day": courses.last_day_at_risk})
    return days.join(
        first.select("patient_id", "infusion_date"), on="patient_id", how="left", maintain_order="left"
    )


def _add_baseline(
    rows: pl.DataFrame,
    labs: Mapping[str, pl.DataFrame],
    courses: Courses,
    definition: BaselineDefinition,
) -> pl.DataFrame:
    """`baseline` as grades need it, its parts, and the row that it is."""
    found = [
        derive_baseline(labs, courses, analyte=analyte, definition=definition)
        for analyte in rows["analyte"].unique().sort()
    ]
    values = pl.concat([pl.DataFrame(schema=BASELINE_SCHEMA), *found]).select(
        *_KEY,
        pl.col("day").alias("base_day"),
        pl.col("value").alias("base_value"),
        pl.col("comparator").alias("base_comparator"),
        pl.col("source_row").alias("base_row"),
    )
    joined = rows.drop("baseline", strict=False).join(values, on=[*_KEY], how="left", maintain_order="left")
    is_it = (
        (pl.col("source_row") == pl.col("base_row"))
        & (pl.col("day") == pl.col("base_day"))
        & (pl.col("value") == pl.col("base_value"))
        & (pl.col("comparator") == pl.col("base_comparator"))
        & pl.col("invalid").is_null()
    ).fill_null(value=False)
    marked = joined.with_columns(
        is_baseline=is_it, baseline=pl.when(pl.col("base_comparator") == "=").then("base_value")
    )
    # One line of a file can give one analyte twice.
    first = pl.col("is_baseline") & (pl.col("is_baseline").cast(pl.Int32).cum_sum().over(_KEY) == 1)
    return marked.with_columns(is_baseline=first)


def _add_values(rows: pl.DataFrame) -> pl.DataFrame:
    """AVAL of a number, AVALC of a limit, and neither of a value that must not be judged."""
    valid = pl.col("invalid").is_null()
    is_number = pl.col("comparator") == "="
    after = pl.col("day") > pl.col("base_day")
    rows = rows.with_columns(
        AVAL=pl.when(valid & is_number).then("value"),
        AVALC=pl.when(valid & ~is_number).then(_print_limit("comparator", "value")),
        NOTUSED=pl.when(~valid).then("value"),
        NOTUSEDR=pl.col("invalid"),
        BASE=pl.col("baseline"),
        BASEC=pl.when(pl.col("base_comparator") != "=").then(_print_limit("base_comparator", "base_value")),
    )
    change = pl.when(after).then(pl.col("AVAL") - pl.col("BASE"))
    return rows.with_columns(
        CHG=change, PCHG=pl.when(pl.col("BASE") != 0).then(100 * change / pl.col("BASE"))
    )


def _print_limit(sign: str, value: str) -> pl.Expr:
    printed = pl.col(value).cast(pl.String).str.strip_suffix(".0")
    return pl.concat_str(sign, printed)


def _add_limits(rows: pl.DataFrame) -> pl.DataFrame:
    """ANRLO, ANRHI, and whether the value lies below, between or above them."""
    valid = (rows["invalid"].is_null() & rows["value"].is_not_null()).to_numpy()
    low, high = _ends_of(rows)
    lower, upper = (rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in ("lln", "uln"))
    is_low, is_high = is_met(high, "below", lower), is_met(low, "above", upper)
    is_between = is_met(low, "at_least", lower) & is_met(high, "at_most", upper)
    words = np.select([valid & is_low, valid & is_high, valid & is_between], ["LOW", "HIGH", "NORMAL"], "")
    return rows.with_columns(
        pl.col("lln").alias("ANRLO"),
        pl.col("uln").alias("ANRHI"),
        pl.Series("ANRIND", words, dtype=pl.String).replace("", None),
    )


def _ends_of(rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    value = rows["value"].fill_null(np.nan).to_numpy()
    return encode_ends(value, rows["comparator"].fill_null("=").to_numpy().astype(np.str_))


def _grade(rows: pl.DataFrame, grading: LabGrading) -> pl.DataFrame:
    """The grades of both directions and what they come to, as admiral does it: a low grade is negative."""
    for side, is_low in (("L", True), ("H", False)):
        graded = grade_labs(rows, grading.pointing(low=is_low), removed=grading.removed if is_low else {})
        rows = rows.with_columns(
            graded["term"].alias(f"ATOXDSC{side}"),
            graded["grade"].alias(f"grade_{side}"),
            graded["grade_worst"].alias(f"worst_{side}"),
            graded["grade_reason"].alias(f"reason_{side}"),
        )
    has_high = pl.col("ATOXDSCH").is_not_null()
    is_low_side = pl.col("ATOXDSCL").is_not_null() | ~has_high
    rows = rows.with_columns(
        ATOXGRL=pl.col("grade_L").cast(pl.String),
        ATOXGRH=pl.col("grade_H").cast(pl.String),
        ATOXGR=_join_grades(),
        ATOXWRST=_join_worst(),
    )
    is_bound = pl.col("ATOXGR").is_not_null() & pl.col("ATOXWRST").is_not_null()
    unjudged_high = has_high & pl.col("grade_H").is_null()
    reason = (
        pl.when(is_low_side & ((pl.col("reason_L") != _JUDGED) | ~unjudged_high))
        .then("reason_L")
        .otherwise("reason_H")
    )
    return rows.with_columns(
        ATOXLBFL=pl.when(is_bound).then(pl.lit("Y")),
        ATOXREAS=pl.when(pl.col("ATOXGR").is_null() | is_bound).then(reason),
    )


def _join_grades() -> pl.Expr:
    """Low above 0, else high above 0, else 0 where each direction that has a term is 0."""
    low, high = pl.col("grade_L"), pl.col("grade_H")
    is_zero = [
        pl.col(f"ATOXDSC{side}").is_null() | (pl.col(f"grade_{side}") == 0).fill_null(value=False)
        for side in ("L", "H")
    ]
    has_term = pl.col("ATOXDSCL").is_not_null() | pl.col("ATOXDSCH").is_not_null()
    return (
        pl.when(low > 0)
        .then(pl.concat_str(pl.lit("-"), low.cast(pl.String)))
        .when(high > 0)
        .then(high.cast(pl.String))
        .when(has_term & is_zero[0] & is_zero[1])
        .then(pl.lit("0"))
    )


def _join_worst() -> pl.Expr:
    """The worst grade of the direction that is open, signed; null where nothing is open."""
    is_open = {
        side: pl.col(f"worst_{side}").is_not_null()
        & pl.col(f"worst_{side}").ne_missing(pl.col(f"grade_{side}"))
        for side in ("L", "H")
    }
    return (
        pl.when(is_open["L"])
        .then(pl.concat_str(pl.lit("-"), pl.col("worst_L").cast(pl.String)))
        .when(is_open["H"])
        .then(pl.col("worst_H").cast(pl.String))
    )


def _add_baseline_marks(rows: pl.DataFrame) -> pl.DataFrame:
    """What the baseline record says, on every record of the subject and parameter."""
    base = rows.filter("is_baseline").select(
        *_KEY, *(pl.col(now).alias(before) for before, now in _OF_BASELINE.items())
    )
    return rows.join(base, on=[*_KEY], how="left", maintain_order="left")


def mark_days(rows: pl.DataFrame) -> pl.DataFrame:
    """Mark the record that stands for its day: `ANL01FL`.

    Of the valid values of a patient, analyte and day that belong to the course (up to `last_day`) the worst;
    of equal ones the first of the source.
    """
    table = rows.with_row_index("_place")
    used = table.filter(
        pl.col("invalid").is_null()
        & pl.col("value").is_not_null()
        & (pl.col("day") <= pl.col("last_day")).fill_null(value=False)
    )
    low, high = _ends_of(used)
    falls = [name for name, one in load_analytes().items() if one.direction_of_harm == "low"]
    is_fall = pl.col("analyte").is_in(falls)
    first = (
        used.with_columns(_low=pl.Series(low), _high=pl.Series(high))
        .with_columns(
            _one=pl.when(is_fall).then("_high").otherwise(-pl.col("_low")),
            _two=pl.when(is_fall).then("_low").otherwise(-pl.col("_high")),
        )
        .sort(["_one", "_two", "source_row", "_place"])
        .unique([*_KEY, "day"], keep="first", maintain_order=True)
    )
    return table.with_columns(
        ANL01FL=pl.when(pl.col("_place").is_in(first["_place"].implode())).then(pl.lit("Y"))
    ).drop("_place")


def _name(rows: pl.DataFrame) -> pl.DataFrame:
    parameters = load_adam_table().parameters
    day, zero = pl.col("day"), pl.col("infusion_date")
    date = as_date(day, zero=zero)
    is_on = (day >= 0) & (day <= pl.col("last_day"))
    flag = pl.lit("Y")
    return rows.select(
        "patient_id",
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("patient_id").alias("ASEQ"),
        zero.alias("TRTSDT"),
        pl.col("analyte")
        .replace_strict({name: one.text for name, one in parameters.items()}, return_dtype=pl.String)
        .alias("PARAM"),
        pl.col("analyte")
        .replace_strict({name: one.code for name, one in parameters.items()}, return_dtype=pl.String)
        .alias("PARAMCD"),
        "PARAMN",
        date.alias("ADT"),
        (date.cast(pl.Datetime("us")) + pl.duration(minutes=pl.col("minute"))).alias("ADTM"),
        as_study_day(day).alias("ADY"),
        *("AVAL", "AVALC", "NOTUSED", "NOTUSEDR"),
        pl.when("is_baseline").then(flag).alias("ABLFL"),
        *("BASE", "BASEC", "CHG", "PCHG", "ANRLO", "ANRHI", "ANRIND", "BNRIND"),
        *("ATOXDSCL", "ATOXDSCH", "ATOXGR", "ATOXGRL", "ATOXGRH", "ATOXLBFL", "ATOXWRST", "ATOXREAS"),
        *("BTOXGR", "BTOXGRL", "BTOXGRH"),
        pl.when(is_on).then(flag).alias("ONTRTFL"),
        "ANL01FL",
        pl.col("source_row").alias("SRCROW"),
    )
