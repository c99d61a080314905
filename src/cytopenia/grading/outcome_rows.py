"""The outcomes table, one row per patient and outcome, and the evidence behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.runs import find_longest_run, first_marked, last_marked

__all__ = [
    "EVIDENCE_SCHEMA",
    "NO_DAY",
    "OUTCOME_SCHEMA",
    "EvidenceRows",
    "OutcomeRows",
    "collect_evidence",
    "count_days",
    "frame_evidence",
    "frame_outcomes",
    "hold_evidence",
    "span_days",
]

OUTCOME_SCHEMA: dict[str, type[pl.DataType]] = {
    "patient_id": pl.String,
    "outcome": pl.String,
    "policy": pl.Float64,
    "best": pl.Float64,
    "worst": pl.Float64,
    "policy_worst": pl.Float64,
    "label": pl.String,
    "possible_labels": pl.String,
    "decided": pl.Boolean,
    "evidence": pl.String,
    "reason": pl.String,
    "rule": pl.String,
    "first_day": pl.Int32,
    "last_day": pl.Int32,
    "days_measured": pl.Int32,
    "days_short_gap": pl.Int32,
    "days_open": pl.Int32,
    "days_filled": pl.Int32,
    "days_bridged": pl.Int32,
    "longest_gap_days": pl.Int32,
    "last_measured_day": pl.Int32,
}

EVIDENCE_SCHEMA: dict[str, type[pl.DataType]] = {
    "patient_id": pl.String,
    "outcome": pl.String,
    "analyte": pl.String,
    "day": pl.Int32,
    "role": pl.String,
    "state": pl.String,
    "verdict": pl.String,
    "low": pl.Float64,
    "high": pl.Float64,
    "source_row": pl.UInt32,
}

NO_DAY = np.iinfo(np.int32).min
EVIDENCE_NAMES = ("measured", "bracketed", "open")


@dataclass(frozen=True, kw_only=True)
class OutcomeRows:
    """One outcome of the patients of one part, as arrays of one entry per patient.

    `policy`, `best` and `worst` are NaN where there is none; days are `NO_DAY` where there is none.
    `policy_worst` is the highest that `policy` can be: itself where it is judged (everywhere if not given),
    else what the measured values leave possible, NaN where that is not known.
    `evidence`, `reason`, `rule` and `label` are places in their lists of names; -1 is none. `possible` marks,
    patient by label, every label that can have been; only outcomes without an order have it. With `is_asked`
    the evidence is that of a question about the grade, which is answered later.
    """

    policy: NDArray[np.float64]
    best: NDArray[np.float64]
    worst: NDArray[np.float64]
    evidence: NDArray[np.int8]
    reason: NDArray[np.int8]
    rule: NDArray[np.int8]
    label: NDArray[np.int8]
    first_day: NDArray[np.int32]
    last_day: NDArray[np.int32]
    days: Mapping[str, NDArray[np.int32]]
    possible: NDArray[np.bool_] | None = None
    policy_worst: NDArray[np.float64] | None = None
    is_asked: bool = False

    @property
    def highest_policy(self) -> NDArray[np.float64]:
        """`policy_worst`, or the policy where it is not given."""
        return self.policy if self.policy_worst is None else self.policy_worst


@dataclass(frozen=True, kw_only=True)
class EvidenceRows:
    """The days behind an outcome: `role`, `state` and `verdict` are places in lists of names."""

    patient: NDArray[np.int64]
    day: NDArray[np.int32]
    role: NDArray[np.int8]
    state: NDArray[np.int8]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    source_row: NDArray[np.int32]
    verdict: NDArray[np.int8]


def span_days(days: NDArray[np.bool_], first_day: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the first and the last marked day of each patient; `NO_DAY` where none is."""
    first, last = first_marked(days, otherwise=NO_DAY), last_marked(days, otherwise=NO_DAY)
    shift = np.where(first == NO_DAY, 0, first_day).astype(np.int32)
    return first + shift, last + shift


