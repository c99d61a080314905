"""The report as a Word file: native tables a journal can edit, captions, pictures, and the Methods."""

# The XML library behind Word files ships no types.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cytopenia.report.captions import CaptionNumbers, end_caption, number_captions
from cytopenia.report.content import SEVERITIES, ReportContent
from cytopenia.report.display import clean_text, plural
from cytopenia.report.drawing import SYNTHETIC_LABEL, ReportFigure
from cytopenia.report.journal_styles import in_journal_style, style_words
from cytopenia.report.methods import write_methods_paragraphs
from cytopenia.report.sections import ReportSection, list_sections
from cytopenia.report.table_model import Table
from cytopenia.report.word_parts import (
    NAMESPACE,
    fix_archive,
    write_caption,
    write_paragraph,
    write_run,
    write_table,
)
from cytopenia.report.word_widths import measure_table

__all__ = ["SYNTHETIC_TEXT", "count_findings", "is_wide", "render_word"]

AUTHOR = "cytopenia"
# Part of the file, not of the run: the same content has the same bytes on any day.
WRITTEN = datetime(2000, 1, 1, tzinfo=UTC)
SYNTHETIC_TEXT = "It shows what the report looks like and is evidence about nobody."
POINTER = "Definitions with their rules, and the settings with versions and checksums, stand in methods.md."
MOST_COLUMNS = 6
# A4 and its margins in twentieths of a point.
SHORT_SIDE, LONG_SIDE, PAGE_MARGIN = 11906, 16838, 1134
EMU = 635
# Room that a picture leaves on its page for heading and caption.
BELOW_PICTURE = 2600
FONT, INK = "Arial", "1C2430"
SEVERITY_NAMES = {"error": "error", "warning": "warning", "info": "note"}
KINDS = ("Table", "Figure")

# Paragraph and run properties of each style, in the order that the format wants them in.
STYLES: Mapping[str, tuple[str, str]] = {
    "Normal": (
        '<w:spacing w:after="120" w:line="264" w:lineRule="auto"/>',
        f'<w:rFonts w:ascii="{FONT}" w:hAnsi="{FONT}" w:cs="{FONT}"/><w:sz w:val="20"/><w:szCs w:val="20"/>',
    ),
    "Title": (
        '<w:spacing w:after="160" w:line="240" w:lineRule="auto"/>',
        f'<w:b/><w:color w:val="{INK}"/><w:sz w:val="32"/><w:szCs w:val="32"/>',
    ),
    "Heading 1": (
        '<w:keepNext/><w:keepLines/><w:spacing w:before="320" w:after="120"/><w:outlineLvl w:val="0"/>',
        f'<w:b/><w:bCs/><w:color w:val="{INK}"/><w:sz w:val="26"/><w:szCs w:val="26"/>',
    ),
    "Heading 2": (
        '<w:keepNext/><w:keepLines/><w:spacing w:before="200" w:after="80"/><w:outlineLvl w:val="1"/>',
        f'<w:b/><w:bCs/><w:color w:val="{INK}"/><w:sz w:val="21"/><w:szCs w:val="21"/>',
    ),
    "Caption": (
        '<w:keepLines/><w:spacing w:before="160" w:after="80" w:line="240" w:lineRule="auto"/>',
        f'<w:color w:val="{INK}"/><w:sz w:val="19"/><w:szCs w:val="19"/>',
    ),
    "Table Text": (
        '<w:spacing w:before="30" w:after="24" w:line="240" w:lineRule="auto"/>',
        '<w:sz w:val="17"/><w:szCs w:val="17"/>',
    ),
    "Table Small": (
        '<w:spacing w:before="18" w:after="10" w:line="240" w:lineRule="auto"/>',
        '<w:sz w:val="15"/><w:szCs w:val="15"/>',
    ),
    "Table Note": (
        '<w:keepLines/><w:spacing w:before="30" w:after="0" w:line="240" w:lineRule="auto"/>',
        '<w:sz w:val="15"/><w:szCs w:val="15"/>',
    ),
    "Table End": (
        '<w:spacing w:before="0" w:after="80" w:line="40" w:lineRule="exact"/>',
        '<w:sz w:val="4"/><w:szCs w:val="4"/>',
    ),
    "Picture": (
        '<w:keepNext/><w:spacing w:before="80" w:after="0" w:line="240" w:lineRule="auto"/>'
        '<w:jc w:val="center"/>',
        "",
    ),
    "Banner": (
        '<w:pBdr><w:left w:val="single" w:sz="36" w:space="8" w:color="B8312A"/></w:pBdr>'
        '<w:shd w:val="clear" w:color="auto" w:fill="FBEDEC"/><w:ind w:left="200"/>',
        "",
    ),
}


