"""The report: one HTML file that needs nothing else, the same bytes for the same content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cytopenia.report.cells import analyte_title
from cytopenia.report.content import ReportContent, read_definition
from cytopenia.report.display import clean_text, format_level
from cytopenia.report.drawing import SYNTHETIC_LABEL
from cytopenia.report.figures import ReportFigure, plot_figures
from cytopenia.report.methods import STATUS_TEXTS, list_settings, write_counting
from cytopenia.report.summary import list_concerns, list_key_numbers, read_cohort_size
from cytopenia.report.table_model import Table, footnote_mark
from cytopenia.report.tables import (
    table_baseline_cytopenia,
    table_cells,
    table_characteristics,
    table_evidence,
    table_findings,
    table_grades,
    table_nadirs,
    table_occurrence,
    table_recovery,
)

__all__ = ["ReportContent", "ReportSection", "list_sections", "render_report"]

TableMaker = Callable[[ReportContent, str], Table]
TABLES_OF_KIND: Mapping[str, tuple[TableMaker, ...]] = {
    "characteristics": (table_characteristics, table_baseline_cytopenia),
    "occurrence": (table_occurrence, table_grades, table_nadirs),
    "recovery": (table_recovery, table_cells),
}


@dataclass(frozen=True, kw_only=True)
class ReportSection:
    """A heading with its tables and figures, in the order they are printed."""

    id: str
    title: str
    tables: tuple[Table, ...] = ()
    figures: tuple[ReportFigure, ...] = ()


def list_sections(content: ReportContent) -> list[ReportSection]:
    """Return the sections between summary and findings; a table or figure without rows is left out."""
    figures = plot_figures(content)
    sections = [ReportSection(id="flow", title="Cohort", figures=_pick(figures, "flow"))]
    for analysis in content.analyses:
        makers = TABLES_OF_KIND.get(analysis["kind"], ())
        made = (maker(content, analysis["id"]) for maker in makers)
        tables = tuple(table for table in made if table.rows)
        title = clean_text(analysis.get("title") or format_level(analysis["id"]))
        sections.append(ReportSection(id=f"analysis-{analysis['id']}", title=title, tables=tables))
    evidence = () if content.outcomes.is_empty() else (table_evidence(content),)
    sections += [
        ReportSection(id="courses", title="Counts over time", figures=_pick(figures, "trajectories")),
        ReportSection(
            id="measured", title="What was measured", tables=evidence, figures=_pick(figures, "day-map")
        ),
    ]
    return [section for section in sections if section.tables or section.figures]


def _pick(figures: Mapping[str, ReportFigure], name: str) -> tuple[ReportFigure, ...]:
    return (figures[name],) if name in figures else ()


def render_report(content: ReportContent) -> str:
    """Return the report as one HTML file: no script, no network, no date; safe for any text inside.

    Parameters
    ----------
    content : ReportContent
        Results and evidence of one run; never changed.

    Returns
    -------
    str
        HTML with inline CSS and SVG. Identical content gives identical text.
    """
    from markupsafe import Markup

    environment = _make_environment()
    style, _, _ = environment.loader.get_source(environment, "report.css")
    page = environment.get_template("report.html").render(
        content=content,
        # Both were written by this package; every other text is escaped by the template.
        style=Markup(style),  # noqa: S704
        as_svg=Markup,
        synthetic_label=SYNTHETIC_LABEL,
        cohort_size=read_cohort_size(content),
        key_numbers=list_key_numbers(content),
        concerns=list_concerns(content),
        sections=list_sections(content),
        findings=table_findings(content) if not content.findings.is_empty() else None,
        definitions=[read_definition(raw) for raw in content.definitions],
        status_texts=STATUS_TEXTS,
        analytes=[clean_text(analyte_title(content, name)) for name in _list_analytes(content)],
        counting=write_counting(content),
        settings=list_settings(content.settings),
    )
    return str(page).lstrip()


def _list_analytes(content: ReportContent) -> list[str]:
    """Return the analytes whose days the report shows, in their order."""
    return content.patient_days["analyte"].unique(maintain_order=True).to_list()


def _make_environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment: Any = Environment(
        loader=PackageLoader("cytopenia.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["clean"] = clean_text
    environment.filters["mark"] = footnote_mark
    environment.filters["anchor"] = _make_anchor
    return environment


def _make_anchor(text: object) -> str:
    """Return text as an id: an id of an analysis may hold anything, an HTML id no space."""
    return "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in clean_text(text))
