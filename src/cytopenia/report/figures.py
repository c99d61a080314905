"""The figures of a report: flow, trajectories, patient-by-day map, and those of single analyses."""

from __future__ import annotations

from cytopenia.report.answer_strip import plot_answer_strip
from cytopenia.report.content import ReportContent
from cytopenia.report.cut_panel import plot_cut_panel
from cytopenia.report.day_map import plot_day_map, rank_patients
from cytopenia.report.drawing import ReportFigure
from cytopenia.report.flow import plot_flow, read_flow
from cytopenia.report.gap_patterns import gap_figure_id, plot_gap_patterns
from cytopenia.report.group_trajectories import plot_group_trajectories
from cytopenia.report.lineage_sets import plot_lineage_sets
from cytopenia.report.model_forest import plot_model_forest
from cytopenia.report.odds_forest import plot_odds_forest
from cytopenia.report.prediction_curves import plot_model_curves, plot_nomogram
from cytopenia.report.published_forest import plot_published_forest
from cytopenia.report.recovery_curves import plot_recovery_curve
from cytopenia.report.recovery_group_curves import plot_recovery_groups
from cytopenia.report.roc_panel import plot_roc_panel, roc_figure_id
from cytopenia.report.spaghetti import plot_spaghetti
from cytopenia.report.spline_curves import plot_spline_curves
from cytopenia.report.survival_curves import plot_survival
from cytopenia.report.swimmer import plot_swimmer
from cytopenia.report.trajectories import plot_trajectories
from cytopenia.report.waterfall import plot_waterfall

__all__ = [
    "ReportFigure",
    "gap_figure_id",
    "plot_answer_strip",
    "plot_cut_panel",
    "plot_day_map",
    "plot_figures",
    "plot_flow",
    "plot_gap_patterns",
    "plot_odds_forest",
    "plot_recovery_curve",
    "plot_recovery_groups",
    "plot_roc_panel",
    "plot_survival",
    "plot_trajectories",
    "rank_patients",
    "read_flow",
    "roc_figure_id",
]


def plot_figures(content: ReportContent) -> dict[str, ReportFigure]:
    """Return the figures the content has data for, by id: of the cohort and of analyses."""
    makers = {
        "roc": (plot_roc_panel, plot_cut_panel),
        "time_to_recovery": (plot_recovery_curve, plot_recovery_groups),
        "survival": (plot_survival,),
        "missingness": (plot_gap_patterns,),
        "definitions": (plot_answer_strip, plot_odds_forest),
        "compare_published": (plot_published_forest,),
        "risk_factors": (plot_model_forest, plot_spline_curves),
        "ordinal": (plot_model_forest, plot_spline_curves),
        "validation": (plot_model_curves,),
        "prediction": (plot_model_curves, plot_nomogram),
    }
    own = (make(content, one["id"]) for one in content.analyses for make in makers.get(one["kind"], ()))
    of_courses = (
        plot_flow,
        plot_trajectories,
        plot_group_trajectories,
        plot_spaghetti,
        plot_waterfall,
        plot_lineage_sets,
        plot_swimmer,
        plot_day_map,
    )
    drawn = (*(plot(content) for plot in of_courses), *own)
    return {figure.id: figure for figure in drawn if figure is not None}
