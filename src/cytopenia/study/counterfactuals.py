"""Copies of one patient with one thing changed each, and what the kernel says of every copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from cytopenia.contract import Tables
from cytopenia.definition_forms import BaselineDefinition, BoundsDefinition
from cytopenia.grading.explain import Measurement
from cytopenia.study.derived import derive_all
from cytopenia.study.outcomes import CohortOutcomes, derive_outcomes
from cytopenia.study.plan import Plan

__all__ = ["Edit", "Kernel", "keep_patient"]

Row = Mapping[str, Any]

# A value that nobody measured stands in no row of a file; the first row of a file is its header.
_NO_ROW = 0
# What tells one measurement of a patient from all others: a row of a file can hold many.
_MEASUREMENT = ("analyte", "day", "source_row", "value", "comparator")
# Laboratory rows of all copies that are held at once.
_MOST_ROWS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What a copy of the patient has differently.

    Attributes
    ----------
    values : tuple of (analyte, day, value)
        In canonical units; they replace whatever was measured of the analyte on the day.
    without : tuple of Measurement
        What the copy does not have; of a row of the file only that value.
    without_support : tuple of str
        Kinds of support that the copy did not receive.
    stops : tuple of (kind, start, agent, stop)
        Last days of support for which the patient has none.
    """

    values: tuple[tuple[str, int, float], ...] = ()
    without: tuple[Measurement, ...] = ()
    without_support: tuple[str, ...] = ()
    stops: tuple[tuple[str, int, str | None, int], ...] = ()


