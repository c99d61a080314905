"""The Results of a run as paragraphs: each number is one of the tables, and only what ran is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cytopenia.report.association_cells import table_label
from cytopenia.report.content import ReportContent
from cytopenia.report.display import clean_text, escape_markdown
from cytopenia.report.results_words_counts import (
    say_characteristics,
    say_cohort,
    say_definitions,
    say_missing,
    say_occurrence,
    say_published,
    say_recovery,
)
from cytopenia.report.results_words_effects import (
    say_associations,
    say_crosstab,
    say_cutoffs,
    say_ordinal,
)
from cytopenia.report.results_words_models import (
    say_prediction,
    say_recovery_times,
    say_survival,
    say_validation,
)
from cytopenia.report.table_model import Table

__all__ = ["render_results", "write_results"]

Paragraphs = list[tuple[str, list[str]]]


def write_results(content: ReportContent, tables: Mapping[str, Sequence[Table]]) -> Paragraphs:
    """Return the Results as (heading, paragraphs), in the order of the report.

    Parameters
    ----------
    content : ReportContent
        Results of one run; never changed.
    tables : mapping
        The tables of each analysis, by its id, as they are printed: a sentence takes its numbers from them.
    """
    parts = [("Cohort", say_cohort(content))]
    for analysis in content.analyses:
        name = str(analysis["id"])
        texts = _say_analysis(content, analysis, tables.get(name, ()))
        label = table_label(analysis)
        title = clean_text(analysis.get("title") or name)
        parts.append((f"{title} ({label})" if label else title, [text for text in texts if text]))
    return [(heading, texts) for heading, texts in parts if texts]


def _say_analysis(
    content: ReportContent, analysis: Mapping[str, Any], tables: Sequence[Table]
) -> Sequence[str]:
    kind = str(analysis["kind"])
    if kind in {"risk_factors", "ordinal"}:
        say = say_associations if kind == "risk_factors" else say_ordinal
        return say(content, analysis) if tables else ()
    if kind == "crosstab":
        return say_crosstab(content, analysis, tables)
    if kind == "prediction":
        return say_prediction(content, analysis, tables)
    makers = {
        "characteristics": say_characteristics,
        "occurrence": say_occurrence,
        "recovery": say_recovery,
        "missingness": say_missing,
        "definitions": say_definitions,
        "compare_published": say_published,
        "roc": say_cutoffs,
        "survival": say_survival,
        "time_to_recovery": say_recovery_times,
        "validation": say_validation,
    }
    maker = makers.get(kind)
    return () if maker is None else maker(tables)


def render_results(parts: Iterable[tuple[str, Iterable[str]]], *, title: str, banner: str = "") -> str:
    r"""Return the Results as Markdown.

    Examples
    --------
    >>> print(render_results([("Cohort", ["63 patients."])], title="A_B"), end="")
    # Results: A\_B
    <BLANKLINE>
    ## Cohort
    <BLANKLINE>
    63 patients.
    """
    lines = [f"# Results: {escape_markdown(title)}", "", *([f"**{banner}**", ""] if banner else [])]
    for heading, texts in parts:
        lines += [f"## {escape_markdown(heading)}", ""]
        for text in texts:
            lines += [escape_markdown(text), ""]
    return "\n".join(lines).rstrip() + "\n"
