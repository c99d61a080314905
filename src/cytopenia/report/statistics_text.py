"""What the Methods say of statistics, part by part in the order of the report."""

from __future__ import annotations

from cytopenia.report.care_text import care_paragraphs
from cytopenia.report.comparison_text import write_statistics
from cytopenia.report.content import ReportContent
from cytopenia.report.convention_text import convention_paragraphs
from cytopenia.report.imputed_tables import imputation_paragraphs
from cytopenia.report.prediction_text import prediction_paragraphs
from cytopenia.report.published_text import published_paragraphs
from cytopenia.report.references import References
from cytopenia.report.regression_text import regression_paragraphs

__all__ = ["statistics_of_run"]

_PARTS = (
    write_statistics,
    convention_paragraphs,
    regression_paragraphs,
    imputation_paragraphs,
    prediction_paragraphs,
    care_paragraphs,
    published_paragraphs,
)


def statistics_of_run(content: ReportContent, references: References) -> list[str]:
    """Return the paragraphs on statistics; a part that did not run has none."""
    return [text for write in _PARTS for text in write(content, references)]
