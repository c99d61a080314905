"""Days of recovery to numbers: labels counted, and the cumulative incidence with death as competing event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cytopenia.grading.recovery_time import RECOVERY_TIME_LABELS
from cytopenia.results import ResultRow
from cytopenia.stats.describe import estimate_proportion
from cytopenia.stats.survival import CENSORED, CumulativeIncidence, estimate_cumulative_incidence
from cytopenia.study.analysis_forms import TimeToRecovery
from cytopenia.study.curve_rows import list_point

__all__ = ["KINDS", "RecoveryTimes", "find_recovery_times", "summarize_time_to_recovery"]

KINDS = {"recovery": 1, "death": 2}
_BEFORE_ANY = "never below"
_UNKNOWN = "not evaluable"


def summarize_time_to_recovery(
    analysis: TimeToRecovery, frame: pl.DataFrame, *, death_day: NDArray[np.float64], first_day: int
) -> Iterator[ResultRow]:
    """Return the labels, the curve at the stated days, its median and its steps.

    Parameters
    ----------
    analysis : TimeToRecovery
    frame : DataFrame
        The outcome, one row per patient in the order of `death_day`.
    death_day : (patients,) float
        NaN where unknown.
    first_day : int
        From which day on the definition looks.

    Notes
    -----
    A patient who is never below is at no risk of recovery and in no curve. A patient who is not evaluable is
    in the curves of the best and the worst case only. At best, a patient who may never have been below counts
    as recovered on the first day.
    """
    key = ResultRow(analysis_id=analysis.id, variable=analysis.outcome, estimate="count", scenario="policy")
    yield from _count_labels(key, frame)
    for scenario in ("policy", "best", "worst"):
        curves = _fit_curves(frame, scenario, death_day, first_day)
        found = replace(key, scenario=scenario)
        yield from _list_days(found, analysis.days, curves)
        yield _find_median(found, curves["recovery"])
        yield from _list_steps(found, curves)


def _count_labels(key: ResultRow, frame: pl.DataFrame) -> Iterator[ResultRow]:
    for label in RECOVERY_TIME_LABELS:
        chosen = frame.filter(pl.col("label") == label)
        share = estimate_proportion(chosen.height, frame.height)
        row = replace(key, group="labels", variable_level=label, n=frame.height)
        for name in ("count", "denominator", "percent"):
            value = getattr(share, name)
            status = "ok" if value is not None else "not_estimable"
            yield replace(row, estimate=name, value=value, status=status)
        open_ones = int((~chosen["decided"]).sum())
        yield replace(row, estimate="undecided", value=open_ones)


@dataclass(frozen=True)
class RecoveryTimes:
    """Time and kind of event of everybody at risk of recovery, by one scenario.

    Attributes
    ----------
    is_in : (patients,) bool
        Who is at risk; `time` and `event` are of these only.
    time : (at risk,) float
        The day of recovery, else the end of follow-up.
    event : (at risk,) int
        0 the end of follow-up, else as in `KINDS`.
    """

    is_in: NDArray[np.bool_]
    time: NDArray[np.float64]
    event: NDArray[np.int64]


def find_recovery_times(
    frame: pl.DataFrame, scenario: str, *, death_day: NDArray[np.float64], first_day: int
) -> RecoveryTimes:
    """Return the day of recovery of everybody at risk, else the end of follow-up and its reason.

    Parameters as of `summarize_time_to_recovery`.
    """
    left_out = [_BEFORE_ANY, _UNKNOWN] if scenario == "policy" else [_BEFORE_ANY]
    is_in = (~frame["label"].is_in(left_out)).to_numpy()
    day = frame[scenario].cast(pl.Float64).to_numpy()[is_in]
    last = frame["last_day"].cast(pl.Float64).fill_null(first_day).to_numpy()[is_in]
    is_recovered = day <= last
    time = np.where(is_recovered, np.maximum(day, first_day), last)
    is_dead = death_day[is_in] == last
    event = np.where(is_recovered, KINDS["recovery"], np.where(is_dead, KINDS["death"], CENSORED))
    return RecoveryTimes(is_in, time, event)


def _fit_curves(
    frame: pl.DataFrame, scenario: str, death_day: NDArray[np.float64], first_day: int
) -> dict[str, CumulativeIncidence]:
    found = find_recovery_times(frame, scenario, death_day=death_day, first_day=first_day)
    return {
        name: estimate_cumulative_incidence(found.time, found.event, kind=kind)
        for name, kind in KINDS.items()
    }


def _list_days(
    key: ResultRow, days: tuple[int, ...], curves: dict[str, CumulativeIncidence]
) -> Iterator[ResultRow]:
    for name, curve in curves.items():
        for day in days:
            row = replace(key, group="days", variable_level=f"{name}|{day}", n=curve.n)
            yield from list_point(row, curve.at(day), estimate="cumulative_incidence")


def _find_median(key: ResultRow, curve: CumulativeIncidence) -> ResultRow:
    median = curve.median
    return replace(
        key,
        group="median",
        variable_level="recovery",
        estimate="median_day",
        value=median,
        n=curve.n,
        status="ok" if median is not None else "not_estimable",
        note=""
        if median is not None
        else "not reached: fewer than half had recovered while they were followed",
    )


def _list_steps(key: ResultRow, curves: dict[str, CumulativeIncidence]) -> Iterator[ResultRow]:
    """The curve as a figure draws it: its value from each day on."""
    for name, curve in curves.items():
        for day, value, low, high in zip(curve.times, curve.estimate, curve.low, curve.high, strict=True):
            has_limits = not np.isnan(low)
            yield replace(
                key,
                group="curve",
                variable_level=f"{name}|{day:g}",
                estimate="cumulative_incidence",
                value=float(value),
                low=float(low) if has_limits else None,
                high=float(high) if has_limits else None,
                n=curve.n,
            )
