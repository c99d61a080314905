"""The report as PDF: tagged for readers aloud, set by Typst from data and one template of this package."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from cytopenia.report.content import ReportContent
from cytopenia.report.journal_styles import in_journal_style
from cytopenia.report.pdf_data import find_fonts, make_pdf_data
from cytopenia.report.sections import ReportSection, list_sections

__all__ = ["render_pdf"]

# Accessible documents: tags, alternative texts, title and language are demanded, not only allowed.
STANDARD = "ua-1"
# The first day of 2000: part of the file, not of the run.
WRITTEN = 946_684_800


@in_journal_style
def render_pdf(content: ReportContent, *, sections: Sequence[ReportSection] | None = None) -> bytes:
    """Return the report as PDF/UA-1: contents, tables and figures in the paper's order, then the Methods.

    Texts of the study reach the template as data and are shown as they are; a sign that the bundled font
    has not is shown by its number. Fonts of the machine are never used.

    Parameters
    ----------
    content : ReportContent
        Results and evidence of one run; never changed.
    sections : sequence of ReportSection, optional
        From `list_sections`, where they have been made already.

    Returns
    -------
    bytes
        A .pdf file without the date of the run; identical content gives identical bytes.
    """
    import typst

    template = resources.files("cytopenia.report").joinpath("templates", "report.typ").read_bytes()
    data = make_pdf_data(content, list_sections(content) if sections is None else sections)
    fonts: Any = [str(find_fonts())]
    made: Any = typst.compile_with_warnings(
        template,
        font_paths=fonts,
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        pdf_standards=[STANDARD],
        timestamp=WRITTEN,
    )
    return made[0]
