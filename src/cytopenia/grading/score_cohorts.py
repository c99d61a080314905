"""Scores of a cohort from its tables: the last valid values before lymphodepletion, or those of one day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from cytopenia.contract import Finding, Tables, collect_findings
from cytopenia.contract.lab_account import IMPLAUSIBLE, UNIT_MISSING, UNKNOWN_UNIT
from cytopenia.definition_forms import BaselineDefinition, ModelDefinition, ScoreDefinition, ScoreInput
from cytopenia.definitions import load_library
from cytopenia.errors import DataError
from cytopenia.grading.baseline import derive_baseline, note_lymphodepletion_day
from cytopenia.grading.day_grid import Courses, index_labs, lay_out_courses
from cytopenia.grading.score_frames import SCORE_VALUE_SCHEMA, Scores
from cytopenia.grading.score_tables import RiskOptions, score_values
from cytopenia.values import AMBIGUOUS, NEGATIVE, NOT_A_NUMBER

__all__ = ["collect_inputs", "collect_values", "place_start", "score_patients"]

_NO_START = "missing: the day of lymphodepletion is not known"
_TOLD = (UNIT_MISSING, UNKNOWN_UNIT, IMPLAUSIBLE, AMBIGUOUS, NEGATIVE, NOT_A_NUMBER)


def score_patients(
    tables: Tables,
    score: str,
    *,
    lymphodepletion_day: int | None = None,
    risk: RiskOptions | None = None,
    folder: Path | str | None = None,
) -> Scores:
    """Return a score of every patient with an infusion, and the items it rests on.

    Parameters
    ----------
    tables : Tables
        From `read_tables` or `prepare_tables`.
    score : str
        Id of a definition of kind points, ratio or model: "car_hematotox", "easix", "eipm_pre".
    lymphodepletion_day : int, optional
        First day of lymphodepletion of patients whose infusion does not say it: -5.
    risk : RiskOptions, optional
        Coefficients and categories of a model.
    folder : path, optional
        Folder of a study whose `definitions/` are used as well.

    Returns
    -------
    Scores
        One row per patient. A missing item leaves `policy` null and gives `best` and `worst`; the risk group
        is given only if every completion agrees.

    Raises
    ------
    DefinitionError
        The score is unknown.
    DataError
        A value before lymphodepletion is needed and its day is not known for anybody.

    Notes
    -----
    Each item is the last valid value from 14 days before lymphodepletion up to its first day (see the
    definition `baseline`), or that of the one day the definition names. Units are converted; a value without
    a unit is not judged.

    Examples
    --------
    >>> from cytopenia.contract import prepare_tables
    >>> labs = pl.DataFrame(
    ...     {
    ...         "patient_id": ["1", "1"],
    ...         "day": [-6, -6],
    ...         "analyte": ["PLT", "Ferritin"],
    ...         "value": ["60", ">2000"],
    ...         "unit": ["G/L", "ng/mL"],
    ...     }
    ... )
    >>> found = score_patients(prepare_tables({"labs": labs}), "car_hematotox", lymphodepletion_day=-5)
    >>> found.scores.select("policy", "best", "worst", "group").row(0)
    (None, 4.0, 7.0, 'high')
    """
    library = load_library(folder)
    definition = library.find_score(score)
    courses = place_start(lay_out_courses(tables), lymphodepletion_day)
    _require_start(definition, courses)
    values, findings = collect_values(definition, tables.labs, courses, baseline=library.baseline)
    options = risk or RiskOptions()
    categories = _gather_categories(definition, tables.patients, courses, options.categories or {})
    scores, items = score_values(definition, values, courses.patient_id, risk=options, categories=categories)
    return Scores(definition, scores, items, collect_findings(findings))


def collect_values(
    definition: ScoreDefinition, labs: pl.DataFrame, courses: Courses, *, baseline: BaselineDefinition
) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the value of every patient and input, and findings on those whose order is not certain.

    Returns
    -------
    DataFrame
        Columns of `SCORE_VALUE_SCHEMA`; a patient without a valid value has none, and in `problem` why, where
        the laboratory rows say it.
    list of Finding
        Values from the day of lymphodepletion.
    """
    return collect_inputs(definition.inputs_needed, labs, courses, baseline=baseline)


