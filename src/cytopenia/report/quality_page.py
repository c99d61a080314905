"""The page of `check`: what to know of the data before believing any grade, as one HTML file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from cytopenia.contract.data_quality import DataQuality
from cytopenia.report import quality_course_tables as of_courses
from cytopenia.report import quality_tables as of_labs
from cytopenia.report.content import SEVERITIES, sort_findings
from cytopenia.report.display import clean_text, format_days, format_number, format_percent, plural
from cytopenia.report.drawing import SYNTHETIC_LABEL, ReportFigure
from cytopenia.report.page_frame import load_page
from cytopenia.report.quality_content import PAGE_MARK, QualityContent, add_up, name_analyte
from cytopenia.report.quality_figures import plot_covered_days, plot_day_maps
from cytopenia.report.quality_spread import plot_spread
from cytopenia.report.summary import list_concerns
from cytopenia.report.table_model import Table

__all__ = ["QualityNumber", "QualitySection", "render_quality"]

TITLES = {
    "coverage": "Coverage",
    "units": "Units",
    "values": "Values",
    "limits": "Limits of normal",
    "unseen": "Days the grading cannot see",
    "courses": "Support, events, infusions",
}
# Findings that are told again where they belong.
RULES_OF_SECTION = {
    "units": (
        *("suspected_unit", "unusual_value", "unit_missing", "unknown_unit", "several_units", "two_units"),
        *("unit_code_disagrees", "standard_result_used", "results_disagree", "anc_above_wbc"),
    ),
    "limits": (
        "limit_not_a_number",
        "limit_implausible",
        "limits_reversed",
        "limit_stated",
        "limit_missing",
        "limit_in_other_unit",
    ),
}
NO_DAYS = (
    "No patient has a first infusion and so no day can be placed: nothing can be said of coverage. The "
    "findings "
    "say what to correct."
)
MOST_MESSAGES = 8
NO_ROWS = "No row of the tables says anything here."


@dataclass(frozen=True)
class QualityNumber:
    """One of the numbers at the top of the page; `low` is how much of its bar is filled, in percent."""

    title: str
    value: str
    detail: str = ""
    low: float | None = None


@dataclass(frozen=True, kw_only=True)
class QualitySection:
    """A heading with its texts (a heading of their own, and what stands under it), figures and tables."""

    id: str
    title: str
    texts: tuple[tuple[str, tuple[str, ...]], ...]
    figures: tuple[ReportFigure, ...]
    tables: tuple[Table, ...]


def render_quality(content: QualityContent) -> str:
    """Return the page of `check`: no script, no request, no date; safe for any text inside.

    Parameters
    ----------
    content : QualityContent

    Returns
    -------
    str
        HTML with inline CSS and SVG. Identical content gives identical text.
    """
    quality = content.quality
    tables = _list_tables(quality)
    return load_page(
        "quality.html",
        content=content,
        page_mark=PAGE_MARK,
        synthetic_label=SYNTHETIC_LABEL,
        days=format_days(quality.first_day, quality.last_day) if quality.has_days else "",
        numbers=list(_list_numbers(content)),
        concerns=list_concerns(quality.findings),
        tables_read=tables["glance"],
        sections=list(_list_sections(content, tables)),
        findings=tables["data"],
    )


def _list_tables(quality: DataQuality) -> dict[str, list[Table]]:
    """The tables of each section; those without rows are left out."""
    found = {
        "glance": [of_labs.table_tables(quality)],
        "coverage": [of_labs.table_covered(quality), of_labs.table_weeks(quality)],
        "units": [of_labs.table_units(quality)],
        "values": [*of_labs.tables_values(quality), of_labs.table_censored(quality)],
        "limits": [of_labs.table_limits(quality)],
        "unseen": [
            of_courses.table_windows(quality),
            of_courses.table_outcomes(quality),
            of_courses.table_weekdays(quality),
            of_courses.table_ends(quality),
        ],
        "courses": [
            of_courses.table_facts(quality),
            of_courses.table_support(quality),
            of_courses.table_events(quality),
        ],
        "data": [of_courses.table_findings(quality)],
    }
    return {section: [table for table in tables if table.rows] for section, tables in found.items()}


def _list_numbers(content: QualityContent) -> Iterator[QualityNumber]:
    quality = content.quality
    severities = quality.findings["severity"]
    rows = dict(quality.tables.select("table", "rows").iter_rows())
    people = add_up(quality.facts.filter(pl.col("fact") == "without_infusion"), "of")
    unplaced = add_up(quality.facts.filter(pl.col("fact") == "without_infusion"), "patients")
    detail = f"{format_number(unplaced)} without an infusion" if unplaced else "all with a day 0"
    yield QualityNumber("Patients in the tables", format_number(people), detail if people else "")
    read = add_up(quality.account, "rows")
    judged = add_up(quality.account.filter(pl.col("state") == "judged"), "rows")
    yield QualityNumber(
        "Laboratory rows", format_number(read or rows["labs"]), f"{format_number(judged)} judged"
    )
    for severity, (title, detail) in zip(SEVERITIES, _SEVERITY_WORDS, strict=True):
        count = int((severities == severity).sum())
        yield QualityNumber(title, format_number(count), detail if count else "none found")
    for row in quality.covered.iter_rows(named=True):
        percent = row["percent_measured"]
        if percent is not None:
            detail = f"of days measured, {format_percent(row['percent_open'])} open"
            yield QualityNumber(name_analyte(row["analyte"]), format_percent(percent), detail, percent)


_SEVERITY_WORDS = (
    ("Errors", "a run stops until they are answered"),
    ("Warnings", "rows left aside, or worth a look"),
    ("Notes", "what was done"),
)


def _list_sections(content: QualityContent, tables: dict[str, list[Table]]) -> Iterator[QualitySection]:
    maps = [plot_covered_days(content), *plot_day_maps(content)]
    figures = {"coverage": maps, "values": [plot_spread(content)]}
    for name, title in TITLES.items():
        shown = tuple(figure for figure in figures.get(name, []) if figure is not None)
        yield QualitySection(
            id=name,
            title=title,
            tables=tuple(tables[name]),
            figures=shown,
            texts=tuple(_list_texts(content, name, has_more=bool(shown or tables[name]))),
        )


def _list_texts(
    content: QualityContent, name: str, *, has_more: bool
) -> Iterator[tuple[str, tuple[str, ...]]]:
    quality = content.quality
    if name == "coverage" and not quality.has_days:
        yield "", (NO_DAYS,)
    elif name == "unseen" and quality.hindrance:
        yield "", (f"{quality.hindrance} The windows of the outcomes are not told.",)
    elif not has_more:
        yield "", (NO_ROWS,)
    rules = RULES_OF_SECTION.get(name, ())
    told = sort_findings(quality.findings).filter(pl.col("rule").is_in(list(rules)))
    messages = [clean_text(message, longest=500) for message in told["message"].head(MOST_MESSAGES)]
    if messages:
        more = told.height - len(messages)
        further = [f"{plural(more, 'further finding')} of this kind in the list below."] if more > 0 else []
        yield "Findings here", (*messages, *further)
