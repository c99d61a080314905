"""The sections of a report: which tables, figures and words stand where, alike in every document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from cytopenia.report.association_cells import table_label
from cytopenia.report.association_tables import (
    table_cutpoints,
    table_normality,
    table_risk_factors,
)
from cytopenia.report.care_tables import table_read_with_care
from cytopenia.report.checklists import list_checklists
from cytopenia.report.content import ReportContent
from cytopenia.report.convention_tables import (
    table_program_conclusions,
    table_program_cuts,
    table_program_tests,
)
from cytopenia.report.crosstab_tables import table_crosstab
from cytopenia.report.cut_panel import cut_figure_id
from cytopenia.report.display import clean_text, format_level
from cytopenia.report.drawing import ReportFigure
from cytopenia.report.figures import gap_figure_id, plot_figures, roc_figure_id
from cytopenia.report.group_tables import table_by_groups
from cytopenia.report.honest_cuts import table_honest_cuts
from cytopenia.report.imputed_beside import (
    table_imputed_areas,
    table_imputed_groups,
    table_imputed_prediction,
    table_imputed_terms,
    table_imputed_validation,
)
from cytopenia.report.imputed_tables import table_imputed_models
from cytopenia.report.journal_styles import in_journal_style, style_words
from cytopenia.report.missingness_tables import table_missing_values
from cytopenia.report.model_forest import FOREST
from cytopenia.report.number_sources import take_rows, watch_rows
from cytopenia.report.phenotype_tables import table_phenotypes, table_second_dips
from cytopenia.report.prediction_curves import CURVES_OF_MODEL, NOMOGRAM
from cytopenia.report.prediction_tables import (
    table_point_score,
    table_prediction_selection,
    table_prediction_size,
    table_prediction_terms,
    table_prediction_worth,
)
from cytopenia.report.printed_tables import table_printed
from cytopenia.report.published_tables import table_published, table_published_details
from cytopenia.report.recovery_curves import (
    curve_figure_id,
    table_recovery_days,
    table_recovery_labels,
)
from cytopenia.report.recovery_group_curves import group_figure_id, table_recovery_groups
from cytopenia.report.regression_tables import table_collinearity, table_ordinal
from cytopenia.report.results_words import write_results
from cytopenia.report.side_by_side_cells import draw_id
from cytopenia.report.side_by_side_tables import (
    table_answer_changes,
    table_definition_agreement,
    table_definition_events,
    table_definition_grades,
    table_definition_odds,
    table_definition_pairs,
)
from cytopenia.report.spline_curves import CURVES
from cytopenia.report.survival_curves import survival_figure_id
from cytopenia.report.survival_tables import table_group_tests, table_hazards, table_survival
from cytopenia.report.table_model import Table
from cytopenia.report.table_styles import restyle_table
from cytopenia.report.tables import (
    table_baseline_cytopenia,
    table_cells,
    table_characteristics,
    table_evidence,
    table_grades,
    table_nadirs,
    table_occurrence,
    table_recovery,
)
from cytopenia.report.validation_tables import table_external_validation
from cytopenia.report.verified_tables import table_paper_checks

__all__ = [
    "FIGURES_OF_COURSES",
    "FIGURES_OF_KIND",
    "FIGURES_OF_MEASUREMENTS",
    "FLOW",
    "TABLES_OF_KIND",
    "WORDS",
    "ReportSection",
    "list_sections",
]

TableMaker = Callable[[ReportContent, str], Table]
PROGRAM_TABLES: tuple[TableMaker, ...] = (table_program_conclusions, table_program_tests)
TABLES_OF_KIND: Mapping[str, tuple[TableMaker, ...]] = {
    "characteristics": (table_characteristics, table_baseline_cytopenia, table_by_groups),
    "occurrence": (
        table_occurrence,
        table_grades,
        table_phenotypes,
        table_second_dips,
        table_nadirs,
    ),
    "recovery": (table_recovery, table_cells),
    "time_to_recovery": (table_recovery_days, table_recovery_labels, table_recovery_groups),
    "survival": (table_survival, table_group_tests, table_hazards),
    "risk_factors": (
        table_risk_factors,
        *PROGRAM_TABLES,
        table_imputed_groups,
        table_imputed_models,
        table_normality,
        table_collinearity,
    ),
    "ordinal": (table_ordinal, table_collinearity),
    "roc": (table_cutpoints, table_imputed_areas, table_program_cuts, table_honest_cuts),
    "missingness": (table_missing_values,),
    "crosstab": (table_crosstab, *PROGRAM_TABLES),
    "validation": (table_external_validation, table_imputed_validation),
    "compare_published": (table_published, table_published_details),
    "prediction": (
        table_prediction_worth,
        table_prediction_size,
        table_prediction_selection,
        table_prediction_terms,
        table_imputed_prediction,
        table_imputed_terms,
        table_point_score,
    ),
    "definitions": (
        table_definition_events,
        table_definition_agreement,
        table_definition_pairs,
        table_answer_changes,
        table_definition_grades,
        table_definition_odds,
    ),
}
FIGURES_OF_KIND: Mapping[str, tuple[Callable[[str], str], ...]] = {
    "roc": (roc_figure_id, cut_figure_id),
    "time_to_recovery": (curve_figure_id, group_figure_id),
    "survival": (survival_figure_id,),
    "missingness": (gap_figure_id,),
    "definitions": (partial(draw_id, "strip"), partial(draw_id, "forest")),
    "compare_published": (partial(draw_id, "forest"),),
    "risk_factors": (partial(draw_id, FOREST), partial(draw_id, CURVES)),
    "ordinal": (partial(draw_id, FOREST), partial(draw_id, CURVES)),
    "validation": (partial(draw_id, CURVES_OF_MODEL),),
    "prediction": (partial(draw_id, CURVES_OF_MODEL), partial(draw_id, NOMOGRAM)),
}
# The section of an analysis, and that of the Results in words.
ANALYSIS, WORDS = "analysis-", "words"
FIGURES_OF_COURSES = ("trajectories", "trajectories-by-group", "spaghetti", "waterfall", "lineage-overlap")
FLOW, FIGURES_OF_MEASUREMENTS = "flow", ("swimmer", "day-map")
# Kinds whose table comes first: their figures show again what stands in it.
KINDS_OF_TABLES = {"risk_factors", "ordinal", "prediction", "validation", "compare_published"}


@dataclass(frozen=True, kw_only=True)
class ReportSection:
    """A heading with its text, its tables and its figures, in the order they are printed.

    One with `is_after_methods` stands behind the Methods where a document has them.
    """

    id: str
    title: str
    tables: tuple[Table, ...] = ()
    figures: tuple[ReportFigure, ...] = ()
    texts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    is_after_methods: bool = False


@in_journal_style
def list_sections(content: ReportContent) -> list[ReportSection]:
    """Return the sections between summary and findings; a table or figure without rows is left out.

    The cells of their tables hold the rows of the result table that were read for them.
    """
    figures = plot_figures(content)
    with watch_rows():
        return _list_sections(content, figures)


def _list_sections(content: ReportContent, figures: Mapping[str, ReportFigure]) -> list[ReportSection]:
    sections = [ReportSection(id="flow", title="Cohort", figures=_pick(figures, FLOW))]
    for analysis in content.analyses:
        sections += [_analysis_section(content, analysis, figures), _care_section(content, analysis)]
    evidence = () if content.outcomes.is_empty() else (table_evidence(content),)
    sections += [
        ReportSection(id="courses", title="Counts over time", figures=_pick_all(figures, FIGURES_OF_COURSES)),
        ReportSection(
            id="measured",
            title="What was measured",
            tables=evidence,
            figures=_pick_all(figures, FIGURES_OF_MEASUREMENTS),
        ),
        ReportSection(
            id="printed", title="Printed and recomputed", tables=_keep_filled([table_printed(content)])
        ),
        ReportSection(
            id="paper-checked",
            title="The paper checked",
            tables=_keep_filled([table_paper_checks(content.paper_checks, remark=content.paper_remark)]),
        ),
    ]
    sections.append(_words_section(content, sections))
    sections.append(
        ReportSection(
            id="checklist",
            title="Appendix: reporting checklist",
            tables=tuple(list_checklists(content, sections)),
            is_after_methods=True,
        )
    )
    filled = (section for section in sections if section.tables or section.figures or section.texts)
    return [_restyle(section) for section in filled]


def _restyle(section: ReportSection) -> ReportSection:
    """Return a section with the letter of P values as the journal has it."""
    texts = tuple((heading, tuple(map(style_words, texts))) for heading, texts in section.texts)
    return replace(section, tables=tuple(map(restyle_table, section.tables)), texts=texts)


def _words_section(content: ReportContent, sections: Sequence[ReportSection]) -> ReportSection:
    """Return the Results as paragraphs, from the tables that are printed."""
    tables = {section.id.removeprefix(ANALYSIS): section.tables for section in sections}
    parts = write_results(content, tables)
    texts = tuple((heading, tuple(paragraphs)) for heading, paragraphs in parts)
    return ReportSection(id=WORDS, title="Results in words", texts=texts, is_after_methods=True)


def _analysis_section(
    content: ReportContent, analysis: Mapping[str, Any], figures: Mapping[str, ReportFigure]
) -> ReportSection:
    """Return the section of one analysis; its label begins the caption of what is printed first.

    The label of an analysis with a figure of its own belongs to the figure, unless it names a table.
    """
    name, label = analysis["id"], table_label(analysis)
    tables = _make_tables(content, name, TABLES_OF_KIND.get(analysis["kind"], ()))
    shown = tuple(
        figure
        for name_figure in FIGURES_OF_KIND.get(analysis["kind"], ())
        for figure in _pick(figures, name_figure(name))
    )
    is_figure = analysis["kind"] not in KINDS_OF_TABLES and not label.lower().startswith("table")
    if label and shown and is_figure:
        shown = (replace(shown[0], title=f"{label}. {shown[0].title}"), *shown[1:])
    elif label and tables:
        tables = (replace(tables[0], caption=f"{label}. {tables[0].caption}"), *tables[1:])
    title = clean_text(analysis.get("title") or format_level(name))
    return ReportSection(id=f"{ANALYSIS}{name}", title=title, tables=tables, figures=shown)


def _care_section(content: ReportContent, analysis: Mapping[str, Any]) -> ReportSection:
    """Return the page "Read with care" of an analysis; without tables where it was not asked for."""
    name = analysis["id"]
    tables = _make_tables(content, name, (table_read_with_care,))
    label = table_label(analysis) or clean_text(analysis.get("title") or format_level(name))
    return ReportSection(id=f"care-{name}", title=f"{label}, read with care", tables=tables)


def _make_tables(content: ReportContent, name: str, makers: Iterable[TableMaker]) -> tuple[Table, ...]:
    tables = list[Table]()
    for make in makers:
        # What was read for the notes of the table before belongs to none of its cells, nor to one of this.
        take_rows()
        tables.append(make(content, name))
    return _keep_filled(tables)


def _keep_filled(tables: Iterable[Table]) -> tuple[Table, ...]:
    return tuple(table for table in tables if table.rows)


def _pick_all(figures: Mapping[str, ReportFigure], names: Sequence[str]) -> tuple[ReportFigure, ...]:
    return tuple(figures[name] for name in names if name in figures)


def _pick(figures: Mapping[str, ReportFigure], name: str) -> tuple[ReportFigure, ...]:
    return (figures[name],) if name in figures else ()
