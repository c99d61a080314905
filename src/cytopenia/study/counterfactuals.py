"""Copies of one patient with one thing changed each, and what the kernel says of every copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from cytopenia.contract import Tables
from cytopenia.definition_forms import BaselineDefinition, BoundsDefinition
from cytopenia.study.derived import derive_all
from cytopenia.study.outcomes import CohortOutcomes, derive_outcomes
from cytopenia.study.plan import Plan

__all__ = ["Edit", "Kernel", "keep_patient"]

Row = Mapping[str, Any]

# A value that nobody measured stands in no row of a file; the first row of a file is its header.
_NO_ROW = 0


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What a copy of the patient has differently.

    Attributes
    ----------
    values : tuple of (analyte, day, value)
        In canonical units; they replace whatever was measured of the analyte on the day.
    without_rows : tuple of (analyte, source row)
        Measurements that the copy does not have.
    without_support : tuple of str
        Kinds of support that the copy did not receive.
    """

    values: tuple[tuple[str, int, float], ...] = ()
    without_rows: tuple[tuple[str, int], ...] = ()
    without_support: tuple[str, ...] = ()


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

    def ask(self, tables: Tables, edits: Sequence[Edit]) -> list[dict[str, Row]]:
        """Return, for each edit, the rows of the outcomes table of the edited patient by outcome.

        Parameters
        ----------
        tables : Tables
            Of one patient; see `keep_patient`.
        edits : sequence of Edit
        """
        if not edits:
            return []
        _, outcomes = self.run(_copy(tables, edits))
        answers: list[dict[str, Row]] = [{} for _ in edits]
        for row in outcomes.iter_rows(named=True):
            answers[int(row["patient_id"])][row["outcome"]] = row
        return answers


def keep_patient(tables: Tables, patient_id: str) -> Tables:
    """Return the tables with the rows of one patient alone."""
    names = ("patients", "infusions", "labs", "support", "events", "responses")
    kept = {name: getattr(tables, name).filter(pl.col("patient_id") == patient_id) for name in names}
    return replace(tables, **kept)


def _copy(tables: Tables, edits: Sequence[Edit]) -> Tables:
    """One copy of the only patient per edit; its id is the place of the edit."""
    copies = pl.DataFrame({"copy": [f"{place:06d}" for place in range(len(edits))]})
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
        [(f"{place:06d}", *row) for place, edit in enumerate(edits) for row in edit.without_rows],
        schema={"patient_id": pl.String, "analyte": pl.String, "source_row": pl.UInt32},
        orient="row",
    )
    kept = labs.join(replaced, on=replaced.columns, how="anti").join(removed, on=removed.columns, how="anti")
    return pl.concat([kept, added.select(labs.columns)])


def _list_values(edits: Sequence[Edit], own: pl.DataFrame) -> pl.DataFrame:
    """The rows of the values that nobody measured, with the limit of normal of the nearest measurement."""
    rows = [(f"{place:06d}", *value) for place, edit in enumerate(edits) for value in edit.values]
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
        [(f"{place:06d}", kind) for place, edit in enumerate(edits) for kind in edit.without_support],
        schema={"patient_id": pl.String, "kind": pl.String},
        orient="row",
    )
    return support.join(removed, on=removed.columns, how="anti")
