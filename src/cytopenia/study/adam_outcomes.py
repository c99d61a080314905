"""ADOUTC and ADTTE: the outcomes of a study, and the times to recovery, one row per subject and outcome."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import polars as pl

from cytopenia.adam_metadata import load_adam_table
from cytopenia.grading.day_grid import Courses
from cytopenia.study.adam_days import as_date, as_study_day
from cytopenia.study.plan import Plan
from cytopenia.study.time_to_recovery import KINDS, find_recovery_times

__all__ = ["code_outcomes", "frame_outcome_rows", "frame_recovery_times"]

_CODE_LETTERS = 8
_COUNTS = {
    "NDYMEAS": "days_measured",
    "NDYSHORT": "days_short_gap",
    "NDYOPEN": "days_open",
    "NDYFILL": "days_filled",
    "NDYBRIDG": "days_bridged",
    "LONGGAP": "longest_gap_days",
}
_CENSORED, _EVENT, _COMPETING = 1, 0, 2


def code_outcomes(names: Sequence[str]) -> dict[str, str]:
    """Return a PARAMCD of at most eight letters for each name, each another.

    Examples
    --------
    >>> code_outcomes(["severe_anemia", "severe_anemia_late", "28_days"])
    {'severe_anemia': 'SEVEREAN', 'severe_anemia_late': 'SEVERE02', '28_days': 'O28DAYS'}
    """
    codes: dict[str, str] = {}
    for name in names:
        letters = re.sub(r"[^A-Z0-9]", "", name.upper()) or "O"
        whole = letters if letters[0].isalpha() else f"O{letters}"
        code, number = whole[:_CODE_LETTERS], 1
        while code in codes.values():
            number += 1
            code = f"{whole[: _CODE_LETTERS - 2]}{number:02d}"
        codes[name] = code
    return codes


def frame_outcome_rows(
    outcomes: pl.DataFrame, plan: Plan, subjects: pl.DataFrame, *, support_complete: bool
) -> pl.DataFrame:
    """Return the variables of ADOUTC, and `patient_id`.

    Parameters
    ----------
    outcomes : DataFrame
        Every outcome in its final form, from `derive_all`.
    plan : Plan
    subjects : DataFrame
        `patient_id` and `TRTSDT` of each subject, in the order of the data set.
    support_complete : bool
        Whether a recovery may be called one.
    """
    names = [*plan.specs, *(nadir.outcome for nadir in plan.nadirs)]
    known = pl.DataFrame(
        {
            "outcome": names,
            "PARAM": _entitle(names, plan, support_complete=support_complete),
            "PARAMCD": [*code_outcomes(names).values()],
            "PARAMN": range(1, len(names) + 1),
        },
        schema={"outcome": pl.String, "PARAM": pl.String, "PARAMCD": pl.String, "PARAMN": pl.Int32},
    )
    rows = (
        subjects.select("patient_id", "TRTSDT")
        .with_row_index("_subject")
        .join(outcomes, on="patient_id", how="inner")
        .join(known, on="outcome", how="inner")
        .sort("_subject", "PARAMN")
    )
    zero = pl.col("TRTSDT")
    return rows.select(
        "patient_id",
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("patient_id").alias("ASEQ"),
        *("TRTSDT", "PARAM", "PARAMCD", "PARAMN"),
        pl.col("outcome").alias("OUTCOME"),
        _finite("policy").alias("AVAL"),
        *_label(plan),
        _finite("best").alias("AVALBEST"),
        _finite("worst").alias("AVALWRST"),
        pl.col("possible_labels").alias("POSSIBLE"),
        pl.when("decided").then(pl.lit("Y")).alias("DECIDFL"),
        pl.col("evidence").alias("EVIDENCE"),
        pl.col("reason").replace("", None).alias("REASON"),
        pl.col("rule").alias("RULE"),
        as_date(pl.col("first_day"), zero=zero).alias("ASTDT"),
        as_study_day(pl.col("first_day")).alias("ASTDY"),
        as_date(pl.col("last_day"), zero=zero).alias("AENDT"),
        as_study_day(pl.col("last_day")).alias("AENDY"),
        *(pl.col(column).alias(name) for name, column in _COUNTS.items()),
    )


def _finite(column: str) -> pl.Expr:
    """A day of recovery that never came is infinite in the kernel; a transport file has no such number."""
    return pl.when(pl.col(column).is_finite()).then(column)


def _label(plan: Plan) -> tuple[pl.Expr, pl.Expr]:
    """AVALC where word and number are one to one, AVALCAT1 of a recovery, where words share a number."""
    is_recovery = pl.col("outcome").is_in([one.outcome for one in (*plan.recoveries, *plan.recovery_times)])
    return (
        pl.when(~is_recovery).then("label").alias("AVALC"),
        pl.when(is_recovery).then("label").alias("AVALCAT1"),
    )


def _entitle(names: Sequence[str], plan: Plan, *, support_complete: bool) -> list[str]:
    """Titles with the unit of AVAL; two outcomes of one title are told apart by their names."""
    units = {nadir.outcome: load_adam_table().parameters[nadir.analyte].unit for nadir in plan.nadirs}
    units |= {timed.outcome: "days from the infusion" for timed in plan.recovery_times}
    titles = [plan.title(name, support_complete=support_complete) for name in names]
    told = [
        title if titles.count(title) == 1 else f"{title} [{name}]"
        for name, title in zip(names, titles, strict=True)
    ]
    return [
        f"{title} ({units[name]})" if name in units else title
        for name, title in zip(names, told, strict=True)
    ]


def frame_recovery_times(
    outcomes: pl.DataFrame, rows: pl.DataFrame, plan: Plan, *, courses: Courses
) -> pl.DataFrame:
    """Return the variables of ADTTE, and `patient_id`; no rows where no outcome is a day of recovery.

    Parameters
    ----------
    outcomes : DataFrame
        As for `frame_outcome_rows`.
    rows : DataFrame
        From `frame_outcome_rows`.
    plan : Plan
    courses : Courses
    """
    parts = [*_list_times(outcomes, plan, courses)]
    schema = {"patient_id": pl.String, "OUTCOME": pl.String, "day": pl.Float64, "CNSR": pl.Int32}
    times = pl.concat([pl.DataFrame(schema=schema), *parts])
    words = {int(code): word for code, word in load_adam_table().codelists["CNSR"].terms.items()}
    joined = rows.select("patient_id", "OUTCOME", "TRTSDT", "PARAM", "PARAMCD", "ASEQ").join(
        times, on=["patient_id", "OUTCOME"], how="inner", maintain_order="left"
    )
    day = pl.col("day").cast(pl.Int32)
    return joined.select(
        "patient_id",
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("patient_id").alias("ASEQ"),
        *("PARAM", "PARAMCD"),
        pl.col("day").alias("AVAL"),
        pl.col("TRTSDT").alias("STARTDT"),
        as_date(day, zero=pl.col("TRTSDT")).alias("ADT"),
        as_study_day(day).alias("ADY"),
        "CNSR",
        pl.col("CNSR").replace_strict(words, return_dtype=pl.String).alias("EVNTDESC"),
        pl.lit("ADOUTC").alias("SRCDOM"),
        pl.lit("AVAL").alias("SRCVAR"),
        pl.col("ASEQ").alias("SRCSEQ"),
    )


def _list_times(outcomes: pl.DataFrame, plan: Plan, courses: Courses) -> Iterator[pl.DataFrame]:
    patients = pl.DataFrame({"patient_id": courses.patient_id})
    codes = {0: _CENSORED, KINDS["recovery"]: _EVENT, KINDS["death"]: _COMPETING}
    for timed in plan.recovery_times:
        frame = patients.join(
            outcomes.filter(pl.col("outcome") == timed.outcome),
            on="patient_id",
            how="left",
            maintain_order="left",
        )
        found = find_recovery_times(frame, "policy", death_day=courses.death_day, first_day=timed.days[0])
        yield pl.DataFrame(
            {
                "patient_id": frame["patient_id"].filter(pl.Series(found.is_in)),
                "OUTCOME": pl.Series([timed.outcome] * found.time.size, dtype=pl.String),
                "day": found.time,
                "CNSR": [codes[event] for event in found.event.tolist()],
            },
            schema_overrides={"CNSR": pl.Int32, "day": pl.Float64},
        )