def collect_inputs(
    inputs: Sequence[ScoreInput], labs: pl.DataFrame, courses: Courses, *, baseline: BaselineDefinition
) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the value of every patient and of each of some inputs; see `collect_values`."""
    judged = index_labs(labs, courses)
    frames: list[pl.DataFrame] = []
    findings: list[Finding] = []
    for item in inputs:
        placed, window = _place(item, courses, baseline)
        found = derive_baseline(judged, placed, analyte=item.analyte, definition=window)
        unjudged = _explain_missing(item, labs, placed, days_before=window.days_before)
        without = unjudged.join(found, on="patient_id", how="anti", maintain_order="left")
        frames.append(pl.concat([found, without], how="diagonal").with_columns(analyte=pl.lit(item.analyte)))
        if item.day is None:
            findings += note_lymphodepletion_day(found, item.analyte)
    rows = pl.concat(frames, how="diagonal")
    return rows.select(pl.col(name).cast(dtype) for name, dtype in SCORE_VALUE_SCHEMA.items()), findings


def place_start(courses: Courses, lymphodepletion_day: int | None) -> Courses:
    """Return courses whose unknown day of lymphodepletion is the stated one, if one is."""
    if lymphodepletion_day is None:
        return courses
    known = np.nan_to_num(courses.lymphodepletion_day, nan=float(lymphodepletion_day))
    return replace(courses, lymphodepletion_day=known)


def _place(
    item: ScoreInput, courses: Courses, baseline: BaselineDefinition
) -> tuple[Courses, BaselineDefinition]:
    """Courses and window of an input: before lymphodepletion, or one day as a window of its own."""
    if item.day is None:
        return courses, baseline
    day = np.full(len(courses), float(item.day))
    return replace(courses, lymphodepletion_day=day), baseline.model_copy(update={"days_before": 0})


def _explain_missing(
    item: ScoreInput, labs: pl.DataFrame, courses: Courses, *, days_before: int
) -> pl.DataFrame:
    """Why the last row of a patient's window was not judged; and who has no window."""
    start = pl.DataFrame({"patient_id": courses.patient_id, "start": courses.lymphodepletion_day})
    no_start = start.filter(pl.col("start").is_nan()).select("patient_id", pl.lit(_NO_START).alias("problem"))
    last = (
        labs.filter((pl.col("analyte") == item.analyte) & pl.col("invalid").is_in(_TOLD))
        .join(start, on="patient_id")
        .filter(pl.col("day").is_between(pl.col("start") - days_before, pl.col("start")))
        .sort("day", "source_row", descending=[True, False])
        .unique("patient_id", keep="first", maintain_order=True)
    )
    why = last.select("patient_id", pl.format("not judged: {}", "invalid").alias("problem"))
    return pl.concat([no_start, why])


def _require_start(definition: ScoreDefinition, courses: Courses) -> None:
    needs_start = any(item.day is None for item in definition.inputs_needed)
    if needs_start and len(courses) and np.isnan(courses.lymphodepletion_day).all():
        raise DataError(
            f"'{definition.id}' needs the last values before lymphodepletion, and its first day is not known."
            " Give lymphodepletion_day in an infusions table, or one day for all: lymphodepletion_day = -5"
            " (--lymphodepletion-day -5)."
        )


def _gather_categories(
    definition: ScoreDefinition, patients: pl.DataFrame, courses: Courses, stated: Mapping[str, str]
) -> pl.DataFrame | None:
    """The categories of a model: a column of the patients table, else the one stated for everybody."""
    if not isinstance(definition, ModelDefinition):
        return None
    names = [name for name in definition.categories if name in patients.columns]
    known = patients.select("patient_id", *(pl.col(name).cast(pl.String) for name in names))
    everyone = pl.DataFrame({"patient_id": courses.patient_id})
    joined = everyone.join(known.unique("patient_id"), on="patient_id", how="left", maintain_order="left")
    return joined.with_columns(_fill_stated(definition, joined, stated))


def _fill_stated(
    definition: ModelDefinition, joined: pl.DataFrame, stated: Mapping[str, str]
) -> Iterator[pl.Expr]:
    for name in definition.categories:
        given = pl.lit(stated.get(name), dtype=pl.String)
        yield (pl.col(name).fill_null(given) if name in joined.columns else given).alias(name)