@in_journal_style
def render_word(content: ReportContent, *, sections: Sequence[ReportSection] | None = None) -> bytes:
    """Return the report as a Word file: tables and figures in the paper's order, then the Methods.

    Tables are native, with three rules and a repeated header; those of more than six columns that an upright
    page would squeeze stand on pages turned sideways. A caption that brings its own label keeps it, any other
    is numbered by a field of Word. Findings about the data are only counted: they are for the one who has the
    data.

    Parameters
    ----------
    content : ReportContent
        Results and evidence of one run; never changed.
    sections : sequence of ReportSection, optional
        From `list_sections`, where they have been made already.

    Returns
    -------
    bytes
        A .docx file without date, computer or user; identical content gives identical bytes.
    """
    from docx import Document

    shown = list_sections(content) if sections is None else sections
    document: Any = Document()
    _set_up(document, content)
    writer = _Writer(document, content, number_captions(content))
    writer.add(write_paragraph(write_run(content.title), style="Title"))
    if content.synthetic:
        banner = write_run(f"{SYNTHETIC_LABEL}.", bold=True) + write_run(" ") + write_run(SYNTHETIC_TEXT)
        writer.add(write_paragraph(banner, style="Banner"))
    for section in shown:
        if not section.is_after_methods:
            writer.add_section(section)
    writer.turn_page(is_wide=False)
    writer.add_heading("Findings about the data", level=1)
    writer.add(write_paragraph(write_run(count_findings(content)), style="Normal"))
    writer.add_heading("Methods", level=1)
    writer.add_texts(write_methods_paragraphs(content))
    writer.add(write_paragraph(write_run(POINTER), style="TableNote"))
    for section in shown:
        if section.is_after_methods:
            writer.add_section(section)
    buffer = io.BytesIO()
    document.save(buffer)
    return fix_archive(buffer.getvalue())


def count_findings(content: ReportContent) -> str:
    """Return how many findings about the data there are of each severity, as one sentence."""
    counts = Counter(content.findings["severity"])
    known = [(SEVERITY_NAMES[name], counts[name]) for name in SEVERITIES if counts[name]]
    if not known:
        return "The checks of the data found nothing to report."
    parts = ", ".join(plural(count, name) for name, count in known)
    return f"The checks of the data found {parts}. report.html and findings.csv list them."


