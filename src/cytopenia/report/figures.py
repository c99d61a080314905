"""The figures of a report: flow, trajectories, patient-by-day map, ROC curves, curves of recovery."""

from __future__ import annotations

from cytopenia.report.content import ReportContent
from cytopenia.report.day_map import plot_day_map, rank_patients
from cytopenia.report.drawing import ReportFigure
from cytopenia.report.flow import plot_flow, read_flow
from cytopenia.report.recovery_curves import plot_recovery_curve
from cytopenia.report.roc_panel import plot_roc_panel, roc_figure_id
from cytopenia.report.trajectories import plot_trajectories

__all__ = [
    "ReportFigure",
    "plot_day_map",
    "plot_figures",
    "plot_flow",
    "plot_recovery_curve",
    "plot_roc_panel",
    "plot_trajectories",
    "rank_patients",
    "read_flow",
    "roc_figure_id",
]


def plot_figures(content: ReportContent) -> dict[str, ReportFigure]:
    """Return the figures the content has data for, by id: flow, trajectories, day-map, each curve."""
    makers = {"roc": plot_roc_panel, "time_to_recovery": plot_recovery_curve}
    curves = (makers[one["kind"]](content, one["id"]) for one in content.analyses if one["kind"] in makers)
    drawn = (plot_flow(content), plot_trajectories(content), plot_day_map(content), *curves)
    return {figure.id: figure for figure in drawn if figure is not None}