def count_days(grid: ScenarioGrid) -> dict[str, NDArray[np.int32]]:
    """Return the day account of each patient over the days of the grid."""
    unmeasured = grid.at_risk & ~grid.measured
    last = last_marked(grid.measured, otherwise=NO_DAY)
    none = np.zeros(last.size, dtype=np.int32)
    return {
        "days_measured": grid.measured.sum(axis=1, dtype=np.int32),
        "days_short_gap": grid.short_gap.sum(axis=1, dtype=np.int32),
        "days_open": grid.open_day.sum(axis=1, dtype=np.int32),
        "days_filled": none,
        "days_bridged": none,
        "longest_gap_days": find_longest_run(unmeasured)[0].astype(np.int32),
        "last_measured_day": np.where(last == NO_DAY, last, last + np.int32(grid.first_day)),
    }


def collect_evidence(
    deciding: NDArray[np.bool_], settling: NDArray[np.bool_], grid: ScenarioGrid
) -> EvidenceRows:
    """Return the days that decide and those that would settle; a day that does both stands twice."""
    patient, place = np.nonzero(deciding | settling)
    is_both = (deciding & settling)[patient, place]
    patient, place = (np.repeat(found, 1 + is_both) for found in (patient, place))
    is_second = np.zeros(patient.size, dtype=np.bool_)
    is_second[1:] = (patient[1:] == patient[:-1]) & (place[1:] == place[:-1])
    measured = grid.measured[patient, place]
    decides = deciding[patient, place] & ~is_second
    cap = np.zeros(0) if grid.cap is None else grid.cap[patient, place]
    # A cap decides by itself: the bounds of the gap around it are not part of the evidence.
    is_cap = ~measured & (decides | ~grid.short_gap[patient, place])
    return EvidenceRows(
        patient=patient,
        day=(place + grid.first_day).astype(np.int32),
        role=np.where(decides, 0, 1).astype(np.int8),
        state=np.where(measured, 0, np.where(is_cap, 1, 2)).astype(np.int8),
        low=np.where(is_cap, 0.0, grid.low[patient, place]),
        high=np.where(is_cap, cap if cap.size else np.nan, grid.high[patient, place]),
        source_row=grid.source_row[patient, place],
        verdict=np.where(decides, 0, 1).astype(np.int8),
    )


def frame_outcomes(
    parts: Sequence[OutcomeRows],
    patient_id: pl.Series,
    *,
    outcome: str,
    reasons: Sequence[str],
    rules: Sequence[str] = (),
    labels: Sequence[str] = (),
) -> pl.DataFrame:
    """Return the outcomes table of one outcome, in the order of `patient_id`."""
    numbers = {name: _join(parts, name) for name in ("policy", "best", "worst")}
    highest = [part.highest_policy for part in parts]
    numbers["policy_worst"] = np.concatenate(highest) if parts else np.empty(0)
    named = {
        "label": _name(_join(parts, "label"), labels),
        "possible_labels": _name_possible(parts, len(patient_id), labels),
        "evidence": _name(_join(parts, "evidence"), EVIDENCE_NAMES),
        "reason": _name(_join(parts, "reason"), reasons),
        "rule": _name(_join(parts, "rule"), rules),
    }
    days = {name: _join(parts, name) for name in ("first_day", "last_day")}
    account = {
        name: np.concatenate([part.days[name] for part in parts]) if parts else np.empty(0, np.int32)
        for name in OUTCOME_SCHEMA
        if name.startswith("days_") or name in ("longest_gap_days", "last_measured_day")
    }
    frame = pl.DataFrame({"patient_id": patient_id, **numbers, **named, **days, **account}).with_columns(
        pl.lit(outcome).alias("outcome"),
        pl.col(list(numbers)).fill_nan(None),
        pl.col("first_day", "last_day", "last_measured_day").replace(NO_DAY, None),
        pl.col("reason").fill_null(""),
    )
    has_one = pl.col("policy").is_not_null() & (pl.col("best") == pl.col("worst"))
    # Without an order: the one label that was possible.
    decided = pl.coalesce(pl.col("label") == pl.col("possible_labels"), has_one)
    frame = frame.with_columns(decided.fill_null(value=False).alias("decided"))
    held = frame if any(part.is_asked for part in parts) else hold_evidence(frame)
    return held.select(pl.col(name).cast(dtype) for name, dtype in OUTCOME_SCHEMA.items())


