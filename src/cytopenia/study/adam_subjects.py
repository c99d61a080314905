"""ADSL: one row per subject of the cohort, with what is known and nothing else."""

from __future__ import annotations

import polars as pl

from cytopenia.adam_metadata import load_adam_table
from cytopenia.contract import Tables
from cytopenia.errors import DataError
from cytopenia.grading.day_grid import Courses
from cytopenia.study.adam_days import as_date, as_study_day

__all__ = ["count_unread_sexes", "frame_subjects", "list_numbered"]

# Variables of DM or ADSL that a source may bring as columns of the patients.
_TAKEN = ("SUBJID", "SITEID", "RACE", "ETHNIC", "ARM", "ACTARM", "TRT01P", "TRT01A")
_DAYS = {
    "LDSTDY": "lymphodepletion_day",
    "TR02SDY": "second_infusion_day",
    "DTHADY": "death_day",
    "LSTALVDY": "last_contact_day",
}


def frame_subjects(tables: Tables, courses: Courses, *, study_id: str | None) -> pl.DataFrame:
    """Return the variables of ADSL, and `patient_id`.

    Parameters
    ----------
    tables : Tables
        Of the cohort.
    courses : Courses
        One row each, in their order.
    study_id : str, optional
        STUDYID, where the patients have no such column.

    Raises
    ------
    DataError
        The study has no identifier, or more than one.
    """
    subjects = pl.DataFrame({"patient_id": courses.patient_id, **_lay_out_days(courses)})
    patients = tables.patients.unique("patient_id", keep="first", maintain_order=True)
    first = tables.infusions.filter(pl.col("day") == 0).unique("patient_id", keep="first")
    dates = first.select("patient_id", TRTSDT=pl.col("infusion_date"), _product=_column(first, "product"))
    rows = subjects.join(dates, on="patient_id", how="left", maintain_order="left").join(
        patients.select(pl.col("patient_id"), *_describe(patients)),
        on="patient_id",
        how="left",
        maintain_order="left",
    )
    died = pl.col("death_day").is_not_null()
    return rows.select(
        "patient_id",
        pl.lit(_choose_study_id(patients, study_id)).alias("STUDYID"),
        pl.col("patient_id").alias("USUBJID"),
        pl.coalesce("SUBJID", "patient_id").alias("SUBJID"),
        *("SITEID", "AGE", "AGEU", "SEX", "RACE", "ETHNIC", "ARM", "ACTARM", "TRT01P"),
        pl.coalesce("TRT01A", "_product").alias("TRT01A"),
        pl.lit("Y").alias("SAFFL"),
        "TRTSDT",
        *(as_study_day(pl.col(day)).alias(name) for name, day in _DAYS.items()),
        pl.when(died).then(pl.lit("Y")).alias("DTHFL"),
        as_date(pl.col("death_day"), zero=pl.col("TRTSDT")).alias("DTHDT"),
    )


def count_unread_sexes(tables: Tables) -> int:
    """Return how many patients have a sex that is no word of the table."""
    words = _words(tables.patients, "sex", "SEX")
    read = tables.patients.select(word=words, code=_read_sex(words))
    return read.filter(pl.col("word").is_not_null() & pl.col("code").is_null()).height


def list_numbered(tables: Tables) -> list[str]:
    """Return the variables of the source that were read as numbers: zeros in front of them may be lost."""
    return [name for name in _TAKEN if tables.patients.schema.get(name, pl.String) != pl.String]


def _lay_out_days(courses: Courses) -> dict[str, pl.Series]:
    return {
        day: pl.Series(getattr(courses, day)).fill_nan(None).cast(pl.Int32)
        for day in ("lymphodepletion_day", "second_infusion_day", "death_day", "last_contact_day")
    }


def _describe(patients: pl.DataFrame) -> list[pl.Expr]:
    age = _column(patients, "age_years").cast(pl.Float64)
    return [
        *(_words(patients, name).alias(name) for name in _TAKEN),
        age.alias("AGE"),
        pl.when(age.is_not_null()).then(pl.lit("YEARS")).alias("AGEU"),
        _read_sex(_words(patients, "sex", "SEX")).alias("SEX"),
    ]


def _column(frame: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name) if name in frame.columns else pl.lit(None)


def _words(frame: pl.DataFrame, *names: str) -> pl.Expr:
    """The first of the columns that the table has as text; numbers have lost the zeros in front of them."""
    for name in names:
        if frame.schema.get(name) == pl.String:
            return pl.col(name)
    return pl.lit(None, dtype=pl.String)


def _read_sex(words: pl.Expr) -> pl.Expr:
    folded = words.str.strip_chars().str.to_lowercase()
    return folded.replace_strict(load_adam_table().sex, default=None, return_dtype=pl.String)


def _choose_study_id(patients: pl.DataFrame, study_id: str | None) -> str:
    if study_id is not None and study_id.strip():
        return study_id.strip()
    told = patients.select(_words(patients, "STUDYID")).to_series().drop_nulls().unique().to_list()
    if len(told) == 1:
        return str(told[0])
    why = f"the patients have {len(told)}" if told else "the patients have no column STUDYID with words"
    raise DataError(
        f"ADaM data sets need one study identifier, and {why}. Give it to the command: --study-id ABC-123."
    )
