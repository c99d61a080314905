"""The days of recovery of one part of the cohort: cells, follow-up and evidence put together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cytopenia.grading.gaps import ScenarioGrid
from cytopenia.grading.outcome_rows import EvidenceRows, OutcomeRows
from cytopenia.grading.recovery import judge_cells
from cytopenia.grading.recovery_time import FollowUp, collect_run_evidence, derive_recovery_time
from cytopenia.study.plan import RecoveryTimePlan

__all__ = ["judge_recovery_time"]

Marks = NDArray[np.bool_]


def judge_recovery_time(
    plan: RecoveryTimePlan,
    scenarios: Mapping[str, ScenarioGrid],
    *,
    support: Mapping[str, Mapping[str, Marks]],
    follow_up: FollowUp,
) -> tuple[OutcomeRows, dict[str, EvidenceRows]]:
    """Return the outcome and, by analyte, the days behind it.

    Parameters
    ----------
    plan : RecoveryTimePlan
    scenarios : mapping of analyte to ScenarioGrid
        The patients of one part.
    support : mapping of analyte to mapping of "known" and "possible" to (patients, days) bool
        The same patients, on all days of the grid of the analyte.
    follow_up : FollowUp
        The same patients.
    """
    definition = plan.definition
    _, until = plan.days
    cells = {
        item.analyte: judge_cells(
            item,
            _upto(scenarios[item.analyte], until + definition.look_ahead_days),
            {
                name: marks[:, : until + definition.look_ahead_days - scenarios[item.analyte].first_day + 1]
                for name, marks in support[item.analyte].items()
            },
            bracket_days=definition.bracket_days,
            carry_days=definition.carry_days,
        )
        for item in definition.all_of
    }
    rows = derive_recovery_time(definition, cells, follow_up)
    return rows, collect_run_evidence(definition, cells, rows)


def _upto(grid: ScenarioGrid, last_day: int) -> ScenarioGrid:
    """The grid without the days that may not vouch for any other, though another outcome needs them."""
    return grid.window(grid.first_day, last_day)