@dataclass(frozen=True)
class Kernel:
    """The kernel of a study with all its settings, to be asked about one patient."""

    plan: Plan
    bounds: BoundsDefinition
    use_caps: bool
    baseline: BaselineDefinition

    def run(self, tables: Tables, *, anything: bool = False) -> tuple[CohortOutcomes, pl.DataFrame]:
        """Return what a run of the study finds in these tables, and the outcomes in their final form.

        With `anything` every unmeasured day could have been anything.
        """
        cohort = derive_outcomes(
            tables,
            self.plan,
            bounds=self.bounds.without_neighbors() if anything else self.bounds,
            use_caps=self.use_caps,
            baseline=self.baseline,
        )
        return cohort, derive_all(cohort, self.plan, self.baseline)

    def ask(self, tables: Tables, edits: Sequence[Edit], *, outcome: str) -> list[Row]:
        """Return, for each edit, the row of one outcome of the edited patient.

        Parameters
        ----------
        tables : Tables
            Of one patient; see `keep_patient`.
        edits : sequence of Edit
        outcome : str
            Nothing else is computed.
        """
        if not edits:
            return []
        kernel = replace(self, plan=_keep_outcome(self.plan, outcome))
        needed = _keep_labs(tables, kernel)
        size = max(_MOST_ROWS // max(needed.labs.height, 1), 1)
        return [
            row
            for start in range(0, len(edits), size)
            for row in kernel._ask_at_once(needed, edits[start : start + size], outcome)
        ]

    def _ask_at_once(self, tables: Tables, edits: Sequence[Edit], outcome: str) -> list[Row]:
        _, outcomes = self.run(_copy(tables, edits))
        rows = outcomes.filter(pl.col("outcome") == outcome).iter_rows(named=True)
        answers = {row["patient_id"]: row for row in rows}
        return [answers[_name_copy(place)] for place in range(len(edits))]


def keep_patient(tables: Tables, patient_id: str) -> Tables:
    """Return the tables with the rows of one patient alone."""
    names = ("patients", "infusions", "labs", "support", "events", "responses")
    kept = {name: getattr(tables, name).filter(pl.col("patient_id") == patient_id) for name in names}
    return replace(tables, **kept)


def _keep_outcome(plan: Plan, outcome: str) -> Plan:
    """The plan of one outcome, or of a combination and its parts, over the same days of each analyte."""
    names = (outcome, *plan.specs[outcome].any_of)
    grades = tuple(
        replace(grade, outcomes=kept)
        for grade in plan.grades
        if (kept := tuple(name for name in grade.outcomes if name in names))
    )
    others = {
        kind: tuple(item for item in getattr(plan, kind) if item.outcome in names)
        for kind in ("recoveries", "fevers", "phenotypes", "recovery_times")
    }
    analytes = {grade.part.analyte for grade in grades}
    analytes |= {item.definition.analyte for item in others["phenotypes"]}
    analytes |= {item.definition.count.analyte for item in others["fevers"]}
    for recovery in (*others["recoveries"], *others["recovery_times"]):
        analytes |= {criterion.analyte for criterion in recovery.definition.all_of}
    return replace(
        plan,
        grades=grades,
        nadirs=(),
        combinations=tuple(name for name in plan.combinations if name == outcome),
        specs={name: spec for name, spec in plan.specs.items() if name in names},
        days={name: days for name, days in plan.days.items() if name in analytes},
        **others,
    )


def _keep_labs(tables: Tables, kernel: Kernel) -> Tables:
    """The values that the outcomes look at; a day of recovery also asks when anything was last measured."""
    plan, caps = kernel.plan, kernel.bounds.cap
    wanted = {*plan.days, *(caps[name] for name in plan.days if name in caps)}
    wanted |= {fever.definition.temperature for fever in plan.fevers}
    is_wanted = pl.col("analyte").is_in(wanted)
    labs = tables.labs.filter(is_wanted)
    if plan.recovery_times:
        is_judged = pl.col("invalid").is_null() & pl.col("value").is_not_null()
        others = tables.labs.filter(~is_wanted & is_judged)
        labs = pl.concat([labs, others.unique("day", keep="first", maintain_order=True)])
    return replace(tables, labs=labs)


def _name_copy(place: int) -> str:
    return f"{place:06d}"


def _copy(tables: Tables, edits: Sequence[Edit]) -> Tables:
    """One copy of the only patient per edit; its id is the place of the edit."""
    copies = pl.DataFrame({"copy": [_name_copy(place) for place in range(len(edits))]})
    names = ("patients", "infusions", "labs", "support", "events")
    frames = {name: _repeat(getattr(tables, name), copies) for name in names}
    return replace(
        tables,
        **frames
        | {
            "labs": _edit_labs(frames["labs"], tables.labs, edits),
            "support": _edit_support(frames["support"], edits),
        },
    )


def _repeat(frame: pl.DataFrame, copies: pl.DataFrame) -> pl.DataFrame:
    crossed = frame.join(copies, how="cross")
    return crossed.with_columns(pl.col("copy").alias("patient_id")).select(frame.columns)


def _edit_labs(labs: pl.DataFrame, own: pl.DataFrame, edits: Sequence[Edit]) -> pl.DataFrame:
    added = _list_values(edits, own)
    replaced = added.select("patient_id", "analyte", "day")
    removed = pl.DataFrame(
        [
            (_name_copy(place), *(getattr(item, name) for name in _MEASUREMENT))
            for place, edit in enumerate(edits)
            for item in edit.without
        ],
        schema={"patient_id": pl.String, **{name: labs.schema[name] for name in _MEASUREMENT}},
        orient="row",
    )
    kept = labs.join(replaced, on=replaced.columns, how="anti").join(removed, on=removed.columns, how="anti")
    return pl.concat([kept, added.select(labs.columns)])


def _list_values(edits: Sequence[Edit], own: pl.DataFrame) -> pl.DataFrame:
    """The rows of the values that nobody measured, with the limit of normal of the nearest measurement."""
    rows = [(_name_copy(place), *value) for place, edit in enumerate(edits) for value in edit.values]
    schema = {"patient_id": pl.String, "analyte": pl.String, "day": pl.Int32, "value": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.lit("=").alias("comparator"), pl.lit(_NO_ROW).alias("source_row")
    )
    limits = own.filter(pl.col("lln").is_not_null() & pl.col("day").is_not_null())
    nearest = (
        limits.sort("day", "source_row")
        .select("analyte", "day", "lln")
        .unique(["analyte", "day"], keep="first")
    )
    frame = frame.sort("day").join_asof(
        nearest.sort("day"), on="day", by="analyte", strategy="nearest", check_sortedness=False
    )
    absent = [pl.lit(None).alias(name) for name in own.columns if name not in frame.columns]
    return frame.with_columns(absent).select(pl.col(name).cast(dtype) for name, dtype in own.schema.items())


def _edit_support(support: pl.DataFrame, edits: Sequence[Edit]) -> pl.DataFrame:
    removed = pl.DataFrame(
        [(_name_copy(place), kind) for place, edit in enumerate(edits) for kind in edit.without_support],
        schema={"patient_id": pl.String, "kind": pl.String},
        orient="row",
    )
    kept = support.join(removed, on=removed.columns, how="anti")
    if not any(edit.stops for edit in edits):
        return kept
    stops = pl.DataFrame(
        [(_name_copy(place), *stop) for place, edit in enumerate(edits) for stop in edit.stops],
        schema={
            "patient_id": pl.String,
            "kind": pl.String,
            "start": support.schema["start"],
            "agent": pl.String,
            "given_stop": support.schema["stop"],
        },
        orient="row",
    )
    key = ["patient_id", "kind", "start", "agent"]
    filled = kept.join(stops, on=key, how="left", nulls_equal=True, maintain_order="left")
    return filled.with_columns(pl.coalesce("stop", "given_stop").alias("stop")).select(support.columns)