def hold_evidence(frame: pl.DataFrame) -> pl.DataFrame:
    """Return outcomes with the evidence that an answer can have.

    What is not decided does not rest on measured days alone: it is at best bracketed. What has no bounds, as
    after death before a landmark, has no answer and no evidence.

    Examples
    --------
    >>> rows = {"decided": [True, False, False], "worst": [3.0, 3.0, None], "possible_labels": [None] * 3}
    >>> frame = pl.DataFrame({**rows, "evidence": ["measured"] * 3})
    >>> hold_evidence(frame)["evidence"].to_list()
    ['measured', 'bracketed', None]
    """
    has_bounds = pl.col("worst").is_not_null() | pl.col("possible_labels").is_not_null()
    is_overstated = ~pl.col("decided") & (pl.col("evidence") == "measured")
    held = pl.when(is_overstated).then(pl.lit("bracketed")).otherwise("evidence")
    return frame.with_columns(pl.when(has_bounds).then(held).alias("evidence"))


def frame_evidence(
    parts: Sequence[EvidenceRows],
    patient_id: pl.Series,
    *,
    outcome: str,
    analyte: str,
    names: Mapping[str, Sequence[str]],
) -> pl.DataFrame:
    """Return the evidence rows of one outcome and analyte, sorted by patient and day.

    `names` holds the words of `role`, `state` and `verdict`.
    """
    if not parts:
        return pl.DataFrame(schema=EVIDENCE_SCHEMA)
    frame = pl.DataFrame(
        {
            "patient_id": patient_id.gather(_join(parts, "patient")),
            "day": _join(parts, "day"),
            **{column: _name(_join(parts, column), words) for column, words in names.items()},
            "low": _join(parts, "low"),
            "high": _join(parts, "high"),
            "source_row": _join(parts, "source_row"),
        }
    )
    return frame.with_columns(
        pl.lit(outcome).alias("outcome"),
        pl.lit(analyte).alias("analyte"),
        pl.when(pl.col("source_row") >= 0).then(pl.col("source_row")).alias("source_row"),
        pl.col("low", "high").round_sig_figs(12),
    ).select(pl.col(name).cast(dtype) for name, dtype in EVIDENCE_SCHEMA.items())


def _join(parts: Sequence[OutcomeRows] | Sequence[EvidenceRows], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(part, name) for part in parts]) if parts else np.empty(0)


def _name_possible(parts: Sequence[OutcomeRows], patients: int, labels: Sequence[str]) -> pl.Series:
    """The labels that can have been, joined by a bar in the order of `labels`; null where there is none."""
    marks = [part.possible for part in parts if part.possible is not None]
    if not marks:
        return pl.Series([None] * patients, dtype=pl.String)
    kinds, which = np.unique(np.concatenate(marks), axis=0, return_inverse=True)
    names = [
        "|".join(name for name, is_possible in zip(labels, kind, strict=True) if is_possible)
        for kind in kinds
    ]
    lookup = pl.Series([name or None for name in names], dtype=pl.String)
    return lookup.gather(which.reshape(-1))


def _name(places: NDArray[np.int8], names: Sequence[str]) -> pl.Series:
    """The names at their places; -1 becomes null."""
    lookup = pl.Series([*names, None], dtype=pl.String)
    index = np.where(places < 0, len(names), places).astype(np.int64)
    return lookup.gather(index)
