"""The figures of a report: flow of the cohort, trajectories, patient-by-day map, ROC curves."""

from __future__ import annotations

from cytopenia.report.content import ReportContent
from cytopenia.report.day_map import plot_day_map, rank_patients
from cytopenia.report.drawing import ReportFigure
from cytopenia.report.flow import plot_flow, read_flow
from cytopenia.report.roc_panel import plot_roc_panel, roc_figure_id
from cytopenia.report.trajectories import plot_trajectories

__all__ = [
    "ReportFigure",
    "plot_day_map",
    "plot_figures",
    "plot_flow",
    "plot_roc_panel",
    "plot_trajectories",
    "rank_patients",
    "read_flow",
    "roc_figure_id",
]


def plot_figures(content: ReportContent) -> dict[str, ReportFigure]:
    """Return the figures the content has data for, by id: flow, trajectories, day-map, each ROC analysis."""
    curves = (plot_roc_panel(content, one["id"]) for one in content.analyses if one["kind"] == "roc")
    drawn = (plot_flow(content), plot_trajectories(content), plot_day_map(content), *curves)
    return {figure.id: figure for figure in drawn if figure is not None}
