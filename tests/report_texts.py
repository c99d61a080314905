"""The texts of a report in each of its formats, as another program reads them back."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from html import unescape

from docx import Document
from docx.oxml.ns import qn
from pypdf import PdfReader

from cytopenia.report.content import ReportContent
from cytopenia.report.document import render_report
from cytopenia.report.pdf import render_pdf
from cytopenia.report.sections import ReportSection
from cytopenia.report.word import render_word
from cytopenia.report.workbook import render_workbook
from workbook_reader import read_workbook

FORMATS = ("html", "docx", "xlsx", "pdf")


def render(name: str, content: ReportContent, sections: Sequence[ReportSection]) -> bytes:
    makers = {"docx": render_word, "xlsx": render_workbook, "pdf": render_pdf}
    if name == "html":
        return render_report(content, sections=sections).encode("utf-8")
    return makers[name](content, sections=sections)


def read_text(name: str, data: bytes) -> str:
    """All text of a report on one line, without the spaces that only hold or break words."""
    readers = {"html": _read_html, "docx": _read_word, "xlsx": _read_sheets, "pdf": _read_pdf}
    text = readers[name](data).replace("\N{ZERO WIDTH SPACE}", "")
    return re.sub(r"\s+", " ", text)


def _read_html(data: bytes) -> str:
    body = re.sub(r"<(style|svg)\b.*?</\1>", " ", data.decode("utf-8"), flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", body))


def _read_word(data: bytes) -> str:
    body = Document(io.BytesIO(data)).element.body
    paragraphs = ("".join(node.text or "" for node in one.iter(qn("w:t"))) for one in body.iter(qn("w:p")))
    return "\n".join(paragraphs)


def _read_sheets(data: bytes) -> str:
    return "\n".join(text for sheet in read_workbook(data) for text in sheet.whole)


def _read_pdf(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