@dataclass
class _Writer:
    """Writes block by block, and remembers what is numbered and how the page lies."""

    document: Any
    content: ReportContent
    captions: CaptionNumbers
    is_wide: bool = False

    @property
    def width(self) -> int:
        """Width of the text, in twentieths of a point."""
        return (LONG_SIDE if self.is_wide else SHORT_SIDE) - 2 * PAGE_MARGIN

    @property
    def height(self) -> int:
        """Height of the text, in twentieths of a point."""
        return (SHORT_SIDE if self.is_wide else LONG_SIDE) - 2 * PAGE_MARGIN

    def add(self, blocks: str) -> None:
        """Put blocks at the end of the document."""
        from docx.oxml import parse_xml

        last: Any = self.document.element.body.get_or_add_sectPr()
        body: Any = parse_xml(f"<w:body {NAMESPACE}>{blocks}</w:body>")
        for block in list(body):
            last.addprevious(block)

    def add_heading(self, text: str, *, level: int, new_page: bool = False) -> None:
        self.add(write_paragraph(write_run(text), style=f"Heading{level}", new_page=new_page))

    def add_texts(self, texts: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Write paragraphs under their headings."""
        for heading, paragraphs in texts:
            self.add_heading(heading, level=2)
            for text in paragraphs:
                self.add(write_paragraph(write_run(style_words(text)), style="Normal"))

    def turn_page(self, *, is_wide: bool) -> None:
        """Begin a new page that lies the other way, if this one does not lie so already."""
        if is_wide == self.is_wide:
            return
        self.is_wide = is_wide
        _lay_page(self.document.add_section(), is_wide=is_wide)
        _move_break(self.document)

    def add_section(self, section: ReportSection) -> None:
        """Write heading, tables and figures; the tables of a section lie the same way."""
        self.turn_page(is_wide=any(map(is_wide, section.tables)))
        self.add_heading(section.title, level=1, new_page=any(one.is_page for one in section.tables))
        self.add_texts(section.texts)
        for table in section.tables:
            self._add_table(table)
        for figure in section.figures:
            self.turn_page(is_wide=False)
            self._add_figure(figure)

    def _add_table(self, table: Table) -> None:
        label, text = self.captions.label("Table", table.caption)
        text = end_caption(text, synthetic=self.content.synthetic)
        self.add(write_caption(label, text, keep_next=True))
        self.add(write_table(table, width=self.width))

    def _add_figure(self, figure: ReportFigure) -> None:
        from docx.shared import Mm

        picture = figure.png
        if picture:
            paragraph = self.document.add_paragraph(style="Picture")
            width = Mm(figure.width_mm) if figure.width_mm else None
            shape = paragraph.add_run().add_picture(io.BytesIO(picture), width=width)
            self._fit(shape)
            described = shape._inline.docPr
            described.set("title", clean_text(figure.title))
            described.set("descr", clean_text(figure.description or figure.title))
        label, text = self.captions.label("Figure", figure.title)
        text = end_caption(f"{text}. {figure.caption}", synthetic=self.content.synthetic)
        self.add(write_caption(label, text, keep_next=False))

    def _fit(self, shape: Any) -> None:
        """Make a picture no larger than the page and than it was drawn."""
        room = (self.width * EMU, (self.height - BELOW_PICTURE) * EMU)
        shrink = min(1.0, room[0] / shape.width, room[1] / shape.height)
        shape.width, shape.height = int(shape.width * shrink), int(shape.height * shrink)


def is_wide(table: Table) -> bool:
    """Whether a table of many columns would be squeezed on an upright page."""
    return len(table.columns) > MOST_COLUMNS and measure_table(table) > SHORT_SIDE - 2 * PAGE_MARGIN


def _set_up(document: Any, content: ReportContent) -> None:
    """Set styles, properties, page, header and footer."""
    _set_styles(document)
    properties = document.core_properties
    properties.title = clean_text(content.title, longest=250)
    properties.author = properties.last_modified_by = AUTHOR
    properties.comments = f"{SYNTHETIC_LABEL}." if content.synthetic else ""
    properties.created = properties.modified = WRITTEN
    for setting in document.settings.element.xpath("//w:compatSetting[@w:name='compatibilityMode']"):
        # As Word 2013 and later write it; else Word opens the file in a mode for older programs.
        setting.set(_qualify("val"), "15")
    page = document.sections[0]
    _lay_page(page, is_wide=False)
    if content.synthetic:
        _fill(page.header, write_run(f"{SYNTHETIC_LABEL}.", bold=True, color="B8312A"), align="right")
    number = f'<w:fldSimple w:instr=" PAGE ">{write_run("1")}</w:fldSimple>'
    _fill(page.footer, number, align="center")


def _fill(part: Any, runs: str, *, align: str) -> None:
    """Replace the one empty paragraph of a header or footer."""
    from docx.oxml import parse_xml

    paragraph = write_paragraph(runs, style="TableText", align=align)
    old = part.paragraphs[0]._p
    old.getparent().replace(old, parse_xml(paragraph.replace("<w:p>", f"<w:p {NAMESPACE}>", 1)))


def _set_styles(document: Any) -> None:
    """Give every style its look; those that Word does not have are made."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.oxml import parse_xml

    known = {style.name for style in document.styles}
    for name, (paragraph, run) in STYLES.items():
        if name not in known:
            document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH).base_style = document.styles["Normal"]
        element = document.styles[name].element
        for old in element.xpath("./w:pPr | ./w:rPr"):
            element.remove(old)
        for tag, look in (("pPr", paragraph), ("rPr", run)):
            if look:
                element.append(parse_xml(f"<w:{tag} {NAMESPACE}>{look}</w:{tag}>"))


def _move_break(document: Any) -> None:
    """Move the section break into the paragraph before it: one of its own could fill a page with nothing."""
    last = document.element.body.xpath("./w:p[w:pPr/w:sectPr]")[-1]
    before = last.getprevious()
    if before is not None and before.tag == last.tag and not before.xpath("./w:pPr/w:sectPr"):
        before.get_or_add_pPr().append(last.pPr.sectPr)
        last.getparent().remove(last)


def _lay_page(section: Any, *, is_wide: bool) -> None:
    """Turn an A4 page upright or sideways."""
    from docx.enum.section import WD_ORIENT
    from docx.shared import Twips

    section.orientation = WD_ORIENT.LANDSCAPE if is_wide else WD_ORIENT.PORTRAIT
    sides = (LONG_SIDE, SHORT_SIDE) if is_wide else (SHORT_SIDE, LONG_SIDE)
    section.page_width, section.page_height = map(Twips, sides)
    for side in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(section, side, Twips(PAGE_MARGIN))


def _qualify(name: str) -> str:
    from docx.oxml.ns import qn

    return qn(f"w:{name}")
