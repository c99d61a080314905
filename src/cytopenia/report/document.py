"""The report: one HTML file that needs nothing else, the same bytes for the same content."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from cytopenia.report.behind_numbers import table_patients_behind, table_rows_behind
from cytopenia.report.cells import analyte_title
from cytopenia.report.content import ReportContent, read_definition
from cytopenia.report.display import clean_text
from cytopenia.report.drawing import SYNTHETIC_LABEL, ReportFigure
from cytopenia.report.figure_formats import read_view_box
from cytopenia.report.journal_styles import in_journal_style
from cytopenia.report.methods import STATUS_TEXTS, list_settings, write_counting
from cytopenia.report.number_links import find_links, list_linked_rows, read_row_numbers
from cytopenia.report.page_frame import load_page
from cytopenia.report.sections import ReportSection, list_sections
from cytopenia.report.summary import list_concerns, list_key_numbers, read_cohort_size
from cytopenia.report.tables import (
    table_findings,
)
from cytopenia.report.verified_tables import table_paper_checks

__all__ = ["render_report", "render_verified"]

# What happened to the counts, how deep each patient fell, and which cytopenias came together.
SUMMARY_FIGURES, MOST_SUMMARY_FIGURES = ("trajectories", "waterfall", "lineage-overlap"), 3


@in_journal_style
def render_report(content: ReportContent, *, sections: Sequence[ReportSection] | None = None) -> str:
    """Return the report as one HTML file: no script, no network, no date; safe for any text inside.

    Parameters
    ----------
    content : ReportContent
        Results and evidence of one run; never changed.
    sections : sequence of ReportSection, optional
        From `list_sections`, where they have been made already.

    Returns
    -------
    str
        HTML with inline CSS and SVG. Identical content gives identical text.
    """
    sections = list_sections(content) if sections is None else sections
    numbers = read_row_numbers(content.results)
    links = {table.id: find_links(table, numbers) for section in sections for table in section.tables}
    return load_page(
        "report.html",
        content=content,
        synthetic_label=SYNTHETIC_LABEL,
        cohort_size=read_cohort_size(content),
        key_numbers=list_key_numbers(content),
        concerns=list_concerns(content.findings),
        sections=sections,
        links=links,
        rows_behind=list(table_rows_behind(content, list_linked_rows(links.values()))),
        patients_behind=[] if content.outcomes.is_empty() else list(table_patients_behind(content)),
        summary_figures=_pick_summary_figures(sections),
        findings=table_findings(content) if not content.findings.is_empty() else None,
        definitions=[read_definition(raw) for raw in content.definitions],
        status_texts=STATUS_TEXTS,
        analytes=[clean_text(analyte_title(content, name)) for name in _list_analytes(content)],
        counting=write_counting(content),
        settings=list_settings(content.settings),
    )


def _pick_summary_figures(sections: Sequence[ReportSection]) -> list[tuple[ReportFigure, str]]:
    """Return the figures of the first page with their view boxes: those that show most, in their order."""
    figures = {figure.id: figure for section in sections for figure in section.figures}
    wanted = [name for name in SUMMARY_FIGURES if name in figures]
    others = [name for name in figures if name not in wanted and name != "flow"]
    chosen = [figures[name] for name in [*wanted, *others, *figures][:MOST_SUMMARY_FIGURES]]
    return [(figure, box) for figure in chosen if (box := read_view_box(figure.svg))]


def _list_analytes(content: ReportContent) -> list[str]:
    """Return the analytes whose days the report shows, in their order."""
    return content.patient_days["analyte"].unique(maintain_order=True).to_list()


def render_verified(
    checks: pl.DataFrame, *, title: str, citation: str, doi: str | None = None, remark: str = ""
) -> str:
    """Return the checks of a paper as one HTML page that needs nothing else.

    Parameters
    ----------
    checks : DataFrame
        Columns of `published.verify.CHECK_SCHEMA`.
    title, citation, doi, remark : str
        Of the paper.
    """
    return load_page(
        "verified.html",
        title=title,
        citation=citation,
        doi=doi,
        table=table_paper_checks(checks, show_all=True, remark=remark),
    )
